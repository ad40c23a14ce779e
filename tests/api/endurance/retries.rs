//! Clients that get no answer and send it again, on several servers behind something that breaks connections (R4).

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{Nodes, editor, numbers, proxy::Proxy};
use crate::support::{Backend, Client, Database, dice::Dice, postgres};

/// A client that gives up waiting after a while that differs from request to request.
fn send(client: &Client, dice: &mut Dice, key: &str) -> Option<(u16, String)> {
    let patience = Duration::from_millis(15 + u64::try_from(dice.roll(400)).unwrap());
    let input = json!({ "title": format!("Of {key}") });
    let request = client.request("POST", "/v1/articles").header("idempotency-key", key).json(&input);
    let answer = request.within(patience).try_send().ok()?;
    let id = if answer.status == 201 { answer.json()["id"].as_str().unwrap().to_owned() } else { answer.problem() };
    Some((answer.status, id))
}

/// How much of it.
struct Plan {
    nodes: usize,
    clients: usize,
    /// For how long new keys are used.
    lasts: Duration,
    /// At least so many keys by each client, however long it takes.
    keys: usize,
    percent: usize,
}

fn run(plan: &Plan) {
    let database = Database::with_logins(Backend::Postgres);
    let nodes = Nodes::start(&database, plan.nodes, &[]);
    let token = editor(&nodes.bases()[0]).token.unwrap();
    let proxy = Proxy::start(&nodes.bases(), plan.percent);
    let made: Mutex<HashMap<String, String>> = Mutex::default();
    let (tries, twins) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let started = Instant::now();

    thread::scope(|scope| {
        for number in 0..plan.clients {
            let (made, tries, twins, token, proxy) = (&made, &tries, &twins, &token, &proxy);
            scope.spawn(move || {
                let mut dice = Dice(u64::try_from(number).unwrap() + 1);
                for count in 0.. {
                    if count >= plan.keys && started.elapsed() > plan.lasts {
                        return;
                    }
                    let key = format!("client-{number}-{count}");
                    let id = loop {
                        // Each on a connection of its own, so that each meets its own fate.
                        let client = Client::new(&proxy.base, Some(token.clone()));
                        tries.fetch_add(1, Ordering::SeqCst);
                        match send(&client, &mut dice, &key) {
                            Some((201, id)) => break id,
                            // The one before is still worked on.
                            Some((409, problem)) => {
                                assert_eq!(problem, "idempotency_in_progress");
                                twins.fetch_add(1, Ordering::SeqCst);
                            }
                            Some((503, _)) | None => {}
                            Some(other) => panic!("{key}: {other:?}"),
                        }
                    };
                    // Once more: the same article.
                    if let Some((201, again)) = send(&Client::new(&proxy.base, Some(token.clone())), &mut dice, &key) {
                        assert_eq!(again, id, "{key} made two articles");
                    }
                    made.lock().unwrap().insert(key, id);
                }
            });
        }
    });

    let made = made.into_inner().unwrap();
    let n = i64::try_from(made.len()).unwrap();
    assert_eq!(numbers(&database, "SELECT COUNT(*), COUNT(DISTINCT content::json->>'title') FROM articles"), [n, n]);
    assert_eq!(numbers(&database, "SELECT COUNT(*) FROM idempotency_keys"), [n]);
    assert_eq!(numbers(&database, "SELECT COUNT(*) FROM audit WHERE action = 'article.created'"), [n]);
    let kept = database.sql("SELECT (content::json->>'title') || ' ' || id FROM articles");
    let kept: HashMap<String, String> = kept
        .lines()
        .map(|line| line.trim_start_matches("Of ").split_once(' ').unwrap())
        .map(|(key, id)| (key.to_owned(), id.to_owned()))
        .collect();
    assert!(kept == made, "what was answered is not what is kept");
    let broken = proxy.broken.load(Ordering::SeqCst);
    println!(
        "{n} keys, {} tries, {broken} connections broken, {} twins told to wait",
        tries.into_inner(),
        twins.into_inner()
    );
    assert!(broken > 0, "no connection broke");
}

#[test]
fn who_gets_no_answer_and_asks_again_makes_one_article() {
    if postgres::cluster().is_ok() {
        run(&Plan { nodes: 2, clients: 4, lasts: Duration::ZERO, keys: 6, percent: 30 });
    }
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn who_gets_no_answer_for_a_minute_and_asks_again_makes_one_article_for_each_key() {
    if postgres::cluster().is_ok() {
        run(&Plan { nodes: 3, clients: 12, lasts: Duration::from_secs(60), keys: 0, percent: 10 });
    }
}
