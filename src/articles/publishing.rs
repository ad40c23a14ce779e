//! Writing the live copy: what publish and withdraw do to what readers see.
//!
//! The only writer of the live tables; every write here also appends to the change log.

use diesel::prelude::*;

use super::{
    content::Content,
    facets::{self, Facet},
    view::excerpt,
    working::ArticleRow,
};
use crate::{
    body::{Body, NoLinks},
    changes::{self, Change},
    db::{
        Tx,
        schema::{live_articles, live_authors, live_bodies, live_related, live_slugs, live_tags},
    },
    error::{Code, Error, Result},
    ids::{ArticleId, SectionId, StaffId, TagId},
    input::{Faults, Line, Prose, Slug, WebUrl},
    sections::store,
};

/// Makes what a revision says what readers see.
///
/// # Errors
/// `invalid_input` when something is missing that readers need.
pub fn publish(tx: &mut Tx<'_>, row: &ArticleRow, content: &Content, body: &Body) -> Result<()> {
    let section = ready(content, body)?;
    let before = surrogate_keys_of(tx, row.id)?;
    let was_live = !before.is_empty();
    // Everything that hangs on the old live copy goes with it.
    diesel::delete(live_articles::table.find(row.id)).execute(tx.conn)?;
    insert_article(tx, row, content, body, section)?;
    insert_parts(tx, row.id, content, body)?;
    let facets = facets_of(tx, content, section)?;
    facets::put(tx, row.id, &facets, row.published_at.unwrap_or(tx.now), tx.now)?;
    keep_slug(tx, row.id, &content.slug)?;
    if !was_live {
        touch_relatives(tx, row.id)?;
    }
    let mut keys = surrogate_keys_of(tx, row.id)?;
    keys.extend(before);
    record(tx, row.id, if was_live { "updated" } else { "published" }, keys)
}

/// Takes an article away from readers.
///
/// # Errors
/// When the database fails.
pub fn withdraw(tx: &mut Tx<'_>, id: ArticleId) -> Result<()> {
    let keys = surrogate_keys_of(tx, id)?;
    diesel::delete(live_articles::table.find(id)).execute(tx.conn)?;
    touch_relatives(tx, id)?;
    record(tx, id, "withdrawn", keys)
}

/// Reports all that is missing before readers can see the article.
fn ready(content: &Content, body: &Body) -> Result<SectionId> {
    let mut faults = Faults::new();
    if content.section.is_none() {
        faults.add("/section", "required", "an article needs a section before it is published");
    }
    if body.is_empty() {
        faults.add("/body_html", "required", "an article needs a body before it is published");
    }
    faults.check(Code::InvalidInput)?;
    content.section.ok_or_else(|| Error::internal("no section"))
}

fn insert_article(tx: &mut Tx<'_>, row: &ArticleRow, content: &Content, body: &Body, section: SectionId) -> Result<()> {
    let (excerpt, excerpt_is_derived) = excerpt(content, body);
    let extensions = content.extensions.as_ref().map(|extensions| extensions.0.to_string());
    let source = content.source.as_ref();
    diesel::insert_into(live_articles::table)
        .values((
            (
                live_articles::id.eq(row.id),
                live_articles::slug.eq(content.slug.as_str()),
                live_articles::revision.eq(row.revision + 1),
                live_articles::kicker.eq(content.kicker.as_ref().map(Line::as_str)),
                live_articles::title.eq(content.title.as_str()),
                live_articles::standfirst.eq(content.standfirst.as_ref().map(Prose::as_str)),
                live_articles::excerpt.eq(excerpt),
                live_articles::excerpt_is_derived.eq(excerpt_is_derived),
                live_articles::byline.eq(content.byline.as_ref().map(Line::as_str)),
                live_articles::language.eq(content.language.as_str()),
                live_articles::dateline.eq(content.dateline.as_ref().map(Line::as_str)),
                live_articles::section_id.eq(section),
                live_articles::is_featured.eq(content.featured),
            ),
            (
                live_articles::source_name.eq(source.map(|source| source.name.as_str())),
                live_articles::source_url.eq(source.and_then(|source| source.url.as_ref()).map(WebUrl::as_str)),
                live_articles::seo_title.eq(content.seo.title.as_ref().map(Line::as_str)),
                live_articles::seo_description.eq(content.seo.description.as_ref().map(Line::as_str)),
                live_articles::seo_canonical_url.eq(content.seo.canonical_url.as_ref().map(WebUrl::as_str)),
                live_articles::extensions.eq(extensions),
                live_articles::word_count.eq(i32::try_from(body.word_count()).unwrap_or(i32::MAX)),
                live_articles::reading_minutes.eq(i32::try_from(body.reading_minutes()).unwrap_or(i32::MAX)),
                live_articles::first_published_at.eq(row.first_published_at.unwrap_or(tx.now)),
                live_articles::published_at.eq(row.published_at.unwrap_or(tx.now)),
                live_articles::updated_at.eq(tx.now),
                live_articles::changed_at.eq(tx.now),
            ),
        ))
        .execute(tx.conn)?;
    Ok(())
}

