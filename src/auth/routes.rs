//! The endpoints of logins: tokens, the own account, passwords, sessions, public keys.

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderValue},
};
use deserr::Deserr;
use utoipa::IntoParams;

use super::{
    credentials::{self, Client},
    model::{
        KeySet, LoginInput, PasswordChangeInput, PasswordResetInput, RefreshInput, Session, SessionPage, TokenType,
        Tokens,
    },
    rights::Operation,
    session::{self, Issued},
    source::Source,
};
use crate::{
    error::Result,
    http::{
        call::Call,
        idempotency,
        page::{self, Cursor, Limit},
        problem::Refusal,
        reply::Reply,
        routing::endpoints,
        view::NoInput,
    },
    ids::{SessionId, UserId},
    input::Faults,
    resources::Shown,
    state::State,
    users::{self, model::User},
};

endpoints! {
    "/v1/auth/token" { post create_token }
    "/v1/auth/refresh" { post refresh_token }
    "/v1/auth/logout" { post logout }
    "/v1/auth/me" { get get_me }
    "/v1/auth/password" { put change_password }
    "/v1/auth/password-reset" { post reset_password }
    "/v1/auth/sessions" { get list_sessions, delete delete_sessions }
    "/v1/auth/sessions/{session}" { delete delete_session }
    "/.well-known/jwks.json" { get get_jwks }
}

/// Log in
///
/// Gives an access token for 15 minutes and a refresh token to get the next ones with. A wrong password, an unknown
/// address and an account that may not log in are one answer. Wrong passwords are counted per source and per account;
/// too many are `429`. An `Idempotency-Key` has no effect: a login that is repeated begins another session.
#[utoipa::path(post, path = "/v1/auth/token", operation_id = "createToken", tag = "auth", request_body = LoginInput,
    responses((status = 200, description = "The tokens of a new session.", body = Tokens)))]
async fn create_token(mut call: Call) -> Result<HttpResponse, Refusal> {
    call.no_query()?;
    without_replay(&call)?;
    let input: LoginInput = call.body().await?;
    let client = Client { source: source(&call), user_agent: user_agent(&call) };
    let issued = credentials::log_in(&call.state, &input.email, &input.password, client).await?;
    Ok(tokens(&call.state, issued)?.into_response())
}

/// Refresh the tokens
///
/// A refresh token is used once; the answer has the next. One that comes back more than a few seconds after it was used
/// was copied: then the whole session ends. An `Idempotency-Key` has no effect.
#[utoipa::path(post, path = "/v1/auth/refresh", operation_id = "refreshToken", tag = "auth", request_body = RefreshInput,
    responses((status = 200, description = "The next tokens of the session.", body = Tokens)))]
async fn refresh_token(mut call: Call) -> Result<HttpResponse, Refusal> {
    call.no_query()?;
    without_replay(&call)?;
    let input: RefreshInput = call.body().await?;
    let issued = credentials::refresh(&call.state, &input.refresh_token).await?;
    Ok(tokens(&call.state, issued)?.into_response())
}

/// Log out
///
/// Ends the session of the access token: neither its access tokens nor its refresh tokens are in force any more, on all
/// servers. An `Idempotency-Key` has no effect.
#[utoipa::path(post, path = "/v1/auth/logout", operation_id = "logout", tag = "auth", request_body = NoInput,
    responses((status = 204, description = "The session has ended.")))]
async fn logout(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::Logout).await?;
    call.no_query()?;
    without_replay(&call)?;
    call.no_input().await?;
    let (user, own) = (caller.user_id, caller.session()?);
    session::write(&call.state.db, move |tx| session::log_out(tx, user, own)).await?;
    Ok(Reply::no_content().into_response())
}

/// Read the own account
#[utoipa::path(get, path = "/v1/auth/me", operation_id = "getMe", tag = "auth",
    responses((status = 200, description = "The user account that the token is for.", body = User)))]
async fn get_me(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::ReadOwnAccount).await?;
    call.no_query()?;
    let user = caller.user_id;
    Ok(call
        .read_working(move |conn| {
            let row = users::store::find(conn, user)?;
            Reply::json(200, &users::store::view_of(conn, row, Shown::Working)?)
        })
        .await?)
}

/// Change the own password
///
/// Ends all other sessions of the account. The new password has 15 to 256 characters of any kind and must not be easy to
/// guess. Wrong present passwords count like those at a login.
#[utoipa::path(put, path = "/v1/auth/password", operation_id = "changePassword", tag = "auth",
    request_body = PasswordChangeInput,
    responses((status = 204, description = "The password is changed; the other sessions have ended.")))]
async fn change_password(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::ChangeOwnPassword).await?;
    call.no_query()?;
    without_replay(&call)?;
    let input: PasswordChangeInput = call.body().await?;
    let source = source(&call);
    credentials::change_password(&call.state, &caller, &input.current_password, input.new_password, source).await?;
    Ok(Reply::no_content().into_response())
}

