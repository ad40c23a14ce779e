//! The endpoints of feeds.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::{
    archive::Page,
    feed::{self, Asked, Of},
    json_feed::JsonFeed,
    ninjs::{Ninjs, NinjsPage},
    params::{FeedParams, Format, NinjsListParams},
    partner,
    profile::{Profile, View},
    sitemap,
};
use crate::{
    api_keys::{model::Scope, reader::Reader},
    error::{Code, Error, Result},
    http::{call::Call, problem::Refusal, routing::endpoints},
    policy::Policy,
    reference::{ParseId, Reference},
};

endpoints! {
    "/feeds/articles.{format}" { get get_feed }
    "/feeds/articles/{month}.{format}" { get get_feed_archive }
    "/feeds/sections/{section}.{format}" { get get_section_feed }
    "/feeds/sections/{section}/{month}.{format}" { get get_section_feed_archive }
    "/feeds/tags/{tag}.{format}" { get get_tag_feed }
    "/feeds/tags/{tag}/{month}.{format}" { get get_tag_feed_archive }
    "/feeds/staff/{staff}.{format}" { get get_staff_feed }
    "/feeds/staff/{staff}/{month}.{format}" { get get_staff_feed_archive }
    "/sitemaps/index.xml" { get get_sitemap_index }
    "/sitemaps/news.xml" { get get_news_sitemap }
    "/sitemaps/{month}.xml" { get get_sitemap }
    "/v1/ninjs/articles" { get list_ninjs_articles }
    "/v1/ninjs/articles/{article}" { get get_ninjs_article }
}

/// Read the feed of all articles
///
/// The newest first, with their whole text, as RSS 2.0, Atom or JSON Feed 1.1, whatever `Accept` says. Items keep their ids
/// for ever, whatever becomes of their titles, slugs or of the host. The filters are those of `GET /v1/articles`. What was
/// before the items is in archives by month (RFC 5005), to which the feed leads.
#[utoipa::path(get, path = "/feeds/articles.{format}", operation_id = "getFeed", tag = "feeds",
    params(("format" = Format, Path, description = "The format."), FeedParams),
    responses((status = 200, description = "The feed.", content(
        (String = "application/rss+xml"), (String = "application/atom+xml"), (JsonFeed = "application/feed+json")))))]
async fn get_feed(call: Call) -> Result<HttpResponse, Refusal> {
    let (_, format) = name_and_format(&call)?;
    answer(call, Of::Articles, format, None).await
}

/// Read an archive of the feed of all articles
///
/// A month has as many pages as it takes with `limit` items on each, counted from its first article on: `2026-10`,
/// `2026-10-2` and so on. A full page, and the last page of a month that is over, stays as it is, but for what is corrected
/// or withdrawn.
#[utoipa::path(get, path = "/feeds/articles/{month}.{format}", operation_id = "getFeedArchive", tag = "feeds",
    params(("month" = String, Path, description = "A month, and a page of it from the second on.", example = "2026-10"),
        ("format" = Format, Path, description = "The format."), FeedParams),
    responses((status = 200, description = "The archive.", content(
        (String = "application/rss+xml"), (String = "application/atom+xml"), (JsonFeed = "application/feed+json")))))]
async fn get_feed_archive(call: Call) -> Result<HttpResponse, Refusal> {
    let (month, format) = name_and_format(&call)?;
    answer(call, Of::Articles, format, Some(page(&month)?)).await
}

/// Read the feed of a section
///
/// With the articles of all sections below it; see `getFeed`.
#[utoipa::path(get, path = "/feeds/sections/{section}.{format}", operation_id = "getSectionFeed", tag = "feeds",
    params(("section" = String, Path, description = "The section's id or slug."),
        ("format" = Format, Path, description = "The format."), FeedParams),
    responses((status = 200, description = "The feed.", content(
        (String = "application/rss+xml"), (String = "application/atom+xml"), (JsonFeed = "application/feed+json")))))]
async fn get_section_feed(call: Call) -> Result<HttpResponse, Refusal> {
    let (section, format) = name_and_format(&call)?;
    answer(call, Of::Section(reference(&section)?), format, None).await
}

/// Read an archive of the feed of a section
///
/// See `getFeedArchive`.
#[utoipa::path(get, path = "/feeds/sections/{section}/{month}.{format}", operation_id = "getSectionFeedArchive", tag = "feeds",
    params(("section" = String, Path, description = "The section's id or slug."),
        ("month" = String, Path, description = "A month, and a page of it from the second on.", example = "2026-10"),
        ("format" = Format, Path, description = "The format."), FeedParams),
    responses((status = 200, description = "The archive.", content(
        (String = "application/rss+xml"), (String = "application/atom+xml"), (JsonFeed = "application/feed+json")))))]
