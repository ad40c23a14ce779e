//! What readers saw at a time: the revision that was before them then, with the names that things had then.
//!
//! Reads what the verbs noted in `article_publications`, and the revisions of sections, staff profiles and tags. For
//! editors; readers never come here.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    content::{Content, Correction, StoredBody},
    guids::guid_of,
    resolve::Embedded,
    view::{Article, AuthorSummary, Bodies},
    working::{self, ArticleRow, Parts},
};
use crate::{
    auth::identity::Caller,
    clock::Instant,
    config::{ArticlePlaces, SiteConfig},
    db::{
        Conn, Now,
        schema::{article_publications, resource_revisions, tags},
    },
    error::{Code, Error, Fault, Result},
    ids::{ArticleId, ResourceId, SectionId, TagId},
    input::{Line, Prose, Slug},
    reference::Reference,
    sections::model::SectionSummary,
    slugs::{self, Kind},
    staff::model::StaffKind,
    tags::model::TagSummary,
};

/// Something that was before readers, from when until when.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = article_publications)]
struct Publication {
    revision: i32,
    visible_from: Instant,
    first_published_at: Instant,
    published_at: Instant,
    updated_at: Instant,
    corrections: String,
}

/// What sections, staff profiles and tags are called, as their revisions keep it.
#[derive(Clone, Debug, Deserialize)]
struct Named {
    slug: String,
    name: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    kind: Option<StaffKind>,
    #[serde(default)]
    parent: Option<SectionId>,
    #[serde(default)]
    bio_html: Option<String>,
    /// Whether it had gone into another one.
    #[serde(skip)]
    is_merged: bool,
}

/// More levels than sections can have, so that damaged data does not lead in a circle.
const MOST_LEVELS: usize = 16;

/// Returns what readers saw of an article at a moment, and since when.
///
/// # Errors
/// `not_found` when they saw nothing, `invalid_parameter` for a moment in the future, `forbidden` for what was killed.
pub fn get(
    conn: &mut Conn,
    reference: &Reference<ArticleId>,
    at: Instant,
    caller: &Caller,
    site: &SiteConfig,
    parts: Parts,
) -> Result<(Article, Instant)> {
    let now: Instant = diesel::select(Now).get_result(conn)?;
    if at > now {
        let fault = Fault::new("/as_of", "in_the_future", "must not be in the future");
        return Err(Error::faults(Code::InvalidParameter, vec![fault]));
    }
    let id = match reference {
        Reference::Id(id) => Some(*id),
        Reference::Slug(slug) => slugs::owner(conn, Kind::Article, &Slug::key_of(slug))?.map(ArticleId::from),
    };
    let row = working::of(conn, id, caller)?;
    let publication = publication_at(conn, row.id, at)?.ok_or_else(Error::not_found)?;
    let (content, body) = working::said(conn, row.id, publication.revision)?.ok_or_else(Error::not_found)?;
    let names = Names::load(conn, &content, at)?;
    let related = seen_at(conn, &content.related, at)?;
    let since = publication.visible_from;
    let bodies = parts.of(conn, &body, site)?;
    let article = present(&row, publication, (content, body), &names, related, (site, bodies))?;
    Ok((article, since))
}

fn publication_at(conn: &mut Conn, id: ArticleId, at: Instant) -> Result<Option<Publication>> {
    Ok(article_publications::table
        .filter(article_publications::article_id.eq(id))
        .filter(was_visible(at))
        .order(article_publications::number.desc())
        .select(Publication::as_select())
        .first(conn)
        .optional()?)
}

#[diesel::dsl::auto_type]
fn was_visible(at: Instant) -> _ {
    let is_open = article_publications::visible_until.is_null().or(article_publications::visible_until.gt(at));
    article_publications::visible_from.le(at).and(is_open)
}

/// Returns which of some articles readers saw, in the same order.
fn seen_at(conn: &mut Conn, ids: &[ArticleId], at: Instant) -> Result<Vec<ArticleId>> {
    let seen: HashSet<ArticleId> = article_publications::table
        .filter(article_publications::article_id.eq_any(ids.to_vec()))
        .filter(was_visible(at))
        .select(article_publications::article_id)
        .load(conn)?
        .into_iter()
        .collect();
    Ok(ids.iter().copied().filter(|id| seen.contains(id)).collect())
}

/// What an article refers to, with the names of a time.
struct Names {
    section: Option<SectionSummary>,
    authors: Vec<AuthorSummary>,
    tags: Vec<TagSummary>,
}

impl Names {
    fn load(conn: &mut Conn, content: &Content, at: Instant) -> Result<Self> {
        // For what has no revision, as it was made before revisions were kept.
        let today = Embedded::load(conn, std::iter::once(content), Vec::new())?;
        let staff: Vec<ResourceId> = content.authors.iter().map(|author| author.staff.into()).collect();
        let staff = named_at(conn, staff, at)?;
        let mut authors = today.authors(content);
        for author in &mut authors {
            if let Some(then) = staff.get(&author.id.into()) {
                rename_author(author, then);
            }
        }
        let section = match content.section {
            None => None,
            Some(id) => section_at(conn, id, at)?.or_else(|| today.section(content)),
        };
        Ok(Self { section, authors, tags: tags_at(conn, content, &today, at)? })
    }
}

fn rename_author(author: &mut AuthorSummary, then: &Named) {
    author.slug.clone_from(&then.slug);
    author.name.clone_from(&then.name);
    author.title.clone_from(&then.title);
    author.kind = then.kind.unwrap_or(author.kind);
    author.bio_html = then.bio_html.clone().filter(|bio| !bio.is_empty());
}

