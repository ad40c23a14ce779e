//! What the property tests of Markdown feed in.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::body::Mark;

/// Characters and strings that are syntax somewhere in Markdown, and what stands around them.
const PIECES: &[&str] = &[
    "a",
    "b",
    "word",
    "1",
    "12",
    " ",
    " ",
    " ",
    "*",
    "**",
    "***",
    "_",
    "__",
    "`",
    "``",
    "```",
    "~",
    "~~",
    "~~~",
    "[",
    "]",
    "](",
    "](/x)",
    "[^n]",
    "[^n]: ",
    "[a]: /x",
    "(",
    ")",
    "!",
    "![",
    "#",
    "##",
    "# ",
    "- ",
    "-",
    "+",
    "+ ",
    "---",
    "===",
    "=",
    ">",
    "> ",
    "1.",
    "1. ",
    "1) ",
    ".",
    ":",
    "|",
    "| - |",
    ":-",
    "\\",
    "\\\\",
    "&",
    "&amp;",
    "&#35;",
    "&copy",
    "&nbsp;",
    "<",
    "<b>",
    "</b>",
    "<!--",
    "<https://a.example>",
    "\"",
    "'",
    "^",
    "$",
    "{#a}",
    "\u{a0}",
    "\u{2003}",
    "\u{200b}",
    "\u{feff}",
    "\u{2028}",
    "é",
    "漢",
    "“",
    "—",
    "😀",
    "Ⓐ",
    "€",
    "e\u{301}",
    "سلام",
    "<div>",
    "</p>",
    "<script>",
    "www.a.example",
    "    ",
    "\t",
    ";",
    "%",
];

const HREFS: &[&str] = &[
    "https://www.example.org/",
    "https://example.org/a?b=c&d=%22e%22&copy=1#f",
    "/wiki/A_(b)",
    "/a'b\"c<d>|e",
    "#notes*_`[",
    "mailto:desk@example.org?subject=a%20b",
    "tel:+98-21-123",
    "https://example.org/a_b*c",
    "/x)(",
];

const ARTICLE: &str = "0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3d";

pub(super) fn text() -> impl Strategy<Value = String> {
    vec(select(PIECES), 0..5).prop_map(|pieces| pieces.concat())
}

fn seen() -> impl Strategy<Value = String> {
    (text(), "[a-c]{1,2}", text()).prop_map(|(before, seen, after)| format!("{before}{seen}{after}"))
}

fn marks() -> impl Strategy<Value = Vec<Mark>> {
    prop_oneof![
        3 => Just(Vec::new()),
        4 => subsequence(vec![Mark::Bold, Mark::Italic, Mark::Strike, Mark::Code], 0..=3),
        1 => subsequence(Mark::ALL.to_vec(), 0..=3),
    ]
}

fn text_inline() -> impl Strategy<Value = Value> {
    (text(), marks()).prop_map(|(text, marks)| json!({"type": "text", "text": text, "marks": marks}))
}

/// Text with a language or a direction.
fn voice_inline() -> impl Strategy<Value = Value> {
    (text(), marks(), any::<bool>()).prop_map(|(text, marks, is_lang)| {
        let (name, value) = if is_lang { ("lang", "de") } else { ("dir", "rtl") };
        json!({"type": "text", "text": text, "marks": marks, name: value})
    })
}

fn break_inline() -> impl Strategy<Value = Value> {
    Just(json!({"type": "line_break"}))
}

fn link(is_rich: bool) -> BoxedStrategy<Value> {
    let part = prop_oneof![4 => text_inline(), 1 => break_inline()];
    let title = option::of(seen());
    let rel = if is_rich { subsequence(vec!["license", "nofollow"], 0..=2).boxed() } else { Just(Vec::new()).boxed() };
    (select(HREFS), title, vec(part, 0..3), text_inline(), "[a-c]{1,2}", rel, any::<u8>())
        .prop_map(move |(href, title, mut content, last, seen, rel, kind)| {
            content.push(json!({"type": "text", "text": seen}));
            content.push(last);
            match kind {
                0..40 => {
                    let content = json!([{"type": "text", "text": "https://example.org/a"}]);
                    json!({"type": "link", "href": "https://example.org/a", "content": content})
                }
                40..80 if is_rich => {
                    json!({"type": "link", "article": ARTICLE, "title": title, "content": content, "rel": rel})
                }
                _ => json!({"type": "link", "href": href, "title": title, "content": content, "rel": rel}),
            }
        })
        .boxed()
}

