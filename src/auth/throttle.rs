//! Bounds on guessing passwords: tries are counted per source and per account, in the database that all nodes share.
//!
//! A try is counted before its password is looked at, so that a hundred at once are not ten; who turns out to know the
//! password gets the try back. Every route that takes a password counts here, in the same two counters. Keys are
//! blinded: the table holds no address. Knows nothing of HTTP or of passwords. Start at [`Throttle::count`].

use std::{sync::Arc, time::Duration};

use diesel::prelude::*;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::source::Source;
use crate::{
    clock::Instant,
    config::TRIES_WINDOW_SECONDS,
    db::{Db, Tx, schema::throttles},
    error::{Code, Error, Result, Trouble},
    secrets::InstanceKey,
};

/// How long a try may wait for others on this node to be counted.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many tries are evaluated in a window.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From one source, for whatever accounts.
    pub per_source: u32,
    /// For one account, from wherever.
    pub per_account: u32,
}

/// Counts tries.
#[derive(Clone)]
pub struct Throttle {
    key: InstanceKey,
    limits: Limits,
    // Serializable transactions on one counter fail when they race; those of one node queue here instead.
    turn: Arc<Mutex<()>>,
}

/// A try that was counted; give it back when it was none.
#[derive(Clone, Debug)]
pub struct Try(Vec<Counted>);

/// A counter that a try was counted at, and the window that it belongs to.
#[derive(Clone, Debug)]
struct Counted {
    key: String,
    window_ends_at: Instant,
}

/// A counter and how far it may go.
#[derive(Clone)]
struct Counter {
    key: String,
    most: u32,
}

impl Throttle {
    /// Sets the limits; the key blinds what is counted.
    pub fn new(key: InstanceKey, limits: Limits) -> Self {
        Self { key, limits, turn: Arc::new(Mutex::new(())) }
    }

    /// Counts a try, from a source and, when it is for a certain account, for the key of its e-mail address.
    ///
    /// # Errors
    /// `too_many_requests` when either has had enough; then nothing is counted.
    pub async fn count(&self, db: &Db, source: Source, email_key: Option<&str>) -> Result<Try> {
        let mut counters = vec![self.counter("source", &source.key(), self.limits.per_source)];
        counters.extend(email_key.map(|key| self.counter("account", key, self.limits.per_account)));
        let turn = self.turn().await?;
        let result = db.write(move |tx| count_all(tx, &counters)).await;
        drop(turn);
        result.map_err(when_raced)
    }

    /// Gives a try back in a transaction of its own, for one whose password was never looked at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(&self, db: &Db, counted: Try) -> Result<()> {
        let turn = self.turn().await?;
        let result = db.write(move |tx| give_back(tx, &counted)).await;
        drop(turn);
        result.map_err(when_raced)
    }

    /// Runs the write of somebody who knew the password, which gives the try back with [`give_back`].
    ///
    /// # Errors
    /// Those of the work.
    pub async fn settle<T, F>(&self, db: &Db, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let turn = self.turn().await?;
        let result = db.write(work).await;
        drop(turn);
        result.map_err(when_raced)
    }

    fn counter(&self, kind: &str, value: &str, most: u32) -> Counter {
        Counter { key: self.key.sign_hex(&[kind.as_bytes(), value.as_bytes()]), most }
    }

    async fn turn(&self) -> Result<OwnedMutexGuard<()>> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turn).lock_owned()).await;
        turn.map_err(|_| Error::unavailable("too many password tries are waiting to be counted"))
    }
}

/// Gives a try back, as part of a transaction.
///
/// # Errors
/// When the database fails.
pub fn give_back(tx: &mut Tx<'_>, counted: &Try) -> Result<()> {
    for counted in &counted.0 {
        let same_window = throttles::table
            .filter(throttles::key.eq(&counted.key))
            .filter(throttles::window_ends_at.eq(counted.window_ends_at))
            .filter(throttles::attempts.gt(0));
        diesel::update(same_window).set(throttles::attempts.eq(throttles::attempts - 1)).execute(tx.conn()?)?;
    }
    Ok(())
}

/// Removes counters whose window has ended.
///
/// # Errors
/// When the database fails.
pub fn prune(tx: &mut Tx<'_>) -> Result<()> {
    diesel::delete(throttles::table.filter(throttles::window_ends_at.le(tx.now))).execute(tx.conn()?)?;
    Ok(())
}

fn count_all(tx: &mut Tx<'_>, counters: &[Counter]) -> Result<Try> {
    let mut states = Vec::new();
    for counter in counters {
        let state = read(tx, counter)?;
        if let Some((attempts, window_ends_at)) = state
            && u32::try_from(attempts).unwrap_or(0) >= counter.most
        {
            return Err(enough(tx.now, window_ends_at));
        }
        states.push(state);
    }
    let mut counted = Vec::new();
    for (counter, state) in counters.iter().zip(states) {
        counted.push(Counted { key: counter.key.clone(), window_ends_at: add(tx, counter, state)? });
    }
    Ok(Try(counted))
}

/// Returns the tries of the running window and when it ends.
fn read(tx: &mut Tx<'_>, counter: &Counter) -> Result<Option<(i32, Instant)>> {
    let state: Option<(i32, Instant)> = throttles::table
        .find(&counter.key)
        .select((throttles::attempts, throttles::window_ends_at))
        .get_result(tx.conn()?)
        .optional()?;
    Ok(state.filter(|(_, window_ends_at)| *window_ends_at > tx.now))
}

