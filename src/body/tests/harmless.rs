//! What written HTML may hold. Used by the fuzz targets too, so it knows nothing of the other tests.

use html5ever::ns;

use super::tree;

const ELEMENTS: &str = " p h2 h3 h4 h5 h6 ul ol li figure blockquote figcaption a br strong em u s code sub sup span \
    img small iframe table caption thead tbody tr th td pre hr aside details summary ";

/// Asserts that an element and its attributes are among those that a body is written with.
pub(super) fn assert_element<'a>(name: &str, attributes: impl Iterator<Item = (&'a str, &'a str)>, html: &str) {
    assert!(ELEMENTS.contains(&format!(" {name} ")), "element {name} in {html}");
    for (attribute, value) in attributes {
        assert!(is_harmless(name, attribute, value), "attribute {attribute}={value:?} of {name} in {html}");
    }
}

/// Asserts that a browser builds a tree of nothing but those elements, and the same tree when what it shows is read again,
/// whether it runs scripts or not.
pub(super) fn assert_harmless_tree(html: &str) {
    for with_scripts in [true, false] {
        let root = tree::parse(html, with_scripts);
        tree::visit(&root, &mut |node| {
            let name = &*node.name.local;
            assert_eq!(node.name.ns, ns!(html), "{name} in {html}");
            // The fragment's root.
            if name != "html" {
                let attributes = node.attributes.borrow();
                let attributes = attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                assert_element(name, attributes, html);
            }
        });
        let (mut once, mut twice) = (String::new(), String::new());
        tree::serialize(&root, &mut once);
        tree::serialize(&tree::parse(&once, with_scripts), &mut twice);
        assert_eq!(twice, once, "a browser that reads again what it shows sees something else: {html}");
    }
}

fn is_harmless(element: &str, name: &str, value: &str) -> bool {
    let is_name = |text: &str| crate::body::BlockId::parse(text).is_some();
    let is_path = value.starts_with('/') && !value.starts_with("//") && !value.contains('\\');
    let is_plain = value.bytes().all(|byte| byte.is_ascii_graphic());
    let is_web = is_plain && (value.starts_with("https://") || value.starts_with("http://"));
    let is_id = uuid::Uuid::try_parse(value).is_ok();
    match (element, name) {
        ("a", "href") => {
            is_web || is_plain && (is_path || ["mailto:", "tel:", "#"].iter().any(|start| value.starts_with(start)))
        }
        ("img", "src") => is_web || is_plain && is_path,
        ("iframe", "src") => FRAMES.iter().any(|start| is_plain && value.starts_with(start)),
        ("iframe", "sandbox") => value == "allow-popups allow-presentation allow-same-origin allow-scripts",
        ("iframe", "allow") => {
            value.split("; ").all(|name| matches!(name, "encrypted-media" | "fullscreen" | "picture-in-picture"))
        }
        ("iframe", "allowfullscreen") => value.is_empty(),
        ("iframe", "referrerpolicy") => value == "strict-origin-when-cross-origin",
        ("iframe" | "img", "loading") => value == "lazy",
        ("a", "rel") => {
            value.split(' ').all(|rel| matches!(rel, "noopener" | "license" | "nofollow" | "sponsored" | "ugc"))
        }
        ("a" | "iframe", "title") | ("img", "alt") => true,
        ("img", "width" | "height") | ("td" | "th", "colspan" | "rowspan") => value.parse::<u32>().is_ok_and(|n| n > 0),
        ("th", "scope") => matches!(value, "col" | "row"),
        ("ol", "start") => value.parse::<i32>().is_ok(),
        ("span", "lang") => crate::input::Language::parse(value).is_ok(),
        ("span", "dir") => matches!(value, "ltr" | "rtl" | "auto"),
        ("span", "data-small-caps") | ("figure", "data-gallery" | "data-pull-quote") => value.is_empty(),
        ("ol", "data-footnotes") => value.is_empty(),
        ("a" | "aside", "data-article") | ("img", "data-media") => is_id,
        ("aside", "data-note") => matches!(value, "editor" | "correction" | "update"),
        ("code", "data-language") | ("figure", "data-embed") => is_plain,
        ("sup", "data-fn") => is_name(value),
        ("li", "id") => value.strip_prefix("fn-").is_some_and(is_name),
        _ => false,
    }
}

/// How the addresses of all frames begin.
const FRAMES: &[&str] = &[
    "https://www.youtube-nocookie.com/embed/",
    "https://player.vimeo.com/video/",
    "https://www.dailymotion.com/embed/video/",
    "https://www.aparat.com/video/video/embed/videohash/",
    "https://open.spotify.com/embed/",
    "https://w.soundcloud.com/player/?url=",
    "https://datawrapper.dwcdn.net/",
    "https://flo.uri.sh/",
];
