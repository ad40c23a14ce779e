//! `Prefer: merge`: edits of different members and different blocks both survive, the rest is told.

use std::{collections::HashSet, sync::Barrier, thread};

use serde_json::{Value, json};

use super::{address, change, working};
use crate::support::{App, Backend, Client, Response, both, id};

fn merge(client: &Client, address: &str, etag: &str, patch: Value) -> Response {
    client
        .request("PATCH", address)
        .header("if-match", etag)
        .header("prefer", "respond-async, Merge")
        .json(&patch)
        .send()
}

fn paragraphs(view: &Value) -> Vec<String> {
    let html = view["body_html"].as_str().unwrap();
    html.split('\n').map(|line| line.trim_start_matches("<p>").trim_end_matches("</p>").to_owned()).collect()
}

both! {
    fn edits_of_different_members_and_blocks_both_survive(app) {
        app.section("World");
        let draft = app.draft("One", json!({
            "seo": { "title": "S" }, "extensions": { "a": 1, "b": 1 }, "kicker": "Old",
            "body_html": "<p>Alpha.</p><p>Beta is here.</p><p>Gamma.</p>"
        }));
        let address = address(&draft);
        change(app, &address, json!({
            "title": "Theirs", "section": "world", "seo": { "title": "Theirs" }, "extensions": { "a": 2 },
            "body_html": "<p>Alpha, they say.</p><p>Beta is here.</p><p>Gamma.</p><p>Their end.</p>"
        })).expect(200);

        let answer = merge(&app.editor(), &address, &draft.etag(), json!({
            "kicker": null, "dateline": "Port", "seo": { "description": "Yours" }, "extensions": { "b": 2 },
            "body_html": "<p>Alpha.</p><p>Beta was here.</p><p>Gamma.</p><p>Your end.</p>"
        })).expect(200);

        assert_eq!((answer.header("preference-applied"), answer.etag().as_str()), (Some("merge"), "\"r3\""));
        let view = answer.json();
        assert_eq!((&view["title"], &view["kicker"], &view["dateline"], &view["section"]["slug"]), (&json!("Theirs"), &Value::Null, &json!("Port"), &json!("world")));
        assert_eq!(view["seo"], json!({ "title": "Theirs", "description": "Yours", "canonical_url": null }));
        assert_eq!(view["extensions"], json!({ "a": 2, "b": 2 }));
        assert_eq!(paragraphs(&view), ["Alpha, they say.", "Beta was here.", "Gamma.", "Their end.", "Your end."]);
        let newest = app.editor().get(&format!("{address}/revisions?limit=1")).expect(200).json()["data"][0].clone();
        assert_eq!((&newest["kind"], &newest["summary"]), (&json!("merged"), &json!("Changed kicker, dateline, seo, extensions, body")));
    }

    fn what_both_changed_is_told_and_nothing_is_changed(app) {
        let draft = app.draft("One", json!({ "kicker": "Old", "body_html": "<p>Alpha.</p><p>Beta.</p>" }));
        let address = address(&draft);
        change(app, &address, json!({ "title": "Theirs", "kicker": "New", "body_html": "<p>Alpha of theirs.</p><p>Beta.</p>" })).expect(200);

        let refused = merge(&app.editor(), &address, &draft.etag(), json!({
            "title": "Yours", "dateline": "Port", "body_html": "<p>Alpha of yours.</p><p>Beta of yours.</p>"
        })).expect(412).json();

        assert_eq!(refused["current_etag"], "\"r2\"");
        assert_eq!(refused["members"], json!({ "title": { "base": "One", "yours": "Yours", "theirs": "Theirs" } }));
        let conflicts = refused["conflicts"].as_array().unwrap();
        let text = |side: &str| conflicts[0][side]["content"][0]["text"].clone();
        assert_eq!(conflicts.len(), 1);
        assert_eq!((text("base"), text("yours"), text("theirs")), (json!("Alpha."), json!("Alpha of yours."), json!("Alpha of theirs.")));
        let blocks = app.editor().get(&format!("{address}?view=working&include=body_blocks")).expect(200).json();
        assert_eq!((&conflicts[0]["id"], &conflicts[0]["reason"]), (&blocks["body_blocks"][0]["id"], &json!("content")));
        assert_eq!(working(app, &address).etag(), "\"r2\"");

        // Without the preference the answer is what it always was.
        let plain = app.editor().patch(&address, &draft.etag(), json!({ "dateline": "Port" })).expect(412).json();
        assert_eq!((plain["members"]["kicker"]["theirs"].clone(), plain.get("conflicts")), (json!("New"), None));
    }

    fn the_same_change_twice_is_no_conflict_and_faults_are_told_as_ever(app) {
        let tag = app.tag("Storm");
        let draft = app.draft("One", json!({}));
        let address = address(&draft);
        change(app, &address, json!({ "title": "Two", "tags": ["storm"] })).expect(200);

        let same = merge(&app.editor(), &address, &draft.etag(), json!({ "title": "Two", "tags": [tag["id"]] })).expect(200);

        assert_eq!(same.etag(), "\"r2\"", "there was nothing to change");
        let faulty = merge(&app.editor(), &address, &draft.etag(), json!({ "title": "", "tags": ["nowhere"], "body_html": 7 })).expect(422);
        assert!(faulty.pointers().contains(&"/title".to_owned()), "{}", faulty.text());
        merge(&app.editor(), &address, "\"r77\"", json!({ "dateline": "Port" })).expect(412);
        let fresh = merge(&app.editor(), &address, "\"r2\"", json!({ "dateline": "Port" })).expect(200);
        assert_eq!(fresh.header("preference-applied"), None, "nothing had to be merged");
        app.editor().delete(&address, "*").expect(204);
        assert_eq!(merge(&app.editor(), &address, &draft.etag(), json!({ "kicker": "K" })).expect(409).problem(), "invalid_transition");
    }

    fn a_block_that_is_edited_in_html_keeps_its_id(app) {
        let draft = app.draft("One", json!({ "body_html": "<p>Alpha.</p><p>The pier opened in 1951.</p>" }));
        let address = address(&draft);
        let ids = || -> Vec<String> {
            let view = app.editor().get(&format!("{address}?view=working&include=body_blocks")).expect(200).json();
            view["body_blocks"].as_array().unwrap().iter().map(|block| block["id"].as_str().unwrap().to_owned()).collect()
        };
        let before = ids();

        change(app, &address, json!({ "body_html": "<p>Alpha.</p><p>The pier opened in 1961.</p><p>New.</p>" })).expect(200);

        assert_eq!(ids()[..2], before);
        let same = newest_html(app, &address);
        let etag = working(app, &address).etag();
        assert_eq!(change(app, &address, json!({ "body_html": same })).expect(200).etag(), etag, "the same HTML changes nothing");
    }

    fn fifty_clients_that_append_lose_nothing(app) {
        let draft = app.draft("One", json!({ "body_html": "<p>The beginning.</p>" }));
        let address = address(&draft);
        let other = (app.database.backend == Backend::Postgres).then(|| App::start_on(app.database.clone(), &[]));
        let clients: Vec<Client> = (0..50).map(|number| if number % 2 == 0 { app.editor() } else { other.as_ref().unwrap_or(app).editor() }).collect();
        let barrier = Barrier::new(clients.len());

        thread::scope(|scope| {
            for (number, client) in clients.iter().enumerate() {
                let (barrier, address, draft) = (&barrier, &address, &draft);
                scope.spawn(move || {
                    barrier.wait();
                    let html = format!("<p>The beginning.</p><p>Client {number} wrote this.</p>");
                    // Who is not answered tries again: they were not told that it is there.
                    while merge(client, address, &draft.etag(), json!({ "body_html": html })).status != 200 {}
                });
            }
        });

        let written = paragraphs(&working(app, &address).json());
        let all: HashSet<String> = (0..50).map(|number| format!("Client {number} wrote this.")).collect();
        assert_eq!(written[0], "The beginning.");
        assert_eq!((written.len(), written[1..].iter().cloned().collect::<HashSet<_>>()), (51, all));
        assert_eq!(id(&draft), working(app, &address).json()["id"].as_str().unwrap());
    }
}

fn newest_html(app: &App, address: &str) -> Value {
    working(app, address).json()["body_html"].clone()
}
