//! What a staff profile is, as clients write it and as they read it.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    articles::input::UpTo,
    body::{Body, FromHtml, TooManyParts, Warning},
    clock::Instant,
    db::types::text_enum,
    error::Error,
    http::page::PageInfo,
    ids::StaffId,
    input::{Email, Faults, Invalid, Line, Link, Phone, Slug, parsed},
};

text_enum! {
    /// Whether a profile is of a person or of an organization, such as a news agency or the editorial staff as a whole.
    pub enum StaffKind {
        /// Somebody.
        Person = "person",
        /// A group or a company.
        Organization = "organization",
    }
}

/// What a staff profile is made of.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct StaffInput {
    /// The name as it stands in bylines, 1 to 200 characters.
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Mina Okafor")]
    pub name: Line<200>,
    /// The readable part of the address; made from the name when absent. Former slugs keep redirecting.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 120, example = "mina-okafor")]
    pub slug: Option<Slug>,
    /// A person or an organization; a person when absent.
    #[deserr(default = StaffKind::Person)]
    #[schema(required = false)]
    pub kind: StaffKind,
    /// What they are at the newsroom, up to 200 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 200, example = "Foreign editor")]
    pub title: Option<Line<200>>,
    /// A few words about them as HTML, up to 65,536 characters. What is not allowed is taken out and named in `warnings`.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 65536, example = "<p>Has reported from three continents.</p>")]
    pub bio_html: Option<Bio>,
    /// The same as Markdown instead, up to 65,536 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 65536, example = "Has reported from **three** continents.")]
    pub bio_markdown: Option<MarkdownBio>,
    /// The e-mail address that readers may write to. It has nothing to do with the address of a login.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = "email", max_length = 254, example = "mina@example.org")]
    pub contact_email: Option<Email>,
    /// The telephone number that readers may call, up to 40 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 40, example = "+44 20 7946 0000")]
    pub contact_phone: Option<Phone>,
    /// Where else to find them, in order; up to 20.
    #[deserr(default)]
    #[schema(value_type = Vec<Link>, max_items = 20, required = false)]
    pub links: UpTo<20, Link>,
}

/// A few words about somebody, read from HTML.
#[derive(Clone, Debug)]
pub struct Bio {
    /// The words.
    pub body: Body,
    /// What could not be kept of the HTML.
    pub warnings: Vec<Warning>,
}

/// The most characters that a bio may have as HTML.
const LONGEST_BIO: usize = 65_536;

impl Bio {
    /// Reads a bio from HTML of whatever quality.
    ///
    /// # Errors
    /// When it is too long or contains U+0000.
    pub fn parse(html: &str) -> Result<Self, Invalid> {
        Self::read(html, |html| Ok(Body::from_html(html)))
    }

    fn read(text: &str, reader: fn(&str) -> Result<FromHtml, TooManyParts>) -> Result<Self, Invalid> {
        if text.len() > LONGEST_BIO {
            let length = text.chars().count();
            if length > LONGEST_BIO {
                let detail = format!("has {length} characters; at most {LONGEST_BIO} are allowed");
                return Err(Invalid::new("too_long", detail));
            }
        }
        if text.contains('\0') {
            return Err(Invalid::new("control_character", "must not contain U+0000"));
        }
        let read = reader(text).map_err(|error| Invalid::new("too_many_items", error.to_string()))?;
        // Answers have no blocks of a biography that a pointer could lead to.
        let warnings = read.warnings.into_iter().map(|warning| Warning { pointer: None, ..warning }).collect();
        Ok(Self { body: read.body, warnings })
    }
}

parsed!(Bio);

/// A bio that was read from Markdown.
#[derive(Clone, Debug)]
pub struct MarkdownBio(Bio);

impl MarkdownBio {
    /// Reads a bio from Markdown.
    ///
    /// # Errors
    /// When it is too long or contains U+0000.
    pub fn parse(markdown: &str) -> Result<Self, Invalid> {
        Bio::read(markdown, Body::from_markdown).map(Self)
    }
}

parsed!(MarkdownBio);

impl StaffInput {
    /// Returns the bio, whichever way it was written.
    ///
    /// # Errors
    /// `invalid_input` when it was written in both.
    pub fn bio(&self) -> Result<Option<&Bio>, Error> {
        match (&self.bio_html, &self.bio_markdown) {
            (Some(_), Some(_)) => Err(Error::invalid(
                "/bio_markdown",
                "conflict",
                "give the bio as bio_html or as bio_markdown, not both",
            )),
            (html, markdown) => Ok(html.as_ref().or(markdown.as_ref().map(|bio| &bio.0))),
        }
    }
}

/// A staff profile as it is kept at each revision, in the form in which clients write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffDoc {
    /// The name.
    pub name: Line<200>,
    /// The slug.
    pub slug: Slug,
    /// A person or an organization.
    pub kind: StaffKind,
    /// What they are at the newsroom.
    pub title: Option<Line<200>>,
    /// The bio, as HTML that was written from blocks.
    pub bio_html: Option<String>,
    /// The public e-mail address.
    pub contact_email: Option<Email>,
    /// The public telephone number.
    pub contact_phone: Option<Phone>,
    /// Where else to find them.
    pub links: Vec<Link>,
}

/// A staff profile where something else refers to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StaffSummary {
    /// The id, for ever the same.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7c")]
    pub id: StaffId,
    /// The readable part of the address.
    #[schema(example = "mina-okafor")]
    pub slug: String,
    /// The name as it stands in bylines.
    #[schema(example = "Mina Okafor")]
    pub name: String,
    /// A person or an organization.
    pub kind: StaffKind,
    /// What they are at the newsroom.
    #[schema(required = true, example = "Foreign editor")]
    pub title: Option<String>,
}

/// Somebody who makes the news: a person or an organization.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StaffProfile {
    /// The id, for ever the same.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7c")]
    pub id: StaffId,
    /// The readable part of the address.
    #[schema(example = "mina-okafor")]
    pub slug: String,
    /// The name as it stands in bylines.
    #[schema(example = "Mina Okafor")]
    pub name: String,
    /// A person or an organization.
    pub kind: StaffKind,
    /// What they are at the newsroom.
    #[schema(required = true, example = "Foreign editor")]
    pub title: Option<String>,
    /// A few words about them, as HTML that is safe to put on a page; null when there are none.
    #[schema(required = true, example = "<p>Has reported from three continents.</p>")]
    pub bio_html: Option<String>,
    /// The e-mail address that readers may write to.
    #[schema(required = true, format = "email", example = "mina@example.org")]
    pub contact_email: Option<String>,
    /// The telephone number that readers may call.
    #[schema(required = true, example = "+44 20 7946 0000")]
    pub contact_phone: Option<String>,
    /// Where else to find them, in order.
    pub links: Vec<Link>,
    /// The address of the profile's page on the site; null when no address is configured.
    #[schema(required = true, format = "uri", example = "https://www.example.org/staff/mina-okafor")]
    pub url: Option<String>,
    /// When the profile was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// When the profile last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Instant,
    /// The number of the newest revision; only in the working view.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub revision: Option<i32>,
    /// When the profile was moved to the trash; only in the working view of what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, format = DateTime)]
    pub trashed_at: Option<Instant>,
    /// What was dropped or changed when the bio was read from HTML; only in the answer to that write.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub warnings: Option<Vec<Warning>>,
}

/// A page of staff profiles, in the order of their slugs.
#[derive(Serialize, ToSchema)]
pub struct StaffPage {
    /// The profiles.
    pub data: Vec<StaffProfile>,
    /// Where the page stands.
    pub page: PageInfo,
}
