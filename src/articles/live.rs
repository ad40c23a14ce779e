//! Reading the live copy. Cannot reach the working tables.

mod attached;

use std::collections::HashSet;

use diesel::{connection::DefaultLoadingMode, dsl::case_when, prelude::*, sql_types::Bool};
use serde_json::value::RawValue;

use self::attached::{Attached, OfArticle, WithBios, each_of_articles};
use super::{
    content::{Correction, StoredBody},
    guids::guid_of,
    input::{Seo, Source},
    linking::ArticleLinks,
    notices::{absence, id_of},
    scope::Scope,
    view::{Article, Bodies},
    working::Parts,
};
use crate::{
    clock::Instant,
    config::{ArticlePlaces, SiteConfig},
    db::{
        Conn, Now,
        direct::{direct, one_of, top},
        schema::{live_articles, live_bodies, live_slugs, sections},
    },
    error::{Error, Result},
    ids::{ArticleId, SectionId},
    input::{Line, Slug, WebUrl},
    policy::Policy,
    reference::Reference,
    sections::model::SectionSummary,
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
    guid: Option<String>,
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

/// What an article shows of its section.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sections)]
struct SectionPart {
    id: SectionId,
    slug: String,
    name: String,
    path: String,
    updated_at: Instant,
}

/// The parts of a body that are needed: each is long, so the others are not even read.
#[derive(Debug, Queryable)]
struct BodyPart {
    html: Option<String>,
    blocks: Option<String>,
    text: Option<String>,
    depends_on_links: bool,
}

/// The columns of a [`BodyPart`].
macro_rules! body_part {
    ($parts:expr) => {{
        let Parts { html, blocks, markdown, text } = $parts;
        let anew = html.into_sql::<Bool>().and(live_bodies::depends_on_links);
        (
            case_when(html.into_sql::<Bool>(), live_bodies::html),
            case_when((blocks || markdown).into_sql::<Bool>().or(anew), live_bodies::blocks),
            case_when(text.into_sql::<Bool>(), live_bodies::text),
            live_bodies::depends_on_links,
        )
    }};
}

/// A live article, and what its answer needs beside it.
pub struct Shown {
    /// The view.
    pub article: Article,
    /// When it, or anything that it embeds, last changed.
    pub changed_at: Instant,
    /// The sections in the addresses to which its body leads.
    linked_sections: Vec<SectionId>,
}

impl Shown {
    /// Returns the keys by which caches can drop what shows the article alone: its own, and those of what it embeds.
    pub fn surrogate_keys(&self) -> Vec<String> {
        let article = &self.article;
        let mut keys = vec![format!("article-{}", article.id)];
        keys.extend(article.section.iter().map(|section| format!("section-{}", section.id)));
        if self.linked_sections.len() > MOST_SECTION_KEYS {
            keys.push("sections".to_owned());
        } else {
            let others = self.linked_sections.iter().map(|section| format!("section-{section}"));
            keys.extend(others.filter(|key| !keys.contains(key)).collect::<Vec<_>>());
        }
        keys.extend(article.authors.iter().map(|author| format!("staff-{}", author.id)));
        keys.extend(article.tags.iter().map(|tag| format!("tag-{}", tag.id)));
        keys
    }
}

/// Of how many sections that a body leads to an answer says which they are; of more, it is dropped with any of the site.
const MOST_SECTION_KEYS: usize = 20;

/// Returns the live article that a reference names.
///
/// # Errors
/// `not_found` for what readers do not see, `killed` for what they are not to see any more, a redirect for a slug that
/// readers knew it by.
pub fn get(
    conn: &mut Conn,
    reference: &Reference<ArticleId>,
    site: &SiteConfig,
    parts: Parts,
    policy: &Policy,
) -> Result<Shown> {
    let parts = parts.under(policy);
    if let Some(scope) = Scope::now(conn, policy)? {
        return get_within(conn, reference, site, parts, &scope);
    }
    let Some((row, section, body)) = find(conn, reference, parts)? else { return Err(absence(conn, reference)?) };
    if let Reference::Slug(asked) = reference
        && *asked != row.slug
    {
        return Err(Error::moved_to(row.slug));
    }
    let mut attached = Attached::load(conn, &[row.id], WithBios(true), None)?;
    finish(conn, vec![(row.id, body)], parts, site, None, &mut attached)?;
    let (_, attached) = attached.take(row.id).ok_or_else(Error::not_found)?;
    present(row, section, attached, site)
}

/// As [`get`], for who may not see everything or sees more. What is out of scope answers like what does not exist.
fn get_within(
    conn: &mut Conn,
    reference: &Reference<ArticleId>,
    site: &SiteConfig,
    parts: Parts,
    scope: &Scope,
) -> Result<Shown> {
    let Some(id) = id_of(conn, reference)? else { return Err(Error::not_found()) };
    if scope.keep(conn, vec![id])?.is_empty() {
        return Err(absence(conn, reference)?);
    }
    let shown = load_with(conn, &[id], site, parts, WithBios(true), Some(scope))?;
    let shown = shown.into_iter().next().ok_or_else(Error::not_found)?;
    match reference {
        Reference::Slug(asked) if *asked != shown.article.slug => Err(Error::moved_to(shown.article.slug)),
        _ => Ok(shown),
    }
}

type Found = (LiveRow, SectionPart, BodyPart);

/// Returns the article that readers see under a reference, in one statement.
fn find(conn: &mut Conn, reference: &Reference<ArticleId>, parts: Parts) -> Result<Option<Found>> {
    macro_rules! with_parts {
        ($source:expr) => {
            $source
                .inner_join(sections::table.on(sections::id.eq(live_articles::section_id)))
                .inner_join(live_bodies::table.on(live_bodies::article_id.eq(live_articles::id)))
                .filter(is_visible())
                .select((LiveRow::as_select(), SectionPart::as_select(), body_part!(parts)))
        };
    }
    Ok(match reference {
        Reference::Id(id) => direct!(conn, |own| with_parts!(live_articles::table)
            .filter(live_articles::id.eq(id))
            .get_result(own)
            .optional())?,
        Reference::Slug(slug) => {
            let named =
                live_slugs::table.inner_join(live_articles::table.on(live_articles::id.eq(live_slugs::article_id)));
            let key = Slug::key_of(slug);
            direct!(conn, |own| with_parts!(named).filter(live_slugs::key.eq(&key)).get_result(own).optional())?
        }
    })
}

/// Whether readers see a live article at the moment of the query.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn is_visible() -> _ {
    let has_begun: diesel::dsl::LtEq<live_articles::published_at, Now> = live_articles::published_at.le(Now);
    has_begun.and(live_articles::visible_until.is_null().or(live_articles::visible_until.gt(Now)))
}

