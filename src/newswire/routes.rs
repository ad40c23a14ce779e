//! The endpoints of the newswire.

use std::time::Duration;

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{Method, Version},
};
use bytes::Bytes;
use deserr::Deserr;
use futures_util::Stream;
use utoipa::IntoParams;

use super::{
    entry::{ChangePage, ChangePageInfo},
    read::{self, Read, Span, View},
    snapshot::Snapshot,
    stream,
};
use crate::{
    api_keys::model::Scope,
    changes::{follow, wire::With},
    db::types::text_enum,
    error::{Code, Error, Fault, Result},
    http::{
        call::Call,
        page::{self, Limit, PageInfo},
        problem::Refusal,
        query::Names,
        routing::endpoints,
    },
    input::{Faults, Invalid, parsed},
    state::State,
};

endpoints! {
    "/v1/changes" { get list_changes }
    "/v1/changes/stream" { get stream_changes }
    "/v1/snapshot" { get get_snapshot }
}

text_enum! {
    /// Where to begin without a cursor.
    pub enum From as ChangesFrom {
        /// With the oldest change that is kept.
        Oldest = "oldest",
        /// With what comes from now on.
        Latest = "latest",
    }
}

/// How long to wait for something new, in seconds: 1 to 30.
#[derive(Clone, Copy, Debug)]
struct Wait(u64);

impl Wait {
    fn parse(text: &str) -> Result<Self, Invalid> {
        let seconds = text.parse().ok().filter(|seconds| (1..=30).contains(seconds) && text.len() <= 2);
        seconds.map(Self).ok_or_else(|| Invalid::new("out_of_range", "must be a whole number of seconds from 1 to 30"))
    }
}

parsed!(Wait);

/// What the changes are told with.
fn with(include: Option<&Names>) -> Result<With> {
    let Some(names) = include else { return Ok(With::Entries) };
    if names.0.iter().all(|name| name == "article") {
        return Ok(With::Articles);
    }
    let fault = Fault::new("/include", "unknown", "can be article");
    Err(Error::faults(Code::InvalidParameter, vec![fault]))
}

/// Refuses a cursor together with a place to begin.
fn check(cursor: Option<&String>, from: Option<From>) -> Result<()> {
    if cursor.is_some() && from.is_some() {
        let fault = Fault::new("/from", "not_allowed", "not with a cursor, which says where to begin");
        return Err(Error::faults(Code::InvalidParameter, vec![fault]));
    }
    Ok(())
}

/// Which changes to read.
#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangeListParams {
    /// `page.next` of the answer before, the `cursor` of an entry, or that of a snapshot.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// Where to begin without a cursor: `oldest` (the default) or `latest`.
    #[deserr(default)]
    #[param(required = false)]
    from: Option<From>,
    /// The most changes to answer with, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    limit: Limit,
    /// How many seconds to wait when there is nothing new, 1 to 30. The answer comes as soon as there is something.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 30, required = false)]
    wait: Option<Wait>,
    /// `article`: every entry about an article carries it as readers see it now.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "article")]
    include: Option<Names>,
}

/// Which changes to stream.
#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangeStreamParams {
    /// The cursor to go on from. `Last-Event-ID`, which browsers send when they come back, goes before it.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// Where to begin without a cursor: `latest` (the default) or `oldest`.
    #[deserr(default)]
    #[param(required = false)]
    from: Option<From>,
    /// `article`: every entry about an article carries it as readers see it now.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "article")]
    include: Option<Names>,
}

/// List what has changed
///
/// Every change of what readers see, each once, in one order. Go on with `page.next`, which is always there; with `wait`,
/// the answer comes as soon as there is something. To keep a copy: start from `GET /v1/snapshot`, then apply the entries
/// in order: put `article` in the place of what you have, or remove it when it is null, and read anew whatever else
/// you keep under one of the `keys`; `article_keys` are those of the article itself. A cursor that is older than the log
/// answers 410; start from the snapshot again. A page may have fewer entries than `limit` although there are more. Not for
/// caches: `private, no-store`.
#[utoipa::path(get, path = "/v1/changes", operation_id = "listChanges", tag = "changes", params(ChangeListParams),
    responses((status = 200, description = "The next changes; none, when nothing is new.", body = ChangePage)))]
async fn list_changes(call: Call) -> Result<HttpResponse, Refusal> {
    let reader = call.reader(Scope::ReadChanges).await?;
    let params: ChangeListParams = call.query()?;
    check(params.cursor.as_ref(), params.from)?;
    let (with, state) = (with(params.include.as_ref())?, &call.state);
    let from = params.from.unwrap_or(From::Oldest);
    let position = begin(state, params.cursor.as_deref(), from).await?;
    let view = View { with, policy: reader.policy()? };
    let (read, has_more) = poll(state, position, params.limit, params.wait, &view).await?;
    call.tells_of(read.articles());
    let next = read::cursor(&state.key, read.position);
    let links = PageInfo { limit: params.limit.get(), next: Some(next.clone()), prev: None };
    let links = page::links(&call.address(), &links).unwrap_or_default();
    let page = ChangePageInfo { limit: params.limit.get(), next, has_more };
    let body = serde_json::to_string(&ChangePage { data: read.entries, page }).map_err(Error::internal)?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header(("cache-control", "private, no-store"))
        .insert_header(("link", links))
        .body(body))
}

/// Returns the place where to begin.
async fn begin(state: &State, cursor: Option<&str>, from: From) -> Result<i64> {
    let known = state.wire.reached_by_now();
    match (cursor, from) {
        (Some(cursor), _) => read::place(&state.key, cursor),
        (None, From::Oldest) => state.db.read_content(follow::before_first).await,
        // Nothing has been read yet.
        (None, From::Latest) if known == 0 => state.db.read_content(follow::last).await,
        (None, From::Latest) => Ok(known),
    }
}

