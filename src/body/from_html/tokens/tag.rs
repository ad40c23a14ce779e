//! Tags: their names and attributes.

use std::borrow::Cow;

use crate::body::from_html::tokens::reference::{Place, push_decoded};
use crate::body::from_html::tokens::{Key, Sink, Tokenizer, is_space};

/// The most attributes of a tag that are kept; word processors use a dozen.
pub(in crate::body) const MAX_ATTRIBUTES: usize = 64;

/// A tag.
#[derive(Debug, Default)]
pub(in crate::body) struct Tag<'a> {
    /// In lower case.
    pub(in crate::body) name: Cow<'a, str>,
    /// The name again, for comparison.
    pub(in crate::body::from_html) key: Key,
    /// Names in lower case, and values. Of two with the same name the first counts.
    pub(in crate::body) attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(in crate::body) is_self_closing: bool,
}

/// Returns the value of a tag's attribute of that name.
pub(in crate::body) fn attribute<'a>(tag: &'a Tag<'_>, name: &str) -> Option<&'a str> {
    tag.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
}

impl<'a, S: Sink> Tokenizer<'a, '_, S> {
    /// Reads a tag from its name on; false if it is not ended.
    pub(super) fn tag(&mut self, has_attributes: bool) -> bool {
        let start = self.at;
        self.skip_to(|byte| is_space(byte) || matches!(byte, b'/' | b'>'));
        self.tag.name = name(self.html.get(start..self.at).unwrap_or_default());
        self.tag.key = Key::of(&self.tag.name);
        self.tag.attributes.clear();
        loop {
            self.skip_to(|byte| !is_space(byte) && byte != b'/');
            match self.peek() {
                None => return false,
                Some(b'>') => {
                    let before = self.at.checked_sub(1).and_then(|at| self.html.as_bytes().get(at));
                    self.tag.is_self_closing = before == Some(&b'/');
                    self.step(1);
                    return true;
                }
                Some(_) => {
                    let is_kept = has_attributes && self.tag.attributes.len() < MAX_ATTRIBUTES;
                    if self.attribute(is_kept) {
                        self.tag.is_self_closing = false;
                        return true;
                    }
                }
            }
        }
    }

    /// Reads an attribute; true if the tag ended with it.
    fn attribute(&mut self, is_kept: bool) -> bool {
        let start = self.at;
        // A `=` at the start belongs to the name.
        self.step(1);
        self.skip_to(|byte| is_space(byte) || matches!(byte, b'/' | b'>' | b'='));
        let end = self.at;
        self.skip_to(|byte| !is_space(byte));
        let mut value = self.at..self.at;
        if self.peek() == Some(b'=') {
            self.step(1);
            self.skip_to(|byte| !is_space(byte));
            value = match self.peek() {
                Some(quote @ (b'"' | b'\'')) => {
                    self.step(1);
                    let from = self.at;
                    self.skip_to(|byte| byte == quote);
                    let to = self.at;
                    self.step(1);
                    from..to
                }
                Some(b'>') | None => self.at..self.at,
                Some(_) => {
                    let from = self.at;
                    self.skip_to(|byte| is_space(byte) || byte == b'>');
                    from..self.at
                }
            };
        } else {
            // What follows white space is another attribute.
            self.at = end;
        }
        if is_kept {
            let value = decoded(self.html.get(value).unwrap_or_default());
            self.tag.attributes.push((name(self.html.get(start..end).unwrap_or_default()), value));
        }
        // Behind a value without quotes, a slash belongs to the value.
        let is_end = self.peek() == Some(b'>');
        if is_end {
            self.step(1);
        }
        is_end
    }
}

/// Returns a name in lower case, with a sign for each NUL.
fn name(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase() || byte == 0) {
        Cow::Owned(text.to_ascii_lowercase().replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Returns a value with its references decoded.
fn decoded(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| matches!(byte, b'&' | b'\r' | 0)) {
        let mut value = String::with_capacity(text.len());
        push_decoded(&mut value, text, Place::Attribute);
        Cow::Owned(value)
    } else {
        Cow::Borrowed(text)
    }
}
