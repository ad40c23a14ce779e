//! Bounds on costly work: how many password hashes run at once, how many wait, and for how long.
//!
//! Each hash takes a processor and some memory for tens of milliseconds, and anyone may ask for one. So what is over
//! the bounds is told at once that the server is busy, and what runs keeps its permit until it has truly ended, also
//! when whoever asked has hung up: otherwise a flood of hung-up requests would run without any bound.
//! This module must not know what the work is, nor HTTP. Start at [`HashPermits::run`].

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::traces;

/// How many may wait for each that runs: at some 35 ms a hash, the last of them waits a third of a second.
const WAITING_PER_PERMIT: usize = 8;

/// How long one may wait. Somebody who waits longer has a server that is too slow to log in to anyway.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermitLimits {
    /// How many run at once.
    pub n_running: NonZeroUsize,
    /// How many may wait beside those.
    pub n_waiting: usize,
    /// How long one may wait.
    pub max_wait: Duration,
}

impl PermitLimits {
    /// Returns the bounds for so many at once: eight wait for each that runs, for two seconds.
    #[must_use]
    pub fn for_running(n_running: NonZeroUsize) -> Self {
        let n_waiting = n_running.get().saturating_mul(WAITING_PER_PERMIT);
        Self { n_running, n_waiting, max_wait: MAX_WAIT }
    }
}

impl Default for PermitLimits {
    /// Returns the bounds for this machine: one at once for each processor.
    fn default() -> Self {
        Self::for_running(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

/// Why the work was not done or gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRun {
    /// Too many wait already, or the wait was too long: it was not begun. Worth another try a moment later.
    #[error("too many password hashes are being computed")]
    Busy,
    /// The work panicked, or the server is stopping.
    #[error("the computation of a password hash was broken off")]
    BrokenOff,
}

/// The gate that all password hashing goes through. Clones share one gate.
#[derive(Debug, Clone)]
pub struct HashPermits {
    /// One for each that runs or waits.
    places: Arc<Semaphore>,
    n_places: usize,
    /// One for each that runs; given out in the order of asking.
    permits: Arc<Semaphore>,
    max_wait: Duration,
}

impl HashPermits {
    /// Makes a gate with these bounds.
    #[must_use]
    pub fn new(limits: PermitLimits) -> Self {
        let n_running = limits.n_running.get().min(Semaphore::MAX_PERMITS);
        let n_places = n_running.saturating_add(limits.n_waiting).min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(n_places)),
            n_places,
            permits: Arc::new(Semaphore::new(n_running)),
            max_wait: limits.max_wait,
        }
    }

    /// Returns how many run or wait.
    #[must_use]
    pub fn n_in_progress(&self) -> usize {
        self.n_places.saturating_sub(self.places.available_permits())
    }

    /// Runs work on a blocking thread when its turn comes, and returns what it gives.
    ///
    /// Dropping the future while it waits gives the place back. Dropping it later does not stop the work, which keeps
    /// its permit to its end.
    ///
    /// # Errors
    /// [`NotRun`].
    pub async fn run<T, F>(&self, work: F) -> Result<T, NotRun>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let work = async {
            let held = self.wait_for_turn().await?;
            let task = tokio::task::spawn_blocking(move || {
                let outcome = work();
                drop(held);
                outcome
            });
            task.await.map_err(|_| NotRun::BrokenOff)
        };
        traces::measured("hash password", work).await
    }

    async fn wait_for_turn(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), NotRun> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| NotRun::Busy)?;
        let turn = timeout(self.max_wait, Arc::clone(&self.permits).acquire_owned()).await;
        // The inner error is that of a closed gate, and nothing closes ours.
        let permit = turn.map_err(|_| NotRun::Busy)?.map_err(|_| NotRun::BrokenOff)?;
        Ok((place, permit))
    }
}

