//! What holds of every body, as `src/body/tests/laws.rs` has it for generated input.

use std::collections::HashSet;

use serde_json::Value;

use crate::body::{BlockId, Body, NoLinks};
use crate::harmless::assert_harmless_tree;

/// Reads a body as clients send it.
pub fn from_client(json: Value) -> Option<Body> {
    deserr::deserialize::<Body, _, deserr::errors::JsonError>(json).ok()
}

/// Asserts all laws of a body that a reader has made.
pub fn assert_laws(body: &Body) {
    let html = body.to_html(&NoLinks);
    assert_harmless_tree(&html);
    let json = serde_json::to_value(body).expect("a body is JSON");
    assert_eq!(from_client(json.clone()).as_ref(), Some(body), "what was written is taken back");
    assert_eq!(serde_json::from_value::<Body>(json.clone()).ok().as_ref(), Some(body), "what was stored is read back");
    let mut ids = HashSet::new();
    assert_ids(&json, &mut ids);
    let again = Body::from_html(&html).body;
    assert_eq!(again.to_html(&NoLinks), html, "a fixed point");
    body.to_text();
    assert!(body.excerpt(20).chars().count() <= body.to_text().chars().count().max(20));
}

/// Ids of blocks are well-formed and unique; those of footnotes are names of another kind.
fn assert_ids(value: &Value, ids: &mut HashSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| assert_ids(value, ids)),
        Value::Object(members) => {
            if let Some(id) = members.get("id").and_then(Value::as_str) {
                assert!(BlockId::parse(id).is_some(), "{id:?} is no id");
                assert!(ids.insert(id.to_owned()), "{id} is there twice");
            }
            members.iter().filter(|(name, _)| *name != "notes").for_each(|(_, value)| assert_ids(value, ids));
        }
        _ => {}
    }
}
