//! Lists: what they cost, and that walking them shows everything once.

use std::collections::HashSet;

use frontpage::demo::fill;
use serde_json::Value;

use crate::{
    statements::statements_of,
    support::{App, Backend, both, postgres},
};

/// Fills an empty server's database with the demo newsroom; the articles are the editor's.
fn filled(backend: Backend, articles: u64) -> App {
    let database = crate::support::Database::empty(backend);
    let config = database.config(&[]);
    let location = &config.database.location;
    frontpage::db::Db::open(location, &config.database.options).expect("the database opens");
    frontpage::db::migrate::run(location).expect("the migrations run");
    let db = frontpage::db::Db::open(location, &config.database.options).expect("the database opens");
    let passwords =
        frontpage::auth::passwords::Passwords::open(&config.auth.hash, Vec::new()).expect("the hasher opens");
    let options = fill::Options { articles, seed: 7, logins: fill::Logins::Documented };
    fill::run(&db, &passwords, options, |_| {}).expect("the database is filled");
    App::start_on(std::sync::Arc::new(database), &[])
}

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Walks a list to its end and back; returns the ids in order.
fn walk(app: &App, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut pages = Vec::new();
    let mut address = format!("/v1/articles?{query}&limit=7&fields=id");
    loop {
        let answer = app.anonymous().get(&address).expect(200);
        let page = answer.json();
        assert_eq!(
            answer.header("link").is_some_and(|link| link.contains("rel=\"next\"")),
            !page["page"]["next"].is_null()
        );
        found.extend(ids(&page));
        pages.push(ids(&page));
        let Some(next) = page["page"]["next"].as_str() else {
            let mut back = page["page"]["prev"].as_str().map(str::to_owned);
            for expected in pages.iter().rev().skip(1) {
                let cursor = back.expect("there is a page before");
                let page = app
                    .anonymous()
                    .get(&format!("/v1/articles?{query}&limit=7&fields=id&cursor={cursor}"))
                    .expect(200)
                    .json();
                assert_eq!(&ids(&page), expected, "{query}");
                back = page["page"]["prev"].as_str().map(str::to_owned);
            }
            assert_eq!(back, None, "the first page has none before it");
            return found;
        };
        address = format!("/v1/articles?{query}&limit=7&fields=id&cursor={next}");
    }
}

fn check_lists(backend: Backend) {
    let app = filled(backend, 150);
    let (all, _) = app.count_statements(|| walk(&app, "sort=-published_at"));
    assert!(all.len() > 100);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "nothing stands twice");
    let mut oldest_first = walk(&app, "sort=published_at");
    oldest_first.reverse();
    assert_eq!(oldest_first, all);
    assert_eq!(walk(&app, "sort=-updated_at").iter().collect::<HashSet<_>>(), all.iter().collect());
    for filter in [
        "section=world",
        "tag=ports",
        "featured=true",
        "language=fa",
        "section=world&featured=false",
        "author=zoe-angmark",
    ] {
        let some = walk(&app, filter);
        let expected: Vec<&String> = all.iter().filter(|id| some.contains(id)).collect();
        assert_eq!(some.iter().collect::<Vec<_>>(), expected, "{filter}: a filter keeps the order");
        assert!(!some.is_empty() && some.len() < all.len(), "{filter}");
    }
    let five = &all[..5];
    let without = walk(&app, &format!("exclude={}", five.join(",")));
    assert_eq!(without, all[5..]);
    check_costs(&app);
    if backend == Backend::Sqlite {
        check_plans(&app);
    }
}

/// A long page costs as many statements as a short one, whatever the filters.
fn check_costs(app: &App) {
    let editor = app.login("editor@example.org", "cardamom before the late edition").expect(200).json();
    let editor = app.anonymous().with_token(editor["access_token"].as_str().unwrap());
    for query in
        ["", "&section=world", "&tag=ports&section=world", "&include=body_html,body_blocks,body_text", "&view=working"]
    {
        let client = if query.contains("working") { editor.clone() } else { app.anonymous() };
        let count = |limit: u8| statements_of(app, &client, &format!("/v1/articles?limit={limit}{query}")).1.len();
        let (short, long) = (count(20), count(100));
        assert_eq!(short, long, "{query}");
        assert!(short <= 15, "{query} takes {short} statements");
    }
}

