//! What happens to articles by the clock, and the record of it.
//!
//! Whether readers see an article at a moment is decided by every query, with the database's clock. So nothing here can
//! delay or leak anything: it only notes, exactly once and on whichever server comes first, that the moment has come: the
//! state, the revision, the change log.

use diesel::prelude::*;

use super::{
    lifecycle::State,
    publishing,
    working::{self, ArticleRow},
};
use crate::{
    clock::Instant,
    db::{
        Conn, Db, Now, Origin, Tx,
        direct::{direct, top},
        schema::{article_due, articles},
        types::text_enum,
    },
    error::Result,
    ids::ArticleId,
};

text_enum! {
    /// What happens when the time has come.
    pub enum Event {
        /// Readers come to see the article.
        Publish = "publish",
        /// Readers cease to see it.
        Withdraw = "withdraw",
    }
}

/// The most events that one transaction records.
const BATCH: i64 = 50;

/// The number of the lock under which one server at a time records.
const LOCK: i64 = 0x0066_705f_6475_6500;

/// Notes what is to happen to an article, in place of what was noted before.
///
/// # Errors
/// When the database fails.
pub fn plan(tx: &mut Tx<'_>, row: &ArticleRow) -> Result<()> {
    let before = diesel::delete(article_due::table.filter(article_due::article_id.eq(row.id)));
    direct!(tx.conn()?, |own| before.execute(own))?;
    let appears_at = row.published_at.filter(|at| *at > tx.now);
    let planned = [(Event::Publish, appears_at), (Event::Withdraw, row.withdraw_at)];
    for (event, at) in planned.into_iter().filter_map(|(event, at)| at.map(|at| (event, at))) {
        diesel::insert_into(article_due::table)
            .values((article_due::article_id.eq(row.id), article_due::event.eq(event), article_due::at.eq(at)))
            .execute(tx.conn()?)?;
    }
    // Whoever keeps answers must know until when they are good.
    tx.wake_followers()
}

/// The most coming events that are looked at together.
const FORESEEN: i64 = 1000;

/// Something that the clock will do to what readers see.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coming {
    /// When, by the database's clock.
    pub at: Instant,
    /// The surrogate keys of all that looks different from then on.
    pub keys: Vec<String>,
}

/// Returns what the clock will do until a moment, and what it has done and is not recorded yet.
///
/// # Errors
/// When the database fails.
pub fn coming(conn: &mut Conn, until: Instant) -> Result<Vec<Coming>> {
    let next = article_due::table
        .filter(article_due::at.le(until))
        .order(article_due::at)
        .select((article_due::article_id, article_due::at));
    let due: Vec<(ArticleId, Instant)> = direct!(conn, |own| top(next, FORESEEN).load(own))?;
    due.into_iter().map(|(id, at)| Ok(Coming { at, keys: publishing::keys_by_the_clock(conn, id)? })).collect()
}

/// Records what has happened to one article by the clock; returns whether anything has.
///
/// # Errors
/// When the database fails.
pub fn record(tx: &mut Tx<'_>, id: ArticleId) -> Result<bool> {
    let passed = article_due::table
        .filter(article_due::article_id.eq(id))
        .filter(article_due::at.le(tx.now))
        .order(article_due::at)
        .select((article_due::event, article_due::at));
    let due: Vec<(Event, Instant)> = direct!(tx.conn()?, |own| passed.load(own))?;
    for (event, at) in &due {
        record_event(tx, id, *event, *at)?;
    }
    Ok(!due.is_empty())
}

/// Records what has happened by the clock; returns whether there is more.
///
/// # Errors
/// When the database fails.
pub async fn record_due(db: &Db) -> Result<bool> {
    let is_due = db.read(|conn| {
        let due = article_due::table.filter(article_due::at.le(Now));
        Ok(diesel::select(diesel::dsl::exists(due)).get_result::<bool>(conn)?)
    });
    if !is_due.await? {
        return Ok(false);
    }
    db.write(|tx| {
        if !tx.try_lock(LOCK)? {
            return Ok(false);
        }
        let due: Vec<(ArticleId, Event, Instant)> = article_due::table
            .filter(article_due::at.le(tx.now))
            .order((article_due::at, article_due::article_id))
            .limit(BATCH)
            .select((article_due::article_id, article_due::event, article_due::at))
            .load(tx.conn()?)?;
        for (id, event, at) in &due {
            record_event(tx, *id, *event, *at)?;
        }
        Ok(i64::try_from(due.len()).unwrap_or(BATCH) == BATCH)
    })
    .await
}

fn record_event(tx: &mut Tx<'_>, id: ArticleId, event: Event, at: Instant) -> Result<()> {
    let taken =
        diesel::delete(article_due::table.find((id, event)).filter(article_due::at.eq(at))).execute(tx.conn()?)?;
    if taken == 0 {
        return Ok(());
    }
    // Whoever comes to record it, the clock did it.
    let recorder = std::mem::replace(&mut tx.origin, Origin::clock());
    match event {
        Event::Publish => {
            let state: State = articles::table.find(id).select(articles::state).get_result(tx.conn()?)?;
            let kind = if state == State::Scheduled { "published" } else { "embargo_lifted" };
            publishing::record_appearance(tx, id, kind)?;
        }
        Event::Withdraw => publishing::record_end(tx, id)?,
    }
    working::record(tx, id, event)?;
    tx.origin = recorder;
    Ok(())
}
