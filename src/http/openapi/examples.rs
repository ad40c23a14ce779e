//! A realistic example for each operation's input and answer, from one file that a test validates.
//!
//! `{"$like": "publishArticle", "state": "approved"}` is the answer of another operation with some members of its own.

use serde_json::Value;

const EXAMPLES: &str = include_str!("../../../openapi/examples.json");

/// Adds the examples to a document.
pub fn complete(document: &mut Value) {
    let examples: Value = serde_json::from_str(EXAMPLES).unwrap_or_default();
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
        let example = &examples[operation["operationId"].as_str().unwrap_or_default()];
        if let Some(input) = example.get("request") {
            set(&mut operation["requestBody"]["content"], input);
        }
        if let Some(answer) = example.get("response") {
            let answer = &like(&examples, answer);
            for status in ["200", "201"] {
                if operation["responses"].get(status).is_some() {
                    set(&mut operation["responses"][status]["content"], answer);
                }
            }
        }
    }
}

/// Returns an example with all its members.
fn like(examples: &Value, example: &Value) -> Value {
    let Some(other) = example.get("$like").and_then(Value::as_str) else { return example.clone() };
    let mut whole = like(examples, &examples[other]["response"]);
    if let (Some(whole), Some(own)) = (whole.as_object_mut(), example.as_object()) {
        whole
            .extend(own.iter().filter(|(name, _)| *name != "$like").map(|(name, value)| (name.clone(), value.clone())));
    }
    whole
}

fn set(content: &mut Value, example: &Value) {
    if let Some(media_types) = content.as_object_mut() {
        for media_type in media_types.values_mut() {
            media_type["example"] = example.clone();
        }
    }
}
