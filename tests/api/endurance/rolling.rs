//! Servers that are replaced one after another while everybody goes on reading and writing (R15).

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{Ends, editor, line::Line};
use crate::support::{
    Backend, Client, Database, postgres,
    program::Program,
    wait::{pause, until},
};

const NODES: usize = 3;
const ROUNDS: usize = 10;
const CLIENTS: usize = 64;

/// What a balancer knows of a server.
struct Node {
    base: Mutex<String>,
    is_ready: AtomicBool,
}

/// A balancer that looks whether servers are ready, and gives new requests to those that are.
struct Balancer {
    nodes: Vec<Node>,
}

impl Balancer {
    /// Looks, until told to stop.
    fn watch(&self, is_over: &AtomicBool) {
        while !is_over.load(Ordering::SeqCst) {
            for node in &self.nodes {
                let base = node.base.lock().unwrap().clone();
                let answer = Line::open(&base).and_then(|mut line| line.get("/readyz"));
                node.is_ready.store(answer.is_ok_and(|got| got.status == 200), Ordering::SeqCst);
            }
            pause(Duration::from_millis(100));
        }
    }

    /// The server for a request: the one that had the last, unless it is not ready any more.
    fn choose(&self, last: usize) -> (usize, String) {
        loop {
            for step in 0..self.nodes.len() {
                let place = (last + step) % self.nodes.len();
                if self.nodes[place].is_ready.load(Ordering::SeqCst) {
                    return (place, self.nodes[place].base.lock().unwrap().clone());
                }
            }
            pause(Duration::from_millis(20));
        }
    }
}

/// Asks again and again on a connection that is kept for as long as the balancer keeps to its server. Whatever breaks, and
/// whatever is not answered as it should be, counts as failed.
fn ask(
    number: usize,
    balancer: &Balancer,
    head: &str,
    is_over: &AtomicBool,
    asked: &AtomicUsize,
    failed: &Mutex<Vec<String>>,
) {
    let (mut place, mut line): (usize, Option<(String, Line)>) = (number % NODES, None);
    for round in 0.. {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        let (chosen, base) = balancer.choose(place);
        place = chosen;
        if line.as_ref().is_none_or(|(known, _)| *known != base) {
            line = Line::open(&base).ok().map(|line| (base.clone(), line));
        }
        let writes = number.is_multiple_of(8);
        let got = line.as_mut().ok_or_else(|| "no connection".to_owned()).and_then(|(_, line)| {
            let got = match writes {
                true => {
                    line.ask("POST", "/v1/articles", head, format!("{{\"title\":\"Of {number}, {round}\"}}").as_bytes())
                }
                false => line.get(if round % 2 == 0 { "/v1/articles?limit=3" } else { "/v1/sections" }),
            };
            got.map_err(|error| error.to_string())
        });
        asked.fetch_add(1, Ordering::SeqCst);
        match got {
            Ok(got) if got.status == if writes { 201 } else { 200 } => {
                if got.is_last {
                    line = None;
                }
            }
            other => {
                failed.lock().unwrap().push(format!("client {number}, {base}: {other:?}"));
                line = None;
            }
        }
        pause(Duration::from_millis(if writes { 200 } else { 40 }));
    }
}

/// Sends an article over some seconds, as somebody on a bad line does, again and again.
fn upload_slowly(
    balancer: &Balancer,
    head: &str,
    lasts: Duration,
    is_over: &AtomicBool,
    failed: &Mutex<Vec<String>>,
) -> usize {
    let body = json!({ "title": "A slow one", "body_html": format!("<p>{}</p>", "The first ships left at dawn. ".repeat(1_400)) }).to_string();
    let mut n = 0;
    while !is_over.load(Ordering::SeqCst) {
        let (_, base) = balancer.choose(n);
        let sent = Line::open(&base).and_then(|mut line| {
            line.send(
                format!("POST /v1/articles HTTP/1.1\r\nHost: news\r\n{head}Content-Length: {}\r\n\r\n", body.len())
                    .as_bytes(),
            )?;
            let piece = body.len().div_ceil(40);
            for piece in body.as_bytes().chunks(piece) {
                line.send(piece)?;
                pause(lasts / 40);
            }
            line.answer("POST")
        });
        n += 1;
        match sent {
            Ok(got) if got.status == 201 => {}
            other => failed.lock().unwrap().push(format!("slow upload, {base}: {other:?}")),
        }
    }
    n
}

fn roll(rounds: usize, clients: usize, drain: &'static str, upload: Duration) {
    let database = Database::with_logins(Backend::Postgres);
    let settings = [("FRONTPAGE_DRAIN_SECONDS", drain)];
    let mut programs: Vec<Program> = (0..NODES).map(|_| database.serve(&settings)).collect();
    let client = editor(&programs[0].base);
    let head =
        format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", client.token.as_ref().unwrap());
    let nodes =
        programs.iter().map(|program| Node { base: Mutex::new(program.base.clone()), is_ready: AtomicBool::new(true) });
    let balancer = Balancer { nodes: nodes.collect() };
    let (is_over, asked, failed) = (AtomicBool::new(false), AtomicUsize::new(0), Mutex::default());
    let (mut longest, mut n_uploads) = (Duration::ZERO, 0);
    thread::scope(|scope| {
        let _end = Ends(&is_over);
        let (balancer, head, is_over, asked, failed) = (&balancer, head.as_str(), &is_over, &asked, &failed);
        scope.spawn(move || balancer.watch(is_over));
        for number in 0..clients {
            scope.spawn(move || ask(number, balancer, head, is_over, asked, failed));
        }
        let uploads: Vec<_> =
            (0..2).map(|_| scope.spawn(move || upload_slowly(balancer, head, upload, is_over, failed))).collect();
        for round in 0..rounds * NODES {
            let place = round % NODES;
            pause(Duration::from_millis(700));
            let next = database.serve(&settings);
            let base = next.base.clone();
            let old = std::mem::replace(&mut programs[place], next);
            old.signal("TERM");
            let since = Instant::now();
            let (status, _) = old.end();
            longest = longest.max(since.elapsed());
            assert_eq!(status.code(), Some(0));
            *balancer.nodes[place].base.lock().unwrap() = base;
            until("the next one is ready", || balancer.nodes[place].is_ready.load(Ordering::SeqCst));
        }
        is_over.store(true, Ordering::SeqCst);
        n_uploads = uploads.into_iter().map(|upload| upload.join().unwrap()).sum();
    });
    let (asked, failed) = (asked.into_inner(), failed.into_inner().unwrap());
    println!(
        "{} restarts of {NODES} servers under {clients} clients: {asked} requests and {n_uploads} uploads of {} s, {} failed; each \
         server ended within {} ms",
        rounds * NODES,
        upload.as_secs(),
        failed.len(),
        longest.as_millis()
    );
    assert!(failed.is_empty(), "{} failed: {:?}", failed.len(), failed.iter().take(5).collect::<Vec<_>>());
    assert!(longest < Duration::from_secs(30), "{longest:?}");
    Client::new(&programs[0].base, None).get("/v1/articles").expect(200);
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn servers_that_are_replaced_one_after_another_fail_nobody() {
    if postgres::cluster().is_ok() {
        roll(ROUNDS, CLIENTS, "2", Duration::from_secs(9));
    }
}

#[test]
fn a_server_that_is_replaced_fails_nobody() {
    if postgres::cluster().is_ok() {
        roll(1, 6, "4", Duration::from_secs(1));
    }
}
