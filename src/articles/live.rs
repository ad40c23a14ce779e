//! Reading the live copy. Cannot reach the working tables.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::value::RawValue;

use super::{
    content::{Correction, StoredBody},
    input::{AuthorRole, Seo, Source},
    linking::ArticleLinks,
    view::{Article, AuthorSummary, Bodies},
    working::Parts,
};
use crate::{
    clock::Instant,
    config::{ArticlePlaces, SiteConfig},
    db::{
        Conn, Now,
        schema::{
            live_articles, live_authors, live_bodies, live_notices, live_related, live_slugs, live_tags, sections,
            staff, tags,
        },
    },
    error::{Code, Error, Result},
    ids::{ArticleId, StaffId, TagId},
    input::{Line, Slug, WebUrl},
    reference::Reference,
    sections::store::SectionRow,
    staff::model::StaffKind,
    tags::model::TagSummary,
};

/// A row of the table.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = live_articles)]
struct LiveRow {
    id: ArticleId,
    slug: String,
    kicker: Option<String>,
    title: String,
    standfirst: Option<String>,
    excerpt: String,
    excerpt_is_derived: bool,
    byline: Option<String>,
    language: String,
    dateline: Option<String>,
    is_featured: bool,
    source_name: Option<String>,
    source_url: Option<String>,
    seo_title: Option<String>,
    seo_description: Option<String>,
    seo_canonical_url: Option<String>,
    extensions: Option<String>,
    word_count: i32,
    reading_minutes: i32,
    first_published_at: Instant,
    published_at: Instant,
    updated_at: Instant,
    changed_at: Instant,
    corrections: String,
}

/// A live article, and what its answer needs beside it.
pub struct Shown {
    /// The view.
    pub article: Article,
    /// When it, or anything that it embeds, last changed.
    pub changed_at: Instant,
}

/// Returns the live article that a reference names.
///
/// # Errors
/// `not_found` for what readers do not see, `killed` for what they are not to see any more, a redirect for a slug that
/// readers knew it by.
pub fn get(conn: &mut Conn, reference: &Reference<ArticleId>, site: &SiteConfig, parts: Parts) -> Result<Shown> {
    let id = match reference {
        Reference::Id(id) => *id,
        Reference::Slug(slug) => live_slugs::table
            .find(Slug::key_of(slug))
            .select(live_slugs::article_id)
            .first(conn)
            .optional()?
            .ok_or_else(Error::not_found)?,
    };
    let Some(visible) = visible(conn, vec![id])?.pop() else { return Err(absence(conn, id)?) };
    let mut shown = load(conn, &[visible], site, parts)?.pop().ok_or_else(Error::not_found)?;
    match reference {
        Reference::Slug(asked) if *asked != shown.article.slug => Err(Error::moved_to(shown.article.slug)),
        _ => {
            add_bios(conn, &mut shown.article)?;
            Ok(shown)
        }
    }
}

/// The answer for an article that readers do not see.
fn absence(conn: &mut Conn, id: ArticleId) -> Result<Error> {
    let notice: Option<(String, Instant)> =
        live_notices::table.find(id).select((live_notices::notice, live_notices::killed_at)).first(conn).optional()?;
    Ok(match notice {
        None => Error::not_found(),
        Some((notice, killed_at)) => {
            Error::new(Code::Killed, notice.clone()).with("notice", notice).with("killed_at", killed_at.to_string())
        }
    })
}

/// Whether readers see a live article at the moment of the query.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn is_visible() -> _ {
    let has_begun: diesel::dsl::LtEq<live_articles::published_at, Now> = live_articles::published_at.le(Now);
    has_begun.and(live_articles::visible_until.is_null().or(live_articles::visible_until.gt(Now)))
}

/// Returns which of some articles readers see now.
///
/// # Errors
/// When the database fails.
pub fn visible(conn: &mut Conn, ids: Vec<ArticleId>) -> Result<Vec<ArticleId>> {
    let seen = live_articles::table.filter(live_articles::id.eq_any(ids)).filter(is_visible());
    Ok(seen.select(live_articles::id).load(conn)?)
}

/// Returns whether readers know an article by this name now; a slug that was not published yet is none of theirs.
///
/// # Errors
/// When the database fails.
pub fn is_known(conn: &mut Conn, id: ArticleId, reference: &Reference<ArticleId>) -> Result<bool> {
    if visible(conn, vec![id])?.is_empty() {
        return Ok(false);
    }
    let Reference::Slug(slug) = reference else { return Ok(true) };
    let known = live_slugs::table.find(Slug::key_of(slug)).filter(live_slugs::article_id.eq(id));
    Ok(diesel::select(diesel::dsl::exists(known)).get_result(conn)?)
}

