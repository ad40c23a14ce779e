//! Receiving bodies: within limits of size and of time, and of how much is worked on at once.

use std::{sync::Arc, time::Duration};

use actix_web::{
    dev::Payload,
    http::header::{self, HeaderMap},
};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    error::{Code, Error, Result},
    input::strict_json,
};

/// Room for the large bodies that are worked on at the same time.
///
/// What a body is made into, a document and then blocks, may take a hundred times the memory of its bytes. So their bytes
/// are counted: however many clients send large bodies, they are worked on a few at a time.
#[derive(Clone, Debug)]
pub struct Intake {
    room: Arc<Semaphore>,
    n_kib: u32,
}

/// The room that one body takes, until all that was made of it is gone.
pub type Room = Arc<OwnedSemaphorePermit>;

/// A body up to this needs no room: almost all are.
const SMALL: usize = 32 * 1024;

/// The room that there is, unless a single body may be larger.
const LEAST_ROOM: usize = 2 * 1024 * 1024;

/// How long a body waits for room.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(20);

/// How often it is looked at how much of a body has arrived.
const BODY_PACE: Duration = Duration::from_secs(10);

/// What has to arrive until then, unless it is the rest: 1 KiB a second, which the slowest telephone sends. Who sends less
/// holds a connection without meaning to use it.
const LEAST_BYTES: usize = 10 * 1024;

impl Intake {
    /// Makes room for bodies of at most so many bytes.
    pub fn new(longest: usize) -> Self {
        let n_kib = kib(longest.max(LEAST_ROOM));
        Self { room: Arc::new(Semaphore::new(usize::try_from(n_kib).unwrap_or(usize::MAX))), n_kib }
    }

    /// Waits until there is room for a body of so many bytes; none is needed for a small one.
    ///
    /// # Errors
    /// `unavailable` when there is none for a while.
    pub async fn enter(&self, n_bytes: usize) -> Result<Option<Room>> {
        if n_bytes <= SMALL {
            return Ok(None);
        }
        let room = self.room.clone().acquire_many_owned(kib(n_bytes).min(self.n_kib));
        match tokio::time::timeout(PATIENCE, room).await {
            Ok(room) => Ok(Some(Arc::new(room.map_err(Error::internal)?))),
            Err(_) => Err(Error::unavailable("too many large bodies are being worked on")),
        }
    }
}

fn kib(n_bytes: usize) -> u32 {
    u32::try_from(n_bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// Receives a whole body.
///
/// # Errors
/// `payload_too_large` beyond the limit, `request_timeout` when it takes too long, `bad_request` when it breaks off.
pub async fn receive(payload: &mut Payload, headers: &HeaderMap, limit: usize) -> Result<Vec<u8>> {
    tokio::time::timeout(BODY_DEADLINE, collect(payload, headers, limit)).await.map_err(|_| {
        Error::new(Code::RequestTimeout, format!("The body took longer than {} s.", BODY_DEADLINE.as_secs()))
    })?
}

async fn collect(payload: &mut Payload, headers: &HeaderMap, limit: usize) -> Result<Vec<u8>> {
    let too_large = || Error::new(Code::PayloadTooLarge, format!("The body may have at most {limit} bytes."));
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0));
    let (mut look_at, mut n_before) = (tokio::time::Instant::now() + BODY_PACE, 0);
    loop {
        let chunk = match tokio::time::timeout_at(look_at, payload.next()).await {
            Ok(None) => return Ok(bytes),
            Ok(Some(chunk)) => {
                chunk.map_err(|error| Error::new(Code::BadRequest, "The body broke off.").because(error))?
            }
            Err(_) if bytes.len() - n_before >= LEAST_BYTES => {
                (look_at, n_before) = (look_at + BODY_PACE, bytes.len());
                continue;
            }
            Err(_) => {
                return Err(Error::new(Code::RequestTimeout, "The body arrived at less than 1 KiB a second."));
            }
        };
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// Reads a body as JSON.
///
/// # Errors
/// `malformed_json` when it is not.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    strict_json::parse(bytes)
        .map_err(|fault| Error::new(Code::MalformedJson, format!("The body is not valid JSON: {fault}.")))
}

/// Refuses a body of another media type, or in a content coding.
///
/// # Errors
/// `unsupported_media_type`, saying what is taken.
pub fn check_media_type(headers: &HeaderMap, accepted: &[&str]) -> Result<()> {
    let unsupported = |detail: String| Err(Error::new(Code::UnsupportedMediaType, detail));
    if let Some(coding) = headers.get(header::CONTENT_ENCODING)
        && coding != "identity"
    {
        return unsupported("Bodies are taken without a content coding.".to_owned());
    }
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    if !accepted.iter().any(|accepted| media_type.eq_ignore_ascii_case(accepted)) {
        return unsupported(format!("The body must be {}.", accepted.join(" or ")));
    }
    let is_utf8 = |parameter: &str| {
        parameter.split_once('=').is_none_or(|(name, value)| {
            !name.trim().eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    if !parts.all(is_utf8) {
        return unsupported("JSON is UTF-8.".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_each_other_and_small_ones_for_nobody() {
        let intake = Intake::new(1024);
        let half = intake.enter(LEAST_ROOM / 2).await.unwrap();
        let other = intake.enter(LEAST_ROOM / 2).await.unwrap();

        assert!(intake.enter(SMALL).await.unwrap().is_none());
        let refused = intake.enter(SMALL + 1).await;
        assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
        drop((half, other));
        assert!(intake.enter(usize::MAX).await.unwrap().is_some(), "the largest one takes all there is");
    }
}
