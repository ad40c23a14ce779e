//! Programs that are killed while many write, again and again (R1).

use std::time::{Duration, Instant};

use serde_json::json;

use super::{editor, numbers};
use crate::{
    faults::{Kill, Sent, assert_everything_once, write_until_killed},
    support::{Backend, Database, dice::Dice, postgres, wait::until_or},
    webhooks::receiver::Receiver,
};

/// Writers at a time, and how often the program is killed.
const WRITERS: usize = 8;
const CYCLES: usize = 100;

/// How many rows a statement counts, on either database.
fn count(database: &Database, rest: &str) -> usize {
    match database.backend {
        Backend::Postgres => usize::try_from(numbers(database, &format!("SELECT COUNT(*) FROM {rest}"))[0]).unwrap(),
        Backend::Sqlite => database.sql(&format!("SELECT CAST(COUNT(*) AS TEXT) AS line FROM {rest}")).parse().unwrap(),
    }
}

fn nothing_is_lost(backend: Backend) {
    let database = Database::with_logins(backend);
    let receiver = Receiver::well();
    let settings = [("FRONTPAGE_OUTGOING_LOOPBACK", "true")];
    let first = database.serve(&settings);
    let hook = json!({ "url": receiver.url(), "events": ["article.published"] });
    editor(&first.base).post("/v1/webhooks", hook).expect(201);
    first.kill();
    let (mut dice, mut slowest) = (Dice(0x1e55), Duration::ZERO);
    let mut sent: Vec<Sent> = Vec::new();
    for cycle in 0..CYCLES {
        let started = Instant::now();
        let program = database.serve(&settings);
        slowest = slowest.max(started.elapsed());
        let after = Duration::from_millis(200 + u64::try_from(dice.roll(2800)).unwrap());
        sent.extend(write_until_killed(program, cycle, WRITERS, Kill::After(after)));
    }
    let acknowledged = sent.iter().filter(|(_, id)| id.is_some()).count();
    let program = database.serve(&settings);
    assert_everything_once(&database, &program, &sent);
    let published = count(&database, "changes WHERE kind = 'published' AND resource = 'article'");
    assert_eq!(published, count(&database, "live_articles"), "each publication is in the change log");
    let noted = "webhook_deliveries WHERE event = 'article.published'";
    until_or("all of it is noted for the webhook", Duration::from_secs(120), || count(&database, noted) == published);
    let told = "webhook_deliveries WHERE state = 'delivered'";
    until_or("all of it is delivered", Duration::from_secs(300), || count(&database, told) == published);
    println!(
        "{backend:?}: {CYCLES} kills, {} articles sent, {acknowledged} acknowledged, 0 lost, {published} published, each in the \
         log and told to the webhook; ready again after {} ms at most",
        sent.len(),
        slowest.as_millis()
    );
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_hundred_kills_lose_nothing_on_sqlite() {
    nothing_is_lost(Backend::Sqlite);
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_hundred_kills_lose_nothing_on_postgres() {
    if postgres::cluster().is_ok() {
        nothing_is_lost(Backend::Postgres);
    }
}
