//! Finished answers: kept, dropped when what they show has changed, the same from every server.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::{Connection, connection::SimpleConnection};
use serde_json::json;

use crate::{
    endurance::gate::{Gate, Mode},
    support::{
        App, Backend, Client, Database, Response, both,
        dice::Dice,
        id, postgres,
        program::PROMPT,
        scratch,
        wait::{pause, until},
    },
};

/// Another server on the same database, which keeps answers.
pub fn keeping(app: &App) -> App {
    App::start_on(app.database.clone(), &[("FRONTPAGE_CACHE_BYTES", "67108864")])
}

/// Reads until the server keeps the answer: until reading it costs no statement.
#[track_caller]
pub fn read_until_kept(app: &App, path: &str) -> Response {
    let mut answer = None;
    until(&format!("{path} is kept"), || {
        let (read, statements) = app.count_statements(|| app.anonymous().get(path).expect(200));
        answer = Some(read);
        statements.is_empty()
    });
    answer.unwrap()
}

fn is_kept(app: &App, path: &str) -> bool {
    app.count_statements(|| app.anonymous().get(path).expect(200)).1.is_empty()
}

/// What an answer is, without what differs between any two requests.
fn comparable(answer: &Response) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let mut headers: Vec<(String, String)> = answer.headers.clone().into_iter().collect();
    headers.retain(|(name, _)| name != "x-request-id" && name != "date");
    headers.sort();
    (answer.status, headers, answer.bytes.clone())
}

