//! Around every request: its id, the checks that come before everything, the headers that every answer has.

use std::panic::AssertUnwindSafe;

use actix_web::{
    Error as ActixError, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
};
use futures_util::FutureExt;

use super::{
    accept::Accept,
    cors, path,
    problem::{self, Refusal},
    request_id, spans,
};
use crate::{
    api_keys::reader::Counted,
    auth::source::Source,
    db::Origin,
    error::{Code, Error},
    ids::ArticleId,
    state::State,
    traces::{self, Span},
};

/// The outermost middleware.
///
/// # Errors
/// Only when a handler panics, with an error that answers as a problem.
pub async fn around<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let id = request_id::of(request.headers());
    let started = std::time::Instant::now();
    let grant = cors::grant(request.headers(), cors::allowed(&request));
    let subject = request
        .app_data::<State>()
        .filter(|state| state.config.log.requests)
        .map(|_| (request.method().clone(), request.path().to_owned()));
    let is_stopping = request.app_data::<State>().is_some_and(|state| state.readiness.is_closed());
    let origin = Origin::request(id.clone(), address_of(&request));
    let method = request.method().clone();
    let span = request.app_data::<State>().and_then(|state| spans::begin(&state.traces, request.head(), &id, started));
    let trace_id = span.as_ref().map(Span::trace_id);
    let here = span.as_ref().and_then(Span::here);
    let work = traces::within(here, origin.scope(AssertUnwindSafe(pass(request, next)).catch_unwind()));
    let mut response = match request_id::scope(id.clone(), work).await {
        Ok(response) => response?,
        Err(_) => {
            span.into_iter().for_each(|span| spans::end(span, &method, None, 500));
            return Err(Refusal(Error::internal("a handler panicked; the panic is logged above")).into());
        }
    };
    let pattern = response.request().match_pattern();
    if let Some(state) = response.request().app_data::<State>() {
        let meter = state.metrics.meter(method.as_str(), pattern.as_deref());
        meter.observe(response.status().as_u16(), started.elapsed());
    }
    if let Some(span) = span {
        spans::end(span, &method, pattern.as_deref(), response.status().as_u16());
    }
    count(&mut response, method.as_str(), started);
    if response.status() == StatusCode::UNAUTHORIZED {
        problem::fit_challenge(&mut response);
    }
    add_headers(response.headers_mut(), &id);
    cors::add_headers(response.headers_mut(), &grant);
    if is_stopping {
        // The next request of this client is better sent elsewhere.
        response.response_mut().head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
    }
    if let Some((method, path)) = subject {
        let status = response.status().as_u16();
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(request.id = %id, trace.id = trace_id, http.method = %method, http.path = %path, http.status = status, duration_ms = millis, "{method} {path} {status}");
    }
    Ok(response)
}

/// Counts a request that came with an API key, notes which articles the answer brings, and says what is left.
fn count(response: &mut ServiceResponse<BoxBody>, method: &str, started: std::time::Instant) {
    let counted = response.request().extensions_mut().remove::<Counted>();
    let Some((counted, state)) = counted.zip(response.request().app_data::<State>().cloned()) else { return };
    let pattern = response.request().match_pattern().unwrap_or_default();
    let usage = state.api_keys.usage();
    usage.count(counted.key.id, format!("{method} {pattern}"), counted.is_refused);
    if matches!(response.status(), StatusCode::OK | StatusCode::NOT_MODIFIED | StatusCode::GONE) {
        let keys = response.headers().get("surrogate-key").and_then(|keys| keys.to_str().ok()).unwrap_or_default();
        let shown = keys.split(' ').filter_map(|key| ArticleId::parse(key.strip_prefix("article-")?));
        usage.note_reads(counted.key.id, shown.chain(counted.told), started);
    }
    if let Some((policy, left)) = counted.headers {
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", left)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// Where a request comes from, for the audit.
fn address_of(request: &ServiceRequest) -> Option<String> {
    let trusted = &request.app_data::<State>()?.config.http.trusted_proxies;
    Some(Source::of(request.request(), trusted).key()).filter(|address| !address.is_empty())
}

async fn pass<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let (uri, headers) = (request.uri(), request.headers());
    let checked = path::check_host(headers).and_then(|()| path::check(uri));
    if let (Ok(()), Some(answer)) = (&checked, cors::preflight(&request)) {
        return Ok(request.into_response(answer));
    }
    if let Err(error) = checked.and_then(|()| check_accept(uri.path(), headers)) {
        let answer = problem::answer(&error, &request_id::current());
        return Ok(request.into_response(answer));
    }
    let response = next.call(request).await?.map_into_boxed_body();
    Ok(as_problem(response))
}

/// What the framework itself refuses is a problem like any other.
fn as_problem(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let is_ours = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/problem+json"));
    let code = match response.status() {
        status if is_ours || !(status.is_client_error() || status.is_server_error()) => return response,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
        StatusCode::REQUEST_TIMEOUT => Code::RequestTimeout,
        status if status.is_client_error() => Code::BadRequest,
        _ => Code::Internal,
    };
    let (request, _) = response.into_parts();
    let answer: HttpResponse = problem::answer(&Error::new(code, "The request was refused."), &request_id::current());
    ServiceResponse::new(request, answer)
}

/// Returns whether an address may be one of content, which is kept as finished bytes.
pub fn is_content(path: &str) -> bool {
    ["/v1/", "/feeds/", "/sitemaps/"].iter().any(|start| path.starts_with(start))
}

/// Everything below `/v1` is JSON; a client that excludes it is told so. What is elsewhere has its type in its address:
/// readers of feeds ask for whatever they like, and mean what is there.
///
/// # Errors
/// `not_acceptable`.
pub fn check_accept(path: &str, asked: &HeaderMap) -> Result<(), Error> {
    if !path.starts_with("/v1/") {
        return Ok(());
    }
    let accept = Accept::of(asked);
    if !accept.is_said() {
        return Ok(());
    }
    let offered: &[&str] = match path {
        "/v1/changes/stream" => &["text/event-stream", "application/json"],
        "/v1/snapshot" => &["application/x-ndjson", "application/json"],
        _ => &["application/json"],
    };
    // Who names problems alone takes the JSON that they are.
    if offered.iter().any(|media_type| accept.weight(media_type) > 0) || accept.names("application/problem+json") {
        return Ok(());
    }
    let answer = offered.first().copied().unwrap_or_default();
    Err(Error::new(Code::NotAcceptable, format!("The answer is {answer}, which the Accept header excludes.")))
}

/// Adds what every answer has.
pub fn add_headers(headers: &mut HeaderMap, id: &str) {
    const ALWAYS: [(&str, &str); 3] = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in ALWAYS {
        let name = HeaderName::from_static(name);
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static(request_id::NAME), value);
    }
}
