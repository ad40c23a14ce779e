//! Which database, and how long a request waits for it.

use std::{ffi::OsString, fmt, time::Duration};

use super::reader::{Raw, Reader, number};
use crate::{
    config::fault::ConfigFault,
    db::{Location, Options, ReplicaOptions},
};

/// The settings of the database as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// The database: `sqlite://path/to/file.db`, or `postgres://user:password@host/database`. Prefer the variable to
    /// the flag when it holds a password: other users of the machine can see flags.
    #[arg(long, env = "DATABASE_URL", default_value = LOCATION, value_name = "URL", hide_env_values = true)]
    pub database_url: Option<OsString>,
    /// How many connections serve reads.
    #[arg(long, env = "FRONTPAGE_DB_READ_CONNECTIONS", default_value = READ_CONNECTIONS, value_name = "N", hide_short_help = true)]
    pub db_read_connections: Option<OsString>,
    /// How many connections serve writes (PostgreSQL only; SQLite has one writer). 4 unless given.
    #[arg(long, env = "FRONTPAGE_DB_WRITE_CONNECTIONS", value_name = "N", hide_short_help = true)]
    pub db_write_connections: Option<OsString>,
    /// How long a request waits for a connection before it is answered 503.
    #[arg(long, env = "FRONTPAGE_DB_WAIT_MS", default_value = WAIT_MS, value_name = "MS", hide_short_help = true)]
    pub db_wait_ms: Option<OsString>,
    /// How long the statements of one read may take.
    #[arg(long, env = "FRONTPAGE_DB_READ_TIMEOUT_MS", default_value = READ_TIMEOUT_MS, value_name = "MS", hide_short_help = true)]
    pub db_read_timeout_ms: Option<OsString>,
    /// How long the statements of one write may take.
    #[arg(long, env = "FRONTPAGE_DB_WRITE_TIMEOUT_MS", default_value = WRITE_TIMEOUT_MS, value_name = "MS", hide_short_help = true)]
    pub db_write_timeout_ms: Option<OsString>,
}

/// The settings of replicas as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct ReplicaArgs {
    /// Standbys of the PostgreSQL server at which readers are answered, too: a list of `postgres://…`, with commas between
    /// them. Prefer the variable to the flag when they hold passwords.
    #[arg(long, env = "FRONTPAGE_REPLICA_URLS", value_name = "URLS", hide_env_values = true, hide_short_help = true)]
    pub replica_urls: Option<OsString>,
    /// How far a replica may be behind before it is left alone until it has caught up.
    #[arg(long, env = "FRONTPAGE_REPLICA_LAG_MS", default_value = REPLICA_LAG_MS, value_name = "MS", hide_short_help = true)]
    pub replica_lag_ms: Option<OsString>,
}

/// What is further behind than this server needs to hear of changes would mostly be asked in vain.
const REPLICA_LAG_MS: &str = "1000";

const LOCATION: &str = "sqlite://data/frontpage.db";

/// More readers than processors, because a reader of PostgreSQL mostly waits for the network.
const READ_CONNECTIONS: &str = "8";

const WRITE_CONNECTIONS: u32 = 4;

/// Long enough for the queue of SQLite's one writer to drain after a burst.
const WAIT_MS: &str = "1000";

/// A database that is away or hangs is given up after waiting for a connection plus the time for the statements:
/// together 1.9 s, so that the 503 is on its way within the promised 2 s.
const READ_TIMEOUT_MS: &str = "900";

/// Long enough to move a section with a hundred thousand articles. A database that is away is noticed by other means
/// and much sooner; see `db::Db::write`.
const WRITE_TIMEOUT_MS: &str = "30000";

/// Which database, and with what patience.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// Where the data is.
    pub location: Location,
    /// Sizes and patience of the pools.
    pub options: Options,
}

