//! The OpenAPI file: what the handlers say about themselves, and what holds for all of them said once.
//!
//! A handler describes its input and its successful answer. Added here, by rules that depend only on the method, the
//! path and the table of rights: security, preconditions, idempotency keys, redirects, all error answers, the headers
//! of answers, patch bodies and unions.

#![expect(
    clippy::indexing_slicing,
    reason = "members of JSON values; the document is built once, from the code alone, and a test reads all of it"
)]

mod examples;
mod rules;
mod shapes;
mod told;

use std::sync::OnceLock;

use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::{
    app,
    articles::{
        lifecycle::State,
        list::Sort,
        view::{PreviewView, WorkingArticle, WorkingArticlePage},
    },
    error::Fault,
    feeds::params::Format,
    http::{problem::Problem, view::View},
    newswire::routes::From as ChangesFrom,
    webhooks::model::{WebhookData, WebhookPayload},
};

/// What no handler names: problems, enumerations of parameters, the other member of a union.
#[derive(OpenApi)]
#[openapi(components(schemas(
    Problem,
    Fault,
    View,
    Sort,
    Format,
    State,
    PreviewView,
    WorkingArticle,
    WorkingArticlePage,
    ChangesFrom,
    WebhookPayload,
    WebhookData
)))]
struct Shared;

/// Returns the document as pretty JSON, ending in a line break, as it is checked in.
pub fn json() -> &'static str {
    static JSON: OnceLock<String> = OnceLock::new();
    JSON.get_or_init(|| {
        let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
        text.push('\n');
        text
    })
}

/// Returns the document.
pub fn document() -> Value {
    let mut merged = Shared::openapi();
    for part in app::documents() {
        merged.merge(part);
    }
    let mut document = serde_json::to_value(&merged).unwrap_or_default();
    document["openapi"] = json!("3.1.0");
    document["info"] = info();
    document["servers"] = json!([{ "url": "/", "description": "This server" }]);
    document["tags"] = tags();
    document["security"] = json!([]);
    shapes::complete(&mut document);
    rules::complete(&mut document);
    examples::complete(&mut document);
    document["webhooks"] = told::events();
    in_order(document)
}

fn info() -> Value {
    json!({
        "title": "Frontpage",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "A newsroom's content API",
        "description": include_str!("openapi/description.md"),
        "contact": { "name": "The Frontpage maintainers" },
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" }
    })
}

fn tags() -> Value {
    json!([
        { "name": "articles", "description": "What the newsroom writes: drafts for editors, live articles for readers." },
        { "name": "sections", "description": "The tree by which the site is ordered." },
        { "name": "staff", "description": "Public profiles of people and organizations, for bylines." },
        { "name": "tags", "description": "What articles are about, across sections." },
        { "name": "feeds", "description": "The live articles in the formats of aggregators, search engines and partners." },
        { "name": "changes", "description": "What readers see anew: for partners, apps and whoever keeps a copy." },
        { "name": "webhooks", "description": "Addresses that are told of what readers see anew." },
        { "name": "auth", "description": "Logging in and out, sessions, the own password." },
        { "name": "users", "description": "User accounts, for administrators." },
        { "name": "api-keys", "description": "Keys with which partners read, for administrators." },
        { "name": "audit", "description": "Who did what, when and from where, for administrators." },
        { "name": "system", "description": "About the server itself." }
    ])
}

/// Puts the members of the document, its paths and its components into a stable order.
fn in_order(document: Value) -> Value {
    const ORDER: [&str; 8] = ["openapi", "info", "servers", "security", "tags", "paths", "components", "webhooks"];
    let Value::Object(mut members) = document else { return document };
    let mut ordered = serde_json::Map::new();
    for name in ORDER {
        if let Some(mut value) = members.shift_remove(name) {
            match (name, &mut value) {
                ("paths", Value::Object(paths)) => paths.sort_keys(),
                ("components", Value::Object(components)) => {
                    components.sort_keys();
                    for part in components.values_mut().filter_map(Value::as_object_mut) {
                        part.sort_keys();
                    }
                }
                _ => {}
            }
            ordered.insert(name.to_owned(), value);
        }
    }
    ordered.extend(members);
    Value::Object(ordered)
}
