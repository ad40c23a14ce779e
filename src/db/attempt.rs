//! A write from its beginning to its commit, and again when another one came first.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use diesel::connection::{AnsiTransactionManager, TransactionManager};

use super::{Conn, Origin, Outcome, Tx, commits::Commits, moment};
use crate::{
    clock::Instant,
    error::{Error, Result, Trouble},
};

/// For how long a write that loses races is tried again; then those who win them leave no room for it.
pub(super) const RACES_FOR: Duration = Duration::from_secs(5);

/// A write that lost a race waits a little longer each time before it is tried again, up to this.
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// Waits after so many attempts that lost a race. After the first, what it lost against is there to be seen at once; whatever
/// else it is gets its pause.
pub(super) fn pause_after(attempt: u32) {
    if attempt > 1 {
        std::thread::sleep(LONGEST_PAUSE.min(Duration::from_millis(3) * attempt));
    }
}

/// How far a write is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolation {
    /// As if it were alone; it may lose races.
    Serializable,
    /// Each statement sees what others have committed.
    Committed,
}

/// What a write begins with.
pub(super) struct Start {
    /// How far it is kept from others.
    pub(super) isolation: Isolation,
    /// Where it comes from.
    pub(super) origin: Origin,
    /// The caller was told that nothing happened.
    pub(super) is_over: Arc<AtomicBool>,
    /// Who is told when it is committed.
    pub(super) commits: Commits,
}

/// Runs a write until it wins.
pub(super) fn attempt_write<T>(conn: &mut Conn, start: &Start, work: &impl Fn(&mut Tx<'_>) -> Result<T>) -> Outcome<T> {
    let started = std::time::Instant::now();
    let mut attempt = 1;
    loop {
        let begun = begin(conn, start.isolation).map_err(Error::from).map_err(Stage::Begin);
        let error = match begun.and_then(|now| transact(conn, now, start, work)) {
            Ok(value) => return Outcome::Done(Ok(value)),
            // Nothing was sent yet, so another connection may take over.
            Err(Stage::Begin(error)) if error.trouble() == Some(Trouble::LostConnection) => {
                return Outcome::Lost(error);
            }
            // Another program has held the database for as long as this one waits.
            Err(Stage::Begin(error)) => return Outcome::Done(Err(Error::unavailable(error))),
            Err(Stage::Work(error)) => error,
        };
        let is_late = start.is_over.load(Ordering::SeqCst) || started.elapsed() >= RACES_FOR;
        if error.trouble() != Some(Trouble::LostRace) || is_late {
            return Outcome::Done(Err(error));
        }
        pause_after(attempt);
        attempt += 1;
    }
}

/// Where a write failed.
enum Stage {
    Begin(Error),
    Work(Error),
}

fn transact<T>(
    conn: &mut Conn,
    now: Instant,
    start: &Start,
    work: &impl Fn(&mut Tx<'_>) -> Result<T>,
) -> std::result::Result<T, Stage> {
    let mut tx = Tx::new(&mut *conn, now, start.origin.clone());
    let worked = work(&mut tx).and_then(|value| Ok((value, tx.end()?)));
    let result = worked.and_then(|(value, word)| {
        // Who was answered 503 must not find it done a moment later.
        if start.is_over.load(Ordering::SeqCst) {
            return Err(Error::unavailable("the database came back only after the answer"));
        }
        Conn::commit_transaction(conn)?;
        start.commits.tell(word);
        Ok(value)
    });
    result.map_err(|error| {
        // A failed commit has rolled back already; a connection that cannot roll back is found broken by the pool.
        if let Err(failure) = Conn::rollback_transaction(conn) {
            tracing::debug!(%failure, "Roll-back after a failed write");
        }
        Stage::Work(error)
    })
}

/// Begins a transaction and says when.
pub(super) fn begin(conn: &mut Conn, isolation: Isolation) -> diesel::QueryResult<Instant> {
    match conn {
        Conn::Postgres(conn) if isolation == Isolation::Committed => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN ISOLATION LEVEL READ COMMITTED")?;
        }
        // Serializable, as the connection was told when it was opened.
        Conn::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn)?,
        // Takes the write lock at once, so that no read of this transaction can be overtaken.
        Conn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
    }
    moment::now(conn)
}
