//! Registers each address once with all its methods, so that a wrong method is a 405 with `Allow` and never a 404.

/// Declares the endpoints of a module: `register` for the application, `document` for the OpenAPI file, `TABLE` for tests.
///
/// One list serves all three, so that a route cannot be in one and not in the other.
macro_rules! endpoints {
    ($($path:literal { $($method:ident $handler:ident),+ $(,)? })+) => {
        /// Adds the module's routes to the application.
        pub fn register(config: &mut actix_web::web::ServiceConfig) {
            $(
                let resource = actix_web::web::resource($path);
                $(let resource = $crate::http::routing::add_route!(resource, $method, $handler);)+
                config.service(resource.default_service(actix_web::web::to(|| async {
                    const ALLOW: &str = $crate::http::routing::allowed!($($method),+);
                    Err::<actix_web::HttpResponse, _>($crate::http::problem::Refusal(
                        $crate::error::Error::new(
                            $crate::error::Code::MethodNotAllowed,
                            concat!("Allowed here: ", $crate::http::routing::allowed!($($method),+), "."),
                        )
                        .allow(ALLOW),
                    ))
                })));
            )+
        }

        /// Returns what the module's handlers say about themselves.
        pub fn document() -> utoipa::openapi::OpenApi {
            #[derive(utoipa::OpenApi)]
            #[openapi(paths($($($handler),+),+))]
            struct Document;
            <Document as utoipa::OpenApi>::openapi()
        }

        /// The module's routes as (path, method), for tests.
        pub const TABLE: &[(&str, &str)] = &[$($(($path, stringify!($method))),+),+];
    };
}
pub(crate) use endpoints;

macro_rules! add_route {
    ($resource:ident, get, $handler:ident) => {
        $resource.route(actix_web::web::get().to($handler)).route(actix_web::web::head().to($handler))
    };
    ($resource:ident, $method:ident, $handler:ident) => {
        $resource.route(actix_web::web::$method().to($handler))
    };
}
pub(crate) use add_route;

macro_rules! allowed {
    ($($method:ident),+) => { $crate::http::routing::allowed!(@ "" ; $($method),+) };
    (@ $sep:literal ; get) => { concat!($sep, "GET, HEAD") };
    (@ $sep:literal ; get, $($rest:ident),+) => {
        concat!($sep, "GET, HEAD", $crate::http::routing::allowed!(@ ", " ; $($rest),+))
    };
    (@ $sep:literal ; post) => { concat!($sep, "POST") };
    (@ $sep:literal ; post, $($rest:ident),+) => {
        concat!($sep, "POST", $crate::http::routing::allowed!(@ ", " ; $($rest),+))
    };
    (@ $sep:literal ; put) => { concat!($sep, "PUT") };
    (@ $sep:literal ; put, $($rest:ident),+) => {
        concat!($sep, "PUT", $crate::http::routing::allowed!(@ ", " ; $($rest),+))
    };
    (@ $sep:literal ; patch) => { concat!($sep, "PATCH") };
    (@ $sep:literal ; patch, $($rest:ident),+) => {
        concat!($sep, "PATCH", $crate::http::routing::allowed!(@ ", " ; $($rest),+))
    };
    (@ $sep:literal ; delete) => { concat!($sep, "DELETE") };
    (@ $sep:literal ; delete, $($rest:ident),+) => {
        concat!($sep, "DELETE", $crate::http::routing::allowed!(@ ", " ; $($rest),+))
    };
}
pub(crate) use allowed;
