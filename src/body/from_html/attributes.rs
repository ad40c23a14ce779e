//! Cuts tags with very many attributes before they reach the tokenizer.
//!
//! html5ever compares every attribute with all others of its tag, so that a tag of 1 MB would take it several seconds. This
//! follows the input just closely enough to know what is a tag: comments, raw text and scripts as the HTML standard has
//! them, nothing decoded. A test holds it against the tokenizer.

use std::borrow::Cow;
use std::ops::Range;

use html5ever::tokenizer::states::RawKind;

use crate::body::from_html::elements::{Content, content};

/// The most attributes of a tag that are read; word processors use a dozen.
pub(in crate::body) const MAX_ATTRIBUTES: usize = 64;

/// Returns the HTML without the attributes of each tag that follow the first `MAX_ATTRIBUTES`.
pub(in crate::body) fn limit(html: &str) -> Cow<'_, str> {
    let mut scanner = Scanner { html, at: 0, cuts: Vec::new() };
    scanner.data();
    if scanner.cuts.is_empty() {
        return Cow::Borrowed(html);
    }
    let mut kept = String::with_capacity(html.len());
    let mut from = 0;
    for cut in scanner.cuts {
        kept.push_str(html.get(from..cut.start).unwrap_or_default());
        from = cut.end;
    }
    kept.push_str(html.get(from..).unwrap_or_default());
    Cow::Owned(kept)
}

struct Scanner<'a> {
    html: &'a str,
    at: usize,
    cuts: Vec<Range<usize>>,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.html.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.html.as_bytes().get(self.at).copied()
    }

    /// Moves on to the next byte that satisfies the condition, which only ASCII may, or to the end.
    fn skip_to(&mut self, is_wanted: impl Fn(u8) -> bool) {
        let n_skipped = self.rest().bytes().position(is_wanted);
        self.at = n_skipped.map_or(self.html.len(), |n| self.at.saturating_add(n));
    }

    /// Moves behind the next occurrence of a text, or to the end.
    fn skip_past(&mut self, text: &str) {
        let found = self.rest().find(text).map(|n| n.saturating_add(text.len()));
        self.at = found.map_or(self.html.len(), |n| self.at.saturating_add(n));
    }

    fn step(&mut self, n_bytes: usize) {
        self.at = self.at.saturating_add(n_bytes).min(self.html.len());
    }

    fn data(&mut self) {
        loop {
            self.skip_to(|byte| byte == b'<');
            self.step(1);
            let rest = self.rest();
            match self.peek() {
                None => return,
                Some(byte) if byte.is_ascii_alphabetic() => {
                    let name = self.tag();
                    match content(name) {
                        Some(Content::Raw(RawKind::ScriptData)) => self.script(name),
                        Some(Content::Raw(_)) => self.raw(name),
                        Some(Content::ToTheEnd) => return,
                        None => {}
                    }
                }
                Some(b'/') if rest.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic) => {
                    self.step(1);
                    self.tag();
                }
                // An end tag without a name is a comment, or nothing.
                Some(b'/') if rest.len() > 1 => {
                    self.step(1);
                    self.skip_past(">");
                }
                Some(b'!') if rest.starts_with("!--") => self.comment(),
                Some(b'!' | b'?') => self.skip_past(">"),
                Some(_) => {}
            }
        }
    }

    fn comment(&mut self) {
        self.step("!--".len());
        let rest = self.rest();
        if rest.starts_with('>') || rest.starts_with("->") {
            return self.skip_past(">");
        }
        loop {
            self.skip_past("--");
            let rest = self.rest();
            if rest.is_empty() || rest.starts_with('>') || rest.starts_with("!>") {
                return;
            }
            // The second dash may be the first of the pair that ends the comment.
            self.at = self.at.saturating_sub(1);
        }
    }

    /// Reads a tag from its name on, and notes what is to be cut. Returns the name.
    fn tag(&mut self) -> &'a str {
        let start = self.at;
        self.skip_to(|byte| is_space(byte) || matches!(byte, b'/' | b'>'));
        let name = self.html.get(start..self.at).unwrap_or_default();
        let mut n_attributes = 0_usize;
        let mut cut_from = None;
        loop {
            self.skip_to(|byte| !is_space(byte) && byte != b'/');
            if self.peek().is_none_or(|byte| byte == b'>') {
                break;
            }
            if n_attributes == MAX_ATTRIBUTES {
                cut_from = Some(self.at);
            }
            n_attributes = n_attributes.saturating_add(1);
            self.attribute();
        }
        self.cuts.extend(cut_from.map(|from| from..self.at));
        self.step(1);
        name
    }

    fn attribute(&mut self) {
        // A `=` at the start belongs to the name.
        self.at = self.at.saturating_add(self.rest().chars().next().map_or(0, char::len_utf8));
        self.skip_to(|byte| is_space(byte) || matches!(byte, b'/' | b'>' | b'='));
        self.skip_to(|byte| !is_space(byte));
        if self.peek() != Some(b'=') {
            return;
        }
        self.step(1);
        self.skip_to(|byte| !is_space(byte));
        match self.peek() {
            Some(b'"') => self.quoted("\""),
            Some(b'\'') => self.quoted("'"),
            Some(b'>') | None => {}
            Some(_) => self.skip_to(|byte| is_space(byte) || byte == b'>'),
        }
    }

    fn quoted(&mut self, quote: &str) {
        self.step(1);
        self.skip_past(quote);
    }

    /// Moves to the end tag of raw text.
    fn raw(&mut self, name: &str) {
        loop {
            self.skip_to(|byte| byte == b'<');
            if self.peek().is_none() || self.is_tag("</", name) {
                return;
            }
            self.step(1);
        }
    }

    /// Moves to the end tag of a script, which does not count inside `<!-- <script> … </script> -->`.
    fn script(&mut self, name: &str) {
        #[derive(PartialEq)]
        enum State {
            Plain,
            Escaped,
            Nested,
        }
        let mut state = State::Plain;
        loop {
            self.skip_to(|byte| matches!(byte, b'<' | b'-'));
            if self.peek().is_none() {
                return;
            }
            let is_end = self.is_tag("</", name);
            if is_end && state != State::Nested {
                return;
            }
            if is_end {
                state = State::Escaped;
            } else if state == State::Escaped && self.is_tag("<", "script") {
                state = State::Nested;
            } else if state == State::Plain && self.rest().starts_with("<!--") {
                state = State::Escaped;
                // The dashes may be those of `-->` too.
                self.step(1);
            } else if state != State::Plain && self.rest().starts_with("-->") {
                state = State::Plain;
            }
            self.step(1);
        }
    }

    fn is_tag(&self, open: &str, name: &str) -> bool {
        let Some(rest) = self.rest().strip_prefix(open) else {
            return false;
        };
        let matches_name = rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        let delimiter = rest.as_bytes().get(name.len()).copied();
        matches_name && delimiter.is_some_and(|byte| is_space(byte) || matches!(byte, b'/' | b'>'))
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0c' | b' ')
}
