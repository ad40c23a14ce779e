//! Query strings into typed parameters: nothing unknown, nothing twice, everything wrong reported at once.

use deserr::{Deserr, IntoValue, ValuePointerRef};
use serde_json::{Map, Value};

use crate::{
    error::{Code, Error, Result},
    input::{Faults, read},
};

/// Parameters beyond this many are refused unread.
const MOST: usize = 100;

/// Reads a query string into a type whose members are the parameters.
///
/// # Errors
/// A 400 with every unknown, repeated or invalid parameter.
pub fn parse<T: Deserr<Faults>>(query: &str) -> Result<T> {
    read(to_json(query)?, Code::InvalidParameter)
}

/// A parameter that occurs once becomes a string, one that is repeated an array of strings.
fn to_json(query: &str) -> Result<Value> {
    let mut parameters = Map::new();
    for (count, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if count >= MOST {
            return Err(Error::new(Code::BadRequest, format!("The query has more than {MOST} parameters.")));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, Value::String(decode(value)?));
        match parameters.get_mut(&name) {
            None => {
                parameters.insert(name, value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => {
                let first_value = first.take();
                *first = Value::Array(vec![first_value, value]);
            }
        }
    }
    Ok(Value::Object(parameters))
}

fn decode(text: &str) -> Result<String> {
    let malformed =
        || Error::new(Code::BadRequest, "The query is not well-formed percent-encoded UTF-8, or contains NUL.");
    super::path::percent_decode(&text.replace('+', " ")).filter(|text| !text.contains('\0')).ok_or_else(malformed)
}

/// A parameter that may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Many<T>(pub Vec<T>);

impl<T: std::fmt::Debug> Many<T> {
    /// Returns them in one order, whatever the one in which they were given: it means nothing.
    #[must_use]
    pub fn in_one_order(mut self) -> Self {
        self.0.sort_by_cached_key(|value| format!("{value:?}"));
        self
    }
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Deserr<Faults>> Deserr<Faults> for Many<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef<'_>,
    ) -> std::result::Result<Self, Faults> {
        match value {
            deserr::Value::Sequence(_) => <Vec<T> as Deserr<Faults>>::deserialize_from_value(value, location).map(Self),
            single => T::deserialize_from_value(single, location).map(|value| Self(vec![value])),
        }
    }
}

/// A list of names in one parameter, separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

impl Names {
    /// Reads the list.
    ///
    /// # Errors
    /// When a name is empty.
    pub fn parse(text: &str) -> std::result::Result<Self, crate::input::Invalid> {
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            return Err(crate::input::Invalid::new("empty", "must be names separated by commas, none of them empty"));
        }
        Ok(Self(names))
    }
}

crate::input::parsed!(Names);

/// `true` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag(pub bool);

impl Flag {
    /// Reads the flag.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> std::result::Result<Self, crate::input::Invalid> {
        match text {
            "true" => Ok(Self(true)),
            "false" => Ok(Self(false)),
            _ => Err(crate::input::Invalid::new("not_allowed", "must be true or false")),
        }
    }
}

crate::input::parsed!(Flag);

/// A moment, as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub crate::clock::Instant);

impl Moment {
    /// Reads the moment.
    ///
    /// # Errors
    /// When it is not an RFC 3339 time with an offset.
    pub fn parse(text: &str) -> std::result::Result<Self, crate::input::Invalid> {
        crate::clock::Instant::parse(text).map(Self).ok_or_else(|| {
            crate::input::Invalid::new(
                "invalid_time",
                "must be an RFC 3339 time such as 2026-11-23T08:00:00Z (in an address, + is written %2B)",
            )
        })
    }
}

crate::input::parsed!(Moment);
