//! The queue before a pool: how many work at once, how many wait, and for how long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    error::{Error, Result},
    metrics::PoolState,
};

/// How many may wait for each connection, however fast it goes.
const WAITING_PER_CONNECTION: usize = 64;

/// A pool of one connection serves a burst, too.
const WAITING_AT_LEAST: usize = 256;

/// How many may wait however slowly it goes, so that a slow moment refuses no burst.
const WAITING_ALWAYS: usize = 128;

/// How long a wait may be that somebody looks forward to. Who comes when it would be longer is refused: waiting would only
/// put off the same refusal, and make everybody wait who is served.
const BEARABLE: Duration = Duration::from_millis(100);

/// How long it takes to refuse somebody: who asks again at once would otherwise take the time of those who are served.
/// With it and the time that it takes to come to it, a refusal is there within 50 ms.
const REFUSED_AFTER: Duration = Duration::from_millis(35);

/// How many turns are looked back on to say how long one takes.
const TURNS_OBSERVED: f32 = 128.0;

/// Who waits behind fewer says nothing of how long a turn takes in a long queue: many go at once there.
const WAITING_OBSERVED: usize = 16;

/// Why somebody is refused who comes when too many wait.
pub const TOO_MANY_WAIT: &str = "too many requests wait for the database";

/// How long those who wait in a queue wait for each turn before theirs; clones share it.
#[derive(Clone, Default)]
pub(super) struct Pace(Arc<AtomicU32>);

impl Pace {
    /// Returns whether another one may wait behind so many for so many connections.
    pub(super) fn admits(&self, before: usize, connections: usize) -> bool {
        before < WAITING_ALWAYS
            || (before < WAITING_AT_LEAST.max(connections.saturating_mul(WAITING_PER_CONNECTION)))
                && self.seconds() * turns(before) <= BEARABLE.as_secs_f32()
    }

    /// Notes that somebody waited so long behind so many. The longer the queue was, the more it says.
    pub(super) fn note(&self, before: usize, waited: Duration) {
        if before < WAITING_OBSERVED {
            return;
        }
        let (turns, seen) = (turns(before), self.seconds());
        let weight = (turns / TURNS_OBSERVED).min(1.0);
        // Of two notes at one time, one may be lost.
        let seconds = seen + (waited.as_secs_f32() / turns - seen) * weight;
        self.0.store(seconds.to_bits(), Ordering::Relaxed);
    }

    fn seconds(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// Refuses somebody who comes when too many wait.
pub async fn refuse() -> Error {
    tokio::time::sleep(REFUSED_AFTER).await;
    Error::unavailable(TOO_MANY_WAIT)
}

/// Returns after how many turns it is the turn of who waits behind so many.
fn turns(before: usize) -> f32 {
    f32::from(u16::try_from(before).unwrap_or(u16::MAX)) + 1.0
}

/// A queue; clones share it.
#[derive(Clone)]
pub(super) struct Queue {
    size: usize,
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    pace: Pace,
}

/// Counts somebody who waits, however the wait ends.
struct Waiting<'q>(&'q AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Queue {
    pub(super) fn new(size: usize) -> Self {
        Self { size, permits: Arc::new(Semaphore::new(size)), waiting: Arc::default(), pace: Pace::default() }
    }

    /// Waits for a turn; it lasts as long as what is returned.
    pub(super) async fn enter(&self, patience: Duration) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.waiting);
        if !self.pace.admits(before, self.size) {
            drop(waiting);
            return Err(refuse().await);
        }
        let began = Instant::now();
        let turn = tokio::time::timeout(patience, self.permits.clone().acquire_owned()).await;
        self.pace.note(before, began.elapsed());
        drop(waiting);
        match turn {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(Error::unavailable("the database is closed")),
            Err(_) => Err(Error::unavailable("no database connection became free in time")),
        }
    }

    /// Returns whether who comes now is refused.
    pub(super) fn is_overrun(&self) -> bool {
        self.permits.available_permits() == 0 && !self.pace.admits(self.waiting.load(Ordering::Relaxed), self.size)
    }

    pub(super) fn state(&self) -> PoolState {
        PoolState {
            size: self.size,
            in_use: self.size.saturating_sub(self.permits.available_permits()),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }
}

/// Returns how many of so many connections reads of content may have: a quarter is left to others, if there is more than
/// one.
pub(super) fn content_share(connections: u32) -> usize {
    let size = usize::try_from(connections).unwrap_or(1);
    size.saturating_sub(size.div_ceil(4)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_refused_soon() {
        let queue = Queue::new(1);
        let turn = queue.enter(Duration::ZERO).await.unwrap();
        let waiting: Vec<_> = (0..WAITING_AT_LEAST)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.enter(Duration::from_secs(60)).await.map(drop) })
            })
            .collect();
        while queue.state().waiting < WAITING_AT_LEAST {
            tokio::task::yield_now().await;
        }

        let refused = queue.enter(Duration::from_secs(60)).await;

        assert!(refused.is_err_and(|error| error.cause() == Some(TOO_MANY_WAIT)));
        drop(turn);
        for waiting in waiting {
            waiting.await.unwrap().unwrap();
        }
        assert_eq!(queue.state(), PoolState { size: 1, in_use: 0, waiting: 0 });
    }

    #[test]
    fn a_long_queue_is_for_where_it_goes_fast() {
        let (pace, burst, many) = (Pace::default(), WAITING_ALWAYS - 1, WAITING_AT_LEAST - 1);
        let admitted = |pace: &Pace| [burst, many].map(|before| pace.admits(before, 1));
        assert_eq!(admitted(&pace), [true, true]);

        pace.note(many, Duration::from_secs(2));
        assert_eq!(admitted(&pace), [true, false], "nobody waits for two seconds");
        assert!(pace.admits(burst, 100), "a burst is always taken");

        pace.note(burst, Duration::from_millis(12));
        assert_eq!(admitted(&pace), [true, true], "it goes fast again");
        (0..100).for_each(|_| pace.note(0, Duration::from_millis(50)));
        assert_eq!(admitted(&pace), [true, true], "what takes its time alone says nothing of a long queue");
        assert!(!pace.admits(WAITING_AT_LEAST, 1), "a queue is bounded however fast it goes");
    }

    #[test]
    fn content_leaves_a_share_to_others() {
        assert_eq!([1, 2, 4, 8, 100].map(content_share), [1, 1, 3, 6, 75]);
    }
}
