//! Notes what is to be told to whom: follows the change log, in one transaction with how far it has come.

use std::{collections::HashMap, sync::Arc, time::Duration};

use diesel::prelude::*;
use tokio::sync::Notify;

use super::{
    model::{Event, WebhookData, WebhookDoc, WebhookPayload},
    queue::{self, New},
    store::WebhookRow,
};
use crate::{
    articles::{live, working::Parts},
    changes::{
        follow::{self, Logged, News},
        wire::With,
    },
    db::{
        Conn, Db, Tx,
        direct::{direct, update},
        schema::{followers, webhooks},
    },
    error::{Error, Result},
    ids::{ArticleId, ResourceId, WebhookId},
    newswire::{
        entry::{ChangeEntry, Kind, Sight, Subject, entry_for},
        read,
    },
    policy::Policy,
    state::State,
};

/// The name under which it is kept how far this has come.
const NAME: &str = "webhooks";

/// The number of the lock under which one server at a time notes.
const LOCK: i64 = 0x0066_705f_7768_6e00;

/// The most changes that are looked at together.
pub const BATCH: i64 = 100;

/// How often to look when nothing is known to have happened.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The most keys that a payload has, so that it stays small.
const MOST_KEYS: usize = 100;

/// Follows the log, for ever. `quiet` is where it looks whether there is anything; `noted` is told when there was.
pub async fn follow(state: State, quiet: Db, noted: Arc<Notify>) {
    let mut news = state.wire.position();
    loop {
        if let Err(error) = catch_up(&state, &quiet, &noted).await {
            tracing::warn!(%error, "Noting what webhooks are to be told failed; it is tried again");
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        }
        // The other end lives as long as this server.
        let _ = tokio::time::timeout(LOOK_EVERY, news.changed()).await;
    }
}

async fn catch_up(state: &State, quiet: &Db, noted: &Notify) -> Result<()> {
    while quiet.read(has_news).await? {
        let for_work = state.clone();
        if !state.db.write_alone(move |tx| note(tx, &for_work)).await? {
            return Ok(());
        }
        noted.notify_one();
    }
    Ok(())
}

/// Whether there is somebody to be told, and something that was not looked at.
fn has_news(conn: &mut Conn) -> Result<bool> {
    let enabled = webhooks::table.filter(webhooks::is_enabled.eq(true));
    if !diesel::select(diesel::dsl::exists(enabled)).get_result::<bool>(conn)? {
        return Ok(false);
    }
    Ok(position(conn)?.is_none_or(|position| follow::last(conn).is_ok_and(|last| last > position)))
}

fn position(conn: &mut Conn) -> Result<Option<i64>> {
    Ok(followers::table.find(NAME).select(followers::position).get_result(conn).optional()?)
}

/// Looks at the next changes; returns whether there may be more.
fn note(tx: &mut Tx<'_>, state: &State) -> Result<bool> {
    if !tx.try_lock(LOCK)? {
        return Ok(false);
    }
    let enabled: Vec<WebhookRow> =
        webhooks::table.filter(webhooks::is_enabled.eq(true)).select(WebhookRow::as_select()).load(tx.conn()?)?;
    // What happened before there was anybody to be told is passed over.
    let Some(since) = enabled.iter().map(|webhook| webhook.since).min() else { return Ok(false) };
    let known = position(tx.conn()?)?;
    let from = known.map_or(since, |known| known.max(since));
    let (end, new) = match follow::logged(tx.conn()?, from, i64::MAX, BATCH)? {
        News::Missed(end) => {
            tracing::error!(
                "Webhooks were not looked after for longer than the change log is kept (FRONTPAGE_CHANGES_DAYS): what was removed is told to nobody"
            );
            (end, Vec::new())
        }
        News::Changes(changes) => {
            let end = changes.last().map_or(from, |change| change.position);
            let docs: Vec<(&WebhookRow, WebhookDoc)> =
                enabled.iter().map(|webhook| Ok((webhook, webhook.doc()?))).collect::<Result<_>>()?;
            // Somebody may have had told again what is not noted yet.
            let told_again = queue::known(tx.conn()?, from, end)?;
            let (mut new, mut shared) = (Vec::new(), Vec::new());
            for told in tell(tx.conn()?, state, changes)? {
                let n_before = new.len();
                for (webhook, doc) in &docs {
                    if webhook.since < told.position && !told_again.contains(&(webhook.id, told.position)) {
                        new.extend(told.to(webhook.id, doc));
                    }
                }
                if new.len() > n_before {
                    shared.push((told.position, told.payload));
                }
            }
            queue::share(tx, shared)?;
            (end, new)
        }
    };
    queue::add(tx, new)?;
    keep(tx, known, end)?;
    Ok(end > from)
}

