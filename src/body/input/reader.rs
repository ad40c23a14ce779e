//! Collecting faults, taking objects apart, and reading what stands inside blocks.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::rc::Rc;

use deserr::{DeserializeError, ErrorKind, IntoValue, Map, Sequence, Value, ValueKind, ValuePointerRef};

use crate::body::flow::{self, Flow, Marks, Target};
use crate::body::href::Href;
use crate::body::id::BlockId;
use crate::body::inline::{self, Mark};

const INLINE_TYPES: &[&str] = &["text", "link", "line_break"];
const LINK_PART_TYPES: &[&str] = &["text", "line_break"];

/// Reads values and collects what is wrong with them.
pub(super) struct Reader<E> {
    error: Option<E>,
    /// Whether the error type has asked to stop at a fault.
    stopped: bool,
    ids: HashSet<BlockId>,
    n_blocks: usize,
}

/// A fault was reported; what was to be read cannot be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported;

/// Something that was read, unless a fault was reported.
pub(super) type Read<T> = Result<T, Reported>;

/// The members of an object that were not read yet.
pub(super) struct Fields<V>(Vec<(String, V)>);

impl<V: IntoValue> Fields<V> {
    pub(super) fn take(&mut self, name: &str) -> Option<V> {
        let n = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(n).1)
    }

    /// Takes a member that may be null, which is as good as absent.
    pub(super) fn take_given(&mut self, name: &str) -> Option<V> {
        self.take(name).filter(|value| value.kind() != ValueKind::Null)
    }
}

impl<E: DeserializeError> Reader<E> {
    pub(super) fn new() -> Self {
        Self { error: None, stopped: false, ids: HashSet::new(), n_blocks: 0 }
    }

    pub(super) fn finish(self) -> Result<(), E> {
        self.error.map_or(Ok(()), Err)
    }

    pub(super) fn n_blocks(&self) -> usize {
        self.n_blocks
    }

    pub(super) fn fault<V: IntoValue>(&mut self, fault: ErrorKind<V>, at: ValuePointerRef) {
        if self.stopped {
            return;
        }
        let error = match E::error(self.error.take(), fault, at) {
            ControlFlow::Continue(error) => error,
            ControlFlow::Break(error) => {
                self.stopped = true;
                error
            }
        };
        self.error = Some(error);
    }

    pub(super) fn refuse<V: IntoValue>(&mut self, msg: String, at: ValuePointerRef) {
        self.fault::<V>(ErrorKind::Unexpected { msg }, at);
    }

    pub(super) fn wrong_kind<V: IntoValue>(&mut self, actual: Value<V>, accepted: &[ValueKind], at: ValuePointerRef) {
        self.fault(ErrorKind::IncorrectValueKind { actual, accepted }, at);
    }

    pub(super) fn object<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<Fields<V>> {
        match value.into_value() {
            Value::Map(map) => Ok(Fields(map.into_iter().collect())),
            other => {
                self.wrong_kind(other, &[ValueKind::Map], at);
                Err(Reported)
            }
        }
    }

    pub(super) fn sequence<V: IntoValue>(
        &mut self,
        value: V,
        at: ValuePointerRef,
    ) -> Read<impl Iterator<Item = V> + use<V, E>> {
        match value.into_value() {
            Value::Sequence(sequence) => Ok(sequence.into_iter()),
            other => {
                self.wrong_kind(other, &[ValueKind::Sequence], at);
                Err(Reported)
            }
        }
    }

    pub(super) fn text<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<String> {
        match value.into_value() {
            Value::String(text) => Ok(text),
            other => {
                self.wrong_kind(other, &[ValueKind::String], at);
                Err(Reported)
            }
        }
    }

    pub(super) fn required<V: IntoValue>(
        &mut self,
        fields: &mut Fields<V>,
        field: &str,
        at: ValuePointerRef,
    ) -> Read<V> {
        let value = fields.take(field);
        if value.is_none() {
            self.fault::<V>(ErrorKind::MissingField { field }, at);
        }
        value.ok_or(Reported)
    }

    pub(super) fn no_more<V: IntoValue>(&mut self, fields: Fields<V>, accepted: &[&str], at: ValuePointerRef) {
        for (key, _) in fields.0 {
            self.fault::<V>(ErrorKind::UnknownKey { key: &key, accepted }, at);
        }
    }

    pub(super) fn type_of<V: IntoValue>(
        &mut self,
        fields: &mut Fields<V>,
        accepted: &[&str],
        at: ValuePointerRef,
    ) -> Read<String> {
        let at_type = at.push_key("type");
        let value = self.required(fields, "type", at)?;
        let name = self.text(value, at_type)?;
        if accepted.contains(&name.as_str()) {
            return Ok(name);
        }
        self.fault::<V>(ErrorKind::UnknownValue { value: &name, accepted }, at_type);
        Err(Reported)
    }

