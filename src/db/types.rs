//! How the domain's own types are stored: ids, instants and enumerations, on both databases.
//!
//! The only place, with the rest of `db`, that names a diesel backend.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use diesel::{
    deserialize::Result as FromResult,
    query_builder::QueryId,
    sql_types::{HasSqlType, SqlType},
};

use super::MultiBackend;

/// The SQL type of an id: `uuid` on PostgreSQL, 16 bytes on SQLite.
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Binary"))]
pub struct IdSql;

impl HasSqlType<IdSql> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<IdSql>(lookup)
    }
}

/// The backends under shorter names, for the macros below.
pub(crate) mod backends {
    pub(crate) use diesel::{pg::Pg, sqlite::Sqlite};

    pub(crate) use crate::db::MultiBackend;
}

/// Stores a newtype over `Uuid` as [`IdSql`].
macro_rules! sql_id {
    ($name:ident) => {
        const _: () = {
            use diesel::deserialize::{FromSql, Result as FromResult};
            use diesel::serialize::{IsNull, Output, Result as ToResult, ToSql};
            use $crate::db::types::{IdSql, backends::*};

            impl ToSql<IdSql, Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> ToResult {
                    std::io::Write::write_all(out, self.0.as_bytes())?;
                    Ok(IsNull::No)
                }
            }
            impl ToSql<IdSql, Sqlite> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> ToResult {
                    out.set_value(self.0.as_bytes().as_slice());
                    Ok(IsNull::No)
                }
            }
            impl ToSql<IdSql, MultiBackend> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> ToResult {
                    out.set_value((IdSql, self));
                    Ok(IsNull::No)
                }
            }
            impl FromSql<IdSql, Pg> for $name {
                fn from_sql(value: <Pg as diesel::backend::Backend>::RawValue<'_>) -> FromResult<Self> {
                    Ok(Self(uuid::Uuid::from_slice(value.as_bytes())?))
                }
            }
            impl FromSql<IdSql, Sqlite> for $name {
                fn from_sql(mut value: <Sqlite as diesel::backend::Backend>::RawValue<'_>) -> FromResult<Self> {
                    Ok(Self(uuid::Uuid::from_slice(value.read_blob())?))
                }
            }
            impl FromSql<IdSql, MultiBackend> for $name {
                fn from_sql(value: <MultiBackend as diesel::backend::Backend>::RawValue<'_>) -> FromResult<Self> {
                    value.from_sql::<Self, IdSql>()
                }
            }
        };
    };
}
pub(crate) use sql_id;

/// Stores a type by way of one that both databases know: `$name` has `to_stored` and `from_stored`.
macro_rules! sql_via {
    ($name:ident, $sql:ty, $stored:ty) => {
        const _: () = {
            use diesel::deserialize::{FromSql, Result as FromResult};
            use diesel::serialize::{IsNull, Output, Result as ToResult, ToSql};
            use $crate::db::types::backends::*;

            impl ToSql<$sql, Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> ToResult {
                    let stored: $stored = self.to_stored();
                    <$stored as ToSql<$sql, Pg>>::to_sql(&stored, &mut out.reborrow())
                }
            }
            impl ToSql<$sql, Sqlite> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> ToResult {
                    out.set_value($crate::db::types::SqliteForm::sqlite_form(self.to_stored()));
                    Ok(IsNull::No)
                }
            }
            impl ToSql<$sql, MultiBackend> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> ToResult {
                    out.set_value((<$sql>::default(), self));
                    Ok(IsNull::No)
                }
            }
            impl FromSql<$sql, Pg> for $name {
                fn from_sql(value: <Pg as diesel::backend::Backend>::RawValue<'_>) -> FromResult<Self> {
                    Self::from_stored(<$stored as FromSql<$sql, Pg>>::from_sql(value)?)
                }
            }
            impl FromSql<$sql, Sqlite> for $name {
                fn from_sql(value: <Sqlite as diesel::backend::Backend>::RawValue<'_>) -> FromResult<Self> {
                    Self::from_stored(<$stored as $crate::db::types::SqliteForm>::read(value)?)
                }
            }
            impl FromSql<$sql, MultiBackend> for $name {
                fn from_sql(value: <MultiBackend as diesel::backend::Backend>::RawValue<'_>) -> FromResult<Self> {
                    value.from_sql::<Self, $sql>()
                }
            }
        };
    };
}
pub(crate) use sql_via;

/// The form in which SQLite takes and gives a stored value.
pub(crate) trait SqliteForm: Sized {
    fn sqlite_form(self) -> String;

    fn read(value: <diesel::sqlite::Sqlite as diesel::backend::Backend>::RawValue<'_>) -> FromResult<Self>;
}

impl SqliteForm for String {
    fn sqlite_form(self) -> String {
        self
    }

