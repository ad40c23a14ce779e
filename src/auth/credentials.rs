//! What happens at a login, and when a password is changed or reset.
//!
//! Each path counts the try first, computes on the hashing threads, and decides in one transaction, which looks again
//! whether the account is still as it was when the password was checked. Wrong passwords, unknown addresses and accounts
//! that may not log in are one answer in one time. Start at [`log_in`].

use diesel::prelude::*;
use serde_json::json;

use super::{
    identity::{self, Caller},
    password::Password,
    passwords::Owner,
    reset,
    rights::Role,
    secret::{RefreshToken, ResetToken},
    session::{self, Issued, Rotation, Which},
    source::Source,
    throttle::{self, Try},
};
use crate::{
    audit::{self, Entry, Resource},
    clock::Instant,
    db::{Actor, Conn, Tx, schema::users},
    error::{Code, Error, Result},
    ids::UserId,
    input::Email,
    state::State,
};

/// Where a login comes from.
pub struct Client {
    /// The place at which its tries are counted.
    pub source: Source,
    /// What the client says it is.
    pub user_agent: Option<String>,
}

/// What a login needs to know of an account. It has no `Debug`, since it holds the hash.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
struct Account {
    id: UserId,
    email: String,
    email_key: String,
    name: String,
    role: Role,
    password_hash: Option<String>,
    is_disabled: bool,
    trashed_at: Option<Instant>,
}

/// Begins a session for somebody who knows the password of an account.
///
/// # Errors
/// `invalid_credentials`, `too_many_requests`, `unavailable`.
pub async fn log_in(state: &State, email: &Email, typed: &str, client: Client) -> Result<Issued> {
    // Refused before any counting or hashing: no account can have it, and only its own length says so.
    let password = Password::parse(typed).map_err(|_| wrong())?;
    let key = email.key();
    let counted = state.auth.throttle().count(&state.db, client.source, Some(&key)).await?;
    let account = state.db.read(move |conn| account_by_key(conn, &key)).await?;
    let stored = account.as_ref().and_then(|account| account.password_hash.clone());
    let verified = evaluated(state, &counted, state.auth.verify_password(password.clone(), stored).await).await?;
    let account = account.filter(|account| verified.ok && account.is_in_force()).ok_or_else(wrong)?;
    // A server that is too busy for it now finds the old hash again at the next login.
    let rehashed = if verified.needs_rehash { state.auth.hash_password(password).await.ok() } else { None };
    let lifetimes = state.auth.lifetimes();
    state
        .auth
        .throttle()
        .settle(&state.db, move |tx| {
            if !is_unchanged(tx, &account)? {
                return Err(wrong());
            }
            if let Some(hash) = &rehashed {
                store_hash(tx, account.id, hash)?;
            }
            throttle::give_back(tx, &counted)?;
            tx.origin.actor = Actor::User { id: account.id, role: account.role.as_str() };
            session::issue(tx, lifetimes, account.id, client.user_agent.as_deref())
        })
        .await
}

/// Continues a session with the next refresh token.
///
/// # Errors
/// `unauthenticated` when the token is not in force; when it was used before, its session has ended.
pub async fn refresh(state: &State, typed: &str) -> Result<Issued> {
    let token = RefreshToken::parse(typed).map_err(|_| not_in_force())?;
    let lifetimes = state.auth.lifetimes();
    match session::write(&state.db, move |tx| session::rotate(tx, lifetimes, &token)).await? {
        Rotation::Issued(issued) => Ok(issued),
        Rotation::Refused => Err(not_in_force()),
        Rotation::Reused { user_id, session_id } => {
            tracing::warn!(user.id = %user_id, session.id = %session_id, "A used refresh token came back; its session was ended");
            Err(not_in_force())
        }
    }
}

/// Sets a new password for a caller who knows the present one, and ends their other sessions.
///
/// # Errors
/// `invalid_input` for a bad new or a wrong present password, `too_many_requests`, `unavailable`.
pub async fn change_password(state: &State, caller: &Caller, present: &str, new: String, source: Source) -> Result<()> {
    let (user_id, session_id) = (caller.user_id, caller.session()?);
    let account = state.db.read(move |conn| account_by_id(conn, user_id)).await?;
    let account = account.ok_or_else(Caller::missing)?;
    let new = state.auth.check_new_password("/new_password", new, account.owner()).await?;
    let present = Password::parse(present).map_err(|_| wrong_present())?;
    let counted = state.auth.throttle().count(&state.db, source, Some(&account.email_key)).await?;
    let checked = state.auth.verify_password(present, account.password_hash.clone()).await;
    if !evaluated(state, &counted, checked).await?.ok {
        return Err(wrong_present());
    }
    let hash = evaluated(state, &counted, state.auth.hash_password(new).await).await?;
    let done = state.auth.throttle().settle(&state.db, move |tx| {
        if !is_unchanged(tx, &account)? {
            // Changed at the same moment: what was checked is the present password no more.
            return Err(wrong_present());
        }
        store_hash(tx, user_id, &hash)?;
        reset::void(tx, user_id)?;
        let n_ended = session::end_where(tx, user_id, Which::AllBut(session_id))?;
        note(tx, user_id, "password_changed", n_ended)?;
        throttle::give_back(tx, &counted)
    });
    done.await?;
    tracing::info!(user.id = %user_id, "A password was changed; the other sessions were ended");
    Ok(())
}

