//! What a key may see, held against what everyone sees.

use serde_json::{Value, json};

use super::key;
use crate::support::{App, Client, both, dice::Dice, id};

fn titles(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|article| article["title"].as_str().unwrap().to_owned()).collect()
}

/// Every article that somebody finds in a list, in its order.
fn all(client: &Client, query: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut path = format!("/v1/articles?limit=7{query}");
    loop {
        let page = client.get(&path).expect(200).json();
        found.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["page"]["next"].as_str() {
            None => return found,
            Some(next) => path = format!("/v1/articles?limit=7{query}&cursor={next}"),
        }
    }
}

/// A newsroom with sections of two levels and some tags; articles with any of them.
fn newsroom(app: &App, dice: &mut Dice) {
    for name in ["World", "Sport"] {
        app.section(name);
    }
    for (name, parent) in [("Asia", "world"), ("Europe", "world"), ("Football", "sport")] {
        app.editor().post("/v1/sections", json!({ "name": name, "parent": parent })).expect(201);
    }
    for name in ["Ports", "Law", "Weather"] {
        app.tag(name);
    }
    let sections = ["world", "asia", "europe", "sport", "football"];
    let tags = ["ports", "law", "weather"];
    let mut ids = Vec::<String>::new();
    for number in 0..16 {
        let carried: Vec<&str> = tags.into_iter().filter(|_| dice.roll(3) == 0).collect();
        let related: Vec<&String> = ids.iter().filter(|_| dice.roll(6) == 0).take(3).collect();
        let input = json!({
            "section": sections[dice.roll(5)], "tags": carried, "related": related,
            "body_html": format!("<p>Text {number}</p>"), "featured": dice.roll(2) == 0,
        });
        ids.push(id(&app.published(&format!("Article {number}"), input)));
    }
}

