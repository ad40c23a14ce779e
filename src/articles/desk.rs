//! The desk's list: working copies, the latest change first, each with what it refers to, in a fixed number of statements.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::value::RawValue;

use super::{
    content::{Content, StoredBody},
    lifecycle::State,
    resolve::Embedded,
    view::{Bodies, WorkingArticle},
    working::{ArticleRow, Parts, present},
};
use crate::{
    auth::{
        identity::Caller,
        rights::{Allowance, Operation},
    },
    body::NoLinks,
    clock::Instant,
    config::SiteConfig,
    db::{
        Conn,
        schema::{article_bodies, articles, sections},
    },
    error::{Code, Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::{ArticleId, SectionId, UserId},
    sections::store::SectionRow,
};

/// What the desk's list is filtered by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The state.
    pub state: Option<State>,
    /// The section with all below it.
    pub section: Option<SectionRow>,
    /// Who created the article.
    pub created_by: Option<UserId>,
    /// Changed at this moment or later.
    pub updated_after: Option<Instant>,
    /// What is in the trash instead of what is not.
    pub is_trashed: bool,
}

/// Reads rows of the list, one more than the limit, in the direction of the cursor.
///
/// # Errors
/// `invalid_cursor` when the cursor is of another shape, or when the database fails.
pub fn rows(
    conn: &mut Conn,
    caller: &Caller,
    filter: &Filter,
    limit: Limit,
    cursor: Option<&Cursor>,
) -> Result<Vec<ArticleRow>> {
    let mut query = articles::table.select(ArticleRow::as_select()).limit(limit.and_one()).into_boxed();
    query = if filter.is_trashed {
        query.filter(articles::trashed_at.is_not_null())
    } else {
        query.filter(articles::trashed_at.is_null())
    };
    if Operation::ListWorkingArticles.allowance(caller.role) != Allowance::All {
        query = query.filter(articles::created_by.eq(caller.user_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(articles::state.eq(state));
    }
    if let Some(section) = &filter.section {
        query = query.filter(articles::section_id.eq_any(subtree(conn, section)?));
    }
    if let Some(user) = filter.created_by {
        query = query.filter(articles::created_by.eq(user));
    }
    if let Some(at) = filter.updated_after {
        query = query.filter(articles::updated_at.ge(at));
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
    let users = rows.iter().flat_map(|row| [row.created_by, row.updated_by]).collect();
    let embedded = Embedded::load(conn, contents.iter(), users)?;
    let mut bodies = bodies(conn, &rows)?;
    let mut views = Vec::with_capacity(rows.len());
    for (row, content) in rows.into_iter().zip(contents) {
        let json = bodies.remove(&row.id).ok_or_else(|| Error::internal(format!("article {} has no body", row.id)))?;
        let body = StoredBody::read(json, row.body_digest.clone())?;
        let written = Bodies {
            html: parts.html.then(|| body.body.to_html(&NoLinks)),
            blocks: if parts.blocks { Some(RawValue::from_string(body.json).map_err(Error::internal)?) } else { None },
            text: parts.text.then(|| body.body.to_text()),
        };
        views.push(present(row, content, &body.body, &embedded, site, written, None));
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
