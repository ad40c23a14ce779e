//! Live representations on their way out: conditional requests, content codings, cache headers.
//!
//! Knows finished bytes and headers; does not know what they are about.

mod coding;

use std::time::{Duration, UNIX_EPOCH};

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap, HttpDate},
    },
};
use serde::Serialize;

use self::coding::Coding;
use crate::{
    clock::Instant,
    error::{Error, Result},
    http::etag,
    secrets::sha256_hex,
};

/// What readers see of one address, the same for all who ask.
#[derive(Clone, Debug)]
pub struct Live {
    json: String,
    last_modified: Instant,
    surrogate_keys: Vec<String>,
    links: Option<String>,
}

/// For whom an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Anyone: caches may keep it.
    Public,
    /// A caller with a token: the same bytes, kept by nobody.
    Caller,
}

/// How long caches may keep a live answer: shared ones briefly, browsers only to ask again.
const CACHE_CONTROL: &str = "public, max-age=0, s-maxage=5, stale-while-revalidate=10, stale-if-error=600";

impl Live {
    /// Makes a live representation.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn new(value: &impl Serialize, last_modified: Instant) -> Result<Self> {
        let json = serde_json::to_string(value).map_err(Error::internal)?;
        Ok(Self { json, last_modified, surrogate_keys: Vec::new(), links: None })
    }

    /// Adds the keys by which a cache in front can drop the answer.
    #[must_use]
    pub fn keyed(mut self, keys: impl IntoIterator<Item = String>) -> Self {
        for key in keys {
            if !self.surrogate_keys.contains(&key) {
                self.surrogate_keys.push(key);
            }
        }
        self
    }

    /// Adds the links to the neighboring pages.
    #[must_use]
    pub fn linked(mut self, links: Option<String>) -> Self {
        self.links = links;
        self
    }

    /// Answers a request: the bytes in the best coding, or 304 when the client has them.
    pub fn answer(self, headers: &HeaderMap, audience: Audience) -> HttpResponse {
        let digest = sha256_hex(self.json.as_bytes());
        let tag = digest.get(..32).unwrap_or(&digest);
        let coding = coding::negotiate(headers, self.json.len());
        let is_known = self.is_known(headers, tag);
        let mut builder = HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
        builder.insert_header((header::ETAG, format!("\"{tag}{}\"", coding.suffix())));
        builder.insert_header((header::LAST_MODIFIED, self.http_date()));
        builder.insert_header((header::VARY, "Accept-Encoding"));
        builder.insert_header((
            header::CACHE_CONTROL,
            if audience == Audience::Public { CACHE_CONTROL } else { "private, no-store" },
        ));
        if !self.surrogate_keys.is_empty() {
            builder.insert_header(("surrogate-key", self.surrogate_keys.join(" ")));
        }
        if let Some(links) = &self.links {
            builder.insert_header((header::LINK, links.as_str()));
        }
        if is_known {
            return builder.finish();
        }
        builder.insert_header((header::CONTENT_TYPE, "application/json"));
        if let Some(name) = coding.name() {
            builder.insert_header((header::CONTENT_ENCODING, name));
        }
        builder.body(coding.encode(self.json))
    }

    /// Evaluates the conditions of RFC 9110, 13.2.2: the ETag decides when it was sent, else the date.
    fn is_known(&self, headers: &HeaderMap, tag: &str) -> bool {
        let served = |opaque: &str| Coding::ALL.iter().any(|coding| opaque == format!("{tag}{}", coding.suffix()));
        if let Some(is_matched) = etag::none_match(headers, served) {
            return is_matched;
        }
        if headers.contains_key(header::IF_NONE_MATCH) {
            return false;
        }
        let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok()?.parse().ok());
        // The true second here: what changed within the second of the answer is newer than the date that it bore.
        since.is_some_and(|since: HttpDate| http_date(self.last_modified.seconds()) <= since)
    }

    /// The time of the last change, to the second. While that second lasts, the one before it, so that a second
    /// change within it is not taken for the first.
    fn http_date(&self) -> HttpDate {
        let last = self.last_modified.seconds();
        http_date(if last >= Instant::now().seconds() { last - 1 } else { last })
    }
}

/// A date of whole seconds: clients send back what they were told, and that has no fraction.
fn http_date(seconds: i64) -> HttpDate {
    HttpDate::from(UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}
