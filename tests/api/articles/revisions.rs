//! The past of an article: listed, read, compared, taken up again, and removed when it is old.

use frontpage::{articles::working, db::Db};
use serde_json::{Value, json};

use super::{LONG_AGO, address, change, live, verb, working as newest};
use crate::{
    statements::statements_of,
    support::{App, Response, both},
};

fn revisions(app: &App, address: &str, query: &str) -> Value {
    app.editor().get(&format!("{address}/revisions{query}")).expect(200).json()
}

fn numbers(page: &Value) -> Vec<i64> {
    page["data"].as_array().unwrap().iter().map(|revision| revision["number"].as_i64().unwrap()).collect()
}

fn diff(app: &App, address: &str, query: &str) -> Value {
    app.editor().get(&format!("{address}/revisions/{query}")).expect(200).json()
}

#[track_caller]
fn restore(app: &App, address: &str, number: i32) -> Response {
    let etag = newest(app, address).etag();
    app.editor().verb(&format!("{address}/revisions/{number}/restore"), &etag)
}

/// Removes what is older than a month, as the server does now and then.
fn prune(app: &App, days: u32) -> usize {
    let config = app.database.config(&[]);
    let db = Db::open(&config.database.location, &config.database.options).unwrap();
    actix_web::rt::System::new().block_on(working::prune(&db, days)).unwrap()
}

