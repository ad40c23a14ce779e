//! What a key is, as administrators write it and as they read it.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    articles::input::UpTo,
    clock::Instant,
    db::types::text_enum,
    http::{page::PageInfo, query::Moment},
    ids::{ApiKeyId, SectionId, TagId, UserId},
    input::{Faults, Line},
    policy::{Policy, Text},
    reference::Reference,
    sections::model::SectionSummary,
    tags::model::TagSummary,
};

text_enum! {
    /// What a key is for: `articles:read` for articles, sections, staff profiles and tags, `feeds:read` for feeds and sitemaps,
    /// `changes:read` for the change feed and the snapshot, `articles:write-draft` for tools that post drafts in the name of
    /// the account of `acts_for`, with the rights of an author.
    pub enum Scope as ApiKeyScope {
        /// Articles, sections, staff profiles, tags.
        ReadArticles = "articles:read",
        /// Feeds and sitemaps.
        ReadFeeds = "feeds:read",
        /// The change feed and the snapshot.
        ReadChanges = "changes:read",
        /// Drafts, in somebody's name.
        WriteDrafts = "articles:write-draft",
    }
}

/// What a key is made of.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct ApiKeyInput {
    /// Who has it, 1 to 100 characters.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Harbor Wire")]
    pub name: Line<100>,
    /// Whom to tell when something is wrong with it, up to 200 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, example = "desk@harbor-wire.example")]
    pub contact: Option<Line<200>>,
    /// What it is for; at least one.
    #[schema(value_type = Vec<Scope>, min_items = 1, max_items = 4)]
    pub scopes: UpTo<4, Scope>,
    /// The sections, by id or slug, in any of which or below it an article must stand; none for all.
    #[deserr(default)]
    #[schema(value_type = Vec<String>, required = false, max_items = 50, example = json!(["world"]))]
    pub sections: UpTo<50, Reference<SectionId>>,
    /// The tags, by id or slug, any of which an article must have; none for all. With sections and tags, both must match.
    #[deserr(default)]
    #[schema(value_type = Vec<String>, required = false, max_items = 50, example = json!([]))]
    pub tags: UpTo<50, Reference<TagId>>,
    /// How much of an article's text it gets.
    #[deserr(default = Text::Full)]
    #[schema(required = false, default = "full")]
    pub text: Text,
    /// How many minutes after its publication an article appears, up to 10080, a week. Changes and withdrawals of what has
    /// appeared are not delayed.
    #[deserr(default)]
    #[schema(required = false, maximum = 10080, default = 0)]
    pub delay_minutes: u32,
    /// Whether it sees articles that are published under an embargo which has not ended; `published_at` then says when it
    /// ends. The change feed tells of them when it has.
    #[deserr(default)]
    #[schema(required = false, default = false)]
    pub embargo_access: bool,
    /// How often it may ask in a minute, counted by each server for itself, 1 to 100000; null for no limit.
    #[deserr(default)]
    #[schema(minimum = 1, maximum = 100000, example = 600)]
    pub requests_per_minute: Option<u32>,
    /// How often it may ask in a day, in UTC, over all servers, 1 to 1000000000; null for no limit.
    #[deserr(default)]
    #[schema(minimum = 1, maximum = 1000000000, example = 100000)]
    pub requests_per_day: Option<u32>,
    /// Until when it can be used; null for no end.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2027-11-25T00:00:00Z")]
    pub expires_at: Option<Moment>,
    /// What its feeds show of articles; null for what everybody's show.
    #[deserr(default)]
    pub feed: Option<FeedChoices>,
    /// The id of the user account in whose name it posts drafts; needed with `articles:write-draft`, and only there.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub acts_for: Option<Account>,
}

/// What feeds show of articles, for those who ask for something else than whole texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct FeedChoices {
    /// How many items a feed has, unless the request says so: 1 to 100; null for 30.
    #[deserr(default)]
    #[schema(required = false, minimum = 1, maximum = 100, example = 20)]
    pub items: Option<u16>,
    /// `excerpt` for summaries only.
    #[deserr(default = Text::Full)]
    #[schema(required = false, default = "full")]
    pub text: Text,
    /// The longest title, in characters, 20 to 300; longer ones are cut between words. Null for no limit.
    #[deserr(default)]
    #[schema(required = false, minimum = 20, maximum = 300, example = 150)]
    pub longest_title: Option<u16>,
    /// The only HTML elements that texts keep, up to 60; of others, what is in them stays. Null for all.
    #[deserr(default)]
    #[schema(required = false, value_type = Option<Vec<String>>, max_items = 60, example = json!(["p", "a", "em", "strong"]))]
    pub allowed_tags: Option<Vec<Line<20>>>,
    /// For how many hours after its last change an item may be shown, 2 to 8760. Null for no end.
    #[deserr(default)]
    #[schema(required = false, minimum = 2, maximum = 8760, example = 720)]
    pub expires_after_hours: Option<u16>,
}

/// A user account, by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account(pub UserId);

impl Account {
    fn parse(text: &str) -> Result<Self, crate::input::Invalid> {
        let id = UserId::parse(text).map(Self);
        id.ok_or_else(|| crate::input::Invalid::new("invalid_id", "must be the id of a user account"))
    }
}

