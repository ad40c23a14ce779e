//! The lists in which a live article stands: one row of `live_facets` for each.
//!
//! Every public list is a range of this table in the order of publication or of change, whatever its filters, so a deep
//! page costs what the first one does.

use diesel::prelude::*;

use crate::{
    clock::Instant,
    db::{
        Conn, Tx,
        direct::{direct, insert_all, top},
        schema::{live_articles, live_facets},
    },
    error::Result,
    ids::{ArticleId, SectionId, StaffId, TagId},
};

/// A list, as a few bytes: its kind, and what it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet(Vec<u8>);

impl Facet {
    /// All articles.
    pub fn all() -> Self {
        Self(b"*".to_vec())
    }

    /// The articles of a section and of all below it.
    pub fn section(id: SectionId) -> Self {
        Self::of(b's', id.uuid().as_bytes())
    }

    /// The articles with a tag.
    pub fn tag(id: TagId) -> Self {
        Self::of(b't', id.uuid().as_bytes())
    }

    /// The articles of somebody, in whatever role.
    pub fn staff(id: StaffId) -> Self {
        Self::of(b'a', id.uuid().as_bytes())
    }

    /// The articles in a language.
    pub fn language(tag: &str) -> Self {
        Self::of(b'l', tag.as_bytes())
    }

    /// The articles that stand out.
    pub fn featured() -> Self {
        Self(b"f".to_vec())
    }

    /// The articles that do not stand out.
    pub fn not_featured() -> Self {
        Self(b"n".to_vec())
    }

    /// Returns the bytes that are stored.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the surrogate key of the list: what is kept of it under this key is another one when an article comes into
    /// the list, leaves it, or changes in it.
    pub fn surrogate_key(&self) -> String {
        let (kind, what) = self.0.split_first().unwrap_or((&b'*', &[]));
        let id = || uuid::Uuid::from_slice(what).unwrap_or_default();
        match kind {
            b's' => format!("list-section-{}", id()),
            b't' => format!("list-tag-{}", id()),
            b'a' => format!("list-staff-{}", id()),
            b'l' => format!("list-language-{}", String::from_utf8_lossy(what)),
            b'f' => "list-featured".to_owned(),
            b'n' => "list-not-featured".to_owned(),
            _ => "list-all".to_owned(),
        }
    }

    fn of(kind: u8, what: &[u8]) -> Self {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(what);
        Self(bytes)
    }
}

/// Where an article stands in its lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From when readers see it.
    pub published_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// Until when readers see it.
    pub visible_until: Option<Instant>,
}

/// Puts an article into lists.
///
/// # Errors
/// When the database fails.
pub fn put(tx: &mut Tx<'_>, id: ArticleId, facets: &[Facet], place: Place) -> Result<()> {
    let row = |facet: &Facet| {
        (
            live_facets::facet.eq(facet.bytes().to_vec()),
            live_facets::published_at.eq(place.published_at),
            live_facets::article_id.eq(id),
            live_facets::updated_at.eq(place.updated_at),
            live_facets::visible_until.eq(place.visible_until),
        )
    };
    insert_all!(tx, live_facets::table, facets.iter().map(row).collect())?;
    Ok(())
}

/// Returns the lists in which an article stands, whether readers see it there yet or not.
///
/// # Errors
/// When the database fails.
pub fn of_article(conn: &mut Conn, id: ArticleId) -> Result<Vec<Facet>> {
    let facets = live_facets::table.filter(live_facets::article_id.eq(id)).select(live_facets::facet);
    let facets: Vec<Vec<u8>> = direct!(conn, |own| facets.load(own))?;
    Ok(facets.into_iter().map(Facet).collect())
}

/// Says until when readers see an article in its lists.
///
/// # Errors
/// When the database fails.
pub fn set_end(tx: &mut Tx<'_>, id: ArticleId, visible_until: Option<Instant>) -> Result<()> {
    diesel::update(live_facets::table.filter(live_facets::article_id.eq(id)))
        .set(live_facets::visible_until.eq(visible_until))
        .execute(tx.conn()?)?;
    Ok(())
}

/// Returns whether readers see any article but this one in a list; asked in the order of the index, so that it ends at once.
///
/// # Errors
/// When the database fails.
pub fn has_others(tx: &mut Tx<'_>, facet: &Facet, id: ArticleId) -> Result<bool> {
    let newest = live_facets::table
        .filter(live_facets::facet.eq(facet.bytes().to_vec()))
        .filter(live_facets::article_id.ne(id))
        .filter(live_facets::published_at.le(tx.now))
        .filter(live_facets::visible_until.is_null().or(live_facets::visible_until.gt(tx.now)))
        .order((live_facets::published_at.desc(), live_facets::article_id.desc()))
        .select(live_facets::article_id);
    Ok(direct!(tx.conn()?, |own| top(newest, 1).get_result::<ArticleId>(own).optional())?.is_some())
}

/// Moves the articles of a part of the section tree from the lists of some sections to those of others.
///
/// # Errors
/// When the database fails.
pub fn refile(tx: &mut Tx<'_>, subtree: &[SectionId], left: &[SectionId], joined: &[SectionId]) -> Result<()> {
    let moved = || live_articles::table.filter(live_articles::section_id.eq_any(subtree.to_vec()));
    for id in left.iter().filter(|id| !joined.contains(id)) {
        diesel::delete(
            live_facets::table
                .filter(live_facets::facet.eq(Facet::section(*id).0))
                .filter(live_facets::article_id.eq_any(moved().select(live_articles::id))),
        )
        .execute(tx.conn()?)?;
    }
    for id in joined.iter().filter(|id| !left.contains(id)) {
        let rows = moved().select((
            Facet::section(*id).0.into_sql::<diesel::sql_types::Binary>(),
            live_articles::published_at,
            live_articles::id,
            live_articles::updated_at,
            live_articles::visible_until,
        ));
        diesel::insert_into(live_facets::table)
            .values(rows)
            .into_columns((
                live_facets::facet,
                live_facets::published_at,
                live_facets::article_id,
                live_facets::updated_at,
                live_facets::visible_until,
            ))
            .execute(tx.conn()?)?;
    }
    Ok(())
}

/// Merges one tag's list into another's; articles that stand in both stand in it once.
///
/// # Errors
/// When the database fails.
pub fn merge_tags(tx: &mut Tx<'_>, from: TagId, into: TagId) -> Result<()> {
    let (from, into) = (Facet::tag(from), Facet::tag(into));
    let other = diesel::alias!(live_facets as other);
    let both = other
        .filter(other.field(live_facets::facet).eq(into.bytes().to_vec()))
        .select(other.field(live_facets::article_id));
    diesel::delete(
        live_facets::table
            .filter(live_facets::facet.eq(from.bytes().to_vec()))
            .filter(live_facets::article_id.eq_any(both)),
    )
    .execute(tx.conn()?)?;
    diesel::update(live_facets::table.filter(live_facets::facet.eq(from.bytes().to_vec())))
        .set(live_facets::facet.eq(into.bytes().to_vec()))
        .execute(tx.conn()?)?;
    Ok(())
}
