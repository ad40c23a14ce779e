//! Too many, too slow, too often and too clever: S67, S71, S73, R11, R16, R17. Whoever behaves does not notice.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    Ends,
    crowd::{Seen, ask_until, crowd, memory},
    editor,
    line::Line,
};
use crate::{
    slow::ask,
    support::{
        App, Backend, Client, Database, PASSWORD, postgres,
        wait::{pause, until},
    },
};

fn publish(client: &Client, title: &str, body: &str) -> String {
    drop(client.post("/v1/sections", json!({ "name": "World", "slug": "world" })));
    let input = json!({ "title": title, "section": "world", "body_html": body });
    let draft = client.post("/v1/articles", input).expect(201).json()["id"].as_str().unwrap().to_owned();
    client.verb(&format!("/v1/articles/{draft}/publish"), "*").expect(200);
    format!("/v1/articles/{draft}")
}

/// How a connection is kept without ever being done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// A head that never ends.
    Head,
    /// A second head that never ends, on a connection that was used as it should be.
    NextHead,
    /// A body that hardly comes.
    Body,
    /// An answer that is hardly read.
    Answer,
}

/// Keeps one connection open by a trick; returns for how long the server let it.
fn linger(base: &str, path: &str, manner: Manner, is_over: &AtomicBool) -> Duration {
    let started = Instant::now();
    let stream = match manner {
        Manner::Answer => Some(ask(base, path, 4096)),
        _ => TcpStream::connect(base.trim_start_matches("http://")).ok(),
    };
    let Some(mut stream) = stream else { return Duration::ZERO };
    drop(stream.set_read_timeout(Some(Duration::from_millis(1))));
    let start: &[u8] = match manner {
        Manner::Head => b"GET /v1/articles HTTP/1.1\r\nHost: news\r\n",
        Manner::NextHead => b"GET /healthz HTTP/1.1\r\nHost: news\r\n\r\nGET /v1/articles HTTP/1.1\r\n",
        Manner::Body => b"POST /v1/auth/token HTTP/1.1\r\nHost: news\r\nContent-Type: application/json\r\nContent-Length: 20000\r\n\r\n{",
        Manner::Answer => b"",
    };
    if stream.write_all(start).is_err() {
        return started.elapsed();
    }
    let mut buffer = [0; 64];
    while !is_over.load(Ordering::SeqCst) {
        pause(Duration::from_millis(1000));
        let next: &[u8] = match manner {
            Manner::Head | Manner::NextHead => b"X-A: b\r\n",
            Manner::Body => b" ",
            Manner::Answer => b"",
        };
        let is_closed = match stream.read(&mut buffer) {
            Ok(n) => n == 0,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        };
        if is_closed || stream.write_all(next).is_err() {
            break;
        }
    }
    started.elapsed()
}

