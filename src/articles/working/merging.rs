//! Merging a change into what others have made of the article meanwhile (`Prefer: merge`).
//!
//! Changes of different members both hold, and within `seo` and `extensions` those of different members there; of the
//! body, those of different blocks. What both sides changed in different ways is a conflict, and then nothing is changed.

use serde_json::{Map, Value, json};

use super::{
    Edit, ReadBody, Working, check,
    edit::{revise, settle, update},
    is_current, require_editable, store,
    written::together,
};
use crate::{
    articles::{
        content::{Content, StoredBody},
        input::ArticleInput,
        resolve::Subject,
    },
    auth::identity::Caller,
    body::{BlockConflict, Warning},
    db::Tx,
    error::{Code, Error, Result},
    input::{merge as patches, read},
    revisions::Basis,
};

/// How a change came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was based on the newest revision.
    Plain,
    /// It was merged with what others had changed.
    Merged,
}

/// Changes the working copy by a merge patch; a patch on an older revision is merged with what was changed since.
///
/// # Errors
/// As [`update`]; `precondition_failed` with what cannot be merged, or when the revision is not known any more.
pub fn merge(tx: &mut Tx<'_>, caller: &Caller, old: Working, basis: &Basis, edit: &Edit) -> Result<(Working, Outcome)> {
    let known = if is_current(&old, basis) { None } else { basis.known() };
    let base = known.map(|number| store::said_at(tx.conn()?, old.row.id, number)).transpose()?.flatten();
    let Some((base_content, base_body)) = base else {
        return Ok((update(tx, caller, old, basis, edit)?, Outcome::Plain));
    };
    require_editable(&old.row)?;
    let members = merge_members(tx, caller, &old, &base_content, edit);
    let read_body = merge_bodies(&old, &base_body, edit);
    let (read_body, conflicts) = match read_body {
        Ok(MergedBody::Merged(body)) => (Ok(body), None),
        Ok(MergedBody::Conflicts(conflicts)) => (Ok(as_it_is(&old)), Some(conflicts)),
        Err(faults) => (Err(faults), None),
    };
    let (ReadBody { stored, warnings, .. }, members) = together(read_body, members)?;
    if !members.conflicts.is_empty() || conflicts.is_some() {
        return Err(stale(tx, &old, basis, members.conflicts, conflicts));
    }
    let input: ArticleInput = read(members.document, Code::InvalidInput)?;
    let subject = Subject::of(&old);
    let settled = settle(tx, &subject, caller, &input)?;
    let merged = revise(tx, caller, old, settled, stored, warnings, ("merged", None))?;
    Ok((merged, Outcome::Merged))
}

fn as_it_is(old: &Working) -> ReadBody {
    ReadBody { stored: old.body.clone(), warnings: Vec::new(), lacks_ids: false }
}

enum MergedBody {
    Merged(ReadBody),
    Conflicts(Vec<BlockConflict>),
}

fn merge_bodies(
    old: &Working,
    base: &StoredBody,
    edit: &Edit,
) -> std::result::Result<MergedBody, Vec<crate::error::Fault>> {
    let Some(body) = edit.body.clone() else { return Ok(MergedBody::Merged(as_it_is(old))) };
    let yours = body.and_then(|body| body.adopting(&base.body))?;
    match base.body.merge(&yours.stored.body, &old.body.body) {
        Err(conflicts) => Ok(MergedBody::Conflicts(conflicts)),
        Ok(merged) => {
            let warnings: Vec<Warning> = yours.warnings;
            ReadBody::new(merged, warnings).map(MergedBody::Merged)
        }
    }
}

/// The members as they are when both sides' changes are done, and those that cannot be.
struct Members {
    document: Value,
    conflicts: Map<String, Value>,
}

/// The members that are objects of several things that can be changed apart.
const DIVISIBLE: [&str; 2] = ["seo", "extensions"];

fn merge_members(tx: &mut Tx<'_>, caller: &Caller, old: &Working, base: &Content, edit: &Edit) -> Result<Members> {
    let theirs = old.content.document()?;
    // The patch on what is there now: references as ids, texts in their normal form.
    let input = edit.apply(theirs.clone())?;
    let subject = Subject::of(old);
    let written = settle(tx, &subject, caller, &input)?.content.document()?;
    let base = base.document()?;
    let (mut document, mut conflicts) = (Map::new(), Map::new());
    for (name, theirs) in theirs.as_object().into_iter().flatten() {
        let base = base.get(name).unwrap_or(&Value::Null);
        let yours = match edit.member(name) {
            None => base.clone(),
            Some(patch @ Value::Object(_)) => patched(name, base, patch),
            Some(_) => written.get(name).cloned().unwrap_or_default(),
        };
        match three_way(base, &yours, theirs, DIVISIBLE.contains(&name.as_str())) {
            Some(merged) => {
                document.insert(name.clone(), merged);
            }
            None => {
                conflicts.insert(name.clone(), json!({ "base": base, "yours": yours, "theirs": theirs }));
            }
        }
    }
    Ok(Members { document: Value::Object(document), conflicts })
}