/// Set a new password with a reset token
///
/// The token is from an administrator, is used once, and is in force for 60 minutes. All sessions of the account end.
/// An `Idempotency-Key` has no effect.
#[utoipa::path(post, path = "/v1/auth/password-reset", operation_id = "resetPassword", tag = "auth",
    request_body = PasswordResetInput,
    responses((status = 204, description = "The password is set; all sessions of the account have ended.")))]
async fn reset_password(mut call: Call) -> Result<HttpResponse, Refusal> {
    call.no_query()?;
    without_replay(&call)?;
    let input: PasswordResetInput = call.body().await?;
    credentials::reset_password(&call.state, &input.token, input.new_password, source(&call)).await?;
    Ok(Reply::no_content().into_response())
}

/// Which sessions to list.
#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SessionListParams {
    /// How many to list, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    limit: Limit,
    /// `page.next` or `page.prev` of another page of the same list.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
}

/// List the own sessions
///
/// Those that have not ended, the latest login first.
#[utoipa::path(get, path = "/v1/auth/sessions", operation_id = "listSessions", tag = "auth", params(SessionListParams),
    responses((status = 200, description = "A page of sessions.", body = SessionPage)))]
async fn list_sessions(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::ListOwnSessions).await?;
    let params: SessionListParams = call.query()?;
    let binding = format!("sessions|{}", caller.user_id);
    let cursor = params.cursor.as_deref().map(|text| Cursor::open(text, &call.state.key, &binding)).transpose()?;
    let (state, address, own) = (call.state.clone(), call.address(), caller.session()?);
    Ok(call
        .read_working(move |conn| {
            let rows = session::page(conn, caller.user_id, params.limit, cursor.as_ref())?;
            let slice = page::slice(rows, params.limit, cursor.as_ref());
            let info = slice.info(params.limit, &state.key, &binding, session::SessionRow::sort_keys);
            let links = page::links(&address, &info);
            let data = slice.rows.into_iter().map(|row| Session::of(row, own)).collect();
            Ok(Reply::json(200, &SessionPage { data, page: info })?.links(links))
        })
        .await?)
}

/// End all own sessions
///
/// The one that asks included: logs out everywhere.
#[utoipa::path(delete, path = "/v1/auth/sessions", operation_id = "deleteSessions", tag = "auth",
    responses((status = 204, description = "All sessions of the account have ended.")))]
async fn delete_sessions(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::EndOwnSessions).await?;
    call.no_query()?;
    without_replay(&call)?;
    session::write(&call.state.db, move |tx| session::end_all(tx, caller.user_id)).await?;
    Ok(Reply::no_content().into_response())
}

/// End one of the own sessions
#[utoipa::path(delete, path = "/v1/auth/sessions/{session}", operation_id = "deleteSession", tag = "auth",
    params(("session" = String, Path, description = "The session's id.", format = "uuid")),
    responses((status = 204, description = "The session has ended.")))]
async fn delete_session(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::EndOwnSession).await?;
    call.no_query()?;
    without_replay(&call)?;
    let ended: SessionId = call.id("session")?;
    session::write(&call.state.db, move |tx| session::end_one(tx, caller.user_id, ended)).await?;
    Ok(Reply::no_content().into_response())
}

/// Read the public keys
///
/// As a JSON Web Key Set, for whoever wants to verify access tokens without asking this server. The key of a token is
/// the one whose `kid` its header names; keys come and go, so read the set again when one is not in it.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "getKeySet", tag = "auth",
    responses((status = 200, description = "The keys.", body = KeySet)))]
async fn get_jwks(call: Call) -> Result<HttpResponse, Refusal> {
    call.no_query()?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")))
        .body(call.state.auth.jwks().to_string()))
}

/// The answer with the tokens of a session; like all that is no live view it is kept by no cache.
fn tokens(state: &State, issued: Issued) -> Result<Reply> {
    let access_token = state.auth.access_token(issued.user_id, issued.session_id)?;
    let tokens = Tokens {
        access_token,
        token_type: TokenType::Bearer,
        expires_in: state.auth.access_token_seconds(),
        refresh_token: issued.refresh_token,
    };
    Reply::json(200, &tokens)
}

/// Checks an `Idempotency-Key` for its form only: an answer with tokens is never kept, and none of these does harm twice.
fn without_replay(call: &Call) -> Result<()> {
    const NOBODY: UserId = UserId::from_uuid(uuid::Uuid::nil());
    idempotency::Request::of(call.request(), NOBODY, "").map(drop)
}

fn source(call: &Call) -> Source {
    Source::of(call.request(), &call.state.config.http.trusted_proxies)
}

fn user_agent(call: &Call) -> Option<String> {
    call.headers().get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
