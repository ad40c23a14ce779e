//! Reads a body from client JSON: all faults at once, each with its place, and nothing ignored in silence.
//!
//! What is put right without a word is documented on the types: white space, marks given twice, blocks without text.
//! Everything else that breaks a rule is a fault. serde's `Deserialize` is for what the database holds and checks nothing.

mod inline;
mod media;
mod reader;
mod table;

use deserr::{DeserializeError, Deserr, IntoValue, Sequence, Value, ValueKind, ValuePointerRef};

use crate::body::block::{
    Block, DetailsBlock, DetailsPart, Footnote, FootnotesBlock, HeadingBlock, ListBlock, ListItem, MAX_FOOTNOTES,
    MAX_ITEMS, NestedList, NoteBlock, NoteKind, NotePart, ParagraphBlock, PullQuoteBlock, QuoteBlock, QuotePart,
};
use crate::body::flow::Flow;
use crate::body::footnotes::unlink_back;
use crate::body::inline::Inline;
use crate::body::input::reader::{Fields, Read, Reader, Reported};
use crate::body::{Body, MAX_BLOCKS, MAX_LIST_DEPTH, content, id};

const BLOCK_TYPES: &[&str] = &[
    "paragraph",
    "heading",
    "list",
    "quote",
    "pull_quote",
    "image",
    "gallery",
    "embed",
    "table",
    "code",
    "preformatted",
    "divider",
    "note",
    "related_article",
    "details",
    "footnotes",
];

const TEXT_PART_TYPES: &[&str] = &["paragraph", "list"];

const DETAILS_PART_TYPES: &[&str] =
    &["paragraph", "heading", "list", "quote", "image", "embed", "table", "code", "preformatted"];

impl<E: DeserializeError> Deserr<E> for Body {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        let mut reader = Reader::new();
        let mut blocks = reader.body(value, location).unwrap_or_default();
        reader.finish()?;
        id::fill_missing(&mut blocks);
        Ok(Self(blocks))
    }
}

/// A list as it is read, in a block or in an item.
struct List {
    ordered: bool,
    start: Option<i32>,
    items: Vec<ListItem>,
}

/// Where a method may answer with nothing, it does so for what has no text and is dropped.
impl<E: DeserializeError> Reader<E> {
    fn body<V: IntoValue>(&mut self, value: Value<V>, at: ValuePointerRef) -> Read<Vec<Block>> {
        let Value::Sequence(sequence) = value else {
            self.wrong_kind(value, &[ValueKind::Sequence], at);
            return Err(Reported);
        };
        if sequence.len() > MAX_BLOCKS {
            self.too_many_blocks::<V>(at);
            return Err(Reported);
        }
        let mut blocks = Vec::with_capacity(sequence.len());
        for (n, value) in sequence.into_iter().enumerate() {
            blocks.extend(self.block(value, at.push_index(n)).ok().flatten());
        }
        if self.n_blocks() > MAX_BLOCKS {
            self.too_many_blocks::<V>(at);
        }
        self.check_references::<V>();
        Ok(blocks)
    }

    fn too_many_blocks<V: IntoValue>(&mut self, at: ValuePointerRef) {
        self.refuse::<V>(format!("a body can have at most {MAX_BLOCKS} blocks"), at);
    }

    fn block<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<Option<Block>> {
        let mut fields = self.object(value, at)?;
        match self.type_of(&mut fields, BLOCK_TYPES, at)?.as_str() {
            "paragraph" => Ok(self.paragraph(fields, at)?.map(Block::Paragraph)),
            "heading" => Ok(self.heading(fields, at)?.map(Block::Heading)),
            "list" => Ok(self.list_block(fields, at)?.map(Block::List)),
            "quote" => Ok(self.quote(fields, at)?.map(Block::Quote)),
            "pull_quote" => self.pull_quote(fields, at),
            "image" => Ok(Some(Block::Image(self.image(fields, at)?))),
            "gallery" => Ok(self.gallery(fields, at)?.map(Block::Gallery)),
            "embed" => Ok(Some(Block::Embed(self.embed(fields, at)?))),
            "table" => Ok(self.table(fields, at)?.map(Block::Table)),
            "code" => Ok(self.code(fields, at)?.map(Block::Code)),
            "preformatted" => Ok(self.preformatted(fields, at)?.map(Block::Preformatted)),
            "divider" => Ok(Some(Block::Divider(self.divider(fields, at)?))),
            "note" => self.note(fields, at),
            "related_article" => Ok(Some(Block::RelatedArticle(self.related_article(fields, at)?))),
            "details" => self.details(fields, at),
            _ => self.footnotes(fields, at),
        }
    }