crate::input::parsed!(Account);

/// A key as it is kept at each revision, in the form in which clients write it; never with what opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyDoc {
    /// Who has it.
    pub name: Line<100>,
    /// Whom to tell.
    pub contact: Option<Line<200>>,
    /// What it is for.
    pub scopes: Vec<Scope>,
    /// The sections.
    pub sections: Vec<SectionId>,
    /// The tags.
    pub tags: Vec<TagId>,
    /// How much of the text.
    pub text: Text,
    /// How much later.
    pub delay_minutes: u32,
    /// Whether it sees what is under an embargo.
    pub embargo_access: bool,
    /// How often in a minute.
    pub requests_per_minute: Option<u32>,
    /// How often in a day.
    pub requests_per_day: Option<u32>,
    /// Until when.
    pub expires_at: Option<Instant>,
    /// What its feeds show.
    #[serde(default)]
    pub feed: Option<FeedChoices>,
    /// In whose name it posts.
    pub acts_for: Option<UserId>,
}

impl ApiKeyDoc {
    /// Returns what it may see.
    pub fn policy(&self) -> Policy {
        Policy {
            sections: self.sections.clone(),
            tags: self.tags.clone(),
            text: self.text,
            delay_minutes: self.delay_minutes,
            sees_embargoed: self.embargo_access,
        }
    }
}

/// A key.
// No `Debug`: it may hold what opens it.
#[derive(Clone, Serialize, ToSchema)]
pub struct ApiKey {
    /// The id, for ever the same.
    #[schema(value_type = String, format = "uuid")]
    pub id: ApiKeyId,
    /// What to send as `Authorization: Bearer …`. It is shown only here and only now; keep it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "fpk_Q2xhcmEgYW5kIHRoZSBzaXggdGFsbCBsYWRkZXJzLi4")]
    pub key: Option<String>,
    /// Who has it.
    #[schema(example = "Harbor Wire")]
    pub name: String,
    /// Whom to tell when something is wrong with it.
    #[schema(required = true)]
    pub contact: Option<String>,
    /// What it is for.
    pub scopes: Vec<Scope>,
    /// The sections, in any of which or below it an article must stand; none for all.
    pub sections: Vec<SectionSummary>,
    /// The tags, any of which an article must have; none for all.
    pub tags: Vec<TagSummary>,
    /// How much of an article's text it gets.
    pub text: Text,
    /// How many minutes after its publication an article appears.
    pub delay_minutes: u32,
    /// Whether it sees what is under an embargo.
    pub embargo_access: bool,
    /// How often it may ask in a minute; null for no limit.
    #[schema(required = true)]
    pub requests_per_minute: Option<u32>,
    /// How often it may ask in a day, in UTC; null for no limit.
    #[schema(required = true)]
    pub requests_per_day: Option<u32>,
    /// Until when it can be used; null for no end.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Instant>,
    /// What its feeds show of articles; null for what everybody's show.
    #[schema(required = true)]
    pub feed: Option<FeedChoices>,
    /// The account in whose name it posts drafts; null when it posts none.
    #[schema(required = true, value_type = Option<String>, format = "uuid")]
    pub acts_for: Option<UserId>,
    /// What opens it now: one, or two while it is rotated.
    pub secrets: Vec<ApiKeySecretInfo>,
    /// When it was last used, to some seconds; null when it never was.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Instant>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Instant,
    /// The number of the newest revision.
    #[schema(minimum = 1, example = 3)]
    pub revision: i32,
    /// When it was revoked; null while it was not.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Instant>,
}

/// One of what opens a key, without what would open it.
#[derive(Clone, Serialize, ToSchema)]
pub struct ApiKeySecretInfo {
    /// The beginning of it, to tell it from others.
    #[schema(example = "fpk_Q2xh")]
    pub hint: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// Until when it opens the key; null for as long as the key is in force.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Instant>,
}

/// A page of keys, in the order in which they were created.
#[derive(Serialize, ToSchema)]
pub struct ApiKeyPage {
    /// The keys.
    pub data: Vec<ApiKey>,
    /// Where the page stands.
    pub page: PageInfo,
}

/// How to rotate a key.
#[derive(Clone, Copy, Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct RotateInput {
    /// For how many hours what opened the key before goes on to do so, 0 to 720; a day unless it is said.
    #[deserr(default)]
    #[schema(required = false, nullable = false, minimum = 0, maximum = 720, default = 24)]
    pub overlap_hours: Option<u32>,
}

/// How often a key was used for one route on one day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApiKeyUsage {
    /// The day, in UTC.
    #[schema(format = Date, example = "2026-11-25")]
    pub day: String,
    /// What was asked.
    #[schema(example = "GET /v1/articles/{article}")]
    pub route: String,
    /// How many requests came, those that were refused among them.
    #[schema(minimum = 0)]
    pub requests: i64,
    /// How many were refused because there were too many.
    #[schema(minimum = 0)]
    pub refused: i64,
}

/// How often a key was used.
#[derive(Serialize, ToSchema)]
pub struct ApiKeyUsageReport {
    /// A row for each day and route, the newest day first.
    pub data: Vec<ApiKeyUsage>,
}
