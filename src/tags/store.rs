//! Tags in the database, and the rules that hold between them.

use diesel::{dsl::exists, prelude::*};
use serde_json::Value;

use super::model::{Prefix, Tag, TagDoc, TagInput};
use crate::{
    articles::{
        facets::Facet,
        list, live,
        scope::{Scope, carriers},
        usage,
    },
    audit::Resource,
    auth::identity::Caller,
    changes::{self, Change, Details},
    clock::Instant,
    config::SiteConfig,
    db::{
        Conn, Tx,
        direct::direct,
        schema::{live_articles, live_tags, tags},
    },
    error::{Code, Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::{ResourceId, TagId},
    input::{Line, Prose, Slug, read},
    policy::Policy,
    reference::Reference,
    resources::{self, Shown, document},
    revisions::{self, Basis, Revision},
    slugs::{self, Kind, named_by},
};

/// A row of the table.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = tags)]
pub struct TagRow {
    /// The id.
    pub id: TagId,
    /// The readable part of the address.
    pub slug: String,
    name: String,
    description: Option<String>,
    merged_into_id: Option<TagId>,
    /// The newest revision.
    pub revision: i32,
    created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// When it was moved to the trash.
    pub trashed_at: Option<Instant>,
}

impl TagRow {
    /// Returns the tag, unless it was asked for by a slug that it has no more, or by the id of one that was merged into it.
    fn known_as(self, reference: &Reference<TagId>) -> Result<Self> {
        let is_known = match reference {
            Reference::Id(asked) => *asked == self.id,
            Reference::Slug(asked) => *asked == self.slug,
        };
        if is_known { Ok(self) } else { Err(Error::moved_to(self.slug)) }
    }

    /// Returns the tag as a document to patch and to compare.
    ///
    /// # Errors
    /// When the stored tag is damaged.
    pub(super) fn document(&self) -> Result<Value> {
        let damaged = resources::damaged("tag", self.id);
        document(&TagDoc {
            name: Line::parse(&self.name).map_err(&damaged)?,
            slug: Slug::trusted(self.slug.clone()),
            description: self.description.as_deref().map(Prose::parse).transpose().map_err(&damaged)?,
        })
    }

    /// Returns the view of the tag.
    pub fn view(self, site: &SiteConfig, shown: Shown) -> Tag {
        let is_live = shown == Shown::Live;
        Tag {
            id: self.id,
            url: site.tag_url(&self.slug, self.id),
            slug: self.slug,
            name: self.name,
            description: self.description,
            created_at: self.created_at,
            updated_at: self.updated_at,
            revision: (!is_live).then_some(self.revision),
            trashed_at: if is_live { None } else { self.trashed_at },
        }
    }
}

/// Returns the tag that a reference names, by any slug that it has or had, or by the id of one that was merged into it.
///
/// # Errors
/// When the database fails.
pub fn try_find(conn: &mut Conn, reference: &Reference<TagId>) -> Result<Option<TagRow>> {
    let row: Option<TagRow> = named_by!(conn, tags, TagRow, Kind::Tag, reference)?;
    // One step is enough: merging leaves no chains behind.
    match row.as_ref().and_then(|row| row.merged_into_id) {
        None => Ok(row),
        Some(id) => {
            Ok(direct!(conn, |own| tags::table.find(id).select(TagRow::as_select()).get_result(own).optional())?)
        }
    }
}

/// Returns the tag that a reference names, in the trash or not; a former slug and a merged tag are redirects.
///
/// # Errors
/// `not_found`, or a redirect when it is known by another slug now.
pub fn find(conn: &mut Conn, reference: &Reference<TagId>) -> Result<TagRow> {
    try_find(conn, reference)?.ok_or_else(Error::not_found)?.known_as(reference)
}

/// Returns one tag as readers see it.
///
/// # Errors
/// `not_found` for what no article that readers see carries, a redirect when it is known by another slug now.
pub fn get_live(conn: &mut Conn, reference: &Reference<TagId>, site: &SiteConfig, policy: &Policy) -> Result<Tag> {
    let row = try_find(conn, reference)?.filter(|row| row.trashed_at.is_none()).ok_or_else(Error::not_found)?;
    // Whether readers see it is decided first: a redirect would tell them that it is there.
    let is_seen = match Scope::now(conn, policy)? {
        None => is_live(conn, row.id)?,
        Some(scope) => list::is_used(conn, &Facet::tag(row.id), Some(&scope))?,
    };
    if !is_seen {
        return Err(Error::not_found());
    }
    Ok(row.known_as(reference)?.view(site, Shown::Live))
}

/// Returns whether an article that readers see carries the tag.
///
/// # Errors
/// When the database fails.
pub fn is_live(conn: &mut Conn, id: TagId) -> Result<bool> {
    let carried = live_tags::table.inner_join(live_articles::table).filter(live_tags::tag_id.eq(id));
    Ok(diesel::select(exists(carried.filter(live::is_visible()))).get_result(conn)?)
}

/// Reads a page of tags in the order of their slugs, one more than the limit.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut Conn,
    shown: Shown,
    prefix: Option<&Prefix>,
    limit: Limit,
    cursor: Option<&Cursor>,
    policy: &Policy,
) -> Result<Vec<TagRow>> {
    let mut query = tags::table.select(TagRow::as_select()).into_boxed();
    let scope = if shown == Shown::Live { Scope::now(conn, policy)? } else { None };
    query = match (shown, &scope) {
        (Shown::Live, Some(scope)) => query.filter(tags::trashed_at.is_null()).filter(exists(carriers!(scope))),
        (Shown::Live, None) => query.filter(tags::trashed_at.is_null()).filter(exists(
            live_tags::table
                .inner_join(live_articles::table)
                .filter(live_tags::tag_id.eq(tags::id))
                .filter(live::is_visible()),
        )),
        (Shown::Working, _) => query.filter(tags::trashed_at.is_null()),
        // A merged tag does not come back, so it is not on offer.
        (Shown::Trash, _) => query.filter(tags::trashed_at.is_not_null()).filter(tags::merged_into_id.is_null()),
    };
    if let Some(prefix) = prefix {
        query = query.filter(tags::slug.ge(prefix.as_str().to_owned())).filter(tags::slug.lt(prefix.end()));
    }
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    if let Some(slug) = cursor.and_then(|cursor| cursor.keys.first()) {
        query = if is_backward {
            query.filter(tags::slug.lt(slug.clone()))
        } else {
            query.filter(tags::slug.gt(slug.clone()))
        };
    }
    let query = if is_backward { query.order(tags::slug.desc()) } else { query.order(tags::slug.asc()) };
    Ok(query.limit(limit.and_one()).load(conn)?)
}

