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
    "[caption x]",
    "[/caption]",
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
    let lang = prop_oneof![8 => Just(None), 1 => select(&["de", "FA", "zh-hant"][..]).prop_map(Some)];
    let dir = prop_oneof![8 => Just(None), 1 => select(&["ltr", "rtl", "auto"][..]).prop_map(Some)];
    (text(), marks(), lang, dir).prop_map(
        |(text, marks, lang, dir)| json!({"type": "text", "text": text, "marks": marks, "lang": lang, "dir": dir}),
    )
}

/// References to the footnote that every body has which refers to it.
fn reference() -> impl Strategy<Value = Value> {
    Just(json!({"type": "footnote_ref", "note": "n-1"}))
}

fn break_inline() -> impl Strategy<Value = Value> {
    Just(json!({"type": "line_break"}))
}

fn link() -> impl Strategy<Value = Value> {
    let part = prop_oneof![4 => text_inline(), 1 => break_inline()];
    let target = prop_oneof![
        6 => select(HREFS).prop_map(|href| json!({"href": href})),
        1 => Just(json!({"article": ID})),
    ];
    let rel = subsequence(vec!["nofollow", "ugc", "license"], 0..=2);
    (target, option::of(text()), rel, vec(part, 0..3), "[a-c]{1,2}").prop_map(
        |(mut link, title, rel, mut content, seen)| {
            content.push(json!({"type": "text", "text": seen}));
            link["type"] = "link".into();
            link["title"] = title.into();
            link["rel"] = rel.into();
            link["content"] = content.into();
            link
        },
    )
}

const ID: &str = "0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3d";

