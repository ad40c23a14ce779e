//! Creating and changing the working copy; readers notice nothing of it.

use serde_json::Value;

use super::{
    ArticleRow, Draft, Edit, ReadBody, Working, check, require_editable,
    store::{self, Step},
    to_json,
    written::together,
};
use crate::{
    articles::{
        content::{Content, changed_members},
        input::ArticleInput,
        lifecycle::{self, State},
        resolve::{self, Embedded, Subject},
    },
    auth::{identity::Caller, rights::Operation},
    clock::Instant,
    db::Tx,
    error::{Code, Error, Result},
    ids::ArticleId,
    input::read,
    revisions::Basis,
    slugs::{self, Kind},
};

/// Creates a draft.
///
/// # Errors
/// `invalid_input` with all faults, `slug_taken`.
pub fn create(tx: &mut Tx<'_>, caller: &Caller, draft: &Draft) -> Result<Working> {
    let id = ArticleId::generate();
    let subject = Subject::new(id);
    let (ReadBody { stored, warnings, .. }, Settled { content, embedded }) =
        together(draft.body.clone(), settle(tx, &subject, caller, &draft.input))?;
    let row = ArticleRow {
        id,
        slug: content.slug.to_string(),
        state: State::Draft,
        content: to_json(&content)?,
        body_digest: stored.digest.clone(),
        revision: 1,
        edited_revision: 1,
        live_revision: None,
        first_published_at: None,
        published_at: None,
        resumes_state: None,
        publish_at: None,
        withdraw_at: None,
        review_note: None,
        corrections: "[]".to_owned(),
        created_at: tx.now,
        created_by: caller.user_id,
        updated_at: tx.now,
        updated_by: caller.user_id,
        trashed_at: None,
    };
    store::insert(tx, &row, &content, &stored)?;
    let working = Working { is_new: true, ..Working::of(row, content, stored) };
    Ok(Working { warnings, embedded: Some(embedded), ..working })
}

/// Changes the working copy by a merge patch.
///
/// # Errors
/// `precondition_failed` when the basis is stale, `invalid_input`, `slug_taken`, `invalid_transition` in the trash.
pub fn update(tx: &mut Tx<'_>, caller: &Caller, old: Working, basis: &Basis, edit: &Edit) -> Result<Working> {
    check(tx, &old, basis, Some(edit))?;
    require_editable(&old.row)?;
    let subject = Subject::of(&old);
    let settled = edit.apply(old.content.document()?).and_then(|input| settle(tx, &subject, caller, &input));
    let body = match edit.body.clone() {
        Some(body) => body.and_then(|body| body.adopting(&old.body.body)),
        None => Ok(ReadBody { stored: old.body.clone(), warnings: Vec::new(), lacks_ids: false }),
    };
    let (ReadBody { stored, warnings, .. }, settled) = together(body, settled)?;
    revise(tx, caller, old, settled, stored, warnings, ("edited", None))
}

