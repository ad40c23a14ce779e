//! The endpoints of the verbs: what is done to an article as a whole.

use actix_web::HttpResponse;
use deserr::Deserr;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    lifecycle::Verb,
    preflight::{self, Finding},
    routes::change,
    view::WorkingArticle,
    working::{self, Act, Times},
};
use crate::{
    auth::{identity::Caller, rights::Operation},
    body::BlockId,
    config::Severity,
    error::Error,
    http::{call::Call, problem::Refusal, query::Moment, reply::Reply, routing::endpoints, view::NoInput},
    ids::ArticleId,
    input::{Faults, Invalid, Prose},
    reference::Reference,
    revisions::Basis,
};

endpoints! {
    "/v1/articles/{article}/submit" { post submit_article }
    "/v1/articles/{article}/return" { post return_article }
    "/v1/articles/{article}/approve" { post approve_article }
    "/v1/articles/{article}/preflight" { get preflight_article }
    "/v1/articles/{article}/publish" { post publish_article }
    "/v1/articles/{article}/schedule" { post schedule_article }
    "/v1/articles/{article}/unschedule" { post unschedule_article }
    "/v1/articles/{article}/withdraw" { post withdraw_article }
    "/v1/articles/{article}/correct" { post correct_article }
    "/v1/articles/{article}/fix" { post fix_article }
    "/v1/articles/{article}/kill" { post kill_article }
}

/// Why an article is handed back.
#[derive(Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
struct ReturnInput {
    /// What the author is to do, up to 2,000 characters; the working view shows it until the article is submitted again.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000, example = "Who says that the pier is safe? Call the harbor office.")]
    note: Option<Prose<2000>>,
}

/// When something is to happen; at least one of the two.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
struct ScheduleInput {
    /// When readers are to see the article, to the millisecond. Only for what readers do not see yet.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-12-01T06:00:00Z")]
    publish_at: Option<Moment>,
    /// When readers are to see it no more.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-12-31T23:00:00Z")]
    withdraw_at: Option<Moment>,
}

/// What was wrong.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
struct CorrectInput {
    /// What readers are told: what was wrong, and what is right; up to 2,000 characters.
    #[schema(value_type = String, min_length = 1, max_length = 2000, example = "An earlier version said that the pier opened in 1951. It was 1961.")]
    note: Prose<2000>,
    /// The block of the body that was corrected.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "b0m3kq9v7dt")]
    block_id: Option<BlockReference>,
}

/// Why an article is gone.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
struct KillInput {
    /// What readers are told in place of the article, up to 2,000 characters.
    #[schema(value_type = String, min_length = 1, max_length = 2000, example = "This article did not meet our standards and has been removed.")]
    notice: Prose<2000>,
}

/// The id of a block, as it is named outside of a body.
#[derive(Debug)]
struct BlockReference(BlockId);

impl BlockReference {
    fn parse(text: &str) -> Result<Self, Invalid> {
        BlockId::parse(text)
            .map(Self)
            .ok_or_else(|| Invalid::new("invalid_id", "must be the id of a block of the body"))
    }
}

crate::input::parsed!(BlockReference);

/// Hand an article in for review
///
/// From `draft` or `withdrawn`, or from `published` with changes that readers do not see yet, to `in_review`.
#[utoipa::path(post, path = "/v1/articles/{article}/submit", operation_id = "submitArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = NoInput,
    responses((status = 200, description = "The article as it is now.", body = WorkingArticle)))]
async fn submit_article(call: Call) -> Result<HttpResponse, Refusal> {
    plainly(call, Act::Submit).await
}

/// Hand an article back to its author
///
/// From `in_review` or `approved` to `draft`, or to `published` when readers see an earlier revision.
#[utoipa::path(post, path = "/v1/articles/{article}/return", operation_id = "returnArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = ReturnInput,
    responses((status = 200, description = "The article as it is now.", body = WorkingArticle)))]
async fn return_article(mut call: Call) -> Result<HttpResponse, Refusal> {
    let target = Target::of(&call, Verb::Return).await?;
    let input: ReturnInput = call.body_or_default().await?;
    perform(call, target, Act::Return(input.note)).await
}

/// Find an article good
///
/// From `in_review` to `approved`. A change by somebody who may not approve takes it back to `in_review`.
#[utoipa::path(post, path = "/v1/articles/{article}/approve", operation_id = "approveArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = NoInput,
    responses((status = 200, description = "The article as it is now.", body = WorkingArticle)))]
async fn approve_article(call: Call) -> Result<HttpResponse, Refusal> {
    plainly(call, Act::Approve).await
}

/// Show an article to readers
///
/// Makes the newest revision what readers see, at once, or when its embargo ends. From any state but `killed`, unless
/// readers see the newest revision already. `preflight` tells what is missing; publishing refuses its errors.
#[utoipa::path(post, path = "/v1/articles/{article}/publish", operation_id = "publishArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = NoInput,
    responses((status = 200, description = "The article as it is now.", body = WorkingArticle)))]
async fn publish_article(call: Call) -> Result<HttpResponse, Refusal> {
    plainly(call, Act::Publish).await
}

/// Show an article to readers later, or take it away later
///
/// `publish_at` is for what readers do not see: the newest revision as it is now will be what they see from that moment
/// on, by the database's clock. Later changes need another `schedule`. `withdraw_at` is for anything that readers see or
/// will see. A time that was scheduled before stays unless it is given again; `unschedule` calls off both.
#[utoipa::path(post, path = "/v1/articles/{article}/schedule", operation_id = "scheduleArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = ScheduleInput,
    responses((status = 200, description = "The article as it is now.", body = WorkingArticle)))]
