//! What a profile makes of a feed, in every format.

use super::{
    atom,
    feed::Feed,
    item::{Category, Item},
    json_feed, rss,
};
use crate::{articles::markup::Picture, clock::Instant, ids::ArticleId};

fn item() -> Item {
    let moment = |text: &str| Instant::parse(text).unwrap();
    Item {
        article: ArticleId::generate(),
        id: "http://old.example.org/?p=123".to_owned(),
        url: None,
        title: "Harbor & sea".to_owned(),
        kicker: None,
        summary: "The <first> ships left.".to_owned(),
        html: None,
        pictures: vec![Picture { url: "https://m.test/a?x=1&y=\"2\"".to_owned(), ..Picture::default() }],
        authors: Vec::new(),
        byline: None,
        dateline: None,
        source: None,
        slug: "harbor".to_owned(),
        word_count: 4,
        section: Some(Category { uri: "urn:x".to_owned(), term: "world".to_owned(), label: "World".to_owned() }),
        tags: Vec::new(),
        language: "en".to_owned(),
        corrections: Vec::new(),
        published: moment("2026-03-01T00:00:00Z"),
        updated: moment("2026-03-02T00:00:00.500Z"),
        expires: Some(moment("2026-04-01T00:00:00Z")),
    }
}

fn feed() -> Feed {
    Feed {
        id: "urn:uuid:0193f0a2-6d7e-8c11-9d6b-0f6a3c1e5b7a".to_owned(),
        title: "Site".to_owned(),
        description: "The latest".to_owned(),
        publisher: "Site".to_owned(),
        home: None,
        own: None,
        current: None,
        previous: None,
        next: None,
        hub: None,
        is_archive: false,
        language: Some("en".to_owned()),
        updated: Instant::parse("2026-03-02T00:00:00.500Z").unwrap(),
        items: vec![item()],
    }
}

#[test]
fn a_feed_of_summaries_that_expire_says_so_and_nothing_more() {
    let (rss, atom, json) =
        (rss::write(&feed()).unwrap(), atom::write(&feed()).unwrap(), json_feed::write(&feed()).unwrap());

    for (text, parts) in [
        (
            &rss,
            [
                // As HTML, in XML.
                "<description>The &amp;lt;first&amp;gt; ships left.</description>",
                "<dcterms:valid>end=2026-04-01T00:00:00.000Z; scheme=W3C-DTF</dcterms:valid>",
                "<guid isPermaLink=\"false\">http://old.example.org/?p=123</guid>",
            ],
        ),
        (
            &atom,
            [
                "<summary type=\"text\">The &lt;first&gt; ships left.</summary>",
                "<dcterms:valid>end=2026-04-01T00:00:00.000Z",
                "<id>http://old.example.org/?p=123</id>",
            ],
        ),
        (
            &json,
            [
                "\"content_text\":\"The <first> ships left.\"",
                "\"expires_at\":\"2026-04-01T00:00:00.000Z\"",
                "\"id\":\"http://old.example.org/?p=123\"",
            ],
        ),
    ] {
        for part in parts {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(
            !text.contains("content:encoded>") && !text.contains("<content") && !text.contains("content_html"),
            "{text}"
        );
    }
    assert!(rss.contains("<pubDate>Sun, 01 Mar 2026 00:00:00 +0000</pubDate>"), "{rss}");
    assert!(rss.contains("url=\"https://m.test/a?x=1&amp;y=&quot;2&quot;\""), "{rss}");
    // Without an address, the feed's own name stands in the one place that must have a URI.
    assert!(rss.contains("<link>urn:uuid:0193f0a2-6d7e-8c11-9d6b-0f6a3c1e5b7a</link>"), "{rss}");
}

#[test]
fn an_empty_feed_is_one_as_well() {
    let empty = Feed { items: Vec::new(), language: None, ..feed() };

    for text in [rss::write(&empty).unwrap(), atom::write(&empty).unwrap(), json_feed::write(&empty).unwrap()] {
        let read = feed_rs::parser::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(read.entries.is_empty());
    }
}
