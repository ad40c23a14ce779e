//! Before the application: what is kept is answered at once, without routing or a handler.
//!
//! Only plain reads without a token are answered here; whatever is special about a request leaves it to the application,
//! which answers the same bytes from the same place.

use std::{
    future::{Ready, ready},
    time::Instant,
};

use actix_http::{HttpMessage, Request, Response};
use actix_service::IntoServiceFactory;
use actix_web::{
    body::BoxBody,
    dev::{AppConfig, Service, ServiceFactory},
    http::{Method, StatusCode, header},
};
use futures_util::future::{Either, LocalBoxFuture, MapOk, TryFutureExt};

use super::{Freshness, finished::Body};
use crate::{
    http::{address, cors, envelope, request_id, spans},
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

type Passed<S> = MapOk<<S as Service<Request>>::Future, fn(<S as Service<Request>>::Response) -> Response<BoxBody>>;

impl<S> Service<Request> for Front<S>
where
    S: Service<Request>,
    S::Response: Into<Response<BoxBody>>,
{
    type Response = Response<BoxBody>;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response<BoxBody>, S::Error>>, Passed<S>>;

    actix_web::dev::forward_ready!(app);

    fn call(&self, request: Request) -> Self::Future {
        match kept(&self.state, &request) {
            Some(response) => Either::Left(ready(Ok(response))),
            None => Either::Right(self.app.call(request).map_ok(Into::into)),
        }
    }
}

/// Returns the answer to a plain read of what is kept.
fn kept(state: &State, request: &Request) -> Option<Response<BoxBody>> {
    let started = Instant::now();
    let (path, asked) = (request.path(), request.headers());
    let is_plain = (request.method() == Method::GET || request.method() == Method::HEAD)
        && envelope::is_content(path)
        && !asked.contains_key(header::AUTHORIZATION)
        && !state.config.log.requests
        && !state.readiness.is_closed();
    if !is_plain {
        return None;
    }
    let delivery = &state.delivery;
    let freshness = delivery.freshness(started);
    let cache = delivery.cache.as_ref().filter(|_| freshness != Freshness::Gone)?;
    let finished = cache.get(&address::spelling(path, request.uri().query().unwrap_or_default()))?;
    envelope::check_accept(path, asked).ok()?;
    let mut response = Response::with_body(StatusCode::OK, BoxBody::new(()));
    let body = delivery.fill(&finished, freshness, asked, response.headers_mut())?;
    let id = request_id::of(asked);
    envelope::add_headers(response.headers_mut(), &id);
    cors::add_headers(response.headers_mut(), &cors::grant(asked, &state.config.http.cors_origins));
    delivery.tally.kept(finished.class.index());
    let response = match body {
        Body::Bytes(bytes) => response.set_body(BoxBody::new(bytes)),
        Body::Known => {
            response.head_mut().status = StatusCode::NOT_MODIFIED;
            response
        }
    };
    if let Some(meter) = &finished.meter {
        meter.observe(response.status().as_u16(), started.elapsed());
    }
    if let Some(span) = spans::begin(&state.traces, request.head(), &id, started) {
        let route = finished.meter.as_ref().and_then(|meter| meter.operation().split_once(' '));
        spans::end(span, request.method(), route.map(|(_, route)| route), response.status().as_u16());
    }
    Some(response)
}
