//! The content of one revision: what clients wrote, with references resolved to ids.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    gist::Gist,
    input::{AuthorRole, Extensions, Seo, Source},
};
use crate::{
    body::{BlockId, Body},
    clock::Instant,
    error::{Code, Error, Result},
    ids::{ArticleId, SectionId, StaffId, TagId, UserId},
    input::{Language, Line, Prose, Slug},
    secrets::sha256_hex,
};

/// Everything of a revision but the body; stored as JSON in the form in which clients write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The words above the title.
    pub kicker: Option<Line<100>>,
    /// The headline.
    pub title: Line<300>,
    /// The paragraph under the headline.
    pub standfirst: Option<Prose<1000>>,
    /// The slug.
    pub slug: Slug,
    /// The summary, when one was given.
    pub excerpt: Option<Prose<1000>>,
    /// The language.
    pub language: Language,
    /// Where the report was written.
    pub dateline: Option<Line<100>>,
    /// The section.
    pub section: Option<SectionId>,
    /// The byline.
    pub authors: Vec<Author>,
    /// What replaces the byline.
    pub byline: Option<Line<300>>,
    /// The tags.
    pub tags: Vec<TagId>,
    /// Whether it is to stand out.
    pub featured: bool,
    /// Related articles.
    pub related: Vec<ArticleId>,
    /// Where the report comes from.
    pub source: Option<Source>,
    /// What search engines are told.
    pub seo: Seo,
    /// The frontend's own object.
    pub extensions: Option<Extensions>,
    /// Until when readers are not to see it, even when it is published.
    #[serde(default)]
    pub embargo_until: Option<Instant>,
    /// What another system has named it by.
    #[serde(default)]
    pub guid: Option<Line<500>>,
    /// Who is to work on it; readers are not told.
    #[serde(default)]
    pub assigned_to: Option<UserId>,
}

/// One name in the byline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Author {
    /// Whose name.
    pub staff: StaffId,
    /// What they did.
    pub role: AuthorRole,
}

/// A body with the digest under which it is stored.
#[derive(Clone, Debug)]
pub struct StoredBody {
    /// The blocks.
    pub body: Body,
    /// The blocks as JSON.
    pub json: String,
    /// The SHA-256 of the JSON.
    pub digest: String,
    gist: OnceLock<Gist>,
}

impl StoredBody {
    /// Prepares a body for storage.
    ///
    /// # Errors
    /// When the body cannot be written as JSON.
    pub fn new(body: Body) -> Result<Self> {
        let json = serde_json::to_string(&body).map_err(Error::internal)?;
        let digest = sha256_hex(json.as_bytes());
        Ok(Self { body, json, digest, gist: OnceLock::new() })
    }

    /// Reads a body from storage.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn read(json: String, digest: String) -> Result<Self> {
        let body = serde_json::from_str(&json).map_err(|error| Error::internal(format!("body {digest}: {error}")))?;
        Ok(Self { body, json, digest, gist: OnceLock::new() })
    }

    /// The same, with what is known of it already.
    #[must_use]
    pub fn knowing(self, gist: Option<Gist>) -> Self {
        Self { gist: gist.map(OnceLock::from).unwrap_or_default(), ..self }
    }

    /// Returns what lists say of it. To find that out takes longer than to read it.
    pub fn gist(&self) -> &Gist {
        self.gist.get_or_init(|| Gist::of(&self.body))
    }

    /// Returns the blocks as a JSON value.
    ///
    /// # Errors
    /// When they cannot be read back.
    pub fn value(&self) -> Result<Value> {
        serde_json::from_str(&self.json).map_err(Error::internal)
    }
}

/// A note to readers about what was wrong in an earlier version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Correction {
    /// When it was corrected.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// What was wrong, and what is right.
    #[schema(example = "An earlier version gave the wrong year.")]
    pub note: String,
    /// The block of the body that was corrected, if one was named.
    #[schema(required = true, value_type = Option<String>, example = "b0m3kq9v7dt")]
    pub block_id: Option<BlockId>,
}

impl Correction {
    /// The most corrections that an article may have.
    const MOST: usize = 100;

    /// Reads a list from storage.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn list(json: &str) -> Result<Vec<Self>> {
        serde_json::from_str(json).map_err(|error| Error::internal(format!("stored corrections: {error}")))
    }

    /// Returns a stored list with one more.
    ///
    /// # Errors
    /// `invalid_transition` when there are too many.
    pub fn append(json: &str, correction: Self) -> Result<String> {
        let mut list = Self::list(json)?;
        if list.len() >= Self::MOST {
            let detail = format!("An article has at most {} corrections.", Self::MOST);
            return Err(Error::new(Code::InvalidTransition, detail));
        }
        list.push(correction);
        serde_json::to_string(&list).map_err(Error::internal)
    }
}

/// Returns the members in which two revisions differ, as clients write them.
///
/// # Errors
/// When a content cannot be written as JSON.
pub fn changed_members(old: &Content, new: &Content, is_other_body: bool) -> Result<Vec<&'static str>> {
    const MEMBERS: [&str; 19] = [
        "kicker",
        "title",
        "standfirst",
        "slug",
        "excerpt",
        "language",
        "dateline",
        "section",
        "authors",
        "byline",
        "tags",
        "featured",
        "related",
        "source",
        "seo",
        "extensions",
        "embargo_until",
        "guid",
        "assigned_to",
    ];
    if old == new && !is_other_body {
        return Ok(Vec::new());
    }
    let (old, new) = (old.document()?, new.document()?);
    let mut changed: Vec<&'static str> = MEMBERS.into_iter().filter(|name| old.get(name) != new.get(name)).collect();
    if is_other_body {
        changed.push("body");
    }
    Ok(changed)
}

impl Content {
    /// Reads a content from storage.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn read(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| Error::internal(format!("stored content: {error}")))
    }

    /// Returns the content as a document to patch.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn document(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(Error::internal)
    }
}
