//! More readers than the database can serve.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::json;

use crate::{
    endurance::Ends,
    support::{App, Backend, Database, client::Response, hold::Hold, postgres, wait::until},
};

/// More than may wait for one connection.
const MANY: usize = 280;

/// Keeps readers up, and asks for lists from as many lines as are refused, until some work is done.
fn while_too_many_wait(app: &App, work: impl FnOnce()) {
    let (hold, is_over) = (Hold::against_readers(&app.database, "live_facets"), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let ends = Ends(&is_over);
        for number in 0..MANY {
            let (reader, is_over) = (app.anonymous(), &is_over);
            let path = format!("/v1/articles?updated_after=2020-01-01T00:{:02}:{:02}Z", number / 60, number % 60);
            scope.spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    drop(reader.request("GET", &path).try_send());
                }
            });
        }
        work();
        drop(ends);
        hold.release();
    });
}

fn start() -> Option<App> {
    postgres::cluster().ok()?;
    let settings = [
        ("FRONTPAGE_DB_READ_CONNECTIONS", "2"),
        ("FRONTPAGE_METRICS_TOKEN", "collects-all-day-lonG"),
        ("FRONTPAGE_CACHE_BYTES", "10000000"),
    ];
    Some(App::start_on(Arc::new(Database::with_logins(Backend::Postgres)), &settings))
}

/// Asks until the answer is a refusal.
fn refused(app: &App, path: &str) -> Response {
    let mut refused = None;
    until("readers are refused", || {
        refused = Some(app.anonymous().get(path)).filter(|answer| answer.status == 503);
        refused.is_some()
    });
    refused.unwrap()
}

#[test]
fn while_too_many_wait_others_are_refused_before_anything_is_done_for_them() {
    let Some(app) = start() else { return };
    let reader = app.anonymous();
    // Parameters are looked at before anything is read, so this says how far a request came.
    let unknown = "/feeds/articles.rss?no_such_parameter=1";
    reader.get(unknown).expect(400);

    while_too_many_wait(&app, || {
        let answer = refused(&app, unknown);

        assert_eq!(answer.json()["type"], "/problems/unavailable");
        assert!(answer.header("retry-after").is_some() && answer.header("x-request-id").is_some());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        // What takes no read of content is answered as ever.
        for (path, status) in [
            ("/healthz", 200),
            ("/openapi.json", 200),
            ("/v1/articles?view=working", 401),
            ("/v1/articles/harbor/revisions", 401),
            ("/v1/articles/harbor%2freopens", 400),
            ("/v1/articlesque", 404),
        ] {
            reader.get(path).expect(status);
        }
        reader.request("GET", "/v1/articles").header("accept", "text/html").send().expect(406);
    });

    until("readers are served", || reader.get("/v1/articles").status == 200);
    reader.get(unknown).expect(400);
    let metrics = reader.with_token("collects-all-day-lonG").get("/metrics").expect(200).text();
    let counted = "_count{operation=\"GET /feeds/articles.{format}\",status=\"5xx\"}";
    assert!(metrics.lines().any(|line| line.contains(counted)), "{metrics}");
}

#[test]
fn while_too_many_wait_what_is_kept_is_given_out_in_any_coding() {
    let Some(app) = start() else { return };
    app.published("Harbor reopens", json!({}));
    let path = "/v1/articles/harbor-reopens";
    let coded = |coding: &str| app.anonymous().request("GET", path).header("accept-encoding", coding).send_unchecked();
    until("it is kept", || app.count_statements(|| coded("identity").expect(200)).1.is_empty());

    while_too_many_wait(&app, || {
        refused(&app, "/v1/tags?no_such_parameter=1");

        assert_eq!(coded("gzip").expect(200).header("content-encoding"), Some("gzip"));
        assert_eq!(coded("identity").expect(200).header("content-encoding"), None);
    });
}
