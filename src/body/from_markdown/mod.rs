//! Reads Markdown into blocks; it never fails.
//!
//! CommonMark with the tables, strikethrough and footnotes of GitHub; no smart punctuation, no heading ids, no metadata.
//! pulldown-cmark takes the text apart, `translate` writes what it finds in the HTML that `to_html` documents, and
//! `from_html` reads that. So raw HTML in Markdown is read in its place and exactly as HTML is: what has a block becomes
//! one, what is dangerous is dropped, and what is lost is named in the warnings. `notes` names and orders the footnotes,
//! `limit` keeps the nesting within what can be read in linear time.
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
mod translate;

use pulldown_cmark::{Options, Parser};

use crate::body::{Body, FromHtml};

pub(super) use translate::ARTICLE_SCHEME;

impl Body {
    /// Reads Markdown, of whatever quality, with HTML in it or not.
    ///
    /// All text and all safe links are kept, but for cells of a table beyond the header's. Links of the form `article:ID`
    /// lead to the article of this site with that id. HTML in the text is read as `from_html` does; the warnings are of the
    /// same kinds.
    pub fn from_markdown(markdown: &str) -> FromHtml {
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
        let markdown = limit::limit(markdown);
        Self::from_html(&translate::to_html(Parser::new_ext(&markdown, options)))
    }
}

#[cfg(test)]
pub(super) use limit::limit;
