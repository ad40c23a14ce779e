//! Live representations on their way out: kept as finished bytes, with conditional requests, content codings and cache
//! headers.
//!
//! Knows addresses, surrogate keys, bytes and headers; does not know what they are about. [`front`] answers what is kept
//! before the application is asked.

mod cache;
mod coding;
mod finished;
pub mod front;

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};
use bytes::Bytes;
use serde::Serialize;

pub use self::finished::Finished;
use self::{
    cache::Cache,
    finished::{Body, Class},
};
use crate::{
    clock::Instant,
    config::DeliveryConfig,
    error::{Code, Error, Result},
    http::{address::Address, problem, request_id},
    metrics::{Meter, Tally},
    traces,
};

/// What readers see of one address, the same for all who read under one policy.
#[derive(Clone, Debug)]
pub struct Live {
    class: Class,
    media_type: &'static str,
    body: Bytes,
    last_modified: Option<Instant>,
    surrogate_keys: Vec<String>,
    links: Option<String>,
    good_for: Option<Duration>,
}

impl Live {
    /// Makes a live representation.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn new(value: &impl Serialize, last_modified: Instant) -> Result<Self> {
        Ok(Self::of_bytes("application/json", json(value)?, Some(last_modified)))
    }

    /// Makes a live representation of another media type than JSON.
    pub fn text(media_type: &'static str, mut body: String, last_modified: Instant) -> Self {
        body.shrink_to_fit();
        Self::of_bytes(media_type, body.into(), Some(last_modified))
    }

    /// Makes one of what is the same for as long as the program runs; nobody knows since when.
    pub fn fixed(media_type: &'static str, body: &'static str) -> Self {
        Self::of_bytes(media_type, Bytes::from_static(body.as_bytes()), None)
    }

    fn of_bytes(media_type: &'static str, body: Bytes, last_modified: Option<Instant>) -> Self {
        let (surrogate_keys, links) = (Vec::new(), None);
        Self { class: Class::default(), media_type, body, last_modified, surrogate_keys, links, good_for: None }
    }

    /// Says how long it is true, when the time that passes makes it untrue without any change.
    #[must_use]
    pub fn good_for(mut self, time: Duration) -> Self {
        self.good_for = Some(time);
        self
    }

    /// Says that it is one article.
    #[must_use]
    pub fn article(mut self) -> Self {
        self.class = Class::Article;
        self
    }

    /// Says that it is a list of articles.
    #[must_use]
    pub fn list(mut self) -> Self {
        self.class = Class::List;
        self
    }

    /// Adds the keys by which a cache can drop the answer.
    #[must_use]
    pub fn keyed(mut self, keys: impl IntoIterator<Item = String>) -> Self {
        for key in keys {
            if !self.surrogate_keys.contains(&key) {
                self.surrogate_keys.push(key);
            }
        }
        self
    }

    /// Adds the `Link` header: the neighboring pages, or what else belongs to it.
    #[must_use]
    pub fn linked(mut self, links: Option<String>) -> Self {
        self.links = links;
        self
    }

    /// Finishes the answer.
    pub fn finish(self) -> Finished {
        Finished::new(self)
    }
}

/// The longest answer whose room a thread keeps for its next one.
const ROOM: usize = 128 * 1024;

/// Writes a value as JSON, in no more memory than it takes: it may be kept for long.
fn json(value: &impl Serialize) -> Result<Bytes> {
    thread_local! {
        static ROOMS: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    let mut room = ROOMS.take();
    room.clear();
    serde_json::to_writer(&mut room, value).map_err(Error::internal)?;
    let body = Bytes::copy_from_slice(&room);
    if room.capacity() <= ROOM {
        ROOMS.set(room);
    }
    Ok(body)
}

/// What keeps finished answers and gives them out.
pub struct Delivery {
    /// None, when answers are not to be kept.
    cache: Option<Arc<Cache>>,
    controls: [HeaderValue; 3],
    /// The same while the database is away: what is given out then is for no cache in front to go on with, as nobody could
    /// tell it later what has changed meanwhile.
    stale_controls: [HeaderValue; 3],
    stale_for: Duration,
    tally: Tally,
    started: std::time::Instant,
    /// When what is kept was last known to be true, in milliseconds since the start and one; 0, when never.
    true_at: AtomicU64,
    /// From when on nothing that is kept is given out, in milliseconds since the start.
    closed_from: AtomicU64,
}

/// As long as this server hears of changes within this time, what it keeps counts as fresh.
const FRESH_FOR_MS: u64 = 2_000;

/// How fresh what is kept is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    /// This server knows of no change that it does not show.
    Fresh,
    /// The database has not been heard of for so many seconds.
    Stale(u64),
    /// Nothing that is kept may be given out.
    Gone,
}

