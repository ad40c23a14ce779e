//! From state to the application: every route and the middleware, nothing else.

use actix_web::web;

use crate::{
    api_keys, articles, audit, auth, feeds, http, newswire, sections, staff, state::State, tags, users, webhooks,
};

/// Adds everything to an application.
pub fn configure(config: &mut web::ServiceConfig, state: State) {
    config.app_data(state);
    http::system::register(config);
    http::system::register_viewer(config);
    articles::routes::register(config);
    articles::verbs::register(config);
    articles::history::routes::register(config);
    articles::desk::routes::register(config);
    articles::leases::routes::register(config);
    articles::previews::routes::register(config);
    sections::routes::register(config);
    staff::routes::register(config);
    tags::routes::register(config);
    feeds::routes::register(config);
    newswire::routes::register(config);
    webhooks::routes::register(config);
    auth::routes::register(config);
    users::routes::register(config);
    audit::routes::register(config);
    api_keys::routes::register(config);
    config.default_service(web::to(http::problem::nothing_here));
}

/// What the modules' handlers say about themselves, for the OpenAPI file.
pub fn documents() -> Vec<utoipa::openapi::OpenApi> {
    vec![
        articles::routes::document(),
        articles::verbs::document(),
        articles::history::routes::document(),
        articles::desk::routes::document(),
        articles::leases::routes::document(),
        articles::previews::routes::document(),
        sections::routes::document(),
        staff::routes::document(),
        tags::routes::document(),
        feeds::routes::document(),
        newswire::routes::document(),
        webhooks::routes::document(),
        auth::routes::document(),
        users::routes::document(),
        audit::routes::document(),
        api_keys::routes::document(),
        http::system::document(),
    ]
}

/// All routes as (path, method), for tests.
pub fn routes() -> Vec<(&'static str, &'static str)> {
    [
        articles::routes::TABLE,
        articles::verbs::TABLE,
        articles::history::routes::TABLE,
        articles::desk::routes::TABLE,
        articles::leases::routes::TABLE,
        articles::previews::routes::TABLE,
        sections::routes::TABLE,
        staff::routes::TABLE,
        tags::routes::TABLE,
        feeds::routes::TABLE,
        newswire::routes::TABLE,
        webhooks::routes::TABLE,
        auth::routes::TABLE,
        users::routes::TABLE,
        audit::routes::TABLE,
        api_keys::routes::TABLE,
        http::system::TABLE,
    ]
    .concat()
}

/// The middleware around all of it.
pub use http::envelope::around;

/// Builds the application; a macro's worth of types stays here.
#[macro_export]
macro_rules! application {
    ($state:expr) => {{
        let state: $crate::state::State = $state;
        actix_web::App::new()
            .configure(move |config| $crate::app::configure(config, state))
            .wrap(actix_web::middleware::from_fn($crate::app::around))
    }};
}
