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

/// What an answer says about the website that asks.
pub struct Grant {
    /// What `Access-Control-Allow-Origin` is to say; `None` for nothing.
    origin: Option<String>,
    /// Whether it would say something else to another website, or to none.
    varies: bool,
}

/// Returns what the answer to this request is to say.
pub fn grant(asked: &HeaderMap, allowed: &[String]) -> Grant {
    if allowed.iter().any(|origin| origin == "*") {
        return Grant { origin: Some("*".to_owned()), varies: false };
    }
    let asked = asked.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    let origin = asked.and_then(|asked| allowed.iter().find(|origin| origin.eq_ignore_ascii_case(asked)).cloned());
    Grant { origin, varies: !allowed.is_empty() }
}

/// Returns the websites that may read answers.
pub fn allowed(request: &ServiceRequest) -> &[String] {
    request.app_data::<State>().map_or(&[][..], |state| &state.config.http.cors_origins)
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
    grant(headers, allowed(request)).origin?;
    Some(
        HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE"))
            .insert_header((
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "Authorization, Content-Type, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, Idempotency-Key, Prefer, X-Request-Id",
            ))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
            .finish(),
    )
}

/// Adds what a browser needs to let the website read the answer.
pub fn add_headers(headers: &mut HeaderMap, grant: &Grant) {
    if grant.varies {
        // Also on answers that grant nothing: a cache must not give them to a website that may read.
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    let Some(value) = grant.origin.as_ref().and_then(|origin| HeaderValue::from_str(origin).ok()) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(
            "ETag, Idempotent-Replayed, Link, Location, Preference-Applied, Retry-After, X-Request-Id",
        ),
    );
}
