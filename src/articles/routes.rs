//! The endpoints of articles.

use actix_web::HttpResponse;

use super::{
    as_of, desk,
    facets::Facet,
    fields::Fields,
    input::ArticleInput,
    lifecycle::State,
    list::{self, Asked},
    live, notices,
    params::{ArticleListParams, ArticleParams},
    previews, scope,
    view::{Article, ArticlePage, WorkingArticle, WorkingArticlePage},
    working::{self, Act, Draft, Edit, Outcome, Parts, Working},
};
use crate::{
    api_keys::{model::Scope, reader::Reader},
    auth::{identity::Caller, rights::Operation},
    changes,
    clock::Instant,
    db::{Conn, Tx},
    delivery::Live,
    error::{Error, Result},
    http::{
        call::Call,
        page::{self, Cursor, PageInfo},
        problem::Refusal,
        reply::Reply,
        routing::endpoints,
        view::{NoInput, View},
    },
    ids::ArticleId,
    policy::Policy,
    reference::Reference,
    revisions::Basis,
    state,
};

endpoints! {
    "/v1/articles" { get list_articles, post create_article }
    "/v1/articles/{article}" { get get_article, patch update_article, delete delete_article }
    "/v1/articles/{article}/restore" { post restore_article }
}

/// List articles
///
/// What readers see, newest first, unless `view=working`. The box of recent posts beside an article is
/// `?limit=6&exclude={id}&fields=id,slug,title,excerpt,published_at`. Filters combine: all must match. Pages follow a
/// cursor, so that nothing is shown twice or left out while articles are published.
#[utoipa::path(get, path = "/v1/articles", operation_id = "listArticles", tag = "articles", params(ArticleListParams),
    responses((status = 200, description = "A page of articles.", body = ArticlePage)))]
async fn list_articles(call: Call) -> Result<HttpResponse, Refusal> {
    let reader = call.reader(Scope::ReadArticles).await?;
    let params: ArticleListParams = call.query()?;
    params.view.require(reader.caller.as_ref(), Operation::ListWorkingArticles)?;
    params.check()?;
    let fields = Fields::of(params.fields.as_ref(), params.view)?;
    let parts = params.parts()?;
    let address = call.address();
    let state = call.state.clone();
    if params.view == View::Working {
        let caller = reader.caller.ok_or_else(Caller::missing)?;
        return Ok(call
            .read_working(move |conn| {
                let page = working_page(conn, &state, &caller, &params, parts)?;
                let links = page::links(&address, &page.page);
                Ok(if fields.is_all() {
                    Reply::json(200, &page)?
                } else {
                    Reply::json(200, &trimmed(&page.data, &page.page, &fields)?)?
                }
                .links(links))
            })
            .await?);
    }
    let policy = reader.policy()?;
    policy.require_bodies(parts.any())?;
    Ok(call
        .read_live(&reader, move |conn| {
            let (page, list) = live_page(conn, &state, &params, parts, &policy)?;
            let links = page::links(&address, &page.page);
            let last_modified = changes::last_at(conn)?;
            let live = if fields.is_all() {
                Live::new(&page, last_modified)?
            } else {
                Live::new(&trimmed(&page.data, &page.page, &fields)?, last_modified)?
            };
            let keys = page.data.iter().map(|article| format!("article-{}", article.id));
            Ok(live.list().keyed(["articles".to_owned(), list.surrogate_key()]).keyed(keys).linked(links))
        })
        .await?)
}

fn trimmed(data: &[impl serde::Serialize], page: &PageInfo, fields: &Fields) -> Result<serde_json::Value> {
    let data = data.iter().map(|item| fields.trim(item)).collect::<Result<Vec<_>>>()?;
    Ok(serde_json::json!({ "data": data, "page": page }))
}

/// Returns a page, and a list in which all that could ever stand on it stands.
fn live_page(
    conn: &mut Conn,
    state: &state::State,
    params: &ArticleListParams,
    parts: Parts,
    policy: &Policy,
) -> Result<(ArticlePage, Facet)> {
    let scope = scope::Scope::now(conn, policy)?;
    let asked = Asked {
        section: params.section.clone(),
        tags: params.tag.0.clone(),
        author: params.author.clone(),
        is_featured: params.featured.map(|flag| flag.0),
        language: params.language.clone(),
    };
    let filter = list::Filter {
        facets: list::facets(conn, &asked, scope.as_ref())?,
        published_after: params.published_after.map(|moment| moment.0),
        published_before: params.published_before.map(|moment| moment.0),
        updated_after: params.updated_after.map(|moment| moment.0),
        exclude: params.exclude.0.iter().flat_map(|ids| ids.0.iter().copied()).collect(),
        sort: params.sort.unwrap_or_default(),
        scope,
    };
    let binding = params.binding();
    let cursor = params.cursor.as_deref().map(|text| Cursor::open(text, &state.key, &binding)).transpose()?;
    let places = list::places(conn, &filter, params.limit, cursor.as_ref())?;
    let slice = page::slice(places, params.limit, cursor.as_ref());
    let info = slice.info(params.limit, &state.key, &binding, |place| place.keys(filter.sort));
    let ids: Vec<ArticleId> = slice.rows.iter().map(|place| place.id).collect();
    let (site, is_described) = (&state.config.site, params.wants_json_ld());
    let mut shown = live::load(conn, &ids, site, Parts { html: parts.html || is_described, ..parts }, policy)?;
    if is_described {
        shown.iter_mut().for_each(|shown| shown.article.describe(site, parts.html));
    }
    let list = filter.list();
    Ok((ArticlePage { data: shown.into_iter().map(|shown| shown.article).collect(), page: info }, list))
}

