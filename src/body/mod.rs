//! An article's body as typed blocks, and the ways in and out: HTML, Markdown, plain text.
//!
//! Start with `block` and `inline` for the model, `flow` for the normal form that all input is brought into, and
//! `from_html`, `from_markdown`, `input` (client JSON), `to_html`, `to_markdown` and `text` for the ways in and out. HTML
//! that is written here is safe to put on a page because it is made from types, not because something was filtered out
//! of it.
//!
//! Invariants: no I/O, no HTTP, no SQL; nothing panics; the same input gives the same bytes in every process; the time
//! taken grows linearly with the input, however it is nested. A `Body` comes only from a reader of this module or from
//! the database, so its blocks are in normal form: see `flow`.

mod adopt;
mod block;
mod code;
mod content;
mod diff;
mod embed;
mod flow;
mod footnotes;
mod from_html;
mod from_markdown;
mod href;
mod id;
mod inline;
mod input;
mod inspect;
mod links;
mod merge;
mod reference;
mod schema;
#[cfg(test)]
mod tests;
mod text;
mod to_html;
mod to_markdown;
#[cfg(any(test, fuzzing))]
#[path = "tests/tokenizer.rs"]
#[doc(hidden)]
pub mod tokenizer;
mod unique;
mod words;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use block::{
    Block, BlockView, CodeBlock, DetailsBlock, DetailsPart, DividerBlock, EmbedBlock, Footnote, FootnotesBlock,
    GalleryBlock, GalleryImage, HeadingBlock, ImageBlock, ImageView, ListBlock, ListItem, NestedList, NoteBlock,
    NoteKind, NotePart, ParagraphBlock, PreformattedBlock, PullQuoteBlock, QuoteBlock, QuotePart, RelatedArticleBlock,
    TableBlock, TableCell, TableRow,
};
pub use diff::{BlockChange, BlockChangeKind};
pub use embed::{EmbedProvider, EmbedUrl};
pub use from_html::{FromHtml, Warning, WarningCode};
pub use from_markdown::{MAX_PARTS, TooManyParts};
pub use href::{Href, HrefFault};
pub use id::{BlockId, FootnoteId};
pub use inline::{
    Direction, FootnoteRefInline, Inline, LineBreakInline, LinkInline, LinkPart, LinkRel, Mark, TextInline,
};
pub use links::{ArticleLink, Links, NoLinks};
pub use merge::{BlockConflict, ConflictReason};
pub use reference::{ArticleRef, MediaRef};
pub use words::{SpanKind, TextSpan};

/// The most blocks that a body may have; those inside quotes, notes, details and galleries count.
///
/// Far above the longest article, and low enough that a diff by block stays cheap.
pub const MAX_BLOCKS: usize = 10_000;

/// How deep lists may be nested; a list that stands by itself is one deep.
pub const MAX_LIST_DEPTH: usize = 8;

/// An article's body: its blocks in reading order.
///
/// Every block has a `type` and an `id`; ids are unique in the body. When written, an `id` may be left out: one is then
/// made from the block's text. Blocks with nothing to show are dropped. White space counts as in HTML: several spaces are
/// one, and spaces at the ends of a block or beside a line break are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(max_items = 10000)]
pub struct Body(Vec<Block>);

impl Body {
    /// Returns the blocks in reading order.
    pub fn blocks(&self) -> &[Block] {
        &self.0
    }

    /// Returns whether one of the blocks has this id.
    pub fn has_block(&self, id: &BlockId) -> bool {
        self.0.iter().any(|block| block.id() == id)
    }

    /// Returns whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
