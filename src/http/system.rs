//! What is about the server itself: health, the OpenAPI file and its viewer, the documentation of problems.

use actix_web::{
    HttpResponse, Resource, Route,
    http::{Method, header},
    web,
};
use diesel::RunQueryDsl;
use serde::Serialize;
use tokio::sync::OnceCell;
use utoipa::ToSchema;

use super::{accept::Accept, call::Call, openapi, problem, problem::Refusal, routing::endpoints};
use crate::{
    auth::rights::Operation,
    delivery::{Finished, Live},
    error::{Code, Error, Result},
    metrics::{Format, Readings},
};

endpoints! {
    "/" { get get_index }
    "/healthz" { get get_health }
    "/readyz" { get get_readiness }
    "/metrics" { get get_metrics }
    "/openapi.json" { get get_openapi }
    "/problems/{code}" { get get_problem }
}

/// Adds the viewer of the OpenAPI file, which is not part of the API.
pub fn register_viewer(config: &mut web::ServiceConfig) {
    config.service(read_only("/docs", || web::to(viewer_moved)));
    config.service(read_only("/docs/{file:.*}", || web::to(viewer)));
}

/// A resource that answers GET and HEAD, and 405 to all else.
fn read_only(path: &str, handler: impl Fn() -> Route) -> Resource {
    web::resource(path).route(handler().method(Method::GET)).route(handler().method(Method::HEAD)).default_service(
        web::to(|| async {
            let refusal = Error::new(Code::MethodNotAllowed, "Allowed here: GET, HEAD.").allow("GET, HEAD");
            Err::<HttpResponse, _>(Refusal(refusal))
        }),
    )
}

async fn viewer_moved(call: Call) -> Result<HttpResponse, Refusal> {
    call.no_query()?;
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish())
}

/// Where to go from here.
#[derive(Serialize, ToSchema)]
struct Index {
    /// What this is.
    #[schema(example = "Frontpage")]
    name: &'static str,
    /// The documentation, for people.
    #[schema(example = "/docs")]
    docs: &'static str,
    /// The OpenAPI file, for programs.
    #[schema(example = "/openapi.json")]
    openapi: &'static str,
    /// The articles.
    #[schema(example = "/v1/articles")]
    articles: &'static str,
}

/// Find the way
///
/// Where the documentation, the OpenAPI file and the articles are.
#[utoipa::path(get, path = "/", operation_id = "getIndex", tag = "system",
    responses((status = 200, description = "Addresses to go on with.", body = Index)))]
async fn get_index(call: Call) -> Result<HttpResponse, Refusal> {
    call.no_query()?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=300")).json(Index {
        name: "Frontpage",
        docs: "/docs",
        openapi: "/openapi.json",
        articles: "/v1/articles",
    }))
}

/// Whether the server is well.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Always `ok`; otherwise the answer is a problem.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Check that the process is alive
///
/// Asks nothing of the database, so that a restart is not tried where it cannot help.
#[utoipa::path(get, path = "/healthz", operation_id = "getHealth", tag = "system",
    responses((status = 200, description = "The process is alive.", body = Health)))]
async fn get_health(call: Call) -> Result<HttpResponse, Refusal> {
    call.no_query()?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Health { status: "ok" }))
}

/// Check that requests can be served
///
/// Asks the database, at most once a second.
#[utoipa::path(get, path = "/readyz", operation_id = "getReadiness", tag = "system",
    responses((status = 200, description = "Requests can be served.", body = Health)))]
async fn get_readiness(call: Call) -> Result<HttpResponse, Refusal> {
    call.no_query()?;
    let state = call.state.clone();
    let ask = || async { state.db.read(|conn| Ok(diesel::sql_query("SELECT 1").execute(conn).map(drop)?)).await };
    if state.readiness.is_ready(ask).await {
        return Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Health { status: "ok" }));
    }
    Err(if state.readiness.is_closed() {
        Error::new(Code::Unavailable, "The server is about to stop. Ask another one.").retry_after(2).into()
    } else {
        Error::unavailable("the readiness check failed").into()
    })
}

/// Read the metrics
///
/// What the server counts about itself, in the text format of Prometheus, or in OpenMetrics when `Accept` names that and
/// likes nothing better: how long requests took, where answers to readers came from, connections, memory. For the token
/// that the setting `FRONTPAGE_METRICS_TOKEN` says, besides administrators: how often drafts are saved is nobody else's
/// business.
#[utoipa::path(get, path = "/metrics", operation_id = "getMetrics", tag = "system",
    responses((status = 200, description = "The metrics.",
        content((String = "text/plain"), (String = "application/openmetrics-text")))))]
