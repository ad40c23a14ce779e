//! What happens by the clock: scheduled publishing and withdrawing, and embargoes (R12, S20).
//!
//! The servers of tests record nothing by themselves unless told to: whether readers see something is for each query to
//! decide. Time passes by moving what lies in the future into the past.

use serde_json::{Value, json};

use super::{address, change, live, verb, working};
use crate::support::{App, Backend, Response, both, wait::until};

/// A moment that no test lives to see.
const FAR: &str = "2100-01-01T00:00:00Z";

fn schedule(app: &App, address: &str, times: Value) -> Response {
    let editor = app.editor();
    editor.request("POST", &format!("{address}/schedule")).header("if-match", "*").json(&times).send()
}

/// Makes everything that was to happen in the far future have happened just now.
fn pass(app: &App) {
    let now = match app.database.backend {
        Backend::Sqlite => "strftime('%Y-%m-%d %H:%M:%f', 'now')",
        Backend::Postgres => "date_trunc('milliseconds', CURRENT_TIMESTAMP AT TIME ZONE 'UTC')",
    };
    for (table, column) in [
        ("live_articles", "published_at"),
        ("live_articles", "first_published_at"),
        ("live_articles", "updated_at"),
        ("live_articles", "changed_at"),
        ("live_articles", "visible_until"),
        ("live_facets", "published_at"),
        ("live_facets", "updated_at"),
        ("live_facets", "visible_until"),
        ("article_due", "at"),
        ("article_publications", "visible_from"),
        ("article_publications", "visible_until"),
        ("articles", "published_at"),
        ("articles", "first_published_at"),
        ("articles", "publish_at"),
        ("articles", "withdraw_at"),
    ] {
        app.database.sql(&format!("UPDATE {table} SET {column} = {now} WHERE {column} > '2099-01-01 00:00:00.000'"));
    }
}

/// How many times the change log says something of an article.
fn told(app: &App, kind: &str) -> String {
    app.database.sql(&format!(
        "SELECT CAST(COUNT(*) AS TEXT) AS line FROM changes WHERE kind = '{kind}' AND resource = 'article'"
    ))
}

