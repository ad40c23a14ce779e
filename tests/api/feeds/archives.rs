//! The past of feeds, by month (RFC 5005).

use serde_json::json;

use super::{FORMATS, PUBLIC, known, read, titles};
use crate::{
    lists::date,
    support::{App, both},
};

/// Articles `a` to `g`: three in January, none in February, three in March of a year that is over, and one of today.
fn years(app: &App) {
    for (slug, day) in [
        ("a", "2025-01-02"),
        ("b", "2025-01-30"),
        ("c", "2025-01-31"),
        ("d", "2025-03-01"),
        ("e", "2025-03-02"),
        ("f", "2025-03-31"),
    ] {
        app.published(slug, json!({}));
        date(app, slug, "published_at", &format!("{day} 23:59:59.999"));
    }
    app.published("g", json!({}));
}

/// The link of a relation in a feed, without the server's address.
fn link(app: &App, path: &str, rel: &str) -> Option<String> {
    if path.contains(".json") {
        let feed = app.anonymous().get(path).expect(200).json();
        let url = feed[if rel == "prev-archive" { "next_url" } else { "feed_url" }].as_str()?.to_owned();
        return Some(url.strip_prefix(PUBLIC).unwrap().to_owned());
    }
    let text = app.anonymous().get(path).expect(200).text();
    let (_, rest) = text.split_once(&format!("rel=\"{rel}\""))?;
    let url = rest.split("href=\"").nth(1)?.split('"').next()?.replace("&amp;", "&");
    Some(url.strip_prefix(PUBLIC).unwrap().to_owned())
}

both! {
    fn following_the_archives_gives_everything_once(app) {
        years(app);
        app.section("Empty");
        let app = known(app);
        for format in FORMATS {
            for base in ["/feeds/articles", "/feeds/sections/world"] {
                for (limit, expected) in [(1, "g|f|e|d|c|b|a"), (2, "g f|f|e d|c|b a"), (3, "g f e|f e d|c b a"), (30, "g f e d c b a|f e d|c b a")] {
                    let mut path = Some(format!("{base}.{format}?limit={limit}"));
                    let mut found: Vec<String> = Vec::new();
                    while let Some(at) = path {
                        found.push(titles(&read(&app, &at)));
                        path = link(&app, &at, "prev-archive");
                    }
                    // The month of today has an archive of its own as soon as a page of it is full.
                    let expected = if limit == 1 { format!("g|{expected}") } else { expected.to_owned() };
                    assert_eq!(found.join("|"), expected, "{base}.{format} by {limit}");
                }
            }
            assert_eq!(link(&app, &format!("/feeds/sections/empty.{format}"), "prev-archive"), None);
        }
    }

    fn an_archive_says_what_it_is_and_what_is_beside_it(app) {
        years(app);
        let app = known(app);
        let january = app.anonymous().get("/feeds/articles/2025-01.atom?limit=2").expect(200).text();
        assert!(january.contains("<fh:archive/>"));
        let beside = |path: &str| ["self", "current", "prev-archive", "next-archive"].map(|rel| link(&app, path, rel).unwrap_or_default());
        for format in ["rss", "atom"] {
            let at = |page: &str| format!("/feeds/articles{page}.{format}?limit=2");
            assert_eq!(beside(&at("/2025-01")), [at("/2025-01"), at(""), String::new(), at("/2025-01-2")]);
            assert_eq!(beside(&at("/2025-01-2")), [at("/2025-01-2"), at(""), at("/2025-01"), at("/2025-03")]);
            assert_eq!(beside(&at("/2025-03-2")), [at("/2025-03-2"), at(""), at("/2025-03"), String::new()]);
        }
        for gone in ["/2025-01-3", "/2025-02", "/2024-12", "/2025-01-1", "/2031-01"] {
            app.anonymous().get(&format!("/feeds/articles{gone}.rss?limit=2")).expect(404);
        }
        // The month that is not over is there, but is no archive before a page of it is full.
        let month = &frontpage::clock::Instant::now().to_string()[..7];
        let present = app.anonymous().get(&format!("/feeds/articles/{month}.rss")).expect(200).text();
        assert!(!present.contains("fh:archive/") && present.contains("<title>g</title>"));
        let full = app.anonymous().get(&format!("/feeds/articles/{month}.rss?limit=1")).expect(200).text();
        assert!(full.contains("<fh:archive/>"));
    }

    fn a_full_page_stays_as_it_is_while_the_month_goes_on(app) {
        for slug in ["a", "b", "c"] {
            app.published(slug, json!({}));
        }
        let app = known(app);
        let month = &frontpage::clock::Instant::now().to_string()[..7];
        let page = format!("/feeds/articles/{month}.json?limit=2");
        let before = app.anonymous().get(&page).expect(200).json();
        let second = format!("/feeds/articles/{month}-2.json?limit=2");
        assert_eq!(titles(&read(&app, &second)), "c");
        app.published("d", json!({ "section": "world" }));
        app.published("e", json!({ "section": "world" }));

        assert_eq!(app.anonymous().get(&page).expect(200).json()["items"], before["items"]);
        assert_eq!(titles(&read(&app, &second)), "d c");
        assert_eq!(link(&app, "/feeds/articles.json?limit=2", "prev-archive"), Some(second));
    }
}
