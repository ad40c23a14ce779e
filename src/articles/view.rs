//! An article as clients read it: the live view for readers, the working view for people with a token.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    content::Correction,
    input::{AuthorRole, Seo, Source},
    json_ld::JsonLd,
    leases::Editing,
    lifecycle::State as WorkingState,
};
use crate::{
    body::{Body, Warning},
    clock::Instant,
    config::SiteConfig,
    http::page::PageInfo,
    ids::{ArticleId, StaffId, UserId},
    sections::model::SectionSummary,
    staff::model::StaffKind,
    tags::model::TagSummary,
};

/// Somebody in a byline.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuthorSummary {
    /// The id of the staff profile.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    pub id: StaffId,
    /// The readable part of the profile's address.
    #[schema(example = "editorial-staff")]
    pub slug: String,
    /// The name as readers see it.
    #[schema(example = "Editorial Staff")]
    pub name: String,
    /// A person or an organization.
    pub kind: StaffKind,
    /// What they are at the newsroom.
    #[schema(required = true, example = "News desk")]
    pub title: Option<String>,
    /// What they did for this article.
    pub role: AuthorRole,
    /// Who they are, as HTML that is safe to put on a page as it is, for the author box; only on a single live article,
    /// and only when the profile has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "<p>The news desk of The Tamarisk Post, awake around the clock.</p>")]
    pub bio_html: Option<String>,
}

/// A user account where something else refers to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserSummary {
    /// The id of the account.
    #[schema(value_type = String, format = "uuid")]
    pub id: UserId,
    /// The name of the person.
    #[schema(example = "Mina Okafor")]
    pub name: String,
}

/// The bodies of a representation, each present only when it was asked for.
#[derive(Debug, Default)]
pub struct Bodies {
    /// As HTML.
    pub html: Option<String>,
    /// As blocks, in JSON.
    pub blocks: Option<Box<RawValue>>,
    /// As Markdown.
    pub markdown: Option<String>,
    /// As plain text.
    pub text: Option<String>,
}

/// An article as readers see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Article {
    /// Always `live`: what readers see.
    #[schema(value_type = LiveView)]
    pub view: &'static str,
    /// The id, for ever the same.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    pub id: ArticleId,
    /// The readable part of the address.
    #[schema(example = "harbor-reopens-after-the-storm")]
    pub slug: String,
    /// The address of the article's page on the site; null when no address is configured.
    #[schema(
        required = true,
        format = "uri",
        example = "https://www.example.org/world/harbor-reopens-after-the-storm"
    )]
    pub url: Option<String>,
    /// The few words above the title.
    #[schema(required = true, example = "IFP Exclusive")]
    pub kicker: Option<String>,
    /// The headline.
    #[schema(example = "Harbor reopens after the storm")]
    pub title: String,
    /// The paragraph under the headline.
    #[schema(required = true)]
    pub standfirst: Option<String>,
    /// A summary for lists, as plain text.
    pub excerpt: String,
    /// Whether the excerpt was taken from the body because none was given.
    pub excerpt_is_derived: bool,
    /// The language, as a BCP 47 tag.
    #[schema(example = "en")]
    pub language: String,
    /// What feeds name the article by; never changes.
    #[schema(example = "urn:uuid:01935b2e-7c1f-7d7c-b0d2-5f3a1c9e8b11")]
    pub guid: String,
    /// Where the report was written.
    #[schema(required = true, example = "Port Alder")]
    pub dateline: Option<String>,
    /// The section.
    // Nothing is published without one; only a preview of a draft may lack it.
    #[schema(value_type = SectionSummary)]
    pub section: Option<SectionSummary>,
    /// Who made it, in the order of the byline.
    pub authors: Vec<AuthorSummary>,
    /// A text that replaces the byline made from `authors`.
    #[schema(required = true)]
    pub byline: Option<String>,
    /// The tags, in the order in which they were given.
    pub tags: Vec<TagSummary>,
    /// Whether the article is to stand out.
    pub featured: bool,
    /// The ids of related articles that are published, in order.
    #[schema(value_type = Vec<String>)]
    pub related: Vec<ArticleId>,
    /// Where the report comes from, when it is not our own.
    #[schema(required = true)]
    pub source: Option<Source>,
    /// What search engines are told instead of title and excerpt.
    pub seo: Seo,
    /// The frontend's own object.
    #[schema(required = true, value_type = Option<Object>, additional_properties = true)]
    pub extensions: Option<Box<RawValue>>,
    /// How many words the body has.
    #[schema(minimum = 0, example = 412)]
    pub word_count: i32,
    /// How many minutes reading takes.
    #[schema(minimum = 0, example = 2)]
    pub reading_minutes: i32,
    /// When readers first saw it; never changes.
    #[schema(value_type = String, format = DateTime)]
    pub first_published_at: Instant,
    /// Since when it has been published without a break; what lists are sorted by.
    #[schema(value_type = String, format = DateTime)]
    pub published_at: Instant,
    /// When it was last published with changes.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Instant,
    /// What was wrong in earlier versions, the oldest correction first.
    pub corrections: Vec<Correction>,
    /// The body as HTML, safe to put on a page as it is. A single article has it unless `include` says otherwise; a list only when asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "<p>The first ships left at dawn.</p>")]
    pub body_html: Option<String>,
    /// The body as typed blocks; only when asked for with `include=body_blocks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Body>)]
    pub body_blocks: Option<Box<RawValue>>,
    /// The body as Markdown (CommonMark with tables, strikethrough and footnotes); only when asked for with
    /// `include=body_markdown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "The first ships left at dawn.")]
    pub body_markdown: Option<String>,
    /// The body as plain text; only when asked for with `include=body_text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_text: Option<String>,
    /// The article as structured data for search engines, ready for a page's `script`; only when asked for with
    /// `include=json_ld`, and only of what readers see now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub json_ld: Option<Box<JsonLd>>,
}

