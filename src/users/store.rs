//! User accounts in the database, and the rules that hold between them.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::{Value, json};

use super::model::{User, UserDoc, UserInput};
use crate::{
    audit::{self, Entry, Resource},
    auth::{
        credentials,
        identity::Caller,
        reset,
        rights::Role,
        secret::ResetToken,
        session::{self, Which},
    },
    clock::Instant,
    db::{
        Conn, Tx,
        schema::{staff, users},
    },
    error::{Code, Error, Fault, Result},
    http::page::{Cursor, Direction, Limit},
    ids::{StaffId, UserId},
    input::{Email, Faults, Line, read},
    resources::{self, Shown, document},
    revisions::{self, Basis, Revision},
    staff::{
        model::StaffSummary,
        store::{self as staff_store, StaffRow},
    },
};

/// A row of the table, without the hash of the password, which only [`crate::auth`] reads.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct UserRow {
    /// The id.
    pub id: UserId,
    email: String,
    name: String,
    role: Role,
    staff_id: Option<StaffId>,
    is_disabled: bool,
    /// The newest revision.
    pub revision: i32,
    created_at: Instant,
    updated_at: Instant,
    trashed_at: Option<Instant>,
}

impl UserRow {
    fn doc(&self) -> Result<UserDoc> {
        let damaged = resources::damaged("user account", self.id);
        Ok(UserDoc {
            email: Email::parse(&self.email).map_err(&damaged)?,
            name: Line::parse(&self.name).map_err(&damaged)?,
            role: self.role,
            staff: self.staff_id,
            disabled: self.is_disabled,
        })
    }

    fn view(self, staff: Option<StaffSummary>, shown: Shown) -> User {
        let Self { id, email, name, role, staff_id: _, is_disabled, revision, created_at, updated_at, trashed_at } =
            self;
        let trashed_at = if shown == Shown::Live { None } else { trashed_at };
        User { id, email, name, role, staff, disabled: is_disabled, created_at, updated_at, revision, trashed_at }
    }

    /// Returns whether the account may log in.
    fn is_in_force(&self) -> bool {
        !self.is_disabled && self.trashed_at.is_none()
    }

    fn is_working_admin(&self) -> bool {
        self.role == Role::Admin && self.is_in_force()
    }
}

/// Returns an account, in the trash or not.
///
/// # Errors
/// `not_found`.
pub fn find(conn: &mut Conn, id: UserId) -> Result<UserRow> {
    users::table.find(id).select(UserRow::as_select()).get_result(conn).optional()?.ok_or_else(Error::not_found)
}

/// Returns the account with an e-mail address, in whatever case, in the trash or not.
///
/// # Errors
/// When the database fails.
pub fn find_by_email(conn: &mut Conn, email: &Email) -> Result<Option<UserRow>> {
    Ok(users::table
        .filter(users::email_key.eq(email.key()))
        .select(UserRow::as_select())
        .get_result(conn)
        .optional()?)
}

/// Returns the view of a row.
///
/// # Errors
/// When the database fails.
pub fn view_of(conn: &mut Conn, row: UserRow, shown: Shown) -> Result<User> {
    let mut views = views(conn, vec![row], shown)?;
    views.pop().ok_or_else(|| Error::internal("a row without a view"))
}

