//! Makes the blocks: where text and blocks go when they end.
//!
//! Text is collected in one `Flow` and goes, when a block starts or ends, to the innermost open context: a list's item, a
//! caption, a quote, a cell, the body. Blocks that cannot stand where they are found end what is open around them, and it
//! goes on behind them: a picture between two items makes two lists. The stack of contexts is bounded, because each kind
//! opens only where it may stand and only so deep; so looking through it takes constant time.

mod context;
mod figure;
mod finish;
mod notes;
mod open;
mod table;

use std::collections::{HashMap, HashSet};

use crate::body::block::{Block, HeadingBlock, MAX_ITEMS, NestedList, ParagraphBlock};
use crate::body::content::content;
use crate::body::flow::{Flow, Line, append_lines};
use crate::body::from_html::draft::context::Context;
use crate::body::from_html::draft::finish::{fits_details, note_block, paragraph, quote_block};
use crate::body::id::{BlockId, FootnoteId};
use crate::body::inline::Inline;

pub(super) use context::{CellDraft, FigureKind};
pub(super) use notes::Label;
pub(super) use table::CELL_SEPARATOR;

/// The blocks as they grow.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) flow: Flow,
    blocks: Vec<Block>,
    stack: Vec<Context>,
    n_blocks: usize,
    /// The text that comes when there are too many blocks.
    overflow: Vec<Line>,
    notes: HashSet<FootnoteId>,
    labels: HashMap<FootnoteId, Label>,
    is_table_simplified: bool,
}

/// Where a block may go that is not a paragraph or a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Into that context, or the body.
    Here(Option<usize>),
    /// Behind the lists that end at that place in the stack.
    List(usize),
    /// Behind the quote or note at that place in the stack.
    Split(usize),
    /// Nowhere.
    None,
}

impl Draft {
    /// Ends the text that was collected and puts it where it belongs.
    pub(super) fn flush(&mut self) {
        let flow = std::mem::take(&mut self.flow);
        if flow.is_blank() {
            return;
        }
        let top = self.base();
        let is_full = self.is_full();
        let Some(context) = top.and_then(|at| self.stack.get_mut(at)) else {
            return self.flush_to_body(flow);
        };
        match context {
            Context::List(list) => list.add(flow.into_lines(), MAX_ITEMS),
            Context::Preformatted(block) => block.paragraphs.extend(flow.into_paragraphs()),
            Context::Footnote(_, lines) => lines.extend(flow.into_lines()),
            Context::TableCaption | Context::Citation | Context::Summary | Context::Caption | Context::Credit => {
                self.flush_to_leaf(flow);
            }
            _ if is_full => append_lines(&mut self.overflow, flow.into_lines()),
            Context::Heading(level) => {
                let level = *level;
                let content = content(flow.into_lines());
                self.put_heading(level, content);
            }
            Context::Quote(quote) if flow.is_all_cite() => {
                let mut flow = flow;
                flow.clear_cite();
                quote.citation.extend(flow.into_lines());
            }
            Context::Figure(figure) if figure.kind.is_embed => figure.lines.extend(flow.into_lines()),
            Context::Figure(figure) => {
                let _at = figure.caption_at.get_or_insert(usize::MAX);
                figure.caption.extend(flow.into_lines());
            }
            Context::Cell(CellDraft { lines: Some(lines), blocks, .. }) if blocks.is_empty() => {
                lines.extend(flow.into_lines());
            }
            Context::Footnotes(_) => self.stray_note(flow),
            Context::Table(_) => self.stray_cell(flow),
            Context::Quote(_) | Context::Note(..) | Context::Details(_) | Context::Cell(_) => {
                self.put_paragraphs(flow.into_paragraphs());
            }
        }
    }

    fn flush_to_body(&mut self, flow: Flow) {
        if self.is_full() {
            return append_lines(&mut self.overflow, flow.into_lines());
        }
        self.put_paragraphs(flow.into_paragraphs());
    }

