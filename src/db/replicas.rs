//! Replicas: standbys of the PostgreSQL server at which readers can be answered, and which of them are in rotation.
//!
//! A standby is behind, by how much nobody can say beforehand, and has a clock of its own. So a read goes there only with a
//! [`Sight`] of the primary: how far its log had come at a moment, and what time it was there. The connection must have
//! replayed the log up to there before the read begins, and is told the time. Whatever this server has learned of the
//! primary is thus in the answer, which may therefore be kept like one of the primary's. Where that cannot be had at once,
//! the primary is asked. Start at [`Db::read_live`].

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant as Moment},
};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use futures_util::future::join_all;

use super::{Conn, Db, Door, Location, Options, Outcome, connect::Pooled, connect::Purpose, snapshot};
use crate::{
    clock::Instant,
    error::{Code, Error, Result},
    metrics::ReplicaState,
};

/// How often a replica is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long a read waits for a connection to a replica before it goes to the primary.
const WAIT: Duration = Duration::from_millis(250);

/// The longest that a read waits for what a replica answers before it goes to the primary. Together with the patience for
/// the primary, it is what the one request takes that finds out that a replica hangs.
const PATIENCE: Duration = Duration::from_secs(1);

/// At least so far apart are the places in the log by which a lag is told.
const TRAIL_STEP: Duration = Duration::from_millis(100);

/// How many of them are kept: more than the longest lag that can be allowed is made of.
const TRAIL: usize = 6_500;

/// Which replicas there are, and how far they may be behind.
#[derive(Clone)]
pub struct ReplicaOptions {
    /// Where they are.
    pub locations: Vec<Location>,
    /// A replica that is further behind leaves the rotation.
    pub most_lag: Duration,
    /// For how long they are asked when the primary is away.
    pub without_primary: Duration,
}

// By hand, because a location may hold a password.
impl fmt::Debug for ReplicaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let locations: Vec<String> = self.locations.iter().map(Location::redacted).collect();
        f.debug_struct("ReplicaOptions").field("locations", &locations).finish_non_exhaustive()
    }
}

/// The primary as this server saw it.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// When it was asked; what was committed before is within the log.
    pub asked_at: Moment,
    /// When it had answered.
    pub answered_at: Moment,
    /// What time it was there in between.
    pub now: Instant,
    /// Up to where its log went in between.
    pub log_end: i64,
}

impl Sight {
    /// Returns what time it is at the primary by now: not more than it is, and only less by what the answer took.
    fn time(&self) -> Instant {
        let passed = i64::try_from(self.answered_at.elapsed().as_millis()).unwrap_or(0);
        Instant::from_millis(self.now.millis().saturating_add(passed)).unwrap_or(self.now)
    }
}

/// All replicas of a database.
pub(super) struct Replicas {
    all: Vec<Arc<Replica>>,
    turn: AtomicUsize,
    options: ReplicaOptions,
    primary: Mutex<Primary>,
}

/// What this server knows of the primary.
#[derive(Default)]
struct Primary {
    sight: Option<Sight>,
    trail: Trail,
    /// Since then a sight from before is of no use.
    outdated_at: Option<Moment>,
    /// From then on no sight is of use.
    closed_from: Option<Moment>,
}

/// When the primary was seen at which end of its log, the oldest first.
#[derive(Default)]
struct Trail(VecDeque<(Moment, i64)>);

impl Trail {
    fn note(&mut self, at: Moment, end: i64) {
        if self.0.back().is_some_and(|(_, last)| end < *last) {
            // It is another primary now, whose log is another one.
            self.0.clear();
        }
        if self.0.back().is_none_or(|(before, last)| end > *last && at.duration_since(*before) >= TRAIL_STEP) {
            self.0.push_back((at, end));
        }
        if self.0.len() > TRAIL {
            self.0.pop_front();
        }
    }

    /// Returns how long ago the primary was where somebody is who has replayed the log up to a place.
    fn lag(&self, replayed: i64, now: Moment) -> Duration {
        let ahead = self.0.get(self.0.partition_point(|(_, end)| *end <= replayed));
        ahead.map_or(Duration::ZERO, |(at, _)| now.saturating_duration_since(*at))
    }
}

