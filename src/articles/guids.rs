//! What names an article for ever in feeds: what another system has named it by, or else its own id, and nothing of what can
//! change, such as its slug or a host.

use diesel::prelude::*;
use url::Url;

use crate::{
    db::{Tx, schema::live_articles},
    error::{Code, Error, Result},
    ids::ArticleId,
    input::Line,
};

/// Returns what names an article, given what another system has named it by.
pub fn guid_of(id: ArticleId, imported: Option<impl Into<String>>) -> String {
    imported.map_or_else(|| format!("urn:uuid:{id}"), Into::into)
}

/// Returns a guid where only a URI may stand; for one that another system has made and that is none, the article's own.
pub fn uri_of(id: ArticleId, guid: &str) -> String {
    let may_stand = |byte: u8| byte.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&byte);
    if guid.bytes().all(may_stand) && Url::parse(guid).is_ok() { guid.to_owned() } else { guid_of(id, None::<String>) }
}

/// Refuses a guid that another article before readers has: two items of one feed must not have one name.
///
/// # Errors
/// `conflict`.
pub fn refuse_taken(tx: &mut Tx<'_>, id: ArticleId, guid: Option<&Line<500>>) -> Result<()> {
    let Some(guid) = guid else { return Ok(()) };
    let other = live_articles::table.filter(live_articles::guid.eq(guid.as_str())).filter(live_articles::id.ne(id));
    if diesel::select(diesel::dsl::exists(other)).get_result(tx.conn()?)? {
        let message = "Another published article has the same guid. Give this one its own, or none.";
        return Err(Error::new(Code::Conflict, message));
    }
    Ok(())
}
