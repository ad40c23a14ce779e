//! Makes the blocks: where text goes when it ends.
//!
//! Text is collected in one `Flow` and goes, when a block starts or ends, to the innermost of: the open list's item, the
//! open quote or its citation, a heading, a paragraph. A list inside a quote and a quote inside a list are not opened;
//! their text goes to what is open.

use crate::body::block::{Block, HeadingBlock, ListBlock, ListItem, NestedList, ParagraphBlock, QuoteBlock, QuotePart};
use crate::body::flow::{Flow, Line, content};
use crate::body::id::BlockId;
use crate::body::{MAX_BLOCKS, MAX_LIST_DEPTH};

/// What text is when it is in no list.
#[derive(Debug)]
pub(super) enum Leaf {
    /// A heading of that level.
    Heading(u8),
    /// The citation of the open quote.
    Credit,
    /// The citation of a quote that has ended, whose place among the blocks is given.
    LateCredit(usize, Vec<Line>),
}

/// The blocks as they grow.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) flow: Flow,
    blocks: Vec<Block>,
    leaves: Vec<Leaf>,
    lists: Vec<ListDraft>,
    quote: Option<QuoteDraft>,
    /// For each open figure, how many blocks came before it.
    figures: Vec<usize>,
    /// The text that comes when there are too many blocks.
    overflow: Vec<Line>,
}

#[derive(Debug)]
struct ListDraft {
    ordered: bool,
    start: Option<i32>,
    /// Items of a list that was ended and goes on.
    done: Vec<ListItem>,
    items: Vec<ItemDraft>,
    is_item_open: bool,
}

#[derive(Debug, Default)]
struct ItemDraft {
    lines: Vec<Line>,
    list: Option<Box<NestedList>>,
}

#[derive(Debug, Default)]
struct QuoteDraft {
    paragraphs: Vec<Vec<Line>>,
    citation: Vec<Line>,
}

impl Draft {
    /// Ends the text that was collected and puts it where it belongs.
    pub(super) fn flush(&mut self) {
        let mut flow = std::mem::take(&mut self.flow);
        if flow.is_blank() {
            return;
        }
        if let Some(list) = self.lists.last_mut() {
            return list.add(flow.into_lines());
        }
        let is_full = self.is_full();
        match (self.leaves.last_mut(), &mut self.quote) {
            (Some(Leaf::LateCredit(_, lines)), _) => {
                flow.clear_cite();
                lines.extend(flow.into_lines());
            }
            (leaf, Some(quote)) => {
                if matches!(leaf, Some(Leaf::Credit)) || flow.is_all_cite() {
                    flow.clear_cite();
                    quote.citation.extend(flow.into_lines());
                } else {
                    quote.paragraphs.extend(flow.into_paragraphs());
                }
            }
            _ if is_full => self.overflow.extend(flow.into_lines()),
            (Some(Leaf::Heading(level)), None) => {
                let heading =
                    HeadingBlock { id: BlockId::missing(), level: *level, content: content(flow.into_lines()) };
                self.blocks.push(Block::Heading(heading));
            }
            (Some(Leaf::Credit) | None, None) => {
                self.blocks.extend(flow.into_paragraphs().into_iter().map(paragraph).map(Block::Paragraph));
            }
        }
    }

    pub(super) fn push_leaf(&mut self, leaf: Leaf) {
        self.leaves.push(leaf);
    }

    pub(super) fn pop_leaf(&mut self) {
        if let Some(Leaf::LateCredit(at, lines)) = self.leaves.pop()
            && !lines.is_empty()
            && let Some(Block::Quote(quote)) = self.blocks.get_mut(at)
        {
            quote.citation = Some(content(lines));
        }
    }

    /// Starts a list; false when its items are to go to what is open instead.
    pub(super) fn open_list(&mut self, ordered: bool, start: Option<i32>) -> bool {
        let is_possible = self.quote.is_none() && self.lists.len() < MAX_LIST_DEPTH && !self.is_full();
        if !is_possible {
            return false;
        }
        let mut done = Vec::new();
        if let Some(parent) = self.lists.last_mut() {
            // A list directly inside a list belongs to the item before it; without one its items are the parent's.
            let Some(item) = parent.items.last_mut() else {
                return false;
            };
            match item.list.take() {
                Some(list) if list.ordered == ordered => done = list.items,
                Some(list) => {
                    item.list = Some(list);
                    parent.items.push(ItemDraft::default());
                }
                None => {}
            }
        }
        let start = start.filter(|start| ordered && *start != 1);
        self.lists.push(ListDraft { ordered, start, done, items: Vec::new(), is_item_open: false });
        true
    }

