//! Collects every fault of an input in one pass, each with a JSON pointer.

use std::ops::ControlFlow;

use deserr::{DeserializeError, Deserr, ErrorKind, IntoValue, MergeWithError, ValueKind, ValuePointerRef};
use serde_json::Value;

use crate::error::{Code, Error, Fault};

/// All faults of one input.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

/// Faults beyond this many are not reported, so that a hostile input cannot make a huge answer.
const MOST: usize = 100;

/// Why a text is not an instance of a parsed type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The kind of fault, for programs.
    pub code: &'static str,
    /// What is wrong and what is allowed, for people.
    pub detail: String,
}

impl Invalid {
    /// Makes one.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl Faults {
    /// Makes an empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault.
    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(Fault::new(pointer, code, detail));
        }
    }

    /// Adds all faults of another collection.
    pub fn extend(&mut self, other: Self) {
        for fault in other.0 {
            self.add(fault.pointer, fault.code, fault.detail);
        }
    }

    /// Reads a typed input from JSON, and reports its faults together with these.
    ///
    /// # Errors
    /// All faults, as an error of the given kind.
    pub fn read<T: Deserr<Self>>(mut self, value: Value, code: Code) -> Result<T, Error> {
        match deserr::deserialize::<T, _, Self>(value) {
            Ok(input) => self.check(code).map(|()| input),
            Err(faults) => {
                self.extend(faults);
                Err(Error::faults(code, self.0))
            }
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns an error of the given kind if there are any.
    ///
    /// # Errors
    /// The faults, when there are some.
    pub fn check(self, code: Code) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::faults(code, self.0)) }
    }
}

/// Reads a typed input from JSON.
///
/// # Errors
/// All faults of the input, as an error of the given kind.
pub fn read<T: Deserr<Faults>>(value: Value, code: Code) -> Result<T, Error> {
    Faults::new().read(value, code)
}

/// Writes a location as a JSON pointer (RFC 6901).
pub(super) fn pointer(mut location: ValuePointerRef<'_>) -> String {
    let mut steps = Vec::new();
    loop {
        location = match location {
            ValuePointerRef::Origin => break,
            ValuePointerRef::Key { key, prev } => {
                steps.push(format!("/{}", escape(key)));
                *prev
            }
            ValuePointerRef::Index { index, prev } => {
                steps.push(format!("/{index}"));
                *prev
            }
        };
    }
    steps.reverse();
    steps.concat()
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

impl DeserializeError for Faults {
    fn error<V: IntoValue>(
        this: Option<Self>,
        error: ErrorKind<'_, V>,
        location: ValuePointerRef<'_>,
    ) -> ControlFlow<Self, Self> {
        let mut faults = this.unwrap_or_default();
        let at = pointer(location);
        match error {
            ErrorKind::IncorrectValueKind { actual, accepted } => {
                let detail = format!("must be {}, not {}", kinds(accepted), kind(actual.kind()));
                faults.add(at, "wrong_type", detail);
            }
            ErrorKind::MissingField { field } => {
                faults.add(format!("{at}/{}", escape(field)), "required", "is required");
            }
            ErrorKind::UnknownKey { key, accepted } => {
                let key = shown(key);
                let known = if accepted.is_empty() { "none".to_owned() } else { accepted.join(", ") };
                let detail = format!("\"{key}\" is not known here; known are {known}");
                faults.add(format!("{at}/{}", escape(&key)), "unknown", detail);
            }
            ErrorKind::UnknownValue { value, accepted } => {
                let detail = format!("\"{}\" is not allowed; allowed are {}", shown(value), accepted.join(", "));
                faults.add(at, "not_allowed", detail);
            }
            ErrorKind::BadSequenceLen { expected, .. } => {
                faults.add(at, "wrong_length", format!("must have {expected} elements"));
            }
            ErrorKind::Unexpected { msg } => faults.add(at, "invalid", msg),
        }
        ControlFlow::Continue(faults)
    }
}

impl MergeWithError<Self> for Faults {
    fn merge(this: Option<Self>, other: Self, _: ValuePointerRef<'_>) -> ControlFlow<Self, Self> {
        let mut faults = this.unwrap_or_default();
        faults.extend(other);
        ControlFlow::Continue(faults)
    }
}

impl MergeWithError<Invalid> for Faults {
    fn merge(this: Option<Self>, other: Invalid, location: ValuePointerRef<'_>) -> ControlFlow<Self, Self> {
        let mut faults = this.unwrap_or_default();
        faults.add(pointer(location), other.code, other.detail);
        ControlFlow::Continue(faults)
    }
}

/// A client's own text as far as a message should repeat it.
fn shown(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn kind(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Null => "null",
        ValueKind::Boolean => "a boolean",
        ValueKind::Integer | ValueKind::NegativeInteger => "an integer",
        ValueKind::Float => "a number",
        ValueKind::String => "a string",
        ValueKind::Sequence => "an array",
        ValueKind::Map => "an object",
    }
}

fn kinds(accepted: &[ValueKind]) -> String {
    let mut names: Vec<&str> = accepted.iter().map(|accepted| kind(*accepted)).collect();
    names.dedup();
    names.join(" or ")
}

/// Lets a type with `fn parse(&str) -> Result<Self, Invalid>` be read from a JSON string.
macro_rules! parsed {
    (for [$($generics:tt)*] $name:ty) => {
        impl<$($generics)*> deserr::Deserr<$crate::input::Faults> for $name {
            fn deserialize_from_value<V: deserr::IntoValue>(
                value: deserr::Value<V>,
                location: deserr::ValuePointerRef<'_>,
            ) -> Result<Self, $crate::input::Faults> {
                use $crate::input::Faults;
                let text = <String as deserr::Deserr<Faults>>::deserialize_from_value(value, location)?;
                Self::parse(&text).map_err(|invalid| {
                    deserr::take_cf_content(<Faults as deserr::MergeWithError<$crate::input::Invalid>>::merge(
                        None, invalid, location,
                    ))
                })
            }
        }
    };
    ($name:ty) => {
        $crate::input::parsed!(for [] $name);
    };
}
pub(crate) use parsed;