fn content(is_rich: bool) -> BoxedStrategy<Value> {
    let inline = if is_rich {
        let note = select(&["a", "b", "A"][..]).prop_map(|note| json!({"type": "footnote_ref", "note": note}));
        prop_oneof![5 => text_inline(), 1 => voice_inline(), 1 => break_inline(), 2 => link(true), 1 => note].boxed()
    } else {
        prop_oneof![4 => text_inline(), 1 => break_inline(), 2 => link(false)].boxed()
    };
    vec(inline, 0..6).prop_map(Value::from).boxed()
}

/// Content in which something can be seen.
fn visible(is_rich: bool) -> BoxedStrategy<Value> {
    (content(is_rich), content(is_rich), "[a-c]{1,2}")
        .prop_map(|(before, after, seen)| {
            let mut all = before.as_array().cloned().unwrap_or_default();
            all.push(json!({"type": "text", "text": seen}));
            all.extend(after.as_array().cloned().unwrap_or_default());
            Value::from(all)
        })
        .boxed()
}

fn paragraph(is_rich: bool) -> impl Strategy<Value = Value> {
    content(is_rich).prop_map(|content| json!({"type": "paragraph", "content": content}))
}

fn nested(depth: u32, is_rich: bool) -> BoxedStrategy<Value> {
    let list = if depth >= 8 {
        Just(Value::Null).boxed()
    } else {
        prop_oneof![3 => Just(Value::Null), 1 => nested(depth + 1, is_rich)].boxed()
    };
    let items = vec((content(is_rich), list), 0..4).prop_map(|items| {
        items.into_iter().map(|(content, list)| json!({"content": content, "list": list})).collect::<Value>()
    });
    let start = prop_oneof![any::<i8>().prop_map(i32::from), Just(0), Just(1), 9..12, Just(i32::MAX)];
    (any::<bool>(), option::of(start), items)
        .prop_map(
            |(ordered, start, items)| json!({"ordered": ordered, "start": start.filter(|_| ordered), "items": items}),
        )
        .boxed()
}

fn list(is_rich: bool) -> BoxedStrategy<Value> {
    nested(1, is_rich)
        .prop_map(|mut list| {
            list["type"] = "list".into();
            list
        })
        .boxed()
}

fn heading(is_rich: bool) -> BoxedStrategy<Value> {
    (2..=6, content(is_rich))
        .prop_map(|(level, content)| json!({"type": "heading", "level": level, "content": content}))
        .boxed()
}

fn quote(is_rich: bool) -> BoxedStrategy<Value> {
    let part =
        if is_rich { prop_oneof![2 => paragraph(true), 1 => list(true)].boxed() } else { paragraph(false).boxed() };
    (vec(part, 0..3), option::of(content(is_rich)))
        .prop_map(|(mut content, citation)| {
            content.push(json!({"type": "paragraph", "content": [{"type": "text", "text": "said"}]}));
            json!({"type": "quote", "content": content, "citation": citation})
        })
        .boxed()
}

fn plain_block() -> BoxedStrategy<Value> {
    prop_oneof![3 => paragraph(false), 1 => heading(false), 2 => list(false), 2 => quote(false)].boxed()
}

/// Bodies of running text.
pub(super) fn plain_body() -> impl Strategy<Value = Value> {
    vec(plain_block(), 0..6).prop_map(Value::from)
}

fn image() -> BoxedStrategy<Value> {
    let href = select(&["https://m.example/a.jpg", "/a_(b).jpg"][..]);
    let size = option::weighted(0.2, 1..9);
    (href, option::of(text()), option::of(content(true)), option::weighted(0.3, seen()), option::of(select(HREFS)), size)
        .prop_map(|(url, alt, caption, credit, link, width)| {
            json!({"type": "image", "url": url, "alt": alt, "caption": caption, "credit": credit, "link": link, "width": width})
        })
        .boxed()
}

