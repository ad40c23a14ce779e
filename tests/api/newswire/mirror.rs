//! The law of the wire: whoever applies what it tells, in order, from a snapshot on, has what readers see, byte for byte,
//! however often they are killed and come back.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    changes::{Newsroom, write_something},
    delivery::keeping,
    support::{App, Response, both, dice::Dice, wait::until},
};

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    data: Vec<Entry<'a>>,
    page: Value,
}

#[derive(Deserialize)]
struct Entry<'a> {
    id: i64,
    cursor: String,
    resource: String,
    resource_id: String,
    is_gone: bool,
    keys: Vec<String>,
    #[serde(borrow, default)]
    article: Option<&'a RawValue>,
    #[serde(default)]
    article_keys: BTreeSet<String>,
}

/// What a partner keeps: what it must not lose when it is killed, and nothing else.
#[derive(Default)]
pub struct Mirror {
    cursor: String,
    last_id: Option<i64>,
    articles: BTreeMap<String, String>,
    /// The keys under which each article is kept.
    keys: BTreeMap<String, BTreeSet<String>>,
    n_applied: usize,
    n_resumed: usize,
}

impl Mirror {
    /// Starts from a snapshot.
    pub fn from_snapshot(app: &App) -> Self {
        let text = app.anonymous().get("/v1/snapshot").expect(200).text();
        let mut mirror = Self::default();
        for line in text.lines() {
            #[derive(Deserialize)]
            struct Line<'a> {
                r#type: &'a str,
                #[serde(borrow, default)]
                article: Option<&'a RawValue>,
                #[serde(default)]
                article_keys: BTreeSet<String>,
                #[serde(default)]
                cursor: String,
                #[serde(default)]
                n_articles: usize,
            }
            assert!(mirror.cursor.is_empty(), "something comes after the end");
            let line: Line<'_> = serde_json::from_str(line).unwrap();
            if let Some(article) = line.article {
                let id = id_of(article.get());
                assert!(!mirror.articles.contains_key(&id), "an article is there twice");
                mirror.put(&id, article.get(), line.article_keys);
            }
            if line.r#type == "end" {
                assert_eq!(line.n_articles, mirror.articles.len());
                mirror.cursor = line.cursor;
            }
        }
        assert!(!mirror.cursor.is_empty(), "the snapshot has no end");
        mirror
    }

    /// Reads a page and applies it, or is killed in the midst of it and comes back. Returns whether there was anything.
    pub fn step(&mut self, app: &App, dice: &mut Dice) -> bool {
        let limit = 1 + dice.roll(20);
        let address = format!("/v1/changes?include=article&limit={limit}&cursor={}", self.cursor);
        let answer = app.anonymous().get(&address).expect(200);
        let page: Page<'_> = serde_json::from_slice(&answer.bytes).unwrap();
        let n = page.data.len();
        let until = match (self.n_resumed, dice.roll(3)) {
            // Each is killed at least once, however little time there is.
            (0, _) => n.saturating_sub(1),
            (_, 0) => dice.roll(n + 1),
            _ => n,
        };
        for entry in &page.data[..until] {
            self.apply(app, entry);
        }
        if until < n {
            self.n_resumed += 1;
        } else {
            self.cursor = page.page["next"].as_str().unwrap().to_owned();
        }
        n > 0
    }

    fn apply(&mut self, app: &App, entry: &Entry<'_>) {
        assert!(self.last_id.is_none_or(|last| entry.id == last + 1), "{} after {:?}", entry.id, self.last_id);
        (self.last_id, self.n_applied) = (Some(entry.id), self.n_applied + 1);
        if entry.resource == "article" {
            assert_eq!(entry.is_gone, entry.article.is_none());
            match entry.article {
                Some(article) => self.put(&entry.resource_id, article.get(), entry.article_keys.clone()),
                None => self.remove(&entry.resource_id),
            }
        }
        let shows_it = |(id, keys): (&String, &BTreeSet<String>)| {
            let is_other = entry.resource != "article" || *id != entry.resource_id;
            (is_other && entry.keys.iter().any(|key| keys.contains(key))).then(|| id.clone())
        };
        let others: Vec<String> = self.keys.iter().filter_map(shows_it).collect();
        for id in others {
            let answer = app.anonymous().request("GET", &format!("/v1/articles/{id}")).send_unchecked();
            match answer.status {
                200 => self.put(&id, &answer.text(), keys_of(&answer)),
                _ => self.remove(&id),
            }
        }
        self.cursor.clone_from(&entry.cursor);
    }

    fn put(&mut self, id: &str, article: &str, keys: BTreeSet<String>) {
        self.articles.insert(id.to_owned(), article.to_owned());
        self.keys.insert(id.to_owned(), keys);
    }

    fn remove(&mut self, id: &str) {
        self.articles.remove(id);
        self.keys.remove(id);
    }
}

