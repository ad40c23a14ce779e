//! What an administrator reads of the audit: filters, pages, and what they cost.

use serde_json::{Value, json};

use super::{append, count, open, seal};
use crate::support::{App, Backend, both, id, raw};

fn list(app: &App, query: &str) -> Vec<Value> {
    app.admin().get(&format!("/v1/audit?{query}")).expect(200).json()["data"].as_array().unwrap().clone()
}

fn actions(app: &App, query: &str) -> Vec<String> {
    list(app, query).iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

both! {
    fn each_filter_finds_what_it_says(app) {
        let article = app.published("One", json!({}));
        app.editor().patch(&format!("/v1/articles/{}", id(&article)), "*", json!({ "title": "Two" })).expect(200);
        let client = app.editor();
        let request = client.request("POST", "/v1/tags").header("x-request-id", "one-request");
        let tag = request.json(&json!({ "name": "Tag" })).send().expect(201);
        let me = app.editor().get("/v1/auth/me").expect(200).json();
        let editor = me["id"].as_str().unwrap();

        let of_article = actions(app, &format!("resource_id={}", id(&article)));
        assert_eq!(of_article, ["article.edited", "article.published", "article.created"]);
        assert_eq!(actions(app, "action=article"), of_article);
        assert_eq!(actions(app, "action=article.published"), ["article.published"]);
        assert_eq!(actions(app, "resource=tag"), ["tag.created"]);
        assert_eq!(actions(app, "request_id=one-request"), ["tag.created"]);
        assert_eq!(actions(app, "actor=server"), ["key.added"]);
        assert_eq!(actions(app, "actor=command").len(), 4);
        assert_eq!(actions(app, "actor=clock"), [""; 0]);
        let by_editor = list(app, &format!("actor={editor}"));
        assert!(by_editor.len() >= 5 && by_editor.iter().all(|entry| entry["user"]["id"] == editor), "{by_editor:?}");
        assert_eq!(actions(app, &format!("actor={editor}&resource=tag&resource_id={}", id(&tag))), ["tag.created"]);
        let newest = by_editor[0]["at"].as_str().unwrap();
        assert!(list(app, &format!("after={newest}")).iter().all(|entry| entry["at"].as_str().unwrap() >= newest));
        assert!(list(app, &format!("before={newest}")).iter().all(|entry| entry["at"].as_str().unwrap() < newest));
        let entry = &list(app, "action=article.edited")[0];
        assert_eq!((&entry["actor"], &entry["user"]["name"]), (&json!("editor"), &me["name"]));
        assert_eq!(entry["details"], json!({ "revision": 3, "state": "published", "summary": "Changed title" }));
        assert_eq!((&entry["address"], &entry["position"], &entry["chain"]), (&json!("127.0.0.1"), &json!(null), &json!(null)));

        seal(&open(&app.database));

        assert!(list(app, "limit=100").iter().all(|entry| entry["position"].is_i64() && entry["chain"].is_string()));
        for wrong in ["actor=editor", "action=cooking", "action=article.%25", "resource=x", "resource_id=", "request_id=", "after=today", "who=me", "limit=0", "cursor=x"] {
            app.admin().get(&format!("/v1/audit?{wrong}")).expect(400);
        }
    }

    fn pages_hold_every_entry_once_the_newest_first_both_ways(app) {
        append(&open(&app.database), 45);
        let all = count(&app.database, "1 = 1");
        let mut seen: Vec<Value> = Vec::new();
        let mut pages: Vec<Value> = Vec::new();
        let mut path = "/v1/audit?limit=10".to_owned();
        loop {
            let page = app.admin().get(&path).expect(200).json();
            seen.extend(page["data"].as_array().unwrap().iter().cloned());
            pages.push(page.clone());
            let Some(next) = page["page"]["next"].as_str() else { break };
            path = format!("/v1/audit?limit=10&cursor={next}");
        }

        let keys: Vec<(&str, &str)> =
            seen.iter().map(|entry| (entry["at"].as_str().unwrap(), entry["id"].as_str().unwrap())).collect();
        assert!(keys.windows(2).all(|pair| pair[0] > pair[1]), "{keys:?}");
        // The administrator's own login came in between.
        assert!(keys.len() == all || keys.len() == all + 1, "{} of {all}", keys.len());
        let last = &pages[pages.len() - 1];
        let back = format!("/v1/audit?limit=10&cursor={}", last["page"]["prev"].as_str().unwrap());
        assert_eq!(app.admin().get(&back).expect(200).json()["data"], pages[pages.len() - 2]["data"]);
    }

    fn no_filter_reads_more_than_its_page_of_many_entries(app) {
        fill(app);
        let page = app.admin().get("/v1/audit?limit=20").expect(200).json();
        let last = page["data"][19].clone();
        let (at, last_id) = (last["at"].as_str().unwrap().trim_end_matches('Z').replace('T', " "), last["id"].as_str().unwrap());
        let user = app.admin().get("/v1/auth/me").expect(200).json()["id"].as_str().unwrap().to_owned();
        let next = page["page"]["next"].as_str().unwrap();
        let cursor = [at.as_str(), &at, last_id];

        for (query, values) in [
            (String::new(), [].as_slice()),
            (format!("cursor={next}"), &cursor),
            (format!("actor={user}"), &[&user]),
            ("actor=clock".to_owned(), &["clock"]),
            ("action=article.published".to_owned(), &["article.published"]),
            ("action=tag".to_owned(), &["tag"]),
            ("resource=section".to_owned(), &["section"]),
            ("resource_id=article-7".to_owned(), &["article-7"]),
            ("request_id=request-77".to_owned(), &["request-77"]),
            ("before=2023-11-20T00:00:00Z".to_owned(), &["2023-11-20 00:00:00.000"]),
        ] {
            let path = format!("/v1/audit?limit=20&{query}");
            let (_, statements) = app.count_statements(|| app.admin().get(&path).expect(200));
            let read: Vec<&String> = statements.iter().filter(|text| text.contains("resource_id")).collect();
            // What is not sealed yet, and what is.
            assert_eq!(read.len(), 2, "{query}: {statements:#?}");
            for statement in read {
                let plan = plan(app, statement.split(" -- binds:").next().unwrap(), values);
                let grows = ["Seq Scan", "Sort", "SCAN audit\n", "TEMP B-TREE"].iter().any(|step| format!("{plan}\n").contains(step));
                assert!(!grows && plan.to_lowercase().contains("index"), "{query}:\n{plan}");
            }
        }
    }
}

/// Makes a hundred thousand entries of all kinds.
fn fill(app: &App) {
    let columns =
        "id, at, actor_id, actor, action, resource, resource_id, details, address, request_id, digest, position, chain";
    let resource = "CASE WHEN i % 100 = 0 THEN 'tag' WHEN i % 1000 = 1 THEN 'section' ELSE 'article' END";
    let action = "CASE WHEN i % 100 = 0 THEN 'tag.created' WHEN i % 1000 = 1 THEN 'section.updated' \
                  WHEN i % 5 = 0 THEN 'article.published' ELSE 'article.edited' END";
    let by = "(SELECT id FROM users WHERE email LIKE 'admin%' OR (i % 3 = 2 AND email LIKE 'author%') ORDER BY email DESC LIMIT 1)";
    let (uuid, at, numbers) = match app.database.backend {
        Backend::Sqlite => (
            "randomblob(16)",
            "strftime('%Y-%m-%d %H:%M:%f', 1700000000 + i * 60, 'unixepoch')",
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)",
        ),
        Backend::Postgres => (
            "gen_random_uuid()",
            "to_timestamp(1700000000 + i * 60) AT TIME ZONE 'UTC'",
            "WITH n (i) AS (SELECT generate_series(1, 100000))",
        ),
    };
    let digest = "a".repeat(64);
    app.database.sql(&format!(
        "INSERT INTO audit ({columns}) {numbers} SELECT {uuid}, {at}, CASE WHEN i % 50 = 0 THEN NULL ELSE {by} END, \
         CASE WHEN i % 50 = 0 THEN 'clock' ELSE 'admin' END, {action}, {resource}, 'article-' || (i % 2000), '{{}}', NULL, \
         'request-' || i, '{digest}', i + 1000, '{digest}' FROM n"
    ));
    if app.database.backend == Backend::Postgres {
        app.database.sql("ANALYZE audit");
    }
}

/// How the database runs a statement with these values and a page of twenty.
fn plan(app: &App, statement: &str, values: &[&str]) -> String {
    if app.database.backend == Backend::Sqlite {
        return raw::plan(&app.database.directory().join("frontpage.db"), statement);
    }
    let mut text = statement.to_owned();
    for (number, value) in values.iter().enumerate().rev() {
        text = text.replace(&format!("${}", number + 1), &format!("'{value}'"));
    }
    text = text.replace(&format!("${}", values.len() + 1), "21");
    app.database.sql(&format!("EXPLAIN {text}"))
}
