//! What is to be told to whom, in the database: noted once, claimed by one server at a time, ended or put off.

use std::time::Duration;

use diesel::prelude::*;

use super::{
    model::{Attempt, DeliveryState, DisabledReason, Event, WebhookDelivery},
    store::WebhookRow,
};
use crate::{
    audit::Resource,
    clock::Instant,
    db::{
        Conn, Db, Now, Tx,
        direct::{direct, insert_all, top},
        schema::{webhook_deliveries as deliveries, webhooks},
    },
    error::{Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::{DeliveryId, ResourceId, WebhookId},
    resources::document,
    revisions::{self, Revision},
};

/// The number of the lock under which one server at a time claims.
const LOCK: i64 = 0x0066_705f_7768_6b00;

/// For how long a delivery is left to the server that has claimed it, unless that server says that it is still at it.
pub const LEASE: Duration = Duration::from_secs(10);

/// The most attempts that are shown: those by hand come on top of the schedule.
const MOST_ATTEMPTS: usize = 20;

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
    /// The body of the request.
    pub payload: String,
}

/// A row of the table.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = deliveries)]
pub struct DeliveryRow {
    /// The id.
    pub id: DeliveryId,
    /// To whom.
    pub webhook_id: WebhookId,
    position: Option<i64>,
    /// About what.
    pub subject_id: ResourceId,
    event: String,
    /// The body of the request.
    pub payload: String,
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

    fn past(&self) -> Result<Vec<Attempt>> {
        serde_json::from_str(&self.attempts).map_err(Error::internal)
    }
}

/// Notes what is to be told, at once; what was noted already is left as it is.
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
    insert_all!(tx.conn, deliveries::table, rows)?;
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
    let found: Vec<(DeliveryId, Option<i64>)> = known.select((deliveries::id, deliveries::position)).load(tx.conn)?;
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
        .execute(tx.conn)?;
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

/// Something that a server has claimed, and to whom it goes.
#[derive(Clone)]
pub struct Claimed {
    /// What.
    pub delivery: DeliveryRow,
    /// To whom.
    pub webhook: WebhookRow,
    /// A moment before it was claimed, by the clock of this server.
    pub since: std::time::Instant,
}

/// Claims what is due, after a look through a quiet door: for each endpoint as many as `room` says it may have, beginning with those that come after the one
/// that had the last turn. Nothing, while another server claims.
///
/// # Errors
/// When the database fails.
pub async fn claim<F>(
    quiet: &Db,
    db: &Db,
    server: &str,
    most: usize,
    last: Option<WebhookId>,
    room: F,
) -> Result<Vec<Claimed>>
where
    F: Fn(WebhookId) -> usize + Send + 'static,
{
    let is_due = quiet.read(|conn| {
        let due = deliveries::table.filter(is_pending()).filter(deliveries::next_at.le(Now));
        Ok(diesel::select(diesel::dsl::exists(due)).get_result::<bool>(conn)?)
    });
    if !is_due.await? {
        return Ok(Vec::new());
    }
    let server = server.to_owned();
    db.write_alone(move |tx| {
        let since = std::time::Instant::now();
        if !tx.try_lock(LOCK)? {
            return Ok(Vec::new());
        }
        let mut enabled: Vec<WebhookRow> = webhooks::table
            .filter(webhooks::is_enabled.eq(true))
            .filter(webhooks::paused_until.is_null().or(webhooks::paused_until.le(tx.now)))
            .order(webhooks::id)
            .select(WebhookRow::as_select())
            .load(tx.conn)?;
        let n_before = enabled.iter().take_while(|webhook| Some(webhook.id) <= last).count();
        enabled.rotate_left(n_before);
        let mut claimed = Vec::new();
        for webhook in enabled {
            let n = room(webhook.id).min(most.saturating_sub(claimed.len()));
            if n > 0 {
                let rows = claim_for(tx, &webhook, n, &server)?;
                claimed.extend(rows.into_iter().map(|delivery| Claimed { delivery, webhook: webhook.clone(), since }));
            }
        }
        Ok(claimed)
    })
    .await
}

