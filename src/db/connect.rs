//! From a `DATABASE_URL` to connections: which database it is, and how each connection is set up.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use diesel::{
    Connection, PgConnection, SqliteConnection,
    connection::{InstrumentationEvent, SimpleConnection},
    r2d2::{ManageConnection, R2D2Connection},
};
use url::Url;

use super::{Conn, StatementObserver, absence::Absence};
use crate::error::{Code, Error};

/// Where the data is, read from a URL; the scheme alone decides which database it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, as libpq takes it. Holds a password: not to be shown.
    Postgres(String),
}

impl Location {
    /// Reads `sqlite://path` or `postgres://…`.
    ///
    /// # Errors
    /// Says what is wrong with the URL and what is allowed, without repeating a password.
    pub fn parse(url: &str) -> Result<Self, String> {
        const ALLOWED: &str =
            "use sqlite://path/to/file.db (sqlite:///absolute/path.db) or postgres://user:password@host/database";
        if let Some(path) = url.strip_prefix("sqlite://") {
            if path.is_empty() || path.starts_with(':') || path.contains(['?', '\0']) {
                return Err(format!("\"{url}\" names no file; {ALLOWED}"));
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        let scheme = url.split("://").next().filter(|_| url.contains("://")).unwrap_or_default();
        if !matches!(scheme, "postgres" | "postgresql") {
            return Err(format!("the scheme \"{scheme}\" is not known; {ALLOWED}"));
        }
        let mut parsed = Url::parse(url).map_err(|error| format!("not a URL ({error}); {ALLOWED}"))?;
        if parsed.path().trim_start_matches('/').is_empty() {
            return Err(format!("the URL names no database; {ALLOWED}"));
        }
        for (name, value) in PATIENCE {
            if !parsed.query_pairs().any(|(given, _)| given == name) {
                parsed.query_pairs_mut().append_pair(name, value);
            }
        }
        Ok(Self::Postgres(parsed.into()))
    }

    /// Reads `postgres://…` of a replica. A connection to a machine that is gone is given up after some seconds, unless the
    /// URL says otherwise: until then it takes one of the places of readers.
    ///
    /// # Errors
    /// As [`Location::parse`]; also for SQLite, which has no replicas.
    pub fn parse_replica(url: &str) -> Result<Self, String> {
        const SOON: [(&str, &str); 4] = [
            ("keepalives_idle", "3"),
            ("keepalives_interval", "1"),
            ("keepalives_count", "3"),
            ("tcp_user_timeout", "5000"),
        ];
        let Self::Postgres(url) = Self::parse(url)? else {
            return Err("a replica is a PostgreSQL server: use postgres://user:password@host/database".to_owned());
        };
        let mut parsed = Url::parse(&url).map_err(|error| format!("not a URL ({error})"))?;
        for (name, value) in SOON {
            if !parsed.query_pairs().any(|(known, _)| known == name) {
                parsed.query_pairs_mut().append_pair(name, value);
            }
        }
        Ok(Self::Postgres(parsed.into()))
    }

    /// Returns the location without a password, for messages and the log.
    pub fn redacted(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => match Url::parse(url) {
                Ok(url) => format!(
                    "postgres://{}{}{}",
                    url.host_str().unwrap_or("localhost"),
                    url.port().map(|port| format!(":{port}")).unwrap_or_default(),
                    url.path()
                ),
                Err(_) => "postgres://…".to_owned(),
            },
        }
    }

    /// Returns whether this is the embedded database.
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

/// How soon a connection to PostgreSQL is given up whose other end is gone without a word, unless the URL says otherwise.
/// Without them that takes hours, and all that time it has its place in the pool.
const PATIENCE: [(&str, &str); 5] = [
    // The shortest that libpq has.
    ("connect_timeout", "2"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "3"),
    // In milliseconds.
    ("tcp_user_timeout", "10000"),
];

/// How long a transaction may stand still on the server's side. What a server holds that has vanished, locks and snapshots,
/// is free again after that; nothing here takes as long between two statements.
const STANDS_STILL: Duration = Duration::from_secs(10);

/// What a connection of a pool is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    /// Reading at a replica, which may be away at any time.
    ReadReplica,
    Write,
}

/// Opens connections for a pool.
pub(super) struct Manager {
    pub(super) location: Location,
    pub(super) purpose: Purpose,
    pub(super) statement_timeout: Duration,
    pub(super) observer: Option<StatementObserver>,
    pub(super) absence: Arc<Absence>,
}

/// A connection, and when it was last known to work.
pub(super) struct Pooled {
    pub(super) conn: Conn,
    pub(super) seen_well: std::time::Instant,
    pub(super) is_lost: bool,
    /// Up to where the log of the primary is known to be replayed there, if it is a replica.
    pub(super) replayed: i64,
}

/// How long a connection that worked is trusted to work still.
const TRUST: Duration = Duration::from_millis(500);

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Pooled, Self::Error> {
        let opened = open(&self.location, self.purpose, self.statement_timeout);
        let mut conn = opened.inspect_err(|_| self.absence.note())?;
        self.absence.end();
        if let Some(observer) = &self.observer {
            observe(&mut conn, observer.clone());
        }
        Ok(Pooled { conn, seen_well: std::time::Instant::now(), is_lost: false, replayed: 0 })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), Self::Error> {
        if self.location.is_sqlite() || pooled.seen_well.elapsed() < TRUST {
            return Ok(());
        }
        pooled.conn.ping()?;
        pooled.seen_well = std::time::Instant::now();
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        std::thread::panicking() || pooled.is_lost || pooled.conn.is_broken()
    }
}

