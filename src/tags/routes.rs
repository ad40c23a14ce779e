//! The endpoints of tags.

use actix_web::HttpResponse;
use deserr::Deserr;
use utoipa::IntoParams;

use super::{
    merge,
    model::{Prefix, Tag, TagInput, TagMergeInput, TagPage},
    store::{self, TagRow},
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
    policy::Policy,
    resources::Shown,
    state::State,
};

endpoints! {
    "/v1/tags" { get list_tags, post create_tag }
    "/v1/tags/{tag}" { get get_tag, patch update_tag, delete delete_tag }
    "/v1/tags/{tag}/restore" { post restore_tag }
    "/v1/tags/{tag}/merge" { post merge_tag }
}

/// Which tags to list.
#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TagListParams {
    /// `live` (the default) is what readers see; `working` has all tags, adds revisions and needs a token.
    #[deserr(default)]
    #[param(required = false)]
    view: View,
    /// `true` lists what is in the trash; only with `view=working`.
    #[deserr(default)]
    #[param(value_type = bool, required = false)]
    trashed: Option<Flag>,
    /// Only tags whose slug starts like the slug that would be made from this text: `United S` finds `united-states`.
    /// Case does not matter, accents do.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1, example = "ship")]
    prefix: Option<Prefix>,
    /// How many to list, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    limit: Limit,
    /// `page.next` or `page.prev` of another page of the same list.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
}

impl TagListParams {
    fn shown(&self) -> Result<Shown> {
        self.view.shown(self.trashed, Shown::Live, Shown::Working, Shown::Trash)
    }

    fn read(&self, conn: &mut Conn, state: &State, policy: &Policy) -> Result<TagPage> {
        let (shown, site) = (self.shown()?, &state.config.site);
        let binding = format!("tags|{shown:?}|{}", self.prefix.as_ref().map(Prefix::as_str).unwrap_or_default());
        let cursor = self.cursor.as_deref().map(|text| Cursor::open(text, &state.key, &binding)).transpose()?;
        let rows = store::page(conn, shown, self.prefix.as_ref(), self.limit, cursor.as_ref(), policy)?;
        let slice = page::slice(rows, self.limit, cursor.as_ref());
        let info = slice.info(self.limit, &state.key, &binding, |row| vec![row.slug.clone()]);
        Ok(TagPage { data: slice.rows.into_iter().map(|row| row.view(site, shown)).collect(), page: info })
    }
}

/// List tags
///
/// In the order of their slugs. Readers see a tag while an article that they can see carries it; `view=working` has
/// all of them.
#[utoipa::path(get, path = "/v1/tags", operation_id = "listTags", tag = "tags", params(TagListParams),
    responses((status = 200, description = "A page of tags.", body = TagPage)))]
async fn list_tags(call: Call) -> Result<HttpResponse, Refusal> {
    let reader = call.reader(Scope::ReadArticles).await?;
    let params: TagListParams = call.query()?;
    params.view.require(reader.caller.as_ref(), Operation::ListWorkingTags)?;
    let (state, address) = (call.state.clone(), call.address());
    if params.view == View::Working {
        return Ok(call
            .read_working(move |conn| {
                let page = params.read(conn, &state, &Policy::OPEN)?;
                Ok(Reply::json(200, &page)?.links(page::links(&address, &page.page)))
            })
            .await?);
    }
    params.shown()?;
    let policy = reader.policy()?;
    Ok(call
        .read_live(&reader, move |conn| {
            let page = params.read(conn, &state, &policy)?;
            let links = page::links(&address, &page.page);
            Ok(Live::new(&page, changes::last_at(conn)?)?.keyed(["tags".to_owned()]).linked(links))
        })
        .await?)
}

/// Create a tag
///
/// Readers see it from the moment that an article with it is published. The slug is made from the name when it is not
/// given.
#[utoipa::path(post, path = "/v1/tags", operation_id = "createTag", tag = "tags", request_body = TagInput,
    responses((status = 201, description = "The new tag.", body = Tag)))]
async fn create_tag(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::CreateTag).await?;
    call.no_query()?;
    let input: TagInput = call.body().await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let row = store::create(tx, Some(&by), &input)?;
            let location = format!("/v1/tags/{}", row.id);
            Ok(reply(row, &state, 201)?.header("location", location))
        })
        .await?)
}