/// Claims what is due for one endpoint: of each subject only the first that is not told yet.
fn claim_for(tx: &mut Tx<'_>, webhook: &WebhookRow, n: usize, server: &str) -> Result<Vec<DeliveryRow>> {
    let earlier = diesel::alias!(deliveries as earlier);
    let is_blocked = earlier
        .filter(earlier.field(deliveries::webhook_id).eq(deliveries::webhook_id))
        .filter(earlier.field(deliveries::subject_id).eq(deliveries::subject_id))
        .filter(earlier.field(deliveries::state).eq("pending"))
        .filter(earlier.field(deliveries::position).lt(deliveries::position))
        .select(earlier.field(deliveries::id));
    let due = deliveries::table
        .filter(deliveries::webhook_id.eq(webhook.id))
        .filter(is_pending())
        .filter(deliveries::next_at.le(tx.now))
        .filter(deliveries::leased_until.is_null().or(deliveries::leased_until.le(tx.now)))
        .filter(diesel::dsl::not(diesel::dsl::exists(is_blocked)))
        .order((deliveries::next_at, deliveries::position))
        .limit(i64::try_from(n).unwrap_or(i64::MAX))
        .select(DeliveryRow::as_select());
    let rows: Vec<DeliveryRow> = due.load(tx.conn)?;
    let until = later(tx.now, LEASE);
    for row in &rows {
        diesel::update(deliveries::table.find(row.id))
            .set((deliveries::leased_by.eq(Some(server)), deliveries::leased_until.eq(Some(until))))
            .execute(tx.conn)?;
    }
    Ok(rows)
}

/// Says that a server is still at what it has claimed.
///
/// # Errors
/// When the database fails.
pub fn extend(tx: &mut Tx<'_>, server: &str, ids: &[DeliveryId]) -> Result<()> {
    let own = deliveries::table.filter(deliveries::id.eq_any(ids)).filter(deliveries::leased_by.eq(Some(server)));
    diesel::update(own).set(deliveries::leased_until.eq(Some(later(tx.now, LEASE)))).execute(tx.conn)?;
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn is_pending() -> _ {
    let state: diesel::dsl::Eq<deliveries::state, &'static str> = deliveries::state.eq("pending");
    state
}

/// How an attempt went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What there is to know of it.
    pub attempt: Attempt,
    /// The beginning of the answer.
    pub answer: Option<String>,
    /// What comes of it.
    pub end: End,
}

/// What comes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The endpoint has it.
    Delivered,
    /// It is tried again after a while; and the endpoint wants to be left alone for so long, if it says so.
    Again(Duration, Option<Duration>),
    /// It was tried as often as it is.
    Dead,
    /// The endpoint does not want to be told anything any more.
    Gone,
}

/// Notes how an attempt went, unless another server has taken the delivery over. Returns why the endpoint was disabled, if
/// it was: by its own wish, or because it has been failing for so long.
///
/// # Errors
/// When the database fails.
pub fn finish(
    tx: &mut Tx<'_>,
    claimed: &Claimed,
    server: &str,
    outcome: &Outcome,
    give_up_after: Duration,
) -> Result<Option<DisabledReason>> {
    let (row, nobody, never) = (&claimed.delivery, None::<String>, None::<Instant>);
    let mut attempts = row.past()?;
    attempts.push(outcome.attempt.clone());
    let attempts = attempts.split_off(attempts.len().saturating_sub(MOST_ATTEMPTS));
    let (state, next_at) = match outcome.end {
        End::Delivered => (DeliveryState::Delivered, tx.now),
        End::Again(pause, _) => (DeliveryState::Pending, later(tx.now, pause)),
        End::Dead => (DeliveryState::Dead, tx.now),
        // It waits for whoever enables the endpoint again.
        End::Gone => (DeliveryState::Pending, tx.now),
    };
    let own = deliveries::table.find(row.id).filter(deliveries::leased_by.eq(Some(server)));
    let n = diesel::update(own)
        .set((
            deliveries::state.eq(state.as_str()),
            deliveries::n_attempts.eq(row.n_attempts + 1),
            deliveries::attempts.eq(serde_json::to_string(&attempts).map_err(Error::internal)?),
            deliveries::answer.eq(&outcome.answer),
            deliveries::next_at.eq(next_at),
            deliveries::leased_by.eq(nobody),
            deliveries::leased_until.eq(never),
            deliveries::finished_at.eq((state != DeliveryState::Pending).then_some(tx.now)),
        ))
        .execute(tx.conn)?;
    if n == 0 {
        return Ok(None);
    }
    set_followers(tx, row, next_at, state == DeliveryState::Pending)?;
    note_health(tx, claimed, outcome.end, give_up_after)
}

