//! The working copy: an append-only list of revisions, of which the newest is what people with a token see and change.
//!
//! Owns the working tables; the code that serves readers does not come here.

mod patch;
mod store;

use diesel::prelude::*;
use serde_json::{Value, value::RawValue};

use self::patch::together;
use super::{
    content::{Content, StoredBody},
    input::ArticleInput,
    lifecycle::{self, Liveness, State, Verb},
    publishing, resolve,
    resolve::{Embedded, Subject},
    view::{Bodies, WorkingArticle, excerpt},
};
use crate::{
    auth::{identity::Caller, rights::Operation},
    body::{Body, NoLinks, Warning},
    clock::Instant,
    config::{ArticlePlaces, SiteConfig},
    db::{
        Conn, Tx,
        schema::{article_bodies, articles, live_slugs},
    },
    error::{Code, Error, Result},
    ids::{ArticleId, UserId},
    input::{Slug, read},
    reference::Reference,
    revisions::{self, Basis},
    slugs::{self, Kind},
};

/// A row of the table.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = articles)]
pub struct ArticleRow {
    /// The id.
    pub id: ArticleId,
    /// The present slug.
    pub slug: String,
    /// Where it stands.
    pub state: State,
    /// The newest revision, without its body, as JSON.
    pub content: String,
    /// The digest of the newest revision's body.
    pub body_digest: String,
    /// The number of the newest revision.
    pub revision: i32,
    /// The last revision that changed what it says.
    pub edited_revision: i32,
    /// The revision that published what readers see.
    pub live_revision: Option<i32>,
    /// When readers first saw it.
    pub first_published_at: Option<Instant>,
    /// Since when they have seen it.
    pub published_at: Option<Instant>,
    /// When it was created.
    pub created_at: Instant,
    /// By whom.
    pub created_by: UserId,
    /// When the newest revision was made.
    pub updated_at: Instant,
    /// By whom.
    pub updated_by: UserId,
    /// When it was moved to the trash.
    pub trashed_at: Option<Instant>,
}

/// The newest revision of an article.
pub struct Working {
    /// The row.
    pub row: ArticleRow,
    /// What it says.
    pub content: Content,
    /// Its body.
    pub body: StoredBody,
    /// What was dropped when the body was read, if it was read just now.
    pub warnings: Vec<Warning>,
}

impl ArticleRow {
    /// Returns whether readers see it, and what.
    pub fn liveness(&self) -> Liveness {
        match self.live_revision {
            None => Liveness::Hidden,
            Some(live) if self.edited_revision > live => Liveness::Outdated,
            Some(_) => Liveness::Current,
        }
    }
}

impl Working {
    fn load(conn: &mut Conn, row: ArticleRow) -> Result<Self> {
        let json: String =
            article_bodies::table.find((row.id, &row.body_digest)).select(article_bodies::blocks).first(conn)?;
        let body = StoredBody::read(json, row.body_digest.clone())?;
        Ok(Self { content: Content::read(&row.content)?, row, body, warnings: Vec::new() })
    }

    /// Returns the view of the newest revision, with the bodies that were asked for.
    ///
    /// # Errors
    /// When the database fails.
    pub fn view(self, conn: &mut Conn, site: &SiteConfig, parts: &Parts) -> Result<WorkingArticle> {
        let users = vec![self.row.created_by, self.row.updated_by];
        let embedded = Embedded::load(conn, std::iter::once(&self.content), users)?;
        let bodies = parts.of(&self.body)?;
        let warnings = (!self.warnings.is_empty()).then_some(self.warnings);
        Ok(present(self.row, self.content, &self.body.body, &embedded, site, bodies, warnings))
    }
}

/// Which bodies a view is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// As HTML.
    pub html: bool,
    /// As blocks.
    pub blocks: bool,
    /// As plain text.
    pub text: bool,
}

impl Parts {
    /// What a single article has without asking.
    pub const SINGLE: Self = Self { html: true, blocks: false, text: false };

    /// Returns whether any is asked for.
    pub fn any(self) -> bool {
        self.html || self.blocks || self.text
    }

    fn of(self, body: &StoredBody) -> Result<Bodies> {
        Ok(Bodies {
            html: self.html.then(|| body.body.to_html(&NoLinks)),
            blocks: if self.blocks {
                Some(RawValue::from_string(body.json.clone()).map_err(Error::internal)?)
            } else {
                None
            },
            text: self.text.then(|| body.body.to_text()),
        })
    }
}

