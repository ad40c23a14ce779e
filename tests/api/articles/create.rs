//! What can be written into an article, and what cannot.

use serde_json::{Value, json};

use super::{address, live, verb, working};
use crate::support::{App, both, id};

/// An input with every member, and what it refers to.
fn everything(app: &App) -> Value {
    let section = app.section("Asia");
    let (person, agency) = (app.staff("Mina Okafor"), app.staff("Coastal Wire"));
    let (first, second) = (app.tag("Shipping"), app.tag("Weather"));
    let other = id(&app.draft("The storm before", json!({})));
    json!({
        "kicker": "IFP Exclusive",
        "title": "Harbor reopens after “long” storm",
        "standfirst": "First paragraph.\nSecond line.",
        "slug": "harbor-reopens",
        "excerpt": "What happened, in short.",
        "language": "EN-gb",
        "dateline": "Port Alder",
        "guid": "https://old.example.org/?p=4711",
        "section": section["slug"],
        "authors": [
            { "staff": person["slug"], "role": "author" },
            { "staff": agency["id"], "role": "photographer" },
            { "staff": person["id"], "role": "translator" }
        ],
        "byline": "By our staff and agencies",
        "tags": [second["slug"], first["id"]],
        "featured": true,
        "related": [other],
        "source": { "name": "Coastal Wire", "url": "https://wire.example.org/harbor" },
        "seo": { "title": "Harbor", "description": "Reopened.", "canonical_url": "https://example.org/h" },
        "extensions": { "layout": "wide", "numbers": [1, -2, 1.5, null], "ünï": { "a/b~": true } },
        "body_html": "<h2>Dawn</h2>\n<p>The <strong>first</strong> ships left at <a href=\"https://example.org/dawn\" rel=\"noopener\">dawn</a>.</p>"
    })
}

