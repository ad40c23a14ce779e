//! How a server stops: what has begun is finished, who has come is answered, and nobody comes any more (R15).

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use serde_json::json;

use crate::support::{Backend, Client, Database, Response, hold::Hold, postgres, program::editor, wait::until};

#[test]
fn sigterm_ends_the_program_in_peace() {
    let database = Database::with_logins(Backend::Sqlite);
    let program = database.serve(&[]);
    Client::new(&program.base, None).get("/v1/articles").expect(200);

    program.signal("TERM");

    let (status, rest) = program.end();
    assert!(status.success(), "{status:?}");
    assert_eq!(rest, "", "standard output is for the ready line only");
}

#[test]
fn sigterm_lets_the_requests_that_have_begun_end() {
    if postgres::cluster().is_err() {
        return;
    }
    let database = Database::with_logins(Backend::Postgres);
    let program = database.serve(&[]);
    let client = editor(&program.base);
    let hold = Hold::on(&database, "articles");

    let answer = thread::scope(|scope| {
        let (sender, answers) = mpsc::channel();
        for _ in 0..2 {
            let (client, sender) = (client.clone(), sender.clone());
            scope.spawn(move || sender.send(create_alone(&client)).unwrap());
        }
        // Whichever comes second is refused while the first is being worked on.
        answers.recv().unwrap().expect("an answer").expect(409);
        program.signal("TERM");
        let address = program.base.trim_start_matches("http://").to_owned();
        until("nobody listens", || TcpStream::connect(&address).is_err());
        hold.release();
        answers.recv().unwrap()
    });

    assert_eq!(answer.expect("an answer").expect(201).json()["title"], "Begun");
    let (status, _) = program.end();
    assert_eq!(status.code(), Some(0));
    assert_eq!(database.sql("SELECT COUNT(*) FROM articles"), "1");
}

fn create_alone(client: &Client) -> Result<Response, ureq::Error> {
    client
        .request("POST", "/v1/articles")
        .header("idempotency-key", "begun")
        .json(&json!({ "title": "Begun" }))
        .try_send()
}

#[test]
fn while_it_drains_the_server_answers_but_is_not_ready() {
    let database = Database::with_logins(Backend::Sqlite);
    let program = database.serve(&[("FRONTPAGE_DRAIN_SECONDS", "6")]);
    let anonymous = Client::new(&program.base, None);
    anonymous.get("/readyz").expect(200);

    program.signal("TERM");

    until("it says that it stops", || {
        let answer = anonymous.get("/readyz");
        answer.status == 503 && answer.json()["detail"].as_str().unwrap().contains("about to stop")
    });
    let answer = anonymous.get("/v1/articles").expect(200);
    assert_eq!(answer.header("connection").map(str::to_lowercase).as_deref(), Some("close"));
    let (status, _) = program.end();
    assert_eq!(status.code(), Some(0));
}

/// How one of those who ask without a pause fared in the end.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// There was nobody to ask.
    Refused,
    /// What was asked was not answered.
    Unanswered,
}

/// Asks on a new connection each time, as long as somebody listens.
fn ask_until_refused(addr: SocketAddr, n_answered: &AtomicUsize) -> End {
    loop {
        let mut stream = match TcpStream::connect_timeout(&addr, Duration::from_secs(30)) {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return End::Refused,
            Err(error) => panic!("{error}"),
        };
        let mut answer = Vec::new();
        let sent = stream.write_all(b"GET /v1/sections HTTP/1.1\r\nHost: news\r\nConnection: close\r\n\r\n");
        if sent.and_then(|()| stream.read_to_end(&mut answer)).is_err() || !answer.starts_with(b"HTTP/1.1 200 ") {
            return End::Unanswered;
        }
        n_answered.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn whoever_reaches_a_server_that_stops_is_answered() {
    // On a machine that stands still, somebody may come and not be heard of; not each time.
    let is_everybody_answered = || {
        let database = Database::with_logins(Backend::Sqlite);
        let program = database.serve(&[]);
        let addr = program.base.trim_start_matches("http://").parse().unwrap();
        let n_answered = AtomicUsize::new(0);
        thread::scope(|scope| {
            let ask = || ask_until_refused(addr, &n_answered);
            let askers: Vec<_> = (0..24).map(|_| scope.spawn(ask)).collect();
            until("they are answered", || n_answered.load(Ordering::SeqCst) > 200);
            program.signal("TERM");
            let ends: Vec<End> = askers.into_iter().map(|asker| asker.join().unwrap()).collect();
            assert_eq!(program.end().0.code(), Some(0));
            ends.iter().all(|end| *end == End::Refused)
        })
    };
    assert!((0..4).any(|_| is_everybody_answered()), "some are sent away without an answer each time");
}
