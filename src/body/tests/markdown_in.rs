//! How Markdown is read.

use serde_json::{Value, json};

use crate::body::tests::attacks::VECTORS;
use crate::body::tests::{assert_harmless, warnings, without_ids};
use crate::body::{Body, MAX_PARTS, NoLinks, TooManyParts, WarningCode};

fn html(markdown: &str) -> String {
    Body::from_markdown(markdown).unwrap().body.to_html(&NoLinks)
}

fn blocks(markdown: &str) -> Value {
    without_ids(&Body::from_markdown(markdown).unwrap().body)
}

#[test]
fn running_text_has_its_marks_links_and_breaks() {
    let markdown = "One *two* **three** ~~four~~ `five`  \nsix [seven](/s \"t\") <https://e.example/>\nnine \\*ten\\*";

    assert_eq!(
        html(markdown),
        "<p>One <em>two</em> <strong>three</strong> <s>four</s> <code>five<br></code>six <a href=\"/s\" title=\"t\">seven</a> \
         <a href=\"https://e.example/\" rel=\"noopener\">https://e.example/</a> nine *ten*</p>"
    );
}

#[test]
fn headings_are_read_as_those_of_html() {
    assert_eq!(html("# a\n\n## b\n\nc\n=\n\n###### d"), html("<h1>a</h1><h2>b</h2><h1>c</h1><h6>d</h6>"));
}

#[test]
fn lists_nest_and_start_where_they_say() {
    assert_eq!(
        html("3. a\n4. b\n   - c\n\n     more\n   - d\n\n* e"),
        "<ol start=\"3\"><li>a</li><li>b<ul><li>c<br>more</li><li>d</li></ul></li></ol>\n<ul><li>e</li></ul>"
    );
}

#[test]
fn reference_links_are_links() {
    assert_eq!(html("[a][b] and [b]\n\n[b]: /x"), "<p><a href=\"/x\">a</a> and <a href=\"/x\">b</a></p>");
}

#[test]
fn a_mailbox_between_angle_brackets_is_a_link() {
    assert_eq!(html("<desk@example.org>"), "<p><a href=\"mailto:desk@example.org\">desk@example.org</a></p>");
}

#[test]
fn quotes_are_quotes() {
    assert_eq!(html("> a\nb\n>\n> c"), "<blockquote><p>a b</p><p>c</p></blockquote>");
}

#[test]
fn html_in_markdown_is_read_in_its_place() {
    let read = Body::from_markdown(
        "a <u>b</u> <sup>*c*</sup>\n\n<blockquote>\n\n*d*\n\n</blockquote>\n\n<script>alert(1)</script>",
    )
    .unwrap();

    assert_eq!(
        read.body.to_html(&NoLinks),
        "<p>a <u>b</u> <sup><em>c</em></sup></p>\n<blockquote><p><em>d</em></p></blockquote>"
            .replace("<sup><em>c</em></sup>", "<em><sup>c</sup></em>")
    );
    assert!(warnings(&read).contains(&(WarningCode::DroppedElement, "script")), "{:?}", read.warnings);
}

#[test]
fn a_link_that_leads_nowhere_good_is_text_and_a_warning() {
    let read = Body::from_markdown("[a](javascript:alert\\(1\\)) ![b](data:text/html,x)").unwrap();

    assert!(!read.body.to_html(&NoLinks).contains("href"));
    assert!(warnings(&read).iter().any(|(code, _)| *code == WarningCode::RemovedLink), "{:?}", read.warnings);
}

#[test]
fn an_article_is_linked_by_its_id() {
    let link = &blocks("[a](article:0190A5A8-3c1e-7b2a-9d55-0a4c7f1e2b3d)")[0]["content"][0];

    assert_eq!(link["article"], "0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3d");
}

#[test]
fn code_keeps_its_text_and_language() {
    assert_eq!(
        blocks("```Rust,ignore\nfn a() -> &b {}\n\n    <c>\n```\n\n    d\n\n``` {.python}\ne\n```"),
        json!([
            {"type": "code", "language": "rust", "text": "fn a() -> &b {}\n\n    <c>"},
            {"type": "code", "language": null, "text": "d"},
            {"type": "code", "language": "python", "text": "e"},
        ])
    );
}

