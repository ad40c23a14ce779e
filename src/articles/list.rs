//! The public lists: any mix of filters, each a range of the facet table in the order of publication or of change.

use diesel::{dsl::count_star, prelude::*, sql_types::Bool};

use super::{
    facets::Facet,
    scope::{Scope, within},
};
use crate::{
    clock::Instant,
    db::{
        Conn, Now,
        direct::{direct, middle, top},
        schema::{live_articles, live_facets},
        types::text_enum,
    },
    error::{Code, Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::{ArticleId, SectionId, StaffId, TagId},
    input::{Faults, Language},
    reference::Reference,
    sections::store,
    staff::store as staff_store,
    tags::store as tag_store,
};

text_enum! {
    /// The order of a list of articles; ties are broken by id.
    pub enum Sort as ArticleSort {
        /// The newest first.
        NewestFirst = "-published_at",
        /// The oldest first.
        OldestFirst = "published_at",
        /// The last changed first.
        LastChangedFirst = "-updated_at",
    }
}

#[expect(clippy::derivable_impls, reason = "the derive cannot be put on the macro's enumeration")]
impl Default for Sort {
    fn default() -> Self {
        Self::NewestFirst
    }
}

/// What a list is filtered by, resolved to ids.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The lists in all of which an article must stand, the shortest first.
    pub facets: Vec<Facet>,
    /// Published at this moment or later.
    pub published_after: Option<Instant>,
    /// Published before this moment.
    pub published_before: Option<Instant>,
    /// Changed at this moment or later.
    pub updated_after: Option<Instant>,
    /// Articles to leave out.
    pub exclude: Vec<ArticleId>,
    /// The order.
    pub sort: Sort,
    /// What of it all the reader may see; none for all.
    pub scope: Option<Scope>,
}

impl Filter {
    /// Returns the list that is walked, and those in which each article is looked up. A reader of a single list walks that
    /// one, unless a shorter one is asked for.
    fn driver(&self) -> (Facet, &[Facet]) {
        let only = self.scope.as_ref().and_then(Scope::only_list);
        match self.facets.split_first() {
            Some((driver, others)) => (driver.clone(), others),
            None => (only.cloned().unwrap_or_else(Facet::all), &[]),
        }
    }

    /// Returns a list in which all that could ever stand in this one stands.
    pub fn list(&self) -> Facet {
        self.driver().0
    }
}

/// An article's place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct Place {
    /// The article.
    pub id: ArticleId,
    /// From when readers see it.
    pub published_at: Instant,
    updated_at: Instant,
}

impl Place {
    /// Returns what the list is sorted by.
    pub fn keys(&self, sort: Sort) -> Vec<String> {
        let time = match sort {
            Sort::NewestFirst | Sort::OldestFirst => self.published_at,
            Sort::LastChangedFirst => self.updated_at,
        };
        vec![time.millis().to_string(), self.id.to_string()]
    }
}

/// Keeps what has begun: up to the present moment, which is the upper bound of the range of the index or, where there is a
/// tighter one, no bound to the index at all.
macro_rules! begun {
    ($query:expr, $time:ident, $is_bound:expr) => {
        if $is_bound {
            $query.filter(live_facets::$time.le(Now))
        } else {
            // No database knows before it runs the statement that the other half is never true.
            $query.filter(live_facets::$time.le(Now).or(false.into_sql::<Bool>()))
        }
    };
}

/// Keeps what was published and changed between the moments that were asked for.
macro_rules! between {
    ($query:expr, $bounds:expr) => {{
        let mut query = $query;
        if let Some(at) = $bounds.published_after {
            query = query.filter(live_facets::published_at.ge(at));
        }
        if let Some(at) = $bounds.published_before {
            query = query.filter(live_facets::published_at.lt(at));
        }
        if let Some(at) = $bounds.updated_after {
            query = query.filter(live_facets::updated_at.ge(at));
        }
        query
    }};
}

/// Whether an article stands in another list as well.
macro_rules! stands_in {
    ($facet:expr) => {{
        let other = diesel::alias!(live_facets as other);
        diesel::dsl::exists(
            other
                .filter(other.field(live_facets::article_id).eq(live_facets::article_id))
                .filter(other.field(live_facets::facet).eq($facet.bytes().to_vec())),
        )
    }};
}

