//! Plain text and what is counted in it.
//!
//! Words and characters are those of Unicode's text segmentation (UAX 29): Persian words joined by a zero-width non-joiner
//! are one, a Han character is one, an emoji with its modifiers is one character.

use unicode_segmentation::UnicodeSegmentation;

use crate::body::Body;
use crate::body::block::{Block, BlockView, ImageView, ListItem, TableBlock};
use crate::body::footnotes::Numbers;
use crate::body::inline::{Inline, push_text_with};

/// How many words an adult reads in a minute, on average, in the languages for which it was measured.
const WORDS_PER_MINUTE: u32 = 230;

/// Stands where an excerpt was cut.
const ELLIPSIS: char = '…';

impl Body {
    /// Returns the body as plain text: blocks are separated by blank lines, list items and rows by newlines. References to
    /// footnotes are numbers in square brackets.
    pub fn to_text(&self) -> String {
        let writer = Writer { numbers: Numbers::of(self) };
        let mut out = String::new();
        for block in self.blocks() {
            push_paragraph(&mut out, &writer.block(block.view()));
        }
        out
    }

    /// Returns the number of words.
    pub fn word_count(&self) -> u32 {
        let n_words = self.blocks().iter().map(|block| n_words(&block.text())).sum::<usize>();
        u32::try_from(n_words).unwrap_or(u32::MAX)
    }

    /// Returns how many minutes it takes to read the body: 0 when it is empty, otherwise at least 1.
    pub fn reading_minutes(&self) -> u32 {
        self.counts().1
    }

    /// Returns the number of words and how many minutes it takes to read them, counted once.
    pub fn counts(&self) -> (u32, u32) {
        let n_words = self.word_count();
        (n_words, if self.is_empty() { 0 } else { n_words.div_ceil(WORDS_PER_MINUTE).max(1) })
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
            // As many bytes are as many characters at most, so that what is short need not be counted.
            if text.len() > max_chars && text.graphemes(true).nth(max_chars).is_some() {
                return shorten(&text, max_chars);
            }
        }
        text
    }
}

/// Returns the number of words in a text. No word goes across a space, and what is between two is mostly a word of plain
/// letters, for which no tables need be asked.
pub(super) fn n_words(text: &str) -> usize {
    let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.split(' ').map(|part| if is_plain(part) { 1 } else { part.unicode_words().count() }).sum()
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

fn push_paragraph(out: &mut String, text: &str) {
    if text.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push_str("\n\n");
    }
    out.push_str(text);
}

/// Stands for a divider.
const DIVIDER: &str = "* * *";

/// Writes blocks as plain text.
struct Writer<'a> {
    numbers: Numbers<'a>,
}

impl Writer<'_> {
    /// Returns the text of a block; the types bound the recursion.
    fn block(&self, block: BlockView<'_>) -> String {
        let mut out = String::new();
        match block {
            BlockView::Paragraph(paragraph) => return self.plain(&paragraph.content),
            BlockView::Heading(heading) => return self.plain(&heading.content),
            BlockView::List(list) => self.items(&mut out, list.ordered, list.start, &list.items, ""),
            BlockView::Quote(quote) => {
                self.parts(&mut out, block);
                push_paragraph(&mut out, &self.citation(quote.citation.as_deref()));
            }
            BlockView::PullQuote(quote) => {
                out = self.plain(&quote.content);
                push_paragraph(&mut out, &self.citation(quote.citation.as_deref()));
            }
            BlockView::Image(image) => return self.image(image.view()),
            BlockView::Gallery(gallery) => {
                gallery.images.iter().for_each(|image| push_paragraph(&mut out, &self.image(image.view())));
                push_paragraph(&mut out, &self.caption(gallery.caption.as_deref()));
            }
            BlockView::Embed(embed) => {
                out.push_str(embed.title.as_deref().unwrap_or_default());
                push_line(&mut out, embed.url.as_str());
                push_line(&mut out, &self.caption(embed.caption.as_deref()));
            }
            BlockView::Table(table) => return self.table(table),
            BlockView::Code(code) => out.push_str(&code.text),
            BlockView::Preformatted(block) => out.push_str(&block.text),
            BlockView::Divider(_) => out.push_str(DIVIDER),
            BlockView::Note(_) => self.parts(&mut out, block),
            // Its title is not known here.
            BlockView::RelatedArticle(_) => {}
            BlockView::Details(details) => {
                out = self.plain(&details.summary);
                self.parts(&mut out, block);
            }
            BlockView::Footnotes(footnotes) => {
                for note in &footnotes.notes {
                    let number = self.numbers.number(&note.id).unwrap_or_default();
                    push_line(&mut out, &format!("[{number}] {}", self.plain(&note.content)));
                }
            }
        }
        out
    }

    fn parts(&self, out: &mut String, block: BlockView<'_>) {
        block.parts().into_iter().for_each(|part| push_paragraph(out, &self.block(part)));
    }

    fn plain(&self, content: &[Inline]) -> String {
        let mut out = String::new();
        push_text_with(&mut out, content, |out, note| {
            let number = self.numbers.number(note).unwrap_or_default();
            out.push_str(&format!("[{number}]"));
        });
        out
    }

    fn caption(&self, caption: Option<&[Inline]>) -> String {
        caption.map(|caption| self.plain(caption)).unwrap_or_default()
    }

    fn citation(&self, citation: Option<&[Inline]>) -> String {
        citation.map(|citation| format!("— {}", self.plain(citation))).unwrap_or_default()
    }

    fn image(&self, image: ImageView<'_>) -> String {
        let mut out = self.caption(image.caption);
        if let Some(credit) = image.credit {
            out.push_str(if out.is_empty() { "(" } else { " (" });
            out.push_str(credit);
            out.push(')');
        }
        out
    }

    fn table(&self, table: &TableBlock) -> String {
        let mut out = self.caption(table.caption.as_deref());
        for row in &table.rows {
            let cells: Vec<String> =
                row.cells.iter().map(|cell| self.plain(&cell.content).replace('\n', " ")).collect();
            push_line(&mut out, &cells.join(CELL_SEPARATOR));
        }
        out
    }

    fn items(&self, out: &mut String, ordered: bool, start: Option<i32>, items: &[ListItem], indent: &str) {
        let mut number = start.unwrap_or(1);
        for (n, item) in items.iter().enumerate() {
            if n > 0 {
                out.push('\n');
            }
            let marker = if ordered { format!("{number}. ") } else { "- ".to_owned() };
            let deeper = format!("{indent}{}", " ".repeat(marker.len()));
            out.push_str(indent);
            out.push_str(&marker);
            out.push_str(&self.plain(&item.content).replace('\n', &format!("\n{deeper}")));
            if let Some(list) = &item.list {
                out.push('\n');
                self.items(out, list.ordered, list.start, &list.items, &deeper);
            }
            number = number.saturating_add(1);
        }
    }
}

/// Stands between the cells of a row.
const CELL_SEPARATOR: &str = " | ";

fn push_line(out: &mut String, line: &str) {
    if line.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(line);
}
