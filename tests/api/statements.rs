//! What reading costs: how many statements, and that none of them grows with the number of articles.

use std::collections::{BTreeMap, BTreeSet};

use frontpage::demo;
use serde_json::{Value, json};

use crate::support::{App, Backend, Client, Database, newsroom::newsroom, postgres};

/// Enough that reading a whole table would not go unnoticed: SQLite tells its plan whatever there is, PostgreSQL by what it
/// has.
fn many(backend: Backend) -> std::sync::Arc<Database> {
    newsroom(backend, if backend == Backend::Postgres { 600 } else { 200 })
}

/// More rows than a page and what hangs on it, and fewer than the list of all.
const MANY_ROWS: f64 = 400.0;

/// The demo's editor.
fn editor(app: &App) -> Client {
    let login = demo::logins().iter().find(|login| login.email.starts_with("editor")).unwrap();
    let answer = app.login(login.email, login.password).expect(200).json();
    app.anonymous().with_token(answer["access_token"].as_str().unwrap())
}

/// The statements of a request that reads, without those that begin and end transactions, and without their values.
pub fn statements_of(app: &App, client: &Client, path: &str) -> (Value, Vec<String>) {
    let mut tries = 0;
    let (answer, statements) = loop {
        let seen = app.count_statements(|| {
            // Hundreds of long pages: what they must look like is for other tests.
            let answer = client.request("GET", path).send_unchecked().expect(200);
            serde_json::from_slice(&answer.bytes).unwrap_or_default()
        });
        tries += 1;
        // Once a minute the server removes what has expired; a read of its own accord that deletes does so each time.
        if tries == 3 || !seen.1.iter().any(|statement| statement.starts_with("DELETE")) {
            break seen;
        }
    };
    let is_work = |statement: &String| {
        !["BEGIN", "COMMIT", "ROLLBACK", "SET "].iter().any(|start| statement.to_uppercase().starts_with(start))
    };
    let text = |statement: String| statement.split(" -- binds:").next().unwrap().to_owned();
    (answer, statements.into_iter().map(text).filter(is_work).collect())
}

/// The filters of the public list, each with a value that some article has.
fn filters(app: &App) -> Vec<String> {
    let list = app.anonymous().get("/v1/articles?limit=100").expect(200).json();
    let articles = list["data"].as_array().unwrap();
    let article = articles
        .iter()
        .find(|article| {
            article["featured"] == true && article["tags"][0].is_object() && article["authors"][0].is_object()
        })
        .expect("a featured article with a tag and an author");
    vec![
        format!("section={}", article["section"]["slug"].as_str().unwrap()),
        format!("tag={}", article["tags"][0]["slug"].as_str().unwrap()),
        format!("author={}", article["authors"][0]["slug"].as_str().unwrap()),
        "featured=true".to_owned(),
        format!("language={}", article["language"].as_str().unwrap()),
        format!(
            "published_after=2020-01-01T00:00:00Z&published_before={}",
            list["data"][0]["published_at"].as_str().unwrap()
        ),
        "updated_after=2020-01-01T00:00:00Z".to_owned(),
        format!("exclude={}", articles[0]["id"].as_str().unwrap()),
    ]
}

/// The public list with every combination of filters, in every order; and the pages after and before it.
fn lists(app: &App) -> Vec<String> {
    let filters = filters(app);
    let mut paths = Vec::new();
    for combination in 0..(1_u32 << filters.len()) {
        let chosen = filters.iter().enumerate().filter(|(bit, _)| combination & (1 << bit) != 0);
        let query: Vec<&str> = chosen.map(|(_, filter)| filter.as_str()).collect();
        let sort = ["-published_at", "published_at", "-updated_at"][combination as usize % 3];
        paths.push(format!("/v1/articles?sort={sort}&{}", query.join("&")).trim_end_matches('&').to_owned());
    }
    for sort in ["-published_at", "published_at", "-updated_at"] {
        for filter in filters.iter().map(String::as_str).chain(["limit=20"]) {
            let first = format!("/v1/articles?sort={sort}&{filter}");
            let next = app.anonymous().get(&first).expect(200).json()["page"]["next"].as_str().map(str::to_owned);
            paths.push(first.clone());
            let Some(next) = next else { continue };
            let second = format!("{first}&cursor={next}");
            let previous = app.anonymous().get(&second).expect(200).json()["page"]["prev"].as_str().map(str::to_owned);
            paths.push(second);
            paths.extend(previous.map(|previous| format!("{first}&cursor={previous}")));
        }
    }
    paths
}

