//! Tests of the body as a whole.

mod attacks;
mod collected;
mod editors;
mod harmless;
mod html_in;
mod html_out;
mod input;
mod laws;
mod links;
mod markdown_in;
mod markdown_laws;
mod markdown_out;
mod markdown_strategies;
mod mutations;
mod schema;
mod soup;
mod strategies;
mod text;
mod tree;
mod versions;

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
        let content = crate::body::tokenizer::state(&tag.name).filter(|_| tag.kind == TagKind::StartTag);
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
    harmless::assert_harmless_tree(html);
    for tag in tags(html) {
        let attributes = tag.attrs.iter().map(|attribute| (&*attribute.name.local, &*attribute.value));
        harmless::assert_element(&tag.name, attributes, html);
    }
}
