//! Which number each footnote has, and what its text cannot have.

use std::collections::HashMap;

use crate::body::Body;
use crate::body::block::Block;
use crate::body::flow::{Line, To};
use crate::body::href::Href;
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

/// Returns whether the target of a link in a footnote is where the text refers to it.
pub(super) fn leads_back(target: &str) -> bool {
    let target = target.strip_prefix("user-content-").unwrap_or(target);
    target.starts_with("fnref") || target.ends_with("-link")
}

/// Takes the links off a footnote's text that lead back: whoever reads HTML drops them.
pub(super) fn unlink_back(lines: &mut [Line]) {
    let is_back = |href: &Href| href.as_str().strip_prefix('#').is_some_and(leads_back);
    for run in lines.iter_mut().flatten() {
        if run.link.as_ref().is_some_and(|link| matches!(&link.to, To::Href(href) if is_back(href))) {
            run.link = None;
        }
    }
}