    fn flush_to_leaf(&mut self, mut flow: Flow) {
        let at = self.stack.len().saturating_sub(2);
        let leaf = self.stack.last().map(std::mem::discriminant);
        let is = |context: Context| leaf == Some(std::mem::discriminant(&context));
        let (is_credit, is_caption) = (is(Context::Credit), is(Context::Caption));
        let at = if is_credit { at.saturating_sub(1) } else { at };
        match self.stack.get_mut(at) {
            Some(Context::Quote(quote)) => {
                flow.clear_cite();
                quote.citation.extend(flow.into_lines());
            }
            Some(Context::Details(details)) => details.summary.extend(flow.into_lines()),
            Some(Context::Table(table)) => table.caption.extend(flow.into_lines()),
            Some(Context::Figure(figure)) if is_credit => figure.credit.extend(flow.into_lines()),
            Some(Context::Figure(figure)) if is_caption => {
                flow.clear_cite();
                figure.caption.extend(flow.into_lines());
            }
            _ => self.put_paragraphs(flow.into_paragraphs()),
        }
    }

    /// Returns the place of the innermost context that takes text, looking through figures and suspended lists.
    fn base(&self) -> Option<usize> {
        self.stack.iter().rposition(|context| match context {
            Context::Figure(figure) => figure.kind.is_embed || figure.kind.is_shortcode,
            Context::List(list) => !list.is_suspended,
            _ => true,
        })
    }

    /// Returns the place of the innermost context that holds blocks; nothing for the body.
    fn container(&self, below: usize) -> Option<usize> {
        self.stack.iter().take(below).rposition(|context| {
            matches!(context, Context::Quote(_) | Context::Note(..) | Context::Details(_) | Context::Cell(_))
        })
    }

    fn blocks_of(&mut self, container: Option<usize>) -> &mut Vec<Block> {
        match container.and_then(|at| self.stack.get_mut(at)) {
            Some(Context::Quote(quote)) => &mut quote.parts,
            Some(Context::Note(_, parts)) => parts,
            Some(Context::Details(details)) => &mut details.parts,
            Some(Context::Cell(cell)) => &mut cell.blocks,
            _ => &mut self.blocks,
        }
    }

    fn put_paragraphs(&mut self, paragraphs: Vec<Vec<Line>>) {
        let container = self.container(self.stack.len());
        // The paragraphs of a cell become its lines.
        if !matches!(container.and_then(|at| self.stack.get(at)), Some(Context::Cell(_))) {
            self.n_blocks = self.n_blocks.saturating_add(paragraphs.len());
        }
        let blocks = self.blocks_of(container);
        if blocks.is_empty() {
            // Most cells hold one paragraph, and there may be many cells.
            blocks.reserve_exact(paragraphs.len());
        }
        blocks.extend(paragraphs.into_iter().map(paragraph).map(Block::Paragraph));
    }

    /// A quote or note has no headings.
    fn put_heading(&mut self, level: u8, content: Vec<Inline>) {
        let container = self.container(self.stack.len());
        let id = BlockId::missing();
        let is_text_only =
            matches!(container.and_then(|at| self.stack.get(at)), Some(Context::Quote(_) | Context::Note(..)));
        let block = if is_text_only {
            Block::Paragraph(ParagraphBlock { id, content })
        } else {
            Block::Heading(HeadingBlock { id, level, content })
        };
        self.put(container, block);
    }

    fn put(&mut self, container: Option<usize>, block: Block) {
        self.n_blocks = self.n_blocks.saturating_add(1);
        self.blocks_of(container).push(block);
    }

