//! Staff profiles in the database, and the rules that hold between them.

use diesel::prelude::*;
use serde_json::Value;

use super::model::{Bio, StaffDoc, StaffInput, StaffKind, StaffProfile, StaffSummary};
use crate::{
    articles::usage,
    audit::Resource,
    auth::identity::Caller,
    body::{Body, NoLinks, Warning},
    changes::{self, Change, Details},
    clock::Instant,
    config::SiteConfig,
    db::{
        Conn, Tx,
        schema::{staff, users},
    },
    error::{Code, Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::StaffId,
    input::{Email, Line, Link, Phone, Slug, read},
    reference::Reference,
    resources::{self, Shown, document},
    revisions::{self, Basis, Revision},
    slugs::{self, Kind, named_by},
};

/// A row of the table.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = staff)]
pub struct StaffRow {
    /// The id.
    pub id: StaffId,
    /// The readable part of the address.
    pub slug: String,
    name: String,
    kind: StaffKind,
    title: Option<String>,
    bio_html: String,
    contact_email: Option<String>,
    contact_phone: Option<String>,
    links: String,
    /// The newest revision.
    pub revision: i32,
    created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// When it was moved to the trash.
    pub trashed_at: Option<Instant>,
}

/// A profile that was just written, with what could not be kept of its bio.
pub struct Saved {
    /// The row as it is now.
    pub row: StaffRow,
    /// What could not be kept.
    pub warnings: Vec<Warning>,
}

impl StaffRow {
    /// Returns the profile where something else refers to it.
    pub fn summary(&self) -> StaffSummary {
        StaffSummary {
            id: self.id,
            slug: self.slug.clone(),
            name: self.name.clone(),
            kind: self.kind,
            title: self.title.clone(),
        }
    }

    /// Returns the profile, unless it was asked for by a slug that it has no more.
    fn known_as(self, reference: &Reference<StaffId>) -> Result<Self> {
        match reference {
            Reference::Slug(asked) if *asked != self.slug => Err(Error::moved_to(self.slug)),
            _ => Ok(self),
        }
    }

    fn bio(&self) -> Option<String> {
        (!self.bio_html.is_empty()).then(|| self.bio_html.clone())
    }

    fn links(&self) -> Result<Vec<Link>> {
        serde_json::from_str(&self.links)
            .map_err(|error| Error::internal(format!("links of staff {}: {error}", self.id)))
    }

    fn doc(&self) -> Result<StaffDoc> {
        let damaged = resources::damaged("staff profile", self.id);
        Ok(StaffDoc {
            name: Line::parse(&self.name).map_err(&damaged)?,
            slug: Slug::trusted(self.slug.clone()),
            kind: self.kind,
            title: self.title.as_deref().map(Line::parse).transpose().map_err(&damaged)?,
            bio_html: self.bio(),
            contact_email: self.contact_email.as_deref().map(Email::parse).transpose().map_err(&damaged)?,
            contact_phone: self.contact_phone.as_deref().map(Phone::parse).transpose().map_err(&damaged)?,
            links: self.links()?,
        })
    }

    /// Returns the view of the profile.
    ///
    /// # Errors
    /// When the stored profile is damaged.
    pub fn view(self, site: &SiteConfig, shown: Shown) -> Result<StaffProfile> {
        let is_live = shown == Shown::Live;
        Ok(StaffProfile {
            id: self.id,
            url: site.staff_url(&self.slug, self.id),
            bio_html: self.bio(),
            links: self.links()?,
            slug: self.slug,
            name: self.name,
            kind: self.kind,
            title: self.title,
            contact_email: self.contact_email,
            contact_phone: self.contact_phone,
            created_at: self.created_at,
            updated_at: self.updated_at,
            revision: (!is_live).then_some(self.revision),
            trashed_at: if is_live { None } else { self.trashed_at },
            warnings: None,
        })
    }
}

/// Returns the profile that a reference names, by any slug that it has or had.
///
/// # Errors
/// When the database fails.
pub fn try_find(conn: &mut Conn, reference: &Reference<StaffId>) -> Result<Option<StaffRow>> {
    Ok(named_by!(conn, staff, StaffRow, Kind::Staff, reference)?)
}

/// Returns the profile that a reference names, in the trash or not; a former slug is a redirect.
///
/// # Errors
/// `not_found`, or a redirect when it is known by another slug now.
pub fn find(conn: &mut Conn, reference: &Reference<StaffId>) -> Result<StaffRow> {
    try_find(conn, reference)?.ok_or_else(Error::not_found)?.known_as(reference)
}

/// Returns one profile as readers see it.
///
/// # Errors
/// `not_found` for what is not there or in the trash, a redirect when it is known by another slug now.
pub fn get_live(conn: &mut Conn, reference: &Reference<StaffId>, site: &SiteConfig) -> Result<StaffProfile> {
    // Whether it is there is decided first: a redirect to what is in the trash would tell that it was there.
    let row = try_find(conn, reference)?.filter(|row| row.trashed_at.is_none()).ok_or_else(Error::not_found)?;
    row.known_as(reference)?.view(site, Shown::Live)
}

/// Reads a page of profiles in the order of their slugs, one more than the limit.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut Conn,
    shown: Shown,
    kind: Option<StaffKind>,
    limit: Limit,
    cursor: Option<&Cursor>,
) -> Result<Vec<StaffRow>> {
    let mut query = staff::table.select(StaffRow::as_select()).into_boxed();
    query = match shown {
        Shown::Trash => query.filter(staff::trashed_at.is_not_null()),
        Shown::Live | Shown::Working => query.filter(staff::trashed_at.is_null()),
    };
    if let Some(kind) = kind {
        query = query.filter(staff::kind.eq(kind));
    }
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    if let Some(slug) = cursor.and_then(|cursor| cursor.keys.first()) {
        query = if is_backward {
            query.filter(staff::slug.lt(slug.clone()))
        } else {
            query.filter(staff::slug.gt(slug.clone()))
        };
    }
    let query = if is_backward { query.order(staff::slug.desc()) } else { query.order(staff::slug.asc()) };
    Ok(query.limit(limit.and_one()).load(conn)?)
}

