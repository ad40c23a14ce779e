//! Follows the tags: which elements are open, how text is marked, where blocks begin and end.
//!
//! Where browsers have rules for wrong nesting, these are theirs as far as they decide where text goes and how it is
//! marked: a `p` ends where a block starts, an `li` where the next one does, `b` and `i` go on after their block has ended.

use html5ever::tokenizer::{Tag, TagKind, TokenSinkResult};
use html5ever::{LocalName, local_name};

use crate::body::flow::{Look, Target, To, is_blank, is_unwanted};
use crate::body::from_html::budget::LinkBudget;
use crate::body::from_html::draft::{CELL_SEPARATOR, Draft, Label};
use crate::body::from_html::elements::{self, Content, Role};
use crate::body::from_html::formatting::Formatting;
use crate::body::from_html::media;
use crate::body::from_html::open::{Effect, Open, OpenElements};
use crate::body::from_html::style::{Says, Slot, Styles};
use crate::body::from_html::word;
use crate::body::from_html::{FromHtml, WarningCode, Warnings};
use crate::body::href::{Href, HrefFault};
use crate::body::id::FootnoteId;
use crate::body::inline::{Direction, LinkRel, MAX_TITLE_CHARS, Mark, normal_line};
use crate::body::reference::ArticleRef;
use crate::body::{Body, id};

/// What happens to the content of elements that are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclosed {
    /// It is dropped, up to the end tag.
    Dropped,
    /// Only the tags are dropped: for input in which an end tag is missing.
    Kept,
}

/// The longest label of a reference to a footnote that is kept.
const MAX_LABEL_CHARS: usize = 20;

/// Reads tokens into a draft.
#[derive(Debug)]
pub(super) struct Reader {
    unclosed: Unclosed,
    /// Whether a word processor wrote the text, which says of every word in which language it is.
    pub(super) is_word: bool,
    pub(super) draft: Draft,
    pub(super) open: OpenElements,
    pub(super) formatting: Formatting,
    pub(super) styles: Styles,
    pub(super) links: LinkBudget,
    dropping: Option<Dropping>,
    warnings: Warnings,
    pub(super) n_preformatted: usize,
    is_separator_due: bool,
    /// The target of the open link, until something can be seen in it.
    pub(super) unseen_link: Option<String>,
    /// How many of the open elements say that the lists inside hold footnotes.
    pub(super) n_notes_expected: usize,
    /// Whether the next link is a reference to a footnote.
    is_note_expected: bool,
}

/// The element that is being dropped with its content.
#[derive(Debug)]
struct Dropping {
    name: LocalName,
    depth: usize,
    is_raw: bool,
    /// The reference to a footnote that the element is, and what it shows.
    note: Option<(FootnoteId, Label)>,
    /// Whether elements inside may still say what it plays.
    is_player: bool,
    /// The text of the marker that the element is.
    marker: Option<String>,
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

