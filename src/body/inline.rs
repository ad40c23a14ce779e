//! What stands inside a block: marked text, links and line breaks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::flow::{is_blank, is_html_space, is_unwanted};
use crate::body::href::Href;

/// One piece of a block's content; `type` says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Inline {
    /// Text with marks.
    Text(TextInline),
    /// A link around text.
    Link(LinkInline),
    /// A line break inside the block.
    LineBreak(LineBreakInline),
}

/// Text whose every character has the same marks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"type": "text", "text": "The talks resumed", "marks": ["bold"]}))]
pub struct TextInline {
    /// The text. A newline in it is read as a line break and a tab as a space; other control characters are refused.
    #[schema(example = "The talks resumed")]
    pub text: String,
    /// The marks, each at most once. None when left out; always present in answers, in a fixed order.
    #[schema(required = false)]
    pub marks: Vec<Mark>,
}

/// A link around text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "link", "href": "https://www.example.org/report", "title": null,
    "content": [{"type": "text", "text": "the report", "marks": []}]
}))]
pub struct LinkInline {
    /// Where the link leads: an absolute `http`, `https`, `mailto` or `tel` URL, a path on the same site that starts with
    /// one `/`, or a `#fragment`. Kept in the normal form of the URL standard, at most 4,096 characters.
    #[schema(value_type = String, max_length = 4096, example = "https://www.example.org/report")]
    pub href: Href,
    /// What is shown when the pointer rests on the link, at most 500 characters, or null.
    #[schema(max_length = 500, example = "The report as PDF")]
    pub title: Option<String>,
    /// The text of the link and line breaks in it; some of it must be visible.
    pub content: Vec<LinkPart>,
}

/// A line break inside a block. Those at the ends of a block are dropped, and several in a row are one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"type": "line_break"}))]
pub struct LineBreakInline {}

/// One piece of a link's content; `type` says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LinkPart {
    /// Text with marks.
    Text(TextInline),
    /// A line break inside the link.
    LineBreak(LineBreakInline),
}

/// How a text is set off: `bold`, `italic`, `underline`, `strike` (no longer valid), `code`, `sub` (subscript), `sup`
/// (superscript).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Set in bold.
    Bold,
    /// Set in italics.
    Italic,
    /// Underlined.
    Underline,
    /// Struck through: no longer valid.
    Strike,
    /// Computer code.
    Code,
    /// Subscript.
    Sub,
    /// Superscript.
    Sup,
}

impl Mark {
    /// All marks, in the order in which they are listed and nested.
    pub const ALL: [Self; 7] =
        [Self::Bold, Self::Italic, Self::Underline, Self::Strike, Self::Code, Self::Sub, Self::Sup];

    /// The names of all marks, in the same order.
    pub(super) const NAMES: [&'static str; 7] = ["bold", "italic", "underline", "strike", "code", "sub", "sup"];

    /// Returns the mark of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().position(|known| *known == name).and_then(|n| Self::ALL.get(n)).copied()
    }
}

/// The longest title of a link, in characters.
pub(super) const MAX_TITLE_CHARS: usize = 500;

/// Brings the title of a link into normal form: single spaces, none at the ends, nothing that cannot be shown.
pub(super) fn normal_title(text: &str) -> Option<String> {
    let shown: String =
        text.chars().map(|c| if is_html_space(c) { ' ' } else { c }).filter(|c| !is_unwanted(*c)).collect();
    let words: Vec<&str> = shown.split(' ').filter(|word| !word.is_empty()).collect();
    let short: String = words.join(" ").chars().take(MAX_TITLE_CHARS).collect();
    let title = short.trim_end_matches(' ');
    (!is_blank(title)).then(|| title.to_owned())
}

/// Appends the plain text of a content; a line break is a newline.
pub(super) fn push_text(out: &mut String, content: &[Inline]) {
    for inline in content {
        match inline {
            Inline::Text(text) => out.push_str(&text.text),
            Inline::LineBreak(_) => out.push('\n'),
            Inline::Link(link) => {
                for part in &link.content {
                    match part {
                        LinkPart::Text(text) => out.push_str(&text.text),
                        LinkPart::LineBreak(_) => out.push('\n'),
                    }
                }
            }
        }
    }
}
