//! What editors write that HTML does not say: indents as classes, code line by line, players.

use crate::body::Body;
use crate::body::WarningCode::DroppedElement;
use crate::body::tests::{html, warnings};

#[test]
fn quill_s_indents_are_nested_lists() {
    assert_eq!(
        html(
            "<ol><li data-list=bullet>a</li><li data-list=ordered class=ql-indent-1>b</li>\
             <li data-list=ordered class=\"ql-align-right ql-indent-1\">c</li><li data-list=bullet class=ql-indent-2>d</li>\
             <li data-list=bullet>e</li></ol>"
        ),
        "<ul><li>a<ol><li>b</li><li>c<ul><li>d</li></ul></li></ol></li><li>e</li></ul>"
    );
    assert_eq!(
        html(
            "<ol><li data-list=ordered class=ql-indent-3>a</li><li class=ql-indent-8>b</li><li class=ql-indent-x>c</li></ol>"
        ),
        "<ol><li>a<ol><li>b</li></ol></li><li>c</li></ol>"
    );
    let deep: String = (0..20).map(|n| format!("<li class=ql-indent-{n}>x")).collect();
    let written = html(&format!("<ul>{deep}</ul>"));
    assert_eq!(written.matches("<ul>").count(), 8);
    assert_eq!(html(&written), written);
}

#[test]
fn quill_s_code_is_one_block() {
    assert_eq!(
        html(
            "<div class=\"ql-code-block-container\" spellcheck=\"false\"><div class=\"ql-code-block\">a</div>\
             <div class=\"ql-code-block\">  b</div></div><p>c</p>"
        ),
        "<pre><code>a\n  b</code></pre>\n<p>c</p>"
    );
}

#[test]
fn word_s_paragraphs_with_levels_are_lists() {
    let item = |level: u32, marker: &str, text: &str| {
        format!(
            "<p class=MsoListParagraphCxSpMiddle style='margin-left:1.0in;mso-add-space:auto;text-indent:-.25in;mso-list:l0 \
             level{level} lfo1'><![if !supportLists]><span style='font-family:Symbol'><span style='mso-list:Ignore'>{marker}\
             <span style='font:7.0pt \"Times New Roman\"'>&nbsp;&nbsp;</span></span></span><![endif]>{text}<o:p></o:p></p>\n"
        )
    };
    let list = [item(1, "·", "<b>a</b>"), item(2, "1.", "b"), item(2, "2.", "c"), item(1, "o", "d")].concat();
    let expected = "<ul><li><strong>a</strong><ol><li>b</li><li>c</li></ol></li><li>d</li></ul>";

    assert_eq!(html(&list), expected);
    assert_eq!(
        html(&format!(
            "<div class=WordSection1><p class=MsoNormal>x</p>{list}<p class=MsoNormal>y</p>{list}</div><p>z</p>"
        )),
        format!("<p>x</p>\n{expected}\n<p>y</p>\n{expected}\n<p>z</p>")
    );
    assert_eq!(
        html(&format!("<table class=MsoTableGrid><tr><td>{}</td><td>b</td></tr></table>", item(1, "(a)", "a"))),
        "<table><tbody><tr><td>a</td><td>b</td></tr></tbody></table>"
    );
    assert_eq!(
        html(&format!("{}<hr>{}", item(1, "1)", "a"), item(1, "2)", "b"))),
        "<ol><li>a</li></ol>\n<hr>\n<ol start=\"2\"><li>b</li></ol>"
    );
    assert_eq!(html(&format!("<ul><li>{}</ul>", item(1, "§", "a"))), "<ul><li>a</li></ul>");
}

#[test]
fn what_players_play_is_kept_as_an_address() {
    for player in [
        "<video src=https://cdn.example/a.mp4 controls>no video</video>",
        "<video controls><source src=https://cdn.example/a.mp4 type=video/mp4><source src=/b.webm>no video</video>",
        "<audio><source src=//cdn.example/a.mp4></audio>",
        "<figure class=wp-block-video><video controls src=https://cdn.example/a.mp4></video></figure>",
    ] {
        let read = Body::from_html(player);
        let written = html(player);
        assert_eq!(read.warnings, [], "{player}");
        assert!(written.starts_with("<figure data-embed=\"other\"><a href=\"https://cdn.example/a.mp4\""), "{written}");
        assert!(!written.contains("no video"));
        assert_eq!(html(&written), written);
    }
    for plugin in [
        "<object data=https://www.youtube.com/v/dQw4w9WgXcQ></object>",
        "<object><param name=movie value=https://www.youtube.com/v/dQw4w9WgXcQ><embed src=https://www.youtube.com/v/x></object>",
        "<object><embed src=https://www.youtube.com/v/dQw4w9WgXcQ></object>",
        "<embed src=https://www.youtube.com/v/dQw4w9WgXcQ>",
    ] {
        assert!(html(plugin).contains("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ"), "{plugin}");
    }
}

#[test]
fn what_names_nothing_to_play_is_dropped() {
    for (player, name) in [
        ("<video>x</video>", "video"),
        ("<video src=data:video/mp4,x>x</video>", "video"),
        ("<audio><source src=javascript:alert(1)></audio>", "audio"),
        ("<object data=https://evil.example/x.swf>x</object>", "object"),
        ("<object><param name=movie value=https://evil.example/x.swf></object>", "object"),
    ] {
        let read = Body::from_html(&format!("<p>a</p>{player}<p>b</p>"));
        assert_eq!(warnings(&read), [(DroppedElement, name)], "{player}");
        assert_eq!(read.body.to_text(), "a\n\nb");
    }
}
