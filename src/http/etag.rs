//! Entity tags: strong ones for what is served, and the conditions that clients send back.

use actix_web::http::header::{self, HeaderMap};

use crate::{
    error::{Code, Error, Result},
    revisions::Basis,
};

/// Returns the ETag of a working view, which is its revision.
pub fn of_revision(revision: i32) -> String {
    format!("\"r{revision}\"")
}

/// Reads `If-Match` of a write.
///
/// # Errors
/// `precondition_required` when there is none, `bad_request` when it is not a list of entity tags.
pub fn if_match(headers: &HeaderMap) -> Result<Basis> {
    let text = joined(headers, header::IF_MATCH).ok_or_else(|| {
        Error::new(Code::PreconditionRequired, "Send If-Match with the ETag of the working view that you read.")
    })?;
    match parse(&text) {
        None => Err(Error::new(Code::BadRequest, "If-Match is not a list of entity tags such as \"r3\".")),
        Some(Tags::Any) => Ok(Basis::Any),
        Some(Tags::Listed(tags)) => Ok(Basis::Revisions(
            // A weak tag never matches here (RFC 9110, 13.1.1).
            tags.iter().filter(|tag| !tag.is_weak).filter_map(|tag| revision_of(&tag.opaque)).collect(),
        )),
    }
}

/// Returns the revision that an ETag names; tags are compared letter by letter, so only our own spelling is one.
fn revision_of(opaque: &str) -> Option<i32> {
    let revision = opaque.strip_prefix('r')?.parse().ok()?;
    (of_revision(revision) == format!("\"{opaque}\"")).then_some(revision)
}

/// Returns whether `If-Match` of a read names what would be answered. What is no list of entity tags names nothing.
pub fn matches(headers: &HeaderMap, served: impl Fn(&str) -> bool) -> bool {
    let text = joined(headers, header::IF_MATCH).unwrap_or_default();
    match parse(&text) {
        None => false,
        Some(Tags::Any) => true,
        // A weak tag never matches here (RFC 9110, 13.1.1).
        Some(Tags::Listed(tags)) => tags.iter().any(|tag| !tag.is_weak && served(&tag.opaque)),
    }
}

/// Returns whether `If-None-Match` names one of the ETags of what would be answered; `None` when it was not sent.
pub fn none_match(headers: &HeaderMap, served: impl Fn(&str) -> bool) -> Option<bool> {
    let text = joined(headers, header::IF_NONE_MATCH)?;
    match parse(&text)? {
        Tags::Any => Some(true),
        Tags::Listed(tags) => Some(tags.iter().any(|tag| served(&tag.opaque))),
    }
}

enum Tags {
    Any,
    Listed(Vec<Tag>),
}

struct Tag {
    opaque: String,
    is_weak: bool,
}

/// Returns the lines of a header as one. A tag may have bytes in it that are no text; none of this server's has.
fn joined(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(&name).map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn parse(text: &str) -> Option<Tags> {
    if text.trim() == "*" {
        return Some(Tags::Any);
    }
    let mut tags = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let is_weak = rest.starts_with("W/");
        let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (opaque, after) = quoted.split_once('"')?;
        tags.push(Tag { opaque: opaque.to_owned(), is_weak });
        let after = after.trim_start_matches([' ', '\t']);
        if !after.is_empty() && !after.starts_with(',') {
            return None;
        }
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    (!tags.is_empty()).then_some(Tags::Listed(tags))
}
