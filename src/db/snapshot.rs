//! Reading in one transaction, so that all statements see one moment.
//!
//! diesel has SQLite compile `BEGIN` and `COMMIT` anew each time, which for a single article is a twentieth of all the
//! work. Here they are statements like any other, which are kept prepared.

use diesel::{
    Connection,
    connection::{AnsiTransactionManager, TransactionManager},
    query_builder::{AstPass, QueryFragment, QueryId},
    query_dsl::RunQueryDsl,
    result::QueryResult,
    sqlite::Sqlite,
};

use super::{Conn, Outcome, moment};
use crate::{
    clock::Instant,
    error::{Error, Result, Trouble},
};

macro_rules! command {
    ($name:ident, $text:literal) => {
        #[derive(Debug, Clone, Copy, QueryId)]
        struct $name;

        impl QueryFragment<Sqlite> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                out.push_sql($text);
                Ok(())
            }
        }

        impl<C> RunQueryDsl<C> for $name {}
    };
}

command!(Begin, "BEGIN");
command!(Commit, "COMMIT");

pub(super) fn attempt_read<T>(conn: &mut Conn, work: &impl Fn(&mut Conn) -> Result<T>) -> Outcome<T> {
    let result = match conn {
        Conn::Postgres(_) => conn.transaction::<_, Error, _>(|conn| work(conn)),
        Conn::Sqlite(own) => {
            if let Err(error) = Begin.execute(own) {
                return Outcome::Lost(error.into());
            }
            let result = work(conn);
            match (end(conn), result) {
                (Err(error), Ok(_)) => return Outcome::Lost(error.into()),
                // What makes a statement fail may have ended the transaction already.
                (_, result) => result,
            }
        }
    };
    outcome(result)
}

/// The same with a single statement, which sees one moment by itself.
pub(super) fn attempt_look_up<T>(conn: &mut Conn, work: &impl Fn(&mut Conn) -> Result<T>) -> Outcome<T> {
    outcome(work(conn))
}

fn outcome<T>(result: Result<T>) -> Outcome<T> {
    match result {
        Err(error) if error.trouble() == Some(Trouble::LostConnection) => Outcome::Lost(error),
        result => Outcome::Done(result),
    }
}

/// The same on a replica, at a moment: its own clock may be another one.
pub(super) fn attempt_read_at<T>(conn: &mut Conn, now: Instant, work: &impl Fn(&mut Conn) -> Result<T>) -> Outcome<T> {
    let Conn::Postgres(own) = conn else { return Outcome::Done(Err(Error::internal("SQLite has no replicas"))) };
    let begin = format!("BEGIN; SET LOCAL {} = '{now}'", moment::GIVEN);
    if let Err(error) = AnsiTransactionManager::begin_transaction_sql(own, &begin) {
        return Outcome::Lost(error.into());
    }
    let result = moment::given(|| work(conn));
    // Nothing was written, so either way ends it; only that it has ended counts.
    let ended = if result.is_ok() { Conn::commit_transaction(conn) } else { Conn::rollback_transaction(conn) };
    match (ended, result) {
        (_, Err(error)) if error.trouble() == Some(Trouble::LostConnection) => Outcome::Lost(error),
        (Err(error), _) => Outcome::Lost(error.into()),
        (Ok(()), result) => Outcome::Done(result),
    }
}

fn end(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(own) => Commit.execute(own).map(drop),
        Conn::Postgres(_) => Ok(()),
    }
}