async fn get_section_feed_archive(call: Call) -> Result<HttpResponse, Refusal> {
    let (month, format) = name_and_format(&call)?;
    let of = Of::Section(call.reference("section")?);
    answer(call, of, format, Some(page(&month)?)).await
}

/// Read the feed of a tag
///
/// See `getFeed`. A tag has a feed while an article that readers see carries it.
#[utoipa::path(get, path = "/feeds/tags/{tag}.{format}", operation_id = "getTagFeed", tag = "feeds",
    params(("tag" = String, Path, description = "The tag's id or slug."),
        ("format" = Format, Path, description = "The format."), FeedParams),
    responses((status = 200, description = "The feed.", content(
        (String = "application/rss+xml"), (String = "application/atom+xml"), (JsonFeed = "application/feed+json")))))]
async fn get_tag_feed(call: Call) -> Result<HttpResponse, Refusal> {
    let (tag, format) = name_and_format(&call)?;
    answer(call, Of::Tag(reference(&tag)?), format, None).await
}

/// Read an archive of the feed of a tag
///
/// See `getFeedArchive`.
#[utoipa::path(get, path = "/feeds/tags/{tag}/{month}.{format}", operation_id = "getTagFeedArchive", tag = "feeds",
    params(("tag" = String, Path, description = "The tag's id or slug."),
        ("month" = String, Path, description = "A month, and a page of it from the second on.", example = "2026-10"),
        ("format" = Format, Path, description = "The format."), FeedParams),
    responses((status = 200, description = "The archive.", content(
        (String = "application/rss+xml"), (String = "application/atom+xml"), (JsonFeed = "application/feed+json")))))]
async fn get_tag_feed_archive(call: Call) -> Result<HttpResponse, Refusal> {
    let (month, format) = name_and_format(&call)?;
    let of = Of::Tag(call.reference("tag")?);
    answer(call, of, format, Some(page(&month)?)).await
}

/// Read the feed of somebody in bylines
///
/// See `getFeed`.
#[utoipa::path(get, path = "/feeds/staff/{staff}.{format}", operation_id = "getStaffFeed", tag = "feeds",
    params(("staff" = String, Path, description = "The profile's id or slug."),
        ("format" = Format, Path, description = "The format."), FeedParams),
    responses((status = 200, description = "The feed.", content(
        (String = "application/rss+xml"), (String = "application/atom+xml"), (JsonFeed = "application/feed+json")))))]
async fn get_staff_feed(call: Call) -> Result<HttpResponse, Refusal> {
    let (staff, format) = name_and_format(&call)?;
    answer(call, Of::Staff(reference(&staff)?), format, None).await
}

/// Read an archive of the feed of somebody in bylines
///
/// See `getFeedArchive`.
#[utoipa::path(get, path = "/feeds/staff/{staff}/{month}.{format}", operation_id = "getStaffFeedArchive", tag = "feeds",
    params(("staff" = String, Path, description = "The profile's id or slug."),
        ("month" = String, Path, description = "A month, and a page of it from the second on.", example = "2026-10"),
        ("format" = Format, Path, description = "The format."), FeedParams),
    responses((status = 200, description = "The archive.", content(
        (String = "application/rss+xml"), (String = "application/atom+xml"), (JsonFeed = "application/feed+json")))))]
async fn get_staff_feed_archive(call: Call) -> Result<HttpResponse, Refusal> {
    let (month, format) = name_and_format(&call)?;
    let of = Of::Staff(call.reference("staff")?);
    answer(call, of, format, Some(page(&month)?)).await
}

/// Reads the last step of the path.
fn name_and_format(call: &Call) -> Result<(String, Format)> {
    let (name, extension) = call.file()?;
    Ok((name, Format::parse(&extension).ok_or_else(Error::not_found)?))
}

fn page(name: &str) -> Result<Page> {
    Page::parse(name).ok_or_else(Error::not_found)
}

fn reference<I: ParseId>(name: &str) -> Result<Reference<I>> {
    Reference::parse(name).map_err(|_| Error::not_found())
}

async fn answer(call: Call, of: Of, format: Format, page: Option<Page>) -> Result<HttpResponse, Refusal> {
    let audience = Audience::of(&call, Scope::ReadFeeds).await?;
    let params: FeedParams = call.query()?;
    params.check()?;
    let asked = Asked { of, format, page, params, query: call.address().query().to_owned() };
    let (state, reader) = (call.state.clone(), audience.reader.clone());
    Ok(call.read_live(&reader, move |conn| feed::make(conn, &state, audience.view(), &asked)).await?)
}

/// Who reads feeds, and what they get.
struct Audience {
    reader: Reader,
    policy: Arc<Policy>,
    profile: Profile,
}

