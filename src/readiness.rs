//! Whether the database answers, asked at most once a second however often somebody wants to know.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, watch};

use crate::error::Result;

/// How long an answer is good for.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// The last answer, and whether the server is about to stop.
#[derive(Debug, Default)]
pub struct Readiness {
    last: Mutex<Option<(Instant, bool)>>,
    is_closed: watch::Sender<bool>,
}

impl Readiness {
    /// Returns whether the server is about to stop.
    pub fn is_closed(&self) -> bool {
        *self.is_closed.borrow()
    }

    /// Says "not ready" from now on.
    pub fn close(&self) {
        self.is_closed.send_replace(true);
    }

    /// Returns what tells when the server is about to stop.
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.is_closed.subscribe()
    }

    /// Returns whether the database answers; those who ask at the same time share one question.
    pub async fn is_ready<F, Fut>(&self, ask: F) -> bool
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<()>>,
    {
        if self.is_closed() {
            return false;
        }
        let mut last = self.last.lock().await;
        if let Some((at, is_ready)) = *last
            && at.elapsed() < GOOD_FOR
        {
            return is_ready;
        }
        let is_ready = ask().await.is_ok();
        *last = Some((Instant::now(), is_ready));
        is_ready
    }
}