/// Returns the views of rows, with their staff profiles.
///
/// # Errors
/// When the database fails.
pub fn views(conn: &mut Conn, rows: Vec<UserRow>, shown: Shown) -> Result<Vec<User>> {
    let linked: Vec<StaffId> = rows.iter().filter_map(|row| row.staff_id).collect();
    let profiles: HashMap<StaffId, StaffSummary> = if linked.is_empty() {
        HashMap::new()
    } else {
        let found = staff::table.filter(staff::id.eq_any(linked)).select(StaffRow::as_select());
        found.load::<StaffRow>(conn)?.iter().map(|row| (row.id, row.summary())).collect()
    };
    let view = |row: UserRow| {
        let staff = row.staff_id.and_then(|id| profiles.get(&id).cloned());
        row.view(staff, shown)
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Reads a page of accounts in the order in which they were created, one more than the limit.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut Conn,
    shown: Shown,
    role: Option<Role>,
    limit: Limit,
    cursor: Option<&Cursor>,
) -> Result<Vec<UserRow>> {
    let mut query = users::table.select(UserRow::as_select()).into_boxed();
    query = match shown {
        Shown::Trash => query.filter(users::trashed_at.is_not_null()),
        Shown::Live | Shown::Working => query.filter(users::trashed_at.is_null()),
    };
    if let Some(role) = role {
        query = query.filter(users::role.eq(role.as_str()));
    }
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    // Ids sort by the time they were made, and unlike addresses they may stand in a query string.
    if let Some(id) = cursor.and_then(|cursor| UserId::parse(cursor.keys.first()?)) {
        query = if is_backward { query.filter(users::id.lt(id)) } else { query.filter(users::id.gt(id)) };
    }
    let query = if is_backward { query.order(users::id.desc()) } else { query.order(users::id.asc()) };
    Ok(query.limit(limit.and_one()).load(conn)?)
}

/// Creates an account; the hash is of the password of the input, which has been checked.
///
/// # Errors
/// `invalid_input`, `email_taken`.
pub fn create(tx: &mut Tx<'_>, by: Option<&Caller>, input: &UserInput, password_hash: Option<&str>) -> Result<UserRow> {
    let id = UserId::generate();
    let staff_id = staff_of(tx, None, input)?;
    require_free(tx, id, &input.email)?;
    diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            users::email.eq(input.email.as_str()),
            users::email_key.eq(input.email.key()),
            users::name.eq(input.name.as_str()),
            users::role.eq(input.role.as_str()),
            users::staff_id.eq(staff_id),
            users::password_hash.eq(password_hash),
            users::is_disabled.eq(input.disabled),
            users::revision.eq(1),
            users::created_at.eq(tx.now),
            users::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    finish(tx, by, id, "created")
}

/// Changes an account by a merge patch.
///
/// # Errors
/// `precondition_failed` when the basis is stale, `invalid_input`, `email_taken`, `last_admin`.
pub fn update(tx: &mut Tx<'_>, by: Option<&Caller>, id: UserId, basis: &Basis, patch: &Value) -> Result<UserRow> {
    let row = find(tx.conn()?, id)?;
    resources::require_untrashed("user account", row.trashed_at)?;
    refuse_password(patch)?;
    let doc = document(&row.doc()?)?;
    revisions::check(tx, id.into(), basis, row.revision, Some(patch), &doc)?;
    let input: UserInput = read(resources::patched(&doc, patch)?, Code::InvalidInput)?;
    let staff = staff_of(tx, row.staff_id, &input)?;
    require_free(tx, id, &input.email)?;
    let new = UserDoc { email: input.email, name: input.name, role: input.role, staff, disabled: input.disabled };
    if document(&new)? == doc {
        return Ok(row);
    }
    if row.is_working_admin() && (new.role != Role::Admin || new.disabled) {
        require_other_admin(tx, id)?;
    }
    diesel::update(users::table.find(id))
        .set((
            users::email.eq(new.email.as_str()),
            users::email_key.eq(new.email.key()),
            users::name.eq(new.name.as_str()),
            users::role.eq(new.role.as_str()),
            users::staff_id.eq(new.staff),
            users::is_disabled.eq(new.disabled),
            users::revision.eq(row.revision + 1),
            users::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    if new.disabled {
        session::end_where(tx, id, Which::All)?;
    }
    // A reset that is under way was sent to the former address.
    if new.disabled || new.email.as_str() != row.email {
        reset::void(tx, id)?;
    }
    finish(tx, by, id, "updated")
}

/// Moves an account to the trash and ends its sessions.
///
/// # Errors
/// `precondition_failed`, `last_admin`.
pub fn trash(tx: &mut Tx<'_>, by: Option<&Caller>, id: UserId, basis: &Basis) -> Result<UserRow> {
    let row = find(tx.conn()?, id)?;
    resources::require_untrashed("user account", row.trashed_at)?;
    let doc = document(&row.doc()?)?;
    revisions::check(tx, id.into(), basis, row.revision, None, &doc)?;
    if row.is_working_admin() {
        require_other_admin(tx, id)?;
    }
    session::end_where(tx, id, Which::All)?;
    reset::void(tx, id)?;
    set_trashed(tx, &row, Some(tx.now))?;
    finish(tx, by, id, "trashed")
}

/// Brings an account back from the trash; it may log in again with the password that it had.
///
/// # Errors
/// `invalid_transition` when it is not there, `precondition_failed`.
pub fn restore(tx: &mut Tx<'_>, by: Option<&Caller>, id: UserId, basis: &Basis) -> Result<UserRow> {
    let row = find(tx.conn()?, id)?;
    let doc = document(&row.doc()?)?;
    revisions::check(tx, id.into(), basis, row.revision, None, &doc)?;
    resources::require_trashed("user account", row.trashed_at)?;
    set_trashed(tx, &row, None)?;
    finish(tx, by, id, "restored")
}

/// Starts a password reset, in place of any earlier one; returns when it ends.
///
/// # Errors
/// `not_found`, `invalid_transition` when the account may not log in.
pub fn start_reset(tx: &mut Tx<'_>, id: UserId, token: &ResetToken) -> Result<Instant> {
    let row = find(tx.conn()?, id)?;
    if !row.is_in_force() {
        let state = if row.trashed_at.is_some() { "in the trash; restore it" } else { "disabled; enable it" };
        return Err(Error::new(Code::InvalidTransition, format!("The user account is {state} first.")));
    }
    let expires_at = reset::start(tx, id, token)?;
    let details = json!({ "expires_at": expires_at });
    audit::append(
        tx,
        &Entry { resource: Resource::User, id: id.to_string(), verb: "password_reset_started", details },
    )?;
    Ok(expires_at)
}

/// Sets the password of an account and ends its sessions.
///
/// # Errors
/// When the database fails.
pub fn set_password(tx: &mut Tx<'_>, id: UserId, hash: &str) -> Result<()> {
    credentials::store_hash(tx, id, hash)?;
    let n_ended = session::end_where(tx, id, Which::All)?;
    credentials::note(tx, id, "password_set", n_ended)?;
    reset::void(tx, id)
}

/// Refuses a password in a patch, before anything could show it.
fn refuse_password(patch: &Value) -> Result<()> {
    let mut faults = Faults::new();
    if patch.get("password").is_some() {
        const DETAIL: &str = "a password is set by the person only: start POST /v1/users/{user}/password-reset and pass \
                              its token on";
        faults.add("/password", "not_allowed", DETAIL);
    }
    faults.check(Code::InvalidInput)
}

fn require_free(tx: &mut Tx<'_>, id: UserId, email: &Email) -> Result<()> {
    match find_by_email(tx.conn()?, email)? {
        Some(row) if row.id != id => {
            let fault = Fault::new("/email", "taken", "belongs to another user account, perhaps one in the trash");
            Err(Error::faults(Code::EmailTaken, vec![fault]))
        }
        _ => Ok(()),
    }
}

/// Refuses to leave the site without anybody who can log in and administer users.
fn require_other_admin(tx: &mut Tx<'_>, id: UserId) -> Result<()> {
    let others: i64 = users::table
        .filter(users::id.ne(id))
        .filter(users::role.eq(Role::Admin.as_str()))
        .filter(users::is_disabled.eq(false))
        .filter(users::trashed_at.is_null())
        .filter(users::password_hash.is_not_null())
        .count()
        .get_result(tx.conn()?)?;
    match others {
        0 => {
            Err(Error::new(Code::LastAdmin, "No other account is an administrator that is enabled and has a password."))
        }
        _ => Ok(()),
    }
}

/// Resolves the staff profile of an input; one that was linked before may stay although it is in the trash now.
fn staff_of(tx: &mut Tx<'_>, before: Option<StaffId>, input: &UserInput) -> Result<Option<StaffId>> {
    let Some(reference) = &input.staff else { return Ok(None) };
    let found = staff_store::try_find(tx.conn()?, reference)?;
    let found = found.filter(|row| row.trashed_at.is_none() || Some(row.id) == before).map(|row| row.id);
    let missing = || Error::invalid("/staff", "not_found", format!("there is no staff profile \"{reference}\""));
    found.map(Some).ok_or_else(missing)
}

fn set_trashed(tx: &mut Tx<'_>, row: &UserRow, at: Option<Instant>) -> Result<()> {
    diesel::update(users::table.find(row.id))
        .set((users::trashed_at.eq(at), users::revision.eq(row.revision + 1), users::updated_at.eq(tx.now)))
        .execute(tx.conn()?)?;
    Ok(())
}

/// Keeps the revision; returns the row as it is now. Nothing here is for readers, so the change log is not told.
fn finish(tx: &mut Tx<'_>, by: Option<&Caller>, id: UserId, kind: &'static str) -> Result<UserRow> {
    let row = find(tx.conn()?, id)?;
    let content = document(&row.doc()?)?;
    let by = by.map(|caller| caller.user_id);
    let revision = Revision::new((Resource::User, id.into()), (row.revision, kind), &content, by);
    revisions::append(tx, &revision)?;
    Ok(row)
}

#[cfg(test)]
mod tests;
