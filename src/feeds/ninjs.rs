//! News in JSON as the IPTC has it: ninjs 3.1, for partners whose systems take it.
//!
//! Only members of its schema are written, which allows no others.

use serde::Serialize;
use utoipa::ToSchema;

use super::item::{Category, Item};
use crate::{
    articles::{guids, markup::Picture, notices::Notice},
    clock::Instant,
    config::SiteConfig,
    db::types::text_enum,
    http::page::PageInfo,
};

const SCHEMA: &str = "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#";

text_enum! {
    /// Whether an item may be used: `usable`, or `canceled` for what was killed.
    pub enum PubStatus as NinjsPubStatus {
        /// It may.
        Usable = "usable",
        /// It must not be used any more, and what was made of it is to be taken back.
        Canceled = "canceled",
    }
}

/// An article as ninjs 3.1 (<https://www.iptc.org/std/ninjs/>).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ninjs {
    /// What names the article for ever.
    #[schema(format = "uri", example = "urn:uuid:0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    uri: String,
    /// The standard that the object is written by.
    standard: NinjsStandard,
    /// The kind of news: `text`, or `picture` for a picture.
    #[serde(rename = "type")]
    #[schema(example = "text")]
    kind: &'static str,
    /// `full`, as all of the article is here; absent for what was killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "full")]
    representation_type: Option<&'static str>,
    /// The version: a number that grows with each change, in digits.
    #[schema(example = "1795593600000")]
    version: String,
    /// When readers first saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    first_created: Option<Instant>,
    /// When somebody last changed it, or since when it is killed.
    #[schema(value_type = String, format = DateTime)]
    version_created: Instant,
    /// Whether it may be used.
    pub_status: PubStatus,
    /// The language, as a BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "en")]
    language: Option<String>,
    /// The headline, and the words above it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    headlines: Vec<NinjsText>,
    /// The summary.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    descriptions: Vec<NinjsText>,
    /// The text, as HTML with absolute addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    bodies: Vec<NinjsBody>,
    /// The byline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Mina Okafor")]
    by: Option<String>,
    /// The readable part of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "harbor-reopens-after-the-storm")]
    slugline: Option<String>,
    /// Where the report was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Port Alder")]
    located: Option<String>,
    /// The section (`rel` is `section`) and the tags (`tag`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    subjects: Vec<NinjsSubject>,
    /// Who made it, and where it comes from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    info_sources: Vec<NinjsSource>,
    /// The pictures of the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    associations: Vec<NinjsPicture>,
    /// Other identifiers: the address of the page (`url`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    alt_ids: Vec<NinjsAltId>,
    /// Who publishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "The Tamarisk Post")]
    copyright_holder: Option<String>,
    /// For editors: the corrections, or why it was killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Correction: An earlier version gave the wrong year.")]
    ed_note: Option<String>,
    /// Until when it may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    expires: Option<Instant>,
}

/// The standard that an object is written by.
#[derive(Debug, Serialize, ToSchema)]
pub struct NinjsStandard {
    /// The name.
    #[schema(example = "ninjs")]
    name: &'static str,
    /// The version.
    #[schema(example = "3.1")]
    version: &'static str,
    /// The address of the schema.
    #[schema(format = "uri", example = "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#")]
    schema: &'static str,
}

/// A headline or a summary.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NinjsText {
    /// `main`, `kicker`, `summary` or `caption`.
    #[schema(example = "main")]
    role: &'static str,
    /// The media type.
    #[schema(example = "text/plain")]
    content_type: &'static str,
    /// The text.
    #[schema(example = "Harbor reopens after the storm")]
    value: String,
}

/// A body.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NinjsBody {
    /// `main`.
    #[schema(example = "main")]
    role: &'static str,
    /// The media type.
    #[schema(example = "text/html")]
    content_type: &'static str,
    /// How many words it has.
    #[schema(minimum = 0, example = 412)]
    word_count: i32,
    /// The text.
    #[schema(example = "<p>The first ships left at dawn.</p>")]
    value: String,
}

/// What an article is about, or where it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct NinjsSubject {
    /// The name; of a section, with the names of those above it.
    #[schema(example = "World/Asia")]
    name: String,
    /// `section` or `tag`.
    #[schema(example = "section")]
    rel: &'static str,
    /// What names it for ever.
    #[schema(format = "uri", example = "urn:uuid:0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    uri: String,
    /// The path of a section, the slug of a tag.
    #[schema(example = "world/asia")]
    literal: String,
}

/// Who made something, or where it comes from.
#[derive(Debug, Serialize, ToSchema)]
pub struct NinjsSource {
    /// The name.
    #[schema(example = "Mina Okafor")]
    name: String,
    /// The role in the byline, or `source`.
    #[schema(example = "author")]
    role: String,
}

/// A picture of a text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NinjsPicture {
    /// Which one it is.
    #[schema(example = "picture-1")]
    name: String,
    /// Its address, which names it as well.
    #[schema(format = "uri", example = "https://media.example.org/harbor.jpg")]
    uri: String,
    /// `picture`.
    #[serde(rename = "type")]
    #[schema(example = "picture")]
    kind: &'static str,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Mina Rad")]
    by: Option<String>,
    /// The caption, and what it shows for those who cannot see it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    descriptions: Vec<NinjsText>,
    /// Where it is.
    renditions: Vec<NinjsRendition>,
}

