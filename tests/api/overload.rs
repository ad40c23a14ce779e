//! More readers than the database can serve.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::support::{App, Backend, Database, hold::Hold, postgres, wait::until};

/// More than may wait for one connection.
const MANY: usize = 280;

#[test]
fn while_too_many_wait_others_are_refused_before_anything_is_done_for_them() {
    if postgres::cluster().is_err() {
        return;
    }
    let database = Arc::new(Database::with_logins(Backend::Postgres));
    let settings = [("FRONTPAGE_DB_READ_CONNECTIONS", "2"), ("FRONTPAGE_METRICS_TOKEN", "collects-all-day-lonG")];
    let app = App::start_on(database.clone(), &settings);
    let reader = app.anonymous();
    // Looked at before anything is read, so that this says whether a request came so far.
    let unknown = "/v1/articles?no_such_parameter=1";
    reader.get(unknown).expect(400);
    let (hold, is_over) = (Hold::against_readers(&database, "live_facets"), AtomicBool::new(false));

    std::thread::scope(|scope| {
        for number in 0..MANY {
            let (reader, is_over) = (app.anonymous(), &is_over);
            let path = format!("/v1/articles?updated_after=2020-01-01T00:{:02}:{:02}Z", number / 60, number % 60);
            scope.spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    drop(reader.request("GET", &path).try_send());
                }
            });
        }
        let mut refused = None;
        until("readers are refused", || {
            refused = Some(reader.get(unknown)).filter(|answer| answer.status == 503);
            refused.is_some()
        });
        is_over.store(true, Ordering::SeqCst);
        let refused = refused.unwrap();
        assert_eq!(refused.json()["type"], "/problems/unavailable");
        assert!(refused.header("retry-after").is_some() && refused.header("x-request-id").is_some());
        assert_eq!(refused.header("cache-control"), Some("no-store"));
        // What needs no database is answered as ever.
        reader.get("/openapi.json").expect(200);
        reader.get("/healthz").expect(200);
        hold.release();
    });

    until("readers are served", || reader.get("/v1/articles").status == 200);
    reader.get(unknown).expect(400);
    let metrics = reader.with_token("collects-all-day-lonG").get("/metrics").expect(200).text();
    let counted = |line: &str| line.contains("_count{operation=\"GET /v1/articles\",status=\"5xx\"}");
    assert!(metrics.lines().any(counted), "{metrics}");
}
