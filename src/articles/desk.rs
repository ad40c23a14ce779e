//! The desk's list: working copies, the latest change first, each with what it refers to, in a fixed number of statements.
//!
//! [`Asked`] is what clients ask for, [`Filter`] that and what they may see.

pub mod routes;

use std::collections::HashMap;

use diesel::{
    dsl::{count_star, exists},
    prelude::*,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    content::{Content, StoredBody},
    lifecycle::State,
    linking::ArticleLinks,
    params::{Assigned, Somebody},
    resolve::Embedded,
    view::WorkingArticle,
    words::{self, Narrowed, Search},
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
        schema::{article_bodies, article_words, articles, sections},
    },
    error::{Code, Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::{ArticleId, SectionId, UserId},
    reference::Reference,
    sections::store::{self, SectionRow},
};

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
        if let Some(ids) = filter.words.as_ref().and_then(|words| words.ids.as_ref()) {
            query = query.filter(articles::id.eq_any(ids.clone()));
        }
        query
    }};
}

/// The articles that have a word that begins with this one.
macro_rules! with_word {
    ($word:expr) => {
        article_words::table
            .filter(article_words::word.ge($word.clone()))
            .filter(article_words::word.lt(words::end_of($word)))
    };
}

/// Reads rows of the list, one more than the limit, in the direction of the cursor.
///
/// # Errors
/// `invalid_cursor` when the cursor is of another shape, or when the database fails.
pub fn rows(conn: &mut Conn, filter: &Filter, limit: Limit, cursor: Option<&Cursor>) -> Result<Vec<ArticleRow>> {
    let query = articles::table.select(ArticleRow::as_select()).limit(limit.and_one()).into_boxed();
    let mut query = filtered!(query, filter);
    for word in filter.words.iter().flat_map(|words| &words.words) {
        // Common words are looked for in one article after the other: those that have them are many, so a page is soon full.
        let own = with_word!(word).filter(article_words::article_id.eq(articles::id));
        query = query.filter(exists(own));
    }
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    if let Some(cursor) = cursor {
        let (at, id) = place_of(cursor)?;
        query = if is_backward {
            query.filter(articles::updated_at.ge(at)).filter(articles::updated_at.gt(at).or(articles::id.gt(id)))
        } else {
            query.filter(articles::updated_at.le(at)).filter(articles::updated_at.lt(at).or(articles::id.lt(id)))
        };
    }
    let query = if is_backward {
        query.order((articles::updated_at.asc(), articles::id.asc()))
    } else {
        query.order((articles::updated_at.desc(), articles::id.desc()))
    };
    Ok(query.load(conn)?)
}

/// Counts the articles of the list in each state.
///
/// # Errors
/// When the database fails.
pub fn counts(conn: &mut Conn, filter: &Filter) -> Result<ArticleCounts> {
    let query = articles::table.group_by(articles::state).select((articles::state, count_star())).into_boxed();
    let mut query = filtered!(query, filter);
    for word in filter.words.iter().flat_map(|words| &words.words) {
        query = query.filter(articles::id.eq_any(with_word!(word).select(article_words::article_id)));
    }
    let counts: HashMap<State, i64> = query.load(conn)?.into_iter().collect();
    let of = |state: State| counts.get(&state).copied().unwrap_or_default();
    Ok(ArticleCounts {
        draft: of(State::Draft),
        in_review: of(State::InReview),
        approved: of(State::Approved),
        scheduled: of(State::Scheduled),
        published: of(State::Published),
        withdrawn: of(State::Withdrawn),
        killed: of(State::Killed),
    })
}

/// Returns what a row's place in the list is named by.
pub fn keys(row: &ArticleRow) -> Vec<String> {
    vec![row.updated_at.millis().to_string(), row.id.to_string()]
}

fn place_of(cursor: &Cursor) -> Result<(Instant, ArticleId)> {
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
    let mut bodies = bodies(conn, &rows)?;
    let mut stored = Vec::with_capacity(rows.len());
    for row in &rows {
        let json = bodies.remove(&row.id).ok_or_else(|| Error::internal(format!("article {} has no body", row.id)))?;
        stored.push(StoredBody::read(json, row.body_digest.clone())?);
    }
    let links = ArticleLinks::load(conn, stored.iter().filter_map(|body| parts.linked(&body.body)), site)?;
    let mut views = Vec::with_capacity(rows.len());
    for ((row, content), body) in rows.into_iter().zip(contents).zip(stored) {
        let written = parts.write(&body, &links)?;
        views.push(present(row, content, &body.body, &embedded, site, written, None)?);
    }
    Ok(views)
}

fn bodies(conn: &mut Conn, rows: &[ArticleRow]) -> Result<HashMap<ArticleId, String>> {
    let ids: Vec<ArticleId> = rows.iter().map(|row| row.id).collect();
    Ok(articles::table
        .inner_join(
            article_bodies::table
                .on(article_bodies::article_id.eq(articles::id).and(article_bodies::digest.eq(articles::body_digest))),
        )
        .filter(articles::id.eq_any(ids))
        .select((articles::id, article_bodies::blocks))
        .load(conn)?
        .into_iter()
        .collect())
}