fn add(tx: &mut Tx<'_>, counter: &Counter, state: Option<(i32, Instant)>) -> Result<Instant> {
    if let Some((_, window_ends_at)) = state {
        diesel::update(throttles::table.find(&counter.key))
            .set(throttles::attempts.eq(throttles::attempts + 1))
            .execute(tx.conn()?)?;
        return Ok(window_ends_at);
    }
    let window_ends_at = tx.now.plus_seconds(TRIES_WINDOW_SECONDS);
    diesel::delete(throttles::table.find(&counter.key)).execute(tx.conn()?)?;
    diesel::insert_into(throttles::table)
        .values((
            throttles::key.eq(&counter.key),
            throttles::attempts.eq(1),
            throttles::window_ends_at.eq(window_ends_at),
        ))
        .execute(tx.conn()?)?;
    Ok(window_ends_at)
}

fn enough(now: Instant, window_ends_at: Instant) -> Error {
    let millis = window_ends_at.millis().saturating_sub(now.millis());
    let seconds = u64::try_from(millis).unwrap_or(0).div_ceil(1000).max(1);
    // The same words for both counters: which of them is full is nobody's business.
    Error::new(Code::TooManyRequests, "Too many passwords were tried. `Retry-After` says when to try again.")
        .retry_after(seconds)
}

/// A counter that many nodes count at is busy, which is no conflict that a client could resolve.
fn when_raced(error: Error) -> Error {
    match error.trouble() {
        Some(Trouble::LostRace) => Error::unavailable("the counters of password tries are busy"),
        _ => error,
    }
}

impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Throttle").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::auth::testing::Scratch;

    const LIMITS: Limits = Limits { per_source: 3, per_account: 5 };

    fn throttle() -> Throttle {
        Throttle::new(InstanceKey::from_bytes([7; 32]), LIMITS)
    }

    fn source(last: u8) -> Source {
        Source::Address([203, 0, 113, last].into())
    }

    async fn is_counted(throttle: &Throttle, db: &Db, from: u8, account: &str) -> bool {
        match throttle.count(db, source(from), Some(account)).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.code(), Code::TooManyRequests);
                let wait = error.retry_after_s().unwrap();
                assert!((890..=900).contains(&wait), "{wait}");
                false
            }
        }
    }

    #[actix_web::test]
    async fn a_source_has_its_tries_whatever_the_account_and_others_have_theirs() {
        let (scratch, throttle) = (Scratch::new(), throttle());

        for account in ["a", "b", "c"] {
            assert!(is_counted(&throttle, &scratch.db, 1, account).await);
        }

        assert!(!is_counted(&throttle, &scratch.db, 1, "d").await);
        assert!(is_counted(&throttle, &scratch.db, 2, "a").await);
    }

    #[actix_web::test]
    async fn an_account_has_its_tries_whatever_the_source() {
        let (scratch, throttle) = (Scratch::new(), throttle());

        for from in 1..=5 {
            assert!(is_counted(&throttle, &scratch.db, from, "a").await);
        }

        assert!(!is_counted(&throttle, &scratch.db, 6, "a").await);
        // What was refused did not count for the source either.
        for account in ["b", "c", "d"] {
            assert!(is_counted(&throttle, &scratch.db, 6, account).await);
        }
    }

    #[actix_web::test]
    async fn no_more_than_allowed_are_counted_when_all_come_at_once() {
        let (scratch, throttle) = (Scratch::new(), throttle());

        let counted = join_all((0..40).map(|_| is_counted(&throttle, &scratch.db, 1, "a"))).await;

        assert_eq!(counted.into_iter().filter(|counted| *counted).count(), 3);
    }

    #[actix_web::test]
    async fn a_try_that_is_given_back_was_none() {
        let (scratch, throttle) = (Scratch::new(), throttle());

        for _ in 0..20 {
            let counted = throttle.count(&scratch.db, source(1), Some("a")).await.unwrap();
            throttle.give_back(&scratch.db, counted).await.unwrap();
        }

        assert!(is_counted(&throttle, &scratch.db, 1, "a").await);
    }

    #[actix_web::test]
    async fn a_new_window_begins_when_the_old_one_has_ended() {
        let (scratch, throttle) = (Scratch::new(), throttle());
        let mut old = None;
        for _ in 0..3 {
            old = Some(throttle.count(&scratch.db, source(1), None).await.unwrap());
        }
        let end_all = |tx: &mut Tx<'_>| {
            Ok(diesel::update(throttles::table).set(throttles::window_ends_at.eq(tx.now)).execute(tx.conn()?)?)
        };
        scratch.db.write(end_all).await.unwrap();

        let first = throttle.count(&scratch.db, source(1), None).await;
        // A try of the old window is not one of the new.
        throttle.give_back(&scratch.db, old.unwrap()).await.unwrap();

        assert!(first.is_ok());
        for expected in [true, true, false] {
            assert_eq!(is_counted(&throttle, &scratch.db, 1, "a").await, expected);
        }
    }

    #[actix_web::test]
    async fn the_table_holds_no_address_and_is_pruned() {
        let (scratch, throttle) = (Scratch::new(), throttle());
        throttle.count(&scratch.db, source(1), Some("mina@example.org")).await.unwrap();

        let read = || scratch.db.read(|conn| Ok(throttles::table.select(throttles::key).load::<String>(conn)?));
        let keys = read().await.unwrap();
        assert_eq!(keys.len(), 2);
        assert!(keys.iter().all(|key| key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit())));

        scratch.db.write(|tx| prune(&mut tx.later(900)?)).await.unwrap();
        assert_eq!(read().await.unwrap().len(), 0);
    }
}
