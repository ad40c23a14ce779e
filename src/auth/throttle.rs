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
        diesel::update(same_window).set(throttles::attempts.eq(throttles::attempts - 1)).execute(tx.conn)?;
    }
    Ok(())
}

/// Removes counters whose window has ended.
///
/// # Errors
/// When the database fails.
pub fn prune(tx: &mut Tx<'_>) -> Result<()> {
    diesel::delete(throttles::table.filter(throttles::window_ends_at.le(tx.now))).execute(tx.conn)?;
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
        .first(tx.conn)
        .optional()?;
    Ok(state.filter(|(_, window_ends_at)| *window_ends_at > tx.now))
}

fn add(tx: &mut Tx<'_>, counter: &Counter, state: Option<(i32, Instant)>) -> Result<Instant> {
    if let Some((_, window_ends_at)) = state {
        diesel::update(throttles::table.find(&counter.key))
            .set(throttles::attempts.eq(throttles::attempts + 1))
            .execute(tx.conn)?;
        return Ok(window_ends_at);
    }
    let window_ends_at = tx.now.plus_seconds(TRIES_WINDOW_SECONDS);
    diesel::delete(throttles::table.find(&counter.key)).execute(tx.conn)?;
    diesel::insert_into(throttles::table)
        .values((
            throttles::key.eq(&counter.key),
            throttles::attempts.eq(1),
            throttles::window_ends_at.eq(window_ends_at),
        ))
        .execute(tx.conn)?;
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