/// Reads the places of a page, one more than the limit, in the direction of the cursor.
///
/// # Errors
/// `invalid_cursor` when the cursor is of another shape, or when the database fails.
pub fn places(conn: &mut Conn, filter: &Filter, limit: Limit, cursor: Option<&Cursor>) -> Result<Vec<Place>> {
    match find(conn, filter, cursor, Wanted::Places { n_rows: limit.and_one(), n_skipped: 0 })? {
        Found::Places(places) => Ok(places),
        Found::Count(_) => Ok(Vec::new()),
    }
}

/// Reads the places of a page that stands so many places after the start of a list. What is skipped is walked over, so this
/// is for ranges that are known to be short.
///
/// # Errors
/// When the database fails.
pub fn places_after(conn: &mut Conn, filter: &Filter, limit: Limit, n_skipped: i64) -> Result<Vec<Place>> {
    match find(conn, filter, None, Wanted::Places { n_rows: limit.and_one() - 1, n_skipped })? {
        Found::Places(places) => Ok(places),
        Found::Count(_) => Ok(Vec::new()),
    }
}

/// Counts the articles of a range, all of which it walks over.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, filter: &Filter) -> Result<i64> {
    match find(conn, filter, None, Wanted::Count)? {
        Found::Places(places) => Ok(i64::try_from(places.len()).unwrap_or(i64::MAX)),
        Found::Count(count) => Ok(count),
    }
}

/// What of a list is asked for.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Places { n_rows: i64, n_skipped: i64 },
    Count,
}

enum Found {
    Places(Vec<Place>),
    Count(i64),
}

fn find(conn: &mut Conn, filter: &Filter, cursor: Option<&Cursor>, wanted: Wanted) -> Result<Found> {
    let (driver, others) = filter.driver();
    let bounds = Bounds::of(filter, cursor)?;
    Ok(direct!(conn, |own| {
        let mut query = live_facets::table
            .filter(live_facets::facet.eq(driver.bytes().to_vec()))
            .filter(live_facets::visible_until.is_null().or(live_facets::visible_until.gt(Now)))
            .select((live_facets::article_id, live_facets::published_at, live_facets::updated_at))
            .into_boxed();
        query = match &filter.scope {
            None => begun!(query, published_at, bounds.is_now_the_bound),
            Some(scope) => within!(query, scope),
        };
        for facet in others {
            query = query.filter(stands_in!(facet));
        }
        query = between!(query, bounds);
        if !filter.exclude.is_empty() {
            query = query.filter(live_facets::article_id.ne_all(filter.exclude.clone()));
        }
        let Wanted::Places { n_rows, n_skipped } = wanted else {
            return Ok(Found::Count(query.select(count_star()).get_result(own)?));
        };
        // The bound on the time alone is what lets the index find the place; the rest breaks ties.
        macro_rules! ordered {
            ($column:ident) => {{
                use live_facets::{article_id as id, $column as time};
                if let Some((at, article)) = bounds.after {
                    query = if bounds.is_descending {
                        query.filter(time.le(at)).filter(time.lt(at).or(id.lt(article)))
                    } else {
                        query.filter(time.ge(at)).filter(time.gt(at).or(id.gt(article)))
                    };
                }
                if bounds.is_descending {
                    query.order((time.desc(), id.desc()))
                } else {
                    query.order((time.asc(), id.asc()))
                }
            }};
        }
        let query = match filter.sort {
            Sort::NewestFirst | Sort::OldestFirst => ordered!(published_at),
            // What is to come stands at this end of the index, too.
            Sort::LastChangedFirst => {
                // What is under an embargo counts as changed when that ends.
                if filter.scope.as_ref().is_none_or(|scope| scope.embargoed_by.is_none()) {
                    query = begun!(query, updated_at, bounds.after.is_none() || !bounds.is_descending);
                }
                ordered!(updated_at)
            }
        };
        if n_skipped == 0 { top(query, n_rows).load(own) } else { middle(query, n_rows, n_skipped).load(own) }
    })
    .map(Found::Places)?)
}

/// What bounds the range of the index that a page is in. SQLite takes one bound at each end, whichever stands first: were
/// it not the tightest, a deep page would be looked for from the end of the list on.
struct Bounds {
    /// The place that the page comes after.
    after: Option<(Instant, ArticleId)>,
    is_descending: bool,
    /// Nothing but the present moment bounds the time of publication above.
    is_now_the_bound: bool,
    published_after: Option<Instant>,
    published_before: Option<Instant>,
    updated_after: Option<Instant>,
}

