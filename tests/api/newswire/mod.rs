//! The newswire: what partners follow, so that they have what readers see and learn at once what they must not keep.

pub mod mirror;
mod policies;
mod stream;

use std::io::Read;

use serde_json::{Value, json};

use crate::support::{App, Backend, Client, Response, both, id, program::Program, wait::until};

/// The entries after a cursor, all of them, and the cursor after those.
pub fn entries(client: &Client, cursor: Option<&str>, more: &str) -> (Vec<Value>, String) {
    let (mut all, mut cursor) = (Vec::new(), cursor.map(str::to_owned));
    loop {
        let at = cursor.as_deref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = client.get(&format!("/v1/changes?limit=100{at}{more}")).expect(200).json();
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        cursor = Some(page["page"]["next"].as_str().unwrap().to_owned());
        if page["page"]["has_more"] == false {
            return (all, cursor.unwrap());
        }
    }
}

/// The entries after a cursor, once there are as many as the test waits for.
fn entries_when(client: &Client, cursor: &str, n: usize, more: &str) -> Vec<Value> {
    let mut found = Vec::new();
    until(&format!("there are {n} entries"), || {
        found = entries(client, Some(cursor), more).0;
        found.len() >= n
    });
    found
}

/// The cursor of what comes from now on.
fn latest(client: &Client) -> String {
    client.get("/v1/changes?from=latest").expect(200).json()["page"]["next"].as_str().unwrap().to_owned()
}

/// Waits until all that was written can be read from the wire.
pub fn settle(app: &App) {
    until("the server has read the log", || {
        let unplaced = app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM changes WHERE position IS NULL");
        let n = app.database.sql("SELECT CAST(COALESCE(MAX(position), 0) AS TEXT) AS line FROM changes");
        let (all, _) = entries(&app.anonymous(), None, "");
        unplaced == "0" && all.last().map_or("0".to_owned(), |entry| entry["id"].to_string()) == n
    });
}

fn verb(client: &Client, path: &str, verb: &str, body: Value) -> Response {
    client.request("POST", &format!("{path}/{verb}")).header("if-match", "*").json(&body).send().expect(200)
}

fn column<'a>(entries: &'a [Value], name: &str) -> Vec<&'a str> {
    entries.iter().map(|entry| entry[name].as_str().unwrap_or("null")).collect()
}

