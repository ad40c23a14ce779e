//! What readers saw at a time.

use frontpage::clock::Instant;
use serde_json::{Value, json};

use super::{address, change, live, verb, working};
use crate::support::{App, Client, Response, both};

fn at(client: &Client, address: &str, time: &Value) -> Response {
    client.get(&format!("{address}?as_of={}", time.as_str().unwrap()))
}

fn rename(app: &App, path: &str, patch: Value) {
    app.editor().patch(path, "*", patch).expect(200);
}

both! {
    fn readers_saw_the_revision_and_the_names_of_then(app) {
        app.section("Earth");
        app.editor().post("/v1/sections", json!({ "name": "World", "slug": "world", "parent": "earth" })).expect(201);
        app.tag("Storm");
        app.editor().post("/v1/staff", json!({ "name": "Ada", "title": "Reporter", "bio_html": "<p>Of the harbor.</p>" })).expect(201);
        let other = address(&app.published("Other", json!({})));
        let related = working(app, &other).json()["id"].clone();
        let draft = app.draft("One", json!({ "section": "world", "tags": ["storm"], "authors": [{ "staff": "ada" }], "related": [related], "extensions": { "x": [1] }, "source": { "name": "Wire" } }));
        let address = address(&draft);
        verb(app, &address, "publish").expect(200);
        let first = live(app, &address);
        rename(app, "/v1/sections/earth", json!({ "slug": "globe" }));
        rename(app, "/v1/sections/world", json!({ "name": "Lands" }));
        rename(app, "/v1/tags/storm", json!({ "name": "Tempest", "slug": "tempest" }));
        rename(app, "/v1/staff/ada", json!({ "name": "Ada B.", "title": null, "bio_html": null }));
        verb(app, &other, "withdraw").expect(200);
        change(app, &address, json!({ "title": "Two", "slug": "two", "body_html": "<p>Changed.</p>" })).expect(200);
        verb(app, &address, "publish").expect(200);
        let second = live(app, &address);
        let withdrawn = verb(app, &address, "withdraw").expect(200).json();

        let editor = app.editor();
        let answer = at(&editor, &address, &first["updated_at"]).expect(200);
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        assert_eq!(answer.json(), first);
        assert_eq!(first["section"]["path"], "earth/world");
        assert_eq!(at(&editor, &address, &second["updated_at"]).expect(200).json(), second);
        assert_eq!(at(&editor, "/v1/articles/one", &first["updated_at"]).expect(200).json(), first, "by the slug of then");
        at(&editor, &address, &draft.json()["created_at"]).expect(404);
        at(&editor, &address, &withdrawn["updated_at"]).expect(404);
        at(&editor, "/v1/articles/nowhere", &first["updated_at"]).expect(404);
        let trimmed = editor.get(&format!("{address}?as_of={}&fields=title,body_text&include=body_text", first["updated_at"].as_str().unwrap())).expect(200).json();
        assert_eq!(trimmed, json!({ "title": "One", "body_text": "The first ships left at dawn." }));
    }

    fn the_past_is_for_editors_and_what_was_killed_for_administrators(app) {
        let address = address(&app.published("One", json!({})));
        let first = live(app, &address);
        let then = &first["updated_at"];
        at(&app.anonymous(), &address, then).expect(401);
        at(&app.author(), &address, then).expect(403);
        assert_eq!(at(&app.editor(), &address, &json!("2100-01-01T00:00:00Z")).expect(400).pointers(), ["/as_of"]);
        assert_eq!(at(&app.editor(), &address, &json!("yesterday")).expect(400).pointers(), ["/as_of"]);
        let both = app.editor().get(&format!("{address}?view=working&as_of={}", then.as_str().unwrap())).expect(400);
        assert_eq!(both.pointers(), ["/as_of"]);
        let admin = app.admin();
        admin.request("POST", &format!("{address}/kill")).header("if-match", "*").json(&json!({ "notice": "Gone." })).send().expect(200);

        at(&app.editor(), &address, then).expect(403);
        assert_eq!(at(&admin, &address, then).expect(200).json(), first);
        app.anonymous().get(&address).expect(410);
    }

    fn a_tag_that_went_into_another_is_the_other_from_then_on(app) {
        app.tag("Storm");
        app.tag("Weather");
        let address = address(&app.published("One", json!({ "tags": ["storm"] })));
        let first = live(app, &address);
        app.editor().request("POST", "/v1/tags/storm/merge").header("if-match", "*").json(&json!({ "into": "weather" })).send().expect(200);
        let after = json!(Instant::now().to_string());

        assert_eq!(at(&app.editor(), &address, &first["updated_at"]).expect(200).json(), first);
        let merged = at(&app.editor(), &address, &after).expect(200).json();
        assert_eq!(merged["tags"], live(app, &address)["tags"]);
        assert_eq!(merged["tags"][0]["slug"], "weather");
    }
}
