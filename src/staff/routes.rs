//! The endpoints of staff profiles.

use actix_web::HttpResponse;
use deserr::Deserr;
use utoipa::IntoParams;

use super::{
    model::{StaffInput, StaffKind, StaffPage, StaffProfile},
    store::{self, Saved, StaffRow},
};
use crate::{
    api_keys::model::Scope,
    auth::rights::Operation,
    changes,
    db::Conn,
    delivery::Live,
    error::Result,
    http::{
        call::Call,
        page::{self, Cursor, Limit},
        problem::Refusal,
        query::Flag,
        reply::Reply,
        routing::endpoints,
        view::View,
    },
    input::Faults,
    resources::Shown,
    state::State,
};

endpoints! {
    "/v1/staff" { get list_staff, post create_staff }
    "/v1/staff/{staff}" { get get_staff, patch update_staff, delete delete_staff }
    "/v1/staff/{staff}/restore" { post restore_staff }
}

/// Which profiles to list.
#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StaffListParams {
    /// `live` (the default) is what readers see; `working` adds revisions and needs a token.
    #[deserr(default)]
    #[param(required = false)]
    view: View,
    /// `true` lists what is in the trash; only with `view=working`.
    #[deserr(default)]
    #[param(value_type = bool, required = false)]
    trashed: Option<Flag>,
    /// Only persons, or only organizations.
    #[deserr(default)]
    #[param(value_type = StaffKind, required = false)]
    kind: Option<StaffKind>,
    /// How many to list, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    limit: Limit,
    /// `page.next` or `page.prev` of another page of the same list.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
}

impl StaffListParams {
    fn shown(&self) -> Result<Shown> {
        self.view.shown(self.trashed, Shown::Live, Shown::Working, Shown::Trash)
    }

    fn read(&self, conn: &mut Conn, state: &State) -> Result<StaffPage> {
        let (shown, site) = (self.shown()?, &state.config.site);
        let binding = format!("staff|{shown:?}|{}", self.kind.map(StaffKind::as_str).unwrap_or_default());
        let cursor = self.cursor.as_deref().map(|text| Cursor::open(text, &state.key, &binding)).transpose()?;
        let rows = store::page(conn, shown, self.kind, self.limit, cursor.as_ref())?;
        let slice = page::slice(rows, self.limit, cursor.as_ref());
        let info = slice.info(self.limit, &state.key, &binding, |row| vec![row.slug.clone()]);
        let data = slice.rows.into_iter().map(|row| row.view(site, shown)).collect::<Result<_>>()?;
        Ok(StaffPage { data, page: info })
    }
}

/// List staff profiles
///
/// Persons and organizations, in the order of their slugs.
#[utoipa::path(get, path = "/v1/staff", operation_id = "listStaff", tag = "staff", params(StaffListParams),
    responses((status = 200, description = "A page of staff profiles.", body = StaffPage)))]
async fn list_staff(call: Call) -> Result<HttpResponse, Refusal> {
    let reader = call.reader(Scope::ReadArticles).await?;
    let params: StaffListParams = call.query()?;
    params.view.require(reader.caller.as_ref(), Operation::ListWorkingStaff)?;
    let (state, address) = (call.state.clone(), call.address());
    if params.view == View::Working {
        return Ok(call
            .read_working(move |conn| {
                let page = params.read(conn, &state)?;
                Ok(Reply::json(200, &page)?.links(page::links(&address, &page.page)))
            })
            .await?);
    }
    params.shown()?;
    Ok(call
        .read_live(&reader, move |conn| {
            let page = params.read(conn, &state)?;
            let links = page::links(&address, &page.page);
            Ok(Live::new(&page, changes::last_at(conn)?)?.keyed(["staff".to_owned()]).linked(links))
        })
        .await?)
}

/// Create a staff profile
///
/// Readers see it at once. The slug is made from the name when it is not given. A profile is not a login; an
/// administrator may link a user account to it.
#[utoipa::path(post, path = "/v1/staff", operation_id = "createStaff", tag = "staff", request_body = StaffInput,
    responses((status = 201, description = "The new staff profile.", body = StaffProfile)))]