both! {
    fn what_is_kept_is_given_out_as_it_was_made(app) {
        app.published("Harbor reopens", json!({ "body_html": format!("<p>{}</p>", "The first ships left at dawn. ".repeat(40)) }));
        let kept = keeping(app);
        // As long as there may be more changes in the second of the last one, answers bear the second before it as their date.
        let published_in = frontpage::clock::Instant::now().seconds();
        until("the second is settled", || frontpage::clock::Instant::now().seconds() > published_in + 3);
        for path in ["/v1/articles", "/v1/articles?limit=1&section=world", "/v1/articles/harbor-reopens", "/v1/sections", "/v1/sections/world", "/v1/tags"] {
            read_until_kept(&kept, path);
            for (name, value) in [
                ("accept-encoding", "identity"), ("accept-encoding", "gzip"), ("accept-encoding", "br;q=0.9, zstd"), ("accept-encoding", "br"),
                ("if-none-match", "*"), ("if-none-match", "\"other\""), ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"),
                ("if-modified-since", "Fri, 01 Jan 2010 00:00:00 GMT"), ("accept", "text/html"), ("accept", "application/json"), ("origin", "https://a.test"),
            ] {
                let ask = |app: &App, method| {
                    let mut answer = None;
                    // Its age is said by who has not heard from the database for a moment.
                    until("the answer is fresh", || {
                        let asked = app.anonymous().request(method, path).header(name, value).send_unchecked();
                        answer = Some(asked).filter(|answer| answer.header("age").is_none());
                        answer.is_some()
                    });
                    answer.unwrap()
                };
                for method in ["GET", "HEAD"] {
                    // The first one may be the one that makes this coding.
                    let first = ask(&kept, method);
                    let (second, statements) = kept.count_statements(|| ask(&kept, method));
                    assert!(statements.is_empty(), "{method} {path} {name}: {value}: {statements:?}");
                    let anew = ask(app, method);
                    if anew.status >= 400 {
                        assert_eq!(second.status, anew.status);
                        continue;
                    }
                    assert_eq!(comparable(&first), comparable(&anew), "{method} {path} {name}: {value}");
                    assert_eq!(comparable(&second), comparable(&anew), "{method} {path} {name}: {value}");
                }
            }
            let etag = read_until_kept(&kept, path).etag();
            for tags in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}")] {
                let (answer, statements) = kept.count_statements(|| kept.anonymous().request("GET", path).header("if-none-match", &tags).send().expect(304));
                assert!(statements.is_empty() && answer.bytes.is_empty(), "{path} {tags}");
                assert_eq!(answer.etag(), etag);
            }
        }
    }

    fn equal_requests_share_one_answer_whatever_the_order_of_their_parameters(app) {
        app.published("One", json!({}));
        app.published("Two", json!({}));
        let kept = keeping(app);
        let first = read_until_kept(&kept, "/v1/articles?limit=1&section=world&sort=published_at");
        for query in [
            "section=world&limit=1&sort=published_at",
            "sort=published_at&&section=world&limit=1",
            "sort=published%5fat&section=%77orld&limit=%31",
        ] {
            let path = format!("/v1/articles?{query}");
            assert!(is_kept(&kept, &path), "{query}");
            assert_eq!(comparable(&kept.anonymous().get(&path)), comparable(&first));
        }
        assert!(!is_kept(&kept, "/v1/articles?section=world&limit=2&sort=published_at"));
        app.tag("Ships");
        app.tag("Ports");
        app.published("Three", json!({ "tags": ["ships", "ports"] }));
        read_until_kept(&kept, "/v1/articles?tag=ships&tag=ports&fields=id,title");
        assert!(is_kept(&kept, "/v1/articles?fields=id%2Ctitle&tag=ports&tag=ships"));
        // Whoever goes on from there does so in whatever order.
        app.published("Four", json!({ "tags": ["ships", "ports"] }));
        for query in ["tag=ships&tag=ports", "tag=ports&tag=ships"] {
            let page = kept.anonymous().get(&format!("/v1/articles?limit=1&{query}")).expect(200);
            let link = page.header("link").unwrap();
            let next = link.split(',').find(|link| link.contains("\"next\"")).unwrap();
            let next = next.split(['<', '>']).nth(1).unwrap();
            kept.anonymous().get(&next[next.find("/v1/").unwrap()..]).expect(200);
            let cursor = page.json()["page"]["next"].as_str().unwrap().to_owned();
            for query in ["tag=ships&tag=ports", "tag=ports&tag=ships"] {
                kept.anonymous().get(&format!("/v1/articles?limit=1&{query}&cursor={cursor}")).expect(200);
            }
        }
        for wrong in ["/v1/articles?limit=1&section=world&sort=published_at&sort=published_at", "/v1/articles?limit=1&section=world&sort=published_at&x=1"] {
            kept.anonymous().get(wrong).expect(400);
        }
    }

    fn a_write_drops_what_shows_it_and_nothing_else(app) {
        app.section("Sport");
        app.tag("Storm");
        app.staff("Mina");
        let storm = id(&app.published("Storm", json!({ "tags": ["storm"], "authors": [{ "staff": "mina" }], "language": "fa" })));
        app.published("Match", json!({ "section": "sport", "featured": true, "authors": [] }));
        let kept = keeping(app);
        let article = format!("/v1/articles/{storm}");
        let about_storm = [
            "/v1/articles/storm", "/v1/articles", "/v1/articles?section=world", "/v1/articles?tag=storm", "/v1/articles?author=mina",
            "/v1/articles?language=fa", "/v1/articles?featured=false", "/v1/articles?tag=storm&section=world", "/v1/articles?limit=1&sort=-updated_at",
        ];
        let about_others = [
            "/v1/articles/match", "/v1/articles?section=sport", "/v1/articles?featured=true", "/v1/articles?language=en", "/v1/sections",
            "/v1/sections/world", "/v1/staff", "/v1/staff/mina", "/v1/tags", "/v1/tags/storm",
        ];
        let keep_all = || about_storm.iter().chain(&about_others).for_each(|path| drop(read_until_kept(&kept, path)));
        let editor = kept.editor();
        keep_all();

        // A draft is nothing to readers.
        editor.patch(&article, "*", json!({ "title": "Storm over the harbor" })).expect(200);
        assert!(about_storm.iter().chain(&about_others).all(|path| is_kept(&kept, path)));

        editor.verb(&format!("{article}/publish"), "*").expect(200);
        for path in about_storm {
            assert!(!is_kept(&kept, path), "{path} is kept although it shows what was published");
            assert!(kept.anonymous().get(path).text().contains("Storm over the harbor"), "{path}");
        }
        for path in about_others {
            assert!(is_kept(&kept, path), "{path} was dropped although it shows nothing of what was published");
        }

        keep_all();
        editor.patch("/v1/sections/sport", "*", json!({ "description": "Games" })).expect(200);
        assert!(!is_kept(&kept, "/v1/sections/sport") && !is_kept(&kept, "/v1/sections") && !is_kept(&kept, "/v1/articles/match"));
        for path in ["/v1/articles/storm", "/v1/sections/world", "/v1/staff/mina", "/v1/tags"] {
            assert!(is_kept(&kept, path), "{path}");
        }

        keep_all();
        editor.verb(&format!("{article}/withdraw"), "*").expect(200);
        kept.anonymous().get("/v1/articles/storm").expect(404);
        kept.anonymous().get("/v1/tags/storm").expect(404);
        assert!(!kept.anonymous().get("/v1/articles").text().contains("Storm over"));
        assert!(is_kept(&kept, "/v1/articles/match"));
    }

    fn what_a_server_wrote_itself_is_dropped_once(app) {
        let mine = id(&app.published("Mine", json!({})));
        let other = id(&app.published("Other", json!({})));
        let kept = keeping(app);
        read_until_kept(&kept, "/v1/articles/mine");
        read_until_kept(&kept, "/v1/articles/other");
        kept.editor().patch(&format!("/v1/articles/{mine}"), "*", json!({ "kicker": "Harbor" })).expect(200);
        kept.editor().verb(&format!("/v1/articles/{mine}/publish"), "*").expect(200);
        assert!(!is_kept(&kept, "/v1/articles/mine"));

        // What comes behind it in the log was read: so was its own change, which is no reason to make the answer again.
        app.editor().patch(&format!("/v1/articles/{other}"), "*", json!({ "kicker": "Ships" })).expect(200);
        app.editor().verb(&format!("/v1/articles/{other}/publish"), "*").expect(200);
        until("the other server's change is known", || !is_kept(&kept, "/v1/articles/other"));

        assert!(is_kept(&kept, "/v1/articles/mine"));
    }

    fn whoever_has_a_token_is_told_what_is_there_now(app) {
        app.published("Harbor reopens", json!({}));
        let kept = keeping(app);
        let path = "/v1/articles/harbor-reopens";
        let public = read_until_kept(&kept, path);
        let (private, statements) = kept.count_statements(|| kept.editor().get(path).expect(200));
        assert!(!statements.is_empty());
        assert_eq!(private.bytes, public.bytes);
        assert_eq!(private.header("cache-control"), Some("private, no-store"));
        kept.anonymous().with_token("wrong").get(path).expect(401);
        assert!(is_kept(&kept, path));
    }

    fn the_clock_drops_what_it_makes_untrue_although_nobody_records_it(app) {
        app.tag("Storm");
        app.published("First", json!({}));
        let kept = keeping(app);
        let draft = app.draft("Second", json!({ "section": "world", "tags": ["storm"] }));
        let in_seconds = |seconds| (frontpage::clock::Instant::now().plus_seconds(seconds)).to_string();
        let times = json!({ "publish_at": in_seconds(6), "withdraw_at": in_seconds(16) });
        let path = format!("/v1/articles/{}/schedule", id(&draft));
        // Through the other server, so that this one has to learn of it.
        app.editor().request("POST", &path).header("if-match", "*").json(&times).send().expect(200);
        let reader = kept.anonymous();
        for path in ["/v1/articles", "/v1/articles?section=world", "/v1/tags"] {
            read_until_kept(&kept, path);
        }
        let shows = |path: &str| { let text = reader.get(path).text(); text.contains("Second") || text.contains("Storm") };
        assert!(!shows("/v1/articles"));
        for path in ["/v1/articles", "/v1/articles?section=world", "/v1/tags"] {
            until(&format!("{path} shows what the clock has brought"), || shows(path));
            read_until_kept(&kept, path);
        }
        reader.get("/v1/articles/second").expect(200);
        for path in ["/v1/articles", "/v1/articles?section=world", "/v1/tags"] {
            until(&format!("{path} shows no more what the clock has taken away"), || !shows(path));
        }
        reader.get("/v1/articles/second").expect(404);
    }
}

