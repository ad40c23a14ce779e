//! What clients write, with the body read: the work that needs no database, done before a transaction begins.
//!
//! A transaction may run several times, and on SQLite nobody else writes meanwhile, so a megabyte of HTML is not read in it.

use deserr::Deserr;
use serde_json::{Map, Value, json};

use super::super::{content::StoredBody, gist::Gist, input::ArticleInput};
use crate::{
    body::{Body, FromHtml, TooManyParts, Warning},
    error::{Code, Error, Fault, Result},
    input::{Faults, merge, read},
};

/// A body that was read, and what was dropped while reading.
#[derive(Clone, Debug)]
pub struct ReadBody {
    /// The body.
    pub stored: StoredBody,
    /// What was dropped or changed.
    pub warnings: Vec<Warning>,
    /// Whether it came in a form in which blocks have no ids.
    pub lacks_ids: bool,
}

impl ReadBody {
    /// A body whose blocks have the ids that they are to have.
    pub(super) fn new(body: Body, warnings: Vec<Warning>) -> std::result::Result<Self, Vec<Fault>> {
        Self::storing(body, None, warnings)
    }

    fn storing(body: Body, gist: Option<Gist>, warnings: Vec<Warning>) -> std::result::Result<Self, Vec<Fault>> {
        match StoredBody::new(body) {
            Ok(stored) => {
                let stored = stored.knowing(gist);
                // Not in the transaction, which comes next.
                stored.gist();
                Ok(Self { stored, warnings, lacks_ids: false })
            }
            Err(error) => Err(vec![Fault::new("", "invalid", error.detail())]),
        }
    }

    /// Gives the blocks the ids that they had in the body that this one was made of.
    pub(super) fn adopting(self, old: &Body) -> std::result::Result<Self, Vec<Fault>> {
        if !self.lacks_ids {
            return Ok(self);
        }
        let gist = self.stored.gist().clone();
        Self::storing(self.stored.body.adopt_ids(old), Some(gist), self.warnings)
    }
}

/// A new article.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) input: ArticleInput,
    pub(super) body: std::result::Result<ReadBody, Vec<Fault>>,
}

/// A change of an article: a merge patch.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The patch without the members of the body.
    members: Value,
    /// The new body, if the patch says anything about it.
    pub(super) body: Option<std::result::Result<ReadBody, Vec<Fault>>>,
}

/// The members in which a body can be written.
#[derive(Clone, Debug, Default, Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
struct BodyInput {
    #[deserr(default)]
    body_blocks: Option<Body>,
    #[deserr(default)]
    body_html: Option<String>,
    #[deserr(default)]
    body_markdown: Option<String>,
}

/// The most bytes of a body as HTML or Markdown.
const LONGEST_TEXT: usize = 1024 * 1024;

/// The names of these members.
const BODY_MEMBERS: [&str; 3] = ["body_blocks", "body_html", "body_markdown"];

impl Draft {
    /// Takes the body out of an input and reads it.
    pub fn read(mut input: ArticleInput) -> Self {
        let body = BodyInput {
            body_blocks: input.body_blocks.take(),
            body_html: input.body_html.take(),
            body_markdown: input.body_markdown.take(),
        };
        let body = body.read();
        Self { input, body }
    }
}

impl Edit {
    /// Takes the body out of a patch and reads it.
    pub fn read(mut patch: Value) -> Self {
        let mut written = Map::new();
        if let Value::Object(members) = &mut patch {
            for name in BODY_MEMBERS {
                if let Some(value) = members.shift_remove(name) {
                    written.insert(name.to_owned(), value);
                }
            }
        }
        let body = (!written.is_empty()).then(|| {
            let input = read::<BodyInput>(Value::Object(written), Code::InvalidInput);
            input.map_err(|error| error.input_faults().to_vec()).and_then(BodyInput::read)
        });
        Self { members: patch, body }
    }

    /// Returns what the patch says of a member other than the body.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Returns the patch in the form in which revisions are compared: the body as blocks.
    pub(super) fn comparable(&self) -> Result<Value> {
        let mut patch = self.members.clone();
        if let (Value::Object(members), Some(Ok(body))) = (&mut patch, &self.body) {
            members.insert("body_blocks".to_owned(), body.stored.value()?);
        }
        Ok(patch)
    }

    /// Applies the patch to the document of a revision, which has no body, and reads the result as input.
    pub(super) fn apply(&self, mut document: Value) -> Result<ArticleInput> {
        let mut known = document.clone();
        if let Value::Object(members) = &mut known {
            // What an absent object may have is known all the same.
            let source = members.entry("source").or_insert(Value::Null);
            if source.is_null() {
                *source = json!({ "name": null, "url": null });
            }
        }
        let faults = merge::unknown_removals(&self.members, &known, &["extensions"]);
        merge::apply(&mut document, &self.members);
        faults.read(document, Code::InvalidInput)
    }
}

impl BodyInput {
    fn read(self) -> std::result::Result<ReadBody, Vec<Fault>> {
        let fault = |pointer: &str, code, detail: &str| Err(vec![Fault::new(pointer, code, detail)]);
        type Reader = fn(&str) -> std::result::Result<FromHtml, TooManyParts>;
        let (pointer, text, reader): (_, _, Reader) = match (self.body_blocks, self.body_html, self.body_markdown) {
            (None, None, None) => return ReadBody::new(Body::default(), Vec::new()),
            (Some(body), None, None) => return ReadBody::new(body, Vec::new()),
            (None, Some(html), None) => ("/body_html", html, |html| Ok(Body::from_html(html))),
            (None, None, Some(markdown)) => ("/body_markdown", markdown, Body::from_markdown),
            (_, html, _) => {
                let pointer = if html.is_some() { "/body_html" } else { "/body_markdown" };
                let detail = "give the body as one of body_blocks, body_html and body_markdown";
                return fault(pointer, "conflict", detail);
            }
        };
        if text.len() > LONGEST_TEXT {
            return fault(pointer, "too_long", "has more than 1 MiB");
        }
        if text.contains('\0') {
            return fault(pointer, "control_character", "must not contain U+0000");
        }
        match reader(&text) {
            Ok(read) => ReadBody::new(read.body, read.warnings).map(|read| ReadBody { lacks_ids: true, ..read }),
            Err(error) => fault(pointer, "too_many_items", &error.to_string()),
        }
    }
}

/// Returns two results, or the faults of both.
pub(super) fn together<T>(body: std::result::Result<ReadBody, Vec<Fault>>, other: Result<T>) -> Result<(ReadBody, T)> {
    match (body, other) {
        (Ok(body), Ok(other)) => Ok((body, other)),
        (Err(mut faults), Err(error)) if error.code() == Code::InvalidInput => {
            faults.extend_from_slice(error.input_faults());
            Err(Error::faults(Code::InvalidInput, faults))
        }
        (_, Err(error)) => Err(error),
        (Err(faults), Ok(_)) => Err(Error::faults(Code::InvalidInput, faults)),
    }
}