    fn read(mut value: <diesel::sqlite::Sqlite as diesel::backend::Backend>::RawValue<'_>) -> FromResult<Self> {
        Ok(value.read_text().to_owned())
    }
}

impl SqliteForm for NaiveDateTime {
    fn sqlite_form(self) -> String {
        // Fixed width, so that the order of the text is the order of time.
        String::from_utf8_lossy(&written(self, b' ')).into_owned()
    }

    fn read(mut value: <diesel::sqlite::Sqlite as diesel::backend::Backend>::RawValue<'_>) -> FromResult<Self> {
        let text = value.read_text();
        match fixed_width(text.as_bytes()) {
            Some(time) => Ok(time),
            None => Ok(Self::parse_from_str(text, "%F %T%.f")?),
        }
    }
}

/// Writes a time of the years 0 to 9999, with a byte between the day and the hour.
pub(crate) fn written(time: NaiveDateTime, between: u8) -> [u8; 23] {
    let digit = |number: u32, place: u32| b'0' + u8::try_from(number / place % 10).unwrap_or(0);
    let (year, month, day) = (u32::try_from(time.year()).unwrap_or(0), time.month(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let millis = time.nanosecond() / 1_000_000 % 1000;
    [
        digit(year, 1000),
        digit(year, 100),
        digit(year, 10),
        digit(year, 1),
        b'-',
        digit(month, 10),
        digit(month, 1),
        b'-',
        digit(day, 10),
        digit(day, 1),
        between,
        digit(hour, 10),
        digit(hour, 1),
        b':',
        digit(minute, 10),
        digit(minute, 1),
        b':',
        digit(second, 10),
        digit(second, 1),
        b'.',
        digit(millis, 100),
        digit(millis, 10),
        digit(millis, 1),
    ]
}

/// Reads `2026-11-24 12:34:56.789`, the form in which all times are stored; a list has hundreds of them.
fn fixed_width(text: &[u8]) -> Option<NaiveDateTime> {
    let [y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b' ', h1, h2, b':', m1, m2, b':', s1, s2, b'.', f1, f2, f3] = text
    else {
        return None;
    };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0_u32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(**digit - b'0')))
    };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(&[o1, o2])?, number(&[d1, d2])?)?;
    date.and_hms_milli_opt(number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?, number(&[f1, f2, f3])?)
}

/// Declares an enumeration that is text in the database, in JSON and in a query: one spelling everywhere.
macro_rules! text_enum {
    ($(#[doc = $doc_text:literal])* pub enum $name:ident $(as $public:ident)? { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[doc = $doc_text])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// All values, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// All values as they are written.
            pub const NAMES: &'static [&'static str] = &[$($text),*];

            /// Returns the value as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads the value as it is written.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }

            fn to_stored(self) -> String {
                self.as_str().to_owned()
            }

            fn from_stored(text: String) -> diesel::deserialize::Result<Self> {
                Self::parse(&text).ok_or_else(|| format!("\"{text}\" is not a {}", stringify!($name)).into())
            }
        }

        // By hand, as the derive does not see names that come through a macro.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some(concat!($($doc_text),*).trim()))
                    .enum_values(Some(Self::NAMES.iter().copied()))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed($crate::db::types::schema_name!($name $($public)?))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<E: deserr::DeserializeError> deserr::Deserr<E> for $name {
            fn deserialize_from_value<V: deserr::IntoValue>(
                value: deserr::Value<V>,
                location: deserr::ValuePointerRef<'_>,
            ) -> std::result::Result<Self, E> {
                let text = <String as deserr::Deserr<E>>::deserialize_from_value(value, location)?;
                Self::parse(&text).ok_or_else(|| {
                    deserr::take_cf_content(E::error::<V>(
                        None,
                        deserr::ErrorKind::UnknownValue { value: &text, accepted: Self::NAMES },
                        location,
                    ))
                })
            }
        }

        $crate::db::types::sql_via!($name, diesel::sql_types::Text, String);
    };
}
pub(crate) use text_enum;

/// The name of an enumeration in the OpenAPI file: its own, or the one that it is declared `as`.
macro_rules! schema_name {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $public:ident) => {
        stringify!($public)
    };
}
pub(crate) use schema_name;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for text in
            ["2026-11-24 12:34:56.789", "0000-01-01 00:00:00.000", "9999-12-31 23:59:59.999", "2024-02-29 07:08:09.010"]
        {
            let time = fixed_width(text.as_bytes()).unwrap();

            assert_eq!(NaiveDateTime::parse_from_str(text, "%F %T%.f").unwrap(), time);
            assert_eq!(time.sqlite_form(), text);
        }
    }

    #[test]
    fn other_forms_of_a_time_are_left_to_chrono() {
        for text in
            ["2026-11-24 12:34:56", "2026-13-24 12:34:56.789", "2026-11-24T12:34:56.789", "2026-11-24 12:34:5x.789", ""]
        {
            assert_eq!(fixed_width(text.as_bytes()), None, "{text}");
        }
    }
}