    fn place(&self) -> Place {
        for (at, context) in self.stack.iter().enumerate().rev() {
            match context {
                Context::Figure(_) | Context::Heading(_) | Context::Caption | Context::Summary | Context::Credit => {}
                Context::List(list) if list.is_suspended => {}
                Context::List(_) => return Place::List(at),
                Context::Quote(quote) if quote.social.is_some() => return Place::None,
                Context::Quote(_) | Context::Note(..) => return Place::Split(at),
                Context::Details(_) | Context::Cell(_) => return Place::Here(Some(at)),
                _ => return Place::None,
            }
        }
        Place::Here(None)
    }

    /// Returns whether a block that is not a paragraph or a list can be put now.
    pub(super) fn takes_blocks(&self) -> bool {
        self.place() != Place::None && !self.is_full()
    }

    /// Puts a block where it was found, or as near as its kind may stand; false if there is no place for it.
    pub(super) fn push_block(&mut self, block: Block) -> bool {
        self.flush();
        if self.is_full() {
            return false;
        }
        match self.place() {
            Place::None => return false,
            Place::Here(container) => return self.put_in(container, block),
            Place::List(at) => self.suspend_lists(at),
            Place::Split(at) => {
                let parent = self.split(at);
                return self.put_in(parent, block);
            }
        }
        // Behind the lists there is another place.
        self.push_block(block)
    }

    fn put_in(&mut self, container: Option<usize>, block: Block) -> bool {
        let is_details = matches!(container.and_then(|at| self.stack.get(at)), Some(Context::Details(_)));
        if is_details && !fits_details(&block) {
            return false;
        }
        self.put(container, block);
        true
    }

    /// Ends the lists that would take a block that now comes, which they cannot hold.
    fn leave_lists(&mut self) {
        if let Place::List(at) = self.place() {
            self.flush();
            self.suspend_lists(at);
        }
    }

    /// Ends the lists up to that place in the stack, so that a block can follow.
    fn suspend_lists(&mut self, last: usize) {
        let is_active = |context: Option<&Context>| matches!(context, Some(Context::List(list)) if !list.is_suspended);
        let mut at = last;
        loop {
            let (n_items, list) = match self.stack.get_mut(at) {
                Some(Context::List(list)) => {
                    let items = list.take_items();
                    (items.len(), NestedList { ordered: list.ordered, start: list.start, items })
                }
                _ => return,
            };
            self.end_list(at, list);
            if let Some(Context::List(list)) = self.stack.get_mut(at) {
                list.suspend(n_items);
            }
            match at.checked_sub(1) {
                Some(below) if is_active(self.stack.get(below)) => at = below,
                _ => break,
            }
        }
        self.rebase_figures(last);
    }

    /// Ends a quote or a note, so that a block can follow; it goes on behind the block. Returns where the block goes.
    fn split(&mut self, at: usize) -> Option<usize> {
        let block = match self.stack.get_mut(at) {
            Some(Context::Quote(quote)) => quote_block(std::mem::take(quote)),
            Some(Context::Note(kind, parts)) => note_block(*kind, std::mem::take(parts)),
            _ => None,
        };
        let parent = self.container(at);
        if let Some(block) = block {
            self.put(parent, block);
        }
        self.rebase_figures(at);
        parent
    }

    pub(super) fn open_heading(&mut self, level: u8) -> bool {
        let is_possible = self.is_in_container();
        if is_possible {
            self.stack.push(Context::Heading(level));
        }
        is_possible
    }

    /// Returns whether text goes to the caption of a figure.
    pub(super) fn is_in_caption(&self) -> bool {
        matches!(self.stack.last(), Some(Context::Caption))
    }

    /// Returns whether a table is open and no cell in it.
    pub(super) fn is_in_table(&self) -> bool {
        matches!(self.stack.last(), Some(Context::Table(_)))
    }

    /// Returns whether the innermost context holds blocks.
    fn is_in_container(&self) -> bool {
        match self.base().and_then(|at| self.stack.get(at)) {
            None => true,
            Some(context) => {
                matches!(context, Context::Quote(_) | Context::Note(..) | Context::Details(_) | Context::Cell(_))
            }
        }
    }
}
