//! Optimistic concurrency: which revision a write is based on, and what to show when it is stale.
//!
//! Sections, staff profiles, tags and users keep what they looked like at each revision here; articles keep their own.

use diesel::prelude::*;
use serde_json::{Value, json};

use crate::{
    audit::{self, Entry, Resource},
    db::{Tx, schema::resource_revisions},
    error::{Code, Error, Result},
    ids::{ResourceId, UserId},
    input::merge,
};

/// The revisions that a write says it is based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Whatever is there.
    Any,
    /// One of these; empty when the client named only what never was a revision.
    Revisions(Vec<i32>),
}

impl Basis {
    /// Returns whether the write may go on, given the newest revision.
    pub fn admits(&self, current: i32) -> bool {
        match self {
            Self::Any => true,
            Self::Revisions(revisions) => revisions.contains(&current),
        }
    }

    /// Returns an older revision that the client knows, to compare with.
    pub fn known(&self) -> Option<i32> {
        match self {
            Self::Any => None,
            Self::Revisions(revisions) => revisions.first().copied(),
        }
    }
}

/// Builds the answer to a stale write: the current ETag, and each member as it was, as sent and as it is.
pub fn stale(current: i32, base: Option<Value>, patch: Option<&Value>, theirs: &Value) -> Error {
    let error = Error::new(Code::PreconditionFailed, format!("The newest revision is {current}."))
        .with("current_etag", format!("\"r{current}\""));
    match base {
        None => error,
        Some(base) => {
            let mut yours = base.clone();
            if let Some(patch) = patch {
                merge::apply(&mut yours, patch);
            }
            error.with("members", merge::three_way(&base, &yours, theirs))
        }
    }
}

/// One revision to keep.
pub struct Revision<'a> {
    /// What it is a revision of.
    pub resource: Resource,
    /// Whose revision it is.
    pub resource_id: ResourceId,
    /// Its number, counted from 1.
    pub number: i32,
    /// What happened: `created`, `updated`, `trashed`, `restored` or `merged`.
    pub kind: &'static str,
    /// What it looked like, in the form in which clients write it.
    pub content: &'a Value,
    /// Who did it; nobody, when it was done on the command line.
    pub by: Option<UserId>,
    /// What took its place, when it was merged.
    pub merged_into: Option<ResourceId>,
}

impl<'a> Revision<'a> {
    /// Describes a revision of a resource by its number and what happened.
    pub fn new(
        (resource, resource_id): (Resource, ResourceId),
        (number, kind): (i32, &'static str),
        content: &'a Value,
        by: Option<UserId>,
    ) -> Self {
        Self { resource, resource_id, number, kind, content, by, merged_into: None }
    }
}

/// The members whose values the audit tells, as they are no texts.
const TOLD: [&str; 2] = ["role", "disabled"];

/// Keeps a revision, and notes in the audit who made it and what changed.
///
/// # Errors
/// When the database fails.
pub fn append(tx: &mut Tx<'_>, revision: &Revision<'_>) -> Result<()> {
    let created_at = tx.now;
    tx.insert(diesel::insert_into(resource_revisions::table).values((
        resource_revisions::resource_id.eq(revision.resource_id),
        resource_revisions::number.eq(revision.number),
        resource_revisions::kind.eq(revision.kind),
        resource_revisions::content.eq(revision.content.to_string()),
        resource_revisions::created_at.eq(created_at),
        resource_revisions::created_by.eq(revision.by),
    )))?;
    let details = details(tx, revision)?;
    let id = revision.resource_id.to_string();
    audit::append(tx, &Entry { resource: revision.resource, id, verb: revision.kind, details })
}

/// Says in short what a revision changed: names of members, and the rights that an account has.
fn details(tx: &mut Tx<'_>, revision: &Revision<'_>) -> Result<Value> {
    let mut details = json!({ "revision": revision.number });
    if let Some(into) = revision.merged_into {
        insert(&mut details, "merged_into", json!(into));
    }
    let before = content_of(tx, revision.resource_id, revision.number - 1)?.unwrap_or_default();
    let members = revision.content.as_object().into_iter().flatten();
    let changed: Vec<_> = members.filter(|(name, value)| before.get(name.as_str()) != Some(*value)).collect();
    if revision.kind == "updated" {
        let names: Vec<&str> = changed.iter().map(|(name, _)| name.as_str()).collect();
        insert(&mut details, "changed", json!(names));
    }
    if revision.resource == Resource::User {
        for (name, value) in changed.into_iter().filter(|(name, _)| TOLD.contains(&name.as_str())) {
            insert(&mut details, name, json!({ "from": before.get(name.as_str()), "to": value }));
        }
    }
    Ok(details)
}

fn insert(details: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = details {
        members.insert(name.to_owned(), value);
    }
}

/// Returns what a revision said, if it is there and can be read.
fn content_of(tx: &mut Tx<'_>, id: ResourceId, number: i32) -> Result<Option<Value>> {
    let content = resource_revisions::table
        .find((id, number))
        .select(resource_revisions::content)
        .get_result::<String>(tx.conn()?);
    Ok(content.optional()?.and_then(|content| serde_json::from_str(&content).ok()))
}

/// Checks a write's basis against the newest revision of a resource that keeps its revisions here.
///
/// # Errors
/// `precondition_failed` with the three versions of each member when the basis is stale.
pub fn check(
    tx: &mut Tx<'_>,
    id: ResourceId,
    basis: &Basis,
    current: i32,
    patch: Option<&Value>,
    theirs: &Value,
) -> Result<()> {
    if basis.admits(current) {
        return Ok(());
    }
    let base = match basis.known() {
        None => None,
        Some(number) => content_of(tx, id, number)?,
    };
    Err(stale(current, base, patch, theirs))
}
