//! Writes single blocks and references for `to_markdown`, which has no syntax of its own for them.

use crate::body::Body;
use crate::body::block::BlockView;
use crate::body::footnotes::Numbers;
use crate::body::href::Href;
use crate::body::id::FootnoteId;
use crate::body::links::Links;
use crate::body::to_html::Writer;

impl<'a> Writer<'a> {
    pub(in crate::body) fn of(body: &'a Body, links: &'a dyn Links) -> Self {
        Self { out: String::new(), links, numbers: Numbers::of(body) }
    }

    /// Returns one block, exactly as it stands in the whole.
    pub(in crate::body) fn single(&mut self, block: BlockView<'a>) -> String {
        self.block(block);
        std::mem::take(&mut self.out)
    }

    /// Returns a reference to a footnote.
    pub(in crate::body) fn single_ref(&mut self, note: &FootnoteId) -> String {
        self.footnote_ref(note);
        std::mem::take(&mut self.out)
    }

    /// Returns a link's address.
    pub(in crate::body) fn single_address(&self, href: &Href) -> String {
        self.address(href)
    }
}
