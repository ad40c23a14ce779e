//! Previews: a token with which somebody without a login reads one article, as it would be for readers, until the token
//! expires or is revoked.
//!
//! Only digests of tokens are stored. A token opens the one article and nothing else; what it cannot open answers like
//! what does not exist. Start at [`create`] for making them, [`show`](mod@show) for reading with one.

pub mod routes;
mod show;

use deserr::Deserr;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

pub use self::show::show;
use super::{lifecycle, lifecycle::State, view::UserSummary, working::ArticleRow};
use crate::{
    audit::{self, Entry, Resource},
    auth::{identity::Caller, secret::PreviewToken},
    clock::Instant,
    db::{
        Conn, Now, Tx,
        schema::{article_previews, article_revisions, users},
    },
    error::{Code, Error, Result},
    ids::{ArticleId, PreviewId, UserId},
    input::Faults,
};

/// The most previews that an article may have at a time.
const MOST: i64 = 20;

/// What a preview is to show, and for how long.
#[derive(Clone, Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct PreviewInput {
    /// The number of the revision to show; the newest at the time of reading when absent.
    #[deserr(default)]
    #[schema(minimum = 1, example = 3)]
    pub revision: Option<i32>,
    /// In how many seconds the token expires: 60 to 2,592,000 (30 days).
    #[deserr(default)]
    #[schema(value_type = i64, required = false, minimum = 60, maximum = 2592000, default = 604800)]
    pub expires_in: Lifetime,
}

/// How long a preview is in force, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(i64);

impl Lifetime {
    const SHORTEST: i64 = 60;
    const LONGEST: i64 = 30 * 24 * 3600;
}

/// A week: long enough for a source to read it, short enough to be forgotten safely.
impl Default for Lifetime {
    fn default() -> Self {
        Self(7 * 24 * 3600)
    }
}

impl Deserr<Faults> for Lifetime {
    fn deserialize_from_value<V: deserr::IntoValue>(
        value: deserr::Value<V>,
        location: deserr::ValuePointerRef<'_>,
    ) -> std::result::Result<Self, Faults> {
        let seconds = <i64 as Deserr<Faults>>::deserialize_from_value(value, location)?;
        if (Self::SHORTEST..=Self::LONGEST).contains(&seconds) {
            return Ok(Self(seconds));
        }
        let msg = format!("must be from {} to {} seconds", Self::SHORTEST, Self::LONGEST);
        Err(deserr::take_cf_content(<Faults as deserr::DeserializeError>::error::<V>(
            None,
            deserr::ErrorKind::Unexpected { msg },
            location,
        )))
    }
}

/// A token with which an article can be read before its readers do, without the token itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Preview {
    /// The id, to revoke it by.
    #[schema(value_type = String, format = "uuid")]
    pub id: PreviewId,
    /// The number of the revision that it shows; null when it is always the newest.
    #[schema(required = true, minimum = 1)]
    pub revision: Option<i32>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// Who made it.
    pub created_by: UserSummary,
    /// When it expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Instant,
}

/// A preview that was made just now, with its token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NewPreview {
    /// The token, for `GET /v1/articles/{article}?preview=`. It is shown this once; the server keeps only a digest.
    #[schema(example = "fpv_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    pub token: String,
    /// The id, to revoke it by.
    #[schema(value_type = String, format = "uuid")]
    pub id: PreviewId,
    /// The number of the revision that it shows; null when it is always the newest.
    #[schema(required = true, minimum = 1)]
    pub revision: Option<i32>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// Who made it.
    pub created_by: UserSummary,
    /// When it expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Instant,
}

impl NewPreview {
    /// Adds the token to a preview.
    pub fn new(preview: Preview, token: &PreviewToken) -> Self {
        let Preview { id, revision, created_at, created_by, expires_at } = preview;
        Self { token: token.reveal(), id, revision, created_at, created_by, expires_at }
    }
}

