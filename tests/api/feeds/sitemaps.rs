//! Sitemaps: everything by month, and the news.

use serde_json::json;

use super::{PUBLIC, known, read as feed_of};
use crate::{
    delivery::keeping,
    lists::date,
    support::{App, both, id, wait::until},
};

/// The texts of an element in a document, in order.
fn all(text: &str, element: &str) -> Vec<String> {
    let (start, end) = (format!("<{element}>"), format!("</{element}>"));
    text.split(&start).skip(1).map(|rest| rest.split(&end).next().unwrap().to_owned()).collect()
}

#[track_caller]
fn read(app: &App, path: &str) -> String {
    let answer = app.anonymous().get(path).expect(200);
    assert_eq!(answer.header("content-type"), Some("application/xml; charset=utf-8"));
    answer.text()
}

both! {
    fn every_article_is_in_the_file_of_its_month_and_every_file_in_the_index(app) {
        for (slug, published, updated) in [
            ("a", "2025-01-01 00:00:00.000", "2025-02-01 10:00:00.000"), ("b", "2025-01-31 23:59:59.999", "2025-01-31 23:59:59.999"),
            ("c", "2025-03-01 00:00:00.000", "2025-03-02 10:00:00.000"),
        ] {
            app.published(slug, json!({}));
            date(app, slug, "published_at", published);
            date(app, slug, "updated_at", updated);
        }
        app.draft("unseen", json!({ "section": "world" }));
        let server = known(app);

        let index = read(&server, "/sitemaps/index.xml");
        assert_eq!(all(&index, "loc"), [format!("{PUBLIC}/sitemaps/2025-03.xml"), format!("{PUBLIC}/sitemaps/2025-01.xml")]);
        assert_eq!(all(&index, "lastmod"), ["2025-03-02T10:00:00.000Z", "2025-02-01T10:00:00.000Z"]);
        let january = read(&server, "/sitemaps/2025-01.xml");
        assert_eq!(all(&january, "loc"), ["https://www.newsroom.test/world/a", "https://www.newsroom.test/world/b"]);
        assert_eq!(all(&january, "lastmod"), ["2025-02-01T10:00:00.000Z", "2025-01-31T23:59:59.999Z"]);
        assert_eq!(all(&read(&server, "/sitemaps/2025-03.xml"), "loc"), ["https://www.newsroom.test/world/c"]);
        for path in ["2025-02.xml", "2025-01-2.xml", "2025.xml", "x.xml", "2025-01.txt", "2025-13.xml", ""] {
            server.anonymous().get(&format!("/sitemaps/{path}")).expect(404);
        }
        server.anonymous().get("/sitemaps/index.xml?x=1").expect(400);
        server.anonymous().request("POST", "/sitemaps/news.xml").send().expect(405);
    }

    fn without_addresses_there_are_no_sitemaps_and_the_answer_says_why(app) {
        let article = app.published("Harbor", json!({}));
        let month = &frontpage::clock::Instant::now().to_string()[..7];
        assert!(app.anonymous().get("/sitemaps/index.xml").expect(404).text().contains("FRONTPAGE_PUBLIC_URL"));
        let nowhere = App::start_on(app.database.clone(), &[("FRONTPAGE_ARTICLE_URL", "")]);
        for path in ["/sitemaps/news.xml".to_owned(), format!("/sitemaps/{month}.xml")] {
            app.anonymous().get(&path).expect(200);
            assert!(nowhere.anonymous().get(&path).expect(404).text().contains("FRONTPAGE_ARTICLE_URL"));
        }
        // A feed does without: what has no address has an id.
        let feed = feed_of(&nowhere, "/feeds/articles.rss");
        assert_eq!(feed.entries[0].id, format!("urn:uuid:{}", id(&article)));
        assert!(feed.entries[0].links.is_empty());
    }

    fn news_is_what_was_first_published_within_two_days(app) {
        let ago = |seconds: i64| frontpage::clock::Instant::now().plus_seconds(-seconds).to_string().replace('T', " ").replace('Z', "");
        const HOUR: i64 = 3600;
        for (slug, published, first) in [("old", 49 * HOUR, 49 * HOUR), ("again", HOUR, 90 * HOUR), ("fresh", 47 * HOUR, 47 * HOUR), ("newest", 2 * HOUR, 2 * HOUR)] {
            app.published(slug, json!({ "language": if slug == "fresh" { "zh-Hant" } else { "en-GB" }, "title": format!("{slug} & <b>") , "slug": slug }));
            date(app, slug, "published_at", &ago(published));
            app.database.sql(&format!("UPDATE live_articles SET first_published_at = '{}' WHERE slug = '{slug}'", ago(first)));
        }
        let server = known(app);
        let news = read(&server, "/sitemaps/news.xml");
        assert_eq!(all(&news, "loc"), ["https://www.newsroom.test/world/newest", "https://www.newsroom.test/world/fresh"]);
        assert_eq!(all(&news, "news:language"), ["en", "zh-tw"]);
        assert_eq!(all(&news, "news:name"), ["The Tamarisk Post", "The Tamarisk Post"]);
        assert_eq!(all(&news, "news:title"), ["newest &amp; &lt;b&gt;", "fresh &amp; &lt;b&gt;"]);
        assert_eq!(all(&news, "news:publication_date").len(), 2);
        assert!(news.contains("xmlns:news=\"http://www.google.com/schemas/sitemap-news/0.9\""));
    }

    fn sitemaps_are_kept_until_something_changes_or_ceases_to_be_news(app) {
        let article = id(&app.published("Harbor", json!({})));
        let month = &frontpage::clock::Instant::now().to_string()[..7];
        let kept = keeping(app);
        let paths = ["/sitemaps/news.xml".to_owned(), format!("/sitemaps/{month}.xml")];
        for path in &paths {
            until("it is kept", || kept.count_statements(|| kept.anonymous().get(path).expect(200)).1.is_empty());
        }
        kept.editor().patch("/v1/sections/world", "*", json!({ "slug": "earth" })).expect(200);
        for path in &paths {
            assert!(read(&kept, path).contains("https://www.newsroom.test/earth/harbor"), "{path}");
        }
        kept.editor().verb(&format!("/v1/articles/{article}/withdraw"), "*").expect(200);
        assert!(!read(&kept, &paths[0]).contains("harbor"));
        kept.anonymous().get(&paths[1]).expect(404);

        // Two days pass in a moment: what is about to be no news is not kept for longer.
        let soon = app.published("Soon", json!({ "section": "earth" }));
        let almost = frontpage::clock::Instant::now().plus_seconds(3 - 2 * 24 * 3600).to_string().replace('T', " ").replace('Z', "");
        date(app, "soon", "published_at", &almost);
        app.database.sql(&format!("UPDATE live_articles SET first_published_at = '{almost}' WHERE slug = 'soon'"));
        kept.editor().patch(&format!("/v1/articles/{}", id(&soon)), "*", json!({ "title": "Soon over" })).expect(200);
        kept.editor().patch("/v1/sections/earth", "*", json!({ "name": "Earth" })).expect(200);
        kept.anonymous().get(&paths[0]).expect(200);
        until("it is no news any more", || !read(&kept, &paths[0]).contains("soon"));
    }
}
