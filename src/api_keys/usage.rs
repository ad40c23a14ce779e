//! What keys have asked and read: counted in memory, written about once a second.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant as Moment},
};

use diesel::prelude::*;

use super::{limits::day_of, lock, model::ApiKeyUsage};
use crate::{
    clock::Instant,
    db::{
        self, Conn, Db, Tx,
        direct::direct,
        schema::{api_key_reads, api_key_usage, api_keys, articles},
    },
    error::{Error, Result},
    ids::{ApiKeyId, ArticleId},
};

/// How many readings of articles are noted at once; beyond, they are not noted until these are written.
const MOST_READS: usize = 50_000;

/// How many rows are written in one transaction.
const BATCH: usize = 500;

/// For how many days usage is kept.
const KEPT_DAYS: i64 = 400;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

type Route = (ApiKeyId, i64, String);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    requests: i64,
    refused: i64,
}

/// What has been counted and is not written yet.
#[derive(Default)]
pub struct Usage {
    counts: Mutex<HashMap<Route, Count>>,
    reads: Mutex<HashMap<(ArticleId, ApiKeyId), Moment>>,
}

impl Usage {
    /// Counts a request.
    pub fn count(&self, key: ApiKeyId, route: String, is_refused: bool) {
        let mut counts = lock(&self.counts);
        let count = counts.entry((key, day_of(Instant::now()), route)).or_default();
        count.requests += 1;
        count.refused += i64::from(is_refused);
    }

    /// Notes that a key got articles, or the news that they are gone, as they were at a moment.
    pub fn note_reads(&self, key: ApiKeyId, articles: impl IntoIterator<Item = ArticleId>, at: Moment) {
        let mut reads = lock(&self.reads);
        for article in articles {
            if reads.len() < MOST_READS || reads.contains_key(&(article, key)) {
                let read_at = reads.entry((article, key)).or_insert(at);
                *read_at = at.max(*read_at);
            }
        }
    }

    /// Writes all of it; returns how many requests of each key within its limits were written. What could not be written
    /// is counted on.
    pub(super) async fn flush(&self, db: &Db) -> Result<Vec<(ApiKeyId, i64)>> {
        let counts: Vec<(Route, Count)> = std::mem::take(&mut *lock(&self.counts)).into_iter().collect();
        let mut written = Vec::new();
        for (index, batch) in counts.chunks(BATCH).enumerate() {
            let rows = batch.to_vec();
            if let Err(error) =
                db.write(move |tx| rows.iter().try_for_each(|(route, count)| add(tx, route, *count))).await
            {
                let rest = counts.iter().skip(index * BATCH);
                let mut counts = lock(&self.counts);
                for (route, count) in rest {
                    let again = counts.entry(route.clone()).or_default();
                    again.requests += count.requests;
                    again.refused += count.refused;
                }
                return Err(error);
            }
            written.extend(batch.iter().map(|((key, ..), count)| (*key, count.requests - count.refused)));
        }
        let reads: Vec<_> = std::mem::take(&mut *lock(&self.reads)).into_iter().collect();
        for batch in reads.chunks(BATCH) {
            let rows = batch.to_vec();
            // What is lost here is that somebody has read something: they will be asked to read it again.
            db.write(move |tx| rows.iter().try_for_each(|((article, key), at)| note(tx, *article, *key, *at))).await?;
        }
        Ok(written)
    }
}

fn add(tx: &mut Tx<'_>, (key, day, route): &Route, count: Count) -> Result<()> {
    let day = Instant::from_millis(day * DAY_MILLIS).ok_or_else(|| Error::internal("a day out of range"))?;
    let row = || {
        api_key_usage::table
            .filter(api_key_usage::key_id.eq(*key))
            .filter(api_key_usage::day.eq(day))
            .filter(api_key_usage::route.eq(route))
    };
    let n_updated = diesel::update(row())
        .set((
            api_key_usage::requests.eq(api_key_usage::requests + count.requests),
            api_key_usage::refused.eq(api_key_usage::refused + count.refused),
        ))
        .execute(tx.conn()?)?;
    if n_updated == 0 {
        diesel::insert_into(api_key_usage::table)
            .values((
                api_key_usage::key_id.eq(*key),
                api_key_usage::day.eq(day),
                api_key_usage::route.eq(route),
                api_key_usage::requests.eq(count.requests),
                api_key_usage::refused.eq(count.refused),
            ))
            .execute(tx.conn()?)?;
    }
    diesel::update(api_keys::table.find(*key)).set(api_keys::last_used_at.eq(tx.now)).execute(tx.conn()?)?;
    Ok(())
}

