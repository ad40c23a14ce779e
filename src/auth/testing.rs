//! A database with accounts in it, for the tests of what keeps tables.

use std::time::Duration;

use tempfile::TempDir;

use super::rights::Role;
use crate::{
    db::{Db, Location, Options, migrate},
    ids::UserId,
    input::{Email, Line},
    users::{model::UserInput, store},
};

/// An SQLite database that goes with the test.
pub struct Scratch {
    /// The database.
    pub db: Db,
    _folder: TempDir,
}

impl Scratch {
    /// Makes an empty database.
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let location = Location::Sqlite(folder.path().join("scratch.db"));
        let options = Options {
            read_connections: 2,
            write_connections: 1,
            wait: Duration::from_secs(5),
            read_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
            observer: None,
        };
        let db = Db::open(&location, &options).unwrap();
        migrate::run(&location).unwrap();
        Self { db, _folder: folder }
    }

    /// Adds an account that has a password.
    pub fn user(&self, email: &str, role: Role) -> UserId {
        let input = UserInput {
            email: Email::parse(email).unwrap(),
            name: Line::parse("Somebody").unwrap(),
            role,
            staff: None,
            disabled: false,
            password: None,
        };
        self.db.write_blocking(|tx| store::create(tx, None, &input, Some("a hash"))).unwrap().id
    }
}
