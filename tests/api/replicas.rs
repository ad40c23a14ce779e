//! Reading at replicas, with a real standby: never older than what the server knows, whatever the standby does.
//!
//! All tests share one standby, so they take turns; each leaves it as it found it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use crate::support::{
    App, Backend, Client, Database, id, postgres,
    postgres::Cluster,
    wait::{pause, until},
};

/// A primary with a newsroom, and its standby.
struct Pair {
    primary: Cluster,
    standby: Cluster,
    database: Arc<Database>,
}

const TOKEN: &str = "collects-all-day-long";

/// Far behind is still in rotation: what keeps stale answers away must not be the limit of the lag.
const ANY_LAG: &str = "600000";

/// Returns the pair, for one test at a time; none without PostgreSQL.
fn pair() -> Option<MutexGuard<'static, Pair>> {
    static PAIR: OnceLock<Mutex<Pair>> = OnceLock::new();
    postgres::cluster().ok()?;
    let pair = PAIR.get_or_init(|| {
        let folder = |name: &str| std::env::temp_dir().join(format!("frontpage-test-pg-{name}-{}", std::process::id()));
        let primary = Cluster::start_in(folder("primary")).expect("a cluster of its own");
        // So that a standby that was away finds what it missed, and finds it at once.
        primary.execute("postgres", "ALTER SYSTEM SET wal_keep_size = '512MB'");
        primary.execute("postgres", "ALTER SYSTEM SET wal_retrieve_retry_interval = '100ms'");
        primary.execute("postgres", "SELECT pg_reload_conf()");
        primary.execute("postgres", "CREATE DATABASE news");
        let database = Database::at(Backend::Postgres, primary.url("news"));
        database.fill();
        let standby = Cluster::standby_of(&primary, folder("standby"), &[]).expect("a standby");
        Mutex::new(Pair { primary, standby, database: Arc::new(database) })
    });
    Some(pair.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Pair {
    /// A server that reads at the standby.
    fn start(&self, settings: &[(&str, &str)]) -> App {
        let url = self.standby.url("news");
        let mut all = vec![("FRONTPAGE_REPLICA_URLS", url.as_str()), ("FRONTPAGE_METRICS_TOKEN", TOKEN)];
        all.extend(settings);
        let app = App::start_on(self.database.clone(), &all);
        until("the replica is in rotation", || is_in_rotation(&app));
        app
    }

    fn pause_replay(&self) -> Paused<'_> {
        self.standby.execute("news", "SELECT pg_wal_replay_pause()");
        // The request is fulfilled a moment later.
        let state = || self.standby.execute("news", "SELECT pg_get_wal_replay_pause_state()");
        until("the standby does not replay", || state().trim() == "paused");
        Paused(self)
    }

    fn until_caught_up(&self) {
        let end = self.primary.execute("news", "SELECT pg_current_wal_lsn()");
        let has_it = format!("SELECT pg_last_wal_replay_lsn() >= '{}'", end.trim());
        until("the standby has caught up", || self.standby.execute("news", &has_it).trim() == "t");
    }

    fn delay(&self, delay: &str) {
        self.standby.execute("postgres", &format!("ALTER SYSTEM SET recovery_min_apply_delay = '{delay}'"));
        self.standby.execute("postgres", "SELECT pg_reload_conf()");
    }
}

/// A standby that does not replay, until this is dropped.
struct Paused<'p>(&'p Pair);

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        self.0.standby.execute("news", "SELECT pg_wal_replay_resume()");
    }
}

fn metric(app: &App, name: &str) -> f64 {
    let metrics = app.anonymous().with_token(TOKEN).get("/metrics").expect(200).text();
    let of_replica = metrics.lines().find(|line| line.starts_with(&format!("frontpage_{name}{{replica=\"127.0.0.1:")));
    of_replica.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(-1.0)
}

fn is_in_rotation(app: &App) -> bool {
    metric(app, "replica_in_rotation") == 1.0
}

/// Whether a request was answered by what was read at the replica, as the statements tell: there they are told the time.
fn is_read_at_the_replica(app: &App, client: &Client, path: &str) -> bool {
    let (_, statements) = app.count_statements(|| client.get(path).expect(200));
    assert!(!statements.is_empty(), "{path} was not read at all");
    statements.iter().any(|statement| statement.contains("frontpage.moment"))
}

