//! The content of one revision: what clients wrote, with references resolved to ids.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::input::{AuthorRole, Extensions, Seo, Source};
use crate::{
    body::Body,
    error::{Error, Result},
    ids::{ArticleId, SectionId, StaffId, TagId},
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
}

impl StoredBody {
    /// Prepares a body for storage.
    ///
    /// # Errors
    /// When the body cannot be written as JSON.
    pub fn new(body: Body) -> Result<Self> {
        let json = serde_json::to_string(&body).map_err(Error::internal)?;
        let digest = sha256_hex(json.as_bytes());
        Ok(Self { body, json, digest })
    }

    /// Reads a body from storage.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn read(json: String, digest: String) -> Result<Self> {
        let body = serde_json::from_str(&json).map_err(|error| Error::internal(format!("body {digest}: {error}")))?;
        Ok(Self { body, json, digest })
    }
}

impl Content {
    /// Reads a content from storage.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn read(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| Error::internal(format!("stored content: {error}")))
    }

    /// Returns the whole revision as a document to patch: the content, and the body as blocks.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn document(&self, body_json: &str) -> Result<Value> {
        let mut document = serde_json::to_value(self).map_err(Error::internal)?;
        if let Value::Object(members) = &mut document {
            members.insert("body_blocks".to_owned(), serde_json::from_str(body_json).map_err(Error::internal)?);
        }
        Ok(document)
    }
}
