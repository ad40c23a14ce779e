//! A server whose clock is wrong, and jumps, on a database whose clock is right (R12).

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{editor, log_in, numbers, written};
use crate::support::{
    Backend, Client, Database, PASSWORD, postgres,
    postgres::Cluster,
    program::Program,
    scratch,
    wait::{pause, until},
};

/// The library that gives a program another clock, or why there is none.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found = folders.chain([PathBuf::from("/usr/lib")]).map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    let library = found.find(|path| path.is_file());
    if library.is_none() {
        let is_required = std::env::var("FRONTPAGE_TEST_FAKETIME").is_ok_and(|value| value == "required");
        assert!(!is_required, "FRONTPAGE_TEST_FAKETIME=required, but libfaketime was not found");
        let _ = writeln!(
            std::io::stderr(),
            "\n*** SKIPPING WHAT HAPPENS WHEN A CLOCK JUMPS: libfaketime was not found; apt-get install libfaketime, or set \
             FRONTPAGE_TEST_FAKETIME=required to fail instead ***\n"
        );
    }
    library
}

/// The program without jemalloc: both that and libfaketime ask each other at the very beginning, and wait for ever.
fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("without-jemalloc");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "--no-default-features", "--bin", "frontpage", "--target-dir"]).arg(&target);
        assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success(), "it is built");
        target.join("debug/frontpage")
    })
}

/// A server with a clock that the test sets.
struct Shifted {
    program: Program,
    file: PathBuf,
}

impl Shifted {
    fn start(database: &Database, library: &Path, seconds: i64) -> Self {
        let file = database.directory().join("clock");
        std::fs::write(&file, format!("{seconds:+}\n")).unwrap();
        let (library, path) = (library.display().to_string(), file.display().to_string());
        let settings = [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", path.as_str()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("FRONTPAGE_SCHEDULE_SECONDS", "1"),
        ];
        Self { program: database.serve_by(program(), &settings), file }
    }

    fn reader(&self) -> Client {
        Client::new(&self.program.base, None)
    }

    /// Sets how far the clock is from the right one.
    fn shift(&self, seconds: i64) {
        // Whole or not at all: the server looks at it all the time.
        let next = self.file.with_extension("next");
        std::fs::write(&next, format!("{seconds:+}\n")).unwrap();
        std::fs::rename(next, &self.file).unwrap();
    }

    /// What the server takes for the present moment, as far as its answers tell.
    fn clock(&self) -> DateTime<Utc> {
        let answer = self.reader().get("/v1/articles?limit=1");
        DateTime::parse_from_rfc2822(answer.header("date").expect("answers have a date")).unwrap().to_utc()
    }

    fn wait_for_shift(&self, seconds: i64) {
        until("the server's clock is another one", || ((self.clock() - Utc::now()).num_seconds() - seconds).abs() <= 3);
    }
}

/// What is to happen when, and what must not happen in this test.
struct Newsroom {
    soon: String,
    ending: String,
    hidden: Vec<String>,
    at: DateTime<Utc>,
}

fn act(client: &Client, id: &str, verb: &str, input: &Value) {
    client.request("POST", &format!("/v1/articles/{id}/{verb}")).header("if-match", "*").json(input).send().expect(200);
}

fn draft(client: &Client, title: &str) -> String {
    let input = json!({ "title": title, "section": "world", "body_html": "<p>Text.</p>" });
    client.post("/v1/articles", input).expect(201).json()["id"].as_str().unwrap().to_owned()
}

/// An article that appears in some seconds and one that ends then, and others whose time has come by a wrong clock only.
fn newsroom(client: &Client) -> Newsroom {
    let [soon, ending, hour, days, embargoed] =
        ["Soon", "Ending", "Hour", "Days", "Embargoed"].map(|title| draft(client, title));
    act(client, &ending, "publish", &json!({}));
    let now = Utc::now();
    for (id, minutes) in [(&hour, 30), (&days, 36 * 60)] {
        act(client, id, "schedule", &json!({ "publish_at": written(now + TimeDelta::minutes(minutes)) }));
    }
    let until = json!({ "embargo_until": written(now + TimeDelta::minutes(5)) });
    client.patch(&format!("/v1/articles/{embargoed}"), "*", until).expect(200);
    act(client, &embargoed, "publish", &json!({}));
    let at = Utc::now() + TimeDelta::seconds(4);
    let at = DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap();
    act(client, &soon, "schedule", &json!({ "publish_at": written(at) }));
    act(client, &ending, "schedule", &json!({ "withdraw_at": written(at) }));
    Newsroom { soon, ending, hidden: vec![hour, days, embargoed], at }
}

/// What a reader gets at an article's address, and between which moments that was.
fn look(reader: &Client, id: &str) -> (DateTime<Utc>, u16, DateTime<Utc>) {
    let sent = Utc::now();
    let status = reader.get(&format!("/v1/articles/{id}")).status;
    (sent, status, Utc::now())
}

