//! Sessions: a login on one device, and the refresh tokens that descend from it.
//!
//! A refresh token is used once: using it gives the next. One that is used again later was copied, so the whole session
//! ends; only right after its first use is it taken for a retry, or for a second tab, and given a sibling. The database
//! holds digests. Knows nothing of passwords or HTTP. Start at [`issue`] and [`rotate`].

use diesel::prelude::*;
use serde_json::{Value, json};

use super::secret::RefreshToken;
use crate::{
    audit::{self, Entry, Resource},
    clock::Instant,
    db::{
        Conn, Db, Now, Tx,
        schema::{refresh_tokens, sessions, users},
    },
    error::{Error, Result, Trouble},
    http::page::{Cursor, Direction, Limit},
    ids::{SessionId, UserId},
};

/// A session ends at the latest this many days after the login, however often it is refreshed, unless the operator
/// lets a single refresh token live for longer.
const LONGEST_DAYS: i64 = 90;

/// As much of a client's description of itself as is kept.
const LONGEST_USER_AGENT: usize = 200;

/// Sessions that have ended are kept this long, so that a late refresh finds them ended rather than unknown.
const KEPT_SECONDS: i64 = DAY_SECONDS;

const DAY_SECONDS: i64 = 24 * 3600;

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Days from one refresh to the last moment for the next.
    pub refresh_days: i64,
    /// Seconds in which a token that was used is still taken for a retry.
    pub grace_seconds: i64,
}

/// A session with a refresh token that nobody has used yet. It has no `Debug`, since it holds the token's text.
pub struct Issued {
    /// Whose session it is.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// The token, for the client only.
    pub refresh_token: String,
}

/// What came of presenting a refresh token.
pub enum Rotation {
    /// The next token.
    Issued(Issued),
    /// It is no token, or not one of a live session and an account in force.
    Refused,
    /// It had been used before: its session was ended just now.
    Reused {
        /// Whose session it was.
        user_id: UserId,
        /// The session.
        session_id: SessionId,
    },
}

/// A live session as its owner sees it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    /// The id.
    pub id: SessionId,
    /// What the client said it was.
    pub user_agent: Option<String>,
    /// When the login was.
    pub created_at: Instant,
    /// When it was last refreshed.
    pub last_used_at: Instant,
    /// When it ends unless it is refreshed.
    pub expires_at: Instant,
}

/// Begins a session.
///
/// # Errors
/// When the database or the random source fails.
pub fn issue(tx: &mut Tx<'_>, lifetimes: Lifetimes, user_id: UserId, user_agent: Option<&str>) -> Result<Issued> {
    let session_id = SessionId::generate();
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(session_id),
            sessions::user_id.eq(user_id),
            sessions::user_agent.eq(user_agent.and_then(described)),
            sessions::created_at.eq(tx.now),
            sessions::last_used_at.eq(tx.now),
            sessions::expires_at.eq(end(lifetimes, tx.now, tx.now)),
        ))
        .execute(tx.conn()?)?;
    note(tx, session_id, "started", json!({ "user": user_id }))?;
    let refresh_token = add_token(tx, session_id)?;
    Ok(Issued { user_id, session_id, refresh_token })
}

/// Exchanges a refresh token for the next.
///
/// # Errors
/// When the database or the random source fails; a token that is refused is none.
pub fn rotate(tx: &mut Tx<'_>, lifetimes: Lifetimes, token: &RefreshToken) -> Result<Rotation> {
    let digest = token.digest();
    let found: Option<(SessionId, UserId, Instant, Option<Instant>)> = refresh_tokens::table
        .inner_join(sessions::table.on(sessions::id.eq(refresh_tokens::session_id)))
        .inner_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(refresh_tokens::digest.eq(&digest))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(tx.now))
        .filter(users::is_disabled.eq(false))
        .filter(users::trashed_at.is_null())
        .select((sessions::id, sessions::user_id, sessions::created_at, refresh_tokens::replaced_at))
        .get_result(tx.conn()?)
        .optional()?;
    let Some((session_id, user_id, created_at, replaced_at)) = found else { return Ok(Rotation::Refused) };
    match replaced_at {
        Some(replaced_at) if replaced_at.plus_seconds(lifetimes.grace_seconds) < tx.now => {
            end_where(tx, user_id, Which::One(session_id))?;
            note(tx, session_id, "reused", json!({ "user": user_id }))?;
            return Ok(Rotation::Reused { user_id, session_id });
        }
        Some(_) => {}
        None => {
            diesel::update(refresh_tokens::table.find(&digest))
                .set(refresh_tokens::replaced_at.eq(tx.now))
                .execute(tx.conn()?)?;
        }
    }
    diesel::update(sessions::table.find(session_id))
        .set((sessions::last_used_at.eq(tx.now), sessions::expires_at.eq(end(lifetimes, created_at, tx.now))))
        .execute(tx.conn()?)?;
    let refresh_token = add_token(tx, session_id)?;
    Ok(Rotation::Issued(Issued { user_id, session_id, refresh_token }))
}

/// Which of a user's sessions to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// All but the one that asks.
    AllBut(SessionId),
    /// This one.
    One(SessionId),
}

