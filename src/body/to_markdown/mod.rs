//! Writes a body as Markdown that `from_markdown` reads back into equal blocks.
//!
//! What CommonMark with GitHub's tables, strikethrough and footnotes can say is written in it, everything else in the HTML
//! of `to_html`, which Markdown may contain: pull quotes, galleries, embeds, notes, details, related articles, preformatted
//! text, quotes with a citation, pictures with a credit, tables with spans; inside a text underlined, sub- and superscript,
//! small capitals, languages and directions. Emphasis is written with asterisks only where every reader of Markdown would
//! see it.
//!
//! Start with `blocks`; `inline` writes what stands inside blocks, `delimiters` decides on the asterisks, `escape` sees to
//! it that no text becomes syntax.

mod blocks;
mod delimiters;
mod escape;
mod inline;

use std::collections::HashSet;

use crate::body::block::{Block, FootnotesBlock};
use crate::body::id::FootnoteId;
use crate::body::links::Links;
use crate::body::{Body, to_html};

impl Body {
    /// Returns the body as Markdown, with one empty line between blocks and none at the end.
    ///
    /// Links to articles by their id are written as `article:ID`, whether the article is published or not; `links` says the
    /// rest, as for `to_html`. Reading the Markdown back with `from_markdown` gives equal blocks, but for ids that clients
    /// chose and for what `links` knows. The same blocks and links give the same bytes in every process.
    pub fn to_markdown(&self, links: &impl Links) -> String {
        if let Some(notes) = markdown_notes(self) {
            let mut writer = Writer::of(self, links, true);
            let out = writer.body(self.blocks());
            if writer.numbers_notes_as(notes) {
                return out;
            }
        }
        Writer::of(self, links, false).body(self.blocks())
    }
}

/// Writes blocks.
struct Writer<'a> {
    html: to_html::Writer<'a>,
    /// Whether footnotes are written as Markdown has them; as HTML otherwise.
    has_markdown_notes: bool,
    /// The footnotes that Markdown refers to, in order, and the same as a set.
    referred: Vec<&'a FootnoteId>,
    known: HashSet<&'a FootnoteId>,
}

impl<'a> Writer<'a> {
    fn of(body: &'a Body, links: &'a dyn Links, has_markdown_notes: bool) -> Self {
        let html = to_html::Writer::of(body, links);
        Self { html, has_markdown_notes, referred: Vec::new(), known: HashSet::new() }
    }

    /// Notes that the text refers to a footnote.
    fn refer(&mut self, note: &'a FootnoteId) {
        if self.known.insert(note) {
            self.referred.push(note);
        }
    }

    /// Returns whether readers of what was written number the footnotes as the block does.
    fn numbers_notes_as(&self, block: &FootnotesBlock) -> bool {
        let rest = block.notes.iter().map(|note| &note.id).filter(|id| !self.known.contains(id));
        self.referred.iter().copied().chain(rest).eq(block.notes.iter().map(|note| &note.id))
    }
}

/// Returns the footnotes if Markdown can have them: all at the end, their names different in lower case too.
fn markdown_notes(body: &Body) -> Option<&FootnotesBlock> {
    let (last, before) = body.blocks().split_last()?;
    let Block::Footnotes(notes) = last else { return None };
    if before.iter().any(|block| matches!(block, Block::Footnotes(_))) {
        return None;
    }
    let mut names = HashSet::new();
    notes.notes.iter().all(|note| names.insert(note.id.as_str().to_ascii_lowercase())).then_some(notes)
}