/// Opens one connection outside the pools, for migrations.
pub(super) fn open_alone(location: &Location) -> Result<Conn, diesel::r2d2::Error> {
    open(location, Purpose::Write, Duration::from_secs(3600))
}

fn open(location: &Location, purpose: Purpose, timeout: Duration) -> Result<Conn, diesel::r2d2::Error> {
    let conn = match location {
        Location::Sqlite(path) => {
            let mut conn =
                SqliteConnection::establish(&path.to_string_lossy()).map_err(diesel::r2d2::Error::ConnectionError)?;
            // `synchronous = FULL` is what makes an acknowledged write survive a power cut. What many writes change is
            // copied from the log into the database once for all of them: after 16 MiB, not after 4.
            conn.batch_execute(
                "PRAGMA busy_timeout = 900; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8000; \
                 PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY;",
            )?;
            if purpose == Purpose::Read {
                conn.batch_execute("PRAGMA query_only = ON;")?;
            }
            Conn::Sqlite(conn)
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::establish(url).map_err(diesel::r2d2::Error::ConnectionError)?;
            let timeout_ms = timeout.as_millis();
            let stands_still_ms = timeout.min(STANDS_STILL).as_millis();
            conn.batch_execute(&format!(
                "SET TIME ZONE 'UTC'; SET statement_timeout = {timeout_ms}; SET lock_timeout = {timeout_ms}; \
                 SET idle_in_transaction_session_timeout = {stands_still_ms}; SET client_min_messages = warning; \
                 SET default_transaction_isolation = '{}';",
                if purpose == Purpose::Write { "serializable" } else { "repeatable read" },
            ))?;
            Conn::Postgres(conn)
        }
    };
    Ok(conn)
}

/// Makes the folder and the file of an SQLite database, for its owner's eyes only, unless they are there.
pub(super) fn prepare_file(path: &Path) -> crate::error::Result<()> {
    let fail = |what: &str, error: std::io::Error| {
        Error::new(Code::Unavailable, format!("The SQLite database {} {what}: {error}", path.display()))
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| fail("has no folder and it cannot be made", error))?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let usable = if path.exists() { is_usable(path) } else { options.open(path).map(drop) };
    usable.map_err(|error| fail("cannot be opened for writing", error))
}

/// Fails unless a file can be written, without opening it: closing it again would take the locks from all connections of
/// this process to it. Then whatever other program looks into the database next, to back it up perhaps, would take itself for
/// the only one, and remove the log that this server goes on writing to.
fn is_usable(path: &Path) -> std::io::Result<()> {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    if path.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    Ok(accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS)?)
}

fn observe(conn: &mut Conn, observer: StatementObserver) {
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            observer(&query.to_string());
        }
    });
}
