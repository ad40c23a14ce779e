//! Which websites' scripts may read answers in a browser: those that the settings name, and none by default.

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
};

use crate::state::State;

/// Returns what `Access-Control-Allow-Origin` is to say to this request; `None` for nothing.
pub fn origin(request: &ServiceRequest) -> Option<String> {
    let allowed = &request.app_data::<State>()?.config.http.cors_origins;
    if allowed.iter().any(|origin| origin == "*") {
        return Some("*".to_owned());
    }
    let asked = request.headers().get(header::ORIGIN)?.to_str().ok()?;
    allowed.iter().find(|origin| origin.eq_ignore_ascii_case(asked)).cloned()
}

/// Answers a browser's question before the request proper, if it is one and the website is allowed.
pub fn preflight(request: &ServiceRequest) -> Option<HttpResponse> {
    let headers = request.headers();
    let asks = request.method() == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !asks {
        return None;
    }
    origin(request)?;
    Some(
        HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE"))
            .insert_header((
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "Authorization, Content-Type, If-Match, If-None-Match, If-Modified-Since, Idempotency-Key, X-Request-Id",
            ))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
            .finish(),
    )
}

/// Adds what a browser needs to let the website read the answer.
pub fn add_headers(headers: &mut HeaderMap, origin: Option<&str>) {
    let Some(value) = origin.and_then(|origin| HeaderValue::from_str(origin).ok()) else { return };
    if value != "*" {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("ETag, Idempotent-Replayed, Link, Location, Retry-After, X-Request-Id"),
    );
}