both! {
    fn the_list_says_who_did_what_and_what_readers_see(app) {
        app.section("World");
        let draft = app.author().post("/v1/articles", json!({ "title": "One", "section": "world", "body_html": "<p>Text.</p>" })).expect(201);
        let address = address(&draft);
        app.author().patch(&address, &draft.etag(), json!({ "title": "Two", "body_html": "<p>Other.</p>" })).expect(200);
        app.author().verb(&format!("{address}/submit"), "*").expect(200);
        let editor = app.editor();
        editor.request("POST", &format!("{address}/return")).header("if-match", "*").json(&json!({ "note": "Call the harbor." })).send().expect(200);
        verb(app, &address, "publish").expect(200);
        change(app, &address, json!({ "kicker": "New" })).expect(200);

        let page = revisions(app, &address, "");

        let said: Vec<Value> = page["data"].as_array().unwrap().iter().map(|r| json!([r["number"], r["kind"], r["state"], r["summary"], r["note"], r["is_published"], r["is_live"]])).collect();
        assert_eq!(said, [
            json!([6, "edited", "published", "Changed kicker", null, false, false]),
            json!([5, "published", "published", "Published", null, true, true]),
            json!([4, "returned", "draft", "Returned to the author", "Call the harbor.", false, false]),
            json!([3, "submitted", "in_review", "Submitted for review", null, false, false]),
            json!([2, "edited", "draft", "Changed title, body", null, false, false]),
            json!([1, "created", "draft", "Created", null, false, false]),
        ]);
        let by = |place: usize| page["data"][place]["created_by"]["id"].clone();
        assert_eq!((by(5), by(0)), (draft.json()["created_by"]["id"].clone(), newest(app, &address).json()["updated_by"]["id"].clone()));
        assert!(page["data"][0]["size_bytes"].as_i64().unwrap() > 100);

        verb(app, &address, "withdraw").expect(200);
        assert!(revisions(app, &address, "")["data"].as_array().unwrap().iter().all(|revision| revision["is_live"] == false));
    }

    fn the_list_is_walked_in_pages_at_a_fixed_cost(app) {
        let address = address(&app.draft("Zero", json!({})));
        for number in 1..9 {
            change(app, &address, json!({ "title": format!("Title {number}") })).expect(200);
        }

        let first = revisions(app, &address, "?limit=4");
        let cursor = |page: &Value, name: &str| page["page"][name].as_str().unwrap().to_owned();
        let second = revisions(app, &address, &format!("?limit=4&cursor={}", cursor(&first, "next")));
        let third = revisions(app, &address, &format!("?limit=4&cursor={}", cursor(&second, "next")));

        assert_eq!((numbers(&first), numbers(&second), numbers(&third)), (vec![9, 8, 7, 6], vec![5, 4, 3, 2], vec![1]));
        assert_eq!(third["page"]["next"], Value::Null);
        let back = revisions(app, &address, &format!("?limit=4&cursor={}", cursor(&third, "prev")));
        assert_eq!(numbers(&back), numbers(&second));
        let other = super::address(&app.draft("Other", json!({})));
        app.editor().get(&format!("{other}/revisions?limit=4&cursor={}", cursor(&first, "next"))).expect(400);
        let cost = |query: &str| statements_of(app, &app.editor(), &format!("{address}/revisions{query}")).1.len();
        assert_eq!(cost("?limit=1"), cost("?limit=9"));
    }

    fn a_revision_is_read_with_what_it_said(app) {
        app.section("World");
        app.tag("Storm");
        let address = address(&app.draft("One", json!({ "section": "world", "tags": ["storm"], "kicker": "First" })));
        change(app, &address, json!({ "title": "Two", "tags": [], "body_html": "<p>Other.</p>" })).expect(200);

        let first = app.editor().get(&format!("{address}/revisions/1")).expect(200);
        assert_eq!(first.etag(), "\"r2\"");
        let first = first.json();
        assert_eq!((&first["title"], &first["kicker"], &first["number"]), (&json!("One"), &json!("First"), &json!(1)));
        assert_eq!((&first["section"]["slug"], &first["tags"][0]["slug"]), (&json!("world"), &json!("storm")));
        assert_eq!(first["body_html"], "<p>The first ships left at dawn.</p>");
        let text = app.editor().get(&format!("{address}/revisions/2?include=body_text,body_blocks")).expect(200).json();
        assert_eq!((&text["body_text"], text.get("body_html")), (&json!("Other."), None));
        assert_eq!(text["body_blocks"][0]["type"], "paragraph");
        for nowhere in ["0", "3", "-1", "01", "+1", "x", "99999999999"] {
            app.editor().get(&format!("{address}/revisions/{nowhere}")).expect(404);
        }
        app.editor().get(&format!("{address}/revisions/1?include=body")).expect(400);
    }

    fn two_revisions_are_compared_by_member_block_and_word(app) {
        let draft = app.draft("One", json!({ "body_html": "<p>Alpha.</p><p>The pier opened in 1951.</p><p>Gamma.</p>" }));
        let address = address(&draft);
        change(app, &address, json!({ "title": "Two", "body_html": "<p>Gamma.</p><p>Alpha.</p><p>The pier opened in 1961.</p><p>New.</p>" })).expect(200);
        change(app, &address, json!({ "body_html": "<p>Alpha.</p>" })).expect(200);

        let second = diff(app, &address, "2/diff");
        assert_eq!((&second["from"], &second["to"]), (&json!(1), &json!(2)));
        assert_eq!(second["members"]["title"], json!({ "from": "One", "to": "Two" }));
        let said: Vec<Value> = second["body"].as_array().unwrap().iter().map(|change| change["change"].clone()).collect();
        assert_eq!(said, ["moved", "changed", "added"]);
        let words: Vec<Value> = second["body"][1]["text"].as_array().unwrap().iter().map(|span| json!([span["kind"], span["text"]])).collect();
        assert_eq!(words, [json!(["equal", "The pier opened in "]), json!(["deleted", "1951"]), json!(["inserted", "1961"]), json!(["equal", "."])]);

        assert_eq!(diff(app, &address, "2/diff?against=2")["body"], json!([]));
        assert_eq!(diff(app, &address, "2/diff?against=2")["members"], json!({}));
        let back = diff(app, &address, "1/diff?against=3");
        assert_eq!(back["body"].as_array().unwrap().len(), 2, "{back}");
        let start = diff(app, &address, "1/diff");
        assert_eq!((&start["from"], &start["members"]["title"]), (&json!(0), &json!({ "from": null, "to": "One" })));
        assert_eq!(app.editor().get(&format!("{address}/revisions/1/diff?against=7")).expect(400).pointers(), ["/against"]);
    }

    fn an_older_revision_is_taken_up_again_and_readers_notice_nothing(app) {
        let address = address(&app.published("One", json!({ "kicker": "First" })));
        change(app, &address, json!({ "title": "Two", "body_html": "<p>Other.</p>" })).expect(200);
        verb(app, &address, "publish").expect(200);
        change(app, &address, json!({ "embargo_until": "2100-01-01T00:00:00Z" })).expect(200);
        let before = live(app, &address);

        let restored = restore(app, &address, 1).expect(200).json();

        assert_eq!((&restored["title"], &restored["revision"], &restored["has_unpublished_changes"]), (&json!("One"), &json!(6), &json!(true)));
        assert_eq!(restored["body_html"], "<p>The first ships left at dawn.</p>");
        assert_eq!(restored["embargo_until"], "2100-01-01T00:00:00.000Z", "an embargo does not end by the way");
        assert_eq!(live(app, &address), before);
        let newest = &revisions(app, &address, "?limit=1")["data"][0];
        assert_eq!((&newest["kind"], &newest["summary"]), (&json!("reverted"), &json!("Took up revision 1 again")));
        assert_eq!(restore(app, &address, 6).expect(200).etag(), "\"r6\"", "what says nothing new is no revision");
        app.editor().verb(&format!("{address}/revisions/1/restore"), "\"r5\"").expect(412);
        app.editor().request("POST", &format!("{address}/revisions/1/restore")).json(&json!({})).send().expect(428);
        restore(app, &address, 77).expect(404);
    }

    fn a_revision_that_refers_to_what_is_gone_is_not_taken_up(app) {
        let tag = app.tag("Storm");
        let address = address(&app.draft("One", json!({ "tags": ["storm"] })));
        change(app, &address, json!({ "tags": [], "title": "Two" })).expect(200);
        let path = format!("/v1/tags/{}", tag["id"].as_str().unwrap());
        app.editor().delete(&path, "*").expect(204);

        let refused = restore(app, &address, 1).expect(409);

        assert_eq!((refused.problem().as_str(), refused.pointers()), ("invalid_transition", vec!["/tags/0".to_owned()]));
        assert_eq!(newest(app, &address).json()["title"], "Two");
    }

    fn old_revisions_go_but_for_the_newest_and_what_readers_saw(app) {
        let address = address(&app.published("One", json!({})));
        for number in 1..4 {
            change(app, &address, json!({ "body_html": format!("<p>Text {number}.</p>") })).expect(200);
        }
        let before = live(app, &address);
        app.database.sql(&format!("UPDATE article_revisions SET created_at = '{}' WHERE number < 4", LONG_AGO.0));
        assert_eq!((prune(app, 0), numbers(&revisions(app, &address, ""))), (0, vec![5, 4, 3, 2, 1]));

        assert_eq!(prune(app, 30), 2);

        assert_eq!(numbers(&revisions(app, &address, "")), [5, 4, 2]);
        let bodies = "SELECT CAST(COUNT(*) AS TEXT) AS line FROM article_bodies";
        assert_eq!(app.database.sql(bodies), "3");
        app.database.sql(&format!("UPDATE article_revisions SET created_at = '{}'", LONG_AGO.0));
        assert_eq!(prune(app, 30), 1);
        assert_eq!((numbers(&revisions(app, &address, "")), app.database.sql(bodies)), (vec![5, 2], "2".to_owned()));
        assert_eq!((prune(app, 30), live(app, &address)), (0, before));
        // What compares with a revision that is gone takes the one before it, or says so.
        assert_eq!(diff(app, &address, "5/diff")["from"], 2);
        let stale = app.editor().patch(&address, "\"r4\"", json!({ "title": "x" })).expect(412).json();
        assert_eq!(stale.get("members"), None);
        let editor = app.editor();
        editor.request("PATCH", &address).header("if-match", "\"r4\"").header("prefer", "merge").json(&json!({ "title": "x" })).send().expect(412);
    }
}