    pub(super) fn close_list(&mut self) {
        let Some(list) = self.lists.pop() else { return };
        let (ordered, start) = (list.ordered, list.start);
        let items = list.into_items();
        if items.is_empty() {
            return;
        }
        match self.lists.last_mut().map(|parent| parent.items.last_mut()) {
            Some(Some(item)) => item.list = Some(Box::new(NestedList { ordered, start, items })),
            // `open_list` saw to it that there is an item.
            Some(None) => {}
            None => self.blocks.push(Block::List(ListBlock { id: BlockId::missing(), ordered, start, items })),
        }
    }

    /// Starts an item; false when no list is open.
    pub(super) fn open_item(&mut self) -> bool {
        let Some(list) = self.lists.last_mut() else {
            return false;
        };
        list.items.push(ItemDraft::default());
        list.is_item_open = true;
        true
    }

    pub(super) fn close_item(&mut self) {
        if let Some(list) = self.lists.last_mut() {
            list.is_item_open = false;
        }
    }

    /// Starts a quote; false when its text is to go to what is open instead.
    pub(super) fn open_quote(&mut self) -> bool {
        let is_possible = self.quote.is_none() && self.lists.is_empty() && !self.is_full();
        if is_possible {
            self.quote = Some(QuoteDraft::default());
        }
        is_possible
    }

    pub(super) fn close_quote(&mut self) {
        let Some(mut quote) = self.quote.take() else { return };
        if quote.paragraphs.is_empty() && !quote.citation.is_empty() {
            quote.paragraphs.push(std::mem::take(&mut quote.citation));
        }
        if quote.paragraphs.is_empty() {
            return;
        }
        let parts = quote.paragraphs.into_iter().map(paragraph).map(QuotePart::Paragraph);
        self.blocks.push(Block::Quote(QuoteBlock {
            id: BlockId::missing(),
            content: parts.collect(),
            citation: (!quote.citation.is_empty()).then(|| content(quote.citation)),
        }));
    }

    pub(super) fn is_in_quote(&self) -> bool {
        self.quote.is_some()
    }

    pub(super) fn open_figure(&mut self) {
        self.figures.push(self.blocks.len());
    }

    pub(super) fn close_figure(&mut self) {
        self.figures.pop();
    }

    /// Returns the place of the quote that a figure's caption belongs to, if the figure holds nothing else.
    pub(super) fn captioned_quote(&self) -> Option<usize> {
        let at = *self.figures.last()?;
        let is_uncited = |block: &Block| matches!(block, Block::Quote(quote) if quote.citation.is_none());
        let is_alone = self.blocks.len() == at.saturating_add(1) && self.lists.is_empty();
        (is_alone && self.blocks.last().is_some_and(is_uncited)).then_some(at)
    }

    /// Returns whether there are more blocks than can be kept, so that it is pointless to make others.
    fn is_full(&self) -> bool {
        self.blocks.len() > MAX_BLOCKS
    }

    /// Returns the blocks, and whether the last ones had to be joined.
    pub(super) fn finish(mut self) -> (Vec<Block>, bool) {
        self.flush();
        let n_kept = n_kept(&self.blocks);
        let is_merged = n_kept < self.blocks.len();
        if is_merged {
            let tail = self.blocks.split_off(n_kept);
            let mut lines = lines_of(&tail);
            lines.append(&mut self.overflow);
            self.blocks.push(Block::Paragraph(paragraph(lines)));
        }
        (self.blocks, is_merged)
    }
}

impl ListDraft {
    fn add(&mut self, lines: Vec<Line>) {
        match self.items.last_mut() {
            Some(item) if self.is_item_open && item.list.is_none() => item.lines.extend(lines),
            // Text outside items, or behind the list inside an item: its place in the order counts more.
            _ => self.items.push(ItemDraft { lines, list: None }),
        }
    }

    fn into_items(self) -> Vec<ListItem> {
        let new = self.items.into_iter().map(|item| ListItem { content: content(item.lines), list: item.list });
        let is_filled = |item: &ListItem| !item.content.is_empty() || item.list.is_some();
        self.done.into_iter().chain(new.filter(is_filled)).collect()
    }
}

fn paragraph(lines: Vec<Line>) -> ParagraphBlock {
    ParagraphBlock { id: BlockId::missing(), content: content(lines) }
}

/// Returns how many blocks stay as they are: all, or so many that the rest can be one paragraph.
fn n_kept(blocks: &[Block]) -> usize {
    let mut n_total = 0_usize;
    let mut n_kept = 0_usize;
    for block in blocks {
        let n_parts = match block {
            Block::Quote(quote) => quote.content.len().saturating_add(1),
            _ => 1,
        };
        n_total = n_total.saturating_add(n_parts);
        if n_total < MAX_BLOCKS {
            n_kept = n_kept.saturating_add(1);
        }
    }
    if n_total <= MAX_BLOCKS { blocks.len() } else { n_kept }
}

/// Returns the text of blocks, a line each.
fn lines_of(blocks: &[Block]) -> Vec<Line> {
    let mut flow = Flow::default();
    for block in blocks {
        block.view().visit_contents(&mut |content| flow.push_content(content));
    }
    flow.into_lines()
}
