//! Sections from outside: the tree, the paths in it, and slugs that lead on for ever.

use serde_json::{Value, json};

use crate::support::{App, Backend, Response, both, id};

/// A section below another.
fn create(app: &App, name: &str, parent: Option<&str>) -> Response {
    app.editor().post("/v1/sections", json!({ "name": name, "parent": parent })).expect(201)
}

/// Sections one below the other.
fn chain(app: &App, names: &[&str]) {
    let mut parent: Option<String> = None;
    for name in names {
        let section = create(app, name, parent.as_deref()).json();
        parent = Some(section["slug"].as_str().unwrap().to_owned());
    }
}

fn read(app: &App, section: &str) -> Response {
    app.editor().get(&format!("/v1/sections/{section}?view=working")).expect(200)
}

fn patch(app: &App, section: &str, patch: Value) -> Response {
    let etag = read(app, section).etag();
    app.editor().patch(&format!("/v1/sections/{section}"), &etag, patch)
}

fn trash(app: &App, section: &str) -> Response {
    let etag = read(app, section).etag();
    app.editor().delete(&format!("/v1/sections/{section}"), &etag)
}

fn restore(app: &App, section: &str) -> Response {
    let etag = read(app, section).etag();
    app.editor().verb(&format!("/v1/sections/{section}/restore"), &etag)
}

fn paths(app: &App) -> Vec<String> {
    let page = app.anonymous().get("/v1/sections?limit=100").expect(200).json();
    page["data"].as_array().unwrap().iter().map(|section| section["path"].as_str().unwrap().to_owned()).collect()
}

