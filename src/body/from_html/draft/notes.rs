//! Footnotes, and the references to them, which may come before.

use std::rc::Rc;

use crate::body::block::{Block, Footnote, FootnotesBlock, MAX_FOOTNOTES, contents_mut};
use crate::body::content::content;
use crate::body::flow::{Flow, Line, Look, Marks, Target, To};
use crate::body::footnotes::unlink_back;
use crate::body::from_html::draft::Draft;
use crate::body::from_html::draft::context::Context;
use crate::body::href::Href;
use crate::body::id::{BlockId, FootnoteId};
use crate::body::inline::{Inline, Mark};

/// What a reference to a footnote shows, for the case that there is no such note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::body::from_html) struct Label {
    pub(in crate::body::from_html) text: String,
    pub(in crate::body::from_html) href: Option<Href>,
}

impl Draft {
    /// Starts footnotes; false if they are a list like others.
    pub(in crate::body::from_html) fn open_footnotes(&mut self) -> bool {
        let is_possible = !self.is_full() && self.base().is_none();
        if is_possible {
            self.stack.push(Context::Footnotes(Vec::new()));
        }
        is_possible
    }

    /// Starts a footnote; false if no footnotes are open.
    pub(in crate::body::from_html) fn open_footnote(&mut self, id: Option<FootnoteId>) -> bool {
        let Some(Context::Footnotes(notes)) = self.stack.last() else {
            return false;
        };
        if notes.len() >= MAX_FOOTNOTES {
            return false;
        }
        let stem = id.unwrap_or_else(|| self.free_id("note"));
        let id = if self.notes.contains(&stem) { self.free_id("note") } else { stem };
        self.notes.insert(id.clone());
        self.stack.push(Context::Footnote(id, Vec::new()));
        true
    }

    /// Returns whether a footnote is open.
    pub(in crate::body::from_html) fn is_in_footnote(&self) -> bool {
        matches!(self.stack.last(), Some(Context::Footnote(..)))
    }

    fn free_id(&self, stem: &str) -> FootnoteId {
        // Among so many numbers one is free.
        let ids = (self.notes.len()..).map(|n| format!("{stem}-{n}"));
        let free = ids.filter_map(|id| FootnoteId::parse(&id)).find(|id| !self.notes.contains(id));
        free.unwrap_or_else(FootnoteId::fallback)
    }

    pub(in crate::body::from_html) fn push_note(&mut self, id: FootnoteId, label: Label) {
        self.labels.entry(id.clone()).or_insert(label);
        self.flow.push_note(id);
    }

    pub(super) fn close_footnote(&mut self, id: FootnoteId, mut lines: Vec<Line>) {
        unlink_back(&mut lines);
        let content = content(lines);
        match self.stack.last_mut() {
            Some(Context::Footnotes(notes)) if !content.is_empty() => notes.push(Footnote { id, content }),
            _ => {
                self.notes.remove(&id);
            }
        }
    }

    pub(super) fn close_footnotes(&mut self, notes: Vec<Footnote>) {
        if !notes.is_empty() {
            self.put_if(Some(Block::Footnotes(FootnotesBlock { id: BlockId::missing(), notes })));
        }
    }

    /// Takes text between footnotes: before the first it stands before all, later it is a note of its own.
    pub(super) fn stray_note(&mut self, flow: Flow) {
        let is_note = matches!(self.stack.last(), Some(Context::Footnotes(notes)) if !notes.is_empty());
        if is_note && self.open_footnote(None) {
            if let Some(Context::Footnote(_, lines)) = self.stack.last_mut() {
                lines.extend(flow.into_lines());
            }
            return self.close();
        }
        self.put_paragraphs(flow.into_paragraphs());
    }

    /// Turns references to footnotes that do not exist into the text that they show.
    pub(super) fn settle_notes(&mut self) {
        let notes = self.blocks.iter().filter_map(|block| match block {
            Block::Footnotes(footnotes) => Some(&footnotes.notes),
            _ => None,
        });
        let notes: std::collections::HashSet<FootnoteId> = notes.flatten().map(|note| note.id.clone()).collect();
        let labels = &self.labels;
        let is_dangling = |inline: &Inline| matches!(inline, Inline::FootnoteRef(to) if !notes.contains(&to.note));
        for block in &mut self.blocks {
            let is_footnotes = matches!(block, Block::Footnotes(_));
            contents_mut(block, &mut |inlines| {
                if inlines.iter().any(is_dangling) {
                    let mut flow = Flow::default();
                    for inline in std::mem::take(inlines) {
                        match &inline {
                            Inline::FootnoteRef(to) if is_dangling(&inline) => {
                                push_label(&mut flow, labels.get(&to.note));
                            }
                            _ => flow.push_inline(&inline),
                        }
                    }
                    let mut lines = flow.into_lines();
                    if is_footnotes {
                        unlink_back(&mut lines);
                    }
                    *inlines = content(lines);
                }
            });
        }
    }
}

fn push_label(flow: &mut Flow, label: Option<&Label>) {
    let look: Look = Marks::default().with(Mark::Sup).into();
    let link = label
        .and_then(|label| label.href.clone())
        .map(|href| Rc::new(Target { to: To::Href(href), title: None, rel: Vec::new() }));
    let text = label.map(|label| label.text.trim()).filter(|text| !text.is_empty()).unwrap_or("*");
    flow.push_text(text, &look, link.as_ref());
}
