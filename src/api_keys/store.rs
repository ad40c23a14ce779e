//! Keys in the database, and the rules that hold between them.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::{Value, json};

use super::model::{ApiKey, ApiKeyDoc, ApiKeyInput, ApiKeySecretInfo, FeedChoices, Scope};
use crate::{
    audit::{self, Entry, Resource},
    auth::{identity::Caller, rights::Role, secret::ApiKeySecret},
    clock::Instant,
    db::{
        Conn, Now, Tx,
        direct::direct,
        schema::{api_key_secrets, api_keys, sections, tags, users},
    },
    error::{Code, Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::{ApiKeyId, SectionId, TagId, UserId},
    input::{Faults, read},
    resources::{self, document},
    revisions::{self, Basis, Revision},
    sections::{model::SectionSummary, store as section_store},
    tags::{model::TagSummary, store as tag_store},
};

/// A row of the table.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = api_keys)]
pub struct ApiKeyRow {
    /// The id.
    pub id: ApiKeyId,
    document: String,
    /// The newest revision.
    pub revision: i32,
    created_at: Instant,
    updated_at: Instant,
    last_used_at: Option<Instant>,
    revoked_at: Option<Instant>,
}

impl ApiKeyRow {
    fn doc(&self) -> Result<ApiKeyDoc> {
        serde_json::from_str(&self.document).map_err(Error::internal)
    }
}

/// Returns a key, revoked or not.
///
/// # Errors
/// `not_found`.
pub fn find(conn: &mut Conn, id: ApiKeyId) -> Result<ApiKeyRow> {
    let row = api_keys::table.find(id).select(ApiKeyRow::as_select()).get_result(conn).optional()?;
    row.ok_or_else(Error::not_found)
}

/// What opens a key in force, and what the key may do.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The key.
    pub id: ApiKeyId,
    /// What it is made of.
    pub doc: ApiKeyDoc,
    /// The account in whose name it acts, while that account is in force.
    pub acts_for: Option<UserId>,
}

/// Returns the key in force that a secret opens.
///
/// # Errors
/// When the database fails.
pub fn open(conn: &mut Conn, digest: &str) -> Result<Option<Opened>> {
    let in_force = api_key_secrets::table
        .inner_join(api_keys::table.on(api_keys::id.eq(api_key_secrets::key_id)))
        .filter(api_key_secrets::digest.eq(digest))
        .filter(api_key_secrets::expires_at.is_null().or(api_key_secrets::expires_at.gt(Now)))
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(Now)))
        .filter(api_keys::revoked_at.is_null())
        .select((api_keys::id, api_keys::document, api_keys::acts_for));
    let found: Option<(ApiKeyId, String, Option<UserId>)> = direct!(conn, |own| in_force.get_result(own).optional())?;
    let Some((id, document, account)) = found else { return Ok(None) };
    let mut doc: ApiKeyDoc = serde_json::from_str(&document).map_err(Error::internal)?;
    doc.tags = present_tags(conn, &doc.tags)?;
    let acts_for = match account {
        Some(account) => is_in_force(conn, account)?.then_some(account),
        None => None,
    };
    Ok(Some(Opened { id, doc, acts_for }))
}

/// Tags that were merged into others count as those.
fn present_tags(conn: &mut Conn, ids: &[TagId]) -> Result<Vec<TagId>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(TagId, Option<TagId>)> =
        tags::table.filter(tags::id.eq_any(ids.to_vec())).select((tags::id, tags::merged_into_id)).load(conn)?;
    let into: HashMap<TagId, Option<TagId>> = rows.into_iter().collect();
    Ok(ids.iter().map(|id| into.get(id).copied().flatten().unwrap_or(*id)).collect())
}

