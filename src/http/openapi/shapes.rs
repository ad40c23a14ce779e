//! Schemas that the derives cannot say: patches, unions of views, trimmed representations, a property for each
//! parameter type.

use serde_json::{Map, Value, json};

/// Completes the schemas of a document.
pub fn complete(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    loosen(schemas);
    close(schemas);
    require_text(schemas);
    for name in ["Article", "Section", "StaffProfile", "Tag", "User", "Webhook", "ApiKey"] {
        add_patch(schemas, name);
    }
    tell_defaults(schemas);
    add_views(schemas);
}

/// What has a default need not be sent, and what is always answered with all its members may be written with some.
fn loosen(schemas: &mut Map<String, Value>) {
    for (name, needed) in [("Seo", json!([])), ("Source", json!(["name"]))] {
        if let Some(mut input) = schemas.get(name).cloned() {
            input["required"] = needed;
            schemas.insert(format!("{name}Input"), input);
        }
    }
    let defaulted: [(&str, &[&str]); 2] = [
        ("ArticleInput", &["language", "authors", "tags", "featured", "related", "seo"]),
        ("SectionInput", &["position"]),
    ];
    for (name, members) in defaulted {
        let Some(required) = schemas.get_mut(name).and_then(|schema| schema["required"].as_array_mut()) else {
            continue;
        };
        required.retain(|member| !members.iter().any(|name| member == name));
    }
    if let Some(article) = schemas.get_mut("ArticleInput") {
        let text = article["properties"].to_string();
        let text =
            text.replace("schemas/Seo\"", "schemas/SeoInput\"").replace("schemas/Source\"", "schemas/SourceInput\"");
        article["properties"] = serde_json::from_str(&text).unwrap_or_default();
    }
}

/// Generators of clients take a member with a default for one that is always there, even in what is sent; so inputs say
/// theirs in words.
fn tell_defaults(schemas: &mut Map<String, Value>) {
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| name.ends_with("Input")) {
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            let Some(default) = property.shift_remove("default") else { continue };
            let description = property.get("description").and_then(Value::as_str).unwrap_or_default();
            let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
            let text = format!("{description} When it is not given: `{default}`.");
            property.insert("description".to_owned(), json!(text));
        }
    }
}

/// Text that may be absent may be null, but not empty: an empty kicker is no kicker.
fn require_text(schemas: &mut Map<String, Value>) {
    let is_input = |name: &str| name.ends_with("Input") || name == "Link";
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| is_input(name)) {
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        for (name, property) in properties.iter_mut().filter(|(name, _)| !name.ends_with("_html")) {
            let is_text = property.get("maxLength").is_some() && property.get("minLength").is_none();
            if is_text && !name.contains("password") {
                property["minLength"] = json!(1);
            }
        }
    }
}

/// Input is closed (an unknown member is a fault) and so are our answers' articles, which a union tells apart.
fn close(schemas: &mut Map<String, Value>) {
    for (name, schema) in schemas.iter_mut() {
        let is_object = schema.get("type").is_some_and(|kind| kind == "object");
        let is_open = schema.get("additionalProperties").is_some();
        // ninjs has a schema of its own, which allows no other members.
        let is_closed = name.ends_with("Input")
            || name.starts_with("Ninjs")
            || matches!(name.as_str(), "Article" | "WorkingArticle");
        if is_object && !is_open && is_closed {
            schema["additionalProperties"] = json!(false);
        }
    }
}

/// The body of a `PATCH`: the input with nothing required and `null` where something can be removed.
fn add_patch(schemas: &mut Map<String, Value>, resource: &str) {
    let input = ["Input", "ProfileInput"].iter().find_map(|suffix| {
        let base = resource.trim_end_matches("Profile");
        schemas.get(&format!("{base}{suffix}"))
    });
    let Some(mut patch) = input.cloned() else { return };
    if let Some(members) = patch.as_object_mut() {
        members.shift_remove("required");
        members.insert(
            "description".to_owned(),
            json!("A JSON Merge Patch (RFC 7396): members that are absent stay as they are, `null` removes."),
        );
        members.shift_remove("example");
        if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
            // An initial password is for creating only.
            properties.shift_remove("password");
            for property in properties.values_mut().filter_map(Value::as_object_mut) {
                property.shift_remove("default");
            }
        }
    }
    schemas.insert(format!("{resource}Patch"), patch);
}

/// What a preview gives: the shape of the live view, of something that may not be complete yet.
fn add_preview(schemas: &mut Map<String, Value>) {
    let section = schemas.get("WorkingArticle").map(|working| working["properties"]["section"].clone());
    let Some(mut preview) = schemas.get("Article").cloned() else { return };
    preview["description"] = json!(
        "An article as readers would see it if the revision were published. It may lack a section, and times that are \
         not decided yet are that of the revision."
    );
    preview["properties"]["view"] = json!({ "$ref": "#/components/schemas/PreviewView", "description": "Always `preview`: what readers would see." });
    preview["properties"]["section"] = section.unwrap_or_default();
    schemas.insert("PreviewArticle".to_owned(), preview);
}

fn add_views(schemas: &mut Map<String, Value>) {
    add_preview(schemas);
    for (name, source) in [("TrimmedArticle", "Article"), ("TrimmedWorkingArticle", "WorkingArticle")] {
        if let Some(mut trimmed) = schemas.get(source).cloned() {
            if let Some(members) = trimmed.as_object_mut() {
                members.shift_remove("required");
                members.insert(
                    "description".to_owned(),
                    json!(format!("Only the members of `{source}` that `fields` named.")),
                );
                if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
                    properties.shift_remove("view");
                }
            }
            schemas.insert(name.to_owned(), trimmed);
        }
    }
    schemas.insert(
        "AnyArticle".to_owned(),
        json!({
            "description": "An article in the view that was asked for; `view` says which.",
            "oneOf": [reference("Article"), reference("WorkingArticle"), reference("PreviewArticle")],
            "discriminator": {
                "propertyName": "view",
                "mapping": {
                    "live": "#/components/schemas/Article",
                    "working": "#/components/schemas/WorkingArticle",
                    "preview": "#/components/schemas/PreviewArticle"
                }
            }
        }),
    );
    schemas.insert(
        "ArticleAnswer".to_owned(),
        json!({
            "description": "An article, whole or trimmed with `fields`.",
            "anyOf": [reference("AnyArticle"), reference("TrimmedArticle"), reference("TrimmedWorkingArticle")]
        }),
    );
    schemas.insert(
        "ArticlePageAnswer".to_owned(),
        json!({
            "description": "A page of articles in the view that was asked for, whole or trimmed with `fields`.",
            "anyOf": [reference("ArticlePage"), reference("WorkingArticlePage"), reference("TrimmedArticlePage")]
        }),
    );
    add_trimmed_page(schemas);
}

fn add_trimmed_page(schemas: &mut Map<String, Value>) {
    schemas.insert(
        "TrimmedArticlePage".to_owned(),
        json!({
            "type": "object",
            "description": "A page of articles with only the members that `fields` named.",
            "required": ["data", "page"],
            "properties": {
                "data": {
                    "type": "array",
                    "description": "The articles.",
                    "items": { "anyOf": [reference("TrimmedArticle"), reference("TrimmedWorkingArticle")] }
                },
                "page": reference("PageInfo")
            }
        }),
    );
}

/// A reference to a schema by its name.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
