//! How often a key may ask, and what is counted.

use serde_json::{Value, json};

use super::key;
use crate::support::{App, both, wait::until};

fn usage(app: &App, id: &str) -> Vec<(String, i64, i64)> {
    let report = app.admin().get(&format!("/v1/api-keys/{id}/usage")).expect(200).json();
    let row = |row: &Value| {
        let number = |member: &str| row[member].as_i64().unwrap();
        (row["route"].as_str().unwrap().to_owned(), number("requests"), number("refused"))
    };
    report["data"].as_array().unwrap().iter().map(row).collect()
}

both! {
    fn who_asks_too_often_is_told_when_to_come_again(app) {
        let (partner, id) = key(app, json!({ "requests_per_day": 3 }));

        let first = partner.get("/v1/articles").expect(200);
        assert_eq!(first.header("ratelimit-policy"), Some("\"day\";q=3;w=86400"));
        assert!(first.header("ratelimit").unwrap().starts_with("\"day\";r=2;t="), "{:?}", first.header("ratelimit"));
        // What is refused for another reason counts, too.
        assert!(partner.get("/v1/articles/nowhere").expect(404).header("ratelimit").unwrap().contains("r=1;"));
        let etag = first.etag();
        partner.request("GET", "/v1/articles").header("if-none-match", &etag).send().expect(304);

        let refused = partner.get("/v1/articles").expect(429);
        assert_eq!(refused.problem(), "rate_limited");
        assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
        assert!(refused.header("ratelimit").unwrap().contains("r=0;"));
        until("all of it is counted", || {
            usage(app, &id) == [("GET /v1/articles".to_owned(), 3, 1), ("GET /v1/articles/{article}".to_owned(), 1, 0)]
        });
        assert!(app.admin().get(&format!("/v1/api-keys/{id}")).expect(200).json()["last_used_at"].is_string());
    }

    fn a_minute_has_a_limit_of_its_own(app) {
        let (partner, _) = key(app, json!({ "requests_per_minute": 1 }));

        let answers: Vec<u16> = (0..3).map(|_| partner.get("/v1/articles").status).collect();

        // Two minutes may meet here, and not three.
        assert!(answers.contains(&200) && answers.contains(&429), "{answers:?}");
    }

    fn a_day_is_counted_over_all_servers(app) {
        let other = App::start_on(app.database.clone(), &[]);
        let (partner, id) = key(app, json!({ "requests_per_day": 4 }));
        let elsewhere = other.anonymous().with_token(partner.token.as_deref().unwrap());
        for _ in 0..4 {
            partner.get("/v1/articles").expect(200);
        }
        until("they are written", || usage(app, &id).iter().map(|row| row.1).sum::<i64>() == 4);

        elsewhere.get("/v1/articles").expect(429);
    }

    fn a_server_that_stops_has_written_what_it_counted(app) {
        let (partner, id) = key(app, json!({}));
        let other = App::start_on(app.database.clone(), &[]);
        let elsewhere = other.anonymous().with_token(partner.token.as_deref().unwrap());
        for _ in 0..5 {
            elsewhere.get("/v1/sections").expect(200);
        }

        drop(other);

        assert_eq!(usage(app, &id), [("GET /v1/sections".to_owned(), 5, 0)]);
        app.admin().get(&format!("/v1/api-keys/{id}/usage?from=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z")).expect(400);
        assert_eq!(app.admin().get(&format!("/v1/api-keys/{id}/usage?from=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z")).expect(200).json(), json!({ "data": [] }));
    }
}
