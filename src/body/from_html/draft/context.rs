//! What can be open while blocks are made.

use crate::body::block::{Block, Footnote, ListItem, NestedList, NoteKind};
use crate::body::content::content;
use crate::body::flow::{Flow, Line, append_lines};
use crate::body::href::Href;
use crate::body::id::FootnoteId;

/// Something open that takes text or blocks. The innermost one does.
#[derive(Debug)]
pub(super) enum Context {
    List(ListDraft),
    /// A heading of that level.
    Heading(u8),
    Quote(QuoteDraft),
    /// The citation of the open quote.
    Citation,
    Note(NoteKind, Vec<Block>),
    Details(DetailsDraft),
    /// The summary of the open details.
    Summary,
    Figure(FigureDraft),
    /// The caption of the open figure.
    Caption,
    /// The credit in the caption of the open figure.
    Credit,
    Table(TableDraft),
    /// The caption of the open table.
    TableCaption,
    Cell(CellDraft),
    Footnotes(Vec<Footnote>),
    /// A footnote.
    Footnote(FootnoteId, Vec<Line>),
    Preformatted(PreformattedDraft),
}

#[derive(Debug)]
pub(super) struct ListDraft {
    pub(super) ordered: bool,
    pub(super) start: Option<i32>,
    /// Items of a list that was ended and goes on.
    pub(super) done: Vec<ListItem>,
    pub(super) items: Vec<ItemDraft>,
    pub(super) is_item_open: bool,
    /// Whether a block that cannot stand in a list has ended it; the next item starts it again.
    pub(super) is_suspended: bool,
    /// Whether paragraphs are its items, which end it by not being followed by another.
    pub(super) is_word: bool,
    /// How much deeper its items may go.
    pub(super) max_indent: usize,
}

#[derive(Debug, Default)]
pub(super) struct ItemDraft {
    pub(super) lines: Vec<Line>,
    pub(super) list: Option<Box<NestedList>>,
    /// How much deeper than the list it stands, and whether it is numbered there, as Quill has it.
    pub(super) indent: usize,
    pub(super) ordered: bool,
}

impl ListDraft {
    pub(super) fn new(ordered: bool, start: Option<i32>, done: Vec<ListItem>) -> Self {
        let start = start.filter(|start| ordered && *start != 1);
        Self {
            ordered,
            start,
            done,
            items: Vec::new(),
            is_item_open: false,
            is_suspended: false,
            is_word: false,
            max_indent: 0,
        }
    }

    pub(super) fn add(&mut self, lines: Vec<Line>, max_items: usize) {
        let is_full = self.is_full(max_items);
        match self.items.last_mut() {
            Some(item) if (self.is_item_open && item.list.is_none()) || is_full => {
                append_lines(&mut item.lines, lines);
            }
            // Text outside items, or behind the list inside an item: its place in the order counts more.
            _ => self.items.push(ItemDraft { lines, ..ItemDraft::default() }),
        }
    }

    pub(super) fn is_full(&self, max_items: usize) -> bool {
        self.done.len().saturating_add(self.items.len()) >= max_items
    }

    /// Takes the items out, and leaves the list so that it can go on with the next number.
    pub(super) fn take_items(&mut self) -> Vec<ListItem> {
        let new = std::mem::take(&mut self.items);
        let is_flat = new.iter().all(|item| item.indent == 0) || new.iter().any(|item| item.list.is_some());
        let made = |item: ItemDraft| {
            let indent = if is_flat { 0 } else { item.indent.min(self.max_indent) };
            (indent, item.ordered, ListItem { content: content(item.lines), list: item.list })
        };
        let is_filled = |(_, _, item): &(usize, bool, ListItem)| !item.content.is_empty() || item.list.is_some();
        let mut items = std::mem::take(&mut self.done);
        items.extend(nested(new.into_iter().map(made).filter(is_filled)));
        items
    }

    pub(super) fn suspend(&mut self, n_items: usize) {
        let next = i32::try_from(n_items).unwrap_or(i32::MAX).saturating_add(self.start.unwrap_or(1));
        self.start = Some(next).filter(|next| self.ordered && *next != 1);
        self.is_item_open = false;
        self.is_suspended = true;
    }
}

