//! Where those stand who wait for changes: how far this server has read the log, what it tells all who listen, and how
//! many may.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};

use crate::error::{Code, Error, Result};

/// How many batches are kept for those who are a little late; who is later reads the log.
const BACKLOG: usize = 64;

/// How many snapshots are written at a time: each takes a read connection again and again.
const SNAPSHOTS: usize = 4;

/// Some changes in a row, ready to be sent.
#[derive(Debug)]
pub struct Batch {
    /// The place before the first.
    pub from: i64,
    /// The place of the last.
    pub to: i64,
    /// All of them, as the stream says them.
    pub events: Bytes,
}

/// What is said of each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// That it happened.
    Entries,
    /// That, and the article as it is now.
    Articles,
}

/// One server's end of the log.
#[derive(Debug)]
pub struct Wire {
    position: watch::Sender<i64>,
    entries: broadcast::Sender<Arc<Batch>>,
    articles: broadcast::Sender<Arc<Batch>>,
    readers: Arc<Semaphore>,
    snapshots: Arc<Semaphore>,
}

impl Wire {
    /// Makes one for so many readers that wait.
    pub fn new(readers: usize) -> Self {
        Self {
            position: watch::Sender::new(0),
            entries: broadcast::Sender::new(BACKLOG),
            articles: broadcast::Sender::new(BACKLOG),
            readers: Arc::new(Semaphore::new(readers.min(Semaphore::MAX_PERMITS))),
            snapshots: Arc::new(Semaphore::new(SNAPSHOTS)),
        }
    }

    /// Says up to where this server has read the log, and dropped what shows what it says.
    pub fn reached(&self, position: i64) {
        self.position.send_if_modified(|known| std::mem::replace(known, position) != position);
    }

    /// Returns up to where this server has read the log by now; 0 before the first time.
    pub fn reached_by_now(&self) -> i64 {
        // Whoever held what `borrow` returns for longer would keep everybody waiting.
        *self.position.borrow()
    }

    /// Returns what tells up to where this server has read the log; 0 before the first time.
    pub fn position(&self) -> watch::Receiver<i64> {
        self.position.subscribe()
    }

    /// Listens to what is told from now on.
    pub fn listen(&self, with: With) -> broadcast::Receiver<Arc<Batch>> {
        self.channel(with).subscribe()
    }

    /// Returns whether anybody listens.
    pub fn has_listeners(&self, with: With) -> bool {
        self.channel(with).receiver_count() > 0
    }

    /// Tells all who listen.
    pub fn tell(&self, with: With, batch: Batch) {
        // Nobody may be left by now.
        let _ = self.channel(with).send(Arc::new(batch));
    }

    fn channel(&self, with: With) -> &broadcast::Sender<Arc<Batch>> {
        match with {
            With::Entries => &self.entries,
            With::Articles => &self.articles,
        }
    }

    /// Takes a place among those who wait.
    ///
    /// # Errors
    /// `unavailable` when all are taken.
    pub fn join(&self) -> Result<OwnedSemaphorePermit> {
        take(&self.readers, "As many readers wait for changes as this server takes (FRONTPAGE_CHANGES_READERS).", 10)
    }

    /// Takes a place among those to whom a snapshot is written.
    ///
    /// # Errors
    /// `unavailable` when all are taken.
    pub fn begin_snapshot(&self) -> Result<OwnedSemaphorePermit> {
        take(&self.snapshots, "As many snapshots are being read as this server writes at a time.", 30)
    }
}

fn take(places: &Arc<Semaphore>, detail: &str, seconds: u64) -> Result<OwnedSemaphorePermit> {
    let taken = places.clone().try_acquire_owned();
    taken.map_err(|_| Error::new(Code::Unavailable, detail).retry_after(seconds))
}
