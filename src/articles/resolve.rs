//! References to sections, staff, tags and articles: from what clients write to ids, and from ids to summaries.
//!
//! Each direction takes a fixed number of statements, however many references there are.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{
    content::{Author, Content},
    input::{ArticleInput, refuse_twice},
    view::{AuthorSummary, UserSummary},
    working::Working,
};
use crate::{
    auth::identity::Caller,
    db::{
        Conn,
        direct::{direct, one_of},
        schema::{articles, sections, slugs, staff, tags, users},
    },
    error::{Code, Result},
    ids::{ArticleId, ResourceId, SectionId, StaffId, TagId, UserId},
    input::{Faults, Line, Slug},
    reference::Reference,
    sections::{model::SectionSummary, store::SectionRow},
    staff::model::StaffKind,
    tags::model::TagSummary,
};

/// The references of an input, resolved.
pub struct Resolved {
    /// The section.
    pub section: Option<SectionId>,
    /// The byline.
    pub authors: Vec<Author>,
    /// The tags.
    pub tags: Vec<TagId>,
    /// Related articles.
    pub related: Vec<ArticleId>,
    /// Who is to work on it.
    pub assigned_to: Option<UserId>,
}

/// The article whose references are resolved.
pub struct Subject<'a> {
    /// Its id.
    pub id: ArticleId,
    /// What it was related to before, which may stay although it went to the trash or is not for the caller.
    pub related: &'a [ArticleId],
    /// What readers know it by, once they have seen it.
    pub known_by: Option<Option<&'a Line<500>>>,
}

impl<'a> Subject<'a> {
    /// An article that comes into being.
    pub fn new(id: ArticleId) -> Self {
        Self { id, related: &[], known_by: None }
    }

    /// An article that is there.
    pub fn of(old: &'a Working) -> Self {
        let known_by = old.row.first_published_at.map(|_| old.content.guid.as_ref());
        Self { id: old.row.id, related: &old.content.related, known_by }
    }
}

/// Resolves all references of an input, and reports all that lead nowhere.
///
/// # Errors
/// `invalid_input` with a fault for each reference to what does not exist or is in the trash.
pub fn references(conn: &mut Conn, input: &ArticleInput, subject: &Subject<'_>, caller: &Caller) -> Result<Resolved> {
    let mut faults = Faults::new();
    let section: Vec<_> = input.section.iter().collect();
    let section = pick::<SectionId>(conn, "section", &section, section_ids, |_| "/section".to_owned(), &mut faults)?;
    let names: Vec<_> = input.authors.0.iter().map(|author| &author.staff).collect();
    let staff = pick::<StaffId>(conn, "staff", &names, staff_ids, |i| format!("/authors/{i}/staff"), &mut faults)?;
    let tags: Vec<Reference<TagId>> = survivors(conn, &input.tags.0)?;
    let names: Vec<_> = tags.iter().collect();
    let tags = pick::<TagId>(conn, "tag", &names, tag_ids, |i| format!("/tags/{i}"), &mut faults)?;
    let names: Vec<_> = input.related.0.iter().collect();
    let visible = |conn: &mut Conn, ids: Vec<ArticleId>| {
        let mut visible = super::working::visible_ids(conn, ids, caller)?;
        visible.extend_from_slice(subject.related);
        Ok(visible)
    };
    let related = pick::<ArticleId>(conn, "article", &names, visible, |i| format!("/related/{i}"), &mut faults)?;
    let authors: Vec<Option<Author>> = staff
        .into_iter()
        .zip(&input.authors.0)
        .map(|(id, author)| id.map(|staff| Author { staff, role: author.role }))
        .collect();
    refuse_twice(&mut faults, "/authors", &authors);
    refuse_twice(&mut faults, "/tags", &tags);
    refuse_twice(&mut faults, "/related", &related);
    if let Some(index) = related.iter().position(|id| *id == Some(subject.id)) {
        faults.add(format!("/related/{index}"), "itself", "an article cannot be related to itself");
    }
    let assigned_to = input.assigned_to.map(|assignee| assignee.0);
    if let Some(id) = assigned_to
        && !can_log_in(conn, id)?
        && !is_assigned(conn, subject.id, id)?
    {
        faults.add("/assigned_to", "not_found", "there is no such user account, or it cannot log in");
    }
    if subject.known_by.is_some_and(|known| known != input.guid.as_ref()) {
        faults.add(
            "/guid",
            "unchangeable",
            "readers have seen the article under another guid, and feeds would show it as new",
        );
    }
    faults.check(Code::InvalidInput)?;
    Ok(Resolved {
        assigned_to,
        section: section.into_iter().flatten().next(),
        authors: authors.into_iter().flatten().collect(),
        tags: tags.into_iter().flatten().collect(),
        related: related.into_iter().flatten().collect(),
    })
}