fn keep(tx: &mut Tx<'_>, known: Option<i64>, position: i64) -> Result<()> {
    if known == Some(position) {
        return Ok(());
    }
    if known.is_some() {
        let (value, own) = (followers::position.eq(position), followers::name.eq(NAME));
        direct!(tx.conn()?, |conn| update("followers", value, own).execute(conn))?;
        return Ok(());
    }
    diesel::insert_into(followers::table)
        .values((
            followers::name.eq(NAME),
            followers::position.eq(position),
            followers::claimed_by.eq(""),
            followers::claimed_until.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    Ok(())
}

/// A change as it is told.
pub struct Told {
    /// Its place in the log.
    pub position: i64,
    subject: ResourceId,
    event: Event,
    entry: ChangeEntry,
    payload: String,
}

impl Told {
    /// Returns what is to be told to a webhook; none, when it does not want it.
    fn to(&self, webhook_id: WebhookId, doc: &WebhookDoc) -> Option<New> {
        wants(doc, self.event, &self.entry).then_some(New {
            webhook_id,
            position: Some(self.position),
            subject_id: self.subject,
            event: self.event,
            payload: None,
        })
    }

    /// Returns what is to be told to one webhook alone, with what it is told; none, when it does not want it.
    pub fn alone(&self, webhook_id: WebhookId, doc: &WebhookDoc) -> Option<New> {
        self.to(webhook_id, doc).map(|new| New { payload: Some(self.payload.clone()), ..new })
    }
}

/// Puts changes into the words of webhooks; leaves out what no webhook is told.
///
/// # Errors
/// When the database fails.
pub fn tell(conn: &mut Conn, state: &State, changes: Vec<Logged>) -> Result<Vec<Told>> {
    let site = &state.config.site;
    let sight = Sight::of(conn, &changes, With::Entries, site, &Policy::OPEN)?;
    let entries: Vec<ChangeEntry> = changes
        .into_iter()
        .map(|change| {
            let cursor = read::cursor(&state.key, change.position);
            entry_for(&sight, change, cursor)
        })
        .collect();
    let is_shown = |entry: &&ChangeEntry| entry.resource == Subject::Article && !entry.is_gone;
    let ids: Vec<ArticleId> = entries.iter().filter(is_shown).map(|entry| ArticleId::from(entry.resource_id)).collect();
    let shown: HashMap<ArticleId, (String, Option<String>)> =
        live::load(conn, &ids, site, Parts::default(), &Policy::OPEN)?
            .into_iter()
            .map(|shown| (shown.article.id, (shown.article.slug, shown.article.url)))
            .collect();
    entries.into_iter().filter_map(|entry| told(entry, &shown).transpose()).collect()
}

fn told(entry: ChangeEntry, shown: &HashMap<ArticleId, (String, Option<String>)>) -> Result<Option<Told>> {
    let Some(event) = Event::of(entry.resource, entry.kind) else { return Ok(None) };
    let article = shown.get(&ArticleId::from(entry.resource_id)).filter(|_| !entry.is_gone);
    let own = format!("{}-{}", entry.resource, entry.resource_id);
    let mut keys = entry.keys.clone();
    keys.sort_by_key(|key| (*key != own, key.starts_with("article-")));
    keys.truncate(MOST_KEYS);
    let payload = WebhookPayload {
        r#type: event,
        timestamp: entry.at,
        data: WebhookData {
            change_id: Some(entry.id),
            cursor: Some(entry.cursor.clone()),
            resource: Some(entry.resource),
            resource_id: entry.resource_id,
            slug: article.map(|(slug, _)| slug.clone()),
            url: article.and_then(|(_, url)| url.clone()),
            former_slug: entry.former_slug.clone(),
            reason: entry.reason.clone(),
            keys,
        },
    };
    let payload = serde_json::to_string(&payload).map_err(Error::internal)?;
    Ok(Some(Told { position: entry.id, subject: entry.resource_id, event, entry, payload }))
}

/// Whether a webhook wants to be told.
fn wants(doc: &WebhookDoc, event: Event, entry: &ChangeEntry) -> bool {
    if !doc.events.is_empty() && !doc.events.contains(&event) {
        return false;
    }
    if doc.sections.is_empty() && doc.tags.is_empty() {
        return true;
    }
    if entry.resource != Subject::Article {
        return false;
    }
    // What stood in no list when it was killed may have been told before.
    if entry.kind == Kind::Killed && !entry.keys.iter().any(|key| key.starts_with("list-")) {
        return true;
    }
    let has = |key: String| entry.keys.contains(&key);
    let is_there = doc.sections.is_empty() || doc.sections.iter().any(|id| has(format!("list-section-{id}")));
    let is_about =
        doc.tags.is_empty() || doc.tags.iter().any(|id| has(format!("list-tag-{id}")) || has(format!("tag-{id}")));
    is_there && is_about
}
