//! A live answer down to its last byte, in every content coding that was asked for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue, HttpDate, TryIntoHeaderValue};
use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

use super::coding::Coding;
use crate::{clock::Instant, http::etag, metrics::Meter, secrets::hex};

/// What an answer is, as far as caches should treat it differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// One article.
    Article,
    /// A list of articles.
    List,
    /// Sections, staff profiles, tags.
    #[default]
    Other,
}

impl Class {
    /// Returns its place among the classes.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Article => 0,
            Self::List => 1,
            Self::Other => 2,
        }
    }
}

/// A finished answer. Never changes; what is cheap to share is shared.
#[derive(Clone, Debug)]
pub struct Finished {
    pub(super) class: Class,
    pub(super) keys: Vec<String>,
    media_type: HeaderValue,
    body: Bytes,
    coded: [Option<Bytes>; 3],
    tag: String,
    etags: [HeaderValue; 4],
    last_modified: Option<Dates>,
    surrogate_key: Option<HeaderValue>,
    links: Option<HeaderValue>,
    /// Until when it is true, if the time that passes makes it untrue.
    good_until: Option<std::time::Instant>,
    /// Counts how often and how quickly it is given out.
    pub(super) meter: Option<Arc<Meter>>,
}

/// What one request gets of an answer.
pub(super) enum Body {
    /// The client has it already.
    Known,
    /// It is not what the client wants to have, if anything.
    Unmeant,
    /// These bytes.
    Bytes(Bytes),
}

/// A rough measure of what an answer takes besides its bytes.
const OVERHEAD: usize = 1024;

impl Finished {
    pub(super) fn new(live: super::Live) -> Self {
        let super::Live { class, media_type, body, last_modified, surrogate_keys, links, good_for } = live;
        // Tells answers apart; nothing is proved by it, and a hash that proves something takes its time.
        let tag = hex(&xxh3_128(&body).to_be_bytes());
        Self {
            class,
            media_type: HeaderValue::from_static(media_type),
            body,
            coded: [None, None, None],
            etags: Coding::ALL.map(|coding| value(&format!("\"{tag}{}\"", coding.suffix()))),
            tag,
            last_modified: last_modified.map(Dates::of),
            surrogate_key: (!surrogate_keys.is_empty()).then(|| value(&surrogate_keys.join(" "))),
            keys: surrogate_keys,
            links: links.map(|links| value(&links)),
            good_until: good_for.and_then(|time| std::time::Instant::now().checked_add(time)),
            meter: None,
        }
    }

    pub(super) fn metered(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }

    /// Returns whether it is still true, as far as that depends on the time.
    pub(super) fn is_good(&self) -> bool {
        self.good_until.is_none_or(|end| std::time::Instant::now() < end)
    }

    /// Returns about how many bytes of memory it takes.
    pub(super) fn weight(&self) -> usize {
        let coded: usize = self.coded.iter().flatten().map(Bytes::len).sum();
        // A key stands here, in the header, and in the index.
        let keys: usize = self.keys.iter().map(|key| key.len() * 3 + 96).sum();
        self.body.len() + coded + keys + OVERHEAD
    }

    /// Chooses the coding for a request.
    pub(super) fn negotiate(&self, headers: &HeaderMap) -> Coding {
        super::coding::negotiate(headers, self.body.len())
    }

    /// Returns the bytes in a coding, if they have been made.
    pub(super) fn bytes(&self, coding: Coding) -> Option<Bytes> {
        match coding.index() {
            None => Some(self.body.clone()),
            Some(index) => self.coded.get(index).cloned().flatten(),
        }
    }

    /// Returns the same answer with its bytes in every coding.
    pub fn in_all_codings(self) -> Self {
        Coding::ALL.iter().fold(self, |made, coding| made.encoded(*coding))
    }

    /// Returns the same answer with its bytes in one more coding.
    pub(super) fn encoded(&self, coding: Coding) -> Self {
        let mut more = self.clone();
        if let Some(place) = coding.index().and_then(|index| more.coded.get_mut(index)) {
            *place = Some(coding.encode(&self.body).into());
        }
        more
    }

