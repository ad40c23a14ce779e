//! Who is calling: from an `Authorization` header to a user account, asked of the database each time.
//!
//! Asking each time is one indexed look-up, and makes a logout, a demotion or a changed password effective at once on
//! every node.

use actix_web::http::header::{self, HeaderMap};
use diesel::prelude::*;

use super::rights::{Allowance, Operation, Role};
use crate::{
    db::{
        Actor, Conn, Now,
        direct::direct,
        schema::{sessions, users},
    },
    error::{Code, Error, Result},
    ids::{ApiKeyId, SessionId, StaffId, UserId},
    state::State,
};

/// Somebody who has shown a valid access token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user account.
    pub user_id: UserId,
    /// The login that the token comes from; none when a key acts in the account's name.
    pub session_id: Option<SessionId>,
    /// The key that acts in the account's name.
    pub key_id: Option<ApiKeyId>,
    /// What the account may do.
    pub role: Role,
    /// The staff profile that the account is linked to.
    pub staff_id: Option<StaffId>,
    /// What the account is called; not known of a key's.
    pub name: Option<String>,
}

impl Caller {
    /// Returns who this is to the audit.
    pub fn actor(&self) -> Actor {
        match self.key_id {
            None => Actor::User { id: self.user_id, role: self.role.as_str() },
            Some(key) => Actor::Key { id: key, acts_for: self.user_id },
        }
    }

    /// Returns the login.
    ///
    /// # Errors
    /// `forbidden` for a key, which has none.
    pub fn session(&self) -> Result<SessionId> {
        self.session_id.ok_or_else(|| Error::new(Code::Forbidden, "An API key has no login."))
    }

    /// Returns whether the caller has an operation's right on something of a given owner.
    pub fn may(&self, operation: Operation, owner: UserId) -> bool {
        match operation.allowance(self.role) {
            Allowance::All => true,
            Allowance::Own => owner == self.user_id,
            Allowance::No => false,
        }
    }

    /// Refuses a role that never has the right.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn may_ever(&self, operation: Operation) -> Result<()> {
        match operation.allowance(self.role) {
            Allowance::No => Err(self.forbidden(operation)),
            Allowance::Own | Allowance::All => Ok(()),
        }
    }

    /// The answer to a caller who may not do this.
    pub fn forbidden(&self, operation: Operation) -> Error {
        Error::new(Code::Forbidden, format!("The role {} does not include {} here.", self.role, operation.id()))
    }

    /// The answer to a request that needs a caller and has none.
    pub fn missing() -> Error {
        Error::new(Code::Unauthenticated, "Send Authorization: Bearer <access token>; POST /v1/auth/token gives one.")
    }
}

/// Returns the caller if a token was sent; one that is sent must be valid.
///
/// # Errors
/// `unauthenticated` when what was sent is not a valid token of a live session.
pub async fn identify(state: &State, headers: &HeaderMap) -> Result<Option<Caller>> {
    let Some(token) = bearer(headers)? else { return Ok(None) };
    let claims = state.auth.verify(token).await?;
    let (user, session) = (UserId::from_uuid(claims.sub), SessionId::from_uuid(claims.sid));
    state.db.look_up(move |conn| caller_of(conn, user, session)).await.map(Some)
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(invalid("Two Authorization headers."));
    }
    let text = value.to_str().map_err(|_| invalid("The Authorization header is not ASCII."))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token)),
        _ => Err(invalid("The Authorization header is not of the form: Bearer <access token>.")),
    }
}

/// The answer to a token that is not, or no longer, valid.
pub fn invalid(detail: &str) -> Error {
    Error::new(Code::Unauthenticated, detail)
}

fn caller_of(conn: &mut Conn, user: UserId, session: SessionId) -> Result<Caller> {
    let live = sessions::table
        .inner_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(sessions::id.eq(session))
        .filter(users::id.eq(user))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(Now))
        .filter(users::is_disabled.eq(false))
        .filter(users::trashed_at.is_null())
        .select((users::role, users::staff_id, users::name));
    let found: Option<(Role, Option<StaffId>, String)> = direct!(conn, |own| live.get_result(own).optional())?;
    let (role, staff_id, name) = found.ok_or_else(|| invalid("The access token is not valid any more."))?;
    Ok(Caller { user_id: user, session_id: Some(session), key_id: None, role, staff_id, name: Some(name) })
}
