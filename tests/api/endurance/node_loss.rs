//! A server that neither the database nor anybody else hears of any more, and that comes back (R18).

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::{
    editor,
    gate::{Gate, Mode},
    numbers, written,
};
use crate::{
    support::{
        Backend, Client, Database, postgres,
        wait::{pause, until, until_or},
    },
    webhooks::receiver::{Receiver, answer},
};

/// A second server behind a gate, and a webhook.
struct Pair {
    database: Database,
    gate: Gate,
    first: crate::support::program::Program,
    second: crate::support::program::Program,
    client: Client,
}

fn pair(receiver: &Receiver) -> Pair {
    let database = Database::with_logins(Backend::Postgres);
    let (gate, url) = Gate::before_database(&database.url, Mode::Passes);
    let settings = [("FRONTPAGE_OUTGOING_LOOPBACK", "true"), ("FRONTPAGE_SCHEDULE_SECONDS", "1")];
    let first = database.serve(&settings);
    let second = database.serve(&[settings[0], settings[1], ("DATABASE_URL", &url)]);
    let client = editor(&first.base);
    client.post("/v1/sections", json!({ "name": "World" })).expect(201);
    client.post("/v1/webhooks", json!({ "url": receiver.url(), "events": ["article.published"] })).expect(201);
    Pair { database, gate, first, second, client }
}

fn draft(client: &Client, title: &str) -> String {
    let input = json!({ "title": title, "section": "world", "body_html": "<p>Text.</p>" });
    format!("/v1/articles/{}", client.post("/v1/articles", input).expect(201).json()["id"].as_str().unwrap())
}

fn publish(client: &Client, title: &str) {
    client.verb(&format!("{}/publish", draft(client, title)), "*").expect(200);
}

/// How often each delivery arrived.
fn by_id(receiver: &Receiver) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    for one in receiver.arrived() {
        *found.entry(one.header("webhook-id").to_owned()).or_default() += 1;
    }
    found
}

fn pending(database: &Database) -> i64 {
    numbers(database, "SELECT COUNT(*) FROM webhook_deliveries WHERE state <> 'delivered'")[0]
}

fn work_of_a_lost_server_is_taken_over_once(lost_for: Duration) {
    // Takes its time, so that something is always under way.
    let well = answer(200, "", "");
    let receiver = Receiver::start(Arc::new(move |request, stream| {
        pause(Duration::from_millis(300));
        well(request, stream);
    }));
    let Pair { database, gate, first: _first, second, client } = pair(&receiver);
    for number in 0..20 {
        publish(&client, &format!("Before {number}"));
    }
    until_or("both know the endpoint", Duration::from_secs(60), || pending(&database) == 0);
    let n_scheduled = 10;
    let at = Utc::now() + TimeDelta::seconds(8);
    for number in 0..n_scheduled {
        let path = format!("{}/schedule", draft(&client, &format!("Scheduled {number}")));
        let input = json!({ "publish_at": written(at) });
        client.request("POST", &path).header("if-match", "*").json(&input).send().expect(200);
    }
    for number in 0..30 {
        publish(&client, &format!("Under way {number}"));
    }
    let held = "SELECT COUNT(DISTINCT leased_by) FROM webhook_deliveries WHERE leased_until > now() AT TIME ZONE 'UTC'";
    until_or("both are at work", Duration::from_secs(30), || {
        numbers(&database, held)[0] == 2 || pending(&database) == 0
    });
    let at_work = numbers(&database, held)[0];

    gate.set(Mode::Holds);
    let lost = Instant::now();
    for number in 0..20 {
        publish(&client, &format!("Meanwhile {number}"));
    }
    until_or("all is told by the other one", Duration::from_secs(60), || {
        pending(&database) == 0 && numbers(&database, "SELECT COUNT(*) FROM article_due")[0] == 0
    });
    let taken_over = lost.elapsed();
    assert_eq!(Client::new(&second.base, None).get("/healthz").expect(200).status, 200);
    pause(lost_for.saturating_sub(lost.elapsed()));
    let before = receiver.arrived().len();
    gate.set(Mode::Passes);
    let healed = Instant::now();
    until_or("the lost one is back", Duration::from_secs(30), || {
        Client::new(&second.base, None).get("/v1/tags").status == 200
    });
    let back = healed.elapsed();
    pause(Duration::from_secs(20).min(lost_for));

    let arrived = by_id(&receiver);
    let n = numbers(
        &database,
        "SELECT COUNT(*), COUNT(DISTINCT resource_id) FROM changes WHERE kind = 'published' AND resource = 'article'",
    );
    let twice = arrived.values().filter(|times| **times > 1).count();
    println!(
        "{at_work} servers at work, one lost for {} s: {} deliveries, {twice} of them twice, all told after {} ms; back after {} ms, \
         {} told after that; {n_scheduled} scheduled ones published once",
        lost_for.as_secs(),
        arrived.len(),
        taken_over.as_millis(),
        back.as_millis(),
        receiver.arrived().len() - before
    );
    assert_eq!((n[0], n[1]), (70 + n_scheduled, 70 + n_scheduled), "each is published once");
    assert_eq!(i64::try_from(arrived.len()).unwrap(), n[0], "each is told");
    assert_eq!(receiver.arrived().len(), before, "who comes back tells nothing again");
    assert!(arrived.values().all(|times| *times <= 2) && twice <= 8, "{twice} twice");
    assert!(taken_over < Duration::from_secs(25), "{taken_over:?}");
    assert!(back < Duration::from_secs(5), "{back:?}");
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn what_a_server_had_claimed_that_is_lost_for_a_minute_is_taken_over_once() {
    if postgres::cluster().is_ok() {
        work_of_a_lost_server_is_taken_over_once(Duration::from_secs(60));
    }
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn an_attempt_that_is_longer_than_a_claim_is_made_once() {
    if postgres::cluster().is_err() {
        return;
    }
    let n_open = Arc::new(AtomicUsize::new(0));
    let (opens, well) = (n_open.clone(), answer(200, "", ""));
    let receiver = Receiver::start(Arc::new(move |request, stream| {
        opens.fetch_add(1, Ordering::SeqCst);
        pause(Duration::from_millis(13_500));
        well(request, stream);
    }));
    let Pair { database, client, first: _first, second: _second, gate: _gate } = pair(&receiver);
    publish(&client, "Harbor reopens");
    until("it is being told", || n_open.load(Ordering::SeqCst) == 1);
    let claimed = "SELECT COUNT(*) FROM webhook_deliveries WHERE leased_until > now() AT TIME ZONE 'UTC'";
    let until_claimed = Instant::now();
    while n_open.load(Ordering::SeqCst) == 1 && until_claimed.elapsed() < Duration::from_secs(12) {
        assert_eq!(numbers(&database, claimed), [1], "after {:?}", until_claimed.elapsed());
        pause(Duration::from_millis(500));
    }
    until("it is told", || pending(&database) == 0);
    println!("an attempt of 13.5 s under a claim of 10 s: sent {} time", receiver.arrived().len());
    assert_eq!(receiver.arrived().len(), 1);
}