/// The lists of the desk.
fn desk_lists() -> Vec<String> {
    let filters = [
        "",
        "&state=draft",
        "&created_by=me",
        "&assigned_to=me",
        "&assigned_to=none",
        "&q=harbor",
        "&q=harbor+no-such-word",
        "&q=a&state=published",
        "&updated_after=2020-01-01T00:00:00Z",
        "&trashed=true",
    ];
    filters.iter().map(|filter| format!("/v1/articles?view=working{filter}")).collect()
}

/// Each way to PostgreSQL and back costs more than most statements do.
#[test]
fn what_a_draft_inserts_goes_to_postgres_at_once() {
    if postgres::cluster().is_err() {
        return;
    }
    let app = App::start(Backend::Postgres);
    let (section, tag, author) = (app.section("World"), app.tag("Ports"), app.staff("Ada Reyes"));
    let draft = || {
        let more =
            json!({ "section": section["slug"], "tags": [tag["slug"]], "authors": [{ "staff": author["slug"] }] });
        app.draft("Harbor reopens", more).expect(201)
    };
    draft();

    let (answer, statements) = app.count_statements(draft);

    let inserts: Vec<&String> = statements.iter().filter(|statement| statement.contains("INSERT INTO")).collect();
    assert_eq!(answer.json()["slug"], "harbor-reopens-2");
    // Two slugs are tried; all else is one statement.
    assert_eq!(inserts.len(), 3, "{inserts:#?}");
    let tables = ["articles", "article_bodies", "article_staff", "article_tags", "article_revisions", "audit"];
    assert!(tables.iter().all(|table| inserts[2].contains(&format!("INSERT INTO \"{table}\""))), "{}", inserts[2]);
}

fn slug_of_first(app: &App) -> String {
    let list = app.anonymous().get("/v1/articles?limit=1").expect(200).json();
    list["data"][0]["slug"].as_str().unwrap().to_owned()
}

fn a_long_list_costs_what_a_short_one_does(backend: Backend) {
    let app = App::start_on(many(backend), &[]);
    let editor = editor(&app);
    let anonymous = app.anonymous();
    let mut most = 0;
    let public = [vec![String::new()], filters(&app)].concat();
    let public = public.iter().map(|filter| (&anonymous, format!("/v1/articles?{filter}")));
    let partners = ["/v1/ninjs/articles?", "/feeds/articles.json?"].map(|path| (&anonymous, path.to_owned()));
    let public = public.chain(partners);
    let desk = desk_lists().into_iter().map(|path| (&editor, path));

    for (client, path) in public.chain(desk) {
        // A hundred bodies take their time.
        let is_one_of_few =
            ["/v1/articles?", "&q=harbor"].iter().any(|end| path.ends_with(end)) || path.contains("tag=");
        for include in ["", "&include=body_html,body_blocks,body_text"].into_iter().take(1 + usize::from(is_one_of_few))
        {
            let path = format!("{path}{include}").replace("?&", "?");
            let separator = if path.ends_with('?') { "" } else { "&" };
            let (short, few) = statements_of(&app, client, &format!("{path}{separator}limit=20"));
            let (long, many) = statements_of(&app, client, &format!("{path}{separator}limit=100"));

            assert_eq!(few.len(), many.len(), "{path}: {few:#?} {many:#?}");
            most = most.max(many.len());
            let n = |page: &Value| page["data"].as_array().or(page["items"].as_array()).unwrap().len();
            let is_whole_list = short["page"]["next"].is_null();
            assert!(is_whole_list || n(&long) > n(&short), "{path} shows {} and {}", n(&short), n(&long));
        }
    }

    assert!((5..=13).contains(&most), "a list takes up to {most} statements");
}

#[test]
fn a_long_list_costs_what_a_short_one_does_on_sqlite() {
    a_long_list_costs_what_a_short_one_does(Backend::Sqlite);
}

#[test]
fn a_long_list_costs_what_a_short_one_does_on_postgres() {
    if postgres::cluster().is_ok() {
        a_long_list_costs_what_a_short_one_does(Backend::Postgres);
    }
}

