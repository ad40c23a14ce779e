//! The endpoint of the audit, for administrators.

use actix_web::HttpResponse;
use deserr::Deserr;
use utoipa::IntoParams;

use super::{
    Resource,
    model::AuditPage,
    store::{self, Action, By, Filter},
};
use crate::{
    auth::rights::Operation,
    error::Result,
    http::{
        call::Call,
        page::{self, Cursor, Limit},
        problem::Refusal,
        query::Moment,
        reply::Reply,
        routing::endpoints,
    },
    input::{Faults, Line},
};

endpoints! {
    "/v1/audit" { get list_audit }
}

#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditParams {
    /// By whom: the id of a user account, or `command`, `clock`, `server`, `anonymous`.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    actor: Option<By>,
    /// What was done: a whole action such as `article.published`, or the part before the dot.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "user.updated")]
    action: Option<Action>,
    /// To what kind of thing.
    #[deserr(default)]
    #[param(value_type = Resource, required = false)]
    resource: Option<Resource>,
    /// To which one.
    #[deserr(default)]
    #[param(value_type = String, max_length = 255, required = false)]
    resource_id: Option<Line<255>>,
    /// On which request.
    #[deserr(default)]
    #[param(value_type = String, max_length = 255, required = false)]
    request_id: Option<Line<255>>,
    /// At this moment or later.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false, example = "2026-11-01T00:00:00Z")]
    after: Option<Moment>,
    /// Before this moment.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    before: Option<Moment>,
    /// How many to list, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    limit: Limit,
    /// `page.next` or `page.prev` of another page of the same list.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
}

/// List the audit
///
/// Who did what, when and from where, the newest first: every change of content, of user accounts and their rights, of
/// signing keys and of sessions, the scheduled ones included. An entry is written in the transaction that makes the
/// change, and never changes; about a second later it is sealed into a chain, which `frontpage audit verify` checks.
#[utoipa::path(get, path = "/v1/audit", operation_id = "listAudit", tag = "audit", params(AuditParams),
    responses((status = 200, description = "A page of the audit.", body = AuditPage)))]
async fn list_audit(call: Call) -> Result<HttpResponse, Refusal> {
    call.caller(Operation::ListAudit).await?;
    let params: AuditParams = call.query()?;
    let filter = Filter {
        actor: params.actor,
        action: params.action,
        resource: params.resource,
        resource_id: params.resource_id.map(Line::into_string),
        request_id: params.request_id.map(Line::into_string),
        after: params.after.map(|moment| moment.0),
        before: params.before.map(|moment| moment.0),
    };
    let binding = format!("audit|{filter:?}");
    let cursor = params.cursor.as_deref().map(|text| Cursor::open(text, &call.state.key, &binding)).transpose()?;
    let (state, address) = (call.state.clone(), call.address());
    let limit = params.limit;
    Ok(call
        .read_working(move |conn| {
            let rows = store::page(conn, &filter, limit, cursor.as_ref())?;
            let slice = page::slice(rows, limit, cursor.as_ref());
            let info = slice.info(limit, &state.key, &binding, store::sort_keys);
            let links = page::links(&address, &info);
            Ok(Reply::json(200, &AuditPage { data: store::views(conn, slice.rows)?, page: info })?.links(links))
        })
        .await?)
}
