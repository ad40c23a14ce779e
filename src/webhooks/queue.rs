//! What is to be told to whom, in the database: noted once, read, renewed, removed. [`claims`](super::claims) is how it
//! gets from there to its endpoints.
//!
//! What is told of a change is kept once for all who are told of it, and noted for each in a row that is short: rows are
//! written thrice, when they are noted, claimed and over. What only one is told is in its own row.

use std::collections::HashSet;

use diesel::prelude::*;

use super::model::{Attempt, DeliveryState, Event, WebhookDelivery};
use crate::{
    clock::Instant,
    db::{
        Conn, Tx,
        direct::{direct, insert_all, one_of, top},
        schema::{webhook_deliveries as deliveries, webhook_payloads as payloads},
    },
    error::{Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::{DeliveryId, ResourceId, WebhookId},
};

/// Something to tell.
#[derive(Clone, Debug)]
pub struct New {
    /// To whom.
    pub webhook_id: WebhookId,
    /// The place of the change; none for a test.
    pub position: Option<i64>,
    /// What is told about the same subject is told in order.
    pub subject_id: ResourceId,
    /// What.
    pub event: Event,
    /// The body of the request; none, when it is kept for all who are told of the change ([`share`]).
    pub payload: Option<String>,
}

/// A row of the table.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = deliveries)]
pub struct DeliveryRow {
    /// The id.
    pub id: DeliveryId,
    /// To whom.
    pub webhook_id: WebhookId,
    /// The place of the change; none for a test.
    pub position: Option<i64>,
    /// About what.
    pub subject_id: ResourceId,
    event: String,
    /// The body of the request, if only this one is told it.
    pub payload: Option<String>,
    state: String,
    /// How often it was tried since it was noted, or last asked for.
    pub n_attempts: i32,
    attempts: String,
    answer: Option<String>,
    created_at: Instant,
    next_at: Instant,
    finished_at: Option<Instant>,
}

impl DeliveryRow {
    /// Returns the view.
    ///
    /// # Errors
    /// When the row is damaged.
    pub fn view(self) -> Result<WebhookDelivery> {
        let damaged = || Error::internal(format!("delivery {} is damaged", self.id));
        let state = DeliveryState::parse(&self.state).ok_or_else(damaged)?;
        Ok(WebhookDelivery {
            id: self.id,
            event: Event::parse(&self.event).ok_or_else(damaged)?,
            change_id: self.position,
            state,
            attempts: self.past()?,
            answer: self.answer,
            created_at: self.created_at,
            next_at: (state == DeliveryState::Pending).then_some(self.next_at),
            finished_at: self.finished_at,
        })
    }

    /// Returns the attempts so far.
    ///
    /// # Errors
    /// When the row is damaged.
    pub fn past(&self) -> Result<Vec<Attempt>> {
        serde_json::from_str(&self.attempts).map_err(Error::internal)
    }
}

/// Keeps what is told of changes, for all who are told of them.
///
/// # Errors
/// When the database fails.
pub fn share(tx: &mut Tx<'_>, told: Vec<(i64, String)>) -> Result<()> {
    let rows: Vec<_> = told
        .into_iter()
        .map(|(position, payload)| (payloads::position.eq(position), payloads::payload.eq(payload)))
        .collect();
    insert_all!(tx, payloads::table, rows)?;
    Ok(())
}

/// Returns who was told already of what happened between two places: when somebody had it told again.
///
/// # Errors
/// When the database fails.
pub fn known(conn: &mut Conn, after: i64, until: i64) -> Result<HashSet<(WebhookId, i64)>> {
    let between = deliveries::table.filter(deliveries::position.gt(after)).filter(deliveries::position.le(until));
    let found = between.select((deliveries::webhook_id, deliveries::position.assume_not_null()));
    Ok(found.load(conn)?.into_iter().collect())
}

/// Notes what is to be told, at once.
///
/// # Errors
/// When the database fails.
pub fn add(tx: &mut Tx<'_>, new: Vec<New>) -> Result<Vec<DeliveryId>> {
    let mut ids = Vec::new();
    let now = tx.now;
    let mut rows = Vec::new();
    for one in new {
        let id = DeliveryId::generate();
        ids.push(id);
        rows.push((
            deliveries::id.eq(id),
            deliveries::webhook_id.eq(one.webhook_id),
            deliveries::position.eq(one.position),
            // A test has no subject but itself.
            deliveries::subject_id.eq(one.position.map_or(ResourceId::from_uuid(*id.uuid()), |_| one.subject_id)),
            deliveries::event.eq(one.event.as_str()),
            deliveries::payload.eq(one.payload),
            deliveries::state.eq(DeliveryState::Pending.as_str()),
            deliveries::n_attempts.eq(0),
            deliveries::attempts.eq("[]"),
            deliveries::created_at.eq(now),
            deliveries::next_at.eq(now),
        ));
    }
    insert_all!(tx, deliveries::table, rows)?;
    Ok(ids)
}

/// Has what was told after a place told again; returns the places, so that others are not noted twice.
///
/// # Errors
/// When the database fails.
pub fn renew_after(tx: &mut Tx<'_>, webhook: WebhookId, after: i64, until: i64) -> Result<Vec<i64>> {
    let known = deliveries::table
        .filter(deliveries::webhook_id.eq(webhook))
        .filter(deliveries::position.gt(after))
        .filter(deliveries::position.le(until));
    let found: Vec<(DeliveryId, Option<i64>)> =
        known.select((deliveries::id, deliveries::position)).load(tx.conn()?)?;
    for (id, _) in &found {
        renew(tx, *id)?;
    }
    Ok(found.into_iter().filter_map(|(_, position)| position).collect())
}

/// Has something told again, from the beginning of the schedule.
///
/// # Errors
/// When the database fails.
pub fn renew(tx: &mut Tx<'_>, id: DeliveryId) -> Result<()> {
    let never: Option<Instant> = None;
    diesel::update(deliveries::table.find(id))
        .set((
            deliveries::state.eq(DeliveryState::Pending.as_str()),
            deliveries::n_attempts.eq(0),
            deliveries::next_at.eq(tx.now),
            deliveries::finished_at.eq(never),
        ))
        .execute(tx.conn()?)?;
    Ok(())
}

/// Returns a delivery of a webhook.
///
/// # Errors
/// `not_found`.
pub fn find(conn: &mut Conn, webhook: WebhookId, id: DeliveryId) -> Result<DeliveryRow> {
    let row = deliveries::table.find(id).filter(deliveries::webhook_id.eq(webhook)).select(DeliveryRow::as_select());
    row.get_result(conn).optional()?.ok_or_else(Error::not_found)
}

/// Reads a page of the deliveries of a webhook, the newest first, one more than the limit.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut Conn,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    limit: Limit,
    cursor: Option<&Cursor>,
) -> Result<Vec<DeliveryRow>> {
    let mut query =
        deliveries::table.filter(deliveries::webhook_id.eq(webhook)).select(DeliveryRow::as_select()).into_boxed();
    if let Some(state) = state {
        query = query.filter(deliveries::state.eq(state.as_str()));
    }
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    if let Some(id) = cursor.and_then(|cursor| DeliveryId::parse(cursor.keys.first()?)) {
        query = if is_backward { query.filter(deliveries::id.gt(id)) } else { query.filter(deliveries::id.lt(id)) };
    }
    let query = if is_backward { query.order(deliveries::id.asc()) } else { query.order(deliveries::id.desc()) };
    Ok(query.limit(limit.and_one()).load(conn)?)
}

