//! Links to articles by id: they lead to the present address, to none while readers do not see the article, and caches
//! hear of it.

use serde_json::{Value, json};

use super::{address, age, change, live, verb};
use crate::{
    delivery::{keeping, read_until_kept},
    support::{App, Backend, Response, both, id},
};

/// An article that a text can lead to, and one whose text leads there in a sentence and in a box of its own.
fn pair(app: &App) -> (String, String) {
    let target = app.published("Target", json!({}));
    let html =
        format!("<p>See <a data-article=\"{0}\">the report</a>.</p><aside data-article=\"{0}\"></aside>", id(&target));
    let linking = app.published("Linking", json!({ "body_html": html }));
    (address(&target), address(&linking))
}

/// Where the links of a text lead, in order; `-` for one that leads nowhere.
fn targets(html: &str) -> Vec<String> {
    html.split("data-article=\"")
        .zip(html.split("data-article=\"").skip(1))
        .map(|(before, after)| {
            let link = format!("{}{}", before.rsplit('<').next().unwrap(), after.split("</").next().unwrap());
            link.split("href=\"").nth(1).map_or("-".to_owned(), |rest| rest.split('"').next().unwrap().to_owned())
        })
        .collect()
}

fn leads(app: &App, address: &str) -> Vec<String> {
    targets(live(app, address)["body_html"].as_str().unwrap())
}

const FIRST: &str = "https://www.newsroom.test/world/target";

/// What the log has said of an article since a moment: kinds, and the keys of the last one.
fn last_change(app: &App) -> (String, String) {
    let line = app.database.sql("SELECT kind || ' ' || keys AS line FROM changes ORDER BY id DESC LIMIT 1");
    let (kind, keys) = line.split_once(' ').unwrap();
    (kind.to_owned(), keys.to_owned())
}

