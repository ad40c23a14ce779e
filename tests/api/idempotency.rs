//! `Idempotency-Key`: a POST that is sent twice is done once (S83, R4).

use std::{sync::mpsc, thread};

use serde_json::{Value, json};

use crate::support::{App, Backend, Client, Response, both, hold::Hold, id, postgres, raw};

/// Sends a POST with a key.
fn post(client: &Client, path: &str, key: &str, body: &Value) -> Response {
    client.request("POST", path).header("idempotency-key", key).json(body).send()
}

fn article(title: &str) -> Value {
    json!({ "title": title })
}

/// How many articles there are.
fn n_articles(app: &App) -> String {
    app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM articles")
}

both! {
    fn the_same_key_and_body_replay_the_first_answer(app) {
        let editor = app.editor();
        let first = post(&editor, "/v1/articles", "import-42", &article("Harbor reopens")).expect(201);

        let second = post(&editor, "/v1/articles", "import-42", &article("Harbor reopens")).expect(201);

        assert_eq!(first.header("idempotent-replayed"), None);
        assert_eq!(second.header("idempotent-replayed"), Some("true"));
        assert_eq!(second.text(), first.text());
        for name in ["location", "etag", "content-type", "cache-control"] {
            assert_eq!(second.header(name), first.header(name), "{name}");
        }
        assert_ne!(second.header("x-request-id"), first.header("x-request-id"));
        assert_eq!(n_articles(app), "1");
    }

    fn the_same_key_with_another_body_is_refused(app) {
        let editor = app.editor();
        post(&editor, "/v1/articles", "import-42", &article("Harbor reopens")).expect(201);

        let other = post(&editor, "/v1/articles", "import-42", &article("Harbor closes")).expect(422);

        assert_eq!(other.problem(), "idempotency_mismatch");
        assert_eq!(n_articles(app), "1");
        post(&editor, "/v1/articles", "import-43", &article("Harbor closes")).expect(201);
    }

    fn of_two_at_once_one_is_done_and_one_is_told_to_wait(app) {
        let editor = app.editor();
        let hold = Hold::on(&app.database, "articles");

        let (first, second) = thread::scope(|scope| {
            let (sender, answers) = mpsc::channel();
            for _ in 0..2 {
                let (editor, sender) = (editor.clone(), sender.clone());
                scope.spawn(move || sender.send(post(&editor, "/v1/articles", "twin", &article("Twin"))));
            }
            // While nobody can write, only a refusal can come back.
            let first = answers.recv().unwrap();
            hold.release();
            (first, answers.recv().unwrap())
        });

        assert_eq!(first.expect(409).problem(), "idempotency_in_progress");
        let done = second.expect(201);
        assert_eq!(done.header("idempotent-replayed"), None);
        let again = post(&editor, "/v1/articles", "twin", &article("Twin")).expect(201);
        assert_eq!(again.text(), done.text());
        assert_eq!(n_articles(app), "1");
    }

    fn many_at_once_who_try_again_make_one_article(app) {
        let editor = app.editor();

        let ids: Vec<String> = thread::scope(|scope| {
            let one = || loop {
                let answer = post(&editor, "/v1/articles", "crowd", &article("Crowd"));
                match answer.status {
                    409 => assert_eq!(answer.problem(), "idempotency_in_progress"),
                    // Put off, on a machine that stands still for a moment.
                    503 => assert_eq!(answer.problem(), "unavailable"),
                    _ => return id(&answer.expect(201)),
                }
            };
            let all: Vec<_> = (0..20).map(|_| scope.spawn(one)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });

        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(n_articles(app), "1");
    }

    fn a_key_is_1_to_255_visible_characters(app) {
        let editor = app.editor();
        for (index, good) in ["k", &"k".repeat(255), "two words", "~!\"\\,;=@"].into_iter().enumerate() {
            post(&editor, "/v1/tags", good, &json!({ "name": format!("Tag {index}") })).expect(201);
        }

        for bad in ["", "   ", &"k".repeat(256), "Schlüssel", "a\tb"] {
            let refused = post(&editor, "/v1/articles", bad, &article("Bad key")).expect(400);
            assert_eq!(refused.problem(), "bad_request", "{bad:?}");
        }
        let twice = editor
            .request("POST", "/v1/articles")
            .header("idempotency-key", "one")
            .header("idempotency-key", "two")
            .json(&article("Two keys"))
            .send();
        assert_eq!(twice.expect(400).problem(), "bad_request");
        assert_eq!(n_articles(app), "0");
    }

    fn a_key_with_a_nul_is_refused(app) {
        let token = app.editor().token.unwrap();
        let body = article("NUL").to_string();

        let answer = raw::exchange(
            &app.base,
            format!(
                "POST /v1/articles HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: a\0b\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );

        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert_eq!(n_articles(app), "0");
    }

    fn only_posts_take_a_key(app) {
        let draft = app.draft("Draft", json!({}));
        let path = format!("/v1/articles/{}", id(&draft));
        let editor = app.editor();
        let request = |method| editor.request(method, &path).header("if-match", &draft.etag()).header("idempotency-key", "k");

        assert_eq!(request("PATCH").json(&article("Changed")).send().expect(400).problem(), "bad_request");
        assert_eq!(request("DELETE").send().expect(400).problem(), "bad_request");

        assert_eq!(editor.get(&format!("{path}?view=working")).expect(200).etag(), draft.etag());
    }

    fn a_key_belongs_to_one_user_and_one_address(app) {
        let name = json!({ "name": "Harbor" });
        let tag = post(&app.editor(), "/v1/tags", "mine", &name).expect(201);

        let section = post(&app.editor(), "/v1/sections", "mine", &name).expect(201);
        let others = post(&app.admin(), "/v1/tags", "mine", &json!({ "name": "Lighthouse" })).expect(201);

        assert_ne!(id(&tag), id(&section));
        assert_ne!(id(&tag), id(&others));
        for answer in [&section, &others] {
            assert_eq!(answer.header("idempotent-replayed"), None);
        }
    }

    fn a_failed_request_is_not_kept(app) {
        let editor = app.editor();
        post(&editor, "/v1/articles", "fix", &json!({ "title": "" })).expect(422);
        post(&editor, "/v1/articles", "fix", &json!({ "title": "Of no section", "section": "nowhere" })).expect(422);
        app.tag("Taken");
        let taken = post(&editor, "/v1/tags", "fix", &json!({ "name": "Other", "slug": "taken" })).expect(409);
        assert_eq!(taken.problem(), "slug_taken");

        let article = post(&editor, "/v1/articles", "fix", &article("Fixed")).expect(201);
        let tag = post(&editor, "/v1/tags", "fix", &json!({ "name": "Other" })).expect(201);

        for answer in [article, tag] {
            assert_eq!(answer.header("idempotent-replayed"), None);
        }
    }

    fn a_verb_is_replayed_although_its_etag_is_stale_by_then(app) {
        app.section("World");
        let draft = app.draft("Harbor reopens", json!({ "section": "world" }));
        let path = format!("/v1/articles/{}/publish", id(&draft));
        let editor = app.editor();
        let publish = || {
            let request = editor.request("POST", &path).header("if-match", &draft.etag());
            request.header("idempotency-key", "publish").json(&json!({})).send()
        };
        let first = publish().expect(200);

        let second = publish().expect(200);

        assert_eq!(second.header("idempotent-replayed"), Some("true"));
        assert_eq!(second.text(), first.text());
        assert_eq!(second.etag(), first.etag());
        let n_published = "SELECT CAST(COUNT(*) AS TEXT) AS line FROM changes WHERE kind = 'published'";
        assert_eq!(app.database.sql(n_published), "1");
        editor.verb(&path, &draft.etag()).expect(412);
    }

    fn a_replay_needs_the_right_that_the_request_needed(app) {
        let author = app.author();
        post(&author, "/v1/articles", "mine", &article("Mine")).expect(201);
        let admin = app.admin();
        let users = admin.get("/v1/users").expect(200).json();
        let user = users["data"].as_array().unwrap().iter().find(|user| user["email"] == "author@newsroom.test").unwrap();
        let path = format!("/v1/users/{}", user["id"].as_str().unwrap());
        let etag = admin.get(&path).expect(200).etag();

        admin.patch(&path, &etag, json!({ "disabled": true })).expect(200);

        post(&author, "/v1/articles", "mine", &article("Mine")).expect(401);
    }

    fn after_24_hours_the_request_is_done_anew(app) {
        let editor = app.editor();
        let first = post(&editor, "/v1/articles", "old", &article("Harbor")).expect(201);
        let age = |hours: &str| {
            app.database.sql(&match app.database.backend {
                Backend::Sqlite => format!(
                    "UPDATE idempotency_keys SET created_at = strftime('%Y-%m-%d %H:%M:%f', created_at, '-{hours} hours')"
                ),
                Backend::Postgres => {
                    format!("UPDATE idempotency_keys SET created_at = created_at - INTERVAL '{hours} hours'")
                }
            })
        };
        age("23");
        let replayed = post(&editor, "/v1/articles", "old", &article("Harbor")).expect(201);
        assert_eq!(id(&replayed), id(&first));

        age("1");
        let anew = post(&editor, "/v1/articles", "old", &article("Another harbor")).expect(201);

        assert_ne!(id(&anew), id(&first));
        assert_eq!(anew.header("idempotent-replayed"), None);
        assert_eq!(n_articles(app), "2");
    }

    fn another_server_on_the_database_replays_as_well(app) {
        let first = post(&app.editor(), "/v1/articles", "shared", &article("Shared")).expect(201);
        let other = App::start_on(app.database.clone(), &[]);

        let second = post(&other.editor(), "/v1/articles", "shared", &article("Shared")).expect(201);

        assert_eq!(second.header("idempotent-replayed"), Some("true"));
        assert_eq!(second.text(), first.text());
    }
}

#[test]
fn a_twin_on_another_server_is_noticed_while_the_first_is_worked_on() {
    if postgres::cluster().is_err() {
        return;
    }
    let app = App::start(Backend::Postgres);
    let other = App::start_on(app.database.clone(), &[]);
    let clients = [app.editor(), other.editor()];
    let hold = Hold::on(&app.database, "articles");

    let (first, second) = thread::scope(|scope| {
        let (sender, answers) = mpsc::channel();
        for client in clients {
            let sender = sender.clone();
            scope.spawn(move || sender.send(post(&client, "/v1/articles", "twin", &article("Twin"))));
        }
        let first = answers.recv().unwrap();
        hold.release();
        (first, answers.recv().unwrap())
    });

    assert_eq!(first.expect(409).problem(), "idempotency_in_progress");
    let done = second.expect(201);
    for server in [&app, &other] {
        let again = post(&server.editor(), "/v1/articles", "twin", &article("Twin")).expect(201);
        assert_eq!(again.text(), done.text());
    }
    assert_eq!(n_articles(&app), "1");
}
