//! Articles from the outside: written, changed, published, read, renamed.

mod conditions;
mod corrections;
mod create;
mod desk;
mod edit;
mod embedding;
mod leases;
mod lifecycle;
mod links;
mod merging;
mod past;
mod preflight;
mod previews;
mod publishing;
mod revisions;
mod slugs;
mod story;
mod timing;

use serde_json::Value;

use crate::support::{App, Response, id};

/// The address of the article in an answer.
#[track_caller]
pub fn address(answer: &Response) -> String {
    format!("/v1/articles/{}", id(answer))
}

/// The working view as the editor sees it now.
#[track_caller]
pub fn working(app: &App, address: &str) -> Response {
    app.editor().get(&format!("{address}?view=working")).expect(200)
}

/// What readers see.
#[track_caller]
pub fn live(app: &App, address: &str) -> Value {
    app.anonymous().get(address).expect(200).json()
}

/// The editor does a verb to the newest revision.
#[track_caller]
pub fn verb(app: &App, address: &str, verb: &str) -> Response {
    let etag = working(app, address).etag();
    app.editor().verb(&format!("{address}/{verb}"), &etag)
}

/// The editor changes the newest revision.
#[track_caller]
pub fn change(app: &App, address: &str, patch: Value) -> Response {
    let etag = working(app, address).etag();
    app.editor().patch(address, &etag, patch)
}

/// A moment long ago, as the databases write it, and as the API does.
pub const LONG_AGO: (&str, &str) = ("2020-01-02 03:04:05.678", "2020-01-02T03:04:05.678Z");

/// Makes everything that happened so far have happened long ago, so that what happens now is later without a wait.
pub fn age(app: &App) {
    let columns = [
        ("articles", "created_at"),
        ("articles", "updated_at"),
        ("live_articles", "updated_at"),
        ("live_articles", "changed_at"),
        ("live_articles", "published_at"),
        ("live_articles", "first_published_at"),
        ("live_facets", "updated_at"),
        ("live_facets", "published_at"),
        ("sections", "updated_at"),
        ("staff", "updated_at"),
        ("tags", "updated_at"),
        ("changes", "at"),
    ];
    for (table, column) in columns {
        app.database.sql(&format!("UPDATE {table} SET {column} = '{}'", LONG_AGO.0));
    }
    for column in ["published_at", "first_published_at"] {
        app.database.sql(&format!("UPDATE articles SET {column} = '{}' WHERE {column} IS NOT NULL", LONG_AGO.0));
    }
}
