//! Staff profiles from outside: persons and organizations, their bios (S59), and where they show.

use serde_json::{Value, json};

use crate::support::{App, Response, both, id};

fn create(app: &App, body: Value) -> Response {
    app.editor().post("/v1/staff", body).expect(201)
}

fn read(app: &App, staff: &str) -> Response {
    app.editor().get(&format!("/v1/staff/{staff}?view=working")).expect(200)
}

fn patch(app: &App, staff: &str, patch: Value) -> Response {
    let etag = read(app, staff).etag();
    app.editor().patch(&format!("/v1/staff/{staff}"), &etag, patch)
}

fn trash(app: &App, staff: &str) -> Response {
    let etag = read(app, staff).etag();
    app.editor().delete(&format!("/v1/staff/{staff}"), &etag)
}

fn slugs(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|profile| profile["slug"].as_str().unwrap()).collect()
}

both! {
    fn a_profile_is_created_read_changed_trashed_and_restored(app) {
        let input = json!({
            "name": "Mina Okafor", "title": "Foreign editor", "bio_html": "<p>Has reported from <b>three</b> continents.</p>", "contact_email": "Mina@Example.org",
            "contact_phone": "+44 20 7946 0000", "links": [{ "label": "Site", "url": "https://mina.example.org/" }],
        });
        let created = create(app, input);
        let path = format!("/v1/staff/{}", id(&created));
        assert_eq!(created.header("location"), Some(path.as_str()));
        let profile = created.json();
        assert_eq!((&profile["slug"], &profile["kind"], &profile["revision"]), (&json!("mina-okafor"), &json!("person"), &json!(1)));

        for address in [path.as_str(), "/v1/staff/mina-okafor"] {
            let live = app.anonymous().get(address).expect(200).json();
            for member in ["name", "title", "bio_html", "contact_email", "contact_phone", "links", "kind"] {
                assert_eq!(live[member], profile[member], "{member}");
            }
            assert!(live.get("revision").is_none() && live.get("warnings").is_none());
        }
        app.anonymous().get(&format!("{path}?view=working")).expect(401);
        assert_eq!(app.author().get(&format!("{path}?view=working")).expect(200).etag(), created.etag());

        let changed = app.editor().patch(&path, &created.etag(), json!({ "kind": "organization", "title": null, "bio_html": null, "contact_phone": null, "links": [] })).expect(200).json();
        assert_eq!((&changed["kind"], &changed["title"], &changed["bio_html"], &changed["contact_phone"]), (&json!("organization"), &Value::Null, &Value::Null, &Value::Null));
        assert_eq!((&changed["links"], &changed["contact_email"], &changed["revision"]), (&json!([]), &profile["contact_email"], &json!(2)));
        assert_eq!(app.editor().patch(&path, "\"r2\"", json!({ "kind": "organization" })).expect(200).etag(), "\"r2\"");

        let trashed = app.editor().delete(&path, "\"r2\"").expect(204);
        for address in [path.as_str(), "/v1/staff/mina-okafor"] {
            app.anonymous().get(address).expect(404);
        }
        assert_eq!(app.anonymous().get("/v1/staff").expect(200).json()["data"], json!([]));
        assert_eq!(slugs(&app.editor().get("/v1/staff?view=working&trashed=true").expect(200).json()), ["mina-okafor"]);
        assert_eq!(app.editor().patch(&path, &trashed.etag(), json!({ "name": "X" })).expect(409).problem(), "invalid_transition");
        assert_eq!(app.editor().post("/v1/articles", json!({ "title": "T", "authors": [{ "staff": "mina-okafor" }] })).expect(422).pointers(), ["/authors/0/staff"]);
        let restored = app.editor().verb(&format!("{path}/restore"), &trashed.etag()).expect(200);
        assert_eq!(app.editor().verb(&format!("{path}/restore"), &restored.etag()).expect(409).problem(), "invalid_transition");
        app.anonymous().get(&path).expect(200);
    }

    fn every_fault_of_an_input_is_named(app) {
        let post = |body: Value| app.editor().post("/v1/staff", body).expect(422).pointers();

        assert_eq!(post(json!({})), ["/name"]);
        for (name, value) in [
            ("name", json!("x".repeat(201))), ("name", json!("two\nlines")), ("kind", json!("robot")), ("kind", json!(1)), ("title", json!("x".repeat(201))),
            ("bio_html", json!("x".repeat(65_537))), ("bio_html", json!("a\u{0}b")), ("bio_html", json!(["<p>x</p>"])), ("contact_email", json!("x")), ("contact_email", json!("a@b@c.test")),
            ("contact_phone", json!("call me")), ("contact_phone", json!("1".repeat(41))), ("links", json!("x")), ("slug", json!("search")), ("slug", json!("Mina")),
            ("user", json!("x")), ("email", json!("mina@newsroom.test")), ("password", json!("x")), ("warnings", json!([])), ("revision", json!(1)),
        ] {
            let mut body = json!({ "name": "Mina" });
            body[name] = value.clone();
            assert_eq!(post(body), [format!("/{name}")], "{name}");
        }
        for url in ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x", "//evil.test", "/x", "x", "", "file:///etc/passwd", "http://"] {
            let pointers = post(json!({ "name": "Mina", "links": [{ "label": "Site", "url": url }] }));
            assert!(pointers.iter().all(|pointer| pointer.starts_with("/links/0")), "{url}: {pointers:?}");
        }
        let many: Vec<Value> = (0..21).map(|index| json!({ "label": "Site", "url": format!("https://example.org/{index}") })).collect();
        assert_eq!(post(json!({ "name": "Mina", "links": many })), ["/links"]);
        assert_eq!(app.anonymous().get("/v1/staff").expect(200).json()["data"], json!([]));
    }

    fn a_bio_is_safe_to_put_on_a_page(app) {
        let hostile = [
            "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href=\"javascript:alert(1)\">x</a>", "<a href=\"java\tscript:alert(1)\">x</a>",
            "<a href=\"&#106;avascript:alert(1)\">x</a>", "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>", "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
            "<svg onload=alert(1)><animate onbegin=alert(1)></svg>", "<math><mi xlink:href=\"javascript:alert(1)\">x</mi></math>", "<style>*{background:url(//evil.test)}</style>",
            "<base href=\"//evil.test\">", "<form action=\"//evil.test\"><button>x</button></form>", "<meta http-equiv=refresh content=\"0;url=//evil.test\">",
            "<p onclick=alert(1) style=\"x:expression(alert(1))\">x</p>", "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>", "<!--><img src=x onerror=alert(1)>-->",
            "<object data=//evil.test></object><embed src=//evil.test>", "<video><source onerror=alert(1)></video>", "<a href=\"//evil.test\" target=_blank>x</a>",
            "<svg><style><img src=x onerror=alert(1)></style></svg>", "<template><script>alert(1)</script></template>", "<link rel=stylesheet href=//evil.test>",
        ];
        for (index, html) in hostile.into_iter().enumerate() {
            let answer = create(app, json!({ "name": "Mina Okafor", "bio_html": format!("<p>Before.</p>{html}<p>After.</p>") }));
            let bio = answer.json()["bio_html"].as_str().unwrap().to_owned();
            assert!(bio.contains("Before.") && bio.contains("After."), "{html}: {bio}");
            // What a writer would miss is named: scripts, pictures, links.
            let has_warnings = answer.json()["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty());
            assert!(has_warnings || index > 5, "{html}: {}", answer.text());
            let mut rest = bio.to_lowercase();
            for good in ["<p>", "</p>", "<a href=\"", "</a>", "<br>"] {
                rest = rest.replace(good, "");
            }
            assert!(!rest.contains('<'), "{html}: {bio}");
            for bad in ["href=\"javascript", "href=\"data", "href=\"//", "onerror=", "onload="] {
                assert!(!bio.to_lowercase().contains(&format!("<a {bad}")) || bio.contains("&lt;"), "{html}: {bio}");
            }
            assert!(!bio.contains("href=\"j") && !bio.contains("href=\"data") && !bio.contains("href=\"//"), "{html}: {bio}");
        }
        let kept = "<p>Has <strong>reported</strong> from <a href=\"https://example.org/\" rel=\"noopener\">three</a> &lt;continents&gt;.</p>";
        let good = create(app, json!({ "name": "Reza", "bio_html": kept })).json();
        assert_eq!((good["bio_html"].as_str(), good.get("warnings")), (Some(kept), None));
        // Warnings are of that write only; a patch of something else keeps the bio as it is.
        let changed = patch(app, "reza", json!({ "title": "Editor" })).expect(200).json();
        assert_eq!(changed["bio_html"], kept);
        let emptied = patch(app, "reza", json!({ "bio_html": "<p> </p><script>x</script>" })).expect(200).json();
        assert_eq!(emptied["bio_html"], Value::Null);
        let answer = app.anonymous().get("/v1/staff/reza").expect(200);
        assert_eq!((answer.header("content-type"), answer.header("x-content-type-options")), (Some("application/json"), Some("nosniff")));
    }

    fn a_bio_is_written_as_html_or_as_markdown_and_read_as_html(app) {
        let markdown = "Has reported from **three** [continents](https://example.org/).\n\n- Reef\n- Ports";
        let created = create(app, json!({ "name": "Mina Okafor", "bio_markdown": markdown }));
        let html = "<p>Has reported from <strong>three</strong> <a href=\"https://example.org/\" rel=\"noopener\">continents</a>.</p>\n<ul>\n<li>Reef</li>\n<li>Ports</li>\n</ul>";
        let flat = |text: &str| text.replace('\n', "");
        assert_eq!(flat(created.json()["bio_html"].as_str().unwrap()), flat(html));
        let public = app.anonymous().get("/v1/staff/mina-okafor").expect(200).json();
        assert_eq!((&public["bio_html"], public.get("bio_markdown")), (&created.json()["bio_html"], None));
        let article = app.published("Harbor", json!({ "authors": [{ "staff": "mina-okafor" }] }));
        let author = app.anonymous().get(&format!("/v1/articles/{}", id(&article))).expect(200).json()["authors"][0].clone();
        assert_eq!(author["bio_html"], public["bio_html"]);

        let changed = patch(app, "mina-okafor", json!({ "bio_markdown": "*Now* the editor." })).expect(200).json();
        assert_eq!((&changed["bio_html"], &changed["revision"]), (&json!("<p><em>Now</em> the editor.</p>"), &json!(2)));
        // The same words in the other form are no change.
        let same = patch(app, "mina-okafor", json!({ "bio_html": "<p><em>Now</em> the editor.</p>" })).expect(200).json();
        assert_eq!(same["revision"], 2);
        assert_eq!(patch(app, "mina-okafor", json!({ "bio_markdown": null })).expect(200).json()["bio_html"], Value::Null);

        let both = json!({ "bio_html": "<p>A</p>", "bio_markdown": "B" });
        assert_eq!(patch(app, "mina-okafor", both.clone()).expect(422).pointers(), ["/bio_markdown"]);
        let mut input = both;
        input["name"] = json!("Reza");
        let refused = app.editor().post("/v1/staff", input).expect(422);
        assert_eq!((refused.pointers(), &refused.json()["errors"][0]["code"]), (vec!["/bio_markdown".to_owned()], &json!("conflict")));
        app.anonymous().get("/v1/staff/reza").expect(404);
        for wrong in [json!(1), json!("x".repeat(65_537)), json!("a\u{0}b")] {
            assert_eq!(patch(app, "mina-okafor", json!({ "bio_markdown": wrong })).expect(422).pointers(), ["/bio_markdown"]);
        }
        let hostile = patch(app, "mina-okafor", json!({ "bio_markdown": "Hi <script>alert(1)</script> [x](javascript:alert(1))" })).expect(200).json();
        let bio = hostile["bio_html"].as_str().unwrap();
        assert!(!bio.contains("<script") && !bio.contains("href=\"javascript"), "{bio}");
        assert!(!hostile["warnings"].as_array().unwrap().is_empty());
    }

    fn a_new_name_shows_at_once_in_every_byline(app) {
        let created = create(app, json!({ "name": "Mina Okafor" }));
        let article = app.published("Harbor", json!({ "authors": [{ "staff": "mina-okafor", "role": "photographer" }] }));
        let path = format!("/v1/articles/{}", id(&article));
        let before = app.anonymous().get(&path).expect(200);

        patch(app, "mina-okafor", json!({ "name": "Mina Berg", "slug": "mina-berg", "title": "Foreign editor" })).expect(200);

        let after = app.anonymous().get(&path).expect(200);
        let author = &after.json()["authors"][0];
        assert_eq!([&author["name"], &author["slug"], &author["title"], &author["role"]], ["Mina Berg", "mina-berg", "Foreign editor", "photographer"]);
        assert_eq!(author["id"], created.json()["id"]);
        assert_ne!(before.etag(), after.etag());
        assert_eq!(app.anonymous().get("/v1/articles?author=mina-berg").expect(200).json()["data"].as_array().unwrap().len(), 1);
    }

    fn a_profile_in_use_stays(app) {
        create(app, json!({ "name": "Mina Okafor" }));
        let draft = app.draft("One", json!({ "authors": [{ "staff": "mina-okafor" }, { "staff": "mina-okafor", "role": "photographer" }] }));
        let live = app.published("Two", json!({ "authors": [{ "staff": "mina-okafor" }] }));

        let refused = trash(app, "mina-okafor").expect(409);
        assert_eq!((refused.problem().as_str(), &refused.json()["uses"]), ("in_use", &json!(2)));
        assert_eq!(refused.json()["detail"], "The staff profile is used by 2 articles.");

        app.editor().delete(&format!("/v1/articles/{}", id(&draft)), &draft.etag()).expect(204);
        // Gone from the working copy, but readers still see it.
        let changed = app.editor().patch(&format!("/v1/articles/{}", id(&live)), &live.etag(), json!({ "authors": [] })).expect(200);
        assert_eq!(trash(app, "mina-okafor").expect(409).json()["detail"], "The staff profile is used by 1 article.");
        app.editor().verb(&format!("/v1/articles/{}/publish", id(&live)), &changed.etag()).expect(200);
        trash(app, "mina-okafor").expect(204);
    }

    fn profiles_are_listed_by_slug_and_kind(app) {
        for (name, kind) in [("Delta", "person"), ("Alpha", "organization"), ("Charlie", "person"), ("Bravo", "person")] {
            create(app, json!({ "name": name, "kind": kind }));
        }
        assert_eq!(slugs(&app.anonymous().get("/v1/staff").expect(200).json()), ["alpha", "bravo", "charlie", "delta"]);
        assert_eq!(slugs(&app.anonymous().get("/v1/staff?kind=organization").expect(200).json()), ["alpha"]);
        let first = app.anonymous().get("/v1/staff?kind=person&limit=2").expect(200).json();
        let next = first["page"]["next"].as_str().unwrap();
        let second = app.anonymous().get(&format!("/v1/staff?kind=person&limit=2&cursor={next}")).expect(200).json();
        assert_eq!((slugs(&first), slugs(&second)), (vec!["bravo", "charlie"], vec!["delta"]));
        let prev = second["page"]["prev"].as_str().unwrap();
        assert_eq!(slugs(&app.anonymous().get(&format!("/v1/staff?kind=person&limit=2&cursor={prev}")).expect(200).json()), ["bravo", "charlie"]);
        for query in ["kind=robot", "limit=0", "limit=1000000", "q=mina", "include=articles", "sort=password_hash", "email=x", "trashed=true", &format!("cursor={next}"), "filter[user][email]=x"] {
            app.anonymous().get(&format!("/v1/staff?{query}")).expect(400);
        }
    }

    fn a_former_slug_leads_on_for_ever(app) {
        create(app, json!({ "name": "Mina Okafor" }));
        patch(app, "mina-okafor", json!({ "slug": "mina-berg" })).expect(200);

        assert_eq!(app.anonymous().get("/v1/staff/mina-okafor").expect(301).header("location"), Some("/v1/staff/mina-berg"));
        assert_eq!(app.editor().get("/v1/staff/mina-okafor?view=working").expect(301).header("location"), Some("/v1/staff/mina-berg?view=working"));
        assert_eq!(app.editor().patch("/v1/staff/mina-okafor", "*", json!({ "name": "X" })).expect(308).header("location"), Some("/v1/staff/mina-berg"));
        assert_eq!(app.editor().delete("/v1/staff/mina-okafor", "*").expect(308).header("location"), Some("/v1/staff/mina-berg"));
        assert_eq!(app.editor().post("/v1/staff", json!({ "name": "X", "slug": "mina-okafor" })).expect(409).problem(), "slug_taken");
        assert_eq!(create(app, json!({ "name": "Mina Okafor" })).json()["slug"], "mina-okafor-2");
        // In references, too.
        app.draft("Harbor", json!({ "authors": [{ "staff": "mina-okafor" }] }));
        let draft = app.editor().get("/v1/articles/harbor?view=working").expect(200).json();
        assert_eq!(draft["authors"][0]["slug"], "mina-berg");
    }

    fn a_stale_write_is_refused_with_what_changed(app) {
        let created = create(app, json!({ "name": "Mina Okafor", "bio_html": "<p>One.</p>" }));
        let path = format!("/v1/staff/{}", id(&created));
        app.editor().patch(&path, "\"r1\"", json!({ "bio_html": "<p>Two.</p>" })).expect(200);

        let stale = app.editor().patch(&path, "\"r1\"", json!({ "bio_html": "<p>Three.</p>" })).expect(412).json();
        assert_eq!(stale["current_etag"], "\"r2\"");
        assert_eq!(stale["members"]["bio_html"], json!({ "base": "<p>One.</p>", "yours": "<p>Three.</p>", "theirs": "<p>Two.</p>" }));
        app.editor().request("PATCH", &path).json(&json!({ "name": "X" })).send().expect(428);
        app.editor().request("DELETE", &path).send().expect(428);
        app.editor().request("POST", &format!("{path}/restore")).json(&json!({})).send().expect(428);
        app.editor().delete(&path, "\"r1\"").expect(412);
    }

    fn a_public_profile_has_exactly_its_public_members(app) {
        let created = create(app, json!({ "name": "Mina Okafor" }));
        let input = json!({ "email": "cnrmail@newsroom.test", "name": "cnrNAME", "role": "admin", "staff": "mina-okafor" });
        app.admin().post("/v1/users", input).expect(201);

        for answer in [app.anonymous().get("/v1/staff/mina-okafor").expect(200).json(), app.anonymous().get("/v1/staff").expect(200).json()["data"][0].clone()] {
            let mut members: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
            members.sort_unstable();
            let public = ["bio_html", "contact_email", "contact_phone", "created_at", "id", "kind", "links", "name", "slug", "title", "updated_at", "url"];
            assert_eq!(members, public);
            assert!(!answer.to_string().contains("cnr"));
        }
        assert_eq!(app.anonymous().get("/v1/staff/mina-okafor").expect(200).json()["id"], id(&created));
    }
}
