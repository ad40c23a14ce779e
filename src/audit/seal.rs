//! Sealing: entries that were committed get their place in the chain.
//!
//! One server at a time does it, in batches, without holding anybody up. The order is that of the sealing, which is that
//! of time but for what was committed late. Start at [`seal`].

use diesel::prelude::*;

use super::{digest, verify::Head};
use crate::{
    db::{
        Conn, Db,
        direct::{direct, top, update},
        schema::audit,
    },
    error::{Error, Result},
    ids::AuditId,
};

/// The most entries that one transaction seals.
const BATCH: i64 = 500;

/// The number of the lock under which one server at a time seals.
const LOCK: i64 = 0x0066_705f_6175_6400;

/// Seals entries; returns whether there are more.
///
/// # Errors
/// When the database fails.
pub async fn seal(db: &Db) -> Result<bool> {
    let is_any = db.read(|conn| {
        let unsealed = audit::table.filter(audit::position.is_null());
        Ok(diesel::select(diesel::dsl::exists(unsealed)).get_result::<bool>(conn)?)
    });
    if !is_any.await? {
        return Ok(false);
    }
    // Not serializable: what others append meanwhile is sealed next time, and they must not lose a race for it.
    db.write_alone(|tx| {
        if !tx.try_lock(LOCK)? {
            return Ok(false);
        }
        let mut head = head(tx.conn()?)?;
        let unsealed = audit::table
            .filter(audit::position.is_null())
            .order((audit::at, audit::id))
            .select((audit::id, audit::digest));
        let unsealed: Vec<(AuditId, String)> = direct!(tx.conn()?, |own| top(unsealed, BATCH).load(own))?;
        for (id, digest) in &unsealed {
            head = head.next(digest);
            let place = (audit::position.eq(head.position), audit::chain.eq(&head.chain));
            let unsealed = audit::id.eq(id).and(audit::position.is_null());
            // It stays prepared: compiled anew for each entry, it would be a third of what writing costs.
            if direct!(tx.conn()?, |own| update("audit", place, unsealed).execute(own))? != 1 {
                return Err(Error::internal(format!("the audit's entry {id} was sealed by somebody else")));
            }
        }
        Ok(i64::try_from(unsealed.len()).unwrap_or(BATCH) == BATCH)
    })
    .await
}

/// Returns where the chain ends.
///
/// # Errors
/// When the database fails.
pub fn head(conn: &mut Conn) -> Result<Head> {
    let last: Option<(Option<i64>, Option<String>)> = audit::table
        .filter(audit::position.is_not_null())
        .order(audit::position.desc())
        .select((audit::position, audit::chain))
        .first(conn)
        .optional()?;
    Ok(match last {
        Some((Some(position), chain)) => Head { position, chain: chain.unwrap_or_default() },
        _ => Head::genesis(),
    })
}

impl Head {
    /// The end of a chain without entries.
    pub fn genesis() -> Self {
        Self { position: 0, chain: digest::GENESIS.to_owned() }
    }

    /// Returns the end of the chain after one more entry.
    pub fn next(&self, digest: &str) -> Self {
        Self { position: self.position + 1, chain: digest::chain(&self.chain, digest) }
    }
}
