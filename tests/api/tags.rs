//! Tags from outside: hidden until an article that readers see carries them, and merged when there are two of one.

use serde_json::{Value, json};

use crate::support::{App, Response, both, id};

fn read(app: &App, tag: &str) -> Response {
    app.editor().get(&format!("/v1/tags/{tag}?view=working")).expect(200)
}

fn patch(app: &App, tag: &str, patch: Value) -> Response {
    let etag = read(app, tag).etag();
    app.editor().patch(&format!("/v1/tags/{tag}"), &etag, patch)
}

fn trash(app: &App, tag: &str) -> Response {
    let etag = read(app, tag).etag();
    app.editor().delete(&format!("/v1/tags/{tag}"), &etag)
}

fn merge(app: &App, tag: &str, into: &str) -> Response {
    let etag = read(app, tag).etag();
    let client = app.editor();
    client
        .request("POST", &format!("/v1/tags/{tag}/merge"))
        .header("if-match", &etag)
        .json(&json!({ "into": into }))
        .send()
}

fn slugs(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap()).collect()
}

fn live_slugs(app: &App, query: &str) -> Vec<String> {
    let page = app.anonymous().get(&format!("/v1/tags?limit=100&{query}")).expect(200).json();
    slugs(&page["data"]).into_iter().map(str::to_owned).collect()
}

