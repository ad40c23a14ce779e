//! Walking through a list page by page, whatever happens meanwhile.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{date, newsroom, slugs};
use crate::support::{App, Client, both, dice::Dice, id};

/// Articles in shuffled order, many of which were published or changed at the very same moment, and drafts to publish later.
fn shuffled(app: &App, dice: &mut Dice) -> Vec<String> {
    for input in [json!({ "name": "World" }), json!({ "name": "Asia", "parent": "world" }), json!({ "name": "Sport" })]
    {
        app.editor().post("/v1/sections", input).expect(201);
    }
    app.tag("Ships");
    app.staff("Mina");
    let mut numbers: Vec<usize> = (0..26).collect();
    dice.shuffle(&mut numbers);
    let mut drafts = Vec::new();
    for (place, number) in numbers.into_iter().enumerate() {
        let more = json!({
            "section": (["world", "asia", "sport"][dice.roll(3)]),
            "tags": if dice.roll(2) == 0 { json!(["ships"]) } else { json!([]) },
            "authors": if dice.roll(2) == 0 { json!([{ "staff": "mina" }]) } else { json!([]) },
            "featured": dice.roll(2) == 0,
        });
        let slug = format!("n{number}");
        if place < 20 {
            app.published(&slug, more);
            date(app, &slug, "published_at", &format!("2026-03-01 12:00:00.00{}", dice.roll(5)));
            date(app, &slug, "updated_at", &format!("2026-03-02 12:00:00.00{}", dice.roll(5)));
        } else {
            drafts.push(id(&app.draft(&slug, more)));
        }
    }
    drafts
}

/// Walks from a page to the last (or first) one; does something between pages.
fn walk(client: &Client, mut page: Value, query: &str, way: &str, mut between: impl FnMut()) -> (Vec<String>, Value) {
    let mut seen = slugs(&page);
    while let Some(cursor) = page["page"][way].as_str() {
        between();
        page = client.get(&format!("/v1/articles?{query}&cursor={cursor}")).expect(200).json();
        let found = slugs(&page);
        assert!(!found.is_empty(), "{query}: an empty page {way}");
        if way == "next" { seen.extend(found) } else { seen.splice(0..0, found).for_each(drop) }
    }
    (seen, page)
}

