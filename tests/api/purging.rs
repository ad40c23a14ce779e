//! A cache in front is told what to drop: everything that was committed, whatever happens to the server.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;

use crate::{
    endurance::gate::{Gate, Mode},
    support::{App, Backend, Client, Database, both, id, postgres, program::editor, wait::until},
};

/// A cache that remembers what it was told, and refuses for as long as it is told to.
struct Cache {
    addr: SocketAddr,
    told: Arc<Mutex<Vec<(String, String)>>>,
    refuses: Arc<AtomicBool>,
}

impl Cache {
    fn start() -> Self {
        Self::that_does(|_| {})
    }

    /// One that does something when it has been told, before it says so.
    fn that_does(does: impl Fn(&str) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (told, refuses): (Arc<Mutex<Vec<_>>>, Arc<AtomicBool>) = Default::default();
        let (remembers, does_refuse) = (told.clone(), refuses.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                if does_refuse.load(Ordering::SeqCst) {
                    let _ = stream.write_all(
                        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                    );
                    continue;
                }
                let header = |name: &str| {
                    let line = lines.iter().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
                    line.map(|line| line[name.len() + 2..].to_owned()).unwrap_or_default()
                };
                let told = (format!("{} {}", lines[0], header("authorization")), header("surrogate-key"));
                does(&told.1);
                remembers.lock().unwrap().push(told);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            }
        });
        Self { addr, told, refuses }
    }

    fn settings(&self) -> [(String, String); 2] {
        [
            ("FRONTPAGE_PURGE_URL".to_owned(), format!("http://{}/purge", self.addr)),
            ("FRONTPAGE_PURGE_CREDENTIAL".to_owned(), "Authorization: Bearer sesame".to_owned()),
        ]
    }

    fn keys(&self) -> BTreeSet<String> {
        self.told
            .lock()
            .unwrap()
            .iter()
            .flat_map(|(_, keys)| keys.split(' ').map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }

    /// Waits until a key was told at once and again: then nothing more is told of it.
    #[track_caller]
    fn wait_for_both(&self, key: &str) {
        until(&format!("{key} is told twice"), || self.n_told(key) >= 2);
    }

    fn n_told(&self, key: &str) -> usize {
        self.told.lock().unwrap().iter().filter(|(_, keys)| keys.split(' ').any(|told| told == key)).count()
    }

    #[track_caller]
    fn wait_for(&self, key: &str) {
        until(&format!("{key} is told"), || self.keys().contains(key));
    }
}

#[test]
fn what_a_slower_server_gave_the_cache_in_between_is_dropped_too() {
    if postgres::cluster().is_err() {
        return;
    }
    let database = Database::with_logins(Backend::Postgres);
    let (gate, through) = Gate::before_database(&database.url, Mode::Passes);
    let slower = database.serve(&[("DATABASE_URL", &through)]);
    let (gate, address) = (Arc::new(gate), Arc::new(Mutex::new(None::<String>)));
    // Dropped when it is told, and asked for again at once.
    let kept = Arc::new(Mutex::new(Vec::new()));
    let (opens, asked, keeps, anybody) = (gate.clone(), address.clone(), kept.clone(), Client::new(&slower.base, None));
    let cache = Cache::that_does(move |_| {
        if let Some(address) = &*asked.lock().unwrap() {
            let title = anybody.get(address).expect(200).json()["title"].as_str().unwrap().to_owned();
            keeps.lock().unwrap().push(title);
            // Now the slower server may hear of it.
            opens.set(Mode::Passes);
        }
    });
    let settings = cache.settings();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let quicker = App::start_on(Arc::new(database), &settings);
    until("it follows", || quicker.database.sql("SELECT name AS line FROM followers").matches("purge").count() == 2);
    let article = format!("/v1/articles/{}", id(&quicker.published("Before", json!({}))));
    cache.wait_for_both(&format!("article-{}", article.rsplit('/').next().unwrap()));
    let reader = Client::new(&slower.base, None);
    reader.get(&article).expect(200);
    reader.get(&article).expect(200);
    quicker.editor().patch(&article, "*", json!({ "title": "After" })).expect(200);
    *address.lock().unwrap() = Some(article.clone());

    gate.set(Mode::Holds);
    quicker.editor().verb(&format!("{article}/publish"), "*").expect(200);

    until("the cache has what is new", || kept.lock().unwrap().last().is_some_and(|title| title == "After"));
    assert_eq!(kept.lock().unwrap()[0], "Before", "the slower server was asked before it could know");
}