both! {
    fn a_tag_is_created_read_changed_trashed_and_restored(app) {
        let created = app.editor().post("/v1/tags", json!({ "name": "Shipping", "description": "Ports and routes." })).expect(201);
        let path = format!("/v1/tags/{}", id(&created));
        assert_eq!(created.header("location"), Some(path.as_str()));
        assert_eq!((&created.json()["slug"], &created.json()["revision"]), (&json!("shipping"), &json!(1)));
        assert_eq!(app.author().get(&format!("{path}?view=working")).expect(200).json(), created.json());

        let changed = app.editor().patch(&path, &created.etag(), json!({ "description": null, "name": "Ships" })).expect(200);
        assert_eq!((&changed.json()["name"], &changed.json()["description"]), (&json!("Ships"), &Value::Null));
        assert_eq!(app.editor().patch(&path, &changed.etag(), json!({ "name": "Ships" })).expect(200).etag(), "\"r2\"");
        let trashed = app.editor().delete(&path, &changed.etag()).expect(204);
        let list = app.editor().get("/v1/tags?view=working&trashed=true").expect(200).json();
        assert_eq!(slugs(&list["data"]), ["shipping"]);
        assert_eq!(app.editor().get("/v1/tags?view=working").expect(200).json()["data"], json!([]));
        assert_eq!(app.editor().patch(&path, &trashed.etag(), json!({ "name": "X" })).expect(409).problem(), "invalid_transition");
        assert_eq!(app.editor().post("/v1/articles", json!({ "title": "T", "tags": ["shipping"] })).expect(422).pointers(), ["/tags/0"]);
        assert_eq!(app.editor().post("/v1/tags", json!({ "name": "X", "slug": "shipping" })).expect(409).problem(), "slug_taken");
        let restored = app.editor().verb(&format!("{path}/restore"), &trashed.etag()).expect(200);
        assert_eq!(app.editor().verb(&format!("{path}/restore"), &restored.etag()).expect(409).problem(), "invalid_transition");
    }

    fn every_fault_of_an_input_is_named(app) {
        let post = |body: Value| app.editor().post("/v1/tags", body).expect(422).pointers();

        assert_eq!(post(json!({})), ["/name"]);
        for (name, value) in [
            ("name", json!("x".repeat(101))), ("name", json!("")), ("name", json!("a\u{0}b")), ("name", json!({})), ("description", json!("x".repeat(1001))),
            ("slug", json!("merge")), ("slug", json!("a b")), ("slug", json!(uuid::Uuid::now_v7())), ("merged_into", json!("x")), ("id", json!("x")),
        ] {
            let mut body = json!({ "name": "Shipping" });
            body[name] = value.clone();
            assert_eq!(post(body), [format!("/{name}")], "{name} {value}");
        }
    }

    fn readers_see_a_tag_while_an_article_that_they_see_carries_it(app) {
        let tag = app.tag("Secret Talks");
        let path = format!("/v1/tags/{}", tag["id"].as_str().unwrap());
        let nothing_shows = || {
            for address in [path.as_str(), "/v1/tags/secret-talks", "/v1/tags/no-such-tag"] {
                app.anonymous().get(address).expect(404);
                app.author().get(address).expect(404);
            }
            assert!(live_slugs(app, "").is_empty() && live_slugs(app, "prefix=sec").is_empty());
        };
        nothing_shows();
        let draft = app.draft("Harbor", json!({ "tags": ["secret-talks"], "section": app.section("World")["slug"] }));
        let article = format!("/v1/articles/{}", id(&draft));
        nothing_shows();

        let published = app.editor().verb(&format!("{article}/publish"), &draft.etag()).expect(200);
        let live = app.anonymous().get("/v1/tags/secret-talks").expect(200);
        assert_eq!((&live.json()["id"], live.json().get("revision")), (&tag["id"], None));
        assert_eq!(live_slugs(app, ""), ["secret-talks"]);

        // Taken off in the working copy only: readers still see it. Then not any more.
        let changed = app.editor().patch(&article, &published.etag(), json!({ "tags": [] })).expect(200);
        assert_eq!(live_slugs(app, ""), ["secret-talks"]);
        let published = app.editor().verb(&format!("{article}/publish"), &changed.etag()).expect(200);
        nothing_shows();
        let changed = app.editor().patch(&article, &published.etag(), json!({ "tags": ["secret-talks"] })).expect(200);
        nothing_shows();
        let published = app.editor().verb(&format!("{article}/publish"), &changed.etag()).expect(200);
        assert_eq!(live_slugs(app, ""), ["secret-talks"]);
        app.editor().verb(&format!("{article}/withdraw"), &published.etag()).expect(200);
        nothing_shows();
        assert_eq!(slugs(&app.author().get("/v1/tags?view=working").expect(200).json()["data"]), ["secret-talks"]);
    }

    fn tags_are_listed_by_slug_and_prefix(app) {
        for name in ["United States", "Ukraine", "Unions", "Café", "Cafeteria", "100%", "اخبار"] {
            app.tag(name);
        }
        app.published("Harbor", json!({ "tags": ["united-states", "ukraine", "unions", "café"] }));

        assert_eq!(live_slugs(app, ""), ["café", "ukraine", "unions", "united-states"]);
        for (prefix, expected) in [("u", vec!["ukraine", "unions", "united-states"]), ("UNI", vec!["unions", "united-states"]), ("United%20S", vec!["united-states"]), ("caf", vec!["café"]), ("x", vec![]), ("unions-", vec!["unions"])] {
            assert_eq!(live_slugs(app, &format!("prefix={prefix}")), expected, "{prefix}");
        }
        let working = app.author().get("/v1/tags?view=working&prefix=caf").expect(200).json();
        assert_eq!(slugs(&working["data"]), ["cafeteria", "café"]);
        assert_eq!(slugs(&app.author().get("/v1/tags?view=working&prefix=%D8%A7%D8%AE").expect(200).json()["data"]), ["اخبار"]);
        let first = app.anonymous().get("/v1/tags?limit=2&prefix=u").expect(200).json();
        let next = first["page"]["next"].as_str().unwrap();
        let second = app.anonymous().get(&format!("/v1/tags?limit=2&prefix=u&cursor={next}")).expect(200).json();
        assert_eq!((slugs(&first["data"]), slugs(&second["data"])), (vec!["ukraine", "unions"], vec!["united-states"]));
        let back = app.anonymous().get(&format!("/v1/tags?limit=2&prefix=u&cursor={}", second["page"]["prev"].as_str().unwrap())).expect(200).json();
        assert_eq!(slugs(&back["data"]), ["ukraine", "unions"]);
        for query in ["prefix=", "prefix=%25", "prefix=_", "prefix=-", "prefix=a&prefix=b", "trashed=true", "limit=0", "q=x", &format!("cursor={next}"), &format!("prefix=c&cursor={next}")] {
            app.anonymous().get(&format!("/v1/tags?{query}")).expect(400);
        }
    }

    fn a_tag_in_use_stays(app) {
        app.tag("Shipping");
        let draft = app.draft("One", json!({ "tags": ["shipping"] }));
        app.published("Two", json!({ "tags": ["shipping"] }));

        let refused = trash(app, "shipping").expect(409);
        assert_eq!((refused.problem().as_str(), &refused.json()["uses"], &refused.json()["detail"]), ("in_use", &json!(2), &json!("The tag is used by 2 articles.")));
        app.editor().delete(&format!("/v1/articles/{}", id(&draft)), &draft.etag()).expect(204);
        assert_eq!(trash(app, "shipping").expect(409).json()["detail"], "The tag is used by 1 article.");
    }

    fn a_new_name_shows_at_once_and_a_former_slug_leads_on(app) {
        app.tag("Shipping");
        let article = app.published("Harbor", json!({ "tags": ["shipping"] }));
        patch(app, "shipping", json!({ "name": "Ships", "slug": "ships" })).expect(200);

        let shown = app.anonymous().get(&format!("/v1/articles/{}", id(&article))).expect(200).json();
        assert_eq!((&shown["tags"][0]["name"], &shown["tags"][0]["slug"]), (&json!("Ships"), &json!("ships")));
        assert_eq!(app.anonymous().get("/v1/tags/shipping").expect(301).header("location"), Some("/v1/tags/ships"));
        assert_eq!(app.editor().patch("/v1/tags/shipping", "*", json!({ "name": "X" })).expect(308).header("location"), Some("/v1/tags/ships"));
        for tag in ["shipping", "ships"] {
            assert_eq!(app.anonymous().get(&format!("/v1/articles?tag={tag}")).expect(200).json()["data"].as_array().unwrap().len(), 1, "{tag}");
        }
        // Of a tag that readers do not see, they do not learn what it was called either.
        app.tag("Secret");
        patch(app, "secret", json!({ "slug": "hidden" })).expect(200);
        app.anonymous().get("/v1/tags/secret").expect(404);
        assert_eq!(app.author().get("/v1/tags/secret?view=working").expect(301).header("location"), Some("/v1/tags/hidden?view=working"));
    }

    fn merging_makes_one_tag_of_two_in_both_copies(app) {
        let (from, into) = (app.tag("Ships"), app.tag("Shipping"));
        app.tag("Weather");
        let live = app.published("Live", json!({ "tags": ["ships", "weather"] }));
        let both_tags = app.published("With both", json!({ "tags": ["shipping", "weather", "ships"] }));
        let changed = app.published("Changed", json!({ "tags": ["ships"] }));
        app.editor().patch(&format!("/v1/articles/{}", id(&changed)), &changed.etag(), json!({ "tags": ["weather"] })).expect(200);
        let draft = app.draft("Draft", json!({ "tags": ["ships"] }));
        let live_tags = |answer: &Response| {
            let article = app.anonymous().get(&format!("/v1/articles/{}", id(answer))).expect(200).json();
            slugs(&article["tags"]).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let working = |answer: &Response| app.editor().get(&format!("/v1/articles/{}?view=working", id(answer))).expect(200);
        let before = app.anonymous().get(&format!("/v1/articles/{}", id(&live))).expect(200).etag();

        let answer = merge(app, "ships", "shipping").expect(200);

        assert_eq!(answer.json()["id"], into["id"]);
        assert_eq!(answer.etag(), read(app, "shipping").etag());
        assert_eq!(live_tags(&live), ["shipping", "weather"]);
        assert_eq!(live_tags(&both_tags), ["shipping", "weather"]);
        assert_eq!(live_tags(&changed), ["shipping"]);
        assert_eq!(slugs(&working(&changed).json()["tags"]), ["weather"]);
        assert_eq!(slugs(&working(&draft).json()["tags"]), ["shipping"]);
        assert_eq!(slugs(&working(&both_tags).json()["tags"]), ["shipping", "weather"]);
        assert_ne!(app.anonymous().get(&format!("/v1/articles/{}", id(&live))).expect(200).etag(), before);
        // Readers see the newest revision as before: merging is no change of theirs.
        assert_eq!(working(&live).json()["has_unpublished_changes"], false);
        assert_eq!(working(&live).etag(), live.etag());
        for tag in ["shipping", "ships", from["id"].as_str().unwrap()] {
            assert_eq!(app.anonymous().get(&format!("/v1/articles?tag={tag}")).expect(200).json()["data"].as_array().unwrap().len(), 3, "{tag}");
        }
        assert_eq!(live_slugs(app, ""), ["shipping", "weather"]);
        assert_eq!(slugs(&app.author().get("/v1/tags?view=working").expect(200).json()["data"]), ["shipping", "weather"]);
    }

    fn what_was_merged_leads_to_what_stays_and_does_not_come_back(app) {
        let (a, b, c) = (app.tag("Alpha"), app.tag("Bravo"), app.tag("Charlie"));
        app.published("Harbor", json!({ "tags": ["alpha"] }));
        patch(app, "alpha", json!({ "slug": "first" })).expect(200);
        merge(app, "first", "bravo").expect(200);
        merge(app, "bravo", c["id"].as_str().unwrap()).expect(200);

        let ids = [a["id"].as_str().unwrap(), b["id"].as_str().unwrap()];
        for old in ["alpha", "first", "bravo", ids[0], ids[1]] {
            assert_eq!(app.anonymous().get(&format!("/v1/tags/{old}")).expect(301).header("location"), Some("/v1/tags/charlie"), "{old}");
            assert_eq!(app.editor().get(&format!("/v1/tags/{old}?view=working")).expect(301).header("location"), Some("/v1/tags/charlie?view=working"));
            assert_eq!(app.editor().patch(&format!("/v1/tags/{old}"), "*", json!({ "name": "X" })).expect(308).header("location"), Some("/v1/tags/charlie"));
            assert_eq!(app.editor().verb(&format!("/v1/tags/{old}/restore"), "*").expect(308).header("location"), Some("/v1/tags/charlie/restore"));
            app.draft("With it", json!({ "tags": [old] }));
        }
        let drafts = app.editor().get("/v1/articles?view=working&state=draft").expect(200).json();
        assert!(drafts["data"].as_array().unwrap().iter().all(|draft| slugs(&draft["tags"]) == ["charlie"]), "{drafts}");
        assert_eq!(app.editor().verb("/v1/tags/charlie/restore", "*").expect(409).problem(), "invalid_transition");
        assert_eq!(app.editor().get("/v1/tags?view=working&trashed=true").expect(200).json()["data"], json!([]));
        for slug in ["alpha", "first", "bravo"] {
            assert_eq!(app.editor().post("/v1/tags", json!({ "name": "X", "slug": slug })).expect(409).problem(), "slug_taken", "{slug}");
        }
    }

    fn a_merge_that_makes_no_sense_is_refused(app) {
        let tag = app.tag("Ships");
        app.tag("Gone");
        app.published("Harbor", json!({ "tags": ["ships"] }));
        trash(app, "gone").expect(204);
        for into in ["ships", "SHIPS", tag["id"].as_str().unwrap(), "nowhere", "gone", &uuid::Uuid::now_v7().to_string()] {
            assert_eq!(merge(app, "ships", into).expect(422).pointers(), ["/into"], "{into}");
        }
        let client = app.editor();
        let post = |etag: Option<&str>, body: Value| {
            let request = client.request("POST", "/v1/tags/ships/merge").json(&body);
            etag.into_iter().fold(request, |request, etag| request.header("if-match", etag)).send()
        };
        for body in [json!({}), json!({ "into": 1 }), json!({ "into": null }), json!({ "into": ["x"] }), json!({ "into": "x", "force": true })] {
            post(Some("*"), body).expect(422);
        }
        app.tag("Shipping");
        post(None, json!({ "into": "shipping" })).expect(428);
        assert_eq!(post(Some("\"r9\""), json!({ "into": "shipping" })).expect(412).json()["current_etag"], "\"r1\"");
        assert_eq!(merge(app, "gone", "ships").expect(409).problem(), "invalid_transition");
        assert_eq!(live_slugs(app, ""), ["ships"]);
        assert_eq!(read(app, "ships").etag(), "\"r1\"");
    }

    fn a_merge_that_is_repeated_with_its_key_is_one(app) {
        let tag = app.tag("Ships");
        app.tag("Shipping");
        let client = app.editor();
        let path = format!("/v1/tags/{}/merge", tag["id"].as_str().unwrap());
        let post = || client.request("POST", &path).header("if-match", "\"r1\"").header("idempotency-key", "once").json(&json!({ "into": "shipping" })).send();

        let first = post().expect(200);
        let second = post().expect(200);

        assert_eq!((first.json(), second.header("idempotent-replayed")), (second.json(), Some("true")));
    }

    fn a_stale_write_is_refused_with_what_changed(app) {
        let tag = app.tag("Ships");
        let path = format!("/v1/tags/{}", tag["id"].as_str().unwrap());
        app.editor().patch(&path, "\"r1\"", json!({ "description": "Of the sea." })).expect(200);

        let stale = app.editor().patch(&path, "\"r1\"", json!({ "name": "Vessels" })).expect(412).json();
        assert_eq!(stale["members"]["name"], json!({ "base": "Ships", "yours": "Vessels", "theirs": "Ships" }));
        assert_eq!(stale["members"]["description"], json!({ "base": null, "yours": null, "theirs": "Of the sea." }));
        app.editor().request("PATCH", &path).json(&json!({ "name": "X" })).send().expect(428);
        app.editor().request("DELETE", &path).send().expect(428);
        app.editor().delete(&path, "\"r1\"").expect(412);
    }
}
