//! User accounts from outside: who administers them, what they are made of, and that somebody always can (S10, S19, S39).

use serde_json::{Value, json};

use crate::support::{App, Client, PASSWORD, Response, both, id};

const AUTHOR: &str = "author@newsroom.test";

/// An account with a password.
fn create(app: &App, email: &str, role: &str) -> Response {
    let input = json!({ "email": email, "name": "Mina Okafor", "role": role, "password": PASSWORD });
    app.admin().post("/v1/users", input).expect(201)
}

fn address(answer: &Response) -> String {
    format!("/v1/users/{}", id(answer))
}

/// The path of somebody's own account.
fn own(client: &Client) -> String {
    address(&client.get("/v1/auth/me").expect(200))
}

fn patch(client: &Client, path: &str, patch: Value) -> Response {
    let etag = client.get(path).expect(200).etag();
    client.patch(path, &etag, patch)
}

fn trash(client: &Client, path: &str) -> Response {
    let etag = client.get(path).expect(200).etag();
    client.delete(path, &etag)
}

fn emails(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect()
}

both! {
    fn an_account_is_created_read_changed_trashed_and_restored(app) {
        let admin = app.admin();
        let created = create(app, "Mina@Newsroom.test", "author");
        let path = address(&created);
        assert_eq!(created.header("location"), Some(path.as_str()));
        assert_eq!(created.etag(), "\"r1\"");
        let user = created.json();
        assert_eq!((&user["email"], &user["name"], &user["role"]), (&json!("Mina@Newsroom.test"), &json!("Mina Okafor"), &json!("author")));
        assert_eq!((&user["staff"], &user["disabled"], &user["revision"]), (&Value::Null, &json!(false), &json!(1)));
        assert_eq!(admin.get(&path).expect(200).json(), user);
        app.login("mina@newsroom.test", PASSWORD).expect(200);

        let changed = admin.patch(&path, &created.etag(), json!({ "name": "Mina", "role": "editor" })).expect(200);
        assert_eq!((changed.etag().as_str(), &changed.json()["name"], &changed.json()["role"]), ("\"r2\"", &json!("Mina"), &json!("editor")));
        let same = admin.patch(&path, &changed.etag(), json!({ "name": "Mina" })).expect(200);
        assert_eq!(same.etag(), "\"r2\"", "what changes nothing is no revision");

        let trashed = admin.delete(&path, &same.etag()).expect(204);
        app.login("mina@newsroom.test", PASSWORD).expect(401);
        assert!(admin.get(&path).expect(200).json()["trashed_at"].is_string());
        assert!(!emails(&admin.get("/v1/users").expect(200).json()).contains(&"Mina@Newsroom.test"));
        assert_eq!(emails(&admin.get("/v1/users?trashed=true").expect(200).json()), ["Mina@Newsroom.test"]);
        assert_eq!(admin.patch(&path, &trashed.etag(), json!({ "name": "X" })).expect(409).problem(), "invalid_transition");
        assert_eq!(admin.delete(&path, &trashed.etag()).expect(409).problem(), "invalid_transition");
        admin.post(&format!("{path}/password-reset"), json!({})).expect(409);

        let restored = admin.verb(&format!("{path}/restore"), &trashed.etag()).expect(200);
        assert_eq!(restored.json().get("trashed_at"), None);
        assert_eq!(admin.verb(&format!("{path}/restore"), &restored.etag()).expect(409).problem(), "invalid_transition");
        app.login("mina@newsroom.test", PASSWORD).expect(200);
    }

    fn every_fault_of_an_input_is_named(app) {
        let admin = app.admin();
        let post = |body: Value| admin.post("/v1/users", body).expect(422).pointers();

        assert_eq!(post(json!({})), ["/email", "/name", "/role"]);
        let mut all = post(json!({ "email": "x", "name": "", "role": "root", "staff": 7, "disabled": "no", "password": 1, "is_admin": true }));
        all.sort();
        assert_eq!(all, ["/disabled", "/email", "/is_admin", "/name", "/password", "/role", "/staff"]);
        let valid = json!({ "email": "x@newsroom.test", "name": "X", "role": "author" });
        for (name, value) in [
            ("email", json!("two@at@signs.test")), ("email", json!("a b@c.test")), ("email", json!(format!("{}@c.test", "x".repeat(250)))), ("email", json!("a@b\u{0}.test")),
            ("name", json!("x".repeat(101))), ("name", json!("two\nlines")), ("name", json!("  ")), ("name", json!("a\u{0}b")),
            ("role", json!("Admin")), ("role", json!(["admin"])), ("role", Value::Null), ("staff", json!("nobody-known")), ("staff", json!(uuid::Uuid::now_v7())),
            ("password", json!("too short")), ("password", json!("x".repeat(257))), ("password", json!("passwordpassword")), ("password", json!({})),
            ("id", json!(uuid::Uuid::now_v7())), ("password_hash", json!("$argon2id$")), ("created_at", json!("2001-01-01T00:00:00Z")), ("revision", json!(9)),
        ] {
            let mut body = valid.clone();
            body[name] = value.clone();
            let pointers = post(body);
            assert!(!pointers.is_empty() && pointers.iter().all(|pointer| *pointer == format!("/{name}")), "{name} {value}: {pointers:?}");
        }
        assert_eq!(emails(&admin.get("/v1/users").expect(200).json()).len(), 4);
        admin.post("/v1/users", valid).expect(201);
    }

    fn an_address_has_one_account_in_whatever_case(app) {
        let admin = app.admin();
        let created = create(app, "Mina@Newsroom.test", "author");
        let input = |email: &str| json!({ "email": email, "name": "Another", "role": "author" });

        let taken = admin.post("/v1/users", input("mINA@newsroom.TEST")).expect(409);
        assert_eq!((taken.problem().as_str(), taken.pointers()), ("email_taken", vec!["/email".to_owned()]));
        assert_eq!(patch(&admin, &own(&app.author()), json!({ "email": "MINA@newsroom.test" })).expect(409).problem(), "email_taken");
        trash(&admin, &address(&created)).expect(204);
        admin.post("/v1/users", input("mina@newsroom.test")).expect(409);
        // One's own address in another case is no conflict.
        patch(&admin, &own(&app.author()), json!({ "email": "Author@Newsroom.test" })).expect(200);
        app.login(AUTHOR, PASSWORD).expect(200);
    }

    fn the_last_administrator_stays(app) {
        let (admin, path) = (app.admin(), own(&app.admin()));

        for body in [json!({ "role": "editor" }), json!({ "disabled": true }), json!({ "role": "author", "name": "X" })] {
            assert_eq!(patch(&admin, &path, body).expect(409).problem(), "last_admin");
        }
        assert_eq!(trash(&admin, &path).expect(409).problem(), "last_admin");
        // One who cannot log in is none.
        admin.post("/v1/users", json!({ "email": "new@newsroom.test", "name": "New", "role": "admin" })).expect(201);
        let disabled = create(app, "disabled@newsroom.test", "admin");
        admin.patch(&address(&disabled), &disabled.etag(), json!({ "disabled": true })).expect(200);
        assert_eq!(trash(&admin, &path).expect(409).problem(), "last_admin");
        assert_eq!(admin.get(&path).expect(200).json()["role"], "admin");
        assert_eq!(admin.get(&path).expect(200).etag(), "\"r1\"");

        create(app, "second@newsroom.test", "admin");
        patch(&admin, &path, json!({ "role": "editor" })).expect(200);
        admin.get("/v1/users").expect(403);
        let second = app.logged_in("second@newsroom.test");
        assert_eq!(trash(&second, &own(&second)).expect(409).problem(), "last_admin");
    }

    fn nobody_gives_themselves_anything(app) {
        for (client, name) in [(app.author(), "author"), (app.editor(), "editor")] {
            let path = own(&client);
            for body in [json!({ "role": "admin" }), json!({ "email": "x@newsroom.test" }), json!({ "disabled": false }), json!({ "password": "green kettle on the roof" })] {
                client.patch(&path, "\"r1\"", body.clone()).expect(403);
                client.patch(&own(&app.admin()), "*", body.clone()).expect(403);
                for method in ["PATCH", "PUT", "POST"] {
                    client.request(method, "/v1/auth/me").json(&body).send().expect(405);
                }
            }
            client.get(&path).expect(403);
            client.get(&format!("/v1/users/{}", uuid::Uuid::now_v7())).expect(403);
            assert_eq!(client.get("/v1/auth/me").expect(200).json()["role"], name);
        }
        let admin = app.admin();
        let path = own(&app.author());
        for body in [json!({ "email_verified": true }), json!({ "token_version": 0 }), json!({ "password_hash": "x" }), json!({ "revision": 7 }), json!({ "trashed_at": null }), json!({ "id": "x" })] {
            patch(&admin, &path, body).expect(422);
        }
        assert_eq!(admin.get(&path).expect(200).etag(), "\"r1\"");
    }

    fn a_password_is_never_shown_and_never_patched(app) {
        let secret = "six tall ladders lean";
        let admin = app.admin();
        let created = admin.post("/v1/users", json!({ "email": "mina@newsroom.test", "name": "Mina", "role": "author", "password": secret })).expect(201);
        let path = address(&created);

        for value in [json!("green kettle on the roof"), Value::Null, json!(""), json!({})] {
            let refused = admin.patch(&path, &created.etag(), json!({ "password": value, "name": "X" })).expect(422);
            assert_eq!(refused.pointers(), ["/password"]);
            assert!(refused.text().contains("password-reset") && !refused.text().contains("kettle"));
        }

        let stale = admin.patch(&path, "\"r7\"", json!({ "name": "X" })).expect(412);
        for answer in [created, stale, admin.get(&path).expect(200), admin.get("/v1/users").expect(200)] {
            assert!(!answer.text().contains(secret) && !answer.text().contains("argon2"), "{}", answer.text());
        }
        let weak = admin.post("/v1/users", json!({ "email": "b@newsroom.test", "name": "B", "role": "author", "password": "letmein-letmein" }));
        assert!(!weak.text().contains("letmein"));
        app.login("mina@newsroom.test", secret).expect(200);
        let kept = app.database.sql("SELECT content AS line FROM resource_revisions") + &app.database.sql("SELECT body AS line FROM idempotency_keys");
        assert!(!kept.contains(secret) && !kept.contains("argon2"));
    }

    fn an_account_without_a_password_needs_a_reset_first(app) {
        let created = app.admin().post("/v1/users", json!({ "email": "mina@newsroom.test", "name": "Mina", "role": "author" })).expect(201);
        app.login("mina@newsroom.test", PASSWORD).expect(401);

        let reset = app.admin().post(&format!("{}/password-reset", address(&created)), json!({})).expect(200).json();
        let body = json!({ "token": reset["token"], "new_password": "green kettle on the roof" });
        app.anonymous().post("/v1/auth/password-reset", body).expect(204);

        app.login("mina@newsroom.test", "green kettle on the roof").expect(200);
        assert_eq!(app.admin().get(&address(&created)).expect(200).etag(), created.etag(), "a new password is no revision");
    }

    fn a_write_says_what_it_is_based_on(app) {
        let admin = app.admin();
        let created = create(app, "mina@newsroom.test", "author");
        let path = address(&created);
        let restore = format!("{path}/restore");

        admin.request("PATCH", &path).json(&json!({ "name": "X" })).send().expect(428);
        admin.request("DELETE", &path).send().expect(428);
        admin.request("POST", &restore).json(&json!({})).send().expect(428);
        admin.patch(&path, "\"r1\"", json!({ "name": "Mina" })).expect(200);
        let stale = admin.patch(&path, "\"r1\"", json!({ "role": "admin" })).expect(412).json();
        assert_eq!(stale["current_etag"], "\"r2\"");
        assert_eq!(stale["members"]["role"], json!({ "base": "author", "yours": "admin", "theirs": "author" }));
        assert_eq!(stale["members"]["name"]["theirs"], "Mina");
        for etag in ["\"r1\"", "W/\"r2\"", "\"other\"", "\"r99\"", "\"r-1\"", "\"r02\""] {
            admin.delete(&path, etag).expect(412);
        }
        for malformed in ["r2", "\"r2", "\"r1\" \"r2\""] {
            let status = admin.delete(&path, malformed).status;
            assert!(matches!(status, 400 | 412), "{malformed}: {status}");
        }
        admin.delete(&path, "\"r1\", \"r2\"").expect(204);
        let trashed = admin.get(&path).expect(200).etag();
        admin.verb(&restore, "\"r2\"").expect(412);
        admin.verb(&restore, &trashed).expect(200);
    }

    fn accounts_are_listed_in_the_order_of_their_creation(app) {
        let admin = app.admin();
        for index in 0..5 {
            create(app, &format!("more-{index}@newsroom.test"), "author");
        }
        let all = admin.get("/v1/users?limit=100").expect(200).json();
        let all = emails(&all);
        assert_eq!(all.len(), 9);
        assert!(all[4..].iter().enumerate().all(|(index, email)| *email == format!("more-{index}@newsroom.test")), "{all:?}");

        let mut found: Vec<String> = Vec::new();
        let mut path = "/v1/users?limit=4".to_owned();
        let mut last;
        loop {
            let answer = admin.get(&path).expect(200);
            last = answer.json();
            found.extend(emails(&last).into_iter().map(str::to_owned));
            let Some(next) = last["page"]["next"].as_str() else { break };
            assert!(answer.header("link").unwrap().contains("rel=\"next\""));
            path = format!("/v1/users?limit=4&cursor={next}");
        }
        assert_eq!(found, all);
        let back = admin.get(&format!("/v1/users?limit=4&cursor={}", last["page"]["prev"].as_str().unwrap())).expect(200).json();
        assert_eq!(emails(&back), all[4..8]);

        assert_eq!(emails(&admin.get("/v1/users?role=editor").expect(200).json()), ["editor@newsroom.test"]);
        assert_eq!(emails(&admin.get("/v1/users?role=author&limit=100").expect(200).json()).len(), 7);
        let cursor = admin.get("/v1/users?limit=1").expect(200).json()["page"]["next"].as_str().unwrap().to_owned();
        for query in [
            "role=root", "role=", "limit=0", "limit=101", "limit=-1", "limit=1e3", "limit=99999999999999999999", "trashed=maybe", "cursor=x", "cursor=", "sort=email",
            "email=author@newsroom.test", "filter[password_hash][starts_with]=$a", "password_hash=x", "fields=password_hash", "role=admin&role=editor",
            &format!("role=editor&cursor={cursor}"), &format!("trashed=true&cursor={cursor}"), &format!("cursor={cursor}x"), &format!("cursor={}", &cursor[1..]),
        ] {
            admin.get(&format!("/v1/users?{query}")).expect(400);
        }
    }

    fn an_account_may_be_linked_to_a_staff_profile(app) {
        let admin = app.admin();
        let profile = app.staff("Mina Okafor");
        let input = json!({ "email": "mina@newsroom.test", "name": "Mina", "role": "author", "staff": "mina-okafor" });
        let created = admin.post("/v1/users", input).expect(201);
        let path = address(&created);
        assert_eq!(created.json()["staff"]["id"], profile["id"]);
        assert_eq!(created.json()["staff"]["name"], "Mina Okafor");

        // The profile shows nothing of the account, and stays while the account is linked to it.
        let staff = format!("/v1/staff/{}", profile["id"].as_str().unwrap());
        for text in [app.anonymous().get(&staff).expect(200).text(), app.anonymous().get("/v1/staff").expect(200).text()] {
            assert!(!text.contains("mina@newsroom.test") && !text.contains(&id(&created)), "{text}");
        }
        let in_use = app.editor().delete(&staff, "\"r1\"").expect(409);
        assert_eq!((in_use.problem().as_str(), &in_use.json()["uses"]), ("in_use", &json!(1)));
        assert!(!in_use.text().contains("mina@newsroom.test"));

        let unlinked = patch(&admin, &path, json!({ "staff": null })).expect(200);
        assert_eq!(unlinked.json()["staff"], Value::Null);
        app.editor().delete(&staff, "\"r1\"").expect(204);
        assert_eq!(patch(&admin, &path, json!({ "staff": profile["id"] })).expect(422).pointers(), ["/staff"]);
    }

    fn a_repeated_creation_makes_one_account(app) {
        let admin = app.admin();
        let post = |body: &Value| admin.request("POST", "/v1/users").header("idempotency-key", "mina").json(body).send();
        let input = json!({ "email": "mina@newsroom.test", "name": "Mina", "role": "author", "password": PASSWORD });

        let first = post(&input).expect(201);
        let second = post(&input).expect(201);

        assert_eq!((first.json(), second.header("idempotent-replayed")), (second.json(), Some("true")));
        let mut other = input.clone();
        other["role"] = json!("admin");
        assert_eq!(post(&other).expect(422).problem(), "idempotency_mismatch");
        assert_eq!(emails(&admin.get("/v1/users").expect(200).json()).len(), 5);
    }

    fn an_id_is_an_id(app) {
        let admin = app.admin();
        let path = own(&app.author());
        for wrong in ["1", "x", "me", AUTHOR, &format!("{}x", path.trim_start_matches("/v1/users/")), &uuid::Uuid::now_v7().to_string()] {
            admin.get(&format!("/v1/users/{wrong}")).expect(404);
            admin.patch(&format!("/v1/users/{wrong}"), "*", json!({ "name": "X" })).expect(404);
            admin.delete(&format!("/v1/users/{wrong}"), "*").expect(404);
        }
        admin.get(&format!("{path}?id=1")).expect(400);
        admin.request("PATCH", &format!("{path}?id=1")).header("if-match", "*").json(&json!({ "name": "X" })).send().expect(400);
        assert_eq!(admin.get(&path).expect(200).etag(), "\"r1\"");
    }
}