/// Every answer of some servers is one that was there, whole, and none goes back to an older one.
fn readers_see_whole_versions_in_order(nodes: &[App], path: &str, is_over: &AtomicBool) {
    std::thread::scope(|scope| {
        for node in nodes {
            scope.spawn(move || {
                let (reader, mut newest) = (node.anonymous(), 0);
                while !is_over.load(Ordering::Relaxed) {
                    let answer = reader.request("GET", path).send_unchecked().expect(200).json();
                    let version = |name: &str| {
                        let text: String =
                            answer[name].as_str().unwrap().chars().filter(char::is_ascii_digit).collect();
                        text.parse::<u32>().unwrap()
                    };
                    assert_eq!(version("title"), version("body_html"), "a torn answer: {answer}");
                    assert!(version("title") >= newest, "an answer older than the one before: {answer}");
                    newest = version("title");
                }
            });
        }
    });
}

both! {
    fn every_server_gives_whole_answers_and_soon_the_newest(app) {
        app.section("World");
        app.tag("Storm");
        let text = |version: usize| json!({ "title": format!("Version {version}"), "body_html": format!("<p>{version}</p>"), "section": "world", "slug": "story" });
        let story = id(&app.draft("Version 0", text(0)));
        app.editor().verb(&format!("/v1/articles/{story}/publish"), "*").expect(200);
        let nodes = [keeping(app), keeping(app), keeping(app)];
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| readers_see_whole_versions_in_order(&nodes, "/v1/articles/story", &is_over));
            // Ends the readers also when this thread fails.
            let _end = End(&is_over);
            let mut dice = Dice(7);
            for version in 1..=12 {
                let writer = dice.one(&nodes);
                let editor = writer.editor();
                editor.patch(&format!("/v1/articles/{story}"), "*", text(version)).expect(200);
                editor.verb(&format!("/v1/articles/{story}/publish"), "*").expect(200);
                let title = |node: &App, path: &str| node.anonymous().get(path).text().contains(&format!("\"Version {version}\""));
                assert!(title(writer, "/v1/articles/story") && title(writer, "/v1/articles"), "who writes reads it at once");
                for node in &nodes {
                    for path in ["/v1/articles/story", "/v1/articles", "/v1/articles?section=world"] {
                        until(&format!("{path} is version {version} everywhere"), || title(node, path));
                    }
                }
            }
        });
    }
}

