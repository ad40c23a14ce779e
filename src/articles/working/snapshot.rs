//! What a revision said, for whoever shows it as readers would see it.

use diesel::prelude::*;

use super::{ArticleRow, Working, store};
use crate::{
    articles::content::{Content, StoredBody},
    clock::Instant,
    db::{
        Conn,
        schema::{article_revisions, articles},
    },
    error::Result,
    ids::ArticleId,
};

/// A revision of an article.
pub struct Snapshot {
    /// The article as it stands now.
    pub row: ArticleRow,
    /// What the revision said.
    pub content: Content,
    /// Its body.
    pub body: StoredBody,
    /// When it was made.
    pub made_at: Instant,
}

/// Returns a revision of an article, or the newest; `None` when there is none of that number.
///
/// # Errors
/// When the database fails.
pub fn snapshot(conn: &mut Conn, id: ArticleId, revision: Option<i32>) -> Result<Option<Snapshot>> {
    let row: Option<ArticleRow> =
        articles::table.find(id).select(ArticleRow::as_select()).get_result(conn).optional()?;
    let Some(row) = row else { return Ok(None) };
    let Some(number) = revision else {
        let Working { row, content, body, .. } = Working::load(conn, row)?;
        let made_at = row.updated_at;
        return Ok(Some(Snapshot { row, content, body, made_at }));
    };
    let Some((content, body)) = store::said_at(conn, id, number)? else { return Ok(None) };
    let made_at = article_revisions::table.find((id, number)).select(article_revisions::created_at).get_result(conn)?;
    Ok(Some(Snapshot { row, content, body, made_at }))
}
