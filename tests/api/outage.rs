//! What an operator fears: a killed program, a database that is away or hangs.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    faults::assert_put_off,
    support::{
        App, Backend, Client, Database, PASSWORD, postgres,
        program::{PROMPT, editor},
        scratch,
    },
};

/// Kills the program while four writers post and publish; returns the acknowledged articles, published ones marked.
fn acknowledged_until_killed(database: &Database, after: usize) -> Vec<(String, bool)> {
    let program = database.serve(&[]);
    let client = editor(&program.base);
    client.post("/v1/sections", json!({ "name": "World", "slug": "world" }));
    let is_over = AtomicBool::new(false);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (client, sender, is_over) = (client.clone(), sender.clone(), &is_over);
            scope.spawn(move || {
                for number in 0.. {
                    let input = json!({ "title": format!("{writer} {number}"), "section": "world", "body_html": "<p>Text.</p>" });
                    let Ok(draft) = client.request("POST", "/v1/articles").json(&input).try_send() else { return };
                    if is_over.load(Ordering::SeqCst) || draft.status != 201 {
                        return;
                    }
                    let id = draft.json()["id"].as_str().unwrap().to_owned();
                    let path = format!("/v1/articles/{id}/publish");
                    let published =
                        client.request("POST", &path).header("if-match", "\"r1\"").json(&json!({})).try_send();
                    let is_published = published.is_ok_and(|answer| answer.status == 200);
                    if sender.send((id, is_published)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut acknowledged: Vec<_> = receiver.iter().take(after).collect();
        is_over.store(true, Ordering::SeqCst);
        program.kill();
        acknowledged.extend(receiver.iter());
        acknowledged
    })
}

fn nothing_acknowledged_is_lost(backend: Backend) {
    let database = Database::with_logins(backend);
    let mut acknowledged = Vec::new();
    for cycle in 0..3 {
        acknowledged.extend(acknowledged_until_killed(&database, 10 + cycle * 7));
    }
    let program = database.serve(&[]);
    let client = editor(&program.base);
    assert!(acknowledged.len() >= 30);
    for (id, is_published) in &acknowledged {
        client.get(&format!("/v1/articles/{id}?view=working")).expect(200);
        if *is_published {
            client.anonymous().get(&format!("/v1/articles/{id}")).expect(200);
        }
    }
    let published = acknowledged.iter().filter(|(_, is_published)| *is_published).count();
    let logged: usize = match backend {
        Backend::Sqlite => database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM changes WHERE kind = 'published'"),
        Backend::Postgres => database.sql("SELECT COUNT(*) FROM changes WHERE kind = 'published'"),
    }
    .parse()
    .unwrap();
    assert!(logged >= published, "{logged} of {published} publications are in the change log");
    program.kill();
}

#[test]
fn a_killed_program_loses_no_acknowledged_write_on_sqlite() {
    nothing_acknowledged_is_lost(Backend::Sqlite);
}

#[test]
fn a_killed_program_loses_no_acknowledged_write_on_postgres() {
    if postgres::cluster().is_ok() {
        nothing_acknowledged_is_lost(Backend::Postgres);
    }
}

fn repeat_until_well(client: &Client) {
    let started = Instant::now();
    while client.get("/v1/articles").status != 200 {
        assert!(started.elapsed() < Duration::from_secs(20), "the server does not recover");
    }
}

#[test]
fn a_database_that_hangs_or_is_gone_is_answered_503_and_comes_back() {
    if postgres::cluster().is_err() {
        return;
    }
    let folder = scratch::folder().join(format!("frontpage-test-pg-away-{}", std::process::id()));
    let cluster = postgres::Cluster::start_in(folder).expect("a cluster of its own");
    cluster.execute("postgres", "CREATE DATABASE news");
    let database = Database::at(Backend::Postgres, cluster.url("news"));
    database.fill();
    let [wait, read_timeout] = PROMPT;
    let prompt = [wait, read_timeout, ("FRONTPAGE_DB_WRITE_TIMEOUT_MS", "30000")];
    let app = App::start_on(std::sync::Arc::new(database), &prompt);
    let (anonymous, editor) = (app.anonymous(), app.editor());
    anonymous.get("/v1/articles").expect(200);

    cluster.signal_all("STOP");

    assert_put_off("a read", || anonymous.get("/v1/articles"));
    assert_put_off("a write", || editor.post("/v1/tags", json!({ "name": "Away" })));
    assert_put_off("a login", || app.login("editor@newsroom.test", PASSWORD));
    anonymous.get("/healthz").expect(200);
    anonymous.get("/readyz").expect(503);

    cluster.signal_all("CONT");

    repeat_until_well(&anonymous);
    app.editor().post("/v1/tags", json!({ "name": "Back" })).expect(201);
}
