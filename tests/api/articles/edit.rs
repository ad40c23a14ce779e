//! Merge patches: what they change, what they leave, what they refuse.

use serde_json::{Value, json};

use super::{address, age, change, live, verb, working};
use crate::support::{both, id};

both! {
    fn a_patch_changes_what_it_names_and_null_removes(app) {
        app.section("World");
        app.section("Asia");
        let (mina, tag) = (app.staff("Mina"), app.tag("Iran"));
        let start = json!({
            "kicker": "K", "standfirst": "S", "excerpt": "E", "language": "fa", "dateline": "D", "section": "world", "byline": "B",
            "authors": [{ "staff": "mina" }], "tags": ["iran"], "featured": true,
            "source": { "name": "N", "url": "https://n.test/" }, "seo": { "title": "T", "description": "D" }, "extensions": { "a": 1, "b": { "c": 2, "d": 3 } }
        });
        let full_seo = json!({ "title": "T", "description": "D", "canonical_url": null });
        let body = "<p>The first ships left at dawn.</p>";
        let author = json!([{ "id": mina["id"], "slug": "mina", "name": "Mina", "kind": "person", "title": null, "role": "author" }]);
        for (patch, member, expected) in [
            (json!({}), "kicker", json!("K")),
            (json!({ "kicker": "X" }), "kicker", json!("X")),
            (json!({ "kicker": null }), "kicker", Value::Null),
            (json!({ "kicker": "X" }), "standfirst", json!("S")),
            (json!({ "title": "X" }), "slug", json!("start")),
            (json!({ "standfirst": null }), "standfirst", Value::Null),
            (json!({ "excerpt": null }), "excerpt", json!("The first ships left at dawn.")),
            (json!({ "language": null }), "language", json!("en")),
            (json!({ "dateline": null }), "dateline", Value::Null),
            (json!({ "byline": null }), "byline", Value::Null),
            (json!({ "section": null }), "section", Value::Null),
            (json!({ "featured": null }), "featured", json!(false)),
            (json!({ "authors": null }), "authors", json!([])),
            (json!({ "kicker": null }), "authors", author.clone()),
            (json!({ "authors": [] }), "authors", json!([])),
            (json!({ "tags": null }), "tags", json!([])),
            (json!({ "kicker": null }), "tags", json!([{ "id": tag["id"], "slug": "iran", "name": "Iran" }])),
            (json!({ "source": null }), "source", Value::Null),
            (json!({ "source": { "url": null } }), "source", json!({ "name": "N", "url": null })),
            (json!({ "source": { "name": "M" } }), "source", json!({ "name": "M", "url": "https://n.test/" })),
            (json!({ "seo": {} }), "seo", full_seo.clone()),
            (json!({ "seo": { "title": null } }), "seo", json!({ "title": null, "description": "D", "canonical_url": null })),
            (json!({ "seo": { "canonical_url": "https://c.test/x" } }), "seo", json!({ "title": "T", "description": "D", "canonical_url": "https://c.test/x" })),
            (json!({ "seo": null }), "seo", json!({ "title": null, "description": null, "canonical_url": null })),
            (json!({ "extensions": { "b": { "c": null, "e": [1, null] }, "n": 5 } }), "extensions", json!({ "a": 1, "b": { "d": 3, "e": [1, null] }, "n": 5 })),
            (json!({ "extensions": { "a": null, "never": null } }), "extensions", json!({ "b": { "c": 2, "d": 3 } })),
            (json!({ "extensions": null }), "extensions", Value::Null),
            (json!({ "kicker": "X" }), "body_html", json!(body)),
            (json!({ "body_html": "<p>New.</p>" }), "body_html", json!("<p>New.</p>")),
            (json!({ "body_html": null }), "body_html", json!("")),
            (json!({ "body_blocks": null }), "body_html", json!("")),
            (json!({ "body_blocks": [] }), "body_html", json!("")),
            (json!({ "body_blocks": [{ "type": "paragraph", "content": [{ "type": "text", "text": "B" }] }] }), "body_html", json!("<p id=\"x\">B</p>")),
            (json!({ "body_html": "<p>New.</p>", "body_blocks": null }), "body_html", json!("<p>New.</p>")),
        ] {
            let mut input = start.clone();
            input["title"] = json!("Start");
            input["slug"] = Value::Null;
            let draft = app.draft("Start", input);
            // One article at a time has the slug.
            let slug = draft.json()["slug"].as_str().unwrap().to_owned();
            let answer = app.editor().patch(&address(&draft), &draft.etag(), patch.clone()).expect(200).json();

            let found = match member {
                "slug" => json!(answer["slug"].as_str().unwrap().replace(&slug, "start")),
                // Blocks carry ids into the HTML or do not; what matters here is the text.
                "body_html" if patch.get("body_blocks").is_some_and(|blocks| blocks.get(0).is_some()) => {
                    assert!(answer["body_html"].as_str().unwrap().contains(">B</p>"), "{answer}");
                    expected.clone()
                }
                _ => answer[member].clone(),
            };
            assert_eq!(found, expected, "{patch} {member}");
            assert_eq!(working(app, &address(&draft)).json()[member], answer[member], "{patch}");
        }
    }

    fn both_media_types_of_a_patch_are_taken_and_no_other(app) {
        let draft = app.draft("One", json!({}));
        let address = address(&draft);
        for (media_type, status) in [
            ("application/merge-patch+json", 200),
            ("application/json; charset=utf-8", 200),
            ("Application/Merge-Patch+JSON", 200),
            ("application/json-patch+json", 415),
            ("text/plain", 415),
            ("application/json; charset=latin1", 415),
        ] {
            let answer = app.editor().request("PATCH", &address).header("if-match", "*").body(media_type, b"{}".to_vec()).send();
            assert_eq!(answer.status, status, "{media_type}");
        }
        for not_an_object in ["[]", "null", "\"x\"", "3"] {
            let answer = app.editor().request("PATCH", &address).header("if-match", "*").body("application/json", not_an_object.into()).send().expect(422);
            assert_eq!(answer.pointers(), [""], "{not_an_object}");
        }
    }

    fn all_faults_of_a_patch_are_reported_at_once_with_pointers(app) {
        let draft = app.draft("One", json!({}));
        for (patch, pointers) in [
            (json!({ "nope": 1 }), vec!["/nope"]),
            (json!({ "nope": null }), vec!["/nope"]),
            (json!({ "a/b~c": null }), vec!["/a~1b~0c"]),
            (json!({ "title": null }), vec!["/title"]),
            (json!({ "state": "published", "revision": null, "published_at": "2001-01-01T00:00:00Z" }), vec!["/published_at", "/revision", "/state"]),
            (json!({ "seo": { "nope": null, "title": 7 } }), vec!["/seo/nope", "/seo/title"]),
            (json!({ "source": { "nope": null, "name": "N" } }), vec!["/source/nope"]),
            (json!({ "source": { "url": "https://n.test" } }), vec!["/source/name"]),
            (json!({ "nope": null, "title": "", "tags": [1], "body_html": 5 }), vec!["/body_html", "/nope", "/tags/0", "/title"]),
            (json!({ "section": "nowhere", "tags": ["nope"], "related": [id(&draft)], "body_html": "<p>x</p>", "body_blocks": [] }),
             vec!["/body_html", "/related/0", "/section", "/tags/0"]),
            (json!({ "body_blocks": [{ "type": "paragraph", "nope": 1, "content": [{ "type": "text", "text": 1 }] }, { "type": "heading", "level": 1, "content": [] }] }),
             vec!["/body_blocks/0/content/0/text", "/body_blocks/0/nope", "/body_blocks/1/level"]),
            (json!({ "extensions": 3 }), vec!["/extensions"]),
            (json!({ "authors": [{ "staff": "x", "role": null }] }), vec!["/authors/0/role"]),
        ] {
            let answer = app.editor().patch(&address(&draft), "*", patch.clone()).expect(422);
            let mut found = answer.pointers();
            found.sort();
            assert_eq!(found, pointers, "{patch}");
        }
        assert_eq!(working(app, &address(&draft)).json(), draft.json());
    }

    fn a_patch_that_changes_nothing_keeps_the_revision(app) {
        app.section("World");
        let draft = app.draft("One", json!({ "section": "world", "extensions": { "a": 1 } }));
        let address = address(&draft);
        crate::articles::age(app);
        let before = working(app, &address);
        for patch in [
            json!({}),
            json!({ "title": " One " }),
            json!({ "section": before.json()["section"]["id"] }),
            json!({ "kicker": null, "seo": { "title": null }, "extensions": { "a": 1, "b": null } }),
            json!({ "body_html": "<p>The  first ships left at dawn.</p>\n" }),
        ] {
            let answer = app.admin().patch(&address, &before.etag(), patch.clone()).expect(200);
            assert_eq!((answer.etag(), answer.json()), (before.etag(), before.json()), "{patch}");
        }
        assert_eq!(app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM article_revisions"), "1");
    }

    fn every_change_and_every_verb_is_a_revision_that_says_what_happened(app) {
        app.section("World");
        let draft = app.draft("One", json!({}));
        let address = address(&draft);
        change(app, &address, json!({ "section": "world" })).expect(200);
        for step in ["submit", "return", "publish", "withdraw"] {
            verb(app, &address, step).expect(200);
        }
        let trashed = app.editor().delete(&address, "*").expect(204).etag();
        assert_eq!(trashed, "\"r7\"");
        let restored = app.editor().verb(&format!("{address}/restore"), &trashed).expect(200);

        assert_eq!((restored.etag().as_str(), &restored.json()["revision"]), ("\"r8\"", &json!(8)));
        let kinds = app.database.sql("SELECT kind AS line FROM article_revisions ORDER BY number");
        assert_eq!(kinds, "created\nedited\nsubmitted\nreturned\npublished\nwithdrawn\ntrashed\nrestored");
        let numbers = app.database.sql("SELECT CAST(number AS TEXT) AS line FROM article_revisions ORDER BY number");
        assert_eq!(numbers, "1\n2\n3\n4\n5\n6\n7\n8");
        assert_eq!(app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM article_bodies"), "1");
    }

    fn who_changed_it_is_who_made_the_revision(app) {
        let mine = app.author().post("/v1/articles", json!({ "title": "Mine" })).expect(201);
        let changed = change(app, &address(&mine), json!({ "title": "Ours" })).expect(200).json();
        assert_eq!((&changed["created_by"]["name"], &changed["updated_by"]["name"]), (&json!("author"), &json!("editor")));
        assert_eq!(changed["created_at"], mine.json()["created_at"]);
    }

    fn readers_notice_nothing_of_a_change_until_it_is_published(app) {
        let (asia, tag) = (app.section("Asia"), app.tag("Later"));
        let published = app.published("Before", json!({ "slug": "before", "kicker": "Old" }));
        let address = address(&published);
        age(app);
        let seen = app.anonymous().get(&address).expect(200);
        let list = app.anonymous().get("/v1/articles").expect(200);
        let staff = app.staff("Mina");
        let seen_list = app.anonymous().get("/v1/articles").expect(200);
        assert_eq!(list.bytes, seen_list.bytes);

        let changed = change(app, &address, json!({
            "title": "After", "slug": "after", "kicker": null, "section": asia["id"], "tags": [tag["id"]], "authors": [{ "staff": staff["id"] }],
            "language": "fa", "featured": true, "body_html": "<p>All new.</p>", "excerpt": "New", "extensions": { "n": 1 }
        })).expect(200);

        assert_eq!((&changed.json()["has_unpublished_changes"], &changed.json()["state"]), (&json!(true), &json!("published")));
        let again = app.anonymous().get(&address).expect(200);
        assert_eq!((&again.bytes, again.etag(), again.header("last-modified")), (&seen.bytes, seen.etag(), seen.header("last-modified")));
        assert_eq!(app.anonymous().get("/v1/articles").expect(200).bytes, list.bytes);
        for (query, count) in [("section=world", 1), ("section=asia", 0), ("language=en", 1), ("language=fa", 0), ("featured=true", 0), ("featured=false", 1), ("author=mina", 0)] {
            let page = app.anonymous().get(&format!("/v1/articles?{query}")).expect(200).json();
            assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
        }
        app.anonymous().get("/v1/articles?tag=later").expect(400);
        app.anonymous().get("/v1/articles/after").expect(404);

        let published = verb(app, &address, "publish").expect(200).json();
        assert_eq!(published["has_unpublished_changes"], false);
        let article = live(app, &address);
        assert_eq!((&article["title"], &article["slug"], &article["kicker"], &article["section"]["slug"]), (&json!("After"), &json!("after"), &Value::Null, &json!("asia")));
        for (query, count) in [("section=world", 0), ("section=asia", 1), ("tag=later", 1), ("language=en", 0), ("language=fa", 1), ("featured=true", 1), ("featured=false", 0), ("author=mina", 1)] {
            let page = app.anonymous().get(&format!("/v1/articles?{query}")).expect(200).json();
            assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
        }
    }

    fn a_relation_that_went_to_the_trash_does_not_stand_in_the_way_of_other_changes(app) {
        let (gone, other) = (app.draft("Gone", json!({})), app.draft("Other", json!({})));
        let draft = app.author().post("/v1/articles", json!({ "title": "Mine" })).expect(201);
        let address = address(&draft);
        change(app, &address, json!({ "related": [id(&gone), id(&other)] })).expect(200);
        app.editor().delete(&format!("/v1/articles/{}", id(&gone)), "*").expect(204);

        // Neither the trash nor that both belong to somebody else matters for what stands there already.
        let changed = app.author().patch(&address, "*", json!({ "title": "Still mine" })).expect(200).json();
        assert_eq!(changed["related"], json!([id(&gone), id(&other)]));
        let kept = app.author().patch(&address, "*", json!({ "related": [id(&other)] })).expect(200).json();
        assert_eq!(kept["related"], json!([id(&other)]));
        app.author().patch(&address, "*", json!({ "related": [id(&gone)] })).expect(422);
    }
}
