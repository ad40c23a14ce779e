//! Lists of articles: filters, orders, pages, what they show, and what they refuse.

mod filters;
mod pages;
mod refusals;

use serde_json::{Value, json};

use crate::support::{App, id};

/// What the articles of a page are called, in order.
pub fn slugs(page: &Value) -> Vec<String> {
    page["data"]
        .as_array()
        .expect("a page")
        .iter()
        .map(|article| article["slug"].as_str().expect("a slug").to_owned())
        .collect()
}

/// Articles that differ in everything by which they can be filtered; `a` is the oldest, and was changed last.
pub fn newsroom(app: &App) {
    for input in [
        json!({ "name": "World" }),
        json!({ "name": "Asia", "parent": "world" }),
        json!({ "name": "Iran", "parent": "asia" }),
        json!({ "name": "World cup", "slug": "world-cup" }),
        json!({ "name": "Sport" }),
    ] {
        app.editor().post("/v1/sections", input).expect(201);
    }
    for name in ["Ships", "Storm", "Peace", "Unused"] {
        app.tag(name);
    }
    for name in ["Mina", "Wire", "Nobody"] {
        app.staff(name);
    }
    for (slug, section, tags, authors, featured, language) in [
        ("a", "world", vec!["ships"], vec!["mina"], true, "en"),
        ("b", "asia", vec!["ships", "storm"], vec!["wire"], false, "en"),
        ("c", "iran", vec!["storm"], vec!["mina", "wire"], false, "fa"),
        ("d", "world-cup", vec!["storm", "ships", "peace"], vec![], true, "fa"),
        ("e", "sport", vec![], vec!["wire"], false, "en-GB"),
        ("f", "iran", vec!["peace"], vec!["mina"], true, "en"),
    ] {
        let authors: Vec<Value> =
            authors.into_iter().map(|staff| json!({ "staff": staff, "role": "photographer" })).collect();
        app.published(
            slug,
            json!({ "section": section, "tags": tags, "authors": authors, "featured": featured, "language": language }),
        );
    }
    for (day, slug) in (1..).zip(["a", "b", "c", "d", "e", "f"]) {
        date(app, slug, "published_at", &format!("2026-03-0{day} 12:00:00.000"));
        date(app, slug, "updated_at", &format!("2026-04-0{} 12:00:00.000", 8 - day));
    }
    // A draft and what was withdrawn are in no list.
    app.draft("unseen", json!({ "section": "iran", "tags": ["ships"], "featured": true }));
    let gone = app.published(
        "gone",
        json!({ "section": "iran", "tags": ["ships", "unused"], "authors": [{ "staff": "nobody" }] }),
    );
    app.editor().verb(&format!("/v1/articles/{}/withdraw", id(&gone)), "*").expect(200);
}

/// Changes a time of a live article past the server.
pub fn date(app: &App, slug: &str, column: &str, time: &str) {
    app.database.sql(&format!("UPDATE live_articles SET {column} = '{time}' WHERE slug = '{slug}'"));
    app.database.sql(&format!(
        "UPDATE live_facets SET {column} = '{time}' WHERE article_id IN (SELECT id FROM live_articles WHERE slug = '{slug}')"
    ));
}

pub fn uuid() -> String {
    frontpage::ids::ArticleId::generate().to_string()
}
