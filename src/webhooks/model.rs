//! What a webhook is, as people write it and as they read it, and what it is told.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Instant,
    db::types::text_enum,
    http::page::PageInfo,
    ids::{DeliveryId, ResourceId, SectionId, TagId, UserId, WebhookId},
    input::{Faults, Line, WebUrl},
    newswire::entry::{Kind, Subject},
    reference::Reference,
};

text_enum! {
    /// Something that a webhook is told.
    pub enum Event as WebhookEvent {
        /// Readers have come to see an article.
        ArticlePublished = "article.published",
        /// Readers have come to see an article because its embargo is over.
        ArticleEmbargoLifted = "article.embargo_lifted",
        /// An article looks different.
        ArticleUpdated = "article.updated",
        /// An article was corrected.
        ArticleCorrected = "article.corrected",
        /// An article has another address.
        ArticleMoved = "article.moved",
        /// Readers do not see an article any more.
        ArticleWithdrawn = "article.withdrawn",
        /// An article is gone for good: remove your copies.
        ArticleKilled = "article.killed",
        /// A section is new.
        SectionCreated = "section.created",
        /// A section looks different.
        SectionUpdated = "section.updated",
        /// A section is gone.
        SectionDeleted = "section.deleted",
        /// A section is back.
        SectionRestored = "section.restored",
        /// A staff profile is new.
        StaffCreated = "staff.created",
        /// A staff profile looks different.
        StaffUpdated = "staff.updated",
        /// A staff profile is gone.
        StaffDeleted = "staff.deleted",
        /// A staff profile is back.
        StaffRestored = "staff.restored",
        /// A tag looks different.
        TagUpdated = "tag.updated",
        /// A tag was merged into another one.
        TagMerged = "tag.merged",
        /// Somebody asked for a test.
        WebhookTest = "webhook.test",
    }
}

impl Event {
    /// Returns the event of a change; none for what no webhook is told.
    pub fn of(resource: Subject, kind: Kind) -> Option<Self> {
        Self::parse(&format!("{resource}.{kind}"))
    }
}

text_enum! {
    /// How a delivery stands.
    pub enum DeliveryState {
        /// It will be tried, or tried again.
        Pending = "pending",
        /// The endpoint has it.
        Delivered = "delivered",
        /// It was tried as often as it is; replay it by hand.
        Dead = "dead",
    }
}

text_enum! {
    /// Why the server has disabled a webhook.
    pub enum DisabledReason {
        /// The endpoint answered 410.
        Gone = "gone",
        /// It failed for five days.
        Failing = "failing",
    }
}

/// What a webhook is made of.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct WebhookInput {
    /// Where to send to: an https address that anybody can reach, on port 443 or 8443.
    #[schema(value_type = String, format = "uri", max_length = 2048, example = "https://hooks.example.org/frontpage")]
    pub url: Target,
    /// What it is for, up to 200 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 200, example = "The app's push service")]
    pub description: Option<Line<200>>,
    /// What to tell; everything, when the list is empty.
    #[deserr(default)]
    #[schema(required = false, max_items = 20)]
    pub events: Vec<Event>,
    /// Only about articles of these sections, by id or slug, and of those below them. With a filter, nothing is told but of
    /// articles.
    #[deserr(default)]
    #[schema(value_type = Vec<String>, required = false, max_items = 50)]
    pub sections: Vec<Reference<SectionId>>,
    /// Only about articles with one of these tags, by id or slug.
    #[deserr(default)]
    #[schema(value_type = Vec<String>, required = false, max_items = 50)]
    pub tags: Vec<Reference<TagId>>,
    /// Whether anything is sent; what is already to be delivered waits. Enabling a webhook forgets why it was disabled.
    #[deserr(default = true)]
    #[schema(required = false, default = true)]
    pub is_enabled: bool,
}

/// An address as it is written; whether it may be sent to is checked apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(pub String);

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is no absolute http or https URL: those of other kinds may not be sent to either.
    pub fn parse(text: &str) -> Result<Self, crate::input::Invalid> {
        let refused = |invalid: crate::input::Invalid| crate::input::Invalid::new("url_not_allowed", invalid.detail);
        WebUrl::parse(text).map(|url| Self(url.as_str().to_owned())).map_err(refused)
    }
}

crate::input::parsed!(Target);

/// A webhook as it is kept at each revision, in the form in which people write it; never with its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDoc {
    /// Where to send to.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// What to tell.
    pub events: Vec<Event>,
    /// Only about articles of these sections.
    pub sections: Vec<SectionId>,
    /// Only about articles with one of these tags.
    pub tags: Vec<TagId>,
    /// Whether anything is sent.
    pub is_enabled: bool,
}

