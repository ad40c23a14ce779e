//! The endpoints of leases: who has an article open to edit it.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::Editing;
use crate::{
    articles::working,
    auth::rights::Operation,
    http::{call::Call, problem::Refusal, reply::Reply, routing::endpoints, view::NoInput},
};

endpoints! {
    "/v1/articles/{article}/lease" { get get_lease, put renew_lease, delete delete_lease }
}

/// Who has an article open.
#[derive(Debug, Serialize, ToSchema)]
struct Lease {
    /// Everybody who has it open to edit it, the first who came first.
    editing: Vec<Editing>,
}

/// See who has an article open
///
/// The working view of a single article says the same in `editing`.
#[utoipa::path(get, path = "/v1/articles/{article}/lease", operation_id = "getLease", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")),
    responses((status = 200, description = "Who has it open.", body = Lease)),
    extensions(("x-has-revisions" = json!(false))))]
async fn get_lease(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::ReadLease).await?;
    call.no_query()?;
    let reference = call.reference("article")?;
    Ok(call
        .read_working(move |conn| {
            let working = working::find(conn, &reference, &caller, Operation::ReadLease)?;
            Reply::json(200, &Lease { editing: super::editing(conn, working.row.id)? })
        })
        .await?)
}

/// Say that you have an article open
///
/// For 60 seconds; repeat it while you do, every 20 seconds or so. It informs the others and locks nobody out: whoever
/// writes must still name the revision that the write is based on.
#[utoipa::path(put, path = "/v1/articles/{article}/lease", operation_id = "renewLease", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = NoInput,
    responses((status = 200, description = "Who has it open now, you among them.", body = Lease)),
    extensions(("x-has-revisions" = json!(false))))]
async fn renew_lease(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::RenewLease).await?;
    call.no_query()?;
    let reference = call.reference("article")?;
    call.no_input().await?;
    let by = caller.clone();
    Ok(call
        .write(&caller, move |tx| {
            let working = working::find(tx.conn()?, &reference, &by, Operation::RenewLease)?;
            super::renew(tx, &by, &working.row)?;
            Reply::json(200, &Lease { editing: super::editing(tx.conn()?, working.row.id)? })
        })
        .await?)
}

/// Say that you have closed an article
///
/// The answer is the same when you had not opened it.
#[utoipa::path(delete, path = "/v1/articles/{article}/lease", operation_id = "deleteLease", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")),
    responses((status = 204, description = "You do not have it open.")),
    extensions(("x-has-revisions" = json!(false))))]
async fn delete_lease(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::DeleteLease).await?;
    call.no_query()?;
    let reference = call.reference("article")?;
    let by = caller.clone();
    Ok(call
        .write(&caller, move |tx| {
            let working = working::find(tx.conn()?, &reference, &by, Operation::DeleteLease)?;
            super::end(tx, &by, working.row.id)?;
            Ok(Reply::no_content())
        })
        .await?)
}