fn titles(app: &App, query: &str) -> Vec<String> {
    let page = app.anonymous().get(&format!("/v1/articles?{query}")).expect(200).json();
    let mut titles: Vec<String> =
        page["data"].as_array().unwrap().iter().map(|a| a["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

both! {
    fn a_section_is_created_read_changed_trashed_and_restored(app) {
        let created = app.editor().post("/v1/sections", json!({ "name": "IFP Exclusive", "description": "Reports found nowhere else.", "position": 3 })).expect(201);
        let path = format!("/v1/sections/{}", id(&created));
        assert_eq!(created.header("location"), Some(path.as_str()));
        let section = created.json();
        assert_eq!([&section["slug"], &section["path"]], ["ifp-exclusive", "ifp-exclusive"]);
        assert_eq!((&section["position"], &section["parent"], &section["revision"]), (&json!(3), &Value::Null, &json!(1)));

        // Readers see it at once, by its id and by its slug, and nothing of the desk.
        for address in [path.as_str(), "/v1/sections/ifp-exclusive"] {
            let live = app.anonymous().get(address).expect(200);
            assert_eq!(live.json()["description"], "Reports found nowhere else.");
            assert_eq!(live.json().get("revision"), None);
            assert!(live.header("cache-control").unwrap().contains("public"));
            assert_ne!(live.etag(), created.etag());
        }
        app.anonymous().get(&format!("{path}?view=working")).expect(401);
        let working = app.author().get(&format!("{path}?view=working")).expect(200);
        assert_eq!((working.etag(), working.header("cache-control").unwrap().contains("no-store")), (created.etag(), true));

        let changed = app.editor().patch(&path, &created.etag(), json!({ "description": null, "name": "Exclusive" })).expect(200);
        assert_eq!((&changed.json()["name"], &changed.json()["description"], &changed.json()["slug"]), (&json!("Exclusive"), &Value::Null, &json!("ifp-exclusive")));
        assert_eq!(app.editor().patch(&path, &changed.etag(), json!({ "name": "Exclusive" })).expect(200).etag(), "\"r2\"");

        let trashed = app.editor().delete(&path, &changed.etag()).expect(204);
        for address in [path.as_str(), "/v1/sections/ifp-exclusive"] {
            app.anonymous().get(address).expect(404);
        }
        assert_eq!(paths(app), Vec::<String>::new());
        let trash = app.editor().get("/v1/sections?view=working&trashed=true").expect(200).json();
        assert_eq!(trash["data"][0]["id"], section["id"]);
        assert!(trash["data"][0]["trashed_at"].is_string());
        app.anonymous().get("/v1/sections?trashed=true").expect(400);
        assert_eq!(app.editor().patch(&path, &trashed.etag(), json!({ "name": "X" })).expect(409).problem(), "invalid_transition");
        assert_eq!(app.editor().post("/v1/sections", json!({ "name": "X", "slug": "ifp-exclusive" })).expect(409).problem(), "slug_taken");
        app.editor().verb(&format!("{path}/restore"), &trashed.etag()).expect(200);
        assert_eq!(restore(app, &id(&created)).expect(409).problem(), "invalid_transition");
        app.anonymous().get("/v1/sections/ifp-exclusive").expect(200);
    }

    fn every_fault_of_an_input_is_named(app) {
        let post = |body: Value| app.editor().post("/v1/sections", body).expect(422).pointers();

        assert_eq!(post(json!({})), ["/name"]);
        let mut all = post(json!({ "name": "", "slug": "A B", "description": 1, "parent": 7, "position": -1, "path": "x" }));
        all.sort();
        assert_eq!(all, ["/description", "/name", "/parent", "/path", "/position", "/slug"]);
        for (name, value) in [
            ("name", json!("x".repeat(101))), ("name", json!("a\u{0}b")), ("name", json!(7)), ("description", json!("x".repeat(1001))),
            ("slug", json!("new")), ("slug", json!("..")), ("slug", json!("a/b")), ("slug", json!("-")), ("slug", json!("")), ("slug", json!("x".repeat(121))),
            ("slug", json!(uuid::Uuid::now_v7())), ("slug", json!("Ａ")), ("parent", json!("nowhere")), ("parent", json!(uuid::Uuid::now_v7())),
            ("position", json!(100_001)), ("position", json!(1.5)), ("position", json!("1")), ("id", json!(uuid::Uuid::now_v7())), ("children", json!([])),
        ] {
            let mut body = json!({ "name": "World" });
            body[name] = value.clone();
            assert_eq!(post(body), [format!("/{name}")], "{name} {value}");
        }
        assert_eq!(paths(app), Vec::<String>::new());
    }

    fn the_tree_is_flat_or_nested(app) {
        chain(app, &["World", "Asia", "Iran"]);
        create(app, "Europe", Some("world"));
        patch(app, "europe", json!({ "position": 0 })).expect(200);
        patch(app, "asia", json!({ "position": 1 })).expect(200);
        create(app, "Culture", None);

        assert_eq!(paths(app), ["culture", "world", "world/asia", "world/asia/iran", "world/europe"]);
        let tree = app.anonymous().get("/v1/sections?tree=true").expect(200).json();
        let slugs = |value: &Value| -> Vec<String> { value.as_array().unwrap().iter().map(|s| s["slug"].as_str().unwrap().to_owned()).collect() };
        assert_eq!(slugs(&tree["data"]), ["culture", "world"]);
        assert_eq!(slugs(&tree["data"][1]["children"]), ["europe", "asia"]);
        assert_eq!(slugs(&tree["data"][1]["children"][1]["children"]), ["iran"]);
        assert_eq!(tree["data"][0]["children"], json!([]));
        assert_eq!(tree["page"]["next"], Value::Null);
        assert_eq!(app.editor().get("/v1/sections?tree=true&view=working").expect(200).json()["data"][0]["revision"], 1);
        let iran = app.anonymous().get("/v1/sections/iran").expect(200).json();
        assert_eq!((&iran["parent"]["slug"], &iran["parent"]["path"]), (&json!("asia"), &json!("world/asia")));

        let first = app.anonymous().get("/v1/sections?limit=2").expect(200).json();
        let next = first["page"]["next"].as_str().unwrap();
        let second = app.anonymous().get(&format!("/v1/sections?limit=2&cursor={next}")).expect(200).json();
        assert_eq!(slugs(&second["data"]), ["asia", "iran"]);
        let back = app.anonymous().get(&format!("/v1/sections?limit=2&cursor={}", second["page"]["prev"].as_str().unwrap())).expect(200).json();
        assert_eq!(slugs(&back["data"]), ["culture", "world"]);
        for query in ["limit=0", "limit=101", "tree=yes", "cursor=x", "x=1", "view=all", &format!("cursor={next}x")] {
            app.anonymous().get(&format!("/v1/sections?{query}")).expect(400);
        }
        // A cursor of one view is none of another.
        app.editor().get(&format!("/v1/sections?view=working&cursor={next}")).expect(400);
    }

    fn a_tree_is_one_answer_and_has_no_cursor(app) {
        for name in ["World", "Asia", "Sport"] {
            create(app, name, None);
        }
        let next = app.anonymous().get("/v1/sections?limit=1").expect(200).json()["page"]["next"].as_str().unwrap().to_owned();
        app.anonymous().get(&format!("/v1/sections?limit=1&cursor={next}")).expect(200);

        for cursor in [next.as_str(), "AAAA", ""] {
            for query in ["tree=true", "tree=true&limit=1", "tree=true&view=working"] {
                let refused = app.editor().get(&format!("/v1/sections?{query}&cursor={cursor}")).expect(400);
                assert_eq!(refused.pointers(), ["/cursor"], "{query} {cursor}");
            }
        }
        let tree = app.anonymous().get("/v1/sections?tree=true&limit=1").expect(200).json();
        assert_eq!((tree["data"].as_array().unwrap().len(), &tree["page"]["next"], &tree["page"]["prev"]), (3, &Value::Null, &Value::Null));
    }

    fn renaming_and_moving_carry_all_that_is_below(app) {
        chain(app, &["World", "Asia", "Iran"]);
        // Not below it, although its path begins alike.
        create(app, "World-cup", None);
        create(app, "Region", None);
        app.published("Harbor", json!({ "section": "iran" }));
        let urls = || {
            let article = app.anonymous().get("/v1/articles/harbor").expect(200).json();
            (article["section"]["path"].as_str().unwrap().to_owned(), article["section"]["name"].clone())
        };

        patch(app, "world", json!({ "slug": "globe", "name": "Globe" })).expect(200);
        assert_eq!(paths(app), ["globe", "globe/asia", "globe/asia/iran", "region", "world-cup"]);
        assert_eq!(urls(), ("globe/asia/iran".to_owned(), json!("Iran")));
        assert_eq!(app.anonymous().get("/v1/sections/asia").expect(200).json()["parent"]["name"], "Globe");

        patch(app, "asia", json!({ "parent": "region" })).expect(200);
        assert_eq!(paths(app), ["globe", "region", "region/asia", "region/asia/iran", "world-cup"]);
        assert_eq!(urls().0, "region/asia/iran");
        for (section, expected) in [("region", vec!["Harbor"]), ("asia", vec!["Harbor"]), ("iran", vec!["Harbor"]), ("globe", vec![]), ("world-cup", vec![])] {
            assert_eq!(titles(app, &format!("section={section}")), expected, "{section}");
        }

        patch(app, "asia", json!({ "parent": null })).expect(200);
        assert_eq!(paths(app), ["asia", "asia/iran", "globe", "region", "world-cup"]);
        assert_eq!(titles(app, "section=region"), Vec::<String>::new());
        assert_eq!(titles(app, "section=asia"), ["Harbor"]);
    }

    fn the_tree_stays_a_tree_of_eight_levels(app) {
        chain(app, &["l1", "l2", "l3", "l4", "l5", "l6", "l7", "l8"]);
        chain(app, &["m1", "m2"]);
        let faults = |answer: Response| {
            let problem = answer.expect(422).json();
            (problem["errors"][0]["pointer"].as_str().unwrap().to_owned(), problem["errors"][0]["code"].as_str().unwrap().to_owned())
        };
        let fault = |code: &str| ("/parent".to_owned(), code.to_owned());

        for below in ["l1", "l2", "l8"] {
            assert_eq!(faults(patch(app, "l1", json!({ "parent": below }))), fault("cycle"));
        }
        assert_eq!(faults(app.editor().post("/v1/sections", json!({ "name": "l9", "parent": "l8" }))), fault("too_deep"));
        assert_eq!(faults(patch(app, "m1", json!({ "parent": "l7" }))), fault("too_deep"));
        patch(app, "m1", json!({ "parent": "l6" })).expect(200);
        assert!(paths(app).contains(&"l1/l2/l3/l4/l5/l6/m1/m2".to_owned()));
        patch(app, "m2", json!({ "parent": "l1" })).expect(200);

        // What waits in the trash comes back no deeper either.
        patch(app, "m1", json!({ "parent": null })).expect(200);
        patch(app, "m2", json!({ "parent": "m1" })).expect(200);
        trash(app, "m2").expect(204);
        patch(app, "m1", json!({ "parent": "l7" })).expect(200);
        assert_eq!(restore(app, "m2").expect(409).problem(), "invalid_transition");
        patch(app, "m1", json!({ "parent": "l6" })).expect(200);
        assert_eq!(restore(app, "m2").expect(200).json()["path"], "l1/l2/l3/l4/l5/l6/m1/m2");
    }

    fn a_site_has_at_most_500_sections(app) {
        let columns = "INSERT INTO sections (id, slug, name, path, position, revision, created_at, updated_at)";
        let values = "'s' || i, 'S', 's' || i, 0, 1, '2026-01-02 03:04:05.678', '2026-01-02 03:04:05.678'";
        app.database.sql(&match app.database.backend {
            Backend::Sqlite => format!("{columns} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 499) SELECT randomblob(16), {values} FROM n"),
            Backend::Postgres => format!("{columns} SELECT gen_random_uuid(), {values} FROM generate_series(1, 499) AS n (i)").replace("'2026-01-02 03:04:05.678'", "TIMESTAMP '2026-01-02 03:04:05.678'"),
        });
        create(app, "The last", None);

        let refused = app.editor().post("/v1/sections", json!({ "name": "One too many" })).expect(422);

        assert_eq!(refused.json()["errors"][0]["code"], "too_many");
        let tree = app.anonymous().get("/v1/sections?tree=true").expect(200).json();
        assert_eq!(tree["data"].as_array().unwrap().len(), 500);
        app.editor().delete("/v1/sections/the-last", "*").expect(204);
        create(app, "Instead", None);
        assert_eq!(app.editor().verb("/v1/sections/the-last/restore", "*").expect(409).problem(), "invalid_transition");
    }

    fn a_new_name_is_news_in_the_sections_below_too(app) {
        chain(app, &["World", "Asia", "Iran"]);
        for (patch, affected) in [(json!({ "name": "The world" }), ["world", "asia"].as_slice()), (json!({ "slug": "globe" }), &["asia", "iran"])] {
            crate::articles::age(app);
            let ask = |section: &str| app.anonymous().get(&format!("/v1/sections/{section}")).expect(200);
            let old: Vec<_> = affected.iter().map(|section| ask(section)).collect();

            app.editor().patch("/v1/sections/world", "*", patch.clone()).expect(200);

            for (section, old) in affected.iter().zip(&old) {
                let client = app.anonymous();
                let path = format!("/v1/sections/{section}");
                let asked = client.request("GET", &path).header("if-modified-since", old.header("last-modified").unwrap());
                assert_ne!(asked.send().expect(200).bytes, old.bytes, "{patch} {section}");
            }
        }
    }

    fn a_section_in_use_stays(app) {
        chain(app, &["World", "Asia"]);
        app.draft("One", json!({ "section": "world" }));
        app.published("Two", json!({ "section": "world" }));

        let refused = trash(app, "world").expect(409);
        assert_eq!((refused.problem().as_str(), &refused.json()["uses"]), ("in_use", &json!(3)));
        assert_eq!(refused.json()["detail"], "The section is used by 2 articles and 1 section below it.");

        // A live article that has moved in its working copy is still there for readers.
        let article = app.published("Three", json!({ "section": "asia" }));
        app.editor().patch(&format!("/v1/articles/{}", id(&article)), &article.etag(), json!({ "section": "world" })).expect(200);
        assert_eq!(trash(app, "asia").expect(409).json()["uses"], 1);
    }

    fn a_section_comes_back_to_where_the_one_above_is(app) {
        chain(app, &["World", "Asia"]);
        trash(app, "asia").expect(204);
        patch(app, "world", json!({ "slug": "globe" })).expect(200);
        assert_eq!(restore(app, "asia").expect(200).json()["path"], "globe/asia");

        trash(app, "asia").expect(204);
        trash(app, "globe").expect(204);
        assert_eq!(restore(app, "asia").expect(409).problem(), "invalid_transition");
        assert_eq!(app.editor().post("/v1/sections", json!({ "name": "X", "parent": "globe" })).expect(422).pointers(), ["/parent"]);
        restore(app, "globe").expect(200);
        restore(app, "asia").expect(200);
        assert_eq!(paths(app), ["globe", "globe/asia"]);
    }

    fn a_former_slug_leads_on_for_ever(app) {
        let created = create(app, "World", None);
        for slug in ["globe", "planet"] {
            patch(app, &id(&created), json!({ "slug": slug })).expect(200);
        }
        let etag = read(app, "planet").etag();

        for old in ["world", "globe", "World", "GLOBE"] {
            let moved = app.anonymous().get(&format!("/v1/sections/{old}")).expect(301);
            assert_eq!(moved.header("location"), Some("/v1/sections/planet"));
            let working = app.editor().get(&format!("/v1/sections/{old}?view=working")).expect(301);
            assert_eq!(working.header("location"), Some("/v1/sections/planet?view=working"));
            let write = app.editor().patch(&format!("/v1/sections/{old}"), &etag, json!({ "name": "X" })).expect(308);
            assert_eq!(write.header("location"), Some("/v1/sections/planet"));
            app.editor().delete(&format!("/v1/sections/{old}"), &etag).expect(308);
            let verb = app.editor().verb(&format!("/v1/sections/{old}/restore"), &etag).expect(308);
            assert_eq!(verb.header("location"), Some("/v1/sections/planet/restore"));
            // Nobody without the right learns where it leads.
            app.author().patch(&format!("/v1/sections/{old}"), &etag, json!({ "name": "X" })).expect(403);
        }
        assert_eq!(read(app, "planet").etag(), etag);
        assert_eq!(app.editor().post("/v1/sections", json!({ "name": "X", "slug": "world" })).expect(409).pointers(), ["/slug"]);
        assert_eq!(create(app, "World", None).json()["slug"], "world-2");
        assert_eq!(create(app, "X", Some("globe")).json()["path"], "planet/x");

        // It may go back to a slug that it had.
        patch(app, "planet", json!({ "slug": "world" })).expect(200);
        assert_eq!(app.anonymous().get("/v1/sections/planet").expect(301).header("location"), Some("/v1/sections/world"));
        // What is in the trash leads nowhere.
        trash(app, "x").expect(204);
        trash(app, "world").expect(204);
        for slug in ["planet", "globe", "world", "x"] {
            app.anonymous().get(&format!("/v1/sections/{slug}")).expect(404);
        }
    }

    fn a_stale_write_is_refused_with_what_changed(app) {
        let created = create(app, "World", None);
        let path = format!("/v1/sections/{}", id(&created));
        app.editor().patch(&path, "\"r1\"", json!({ "name": "Globe" })).expect(200);

        let stale = app.editor().patch(&path, "\"r1\"", json!({ "position": 4, "name": "Planet" })).expect(412).json();
        assert_eq!(stale["current_etag"], "\"r2\"");
        assert_eq!(stale["members"]["name"], json!({ "base": "World", "yours": "Planet", "theirs": "Globe" }));
        assert_eq!(stale["members"]["position"], json!({ "base": 0, "yours": 4, "theirs": 0 }));
        assert_eq!(stale["members"].get("slug"), None);
        let live = app.anonymous().get(&path).expect(200).etag();
        for etag in [live.as_str(), "\"r9\""] {
            app.editor().patch(&path, etag, json!({ "name": "X" })).expect(412);
        }
        app.editor().request("PATCH", &path).json(&json!({ "name": "X" })).send().expect(428);
        app.editor().request("DELETE", &path).send().expect(428);
        assert_eq!(read(app, "world").json()["name"], "Globe");
    }

    fn names_in_any_script_make_slugs(app) {
        for (name, slug) in [("Café", "café"), ("Cafe\u{301}", "café-2"), ("اخبار ایران", "اخبار-ایران"), ("اخبار ايران", "اخبار-ايران-2"), ("ﬁlm", "film"), ("New", "new-1")] {
            assert_eq!(create(app, name, None).json()["slug"], slug, "{name}");
        }
        let nameless = create(app, "🎉", None).json();
        assert!(nameless["slug"].as_str().unwrap().starts_with("section-"), "{nameless}");
        assert_eq!(app.anonymous().get("/v1/sections/caf%C3%A9").expect(200).json()["name"], "Café");
        assert_eq!(app.anonymous().get("/v1/sections/cafe%CC%81").expect(301).header("location"), Some("/v1/sections/caf%C3%A9"));
    }
}
