//! What the audit is to administrators who read it.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Resource, Row};
use crate::{
    articles::view::UserSummary,
    clock::Instant,
    error::{Error, Result},
    http::page::PageInfo,
    ids::AuditId,
};

/// Something that was done, by whom, when and from where.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    /// The id.
    #[schema(value_type = String, format = "uuid")]
    pub id: AuditId,
    /// When it was done.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// The role in which it was done, or what did it: `command` (the program's command line), `clock` (what was
    /// scheduled), `server` (the server by itself), `anonymous` (a request without a login, such as a password reset),
    /// `api_key` (a key, in the name of the account).
    #[schema(example = "editor")]
    pub actor: String,
    /// Whose account did it; null when it was nobody's.
    #[schema(required = true)]
    pub user: Option<UserSummary>,
    /// What was done: the resource and a verb.
    #[schema(example = "article.published")]
    pub action: String,
    /// To what kind of thing.
    pub resource: Resource,
    /// To which one.
    #[schema(example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    pub resource_id: String,
    /// What else to know, such as the revision and the members that changed. Never what a text says.
    #[schema(value_type = Object)]
    pub details: Box<RawValue>,
    /// The address that the request came from; the /64 network for IPv6. Null without a request.
    #[schema(required = true, example = "192.0.2.17")]
    pub address: Option<String>,
    /// The id of the request; null without one.
    #[schema(required = true)]
    pub request_id: Option<String>,
    /// The SHA-256 of what the entry says.
    #[schema(min_length = 64, max_length = 64)]
    pub digest: String,
    /// The place in the chain, counted from 1; null for about a second, until the entry is sealed.
    #[schema(required = true, minimum = 1)]
    pub position: Option<i64>,
    /// What ties the entry to all before it: the SHA-256 of the chain before and the digest. Null until it is sealed.
    #[schema(required = true)]
    pub chain: Option<String>,
}

/// A page of the audit, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// The entries.
    pub data: Vec<AuditEntry>,
    /// Where the page stands.
    pub page: PageInfo,
}

impl AuditEntry {
    /// Shows a row, with the account that it names.
    ///
    /// # Errors
    /// When the row is damaged.
    pub fn of(row: Row, user: Option<UserSummary>) -> Result<Self> {
        let damaged = |what: &str| Error::internal(format!("the {what} of the audit's entry {} is damaged", row.id));
        Ok(Self {
            resource: Resource::parse(&row.resource).ok_or_else(|| damaged("resource"))?,
            details: RawValue::from_string(row.details.clone()).map_err(|_| damaged("details"))?,
            id: row.id,
            at: row.at,
            actor: row.actor,
            user,
            action: row.action,
            resource_id: row.resource_id,
            address: row.address,
            request_id: row.request_id,
            digest: row.digest,
            position: row.position,
            chain: row.chain,
        })
    }
}
