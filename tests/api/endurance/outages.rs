//! A database that is late, restarts, hangs, falls silent or is slow (R7, R8, R9, R10): what can be answered is, the rest is
//! put off in time, and nothing has to be started again.

use std::{
    net::TcpStream,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    Ends,
    crowd::{Seen, ask_until, crowd, memory},
    editor,
    gate::{Gate, Mode},
};
use crate::{
    faults::Again,
    support::{
        Backend, Client, Database,
        postgres::{self, Cluster},
        program::{self, Program},
        wait::{pause, until, until_or},
    },
};

/// A cluster that the test may stop, with a database.
fn cluster(name: &str) -> Option<(Cluster, Database)> {
    postgres::cluster().ok()?;
    let folder: PathBuf = std::env::temp_dir().join(format!("frontpage-test-pg-{name}-{}", std::process::id()));
    let cluster = Cluster::start_in(folder).expect("a cluster of its own");
    cluster.execute("postgres", "CREATE DATABASE news");
    let database = Database::at(Backend::Postgres, cluster.url("news"));
    database.fill();
    Some((cluster, database))
}

/// Reads go to the database each time.
const COLD: (&str, &str) = ("FRONTPAGE_CACHE_BYTES", "0");

fn publish(client: &Client, title: &str) -> String {
    drop(client.post("/v1/sections", json!({ "name": "World", "slug": "world" })));
    let input = json!({ "title": title, "section": "world", "body_html": "<p>Text.</p>" });
    let draft = client.post("/v1/articles", input).expect(201).json()["id"].as_str().unwrap().to_owned();
    client.verb(&format!("/v1/articles/{draft}/publish"), "*").expect(200);
    format!("/v1/articles/{draft}")
}

/// Reads, writes and looks whether the server lives, until told to stop.
fn press<'s>(
    scope: &'s thread::Scope<'s, '_>,
    program: &'s Program,
    head: &'s str,
    is_over: &'s AtomicBool,
    seen: &'s [Seen; 3],
) {
    let base = program.base.as_str();
    let [reads, writes, lives] = seen;
    for _ in 0..8 {
        scope.spawn(move || {
            ask_until(
                base,
                ("GET", "", b""),
                |n| format!("/v1/articles?limit={}", n % 20 + 1),
                Duration::from_millis(40),
                is_over,
                reads,
            );
        });
    }
    for writer in 0..2 {
        let body = format!("{{\"title\":\"Of writer {writer}\"}}");
        scope.spawn(move || {
            ask_until(
                base,
                ("POST", head, body.as_bytes()),
                |_| "/v1/articles".to_owned(),
                Duration::from_millis(80),
                is_over,
                writes,
            );
        });
    }
    scope.spawn(move || {
        ask_until(base, ("GET", "", b""), |_| "/healthz".to_owned(), Duration::from_millis(50), is_over, lives)
    });
}

/// What the head of a request with a token and a body says.
fn head(client: &Client) -> String {
    format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", client.token.as_ref().unwrap())
}

