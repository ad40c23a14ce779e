//! The desk's list: working copies, the latest change first, each with what it refers to, in a fixed number of statements.
//!
//! [`Asked`] is what clients ask for, [`Filter`] that and what they may see, [`page()`] and [`counts`] what there is of it.
//! What has words that few articles have is sorted out in `few`, since databases like to walk through all articles for it.

mod few;
pub mod routes;

use std::collections::HashMap;

use diesel::{
    dsl::{case_when, count_star, exists},
    prelude::*,
    sql_types::Bool,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    content::{Content, StoredBody},
    gist::Gist,
    lifecycle::State,
    linking::ArticleLinks,
    params::{Assigned, Somebody},
    resolve::Embedded,
    view::WorkingArticle,
    words::{self, Narrowed, Search, Sought},
    working::{ArticleRow, Parts, present},
};
use crate::{
    auth::{
        identity::Caller,
        rights::{Allowance, Operation, Role},
    },
    clock::Instant,
    config::SiteConfig,
    db::{
        Conn,
        direct::{direct, one_of, top},
        schema::{article_bodies, article_words, articles, sections},
    },
    error::{Code, Error, Result},
    http::page::{self, Cursor, Direction, Limit, PageInfo},
    ids::{ArticleId, SectionId, UserId},
    reference::Reference,
    sections::store::{self, SectionRow},
};

/// Adds to a query of articles that they have words that very many have. They are looked for in one article after the
/// other.
macro_rules! having {
    ($query:expr, $words:expr) => {{
        let mut query = $query;
        for Sought { word, also } in $words {
            let begins = article_words::word.ge(word.clone()).and(article_words::word.lt(words::end_of(word)));
            let own = exists(article_words::table.filter(article_words::article_id.eq(articles::id)).filter(begins));
            query = if also.is_empty() {
                query.filter(own)
            } else {
                query.filter(own.or(articles::id.eq_any(also.clone())))
            };
        }
        query
    }};
}

use having;

/// What the desk's list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The state.
    pub state: Option<State>,
    /// The section, with all below it.
    pub section: Option<Reference<SectionId>>,
    /// Who created the article.
    pub created_by: Option<Somebody>,
    /// Whom it is assigned to.
    pub assigned_to: Option<Assigned>,
    /// Changed at this moment or later.
    pub updated_after: Option<Instant>,
    /// The words that it has.
    pub search: Option<Search>,
    /// What is in the trash instead of what is not.
    pub is_trashed: bool,
}

/// The same, looked up for a caller.
#[derive(Clone, Debug)]
pub struct Filter {
    state: Option<State>,
    sections: Option<Vec<SectionId>>,
    owner: Option<UserId>,
    created_by: Option<UserId>,
    assigned_to: Option<Option<UserId>>,
    updated_after: Option<Instant>,
    words: Option<Narrowed>,
    is_trashed: bool,
    sees_killed: bool,
}

impl Asked {
    /// Looks up what the list is asked for, and adds what the caller may not see.
    ///
    /// # Errors
    /// `invalid_parameter` for a section that does not exist.
    pub fn filter(self, conn: &mut Conn, caller: &Caller) -> Result<Filter> {
        let section = self.section.as_ref();
        let section = section.map(|reference| store::named(conn, reference, "/section")).transpose()?;
        let sees_all = Operation::ListWorkingArticles.allowance(caller.role) == Allowance::All;
        Ok(Filter {
            state: self.state,
            sections: section.map(|section| subtree(conn, &section)).transpose()?,
            owner: (!sees_all).then_some(caller.user_id),
            created_by: self.created_by.map(|somebody| somebody.user(caller)),
            assigned_to: self.assigned_to.map(|assigned| match assigned {
                Assigned::Nobody => None,
                Assigned::To(somebody) => Some(somebody.user(caller)),
            }),
            updated_after: self.updated_after,
            words: self.search.map(|search| search.narrow(conn)).transpose()?,
            is_trashed: self.is_trashed,
            sees_killed: caller.role == Role::Admin,
        })
    }
}