/// Fails if readers see something before its time, or after it.
fn assert_timely(reader: &Client, newsroom: &Newsroom) {
    let (sent, status, received) = look(reader, &newsroom.soon);
    assert!(
        if status == 200 { newsroom.at <= received } else { newsroom.at > sent },
        "{status} at {sent}, due at {}",
        newsroom.at
    );
    let (sent, status, received) = look(reader, &newsroom.ending);
    assert!(
        if status == 200 { newsroom.at > sent } else { newsroom.at <= received },
        "{status} at {sent}, over at {}",
        newsroom.at
    );
    for id in &newsroom.hidden {
        assert_eq!(look(reader, id).1, 404);
    }
    let page = reader.get("/v1/articles?limit=100").expect(200).text();
    assert!(!newsroom.hidden.iter().any(|id| page.contains(id)), "{page}");
}

/// How often the log says that something appeared and that something ended.
fn told(database: &Database) -> Vec<i64> {
    numbers(
        database,
        "SELECT COUNT(*) FILTER (WHERE kind = 'published'), COUNT(*) FILTER (WHERE kind = 'withdrawn') FROM changes WHERE resource = 'article'",
    )
}

/// What is scheduled on a server whose clock is wrong from the start, and jumps back while it runs.
fn nothing_comes_early_late_or_twice(library: &Path, seconds: i64) {
    let database = Database::with_logins(Backend::Postgres);
    // Records nothing, and has the right time.
    let right = database.serve(&[("FRONTPAGE_SCHEDULE_SECONDS", "3600")]);
    let wrong = Shifted::start(&database, library, seconds);
    wrong.wait_for_shift(seconds);
    let client = editor(&right.base);
    client.post("/v1/sections", json!({ "name": "World" })).expect(201);
    let newsroom = newsroom(&client);
    let before = told(&database);

    let is_recorded = |address: &str, state: &str| {
        client.get(&format!("/v1/articles/{address}?view=working")).expect(200).json()["state"] == state
    };
    until("both are recorded", || {
        assert_timely(&wrong.reader(), &newsroom);
        is_recorded(&newsroom.soon, "published") && is_recorded(&newsroom.ending, "withdrawn")
    });
    assert_eq!(told(&database), [before[0] + 1, before[1] + 1]);

    // Ten minutes back while it runs: what was recorded is not recorded again, and the intervals go on.
    wrong.shift(seconds - 600);
    wrong.wait_for_shift(seconds - 600);
    let next = draft(&client, "Next");
    let at = Utc::now() + TimeDelta::seconds(2);
    act(&client, &next, "schedule", &json!({ "publish_at": written(at) }));
    until("the next one is recorded", || is_recorded(&next, "published"));
    assert_timely(&wrong.reader(), &newsroom);
    pause(Duration::from_secs(3));
    assert_eq!(told(&database), [before[0] + 2, before[1] + 1]);
    let early = "SELECT COUNT(*) FROM changes JOIN article_publications ON article_id = resource_id \
                 WHERE kind = 'published' AND at < visible_from";
    assert_eq!(numbers(&database, early), [0]);

    what_was_written_there_is_as_right(&wrong, &right, &database);
}