/// Adds what stands in the author box beside a single article; `changed_at` counts the profiles already.
///
/// # Errors
/// When the database fails.
pub fn add_bios(conn: &mut Conn, article: &mut Article) -> Result<()> {
    let ids: Vec<StaffId> = article.authors.iter().map(|author| author.id).collect();
    let bios: HashMap<StaffId, String> = staff::table
        .filter(staff::id.eq_any(ids))
        .select((staff::id, staff::bio_html))
        .load(conn)?
        .into_iter()
        .collect();
    for author in &mut article.authors {
        author.bio_html = bios.get(&author.id).filter(|bio| !bio.is_empty()).cloned();
    }
    Ok(())
}

/// Reads live articles in the order of their ids' list, in a fixed number of statements. Whether readers see them was
/// decided by whoever chose the ids.
///
/// # Errors
/// When the database fails.
pub fn load(conn: &mut Conn, ids: &[ArticleId], site: &SiteConfig, parts: Parts) -> Result<Vec<Shown>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(LiveRow, SectionRow)> = live_articles::table
        .inner_join(sections::table)
        .filter(live_articles::id.eq_any(ids.to_vec()))
        .select((LiveRow::as_select(), SectionRow::as_select()))
        .load(conn)?;
    let mut attached = Attached::load(conn, ids, parts, site)?;
    let mut by_id: HashMap<ArticleId, (LiveRow, SectionRow)> = rows.into_iter().map(|pair| (pair.0.id, pair)).collect();
    ids.iter()
        .filter_map(|id| by_id.remove(id))
        .map(|(row, section)| present(row, &section, &mut attached, site))
        .collect()
}

/// What belongs to some articles, by article.
struct Attached {
    authors: HashMap<ArticleId, Vec<(AuthorSummary, Instant)>>,
    tags: HashMap<ArticleId, Vec<(TagSummary, Instant)>>,
    related: HashMap<ArticleId, Vec<ArticleId>>,
    bodies: HashMap<ArticleId, Bodies>,
}

impl Attached {
    fn load(conn: &mut Conn, ids: &[ArticleId], parts: Parts, site: &SiteConfig) -> Result<Self> {
        Ok(Self {
            authors: authors(conn, ids)?,
            tags: tags_of(conn, ids)?,
            related: related(conn, ids)?,
            bodies: if parts.any() { bodies(conn, ids, parts, site)? } else { HashMap::new() },
        })
    }
}

fn authors(conn: &mut Conn, ids: &[ArticleId]) -> Result<HashMap<ArticleId, Vec<(AuthorSummary, Instant)>>> {
    type Row = (ArticleId, AuthorRole, (StaffId, String, String, StaffKind, Option<String>, Instant));
    let rows: Vec<Row> = live_authors::table
        .inner_join(staff::table)
        .filter(live_authors::article_id.eq_any(ids.to_vec()))
        .order((live_authors::article_id, live_authors::position))
        .select((
            live_authors::article_id,
            live_authors::role,
            (staff::id, staff::slug, staff::name, staff::kind, staff::title, staff::updated_at),
        ))
        .load(conn)?;
    let mut found: HashMap<ArticleId, Vec<(AuthorSummary, Instant)>> = HashMap::new();
    for (article, role, (id, slug, name, kind, title, updated_at)) in rows {
        let author = AuthorSummary { id, slug, name, kind, title, role, bio_html: None };
        found.entry(article).or_default().push((author, updated_at));
    }
    Ok(found)
}

fn tags_of(conn: &mut Conn, ids: &[ArticleId]) -> Result<HashMap<ArticleId, Vec<(TagSummary, Instant)>>> {
    let rows: Vec<(ArticleId, (TagId, String, String, Instant))> = live_tags::table
        .inner_join(tags::table)
        .filter(live_tags::article_id.eq_any(ids.to_vec()))
        .order((live_tags::article_id, live_tags::position))
        .select((live_tags::article_id, (tags::id, tags::slug, tags::name, tags::updated_at)))
        .load(conn)?;
    let mut found: HashMap<ArticleId, Vec<(TagSummary, Instant)>> = HashMap::new();
    for (article, (id, slug, name, updated_at)) in rows {
        found.entry(article).or_default().push((TagSummary { id, slug, name }, updated_at));
    }
    Ok(found)
}

/// Only what readers see is related: the join leaves out the rest.
fn related(conn: &mut Conn, ids: &[ArticleId]) -> Result<HashMap<ArticleId, Vec<ArticleId>>> {
    let rows: Vec<(ArticleId, ArticleId)> = live_related::table
        .inner_join(live_articles::table.on(live_articles::id.eq(live_related::related_id)))
        .filter(live_related::article_id.eq_any(ids.to_vec()))
        .filter(is_visible())
        .order((live_related::article_id, live_related::position))
        .select((live_related::article_id, live_related::related_id))
        .load(conn)?;
    let mut found: HashMap<ArticleId, Vec<ArticleId>> = HashMap::new();
    for (article, related) in rows {
        found.entry(article).or_default().push(related);
    }
    Ok(found)
}

