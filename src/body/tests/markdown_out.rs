//! How blocks are written as Markdown.

use serde_json::{Value, json};

use crate::body::NoLinks;
use crate::body::tests::from_client;

fn markdown(blocks: Value) -> String {
    from_client(blocks).unwrap().to_markdown(&NoLinks)
}

fn text(text: &str, marks: &[&str]) -> Value {
    json!({"type": "text", "text": text, "marks": marks})
}

fn paragraph(content: Value) -> String {
    markdown(json!([{"type": "paragraph", "content": content}]))
}

#[test]
fn no_text_becomes_syntax() {
    for (plain, escaped) in [
        ("*a* _b_ `c` [d](e) <f> ~g~ \\", "\\*a\\* \\_b\\_ \\`c\\` \\[d\\](e) \\<f> \\~g\\~ \\\\"),
        ("snake_case costs 5 & more - # + =", "snake_case costs 5 & more - # + ="),
        ("&amp; &", "\\&amp; \\&"),
        ("# a", "\\# a"),
        ("- a", "\\- a"),
        ("+ a", "\\+ a"),
        ("+1", "+1"),
        ("1. a", "1\\. a"),
        ("12) a", "12\\) a"),
        ("1.5", "1.5"),
        ("> a", "\\> a"),
        ("=", "\\="),
        ("wow!", "wow\\!"),
    ] {
        assert_eq!(paragraph(json!([text(plain, &[])])), escaped);
    }
}

#[test]
fn marks_are_delimiters_where_all_readers_see_them() {
    let content = json!([
        text("a ", &[]),
        text("b", &["bold"]),
        text("c ", &[]),
        text("d", &["italic"]),
        text(" ", &[]),
        text("e", &["bold", "italic"]),
        text(" ", &[]),
        text("f", &["strike"]),
        text(" ", &[]),
        text("g `h`", &["code"])
    ]);

    assert_eq!(paragraph(content), "a **b**c *d* **_e_** ~~f~~ `` g `h` ``");
}

#[test]
fn marks_are_html_elsewhere() {
    let content = json!([
        text("a", &["bold"]),
        text("b", &["italic"]),
        text("c", &[]),
        text("“d”", &["bold"]),
        text("e", &["underline"]),
        text("2", &["sub"])
    ]);

    assert_eq!(paragraph(content), "**a**<em>b</em>c<strong>“d”</strong><u>e</u><sub>2</sub>");
}

#[test]
fn breaks_are_backslashes_and_start_a_line() {
    let content = json!([text("a", &["bold"]), {"type": "line_break"}, text("- b", &[])]);

    assert_eq!(paragraph(content), "**a**\\\n\\- b");
}

#[test]
fn links_are_written_with_what_they_have() {
    let link = |more: Value| {
        let mut link = json!({"type": "link", "content": [text("a", &[])]});
        for (name, value) in more.as_object().unwrap() {
            link[name] = value.clone();
        }
        paragraph(json!([link]))
    };

    assert_eq!(link(json!({"href": "/x_(y)", "title": "\"t\""})), "[a](</x_(y)> \"\\\"t\\\"\")");
    assert_eq!(link(json!({"href": "/x", "rel": ["nofollow"]})), "<a href=\"/x\" rel=\"nofollow\">a</a>");
    let id = "0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3d";
    assert_eq!(link(json!({"article": id})), format!("[a](article:{id})"));
    let url = "https://e.example/";
    assert_eq!(link(json!({"href": url, "content": [text(url, &[])]})), "<https://e.example/>");
}

#[test]
fn lists_are_indented_by_their_markers() {
    let item = |item: &str, list: Value| json!({"content": [text(item, &[])], "list": list});
    let inner = json!({"ordered": false, "start": null, "items": [item("c", Value::Null)]});
    let fifth = json!({"ordered": true, "start": 5, "items": [item("d", Value::Null)]});
    let list = |ordered: bool, items: Value| json!({"type": "list", "ordered": ordered, "start": null, "items": items});

    assert_eq!(
        markdown(json!([
            list(true, json!([item("a", inner), item("b", fifth)])),
            list(true, json!([item("e", Value::Null)])),
            list(false, json!([item("f", Value::Null)])),
            list(false, json!([item("g", Value::Null)])),
        ])),
        "1. a\n   - c\n2. b\n\n   5. d\n\n1) e\n\n- f\n\n* g"
    );
}

#[test]
fn blocks_that_markdown_has_are_markdown() {
    let cell = |cell: &str| json!({"content": [text(cell, &[])]});
    let caption = json!([text("The \"quay\"", &[])]);

    assert_eq!(
        markdown(json!([
            {"type": "heading", "level": 2, "content": [text("a # b", &[])]},
            {"type": "quote", "content": [
                {"type": "paragraph", "content": [text("c", &[])]},
                {"type": "paragraph", "content": [text("d", &[])]},
            ], "citation": null},
            {"type": "image", "url": "/i.jpg", "alt": "e [f]", "caption": caption, "link": "/more"},
            {"type": "table", "header_rows": 1, "rows": [{"cells": [cell("g"), cell("h|i")]}, {"cells": [cell("j"), cell("k")]}]},
            {"type": "code", "language": "sql", "text": "```\nSELECT"},
            {"type": "divider"},
            {"type": "paragraph", "content": [text("l", &[]), {"type": "footnote_ref", "note": "n"}]},
            {"type": "footnotes", "notes": [{"id": "n", "content": [text("m", &[]), {"type": "line_break"}, text("o", &[])]}]},
        ])),
        "## a \\# b\n\n> c\n>\n> d\n\n[![e \\[f\\]](/i.jpg \"The \\\"quay\\\"\")](/more)\n\n| g | h&#124;i |\n| --- | --- |\n| j | k |\n\n\
         ````sql\n```\nSELECT\n````\n\n***\n\nl[^n]\n\n[^n]: m\\\n    o"
    );
}

#[test]
fn blocks_that_markdown_lacks_are_html_on_one_line() {
    let quote = json!([{"type": "paragraph", "content": [text("a", &[])]}]);
    let code =
        json!([{"type": "preformatted", "text": "b\n\n*c*"}, {"type": "paragraph", "content": [text("d", &[])]}]);

    assert_eq!(
        markdown(json!([
            {"type": "quote", "content": quote, "citation": [text("b", &[])]},
            {"type": "details", "summary": [text("e", &[])], "content": code},
            {"type": "preformatted", "text": "f\n\n*g*"},
            {"type": "image", "url": "/i.jpg", "alt": "", "caption": null},
        ])),
        "<figure><blockquote><p>a</p></blockquote><figcaption>b</figcaption></figure>\n\n\
         <details><summary>e</summary><pre>b&#10;&#10;*c*</pre><p>d</p></details>\n\n<pre>f\n\n*g*</pre>\n\n\
         <figure><img src=\"/i.jpg\" alt=\"\" loading=\"lazy\"></figure>"
    );
}

#[test]
fn footnotes_that_markdown_would_number_otherwise_are_html() {
    let note = |id: &str| json!({"id": id, "content": [text("x", &[])]});
    let reference = json!({"type": "footnote_ref", "note": "b"});

    assert_eq!(
        markdown(json!([
            {"type": "paragraph", "content": [text("l", &[]), reference]},
            {"type": "footnotes", "notes": [note("a"), note("b")]},
        ])),
        "l<sup data-fn=\"b\"><a href=\"#fn-b\">2</a></sup>\n\n\
         <ol data-footnotes><li id=\"fn-a\">x</li><li id=\"fn-b\">x</li></ol>"
    );
}