    fn paragraph<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<ParagraphBlock>> {
        let id = self.id(&mut fields, at);
        let content = self.content(&mut fields, "content", at);
        self.no_more(fields, &["type", "id", "content"], at);
        let (id, content) = (id?, content?);
        Ok(filled(content).map(|content| ParagraphBlock { id, content }))
    }

    fn heading<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<HeadingBlock>> {
        let id = self.id(&mut fields, at);
        let level = self.level(&mut fields, at);
        let content = self.content(&mut fields, "content", at);
        self.no_more(fields, &["type", "id", "level", "content"], at);
        let (id, level, content) = (id?, level?, content?);
        Ok(filled(content).map(|content| HeadingBlock { id, level, content }))
    }

    fn level<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<u8> {
        let at_level = at.push_key("level");
        match self.required(fields, "level", at)?.into_value() {
            Value::Integer(level @ 2..=6) => u8::try_from(level).map_err(|_| Reported),
            Value::Integer(_) | Value::NegativeInteger(_) => {
                self.refuse::<V>("a heading's level is 2 to 6".to_owned(), at_level);
                Err(Reported)
            }
            other => {
                self.wrong_kind(other, &[ValueKind::Integer], at_level);
                Err(Reported)
            }
        }
    }

    fn list_block<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<ListBlock>> {
        let id = self.id(&mut fields, at);
        let list = self.list(&mut fields, 1, at);
        self.no_more(fields, &["type", "id", "ordered", "start", "items"], at);
        let (id, List { ordered, start, items }) = (id?, list?);
        Ok((!items.is_empty()).then_some(ListBlock { id, ordered, start, items }))
    }

    fn list<V: IntoValue>(&mut self, fields: &mut Fields<V>, depth: usize, at: ValuePointerRef) -> Read<List> {
        let ordered = self.ordered(fields, at);
        let start = self.start(fields, ordered.unwrap_or(true), at);
        let at_items = at.push_key("items");
        let values = self.required(fields, "items", at)?;
        let mut items = Vec::new();
        for (n, value) in self.up_to(MAX_ITEMS, values, at_items)?.enumerate() {
            items.extend(self.item(value, depth, at_items.push_index(n)).ok().flatten());
        }
        Ok(List { ordered: ordered?, start: start?, items })
    }

    fn ordered<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<bool> {
        match fields.take("ordered").map(IntoValue::into_value) {
            None => Ok(false),
            Some(Value::Boolean(ordered)) => Ok(ordered),
            Some(other) => {
                self.wrong_kind(other, &[ValueKind::Boolean], at.push_key("ordered"));
                Err(Reported)
            }
        }
    }

    /// Reads the first number; 1 is what a list has anyway and is not kept.
    fn start<V: IntoValue>(&mut self, fields: &mut Fields<V>, ordered: bool, at: ValuePointerRef) -> Read<Option<i32>> {
        let at_start = at.push_key("start");
        let number = match fields.take_given("start").map(IntoValue::into_value) {
            None => return Ok(None),
            Some(Value::Integer(number)) => i32::try_from(number).ok(),
            Some(Value::NegativeInteger(number)) => i32::try_from(number).ok(),
            Some(other) => {
                self.wrong_kind(other, &[ValueKind::Integer, ValueKind::NegativeInteger, ValueKind::Null], at_start);
                return Err(Reported);
            }
        };
        if !ordered {
            self.refuse::<V>("only a list with `ordered: true` has a `start`".to_owned(), at_start);
            return Err(Reported);
        }
        if number.is_none() {
            self.refuse::<V>(format!("must be between {} and {}", i32::MIN, i32::MAX), at_start);
        }
        number.map(|number| Some(number).filter(|number| *number != 1)).ok_or(Reported)
    }

