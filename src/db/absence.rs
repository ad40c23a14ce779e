//! Whether a database is away for longer than a moment, so that nobody waits in vain for one that is.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// A database that has let nobody connect for so long is not about to be there in a moment.
const AWAY_AFTER: Duration = Duration::from_secs(1);

/// How long a connection to such a one is waited for: whether it is there again is found out meanwhile.
const AWAY_WAIT: Duration = Duration::from_millis(10);

/// Since when a database lets nobody connect.
#[derive(Debug)]
pub(super) struct Absence {
    started: Instant,
    /// In milliseconds since the start and one; 0, when it does.
    since: AtomicU64,
}

impl Default for Absence {
    fn default() -> Self {
        Self { started: Instant::now(), since: AtomicU64::new(0) }
    }
}

impl Absence {
    /// Notes that a connection could not be made.
    pub(super) fn note(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        // Since the first time counts.
        let _ignored = self.since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Notes that the database is there.
    pub(super) fn end(&self) {
        if self.since.load(Ordering::Relaxed) != 0 {
            self.since.store(0, Ordering::Relaxed);
        }
    }

    /// Returns how long to wait for a connection, of as long as it would be waited for otherwise: hardly, when there is none
    /// that could become free, and none can be made.
    pub(super) fn shorten(&self, wait: Duration, has_connections: impl FnOnce() -> bool) -> Duration {
        let since = self.since.load(Ordering::Relaxed).checked_sub(1);
        let lasts = since.map(|since| self.started.elapsed().saturating_sub(Duration::from_millis(since)));
        let is_away = lasts.is_some_and(|time| time >= AWAY_AFTER) && !has_connections();
        if is_away { wait.min(AWAY_WAIT) } else { wait }
    }
}