/// An address that is told of changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Webhook {
    /// The id, for ever the same.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7f")]
    pub id: WebhookId,
    /// Where it is sent to.
    #[schema(format = "uri", example = "https://hooks.example.org/frontpage")]
    pub url: String,
    /// What it is for.
    #[schema(required = true, example = "The app's push service")]
    pub description: Option<String>,
    /// What it is told; everything, when the list is empty.
    pub events: Vec<Event>,
    /// The ids of the sections of whose articles it is told.
    #[schema(value_type = Vec<String>)]
    pub sections: Vec<SectionId>,
    /// The ids of the tags of whose articles it is told.
    #[schema(value_type = Vec<String>)]
    pub tags: Vec<TagId>,
    /// Whether anything is sent.
    pub is_enabled: bool,
    /// Why the server has disabled it; null when it has not.
    #[schema(required = true)]
    pub disabled_reason: Option<DisabledReason>,
    /// Since when every attempt has failed; null when the last one did not.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Instant>,
    /// Until when the secret before the present one signs, too; null when there is none.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub old_secret_until: Option<Instant>,
    /// Who made it: the id of a user account.
    #[schema(value_type = String, format = "uuid")]
    pub created_by: UserId,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Instant,
    /// The number of the newest revision.
    #[schema(minimum = 1)]
    pub revision: i32,
    /// What signs: base64 after `whsec_`. Shown when it is made, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "whsec_c2l4IHRhbGwgbGFkZGVycyBsZWFuIG9uIGEgd2E=")]
    pub secret: Option<String>,
}

/// A page of webhooks, in the order in which they were made.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookPage {
    /// The webhooks.
    pub data: Vec<Webhook>,
    /// Where the page stands.
    pub page: PageInfo,
}

/// One attempt to deliver.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// How long it took, in milliseconds.
    #[schema(minimum = 0)]
    pub duration_ms: u64,
    /// The status of the answer; null without one.
    #[schema(required = true, example = 503)]
    pub status: Option<u16>,
    /// What went wrong when there was no answer.
    #[schema(required = true, example = "it took too long")]
    pub error: Option<String>,
}

/// Something that a webhook is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDelivery {
    /// The id, which is also the `webhook-id` of the request, at every attempt.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b80")]
    pub id: DeliveryId,
    /// What it tells.
    pub event: Event,
    /// The `id` of the change, as `GET /v1/changes` has it; null for a test.
    #[schema(required = true)]
    pub change_id: Option<i64>,
    /// How it stands.
    pub state: DeliveryState,
    /// The attempts, the oldest first; at most the last twenty.
    pub attempts: Vec<Attempt>,
    /// The beginning of the last answer, up to 4 KiB; null when there was none.
    #[schema(required = true)]
    pub answer: Option<String>,
    /// When it was noted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// When it is tried next; null when it is not.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Instant>,
    /// When it was delivered, or given up.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Instant>,
}

/// A page of deliveries, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDeliveryPage {
    /// The deliveries.
    pub data: Vec<WebhookDelivery>,
    /// Where the page stands.
    pub page: PageInfo,
}

/// From where on to tell again.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct WebhookReplayInput {
    /// A cursor of the change feed; what came after it is told again.
    #[schema(example = "ZjQ3MTEk2m0yQ4bZ0Jc3r1cVw")]
    pub cursor: String,
}

/// What is told again.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookReplay {
    /// How many deliveries are to be made.
    #[schema(minimum = 0)]
    pub n_queued: usize,
    /// The cursor to go on with: at most 500 changes are looked at; null, when there are no more.
    #[schema(required = true)]
    pub next: Option<String>,
}

/// What is sent: something has happened. It refers to an article and does not carry it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookPayload {
    /// What has happened.
    pub r#type: Event,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Instant,
    /// To what.
    pub data: WebhookData,
}

/// What something has happened to.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookData {
    /// The number of the change: of what you know about an article, the greatest is the newest. Null for a test.
    #[schema(required = true)]
    pub change_id: Option<i64>,
    /// The cursor with which `GET /v1/changes` goes on after this change; null for a test.
    #[schema(required = true)]
    pub cursor: Option<String>,
    /// The kind of resource.
    #[schema(required = true)]
    pub resource: Option<Subject>,
    /// Which one.
    #[schema(value_type = String, format = "uuid")]
    pub resource_id: ResourceId,
    /// The present slug of an article that readers see.
    #[schema(required = true)]
    pub slug: Option<String>,
    /// The present address of its page.
    #[schema(required = true, format = "uri")]
    pub url: Option<String>,
    /// The slug that was left behind.
    #[schema(required = true)]
    pub former_slug: Option<String>,
    /// Why: the public notice of what was killed, the note of a correction.
    #[schema(required = true)]
    pub reason: Option<String>,
    /// The surrogate keys of what looks different now: at most 100, those of the article and its lists first.
    pub keys: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_but_the_test_is_one_of_a_change() {
        let of_changes: Vec<Event> = Subject::ALL
            .iter()
            .flat_map(|subject| Kind::ALL.iter().filter_map(|kind| Event::of(*subject, *kind)))
            .collect();
        for event in Event::ALL.iter().filter(|event| **event != Event::WebhookTest) {
            assert!(of_changes.contains(event), "{event}");
        }
    }
}