/// Builds the view of a revision from all that belongs to it.
pub fn present(
    row: ArticleRow,
    content: Content,
    body: &Body,
    embedded: &Embedded,
    site: &SiteConfig,
    bodies: Bodies,
    warnings: Option<Vec<Warning>>,
) -> WorkingArticle {
    let (excerpt, excerpt_is_derived) = excerpt(&content, body);
    let section = embedded.section(&content);
    let url = site.article_url(ArticlePlaces {
        id: row.id,
        slug: &row.slug,
        section_path: section.as_ref().map(|section| section.path.as_str()),
        first_published_at: row.first_published_at,
    });
    WorkingArticle {
        view: "working",
        id: row.id,
        url,
        state: row.state,
        revision: row.revision,
        has_unpublished_changes: row.liveness() == Liveness::Outdated,
        slug: row.slug,
        title: content.title.to_string(),
        excerpt,
        excerpt_is_derived,
        language: content.language.to_string(),
        section,
        authors: embedded.authors(&content),
        tags: embedded.tags(&content),
        featured: content.featured,
        word_count: body.word_count(),
        reading_minutes: body.reading_minutes(),
        first_published_at: row.first_published_at,
        published_at: row.published_at,
        updated_at: row.updated_at,
        updated_by: embedded.user(row.updated_by),
        created_at: row.created_at,
        created_by: embedded.user(row.created_by),
        trashed_at: row.trashed_at,
        body_html: bodies.html,
        body_blocks: bodies.blocks,
        body_text: bodies.text,
        warnings,
        kicker: content.kicker.map(crate::input::Line::into_string),
        standfirst: content.standfirst.map(crate::input::Prose::into_string),
        dateline: content.dateline.map(crate::input::Line::into_string),
        byline: content.byline.map(crate::input::Line::into_string),
        related: content.related,
        source: content.source,
        seo: content.seo,
        extensions: content.extensions.map(|extensions| extensions.0),
    }
}

/// Returns the newest revision of the article that a reference names, if the caller may do this to it.
///
/// # Errors
/// `not_found` for what is not there or, in the same words, not for the caller; `forbidden` when readers see it anyway;
/// a redirect when it is known by another slug now.
pub fn find(
    conn: &mut Conn,
    reference: &Reference<ArticleId>,
    caller: &Caller,
    operation: Operation,
) -> Result<Working> {
    let id = match reference {
        Reference::Id(id) => Some(*id),
        Reference::Slug(slug) => slugs::owner(conn, Kind::Article, &Slug::key_of(slug))?.map(ArticleId::from),
    };
    let id = id.ok_or_else(Error::not_found)?;
    let row: Option<ArticleRow> = articles::table.find(id).select(ArticleRow::as_select()).first(conn).optional()?;
    let row = row.ok_or_else(Error::not_found)?;
    if !caller.may(operation, row.created_by) {
        let is_known = caller.may(Operation::ReadWorkingArticle, row.created_by) || is_public(conn, &row, reference)?;
        return Err(if is_known { caller.forbidden(operation) } else { Error::not_found() });
    }
    match reference {
        Reference::Slug(asked) if *asked != row.slug => Err(Error::moved_to(row.slug)),
        _ => Working::load(conn, row),
    }
}

/// Returns whether readers know an article by this name; a slug that was not published yet is none of theirs.
fn is_public(conn: &mut Conn, row: &ArticleRow, reference: &Reference<ArticleId>) -> Result<bool> {
    Ok(row.live_revision.is_some()
        && match reference {
            Reference::Id(_) => true,
            Reference::Slug(slug) => {
                let known = live_slugs::table.find(Slug::key_of(slug)).filter(live_slugs::article_id.eq(row.id));
                diesel::select(diesel::dsl::exists(known)).get_result(conn)?
            }
        })
}

/// Returns which of some articles exist for a caller: those that readers see, and those that the caller may read.
///
/// # Errors
/// When the database fails.
pub fn visible_ids(conn: &mut Conn, ids: Vec<ArticleId>, caller: &Caller) -> Result<Vec<ArticleId>> {
    let rows: Vec<(ArticleId, UserId, Option<i32>)> = articles::table
        .filter(articles::id.eq_any(ids))
        .filter(articles::trashed_at.is_null())
        .select((articles::id, articles::created_by, articles::live_revision))
        .load(conn)?;
    let is_visible =
        |owner: UserId, live: Option<i32>| live.is_some() || caller.may(Operation::ReadWorkingArticle, owner);
    Ok(rows.into_iter().filter(|(_, owner, live)| is_visible(*owner, *live)).map(|(id, _, _)| id).collect())
}

/// Creates a draft.
///
/// # Errors
/// `invalid_input` with all faults, `slug_taken`.
pub fn create(tx: &mut Tx<'_>, caller: &Caller, input: &ArticleInput) -> Result<Working> {
    let id = ArticleId::generate();
    let subject = Subject { id, related: &[] };
    let ((body, warnings), content) = together(patch::body_of(input), patch::settle(tx, &subject, caller, input))?;
    let row = ArticleRow {
        id,
        slug: content.slug.to_string(),
        state: State::Draft,
        content: to_json(&content)?,
        body_digest: body.digest.clone(),
        revision: 1,
        edited_revision: 1,
        live_revision: None,
        first_published_at: None,
        published_at: None,
        created_at: tx.now,
        created_by: caller.user_id,
        updated_at: tx.now,
        updated_by: caller.user_id,
        trashed_at: None,
    };
    store::insert(tx, &row, &content, &body)?;
    Ok(Working { row, content, body, warnings })
}

