//! A life of a newsroom, and what the log tells about it.

use serde_json::{Value, json};

/// A method, an address, a body, and the rows that come of it.
pub type Step = (&'static str, &'static str, Value, Vec<&'static str>);

/// What may happen in a newsroom, step by step, and what the log says about it.
pub fn life() -> Vec<Step> {
    let text = "<p>The first ships left at dawn.</p>";
    let one = json!({ "title": "One", "section": "asia", "tags": ["ships"], "authors": [{ "staff": "mina" }], "body_html": text });
    let two = json!({ "title": "Two", "section": "world", "related": ["one"], "body_html": text });
    vec![
        ("POST", "/v1/sections", json!({ "name": "World" }), vec!["created section world: section-world sections"]),
        (
            "POST",
            "/v1/sections",
            json!({ "name": "Asia", "parent": "world" }),
            vec!["created section asia: section-asia sections"],
        ),
        ("POST", "/v1/staff", json!({ "name": "Mina" }), vec!["created staff mina: staff staff-mina"]),
        ("POST", "/v1/tags", json!({ "name": "Ships" }), vec![]),
        ("POST", "/v1/tags", json!({ "name": "Boats" }), vec![]),
        ("POST", "/v1/tags", json!({ "name": "Unused" }), vec![]),
        ("POST", "/v1/articles", one, vec![]),
        ("POST", "/v1/articles", two, vec![]),
        ("PATCH", "/v1/articles/one", json!({ "kicker": "Exclusive" }), vec![]),
        ("POST", "/v1/articles/one/submit", json!({}), vec![]),
        ("POST", "/v1/articles/one/return", json!({}), vec![]),
        ("PATCH", "/v1/tags/ships", json!({ "name": "The ships" }), vec![]),
        (
            "POST",
            "/v1/articles/two/publish",
            json!({}),
            vec!["published article two: article-two list-all list-language-en list-not-featured list-section-world"],
        ),
        (
            "POST",
            "/v1/articles/one/publish",
            json!({}),
            vec![
                "published article one: article-one article-two list-all list-language-en list-not-featured list-section-asia list-section-world list-staff-mina list-tag-ships tag-ships tags",
            ],
        ),
        ("PATCH", "/v1/articles/one", json!({ "title": "One more" }), vec![]),
        ("POST", "/v1/articles/one/submit", json!({}), vec![]),
        (
            "POST",
            "/v1/articles/one/publish",
            json!({}),
            vec![
                "updated article one: article-one article-two list-all list-language-en list-not-featured list-section-asia list-section-world list-staff-mina list-tag-ships",
            ],
        ),
        ("PATCH", "/v1/articles/one", json!({ "tags": ["boats", "ships"] }), vec![]),
        (
            "POST",
            "/v1/articles/one/publish",
            json!({}),
            vec![
                "updated article one: article-one article-two list-all list-language-en list-not-featured list-section-asia list-section-world list-staff-mina list-tag-boats list-tag-ships tag-boats tags",
            ],
        ),
        ("PATCH", "/v1/tags/ships", json!({ "name": "Vessels" }), vec!["updated tag ships: articles tag-ships tags"]),
        ("PATCH", "/v1/tags/ships", json!({ "name": "Vessels" }), vec![]),
        (
            "PATCH",
            "/v1/staff/mina",
            json!({ "title": "Editor" }),
            vec!["updated staff mina: articles staff staff-mina"],
        ),
        (
            "PATCH",
            "/v1/sections/world",
            json!({ "name": "The world" }),
            vec!["updated section world: articles section-asia section-world sections"],
        ),
        (
            "PATCH",
            "/v1/sections/asia",
            json!({ "parent": null }),
            vec!["updated section asia: articles section-asia sections"],
        ),
        (
            "POST",
            "/v1/tags/ships/merge",
            json!({ "into": "boats" }),
            vec![
                "retagged article one: article-one tag-boats tag-ships",
                "merged tag ships: articles tag-boats tag-ships tags",
            ],
        ),
        ("POST", "/v1/tags/unused/merge", json!({ "into": "boats" }), vec![]),
        (
            "POST",
            "/v1/articles/one/withdraw",
            json!({}),
            vec![
                "withdrawn article one: article-one article-two list-all list-language-en list-not-featured list-section-asia list-staff-mina list-tag-boats tag-boats tags",
            ],
        ),
        ("DELETE", "/v1/articles/one", json!({}), vec![]),
        ("POST", "/v1/articles/one/restore", json!({}), vec![]),
        ("POST", "/v1/sections", json!({ "name": "Empty" }), vec!["created section empty: section-empty sections"]),
        ("DELETE", "/v1/sections/empty", json!({}), vec!["trashed section empty: articles section-empty sections"]),
        ("POST", "/v1/sections/empty/restore", json!({}), vec!["restored section empty: section-empty sections"]),
        ("POST", "/v1/staff", json!({ "name": "Guest" }), vec!["created staff guest: staff staff-guest"]),
        ("DELETE", "/v1/staff/guest", json!({}), vec!["trashed staff guest: articles staff staff-guest"]),
        ("POST", "/v1/staff/guest/restore", json!({}), vec!["restored staff guest: staff staff-guest"]),
        ("POST", "/v1/tags", json!({ "name": "Lonely" }), vec![]),
        ("DELETE", "/v1/tags/lonely", json!({}), vec![]),
        ("POST", "/v1/tags/lonely/restore", json!({}), vec![]),
        (
            "POST",
            "/v1/users",
            json!({ "email": "new@newsroom.test", "name": "New", "role": "author", "staff": "mina" }),
            vec![],
        ),
    ]
}
