//! Before the application: what is kept is answered at once, without routing or a handler; and so is what would be refused
//! because too many wait for the database, so that a crowd of those takes little time from who is served.
//!
//! Only plain reads without a token are answered here; whatever is special about a request leaves it to the application,
//! which answers the same bytes from the same place. What all requests need below the application is begun here, too.

use std::{
    future::{Ready, ready},
    time::Instant,
};

use actix_http::{HttpMessage, Request, Response};
use actix_service::IntoServiceFactory;
use actix_web::{
    body::BoxBody,
    dev::{AppConfig, RequestHead, Service, ServiceFactory},
    http::{Method, StatusCode, header},
};
use futures_util::future::{Either, FutureExt, LocalBoxFuture, MapOk, TryFutureExt};

use super::{Freshness, finished::Body};
use crate::{
    db,
    http::{address, cors, envelope, path, problem, request_id, spans, unread::Rest},
    metrics::Meter,
    state::State,
};

/// What stands before an application, as its factory.
pub struct FrontFactory<F> {
    app: F,
    state: State,
}

/// What stands before an application.
pub struct Front<S> {
    app: S,
    state: State,
}

impl<F> FrontFactory<F> {
    /// Puts it before an application.
    pub fn new(app: impl IntoServiceFactory<F, Request>, state: State) -> Self
    where
        F: ServiceFactory<Request>,
    {
        Self { app: app.into_factory(), state }
    }
}

impl<F> ServiceFactory<Request> for FrontFactory<F>
where
    F: ServiceFactory<Request, Config = AppConfig>,
    F::Future: 'static,
    F::Response: Into<Response<BoxBody>>,
    F::Error: 'static,
    <F::Service as Service<Request>>::Future: 'static,
{
    type Response = Response<BoxBody>;
    type Error = F::Error;
    type Config = AppConfig;
    type Service = Front<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, config: AppConfig) -> Self::Future {
        let (app, state) = (self.app.new_service(config), self.state.clone());
        Box::pin(async move { Ok(Front { app: app.await?, state }) })
    }
}

type Boxed<E> = LocalBoxFuture<'static, Result<Response<BoxBody>, E>>;

type Passed<S> = MapOk<<S as Service<Request>>::Future, fn(<S as Service<Request>>::Response) -> Response<BoxBody>>;

impl<S> Service<Request> for Front<S>
where
    S: Service<Request>,
    S::Response: Into<Response<BoxBody>>,
    S::Error: 'static,
    S::Future: 'static,
{
    type Response = Response<BoxBody>;
    type Error = S::Error;
    type Future = Either<Either<Ready<Result<Response<BoxBody>, S::Error>>, Boxed<S::Error>>, Passed<S>>;

    actix_web::dev::forward_ready!(app);

    fn call(&self, request: Request) -> Self::Future {
        let started = Instant::now();
        // A body without a length must not outlive its answer, whoever gives that.
        if request.headers().contains_key(header::TRANSFER_ENCODING) {
            let (request, rest) = Rest::of(request);
            let answered = self.app.call(request).map_ok(|response| rest.until_sent(response.into()));
            return Either::Left(Either::Right(Box::pin(answered)));
        }
        if !is_plain(&self.state, &request) {
            return Either::Right(self.app.call(request).map_ok(Into::into));
        }
        match kept(&self.state, &request, started) {
            Kept::Answer(response) => return Either::Left(Either::Left(ready(Ok(response)))),
            Kept::Otherwise => {}
            Kept::No => {
                if is_put_off(&self.state, &request) {
                    let response = put_off(self.state.clone(), request, started);
                    return Either::Left(Either::Right(Box::pin(response.map(Ok))));
                }
            }
        }
        Either::Right(self.app.call(request).map_ok(Into::into))
    }
}

/// What is kept for a request.
enum Kept {
    /// The answer.
    Answer(Response<BoxBody>),
    /// Something that has to be made ready for this request first, or will be there in a moment.
    Otherwise,
    /// Nothing.
    No,
}

