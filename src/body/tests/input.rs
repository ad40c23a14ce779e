//! What clients may send.

use serde_json::{Value, json};

use crate::body::tests::{faults, from_client, ids, json, without_ids};
use crate::body::{Body, MAX_BLOCKS};

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn paragraph(content: &Value) -> Value {
    json!([{"type": "paragraph", "content": content}])
}

#[test]
fn all_faults_are_reported_at_once_with_their_place() {
    let body = json!([
        {"type": "paragraph", "id": "a b", "content": [text("a\u{0}b")], "style": "x"},
        {"type": "video", "src": "x"},
        {"content": []},
        "text",
        {"type": "heading", "level": 1, "content": [{"type": "text", "text": 5, "marks": ["bold", "blink"]}]},
        {"type": "heading", "content": null},
        {"type": "list", "start": 3, "items": [{"content": [{"type": "link", "href": "javascript:x", "content": []}]}]},
        {"type": "quote", "content": [{"type": "heading", "content": []}], "citation": "me"},
    ]);

    assert_eq!(
        faults(body),
        [
            "/0/id: a block's id is 1 to 64 ASCII letters, digits, `_` and `-`",
            "/0/content/0/text: the character U+0000 cannot stand in text",
            "/0: unknown member style, not one of [\"type\", \"id\", \"content\"]",
            "/1/type: unknown value video, not one of [\"paragraph\", \"heading\", \"list\", \"quote\", \"pull_quote\", \"image\", \"gallery\", \"embed\", \"table\", \"code\", \"preformatted\", \"divider\", \"note\", \"related_article\", \"details\", \"footnotes\"]",
            "/2: missing type",
            "/3: String for [Map]",
            "/4/level: a heading's level is 2 to 6",
            "/4/content/0/text: Integer for [String]",
            "/4/content/0/marks/1: unknown value blink, not one of [\"bold\", \"italic\", \"underline\", \"strike\", \"code\", \"sub\", \"sup\", \"small_caps\"]",
            "/5: missing level",
            "/5/content: Null for [Sequence]",
            "/6/start: only a list with `ordered: true` has a `start`",
            "/6/items/0/content/0/href: a link must lead to an http, https, mailto or tel URL, a path that starts with one `/`, or a `#fragment`",
            "/6/items/0/content/0/content: a link needs text that can be seen",
            "/7/content/0/type: unknown value heading, not one of [\"paragraph\", \"list\"]",
            "/7/citation: String for [Sequence]",
        ]
    );
}

#[test]
fn ids_are_kept_when_given_made_when_missing_and_never_equal() {
    let made = from_client(json!([{"type": "paragraph", "content": [text("one")]}])).unwrap();
    let made = ids(&made).remove(0);

    let body = from_client(json!([
        {"type": "paragraph", "content": [text("one")]},
        {"type": "paragraph", "id": made, "content": [text("given")]},
        {"type": "quote", "id": null, "content": [{"type": "paragraph", "id": "P_1", "content": [text("q")]}]},
    ]))
    .unwrap();

    let ids = ids(&body);
    assert_eq!(ids[0], format!("{made}-2"));
    assert_eq!(ids[1], made);
    assert_eq!(ids[3], "P_1");
    assert_eq!(
        faults(json!([
            {"type": "paragraph", "id": "a", "content": [text("x")]},
            {"type": "quote", "content": [{"type": "paragraph", "id": "a", "content": [text("x")]}]},
        ])),
        ["/1/content/0/id: another block of this body has the id `a` too"]
    );
}

#[test]
fn blocks_without_text_are_dropped() {
    let body = from_client(json!([
        {"type": "paragraph", "content": []},
        {"type": "paragraph", "content": [text(" \u{a0}\u{200b}"), {"type": "line_break"}]},
        {"type": "heading", "level": 2, "content": [text("")]},
        {"type": "list", "items": [{"content": []}, {"content": [], "list": {"items": []}}]},
        {"type": "quote", "content": [{"type": "paragraph", "content": []}]},
    ]))
    .unwrap();

    assert_eq!(body, Body::default());
    assert_eq!(
        faults(json!([{"type": "quote", "content": [], "citation": [text("X")]}])),
        ["/0/content: a quote with a citation needs something that is quoted"]
    );
}

