//! What a list says of a body without reading it: how long it is and how it begins. Kept beside the body.

use serde::{Deserialize, Serialize};

use super::content::Content;
use crate::{
    body::Body,
    error::{Error, Result},
};

/// The longest excerpt that is made from a body, in characters.
const LONGEST_EXCERPT: usize = 240;

/// What is known of a body. The ids of its blocks change nothing about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gist {
    /// How many words it has.
    pub word_count: u32,
    /// How many minutes reading takes.
    pub reading_minutes: u32,
    /// The beginning of its text.
    beginning: String,
}

impl Gist {
    /// Reads a body.
    pub fn of(body: &Body) -> Self {
        let (word_count, reading_minutes) = body.counts();
        Self { word_count, reading_minutes, beginning: body.excerpt(LONGEST_EXCERPT) }
    }

    /// Reads one from storage.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn read(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| Error::internal(format!("stored gist of a body: {error}")))
    }

    /// Returns it as it is stored.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(Error::internal)
    }

    /// Returns the excerpt of a content with this body: the one that was given, or the beginning, and which it is.
    pub fn excerpt(&self, content: &Content) -> (String, bool) {
        match &content.excerpt {
            Some(excerpt) => (excerpt.to_string(), false),
            None => (self.beginning.clone(), true),
        }
    }
}
