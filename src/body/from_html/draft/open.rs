//! Opening and closing contexts.

use crate::body::MAX_LIST_DEPTH;
use crate::body::block::{Block, CodeBlock, ListBlock, MAX_ITEMS, NestedList, NoteKind, PreformattedBlock};
use crate::body::code::{normal_code, normal_language};
use crate::body::content::content;
use crate::body::from_html::draft::Draft;
use crate::body::from_html::draft::context::{
    Context, DetailsDraft, ItemDraft, ListDraft, PreformattedDraft, QuoteDraft,
};
use crate::body::from_html::draft::finish::{details_block, note_block, paragraph, quote_block};
use crate::body::href::Href;
use crate::body::id::BlockId;

impl Draft {
    fn base_context(&mut self) -> Option<&mut Context> {
        let at = self.base()?;
        self.stack.get_mut(at)
    }

    /// Starts a list; false when its items are to go to what is open instead.
    pub(in crate::body::from_html) fn open_list(&mut self, ordered: bool, start: Option<i32>) -> bool {
        if self.is_full() || !(self.is_in_container() || matches!(self.base_context(), Some(Context::List(_)))) {
            return false;
        }
        let depth = self.list_depth();
        if depth >= MAX_LIST_DEPTH {
            return false;
        }
        let mut done = Vec::new();
        if let Some(Context::List(parent)) = self.base_context() {
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
        self.stack.push(Context::List(ListDraft {
            max_indent: MAX_LIST_DEPTH.saturating_sub(depth.saturating_add(1)),
            ..ListDraft::new(ordered, start, done)
        }));
        true
    }

    fn list_depth(&self) -> usize {
        let lists = self.stack.iter().rev().skip_while(|context| matches!(context, Context::Figure(_)));
        lists.take_while(|context| matches!(context, Context::List(list) if !list.is_suspended)).count()
    }

    /// Starts an item; false when no list is open.
    pub(in crate::body::from_html) fn open_item(&mut self, ordered: Option<bool>, indent: usize) -> bool {
        let Some(Context::List(list)) = self.stack.last_mut() else {
            return false;
        };
        // Quill says of each item what it is, and of its lists nothing.
        if let Some(ordered) = ordered.filter(|_| list.items.is_empty() && list.done.is_empty()) {
            list.ordered = ordered;
        }
        list.is_suspended = false;
        if !list.is_full(MAX_ITEMS) {
            let ordered = ordered.unwrap_or(list.ordered);
            list.items.push(ItemDraft { ordered, indent, ..ItemDraft::default() });
        }
        list.is_item_open = true;
        true
    }

    /// Returns whether the innermost context is a list with as many items as it may have.
    pub(in crate::body::from_html) fn has_full_list(&self) -> bool {
        matches!(self.stack.last(), Some(Context::List(list)) if list.is_full(MAX_ITEMS))
    }

    pub(in crate::body::from_html) fn close_item(&mut self) {
        if let Some(Context::List(list)) = self.stack.last_mut() {
            list.is_item_open = false;
        }
    }

    /// Starts an item of a list of paragraphs, and the list if none is open; false if there is no place for it.
    pub(in crate::body::from_html) fn open_word_item(&mut self, indent: usize) -> bool {
        let is_open = matches!(self.stack.last(), Some(Context::List(list)) if list.is_word);
        let is_in_list = matches!(self.base_context(), Some(Context::List(_)));
        if !is_open && (is_in_list || !self.open_list(false, None)) {
            return false;
        }
        if let Some(Context::List(list)) = self.stack.last_mut() {
            list.is_word = true;
        }
        self.open_item(None, indent)
    }

    /// Says of the item that was just started whether it is numbered.
    pub(in crate::body::from_html) fn set_word_marker(&mut self, ordered: bool) {
        let Some(Context::List(list)) = self.stack.last_mut().filter(|_| self.flow.is_blank()) else {
            return;
        };
        if let Some(item) = list.items.last_mut().filter(|_| list.is_word && list.is_item_open) {
            item.ordered = ordered;
            if list.items.len() == 1 && list.done.is_empty() {
                list.ordered = ordered;
            }
        }
    }

    /// Ends a list of paragraphs, if one is open.
    pub(in crate::body::from_html) fn end_word_list(&mut self) {
        if matches!(self.stack.last(), Some(Context::List(list)) if list.is_word) {
            self.close();
        }
    }

    /// Puts a list that has ended, whose context is at that place in the stack, where it belongs.
    pub(super) fn end_list(&mut self, at: usize, list: NestedList) {
        let NestedList { ordered, start, items } = list;
        if items.is_empty() {
            return;
        }
        let below = at.checked_sub(1).and_then(|below| self.stack.get_mut(below));
        if let Some(Context::List(parent)) = below
            && !parent.is_suspended
            && let Some(item) = parent.items.last_mut()
        {
            item.list = Some(Box::new(NestedList { ordered, start, items }));
            return;
        }
        let container = self.container(at);
        self.put(container, Block::List(ListBlock { id: BlockId::missing(), ordered, start, items }));
    }

    /// Starts a quote; false when its text is to go to what is open instead.
    pub(in crate::body::from_html) fn open_quote(&mut self, social: Option<Option<Href>>) -> bool {
        let is_possible =
            !self.is_full() && matches!(self.base_context(), None | Some(Context::Details(_) | Context::Cell(_)));
        let is_in_embed = matches!(self.stack.last(), Some(Context::Figure(figure)) if figure.kind.is_embed);
        if is_possible || (is_in_embed && social.is_some()) {
            self.stack.push(Context::Quote(QuoteDraft { social, ..QuoteDraft::default() }));
            return true;
        }
        false
    }

    pub(in crate::body::from_html) fn open_citation(&mut self) -> bool {
        self.open_leaf(Context::Citation, |top| matches!(top, Context::Quote(_)))
    }

    pub(in crate::body::from_html) fn open_summary(&mut self) -> bool {
        self.open_leaf(
            Context::Summary,
            |top| matches!(top, Context::Details(details) if details.summary.is_empty() && details.parts.is_empty()),
        )
    }

    pub(in crate::body::from_html) fn open_table_caption(&mut self) -> bool {
        self.open_leaf(
            Context::TableCaption,
            |top| matches!(top, Context::Table(table) if table.rows.is_empty() && table.caption.is_empty()),
        )
    }

    pub(in crate::body::from_html) fn open_credit(&mut self) -> bool {
        self.open_leaf(Context::Credit, |top| matches!(top, Context::Caption))
    }

    fn open_leaf(&mut self, leaf: Context, fits: impl Fn(&Context) -> bool) -> bool {
        let is_possible = self.stack.last().is_some_and(fits);
        if is_possible {
            self.stack.push(leaf);
        }
        is_possible
    }

    pub(in crate::body::from_html) fn open_note(&mut self, kind: NoteKind) -> bool {
        let is_possible = !self.is_full() && matches!(self.base_context(), None | Some(Context::Cell(_)));
        if is_possible {
            self.stack.push(Context::Note(kind, Vec::new()));
        }
        is_possible
    }

    pub(in crate::body::from_html) fn open_details(&mut self) -> bool {
        let is_possible = !self.is_full() && matches!(self.base_context(), None | Some(Context::Cell(_)));
        if is_possible {
            self.stack.push(Context::Details(DetailsDraft::default()));
        }
        is_possible
    }

    /// Starts text whose white space counts; false when it is to go to what is open, line by line.
    pub(in crate::body::from_html) fn open_preformatted(&mut self, is_code: bool, language: Option<&str>) -> bool {
        use super::Place;
        let is_text = matches!(
            self.stack.last(),
            Some(
                Context::Heading(_) | Context::Caption | Context::Summary | Context::Credit | Context::Preformatted(_)
            )
        );
        let is_possible = !self.is_full() && !is_text && matches!(self.place(), Place::Here(_) | Place::List(_));
        if is_possible {
            let language = language.and_then(normal_language);
            self.stack.push(Context::Preformatted(PreformattedDraft { is_code, language, ..Default::default() }));
        }
        is_possible
    }

    /// Says that the open preformatted text is code; false if none is open.
    pub(in crate::body::from_html) fn set_code(&mut self, language: Option<&str>) -> bool {
        let Some(Context::Preformatted(block)) = self.stack.last_mut() else {
            return false;
        };
        block.is_code = true;
        block.language = block.language.take().or_else(|| language.and_then(normal_language));
        true
    }

    /// Takes text as it is, if its white space counts.
    pub(in crate::body::from_html) fn push_raw(&mut self, text: &str) {
        if let Some(Context::Preformatted(block)) = self.stack.last_mut() {
            block.text.push_str(text);
        }
    }

    /// Starts a line in text whose white space counts, unless it has just started.
    pub(in crate::body::from_html) fn start_raw_line(&mut self) {
        if let Some(Context::Preformatted(block)) = self.stack.last_mut()
            && !block.text.is_empty()
            && !block.text.ends_with('\n')
        {
            block.text.push('\n');
        }
    }

    /// Says that there is a link, which preformatted text cannot hold.
    pub(in crate::body::from_html) fn note_link(&mut self) {
        if let Some(Context::Preformatted(block)) = self.stack.last_mut() {
            block.has_link = true;
        }
    }

    /// Ends the innermost context.
    pub(in crate::body::from_html) fn close(&mut self) {
        self.flush();
        let Some(context) = self.stack.pop() else { return };
        let at = self.stack.len();
        match context {
            Context::List(mut list) => {
                let items = list.take_items();
                self.end_list(at, NestedList { ordered: list.ordered, start: list.start, items });
            }
            Context::Quote(quote) if quote.social.is_some() => self.close_social(quote),
            Context::Quote(quote) => {
                let block = quote_block(quote);
                self.put_if(block);
            }
            Context::Note(kind, parts) => self.put_if(note_block(kind, parts)),
            Context::Details(details) => self.close_details(details),
            Context::Figure(figure) => self.close_figure(figure),
            Context::Table(table) => self.close_table(table),
            Context::Cell(cell) => self.close_cell(cell),
            Context::Footnotes(notes) => self.close_footnotes(notes),
            Context::Footnote(id, lines) => self.close_footnote(id, lines),
            Context::Preformatted(block) => self.close_preformatted(block),
            Context::Heading(_)
            | Context::Citation
            | Context::Summary
            | Context::Caption
            | Context::Credit
            | Context::TableCaption => {}
        }
    }

    pub(super) fn put_if(&mut self, block: Option<Block>) {
        if let Some(block) = block {
            let container = self.container(self.stack.len());
            self.put(container, block);
        }
    }

    fn close_details(&mut self, mut details: DetailsDraft) {
        let summary = content(std::mem::take(&mut details.summary));
        if !summary.is_empty() {
            return self.put_if(Some(details_block(summary, details.parts)));
        }
        let container = self.container(self.stack.len());
        self.blocks_of(container).append(&mut details.parts);
    }

    fn close_preformatted(&mut self, block: PreformattedDraft) {
        let text = normal_code(&block.text).filter(|_| !block.has_link);
        let Some(text) = text else {
            let lines: Vec<_> = block.paragraphs;
            if let Some(Context::List(list)) = self.base_context() {
                return list.add(lines.into_iter().flatten().collect(), MAX_ITEMS);
            }
            let container = self.container(self.stack.len());
            let paragraphs = lines.into_iter().map(paragraph).map(Block::Paragraph);
            return self.blocks_of(container).extend(paragraphs);
        };
        let id = BlockId::missing();
        let block = if block.is_code {
            Block::Code(CodeBlock { id, language: block.language, text })
        } else {
            Block::Preformatted(PreformattedBlock { id, text })
        };
        self.push_block(block);
    }
}
