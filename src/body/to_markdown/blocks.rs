//! Writes blocks.

use crate::body::block::{
    Block, BlockView, CodeBlock, FootnotesBlock, HeadingBlock, ImageView, ListItem, NestedList, QuoteBlock, TableBlock,
    TableRow,
};
use crate::body::inline::{Inline, TextInline};
use crate::body::to_markdown::Writer;
use crate::body::to_markdown::escape::{Place, escape_line, escape_title, escape_url};

/// The largest number of an item that Markdown has.
const MAX_NUMBER: i64 = 999_999_999;

/// A list as far as its markers are concerned: whether it is ordered, and whether its markers are the other ones. A list
/// right behind one of its kind needs others, or the two would be one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ListKind {
    ordered: bool,
    is_other: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn body(&mut self, blocks: &'a [Block]) -> String {
        self.blocks(blocks.iter().map(Block::view))
    }

    /// Writes blocks with an empty line between them; the types bound the recursion.
    fn blocks(&mut self, blocks: impl Iterator<Item = BlockView<'a>>) -> String {
        let mut out = String::new();
        let mut before: Option<ListKind> = None;
        for block in blocks {
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            let written = match block {
                BlockView::List(list) if is_markdown_list(list.ordered, list.start, &list.items) => {
                    let ordered = list.ordered;
                    let is_other = before.is_some_and(|before| before.ordered == ordered && !before.is_other);
                    before = Some(ListKind { ordered, is_other });
                    self.list(ListKind { ordered, is_other }, list.start, &list.items)
                }
                _ => {
                    before = None;
                    self.block(block).unwrap_or_else(|| self.html_block(block))
                }
            };
            out.push_str(&written);
        }
        out
    }

    /// Writes a block; nothing if Markdown cannot say it.
    fn block(&mut self, block: BlockView<'a>) -> Option<String> {
        match block {
            BlockView::Paragraph(paragraph) => Some(self.content(&paragraph.content, Place::Paragraph)),
            BlockView::Heading(heading) => Some(self.heading(heading)),
            BlockView::Quote(quote) => self.quote(quote),
            BlockView::Image(image) => self.image(image.view()),
            BlockView::Table(table) => self.table(table),
            BlockView::Code(code) => Some(fenced(code)),
            // Three dashes at the start of a text are read as something else by many tools.
            BlockView::Divider(_) => Some("***".to_owned()),
            BlockView::Footnotes(footnotes) => self.footnotes(footnotes),
            _ => None,
        }
    }

    /// Writes a block as HTML. It stands on one line, because an empty line would end it; but `pre` does not end so.
    fn html_block(&mut self, block: BlockView<'a>) -> String {
        let html = self.html.single(block);
        if matches!(block, BlockView::Preformatted(_)) { html } else { html.replace('\n', "&#10;") }
    }

    fn heading(&mut self, heading: &'a HeadingBlock) -> String {
        let level = usize::from(heading.level.clamp(1, 6));
        format!("{} {}", "#".repeat(level), self.content(&heading.content, Place::Heading))
    }

    /// Writes a list; lists are at most `MAX_LIST_DEPTH` deep.
    fn list(&mut self, kind: ListKind, start: Option<i32>, items: &'a [ListItem]) -> String {
        let mut number = i64::from(start.unwrap_or(1));
        let mut out = String::new();
        for item in items {
            if !out.is_empty() {
                out.push('\n');
            }
            let marker = match kind {
                ListKind { ordered: true, is_other: false } => format!("{number}. "),
                ListKind { ordered: true, is_other: true } => format!("{number}) "),
                ListKind { ordered: false, is_other: false } => "- ".to_owned(),
                ListKind { ordered: false, is_other: true } => "* ".to_owned(),
            };
            number = number.saturating_add(1);
            let mut content = self.content(&item.content, Place::Paragraph);
            if let Some(list) = &item.list {
                let NestedList { ordered, start, items } = list.as_ref();
                if !content.is_empty() {
                    // Only a list that starts with 1 may follow a text without an empty line.
                    let is_close = !ordered || start.is_none_or(|start| start == 1);
                    content.push_str(if is_close { "\n" } else { "\n\n" });
                }
                content.push_str(&self.list(ListKind { ordered: *ordered, is_other: false }, *start, items));
            }
            out.push_str(&marker);
            push_indented(&mut out, &content, &" ".repeat(marker.len()));
        }
        out
    }

    fn quote(&mut self, quote: &'a QuoteBlock) -> Option<String> {
        if quote.citation.is_some() {
            return None;
        }
        let content = self.blocks(BlockView::Quote(quote).parts().into_iter());
        let lines = content.split('\n').map(|line| if line.is_empty() { ">".to_owned() } else { format!("> {line}") });
        Some(lines.collect::<Vec<String>>().join("\n"))
    }

    fn image(&self, image: ImageView<'a>) -> Option<String> {
        let has_more = image.media.is_some()
            || image.credit.is_some()
            || image.width.is_some()
            || image.height.is_some()
            // Markdown does not tell a picture that says nothing from one that nobody has described.
            || image.alt == Some("");
        let caption = match image.caption {
            None => None,
            Some(content) => Some(plain_text(content)?),
        };
        let url = image.url.filter(|_| !has_more)?;
        let alt = escape_line(image.alt.unwrap_or_default());
        let title = caption.map(|caption| format!(" \"{}\"", escape_title(caption, Place::Paragraph)));
        let url = escape_url(&self.html.single_address(url), Place::Paragraph);
        let markdown = format!("![{alt}]({url}{})", title.unwrap_or_default());
        Some(match image.link {
            Some(link) => {
                let link = escape_url(&self.html.single_address(link), Place::Paragraph);
                format!("[{markdown}]({link})")
            }
            None => markdown,
        })
    }

    fn table(&mut self, table: &'a TableBlock) -> Option<String> {
        let n_columns = table.rows.first()?.cells.len();
        let is_plain = |row: &TableRow| {
            row.cells.len() == n_columns && row.cells.iter().all(|cell| cell.column_span == 1 && cell.row_span == 1)
        };
        let has_more = table.caption.is_some() || table.header_rows != 1 || table.header_columns != 0;
        if has_more || !table.rows.iter().all(is_plain) {
            return None;
        }
        let mut out = String::new();
        for (n, row) in table.rows.iter().enumerate() {
            if n > 0 {
                out.push('\n');
            }
            for cell in &row.cells {
                out.push_str("| ");
                out.push_str(&self.content(&cell.content, Place::Cell));
                out.push(' ');
            }
            out.push('|');
            if n == 0 {
                out.push('\n');
                out.push_str(&"| --- ".repeat(n_columns));
                out.push('|');
            }
        }
        Some(out)
    }

    fn footnotes(&mut self, block: &'a FootnotesBlock) -> Option<String> {
        if !self.has_markdown_notes {
            return None;
        }
        let mut out = String::new();
        for note in &block.notes {
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            out.push_str(&format!("[^{}]: ", note.id));
            push_indented(&mut out, &self.content(&note.content, Place::Paragraph), "    ");
        }
        Some(out)
    }
}