both! {
    fn everything_that_is_written_is_read_back_in_both_views(app) {
        let input = everything(app);

        let created = app.editor().post("/v1/articles", input.clone()).expect(201);

        let address = address(&created);
        assert_eq!(created.header("location"), Some(address.as_str()));
        assert_eq!(created.etag(), "\"r1\"");
        assert_eq!(created.header("cache-control"), Some("private, no-store"));
        let view = created.json();
        for name in ["kicker", "title", "standfirst", "slug", "excerpt", "dateline", "guid", "byline", "featured", "related", "source", "seo", "extensions", "body_html"] {
            assert_eq!(view[name], input[name], "{name}");
        }
        assert_eq!(view["language"], "en-GB");
        assert_eq!(view["section"]["path"], "asia");
        let byline: Vec<_> = view["authors"].as_array().unwrap().iter().map(|a| (a["slug"].as_str().unwrap(), a["role"].as_str().unwrap())).collect();
        assert_eq!(byline, [("mina-okafor", "author"), ("coastal-wire", "photographer"), ("mina-okafor", "translator")]);
        let tags: Vec<_> = view["tags"].as_array().unwrap().iter().map(|tag| tag["slug"].as_str().unwrap()).collect();
        assert_eq!(tags, ["weather", "shipping"]);
        assert_eq!((&view["state"], &view["revision"], &view["has_unpublished_changes"]), (&json!("draft"), &json!(1), &json!(false)));
        assert_eq!(view["excerpt_is_derived"], false);
        assert_eq!(view["created_by"], view["updated_by"]);
        assert_eq!(view["created_by"]["name"], "editor");
        assert_eq!((&view["first_published_at"], &view["published_at"], &view["trashed_at"]), (&Value::Null, &Value::Null, &Value::Null));
        assert_eq!(working(app, &address).json(), view);

        // The related draft is published too, so that readers see the relation.
        let related = format!("/v1/articles/{}", input["related"][0].as_str().unwrap());
        crate::articles::change(app, &related, json!({ "section": "asia" })).expect(200);
        verb(app, &related, "publish").expect(200);
        verb(app, &address, "publish").expect(200);
        let article = live(app, &address);
        for (name, value) in article.as_object().unwrap() {
            if !["view", "first_published_at", "published_at", "updated_at"].contains(&name.as_str()) {
                assert_eq!(*value, view[name], "{name}");
            }
        }
        assert_eq!(article["view"], "live");
        assert_eq!(app.anonymous().get("/v1/articles/harbor-reopens").expect(200).json(), article);
    }

    fn a_title_is_enough_and_the_rest_has_defaults(app) {
        let view = app.editor().post("/v1/articles", json!({ "title": "  Harbor reopens  " })).expect(201).json();

        let expected = json!({
            "title": "Harbor reopens", "slug": "harbor-reopens", "kicker": null, "standfirst": null, "excerpt": "",
            "excerpt_is_derived": true, "language": "en", "dateline": null, "section": null, "authors": [], "byline": null,
            "tags": [], "featured": false, "related": [], "source": null,
            "seo": { "title": null, "description": null, "canonical_url": null }, "extensions": null, "url": null,
            "word_count": 0, "reading_minutes": 0, "body_html": ""
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(view[name], *value, "{name}");
        }
        let explicit = json!({
            "title": "Harbor reopens", "kicker": null, "slug": null, "excerpt": null, "section": null, "source": null,
            "extensions": null, "body_html": null, "seo": {}, "tags": [], "authors": [{ "staff": app.staff("Mina")["id"] }]
        });
        let view = app.editor().post("/v1/articles", explicit).expect(201).json();
        assert_eq!(view["slug"], "harbor-reopens-2");
        assert_eq!(view["authors"][0]["role"], "author");
    }

    fn a_body_is_written_as_blocks_or_as_html_and_read_as_either_and_as_text(app) {
        let blocks = json!([
            { "type": "heading", "id": "dawn", "level": 2, "content": [{ "type": "text", "text": "Dawn", "marks": [] }] },
            { "type": "paragraph", "id": "p1", "content": [
                { "type": "text", "text": "Ships ", "marks": [] },
                { "type": "link", "href": "https://example.org/left", "title": null, "content": [{ "type": "text", "text": "left", "marks": ["bold"] }] },
                { "type": "line_break" },
                { "type": "text", "text": "at dawn.", "marks": ["italic"] }
            ] },
            { "type": "list", "id": "l1", "ordered": true, "start": 3, "items": [
                { "content": [{ "type": "text", "text": "one", "marks": [] }], "list": { "ordered": false, "start": null, "items": [
                    { "content": [{ "type": "text", "text": "deeper", "marks": [] }], "list": null }
                ] } }
            ] },
            { "type": "quote", "id": "q1", "content": [{ "type": "paragraph", "id": "q2", "content": [{ "type": "text", "text": "Never.", "marks": [] }] }],
              "citation": [{ "type": "text", "text": "Somebody", "marks": [] }] }
        ]);
        let created = app.editor().post("/v1/articles", json!({ "title": "A", "body_blocks": blocks })).expect(201);
        let address = address(&created);

        let all = app.editor().get(&format!("{address}?view=working&include=body_html,body_blocks,body_text")).expect(200).json();

        assert_eq!(all["body_blocks"], blocks);
        assert!(all["body_text"].as_str().unwrap().starts_with("Dawn\n\nShips left\nat dawn.\n\n3. one"), "{}", all["body_text"]);
        let html = all["body_html"].as_str().unwrap();
        let again = app.editor().post("/v1/articles", json!({ "title": "B", "body_html": html })).expect(201);
        assert!(again.json().get("warnings").is_none());
        assert_eq!(again.json()["body_html"], html);
    }

    fn html_that_is_not_kept_is_named_in_warnings_of_that_answer_only(app) {
        let html = "<p onclick=\"x()\">Text<script>alert(1)</script></p><iframe src=\"https://evil.test\"></iframe>";
        let created = app.editor().post("/v1/articles", json!({ "title": "A", "body_html": html })).expect(201);

        assert!(!created.json()["warnings"].as_array().unwrap().is_empty());
        assert_eq!(created.json()["body_html"], "<p>Text</p>");
        assert!(working(app, &address(&created)).json().get("warnings").is_none());
    }

    fn words_minutes_and_excerpt_come_from_the_body_unless_an_excerpt_is_given(app) {
        let words = "ship ".repeat(461);
        for (body, count, minutes) in [
            (String::new(), 0, 0),
            ("<p>One.</p>".to_owned(), 1, 1),
            (format!("<h2>Two words</h2><p>{}</p>", "ship ".repeat(228)), 230, 1),
            (format!("<p>{words}</p>"), 461, 3),
            ("<p>می\u{200c}خواهم زنده بمانم</p>".to_owned(), 3, 1),
        ] {
            let view = app.editor().post("/v1/articles", json!({ "title": "Count", "body_html": body })).expect(201).json();
            assert_eq!((&view["word_count"], &view["reading_minutes"]), (&json!(count), &json!(minutes)), "{body:.60}");
        }

        let long = app.draft("Long", json!({ "body_html": format!("<h2>Not this</h2><p>First sentence.</p><p>{words}</p>") })).json();
        let excerpt = long["excerpt"].as_str().unwrap();
        assert!(excerpt.starts_with("First sentence. ship") && excerpt.ends_with('…') && excerpt.chars().count() <= 240, "{excerpt}");
        assert_eq!(long["excerpt_is_derived"], true);

        let published = app.published("Given", json!({ "excerpt": "Our own words." }));
        let (article, list) = (live(app, &address(&published)), app.anonymous().get("/v1/articles").expect(200).json());
        for view in [&article, &list["data"][0]] {
            assert_eq!((&view["excerpt"], &view["excerpt_is_derived"]), (&json!("Our own words."), &json!(false)));
        }
        crate::articles::change(app, &address(&published), json!({ "excerpt": null })).expect(200);
        verb(app, &address(&published), "publish").expect(200);
        let article = live(app, &address(&published));
        assert_eq!((&article["excerpt"], &article["excerpt_is_derived"]), (&json!("The first ships left at dawn."), &json!(true)));
    }

    fn the_address_of_the_page_follows_the_template(app) {
        let view = app.draft("Harbor", json!({})).json();
        assert_eq!(view["url"], Value::Null);

        app.editor().post("/v1/sections", json!({ "name": "World" })).expect(201);
        app.editor().post("/v1/sections", json!({ "name": "Asia", "parent": "world" })).expect(201);
        let view = app.draft("می\u{200c}خواهم", json!({ "section": "asia" })).json();
        assert_eq!(view["url"], "https://www.newsroom.test/world/asia/%D9%85%DB%8C-%D8%AE%D9%88%D8%A7%D9%87%D9%85");
    }

    fn members_that_are_not_for_clients_are_refused_and_nothing_is_made(app) {
        for name in [
            "id", "state", "status", "revision", "url", "author_id", "created_by", "updated_by", "created_at", "updated_at", "published_at",
            "first_published_at", "has_unpublished_changes", "excerpt_is_derived", "word_count", "reading_minutes", "trashed_at", "view",
            "body_text", "publish_at", "withdraw_at", "corrections", "review_note", "warnings", "no_such_member", "password_hash",
        ] {
            let answer = app.author().post("/v1/articles", json!({ "title": "t", name: "2001-01-01T00:00:00Z" })).expect(422);
            assert_eq!(answer.pointers(), [format!("/{name}")], "{name}");
            assert_eq!(answer.json()["errors"][0]["code"], "unknown");
        }
        assert_eq!(app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM articles"), "0");
    }

    fn all_faults_of_an_input_are_reported_at_once_with_pointers(app) {
        let staff = app.staff("Mina");
        for (input, pointers) in [
            (json!({}), vec!["/title"]),
            (json!([]), vec![""]),
            (json!("title"), vec![""]),
            (json!(null), vec![""]),
            (
                json!({
                    "title": 7, "kicker": "", "slug": "Not Canonical", "language": "english!", "featured": "yes", "nope": 1,
                    "source": { "url": "ftp://x", "nope": 1 }, "seo": { "title": "", "canonical_url": "/relative" },
                    "authors": [{ "role": "boss" }, { "staff": "" }, 3], "tags": "iran", "related": [1],
                    "extensions": [], "body_blocks": [{ "type": "video" }], "body_html": 1
                }),
                vec![
                    "/authors/0/role", "/authors/0/staff", "/authors/1/staff", "/authors/2", "/body_blocks/0/type", "/body_html",
                    "/extensions", "/featured", "/kicker", "/language", "/nope", "/related/0", "/seo/canonical_url", "/seo/title",
                    "/slug", "/source/name", "/source/nope", "/source/url", "/tags", "/title",
                ],
            ),
            (
                json!({
                    "title": "t", "section": "nowhere", "tags": ["nope", "x", "x"], "related": [uuid()],
                    "authors": [{ "staff": "nobody" }, { "staff": "mina" }, { "staff": staff["id"], "role": "author" }],
                    "body_html": "<p>x</p>", "body_blocks": []
                }),
                vec!["/authors/0/staff", "/authors/2", "/body_html", "/related/0", "/section", "/tags/0", "/tags/1", "/tags/2"],
            ),
        ] {
            let answer = app.editor().post("/v1/articles", input.clone()).expect(422);
            let mut found = answer.pointers();
            found.sort();
            assert_eq!(found, pointers, "{input}");
        }
        assert_eq!(app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM articles"), "0");
    }

    fn a_text_of_which_nothing_shows_is_empty(app) {
        for text in ["", " ", "\u{a0}", "\u{200b}", "\u{200c}\u{200d}", "\u{202e}", "\u{feff} \u{2060}", "\u{ad}", "\u{3164}", "\u{fe0f}", "\u{e0020}"] {
            let input = json!({ "title": text, "kicker": text, "standfirst": text, "seo": { "description": text } });
            let mut found = app.editor().post("/v1/articles", input).expect(422).pointers();
            found.sort();
            assert_eq!(found, ["/kicker", "/seo/description", "/standfirst", "/title"], "{text:?}");
            for kind in ["sections", "staff", "tags"] {
                assert_eq!(app.editor().post(&format!("/v1/{kind}"), json!({ "name": text })).expect(422).pointers(), ["/name"], "{text:?}");
            }
        }
        // Between letters they have their use.
        for text in ["می\u{200c}خواهم", "\u{200f}abc", "👩\u{200d}💻", "❤\u{fe0f}"] {
            assert_eq!(app.draft(text, json!({})).json()["title"], text);
        }
    }

    fn lists_hold_each_thing_once(app) {
        let (a, b) = (app.tag("A"), app.tag("B"));
        let other = id(&app.draft("Other", json!({})));
        for (input, pointers) in [
            (json!({ "title": "t", "tags": ["nope", "a", a["id"], "b"] }), vec!["/tags/0", "/tags/2"]),
            (json!({ "title": "t", "tags": [b["id"], "b", "B"] }), vec!["/tags/1", "/tags/2"]),
            (json!({ "title": "t", "related": [other, "other"] }), vec!["/related/1"]),
        ] {
            assert_eq!(app.editor().post("/v1/articles", input.clone()).expect(422).pointers(), pointers, "{input}");
        }
    }

    fn texts_and_lists_have_the_limits_that_the_document_says(app) {
        let line = |length: usize| json!("é".repeat(length));
        let list = |length: usize| json!((0..length).map(|_| uuid()).collect::<Vec<_>>());
        let object = |length: usize| json!({ "x": "y".repeat(length - 8) });
        let html = |length: usize| json!("x".repeat(length));
        for (name, most, value) in [
            ("kicker", 100, &line as &dyn Fn(usize) -> Value),
            ("title", 300, &line),
            ("standfirst", 1000, &line),
            ("excerpt", 1000, &line),
            ("dateline", 100, &line),
            ("guid", 500, &line),
            ("byline", 300, &line),
            ("slug", 120, &line),
            ("extensions", 16 * 1024, &object),
            ("body_html", 1024 * 1024, &html),
        ] {
            let mut input = json!({ "title": "t" });
            input[name] = value(most);
            app.editor().post("/v1/articles", input.clone()).expect(201);
            input[name] = value(most + 1);
            assert_eq!(app.editor().post("/v1/articles", input).expect(422).pointers(), [format!("/{name}")]);
        }
        for (name, most) in [("tags", 50), ("related", 20)] {
            let code = |length: usize| {
                let answer = app.editor().post("/v1/articles", json!({ "title": "t", name: list(length) })).expect(422);
                answer.json()["errors"][0]["code"].clone()
            };
            assert_eq!((code(most), code(most + 1)), (json!("not_found"), json!("too_many")), "{name}");
        }
    }

    fn references_take_an_id_a_slug_a_former_slug_and_another_spelling(app) {
        let section = app.section("Économie");
        app.editor().patch("/v1/sections/%C3%A9conomie", "*", json!({ "slug": "affaires" })).expect(200);
        for reference in [section["id"].as_str().unwrap(), "affaires", "économie", "e\u{301}conomie", "AFFAIRES"] {
            let view = app.editor().post("/v1/articles", json!({ "title": "t", "section": reference })).expect(201).json();
            assert_eq!(view["section"]["id"], section["id"], "{reference}");
        }
    }

    fn what_is_in_the_trash_cannot_be_referred_to(app) {
        for (path, made, input) in [
            ("sections", app.section("Gone"), json!({ "title": "t", "section": "gone" })),
            ("tags", app.tag("Gone"), json!({ "title": "t", "tags": ["gone"] })),
            ("staff", app.staff("Gone"), json!({ "title": "t", "authors": [{ "staff": "gone" }] })),
            ("articles", app.draft("Gone", json!({})).json(), json!({ "title": "t", "related": ["gone"] })),
        ] {
            app.editor().delete(&format!("/v1/{path}/{}", made["id"].as_str().unwrap()), "*").expect(204);
            let answer = app.editor().post("/v1/articles", input).expect(422);
            assert_eq!(answer.json()["errors"][0]["code"], "not_found", "{path}");
        }
    }

    fn another_authors_draft_is_as_unknown_to_relations_as_what_never_existed(app) {
        let hidden = app.draft("Secret", json!({ "slug": "secret" }));
        let random = uuid();
        let refused = |reference: &str| {
            let answer = app.author().post("/v1/articles", json!({ "title": "t", "related": [reference] })).expect(422);
            let mut problem = answer.json();
            problem["instance"] = Value::Null;
            problem.to_string().replace(reference, "X")
        };
        assert_eq!(refused(&id(&hidden)), refused(&random));
        assert_eq!(refused("secret"), refused("no-such"));
    }
}

fn uuid() -> String {
    frontpage::ids::ArticleId::generate().to_string()
}
