//! The id of a request: taken from `X-Request-Id` when well-formed, else made; in every answer and every log line.

use std::cell::Cell;

use actix_web::http::header::HeaderMap;
use uuid::Uuid;

use crate::clock::Instant;

/// The header that carries it.
pub const NAME: &str = "x-request-id";

tokio::task_local! {
    static CURRENT: String;
}

/// Returns the id that a request brought, if it is well-formed, or a new one.
pub fn of(headers: &HeaderMap) -> String {
    headers
        .get(NAME)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_well_formed(id))
        .map_or_else(fresh, str::to_owned)
}

/// Makes an id that no other request has: the time, what tells this thread from all others, and a count. It need not be
/// hard to guess, so no request waits for the system's randomness.
fn fresh() -> String {
    thread_local! {
        static THREAD: u128 = Uuid::now_v7().as_u128();
        static COUNT: Cell<u32> = const { Cell::new(0) };
    }
    let count = COUNT.replace(COUNT.get().wrapping_add(1));
    let rest = THREAD.with(|thread| thread.wrapping_add(u128::from(count))).to_be_bytes();
    let [.., a, b, c, d, e, f, g, h, i, j] = rest;
    let millis = u64::try_from(Instant::now().millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j]).into_uuid().to_string()
}

/// One to 128 letters, digits, and signs of which none means anything in a log or a header.
fn is_well_formed(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Runs a request's work so that [`current`] knows its id.
pub async fn scope<F: Future>(id: String, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// Returns the id of the request that is being worked on.
pub fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}