fn insert_parts(tx: &mut Tx<'_>, id: ArticleId, content: &Content, body: &Body) -> Result<()> {
    diesel::insert_into(live_bodies::table)
        .values((
            live_bodies::article_id.eq(id),
            live_bodies::blocks.eq(serde_json::to_string(body).map_err(Error::internal)?),
            live_bodies::html.eq(body.to_html(&NoLinks)),
            live_bodies::text.eq(body.to_text()),
        ))
        .execute(tx.conn)?;
    for (position, author) in (0_i32..).zip(&content.authors) {
        diesel::insert_into(live_authors::table)
            .values((
                live_authors::article_id.eq(id),
                live_authors::position.eq(position),
                live_authors::staff_id.eq(author.staff),
                live_authors::role.eq(author.role),
            ))
            .execute(tx.conn)?;
    }
    for (position, tag) in (0_i32..).zip(&content.tags) {
        diesel::insert_into(live_tags::table)
            .values((live_tags::article_id.eq(id), live_tags::position.eq(position), live_tags::tag_id.eq(*tag)))
            .execute(tx.conn)?;
    }
    for (position, related) in (0_i32..).zip(&content.related) {
        diesel::insert_into(live_related::table)
            .values((
                live_related::article_id.eq(id),
                live_related::position.eq(position),
                live_related::related_id.eq(*related),
            ))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// The lists in which an article with this content stands.
fn facets_of(tx: &mut Tx<'_>, content: &Content, section: SectionId) -> Result<Vec<Facet>> {
    let mut facets = vec![Facet::all(), Facet::language(content.language.as_str())];
    facets.push(if content.featured { Facet::featured() } else { Facet::not_featured() });
    facets.extend(store::ancestors(tx.conn, Some(section))?.into_iter().map(Facet::section));
    facets.extend(content.tags.iter().map(|tag| Facet::tag(*tag)));
    for author in &content.authors {
        let facet = Facet::staff(author.staff);
        if !facets.contains(&facet) {
            facets.push(facet);
        }
    }
    Ok(facets)
}

fn keep_slug(tx: &mut Tx<'_>, id: ArticleId, slug: &Slug) -> Result<()> {
    let owner: Option<ArticleId> =
        live_slugs::table.find(slug.key()).select(live_slugs::article_id).first(tx.conn).optional()?;
    match owner {
        Some(owner) if owner == id => Ok(()),
        Some(_) => Err(Error::internal("a live slug has another owner than the slug")),
        None => {
            diesel::insert_into(live_slugs::table)
                .values((live_slugs::key.eq(slug.key()), live_slugs::article_id.eq(id)))
                .execute(tx.conn)?;
            Ok(())
        }
    }
}

/// Notes that the articles that name this one as related look different now.
fn touch_relatives(tx: &mut Tx<'_>, id: ArticleId) -> Result<()> {
    let relatives = live_related::table.filter(live_related::related_id.eq(id)).select(live_related::article_id);
    diesel::update(live_articles::table.filter(live_articles::id.eq_any(relatives)))
        .set(live_articles::changed_at.eq(tx.now))
        .execute(tx.conn)?;
    Ok(())
}

/// The surrogate keys of all that shows an article: none, when readers do not see it.
fn surrogate_keys_of(tx: &mut Tx<'_>, id: ArticleId) -> Result<Vec<String>> {
    let section: Option<SectionId> =
        live_articles::table.find(id).select(live_articles::section_id).first(tx.conn).optional()?;
    let Some(section) = section else { return Ok(Vec::new()) };
    let tags: Vec<TagId> =
        live_tags::table.filter(live_tags::article_id.eq(id)).select(live_tags::tag_id).load(tx.conn)?;
    let staff: Vec<StaffId> =
        live_authors::table.filter(live_authors::article_id.eq(id)).select(live_authors::staff_id).load(tx.conn)?;
    let relatives: Vec<ArticleId> =
        live_related::table.filter(live_related::related_id.eq(id)).select(live_related::article_id).load(tx.conn)?;
    let mut keys = vec![format!("article-{id}"), "articles".to_owned()];
    keys.extend(store::ancestors(tx.conn, Some(section))?.iter().map(|id| format!("section-{id}")));
    keys.extend(tags.iter().map(|id| format!("tag-{id}")));
    keys.extend(staff.iter().map(|id| format!("staff-{id}")));
    keys.extend(relatives.iter().map(|id| format!("article-{id}")));
    Ok(keys)
}

fn record(tx: &mut Tx<'_>, id: ArticleId, kind: &'static str, mut keys: Vec<String>) -> Result<()> {
    keys.sort_unstable();
    keys.dedup();
    changes::append(tx, &Change { kind, resource: "article", id: id.into(), keys })
}
