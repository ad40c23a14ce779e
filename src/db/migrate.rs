//! Migrations: embedded, one set per database with equal names, applied under a lock.

use std::time::{Duration, Instant};

use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types::Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{
    Conn,
    connect::{Location, open_alone},
    fault::{is_locked, is_no_database},
};
use crate::error::{Code, Error, Result};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// How a database stands to this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Migrations that are in the program but not in the database.
    pub pending: Vec<String>,
    /// Migrations that are in the database but not in the program: it is newer.
    pub unknown: Vec<String>,
}

impl Status {
    /// Returns an error that says what to do unless the database fits the program.
    ///
    /// # Errors
    /// When migrations are pending, or the database is newer than the program.
    pub fn require_current(&self) -> Result<()> {
        self.refuse_newer()?;
        match self.pending.as_slice() {
            [] => Ok(()),
            pending => Err(Error::new(
                Code::Unavailable,
                format!(
                    "The database lacks {} migration(s), the first of which is {}. Run `frontpage migrate`, or start with `serve --migrate`.",
                    pending.len(),
                    pending.first().map_or("", String::as_str)
                ),
            )),
        }
    }

    fn refuse_newer(&self) -> Result<()> {
        match self.unknown.first() {
            None => Ok(()),
            Some(first) => Err(Error::new(
                Code::Unavailable,
                format!(
                    "The database is newer than this program: it has migration {first}, which this version does not know. Start the newer version of frontpage."
                ),
            )),
        }
    }
}

/// Compares the database with the program and changes nothing.
///
/// # Errors
/// When the database cannot be read.
pub fn status(location: &Location) -> Result<Status> {
    let mut conn = open(location)?;
    status_of(&mut conn)
}

fn open(location: &Location) -> Result<Conn> {
    open_alone(location).map_err(|error| match location {
        Location::Sqlite(path) if is_no_database(&error.to_string()) => {
            let detail = "is not an SQLite database. Name another file in DATABASE_URL, or move this one away.";
            Error::new(Code::Unavailable, format!("{} {detail}", path.display())).because(error)
        }
        _ => Error::unavailable(error),
    })
}

/// Brings the database up to the program, one program at a time, and returns what was applied.
///
/// # Errors
/// When the database is newer than the program, cannot be reached, or a migration fails.
pub fn run(location: &Location) -> Result<Vec<String>> {
    let (mut conn, status) = patiently(|| {
        let mut conn = open(location)?;
        let status = status_of(&mut conn)?;
        Ok((conn, status))
    })?;
    status.refuse_newer()?;
    lock(&mut conn)?;
    let applied = apply(&mut conn);
    unlock(&mut conn)?;
    applied
}

/// Tries again for a while when another program has an SQLite file for itself, as while it makes it.
fn patiently<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    loop {
        match work() {
            Err(error) if error.cause().is_some_and(is_locked) && started.elapsed() < PATIENCE => {
                std::thread::sleep(LOCKED_PAUSE);
            }
            result => return result,
        }
    }
}

/// Applies what is pending; what another program applies at the same moment counts as applied.
fn apply(conn: &mut Conn) -> Result<Vec<String>> {
    let mut applied = Vec::new();
    let started = Instant::now();
    loop {
        // What was pending may have been applied by whoever held the lock.
        let status = status_of(conn)?;
        status.refuse_newer()?;
        let Some(next) = status.pending.first().cloned() else { return Ok(applied) };
        // By the version that was really applied: another program may have come first to the one that was pending.
        let result = match conn {
            Conn::Postgres(conn) => conn.run_next_migration(POSTGRES).map(|version| version.to_string()),
            Conn::Sqlite(conn) => conn.run_next_migration(SQLITE).map(|version| version.to_string()),
        };
        match result {
            Ok(version) => applied.push(name_of(conn, &version)?),
            Err(error) if is_locked(&error.to_string()) && started.elapsed() < PATIENCE => {
                std::thread::sleep(LOCKED_PAUSE);
            }
            // SQLite has no lock beyond a transaction's: another program may have been faster.
            Err(error) if status_of(conn)?.pending.first() == Some(&next) => {
                return Err(Error::internal(format!("the migration {next} failed: {error}")));
            }
            Err(_) => {}
        }
    }
}

/// Returns the full name of a migration.
fn name_of(conn: &Conn, version: &str) -> Result<String> {
    let known = match conn {
        Conn::Postgres(_) => names::<diesel::pg::Pg>(&POSTGRES)?,
        Conn::Sqlite(_) => names::<diesel::sqlite::Sqlite>(&SQLITE)?,
    };
    Ok(known.into_iter().find(|known| known.0 == version).map_or_else(|| version.to_owned(), |known| known.1))
}

/// For how long to try while another program is migrating the same SQLite file.
const PATIENCE: Duration = Duration::from_secs(60);

const LOCKED_PAUSE: Duration = Duration::from_millis(50);

/// The number of the advisory lock, "frontpag" in ASCII.
const LOCK: i64 = 0x6672_6f6e_7470_6167;

fn lock(conn: &mut Conn) -> Result<()> {
    match conn {
        Conn::Postgres(conn) => conn.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})"))?,
        // Each migration is a transaction, and a second program waits for the first one's write lock.
        Conn::Sqlite(_) => {}
    }
    Ok(())
}

fn unlock(conn: &mut Conn) -> Result<()> {
    if let Conn::Postgres(conn) = conn {
        conn.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})"))?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

fn status_of(conn: &mut Conn) -> Result<Status> {
    let known = match conn {
        Conn::Postgres(_) => names::<diesel::pg::Pg>(&POSTGRES)?,
        Conn::Sqlite(_) => names::<diesel::sqlite::Sqlite>(&SQLITE)?,
    };
    let exists = match conn {
        Conn::Postgres(_) => {
            "SELECT CAST(COUNT(*) AS TEXT) AS version FROM pg_tables WHERE tablename = '__diesel_schema_migrations' AND schemaname = ANY (current_schemas(false))"
        }
        Conn::Sqlite(_) => {
            "SELECT CAST(COUNT(*) AS TEXT) AS version FROM sqlite_master WHERE name = '__diesel_schema_migrations'"
        }
    };
    let tables: Vec<Applied> = diesel::sql_query(exists).load(conn)?;
    let applied: Vec<Applied> = if tables.iter().any(|row| row.version != "0") {
        diesel::sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version").load(conn)?
    } else {
        Vec::new()
    };
    let is_applied = |version: &str| applied.iter().any(|row| row.version == version);
    Ok(Status {
        pending: known.iter().filter(|(version, _)| !is_applied(version)).map(|(_, name)| name.clone()).collect(),
        unknown: applied
            .iter()
            .filter(|row| !known.iter().any(|(version, _)| *version == row.version))
            .map(|row| row.version.clone())
            .collect(),
    })
}

/// The embedded migrations as (version in the database, full name).
fn names<DB: diesel::backend::Backend>(source: &EmbeddedMigrations) -> Result<Vec<(String, String)>> {
    use diesel::migration::{Migration, MigrationSource};
    let migrations: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(Error::internal)?;
    let mut names: Vec<_> = migrations
        .iter()
        .map(|migration| (migration.name().version().to_string(), migration.name().to_string()))
        .collect();
    names.sort();
    Ok(names)
}