fn content() -> impl Strategy<Value = Value> {
    vec(prop_oneof![8 => text_inline(), 2 => break_inline(), 4 => link(), 1 => reference()], 0..6).prop_map(Value::from)
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

fn typed(kind: &'static str, block: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    block
        .prop_map(move |mut block| {
            block["type"] = kind.into();
            block
        })
        .boxed()
}

fn heading() -> BoxedStrategy<Value> {
    typed("heading", (2..=6, content()).prop_map(|(level, content)| json!({"level": level, "content": content})))
}

fn list_block() -> BoxedStrategy<Value> {
    typed("list", nested(1))
}

fn text_part() -> BoxedStrategy<Value> {
    prop_oneof![3 => paragraph(), 1 => list_block()].boxed()
}

fn seen() -> Value {
    json!([{"type": "text", "text": "said"}])
}

fn quote() -> BoxedStrategy<Value> {
    let quote = (vec(text_part(), 0..3), option::of(content())).prop_map(|(mut content, citation)| {
        content.push(json!({"type": "paragraph", "content": seen()}));
        json!({"content": content, "citation": citation})
    });
    typed("quote", quote)
}

fn pull_quote() -> BoxedStrategy<Value> {
    typed("pull_quote", option::of(content()).prop_map(|citation| json!({"content": seen(), "citation": citation})))
}

fn picture() -> BoxedStrategy<Value> {
    let place = select(vec![
        json!({"url": "https://media.example.org/a.jpg?b=\"c\""}),
        json!({"url": "/a.png", "media": ID}),
        json!({"media": ID}),
    ]);
    let size = || option::of(2_u32..5000);
    let texts = (option::of(text()), option::of(content()), option::of(text()));
    (place, texts, option::of(select(HREFS)), size(), size())
        .prop_map(|(mut image, (alt, caption, credit), link, width, height)| {
            for (name, value) in [
                ("alt", json!(alt)),
                ("caption", json!(caption)),
                ("credit", json!(credit)),
                ("link", json!(link)),
                ("width", json!(width)),
                ("height", json!(height)),
            ] {
                image[name] = value;
            }
            image
        })
        .boxed()
}

fn gallery() -> BoxedStrategy<Value> {
    let gallery = (vec(picture(), 1..4), option::of(content()));
    typed("gallery", gallery.prop_map(|(images, caption)| json!({"images": images, "caption": caption})))
}

pub(super) const EMBEDS: &[&str] = &[
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=1m30s",
    "https://youtu.be/dQw4w9WgXcQ",
    "https://www.youtube.com/playlist?list=PL123",
    "https://vimeo.com/123456/abcdef",
    "https://www.dailymotion.com/video/x7tgad0",
    "https://www.aparat.com/v/AbCd1",
    "https://open.spotify.com/intl-de/episode/4rOoJ6Egrf8K2IrywzwOMk",
    "https://soundcloud.com/user/a-sound",
    "https://datawrapper.dwcdn.net/AbCdE/3/",
    "https://public.flourish.studio/visualisation/12345/",
    "https://twitter.com/user/status/1234567890",
    "https://www.instagram.com/p/AbC-1/",
    "https://www.tiktok.com/@user.name/video/123",
    "https://t.me/channel/12",
    "https://bsky.app/profile/a.example/post/abc",
    "https://www.example.org/a?b=c&d=%22e",
    "http://youtube.com/@channel",
];

fn embed() -> BoxedStrategy<Value> {
    let embed = (select(EMBEDS), option::of(text()), option::of(content()));
    typed("embed", embed.prop_map(|(url, title, caption)| json!({"url": url, "title": title, "caption": caption})))
}

fn table() -> BoxedStrategy<Value> {
    let cell = (content(), 1..=3_u32, 1..=3_u32)
        .prop_map(|(content, columns, rows)| json!({"content": content, "column_span": columns, "row_span": rows}));
    let plain = content().prop_map(|content| json!({"content": content}));
    let rows = vec(vec(prop_oneof![3 => plain, 1 => cell], 0..4), 0..4);
    let table =
        (rows, 0..3_u32, 0..3_u32, option::of(content())).prop_map(|(rows, header_rows, header_columns, caption)| {
            let rows: Vec<Value> = rows.into_iter().map(|cells| json!({"cells": cells})).collect();
            json!({"rows": rows, "header_rows": header_rows, "header_columns": header_columns, "caption": caption})
        });
    typed("table", table)
}

fn code() -> BoxedStrategy<Value> {
    let language = option::of(select(&["rust", "C++", "x.y"][..]));
    typed("code", (language, text()).prop_map(|(language, text)| json!({"language": language, "text": text})))
}

fn preformatted() -> BoxedStrategy<Value> {
    typed("preformatted", text().prop_map(|text| json!({"text": text})))
}

fn note() -> BoxedStrategy<Value> {
    let kind = select(&["editor", "correction", "update"][..]);
    typed("note", (kind, vec(text_part(), 0..3)).prop_map(|(kind, content)| json!({"kind": kind, "content": content})))
}

fn details() -> BoxedStrategy<Value> {
    let image = typed("image", picture());
    let part = prop_oneof![text_part(), heading(), quote(), image, embed(), table(), code(), preformatted(),];
    typed("details", vec(part, 0..3).prop_map(|content| json!({"summary": seen(), "content": content})))
}

fn block() -> BoxedStrategy<Value> {
    let related = typed("related_article", Just(json!({"article": ID})));
    prop_oneof![
        4 => paragraph(), 1 => heading(), 2 => list_block(), 2 => quote(), 1 => pull_quote(),
        2 => typed("image", picture()), 1 => gallery(), 1 => embed(), 2 => table(), 1 => code(), 1 => preformatted(),
        1 => typed("divider", Just(json!({}))), 1 => note(), 1 => related, 1 => details(),
    ]
    .boxed()
}

/// Bodies that a client may send.
pub(super) fn client_body() -> impl Strategy<Value = Value> {
    (vec(block(), 0..5), content()).prop_map(|(mut blocks, more)| {
        let mut content = vec![json!({"type": "text", "text": "note"})];
        content.extend(more.as_array().unwrap().iter().cloned());
        blocks.push(json!({"type": "footnotes", "notes": [{"id": "n-1", "content": content}]}));
        Value::from(blocks)
    })
}
