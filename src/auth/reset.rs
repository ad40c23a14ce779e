//! Password resets: an administrator starts one, whoever holds its token sets a new password with it, once.
//!
//! The database holds only the token's digest, and one reset per account, so that a second voids the first.

use diesel::prelude::*;

use super::secret::ResetToken;
use crate::{
    clock::Instant,
    db::{
        Conn, Now, Tx,
        schema::{password_resets, users},
    },
    error::{Error, Result},
    ids::UserId,
};

/// How long a reset can be used.
pub const LIFETIME_SECONDS: i64 = 60 * 60;

/// The account that a reset is for.
#[derive(Clone, Queryable)]
pub struct Target {
    /// The account.
    pub user_id: UserId,
    /// Its e-mail address.
    pub email: String,
    /// The key of the address.
    pub email_key: String,
    /// The name that is shown.
    pub name: String,
}

/// Starts a reset, in place of any earlier one; returns when it ends.
///
/// # Errors
/// When the database fails.
pub fn start(tx: &mut Tx<'_>, user_id: UserId, token: &ResetToken) -> Result<Instant> {
    let expires_at = tx.now.plus_seconds(LIFETIME_SECONDS);
    void(tx, user_id)?;
    diesel::insert_into(password_resets::table)
        .values((
            password_resets::user_id.eq(user_id),
            password_resets::digest.eq(token.digest()),
            password_resets::expires_at.eq(expires_at),
        ))
        .execute(tx.conn()?)?;
    Ok(expires_at)
}

/// Ends a reset that may have been started for an account.
///
/// # Errors
/// When the database fails.
pub fn void(tx: &mut Tx<'_>, user_id: UserId) -> Result<()> {
    diesel::delete(password_resets::table.find(user_id)).execute(tx.conn()?)?;
    Ok(())
}

/// Returns the account that a token resets, if it is in force and the account may log in.
///
/// # Errors
/// When the database fails.
pub fn find_target(conn: &mut Conn, digest: &str) -> Result<Option<Target>> {
    Ok(password_resets::table
        .inner_join(users::table.on(users::id.eq(password_resets::user_id)))
        .filter(password_resets::digest.eq(digest))
        .filter(password_resets::expires_at.gt(Now))
        .filter(users::is_disabled.eq(false))
        .filter(users::trashed_at.is_null())
        .select((users::id, users::email, users::email_key, users::name))
        .get_result(conn)
        .optional()?)
}

/// Uses a token up; returns the account.
///
/// # Errors
/// [`invalid`] when it is not, or no longer, in force.
pub fn redeem(tx: &mut Tx<'_>, digest: &str) -> Result<UserId> {
    let target = find_target(tx.conn()?, digest)?.ok_or_else(invalid)?;
    void(tx, target.user_id)?;
    Ok(target.user_id)
}

/// The answer to a token that is not, or no longer, in force.
pub fn invalid() -> Error {
    const DETAIL: &str = "is not a token of a password reset in force; it can be used once, within 60 minutes, and a \
                          later one voids it. Ask for a new one.";
    Error::invalid("/token", "invalid_token", DETAIL)
}

/// Removes resets that were not used in time.
///
/// # Errors
/// When the database fails.
pub fn prune(tx: &mut Tx<'_>) -> Result<()> {
    diesel::delete(password_resets::table.filter(password_resets::expires_at.le(tx.now))).execute(tx.conn()?)?;
    Ok(())
}
