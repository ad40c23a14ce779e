//! The span of a request: what is told of it, in the words of OpenTelemetry's conventions for HTTP servers.
//!
//! Nothing is told that could be a secret or a person: no query (previews have their token there), no header, no address of
//! a client. What a client chooses is kept short.

use std::{net::SocketAddr, time::Instant};

use actix_web::{dev::RequestHead, http::Method};
use opentelemetry::{KeyValue, trace::SpanContext};
use url::Url;

use crate::{
    config::HttpConfig,
    traces::{Span, Traces, parent},
};

/// The longest path that is told.
const LONGEST_PATH: usize = 512;

/// Returns what is told of every request: where this server is reached, as it was configured. What a client takes it for
/// in `Host` is not believed.
pub fn always(config: &HttpConfig, addr: SocketAddr) -> Vec<KeyValue> {
    let public = config.public_url.as_deref().and_then(|url| Url::parse(url).ok());
    let scheme = public.as_ref().map_or("http", Url::scheme).to_owned();
    let port = public.as_ref().map_or(Some(addr.port()), Url::port_or_known_default).unwrap_or_default();
    let host = public.as_ref().and_then(Url::host_str).map_or_else(|| addr.ip().to_string(), str::to_owned);
    vec![
        KeyValue::new("url.scheme", scheme),
        KeyValue::new("server.address", host),
        KeyValue::new("server.port", i64::from(port)),
    ]
}

/// Begins the span of a request; none, when there are no traces.
pub fn begin(traces: &Traces, head: &RequestHead, id: &str, came: Instant) -> Option<Span> {
    if !traces.is_on() {
        return None;
    }
    let method = name_of(&head.method);
    let mut span = traces.request(method, caller(head), came.elapsed())?;
    if span.is_recording() {
        span.set("http.request.method", if method == "HTTP" { "_OTHER" } else { method });
        span.set("url.path", head.uri.path().chars().take(LONGEST_PATH).collect::<String>());
        span.set("request.id", id.to_owned());
    }
    Some(span)
}

/// Ends it.
pub fn end(mut span: Span, method: &Method, route: Option<&str>, status: u16) {
    if !span.is_recording() {
        return;
    }
    if let Some(route) = route {
        span.rename(format!("{} {route}", name_of(method)));
        span.set("http.route", route.to_owned());
    }
    span.set("http.response.status_code", i64::from(status));
    // Whatever else a client is told is its own affair.
    if status >= 500 {
        span.fail(status.to_string());
    }
}

/// Methods that anybody could make up would make names that nobody can group by.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "HTTP",
    }
}

/// What the caller says of its trace; nothing, when it says it twice.
fn caller(head: &RequestHead) -> Option<SpanContext> {
    let mut parents = head.headers.get_all("traceparent");
    let parent = parents.next().filter(|_| parents.next().is_none())?.to_str().ok()?;
    parent::read(parent, head.headers.get_all("tracestate").filter_map(|value| value.to_str().ok()))
}