/// Changes the working copy by a merge patch; readers notice nothing.
///
/// # Errors
/// `precondition_failed` when the basis is stale, `invalid_input`, `slug_taken`, `invalid_transition` in the trash.
pub fn update(tx: &mut Tx<'_>, caller: &Caller, old: Working, basis: &Basis, patch: &Value) -> Result<Working> {
    let document = old.content.document(&old.body.json)?;
    check(tx, &old, basis, Some(patch), &document)?;
    require_untrashed(&old.row)?;
    let input = patch::patched(document, patch)?;
    let subject = Subject { id: old.row.id, related: &old.content.related };
    let body = if patch::patches_body(patch) { patch::body_of(&input) } else { Ok((old.body.clone(), Vec::new())) };
    let ((body, warnings), content) = together(body, patch::settle(tx, &subject, caller, &input))?;
    if content == old.content && body.digest == old.body.digest {
        return Ok(Working { warnings, ..old });
    }
    let mut row = old.row;
    row.slug = content.slug.to_string();
    row.content = to_json(&content)?;
    row.body_digest.clone_from(&body.digest);
    row.edited_revision = row.revision + 1;
    store::keep_body(tx, row.id, &body)?;
    store::link(tx, row.id, &content)?;
    let row = store::save(tx, row, &content, caller, "edited")?;
    Ok(Working { row, content, body, warnings })
}

/// Does a verb to the article as a whole.
///
/// # Errors
/// `invalid_transition`, `precondition_failed`, and `invalid_input` for what lacks something to be published.
pub fn transition(tx: &mut Tx<'_>, caller: &Caller, old: Working, basis: &Basis, verb: Verb) -> Result<Working> {
    let document = old.content.document(&old.body.json)?;
    check(tx, &old, basis, None, &document)?;
    require_untrashed(&old.row)?;
    let state = verb.apply(old.row.state, old.row.liveness())?;
    let Working { mut row, content, body, warnings } = old;
    row.state = state;
    match verb {
        Verb::Submit | Verb::Return => {}
        Verb::Publish => {
            row.live_revision = Some(row.revision + 1);
            row.first_published_at = row.first_published_at.or(Some(tx.now));
            row.published_at = row.published_at.or(Some(tx.now));
            publishing::publish(tx, &row, &content, &body.body)?;
        }
        Verb::Withdraw => {
            row.live_revision = None;
            row.published_at = None;
            publishing::withdraw(tx, row.id)?;
        }
    }
    let row = store::save(tx, row, &content, caller, verb.revision_kind())?;
    Ok(Working { row, content, body, warnings })
}

/// Moves an article that readers do not see to the trash.
///
/// # Errors
/// `invalid_transition` while readers see it or when it is there already, `precondition_failed`.
pub fn trash(tx: &mut Tx<'_>, caller: &Caller, old: Working, basis: &Basis) -> Result<Working> {
    let document = old.content.document(&old.body.json)?;
    check(tx, &old, basis, None, &document)?;
    require_untrashed(&old.row)?;
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
    let document = old.content.document(&old.body.json)?;
    check(tx, &old, basis, None, &document)?;
    if old.row.trashed_at.is_none() {
        return Err(lifecycle::refuse("The article is not in the trash."));
    }
    // What it refers to may have been trashed meanwhile, as nothing else used it.
    let input: ArticleInput = read(document, Code::InvalidInput)?;
    let subject = Subject { id: old.row.id, related: &old.content.related };
    resolve::references(tx.conn, &input, &subject, caller).map_err(|error| match error.code() {
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
    let Working { mut row, content, body, warnings } = old;
    row.trashed_at = at;
    let row = store::save(tx, row, &content, caller, kind)?;
    Ok(Working { row, content, body, warnings })
}

fn check(tx: &mut Tx<'_>, old: &Working, basis: &Basis, patch: Option<&Value>, theirs: &Value) -> Result<()> {
    if basis.admits(old.row.revision) {
        return Ok(());
    }
    let base = match basis.known() {
        None => None,
        Some(number) => store::document_at(tx, old.row.id, number)?,
    };
    Err(revisions::stale(old.row.revision, base, patch, theirs))
}

fn require_untrashed(row: &ArticleRow) -> Result<()> {
    match row.trashed_at {
        None => Ok(()),
        Some(_) => Err(lifecycle::refuse("The article is in the trash; restore it first.")),
    }
}

fn to_json(content: &Content) -> Result<String> {
    serde_json::to_string(content).map_err(Error::internal)
}
