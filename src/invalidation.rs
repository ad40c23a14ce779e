//! Keeps the finished answers of this server true: drops what shows something that has changed.
//!
//! Three ways lead here. What this server writes is dropped when it is committed, before the writer is answered. What
//! others write is learned from the change log, of which the database tells at once and which is read twice a second in
//! any case. What the clock does is foreseen: the answers that show it are dropped at its moment, whether anybody has
//! recorded it by then or not.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant as Moment},
};

use tokio::sync::Notify;

use crate::{
    articles::schedule::{self, Coming},
    changes::follow::{self, LOOK_EVERY, News},
    clock::Instant,
    db::{self, Conn, Db, Listening, Options, Sight},
    error::Result,
    state::State,
};

/// How far ahead the clock is foreseen: longer than what is kept counts as fresh without another look.
const FORESIGHT_SECONDS: i64 = 3;

/// The clocks of this server and of the database are compared to within the time of a statement. From the earliest moment
/// at which something may have happened nothing that is kept is given out; so long after the latest, all of it is dropped
/// that shows it, and what is read anew has it.
const CLOCK_MARGIN: Duration = Duration::from_millis(5);

/// What is lost when both clocks are read in whole milliseconds.
const CLOCK_STEPS: Duration = Duration::from_millis(2);

/// Follows changes for as long as it is polled.
pub struct Invalidation {
    state: State,
    /// Connections of its own: when requests wait for theirs, this must not wait with them.
    db: Db,
    wake: Arc<Notify>,
    own: Own,
    /// Kept, because its end would be the end of listening.
    _listening: Option<Listening>,
    /// Up to where the log has been read; none before the first time.
    position: Option<i64>,
    /// What the clock will do next.
    coming: Vec<Foreseen>,
    /// What the clock has done and is not recorded yet, as far as the answers that show it were dropped.
    done: HashSet<Coming>,
}

/// The changes that this server made itself and dropped when they were committed, until the log tells of them. Without
/// that, what readers asked for in between would be made once more.
#[derive(Clone, Default)]
struct Own(Arc<Mutex<HashSet<i64>>>);

/// The most that are remembered, should the log not be read for long; what is forgotten is dropped twice.
const MOST_OWN: usize = 10_000;

impl Own {
    fn add(&self, changes: &[i64]) {
        let mut own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if own.len() >= MOST_OWN {
            own.clear();
        }
        own.extend(changes);
    }

    fn take(&self, change: i64) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&change)
    }
}

/// Something that the clock will do, and when that is by this server's clock.
struct Foreseen {
    earliest: Moment,
    latest: Moment,
    event: Coming,
}

/// What one look at the database tells.
struct Look {
    now: Instant,
    position: i64,
    news: News,
    has_unplaced: bool,
    coming: Vec<Coming>,
    log_end: Option<i64>,
}

