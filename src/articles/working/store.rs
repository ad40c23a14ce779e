//! The rows of the working tables: what is written with each revision, and what an older one said.

use diesel::prelude::*;
use serde_json::json;

use super::ArticleRow;
use crate::{
    articles::{
        content::{Content, StoredBody},
        gist::Gist,
        words,
    },
    audit::{self, Entry, Resource},
    db::{
        Conn, Tx,
        direct::{direct, update},
        pairs,
        schema::{article_bodies, article_revisions, article_staff, article_tags, articles},
    },
    error::{Code, Error, Result},
    ids::{ArticleId, StaffId, UserId},
};

/// What a revision is called and says about itself.
pub(super) struct Step {
    /// What was done, such as `edited`.
    pub(super) kind: &'static str,
    /// The same in one line.
    pub(super) summary: String,
    /// What somebody said to it.
    pub(super) note: Option<String>,
    /// Whether readers see, or saw, this revision, so that it is always kept.
    pub(super) is_published: bool,
}

/// Writes a new article with its first revision.
pub(super) fn insert(tx: &mut Tx<'_>, row: &ArticleRow, content: &Content, body: &StoredBody) -> Result<()> {
    let insert = diesel::insert_into(articles::table).values((
        articles::id.eq(row.id),
        articles::slug.eq(row.slug.clone()),
        articles::title.eq(content.title.to_string()),
        articles::state.eq(row.state),
        articles::section_id.eq(content.section),
        articles::content.eq(row.content.clone()),
        articles::body_digest.eq(row.body_digest.clone()),
        articles::revision.eq(row.revision),
        articles::edited_revision.eq(row.edited_revision),
        articles::corrections.eq(row.corrections.clone()),
        articles::assigned_to.eq(content.assigned_to),
        articles::created_at.eq(row.created_at),
        articles::created_by.eq(row.created_by),
        articles::updated_at.eq(row.updated_at),
        articles::updated_by.eq(row.updated_by),
    ));
    tx.insert(insert)?;
    insert_body(tx, row.id, body)?;
    insert_links(tx, row.id, content)?;
    words::insert(tx, row.id, content)?;
    let step = Step { kind: "created", summary: "Created".to_owned(), note: None, is_published: false };
    append(tx, row, body, step)
}

/// Writes the next revision of a row that was read in this transaction.
pub(super) fn save(
    tx: &mut Tx<'_>,
    mut row: ArticleRow,
    content: &Content,
    body: &StoredBody,
    by: UserId,
    step: Step,
) -> Result<ArticleRow> {
    row.revision += 1;
    row.updated_at = tx.now;
    row.updated_by = by;
    let values = (
        articles::slug.eq(&row.slug),
        articles::title.eq(content.title.as_str()),
        articles::state.eq(row.state),
        articles::section_id.eq(content.section),
        articles::content.eq(&row.content),
        articles::body_digest.eq(&row.body_digest),
        articles::revision.eq(row.revision),
        articles::edited_revision.eq(row.edited_revision),
        articles::live_revision.eq(row.live_revision),
        articles::first_published_at.eq(row.first_published_at),
        articles::published_at.eq(row.published_at),
        articles::resumes_state.eq(row.resumes_state),
        articles::publish_at.eq(row.publish_at),
        articles::withdraw_at.eq(row.withdraw_at),
        articles::review_note.eq(&row.review_note),
        articles::corrections.eq(&row.corrections),
        articles::assigned_to.eq(content.assigned_to),
        articles::updated_at.eq(row.updated_at),
        articles::updated_by.eq(row.updated_by),
        articles::trashed_at.eq(row.trashed_at),
    );
    let before = articles::id.eq(row.id).and(articles::revision.eq(row.revision - 1));
    let changed = direct!(tx.conn()?, |own| update("articles", values, before).execute(own))?;
    if changed != 1 {
        return Err(Error::new(Code::Conflict, "Another change came first. Read again, then repeat."));
    }
    append(tx, &row, body, step)?;
    Ok(row)
}

