//! What the property tests feed in.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::body::Mark;

const PIECES: &[&str] = &[
    "a",
    "b",
    "word",
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\u{a0}",
    "\u{200c}",
    "\u{200b}",
    "می\u{200c}خواهم",
    "العربية",
    "漢字",
    "👩\u{200d}👩\u{200d}👧",
    "e\u{301}",
    "\u{202e}",
    "\u{feff}",
    "<",
    ">",
    "&",
    "\"",
    "'",
    "&amp;",
    "<b>",
    "</p>",
    "<!--",
    "—",
    "…",
    "\u{2028}",
    "\u{3000}",
    "|",
    "-->",
    "]]>",
];

const HREFS: &[&str] = &[
    "https://www.example.org/",
    "https://example.org/a?b=c&d=%22e%22#f",
    "http://مثال.example/سلام",
    "/news/today",
    "/a'b\"c<d>",
    "#notes",
    "mailto:desk@example.org?subject=a%20b",
    "tel:+98-21-123",
    "HTTPS://EXAMPLE.ORG/Up",
    "/../x",
    "https:example.org",
];

pub(super) fn text() -> impl Strategy<Value = String> {
    vec(select(PIECES), 0..6).prop_map(|pieces| pieces.concat())
}

fn marks() -> impl Strategy<Value = Vec<Mark>> {
    prop_oneof![3 => Just(Vec::new()), 2 => subsequence(Mark::ALL.to_vec(), 0..=3)]
}

fn text_inline() -> impl Strategy<Value = Value> {
    (text(), marks()).prop_map(|(text, marks)| json!({"type": "text", "text": text, "marks": marks}))
}

fn break_inline() -> impl Strategy<Value = Value> {
    Just(json!({"type": "line_break"}))
}

fn link() -> impl Strategy<Value = Value> {
    let part = prop_oneof![4 => text_inline(), 1 => break_inline()];
    (select(HREFS), option::of(text()), vec(part, 0..3), "[a-c]{1,2}").prop_map(|(href, title, mut content, seen)| {
        content.push(json!({"type": "text", "text": seen}));
        json!({"type": "link", "href": href, "title": title, "content": content})
    })
}

fn content() -> impl Strategy<Value = Value> {
    vec(prop_oneof![4 => text_inline(), 1 => break_inline(), 2 => link()], 0..6).prop_map(Value::from)
}

fn paragraph() -> impl Strategy<Value = Value> {
    content().prop_map(|content| json!({"type": "paragraph", "content": content}))
}

fn items(depth: u32) -> BoxedStrategy<Value> {
    let list = if depth >= 8 {
        Just(Value::Null).boxed()
    } else {
        prop_oneof![3 => Just(Value::Null), 1 => nested(depth + 1)].boxed()
    };
    vec((content(), list), 0..4)
        .prop_map(|items| items.into_iter().map(|(content, list)| json!({"content": content, "list": list})).collect())
        .boxed()
}

fn nested(depth: u32) -> BoxedStrategy<Value> {
    (any::<bool>(), any::<Option<i8>>(), items(depth))
        .prop_map(|(ordered, start, items)| list(ordered, start, &items))
        .boxed()
}

fn list(ordered: bool, start: Option<i8>, items: &Value) -> Value {
    json!({"ordered": ordered, "start": start.filter(|_| ordered), "items": items})
}

fn block() -> impl Strategy<Value = Value> {
    let heading =
        (2..=6, content()).prop_map(|(level, content)| json!({"type": "heading", "level": level, "content": content}));
    let list = nested(1).prop_map(|mut list| {
        list["type"] = "list".into();
        list
    });
    let quote = (vec(paragraph(), 0..3), option::of(content())).prop_map(|(mut content, citation)| {
        content.push(json!({"type": "paragraph", "content": [{"type": "text", "text": "said"}]}));
        json!({"type": "quote", "content": content, "citation": citation})
    });
    prop_oneof![3 => paragraph(), 1 => heading, 2 => list, 2 => quote]
}

/// Bodies that a client may send.
pub(super) fn client_body() -> impl Strategy<Value = Value> {
    vec(block(), 0..6).prop_map(Value::from)
}

