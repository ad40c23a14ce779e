//! The queue before a pool: how many work at once, how many wait, and for how long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    error::{Error, Result},
    metrics::PoolState,
};

/// How many may wait for each connection; who comes when so many wait is refused at once, because waiting would only
/// put off the same refusal.
const WAITING_PER_CONNECTION: usize = 64;

/// A pool of one connection serves a burst, too.
pub(super) const WAITING_AT_LEAST: usize = 256;

/// A queue; clones share it.
#[derive(Clone)]
pub(super) struct Queue {
    size: usize,
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
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
        Self { size, permits: Arc::new(Semaphore::new(size)), waiting: Arc::default() }
    }

    /// Waits for a turn; it lasts as long as what is returned.
    pub(super) async fn enter(&self, patience: Duration) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= WAITING_AT_LEAST.max(self.size.saturating_mul(WAITING_PER_CONNECTION)) {
            return Err(Error::unavailable("too many requests wait for the database"));
        }
        match tokio::time::timeout(patience, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(Error::unavailable("the database is closed")),
            Err(_) => Err(Error::unavailable("no database connection became free in time")),
        }
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
    async fn who_comes_when_too_many_wait_is_refused_at_once() {
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

        assert!(refused.is_err_and(|error| error.cause() == Some("too many requests wait for the database")));
        drop(turn);
        for waiting in waiting {
            waiting.await.unwrap().unwrap();
        }
        assert_eq!(queue.state(), PoolState { size: 1, in_use: 0, waiting: 0 });
    }

    #[test]
    fn content_leaves_a_share_to_others() {
        assert_eq!([1, 2, 4, 8, 100].map(content_share), [1, 1, 3, 6, 75]);
    }
}
