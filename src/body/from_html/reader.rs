//! Follows the tags: which elements are open, how text is marked, where blocks begin and end.
//!
//! Where browsers have rules for wrong nesting, these are theirs as far as they decide where text goes and how it is
//! marked: a `p` ends where a block starts, an `li` where the next one does, `b` and `i` go on after their block has ended.

use std::collections::HashMap;

use html5ever::tokenizer::{Tag, TagKind, TokenSinkResult};
use html5ever::{LocalName, local_name};

use crate::body::flow::{Look, Target, To, is_blank};
use crate::body::from_html::draft::{Draft, Leaf};
use crate::body::from_html::elements::{self, Content, Role};
use crate::body::from_html::open::{Effect, Open, OpenElements};
use crate::body::from_html::style::{Says, Slot, Styles};
use crate::body::from_html::{FromHtml, WarningCode, Warnings};
use crate::body::href::{Href, HrefFault};
use crate::body::inline::{MAX_TITLE_CHARS, Mark, normal_line};
use crate::body::{Body, id};

/// What happens to the content of elements that are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclosed {
    /// It is dropped, up to the end tag.
    Dropped,
    /// Only the tags are dropped: for input in which an end tag is missing.
    Kept,
}

/// Stands between the cells of a table's row.
const CELL_SEPARATOR: &str = " | ";

/// Reads tokens into a draft.
#[derive(Debug)]
pub(super) struct Reader {
    unclosed: Unclosed,
    draft: Draft,
    open: OpenElements,
    formatting: Formatting,
    styles: Styles,
    dropping: Option<Dropping>,
    warnings: Warnings,
    n_preformatted: usize,
    is_separator_due: bool,
    /// The target of the open link, until something can be seen in it.
    unseen_link: Option<String>,
}

/// The element that is being dropped with its content.
#[derive(Debug)]
struct Dropping {
    name: LocalName,
    depth: usize,
    is_raw: bool,
}

impl Reader {
    pub(super) fn new(unclosed: Unclosed) -> Self {
        Self {
            unclosed,
            draft: Draft::default(),
            open: OpenElements::default(),
            formatting: Formatting::default(),
            styles: Styles::default(),
            dropping: None,
            warnings: Warnings::default(),
            n_preformatted: 0,
            is_separator_due: false,
            unseen_link: None,
        }
    }

    /// Returns whether the input has ended inside an element whose content is dropped, where a browser would show something.
    pub(super) fn is_inside_dropped(&self) -> bool {
        self.dropping.as_ref().is_some_and(|dropping| !dropping.is_raw)
    }

    pub(super) fn finish(mut self) -> FromHtml {
        self.close_to(0);
        let (mut blocks, is_merged) = self.draft.finish();
        if is_merged {
            let detail = "There are too many blocks; the text of the last ones was joined into one paragraph.";
            self.warnings.add(WarningCode::MergedBlocks, detail);
        }
        id::fill_missing(&mut blocks);
        FromHtml { body: Body(blocks), warnings: self.warnings.list }
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.dropping.is_some() {
            return;
        }
        if self.n_preformatted == 0 {
            return self.push_text(text);
        }
        for (n, line) in text.split('\n').enumerate() {
            if n > 0 {
                self.draft.flow.push_break();
            }
            self.push_text(line);
        }
    }

    fn push_text(&mut self, text: &str) {
        if (self.is_separator_due || self.unseen_link.is_some()) && !is_blank(text) {
            self.unseen_link = None;
            if std::mem::take(&mut self.is_separator_due) {
                self.draft.flow.push_text(CELL_SEPARATOR, &Look::default(), None);
            }
        }
        self.draft.flow.push_text(text, &self.styles.look(), self.styles.link());
    }