/// Reads what is new, or waits until there is something; says also whether there is more.
async fn poll(state: &State, position: i64, limit: Limit, wait: Option<Wait>, view: &View) -> Result<(Read, bool)> {
    let mut position = position;
    let (mut news, mut closing) = (state.wire.position(), state.readiness.closing());
    let deadline = wait.map(|Wait(seconds)| tokio::time::Instant::now() + Duration::from_secs(seconds));
    let mut place = None;
    loop {
        let until = *news.borrow_and_update();
        let read = look(state, Span { position, until }, limit, view).await?;
        // What is not for this reader need not be read again.
        let is_further = position < read.position;
        position = read.position;
        if wait.is_some() && read.entries.is_empty() && is_further && position < until {
            continue;
        }
        let Some(deadline) = deadline.filter(|_| read.entries.is_empty()) else {
            let has_more = is_further && read.position < until;
            return Ok((read, has_more));
        };
        if place.is_none() {
            place = Some(state.wire.join()?);
        }
        tokio::select! {
            changed = news.changed() => changed.map_err(Error::internal)?,
            () = tokio::time::sleep_until(deadline) => return Ok((read, false)),
            _ = closing.wait_for(|is_closed| *is_closed) => return Ok((read, false)),
        }
    }
}

/// Reads what came after a place. Whoever is at the end of what this server has read costs no statement.
async fn look(state: &State, span: Span, limit: Limit, view: &View) -> Result<Read> {
    let Span { position, until } = span;
    if position == until {
        return Ok(Read { entries: Vec::new(), position });
    }
    let (for_work, span, view) = (state.clone(), Span { position, until: until.max(position) }, view.clone());
    let read = move |conn: &mut _| read::after(conn, &for_work, span, limit.get(), &view);
    state.db.read_content(read).await
}

/// Follow what changes
///
/// The same changes as Server-Sent Events: `id` is the cursor, `event` the kind, `data` the entry in one line of JSON. The
/// first event is `ready`; its `id` is where the stream begins. When the connection ends, come back with `Last-Event-ID`,
/// as browsers do by themselves, and nothing is missed. A comment comes every 15 seconds when nothing else does. A server
/// takes a bounded number of readers that wait (`FRONTPAGE_CHANGES_READERS`); beyond it the answer is 503.
#[utoipa::path(get, path = "/v1/changes/stream", operation_id = "streamChanges", tag = "changes",
    params(ChangeStreamParams, ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that you have seen.")),
    responses((status = 200, description = "Events, for as long as the connection lasts.", body = String, content_type = "text/event-stream")))]
async fn stream_changes(call: Call) -> Result<HttpResponse, Refusal> {
    let reader = call.reader(Scope::ReadChanges).await?;
    let params: ChangeStreamParams = call.query()?;
    check(params.cursor.as_ref(), params.from)?;
    let with = with(params.include.as_ref())?;
    let last = call.headers().get("last-event-id").map(|value| value.to_str().unwrap_or_default().to_owned());
    let cursor = last.filter(|last| !last.is_empty()).or(params.cursor);
    let from = params.from.unwrap_or(From::Latest);
    let position = begin(&call.state, cursor.as_deref(), from).await?;
    let events = stream::open(&call.state, position, with, &reader).await?;
    let mut answer = HttpResponse::Ok();
    answer.content_type("text/event-stream").insert_header(("cache-control", "private, no-store"));
    // Some proxies would collect what is to arrive at once.
    answer.insert_header(("x-accel-buffering", "no"));
    Ok(streamed(&call, answer, events))
}

/// Read all that is published
///
/// A line of JSON for each section, staff profile, tag and article that readers see, the articles as
/// `GET /v1/articles/{article}` has them and with the keys under which to keep them:
/// `{"type": "article", "article": {…}, "article_keys": […]}`. The last line has `"type": "end"` and the
/// cursor with which `GET /v1/changes` goes on; without that line it is not complete. What changes while it is read comes
/// again as a change. A server writes four at a time; beyond it the answer is 503.
#[utoipa::path(get, path = "/v1/snapshot", operation_id = "getSnapshot", tag = "changes",
    responses((status = 200, description = "One JSON object in each line.", body = String, content_type = "application/x-ndjson")))]
async fn get_snapshot(call: Call) -> Result<HttpResponse, Refusal> {
    let reader = call.reader(Scope::ReadChanges).await?;
    call.no_query()?;
    let snapshot = Snapshot::begin(&call.state, &reader).await?;
    let mut answer = HttpResponse::Ok();
    answer.content_type("application/x-ndjson").insert_header(("cache-control", "private, no-store"));
    Ok(streamed(&call, answer, snapshot.lines()))
}

/// Answers with what comes bit by bit. HEAD has the same headers, and nothing is read for it. Who speaks HTTP/1.0 knows
/// no chunks: there the end of the connection is the end.
fn streamed<S>(call: &Call, mut answer: HttpResponseBuilder, body: S) -> HttpResponse
where
    S: Stream<Item = Result<Bytes, Error>> + 'static,
{
    let is_head = call.request().method() == Method::HEAD;
    let is_old = call.request().version() < Version::HTTP_11;
    if is_old {
        answer.force_close();
    }
    let nothing = futures_util::stream::empty::<Result<Bytes, Error>>();
    let mut answer = if is_head { answer.streaming(nothing) } else { answer.streaming(body) };
    answer.head_mut().no_chunking(is_old);
    answer
}
