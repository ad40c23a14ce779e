//! Plain text and what is counted in it.
//!
//! Words and characters are those of Unicode's text segmentation (UAX 29): Persian words joined by a zero-width non-joiner
//! are one, a Han character is one, an emoji with its modifiers is one character.

use unicode_segmentation::UnicodeSegmentation;

use crate::body::Body;
use crate::body::block::{Block, ListItem, QuotePart};
use crate::body::inline::{Inline, push_text};

/// How many words an adult reads in a minute, on average, in the languages for which it was measured.
const WORDS_PER_MINUTE: u32 = 230;

/// Stands where an excerpt was cut.
const ELLIPSIS: char = '…';

impl Body {
    /// Returns the body as plain text: blocks are separated by blank lines, list items by newlines.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for block in self.blocks() {
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            match block {
                Block::Paragraph(paragraph) => push_text(&mut out, &paragraph.content),
                Block::Heading(heading) => push_text(&mut out, &heading.content),
                Block::List(list) => push_items(&mut out, list.ordered, list.start, &list.items, ""),
                Block::Quote(quote) => {
                    let parts: Vec<String> = quote
                        .content
                        .iter()
                        .map(|QuotePart::Paragraph(paragraph)| paragraph.text())
                        .chain(quote.citation.as_deref().map(|citation| format!("— {}", plain(citation))))
                        .collect();
                    out.push_str(&parts.join("\n\n"));
                }
            }
        }
        out
    }

    /// Returns the number of words.
    pub fn word_count(&self) -> u32 {
        let n_words = self.blocks().iter().map(|block| block.text().unicode_words().count()).sum::<usize>();
        u32::try_from(n_words).unwrap_or(u32::MAX)
    }

    /// Returns how many minutes it takes to read the body: 0 when it is empty, otherwise at least 1.
    pub fn reading_minutes(&self) -> u32 {
        if self.is_empty() { 0 } else { self.word_count().div_ceil(WORDS_PER_MINUTE).max(1) }
    }

    /// Returns the beginning of the text in at most so many characters, on one line.
    ///
    /// It is taken from the paragraphs, or from all blocks when there is none, and cut after a word; where something was
    /// cut an ellipsis stands, which counts. A character is what a reader sees as one.
    pub fn excerpt(&self, max_chars: usize) -> String {
        let mut text = String::new();
        let has_paragraph = self.blocks().iter().any(|block| matches!(block, Block::Paragraph(_)));
        for block in self.blocks() {
            if has_paragraph && !matches!(block, Block::Paragraph(_)) {
                continue;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&block.text().replace('\n', " "));
            if text.graphemes(true).nth(max_chars).is_some() {
                return shorten(&text, max_chars);
            }
        }
        text
    }
}

/// Cuts a text that is longer than `max_chars`.
fn shorten(text: &str, max_chars: usize) -> String {
    let Some(room) = max_chars.checked_sub(1) else {
        return String::new();
    };
    let limit = text.grapheme_indices(true).nth(room).map_or(text.len(), |(at, _)| at);
    let word_end = text
        .split_word_bound_indices()
        .map(|(at, word)| at + word.len())
        .take_while(|end| *end <= limit)
        .last()
        .and_then(|end| text.get(..end))
        .map(trim_cut)
        .filter(|kept| !kept.is_empty());
    // A single word that does not fit is cut where it must be.
    let kept = word_end.or_else(|| text.get(..limit)).unwrap_or_default();
    let mut out = kept.to_owned();
    out.push(ELLIPSIS);
    out
}

/// Drops the space and the punctuation that would look odd before an ellipsis.
fn trim_cut(text: &str) -> &str {
    text.trim_end_matches(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ',' | ';' | ':' | '.' | '…' | '-' | '–' | '—' | '(' | '[' | '“' | '«' | '،' | '؛' | '、' | '，'
            )
    })
}

fn plain(content: &[Inline]) -> String {
    let mut out = String::new();
    push_text(&mut out, content);
    out
}

fn push_items(out: &mut String, ordered: bool, start: Option<i32>, items: &[ListItem], indent: &str) {
    let mut number = start.unwrap_or(1);
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        let marker = if ordered { format!("{number}. ") } else { "- ".to_owned() };
        let deeper = format!("{indent}{}", " ".repeat(marker.len()));
        out.push_str(indent);
        out.push_str(&marker);
        out.push_str(&plain(&item.content).replace('\n', &format!("\n{deeper}")));
        if let Some(list) = &item.list {
            out.push('\n');
            push_items(out, list.ordered, list.start, &list.items, &deeper);
        }
        number = number.saturating_add(1);
    }
}