/// No statement of a public read looks through a table, sorts, or grows with the number of articles.
fn check_plans(app: &App) {
    let slug =
        app.anonymous().get("/v1/articles?limit=1").expect(200).json()["data"][0]["slug"].as_str().unwrap().to_owned();
    let reads = [
        format!("/v1/articles/{slug}"),
        "/v1/articles".to_owned(),
        "/v1/articles?section=world&tag=ports&author=zoe-angmark&language=en&featured=true".to_owned(),
        "/v1/articles?sort=-updated_at&updated_after=2020-01-01T00:00:00Z".to_owned(),
        "/v1/articles?published_after=2020-01-01T00:00:00Z&sort=published_at".to_owned(),
    ];
    for read in reads {
        let (answer, statements) = app.count_statements(|| app.anonymous().get(&read));
        assert!(answer.status == 200 || answer.status == 400, "{read}");
        assert!(!statements.is_empty());
        for statement in
            statements.iter().filter(|statement| statement.contains("SELECT") && !statement.contains("(1=0)"))
        {
            let sql = statement.split(" -- binds").next().unwrap();
            let plan = crate::support::raw::plan(&app.database.directory().join("frontpage.db"), sql);
            // Ids that the statement is given as a list are walked through.
            let is_scan = |line: &&str| {
                line.contains("SCAN")
                    && !["USING", "CONSTANT ROW", "SCAN json_each"].iter().any(|word| line.contains(word))
            };
            assert_eq!(plan.lines().find(is_scan), None, "{read}\n{sql}\n{plan}");
            // The parts of a page are few; the page itself comes from the index in order.
            let sorts = plan.contains("USE TEMP B-TREE FOR ORDER BY") && sql.contains("live_facets");
            assert!(!sorts, "{read}\n{sql}\n{plan}");
        }
    }
}

#[test]
fn lists_show_everything_once_at_a_constant_cost_on_sqlite() {
    check_lists(Backend::Sqlite);
}

#[test]
fn lists_show_everything_once_at_a_constant_cost_on_postgres() {
    if postgres::cluster().is_ok() {
        check_lists(Backend::Postgres);
    }
}

both! {
    fn bad_parameters_are_named_and_cost_no_statement(app) {
        for (query, pointer) in [
            ("limit=0", "/limit"), ("limit=101", "/limit"), ("limit=-1", "/limit"), ("limit=1e3", "/limit"),
            ("limit=99999999999999999999", "/limit"), ("sort=password_hash", "/sort"), ("sort=users.password_hash", "/sort"),
            ("no_such=1", "/no_such"), ("filter%5Bpassword_hash%5D=x", "/filter[password_hash]"), ("q=x", "/q"),
            ("limit=1&limit=2", "/limit"), ("fields=password_hash", "/fields"), ("fields=", "/fields"), ("include=users", "/include"),
            ("exclude=", "/exclude"), ("featured=1", "/featured"), ("published_after=yesterday", "/published_after"),
            ("state=draft", "/state"), ("created_by=me", "/created_by"), ("trashed=true", "/trashed"), ("view=all", "/view"),
        ] {
            let (answer, statements) = app.count_statements(|| app.anonymous().get(&format!("/v1/articles?{query}")));
            assert_eq!(answer.expect(400).pointers(), [pointer], "{query}");
            assert!(statements.is_empty(), "{query}: {statements:?}");
        }
        for query in ["section=nope", "tag=nope", "author=nope"] {
            app.anonymous().get(&format!("/v1/articles?{query}")).expect(400);
        }
        for cursor in ["x", "Zg", "ZjE3NjM4OTA0MDAwMDAfMDE5M2YwYTI", "%00"] {
            app.anonymous().get(&format!("/v1/articles?cursor={cursor}")).expect(400);
        }
    }
}
