//! What a search came down to that few articles can match: those are read by their ids, and sorted out here.
//!
//! Given the choice, SQLite walks through all articles of a state or a section in their order and looks for each whether it
//! is among the few.

use std::collections::HashMap;

use diesel::{dsl::exists, prelude::*};

use super::{Filter, Walk, having};
use crate::{
    articles::{
        lifecycle::State,
        words::{self, Sought},
        working::ArticleRow,
    },
    clock::Instant,
    db::{
        Conn,
        schema::{article_words, articles},
    },
    error::Result,
    http::page::Limit,
    ids::{ArticleId, SectionId, UserId},
};

/// What an article is filtered and sorted by.
#[derive(Clone, Debug, Queryable)]
struct Candidate {
    id: ArticleId,
    updated_at: Instant,
    state: State,
    section_id: Option<SectionId>,
    created_by: UserId,
    assigned_to: Option<UserId>,
    trashed_at: Option<Instant>,
}

impl Filter {
    /// Returns whether an article is in the list, whatever its words.
    fn admits(&self, article: &Candidate) -> bool {
        let in_section = |sections: &Vec<SectionId>| article.section_id.is_some_and(|id| sections.contains(&id));
        article.trashed_at.is_some() == self.is_trashed
            && self.owner.is_none_or(|user| article.created_by == user)
            && (self.sees_killed || article.state != State::Killed)
            && self.state.is_none_or(|state| article.state == state)
            && self.sections.as_ref().is_none_or(in_section)
            && self.created_by.is_none_or(|user| article.created_by == user)
            && self.assigned_to.is_none_or(|user| article.assigned_to == user)
            && self.updated_after.is_none_or(|at| article.updated_at >= at)
    }
}

/// Returns those of some articles that are in the list and have some words besides.
fn candidates(conn: &mut Conn, filter: &Filter, ids: &[ArticleId], words: &[Sought]) -> Result<Vec<Candidate>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = articles::table.filter(articles::id.eq_any(ids)).into_boxed();
    let query = query.select((
        articles::id,
        articles::updated_at,
        articles::state,
        articles::section_id,
        articles::created_by,
        articles::assigned_to,
        articles::trashed_at,
    ));
    let query = having!(query, words);
    Ok(query.load::<Candidate>(conn)?.into_iter().filter(|article| filter.admits(article)).collect())
}

/// Reads rows of the list, one more than the limit, in the order of the walk.
pub(super) fn rows(
    conn: &mut Conn,
    filter: &Filter,
    (ids, words): (&[ArticleId], &[Sought]),
    limit: Limit,
    walk: Walk,
) -> Result<Vec<ArticleRow>> {
    let found = candidates(conn, filter, ids, words)?;
    let mut places: Vec<_> = found.iter().map(|article| (article.updated_at, article.id)).collect();
    places.sort_unstable();
    if !walk.is_backward {
        places.reverse();
    }
    let is_ahead = |place: &(Instant, ArticleId)| {
        walk.from.is_none_or(|from| if walk.is_backward { *place > from } else { *place < from })
    };
    let ids: Vec<ArticleId> =
        places.into_iter().filter(is_ahead).map(|(_, id)| id).take(limit.get().saturating_add(1)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = articles::table.filter(articles::id.eq_any(&ids)).select(ArticleRow::as_select()).load(conn)?;
    let mut rows: HashMap<ArticleId, ArticleRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
}

/// Counts the articles of the list in each state.
pub(super) fn counts(
    conn: &mut Conn,
    filter: &Filter,
    ids: &[ArticleId],
    words: &[Sought],
) -> Result<HashMap<State, i64>> {
    let mut counts = HashMap::new();
    for article in candidates(conn, filter, ids, words)? {
        *counts.entry(article.state).or_default() += 1;
    }
    Ok(counts)
}
