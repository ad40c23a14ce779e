//! Fifty people who change one article for a minute (R5). The short form is in `concurrency`.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Nodes, editor};
use crate::support::{Backend, Client, Database, postgres};

const EDITORS: usize = 50;

/// Reads and adds one, again and again; returns how often that landed and how often it lost.
fn count_up(client: &Client, path: &str, until: Instant, busy: &AtomicUsize) -> (usize, usize) {
    let (mut landed, mut lost) = (0, 0);
    while Instant::now() < until {
        let read = client.get(&format!("{path}?view=working"));
        if read.status == 503 {
            busy.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let counter = read.json()["extensions"]["counter"].as_i64().unwrap();
        let patch = json!({ "extensions": { "counter": counter + 1 } });
        let answer = client.patch(path, &read.etag(), patch);
        match answer.status {
            200 => landed += 1,
            412 => lost += 1,
            // Told to come again: nothing was done.
            503 => drop(busy.fetch_add(1, Ordering::SeqCst)),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    (landed, lost)
}

fn run(backend: Backend, nodes: usize, lasts: Duration) {
    let database = Database::with_logins(backend);
    let nodes = Nodes::start(&database, nodes, &[]);
    let bases = nodes.bases();
    let first = editor(&bases[0]);
    let draft = first.post("/v1/articles", json!({ "title": "Counted", "extensions": { "counter": 0 } })).expect(201);
    let path = format!("/v1/articles/{}", draft.json()["id"].as_str().unwrap());
    // A write that does not say what it is based on is refused also in the crowd.
    first.request("PATCH", &path).json(&json!({ "title": "x" })).send().expect(428);
    let until = Instant::now() + lasts;
    let busy = AtomicUsize::new(0);

    let counts: Vec<(usize, usize)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..EDITORS)
            .map(|number| {
                let client = Client::new(&bases[number % bases.len()], first.token.clone());
                let (path, busy) = (&path, &busy);
                scope.spawn(move || count_up(&client, path, until, busy))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    let landed: usize = counts.iter().map(|(landed, _)| landed).sum();
    let lost: usize = counts.iter().map(|(_, lost)| lost).sum();
    println!("{backend:?}: {landed} changes landed, {lost} were refused as stale, {} put off", busy.into_inner());
    let article: Value = first.get(&format!("{path}?view=working")).expect(200).json();
    assert_eq!(article["extensions"]["counter"], landed, "each change that was acknowledged counts");
    assert_eq!(article["revision"], landed + 1);
    let revisions = "SELECT CAST(COUNT(*) AS TEXT) || ' ' || CAST(MIN(number) AS TEXT) || ' ' || CAST(MAX(number) AS TEXT) AS line FROM article_revisions";
    assert_eq!(database.sql(revisions), format!("{0} 1 {0}", landed + 1));
    assert!(landed > 0 && lost > 0, "nobody met anybody");
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn fifty_editors_of_one_article_lose_nothing_for_a_minute_on_three_servers() {
    if postgres::cluster().is_ok() {
        run(Backend::Postgres, 3, Duration::from_secs(60));
    }
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn fifty_editors_of_one_article_lose_nothing_for_a_minute_on_sqlite() {
    run(Backend::Sqlite, 1, Duration::from_secs(60));
}