#[track_caller]
fn assert_answered(what: &str, seen: &Seen, allowed: &[u16]) {
    assert!(seen.statuses().iter().all(|status| allowed.contains(status)), "{what}: {}", seen.summary());
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_server_waits_twenty_seconds_for_its_database() {
    let Some((cluster, database)) = cluster("late") else { return };
    cluster.signal("INT");
    until("it is gone", || TcpStream::connect(("127.0.0.1", cluster.port)).is_err());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = program::command(database.directory(), &["serve"]);
    command.envs(database.settings()).envs(program::PROMPT).env("FRONTPAGE_LISTEN", &free);
    let waiting = thread::spawn(move || Program::start(command));
    let client = Client::new(&format!("http://{free}"), None);
    let asks = |path: &str| client.request("GET", path).try_send().map_or(0, |answer| answer.status);
    until("it lives", || asks("/healthz") == 200);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        assert_eq!((asks("/healthz"), asks("/readyz"), asks("/v1/articles")), (200, 503, 503));
        pause(Duration::from_millis(250));
    }

    let _again = Again::start(&cluster);
    let came = Instant::now();
    until("it is ready", || asks("/readyz") == 200);
    let waited = came.elapsed();
    assert_eq!(asks("/v1/articles"), 200);
    println!("20 s without a database: alive and not ready; ready {} ms after it came", waited.as_millis());
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    waiting.join().unwrap().kill();
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_database_that_restarts_under_load_loses_nothing_and_is_used_again_at_once() {
    let Some((cluster, database)) = cluster("restarts") else { return };
    let program = database.serve_promptly(&[COLD]);
    let client = editor(&program.base);
    publish(&client, "Harbor reopens");
    let (head, is_over, seen) =
        (head(&client), AtomicBool::new(false), [Seen::default(), Seen::default(), Seen::default()]);
    let mut waits = Vec::new();
    thread::scope(|scope| {
        let _end = Ends(&is_over);
        press(scope, &program, &head, &is_over, &seen);
        let mut running: Option<Again> = None;
        for signal in ["INT", "QUIT", "INT", "QUIT", "INT"] {
            pause(Duration::from_secs(4));
            match running.take() {
                Some(again) => again.stop(signal),
                None => cluster.signal(signal),
            }
            until("it is gone", || TcpStream::connect(("127.0.0.1", cluster.port)).is_err());
            running = Some(Again::start(&cluster));
            let up = Instant::now();
            until("reading goes on", || client.anonymous().get("/v1/articles").status == 200);
            waits.push(up.elapsed().as_millis());
            until("writing goes on", || client.post("/v1/tags", json!({ "name": "Back" })).status != 503);
        }
        pause(Duration::from_secs(2));
        is_over.store(true, Ordering::SeqCst);
        // Keeps it until the others are done.
        let done = running;
        pause(Duration::from_millis(500));
        let kept = cluster.execute("news", "SELECT COUNT(*) FROM articles WHERE title LIKE 'Of writer%'");
        // One whose acknowledgement was lost may be there, too.
        assert!(kept.trim().parse::<usize>().unwrap() >= seen[1].count(201), "{kept} of {}", seen[1].count(201));
        drop(done);
    });

    let [reads, writes, lives] = &seen;
    println!(
        "5 restarts; reads {}; writes {}; alive {}; first 200 after {waits:?} ms",
        reads.summary(),
        writes.summary(),
        lives.summary()
    );
    assert_answered("reads", reads, &[200, 503]);
    assert_answered("writes", writes, &[201, 503]);
    assert_answered("alive", lives, &[200]);
    assert!(waits.iter().all(|wait| *wait < 5000), "{waits:?}");
}

/// Half a minute in which nothing comes back from the database.
fn hangs_for_half_a_minute(how: &str, program: &Program, hang: impl Fn(), go_on: impl Fn()) {
    let client = editor(&program.base);
    publish(&client, how);
    let (head, is_over, seen) =
        (head(&client), AtomicBool::new(false), [Seen::default(), Seen::default(), Seen::default()]);
    let before = memory(program.pid());
    let (mut most, mut waited) = (0, Duration::ZERO);
    thread::scope(|scope| {
        let _end = Ends(&is_over);
        press(scope, program, &head, &is_over, &seen);
        pause(Duration::from_secs(2));
        hang();
        for _ in 0..60 {
            pause(Duration::from_millis(500));
            most = most.max(memory(program.pid()));
        }
        go_on();
        let since = Instant::now();
        until_or("it recovers", Duration::from_secs(60), || client.anonymous().get("/v1/articles").status == 200);
        waited = since.elapsed();
        until("it writes", || client.post("/v1/tags", json!({ "name": how })).status == 201);
        is_over.store(true, Ordering::SeqCst);
    });
    let [reads, writes, lives] = &seen;
    println!(
        "{how} for 30 s; reads {}; writes {}; alive {}; memory {before} to {most} KiB; first 200 after {} ms",
        reads.summary(),
        writes.summary(),
        lives.summary(),
        waited.as_millis()
    );
    assert_answered("reads", reads, &[200, 503]);
    assert_answered("writes", writes, &[201, 503]);
    assert!(reads.count(503) > 50 && writes.count(503) > 10, "nothing hung");
    assert!(reads.p99(503) <= 2000 && writes.p99(503) <= 2000, "not within two seconds");
    assert!(lives.p99(200) <= 100, "{}", lives.summary());
    assert!(most < before + 64 * 1024, "{before} to {most} KiB");
    assert!(waited < Duration::from_secs(5), "{waited:?}");
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_database_that_is_stopped_for_half_a_minute_is_put_off_and_used_again() {
    let Some((cluster, database)) = cluster("hangs") else { return };
    let program = database.serve_promptly(&[COLD]);
    hangs_for_half_a_minute("Stopped", &program, || cluster.signal_all("STOP"), || cluster.signal_all("CONT"));
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_database_that_falls_silent_for_half_a_minute_is_put_off_and_used_again() {
    if postgres::cluster().is_err() {
        return;
    }
    let database = Database::with_logins(Backend::Postgres);
    let (gate, url) = Gate::before_database(&database.url, Mode::Passes);
    let program = database.serve_promptly(&[COLD, ("DATABASE_URL", &url)]);
    hangs_for_half_a_minute("Silent", &program, || gate.set(Mode::Holds), || gate.set(Mode::Passes));
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_database_that_is_slow_or_locked_holds_up_nobody_who_is_answered_from_memory() {
    if postgres::cluster().is_err() {
        return;
    }
    let database = Database::with_logins(Backend::Postgres);
    let (gate, url) = Gate::before_database(&database.url, Mode::Passes);
    let program = database.serve_promptly(&[("DATABASE_URL", &url)]);
    let client = editor(&program.base);
    let kept = publish(&client, "Harbor reopens");
    client.anonymous().get(&kept).expect(200);
    pause(Duration::from_secs(1));
    client.anonymous().get(&kept).expect(200);

    let run = |what: &str, lasts: Duration| {
        let seen = [Seen::default(), Seen::default(), Seen::default()];
        crowd(34, lasts, |number, is_over| {
            let between = Duration::from_millis(50);
            match number {
                0 | 1 => {
                    ask_until(&program.base, ("GET", "", b""), |_| "/healthz".to_owned(), between, is_over, &seen[0])
                }
                2 | 3 => ask_until(&program.base, ("GET", "", b""), |_| kept.clone(), between, is_over, &seen[1]),
                // Each another address, so that nothing is kept.
                _ => ask_until(
                    &program.base,
                    ("GET", "", b""),
                    |n| format!("/v1/articles/none-{number}-{n}"),
                    between,
                    is_over,
                    &seen[2],
                ),
            }
        });
        println!("{what}; alive {}; kept {}; cold {}", seen[0].summary(), seen[1].summary(), seen[2].summary());
        assert_answered("alive", &seen[0], &[200]);
        assert_answered("kept", &seen[1], &[200]);
        assert_answered("cold", &seen[2], &[404, 503]);
        assert!(seen[0].p99(200) <= 100 && seen[1].p99(200) <= 100, "who needs no database waits for it");
        assert!(seen[2].p99(503) <= 2500, "{}", seen[2].summary());
    };
    gate.set(Mode::Delays(Duration::from_millis(200)));
    run("200 ms more for each packet", Duration::from_secs(10));
    gate.set(Mode::Passes);
    until("it is quick again", || client.anonymous().get("/v1/articles?limit=3").status == 200);
    let lock = thread::spawn({
        let name = database.name().to_owned();
        move || {
            let cluster = postgres::cluster().unwrap();
            cluster
                .execute(&name, "BEGIN; LOCK TABLE live_articles IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(10); COMMIT")
        }
    });
    run("a table locked for 10 s", Duration::from_secs(11));
    lock.join().unwrap();
    until("reading goes on", || client.anonymous().get("/v1/articles?limit=99").status == 200);
}
