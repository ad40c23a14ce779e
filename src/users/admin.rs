//! What the command line does with user accounts. Blocks: for the thread of a command, not for the server's.

use serde_json::{Value, json};

use super::{
    model::{User, UserInput},
    store::{self, UserRow},
};
use crate::{
    auth::{
        passwords::{Owner, Passwords},
        rights::Role,
    },
    db::{Conn, Db},
    error::{Code, Error, Result},
    http::page::{Cursor, Direction, Limit},
    input::{Email, Line},
    resources::Shown,
    revisions::Basis,
};

/// Creates an account that can log in with a password.
///
/// # Errors
/// `invalid_input` for a bad password, `email_taken`.
pub fn create(
    db: &Db,
    passwords: &Passwords,
    email: Email,
    name: Line<100>,
    role: Role,
    password: &str,
) -> Result<User> {
    let owner = Owner { email: email.as_str().to_owned(), name: name.as_str().to_owned() };
    let hash = passwords.choose("/password", password, &owner)?;
    let input = UserInput { email, name, role, staff: None, disabled: false, password: None };
    db.write_blocking(|tx| {
        let row = store::create(tx, None, &input, Some(&hash))?;
        store::view_of(tx.conn()?, row, Shown::Working)
    })
}

/// Returns all accounts that are not in the trash, in the order in which they were created.
///
/// # Errors
/// When the database fails.
pub fn list(db: &Db) -> Result<Vec<User>> {
    db.read_blocking(|conn| {
        let mut all: Vec<User> = Vec::new();
        loop {
            let cursor =
                all.last().map(|user| Cursor { direction: Direction::Forward, keys: vec![user.id.to_string()] });
            let rows = store::page(conn, Shown::Working, None, Limit::default(), cursor.as_ref())?;
            if rows.is_empty() {
                return Ok(all);
            }
            all.extend(store::views(conn, rows, Shown::Working)?);
        }
    })
}

/// Gives an account another role, in force at once.
///
/// # Errors
/// `not_found`, `last_admin`.
pub fn set_role(db: &Db, email: &Email, role: Role) -> Result<User> {
    patch(db, email, &json!({ "role": role }))
}

/// Disables an account and ends its sessions.
///
/// # Errors
/// `not_found`, `last_admin`.
pub fn disable(db: &Db, email: &Email) -> Result<User> {
    patch(db, email, &json!({ "disabled": true }))
}

/// Sets the password of an account and ends its sessions.
///
/// # Errors
/// `not_found`, `invalid_input` for a bad password.
pub fn set_password(db: &Db, passwords: &Passwords, email: &Email, password: &str) -> Result<User> {
    let user = db.read_blocking(|conn| {
        let row = by_email(conn, email)?;
        store::view_of(conn, row, Shown::Working)
    })?;
    let owner = Owner { email: user.email.clone(), name: user.name.clone() };
    let hash = passwords.choose("/password", password, &owner)?;
    db.write_blocking(|tx| store::set_password(tx, user.id, &hash))?;
    Ok(user)
}

fn patch(db: &Db, email: &Email, patch: &Value) -> Result<User> {
    db.write_blocking(|tx| {
        let id = by_email(tx.conn()?, email)?.id;
        let row = store::update(tx, None, id, &Basis::Any, patch)?;
        store::view_of(tx.conn()?, row, Shown::Working)
    })
}

fn by_email(conn: &mut Conn, email: &Email) -> Result<UserRow> {
    store::find_by_email(conn, email)?
        .ok_or_else(|| Error::new(Code::NotFound, "There is no user account with this e-mail address."))
}
