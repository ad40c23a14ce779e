//! Following the change log: every change once, in one order, from a place that can be kept.
//!
//! On PostgreSQL, transactions that run at once commit in another order than that of the ids they took. So a change gets
//! its place only when it can be seen: followers give places to what has none, one server at a time, and read in the
//! order of places. Who has read up to a place has missed nothing before it.

use std::time::Duration;

use diesel::prelude::*;

use super::Details;
use crate::{
    clock::Instant,
    db::{
        Conn, Db,
        direct::{direct, top, update},
        schema::changes,
    },
    error::{Error, Result},
    ids::ResourceId,
};

/// The number of the lock under which one server at a time gives places.
const LOCK: i64 = 0x0066_705f_706c_6163;

/// The most changes that are given places, or read, at a time.
pub const BATCH: i64 = 500;

/// How often the log is read when nobody says that there is something new.
pub const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A change as followers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its row in the log.
    pub id: i64,
    /// Its place in the order.
    pub position: i64,
    /// The surrogate keys of all that shows it, before and after.
    pub keys: Vec<String>,
}

/// A change with all that the log says of it.
#[derive(Clone, Debug)]
pub struct Logged {
    /// Its place in the order.
    pub position: i64,
    /// When it happened.
    pub at: Instant,
    /// What happened, such as `published` or `renamed`.
    pub kind: String,
    /// The kind of resource: `article`, `section`, `staff` or `tag`.
    pub resource: String,
    /// Which one.
    pub id: ResourceId,
    /// The surrogate keys of all that shows it, before and after.
    pub keys: Vec<String>,
    /// What else readers are told.
    pub details: Details,
}

/// What there is to read after a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News<T = Seen> {
    /// The next changes, in order; none, when there are no more.
    Changes(Vec<T>),
    /// Changes after the place have been removed already. Goes on after the place that is given.
    Missed(i64),
}

/// Returns the place of the last change; 0, when there is none.
///
/// # Errors
/// When the database fails.
pub fn last(conn: &mut Conn) -> Result<i64> {
    let placed = changes::table
        .filter(changes::position.is_not_null())
        .order(changes::position.desc())
        .select(changes::position);
    let last: Option<Option<i64>> = direct!(conn, |own| top(placed, 1).get_result(own).optional())?;
    Ok(last.flatten().unwrap_or(0))
}

/// Returns the place of the last change that happened by a moment; 0, when there is none.
///
/// # Errors
/// When the database fails.
pub fn last_by(conn: &mut Conn, moment: Instant) -> Result<i64> {
    let placed = changes::table
        .filter(changes::position.is_not_null())
        .filter(changes::at.le(moment))
        .order(changes::position.desc())
        .select(changes::position);
    let last: Option<Option<i64>> = direct!(conn, |own| top(placed, 1).get_result(own).optional())?;
    Ok(last.flatten().unwrap_or(0))
}

/// Reads what came after a place.
///
/// # Errors
/// When the database fails.
pub fn after(conn: &mut Conn, position: i64) -> Result<News> {
    let next = changes::table.filter(changes::position.gt(position)).order(changes::position).select((
        changes::id,
        changes::position,
        changes::keys,
    ));
    let rows: Vec<(i64, Option<i64>, String)> = direct!(conn, |own| top(next, BATCH).load(own))?;
    // Places have no gaps but where changes were removed.
    if rows.first().is_some_and(|(_, first, _)| *first != Some(position + 1)) {
        return Ok(News::Missed(last(conn)?));
    }
    let seen = rows.into_iter().map(|(id, position, keys)| {
        let keys = serde_json::from_str(&keys).map_err(Error::internal)?;
        Ok(Seen { id, position: position.unwrap_or_default(), keys })
    });
    Ok(News::Changes(seen.collect::<Result<_>>()?))
}

