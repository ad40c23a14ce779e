//! Opens the database for a command, in a state that fits the program.

use super::outcome::Failure;
use crate::{
    config::DatabaseConfig,
    db::{Db, Location, migrate},
    error::Error,
};

/// What a command does when there is no SQLite file yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// Makes it.
    Create,
    /// Says so: with a mistyped path it would work on an empty database.
    Refuse,
}

/// Whether a PostgreSQL database may be brought up to the program; SQLite always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// It may.
    Apply,
    /// It must be up to date already: other nodes may be using it.
    Refuse,
}

/// Opens the database.
///
/// # Errors
/// When it is away, does not exist, or does not fit the program.
pub(super) fn open(config: &DatabaseConfig, absent: Absent, pending: Pending) -> Result<Db, Failure> {
    if absent == Absent::Refuse {
        require_file(&config.location)?;
    }
    ready(config, pending).map_err(|error| failure(error, &config.location))
}

/// Refuses an SQLite database that does not exist.
///
/// # Errors
/// When there is no file.
pub(super) fn require_file(location: &Location) -> Result<(), Failure> {
    match location {
        Location::Sqlite(file) if !file.exists() => Err(Failure::Failed(format!(
            "There is no database at {}. Name the right one with DATABASE_URL; `frontpage serve` or `frontpage migrate` \
             makes a new one.",
            file.display()
        ))),
        _ => Ok(()),
    }
}

/// Says which database a failure is about.
pub(super) fn failure(error: Error, location: &Location) -> Failure {
    match Failure::from(error) {
        Failure::Failed(message) => Failure::Failed(format!("{message}\n  database: {}", location.redacted())),
        told @ Failure::Told(_) => told,
    }
}

fn ready(config: &DatabaseConfig, pending: Pending) -> Result<Db, Error> {
    // Makes the file and its folder, and says more clearly than SQLite what is wrong with them.
    let db = Db::open(&config.location, &config.options)?;
    if config.location.is_sqlite() || pending == Pending::Apply {
        for name in migrate::run(&config.location)? {
            tracing::info!(migration = name, "Applied migration {name}");
        }
    } else {
        migrate::status(&config.location)?.require_current()?;
    }
    Ok(db)
}
