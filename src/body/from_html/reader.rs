//! Follows the tags: which elements are open, how text is marked, where blocks begin and end.
//!
//! Where browsers have rules for wrong nesting, these are theirs as far as they decide where text goes and how it is
//! marked: a `p` ends where a block starts, an `li` where the next one does, `b` and `i` go on after their block has ended.

use std::rc::Rc;

use crate::body::flow::{Look, Target, is_blank};
use crate::body::from_html::budget::LinkBudget;
use crate::body::from_html::draft::{CELL_SEPARATOR, Draft};
use crate::body::from_html::dropping::Dropping;
use crate::body::from_html::elements::{self, Role};
use crate::body::from_html::formatting::Formatting;
use crate::body::from_html::media;
use crate::body::from_html::open::{Effect, Open, OpenElements};
use crate::body::from_html::style::{Says, Slot, Styles};
use crate::body::from_html::tokens::{Key, Sink, Tag, attribute};
use crate::body::from_html::{FromHtml, WarningCode, Warnings};
use crate::body::inline::{Direction, Mark};
use crate::body::{Body, id};

/// What happens to the content of elements that are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclosed {
    /// It is dropped, up to the end tag.
    Dropped,
    /// Only the tags are dropped: for input in which an end tag is missing.
    Kept,
}

/// Reads tokens into a draft.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) unclosed: Unclosed,
    /// Whether a word processor wrote the text, which says of every word in which language it is.
    pub(super) is_word: bool,
    pub(super) draft: Draft,
    pub(super) open: OpenElements,
    pub(super) formatting: Formatting,
    pub(super) styles: Styles,
    pub(super) links: LinkBudget,
    pub(super) dropping: Option<Dropping>,
    warnings: Warnings,
    pub(super) n_preformatted: usize,
    is_separator_due: bool,
    /// The target of the open link, until something can be seen in it.
    pub(super) unseen_link: Option<Rc<Target>>,
    /// How many of the open elements say that the lists inside hold footnotes.
    pub(super) n_notes_expected: usize,
    /// Whether the next link is a reference to a footnote.
    pub(super) is_note_expected: bool,
}

impl Reader {
    pub(super) fn new(unclosed: Unclosed, is_word: bool, n_bytes: usize) -> Self {
        Self {
            unclosed,
            is_word,
            draft: Draft::default(),
            open: OpenElements::default(),
            formatting: Formatting::default(),
            styles: Styles::default(),
            links: LinkBudget::of(n_bytes),
            dropping: None,
            warnings: Warnings::default(),
            n_preformatted: 0,
            is_separator_due: false,
            unseen_link: None,
            n_notes_expected: 0,
            is_note_expected: false,
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
            self.warnings.add(WarningCode::MergedBlocks, detail, usize::MAX);
        }
        id::fill_missing(&mut blocks);
        let warnings = self.warnings.finish(blocks.len());
        FromHtml { body: Body(blocks), warnings }
    }

    fn read_text(&mut self, text: &str) {
        if self.drop_text(text) {
            return;
        }
        if self.n_preformatted == 0 {
            return self.shortcodes(text);
        }
        self.draft.push_raw(text);
        for (n, line) in text.split('\n').enumerate() {
            if n > 0 {
                self.draft.flow.push_break();
            }
            self.push_text(line);
        }
    }

    pub(super) fn push_text(&mut self, text: &str) {
        if (self.is_separator_due || self.unseen_link.is_some()) && !is_blank(text) {
            self.unseen_link = None;
            if std::mem::take(&mut self.is_separator_due) {
                self.draft.flow.push_text(CELL_SEPARATOR, &Look::default(), None);
            }
        }
        let link = self.link();
        self.draft.flow.push_text(text, self.styles.look(), link.as_ref());
    }

    fn open_tag(&mut self, tag: &Tag<'_>) {
        if self.drop_tag(tag) || (self.unclosed == Unclosed::Dropped && self.drop_whole(tag)) {
            return;
        }
        match elements::role(&tag.name) {
            Role::Ignored => {}
            Role::LineBreak => {
                self.draft.push_raw("\n");
                self.draft.flow.push_break();
            }
            Role::Rule => {
                self.start_block(Role::Rule, &tag.key);
                self.divider();
            }
            Role::Image => self.image(tag),
            Role::Plugin => self.frame(tag),
            Role::Oembed => self.oembed(tag),
            Role::Frame => {
                self.frame(tag);
                self.start_dropping(tag, None);
            }
            Role::DroppedVoid => self.warn(WarningCode::DroppedElement, &tag.name),
            Role::Dropped => self.drop_element(tag),
            Role::Link => self.start_link(tag),
            role @ Role::Formatting(mark) => {
                if mark == Some(Mark::Code) && self.draft.set_code(media::language(tag)) {
                    return;
                }
                let slot = self.open_style(role, tag);
                self.formatting.open(&tag.key, slot);
            }
            role if role.is_block() => self.open_block(role, tag),
            role => {
                let effect = match role {
                    Role::Quotation => {
                        self.push_text("“");
                        Effect::Quotation
                    }
                    Role::Small => self.open_credit(),
                    _ => Effect::None,
                };
                let slot = self.open_style(role, tag);
                self.open.push(Open { key: tag.key.clone(), role, slot, effect });
            }
        }
    }

    /// Starts a credit, if the text is in the caption of a figure.
    fn open_credit(&mut self) -> Effect {
        if !self.draft.is_in_caption() {
            return Effect::None;
        }
        self.flush();
        if self.draft.open_credit() { Effect::Context } else { Effect::None }
    }

