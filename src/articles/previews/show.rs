//! Reading with a preview: the working copy in the shape in which readers will see it.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::value::RawValue;

use crate::{
    articles::{
        content::{Content, Correction, StoredBody},
        guids::guid_of,
        lifecycle::State,
        live,
        resolve::Embedded,
        view::{Article, Bodies},
        working::{self, ArticleRow, Parts, Snapshot},
    },
    auth::secret::PreviewToken,
    clock::Instant,
    config::{ArticlePlaces, SiteConfig},
    db::{
        Conn, Now,
        schema::{article_previews, staff},
    },
    error::{Error, Result},
    ids::{ArticleId, StaffId},
    input::{Line, Prose, Slug},
    reference::Reference,
    slugs::{self, Kind},
};

/// Returns the article that a token opens, if it is the one that was asked for.
///
/// # Errors
/// `not_found` for whatever the token does not open, a redirect when the article is known by another slug now.
pub fn show(
    conn: &mut Conn,
    reference: &Reference<ArticleId>,
    token: Option<&PreviewToken>,
    site: &SiteConfig,
    parts: Parts,
) -> Result<Article> {
    let token = token.ok_or_else(Error::not_found)?;
    let opened: Option<(ArticleId, Option<i32>)> = article_previews::table
        .filter(article_previews::digest.eq(token.digest()))
        .filter(article_previews::expires_at.gt(Now))
        .select((article_previews::article_id, article_previews::revision))
        .get_result(conn)
        .optional()?;
    let (id, revision) = opened.ok_or_else(Error::not_found)?;
    let asked = match reference {
        Reference::Id(id) => Some(*id),
        Reference::Slug(slug) => slugs::owner(conn, Kind::Article, &Slug::key_of(slug))?.map(ArticleId::from),
    };
    if asked != Some(id) {
        return Err(Error::not_found());
    }
    let said = working::snapshot(conn, id, revision)?.ok_or_else(Error::not_found)?;
    if said.row.trashed_at.is_some() || said.row.state == State::Killed {
        return Err(Error::not_found());
    }
    match reference {
        Reference::Slug(asked) if *asked != said.row.slug => Err(Error::moved_to(said.row.slug)),
        _ => present(conn, said, site, parts),
    }
}

fn present(conn: &mut Conn, said: Snapshot, site: &SiteConfig, parts: Parts) -> Result<Article> {
    let Snapshot { row, content, body, made_at } = said;
    let embedded = Embedded::load(conn, std::iter::once(&content), Vec::new())?;
    let seen = live::visible(conn, content.related.clone())?;
    let bodies = parts.of(conn, &body, site)?;
    let mut article = assemble(&row, content, &body, made_at, &embedded, bodies, site)?;
    article.related.retain(|id| seen.contains(id));
    add_bios(conn, &mut article)?;
    Ok(article)
}

/// Puts the article together as if its revision had been published when it was made.
fn assemble(
    row: &ArticleRow,
    content: Content,
    body: &StoredBody,
    made_at: Instant,
    embedded: &Embedded,
    bodies: Bodies,
    site: &SiteConfig,
) -> Result<Article> {
    let (excerpt, excerpt_is_derived) = body.gist().excerpt(&content);
    let section = embedded.section(&content);
    let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let published_at = row.published_at.or(row.publish_at).unwrap_or(made_at);
    Ok(Article {
        view: "preview",
        id: row.id,
        url: site.article_url(ArticlePlaces {
            id: row.id,
            slug: content.slug.as_str(),
            section_path: section.as_ref().map(|section| section.path.as_str()),
            first_published_at: row.first_published_at,
        }),
        excerpt,
        excerpt_is_derived,
        section,
        authors: embedded.authors(&content),
        tags: embedded.tags(&content),
        word_count: count(body.gist().word_count),
        reading_minutes: count(body.gist().reading_minutes),
        first_published_at: row.first_published_at.unwrap_or(published_at),
        published_at,
        updated_at: made_at,
        corrections: Correction::list(&row.corrections)?,
        body_html: bodies.html,
        body_blocks: bodies.blocks,
        body_markdown: bodies.markdown,
        body_text: bodies.text,
        json_ld: None,
        slug: content.slug.to_string(),
        kicker: content.kicker.map(Line::into_string),
        title: content.title.into_string(),
        standfirst: content.standfirst.map(Prose::into_string),
        language: content.language.into_string(),
        guid: guid_of(row.id, content.guid.map(Line::into_string)),
        dateline: content.dateline.map(Line::into_string),
        byline: content.byline.map(Line::into_string),
        featured: content.featured,
        related: content.related,
        source: content.source,
        seo: content.seo,
        extensions: content
            .extensions
            .map(|extensions| RawValue::from_string(extensions.0.to_string()))
            .transpose()
            .map_err(Error::internal)?,
    })
}

/// Adds what stands in the author box beside a single article; `changed_at` counts the profiles already.
fn add_bios(conn: &mut Conn, article: &mut Article) -> Result<()> {
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