fn plain_image() -> BoxedStrategy<Value> {
    (seen(), option::of(seen()), option::of(select(HREFS)))
        .prop_map(|(alt, caption, link)| {
            let caption = caption.map(|text| json!([{"type": "text", "text": text}]));
            json!({"type": "image", "url": "/a_(b).jpg", "alt": alt, "caption": caption, "link": link})
        })
        .boxed()
}

fn table() -> BoxedStrategy<Value> {
    (1_usize..4)
        .prop_flat_map(|n_columns| {
            let cell = (content(true), prop_oneof![9 => Just(1), 1 => Just(2)])
                .prop_map(|(content, span)| json!({"content": content, "column_span": span}));
            let rows = vec(vec(cell, n_columns), 1..4);
            (rows, prop_oneof![4 => Just(1), 1 => Just(0)], prop_oneof![4 => Just(0), 1 => Just(1)], option::weighted(0.2, visible(true)))
        })
        .prop_map(|(rows, header_rows, header_columns, caption)| {
            let mut rows: Vec<Value> = rows.into_iter().map(|cells| json!({"cells": cells})).collect();
            rows[0]["cells"][0]["content"] = json!([{"type": "text", "text": "seen"}]);
            json!({"type": "table", "header_rows": header_rows, "header_columns": header_columns, "rows": rows, "caption": caption})
        })
        .boxed()
}

fn code() -> BoxedStrategy<Value> {
    let text = vec(prop_oneof![3 => seen(), 1 => Just(String::new())], 1..4).prop_map(|lines| lines.join("\n"));
    let language = option::of(select(&["rust", "c++", "c#", "objective-c"][..]));
    (text, language, any::<bool>())
        .prop_map(|(text, language, is_code)| {
            let text = format!("seen{text}");
            if is_code {
                json!({"type": "code", "language": language, "text": text})
            } else {
                json!({"type": "preformatted", "text": text})
            }
        })
        .boxed()
}

fn other() -> BoxedStrategy<Value> {
    let parts = || vec(prop_oneof![2 => paragraph(true), 1 => list(true)], 0..3);
    let ended = |mut parts: Vec<Value>| {
        parts.push(json!({"type": "paragraph", "content": [{"type": "text", "text": "said"}]}));
        parts
    };
    let embed = select(&["https://www.youtube.com/watch?v=dQw4w9WgXcQ", "https://example.org/chart"][..]);
    prop_oneof![
        Just(json!({"type": "divider"})),
        Just(json!({"type": "related_article", "article": ARTICLE})),
        (visible(true), option::of(visible(true)))
            .prop_map(|(content, citation)| json!({"type": "pull_quote", "content": content, "citation": citation})),
        (vec(image(), 1..3), option::of(visible(true))).prop_map(|(mut images, caption)| {
            images.iter_mut().for_each(|image| drop(image.as_object_mut().map(|image| image.remove("type"))));
            json!({"type": "gallery", "images": images, "caption": caption})
        }),
        (embed, option::of(seen()), option::of(visible(true)))
            .prop_map(|(url, title, caption)| json!({"type": "embed", "url": url, "title": title, "caption": caption})),
        (select(&["editor", "correction", "update"][..]), parts())
            .prop_map(move |(kind, content)| json!({"type": "note", "kind": kind, "content": ended(content)})),
        (visible(true), parts(), option::of(code())).prop_map(move |(summary, mut content, code)| {
            content.extend(code);
            json!({"type": "details", "summary": summary, "content": ended(content)})
        }),
    ]
    .boxed()
}

/// Bodies with all blocks.
pub(super) fn rich_body() -> impl Strategy<Value = Value> {
    let block = prop_oneof![
        3 => paragraph(true), 1 => heading(true), 2 => list(true), 2 => quote(true), 1 => image(), 1 => plain_image(),
        2 => table(), 1 => code(), 3 => other(),
    ];
    let ids = prop_oneof![
        3 => Just(vec!["a", "b", "A"]), 3 => Just(vec!["a", "b"]), 1 => Just(vec!["b", "a"]),
    ];
    (vec(block, 0..5), ids, vec(visible(false), 3), any::<bool>()).prop_map(
        |(mut blocks, mut ids, contents, is_first)| {
            // All references need a note.
            if ids.len() == 2 {
                let json = Value::from(blocks).to_string().replace("\"note\":\"A\"", "\"note\":\"a\"");
                blocks = serde_json::from_str(&json).unwrap();
            }
            ids.truncate(contents.len());
            let notes: Vec<Value> =
                ids.into_iter().zip(contents).map(|(id, content)| json!({"id": id, "content": content})).collect();
            let block = json!({"type": "footnotes", "notes": notes});
            if is_first && blocks.len() > 2 {
                blocks.insert(1, block)
            } else {
                blocks.push(block)
            }
            Value::from(blocks)
        },
    )
}

