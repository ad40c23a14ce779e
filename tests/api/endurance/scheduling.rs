//! Articles that are due while the servers are killed one after another (R6).

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Ends, Nodes, editor, numbers, written};
use crate::support::{
    Backend, Client, Database,
    dice::Dice,
    postgres,
    wait::{pause, until_or},
};

/// How much of it.
struct Plan {
    nodes: usize,
    articles: usize,
    /// Within how many milliseconds all become due.
    spread: i64,
    /// How many of the servers are killed; all of them, again and again, when it is more than there are.
    kills: usize,
    kill_every: Duration,
    revive_after: Duration,
}

/// An article that is due.
struct Due {
    id: String,
    at: DateTime<Utc>,
}

/// What readers asked and got.
#[derive(Default)]
struct Looks {
    lists: AtomicUsize,
    articles: AtomicUsize,
}

/// Splits work between four threads.
fn by_four<T: Send, U: Sync>(items: &[U], work: impl Fn(usize, &U) -> T + Sync) -> Vec<T> {
    let size = items.len().div_ceil(4).max(1);
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = items
            .chunks(size)
            .enumerate()
            .map(|(chunk, items)| {
                scope.spawn(move || {
                    items.iter().enumerate().map(|(place, item)| work(chunk * size + place, item)).collect::<Vec<T>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Makes the articles, then says when each is due: the first one as soon as all have been told.
fn schedule(editor: &Client, plan: &Plan) -> Vec<Due> {
    editor.post("/v1/sections", json!({ "name": "World" })).expect(201);
    let started = Instant::now();
    let numbers: Vec<usize> = (0..plan.articles).collect();
    let ids = by_four(&numbers, |_, number| {
        let input = json!({ "title": format!("Due {number}"), "section": "world", "body_html": "<p>Text.</p>" });
        editor.post("/v1/articles", input).expect(201).json()["id"].as_str().unwrap().to_owned()
    });
    let lead = TimeDelta::from_std(started.elapsed() * 2).unwrap() + TimeDelta::seconds(8);
    let first = Utc::now() + lead;
    by_four(&ids, |number, id| {
        let step = plan.spread * i64::try_from(number).unwrap() / i64::try_from(plan.articles).unwrap();
        let at = first + TimeDelta::milliseconds(step);
        let path = format!("/v1/articles/{id}/schedule");
        let answer = editor
            .request("POST", &path)
            .header("if-match", "\"r1\"")
            .json(&json!({ "publish_at": written(at) }))
            .send();
        answer.expect(200);
        // As the database keeps it.
        let at = DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap();
        Due { id: id.clone(), at }
    })
}

/// Reads lists and articles until told to stop; nothing may show before its time, and nothing may be missing after it.
fn watch(nodes: &Nodes<'_>, due: &[Due], dice: &mut Dice, is_over: &AtomicBool, looks: &Looks) {
    let at: HashMap<&str, DateTime<Utc>> = due.iter().map(|due| (due.id.as_str(), due.at)).collect();
    while !is_over.load(Ordering::SeqCst) {
        let bases = nodes.bases();
        let reader = Client::new(dice.one::<String>(&bases), None);
        let one = &due[dice.roll(due.len())];
        let sent = Utc::now();
        // The servers and the database are on this machine, so their clocks are ours.
        if let Ok(answer) = reader.request("GET", "/v1/articles?limit=100&fields=id").try_send() {
            let received = Utc::now();
            let page = answer.expect(200).json();
            let shown: HashSet<&str> =
                page["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
            for id in &shown {
                assert!(at[id] <= received, "{id} is due at {}, and was shown by {received}", at[id]);
            }
            let newer = due.iter().filter(|due| due.at > sent && due.at <= received).count();
            let mut past: Vec<&Due> = due.iter().filter(|due| due.at <= sent).collect();
            past.sort_by_key(|due| std::cmp::Reverse((due.at, due.id.clone())));
            for due in past.into_iter().take(100 - newer) {
                assert!(
                    shown.contains(due.id.as_str()),
                    "{} was due at {}, and was not shown at {sent}",
                    due.id,
                    due.at
                );
            }
            looks.lists.fetch_add(1, Ordering::SeqCst);
        }
        let sent = Utc::now();
        if let Ok(answer) = reader.request("GET", &format!("/v1/articles/{}?fields=id", one.id)).try_send() {
            let received = Utc::now();
            match answer.status {
                200 => assert!(one.at <= received, "{} is due at {}, and was shown by {received}", one.id, one.at),
                404 => assert!(one.at > sent, "{} was due at {}, and was unknown at {sent}", one.id, one.at),
                other => panic!("{other}: {}", answer.text()),
            }
            looks.articles.fetch_add(1, Ordering::SeqCst);
        }
        pause(Duration::from_millis(20));
    }
}

/// Kills servers in turn by chance, and starts each again after a while; one is always left.
fn harass<'s>(scope: &'s thread::Scope<'s, '_>, nodes: &'s Nodes<'_>, plan: &Plan, is_over: &'s AtomicBool) -> usize {
    let mut dice = Dice(0x6b11);
    let mut kills = 0;
    while kills < plan.kills && !is_over.load(Ordering::SeqCst) {
        let living = nodes.living();
        if living.len() > 1 {
            let place = *dice.one(&living);
            nodes.kill(place);
            kills += 1;
            let after = plan.revive_after;
            scope.spawn(move || {
                pause(after);
                nodes.revive(place);
            });
        }
        pause(plan.kill_every);
    }
    kills
}

/// Fails unless each article was recorded exactly once; returns how late, in milliseconds, the earliest first.
fn recorded(database: &Database, due: &[Due]) -> Vec<i64> {
    let n = i64::try_from(due.len()).unwrap();
    let publications =
        "SELECT COUNT(*), COUNT(DISTINCT article_id), MAX(number), COUNT(visible_until) FROM article_publications";
    assert_eq!(numbers(database, publications), [n, n, 1, 0]);
    let changes =
        "SELECT COUNT(*), COUNT(DISTINCT resource_id) FROM changes WHERE kind = 'published' AND resource = 'article'";
    assert_eq!(numbers(database, changes), [n, n]);
    let audit = "SELECT COUNT(*), COUNT(DISTINCT resource_id) FROM audit WHERE action = 'article.published' AND actor = 'clock'";
    assert_eq!(numbers(database, audit), [n, n]);
    let revisions = "SELECT COUNT(*), COUNT(DISTINCT article_id), MIN(number), MAX(number) FROM article_revisions WHERE kind = 'published'";
    assert_eq!(numbers(database, revisions), [n, n, 3, 3]);
    let rest = "SELECT COUNT(*) FILTER (WHERE state <> 'published'), (SELECT COUNT(*) FROM article_due) FROM articles";
    assert_eq!(numbers(database, rest), [0, 0]);

    let log = database.sql(
        "SELECT resource_id || ' ' || to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM changes WHERE kind = 'published'",
    );
    let told: HashMap<&str, DateTime<Utc>> =
        log.lines().map(|line| line.split_once(' ').unwrap()).map(|(id, at)| (id, at.parse().unwrap())).collect();
    let mut late: Vec<i64> = due.iter().map(|due| (told[due.id.as_str()] - due.at).num_milliseconds()).collect();
    late.sort_unstable();
    assert!(late[0] >= 0, "recorded {} ms before its time", -late[0]);
    late
}

/// Runs a plan; returns how late each article was recorded.
fn run(plan: &Plan) -> Vec<i64> {
    let database = Database::with_logins(Backend::Postgres);
    let nodes = Nodes::start(&database, plan.nodes, &[("FRONTPAGE_SCHEDULE_SECONDS", "1")]);
    let due = schedule(&editor(&nodes.bases()[0]), plan);
    let last = due.iter().map(|due| due.at).max().unwrap();
    let (is_over, looks) = (AtomicBool::new(false), Looks::default());

    let kills = thread::scope(|scope| {
        let _end = Ends(&is_over);
        let (nodes, due, is_over, looks) = (&nodes, &due, &is_over, &looks);
        for seed in [1, 2] {
            scope.spawn(move || watch(nodes, due, &mut Dice(seed), is_over, looks));
        }
        let first = due.iter().map(|due| due.at).min().unwrap();
        pause((first - Utc::now()).to_std().unwrap_or_default());
        let killer = scope.spawn(move || harass(scope, nodes, plan, is_over));
        let patience = (last - Utc::now()).to_std().unwrap_or_default() + Duration::from_secs(60);
        let is_done = || Utc::now() > last && database.sql("SELECT COUNT(*) FROM article_due") == "0";
        until_or("all are recorded", patience, is_done);
        is_over.store(true, Ordering::SeqCst);
        killer.join().unwrap()
    });

    let late = recorded(&database, &due);
    println!(
        "{} articles, {kills} kills, {} lists and {} articles read; late by p50 {} ms, p99 {} ms, at most {} ms",
        due.len(),
        looks.lists.into_inner(),
        looks.articles.into_inner(),
        late[late.len() / 2],
        late[late.len() * 99 / 100],
        late[late.len() - 1]
    );
    assert!(kills >= plan.kills.min(5), "only {kills} kills");
    late
}

#[test]
fn what_is_due_while_a_server_dies_is_published_once() {
    if postgres::cluster().is_err() {
        return;
    }
    run(&Plan {
        nodes: 2,
        articles: 24,
        spread: 2_500,
        kills: 1,
        kill_every: Duration::from_millis(700),
        revive_after: Duration::from_secs(1),
    });
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn what_is_due_while_servers_die_all_the_time_is_published_once_and_within_five_seconds() {
    let late = run(&Plan {
        nodes: 3,
        articles: 500,
        spread: 60_000,
        kills: usize::MAX,
        kill_every: Duration::from_secs(2),
        revive_after: Duration::from_secs(3),
    });

    assert!(late[late.len() * 99 / 100] <= 5_000, "{late:?}");
}
