//! The audit: who did what, when and from where, in the transaction that did it, so that nobody can alter it unseen.
//!
//! [`append`] writes an entry with the digest of what it says. Chaining entries at once would make all writes wait for
//! each other; so [`seal()`] does it a moment later, for one server at a time: an entry gets the next position and a
//! [`chain`](digest::chain) that follows from the one before. [`verify()`] computes all of it anew. `revisions::append` and
//! the store of the working copies append by themselves, so whoever keeps a revision need not think of it. Entries name
//! members and roles, never what a text, a password or a token says.

pub mod digest;
pub mod keys;
pub mod model;
pub mod routes;
pub mod seal;
pub mod store;
pub mod verify;

use diesel::prelude::*;
use serde_json::Value;

pub use self::{seal::seal, verify::verify};
use crate::{
    clock::Instant,
    db::{Tx, schema::audit, types::text_enum},
    error::Result,
    ids::{AuditId, UserId},
};

text_enum! {
    /// What an entry of the audit is about.
    pub enum Resource as AuditResource {
        /// An article.
        Article = "article",
        /// A section.
        Section = "section",
        /// A staff profile.
        Staff = "staff",
        /// A tag.
        Tag = "tag",
        /// A user account.
        User = "user",
        /// A login.
        Session = "session",
        /// A key that signs access tokens.
        Key = "key",
        /// A key with which a partner reads.
        ApiKey = "api_key",
        /// A webhook.
        Webhook = "webhook",
    }
}

/// Something to note.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is about.
    pub resource: Resource,
    /// Which one.
    pub id: String,
    /// What was done to it, in the past tense: `published`. With the resource in front it is the action.
    pub verb: &'static str,
    /// What else to know: numbers, names of members, roles. Never texts, passwords or tokens.
    pub details: Value,
}

/// An entry as it is kept.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit, treat_none_as_default_value = false)]
pub struct Row {
    /// The id.
    pub id: AuditId,
    /// When the transaction began.
    pub at: Instant,
    /// Whose account did it.
    pub actor_id: Option<UserId>,
    /// In which role, or what did it.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what kind of thing.
    pub resource: String,
    /// To which.
    pub resource_id: String,
    /// What else to know, as JSON.
    pub details: String,
    /// From which address.
    pub address: Option<String>,
    /// On which request.
    pub request_id: Option<String>,
    /// The digest of all of the above.
    pub digest: String,
    /// The place in the chain; none until the entry is sealed.
    pub position: Option<i64>,
    /// What ties it to the entries before.
    pub chain: Option<String>,
}

/// Appends an entry; who does it and from where is known to the transaction.
///
/// # Errors
/// When the database fails.
pub fn append(tx: &mut Tx<'_>, entry: &Entry) -> Result<()> {
    let mut row = Row {
        id: AuditId::generate(),
        at: tx.now,
        actor_id: tx.origin.actor.id(),
        actor: tx.origin.actor.name().to_owned(),
        action: format!("{}.{}", entry.resource, entry.verb),
        resource: entry.resource.as_str().to_owned(),
        resource_id: entry.id.clone(),
        details: entry.details.to_string(),
        address: tx.origin.address.clone(),
        request_id: tx.origin.request_id.clone(),
        digest: String::new(),
        position: None,
        chain: None,
    };
    row.digest = digest::of(&row);
    tx.insert(diesel::insert_into(audit::table).values(row))
}
