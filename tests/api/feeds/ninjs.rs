//! ninjs for partners, and structured data for search engines.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{known, listed, rich};
use crate::{
    articles::age,
    delivery::keeping,
    lists::newsroom,
    support::{both, dice::Dice, id, wait::until},
};

/// The members that the schema of ninjs 3.1 has, of those objects that we write.
fn check(item: &Value) {
    let members = |value: &Value, allowed: &[&str]| {
        let found: BTreeSet<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let more: Vec<_> = found.difference(&allowed.iter().copied().collect()).copied().collect();
        assert!(more.is_empty(), "ninjs knows no {more:?}: {value}");
        assert!(value.as_object().unwrap().values().all(|value| !value.is_null()), "{value}");
    };
    const ITEM: [&str; 20] = [
        "uri",
        "standard",
        "type",
        "representationType",
        "version",
        "firstCreated",
        "versionCreated",
        "pubStatus",
        "language",
        "headlines",
        "descriptions",
        "bodies",
        "by",
        "slugline",
        "located",
        "subjects",
        "infoSources",
        "associations",
        "altIds",
        "copyrightHolder",
    ];
    let allowed: Vec<&str> = ITEM.iter().copied().chain(["edNote", "expires", "name"]).collect();
    members(item, &allowed);
    assert!(url::Url::parse(item["uri"].as_str().unwrap()).is_ok());
    assert!(item["version"].as_str().is_some_and(|version| version.bytes().all(|b| b.is_ascii_digit())));
    let list = |name: &str| item[name].as_array().cloned().unwrap_or_default();
    list("headlines")
        .iter()
        .chain(&list("descriptions"))
        .for_each(|text| members(text, &["role", "contentType", "value"]));
    list("bodies").iter().for_each(|body| members(body, &["role", "contentType", "charCount", "wordCount", "value"]));
    list("subjects").iter().for_each(|subject| members(subject, &["name", "rel", "uri", "literal"]));
    list("infoSources").iter().for_each(|source| members(source, &["name", "role", "uri", "literal"]));
    list("altIds").iter().for_each(|id| members(id, &["role", "value"]));
    for picture in list("associations") {
        members(&picture, &["name", "uri", "type", "by", "descriptions", "renditions"]);
        for rendition in picture["renditions"].as_array().unwrap() {
            members(rendition, &["name", "href", "contentType", "width", "height"]);
        }
    }
}