/// Returns which of some articles readers see now, in their order.
///
/// # Errors
/// When the database fails.
pub fn visible(conn: &mut Conn, ids: Vec<ArticleId>) -> Result<Vec<ArticleId>> {
    if ids.is_empty() {
        return Ok(ids);
    }
    let seen = live_articles::table.filter(one_of(live_articles::id, ids.iter().copied())).filter(is_visible());
    let seen = seen.select(live_articles::id);
    let seen: HashSet<ArticleId> = direct!(conn, |own| seen.load::<ArticleId>(own))?.into_iter().collect();
    Ok(ids.into_iter().filter(|id| seen.contains(id)).collect())
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

/// Reads live articles in the order of their ids' list, in a fixed number of statements. Whether readers see them was
/// decided by whoever chose the ids.
///
/// # Errors
/// When the database fails.
pub fn load(
    conn: &mut Conn,
    ids: &[ArticleId],
    site: &SiteConfig,
    parts: Parts,
    policy: &Policy,
) -> Result<Vec<Shown>> {
    let scope = Scope::now(conn, policy)?;
    load_with(conn, ids, site, parts.under(policy), WithBios(false), scope.as_ref())
}

/// Reads live articles as a request for each of them has them, in a fixed number of statements. Whether the reader sees
/// them was decided by whoever chose the ids.
///
/// # Errors
/// When the database fails.
pub fn whole(conn: &mut Conn, ids: &[ArticleId], site: &SiteConfig, policy: &Policy) -> Result<Vec<Shown>> {
    let scope = Scope::now(conn, policy)?;
    load_with(conn, ids, site, Parts::SINGLE.under(policy), WithBios(true), scope.as_ref())
}

/// Returns the next articles that are before readers or will be, in the order of their ids.
///
/// # Errors
/// When the database fails.
pub fn next_after(conn: &mut Conn, after: Option<ArticleId>, limit: i64) -> Result<Vec<ArticleId>> {
    let after = after.unwrap_or(ArticleId::from_uuid(uuid::Uuid::nil()));
    let next =
        live_articles::table.filter(live_articles::id.gt(after)).order(live_articles::id).select(live_articles::id);
    Ok(direct!(conn, |own| top(next, limit).load(own))?)
}

fn load_with(
    conn: &mut Conn,
    ids: &[ArticleId],
    site: &SiteConfig,
    parts: Parts,
    with_bios: WithBios,
    scope: Option<&Scope>,
) -> Result<Vec<Shown>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut attached = Attached::load(conn, ids, with_bios, scope)?;
    if parts.any() {
        let query = live_bodies::table.select((live_bodies::article_id, body_part!(parts)));
        let mut bodies = Vec::with_capacity(ids.len());
        each_of_articles!(conn, live_bodies::article_id, ids, query, |row: (ArticleId, BodyPart)| bodies.push(row));
        finish(conn, bodies, parts, site, scope, &mut attached)?;
    }
    let mut shown: Vec<Option<Shown>> = ids.iter().map(|_| None).collect();
    direct!(conn, |own| {
        let query = live_articles::table
            .inner_join(sections::table)
            .filter(one_of(live_articles::id, ids.iter().copied()))
            .select((LiveRow::as_select(), SectionPart::as_select()));
        for row in query.load_iter::<(LiveRow, SectionPart), DefaultLoadingMode>(own)? {
            let (row, section) = row?;
            let Some((place, attached)) = attached.take(row.id) else { continue };
            if let Some(shown) = shown.get_mut(place) {
                *shown = Some(present(row, section, attached, site)?);
            }
        }
    });
    Ok(shown.into_iter().flatten().collect())
}

