//! The reader for those who know which elements they mean, without HTML.

use std::borrow::Cow;

use crate::body::from_html::FromHtml;
use crate::body::from_html::reader::{Reader, Unclosed};
use crate::body::from_html::tokens::{Key, Sink, Tag};

/// Reads elements as `Body::from_html` reads their tags. Each that has an end must be ended.
pub(in crate::body) struct Direct(Reader);

impl Direct {
    /// Starts a text of so many bytes.
    pub(in crate::body) fn new(n_bytes: usize) -> Self {
        Self(Reader::new(Unclosed::Dropped, false, n_bytes))
    }

    /// Starts an element.
    pub(in crate::body) fn start(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        let attributes = attributes.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Borrowed(*value))).collect();
        self.0.start(&Tag { attributes, ..tag(name) });
    }

    /// Ends an element.
    pub(in crate::body) fn end(&mut self, name: &'static str) {
        self.0.end(&tag(name));
    }

    /// Adds text; what stands between two tags must come as a whole.
    pub(in crate::body) fn text(&mut self, text: &str) {
        self.0.text(text);
    }

    /// Returns whether there are more blocks than can be kept, so that more of them are lines of one paragraph.
    pub(in crate::body) fn is_full(&self) -> bool {
        self.0.draft.is_full()
    }

    /// Returns whether a list is open that takes no more items, so that more of them are lines of its last one.
    pub(in crate::body) fn has_full_list(&self) -> bool {
        self.0.draft.has_full_list()
    }

    /// Ends the text of the open block.
    pub(in crate::body) fn end_block(&mut self) {
        self.0.flush();
    }

    /// Returns the body.
    pub(in crate::body) fn finish(self) -> FromHtml {
        self.0.finish()
    }
}

fn tag<'a>(name: &'static str) -> Tag<'a> {
    Tag { name: Cow::Borrowed(name), key: Key::of(name), attributes: Vec::new(), is_self_closing: false }
}