/// Feeds and lists for partners. The index of sitemaps is not among them: it walks over the list of all, once.
fn feeds(app: &App) -> Vec<String> {
    let list = app.anonymous().get("/v1/articles?limit=1").expect(200).json();
    let article = &list["data"][0];
    let (slug, section) = (article["slug"].as_str().unwrap(), article["section"]["slug"].as_str().unwrap());
    let month = &article["published_at"].as_str().unwrap()[..7];
    vec![
        "/feeds/articles.rss".to_owned(),
        "/feeds/articles.json?featured=true&limit=5".to_owned(),
        format!("/feeds/sections/{section}.atom"),
        format!("/feeds/articles/{month}.rss?limit=5"),
        format!("/feeds/sections/{section}/{month}.json?limit=5"),
        "/sitemaps/news.xml".to_owned(),
        "/v1/ninjs/articles?limit=5".to_owned(),
        format!("/v1/ninjs/articles/{slug}"),
    ]
}

/// Each distinct statement of all the reading there is, with an address that takes it.
fn all_statements(app: &App) -> BTreeMap<String, String> {
    let slug = slug_of_first(app);
    let anonymous = app.anonymous();
    let editor = editor(app);
    let single = [format!("/v1/articles/{slug}"), format!("/v1/articles/{slug}?include=body_blocks")];
    let public = lists(app).into_iter().chain(single).chain(feeds(app)).map(|path| (&anonymous, path));
    let desk =
        desk_lists().into_iter().chain([format!("/v1/articles/{slug}?view=working")]).map(|path| (&editor, path));
    let mut found = BTreeMap::new();
    for (client, path) in public.chain(desk) {
        for statement in statements_of(app, client, &path).1 {
            found.entry(statement).or_insert_with(|| path.clone());
        }
    }
    found
}

fn an_article_costs_the_same_whatever_else_there_is(small: &App, large: &App) {
    let read = |app: &App| statements_of(app, &app.anonymous(), &format!("/v1/articles/{}", slug_of_first(app))).1;

    let (few, many) = (read(small), read(large));

    assert_eq!(few.len(), many.len(), "{few:#?} {many:#?}");
    assert!(few.len() <= 8, "{few:#?}");
}