/// Creates a tag.
///
/// # Errors
/// `slug_taken`.
pub fn create(tx: &mut Tx<'_>, by: Option<&Caller>, input: &TagInput) -> Result<TagRow> {
    let id = TagId::generate();
    let slug = slugs::settle(tx, Kind::Tag, id.into(), input.slug.as_ref(), input.name.as_str())?;
    diesel::insert_into(tags::table)
        .values((
            tags::id.eq(id),
            tags::slug.eq(slug.as_str()),
            tags::name.eq(input.name.as_str()),
            tags::description.eq(input.description.as_ref().map(Prose::as_str)),
            tags::revision.eq(1),
            tags::created_at.eq(tx.now),
            tags::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    finish(tx, by, id, "created")
}

/// Changes a tag by a merge patch.
///
/// # Errors
/// `precondition_failed` when the basis is stale, `invalid_input`, `slug_taken`.
pub fn update(
    tx: &mut Tx<'_>,
    by: &Caller,
    reference: &Reference<TagId>,
    basis: &Basis,
    patch: &Value,
) -> Result<TagRow> {
    let row = find_untrashed(tx, reference)?;
    let doc = row.document()?;
    revisions::check(tx, row.id.into(), basis, row.revision, Some(patch), &doc)?;
    let input: TagInput = read(resources::patched(&doc, patch)?, Code::InvalidInput)?;
    let slug = slugs::settle(tx, Kind::Tag, row.id.into(), input.slug.as_ref(), input.name.as_str())?;
    let new = TagDoc { name: input.name, slug, description: input.description };
    if document(&new)? == doc {
        return Ok(row);
    }
    diesel::update(tags::table.find(row.id))
        .set((
            tags::slug.eq(new.slug.as_str()),
            tags::name.eq(new.name.as_str()),
            tags::description.eq(new.description.as_ref().map(Prose::as_str)),
            tags::revision.eq(row.revision + 1),
            tags::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    finish(tx, Some(by), row.id, "updated")
}

/// Moves a tag to the trash.
///
/// # Errors
/// `in_use` while articles carry it, `precondition_failed`.
pub fn trash(tx: &mut Tx<'_>, by: &Caller, reference: &Reference<TagId>, basis: &Basis) -> Result<TagRow> {
    let row = find_untrashed(tx, reference)?;
    revisions::check(tx, row.id.into(), basis, row.revision, None, &row.document()?)?;
    usage::refuse("tag", &[(usage::of_tag(tx.conn()?, row.id)?, "article")])?;
    set_trashed(tx, &row, Some(tx.now))?;
    finish(tx, Some(by), row.id, "trashed")
}

/// Brings a tag back from the trash.
///
/// # Errors
/// `invalid_transition` when it is not there, `precondition_failed`.
pub fn restore(tx: &mut Tx<'_>, by: &Caller, reference: &Reference<TagId>, basis: &Basis) -> Result<TagRow> {
    let row = find(tx.conn()?, reference)?;
    revisions::check(tx, row.id.into(), basis, row.revision, None, &row.document()?)?;
    resources::require_trashed("tag", row.trashed_at)?;
    set_trashed(tx, &row, None)?;
    finish(tx, Some(by), row.id, "restored")
}

/// Returns a tag to change, which must not be in the trash.
pub(super) fn find_untrashed(tx: &mut Tx<'_>, reference: &Reference<TagId>) -> Result<TagRow> {
    let row = find(tx.conn()?, reference)?;
    resources::require_untrashed("tag", row.trashed_at)?;
    Ok(row)
}

/// Moves a tag to the trash, or out of it.
pub(super) fn set_trashed(tx: &mut Tx<'_>, row: &TagRow, at: Option<Instant>) -> Result<()> {
    diesel::update(tags::table.find(row.id))
        .set((tags::trashed_at.eq(at), tags::revision.eq(row.revision + 1), tags::updated_at.eq(tx.now)))
        .execute(tx.conn()?)?;
    Ok(())
}

/// Keeps the revision and tells the change log what readers can see; returns the row as it is now.
fn finish(tx: &mut Tx<'_>, by: Option<&Caller>, id: TagId, kind: &'static str) -> Result<TagRow> {
    let row = keep(tx, by, id, kind, None)?;
    // The log must not tell of a tag that only drafts carry either.
    if is_live(tx.conn()?, id)? {
        // Lists of articles embed tags, and are not keyed by them.
        let keys = vec![format!("tag-{id}"), "tags".to_owned(), "articles".to_owned()];
        changes::append(tx, &Change { kind, resource: "tag", id: id.into(), keys, details: Details::default() })?;
    }
    Ok(row)
}

/// Keeps the revision, and into which tag this one went; returns the row as it is now.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    by: Option<&Caller>,
    id: TagId,
    kind: &'static str,
    into: Option<TagId>,
) -> Result<TagRow> {
    let row: TagRow = tags::table.find(id).select(TagRow::as_select()).get_result(tx.conn()?)?;
    let content = row.document()?;
    let by = by.map(|caller| caller.user_id);
    let plain = Revision::new((Resource::Tag, id.into()), (row.revision, kind), &content, by);
    let revision = Revision { merged_into: into.map(ResourceId::from), ..plain };
    revisions::append(tx, &revision)?;
    Ok(row)
}
