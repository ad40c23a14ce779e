//! What HTML is read as. Most tests compare the HTML that is written again, which shows the blocks well enough.

use serde_json::json;

use crate::body::tests::soup::numbered;
use crate::body::tests::{html, ids, json, warnings, without_ids};
use crate::body::{Body, MAX_BLOCKS, NoLinks, WarningCode};

/// Checks several inputs against what is written again.
fn assert_read(cases: &[(&str, &str)]) {
    for (input, expected) in cases {
        assert_eq!(html(input), *expected, "input: {input}");
    }
}

#[test]
fn paragraphs_come_from_p_div_loose_text_and_double_breaks() {
    assert_read(&[
        ("", ""),
        ("loose", "<p>loose</p>"),
        ("<p>a<p>b", "<p>a</p>\n<p>b</p>"),
        ("<div>a<div>b</div>c</div>", "<p>a</p>\n<p>b</p>\n<p>c</p>"),
        ("<p>a<br><br>b<br>c</p>", "<p>a</p>\n<p>b<br>c</p>"),
        ("<p>a<br>&nbsp;<br>b</p>", "<p>a</p>\n<p>b</p>"),
        ("<p><br>a<br></p><p>&nbsp;</p><p><br></p>", "<p>a</p>"),
        ("<p>a</p>b<p>c", "<p>a</p>\n<p>b</p>\n<p>c</p>"),
        ("<span><p>a</p>b</span>", "<p>a</p>\n<p>b</p>"),
        ("<html><head><meta charset=utf-8></head><body>a</body></html>", "<p>a</p>"),
        ("a<hr>b", "<p>a</p>\n<hr>\n<p>b</p>"),
    ]);
}

#[test]
fn white_space_collapses_as_in_html_and_other_characters_stay() {
    assert_read(&[
        ("<p>  a \n\t b  <b> c</b> <i>d </i> </p>", "<p>a b <strong>c</strong> <em>d</em></p>"),
        ("<p>10&nbsp;000 &nbsp;x&nbsp;</p>", "<p>10&nbsp;000 &nbsp;x</p>"),
        ("<p>می‌خواهم ‏א 👩‍👩‍👧</p>", "<p>می‌خواهم ‏א 👩‍👩‍👧</p>"),
        ("<p>a\u{7}b&#1;\0c</p>", "<p>abc</p>"),
        ("<pre>\na\n  b\n\nc</pre>", "<pre>a\n  b\n\nc</pre>"),
        ("a<b> </b>b", "<p>a<strong> </strong>b</p>"),
    ]);
}

#[test]
fn marks_come_from_elements_and_styles() {
    assert_read(&[
        ("<b>a</b><strong>b</strong>", "<p><strong>ab</strong></p>"),
        ("<i>a</i><ins>b</ins><del>c</del><kbd>d</kbd>", "<p><em>a</em><u>b</u><s>c</s><code>d</code></p>"),
        ("H<sub>2</sub>O<sup>+</sup>", "<p>H<sub>2</sub>O<sup>+</sup></p>"),
        ("<span style='font-weight:700'>a</span><span style='FONT-WEIGHT: 500'>b</span>", "<p><strong>a</strong>b</p>"),
        ("<b>a<span style='font-weight:normal'>b</span>c</b>", "<p><strong>a</strong>b<strong>c</strong></p>"),
        ("<p style='font-style:italic'>a</p>b", "<p><em>a</em></p>\n<p>b</p>"),
        ("<span style='text-decoration:underline line-through'>a</span>", "<p><u><s>a</s></u></p>"),
        ("<em>a <strong>b</strong></em> c", "<p><em>a <strong>b</strong></em> c</p>"),
        ("<q>a</q>", "<p>“a”</p>"),
        ("read <cite>Hamlet</cite>", "<p>read <em>Hamlet</em></p>"),
    ]);
}