both! {
    fn each_thing_that_happens_to_an_article_is_told_in_its_own_words(app) {
        app.published("First", json!({}));
        settle(app);
        let (reader, editor) = (app.anonymous(), app.editor());
        let start = latest(&reader);
        let article = format!("/v1/articles/{}", id(&app.published("Harbor", json!({}))));
        editor.patch(&article, "*", json!({ "kicker": "New" })).expect(200);
        verb(&editor, &article, "publish", json!({}));
        editor.patch(&article, "*", json!({ "slug": "port" })).expect(200);
        verb(&editor, &article, "publish", json!({}));
        editor.patch(&article, "*", json!({ "title": "Port" })).expect(200);
        verb(&editor, &article, "correct", json!({ "note": "It is a port." }));
        verb(&editor, &article, "withdraw", json!({}));
        verb(&editor, &article, "publish", json!({}));
        verb(&app.admin(), &article, "kill", json!({ "notice": "We may not tell." }));

        let told = entries_when(&reader, &start, 7, "&include=article");
        assert_eq!(column(&told, "kind"), ["published", "updated", "moved", "corrected", "withdrawn", "published", "killed"]);
        assert_eq!(column(&told, "reason"), ["null", "null", "null", "It is a port.", "null", "null", "We may not tell."]);
        assert_eq!(column(&told, "former_slug"), ["null", "null", "harbor", "null", "null", "null", "null"]);
        for entry in &told {
            assert_eq!(entry["resource_id"], article.trim_start_matches("/v1/articles/"));
            // It is what readers see now.
            assert_eq!((&entry["is_gone"], &entry["article"]), (&json!(true), &Value::Null));
            assert!(entry["keys"].as_array().unwrap().contains(&json!(article.replace("/v1/articles/", "article-"))), "{entry}");
        }
    }

    fn what_comes_by_the_clock_is_told_when_it_has_come(app) {
        app.section("World");
        let recorder = App::start_on(app.database.clone(), &[("FRONTPAGE_SCHEDULE_SECONDS", "1")]);
        settle(&recorder);
        let (reader, editor) = (recorder.anonymous(), app.editor());
        let start = latest(&reader);
        let soon = frontpage::clock::Instant::now().plus_seconds(8).to_string();
        let held = app.draft("Held", json!({ "section": "world", "embargo_until": soon }));
        let held = format!("/v1/articles/{}", id(&held));
        verb(&editor, &held, "publish", json!({}));
        let planned = format!("/v1/articles/{}", id(&app.draft("Planned", json!({ "section": "world" }))));
        verb(&editor, &planned, "schedule", json!({ "publish_at": soon }));
        assert!(!entries(&reader, Some(&start), "").0.iter().any(|entry| entry["resource"] == "article"));

        let told = entries_when(&reader, &start, 2, "");
        let told: Vec<(&str, String)> = told
            .iter()
            .filter(|entry| entry["resource"] == "article")
            .map(|entry| (entry["kind"].as_str().unwrap(), format!("/v1/articles/{}", entry["resource_id"].as_str().unwrap())))
            .collect();
        let mut expected = [("embargo_lifted", held), ("published", planned)];
        expected.sort_by(|a, b| a.1.cmp(&b.1));
        let mut told = told;
        told.sort_by(|a, b| a.1.cmp(&b.1));
        assert_eq!(told, expected);
    }

    fn what_is_to_come_is_named_nowhere(app) {
        let far = "2100-01-01T00:00:00Z";
        let (section, tag, other) = (app.section("World"), app.tag("Ships"), app.tag("Boats"));
        let open = id(&app.published("Open", json!({ "tags": ["ships"] })));
        let held = app.draft("Held", json!({ "section": "world", "tags": ["ships"], "related": [open], "embargo_until": far }));
        verb(&app.editor(), &format!("/v1/articles/{}", id(&held)), "publish", json!({}));
        // All of these are named by what is held back, or show in it.
        app.editor().patch(&format!("/v1/articles/{open}"), "*", json!({ "title": "Opened", "slug": "opened" })).expect(200);
        verb(&app.editor(), &format!("/v1/articles/{open}"), "publish", json!({}));
        verb(&app.editor(), "/v1/tags/ships", "merge", json!({ "into": "boats" }));
        settle(app);

        for more in ["", "&include=article"] {
            let text = json!(entries(&app.anonymous(), None, more).0).to_string();
            assert!(text.contains(&open), "{text}");
            assert!(!text.contains(&id(&held)), "{text}");
        }
        let _ = (section, tag, other);
    }

    fn whoever_waits_is_answered_when_there_is_something(app) {
        settle(app);
        let start = latest(&app.anonymous());
        let address = format!("/v1/changes?cursor={start}&wait=30");
        let asked = std::thread::spawn({
            let (reader, address) = (app.anonymous(), address.clone());
            move || reader.get(&address).expect(200).json()
        });
        app.section("World");

        let answer = asked.join().unwrap();
        assert_eq!(column(answer["data"].as_array().unwrap(), "kind"), ["created"]);
        let next = answer["page"]["next"].as_str().unwrap();
        let nothing = app.anonymous().get(&format!("/v1/changes?cursor={next}&wait=1")).expect(200).json();
        assert_eq!((&nothing["data"], &nothing["page"]["next"], &nothing["page"]["has_more"]), (&json!([]), &json!(next), &json!(false)));
    }

    fn whoever_is_at_the_end_costs_no_statement(app) {
        app.section("World");
        settle(app);
        let address = format!("/v1/changes?cursor={}", latest(&app.anonymous()));
        // The server looks at the log by itself now and then, on a connection of its own.
        let (answer, statements) = app.count_statements(|| app.anonymous().get(&address).expect(200));
        assert_eq!(answer.json()["data"], json!([]));
        assert_eq!(statements, Vec::<String>::new());
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    }

    fn a_cursor_is_good_until_the_log_forgets(app) {
        for number in 0..4 {
            app.section(&format!("Section {number}"));
        }
        settle(app);
        let reader = app.anonymous();
        let (all, end) = entries(&reader, None, "");
        let cursor = |index: usize| all[index]["cursor"].as_str().unwrap();
        app.database.sql("DELETE FROM changes WHERE position <= 2");

        reader.get(&format!("/v1/changes?cursor={}", cursor(1))).expect(200);
        let expired = reader.get(&format!("/v1/changes?cursor={}", cursor(0))).expect(410);
        assert_eq!((expired.problem(), expired.json()["snapshot"].clone()), ("cursor_expired".to_owned(), json!("/v1/snapshot")));
        reader.get(&format!("/v1/changes/stream?cursor={}", cursor(0))).expect(410);
        assert_eq!(entries(&reader, None, "").0, all[2..]);
        assert_eq!(entries(&reader, Some(&end), "").0, Vec::<Value>::new());
        // The log of a database that was put back has not come so far.
        app.database.sql("DELETE FROM changes WHERE position > 3");
        reader.get(&format!("/v1/changes?cursor={end}&include=article&limit=1")).expect(200);
        let fresh = App::start_on(app.database.clone(), &[]);
        until("the other server has read the log", || {
            fresh.anonymous().get(&format!("/v1/changes?cursor={end}")).status == 410
        });
    }

    fn what_is_no_cursor_or_no_parameter_is_refused(app) {
        app.section("World");
        settle(app);
        let reader = app.anonymous();
        let (all, end) = entries(&reader, None, "");
        let other = app.published("One", json!({})).header("location").map(str::to_owned);
        for (query, problem) in [
            ("cursor=AAAA", "invalid_cursor"), ("cursor=", "invalid_cursor"), ("from=now", "invalid_parameter"), ("limit=0", "invalid_parameter"), ("limit=101", "invalid_parameter"),
            ("wait=0", "invalid_parameter"), ("wait=31", "invalid_parameter"), ("wait=x", "invalid_parameter"), ("include=body_html", "invalid_parameter"), ("kind=published", "invalid_parameter"),
            (&*format!("cursor={end}&from=oldest"), "invalid_parameter"), (&*format!("cursor={}x", all[0]["cursor"].as_str().unwrap()), "invalid_cursor"),
        ] {
            assert_eq!(reader.get(&format!("/v1/changes?{query}")).expect(400).problem(), problem, "{query}");
        }
        reader.get(&format!("/v1/changes/stream?cursor={end}&from=latest")).expect(400);
        reader.get("/v1/snapshot?limit=1").expect(400);
        reader.request("GET", "/v1/changes/stream").header("last-event-id", "x").send().expect(400);
        reader.with_token("x").get("/v1/changes").expect(401);
        // A cursor of a list is none of the wire.
        app.published("Two", json!({}));
        let list = reader.get("/v1/articles?limit=1").expect(200).json()["page"]["next"].as_str().unwrap().to_owned();
        reader.get(&format!("/v1/changes?cursor={list}")).expect(400);
        let _ = other;
    }

    fn long_articles_make_the_page_shorter_and_nothing_is_left_out(app) {
        app.section("World");
        let text = format!("<p>{}</p>", "word ".repeat(150_000));
        for number in 0..9 {
            app.published(&format!("Long {number}"), json!({ "body_html": text }));
        }
        settle(app);

        let reader = app.anonymous();
        let first = reader.get("/v1/changes?limit=100&include=article").expect(200);
        assert!(first.bytes.len() < 6_000_000, "{}", first.bytes.len());
        assert_eq!(first.json()["page"]["has_more"], true);
        let (all, _) = entries(&reader, None, "&include=article");
        let ids: Vec<i64> = all.iter().map(|entry| entry["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, Vec::from_iter(1..=i64::try_from(ids.len()).unwrap()));
        assert_eq!(all.iter().filter(|entry| entry["article"].is_object()).count(), 9);
    }
}

#[test]
fn a_server_that_stops_lets_go_of_those_who_wait() {
    let database = crate::support::Database::with_logins(Backend::Sqlite);
    let program: Program = database.serve(&[]);
    // The one worker takes who waits before who listens.
    let mut waits = crate::slow::ask(&program.base, "/v1/changes?from=latest&wait=30", 65_536);
    let mut events = stream::Events::open(&program.base, "/v1/changes/stream", &[]);
    assert_eq!(events.next().unwrap().kind, "ready");
    program.signal("TERM");

    assert!(events.next().is_none());
    let mut answer = String::new();
    waits.read_to_string(&mut answer).expect("the server answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(program.end().0.success());
}
