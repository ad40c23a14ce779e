//! The endpoints of webhooks, for those who connect other systems.

use actix_web::HttpResponse;
use deserr::Deserr;
use serde_json::Value;
use utoipa::IntoParams;

use super::{
    enqueue,
    model::{
        DeliveryState, Event, Webhook, WebhookData, WebhookDelivery, WebhookDeliveryPage, WebhookInput, WebhookPage,
        WebhookPayload, WebhookReplay, WebhookReplayInput,
    },
    queue::{self, New},
    sign::Secret,
    store,
};
use crate::{
    audit::{self, Entry, Resource},
    auth::{identity::Caller, rights::Operation},
    changes::follow::{self, News},
    clock::Instant,
    db::{self, Tx},
    error::{Error, Result},
    http::{
        call::Call,
        page::{self, Cursor, Limit},
        problem::Refusal,
        reply::Reply,
        routing::endpoints,
        view::NoInput,
    },
    ids::{DeliveryId, WebhookId},
    input::Faults,
    newswire::read,
    state::State,
};

endpoints! {
    "/v1/webhooks" { get list_webhooks, post create_webhook }
    "/v1/webhooks/{webhook}" { get get_webhook, patch update_webhook, delete delete_webhook }
    "/v1/webhooks/{webhook}/rotate-secret" { post rotate_webhook_secret }
    "/v1/webhooks/{webhook}/test" { post test_webhook }
    "/v1/webhooks/{webhook}/replay" { post replay_webhook }
    "/v1/webhooks/{webhook}/deliveries" { get list_webhook_deliveries }
    "/v1/webhooks/{webhook}/deliveries/{delivery}/replay" { post replay_webhook_delivery }
}

/// The most changes that are looked at for one replay.
const MOST_REPLAYED: i64 = 500;

/// Which webhooks to list.
#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WebhookListParams {
    /// How many to list, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    limit: Limit,
    /// `page.next` or `page.prev` of another page of the same list.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
}

/// Which deliveries to list.
#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WebhookDeliveryListParams {
    /// Only deliveries that stand so.
    #[deserr(default)]
    #[param(required = false)]
    state: Option<DeliveryState>,
    /// How many to list, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    limit: Limit,
    /// `page.next` or `page.prev` of another page of the same list.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
}

/// List webhooks
///
/// In the order in which they were made; editors see their own.
#[utoipa::path(get, path = "/v1/webhooks", operation_id = "listWebhooks", tag = "webhooks", params(WebhookListParams),
    responses((status = 200, description = "A page of webhooks.", body = WebhookPage)))]
async fn list_webhooks(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::ListWebhooks).await?;
    let params: WebhookListParams = call.query()?;
    let (state, address) = (call.state.clone(), call.address());
    Ok(call
        .read_working(move |conn| {
            let binding = format!("webhooks|{}", caller.user_id);
            let cursor = params.cursor.as_deref().map(|text| Cursor::open(text, &state.key, &binding)).transpose()?;
            let rows = store::page(conn, &caller, params.limit, cursor.as_ref())?;
            let slice = page::slice(rows, params.limit, cursor.as_ref());
            let info = slice.info(params.limit, &state.key, &binding, |row| vec![row.id.to_string()]);
            let now = db::now(conn)?;
            let data = slice.rows.iter().map(|row| row.view(now, None)).collect::<Result<Vec<_>>>()?;
            let links = page::links(&address, &info);
            Ok(Reply::json(200, &WebhookPage { data, page: info })?.links(links))
        })
        .await?)
}

/// Create a webhook
///
/// From now on it is told what readers see anew, by requests that are signed after the Standard Webhooks specification
/// 1.0: `webhook-id`, `webhook-timestamp` and `webhook-signature`, by the secret that is shown here and never again. Any
/// 2xx within 15 seconds says that it has arrived; anything else, redirects too, is tried again over three days, in order
/// for each article and at least once: know what you have by `webhook-id`. What arrives refers to an article and does not
/// carry it; read it, or the change feed from `data.cursor`. The address must lead to the public internet, by https. An
/// `Idempotency-Key` has no effect: answers with secrets are not kept.
#[utoipa::path(post, path = "/v1/webhooks", operation_id = "createWebhook", tag = "webhooks", request_body = WebhookInput,
    responses((status = 201, description = "The new webhook, with its secret.", body = Webhook)))]
