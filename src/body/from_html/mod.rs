//! Reads HTML from editors, word processors and old systems into blocks; it never fails.
//!
//! `tokens` takes the text apart as html5ever's tokenizer does; html5ever's tree builder is not used, because the time it
//! takes is not linear for deeply nested or badly nested input. `reader` follows the tokens with stacks of its own (no
//! recursion, every end tag answered in constant time), and `draft` makes the blocks. `elements` says what each element
//! means, `style` reads the few CSS properties that carry meaning.
//!
//! What is kept: all text that a page would show, with its links and marks. What has no block of its own becomes
//! paragraphs: a table's rows, definition lists, captions. What cannot be kept is named in the warnings.

mod budget;
mod direct;
mod draft;
mod dropping;
mod effects;
mod elements;
mod formatting;
mod link;
mod media;
mod names;
mod open;
mod reader;
mod style;
mod tokens;
mod word;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::body::from_html::reader::{Reader, Unclosed};

/// A body that was read from HTML, and what could not be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FromHtml {
    /// The body.
    pub body: Body,
    /// What was dropped or simplified, each kind once, in the order in which it came up.
    pub warnings: Vec<Warning>,
}

/// Something that could not be kept when a text was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"code": "dropped_element", "detail": "script", "pointer": "/body_blocks/3"}))]
pub struct Warning {
    /// What kind of loss it is.
    pub code: WarningCode,
    /// What was lost: the element's name for `dropped_element` and `simplified_element`, the start of the address for
    /// `removed_link`, `empty_link`, `dropped_image`, `dropped_embed` and `tracking_pixel`, a sentence otherwise.
    #[schema(max_length = 200, example = "script")]
    pub detail: String,
    /// Where it stood for the first time: a JSON pointer to the block of the result, or null if there is none.
    #[serde(default)]
    #[schema(example = "/body_blocks/3")]
    pub pointer: Option<String>,
}

/// What kind of loss a warning tells of.
///
/// - `dropped_element`: elements of this name were dropped with their content.
/// - `simplified_element`: the text of these elements was kept, their form was not.
/// - `removed_link`: a link with an unsafe or unusable target was removed; its text was kept.
/// - `empty_link`: a link without text was removed.
/// - `dropped_image`: a picture without a usable address, or where none can stand, was dropped.
/// - `dropped_embed`: a frame of an unknown provider was dropped.
/// - `tracking_pixel`: an invisible picture was dropped.
/// - `merged_blocks`: there were too many blocks; the text of the last ones was joined into one paragraph.
/// - `more_warnings`: there was more to warn of than is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// Elements of this name were dropped with their content.
    DroppedElement,
    /// The text of these elements was kept, their form was not.
    SimplifiedElement,
    /// A link with an unsafe or unusable target was removed; its text was kept.
    RemovedLink,
    /// A link without text was removed.
    EmptyLink,
    /// A picture without a usable address, or where none can stand, was dropped.
    DroppedImage,
    /// A frame of an unknown provider was dropped.
    DroppedEmbed,
    /// An invisible picture was dropped.
    TrackingPixel,
    /// There were too many blocks; the text of the last ones was joined into one paragraph.
    MergedBlocks,
    /// There was more to warn of than is listed.
    MoreWarnings,
}

impl Body {
    /// Reads HTML: a fragment or a whole page, of whatever quality.
    ///
    /// All text and all safe links are kept. Scripts, styles, forms' controls and embedded content are dropped and named in the
    /// warnings, and so are links that do not lead to the web, a mailbox, a telephone or a path on the same site. `h1` is
    /// read as level 2; two line breaks in a row start a new paragraph; lists nested deeper than 8 are flattened.
    pub fn from_html(html: &str) -> FromHtml {
        // Word says of all text in which language it is.
        let is_word = ["class=Mso", "class=\"Mso", "mso-"].iter().any(|sign| html.contains(sign));
        let reader = tokenize(html, Reader::new(Unclosed::Dropped, is_word, html.len()));
        let reader = if reader.is_inside_dropped() {
            // An element whose content is dropped was never closed. Rather than lose the rest, read it as the element's text.
            tokenize(html, Reader::new(Unclosed::Kept, is_word, html.len()))
        } else {
            reader
        };
        reader.finish()
    }
}

fn tokenize(html: &str, mut reader: Reader) -> Reader {
    tokens::read(html, &mut reader);
    reader
}

pub(super) use direct::Direct;
#[cfg(any(test, fuzzing))]
pub(super) use elements::{Content, RawKind, content};
#[cfg(any(test, fuzzing))]
pub(super) use tokens::{MAX_ATTRIBUTES, Sink, Tag, read};

/// The longest list of warnings; input that is worse than this is not repaired by reading on.
const MAX_WARNINGS: usize = 100;

/// The longest detail of a warning, in characters.
const MAX_DETAIL_CHARS: usize = 200;

/// Collects warnings, each once.
#[derive(Debug, Default)]
struct Warnings {
    list: Vec<(Warning, usize)>,
    known: HashMap<WarningCode, HashSet<String>>,
}

impl Warnings {
    /// Adds a warning of something at that place in the body.
    fn add(&mut self, code: WarningCode, detail: &str, at: usize) {
        if self.list.len() > MAX_WARNINGS {
            return;
        }
        let end = detail.char_indices().nth(MAX_DETAIL_CHARS).map_or(detail.len(), |(end, _)| end);
        let detail = detail.get(..end).unwrap_or_default();
        if self.known.get(&code).is_some_and(|known| known.contains(detail)) {
            return;
        }
        if self.list.len() == MAX_WARNINGS {
            let detail = format!("Only the first {MAX_WARNINGS} warnings are listed.");
            self.list.push((Warning { code: WarningCode::MoreWarnings, detail, pointer: None }, at));
            return;
        }
        self.list.push((Warning { code, detail: detail.to_owned(), pointer: None }, at));
        self.known.entry(code).or_default().insert(detail.to_owned());
    }

    /// Returns the warnings with pointers into a body of so many blocks.
    fn finish(self, n_blocks: usize) -> Vec<Warning> {
        let pointed = |(mut warning, at): (Warning, usize)| {
            let last = n_blocks.checked_sub(1).filter(|_| warning.code != WarningCode::MoreWarnings);
            warning.pointer = last.map(|last| format!("/body_blocks/{}", at.min(last)));
            warning
        };
        self.list.into_iter().map(pointed).collect()
    }
}
