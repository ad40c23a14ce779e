//! Errors as answers: RFC 9457 problems, and the page that documents each kind.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError,
    body::BoxBody,
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    db::TOO_MANY_WAIT,
    error::{Code, Error, Fault},
    telemetry::Seldom,
};

/// What every error answer carries (RFC 9457), as `application/problem+json`.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "type": "/problems/invalid_input",
    "title": "The input is invalid",
    "status": 422,
    "detail": "/section: there is no section \"wrold\"",
    "instance": "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a",
    "errors": [{"pointer": "/section", "code": "not_found", "detail": "there is no section \"wrold\""}]
}))]
pub struct Problem {
    /// The kind of problem: an address under `/problems/` that documents it.
    #[schema(format = "uri-reference", example = "/problems/invalid_input")]
    pub r#type: String,
    /// What the kind of problem is called; the same for every occurrence.
    pub title: String,
    /// The status code, as in the status line.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
    /// The id of the request, as in `X-Request-Id`.
    pub instance: String,
    /// Every fault of the input, for input that is invalid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<Fault>,
    /// The ETag of the working view as it is now (412 only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "\"r4\"")]
    pub current_etag: Option<String>,
    /// For each member that anybody changed: what you started from, what you sent, what is there now (412 only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, additional_properties = true, value_type = Object)]
    pub members: Option<Value>,
    /// The blocks of the body that cannot be merged (412 with `Prefer: merge` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub conflicts: Option<Vec<crate::body::BlockConflict>>,
}

/// How to prove who one is: with a token.
const BEARER: &str = r#"Bearer realm="frontpage""#;

/// The same to who has sent one that is not valid.
const INVALID_TOKEN: &str = r#"Bearer realm="frontpage", error="invalid_token""#;

/// How to prove it with a password.
const BASIC: &str = r#"Basic realm="frontpage", charset="UTF-8""#;

/// Builds the answer for an error, and logs it when it is ours.
pub fn answer(error: &Error, request_id: &str) -> HttpResponse {
    let status = StatusCode::from_u16(error.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        let cause = error.cause().unwrap_or_default();
        tracing::error!(
            request.id = request_id,
            problem = error.code().name(),
            cause,
            "Request failed: {}",
            error.detail()
        );
    } else if status.is_server_error() {
        log_put_off(error, request_id);
    } else if let Some(cause) = error.cause() {
        tracing::debug!(request.id = request_id, problem = error.code().name(), cause, "Request refused");
    }
    let mut builder = HttpResponse::build(status);
    builder.insert_header((header::CONTENT_TYPE, "application/problem+json"));
    builder.insert_header((header::CACHE_CONTROL, "no-store"));
    add_headers(&mut builder, error);
    builder.body(document(error, request_id).to_string())
}

/// Logs that a request was put off. Of those that come when too many wait, of which there may be thousands a second, one of
/// each second.
fn log_put_off(error: &Error, request_id: &str) {
    static TOO_MANY: Seldom = Seldom::new();
    let cause = error.cause().unwrap_or_default();
    let unsaid = if cause == TOO_MANY_WAIT { TOO_MANY.admit() } else { Some(0) };
    let Some(unsaid) = unsaid else { return };
    let others = if unsaid > 0 { format!(" So were {unsaid} others since this was last said.") } else { String::new() };
    tracing::warn!(
        request.id = request_id,
        problem = error.code().name(),
        cause,
        "Request put off: {}{others}",
        error.detail()
    );
}

fn add_headers(builder: &mut HttpResponseBuilder, error: &Error) {
    if let Some(seconds) = error.retry_after_s() {
        builder.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    if let Some(methods) = error.allowed_methods() {
        builder.insert_header((header::ALLOW, methods));
    }
    let challenge = match error.code() {
        Code::Unauthenticated => INVALID_TOKEN,
        Code::InvalidCredentials => BEARER,
        _ => return,
    };
    builder.insert_header((header::WWW_AUTHENTICATE, challenge));
}

/// Says how to prove who one is (RFC 9110, 11.6.1) as far as that depends on the request. Only a token that was sent can
/// be an invalid one (RFC 6750, 3.1). Readers of feeds send a key as a password, and many only when asked for one.
pub fn fit_challenge(response: &mut ServiceResponse<BoxBody>) {
    let request = response.request();
    let sent = request.headers().get(header::AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
    let is_token = sent.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
    let is_feed = request.path().starts_with("/feeds/");
    let headers = response.headers_mut();
    let said = headers.remove(header::WWW_AUTHENTICATE).next().filter(|_| is_token);
    if is_feed {
        headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(BASIC));
    }
    headers.append(header::WWW_AUTHENTICATE, said.unwrap_or(HeaderValue::from_static(BEARER)));
}

fn document(error: &Error, request_id: &str) -> Value {
    let mut problem = Map::new();
    problem.insert("type".to_owned(), json!(format!("/problems/{}", error.code().name())));
    problem.insert("title".to_owned(), json!(error.code().title()));
    problem.insert("status".to_owned(), json!(error.code().status()));
    problem.insert("detail".to_owned(), json!(error.detail()));
    problem.insert("instance".to_owned(), json!(request_id));
    if !error.input_faults().is_empty() {
        problem.insert("errors".to_owned(), json!(error.input_faults()));
    }
    for (name, value) in error.members() {
        problem.insert((*name).to_owned(), value.clone());
    }
    Value::Object(problem)
}

/// Where a handler or a middleware leaves the error for the outermost middleware, which knows the request id.
#[derive(Debug)]
pub struct Refusal(pub Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let id = super::request_id::current();
        let mut response = answer(&self.0, &id);
        super::envelope::add_headers(response.headers_mut(), &id);
        response
    }
}

/// Answers for an address that has nothing.
pub async fn nothing_here(_: HttpRequest) -> Result<HttpResponse, Refusal> {
    Err(Error::not_found().into())
}

/// Returns the page that documents a kind of problem.
pub fn page(name: &str) -> Option<String> {
    let code = Code::ALL.iter().find(|code| code.name() == name)?;
    Some(format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{title} · Frontpage problems</title>\n<h1>{title}</h1>\n<p><code>{name}</code>, status {status}</p>\n<p>{doc}</p>\n",
        title = code.title(),
        status = code.status(),
        doc = code.documentation().replace('&', "&amp;").replace('<', "&lt;").replace('`', ""),
    ))
}
