//! A write transaction, as the work in it sees it.

use diesel::{
    SqliteConnection,
    connection::SimpleConnection,
    pg::Pg,
    query_builder::QueryFragment,
    query_dsl::{RunQueryDsl, methods::ExecuteDsl},
    sqlite::Sqlite,
};

use super::{
    Conn,
    commits::{self, Word},
    origin::Origin,
    together::{MOST, MOST_ROWS, Together},
};
use crate::{
    clock::Instant,
    error::{Error, Result},
};

/// A write transaction: all or nothing, and one moment in time.
pub struct Tx<'c> {
    conn: &'c mut Conn,
    /// When the transaction began, by the database's clock; every row that it writes says so.
    pub now: Instant,
    /// Who does it and where it comes from, for the audit.
    pub origin: Origin,
    /// What is told once it is committed; none, when there is nothing to tell.
    word: Option<Word>,
    /// What is to be inserted before anything else is asked for.
    unsent: Together,
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: &'c mut Conn, now: Instant, origin: Origin) -> Self {
        Self { conn, now, origin, word: None, unsent: Together::default() }
    }

    /// Returns the connection that the transaction is on, with all that was inserted before.
    ///
    /// # Errors
    /// When the database fails.
    pub fn conn(&mut self) -> Result<&mut Conn> {
        self.send()?;
        Ok(self.conn)
    }

    /// Inserts a row: on PostgreSQL with the next statement, together with others.
    ///
    /// # Errors
    /// When the database fails; of a row that cannot be inserted, the next statement may be the one to say so.
    pub fn insert<I>(&mut self, insert: I) -> Result<()>
    where
        I: QueryFragment<Pg> + ExecuteDsl<SqliteConnection, Sqlite> + 'static,
    {
        match self.conn {
            Conn::Sqlite(own) => {
                ExecuteDsl::execute(insert, own)?;
                Ok(())
            }
            Conn::Postgres(_) => self.add(insert),
        }
    }

    /// Returns whether each statement goes to another program.
    pub(crate) fn is_far(&self) -> bool {
        matches!(self.conn, Conn::Postgres(_))
    }

    /// Keeps an insert for PostgreSQL until the next statement.
    pub(crate) fn add(&mut self, insert: impl QueryFragment<Pg> + 'static) -> Result<()> {
        self.unsent.add(Box::new(insert));
        if self.unsent.len() >= MOST { self.send() } else { Ok(()) }
    }

    /// Keeps inserts of several rows for PostgreSQL until the next statement. They stay apart from those of single rows, as
    /// their text depends on how many rows there are, so that no such statement is kept prepared.
    pub(crate) fn add_rows<R, I>(&mut self, mut rows: Vec<R>, insert: impl Fn(Vec<R>) -> I) -> Result<()>
    where
        I: QueryFragment<Pg> + 'static,
    {
        if !self.unsent.has_rows {
            self.send()?;
        }
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(MOST_ROWS));
            let is_long = rows.len() > MOST_ROWS / 10;
            self.unsent.has_rows = true;
            self.add(insert(std::mem::replace(&mut rows, rest)))?;
            if is_long {
                self.send()?;
            }
        }
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        if self.unsent.len() == 0 {
            return Ok(());
        }
        let Conn::Postgres(own) = self.conn else { return Err(Error::internal("inserts were kept for SQLite")) };
        std::mem::take(&mut self.unsent).execute(own)?;
        Ok(())
    }

    /// Ends the work, before the commit; returns what is told after it.
    pub(super) fn end(mut self) -> Result<Option<Word>> {
        self.send()?;
        Ok(self.word)
    }

    /// Leaves word of keys, and of the change that names them, for [`Db::on_commit`](super::Db::on_commit): once the
    /// transaction is committed, and before its writer is answered, the listener in this process is told.
    pub fn tell(&mut self, keys: &[String], change: i64) {
        let word = self.word.get_or_insert_default();
        word.keys.extend_from_slice(keys);
        word.changes.push(change);
    }

    /// Wakes all that follow what is written here, on every server, once the transaction is committed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn wake_followers(&mut self) -> Result<()> {
        self.word.get_or_insert_default();
        if let Conn::Postgres(conn) = self.conn()? {
            diesel::sql_query(format!("NOTIFY {}", commits::CHANNEL)).execute(conn)?;
        }
        Ok(())
    }

    /// Returns the same transaction as it would be so many seconds later.
    ///
    /// # Errors
    /// When the database fails.
    #[cfg(test)]
    pub fn later(&mut self, seconds: i64) -> Result<Tx<'_>> {
        let (now, origin) = (self.now.plus_seconds(seconds), self.origin.clone());
        Ok(Tx::new(self.conn()?, now, origin))
    }

    /// Has the statements of the transaction go by indexes also where PostgreSQL takes a table for small.
    ///
    /// It remembers how large a table was when it last looked. A queue is empty most of the time, so when it is long it
    /// would be read whole for each of its rows.
    ///
    /// # Errors
    /// When the database fails.
    pub fn go_by_indexes(&mut self) -> Result<()> {
        if let Conn::Postgres(conn) = self.conn()? {
            conn.batch_execute("SET LOCAL enable_seqscan = off")?;
        }
        Ok(())
    }

    /// Takes a lock of the database's own until the transaction ends, unless another transaction has it.
    ///
    /// On SQLite there is only one writer, so it is always had.
    ///
    /// # Errors
    /// When the database fails.
    pub fn try_lock(&mut self, number: i64) -> Result<bool> {
        #[derive(diesel::QueryableByName)]
        struct Taken {
            #[diesel(sql_type = diesel::sql_types::Bool)]
            taken: bool,
        }
        match self.conn()? {
            Conn::Sqlite(_) => Ok(true),
            Conn::Postgres(conn) => {
                let query = format!("SELECT pg_try_advisory_xact_lock({number}) AS taken");
                Ok(diesel::sql_query(query).get_result::<Taken>(conn)?.taken)
            }
        }
    }
}
