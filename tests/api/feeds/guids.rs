//! What another system has named an article by stays its name in every feed.

use serde_json::{Value, json};

use super::{FORMATS, ids, known, read};
use crate::support::{both, id};

const OLD: &str = "http://old.newsroom.test/?p=4711&x=1";

both! {
    fn an_imported_article_keeps_its_name_in_every_feed_to_its_end(app) {
        let article = app.published("Harbor", json!({ "guid": OLD }));
        let path = format!("/v1/articles/{}", id(&article));
        let app = &known(app);

        for name in [&path, "/v1/articles/harbor", &format!("{path}?view=working"), &format!("{path}/revisions/1")] {
            assert_eq!(app.editor().get(name).expect(200).json()["guid"], OLD, "{name}");
        }
        for format in FORMATS {
            assert_eq!(ids(&read(app, &format!("/feeds/articles.{format}"))), [OLD], "{format}");
        }
        assert_eq!(app.anonymous().get("/v1/ninjs/articles/harbor").expect(200).json()["uri"], OLD);

        app.editor().patch(&path, "*", json!({ "slug": "port" })).expect(200);
        app.editor().verb(&format!("{path}/publish"), "*").expect(200);
        assert_eq!(ids(&read(app, "/feeds/articles.rss")), [OLD]);

        let notice = json!({ "notice": "It was wrong." });
        app.admin().request("POST", &format!("{path}/kill")).header("if-match", "*").json(&notice).send().expect(200);
        let canceled = app.anonymous().get("/v1/ninjs/articles/port").expect(200).json();
        assert_eq!((&canceled["uri"], &canceled["pubStatus"]), (&json!(OLD), &json!("canceled")));
    }

    fn a_name_that_is_no_address_stands_where_one_may_stand(app) {
        let article = app.published("Harbor", json!({ "guid": "4711 at old.newsroom.test" }));
        let own = format!("urn:uuid:{}", id(&article));
        let app = &known(app);

        assert_eq!(ids(&read(app, "/feeds/articles.rss")), ["4711 at old.newsroom.test"]);
        assert_eq!(ids(&read(app, "/feeds/articles.json")), ["4711 at old.newsroom.test"]);
        assert_eq!(ids(&read(app, "/feeds/articles.atom")), [own.as_str()]);
        assert_eq!(app.anonymous().get("/v1/ninjs/articles/harbor").expect(200).json()["uri"], own);
        let odd = "http://old.newsroom.test/?p=<1>&x=\"2\"";
        let own = format!("urn:uuid:{}", id(&app.published("Odd", json!({ "guid": odd }))));
        assert_eq!(ids(&read(app, "/feeds/articles.rss"))[0], odd);
        assert_eq!(ids(&read(app, "/feeds/articles.atom"))[0], own);
    }

    fn what_readers_have_seen_keeps_its_name(app) {
        let draft = app.draft("Harbor", json!({ "section": null, "guid": "first" }));
        let path = format!("/v1/articles/{}", id(&draft));
        app.section("World");
        let changed = app.editor().patch(&path, &draft.etag(), json!({ "guid": OLD, "section": "world" })).expect(200);
        app.editor().verb(&format!("{path}/publish"), &changed.etag()).expect(200);

        for guid in [Value::Null, json!("another")] {
            let refused = app.editor().patch(&path, "*", json!({ "guid": guid })).expect(422).json();
            assert_eq!(refused["errors"][0]["pointer"], "/guid", "{refused}");
        }
        // The first revision had another.
        let revert = app.editor().request("POST", &format!("{path}/revisions/1/restore")).header("if-match", "*").send();
        assert_eq!(revert.expect(200).json()["guid"], OLD);
    }

    fn two_articles_before_readers_have_two_names(app) {
        app.published("Harbor", json!({ "guid": OLD }));
        let twin = app.draft("Twin", json!({ "section": "world", "guid": OLD }));
        let path = format!("/v1/articles/{}", id(&twin));

        let refused = app.editor().verb(&format!("{path}/publish"), &twin.etag()).expect(409).json();
        assert!(refused["detail"].as_str().unwrap().contains("guid"), "{refused}");
        let changed = app.editor().patch(&path, "*", json!({ "guid": null })).expect(200);
        assert_eq!(changed.json()["guid"], format!("urn:uuid:{}", id(&twin)));
        app.editor().verb(&format!("{path}/publish"), &changed.etag()).expect(200);
    }
}
