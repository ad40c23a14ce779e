//! What stands inside a block: marked text, links and line breaks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::flow::{is_blank, is_html_space, is_unwanted};
use crate::body::href::Href;
use crate::body::id::FootnoteId;
use crate::body::reference::ArticleRef;
use crate::input::Language;

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
    /// The number of a footnote.
    FootnoteRef(FootnoteRefInline),
}

/// Text whose every character has the same marks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"type": "text", "text": "The talks resumed", "marks": ["bold"]}))]
pub struct TextInline {
    /// The text, at most 1,048,576 characters. A newline in it is read as a line break and a tab as a space; other control
    /// characters are refused.
    #[schema(max_length = 1048576, example = "The talks resumed")]
    pub text: String,
    /// The marks, each at most once. None when left out; always present in answers, in a fixed order.
    #[schema(required = false, max_items = 8)]
    pub marks: Vec<Mark>,
    /// The language of the text as a BCP 47 tag, if it is another than the article's. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length = 35, example = "de")]
    pub lang: Option<Language>,
    /// The direction in which the text runs, if it has to be said. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<Direction>,
}

/// The direction in which a text runs: `ltr` (left to right), `rtl` (right to left), `auto` (as its first letters say, and
/// apart from the text around it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Left to right.
    Ltr,
    /// Right to left.
    Rtl,
    /// As its first letters say.
    Auto,
}

impl Direction {
    /// The names of all directions.
    pub(super) const NAMES: [&'static str; 3] = ["ltr", "rtl", "auto"];

    /// Returns the direction of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Ltr, Self::Rtl, Self::Auto].into_iter().find(|direction| direction.as_str() == name)
    }

    /// Returns the direction's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
            Self::Auto => "auto",
        }
    }
}

/// A link around text. It leads either to an address (`href`) or to an article of this site (`article`); exactly one of
/// the two is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "link", "href": "https://www.example.org/report", "title": null,
    "content": [{"type": "text", "text": "the report", "marks": []}]
}))]
pub struct LinkInline {
    /// Where the link leads: an absolute `http`, `https`, `mailto` or `tel` URL, a path on the same site that starts with
    /// one `/`, or a `#fragment`. Kept in the normal form of the URL standard, at most 4,096 characters. Absent if
    /// `article` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 4096, example = "https://www.example.org/report")]
    pub href: Option<Href>,
    /// The id of the article to which the link leads, wherever that article moves. In HTML the link has no address while the
    /// article is not published. Absent if `href` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid", example = json!(null))]
    pub article: Option<ArticleRef>,
    /// What is shown when the pointer rests on the link, at most 500 characters, or null.
    #[serde(default)]
    #[schema(max_length = 500, example = "The report as PDF")]
    pub title: Option<String>,
    /// What the target is to the article, each at most once. Absent if nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 4)]
    pub rel: Vec<LinkRel>,
    /// The text of the link and line breaks in it; some of it must be visible.
    #[schema(max_items = 100000)]
    pub content: Vec<LinkPart>,
}

/// What a link's target is to the article: `license` (its license), `nofollow` (not endorsed), `sponsored` (paid for), `ugc`
/// (written by readers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkRel {
    /// The license of the article or of something in it.
    License,
    /// Not endorsed.
    Nofollow,
    /// Paid for.
    Sponsored,
    /// Written by readers.
    Ugc,
}

impl LinkRel {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::License, Self::Nofollow, Self::Sponsored, Self::Ugc];

    /// The names of all, in the same order.
    pub(super) const NAMES: [&'static str; 4] = ["license", "nofollow", "sponsored", "ugc"];

    /// Returns the one of that name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        let n = Self::NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        Self::ALL.get(n).copied()
    }

    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::License => "license",
            Self::Nofollow => "nofollow",
            Self::Sponsored => "sponsored",
            Self::Ugc => "ugc",
        }
    }
}

/// The number of a footnote, where the text refers to it. The number follows from the order of the footnotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"type": "footnote_ref", "note": "census"}))]
pub struct FootnoteRefInline {
    /// The `id` of a note in a footnotes block of the same body.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "census")]
    pub note: FootnoteId,
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
/// (superscript), `small_caps` (small capitals).
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
    /// Small capitals.
    SmallCaps,
}

impl Mark {
    /// All marks, in the order in which they are listed and nested.
    pub const ALL: [Self; 8] =
        [Self::Bold, Self::Italic, Self::Underline, Self::Strike, Self::Code, Self::Sub, Self::Sup, Self::SmallCaps];

    /// The names of all marks, in the same order.
    pub(super) const NAMES: [&'static str; 8] =
        ["bold", "italic", "underline", "strike", "code", "sub", "sup", "small_caps"];

    /// Returns the mark of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().position(|known| *known == name).and_then(|n| Self::ALL.get(n)).copied()
    }
}

/// The longest title of a link, in characters.
pub(super) const MAX_TITLE_CHARS: usize = 500;

/// The longest text, in characters: as long as a body's HTML may be.
pub(super) const MAX_TEXT_CHARS: usize = 1_048_576;

/// Brings a text of one line into normal form: single spaces, none at the ends, nothing that cannot be shown.
pub(super) fn normal_line(text: &str, max_chars: usize) -> Option<String> {
    let shown: String =
        text.chars().map(|c| if is_html_space(c) { ' ' } else { c }).filter(|c| !is_unwanted(*c)).collect();
    let words: Vec<&str> = shown.split(' ').filter(|word| !word.is_empty()).collect();
    let short: String = words.join(" ").chars().take(max_chars).collect();
    let line = short.trim_matches([' ', '\u{a0}']);
    (!is_blank(line)).then(|| line.to_owned())
}

/// Appends the plain text of a content; a line break is a newline.
pub(super) fn push_text(out: &mut String, content: &[Inline]) {
    push_text_with(out, content, |_, _| {});
}

/// Appends the plain text of a content, and for references to footnotes what `push_ref` appends.
pub(super) fn push_text_with(out: &mut String, content: &[Inline], push_ref: impl Fn(&mut String, &FootnoteId)) {
    for inline in content {
        match inline {
            Inline::Text(text) => out.push_str(&text.text),
            Inline::LineBreak(_) => out.push('\n'),
            Inline::FootnoteRef(reference) => push_ref(out, &reference.note),
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
