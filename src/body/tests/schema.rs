//! The body in OpenAPI.

use serde_json::{Value, json};
use utoipa::{OpenApi, ToSchema};

use crate::body::tests::from_client;
use crate::body::{Body, Warning};

/// Stands in for the resources that have a body.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Article {
    /// The body.
    body_blocks: Body,
    /// What was lost.
    warnings: Vec<Warning>,
}

#[derive(OpenApi)]
#[openapi(components(schemas(Article)))]
struct Document;

fn document() -> Value {
    serde_json::to_value(Document::openapi()).unwrap()
}

/// Every `$ref` in a document.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        Value::Object(members) => {
            found.extend(members.get("$ref").map(|to| to.as_str().unwrap().to_owned()));
            members.values().for_each(|value| references(value, found));
        }
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_a_component_and_every_component_is_described() {
    let document = document();

    let mut found = Vec::new();
    references(&document, &mut found);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "dangling {reference} in {document:#}");
    }
    let components = document["components"]["schemas"].as_object().unwrap();
    let mut names: Vec<&str> = components.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "Article",
            "Block",
            "Body",
            "CodeBlock",
            "DetailsBlock",
            "DetailsPart",
            "Direction",
            "DividerBlock",
            "EmbedBlock",
            "EmbedProvider",
            "Footnote",
            "FootnoteRefInline",
            "FootnotesBlock",
            "GalleryBlock",
            "GalleryImage",
            "HeadingBlock",
            "ImageBlock",
            "Inline",
            "LineBreakInline",
            "LinkInline",
            "LinkPart",
            "LinkRel",
            "ListBlock",
            "ListItem",
            "Mark",
            "NestedList",
            "NoteBlock",
            "NoteKind",
            "NotePart",
            "ParagraphBlock",
            "PreformattedBlock",
            "PullQuoteBlock",
            "QuoteBlock",
            "QuotePart",
            "RelatedArticleBlock",
            "TableBlock",
            "TableCell",
            "TableRow",
            "TextInline",
            "Warning",
            "WarningCode",
        ]
    );
    for (name, component) in components {
        assert!(name == "Article" || component["description"].is_string(), "{name} has no description");
        for (property, schema) in component["properties"].as_object().into_iter().flatten() {
            let is_described = property == "type"
                || schema["description"].is_string()
                || schema["oneOf"][0]["description"].is_string();
            assert!(is_described, "{name}.{property} has no description: {schema}");
        }
    }
}

#[test]
fn unions_refer_to_named_variants_by_a_discriminator() {
    let document = document();
    for (union, variants) in [
        (
            "Block",
            &[
                ("paragraph", "ParagraphBlock"),
                ("heading", "HeadingBlock"),
                ("list", "ListBlock"),
                ("quote", "QuoteBlock"),
                ("pull_quote", "PullQuoteBlock"),
                ("image", "ImageBlock"),
                ("gallery", "GalleryBlock"),
                ("embed", "EmbedBlock"),
                ("table", "TableBlock"),
                ("code", "CodeBlock"),
                ("preformatted", "PreformattedBlock"),
                ("divider", "DividerBlock"),
                ("note", "NoteBlock"),
                ("related_article", "RelatedArticleBlock"),
                ("details", "DetailsBlock"),
                ("footnotes", "FootnotesBlock"),
            ][..],
        ),
        ("QuotePart", &[("paragraph", "ParagraphBlock"), ("list", "ListBlock")]),
        ("NotePart", &[("paragraph", "ParagraphBlock"), ("list", "ListBlock")]),
        (
            "DetailsPart",
            &[
                ("paragraph", "ParagraphBlock"),
                ("heading", "HeadingBlock"),
                ("list", "ListBlock"),
                ("quote", "QuoteBlock"),
                ("image", "ImageBlock"),
                ("embed", "EmbedBlock"),
                ("table", "TableBlock"),
                ("code", "CodeBlock"),
                ("preformatted", "PreformattedBlock"),
            ],
        ),
        (
            "Inline",
            &[
                ("text", "TextInline"),
                ("link", "LinkInline"),
                ("line_break", "LineBreakInline"),
                ("footnote_ref", "FootnoteRefInline"),
            ],
        ),
        ("LinkPart", &[("text", "TextInline"), ("line_break", "LineBreakInline")]),
    ] {
        let schema = &document["components"]["schemas"][union];
        let reference = |name: &str| format!("#/components/schemas/{name}");
        let one_of: Vec<Value> = variants.iter().map(|(_, name)| json!({"$ref": reference(name)})).collect();
        let mapping: Value =
            variants.iter().map(|(tag, name)| ((*tag).to_owned(), Value::from(reference(name)))).collect();
        assert_eq!(schema["oneOf"], Value::from(one_of), "{union}");
        assert_eq!(schema["discriminator"], json!({"propertyName": "type", "mapping": mapping}), "{union}");
        for (tag, name) in variants {
            let variant = &document["components"]["schemas"][name];
            let discriminator = &variant["properties"]["type"];
            assert_eq!((&discriminator["type"], &discriminator["enum"]), (&json!("string"), &json!([tag])), "{name}");
            assert_eq!(variant["required"][0], "type", "{name}");
            assert_eq!(variant["properties"].as_object().unwrap().keys().next().unwrap(), "type");
        }
    }
}