/// Returns whether Markdown can have a list: its numbers are neither negative nor too large.
fn is_markdown_list(ordered: bool, start: Option<i32>, items: &[ListItem]) -> bool {
    let start = i64::from(start.unwrap_or(1));
    let end = start.saturating_add(i64::try_from(items.len()).unwrap_or(i64::MAX));
    let is_nested_fine = |list: &NestedList| is_markdown_list(list.ordered, list.start, &list.items);
    (!ordered || (start >= 0 && end <= MAX_NUMBER))
        && items.iter().all(|item| item.list.as_deref().is_none_or(is_nested_fine))
}

/// Writes code in a fence that is longer than any in it.
fn fenced(code: &CodeBlock) -> String {
    let longest = code.text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.saturating_add(1).max(3));
    format!("{fence}{}\n{}\n{fence}", code.language.as_deref().unwrap_or_default(), code.text)
}

/// Returns a content's text if it is nothing but text.
fn plain_text(content: &[Inline]) -> Option<&str> {
    match content {
        [Inline::Text(TextInline { text, marks, lang: None, dir: None })] if marks.is_empty() => Some(text),
        _ => None,
    }
}

/// Appends lines, all but the first one indented.
fn push_indented(out: &mut String, lines: &str, indent: &str) {
    for (n, line) in lines.split('\n').enumerate() {
        if n > 0 {
            out.push('\n');
            if !line.is_empty() {
                out.push_str(indent);
            }
        }
        out.push_str(line);
    }
}
