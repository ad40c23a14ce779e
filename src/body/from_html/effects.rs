//! What opens when a block's element starts, and the shortcodes that stand for elements.

use crate::body::block::NoteKind;
use crate::body::from_html::draft::FigureKind;
use crate::body::from_html::elements::Role;
use crate::body::from_html::open::{Effect, Open};
use crate::body::from_html::reader::Reader;
use crate::body::from_html::style::Slot;
use crate::body::from_html::tokens::{Key, Tag, attribute};
use crate::body::from_html::{WarningCode, media};

/// The longest shortcode.
const MAX_SHORTCODE_BYTES: usize = 1000;

impl Reader {
    pub(super) fn open_effect(&mut self, role: Role, tag: &Tag<'_>) -> Effect {
        let context = |is_open: bool| if is_open { Effect::Context } else { Effect::None };
        match role {
            Role::Heading(level) => context(self.draft.open_heading(level)),
            Role::Footer => context(self.draft.open_citation()),
            Role::Caption => context(self.draft.open_citation() || self.draft.open_caption()),
            Role::List { ordered } => self.open_list(ordered, tag),
            Role::Item => self.open_item(tag),
            Role::Quote => {
                let is_open = self.draft.open_quote(media::social(tag));
                self.effect(is_open, &tag.name)
            }
            Role::Figure => context(self.draft.open_figure(media::figure_kind(tag))),
            Role::Preformatted => {
                self.n_preformatted = self.n_preformatted.saturating_add(1);
                let language = media::language(tag);
                let is_code = language.is_some() || media::has_class(tag, &["wp-block-code", "ql-syntax"]);
                let is_open = self.draft.open_preformatted(is_code, language);
                self.effect(is_open, &tag.name);
                Effect::Preformatted(is_open)
            }
            Role::Table => {
                let is_layout = matches!(attribute(tag, "role"), Some("presentation" | "none"));
                let is_open = self.draft.open_table(is_layout);
                self.effect(is_open, &tag.name)
            }
            Role::TableCaption => context(self.draft.open_table_caption()),
            Role::Row => {
                let is_head = self.open.has_table_head();
                self.draft.open_row(is_head);
                Effect::Row
            }
            Role::Cell => {
                let is_open = self.draft.open_cell(media::cell(tag));
                Effect::Cell(self.formatting.start_cell(), is_open)
            }
            Role::Details => context(self.draft.open_details()),
            Role::Summary => context(self.draft.open_summary()),
            Role::Aside => {
                let kind = attribute(tag, "data-note").and_then(NoteKind::parse);
                context(kind.is_some_and(|kind| self.draft.open_note(kind)))
            }
            Role::DefinitionList => self.effect(false, &tag.name),
            Role::Block if media::has_class(tag, &["ql-code-block-container"]) => {
                self.n_preformatted = self.n_preformatted.saturating_add(1);
                Effect::Preformatted(self.draft.open_preformatted(true, None))
            }
            Role::Block if media::is_footnotes(tag) => {
                self.n_notes_expected = self.n_notes_expected.saturating_add(1);
                Effect::NotesExpected
            }
            _ => Effect::None,
        }
    }

    fn open_list(&mut self, ordered: bool, tag: &Tag<'_>) -> Effect {
        if !ordered && media::figure_kind(tag).is_gallery && self.draft.open_figure(media::figure_kind(tag)) {
            return Effect::Context;
        }
        let is_notes = media::is_footnotes(tag) || (ordered && self.n_notes_expected > 0);
        if is_notes && self.draft.open_footnotes() {
            return Effect::Context;
        }
        let start = attribute(tag, "start").and_then(|start| start.trim().parse().ok());
        let is_open = self.draft.open_list(ordered, start);
        self.effect(is_open, &tag.name)
    }

    fn open_item(&mut self, tag: &Tag<'_>) -> Effect {
        if self.draft.open_footnote(attribute(tag, "id").and_then(media::footnote_id)) {
            return Effect::Context;
        }
        let ordered = match attribute(tag, "data-list") {
            Some("ordered") => Some(true),
            Some("bullet" | "checked" | "unchecked") => Some(false),
            _ => None,
        };
        if self.draft.open_item(ordered, media::indent(tag)) { Effect::Item } else { Effect::None }
    }

    /// Warns of an element that is not kept as such.
    fn effect(&mut self, is_kept: bool, name: &str) -> Effect {
        if is_kept {
            return Effect::Context;
        }
        self.warn(WarningCode::SimplifiedElement, name);
        Effect::None
    }

    /// Reads the shortcodes by which WordPress puts captions around pictures.
    pub(super) fn shortcodes(&mut self, text: &str) {
        let mut rest = text;
        // How much was left behind the last bracket that was found: what has none is looked through once.
        let mut n_behind = usize::MAX;
        while let Some(at) = rest.find('[') {
            let (before, found) = rest.split_at_checked(at).unwrap_or((rest, ""));
            let is_start = found.starts_with("[caption ");
            if is_start && n_behind >= found.len() {
                n_behind = found.find(']').map_or(0, |end| found.len().saturating_sub(end.saturating_add(1)));
            }
            let has_end = n_behind > 0 || found.ends_with(']');
            let n_code = found.len().saturating_sub(n_behind);
            let end = Some(n_code).filter(|n_code| is_start && has_end && *n_code <= MAX_SHORTCODE_BYTES);
            let code = match end.and_then(|end| found.get(..end)) {
                Some(code) => code,
                None if found.starts_with("[/caption]") => "[/caption]",
                None => "",
            };
            let is_start = is_start && !code.is_empty();
            if !is_start && code != "[/caption]" {
                let (kept, behind) = rest.split_at_checked(at.saturating_add(1)).unwrap_or((rest, ""));
                self.push_text(kept);
                rest = behind;
                continue;
            }
            self.push_text(before);
            if is_start {
                self.flush();
                let kind = FigureKind { is_shortcode: true, ..FigureKind::default() };
                let effect = if self.draft.open_figure(kind) { Effect::Context } else { Effect::None };
                self.open.push(Open { key: Key::FIGURE, role: Role::Figure, slot: Slot::SILENT, effect });
            } else {
                self.close(&Key::FIGURE, Role::Figure);
            }
            rest = found.get(code.len()..).unwrap_or_default();
        }
        self.push_text(rest);
    }
}
