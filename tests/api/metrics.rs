//! What the server counts, for those who may know it.

use serde_json::json;

use crate::support::{App, Backend, both, id};

both! {
    fn an_administrator_reads_what_was_counted(app) {
        let article = id(&app.published("Harbor reopens", json!({})));
        app.anonymous().get(&format!("/v1/articles/{article}")).expect(200);
        app.anonymous().get("/v1/articles/nothing").expect(404);

        let metrics = app.admin().get("/metrics").expect(200).text();

        for line in [
            "frontpage_http_request_duration_seconds_count{operation=\"GET /v1/articles/{article}\",status=\"2xx\"} 1",
            "frontpage_http_request_duration_seconds_count{operation=\"GET /v1/articles/{article}\",status=\"4xx\"} 1",
            "frontpage_reads_total{class=\"article\",source=\"made\"} 1",
            "frontpage_pool_size{pool=\"read\"} 4",
        ] {
            assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
        }
        assert!(metrics.contains("# TYPE frontpage_reads_total counter\n"), "{metrics}");
        let open = app.admin().request("GET", "/metrics").header("accept", "application/openmetrics-text").send().expect(200);
        assert_eq!(open.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
        assert!(open.text().contains("# TYPE frontpage_reads counter\n") && open.text().ends_with("# EOF\n"));
        app.anonymous().get("/metrics").expect(401);
        app.editor().get("/metrics").expect(403);
    }
}

#[test]
fn whoever_collects_has_a_token_of_its_own() {
    let settings = [("FRONTPAGE_METRICS_TOKEN", "collects-all-day-long"), ("FRONTPAGE_CACHE_BYTES", "1000000")];
    let app = App::start_with(Backend::Sqlite, &settings);
    app.published("Harbor reopens", json!({}));
    let collector = app.anonymous().with_token("collects-all-day-long");
    let reads = || app.anonymous().get("/v1/articles/harbor-reopens").expect(200);
    let kept = "frontpage_reads_total{class=\"article\",source=\"kept\"} ";

    crate::support::wait::until("answers are kept", || {
        reads();
        let metrics = collector.get("/metrics").expect(200).text();
        metrics.lines().filter_map(|line| line.strip_prefix(kept)).any(|count| count != "0")
    });

    app.anonymous().with_token("collects-all-day-lonG").get("/metrics").expect(401);
    collector.get("/v1/audit").expect(401);
}
