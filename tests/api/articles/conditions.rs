//! Writes say which revision they are based on.

use serde_json::{Value, json};

use super::{address, change, working};
use crate::support::{App, Response, both};

/// Every write to an article that exists.
fn writes(app: &App, address: &str, headers: &[(&str, &str)]) -> Vec<(String, Response)> {
    let steps = [
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/submit"),
        ("POST", "/return"),
        ("POST", "/publish"),
        ("POST", "/withdraw"),
        ("POST", "/restore"),
    ];
    steps
        .into_iter()
        .map(|(method, step)| {
            let path = format!("{address}{step}");
            let editor = app.editor();
            let mut request = editor.request(method, &path);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let request = if method == "DELETE" { request } else { request.json(&json!({})) };
            (format!("{method} {step}"), request.send())
        })
        .collect()
}

both! {
    fn a_write_without_if_match_is_refused(app) {
        let draft = app.draft("Harbor", json!({}));
        for (what, answer) in writes(app, &address(&draft), &[]) {
            assert_eq!((answer.status, answer.problem().as_str()), (428, "precondition_required"), "{what}");
        }
        assert_eq!(working(app, &address(&draft)).etag(), draft.etag());
    }

    fn a_write_with_a_stale_etag_is_refused_and_told_the_current_one(app) {
        let draft = app.draft("Harbor", json!({}));
        let address = address(&draft);
        let current = change(app, &address, json!({ "title": "Harbor reopens" })).expect(200).etag();
        assert_eq!(current, "\"r2\"");
        // What is not letter by letter the current strong tag does not match.
        for stale in [r#""r1""#, r#"W/"r2""#, r#""r02""#, r#""r+2""#, r#""R2""#, r#""2""#, r#""r3""#, r#""x", "r1", W/"r2""#, r#""""#] {
            for (what, answer) in writes(app, &address, &[("if-match", stale)]) {
                assert_eq!((answer.status, answer.problem().as_str()), (412, "precondition_failed"), "{what} {stale}");
                assert_eq!(answer.json()["current_etag"], "\"r2\"", "{what} {stale}");
            }
        }
        assert_eq!(working(app, &address).etag(), current);
    }

    fn what_is_not_a_list_of_entity_tags_is_malformed(app) {
        let draft = app.draft("Harbor", json!({}));
        for bad in ["r1", "\"r1", "r1\"", "\"r1\" \"r2\"", "", ",", "w/\"r1\"", "*, \"r1\""] {
            let answer = app.editor().patch(&address(&draft), bad, json!({})).expect(400);
            assert_eq!(answer.problem(), "bad_request", "{bad:?}");
        }
    }

    fn the_current_tag_in_a_list_in_two_headers_or_a_star_matches(app) {
        let draft = app.draft("Harbor", json!({}));
        let address = address(&draft);
        for (number, tags) in [vec!["\"r1\""], vec!["\"r9\" , \"r2\""], vec!["\"x\"", "W/\"y\", \"r3\""], vec!["*"], vec![" * "]].into_iter().enumerate() {
            let editor = app.editor();
            let mut request = editor.request("PATCH", &address);
            for tag in &tags {
                request = request.header("if-match", tag);
            }
            let answer = request.json(&json!({ "title": format!("Title {number}") })).send().expect(200);
            assert_eq!(answer.etag(), format!("\"r{}\"", number + 2), "{tags:?}");
        }
    }

    fn a_stale_patch_is_shown_what_it_was_based_on_what_it_says_and_what_is_there(app) {
        let section = app.section("World");
        let draft = app.draft("One", json!({ "kicker": "Old", "seo": { "title": "S" } }));
        let address = address(&draft);
        change(app, &address, json!({ "title": "Theirs", "section": "world", "seo": { "title": null }, "dateline": "Port" })).expect(200);

        let answer = app.editor().patch(&address, &draft.etag(), json!({ "title": "Yours", "kicker": null, "seo": { "description": "D" } })).expect(412);

        let members = answer.json()["members"].clone();
        assert_eq!(members, json!({
            "title": { "base": "One", "yours": "Yours", "theirs": "Theirs" },
            "kicker": { "base": "Old", "yours": null, "theirs": "Old" },
            "section": { "base": null, "yours": null, "theirs": section["id"] },
            "dateline": { "base": null, "yours": null, "theirs": "Port" },
            "seo": {
                "base": { "title": "S", "description": null, "canonical_url": null },
                "yours": { "title": "S", "description": "D", "canonical_url": null },
                "theirs": { "title": null, "description": null, "canonical_url": null }
            }
        }));

        // A verb says nothing itself, but is shown what changed; a tag that never was a revision has no base.
        let verb = app.editor().verb(&format!("{address}/submit"), &draft.etag()).expect(412).json();
        assert_eq!(verb["members"]["title"], json!({ "base": "One", "yours": "One", "theirs": "Theirs" }));
        let unknown = app.editor().patch(&address, "\"r77\"", json!({ "title": "x" })).expect(412).json();
        assert_eq!((&unknown["current_etag"], unknown.get("members")), (&json!("\"r2\""), None));
    }

    fn a_stale_body_is_compared_as_blocks(app) {
        let draft = app.draft("One", json!({ "body_html": "<p>Base</p>" }));
        let address = address(&draft);
        change(app, &address, json!({ "body_html": "<p>Theirs</p>" })).expect(200);

        let members = app.editor().patch(&address, &draft.etag(), json!({ "body_html": "<p>Yours</p>" })).expect(412).json()["members"].clone();

        let text = |side: &str| members["body_blocks"][side][0]["content"][0]["text"].clone();
        assert_eq!((text("base"), text("yours"), text("theirs")), (json!("Base"), json!("Yours"), json!("Theirs")));
        assert_eq!(members.as_object().unwrap().len(), 1);
    }

    fn of_two_writes_on_one_revision_only_the_first_counts(app) {
        let draft = app.draft("One", json!({}));
        let address = address(&draft);
        app.editor().patch(&address, &draft.etag(), json!({ "title": "First" })).expect(200);
        app.editor().patch(&address, &draft.etag(), json!({ "title": "Second" })).expect(412);
        app.admin().verb(&format!("{address}/submit"), &draft.etag()).expect(412);

        let view = working(app, &address).json();
        assert_eq!((&view["title"], &view["revision"], &view["state"]), (&json!("First"), &json!(2), &json!("draft")));
    }

    fn who_may_not_write_is_told_so_before_the_revision_is_looked_at(app) {
        let draft = app.draft("One", json!({}));
        change(app, &address(&draft), json!({ "title": "Two" })).expect(200);
        let answer = app.author().patch(&address(&draft), &draft.etag(), json!({ "title": "Three" })).expect(404);
        assert_eq!(answer.json().get("current_etag"), None::<&Value>);
    }
}