/// Ends what others do, however this ends.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_server_that_lost_its_ear_still_learns_what_others_write() {
    if postgres::cluster().is_err() {
        return;
    }
    let app = App::start(Backend::Postgres);
    app.published("Version 0", json!({ "slug": "story" }));
    let kept = keeping(&app);
    read_until_kept(&kept, "/v1/articles/story");
    for version in 1..4 {
        app.database.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND datname = current_database()");
        app.editor().patch("/v1/articles/story", "*", json!({ "title": format!("Version {version}") })).expect(200);
        app.editor().verb("/v1/articles/story/publish", "*").expect(200);
        until("the new version is everywhere", || {
            kept.anonymous().get("/v1/articles/story").text().contains(&format!("Version {version}"))
        });
    }
}

/// Changes are followed in the order in which they can be seen, whatever order their transactions began in.
#[test]
fn no_change_is_missed_when_transactions_overtake_each_other() {
    if postgres::cluster().is_err() {
        return;
    }
    let app = App::start(Backend::Postgres);
    app.published("Slow", json!({}));
    let kept = keeping(&app);
    let slow = id(&kept.anonymous().get("/v1/articles/slow"));
    read_until_kept(&kept, "/v1/articles/slow");
    // Takes its number in the log first and is committed last.
    let overtaken = format!(
        "BEGIN; INSERT INTO changes (at, kind, resource, resource_id, keys) VALUES (now(), 'updated', 'article', '{slow}', '[\"article-{slow}\"]');"
    );
    let mut held = diesel::PgConnection::establish(&app.database.url).unwrap();
    held.batch_execute(&overtaken).unwrap();
    for number in 0..5 {
        app.published(&format!("Quick {number}"), json!({}));
        until("the quick one is there", || {
            kept.anonymous().get("/v1/articles").text().contains(&format!("Quick {number}"))
        });
    }
    assert!(is_kept(&kept, "/v1/articles/slow"));
    held.batch_execute("COMMIT").unwrap();
    until("the overtaken change drops what shows it", || !is_kept(&kept, "/v1/articles/slow"));
    let order = app.database.sql("SELECT string_agg(CAST(position AS TEXT), ',' ORDER BY position) FROM changes");
    let places: Vec<i64> = order.split(',').map(|place| place.parse().unwrap()).collect();
    assert_eq!(places, (1..=i64::try_from(places.len()).unwrap()).collect::<Vec<_>>());
}

