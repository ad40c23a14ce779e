//! Readers who stay: each change is read and written once, however many listen; who is behind reads the log.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::{
    OwnedSemaphorePermit,
    broadcast::{self, error::RecvError},
    watch,
};

use super::read::{self, Read, Span, View};
use crate::{
    api_keys::{Key, reader::Reader},
    changes::wire::{Batch, With},
    error::{Code, Error, Result},
    policy::{Policy, Text},
    state::State,
};

/// How often something is said when nothing happens, so that nobody takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many changes are read at a time.
const BATCH: usize = 100;

/// Tells all who listen what is new, for ever: read once for all of them.
pub async fn tell(state: State) {
    let mut news = state.wire.position();
    let mut position = *news.borrow_and_update();
    // The other end lives as long as this server.
    while news.changed().await.is_ok() {
        let until = *news.borrow_and_update();
        // The first place is where this server began to read; nobody listens from before it.
        let from = if position == 0 { until } else { position };
        for with in [With::Entries, With::Articles] {
            if let Err(error) = tell_one(&state, from, until, with).await {
                // Those who listen notice that something is missing, and read it.
                tracing::debug!(%error, "What is new could not be read for those who listen");
            }
        }
        position = until;
    }
}

async fn tell_one(state: &State, mut from: i64, until: i64, with: With) -> Result<()> {
    let view = View { with, policy: Arc::new(Policy::OPEN) };
    while from < until && state.wire.has_listeners(with) {
        let read = read(state, from, until, &view).await?;
        let to = read.position;
        if to == from {
            return Ok(());
        }
        state.wire.tell(with, Batch { from, to, events: written(&read)? });
        from = to;
    }
    Ok(())
}

async fn read(state: &State, position: i64, until: i64, view: &View) -> Result<Read> {
    let for_work = state.clone();
    let (span, view) = (Span { position, until: until.max(position) }, view.clone());
    let work = move |conn: &mut _| read::after(conn, &for_work, span, BATCH, &view);
    state.db.read_content(work).await
}

/// Writes changes as events.
fn written(read: &Read) -> Result<Bytes> {
    let mut text = String::new();
    for entry in &read.entries {
        // JSON as it is written here has no line breaks.
        let json = serde_json::to_string(entry).map_err(Error::internal)?;
        text.push_str(&format!("id: {}\nevent: {}\ndata: {json}\n\n", entry.cursor, entry.kind));
    }
    Ok(text.into())
}

/// One who listens.
struct Listener {
    state: State,
    view: View,
    /// The key that listens. What a key gets is noted, and may be less than others get: it reads by itself.
    key: Option<Arc<Key>>,
    /// Up to where it has been told.
    position: i64,
    first: Option<Bytes>,
    is_behind: bool,
    news: watch::Receiver<i64>,
    live: broadcast::Receiver<Arc<Batch>>,
    closing: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

/// Opens a stream of what comes after a place.
///
/// # Errors
/// `cursor_expired` when the log does not go back so far, `unavailable` when too many listen or the server stops.
pub async fn open(
    state: &State,
    position: i64,
    with: With,
    reader: &Reader,
) -> Result<impl Stream<Item = Result<Bytes, Error>> + use<>> {
    if state.readiness.is_closed() {
        return Err(Error::new(Code::Unavailable, "This server is about to stop; another one answers.").retry_after(1));
    }
    let view = View { with, policy: reader.policy()? };
    let place = state.wire.join()?;
    let (live, news) = (state.wire.listen(with), state.wire.position());
    let until = *news.borrow();
    if position != until {
        // Whether the cursor is good is said before the stream begins.
        read(state, position, position, &view).await?;
    }
    let cursor = read::cursor(&state.key, position);
    let first = format!("retry: 2000\nid: {cursor}\nevent: ready\ndata: {{\"cursor\":\"{cursor}\"}}\n\n");
    let listener = Listener {
        state: state.clone(),
        view,
        key: reader.key.clone(),
        position,
        first: Some(first.into()),
        is_behind: position < until,
        news,
        live,
        closing: state.readiness.closing(),
        _place: place,
    };
    Ok(futures_util::stream::unfold(listener, |mut listener| async {
        let bytes = listener.next().await?;
        Some((Ok(bytes), listener))
    }))
}

impl Listener {
    /// Returns what to send next; none, when the stream ends: whoever comes back with the last cursor misses nothing.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            if *self.closing.borrow() {
                return None;
            }
            if self.is_behind {
                match self.catch_up().await {
                    Ok(Some(bytes)) => return Some(bytes),
                    Ok(None) => {}
                    Err(_) => return None,
                }
            }
            let is_alone = self.key.is_some() || self.view.policy.text != Text::Full;
            let batch = tokio::select! {
                batch = self.live.recv(), if !is_alone => batch,
                changed = self.news.changed(), if is_alone => {
                    // The other end lives as long as this server.
                    self.is_behind = changed.is_ok();
                    continue;
                }
                _ = self.closing.wait_for(|is_closed| *is_closed) => return None,
                () = tokio::time::sleep(HEARTBEAT) => {
                    // A batch that could not be read was told to nobody.
                    self.is_behind = self.position < *self.news.borrow();
                    if self.is_behind {
                        continue;
                    }
                    return Some(Bytes::from_static(b": nothing new\n\n"));
                }
            };
            match batch {
                Ok(batch) if batch.to <= self.position => {}
                Ok(batch) if batch.from == self.position => {
                    self.position = batch.to;
                    return Some(batch.events.clone());
                }
                Ok(_) | Err(RecvError::Lagged(_)) => self.is_behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Reads what this reader has not been told; none, when that is nothing.
    async fn catch_up(&mut self) -> Result<Option<Bytes>> {
        let until = *self.news.borrow();
        if self.position >= until {
            self.is_behind = false;
            return Ok(None);
        }
        let started = Instant::now();
        let read = read(&self.state, self.position, until, &self.view).await?;
        // Who is told later than others comes again with the next heartbeat.
        self.is_behind = self.position < read.position && read.position < until;
        let is_empty = read.entries.is_empty();
        self.position = read.position;
        if let Some(key) = &self.key {
            self.state.api_keys.usage().note_reads(key.id, read.articles(), started);
        }
        if is_empty { Ok(None) } else { written(&read).map(Some) }
    }
}