/// Read a tag
///
/// A former slug, and the slug or id of a tag that was merged into this one, answer 301 with the present address.
#[utoipa::path(get, path = "/v1/tags/{tag}", operation_id = "getTag", tag = "tags",
    params(("tag" = String, Path, description = "The tag's id or slug."), View),
    responses((status = 200, description = "The tag.", body = Tag)))]
async fn get_tag(call: Call) -> Result<HttpResponse, Refusal> {
    let reader = call.reader(Scope::ReadArticles).await?;
    let view = View::of(&call, reader.caller.as_ref(), Operation::ReadWorkingTag)?;
    let (reference, state) = (call.reference("tag")?, call.state.clone());
    if view == View::Working {
        return Ok(call.read_working(move |conn| reply(store::find(conn, &reference)?, &state, 200)).await?);
    }
    let policy = reader.policy()?;
    Ok(call
        .read_live(&reader, move |conn| {
            let tag = store::get_live(conn, &reference, &state.config.site, &policy)?;
            let (key, updated_at) = (format!("tag-{}", tag.id), tag.updated_at);
            Ok(Live::new(&tag, updated_at)?.keyed([key]))
        })
        .await?)
}

/// Change a tag
///
/// A merge patch: members that are absent stay as they are, `null` removes. A new name or slug shows at once in every
/// article with the tag; the former slug keeps redirecting.
#[utoipa::path(patch, path = "/v1/tags/{tag}", operation_id = "updateTag", tag = "tags",
    params(("tag" = String, Path, description = "The tag's id or slug.")), request_body = TagInput,
    responses((status = 200, description = "The tag as it is now.", body = Tag)))]
async fn update_tag(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::UpdateTag).await?;
    call.no_query()?;
    let (reference, basis) = (call.reference("tag")?, call.basis()?);
    let patch = call.patch().await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call.write(&caller, move |tx| reply(store::update(tx, &by, &reference, &basis, &patch)?, &state, 200)).await?)
}

/// Move a tag to the trash
///
/// Refused while articles carry it; merge it into another instead. The slug stays reserved.
#[utoipa::path(delete, path = "/v1/tags/{tag}", operation_id = "deleteTag", tag = "tags",
    params(("tag" = String, Path, description = "The tag's id or slug.")),
    responses((status = 204, description = "The tag is in the trash. The ETag is that of the trashed tag, for restoring it.")))]
async fn delete_tag(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::TrashTag).await?;
    call.no_query()?;
    let (reference, basis, by) = (call.reference("tag")?, call.basis()?, caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let row = store::trash(tx, &by, &reference, &basis)?;
            Ok(Reply::no_content().revision(row.revision))
        })
        .await?)
}

/// Bring a tag back from the trash
#[utoipa::path(post, path = "/v1/tags/{tag}/restore", operation_id = "restoreTag", tag = "tags",
    params(("tag" = String, Path, description = "The tag's id or slug.")), request_body = crate::http::view::NoInput,
    responses((status = 200, description = "The tag as it is now.", body = Tag)))]
async fn restore_tag(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::RestoreTag).await?;
    call.no_query()?;
    let (reference, basis) = (call.reference("tag")?, call.basis()?);
    call.no_input().await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call.write(&caller, move |tx| reply(store::restore(tx, &by, &reference, &basis)?, &state, 200)).await?)
}

/// Merge a tag into another
///
/// All articles that carry the tag carry the other one instead, at once and without new revisions. The slugs and the id
/// of the tag lead to the other one from then on. This cannot be undone. `If-Match` takes the ETag of the tag that goes
/// away.
#[utoipa::path(post, path = "/v1/tags/{tag}/merge", operation_id = "mergeTag", tag = "tags",
    params(("tag" = String, Path, description = "The id or slug of the tag that goes away.")), request_body = TagMergeInput,
    responses((status = 200, description = "The tag that stays.", body = Tag)))]
async fn merge_tag(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::MergeTag).await?;
    call.no_query()?;
    let (reference, basis) = (call.reference("tag")?, call.basis()?);
    let input: TagMergeInput = call.body().await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call
        .write(&caller, move |tx| reply(merge::merge(tx, &by, &reference, &basis, &input.into)?, &state, 200))
        .await?)
}

/// The working view of a tag.
fn reply(row: TagRow, state: &State, status: u16) -> Result<Reply> {
    let revision = row.revision;
    Ok(Reply::json(status, &row.view(&state.config.site, Shown::Working))?.revision(revision))
}