#[test]
fn members_that_may_be_left_out_are_not_required() {
    let components = &document()["components"]["schemas"];

    assert_eq!(components["ParagraphBlock"]["required"], json!(["type", "content"]));
    assert_eq!(components["HeadingBlock"]["required"], json!(["type", "level", "content"]));
    assert_eq!(components["ListBlock"]["required"], json!(["type", "items"]));
    assert_eq!(components["NestedList"]["required"], json!(["items"]));
    assert_eq!(components["ListItem"]["required"], json!(["content"]));
    assert_eq!(components["QuoteBlock"]["required"], json!(["type", "content"]));
    assert_eq!(components["TextInline"]["required"], json!(["type", "text"]));
    assert_eq!(components["LinkInline"]["required"], json!(["type", "content"]));
    assert_eq!(components["ImageBlock"]["required"], json!(["type"]));
    assert_eq!(components["EmbedBlock"]["required"], json!(["type", "url"]));
    assert_eq!(components["TableCell"]["required"], json!(["content"]));
    assert_eq!(components["Body"]["maxItems"], 10_000);
    assert_eq!(components["ListItem"]["properties"]["list"]["oneOf"][0]["$ref"], "#/components/schemas/NestedList");
    assert_eq!(components["NestedList"]["properties"]["items"]["items"]["$ref"], "#/components/schemas/ListItem");
}

#[test]
fn bodies_and_examples_satisfy_the_schema() {
    let document = document();
    let validator = |component: &str| {
        let mut schema = document.clone();
        schema["$ref"] = format!("#/components/schemas/{component}").into();
        jsonschema::draft202012::new(&schema).unwrap()
    };

    let html = "<h2>A</h2><p>b <b>c</b><br><a href=/d title=t>e</a></p><ol start=2><li>f<ul><li>g</ul></ol><blockquote>h<footer>i</footer></blockquote>";
    let body = serde_json::to_value(Body::from_html(html).body).unwrap();
    let faults: Vec<String> = validator("Body").iter_errors(&body).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert!(!validator("Body").is_valid(&json!([{"type": "video"}])));
    assert!(!validator("Body").is_valid(&json!([{"type": "heading", "level": 1, "content": []}])));

    for (name, component) in document["components"]["schemas"].as_object().unwrap() {
        let Some(example) = component.get("example") else {
            continue;
        };
        assert!(validator(name).is_valid(example), "the example of {name} does not satisfy its schema");
        if name.ends_with("Block") {
            assert!(from_client(json!([example])).is_ok(), "the example of {name} is refused");
            let read = json!(from_client(json!([example])).unwrap());
            assert_eq!(read, json!([example]), "the example of {name} is not as it is in answers");
        }
    }
}
