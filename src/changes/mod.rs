//! The change log: whatever alters what readers can see appends to it, in the same transaction.
//!
//! Everything that reacts to changes follows this log ([`follow`]); handlers call none of it. This server's own cache is
//! told of its own changes at once, when they are committed ([`Tx::tell`]), and of all others' through the log.

pub mod durable;
pub mod follow;

use diesel::{dsl::sql, prelude::*, sql_types};

use crate::{
    clock::Instant,
    db::{
        Conn, Now, Tx,
        direct::{direct, top},
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
}

/// Appends a change.
///
/// # Errors
/// When the database fails.
pub fn append(tx: &mut Tx<'_>, change: &Change) -> Result<()> {
    // Where transactions commit in the order in which they write, a change has its place at once.
    let place = if tx.commits_in_order() { "(SELECT COALESCE(MAX(position), 0) + 1 FROM changes)" } else { "NULL" };
    diesel::insert_into(changes::table)
        .values((
            changes::at.eq(tx.now),
            changes::kind.eq(change.kind),
            changes::resource.eq(change.resource),
            changes::resource_id.eq(change.id),
            changes::keys.eq(serde_json::to_string(&change.keys).map_err(Error::internal)?),
            changes::position.eq(sql::<sql_types::Nullable<sql_types::BigInt>>(place)),
        ))
        .execute(tx.conn)?;
    tx.tell(&change.keys);
    tx.wake_followers()
}

/// Returns when readers last came to see anything differently; the epoch, when never.
///
/// What happened by the clock counts from its moment on, whether it is recorded yet or not.
///
/// # Errors
/// When the database fails.
pub fn last_at(conn: &mut Conn) -> Result<Instant> {
    let newest = changes::table.select(changes::at).order(changes::at.desc());
    let recorded: Option<Instant> = direct!(conn, |own| top(newest, 1).get_result(own).optional())?;
    let passed =
        article_due::table.filter(article_due::at.le(Now)).select(article_due::at).order(article_due::at.desc());
    let due: Option<Instant> = direct!(conn, |own| top(passed, 1).get_result(own).optional())?;
    recorded.max(due).or_else(|| Instant::from_millis(0)).ok_or_else(|| Error::internal("no epoch"))
}
