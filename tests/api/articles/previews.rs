//! Previews: a token opens one article to whoever has it, and nothing else.

use std::{fs::File, process::Stdio};

use serde_json::{Value, json};

use super::{address, change, verb};
use crate::support::{App, Backend, Client, Database, PASSWORD, Response, both, id, program};

/// Makes a preview of an article; returns its token and its id.
fn preview(app: &App, address: &str, input: Value) -> (String, String) {
    let made = app.editor().post(&format!("{address}/previews"), input).expect(201);
    (made.json()["token"].as_str().unwrap().to_owned(), id(&made))
}

fn open(app: &App, address: &str, token: &str) -> Response {
    app.anonymous().get(&format!("{address}?preview={token}"))
}

/// A 404 as far as two of them can be compared.
fn nothing(answer: &Response) -> (Value, Vec<(String, String)>) {
    assert_eq!(answer.status, 404, "{}", answer.text());
    let mut problem = answer.json();
    problem["instance"] = json!("-");
    let mut headers: Vec<_> = answer.headers.clone().into_iter().collect();
    headers.retain(|(name, _)| !matches!(name.as_str(), "x-request-id" | "date"));
    headers.sort();
    (problem, headers)
}

fn expire(app: &App) {
    app.database.sql("UPDATE article_previews SET expires_at = '2020-01-01 00:00:00.000'");
}

