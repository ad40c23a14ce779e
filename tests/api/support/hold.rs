//! Holds a database's writers up, so that a test decides in which order things happen.

use diesel::{Connection, PgConnection, SqliteConnection, connection::SimpleConnection};

use super::{Backend, Database};

/// A lock; whoever wants to write waits until it is released or dropped. Reading goes on, unless it is to be kept up, too.
pub enum Hold {
    /// On the whole file: SQLite has one writer.
    Sqlite(SqliteConnection),
    /// On one table.
    Postgres(PgConnection),
}

impl Hold {
    /// Takes the lock.
    pub fn on(database: &Database, table: &str) -> Self {
        match database.backend {
            Backend::Sqlite => {
                let path = database.url.trim_start_matches("sqlite://");
                let mut conn = SqliteConnection::establish(path).expect("the file opens");
                conn.batch_execute("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE").expect("the lock is free");
                Self::Sqlite(conn)
            }
            Backend::Postgres => {
                let mut conn = PgConnection::establish(&database.url).expect("the server answers");
                conn.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE")).expect("the lock is free");
                Self::Postgres(conn)
            }
        }
    }

    /// Takes a lock on a table that keeps readers up, too; SQLite has none.
    pub fn against_readers(database: &Database, table: &str) -> Self {
        let mut conn = PgConnection::establish(&database.url).expect("the server answers");
        conn.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).expect("the lock is free");
        Self::Postgres(conn)
    }

    /// Lets those who wait go on.
    pub fn release(mut self) {
        match &mut self {
            Self::Sqlite(conn) => conn.batch_execute("ROLLBACK"),
            Self::Postgres(conn) => conn.batch_execute("ROLLBACK"),
        }
        .expect("the lock is held");
    }
}

/// Waits until somebody waits for a lock on a table (PostgreSQL).
pub fn until_somebody_waits_for(database: &Database, table: &str) {
    let statement = format!("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass");
    while database.sql(&statement) == "0" {
        std::thread::yield_now();
    }
}