#[test]
fn text_is_brought_into_normal_form() {
    let body = from_client(paragraph(&json!([
        text("  a\tb "),
        {"type": "text", "text": " c", "marks": []},
        {"type": "text", "text": "d\r\ne\n\n", "marks": ["sup", "bold", "bold"]},
        {"type": "line_break"},
        {"type": "link", "href": "/x", "title": " a \n b ", "content": [{"type": "line_break"}, text("f")]},
        {"type": "link", "href": "/x", "title": "a b", "content": [text("g ")]},
    ])))
    .unwrap();

    assert_eq!(
        without_ids(&body),
        paragraph(&json!([
            {"type": "text", "text": "a b c", "marks": []},
            {"type": "text", "text": "d", "marks": ["bold", "sup"]},
            {"type": "line_break"},
            {"type": "text", "text": "e", "marks": ["bold", "sup"]},
            {"type": "line_break"},
            {"type": "link", "href": "/x", "title": "a b", "content": [{"type": "text", "text": "fg", "marks": []}]},
        ]))
    );
}

#[test]
fn any_unicode_but_controls_is_text() {
    let every = "می‌خواهم \u{202e}x\u{202c} 👩‍👩‍👧 \u{e000} \u{10fffd} ￼ \u{2028}";
    let body = from_client(paragraph(&json!([text(every)]))).unwrap();
    assert_eq!(json(&body)[0]["content"][0]["text"], every);

    for c in ['\u{0}', '\u{8}', '\u{b}', '\u{c}', '\u{1b}', '\u{7f}', '\u{85}', '\u{9f}', '\u{fffe}', '\u{ffff}'] {
        let expected = format!("/0/content/0/text: the character U+{:04X} cannot stand in text", u32::from(c));
        assert_eq!(faults(paragraph(&json!([text(&format!("a{c}"))]))), [expected]);
    }
}

#[test]
fn lists_have_a_deepest_level() {
    let nest = |depth: u32| {
        let innermost = json!({"content": [text("x")]});
        let item = (1..depth).fold(innermost, |item, _| json!({"content": [], "list": {"items": [item]}}));
        json!([{"type": "list", "items": [item]}])
    };

    assert!(from_client(nest(8)).is_ok());
    let place = format!("/0/items/0{}/list", "/list/items/0".repeat(7));
    assert_eq!(faults(nest(9)), [format!("{place}: lists can be nested at most 8 deep")]);
}

#[test]
fn starts_are_numbers_that_differ_from_one() {
    let start = |start: Value| {
        from_client(json!([{"type": "list", "ordered": true, "start": start, "items": [{"content": [text("x")]}]}]))
    };
    let kept = |given: Value| json(&start(given).unwrap())[0]["start"].clone();

    assert_eq!(kept(json!(3)), 3);
    assert_eq!(kept(json!(-3)), -3);
    assert_eq!(kept(json!(0)), 0);
    assert_eq!(kept(json!(1)), Value::Null);
    assert_eq!(kept(Value::Null), Value::Null);
    assert!(start(json!(5_000_000_000_i64)).is_err());
    assert!(start(json!(1.5)).is_err());
    assert!(start(json!("3")).is_err());
}

#[test]
fn a_body_has_a_largest_number_of_blocks() {
    let body = |n: usize| Value::from(vec![json!({"type": "paragraph", "content": [text("x")]}); n]);

    assert_eq!(from_client(body(MAX_BLOCKS)).unwrap().blocks().len(), MAX_BLOCKS);
    assert_eq!(faults(body(MAX_BLOCKS + 1)), [": a body can have at most 10000 blocks"]);
    let quote = json!([{"type": "quote", "content": body(MAX_BLOCKS)}]);
    assert_eq!(faults(quote), [": a body can have at most 10000 blocks"]);
}

#[test]
fn titles_have_a_longest_length() {
    let link =
        |title: &str| paragraph(&json!([{"type": "link", "href": "/x", "title": title, "content": [text("x")]}]));

    assert!(from_client(link(&"é".repeat(500))).is_ok());
    assert_eq!(faults(link(&"é".repeat(501))), ["/0/content/0/title: can have at most 500 characters"]);
    assert_eq!(json(&from_client(link(" ")).unwrap())[0]["content"][0]["title"], Value::Null);
}

#[test]
fn a_link_cannot_stand_in_a_link() {
    let inner = json!({"type": "link", "href": "/y", "content": [text("y")]});
    let outer = json!([{"type": "link", "href": "/x", "content": [text("x"), inner]}]);

    assert_eq!(
        faults(paragraph(&outer)),
        ["/0/content/0/content/1/type: unknown value link, not one of [\"text\", \"line_break\"]"]
    );
}