#[test]
fn a_picture_alone_in_its_paragraph_is_a_picture() {
    let image = |link: Value| {
        let caption = json!([{"type": "text", "text": "The quay", "marks": []}]);
        json!({"type": "image", "url": "/a.jpg", "media": null, "alt": "Two cranes", "caption": caption, "credit": null,
               "link": link, "width": null, "height": null})
    };

    assert_eq!(blocks("![Two *cranes*](/a.jpg \"The quay\")"), json!([image(Value::Null)]));
    assert_eq!(blocks("[![Two cranes](/a.jpg 'The quay')](/more)"), json!([image(json!("/more"))]));
}

#[test]
fn a_picture_without_a_description_has_none() {
    assert_eq!(blocks("![](/a.jpg)")[0]["alt"], Value::Null);
}

#[test]
fn a_table_has_one_header_row() {
    let table = &blocks("a | b\n- | -\n*c* | d \\| e\nf")[0];

    assert_eq!((&table["type"], &table["header_rows"]), (&json!("table"), &json!(1)));
    assert_eq!(table["rows"].as_array().map(Vec::len), Some(3));
    assert_eq!(table["rows"][1]["cells"][1]["content"][0]["text"], "d | e");
}

#[test]
fn footnotes_stand_at_the_end_in_the_order_of_their_references() {
    let blocks =
        blocks("a[^two] b[^One] c[^two]\n\n[^one]: first\n[^unused]: third\n\n[^two]: second\n\n    more\n\nd");

    assert_eq!(blocks[1]["content"][0]["text"], "d");
    let notes = blocks[2]["notes"].as_array().unwrap();
    let texts: Vec<&Value> = notes.iter().map(|note| &note["content"][0]["text"]).collect();
    assert_eq!(texts, ["second", "first", "third"]);
    assert_eq!(blocks[0]["content"][1], json!({"type": "footnote_ref", "note": "two"}));
}

#[test]
fn footnotes_with_names_that_are_no_ids_get_others() {
    let markdown = "a[^é] b[^b c]\n\n[^é]: one\n[^b c]: two\n[^b c]: three";

    let text = Body::from_markdown(markdown).unwrap().body.to_text();

    assert!(["one", "two", "three"].iter().all(|word| text.contains(word)), "{text}");
}

#[test]
fn smart_punctuation_heading_ids_and_tasks_are_text() {
    assert_eq!(html("\"a\" -- b... {#c}\n\n- [ ] d"), "<p>&quot;a&quot; -- b... {#c}</p>\n<ul><li>[ ] d</li></ul>");
}

#[test]
fn deep_nesting_loses_no_text() {
    for marker in ["> ", "- ", "+ ", "1. ", "> - ", "[^a]: > ", " "] {
        let markdown = format!("{}word", marker.repeat(3000));

        let text = Body::from_markdown(&markdown).unwrap().body.to_text();

        assert!(text.ends_with("word"), "{marker}: {text}");
    }
}

#[test]
fn attacks_in_markdown_come_to_nothing() {
    for vector in VECTORS {
        let link = vector.replace(['\n', '\r'], "");
        for markdown in [
            (*vector).to_owned(),
            format!("a {vector} b"),
            format!("[a](<{link}>)"),
            format!("![{vector}](/i.jpg \"{link}\")"),
            format!("```{link}\n{vector}\n```"),
            format!("| a |\n| - |\n| {vector} |\n\n[^{link}]: {vector}"),
        ] {
            let body = Body::from_markdown(&markdown).unwrap().body;

            assert_harmless(&body.to_html(&NoLinks));
            let again = Body::from_markdown(&body.to_markdown(&NoLinks)).unwrap().body;
            assert_eq!(again, body, "{markdown}");
        }
    }
}

#[test]
fn what_has_more_parts_than_any_article_is_refused() {
    // A paragraph, and of each line its text and its end, but for the last one's.
    let most = "a\n".repeat(MAX_PARTS / 2);

    assert!(Body::from_markdown(&most).is_ok());
    assert_eq!(Body::from_markdown(&format!("{most}a")), Err(TooManyParts));
    assert_eq!(Body::from_markdown(&format!("{most}<b>a</b>")), Err(TooManyParts));
    for flood in ["a|b\n-|-\n", "[^a]: b\n", "> a\n\n", "- a\n", "- - - - a\n"] {
        assert_eq!(Body::from_markdown(&flood.repeat(MAX_PARTS / 2)), Err(TooManyParts), "{flood}");
    }
    // One piece of text, but each of its signs is remembered until it is known that it stands for nothing.
    assert!(Body::from_markdown(&"`".repeat(2 * MAX_PARTS)).is_ok());
    assert_eq!(Body::from_markdown(&"`".repeat(2 * MAX_PARTS + 1)), Err(TooManyParts));
}
