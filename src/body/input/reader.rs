//! Collecting faults, taking objects apart, and reading what stands inside blocks.

use std::collections::HashSet;
use std::ops::ControlFlow;

use deserr::{DeserializeError, ErrorKind, IntoValue, Map, Sequence, Value, ValueKind, ValuePointerRef};

use crate::body::id::{BlockId, FootnoteId};
use crate::body::inline::{Inline, normal_line};

/// Reads values and collects what is wrong with them.
pub(super) struct Reader<E> {
    error: Option<E>,
    /// Whether the error type has asked to stop at a fault.
    stopped: bool,
    ids: HashSet<BlockId>,
    n_blocks: usize,
    pub(super) notes: HashSet<FootnoteId>,
    /// The references to footnotes, each with its place.
    pub(super) references: Vec<(FootnoteId, Vec<Step>)>,
}

/// A step of a place that is kept for later.
pub(super) enum Step {
    Member(String),
    Index(usize),
}

/// Returns the steps of a place, the last one first.
pub(super) fn steps(mut at: ValuePointerRef) -> Vec<Step> {
    let mut steps = Vec::new();
    loop {
        match at {
            ValuePointerRef::Origin => return steps,
            ValuePointerRef::Key { key, prev } => {
                steps.push(Step::Member(key.to_owned()));
                at = *prev;
            }
            ValuePointerRef::Index { index, prev } => {
                steps.push(Step::Index(index));
                at = *prev;
            }
        }
    }
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
        Self {
            error: None,
            stopped: false,
            ids: HashSet::new(),
            n_blocks: 0,
            notes: HashSet::new(),
            references: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> Result<(), E> {
        self.error.map_or(Ok(()), Err)
    }

    /// Reports references to footnotes that do not exist.
    pub(super) fn check_references<V: IntoValue>(&mut self) {
        for (note, place) in std::mem::take(&mut self.references) {
            if !self.notes.contains(&note) {
                self.refuse_at::<V>(
                    &format!("no footnote of this body has the id `{note}`"),
                    &place,
                    ValuePointerRef::Origin,
                );
            }
        }
    }

    /// Reports a fault at a place that was kept for later; places are as deep as blocks can be nested.
    fn refuse_at<V: IntoValue>(&mut self, msg: &str, path: &[Step], at: ValuePointerRef) {
        match path.split_last() {
            None => self.refuse::<V>(msg.to_owned(), at),
            Some((Step::Member(key), rest)) => self.refuse_at::<V>(msg, rest, at.push_key(key)),
            Some((Step::Index(n), rest)) => self.refuse_at::<V>(msg, rest, at.push_index(*n)),
        }
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

    /// Reads a list of at most so many values.
    pub(super) fn up_to<V: IntoValue>(
        &mut self,
        max: usize,
        value: V,
        at: ValuePointerRef,
    ) -> Read<impl Iterator<Item = V> + use<V, E>> {
        match value.into_value() {
            Value::Sequence(sequence) if sequence.len() > max => {
                self.refuse::<V>(format!("can have at most {max} members"), at);
                Err(Reported)
            }
            Value::Sequence(sequence) => Ok(sequence.into_iter()),
            other => {
                self.wrong_kind(other, &[ValueKind::Sequence], at);
                Err(Reported)
            }
        }
    }

    /// Reads a text of one line; nothing if there is nothing to see in it.
    pub(super) fn line<V: IntoValue>(
        &mut self,
        fields: &mut Fields<V>,
        name: &str,
        max_chars: usize,
        at: ValuePointerRef,
    ) -> Read<Option<String>> {
        let at = at.push_key(name);
        let Some(value) = fields.take_given(name) else {
            return Ok(None);
        };
        let text = self.clean_text(value, max_chars, at)?;
        Ok(normal_line(&text, max_chars))
    }

    /// Reads a content that may be null or left out, and is when there is nothing to see in it.
    pub(super) fn optional_content<V: IntoValue>(
        &mut self,
        fields: &mut Fields<V>,
        name: &str,
        at: ValuePointerRef,
    ) -> Read<Option<Vec<Inline>>> {
        match fields.take_given(name) {
            None => Ok(None),
            Some(value) => self.flow(value, at.push_key(name)).map(super::filled),
        }
    }

    /// Reads something that is a text by its own rules.
    pub(super) fn parsed<V: IntoValue, T>(
        &mut self,
        value: V,
        at: ValuePointerRef,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Read<T> {
        let text = self.text(value, at)?;
        parse(&text).map_err(|msg| {
            self.refuse::<V>(msg, at);
            Reported
        })
    }

    /// Reads one of several names.
    pub(super) fn named<V: IntoValue, T>(
        &mut self,
        value: V,
        accepted: &[&str],
        at: ValuePointerRef,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Read<T> {
        let name = self.text(value, at)?;
        parse(&name).ok_or_else(|| {
            self.fault::<V>(ErrorKind::UnknownValue { value: &name, accepted }, at);
            Reported
        })
    }
}