    pub(super) fn text(&mut self, text: &str) {
        if let Some(dropping) = &mut self.dropping {
            let label = dropping.note.as_mut().map(|(_, label)| &mut label.text);
            if let Some(label) = label.or(dropping.marker.as_mut()) {
                let n_missing = MAX_LABEL_CHARS.saturating_sub(label.chars().count());
                label.extend(text.chars().filter(|c| !is_unwanted(*c)).take(n_missing));
            }
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
        self.draft.flow.push_text(text, &self.styles.look(), link.as_ref());
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
            if dropping.is_player {
                let is_found = self.played(tag);
                self.dropping.iter_mut().for_each(|dropping| dropping.is_player &= !is_found);
            }
            return;
        }
        if self.unclosed == Unclosed::Dropped && self.drop_whole(tag) {
            return;
        }
        match elements::role(&tag.name) {
            Role::Ignored => {}
            Role::LineBreak => {
                self.draft.push_raw("\n");
                self.draft.flow.push_break();
            }
            Role::Rule => {
                self.start_block(Role::Rule, &tag.name);
                self.divider();
            }
            Role::Image => self.image(tag),
            Role::Plugin => self.frame(tag),
            Role::Oembed => self.oembed(tag),
            Role::Frame => {
                self.frame(tag);
                self.start_dropping(tag, true, None);
            }
            Role::DroppedVoid => self.warn(WarningCode::DroppedElement, &tag.name),
            Role::Dropped => self.drop_element(tag, is_raw),
            Role::Link => self.start_link(tag),
            role @ Role::Formatting(mark) => {
                if mark == Some(Mark::Code) && self.draft.set_code(media::language(tag)) {
                    return;
                }
                let slot = self.open_style(role, tag);
                self.formatting.open(&tag.name, slot);
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
                self.open.push(Open { key: tag.name.clone(), role, slot, effect });
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

    pub(super) fn open_style(&mut self, role: Role, tag: &Tag) -> Slot {
        let says = self.says(role, tag);
        let slot = self.styles.open(says);
        let is_page = matches!(&*tag.name, "html" | "body");
        if !self.is_word && !is_page {
            let lang = attribute(tag, "lang").or_else(|| attribute(tag, "xml:lang"));
            let named = attribute(tag, "dir").map(str::to_ascii_lowercase);
            let is_isolated = &*tag.name == "bdi";
            // The direction of a block follows from its text, and editors say it of each.
            let dir = named.and_then(|dir| Direction::parse(&dir)).or_else(|| is_isolated.then_some(Direction::Auto));
            self.styles.set_voice(slot, lang, dir.filter(|_| !role.is_block()));
        }
        slot
    }

    fn drop_element(&mut self, tag: &Tag, is_raw: bool) {
        let is_found = self.played(tag);
        let may_find = media::is_player(tag) && !tag.self_closing && self.unclosed == Unclosed::Dropped;
        if !is_found && !may_find {
            self.warn(WarningCode::DroppedElement, &tag.name);
        }
        self.start_dropping(tag, is_raw, None);
        self.dropping.iter_mut().for_each(|dropping| dropping.is_player = may_find && !is_found);
    }

    fn start_dropping(&mut self, tag: &Tag, is_raw: bool, note: Option<(FootnoteId, Label)>) {
        let has_content = is_raw || (!tag.self_closing && self.unclosed == Unclosed::Dropped);
        if has_content {
            self.dropping =
                Some(Dropping { name: tag.name.clone(), depth: 1, is_raw, note, is_player: false, marker: None });
        }
    }

    /// Takes references to footnotes, the links back from them and the markers of Word's lists as a whole; false if it is none.
    fn drop_whole(&mut self, tag: &Tag) -> bool {
        if tag.self_closing {
            return false;
        }
        if self.is_word_marker(tag) {
            self.start_dropping(tag, false, None);
            self.dropping.iter_mut().for_each(|dropping| dropping.marker = Some(String::new()));
            return true;
        }
        if &*tag.name == "a" && self.draft.is_in_footnote() && media::is_back_link(tag) {
            self.start_dropping(tag, false, None);
            return true;
        }
        let is_expected = &*tag.name == "a" && std::mem::take(&mut self.is_note_expected);
        let Some(id) = media::footnote_ref(tag, is_expected) else {
            self.is_note_expected |= &*tag.name == "sup" && media::has_class(tag, &["footnote-ref"]);
            return false;
        };
        let href = attribute(tag, "href").and_then(|href| Href::parse_lenient(href).ok());
        self.start_dropping(tag, false, Some((id, Label { text: String::new(), href })));
        true
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
        if target.is_some() {
            self.draft.note_link();
        }
        let slot = self.styles.open_link(says, target);
        self.formatting.open(&tag.name, slot);
    }

    fn target(&mut self, tag: &Tag) -> Option<Target> {
        let title = attribute(tag, "title").and_then(|title| normal_line(title, MAX_TITLE_CHARS));
        let mut rel: Vec<LinkRel> =
            attribute(tag, "rel").unwrap_or_default().split_ascii_whitespace().filter_map(LinkRel::parse).collect();
        rel.sort_unstable();
        rel.dedup();
        if let Some(article) = attribute(tag, "data-article").and_then(ArticleRef::parse) {
            return Some(Target { to: To::Article(article), title, rel });
        }
        let href = attribute(tag, "href")?;
        match Href::parse_lenient(href) {
            Ok(href) => Some(Target { to: To::Href(href), title, rel }),
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
        if self.open_word_item(role, tag) {
            return;
        }
        self.draft.end_word_list();
        self.start_block(role, &tag.name);
        if role == Role::Aside && self.related_article(tag) {
            return self.start_dropping(tag, false, None);
        }
        let effect = self.open_effect(role, tag);
        let slot = self.open_style(role, tag);
        self.open.push(Open { key: key(&tag.name, role), role, slot, effect });
    }

    /// Ends what a block of that role ends by starting.
    pub(super) fn start_block(&mut self, role: Role, name: &LocalName) {
        match role {
            Role::Item | Role::Definition => self.close(&key(name, role), role),
            Role::TablePart | Role::TableHead | Role::TableCaption => {
                self.close(&local_name!("tbody"), role);
                self.close(&local_name!("tr"), role);
                self.close(&local_name!("caption"), role);
            }
            Role::Row => {
                self.close(&local_name!("caption"), role);
                self.close(&local_name!("tr"), role);
            }
            Role::Cell => self.close(&local_name!("td"), role),
            _ => {}
        }
        if !role.is_in_table() {
            self.close(&local_name!("p"), Role::Paragraph);
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

    fn end(&mut self, name: &LocalName) {
        if let Some(dropping) = &mut self.dropping {
            if dropping.name == *name {
                dropping.depth = dropping.depth.saturating_sub(1);
                if dropping.depth == 0
                    && let Some(dropping) = self.dropping.take()
                {
                    self.end_dropping(dropping);
                }
            }
            return;
        }
        if &**name == "sup" {
            self.is_note_expected = false;
        }
        match elements::role(name) {
            Role::LineBreak => self.draft.flow.push_break(),
            Role::Ignored
            | Role::Rule
            | Role::Dropped
            | Role::DroppedVoid
            | Role::Image
            | Role::Frame
            | Role::Plugin
            | Role::Oembed => {}
            Role::Link | Role::Formatting(_) => self.close_formatting(name),
            role => self.close(&key(name, role), role),
        }
    }

    fn end_dropping(&mut self, dropping: Dropping) {
        if dropping.is_player {
            self.warn(WarningCode::DroppedElement, &dropping.name);
        }
        if let Some(marker) = &dropping.marker {
            self.draft.set_word_marker(word::is_ordered(marker));
        }
        if let Some((id, label)) = dropping.note {
            self.unseen_link = None;
            self.draft.push_note(id, label);
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

    pub(super) fn close(&mut self, key: &LocalName, role: Role) {
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

pub(super) fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

/// Returns the name under which an element is found again; elements that end each other share one.
fn key(name: &LocalName, role: Role) -> LocalName {
    match role {
        Role::Heading(_) => local_name!("h1"),
        Role::Cell => local_name!("td"),
        Role::Definition => local_name!("dt"),
        Role::TablePart | Role::TableHead => local_name!("tbody"),
        _ => name.clone(),
    }
}