impl Invalidation {
    /// Begins to follow; from now on this server's own writes drop what shows them.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn begin(state: &State) -> Result<Self> {
        let database = &state.config.database;
        let few = Options { read_connections: 1, write_connections: 1, observer: None, ..database.options.clone() };
        let db = Db::open(&database.location, &few)?;
        let wake = Arc::new(Notify::new());
        let (for_own, for_others, for_state) = (wake.clone(), wake.clone(), state.downgrade());
        let own = Own::default();
        let dropped = own.clone();
        state.db.on_commit(Arc::new(move |word| {
            // The database is a part of the state and must not keep it alive.
            if let Some(state) = for_state.upgrade() {
                // First, so that what is made anew because of the drop has what was written.
                state.db.outdate_replicas();
                state.delivery.drop_keys(&word.keys);
            }
            dropped.add(&word.changes);
            for_own.notify_one();
        }));
        let listening = db.listen(move || for_others.notify_one());
        Ok(Self {
            state: state.clone(),
            db,
            wake,
            own,
            _listening: listening,
            position: None,
            coming: Vec::new(),
            done: HashSet::new(),
        })
    }

    /// Follows, for ever.
    pub async fn follow(mut self) {
        let mut is_well = true;
        loop {
            match self.catch_up().await {
                Ok(()) => is_well = true,
                Err(error) => {
                    if std::mem::take(&mut is_well) {
                        tracing::warn!(%error, "The change log cannot be read; readers are answered from memory meanwhile");
                    }
                }
            }
            self.wait().await;
        }
    }

    /// Waits until there may be something new; drops meanwhile what the clock makes untrue.
    async fn wait(&mut self) {
        let look_at = Moment::now() + LOOK_EVERY;
        loop {
            let next = self.coming.iter().map(|coming| coming.latest).min().filter(|at| *at < look_at);
            tokio::select! {
                () = self.wake.notified() => return,
                () = tokio::time::sleep_until(next.unwrap_or(look_at).into()) => {}
            }
            if next.is_none() {
                return;
            }
            self.drop_due();
        }
    }

    /// Reads the log up to its end, and drops what has changed.
    async fn catch_up(&mut self) -> Result<()> {
        loop {
            let (asked_at, position) = (Moment::now(), self.position);
            let has_replicas = self.state.db.has_replicas();
            let look = self.db.read(move |conn| look(conn, position, has_replicas)).await?;
            if let Some(log_end) = look.log_end {
                // Before anything is dropped: what is made anew is made of what this look has seen, or of more.
                self.state.db.saw_primary(Sight { asked_at, answered_at: Moment::now(), now: look.now, log_end });
            }
            let is_first = self.position.is_none();
            self.foresee(asked_at, look.now, look.coming);
            let is_more = match look.news {
                News::Changes(seen) => {
                    for change in seen.iter().filter(|change| !self.own.take(change.id)) {
                        self.state.delivery.drop_keys(&change.keys);
                    }
                    // Fewer than are read at a time are all that there were at that moment.
                    let is_full = i64::try_from(seen.len()).unwrap_or(follow::BATCH) >= follow::BATCH;
                    is_full || (look.has_unplaced && !seen.is_empty())
                }
                News::Missed(_) => {
                    self.state.delivery.clear();
                    true
                }
            };
            self.position = Some(look.position);
            self.state.wire.reached(look.position);
            if look.has_unplaced {
                follow::place(&self.db).await?;
            }
            if is_more || is_first {
                continue;
            }
            self.state.delivery.confirm(asked_at);
            return Ok(());
        }
    }

    /// Notes what the clock will do, by this server's clock.
    fn foresee(&mut self, asked_at: Moment, now: Instant, coming: Vec<Coming>) {
        self.done.retain(|done| coming.contains(done));
        // The database said what time it is after it was asked and before it answered.
        let took = asked_at.elapsed();
        let foreseen = |event: Coming| {
            let millis = u64::try_from(event.at.millis().saturating_sub(now.millis())).unwrap_or(0);
            let at = asked_at + Duration::from_millis(millis);
            Foreseen { earliest: at.checked_sub(CLOCK_STEPS).unwrap_or(at), latest: at + took + CLOCK_MARGIN, event }
        };
        let coming = coming.into_iter().filter(|event| !self.done.contains(event));
        self.coming = coming.map(foreseen).collect();
        self.drop_due();
    }

    /// Drops what shows what the clock has done.
    fn drop_due(&mut self) {
        let now = Moment::now();
        let (due, coming) = std::mem::take(&mut self.coming).into_iter().partition(|coming| coming.latest <= now);
        self.coming = coming;
        let due: Vec<Foreseen> = due;
        if !due.is_empty() {
            // Whether it has come to pass, only a look at the primary from now on can tell.
            self.state.db.outdate_replicas();
            self.wake.notify_one();
        }
        for Foreseen { event, .. } in due {
            self.state.delivery.drop_keys(&event.keys);
            self.done.insert(event);
        }
        let next = self.coming.iter().map(|coming| coming.earliest).min();
        self.state.db.close_replicas_from(next);
        self.state.delivery.close_from(next);
    }
}

/// Looks at the log and the clock in one moment.
fn look(conn: &mut Conn, position: Option<i64>, has_replicas: bool) -> Result<Look> {
    let now = db::now(conn)?;
    let coming = schedule::coming(conn, now.plus_seconds(FORESIGHT_SECONDS))?;
    // Whoever begins keeps nothing yet, and has missed nothing.
    let news = match position {
        None => News::Changes(Vec::new()),
        Some(position) => follow::after(conn, position)?,
    };
    let position = match (&news, position) {
        (News::Missed(last), _) => *last,
        (News::Changes(seen), Some(position)) => seen.last().map_or(position, |seen| seen.position),
        (News::Changes(_), None) => follow::last(conn)?,
    };
    // Asked after the moment of this look, so that all that it has seen is within.
    let log_end = if has_replicas { db::log_end(conn)? } else { None };
    Ok(Look { now, position, news, has_unplaced: follow::has_unplaced(conn)?, coming, log_end })
}
