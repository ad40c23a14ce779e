//! Where Markdown goes: into HTML, or without that detour to what reads HTML.

use crate::body::FromHtml;
use crate::body::from_html::Direct;

/// Takes Markdown in the terms of HTML.
pub(super) trait Out {
    /// Takes a start tag. `br`, `hr` and `img` have no end tag.
    fn start(&mut self, name: &'static str, attributes: &[(&'static str, &str)]);

    /// Takes an end tag.
    fn end(&mut self, name: &'static str);

    /// Takes text.
    fn text(&mut self, text: &str);

    /// Takes raw HTML.
    fn html(&mut self, html: &str);
}

/// Writes HTML, for Markdown that has HTML in it.
impl Out for String {
    fn start(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.push('<');
        self.push_str(name);
        attributes.iter().for_each(|(name, value)| push_attribute(self, name, value));
        self.push('>');
    }

    fn end(&mut self, name: &'static str) {
        self.push_str("</");
        self.push_str(name);
        self.push('>');
    }

    fn text(&mut self, text: &str) {
        push_references(self, text, |byte| matches!(byte, b'&' | b'<'));
    }

    fn html(&mut self, html: &str) {
        self.push_str(html);
    }
}

/// Tells the reader of HTML at once, for Markdown without HTML in it, which most is: to write tags only to take them apart
/// again takes longer than all the rest.
pub(super) struct Told {
    to: Direct,
    /// Text that came in pieces, as a page has it in one.
    text: String,
    /// Whether the reader was told of each of the open items and plain blocks.
    told: Vec<bool>,
}

impl Told {
    /// Returns whether the text of a Markdown document is what an HTML document would give, and none of it is HTML.
    pub(super) fn takes(markdown: &str) -> bool {
        !markdown.bytes().any(|byte| matches!(byte, b'<' | b'&' | b'\r' | 0))
    }

    /// Starts with a text of so many bytes.
    pub(super) fn new(n_bytes: usize) -> Self {
        Self { to: Direct::new(n_bytes), text: String::new(), told: Vec::new() }
    }

    /// Ends the text.
    pub(super) fn finish(mut self) -> FromHtml {
        self.tell_text();
        self.to.finish()
    }

    fn tell_text(&mut self) {
        if !self.text.is_empty() {
            self.to.text(&self.text);
            self.text.clear();
        }
    }
}

impl Out for Told {
    fn start(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.tell_text();
        // Of what would only start a line, the reader is told just that.
        let is_line = match kind(name) {
            Kind::Other => return self.to.start(name, attributes),
            Kind::Item => self.to.has_full_list(),
            Kind::Block => self.to.is_full(),
        };
        self.told.push(!is_line);
        if is_line { self.to.end_block() } else { self.to.start(name, attributes) }
    }

    fn end(&mut self, name: &'static str) {
        self.tell_text();
        let is_told = kind(name) == Kind::Other || self.told.pop().unwrap_or(true);
        if is_told { self.to.end(name) } else { self.to.end_block() }
    }

    fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn html(&mut self, html: &str) {
        // There is none.
        self.text(html);
    }
}

/// Which elements do nothing but start a line when there is more of them than a body may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An item: when its list is full.
    Item,
    /// A block: when the body is full.
    Block,
    /// None of them.
    Other,
}

fn kind(name: &str) -> Kind {
    match name {
        "li" => Kind::Item,
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "thead" | "tbody" | "tr" | "td" => Kind::Block,
        _ => Kind::Other,
    }
}

fn push_attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    push_references(out, value, |byte| matches!(byte, b'&' | b'"'));
    out.push('"');
}

/// Writes only what must be as references: reading those takes far longer than reading text.
fn push_references(out: &mut String, text: &str, is_syntax: impl Fn(u8) -> bool) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(&is_syntax) {
        let (before, found) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        out.push_str(match found.bytes().next() {
            Some(b'<') => "&lt;",
            Some(b'"') => "&quot;",
            _ => "&amp;",
        });
        rest = found.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}
