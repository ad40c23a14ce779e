//! Those who stay on the line.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::{entries, settle};
use crate::support::{App, both, id, wait::until};

/// Something that a server sent.
#[derive(Debug)]
pub struct Event {
    pub id: String,
    pub kind: String,
    pub data: Value,
}

/// A stream of events, as a browser reads it.
pub struct Events {
    lines: BufReader<Box<dyn Read>>,
    pub status: u16,
}

/// The content of an answer in chunks.
struct Chunks(BufReader<TcpStream>, usize);

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.1 == 0 {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Ok(0);
            }
            if line.trim().is_empty() {
                line.clear();
                self.0.read_line(&mut line)?;
            }
            self.1 = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
            if self.1 == 0 {
                return Ok(0);
            }
        }
        let n = into.len().min(self.1);
        let n = self.0.read(&mut into[..n])?;
        self.1 -= n;
        Ok(n)
    }
}

impl Events {
    pub fn open(base: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n{headers}\r\n").unwrap();
        let mut reader = BufReader::new(stream);
        let head: Vec<String> =
            reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
        if status == 200 {
            assert!(head.iter().any(|line| line.eq_ignore_ascii_case("content-type: text/event-stream")), "{head:?}");
        }
        Self { lines: BufReader::new(Box::new(Chunks(reader, 0))), status }
    }

    /// The next event; none, when the stream is over.
    pub fn next(&mut self) -> Option<Event> {
        let mut event = Event { id: String::new(), kind: String::new(), data: Value::Null };
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap_or(0) == 0 {
                return None;
            }
            match line.trim_end_matches('\n').split_once(": ") {
                Some(("id", id)) => event.id = id.to_owned(),
                Some(("event", kind)) => event.kind = kind.to_owned(),
                Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                Some(_) => {}
                None if event.kind.is_empty() => {}
                None => return Some(event),
            }
        }
    }
}

both! {
    fn whoever_comes_back_goes_on_where_they_left(app) {
        let mut events = Events::open(&app.base, "/v1/changes/stream", &[]);
        let ready = events.next().unwrap();
        assert_eq!((ready.kind.as_str(), &ready.data["cursor"]), ("ready", &json!(ready.id)));
        app.section("World");
        let first = events.next().unwrap();
        assert_eq!((first.kind.as_str(), first.data["resource"].as_str()), ("created", Some("section")));
        drop(events);
        let article = id(&app.published("Harbor", json!({})));
        app.tag("Ships");
        settle(app);

        let mut events = Events::open(&app.base, "/v1/changes/stream?include=article&from=latest", &[]);
        assert_eq!(events.next().unwrap().kind, "ready");
        let mut resumed = Events::open(&app.base, "/v1/changes/stream?include=article", &[("Last-Event-ID", &first.id)]);
        assert_eq!(resumed.next().unwrap().id, first.id);
        let second = resumed.next().unwrap();
        assert_eq!((second.kind.as_str(), &second.data["resource_id"], &second.data["cursor"]), ("published", &json!(article), &json!(second.id)));
        assert_eq!(second.data["article"], app.anonymous().get(&format!("/v1/articles/{article}")).expect(200).json());
        app.section("Asia");
        // Both are told the same, whether they were behind or not.
        let (one, other) = (resumed.next().unwrap(), events.next().unwrap());
        assert_eq!((one.kind.as_str(), &one.data), ("created", &other.data));
    }

    fn every_reader_is_told_everything_once_and_in_order(app) {
        let mut readers: Vec<Events> = (0..20).map(|number| {
            let include = if number % 2 == 0 { "?include=article" } else { "" };
            let mut events = Events::open(&app.base, &format!("/v1/changes/stream{include}"), &[]);
            assert_eq!(events.next().unwrap().kind, "ready");
            events
        }).collect();
        app.section("World");
        std::thread::scope(|scope| {
            for writer in 0..3 {
                scope.spawn(move || for number in 0..10 { app.published(&format!("Article {writer} {number}"), json!({})); });
            }
        });
        settle(app);

        let (all, _) = entries(&app.anonymous(), None, "");
        let ids: Vec<i64> = all.iter().map(|entry| entry["id"].as_i64().unwrap()).collect();
        for reader in &mut readers {
            let told: Vec<i64> = (0..ids.len()).map(|_| reader.next().unwrap().data["id"].as_i64().unwrap()).collect();
            assert_eq!(told, ids);
        }
    }

    fn there_are_only_so_many_places(app) {
        let narrow = App::start_on(app.database.clone(), &[("FRONTPAGE_CHANGES_READERS", "2")]);
        let open = || Events::open(&narrow.base, "/v1/changes/stream", &[]);
        let mut kept: Vec<Events> = (0..2).map(|_| open()).collect();
        for events in &mut kept {
            assert_eq!(events.next().unwrap().kind, "ready");
        }
        narrow.anonymous().get("/v1/changes/stream").expect(503);
        narrow.anonymous().get("/v1/changes?from=latest&wait=1").expect(503);
        // Whoever does not wait needs no place.
        narrow.anonymous().get("/v1/changes").expect(200);
        narrow.anonymous().request("HEAD", "/v1/snapshot").send().expect(200);

        drop(kept.pop());
        until("the place of whoever left is free", || {
            // Only who is written to is missed.
            app.editor().post("/v1/sections", json!({ "name": "Any" })).expect(201);
            open().status == 200
        });
    }
}
