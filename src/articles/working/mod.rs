//! The working copy: an append-only list of revisions, of which the newest is what people with a token see and change.
//!
//! Owns the working tables; the code that serves readers does not come here. [`Working`] is the newest revision. It is
//! found with [`find`], or with [`take`] to change it; [`create`] and [`update`] change what it says, [`transition`] what
//! becomes of it. [`Draft`] and [`Edit`] are what clients wrote.

mod edit;
mod history;
mod merging;
mod retention;
mod snapshot;
mod store;
mod transitions;
mod written;

use diesel::prelude::*;
use serde_json::Value;

pub use self::{
    edit::{create, restore, trash, update},
    history::{RevisionRow, before, of, page, revision, said, take_up},
    merging::{Outcome, merge},
    retention::prune,
    snapshot::{Snapshot, snapshot},
    transitions::{Act, Times, record, transition},
    written::{Draft, Edit, ReadBody},
};
use super::{
    content::{Content, Correction, StoredBody},
    gist::Gist,
    guids::guid_of,
    leases,
    lifecycle::{self, Liveness, State},
    live,
    preflight::Candidate,
    resolve::Embedded,
    schedule,
    view::{Bodies, WorkingArticle},
};
use crate::{
    auth::{
        identity::Caller,
        rights::{Operation, Role},
    },
    body::Warning,
    clock::Instant,
    config::{ArticlePlaces, SiteConfig},
    db::{
        Conn, Tx,
        direct::{direct, one_of},
        schema::{article_bodies, articles},
    },
    error::{Error, Result},
    ids::{ArticleId, UserId},
    input::Slug,
    policy::{Policy, Text},
    reference::Reference,
    revisions::{self, Basis},
    sections::model::SectionSummary,
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
    /// Since when they have seen it, or from when they will.
    pub published_at: Option<Instant>,
    /// The state that it was in before it was scheduled.
    pub resumes_state: Option<State>,
    /// When it is to be published.
    pub publish_at: Option<Instant>,
    /// When it is to be withdrawn.
    pub withdraw_at: Option<Instant>,
    /// What the editor said who handed it back.
    pub review_note: Option<String>,
    /// Its corrections, as JSON.
    pub corrections: String,
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
    /// The newest revision before it was recorded what happened by the clock, if that was just now. Whoever knows that
    /// one misses nothing that anybody wrote.
    before_clock: Option<i32>,
    /// What it refers to, if that was found just now.
    embedded: Option<Embedded>,
    /// Whether it came into being just now, so that nobody can have it open.
    is_new: bool,
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
    fn of(row: ArticleRow, content: Content, body: StoredBody) -> Self {
        Self { row, content, body, warnings: Vec::new(), before_clock: None, embedded: None, is_new: false }
    }

    fn load(conn: &mut Conn, row: ArticleRow) -> Result<Self> {
        let body = article_bodies::table.find((row.id, &row.body_digest));
        let body = body.select((article_bodies::blocks, article_bodies::gist));
        let (json, gist): (String, Option<String>) = direct!(conn, |own| body.get_result(own))?;
        let gist = gist.as_deref().map(Gist::read).transpose()?;
        let body = StoredBody::read(json, row.body_digest.clone())?.knowing(gist);
        let content = Content::read(&row.content)?;
        Ok(Self::of(row, content, body))
    }

    /// Returns what is checked before publishing.
    pub fn candidate(&self) -> Candidate<'_> {
        let review_note = self.row.review_note.as_deref();
        Candidate { content: &self.content, body: &self.body.body, review_note }
    }

    /// Returns the view of the newest revision, with the bodies that were asked for.
    ///
    /// # Errors
    /// When the database fails.
    pub fn view(self, conn: &mut Conn, site: &SiteConfig, parts: &Parts) -> Result<WorkingArticle> {
        let mut users: Vec<UserId> = vec![self.row.created_by, self.row.updated_by];
        users.extend(self.content.assigned_to);
        let embedded = match self.embedded {
            Some(mut embedded) => {
                embedded.add_users(conn, users)?;
                embedded
            }
            None => Embedded::load(conn, std::iter::once(&self.content), users)?,
        };
        let bodies = parts.of(conn, &self.body, site)?;
        let warnings = (!self.warnings.is_empty()).then_some(self.warnings);
        let editing = if self.is_new { Vec::new() } else { leases::editing(conn, self.row.id)? };
        let view = present(self.row, self.content, self.body.gist(), &embedded, site, bodies, warnings)?;
        Ok(WorkingArticle { editing: Some(editing), ..view })
    }
}