fn is_in_force(conn: &mut Conn, account: UserId) -> Result<bool> {
    let found = users::table
        .filter(users::id.eq(account))
        .filter(users::is_disabled.eq(false))
        .filter(users::trashed_at.is_null())
        .select(users::role)
        .get_result::<Role>(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Reads a page of keys in the order in which they were created, one more than the limit.
///
/// # Errors
/// When the database fails.
pub fn page(conn: &mut Conn, are_revoked: bool, limit: Limit, cursor: Option<&Cursor>) -> Result<Vec<ApiKeyRow>> {
    let mut query = api_keys::table.select(ApiKeyRow::as_select()).into_boxed();
    query = if are_revoked {
        query.filter(api_keys::revoked_at.is_not_null())
    } else {
        query.filter(api_keys::revoked_at.is_null())
    };
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    if let Some(id) = cursor.and_then(|cursor| ApiKeyId::parse(cursor.keys.first()?)) {
        query = if is_backward { query.filter(api_keys::id.lt(id)) } else { query.filter(api_keys::id.gt(id)) };
    }
    let query = if is_backward { query.order(api_keys::id.desc()) } else { query.order(api_keys::id.asc()) };
    Ok(query.limit(limit.and_one()).load(conn)?)
}

/// Returns the views of rows, with the sections and tags that they name.
///
/// # Errors
/// When the database fails.
pub fn views(conn: &mut Conn, rows: Vec<ApiKeyRow>) -> Result<Vec<ApiKey>> {
    let docs = rows.iter().map(ApiKeyRow::doc).collect::<Result<Vec<_>>>()?;
    let sections = section_names(conn, docs.iter().flat_map(|doc| doc.sections.iter().copied()).collect())?;
    let tags = tag_names(conn, docs.iter().flat_map(|doc| doc.tags.iter().copied()).collect())?;
    let mut secrets = secrets_of(conn, rows.iter().map(|row| row.id).collect())?;
    Ok(rows
        .into_iter()
        .zip(docs)
        .map(|(row, doc)| ApiKey {
            id: row.id,
            key: None,
            name: doc.name.as_str().to_owned(),
            contact: doc.contact.as_ref().map(|contact| contact.as_str().to_owned()),
            scopes: doc.scopes,
            sections: doc.sections.iter().filter_map(|id| sections.get(id).cloned()).collect(),
            tags: doc.tags.iter().filter_map(|id| tags.get(id).cloned()).collect(),
            text: doc.text,
            delay_minutes: doc.delay_minutes,
            embargo_access: doc.embargo_access,
            requests_per_minute: doc.requests_per_minute,
            requests_per_day: doc.requests_per_day,
            expires_at: doc.expires_at,
            feed: doc.feed,
            acts_for: doc.acts_for,
            secrets: secrets.remove(&row.id).unwrap_or_default(),
            last_used_at: row.last_used_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            revision: row.revision,
            revoked_at: row.revoked_at,
        })
        .collect())
}

fn section_names(conn: &mut Conn, ids: Vec<SectionId>) -> Result<HashMap<SectionId, SectionSummary>> {
    let rows: Vec<(SectionId, String, String, String)> = sections::table
        .filter(sections::id.eq_any(ids))
        .select((sections::id, sections::slug, sections::name, sections::path))
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, slug, name, path)| (id, SectionSummary { id, slug, name, path })).collect())
}

fn tag_names(conn: &mut Conn, ids: Vec<TagId>) -> Result<HashMap<TagId, TagSummary>> {
    let rows: Vec<(TagId, String, String)> =
        tags::table.filter(tags::id.eq_any(ids)).select((tags::id, tags::slug, tags::name)).load(conn)?;
    Ok(rows.into_iter().map(|(id, slug, name)| (id, TagSummary { id, slug, name })).collect())
}

fn secrets_of(conn: &mut Conn, ids: Vec<ApiKeyId>) -> Result<HashMap<ApiKeyId, Vec<ApiKeySecretInfo>>> {
    let rows: Vec<(ApiKeyId, String, Instant, Option<Instant>)> = api_key_secrets::table
        .filter(api_key_secrets::key_id.eq_any(ids))
        .filter(api_key_secrets::expires_at.is_null().or(api_key_secrets::expires_at.gt(Now)))
        .order(api_key_secrets::created_at)
        .select((
            api_key_secrets::key_id,
            api_key_secrets::hint,
            api_key_secrets::created_at,
            api_key_secrets::expires_at,
        ))
        .load(conn)?;
    let mut found: HashMap<ApiKeyId, Vec<ApiKeySecretInfo>> = HashMap::new();
    for (key, hint, created_at, expires_at) in rows {
        found.entry(key).or_default().push(ApiKeySecretInfo { hint, created_at, expires_at });
    }
    Ok(found)
}

/// Creates a key that a secret opens.
///
/// # Errors
/// `invalid_input`.
pub fn create(tx: &mut Tx<'_>, by: &Caller, input: &ApiKeyInput, secret: &ApiKeySecret) -> Result<ApiKeyRow> {
    let id = ApiKeyId::generate();
    let doc = resolve(tx, input, None)?;
    diesel::insert_into(api_keys::table)
        .values((
            api_keys::id.eq(id),
            api_keys::name.eq(doc.name.as_str()),
            api_keys::document.eq(document(&doc)?.to_string()),
            api_keys::acts_for.eq(doc.acts_for),
            api_keys::revision.eq(1),
            api_keys::created_at.eq(tx.now),
            api_keys::updated_at.eq(tx.now),
            api_keys::expires_at.eq(doc.expires_at),
        ))
        .execute(tx.conn()?)?;
    add_secret(tx, id, secret)?;
    finish(tx, by, id, "created")
}