impl Article {
    /// Adds the structured data, for which the body was read as HTML; drops that again unless it was asked for as well.
    pub fn describe(&mut self, site: &SiteConfig, keeps_html: bool) {
        self.json_ld = Some(Box::new(JsonLd::of(self, site)));
        if !keeps_html {
            self.body_html = None;
        }
    }
}

/// The name of the live view.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum LiveView {
    /// What readers see.
    Live,
}

/// The name of the view that a preview gives.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PreviewView {
    /// What readers would see.
    Preview,
}

/// The name of the working view.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum WorkingView {
    /// The newest revision.
    Working,
}

/// An article's newest revision, for people with a token.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkingArticle {
    /// Always `working`: the newest revision.
    #[schema(value_type = WorkingView)]
    pub view: &'static str,
    /// The id, for ever the same.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    pub id: ArticleId,
    /// The readable part of the address.
    #[schema(example = "harbor-reopens-after-the-storm")]
    pub slug: String,
    /// The address that the article's page has or would have; null without a section or a configured address.
    #[schema(required = true, format = "uri")]
    pub url: Option<String>,
    /// Where the article stands between draft and published.
    pub state: WorkingState,
    /// The number of the newest revision, counted from 1.
    #[schema(minimum = 1, example = 3)]
    pub revision: i32,
    /// Whether readers see something, and the working copy has changed since.
    pub has_unpublished_changes: bool,
    /// The few words above the title.
    #[schema(required = true)]
    pub kicker: Option<String>,
    /// The headline.
    pub title: String,
    /// The paragraph under the headline.
    #[schema(required = true)]
    pub standfirst: Option<String>,
    /// A summary for lists, as plain text.
    pub excerpt: String,
    /// Whether the excerpt was taken from the body because none was given.
    pub excerpt_is_derived: bool,
    /// The language, as a BCP 47 tag.
    #[schema(example = "en")]
    pub language: String,
    /// What feeds name the article by; never changes once readers have seen it.
    pub guid: String,
    /// Where the report was written.
    #[schema(required = true)]
    pub dateline: Option<String>,
    /// The section; null while there is none.
    #[schema(required = true)]
    pub section: Option<SectionSummary>,
    /// Who made it, in the order of the byline.
    pub authors: Vec<AuthorSummary>,
    /// A text that replaces the byline made from `authors`.
    #[schema(required = true)]
    pub byline: Option<String>,
    /// The tags, in the order in which they were given.
    pub tags: Vec<TagSummary>,
    /// Whether the article is to stand out.
    pub featured: bool,
    /// The ids of related articles, in order.
    #[schema(value_type = Vec<String>)]
    pub related: Vec<ArticleId>,
    /// Where the report comes from, when it is not our own.
    #[schema(required = true)]
    pub source: Option<Source>,
    /// What search engines are told instead of title and excerpt.
    pub seo: Seo,
    /// The frontend's own object.
    #[schema(required = true, value_type = Option<Object>, additional_properties = true)]
    pub extensions: Option<serde_json::Value>,
    /// How many words the body has.
    #[schema(minimum = 0)]
    pub word_count: u32,
    /// How many minutes reading takes.
    #[schema(minimum = 0)]
    pub reading_minutes: u32,
    /// When readers first saw it; null if they never have.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub first_published_at: Option<Instant>,
    /// Since when readers have seen it, or from when they will; null while neither.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub published_at: Option<Instant>,
    /// When it is scheduled to be published; null when it is not.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub publish_at: Option<Instant>,
    /// When it is scheduled to be withdrawn; null when it is not.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub withdraw_at: Option<Instant>,
    /// Until when readers are not to see it, even when it is published; null for no embargo.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub embargo_until: Option<Instant>,
    /// What the editor said who handed it back; null when there is nothing to say.
    #[schema(required = true)]
    pub review_note: Option<String>,
    /// What readers are told was wrong in earlier versions, the oldest correction first.
    pub corrections: Vec<Correction>,
    /// Who is to work on it; null when nobody in particular.
    #[schema(required = true)]
    pub assigned_to: Option<UserSummary>,
    /// Who has it open to edit it, as far as their tools say so with a lease; only on a single article.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub editing: Option<Vec<Editing>>,
    /// When this revision was made.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Instant,
    /// Who made this revision.
    pub updated_by: UserSummary,
    /// When the article was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// Who created it.
    pub created_by: UserSummary,
    /// When it was moved to the trash; null while it is not there.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub trashed_at: Option<Instant>,
    /// The body as HTML. A single article has it unless `include` says otherwise; a list only when asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_html: Option<String>,
    /// The body as typed blocks; only when asked for with `include=body_blocks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Body>)]
    pub body_blocks: Option<Box<RawValue>>,
    /// The body as Markdown (CommonMark with tables, strikethrough and footnotes); only when asked for with
    /// `include=body_markdown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "The first ships left at dawn.")]
    pub body_markdown: Option<String>,
    /// The body as plain text; only when asked for with `include=body_text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_text: Option<String>,
    /// What was dropped or changed when a body was read from HTML; only in the answer to that write.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub warnings: Option<Vec<Warning>>,
}

/// A page of articles as readers see them, newest first unless `sort` says otherwise.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArticlePage {
    /// The articles.
    pub data: Vec<Article>,
    /// Where the page stands.
    pub page: PageInfo,
}

/// A page of working copies, the latest change first.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkingArticlePage {
    /// The articles.
    pub data: Vec<WorkingArticle>,
    /// Where the page stands.
    pub page: PageInfo,
}
