//! All that is published, line by line, and the cursor from which the changes go on.
//!
//! The cursor is taken first, and pages are read one after the other, each at its own moment. What changes meanwhile is
//! told again by the changes after the cursor, so whoever applies them has what is published.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use futures_util::Stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::read;
use crate::{
    api_keys::reader::Reader,
    articles::{live, scope, view::Article},
    changes::follow,
    db::Conn,
    error::{Error, Result},
    http::page::{Cursor, Direction, Limit},
    ids::ArticleId,
    policy::Policy,
    resources::Shown,
    sections, staff,
    state::State,
    tags,
};

/// How many articles are read at a time: with their bodies, some hundred kilobytes.
const ARTICLES: i64 = 20;

/// What comes next.
#[derive(Clone, Debug)]
enum Next {
    Sections(Option<Cursor>),
    Staff(Option<Cursor>),
    Tags(Option<Cursor>),
    Articles(Option<ArticleId>),
    End,
    Nothing,
}

/// A snapshot that is being written.
pub struct Snapshot {
    state: State,
    /// The place in the log from which the changes go on.
    position: i64,
    next: Next,
    n_articles: u64,
    reader: Reader,
    policy: Arc<Policy>,
    _place: OwnedSemaphorePermit,
}

/// Some lines, the articles that they have, and what comes after them.
type Page = (String, Vec<ArticleId>, Next);

impl Snapshot {
    /// Begins a snapshot.
    ///
    /// # Errors
    /// `unavailable` when too many are being written, or the database is away.
    pub async fn begin(state: &State, reader: &Reader) -> Result<Self> {
        let place = state.wire.begin_snapshot()?;
        let (policy, reader) = (reader.policy()?, reader.clone());
        let for_work = policy.clone();
        let position = state.db.read_content(move |conn| begins_at(conn, &for_work)).await?;
        let next = Next::Sections(None);
        Ok(Self { state: state.clone(), position, next, n_articles: 0, reader, policy, _place: place })
    }

    /// Returns the lines, in pieces of several. An error breaks the answer off.
    pub fn lines(self) -> impl Stream<Item = Result<Bytes, Error>> + use<> {
        futures_util::stream::unfold(self, |mut snapshot| async {
            let page = snapshot.page().await.transpose()?;
            if page.is_err() {
                snapshot.next = Next::Nothing;
            }
            Some((page, snapshot))
        })
    }

    async fn page(&mut self) -> Result<Option<Bytes>> {
        if *self.state.readiness.closing().borrow() {
            return Err(Error::unavailable("the server stops"));
        }
        if matches!(self.next, Next::Nothing) {
            return Ok(None);
        }
        let (state, next, position, n_articles) =
            (self.state.clone(), self.next.clone(), self.position, self.n_articles);
        let (started, policy) = (Instant::now(), self.policy.clone());
        let work = move |conn: &mut Conn| page(conn, &state, &policy, &next, position, n_articles);
        let (lines, articles, next) = self.state.db.read_content(work).await?;
        self.n_articles += u64::try_from(articles.len()).unwrap_or(0);
        if let Some(key) = &self.reader.key {
            self.state.api_keys.usage().note_reads(key.id, articles, started);
        }
        self.next = next;
        Ok(Some(lines.into()))
    }
}

/// Returns the place in the log from which the changes go on for a reader.
fn begins_at(conn: &mut Conn, policy: &Policy) -> Result<i64> {
    if policy.delay_minutes == 0 {
        return follow::last(conn);
    }
    let latest = read::latest(conn, policy)?;
    follow::last_by(conn, latest)
}

/// Reads a page, and says what comes after it.
fn page(conn: &mut Conn, state: &State, policy: &Policy, next: &Next, position: i64, n_articles: u64) -> Result<Page> {
    let (shown, site, limit) = (Shown::Live, &state.config.site, Limit::most());
    // A page has one row more than the limit when there may be others.
    let after = |n_rows: usize, key: Option<&String>| {
        let key = key.filter(|_| n_rows > limit.get())?;
        Some(Cursor { direction: Direction::Forward, keys: vec![key.clone()] })
    };
    Ok(match next {
        Next::Sections(cursor) => {
            let rows = sections::store::page(conn, shown, limit, cursor.as_ref())?;
            let last = after(rows.len(), rows.last().map(|row| &row.path));
            let views = sections::store::views(conn, rows, site, shown)?;
            (lines("section", &views)?, Vec::new(), last.map_or(Next::Staff(None), |last| Next::Sections(Some(last))))
        }
        Next::Staff(cursor) => {
            let rows = staff::store::page(conn, shown, None, limit, cursor.as_ref())?;
            let last = after(rows.len(), rows.last().map(|row| &row.slug));
            let views = rows.into_iter().map(|row| row.view(site, shown)).collect::<Result<Vec<_>>>()?;
            (lines("staff", &views)?, Vec::new(), last.map_or(Next::Tags(None), |last| Next::Staff(Some(last))))
        }
        Next::Tags(cursor) => {
            let rows = tags::store::page(conn, shown, None, limit, cursor.as_ref(), policy)?;
            let last = after(rows.len(), rows.last().map(|row| &row.slug));
            let views: Vec<_> = rows.into_iter().map(|row| row.view(site, shown)).collect();
            (lines("tag", &views)?, Vec::new(), last.map_or(Next::Articles(None), |last| Next::Tags(Some(last))))
        }
        Next::Articles(after) => {
            let ids = live::next_after(conn, *after, ARTICLES)?;
            let following = ids.last().map_or(Next::End, |last| Next::Articles(Some(*last)));
            let seen = scope::keep(conn, policy, ids)?;
            let shown = live::whole(conn, &seen, site, policy)?;
            (article_lines(&shown)?, shown.iter().map(|shown| shown.article.id).collect(), following)
        }
        Next::End | Next::Nothing => {
            let cursor = read::cursor(&state.key, position);
            let end = json!({ "type": "end", "cursor": cursor, "n_articles": n_articles });
            (format!("{end}\n"), Vec::new(), Next::Nothing)
        }
    })
}

/// Writes a line for each of some articles, with the keys under which it is to be kept.
fn article_lines(articles: &[live::Shown]) -> Result<String> {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        article: &'a Article,
        article_keys: Vec<String>,
    }
    let mut lines = String::new();
    for shown in articles {
        let line = Line { r#type: "article", article: &shown.article, article_keys: shown.surrogate_keys() };
        lines.push_str(&serde_json::to_string(&line).map_err(Error::internal)?);
        lines.push('\n');
    }
    Ok(lines)
}

/// Writes a line for each of some things of a kind.
fn lines(kind: &str, values: &[impl Serialize]) -> Result<String> {
    let mut lines = String::new();
    for value in values {
        let json = serde_json::to_string(value).map_err(Error::internal)?;
        lines.push_str(&format!("{{\"type\":\"{kind}\",\"{kind}\":{json}}}\n"));
    }
    Ok(lines)
}
