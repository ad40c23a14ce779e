//! Elements that are dropped with their content, and what is kept of them all the same: what a video plays, what a reference
//! to a footnote shows.

use crate::body::flow::is_unwanted;
use crate::body::from_html::draft::Label;
use crate::body::from_html::reader::{Reader, Unclosed};
use crate::body::from_html::tokens::{Key, Tag, attribute};
use crate::body::from_html::{WarningCode, elements, media, word};
use crate::body::href::Href;
use crate::body::id::FootnoteId;

/// The longest label of a reference to a footnote that is kept.
const MAX_LABEL_CHARS: usize = 20;

/// The element that is being dropped with its content.
#[derive(Debug)]
pub(super) struct Dropping {
    name: Key,
    depth: usize,
    pub(super) is_raw: bool,
    /// The reference to a footnote that the element is, and what it shows.
    note: Option<(FootnoteId, Label)>,
    /// Whether elements inside may still say what it plays.
    is_player: bool,
    /// The text of the marker that the element is.
    marker: Option<String>,
}

impl Reader {
    pub(super) fn drop_element(&mut self, tag: &Tag<'_>) {
        let is_found = self.played(tag);
        let may_find = media::is_player(tag) && !tag.is_self_closing && self.unclosed == Unclosed::Dropped;
        if !is_found && !may_find {
            self.warn(WarningCode::DroppedElement, &tag.name);
        }
        self.start_dropping(tag, None);
        self.dropping.iter_mut().for_each(|dropping| dropping.is_player = may_find && !is_found);
    }

    pub(super) fn start_dropping(&mut self, tag: &Tag<'_>, note: Option<(FootnoteId, Label)>) {
        let is_raw = elements::content(&tag.name).is_some();
        let has_content = is_raw || (!tag.is_self_closing && self.unclosed == Unclosed::Dropped);
        if has_content {
            let name = tag.key.clone();
            self.dropping = Some(Dropping { name, depth: 1, is_raw, note, is_player: false, marker: None });
        }
    }

    /// Takes references to footnotes, the links back from them and the markers of Word's lists as a whole; false if it is none.
    pub(super) fn drop_whole(&mut self, tag: &Tag<'_>) -> bool {
        if tag.is_self_closing {
            return false;
        }
        if self.is_word_marker(tag) {
            self.start_dropping(tag, None);
            self.dropping.iter_mut().for_each(|dropping| dropping.marker = Some(String::new()));
            return true;
        }
        if tag.name == "a" && self.draft.is_in_footnote() && media::is_back_link(tag) {
            self.start_dropping(tag, None);
            return true;
        }
        let is_expected = tag.name == "a" && std::mem::take(&mut self.is_note_expected);
        let Some(id) = media::footnote_ref(tag, is_expected) else {
            self.is_note_expected |= tag.name == "sup" && media::has_class(tag, &["footnote-ref"]);
            return false;
        };
        let href = attribute(tag, "href").and_then(|href| Href::parse_lenient(href).ok());
        self.start_dropping(tag, Some((id, Label { text: String::new(), href })));
        true
    }

    /// Takes text inside an element that is being dropped; false if none is.
    pub(super) fn drop_text(&mut self, text: &str) -> bool {
        let Some(dropping) = &mut self.dropping else { return false };
        let label = dropping.note.as_mut().map(|(_, label)| &mut label.text);
        if let Some(label) = label.or(dropping.marker.as_mut()) {
            let n_missing = MAX_LABEL_CHARS.saturating_sub(label.chars().count());
            label.extend(text.chars().filter(|c| !is_unwanted(*c)).take(n_missing));
        }
        true
    }

    /// Takes a start tag inside an element that is being dropped; false if none is.
    pub(super) fn drop_tag(&mut self, tag: &Tag<'_>) -> bool {
        let Some(dropping) = &mut self.dropping else { return false };
        if dropping.name == tag.key && !tag.is_self_closing {
            dropping.depth = dropping.depth.saturating_add(1);
        }
        if dropping.is_player {
            let is_found = self.played(tag);
            self.dropping.iter_mut().for_each(|dropping| dropping.is_player &= !is_found);
        }
        true
    }

    /// Takes an end tag inside an element that is being dropped, or that element's; false if none is.
    pub(super) fn drop_end(&mut self, tag: &Tag<'_>) -> bool {
        let Some(dropping) = &mut self.dropping else { return false };
        if dropping.name == tag.key {
            dropping.depth = dropping.depth.saturating_sub(1);
            if dropping.depth == 0
                && let Some(dropping) = self.dropping.take()
            {
                self.end_dropping(dropping, &tag.name);
            }
        }
        true
    }

    fn end_dropping(&mut self, dropping: Dropping, name: &str) {
        if dropping.is_player {
            self.warn(WarningCode::DroppedElement, name);
        }
        if let Some(marker) = &dropping.marker {
            self.draft.set_word_marker(word::is_ordered(marker));
        }
        if let Some((id, label)) = dropping.note {
            self.unseen_link = None;
            self.draft.push_note(id, label);
        }
    }
}
