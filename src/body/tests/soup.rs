//! HTML that the property tests feed in.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::sample::select;

use crate::body::tests::strategies::text;

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
    "summary",
    "aside",
    "thead",
    "small",
    "oembed",
    "embed",
    "bdi",
    "picture",
    "video",
    "source",
    "param",
    "figure",
    "li",
    "td",
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
    " src=https://e.org/a.png alt=x",
    " src=/a.png width=1 height=1",
    " src=//www.youtube.com/embed/abc?start=3 title=t",
    " url=https://youtu.be/abc",
    " data-note=correction",
    " data-article=0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3d",
    " data-media=0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3d",
    " data-gallery",
    " class=ql-indent-1 data-list=bullet",
    " class=ql-indent-2 data-list=ordered",
    " class=ql-code-block-container",
    " class=MsoListParagraph style='mso-list:l0 level1 lfo1'",
    " style='mso-list:l0 level2 lfo1'",
    " style='mso-list:Ignore'",
    " src=https://cdn.example/a.mp4",
    " name=movie value=https://youtu.be/abc data=https://youtu.be/abd",
    " data-embed=other",
    " data-pull-quote",
    " data-footnotes",
    " id=fn-a",
    " data-fn=a",
    " href='#fn1'",
    " lang=de dir=rtl",
    " colspan=2 rowspan=3 scope=row",
    " class=language-rust",
    " class=twitter-tweet",
    " role=presentation",
];

fn tag() -> impl Strategy<Value = String> {
    (select(NAMES), select(ATTRIBUTES), any::<bool>()).prop_map(|(name, attributes, is_end)| {
        if is_end { format!("</{name}>") } else { format!("<{name}{attributes}>") }
    })
}

/// Tags without regard to rules, text and broken syntax.
pub(super) fn soup() -> impl Strategy<Value = String> {
    let broken = select(
        &[
            "<",
            "</",
            "<!--",
            "-->",
            "<!",
            "<?x>",
            "<![CDATA[",
            "&nbsp;",
            "&lt;b>",
            "&#0;",
            "\0",
            "<a",
            "\"",
            "<br>",
            "[caption x]",
            "[/caption]",
            "<a href=https://x.com/u/status/1>",
        ][..],
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
    "details",
    "summary",
    "aside",
    "thead",
    "th",
    "caption",
    "small",
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
