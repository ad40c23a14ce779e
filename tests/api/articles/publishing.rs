//! What publishing needs, and the times that it sets.

use serde_json::{Value, json};

use super::{LONG_AGO, address, age, change, live, verb, working};
use crate::support::both;

both! {
    fn an_article_needs_a_section_and_a_body_before_readers_see_it(app) {
        app.section("World");
        let body = "<p>Text.</p>";
        for (input, pointers) in [
            (json!({}), vec!["/section", "/body_html"]),
            (json!({ "section": "world" }), vec!["/body_html"]),
            (json!({ "section": "world", "body_html": "<p> </p>" }), vec!["/body_html"]),
            (json!({ "body_html": body }), vec!["/section"]),
        ] {
            let mut input = input;
            input["title"] = json!("One");
            let draft = app.editor().post("/v1/articles", input.clone()).expect(201);
            let refused = app.editor().verb(&format!("{}/publish", address(&draft)), "*").expect(422);
            assert_eq!(refused.pointers(), pointers, "{input}");
            assert_eq!(working(app, &address(&draft)).json(), draft.json());
            app.anonymous().get(&address(&draft)).expect(404);
        }
        assert_eq!(app.anonymous().get("/v1/articles").expect(200).json()["data"], json!([]));
    }

    fn a_live_article_that_lost_its_section_stays_as_it_was_until_it_has_one(app) {
        let address = address(&app.published("One", json!({})));
        change(app, &address, json!({ "section": null, "body_html": null })).expect(200);

        assert_eq!(verb(app, &address, "publish").expect(422).pointers(), ["/section", "/body_html"]);

        assert_eq!(live(app, &address)["section"]["slug"], "world");
    }

    fn the_times_of_a_publication_follow_its_life(app) {
        let address = address(&app.published("One", json!({})));
        let times = |view: &Value| ["first_published_at", "published_at", "updated_at"].map(|name| view[name].as_str().unwrap_or("-").to_owned());
        let [first, published, updated] = times(&live(app, &address));
        assert_eq!((&first, &first), (&published, &updated), "all are the moment of the first publication");
        age(app);
        let long_ago = LONG_AGO.1;
        assert_eq!(times(&live(app, &address)), [long_ago; 3]);

        // A change by itself touches only when the working copy changed.
        change(app, &address, json!({ "title": "Two" })).expect(200);
        assert_eq!(times(&live(app, &address)), [long_ago; 3]);
        let [first, published, changed] = times(&working(app, &address).json());
        assert_eq!([first.as_str(), published.as_str()], [long_ago; 2]);
        assert!(changed.as_str() > long_ago);

        // Publishing it again keeps since when it has been published.
        verb(app, &address, "publish").expect(200);
        let [first, published, updated] = times(&live(app, &address));
        assert_eq!([first.as_str(), published.as_str()], [long_ago; 2]);
        assert!(updated.as_str() > long_ago);

        // Withdrawing ends it.
        let [first, published, _] = times(&verb(app, &address, "withdraw").expect(200).json());
        assert_eq!([first.as_str(), published.as_str()], [long_ago, "-"]);

        // Publishing after that begins anew, but for the first time ever.
        let [first, published, _] = times(&verb(app, &address, "publish").expect(200).json());
        assert_eq!(first, long_ago);
        assert!(published.as_str() > long_ago);
        let [live_first, live_published, live_updated] = times(&live(app, &address));
        assert_eq!((live_first, &live_published, &live_updated), (first, &published, &published));
    }

    fn withdrawing_takes_everything_away_and_keeps_the_working_copy(app) {
        let tag = app.tag("Iran");
        let address = address(&app.published("One", json!({ "tags": ["iran"] })));
        app.anonymous().get("/v1/tags/iran").expect(200);

        let view = verb(app, &address, "withdraw").expect(200).json();

        assert_eq!((&view["state"], &view["title"], &view["tags"][0]["id"]), (&json!("withdrawn"), &json!("One"), &tag["id"]));
        for path in [address.as_str(), "/v1/articles/one", "/v1/tags/iran"] {
            app.anonymous().get(path).expect(404);
        }
        app.anonymous().get("/v1/articles?tag=iran").expect(400);
        assert_eq!(app.anonymous().get("/v1/articles?section=world").expect(200).json()["data"], json!([]));
        assert_eq!(app.anonymous().get("/v1/tags").expect(200).json()["data"], json!([]));
    }

    fn publishing_does_not_depend_on_how_often(app) {
        let address = address(&app.published("One", json!({})));
        let mut seen = Vec::new();
        for round in 0..3 {
            let title = format!("Round {round}");
            change(app, &address, json!({ "title": title })).expect(200);
            verb(app, &address, "publish").expect(200);
            assert_eq!(live(app, &address)["title"], title.as_str());
            seen.push(app.anonymous().get(&address).expect(200).etag());
        }
        seen.dedup();
        assert_eq!(seen.len(), 3);
        let counts = ["live_articles", "live_bodies", "live_slugs"].map(|table| app.database.sql(&format!("SELECT CAST(COUNT(*) AS TEXT) AS line FROM {table}")));
        assert_eq!(counts, ["1", "1", "1"]);
    }
}
