//! Reads a body from client JSON: all faults at once, each with its place, and nothing ignored in silence.
//!
//! What is put right without a word is documented on the types: white space, marks given twice, blocks without text.
//! Everything else that breaks a rule is a fault. serde's `Deserialize` is for what the database holds and checks nothing.

mod reader;

use deserr::{DeserializeError, Deserr, IntoValue, Sequence, Value, ValueKind, ValuePointerRef};

use crate::body::block::{Block, HeadingBlock, ListBlock, ListItem, NestedList, ParagraphBlock, QuoteBlock, QuotePart};
use crate::body::flow::{self, Flow};
use crate::body::input::reader::{Fields, Read, Reader, Reported};
use crate::body::{Body, MAX_BLOCKS, MAX_LIST_DEPTH, id};

const BLOCK_TYPES: &[&str] = &["paragraph", "heading", "list", "quote"];

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
        Ok(blocks)
    }

    fn too_many_blocks<V: IntoValue>(&mut self, at: ValuePointerRef) {
        self.refuse::<V>(format!("a body can have at most {MAX_BLOCKS} blocks"), at);
    }

    fn block<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<Option<Block>> {
        let mut fields = self.object(value, at)?;
        match self.type_of(&mut fields, BLOCK_TYPES, at)?.as_str() {
            "paragraph" => Ok(self.paragraph(fields, at)?.map(Block::Paragraph)),
            "heading" => self.heading(fields, at),
            "list" => self.list_block(fields, at),
            _ => self.quote(fields, at),
        }
    }

    fn paragraph<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<ParagraphBlock>> {
        let id = self.id(&mut fields, at);
        let content = self.content(&mut fields, "content", at);
        self.no_more(fields, &["type", "id", "content"], at);
        let (id, content) = (id?, content?);
        Ok(filled(content).map(|content| ParagraphBlock { id, content }))
    }

    fn heading<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<Block>> {
        let id = self.id(&mut fields, at);
        let level = self.level(&mut fields, at);
        let content = self.content(&mut fields, "content", at);
        self.no_more(fields, &["type", "id", "level", "content"], at);
        let (id, level, content) = (id?, level?, content?);
        Ok(filled(content).map(|content| Block::Heading(HeadingBlock { id, level, content })))
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

    fn list_block<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<Block>> {
        let id = self.id(&mut fields, at);
        let list = self.list(&mut fields, 1, at);
        self.no_more(fields, &["type", "id", "ordered", "start", "items"], at);
        let (id, List { ordered, start, items }) = (id?, list?);
        Ok((!items.is_empty()).then_some(Block::List(ListBlock { id, ordered, start, items })))
    }

    fn list<V: IntoValue>(&mut self, fields: &mut Fields<V>, depth: usize, at: ValuePointerRef) -> Read<List> {
        let ordered = self.ordered(fields, at);
        let start = self.start(fields, ordered.unwrap_or(true), at);
        let at_items = at.push_key("items");
        let values = self.required(fields, "items", at)?;
        let mut items = Vec::new();
        for (n, value) in self.sequence(values, at_items)?.enumerate() {
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
        let (content, list) = (flow::content(content?.into_lines()), list?.map(Box::new));
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

    fn quote<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<Block>> {
        let id = self.id(&mut fields, at);
        let content = self.quoted(&mut fields, at);
        let citation = match fields.take_given("citation") {
            None => Ok(None),
            Some(value) => self.flow(value, at.push_key("citation")).map(filled),
        };
        self.no_more(fields, &["type", "id", "content", "citation"], at);
        let (id, content, citation) = (id?, content?, citation?);
        if content.is_empty() && citation.is_some() {
            self.refuse::<V>(
                "a quote with a citation needs something that is quoted".to_owned(),
                at.push_key("content"),
            );
            return Err(Reported);
        }
        Ok((!content.is_empty()).then_some(Block::Quote(QuoteBlock { id, content, citation })))
    }

    fn quoted<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<Vec<QuotePart>> {
        let at_content = at.push_key("content");
        let values = self.required(fields, "content", at)?;
        let mut parts = Vec::new();
        for (n, value) in self.sequence(values, at_content)?.enumerate() {
            let at_part = at_content.push_index(n);
            let Ok(mut fields) = self.object(value, at_part) else {
                continue;
            };
            if self.type_of(&mut fields, &["paragraph"], at_part).is_ok() {
                parts.extend(self.paragraph(fields, at_part).ok().flatten().map(QuotePart::Paragraph));
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
fn filled(flow: Flow) -> Option<Vec<crate::body::Inline>> {
    Some(flow::content(flow.into_lines())).filter(|content| !content.is_empty())
}