    pub(super) fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        if tag.kind == TagKind::EndTag {
            self.end(&tag.name);
            return TokenSinkResult::Continue;
        }
        let content = elements::content(&tag.name);
        self.start(tag, content.is_some());
        content.map_or(TokenSinkResult::Continue, Content::tokenizer_state)
    }

    fn start(&mut self, tag: &Tag, is_raw: bool) {
        if let Some(dropping) = &mut self.dropping {
            if dropping.name == tag.name && !tag.self_closing {
                dropping.depth = dropping.depth.saturating_add(1);
            }
            return;
        }
        match elements::role(&tag.name) {
            Role::Ignored => {}
            Role::LineBreak => self.draft.flow.push_break(),
            Role::Rule => {
                self.start_block(Role::Rule, &tag.name);
                self.warn(WarningCode::DroppedElement, &tag.name);
            }
            Role::DroppedVoid => self.warn(WarningCode::DroppedElement, &tag.name),
            Role::Dropped => self.drop_element(tag, is_raw),
            Role::Link => self.start_link(tag),
            role @ Role::Formatting(_) => {
                let slot = self.styles.open(self.says(role, tag));
                self.formatting.open(&tag.name, slot);
            }
            role if role.is_block() => self.open_block(role, tag),
            role => {
                let slot = self.styles.open(self.says(role, tag));
                let effect = if role == Role::Quotation { Effect::Quotation } else { Effect::None };
                if role == Role::Quotation {
                    self.push_text("“");
                }
                self.open.push(Open { key: tag.name.clone(), role, slot, effect });
            }
        }
    }

    fn drop_element(&mut self, tag: &Tag, is_raw: bool) {
        self.warn(WarningCode::DroppedElement, &tag.name);
        let has_content = is_raw || (!tag.self_closing && self.unclosed == Unclosed::Dropped);
        if has_content {
            self.dropping = Some(Dropping { name: tag.name.clone(), depth: 1, is_raw });
        }
    }

    fn start_link(&mut self, tag: &Tag) {
        self.close_formatting(&tag.name);
        let target = self.target(tag);
        let mut says = Says::default();
        if let Some(style) = attribute(tag, "style") {
            says.read_style(style, target.is_some());
        }
        self.unseen_link = target.as_ref().map(|target| match &target.to {
            To::Href(href) => href.as_str().to_owned(),
            To::Article(article) => article.to_string(),
        });
        let slot = self.styles.open_link(says, target);
        self.formatting.open(&tag.name, slot);
    }

    fn target(&mut self, tag: &Tag) -> Option<Target> {
        let href = attribute(tag, "href")?;
        match Href::parse_lenient(href) {
            Ok(href) => {
                let title = attribute(tag, "title").and_then(|title| normal_line(title, MAX_TITLE_CHARS));
                Some(Target { to: To::Href(href), title, rel: Vec::new() })
            }
            Err(HrefFault::Empty) => None,
            Err(_) => {
                self.warn(WarningCode::RemovedLink, href);
                None
            }
        }
    }

    fn says(&self, role: Role, tag: &Tag) -> Says {
        let mut says = if role == Role::Cite { Says::cite() } else { Says::mark(role.mark()) };
        if attribute(tag, "data-small-caps").is_some() {
            says.set(Mark::SmallCaps, true);
        }
        if let Some(style) = attribute(tag, "style") {
            says.read_style(style, self.styles.link().is_some());
        }
        says
    }

    fn open_block(&mut self, role: Role, tag: &Tag) {
        self.start_block(role, &tag.name);
        let says = self.says(role, tag);
        let effect = self.open_effect(role, tag);
        let slot = self.styles.open(says);
        self.open.push(Open { key: key(&tag.name, role), role, slot, effect });
    }

    /// Ends what a block of that role ends by starting.
    fn start_block(&mut self, role: Role, name: &LocalName) {
        match role {
            Role::Item | Role::Definition => self.close(&key(name, role), role),
            Role::TablePart => {
                self.close(&local_name!("tbody"), role);
                self.close(&local_name!("tr"), role);
                self.close(&local_name!("caption"), role);
            }
            Role::Row => self.close(&local_name!("tr"), role),
            Role::Cell => self.close(&local_name!("td"), role),
            _ => {}
        }
        if !role.is_in_table() {
            self.close(&local_name!("p"), Role::Paragraph);
        }
        if matches!((role, self.open.top()), (Role::Heading(_), Some(Open { role: Role::Heading(_), .. }))) {
            self.close_to(self.open.len().saturating_sub(1));
        }
        if role != Role::Cell {
            self.flush();
        } else if !self.draft.flow.is_blank() {
            self.is_separator_due = true;
        }
    }

    fn open_effect(&mut self, role: Role, tag: &Tag) -> Effect {
        let leaf = |draft: &mut Draft, leaf| {
            draft.push_leaf(leaf);
            Effect::Leaf
        };
        match role {
            Role::Heading(level) => leaf(&mut self.draft, Leaf::Heading(level)),
            Role::Footer | Role::Caption if self.draft.is_in_quote() => leaf(&mut self.draft, Leaf::Credit),
            Role::Caption => match self.draft.captioned_quote() {
                Some(at) => leaf(&mut self.draft, Leaf::LateCredit(at, Vec::new())),
                None => Effect::None,
            },
            Role::List { ordered } => {
                let start = attribute(tag, "start").and_then(|start| start.trim().parse().ok());
                let is_open = self.draft.open_list(ordered, start);
                self.effect(is_open, Effect::List, &tag.name)
            }
            Role::Item if self.draft.open_item() => Effect::Item,
            Role::Quote => {
                let is_open = self.draft.open_quote();
                self.effect(is_open, Effect::Quote, &tag.name)
            }
            Role::Figure => {
                self.draft.open_figure();
                Effect::Figure
            }
            Role::Preformatted => {
                self.n_preformatted = self.n_preformatted.saturating_add(1);
                self.effect(false, Effect::None, &tag.name);
                Effect::Preformatted
            }
            Role::Table | Role::DefinitionList => self.effect(false, Effect::None, &tag.name),
            Role::Cell => Effect::Cell(self.formatting.start_cell()),
            _ => Effect::None,
        }
    }

    /// Warns of an element that is not kept as such.
    fn effect(&mut self, is_kept: bool, effect: Effect, name: &LocalName) -> Effect {
        if is_kept {
            return effect;
        }
        self.warn(WarningCode::SimplifiedElement, name);
        Effect::None
    }

    fn end(&mut self, name: &LocalName) {
        if let Some(dropping) = &mut self.dropping {
            if dropping.name == *name {
                dropping.depth = dropping.depth.saturating_sub(1);
                if dropping.depth == 0 {
                    self.dropping = None;
                }
            }
            return;
        }
        match elements::role(name) {
            Role::LineBreak => self.draft.flow.push_break(),
            Role::Ignored | Role::Rule | Role::Dropped | Role::DroppedVoid => {}
            Role::Link | Role::Formatting(_) => self.close_formatting(name),
            role => self.close(&key(name, role), role),
        }
    }

    fn close_formatting(&mut self, name: &LocalName) {
        let Some(slot) = self.formatting.close(name, &self.styles) else {
            return;
        };
        self.styles.close(slot);
        if *name == local_name!("a")
            && let Some(href) = self.unseen_link.take()
        {
            self.warn(WarningCode::EmptyLink, &href);
        }
    }

    fn close(&mut self, key: &LocalName, role: Role) {
        if let Some(at) = self.open.find(key, role) {
            self.close_to(at);
        }
    }

    fn close_to(&mut self, n_open: usize) {
        while self.open.len() > n_open {
            let Some(open) = self.open.pop() else { return };
            if open.role.is_block() && open.role != Role::Cell {
                self.flush();
            }
            if open.effect == Effect::Quotation {
                self.push_text("”");
            }
            self.styles.close(open.slot);
            match open.effect {
                Effect::None | Effect::Quotation => {}
                Effect::Leaf => self.draft.pop_leaf(),
                Effect::List => self.draft.close_list(),
                Effect::Item => self.draft.close_item(),
                Effect::Quote => self.draft.close_quote(),
                Effect::Figure => self.draft.close_figure(),
                Effect::Preformatted => self.n_preformatted = self.n_preformatted.saturating_sub(1),
                Effect::Cell(n_before) => self.formatting.end_cell(n_before, &mut self.styles),
            }
        }
    }

    fn flush(&mut self) {
        self.is_separator_due = false;
        self.draft.flush();
    }

    fn warn(&mut self, code: WarningCode, detail: &str) {
        self.warnings.add(code, detail);
    }
}