    fn item<V: IntoValue>(&mut self, value: V, depth: usize, at: ValuePointerRef) -> Read<Option<ListItem>> {
        let mut fields = self.object(value, at)?;
        let content = self.content(&mut fields, "content", at);
        let list = match fields.take_given("list") {
            None => Ok(None),
            Some(value) => self.nested_list(value, depth.saturating_add(1), at.push_key("list")),
        };
        self.no_more(fields, &["content", "list"], at);
        let (content, list) = (content::content(content?.into_lines()), list?.map(Box::new));
        Ok((!content.is_empty() || list.is_some()).then_some(ListItem { content, list }))
    }

    fn nested_list<V: IntoValue>(&mut self, value: V, depth: usize, at: ValuePointerRef) -> Read<Option<NestedList>> {
        if depth > MAX_LIST_DEPTH {
            self.refuse::<V>(format!("lists can be nested at most {MAX_LIST_DEPTH} deep"), at);
            return Err(Reported);
        }
        let mut fields = self.object(value, at)?;
        let list = self.list(&mut fields, depth, at);
        self.no_more(fields, &["ordered", "start", "items"], at);
        let List { ordered, start, items } = list?;
        Ok((!items.is_empty()).then_some(NestedList { ordered, start, items }))
    }

    fn quote<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<QuoteBlock>> {
        let id = self.id(&mut fields, at);
        let content = self.parts(&mut fields, TEXT_PART_TYPES, at, |reader, kind, fields, at| match kind {
            "paragraph" => Ok(reader.paragraph(fields, at)?.map(QuotePart::Paragraph)),
            _ => Ok(reader.list_block(fields, at)?.map(QuotePart::List)),
        });
        let citation = self.optional_content(&mut fields, "citation", at);
        self.no_more(fields, &["type", "id", "content", "citation"], at);
        let (id, content, citation) = (id?, content?, citation?);
        if content.is_empty() && citation.is_some() {
            return self.nothing_quoted::<V, _>(at);
        }
        Ok((!content.is_empty()).then_some(QuoteBlock { id, content, citation }))
    }

    fn nothing_quoted<V: IntoValue, T>(&mut self, at: ValuePointerRef) -> Read<T> {
        self.refuse::<V>("a quote with a citation needs something that is quoted".to_owned(), at.push_key("content"));
        Err(Reported)
    }

    fn pull_quote<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<Block>> {
        let id = self.id(&mut fields, at);
        let content = self.content(&mut fields, "content", at);
        let citation = self.optional_content(&mut fields, "citation", at);
        self.no_more(fields, &["type", "id", "content", "citation"], at);
        let (id, content, citation) = (id?, filled(content?), citation?);
        if content.is_none() && citation.is_some() {
            return self.nothing_quoted::<V, _>(at);
        }
        Ok(content.map(|content| Block::PullQuote(PullQuoteBlock { id, content, citation })))
    }

    fn note<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<Block>> {
        let id = self.id(&mut fields, at);
        let kind = self.required(&mut fields, "kind", at);
        let kind = kind.and_then(|kind| self.named(kind, &NoteKind::NAMES, at.push_key("kind"), NoteKind::parse));
        let content = self.parts(&mut fields, TEXT_PART_TYPES, at, |reader, kind, fields, at| match kind {
            "paragraph" => Ok(reader.paragraph(fields, at)?.map(NotePart::Paragraph)),
            _ => Ok(reader.list_block(fields, at)?.map(NotePart::List)),
        });
        self.no_more(fields, &["type", "id", "kind", "content"], at);
        let (id, kind, content) = (id?, kind?, content?);
        Ok((!content.is_empty()).then_some(Block::Note(NoteBlock { id, kind, content })))
    }

