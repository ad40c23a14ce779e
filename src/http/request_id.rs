//! The id of a request: taken from `X-Request-Id` when well-formed, else made; in every answer and every log line.

use actix_web::http::header::HeaderMap;
use uuid::Uuid;

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
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn is_well_formed(id: &str) -> bool {
    (8..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Runs a request's work so that [`current`] knows its id.
pub async fn scope<F: Future>(id: String, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// Returns the id of the request that is being worked on.
pub fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}
