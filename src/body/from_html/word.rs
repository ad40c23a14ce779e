//! Lists as Word writes them: paragraphs that say in their style at which level of which list they stand, and that begin with
//! a marker that is to be ignored where lists are known.

use crate::body::MAX_LIST_DEPTH;
use crate::body::from_html::elements::Role;
use crate::body::from_html::open::{Effect, Open};
use crate::body::from_html::reader::Reader;
use crate::body::from_html::tokens::{Tag, attribute};

impl Reader {
    /// Opens a paragraph as an item of a list that nothing else opens or ends; false if it is none.
    pub(super) fn open_word_item(&mut self, role: Role, tag: &Tag<'_>) -> bool {
        let Some(level) = self.word_list(tag).and_then(level).filter(|_| role == Role::Paragraph) else {
            return false;
        };
        self.start_block(role, &tag.key);
        if !self.draft.open_word_item(level.saturating_sub(1).min(MAX_LIST_DEPTH)) {
            return false;
        }
        let slot = self.open_style(role, tag);
        self.open.push(Open { key: tag.key.clone(), role, slot, effect: Effect::WordItem });
        true
    }

    /// Returns whether an element is the marker of an item.
    pub(super) fn is_word_marker(&self, tag: &Tag<'_>) -> bool {
        self.word_list(tag).is_some_and(|list| list.eq_ignore_ascii_case("ignore"))
    }

    /// Returns what an element's style says of a list.
    fn word_list<'a>(&self, tag: &'a Tag<'_>) -> Option<&'a str> {
        let style = attribute(tag, "style").filter(|_| self.is_word)?;
        style.split(';').find_map(|says| says.trim().strip_prefix("mso-list:")).map(str::trim)
    }
}

/// Reads the level in `l0 level1 lfo1`.
fn level(list: &str) -> Option<usize> {
    list.split_ascii_whitespace().find_map(|word| word.strip_prefix("level")?.parse().ok())
}

/// Returns whether a marker is a number or a letter; one of Word's bullets is the letter o.
pub(super) fn is_ordered(marker: &str) -> bool {
    let marker = marker.trim_matches(|c: char| c.is_whitespace() || c == '(');
    marker != "o" && marker.starts_with(char::is_alphanumeric)
}
