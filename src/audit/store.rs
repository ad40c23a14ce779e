//! Reading the audit: a page, the newest first, by an index for each filter.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{Resource, Row, model::AuditEntry};
use crate::{
    articles::view::UserSummary,
    clock::Instant,
    db::{
        Conn,
        schema::{audit, users},
    },
    error::{Code, Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::{AuditId, UserId},
    input::Invalid,
};

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// An account.
    User(UserId),
    /// Nobody's account.
    Nobody(String),
}

impl By {
    /// Reads the id of an account, or what else acts.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> std::result::Result<Self, Invalid> {
        match text {
            "command" | "clock" | "server" | "anonymous" => Ok(Self::Nobody(text.to_owned())),
            _ => UserId::parse(text).map(Self::User).ok_or_else(|| {
                Invalid::new("not_allowed", "must be the id of a user account, or command, clock, server or anonymous")
            }),
        }
    }
}

crate::input::parsed!(By);

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Anything to a kind of thing.
    Any(Resource),
    /// One action.
    One(String),
}

impl Action {
    /// Reads a whole action, or its first part.
    ///
    /// # Errors
    /// When it begins with no resource, or goes on with no verb.
    pub fn parse(text: &str) -> std::result::Result<Self, Invalid> {
        let (resource, verb) = text.split_once('.').unwrap_or((text, ""));
        let is_verb = verb.len() <= 50 && verb.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        match Resource::parse(resource) {
            Some(resource) if verb.is_empty() => Ok(Self::Any(resource)),
            Some(_) if is_verb => Ok(Self::One(text.to_owned())),
            _ => {
                let detail =
                    format!("must be an action such as article.published, or one of {}", Resource::NAMES.join(", "));
                Err(Invalid::new("not_allowed", detail))
            }
        }
    }
}

crate::input::parsed!(Action);

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// By whom.
    pub actor: Option<By>,
    /// What was done.
    pub action: Option<Action>,
    /// To what kind of thing.
    pub resource: Option<Resource>,
    /// To which.
    pub resource_id: Option<String>,
    /// On which request.
    pub request_id: Option<String>,
    /// At this moment or later.
    pub after: Option<Instant>,
    /// Before this moment.
    pub before: Option<Instant>,
}

/// Reads a page, the newest first, one more than the limit.
///
/// What is sealed has an index for each filter, and what is not yet is little.
///
/// # Errors
/// When the database fails.
pub fn page(conn: &mut Conn, filter: &Filter, limit: Limit, cursor: Option<&Cursor>) -> Result<Vec<Row>> {
    // In this order nothing is missed that is sealed meanwhile; it is found twice.
    let unsealed = part(conn, filter, limit, cursor, false)?;
    let mut rows = part(conn, filter, limit, cursor, true)?;
    rows.extend(unsealed);
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    rows.sort_by_key(|row| (row.at, row.id));
    rows.dedup_by_key(|row| row.id);
    if !is_backward {
        rows.reverse();
    }
    rows.truncate(limit.get().saturating_add(1));
    Ok(rows)
}

fn part(conn: &mut Conn, filter: &Filter, limit: Limit, cursor: Option<&Cursor>, is_sealed: bool) -> Result<Vec<Row>> {
    let mut query = audit::table.select(Row::as_select()).into_boxed();
    query =
        if is_sealed { query.filter(audit::position.is_not_null()) } else { query.filter(audit::position.is_null()) };
    query = match &filter.actor {
        None => query,
        Some(By::User(id)) => query.filter(audit::actor_id.eq(id)),
        Some(By::Nobody(name)) => query.filter(audit::actor_id.is_null()).filter(audit::actor.eq(name)),
    };
    query = match &filter.action {
        None => query,
        Some(Action::Any(resource)) => query.filter(audit::resource.eq(resource.as_str())),
        Some(Action::One(action)) => query.filter(audit::action.eq(action)),
    };
    if let Some(resource) = filter.resource {
        query = query.filter(audit::resource.eq(resource.as_str()));
    }
    if let Some(id) = &filter.resource_id {
        query = query.filter(audit::resource_id.eq(id));
    }
    if let Some(id) = &filter.request_id {
        query = query.filter(audit::request_id.eq(id));
    }
    if let Some(at) = filter.after {
        query = query.filter(audit::at.ge(at));
    }
    if let Some(at) = filter.before {
        query = query.filter(audit::at.lt(at));
    }
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    if let Some(cursor) = cursor {
        let (at, id) = place(cursor)?;
        query = if is_backward {
            query.filter(audit::at.ge(at)).filter(audit::at.gt(at).or(audit::id.gt(id)))
        } else {
            query.filter(audit::at.le(at)).filter(audit::at.lt(at).or(audit::id.lt(id)))
        };
    }
    let query = if is_backward {
        query.order((audit::at.asc(), audit::id.asc()))
    } else {
        query.order((audit::at.desc(), audit::id.desc()))
    };
    Ok(query.limit(limit.and_one()).load(conn)?)
}

/// Returns the views of rows, with the accounts that they name.
///
/// # Errors
/// When the database fails.
pub fn views(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<AuditEntry>> {
    let mut ids: Vec<UserId> = rows.iter().filter_map(|row| row.actor_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = users::table.filter(users::id.eq_any(ids)).select((users::id, users::name));
    let names: HashMap<UserId, String> = found.load::<(UserId, String)>(conn)?.into_iter().collect();
    let user = |id: UserId| UserSummary { id, name: names.get(&id).cloned().unwrap_or_default() };
    rows.into_iter()
        .map(|row| {
            let by = row.actor_id.map(user);
            AuditEntry::of(row, by)
        })
        .collect()
}

/// Returns what the list is sorted by, for a cursor.
pub fn sort_keys(row: &Row) -> Vec<String> {
    vec![row.at.millis().to_string(), row.id.to_string()]
}

fn place(cursor: &Cursor) -> Result<(Instant, AuditId)> {
    let place = match cursor.keys.as_slice() {
        [at, id] => at.parse().ok().and_then(Instant::from_millis).zip(AuditId::parse(id)),
        _ => None,
    };
    place.ok_or_else(|| Error::new(Code::InvalidCursor, "The cursor is not from this list."))
}
