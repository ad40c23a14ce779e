//! Who got what was wrong, and has not got the news yet.

use serde_json::{Value, json};

use super::key;
use crate::support::{App, both, id, wait::until};

fn spread(app: &App, path: &str) -> Value {
    app.admin().get(&format!("{path}/propagation")).expect(200).json()
}

fn behind(app: &App, path: &str) -> Vec<String> {
    let report = spread(app, path);
    let mut names: Vec<String> =
        report["behind"].as_array().unwrap().iter().map(|key| key["key"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// How many keys have read an article, as far as that is written.
fn readers(app: &App) -> String {
    app.database.sql("SELECT COUNT(*) AS line FROM api_key_reads")
}

both! {
    fn the_ledger_knows_who_has_not_got_a_correction(app) {
        app.section("World");
        let published = app.published("Harbor reopens", json!({ "section": "world", "body_html": "<p>In 1960.</p>" }));
        let path = format!("/v1/articles/{}", id(&published));
        let (one, first) = key(app, json!({}));
        let (two, second) = key(app, json!({}));
        let (other, _) = key(app, json!({}));
        one.get(&path).expect(200);
        two.get("/v1/articles").expect(200);
        other.get("/v1/sections").expect(200);
        until("both are noted", || readers(app) == "2");
        assert_eq!(spread(app, &path)["news"], Value::Null);

        let changed = app.editor().patch(&path, "*", json!({ "body_html": "<p>In 1961.</p>" })).expect(200);
        app.editor().request("POST", &format!("{path}/correct")).header("if-match", &changed.etag())
            .json(&json!({ "note": "It was 1961." })).send().expect(200);

        let mut both = vec![first.clone(), second.clone()];
        both.sort();
        assert_eq!(behind(app, &path), both);
        one.get(&path).expect(200);
        until("one has it", || behind(app, &path) == [second.clone()]);
        // To be told that nothing is new is to have what is there.
        let etag = two.get("/v1/sections").expect(200).etag();
        two.request("GET", "/v1/sections").header("if-none-match", &etag).send().expect(304);
        two.get("/v1/articles?limit=1").expect(200);
        until("both have it", || behind(app, &path).is_empty());
        let report = spread(app, &path);
        assert_eq!((&report["news"], &report["reached"], &report["informed"]), (&json!("corrected"), &json!(2), &json!(2)));
    }

    fn the_ledger_knows_who_has_not_heard_of_a_kill(app) {
        app.section("World");
        let published = app.published("Harbor reopens", json!({ "section": "world" }));
        let path = format!("/v1/articles/{}", id(&published));
        let (one, first) = key(app, json!({}));
        let (two, second) = key(app, json!({}));
        one.get("/v1/articles/harbor-reopens").expect(200);
        two.get(&path).expect(200);
        until("both are noted", || readers(app) == "2");

        app.admin().request("POST", &format!("{path}/kill")).header("if-match", "*").json(&json!({ "notice": "It is gone." })).send().expect(200);

        let mut both = vec![first, second.clone()];
        both.sort();
        until("both are behind", || behind(app, &path) == both);
        one.get("/v1/articles/harbor-reopens").expect(410);
        until("one has heard of it", || behind(app, &path) == [second.clone()]);
        assert_eq!(spread(app, &path)["news"], "killed");
        two.get("/v1/articles").expect(200);
        assert_eq!(behind(app, &path), [second], "a list without it is no news");
    }
}