/// Resolves references of one kind; what leads nowhere is `None` and a fault.
fn pick<I>(
    conn: &mut Conn,
    kind: &str,
    references: &[&Reference<I>],
    existing: impl Fn(&mut Conn, Vec<I>) -> Result<Vec<I>>,
    pointer: impl Fn(usize) -> String,
    faults: &mut Faults,
) -> Result<Vec<Option<I>>>
where
    I: Copy + Eq + std::fmt::Display + From<ResourceId>,
{
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<String> = references.iter().filter_map(|reference| slug_key(reference)).collect();
    let by_slug: HashMap<String, ResourceId> = if keys.is_empty() {
        HashMap::new()
    } else {
        let named = slugs::table
            .filter(slugs::kind.eq(kind))
            .filter(one_of(slugs::key, keys))
            .select((slugs::key, slugs::resource_id));
        direct!(conn, |own| named.load::<(String, ResourceId)>(own))?.into_iter().collect()
    };
    let ids: Vec<Option<I>> = references
        .iter()
        .map(|reference| match reference {
            Reference::Id(id) => Some(*id),
            Reference::Slug(slug) => by_slug.get(&Slug::key_of(slug)).map(|id| I::from(*id)),
        })
        .collect();
    let existing = existing(conn, ids.iter().flatten().copied().collect())?;
    let ids = ids.into_iter().map(|id| id.filter(|id| existing.contains(id)));
    let picked: Vec<Option<I>> = ids.collect();
    for (index, (id, reference)) in picked.iter().zip(references).enumerate() {
        if id.is_none() {
            let what = if kind == "staff" { "staff profile" } else { kind };
            faults.add(pointer(index), "not_found", format!("there is no {what} \"{reference}\""));
        }
    }
    Ok(picked)
}

fn can_log_in(conn: &mut Conn, id: UserId) -> Result<bool> {
    let account = users::table.find(id).filter(users::is_disabled.eq(false)).filter(users::trashed_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(account)).get_result(conn)?)
}

/// Whether an article is assigned to an account already, which may have been disabled since.
fn is_assigned(conn: &mut Conn, article: ArticleId, user: UserId) -> Result<bool> {
    let assigned = articles::table.find(article).filter(articles::assigned_to.eq(user));
    Ok(diesel::select(diesel::dsl::exists(assigned)).get_result(conn)?)
}

fn slug_key<I>(reference: &Reference<I>) -> Option<String> {
    match reference {
        Reference::Id(_) => None,
        Reference::Slug(slug) => Some(Slug::key_of(slug)),
    }
}

fn section_ids(conn: &mut Conn, ids: Vec<SectionId>) -> Result<Vec<SectionId>> {
    let found = sections::table.filter(one_of(sections::id, ids)).filter(sections::trashed_at.is_null());
    let found = found.select(sections::id);
    Ok(direct!(conn, |own| found.load(own))?)
}

fn staff_ids(conn: &mut Conn, ids: Vec<StaffId>) -> Result<Vec<StaffId>> {
    let found = staff::table.filter(one_of(staff::id, ids)).filter(staff::trashed_at.is_null());
    let found = found.select(staff::id);
    Ok(direct!(conn, |own| found.load(own))?)
}

fn tag_ids(conn: &mut Conn, ids: Vec<TagId>) -> Result<Vec<TagId>> {
    let found = tags::table.filter(one_of(tags::id, ids)).filter(tags::trashed_at.is_null());
    let found = found.select(tags::id);
    Ok(direct!(conn, |own| found.load(own))?)
}

