//! Webhooks in the database, and the rules that hold for them.

use diesel::prelude::*;
use serde_json::Value;

use super::{
    model::{DisabledReason, Event, Webhook, WebhookDoc, WebhookInput},
    queue,
    schedule::OLD_SECRET_SECONDS,
    sign::Secret,
};
use crate::{
    audit::Resource,
    auth::{
        identity::Caller,
        rights::{Allowance, Operation},
    },
    changes::follow,
    clock::Instant,
    db::{Conn, Tx, schema::webhooks},
    error::{Code, Error, Fault, Result},
    http::page::{Cursor, Direction, Limit},
    ids::{SectionId, TagId, UserId, WebhookId},
    input::{Faults, Line, read},
    resources::{document, patched},
    revisions::{self, Basis, Revision},
    secrets::InstanceKey,
    sections, tags,
};

/// The most webhooks that an installation has: each takes a look for every change.
const MOST: i64 = 200;

/// The most filters of a kind.
const MOST_FILTERS: usize = 50;

/// What secrets are sealed for.
const PURPOSE: &str = "webhook secret";

/// A row of the table.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = webhooks)]
pub struct WebhookRow {
    /// The id.
    pub id: WebhookId,
    /// Where to send to.
    pub url: String,
    description: Option<String>,
    events: String,
    sections: String,
    tags: String,
    /// Whether anything is sent.
    pub is_enabled: bool,
    disabled_reason: Option<String>,
    secret: String,
    old_secret: Option<String>,
    old_secret_until: Option<Instant>,
    /// The place in the log after which it is told.
    pub since: i64,
    /// Since when every attempt has failed.
    pub failing_since: Option<Instant>,
    /// Until when it wants to be left alone.
    pub paused_until: Option<Instant>,
    /// The newest revision.
    pub revision: i32,
    created_at: Instant,
    /// Whose it is.
    pub created_by: UserId,
    updated_at: Instant,
}

impl WebhookRow {
    /// Returns what it says, in the form in which people write it.
    ///
    /// # Errors
    /// When the row is damaged.
    pub fn doc(&self) -> Result<WebhookDoc> {
        let damaged = |error: serde_json::Error| Error::internal(format!("webhook {} is damaged: {error}", self.id));
        Ok(WebhookDoc {
            url: self.url.clone(),
            description: self.description.clone(),
            events: serde_json::from_str(&self.events).map_err(damaged)?,
            sections: serde_json::from_str(&self.sections).map_err(damaged)?,
            tags: serde_json::from_str(&self.tags).map_err(damaged)?,
            is_enabled: self.is_enabled,
        })
    }

    /// Returns the view, with the secret where it may be shown.
    ///
    /// # Errors
    /// When the row is damaged.
    pub fn view(&self, now: Instant, secret: Option<&Secret>) -> Result<Webhook> {
        let doc = self.doc()?;
        Ok(Webhook {
            id: self.id,
            url: doc.url,
            description: doc.description,
            events: doc.events,
            sections: doc.sections,
            tags: doc.tags,
            is_enabled: doc.is_enabled,
            disabled_reason: self.disabled_reason.as_deref().and_then(DisabledReason::parse),
            failing_since: self.failing_since,
            old_secret_until: self.old_secret_until.filter(|until| *until > now),
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
            revision: self.revision,
            secret: secret.map(Secret::expose),
        })
    }

    /// Returns what signs now: one secret, or two while one takes the place of the other.
    ///
    /// # Errors
    /// When they cannot be opened.
    pub fn secrets(&self, key: &InstanceKey, now: Instant) -> Result<Vec<Secret>> {
        let old = self.old_secret.as_ref().filter(|_| self.old_secret_until.is_some_and(|until| until > now));
        let open = |sealed: &String| key.open(PURPOSE, sealed).map(Secret::from_bytes);
        [Some(&self.secret), old].into_iter().flatten().map(open).collect()
    }
}

/// Returns a webhook that the caller has the right to; what is another's answers like what does not exist.
///
/// # Errors
/// `not_found`.
pub fn find(conn: &mut Conn, id: WebhookId, caller: &Caller, operation: Operation) -> Result<WebhookRow> {
    let row = webhooks::table.find(id).select(WebhookRow::as_select()).get_result(conn).optional()?;
    row.filter(|row: &WebhookRow| caller.may(operation, row.created_by)).ok_or_else(Error::not_found)
}