/// The slugs in a list.
fn slugs(app: &App, path: &str) -> Vec<String> {
    let page = app.anonymous().get(path).expect(200).json();
    page["data"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
}

both! {
    fn what_is_scheduled_appears_at_its_time_although_nobody_records_it(app) {
        app.tag("Storm");
        app.published("First", json!({}));
        let address = address(&app.draft("Second", json!({ "section": "world", "tags": ["storm"] })));
        let scheduled = schedule(app, &address, json!({ "publish_at": FAR })).expect(200).json();
        assert_eq!((&scheduled["state"], &scheduled["publish_at"]), (&json!("scheduled"), &json!("2100-01-01T00:00:00.000Z")));
        app.anonymous().get(&address).expect(404);
        app.anonymous().get("/v1/articles/second").expect(404);
        app.anonymous().get("/v1/tags/storm").expect(404);
        for sort in ["", "?sort=published_at", "?sort=-updated_at", "?section=world"] {
            assert_eq!(slugs(app, &format!("/v1/articles{sort}")), ["first"], "{sort}");
        }
        app.anonymous().get("/v1/articles?tag=storm").expect(400);

        pass(app);

        assert_eq!(live(app, &address)["title"], "Second");
        app.anonymous().get("/v1/articles/second").expect(200);
        app.anonymous().get("/v1/tags/storm").expect(200);
        assert_eq!(slugs(app, "/v1/articles"), ["second", "first"]);
        assert_eq!(slugs(app, "/v1/articles?sort=published_at"), ["first", "second"]);
        assert_eq!(slugs(app, "/v1/articles?sort=-updated_at"), ["second", "first"]);
        assert_eq!(slugs(app, "/v1/articles?tag=storm"), ["second"]);
        assert_eq!(slugs(app, "/v1/tags"), ["storm"]);
    }

    fn what_has_happened_by_the_clock_is_recorded_before_anything_else_happens(app) {
        app.section("World");
        let address = address(&app.draft("One", json!({ "section": "world" })));
        schedule(app, &address, json!({ "publish_at": FAR })).expect(200);
        assert_eq!(told(app, "published"), "0");
        pass(app);

        // Too late: readers have seen it.
        let refused = app.editor().verb(&format!("{address}/unschedule"), "*").expect(409);
        assert_eq!(refused.problem(), "invalid_transition");
        change(app, &address, json!({ "title": "Two" })).expect(200);

        let view = working(app, &address).json();
        assert_eq!((&view["state"], &view["publish_at"], &view["has_unpublished_changes"]), (&json!("published"), &Value::Null, &json!(true)));
        assert_eq!(told(app, "published"), "1");
        assert_eq!(live(app, &address)["title"], "One");
    }

    fn what_is_to_end_ends_at_its_time(app) {
        let address = address(&app.published("One", json!({})));
        schedule(app, &address, json!({ "withdraw_at": FAR })).expect(200);
        assert_eq!(slugs(app, "/v1/articles"), ["one"]);
        assert_eq!(working(app, &address).json()["withdraw_at"], "2100-01-01T00:00:00.000Z");

        pass(app);

        app.anonymous().get(&address).expect(404);
        assert_eq!(slugs(app, "/v1/articles"), [""; 0]);
        verb(app, &address, "publish").expect(200);
        assert_eq!((told(app, "withdrawn"), told(app, "published")), ("1".to_owned(), "2".to_owned()));
        assert_eq!(slugs(app, "/v1/articles"), ["one"]);
    }

    fn unscheduling_calls_everything_off(app) {
        app.section("World");
        let hidden = address(&app.draft("One", json!({ "section": "world" })));
        schedule(app, &hidden, json!({ "publish_at": FAR, "withdraw_at": "2100-01-02T00:00:00Z" })).expect(200);
        let shown = address(&app.published("Two", json!({})));
        schedule(app, &shown, json!({ "withdraw_at": FAR })).expect(200);

        for address in [&hidden, &shown] {
            let view = app.editor().verb(&format!("{address}/unschedule"), "*").expect(200).json();
            assert_eq!((&view["publish_at"], &view["withdraw_at"]), (&Value::Null, &Value::Null));
            assert_eq!(app.editor().verb(&format!("{address}/unschedule"), "*").expect(409).problem(), "invalid_transition");
        }
        pass(app);

        let view = working(app, &hidden).json();
        assert_eq!((&view["state"], &view["first_published_at"]), (&json!("draft"), &Value::Null));
        app.anonymous().get(&hidden).expect(404);
        assert_eq!(slugs(app, "/v1/articles"), ["two"]);
        assert_eq!(app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM article_due"), "0");
    }

    fn later_changes_are_not_what_was_scheduled(app) {
        app.section("World");
        let address = address(&app.draft("One", json!({ "section": "world" })));
        schedule(app, &address, json!({ "publish_at": FAR })).expect(200);
        let view = change(app, &address, json!({ "title": "Two" })).expect(200).json();
        assert_eq!((&view["state"], &view["has_unpublished_changes"]), (&json!("scheduled"), &json!(true)));
        pass(app);
        assert_eq!(live(app, &address)["title"], "One");

        verb(app, &address, "publish").expect(200);
        assert_eq!(live(app, &address)["title"], "Two");
    }

    fn an_embargo_keeps_what_is_published_from_readers_until_its_time(app) {
        app.section("World");
        let address = address(&app.draft("One", json!({ "section": "world", "embargo_until": FAR })));
        let view = verb(app, &address, "publish").expect(200).json();
        assert_eq!((&view["state"], &view["published_at"]), (&json!("published"), &json!("2100-01-01T00:00:00.000Z")));
        app.anonymous().get(&address).expect(404);
        assert_eq!((slugs(app, "/v1/articles").len(), told(app, "published").as_str()), (0, "0"));

        // A changed embargo holds with the next publish.
        change(app, &address, json!({ "embargo_until": null })).expect(200);
        app.anonymous().get(&address).expect(404);
        change(app, &address, json!({ "embargo_until": FAR, "title": "Two" })).expect(200);
        verb(app, &address, "publish").expect(200);
        app.anonymous().get(&address).expect(404);

        pass(app);

        assert_eq!(live(app, &address)["title"], "Two");
        change(app, &address, json!({ "title": "Three", "embargo_until": "2100-01-01T00:00:00Z" })).expect(200);
        assert_eq!(verb(app, &address, "publish").expect(409).problem(), "invalid_transition");
        change(app, &address, json!({ "embargo_until": null })).expect(200);
        verb(app, &address, "publish").expect(200);
        assert_eq!(live(app, &address)["title"], "Three");
    }

    fn an_embargoed_article_that_is_withdrawn_was_never_seen(app) {
        app.section("World");
        let address = address(&app.draft("One", json!({ "section": "world", "embargo_until": FAR })));
        verb(app, &address, "publish").expect(200);

        let view = verb(app, &address, "withdraw").expect(200).json();

        assert_eq!((&view["state"], &view["first_published_at"]), (&json!("withdrawn"), &Value::Null));
        assert_eq!((told(app, "published"), told(app, "withdrawn")), ("0".to_owned(), "0".to_owned()));
        let kill = app.admin();
        let kill = kill.request("POST", &format!("{address}/kill")).header("if-match", "*").json(&json!({ "notice": "x" })).send();
        assert_eq!(kill.expect(409).problem(), "invalid_transition");
    }

    fn times_that_make_no_sense_are_refused_and_change_nothing(app) {
        app.section("World");
        let address = address(&app.draft("One", json!({ "section": "world" })));
        let before = working(app, &address).json();
        for (times, pointers) in [
            (json!({}), vec![""]),
            (json!({ "publish_at": "2020-01-01T00:00:00Z" }), vec!["/publish_at"]),
            (json!({ "publish_at": FAR, "withdraw_at": "2020-01-01T00:00:00Z" }), vec!["/withdraw_at"]),
            (json!({ "publish_at": FAR, "withdraw_at": FAR }), vec!["/withdraw_at"]),
            (json!({ "publish_at": FAR, "withdraw_at": "2099-12-31T00:00:00Z" }), vec!["/withdraw_at"]),
            (json!({ "withdraw_at": FAR }), vec!["/publish_at"]),
            (json!({ "publish_at": "tomorrow" }), vec!["/publish_at"]),
            (json!({ "publish_at": 4102444800_i64 }), vec!["/publish_at"]),
            (json!({ "publish_on": FAR }), vec!["/publish_on"]),
        ] {
            let refused = schedule(app, &address, times.clone()).expect(422);
            assert_eq!(refused.pointers(), pointers, "{times}");
        }
        assert_eq!(working(app, &address).json(), before);
        let shown = super::address(&app.published("Two", json!({})));
        assert_eq!(schedule(app, &shown, json!({ "publish_at": FAR })).expect(422).pointers(), ["/publish_at"]);
    }

    fn the_scheduler_records_each_event_once(app) {
        let nodes = [(); 2].map(|()| App::start_on(app.database.clone(), &[("FRONTPAGE_SCHEDULE_SECONDS", "1")]));
        app.section("World");
        let addresses: Vec<String> = (0..8).map(|n| address(&app.draft(&format!("Number {n}"), json!({ "section": "world" })))).collect();
        let at = (chrono::Utc::now() + chrono::TimeDelta::seconds(10)).to_rfc3339();
        for address in &addresses {
            schedule(app, address, json!({ "publish_at": at })).expect(200);
        }

        until("all are recorded", || addresses.iter().all(|address| working(&nodes[0], address).json()["state"] == "published"));

        assert_eq!(told(app, "published"), "8");
        for address in &addresses {
            let view = working(app, address).json();
            assert_eq!((&view["revision"], &view["has_unpublished_changes"]), (&json!(3), &json!(false)));
        }
    }
}