/// The finished bodies. What depends on other articles or on the site's address is written anew.
fn bodies(conn: &mut Conn, ids: &[ArticleId], parts: Parts, site: &SiteConfig) -> Result<HashMap<ArticleId, Bodies>> {
    let rows: Vec<(ArticleId, String, String, String, bool)> = live_bodies::table
        .filter(live_bodies::article_id.eq_any(ids.to_vec()))
        .select((
            live_bodies::article_id,
            live_bodies::html,
            live_bodies::blocks,
            live_bodies::text,
            live_bodies::depends_on_links,
        ))
        .load(conn)?;
    let mut finished = HashMap::new();
    let mut unfinished = Vec::new();
    for (id, html, blocks, text, depends_on_links) in rows {
        if parts.markdown || (parts.html && depends_on_links) {
            unfinished.push((id, StoredBody::read(blocks, String::new())?));
            continue;
        }
        let blocks = if parts.blocks { Some(RawValue::from_string(blocks).map_err(Error::internal)?) } else { None };
        let (html, text) = (parts.html.then_some(html), parts.text.then_some(text));
        finished.insert(id, Bodies { html, blocks, markdown: None, text });
    }
    if !unfinished.is_empty() {
        let links = ArticleLinks::load(conn, unfinished.iter().map(|(_, body)| &body.body), site)?;
        for (id, body) in unfinished {
            finished.insert(id, parts.write(&body, &links)?);
        }
    }
    Ok(finished)
}

fn present(row: LiveRow, section: &SectionRow, attached: &mut Attached, site: &SiteConfig) -> Result<Shown> {
    let authors = attached.authors.remove(&row.id).unwrap_or_default();
    let tags = attached.tags.remove(&row.id).unwrap_or_default();
    let bodies = attached.bodies.remove(&row.id).unwrap_or_default();
    let embedded = authors.iter().map(|(_, at)| *at).chain(tags.iter().map(|(_, at)| *at));
    let changed_at = embedded.chain([section.updated_at]).fold(row.changed_at, Ord::max);
    let article = Article {
        view: "live",
        id: row.id,
        url: site.article_url(ArticlePlaces {
            id: row.id,
            slug: &row.slug,
            section_path: Some(&section.path),
            first_published_at: Some(row.first_published_at),
        }),
        source: source(row.source_name, row.source_url)?,
        seo: seo(row.seo_title, row.seo_description, row.seo_canonical_url)?,
        extensions: row.extensions.map(RawValue::from_string).transpose().map_err(Error::internal)?,
        slug: row.slug,
        kicker: row.kicker,
        title: row.title,
        standfirst: row.standfirst,
        excerpt: row.excerpt,
        excerpt_is_derived: row.excerpt_is_derived,
        language: row.language,
        dateline: row.dateline,
        section: Some(section.summary()),
        authors: authors.into_iter().map(|(author, _)| author).collect(),
        byline: row.byline,
        tags: tags.into_iter().map(|(tag, _)| tag).collect(),
        featured: row.is_featured,
        related: attached.related.remove(&row.id).unwrap_or_default(),
        word_count: row.word_count,
        reading_minutes: row.reading_minutes,
        first_published_at: row.first_published_at,
        published_at: row.published_at,
        updated_at: row.updated_at,
        corrections: Correction::list(&row.corrections)?,
        body_html: bodies.html,
        body_blocks: bodies.blocks,
        body_markdown: bodies.markdown,
        body_text: bodies.text,
    };
    Ok(Shown { article, changed_at })
}

fn damaged(invalid: crate::input::Invalid) -> Error {
    Error::internal(format!("a live article is damaged: {}", invalid.detail))
}

fn source(name: Option<String>, url: Option<String>) -> Result<Option<Source>> {
    let Some(name) = name else { return Ok(None) };
    let url = url.as_deref().map(WebUrl::parse).transpose().map_err(damaged)?;
    Ok(Some(Source { name: Line::parse(&name).map_err(damaged)?, url }))
}

fn seo(title: Option<String>, description: Option<String>, canonical_url: Option<String>) -> Result<Seo> {
    Ok(Seo {
        title: title.as_deref().map(Line::parse).transpose().map_err(damaged)?,
        description: description.as_deref().map(Line::parse).transpose().map_err(damaged)?,
        canonical_url: canonical_url.as_deref().map(WebUrl::parse).transpose().map_err(damaged)?,
    })
}