/// Reads a page of the webhooks that the caller may see, in the order in which they were made, one more than the limit.
///
/// # Errors
/// When the database fails.
pub fn page(conn: &mut Conn, caller: &Caller, limit: Limit, cursor: Option<&Cursor>) -> Result<Vec<WebhookRow>> {
    let mut query = webhooks::table.select(WebhookRow::as_select()).into_boxed();
    if Operation::ListWebhooks.allowance(caller.role) != Allowance::All {
        query = query.filter(webhooks::created_by.eq(caller.user_id));
    }
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    if let Some(id) = cursor.and_then(|cursor| WebhookId::parse(cursor.keys.first()?)) {
        query = if is_backward { query.filter(webhooks::id.lt(id)) } else { query.filter(webhooks::id.gt(id)) };
    }
    let query = if is_backward { query.order(webhooks::id.desc()) } else { query.order(webhooks::id.asc()) };
    Ok(query.limit(limit.and_one()).load(conn)?)
}

/// Makes a webhook. It is told what happens from now on.
///
/// # Errors
/// `invalid_input`, `conflict` when there are too many.
pub fn create(
    tx: &mut Tx<'_>,
    by: &Caller,
    input: &WebhookInput,
    secret: &Secret,
    key: &InstanceKey,
) -> Result<WebhookRow> {
    let n: i64 = webhooks::table.count().get_result(tx.conn()?)?;
    if n >= MOST {
        return Err(Error::new(Code::Conflict, format!("There are {MOST} webhooks already; delete one first.")));
    }
    let (id, doc) = (WebhookId::generate(), resolve(tx, input)?);
    let since = follow::last(tx.conn()?)?;
    diesel::insert_into(webhooks::table)
        .values((
            webhooks::id.eq(id),
            webhooks::url.eq(&doc.url),
            webhooks::description.eq(&doc.description),
            webhooks::events.eq(json(&doc.events)?),
            webhooks::sections.eq(json(&doc.sections)?),
            webhooks::tags.eq(json(&doc.tags)?),
            webhooks::is_enabled.eq(doc.is_enabled),
            webhooks::secret.eq(key.seal(PURPOSE, secret.bytes())?),
            webhooks::since.eq(since),
            webhooks::revision.eq(1),
            webhooks::created_at.eq(tx.now),
            webhooks::created_by.eq(by.user_id),
            webhooks::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    keep(tx, by, id, "created")
}

/// Changes a webhook by a merge patch. What was disabled and is enabled begins anew.
///
/// # Errors
/// `precondition_failed` when the basis is stale, `invalid_input`.
pub fn update(tx: &mut Tx<'_>, by: &Caller, row: &WebhookRow, basis: &Basis, patch: &Value) -> Result<WebhookRow> {
    let before = row.doc()?;
    let doc = document(&before)?;
    revisions::check(tx, row.id.into(), basis, row.revision, Some(patch), &doc)?;
    let input: WebhookInput = read(patched(&doc, patch)?, Code::InvalidInput)?;
    let new = resolve(tx, &input)?;
    if new == before {
        return Ok(row.clone());
    }
    let begins_anew = new.is_enabled && !before.is_enabled;
    diesel::update(webhooks::table.find(row.id))
        .set((
            webhooks::url.eq(&new.url),
            webhooks::description.eq(&new.description),
            webhooks::events.eq(json(&new.events)?),
            webhooks::sections.eq(json(&new.sections)?),
            webhooks::tags.eq(json(&new.tags)?),
            webhooks::is_enabled.eq(new.is_enabled),
            webhooks::revision.eq(row.revision + 1),
            webhooks::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    if begins_anew {
        let nothing: (Option<String>, Option<Instant>, Option<Instant>) = (None, None, None);
        diesel::update(webhooks::table.find(row.id))
            .set((
                webhooks::disabled_reason.eq(nothing.0),
                webhooks::failing_since.eq(nothing.1),
                webhooks::paused_until.eq(nothing.2),
                // What happened meanwhile is told again when it is asked for.
                webhooks::since.eq(follow::last(tx.conn()?)?),
            ))
            .execute(tx.conn()?)?;
    }
    keep(tx, by, row.id, "updated")
}

/// Deletes a webhook and all that it was to be told.
///
/// # Errors
/// `precondition_failed` when the basis is stale.
pub fn delete(tx: &mut Tx<'_>, by: &Caller, row: &WebhookRow, basis: &Basis) -> Result<()> {
    let doc = document(&row.doc()?)?;
    revisions::check(tx, row.id.into(), basis, row.revision, None, &doc)?;
    queue::remove(tx, row.id)?;
    diesel::delete(webhooks::table.find(row.id)).execute(tx.conn()?)?;
    let what = (Resource::Webhook, row.id.into());
    revisions::append(tx, &Revision::new(what, (row.revision + 1, "deleted"), &doc, Some(by.user_id)))
}

/// Puts a new secret in the place of the present one, which signs beside it for a day.
///
/// # Errors
/// `precondition_failed` when the basis is stale.
pub fn rotate(
    tx: &mut Tx<'_>,
    by: &Caller,
    row: &WebhookRow,
    basis: &Basis,
    secret: &Secret,
    key: &InstanceKey,
) -> Result<WebhookRow> {
    let doc = document(&row.doc()?)?;
    revisions::check(tx, row.id.into(), basis, row.revision, None, &doc)?;
    diesel::update(webhooks::table.find(row.id))
        .set((
            webhooks::secret.eq(key.seal(PURPOSE, secret.bytes())?),
            webhooks::old_secret.eq(Some(&row.secret)),
            webhooks::old_secret_until.eq(Some(tx.now.plus_seconds(OLD_SECRET_SECONDS))),
            webhooks::revision.eq(row.revision + 1),
            webhooks::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    keep(tx, by, row.id, "rotated")
}

/// Keeps the revision; returns the row as it is now.
fn keep(tx: &mut Tx<'_>, by: &Caller, id: WebhookId, kind: &'static str) -> Result<WebhookRow> {
    let row: WebhookRow = webhooks::table.find(id).select(WebhookRow::as_select()).get_result(tx.conn()?)?;
    let content = document(&row.doc()?)?;
    let what = (Resource::Webhook, id.into());
    revisions::append(tx, &Revision::new(what, (row.revision, kind), &content, Some(by.user_id)))?;
    Ok(row)
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// Finds what an input refers to.
fn resolve(tx: &mut Tx<'_>, input: &WebhookInput) -> Result<WebhookDoc> {
    let mut faults = Faults::new();
    for (pointer, n) in [("/sections", input.sections.len()), ("/tags", input.tags.len())] {
        if n > MOST_FILTERS {
            faults.add(pointer, "too_many", format!("may have at most {MOST_FILTERS}"));
        }
    }
    faults.check(Code::InvalidInput)?;
    let mut faults = Vec::new();
    let missing = |pointer: String, what: &str, reference: &dyn std::fmt::Display| {
        Fault::new(pointer, "not_found", format!("there is no {what} \"{reference}\""))
    };
    let mut section_ids: Vec<SectionId> = Vec::new();
    for (index, reference) in input.sections.iter().enumerate() {
        match sections::store::try_find(tx.conn()?, reference)?.filter(|row| row.trashed_at.is_none()) {
            Some(row) => section_ids.push(row.id),
            None => faults.push(missing(format!("/sections/{index}"), "section", reference)),
        }
    }
    let mut tag_ids: Vec<TagId> = Vec::new();
    for (index, reference) in input.tags.iter().enumerate() {
        match tags::store::try_find(tx.conn()?, reference)?.filter(|row| row.trashed_at.is_none()) {
            Some(row) => tag_ids.push(row.id),
            None => faults.push(missing(format!("/tags/{index}"), "tag", reference)),
        }
    }
    if !faults.is_empty() {
        return Err(Error::faults(Code::InvalidInput, faults));
    }
    let mut events: Vec<Event> = input.events.clone();
    events.sort_unstable();
    events.dedup();
    Ok(WebhookDoc {
        url: input.url.0.clone(),
        description: input.description.as_ref().map(Line::as_str).map(str::to_owned),
        events,
        sections: section_ids,
        tags: tag_ids,
        is_enabled: input.is_enabled,
    })
}