impl Default for HashPermits {
    fn default() -> Self {
        Self::new(PermitLimits::default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use futures_util::FutureExt as _;
    use futures_util::future::join_all;

    use super::*;

    const SHORT: Duration = Duration::from_millis(30);

    fn gate(n_running: usize, n_waiting: usize, max_wait: Duration) -> HashPermits {
        HashPermits::new(PermitLimits { n_running: NonZeroUsize::new(n_running).unwrap(), n_waiting, max_wait })
    }

    /// Polls once, which is how a request begins, and tells that it has not ended.
    fn is_pending<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
        future.now_or_never().is_none()
    }

    /// Work that runs until the returned sender is dropped.
    fn stoppable() -> (mpsc::Sender<()>, impl FnOnce() + Send + 'static) {
        let (stop, stopped) = mpsc::channel();
        (stop, move || {
            assert!(stopped.recv().is_err(), "the test only drops its end");
        })
    }

    #[actix_web::test]
    async fn no_more_run_at_once_than_may() {
        let gate = gate(2, 30, MAX_WAIT);
        let running = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));

        let outcomes = join_all((0..32).map(|number| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            gate.run(move || {
                let now = running.fetch_add(1, Ordering::SeqCst).saturating_add(1);
                most.fetch_max(now, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(2));
                running.fetch_sub(1, Ordering::SeqCst);
                number
            })
        }))
        .await;

        assert_eq!(outcomes, (0..32).map(Ok).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[actix_web::test]
    async fn whoever_finds_the_queue_full_is_told_at_once() {
        let gate = gate(1, 1, MAX_WAIT);
        let (_stop, work) = stoppable();
        let mut runs = Box::pin(gate.run(work));
        let mut waits = Box::pin(gate.run(|| ()));
        assert!(is_pending(&mut runs) && is_pending(&mut waits));

        assert_eq!(gate.run(|| ()).now_or_never(), Some(Err(NotRun::Busy)));
    }

    #[actix_web::test]
    async fn whoever_waits_too_long_is_told_and_frees_the_place() {
        let gate = gate(1, 1, SHORT);
        let (stop, work) = stoppable();
        let mut runs = Box::pin(gate.run(work));
        assert!(is_pending(&mut runs));

        assert_eq!(gate.run(|| ()).await, Err(NotRun::Busy));
        assert_eq!(gate.run(|| ()).await, Err(NotRun::Busy));
        drop(stop);

        assert_eq!(runs.await, Ok(()));
        assert_eq!(gate.run(|| 7).await, Ok(7));
    }

    #[actix_web::test]
    async fn work_keeps_its_permit_when_its_caller_hangs_up() {
        let gate = gate(1, 0, SHORT);
        let (stop, work) = stoppable();
        let mut runs = Box::pin(gate.run(work));
        assert!(is_pending(&mut runs));

        drop(runs);
        assert_eq!(gate.run(|| ()).await, Err(NotRun::Busy));
        drop(stop);

        while gate.run(|| ()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[actix_web::test]
    async fn whoever_hangs_up_while_waiting_gives_the_place_back() {
        let gate = gate(1, 1, MAX_WAIT);
        let (stop, work) = stoppable();
        let mut runs = Box::pin(gate.run(work));
        let mut waits = Box::pin(gate.run::<(), _>(|| panic!("work that nobody waits for must not begin")));
        assert!(is_pending(&mut runs) && is_pending(&mut waits));

        drop(waits);
        let mut next = Box::pin(gate.run(|| 7));
        assert!(is_pending(&mut next));
        drop(stop);

        assert_eq!(next.await, Ok(7));
    }

    #[actix_web::test]
    async fn work_that_panics_gives_its_permit_back() {
        let gate = gate(1, 0, SHORT);

        let outcome: Result<(), _> = gate.run(|| panic!("on purpose")).await;

        assert_eq!(outcome, Err(NotRun::BrokenOff));
        assert_eq!(gate.run(|| 7).await, Ok(7));
    }

    #[test]
    fn eight_wait_for_each_that_runs() {
        let limits = PermitLimits::for_running(NonZeroUsize::new(4).unwrap());

        assert_eq!((limits.n_waiting, limits.max_wait), (32, Duration::from_secs(2)));
    }
}