    pub(super) fn open_style(&mut self, role: Role, tag: &Tag<'_>) -> Slot {
        // Most tags.
        if tag.attributes.is_empty() && role.is_silent() && tag.name != "bdi" {
            return Slot::SILENT;
        }
        let mut says = self.says(role, tag);
        if !self.is_word && !matches!(&*tag.name, "html" | "body") {
            says.read_lang(attribute(tag, "lang").or_else(|| attribute(tag, "xml:lang")));
            let named = attribute(tag, "dir").map(str::to_ascii_lowercase);
            let is_isolated = tag.name == "bdi";
            // The direction of a block follows from its text, and editors say it of each.
            let dir = named.and_then(|dir| Direction::parse(&dir)).or_else(|| is_isolated.then_some(Direction::Auto));
            says.dir = dir.filter(|_| !role.is_block());
        }
        // The end of a formatting element is looked for by its slot.
        if says.is_silent() && !matches!(role, Role::Formatting(_)) { Slot::SILENT } else { self.styles.open(says) }
    }

    fn says(&self, role: Role, tag: &Tag<'_>) -> Says {
        let mut says = if role == Role::Cite { Says::cite() } else { Says::mark(role.mark()) };
        if attribute(tag, "data-small-caps").is_some() {
            says.set(Mark::SmallCaps, true);
        }
        if let Some(style) = attribute(tag, "style") {
            says.read_style(style, self.styles.link().is_some());
        }
        says
    }

    fn open_block(&mut self, role: Role, tag: &Tag<'_>) {
        if self.open_word_item(role, tag) {
            return;
        }
        self.draft.end_word_list();
        self.start_block(role, &tag.key);
        if role == Role::Aside && self.related_article(tag) {
            return self.start_dropping(tag, None);
        }
        let effect = self.open_effect(role, tag);
        let slot = self.open_style(role, tag);
        self.open.push(Open { key: key(&tag.key, role), role, slot, effect });
    }

    /// Ends what a block of that role ends by starting.
    pub(super) fn start_block(&mut self, role: Role, name: &Key) {
        match role {
            Role::Item | Role::Definition => self.close(&key(name, role), role),
            Role::TablePart | Role::TableHead | Role::TableCaption => {
                self.close(&Key::TABLE_PART, role);
                self.close(&Key::ROW, role);
                self.close(&Key::CAPTION, role);
            }
            Role::Row => {
                self.close(&Key::CAPTION, role);
                self.close(&Key::ROW, role);
            }
            Role::Cell => self.close(&Key::CELL, role),
            _ => {}
        }
        if !role.is_in_table() {
            self.close(&Key::P, Role::Paragraph);
        }
        if matches!((role, self.open.top()), (Role::Heading(_), Some(Open { role: Role::Heading(_), .. }))) {
            self.close_to(self.open.len().saturating_sub(1));
        }
        if role != Role::Cell || self.draft.is_in_table() {
            self.flush();
        } else if !self.draft.flow.is_blank() {
            self.is_separator_due = true;
        }
    }

    fn close_tag(&mut self, tag: &Tag<'_>) {
        if self.drop_end(tag) {
            return;
        }
        if tag.name == "sup" {
            self.is_note_expected = false;
        }
        match elements::role(&tag.name) {
            Role::LineBreak => self.draft.flow.push_break(),
            Role::Ignored
            | Role::Rule
            | Role::Dropped
            | Role::DroppedVoid
            | Role::Image
            | Role::Frame
            | Role::Plugin
            | Role::Oembed => {}
            Role::Link | Role::Formatting(_) => self.close_formatting(&tag.key),
            role => self.close(&key(&tag.key, role), role),
        }
    }

    pub(super) fn close(&mut self, key: &Key, role: Role) {
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
            if open.role.is_block() && open.effect != Effect::WordItem {
                self.draft.end_word_list();
            }
            if open.effect == Effect::Quotation {
                self.push_text("”");
            }
            self.styles.close(open.slot);
            match open.effect {
                Effect::None | Effect::Quotation => {}
                Effect::Context => self.draft.close(),
                Effect::Item | Effect::WordItem => self.draft.close_item(),
                Effect::Row => self.draft.close_row(),
                Effect::Preformatted(is_open) => {
                    self.n_preformatted = self.n_preformatted.saturating_sub(1);
                    if is_open {
                        self.draft.close();
                    }
                }
                Effect::Cell(n_before, is_open) => {
                    if is_open {
                        self.draft.close();
                    }
                    self.formatting.end_cell(n_before, &mut self.styles);
                }
                Effect::NotesExpected => self.n_notes_expected = self.n_notes_expected.saturating_sub(1),
            }
            if self.draft.take_simplified() {
                self.warn(WarningCode::SimplifiedElement, "table");
            }
        }
    }

    pub(super) fn flush(&mut self) {
        self.is_separator_due = false;
        self.draft.start_raw_line();
        self.draft.flush();
    }

    pub(super) fn warn(&mut self, code: WarningCode, detail: &str) {
        self.warnings.add(code, detail, self.draft.n_blocks());
    }
}

impl Sink for Reader {
    fn text(&mut self, text: &str) {
        self.read_text(text);
    }

    fn start(&mut self, tag: &Tag<'_>) {
        self.open_tag(tag);
    }

    fn end(&mut self, tag: &Tag<'_>) {
        self.close_tag(tag);
    }
}

/// Returns the name under which an element is found again; elements that end each other share one.
fn key(name: &Key, role: Role) -> Key {
    match role {
        Role::Heading(_) => Key::HEADING,
        Role::Cell => Key::CELL,
        Role::Definition => Key::DEFINITION,
        Role::TablePart | Role::TableHead => Key::TABLE_PART,
        _ => name.clone(),
    }
}
