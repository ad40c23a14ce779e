//! Who is told of what a transaction did, once it is committed: this process at once, other servers by the database.

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{Conn, Location, connect};

/// The channel on which servers on one PostgreSQL wake each other.
pub(super) const CHANNEL: &str = "frontpage_changes";

/// How often a connection that listens is looked at. libpq offers no wait that works without unsafe code.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long to wait before listening is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// What a transaction leaves word of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The surrogate keys of all that looks different now.
    pub keys: Vec<String>,
    /// The rows of the change log that say the same.
    pub changes: Vec<i64>,
}

/// Is told what committed transactions left word of, on the thread that committed, before the writer is answered.
pub type CommitListener = Arc<dyn Fn(&Word) + Send + Sync>;

/// Where the one who is told is kept; set once the server has what there is to tell.
#[derive(Clone, Default)]
pub(super) struct Commits(Arc<OnceLock<CommitListener>>);

impl Commits {
    pub(super) fn set(&self, listener: CommitListener) {
        // A second listener would be a mistake in this program; the first one stays.
        let _ = self.0.set(listener);
    }

    pub(super) fn tell(&self, word: Option<Word>) {
        if let (Some(word), Some(listener)) = (word, self.0.get()) {
            listener(&word);
        }
    }
}

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Listening(#[allow(dead_code, reason = "its end is what ends the thread")] Arc<AtomicBool>);

/// Calls `wake` whenever a server on the same database says that there is something new, on a thread of its own.
///
/// Nothing is promised: a connection can be lost. Whoever waits must look by themselves now and then.
pub(super) fn listen(location: &Location, wake: impl Fn() + Send + 'static) -> Option<Listening> {
    if location.is_sqlite() {
        return None;
    }
    let (location, is_listening) = (location.clone(), Arc::new(AtomicBool::new(false)));
    let still = Arc::downgrade(&is_listening);
    let thread = std::thread::Builder::new().name("listen".to_owned());
    let started = thread.spawn(move || {
        while still.upgrade().is_some() {
            if let Err(error) = listen_once(&location, &still, &wake) {
                tracing::debug!(%error, "Listening to the database ended; it is tried again");
            }
            std::thread::sleep(RETRY_AFTER);
        }
    });
    started.map_err(|error| tracing::warn!(%error, "No thread to listen to the database")).ok()?;
    Some(Listening(is_listening))
}

fn listen_once(
    location: &Location,
    still: &Weak<AtomicBool>,
    wake: &impl Fn(),
) -> Result<(), Box<dyn std::error::Error>> {
    let Conn::Postgres(mut conn) = connect::open_alone(location)? else { return Ok(()) };
    diesel::RunQueryDsl::execute(diesel::sql_query(format!("LISTEN {CHANNEL}")), &mut conn)?;
    // What was said before this connection listened is not repeated.
    wake();
    while let Some(is_listening) = still.upgrade() {
        is_listening.store(true, Ordering::Relaxed);
        let mut is_woken = false;
        for notification in conn.notifications_iter() {
            notification?;
            is_woken = true;
        }
        if is_woken {
            wake();
        }
        drop(is_listening);
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