both! {
    fn a_preview_shows_a_draft_in_the_shape_of_the_live_view(app) {
        app.section("World");
        app.staff("Mina");
        app.tag("Ports");
        let members = json!({
            "section": "world", "kicker": "On the water", "standfirst": "At last.", "tags": ["ports"],
            "authors": [{ "staff": "mina" }], "extensions": { "layout": "wide" }, "featured": true,
        });
        let draft = address(&app.draft("Harbor reopens", members));
        let (token, _) = preview(app, &draft, json!({}));

        let seen = open(app, &draft, &token).expect(200);

        assert_eq!(seen.header("cache-control"), Some("private, no-store"));
        assert_eq!(seen.header("x-robots-tag"), Some("noindex"));
        assert_eq!((seen.header("etag"), seen.header("surrogate-key")), (None, None));
        let shown = seen.json();
        assert_eq!(shown["view"], "preview");
        verb(app, &draft, "publish").expect(200);
        let live = app.anonymous().get(&draft).expect(200).json();
        for (name, value) in live.as_object().unwrap() {
            if !matches!(name.as_str(), "view" | "first_published_at" | "published_at" | "updated_at") {
                assert_eq!(shown[name], *value, "{name}");
            }
        }
        assert_eq!(shown.as_object().unwrap().len(), live.as_object().unwrap().len());
    }

    fn a_preview_shows_what_lacks_a_section(app) {
        let draft = address(&app.draft("Harbor reopens", json!({})));
        let (token, _) = preview(app, &draft, json!({}));

        let shown = open(app, &draft, &token).expect(200).json();

        assert_eq!((&shown["section"], &shown["title"]), (&Value::Null, &json!("Harbor reopens")));
    }

    fn a_preview_takes_include_and_fields_like_the_live_view(app) {
        let draft = address(&app.draft("Harbor reopens", json!({})));
        let (token, _) = preview(app, &draft, json!({}));

        let answer = app.anonymous().get(&format!("{draft}?preview={token}&include=body_text&fields=title,section,body_text")).expect(200);

        assert_eq!(answer.json(), json!({ "title": "Harbor reopens", "section": null, "body_text": "The first ships left at dawn." }));
        app.anonymous().get(&format!("{draft}?preview={token}&fields=assigned_to")).expect(400);
        app.anonymous().get(&format!("{draft}?preview={token}&include=nothing")).expect(400);
        let head = app.anonymous().request("HEAD", &format!("{draft}?preview={token}")).send().expect(200);
        assert!(head.bytes.is_empty());
    }

    fn a_preview_shows_the_newest_revision_unless_it_names_one(app) {
        let draft = address(&app.draft("First", json!({})));
        let (newest, _) = preview(app, &draft, json!({}));
        let (first, _) = preview(app, &draft, json!({ "revision": 1 }));
        change(app, &draft, json!({ "title": "Second", "body_html": "<p>Other text.</p>" })).expect(200);

        let title = |token: &str| open(app, &draft, token).expect(200).json()["title"].clone();

        assert_eq!((title(&newest), title(&first)), (json!("Second"), json!("First")));
        assert!(open(app, &draft, &first).text().contains("at dawn"));
    }

    fn a_preview_of_what_readers_see_shows_the_changes_that_they_do_not_see(app) {
        let live = address(&app.published("First", json!({})));
        change(app, &live, json!({ "title": "Second" })).expect(200);
        let (token, _) = preview(app, &live, json!({}));

        let shown = open(app, &live, &token).expect(200).json();

        assert_eq!(shown["title"], "Second");
        let seen = app.anonymous().get(&live).expect(200).json();
        assert_eq!((&seen["title"], &seen["published_at"]), (&json!("First"), &shown["published_at"]));
    }

    fn related_articles_of_a_preview_are_those_that_readers_see(app) {
        let (live, hidden) = (id(&app.published("Live", json!({}))), id(&app.draft("Hidden", json!({}))));
        let draft = address(&app.draft("One", json!({ "related": [hidden, live] })));
        let (token, _) = preview(app, &draft, json!({}));

        assert_eq!(open(app, &draft, &token).expect(200).json()["related"], json!([live]));
    }

    fn what_a_token_does_not_open_answers_like_what_does_not_exist(app) {
        let nowhere = nothing(&app.anonymous().get(&format!("/v1/articles/{}", frontpage::ids::ArticleId::generate())));
        let (draft, other) = (address(&app.draft("One", json!({}))), address(&app.draft("Two", json!({}))));
        let (token, number) = preview(app, &draft, json!({}));
        let (late, _) = preview(app, &draft, json!({}));
        let (trashed, killed) = (address(&app.draft("Three", json!({}))), address(&app.published("Four", json!({}))));
        let (of_trashed, _) = preview(app, &trashed, json!({}));
        let (of_killed, _) = preview(app, &killed, json!({}));
        app.editor().delete(&trashed, "*").expect(204);
        app.admin().request("POST", &format!("{killed}/kill")).header("if-match", "*").json(&json!({ "notice": "Gone." })).send().expect(200);
        let mut forged = token.clone().into_bytes();
        forged[10] = if forged[10] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();

        for (what, address, token) in [
            ("no token", &draft, ""),
            ("junk", &draft, "junk"),
            ("a forged token", &draft, &forged),
            ("another article", &other, &token),
            ("nothing", &"/v1/articles/no-such-article".to_owned(), &token),
            ("what is in the trash", &trashed, &of_trashed),
            ("what was killed", &killed, &of_killed),
        ] {
            assert_eq!(nothing(&open(app, address, token)), nowhere, "{what}");
        }
        app.editor().delete(&format!("{draft}/previews/{number}"), "*").expect(204);
        assert_eq!(nothing(&open(app, &draft, &token)), nowhere, "a revoked token");
        open(app, &draft, &late).expect(200);
        expire(app);
        assert_eq!(nothing(&open(app, &draft, &late)), nowhere, "an expired token");
    }

    fn a_preview_follows_a_former_slug(app) {
        let draft = address(&app.draft("One", json!({ "slug": "old-name" })));
        let (token, _) = preview(app, &draft, json!({}));
        change(app, &draft, json!({ "slug": "new-name" })).expect(200);

        let moved = open(app, "/v1/articles/old-name", &token).expect(301);

        assert_eq!(moved.header("location"), Some(format!("/v1/articles/new-name?preview={token}").as_str()));
        open(app, "/v1/articles/new-name", &token).expect(200);
        nothing(&open(app, "/v1/articles/old-name", "fpv_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    }

    fn a_preview_token_is_good_for_nothing_else(app) {
        let draft = address(&app.draft("One", json!({})));
        let (token, _) = preview(app, &draft, json!({}));
        let bearer = app.anonymous().with_token(&token);

        for path in [draft.clone(), format!("{draft}?view=working"), "/v1/articles?view=working".to_owned(), "/v1/auth/me".to_owned()] {
            bearer.get(&path).expect(401);
        }
        let both = app.editor().get(&format!("{draft}?view=working&preview={token}")).expect(400);
        assert_eq!(both.pointers(), ["/preview"]);
        for path in ["/previews", "/lease", "/preflight"] {
            app.anonymous().get(&format!("{draft}{path}?preview={token}")).expect(401);
        }
        assert_eq!(app.anonymous().get(&format!("/v1/articles?preview={token}")).expect(400).pointers(), ["/preview"]);
        app.anonymous().post("/v1/auth/refresh", json!({ "refresh_token": token })).expect(401);
        app.anonymous().with_token("garbage").get(&format!("{draft}?preview={token}")).expect(401);
        app.colleague().get(&format!("{draft}?preview={token}")).expect(200);
    }

    fn only_a_digest_of_the_token_is_kept_and_it_is_shown_once(app) {
        let draft = address(&app.draft("One", json!({})));
        let path = format!("{draft}/previews");
        let made = app.editor().post(&path, json!({ "revision": 1, "expires_in": 60 })).expect(201);
        let token = made.json()["token"].as_str().unwrap().to_owned();

        let listed = app.editor().get(&path).expect(200);

        assert!(token.starts_with("fpv_") && token.len() == 47, "{token}");
        assert!(!listed.text().contains(&token[4..]));
        let mut expected = made.json();
        expected.as_object_mut().unwrap().remove("token");
        assert_eq!(listed.json()["data"], json!([expected]));
        assert_eq!(made.header("location"), Some(format!("{path}/{}", id(&made)).as_str()));
        let stored = app.database.sql("SELECT digest AS line FROM article_previews");
        assert!(stored.len() == 64 && !stored.contains(&token), "{stored}");
    }

    fn an_idempotency_key_does_not_keep_a_token(app) {
        let draft = address(&app.draft("One", json!({})));
        let path = format!("{draft}/previews");
        let editor = app.editor();
        let make = || editor.request("POST", &path).header("idempotency-key", "one").json(&json!({})).send().expect(201);

        let (first, second) = (make(), make());

        assert_ne!(first.json()["token"], second.json()["token"]);
        assert_eq!(second.header("idempotent-replayed"), None);
        assert_eq!(app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM idempotency_keys"), "0");
        editor.request("POST", &path).header("idempotency-key", "").json(&json!({})).send().expect(400);
    }

    fn what_a_preview_is_to_be_is_checked(app) {
        let draft = address(&app.draft("One", json!({})));
        let refuse = |input: Value| app.editor().post(&format!("{draft}/previews"), input).expect(422).pointers();

        assert_eq!(refuse(json!({ "expires_in": 59 })), ["/expires_in"]);
        assert_eq!(refuse(json!({ "expires_in": 30 * 24 * 3600 + 1 })), ["/expires_in"]);
        assert_eq!(refuse(json!({ "expires_in": "60" })), ["/expires_in"]);
        assert_eq!(refuse(json!({ "revision": 2 })), ["/revision"]);
        assert_eq!(refuse(json!({ "revision": 0 })), ["/revision"]);
        assert_eq!(refuse(json!({ "revision": 1.5, "title": "x" })).len(), 2);
        preview(app, &draft, json!({ "revision": null, "expires_in": 30 * 24 * 3600 }));
        let editor = app.editor();
        editor.request("POST", &format!("{draft}/previews")).send().expect(201);
    }

    fn an_article_has_at_most_twenty_previews_in_force(app) {
        let draft = address(&app.draft("One", json!({})));
        let path = format!("{draft}/previews");
        let made: Vec<String> = (0..20).map(|_| preview(app, &draft, json!({})).1).collect();

        assert_eq!(app.editor().post(&path, json!({})).expect(409).problem(), "conflict");
        app.editor().delete(&format!("{path}/{}", made[7]), "*").expect(204);
        preview(app, &draft, json!({}));
        app.editor().post(&path, json!({})).expect(409);

        expire(app);
        assert_eq!(app.editor().get(&path).expect(200).json()["data"], json!([]));
        preview(app, &draft, json!({}));
        assert_eq!(app.editor().get(&path).expect(200).json()["data"].as_array().unwrap().len(), 1);
    }

    fn only_the_previews_of_an_article_are_revoked_through_it(app) {
        let (one, two) = (address(&app.draft("One", json!({}))), address(&app.draft("Two", json!({}))));
        let (token, number) = preview(app, &one, json!({}));

        for path in [format!("{two}/previews/{number}"), format!("{one}/previews/{}", uuid::Uuid::now_v7()), format!("{one}/previews/x")] {
            app.editor().delete(&path, "*").expect(404);
        }
        open(app, &one, &token).expect(200);
        // Nothing has to match: a preview has no revisions.
        let editor = app.editor();
        editor.request("DELETE", &format!("{one}/previews/{number}")).send().expect(204);
        editor.request("DELETE", &format!("{one}/previews/{number}")).send().expect(404);
    }

    fn what_is_in_the_trash_or_was_killed_gets_no_previews(app) {
        let trashed = address(&app.draft("One", json!({})));
        app.editor().delete(&trashed, "*").expect(204);
        let killed = address(&app.published("Two", json!({})));
        app.admin().request("POST", &format!("{killed}/kill")).header("if-match", "*").json(&json!({ "notice": "Gone." })).send().expect(200);

        for address in [trashed, killed] {
            let refused = app.admin().post(&format!("{address}/previews"), json!({})).expect(409);
            assert_eq!(refused.problem(), "invalid_transition");
        }
    }
}

#[test]
fn a_preview_token_does_not_get_into_the_log() {
    let database = Database::with_logins(Backend::Sqlite);
    let log = database.directory().join("log");
    let mut command = program::command(database.directory(), &["serve"]);
    command.envs(database.settings()).env("FRONTPAGE_LOG_LEVEL", "trace").env("FRONTPAGE_LOG_REQUESTS", "true");
    command.stderr(Stdio::from(File::create(&log).unwrap()));
    let server = program::Program::start(command);
    let anonymous = Client::new(&server.base, None);
    let login = anonymous.post("/v1/auth/token", json!({ "email": "editor@newsroom.test", "password": PASSWORD }));
    let editor = anonymous.with_token(login.expect(200).json()["access_token"].as_str().unwrap());
    let draft = address(&editor.post("/v1/articles", json!({ "title": "One" })).expect(201));
    let made = editor.post(&format!("{draft}/previews"), json!({})).expect(201).json();
    let token = made["token"].as_str().unwrap();

    anonymous.get(&format!("{draft}?preview={token}")).expect(200);
    anonymous.get(&format!("/v1/articles/elsewhere?preview={token}")).expect(404);
    anonymous.get(&format!("{draft}?preview={token}&fields=nothing")).expect(400);
    anonymous.get(&format!("{draft}?preview={token}&preview={token}")).expect(400);

    server.signal("INT");
    server.end();
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains(&draft), "the requests are in the log: {text}");
    assert!(!text.contains(&token[4..]), "{text}");
}
