//! What a key is told of changes: what it sees, that what it saw is gone, and nothing of the rest.

use serde_json::{Value, json};

use crate::{
    api_keys::key,
    support::{App, Client, both, id, wait::until},
};

/// All changes after a cursor, with their articles; and the cursor from which they go on.
fn changes(client: &Client, cursor: &str) -> (Vec<Value>, String) {
    let (mut found, mut cursor) = (Vec::new(), cursor.to_owned());
    loop {
        let page = client.get(&format!("/v1/changes?include=article&limit=7&cursor={cursor}")).expect(200).json();
        found.extend(page["data"].as_array().unwrap().iter().cloned());
        cursor = page["page"]["next"].as_str().unwrap().to_owned();
        if page["page"]["has_more"] == false {
            return (found, cursor);
        }
    }
}

fn titles(articles: &[Value]) -> Vec<String> {
    articles.iter().map(|article| article["title"].as_str().unwrap().to_owned()).collect()
}

/// The articles of a snapshot, and its cursor.
fn snapshot(client: &Client) -> (Vec<Value>, String) {
    let text = client.get("/v1/snapshot").expect(200).text();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let articles = lines.iter().filter(|line| line["type"] == "article").map(|line| line["article"].clone()).collect();
    (articles, lines.last().unwrap()["cursor"].as_str().unwrap().to_owned())
}

/// Waits until a server has read all that was written.
fn settle(app: &App, client: &Client, cursor: &str, title: &str) {
    until(&format!("the change of {title} is read"), || {
        app.anonymous().get("/v1/changes?from=oldest&include=article&limit=100").expect(200).text().contains(title)
            && client.get(&format!("/v1/changes?cursor={cursor}")).status == 200
    });
}

both! {
    fn a_key_is_told_of_its_sections_and_that_what_leaves_them_is_gone(app) {
        app.section("World");
        app.section("Sport");
        let old = app.published("From abroad", json!({ "section": "world", "body_html": "<p>Text.</p>" }));
        app.published("From the stadium", json!({ "section": "sport" }));
        let (partner, _) = key(app, json!({ "sections": ["world"], "text": "excerpt" }));
        let (articles, cursor) = snapshot(&partner);
        assert_eq!(titles(&articles), ["From abroad"]);
        assert!(articles[0].get("body_html").is_none());

        app.published("A second match", json!({ "section": "sport" }));
        let moved = format!("/v1/articles/{}", id(&old));
        let changed = app.editor().patch(&moved, "*", json!({ "section": "sport" })).expect(200);
        app.editor().verb(&format!("{moved}/publish"), &changed.etag()).expect(200);
        app.published("New from abroad", json!({ "section": "world", "body_html": "<p>Text.</p>" }));
        settle(app, &partner, &cursor, "New from abroad");

        let (told, _) = changes(&partner, &cursor);
        let of_articles: Vec<&Value> = told.iter().filter(|entry| entry["resource"] == "article").collect();
        assert_eq!(of_articles.len(), 2, "{told:#?}");
        assert_eq!((&of_articles[0]["resource_id"], &of_articles[0]["is_gone"], &of_articles[0]["article"]), (&json!(id(&old)), &json!(true), &Value::Null));
        assert_eq!((&of_articles[1]["article"]["title"], of_articles[1]["article"].get("body_html")), (&json!("New from abroad"), None));
        assert!(!serde_json::to_string(&told).unwrap().contains("match"));
        partner.get("/v1/changes?from=oldest").expect(200);
    }

    fn who_sees_articles_later_is_told_later(app) {
        app.section("World");
        let (partner, _) = key(app, json!({ "delay_minutes": 60 }));
        let (articles, cursor) = snapshot(&partner);
        assert_eq!(titles(&articles), Vec::<String>::new());

        app.published("From abroad", json!({ "section": "world" }));
        settle(app, &partner, &cursor, "From abroad");

        assert_eq!(changes(&partner, &cursor).0, Vec::<Value>::new());
        app.database.sql("UPDATE changes SET at = '2026-01-01 00:00:00.000'");
        app.database.sql("UPDATE live_articles SET published_at = '2026-01-01 00:00:00.000'");
        app.database.sql("UPDATE live_facets SET published_at = '2026-01-01 00:00:00.000'");
        let (told, _) = changes(&partner, &cursor);
        let told: Vec<&Value> = told.iter().filter(|entry| entry["resource"] == "article").collect();
        assert_eq!((told.len(), &told[0]["article"]["title"]), (1, &json!("From abroad")));
    }

    fn the_wire_is_for_keys_that_have_it(app) {
        let (partner, _) = key(app, json!({ "scopes": ["articles:read"] }));
        for path in ["/v1/changes", "/v1/changes/stream", "/v1/snapshot"] {
            partner.get(path).expect(403);
        }
        let closed = App::start_on(app.database.clone(), &[("FRONTPAGE_ANONYMOUS_READERS", "none")]);
        for path in ["/v1/changes", "/v1/changes/stream", "/v1/snapshot"] {
            closed.anonymous().get(path).expect(401);
        }
    }
}
