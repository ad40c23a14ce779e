//! Which keys got an article before it was corrected or taken away, and have not got the news of that yet.

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    articles::{
        content::Correction,
        working::{self, Working},
    },
    auth::{identity::Caller, rights::Operation},
    clock::Instant,
    db::{
        Conn,
        schema::{api_key_reads, api_keys, article_publications, live_notices},
        types::text_enum,
    },
    error::Result,
    ids::{ApiKeyId, ArticleId},
    reference::Reference,
};

/// How many keys that are behind are named at most.
const MOST_NAMED: i64 = 500;

text_enum! {
    /// What partners have to learn of an article.
    pub enum News as PropagationNews {
        /// It was corrected.
        Corrected = "corrected",
        /// It was taken away.
        Withdrawn = "withdrawn",
        /// It was killed.
        Killed = "killed",
    }
}

/// How the news of an article's last correction or of its end has spread among keys.
#[derive(Serialize, ToSchema)]
pub struct Propagation {
    /// The article.
    #[schema(value_type = String, format = "uuid")]
    pub article: ArticleId,
    /// What there is to learn; null when nothing is.
    #[schema(required = true)]
    pub news: Option<News>,
    /// Since when; null when there is nothing.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub since: Option<Instant>,
    /// How many keys got the article before.
    #[schema(minimum = 0)]
    pub reached: i64,
    /// How many of them have got the news.
    #[schema(minimum = 0)]
    pub informed: i64,
    /// Those that have not, the ones that read it last at the end; up to 500.
    pub behind: Vec<KeyBehind>,
}

/// A key that has not got the news.
#[derive(Serialize, ToSchema)]
pub struct KeyBehind {
    /// The key.
    #[schema(value_type = String, format = "uuid")]
    pub key: ApiKeyId,
    /// Who has it.
    #[schema(example = "Harbor Wire")]
    pub name: String,
    /// When it first got the article.
    #[schema(value_type = String, format = DateTime)]
    pub first_read_at: Instant,
    /// When it last got the article.
    #[schema(value_type = String, format = DateTime)]
    pub last_read_at: Instant,
}

/// Returns how the news of an article has spread.
///
/// # Errors
/// `not_found`, `forbidden`.
pub fn of_article(conn: &mut Conn, reference: &Reference<ArticleId>, caller: &Caller) -> Result<Propagation> {
    let article = working::find(conn, reference, caller, Operation::ReadPropagation)?;
    let id = article.row.id;
    let Some((news, since)) = news_of(conn, &article)? else {
        return Ok(Propagation { article: id, news: None, since: None, reached: 0, informed: 0, behind: Vec::new() });
    };
    let reached =
        || api_key_reads::table.filter(api_key_reads::article_id.eq(id)).filter(api_key_reads::first_read_at.lt(since));
    let n_reached: i64 = reached().count().get_result(conn)?;
    let n_informed: i64 = reached().filter(api_key_reads::last_read_at.ge(since)).count().get_result(conn)?;
    let behind: Vec<(ApiKeyId, String, Instant, Instant)> = reached()
        .filter(api_key_reads::last_read_at.lt(since))
        .inner_join(api_keys::table.on(api_keys::id.eq(api_key_reads::key_id)))
        .order((api_key_reads::last_read_at, api_key_reads::key_id))
        .limit(MOST_NAMED)
        .select((api_keys::id, api_keys::name, api_key_reads::first_read_at, api_key_reads::last_read_at))
        .load(conn)?;
    let behind = behind
        .into_iter()
        .map(|(key, name, first_read_at, last_read_at)| KeyBehind { key, name, first_read_at, last_read_at })
        .collect();
    Ok(Propagation {
        article: id,
        news: Some(news),
        since: Some(since),
        reached: n_reached,
        informed: n_informed,
        behind,
    })
}

/// The last thing about an article that whoever has read it must learn.
fn news_of(conn: &mut Conn, article: &Working) -> Result<Option<(News, Instant)>> {
    let id = article.row.id;
    let killed: Option<Instant> =
        live_notices::table.find(id).select(live_notices::killed_at).get_result(conn).optional()?;
    if let Some(at) = killed {
        return Ok(Some((News::Killed, at)));
    }
    let now = crate::db::now(conn)?;
    let last_end: Option<Option<Instant>> = article_publications::table
        .filter(article_publications::article_id.eq(id))
        .filter(article_publications::visible_from.le(now))
        .order(article_publications::number.desc())
        .select(article_publications::visible_until)
        .first(conn)
        .optional()?;
    if let Some(at) = last_end.flatten().filter(|at| *at <= now) {
        return Ok(Some((News::Withdrawn, at)));
    }
    let corrections = Correction::list(&article.row.corrections)?;
    Ok(corrections.iter().map(|correction| correction.at).max().map(|at| (News::Corrected, at)))
}
