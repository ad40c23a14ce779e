//! Documents as editors and old systems write them.

use crate::body::tests::{html, warnings};
use crate::body::{Body, NoLinks, WarningCode};

const VIDEO: &str = "<iframe src=\"https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ\" \
    allow=\"encrypted-media; fullscreen; picture-in-picture\" \
    sandbox=\"allow-popups allow-presentation allow-same-origin allow-scripts\" allowfullscreen loading=\"lazy\" \
    referrerpolicy=\"strict-origin-when-cross-origin\"></iframe>";

fn assert_read(cases: &[(&str, &str)]) {
    for (input, expected) in cases {
        let written = html(input);
        assert_eq!(written, *expected, "input: {input}");
        assert_eq!(html(&written), written, "read again differently: {input}");
    }
}

#[test]
fn pictures_of_block_editors_keep_caption_credit_and_link() {
    assert_read(&[
        (
            "<!-- wp:image {\"id\":5} --><figure class=\"wp-block-image size-large\"><a href=\"/full\">\
             <img src=\"https://e.org/a.jpg\" alt=\"A\" class=\"wp-image-5\" width=\"800px\"/></a>\
             <figcaption class=\"wp-element-caption\">Text <em>x</em> <small>Mina Rad</small></figcaption></figure><!-- /wp:image -->",
            "<figure><a href=\"/full\"><img src=\"https://e.org/a.jpg\" alt=\"A\" width=\"800\" loading=\"lazy\"></a>\
             <figcaption>Text <em>x</em> <small>Mina Rad</small></figcaption></figure>",
        ),
        (
            "<figure class=\"wp-block-gallery\"><figure class=\"wp-block-image\"><img src=/a.jpg alt=\"\"></figure>\
             <figure class=\"wp-block-image\"><img src=/b.jpg><figcaption>b</figcaption></figure>\
             <figcaption>all</figcaption></figure>",
            "<figure data-gallery><figure><img src=\"/a.jpg\" alt=\"\" loading=\"lazy\"></figure>\
             <figure><img src=\"/b.jpg\" loading=\"lazy\"><figcaption>b</figcaption></figure>\
             <figcaption>all</figcaption></figure>",
        ),
        (
            "<ul class=\"wp-block-gallery\"><li class=\"blocks-gallery-item\"><figure><img src=/a.jpg></figure></li>\
             <li><figure><img src=/b.jpg></figure></li></ul>",
            "<figure data-gallery><figure><img src=\"/a.jpg\" loading=\"lazy\"></figure>\
             <figure><img src=\"/b.jpg\" loading=\"lazy\"></figure></figure>",
        ),
        (
            "<p>[caption id=\"attachment_1\" align=\"alignnone\" width=\"300\"]<a href=\"/x\"><img src=\"/a.jpg\" alt=\"A\" /></a> \
             The caption[/caption]</p><p>more</p>",
            "<figure><a href=\"/x\"><img src=\"/a.jpg\" alt=\"A\" loading=\"lazy\"></a>\
             <figcaption>The caption</figcaption></figure>\n<p>more</p>",
        ),
        (
            "<figure class=\"image\"><img src=\"a.jpg\" data-src=/b.jpg alt=A></figure>",
            "<figure><img src=\"/b.jpg\" alt=\"A\" loading=\"lazy\"></figure>",
        ),
        ("<p>a <img class=emoji src=/s.png alt=😀> b</p>", "<p>a 😀 b</p>"),
        ("<p>a <img src=/s.png> b</p>", "<p>a</p>\n<figure><img src=\"/s.png\" loading=\"lazy\"></figure>\n<p>b</p>"),
        (
            "<ol><li>a<li>b<img src=/s.png>c<li>d</ol>",
            "<ol><li>a</li><li>b</li></ol>\n<figure><img src=\"/s.png\" loading=\"lazy\"></figure>\n<p>c</p>\n\
             <ol start=\"3\"><li>d</li></ol>",
        ),
        (
            "<blockquote>a<img src=/s.png>b</blockquote>",
            "<blockquote><p>a</p></blockquote>\n<figure><img src=\"/s.png\" loading=\"lazy\"></figure>\n\
             <blockquote><p>b</p></blockquote>",
        ),
    ]);
}