    fn details<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<Block>> {
        let id = self.id(&mut fields, at);
        let summary = self.content(&mut fields, "summary", at);
        let content = self.parts(&mut fields, DETAILS_PART_TYPES, at, |reader, kind, fields, at| match kind {
            "paragraph" => Ok(reader.paragraph(fields, at)?.map(DetailsPart::Paragraph)),
            "heading" => Ok(reader.heading(fields, at)?.map(DetailsPart::Heading)),
            "list" => Ok(reader.list_block(fields, at)?.map(DetailsPart::List)),
            "quote" => Ok(reader.quote(fields, at)?.map(DetailsPart::Quote)),
            "image" => Ok(Some(DetailsPart::Image(reader.image(fields, at)?))),
            "embed" => Ok(Some(DetailsPart::Embed(reader.embed(fields, at)?))),
            "table" => Ok(reader.table(fields, at)?.map(DetailsPart::Table)),
            "code" => Ok(reader.code(fields, at)?.map(DetailsPart::Code)),
            _ => Ok(reader.preformatted(fields, at)?.map(DetailsPart::Preformatted)),
        });
        self.no_more(fields, &["type", "id", "summary", "content"], at);
        let (id, summary, content) = (id?, filled(summary?), content?);
        match summary {
            Some(summary) => Ok(Some(Block::Details(DetailsBlock { id, summary, content }))),
            None if content.is_empty() => Ok(None),
            None => {
                self.refuse::<V>("details need a summary that can be seen".to_owned(), at.push_key("summary"));
                Err(Reported)
            }
        }
    }

    fn footnotes<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<Block>> {
        let id = self.id(&mut fields, at);
        let values = self.required(&mut fields, "notes", at);
        self.no_more(fields, &["type", "id", "notes"], at);
        let at_notes = at.push_key("notes");
        let mut notes = Vec::new();
        for (n, value) in self.up_to(MAX_FOOTNOTES, values?, at_notes)?.enumerate() {
            notes.extend(self.footnote(value, at_notes.push_index(n)));
        }
        let id = id?;
        Ok((!notes.is_empty()).then_some(Block::Footnotes(FootnotesBlock { id, notes })))
    }

    fn footnote<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<Footnote> {
        let mut fields = self.object(value, at)?;
        let at_id = at.push_key("id");
        let id = self.required(&mut fields, "id", at).and_then(|id| self.footnote_id(id, at_id));
        let content = self.content(&mut fields, "content", at).map(|flow| {
            let mut lines = flow.into_lines();
            unlink_back(&mut lines);
            Some(content::content(lines)).filter(|content| !content.is_empty())
        });
        self.no_more(fields, &["id", "content"], at);
        let (id, content) = (id?, content?);
        if !self.notes.insert(id.clone()) {
            self.refuse::<V>(format!("another footnote of this body has the id `{id}` too"), at_id);
            return Err(Reported);
        }
        let Some(content) = content else {
            self.refuse::<V>("a footnote needs text that can be seen".to_owned(), at.push_key("content"));
            return Err(Reported);
        };
        Ok(Footnote { id, content })
    }

    /// Reads the blocks inside a block; `read` reads one, given its type.
    fn parts<V: IntoValue, T>(
        &mut self,
        fields: &mut Fields<V>,
        accepted: &[&str],
        at: ValuePointerRef,
        read: impl Fn(&mut Self, &str, Fields<V>, ValuePointerRef) -> Read<Option<T>>,
    ) -> Read<Vec<T>> {
        let at_content = at.push_key("content");
        let values = self.required(fields, "content", at)?;
        let mut parts = Vec::new();
        for (n, value) in self.sequence(values, at_content)?.enumerate() {
            let at_part = at_content.push_index(n);
            let Ok(mut fields) = self.object(value, at_part) else {
                continue;
            };
            if let Ok(kind) = self.type_of(&mut fields, accepted, at_part) {
                parts.extend(read(self, &kind, fields, at_part).ok().flatten());
            }
        }
        Ok(parts)
    }

    fn content<V: IntoValue>(&mut self, fields: &mut Fields<V>, name: &str, at: ValuePointerRef) -> Read<Flow> {
        let value = self.required(fields, name, at)?;
        self.flow(value, at.push_key(name))
    }
}

/// Returns the content, if there is anything to see in it.
fn filled(flow: Flow) -> Option<Vec<Inline>> {
    Some(content::content(flow.into_lines())).filter(|content| !content.is_empty())
}