/// Returns whether a request is a read of content, with nothing about it that the application should see.
fn is_plain(state: &State, request: &Request) -> bool {
    (request.method() == Method::GET || request.method() == Method::HEAD)
        && envelope::is_content(request.path())
        && !request.headers().contains_key(header::AUTHORIZATION)
        && path::check_host(request.headers()).is_ok()
        && !state.config.log.requests
        && !state.readiness.is_closed()
}

/// Looks for the answer to a plain read among those that are kept.
fn kept(state: &State, request: &Request, started: Instant) -> Kept {
    let (path, asked) = (request.path(), request.headers());
    let delivery = &state.delivery;
    let freshness = delivery.freshness(started);
    let Some(cache) = delivery.cache.as_ref().filter(|_| freshness != Freshness::Gone) else { return Kept::No };
    let spelling = address::spelling(path, request.uri().query().unwrap_or_default());
    let Some(finished) = cache.get(&spelling) else {
        // Who comes while it is being made gets it, too, and waits for nothing else.
        return if state.db.is_overrun() && cache.is_being_made(&spelling) { Kept::Otherwise } else { Kept::No };
    };
    if envelope::check_accept(path, asked).is_err() {
        return Kept::Otherwise;
    }
    let mut response = Response::with_body(StatusCode::OK, BoxBody::new(()));
    let Some(body) = delivery.fill(&finished, freshness, asked, response.headers_mut()) else { return Kept::Otherwise };
    let mut response = match body {
        Body::Bytes(bytes) => response.set_body(BoxBody::new(bytes)),
        Body::Known => {
            response.head_mut().status = StatusCode::NOT_MODIFIED;
            response
        }
        Body::Unmeant => return Kept::Otherwise,
    };
    delivery.tally.kept(finished.class.index());
    complete(&mut response, state, request.head(), &request_id::of(asked), (started, finished.meter.as_deref()));
    Kept::Answer(response)
}

/// Returns whether a plain read of what is not kept would have to wait for the database when too many do. Its parameters are
/// not looked at.
fn is_put_off(state: &State, request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    state.db.is_overrun()
        && is_for_everybody(request.path())
        && !query.contains("view=")
        && state.config.delivery.anonymous_readers.is_some()
        && path::check(request.uri()).is_ok()
        && envelope::check_accept(request.path(), request.headers()).is_ok()
}

/// Returns whether what is at an address is for everybody, and read from the database.
fn is_for_everybody(path: &str) -> bool {
    if path.starts_with("/feeds/") || path.starts_with("/sitemaps/") {
        return true;
    }
    let Some(path) = path.strip_prefix("/v1/") else { return false };
    let path = path.strip_prefix("ninjs/").unwrap_or(path);
    let (collection, one) = path.split_once('/').unwrap_or((path, ""));
    ["articles", "sections", "staff", "tags"].contains(&collection) && !one.contains('/')
}

/// Answers a plain read that is put off.
async fn put_off(state: State, request: Request, started: Instant) -> Response<BoxBody> {
    let id = request_id::of(request.headers());
    let meter = state.metrics.meter_of_read(request.path());
    let mut response: Response<BoxBody> = problem::answer(&db::refuse().await, &id).into();
    complete(&mut response, &state, request.head(), &id, (started, Some(&meter)));
    response
}

/// Adds the headers that every answer has, and counts it.
fn complete(
    response: &mut Response<BoxBody>,
    state: &State,
    head: &RequestHead,
    id: &str,
    (started, meter): (Instant, Option<&Meter>),
) {
    envelope::add_headers(response.headers_mut(), id);
    cors::add_headers(response.headers_mut(), &cors::grant(&head.headers, &state.config.http.cors_origins));
    let status = response.status().as_u16();
    if let Some(meter) = meter {
        meter.observe(status, started.elapsed());
    }
    if let Some(span) = spans::begin(&state.traces, head, id, started) {
        let route = meter.and_then(|meter| meter.operation().split_once(' '));
        spans::end(span, &head.method, route.map(|(_, route)| route), status);
    }
}