async fn schedule_article(mut call: Call) -> Result<HttpResponse, Refusal> {
    let target = Target::of(&call, Verb::Schedule).await?;
    let input: ScheduleInput = call.body().await?;
    let times = Times {
        publish_at: input.publish_at.map(|moment| moment.0),
        withdraw_at: input.withdraw_at.map(|moment| moment.0),
    };
    if times.publish_at.is_none() && times.withdraw_at.is_none() {
        return Err(Error::invalid("", "required", "give publish_at, withdraw_at or both").into());
    }
    perform(call, target, Act::Schedule(times)).await
}

/// Call off what was scheduled
///
/// A scheduled article goes back to the state that it was in before. What readers see stays, without an end.
#[utoipa::path(post, path = "/v1/articles/{article}/unschedule", operation_id = "unscheduleArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = NoInput,
    responses((status = 200, description = "The article as it is now.", body = WorkingArticle)))]
async fn unschedule_article(call: Call) -> Result<HttpResponse, Refusal> {
    plainly(call, Act::Unschedule).await
}

/// Take an article away from readers
///
/// Its address answers 404 at once; the working copy stays.
#[utoipa::path(post, path = "/v1/articles/{article}/withdraw", operation_id = "withdrawArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = NoInput,
    responses((status = 200, description = "The article as it is now.", body = WorkingArticle)))]
async fn withdraw_article(call: Call) -> Result<HttpResponse, Refusal> {
    plainly(call, Act::Withdraw).await
}

/// Correct an article
///
/// Makes the newest revision what readers see and adds the note to `corrections`, which readers see too; `updated_at`
/// moves. Only for what readers see.
#[utoipa::path(post, path = "/v1/articles/{article}/correct", operation_id = "correctArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = CorrectInput,
    responses((status = 200, description = "The article as it is now.", body = WorkingArticle)))]
async fn correct_article(mut call: Call) -> Result<HttpResponse, Refusal> {
    let target = Target::of(&call, Verb::Correct).await?;
    let input: CorrectInput = call.body().await?;
    perform(call, target, Act::Correct(input.note, input.block_id.map(|block| block.0))).await
}

/// Fix an article without a word
///
/// Makes the newest revision what readers see and leaves `updated_at` as it is: for a typing error, not for what was
/// wrong. Only for what readers see.
#[utoipa::path(post, path = "/v1/articles/{article}/fix", operation_id = "fixArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = NoInput,
    responses((status = 200, description = "The article as it is now.", body = WorkingArticle)))]
async fn fix_article(call: Call) -> Result<HttpResponse, Refusal> {
    plainly(call, Act::Fix).await
}

/// Take an article away from readers for good
///
/// Its address answers 410 with the notice, and nothing of the article is left anywhere; only administrators can read
/// it. `restore` brings it back for the newsroom.
#[utoipa::path(post, path = "/v1/articles/{article}/kill", operation_id = "killArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")), request_body = KillInput,
    responses((status = 200, description = "The article as it is now.", body = WorkingArticle)))]
async fn kill_article(mut call: Call) -> Result<HttpResponse, Refusal> {
    let target = Target::of(&call, Verb::Kill).await?;
    let input: KillInput = call.body().await?;
    perform(call, target, Act::Kill(input.notice)).await
}

/// What is missing before an article can be put before readers.
#[derive(Debug, Serialize, ToSchema)]
struct Preflight {
    /// Whether publishing would go through: there is no error among the findings.
    is_ready: bool,
    /// What is missing or left over.
    findings: Vec<Finding>,
}

/// Check an article before publishing
///
/// What is missing or left over in the newest revision. Publishing refuses the errors. Which findings are errors is a
/// setting of the server.
#[utoipa::path(get, path = "/v1/articles/{article}/preflight", operation_id = "preflightArticle", tag = "articles",
    params(("article" = String, Path, description = "The article's id or slug.")),
    responses((status = 200, description = "What was found.", body = Preflight)))]
async fn preflight_article(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::CheckArticle).await?;
    call.no_query()?;
    let (reference, state) = (call.reference("article")?, call.state.clone());
    Ok(call
        .read_working(move |conn| {
            let working = working::find(conn, &reference, &caller, Operation::CheckArticle)?;
            let rules = &state.config.desk.preflight;
            let findings = preflight::findings(conn, &working.candidate(), rules)?;
            let is_ready = findings.iter().all(|finding| finding.severity != Severity::Error);
            Ok(Reply::json(200, &Preflight { is_ready, findings })?.revision(working.row.revision))
        })
        .await?)
}

/// What a verb is done to, by whom, and what they know of it.
struct Target {
    caller: Caller,
    article: Reference<ArticleId>,
    basis: Basis,
}

impl Target {
    async fn of(call: &Call, verb: Verb) -> Result<Self, Refusal> {
        let caller = call.caller(verb.operation()).await?;
        call.no_query()?;
        Ok(Self { caller, article: call.reference("article")?, basis: call.basis()? })
    }
}

/// Does a verb that says nothing but itself.
async fn plainly(mut call: Call, act: Act) -> Result<HttpResponse, Refusal> {
    let target = Target::of(&call, act.verb()).await?;
    call.no_input().await?;
    perform(call, target, act).await
}

/// Does a verb whose input was read.
async fn perform(call: Call, target: Target, act: Act) -> Result<HttpResponse, Refusal> {
    let Target { caller, article, basis } = target;
    let rules = call.state.config.desk.preflight.clone();
    change(&call, caller, article, act.verb().operation(), move |tx, caller, working| {
        working::transition(tx, caller, working, &basis, &act, &rules)
    })
    .await
}
