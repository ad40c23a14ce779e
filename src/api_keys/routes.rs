//! The endpoints of API keys, for administrators, and of how news has spread among them.

use actix_web::HttpResponse;
use deserr::Deserr;
use utoipa::IntoParams;

use super::{
    model::{ApiKey, ApiKeyInput, ApiKeyPage, ApiKeyUsageReport, RotateInput},
    propagation::{self, Propagation},
    store::{self, ApiKeyRow},
    usage,
};
use crate::{
    auth::{identity::Caller, rights::Operation, secret::ApiKeySecret},
    clock::Instant,
    db::Conn,
    error::{Error, Result},
    http::{
        call::Call,
        page::{self, Cursor, Limit},
        problem::Refusal,
        query::{Flag, Moment},
        reply::Reply,
        routing::endpoints,
    },
    ids::ApiKeyId,
    input::Faults,
    state::State,
};

endpoints! {
    "/v1/api-keys" { get list_api_keys, post create_api_key }
    "/v1/api-keys/{key}" { get get_api_key, patch update_api_key, delete delete_api_key }
    "/v1/api-keys/{key}/rotate" { post rotate_api_key }
    "/v1/api-keys/{key}/usage" { get get_api_key_usage }
    "/v1/articles/{article}/propagation" { get get_propagation }
}

/// Which keys to list.
#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ApiKeyListParams {
    /// `true` lists those that were revoked.
    #[deserr(default)]
    #[param(value_type = bool, required = false)]
    revoked: Option<Flag>,
    /// How many to list, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    limit: Limit,
    /// `page.next` or `page.prev` of another page of the same list.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
}

impl ApiKeyListParams {
    fn read(&self, conn: &mut Conn, state: &State) -> Result<ApiKeyPage> {
        let are_revoked = self.revoked == Some(Flag(true));
        let binding = format!("api-keys|{are_revoked}");
        let cursor = self.cursor.as_deref().map(|text| Cursor::open(text, &state.key, &binding)).transpose()?;
        let rows = store::page(conn, are_revoked, self.limit, cursor.as_ref())?;
        let slice = page::slice(rows, self.limit, cursor.as_ref());
        let info = slice.info(self.limit, &state.key, &binding, |row| vec![row.id.to_string()]);
        Ok(ApiKeyPage { data: store::views(conn, slice.rows)?, page: info })
    }
}

/// List API keys
///
/// In the order in which they were created.
#[utoipa::path(get, path = "/v1/api-keys", operation_id = "listApiKeys", tag = "api-keys", params(ApiKeyListParams),
    responses((status = 200, description = "A page of keys.", body = ApiKeyPage)))]
async fn list_api_keys(call: Call) -> Result<HttpResponse, Refusal> {
    call.caller(Operation::ListApiKeys).await?;
    let params: ApiKeyListParams = call.query()?;
    let (state, address) = (call.state.clone(), call.address());
    Ok(call
        .read_working(move |conn| {
            let page = params.read(conn, &state)?;
            Ok(Reply::json(200, &page)?.links(page::links(&address, &page.page)))
        })
        .await?)
}

/// Create an API key
///
/// For a partner, or for a tool that posts drafts. The answer's `key` opens it and is shown only here: send it as
/// `Authorization: Bearer fpk_…`, or as the password of basic authentication. An `Idempotency-Key` has no effect, since
/// the answer is not kept.
#[utoipa::path(post, path = "/v1/api-keys", operation_id = "createApiKey", tag = "api-keys", request_body = ApiKeyInput,
    responses((status = 201, description = "The new key, with what opens it.", body = ApiKey)))]
async fn create_api_key(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::CreateApiKey).await?;
    call.no_query()?;
    let input: ApiKeyInput = call.body().await?;
    let secret = ApiKeySecret::generate().map_err(Error::internal)?;
    let by = caller.clone();
    Ok(call
        .write_secret(&caller, move |tx| {
            let row = store::create(tx, &by, &input, &secret)?;
            let location = format!("/v1/api-keys/{}", row.id);
            Ok(reply(tx.conn()?, row, 201, Some(secret.reveal()))?.header("location", location))
        })
        .await?)
}

/// Read an API key
#[utoipa::path(get, path = "/v1/api-keys/{key}", operation_id = "getApiKey", tag = "api-keys",
    params(("key" = String, Path, description = "The key's id.", format = "uuid")),
    responses((status = 200, description = "The key.", body = ApiKey)))]
async fn get_api_key(call: Call) -> Result<HttpResponse, Refusal> {
    let (_, id) = authorized(&call, Operation::ReadApiKey).await?;
    Ok(call
        .read_working(move |conn| {
            let row = store::find(conn, id)?;
            reply(conn, row, 200, None)
        })
        .await?)
}

/// Change an API key
///
/// A merge patch: members that are absent stay as they are, `null` removes. It is in force on every server within five
/// seconds.
#[utoipa::path(patch, path = "/v1/api-keys/{key}", operation_id = "updateApiKey", tag = "api-keys",
    params(("key" = String, Path, description = "The key's id.", format = "uuid")), request_body = ApiKeyInput,
    responses((status = 200, description = "The key as it is now.", body = ApiKey)))]
async fn update_api_key(mut call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::UpdateApiKey).await?;
    let basis = call.basis()?;
    let patch = call.patch().await?;
    let by = caller.clone();
    let answer = call
        .write(&caller, move |tx| {
            let row = store::update(tx, &by, id, &basis, &patch)?;
            reply(tx.conn()?, row, 200, None)
        })
        .await?;
    call.state.api_keys.forget();
    Ok(answer)
}

