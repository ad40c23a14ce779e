//! The change log: whatever alters what readers can see appends to it, in the same transaction.
//!
//! Everything that reacts to changes follows this log ([`follow`]); handlers call none of it. This server's own cache is
//! told of its own changes at once, when they are committed ([`Tx::tell`]), and of all others' through the log.

pub mod durable;
pub mod errand;
pub mod follow;
pub mod wire;

use diesel::{dsl::max, prelude::*};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Instant,
    db::{
        Conn, NextPlace, Now, Tx,
        direct::direct,
        schema::{article_due, changes},
    },
    error::{Error, Result},
    ids::ResourceId,
};

/// Something that readers can now see differently.
#[derive(Clone, Debug)]
pub struct Change {
    /// What happened, such as `published` or `renamed`.
    pub kind: &'static str,
    /// The kind of resource: `article`, `section`, `staff` or `tag`.
    pub resource: &'static str,
    /// Which one.
    pub id: ResourceId,
    /// The surrogate keys of all that shows it, before and after.
    pub keys: Vec<String>,
    /// What else readers are told.
    pub details: Details,
}

/// What readers are told of a change besides that it happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// Why, for people: the notice of what was killed, the note of a correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The slug by which readers knew it before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former_slug: Option<String>,
}

impl Details {
    fn to_stored(&self) -> Result<Option<String>> {
        if *self == Self::default() {
            return Ok(None);
        }
        serde_json::to_string(self).map(Some).map_err(Error::internal)
    }

    /// Reads what is stored; what a newer version adds is left out.
    pub(crate) fn from_stored(stored: Option<&str>) -> Self {
        stored.and_then(|stored| serde_json::from_str(stored).ok()).unwrap_or_default()
    }
}

/// Appends a change.
///
/// # Errors
/// When the database fails.
pub fn append(tx: &mut Tx<'_>, change: &Change) -> Result<()> {
    let insert = diesel::insert_into(changes::table).values((
        changes::at.eq(tx.now),
        changes::kind.eq(change.kind),
        changes::resource.eq(change.resource),
        changes::resource_id.eq(change.id),
        changes::keys.eq(serde_json::to_string(&change.keys).map_err(Error::internal)?),
        changes::details.eq(change.details.to_stored()?),
        changes::position.eq(NextPlace),
    ));
    let id: i64 = direct!(tx.conn()?, |own| insert.returning(changes::id).get_result(own))?;
    tx.tell(&change.keys, id);
    tx.wake_followers()
}

/// Returns when readers last came to see anything differently; the epoch, when never.
///
/// What happened by the clock counts from its moment on, whether it is recorded yet or not.
///
/// # Errors
/// When the database fails.
pub fn last_at(conn: &mut Conn) -> Result<Instant> {
    let recorded = changes::table.select(max(changes::at));
    let passed = article_due::table.filter(article_due::at.le(Now)).select(max(article_due::at));
    let newest = diesel::select((recorded.single_value(), passed.single_value()));
    let (recorded, passed): (Option<Instant>, Option<Instant>) = direct!(conn, |own| newest.get_result(own))?;
    recorded.max(passed).or_else(|| Instant::from_millis(0)).ok_or_else(|| Error::internal("no epoch"))
}
