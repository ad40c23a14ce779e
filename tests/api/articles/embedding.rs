//! Articles show what they refer to as it is now.

use serde_json::{Value, json};

use super::{LONG_AGO, address, age, change, live, verb};
use crate::support::{App, Client, Response, both, id};

/// An article with one of everything, and where it shows.
fn article(app: &App) -> (String, [String; 2]) {
    app.section("World");
    app.editor().post("/v1/sections", json!({ "name": "Asia", "parent": "world" })).expect(201);
    app.staff("Mina Okafor");
    app.tag("Shipping");
    let address =
        address(&app.published(
            "One",
            json!({ "section": "asia", "authors": [{ "staff": "mina-okafor" }], "tags": ["shipping"] }),
        ));
    age(app);
    (address.clone(), [address, "/v1/articles?limit=5".to_owned()])
}

/// Fails unless a cache that has an old answer is told that there is a new one.
#[track_caller]
fn assert_news(client: &Client, path: &str, old: &Response) -> Response {
    let new = client.get(path).expect(200);
    assert_ne!(new.etag(), old.etag(), "{path}");
    assert_ne!(new.header("last-modified"), old.header("last-modified"), "{path}");
    client.request("GET", path).header("if-none-match", &old.etag()).send().expect(200);
    client.request("GET", path).header("if-modified-since", old.header("last-modified").unwrap()).send().expect(200);
    client.request("GET", path).header("if-none-match", &new.etag()).send().expect(304);
    new
}

/// The article in an answer, be it a page or the article itself.
fn shown(answer: &Response) -> Value {
    let json = answer.json();
    if json.get("data").is_some() { json["data"][0].clone() } else { json }
}

both! {
    fn a_new_name_of_a_section_a_tag_or_a_profile_shows_at_once(app) {
        let (_, places) = article(app);
        for (path, patch, pointer, expected) in [
            ("/v1/sections/asia", json!({ "name": "Asia and Pacific" }), "/section/name", json!("Asia and Pacific")),
            ("/v1/sections/asia", json!({ "slug": "asia-pacific" }), "/section/path", json!("world/asia-pacific")),
            ("/v1/sections/world", json!({ "slug": "globe" }), "/section/path", json!("globe/asia-pacific")),
            ("/v1/sections/asia-pacific", json!({ "parent": null }), "/url", json!("https://www.newsroom.test/asia-pacific/one")),
            ("/v1/tags/shipping", json!({ "name": "Ships", "slug": "ships" }), "/tags/0/slug", json!("ships")),
            ("/v1/staff/mina-okafor", json!({ "name": "M. Okafor" }), "/authors/0/name", json!("M. Okafor")),
            ("/v1/staff/mina-okafor", json!({ "title": "Editor", "kind": "organization" }), "/authors/0/kind", json!("organization")),
        ] {
            age(app);
            let old = places.clone().map(|place| app.anonymous().get(&place).expect(200));
            assert!(old.iter().all(|answer| answer.header("last-modified") == Some("Thu, 02 Jan 2020 03:04:05 GMT")), "{}", LONG_AGO.0);

            app.editor().patch(path, "*", patch.clone()).expect(200);

            for (place, old) in places.iter().zip(&old) {
                let new = assert_news(&app.anonymous(), place, old);
                assert_eq!(shown(&new).pointer(pointer), Some(&expected), "{patch} {place}");
            }
        }
    }

    fn what_a_summary_does_not_show_does_not_change_the_article(app) {
        let (address, _) = article(app);
        let old = app.anonymous().get(&address).expect(200);
        app.editor().patch("/v1/staff/mina-okafor", "*", json!({ "contact_phone": "+44 20 7946 0000" })).expect(200);
        app.editor().patch("/v1/tags/shipping", "*", json!({ "description": "New" })).expect(200);
        let new = app.anonymous().get(&address).expect(200);
        assert_eq!((new.bytes, new.headers.get("etag")), (old.bytes, old.headers.get("etag")));
    }

    fn merging_a_tag_shows_the_other_one_at_once(app) {
        let (_, places) = article(app);
        let old = places.clone().map(|place| app.anonymous().get(&place).expect(200));
        app.tag("Ships");

        app.editor().request("POST", "/v1/tags/shipping/merge").header("if-match", "*").json(&json!({ "into": "ships" })).send().expect(200);

        for (place, old) in places.iter().zip(&old) {
            assert_eq!(shown(&assert_news(&app.anonymous(), place, old))["tags"][0]["slug"], "ships");
        }
        for tag in ["ships", "shipping"] {
            let page = app.anonymous().get(&format!("/v1/articles?tag={tag}")).expect(200).json();
            assert_eq!(page["data"].as_array().unwrap().len(), 1, "{tag}");
        }
    }

    fn readers_see_of_the_related_articles_those_that_are_live_in_order(app) {
        let [b, c, d] = ["B", "C", "D"].map(|title| app.draft(title, json!({})));
        let a = app.published("A", json!({ "related": [id(&b), id(&c), id(&d)] }));
        let address_of = |answer: &Response| format!("/v1/articles/{}", id(answer));
        for draft in [&b, &c, &d] {
            change(app, &address_of(draft), json!({ "section": "world" })).expect(200);
        }
        let related = |answer: &Response| answer.json()["related"].clone();
        assert_eq!(live(app, &address(&a))["related"], json!([]));
        let working = app.editor().get(&format!("{}?view=working", address(&a))).expect(200);
        assert_eq!(related(&working), json!([id(&b), id(&c), id(&d)]));

        for (article, step, expected) in [
            (&c, "publish", vec![&c]),
            (&b, "publish", vec![&b, &c]),
            (&c, "withdraw", vec![&b]),
            (&d, "publish", vec![&b, &d]),
            (&c, "publish", vec![&b, &c, &d]),
        ] {
            age(app);
            let old = app.anonymous().get(&address(&a)).expect(200);
            verb(app, &address_of(article), step).expect(200);
            let new = assert_news(&app.anonymous(), &address(&a), &old);
            assert_eq!(related(&new), json!(expected.into_iter().map(id).collect::<Vec<_>>()), "{step}");
        }
    }

    fn the_working_view_shows_names_as_they_are_now_without_a_new_revision(app) {
        let draft = app.draft("One", json!({ "section": app.section("World")["id"], "tags": [app.tag("Iran")["id"]] }));
        app.editor().patch("/v1/sections/world", "*", json!({ "name": "The World" })).expect(200);
        app.editor().patch("/v1/tags/iran", "*", json!({ "name": "Persia" })).expect(200);

        let view = crate::articles::working(app, &address(&draft));
        assert_eq!((&view.json()["section"]["name"], &view.json()["tags"][0]["name"]), (&json!("The World"), &json!("Persia")));
        assert_eq!(view.etag(), draft.etag());
    }
}
