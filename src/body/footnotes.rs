//! Which number each footnote has.

use std::collections::HashMap;

use crate::body::Body;
use crate::body::block::Block;
use crate::body::id::FootnoteId;

/// The numbers of a body's footnotes: 1 for the first one, whichever block holds it.
#[derive(Debug, Default)]
pub(super) struct Numbers<'a>(HashMap<&'a FootnoteId, usize>);

impl<'a> Numbers<'a> {
    pub(super) fn of(body: &'a Body) -> Self {
        let notes = body.blocks().iter().filter_map(|block| match block {
            Block::Footnotes(footnotes) => Some(&footnotes.notes),
            _ => None,
        });
        Self(notes.flatten().zip(1..).map(|(note, number)| (&note.id, number)).collect())
    }

    pub(super) fn number(&self, note: &FootnoteId) -> Option<usize> {
        self.0.get(note).copied()
    }
}
