//! The endpoints of an article's revisions.

use actix_web::HttpResponse;
use deserr::Deserr;
use utoipa::IntoParams;

use super::view::{self, Revision, RevisionDiff, RevisionPage, RevisionSummary};
use crate::{
    articles::{
        live,
        params::parts,
        resolve::Embedded,
        routes::change,
        view::WorkingArticle,
        working::{self, ArticleRow, Parts},
    },
    auth::rights::Operation,
    db::Conn,
    error::{Code, Error, Fault, Result},
    http::{
        call::Call,
        page::{self, Cursor, Limit},
        problem::Refusal,
        query::Names,
        reply::Reply,
        routing::endpoints,
        view::NoInput,
    },
    input::{Faults, Invalid},
};

endpoints! {
    "/v1/articles/{article}/revisions" { get list_revisions }
    "/v1/articles/{article}/revisions/{number}" { get get_revision }
    "/v1/articles/{article}/revisions/{number}/diff" { get diff_revision }
    "/v1/articles/{article}/revisions/{number}/restore" { post restore_revision }
}

/// Which revisions to list.
#[derive(Clone, Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RevisionListParams {
    /// How many to list, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    limit: Limit,
    /// `page.next` or `page.prev` of another page of the same list.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
}

/// What of a revision to answer with.
#[derive(Clone, Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RevisionParams {
    /// Bodies to include instead of `body_html`, separated by commas: `body_html`, `body_blocks`, `body_markdown`,
    /// `body_text`.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "body_blocks")]
    include: Option<Names>,
}

/// What to compare a revision with.
#[derive(Clone, Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DiffParams {
    /// The number of the other revision, older or newer; 0 for an empty article. The one before when left out.
    #[deserr(default)]
    #[param(value_type = i32, minimum = 0, required = false, example = 1)]
    against: Option<Number>,
}

/// The number of a revision; 0 stands for what was before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Number(i32);

impl Number {
    fn parse(text: &str) -> std::result::Result<Self, Invalid> {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_plain);
        number.map(Self).ok_or_else(|| Invalid::new("out_of_range", "must be the number of a revision, or 0"))
    }

    /// Reads the number in an address.
    fn of(call: &Call) -> Result<i32> {
        let text = call.step("number")?;
        let number = Self::parse(&text).ok().map(|number| number.0).filter(|number| *number > 0);
        number.filter(|number| number.to_string() == text).ok_or_else(Error::not_found)
    }
}

crate::input::parsed!(Number);

/// List the revisions of an article
///
/// Everything that was done to the article, the newest first: who, when, and what changed in one line. Revisions that
/// readers never saw may have been removed when they are old; that is a setting of the server. The ETag is that of the
/// working view.
#[utoipa::path(get, path = "/v1/articles/{article}/revisions", operation_id = "listRevisions", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug."), RevisionListParams),
    responses((status = 200, description = "A page of revisions.", body = RevisionPage)))]
async fn list_revisions(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::ListRevisions).await?;
    let params: RevisionListParams = call.query()?;
    let (reference, state) = (call.reference("article")?, call.state.clone());
    let address = call.address();
    Ok(call
        .read_working(move |conn| {
            let row = working::find(conn, &reference, &caller, Operation::ListRevisions)?.row;
            let binding = format!("revisions|{}", row.id);
            let cursor = params.cursor.as_deref().map(|text| Cursor::open(text, &state.key, &binding)).transpose()?;
            let rows = working::page(conn, row.id, params.limit, cursor.as_ref())?;
            let slice = page::slice(rows, params.limit, cursor.as_ref());
            let page = slice.info(params.limit, &state.key, &binding, |row| vec![row.number.to_string()]);
            let links = page::links(&address, &page);
            let users = slice.rows.iter().map(|row| row.created_by).collect();
            let embedded = Embedded::load(conn, std::iter::empty(), users)?;
            let live = live_revision(conn, &row)?;
            let data = slice.rows.into_iter().map(|row| RevisionSummary::new(row, live, &embedded)).collect();
            Ok(Reply::json(200, &RevisionPage { data, page })?.links(links).revision(row.revision))
        })
        .await?)
}