impl Bounds {
    /// A cursor comes from a page of the same list, so its place is within what the filter says.
    fn of(filter: &Filter, cursor: Option<&Cursor>) -> Result<Self> {
        let after = cursor.map(place_of).transpose()?;
        let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
        let is_descending = (filter.sort != Sort::OldestFirst) != is_backward;
        let is_by_publication = filter.sort != Sort::LastChangedFirst;
        let (is_below, is_above) = (after.is_some() && is_descending, after.is_some() && !is_descending);
        let published_before = filter.published_before.filter(|_| !(is_by_publication && is_below));
        Ok(Self {
            after,
            is_descending,
            is_now_the_bound: !is_by_publication || !(is_below || published_before.is_some()),
            published_after: filter.published_after.filter(|_| !(is_by_publication && is_above)),
            published_before,
            updated_after: filter.updated_after.filter(|_| is_by_publication || !is_above),
        })
    }
}

fn place_of(cursor: &Cursor) -> Result<(Instant, ArticleId)> {
    let [time, id] = cursor.keys.as_slice() else { return Err(bad_cursor()) };
    let time = time.parse().ok().and_then(Instant::from_millis).ok_or_else(bad_cursor)?;
    Ok((time, ArticleId::parse(id).ok_or_else(bad_cursor)?))
}

fn bad_cursor() -> Error {
    Error::new(Code::InvalidCursor, "The cursor is not from this list.")
}

/// What a client filters by, as it was written.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The section, whose descendants count as well.
    pub section: Option<Reference<SectionId>>,
    /// Tags, all of which must match.
    pub tags: Vec<Reference<TagId>>,
    /// Somebody in the byline.
    pub author: Option<Reference<StaffId>>,
    /// Whether the article stands out.
    pub is_featured: Option<bool>,
    /// The language.
    pub language: Option<Language>,
}

/// Resolves what is filtered by to lists, those that tend to be short first.
///
/// # Errors
/// `invalid_parameter` with a fault for each name that leads nowhere that readers know.
pub fn facets(conn: &mut Conn, asked: &Asked, scope: Option<&Scope>) -> Result<Vec<Facet>> {
    let mut faults = Faults::new();
    let mut facets = Vec::new();
    for (index, reference) in asked.tags.iter().enumerate() {
        // A tag that no live article carries is unknown to readers.
        match tag_store::try_find(conn, reference)?.map(|row| Facet::tag(row.id)) {
            Some(facet) if is_used(conn, &facet, scope)? => facets.push(facet),
            _ => {
                let pointer = if asked.tags.len() == 1 { "/tag".to_owned() } else { format!("/tag/{index}") };
                faults.add(pointer, "not_found", format!("there is no tag \"{reference}\""));
            }
        }
    }
    if let Some(reference) = &asked.author {
        match staff_store::try_find(conn, reference)?.filter(|row| row.trashed_at.is_none()) {
            Some(row) => facets.push(Facet::staff(row.id)),
            None => faults.add("/author", "not_found", format!("there is no staff profile \"{reference}\"")),
        }
    }
    if let Some(reference) = &asked.section {
        match store::try_find(conn, reference)?.filter(|row| row.trashed_at.is_none()) {
            Some(row) => facets.push(Facet::section(row.id)),
            None => faults.add("/section", "not_found", format!("there is no section \"{reference}\"")),
        }
    }
    facets.extend(
        asked.is_featured.map(|is_featured| if is_featured { Facet::featured() } else { Facet::not_featured() }),
    );
    facets.extend(asked.language.as_ref().map(|language| Facet::language(language.as_str())));
    faults.check(Code::InvalidParameter)?;
    Ok(facets)
}

/// Returns whether any article that readers see stands in a list. Asked in the order of the index: PostgreSQL would
/// read the table from its start until it meets one, however many come before.
///
/// # Errors
/// When the database fails.
pub fn is_used(conn: &mut Conn, facet: &Facet, scope: Option<&Scope>) -> Result<bool> {
    let newest = live_facets::table
        .filter(live_facets::facet.eq(facet.bytes().to_vec()))
        .filter(live_facets::visible_until.is_null().or(live_facets::visible_until.gt(Now)))
        .order((live_facets::published_at.desc(), live_facets::article_id.desc()))
        .select(live_facets::article_id);
    let found: Option<ArticleId> = match scope {
        None => {
            let newest = newest.filter(live_facets::published_at.le(Now));
            direct!(conn, |own| top(newest, 1).get_result(own).optional())?
        }
        Some(scope) => direct!(conn, |own| top(within!(newest.into_boxed(), scope), 1).get_result(own).optional())?,
    };
    Ok(found.is_some())
}
