//! Errands: something that is to be done elsewhere for every change, at least once, in order, whatever happens to a server.

use std::time::Duration;

use tokio::sync::watch;

use super::{
    durable::Follower,
    follow::{self, BATCH, News, Seen},
};
use crate::{db::Db, error::Result};

/// How long to wait after the first failure; doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often to look when nothing is known to have happened: another server may have died at its work.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often a server that is long at its work says that it still is.
const STILL_AT_IT: Duration = Duration::from_secs(3);

/// So long after one server has read a change, all that reach the database have read it and dropped what it makes untrue, and
/// what they gave out before has arrived.
pub const SETTLED_AFTER: Duration = follow::LOOK_EVERY.saturating_mul(4);

/// What is to be done.
pub trait Errand {
    /// What it is called in the log, such as `Purging the cache in front`.
    const WHAT: &'static str;

    /// How many batches of the log it is done for at a time, when it is behind.
    const BATCHES: usize = 1;

    /// Does it for some changes.
    ///
    /// # Errors
    /// When it is not done; it is tried again.
    fn run(&self, seen: Vec<Seen>) -> impl Future<Output = Result<()>>;

    /// Says in the log that changes were removed before it was done for them.
    fn missed(&self);
}

/// Follows the log and does it, for ever. `position` is how far this server has read the log.
pub async fn run(db: &Db, follower: &Follower, errand: &impl Errand, mut position: watch::Receiver<i64>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match catch_up(db, follower, errand).await {
            Ok(()) => {
                pause = FIRST_PAUSE;
                // The other end lives as long as this server.
                let _ = tokio::time::timeout(LOOK_EVERY, position.changed()).await;
            }
            Err(error) => {
                tracing::warn!(%error, "{} failed; it is tried again in {} ms", what(errand), pause.as_millis());
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
}

fn what<E: Errand>(_: &E) -> &'static str {
    E::WHAT
}

/// Does what has come since the last time, up to the end of the log.
async fn catch_up<E: Errand>(db: &Db, follower: &Follower, errand: &E) -> Result<()> {
    while let Some(position) = follower.claim(db).await? {
        match read(db, position, E::BATCHES).await? {
            News::Changes(seen) if seen.is_empty() => return Ok(()),
            News::Changes(seen) => {
                let end = seen.last().map_or(position, |seen| seen.position);
                if !run_claimed(db, follower, errand, seen).await? {
                    return Ok(());
                }
                follower.advance(db, end).await?;
            }
            News::Missed(end) => {
                errand.missed();
                follower.advance(db, end).await?;
            }
        }
    }
    Ok(())
}

/// Reads what came after a place, up to so many batches.
async fn read(db: &Db, mut position: i64, n_batches: usize) -> Result<News> {
    let mut all = Vec::new();
    for _ in 0..n_batches {
        match db.read(move |conn| follow::after(conn, position)).await? {
            News::Changes(seen) => {
                let is_full = i64::try_from(seen.len()).unwrap_or(BATCH) >= BATCH;
                position = seen.last().map_or(position, |seen| seen.position);
                all.extend(seen);
                if !is_full {
                    break;
                }
            }
            News::Missed(end) if all.is_empty() => return Ok(News::Missed(end)),
            News::Missed(_) => break,
        }
    }
    Ok(News::Changes(all))
}

/// Does it, and keeps the claim for as long as that takes; returns whether this server has it still.
async fn run_claimed(db: &Db, follower: &Follower, errand: &impl Errand, seen: Vec<Seen>) -> Result<bool> {
    let mut work = std::pin::pin!(errand.run(seen));
    loop {
        match tokio::time::timeout(STILL_AT_IT, &mut work).await {
            Ok(done) => return done.map(|()| true),
            // A database that is busy or away for a moment is no reason to begin anew.
            Err(_) if matches!(follower.claim(db).await, Ok(None)) => return Ok(false),
            Err(_) => {}
        }
    }
}
