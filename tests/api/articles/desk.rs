//! The desk: its list with filters and a search, its numbers, and what the working view says of the newsroom's work.

use frontpage::{articles::words, db::Db};
use serde_json::{Value, json};

use super::{address, change, verb, working};
use crate::support::{App, Backend, Client, both, id};

/// The titles of the desk's list.
fn titles(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("/v1/articles?view=working{query}")).expect(200).json();
    list["data"].as_array().unwrap().iter().map(|article| article["title"].as_str().unwrap().to_owned()).collect()
}

/// The same in the order of the alphabet.
fn sorted(client: &Client, query: &str) -> Vec<String> {
    let mut titles = titles(client, query);
    titles.sort();
    titles
}

/// What is not zero of the numbers.
fn counts(client: &Client, query: &str) -> Value {
    let mut counts = client.get(&format!("/v1/desk/counts?{query}")).expect(200).json();
    counts.as_object_mut().unwrap().retain(|_, number| *number != 0 && *number != json!([]));
    counts
}

fn account(client: &Client) -> String {
    id(&client.get("/v1/auth/me").expect(200))
}

fn kill(app: &App, address: &str) {
    let request = app.admin();
    let request = request.request("POST", &format!("{address}/kill")).header("if-match", "*");
    request.json(&json!({ "notice": "Gone." })).send().expect(200);
}

/// Files the words that were noted, as the servers of tests leave it to the tests.
fn file_words(app: &App) {
    let config = app.database.config(&[]);
    let db = Db::open(&config.database.location, &config.database.options).expect("the database opens");
    actix_web::rt::System::new().block_on(async { while words::file(&db).await.expect("the database works") {} });
}