/// How many articles stand in each state.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArticleCounts {
    /// Being written.
    #[schema(minimum = 0, example = 12)]
    pub draft: i64,
    /// Waiting for an editor.
    #[schema(minimum = 0, example = 3)]
    pub in_review: i64,
    /// An editor found them good.
    #[schema(minimum = 0, example = 1)]
    pub approved: i64,
    /// Readers will see them at their time.
    #[schema(minimum = 0, example = 2)]
    pub scheduled: i64,
    /// Readers see them, or will when their embargo ends.
    #[schema(minimum = 0, example = 2048)]
    pub published: i64,
    /// Readers saw them and do not see them any more.
    #[schema(minimum = 0, example = 7)]
    pub withdrawn: i64,
    /// Gone for good; always 0 except for administrators.
    #[schema(minimum = 0, example = 0)]
    pub killed: i64,
    /// The states of which there may be more than the number says. Only with `q`, for words that more than 5,000 articles
    /// have: of each state, they are counted among the 10,000 articles that changed last, or fewer if there are several
    /// such words.
    #[schema(example = json!(["published"]))]
    pub at_least: Vec<State>,
}

/// Adds to a query of articles what it is filtered by, but for the words.
macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let (mut query, filter): (_, &Filter) = ($query, $filter);
        query = if filter.is_trashed {
            query.filter(articles::trashed_at.is_not_null())
        } else {
            query.filter(articles::trashed_at.is_null())
        };
        if let Some(user) = filter.owner {
            query = query.filter(articles::created_by.eq(user));
        }
        // Only an administrator sees again what was killed.
        if !filter.sees_killed {
            query = query.filter(articles::state.ne(State::Killed));
        }
        if let Some(state) = filter.state {
            query = query.filter(articles::state.eq(state));
        }
        if let Some(sections) = &filter.sections {
            query = query.filter(articles::section_id.eq_any(sections.clone()));
        }
        if let Some(user) = filter.created_by {
            query = query.filter(articles::created_by.eq(user));
        }
        match filter.assigned_to {
            None => {}
            Some(None) => query = query.filter(articles::assigned_to.is_null()),
            Some(Some(user)) => query = query.filter(articles::assigned_to.eq(user)),
        }
        if let Some(at) = filter.updated_after {
            query = query.filter(articles::updated_at.ge(at));
        }
        query
    }};
}

/// Keeps of a query of articles what comes after a place in the list, or before it, in that order.
macro_rules! walked {
    ($query:expr, $walk:expr) => {{
        let (mut query, walk): (_, &Walk) = ($query, $walk);
        if let Some((at, id)) = walk.from {
            query = if walk.is_backward {
                query.filter(articles::updated_at.ge(at)).filter(articles::updated_at.gt(at).or(articles::id.gt(id)))
            } else {
                query.filter(articles::updated_at.le(at)).filter(articles::updated_at.lt(at).or(articles::id.lt(id)))
            };
        }
        if walk.is_backward {
            query.order((articles::updated_at.asc(), articles::id.asc()))
        } else {
            query.order((articles::updated_at.desc(), articles::id.desc()))
        }
    }};
}

/// Keeps of a query of articles what comes before a place on the way, and the place itself.
macro_rules! until {
    ($query:expr, $walk:expr, $edge:expr) => {{
        let (query, walk): (_, &Walk) = ($query, $walk);
        match $edge {
            None => query,
            Some((at, id)) if walk.is_backward => {
                query.filter(articles::updated_at.le(at)).filter(articles::updated_at.lt(at).or(articles::id.le(id)))
            }
            Some((at, id)) => {
                query.filter(articles::updated_at.ge(at)).filter(articles::updated_at.gt(at).or(articles::id.ge(id)))
            }
        }
    }};
}

/// The most articles that are looked at for one word that very many have; for two words half as many, and so on.
///
/// That takes some hundredths of a second; all of a large archive would take seconds.
const MOST_LOOKED_AT: i64 = 10_000;

fn most_looked_at(words: &[Sought]) -> i64 {
    MOST_LOOKED_AT / i64::try_from(words.len()).unwrap_or(i64::MAX).max(1)
}

/// What an article's place in the list is: its last change, and its id.
type Place = (Instant, ArticleId);

/// From where on the list is read, and which way.
#[derive(Clone, Copy, Debug, Default)]
struct Walk {
    from: Option<Place>,
    is_backward: bool,
}

impl Walk {
    fn of(cursor: Option<&Cursor>) -> Result<Self> {
        let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
        Ok(Self { from: cursor.map(place_of).transpose()?, is_backward })
    }
}

