//! Time as the system knows it: UTC, to the millisecond.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDateTime, SecondsFormat, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::db::types::{sql_via, written};

/// A moment in UTC with millisecond precision, written as RFC 3339 with `Z`.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Timestamp)]
pub struct Instant(DateTime<Utc>);

impl Instant {
    /// Returns the present moment; the only caller of the system clock.
    pub fn now() -> Self {
        Self::truncate(Utc::now())
    }

    /// Reads an RFC 3339 time with any offset; what is finer than a millisecond is cut.
    ///
    /// An offset can lead out of the years 0 to 9999, and SQLite, which compares times as text, would sort those wrongly.
    pub fn parse(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
        (0..=9999).contains(&time.year()).then(|| Self::truncate(time))
    }

    /// Returns the moment so many milliseconds after 1970, if it is one that can be represented.
    pub fn from_millis(millis: i64) -> Option<Self> {
        DateTime::from_timestamp_millis(millis).map(Self)
    }

    /// Returns the milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Returns the whole seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.0.timestamp()
    }

    /// Writes the moment as mail does (RFC 822 with a year of four digits), which is what RSS asks for.
    pub fn to_rfc822(self) -> String {
        self.0.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }

    /// Returns the moment so many seconds later, or earlier when negative; saturates at the ends of time.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        let moved = TimeDelta::try_seconds(seconds).and_then(|delta| self.0.checked_add_signed(delta));
        Self(moved.unwrap_or(self.0))
    }

    fn truncate(time: DateTime<Utc>) -> Self {
        let nanos = time.nanosecond() / 1_000_000 * 1_000_000;
        Self(time.with_nanosecond(nanos).unwrap_or(time))
    }

    fn to_stored(self) -> NaiveDateTime {
        self.0.naive_utc()
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape that `sql_via` asks for")]
    fn from_stored(stored: NaiveDateTime) -> diesel::deserialize::Result<Self> {
        Ok(Self(stored.and_utc()))
    }
}

sql_via!(Instant, diesel::sql_types::Timestamp, NaiveDateTime);

impl Instant {
    /// The same as chrono writes, in a tenth of the time: a list has hundreds of them.
    fn with_text<T>(self, take: impl FnOnce(&str) -> T) -> T {
        if !(0..=9999).contains(&self.0.year()) {
            return take(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true));
        }
        let mut text = [b'Z'; 24];
        for (place, byte) in text.iter_mut().zip(written(self.0.naive_utc(), b'T')) {
            *place = byte;
        }
        take(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_text(|text| serializer.serialize_str(text))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

impl From<Instant> for std::time::SystemTime {
    fn from(instant: Instant) -> Self {
        instant.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_chrono_writes_them() {
        for text in ["2026-11-24T12:34:56.789Z", "0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"] {
            assert_eq!(Instant::parse(text).unwrap().to_string(), text);
        }
        for millis in [-62_167_219_200_001, -1, 0, 951_782_399_999, 253_402_300_800_000] {
            let time = Instant::from_millis(millis).unwrap();

            assert_eq!(time.to_string(), time.0.to_rfc3339_opts(SecondsFormat::Millis, true));
        }
    }
}
