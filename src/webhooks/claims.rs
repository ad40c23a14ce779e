//! What is claimed by one server at a time, and ended or put off: for many webhooks in one transaction.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use diesel::prelude::*;

use super::{
    model::{Attempt, DeliveryState, DisabledReason},
    queue::DeliveryRow,
    store::WebhookRow,
};
use crate::{
    audit::Resource,
    clock::Instant,
    db::{
        Conn, Db, Now, Tx,
        direct::{direct, is, one_of, top, update},
        schema::{webhook_deliveries as deliveries, webhook_payloads as payloads, webhooks},
    },
    error::{Error, Result},
    ids::{DeliveryId, WebhookId},
    resources::document,
    revisions::{self, Revision},
};

/// The number of the lock under which one server at a time claims.
const LOCK: i64 = 0x0066_705f_7768_6b00;

/// For how long a delivery is left to the server that has claimed it, unless that server says that it is still at it.
pub const LEASE: Duration = Duration::from_secs(10);

/// As the indexes say it.
const PENDING: &str = "pending";

/// The most attempts that are shown: those by hand come on top of the schedule.
const MOST_ATTEMPTS: usize = 20;

/// Something that a server has claimed, and to whom it goes.
#[derive(Clone)]
pub struct Claimed {
    /// What was noted.
    pub delivery: DeliveryRow,
    /// The body of the request.
    pub payload: Arc<str>,
    /// To whom.
    pub webhook: Arc<WebhookRow>,
    /// A moment before it was claimed, by the clock of this server.
    pub since: std::time::Instant,
}

/// Claims what is due, for each endpoint as many as `room` says it may have, beginning with those that come after the one
/// that had the last turn. Nothing, while another server claims. Looks through a quiet door first, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn claim<F>(
    quiet: Option<&Db>,
    db: &Db,
    server: &str,
    most: usize,
    last: Option<WebhookId>,
    room: F,
) -> Result<Vec<Claimed>>
where
    F: Fn(WebhookId) -> usize + Send + 'static,
{
    if let Some(quiet) = quiet
        && quiet.read(waiting).await?.is_empty()
    {
        return Ok(Vec::new());
    }
    let server = server.to_owned();
    db.write_alone(move |tx| {
        let since = std::time::Instant::now();
        if !tx.try_lock(LOCK)? {
            return Ok(Vec::new());
        }
        tx.go_by_indexes()?;
        let mut waiting = waiting(tx.conn()?)?;
        let n_before = waiting.iter().take_while(|webhook| Some(webhook.id) <= last).count();
        waiting.rotate_left(n_before);
        let mut due = Vec::new();
        for webhook in waiting {
            let n = room(webhook.id).min(most.saturating_sub(due.len()));
            if n > 0 {
                let (rows, webhook) = (due_for(tx, webhook.id, n)?, Arc::new(webhook));
                due.extend(rows.into_iter().map(|row| (row, webhook.clone())));
            }
        }
        lease(tx, &server, due.iter().map(|(row, _)| row.id).collect())?;
        let payloads = payloads_of(tx.conn()?, due.iter().filter_map(|(row, _)| row.position).collect())?;
        let claimed = due.into_iter().filter_map(|(delivery, webhook)| {
            let own = delivery.payload.as_deref().map(Arc::from);
            let Some(payload) = own.or_else(|| payloads.get(&delivery.position?).cloned()) else {
                // It must not hold up the others.
                tracing::error!(webhook.id = %webhook.id, delivery.id = %delivery.id, "What a webhook is to be told is missing from the database; delete the webhook and make it anew to be rid of it");
                return None;
            };
            Some(Claimed { delivery, payload, webhook, since })
        });
        Ok(claimed.collect())
    })
    .await
}

/// Returns the webhooks for which something is due that nobody has claimed.
fn waiting(conn: &mut Conn) -> Result<Vec<WebhookRow>> {
    let due = deliveries::table
        .filter(deliveries::webhook_id.eq(webhooks::id))
        .filter(is(deliveries::state, PENDING))
        .filter(deliveries::next_at.le(Now))
        .filter(deliveries::leased_until.is_null().or(deliveries::leased_until.le(Now)));
    let found = webhooks::table
        .filter(webhooks::is_enabled.eq(true))
        .filter(webhooks::paused_until.is_null().or(webhooks::paused_until.le(Now)))
        .filter(diesel::dsl::exists(due.select(deliveries::id)))
        .order(webhooks::id);
    Ok(direct!(conn, |own| found.select(WebhookRow::as_select()).load(own))?)
}