/// Reads a page of the list. It may have fewer articles than there are, be it none, and a cursor with which to go on, when
/// very many had to be looked at.
///
/// # Errors
/// `invalid_cursor` when the cursor is of another shape, or when the database fails.
pub fn page(
    conn: &mut Conn,
    filter: &Filter,
    limit: Limit,
    cursor: Option<&Cursor>,
    seal: impl Fn(Cursor) -> String,
) -> Result<(Vec<ArticleRow>, PageInfo)> {
    let walk = Walk::of(cursor)?;
    let (rows, edge) = match &filter.words {
        Some(Narrowed { ids: Some(ids), words }) => (few::rows(conn, filter, (ids, words), limit, walk)?, None),
        words => rows(conn, filter, words.as_ref().map_or(&[], |words| &words.words), limit, walk)?,
    };
    let slice = page::slice(rows, limit, cursor);
    let mut info = slice.info_by(limit, &seal, keys);
    if let Some((at, id)) = edge.filter(|_| slice.rows.len() < limit.get()) {
        let on = |direction| Some(seal(Cursor { direction, keys: keys_of(at, id) }));
        let is_empty = slice.rows.is_empty();
        if walk.is_backward {
            info.prev = on(Direction::Backward);
            info.next = info.next.or_else(|| on(Direction::Forward));
        } else {
            info.next = on(Direction::Forward);
            info.prev = info.prev.or_else(|| on(Direction::Backward).filter(|_| is_empty && cursor.is_some()));
        }
    }
    Ok((slice.rows, info))
}

/// Reads rows, one more than the limit; and up to where it was looked, if that is not the end of the list.
fn rows(
    conn: &mut Conn,
    filter: &Filter,
    words: &[Sought],
    limit: Limit,
    walk: Walk,
) -> Result<(Vec<ArticleRow>, Option<Place>)> {
    let edge = if words.is_empty() { None } else { edge(conn, filter, most_looked_at(words), walk)? };
    let rows = direct!(conn, |own| {
        let query = articles::table.select(ArticleRow::as_select()).into_boxed();
        let query = until!(walked!(having!(filtered!(query, filter), words), &walk), &walk, edge);
        top(query, limit.and_one()).load(own)
    })?;
    Ok((rows, edge))
}

/// Returns the last place among so many, if there are more; whatever words there are.
fn edge(conn: &mut Conn, filter: &Filter, n_places: i64, walk: Walk) -> Result<Option<Place>> {
    let query = articles::table.select((articles::updated_at, articles::id)).into_boxed();
    let query = walked!(filtered!(query, filter), &walk);
    let places: Vec<Place> = query.offset(n_places - 1).limit(2).load(conn)?;
    Ok(if places.len() > 1 { places.first().copied() } else { None })
}

/// Counts the articles of the list in each state.
///
/// # Errors
/// When the database fails.
pub fn counts(conn: &mut Conn, filter: &Filter) -> Result<ArticleCounts> {
    let mut at_least = Vec::new();
    let counts: HashMap<State, i64> = match &filter.words {
        Some(Narrowed { ids: Some(ids), words }) => few::counts(conn, filter, ids, words)?,
        Some(Narrowed { ids: None, words }) if !words.is_empty() => {
            let mut counts = HashMap::new();
            for &state in State::ALL {
                let (n_found, is_all) = count_within(conn, filter, words, state)?;
                counts.insert(state, n_found);
                at_least.extend((!is_all).then_some(state));
            }
            counts
        }
        _ => {
            let query = articles::table.group_by(articles::state).select((articles::state, count_star())).into_boxed();
            filtered!(query, filter).load(conn)?.into_iter().collect()
        }
    };
    let of = |state: State| counts.get(&state).copied().unwrap_or_default();
    Ok(ArticleCounts {
        draft: of(State::Draft),
        in_review: of(State::InReview),
        approved: of(State::Approved),
        scheduled: of(State::Scheduled),
        published: of(State::Published),
        withdrawn: of(State::Withdrawn),
        killed: of(State::Killed),
        at_least,
    })
}