/// Revoke an API key
///
/// For ever, on every server within five seconds. What is known of it stays.
#[utoipa::path(delete, path = "/v1/api-keys/{key}", operation_id = "deleteApiKey", tag = "api-keys",
    params(("key" = String, Path, description = "The key's id.", format = "uuid")),
    responses((status = 204, description = "The key is revoked.")))]
async fn delete_api_key(call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::RevokeApiKey).await?;
    let (basis, by) = (call.basis()?, caller.clone());
    let answer = call
        .write(&caller, move |tx| {
            let row = store::revoke(tx, &by, id, &basis)?;
            Ok(Reply::no_content().revision(row.revision))
        })
        .await?;
    call.state.api_keys.forget();
    Ok(answer)
}

/// Rotate an API key
///
/// Gives something new that opens it, shown only here. What opened it last goes on to do so for `overlap_hours`, a day
/// unless it is said, so that nobody has to hurry; anything older ends at once. An `Idempotency-Key` has no effect, since
/// the answer is not kept.
#[utoipa::path(post, path = "/v1/api-keys/{key}/rotate", operation_id = "rotateApiKey", tag = "api-keys",
    params(("key" = String, Path, description = "The key's id.", format = "uuid")), request_body = RotateInput,
    responses((status = 200, description = "The key, with what opens it from now on.", body = ApiKey)),
    extensions(("x-has-revisions" = json!(false))))]
async fn rotate_api_key(mut call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::RotateApiKey).await?;
    let input: RotateInput = call.body_or_default().await?;
    let overlap_hours = input.overlap_hours.unwrap_or(24);
    if overlap_hours > 720 {
        return Err(Error::invalid("/overlap_hours", "out_of_range", "must be from 0 to 720").into());
    }
    let secret = ApiKeySecret::generate().map_err(Error::internal)?;
    let answer = call
        .write_secret(&caller, move |tx| {
            let row = store::rotate(tx, id, &secret, overlap_hours)?;
            Reply::json(200, &view(tx.conn()?, row, Some(secret.reveal()))?)
        })
        .await?;
    call.state.api_keys.forget();
    Ok(answer)
}

/// Which days to report on.
#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UsageParams {
    /// The day of this moment and later ones; the last 31 days unless it is said.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false, example = "2026-11-01T00:00:00Z")]
    from: Option<Moment>,
    /// Days before this moment; up to now unless it is said. At most 100 days after `from`.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    until: Option<Moment>,
}

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Read how an API key was used
///
/// How many requests came for each route on each day, in UTC; it takes a second or two until a request is counted here.
/// Kept for 400 days.
#[utoipa::path(get, path = "/v1/api-keys/{key}/usage", operation_id = "getApiKeyUsage", tag = "api-keys",
    params(("key" = String, Path, description = "The key's id.", format = "uuid"), UsageParams),
    responses((status = 200, description = "A row for each day and route.", body = ApiKeyUsageReport)),
    extensions(("x-has-revisions" = json!(false))))]
async fn get_api_key_usage(call: Call) -> Result<HttpResponse, Refusal> {
    call.caller(Operation::ReadApiKeyUsage).await?;
    let params: UsageParams = call.query()?;
    let id: ApiKeyId = call.id("key")?;
    let until = params.until.map_or_else(|| Instant::now().plus_seconds(DAY_SECONDS), |moment| moment.0);
    let from = params.from.map_or_else(|| until.plus_seconds(-32 * DAY_SECONDS), |moment| moment.0);
    if until.seconds() - from.seconds() > 101 * DAY_SECONDS {
        let fault = crate::error::Fault::new("/from", "too_many", "at most 100 days are reported at once");
        return Err(Error::faults(crate::error::Code::InvalidParameter, vec![fault]).into());
    }
    let from = Instant::from_millis(from.seconds().div_euclid(DAY_SECONDS) * DAY_SECONDS * 1000).unwrap_or(from);
    Ok(call
        .read_working(move |conn| {
            store::find(conn, id)?;
            Reply::json(200, &ApiKeyUsageReport { data: usage::report(conn, id, from, until)? })
        })
        .await?)
}

/// Read how the news of an article has spread
///
/// Which API keys got the article before it was last corrected, or before it was withdrawn or killed, and have not got
/// the news since: the corrected article, the 410 at its address, or its entry in the change feed. What was read shows here
/// after a second or two.
#[utoipa::path(get, path = "/v1/articles/{article}/propagation", operation_id = "getPropagation", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")),
    responses((status = 200, description = "Who has the news, and who has not.", body = Propagation)),
    extensions(("x-has-revisions" = json!(false))))]
async fn get_propagation(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::ReadPropagation).await?;
    call.no_query()?;
    let reference = call.reference("article")?;
    Ok(call.read_working(move |conn| Reply::json(200, &propagation::of_article(conn, &reference, &caller)?)).await?)
}

/// Returns the caller, who has the right, and the key that the path names.
async fn authorized(call: &Call, operation: Operation) -> Result<(Caller, ApiKeyId)> {
    let caller = call.caller(operation).await?;
    call.no_query()?;
    Ok((caller, call.id("key")?))
}

/// The view of a key with its revision, with what opens it when that is to be shown.
fn reply(conn: &mut Conn, row: ApiKeyRow, status: u16, secret: Option<String>) -> Result<Reply> {
    let revision = row.revision;
    Ok(Reply::json(status, &view(conn, row, secret)?)?.revision(revision))
}

fn view(conn: &mut Conn, row: ApiKeyRow, secret: Option<String>) -> Result<ApiKey> {
    let mut views = store::views(conn, vec![row])?;
    let view = views.pop().ok_or_else(|| Error::internal("a row without a view"))?;
    Ok(ApiKey { key: secret, ..view })
}
