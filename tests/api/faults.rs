//! What goes wrong around the server: a crash, a database that stops, a full disk, a busy file, a signal. Nothing that was
//! acknowledged is lost, nothing that was refused is done, and reading goes on where it can (R1, R3, R4, R8).

use std::{
    fs,
    io::Write,
    net::TcpStream,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::endurance::gate::{Gate, Mode};
use crate::support::{
    App, Backend, Client, Database, PASSWORD, Response, both,
    hold::Hold,
    id, postgres,
    program::{self, Program, editor},
    scratch,
    wait::pause,
};

/// What one writer sent under a key, and the id that came back, if an answer did.
pub type Sent = (String, Option<String>);

fn create(client: &Client, key: &str) -> Result<Response, ureq::Error> {
    let input = json!({ "title": key, "section": "world", "body_html": "<p>The first ships left at dawn.</p>" });
    client.request("POST", "/v1/articles").header("idempotency-key", key).json(&input).try_send()
}

/// When the program is killed.
#[derive(Clone, Copy)]
pub enum Kill {
    /// After so many articles were acknowledged.
    AfterArticles(usize),
    /// After so long.
    After(Duration),
}

/// Kills a program while several write; returns all that was sent.
pub fn write_until_killed(program: Program, cycle: usize, writers: usize, kill: Kill) -> Vec<Sent> {
    let client = editor(&program.base);
    client.post("/v1/sections", json!({ "name": "World", "slug": "world" }));
    let (sender, receiver) = mpsc::channel::<Sent>();
    thread::scope(|scope| {
        for writer in 0..writers {
            let (client, sender) = (client.clone(), sender.clone());
            scope.spawn(move || {
                for number in 0.. {
                    let key = format!("Cycle {cycle} writer {writer} number {number}");
                    let Ok(created) = create(&client, &key) else {
                        sender.send((key, None)).unwrap();
                        return;
                    };
                    let created = created.expect(201);
                    sender.send((key, Some(id(&created)))).unwrap();
                    let path = format!("/v1/articles/{}/publish", id(&created));
                    let published =
                        client.request("POST", &path).header("if-match", &created.etag()).json(&json!({})).try_send();
                    match published {
                        Ok(answer) => assert_eq!(answer.status, 200, "{}", answer.text()),
                        Err(_) => return,
                    }
                }
            });
        }
        drop(sender);
        let mut sent: Vec<Sent> = match kill {
            Kill::AfterArticles(n) => receiver.iter().take(n).collect(),
            Kill::After(time) => {
                pause(time);
                Vec::new()
            }
        };
        program.kill();
        sent.extend(receiver);
        sent
    })
}

fn a_client_that_repeats_after_a_crash_has_everything_once(backend: Backend) {
    let database = Database::with_logins(backend);
    let mut sent: Vec<Sent> = Vec::new();
    // Who has sent an article, and hears nothing, is what this is about: killed while all of them publish, it goes on.
    for cycle in 0.. {
        let interrupted = sent.iter().any(|(_, answered)| answered.is_none());
        if cycle >= 3 && interrupted {
            break;
        }
        assert!(cycle < 20, "nobody was interrupted");
        sent.extend(write_until_killed(database.serve(&[]), cycle, 4, Kill::AfterArticles(12 + 9 * (cycle % 3))));
    }
    let program = database.serve(&[]);
    assert_everything_once(&database, &program, &sent);
}

#[test]
fn a_backup_by_another_program_takes_nothing_from_the_server() {
    let database = Database::with_logins(Backend::Sqlite);
    let file = database.directory().join("frontpage.db");
    let mut program = database.serve(&[]);
    let mut made = Vec::new();
    for round in 0..2 {
        let client = editor(&program.base);
        client.post("/v1/sections", json!({ "name": "World", "slug": "world" }));
        let create = |key: &str| id(&create(&client, key).unwrap().expect(201));
        made.push(create(&format!("Before {round}")));
        assert!(is_locked(&file, program.pid()), "other programs cannot see that the server has the database open");
        back_up(&file, &database.directory().join(format!("backup-{round}.db")));
        made.push(create(&format!("After {round}")));
        program.kill();
        program = database.serve(&[]);
        for id in &made {
            editor(&program.base).get(&format!("/v1/articles/{id}?view=working")).expect(200);
        }
    }
    assert_whole(&database);
}

/// Whether a process has a lock on a file, as the system tells: without it, whoever closes the database next takes itself
/// for the last one, and removes the log that the server writes to.
fn is_locked(file: &Path, pid: u32) -> bool {
    let inode = format!(":{}", fs::metadata(file).unwrap().ino());
    let locks = fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(4) == Some(&pid.to_string().as_str()) && fields.get(5).is_some_and(|of| of.ends_with(&inode))
    })
}