fn publish(app: &App, article: &str, title: &str) {
    app.editor().patch(article, "*", json!({ "title": title })).expect(200);
    app.editor().verb(&format!("{article}/publish"), "*").expect(200);
}

#[test]
fn readers_are_answered_at_the_replica_and_whoever_has_an_account_at_the_primary() {
    let Some(pair) = pair() else { return };
    let app = pair.start(&[("FRONTPAGE_PUBLIC_URL", "https://api.newsroom.test")]);
    let article = format!("/v1/articles/{}", id(&app.published("Read at the replica", json!({}))));
    let (anonymous, editor) = (app.anonymous(), app.editor());
    let commits = || -> u64 {
        let statement = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'news'";
        pair.standby.execute("postgres", statement).trim().parse().unwrap()
    };
    let (before, counted) = (commits(), metric(&app, "replica_reads_total"));

    for path in [article.as_str(), "/v1/articles", "/v1/sections", "/v1/tags", "/v1/staff", "/sitemaps/index.xml"] {
        until(&format!("{path} is read at the replica"), || is_read_at_the_replica(&app, &anonymous, path));
    }

    assert!(metric(&app, "replica_reads_total") >= counted + 6.0);
    until("the standby has counted them, too", || commits() >= before + 6);
    for path in [article.clone(), "/v1/articles".to_owned(), format!("{article}?view=working")] {
        assert!(!is_read_at_the_replica(&app, &editor, &path), "{path} was read at the replica for an editor");
    }
    assert!(metric(&app, "replica_lag_seconds") >= 0.0);
}

#[test]
fn nobody_reads_anything_older_than_what_the_server_wrote() {
    let Some(pair) = pair() else { return };
    for cache in ["0", "67108864"] {
        let app = pair.start(&[("FRONTPAGE_REPLICA_LAG_MS", ANY_LAG), ("FRONTPAGE_CACHE_BYTES", cache)]);
        let article = format!("/v1/articles/{}", id(&app.published(&format!("Own {cache}"), json!({}))));
        let shows = |title: &str| {
            for path in [article.as_str(), "/v1/articles"] {
                let read = app.anonymous().get(path).expect(200).text();
                assert!(read.contains(title), "{path} does not show \"{title}\" right after it was published: {read}");
            }
        };

        // The standby has the old one all the while.
        pair.until_caught_up();
        let paused = pair.pause_replay();
        for round in 0..4 {
            let title = format!("Paused {round} {cache}");
            publish(&app, &article, &title);
            (0..3).for_each(|_| shows(&title));
        }
        drop(paused);
        // The standby gets the new one at some moment between the reads.
        for round in 0..12 {
            let title = format!("Streaming {round} {cache}");
            publish(&app, &article, &title);
            (0..4).for_each(|_| shows(&title));
        }
    }
}

#[test]
fn what_another_server_wrote_is_shown_soon_and_what_was_before_is_not_kept() {
    let Some(pair) = pair() else { return };
    let writer = App::start_on(pair.database.clone(), &[]);
    let reader = pair.start(&[("FRONTPAGE_REPLICA_LAG_MS", ANY_LAG), ("FRONTPAGE_CACHE_BYTES", "67108864")]);
    let article = format!("/v1/articles/{}", id(&writer.published("Of another", json!({}))));
    let read = |path: &str| reader.anonymous().get(path).expect(200).text();
    let until_shown = |title: &str| {
        for path in [article.as_str(), "/v1/articles"] {
            until(&format!("{path} shows \"{title}\""), || read(path).contains(title));
            (0..5).for_each(|_| assert!(read(path).contains(title), "{path} has gone back to what was before {title}"));
        }
    };

    for round in 0..3 {
        pair.until_caught_up();
        // What is kept now was read at the replica, which stays there.
        let paused = pair.pause_replay();
        publish(&writer, &article, &format!("Behind {round}"));
        until_shown(&format!("Behind {round}"));
        drop(paused);
        publish(&writer, &article, &format!("Again {round}"));
        until_shown(&format!("Again {round}"));
    }
}

