//! JSON Merge Patch (RFC 7396), and comparing three versions of one document.

use serde_json::{Map, Value};

use super::Faults;

/// Applies a merge patch.
pub fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.shift_remove(name);
        } else {
            apply(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Reports members that the patch would remove although they do not exist, which merging by itself would not notice.
///
/// `known` is the document with all its members; below the members named in `free` anything goes.
pub fn unknown_removals(patch: &Value, known: &Value, free: &[&str]) -> Faults {
    let mut faults = Faults::new();
    if let (Value::Object(patch), Value::Object(known)) = (patch, known) {
        for (name, value) in patch {
            if value.is_null() && !known.contains_key(name) {
                faults.add(format!("/{}", escaped(name)), "unknown", "is not known here");
            } else if let (Value::Object(inner), Some(Value::Object(known)), false) =
                (value, known.get(name), free.contains(&name.as_str()))
            {
                for (inner_name, inner_value) in inner {
                    if inner_value.is_null() && !known.contains_key(inner_name) {
                        faults.add(format!("/{name}/{}", escaped(inner_name)), "unknown", "is not known here");
                    }
                }
            }
        }
    }
    faults
}

/// A member's name as a step of a JSON pointer, as far as a message should repeat it.
fn escaped(name: &str) -> String {
    name.chars().take(60).collect::<String>().replace('~', "~0").replace('/', "~1")
}

/// Shows, for each member that anybody changed, what it was, what one side made of it and what the other.
pub fn three_way(base: &Value, yours: &Value, theirs: &Value) -> Value {
    let mut members = Map::new();
    let (Value::Object(base), Value::Object(yours), Value::Object(theirs)) = (base, yours, theirs) else {
        return Value::Object(members);
    };
    for name in base.keys().chain(yours.keys()).chain(theirs.keys()) {
        let [base, yours, theirs] = [base, yours, theirs].map(|side| side.get(name).unwrap_or(&Value::Null));
        if (base != yours || base != theirs) && !members.contains_key(name) {
            members.insert(name.clone(), serde_json::json!({ "base": base, "yours": yours, "theirs": theirs }));
        }
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_examples_of_rfc_7396_hold() {
        for (mut target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            apply(&mut target, &patch);
            assert_eq!(target, result);
        }
    }

    #[test]
    fn removing_what_is_not_known_is_a_fault() {
        let known = json!({"title": "t", "kicker": null, "seo": {"title": null}, "extensions": {"x": 1}});
        let patch =
            json!({"nope": null, "kicker": null, "seo": {"title": null, "oops": null}, "extensions": {"y": null}});
        let error =
            unknown_removals(&patch, &known, &["extensions"]).check(crate::error::Code::InvalidInput).unwrap_err();
        let pointers: Vec<_> = error.input_faults().iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/nope", "/seo/oops"]);
    }
}