/// Returns the place before the oldest change that is kept; what came after it can be read.
///
/// # Errors
/// When the database fails.
pub fn before_first(conn: &mut Conn) -> Result<i64> {
    let placed = changes::table.filter(changes::position.is_not_null()).select(changes::position);
    let first: Option<Option<i64>> =
        direct!(conn, |own| top(placed.order(changes::position), 1).get_result(own).optional())?;
    Ok(first.flatten().map_or(0, |first| first - 1))
}

/// Reads all that the log says of what came after a place, up to another one.
///
/// A place that nobody can have been given by this log counts as missed, too: the log is another one now.
///
/// # Errors
/// When the database fails.
pub fn logged(conn: &mut Conn, position: i64, until: i64, limit: i64) -> Result<News<Logged>> {
    type Row = (Option<i64>, Instant, String, String, ResourceId, String, Option<String>);
    let next = changes::table
        .filter(changes::position.gt(position))
        .filter(changes::position.le(until))
        .order(changes::position)
        .select((
            changes::position,
            changes::at,
            changes::kind,
            changes::resource,
            changes::resource_id,
            changes::keys,
            changes::details,
        ));
    let rows: Vec<Row> = direct!(conn, |own| top(next, limit).load(own))?;
    let is_missed = match rows.first() {
        Some((first, ..)) => *first != Some(position + 1),
        None => position > last(conn)? || position < before_first(conn)?,
    };
    if is_missed {
        return Ok(News::Missed(last(conn)?));
    }
    let logged = |(position, at, kind, resource, id, keys, details): Row| {
        Ok(Logged {
            position: position.unwrap_or_default(),
            at,
            kind,
            resource,
            id,
            keys: serde_json::from_str(&keys).map_err(Error::internal)?,
            details: Details::from_stored(details.as_deref()),
        })
    };
    Ok(News::Changes(rows.into_iter().map(logged).collect::<Result<_>>()?))
}

/// Returns whether changes can be seen that have no place yet.
///
/// # Errors
/// When the database fails.
pub fn has_unplaced(conn: &mut Conn) -> Result<bool> {
    let without = changes::table.filter(changes::position.is_null()).order(changes::id).select(changes::id);
    let unplaced: Option<i64> = direct!(conn, |own| top(without, 1).get_result(own).optional())?;
    Ok(unplaced.is_some())
}

/// Gives places to the changes that have none, unless another server is doing it.
///
/// # Errors
/// When the database fails.
pub async fn place(db: &Db) -> Result<()> {
    // Each statement sees what is committed; the lock is held until the places are.
    db.write_alone(|tx| {
        if !tx.try_lock(LOCK)? {
            return Ok(());
        }
        let mut position = last(tx.conn()?)?;
        let unplaced = changes::table.filter(changes::position.is_null()).order(changes::id).select(changes::id);
        let unplaced: Vec<i64> = direct!(tx.conn()?, |own| top(unplaced, BATCH).load(own))?;
        for id in unplaced {
            position += 1;
            let place = changes::position.eq(position);
            direct!(tx.conn()?, |own| update("changes", place, changes::id.eq(id)).execute(own))?;
        }
        tx.wake_followers()
    })
    .await
}

/// Removes the oldest changes, those from before a time, up to a batch of them; returns whether there may be more.
///
/// The last one stays: places go on from it.
///
/// # Errors
/// When the database fails.
pub async fn prune(db: &Db, before: Instant) -> Result<bool> {
    db.write(move |tx| {
        let last = last(tx.conn()?)?;
        let oldest: Vec<(i64, Instant)> = changes::table
            .filter(changes::position.lt(last))
            .order(changes::position)
            .limit(BATCH)
            .select((changes::id, changes::at))
            .load(tx.conn()?)?;
        // From the front only, so that what is kept has no gaps.
        let old: Vec<i64> = oldest.into_iter().take_while(|(_, at)| *at < before).map(|(id, _)| id).collect();
        let removed = diesel::delete(changes::table.filter(changes::id.eq_any(&old))).execute(tx.conn()?)?;
        Ok(i64::try_from(removed).unwrap_or(BATCH) == BATCH)
    })
    .await
}