/// One replica.
struct Replica {
    /// Where it is, without a password.
    name: String,
    reads: Door,
    /// A connection of its own: when reads wait for theirs, asking how far it is must not wait with them.
    looks: Door,
    is_in_rotation: AtomicBool,
    /// How far it is behind, in milliseconds; -1, when that is not known.
    lag_ms: AtomicI64,
    n_reads: AtomicU64,
}

/// How a read at a replica ended.
enum Attempt<T> {
    Answered(Result<T>),
    /// It does not have everything yet.
    Behind,
    Failed(Error),
}

#[derive(QueryableByName)]
struct Standing {
    #[diesel(sql_type = sql_types::Text)]
    identity: String,
    #[diesel(sql_type = sql_types::Bool)]
    is_standby: bool,
    #[diesel(sql_type = sql_types::Nullable<sql_types::BigInt>)]
    replayed: Option<i64>,
}

/// The system identifier is given when a cluster is made, and copied to its standbys.
const STANDING: &str = "SELECT system_identifier::text || ' ' || current_database() AS identity, \
                        pg_is_in_recovery() AS is_standby, (pg_last_wal_replay_lsn() - '0/0')::bigint AS replayed \
                        FROM pg_control_system()";

impl Db {
    /// Adds replicas, which [`Db::read_live`] may ask.
    #[must_use]
    pub fn with_replicas(self, options: &Options, replicas: &ReplicaOptions) -> Self {
        if replicas.locations.is_empty() {
            return self;
        }
        let all = replicas.locations.iter().map(|location| Arc::new(Replica::new(location, options))).collect();
        let (turn, primary) = (AtomicUsize::new(0), Mutex::default());
        Self { replicas: Some(Arc::new(Replicas { all, turn, options: replicas.clone(), primary })), ..self }
    }

    /// Runs a read of what readers see: as [`Db::read_content`], or at a replica that has whatever this server has learned.
    ///
    /// # Errors
    /// As [`Db::read_content`].
    pub async fn read_live<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T> + Send + Sync + 'static,
    {
        let Some((replica, sight)) = self.replicas.as_ref().and_then(|replicas| replicas.pick()) else {
            return self.read_content(work).await;
        };
        let work = Arc::new(work);
        let there = work.clone();
        let read = async move {
            match replica.read(sight, move |conn| there(conn)).await {
                Some(result) => result,
                None => self.enter_content(move |conn| work(conn)).await,
            }
        };
        self.traced::<F, _>("read", read).await
    }