/// A form of a picture.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NinjsRendition {
    /// `original`.
    #[schema(example = "original")]
    name: &'static str,
    /// Its address.
    #[schema(format = "uri", example = "https://media.example.org/harbor.jpg")]
    href: String,
    /// The media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "image/jpeg")]
    content_type: Option<&'static str>,
    /// The width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1600)]
    width: Option<u32>,
    /// The height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 900)]
    height: Option<u32>,
}

/// Another identifier.
#[derive(Debug, Serialize, ToSchema)]
pub struct NinjsAltId {
    /// What kind: `url`.
    #[schema(example = "url")]
    role: &'static str,
    /// The identifier.
    #[schema(example = "https://www.example.org/world/harbor-reopens-after-the-storm")]
    value: String,
}

/// A page of articles as ninjs.
#[derive(Debug, Serialize, ToSchema)]
pub struct NinjsPage {
    /// The articles, the newest first unless `sort` says otherwise.
    pub data: Vec<Ninjs>,
    /// Where the page stands.
    pub page: PageInfo,
}

const STANDARD: NinjsStandard = NinjsStandard { name: "ninjs", version: "3.1", schema: SCHEMA };

impl Ninjs {
    /// Writes an item.
    pub fn of(item: Item, site: &SiteConfig) -> Self {
        let names: Vec<&str> = item.authors.iter().map(|author| author.name.as_str()).collect();
        let by = item.byline.or_else(|| (!names.is_empty()).then(|| names.join(", ")));
        let made = item.authors.into_iter().map(|author| NinjsSource { name: author.name, role: author.role });
        let source = item.source.map(|name| NinjsSource { name, role: "source".to_owned() });
        let section = item.section.map(|section| subject("section", section));
        let notes: Vec<String> =
            item.corrections.iter().map(|correction| format!("Correction: {}", correction.note)).collect();
        let mut headlines = vec![plain("main", item.title)];
        headlines.extend(item.kicker.map(|kicker| plain("kicker", kicker)));
        Self {
            uri: guids::uri_of(item.article, &item.id),
            standard: STANDARD,
            kind: "text",
            representation_type: Some(if item.html.is_some() { "full" } else { "partial" }),
            version: item.updated.millis().to_string(),
            first_created: Some(item.published),
            version_created: item.updated,
            pub_status: PubStatus::Usable,
            language: Some(item.language),
            headlines,
            descriptions: vec![plain("summary", item.summary)],
            bodies: item
                .html
                .map(|value| NinjsBody { role: "main", content_type: "text/html", word_count: item.word_count, value })
                .into_iter()
                .collect(),
            by,
            slugline: Some(item.slug),
            located: item.dateline,
            subjects: section.into_iter().chain(item.tags.into_iter().map(|tag| subject("tag", tag))).collect(),
            info_sources: made.chain(source).collect(),
            associations: (1..).zip(item.pictures).map(|(number, picture)| associated(number, picture)).collect(),
            alt_ids: item.url.map(|value| NinjsAltId { role: "url", value }).into_iter().collect(),
            copyright_holder: Some(site.name.clone()),
            ed_note: (!notes.is_empty()).then(|| notes.join("\n")),
            expires: item.expires,
        }
    }

    /// Takes back an article that was killed: nothing of it but what names it, and why.
    pub fn canceled(notice: Notice) -> Self {
        Self {
            uri: guids::uri_of(notice.id, &notice.guid),
            standard: STANDARD,
            kind: "text",
            representation_type: None,
            version: notice.killed_at.millis().to_string(),
            first_created: None,
            version_created: notice.killed_at,
            pub_status: PubStatus::Canceled,
            language: None,
            headlines: Vec::new(),
            descriptions: Vec::new(),
            bodies: Vec::new(),
            by: None,
            slugline: None,
            located: None,
            subjects: Vec::new(),
            info_sources: Vec::new(),
            associations: Vec::new(),
            alt_ids: Vec::new(),
            copyright_holder: None,
            ed_note: Some(notice.text),
            expires: None,
        }
    }
}

fn plain(role: &'static str, value: String) -> NinjsText {
    NinjsText { role, content_type: "text/plain", value }
}

fn subject(rel: &'static str, category: Category) -> NinjsSubject {
    let Category { uri, term, label } = category;
    NinjsSubject { name: label, rel, uri, literal: term }
}

fn associated(number: usize, picture: Picture) -> NinjsPicture {
    let content_type = picture.media_type();
    let Picture { url, alt, caption, credit, width, height } = picture;
    let texts = [caption.map(|text| plain("caption", text)), alt.map(|text| plain("altText", text))];
    NinjsPicture {
        name: format!("picture-{number}"),
        uri: url.clone(),
        kind: "picture",
        by: credit,
        descriptions: texts.into_iter().flatten().collect(),
        renditions: vec![NinjsRendition { name: "original", href: url, content_type, width, height }],
    }
}
