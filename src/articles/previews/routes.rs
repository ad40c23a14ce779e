//! The endpoints of previews; reading with one is `GET /v1/articles/{article}?preview=`.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::{NewPreview, Preview, PreviewInput};
use crate::{
    articles::working,
    auth::{rights::Operation, secret::PreviewToken},
    error::Error,
    http::{call::Call, page::PageInfo, problem::Refusal, reply::Reply, routing::endpoints},
    ids::PreviewId,
};

endpoints! {
    "/v1/articles/{article}/previews" { get list_previews, post create_preview }
    "/v1/articles/{article}/previews/{preview}" { delete delete_preview }
}

/// The previews of an article, the newest first; one page has them all.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewPage {
    /// The previews in force, without their tokens.
    data: Vec<Preview>,
    /// Where the page stands.
    page: PageInfo,
}

/// As many as an article may have, and then some.
const WHOLE: usize = 100;

/// List the previews of an article
///
/// Those that are in force. Their tokens are not kept and cannot be shown again.
#[utoipa::path(get, path = "/v1/articles/{article}/previews", operation_id = "listPreviews", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")),
    responses((status = 200, description = "The previews.", body = PreviewPage)),
    extensions(("x-has-revisions" = json!(false))))]
async fn list_previews(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::ListPreviews).await?;
    call.no_query()?;
    let reference = call.reference("article")?;
    Ok(call
        .read_working(move |conn| {
            let working = working::find(conn, &reference, &caller, Operation::ListPreviews)?;
            let data = super::in_force(conn, working.row.id)?;
            Reply::json(200, &PreviewPage { data, page: PageInfo { limit: WHOLE, next: None, prev: None } })
        })
        .await?)
}

/// Make a preview of an article
///
/// A token with which anybody reads this one article as it would be for readers, without a login:
/// `GET /v1/articles/{article}?preview=TOKEN`. It is in force until it expires, is revoked, or the article is moved to
/// the trash or killed. An article has at most 20 at a time. An `Idempotency-Key` has no effect: answers with tokens are
/// not kept.
#[utoipa::path(post, path = "/v1/articles/{article}/previews", operation_id = "createPreview", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = PreviewInput,
    responses((status = 201, description = "The preview, with its token.", body = NewPreview)),
    extensions(("x-has-revisions" = json!(false))))]
async fn create_preview(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::CreatePreview).await?;
    call.no_query()?;
    let reference = call.reference("article")?;
    let input: PreviewInput = call.body_or_default().await?;
    let token = PreviewToken::generate().map_err(Error::internal)?;
    let by = caller.clone();
    Ok(call
        .write_secret(&caller, move |tx| {
            let working = working::find(tx.conn()?, &reference, &by, Operation::CreatePreview)?;
            let preview = super::create(tx, &by, &working.row, &input, &token)?;
            let location = format!("/v1/articles/{}/previews/{}", working.row.id, preview.id);
            Ok(Reply::json(201, &NewPreview::new(preview, &token))?.header("location", location))
        })
        .await?)
}

/// Revoke a preview
///
/// Its token opens nothing from then on.
#[utoipa::path(delete, path = "/v1/articles/{article}/previews/{preview}", operation_id = "deletePreview",
    tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug."),
        ("preview" = String, Path, description = "The preview's id.", format = "uuid")),
    responses((status = 204, description = "The token is not in force any more.")),
    extensions(("x-has-revisions" = json!(false))))]
async fn delete_preview(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::DeletePreview).await?;
    call.no_query()?;
    let reference = call.reference("article")?;
    let id: Option<PreviewId> = PreviewId::parse(&call.step("preview")?);
    let by = caller.clone();
    Ok(call
        .write(&caller, move |tx| {
            let working = working::find(tx.conn()?, &reference, &by, Operation::DeletePreview)?;
            super::revoke(tx, working.row.id, id.ok_or_else(Error::not_found)?)?;
            Ok(Reply::no_content())
        })
        .await?)
}