    /// As [`Db::read_live`], unless the reader has an account: who may have written is told what the primary knows.
    ///
    /// # Errors
    /// As [`Db::read_content`].
    pub async fn read_shown<T, F>(&self, has_account: bool, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T> + Send + Sync + 'static,
    {
        if has_account { self.read_content(work).await } else { self.read_live(work).await }
    }

    /// Returns whether there are replicas to whom a sight of the primary is of use.
    pub fn has_replicas(&self) -> bool {
        self.replicas.is_some()
    }

    /// Notes how the primary was seen.
    pub fn saw_primary(&self, sight: Sight) {
        if let Some(replicas) = &self.replicas {
            let mut primary = replicas.primary();
            primary.trail.note(sight.asked_at, sight.log_end);
            primary.sight = Some(sight);
        }
    }

    /// Says that something has just happened at the primary: replicas are asked again when it has been seen anew.
    pub fn outdate_replicas(&self) {
        if let Some(replicas) = &self.replicas {
            replicas.primary().outdated_at = Some(Moment::now());
        }
    }

    /// Says from when on replicas are not asked, because something happens then. None opens.
    pub fn close_replicas_from(&self, at: Option<Moment>) {
        if let Some(replicas) = &self.replicas {
            replicas.primary().closed_from = at;
        }
    }

    /// Watches the replicas, for ever: takes them out of the rotation and back.
    pub async fn watch_replicas(&self) {
        let Some(replicas) = &self.replicas else { return };
        let identity = loop {
            match self.read(standing).await {
                Ok(own) => break own.identity,
                Err(error) => tracing::debug!(%error, "The primary does not say which one it is; it is asked again"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        join_all(replicas.all.iter().map(|replica| replica.watch(replicas, &identity))).await;
    }

    /// Returns the state of each replica.
    pub fn replica_states(&self) -> Vec<ReplicaState> {
        self.replicas.iter().flat_map(|replicas| &replicas.all).map(|replica| replica.state()).collect()
    }
}

/// Returns up to where the log of a PostgreSQL server goes: at least to where the transaction sees it.
///
/// # Errors
/// When the database fails.
pub fn log_end(conn: &mut Conn) -> Result<Option<i64>> {
    #[derive(QueryableByName)]
    struct End {
        #[diesel(sql_type = sql_types::BigInt)]
        place: i64,
        #[diesel(sql_type = sql_types::BigInt)]
        segment: i64,
    }
    // Where records are put, not where they are written: with `synchronous_commit = off`, what is seen may not be yet.
    const QUESTION: &str = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint AS place, \
                            pg_size_bytes(current_setting('wal_segment_size')) AS segment";
    let Conn::Postgres(conn) = conn else { return Ok(None) };
    let End { place, segment } = diesel::sql_query(QUESTION).get_result(conn)?;
    Ok(Some(before_header(place, segment)))
}

/// Returns where the last record ends when the next one begins at a place: between them may be the header of a page or of
/// a segment, which a standby has not reached before there is a next one.
fn before_header(place: i64, segment: i64) -> i64 {
    const PAGE: i64 = 8192;
    const PAGE_HEADER: i64 = 24;
    const SEGMENT_HEADER: i64 = 40;
    if place % segment.max(PAGE) == SEGMENT_HEADER {
        place - SEGMENT_HEADER
    } else if place % PAGE == PAGE_HEADER {
        place - PAGE_HEADER
    } else {
        place
    }
}

fn standing(conn: &mut Conn) -> Result<Standing> {
    let Conn::Postgres(conn) = conn else { return Err(Error::internal("SQLite has no replicas")) };
    Ok(diesel::sql_query(STANDING).get_result(conn)?)
}

impl Replicas {
    fn primary(&self) -> MutexGuard<'_, Primary> {
        self.primary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a replica whose turn it is, and what it must have; none, when the primary is to be asked.
    fn pick(&self) -> Option<(&Arc<Replica>, Sight)> {
        let sight = self.primary().sight(self.options.without_primary)?;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let (before, after) = self.all.split_at_checked(turn % self.all.len().max(1))?;
        let chosen = after.iter().chain(before).find(|replica| replica.is_in_rotation.load(Ordering::Relaxed))?;
        Some((chosen, sight))
    }
}

impl Primary {
    /// Returns what is known of the primary, as long as replicas that have it may be asked.
    fn sight(&self, without_primary: Duration) -> Option<Sight> {
        let is_open = self.closed_from.is_none_or(|at| Moment::now() < at);
        let is_of_use = |sight: &Sight| {
            self.outdated_at.is_none_or(|at| sight.asked_at > at) && sight.asked_at.elapsed() <= without_primary
        };
        self.sight.filter(|sight| is_open && is_of_use(sight))
    }
}

impl Replica {
    fn new(location: &Location, options: &Options) -> Self {
        let options =
            Options { wait: WAIT * 2, read_timeout: PATIENCE.min(options.read_timeout / 2), ..options.clone() };
        let door = |size| Door::new(location, Purpose::ReadReplica, size, options.read_timeout, &options);
        let redacted = location.redacted();
        Self {
            name: redacted.split_once("://").map_or(redacted.as_str(), |(_, place)| place).to_owned(),
            reads: door(options.read_connections),
            looks: door(1),
            is_in_rotation: AtomicBool::new(false),
            lag_ms: AtomicI64::new(-1),
            n_reads: AtomicU64::new(0),
        }
    }

    fn state(&self) -> ReplicaState {
        ReplicaState {
            name: self.name.clone(),
            is_in_rotation: self.is_in_rotation.load(Ordering::Relaxed),
            lag: u64::try_from(self.lag_ms.load(Ordering::Relaxed)).ok().map(Duration::from_millis),
            n_reads: self.n_reads.load(Ordering::Relaxed),
        }
    }

    /// Reads here; none, when the primary is to be asked instead.
    async fn read<T, F>(&self, sight: Sight, work: F) -> Option<Result<T>>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T> + Send + 'static,
    {
        // When all are busy, the primary may have one that is not.
        let permit = self.reads.queue.enter(self.reads.wait).await.ok()?;
        let pool = self.reads.pool.clone();
        let task = tokio::task::spawn_blocking(move || {
            // Held until the work has truly ended, also when nobody waits for it any more.
            let _permit = permit;
            match pool.get() {
                Ok(mut pooled) => attempt(&mut pooled, &sight, &work),
                Err(error) => Attempt::Failed(Error::unavailable(error)),
            }
        });
        match tokio::time::timeout(self.reads.patience.saturating_add(self.reads.wait), task).await {
            Ok(Ok(Attempt::Answered(result))) => {
                self.n_reads.fetch_add(1, Ordering::Relaxed);
                Some(result)
            }
            Ok(Ok(Attempt::Behind)) => None,
            Ok(Ok(Attempt::Failed(error))) => {
                if error.code() == Code::Unavailable {
                    self.leave("does not answer", error.cause());
                }
                None
            }
            Ok(Err(panic)) => Some(Err(Error::internal(panic))),
            Err(_) => {
                self.leave("did not answer in time", None);
                None
            }
        }
    }

    /// Asks again and again how far it is, and takes it out of the rotation and back.
    async fn watch(&self, replicas: &Replicas, identity: &str) {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let standing = self.looks.run(|conn| snapshot::attempt_read(conn, &standing)).await;
            let lag = match &standing {
                Err(error) => Err(("does not answer", error.cause())),
                Ok(standing) if standing.identity != identity => Err(("is one of another database", None)),
                Ok(Standing { is_standby: true, replayed: Some(replayed), .. }) => {
                    Ok(replicas.primary().trail.lag(*replayed, Moment::now()))
                }
                Ok(_) => Err(("is no standby", None)),
            };
            let lag = match lag {
                Ok(lag) => lag,
                Err((what, cause)) => {
                    self.leave(what, cause);
                    continue;
                }
            };
            self.lag_ms.store(i64::try_from(lag.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
            if lag > replicas.options.most_lag {
                self.leave("is too far behind", None);
            } else if lag <= replicas.options.most_lag / 2 && !self.is_in_rotation.swap(true, Ordering::Relaxed) {
                tracing::info!(replica = self.name, "The replica {} is in rotation", self.name);
            }
        }
    }

    /// Takes it out of the rotation until it is found well.
    fn leave(&self, why: &'static str, cause: Option<&str>) {
        if why != "is too far behind" {
            self.lag_ms.store(-1, Ordering::Relaxed);
        }
        if self.is_in_rotation.swap(false, Ordering::Relaxed) {
            tracing::warn!(
                replica = self.name,
                cause,
                "The replica {} {why} and is not asked until it is well",
                self.name
            );
        }
    }
}

/// Reads on a connection to a replica, if it has what was seen of the primary.
fn attempt<T>(pooled: &mut Pooled, sight: &Sight, work: &impl Fn(&mut Conn) -> Result<T>) -> Attempt<T> {
    let Pooled { conn, seen_well, is_lost, replayed } = pooled;
    // It stays with this connection: behind one address there may be several standbys. It only grows, and is asked before
    // the snapshot is taken, which has therefore at least that.
    if *replayed < sight.log_end {
        match standing(conn) {
            Ok(Standing { is_standby: true, replayed: Some(now), .. }) => *replayed = now,
            Ok(_) => return Attempt::Failed(Error::unavailable("it is no standby")),
            Err(error) => {
                *is_lost = true;
                return Attempt::Failed(error);
            }
        }
    }
    if *replayed < sight.log_end {
        return Attempt::Behind;
    }
    match snapshot::attempt_read_at(conn, sight.time(), work) {
        Outcome::Lost(error) => {
            *is_lost = true;
            Attempt::Failed(error)
        }
        // What has failed here, such as for a conflict with what is replayed, may well succeed there.
        Outcome::Done(Err(error)) if is_of_the_database(&error) => Attempt::Failed(error),
        Outcome::Done(result) => {
            *seen_well = Moment::now();
            Attempt::Answered(result)
        }
    }
}

fn is_of_the_database(error: &Error) -> bool {
    error.trouble().is_some() || matches!(error.code(), Code::Unavailable | Code::Internal | Code::StorageFull)
}
