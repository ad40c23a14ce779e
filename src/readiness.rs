//! Whether the database answers, asked at most once a second however often somebody wants to know.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use crate::error::Result;

/// How long an answer is good for.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// The last answer.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Returns whether the database answers; those who ask at the same time share one question.
    pub async fn is_ready<F, Fut>(&self, ask: F) -> bool
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<()>>,
    {
        let mut last = self.0.lock().await;
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