const NAMES: &[&str] = &[
    "p",
    "div",
    "h1",
    "h3",
    "ul",
    "ol",
    "li",
    "blockquote",
    "cite",
    "footer",
    "figure",
    "figcaption",
    "table",
    "tbody",
    "tr",
    "td",
    "th",
    "caption",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "del",
    "code",
    "sub",
    "sup",
    "a",
    "span",
    "q",
    "pre",
    "dl",
    "dt",
    "dd",
    "section",
    "font",
    "body",
    "html",
    "head",
    "br",
    "hr",
    "img",
    "o:p",
    "math",
    "details",
    "form",
    "label",
    "svg",
    "button",
    "select",
    "option",
    "script",
    "style",
    "title",
    "textarea",
    "iframe",
    "template",
    "object",
    "xmp",
    "noscript",
];

const ATTRIBUTES: &[&str] = &[
    "",
    "",
    "",
    " href='https://example.org/x'",
    " href=/y title=' t  u '",
    " href='javascript:alert(1)'",
    " href",
    " start=4",
    " style='font-weight:bold'",
    " style='font-weight:400;font-style:italic'",
    " style='text-decoration:underline line-through'",
    " onclick=alert(1)",
    " class=x id=y",
    " href=\"mailto:a@b.c\"",
    "/",
    " a='>' b=\">\"",
];

fn tag() -> impl Strategy<Value = String> {
    (select(NAMES), select(ATTRIBUTES), any::<bool>()).prop_map(|(name, attributes, is_end)| {
        if is_end { format!("</{name}>") } else { format!("<{name}{attributes}>") }
    })
}

/// Tags without regard to rules, text and broken syntax.
pub(super) fn soup() -> impl Strategy<Value = String> {
    let broken = select(
        &["<", "</", "<!--", "-->", "<!", "<?x>", "<![CDATA[", "&nbsp;", "&lt;b>", "&#0;", "\0", "<a", "\"", "<br>"][..],
    );
    let piece = prop_oneof![6 => tag(), 3 => text(), 1 => broken.prop_map(str::to_owned)];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// The text with each of the numbers behind it, joined.
pub(super) fn numbered(numbers: impl Iterator<Item = u32>, text: &str) -> String {
    numbers.flat_map(|n| [text.to_owned(), n.to_string()]).collect()
}

/// What the tokenizer and the limit on attributes must agree on.
pub(super) fn tag_flood() -> impl Strategy<Value = String> {
    let piece = select(
        &[
            "<",
            "</",
            ">",
            "/>",
            "<p ",
            "<script>",
            "</script>",
            "</script ",
            "<!--",
            "-->",
            "--!>",
            "--",
            "!",
            "<!doctype ",
            "<?",
            "<![CDATA[",
            "<style>",
            "</style>",
            "<textarea>",
            "</textarea/",
            "<title",
            "</title>",
            "<SCRIPT",
            "'",
            "\"",
            "=",
            " ",
            "\n",
            "\u{c}",
            "x",
            "a=b",
            "c='d'",
            "e=\"f\"",
            "/",
            "é",
            "\0",
            "<iframe>",
            "</iframe>",
            "<xmp>",
            "</xmp>",
        ][..],
    );
    let flood = (0_u32..1000).prop_map(|from| numbered(from..from + 90, " n"));
    vec(prop_oneof![12 => piece.prop_map(str::to_owned), 1 => flood], 0..60).prop_map(|pieces| pieces.concat())
}

const KEEPING: &[&str] = &[
    "p",
    "div",
    "h1",
    "h2",
    "h4",
    "ul",
    "ol",
    "li",
    "blockquote",
    "table",
    "tr",
    "td",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "del",
    "code",
    "sub",
    "sup",
    "span",
    "pre",
    "dl",
    "dd",
    "section",
    "font",
    "figure",
    "article",
    "center",
    "label",
    "form",
    "q",
];

/// HTML of elements that keep their text, each word and each link target different; the words, the targets.
pub(super) fn keeping() -> impl Strategy<Value = (String, Vec<String>, Vec<String>)> {
    vec((select(KEEPING), 0..6_u8), 0..40).prop_map(|steps| {
        let (mut html, mut words, mut targets) = (String::new(), Vec::new(), Vec::new());
        for (n, (name, kind)) in steps.into_iter().enumerate() {
            match kind {
                0 | 1 => html.extend(["<", name, ">"]),
                2 => html.extend(["</", name, ">"]),
                3 => html.push_str("<br>"),
                4 => {
                    words.push(format!("word{n}x"));
                    html = format!("{html} word{n}x ");
                }
                _ => {
                    html = format!("{html} <a href='/target{n}x'>link{n}x</a> ");
                    words.push(format!("link{n}x"));
                    targets.push(format!("/target{n}x"));
                }
            }
        }
        (html, words, targets)
    })
}