/// Puts the tags into which others were merged in their place; references by slug lead there by themselves.
fn survivors(conn: &mut Conn, references: &[Reference<TagId>]) -> Result<Vec<Reference<TagId>>> {
    let ids: Vec<TagId> = references
        .iter()
        .filter_map(|reference| match reference {
            Reference::Id(id) => Some(*id),
            Reference::Slug(_) => None,
        })
        .collect();
    let merged: HashMap<TagId, Option<TagId>> = if ids.is_empty() {
        HashMap::new()
    } else {
        let found = tags::table.filter(tags::id.eq_any(ids)).filter(tags::merged_into_id.is_not_null());
        found.select((tags::id, tags::merged_into_id)).load(conn)?.into_iter().collect()
    };
    let survivor = |reference: &Reference<TagId>| match reference {
        Reference::Id(id) => Reference::Id(merged.get(id).copied().flatten().unwrap_or(*id)),
        Reference::Slug(slug) => Reference::Slug(slug.clone()),
    };
    Ok(references.iter().map(survivor).collect())
}

/// What the working copies of some articles refer to, as summaries.
#[derive(Debug, Default)]
pub struct Embedded {
    sections: HashMap<SectionId, SectionSummary>,
    staff: HashMap<StaffId, (String, String, StaffKind, Option<String>)>,
    tags: HashMap<TagId, TagSummary>,
    users: HashMap<UserId, UserSummary>,
}

impl Embedded {
    /// Reads the summaries of all that some contents refer to.
    ///
    /// # Errors
    /// When the database fails.
    pub fn load<'a>(
        conn: &mut Conn,
        contents: impl Iterator<Item = &'a Content> + Clone,
        user_ids: Vec<UserId>,
    ) -> Result<Self> {
        let section_ids: Vec<SectionId> = contents.clone().filter_map(|content| content.section).collect();
        let staff_ids: Vec<StaffId> = contents.clone().flat_map(|c| c.authors.iter().map(|a| a.staff)).collect();
        let tag_ids: Vec<TagId> = contents.flat_map(|content| content.tags.iter().copied()).collect();
        let found = direct!(conn, |own| sections::table
            .filter(one_of(sections::id, section_ids))
            .select(SectionRow::as_select())
            .load(own))?;
        let sections = found.into_iter().map(|row| (row.id, row.summary())).collect();
        let named = staff::table
            .filter(one_of(staff::id, staff_ids))
            .select((staff::id, (staff::slug, staff::name, staff::kind, staff::title)));
        let found = direct!(conn, |own| named.load::<(StaffId, (String, String, StaffKind, Option<String>))>(own))?;
        let staff = found.into_iter().collect();
        let named = tags::table.filter(one_of(tags::id, tag_ids)).select((tags::id, tags::slug, tags::name));
        let found = direct!(conn, |own| named.load::<(TagId, String, String)>(own))?;
        let tags = found.into_iter().map(|(id, slug, name)| (id, TagSummary { id, slug, name })).collect();
        let named = users::table.filter(one_of(users::id, user_ids)).select((users::id, users::name));
        let found = direct!(conn, |own| named.load::<(UserId, String)>(own))?;
        let users = found.into_iter().map(|(id, name)| (id, UserSummary { id, name })).collect();
        Ok(Self { sections, staff, tags, users })
    }

    /// Returns the section of a content.
    pub fn section(&self, content: &Content) -> Option<SectionSummary> {
        content.section.and_then(|id| self.sections.get(&id).cloned())
    }

    /// Returns the byline of a content.
    pub fn authors(&self, content: &Content) -> Vec<AuthorSummary> {
        let summary = |author: &Author| {
            let (slug, name, kind, title) = self.staff.get(&author.staff)?.clone();
            Some(AuthorSummary { id: author.staff, slug, name, kind, title, role: author.role, bio_html: None })
        };
        content.authors.iter().filter_map(summary).collect()
    }

    /// Returns the tags of a content.
    pub fn tags(&self, content: &Content) -> Vec<TagSummary> {
        content.tags.iter().filter_map(|id| self.tags.get(id).cloned()).collect()
    }

    /// Returns a user account.
    pub fn user(&self, id: UserId) -> UserSummary {
        self.users.get(&id).cloned().unwrap_or(UserSummary { id, name: String::new() })
    }
}
