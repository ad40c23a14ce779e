//! A hub is told which feeds have changed: everything that was committed, however often it refuses.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::{FORMATS, PUBLIC};
use crate::{
    endurance::gate::{Gate, Mode},
    support::{App, Backend, Client, Database, both, id, postgres, wait::until},
};

/// A hub that remembers what it was told, and refuses for as long as it is told to.
struct Hub {
    addr: SocketAddr,
    told: Arc<Mutex<Vec<String>>>,
    refuses: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
}

impl Hub {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let hub = Self { addr, told: Arc::default(), refuses: Arc::default(), refused: Arc::default() };
        let (told, refuses, refused) = (hub.told.clone(), hub.refuses.clone(), hub.refused.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut length = 0;
                let mut head = String::new();
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                        break;
                    }
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    head.push_str(&line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                if refuses.load(Ordering::SeqCst) {
                    refused.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                    continue;
                }
                assert!(head.to_lowercase().contains("content-type: application/x-www-form-urlencoded"), "{head}");
                told.lock().unwrap().push(format!(
                    "{} {}",
                    head.lines().next().unwrap(),
                    String::from_utf8(body).unwrap()
                ));
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
            }
        });
        hub
    }

    fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// The feeds that it was told of.
    fn topics(&self) -> BTreeSet<String> {
        let told = self.told.lock().unwrap();
        let parts = told.iter().flat_map(|request| request.split('&').filter_map(|part| part.strip_prefix("hub.url=")));
        parts.map(|topic| topic.replace("%3A", ":").replace("%2F", "/")).collect()
    }
}

#[test]
fn a_hub_finds_what_is_new_also_at_a_slower_server() {
    if postgres::cluster().is_err() {
        return;
    }
    let database = Arc::new(Database::with_logins(Backend::Postgres));
    let (_gate, through) = Gate::before_database(&database.url, Mode::Delays(Duration::from_millis(20)));
    let slower = database.serve(&[("DATABASE_URL", &through)]);
    let hub = Hub::start();
    let quicker = App::start_on(database, &[("FRONTPAGE_PUBLIC_URL", PUBLIC), ("FRONTPAGE_HUB_URL", &hub.url())]);
    until("it follows", || quicker.database.sql("SELECT name AS line FROM followers").contains("hub"));
    quicker.published("Before", json!({}));
    until("the hub is told", || !hub.told.lock().unwrap().is_empty());
    let reader = Client::new(&slower.base, None);
    let feed = || reader.get("/feeds/articles.rss").expect(200).text();
    assert!(feed().contains("Before"));

    // The slower server has two seconds to hear of it; a machine that stands still takes them once, but not each time.
    let is_found = (0..3).any(|round| {
        hub.told.lock().unwrap().clear();
        quicker.published(&format!("After {round}"), json!({}));
        until("the hub is told", || !hub.told.lock().unwrap().is_empty());
        feed().contains(&format!("After {round}"))
    });
    assert!(is_found, "a hub asks once");
}

/// Another server on the database, which tells the hub; waits until it follows.
fn telling(app: &App, hub: &Hub) -> App {
    let telling =
        App::start_on(app.database.clone(), &[("FRONTPAGE_PUBLIC_URL", PUBLIC), ("FRONTPAGE_HUB_URL", &hub.url())]);
    until("it follows", || app.database.sql("SELECT name AS line FROM followers").contains("hub"));
    telling
}

both! {
    fn a_hub_is_told_of_the_feeds_in_which_something_changed(app) {
        app.section("World");
        app.section("Sport");
        app.tag("Ships");
        app.staff("Mina");
        let hub = Hub::start();
        let server = telling(app, &hub);
        server.published("Harbor", json!({ "section": "world", "tags": ["ships"], "authors": [{ "staff": "mina" }] }));
        let expected: BTreeSet<String> = ["articles", "sections/world", "tags/ships", "staff/mina"]
            .iter()
            .flat_map(|path| FORMATS.map(|format| format!("{PUBLIC}/feeds/{path}.{format}")))
            .collect();
        until("the hub is told", || hub.topics() == expected);
        assert!(hub.told.lock().unwrap()[0].starts_with("POST / HTTP/1.1 hub.mode=publish&hub.url="));

        // The feeds say so themselves: in the header, and in what they are.
        for format in FORMATS {
            let own = format!("{PUBLIC}/feeds/sections/world.{format}");
            let feed = server.anonymous().get(&format!("/feeds/sections/world.{format}")).expect(200);
            assert_eq!(feed.header("link"), Some(format!("<{own}>; rel=\"self\", <{}>; rel=\"hub\"", hub.url()).as_str()));
            assert!(feed.text().contains(&hub.url()));
            // Nobody tells the hub of feeds with filters.
            let filtered = server.anonymous().get(&format!("/feeds/sections/world.{format}?limit=5")).expect(200);
            assert_eq!(filtered.header("link"), Some(format!("<{own}?limit=5>; rel=\"self\"").as_str()));
            assert!(!filtered.text().contains(&hub.url()));
        }
    }

    fn what_a_hub_refused_it_is_told_again(app) {
        app.section("World");
        let hub = Hub::start();
        let server = telling(app, &hub);
        hub.refuses.store(true, Ordering::SeqCst);
        let article = id(&server.published("Harbor", json!({ "section": "world" })));
        until("the hub has refused", || hub.refused.load(Ordering::SeqCst) > 0);
        server.editor().verb(&format!("/v1/articles/{article}/withdraw"), "*").expect(200);
        hub.refuses.store(false, Ordering::SeqCst);
        until("the hub is told after all", || hub.topics().contains(&format!("{PUBLIC}/feeds/sections/world.rss")));
        // A draft is nothing to a hub.
        let n_told = hub.told.lock().unwrap().len();
        server.draft("Unseen", json!({ "section": "world" }));
        server.anonymous().get("/feeds/articles.rss").expect(200);
        assert!(hub.told.lock().unwrap().len() <= n_told + 1);
    }
}

#[test]
fn a_hub_needs_the_server_to_know_its_own_address() {
    let settings = [("DATABASE_URL", "sqlite::memory:"), ("FRONTPAGE_HUB_URL", "https://hub.test/")];
    let pairs = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let faults = frontpage::config::Config::from_pairs(pairs).expect_err("the address is missing").to_string();

    assert!(faults.contains("FRONTPAGE_PUBLIC_URL"), "{faults}");
}
