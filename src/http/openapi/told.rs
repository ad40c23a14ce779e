//! What webhooks are sent, event by event: the requests that this server makes.

use serde_json::{Map, Value, json};

use super::shapes::reference;
use crate::{
    newswire::entry::{Kind, Subject},
    webhooks::model::Event,
};

/// Returns the requests, by event.
pub fn events() -> Value {
    let requests: Map<String, Value> =
        Event::ALL.iter().map(|event| (event.to_string(), json!({ "post": request(*event) }))).collect();
    Value::Object(requests)
}

fn request(event: Event) -> Value {
    let name: String = event.as_str().split(['.', '_']).map(capitalized).collect();
    json!({
        "tags": ["webhooks"],
        "operationId": format!("on{name}"),
        "summary": format!("`{event}`"),
        "description": format!(
            "{} It refers to what has happened and does not carry it: read the article, or the change feed from `data.cursor`.",
            meaning(event),
        ),
        "security": [],
        "parameters": [
            header("webhook-id", "The id of the delivery: the same at every attempt. Know by it what you have.", json!("0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b80")),
            header("webhook-timestamp", "When this attempt was made, in seconds since 1970. Refuse what is older than some minutes.", json!("1763889164")),
            header("webhook-signature", "Signatures with spaces between them, one for each secret in force: `v1,` and the base64 of the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}`.", json!("v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=")),
        ],
        "requestBody": {
            "required": true,
            "description": "Less than 20 KB of JSON.",
            "content": { "application/json": { "schema": reference("WebhookPayload"), "example": example(event) } }
        },
        "responses": {
            "2XX": { "description": "It has arrived. Say so within 15 seconds, and work afterward." },
            "410": { "description": "Nothing more is wanted: the webhook is disabled." },
            "429": { "description": "It is tried again, after `Retry-After` at the earliest; so is 503." },
            "default": { "description": "Anything else, redirects too, is a failure: it is tried again after 5 seconds, 5 minutes, 30 minutes, 2, 5, 10, 14, 20 and 24 hours." }
        }
    })
}

fn header(name: &str, description: &str, example: Value) -> Value {
    json!({ "name": name, "in": "header", "required": true, "description": description, "schema": { "type": "string" }, "example": example })
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

/// What an event means.
fn meaning(event: Event) -> &'static str {
    match event {
        Event::ArticlePublished => "Readers have come to see an article.",
        Event::ArticleEmbargoLifted => "Readers have come to see an article because its embargo is over.",
        Event::ArticleUpdated => "An article looks different.",
        Event::ArticleCorrected => "An article was corrected; `data.reason` is the note.",
        Event::ArticleMoved => "An article has another address; `data.former_slug` says which it had.",
        Event::ArticleWithdrawn => "Readers do not see an article any more.",
        Event::ArticleKilled => "An article is gone for good; `data.reason` is the public notice. Remove your copies.",
        Event::SectionCreated => "A section is new.",
        Event::SectionUpdated => "A section looks different.",
        Event::SectionDeleted => "A section is gone.",
        Event::SectionRestored => "A section is back.",
        Event::StaffCreated => "A staff profile is new.",
        Event::StaffUpdated => "A staff profile looks different.",
        Event::StaffDeleted => "A staff profile is gone.",
        Event::StaffRestored => "A staff profile is back.",
        Event::TagUpdated => "A tag looks different.",
        Event::TagMerged => "A tag was merged into another one.",
        Event::WebhookTest => "Somebody asked for a test.",
    }
}

fn example(event: Event) -> Value {
    let (resource, kind) = event.as_str().split_once('.').unwrap_or_default();
    let id = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a";
    let is_change = Subject::parse(resource).is_some();
    let is_shown = resource == "article" && !matches!(Kind::parse(kind), Some(Kind::Withdrawn | Kind::Killed));
    let shown = |text: &str| if is_shown { json!(text) } else { Value::Null };
    let reason = match event {
        Event::ArticleCorrected => json!("An earlier version gave the wrong year."),
        Event::ArticleKilled => json!("The report was not ours to publish."),
        _ => Value::Null,
    };
    json!({
        "type": event,
        "timestamp": "2026-11-23T09:12:44.015Z",
        "data": {
            "change_id": is_change.then_some(4711),
            "cursor": is_change.then_some("ZjQ3MTEk2m0yQ4bZ0Jc3r1cVw"),
            "resource": is_change.then_some(resource),
            "resource_id": id,
            "slug": shown("harbor-reopens-after-the-storm"),
            "url": shown("https://www.example.org/world/harbor-reopens-after-the-storm"),
            "former_slug": if event == Event::ArticleMoved { json!("harbor-reopens") } else { Value::Null },
            "reason": reason,
            "keys": if is_change { json!([format!("{resource}-{id}")]) } else { json!([]) }
        }
    })
}
