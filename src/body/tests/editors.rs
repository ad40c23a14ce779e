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
