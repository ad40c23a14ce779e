//! A connection to either database, as one type.

#![allow(missing_docs, reason = "most of this module is what the derive makes")]

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// A PostgreSQL connection.
    Postgres(diesel::PgConnection),
    /// An SQLite connection.
    Sqlite(diesel::SqliteConnection),
}