/// Creates a profile.
///
/// # Errors
/// `slug_taken`.
pub fn create(tx: &mut Tx<'_>, by: Option<&Caller>, input: &StaffInput) -> Result<Saved> {
    let id = StaffId::generate();
    let slug = slugs::settle(tx, Kind::Staff, id.into(), input.slug.as_ref(), input.name.as_str())?;
    let (body, warnings) = body_of(input.bio()?);
    diesel::insert_into(staff::table)
        .values((
            staff::id.eq(id),
            staff::slug.eq(slug.as_str()),
            staff::name.eq(input.name.as_str()),
            staff::kind.eq(input.kind),
            staff::title.eq(input.title.as_ref().map(Line::as_str)),
            staff::bio_blocks.eq(serde_json::to_string(&body).map_err(Error::internal)?),
            staff::bio_html.eq(body.to_html(&NoLinks)),
            staff::contact_email.eq(input.contact_email.as_ref().map(Email::as_str)),
            staff::contact_phone.eq(input.contact_phone.as_ref().map(Phone::as_str)),
            staff::links.eq(serde_json::to_string(&input.links.0).map_err(Error::internal)?),
            staff::revision.eq(1),
            staff::created_at.eq(tx.now),
            staff::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    Ok(Saved { row: finish(tx, by, id, "created")?, warnings })
}

/// Changes a profile by a merge patch.
///
/// # Errors
/// `precondition_failed` when the basis is stale, `invalid_input`, `slug_taken`.
pub fn update(
    tx: &mut Tx<'_>,
    by: &Caller,
    reference: &Reference<StaffId>,
    basis: &Basis,
    patch: &Value,
) -> Result<Saved> {
    let row = find_untrashed(tx, reference)?;
    let old = row.doc()?;
    let doc = document(&old)?;
    revisions::check(tx, row.id.into(), basis, row.revision, Some(patch), &doc)?;
    let mut known = doc.clone();
    if let Value::Object(members) = &mut known {
        members.insert("bio_markdown".to_owned(), Value::Null);
    }
    let mut merged = resources::patched(&known, patch)?;
    let patches = |name: &str| patch.get(name).is_some();
    let patches_bio = patches("bio_html") || patches("bio_markdown");
    if let (false, Value::Object(members)) = (patches("bio_html"), &mut merged) {
        // What was written from blocks may be longer than what they were read from, and need not be read again.
        members.shift_remove("bio_html");
    }
    let input: StaffInput = read(merged, Code::InvalidInput)?;
    let slug = slugs::settle(tx, Kind::Staff, row.id.into(), input.slug.as_ref(), input.name.as_str())?;
    let (body, warnings) = body_of(input.bio()?);
    let html = body.to_html(&NoLinks);
    let new = StaffDoc {
        name: input.name,
        slug,
        kind: input.kind,
        title: input.title,
        bio_html: if patches_bio { Some(html).filter(|html| !html.is_empty()) } else { old.bio_html },
        contact_email: input.contact_email,
        contact_phone: input.contact_phone,
        links: input.links.0,
    };
    if document(&new)? == doc {
        return Ok(Saved { row, warnings });
    }
    let blocks = serde_json::to_string(&body).map_err(Error::internal)?;
    diesel::update(staff::table.find(row.id))
        .set((
            staff::slug.eq(new.slug.as_str()),
            staff::name.eq(new.name.as_str()),
            staff::kind.eq(new.kind),
            staff::title.eq(new.title.as_ref().map(Line::as_str)),
            patches_bio.then(|| staff::bio_blocks.eq(blocks)),
            staff::bio_html.eq(new.bio_html.as_deref().unwrap_or_default()),
            staff::contact_email.eq(new.contact_email.as_ref().map(Email::as_str)),
            staff::contact_phone.eq(new.contact_phone.as_ref().map(Phone::as_str)),
            staff::links.eq(serde_json::to_string(&new.links).map_err(Error::internal)?),
            staff::revision.eq(row.revision + 1),
            staff::updated_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    Ok(Saved { row: finish(tx, Some(by), row.id, "updated")?, warnings })
}

/// Moves a profile to the trash.
///
/// # Errors
/// `in_use` while articles use it or a user account is linked to it, `precondition_failed`.
pub fn trash(tx: &mut Tx<'_>, by: &Caller, reference: &Reference<StaffId>, basis: &Basis) -> Result<StaffRow> {
    let row = find_untrashed(tx, reference)?;
    revisions::check(tx, row.id.into(), basis, row.revision, None, &document(&row.doc()?)?)?;
    let articles = usage::of_staff(tx.conn()?, row.id)?;
    let accounts: i64 = users::table
        .filter(users::staff_id.eq(row.id))
        .filter(users::trashed_at.is_null())
        .count()
        .get_result(tx.conn()?)?;
    usage::refuse("staff profile", &[(articles, "article"), (accounts, "user")])?;
    set_trashed(tx, &row, Some(tx.now))?;
    finish(tx, Some(by), row.id, "trashed")
}

/// Brings a profile back from the trash.
///
/// # Errors
/// `invalid_transition` when it is not there, `precondition_failed`.
pub fn restore(tx: &mut Tx<'_>, by: &Caller, reference: &Reference<StaffId>, basis: &Basis) -> Result<StaffRow> {
    let row = find(tx.conn()?, reference)?;
    revisions::check(tx, row.id.into(), basis, row.revision, None, &document(&row.doc()?)?)?;
    resources::require_trashed("staff profile", row.trashed_at)?;
    set_trashed(tx, &row, None)?;
    finish(tx, Some(by), row.id, "restored")
}

fn body_of(bio: Option<&Bio>) -> (Body, Vec<Warning>) {
    bio.map(|bio| (bio.body.clone(), bio.warnings.clone())).unwrap_or_default()
}

fn find_untrashed(tx: &mut Tx<'_>, reference: &Reference<StaffId>) -> Result<StaffRow> {
    let row = find(tx.conn()?, reference)?;
    resources::require_untrashed("staff profile", row.trashed_at)?;
    Ok(row)
}

fn set_trashed(tx: &mut Tx<'_>, row: &StaffRow, at: Option<Instant>) -> Result<()> {
    diesel::update(staff::table.find(row.id))
        .set((staff::trashed_at.eq(at), staff::revision.eq(row.revision + 1), staff::updated_at.eq(tx.now)))
        .execute(tx.conn()?)?;
    Ok(())
}

/// Keeps the revision and tells the change log; returns the row as it is now.
fn finish(tx: &mut Tx<'_>, by: Option<&Caller>, id: StaffId, kind: &'static str) -> Result<StaffRow> {
    let row: StaffRow = staff::table.find(id).select(StaffRow::as_select()).get_result(tx.conn()?)?;
    let content = document(&row.doc()?)?;
    let by = by.map(|caller| caller.user_id);
    let revision = Revision::new((Resource::Staff, id.into()), (row.revision, kind), &content, by);
    revisions::append(tx, &revision)?;
    let mut keys = vec![format!("staff-{id}"), "staff".to_owned()];
    if kind == "updated" || kind == "trashed" {
        // Lists of articles embed staff profiles and are filtered by them, and are not keyed by them.
        keys.push("articles".to_owned());
    }
    changes::append(tx, &Change { kind, resource: "staff", id: id.into(), keys, details: Details::default() })?;
    Ok(row)
}
