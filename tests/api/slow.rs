//! Clients that do not take what they are answered are cut, and those that take it, however leisurely, are not (S67).

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::{
    newswire::settle,
    support::{App, Backend, wait::until},
};

/// The shortest patience there is.
const SHORT: (&str, &str) = ("FRONTPAGE_READER_SECONDS", "1");

/// Connects with little room for what has not been read, and asks.
pub fn ask(base: &str, path: &str, room: usize) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(room).unwrap();
    let addr: std::net::SocketAddr = base.trim_start_matches("http://").parse().unwrap();
    socket.connect(&addr.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: news\r\nConnection: close\r\n\r\n").unwrap();
    stream
}

/// Reads to the end, with a pause after each piece; returns how many bytes, and whether the end came as it should.
pub fn read_slowly(stream: &mut TcpStream, piece: usize, pause: Duration) -> (usize, bool) {
    let (mut buffer, mut n_read) = (vec![0; piece], 0);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (n_read, true),
            Ok(n) => n_read += n,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return (n_read, false),
            Err(error) => panic!("{error} after {n_read} bytes"),
        }
        crate::support::wait::pause(pause);
    }
}

/// A server with an article of a megabyte, and its path.
fn app_with_long_read() -> (App, String) {
    let app = App::start_with(Backend::Sqlite, &[SHORT, ("FRONTPAGE_CHANGES_READERS", "1")]);
    let text = "The first ships left at dawn. ".repeat(33_000);
    let article = app.published("A long read", json!({ "body_html": format!("<p>{text}</p>") })).json();
    let path = format!("/v1/articles/{}", article["id"].as_str().unwrap());
    settle(&app);
    (app, path)
}

#[test]
fn an_answer_that_is_not_taken_or_too_slowly_is_cut_and_one_that_is_taken_is_whole() {
    let (app, path) = app_with_long_read();
    let whole = app.anonymous().get(&path).expect(200).bytes.len();
    assert!(whole > 900_000, "{whole}");

    let mut idle = ask(&app.base, &path, 4096);
    let mut dripping = ask(&app.base, &path, 4096);
    let (n_dripped, _) = read_slowly(&mut dripping, 64, Duration::from_millis(20));
    let (n_idle, _) = read_slowly(&mut idle, 65_536, Duration::ZERO);
    // A machine that stands still for as long as a reader may cuts also who is leisurely, but not each time.
    let leisurely = || read_slowly(&mut ask(&app.base, &path, 65_536), 65_536, Duration::from_millis(40));
    let (n_leisurely, is_whole) = (0..5).map(|_| leisurely()).find(|(_, is_whole)| *is_whole).unwrap_or_default();

    assert!(n_dripped < whole / 2, "{n_dripped} of {whole} bytes");
    assert!(n_idle < whole / 2, "{n_idle} of {whole} bytes");
    assert!(is_whole && n_leisurely > whole, "{n_leisurely} of {whole} bytes");
}

#[test]
fn a_stream_that_is_not_read_gives_its_place_to_others_and_one_that_is_idle_keeps_it() {
    let (app, path) = app_with_long_read();
    let cursor = app.anonymous().get("/v1/changes?from=latest").expect(200).json()["page"]["next"].clone();
    let stream = format!("/v1/changes/stream?include=article&cursor={}", cursor.as_str().unwrap());
    let is_open = |stream: &mut TcpStream| {
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        &start == b"HTTP/1.1 200"
    };

    // All that happens is that nothing happens, for longer than the patience.
    let mut read = ask(&app.base, &stream, 4096);
    assert!(is_open(&mut read));
    let began = Instant::now();
    until("some time passes", || began.elapsed() > Duration::from_millis(2500));
    assert!(!is_open(&mut ask(&app.base, &stream, 4096)), "the place is free");
    drop(read);

    let mut unread = None;
    until("the place is free", || {
        let mut next = ask(&app.base, &stream, 4096);
        let is_open = is_open(&mut next);
        unread = Some(next);
        is_open
    });
    app.editor().patch(&path, "*", json!({ "kicker": "Again" })).expect(200);
    app.editor().verb(&format!("{path}/publish"), "*").expect(200);

    until("another one gets the place", || is_open(&mut ask(&app.base, &stream, 4096)));
    drop(unread);
}
