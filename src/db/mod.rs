//! The database: connections, transactions, schema and migrations.
//!
//! The only place that knows which database it is. Knows nothing of HTTP or of newsrooms. Start at [`Db`]:
//! [`Db::read`] and [`Db::write`] are the doors; both run on threads of their own, wait a bounded time, and
//! give the work a consistent view. [`Db::look_up`] is for a single statement, which has one by itself.

mod absence;
mod attempt;
mod commits;
mod conn;
mod connect;
pub(crate) mod direct;
pub mod fault;
mod group;
pub mod migrate;
mod moment;
mod origin;
pub mod portable;
mod queue;
mod replicas;
pub mod schema;
mod snapshot;
mod together;
mod traced;
mod tx;
pub mod types;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use diesel::r2d2;
use tokio::task::JoinHandle;

use self::{
    absence::Absence,
    attempt::{Isolation, Start, attempt_write},
    commits::Commits,
    connect::{Manager, Pooled, Purpose},
    queue::{Queue, content_share},
    replicas::Replicas,
    snapshot::{attempt_look_up, attempt_read},
};
pub use self::{
    commits::{CommitListener, Listening, Word},
    conn::{Conn, MultiBackend},
    connect::Location,
    moment::{Now, now},
    origin::{Actor, Origin},
    portable::NextPlace,
    queue::{TOO_MANY_WAIT, refuse},
    replicas::{ReplicaOptions, Sight, log_end},
    together::pairs,
    tx::Tx,
};
use crate::{
    error::{Error, Result},
    metrics::PoolState,
};

/// Is told the text of each statement, for tests that count statements and read query plans.
pub type StatementObserver = Arc<dyn Fn(&str) + Send + Sync>;

/// Sizes and patience of the pools.
#[derive(Clone)]
pub struct Options {
    /// Connections that serve reads.
    pub read_connections: u32,
    /// Connections that serve writes; SQLite always has one.
    pub write_connections: u32,
    /// How long a request waits before it is told to come again: half of it in the queue, half for the connection.
    pub wait: Duration,
    /// How long the statements of one read may take.
    pub read_timeout: Duration,
    /// How long the statements of one write may take, as long as the database answers others meanwhile.
    pub write_timeout: Duration,
    /// Is told each statement, if anybody wants to know.
    pub observer: Option<StatementObserver>,
}

/// The database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    read: Door,
    /// The connections of the read door that reads of content may have at most.
    content: Queue,
    write: Door,
    location: Location,
    commits: Commits,
    /// The writes that wait for the one writer of SQLite, which commits several at once.
    jobs: Option<group::Jobs>,
    /// Where readers can be answered, too.
    replicas: Option<Arc<Replicas>>,
}

/// A pool, and the queue before it.
#[derive(Clone)]
struct Door {
    pool: r2d2::Pool<Manager>,
    queue: Queue,
    wait: Duration,
    patience: Duration,
    absence: Arc<Absence>,
}

/// How long a write may go on before it is asked whether the database answers at all.
const HANGS_AFTER: Duration = Duration::from_millis(1000);

/// How long the database may take to answer a trivial question.
const QUICKLY: Duration = Duration::from_millis(400);

impl Db {
    /// Prepares the pools; connects only when first asked.
    ///
    /// # Errors
    /// When the directory of an SQLite file cannot be made or the file cannot be written.
    pub fn open(location: &Location, options: &Options) -> Result<Self> {
        if let Location::Sqlite(path) = location {
            connect::prepare_file(path)?;
        }
        let writers = if location.is_sqlite() { 1 } else { options.write_connections };
        Ok(Self {
            read: Door::new(location, Purpose::Read, options.read_connections, options.read_timeout, options),
            content: Queue::new(content_share(options.read_connections)),
            write: Door::new(location, Purpose::Write, writers, options.write_timeout, options),
            location: location.clone(),
            commits: Commits::default(),
            jobs: location.is_sqlite().then(group::Jobs::default),
            replicas: None,
        })
    }