#[test]
fn wrong_nesting_marks_what_browsers_mark() {
    assert_read(&[
        ("<p><b>a<p>b</b>c", "<p><strong>a</strong></p>\n<p><strong>b</strong>c</p>"),
        ("<p><span style='font-weight:bold'>a<p>b", "<p><strong>a</strong></p>\n<p>b</p>"),
        ("<b><div>a</b>b</div>c", "<p><strong>a</strong>b</p>\n<p>c</p>"),
        ("<b><i>a</b>b</i>c", "<p><strong><em>a</em></strong><em>b</em>c</p>"),
        (
            "<table><tr><td><b>a</td><td>b</td></tr></table>c",
            "<table><tbody><tr><td><strong>a</strong></td><td>b</td></tr></tbody></table>\n<p>c</p>",
        ),
        ("<div><span>a</div></span>b", "<p>a</p>\n<p>b</p>"),
        ("</b></p></div>a</li>", "<p>a</p>"),
        ("<h2>a<h3>b</h2>c", "<h2>a</h2>\n<h3>b</h3>\n<p>c</p>"),
    ]);
}

#[test]
fn headings_begin_at_level_two() {
    assert_read(&[
        ("<h1>a</h1><h2>b</h2><h6>c</h6>", "<h2>a</h2>\n<h2>b</h2>\n<h6>c</h6>"),
        ("<h2>a<br>b</h2>", "<h2>a<br>b</h2>"),
        ("<h3> </h3>a", "<p>a</p>"),
    ]);
}

