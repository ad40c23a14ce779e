//! Writes a body as HTML: semantic elements, no classes, no ids.
//!
//! Only the elements named here are written, all text and attribute values are escaped, and link targets were checked
//! when they were read. Links to the web carry `rel="noopener"`; links on the same site, to mailboxes and telephones do
//! not, and none opens a new window.

use crate::body::Body;
use crate::body::block::{Block, ListItem, QuoteBlock, QuotePart};
use crate::body::inline::{Inline, LinkInline, LinkPart, Mark, TextInline};

impl Body {
    /// Returns the body as HTML that is safe to put on a page as it is, one block a line.
    ///
    /// Reading it back with `from_html` gives equal blocks, but for ids that clients chose.
    pub fn to_html(&self) -> String {
        let mut out = String::new();
        for block in self.blocks() {
            if !out.is_empty() {
                out.push('\n');
            }
            push_block(&mut out, block);
        }
        out
    }
}

fn push_block(out: &mut String, block: &Block) {
    match block {
        Block::Paragraph(paragraph) => push_element(out, "p", &paragraph.content),
        Block::Heading(heading) => {
            let name = match heading.level {
                0..=2 => "h2",
                3 => "h3",
                4 => "h4",
                5 => "h5",
                _ => "h6",
            };
            push_element(out, name, &heading.content);
        }
        Block::List(list) => push_list(out, list.ordered, list.start, &list.items),
        Block::Quote(quote) => push_quote(out, quote),
    }
}

fn push_element(out: &mut String, name: &str, content: &[Inline]) {
    push_tag(out, "<", name);
    push_content(out, content);
    push_tag(out, "</", name);
}

fn push_tag(out: &mut String, open: &str, name: &str) {
    out.push_str(open);
    out.push_str(name);
    out.push('>');
}

fn push_list(out: &mut String, ordered: bool, start: Option<i32>, items: &[ListItem]) {
    match start {
        Some(start) if ordered => {
            out.push_str("<ol start=\"");
            out.push_str(&start.to_string());
            out.push_str("\">");
        }
        _ => out.push_str(if ordered { "<ol>" } else { "<ul>" }),
    }
    for item in items {
        out.push_str("<li>");
        push_content(out, &item.content);
        if let Some(list) = &item.list {
            push_list(out, list.ordered, list.start, &list.items);
        }
        out.push_str("</li>");
    }
    out.push_str(if ordered { "</ol>" } else { "</ul>" });
}

/// The HTML standard wants a quotation's source outside `blockquote`, as the caption of a figure.
fn push_quote(out: &mut String, quote: &QuoteBlock) {
    if quote.citation.is_some() {
        out.push_str("<figure>");
    }
    out.push_str("<blockquote>");
    for QuotePart::Paragraph(paragraph) in &quote.content {
        push_element(out, "p", &paragraph.content);
    }
    out.push_str("</blockquote>");
    if let Some(citation) = &quote.citation {
        push_element(out, "figcaption", citation);
        out.push_str("</figure>");
    }
}

fn push_content(out: &mut String, content: &[Inline]) {
    let mut marks = OpenMarks::default();
    for inline in content {
        match inline {
            Inline::Text(text) => marks.push_text(out, text),
            Inline::LineBreak(_) => out.push_str("<br>"),
            Inline::Link(link) => {
                marks.close_from(out, 0);
                push_link(out, link);
            }
        }
    }
    marks.close_from(out, 0);
}

fn push_link(out: &mut String, link: &LinkInline) {
    out.push_str("<a href=\"");
    push_escaped(out, link.href.as_str());
    if let Some(title) = &link.title {
        out.push_str("\" title=\"");
        push_escaped(out, title);
    }
    out.push_str(if link.href.is_absolute_web() { "\" rel=\"noopener\">" } else { "\">" });
    let mut marks = OpenMarks::default();
    for part in &link.content {
        match part {
            LinkPart::Text(text) => marks.push_text(out, text),
            LinkPart::LineBreak(_) => out.push_str("<br>"),
        }
    }
    marks.close_from(out, 0);
    out.push_str("</a>");
}

/// The mark elements that are open, outermost first.
#[derive(Default)]
struct OpenMarks(Vec<Mark>);

impl OpenMarks {
    fn push_text(&mut self, out: &mut String, text: &TextInline) {
        let n_kept = self.0.iter().take_while(|mark| text.marks.contains(mark)).count();
        self.close_from(out, n_kept);
        for mark in &text.marks {
            if !self.0.contains(mark) {
                push_tag(out, "<", element(*mark));
                self.0.push(*mark);
            }
        }
        push_escaped(out, &text.text);
    }

    fn close_from(&mut self, out: &mut String, n_kept: usize) {
        for mark in self.0.drain(n_kept.min(self.0.len())..).rev() {
            push_tag(out, "</", element(mark));
        }
    }
}

fn element(mark: Mark) -> &'static str {
    match mark {
        Mark::Bold => "strong",
        Mark::Italic => "em",
        Mark::Underline => "u",
        Mark::Strike => "s",
        Mark::Code => "code",
        Mark::Sub => "sub",
        Mark::Sup => "sup",
    }
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Invisible otherwise, and lost by editors that do not expect it.
            '\u{a0}' => out.push_str("&nbsp;"),
            _ => out.push(c),
        }
    }
}