impl Delivery {
    /// Makes one without answers.
    pub fn new(config: &DeliveryConfig, tally: Tally) -> Self {
        Self {
            cache: (config.cache_bytes > 0).then(|| Arc::new(Cache::new(config.cache_bytes))),
            controls: [&config.article, &config.list, &config.other].map(Clone::clone),
            stale_controls: [&config.article, &config.list, &config.other].map(stale_control),
            stale_for: Duration::from_secs(config.stale_seconds),
            tally,
            started: std::time::Instant::now(),
            true_at: AtomicU64::new(0),
            closed_from: AtomicU64::new(u64::MAX),
        }
    }

    /// Returns how many answers are kept, and about how many bytes they take.
    pub fn size(&self) -> (usize, u64) {
        self.cache.as_ref().map_or((0, 0), |cache| cache.size())
    }

    /// Drops what is kept under any of the keys: it looks different now.
    pub fn drop_keys(&self, keys: &[String]) {
        if let Some(cache) = &self.cache {
            cache.drop_keys(keys);
        }
    }

    /// Drops everything.
    pub fn clear(&self) {
        if let Some(cache) = &self.cache {
            cache.clear();
        }
    }

    /// Says that what is kept was true at a moment: all changes from before it have been heard of.
    pub fn confirm(&self, at: std::time::Instant) {
        self.true_at.fetch_max(self.millis(at).saturating_add(1), Ordering::Relaxed);
    }

    /// Says from when on nothing that is kept is to be given out: something becomes untrue then, and it takes a moment to
    /// drop it. None opens.
    pub fn close_from(&self, at: Option<std::time::Instant>) {
        let millis = at.map_or(u64::MAX, |at| self.millis(at));
        self.closed_from.store(millis, Ordering::Relaxed);
    }

    fn millis(&self, at: std::time::Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns how long ago this server knew of all changes; none, when it never has.
    pub fn lag(&self) -> Option<Duration> {
        let true_at = self.true_at.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.started.elapsed().saturating_sub(Duration::from_millis(true_at)))
    }

    fn freshness(&self, now: std::time::Instant) -> Freshness {
        let true_at = self.true_at.load(Ordering::Relaxed);
        let now = self.millis(now);
        match now.saturating_add(1).saturating_sub(true_at) {
            _ if true_at == 0 || now >= self.closed_from.load(Ordering::Relaxed) => Freshness::Gone,
            age if age <= FRESH_FOR_MS => Freshness::Fresh,
            age if Duration::from_millis(age) <= self.stale_for => Freshness::Stale(age / 1000),
            _ => Freshness::Gone,
        }
    }

    /// Returns what is kept at an address, or has it made; those who ask at the same time share the work.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn fetch<F>(&self, address: Address, meter: Arc<Meter>, work: F) -> Result<Arc<Finished>>
    where
        F: Future<Output = Result<Live>> + Send + 'static,
    {
        let tally = self.tally.clone();
        let make = async move {
            let finished = work.await?.finish().metered(meter);
            tally.made(finished.class.index());
            Ok(finished)
        };
        let Some(cache) = &self.cache else { return make.await.map(Arc::new) };
        if self.freshness(std::time::Instant::now()) == Freshness::Gone {
            // What began a moment ago may have seen what is not true any more: not even that is shared.
            return make.await.map(Arc::new);
        }
        match cache.get(address.as_str()) {
            Some(kept) => {
                self.tally.kept(kept.class.index());
                Ok(kept)
            }
            None => cache.get_or_make(address, make).await,
        }
    }