fn working_page(
    conn: &mut Conn,
    state: &state::State,
    caller: &Caller,
    params: &ArticleListParams,
    parts: Parts,
) -> Result<WorkingArticlePage> {
    let filter = params.desk().filter(conn, caller)?;
    let binding = format!("{}|{}", params.binding(), caller.user_id);
    let cursor = params.cursor.as_deref().map(|text| Cursor::open(text, &state.key, &binding)).transpose()?;
    let seal = |cursor: Cursor| cursor.seal(&state.key, &binding);
    let (rows, page) = desk::page(conn, &filter, params.limit, cursor.as_ref(), seal)?;
    Ok(WorkingArticlePage { data: desk::views(conn, rows, &state.config.site, parts)?, page })
}

/// Create an article
///
/// A draft that readers do not see. The slug is made from the title when it is not given.
#[utoipa::path(post, path = "/v1/articles", operation_id = "createArticle", tag = "articles", request_body = ArticleInput,
    responses((status = 201, description = "The new draft.", body = WorkingArticle)))]
async fn create_article(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::CreateArticle).await?;
    call.no_query()?;
    let input: ArticleInput = call.body().await?;
    let draft = call.make_of_body(move || Draft::read(input)).await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let working = working::create(tx, &by, &draft)?;
            let location = format!("/v1/articles/{}", working.row.id);
            Ok(reply(tx.conn()?, working, &state, 201)?.header("location", location))
        })
        .await?)
}

/// Read an article
///
/// What readers see, unless `view=working`. A former slug answers 301 with the present address. With `as_of`, what readers
/// saw at that time, with the names that section, authors and tags had then; what was killed only for administrators. With
/// `preview`, what they would see if the revision that the token is for were published: then `view` is `preview`, and the
/// answer is for nobody to keep or to index.
#[utoipa::path(get, path = "/v1/articles/{article}", operation_id = "getArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug."), ArticleParams),
    responses((status = 200, description = "The article.", body = Article)))]
async fn get_article(call: Call) -> Result<HttpResponse, Refusal> {
    let reader = call.reader(Scope::ReadArticles).await?;
    let params: ArticleParams = call.query()?;
    params.check()?;
    params.view.require(reader.caller.as_ref(), Operation::ReadWorkingArticle)?;
    let fields = Fields::of(params.fields.as_ref(), params.view)?;
    let parts = params.parts()?;
    let (reference, state) = (call.reference("article")?, call.state.clone());
    if let Some(at) = params.as_of()? {
        return past(&call, &reader, reference, at, fields, parts).await;
    }
    if let Some(preview) = params.preview {
        return Ok(call
            .read_working(move |conn| {
                let article = previews::show(conn, &reference, preview.token(), &state.config.site, parts)?;
                Ok(Reply::json(200, &fields.trim(&article)?)?.header("x-robots-tag", "noindex"))
            })
            .await?);
    }
    if params.view == View::Working {
        let caller = reader.caller.ok_or_else(Caller::missing)?;
        return Ok(call
            .read_working(move |conn| {
                let working = working::find(conn, &reference, &caller, Operation::ReadWorkingArticle)?;
                let revision = working.row.revision;
                let view = working.view(conn, &state.config.site, &parts)?;
                Ok(if fields.is_all() { Reply::json(200, &view)? } else { Reply::json(200, &fields.trim(&view)?)? }
                    .revision(revision))
            })
            .await?);
    }
    let policy = reader.policy()?;
    policy.require_bodies(params.names_bodies())?;
    let is_described = params.wants_json_ld();
    let answer = call
        .read_live(&reader, move |conn| {
            let (site, parts_read) = (&state.config.site, Parts { html: parts.html || is_described, ..parts });
            let mut shown = live::get(conn, &reference, site, parts_read, &policy)?;
            if is_described {
                shown.article.describe(site, parts.html);
            }
            let live = if fields.is_all() {
                Live::new(&shown.article, shown.changed_at)?
            } else {
                Live::new(&fields.trim(&shown.article)?, shown.changed_at)?
            };
            Ok(live.article().keyed(shown.surrogate_keys()))
        })
        .await;
    if let Err(error) = &answer
        && let Some(id) = notices::killed(error)
    {
        call.tells_of([id]);
    }
    Ok(answer?)
}

