//! Revisions as clients read them.

use serde::Serialize;
use serde_json::{Map, Value, json, value::RawValue};
use utoipa::ToSchema;

use crate::{
    articles::{
        content::{Content, StoredBody},
        guids::guid_of,
        input::{Seo, Source},
        lifecycle::State,
        resolve::Embedded,
        view::{AuthorSummary, Bodies, UserSummary},
        working::RevisionRow,
    },
    body::{BlockChange, Body},
    clock::Instant,
    error::Result,
    http::page::PageInfo,
    ids::ArticleId,
    input::{Line, Prose},
    sections::model::SectionSummary,
    tags::model::TagSummary,
};

/// A revision of an article: who did what, and when.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevisionSummary {
    /// Its number, counted from 1.
    #[schema(minimum = 1, example = 3)]
    pub number: i32,
    /// What was done: `created`, `edited`, `merged` (an edit that was merged with another), `reverted` (an older revision
    /// was taken up again), `trashed`, `restored`, or the verb, such as `submitted` or `published`.
    #[schema(example = "edited")]
    pub kind: String,
    /// Where the article has stood since then.
    pub state: State,
    /// What changed, in one line.
    #[schema(example = "Changed title, body")]
    pub summary: String,
    /// What somebody said to it: the note to the author, the correction, the notice to readers.
    #[schema(required = true, example = json!(null))]
    pub note: Option<String>,
    /// The size of what the revision says, in bytes.
    #[schema(minimum = 0, example = 5120)]
    pub size_bytes: i32,
    /// Whether this revision was put before readers, or is to be.
    pub is_published: bool,
    /// Whether this revision is what readers see now.
    pub is_live: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// Who made it.
    pub created_by: UserSummary,
}

/// A page of revisions, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevisionPage {
    /// The revisions.
    pub data: Vec<RevisionSummary>,
    /// Where the page stands.
    pub page: PageInfo,
}

/// A revision of an article with what it said; names are those of today.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revision {
    /// Its number, counted from 1.
    #[schema(minimum = 1, example = 3)]
    pub number: i32,
    /// What was done; see `RevisionSummary`.
    #[schema(example = "edited")]
    pub kind: String,
    /// Where the article has stood since then.
    pub state: State,
    /// What changed, in one line.
    #[schema(example = "Changed title, body")]
    pub summary: String,
    /// What somebody said to it.
    #[schema(required = true, example = json!(null))]
    pub note: Option<String>,
    /// The size of what the revision says, in bytes.
    #[schema(minimum = 0, example = 5120)]
    pub size_bytes: i32,
    /// Whether this revision was put before readers, or is to be.
    pub is_published: bool,
    /// Whether this revision is what readers see now.
    pub is_live: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// Who made it.
    pub created_by: UserSummary,
    /// The id of the article.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    pub article_id: ArticleId,
    /// The readable part of the address.
    #[schema(example = "harbor-reopens-after-the-storm")]
    pub slug: String,
    /// The few words above the title.
    #[schema(required = true)]
    pub kicker: Option<String>,
    /// The headline.
    pub title: String,
    /// The paragraph under the headline.
    #[schema(required = true)]
    pub standfirst: Option<String>,
    /// A summary for lists, as plain text.
    pub excerpt: String,
    /// Whether the excerpt was taken from the body because none was given.
    pub excerpt_is_derived: bool,
    /// The language, as a BCP 47 tag.
    #[schema(example = "en")]
    pub language: String,
    /// What feeds name the article by.
    pub guid: String,
    /// Where the report was written.
    #[schema(required = true)]
    pub dateline: Option<String>,
    /// The section; null when there was none.
    #[schema(required = true)]
    pub section: Option<SectionSummary>,
    /// Who made it, in the order of the byline.
    pub authors: Vec<AuthorSummary>,
    /// A text that replaces the byline made from `authors`.
    #[schema(required = true)]
    pub byline: Option<String>,
    /// The tags, in the order in which they were given.
    pub tags: Vec<TagSummary>,
    /// Whether the article was to stand out.
    pub featured: bool,
    /// The ids of related articles, in order.
    #[schema(value_type = Vec<String>)]
    pub related: Vec<ArticleId>,
    /// Where the report comes from, when it is not our own.
    #[schema(required = true)]
    pub source: Option<Source>,
    /// What search engines are told instead of title and excerpt.
    pub seo: Seo,
    /// The frontend's own object.
    #[schema(required = true, value_type = Option<Object>, additional_properties = true)]
    pub extensions: Option<Value>,
    /// Until when readers were not to see the article.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub embargo_until: Option<Instant>,
    /// Who was to work on it.
    #[schema(required = true)]
    pub assigned_to: Option<UserSummary>,
    /// How many words the body has.
    #[schema(minimum = 0)]
    pub word_count: u32,
    /// How many minutes reading takes.
    #[schema(minimum = 0)]
    pub reading_minutes: u32,
    /// The body as HTML, unless `include` says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_html: Option<String>,
    /// The body as typed blocks; only when asked for with `include=body_blocks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Body>)]
    pub body_blocks: Option<Box<RawValue>>,
    /// The body as Markdown (CommonMark with tables, strikethrough and footnotes); only when asked for with
    /// `include=body_markdown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "The first ships left at dawn.")]
    pub body_markdown: Option<String>,
    /// The body as plain text; only when asked for with `include=body_text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_text: Option<String>,
}

