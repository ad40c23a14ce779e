//! The blocks: one type each, joined in the union `Block`.
//!
//! To add one: a struct here, a variant of `Block`, its line in `schema`, and the compiler names the rest (reading from
//! JSON in `input`, writing in `to_html` and `text`).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::id::BlockId;
use crate::body::inline::{Inline, push_text};

/// One block of a body; `type` says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// A paragraph of text.
    Paragraph(ParagraphBlock),
    /// A heading inside the article.
    Heading(HeadingBlock),
    /// A numbered or bulleted list.
    List(ListBlock),
    /// A quotation that stands by itself.
    Quote(QuoteBlock),
}

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
    /// The items in order. Items without text and without a list inside are dropped.
    pub items: Vec<ListItem>,
}

/// One item of a list: its text, and the list inside it, if any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"content": [{"type": "text", "text": "A ceasefire", "marks": []}], "list": null}))]
pub struct ListItem {
    /// The item's text, links and line breaks; may be empty if there is a list inside.
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
    /// The items in order. Items without text and without a list inside are dropped.
    #[schema(no_recursion)]
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
    /// What is quoted.
    pub content: Vec<QuotePart>,
    /// Who or what is quoted, or null.
    pub citation: Option<Vec<Inline>>,
}

/// One block inside a quote; `type` says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum QuotePart {
    /// A paragraph of the quotation.
    Paragraph(ParagraphBlock),
}

impl Block {
    /// Returns the block's id.
    pub fn id(&self) -> &BlockId {
        match self {
            Self::Paragraph(block) => &block.id,
            Self::Heading(block) => &block.id,
            Self::List(block) => &block.id,
            Self::Quote(block) => &block.id,
        }
    }

    /// Returns the block's plain text: line breaks, items and paragraphs are separated by a newline.
    pub fn text(&self) -> String {
        let mut out = String::new();
        match self {
            Self::Paragraph(block) => push_text(&mut out, &block.content),
            Self::Heading(block) => push_text(&mut out, &block.content),
            Self::List(block) => push_items(&mut out, &block.items),
            Self::Quote(block) => {
                for QuotePart::Paragraph(paragraph) in &block.content {
                    push_line(&mut out, &paragraph.content);
                }
                push_line(&mut out, block.citation.as_deref().unwrap_or_default());
            }
        }
        out
    }

    pub(super) fn set_id(&mut self, id: BlockId) {
        match self {
            Self::Paragraph(block) => block.id = id,
            Self::Heading(block) => block.id = id,
            Self::List(block) => block.id = id,
            Self::Quote(block) => block.id = id,
        }
    }
}

impl ParagraphBlock {
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        push_text(&mut out, &self.content);
        out
    }
}

fn push_items(out: &mut String, items: &[ListItem]) {
    for item in items {
        push_line(out, &item.content);
        if let Some(list) = &item.list {
            push_items(out, &list.items);
        }
    }
}

fn push_line(out: &mut String, content: &[Inline]) {
    if content.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push('\n');
    }
    push_text(out, content);
}