/// Appends a revision, and notes in the audit who made it.
fn append(tx: &mut Tx<'_>, row: &ArticleRow, body: &StoredBody, step: Step) -> Result<()> {
    let size_bytes = i32::try_from(row.content.len() + body.json.len()).unwrap_or(i32::MAX);
    // The note is somebody's text, and stays out.
    let details = json!({ "revision": row.revision, "state": row.state, "summary": step.summary });
    tx.insert(diesel::insert_into(article_revisions::table).values((
        article_revisions::article_id.eq(row.id),
        article_revisions::number.eq(row.revision),
        article_revisions::kind.eq(step.kind),
        article_revisions::state.eq(row.state),
        article_revisions::summary.eq(step.summary),
        article_revisions::note.eq(step.note),
        article_revisions::size_bytes.eq(size_bytes),
        article_revisions::is_published.eq(step.is_published),
        article_revisions::content.eq(row.content.clone()),
        article_revisions::body_digest.eq(row.body_digest.clone()),
        article_revisions::created_at.eq(row.updated_at),
        article_revisions::created_by.eq(row.updated_by),
    )))?;
    audit::append(tx, &Entry { resource: Resource::Article, id: row.id.to_string(), verb: step.kind, details })
}

/// Stores a body unless the article has had it before.
pub(super) fn keep_body(tx: &mut Tx<'_>, id: ArticleId, body: &StoredBody) -> Result<()> {
    let kept = diesel::select(diesel::dsl::exists(article_bodies::table.find((id, &body.digest))));
    let is_kept: bool = direct!(tx.conn()?, |own| kept.get_result(own))?;
    if is_kept { Ok(()) } else { insert_body(tx, id, body) }
}

fn insert_body(tx: &mut Tx<'_>, id: ArticleId, body: &StoredBody) -> Result<()> {
    tx.insert(diesel::insert_into(article_bodies::table).values((
        article_bodies::article_id.eq(id),
        article_bodies::digest.eq(body.digest.clone()),
        article_bodies::blocks.eq(body.json.clone()),
        article_bodies::gist.eq(body.gist().json()?),
    )))
}

/// Notes which staff profiles and tags the working copy uses now, and by which words it is found.
pub(super) fn link(tx: &mut Tx<'_>, id: ArticleId, old: &Content, new: &Content) -> Result<()> {
    if staff_of(old) != staff_of(new) || old.tags != new.tags {
        let delete = diesel::delete(article_staff::table.filter(article_staff::article_id.eq(id)));
        direct!(tx.conn()?, |own| delete.execute(own))?;
        let delete = diesel::delete(article_tags::table.filter(article_tags::article_id.eq(id)));
        direct!(tx.conn()?, |own| delete.execute(own))?;
        insert_links(tx, id, new)?;
    }
    words::keep(tx, id, old, new)
}

fn insert_links(tx: &mut Tx<'_>, id: ArticleId, content: &Content) -> Result<()> {
    let staff = staff_of(content);
    if !staff.is_empty() {
        tx.insert(pairs("article_staff", (article_staff::article_id, id), (article_staff::staff_id, staff)))?;
    }
    let tags = content.tags.clone();
    if !tags.is_empty() {
        tx.insert(pairs("article_tags", (article_tags::article_id, id), (article_tags::tag_id, tags)))?;
    }
    Ok(())
}

fn staff_of(content: &Content) -> Vec<StaffId> {
    let mut staff: Vec<StaffId> = content.authors.iter().map(|author| author.staff).collect();
    staff.sort_unstable();
    staff.dedup();
    staff
}

/// Returns what a revision said.
pub(super) fn said_at(conn: &mut Conn, id: ArticleId, number: i32) -> Result<Option<(Content, StoredBody)>> {
    let found: Option<(String, String, Option<String>, String)> = article_revisions::table
        .inner_join(
            article_bodies::table.on(article_bodies::article_id
                .eq(article_revisions::article_id)
                .and(article_bodies::digest.eq(article_revisions::body_digest))),
        )
        .filter(article_revisions::article_id.eq(id))
        .filter(article_revisions::number.eq(number))
        .select((
            article_revisions::content,
            article_bodies::blocks,
            article_bodies::gist,
            article_revisions::body_digest,
        ))
        .get_result(conn)
        .optional()?;
    let read = |(content, body, gist, digest): (String, _, Option<String>, _)| {
        let gist = gist.as_deref().map(Gist::read).transpose()?;
        Ok((Content::read(&content)?, StoredBody::read(body, digest)?.knowing(gist)))
    };
    found.map(read).transpose()
}

/// Returns who last scheduled something for the article.
pub(super) fn who_scheduled(tx: &mut Tx<'_>, id: ArticleId) -> Result<Option<UserId>> {
    Ok(article_revisions::table
        .filter(article_revisions::article_id.eq(id))
        .filter(article_revisions::kind.eq("scheduled"))
        .order(article_revisions::number.desc())
        .select(article_revisions::created_by)
        .first(tx.conn()?)
        .optional()?)
}