/// Removes what was told, or given up, before a time; up to a batch of it. Returns whether there may be more.
///
/// # Errors
/// When the database fails.
pub fn prune(tx: &mut Tx<'_>, before: Instant) -> Result<bool> {
    const BATCH: i64 = 500;
    let old = deliveries::table
        .filter(deliveries::finished_at.lt(Some(before)))
        .select((deliveries::id, deliveries::position));
    let found: Vec<(DeliveryId, Option<i64>)> = direct!(tx.conn()?, |own| top(old, BATCH).load(own))?;
    let (ids, places): (Vec<DeliveryId>, Vec<Option<i64>>) = found.into_iter().unzip();
    let n = diesel::delete(deliveries::table.filter(deliveries::id.eq_any(&ids))).execute(tx.conn()?)?;
    forget(tx, places.into_iter().flatten().collect())?;
    Ok(i64::try_from(n).unwrap_or(BATCH) == BATCH)
}

/// Removes all that a webhook was to be told.
///
/// # Errors
/// When the database fails.
pub fn remove(tx: &mut Tx<'_>, webhook: WebhookId) -> Result<()> {
    let own = deliveries::table.filter(deliveries::webhook_id.eq(webhook));
    let places: Vec<Option<i64>> = own.select(deliveries::position).load(tx.conn()?)?;
    diesel::delete(own).execute(tx.conn()?)?;
    forget(tx, places.into_iter().flatten().collect())
}

/// Removes what was told of changes of which nobody is told any more.
fn forget(tx: &mut Tx<'_>, places: Vec<i64>) -> Result<()> {
    let others = deliveries::table.filter(deliveries::position.eq(payloads::position.nullable()));
    let rows = payloads::table
        .filter(one_of(payloads::position, places))
        .filter(diesel::dsl::not(diesel::dsl::exists(others.select(deliveries::id))));
    diesel::delete(rows).execute(tx.conn()?)?;
    Ok(())
}