impl Audience {
    async fn of(call: &Call, scope: Scope) -> Result<Self> {
        let reader = call.reader(scope).await?;
        let choices = reader.key.as_ref().and_then(|key| key.feed.as_ref());
        Ok(Self { policy: reader.policy()?, profile: choices.map(Profile::of).unwrap_or_default(), reader })
    }

    fn view(&self) -> View<'_> {
        View { policy: &self.policy, profile: &self.profile }
    }

    /// Refuses who sees a part of the site only: sitemaps are for search engines, and tell of all of it.
    fn require_all(&self) -> Result<()> {
        if self.policy.has_all_articles() {
            return Ok(());
        }
        Err(Error::new(Code::Forbidden, "Sitemaps tell of the whole site, of which this key sees a part."))
    }
}

/// Read the index of the sitemaps
///
/// A file for each month in which something was published, with the time at which anything in the month last changed. 404
/// while the server does not know its own address and that of the articles' pages.
#[utoipa::path(get, path = "/sitemaps/index.xml", operation_id = "getSitemapIndex", tag = "feeds",
    responses((status = 200, description = "The index.", body = String, content_type = "application/xml")))]
async fn get_sitemap_index(call: Call) -> Result<HttpResponse, Refusal> {
    let audience = Audience::of(&call, Scope::ReadFeeds).await?;
    audience.require_all()?;
    call.no_query()?;
    let index = sitemap::index(call.state.clone(), audience.reader.caller.is_some());
    Ok(call.answer_live(&audience.reader, index).await?)
}

/// Read the sitemap of a month
///
/// The addresses of the pages of all articles of the month, up to 20,000; what is more is in `2026-10-2.xml` and so on.
#[utoipa::path(get, path = "/sitemaps/{month}.xml", operation_id = "getSitemap", tag = "feeds",
    params(("month" = String, Path, description = "A month, and a file of it from the second on.", example = "2026-10")),
    responses((status = 200, description = "The sitemap.", body = String, content_type = "application/xml")))]
async fn get_sitemap(call: Call) -> Result<HttpResponse, Refusal> {
    let (month, _) = call.file()?;
    let (month, audience) = (page(&month)?, Audience::of(&call, Scope::ReadFeeds).await?);
    audience.require_all()?;
    call.no_query()?;
    let state = call.state.clone();
    Ok(call.read_live(&audience.reader, move |conn| sitemap::month(conn, &state, month)).await?)
}

/// Read the sitemap for Google News
///
/// What was first published within the last two days, up to 1,000 articles, the newest first.
#[utoipa::path(get, path = "/sitemaps/news.xml", operation_id = "getNewsSitemap", tag = "feeds",
    responses((status = 200, description = "The sitemap.", body = String, content_type = "application/xml")))]
async fn get_news_sitemap(call: Call) -> Result<HttpResponse, Refusal> {
    let audience = Audience::of(&call, Scope::ReadFeeds).await?;
    audience.require_all()?;
    call.no_query()?;
    let state = call.state.clone();
    Ok(call.read_live(&audience.reader, move |conn| sitemap::news(conn, &state)).await?)
}

/// List articles as ninjs
///
/// News in JSON 3.1 of the IPTC, with the whole text. Filters, order and pages are those of `GET /v1/articles`.
#[utoipa::path(get, path = "/v1/ninjs/articles", operation_id = "listNinjsArticles", tag = "feeds", params(NinjsListParams),
    responses((status = 200, description = "A page of articles.", body = NinjsPage)))]
async fn list_ninjs_articles(call: Call) -> Result<HttpResponse, Refusal> {
    let audience = Audience::of(&call, Scope::ReadArticles).await?;
    let params: NinjsListParams = call.query()?;
    params.check()?;
    let (state, address, reader) = (call.state.clone(), call.address(), audience.reader.clone());
    Ok(call.read_live(&reader, move |conn| partner::list(conn, &state, audience.view(), &params, &address)).await?)
}

/// Read an article as ninjs
///
/// News in JSON 3.1 of the IPTC. What was killed is answered as well, so that partners can take it back: with `pubStatus`
/// `canceled`, the public notice in `edNote`, and nothing of the article.
#[utoipa::path(get, path = "/v1/ninjs/articles/{article}", operation_id = "getNinjsArticle", tag = "feeds",
    params(("article" = String, Path, description = "The article's id or slug.")),
    responses((status = 200, description = "The article.", body = Ninjs)))]
async fn get_ninjs_article(call: Call) -> Result<HttpResponse, Refusal> {
    let audience = Audience::of(&call, Scope::ReadArticles).await?;
    call.no_query()?;
    let (state, article, reader) = (call.state.clone(), call.reference("article")?, audience.reader.clone());
    Ok(call.read_live(&reader, move |conn| partner::get(conn, &state, audience.view(), &article)).await?)
}
