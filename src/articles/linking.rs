//! Where the articles are that a body names by id: asked when a body is written as HTML or Markdown, so that a link
//! survives a new slug, and leads nowhere while readers do not see the article.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::value::RawValue;
use url::Url;

use super::{content::StoredBody, live, scope::Scope, view::Bodies, working::Parts};
use crate::{
    body::{ArticleLink, ArticleRef, Body, Href, Links, NoLinks},
    clock::Instant,
    config::{ArticlePlaces, SiteConfig, UrlTemplate},
    db::{
        Conn,
        schema::{live_articles, sections},
    },
    error::{Error, Result},
    ids::{ArticleId, SectionId},
};

/// Knows the addresses of the articles that some bodies name, and that of the site.
#[derive(Debug, Default)]
pub struct ArticleLinks {
    known: HashMap<ArticleRef, Target>,
    site: Option<Url>,
}

/// An article that a body names.
#[derive(Debug)]
struct Target {
    link: ArticleLink,
    /// Its section, where addresses of articles have it in them.
    section: Option<SectionSeen>,
}

/// A section that stands in the address of something, as far as a cache must know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionSeen {
    /// Which one.
    pub id: SectionId,
    /// When it last changed.
    pub changed_at: Instant,
}

impl Links for ArticleLinks {
    fn article(&self, article: ArticleRef) -> Option<ArticleLink> {
        self.known.get(&article).map(|target| target.link.clone())
    }

    fn site(&self) -> Option<&Url> {
        self.site.as_ref()
    }
}

impl ArticleLinks {
    /// Looks up the articles that some bodies name, in one statement; in none, when they name none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn load<'a>(conn: &mut Conn, bodies: impl Iterator<Item = &'a Body>, site: &SiteConfig) -> Result<Self> {
        let mut ids: Vec<ArticleId> = bodies.flat_map(Body::article_references).map(id_of).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut links = Self { known: HashMap::new(), site: site.origin() };
        if ids.is_empty() || site.article_url.is_none() {
            return Ok(links);
        }
        type Row = (ArticleId, String, String, Instant, (SectionId, String, Instant));
        let rows: Vec<Row> = live_articles::table
            .inner_join(sections::table)
            .filter(live_articles::id.eq_any(ids))
            .filter(live::is_visible())
            .select((
                live_articles::id,
                live_articles::slug,
                live_articles::title,
                live_articles::first_published_at,
                (sections::id, sections::path, sections::updated_at),
            ))
            .load(conn)?;
        let has_section = site.article_url.iter().flat_map(UrlTemplate::places).any(|place| place == "section");
        for (id, slug, title, first_published_at, (section, path, changed_at)) in rows {
            let places = ArticlePlaces {
                id,
                slug: &slug,
                section_path: Some(&path),
                first_published_at: Some(first_published_at),
            };
            let url = site.article_url(places).and_then(|url| Href::parse(&url).ok());
            let section = has_section.then_some(SectionSeen { id: section, changed_at });
            let target = url.map(|url| Target { link: ArticleLink { url, title }, section });
            links.known.extend(target.map(|target| (ArticleRef::from_uuid(*id.uuid()), target)));
        }
        Ok(links)
    }

    /// The sections that stand in the addresses of the articles that a body names.
    pub fn sections_of(&self, body: &Body) -> Vec<SectionSeen> {
        let targets = body.article_references().into_iter().filter_map(|article| self.known.get(&article));
        let mut sections: Vec<SectionSeen> = targets.filter_map(|target| target.section).collect();
        sections.sort_unstable_by_key(|section| section.id);
        sections.dedup();
        sections
    }

    /// Forgets the articles that a reader does not see.
    ///
    /// # Errors
    /// When the database fails.
    pub fn within(mut self, conn: &mut Conn, scope: Option<&Scope>) -> Result<Self> {
        if let Some(scope) = scope {
            let seen = scope.keep(conn, self.known.keys().map(|article| id_of(*article)).collect())?;
            self.known.retain(|article, _| seen.contains(&id_of(*article)));
        }
        Ok(self)
    }
}

fn id_of(reference: ArticleRef) -> ArticleId {
    ArticleId::from_uuid(*reference.uuid())
}

/// Returns the articles that a body names.
pub fn references(body: &Body) -> Vec<ArticleId> {
    body.article_references().into_iter().map(id_of).collect()
}

/// Writes a body for readers as far as that can be done before anybody reads it; and returns whether more depends on what
/// is known only then: other articles, and the address of the site.
pub fn written_ahead(body: &Body) -> (String, bool) {
    let html = body.to_html(&NoLinks);
    let depends = ["=\"/", "data-article=", "data-media="].iter().any(|hook| html.contains(hook));
    (html, depends)
}

impl Parts {
    /// Writes the bodies that are asked for.
    ///
    /// # Errors
    /// When the database fails or what is stored is damaged.
    pub fn of(self, conn: &mut Conn, body: &StoredBody, site: &SiteConfig) -> Result<Bodies> {
        let links = ArticleLinks::load(conn, self.linked(&body.body).into_iter(), site)?;
        self.write(body, &links)
    }

    /// Writes the bodies that are asked for, with links that were looked up.
    ///
    /// # Errors
    /// When what is stored is damaged.
    pub fn write(self, body: &StoredBody, links: &ArticleLinks) -> Result<Bodies> {
        Ok(Bodies {
            html: self.html.then(|| body.body.to_html(links)),
            markdown: self.markdown.then(|| body.body.to_markdown(links)),
            blocks: if self.blocks {
                Some(RawValue::from_string(body.json.clone()).map_err(Error::internal)?)
            } else {
                None
            },
            text: self.text.then(|| body.body.to_text()),
        })
    }

    /// Returns the body if what is asked for has links in it.
    pub fn linked(self, body: &Body) -> Option<&Body> {
        (self.html || self.markdown).then_some(body)
    }
}