/// Puts items that stand deeper into lists of the items before them; each goes at most one deeper than the one before.
fn nested(items: impl Iterator<Item = (usize, bool, ListItem)>) -> Vec<ListItem> {
    let mut top: Vec<ListItem> = Vec::new();
    let mut inner: Vec<NestedList> = Vec::new();
    for (indent, ordered, item) in items {
        let indent = if top.is_empty() { 0 } else { indent.min(inner.len().saturating_add(1)) };
        fold(&mut top, &mut inner, indent);
        if indent > inner.len() {
            inner.push(NestedList { ordered, start: None, items: Vec::new() });
        }
        inner.last_mut().map_or(&mut top, |list| &mut list.items).push(item);
    }
    fold(&mut top, &mut inner, 0);
    top
}

/// Ends the innermost lists until so many are left.
fn fold(top: &mut [ListItem], inner: &mut Vec<NestedList>, n_left: usize) {
    while inner.len() > n_left
        && let Some(list) = inner.pop()
    {
        let items = inner.last_mut().map_or(&mut *top, |parent| &mut parent.items);
        if let Some(item) = items.last_mut() {
            item.list = Some(Box::new(list));
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct QuoteDraft {
    pub(super) parts: Vec<Block>,
    pub(super) citation: Vec<Line>,
    /// Whether it is one of the quotes by which social networks are embedded, and the address that it names.
    pub(super) social: Option<Option<Href>>,
}

#[derive(Debug, Default)]
pub(super) struct DetailsDraft {
    pub(super) summary: Vec<Line>,
    pub(super) parts: Vec<Block>,
}

/// What a figure says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::body::from_html) struct FigureKind {
    pub(in crate::body::from_html) is_gallery: bool,
    pub(in crate::body::from_html) is_pull_quote: bool,
    /// Its text is the address of an embed.
    pub(in crate::body::from_html) is_embed: bool,
    /// All its text is the caption.
    pub(in crate::body::from_html) is_shortcode: bool,
}

#[derive(Debug, Default)]
pub(super) struct FigureDraft {
    pub(super) kind: FigureKind,
    /// Where the blocks go that the figure holds: the place of a context, or nothing for the body.
    pub(super) container: Option<usize>,
    /// How many blocks were there before the figure.
    pub(super) start: usize,
    /// How many blocks were there when the caption began.
    pub(super) caption_at: Option<usize>,
    pub(super) caption: Vec<Line>,
    pub(super) credit: Vec<Line>,
    /// The text of an embed.
    pub(super) lines: Vec<Line>,
}

#[derive(Debug, Default)]
pub(super) struct TableDraft {
    pub(super) rows: Vec<RowDraft>,
    pub(super) caption: Vec<Line>,
    /// Whether it only arranges things on a page.
    pub(super) is_layout: bool,
    pub(super) has_head: bool,
    /// Whether an ended row must not be added to.
    pub(super) is_row_open: bool,
    /// What the rows became, once there were too many of them or of the cells in one; `rows` is empty then.
    pub(super) flat: Option<FlatDraft>,
}

/// The blocks that a table becomes which is too large to be one.
#[derive(Debug, Default)]
pub(super) struct FlatDraft {
    pub(super) blocks: Vec<Block>,
    /// The cells of the open row, as long as they are text.
    pub(super) row: Flow,
}

#[derive(Debug, Default)]
pub(super) struct RowDraft {
    pub(super) is_head: bool,
    pub(super) cells: Vec<CellDraft>,
}

#[derive(Debug, Default)]
pub(in crate::body::from_html) struct CellDraft {
    pub(in crate::body::from_html) is_header: bool,
    /// Whether it is the header of its row.
    pub(in crate::body::from_html) is_row_header: bool,
    pub(in crate::body::from_html) column_span: u32,
    pub(in crate::body::from_html) row_span: u32,
    pub(in crate::body::from_html) blocks: Vec<Block>,
    /// The text before the blocks, if it need not become blocks.
    pub(in crate::body::from_html) lines: Option<Vec<Line>>,
}

#[derive(Debug, Default)]
pub(super) struct PreformattedDraft {
    pub(super) text: String,
    pub(super) paragraphs: Vec<Vec<Line>>,
    pub(super) is_code: bool,
    pub(super) language: Option<String>,
    /// Whether it holds a link, which code cannot.
    pub(super) has_link: bool,
}
