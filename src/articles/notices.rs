//! What readers are told of an article that they do not see: that there is nothing, or that it was killed. Cannot reach the
//! working tables.

use diesel::prelude::*;

use super::guids::guid_of;
use crate::{
    clock::Instant,
    db::{
        Conn,
        schema::{live_notices, live_slugs},
    },
    error::{Code, Error, Result},
    ids::ArticleId,
    input::Slug,
    reference::Reference,
};

/// Returns which article readers know, or will know, by a name.
///
/// # Errors
/// When the database fails.
pub fn id_of(conn: &mut Conn, reference: &Reference<ArticleId>) -> Result<Option<ArticleId>> {
    Ok(match reference {
        Reference::Id(id) => Some(*id),
        Reference::Slug(slug) => {
            live_slugs::table.find(Slug::key_of(slug)).select(live_slugs::article_id).get_result(conn).optional()?
        }
    })
}

/// What readers are told of an article that was killed.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The article.
    pub id: ArticleId,
    /// What feeds have named it by.
    pub guid: String,
    /// Why it is gone.
    pub text: String,
    /// Since when.
    pub killed_at: Instant,
}

/// Returns what readers are told of an article that was killed; none, when it was not.
///
/// # Errors
/// When the database fails.
pub fn notice(conn: &mut Conn, reference: &Reference<ArticleId>) -> Result<Option<Notice>> {
    let Some(id) = id_of(conn, reference)? else { return Ok(None) };
    let notice: Option<(String, Instant, Option<String>)> = live_notices::table
        .find(id)
        .select((live_notices::notice, live_notices::killed_at, live_notices::guid))
        .get_result(conn)
        .optional()?;
    Ok(notice.map(|(text, killed_at, guid)| Notice { id, guid: guid_of(id, guid), text, killed_at }))
}

/// Returns the answer for an article that readers do not see.
///
/// # Errors
/// When the database fails.
pub fn absence(conn: &mut Conn, reference: &Reference<ArticleId>) -> Result<Error> {
    Ok(match notice(conn, reference)? {
        None => Error::not_found(),
        Some(Notice { id, text, killed_at, .. }) => Error::new(Code::Killed, text.clone())
            .with("notice", text)
            .with("killed_at", killed_at.to_string())
            .with("article", id.to_string()),
    })
}

/// Returns the article that an answer says was killed.
pub fn killed(error: &Error) -> Option<ArticleId> {
    let told = error.members().iter().find(|(name, _)| *name == "article")?;
    ArticleId::parse(told.1.as_str()?)
}