/// The revision that readers see now.
fn live_revision(conn: &mut Conn, row: &ArticleRow) -> Result<Option<i32>> {
    if row.live_revision.is_none() {
        return Ok(None);
    }
    let is_visible = !live::visible(conn, vec![row.id])?.is_empty();
    Ok(row.live_revision.filter(|_| is_visible))
}

/// Read a revision of an article
///
/// What was done, and all that the article said then. Section, authors and tags have the names that they have now; see
/// `as_of` for what readers saw. The ETag is that of the working view, for `restore`.
#[utoipa::path(get, path = "/v1/articles/{article}/revisions/{number}", operation_id = "getRevision", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug."),
        ("number" = i32, Path, minimum = 1, description = "The number of the revision."), RevisionParams),
    responses((status = 200, description = "The revision.", body = Revision)))]
async fn get_revision(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::ReadRevision).await?;
    let params: RevisionParams = call.query()?;
    let parts = params.include.as_ref().map_or(Ok(Parts::SINGLE), parts)?;
    let (reference, number) = (call.reference("article")?, Number::of(&call)?);
    let state = call.state.clone();
    Ok(call
        .read_working(move |conn| {
            let row = working::find(conn, &reference, &caller, Operation::ReadRevision)?.row;
            let (revision, content, body) = working::revision(conn, row.id, number)?.ok_or_else(Error::not_found)?;
            let users = std::iter::once(revision.created_by).chain(content.assigned_to).collect();
            let embedded = Embedded::load(conn, std::iter::once(&content), users)?;
            let summary = RevisionSummary::new(revision, live_revision(conn, &row)?, &embedded);
            let bodies = parts.of(conn, &body, &state.config.site)?;
            let view = view::revision(row.id, summary, content, &body, &embedded, bodies)?;
            Ok(Reply::json(200, &view)?.revision(row.revision))
        })
        .await?)
}

/// Compare a revision of an article with another
///
/// What changed for each member, and for each block of the body, with the words that changed. The ETag is that of the
/// working view.
#[utoipa::path(get, path = "/v1/articles/{article}/revisions/{number}/diff", operation_id = "diffRevision", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug."),
        ("number" = i32, Path, minimum = 1, description = "The number of the revision."), DiffParams),
    responses((status = 200, description = "What changed.", body = RevisionDiff)))]
async fn diff_revision(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::DiffRevision).await?;
    let params: DiffParams = call.query()?;
    let (reference, number) = (call.reference("article")?, Number::of(&call)?);
    Ok(call
        .read_working(move |conn| {
            let row = working::find(conn, &reference, &caller, Operation::DiffRevision)?.row;
            let to = working::said(conn, row.id, number)?.ok_or_else(Error::not_found)?;
            let against = match params.against {
                Some(against) => against.0,
                None => working::before(conn, row.id, number)?.unwrap_or(0),
            };
            let from = if against == 0 { None } else { working::said(conn, row.id, against)? };
            if against != 0 && from.is_none() {
                let fault = Fault::new("/against", "not_found", format!("there is no revision {against}"));
                return Err(Error::faults(Code::InvalidParameter, vec![fault]));
            }
            let diff = view::diff((against, from.as_ref()), (number, &to))?;
            Ok(Reply::json(200, &diff)?.revision(row.revision))
        })
        .await?)
}

/// Take up an older revision again
///
/// Makes what it said the newest revision of the working copy; readers notice nothing. Embargo and assignment stay as they
/// are. What the revision refers to must still be there.
#[utoipa::path(post, path = "/v1/articles/{article}/revisions/{number}/restore", operation_id = "restoreRevision",
    tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug."),
        ("number" = i32, Path, minimum = 1, description = "The number of the revision.")),
    request_body = NoInput,
    responses((status = 200, description = "The newest revision.", body = WorkingArticle)))]
async fn restore_revision(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::RestoreRevision).await?;
    call.no_query()?;
    let (reference, number) = (call.reference("article")?, Number::of(&call)?);
    let basis = call.basis()?;
    call.no_input().await?;
    change(&call, caller, reference, Operation::RestoreRevision, move |tx, caller, working| {
        working::take_up(tx, caller, working, &basis, number)
    })
    .await
}
