//! Answers as plain data, so that they can be made inside a transaction and stored for a replay.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;

use crate::error::{Error, Result};

/// A finished answer of a working view, a verb or a login: private, never cached.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Headers of this answer; what all answers carry is added later.
    pub headers: Vec<(String, String)>,
    /// The body, JSON or empty.
    pub body: String,
}

impl Reply {
    /// Makes an answer with a JSON body.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_string(value).map_err(Error::internal)?;
        Ok(Self { status, headers: vec![("content-type".to_owned(), "application/json".to_owned())], body })
    }

    /// Makes an answer without a body.
    pub fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), body: String::new() }
    }

    /// Makes a redirect to the present address of something that was renamed.
    pub fn moved(status: u16, location: &str) -> Self {
        Self { status, headers: vec![("location".to_owned(), location.to_owned())], body: String::new() }
    }

    /// Adds the ETag of a revision.
    #[must_use]
    pub fn revision(self, revision: i32) -> Self {
        self.header("etag", super::etag::of_revision(revision))
    }

    /// Adds the links to the neighboring pages.
    #[must_use]
    pub fn links(self, links: Option<String>) -> Self {
        match links {
            None => self,
            Some(links) => self.header("link", links),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Turns the answer into the framework's.
    pub fn into_response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut builder = HttpResponse::build(status);
        for (name, value) in self.headers {
            builder.append_header((name, value));
        }
        builder.insert_header(("cache-control", "private, no-store"));
        if self.body.is_empty() { builder.finish() } else { builder.body(self.body) }
    }
}