async fn create_staff(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::CreateStaff).await?;
    call.no_query()?;
    let input: StaffInput = call.body().await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let saved = store::create(tx, Some(&by), &input)?;
            let location = format!("/v1/staff/{}", saved.row.id);
            Ok(reply_saved(saved, &state, 201)?.header("location", location))
        })
        .await?)
}

/// Read a staff profile
///
/// A former slug answers 301 with the present address.
#[utoipa::path(get, path = "/v1/staff/{staff}", operation_id = "getStaff", tag = "staff",
    params(("staff" = String, Path, description = "The profile's id or slug."), View),
    responses((status = 200, description = "The staff profile.", body = StaffProfile)))]
async fn get_staff(call: Call) -> Result<HttpResponse, Refusal> {
    let reader = call.reader(Scope::ReadArticles).await?;
    let view = View::of(&call, reader.caller.as_ref(), Operation::ReadWorkingStaff)?;
    let (reference, state) = (call.reference("staff")?, call.state.clone());
    if view == View::Working {
        return Ok(call.read_working(move |conn| reply(store::find(conn, &reference)?, &state)).await?);
    }
    Ok(call
        .read_live(&reader, move |conn| {
            let profile = store::get_live(conn, &reference, &state.config.site)?;
            let (key, updated_at) = (format!("staff-{}", profile.id), profile.updated_at);
            Ok(Live::new(&profile, updated_at)?.keyed([key]))
        })
        .await?)
}

/// Change a staff profile
///
/// A merge patch: members that are absent stay as they are, `null` removes. A new name, slug or title shows at once in
/// every article with the profile in its byline; the former slug keeps redirecting.
#[utoipa::path(patch, path = "/v1/staff/{staff}", operation_id = "updateStaff", tag = "staff",
    params(("staff" = String, Path, description = "The profile's id or slug.")), request_body = StaffInput,
    responses((status = 200, description = "The staff profile as it is now.", body = StaffProfile)))]
async fn update_staff(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::UpdateStaff).await?;
    call.no_query()?;
    let (reference, basis) = (call.reference("staff")?, call.basis()?);
    let patch = call.patch().await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call
        .write(&caller, move |tx| reply_saved(store::update(tx, &by, &reference, &basis, &patch)?, &state, 200))
        .await?)
}

/// Move a staff profile to the trash
///
/// Refused while it stands in the byline of an article or a user account is linked to it. The slug stays reserved.
#[utoipa::path(delete, path = "/v1/staff/{staff}", operation_id = "deleteStaff", tag = "staff",
    params(("staff" = String, Path, description = "The profile's id or slug.")),
    responses((status = 204, description = "The profile is in the trash. The ETag is that of the trashed profile, for restoring it.")))]
async fn delete_staff(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::TrashStaff).await?;
    call.no_query()?;
    let (reference, basis, by) = (call.reference("staff")?, call.basis()?, caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let row = store::trash(tx, &by, &reference, &basis)?;
            Ok(Reply::no_content().revision(row.revision))
        })
        .await?)
}

/// Bring a staff profile back from the trash
#[utoipa::path(post, path = "/v1/staff/{staff}/restore", operation_id = "restoreStaff", tag = "staff",
    params(("staff" = String, Path, description = "The profile's id or slug.")), request_body = crate::http::view::NoInput,
    responses((status = 200, description = "The staff profile as it is now.", body = StaffProfile)))]
async fn restore_staff(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::RestoreStaff).await?;
    call.no_query()?;
    let (reference, basis) = (call.reference("staff")?, call.basis()?);
    call.no_input().await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call.write(&caller, move |tx| reply(store::restore(tx, &by, &reference, &basis)?, &state)).await?)
}

/// The working view of a profile.
fn reply(row: StaffRow, state: &State) -> Result<Reply> {
    reply_saved(Saved { row, warnings: Vec::new() }, state, 200)
}

/// The working view of a profile that was just written.
fn reply_saved(saved: Saved, state: &State, status: u16) -> Result<Reply> {
    let revision = saved.row.revision;
    let mut view = saved.row.view(&state.config.site, Shown::Working)?;
    view.warnings = Some(saved.warnings).filter(|warnings| !warnings.is_empty());
    Ok(Reply::json(status, &view)?.revision(revision))
}