/// Lets a cluster that was stopped go on, however this ends.
struct GoesOn<'a>(&'a postgres::Cluster);

impl Drop for GoesOn<'_> {
    fn drop(&mut self) {
        self.0.signal_all("CONT");
    }
}

#[test]
fn a_date_does_not_vouch_for_what_a_server_has_not_heard_of() {
    if postgres::cluster().is_err() {
        return;
    }
    let database = Database::with_logins(Backend::Postgres);
    let (gate, through) = Gate::before_database(&database.url, Mode::Passes);
    let slower = database.serve(&[("DATABASE_URL", &through)]);
    let quicker = App::start_on(std::sync::Arc::new(database), &[]);
    let path = format!("/v1/sections/{}", quicker.section("World")["id"].as_str().unwrap());
    let reader = Client::new(&slower.base, None);
    let now = || frontpage::clock::Instant::now().seconds();
    let named = |name: &str| reader.get(&path).json()["name"] == name;
    // Returns in which second the name was changed, as the log has it.
    let rename = |name: &str| {
        quicker.editor().patch(&path, "*", json!({ "name": name })).expect(200);
        quicker.database.sql("SELECT floor(extract(epoch FROM max(at)))::bigint FROM changes").parse::<i64>().unwrap()
    };
    let second = (0..50).find_map(|round| {
        let before = now();
        until("a second begins", || now() > before);
        let (one, other) = (format!("One {round}"), format!("Other {round}"));
        let first = rename(&one);
        until("the slower server shows it", || named(&one));
        gate.set(Mode::Holds);
        if rename(&other) == first {
            return Some((first, other));
        }
        gate.set(Mode::Passes);
        None
    });
    let (second, newer) = second.expect("two changes in one second, and a look at it in between");
    until("the second is over", || now() > second);

    let just_after = reader.get(&path).expect(200);
    until("it is long over", || now() > second + 4);
    let long_after = reader.get(&path).expect(200);
    gate.set(Mode::Passes);
    until("the slower server has heard of the other one", || named(&newer));

    for old in [just_after, long_after] {
        assert!(!old.text().contains(&newer));
        let date = old.header("last-modified").unwrap();
        let answer = reader.request("GET", &path).header("if-modified-since", date).send().expect(200);
        assert_eq!(answer.json()["name"], newer.as_str());
    }
}