#[test]
fn nothing_that_sqlite_reads_grows_with_the_number_of_articles() {
    let small = App::start_on(newsroom(Backend::Sqlite, 10), &[]);
    let app = App::start_on(many(Backend::Sqlite), &[]);
    an_article_costs_the_same_whatever_else_there_is(&small, &app);

    let statements = all_statements(&app);

    assert!(statements.len() > 100, "{} statements", statements.len());
    let mut faults = Vec::new();
    // `1=0` is what a look-up of no ids at all becomes.
    for (statement, path) in statements.iter().filter(|(statement, _)| !statement.contains("(1=0)")) {
        let is_page = statement.contains(" LIMIT ");
        for step in plan_of_sqlite(&app.database, statement) {
            // A page may walk an index from one end; everything else must look up.
            let is_walk = is_page && step.starts_with("SCAN ") && step.contains(" INDEX ");
            // Ids that the statement is given as a list.
            let is_given = step.starts_with("SCAN json_each ");
            // What was written within the last second or so.
            let is_new = step.starts_with("SCAN article_words_due");
            let is_scan = step.starts_with("SCAN ") && step != "SCAN CONSTANT ROW" && !is_walk && !is_given && !is_new;
            let is_sort =
                step.contains("TEMP B-TREE") && !is_bounded_by_another_time(statement) && !is_search(statement);
            if is_scan || is_sort || step.contains("AUTOMATIC") {
                faults.push(format!("{path}: {step}\n    {statement}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} plans that grow:\n  {}", faults.len(), faults.join("\n  "));
}

/// Whether a page is of articles from a span of one time in the order of the other. Only one of them can lead: who asks for
/// what changed lately in the order of publication gets the few that did, sorted.
fn is_bounded_by_another_time(statement: &str) -> bool {
    let Some((head, order)) = statement.split_once(" ORDER BY ") else { return false };
    [("published_at", "updated_at"), ("updated_at", "published_at")].iter().any(|(bound, sort)| {
        let column = |name: &str| format!("`live_facets`.`{name}`");
        let is_bounded = [" >= ?", " < ?"].iter().any(|limit| head.contains(&format!("{}{limit}", column(bound))));
        is_bounded && order.starts_with(&column(sort))
    })
}

/// Whether a page is of the few articles that a search came down to, which are sorted.
fn is_search(statement: &str) -> bool {
    statement.contains("`articles`.`id` IN (?")
}

fn plan_of_sqlite(database: &Database, statement: &str) -> Vec<String> {
    use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_types::Text};

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    let mut conn = SqliteConnection::establish(database.url.trim_start_matches("sqlite://")).unwrap();
    let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(&mut conn).unwrap();
    steps.into_iter().map(|step| step.detail).collect()
}

/// Tables that grow with the number of articles; what is planned ahead and who is writing just now does not.
fn grows(table: &str) -> bool {
    table.starts_with("article") && !["article_due", "article_leases", "article_words_due"].contains(&table)
        || table.starts_with("live_")
        || matches!(table, "audit" | "changes" | "slugs" | "resource_revisions")
}

/// What a plan does that grows with the number of articles.
fn growing_steps(plan: &Value, found: &mut BTreeSet<String>) {
    let kind = plan["Node Type"].as_str().unwrap_or_default();
    let table = plan["Relation Name"].as_str().unwrap_or_default();
    let rows = plan["Actual Rows"].as_f64().unwrap_or_default() * plan["Actual Loops"].as_f64().unwrap_or(1.0);
    if kind == "Seq Scan" && grows(table) {
        found.insert(format!("reads all of {table}"));
    }
    // A page and what hangs on its articles may be sorted.
    if kind.ends_with("Sort") && rows > MANY_ROWS {
        found.insert(format!("sorts {rows} rows"));
    }
    for part in plan["Plans"].as_array().into_iter().flatten() {
        growing_steps(part, found);
    }
}

/// The plans that PostgreSQL has written to its log, of the databases that are told to.
fn plans(log: &str) -> Vec<Value> {
    let mut plans = Vec::new();
    for (_, rest) in log.match_indices("  plan:\n").map(|(at, found)| log.split_at(at + found.len())) {
        let lines = rest.lines().map_while(|line| line.strip_prefix('\t'));
        plans.push(serde_json::from_str(&lines.collect::<Vec<_>>().join("\n")).expect("a plan in JSON"));
    }
    plans
}

#[test]
fn nothing_that_postgres_reads_grows_with_the_number_of_articles() {
    let Ok(cluster) = postgres::cluster() else { return };
    let small = App::start_on(newsroom(Backend::Postgres, 10), &[]);
    let database = many(Backend::Postgres);
    // To the planner, a thousand times as many: where it reads a small table whole, and rightly, it must not read a large one.
    database.sql(
        "DO $$ DECLARE name text; BEGIN FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
         EXECUTE 'ALTER TABLE ' || name || ' SET (autovacuum_enabled = off)'; END LOOP; END $$",
    );
    database.sql(
        "UPDATE pg_class SET reltuples = reltuples * 2000 WHERE relnamespace = 'public'::regnamespace AND reltuples > 400",
    );
    // Real plans of real requests, with the values that they had; of this database only.
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_format = 'json'",
        "auto_explain.log_analyze = on",
        "auto_explain.log_timing = off",
        "log_min_messages = 'log'",
    ] {
        let name = database.name();
        database.sql(&format!("LOAD 'auto_explain'; ALTER DATABASE {name} SET {setting}"));
    }
    let app = App::start_on(database, &[]);
    an_article_costs_the_same_whatever_else_there_is(&small, &app);

    let statements = all_statements(&app);

    let log = std::fs::read_to_string(cluster.directory.join("log")).unwrap();
    let plans = plans(&log);
    let explained: BTreeSet<&str> = plans.iter().filter_map(|plan| plan["Query Text"].as_str()).collect();
    let missing: Vec<&String> = statements.keys().filter(|text| !explained.contains(text.as_str())).collect();
    assert!(
        statements.len() > 100 && missing.is_empty(),
        "of {} statements without a plan: {missing:#?}",
        statements.len()
    );
    let mut faults = BTreeSet::new();
    for plan in &plans {
        let mut found = BTreeSet::new();
        growing_steps(&plan["Plan"], &mut found);
        let text = plan["Query Text"].as_str().unwrap_or_default();
        if let Some(path) = statements.get(text) {
            faults.extend(found.iter().map(|fault| format!("{path} {fault}\n    {text}")));
        }
    }
    assert!(
        faults.is_empty(),
        "{} plans that grow:\n  {}",
        faults.len(),
        faults.into_iter().collect::<Vec<_>>().join("\n  ")
    );
}
