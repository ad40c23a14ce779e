//! Logins from outside: sessions and their refresh tokens (S30–S34), passwords (S37–S40), resets (S23, S45), throttling
//! (S41, S42), and what nobody learns (S43).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Barrier,
    thread,
};

use serde_json::{Value, json};

use crate::support::{App, Client, PASSWORD, Response, both, id};

const AUTHOR: &str = "author@newsroom.test";
const NEW: &str = "green kettle on the roof";

/// A session: the tokens of a login.
struct Login {
    client: Client,
    refresh: String,
}

fn log_in(app: &App, email: &str) -> Login {
    tokens(app, &app.login(email, PASSWORD).expect(200))
}

fn tokens(app: &App, answer: &Response) -> Login {
    let tokens = answer.json();
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    Login { client: app.anonymous().with_token(&text("access_token")), refresh: text("refresh_token") }
}

fn refresh(app: &App, token: &str) -> Response {
    app.anonymous().post("/v1/auth/refresh", json!({ "refresh_token": token }))
}

fn change_password(client: &Client, current: &str, new: &str) -> Response {
    let body = json!({ "current_password": current, "new_password": new });
    client.request("PUT", "/v1/auth/password").json(&body).send()
}

fn reset_password(app: &App, token: &str, new: &str) -> Response {
    app.anonymous().post("/v1/auth/password-reset", json!({ "token": token, "new_password": new }))
}

