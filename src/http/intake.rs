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

/// Room for bodies: for those that arrive, and for those that are worked on.
///
/// What a body is made into, a document and then blocks, may take a hundred times the memory of its bytes. So their bytes
/// are counted: however many clients send bodies, they are worked on a few at a time. Large ones have a lane of their own,
/// so that they keep nobody waiting who sends what almost all bodies are.
#[derive(Clone, Debug)]
pub struct Intake {
    arriving: Lane,
    small: Lane,
    large: Lane,
}

/// The room that a body takes, until all that was made of it is gone.
#[derive(Clone, Debug)]
pub struct Room {
    /// That for its arrival, if it is large, and that for the work on it.
    _permits: Arc<(Option<OwnedSemaphorePermit>, OwnedSemaphorePermit)>,
}

/// Room that is given in the order in which it is asked for.
#[derive(Clone, Debug)]
struct Lane {
    room: Arc<Semaphore>,
    n_kib: u32,
    patience: Duration,
}

/// A body up to this is small: almost all are.
const SMALL: usize = 32 * 1024;

/// How many bytes of large bodies may be arriving, or have arrived and wait.
const MOST_ARRIVING: usize = 32 * 1024 * 1024;

/// How many bytes of bodies are worked on at the same time in each lane; one body that has more is worked on alone.
const MOST_WORKED_ON: usize = 512 * 1024;

/// How long a large body waits for room, to arrive and to be worked on.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a small body waits for room.
const PATIENCE_OF_SMALL: Duration = Duration::from_secs(1);

/// The longest body of somebody who has not said who they are: to log in takes no more.
pub const LONGEST_OF_STRANGERS: usize = 16 * 1024;

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
        Self {
            arriving: Lane::new(MOST_ARRIVING.max(longest), PATIENCE),
            small: Lane::new(MOST_WORKED_ON, PATIENCE_OF_SMALL),
            large: Lane::new(MOST_WORKED_ON, PATIENCE),
        }
    }

    /// Receives a whole body, and waits until it may be worked on.
    ///
    /// # Errors
    /// `payload_too_large` beyond the limit, `request_timeout` when it takes too long, `bad_request` when it breaks off,
    /// `unavailable` when there is no room for a while.
    pub async fn receive(&self, payload: &mut Payload, headers: &HeaderMap, limit: usize) -> Result<(Vec<u8>, Room)> {
        let (bytes, arrived) =
            tokio::time::timeout(BODY_DEADLINE, self.collect(payload, headers, limit)).await.map_err(|_| {
                Error::new(Code::RequestTimeout, format!("The body took longer than {} s.", BODY_DEADLINE.as_secs()))
            })??;
        let lane = if bytes.len() <= SMALL { &self.small } else { &self.large };
        let permits = (arrived, lane.enter(bytes.len()).await?);
        Ok((bytes, Room { _permits: Arc::new(permits) }))
    }

    async fn collect(
        &self,
        payload: &mut Payload,
        headers: &HeaderMap,
        limit: usize,
    ) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>)> {
        let too_large = || Error::new(Code::PayloadTooLarge, format!("The body may have at most {limit} bytes."));
        let announced =
            headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut room = None;
        let mut bytes = Vec::new();
        let (mut look_at, mut n_before) = (tokio::time::Instant::now() + BODY_PACE, 0);
        loop {
            let chunk = match tokio::time::timeout_at(look_at, payload.next()).await {
                Ok(None) => return Ok((bytes, room)),
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
            let n_bytes = bytes.len() + chunk.len();
            if n_bytes > limit {
                return Err(too_large());
            }
            if n_bytes > SMALL && room.is_none() {
                // Who does not say how much will come may send as much as is allowed.
                let n_more = announced.unwrap_or(limit);
                room = Some(self.arriving.enter(n_more).await?);
                bytes.reserve_exact(n_more.saturating_sub(bytes.len()));
            }
            bytes.extend_from_slice(&chunk);
        }
    }
}

impl Lane {
    fn new(n_bytes: usize, patience: Duration) -> Self {
        let n_kib = kib(n_bytes);
        Self { room: Arc::new(Semaphore::new(usize::try_from(n_kib).unwrap_or(usize::MAX))), n_kib, patience }
    }

    /// Waits until there is room for so many bytes, or all the room there is.
    async fn enter(&self, n_bytes: usize) -> Result<OwnedSemaphorePermit> {
        let room = self.room.clone().acquire_many_owned(kib(n_bytes).clamp(1, self.n_kib));
        match tokio::time::timeout(self.patience, room).await {
            Ok(room) => room.map_err(Error::internal),
            Err(_) => Err(Error::unavailable("too many bodies are being worked on")),
        }
    }
}

fn kib(n_bytes: usize) -> u32 {
    u32::try_from(n_bytes.div_ceil(1024)).unwrap_or(u32::MAX)
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
    async fn large_bodies_wait_for_each_other_and_small_ones_for_small_ones() {
        let intake = Intake::new(1024);
        let half = intake.large.enter(MOST_WORKED_ON / 2).await.unwrap();
        let other = intake.large.enter(MOST_WORKED_ON / 2).await.unwrap();

        let small = intake.small.enter(0).await.unwrap();
        let refused = intake.large.enter(SMALL + 1).await;
        assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
        drop((half, other, small));
        let all = intake.large.enter(usize::MAX).await.expect("the largest one takes all there is");
        assert_eq!(intake.large.room.available_permits(), 0);
        drop(all);
        assert_eq!(intake.large.room.available_permits(), MOST_WORKED_ON / 1024);
    }
}