/// Makes a preview of an article.
///
/// # Errors
/// `invalid_input` for a revision that is not there, `invalid_transition` for what is in the trash or was killed,
/// `conflict` when there are too many.
pub fn create(
    tx: &mut Tx<'_>,
    caller: &Caller,
    row: &ArticleRow,
    input: &PreviewInput,
    token: &PreviewToken,
) -> Result<Preview> {
    if row.trashed_at.is_some() {
        return Err(lifecycle::refuse("The article is in the trash; restore it first."));
    }
    if row.state == State::Killed {
        return Err(lifecycle::refuse("The article was killed; bring it back with `restore` first."));
    }
    if let Some(number) = input.revision {
        let revision = article_revisions::table.find((row.id, number));
        let is_there: bool = diesel::select(diesel::dsl::exists(revision)).get_result(tx.conn()?)?;
        if !is_there {
            return Err(Error::invalid("/revision", "not_found", format!("there is no revision {number}")));
        }
    }
    let in_force: i64 = article_previews::table
        .filter(article_previews::article_id.eq(row.id))
        .filter(article_previews::expires_at.gt(tx.now))
        .count()
        .get_result(tx.conn()?)?;
    if in_force >= MOST {
        let detail = format!("The article has {MOST} previews in force; revoke one first.");
        return Err(Error::new(Code::Conflict, detail));
    }
    let (id, expires_at) = (PreviewId::generate(), tx.now.plus_seconds(input.expires_in.0));
    diesel::insert_into(article_previews::table)
        .values((
            article_previews::id.eq(id),
            article_previews::article_id.eq(row.id),
            article_previews::digest.eq(token.digest()),
            article_previews::revision.eq(input.revision),
            article_previews::created_at.eq(tx.now),
            article_previews::created_by.eq(caller.user_id),
            article_previews::expires_at.eq(expires_at),
        ))
        .execute(tx.conn()?)?;
    let details = json!({ "preview": id, "revision": input.revision, "expires_at": expires_at });
    let article = row.id.to_string();
    audit::append(tx, &Entry { resource: Resource::Article, id: article, verb: "preview_created", details })?;
    let name: String = users::table.find(caller.user_id).select(users::name).get_result(tx.conn()?)?;
    let created_by = UserSummary { id: caller.user_id, name };
    Ok(Preview { id, revision: input.revision, created_at: tx.now, created_by, expires_at })
}

/// Lists the previews of an article that are in force, the newest first.
///
/// # Errors
/// When the database fails.
pub fn in_force(conn: &mut Conn, id: ArticleId) -> Result<Vec<Preview>> {
    type Row = (PreviewId, Option<i32>, Instant, Instant, UserId, String);
    let rows: Vec<Row> = article_previews::table
        .inner_join(users::table.on(users::id.eq(article_previews::created_by)))
        .filter(article_previews::article_id.eq(id))
        .filter(article_previews::expires_at.gt(Now))
        .order(article_previews::id.desc())
        .select((
            article_previews::id,
            article_previews::revision,
            article_previews::created_at,
            article_previews::expires_at,
            users::id,
            users::name,
        ))
        .load(conn)?;
    let present = |(id, revision, created_at, expires_at, user, name)| Preview {
        id,
        revision,
        created_at,
        created_by: UserSummary { id: user, name },
        expires_at,
    };
    Ok(rows.into_iter().map(present).collect())
}

/// Ends a preview of an article.
///
/// # Errors
/// `not_found` when the article has none of that id in force.
pub fn revoke(tx: &mut Tx<'_>, article: ArticleId, id: PreviewId) -> Result<()> {
    let ended = diesel::delete(article_previews::table.find(id))
        .filter(article_previews::article_id.eq(article))
        .filter(article_previews::expires_at.gt(tx.now))
        .execute(tx.conn()?)?;
    if ended == 0 {
        return Err(Error::not_found());
    }
    let (article, details) = (article.to_string(), json!({ "preview": id }));
    audit::append(tx, &Entry { resource: Resource::Article, id: article, verb: "preview_revoked", details })
}

/// Removes previews that have expired.
///
/// # Errors
/// When the database fails.
pub fn prune(tx: &mut Tx<'_>) -> Result<()> {
    diesel::delete(article_previews::table.filter(article_previews::expires_at.le(tx.now))).execute(tx.conn()?)?;
    Ok(())
}
