//! Keys, lifetimes, the cost of hashing, and how many passwords may be tried.

use std::{ffi::OsString, path::PathBuf};

use super::{
    fault::ConfigFault,
    reader::{Reader, number, processors},
};
use crate::db::Location;

/// The cost of hashing as it is given; also for the commands that make passwords.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Passwords")]
pub struct HashArgs {
    /// How much memory one hash takes; the hash of a password is renewed at the next login when this rises.
    #[arg(long, env = "FRONTPAGE_HASH_MEMORY_KIB", default_value = MEMORY_KIB, value_name = "KIB", hide_short_help = true)]
    pub hash_memory_kib: Option<OsString>,
    /// How many passes one hash takes over the memory.
    #[arg(long, env = "FRONTPAGE_HASH_PASSES", default_value = PASSES, value_name = "N", hide_short_help = true)]
    pub hash_passes: Option<OsString>,
    /// How many hashes may be computed at once; as many as there are processors unless given.
    #[arg(long, env = "FRONTPAGE_HASH_PERMITS", value_name = "N", hide_short_help = true)]
    pub hash_permits: Option<OsString>,
}

/// The settings of authentication as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Authentication")]
pub struct AuthArgs {
    /// The folder of the keys that sign access tokens. Beside an SQLite file unless given; with PostgreSQL it must be
    /// given, and all nodes need the same keys.
    #[arg(long, env = "FRONTPAGE_SIGNING_KEYS", value_name = "FOLDER")]
    pub signing_keys: Option<OsString>,
    /// How long a login lasts without being used.
    #[arg(long, env = "FRONTPAGE_REFRESH_TOKEN_DAYS", default_value = REFRESH_DAYS, value_name = "DAYS", hide_short_help = true)]
    pub refresh_token_days: Option<OsString>,
    /// How long a refresh token may be sent a second time, for clients whose answer got lost, before that counts as theft.
    #[arg(long, env = "FRONTPAGE_REFRESH_GRACE_SECONDS", default_value = GRACE_SECONDS, value_name = "SECONDS", hide_short_help = true)]
    pub refresh_grace_seconds: Option<OsString>,
    /// How many passwords may be tried from one address in 15 minutes.
    #[arg(long, env = "FRONTPAGE_TRIES_PER_SOURCE", default_value = TRIES_PER_SOURCE, value_name = "N", hide_short_help = true)]
    pub tries_per_source: Option<OsString>,
    /// How many passwords may be tried for one account in 15 minutes, from wherever.
    #[arg(long, env = "FRONTPAGE_TRIES_PER_ACCOUNT", default_value = TRIES_PER_ACCOUNT, value_name = "N", hide_short_help = true)]
    pub tries_per_account: Option<OsString>,
    /// The cost of hashing.
    #[command(flatten)]
    pub hash: HashArgs,
}

/// The least that OWASP's password storage sheet recommends for argon2id, with [`PASSES`].
const MEMORY_KIB: &str = "19456";
const PASSES: &str = "2";
const REFRESH_DAYS: &str = "30";
const GRACE_SECONDS: &str = "10";
const TRIES_PER_SOURCE: &str = "10";

/// More than per source, so that somebody who is being attacked can still log in; far below the 100 of NIST 800-63B.
const TRIES_PER_ACCOUNT: &str = "50";

/// How long an access token is valid: 15 minutes, the most that the API promises.
pub const ACCESS_TOKEN_SECONDS: i64 = 900;

/// The time in which tries of passwords are counted.
pub const TRIES_WINDOW_SECONDS: i64 = 900;

/// The cost of hashing a password with argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashConfig {
    /// The memory of one hash.
    pub memory_kib: u32,
    /// The passes over the memory.
    pub passes: u32,
    /// How many hashes may be computed at once.
    pub permits: usize,
}

impl HashConfig {
    pub(super) fn read(args: &HashArgs, reader: &mut Reader) -> Option<Self> {
        let memory = "FRONTPAGE_HASH_MEMORY_KIB";
        let memory_kib = reader.number(memory, &args.hash_memory_kib, MEMORY_KIB, 19_456..=1_048_576);
        let passes = reader.number("FRONTPAGE_HASH_PASSES", &args.hash_passes, PASSES, 2..=32);
        let permits = reader.optional("FRONTPAGE_HASH_PERMITS", &args.hash_permits, |text| number(text, &(1..=1024)));
        Some(Self { memory_kib: memory_kib?, passes: passes?, permits: permits?.unwrap_or_else(processors) })
    }
}

/// Keys, lifetimes, the cost of hashing, and how many passwords may be tried.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// The folder of the keys that sign access tokens.
    pub signing_keys: PathBuf,
    /// How long an access token is valid.
    pub access_token_seconds: i64,
    /// How long a login lasts without being used.
    pub refresh_token_days: i64,
    /// How long a refresh token may be sent a second time.
    pub refresh_grace_seconds: i64,
    /// The cost of hashing.
    pub hash: HashConfig,
    /// How many passwords may be tried from one source within [`TRIES_WINDOW_SECONDS`].
    pub tries_per_source: u32,
    /// How many passwords may be tried for one account within [`TRIES_WINDOW_SECONDS`].
    pub tries_per_account: u32,
}

impl AuthConfig {
    /// `location` is that of the database, unless that has a fault of its own.
    pub(super) fn read(args: &AuthArgs, location: Option<&Location>, reader: &mut Reader) -> Option<Self> {
        let signing_keys = read_signing_keys(args, location, reader);
        let days = "FRONTPAGE_REFRESH_TOKEN_DAYS";
        let refresh_token_days = reader.number(days, &args.refresh_token_days, REFRESH_DAYS, 1..=365);
        let grace = "FRONTPAGE_REFRESH_GRACE_SECONDS";
        let refresh_grace_seconds = reader.number(grace, &args.refresh_grace_seconds, GRACE_SECONDS, 0..=10);
        let source = "FRONTPAGE_TRIES_PER_SOURCE";
        let tries_per_source = reader.number(source, &args.tries_per_source, TRIES_PER_SOURCE, 1..=1_000_000);
        let account = "FRONTPAGE_TRIES_PER_ACCOUNT";
        let tries_per_account = reader.number(account, &args.tries_per_account, TRIES_PER_ACCOUNT, 1..=1_000_000);
        let hash = HashConfig::read(&args.hash, reader);
        Some(Self {
            signing_keys: signing_keys?,
            access_token_seconds: ACCESS_TOKEN_SECONDS,
            refresh_token_days: refresh_token_days?,
            refresh_grace_seconds: refresh_grace_seconds?,
            hash: hash?,
            tries_per_source: tries_per_source?,
            tries_per_account: tries_per_account?,
        })
    }
}

fn read_signing_keys(args: &AuthArgs, location: Option<&Location>, reader: &mut Reader) -> Option<PathBuf> {
    const VARIABLE: &str = "FRONTPAGE_SIGNING_KEYS";
    let given = reader.optional(VARIABLE, &args.signing_keys, |text| {
        if text.chars().any(char::is_control) {
            return Err("must be the path of a folder".to_owned());
        }
        Ok(PathBuf::from(text))
    })?;
    match (given, location?) {
        (Some(folder), _) => Some(folder),
        (None, Location::Sqlite(file)) => Some(file.with_file_name("keys")),
        (None, Location::Postgres(_)) => {
            let problem = "must be given with PostgreSQL, since all nodes of an installation share their keys: name a \
                folder that they share, or the same copy on each; an empty one is filled by the first start";
            reader.fault(ConfigFault::of(VARIABLE, problem));
            None
        }
    }
}