#[test]
fn readers_are_answered_from_memory_while_the_database_is_away() {
    if postgres::cluster().is_err() {
        return;
    }
    let folder = scratch::folder().join(format!("frontpage-test-pg-memory-{}", std::process::id()));
    let cluster = postgres::Cluster::start_in(folder).expect("a cluster of its own");
    cluster.execute("postgres", "CREATE DATABASE news");
    let database = Database::at(Backend::Postgres, cluster.url("news"));
    database.fill();
    let [wait, read_timeout] = PROMPT;
    let settings = [wait, read_timeout, ("FRONTPAGE_CACHE_BYTES", "67108864")];
    let app = App::start_on(std::sync::Arc::new(database), &settings);
    app.published("Harbor reopens", json!({}));
    let (reader, path) = (app.anonymous(), "/v1/articles/harbor-reopens");
    // What was published is dropped once more when this server meets it in the log.
    for _ in 0..5 {
        read_until_kept(&app, path);
        pause(std::time::Duration::from_millis(200));
    }
    let before = read_until_kept(&app, path);
    assert_eq!(before.header("age"), None);

    cluster.signal_all("STOP");
    // Also when something is wrong: nobody else could stop the servers.
    let goes_on = GoesOn(&cluster);

    let age = |answer: &Response| answer.header("age").and_then(|age| age.parse::<u64>().ok());
    until("the answer says how old it is", || age(&reader.get(path).expect(200)).is_some_and(|age| age >= 2));
    assert_eq!(reader.get(path).bytes, before.bytes);
    assert_eq!(reader.get(path).header("warning"), None);
    reader.request("GET", path).header("if-none-match", &before.etag()).send().expect(304);
    reader.get("/v1/articles?limit=7").expect(503);
    app.editor().get(path).expect(503);
    app.editor().post("/v1/tags", json!({ "name": "Away" })).expect(503);

    drop(goes_on);

    until("the database is there again", || age(&reader.get(path).expect(200)).is_none());
    until("writing goes on", || app.editor().patch(path, "*", json!({ "title": "Harbor is open" })).status == 200);
    app.editor().verb(&format!("{path}/publish"), "*").expect(200);
    assert!(reader.get(path).text().contains("Harbor is open"));
}

#[test]
fn a_tag_is_that_of_the_bytes_in_one_coding() {
    let app = App::start(Backend::Sqlite);
    app.published(
        "Harbor reopens",
        json!({ "body_html": format!("<p>{}</p>", "The first ships left at dawn. ".repeat(40)) }),
    );
    for path in ["/v1/articles/harbor-reopens", "/openapi.json"] {
        let ask = |coding: &str, tag: &str| {
            app.anonymous()
                .request("GET", path)
                .header("accept-encoding", coding)
                .header("if-none-match", tag)
                .send_unchecked()
        };
        let tags = ["identity", "gzip", "br"].map(|coding| (coding, ask(coding, "\"none\"").expect(200)));
        for (coding, with) in &tags {
            assert_eq!(with.header("content-encoding").unwrap_or("identity"), *coding);
            for (other, answer) in &tags {
                let expected = if coding == other { 304 } else { 200 };
                assert_eq!(ask(coding, &answer.etag()).status, expected, "{path} in {coding} with the tag of {other}");
            }
        }
    }
}

#[test]
fn what_caches_in_front_are_told_is_a_setting() {
    let app = App::start_with(
        Backend::Sqlite,
        &[
            ("FRONTPAGE_CACHE_CONTROL_ARTICLE", "public, max-age=60"),
            ("FRONTPAGE_CACHE_CONTROL_LIST", "public, max-age=7"),
            ("FRONTPAGE_CACHE_CONTROL_OTHER", "no-cache"),
        ],
    );
    app.published("Harbor reopens", json!({}));
    let control = |path: &str| app.anonymous().get(path).header("cache-control").map(str::to_owned);
    assert_eq!(control("/v1/articles/harbor-reopens").as_deref(), Some("public, max-age=60"));
    assert_eq!(control("/v1/articles").as_deref(), Some("public, max-age=7"));
    assert_eq!(control("/v1/sections").as_deref(), Some("no-cache"));
}
