//! References to sections, staff, tags and articles: from what clients write to ids.
//!
//! That takes a fixed number of statements, however many references there are. [`Embedded`] goes the other way, from ids to
//! summaries; what was found here need not be looked up there again.

mod embedded;

use std::collections::HashMap;

use diesel::prelude::*;

pub use self::embedded::Embedded;
use super::{
    content::Author,
    input::{ArticleInput, refuse_twice},
    working::Working,
};
use crate::{
    auth::identity::Caller,
    db::{
        Conn,
        direct::{direct, one_of},
        schema::{articles, slugs, tags, users},
    },
    error::{Code, Result},
    ids::{ArticleId, ResourceId, SectionId, StaffId, TagId, UserId},
    input::{Faults, Line, Slug},
    reference::Reference,
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
    /// What the section, the byline and the tags are called.
    pub embedded: Embedded,
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
    let (mut faults, mut embedded) = (Faults::new(), Embedded::default());
    let asked: Vec<_> = input.section.iter().collect();
    let find = |keys, ids| embedded.find_sections(conn, keys, ids);
    let section = pick::<SectionId>("section", &asked, find, |_| "/section".to_owned(), &mut faults)?;
    let asked: Vec<_> = input.authors.0.iter().map(|author| &author.staff).collect();
    let find = |keys, ids| embedded.find_staff(conn, keys, ids);
    let staff = pick::<StaffId>("staff", &asked, find, |i| format!("/authors/{i}/staff"), &mut faults)?;
    let tags: Vec<Reference<TagId>> = survivors(conn, &input.tags.0)?;
    let asked: Vec<_> = tags.iter().collect();
    let find = |keys, ids| embedded.find_tags(conn, keys, ids);
    let tags = pick::<TagId>("tag", &asked, find, |i| format!("/tags/{i}"), &mut faults)?;
    let asked: Vec<_> = input.related.0.iter().collect();
    let find = |keys, ids| find_articles(conn, keys, ids, subject, caller);
    let related = pick::<ArticleId>("article", &asked, find, |i| format!("/related/{i}"), &mut faults)?;
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
        embedded,
    })
}

/// What references of one kind lead to: those by slug and those by id.
struct Found<I> {
    by_key: HashMap<String, I>,
    ids: Vec<I>,
}

/// Resolves references of one kind; what leads nowhere is `None` and a fault.
fn pick<I>(
    kind: &str,
    references: &[&Reference<I>],
    find: impl FnOnce(Vec<String>, Vec<I>) -> Result<Found<I>>,
    pointer: impl Fn(usize) -> String,
    faults: &mut Faults,
) -> Result<Vec<Option<I>>>
where
    I: Copy + Eq + std::fmt::Display,
{
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let keys = references.iter().filter_map(|reference| reference.slug_key()).collect();
    let ids = references.iter().filter_map(|reference| reference.id()).collect();
    let found = find(keys, ids)?;
    let picked: Vec<Option<I>> = references
        .iter()
        .map(|reference| match reference {
            Reference::Id(id) => found.ids.contains(id).then_some(*id),
            Reference::Slug(slug) => found.by_key.get(&Slug::key_of(slug)).copied(),
        })
        .collect();
    for (index, (id, reference)) in picked.iter().zip(references).enumerate() {
        if id.is_none() {
            let what = if kind == "staff" { "staff profile" } else { kind };
            faults.add(pointer(index), "not_found", format!("there is no {what} \"{reference}\""));
        }
    }
    Ok(picked)
}

/// Finds articles by their slugs and ids, as far as a caller may see them or the subject named them before.
fn find_articles(
    conn: &mut Conn,
    keys: Vec<String>,
    ids: Vec<ArticleId>,
    subject: &Subject<'_>,
    caller: &Caller,
) -> Result<Found<ArticleId>> {
    let mut by_key = HashMap::new();
    if !keys.is_empty() {
        let named = slugs::table.filter(slugs::kind.eq("article")).filter(one_of(slugs::key, keys));
        let named = named.select((slugs::key, slugs::resource_id));
        let named: Vec<(String, ResourceId)> = direct!(conn, |own| named.load(own))?;
        by_key.extend(named.into_iter().map(|(key, id)| (key, ArticleId::from(id))));
    }
    let asked = ids.into_iter().chain(by_key.values().copied()).collect();
    let mut ids = super::working::visible_ids(conn, asked, caller)?;
    ids.extend_from_slice(subject.related);
    by_key.retain(|_, id| ids.contains(id));
    Ok(Found { by_key, ids })
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

/// Puts the tags into which others were merged in their place; references by slug lead there by themselves.
fn survivors(conn: &mut Conn, references: &[Reference<TagId>]) -> Result<Vec<Reference<TagId>>> {
    let ids: Vec<TagId> = references.iter().filter_map(Reference::id).collect();
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
