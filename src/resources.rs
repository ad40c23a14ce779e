//! What sections, staff profiles and tags have in common: they have no drafts, keep their revisions, and can be trashed.

use serde::Serialize;
use serde_json::Value;

use crate::{
    clock::Instant,
    error::{Code, Error, Result},
    input::{Invalid, merge},
};

/// What a view contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// What readers see.
    Live,
    /// What is not in the trash, with revisions.
    Working,
    /// What is in the trash.
    Trash,
}

/// Returns the document of a revision, in the form in which clients write it.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn document(doc: &impl Serialize) -> Result<Value> {
    serde_json::to_value(doc).map_err(Error::internal)
}

/// Applies a merge patch to a document that has all its members.
///
/// # Errors
/// `invalid_input` when it removes what does not exist.
pub fn patched(document: &Value, patch: &Value) -> Result<Value> {
    merge::unknown_removals(patch, document, &[]).check(Code::InvalidInput)?;
    let mut patched = document.clone();
    merge::apply(&mut patched, patch);
    Ok(patched)
}

/// Refuses to go on with what is in the trash.
///
/// # Errors
/// `invalid_transition`.
pub fn require_untrashed(what: &str, trashed_at: Option<Instant>) -> Result<()> {
    match trashed_at {
        None => Ok(()),
        Some(_) => Err(Error::new(Code::InvalidTransition, format!("The {what} is in the trash; restore it first."))),
    }
}

/// Refuses to go on with what is not in the trash.
///
/// # Errors
/// `invalid_transition`.
pub fn require_trashed(what: &str, trashed_at: Option<Instant>) -> Result<()> {
    match trashed_at {
        Some(_) => Ok(()),
        None => Err(Error::new(Code::InvalidTransition, format!("The {what} is not in the trash."))),
    }
}

/// The failure to read back what was checked before it was stored.
pub fn damaged(what: &str, id: impl std::fmt::Display) -> impl Fn(Invalid) -> Error {
    let what = format!("{what} {id}");
    move |invalid| Error::internal(format!("{what} is damaged: {}", invalid.detail))
}