fn publish_by(client: &Client, title: &str) -> String {
    let input = json!({ "title": title, "section": "world", "body_html": "<p>Text.</p>" });
    let draft = client.post("/v1/articles", input).expect(201);
    client.verb(&format!("/v1/articles/{}/publish", id(&draft)), "*").expect(200);
    format!("article-{}", id(&draft))
}

both! {
    fn a_cache_in_front_is_told_the_keys_of_what_was_committed(app) {
        let before = id(&app.published("Before", json!({})));
        until("what came before has its place", || {
            app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM changes WHERE position IS NULL") == "0"
        });
        let cache = Cache::start();
        let settings = cache.settings();
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let told = App::start_on(app.database.clone(), &settings);
        // The first server to follow begins with what comes then.
        let first = loop {
            let article = id(&told.published("Next", json!({})));
            if app.database.sql("SELECT name AS line FROM followers").contains("purge") { break article; }
        };
        let last = id(&told.published("Harbor reopens", json!({})));
        cache.wait_for(&format!("article-{last}"));

        assert!(!cache.keys().contains(&format!("article-{before}")), "{first}");
        let (request, keys) = cache.told.lock().unwrap().last().unwrap().clone();
        assert_eq!(request, "POST /purge HTTP/1.1 Bearer sesame");
        assert!(keys.contains("list-all") && keys.contains("list-section-"), "{keys}");
        // What did not happen is not told, not even later.
        cache.wait_for_both(&format!("article-{last}"));
        let n_told = cache.n_told(&format!("article-{last}"));
        told.editor().verb(&format!("/v1/articles/{last}/publish"), "*").expect(409);
        told.editor().patch(&format!("/v1/articles/{last}"), "*", json!({ "title": "A draft" })).expect(200);
        let later = id(&told.published("Later", json!({})));
        cache.wait_for_both(&format!("article-{later}"));
        assert_eq!(cache.n_told(&format!("article-{last}")), n_told);
    }

    fn what_a_killed_server_did_not_get_told_is_told_by_the_next(app) {
        let cache = Cache::start();
        let settings = cache.settings();
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let program = app.database.serve(&settings);
        let client = editor(&program.base);
        let publish = |title: &str| publish_by(&client, title);
        client.post("/v1/sections", json!({ "name": "World", "slug": "world" })).expect(201);
        until("somebody follows", || app.database.sql("SELECT name AS line FROM followers").contains("purge"));
        cache.wait_for(&publish("One"));
        cache.wait_for_both(&publish("Two"));

        // What was told at once is told again, if not by the same server.
        let third = publish("Three");
        cache.wait_for(&third);
        program.kill();
        let free = || drop(app.database.sql("UPDATE followers SET claimed_until = '2001-01-01 00:00:00.000'"));
        free();
        let program = app.database.serve(&settings);
        let client = editor(&program.base);
        let publish = |title: &str| publish_by(&client, title);
        cache.wait_for_both(&third);

        cache.refuses.store(true, Ordering::SeqCst);
        let missed: Vec<String> = (0..5).map(|number| publish(&format!("Missed {number}"))).collect();
        program.kill();
        // The claim of the server that died is over.
        free();
        cache.refuses.store(false, Ordering::SeqCst);
        let next = app.database.serve(&settings);
        for key in missed {
            cache.wait_for(&key);
        }
        next.kill();
    }
}
