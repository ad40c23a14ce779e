//! Slugs of articles: how they are made, what they may be, how old ones lead on.

use frontpage::http::path::encode_step as encode;
use serde_json::{Value, json};

use super::{address, change, live, verb, working};
use crate::support::{both, id};

both! {
    fn a_slug_is_made_from_the_title_and_never_empty_or_taken(app) {
        for (title, slug) in [
            ("Harbor reopens after “long” storm", "harbor-reopens-after-long-storm"),
            ("Harbor reopens after long storm.", "harbor-reopens-after-long-storm-2"),
            ("HARBOR -- reopens: after  long storm ", "harbor-reopens-after-long-storm-3"),
            ("Don’t look back: 10% rise", "dont-look-back-10-rise"),
            ("café", "café"),
            ("cafe\u{301}", "café-2"),
            ("ﬁne Ａrt", "fine-art"),
            ("می\u{200c}خواهم زنده بمانم", "می-خواهم-زنده-بمانم"),
            ("علی", "علی"),
            ("علي", "علي-2"),
            ("كتاب", "كتاب"),
            ("کتاب", "کتاب-2"),
            ("new", "new-1"),
            ("New", "new-1-2"),
            ("Search", "search-1"),
            ("feed.xml", "feed-xml"),
            ("a/b", "a-b"),
            ("a%2Fb", "a-2fb"),
            ("01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8057-1"),
        ] {
            assert_eq!(app.draft(title, json!({})).json()["slug"], slug, "{title}");
        }
        for title in ["🎉🎉", "-", ".", "..", "…"] {
            let view = app.draft(title, json!({})).json();
            let slug = view["slug"].as_str().unwrap();
            let tail = slug.strip_prefix("article-").unwrap_or_else(|| panic!("{slug}"));
            assert!(tail.len() == 12 && view["id"].as_str().unwrap().ends_with(tail), "{slug}");
        }
        let long = app.draft(&"harbor ".repeat(42), json!({})).json()["slug"].as_str().unwrap().to_owned();
        assert!(long.len() <= 90 && long.ends_with("harbor"), "{long}");
    }

    fn twelve_articles_of_one_title_have_twelve_slugs(app) {
        let mut slugs: Vec<String> = (0..12).map(|_| app.draft("Harbor", json!({})).json()["slug"].as_str().unwrap().to_owned()).collect();
        assert_eq!(slugs[..3], ["harbor", "harbor-2", "harbor-3"]);
        slugs.sort();
        slugs.dedup();
        assert_eq!(slugs.len(), 12);
    }

    fn a_slug_that_is_given_must_be_canonical_and_free(app) {
        app.draft("Taken", json!({ "slug": "taken" }));
        app.draft("Ali", json!({ "slug": "علی" }));
        for slug in [
            "", "-", ".", "..", "a/b", "a%2Fb", "feed.xml", "Upper", "a--b", "-a", "a-", "a b", "a ", "new", "search", "trash", "cafe\u{301}", "ﬁne",
            "می\u{200c}خواهم", "🎉", "01890a5d-ac96-774b-bcce-b302099a8057",
        ] {
            let answer = app.editor().post("/v1/articles", json!({ "title": "t", "slug": slug })).expect(422);
            assert_eq!(answer.pointers(), ["/slug"], "{slug}");
        }
        for slug in ["taken", "علی", "علي"] {
            let answer = app.editor().post("/v1/articles", json!({ "title": "t", "slug": slug })).expect(409);
            assert_eq!((answer.problem().as_str(), answer.pointers()), ("slug_taken", vec!["/slug".to_owned()]), "{slug}");
        }
        let other = app.draft("Other", json!({}));
        let answer = app.editor().patch(&address(&other), "*", json!({ "slug": "taken" })).expect(409);
        assert_eq!(answer.problem(), "slug_taken");
        assert_eq!(working(app, &address(&other)).json(), other.json());
    }

    fn a_former_slug_leads_on_for_ever_and_keeps_the_rest_of_the_address(app) {
        let address = address(&app.published("One", json!({ "slug": "one" })));
        for slug in ["two", "سه"] {
            change(app, &address, json!({ "slug": slug })).expect(200);
            verb(app, &address, "publish").expect(200);
        }
        let now = format!("/v1/articles/{}", encode("سه"));

        for (path, location) in [
            ("/v1/articles/one".to_owned(), now.clone()),
            ("/v1/articles/two".to_owned(), now.clone()),
            ("/v1/articles/TWO?fields=id,title&include=body_text".to_owned(), format!("{now}?fields=id,title&include=body_text")),
        ] {
            for method in ["GET", "HEAD"] {
                let answer = app.anonymous().request(method, &path).send().expect(301);
                assert_eq!((answer.header("location"), answer.bytes.len()), (Some(location.as_str()), 0), "{method} {path}");
            }
            app.anonymous().get(&location).expect(200);
        }
        let working = app.editor().get("/v1/articles/one?view=working").expect(301);
        assert_eq!(working.header("location"), Some(format!("{now}?view=working").as_str()));

        let before = app.editor().get(&format!("{now}?view=working")).expect(200).json();
        for (method, step) in [("PATCH", ""), ("DELETE", ""), ("POST", "/submit"), ("POST", "/publish"), ("POST", "/withdraw"), ("POST", "/restore")] {
            let editor = app.editor();
            let path = format!("/v1/articles/one{step}");
            let request = editor.request(method, &path).header("if-match", "*");
            let request = if method == "DELETE" { request } else { request.json(&json!({})) };
            let answer = request.send().expect(308);
            assert_eq!(answer.header("location"), Some(format!("{now}{step}").as_str()), "{method} {step}");
        }
        assert_eq!(app.editor().get(&format!("{now}?view=working")).expect(200).json(), before);

        // The slugs stay with the article: nobody else gets them, and it can take them back.
        app.editor().post("/v1/articles", json!({ "title": "x", "slug": "one" })).expect(409);
        change(app, &address, json!({ "slug": "one" })).expect(200);
        verb(app, &address, "publish").expect(200);
        assert_eq!(app.anonymous().get("/v1/articles/two").expect(301).header("location"), Some("/v1/articles/one"));
        assert_eq!(live(app, "/v1/articles/one")["slug"], "one");
    }

    fn readers_hear_of_a_new_slug_only_when_it_is_published(app) {
        let address = address(&app.published("One", json!({ "slug": "one" })));
        change(app, &address, json!({ "slug": "secret" })).expect(200);

        let seen = |client: &crate::support::Client, method: &'static str, slug: &str, step: &str| {
            let path = format!("/v1/articles/{slug}{step}");
            let request = client.request(method, &path).header("if-match", "*");
            let answer = if method == "GET" { request.send() } else { request.json(&json!({})).send() };
            let mut problem = answer.json();
            problem["instance"] = Value::Null;
            (answer.status, problem)
        };
        let (reader, author) = (app.anonymous(), app.author());
        for (method, step) in [("GET", ""), ("GET", "?view=working"), ("PATCH", ""), ("POST", "/submit"), ("POST", "/publish")] {
            for client in [&reader, &author] {
                assert_eq!(seen(client, method, "secret", step), seen(client, method, "nothing", step), "{method} {step}");
            }
        }
        assert_eq!(live(app, "/v1/articles/one")["slug"], "one");
        // To an author, an article that readers see is known, but somebody else's.
        assert_eq!(seen(&author, "PATCH", "one", "").0, 403);
        app.editor().patch("/v1/articles/one", "*", json!({})).expect(308);

        verb(app, &address, "publish").expect(200);
        assert_eq!(app.anonymous().get("/v1/articles/one").expect(301).header("location"), Some("/v1/articles/secret"));
        verb(app, &address, "withdraw").expect(200);
        for slug in ["one", "secret"] {
            assert_eq!(seen(&reader, "GET", slug, ""), seen(&reader, "GET", "nothing", ""));
        }
    }

    fn a_slug_that_never_was_published_does_not_lead_readers_anywhere(app) {
        let address = address(&app.published("One", json!({ "slug": "one" })));
        for slug in ["interim", "two"] {
            change(app, &address, json!({ "slug": slug })).expect(200);
        }
        verb(app, &address, "publish").expect(200);

        app.anonymous().get("/v1/articles/interim").expect(404);
        app.anonymous().get("/v1/articles/one").expect(301);
        app.editor().get("/v1/articles/interim?view=working").expect(301);
        app.editor().post("/v1/articles", json!({ "title": "x", "slug": "interim" })).expect(409);
    }

    fn other_spellings_of_an_address_lead_to_the_one(app) {
        let (ali, cafe) = (app.published("Ali", json!({ "slug": "علی" })), app.published("Café", json!({ "slug": "café" })));
        for (spelling, article) in [("علي", &ali), ("CAFÉ", &cafe), ("cafe\u{301}", &cafe), ("Café", &cafe), ("caf\u{e9}.", &cafe)] {
            let slug = article.json()["slug"].as_str().unwrap().to_owned();
            let answer = app.anonymous().get(&format!("/v1/articles/{}", encode(spelling))).expect(301);
            assert_eq!(answer.header("location"), Some(format!("/v1/articles/{}", encode(&slug)).as_str()), "{spelling}");
            let answer = app.anonymous().get(&format!("/v1/articles/{}", encode(&slug))).expect(200);
            assert_eq!(answer.json()["id"], article.json()["id"]);
        }
        assert_eq!(live(app, &format!("/v1/articles/{}", id(&ali).to_uppercase()))["id"], ali.json()["id"]);
        app.anonymous().get(&format!("/v1/articles/{}", id(&ali).replace('-', ""))).expect(404);
    }

    fn a_slug_that_is_removed_is_made_from_the_title_again(app) {
        let address = address(&app.draft("Harbor", json!({ "slug": "old" })));
        assert_eq!(change(app, &address, json!({ "slug": null })).expect(200).json()["slug"], "harbor");
        assert_eq!(change(app, &address, json!({ "slug": null, "title": "Old" })).expect(200).json()["slug"], "old");
        assert_eq!(change(app, &address, json!({ "title": "Something else" })).expect(200).json()["slug"], "old");
    }
}