impl DatabaseConfig {
    pub(super) fn read(args: &DatabaseArgs, reader: &mut Reader) -> Option<Self> {
        let location = reader.secret("DATABASE_URL", &args.database_url, LOCATION, parse_location);
        let mut millis = |variable: &str, raw: &Raw, default: &str| {
            reader.number::<u64>(variable, raw, default, 10..=600_000).map(Duration::from_millis)
        };
        let wait = millis("FRONTPAGE_DB_WAIT_MS", &args.db_wait_ms, WAIT_MS);
        let read_timeout = millis("FRONTPAGE_DB_READ_TIMEOUT_MS", &args.db_read_timeout_ms, READ_TIMEOUT_MS);
        let write_timeout = millis("FRONTPAGE_DB_WRITE_TIMEOUT_MS", &args.db_write_timeout_ms, WRITE_TIMEOUT_MS);
        let readers = "FRONTPAGE_DB_READ_CONNECTIONS";
        let read_connections = reader.number(readers, &args.db_read_connections, READ_CONNECTIONS, 1..=1000);
        let write_connections = read_writers(args, reader, location.as_ref());
        Some(Self {
            location: location?,
            options: Options {
                read_connections: read_connections?,
                write_connections: write_connections?,
                wait: wait?,
                read_timeout: read_timeout?,
                write_timeout: write_timeout?,
                observer: None,
            },
        })
    }

    /// Returns the same database with the patience of a command that one person waits for.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.options.wait = self.options.wait.max(Duration::from_secs(10));
        self.options.read_timeout = self.options.read_timeout.max(Duration::from_secs(60));
        self.options.write_timeout = self.options.write_timeout.max(Duration::from_secs(60));
        self
    }
}

/// Reads which replicas there are. They are asked without the primary for as long as readers are answered from memory.
pub(super) fn read_replicas(
    args: &ReplicaArgs,
    reader: &mut Reader,
    location: Option<&Location>,
    stale_seconds: Option<u64>,
) -> Option<ReplicaOptions> {
    const VARIABLE: &str = "FRONTPAGE_REPLICA_URLS";
    let locations = reader.secrets(VARIABLE, &args.replica_urls, |url| parse_escaped(url, Location::parse_replica));
    let lag = reader.number("FRONTPAGE_REPLICA_LAG_MS", &args.replica_lag_ms, REPLICA_LAG_MS, 10..=600_000);
    let locations = locations?;
    if location.is_some_and(Location::is_sqlite) && !locations.is_empty() {
        let problem = "are standbys of a PostgreSQL server, and DATABASE_URL is an SQLite file: remove the setting";
        reader.fault(ConfigFault::of(VARIABLE, problem));
        return None;
    }
    let without_primary = Duration::from_secs(stale_seconds?);
    Some(ReplicaOptions { locations, most_lag: Duration::from_millis(lag?), without_primary })
}

fn read_writers(args: &DatabaseArgs, reader: &mut Reader, location: Option<&Location>) -> Option<u32> {
    const VARIABLE: &str = "FRONTPAGE_DB_WRITE_CONNECTIONS";
    let given = reader.optional(VARIABLE, &args.db_write_connections, |text| number(text, &(1..=1000)))?;
    if location.is_none_or(|location| !location.is_sqlite()) {
        return Some(given.unwrap_or(WRITE_CONNECTIONS));
    }
    if let Some(given) = given.filter(|given| *given != 1) {
        let problem = "is for PostgreSQL; an SQLite database has one writer: remove the setting";
        reader.fault(ConfigFault::of_value(VARIABLE, &given.to_string(), problem));
        return None;
    }
    Some(1)
}

fn parse_location(url: &str) -> Result<Location, String> {
    parse_escaped(url, Location::parse)
}

fn parse_escaped(url: &str, parse: impl Fn(&str) -> Result<Location, String>) -> Result<Location, String> {
    // libpq would only notice when it connects, and would then repeat the password in its message.
    if !url.starts_with("sqlite://") && has_broken_escape(url) {
        return Err("a % in the user, password or name of the database must be written %25".to_owned());
    }
    parse(url)
}

fn has_broken_escape(url: &str) -> bool {
    url.split('%').skip(1).any(|rest| !rest.get(..2).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit())))
}

// By hand, because a location may hold a password.
impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig").field("location", &self.location.redacted()).finish_non_exhaustive()
    }
}