async fn create_webhook(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::CreateWebhook).await?;
    call.no_query()?;
    let input: WebhookInput = call.body().await?;
    check_target(&call, Some(input.url.0.clone())).await?;
    let (secret, state, by) = (Secret::generate()?, call.state.clone(), caller.clone());
    Ok(call
        .write_secret(&caller, move |tx| {
            let row = store::create(tx, &by, &input, &secret, &state.key)?;
            let location = format!("/v1/webhooks/{}", row.id);
            Ok(reply(&row, tx.now, Some(&secret), 201)?.header("location", location))
        })
        .await?)
}

/// Read a webhook
#[utoipa::path(get, path = "/v1/webhooks/{webhook}", operation_id = "getWebhook", tag = "webhooks",
    params(("webhook" = String, Path, description = "The webhook's id.", format = "uuid")),
    responses((status = 200, description = "The webhook.", body = Webhook)))]
async fn get_webhook(call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::ReadWebhook).await?;
    Ok(call
        .read_working(move |conn| {
            let row = store::find(conn, id, &caller, Operation::ReadWebhook)?;
            reply(&row, db::now(conn)?, None, 200)
        })
        .await?)
}

/// Change a webhook
///
/// A merge patch: members that are absent stay as they are, `null` removes. What is waiting goes to the new address.
/// Enabling one that the server has disabled begins anew; what happened meanwhile is told with a replay.
#[utoipa::path(patch, path = "/v1/webhooks/{webhook}", operation_id = "updateWebhook", tag = "webhooks",
    params(("webhook" = String, Path, description = "The webhook's id.", format = "uuid")), request_body = WebhookInput,
    responses((status = 200, description = "The webhook as it is now.", body = Webhook)))]
async fn update_webhook(mut call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::UpdateWebhook).await?;
    let basis = call.basis()?;
    let patch = call.patch().await?;
    check_target(&call, patch.get("url").and_then(Value::as_str).map(str::to_owned)).await?;
    let by = caller.clone();
    Ok(call
        .write(&caller, move |tx| {
            let row = store::find(tx.conn()?, id, &by, Operation::UpdateWebhook)?;
            let row = store::update(tx, &by, &row, &basis, &patch)?;
            reply(&row, tx.now, None, 200)
        })
        .await?)
}

/// Delete a webhook
///
/// With all that it was to be told. It does not come back.
#[utoipa::path(delete, path = "/v1/webhooks/{webhook}", operation_id = "deleteWebhook", tag = "webhooks",
    params(("webhook" = String, Path, description = "The webhook's id.", format = "uuid")),
    responses((status = 204, description = "The webhook is gone.")))]
async fn delete_webhook(call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::DeleteWebhook).await?;
    let (basis, by) = (call.basis()?, caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let row = store::find(tx.conn()?, id, &by, Operation::DeleteWebhook)?;
            store::delete(tx, &by, &row, &basis)?;
            Ok(Reply::no_content().revision(row.revision + 1))
        })
        .await?)
}

/// Replace the secret of a webhook
///
/// For 24 hours requests have two signatures, by the new secret and by the one before, so that nothing is refused while
/// the receiver changes. An `Idempotency-Key` has no effect: answers with secrets are not kept.
#[utoipa::path(post, path = "/v1/webhooks/{webhook}/rotate-secret", operation_id = "rotateWebhookSecret",
    tag = "webhooks", params(("webhook" = String, Path, description = "The webhook's id.", format = "uuid")),
    request_body = NoInput, responses((status = 200, description = "The webhook, with its new secret.", body = Webhook)))]
async fn rotate_webhook_secret(mut call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::RotateWebhookSecret).await?;
    let basis = call.basis()?;
    call.no_input().await?;
    let (secret, state, by) = (Secret::generate()?, call.state.clone(), caller.clone());
    Ok(call
        .write_secret(&caller, move |tx| {
            let row = store::find(tx.conn()?, id, &by, Operation::RotateWebhookSecret)?;
            let row = store::rotate(tx, &by, &row, &basis, &secret, &state.key)?;
            reply(&row, tx.now, Some(&secret), 200)
        })
        .await?)
}

