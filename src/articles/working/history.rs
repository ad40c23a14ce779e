//! The revisions of an article, as rows: listed, read, compared, and taken up again.

use diesel::prelude::*;

use super::{ArticleRow, Working, check, edit::revise, require_editable, require_readable, store};
use crate::{
    articles::{
        content::{Content, StoredBody},
        input::ArticleInput,
        lifecycle::State,
        resolve::Subject,
    },
    auth::identity::Caller,
    clock::Instant,
    db::{Conn, Tx, schema::article_revisions},
    error::{Code, Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::{ArticleId, UserId},
    input::read,
    revisions::Basis,
};

/// What is told of a revision besides what it says.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = article_revisions)]
pub struct RevisionRow {
    /// Its number, counted from 1.
    pub number: i32,
    /// What was done.
    pub kind: String,
    /// The article's state since then.
    pub state: State,
    /// The same in one line.
    pub summary: String,
    /// What somebody said to it.
    pub note: Option<String>,
    /// The size of what it says.
    pub size_bytes: i32,
    /// Whether readers see, or saw, this revision.
    pub is_published: bool,
    /// When it was made.
    pub created_at: Instant,
    /// By whom.
    pub created_by: UserId,
}

/// Reads revisions of an article, the newest first, one more than the limit, in the direction of the cursor.
///
/// # Errors
/// `invalid_cursor` when the cursor is of another shape, or when the database fails.
pub fn page(conn: &mut Conn, id: ArticleId, limit: Limit, cursor: Option<&Cursor>) -> Result<Vec<RevisionRow>> {
    let mut query = article_revisions::table
        .filter(article_revisions::article_id.eq(id))
        .select(RevisionRow::as_select())
        .limit(limit.and_one())
        .into_boxed();
    let is_backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    if let Some(cursor) = cursor {
        let number: Option<i32> = cursor.keys.first().and_then(|key| key.parse().ok());
        let number = number.ok_or_else(|| Error::new(Code::InvalidCursor, "The cursor is not from this list."))?;
        query = if is_backward {
            query.filter(article_revisions::number.gt(number))
        } else {
            query.filter(article_revisions::number.lt(number))
        };
    }
    let query = if is_backward {
        query.order(article_revisions::number.asc())
    } else {
        query.order(article_revisions::number.desc())
    };
    Ok(query.load(conn)?)
}

/// Returns a revision with what it said, if it was kept.
///
/// # Errors
/// When the database fails or what is stored is damaged.
pub fn revision(conn: &mut Conn, id: ArticleId, number: i32) -> Result<Option<(RevisionRow, Content, StoredBody)>> {
    let row: Option<RevisionRow> =
        article_revisions::table.find((id, number)).select(RevisionRow::as_select()).first(conn).optional()?;
    let Some(row) = row else { return Ok(None) };
    Ok(store::said_at(conn, id, number)?.map(|(content, body)| (row, content, body)))
}

/// Returns what a revision said, if it was kept.
///
/// # Errors
/// When the database fails or what is stored is damaged.
pub fn said(conn: &mut Conn, id: ArticleId, number: i32) -> Result<Option<(Content, StoredBody)>> {
    store::said_at(conn, id, number)
}

/// Returns the number of the last revision before another that was kept.
///
/// # Errors
/// When the database fails.
pub fn before(conn: &mut Conn, id: ArticleId, number: i32) -> Result<Option<i32>> {
    Ok(article_revisions::table
        .filter(article_revisions::article_id.eq(id))
        .filter(article_revisions::number.lt(number))
        .order(article_revisions::number.desc())
        .select(article_revisions::number)
        .first(conn)
        .optional()?)
}

/// Makes what an older revision said the newest revision; readers notice nothing.
///
/// The embargo, what the article is named by and whom it is assigned to stay as they are: they belong to the work, not to
/// the text, and an embargo must not end because an older text is taken up again.
///
/// # Errors
/// `not_found` when there is no such revision, `invalid_transition` in the trash or when it refers to what is gone,
/// `precondition_failed`, `slug_taken`.
pub fn take_up(tx: &mut Tx<'_>, caller: &Caller, old: Working, basis: &Basis, number: i32) -> Result<Working> {
    check(tx, &old, basis, None)?;
    require_editable(&old.row)?;
    let (mut content, body) = store::said_at(tx.conn()?, old.row.id, number)?.ok_or_else(Error::not_found)?;
    content.embargo_until = old.content.embargo_until;
    content.assigned_to = old.content.assigned_to;
    content.guid.clone_from(&old.content.guid);
    let input: ArticleInput = read(content.document()?, Code::InvalidInput)?;
    let subject = Subject { related: &content.related, ..Subject::of(&old) };
    let settled = super::edit::settle(tx, &subject, caller, &input).map_err(gone)?;
    let step = ("reverted", Some(format!("Took up revision {number} again")));
    revise(tx, caller, old, settled, body, Vec::new(), step)
}

/// What was written long ago is not the caller's input: a reference that leads nowhere is a matter of the article's state.
pub(super) fn gone(error: Error) -> Error {
    match error.code() {
        Code::InvalidInput => Error::faults(Code::InvalidTransition, error.input_faults().to_vec()),
        _ => error,
    }
}

/// Returns the row of an article for those who may read its past by the name of it, now or at any time before.
///
/// # Errors
/// `not_found`, or `forbidden` for what was killed.
pub fn of(conn: &mut Conn, id: Option<ArticleId>, caller: &Caller) -> Result<ArticleRow> {
    let id = id.ok_or_else(Error::not_found)?;
    let row = super::row(conn, id)?.ok_or_else(Error::not_found)?;
    require_readable(&row, caller, crate::auth::rights::Operation::ReadArticleHistory)?;
    Ok(row)
}