    /// Sets who is told of what transactions left word of ([`Tx::tell`]) when they are committed by this process.
    pub fn on_commit(&self, listener: CommitListener) {
        self.commits.set(listener);
    }

    /// Calls `wake` when another server on the same database has committed something for followers. Nothing is
    /// promised; look by yourself now and then. None on SQLite, which has no other servers.
    pub fn listen(&self, wake: impl Fn() + Send + 'static) -> Option<Listening> {
        commits::listen(&self.location, wake)
    }

    /// Returns the state of the connections that serve reads, and of those that serve writes.
    pub fn pools(&self) -> (PoolState, PoolState) {
        let write = self.jobs.as_ref().map_or_else(|| self.write.queue.state(), group::Jobs::state);
        (self.read.queue.state(), write)
    }

    /// Runs work that only reads, on one consistent snapshot.
    ///
    /// The work may run twice when a connection turns out to be dead.
    ///
    /// # Errors
    /// Those of the work, and `unavailable` when the database is away or busy for longer than allowed.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T> + Send + 'static,
    {
        self.traced::<F, _>("read", self.read.run(move |conn| attempt_read(conn, &work))).await
    }

    /// Runs a read that is a single statement, and so needs no transaction to see one moment; two would see two.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn look_up<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T> + Send + 'static,
    {
        self.traced::<F, _>("read", self.read.run(move |conn| attempt_look_up(conn, &work))).await
    }

    /// Runs a read that can be put off: as [`Db::read`], but such reads leave some connections to those that cannot, so
    /// that logins and writes go on however many readers come.
    ///
    /// # Errors
    /// As [`Db::read`]; soon, when too many wait already.
    pub async fn read_content<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T> + Send + 'static,
    {
        self.traced::<F, _>("read", self.enter_content(work)).await
    }

    /// Returns whether so many wait that a read of content would be refused now. With replicas, which may have room, that
    /// is not known.
    pub fn is_overrun(&self) -> bool {
        self.replicas.is_none() && self.content.is_overrun()
    }

    async fn enter_content<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T> + Send + 'static,
    {
        let share = self.content.enter(self.read.wait).await?;
        self.read
            .run(move |conn| {
                let _share = &share;
                attempt_read(conn, &work)
            })
            .await
    }

    /// Runs work that writes, in one transaction: it is durable when this returns, or nothing happened.
    ///
    /// The work may run several times when other transactions come first, for some seconds; it must have no effect
    /// but on the database.
    ///
    /// # Errors
    /// Those of the work, and `unavailable` when the database is away or busy for longer than allowed.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.traced::<F, _>("write", self.write_as(Isolation::Serializable, work)).await
    }

    /// Runs work that writes what nobody else writes, under a lock of its own: each statement sees what is committed.
    ///
    /// On PostgreSQL such work neither loses races nor makes others lose them; on SQLite it is a write like any other.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_alone<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.traced::<F, _>("write", self.write_as(Isolation::Committed, work)).await
    }

    async fn write_as<T, F>(&self, isolation: Isolation, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let is_over = Arc::new(AtomicBool::new(false));
        let commits = self.commits.clone();
        let start = Start { isolation, origin: Origin::current(), is_over: is_over.clone(), commits };
        let mut answer = match &self.jobs {
            Some(jobs) => self.write.join(jobs, start, work).await?,
            None => {
                let task = self.write.spawn(move |conn| attempt_write(conn, &start, &work)).await?;
                group::Answer::Task(task)
            }
        };
        let started = std::time::Instant::now();
        // A long write is no fault as long as the database answers others; one that hangs is given up soon.
        while started.elapsed() < self.write.patience.saturating_add(self.write.wait) {
            match tokio::time::timeout(HANGS_AFTER, answer.get()).await {
                Ok(result) => return result,
                Err(_) if self.answers().await => {}
                Err(_) => break,
            }
        }
        is_over.store(true, Ordering::SeqCst);
        Err(Error::unavailable("the database did not answer in time"))
    }

    /// Returns whether the database answers a trivial question quickly.
    async fn answers(&self) -> bool {
        let question = self.read.run(|conn| {
            Outcome::Done(diesel::RunQueryDsl::execute(diesel::sql_query("SELECT 1"), conn).map_err(Error::from))
        });
        match tokio::time::timeout(QUICKLY, question).await {
            Ok(Ok(_)) => true,
            // That so many ask it does not say that it does not answer.
            Ok(Err(error)) => error.cause() == Some(TOO_MANY_WAIT),
            Err(_) => false,
        }
    }

    /// Runs a write from a thread that may block, such as that of a command.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_blocking<T>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let start = Start {
            isolation: Isolation::Serializable,
            origin: Origin::current(),
            is_over: Arc::default(),
            commits: self.commits.clone(),
        };
        self.write.run_here(|conn| attempt_write(conn, &start, &work))
    }

    /// Runs a read from a thread that may block, such as that of a command.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_blocking<T>(&self, work: impl Fn(&mut Conn) -> Result<T>) -> Result<T> {
        self.read.run_here(|conn| attempt_read(conn, &work))
    }
}