/// Counts those with certain words among the latest articles of a state; false if there are more articles of it.
fn count_within(conn: &mut Conn, filter: &Filter, words: &[Sought], state: State) -> Result<(i64, bool)> {
    let (filter, walk) = (Filter { state: Some(state), words: None, ..filter.clone() }, Walk::default());
    let edge = edge(conn, &filter, most_looked_at(words), walk)?;
    let query = having!(filtered!(articles::table.select(count_star()).into_boxed(), &filter), words);
    Ok((until!(query, &walk, edge).get_result(conn)?, edge.is_none()))
}

/// Returns what a row's place in the list is named by.
fn keys(row: &ArticleRow) -> Vec<String> {
    keys_of(row.updated_at, row.id)
}

fn keys_of(at: Instant, id: ArticleId) -> Vec<String> {
    vec![at.millis().to_string(), id.to_string()]
}

fn place_of(cursor: &Cursor) -> Result<Place> {
    let bad = || Error::new(Code::InvalidCursor, "The cursor is not from this list.");
    let [time, id] = cursor.keys.as_slice() else { return Err(bad()) };
    let time = time.parse().ok().and_then(Instant::from_millis).ok_or_else(bad)?;
    Ok((time, ArticleId::parse(id).ok_or_else(bad)?))
}

fn subtree(conn: &mut Conn, section: &SectionRow) -> Result<Vec<SectionId>> {
    let below = sections::path.ge(format!("{}/", section.path)).and(sections::path.lt(format!("{}0", section.path)));
    Ok(sections::table.filter(sections::id.eq(section.id).or(below)).select(sections::id).load(conn)?)
}

/// Returns the views of rows.
///
/// # Errors
/// When the database fails or a row is damaged.
pub fn views(conn: &mut Conn, rows: Vec<ArticleRow>, site: &SiteConfig, parts: Parts) -> Result<Vec<WorkingArticle>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let contents = rows.iter().map(|row| Content::read(&row.content)).collect::<Result<Vec<_>>>()?;
    let assigned = contents.iter().filter_map(|content| content.assigned_to);
    let users = rows.iter().flat_map(|row| [row.created_by, row.updated_by]).chain(assigned).collect();
    let embedded = Embedded::load(conn, contents.iter(), users)?;
    let mut known = bodies(conn, &rows, parts)?;
    let mut bodies = Vec::with_capacity(rows.len());
    for row in &rows {
        bodies.push(known.remove(&row.id).ok_or_else(|| Error::internal(format!("article {} has no body", row.id)))?);
    }
    let linked = bodies.iter().filter_map(|(body, _)| parts.linked(&body.as_ref()?.body));
    let links = ArticleLinks::load(conn, linked, site)?;
    let mut views = Vec::with_capacity(rows.len());
    for ((row, content), (body, gist)) in rows.into_iter().zip(contents).zip(bodies) {
        let written = body.map(|body| parts.write(&body, &links)).transpose()?.unwrap_or_default();
        views.push(present(row, content, &gist, &embedded, site, written, None)?);
    }
    Ok(views)
}

/// What a view needs of a body; most lists do not show any.
type Needed = (Option<StoredBody>, Gist);

fn bodies(conn: &mut Conn, rows: &[ArticleRow], parts: Parts) -> Result<HashMap<ArticleId, Needed>> {
    type Row = (ArticleId, String, Option<String>, Option<String>);
    let blocks = case_when(parts.any().into_sql::<Bool>().or(article_bodies::gist.is_null()), article_bodies::blocks);
    let query = articles::table
        .inner_join(
            article_bodies::table
                .on(article_bodies::article_id.eq(articles::id).and(article_bodies::digest.eq(articles::body_digest))),
        )
        .filter(one_of(articles::id, rows.iter().map(|row| row.id)))
        .select((articles::id, article_bodies::digest, blocks, article_bodies::gist));
    let found: Vec<Row> = direct!(conn, |own| query.load(own))?;
    let needed = found.into_iter().map(|(id, digest, blocks, gist)| {
        let gist = gist.as_deref().map(Gist::read).transpose()?;
        let body = blocks.map(|json| StoredBody::read(json, digest)).transpose()?;
        let gist = gist.or_else(|| body.as_ref().map(|body| body.gist().clone()));
        Ok((id, (body, gist.ok_or_else(|| Error::internal(format!("nothing is known of the body of {id}")))?)))
    });
    needed.collect()
}
