//! Feeds: RSS, Atom and JSON Feed, read by a reader that is not ours.

mod archives;
mod formats;
mod guids;
mod hub;
mod ninjs;
mod serving;
mod sitemaps;

use feed_rs::model::Feed;
use serde_json::json;

use crate::support::{App, Response};

/// The address under which clients know the server.
pub const PUBLIC: &str = "https://api.newsroom.test";

pub const FORMATS: [&str; 3] = ["rss", "atom", "json"];

/// Another server on the same database, which knows its own address.
pub fn known(app: &App) -> App {
    App::start_on(
        app.database.clone(),
        &[("FRONTPAGE_PUBLIC_URL", PUBLIC), ("FRONTPAGE_SITE_NAME", "The Tamarisk Post")],
    )
}

/// Reads a feed.
#[track_caller]
pub fn read(app: &App, path: &str) -> Feed {
    parse(&app.anonymous().get(path).expect(200))
}

#[track_caller]
pub fn parse(answer: &Response) -> Feed {
    feed_rs::parser::parse(&answer.bytes[..]).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

/// The ids of a feed's items, in order.
pub fn ids(feed: &Feed) -> Vec<String> {
    feed.entries.iter().map(|entry| entry.id.clone()).collect()
}

/// The titles of a feed's items, in order.
pub fn titles(feed: &Feed) -> String {
    let titles = feed.entries.iter().map(|entry| entry.title.as_ref().unwrap().content.clone());
    titles.collect::<Vec<_>>().join(" ")
}

/// The ids that items have for the articles of a list.
pub fn listed(app: &App, query: &str) -> Vec<String> {
    let list = app.anonymous().get(&format!("/v1/articles?{query}")).expect(200).json();
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|article| format!("urn:uuid:{}", article["id"].as_str().unwrap()))
        .collect()
}

/// An article with all that a feed can show.
pub fn rich(app: &App) -> Response {
    app.editor().post("/v1/sections", json!({ "name": "World", "slug": "world" })).expect(201);
    app.editor()
        .post("/v1/sections", json!({ "name": "Asia & Pacific", "slug": "asia", "parent": "world" }))
        .expect(201);
    app.tag("Ships");
    app.tag("Storm & rain");
    app.staff("Mina Okafor");
    app.staff("Wire");
    app.published(
        "Harbor \"reopens\" & <ships> leave",
        json!({
            "slug": "harbor",
            "section": "asia",
            "tags": ["ships", "storm-rain"],
            "authors": [{ "staff": "mina-okafor" }, { "staff": "wire", "role": "contributor" }],
            "excerpt": "The first <ships> left & more.",
            "kicker": "Exclusive",
            "body_html": "<p>A &amp; B <a href=\"/about\">us</a>.</p>\
                <figure><img src=\"/quay.jpg\" alt=\"Two cranes\" width=\"1600\" height=\"900\">\
                <figcaption>The quay. <small>Mina Rad</small></figcaption></figure><p>]]&gt; the end.</p>",
        }),
    )
}