/// Adds the finished bodies. What depends on other articles or on the site's address is written anew.
fn finish(
    conn: &mut Conn,
    rows: Vec<(ArticleId, BodyPart)>,
    parts: Parts,
    site: &SiteConfig,
    scope: Option<&Scope>,
    attached: &mut Attached,
) -> Result<()> {
    let mut unfinished = Vec::new();
    for (id, BodyPart { html, blocks, text, depends_on_links }) in rows {
        if parts.markdown || (parts.html && depends_on_links) {
            unfinished.push((id, StoredBody::read(blocks.unwrap_or_default(), String::new())?));
            continue;
        }
        let blocks = blocks.map(RawValue::from_string).transpose().map_err(Error::internal)?;
        attached.add_body(id, Bodies { html, blocks, markdown: None, text });
    }
    if !unfinished.is_empty() {
        let links =
            ArticleLinks::load(conn, unfinished.iter().map(|(_, body)| &body.body), site)?.within(conn, scope)?;
        for (id, body) in unfinished {
            attached.add_linked(id, &links.sections_of(&body.body));
            attached.add_body(id, parts.write(&body, &links)?);
        }
    }
    Ok(())
}

fn present(row: LiveRow, section: SectionPart, attached: OfArticle, site: &SiteConfig) -> Result<Shown> {
    let OfArticle { authors, tags, related, bodies, linked_sections, changed_at } = attached;
    let changed_at = changed_at.into_iter().chain([section.updated_at]).fold(row.changed_at, Ord::max);
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
        guid: guid_of(row.id, row.guid),
        dateline: row.dateline,
        section: Some(SectionSummary { id: section.id, slug: section.slug, name: section.name, path: section.path }),
        authors,
        byline: row.byline,
        tags,
        featured: row.is_featured,
        related,
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
        json_ld: None,
    };
    Ok(Shown { article, changed_at, linked_sections })
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