#[test]
fn what_is_put_off_in_time_is_not_shown_by_a_replica_that_has_not_heard() {
    let Some(pair) = pair() else { return };
    let writer = App::start_on(pair.database.clone(), &[]);
    let reader = pair.start(&[("FRONTPAGE_REPLICA_LAG_MS", ANY_LAG), ("FRONTPAGE_CACHE_BYTES", "67108864")]);
    writer.published("What is there anyway", json!({}));
    let draft = writer.draft("Not before its time", json!({ "section": "world" }));
    let article = format!("/v1/articles/{}", id(&draft));
    let now =
        || pair.primary.execute("news", "SELECT floor(extract(epoch FROM now()) * 1000)::bigint").trim().parse::<i64>();
    let at = frontpage::clock::Instant::from_millis(now().unwrap() + 8_000).unwrap();
    let when = json!({ "publish_at": at });
    writer
        .editor()
        .request("POST", &format!("{article}/schedule"))
        .header("if-match", "*")
        .json(&when)
        .send()
        .expect(200);
    pair.until_caught_up();

    let paused = pair.pause_replay();
    writer.editor().verb(&format!("{article}/unschedule"), "*").expect(200);
    let is_over = || now().unwrap() > at.millis() + 300;
    until("its time is over", || {
        reader.anonymous().get(&article).expect(404);
        assert!(!reader.anonymous().get("/v1/articles").expect(200).text().contains("Not before its time"));
        is_over()
    });
    drop(paused);
}

#[test]
fn a_replica_that_is_too_far_behind_is_left_alone_until_it_has_caught_up() {
    let Some(pair) = pair() else { return };
    let app = pair.start(&[("FRONTPAGE_REPLICA_LAG_MS", "400")]);
    let article = format!("/v1/articles/{}", id(&app.published("Far behind", json!({}))));
    pair.until_caught_up();

    pair.delay("1h");
    publish(&app, &article, "Further behind");
    // Out of rotation is also who is too slow to say how far behind it is.
    until("the replica is out of rotation, and why", || {
        !is_in_rotation(&app) && metric(&app, "replica_lag_seconds") > 0.4
    });

    assert!(!is_read_at_the_replica(&app, &app.anonymous(), &article));
    app.anonymous().get("/readyz").expect(200);
    pair.delay("0");
    until("the replica is in rotation again", || is_in_rotation(&app));
    until("it is read at", || is_read_at_the_replica(&app, &app.anonymous(), &article));
}

#[test]
fn a_replica_that_hangs_or_dies_costs_no_reader_an_answer() {
    let Some(pair) = pair() else { return };
    let app = pair.start(&[]);
    let article = format!("/v1/articles/{}", id(&app.published("There all the while", json!({}))));
    let (anonymous, is_over) = (app.anonymous(), AtomicBool::new(false));
    until("it is read at the replica", || is_read_at_the_replica(&app, &anonymous, &article));

    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    // Each answer is one: `expect` fails otherwise.
                    anonymous.get(&article).expect(200);
                    pause(Duration::from_millis(2));
                }
            });
        }
        pair.standby.signal_all("STOP");
        until("the replica that hangs is out of rotation", || !is_in_rotation(&app));
        pair.standby.signal_all("CONT");
        until("it is in rotation again", || is_in_rotation(&app));

        pair.standby.signal("QUIT");
        until("the replica that is dead is out of rotation", || !is_in_rotation(&app));
        anonymous.get("/readyz").expect(200);
        pair.standby.start_again();
        until("it is in rotation again", || is_in_rotation(&app));
        let counted = metric(&app, "replica_reads_total");
        until("it is read at again", || metric(&app, "replica_reads_total") > counted);
        is_over.store(true, Ordering::SeqCst);
    });
}

#[test]
fn without_the_primary_readers_are_answered_at_the_replica_and_writers_are_put_off() {
    let Some(pair) = pair() else { return };
    let app = pair.start(&[]);
    let article = format!("/v1/articles/{}", id(&app.published("There without the primary", json!({}))));
    let (anonymous, editor) = (app.anonymous(), app.editor());
    until("it is read at the replica", || is_read_at_the_replica(&app, &anonymous, &article));

    pair.primary.signal("QUIT");
    until("the server is not ready", || anonymous.get("/readyz").status == 503);

    // Nobody has asked for it like this before: it is in no memory.
    let unseen = format!("{article}?include=body_text");
    assert!(is_read_at_the_replica(&app, &anonymous, &unseen));
    let refused = editor.patch(&article, "*", json!({ "title": "Changed meanwhile" })).expect(503);
    assert!(refused.header("retry-after").is_some());

    pair.primary.start_again();
    until("the server is ready", || anonymous.get("/readyz").status == 200);
    until("writes go on", || editor.patch(&article, "*", json!({ "title": "Changed after" })).status == 200);
    until("the replica is in rotation again", || is_in_rotation(&app));
}
