//! Plain text, word counts and excerpts.

use crate::body::Body;

fn read(html: &str) -> Body {
    Body::from_html(html).body
}

#[test]
fn text_separates_blocks_by_blank_lines_and_items_by_newlines() {
    let body = read(
        "<h2>T</h2><p>a<br>b <a href=/x>c</a></p><ol start=9><li>d<ul><li>e</ul><li>f<br>g</ol>\
         <blockquote><p>h<p>i<footer>j</footer></blockquote>",
    );

    assert_eq!(body.to_text(), "T\n\na\nb c\n\n9. d\n   - e\n10. f\n    g\n\nh\n\ni\n\n— j");
}

#[test]
fn words_are_counted_in_every_script() {
    for (html, n_words) in [
        ("", 0),
        ("<p>One two—three, isn't it?</p>", 5),
        ("<p><b>H</b>alf <i>word</i></p>", 2),
        ("<p>می‌خواهم کتاب‌ها را بخوانم</p>", 4),
        ("<p>السلام عليكم ورحمة الله</p>", 4),
        ("<p>新闻网站</p>", 4),
        ("<p>👍 👩‍👩‍👧 ok</p>", 1),
        ("<ul><li>a</li><li>b</li></ul><blockquote>c<footer>d</footer></blockquote>", 4),
        ("<p>3.5 million</p>", 2),
    ] {
        assert_eq!(read(html).word_count(), n_words, "{html}");
    }
}

#[test]
fn reading_takes_a_minute_at_least() {
    assert_eq!(read("").reading_minutes(), 0);
    assert_eq!(read("👍").reading_minutes(), 1);
    assert_eq!(read(&"a ".repeat(230)).reading_minutes(), 1);
    assert_eq!(read(&"a ".repeat(231)).reading_minutes(), 2);
}

#[test]
fn excerpts_come_from_paragraphs_and_end_after_a_word() {
    let body = read("<h2>Heading</h2><p>The talks, it was said,<br>resumed.</p><ul><li>x</li></ul><p>On Monday.</p>");

    assert_eq!(body.excerpt(1000), "The talks, it was said, resumed. On Monday.");
    assert_eq!(body.excerpt(43), "The talks, it was said, resumed. On Monday.");
    assert_eq!(body.excerpt(42), "The talks, it was said, resumed. On…");
    assert_eq!(body.excerpt(11), "The talks…");
    assert_eq!(body.excerpt(10), "The talks…");
    assert_eq!(body.excerpt(9), "The…");
    assert_eq!(body.excerpt(3), "Th…");
    assert_eq!(body.excerpt(1), "…");
    assert_eq!(body.excerpt(0), "");
    assert_eq!(read("").excerpt(10), "");
    assert_eq!(read("<ul><li>only</li><li>items</li></ul>").excerpt(50), "only items");
}

#[test]
fn excerpts_never_cut_a_character() {
    let family = "👩\u{200d}👩\u{200d}👧";
    assert_eq!(read(&family.repeat(3)).excerpt(2), format!("{family}…"));
    assert_eq!(read("می‌خواهم بروم").excerpt(9), "می‌خواهم…");
    assert_eq!(read("新闻网站内容").excerpt(4), "新闻网…");
    assert_eq!(read("ééé").excerpt(2), "é…");
}

#[test]
fn an_empty_body_is_empty() {
    assert!(Body::default().is_empty());
    assert!(read(" <p>&nbsp;</p>").is_empty());
    assert!(!read("a").is_empty());
}