/// Comes again each time that the server has had enough; returns the longest that it let one stay.
fn besiege(base: &str, path: &str, manner: Manner, is_over: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    while !is_over.load(Ordering::SeqCst) {
        longest = longest.max(linger(base, path, manner, is_over));
        pause(Duration::from_millis(50));
    }
    longest
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_thousand_who_are_slow_on_purpose_are_cut_and_nobody_else_notices() {
    const EACH: usize = 250;
    let database = Database::with_logins(Backend::Sqlite);
    let program = database.serve_promptly(&[("FRONTPAGE_READER_SECONDS", "20")]);
    let client = editor(&program.base);
    let long = publish(&client, "A long read", &format!("<p>{}</p>", "The first ships left at dawn. ".repeat(33_000)));
    let path = publish(&client, "Harbor reopens", "<p>Text.</p>");
    let measure = |lasts: Duration| {
        let seen = Seen::default();
        crowd(2, lasts, |_, is_over| {
            ask_until(&program.base, ("GET", "", b""), |_| path.clone(), Duration::from_millis(10), is_over, &seen);
        });
        seen
    };
    let calm = measure(Duration::from_secs(10));
    let (is_over, before) = (AtomicBool::new(false), memory(program.pid()));
    let mut longest = Vec::new();
    let mut under_siege = Seen::default();
    let mut most = 0;
    thread::scope(|scope| {
        let _end = Ends(&is_over);
        let (base, long, is_over) = (program.base.as_str(), long.as_str(), &is_over);
        let all = [Manner::Head, Manner::NextHead, Manner::Body, Manner::Answer].map(|manner| {
            let threads: Vec<_> =
                (0..EACH).map(|_| scope.spawn(move || besiege(base, long, manner, is_over))).collect();
            (manner, threads)
        });
        under_siege = measure(Duration::from_secs(120));
        most = most.max(memory(program.pid()));
        is_over.store(true, Ordering::SeqCst);
        for (manner, threads) in all {
            let most = threads.into_iter().map(|thread| thread.join().unwrap()).max().unwrap();
            longest.push((manner, most));
        }
    });
    println!(
        "calm {}; under siege by {} {}; longest stays {longest:?}; memory {before} to {most} KiB",
        calm.summary(),
        EACH * 4,
        under_siege.summary()
    );
    assert_eq!(under_siege.statuses(), [200], "{}", under_siege.summary());
    for (manner, stay) in longest {
        // What its own machine holds of an answer, one goes on reading long after the server has cut it.
        let bound = if matches!(manner, Manner::NextHead | Manner::Answer) { 100 } else { 45 };
        assert!(stay.as_secs() < bound, "{manner:?} may stay for {stay:?}");
    }
    assert!(most < 256 * 1024, "{most} KiB");
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn five_thousand_heads_leave_everything_as_it_was() {
    let database = Database::with_logins(Backend::Sqlite);
    let program = database.serve_promptly(&[]);
    let path = publish(&editor(&program.base), "Harbor reopens", "<p>Text.</p>");
    let anonymous = Client::new(&program.base, None);
    for path in [path.as_str(), "/v1/articles", "/feeds/articles.rss", "/openapi.json"] {
        let seen = Seen::default();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut line = Line::open(&program.base).unwrap();
                    for _ in 0..5000 / 8 {
                        let started = Instant::now();
                        seen.note(line.ask("HEAD", path, "", b"").map_or(0, |got| got.status), started.elapsed());
                    }
                });
            }
        });
        println!("HEAD {path}: {}", seen.summary());
        assert_eq!(seen.statuses(), [200]);
        assert!(!anonymous.request("GET", path).send_unchecked().expect(200).bytes.is_empty());
    }
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn readiness_asks_the_database_once_a_second_however_often_it_is_asked() {
    let app = App::start_with(Backend::Sqlite, &[]);
    let path = publish(&app.editor(), "Harbor reopens", "<p>Text.</p>");
    app.anonymous().get("/readyz").expect(200);
    let (calm, asked, beside, lasts) = (Seen::default(), Seen::default(), Seen::default(), Duration::from_secs(10));
    let readers = |seen: &Seen, is_over: &AtomicBool| {
        ask_until(&app.base, ("GET", "", b""), |_| path.clone(), Duration::from_millis(5), is_over, seen);
    };
    crowd(2, lasts, |_, is_over| readers(&calm, is_over));
    let ((), statements) = app.count_statements(|| {
        crowd(2 + 8, lasts, |number, is_over| match number {
            0 | 1 => readers(&beside, is_over),
            // Some 2,000 a second, all of them together.
            _ => ask_until(
                &app.base,
                ("GET", "", b""),
                |_| "/readyz".to_owned(),
                Duration::from_millis(3),
                is_over,
                &asked,
            ),
        });
    });
    let checks = statements
        .iter()
        .filter(|statement| statement.contains("SELECT 1 ") || statement.trim_end() == "SELECT 1 -- binds: []")
        .count();
    let n = asked.count(200);
    println!(
        "{} readiness checks a second, {checks} questions to the database in {} s; {}; readers {}, before {}",
        n / 10,
        lasts.as_secs(),
        asked.summary(),
        beside.summary(),
        calm.summary()
    );
    assert_eq!((asked.statuses(), beside.statuses()), (vec![200], vec![200]));
    assert!(n > 5_000, "{n}");
    assert!((1..=11).contains(&checks), "{checks}: {:?}", statements.iter().take(3).collect::<Vec<_>>());
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_hundred_slow_reads_leave_room_for_logins_and_writes() {
    if postgres::cluster().is_err() {
        return;
    }
    let database = Database::with_logins(Backend::Postgres);
    let settings = [
        ("FRONTPAGE_DB_READ_CONNECTIONS", "4"),
        ("FRONTPAGE_DB_WRITE_CONNECTIONS", "4"),
        ("FRONTPAGE_CACHE_BYTES", "0"),
    ];
    let program = database.serve_promptly(&settings);
    let client = editor(&program.base);
    publish(&client, "Harbor reopens", "<p>Text.</p>");
    let (slow, others, is_over) = (Seen::default(), Seen::default(), AtomicBool::new(false));
    let name = database.name().to_owned();
    let mut freed = Duration::ZERO;
    thread::scope(|scope| {
        let _end = Ends(&is_over);
        let lock = scope.spawn(move || {
            // Whoever reads articles for readers waits; whoever logs in or writes a draft does not.
            let sql = "BEGIN; LOCK TABLE live_articles IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(10); COMMIT";
            postgres::cluster().unwrap().execute(&name, sql);
            Instant::now()
        });
        for number in 0..100 {
            let (base, is_over, slow) = (program.base.as_str(), &is_over, &slow);
            scope.spawn(move || {
                ask_until(
                    base,
                    ("GET", "", b""),
                    |n| format!("/v1/articles?limit={}", (number + n) % 90 + 1),
                    Duration::ZERO,
                    is_over,
                    slow,
                )
            });
        }
        pause(Duration::from_secs(1));
        while !lock.is_finished() {
            let started = Instant::now();
            let login = json!({ "email": "editor@newsroom.test", "password": PASSWORD });
            others.note(client.anonymous().post("/v1/auth/token", login).status, started.elapsed());
            let started = Instant::now();
            others.note(client.post("/v1/articles", json!({ "title": "Meanwhile" })).status, started.elapsed());
            pause(Duration::from_millis(100));
        }
        let released = lock.join().unwrap();
        is_over.store(true, Ordering::SeqCst);
        until("reading goes on", || client.anonymous().get("/v1/articles").status == 200);
        freed = released.elapsed();
    });
    println!(
        "100 slow reads {}; logins and drafts {}; free again after {} ms",
        slow.summary(),
        others.summary(),
        freed.as_millis()
    );
    assert_eq!(others.statuses(), [200, 201], "{}", others.summary());
    assert!(slow.count(503) > 100 && slow.p99(503) <= 2000, "{}", slow.summary());
    assert!(freed < Duration::from_secs(1), "{freed:?}");
}

/// What became of those who asked, by what they asked for.
#[derive(Default)]
struct Asked {
    reads: Seen,
    writes: Seen,
    lives: Seen,
}

/// So many ask for lists at once, a twentieth of them writes, and one looks whether the server lives.
fn asked_by(n: usize, base: &str, head: &str, lasts: Duration) -> Asked {
    let asked = Asked::default();
    let Asked { reads, writes, lives } = &asked;
    crowd(n + 1, lasts, |number, is_over| match number {
        0 => {
            let path = |_| "/healthz".to_owned();
            ask_until(base, ("GET", "", b""), path, Duration::from_millis(50), is_over, lives);
        }
        _ if number % 20 == 0 => {
            let (draft, path) = (b"{\"title\":\"Meanwhile\"}", |_| "/v1/articles".to_owned());
            ask_until(base, ("POST", head, draft), path, Duration::ZERO, is_over, writes);
        }
        _ => {
            let path = |n| format!("/v1/articles?limit=20&sort={}", ["-published_at", "published_at"][n % 2]);
            ask_until(base, ("GET", "", b""), path, Duration::ZERO, is_over, reads);
        }
    });
    println!(
        "{n} at once for {} s: reads {}; writes {}; alive {}",
        lasts.as_secs(),
        reads.summary(),
        writes.summary(),
        lives.summary()
    );
    asked
}

/// Lets eight hundred ask at once, and eight before and after; returns what the eight hundred were answered.
fn eight_hundred_at_once(settings: &[(&str, &str)]) -> Asked {
    let database = Database::with_logins(Backend::Sqlite);
    let program = database.serve_promptly(settings);
    let client = editor(&program.base);
    for number in 0..30 {
        let body = format!("<p>{}</p>", "The first ships left at dawn. ".repeat(100));
        publish(&client, &format!("Number {number}"), &body);
    }
    let head =
        format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", client.token.as_ref().unwrap());
    let run = |n: usize, seconds: u64| asked_by(n, &program.base, &head, Duration::from_secs(seconds));

    let (before, crowd, after) = (run(8, 20).reads, run(800, 60), run(8, 5).reads);

    let (peak, goodput) = (before.count(200) / 20, crowd.reads.count(200) / 60);
    println!(
        "{settings:?}: goodput {goodput} a second of {peak}, p99 {} ms of {}, refused after p99 {} ms; then {}",
        crowd.reads.p99(200),
        before.p99(200),
        crowd.reads.p99(503),
        after.summary()
    );
    assert_eq!((crowd.lives.statuses(), after.statuses()), (vec![200], vec![200]));
    assert!(crowd.writes.statuses().iter().all(|status| [201, 503].contains(status)), "{}", crowd.writes.summary());
    // How much it still does is for the bench, on processors of its own: those who ask take most of these.
    assert!(goodput > 0, "nothing is done any more");
    crowd
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn eight_hundred_at_once_are_answered_or_put_off_and_leave_nothing_behind() {
    let kept = eight_hundred_at_once(&[]);
    assert_eq!(kept.reads.statuses(), [200], "what is kept is put off: {}", kept.reads.summary());

    let read = eight_hundred_at_once(&[("FRONTPAGE_CACHE_BYTES", "0")]);
    assert!(read.reads.statuses().iter().all(|status| [200, 503].contains(status)), "{}", read.reads.summary());
}

/// Something that nobody should send, and what it may be answered.
fn malice() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let colliding: String = (0..100_000).map(|n| format!("\"k{n}\":1,")).collect();
    let draft =
        |form: &str, text: &str| ("POST", "/v1/articles", json!({ "title": "t", form: text }).to_string().into_bytes());
    vec![
        ("POST", "/v1/articles", format!("{{\"title\":{}", "[".repeat(500_000)).into_bytes()),
        ("POST", "/v1/articles", format!("{{{colliding}\"title\":\"t\"}}").into_bytes()),
        draft("body_html", &"<div>".repeat(200_000)),
        draft("body_markdown", &"*_".repeat(200_000)),
        draft("body_html", &"<a href=/a>b</a>c".repeat(60_000)),
        draft("body_html", &"<ul><li>a".repeat(110_000)),
        ("POST", "/v1/articles", vec![b'x'; 3_000_000]),
        ("POST", "/v1/auth/token", vec![b' '; 2_000_000]),
        ("POST", "/v1/articles", b"{\"title\":1e400}".to_vec()),
        (
            "POST",
            "/v1/auth/token",
            json!({ "email": "nobody@newsroom.test", "password": "x".repeat(200) }).to_string().into_bytes(),
        ),
        ("GET", "/v1/articles?limit=99999999999999999999", Vec::new()),
        ("GET", "/v1/articles?section=%00", Vec::new()),
        ("GET", "/v1/articles?view=working&q=%25%25%25%25%22%22%22%28%28", Vec::new()),
    ]
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn hostile_clients_of_all_kinds_take_neither_memory_nor_time_from_others() {
    let database = Database::with_logins(Backend::Sqlite);
    let program = database.serve_promptly(&[("FRONTPAGE_HASH_PERMITS", "2"), ("FRONTPAGE_READER_SECONDS", "10")]);
    let client = editor(&program.base);
    let long = publish(&client, "A long read", &format!("<p>{}</p>", "The first ships left at dawn. ".repeat(33_000)));
    let path = publish(&client, "Harbor reopens", "<p>Text.</p>");
    let head =
        format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", client.token.as_ref().unwrap());
    let (normal, evil) = (Seen::default(), Seen::default());
    let most = AtomicUsize::new(0);
    let malice = malice();
    crowd(2 + 20 + 200, Duration::from_secs(60), |number, is_over| match number {
        0 | 1 => {
            ask_until(&program.base, ("GET", "", b""), |_| path.clone(), Duration::from_millis(20), is_over, &normal);
            most.fetch_max(usize::try_from(memory(program.pid())).unwrap(), Ordering::SeqCst);
        }
        2..22 => {
            let (method, path, body) = &malice[number % malice.len()];
            // One at a time and then all of them, so that what each does to memory adds up.
            ask_until(
                &program.base,
                (method, &head, body),
                |_| (*path).to_owned(),
                Duration::from_millis(10),
                is_over,
                &evil,
            );
        }
        _ => {
            let manner = [Manner::Head, Manner::NextHead, Manner::Body, Manner::Answer][number % 4];
            let _ = besiege(&program.base, &long, manner, is_over);
        }
    });
    let (n_peak, most) = (peak(program.pid()), most.into_inner());
    println!(
        "normal {}; hostile {}; memory {most} KiB at the end, {n_peak} KiB at most",
        normal.summary(),
        evil.summary()
    );
    assert_eq!(normal.statuses(), [200], "{}", normal.summary());
    assert!(evil.statuses().iter().all(|status| *status < 500 || *status == 503), "{}", evil.summary());
    assert!(n_peak <= 256 * 1024, "{n_peak} KiB");
    client.anonymous().get("/healthz").expect(200);
}

/// The most memory that a process ever took, in KiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