/// Test a webhook
///
/// It is told `webhook.test`, whatever else it wants to be told. How that went is in its deliveries.
#[utoipa::path(post, path = "/v1/webhooks/{webhook}/test", operation_id = "testWebhook", tag = "webhooks",
    params(("webhook" = String, Path, description = "The webhook's id.", format = "uuid")), request_body = NoInput,
    responses((status = 200, description = "What it is to be told.", body = WebhookDelivery)),
    extensions(("x-has-revisions" = json!(false))))]
async fn test_webhook(mut call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::TestWebhook).await?;
    call.no_input().await?;
    let by = caller.clone();
    Ok(call
        .write(&caller, move |tx| {
            let row = store::find(tx.conn()?, id, &by, Operation::TestWebhook)?;
            let subject_id = row.id.into();
            let payload = WebhookPayload {
                r#type: Event::WebhookTest,
                timestamp: tx.now,
                data: WebhookData {
                    change_id: None,
                    cursor: None,
                    resource: None,
                    resource_id: subject_id,
                    slug: None,
                    url: None,
                    former_slug: None,
                    reason: None,
                    keys: Vec::new(),
                },
            };
            let payload = serde_json::to_string(&payload).map_err(Error::internal)?;
            let new =
                New { webhook_id: id, position: None, subject_id, event: Event::WebhookTest, payload: Some(payload) };
            let delivery = queue::add(tx, vec![new])?.pop().ok_or_else(|| Error::internal("nothing was noted"))?;
            note(tx, id, "tested")?;
            Reply::json(200, &queue::find(tx.conn()?, id, delivery)?.view()?)
        })
        .await?)
}

/// Tell a webhook again what has happened
///
/// What it wants to be told of the changes after a cursor: what it was told, under the same `webhook-id` as before, and
/// what it was not. At most 500 changes are looked at; go on with `next`.
#[utoipa::path(post, path = "/v1/webhooks/{webhook}/replay", operation_id = "replayWebhook", tag = "webhooks",
    params(("webhook" = String, Path, description = "The webhook's id.", format = "uuid")),
    request_body = WebhookReplayInput,
    responses((status = 200, description = "How much is to be told.", body = WebhookReplay)),
    extensions(("x-has-revisions" = json!(false))))]
async fn replay_webhook(mut call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::ReplayWebhook).await?;
    let input: WebhookReplayInput = call.body().await?;
    let from = read::place(&call.state.key, &input.cursor)
        .map_err(|_| Error::invalid("/cursor", "invalid_cursor", "is no cursor of the change feed"))?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call.write(&caller, move |tx| replay(tx, &state, &by, id, from)).await?)
}

fn replay(tx: &mut Tx<'_>, state: &State, by: &Caller, id: WebhookId, from: i64) -> Result<Reply> {
    let row = store::find(tx.conn()?, id, by, Operation::ReplayWebhook)?;
    let doc = row.doc()?;
    let News::Changes(changes) = follow::logged(tx.conn()?, from, i64::MAX, MOST_REPLAYED)? else {
        return Err(Error::invalid(
            "/cursor",
            "cursor_expired",
            "is older than the change log; start from the snapshot",
        ));
    };
    let (n, end) = (changes.len(), changes.last().map_or(from, |change| change.position));
    let known = queue::renew_after(tx, id, from, end)?;
    let told = enqueue::tell(tx.conn()?, state, changes)?;
    let new: Vec<New> =
        told.iter().filter(|told| !known.contains(&told.position)).filter_map(|told| told.alone(id, &doc)).collect();
    let n_queued = known.len() + new.len();
    queue::add(tx, new)?;
    note(tx, id, "replayed")?;
    let is_full = i64::try_from(n).unwrap_or(i64::MAX) == MOST_REPLAYED;
    let next = is_full.then(|| read::cursor(&state.key, end));
    Reply::json(200, &WebhookReplay { n_queued, next })
}