/// Returns what is due for one endpoint: of each subject only the first that is not told yet.
fn due_for(tx: &mut Tx<'_>, webhook: WebhookId, n: usize) -> Result<Vec<DeliveryRow>> {
    let earlier = diesel::alias!(deliveries as earlier);
    let is_blocked = earlier
        .filter(earlier.field(deliveries::webhook_id).eq(deliveries::webhook_id))
        .filter(earlier.field(deliveries::subject_id).eq(deliveries::subject_id))
        .filter(is(earlier.field(deliveries::state), PENDING))
        .filter(earlier.field(deliveries::position).lt(deliveries::position))
        .select(earlier.field(deliveries::id));
    let due = deliveries::table
        .filter(deliveries::webhook_id.eq(webhook))
        .filter(is(deliveries::state, PENDING))
        .filter(deliveries::next_at.le(tx.now))
        .filter(deliveries::leased_until.is_null().or(deliveries::leased_until.le(tx.now)))
        .filter(diesel::dsl::not(diesel::dsl::exists(is_blocked)))
        .order((deliveries::next_at, deliveries::position));
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    Ok(direct!(tx.conn()?, |own| top(due.select(DeliveryRow::as_select()), n).load(own))?)
}

fn lease(tx: &mut Tx<'_>, server: &str, ids: Vec<DeliveryId>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let until = later(tx.now, LEASE);
    let values = (deliveries::leased_by.eq(Some(server)), deliveries::leased_until.eq(Some(until)));
    direct!(tx.conn()?, |own| update("webhook_deliveries", values, one_of(deliveries::id, ids)).execute(own))?;
    Ok(())
}

fn payloads_of(conn: &mut Conn, mut positions: Vec<i64>) -> Result<HashMap<i64, Arc<str>>> {
    positions.sort_unstable();
    positions.dedup();
    if positions.is_empty() {
        return Ok(HashMap::new());
    }
    let found = payloads::table.filter(one_of(payloads::position, positions));
    let rows: Vec<(i64, String)> = direct!(conn, |own| found.load(own))?;
    Ok(rows.into_iter().map(|(position, payload)| (position, payload.into())).collect())
}