/// What a patch makes of an object, with all the members that such an object has.
fn patched(name: &str, base: &Value, patch: &Value) -> Value {
    let all: &[&str] = match name {
        "seo" => &["title", "description", "canonical_url"],
        "source" => &["name", "url"],
        _ => &[],
    };
    let mut value = base.clone();
    patches::apply(&mut value, patch);
    if let Value::Object(members) = &mut value {
        for name in all {
            members.entry(*name).or_insert(Value::Null);
        }
    }
    value
}

/// Merges two changes of one value; `None` when they contradict each other. The parser has bounded the depth.
fn three_way(base: &Value, yours: &Value, theirs: &Value, is_divisible: bool) -> Option<Value> {
    if yours == theirs || theirs == base {
        return Some(yours.clone());
    }
    if yours == base {
        return Some(theirs.clone());
    }
    let (Value::Object(yours), Value::Object(theirs), true) = (yours, theirs, is_divisible) else { return None };
    let nothing = Map::new();
    let base = base.as_object().unwrap_or(&nothing);
    let mut merged = Map::new();
    for name in theirs.keys().chain(yours.keys().filter(|name| !theirs.contains_key(*name))) {
        let sides = [base.get(name), yours.get(name), theirs.get(name)];
        let value = match sides {
            [base, yours, theirs] if yours == theirs || theirs == base => yours.cloned(),
            [base, yours, theirs] if yours == base => theirs.cloned(),
            [base, Some(yours), Some(theirs)] => Some(three_way(base.unwrap_or(&Value::Null), yours, theirs, true)?),
            _ => return None,
        };
        if let Some(value) = value {
            merged.insert(name.clone(), value);
        }
    }
    Some(Value::Object(merged))
}

/// The answer when the change cannot be merged: as for any stale write, but with the conflicts only.
fn stale(
    tx: &mut Tx<'_>,
    old: &Working,
    basis: &Basis,
    members: Map<String, Value>,
    blocks: Option<Vec<BlockConflict>>,
) -> Error {
    let error = match check(tx, old, basis, None) {
        Err(error) if error.code() == Code::PreconditionFailed => {
            Error::new(Code::PreconditionFailed, format!("{} It cannot be merged with your change.", error.detail()))
        }
        Err(error) => return error,
        Ok(()) => Error::internal("a conflict without a stale basis"),
    };
    let error =
        error.with("current_etag", format!("\"r{}\"", old.row.revision)).with("members", Value::Object(members));
    match blocks.map(serde_json::to_value) {
        None => error,
        Some(Ok(blocks)) => error.with("conflicts", blocks),
        Some(Err(failure)) => Error::internal(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_different_members_of_an_object_both_hold() {
        let base = json!({ "a": 1, "b": { "x": 1, "y": 1 }, "c": 1 });
        let yours = json!({ "a": 2, "b": { "x": 2, "y": 1 }, "c": 1, "new": true });
        let theirs = json!({ "a": 1, "b": { "x": 1, "y": 2 } });

        let merged = json!({ "a": 2, "b": { "x": 2, "y": 2 }, "new": true });
        assert_eq!(three_way(&base, &yours, &theirs, true), Some(merged.clone()));
        assert_eq!(three_way(&base, &theirs, &yours, true), Some(merged));
        assert_eq!(three_way(&base, &yours, &theirs, false), None);
        assert_eq!(three_way(&base, &yours, &base, false), Some(yours.clone()));
    }

    #[test]
    fn the_same_member_changed_twice_or_changed_and_removed_is_a_conflict() {
        let base = json!({ "a": 1 });
        for (yours, theirs) in [
            (json!({ "a": 2 }), json!({ "a": 3 })),
            (json!({ "a": 2 }), json!({})),
            (json!({}), json!({ "a": 2 })),
            (json!({ "a": 1, "b": 1 }), json!({ "a": 1, "b": 2 })),
        ] {
            assert_eq!(three_way(&base, &yours, &theirs, true), None, "{yours} {theirs}");
        }
    }
}
