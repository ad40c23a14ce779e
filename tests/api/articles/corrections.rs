//! What becomes of an article after it was published: corrections, silent fixes, and the end of it.

use serde_json::{Value, json};

use super::{LONG_AGO, address, age, change, live, verb, working};
use crate::support::{App, Response, both};

fn correct(app: &App, address: &str, input: Value) -> Response {
    let editor = app.editor();
    editor.request("POST", &format!("{address}/correct")).header("if-match", "*").json(&input).send()
}

fn kill(app: &App, address: &str) -> Response {
    let admin = app.admin();
    let notice = json!({ "notice": "This article is gone." });
    admin.request("POST", &format!("{address}/kill")).header("if-match", "*").json(&notice).send()
}

both! {
    fn a_correction_tells_readers_what_was_wrong(app) {
        let address = address(&app.published("One", json!({ "body_html": "<p>Opened in 1951.</p>" })));
        assert_eq!(live(app, &address)["corrections"], json!([]));
        age(app);
        let view = change(app, &address, json!({ "body_html": "<p>Opened in 1961.</p>" })).expect(200);
        let blocks = app.editor().get(&format!("{address}?view=working&include=body_blocks")).expect(200).json();
        let block = blocks["body_blocks"][0]["id"].clone();
        assert_eq!(view.json()["corrections"], json!([]));

        correct(app, &address, json!({ "note": "It was 1961.", "block_id": block })).expect(200);

        let shown = live(app, &address);
        assert_eq!(shown["body_html"], "<p>Opened in 1961.</p>");
        let correction = &shown["corrections"][0];
        assert_eq!((&correction["note"], &correction["block_id"], &correction["at"]), (&json!("It was 1961."), &block, &shown["updated_at"]));
        assert!(shown["updated_at"].as_str().unwrap() > LONG_AGO.1);
        assert_eq!(shown["published_at"], LONG_AGO.1);

        // A note alone is a correction too, and the next publication keeps both.
        correct(app, &address, json!({ "note": "And the pier is of wood." })).expect(200);
        change(app, &address, json!({ "title": "Two" })).expect(200);
        verb(app, &address, "publish").expect(200);
        let notes: Vec<Value> = live(app, &address)["corrections"].as_array().unwrap().iter().map(|c| c["note"].clone()).collect();
        assert_eq!(notes, ["It was 1961.", "And the pier is of wood."]);
        assert_eq!(working(app, &address).json()["corrections"].as_array().unwrap().len(), 2);
        let kinds = app.database.sql("SELECT kind AS line FROM changes WHERE resource = 'article' ORDER BY id");
        assert_eq!(kinds.lines().collect::<Vec<_>>(), ["published", "corrected", "corrected", "updated"]);
    }

    fn a_correction_needs_a_note_and_a_block_that_is_there(app) {
        let address = address(&app.published("One", json!({})));
        for (input, pointers) in [
            (json!({}), vec!["/note"]),
            (json!({ "note": " " }), vec!["/note"]),
            (json!({ "note": "x", "block_id": "nowhere" }), vec!["/block_id"]),
            (json!({ "note": "x", "block_id": "not an id" }), vec!["/block_id"]),
            (json!({ "note": "x", "publish": true }), vec!["/publish"]),
        ] {
            assert_eq!(correct(app, &address, input.clone()).expect(422).pointers(), pointers, "{input}");
        }
        assert_eq!(live(app, &address)["corrections"], json!([]));
        let draft = super::address(&app.draft("Two", json!({})));
        assert_eq!(correct(app, &draft, json!({ "note": "x" })).expect(409).problem(), "invalid_transition");
    }

    fn a_fix_does_not_say_that_anything_changed(app) {
        let address = address(&app.published("Oen", json!({})));
        age(app);
        change(app, &address, json!({ "title": "One" })).expect(200);

        verb(app, &address, "fix").expect(200);

        let shown = live(app, &address);
        assert_eq!((&shown["title"], &shown["updated_at"], &shown["published_at"]), (&json!("One"), &json!(LONG_AGO.1), &json!(LONG_AGO.1)));
        // Caches are told all the same.
        assert_eq!(app.database.sql("SELECT kind AS line FROM changes WHERE resource = 'article' ORDER BY id").lines().last(), Some("updated"));
    }

    fn what_was_killed_answers_410_with_a_notice_and_nothing_else(app) {
        let other = address(&app.published("Other", json!({})));
        let address = address(&app.published("Libel", json!({ "tags": [], "kicker": "cnrKILLED" })));
        change(app, &other, json!({ "related": [address.rsplit('/').next()] })).expect(200);
        verb(app, &other, "publish").expect(200);
        change(app, &address, json!({ "slug": "libel-2" })).expect(200);
        verb(app, &address, "publish").expect(200);
        assert_eq!(live(app, &other)["related"].as_array().unwrap().len(), 1);

        kill(app, &address).expect(200);

        for path in [address.as_str(), "/v1/articles/libel", "/v1/articles/libel-2"] {
            let gone = app.anonymous().get(path).expect(410);
            assert_eq!((gone.problem().as_str(), &gone.json()["notice"]), ("killed", &json!("This article is gone.")));
            assert!(!gone.text().contains("cnrKILLED") && !gone.text().to_lowercase().contains("libel"), "{}", gone.text());
            assert_eq!(gone.header("cache-control"), Some("no-store"));
        }
        assert_eq!(live(app, &other)["related"], json!([]));
        assert!(!app.anonymous().get("/v1/articles").expect(200).text().contains("cnrKILLED"));
        // The text stays, for administrators only.
        app.editor().get(&format!("{address}?view=working")).expect(403);
        assert_eq!(app.admin().get(&format!("{address}?view=working")).expect(200).json()["kicker"], "cnrKILLED");
        assert!(!app.editor().get("/v1/articles?view=working").expect(200).text().contains("cnrKILLED"));
        app.admin().patch(&address, "*", json!({ "title": "x" })).expect(409);
        app.admin().delete(&address, "*").expect(409);
    }

    fn what_was_killed_comes_back_for_the_newsroom_only(app) {
        let address = address(&app.published("One", json!({})));
        kill(app, &address).expect(200);
        app.editor().verb(&format!("{address}/restore"), "*").expect(403);

        let view = app.admin().verb(&format!("{address}/restore"), "*").expect(200).json();

        assert_eq!(view["state"], "withdrawn");
        app.anonymous().get(&address).expect(404);
        verb(app, &address, "publish").expect(200);
        app.anonymous().get(&address).expect(200);
    }

    fn a_returned_article_says_why_until_it_is_handed_in_again(app) {
        let address = address(&app.draft("One", json!({})));
        verb(app, &address, "submit").expect(200);
        let editor = app.editor();
        let returned = editor.request("POST", &format!("{address}/return")).header("if-match", "*").json(&json!({ "note": "Call the harbor." })).send();
        assert_eq!(returned.expect(200).json()["review_note"], "Call the harbor.");
        assert_eq!(working(app, &address).json()["review_note"], "Call the harbor.");

        verb(app, &address, "submit").expect(200);

        assert_eq!(working(app, &address).json()["review_note"], Value::Null);
    }

    fn an_authors_change_undoes_an_approval_and_an_editors_does_not(app) {
        let draft = app.author().post("/v1/articles", json!({ "title": "One" })).expect(201);
        let address = address(&draft);
        verb(app, &address, "submit").expect(200);
        verb(app, &address, "approve").expect(200);

        change(app, &address, json!({ "title": "Two" })).expect(200);
        assert_eq!(working(app, &address).json()["state"], "approved");

        app.author().patch(&address, "*", json!({ "title": "Three" })).expect(200);
        assert_eq!(working(app, &address).json()["state"], "in_review");
    }

    fn preflight_lists_what_publishing_would_refuse_and_what_it_would_not(app) {
        let address = address(&app.editor().post("/v1/articles", json!({ "title": "One" })).expect(201));
        let found = app.editor().get(&format!("{address}/preflight")).expect(200).json();
        let codes: Vec<_> = found["findings"].as_array().unwrap().iter().map(|f| (f["code"].as_str().unwrap(), f["severity"].as_str().unwrap())).collect();
        assert_eq!(found["is_ready"], false);
        assert!(codes.contains(&("missing_section", "error")) && codes.contains(&("missing_body", "error")), "{codes:?}");
        assert!(codes.contains(&("missing_byline", "warning")) && codes.contains(&("missing_excerpt", "warning")), "{codes:?}");

        let refused = verb(app, &address, "publish").expect(422);
        assert_eq!((refused.problem().as_str(), refused.pointers()), ("preflight_failed", vec!["/section".to_owned(), "/body_html".to_owned()]));
    }

    fn what_preflight_makes_of_a_finding_is_a_setting(app) {
        let strict = App::start_on(app.database.clone(), &[("FRONTPAGE_PREFLIGHT", "missing_byline=error,missing_excerpt=off")]);
        app.section("World");
        let address = address(&app.draft("One", json!({ "section": "world" })));

        let found = strict.editor().get(&format!("{address}/preflight")).expect(200).json();

        assert_eq!(found["findings"].as_array().unwrap().iter().map(|f| f["code"].clone()).collect::<Vec<_>>(), ["missing_byline"]);
        assert_eq!(verb(&strict, &address, "publish").expect(422).pointers(), ["/authors"]);
        change(app, &address, json!({ "byline": "Our own report" })).expect(200);
        verb(&strict, &address, "publish").expect(200);
    }
}