/// Says that a server is still at what it has claimed.
///
/// # Errors
/// When the database fails.
pub fn extend(tx: &mut Tx<'_>, server: &str, ids: &[DeliveryId]) -> Result<()> {
    let own = deliveries::table.filter(deliveries::id.eq_any(ids)).filter(deliveries::leased_by.eq(Some(server)));
    diesel::update(own).set(deliveries::leased_until.eq(Some(later(tx.now, LEASE)))).execute(tx.conn()?)?;
    Ok(())
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

/// Notes how attempts went, each unless another server has taken the delivery over. Returns which endpoints were disabled,
/// and why: by their own wish, or because they have been failing for so long.
///
/// # Errors
/// When the database fails; then nothing is noted.
pub fn finish(
    tx: &mut Tx<'_>,
    server: &str,
    ended: &[(Claimed, Outcome)],
    give_up_after: Duration,
) -> Result<BTreeMap<WebhookId, DisabledReason>> {
    let mut ended: Vec<&(Claimed, Outcome)> = ended.iter().collect();
    // Servers that note at the same time come to the same webhooks in the same order.
    ended.sort_by_key(|(claimed, _)| (claimed.webhook.id, claimed.delivery.id));
    let ids: Vec<WebhookId> = ended.iter().map(|(claimed, _)| claimed.webhook.id).collect();
    let known = webhooks::table.filter(one_of(webhooks::id, ids)).select((
        webhooks::id,
        webhooks::failing_since,
        webhooks::is_enabled,
    ));
    let known: Vec<(WebhookId, Option<Instant>, bool)> = direct!(tx.conn()?, |own| known.load(own))?;
    let mut health: HashMap<WebhookId, Health> = known
        .into_iter()
        .map(|(id, failing_since, is_enabled)| (id, Health { id, failing_since, is_enabled }))
        .collect();
    let mut disabled = BTreeMap::new();
    for (claimed, outcome) in ended {
        let is_own = finish_one(tx, &claimed.delivery, server, outcome)?;
        let Some(health) = health.get_mut(&claimed.webhook.id).filter(|_| is_own) else { continue };
        if let Some(reason) = health.note(tx, outcome.end, give_up_after)? {
            disabled.insert(claimed.webhook.id, reason);
        }
    }
    Ok(disabled)
}

/// Notes how an attempt went; returns whether the delivery was still this server's.
fn finish_one(tx: &mut Tx<'_>, row: &DeliveryRow, server: &str, outcome: &Outcome) -> Result<bool> {
    let (nobody, never) = (None::<String>, None::<Instant>);
    let mut attempts = row.past()?;
    let is_first = attempts.is_empty();
    attempts.push(outcome.attempt.clone());
    let attempts = attempts.split_off(attempts.len().saturating_sub(MOST_ATTEMPTS));
    let (state, next_at) = match outcome.end {
        End::Delivered => (DeliveryState::Delivered, tx.now),
        End::Again(pause, _) => (DeliveryState::Pending, later(tx.now, pause)),
        End::Dead => (DeliveryState::Dead, tx.now),
        // It waits for whoever enables the endpoint again.
        End::Gone => (DeliveryState::Pending, tx.now),
    };
    let values = (
        deliveries::state.eq(state.as_str()),
        deliveries::n_attempts.eq(row.n_attempts + 1),
        deliveries::attempts.eq(serde_json::to_string(&attempts).map_err(Error::internal)?),
        deliveries::answer.eq(&outcome.answer),
        deliveries::next_at.eq(next_at),
        deliveries::leased_by.eq(nobody),
        deliveries::leased_until.eq(never),
        deliveries::finished_at.eq((state != DeliveryState::Pending).then_some(tx.now)),
    );
    let own = deliveries::id.eq(row.id).and(deliveries::leased_by.eq(Some(server)));
    let n = direct!(tx.conn()?, |conn| update("webhook_deliveries", values, own).execute(conn))?;
    // What was delivered at once has never put off anything.
    if n > 0 && !(is_first && state == DeliveryState::Delivered) {
        set_followers(tx, row, next_at, state == DeliveryState::Pending)?;
    }
    Ok(n > 0)
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
        .and(is(deliveries::state, PENDING))
        .and(deliveries::position.gt(position));
    if is_waiting {
        let early = deliveries::table.filter(later).filter(deliveries::next_at.lt(at));
        diesel::update(early).set(deliveries::next_at.eq(at)).execute(tx.conn()?)?;
    } else {
        let late =
            deliveries::table.filter(later).filter(deliveries::n_attempts.eq(0)).filter(deliveries::next_at.gt(at));
        diesel::update(late).set(deliveries::next_at.eq(at)).execute(tx.conn()?)?;
    }
    Ok(())
}

/// How an endpoint fares.
struct Health {
    id: WebhookId,
    failing_since: Option<Instant>,
    is_enabled: bool,
}

impl Health {
    /// Notes whether an endpoint is well, and disables one that is not for too long.
    fn note(&mut self, tx: &mut Tx<'_>, end: End, give_up_after: Duration) -> Result<Option<DisabledReason>> {
        let own = webhooks::table.find(self.id);
        if end == End::Delivered {
            if self.failing_since.take().is_some() {
                diesel::update(own).set(webhooks::failing_since.eq(None::<Instant>)).execute(tx.conn()?)?;
            }
            return Ok(None);
        }
        if let End::Again(_, Some(pause)) = end {
            diesel::update(own).set(webhooks::paused_until.eq(Some(later(tx.now, pause)))).execute(tx.conn()?)?;
        }
        let failed_before = self.failing_since;
        if failed_before.is_none() {
            self.failing_since = Some(tx.now);
            diesel::update(own).set(webhooks::failing_since.eq(self.failing_since)).execute(tx.conn()?)?;
        }
        let reason = match end {
            End::Gone => DisabledReason::Gone,
            _ if failed_before.is_some_and(|since| later(since, give_up_after) <= tx.now) => DisabledReason::Failing,
            _ => return Ok(None),
        };
        if !std::mem::replace(&mut self.is_enabled, false) {
            return Ok(None);
        }
        diesel::update(own)
            .set((webhooks::is_enabled.eq(false), webhooks::disabled_reason.eq(Some(reason.as_str()))))
            .execute(tx.conn()?)?;
        disabled(tx, self.id)?;
        Ok(Some(reason))
    }
}

/// Keeps the revision in which the server has disabled a webhook.
fn disabled(tx: &mut Tx<'_>, id: WebhookId) -> Result<()> {
    let row: WebhookRow = webhooks::table.find(id).select(WebhookRow::as_select()).get_result(tx.conn()?)?;
    diesel::update(webhooks::table.find(id))
        .set((webhooks::revision.eq(row.revision + 1), webhooks::updated_at.eq(tx.now)))
        .execute(tx.conn()?)?;
    let content = document(&row.doc()?)?;
    let what = (Resource::Webhook, id.into());
    revisions::append(tx, &Revision::new(what, (row.revision + 1, "disabled"), &content, None))
}
