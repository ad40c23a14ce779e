//! What a database error means to the rest of the program; the one place that reads their texts.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::error::{Code, Error, Trouble};

/// Judges an error by its kind, and by its text where diesel gives no kind.
fn judge(error: &DieselError) -> Option<Trouble> {
    use DatabaseErrorKind::{ClosedConnection, SerializationFailure, UnableToSendCommand, UniqueViolation, Unknown};
    match error {
        // Serializable transactions that race for one key may meet the constraint before the conflict is seen.
        DieselError::DatabaseError(SerializationFailure | UniqueViolation, _) => Some(Trouble::LostRace),
        DieselError::DatabaseError(ClosedConnection | UnableToSendCommand, _)
        | DieselError::BrokenTransactionManager => Some(Trouble::LostConnection),
        DieselError::DatabaseError(Unknown, info) => judge_text(info.message()),
        _ => None,
    }
}

fn judge_text(message: &str) -> Option<Trouble> {
    // SQLite reports busy as unknown; PostgreSQL reports deadlocks and lost connections so.
    const BUSY: [&str; 4] = ["database is locked", "database table is locked", "deadlock", "lock timeout"];
    const LOST: [&str; 5] = [
        "server closed the connection",
        "terminating connection",
        "no connection to the server",
        "connection not open",
        "SSL connection has been closed",
    ];
    if BUSY.iter().any(|text| message.contains(text)) {
        Some(Trouble::LostRace)
    } else if LOST.iter().any(|text| message.contains(text)) {
        Some(Trouble::LostConnection)
    } else {
        None
    }
}

/// Returns whether another program has an SQLite file for itself.
pub(super) fn is_locked(message: &str) -> bool {
    message.contains("locked")
}

/// Returns whether a file is something else than an SQLite database.
pub(super) fn is_no_database(message: &str) -> bool {
    message.contains("file is not a database")
}

fn is_full(message: &str) -> bool {
    message.contains("database or disk is full") || message.contains("No space left on device")
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match judge(&error) {
            Some(trouble @ Trouble::LostConnection) => return Self::unavailable(&error).troubled_by(trouble),
            Some(trouble @ Trouble::LostRace) => {
                return Self::new(Code::Conflict, "Another change came first. Read again, then repeat.")
                    .because(&error)
                    .troubled_by(trouble);
            }
            None => {}
        }
        match &error {
            DieselError::DatabaseError(_, info) if is_full(info.message()) => {
                Self::new(Code::StorageFull, "The disk is full; the change was not made.")
                    .retry_after(30)
                    .because(&error)
            }
            DieselError::DatabaseError(_, info) if is_outage(info.message()) => Self::unavailable(&error),
            _ => Self::internal(&error),
        }
    }
}

fn is_outage(message: &str) -> bool {
    const TEXTS: [&str; 8] = [
        "statement timeout",
        "the database system is",
        "could not connect",
        "disk I/O error",
        "unable to open database file",
        "read-only",
        "readonly database",
        "remaining connection slots",
    ];
    TEXTS.iter().any(|text| message.contains(text))
}