    /// Reads a block's id and counts the block.
    pub(super) fn id<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<BlockId> {
        self.n_blocks = self.n_blocks.saturating_add(1);
        let Some(value) = fields.take_given("id") else {
            return Ok(BlockId::missing());
        };
        let at_id = at.push_key("id");
        let text = self.text(value, at_id)?;
        let Some(id) = BlockId::parse(&text) else {
            let max = BlockId::MAX_CHARS;
            self.refuse::<V>(format!("a block's id is 1 to {max} ASCII letters, digits, `_` and `-`"), at_id);
            return Err(Reported);
        };
        if !self.ids.insert(id.clone()) {
            self.refuse::<V>(format!("another block of this body has the id `{id}` too"), at_id);
            return Err(Reported);
        }
        Ok(id)
    }

    /// Reads what stands inside a block.
    pub(super) fn flow<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<Flow> {
        let mut flow = Flow::default();
        let mut is_sound = true;
        for (n, value) in self.sequence(value, at)?.enumerate() {
            is_sound &= self.inline(value, &mut flow, INLINE_TYPES, None, at.push_index(n)).is_ok();
        }
        is_sound.then_some(flow).ok_or(Reported)
    }

    fn inline<V: IntoValue>(
        &mut self,
        value: V,
        flow: &mut Flow,
        accepted: &[&str],
        link: Option<&Rc<Target>>,
        at: ValuePointerRef,
    ) -> Read<()> {
        let mut fields = self.object(value, at)?;
        match self.type_of(&mut fields, accepted, at)?.as_str() {
            "text" => self.text_inline(fields, flow, link, at),
            "link" => self.link(fields, flow, at),
            _ => {
                flow.push_break();
                self.no_more(fields, &["type"], at);
                Ok(())
            }
        }
    }

    fn text_inline<V: IntoValue>(
        &mut self,
        mut fields: Fields<V>,
        flow: &mut Flow,
        link: Option<&Rc<Target>>,
        at: ValuePointerRef,
    ) -> Read<()> {
        let value = self.required(&mut fields, "text", at);
        let text = value.and_then(|value| self.clean_text(value, at.push_key("text")));
        let marks = self.marks(&mut fields, at);
        self.no_more(fields, &["type", "text", "marks"], at);
        let (text, marks) = (text?, marks?);
        for (n, line) in text.replace("\r\n", "\n").split(['\n', '\r']).enumerate() {
            if n > 0 {
                flow.push_break();
            }
            flow.push_text(line, marks, link);
        }
        Ok(())
    }

    fn marks<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<Marks> {
        let at_marks = at.push_key("marks");
        let Some(values) = fields.take_given("marks") else {
            return Ok(Marks::default());
        };
        let mut marks = Ok(Marks::default());
        for (n, value) in self.sequence(values, at_marks)?.enumerate() {
            let at_mark = at_marks.push_index(n);
            let mark = self.text(value, at_mark).and_then(|name| {
                let mark = Mark::parse(&name).ok_or(Reported);
                if mark.is_err() {
                    self.fault::<V>(ErrorKind::UnknownValue { value: &name, accepted: &Mark::NAMES }, at_mark);
                }
                mark
            });
            marks = marks.and_then(|marks| mark.map(|mark| marks.with(mark)));
        }
        marks
    }

    fn link<V: IntoValue>(&mut self, mut fields: Fields<V>, flow: &mut Flow, at: ValuePointerRef) -> Read<()> {
        let href = self.href(&mut fields, at);
        let title = self.title(&mut fields, at);
        let parts = self.required(&mut fields, "content", at);
        self.no_more(fields, &["type", "href", "title", "content"], at);
        let at_content = at.push_key("content");
        let (target, is_sound) = match (href, title) {
            (Ok(href), Ok(title)) => (Some(Rc::new(Target { href, title })), true),
            _ => (None, false),
        };
        let mut parts_are_sound = true;
        flow.start_watch();
        for (n, value) in self.sequence(parts?, at_content)?.enumerate() {
            let at_part = at_content.push_index(n);
            parts_are_sound &= self.inline(value, flow, LINK_PART_TYPES, target.as_ref(), at_part).is_ok();
        }
        if parts_are_sound && !flow.has_seen() {
            self.refuse::<V>("a link needs text that can be seen".to_owned(), at_content);
            return Err(Reported);
        }
        (is_sound && parts_are_sound).then_some(()).ok_or(Reported)
    }

    fn href<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<Href> {
        let at_href = at.push_key("href");
        let value = self.required(fields, "href", at)?;
        let text = self.text(value, at_href)?;
        Href::parse(&text).map_err(|fault| {
            self.refuse::<V>(fault.to_string(), at_href);
            Reported
        })
    }

    fn title<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<Option<String>> {
        let at_title = at.push_key("title");
        let Some(value) = fields.take_given("title") else {
            return Ok(None);
        };
        let text = self.clean_text(value, at_title)?;
        if text.chars().count() > inline::MAX_TITLE_CHARS {
            self.refuse::<V>(format!("a title can have at most {} characters", inline::MAX_TITLE_CHARS), at_title);
            return Err(Reported);
        }
        Ok(inline::normal_title(&text))
    }

    fn clean_text<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<String> {
        let text = self.text(value, at)?;
        match text.chars().find(|c| flow::is_unwanted(*c) && !matches!(c, '\t' | '\n' | '\r')) {
            None => Ok(text),
            Some(c) => {
                self.refuse::<V>(format!("the character U+{:04X} cannot stand in text", u32::from(c)), at);
                Err(Reported)
            }
        }
    }
}