fn is_in_force(client: &Client) -> bool {
    match client.get("/v1/auth/me").status {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

fn user(app: &App, email: &str) -> Value {
    let users = app.admin().get("/v1/users?limit=100").expect(200).json();
    users["data"].as_array().unwrap().iter().find(|user| user["email"] == email).unwrap().clone()
}

fn user_path(app: &App, email: &str) -> String {
    format!("/v1/users/{}", user(app, email)["id"].as_str().unwrap())
}

fn change_user(app: &App, email: &str, patch: Value) {
    let path = user_path(app, email);
    let etag = app.admin().get(&path).expect(200).etag();
    app.admin().patch(&path, &etag, patch).expect(200);
}

fn trash_user(app: &App, email: &str) {
    let path = user_path(app, email);
    let etag = app.admin().get(&path).expect(200).etag();
    app.admin().delete(&path, &etag).expect(204);
}

fn start_reset(app: &App, email: &str) -> String {
    let answer = app.admin().post(&format!("{}/password-reset", user_path(app, email)), json!({})).expect(200);
    answer.json()["token"].as_str().unwrap().to_owned()
}

fn create_user(app: &App, email: &str, password: Option<&str>) {
    let mut input = json!({ "email": email, "name": "Somebody", "role": "author" });
    if let Some(password) = password {
        input["password"] = json!(password);
    }
    app.admin().post("/v1/users", input).expect(201);
}

/// Another server on the same database.
fn another(app: &App, settings: &[(&str, &str)]) -> App {
    App::start_on(app.database.clone(), settings)
}

/// A login with whatever headers somebody makes up.
fn attempt(app: &App, email: &str, password: &str, headers: &[(&str, &str)]) -> u16 {
    let client = app.anonymous();
    let request = headers
        .iter()
        .fold(client.request("POST", "/v1/auth/token"), |request, (name, value)| request.header(name, value));
    request.json(&json!({ "email": email, "password": password })).send().status
}

/// An answer without what is different in every answer.
fn normal(answer: &Response) -> (u16, Value, BTreeMap<String, String>) {
    let mut problem = answer.json();
    problem["instance"] = json!("-");
    let mut headers: BTreeMap<_, _> = answer.headers.clone().into_iter().collect();
    for name in ["x-request-id", "date"] {
        headers.remove(name);
    }
    (answer.status, problem, headers)
}

both! {
    fn a_login_answers_with_tokens_that_work(app) {
        let answer = app.login("AUTHOR@Newsroom.TEST", PASSWORD).expect(200);

        let body = answer.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
        assert_eq!(body.as_object().unwrap().len(), 4);
        let me = tokens(app, &answer).client.get("/v1/auth/me").expect(200);
        assert_eq!((&me.json()["email"], &me.json()["role"]), (&json!(AUTHOR), &json!("author")));
        assert!(me.header("cache-control").unwrap().contains("no-store"));
    }

    fn whoever_cannot_log_in_learns_nothing(app) {
        for name in ["disabled", "trashed", "both"] {
            create_user(app, &format!("{name}@newsroom.test"), Some(PASSWORD));
        }
        create_user(app, "passwordless@newsroom.test", None);
        for name in ["disabled", "both"] {
            change_user(app, &format!("{name}@newsroom.test"), json!({ "disabled": true }));
        }
        for name in ["trashed", "both"] {
            trash_user(app, &format!("{name}@newsroom.test"));
        }

        let wrong = app.login(AUTHOR, "not the password at all").expect(401);
        assert_eq!(wrong.problem(), "invalid_credentials");
        // The token that came along was not looked at.
        let beside = app.editor().post("/v1/auth/token", json!({ "email": "editor@newsroom.test", "password": "not this one" })).expect(401);
        assert_eq!(beside.header("www-authenticate"), Some(r#"Bearer realm="frontpage""#));
        let too_long = "x".repeat(10_000);
        for (email, password) in [
            ("nobody@newsroom.test", PASSWORD), ("disabled@newsroom.test", PASSWORD), ("trashed@newsroom.test", PASSWORD),
            ("both@newsroom.test", PASSWORD), ("passwordless@newsroom.test", PASSWORD), ("passwordless@newsroom.test", ""),
            (AUTHOR, ""), (AUTHOR, &too_long), (AUTHOR, "a\u{0}b"), ("nobody@newsroom.test", &too_long), ("editor+tag@newsroom.test", PASSWORD),
        ] {
            let answer = app.login(email, password);
            assert_eq!(normal(&answer), normal(&wrong), "{email}");
        }
    }

    fn a_login_takes_exactly_an_address_and_a_password(app) {
        let post = |body: Value| app.anonymous().post("/v1/auth/token", body);

        assert_eq!(post(json!({})).expect(422).pointers(), ["/email", "/password"]);
        assert_eq!(post(json!({ "email": AUTHOR, "password": PASSWORD, "role": "admin" })).expect(422).pointers(), ["/role"]);
        for wrong in [json!({}), json!([]), json!(null), json!(true), json!(0), json!({ "$ne": null }), json!([PASSWORD])] {
            assert_eq!(post(json!({ "email": AUTHOR, "password": wrong })).expect(422).pointers()[0].split('/').nth(1), Some("password"));
            assert_eq!(post(json!({ "email": wrong, "password": PASSWORD })).expect(422).pointers()[0].split('/').nth(1), Some("email"));
        }
        for wrong in ["", "author", "@newsroom.test", "author@", "a b@newsroom.test", "author@newsroom.test\u{0}"] {
            assert_eq!(post(json!({ "email": wrong, "password": PASSWORD })).expect(422).pointers(), ["/email"], "{wrong:?}");
        }
        let form = format!("email={AUTHOR}&password={PASSWORD}");
        let client = app.anonymous();
        client.request("POST", "/v1/auth/token").body("application/x-www-form-urlencoded", form.into_bytes()).send().expect(415);
        client.request("POST", "/v1/auth/token?x=1").json(&json!({ "email": AUTHOR, "password": PASSWORD })).send().expect(400);
        client.get("/v1/auth/token").expect(405);
    }

    fn a_repeated_login_begins_another_session(app) {
        let post = |key: &str| {
            let client = app.anonymous();
            let request = client.request("POST", "/v1/auth/token").header("idempotency-key", key);
            request.json(&json!({ "email": AUTHOR, "password": PASSWORD })).send()
        };

        let [a, b] = [post("one-key").expect(200), post("one-key").expect(200)];

        assert_ne!(a.json()["refresh_token"], b.json()["refresh_token"]);
        assert_eq!(b.header("idempotent-replayed"), None);
        post(&"k".repeat(256)).expect(400);
        assert_eq!(app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM idempotency_keys"), "0");
    }

    fn refreshing_rotates_the_token_and_keeps_the_session(app) {
        let login = log_in(app, AUTHOR);

        let mut last = login.refresh.clone();
        for _ in 0..3 {
            let next = tokens(app, &refresh(app, &last).expect(200));
            assert_ne!(next.refresh, last);
            assert!(is_in_force(&next.client));
            last = next.refresh;
        }

        assert!(is_in_force(&login.client), "an access token stays in force until it expires");
        let sessions = login.client.get("/v1/auth/sessions").expect(200).json();
        assert_eq!(sessions["data"].as_array().unwrap().len(), 1);
        for wrong in ["", "fpr_", "x", &"fpr_A".repeat(1000), &format!("fpr_{}", "A".repeat(43)), &format!("{last} "), &last.to_lowercase()] {
            assert_eq!(refresh(app, wrong).expect(401).problem(), "unauthenticated");
        }
        for wrong in [json!({}), json!([]), json!(null), json!(true), json!(0)] {
            app.anonymous().post("/v1/auth/refresh", json!({ "refresh_token": wrong })).expect(422);
        }
        refresh(app, &last).expect(200);
    }

    fn a_used_refresh_token_that_comes_back_ends_the_whole_family(app) {
        let strict = another(app, &[("FRONTPAGE_REFRESH_GRACE_SECONDS", "0")]);
        let (victim, other) = (log_in(&strict, AUTHOR), log_in(&strict, AUTHOR));
        let second = tokens(&strict, &refresh(&strict, &victim.refresh).expect(200));
        let third = tokens(&strict, &refresh(&strict, &second.refresh).expect(200));

        refresh(&strict, &victim.refresh).expect(401);

        for token in [&victim.refresh, &second.refresh, &third.refresh] {
            refresh(&strict, token).expect(401);
            refresh(app, token).expect(401);
        }
        for client in [&victim.client, &second.client, &third.client] {
            assert!(!is_in_force(client));
        }
        assert!(is_in_force(&other.client), "the other session has nothing to do with it");
        refresh(&strict, &other.refresh).expect(200);
    }

    fn a_retry_within_the_grace_gets_a_sibling(app) {
        let login = log_in(app, AUTHOR);
        let first = tokens(app, &refresh(app, &login.refresh).expect(200));

        let sibling = tokens(app, &refresh(app, &login.refresh).expect(200));

        assert_ne!(first.refresh, sibling.refresh);
        for token in [&first.refresh, &sibling.refresh] {
            refresh(app, token).expect(200);
        }
        assert_eq!(login.client.get("/v1/auth/sessions").expect(200).json()["data"].as_array().unwrap().len(), 1);
    }

    fn a_session_that_is_over_is_over(app) {
        let login = log_in(app, AUTHOR);

        app.database.sql("UPDATE sessions SET expires_at = created_at");

        assert!(!is_in_force(&login.client));
        refresh(app, &login.refresh).expect(401);
        app.login(AUTHOR, PASSWORD).expect(200);
    }

    fn logging_out_ends_this_session_on_all_servers(app) {
        let other_server = another(app, &[]);
        let (login, stays) = (log_in(app, AUTHOR), log_in(app, AUTHOR));
        assert!(is_in_force(&other_server.anonymous().with_token(login.client.token.as_ref().unwrap())));

        login.client.post("/v1/auth/logout", json!({})).expect(204);

        for server in [app, &other_server] {
            assert!(!is_in_force(&server.anonymous().with_token(login.client.token.as_ref().unwrap())));
            refresh(server, &login.refresh).expect(401);
        }
        assert!(is_in_force(&stays.client));
        refresh(app, &stays.refresh).expect(200);
        login.client.post("/v1/auth/logout", json!({})).expect(401);
    }

    fn sessions_are_listed_and_ended_by_their_owner_only(app) {
        let login = |agent: &str| {
            let client = app.anonymous();
            let request = client.request("POST", "/v1/auth/token").header("user-agent", agent);
            tokens(app, &request.json(&json!({ "email": AUTHOR, "password": PASSWORD })).send().expect(200))
        };
        let (phone, desk) = (login("Phone/1.0"), login(&"D".repeat(1000)));
        let colleague = log_in(app, "colleague@newsroom.test");

        let list = desk.client.get("/v1/auth/sessions").expect(200).json();
        let data = list["data"].as_array().unwrap();
        assert_eq!(data.iter().map(|session| session["current"].as_bool().unwrap()).collect::<Vec<_>>(), [true, false]);
        assert_eq!((&data[0]["user_agent"], &data[1]["user_agent"]), (&json!("D".repeat(200)), &json!("Phone/1.0")));
        let path = format!("/v1/auth/sessions/{}", data[1]["id"].as_str().unwrap());
        // Page by page.
        let first = desk.client.get("/v1/auth/sessions?limit=1").expect(200).json();
        let next = desk.client.get(&format!("/v1/auth/sessions?limit=1&cursor={}", first["page"]["next"].as_str().unwrap())).expect(200).json();
        assert_eq!((&next["data"][0]["id"], &next["page"]["next"]), (&data[1]["id"], &Value::Null));
        // A cursor is its owner's.
        let cursor = first["page"]["next"].as_str().unwrap();
        colleague.client.get(&format!("/v1/auth/sessions?limit=1&cursor={cursor}")).expect(400);

        colleague.client.request("DELETE", &path).send().expect(404);
        app.admin().request("DELETE", &path).send().expect(404);
        assert!(is_in_force(&phone.client));
        desk.client.request("DELETE", &path).send().expect(204);
        assert!(!is_in_force(&phone.client) && is_in_force(&desk.client));
        desk.client.request("DELETE", &path).send().expect(404);
        for nothing in ["x", "0", &uuid::Uuid::now_v7().to_string()] {
            desk.client.request("DELETE", &format!("/v1/auth/sessions/{nothing}")).send().expect(404);
        }
        desk.client.request("DELETE", "/v1/auth/sessions").send().expect(204);
        assert!(!is_in_force(&desk.client) && is_in_force(&colleague.client));
        refresh(app, &desk.refresh).expect(401);
    }

    fn changing_the_password_takes_the_present_one_and_ends_the_other_sessions(app) {
        let other_server = another(app, &[]);
        let (own, other) = (log_in(app, AUTHOR), log_in(app, AUTHOR));
        let reset = start_reset(app, AUTHOR);

        assert_eq!(change_password(&own.client, "not the present one", NEW).expect(422).pointers(), ["/current_password"]);
        assert_eq!(change_password(&own.client, "", NEW).expect(422).pointers(), ["/current_password"]);
        let put = |body: Value| own.client.request("PUT", "/v1/auth/password").json(&body).send();
        assert_eq!(put(json!({ "new_password": NEW })).expect(422).pointers(), ["/current_password"]);
        assert_eq!(put(json!({ "current_password": PASSWORD, "new_password": NEW, "user": "x" })).expect(422).pointers(), ["/user"]);
        assert!(is_in_force(&other.client));
        app.login(AUTHOR, NEW).expect(401);

        change_password(&own.client, PASSWORD, NEW).expect(204);

        assert!(is_in_force(&own.client));
        for server in [app, &other_server] {
            assert!(!is_in_force(&server.anonymous().with_token(other.client.token.as_ref().unwrap())));
            refresh(server, &other.refresh).expect(401);
            server.login(AUTHOR, PASSWORD).expect(401);
            server.login(AUTHOR, NEW).expect(200);
        }
        refresh(app, &own.refresh).expect(200);
        // A reset that was under way is void.
        assert_eq!(reset_password(app, &reset, "six tall ladders lean").expect(422).pointers(), ["/token"]);
    }

    fn what_a_password_may_be(app) {
        let own = log_in(app, AUTHOR);
        // Nothing that anybody guesses, whatever the length.
        let long = |n: usize| "tulip-Kz7 veranda/Quartz 91 ledger? ombre Wick&fjord ".chars().cycle().take(n).collect::<String>();
        for (password, codes) in [
            (long(14), vec!["password_too_short"]),
            (long(257), vec!["password_too_long"]),
            ("🗞".repeat(257), vec!["password_too_long"]),
            ("aaaaaaaaaaaaaaa".to_owned(), vec!["password_too_common"]),
            ("passwordpassword".to_owned(), vec!["password_too_common"]),
            ("123456789012345".to_owned(), vec!["password_too_common"]),
            ("letmein".to_owned(), vec!["password_too_short", "password_too_common"]),
            ("frontpagefrontpage".to_owned(), vec!["password_too_common"]),
            (format!("{}\0", long(20)), vec!["password_control_character"]),
            (format!("{}\n", long(20)), vec!["password_control_character"]),
        ] {
            let answer = change_password(&own.client, PASSWORD, &password).expect(422);
            let problem = answer.json();
            let found: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|fault| fault["code"].as_str().unwrap()).collect();
            assert_eq!(found, codes, "{password:?}");
            assert!(answer.pointers().iter().all(|pointer| pointer == "/new_password"), "{password:?}");
            assert!(!answer.text().contains(&long(14)), "the password is shown");
        }
        let email = change_password(&own.client, PASSWORD, AUTHOR).expect(422);
        assert!(email.text().contains("password_contains_email"));

        let mut current = PASSWORD.to_owned();
        for password in [long(15), long(64), long(128), long(256), "  leading and trailing spaces  ".to_owned(), "🦜🌋🧵🪐🍉🎷🦔🚲🧲🪁🥨🛶🎏🧦🪗".to_owned()] {
            change_password(&own.client, &current, &password).expect(204);
            app.login(AUTHOR, &password).expect(200);
            current = password;
        }
    }

    fn all_of_a_password_counts(app) {
        let password: String = "tulip-Kz7 veranda/Quartz 91 ledger? ombre Wick&fjord ".chars().cycle().take(99).chain(['x']).collect();
        change_password(&app.author(), PASSWORD, &password).expect(204);
        let cut: String = password.chars().take(72).collect();
        let last: String = password.chars().take(99).chain(['y']).collect();

        for wrong in [cut, last, password.to_uppercase(), password.to_lowercase(), format!("{password} "), format!(" {password}"), password[..99].to_owned()] {
            app.login(AUTHOR, &wrong).expect(401);
        }
        app.login(AUTHOR, &password).expect(200);
    }

    fn a_letter_may_be_typed_in_two_ways(app) {
        change_password(&app.author(), PASSWORD, "naïve café über façade").expect(204);

        app.login(AUTHOR, "nai\u{308}ve cafe\u{301} u\u{308}ber fac\u{327}ade").expect(200);
        app.login(AUTHOR, "naive cafe uber facade").expect(401);
    }

    fn a_reset_sets_a_password_once_and_ends_all_sessions(app) {
        let login = log_in(app, AUTHOR);
        let (void, token) = (start_reset(app, AUTHOR), start_reset(app, AUTHOR));
        assert_eq!((token.len(), &token[..4]), (47, "fpp_"));
        let stored = app.database.sql("SELECT digest AS line FROM password_resets");
        assert!(stored.len() == 64 && !stored.contains(&token[4..]), "{stored}");

        assert_eq!(reset_password(app, &void, NEW).expect(422).pointers(), ["/token"], "a second request voids the first");
        assert_eq!(reset_password(app, &token, "too short").expect(422).pointers()[0], "/new_password");
        app.login(AUTHOR, PASSWORD).expect(200);
        reset_password(app, &token, NEW).expect(204);

        assert!(!is_in_force(&login.client));
        refresh(app, &login.refresh).expect(401);
        app.login(AUTHOR, PASSWORD).expect(401);
        app.login(AUTHOR, NEW).expect(200);
        assert_eq!(reset_password(app, &token, "six tall ladders lean").expect(422).pointers(), ["/token"], "reuse");
        app.login(AUTHOR, NEW).expect(200);
    }

    fn a_reset_that_is_late_or_for_another_address_is_void(app) {
        let late = start_reset(app, AUTHOR);
        app.database.sql("UPDATE password_resets SET expires_at = (SELECT MIN(created_at) FROM users)");
        let first = reset_password(app, &late, NEW).expect(422);
        let moved = start_reset(app, "colleague@newsroom.test");
        change_user(app, "colleague@newsroom.test", json!({ "email": "elsewhere@newsroom.test" }));
        let second = reset_password(app, &moved, NEW).expect(422);
        let disabled = start_reset(app, "editor@newsroom.test");
        change_user(app, "editor@newsroom.test", json!({ "disabled": true }));
        let third = reset_password(app, &disabled, NEW).expect(422);
        app.admin().post(&format!("{}/password-reset", user_path(app, "editor@newsroom.test")), json!({})).expect(409);

        let unknown = reset_password(app, &format!("fpp_{}", "A".repeat(43)), NEW).expect(422);
        for answer in [&first, &second, &third] {
            assert_eq!(normal(answer), normal(&unknown));
        }
        app.login(AUTHOR, PASSWORD).expect(200);
    }

    fn a_reset_token_is_a_text_and_nothing_else(app) {
        start_reset(app, AUTHOR);

        for wrong in [json!({}), json!([]), json!(null), json!(true), json!(0), json!(""), json!("%"), json!({ "$ne": null }), json!("fpp_%"), json!("' OR 1=1 --")] {
            let body = json!({ "token": wrong, "new_password": NEW });
            let answer = app.anonymous().post("/v1/auth/password-reset", body).expect(422);
            assert!(answer.pointers()[0].starts_with("/token"), "{wrong}");
        }
        app.anonymous().post("/v1/auth/password-reset", json!({ "new_password": NEW })).expect(422);

        app.login(AUTHOR, PASSWORD).expect(200);
        app.login(AUTHOR, NEW).expect(401);
    }

    fn stored_hashes_are_strong_and_get_stronger_at_a_login(app) {
        let hash = || app.database.sql(&format!("SELECT password_hash AS line FROM users WHERE email = '{AUTHOR}'"));
        let first = hash();
        assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{first}");
        app.login(AUTHOR, PASSWORD).expect(200);
        assert_eq!(hash(), first);
        let stronger = another(app, &[("FRONTPAGE_HASH_PASSES", "3")]);

        stronger.login(AUTHOR, "not the password at all").expect(401);
        assert_eq!(hash(), first);
        let login = log_in(&stronger, AUTHOR);

        let second = hash();
        assert!(second.starts_with("$argon2id$v=19$m=19456,t=3,p=1$"), "{second}");
        assert!(is_in_force(&login.client));
        // A server that has not been told yet takes it, and does not make it weaker again.
        app.login(AUTHOR, PASSWORD).expect(200);
        assert_eq!(hash(), second);
        let all = app.database.sql("SELECT password_hash AS line FROM users");
        assert_eq!(all.lines().collect::<BTreeSet<_>>().len(), 4, "every hash has a salt of its own");
    }

    fn a_source_has_so_many_tries_whatever_it_makes_up(app) {
        let server = another(app, &[("FRONTPAGE_TRIES_PER_SOURCE", "3")]);
        for email in [AUTHOR, "editor@newsroom.test", "nobody@newsroom.test"] {
            server.login(email, "not the password at all").expect(401);
        }

        for headers in [
            &[][..], &[("x-forwarded-for", "203.0.113.1")], &[("x-forwarded-for", "203.0.113.2, 203.0.113.3")], &[("forwarded", "for=203.0.113.4")],
            &[("x-real-ip", "203.0.113.5")], &[("cf-connecting-ip", "203.0.113.6")], &[("true-client-ip", "203.0.113.7")], &[("x-client-ip", "203.0.113.8")],
            &[("user-agent", "another")], &[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "203.0.113.9")],
        ] {
            // Not even with the right password: nothing tells that it is.
            for (email, password) in [("colleague@newsroom.test", "not the password at all"), (AUTHOR, PASSWORD)] {
                assert_eq!(attempt(&server, email, password, headers), 429, "{headers:?}");
            }
        }
        let answer = server.login(AUTHOR, PASSWORD).expect(429);
        assert_eq!(answer.problem(), "too_many_requests");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=900).contains(&wait), "{wait}");
        // Other spellings of the address lead nowhere, and not past the throttle.
        for path in ["/v1/auth/token/", "/v1//auth/token", "//v1/auth/token", "/V1/auth/token", "/v1/auth/Token", "/v1/auth/%74oken"] {
            let client = server.anonymous();
            // The document knows an address in one spelling only.
            let answer = client.request("POST", path).json(&json!({ "email": AUTHOR, "password": PASSWORD })).send_unchecked();
            assert!(matches!(answer.status, 400 | 404 | 429), "{path}: {}", answer.status);
        }
        server.anonymous().get("/v1/articles").expect(200);

        // When the window has ended there are as many again.
        app.database.sql("UPDATE throttles SET window_ends_at = (SELECT MIN(created_at) FROM users)");
        for status in [401, 401, 401, 429] {
            assert_eq!(attempt(&server, AUTHOR, "not the password at all", &[]), status);
        }
    }

    fn behind_a_trusted_proxy_the_client_is_the_source(app) {
        let server = another(app, &[("FRONTPAGE_TRIES_PER_SOURCE", "2"), ("FRONTPAGE_TRUSTED_PROXIES", "127.0.0.1/32,10.0.0.0/8")]);
        let from = |address: &str, password: &str| attempt(&server, AUTHOR, password, &[("x-forwarded-for", address)]);

        for status in [401, 401, 429] {
            assert_eq!(from("203.0.113.1", "not the password at all"), status);
        }
        // What stands left of it is the client's own claim; what is trusted is skipped.
        for same in ["198.51.100.1, 203.0.113.1", "unknown,203.0.113.1", "203.0.113.1, 10.1.2.3", "203.0.113.1:4711"] {
            assert_eq!(from(same, PASSWORD), 429, "{same}");
        }
        assert_eq!(from("203.0.113.2", PASSWORD), 200, "the owner gets in from another address");
        assert_eq!(attempt(&server, AUTHOR, PASSWORD, &[]), 200);
        for (address, status) in [("2001:db8::1", 401), ("2001:db8::2", 401), ("2001:db8::3", 429), ("2001:db8:0:1::1", 401)] {
            assert_eq!(from(address, "not the password at all"), status, "{address}");
        }
    }

    fn an_account_has_so_many_tries_from_wherever(app) {
        let settings = [("FRONTPAGE_TRIES_PER_SOURCE", "1000"), ("FRONTPAGE_TRIES_PER_ACCOUNT", "4"), ("FRONTPAGE_TRUSTED_PROXIES", "127.0.0.1")];
        let server = another(app, &settings);
        for target in [AUTHOR, "nobody@newsroom.test"] {
            let from = |last: usize, email: &str| {
                attempt(&server, email, "not the password at all", &[("x-forwarded-for", &format!("203.0.113.{last}"))])
            };
            let spellings = [target.to_owned(), target.to_uppercase(), target.replace("newsroom", "NewsRoom"), target.replace('o', "ｏ")];

            for (index, email) in spellings.iter().enumerate() {
                let status = from(index, email);
                assert!(status == 401 || status == 422 && email.contains('ｏ'), "{email}: {status}");
            }
            from(9, target);
            for (index, email) in spellings.iter().take(3).enumerate() {
                assert_eq!(from(100 + index, email), 429, "{email}");
            }
        }
        assert_eq!(attempt(&server, AUTHOR, PASSWORD, &[("x-forwarded-for", "203.0.113.200")]), 429);
        assert_eq!(attempt(&server, "editor@newsroom.test", PASSWORD, &[]), 200);
    }

    fn every_route_that_takes_a_password_counts_in_one_place(app) {
        let server = another(app, &[("FRONTPAGE_TRIES_PER_SOURCE", "3")]);
        let own = server.author();
        let unknown = format!("fpp_{}", "A".repeat(43));

        server.login(AUTHOR, "not the password at all").expect(401);
        change_password(&own, "not the password at all", NEW).expect(422);
        reset_password(&server, &unknown, NEW).expect(422);

        server.login(AUTHOR, PASSWORD).expect(429);
        change_password(&own, PASSWORD, NEW).expect(429);
        reset_password(&server, &unknown, NEW).expect(429);
        // The password stayed what it was.
        app.login(AUTHOR, PASSWORD).expect(200);
    }

    fn who_knows_the_password_gets_the_try_back(app) {
        let server = another(app, &[("FRONTPAGE_TRIES_PER_SOURCE", "2"), ("FRONTPAGE_TRIES_PER_ACCOUNT", "2")]);
        let own = server.author();
        let mut current = PASSWORD.to_owned();

        for _ in 0..5 {
            server.login(AUTHOR, &current).expect(200);
        }
        for new in [NEW, "six tall ladders lean", NEW] {
            change_password(&own, &current, new).expect(204);
            current = new.to_owned();
        }
        // A login that is no try at all is not counted either.
        for _ in 0..5 {
            server.anonymous().post("/v1/auth/token", json!({ "email": AUTHOR })).expect(422);
        }
        for (password, status) in [("wrong, the first time", 401), (current.as_str(), 200), ("wrong, the second time", 401), (&current, 429)] {
            assert_eq!(attempt(&server, AUTHOR, password, &[]), status, "{password}");
        }
    }

    fn all_servers_count_together(app) {
        let settings = [("FRONTPAGE_TRIES_PER_SOURCE", "2")];
        let servers = [another(app, &settings), another(app, &settings)];

        for server in &servers {
            server.login(AUTHOR, "not the password at all").expect(401);
        }

        for server in &servers {
            server.login(AUTHOR, PASSWORD).expect(429);
        }
    }

    fn a_flood_of_logins_is_turned_away_and_the_rest_is_served(app) {
        // One slow hash at a time: what is more than it and the few that may wait is turned away.
        let server = another(app, &[("FRONTPAGE_HASH_PERMITS", "1"), ("FRONTPAGE_HASH_PASSES", "8"), ("FRONTPAGE_HASH_MEMORY_KIB", "65536")]);
        let barrier = Barrier::new(40);

        let statuses: Vec<u16> = thread::scope(|scope| {
            let threads: Vec<_> = (0..40)
                .map(|index| {
                    let (server, barrier) = (&server, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        attempt(server, &format!("nobody-{index}@newsroom.test"), "not the password at all", &[])
                    })
                })
                .collect();
            server.anonymous().get("/v1/articles").expect(200);
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });

        assert!(statuses.iter().all(|status| matches!(status, 401 | 429 | 503)), "{statuses:?}");
        assert!(statuses.contains(&401) && statuses.contains(&503), "{statuses:?}");
        server.login(AUTHOR, PASSWORD).expect(200);
    }

    fn disabling_demoting_and_trashing_bite_at_once_everywhere(app) {
        let other = another(app, &[]);
        let draft = app.draft("Harbor", json!({ "section": app.section("World")["slug"] }));
        let publish = format!("/v1/articles/{}/publish", id(&draft));
        let logins = ["author", "editor", "colleague"].map(|name| log_in(app, &format!("{name}@newsroom.test")));
        let there = logins.each_ref().map(|login| other.anonymous().with_token(login.client.token.as_ref().unwrap()));
        assert!(there.iter().all(is_in_force));

        change_user(app, AUTHOR, json!({ "disabled": true }));
        change_user(app, "editor@newsroom.test", json!({ "role": "author" }));
        trash_user(app, "colleague@newsroom.test");

        assert!(!is_in_force(&there[0]) && !is_in_force(&there[2]));
        there[1].verb(&publish, &draft.etag()).expect(403);
        for login in [&logins[0], &logins[2]] {
            refresh(&other, &login.refresh).expect(401);
        }
        other.login(AUTHOR, PASSWORD).expect(401);
        // What was ended stays ended when the account is enabled again; a role is looked up each time.
        change_user(app, AUTHOR, json!({ "disabled": false }));
        assert!(!is_in_force(&there[0]));
        other.login(AUTHOR, PASSWORD).expect(200);
        change_user(app, "editor@newsroom.test", json!({ "role": "editor" }));
        there[1].verb(&publish, &draft.etag()).expect(200);
    }

    fn no_answer_shows_a_hash_or_a_token_that_it_is_not_about(app) {
        let login = log_in(app, AUTHOR);
        let path = user_path(app, AUTHOR);
        let hash = app.database.sql(&format!("SELECT password_hash AS line FROM users WHERE email = '{AUTHOR}'"));
        let digests = app.database.sql("SELECT digest AS line FROM refresh_tokens");

        let admin = app.admin();
        for answer in [
            admin.get("/v1/users").expect(200), admin.get(&path).expect(200), login.client.get("/v1/auth/me").expect(200),
            login.client.get("/v1/auth/sessions").expect(200), app.login(AUTHOR, "not the password at all").expect(401),
            refresh(app, "fpr_x").expect(401), admin.patch(&path, "\"r9\"", json!({ "name": "X" })).expect(412),
        ] {
            let shown = format!("{} {:?}", answer.text(), answer.headers);
            for secret in [hash.as_str(), "argon2", "password_hash", "fpr_", &login.refresh, PASSWORD, "not the password"] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
            assert!(digests.lines().all(|digest| !shown.contains(digest)));
        }
    }
}