fn id_of(article: &str) -> String {
    let article: Value = serde_json::from_str(article).unwrap();
    article["id"].as_str().unwrap().to_owned()
}

/// The surrogate keys of an answer.
fn keys_of(answer: &Response) -> BTreeSet<String> {
    answer.header("surrogate-key").unwrap().split(' ').map(str::to_owned).collect()
}

/// What readers see.
fn published(app: &App) -> BTreeMap<String, String> {
    let (mut found, mut more) = (BTreeMap::new(), String::new());
    loop {
        let page = app.anonymous().get(&format!("/v1/articles?limit=100&fields=id{more}")).expect(200).json();
        for article in page["data"].as_array().unwrap() {
            let id = article["id"].as_str().unwrap().to_owned();
            let answer = app.anonymous().request("GET", &format!("/v1/articles/{id}")).send_unchecked();
            found.insert(id, answer.text());
        }
        match page["page"]["next"].as_str() {
            Some(next) => more = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// One write by somebody who may do everything, of those that the other tests have not.
fn act(app: &App, newsroom: &mut Newsroom, dice: &mut Dice) {
    let soon = frontpage::clock::Instant::now().plus_seconds(1).to_string();
    let (verb, body) = match dice.roll(12) {
        0 => ("kill", json!({ "notice": "Gone." })),
        1 => ("restore", json!({})),
        2 => ("correct", json!({ "note": "It was another year." })),
        3 => ("fix", json!({})),
        4 => ("schedule", json!({ "publish_at": soon })),
        _ => {
            write_something(app, newsroom, dice);
            return;
        }
    };
    let path = format!("/v1/articles/{}/{verb}", dice.one(newsroom.articles()));
    app.admin().request("POST", &path).header("if-match", "*").json(&body).send_unchecked();
}

/// Two servers write at the same time; partners follow one of them and are killed again and again.
pub fn live(app: &App, seed: u64, n_writes: usize) {
    let clocked = App::start_on(app.database.clone(), &[("FRONTPAGE_SCHEDULE_SECONDS", "1")]);
    let kept = keeping(app);
    let mut mirrors = vec![Mirror::from_snapshot(&kept)];
    let mut dice = Dice(seed);
    std::thread::scope(|scope| {
        let writers: Vec<_> = [&clocked, &kept]
            .into_iter()
            .zip(1..)
            .map(|(server, number)| {
                scope.spawn(move || {
                    let (mut newsroom, mut dice) = (Newsroom::new(server), Dice(seed + number));
                    for _ in 0..n_writes / 2 {
                        act(server, &mut newsroom, &mut dice);
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            if mirrors.len() < 4 && mirrors.last().unwrap().n_applied > n_writes / 8 {
                mirrors.push(Mirror::from_snapshot(&kept));
            }
            for mirror in &mut mirrors {
                mirror.step(&kept, &mut dice);
            }
        }
    });
    until("nothing is left to happen", || {
        clocked.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM article_due") == "0"
            && clocked.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM changes WHERE position IS NULL") == "0"
    });
    super::settle(&kept);
    let end = clocked.database.sql("SELECT CAST(MAX(position) AS TEXT) AS line FROM changes");
    for mirror in &mut mirrors {
        until("the mirror has been told everything", || {
            let is_more = mirror.step(&kept, &mut dice);
            // Whose snapshot is younger than the last write is told nothing.
            !is_more && mirror.last_id.is_none_or(|last| last.to_string() == end)
        });
        let was_killed = mirror.n_resumed > 0 || mirror.n_applied == 0;
        assert!(was_killed, "it was never killed: the test is worth nothing");
    }
    let published = published(app);
    assert!(!published.is_empty());
    for mirror in &mirrors {
        assert_eq!(mirror.articles, published, "after {} entries", mirror.n_applied);
    }
    let fresh = Mirror::from_snapshot(&kept);
    assert_eq!(fresh.articles, published);
}

both! {
    fn whoever_applies_what_is_told_has_what_readers_see(app) {
        live(app, 0x5eed, 200);
    }
}