/// Ends sessions of a user, with their refresh tokens and access tokens; returns how many, for the audit.
///
/// # Errors
/// When the database fails.
pub fn end_where(tx: &mut Tx<'_>, user_id: UserId, which: Which) -> Result<usize> {
    let live = sessions::user_id.eq(user_id).and(sessions::revoked_at.is_null()).and(sessions::expires_at.gt(tx.now));
    // Ending now also says when the row may be pruned.
    let ended = (sessions::revoked_at.eq(tx.now), sessions::expires_at.eq(tx.now));
    Ok(match which {
        Which::All => diesel::update(sessions::table.filter(live)).set(ended).execute(tx.conn()?)?,
        Which::AllBut(id) => {
            diesel::update(sessions::table.filter(live).filter(sessions::id.ne(id))).set(ended).execute(tx.conn()?)?
        }
        Which::One(id) => {
            diesel::update(sessions::table.filter(live).filter(sessions::id.eq(id))).set(ended).execute(tx.conn()?)?
        }
    })
}

/// Ends one session of a user.
///
/// # Errors
/// `not_found` when the user has no such live session.
pub fn end_one(tx: &mut Tx<'_>, user_id: UserId, session_id: SessionId) -> Result<()> {
    match end_where(tx, user_id, Which::One(session_id))? {
        0 => Err(Error::not_found()),
        _ => note(tx, session_id, "ended", json!({ "user": user_id })),
    }
}

/// Ends the session that asks for it, if nobody has ended it just before.
///
/// # Errors
/// When the database fails.
pub fn log_out(tx: &mut Tx<'_>, user_id: UserId, session_id: SessionId) -> Result<()> {
    match end_where(tx, user_id, Which::One(session_id))? {
        0 => Ok(()),
        _ => note(tx, session_id, "logged_out", json!({ "user": user_id })),
    }
}

/// Ends all sessions of a user.
///
/// # Errors
/// When the database fails.
pub fn end_all(tx: &mut Tx<'_>, user_id: UserId) -> Result<()> {
    match end_where(tx, user_id, Which::All)? {
        0 => Ok(()),
        n => {
            let details = json!({ "ended_sessions": n });
            audit::append(
                tx,
                &Entry { resource: Resource::User, id: user_id.to_string(), verb: "sessions_ended", details },
            )
        }
    }
}

/// Notes in the audit what became of a session.
fn note(tx: &mut Tx<'_>, id: SessionId, verb: &'static str, details: Value) -> Result<()> {
    audit::append(tx, &Entry { resource: Resource::Session, id: id.to_string(), verb, details })
}

/// Reads a page of a user's live sessions, the latest login first, one more than the limit.
///
/// # Errors
/// When the database fails.
pub fn page(conn: &mut Conn, user_id: UserId, limit: Limit, cursor: Option<&Cursor>) -> Result<Vec<SessionRow>> {
    let mut query = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(Now))
        .select(SessionRow::as_select())
        .into_boxed();
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    if let Some((at, id)) = cursor.and_then(place) {
        query = if is_backward {
            query.filter(sessions::created_at.gt(at).or(sessions::created_at.eq(at).and(sessions::id.gt(id))))
        } else {
            query.filter(sessions::created_at.lt(at).or(sessions::created_at.eq(at).and(sessions::id.lt(id))))
        };
    }
    let query = if is_backward {
        query.order((sessions::created_at.asc(), sessions::id.asc()))
    } else {
        query.order((sessions::created_at.desc(), sessions::id.desc()))
    };
    Ok(query.limit(limit.and_one()).load(conn)?)
}

impl SessionRow {
    /// Returns what the list is sorted by, for a cursor.
    pub fn sort_keys(&self) -> Vec<String> {
        vec![self.created_at.millis().to_string(), self.id.to_string()]
    }
}

/// Runs a write of sessions; losing too many races is no conflict that a client could resolve.
///
/// # Errors
/// Those of the work, `unavailable` when other transactions keep coming first.
pub async fn write<T, F>(db: &Db, work: F) -> Result<T>
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    db.write(work).await.map_err(|error| match error.trouble() {
        Some(Trouble::LostRace) => Error::unavailable("the session is changed by many requests at once"),
        _ => error,
    })
}

/// Removes sessions that ended long ago, with their refresh tokens.
///
/// # Errors
/// When the database fails.
pub fn prune(tx: &mut Tx<'_>) -> Result<()> {
    let end = tx.now.plus_seconds(-KEPT_SECONDS);
    diesel::delete(sessions::table.filter(sessions::expires_at.le(end))).execute(tx.conn()?)?;
    Ok(())
}

fn place(cursor: &Cursor) -> Option<(Instant, SessionId)> {
    let [at, id] = cursor.keys.as_slice() else { return None };
    Some((Instant::from_millis(at.parse().ok()?)?, SessionId::parse(id)?))
}

fn add_token(tx: &mut Tx<'_>, session_id: SessionId) -> Result<String> {
    let token = RefreshToken::generate().map_err(Error::internal)?;
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::digest.eq(token.digest()),
            refresh_tokens::session_id.eq(session_id),
            refresh_tokens::created_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    Ok(token.reveal())
}

/// Returns when a session ends that began and was refreshed at these moments.
fn end(lifetimes: Lifetimes, began: Instant, refreshed: Instant) -> Instant {
    let days = |from: Instant, days: i64| from.plus_seconds(days.saturating_mul(DAY_SECONDS));
    days(refreshed, lifetimes.refresh_days).min(days(began, LONGEST_DAYS.max(lifetimes.refresh_days)))
}

/// Returns a client's description of itself as it is safe to keep and to show.
fn described(user_agent: &str) -> Option<String> {
    let text: String = user_agent.chars().filter(|c| !c.is_control()).take(LONGEST_USER_AGENT).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
