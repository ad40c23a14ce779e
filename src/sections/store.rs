//! Sections in the database, and the rules that hold between them.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::Value;

use super::model::{Section, SectionDoc, SectionInput, SectionSummary};
use crate::{
    articles::{facets, usage},
    audit::Resource,
    auth::identity::Caller,
    changes::{self, Change, Details},
    clock::Instant,
    config::SiteConfig,
    db::{Conn, Tx, direct::direct, schema::sections},
    error::{Code, Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::SectionId,
    input::{Prose, Slug, merge},
    reference::Reference,
    resources::{self, Shown, document},
    revisions::{self, Basis, Revision},
    slugs::{self, Kind, named_by},
};

/// A site has at most this many sections, so that the whole tree is one answer.
pub const MOST: i64 = 500;

/// The tree has at most this many levels.
const DEEPEST: usize = 8;

/// A row of the table.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sections)]
pub struct SectionRow {
    /// The id.
    pub id: SectionId,
    slug: String,
    name: String,
    description: Option<String>,
    /// The section above.
    pub parent_id: Option<SectionId>,
    /// The slugs from the top down.
    pub path: String,
    position: i32,
    /// The newest revision.
    pub revision: i32,
    created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// When it was moved to the trash.
    pub trashed_at: Option<Instant>,
}

impl SectionRow {
    /// Returns the section where something else refers to it.
    pub fn summary(&self) -> SectionSummary {
        SectionSummary { id: self.id, slug: self.slug.clone(), name: self.name.clone(), path: self.path.clone() }
    }

    fn doc(&self) -> Result<SectionDoc> {
        let stored =
            |invalid: crate::input::Invalid| Error::internal(format!("section {}: {}", self.id, invalid.detail));
        Ok(SectionDoc {
            name: crate::input::Line::parse(&self.name).map_err(stored)?,
            slug: Slug::trusted(self.slug.clone()),
            description: self.description.as_deref().map(Prose::parse).transpose().map_err(stored)?,
            parent: self.parent_id,
            position: super::model::Position(self.position),
        })
    }

    fn view(self, parent: Option<SectionSummary>, site: &SiteConfig, shown: Shown) -> Section {
        let url = site.section_url(&self.slug, &self.path, self.id);
        let is_live = shown == Shown::Live;
        Section {
            id: self.id,
            slug: self.slug,
            name: self.name,
            description: self.description,
            parent,
            path: self.path,
            position: self.position,
            url,
            created_at: self.created_at,
            updated_at: self.updated_at,
            children: None,
            revision: (!is_live).then_some(self.revision),
            trashed_at: if is_live { None } else { self.trashed_at },
        }
    }
}

/// Returns the section that a reference names, in the trash or not; a former slug is a redirect.
///
/// # Errors
/// `not_found`, or a redirect when it is known by another slug now.
pub fn find(conn: &mut Conn, reference: &Reference<SectionId>) -> Result<SectionRow> {
    let row = try_find(conn, reference)?.ok_or_else(Error::not_found)?;
    match reference {
        Reference::Slug(asked) if *asked != row.slug => Err(Error::moved_to(row.slug)),
        _ => Ok(row),
    }
}

/// Returns the section that a reference names, by any slug that it has or had.
///
/// # Errors
/// When the database fails.
pub fn try_find(conn: &mut Conn, reference: &Reference<SectionId>) -> Result<Option<SectionRow>> {
    Ok(named_by!(conn, sections, SectionRow, Kind::Section, reference)?)
}

/// Returns the section that a parameter names.
///
/// # Errors
/// `invalid_parameter` when there is none.
pub fn named(conn: &mut Conn, reference: &Reference<SectionId>, pointer: &str) -> Result<SectionRow> {
    let found = try_find(conn, reference)?.filter(|row| row.trashed_at.is_none());
    found.ok_or_else(|| {
        let detail = format!("there is no section \"{reference}\"");
        Error::faults(Code::InvalidParameter, vec![crate::error::Fault::new(pointer, "not_found", detail)])
    })
}

/// Returns one section as readers see it.
///
/// # Errors
/// `not_found` for what is not there or in the trash.
pub fn get_live(conn: &mut Conn, reference: &Reference<SectionId>, site: &SiteConfig) -> Result<Section> {
    match find(conn, reference) {
        Ok(row) if row.trashed_at.is_none() => view_of(conn, row, site, Shown::Live),
        Ok(_) => Err(Error::not_found()),
        Err(error) => match error.new_slug() {
            // A redirect to what is in the trash would tell that it was there.
            Some(_) if try_find(conn, reference)?.is_some_and(|row| row.trashed_at.is_some()) => {
                Err(Error::not_found())
            }
            _ => Err(error),
        },
    }
}

/// Returns when a section, or the one above it, which it embeds, last changed.
///
/// # Errors
/// When the database fails.
pub fn changed_at(conn: &mut Conn, section: &Section) -> Result<Instant> {
    let Some(above) = &section.parent else { return Ok(section.updated_at) };
    let above: Instant = sections::table.find(above.id).select(sections::updated_at).get_result(conn)?;
    Ok(above.max(section.updated_at))
}

/// Returns the view of a row.
///
/// # Errors
/// When the database fails.
pub fn view_of(conn: &mut Conn, row: SectionRow, site: &SiteConfig, shown: Shown) -> Result<Section> {
    let parent = match row.parent_id {
        None => None,
        Some(id) => Some(sections::table.find(id).select(SectionRow::as_select()).get_result(conn)?.summary()),
    };
    Ok(row.view(parent, site, shown))
}

/// Reads a page of sections in the order of their paths, one more than the limit.
///
/// # Errors
/// When the database fails.
pub fn page(conn: &mut Conn, shown: Shown, limit: Limit, cursor: Option<&Cursor>) -> Result<Vec<SectionRow>> {
    let mut query = sections::table.select(SectionRow::as_select()).into_boxed();
    query = match shown {
        Shown::Trash => query.filter(sections::trashed_at.is_not_null()),
        Shown::Live | Shown::Working => query.filter(sections::trashed_at.is_null()),
    };
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    if let Some(path) = cursor.and_then(|cursor| cursor.keys.first()) {
        query = if is_backward {
            query.filter(sections::path.lt(path.clone()))
        } else {
            query.filter(sections::path.gt(path.clone()))
        };
    }
    let query = if is_backward { query.order(sections::path.desc()) } else { query.order(sections::path.asc()) };
    Ok(query.limit(limit.and_one()).load(conn)?)
}

/// Returns the views of rows, with the sections above them.
///
/// # Errors
/// When the database fails.
pub fn views(conn: &mut Conn, rows: Vec<SectionRow>, site: &SiteConfig, shown: Shown) -> Result<Vec<Section>> {
    let parents: Vec<SectionId> = rows.iter().filter_map(|row| row.parent_id).collect();
    let parents: HashMap<SectionId, SectionSummary> = sections::table
        .filter(sections::id.eq_any(parents))
        .select(SectionRow::as_select())
        .load(conn)?
        .into_iter()
        .map(|row| (row.id, row.summary()))
        .collect();
    Ok(rows
        .into_iter()
        .map(|row| {
            let parent = row.parent_id.and_then(|id| parents.get(&id).cloned());
            row.view(parent, site, shown)
        })
        .collect())
}

/// Reads all sections as a tree, neighbors in the order of their positions.
///
/// # Errors
/// When the database fails.
pub fn tree(conn: &mut Conn, site: &SiteConfig, shown: Shown) -> Result<Vec<Section>> {
    let rows: Vec<SectionRow> = sections::table
        .filter(sections::trashed_at.is_null())
        .order((sections::position.asc(), sections::path.asc()))
        .limit(MOST)
        .select(SectionRow::as_select())
        .load(conn)?;
    let views = views(conn, rows, site, shown)?;
    let mut below: HashMap<Option<SectionId>, Vec<Section>> = HashMap::new();
    for view in views {
        below.entry(view.parent.as_ref().map(|parent| parent.id)).or_default().push(view);
    }
    Ok(branch(None, &mut below))
}

/// Takes what is below a section out of the map; the depth of the tree is bounded.
fn branch(parent: Option<SectionId>, below: &mut HashMap<Option<SectionId>, Vec<Section>>) -> Vec<Section> {
    let mut sections = below.remove(&parent).unwrap_or_default();
    for section in &mut sections {
        section.children = Some(branch(Some(section.id), below));
    }
    sections
}

/// Creates a section.
///
/// # Errors
/// `invalid_input` with all faults, `slug_taken`.
pub fn create(tx: &mut Tx<'_>, by: Option<&Caller>, input: &SectionInput) -> Result<SectionRow> {
    if is_full(tx)? {
        return Err(Error::invalid("", "too_many", format!("A site has at most {MOST} sections.")));
    }
    let id = SectionId::generate();
    let parent = parent_of(tx, None, input)?;
    let slug = slugs::settle(tx, Kind::Section, id.into(), input.slug.as_ref(), input.name.as_str())?;
    let path = path_below(parent.as_ref(), &slug);
    diesel::insert_into(sections::table)
        .values((
            sections::id.eq(id),
            sections::slug.eq(slug.as_str()),
            sections::name.eq(input.name.as_str()),
            sections::description.eq(input.description.as_ref().map(Prose::as_str)),
            sections::parent_id.eq(parent.map(|parent| parent.id)),
            sections::path.eq(path),
            sections::position.eq(input.position.0),
            sections::revision.eq(1),
            sections::created_at.eq(tx.now),
            sections::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    finish(tx, by, id, "created", Vec::new())
}

/// Changes a section by a merge patch.
///
/// # Errors
/// `precondition_failed` when the basis is stale, `invalid_input`, `slug_taken`.
pub fn update(
    tx: &mut Tx<'_>,
    by: &Caller,
    reference: &Reference<SectionId>,
    basis: &Basis,
    patch: &Value,
) -> Result<SectionRow> {
    let row = find_untrashed(tx, reference)?;
    let doc = document(&row.doc()?)?;
    revisions::check(tx, row.id.into(), basis, row.revision, Some(patch), &doc)?;
    let mut merged = doc.clone();
    merge::apply(&mut merged, patch);
    let input: SectionInput = merge::unknown_removals(patch, &doc, &[]).read(merged, Code::InvalidInput)?;
    let parent = parent_of(tx, Some(&row), &input)?;
    let slug = slugs::settle(tx, Kind::Section, row.id.into(), input.slug.as_ref(), input.name.as_str())?;
    let path = path_below(parent.as_ref(), &slug);
    let new = SectionDoc {
        name: input.name,
        slug,
        description: input.description,
        parent: parent.map(|parent| parent.id),
        position: input.position,
    };
    if document(&new)? == doc {
        return Ok(row);
    }
    diesel::update(sections::table.find(row.id))
        .set((
            sections::slug.eq(new.slug.as_str()),
            sections::name.eq(new.name.as_str()),
            sections::description.eq(new.description.as_ref().map(Prose::as_str)),
            sections::parent_id.eq(new.parent),
            sections::position.eq(new.position.0),
            sections::revision.eq(row.revision + 1),
            sections::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    let mut affected = children_of(tx, row.id)?;
    if path != row.path {
        let subtree = move_subtree(tx, &row, &path)?;
        affected.extend(&subtree);
        if new.parent != row.parent_id {
            let (left, joined) = (ancestors(tx.conn()?, row.parent_id)?, ancestors(tx.conn()?, new.parent)?);
            facets::refile(tx, &subtree, &left, &joined)?;
        }
    }
    finish(tx, Some(by), row.id, "updated", affected)
}

/// Moves a section to the trash.
///
/// # Errors
/// `in_use` while articles or sections below are in it, `precondition_failed`.
pub fn trash(tx: &mut Tx<'_>, by: &Caller, reference: &Reference<SectionId>, basis: &Basis) -> Result<SectionRow> {
    let row = find_untrashed(tx, reference)?;
    let doc = document(&row.doc()?)?;
    revisions::check(tx, row.id.into(), basis, row.revision, None, &doc)?;
    let below: i64 = sections::table
        .filter(sections::parent_id.eq(row.id))
        .filter(sections::trashed_at.is_null())
        .count()
        .get_result(tx.conn()?)?;
    let articles = usage::of_section(tx.conn()?, row.id)?;
    usage::refuse("section", &[(articles, "article"), (below, "section below it")])?;
    set_trashed(tx, &row, Some(tx.now))?;
    finish(tx, Some(by), row.id, "trashed", Vec::new())
}

/// Brings a section back from the trash.
///
/// # Errors
/// `invalid_transition` when it is not there, the section above is, or the tree has no room; `precondition_failed`.
pub fn restore(tx: &mut Tx<'_>, by: &Caller, reference: &Reference<SectionId>, basis: &Basis) -> Result<SectionRow> {
    let row = find(tx.conn()?, reference)?;
    let doc = document(&row.doc()?)?;
    revisions::check(tx, row.id.into(), basis, row.revision, None, &doc)?;
    resources::require_trashed("section", row.trashed_at)?;
    let conn = tx.conn()?;
    let above = |id: SectionId| sections::table.find(id).select(SectionRow::as_select()).get_result::<SectionRow>(conn);
    let parent = row.parent_id.map(above).transpose()?;
    if parent.as_ref().is_some_and(|parent| parent.trashed_at.is_some()) {
        return Err(Error::new(Code::InvalidTransition, "The section above is in the trash; restore it first."));
    }
    // Others may have come, or the section above may have moved down, since this one was trashed.
    if is_full(tx)? {
        return Err(Error::new(
            Code::InvalidTransition,
            format!("A site has at most {MOST} sections; trash another first."),
        ));
    }
    if ancestors(tx.conn()?, row.parent_id)?.len() >= DEEPEST {
        let detail = format!("The tree has at most {DEEPEST} levels; move the section above up first.");
        return Err(Error::new(Code::InvalidTransition, detail));
    }
    set_trashed(tx, &row, None)?;
    let path = path_below(parent.as_ref(), &Slug::trusted(row.slug.clone()));
    diesel::update(sections::table.find(row.id)).set(sections::path.eq(path)).execute(tx.conn()?)?;
    finish(tx, Some(by), row.id, "restored", Vec::new())
}

/// Returns a section and all above it, the nearest first.
///
/// # Errors
/// When the database fails.
pub fn ancestors(conn: &mut Conn, mut id: Option<SectionId>) -> Result<Vec<SectionId>> {
    let mut found = Vec::new();
    while let Some(current) = id.filter(|_| found.len() <= DEEPEST) {
        found.push(current);
        let parent = sections::table.find(current).select(sections::parent_id);
        id = direct!(conn, |own| parent.get_result(own))?;
    }
    Ok(found)
}

/// Returns whether the site has as many sections as it may have.
fn is_full(tx: &mut Tx<'_>) -> Result<bool> {
    let count: i64 = sections::table.filter(sections::trashed_at.is_null()).count().get_result(tx.conn()?)?;
    Ok(count >= MOST)
}

fn find_untrashed(tx: &mut Tx<'_>, reference: &Reference<SectionId>) -> Result<SectionRow> {
    let row = find(tx.conn()?, reference)?;
    resources::require_untrashed("section", row.trashed_at)?;
    Ok(row)
}

fn set_trashed(tx: &mut Tx<'_>, row: &SectionRow, at: Option<Instant>) -> Result<()> {
    diesel::update(sections::table.find(row.id))
        .set((sections::trashed_at.eq(at), sections::revision.eq(row.revision + 1), sections::updated_at.eq(tx.now)))
        .execute(tx.conn()?)?;
    Ok(())
}

/// Keeps the revision and tells the change log; returns the row as it is now.
///
/// `affected` are other sections that look different too: those that embed this one, and those whose path is new.
fn finish(
    tx: &mut Tx<'_>,
    by: Option<&Caller>,
    id: SectionId,
    kind: &'static str,
    affected: Vec<SectionId>,
) -> Result<SectionRow> {
    let row: SectionRow = sections::table.find(id).select(SectionRow::as_select()).get_result(tx.conn()?)?;
    let content = document(&row.doc()?)?;
    let by = by.map(|caller| caller.user_id);
    let revision = Revision::new((Resource::Section, id.into()), (row.revision, kind), &content, by);
    revisions::append(tx, &revision)?;
    let mut keys: Vec<String> = affected.iter().chain([&id]).map(|id| format!("section-{id}")).collect();
    keys.push("sections".to_owned());
    if kind == "updated" || kind == "trashed" {
        // Lists of articles embed sections and are filtered by them, and are not keyed by them.
        keys.push("articles".to_owned());
    }
    keys.sort_unstable();
    keys.dedup();
    changes::append(tx, &Change { kind, resource: "section", id: id.into(), keys, details: Details::default() })?;
    Ok(row)
}

fn parent_of(tx: &mut Tx<'_>, of: Option<&SectionRow>, input: &SectionInput) -> Result<Option<SectionRow>> {
    let Some(reference) = &input.parent else { return Ok(None) };
    let parent = try_find(tx.conn()?, reference)?
        .filter(|parent| parent.trashed_at.is_none())
        .ok_or_else(|| Error::invalid("/parent", "not_found", format!("there is no section \"{reference}\"")))?;
    let above = ancestors(tx.conn()?, Some(parent.id))?;
    if of.is_some_and(|row| above.contains(&row.id)) {
        return Err(Error::invalid("/parent", "cycle", "a section cannot be below itself"));
    }
    let height = match of {
        None => 1,
        Some(row) => {
            subtree_of(tx, row)?
                .iter()
                .map(|(_, path)| path.split('/').count())
                .max()
                .unwrap_or(0)
                .saturating_sub(row.path.split('/').count())
                + 1
        }
    };
    if above.len() + height > DEEPEST {
        return Err(Error::invalid("/parent", "too_deep", format!("the tree has at most {DEEPEST} levels")));
    }
    Ok(Some(parent))
}

fn path_below(parent: Option<&SectionRow>, slug: &Slug) -> String {
    parent.map_or_else(|| slug.to_string(), |parent| format!("{}/{slug}", parent.path))
}

/// Returns the section and all below it, with their paths.
fn subtree_of(tx: &mut Tx<'_>, row: &SectionRow) -> Result<Vec<(SectionId, String)>> {
    // In byte order everything below `a/b` lies between `a/b/` and `a/b0`.
    Ok(sections::table
        .filter(
            sections::path
                .eq(&row.path)
                .or(sections::path.ge(format!("{}/", row.path)).and(sections::path.lt(format!("{}0", row.path)))),
        )
        .filter(sections::trashed_at.is_null())
        .select((sections::id, sections::path))
        .load(tx.conn()?)?)
}

fn children_of(tx: &mut Tx<'_>, id: SectionId) -> Result<Vec<SectionId>> {
    Ok(sections::table
        .filter(sections::parent_id.eq(id))
        .filter(sections::trashed_at.is_null())
        .select(sections::id)
        .load(tx.conn()?)?)
}

fn move_subtree(tx: &mut Tx<'_>, row: &SectionRow, path: &str) -> Result<Vec<SectionId>> {
    let subtree = subtree_of(tx, row)?;
    for (id, old) in &subtree {
        let rest = old.get(row.path.len()..).unwrap_or_default();
        diesel::update(sections::table.find(*id))
            .set((sections::path.eq(format!("{path}{rest}")), sections::updated_at.eq(tx.now)))
            .execute(tx.conn()?)?;
    }
    Ok(subtree.into_iter().map(|(id, _)| id).collect())
}
