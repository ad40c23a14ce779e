//! Takes HTML apart into text, start tags and end tags, exactly as the HTML standard's tokenizer does.
//!
//! html5ever's tokenizer would do, but for its price: it handles one character at a time, allocates for every tag and
//! every reference, and compares every attribute of a tag with all others. This one cuts slices out of the input, and
//! takes the same short time for whatever comes. A property test and a fuzz target hold it against html5ever's.
//!
//! What nobody asks for is not made: comments, doctypes and processing instructions are skipped, end tags have no
//! attributes, and of the attributes of a tag the first `MAX_ATTRIBUTES` are kept. Text comes in one piece as long as no
//! tag or comment stands in it.

mod key;
mod reference;
mod tag;
mod text;

use std::ops::Range;

use crate::body::from_html::elements::{Content, RawKind, content};

pub(super) use key::Key;
#[cfg(any(test, fuzzing))]
pub(in crate::body) use tag::MAX_ATTRIBUTES;
pub(in crate::body) use tag::{Tag, attribute};

/// Takes what the tokenizer finds.
pub(in crate::body) trait Sink {
    /// Takes text, with references decoded.
    fn text(&mut self, text: &str);

    /// Takes a start tag.
    fn start(&mut self, tag: &Tag<'_>);

    /// Takes an end tag.
    fn end(&mut self, tag: &Tag<'_>);
}

/// Reads HTML; all of it, so that a tag that is not ended is none.
pub(in crate::body) fn read<S: Sink>(html: &str, sink: &mut S) {
    let html = html.strip_prefix('\u{feff}').unwrap_or(html);
    let mut tokenizer = Tokenizer { html, at: 0, run: 0..0, decoded: String::new(), tag: Tag::default(), sink };
    tokenizer.data();
    tokenizer.flush();
}

struct Tokenizer<'a, 's, S> {
    html: &'a str,
    at: usize,
    /// Where the text stands that comes next, if nothing in it had to be decoded.
    run: Range<usize>,
    /// That text, if something had.
    decoded: String,
    /// The last tag; kept for the room in it.
    tag: Tag<'a>,
    sink: &'s mut S,
}

impl<'a, S: Sink> Tokenizer<'a, '_, S> {
    fn rest(&self) -> &'a str {
        self.html.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.html.as_bytes().get(self.at).copied()
    }

    fn peek_at(&self, n: usize) -> Option<u8> {
        self.html.as_bytes().get(self.at.saturating_add(n)).copied()
    }

    /// Moves on to the next byte that satisfies the condition, which only ASCII may, or to the end.
    fn skip_to(&mut self, is_wanted: impl Fn(u8) -> bool) {
        let rest = self.html.as_bytes().get(self.at..).unwrap_or_default();
        let n_skipped = rest.iter().position(|byte| is_wanted(*byte)).unwrap_or(rest.len());
        self.at = self.at.saturating_add(n_skipped);
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
            let start = self.at;
            self.skip_to(|byte| matches!(byte, b'<' | b'&' | b'\r' | 0));
            self.push_run(start..self.at);
            match self.peek() {
                None => return,
                Some(b'<') => self.markup(),
                Some(b'&') => self.push_reference(),
                Some(b'\r') => self.push_line_end(),
                // Browsers drop it.
                Some(_) => self.step(1),
            }
        }
    }

    /// Reads what begins with `<`, or takes it as text.
    fn markup(&mut self) {
        match (self.peek_at(1), self.peek_at(2)) {
            (Some(byte), _) if byte.is_ascii_alphabetic() => {
                self.flush();
                self.step(1);
                self.start_tag();
            }
            (Some(b'/'), Some(byte)) if byte.is_ascii_alphabetic() => {
                self.flush();
                self.step(2);
                self.end_tag();
            }
            // An end tag without a name is a comment, or nothing.
            (Some(b'/'), Some(_)) => {
                self.flush();
                self.step(2);
                self.skip_past(">");
            }
            (Some(b'!'), _) if self.rest().starts_with("<!--") => {
                self.flush();
                self.comment();
            }
            (Some(b'!' | b'?'), _) => {
                self.flush();
                self.skip_past(">");
            }
            _ => {
                self.push_run(self.at..self.at.saturating_add(1));
                self.step(1);
            }
        }
    }

    fn comment(&mut self) {
        self.step("<!--".len());
        let rest = self.rest();
        if rest.starts_with('>') || rest.starts_with("->") {
            return self.skip_past(">");
        }
        loop {
            self.skip_past("--");
            let rest = self.rest();
            if rest.is_empty() {
                return;
            }
            if rest.starts_with('>') || rest.starts_with("!>") {
                return self.skip_past(">");
            }
            // The second dash may be the first of the pair that ends the comment.
            self.at = self.at.saturating_sub(1);
        }
    }

    fn end_tag(&mut self) {
        if self.tag(false) {
            self.sink.end(&self.tag);
        }
    }

    fn start_tag(&mut self) {
        if !self.tag(true) {
            return;
        }
        self.sink.start(&self.tag);
        let Some(content) = content(&self.tag.name) else { return };
        let name = self.tag.name.clone();
        let start = self.at;
        match content {
            Content::ToTheEnd => self.at = self.html.len(),
            Content::Raw(RawKind::Script) => self.script(&name),
            Content::Raw(_) => self.raw(&name),
        }
        self.push_raw(start..self.at, content == Content::Raw(RawKind::Rcdata));
        self.flush();
        if self.peek().is_some() {
            self.step(2);
            self.end_tag();
        }
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