both! {
    fn the_list_is_filtered_by_whom_an_article_is_assigned_to(app) {
        let (author, editor) = (account(&app.author()), account(&app.editor()));
        app.draft("For the author", json!({ "assigned_to": author }));
        app.draft("For the editor", json!({ "assigned_to": editor }));
        app.draft("For nobody", json!({}));

        assert_eq!(titles(&app.editor(), "&assigned_to=me"), ["For the editor"]);
        assert_eq!(titles(&app.editor(), &format!("&assigned_to={author}")), ["For the author"]);
        assert_eq!(titles(&app.editor(), "&assigned_to=none"), ["For nobody"]);
        assert_eq!(titles(&app.editor(), &format!("&assigned_to={}", uuid::Uuid::now_v7())), [""; 0]);
        // What is somebody else's does not become one's own by being assigned.
        assert_eq!(titles(&app.author(), "&assigned_to=me"), [""; 0]);
        assert_eq!(app.editor().get("/v1/articles?view=working&assigned_to=x").expect(400).pointers(), ["/assigned_to"]);
        assert_eq!(app.editor().get("/v1/articles?assigned_to=me&q=x").expect(400).pointers(), ["/assigned_to", "/q"]);
    }

    fn a_search_finds_words_and_their_beginnings_in_title_slug_and_kicker(app) {
        app.draft("Harbor reopens after the storm", json!({ "kicker": "Ports" }));
        app.draft("Ångström café opens", json!({ "slug": "a-new-place" }));
        app.draft("Don’t look back: 100% up", json!({}));
        app.draft("می\u{200c}خواهم زنده بمانم علی", json!({}));
        app.draft("在东京举行", json!({}));

        for (query, found) in [
            ("harbor", ["Harbor reopens after the storm"].as_slice()),
            ("HARB%20storm", &["Harbor reopens after the storm"]),
            ("ports+reop", &["Harbor reopens after the storm"]),
            ("arbor", &[]),
            ("harbor%20cafe", &[]),
            ("open", &["Ångström café opens"]),
            ("angstrom+CAFE", &["Ångström café opens"]),
            ("caf%C3%A9", &["Ångström café opens"]),
            ("new-place", &["Ångström café opens"]),
            ("dont", &["Don’t look back: 100% up"]),
            ("don't", &["Don’t look back: 100% up"]),
            ("100%25", &["Don’t look back: 100% up"]),
            ("%D8%B9%D9%84%D9%8A", &["می\u{200c}خواهم زنده بمانم علی"]),
            ("%E6%9D%B1", &[]),
            ("%E4%B8%9C%E4%BA%AC", &["在东京举行"]),
            ("re-opens", &[]),
        ] {
            assert_eq!(titles(&app.editor(), &format!("&q={query}")), found, "{query}");
        }
    }

    fn nothing_that_is_searched_for_is_a_pattern(app) {
        app.draft("Harbor", json!({}));
        for query in ["%25", "_", "%25arbor", "H_rbor", "%5C", "%22", "*", "harbor*", "(", "NEAR(harbor)", "harbor+OR+x", "harbor+AND+NOT+x", "-harbor+x", "^harbor'", "title:harbor", "%F0%9F%8E%89"] {
            let found = titles(&app.editor(), &format!("&q={query}"));
            let is_word_with_signs = matches!(query, "harbor*" | "^harbor'");
            assert_eq!(found.len(), usize::from(is_word_with_signs), "{query}: {found:?}");
        }
        for (query, status) in [
            ("%25".repeat(300), 200), ("a".repeat(300), 200), ("%22".repeat(300), 200), ("%25".repeat(1000), 400), ("a".repeat(301), 400),
            ((10..30).map(|n| n.to_string()).collect::<Vec<_>>().join("+"), 200),
            ((10..31).map(|n| n.to_string()).collect::<Vec<_>>().join("+"), 400),
            ("%00".to_owned(), 400), ("%FF".to_owned(), 400), (String::new(), 200),
        ] {
            for path in ["/v1/articles?view=working&q=", "/v1/desk/counts?q="] {
                let answer = app.editor().get(&format!("{path}{query}")).expect(status);
                if status == 400 && !query.starts_with("%00") && query != "%FF" {
                    assert_eq!(answer.pointers(), ["/q"], "{query}");
                }
            }
        }
    }

    fn a_search_follows_what_the_newest_revision_says(app) {
        let article = address(&app.draft("Harbor", json!({ "slug": "harbor" })));
        change(app, &article, json!({ "title": "Airport", "kicker": "Travel" })).expect(200);

        assert_eq!(titles(&app.editor(), "&q=airport"), ["Airport"]);
        assert_eq!(titles(&app.editor(), "&q=travel"), ["Airport"]);
        // The slug stays until somebody changes it.
        assert_eq!(titles(&app.editor(), "&q=harbor"), ["Airport"]);
        change(app, &article, json!({ "slug": "airport", "kicker": null })).expect(200);
        assert_eq!(titles(&app.editor(), "&q=harbor"), [""; 0]);
        assert_eq!(titles(&app.editor(), "&q=travel"), [""; 0]);
    }

    fn a_search_goes_with_the_other_filters_and_with_pages(app) {
        app.section("World");
        for number in 0..5 {
            app.draft(&format!("Harbor {number}"), json!({ "section": "world" }));
        }
        app.author().post("/v1/articles", json!({ "title": "Harbor of the author" })).expect(201);
        app.draft("Airport", json!({ "section": "world" }));

        assert_eq!(sorted(&app.editor(), "&q=harbor&section=world&state=draft&created_by=me&assigned_to=none").len(), 5);
        assert_eq!(titles(&app.author(), "&q=harbor"), ["Harbor of the author"]);
        let (mut seen, mut query) = (Vec::new(), "&q=harbor&limit=2".to_owned());
        loop {
            let page = app.editor().get(&format!("/v1/articles?view=working{query}")).expect(200).json();
            seen.extend(page["data"].as_array().unwrap().iter().map(|article| article["title"].as_str().unwrap().to_owned()));
            match page["page"]["next"].as_str() {
                Some(next) => query = format!("&q=harbor&limit=2&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, ["Harbor of the author", "Harbor 4", "Harbor 3", "Harbor 2", "Harbor 1", "Harbor 0"]);
        let other = app.editor().get("/v1/articles?view=working&q=harbor&limit=2").expect(200).json();
        let cursor = other["page"]["next"].as_str().unwrap();
        app.editor().get(&format!("/v1/articles?view=working&q=airport&limit=2&cursor={cursor}")).expect(400);
    }

    fn a_common_word_finds_as_a_rare_one_does(app) {
        app.draft("Harbor reopens", json!({}));
        app.draft("Harbor closes", json!({}));
        app.draft("Airport", json!({}));
        // Thousands of words more that begin with the same letters make the beginning common.
        app.database.sql(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5001) \
             INSERT INTO article_words (word, article_id) SELECT 'harb' || n, articles.id FROM numbers CROSS JOIN articles \
             WHERE title = 'Harbor closes'",
        );

        assert_eq!(sorted(&app.editor(), "&q=harb"), ["Harbor closes", "Harbor reopens"]);
        assert_eq!(titles(&app.editor(), "&q=harb+reop"), ["Harbor reopens"]);
        assert_eq!(titles(&app.editor(), "&q=harb+air"), [""; 0]);
        assert_eq!(counts(&app.editor(), "q=harb"), json!({ "draft": 2 }));
        assert_eq!(counts(&app.editor(), "q=harb+reop"), json!({ "draft": 1 }));
    }

    fn very_many_articles_are_looked_at_bit_by_bit(app) {
        app.draft("Harbor of old", json!({}));
        app.draft("Harbor reopens", json!({}));
        let copies = |n: usize, title: &str, state: &str, has_word: bool| {
            let id = match app.database.backend {
                Backend::Sqlite => "randomblob(16)",
                Backend::Postgres => "gen_random_uuid()",
            };
            app.database.sql(&format!(
                "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {n}) \
                 INSERT INTO articles (id, slug, title, state, content, body_digest, revision, edited_revision, corrections, \
                 created_at, created_by, updated_at, updated_by) \
                 SELECT {id}, '{state}-' || n, '{title}', '{state}', content, body_digest, 1, 1, '[]', \
                 created_at, created_by, updated_at, updated_by FROM articles, numbers WHERE title = 'Harbor reopens'"
            ));
            if has_word {
                app.database.sql(&format!(
                    "INSERT INTO article_words (word, article_id) SELECT 'harbor', id FROM articles WHERE title = '{title}'"
                ));
            }
        };
        copies(5_001, "A ship", "published", true);
        copies(10_001, "A storm", "draft", false);

        let first = app.editor().get("/v1/articles?view=working&q=harbor&state=draft").expect(200).json();
        let next = first["page"]["next"].as_str().expect("more to look through");
        let second = format!("/v1/articles?view=working&q=harbor&state=draft&cursor={next}");
        let second = app.editor().get(&second).expect(200).json();

        let mut found: Vec<&Value> = [&first, &second].iter().flat_map(|page| page["data"].as_array().unwrap()).collect();
        found.sort_by_key(|article| article["title"].as_str());
        assert_eq!(found.iter().map(|article| &article["title"]).collect::<Vec<_>>(), ["Harbor of old", "Harbor reopens"]);
        assert_eq!(second["page"]["next"], Value::Null);
        assert_eq!(second["page"]["prev"].as_str().map(|_| ()), Some(()));
        let counts = counts(&app.editor(), "q=harbor");
        assert_eq!((&counts["published"], &counts["at_least"]), (&json!(5_001), &json!(["draft"])));
    }

    fn what_is_not_filed_yet_is_found_as_what_is(app) {
        let article = address(&app.draft("Harbor", json!({ "slug": "one" })));
        let due = || app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM article_words_due");
        let filed = || app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM article_words");
        let found = || titles(&app.editor(), "&q=harb");
        assert_eq!((due().trim(), filed().trim(), found()), ("1", "0", vec!["Harbor".to_owned()]));

        file_words(app);

        assert_eq!((due().trim(), filed().trim(), found()), ("0", "2", vec!["Harbor".to_owned()]));
        change(app, &article, json!({ "title": "Airport" })).expect(200);
        assert_eq!((due().trim(), filed().trim(), found()), ("1", "1", vec![]));
        change(app, &article, json!({ "title": "Harbor" })).expect(200);
        assert_eq!((due().trim(), filed().trim(), found()), ("1", "1", vec!["Harbor".to_owned()]));
        file_words(app);
        assert_eq!((due().trim(), filed().trim(), found()), ("0", "2", vec!["Harbor".to_owned()]));
    }

    fn the_numbers_are_those_of_the_list_in_each_state(app) {
        app.section("World");
        app.draft("Draft", json!({}));
        app.draft("Another draft", json!({ "section": "world" }));
        verb(app, &address(&app.draft("In review", json!({}))), "submit").expect(200);
        let approved = address(&app.draft("Approved", json!({ "assigned_to": account(&app.author()) })));
        verb(app, &approved, "submit").expect(200);
        verb(app, &approved, "approve").expect(200);
        let scheduled = address(&app.draft("Scheduled", json!({ "section": "world" })));
        let times = json!({ "publish_at": "2999-01-01T00:00:00Z" });
        app.editor().request("POST", &format!("{scheduled}/schedule")).header("if-match", "*").json(&times).send().expect(200);
        app.published("Published", json!({}));
        verb(app, &address(&app.published("Withdrawn", json!({}))), "withdraw").expect(200);
        kill(app, &address(&app.published("Killed", json!({}))));
        app.editor().delete(&address(&app.draft("Trashed", json!({}))), "*").expect(204);
        app.author().post("/v1/articles", json!({ "title": "The author’s draft" })).expect(201);

        let all = app.editor().get("/v1/desk/counts").expect(200).json();
        assert_eq!(all, json!({ "draft": 3, "in_review": 1, "approved": 1, "scheduled": 1, "published": 1, "withdrawn": 1, "killed": 0, "at_least": [] }));
        assert_eq!(counts(&app.admin(), "")["killed"], 1);
        assert_eq!(counts(&app.author(), ""), json!({ "draft": 1 }));
        assert_eq!(counts(&app.editor(), "assigned_to=none")["approved"], Value::Null);
        assert_eq!(counts(&app.editor(), &format!("assigned_to={}", account(&app.author()))), json!({ "approved": 1 }));
        assert_eq!(counts(&app.editor(), &format!("created_by={}", account(&app.author()))), json!({ "draft": 1 }));
        assert_eq!(counts(&app.editor(), "section=world"), json!({ "draft": 1, "published": 1, "scheduled": 1, "withdrawn": 1 }));
        assert_eq!(counts(&app.editor(), "q=draft"), json!({ "draft": 3 }));
        assert_eq!(counts(&app.editor(), "trashed=true"), json!({ "draft": 1 }));
        assert_eq!(counts(&app.editor(), "updated_after=2999-01-01T00:00:00Z"), json!({}));
        for state in ["draft", "in_review", "approved", "scheduled", "published", "withdrawn", "killed"] {
            for client in [app.admin(), app.editor(), app.author()] {
                let number = client.get("/v1/desk/counts").expect(200).json()[state].clone();
                assert_eq!(titles(&client, &format!("&state={state}")).len(), number.as_u64().unwrap() as usize, "{state}");
            }
        }
        for (query, pointer) in [("state=draft", "/state"), ("section=nowhere", "/section"), ("created_by=x", "/created_by"), ("limit=5", "/limit")] {
            assert_eq!(app.editor().get(&format!("/v1/desk/counts?{query}")).expect(400).pointers(), [pointer]);
        }
    }

    fn what_was_killed_is_in_the_list_of_administrators_only(app) {
        kill(app, &address(&app.published("Killed", json!({}))));

        for query in ["", "&state=killed", "&q=killed", "&section=world"] {
            assert_eq!(titles(&app.admin(), query), ["Killed"], "{query}");
            assert_eq!(titles(&app.editor(), query), [""; 0], "{query}");
        }
    }

    fn assigning_an_article_changes_nothing_that_readers_could_see(app) {
        let author = account(&app.author());
        let article = address(&app.published("One", json!({})));
        let live = app.anonymous().get(&article).expect(200);

        let assigned = change(app, &article, json!({ "assigned_to": author })).expect(200).json();

        assert_eq!(assigned["assigned_to"], json!({ "id": author, "name": "author" }));
        assert_eq!((&assigned["has_unpublished_changes"], &assigned["revision"]), (&json!(false), &json!(3)));
        assert_eq!(app.anonymous().get(&article).expect(200).bytes, live.bytes);
        assert_eq!(verb(app, &article, "publish").expect(409).problem(), "invalid_transition");
        assert_eq!(change(app, &article, json!({ "assigned_to": null })).expect(200).json()["assigned_to"], Value::Null);
    }

    fn an_approved_article_stays_approved_when_it_is_assigned(app) {
        let own = address(&app.author().post("/v1/articles", json!({ "title": "One" })).expect(201));
        verb(app, &own, "submit").expect(200);
        let approved = verb(app, &own, "approve").expect(200);

        let assigned = app.author().patch(&own, &approved.etag(), json!({ "assigned_to": account(&app.editor()) })).expect(200);

        assert_eq!(assigned.json()["state"], "approved");
    }

    fn an_article_is_assigned_to_nobody_who_cannot_log_in(app) {
        let article = address(&app.draft("One", json!({})));
        let left = app.admin().post("/v1/users", json!({ "email": "left@newsroom.test", "name": "Left", "role": "author" })).expect(201);
        let refuse = |value: Value| {
            let refused = change(app, &article, json!({ "assigned_to": value })).expect(422);
            assert_eq!(refused.pointers(), ["/assigned_to"], "{value}");
        };
        refuse(json!(uuid::Uuid::now_v7().to_string()));
        refuse(json!("me"));
        refuse(json!(5));
        change(app, &article, json!({ "assigned_to": id(&left) })).expect(200);

        app.admin().patch(&format!("/v1/users/{}", id(&left)), &left.etag(), json!({ "disabled": true })).expect(200);

        // Who it was assigned to stays until somebody says otherwise.
        let changed = change(app, &article, json!({ "title": "Two" })).expect(200).json();
        assert_eq!(changed["assigned_to"]["id"], json!(id(&left)));
        change(app, &article, json!({ "assigned_to": null })).expect(200);
        refuse(json!(id(&left)));
    }

    fn an_embargo_is_a_change_that_takes_effect_with_the_next_publication(app) {
        app.section("World");
        let until = "2999-01-01T00:00:00.000Z";
        let article = address(&app.draft("One", json!({ "section": "world" })));

        let changed = change(app, &article, json!({ "embargo_until": "2999-01-01T01:00:00+01:00" })).expect(200).json();

        assert_eq!((&changed["embargo_until"], &changed["state"]), (&json!(until), &json!("draft")));
        let published = verb(app, &article, "publish").expect(200).json();
        assert_eq!((&published["state"], &published["published_at"]), (&json!("published"), &json!(until)));
        app.anonymous().get(&article).expect(404);
        let lifted = change(app, &article, json!({ "embargo_until": null })).expect(200).json();
        assert_eq!((&lifted["embargo_until"], &lifted["has_unpublished_changes"]), (&Value::Null, &json!(true)));
        app.anonymous().get(&article).expect(404);
        verb(app, &article, "publish").expect(200);
        app.anonymous().get(&article).expect(200);
        assert_eq!(change(app, &article, json!({ "embargo_until": "tomorrow" })).expect(422).pointers(), ["/embargo_until"]);
    }

    fn an_embargo_comes_too_late_for_what_readers_see(app) {
        let article = address(&app.published("One", json!({})));
        change(app, &article, json!({ "embargo_until": "2999-01-01T00:00:00Z" })).expect(200);

        assert_eq!(verb(app, &article, "publish").expect(409).problem(), "invalid_transition");
        app.anonymous().get(&article).expect(200);
    }

    fn the_working_view_tells_what_is_planned(app) {
        app.section("World");
        let article = address(&app.draft("One", json!({ "section": "world" })));
        let times = json!({ "publish_at": "2998-01-01T00:00:00Z", "withdraw_at": "2999-01-01T00:00:00Z" });
        app.editor().request("POST", &format!("{article}/schedule")).header("if-match", "*").json(&times).send().expect(200);

        let planned = working(app, &article).json();

        let told = ["state", "publish_at", "withdraw_at", "published_at"].map(|name| planned[name].clone());
        assert_eq!(told, [json!("scheduled"), json!("2998-01-01T00:00:00.000Z"), json!("2999-01-01T00:00:00.000Z"), json!("2998-01-01T00:00:00.000Z")]);
        assert_eq!(planned, {
            let list = app.editor().get("/v1/articles?view=working&include=body_html").expect(200).json();
            let mut listed = list["data"][0].clone();
            listed["editing"] = json!([]);
            listed
        });
        let called_off = verb(app, &article, "unschedule").expect(200).json();
        assert_eq!(["state", "publish_at", "withdraw_at", "published_at"].map(|name| called_off[name].clone()), [json!("draft"), Value::Null, Value::Null, Value::Null]);
    }

    fn the_working_view_tells_the_corrections_that_readers_see(app) {
        let article = address(&app.published("One", json!({})));
        let note = json!({ "note": "It was 1961." });
        let corrected = app.editor().request("POST", &format!("{article}/correct")).header("if-match", "*").json(&note).send().expect(200).json();

        let told = working(app, &article).json()["corrections"].clone();

        assert_eq!((&told, &told[0]["note"]), (&corrected["corrections"], &json!("It was 1961.")));
        assert_eq!(app.anonymous().get(&article).expect(200).json()["corrections"], told);
    }
}