/// Makes a content and a body the newest revision, if they say anything new. The step is what was done, and the same in
/// one line if the changed members do not say it.
pub(super) fn revise(
    tx: &mut Tx<'_>,
    caller: &Caller,
    old: Working,
    Settled { content, embedded }: Settled,
    body: super::StoredBody,
    warnings: Vec<crate::body::Warning>,
    (kind, summary): (&'static str, Option<String>),
) -> Result<Working> {
    let changed = changed_members(&old.content, &content, old.body.digest != body.digest)?;
    if changed.is_empty() {
        return Ok(Working { warnings, ..old });
    }
    let mut row = old.row;
    row.slug = content.slug.to_string();
    row.content = to_json(&content)?;
    row.body_digest.clone_from(&body.digest);
    if changed.iter().any(|member| *member != "assigned_to") {
        row.edited_revision = row.revision + 1;
        // What an editor found good is not what it was any more.
        if row.state == State::Approved && !caller.may(Operation::ApproveArticle, row.created_by) {
            row.state = State::InReview;
        }
    }
    store::keep_body(tx, row.id, &body)?;
    store::link(tx, row.id, &old.content, &content)?;
    let summary = summary.unwrap_or_else(|| format!("Changed {}", changed.join(", ")));
    let step = Step { kind, summary, note: None, is_published: false };
    let row = store::save(tx, row, &content, &body, caller.user_id, step)?;
    Ok(Working { warnings, embedded: Some(embedded), ..Working::of(row, content, body) })
}

/// Moves an article that readers do not see to the trash.
///
/// # Errors
/// `invalid_transition` while readers see it or when it is there already, `precondition_failed`.
pub fn trash(tx: &mut Tx<'_>, caller: &Caller, old: Working, basis: &Basis) -> Result<Working> {
    check(tx, &old, basis, None)?;
    require_editable(&old.row)?;
    if old.row.state == State::Scheduled {
        return Err(lifecycle::refuse("The article is scheduled; unschedule it first."));
    }
    if old.row.live_revision.is_some() {
        return Err(lifecycle::refuse("Readers see the article; withdraw it first."));
    }
    let trashed_at = Some(tx.now);
    set_trashed(tx, caller, old, trashed_at, "trashed")
}

/// Brings an article back from the trash.
///
/// # Errors
/// `invalid_transition` when it is not there or refers to what is itself in the trash, `precondition_failed`.
pub fn restore(tx: &mut Tx<'_>, caller: &Caller, old: Working, basis: &Basis) -> Result<Working> {
    check(tx, &old, basis, None)?;
    if old.row.trashed_at.is_none() {
        return Err(lifecycle::refuse("The article is not in the trash."));
    }
    // What it refers to may have been trashed meanwhile, as nothing else used it.
    let input: ArticleInput = read(old.content.document()?, Code::InvalidInput)?;
    let subject = Subject::of(&old);
    resolve::references(tx.conn()?, &input, &subject, caller).map_err(|error| match error.code() {
        Code::InvalidInput => Error::faults(Code::InvalidTransition, error.input_faults().to_vec()),
        _ => error,
    })?;
    set_trashed(tx, caller, old, None, "restored")
}

fn set_trashed(
    tx: &mut Tx<'_>,
    caller: &Caller,
    old: Working,
    at: Option<Instant>,
    kind: &'static str,
) -> Result<Working> {
    let Working { mut row, content, body, warnings, .. } = old;
    row.trashed_at = at;
    let summary = if at.is_some() { "Moved to the trash" } else { "Brought back from the trash" };
    let step = Step { kind, summary: summary.to_owned(), note: None, is_published: false };
    let row = store::save(tx, row, &content, &body, caller.user_id, step)?;
    Ok(Working { warnings, ..Working::of(row, content, body) })
}

/// A content of which nothing is open any more.
pub(super) struct Settled {
    /// The content.
    pub(super) content: Content,
    /// What it refers to.
    embedded: Embedded,
}

/// Resolves what an input refers to and settles its slug.
pub(super) fn settle(tx: &mut Tx<'_>, subject: &Subject<'_>, caller: &Caller, input: &ArticleInput) -> Result<Settled> {
    let resolved = resolve::references(tx.conn()?, input, subject, caller)?;
    let slug = slugs::settle(tx, Kind::Article, subject.id.into(), input.slug.as_ref(), input.title.as_str())?;
    let input = input.clone();
    let content = Content {
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
        embargo_until: input.embargo_until.map(|moment| moment.0),
        guid: input.guid,
        assigned_to: resolved.assigned_to,
    };
    let mut embedded = resolved.embedded;
    embedded.add_caller(caller);
    Ok(Settled { content, embedded })
}

/// What a revision said, as a document to compare with.
pub(super) fn whole(content: &Content, body: &super::StoredBody) -> Result<Value> {
    let mut document = content.document()?;
    if let Value::Object(members) = &mut document {
        members.insert("body_blocks".to_owned(), body.value()?);
    }
    Ok(document)
}