both! {
    fn a_link_by_id_leads_to_the_articles_address_in_every_form(app) {
        let (target, linking) = pair(app);
        assert_eq!(leads(app, &linking), [FIRST, FIRST]);

        let shown = app.anonymous().get(&format!("{linking}?include=body_html,body_blocks,body_markdown,body_text")).expect(200).json();
        let of_target = target.rsplit('/').next().unwrap();
        assert_eq!(shown["body_blocks"][0]["content"][1]["article"], of_target);
        assert_eq!((&shown["body_blocks"][1]["type"], &shown["body_blocks"][1]["article"]), (&json!("related_article"), &json!(of_target)));
        // Markdown is for writing it back, so the link keeps the id, and the box its hook.
        let markdown = shown["body_markdown"].as_str().unwrap();
        assert!(markdown.contains(&format!("[the report](article:{of_target})")), "{markdown}");
        assert_eq!(targets(markdown), [FIRST]);
        assert!(shown["body_text"].as_str().unwrap().contains("See the report."), "{}", shown["body_text"]);
        assert!(shown["body_html"].as_str().unwrap().contains(">Target</a>"), "the box has the title: {}", shown["body_html"]);
        // In lists and in what editors see, too.
        let page = app.anonymous().get("/v1/articles?include=body_html").expect(200).json();
        let item = page["data"].as_array().unwrap().iter().find(|item| item["slug"] == "linking").unwrap();
        assert_eq!(targets(item["body_html"].as_str().unwrap()), [FIRST, FIRST]);
        assert_eq!(targets(crate::articles::working(app, &linking).json()["body_html"].as_str().unwrap()), [FIRST, FIRST]);
    }

    fn a_link_follows_its_article_and_caches_are_told(app) {
        let (target, linking) = pair(app);
        let key = format!("article-{}", linking.rsplit('/').next().unwrap());
        let steps: [(&str, Value, Vec<&str>); 6] = [
            ("publish", json!({ "slug": "moved", "title": "Moved" }), vec!["https://www.newsroom.test/world/moved"; 2]),
            ("withdraw", Value::Null, vec!["-"; 2]),
            ("publish", Value::Null, vec!["https://www.newsroom.test/world/moved"; 2]),
            ("fix", json!({ "slug": "target" }), vec![FIRST; 2]),
            ("kill", Value::Null, vec!["-"; 2]),
            ("restore", Value::Null, vec!["-"; 2]),
        ];
        for (step, patch, expected) in steps {
            if !patch.is_null() {
                change(app, &target, patch).expect(200);
            }
            age(app);
            let old = app.anonymous().get(&linking).expect(200);
            assert!(old.header("surrogate-key").unwrap().split(' ').any(|kept| kept == key), "{step}");

            let admin = app.admin();
            let input = if step == "kill" { json!({ "notice": "Gone." }) } else { json!({}) };
            admin.request("POST", &format!("{target}/{step}")).header("if-match", "*").json(&input).send().expect(200);

            assert_eq!(leads(app, &linking), expected, "{step}");
            let new = app.anonymous().get(&linking).expect(200);
            let ask = |name: &str, value: &str| app.anonymous().request("GET", &linking).header(name, value).send().status;
            if step == "restore" {
                assert_eq!((new.etag(), new.bytes), (old.etag(), old.bytes), "it leads nowhere before and after");
                continue;
            }
            assert_ne!(new.etag(), old.etag(), "{step}");
            assert_eq!(ask("if-none-match", &old.etag()), 200, "{step}");
            assert_eq!(ask("if-none-match", &new.etag()), 304, "{step}");
            assert_eq!(ask("if-modified-since", old.header("last-modified").unwrap()), 200, "{step}");
            let (kind, keys) = last_change(app);
            assert!(keys.contains(&format!("\"{key}\"")), "{step}: {kind} names {keys}");
        }
    }

    fn a_link_follows_the_section_of_its_article_and_those_above(app) {
        app.section("Coast");
        app.editor().post("/v1/sections", json!({ "name": "Harbor", "slug": "harbor", "parent": "coast" })).expect(201);
        let target = app.published("Target", json!({ "section": "harbor" }));
        let html = format!("<p>See <a data-article=\"{}\">the report</a>.</p>", id(&target));
        let linking = address(&app.published("Linking", json!({ "body_html": html })));
        let kept = keeping(app);
        for (section, slug, path) in [("harbor", "port", "coast/port"), ("coast", "shore", "shore/port")] {
            age(app);
            let old = app.anonymous().get(&linking).expect(200);
            read_until_kept(&kept, &linking);

            kept.editor().patch(&format!("/v1/sections/{section}"), "*", json!({ "slug": slug })).expect(200);

            let expected = [format!("https://www.newsroom.test/{path}/target")];
            assert_eq!(leads(app, &linking), expected);
            assert_eq!(leads(&kept, &linking), expected, "what was kept is dropped");
            let ask = |name: &str, value: &str| app.anonymous().request("GET", &linking).header(name, value).send();
            ask("if-modified-since", old.header("last-modified").unwrap()).expect(200);
            ask("if-none-match", &old.etag()).expect(200);
            let (_, told) = last_change(app);
            let mut keys = old.header("surrogate-key").unwrap().split(' ');
            assert!(keys.any(|key| told.contains(&format!("\"{key}\""))), "{told} names nothing of {:?}", old.header("surrogate-key"));
        }
    }

    fn links_into_many_sections_take_one_key(app) {
        let links: String = (0..21).map(|number| {
            let section = app.section(&format!("Section {number}"))["id"].clone();
            let target = app.published(&format!("Target {number}"), json!({ "section": section }));
            format!("<a data-article=\"{}\">there</a> ", id(&target))
        }).collect();
        let linking = address(&app.published("Linking", json!({ "body_html": format!("<p>{links}</p>") })));
        let kept = keeping(app);
        let old = read_until_kept(&kept, &linking);
        let keys: Vec<&str> = old.header("surrogate-key").unwrap().split(' ').collect();
        assert!(keys.contains(&"sections") && keys.iter().filter(|key| key.starts_with("section-")).count() == 1, "{keys:?}");

        kept.editor().patch("/v1/sections/section-20", "*", json!({ "slug": "twenty" })).expect(200);

        assert_eq!(leads(&kept, &linking).last().unwrap(), "https://www.newsroom.test/twenty/target-20");
    }

    fn a_link_to_what_readers_do_not_see_yet_leads_there_from_its_time_on(app) {
        app.section("World");
        let draft = app.draft("Target", json!({ "section": "world" }));
        let linking = address(&app.published("Linking", json!({ "body_html": format!("<p><a data-article=\"{}\">Soon</a></p>", id(&draft)) })));
        assert_eq!(leads(app, &linking), ["-"]);
        assert!(live(app, &linking)["body_html"].as_str().unwrap().contains(">Soon</a>"), "the words stay");
        let schedule = |at: &str| {
            let editor = app.editor();
            editor.request("POST", &format!("{}/schedule", address(&draft))).header("if-match", "*").json(&json!({ "publish_at": at })).send().expect(200)
        };
        schedule("2100-01-01T00:00:00Z");
        assert_eq!(leads(app, &linking), ["-"]);

        let now = match app.database.backend {
            Backend::Sqlite => "strftime('%Y-%m-%d %H:%M:%f', 'now')",
            Backend::Postgres => "date_trunc('milliseconds', CURRENT_TIMESTAMP AT TIME ZONE 'UTC')",
        };
        app.database.sql(&format!("UPDATE live_articles SET published_at = {now} WHERE published_at > '2099-01-01 00:00:00.000'"));

        assert_eq!(leads(app, &linking), [FIRST]);
    }

    fn a_link_to_an_article_that_never_was_keeps_its_words(app) {
        let nobody = frontpage::ids::ArticleId::generate();
        let html = format!("<p><a data-article=\"{nobody}\">Nowhere</a></p>");
        let linking = address(&app.published("Linking", json!({ "body_html": html })));

        assert_eq!(leads(app, &linking), ["-"]);
        assert!(live(app, &linking)["body_html"].as_str().unwrap().contains(">Nowhere</a>"));
        let found = app.editor().get(&format!("{linking}/preflight")).expect(200).json();
        let broken: Vec<&Value> = found["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == "broken_link").collect();
        assert!(broken.len() == 1 && broken[0]["detail"].as_str().unwrap().contains(&nobody.to_string()), "{found}");
    }

    fn a_link_that_was_published_without_an_address_gets_one_when_its_article_appears(app) {
        app.section("World");
        let target = app.draft("Target", json!({ "section": "world" }));
        let html = format!("<p><a data-article=\"{}\">There</a></p>", id(&target));
        let linking = address(&app.published("Linking", json!({ "body_html": html })));
        age(app);
        let old: Response = app.anonymous().get(&linking).expect(200);

        verb(app, &address(&target), "publish").expect(200);

        assert_eq!(leads(app, &linking), [FIRST]);
        let date = old.header("last-modified").unwrap();
        app.anonymous().request("GET", &linking).header("if-modified-since", date).send().expect(200);
        let key = format!("\"article-{}\"", linking.rsplit('/').next().unwrap());
        assert!(last_change(app).1.contains(&key));
    }
}
