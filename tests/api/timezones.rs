//! Times are moments in UTC: neither the zone of the machine, nor that of the database, nor summer time changes an
//! answer (R12).

use serde_json::{Value, json};

use crate::support::{Backend, Client, Database, PASSWORD, postgres};

/// Zones with summer time, odd offsets, and a date of their own.
const ZONES: [&str; 3] = ["Europe/Berlin", "America/St_Johns", "Pacific/Apia"];

/// Times around the hours that Berlin skips and has twice, as clients write them, and as the API does.
const TIMES: [(&str, &str); 5] = [
    ("2099-03-29T01:59:59.999+01:00", "2099-03-29T00:59:59.999Z"),
    ("2099-03-29T02:30:00+01:00", "2099-03-29T01:30:00.000Z"),
    ("2099-10-25T02:30:00+02:00", "2099-10-25T00:30:00.000Z"),
    ("2099-10-25T02:30:00+01:00", "2099-10-25T01:30:00.000Z"),
    ("2099-12-31T23:59:59-03:30", "2100-01-01T03:29:59.000Z"),
];

fn log_in(base: &str) -> Client {
    let anonymous = Client::new(base, None);
    let login = json!({ "email": "editor@newsroom.test", "password": PASSWORD });
    let token = anonymous.post("/v1/auth/token", login).expect(200).json()["access_token"].as_str().unwrap().to_owned();
    anonymous.with_token(&token)
}

/// Schedules an article for each time, and publishes one; returns all that is said about it.
fn write(editor: &Client, zone: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for (number, (written, read)) in TIMES.into_iter().enumerate() {
        let input = json!({ "title": format!("{zone} {number}"), "section": "world", "body_html": "<p>Text.</p>" });
        let draft = editor.post("/v1/articles", input).expect(201).json();
        let path = format!("/v1/articles/{}", draft["id"].as_str().unwrap());
        let times = json!({ "publish_at": written });
        let view =
            editor.request("POST", &format!("{path}/schedule")).header("if-match", "*").json(&times).send().expect(200);
        assert_eq!(view.json()["publish_at"], read, "{zone}: {written}");
        ids.push(path);
    }
    let input = json!({ "title": format!("{zone} now"), "section": "world", "body_html": "<p>Text.</p>" });
    let now = editor.post("/v1/articles", input).expect(201).json();
    let path = format!("/v1/articles/{}", now["id"].as_str().unwrap());
    let before = chrono::Utc::now();
    let view = editor.verb(&format!("{path}/publish"), "*").expect(200).json();
    let at: chrono::DateTime<chrono::Utc> = view["published_at"].as_str().unwrap().parse().unwrap();
    // An hour would be a zone's doing.
    assert!((at - before).num_minutes().abs() < 10, "{zone}: published at {at}, which was {before}");
    ids.push(path);
    ids
}

/// All answers about some articles, and lists by times.
fn read(editor: &Client, paths: &[String]) -> Vec<(String, u16, Value)> {
    let mut all: Vec<String> = paths.iter().map(|path| format!("{path}?view=working")).collect();
    all.extend(paths.iter().map(|path| format!("{path}/revisions")));
    all.extend(
        [
            "published_after=2020-03-29T02:30:00%2B01:00",
            "published_before=2099-10-25T02:30:00%2B02:00",
            "published_before=2020-01-01T00:00:00Z",
        ]
        .map(|query| format!("/v1/articles?{query}")),
    );
    all.extend(paths.iter().map(|path| format!("{path}?as_of=2026-03-29T02:30:00%2B01:00")));
    let answer = |path: String| {
        let answer = editor.get(&path);
        let mut body = answer.json();
        if answer.status >= 400 {
            body["instance"] = Value::Null;
        }
        (path, answer.status, body)
    };
    all.into_iter().map(answer).collect()
}

fn no_zone_changes_an_answer(backend: Backend) {
    let database = Database::with_logins(backend);
    let utc = database.serve(&[("TZ", "UTC")]);
    let editor = log_in(&utc.base);
    editor.post("/v1/sections", json!({ "name": "World" })).expect(201);
    let of_utc = write(&editor, "UTC");
    for zone in ZONES {
        if backend == Backend::Postgres {
            database.sql(&format!("ALTER DATABASE {} SET timezone = '{zone}'", database.name()));
        }
        let other = database.serve(&[("TZ", zone), ("PGTZ", zone)]);
        let there = editor_of(&other.base, &editor);
        let paths = [of_utc.clone(), write(&there, zone)].concat();

        assert_eq!(read(&there, &paths), read(&editor, &paths), "{zone}");
    }
}

/// The same person at another server.
fn editor_of(base: &str, editor: &Client) -> Client {
    Client::new(base, editor.token.clone())
}

#[test]
fn no_time_zone_changes_an_answer_on_sqlite() {
    no_zone_changes_an_answer(Backend::Sqlite);
}

#[test]
fn no_time_zone_changes_an_answer_on_postgres() {
    if postgres::cluster().is_ok() {
        no_zone_changes_an_answer(Backend::Postgres);
    }
}