/// Changes a key by a merge patch.
///
/// # Errors
/// `precondition_failed` when the basis is stale, `invalid_input`, `invalid_transition` when it is revoked.
pub fn update(tx: &mut Tx<'_>, by: &Caller, id: ApiKeyId, basis: &Basis, patch: &Value) -> Result<ApiKeyRow> {
    let row = unrevoked(tx, id)?;
    let old = row.doc()?;
    let doc = document(&old)?;
    revisions::check(tx, id.into(), basis, row.revision, Some(patch), &doc)?;
    let input: ApiKeyInput = read(resources::patched(&doc, patch)?, Code::InvalidInput)?;
    let new = resolve(tx, &input, Some(&old))?;
    if new == old {
        return Ok(row);
    }
    diesel::update(api_keys::table.find(id))
        .set((
            api_keys::name.eq(new.name.as_str()),
            api_keys::document.eq(document(&new)?.to_string()),
            api_keys::acts_for.eq(new.acts_for),
            api_keys::revision.eq(row.revision + 1),
            api_keys::updated_at.eq(tx.now),
            api_keys::expires_at.eq(new.expires_at),
        ))
        .execute(tx.conn()?)?;
    finish(tx, by, id, "updated")
}

/// Revokes a key, for ever.
///
/// # Errors
/// `precondition_failed`, `invalid_transition` when it is revoked already.
pub fn revoke(tx: &mut Tx<'_>, by: &Caller, id: ApiKeyId, basis: &Basis) -> Result<ApiKeyRow> {
    let row = unrevoked(tx, id)?;
    let doc = document(&row.doc()?)?;
    revisions::check(tx, id.into(), basis, row.revision, None, &doc)?;
    diesel::delete(api_key_secrets::table.filter(api_key_secrets::key_id.eq(id))).execute(tx.conn()?)?;
    diesel::update(api_keys::table.find(id))
        .set((
            api_keys::revoked_at.eq(tx.now),
            api_keys::revision.eq(row.revision + 1),
            api_keys::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    finish(tx, by, id, "revoked")
}

/// Gives a key something new that opens it; what opened it last goes on to do so for some hours, and nothing older.
///
/// # Errors
/// `invalid_transition` when it is revoked.
pub fn rotate(tx: &mut Tx<'_>, id: ApiKeyId, secret: &ApiKeySecret, overlap_hours: u32) -> Result<ApiKeyRow> {
    let row = unrevoked(tx, id)?;
    let ends_at = tx.now.plus_seconds(3600 * i64::from(overlap_hours));
    let of_key = || api_key_secrets::table.filter(api_key_secrets::key_id.eq(id));
    // Those that end already were the ones before the last.
    diesel::delete(of_key().filter(api_key_secrets::expires_at.is_not_null())).execute(tx.conn()?)?;
    diesel::update(of_key()).set(api_key_secrets::expires_at.eq(ends_at)).execute(tx.conn()?)?;
    add_secret(tx, id, secret)?;
    let details = json!({ "overlap_hours": overlap_hours });
    audit::append(tx, &Entry { resource: Resource::ApiKey, id: id.to_string(), verb: "rotated", details })?;
    Ok(row)
}

fn unrevoked(tx: &mut Tx<'_>, id: ApiKeyId) -> Result<ApiKeyRow> {
    let row = find(tx.conn()?, id)?;
    match row.revoked_at {
        None => Ok(row),
        Some(_) => Err(Error::new(Code::InvalidTransition, "The key is revoked, which is for ever; create another.")),
    }
}

fn add_secret(tx: &mut Tx<'_>, id: ApiKeyId, secret: &ApiKeySecret) -> Result<()> {
    let hint: String = secret.reveal().chars().take(HINT_CHARS).collect();
    diesel::insert_into(api_key_secrets::table)
        .values((
            api_key_secrets::digest.eq(secret.digest()),
            api_key_secrets::key_id.eq(id),
            api_key_secrets::hint.eq(hint),
            api_key_secrets::created_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    Ok(())
}

/// The prefix and four characters: enough to tell two apart, and 24 of 256 bits.
const HINT_CHARS: usize = 8;

/// Resolves what an input names, and checks what the types do not.
fn resolve(tx: &mut Tx<'_>, input: &ApiKeyInput, before: Option<&ApiKeyDoc>) -> Result<ApiKeyDoc> {
    let mut faults = input.bounds();
    let mut doc = ApiKeyDoc {
        name: input.name.clone(),
        contact: input.contact.clone(),
        scopes: input.scopes.0.clone(),
        sections: Vec::new(),
        tags: Vec::new(),
        text: input.text,
        delay_minutes: input.delay_minutes,
        embargo_access: input.embargo_access,
        requests_per_minute: input.requests_per_minute,
        requests_per_day: input.requests_per_day,
        expires_at: input.expires_at.map(|moment| moment.0),
        feed: input.feed.clone(),
        acts_for: input.acts_for.map(|account| account.0),
    };
    doc.scopes.sort_unstable();
    doc.scopes.dedup();
    for (index, reference) in input.sections.0.iter().enumerate() {
        let known = |id: SectionId| before.is_some_and(|before| before.sections.contains(&id));
        match section_store::try_find(tx.conn()?, reference)?.filter(|row| row.trashed_at.is_none() || known(row.id)) {
            Some(row) if doc.sections.contains(&row.id) => {}
            Some(row) => doc.sections.push(row.id),
            None => {
                faults.add(format!("/sections/{index}"), "not_found", format!("there is no section \"{reference}\""));
            }
        }
    }
    for (index, reference) in input.tags.0.iter().enumerate() {
        let known = |id: TagId| before.is_some_and(|before| before.tags.contains(&id));
        match tag_store::try_find(tx.conn()?, reference)?.filter(|row| row.trashed_at.is_none() || known(row.id)) {
            Some(row) if doc.tags.contains(&row.id) => {}
            Some(row) => doc.tags.push(row.id),
            None => faults.add(format!("/tags/{index}"), "not_found", format!("there is no tag \"{reference}\"")),
        }
    }
    let is_new_end = before.is_none_or(|before| before.expires_at != doc.expires_at);
    if is_new_end && doc.expires_at.is_some_and(|at| at <= tx.now) {
        faults.add("/expires_at", "in_the_past", "must be in the future; DELETE revokes a key at once");
    }
    match doc.acts_for {
        Some(account) if !is_in_force(tx.conn()?, account)? => {
            faults.add("/acts_for", "not_found", "there is no user account with this id that may log in");
        }
        None if doc.scopes.contains(&Scope::WriteDrafts) => {
            faults.add("/acts_for", "missing", "say in whose name drafts are posted: the id of a user account");
        }
        Some(_) if !doc.scopes.contains(&Scope::WriteDrafts) => {
            faults.add("/acts_for", "not_allowed", "only with the scope articles:write-draft");
        }
        _ => {}
    }
    faults.check(Code::InvalidInput)?;
    Ok(doc)
}

impl ApiKeyInput {
    /// Returns what is out of bounds.
    fn bounds(&self) -> Faults {
        let mut faults = Faults::new();
        if self.scopes.0.is_empty() {
            faults.add("/scopes", "missing", format!("name at least one of {}", Scope::NAMES.join(", ")));
        }
        let feed = |choice: fn(&FeedChoices) -> Option<u16>| self.feed.as_ref().and_then(choice).map(u32::from);
        let bounded = [
            ("/feed/items", feed(|feed| feed.items), 1, 100),
            ("/feed/longest_title", feed(|feed| feed.longest_title), 20, 300),
            ("/feed/expires_after_hours", feed(|feed| feed.expires_after_hours), 2, 8760),
            ("/delay_minutes", Some(self.delay_minutes), 0, 10_080),
            ("/requests_per_minute", self.requests_per_minute, 1, 100_000),
            ("/requests_per_day", self.requests_per_day, 1, 1_000_000_000),
        ];
        for (pointer, value, least, most) in bounded {
            if value.is_some_and(|value| !(least..=most).contains(&value)) {
                faults.add(pointer, "out_of_range", format!("must be from {least} to {most}"));
            }
        }
        let tags = self.feed.as_ref().and_then(|feed| feed.allowed_tags.as_ref());
        if tags.is_some_and(|tags| tags.len() > 60) {
            faults.add("/feed/allowed_tags", "too_many", "at most 60 elements are allowed");
        }
        for (index, tag) in tags.into_iter().flatten().enumerate() {
            if !tag.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
                let detail = "must be the name of an HTML element in lower case";
                faults.add(format!("/feed/allowed_tags/{index}"), "not_allowed", detail);
            }
        }
        faults
    }
}

/// Keeps the revision; returns the row as it is now.
fn finish(tx: &mut Tx<'_>, by: &Caller, id: ApiKeyId, kind: &'static str) -> Result<ApiKeyRow> {
    let row = find(tx.conn()?, id)?;
    let content = document(&row.doc()?)?;
    let revision = Revision::new((Resource::ApiKey, id.into()), (row.revision, kind), &content, Some(by.user_id));
    revisions::append(tx, &revision)?;
    Ok(row)
}
