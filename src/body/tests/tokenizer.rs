//! Holds the tokenizer against html5ever's. The fuzz targets use this too.

use std::cell::RefCell;
use std::collections::HashSet;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind as TheirRawKind;
use html5ever::tokenizer::{BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

use crate::body::from_html::{Content, MAX_ATTRIBUTES, RawKind, Sink, Tag, content, read};

/// What both find.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Text(String),
    Start(String, Vec<(String, String)>, bool),
    End(String),
}

/// Adds text, which may come in pieces of any size.
fn push_text(found: &mut Vec<Found>, text: &str) {
    match found.last_mut() {
        Some(Found::Text(last)) => last.push_str(text),
        _ => found.push(Found::Text(text.to_owned())),
    }
}

#[derive(Default)]
struct Ours(Vec<Found>);

impl Sink for Ours {
    fn text(&mut self, text: &str) {
        push_text(&mut self.0, text);
    }

    fn start(&mut self, tag: &Tag<'_>) {
        let mut names = HashSet::new();
        let attributes = tag.attributes.iter().filter(|(name, _)| names.insert(name.clone()));
        let attributes = attributes.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        self.0.push(Found::Start(tag.name.to_string(), attributes, tag.is_self_closing));
    }

    fn end(&mut self, tag: &Tag<'_>) {
        self.0.push(Found::End(tag.name.to_string()));
    }
}

#[derive(Default)]
struct Theirs(RefCell<Vec<Found>>);

impl TokenSink for Theirs {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut found = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => push_text(&mut found, &text),
            Token::TagToken(tag) if tag.kind == TagKind::EndTag => found.push(Found::End(tag.name.to_string())),
            Token::TagToken(tag) => {
                let attributes = tag.attrs.iter();
                let attributes =
                    attributes.map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()));
                found.push(Found::Start(tag.name.to_string(), attributes.collect(), tag.self_closing));
                return state(&tag.name).unwrap_or(TokenSinkResult::Continue);
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Returns what html5ever's tokenizer is to be told behind the start tag of that name.
pub(super) fn state(name: &str) -> Option<TokenSinkResult<()>> {
    content(name).map(|content| match content {
        Content::Raw(RawKind::Rcdata) => TokenSinkResult::RawData(TheirRawKind::Rcdata),
        Content::Raw(RawKind::Rawtext) => TokenSinkResult::RawData(TheirRawKind::Rawtext),
        Content::Raw(RawKind::Script) => TokenSinkResult::RawData(TheirRawKind::ScriptData),
        Content::ToTheEnd => TokenSinkResult::Plaintext,
    })
}

fn theirs(html: &str) -> Vec<Found> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Theirs::default(), TokenizerOpts::default());
    drop(tokenizer.feed(&input));
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// Asserts that both find the same, but for attributes too many.
pub fn assert_agreement(html: &str) {
    let mut ours = Ours::default();
    read(html, &mut ours);
    let theirs = theirs(html);
    assert_eq!(ours.0.len(), theirs.len(), "{html:?}: {:?} is not {theirs:?}", ours.0);
    for (ours, theirs) in ours.0.iter().zip(&theirs) {
        match (ours, theirs) {
            (Found::Start(ours, our_attributes, our_end), Found::Start(theirs, their_attributes, their_end)) => {
                assert_eq!((ours, our_end), (theirs, their_end), "{html:?}");
                assert!(our_attributes.len() <= MAX_ATTRIBUTES, "{html:?}: too many attributes: {our_attributes:?}");
                let is_cut = their_attributes.len() > our_attributes.len();
                assert!(
                    their_attributes.starts_with(our_attributes),
                    "{html:?}: {our_attributes:?} is not {their_attributes:?}"
                );
                // Attributes that are there twice are cut too.
                assert!(
                    !is_cut || html.split([' ', '\n', '/', '"']).count() > MAX_ATTRIBUTES,
                    "{html:?}: attributes are missing"
                );
            }
            _ => assert_eq!(ours, theirs, "{html:?}"),
        }
    }
}
