//! Blocks of running text: paragraphs, headings, lists, quotations, notes, details and footnotes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::block::{DetailsPart, NotePart, QuotePart};
use crate::body::id::{BlockId, FootnoteId};
use crate::body::inline::Inline;

/// A paragraph of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "paragraph", "id": "b0m3kq9v7dt",
    "content": [{"type": "text", "text": "The talks resumed on Monday.", "marks": []}]
}))]
pub struct ParagraphBlock {
    /// The block's id, unique in the body. Made from the text when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "b0m3kq9v7dt")]
    pub id: BlockId,
    /// The paragraph's text, links and line breaks.
    #[schema(max_items = 100000)]
    pub content: Vec<Inline>,
}

/// A heading inside the article. The article's own title is level 1 and is not part of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "heading", "id": "background", "level": 2,
    "content": [{"type": "text", "text": "Background", "marks": []}]
}))]
pub struct HeadingBlock {
    /// The block's id, unique in the body. Made from the text when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "background")]
    pub id: BlockId,
    /// The heading's level, 2 to 6.
    #[schema(minimum = 2, maximum = 6, example = 2)]
    pub level: u8,
    /// The heading's text, links and line breaks.
    #[schema(max_items = 100000)]
    pub content: Vec<Inline>,
}

/// A numbered or bulleted list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "list", "id": "demands", "ordered": true, "start": null,
    "items": [{"content": [{"type": "text", "text": "A ceasefire", "marks": []}], "list": null}]
}))]
pub struct ListBlock {
    /// The block's id, unique in the body. Made from the text when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "demands")]
    pub id: BlockId,
    /// Whether the items are numbered. False when left out; always present in answers.
    #[schema(required = false, example = true)]
    pub ordered: bool,
    /// The first item's number, for a numbered list that does not start at 1; null otherwise.
    #[schema(example = 4)]
    pub start: Option<i32>,
    /// The items in order, at most 10,000. Items without text and without a list inside are dropped.
    #[schema(max_items = 10000)]
    pub items: Vec<ListItem>,
}

/// One item of a list: its text, and the list inside it, if any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"content": [{"type": "text", "text": "A ceasefire", "marks": []}], "list": null}))]
pub struct ListItem {
    /// The item's text, links and line breaks; may be empty if there is a list inside.
    #[schema(max_items = 100000)]
    pub content: Vec<Inline>,
    /// The list inside the item, or null. Lists may be nested 8 deep.
    pub list: Option<Box<NestedList>>,
}

/// A list inside an item of another list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NestedList {
    /// Whether the items are numbered. False when left out; always present in answers.
    #[schema(required = false, example = false)]
    pub ordered: bool,
    /// The first item's number, for a numbered list that does not start at 1; null otherwise.
    #[schema(example = 4)]
    pub start: Option<i32>,
    /// The items in order, at most 10,000. Items without text and without a list inside are dropped.
    #[schema(no_recursion, max_items = 10000)]
    pub items: Vec<ListItem>,
}

/// A quotation that stands by itself, with its source if given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "quote", "id": "minister",
    "content": [{
        "type": "paragraph", "id": "minister-1",
        "content": [{"type": "text", "text": "We will not leave the table.", "marks": []}]
    }],
    "citation": [{"type": "text", "text": "The foreign minister", "marks": []}]
}))]
pub struct QuoteBlock {
    /// The block's id, unique in the body. Made from the text when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "minister")]
    pub id: BlockId,
    /// What is quoted: paragraphs and lists.
    #[schema(max_items = 10000)]
    pub content: Vec<QuotePart>,
    /// Who or what is quoted, or null.
    #[schema(max_items = 100000)]
    pub citation: Option<Vec<Inline>>,
}

/// A sentence of the article, or from what it tells of, that is set large to catch the eye.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "pull_quote", "id": "pull",
    "content": [{"type": "text", "text": "Nobody told us that the bridge was closed.", "marks": []}],
    "citation": [{"type": "text", "text": "A ferry captain", "marks": []}]
}))]
pub struct PullQuoteBlock {
    /// The block's id, unique in the body. Made from the text when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "pull")]
    pub id: BlockId,
    /// The text, links and line breaks.
    #[schema(max_items = 100000)]
    pub content: Vec<Inline>,
    /// Whose words they are, or null.
    #[schema(max_items = 100000)]
    pub citation: Option<Vec<Inline>>,
}

/// What the editors have to say to readers inside the text: a remark, a correction, an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "note", "id": "correction-1", "kind": "correction",
    "content": [{
        "type": "paragraph", "id": "correction-1-1",
        "content": [{"type": "text", "text": "An earlier version misstated the year.", "marks": []}]
    }]
}))]
pub struct NoteBlock {
    /// The block's id, unique in the body. Made from the text when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "correction-1")]
    pub id: BlockId,
    /// What the note is.
    pub kind: NoteKind,
    /// What it says: paragraphs and lists.
    #[schema(max_items = 10000)]
    pub content: Vec<NotePart>,
}

/// What a note is: `editor` (a remark of the editors), `correction` (something was wrong and has been put right),
/// `update` (something was added after publication).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// A remark of the editors.
    Editor,
    /// Something was wrong and has been put right.
    Correction,
    /// Something was added after publication.
    Update,
}

impl NoteKind {
    /// The names of all kinds.
    pub(in crate::body) const NAMES: [&'static str; 3] = ["editor", "correction", "update"];

    /// Returns the kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Editor, Self::Correction, Self::Update].into_iter().find(|kind| kind.as_str() == name)
    }

    /// Returns the kind's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Editor => "editor",
            Self::Correction => "correction",
            Self::Update => "update",
        }
    }
}

/// Text of which readers see the summary, and the rest when they ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "details", "id": "how-we-counted",
    "summary": [{"type": "text", "text": "How we counted", "marks": []}],
    "content": [{
        "type": "paragraph", "id": "how-we-counted-1",
        "content": [{"type": "text", "text": "We asked all 31 provinces.", "marks": []}]
    }]
}))]
pub struct DetailsBlock {
    /// The block's id, unique in the body. Made from the text when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "how-we-counted")]
    pub id: BlockId,
    /// What is always shown: text, links and line breaks; some of it must be visible.
    #[schema(max_items = 100000)]
    pub summary: Vec<Inline>,
    /// What is shown on demand: paragraphs, headings, lists, quotes, images, embeds, tables, code and preformatted text.
    #[schema(max_items = 10000)]
    pub content: Vec<DetailsPart>,
}

/// Footnotes, in the order in which they are numbered. The text refers to them by inlines of type `footnote_ref`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "footnotes", "id": "notes",
    "notes": [{"id": "census", "content": [{"type": "text", "text": "Census of 2021, table 4.", "marks": []}]}]
}))]
pub struct FootnotesBlock {
    /// The block's id, unique in the body. Made from the text when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "notes")]
    pub id: BlockId,
    /// The notes, at most 1,000. Notes without text are refused.
    #[schema(max_items = 1000)]
    pub notes: Vec<Footnote>,
}

/// One footnote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "census", "content": [{"type": "text", "text": "Census of 2021, table 4.", "marks": []}]
}))]
pub struct Footnote {
    /// The name by which the text refers to the note, unique among the body's footnotes.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "census")]
    pub id: FootnoteId,
    /// The note's text, links and line breaks.
    #[schema(max_items = 100000)]
    pub content: Vec<Inline>,
}

/// The most footnotes of one block.
pub(in crate::body) const MAX_FOOTNOTES: usize = 1000;

/// The most items of one list.
pub(in crate::body) const MAX_ITEMS: usize = 10_000;