/// Markdown and HTML without regard to rules.
pub(super) fn soup() -> impl Strategy<Value = String> {
    let line = select(
        &[
            "\n",
            "\n",
            "\n\n",
            "\n\n",
            "\n> ",
            "\n- ",
            "\n  - ",
            "\n1. ",
            "\n   ",
            "\n    ",
            "\n# ",
            "\n```\n",
            "\n~~~ c\n",
            "\n---\n",
            "\n| a | b |\n| - | - |\n| ",
            " | ",
            "\n[^n]: ",
            "\n[a]: /x 'y'\n",
            "  \n",
            "\\\n",
            "![a](/i.jpg)",
            "![a](/i.jpg 'c')",
            "[![a](/i.jpg)](/x)",
            "[a](article:0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3d)",
            "[a](javascript:alert(1))",
            "<a href='/y'>",
            "</a>",
            "<aside data-note=update>",
            "</aside>",
            "<figure>",
            "<details><summary>",
            "</summary>",
            "<table><tr><td>",
            "<br>",
            "<pre>",
            "</pre>",
            "<ol data-footnotes><li id=fn-a>",
            "<sup data-fn=a>1</sup>",
            "<svg onload=alert(1)>",
            "<iframe src=//x>",
            "<img src=x onerror=alert(1)>",
            "</blockquote>",
            "</li>",
            "<style>",
            "<!--",
            "-->",
            "<a href='",
            "\0",
            "\r",
        ][..],
    );
    vec(prop_oneof![2 => text(), 2 => line.prop_map(str::to_owned)], 0..30).prop_map(|pieces| pieces.concat())
}

/// Markdown that keeps its text, each word and each link target different; the words, the targets.
pub(super) fn keeping() -> impl Strategy<Value = (String, Vec<String>, Vec<String>)> {
    let syntax = select(
        &[
            "\n\n",
            "\n\n- ",
            "\n- ",
            "\n  - ",
            "\n\n1. ",
            "\n\n> ",
            "\n> ",
            "\n\n# ",
            "\n\n## ",
            "  \n",
            "\\\n",
            "*",
            "**",
            "~~",
            "_",
            "`",
            "\n\n***\n\n",
            "\n\n| a | b |\n| --- | --- |\n| c |",
            "\n\n<div>",
            "</div>",
            "<b>",
            "</b>",
            "<blockquote>",
            "\n\n```\n",
            "\n```\n\n",
        ][..],
    );
    vec((syntax, 0..5_u8), 0..40).prop_map(|steps| {
        let (mut markdown, mut words, mut targets) = (String::new(), Vec::new(), Vec::new());
        for (n, (syntax, kind)) in steps.into_iter().enumerate() {
            match kind {
                // Twice the same may start a fence, whose first line is not text.
                0 | 1 if markdown.ends_with(syntax) => {}
                0 | 1 => markdown.push_str(syntax),
                2 | 3 => {
                    words.push(format!("word{n}x"));
                    markdown = format!("{markdown} word{n}x ");
                }
                _ => {
                    // In a block of HTML, Markdown is text.
                    let has_html = ["div>", "b>", "blockquote>"].iter().any(|tag| markdown.contains(tag));
                    markdown = if n % 2 == 0 || has_html {
                        format!("{markdown} <a href='/target{n}x'>link{n}x</a> ")
                    } else {
                        format!("{markdown} [link{n}x](/target{n}x) ")
                    };
                    words.push(format!("link{n}x"));
                    targets.push(format!("/target{n}x"));
                }
            }
        }
        (markdown, words, targets)
    })
}