    /// Answers a request: the bytes in the best coding, or 304 when the client has them.
    pub async fn answer(&self, finished: &Arc<Finished>, address: &Address, asked: &HeaderMap) -> HttpResponse {
        let mut answer = HttpResponse::new(StatusCode::OK);
        let freshness = self.freshness(std::time::Instant::now());
        if let Some(body) = self.fill(finished, freshness, asked, answer.headers_mut()) {
            return with_body(answer, body);
        }
        let (before, coding) = (finished.clone(), finished.negotiate(asked));
        let encode = async { tokio::task::spawn_blocking(move || Arc::new(before.encoded(coding))).await };
        let encoded = traces::measured("encode", encode).await;
        let after = encoded.unwrap_or_else(|_| finished.clone());
        if let Some(cache) = &self.cache {
            cache.replace(address, finished, after.clone());
        }
        match self.fill(&after, freshness, asked, answer.headers_mut()) {
            Some(body) => with_body(answer, body),
            None => HttpResponse::InternalServerError().finish(),
        }
    }

    /// Answers a partner: what its policy shows. Nothing that somebody had to say who they are for is for any cache.
    pub async fn answer_partner(&self, finished: &Arc<Finished>, address: &Address, asked: &HeaderMap) -> HttpResponse {
        let mut answer = self.answer(finished, address, asked).await;
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_ONE));
        answer
    }

    /// Answers a caller with a token: the same bytes, for nobody else to keep.
    pub fn answer_caller(&self, finished: &Finished, asked: &HeaderMap) -> HttpResponse {
        finished.encoded(finished.negotiate(asked)).answer(asked, FOR_ONE)
    }

    /// Writes the headers of an answer; `None` when its bytes have not been made in the coding that is asked for.
    fn fill(
        &self,
        finished: &Finished,
        freshness: Freshness,
        asked: &HeaderMap,
        headers: &mut HeaderMap,
    ) -> Option<Body> {
        let body = finished.fill(asked, !matches!(freshness, Freshness::Stale(_)), headers)?;
        let mut controls = &self.controls;
        if let Freshness::Stale(seconds) = freshness
            && self.cache.is_some()
        {
            headers.insert(HeaderName::from_static("age"), HeaderValue::from(seconds));
            controls = &self.stale_controls;
        }
        let [article, list, other] = controls;
        let control = match finished.class {
            Class::Article => article,
            Class::List => list,
            Class::Other => other,
        };
        headers.insert(header::CACHE_CONTROL, control.clone());
        Some(body)
    }
}

impl Finished {
    /// Answers with bytes that have been made already, and says who may keep them.
    pub fn answer(&self, asked: &HeaderMap, control: &'static str) -> HttpResponse {
        let mut answer = HttpResponse::new(StatusCode::OK);
        let body = self.fill(asked, true, answer.headers_mut());
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
        match body {
            Some(body) => with_body(answer, body),
            None => HttpResponse::InternalServerError().finish(),
        }
    }
}

/// Who may keep an answer that is for whoever asked: nobody.
const FOR_ONE: &str = "private, no-store";

/// What caches in front are told of something instead while the database is away: to ask each time, if they may have it
/// at all.
fn stale_control(control: &HeaderValue) -> HeaderValue {
    // Names of directives are the same in upper case.
    let text = control.to_str().unwrap_or_default().to_ascii_lowercase();
    let is_for_caches = !text.contains("private") && !text.contains("no-store");
    if is_for_caches { HeaderValue::from_static("public, no-cache") } else { control.clone() }
}

fn with_body(mut answer: HttpResponse, body: Body) -> HttpResponse {
    match body {
        Body::Known => {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            answer
        }
        Body::Unmeant => {
            let error =
                Error::new(Code::PreconditionFailed, "What is here is not what If-Match or If-Unmodified-Since say.");
            problem::answer(&error, &request_id::current())
        }
        Body::Bytes(bytes) => answer.set_body(actix_web::body::BoxBody::new(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_no_cache_is_for_none_without_the_database_either() {
        for (control, expected) in [
            ("public, max-age=0, s-maxage=5", "public, no-cache"),
            ("no-cache", "public, no-cache"),
            ("Private, max-age=5", "Private, max-age=5"),
            ("NO-STORE", "NO-STORE"),
        ] {
            assert_eq!(stale_control(&HeaderValue::from_static(control)), expected);
        }
    }
}