/// Sets a new password for whoever holds a reset token, and ends all sessions of the account.
///
/// # Errors
/// `invalid_input` for a bad password or a token that is not in force, `too_many_requests`, `unavailable`.
pub async fn reset_password(state: &State, token: &str, new: String, source: Source) -> Result<()> {
    let digest = ResetToken::parse(token).map_err(|_| reset::invalid())?.digest();
    let wanted = digest.clone();
    let target = state.db.read(move |conn| reset::find_target(conn, &wanted)).await?;
    let email_key = target.as_ref().map(|target| target.email_key.clone());
    let counted = state.auth.throttle().count(&state.db, source, email_key.as_deref()).await?;
    let target = target.ok_or_else(reset::invalid)?;
    let owner = Owner { email: target.email, name: target.name };
    // Whoever holds the token guesses nothing, so a password that is refused here is no try.
    let new = evaluated(state, &counted, state.auth.check_new_password("/new_password", new, owner).await).await?;
    let hash = evaluated(state, &counted, state.auth.hash_password(new).await).await?;
    let done = state.auth.throttle().settle(&state.db, move |tx| {
        let user_id = reset::redeem(tx, &digest)?;
        store_hash(tx, user_id, &hash)?;
        // Whoever holds the token may be anybody, so the entry has no actor's account.
        let n_ended = session::end_where(tx, user_id, Which::All)?;
        note(tx, user_id, "password_reset", n_ended)?;
        throttle::give_back(tx, &counted)?;
        Ok(user_id)
    });
    let user_id = done.await?;
    tracing::info!(user.id = %user_id, "A password was reset; all sessions were ended");
    Ok(())
}

/// Notes in the audit that an account has a new password, and how many sessions that ended.
///
/// # Errors
/// When the database fails.
pub fn note(tx: &mut Tx<'_>, user_id: UserId, verb: &'static str, n_ended: usize) -> Result<()> {
    let details = json!({ "ended_sessions": n_ended });
    audit::append(tx, &Entry { resource: Resource::User, id: user_id.to_string(), verb, details })
}

/// Stores the hash of a new password; whoever chose it, [`note`] says so.
///
/// # Errors
/// When the database fails.
pub fn store_hash(tx: &mut Tx<'_>, user_id: UserId, hash: &str) -> Result<()> {
    diesel::update(users::table.find(user_id)).set(users::password_hash.eq(hash)).execute(tx.conn()?)?;
    Ok(())
}

impl Account {
    fn owner(&self) -> Owner {
        Owner { email: self.email.clone(), name: self.name.clone() }
    }

    fn is_in_force(&self) -> bool {
        !self.is_disabled && self.trashed_at.is_none()
    }
}

/// Gives the try back when its password was not looked at, as when the server is too busy.
async fn evaluated<T>(state: &State, counted: &Try, outcome: Result<T>) -> Result<T> {
    if outcome.is_err()
        && let Err(error) = state.auth.throttle().give_back(&state.db, counted.clone()).await
    {
        tracing::warn!(%error, "A password try could not be given back");
    }
    outcome
}

fn account_by_key(conn: &mut Conn, email_key: &str) -> Result<Option<Account>> {
    let found = users::table.filter(users::email_key.eq(email_key)).select(Account::as_select());
    Ok(found.get_result(conn).optional()?)
}

fn account_by_id(conn: &mut Conn, id: UserId) -> Result<Option<Account>> {
    Ok(users::table.find(id).select(Account::as_select()).get_result(conn).optional()?)
}

/// Returns whether the account may log in and has the password that was checked.
fn is_unchanged(tx: &mut Tx<'_>, account: &Account) -> Result<bool> {
    let now: Option<Option<String>> = users::table
        .find(account.id)
        .filter(users::is_disabled.eq(false))
        .filter(users::trashed_at.is_null())
        .select(users::password_hash)
        .get_result(tx.conn()?)
        .optional()?;
    Ok(now.is_some_and(|hash| hash == account.password_hash))
}

fn wrong() -> Error {
    Error::new(Code::InvalidCredentials, "The e-mail address and the password do not belong together.")
}

fn wrong_present() -> Error {
    Error::invalid("/current_password", "wrong_password", "is not the present password of this account")
}

fn not_in_force() -> Error {
    identity::invalid("The refresh token is not valid any more; log in again.")
}