/// What changed between two revisions.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevisionDiff {
    /// The revision that is compared with; 0 for an empty article.
    #[schema(minimum = 0, example = 2)]
    pub from: i32,
    /// The revision that is compared.
    #[schema(minimum = 1, example = 3)]
    pub to: i32,
    /// For each member that changed, in the form in which it is written: what it was, and what it is.
    #[schema(value_type = Object, additional_properties = true,
        example = json!({"title": {"from": "Harbor reopens", "to": "Harbor reopens after the storm"}}))]
    pub members: Map<String, Value>,
    /// What changed in the body: first what was removed, then the rest in the order of the newer body. Done in this order
    /// to the older body, with what was moved taken out first, it leads to the newer one.
    pub body: Vec<BlockChange>,
}

impl RevisionSummary {
    /// Makes the view of a row; `live` is the revision that readers see.
    pub fn new(row: RevisionRow, live: Option<i32>, embedded: &Embedded) -> Self {
        Self {
            number: row.number,
            kind: row.kind,
            state: row.state,
            summary: row.summary,
            note: row.note,
            size_bytes: row.size_bytes,
            is_published: row.is_published,
            is_live: live == Some(row.number),
            created_at: row.created_at,
            created_by: embedded.user(row.created_by),
        }
    }
}

/// Makes the view of a revision with what it said.
///
/// # Errors
/// When what is stored is damaged.
pub fn revision(
    id: ArticleId,
    summary: RevisionSummary,
    content: Content,
    body: &StoredBody,
    embedded: &Embedded,
    bodies: Bodies,
) -> Result<Revision> {
    let (excerpt, excerpt_is_derived) = body.gist().excerpt(&content);
    Ok(Revision {
        number: summary.number,
        kind: summary.kind,
        state: summary.state,
        summary: summary.summary,
        note: summary.note,
        size_bytes: summary.size_bytes,
        is_published: summary.is_published,
        is_live: summary.is_live,
        created_at: summary.created_at,
        created_by: summary.created_by,
        article_id: id,
        slug: content.slug.to_string(),
        title: content.title.to_string(),
        excerpt,
        excerpt_is_derived,
        language: content.language.to_string(),
        section: embedded.section(&content),
        authors: embedded.authors(&content),
        tags: embedded.tags(&content),
        featured: content.featured,
        embargo_until: content.embargo_until,
        assigned_to: content.assigned_to.map(|id| embedded.user(id)),
        word_count: body.gist().word_count,
        reading_minutes: body.gist().reading_minutes,
        body_html: bodies.html,
        body_blocks: bodies.blocks,
        body_markdown: bodies.markdown,
        body_text: bodies.text,
        kicker: content.kicker.map(Line::into_string),
        standfirst: content.standfirst.map(Prose::into_string),
        guid: guid_of(id, content.guid.map(Line::into_string)),
        dateline: content.dateline.map(Line::into_string),
        byline: content.byline.map(Line::into_string),
        related: content.related,
        source: content.source,
        seo: content.seo,
        extensions: content.extensions.map(|extensions| extensions.0),
    })
}

/// Compares what two revisions said; `None` is an article that says nothing yet.
///
/// # Errors
/// When a content cannot be written as JSON.
pub fn diff(from: (i32, Option<&(Content, StoredBody)>), to: (i32, &(Content, StoredBody))) -> Result<RevisionDiff> {
    let old = from.1.map(|(content, _)| content.document()).transpose()?.unwrap_or_default();
    let new = to.1.0.document()?;
    let mut members = Map::new();
    for (name, new) in new.as_object().into_iter().flatten() {
        let old = old.get(name).unwrap_or(&Value::Null);
        if old != new {
            members.insert(name.clone(), json!({ "from": old, "to": new }));
        }
    }
    let nothing = Body::default();
    let old = from.1.map_or(&nothing, |(_, body)| &body.body);
    Ok(RevisionDiff { from: from.0, to: to.0, members, body: old.diff(&to.1.1.body) })
}