/// Returns a section with its path, which follows from the sections above it.
fn section_at(conn: &mut Conn, id: SectionId, at: Instant) -> Result<Option<SectionSummary>> {
    let (mut slugs, mut found, mut next) = (Vec::new(), None, Some(id));
    while let Some(step) = next
        && slugs.len() < MOST_LEVELS
    {
        let Some(then) = named_at(conn, vec![step.into()], at)?.remove(&ResourceId::from(step)) else { break };
        slugs.push(then.slug.clone());
        next = then.parent;
        found.get_or_insert(then);
    }
    slugs.reverse();
    Ok(found.map(|then| SectionSummary { id, slug: then.slug, name: then.name, path: slugs.join("/") }))
}

/// Returns the tags; those that had gone into others by then are the others.
fn tags_at(conn: &mut Conn, content: &Content, today: &Embedded, at: Instant) -> Result<Vec<TagSummary>> {
    let then = named_at(conn, content.tags.iter().map(|id| ResourceId::from(*id)).collect(), at)?;
    let merged: Vec<TagId> = then.iter().filter(|(_, named)| named.is_merged).map(|(id, _)| TagId::from(*id)).collect();
    let survivors: HashMap<TagId, Option<TagId>> = if merged.is_empty() {
        HashMap::new()
    } else {
        let rows = tags::table.filter(tags::id.eq_any(merged)).select((tags::id, tags::merged_into_id));
        rows.load(conn)?.into_iter().collect()
    };
    let ids = survivors.values().flatten().map(|id| ResourceId::from(*id)).collect();
    let heirs = named_at(conn, ids, at)?;
    let mut found: Vec<TagSummary> = Vec::new();
    for tag in today.tags(content) {
        let id = survivors.get(&tag.id).copied().flatten().unwrap_or(tag.id);
        let summary = match then.get(&id.into()).or_else(|| heirs.get(&id.into())) {
            Some(named) => TagSummary { id, slug: named.slug.clone(), name: named.name.clone() },
            None => tag,
        };
        if found.iter().all(|other| other.id != summary.id) {
            found.push(summary);
        }
    }
    Ok(found)
}

/// Returns what some resources were called at a moment; what came later is called as it was at first.
fn named_at(conn: &mut Conn, ids: Vec<ResourceId>, at: Instant) -> Result<HashMap<ResourceId, Named>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let all: Vec<(ResourceId, i32, Instant)> = resource_revisions::table
        .filter(resource_revisions::resource_id.eq_any(ids.clone()))
        .order((resource_revisions::resource_id, resource_revisions::number))
        .select((resource_revisions::resource_id, resource_revisions::number, resource_revisions::created_at))
        .load(conn)?;
    let mut wanted: HashMap<ResourceId, i32> = HashMap::new();
    for (id, number, created_at) in all {
        if created_at <= at {
            wanted.insert(id, number);
        } else {
            wanted.entry(id).or_insert(number);
        }
    }
    let numbers: Vec<i32> = wanted.values().copied().collect();
    let rows: Vec<(ResourceId, i32, String, String)> = resource_revisions::table
        .filter(resource_revisions::resource_id.eq_any(ids))
        .filter(resource_revisions::number.eq_any(numbers))
        .select((
            resource_revisions::resource_id,
            resource_revisions::number,
            resource_revisions::kind,
            resource_revisions::content,
        ))
        .load(conn)?;
    let mut named = HashMap::new();
    for (id, number, kind, content) in rows {
        if wanted.get(&id) == Some(&number) {
            let then: Named = serde_json::from_str(&content)
                .map_err(|error| Error::internal(format!("revision {number} of {id}: {error}")))?;
            named.insert(id, Named { is_merged: kind == "merged", ..then });
        }
    }
    Ok(named)
}

fn present(
    row: &ArticleRow,
    publication: Publication,
    (content, body): (Content, StoredBody),
    names: &Names,
    related: Vec<ArticleId>,
    (site, bodies): (&SiteConfig, Bodies),
) -> Result<Article> {
    let section = names.section.clone().ok_or_else(|| Error::internal("published without a section"))?;
    let (excerpt, excerpt_is_derived) = body.gist().excerpt(&content);
    let extensions = content.extensions.map(|extensions| RawValue::from_string(extensions.0.to_string()));
    Ok(Article {
        view: "live",
        id: row.id,
        url: site.article_url(ArticlePlaces {
            id: row.id,
            slug: content.slug.as_str(),
            section_path: Some(&section.path),
            first_published_at: Some(publication.first_published_at),
        }),
        slug: content.slug.to_string(),
        kicker: content.kicker.map(Line::into_string),
        title: content.title.to_string(),
        standfirst: content.standfirst.map(Prose::into_string),
        excerpt,
        excerpt_is_derived,
        language: content.language.to_string(),
        guid: guid_of(row.id, content.guid.map(Line::into_string)),
        dateline: content.dateline.map(Line::into_string),
        section: Some(section),
        authors: names.authors.clone(),
        byline: content.byline.map(Line::into_string),
        tags: names.tags.clone(),
        featured: content.featured,
        related,
        source: content.source,
        seo: content.seo,
        extensions: extensions.transpose().map_err(Error::internal)?,
        word_count: i32::try_from(body.gist().word_count).unwrap_or(i32::MAX),
        reading_minutes: i32::try_from(body.gist().reading_minutes).unwrap_or(i32::MAX),
        first_published_at: publication.first_published_at,
        published_at: publication.published_at,
        updated_at: publication.updated_at,
        corrections: Correction::list(&publication.corrections)?,
        body_html: bodies.html,
        body_blocks: bodies.blocks,
        body_markdown: bodies.markdown,
        body_text: bodies.text,
        json_ld: None,
    })
}
