//! Where clients are answered while the database is waited for: the process is alive, and not ready.
//!
//! A server that is started before its database, as after a power cut, must neither give up nor be taken for dead.

use std::{net::TcpListener, time::Duration};

use actix_http::{HttpMessage, HttpService, Request, Response};
use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::{Server, ServerHandle},
    http::{ConnectionType, header},
};

use crate::{
    db::Location,
    error::{Code, Error, Result},
    http::{envelope, problem, request_id},
};

/// How often it is tried to reach the database.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// After so many tries it is said again that the database is waited for.
const SAY_EVERY: u32 = 30;

/// Does what needs the database, as soon as it can be reached; answers clients meanwhile.
///
/// # Errors
/// Those of the work, when waiting does not help.
pub async fn wait_for<T, F>(listener: &TcpListener, location: &Location, mut work: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut anteroom = None;
    let mut n_tries: u32 = 0;
    let done = loop {
        match work().await {
            Err(error) if is_out_of_reach(location, &error) => {
                if n_tries.is_multiple_of(SAY_EVERY) {
                    let cause = error.cause().unwrap_or_default().trim();
                    tracing::warn!(cause, "{} cannot be reached; it is waited for", location.redacted());
                }
                n_tries += 1;
                if anteroom.is_none() {
                    anteroom = Some(open(listener)?);
                }
                tokio::time::sleep(TRY_EVERY).await;
            }
            done => break done,
        }
    };
    if let Some(anteroom) = anteroom {
        anteroom.stop(true).await;
    }
    done
}

/// Returns whether nobody answered where the database should be, or it is still starting. A password that is wrong, or a
/// database that does not exist, does not come right by itself.
fn is_out_of_reach(location: &Location, error: &Error) -> bool {
    const PASSES: [&str; 3] = ["the database system is", "too many clients", "remaining connection slots"];
    let cause = error.cause().filter(|_| error.code() == Code::Unavailable && !location.is_sqlite());
    cause.is_some_and(|cause| !cause.contains("FATAL") || PASSES.iter().any(|text| cause.contains(text)))
}

/// Begins to answer.
fn open(listener: &TcpListener) -> Result<ServerHandle> {
    let listener = listener.try_clone().map_err(Error::internal)?;
    let service = || {
        HttpService::build()
            .client_request_timeout(Duration::from_secs(5))
            .finish(|request: Request| async move { Ok::<_, std::convert::Infallible>(answer(&request)) })
            .tcp()
    };
    let builder = Server::build().workers(1).shutdown_timeout(1).disable_signals();
    let server = builder.listen("anteroom", listener, service).map_err(Error::internal)?.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

fn answer(request: &Request) -> Response<BoxBody> {
    let id = request_id::of(request.headers());
    let mut answer = if request.path() == "/healthz" {
        HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(serde_json::json!({ "status": "ok" }))
    } else {
        problem::answer(&Error::unavailable("the server waits for its database"), &id)
    };
    envelope::add_headers(answer.headers_mut(), &id);
    // What comes next on the connection is for the server that follows.
    answer.head_mut().set_connection_type(ConnectionType::Close);
    answer.into()
}
