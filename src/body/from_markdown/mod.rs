//! Reads Markdown into blocks; it fails only if there are more parts than any article has.
//!
//! CommonMark with the tables, strikethrough and footnotes of GitHub; no smart punctuation, no heading ids, no metadata.
//! pulldown-cmark takes the text apart, `translate` says what it finds in the terms of the HTML that `to_html` documents,
//! and `from_html` reads that. So raw HTML in Markdown is read in its place and exactly as HTML is: what has a block becomes
//! one, what is dangerous is dropped, and what is lost is named in the warnings. Where there is none, no HTML is written
//! either: `out`. `notes` names and orders the footnotes, `limit` keeps the nesting within what can be read in linear time.
//!
//! | Markdown | Block |
//! |---|---|
//! | `#` … `######` | heading, levels as `from_html` reads `h1` … `h6` |
//! | `-`, `1.`, nested | list |
//! | `>` | quote |
//! | a fence with a language, an indented text | code |
//! | `![what it shows](url "caption")` as a paragraph, in a link or not | image |
//! | a table | table with one header row |
//! | `---` | divider |
//! | `[^name]`, `[^name]: text` | footnotes, at the end of the body, in the order in which the text refers to them |
//! | `[text](article:ID)` | link to an article of this site by its id |
//! | HTML | what `from_html` reads in it |

mod limit;
mod notes;
mod out;
mod translate;

use pulldown_cmark::{Options, Parser};

use crate::body::{Body, FromHtml};

pub(super) use translate::ARTICLE_SCHEME;

/// The most parts that a Markdown text may have: blocks, items, rows, cells, links, marks, line ends, pictures and the
/// pieces of text between them.
///
/// A megabyte may have two million of them, the longest articles have some thousands. HTML needs no such bound, since
/// nobody else's parser reads it.
pub const MAX_PARTS: usize = 125_000;

/// A Markdown text has more than `MAX_PARTS` parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "has more than {MAX_PARTS} blocks, items, cells, links, marks and lines, or {MAX_SIGNS} characters that may stand for \
     some; split it, or send it as HTML"
)]
pub struct TooManyParts;

/// The most characters that pulldown-cmark has to remember until it knows whether they mean anything. It takes some hundred
/// bytes for each.
const MAX_SIGNS: usize = 2 * MAX_PARTS;

/// Returns whether a byte may begin, end or separate a part.
fn is_sign(byte: &u8) -> bool {
    matches!(byte, b'*' | b'_' | b'~' | b'[' | b']' | b'`' | b'\\' | b'&' | b'<' | b'|' | b'\n' | b'\r')
}

impl Body {
    /// Reads Markdown, of whatever quality, with HTML in it or not.
    ///
    /// All text and all safe links are kept, but for cells of a table beyond the header's. Links of the form `article:ID`
    /// lead to the article of this site with that id. HTML in the text is read as `from_html` does; the warnings are of the
    /// same kinds.
    ///
    /// # Errors
    /// When there are more than `MAX_PARTS` parts, or so many signs that there may be.
    pub fn from_markdown(markdown: &str) -> Result<FromHtml, TooManyParts> {
        if markdown.bytes().filter(is_sign).count() > MAX_SIGNS {
            return Err(TooManyParts);
        }
        let markdown = limit::limit(markdown);
        if out::Told::takes(&markdown) {
            return Ok(translate::translate(events(&markdown), out::Told::new(markdown.len()))?.finish());
        }
        Ok(Self::from_html(&translate::translate(events(&markdown), String::new())?))
    }
}

fn events(markdown: &str) -> Parser<'_> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES)
}

/// Reads any Markdown in the way of that with HTML in it.
#[cfg(test)]
pub(super) fn by_html(markdown: &str) -> FromHtml {
    Body::from_html(&translate::translate(events(&limit::limit(markdown)), String::new()).unwrap())
}

#[cfg(test)]
pub(super) use limit::limit;