/// List what a webhook is told
///
/// The newest first, with how each attempt went and the beginning of the last answer. What has arrived, or was given up,
/// is kept for `FRONTPAGE_WEBHOOK_DAYS`.
#[utoipa::path(get, path = "/v1/webhooks/{webhook}/deliveries", operation_id = "listWebhookDeliveries",
    tag = "webhooks", params(("webhook" = String, Path, description = "The webhook's id.", format = "uuid"), WebhookDeliveryListParams),
    responses((status = 200, description = "A page of deliveries.", body = WebhookDeliveryPage)),
    extensions(("x-has-revisions" = json!(false))))]
async fn list_webhook_deliveries(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::ListWebhookDeliveries).await?;
    let params: WebhookDeliveryListParams = call.query()?;
    let id: WebhookId = call.id("webhook")?;
    let (state, address) = (call.state.clone(), call.address());
    Ok(call
        .read_working(move |conn| {
            store::find(conn, id, &caller, Operation::ListWebhookDeliveries)?;
            let binding = format!("webhooks|{id}|{:?}", params.state);
            let cursor = params.cursor.as_deref().map(|text| Cursor::open(text, &state.key, &binding)).transpose()?;
            let rows = queue::page(conn, id, params.state, params.limit, cursor.as_ref())?;
            let slice = page::slice(rows, params.limit, cursor.as_ref());
            let info = slice.info(params.limit, &state.key, &binding, |row| vec![row.id.to_string()]);
            let data = slice.rows.into_iter().map(queue::DeliveryRow::view).collect::<Result<Vec<_>>>()?;
            let links = page::links(&address, &info);
            Ok(Reply::json(200, &WebhookDeliveryPage { data, page: info })?.links(links))
        })
        .await?)
}

/// Tell a webhook one thing again
///
/// Under the same `webhook-id`, from the beginning of the schedule, whether it has arrived, was given up or is waiting.
#[utoipa::path(post, path = "/v1/webhooks/{webhook}/deliveries/{delivery}/replay",
    operation_id = "replayWebhookDelivery", tag = "webhooks",
    params(("webhook" = String, Path, description = "The webhook's id.", format = "uuid"),
        ("delivery" = String, Path, description = "The delivery's id.", format = "uuid")),
    request_body = NoInput,
    responses((status = 200, description = "The delivery as it is now.", body = WebhookDelivery)),
    extensions(("x-has-revisions" = json!(false))))]
async fn replay_webhook_delivery(mut call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::ReplayWebhookDelivery).await?;
    let delivery: DeliveryId = call.id("delivery")?;
    call.no_input().await?;
    let by = caller.clone();
    Ok(call
        .write(&caller, move |tx| {
            store::find(tx.conn()?, id, &by, Operation::ReplayWebhookDelivery)?;
            queue::find(tx.conn()?, id, delivery)?;
            queue::renew(tx, delivery)?;
            note(tx, id, "replayed")?;
            Reply::json(200, &queue::find(tx.conn()?, id, delivery)?.view()?)
        })
        .await?)
}

/// Returns the caller, who may have the right, and the webhook that the path names.
async fn authorized(call: &Call, operation: Operation) -> Result<(Caller, WebhookId)> {
    let caller = call.caller(operation).await?;
    call.no_query()?;
    Ok((caller, call.id("webhook")?))
}

/// Refuses an address that may not be sent to.
async fn check_target(call: &Call, url: Option<String>) -> Result<()> {
    let Some(url) = url else { return Ok(()) };
    let guard = call.state.outgoing.clone();
    let checked = call.aside(move || guard.check(&url)).await?;
    checked.map_err(|invalid| Error::invalid("/url", invalid.code, invalid.detail))
}

/// Notes in the audit what changes nothing of the webhook itself.
fn note(tx: &mut Tx<'_>, id: WebhookId, verb: &'static str) -> Result<()> {
    audit::append(tx, &Entry { resource: Resource::Webhook, id: id.to_string(), verb, details: serde_json::json!({}) })
}

fn reply(row: &store::WebhookRow, now: Instant, secret: Option<&Secret>, status: u16) -> Result<Reply> {
    Ok(Reply::json(status, &row.view(now, secret)?)?.revision(row.revision))
}