/// How work on a connection ended: with an answer, or with a connection that is of no more use.
enum Outcome<T> {
    Done(Result<T>),
    Lost(Error),
}

impl Door {
    fn new(location: &Location, purpose: Purpose, size: u32, patience: Duration, options: &Options) -> Self {
        let on_failure: Box<dyn r2d2::HandleError<r2d2::Error>> = match purpose {
            // Of which it is said once that it is away.
            Purpose::ReadReplica => Box::new(r2d2::NopErrorHandler),
            Purpose::Read | Purpose::Write => Box::new(ConnectFailures),
        };
        let absence = Arc::<Absence>::default();
        let pool = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .idle_timeout(Some(Duration::from_secs(300)))
            .connection_timeout(options.wait / 2)
            .error_handler(on_failure)
            .build_unchecked(Manager {
                location: location.clone(),
                purpose,
                statement_timeout: patience,
                observer: options.observer.clone(),
                absence: absence.clone(),
            });
        Self { pool, queue: Queue::new(usize::try_from(size).unwrap_or(1)), wait: options.wait / 2, patience, absence }
    }

    async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Outcome<T> + Send + 'static,
    {
        let task = self.spawn(work).await?;
        // Beyond its own timeouts the work can only hang if the database hangs.
        let limit = self.patience.saturating_add(self.wait);
        match tokio::time::timeout(limit, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Error::internal(panic)),
            Err(_) => Err(Error::unavailable("the database did not answer in time")),
        }
    }

    async fn spawn<T, F>(&self, work: F) -> Result<JoinHandle<Result<T>>>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Outcome<T> + Send + 'static,
    {
        let permit = self.queue.enter(self.wait).await?;
        let door = self.clone();
        Ok(tokio::task::spawn_blocking(move || {
            // Held until the work has truly ended, also when nobody waits for it any more.
            let _permit = permit;
            door.run_here(work)
        }))
    }

    fn run_here<T>(&self, work: impl Fn(&mut Conn) -> Outcome<T>) -> Result<T> {
        let mut lost = None;
        // A pool may hold several connections that died together, as after a restart of the server.
        for _ in 0..=self.pool.max_size() {
            let wait = self.absence.shorten(self.wait, || self.pool.state().connections > 0);
            let pooled = self.pool.get_timeout(wait);
            let mut pooled = pooled.map_err(|error| lost.take().unwrap_or_else(|| Error::unavailable(error)))?;
            let Pooled { conn, seen_well, is_lost, .. } = &mut *pooled;
            match work(conn) {
                Outcome::Done(result) => {
                    *seen_well = std::time::Instant::now();
                    self.absence.end();
                    return result;
                }
                Outcome::Lost(error) => {
                    *is_lost = true;
                    lost = Some(error);
                }
            }
        }
        Err(lost.unwrap_or_else(Error::not_found))
    }
}

/// Logs failures to connect, which no request is told about in detail.
#[derive(Debug)]
struct ConnectFailures;

impl r2d2::HandleError<diesel::r2d2::Error> for ConnectFailures {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        tracing::warn!(%error, "Connecting to the database failed");
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").finish_non_exhaustive()
    }
}