/// As the README says, with the SQLite that comes with Python: another one than the server's.
fn back_up(file: &Path, copy: &Path) {
    let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('VACUUM INTO ?', sys.argv[2:])";
    let done = Command::new("python3").args(["-c", script]).args([file, copy]).output().expect("python3 runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Each repeats what was sent, also what was not acknowledged: each article is there, and once.
pub fn assert_everything_once(database: &Database, program: &Program, sent: &[Sent]) {
    let client = editor(&program.base);
    for (key, acknowledged) in sent {
        let answer = create(&client, key).unwrap().expect(201);
        if let Some(acknowledged) = acknowledged {
            assert_eq!(&id(&answer), acknowledged, "{key}");
            assert_eq!(answer.header("idempotent-replayed"), Some("true"), "{key}");
        }
    }

    assert_eq!(database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM articles"), sent.len().to_string());
    assert_whole(database);
}

/// No article is half there, whatever happened.
pub fn assert_whole(database: &Database) {
    let n = |what: &str, rest: &str| {
        let found = database.sql(&format!("SELECT CAST(COUNT(*) AS TEXT) AS line FROM {rest}"));
        assert_eq!(found, "0", "{what}");
    };
    n(
        "articles whose revisions are not 1 to the newest",
        "articles a WHERE a.revision <> (SELECT COUNT(*) FROM article_revisions r WHERE r.article_id = a.id) \
         OR a.revision <> (SELECT MAX(r.number) FROM article_revisions r WHERE r.article_id = a.id)",
    );
    n(
        "articles without their body",
        "articles a WHERE NOT EXISTS (SELECT 1 FROM article_bodies b WHERE b.article_id = a.id AND b.digest = a.body_digest)",
    );
    n(
        "articles without their slug",
        "articles a WHERE NOT EXISTS (SELECT 1 FROM slugs s WHERE s.kind = 'article' AND s.resource_id = a.id)",
    );
    n(
        "articles that are published or live, but not both",
        "articles a WHERE (a.state = 'published') <> EXISTS (SELECT 1 FROM live_articles l WHERE l.id = a.id)",
    );
    for part in ["live_bodies", "live_facets", "live_slugs"] {
        n(
            &format!("live articles without {part}"),
            &format!("live_articles l WHERE NOT EXISTS (SELECT 1 FROM {part} p WHERE p.article_id = l.id)"),
        );
    }
    n(
        "live articles that the change log does not know",
        "live_articles l WHERE 1 <> (SELECT COUNT(*) FROM changes c WHERE c.resource_id = l.id AND c.kind = 'published')",
    );
    if database.backend == Backend::Sqlite {
        assert_eq!(database.sql("SELECT integrity_check AS line FROM pragma_integrity_check"), "ok");
        assert_eq!(database.sql("SELECT \"table\" AS line FROM pragma_foreign_key_check"), "");
    }
}

#[test]
fn a_client_that_repeats_after_a_crash_has_everything_once_on_sqlite() {
    a_client_that_repeats_after_a_crash_has_everything_once(Backend::Sqlite);
}

#[test]
fn a_client_that_repeats_after_a_crash_has_everything_once_on_postgres() {
    if postgres::cluster().is_ok() {
        a_client_that_repeats_after_a_crash_has_everything_once(Backend::Postgres);
    }
}

/// A PostgreSQL server that is started again in the place of one that was stopped.
pub struct Again(Child);

impl Again {
    pub fn start(cluster: &postgres::Cluster) -> Self {
        let mut command = Command::new(cluster.bin.join("postgres"));
        command.arg("-D").arg(cluster.directory.join("data")).args(["-p", &cluster.port.to_string()]);
        command.arg("-k").arg(&cluster.directory).args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        command.current_dir(&cluster.directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((uid, gid)) = cluster.user {
            command.uid(uid).gid(gid);
        }
        let again = Self(command.spawn().expect("postgres starts"));
        cluster.wait_until_ready().expect("postgres takes connections");
        again
    }
}

impl Again {
    /// Stops it as `pg_ctl` does: `INT` is fast, `QUIT` is immediate.
    pub fn stop(mut self, signal: &str) {
        let status = Command::new("kill").args([format!("-{signal}"), self.0.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
        self.0.wait().expect("postgres ends");
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        let _ignored = self.0.kill();
        let _ignored = self.0.wait();
    }
}

/// Fails unless a request is put off, and within the two seconds that are promised. A machine that stands still for a
/// second does so once; a server that is late is late again.
#[track_caller]
pub fn assert_put_off(what: &str, ask: impl Fn() -> Response) {
    let is_in_time = || {
        let started = Instant::now();
        let answer = ask().expect(503);
        assert_eq!(answer.problem(), "unavailable", "{what}");
        assert!(answer.header("retry-after").is_some(), "{what}");
        started.elapsed() < Duration::from_secs(2)
    };
    let n_in_time = (0..4).filter(|_| is_in_time()).count();
    assert!(n_in_time >= 3, "{what} takes longer than two seconds, {} times of 4", 4 - n_in_time);
}

#[track_caller]
fn until(holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(30), "it does not come to hold");
    }
}

#[test]
fn a_database_that_stops_is_answered_503_and_the_server_recovers_by_itself() {
    if postgres::cluster().is_err() {
        return;
    }
    let folder = scratch::folder().join(format!("frontpage-test-pg-stops-{}", std::process::id()));
    let cluster = postgres::Cluster::start_in(folder).expect("a cluster of its own");
    cluster.execute("postgres", "CREATE DATABASE news");
    let database = Database::at(Backend::Postgres, cluster.url("news"));
    database.fill();
    let program = database.serve_promptly(&[]);
    let editor = editor(&program.base);
    let anonymous = editor.anonymous();
    let kept = editor.post("/v1/tags", json!({ "name": "Kept" })).expect(201);
    let patient = database.serve(&[]);

    cluster.signal("QUIT");
    let address = ("127.0.0.1", cluster.port);
    until(|| TcpStream::connect(address).is_err());

    let login = json!({ "email": "editor@newsroom.test", "password": PASSWORD });
    for round in 0..3 {
        assert_put_off(&format!("read {round}"), || anonymous.get("/v1/articles"));
        assert_put_off(&format!("desk {round}"), || editor.get("/v1/articles?view=working"));
        assert_put_off(&format!("write {round}"), || editor.post("/v1/tags", json!({ "name": "Lost" })));
        assert_put_off(&format!("login {round}"), || anonymous.post("/v1/auth/token", login.clone()));
        anonymous.get("/healthz").expect(200);
        anonymous.get("/readyz").expect(503);
    }
    let clients = vec![anonymous.clone(); 24];
    thread::scope(|scope| {
        for client in &clients {
            scope.spawn(move || assert_put_off("one of many reads", || client.get("/v1/articles")));
        }
    });

    // This one would wait for five seconds each time, but what has been away for one is not about to be back.
    let whoever = Client::new(&patient.base, None);
    until(|| {
        let started = Instant::now();
        whoever.get("/v1/articles").expect(503);
        started.elapsed() < Duration::from_secs(3)
    });

    let _again = Again::start(&cluster);
    until(|| whoever.get("/v1/articles").status == 200);
    until(|| anonymous.get("/readyz").status == 200);
    until(|| anonymous.get("/v1/articles").status == 200);
    anonymous.post("/v1/auth/token", login).expect(200);
    editor.get(&format!("/v1/tags/{}?view=working", id(&kept))).expect(200);
    editor.post("/v1/tags", json!({ "name": "Found" })).expect(201);
    let names = cluster.execute("news", "SELECT name FROM tags ORDER BY name");
    assert_eq!(names.split_whitespace().collect::<Vec<_>>(), ["Found", "Kept"], "what was refused is not done later");
}

#[test]
fn a_server_that_is_started_before_its_database_waits_for_it() {
    if postgres::cluster().is_err() {
        return;
    }
    let database = Database::with_logins(Backend::Postgres);
    let (gate, url) = Gate::before_database(&database.url, Mode::Refuses);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = program::command(database.directory(), &["serve"]);
    command.envs(database.settings()).envs(program::PROMPT);
    command.env("DATABASE_URL", url).env("FRONTPAGE_LISTEN", &free);
    let waiting = thread::spawn(move || Program::start(command));
    until(|| TcpStream::connect(&free).is_ok());
    let client = Client::new(&format!("http://{free}"), None);
    until(|| client.request("GET", "/healthz").try_send().is_ok());

    client.get("/healthz").expect(200);
    assert_eq!(client.get("/readyz").expect(503).header("cache-control"), Some("no-store"));
    let refused = client.get("/v1/articles").expect(503);
    assert_eq!((refused.problem().as_str(), refused.header("retry-after")), ("unavailable", Some("2")));

    gate.set(Mode::Passes);
    let program = waiting.join().expect("it becomes ready");
    client.get("/readyz").expect(200);
    client.get("/v1/articles").expect(200);
    program.kill();
}

#[test]
fn a_database_that_refuses_or_cannot_be_opened_ends_the_start_with_a_message() {
    let missing = postgres::cluster().map(|cluster| cluster.url("no_such_database"));
    let file = scratch::directory();
    let text = file.path().join("notes.txt");
    fs::write(&text, "What is in here was written by hand. ".repeat(100)).unwrap();
    let urls = ["sqlite:///proc/news.db".to_owned(), format!("sqlite://{}", text.display())];
    for (url, said) in urls.into_iter().chain(missing).zip([
        "/proc/news.db",
        "notes.txt is not an SQLite database. Name another file",
        "no_such_database",
    ]) {
        let folder = tempfile::tempdir().unwrap();
        let mut command = program::command(folder.path(), &["serve"]);
        let settings = program::settings(&url, folder.path());

        let ended = program::run(command.envs(settings), "");

        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains(said) && ended.out.is_empty(), "{ended:?}");
    }
}

both! {
    fn a_write_that_was_put_off_is_not_done_later(app) {
        let server = App::start_on(app.database.clone(), &[("FRONTPAGE_DB_WRITE_TIMEOUT_MS", "1000")]);
        let editor = server.editor();
        let hold = Hold::on(&app.database, "articles");

        let refused = editor.post("/v1/articles", json!({ "title": "Refused" })).expect(503);

        assert_eq!(refused.problem(), "unavailable");
        server.anonymous().get("/v1/articles").expect(200);
        hold.release();
        until(|| editor.post("/v1/articles", json!({ "title": "Done" })).status == 201);
        drop(server);
        assert_eq!(app.database.sql("SELECT DISTINCT title AS line FROM articles"), "Done");
    }

    fn two_servers_on_one_database_take_turns(app) {
        let other = App::start_on(app.database.clone(), &[]);
        let clients = [app.editor(), other.editor()];

        let answers: Vec<Response> = thread::scope(|scope| {
            let write = |writer: usize| {
                let client = &clients[writer % 2];
                let one = move |number| client.post("/v1/articles", json!({ "title": format!("Of {writer}, {number}") }));
                scope.spawn(move || (0..10).map(one).collect::<Vec<_>>())
            };
            let writers: Vec<_> = (0..6).map(write).collect();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });

        let made = answers.iter().filter(|answer| answer.status == 201).count();
        assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 503)), "{answers:?}");
        assert_eq!(app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM articles"), made.to_string());
        assert!(made > 30, "{made} of {}", answers.len());
        assert_whole(&app.database);
    }
}

/// Writes until the server says that it cannot; returns the ids that were acknowledged, and the refusal.
fn fill_up(client: &Client) -> (Vec<String>, Response) {
    let body = format!("<p>{}</p>", "The first ships left at dawn. ".repeat(3_000));
    let mut made = Vec::new();
    for number in 0..2_000 {
        let input = json!({ "title": format!("Number {number}"), "body_html": body });
        let answer = client.post("/v1/articles", input);
        if answer.status != 201 {
            return (made, answer);
        }
        made.push(id(&answer));
    }
    panic!("the disk does not fill up");
}

fn assert_reading_goes_on(client: &Client, made: &[String]) {
    client.anonymous().get("/v1/articles").expect(200);
    for id in made {
        let article = client.get(&format!("/v1/articles/{id}?view=working")).expect(200).json();
        assert_eq!(article["revision"], 1);
    }
    let mut listed = 0;
    let mut cursor = String::new();
    loop {
        let page: Value = client.get(&format!("/v1/articles?view=working&limit=100{cursor}")).expect(200).json();
        listed += page["data"].as_array().unwrap().len();
        let Some(next) = page["page"]["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(listed, made.len(), "what was refused is not there");
}

#[test]
fn a_file_that_cannot_grow_is_answered_as_trouble_and_reading_goes_on() {
    let database = Database::with_logins(Backend::Sqlite);
    // The limit is of one file, in blocks of 512 bytes; its signal must not end the program.
    let script = "trap '' XFSZ; ulimit -f 4096; exec \"$0\" serve";
    let mut command = program::dress(Command::new("sh"), database.directory(), &["-c", script]);
    command.arg(program::path()).envs(database.settings());
    let program = Program::start(command);
    let client = editor(&program.base);

    let (made, refused) = fill_up(&client);

    assert!(matches!(refused.status, 503 | 507), "{}", refused.text());
    assert!(made.len() > 3, "{}", made.len());
    assert_reading_goes_on(&client, &made);
    assert!(matches!(
        client.post("/v1/articles", json!({ "title": "T", "body_html": "x".repeat(90_000) })).status,
        503 | 507
    ));
    program.kill();
    assert_whole(&database);
    let program = database.serve(&[]);
    let client = editor(&program.base);
    assert_reading_goes_on(&client, &made);
    client.post("/v1/articles", json!({ "title": "There is room again" })).expect(201);
}

#[test]
fn a_full_disk_is_answered_507_and_writing_goes_on_when_there_is_room_again() {
    // A small file system of the program's own; not every machine lets its users make one.
    let can_mount = Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs none /mnt"]).output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        // Past the harness's capture, so that it is seen.
        let _ = writeln!(std::io::stderr(), "*** SKIPPED: a file system cannot be made here ***");
        return;
    }
    let database = Database::with_logins(Backend::Sqlite);
    let disk = database.directory().join("disk");
    fs::create_dir(&disk).unwrap();
    let script = "mount -t tmpfs -o size=8m none disk && cp frontpage.db disk/ && head -c 3000000 /dev/zero >disk/ballast \
                  && exec \"$0\" serve";
    let mut command = program::dress(Command::new("unshare"), database.directory(), &["-rm", "sh", "-c", script]);
    command.arg(program::path()).envs(database.settings()).env("DATABASE_URL", "sqlite://disk/frontpage.db");
    let program = Program::start(command);
    let client = editor(&program.base);

    let (made, refused) = fill_up(&client);

    assert_eq!(refused.expect(507).problem(), "storage_full");
    assert_reading_goes_on(&client, &made);
    client.anonymous().get("/readyz").expect(200);
    let ballast = format!("/proc/{}/root{}/ballast", program.pid(), disk.display());
    if fs::remove_file(&ballast).is_ok() {
        until(|| client.post("/v1/articles", json!({ "title": "There is room again" })).status == 201);
    }
}
