//! How duplicates go: one tag is merged into another, and everything that led to it leads there.

use diesel::prelude::*;

use super::store::{self, TagRow};
use crate::{
    articles::retag,
    auth::identity::Caller,
    changes::{self, Change, Details},
    db::{Tx, schema::tags},
    error::{Error, Result},
    ids::TagId,
    reference::Reference,
    revisions::{self, Basis},
    slugs::{self, Kind},
};

/// Merges a tag into another and returns the one that stays.
///
/// What was merged does not come back: its articles carry the other tag, its slugs and its id lead there.
///
/// # Errors
/// `precondition_failed` when the basis is stale, `invalid_input` when the other tag does not exist or is the same.
pub fn merge(
    tx: &mut Tx<'_>,
    by: &Caller,
    reference: &Reference<TagId>,
    basis: &Basis,
    into: &Reference<TagId>,
) -> Result<TagRow> {
    let from = store::find_untrashed(tx, reference)?;
    revisions::check(tx, from.id.into(), basis, from.revision, None, &from.document()?)?;
    let into = store::try_find(tx.conn()?, into)?
        .filter(|row| row.trashed_at.is_none())
        .ok_or_else(|| Error::invalid("/into", "not_found", format!("there is no tag \"{into}\"")))?;
    if into.id == from.id {
        return Err(Error::invalid("/into", "itself", "a tag cannot be merged into itself"));
    }
    let was_live = store::is_live(tx.conn()?, from.id)?;
    retag::retag(tx, from.id, into.id)?;
    slugs::hand_over(tx, Kind::Tag, from.id.into(), into.id.into())?;
    // What was merged into this one before goes along, so that no chains arise.
    diesel::update(tags::table.filter(tags::merged_into_id.eq(from.id).or(tags::id.eq(from.id))))
        .set(tags::merged_into_id.eq(into.id))
        .execute(tx.conn()?)?;
    store::set_trashed(tx, &from, Some(tx.now))?;
    store::keep(tx, Some(by), from.id, "merged", Some(into.id))?;
    if was_live {
        let keys =
            vec![format!("tag-{}", from.id), format!("tag-{}", into.id), "tags".to_owned(), "articles".to_owned()];
        changes::append(
            tx,
            &Change { kind: "merged", resource: "tag", id: from.id.into(), keys, details: Details::default() },
        )?;
    }
    Ok(into)
}