/// The time is that of the database, so that it can be compared with that of a correction.
fn note(tx: &mut Tx<'_>, article: ArticleId, key: ApiKeyId, at: Moment) -> Result<()> {
    let elapsed = i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX);
    let read_at = Instant::from_millis(tx.now.millis().saturating_sub(elapsed)).unwrap_or(tx.now);
    let row =
        || api_key_reads::table.filter(api_key_reads::article_id.eq(article)).filter(api_key_reads::key_id.eq(key));
    let known: Option<Instant> = row().select(api_key_reads::last_read_at).get_result(tx.conn()?).optional()?;
    match known {
        Some(known) if known >= read_at => {}
        Some(_) => {
            diesel::update(row()).set(api_key_reads::last_read_at.eq(read_at)).execute(tx.conn()?)?;
        }
        None => {
            // What is not there any more was never an article, or is none now.
            let there: Option<ArticleId> =
                articles::table.find(article).select(articles::id).get_result(tx.conn()?).optional()?;
            if there.is_some() {
                diesel::insert_into(api_key_reads::table)
                    .values((
                        api_key_reads::article_id.eq(article),
                        api_key_reads::key_id.eq(key),
                        api_key_reads::first_read_at.eq(read_at),
                        api_key_reads::last_read_at.eq(read_at),
                    ))
                    .execute(tx.conn()?)?;
            }
        }
    }
    Ok(())
}

/// Returns today's number, and how many requests of a key were within its limits today.
///
/// # Errors
/// When the database fails.
pub fn today(conn: &mut Conn, key: ApiKeyId) -> Result<(i64, i64)> {
    let day = day_of(db::now(conn)?);
    let midnight = Instant::from_millis(day * DAY_MILLIS).ok_or_else(|| Error::internal("a day out of range"))?;
    let counts = api_key_usage::table
        .filter(api_key_usage::key_id.eq(key))
        .filter(api_key_usage::day.eq(midnight))
        .select((api_key_usage::requests, api_key_usage::refused));
    let counts: Vec<(i64, i64)> = direct!(conn, |own| counts.load(own))?;
    Ok((day, counts.into_iter().map(|(requests, refused)| requests - refused).sum()))
}

/// Returns how often a key was used on the days of a span, the newest first.
///
/// # Errors
/// When the database fails.
pub fn report(conn: &mut Conn, key: ApiKeyId, from: Instant, until: Instant) -> Result<Vec<ApiKeyUsage>> {
    let rows: Vec<(Instant, String, i64, i64)> = api_key_usage::table
        .filter(api_key_usage::key_id.eq(key))
        .filter(api_key_usage::day.ge(from))
        .filter(api_key_usage::day.lt(until))
        .order((api_key_usage::day.desc(), api_key_usage::route))
        .select((api_key_usage::day, api_key_usage::route, api_key_usage::requests, api_key_usage::refused))
        .load(conn)?;
    let day = |at: Instant| at.to_string().chars().take(10).collect();
    Ok(rows
        .into_iter()
        .map(|(at, route, requests, refused)| ApiKeyUsage { day: day(at), route, requests, refused })
        .collect())
}

/// Removes what is older than is kept.
///
/// # Errors
/// When the database fails.
pub fn prune(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now.plus_seconds(-KEPT_DAYS * 24 * 60 * 60);
    diesel::delete(api_key_usage::table.filter(api_key_usage::day.lt(before))).execute(tx.conn()?)?;
    Ok(())
}

/// How often what was counted is written.
pub const WRITE_EVERY: Duration = Duration::from_secs(1);