    /// Writes the headers that are of the answer itself, and returns what else the client gets; `None` when the bytes
    /// in its coding have not been made. What is not fresh may have been changed since, unheard.
    pub(super) fn fill(&self, asked: &HeaderMap, is_fresh: bool, headers: &mut HeaderMap) -> Option<Body> {
        let coding = self.negotiate(asked);
        let body = if !self.is_meant(asked, coding) {
            Body::Unmeant
        } else if self.is_known(asked, coding) {
            Body::Known
        } else {
            Body::Bytes(self.bytes(coding)?)
        };
        let etag = self.etags.get(coding.index().map_or(0, |index| index + 1));
        if let Some(etag) = etag {
            headers.insert(header::ETAG, etag.clone());
        }
        if let Some(dates) = &self.last_modified {
            headers.insert(header::LAST_MODIFIED, dates.shown(is_fresh).clone());
        }
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Some(keys) = &self.surrogate_key {
            headers.insert(header::HeaderName::from_static("surrogate-key"), keys.clone());
        }
        if let Some(links) = &self.links {
            headers.insert(header::LINK, links.clone());
        }
        if let Body::Bytes(_) = body {
            headers.insert(header::CONTENT_TYPE, self.media_type.clone());
            if let Some(name) = coding.name() {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
            }
        }
        Some(body)
    }

    /// Evaluates the conditions under which a client wants it at all (RFC 9110, 13.2.2, steps 1 and 2): the ETag
    /// decides when it was sent, else the date.
    fn is_meant(&self, asked: &HeaderMap, coding: Coding) -> bool {
        if asked.contains_key(header::IF_MATCH) {
            return etag::matches(asked, |opaque| self.is_served(opaque, coding));
        }
        // An answer may have borne the date of the second before its last change.
        self.is_unchanged_since(asked, header::IF_UNMODIFIED_SINCE, 1).unwrap_or(true)
    }

    /// Evaluates the conditions under which a client has it already (steps 3 and 4).
    fn is_known(&self, asked: &HeaderMap, coding: Coding) -> bool {
        if asked.contains_key(header::IF_NONE_MATCH) {
            return etag::none_match(asked, |opaque| self.is_served(opaque, coding)).unwrap_or(false);
        }
        // What changed within the second of the answer that bore the date is newer than that.
        self.is_unchanged_since(asked, header::IF_MODIFIED_SINCE, 0).unwrap_or(false)
    }

    /// Whether a tag is the one that the answer has for this client: another coding is other bytes.
    fn is_served(&self, opaque: &str, coding: Coding) -> bool {
        opaque.strip_prefix(self.tag.as_str()) == Some(coding.suffix())
    }

    /// Whether it has not changed since the date in a header, give or take some seconds; none without one date.
    fn is_unchanged_since(&self, asked: &HeaderMap, name: HeaderName, leeway: i64) -> Option<bool> {
        let mut dates = asked.get_all(name);
        let since: HttpDate = dates.next()?.to_str().ok()?.parse().ok()?;
        let last = self.last_modified.as_ref().filter(|_| dates.next().is_none())?;
        Some(date(last.seconds - leeway) <= since)
    }
}

/// For so long after a second what changed within it may still become known: a server that counts as fresh need not
/// have heard of the last two, and a change has the time at which its transaction began.
const UNSETTLED_SECONDS: i64 = 3;

/// When something last changed, as headers say it.
#[derive(Clone, Debug)]
struct Dates {
    seconds: i64,
    /// That second, and the one before it.
    values: [HeaderValue; 2],
    /// All that changed within that second has been heard of.
    is_settled: Arc<AtomicBool>,
}

impl Dates {
    fn of(last_modified: Instant) -> Self {
        let seconds = last_modified.seconds();
        Self { seconds, values: [date_value(seconds), date_value(seconds - 1)], is_settled: Arc::default() }
    }

    /// The time of the last change, to the second. While there may be another change within it that this server has not
    /// heard of, the second before it, so that the other one is not taken for this one.
    fn shown(&self, is_fresh: bool) -> &HeaderValue {
        let [of_second, of_one_before] = &self.values;
        if self.is_settled.load(Ordering::Relaxed) {
            return of_second;
        }
        let is_settled = is_fresh && self.seconds + UNSETTLED_SECONDS < Instant::now().seconds();
        self.is_settled.store(is_settled, Ordering::Relaxed);
        if is_settled { of_second } else { of_one_before }
    }
}

/// A date of whole seconds: clients send back what they were told, and that has no fraction.
fn date(seconds: i64) -> HttpDate {
    HttpDate::from(UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}

fn date_value(seconds: i64) -> HeaderValue {
    date(seconds).try_into_value().unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// What this server writes into headers is ASCII; what is not would be left out.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
