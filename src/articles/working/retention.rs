//! Removing old revisions that readers never saw, when the settings say so, and the bodies that nobody has any more.

use diesel::{dsl::exists, prelude::*};
use serde_json::json;

use crate::{
    audit::{self, Entry, Resource},
    clock::Instant,
    db::{
        Db, Tx,
        schema::{article_bodies, article_previews, article_publications, article_revisions, articles},
    },
    error::Result,
    ids::ArticleId,
};

/// The most revisions that one transaction removes, so that nobody waits long for it.
const BATCH: i64 = 200;

/// The most batches that are removed at once; the rest has time, and other chores wait.
const MOST_BATCHES: usize = 10;

/// The number of the lock under which one server at a time removes.
const LOCK: i64 = 0x0066_705f_6b65_6570;

const SECONDS_PER_DAY: i64 = 24 * 3600;

/// Removes the revisions that are older than so many days, but for those that readers saw or are to see and each
/// article's newest; none when the number is 0. Returns how many were removed; what is left is for the next time.
///
/// # Errors
/// When the database fails; what was removed until then stays removed.
pub async fn prune(db: &Db, days: u32) -> Result<usize> {
    if days == 0 {
        return Ok(0);
    }
    let mut n_removed = 0;
    for _ in 0..MOST_BATCHES {
        let n_batch = db.write(move |tx| prune_batch(tx, days)).await?;
        n_removed += n_batch;
        if i64::try_from(n_batch).unwrap_or(BATCH) < BATCH {
            break;
        }
    }
    Ok(n_removed)
}

fn prune_batch(tx: &mut Tx<'_>, days: u32) -> Result<usize> {
    if !tx.try_lock(LOCK)? {
        return Ok(0);
    }
    let old = outdated(tx, tx.now.plus_seconds(-i64::from(days) * SECONDS_PER_DAY))?;
    let mut articles: Vec<ArticleId> = old.iter().map(|(id, _)| *id).collect();
    articles.sort_unstable();
    articles.dedup();
    for id in articles {
        let numbers: Vec<i32> = old.iter().filter(|(of, _)| *of == id).map(|(_, number)| *number).collect();
        let revisions = article_revisions::table.filter(article_revisions::article_id.eq(id));
        let n = diesel::delete(revisions.filter(article_revisions::number.eq_any(numbers))).execute(tx.conn()?)?;
        let details = json!({ "revisions": n });
        audit::append(tx, &Entry { resource: Resource::Article, id: id.to_string(), verb: "pruned", details })?;
        remove_bodies(tx, id)?;
    }
    Ok(old.len())
}

/// Returns revisions that nothing needs any more: not the newest, not one that readers see, saw or are to see.
fn outdated(tx: &mut Tx<'_>, end: Instant) -> Result<Vec<(ArticleId, i32)>> {
    let publication = article_publications::table
        .filter(article_publications::article_id.eq(article_revisions::article_id))
        .filter(article_publications::revision.eq(article_revisions::number));
    let preview = article_previews::table
        .filter(article_previews::article_id.eq(article_revisions::article_id))
        .filter(article_previews::revision.eq(article_revisions::number.nullable()))
        .filter(article_previews::expires_at.gt(tx.now));
    Ok(article_revisions::table
        .inner_join(articles::table.on(articles::id.eq(article_revisions::article_id)))
        .filter(article_revisions::is_published.eq(false))
        .filter(article_revisions::created_at.lt(end))
        .filter(article_revisions::number.ne(articles::revision))
        .filter(articles::live_revision.is_null().or(articles::live_revision.ne(article_revisions::number.nullable())))
        .filter(diesel::dsl::not(exists(publication)))
        .filter(diesel::dsl::not(exists(preview)))
        .order((article_revisions::created_at, article_revisions::article_id, article_revisions::number))
        .limit(BATCH)
        .select((article_revisions::article_id, article_revisions::number))
        .load(tx.conn()?)?)
}

/// Removes the bodies of an article that no revision has; the live copy has one of its own.
fn remove_bodies(tx: &mut Tx<'_>, id: ArticleId) -> Result<()> {
    let used: Vec<String> = article_revisions::table
        .filter(article_revisions::article_id.eq(id))
        .select(article_revisions::body_digest)
        .distinct()
        .load(tx.conn()?)?;
    let newest: String = articles::table.find(id).select(articles::body_digest).first(tx.conn()?)?;
    let stored: Vec<String> = article_bodies::table
        .filter(article_bodies::article_id.eq(id))
        .select(article_bodies::digest)
        .load(tx.conn()?)?;
    for digest in stored.into_iter().filter(|digest| *digest != newest && !used.contains(digest)) {
        diesel::delete(article_bodies::table.find((id, digest))).execute(tx.conn()?)?;
    }
    Ok(())
}
