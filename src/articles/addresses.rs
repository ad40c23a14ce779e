//! What is needed to tell search engines where articles are: little of many, straight from the live copy. Cannot reach the
//! working tables.

use diesel::prelude::*;
use uuid::Uuid;

use super::facets::Facet;
use crate::{
    clock::Instant,
    config::{ArticlePlaces, SiteConfig},
    db::{
        Conn, Now,
        direct::{direct, middle, top},
        schema::{live_articles, live_facets, sections},
    },
    error::{Error, Result},
    ids::ArticleId,
};

/// Before everything that was published.
const BEGINNING: &str = "0001-01-01T00:00:00Z";

/// An article, as far as its address goes.
#[derive(Clone, Debug, Queryable)]
pub struct Addressed {
    id: ArticleId,
    slug: String,
    section_path: String,
    /// The title.
    pub title: String,
    /// The language.
    pub language: String,
    /// When readers first saw it.
    pub first_published_at: Instant,
    /// When somebody last changed it.
    pub updated_at: Instant,
}

/// When an article that readers see was published and changed.
#[derive(Clone, Debug, Queryable)]
pub struct Dates {
    id: ArticleId,
    /// When it was published.
    pub published_at: Instant,
    /// When somebody last changed it.
    pub updated_at: Instant,
}

/// A part of the list of all articles.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Published at this moment or later.
    pub after: Instant,
    /// Published before this moment.
    pub before: Instant,
    /// How many at most.
    pub n_rows: i64,
    /// How many to leave out at the start.
    pub n_skipped: i64,
    /// Which come first.
    pub order: Order,
}

/// Which come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The oldest.
    OldestFirst,
    /// The newest.
    NewestFirst,
}

impl Addressed {
    /// Returns the address of the article's page; none when no addresses are configured.
    pub fn url(&self, site: &SiteConfig) -> Option<String> {
        site.article_url(ArticlePlaces {
            id: self.id,
            slug: &self.slug,
            section_path: Some(&self.section_path),
            first_published_at: Some(self.first_published_at),
        })
    }
}

/// Returns when articles that readers see were published and changed, the oldest first: those that come after one of them,
/// or after nothing, and so many at most.
///
/// # Errors
/// When the database fails.
pub fn dates(conn: &mut Conn, after: Option<&Dates>, most: i64) -> Result<Vec<Dates>> {
    use live_facets::{article_id, published_at, updated_at, visible_until};
    let (time, id) = match after {
        Some(after) => (after.published_at, after.id),
        None => {
            let beginning = Instant::parse(BEGINNING).ok_or_else(|| Error::internal("time has no beginning"))?;
            (beginning, ArticleId::from_uuid(Uuid::nil()))
        }
    };
    let next = live_facets::table
        .filter(live_facets::facet.eq(Facet::all().bytes().to_vec()))
        .filter(published_at.ge(time))
        .filter(BoolExpressionMethods::or(published_at.gt(time), article_id.gt(id)))
        .filter(published_at.le(Now))
        .filter(visible_until.is_null().or(visible_until.gt(Now)))
        .order((published_at, article_id))
        .select((article_id, published_at, updated_at));
    Ok(direct!(conn, |own| top(next, most).load(own))?)
}

/// Reads what readers see of a part of the list of all articles, in one statement.
///
/// # Errors
/// When the database fails.
pub fn read(conn: &mut Conn, range: Range) -> Result<Vec<Addressed>> {
    let Range { after, before, n_rows, n_skipped, order } = range;
    let query = live_facets::table
        .inner_join(live_articles::table.on(live_articles::id.eq(live_facets::article_id)))
        .inner_join(sections::table.on(sections::id.eq(live_articles::section_id)))
        .filter(live_facets::facet.eq(Facet::all().bytes().to_vec()))
        .filter(live_facets::published_at.ge(after))
        .filter(live_facets::published_at.lt(before))
        .filter(live_facets::published_at.le(Now))
        .filter(live_facets::visible_until.is_null().or(live_facets::visible_until.gt(Now)))
        .select((
            live_articles::id,
            live_articles::slug,
            sections::path,
            live_articles::title,
            live_articles::language,
            live_articles::first_published_at,
            live_articles::updated_at,
        ));
    use live_facets::{article_id as id, published_at as time};
    Ok(match order {
        Order::OldestFirst => {
            direct!(conn, |own| middle(query.order((time.asc(), id.asc())), n_rows, n_skipped).load(own))
        }
        Order::NewestFirst => {
            direct!(conn, |own| middle(query.order((time.desc(), id.desc())), n_rows, n_skipped).load(own))
        }
    }?)
}
