//! JSON Feed 1.1.

use serde::Serialize;
use utoipa::ToSchema;

use super::{feed::Feed, item::Item};
use crate::{
    articles::content::Correction,
    clock::Instant,
    error::{Error, Result},
};

/// A feed as JSON (<https://www.jsonfeed.org/version/1.1/>).
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonFeed<'a> {
    /// The version of the format.
    #[schema(example = "https://jsonfeed.org/version/1.1")]
    version: &'static str,
    /// What the feed is called.
    #[schema(example = "The Tamarisk Post: World")]
    title: &'a str,
    /// The address of the page that shows the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri", example = "https://www.example.org/world")]
    home_page_url: Option<&'a str>,
    /// The feed's own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri", example = "https://api.example.org/feeds/sections/world.json")]
    feed_url: Option<&'a str>,
    /// What the feed is about.
    description: &'a str,
    /// The archive with what was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri", example = "https://api.example.org/feeds/sections/world/2026-10.json")]
    next_url: Option<&'a str>,
    /// The language, when all items are in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "en")]
    language: Option<&'a str>,
    /// Where subscribers are told of changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    hubs: Vec<JsonFeedHub<'a>>,
    /// The items, the newest first.
    items: Vec<JsonFeedItem<'a>>,
}

/// Where subscribers are told of changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonFeedHub<'a> {
    /// The protocol.
    #[serde(rename = "type")]
    #[schema(example = "WebSub")]
    kind: &'static str,
    /// Its address.
    #[schema(format = "uri", example = "https://hub.example.net/")]
    url: &'a str,
}

/// An item of a feed.
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonFeedItem<'a> {
    /// What names the item for ever.
    #[schema(example = "urn:uuid:0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    id: &'a str,
    /// The address of the article's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        format = "uri",
        example = "https://www.example.org/world/harbor-reopens-after-the-storm"
    )]
    url: Option<&'a str>,
    /// The title, as plain text.
    #[schema(example = "Harbor reopens after the storm")]
    title: &'a str,
    /// The whole text as HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "<p>The first ships left at dawn.</p>")]
    content_html: Option<&'a str>,
    /// The summary instead, where the feed does not have the whole text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    content_text: Option<&'a str>,
    /// The summary, as plain text.
    summary: &'a str,
    /// The address of the first picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri", example = "https://media.example.org/harbor.jpg")]
    image: Option<&'a str>,
    /// When readers first saw it.
    #[schema(value_type = String, format = DateTime)]
    date_published: Instant,
    /// When somebody last changed it.
    #[schema(value_type = String, format = DateTime)]
    date_modified: Instant,
    /// Who made it, in the order of the byline.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    authors: Vec<JsonFeedAuthor<'a>>,
    /// The names of the tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    tags: Vec<&'a str>,
    /// The language, as a BCP 47 tag.
    #[schema(example = "en")]
    language: &'a str,
    /// What the format has no member for.
    #[serde(rename = "_frontpage")]
    own: JsonFeedExtension<'a>,
}

/// Somebody in a byline.
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonFeedAuthor<'a> {
    /// The name.
    #[schema(example = "Mina Okafor")]
    name: &'a str,
    /// The address of their page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri", example = "https://www.example.org/staff/mina-okafor")]
    url: Option<&'a str>,
}

/// What JSON Feed has no member for.
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonFeedExtension<'a> {
    /// The words above the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Exclusive")]
    kicker: Option<&'a str>,
    /// The section, with those above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "World/Asia")]
    section: Option<&'a str>,
    /// The pictures, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    images: Vec<JsonFeedImage<'a>>,
    /// What was wrong in earlier versions, the oldest correction first.
    #[serde(skip_serializing_if = "<[Correction]>::is_empty")]
    #[schema(required = false)]
    corrections: &'a [Correction],
    /// Until when it may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Instant>,
}

/// A picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonFeedImage<'a> {
    /// Its address.
    #[schema(format = "uri", example = "https://media.example.org/harbor.jpg")]
    url: &'a str,
    /// What it shows, for those who cannot see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    alt: Option<&'a str>,
    /// The caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    caption: Option<&'a str>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Mina Rad")]
    credit: Option<&'a str>,
}

/// Writes a feed.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn write(feed: &Feed) -> Result<String> {
    let feed = JsonFeed {
        version: "https://jsonfeed.org/version/1.1",
        title: &feed.title,
        home_page_url: feed.home.as_deref(),
        feed_url: feed.own.as_deref(),
        description: &feed.description,
        next_url: feed.previous.as_deref(),
        language: feed.language.as_deref(),
        hubs: feed.hub.iter().map(|url| JsonFeedHub { kind: "WebSub", url }).collect(),
        items: feed.items.iter().map(JsonFeedItem::of).collect(),
    };
    serde_json::to_string(&feed).map_err(Error::internal)
}

impl<'a> JsonFeedItem<'a> {
    fn of(item: &'a Item) -> Self {
        let images = item.pictures.iter().map(|picture| JsonFeedImage {
            url: &picture.url,
            alt: picture.alt.as_deref(),
            caption: picture.caption.as_deref(),
            credit: picture.credit.as_deref(),
        });
        Self {
            id: &item.id,
            url: item.url.as_deref(),
            title: &item.title,
            content_html: item.html.as_deref(),
            content_text: if item.html.is_none() { Some(&item.summary) } else { None },
            summary: &item.summary,
            image: item.pictures.first().map(|picture| picture.url.as_str()),
            date_published: item.published,
            date_modified: item.updated,
            authors: item
                .authors
                .iter()
                .map(|author| JsonFeedAuthor { name: &author.name, url: author.url.as_deref() })
                .collect(),
            tags: item.tags.iter().map(|tag| tag.label.as_str()).collect(),
            language: &item.language,
            own: JsonFeedExtension {
                kicker: item.kicker.as_deref(),
                section: item.section.as_ref().map(|section| section.label.as_str()),
                images: images.collect(),
                corrections: &item.corrections,
                expires_at: item.expires,
            },
        }
    }
}
