//! Reading the wire from a place: the cursor that says the place, and what came after it.

use std::sync::Arc;

use crate::{
    changes::{
        follow::{self, Logged, News},
        wire::With,
    },
    clock::Instant,
    db::{self, Conn},
    error::{Code, Error, Result},
    http::page::{Cursor, Direction},
    ids::ArticleId,
    newswire::entry::{ChangeEntry, Sight, Subject, entry_for},
    policy::Policy,
    secrets::InstanceKey,
    state::State,
};

/// What a cursor of the wire is bound to.
const BINDING: &str = "changes";

/// Writes the cursor of a place.
pub fn cursor(key: &InstanceKey, position: i64) -> String {
    Cursor { direction: Direction::Forward, keys: vec![position.to_string()] }.seal(key, BINDING)
}

/// Reads a cursor.
///
/// # Errors
/// `invalid_cursor` for what this installation did not write.
pub fn place(key: &InstanceKey, cursor: &str) -> Result<i64> {
    let opened = Cursor::open(cursor, key, BINDING)?;
    let position = opened.keys.first().and_then(|position| position.parse().ok());
    position.ok_or_else(|| Error::internal("a sealed cursor without a place"))
}

/// The answer to a cursor of which the log has not all that came after it.
pub fn expired() -> Error {
    let detail = "What came after this cursor is not kept any more. Start anew from GET /v1/snapshot.";
    Error::new(Code::CursorExpired, detail).with("snapshot", "/v1/snapshot")
}

/// A part of the log: after a place, up to another one.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// After this place.
    pub position: i64,
    /// Up to this one.
    pub until: i64,
}

/// What a reader is told.
#[derive(Clone, Debug)]
pub struct View {
    /// What the changes are told with.
    pub with: With,
    /// What the reader may see.
    pub policy: Arc<Policy>,
}

/// Returns the changes that a reader may know of by now: who sees articles later is told later of everything.
fn yet(conn: &mut Conn, mut changes: Vec<Logged>, policy: &Policy) -> Result<Vec<Logged>> {
    if policy.delay_minutes > 0 {
        let latest = latest(conn, policy)?;
        let n_known = changes.iter().position(|change| change.at > latest).unwrap_or(changes.len());
        changes.truncate(n_known);
    }
    Ok(changes)
}

/// Returns the moment up to which a reader knows of changes.
///
/// # Errors
/// When the database fails.
pub fn latest(conn: &mut Conn, policy: &Policy) -> Result<Instant> {
    Ok(db::now(conn)?.plus_seconds(-60 * i64::from(policy.delay_minutes)))
}

/// Some changes in a row.
pub struct Read {
    /// The changes, as the reader is told of them.
    pub entries: Vec<ChangeEntry>,
    /// The place of the last, or the one that was asked for when there are none.
    pub position: i64,
}

impl Read {
    /// Returns the articles that they tell of.
    pub fn articles(&self) -> Vec<ArticleId> {
        let of_articles = self.entries.iter().filter(|entry| entry.resource == Subject::Article);
        of_articles.map(|entry| ArticleId::from(entry.resource_id)).collect()
    }
}

/// Reads what came after a place, up to another one; less than the limit when articles are long.
///
/// # Errors
/// `cursor_expired` when the log does not go back so far.
pub fn after(conn: &mut Conn, state: &State, span: Span, limit: usize, view: &View) -> Result<Read> {
    let Span { position, until } = span;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let News::Changes(changes) = follow::logged(conn, position, until, limit)? else { return Err(expired()) };
    let changes = yet(conn, changes, &view.policy)?;
    let sight = Sight::of(conn, &changes, view.with, &state.config.site, &view.policy)?;
    let (mut entries, mut position, mut n_bytes) = (Vec::with_capacity(changes.len()), position, 0);
    for change in changes {
        if !sight.is_told(&change) {
            position = change.position;
            continue;
        }
        let Some(weight) = sight.weight(&change) else { break };
        n_bytes += weight;
        if n_bytes > Sight::most_bytes() && !entries.is_empty() {
            break;
        }
        position = change.position;
        entries.push(entry_for(&sight, change, cursor(&state.key, position)));
    }
    Ok(Read { entries, position })
}
