//! Tests of the body as a whole.

mod attacks;
mod collected;
mod editors;
mod html_in;
mod html_out;
mod input;
mod laws;
mod links;
mod mutations;
mod schema;
mod soup;
mod strategies;
mod text;
mod tree;

use std::ops::ControlFlow;

use deserr::{DeserializeError, ErrorKind, IntoValue, MergeWithError, ValuePointerRef};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use serde_json::Value;

use crate::body::{Body, FromHtml, NoLinks, WarningCode};

/// Faults as `place: message`, in the order in which they came up.
#[derive(Debug, Default, PartialEq, Eq)]
struct Faults(Vec<String>);

impl MergeWithError<Faults> for Faults {
    fn merge(own: Option<Self>, other: Self, _: ValuePointerRef) -> ControlFlow<Self, Self> {
        let mut all = own.unwrap_or_default();
        all.0.extend(other.0);
        ControlFlow::Continue(all)
    }
}

impl DeserializeError for Faults {
    fn error<V: IntoValue>(own: Option<Self>, error: ErrorKind<V>, at: ValuePointerRef) -> ControlFlow<Self, Self> {
        let message = match error {
            ErrorKind::IncorrectValueKind { actual, accepted } => format!("{} for {accepted:?}", actual.kind()),
            ErrorKind::MissingField { field } => format!("missing {field}"),
            ErrorKind::UnknownKey { key, accepted } => format!("unknown member {key}, not one of {accepted:?}"),
            ErrorKind::UnknownValue { value, accepted } => format!("unknown value {value}, not one of {accepted:?}"),
            ErrorKind::BadSequenceLen { .. } => "bad length".to_owned(),
            ErrorKind::Unexpected { msg } => msg,
        };
        let mut all = own.unwrap_or_default();
        all.0.push(format!("{}: {message}", place(at)));
        ControlFlow::Continue(all)
    }
}

/// A place in the input as a JSON pointer.
fn place(at: ValuePointerRef) -> String {
    match at {
        ValuePointerRef::Origin => String::new(),
        ValuePointerRef::Key { key, prev } => format!("{}/{key}", place(*prev)),
        ValuePointerRef::Index { index, prev } => format!("{}/{index}", place(*prev)),
    }
}

fn from_client(json: Value) -> Result<Body, Faults> {
    deserr::deserialize(json)
}

fn faults(json: Value) -> Vec<String> {
    from_client(json).expect_err("the body has faults").0
}

fn html(input: &str) -> String {
    Body::from_html(input).body.to_html(&NoLinks)
}

fn warnings(read: &FromHtml) -> Vec<(WarningCode, &str)> {
    read.warnings.iter().map(|warning| (warning.code, warning.detail.as_str())).collect()
}

fn json(body: &Body) -> Value {
    serde_json::to_value(body).expect("a body is JSON")
}

/// The body's JSON without block ids.
fn without_ids(body: &Body) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(strip),
            Value::Object(members) => {
                members.remove("id");
                members.values_mut().for_each(strip);
            }
            _ => {}
        }
    }
    let mut value = json(body);
    strip(&mut value);
    value
}

/// All ids of a body, those inside quotes included.
fn ids(body: &Body) -> Vec<String> {
    fn collect(value: &Value, ids: &mut Vec<String>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| collect(value, ids)),
            Value::Object(members) => {
                ids.extend(members.get("id").map(|id| id.as_str().unwrap().to_owned()));
                members.values().for_each(|value| collect(value, ids));
            }
            _ => {}
        }
    }
    let mut ids = Vec::new();
    collect(&json(body), &mut ids);
    ids
}

#[derive(Default)]
struct Tags(std::cell::RefCell<Vec<Tag>>);

impl TokenSink for Tags {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let Token::TagToken(tag) = token else {
            return TokenSinkResult::Continue;
        };
        let content = crate::body::from_html::tokenizer_state(&tag.name).filter(|_| tag.kind == TagKind::StartTag);
        self.0.borrow_mut().push(tag);
        content.unwrap_or(TokenSinkResult::Continue)
    }
}

/// The tags of an HTML text as html5ever's tokenizer sees them.
fn tags(html: &str) -> Vec<Tag> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Tags::default(), TokenizerOpts::default());
    drop(tokenizer.feed(&input));
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// Asserts that HTML has nothing in it but the elements and attributes that a body is written with.
fn assert_harmless(html: &str) {
    const ELEMENTS: &str = " p h2 h3 h4 h5 h6 ul ol li figure blockquote figcaption a br strong em u s code sub sup span \
        img small iframe table caption thead tbody tr th td pre hr aside details summary ";
    for with_scripts in [true, false] {
        assert_harmless_tree(html, with_scripts, ELEMENTS);
    }
    for tag in tags(html) {
        assert!(ELEMENTS.contains(&format!(" {} ", &*tag.name)), "element {} in {html}", &*tag.name);
        for attribute in &tag.attrs {
            let (name, value) = (&*attribute.name.local, &*attribute.value);
            assert!(is_harmless(&tag.name, name, value), "attribute {name}={value:?} of {} in {html}", &*tag.name);
        }
    }
}

/// Asserts that a browser builds a tree of nothing but those elements, and the same tree when what it shows is read again.
fn assert_harmless_tree(html: &str, with_scripts: bool, elements: &str) {
    let root = tree::parse(html, with_scripts);
    tree::visit(&root, &mut |node| {
        let name = &*node.name.local;
        assert_eq!(node.name.ns, html5ever::ns!(html), "{name} in {html}");
        // The fragment's root.
        assert!(name == "html" || elements.contains(&format!(" {name} ")), "element {name} in {html}");
        for (attribute, value) in node.attributes.borrow().iter() {
            assert!(is_harmless(name, attribute, value), "attribute {attribute}={value:?} of {name} in {html}");
        }
    });
    let (mut once, mut twice) = (String::new(), String::new());
    tree::serialize(&root, &mut once);
    tree::serialize(&tree::parse(&once, with_scripts), &mut twice);
    assert_eq!(twice, once, "a browser that reads again what it shows sees something else: {html}");
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