#[test]
fn embeds_are_known_by_their_address() {
    let video = format!("<figure data-embed=\"youtube\">{VIDEO}</figure>");
    let captioned = format!("<figure data-embed=\"youtube\">{VIDEO}<figcaption>c</figcaption></figure>");
    assert_read(&[
        ("<iframe src=\"//www.youtube.com/embed/dQw4w9WgXcQ?rel=0\" width=560></iframe>", &video),
        ("<figure class=\"media\"><oembed url=\"https://youtu.be/dQw4w9WgXcQ\"></oembed></figure>", &video),
        (
            "<figure class=\"wp-block-embed is-type-video\"><div class=\"wp-block-embed__wrapper\">\n\
             https://www.youtube.com/watch?v=dQw4w9WgXcQ\n</div><figcaption>c</figcaption></figure>",
            &captioned,
        ),
        (
            "<figure class=\"wp-block-embed\"><div>https://example.org/a</div></figure>",
            "<figure data-embed=\"other\"><a href=\"https://example.org/a\" rel=\"noopener\">https://example.org/a</a></figure>",
        ),
        (
            "<blockquote class=\"twitter-tweet\"><p lang=en>Hello</p>&mdash; A <a href=\"https://twitter.com/a/status/12?ref_src=x\">May 1</a></blockquote>\
             <script async src=\"https://platform.twitter.com/widgets.js\"></script>",
            "<figure data-embed=\"x\"><a href=\"https://x.com/a/status/12\" rel=\"noopener\">https://x.com/a/status/12</a>\
             <figcaption><span lang=\"en\">Hello<br></span>— A <a href=\"https://twitter.com/a/status/12?ref_src=x\" rel=\"noopener\">May 1</a></figcaption></figure>",
        ),
    ]);
}

#[test]
fn what_is_dropped_is_named_where_it_stood() {
    let read = Body::from_html(
        "<p>a</p><img src=https://t.example/p.gif width=1 height=1><p>b</p><iframe src=https://ads.example/x></iframe>\
         <img src=data:image/png;base64,AAAA><form><input></form>",
    );

    assert_eq!(read.body.to_html(&NoLinks), "<p>a</p>\n<p>b</p>");
    assert_eq!(
        warnings(&read),
        [
            (WarningCode::TrackingPixel, "https://t.example/p.gif"),
            (WarningCode::DroppedEmbed, "https://ads.example/x"),
            (WarningCode::DroppedImage, "data:image/png;base64,AAAA"),
            (WarningCode::DroppedElement, "input"),
        ]
    );
    let pointers: Vec<_> = read.warnings.iter().map(|warning| warning.pointer.as_deref().unwrap()).collect();
    assert_eq!(pointers, ["/body_blocks/1"; 4]);
}

#[test]
fn other_blocks_of_editors_are_kept() {
    assert_read(&[
        ("<pre class=\"wp-block-code\"><code>let a;\n  b</code></pre>", "<pre><code>let a;\n  b</code></pre>"),
        ("<pre><code class=\"hljs language-Rust\">x</code></pre>", "<pre><code data-language=\"rust\">x</code></pre>"),
        ("<pre class=\"ql-syntax\" spellcheck=\"false\">x\ny</pre>", "<pre><code>x\ny</code></pre>"),
        ("<hr class=\"wp-block-separator\"/>", "<hr>"),
        (
            "<figure class=\"wp-block-pullquote\"><blockquote><p>a</p><p>b</p><cite>c</cite></blockquote></figure>",
            "<figure data-pull-quote><blockquote><p>a<br>b</p></blockquote><figcaption>c</figcaption></figure>",
        ),
        (
            "<details class=\"wp-block-details\"><summary>s</summary><p>a</p><ul><li>b</ul></details>",
            "<details><summary>s</summary><p>a</p><ul><li>b</li></ul></details>",
        ),
        ("<ol><li data-list=bullet>a<li data-list=bullet>b</ol>", "<ul><li>a</li><li>b</li></ul>"),
        ("<p dir=ltr>a <span dir=rtl lang=FA>سلام</span></p>", "<p>a <span lang=\"fa\" dir=\"rtl\">سلام</span></p>"),
    ]);
}

#[test]
fn footnotes_of_editors_and_of_markdown_are_kept() {
    let expected = "<p>a<sup data-fn=\"1\"><a href=\"#fn-1\">1</a></sup> b</p>\n\
        <ol data-footnotes><li id=\"fn-1\">note</li></ol>";
    assert_read(&[
        (
            "<p>a<sup class=\"footnote-ref\"><a href=\"#fn1\" id=\"fnref1\">[1]</a></sup> b</p><section class=\"footnotes\">\
             <ol class=\"footnotes-list\"><li id=\"fn1\"><p>note <a href=\"#fnref1\" class=\"footnote-backref\">↩︎</a></p></li></ol></section>",
            expected,
        ),
        (
            "<p>a<sup data-fn=\"1\" class=\"fn\"><a href=\"#1\" id=\"1-link\">1</a></sup> b</p><ol class=\"wp-block-footnotes\">\
             <li id=\"1\">note <a href=\"#1-link\">↩︎</a></li></ol>",
            expected,
        ),
        ("<p>a<sup><a href=\"#fn1\">1</a></sup> b</p>", "<p>a<a href=\"#fn1\"><sup>1</sup></a> b</p>"),
    ]);
}
