//! An article as structured data for search engines: schema.org's `NewsArticle`, ready for a page's `script`.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    markup::{self, Picture},
    view::Article,
};
use crate::{clock::Instant, config::SiteConfig, staff::model::StaffKind};

/// An article as schema.org's `NewsArticle`.
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonLd {
    /// The vocabulary.
    #[serde(rename = "@context")]
    #[schema(example = "https://schema.org")]
    context: &'static str,
    /// The type.
    #[serde(rename = "@type")]
    #[schema(example = "NewsArticle")]
    kind: &'static str,
    /// What names the article for ever.
    #[schema(example = "urn:uuid:0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    identifier: String,
    /// The headline.
    #[schema(example = "Harbor reopens after the storm")]
    headline: String,
    /// The summary, as plain text.
    description: String,
    /// The article's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        format = "uri",
        example = "https://www.example.org/world/harbor-reopens-after-the-storm"
    )]
    url: Option<String>,
    /// The page that the article is the main thing of.
    #[serde(rename = "mainEntityOfPage", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    main_entity_of_page: Option<JsonLdPage>,
    /// When readers first saw it.
    #[serde(rename = "datePublished")]
    #[schema(value_type = String, format = DateTime)]
    date_published: Instant,
    /// When somebody last changed it.
    #[serde(rename = "dateModified")]
    #[schema(value_type = String, format = DateTime)]
    date_modified: Instant,
    /// Who made it, in the order of the byline; the site, when nobody is named.
    author: Vec<JsonLdParty>,
    /// Who publishes it.
    publisher: JsonLdParty,
    /// The name of the section.
    #[serde(rename = "articleSection", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "World")]
    article_section: Option<String>,
    /// The names of the tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    keywords: Vec<String>,
    /// The language, as a BCP 47 tag.
    #[serde(rename = "inLanguage")]
    #[schema(example = "en")]
    in_language: String,
    /// Whether all of it can be read without paying.
    #[serde(rename = "isAccessibleForFree")]
    is_accessible_for_free: bool,
    /// The pictures, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    image: Vec<JsonLdImage>,
    /// How many words the body has.
    #[serde(rename = "wordCount")]
    #[schema(minimum = 0)]
    word_count: i32,
    /// What was wrong in earlier versions, the oldest correction first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    correction: Vec<JsonLdCorrection>,
}

/// A page.
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonLdPage {
    /// The type.
    #[serde(rename = "@type")]
    #[schema(example = "WebPage")]
    kind: &'static str,
    /// Its address.
    #[serde(rename = "@id")]
    #[schema(format = "uri", example = "https://www.example.org/world/harbor-reopens-after-the-storm")]
    id: String,
}

/// A person or an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonLdParty {
    /// `Person`, `Organization`, or `NewsMediaOrganization` for the site.
    #[serde(rename = "@type")]
    #[schema(example = "Person")]
    kind: &'static str,
    /// The name alone.
    #[schema(example = "Mina Okafor")]
    name: String,
    /// The address of their page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri", example = "https://www.example.org/staff/mina-okafor")]
    url: Option<String>,
}

/// A picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonLdImage {
    /// The type.
    #[serde(rename = "@type")]
    #[schema(example = "ImageObject")]
    kind: &'static str,
    /// Its address.
    #[schema(format = "uri", example = "https://media.example.org/harbor.jpg")]
    url: String,
    /// The caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    caption: Option<String>,
    /// Who made it.
    #[serde(rename = "creditText", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Mina Rad")]
    credit_text: Option<String>,
    /// The width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1600)]
    width: Option<u32>,
    /// The height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 900)]
    height: Option<u32>,
}

/// A note about what was wrong in an earlier version.
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonLdCorrection {
    /// The type.
    #[serde(rename = "@type")]
    #[schema(example = "CorrectionComment")]
    kind: &'static str,
    /// What was wrong, and what is right.
    #[schema(example = "An earlier version gave the wrong year.")]
    text: String,
    /// When it was corrected.
    #[serde(rename = "datePublished")]
    #[schema(value_type = String, format = DateTime)]
    date_published: Instant,
}

impl JsonLd {
    /// Describes an article that has its body as HTML, by which its pictures are found.
    pub fn of(article: &Article, site: &SiteConfig) -> Self {
        let origin = site.origin();
        let place = markup::Place { site: origin.as_ref(), ..markup::Place::default() };
        let publisher = || JsonLdParty {
            kind: "NewsMediaOrganization",
            name: site.name.clone(),
            url: origin.clone().map(String::from),
        };
        let authors = article.authors.iter().map(|author| JsonLdParty {
            kind: if author.kind == StaffKind::Person { "Person" } else { "Organization" },
            name: author.name.clone(),
            url: site.staff_url(&author.slug, author.id),
        });
        let mut author: Vec<JsonLdParty> = authors.collect();
        if author.is_empty() {
            author.push(publisher());
        }
        let correction = article.corrections.iter().map(|correction| JsonLdCorrection {
            kind: "CorrectionComment",
            text: correction.note.clone(),
            date_published: correction.at,
        });
        Self {
            context: "https://schema.org",
            kind: "NewsArticle",
            identifier: format!("urn:uuid:{}", article.id),
            headline: article.title.clone(),
            description: article.excerpt.clone(),
            url: article.url.clone(),
            main_entity_of_page: article.url.clone().map(|id| JsonLdPage { kind: "WebPage", id }),
            date_published: article.first_published_at,
            date_modified: article.updated_at,
            author,
            publisher: publisher(),
            article_section: article.section.as_ref().map(|section| section.name.clone()),
            keywords: article.tags.iter().map(|tag| tag.name.clone()).collect(),
            in_language: article.language.clone(),
            is_accessible_for_free: true,
            image: place.pictures(article.body_html.as_deref().unwrap_or_default()).into_iter().map(image).collect(),
            word_count: article.word_count,
            correction: correction.collect(),
        }
    }
}

fn image(picture: Picture) -> JsonLdImage {
    let Picture { url, caption, credit, width, height, .. } = picture;
    JsonLdImage { kind: "ImageObject", url, caption, credit_text: credit, width, height }
}
