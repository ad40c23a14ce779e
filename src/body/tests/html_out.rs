//! How blocks are written as HTML, and which link targets are taken.

use serde_json::json;

use crate::body::tests::from_client;
use crate::body::{Href, HrefFault, NoLinks};

#[test]
fn text_and_attributes_are_escaped() {
    let body = from_client(json!([{"type": "paragraph", "content": [
        {"type": "text", "text": "a < b & \"c\"\u{a0}> 'd' <script>"},
        {"type": "link", "href": "/x?a=1&b='2'", "title": "\"><img src=x onerror=alert(1)>",
         "content": [{"type": "text", "text": "e"}]},
    ]}]))
    .unwrap();

    assert_eq!(
        body.to_html(&NoLinks),
        "<p>a &lt; b &amp; &quot;c&quot;&nbsp;&gt; 'd' &lt;script&gt;<a href=\"/x?a=1&amp;b=%272%27\" \
         title=\"&quot;&gt;&lt;img src=x onerror=alert(1)&gt;\">e</a></p>"
    );
}

#[test]
fn only_links_to_the_web_carry_rel() {
    let hrefs = ["https://a.example/", "http://a.example/", "/a", "#a", "mailto:a@b.example", "tel:1"];
    let links: Vec<_> = hrefs
        .iter()
        .map(|href| json!({"type": "link", "href": href, "content": [{"type": "text", "text": "x"}]}))
        .collect();
    let body = from_client(json!([{"type": "paragraph", "content": links}])).unwrap();

    assert_eq!(
        body.to_html(&NoLinks),
        "<p><a href=\"https://a.example/\" rel=\"noopener\">x</a><a href=\"http://a.example/\" rel=\"noopener\">x</a>\
         <a href=\"/a\">x</a><a href=\"#a\">x</a><a href=\"mailto:a@b.example\">x</a><a href=\"tel:1\">x</a></p>"
    );
}

#[test]
fn link_targets_are_kept_in_normal_form() {
    for (given, kept) in [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://EXAMPLE.org:443/A", "https://example.org/A"),
        ("https:example.org/x", "https://example.org/x"),
        ("https:\\\\example.org\\x", "https://example.org/x"),
        ("https://fa.wikipedia.org/wiki/تهران", "https://fa.wikipedia.org/wiki/%D8%AA%D9%87%D8%B1%D8%A7%D9%86"),
        ("https://مثال.example/", "https://xn--mgbh0fb.example/"),
        ("https://e.org/\"><script>", "https://e.org/%22%3E%3Cscript%3E"),
        ("/a/../b", "/b"),
        ("/a?b#c", "/a?b#c"),
        ("/", "/"),
        ("#a<b", "#a%3Cb"),
        ("mailto:a@b.c?subject=x", "mailto:a@b.c?subject=x"),
        ("MAILTO:a@b.c", "mailto:a@b.c"),
        ("tel:+98-21", "tel:+98-21"),
        ("tel:\"<>", "tel:%22%3C%3E"),
    ] {
        let href = Href::parse(given).unwrap_or_else(|fault| panic!("{given}: {fault}"));

        assert_eq!(href.as_str(), kept, "{given}");
        assert_eq!(Href::parse(kept), Ok(href), "{kept} must stay as it is");
    }
}

#[test]
fn other_link_targets_are_refused() {
    use HrefFault::{Empty, Invalid, Kind, Space, TooLong};
    let long = format!("/{}", "a".repeat(Href::MAX_CHARS));
    for (given, fault) in [
        ("", Empty),
        ("#", Empty),
        (" /a", Space),
        ("/a b", Space),
        ("/a\u{0}", Space),
        ("/\u{2028}a", Space),
        ("java\tscript:alert(1)", Space),
        ("javascript:alert(1)", Kind),
        ("JAVASCRIPT:alert(1)", Kind),
        ("data:text/html,x", Kind),
        ("vbscript:x", Kind),
        ("blob:https://a.example/x", Kind),
        ("file:///etc/passwd", Kind),
        ("ftp://a.example/", Kind),
        ("view-source:https://a.example", Kind),
        ("//evil.example", Kind),
        ("/\\evil.example", Kind),
        ("/\\/evil.example", Kind),
        ("\\\\evil.example", Kind),
        ("/.//evil.example", Kind),
        ("/..//evil.example", Kind),
        ("/a/..//evil.example", Kind),
        ("page.html", Kind),
        ("?q", Kind),
        ("www.example.org", Kind),
        ("https://", Invalid),
        ("https://a b", Space),
        ("https://[::1", Invalid),
        ("mailto:", Invalid),
        ("mailto://host/x", Invalid),
        (long.as_str(), TooLong),
    ] {
        assert_eq!(Href::parse(given), Err(fault), "{given:?}");
    }
}