both! {
    fn pages_show_everything_once_in_order_there_and_back(app) {
        let mut dice = Dice(1);
        shuffled(app, &mut dice);
        let client = app.anonymous();
        for sort in ["-published_at", "published_at", "-updated_at"] {
            for filter in ["", "&section=world", "&tag=ships", "&author=mina&featured=true", "&updated_after=2026-03-02T12:00:00.002Z&section=asia"] {
                let all = client.get(&format!("/v1/articles?limit=100&sort={sort}{filter}")).expect(200).json();
                let expected = slugs(&all);
                let mut in_order: Vec<(String, String)> = all["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|article| (article[sort.trim_start_matches('-')].to_string(), article["id"].to_string()))
                    .collect();
                let found = in_order.clone();
                in_order.sort();
                if sort.starts_with('-') {
                    in_order.reverse();
                }
                assert_eq!(found, in_order, "{sort}{filter}");
                assert_eq!((&all["page"]["next"], &all["page"]["prev"]), (&Value::Null, &Value::Null), "{sort}{filter}");
                for limit in [1, 3, 7] {
                    let query = format!("sort={sort}{filter}&limit={limit}");
                    let first = client.get(&format!("/v1/articles?{query}")).expect(200).json();
                    assert_eq!(first["page"]["prev"], Value::Null, "{query}");
                    let (seen, last) = walk(&client, first, &query, "next", || {});
                    assert_eq!(seen, expected, "{query}");
                    let (seen, _) = walk(&client, last, &query, "prev", || {});
                    assert_eq!(seen, expected, "{query} back");
                }
            }
        }
    }

    fn nothing_is_shown_twice_or_lost_while_articles_are_published(app) {
        let mut dice = Dice(2);
        let mut drafts = shuffled(app, &mut dice);
        let client = app.anonymous();
        for (sort, filter) in [("-published_at", ""), ("published_at", ""), ("-updated_at", ""), ("-published_at", "&section=world"), ("published_at", "&tag=ships")] {
            let before = slugs(&client.get(&format!("/v1/articles?limit=100&sort={sort}{filter}")).expect(200).json());
            let query = format!("sort={sort}{filter}&limit=4");
            let first = client.get(&format!("/v1/articles?{query}")).expect(200).json();
            let mut published = false;

            let publish_one = || {
                if !std::mem::replace(&mut published, true) && let Some(draft) = drafts.pop() {
                    app.editor().verb(&format!("/v1/articles/{draft}/publish"), "*").expect(200);
                }
            };
            let (seen, last) = walk(&client, first, &query, "next", publish_one);

            let unique: BTreeSet<&String> = seen.iter().collect();
            assert_eq!(unique.len(), seen.len(), "{query}: shown twice");
            let old: Vec<&String> = seen.iter().filter(|slug| before.contains(slug)).collect();
            assert_eq!(old, before.iter().collect::<Vec<_>>(), "{query}: lost");
            // On the way back the new ones are there as well, at their places.
            let (seen, _) = walk(&client, last, &query, "prev", || {});
            let now = slugs(&client.get(&format!("/v1/articles?limit=100&sort={sort}{filter}")).expect(200).json());
            assert_eq!(seen, now, "{query} back");
        }
    }

    fn nothing_is_lost_while_articles_are_withdrawn_even_the_one_at_the_page_end(app) {
        let mut dice = Dice(3);
        shuffled(app, &mut dice);
        let client = app.anonymous();
        let before = slugs(&client.get("/v1/articles?limit=100").expect(200).json());
        let first = client.get("/v1/articles?limit=4").expect(200).json();
        for slug in [&before[3], &before[9]] {
            let article = client.get(&format!("/v1/articles/{slug}")).expect(200);
            app.editor().verb(&format!("/v1/articles/{}/withdraw", id(&article)), "*").expect(200);
        }

        let (seen, _) = walk(&client, first, "limit=4", "next", || {});

        let expected: Vec<String> = before.iter().filter(|slug| **slug != before[9]).cloned().collect();
        assert_eq!(seen, expected);
    }

    fn the_desk_has_pages_too(app) {
        let mut dice = Dice(4);
        shuffled(app, &mut dice);
        app.database.sql("UPDATE articles SET updated_at = '2026-03-01 12:00:00.000' WHERE slug <> 'n3'");
        let client = app.editor();
        let all = slugs(&client.get("/v1/articles?view=working&limit=100").expect(200).json());
        assert_eq!((all.len(), all[0].as_str()), (26, "n3"));
        let first = client.get("/v1/articles?view=working&limit=4").expect(200).json();

        let (seen, last) = walk(&client, first.clone(), "view=working&limit=4", "next", || {});
        assert_eq!(seen, all);
        let (seen, _) = walk(&client, last, "view=working&limit=4", "prev", || {});
        assert_eq!(seen, all);
        // A cursor belongs to who got it.
        let cursor = first["page"]["next"].as_str().unwrap();
        app.admin().get(&format!("/v1/articles?view=working&limit=4&cursor={cursor}")).expect(400);
    }

    fn a_cursor_that_was_altered_or_is_from_elsewhere_is_refused(app) {
        newsroom(app);
        let client = app.anonymous();
        let page = client.get("/v1/articles?limit=2&section=world").expect(200).json();
        let cursor = page["page"]["next"].as_str().unwrap().to_owned();
        let good = format!("/v1/articles?limit=2&section=world&cursor={cursor}");
        client.get(&good).expect(200);
        // How much is shown does not make it another list.
        client.get(&format!("/v1/articles?limit=1&fields=id&include=body_text&section=world&cursor={cursor}")).expect(200);
        client.get(&format!("/v1/articles?sort=-published_at&view=live&section=world&cursor={cursor}")).expect(200);

        for query in ["", "section=asia", "section=world&sort=published_at", "section=world&sort=-updated_at", "section=world&featured=true", "section=world&tag=ships"] {
            assert_eq!(client.get(&format!("/v1/articles?{query}&cursor={cursor}")).expect(400).problem(), "invalid_cursor", "{query}");
        }
        let foreign = client.get("/v1/sections?limit=1").expect(200).json()["page"]["next"].as_str().unwrap().to_owned();
        let mut bad = vec![String::new(), "x".into(), "AAAA".into(), foreign, format!("{cursor}A"), format!("{cursor}="), cursor[1..].to_owned(), cursor.to_lowercase(), "%00".into(), "a".repeat(4000)];
        for index in 0..cursor.len() {
            let mut altered = cursor.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            bad.push(String::from_utf8(altered).unwrap());
        }
        for cursor in bad {
            let answer = client.get(&format!("/v1/articles?limit=2&section=world&cursor={cursor}")).expect(400);
            assert!(["invalid_cursor", "bad_request"].contains(&answer.problem().as_str()), "{cursor}");
        }
        let cursor = client.get("/v1/articles?limit=2").expect(200).json()["page"]["next"].as_str().unwrap().to_owned();
        for path in ["sections", "staff", "tags"] {
            assert_eq!(client.get(&format!("/v1/{path}?cursor={cursor}")).expect(400).problem(), "invalid_cursor", "{path}");
        }
    }

    fn link_headers_lead_to_the_neighboring_pages_and_keep_the_query(app) {
        newsroom(app);
        let link = |answer: &crate::support::Response, rel: &str| {
            let header = answer.header("link").unwrap_or_default().to_owned();
            header.split(", ").find_map(|link| {
                let (target, found) = link.strip_prefix('<')?.split_once(">; rel=")?;
                (found == format!("\"{rel}\"")).then(|| target.to_owned())
            })
        };
        for (client, query) in [(app.anonymous(), "section=world&fields=slug&limit=1"), (app.editor(), "view=working&fields=slug&limit=1&state=published")] {
            let all = slugs(&client.get(&format!("/v1/articles?{}", query.replace("limit=1", "limit=50"))).expect(200).json());
            let mut answer = client.get(&format!("/v1/articles?{query}")).expect(200);
            assert_eq!(link(&answer, "prev"), None);
            let mut seen = slugs(&answer.json());
            while let Some(next) = link(&answer, "next") {
                let cursor = answer.json()["page"]["next"].as_str().unwrap().to_owned();
                // In the order of the parameters' names: equal requests get equal answers.
                let mut parameters: Vec<&str> = query.split('&').collect();
                parameters.sort_unstable();
                assert_eq!(next, format!("/v1/articles?{}&cursor={cursor}", parameters.join("&")));
                answer = client.get(&next).expect(200);
                seen.extend(slugs(&answer.json()));
            }
            assert_eq!((seen, answer.json()["page"]["next"].clone()), (all, Value::Null));
            let back = client.get(&link(&answer, "prev").unwrap()).expect(200);
            assert!(link(&back, "next").is_some());
        }
        let evil = app.anonymous().get("/v1/articles?limit=1&fields=%3E%22;rel=x").expect(400);
        assert_eq!(evil.header("link"), None);
    }
}
