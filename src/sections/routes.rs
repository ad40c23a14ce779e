//! The endpoints of sections.

use actix_web::HttpResponse;
use deserr::Deserr;
use utoipa::IntoParams;

use super::{
    model::{Section, SectionInput, SectionPage},
    store,
};
use crate::{
    api_keys::model::Scope,
    auth::rights::Operation,
    changes,
    db::Conn,
    delivery::Live,
    error::{Code, Error, Fault, Result},
    http::{
        call::Call,
        page::{self, Cursor, Limit, PageInfo},
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
    "/v1/sections" { get list_sections, post create_section }
    "/v1/sections/{section}" { get get_section, patch update_section, delete delete_section }
    "/v1/sections/{section}/restore" { post restore_section }
}

/// Which sections to list.
#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SectionListParams {
    /// `live` (the default) is what readers see; `working` adds revisions and needs a token.
    #[deserr(default)]
    #[param(required = false)]
    view: View,
    /// `true` lists what is in the trash; only with `view=working`.
    #[deserr(default)]
    #[param(value_type = bool, required = false)]
    trashed: Option<Flag>,
    /// `true` nests all sections in `children`, neighbors in the order of their positions; there are no further pages.
    #[deserr(default)]
    #[param(value_type = bool, required = false)]
    tree: Option<Flag>,
    /// How many to list, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    limit: Limit,
    /// `page.next` or `page.prev` of another page of the same list.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
}

impl SectionListParams {
    fn shown(&self) -> Result<Shown> {
        if self.is_tree() && self.cursor.is_some() {
            let fault = Fault::new("/cursor", "not_allowed", "a tree is one answer without further pages");
            return Err(Error::faults(Code::InvalidParameter, vec![fault]));
        }
        self.view.shown(self.trashed, Shown::Live, Shown::Working, Shown::Trash)
    }

    fn is_tree(&self) -> bool {
        self.tree == Some(Flag(true))
    }

    fn read(&self, conn: &mut Conn, state: &State) -> Result<SectionPage> {
        let (shown, site) = (self.shown()?, &state.config.site);
        if self.is_tree() {
            let data = store::tree(conn, site, shown)?;
            return Ok(SectionPage { data, page: PageInfo { limit: self.limit.get(), next: None, prev: None } });
        }
        let binding = format!("sections|{shown:?}");
        let cursor = self.cursor.as_deref().map(|text| Cursor::open(text, &state.key, &binding)).transpose()?;
        let rows = store::page(conn, shown, self.limit, cursor.as_ref())?;
        let slice = page::slice(rows, self.limit, cursor.as_ref());
        let info = slice.info(self.limit, &state.key, &binding, |row| vec![row.path.clone()]);
        Ok(SectionPage { data: store::views(conn, slice.rows, site, shown)?, page: info })
    }
}

/// List sections
///
/// In the order of their paths, parents before what is below them.
#[utoipa::path(get, path = "/v1/sections", operation_id = "listSections", tag = "sections", params(SectionListParams),
    responses((status = 200, description = "A page of sections.", body = SectionPage)))]
async fn list_sections(call: Call) -> Result<HttpResponse, Refusal> {
    let reader = call.reader(Scope::ReadArticles).await?;
    let params: SectionListParams = call.query()?;
    params.view.require(reader.caller.as_ref(), Operation::ListWorkingSections)?;
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
            Ok(Live::new(&page, changes::last_at(conn)?)?.keyed(["sections".to_owned()]).linked(links))
        })
        .await?)
}

/// Create a section
///
/// Readers see it at once. The slug is made from the name when it is not given.
#[utoipa::path(post, path = "/v1/sections", operation_id = "createSection", tag = "sections", request_body = SectionInput,
    responses((status = 201, description = "The new section.", body = Section)))]
async fn create_section(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::CreateSection).await?;
    call.no_query()?;
    let input: SectionInput = call.body().await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let row = store::create(tx, Some(&by), &input)?;
            let location = format!("/v1/sections/{}", row.id);
            Ok(reply(tx.conn()?, row, &state, 201)?.header("location", location))
        })
        .await?)
}

/// Read a section
///
/// A former slug answers 301 with the present address.
#[utoipa::path(get, path = "/v1/sections/{section}", operation_id = "getSection", tag = "sections",
    params(("section" = String, Path, description = "The section's id or slug."), View),
    responses((status = 200, description = "The section.", body = Section)))]
async fn get_section(call: Call) -> Result<HttpResponse, Refusal> {
    let reader = call.reader(Scope::ReadArticles).await?;
    let view = View::of(&call, reader.caller.as_ref(), Operation::ReadWorkingSection)?;
    let (reference, state) = (call.reference("section")?, call.state.clone());
    if view == View::Working {
        return Ok(call
            .read_working(move |conn| {
                let row = store::find(conn, &reference)?;
                reply(conn, row, &state, 200)
            })
            .await?);
    }
    Ok(call
        .read_live(&reader, move |conn| {
            let section = store::get_live(conn, &reference, &state.config.site)?;
            let changed_at = store::changed_at(conn, &section)?;
            Ok(Live::new(&section, changed_at)?.keyed([format!("section-{}", section.id)]))
        })
        .await?)
}

/// Change a section
///
/// A merge patch: members that are absent stay as they are, `null` removes. A new name or slug shows at once in every
/// article of the section; the former slug keeps redirecting.
#[utoipa::path(patch, path = "/v1/sections/{section}", operation_id = "updateSection", tag = "sections",
    params(("section" = String, Path, description = "The section's id or slug.")), request_body = SectionInput,
    responses((status = 200, description = "The section as it is now.", body = Section)))]
async fn update_section(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::UpdateSection).await?;
    call.no_query()?;
    let (reference, basis) = (call.reference("section")?, call.basis()?);
    let patch = call.patch().await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let row = store::update(tx, &by, &reference, &basis, &patch)?;
            reply(tx.conn()?, row, &state, 200)
        })
        .await?)
}

/// Move a section to the trash
///
/// Refused while articles or other sections are in it. The slug stays reserved.
#[utoipa::path(delete, path = "/v1/sections/{section}", operation_id = "deleteSection", tag = "sections",
    params(("section" = String, Path, description = "The section's id or slug.")),
    responses((status = 204, description = "The section is in the trash. The ETag is that of the trashed section, for restoring it.")))]
async fn delete_section(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::TrashSection).await?;
    call.no_query()?;
    let (reference, basis, by) = (call.reference("section")?, call.basis()?, caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let row = store::trash(tx, &by, &reference, &basis)?;
            Ok(Reply::no_content().revision(row.revision))
        })
        .await?)
}

/// Bring a section back from the trash
#[utoipa::path(post, path = "/v1/sections/{section}/restore", operation_id = "restoreSection", tag = "sections",
    params(("section" = String, Path, description = "The section's id or slug.")), request_body = crate::http::view::NoInput,
    responses((status = 200, description = "The section as it is now.", body = Section)))]
async fn restore_section(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::RestoreSection).await?;
    call.no_query()?;
    let (reference, basis) = (call.reference("section")?, call.basis()?);
    call.no_input().await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let row = store::restore(tx, &by, &reference, &basis)?;
            reply(tx.conn()?, row, &state, 200)
        })
        .await?)
}

/// The working view of a section.
fn reply(conn: &mut Conn, row: store::SectionRow, state: &State, status: u16) -> Result<Reply> {
    let revision = row.revision;
    let view = store::view_of(conn, row, &state.config.site, Shown::Working)?;
    Ok(Reply::json(status, &view)?.revision(revision))
}