/// What readers saw at a time, for editors.
async fn past(
    call: &Call,
    reader: &Reader,
    reference: Reference<ArticleId>,
    at: Instant,
    fields: Fields,
    parts: Parts,
) -> Result<HttpResponse, Refusal> {
    let caller = reader.caller.clone().ok_or_else(Caller::missing)?;
    caller.may_ever(Operation::ReadArticleHistory)?;
    let state = call.state.clone();
    Ok(call
        .read_live(reader, move |conn| {
            let (article, since) = as_of::get(conn, &reference, at, &caller, &state.config.site, parts)?;
            if fields.is_all() { Live::new(&article, since) } else { Live::new(&fields.trim(&article)?, since) }
        })
        .await?)
}

/// Change an article
///
/// A merge patch on the working copy: members that are absent stay as they are, `null` removes. Readers notice nothing
/// until the next `publish`. A body replaces the one before, whichever way either is written; blocks that come as HTML keep
/// their ids as far as they can be recognized. With `Prefer: merge`, a change that is based on an older revision is merged
/// with what was changed since: different members and different blocks go together.
#[utoipa::path(patch, path = "/v1/articles/{article}", operation_id = "updateArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = ArticleInput,
    responses((status = 200, description = "The newest revision.", body = WorkingArticle)))]
async fn update_article(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::UpdateArticle).await?;
    call.no_query()?;
    let (reference, basis) = (call.reference("article")?, call.basis()?);
    let is_merge = call.prefers("merge");
    let patch = call.patch().await?;
    let edit = call.make_of_body(move || Edit::read(patch)).await?;
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let old = working::take(tx, &reference, &by, Operation::UpdateArticle)?;
            if !is_merge {
                let changed = working::update(tx, &by, old, &basis, &edit)?;
                return reply(tx.conn()?, changed, &state, 200);
            }
            let (changed, outcome) = working::merge(tx, &by, old, &basis, &edit)?;
            let reply = reply(tx.conn()?, changed, &state, 200)?;
            Ok(if outcome == Outcome::Merged { reply.header("preference-applied", "merge") } else { reply })
        })
        .await?)
}

/// Move an article to the trash
///
/// Only what readers do not see: a published article is withdrawn first. The slug stays reserved.
#[utoipa::path(delete, path = "/v1/articles/{article}", operation_id = "deleteArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")),
    responses((status = 204, description = "The article is in the trash. The ETag is that of the trashed article, for restoring it.")))]
async fn delete_article(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::TrashArticle).await?;
    call.no_query()?;
    let (reference, basis, by) = (call.reference("article")?, call.basis()?, caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let working = working::take(tx, &reference, &by, Operation::TrashArticle)?;
            let trashed = working::trash(tx, &by, working, &basis)?;
            Ok(Reply::no_content().revision(trashed.row.revision))
        })
        .await?)
}

/// Bring an article back from the trash, or after it was killed
///
/// From the trash it comes back as it was. What was killed comes back as `withdrawn`; its address then answers 404.
#[utoipa::path(post, path = "/v1/articles/{article}/restore", operation_id = "restoreArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = NoInput,
    responses((status = 200, description = "The article as it is now.", body = WorkingArticle)))]
async fn restore_article(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::RestoreArticle).await?;
    call.no_query()?;
    let (reference, basis): (_, Basis) = (call.reference("article")?, call.basis()?);
    call.no_input().await?;
    let rules = call.state.config.desk.preflight.clone();
    change(&call, caller, reference, Operation::RestoreArticle, move |tx, caller, working| {
        if working.row.state != State::Killed {
            return working::restore(tx, caller, working, &basis);
        }
        if !caller.may(Operation::ReviveArticle, working.row.created_by) {
            return Err(caller.forbidden(Operation::ReviveArticle));
        }
        working::transition(tx, caller, working, &basis, &Act::Revive, &rules)
    })
    .await
}

/// Finds the article, changes it in one transaction and answers with its working view.
pub(super) async fn change<F>(
    call: &Call,
    caller: Caller,
    reference: Reference<ArticleId>,
    operation: Operation,
    work: F,
) -> Result<HttpResponse, Refusal>
where
    F: Fn(&mut Tx<'_>, &Caller, Working) -> Result<Working> + Send + 'static,
{
    let (state, by) = (call.state.clone(), caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let working = working::take(tx, &reference, &by, operation)?;
            let changed = work(tx, &by, working)?;
            reply(tx.conn()?, changed, &state, 200)
        })
        .await?)
}

/// The working view of an article.
fn reply(conn: &mut Conn, working: Working, state: &state::State, status: u16) -> Result<Reply, Error> {
    let revision = working.row.revision;
    let view = working.view(conn, &state.config.site, &Parts::SINGLE)?;
    Ok(Reply::json(status, &view)?.revision(revision))
}