/// Formatting elements, which end independently of the blocks around them.
#[derive(Debug, Default)]
struct Formatting {
    open: Vec<Slot>,
    /// For each name, where in `open` they stand; those closed are removed when they come to the top.
    by_name: HashMap<LocalName, Vec<(usize, Slot)>>,
    /// For each open cell, how many were open before it: its end tags do not reach further.
    cells: Vec<usize>,
}

impl Formatting {
    fn open(&mut self, name: &LocalName, slot: Slot) {
        self.by_name.entry(name.clone()).or_default().push((self.open.len(), slot));
        self.open.push(slot);
    }

    /// Takes out the innermost element of that name in the same cell.
    fn close(&mut self, name: &LocalName, styles: &Styles) -> Option<Slot> {
        let places = self.by_name.get_mut(name)?;
        while places.pop_if(|(_, slot)| !styles.is_open(*slot)).is_some() {}
        let border = self.cells.last().copied().unwrap_or(0);
        places.pop_if(|(at, _)| *at >= border).map(|(_, slot)| slot)
    }

    fn start_cell(&mut self) -> usize {
        self.cells.push(self.open.len());
        self.open.len()
    }

    fn end_cell(&mut self, n_before: usize, styles: &mut Styles) {
        self.cells.pop();
        for slot in self.open.drain(n_before.min(self.open.len())..) {
            styles.close(slot);
        }
    }
}

fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

/// Returns the name under which an element is found again; elements that end each other share one.
fn key(name: &LocalName, role: Role) -> LocalName {
    match role {
        Role::Heading(_) => local_name!("h1"),
        Role::Cell => local_name!("td"),
        Role::Definition => local_name!("dt"),
        Role::TablePart if *name != local_name!("caption") => local_name!("tbody"),
        _ => name.clone(),
    }
}
