//! From what clients write to the content of the next revision: patches, bodies, references, the slug.

use serde_json::{Value, json};

use super::super::{
    content::{Content, StoredBody},
    input::ArticleInput,
    resolve,
    resolve::Subject,
};
use crate::{
    auth::identity::Caller,
    body::{Body, Warning},
    db::Tx,
    error::{Code, Error, Result},
    input::merge,
    slugs::{self, Kind},
};

/// Applies a patch to the document of a revision and reads the result as input.
pub(super) fn patched(mut document: Value, patch: &Value) -> Result<ArticleInput> {
    let mut known = document.clone();
    if let Value::Object(members) = &mut known {
        members.insert("body_html".to_owned(), Value::Null);
        // What an absent object may have is known all the same.
        let source = members.entry("source").or_insert(Value::Null);
        if source.is_null() {
            *source = json!({ "name": null, "url": null });
        }
    }
    let faults = merge::unknown_removals(patch, &known, &["extensions"]);
    if patches_body(patch)
        && let Value::Object(members) = &mut document
    {
        members.shift_remove("body_blocks");
    }
    merge::apply(&mut document, patch);
    faults.read(document, Code::InvalidInput)
}

/// Returns whether a patch says anything about the body.
pub(super) fn patches_body(patch: &Value) -> bool {
    ["body_blocks", "body_html"].iter().any(|name| patch.get(name).is_some())
}

/// Returns two results, or the faults of both.
pub(super) fn together<A, B>(first: Result<A>, second: Result<B>) -> Result<(A, B)> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(first), Err(second)) if first.code() == second.code() && first.code() == Code::InvalidInput => {
            let faults = first.input_faults().iter().chain(second.input_faults()).cloned().collect();
            Err(Error::faults(Code::InvalidInput, faults))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// Reads the body of an input, whichever way it was written.
pub(super) fn body_of(input: &ArticleInput) -> Result<(StoredBody, Vec<Warning>)> {
    const LONGEST_HTML: usize = 1024 * 1024;
    let (body, warnings) = match (&input.body_blocks, &input.body_html) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid(
                "/body_html",
                "conflict",
                "give the body as body_blocks or as body_html, not both",
            ));
        }
        (Some(body), None) => (body.clone(), Vec::new()),
        (None, Some(html)) if html.len() > LONGEST_HTML => {
            return Err(Error::invalid("/body_html", "too_long", "has more than 1 MiB"));
        }
        (None, Some(html)) if html.contains('\0') => {
            return Err(Error::invalid("/body_html", "control_character", "must not contain U+0000"));
        }
        (None, Some(html)) => {
            let read = Body::from_html(html);
            (read.body, read.warnings)
        }
        (None, None) => (Body::default(), Vec::new()),
    };
    Ok((StoredBody::new(body)?, warnings))
}

/// Resolves what an input refers to and settles its slug.
pub(super) fn settle(tx: &mut Tx<'_>, subject: &Subject<'_>, caller: &Caller, input: &ArticleInput) -> Result<Content> {
    let resolved = resolve::references(tx.conn, input, subject, caller)?;
    let slug = slugs::settle(tx, Kind::Article, subject.id.into(), input.slug.as_ref(), input.title.as_str())?;
    let input = input.clone();
    Ok(Content {
        kicker: input.kicker,
        title: input.title,
        standfirst: input.standfirst,
        slug,
        excerpt: input.excerpt,
        language: input.language,
        dateline: input.dateline,
        section: resolved.section,
        authors: resolved.authors,
        byline: input.byline,
        tags: resolved.tags,
        featured: input.featured,
        related: resolved.related,
        source: input.source,
        seo: input.seo,
        extensions: input.extensions,
    })
}