/// What the key of a policy must find of what everyone finds.
fn expected(open: &[Value], policy: &Value) -> Vec<String> {
    let names = |member: &str| -> Vec<String> {
        policy[member].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let (sections, tags) = (names("sections"), names("tags"));
    let is_in = |article: &Value| {
        let path = article["section"]["path"].as_str().unwrap();
        let carried: Vec<&str> =
            article["tags"].as_array().unwrap().iter().map(|tag| tag["slug"].as_str().unwrap()).collect();
        (sections.is_empty() || sections.iter().any(|slug| path.split('/').any(|step| step == slug)))
            && (tags.is_empty() || tags.iter().any(|slug| carried.contains(&slug.as_str())))
            && policy["delay_minutes"].as_i64().unwrap_or(0) == 0
    };
    open.iter().filter(|article| is_in(article)).map(|article| article["id"].as_str().unwrap().to_owned()).collect()
}

fn ids(articles: &[Value]) -> Vec<String> {
    articles.iter().map(|article| article["id"].as_str().unwrap().to_owned()).collect()
}

both! {
    fn no_route_gives_a_key_more_than_its_policy(app) {
        let mut dice = Dice(20_261_125);
        newsroom(app, &mut dice);
        let open = all(&app.anonymous(), "");
        let mut policies = vec![
            json!({}), json!({ "sections": ["world"] }), json!({ "sections": ["asia"] }), json!({ "tags": ["ports"] }),
            json!({ "sections": ["asia", "sport"], "tags": ["law", "weather"] }), json!({ "text": "excerpt" }),
            json!({ "sections": ["sport"], "text": "excerpt" }), json!({ "delay_minutes": 60 }),
        ];
        for _ in 0..3 {
            let some = |dice: &mut Dice, names: &[&str]| -> Vec<String> {
                names.iter().filter(|_| dice.roll(3) == 0).map(|name| (*name).to_owned()).collect()
            };
            let sections = some(&mut dice, &["world", "asia", "europe", "sport", "football"]);
            let tags = some(&mut dice, &["ports", "law", "weather"]);
            policies.push(json!({ "sections": sections, "tags": tags, "text": if dice.roll(2) == 0 { "full" } else { "excerpt" } }));
        }
        for policy in policies {
            let (partner, _) = key(app, policy.clone());
            let seen = expected(&open, &policy);
            let has_text = policy["text"] != "excerpt";

            for filter in ["", "&sort=published_at", "&sort=-updated_at", "&featured=true", "&section=world", "&published_after=2020-01-01T00:00:00Z"] {
                let everyone: Vec<String> = ids(&all(&app.anonymous(), filter)).into_iter().filter(|id| seen.contains(id)).collect();
                assert_eq!(ids(&all(&partner, filter)), everyone, "{policy} {filter}");
            }
            for article in &open {
                let path = format!("/v1/articles/{}", article["id"].as_str().unwrap());
                let by_slug = format!("/v1/articles/{}", article["slug"].as_str().unwrap());
                let answer = partner.get(&path);
                if !seen.contains(&article["id"].as_str().unwrap().to_owned()) {
                    answer.expect(404);
                    partner.get(&by_slug).expect(404);
                    continue;
                }
                let shown = answer.expect(200).json();
                assert_eq!(partner.get(&by_slug).expect(200).json(), shown);
                assert_eq!(shown.get("body_html").is_some(), has_text, "{policy}");
                let related = shown["related"].as_array().unwrap();
                assert!(related.iter().all(|id| seen.contains(&id.as_str().unwrap().to_owned())), "{policy}: {shown}");
            }
            let status = if has_text { 200 } else { 403 };
            for query in ["include=body_text", "include=body_blocks", "fields=id,body_html&include=body_html"] {
                partner.get(&format!("/v1/articles?{query}")).expect(status);
            }
            if let Some(id) = seen.first() {
                partner.get(&format!("/v1/articles/{id}?include=body_markdown")).expect(status);
                partner.get(&format!("/v1/articles/{id}?fields=body_html")).expect(status);
            }
            let feed = partner.get("/feeds/articles.json?limit=100").expect(200).json();
            let items = feed["items"].as_array().unwrap();
            let urns: Vec<String> = seen.iter().map(|id| format!("urn:uuid:{id}")).collect();
            assert_eq!(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), urns, "{policy}");
            assert!(items.iter().all(|item| item.get("content_html").is_some_and(|html| !html.as_str().unwrap().is_empty()) == has_text), "{policy} {feed}");
            let ninjs = partner.get("/v1/ninjs/articles?limit=100").expect(200).json();
            let news = ninjs["data"].as_array().unwrap();
            assert_eq!(news.iter().map(|item| item["uri"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), urns, "{policy}");
            assert!(news.iter().all(|item| item.get("bodies").is_some() == has_text), "{policy}");
            for article in &open {
                let id = article["id"].as_str().unwrap().to_owned();
                let expected = if seen.contains(&id) { 200 } else { 404 };
                partner.get(&format!("/v1/ninjs/articles/{id}")).expect(expected);
            }
            for (tag, slug) in [("ports", "ports"), ("law", "law")] {
                let of_tag = |article: &Value| article["tags"].as_array().unwrap().iter().any(|one| one["slug"] == slug);
                let carried: Vec<String> = open.iter().filter(|article| of_tag(article)).filter_map(|article| article["id"].as_str())
                    .filter(|id| seen.contains(&(*id).to_owned())).map(|id| format!("urn:uuid:{id}")).collect();
                let answer = partner.get(&format!("/feeds/tags/{tag}.json?limit=100"));
                if carried.is_empty() {
                    answer.expect(404);
                    continue;
                }
                let items = answer.expect(200).json()["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
                assert_eq!(items, carried, "{policy} {tag}");
            }
            let sees_all = seen.len() == open.len() && policy["sections"].as_array().is_none_or(Vec::is_empty) && policy["tags"].as_array().is_none_or(Vec::is_empty);
            let sitemap = partner.get("/sitemaps/news.xml").status;
            assert!(if sees_all { sitemap != 403 } else { sitemap == 403 }, "{policy} {sitemap}");
            let tags: Vec<String> = partner.get("/v1/tags").expect(200).json()["data"].as_array().unwrap().iter()
                .map(|tag| tag["slug"].as_str().unwrap().to_owned()).collect();
            for slug in ["law", "ports", "weather"] {
                let is_carried = open.iter().any(|article| seen.contains(&article["id"].as_str().unwrap().to_owned())
                    && article["tags"].as_array().unwrap().iter().any(|tag| tag["slug"] == slug));
                assert_eq!(tags.contains(&slug.to_owned()), is_carried, "{policy} {slug}");
                partner.get(&format!("/v1/tags/{slug}")).expect(if is_carried { 200 } else { 404 });
                partner.get(&format!("/v1/articles?tag={slug}")).expect(if is_carried { 200 } else { 400 });
            }
        }
    }

    fn no_policy_is_served_anothers_answer(app) {
        app.section("World");
        app.section("Sport");
        app.published("From abroad", json!({ "section": "world", "body_html": "<p>Text.</p>" }));
        let kept = crate::delivery::keeping(app);
        let at = |client: &Client| kept.anonymous().with_token(client.token.as_deref().unwrap());
        let full = at(&key(app, json!({})).0);
        let excerpt = at(&key(app, json!({ "text": "excerpt" })).0);
        let sport = at(&key(app, json!({ "sections": ["sport"] })).0);

        for _ in 0..3 {
            let has_body = |client: &Client| client.get("/v1/articles/from-abroad").expect(200).json().get("body_html").is_some();
            assert!(has_body(&kept.anonymous()) && has_body(&full) && !has_body(&excerpt));
            sport.get("/v1/articles/from-abroad").expect(404);
            assert_eq!(titles(&sport.get("/v1/articles").expect(200).json()), Vec::<String>::new());
            assert_eq!(titles(&full.get("/v1/articles").expect(200).json()), ["From abroad"]);
        }
        // What is kept under a policy is dropped like everything else.
        app.published("From the stadium", json!({ "section": "sport" }));
        crate::support::wait::until("the other server has heard of it", || titles(&sport.get("/v1/articles").expect(200).json()) == ["From the stadium"]);
        let etag = full.get("/v1/articles/from-abroad").expect(200).etag();
        full.request("GET", "/v1/articles/from-abroad").header("if-none-match", &etag).send().expect(304);
    }

    fn what_is_under_an_embargo_is_for_those_with_access(app) {
        app.section("World");
        app.tag("Ports");
        let draft = app.draft("Held back", json!({ "section": "world", "tags": ["ports"], "embargo_until": "2100-01-01T00:00:00Z", "body_html": "<p>Later.</p>" }));
        let path = format!("/v1/articles/{}", id(&draft));
        app.editor().verb(&format!("{path}/publish"), &draft.etag()).expect(200);
        app.published("For all", json!({ "section": "world" }));
        let planned = app.draft("Planned", json!({ "section": "world" }));
        let schedule = format!("/v1/articles/{}/schedule", id(&planned));
        app.editor().request("POST", &schedule).header("if-match", &planned.etag()).json(&json!({ "publish_at": "2099-01-01T00:00:00Z" })).send().expect(200);

        let (trusted, _) = key(app, json!({ "embargo_access": true }));
        let (other, _) = key(app, json!({}));
        let (elsewhere, _) = key(app, json!({ "embargo_access": true, "tags": ["ports"] }));

        assert_eq!(trusted.get(&path).expect(200).json()["published_at"], "2100-01-01T00:00:00.000Z");
        assert_eq!(titles(&trusted.get("/v1/articles").expect(200).json()), ["Held back", "For all"]);
        assert_eq!(titles(&trusted.get("/v1/articles?sort=-updated_at").expect(200).json()), ["Held back", "For all"]);
        assert_eq!(titles(&elsewhere.get("/v1/articles?tag=ports").expect(200).json()), ["Held back"]);
        trusted.get("/v1/articles/held-back").expect(200);
        trusted.get("/v1/tags/ports").expect(200);
        for client in [&other, &app.anonymous()] {
            client.get(&path).expect(404);
            client.get("/v1/tags/ports").expect(404);
            assert_eq!(titles(&client.get("/v1/articles").expect(200).json()), ["For all"]);
        }
        trusted.get(&format!("/v1/articles/{}", id(&planned))).expect(404);
    }

    fn what_the_feeds_of_a_key_show_is_chosen_with_it(app) {
        app.section("World");
        for number in 0..4 {
            app.published(&format!("Harbor number {number} reopens after the storm"), json!({ "section": "world", "body_html": "<h2>Ships</h2><p>Text <em>and</em> more.</p>" }));
        }
        let (partner, id) = key(app, json!({ "feed": { "items": 2, "longest_title": 20, "allowed_tags": ["p"], "expires_after_hours": 24 } }));

        let feed = partner.get("/feeds/articles.json").expect(200).json();
        assert_eq!(feed["items"].as_array().unwrap().len(), 2);
        assert_eq!(feed["items"][0]["title"], "Harbor number 3…");
        assert_eq!(feed["items"][0]["content_html"], "Ships\n<p>Text and more.</p>");
        assert!(partner.get("/v1/ninjs/articles").expect(200).json()["data"][0]["expires"].is_string());
        assert_eq!(app.anonymous().get("/feeds/articles.json").expect(200).json()["items"].as_array().unwrap().len(), 4);

        app.admin().patch(&format!("/v1/api-keys/{id}"), "*", json!({ "feed": { "text": "excerpt" } })).expect(200);
        let feed = partner.get("/feeds/articles.json").expect(200).json();
        assert!(feed["items"].as_array().unwrap().iter().all(|item| item.get("content_html").is_none()), "{feed}");
        let refused = app.admin().patch(&format!("/v1/api-keys/{id}"), "*", json!({ "feed": { "items": 101, "longest_title": 19, "allowed_tags": ["p", "P>"] } })).expect(422);
        assert_eq!(refused.pointers(), ["/feed/items", "/feed/longest_title", "/feed/allowed_tags/1"]);
    }

    fn what_readers_without_a_key_see_is_a_setting(app) {
        app.section("World");
        app.published("Harbor reopens", json!({ "section": "world", "body_html": "<p>Text.</p>" }));
        let excerpts = App::start_on(app.database.clone(), &[("FRONTPAGE_ANONYMOUS_READERS", "excerpt")]);
        let closed = App::start_on(app.database.clone(), &[("FRONTPAGE_ANONYMOUS_READERS", "none")]);
        let (partner, _) = key(app, json!({}));
        let (single, list) = ("/v1/articles/harbor-reopens", "/v1/articles");

        assert_eq!(excerpts.anonymous().get(single).expect(200).json().get("body_html"), None);
        excerpts.anonymous().get("/v1/articles?include=body_html").expect(403);
        for path in [single, list, "/v1/sections", "/v1/sections/world", "/v1/staff", "/v1/tags", "/feeds/articles.rss", "/feeds/sections/world.json", "/v1/ninjs/articles"] {
            let refused = closed.anonymous().get(path).expect(401);
            let challenges = refused.header("www-authenticate").unwrap();
            // Readers of feeds send a password when they are asked for one.
            assert_eq!(challenges.contains(r#"Basic realm="frontpage""#), path.starts_with("/feeds/"), "{path}: {challenges}");
            assert!(challenges.contains(r#"Bearer realm="frontpage""#) && !challenges.contains("error"), "{path}: {challenges}");
            let refused = closed.anonymous().with_token("fpk_none").get(path).expect(401);
            assert!(refused.header("www-authenticate").unwrap().contains(r#"error="invalid_token""#), "{path}");
            closed.editor().get(path).expect(200);
        }
        for server in [&excerpts, &closed] {
            let partner = server.anonymous().with_token(partner.token.as_deref().unwrap());
            assert!(partner.get(single).expect(200).json().get("body_html").is_some());
            assert!(server.editor().get(single).expect(200).json().get("body_html").is_some());
            server.anonymous().get("/healthz").expect(200);
            server.anonymous().get("/openapi.json").expect(200);
        }
        let preview = app.editor().post(&format!("{single}/previews"), json!({})).expect(201).json();
        closed.anonymous().get(&format!("{single}?preview={}", preview["token"].as_str().unwrap())).expect(200);
    }
}