/// Whoever works through the server with the wrong clock writes the right times, and can log in.
fn what_was_written_there_is_as_right(wrong: &Shifted, right: &Program, database: &Database) {
    let client = editor(&wrong.program.base);
    let post = || {
        let input = json!({ "title": "Once", "section": "world", "body_html": "<p>Text.</p>" });
        client.request("POST", "/v1/articles").header("idempotency-key", "once").json(&input).send().expect(201)
    };
    let (first, second) = (post(), post());
    assert_eq!((first.text(), second.header("idempotent-replayed")), (second.text(), Some("true")));
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let before = Utc::now();
    let view = client.verb(&format!("/v1/articles/{id}/publish"), "*").expect(200).json();
    let published_at: DateTime<Utc> = view["published_at"].as_str().unwrap().parse().unwrap();
    assert!((published_at - before).num_seconds().abs() <= 30, "{published_at} at {before}");
    Client::new(&right.base, None).get(&format!("/v1/articles/{id}")).expect(200);
    // A reset lives for an hour of the database.
    let admin = log_in(&wrong.program.base, "admin@newsroom.test");
    let users = admin.get("/v1/users?limit=100").expect(200).json();
    let author =
        users["data"].as_array().unwrap().iter().find(|user| user["email"] == "author@newsroom.test").unwrap().clone();
    let path = format!("/v1/users/{}/password-reset", author["id"].as_str().unwrap());
    let reset = admin.request("POST", &path).header("if-match", "*").json(&json!({})).send();
    let token = reset.json()["token"].as_str().map(str::to_owned).unwrap_or_else(|| panic!("{}", reset.text()));
    let password = "eleven herons wade upstream slowly";
    let redeem = json!({ "token": token, "new_password": password });
    Client::new(&wrong.program.base, None).post("/v1/auth/password-reset", redeem).expect(204);
    let verified = database.run(&["audit", "verify"], "");
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

/// A token is good for its lifetime and at most a minute more, whichever way the clock is wrong.
fn tokens_are_good_for_a_minute_more_at_most(library: &Path) {
    let database = Database::with_logins(Backend::Postgres);
    let right = database.serve(&[]);
    let wrong = Shifted::start(&database, library, 0);
    let login = json!({ "email": "editor@newsroom.test", "password": PASSWORD });
    let login = || Client::new(&right.base, None).post("/v1/auth/token", login.clone()).expect(200).json();
    let status_at = |seconds: i64| {
        let login = login();
        wrong.shift(seconds);
        wrong.wait_for_shift(seconds);
        let token = login["access_token"].as_str().unwrap();
        let status = wrong.reader().with_token(token).get("/v1/auth/me").status;
        // Whatever its clock says, a session that the database holds good can be taken up again.
        let refresh = json!({ "refresh_token": login["refresh_token"] });
        let renewed = wrong.reader().post("/v1/auth/refresh", refresh).expect(200).json();
        wrong.reader().with_token(renewed["access_token"].as_str().unwrap()).get("/v1/auth/me").expect(200);
        status
    };

    for (seconds, expected) in [
        (0, 200),
        (-40, 200),
        (-75, 401),
        (-600, 401),
        (-3600, 401),
        (880, 200),
        (965, 401),
        (3600, 401),
        (172_800, 401),
        (-172_800, 401),
    ] {
        assert_eq!(status_at(seconds), expected, "{seconds} s");
    }
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_server_with_a_wrong_clock_shows_nothing_early_and_records_nothing_twice() {
    let Some(library) = library().filter(|_| postgres::cluster().is_ok()) else { return };
    for seconds in [3_600, -3_600, 172_800, -172_800] {
        nothing_comes_early_late_or_twice(&library, seconds);
        println!("{seconds:+} s, then 600 s back: nothing early, late or twice");
    }
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_token_lives_a_minute_longer_at_most_on_a_server_with_a_wrong_clock() {
    let Some(library) = library().filter(|_| postgres::cluster().is_ok()) else { return };
    tokens_are_good_for_a_minute_more_at_most(&library);
}

/// A server that reads at a standby whose clock is wrong.
fn readers_at_a_wrong_clock_see_everything_at_its_time(library: &Path, primary: &Cluster, seconds: i64) {
    let name = format!("news_{}", if seconds > 0 { "ahead" } else { "behind" });
    primary.execute("postgres", &format!("CREATE DATABASE {name}"));
    let database = Database::at(Backend::Postgres, primary.url(&name));
    database.fill();
    let (library, shift) = (library.display().to_string(), format!("{seconds:+}s"));
    let clock = [("LD_PRELOAD", library.as_str()), ("FAKETIME", &shift), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    let folder = scratch::folder().join(format!("frontpage-test-pg-{name}-{}", std::process::id()));
    let standby = Cluster::standby_of(primary, folder, &clock).expect("a standby");
    let ahead = || {
        let moment = |cluster: &Cluster| -> i64 {
            cluster.execute(&name, "SELECT floor(extract(epoch FROM now()))::bigint").trim().parse().unwrap()
        };
        moment(&standby) - moment(primary)
    };
    assert!((ahead() - seconds).abs() <= 3, "the standby's clock is {} s ahead", ahead());
    let replica = standby.url(&name);
    let settings = [
        ("FRONTPAGE_REPLICA_URLS", replica.as_str()),
        ("FRONTPAGE_METRICS_TOKEN", "collects-all-day-long"),
        ("FRONTPAGE_CACHE_BYTES", "0"),
        ("FRONTPAGE_SCHEDULE_SECONDS", "1"),
    ];
    let program = database.serve(&settings);
    let (client, reader) = (editor(&program.base), Client::new(&program.base, None));
    let n_reads = || {
        let metrics = reader.with_token("collects-all-day-long").get("/metrics").expect(200).text();
        let line = metrics.lines().find(|line| line.starts_with("frontpage_replica_reads_total{")).unwrap_or("0");
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    client.post("/v1/sections", json!({ "name": "World" })).expect(201);
    let newsroom = newsroom(&client);
    let before = n_reads();

    let is_recorded = |address: &str, state: &str| {
        client.get(&format!("/v1/articles/{address}?view=working")).expect(200).json()["state"] == state
    };
    until("both are recorded", || {
        assert_timely(&reader, &newsroom);
        is_recorded(&newsroom.soon, "published") && is_recorded(&newsroom.ending, "withdrawn")
    });
    // Once more after the standby has heard of it.
    until("the standby is read at", || {
        assert_timely(&reader, &newsroom);
        n_reads() > before + 10.0
    });
    println!("standby {seconds:+} s: nothing early or late in {} reads there", n_reads() - before);
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn a_replica_with_a_wrong_clock_shows_nothing_early_or_late() {
    let Some(library) = library().filter(|_| postgres::cluster().is_ok()) else { return };
    let folder = scratch::folder().join(format!("frontpage-test-pg-clock-{}", std::process::id()));
    let primary = Cluster::start_in(folder).expect("a cluster of its own");
    for seconds in [7_200, -7_200] {
        readers_at_a_wrong_clock_see_everything_at_its_time(&library, &primary, seconds);
    }
}