/// A moment so much later.
fn later(moment: Instant, by: Duration) -> Instant {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Instant::from_millis(moment.millis().saturating_add(millis)).unwrap_or(moment)
}

/// What comes after something about the same subject waits for it, and no longer; so nobody looks at it meanwhile.
fn set_followers(tx: &mut Tx<'_>, row: &DeliveryRow, at: Instant, is_waiting: bool) -> Result<()> {
    let Some(position) = row.position else { return Ok(()) };
    let later = deliveries::webhook_id
        .eq(row.webhook_id)
        .and(deliveries::subject_id.eq(row.subject_id))
        .and(is_pending())
        .and(deliveries::position.gt(position));
    if is_waiting {
        let early = deliveries::table.filter(later).filter(deliveries::next_at.lt(at));
        diesel::update(early).set(deliveries::next_at.eq(at)).execute(tx.conn)?;
    } else {
        let late =
            deliveries::table.filter(later).filter(deliveries::n_attempts.eq(0)).filter(deliveries::next_at.gt(at));
        diesel::update(late).set(deliveries::next_at.eq(at)).execute(tx.conn)?;
    }
    Ok(())
}

/// Notes whether an endpoint is well, and disables one that is not for too long.
fn note_health(
    tx: &mut Tx<'_>,
    claimed: &Claimed,
    end: End,
    give_up_after: Duration,
) -> Result<Option<DisabledReason>> {
    let own = webhooks::table.find(claimed.webhook.id);
    let never = None::<Instant>;
    let (failing_since, is_enabled): (Option<Instant>, bool) =
        match own.select((webhooks::failing_since, webhooks::is_enabled)).get_result(tx.conn).optional()? {
            Some(known) => known,
            None => return Ok(None),
        };
    if end == End::Delivered {
        if failing_since.is_some() {
            diesel::update(own).set(webhooks::failing_since.eq(never)).execute(tx.conn)?;
        }
        return Ok(None);
    }
    if let End::Again(_, Some(pause)) = end {
        diesel::update(own).set(webhooks::paused_until.eq(Some(later(tx.now, pause)))).execute(tx.conn)?;
    }
    if failing_since.is_none() {
        diesel::update(own).set(webhooks::failing_since.eq(Some(tx.now))).execute(tx.conn)?;
    }
    let reason = match end {
        End::Gone => DisabledReason::Gone,
        _ if failing_since.is_some_and(|since| later(since, give_up_after) <= tx.now) => DisabledReason::Failing,
        _ => return Ok(None),
    };
    if !is_enabled {
        return Ok(None);
    }
    diesel::update(own)
        .set((webhooks::is_enabled.eq(false), webhooks::disabled_reason.eq(Some(reason.as_str()))))
        .execute(tx.conn)?;
    disabled(tx, claimed.webhook.id)?;
    Ok(Some(reason))
}

/// Keeps the revision in which the server has disabled a webhook.
fn disabled(tx: &mut Tx<'_>, id: WebhookId) -> Result<()> {
    let row: WebhookRow = webhooks::table.find(id).select(WebhookRow::as_select()).get_result(tx.conn)?;
    diesel::update(webhooks::table.find(id))
        .set((webhooks::revision.eq(row.revision + 1), webhooks::updated_at.eq(tx.now)))
        .execute(tx.conn)?;
    let content = document(&row.doc()?)?;
    let what = (Resource::Webhook, id.into());
    revisions::append(tx, &Revision::new(what, (row.revision + 1, "disabled"), &content, None))
}

/// Removes what was told, or given up, before a time; up to a batch of it. Returns whether there may be more.
///
/// # Errors
/// When the database fails.
pub fn prune(tx: &mut Tx<'_>, before: Instant) -> Result<bool> {
    const BATCH: i64 = 500;
    let old = deliveries::table.filter(deliveries::finished_at.lt(Some(before))).select(deliveries::id);
    let ids: Vec<DeliveryId> = direct!(tx.conn, |own| top(old, BATCH).load(own))?;
    let n = diesel::delete(deliveries::table.filter(deliveries::id.eq_any(&ids))).execute(tx.conn)?;
    Ok(i64::try_from(n).unwrap_or(BATCH) == BATCH)
}
