//! What a body names by id, how that is resolved, and which provider an embed's address belongs to.

use serde_json::{Value, json};
use url::Url;

use crate::body::tests::from_client;
use crate::body::{ArticleLink, ArticleRef, Body, EmbedProvider, EmbedUrl, Href, Links, MediaRef, NoLinks};

const PUBLISHED: &str = "0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3d";
const UNKNOWN: &str = "0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3e";
const PICTURE: &str = "0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3f";

/// Knows one article, one picture and the site.
struct Site(Option<Url>);

impl Links for Site {
    fn article(&self, article: ArticleRef) -> Option<ArticleLink> {
        let link = || ArticleLink { url: Href::parse("/news/talks").unwrap(), title: "Talks & \"more\"".to_owned() };
        (article.to_string() == PUBLISHED).then(link)
    }

    fn media(&self, media: MediaRef) -> Option<Href> {
        (media.to_string() == PICTURE).then(|| Href::parse("/media/a.jpg").unwrap())
    }

    fn site(&self) -> Option<&Url> {
        self.0.as_ref()
    }
}

fn site() -> Site {
    Site(Some(Url::parse("https://news.example/").unwrap()))
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn link(member: &str, to: &str) -> Value {
    json!([{"type": "paragraph", "content": [{"type": "link", member: to, "content": [text("x")]}]}])
}

fn written(body: Value, links: &impl Links) -> String {
    from_client(body).unwrap().to_html(links)
}

#[test]
fn links_by_id_lead_to_published_articles_only() {
    let hook = |id: &str| format!("<p><a data-article=\"{id}\">x</a></p>");

    assert_eq!(
        written(link("article", PUBLISHED), &site()),
        format!("<p><a href=\"https://news.example/news/talks\" data-article=\"{PUBLISHED}\">x</a></p>")
    );
    assert_eq!(
        written(link("article", PUBLISHED), &Site(None)),
        format!("<p><a href=\"/news/talks\" data-article=\"{PUBLISHED}\">x</a></p>")
    );
    assert_eq!(written(link("article", UNKNOWN), &site()), hook(UNKNOWN));
    assert_eq!(written(link("article", PUBLISHED), &NoLinks), hook(PUBLISHED));
}

#[test]
fn related_articles_show_what_is_published() {
    let related = |id: &str| json!([{"type": "related_article", "article": id}]);

    assert_eq!(
        written(related(PUBLISHED), &site()),
        format!(
            "<aside data-article=\"{PUBLISHED}\"><a href=\"https://news.example/news/talks\">Talks &amp; \
             &quot;more&quot;</a></aside>"
        )
    );
    assert_eq!(written(related(UNKNOWN), &site()), format!("<aside data-article=\"{UNKNOWN}\"></aside>"));
}

#[test]
fn what_is_resolved_is_read_back_as_what_it_was() {
    let body = from_client(json!([
        {"type": "paragraph", "content": [{"type": "link", "article": PUBLISHED, "content": [text("x")]}]},
        {"type": "related_article", "article": PUBLISHED},
        {"type": "related_article", "article": UNKNOWN},
    ]))
    .unwrap();

    assert_eq!(Body::from_html(&body.to_html(&site())).body.article_references(), body.article_references());
    assert_eq!(Body::from_html(&body.to_html(&NoLinks)).body, body);
}

#[test]
fn the_site_s_own_links_are_not_foreign_and_its_paths_become_absolute() {
    for (href, expected) in [
        ("/a?b#c", "href=\"https://news.example/a?b#c\""),
        ("#c", "href=\"#c\""),
        ("https://news.example/a", "href=\"https://news.example/a\""),
        ("http://news.example/a", "href=\"http://news.example/a\" rel=\"noopener\""),
        ("https://news.example.evil.example/", "href=\"https://news.example.evil.example/\" rel=\"noopener\""),
        ("https://news.example@evil.example/", "href=\"https://news.example@evil.example/\" rel=\"noopener\""),
        ("mailto:a@news.example", "href=\"mailto:a@news.example\""),
    ] {
        assert_eq!(written(link("href", href), &site()), format!("<p><a {expected}>x</a></p>"));
    }
}

#[test]
fn pictures_by_id_have_an_address_if_the_library_knows_one() {
    let image = |id: &str| json!([{"type": "image", "media": id, "alt": ""}]);

    let known = written(image(PICTURE), &site());
    assert!(known.contains("src=\"https://news.example/media/a.jpg\""), "{known}");
    assert!(known.contains(&format!("data-media=\"{PICTURE}\"")), "{known}");
    assert!(!written(image(UNKNOWN), &site()).contains("src="), "nothing is known of it");
}

#[test]
fn article_references_are_listed_once_and_in_order() {
    let to = |id: &str| json!({"type": "link", "article": id, "content": [text("x")]});
    let ids: Vec<String> = (0..8).map(|n| format!("0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b0{n}")).collect();
    let body = from_client(json!([
        {"type": "details", "summary": [to(&ids[0])], "content": [{"type": "paragraph", "content": [to(&ids[1])]}]},
        {"type": "related_article", "article": ids[2].to_uppercase()},
        {"type": "paragraph", "content": [to(&ids[0]), text("a"), to(&ids[3])]},
        {"type": "list", "items": [{"content": [], "list": {"items": [{"content": [to(&ids[4])]}]}}]},
        {"type": "image", "url": "/x", "caption": [to(&ids[5])]},
        {"type": "table", "rows": [{"cells": [{"content": [to(&ids[6])]}]}]},
        {"type": "note", "kind": "update", "content": [{"type": "paragraph", "content": [to(&ids[7])]}]},
        {"type": "related_article", "article": ids[2]},
    ]))
    .unwrap();

    let found: Vec<String> = body.article_references().iter().map(ToString::to_string).collect();

    assert_eq!(found, ids);
    assert_eq!(from_client(link("href", "/x")).unwrap().article_references(), []);
}

#[test]
fn all_pictures_are_found_with_what_they_lack() {
    let body = from_client(json!([
        {"type": "image", "url": "/1"},
        {"type": "gallery", "images": [{"url": "/2", "alt": ""}, {"url": "/3", "alt": "Three", "credit": "AP"}]},
        {"type": "details", "summary": [text("s")], "content": [{"type": "image", "media": PICTURE, "alt": "Four"}]},
        {"type": "paragraph", "content": [text("x")]},
    ]))
    .unwrap();

    let images = body.images();

    let addresses: Vec<_> = images.iter().map(|image| image.url.map(Href::as_str)).collect();
    assert_eq!(addresses, [Some("/1"), Some("/2"), Some("/3"), None]);
    let alts: Vec<_> = images.iter().map(|image| image.alt).collect();
    assert_eq!(alts, [None, Some(""), Some("Three"), Some("Four")]);
    let n_without_credit = images.iter().filter(|image| image.credit.is_none()).count();
    assert_eq!(n_without_credit, 3);
}

#[test]
fn notes_are_found_in_order() {
    let note =
        |kind: &str| json!({"type": "note", "kind": kind, "content": [{"type": "paragraph", "content": [text("x")]}]});
    let body = from_client(json!([note("correction"), {"type": "divider"}, note("editor")])).unwrap();

    let kinds: Vec<&str> = body.notes().map(|note| note.kind.as_str()).collect();

    assert_eq!(kinds, ["correction", "editor"]);
}

#[test]
fn providers_are_known_by_their_addresses() {
    use EmbedProvider::*;
    for (given, provider, usual) in [
        ("https://youtu.be/dQw4w9WgXcQ?t=1m5s", Youtube, "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=65"),
        ("https://m.youtube.com/shorts/dQw4w9WgXcQ", Youtube, "https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
        ("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ", Youtube, "https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
        ("https://www.youtube.com/embed/videoseries?list=PL1", Youtube, "https://www.youtube.com/playlist?list=PL1"),
        ("https://player.vimeo.com/video/12?h=ab", Vimeo, "https://vimeo.com/12/ab"),
        ("https://dai.ly/x1", Dailymotion, "https://www.dailymotion.com/video/x1"),
        ("https://www.aparat.com/video/video/embed/videohash/aB1/vt/frame", Aparat, "https://www.aparat.com/v/aB1"),
        ("https://open.spotify.com/intl-de/track/1a", Spotify, "https://open.spotify.com/track/1a"),
        ("https://soundcloud.com/a/sets/b", Soundcloud, "https://soundcloud.com/a/sets/b"),
        ("https://datawrapper.dwcdn.net/aB1/2/", Datawrapper, "https://datawrapper.dwcdn.net/aB1/"),
        ("https://public.flourish.studio/story/12/", Flourish, "https://flo.uri.sh/story/12/embed"),
        ("https://twitter.com/a/status/12?s=20", X, "https://x.com/a/status/12"),
        ("https://instagram.com/p/a1/?igsh=x", Instagram, "https://www.instagram.com/p/a1/"),
        ("https://www.tiktok.com/@a.b/video/12", Tiktok, "https://www.tiktok.com/@a.b/video/12"),
        ("https://www.facebook.com/a/posts/12", Facebook, "https://www.facebook.com/a/posts/12"),
        ("https://t.me/a/12", Telegram, "https://t.me/a/12"),
        ("https://bsky.app/profile/a.example/post/1", Bluesky, "https://bsky.app/profile/a.example/post/1"),
    ] {
        let found = EmbedUrl::of(&Href::parse(given).unwrap()).unwrap();
        assert_eq!((found.provider, found.url.as_str()), (provider, usual), "{given}");
        assert_eq!(EmbedUrl::of(&found.url), Some(found), "{usual} is its own usual form");
    }
}

#[test]
fn what_only_looks_like_a_provider_is_another_page() {
    for given in [
        "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
        "https://evil.example/youtube.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com@evil.example/watch?v=dQw4w9WgXcQ",
        "https://user:pass@www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com:8443/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/watch?v=a%22b",
        "https://www.youtube.com/redirect?q=x",
        "https://notyoutube.com/watch?v=dQw4w9WgXcQ",
        "https://vimeo.com/about",
        "https://open.spotify.com/user/a",
        "https://x.com/a",
        "https://w.soundcloud.com/player/?url=https%3A//evil.example/a/b",
    ] {
        let found = EmbedUrl::of(&Href::parse(given).unwrap()).unwrap();
        assert_eq!((found.provider, found.url.as_str()), (EmbedProvider::Other, given));
    }
    assert_eq!(EmbedUrl::of(&Href::parse("/watch?v=dQw4w9WgXcQ").unwrap()), None);
    assert_eq!(EmbedUrl::of(&Href::parse("mailto:a@b.example").unwrap()), None);
}

#[test]
fn a_footnote_has_no_link_back_in_whatever_input() {
    // The reference is never ended, so that nothing is dropped when the text is read once more.
    let unclosed = "<p>a<sup class=footnote-ref><a href='#fn-1'>1</sup><ol data-footnotes><li id=fn-1>note <a href='#fnref1'>up</a>";
    let read = Body::from_html(unclosed).body;
    let link = serde_json::json!({"type": "link", "href": "#fnref1", "content": [{"type": "text", "text": "up"}]});
    let sent = crate::body::tests::from_client(
        serde_json::json!([{"type": "footnotes", "notes": [{"id": "a", "content": [link]}]}]),
    )
    .unwrap();

    for body in [read, sent] {
        assert_eq!(Body::from_html(&body.to_html(&NoLinks)).body.to_text(), body.to_text());
        assert_eq!(Body::from_markdown(&body.to_markdown(&NoLinks)).unwrap().body.to_text(), body.to_text());
        assert!(body.to_text().contains("up"));
    }
}

#[test]
fn backslashes_behind_the_path_are_escaped() {
    let read = Body::from_html(r"<a href='/a\b?c\d#e\f'>x</a>").body.to_html(&NoLinks);

    assert_eq!(read, "<p><a href=\"/a/b?c%5Cd#e%5Cf\">x</a></p>");
}