async fn get_metrics(call: Call) -> Result<HttpResponse, Refusal> {
    call.no_query()?;
    let state = &call.state;
    if !has_metrics_token(&call) {
        call.caller(Operation::ReadMetrics).await?;
    }
    let (read_pool, write_pool) = state.db.pools();
    let readings = Readings {
        read_pool,
        write_pool,
        kept: state.delivery.size(),
        changes_lag: state.delivery.lag(),
        hashes_in_progress: state.auth.hashes_in_progress(),
        replicas: state.db.replica_states(),
        spans: state.traces.counts(),
    };
    let format = format_of(Accept::of(call.headers()));
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.content_type()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(state.metrics.render(&readings, format)?))
}

/// Returns the format of the metrics that a client likes better. Who does not name one has a tool that reads text.
fn format_of(accept: Accept<'_>) -> Format {
    let open = "application/openmetrics-text";
    if accept.names(open) && accept.weight(open) >= accept.weight("text/plain") {
        Format::OpenMetrics
    } else {
        Format::Text
    }
}

/// Returns whether the request brings the token that the settings say.
fn has_metrics_token(call: &Call) -> bool {
    let Some(token) = &call.state.config.http.metrics_token else { return false };
    let sent = call.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    sent.is_some_and(|sent| {
        aws_lc_rs::constant_time::verify_slices_are_equal(sent.as_bytes(), token.expose().as_bytes()).is_ok()
    })
}

/// Read the OpenAPI file
#[utoipa::path(get, path = "/openapi.json", operation_id = "getOpenapi", tag = "system",
    responses((status = 200, description = "This document.", body = Object)))]
async fn get_openapi(call: Call) -> Result<HttpResponse, Refusal> {
    static DOCUMENT: OnceCell<Finished> = OnceCell::const_new();
    call.no_query()?;
    let make = || Live::fixed("application/json", openapi::json()).finish().in_all_codings();
    let made = DOCUMENT.get_or_try_init(|| async { tokio::task::spawn_blocking(make).await.map_err(Error::internal) });
    Ok(made.await?.answer(call.headers(), "public, max-age=300"))
}

/// Read about a kind of problem
///
/// Every error answer names such a page in its `type`.
#[utoipa::path(get, path = "/problems/{code}", operation_id = "getProblem", tag = "system",
    params(("code" = String, Path, description = "The last step of a problem's `type`.", example = "invalid_input")),
    responses((status = 200, description = "What the problem means and what to do about it.", body = String, content_type = "text/html")))]
async fn get_problem(call: Call) -> Result<HttpResponse, Refusal> {
    call.no_query()?;
    let page = problem::page(&call.step("code")?).ok_or_else(Error::not_found)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(page))
}

async fn viewer(call: Call) -> Result<HttpResponse, Refusal> {
    // Swagger UI starts itself with an inline script and style; everything comes from this server.
    const POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; \
                          img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'";
    let config = std::sync::Arc::new(utoipa_swagger_ui::Config::from("/openapi.json"));
    let file = utoipa_swagger_ui::serve(&call.step("file:.*").unwrap_or_default(), config)
        .map_err(|error| Error::internal(error.to_string()))?
        .ok_or_else(Error::not_found)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, file.content_type))
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(file.bytes.into_owned()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn who_does_not_ask_for_open_metrics_gets_the_text_that_all_tools_read() {
        for (accept, format) in [
            ("*/*", Format::Text),
            ("text/plain;version=0.0.4", Format::Text),
            ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3", Format::OpenMetrics),
            ("application/openmetrics-text;q=0.1, text/plain;q=0.9", Format::Text),
            ("application/openmetrics-text;q=0, text/plain", Format::Text),
            ("application/openmetrics-text;q=0.1, */*", Format::Text),
            ("application/openmetrics-text;version=1.0.0,*/*;q=0.1", Format::OpenMetrics),
        ] {
            let mut headers = HeaderMap::new();
            assert_eq!(format_of(Accept::of(&headers)), Format::Text);
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(format_of(Accept::of(&headers)), format, "{accept}");
        }
    }
}