both! {
    fn an_article_is_written_by_the_rules_of_ninjs(app) {
        let article = rich(app);
        let app = known(app);
        let item = app.anonymous().get("/v1/ninjs/articles/harbor").expect(200).json();
        check(&item);
        let live = app.anonymous().get("/v1/articles/harbor").expect(200).json();
        assert_eq!(item["uri"], format!("urn:uuid:{}", id(&article)));
        assert_eq!(item["standard"]["version"], "3.1");
        assert_eq!((&item["type"], &item["pubStatus"], &item["language"]), (&json!("text"), &json!("usable"), &json!("en")));
        assert_eq!((&item["firstCreated"], &item["versionCreated"]), (&live["first_published_at"], &live["updated_at"]));
        assert_eq!(item["headlines"][0]["value"], live["title"]);
        assert_eq!(item["headlines"][1], json!({ "role": "kicker", "contentType": "text/plain", "value": "Exclusive" }));
        assert_eq!(item["by"], "Mina Okafor, Wire");
        assert_eq!(item["subjects"][0]["name"], "World/Asia & Pacific");
        assert_eq!(item["subjects"][1]["literal"], "ships");
        assert_eq!(item["associations"][0]["by"], "Mina Rad");
        assert_eq!(item["associations"][0]["renditions"][0]["href"], "https://www.newsroom.test/quay.jpg");
        assert!(item["bodies"][0]["value"].as_str().unwrap().contains("https://www.newsroom.test/about"));
        assert_eq!(app.anonymous().get("/v1/ninjs/articles").expect(200).json()["data"], json!([item]));

        app.anonymous().get("/v1/ninjs/articles/none").expect(404);
        app.anonymous().get("/v1/ninjs/articles/harbor?x=1").expect(400);
        app.anonymous().request("GET", "/v1/ninjs/articles").header("accept", "text/html").send().expect(406);
    }

    fn the_list_has_the_filters_orders_and_pages_of_the_list_of_articles(app) {
        newsroom(app);
        let mut dice = Dice(7);
        let filters = ["section=world", "author=mina", "tag=ships", "featured=true", "language=en", "updated_after=2026-04-03T00:00:00Z"];
        for round in 0..20 {
            let mut chosen: Vec<&str> = dice.some(&filters).into_iter().take(round % 3).collect();
            chosen.push(*dice.one(&["sort=-published_at", "sort=published_at", "sort=-updated_at"]));
            let query = chosen.join("&");
            let expected = listed(app, &query);
            let mut found = Vec::new();
            let mut cursor = String::new();
            loop {
                let page = app.anonymous().get(&format!("/v1/ninjs/articles?{query}&limit=2{cursor}")).expect(200).json();
                for item in page["data"].as_array().unwrap() {
                    check(item);
                    found.push(item["uri"].as_str().unwrap().to_owned());
                }
                match page["page"]["next"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(found, expected, "{query}");
        }
        // A cursor of another list does not fit.
        let other = app.anonymous().get("/v1/articles?limit=2").expect(200).json()["page"]["next"].as_str().unwrap().to_owned();
        app.anonymous().get(&format!("/v1/ninjs/articles?limit=2&cursor={other}")).expect(400);
        for query in ["x=1", "limit=0", "limit=101", "section=none", "view=working", "include=body_html"] {
            app.anonymous().get(&format!("/v1/ninjs/articles?{query}")).expect(400);
        }
    }

    fn what_was_killed_is_taken_back_and_what_was_withdrawn_is_not_there(app) {
        let killed = id(&app.published("Killed", json!({ "byline": "A secret source" })));
        let withdrawn = id(&app.published("Withdrawn", json!({})));
        let kept = keeping(app);
        let paths = [&killed, &withdrawn].map(|id| format!("/v1/ninjs/articles/{id}"));
        let keep = |path: &str| until("it is kept", || kept.count_statements(|| kept.anonymous().get(path).expect(200)).1.is_empty());
        paths.iter().for_each(|path| keep(path));
        keep("/v1/ninjs/articles");

        let notice = json!({ "notice": "It was wrong." });
        kept.admin().request("POST", &format!("/v1/articles/{killed}/kill")).header("if-match", "*").json(&notice).send().expect(200);
        kept.editor().verb(&format!("/v1/articles/{withdrawn}/withdraw"), "*").expect(200);

        for path in [&paths[0], "/v1/ninjs/articles/killed"] {
            let item = kept.anonymous().get(path).expect(200).json();
            check(&item);
            let names: Vec<&String> = item.as_object().unwrap().keys().collect();
            assert_eq!(names, ["uri", "standard", "type", "version", "versionCreated", "pubStatus", "edNote"]);
            assert_eq!((&item["uri"], &item["pubStatus"], &item["edNote"]), (&json!(format!("urn:uuid:{killed}")), &json!("canceled"), &json!("It was wrong.")));
        }
        kept.anonymous().get(&paths[1]).expect(404);
        assert_eq!(kept.anonymous().get("/v1/ninjs/articles").expect(200).json()["data"], json!([]));
        // Back as withdrawn: there is nothing to take back any more.
        keep(&paths[0]);
        kept.admin().verb(&format!("/v1/articles/{killed}/restore"), "*").expect(200);
        until("the notice is gone", || kept.anonymous().get(&paths[0]).status == 404);
    }

    fn a_former_slug_leads_to_the_present_one(app) {
        let article = format!("/v1/articles/{}", id(&app.published("Harbor", json!({}))));
        app.editor().patch(&article, "*", json!({ "slug": "port" })).expect(200);
        app.editor().verb(&format!("{article}/publish"), "*").expect(200);
        let moved = app.anonymous().get("/v1/ninjs/articles/harbor").expect(301);
        assert_eq!(moved.header("location"), Some("/v1/ninjs/articles/port"));
    }

    fn a_new_name_above_its_section_is_a_change_of_an_article(app) {
        app.section("Coast");
        app.editor().post("/v1/sections", json!({ "name": "Harbor", "slug": "harbor", "parent": "coast" })).expect(201);
        app.published("Pier", json!({ "section": "harbor" }));
        age(app);
        let old = app.anonymous().get("/v1/ninjs/articles/pier").expect(200);
        assert!(old.text().contains("Coast/Harbor"));

        app.editor().patch("/v1/sections/coast", "*", json!({ "name": "Shore" })).expect(200);

        let since = old.header("last-modified").unwrap();
        let new = app.anonymous().request("GET", "/v1/ninjs/articles/pier").header("if-modified-since", since).send().expect(200);
        assert!(new.text().contains("Shore/Harbor"));
    }

    fn structured_data_says_what_search_engines_ask_for(app) {
        let article = rich(app);
        let path = format!("/v1/articles/{}", id(&article));
        let correction = json!({ "note": "An earlier version gave the wrong year." });
        app.editor().request("POST", &format!("{path}/correct")).header("if-match", "*").json(&correction).send().expect(200);
        let server = known(app);
        let live = server.anonymous().get("/v1/articles/harbor?include=body_html,json_ld").expect(200).json();
        let data = &live["json_ld"];
        assert_eq!((&data["@context"], &data["@type"]), (&json!("https://schema.org"), &json!("NewsArticle")));
        assert_eq!(data["headline"], live["title"]);
        assert_eq!((&data["datePublished"], &data["dateModified"]), (&live["first_published_at"], &live["updated_at"]));
        assert_eq!(data["mainEntityOfPage"], json!({ "@type": "WebPage", "@id": live["url"] }));
        assert_eq!(data["author"], json!([{ "@type": "Person", "name": "Mina Okafor" }, { "@type": "Person", "name": "Wire" }]));
        assert_eq!(data["publisher"], json!({ "@type": "NewsMediaOrganization", "name": "The Tamarisk Post", "url": "https://www.newsroom.test/" }));
        assert_eq!(data["articleSection"], "Asia & Pacific");
        assert_eq!(data["image"][0]["url"], "https://www.newsroom.test/quay.jpg");
        assert_eq!(data["image"][0]["creditText"], "Mina Rad");
        assert_eq!((&data["isAccessibleForFree"], &data["inLanguage"]), (&json!(true), &json!("en")));
        assert_eq!(data["correction"][0]["@type"], "CorrectionComment");
        assert_eq!(data["correction"][0]["text"], "An earlier version gave the wrong year.");

        // It comes with what is asked for, and only then.
        assert!(live["body_html"].is_string());
        let alone = server.anonymous().get("/v1/articles/harbor?include=json_ld").expect(200).json();
        assert_eq!((&alone["json_ld"], &alone["body_html"]), (data, &Value::Null));
        let listed = server.anonymous().get("/v1/articles?include=json_ld&fields=json_ld").expect(200).json();
        assert_eq!(listed["data"], json!([{ "json_ld": data }]));
        assert!(server.anonymous().get("/v1/articles/harbor").expect(200).json().get("json_ld").is_none());
        let editor = server.editor();
        let now = frontpage::clock::Instant::now();
        for query in ["view=working&include=json_ld".to_owned(), format!("as_of={now}&include=json_ld"), "preview=x&include=json_ld".to_owned()] {
            assert_eq!(editor.get(&format!("{path}?{query}")).expect(400).pointers(), ["/include"], "{query}");
        }
        assert_eq!(editor.get("/v1/articles?view=working&include=json_ld").expect(400).pointers(), ["/include"]);
    }
}