/// Which bodies a view is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// As HTML.
    pub html: bool,
    /// As blocks.
    pub blocks: bool,
    /// As Markdown.
    pub markdown: bool,
    /// As plain text.
    pub text: bool,
}

impl Parts {
    /// What a single article has without asking.
    pub const SINGLE: Self = Self { html: true, blocks: false, markdown: false, text: false };

    /// Returns whether any is asked for.
    pub fn any(self) -> bool {
        self.html || self.blocks || self.markdown || self.text
    }

    /// Returns what of them a reader gets.
    #[must_use]
    pub fn under(self, policy: &Policy) -> Self {
        if policy.text == Text::Full { self } else { Self::default() }
    }
}

/// Builds the view of a revision from all that belongs to it.
///
/// # Errors
/// When what is stored is damaged.
pub fn present(
    row: ArticleRow,
    content: Content,
    gist: &Gist,
    embedded: &Embedded,
    site: &SiteConfig,
    bodies: Bodies,
    warnings: Option<Vec<Warning>>,
) -> Result<WorkingArticle> {
    let (excerpt, excerpt_is_derived) = gist.excerpt(&content);
    let section = embedded.section(&content);
    Ok(WorkingArticle {
        view: "working",
        id: row.id,
        url: address(&row, section.as_ref(), site),
        state: row.state,
        revision: row.revision,
        has_unpublished_changes: row.liveness() == Liveness::Outdated,
        slug: row.slug,
        title: content.title.to_string(),
        excerpt,
        excerpt_is_derived,
        language: content.language.to_string(),
        authors: embedded.authors(&content),
        tags: embedded.tags(&content),
        featured: content.featured,
        word_count: gist.word_count,
        reading_minutes: gist.reading_minutes,
        first_published_at: row.first_published_at,
        published_at: row.published_at,
        publish_at: row.publish_at,
        withdraw_at: row.withdraw_at,
        embargo_until: content.embargo_until,
        review_note: row.review_note,
        corrections: Correction::list(&row.corrections)?,
        assigned_to: content.assigned_to.map(|id| embedded.user(id)),
        editing: None,
        updated_at: row.updated_at,
        updated_by: embedded.user(row.updated_by),
        created_at: row.created_at,
        created_by: embedded.user(row.created_by),
        trashed_at: row.trashed_at,
        body_html: bodies.html,
        body_blocks: bodies.blocks,
        body_markdown: bodies.markdown,
        body_text: bodies.text,
        warnings,
        kicker: content.kicker.map(crate::input::Line::into_string),
        standfirst: content.standfirst.map(crate::input::Prose::into_string),
        guid: guid_of(row.id, content.guid.map(crate::input::Line::into_string)),
        dateline: content.dateline.map(crate::input::Line::into_string),
        byline: content.byline.map(crate::input::Line::into_string),
        related: content.related,
        source: content.source,
        seo: content.seo,
        extensions: content.extensions.map(|extensions| extensions.0),
        section,
    })
}