#[test]
fn lists_nest_inside_or_beside_their_items() {
    assert_read(&[
        ("<ul><li>a<ul><li>b</ul><li>c</ul>", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "<ul><li>a<ul><li>b</li></ul></li></ul>"),
        ("<ul><ul><li>a</li></ul></ul>", "<ul><li>a</li></ul>"),
        ("<ol start=3><li><p>a</p><p>b</p></li></ol>", "<ol start=\"3\"><li>a<br>b</li></ol>"),
        ("<ol start=1><li>a</li></ol>", "<ol><li>a</li></ol>"),
        ("<ul><li>a<ul><li>b</li></ul>c</li></ul>", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"),
        ("<ul>a<li>b</li>c</ul>", "<ul><li>a</li><li>b</li><li>c</li></ul>"),
        (
            "<ul><li>a<ol><li>1</li></ol><ol><li>2</li></ol></li></ul>",
            "<ul><li>a<ol><li>1</li><li>2</li></ol></li></ul>",
        ),
        (
            "<ul><li>a<ol><li>1</li></ol><ul><li>x</li></ul></li></ul>",
            "<ul><li>a<ol><li>1</li></ol></li><li><ul><li>x</li></ul></li></ul>",
        ),
        ("<ul><li> </li><li></li></ul>", ""),
        ("<ul><li>a</ul>b", "<ul><li>a</li></ul>\n<p>b</p>"),
        ("<li>a</li><li>b</li>", "<p>a</p>\n<p>b</p>"),
        ("<p>a<ul><li>b</li></ul>c</p>", "<p>a</p>\n<ul><li>b</li></ul>\n<p>c</p>"),
    ]);
}

#[test]
fn deep_lists_are_flattened_at_the_limit() {
    let deep = numbered(1..=10, "<ul><li>");

    let written = html(&deep);

    assert_eq!(written.matches("<ul>").count(), 8);
    assert!(written.contains("<li>8</li><li>9</li><li>10</li>"), "{written}");
}

#[test]
fn quotes_have_paragraphs_and_a_citation() {
    let cited = "<figure><blockquote><p>a</p></blockquote><figcaption>X</figcaption></figure>";
    assert_read(&[
        ("<blockquote>a</blockquote>", "<blockquote><p>a</p></blockquote>"),
        ("<blockquote><p>a</p><p>b</p></blockquote>c", "<blockquote><p>a</p><p>b</p></blockquote>\n<p>c</p>"),
        ("<blockquote><p>a</p><cite>X</cite></blockquote>", cited),
        ("<blockquote><p>a</p><footer><cite>X</cite></footer></blockquote>", cited),
        ("<blockquote><p>a</p><p><cite>X</cite></p></blockquote>", cited),
        ("<figure><blockquote>a</blockquote><figcaption>X</figcaption></figure>", cited),
        ("<figure><blockquote>a<figcaption>X</figcaption></blockquote></figure>", cited),
        (
            "<blockquote><p><cite>Hamlet</cite> says</p></blockquote>",
            "<blockquote><p><em>Hamlet</em> says</p></blockquote>",
        ),
        ("<blockquote><cite>X</cite></blockquote>", "<blockquote><p>X</p></blockquote>"),
        (
            "<blockquote><ul><li>a</li><li>b</li></ul></blockquote>",
            "<blockquote><ul><li>a</li><li>b</li></ul></blockquote>",
        ),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", "<blockquote><p>a</p><p>b</p></blockquote>"),
        ("<figure><img><figcaption>a</figcaption></figure>", "<p>a</p>"),
    ]);
}

#[test]
fn tables_keep_headers_spans_and_captions() {
    assert_read(&[
        (
            "<table><tr><th>a<th>b<tr><td>1<td>2</table>",
            "<table><thead><tr><th scope=\"col\">a</th><th scope=\"col\">b</th></tr></thead>\
             <tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
        ),
        (
            "<table><caption>t<tr><th>a<td colspan=2 rowspan=0>b<tr><th>c<td>d<td></table>",
            "<table><caption>t</caption><tbody><tr><th scope=\"row\">a</th><td colspan=\"2\">b</td></tr>\
             <tr><th scope=\"row\">c</th><td>d</td><td></td></tr></tbody></table>",
        ),
        (
            "<table><tr><td><p>a</p><p>b</p></td><td><ul><li>c<li>d</ul></td></tr></table>",
            "<table><tbody><tr><td>a<br>b</td><td>c<br>d</td></tr></tbody></table>",
        ),
        (
            "<figure class='wp-block-table'><table><tr><td>a<td>b</table><figcaption>t</figcaption></figure>",
            "<table><caption>t</caption><tbody><tr><td>a</td><td>b</td></tr></tbody></table>",
        ),
        ("<table><tr><td>&nbsp;<td></table>x", "<p>x</p>"),
        ("<dl><dt>a<dd>b<dt>c</dl>", "<p>a</p>\n<p>b</p>\n<p>c</p>"),
    ]);
}

#[test]
fn tables_that_arrange_a_page_are_taken_apart() {
    assert_read(&[
        ("<table><tr><td><p>a</p><p>b</p></table>", "<p>a</p>\n<p>b</p>"),
        ("<table><tr><td><h2>a</h2>b<td>c</table>", "<h2>a</h2>\n<p>b</p>\n<p>c</p>"),
        ("<table role=presentation><tr><td>a<td>b</table>", "<p>a | b</p>"),
        ("<table>x<tr><td>a<td>b</table>", "<p>x</p>\n<p>a | b</p>"),
        (
            "<table><tr><td><table><tr><td>a<td>b</table><td>c</table>",
            "<table><tbody><tr><td>a</td><td>b</td></tr></tbody></table>\n<p>c</p>",
        ),
    ]);
}

#[test]
fn links_keep_safe_targets_and_lose_others() {
    let read = Body::from_html(
        "<a href=' https://example.org/a b\n' title='  t '>x</a> <a href=JaVa&Tab;script:alert(1)>y</a>\
         <a name=n>z</a> <a href=//evil.example>v</a><a href=page.html>w</a><a href='#'>u</a><a href=/p><img></a>",
    );

    assert_eq!(
        read.body.to_html(&NoLinks),
        "<p><a href=\"https://example.org/a%20b\" title=\"t\" rel=\"noopener\">x</a> yz vwu</p>"
    );
    assert_eq!(
        warnings(&read),
        [
            (WarningCode::RemovedLink, "JaVa\tscript:alert(1)"),
            (WarningCode::RemovedLink, "//evil.example"),
            (WarningCode::RemovedLink, "page.html"),
            (WarningCode::DroppedImage, "img"),
            (WarningCode::EmptyLink, "/p"),
        ]
    );
}

#[test]
fn links_are_joined_and_split_as_their_text_needs() {
    assert_read(&[
        ("<a href=/a>a</a><a href=/a>b</a>", "<p><a href=\"/a\">ab</a></p>"),
        ("<a href=/a>a<p>b</a>c", "<p><a href=\"/a\">a</a></p>\n<p><a href=\"/a\">b</a>c</p>"),
        ("<a href=/a>a<a href=/b>b</a>c", "<p><a href=\"/a\">a</a><a href=\"/b\">b</a>c</p>"),
        ("<a href=/a>a<br>b</a>", "<p><a href=\"/a\">a<br>b</a></p>"),
        ("<a href=/a>a<br></a>b", "<p><a href=\"/a\">a</a><br>b</p>"),
        ("<a href=/a><u>a</u></a>", "<p><a href=\"/a\"><u>a</u></a></p>"),
        ("<a href=/a><span style='text-decoration:underline'>a</span></a>", "<p><a href=\"/a\">a</a></p>"),
    ]);
}

#[test]
fn what_is_dropped_is_named_once() {
    let read = Body::from_html(
        "<title>t</title><style>s</style><script>s</script>a<script>s</script><iframe src=x>f</iframe><object>o<p>o</object>\
         <form>b<input><select><option>o</select><textarea>t</textarea><button>go</button></form><template>t</template>\
         <svg><title>t</title><text>x</text></svg><embed><dl><dd>c</dl>",
    );

    assert_eq!(read.body.to_html(&NoLinks), "<p>a</p>\n<p>b</p>\n<p>c</p>");
    let dropped = [
        "title", "style", "script", "x", "object", "input", "select", "textarea", "button", "template", "svg", "embed",
    ];
    let code =
        |name| if matches!(name, "x" | "embed") { WarningCode::DroppedEmbed } else { WarningCode::DroppedElement };
    let expected = dropped.map(|name| (code(name), name));
    assert_eq!(warnings(&read)[..dropped.len()], expected);
    assert_eq!(warnings(&read)[dropped.len()..], [(WarningCode::SimplifiedElement, "dl")]);
}

#[test]
fn a_missing_end_tag_of_a_dropped_element_loses_nothing() {
    assert_read(&[
        ("a<button>b<p>c", "<p>ab</p>\n<p>c</p>"),
        ("a<video><source>b<select><object>c</select>d", "<p>abcd</p>"),
        ("a<object data=x />b", "<p>ab</p>"),
        ("a<svg/>b", "<p>ab</p>"),
    ]);
}

#[test]
fn pastes_from_google_docs_lose_their_wrapper() {
    let paste = "<meta charset='utf-8'><b style=\"font-weight:normal;\" id=\"docs-internal-guid-1\"><p dir=\"ltr\">\
        <span style=\"font-weight:400;font-style:normal;text-decoration:none\">Plain </span>\
        <span style=\"font-weight:700;font-style:italic;text-decoration:none;white-space:pre-wrap\">both</span></p><br />\
        <ul><li dir=\"ltr\" aria-level=\"1\"><p role=\"presentation\"><span style=\"font-weight:400\">one</span></p></li>\
        <ul><li aria-level=\"2\"><p><a href=\"https://example.org/\" style=\"text-decoration:none\">\
        <span style=\"text-decoration:underline\">two</span></a></p></li></ul></ul></b>";

    let read = Body::from_html(paste);

    assert_eq!(
        read.body.to_html(&NoLinks),
        "<p>Plain <strong><em>both</em></strong></p>\n\
         <ul><li>one<ul><li><a href=\"https://example.org/\" rel=\"noopener\">two</a></li></ul></li></ul>"
    );
    assert_eq!(read.warnings, []);
}

#[test]
fn pastes_from_word_lose_their_markup() {
    let paste = "<html xmlns:o=\"urn:schemas-microsoft-com:office:office\"><head><style><!-- p.MsoNormal {margin:0} --></style>\
        <!--[if gte mso 9]><xml><w:WordDocument><w:View>Normal</w:View></w:WordDocument></xml><![endif]--></head><body>\
        <!--StartFragment--><p class=MsoNormal><b><span lang=EN-US style='font-size:11.0pt;mso-ansi-language:EN-US'>Title\r\nline</span></b>\
        <o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal><![if !vml]>x<![endif]><i>y</i></p><!--EndFragment-->";

    let read = Body::from_html(paste);

    assert_eq!(read.body.to_html(&NoLinks), "<p><strong>Title line</strong></p>\n<p>x<em>y</em></p>");
    assert_eq!(warnings(&read), [(WarningCode::DroppedElement, "style")]);
}

#[test]
fn json_names_every_member() {
    let read = Body::from_html(
        "<h2>A</h2><p>b <b>c</b><br><a href=/d>e</a></p><ol start=2><li>f<ul><li>g</ul></ol><blockquote>h<footer>i</footer></blockquote>",
    );

    let text = |text: &str| json!({"type": "text", "text": text, "marks": []});
    assert_eq!(
        without_ids(&read.body),
        json!([
            {"type": "heading", "level": 2, "content": [text("A")]},
            {"type": "paragraph", "content": [
                text("b "), {"type": "text", "text": "c", "marks": ["bold"]}, {"type": "line_break"},
                {"type": "link", "href": "/d", "title": null, "content": [text("e")]},
            ]},
            {"type": "list", "ordered": true, "start": 2, "items": [{
                "content": [text("f")],
                "list": {"ordered": false, "start": null, "items": [{"content": [text("g")], "list": null}]},
            }]},
            {"type": "quote", "content": [{"type": "paragraph", "content": [text("h")]}], "citation": [text("i")]},
        ])
    );
}

#[test]
fn ids_follow_the_text_wherever_the_block_moves() {
    let before = Body::from_html("<p>one</p><p>two</p><p>two</p>").body;
    let after = Body::from_html("<p>zero</p><h3>two</h3><p>one</p>").body;

    let (before, after) = (ids(&before), ids(&after));
    assert_eq!(before[0], after[2]);
    assert_eq!(before[1], after[1]);
    assert_eq!(before[2], format!("{}-2", before[1]));
    assert_eq!(before[0], "bm2inmifh39", "ids must not change between versions: corrections point at them");
}

#[test]
fn too_many_blocks_are_joined() {
    let n_paragraphs = u32::try_from(MAX_BLOCKS).unwrap() + 5;
    let many = numbered(0..n_paragraphs, "<p><a href=/x>x</a> w");

    let read = Body::from_html(&many);

    assert_eq!(read.body.blocks().len(), MAX_BLOCKS);
    assert_eq!(read.body.word_count(), 2 * n_paragraphs);
    assert!(read.body.to_html(&NoLinks).ends_with("<a href=\"/x\">x</a> w10004</p>"));
    assert_eq!(read.warnings[0].code, WarningCode::MergedBlocks);
    assert_eq!(Body::from_html(&read.body.to_html(&NoLinks)).body, read.body);
}

#[test]
fn warnings_have_a_limit() {
    let many = numbered(0..1000, "'>y</a><a href='x:");

    let read = Body::from_html(&many);

    assert_eq!(read.warnings.len(), 101);
    assert_eq!(read.warnings[100].code, WarningCode::MoreWarnings);
}

#[test]
fn large_and_deep_input_is_read_to_the_end() {
    const SIZE: usize = 1_000_000;
    const REPEATED: usize = 100_000;
    let attributes = numbered(0..150_000, " a");
    let repeated = [
        "<div>",
        "<b>",
        "<span>",
        "<ul><li>",
        "<table><tr><td>",
        "<blockquote>",
        "<a href=/x>",
        "<p>a",
        "<",
        "&",
        "</",
        "<!--",
        "\0",
        "<b>a</i>",
        "<x>",
        "<p><b>",
        "</div>",
        "<svg>",
        "<b><p>",
        "<td><b>",
        "&nbsp;",
        "<b>&nbsp;</b>&nbsp;",
        "<h2>",
        "<li>",
        "<q>",
        "<img>",
        "<a href=j:>",
        "<p style='font-weight:bold'>",
        "<br>",
        "a ",
        "<pre>\n",
        "<figure><blockquote>a</blockquote><figcaption>",
        "<!-- -->",
        "<script></script>",
        "<dl><dd>",
        "<cite>a",
    ];
    for piece in repeated {
        let body = Body::from_html(&piece.repeat(REPEATED / piece.len())).body;
        assert_eq!(Body::from_html(&body.to_html(&NoLinks)).body, body, "{piece}");
    }
    let halves = [
        ("<div>", "</p>"),
        ("<b>", "</b>"),
        ("<div>", "</x>"),
        ("<b><i>", "</b>"),
        ("<div><x>", "</span>"),
        ("<table><td>", "</td>"),
    ];
    for (open, close) in halves {
        let html = format!("{}x{}", open.repeat(SIZE / 2 / open.len()), close.repeat(SIZE / 2 / close.len()));
        assert_eq!(json(&Body::from_html(&html).body).as_array().unwrap().len(), 1, "{open}");
    }
    assert_eq!(html(&format!("<p{attributes}>x")), "<p>x</p>");
    assert_eq!(html(&format!("{}x{}", "<div>".repeat(100_000), "</div>".repeat(100_000))), "<p>x</p>");
}

#[test]
fn a_long_link_around_many_blocks_does_not_fill_the_memory() {
    let long = "y".repeat(4000);
    for piece in [
        "<td>a",
        "<p>a",
        "a<br>",
        "a<br><br>",
        "a<br>&nbsp;<br>",
        "<li>a",
        "<img src=/a>",
        "<p><b>a</b>b",
        "<tr><td>a<td>b",
    ] {
        for around in ["", "<table>", "<ul>"] {
            let pieces = piece.repeat(200_000 / piece.len());
            let html = format!("<a href='/{long}' title='{long}'>{around}{pieces}");

            let read = Body::from_html(&html);

            let written = read.body.to_html(&NoLinks);
            assert!(written.len() < 4_000_000, "{} bytes of {around}{piece}", written.len());
            assert!(
                warnings(&read).iter().any(|(code, _)| *code == WarningCode::RemovedLink) || written.len() < 1_000_000
            );
            assert!(Body::from_html(&written).body == read.body, "{around}{piece}");
        }
    }
}

#[test]
fn references_are_read_as_browsers_read_them() {
    for (written, shown) in [
        ("&amp;lt;", "&lt;"),
        ("&copy;&copy&copy2", "©©©2"),
        ("&notit;&notin;&not;", "¬it;∉¬"),
        ("&#65;&#x41;&#X41&#65b", "AAAAb"),
        ("&#128;&#150;", "€–"),
        ("a&#0;b&#xD800;c&#x110000;d&#99999999999;", "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}"),
        ("&;&&#;&#x;&x;&unknown;", "&;&&#;&#x;&x;&unknown;"),
        ("&CounterClockwiseContourIntegral;&acE;", "∳∾̳"),
    ] {
        assert_eq!(Body::from_html(written).body.to_text(), shown, "{written}");
    }
}

#[test]
fn references_in_addresses_are_left_alone_without_a_semicolon() {
    let read = html("<a href='/?a=1&copy=2&copy;&amp;b'>x</a>");

    assert_eq!(read, "<p><a href=\"/?a=1&amp;copy=2%C2%A9&amp;b\">x</a></p>");
}

#[test]
fn a_table_with_too_many_rows_becomes_a_paragraph_for_each() {
    let rows = |n: usize| numbered(0..u32::try_from(n).unwrap(), "<tr><td><b>a</b><td>b");
    let large = format!("<table><caption>c</caption>{}</table>after", rows(2001));

    let read = Body::from_html(&large);

    assert_eq!(warnings(&read), [(WarningCode::SimplifiedElement, "table")]);
    assert_eq!(read.body.blocks().len(), 2003);
    let html = read.body.to_html(&NoLinks);
    assert!(
        html.starts_with("<p>c</p>\n<p><strong>a</strong> | b0</p>\n<p><strong>a</strong> | b1</p>"),
        "{html:.200}"
    );
    assert!(html.ends_with("<p><strong>a</strong> | b2000</p>\n<p>after</p>"));
    let kept = format!("<table>{}{}</table>", "<tr>".repeat(3000), rows(2000));
    assert_eq!(Body::from_html(&kept).body.blocks().len(), 1, "rows without cells do not count");
}

#[test]
fn a_row_with_too_many_cells_becomes_a_paragraph() {
    let wide = format!("<table><tr><td>first<td>row<tr>{}<td><p>x<p>y<td>z<tr><td>last</table>", "<td>a".repeat(101));

    let read = Body::from_html(&wide);

    let a = ["a"; 101].join(" | ");
    let expected = format!("<p>first | row</p>\n<p>{a} | x<br>y | z</p>\n<p>last</p>");
    assert_eq!(read.body.to_html(&NoLinks), expected);
}