/// The address that the article's page has or would have.
fn address(row: &ArticleRow, section: Option<&SectionSummary>, site: &SiteConfig) -> Option<String> {
    site.article_url(ArticlePlaces {
        id: row.id,
        slug: &row.slug,
        section_path: section.map(|section| section.path.as_str()),
        first_published_at: row.first_published_at,
    })
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
    let row = row(conn, id)?.ok_or_else(Error::not_found)?;
    if !caller.may(operation, row.created_by) {
        let is_known =
            caller.may(Operation::ReadWorkingArticle, row.created_by) || live::is_known(conn, row.id, reference)?;
        return Err(if is_known { caller.forbidden(operation) } else { Error::not_found() });
    }
    require_readable(&row, caller, operation)?;
    match reference {
        Reference::Slug(asked) if *asked != row.slug => Err(Error::moved_to(row.slug)),
        _ => Working::load(conn, row),
    }
}

fn row(conn: &mut Conn, id: ArticleId) -> Result<Option<ArticleRow>> {
    Ok(direct!(conn, |own| articles::table.find(id).select(ArticleRow::as_select()).get_result(own).optional())?)
}

/// Only an administrator sees again what was killed.
fn require_readable(row: &ArticleRow, caller: &Caller, operation: Operation) -> Result<()> {
    if row.state == State::Killed && caller.role != Role::Admin {
        return Err(caller.forbidden(operation));
    }
    Ok(())
}

/// Returns the newest revision to change it, after what happened by the clock was recorded.
///
/// # Errors
/// As [`find`].
pub fn take(
    tx: &mut Tx<'_>,
    reference: &Reference<ArticleId>,
    caller: &Caller,
    operation: Operation,
) -> Result<Working> {
    let found = find(tx.conn()?, reference, caller, operation)?;
    if !schedule::record(tx, found.row.id)? {
        return Ok(found);
    }
    let recorded = find(tx.conn()?, reference, caller, operation)?;
    Ok(Working { before_clock: Some(found.row.revision), ..recorded })
}

/// Returns which of some articles exist for a caller: those that readers see, and those that the caller may read.
///
/// # Errors
/// When the database fails.
pub fn visible_ids(conn: &mut Conn, ids: Vec<ArticleId>, caller: &Caller) -> Result<Vec<ArticleId>> {
    if ids.is_empty() {
        return Ok(ids);
    }
    let there = articles::table
        .filter(one_of(articles::id, ids.clone()))
        .filter(articles::trashed_at.is_null())
        .select((articles::id, articles::created_by));
    let rows: Vec<(ArticleId, UserId)> = direct!(conn, |own| there.load(own))?;
    let mut visible: Vec<ArticleId> = rows
        .into_iter()
        .filter(|(_, owner)| caller.may(Operation::ReadWorkingArticle, *owner))
        .map(|(id, _)| id)
        .collect();
    visible.extend(live::visible(conn, ids)?);
    Ok(visible)
}

fn is_current(old: &Working, basis: &Basis) -> bool {
    basis.admits(old.row.revision) || old.before_clock.is_some_and(|before| basis.admits(before))
}

fn check(tx: &mut Tx<'_>, old: &Working, basis: &Basis, edit: Option<&Edit>) -> Result<()> {
    if is_current(old, basis) {
        return Ok(());
    }
    let base = match basis.known() {
        None => None,
        Some(number) => store::said_at(tx.conn()?, old.row.id, number)?,
    };
    let base = base.map(|(content, body)| edit::whole(&content, &body)).transpose()?;
    let yours = edit.map(Edit::comparable).transpose()?;
    let theirs: Value = edit::whole(&old.content, &old.body)?;
    Err(revisions::stale(old.row.revision, base, yours.as_ref(), &theirs))
}

fn require_untrashed(row: &ArticleRow) -> Result<()> {
    match row.trashed_at {
        Some(_) => Err(lifecycle::refuse("The article is in the trash; restore it first.")),
        None => Ok(()),
    }
}

/// Refuses to change what is in the trash or was killed.
fn require_editable(row: &ArticleRow) -> Result<()> {
    require_untrashed(row)?;
    match row.state {
        State::Killed => Err(lifecycle::refuse("The article was killed; bring it back with `restore` first.")),
        _ => Ok(()),
    }
}

fn to_json(content: &Content) -> Result<String> {
    serde_json::to_string(content).map_err(Error::internal)
}
