//! What a tag is, as clients write it and as they read it.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Instant,
    http::page::PageInfo,
    ids::TagId,
    input::{Faults, Invalid, Line, Prose, Slug, parsed},
    reference::Reference,
};

/// What a tag is made of.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct TagInput {
    /// The name as readers see it, 1 to 100 characters.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Shipping")]
    pub name: Line<100>,
    /// The readable part of the address; made from the name when absent. Former slugs keep redirecting.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 120, example = "shipping")]
    pub slug: Option<Slug>,
    /// What the tag is for, up to 1,000 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 1000, example = "Ports, routes and those who work on them.")]
    pub description: Option<Prose<1000>>,
}

/// Where a tag goes when it is merged into another.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct TagMergeInput {
    /// The tag that stays, by id or slug.
    #[schema(value_type = String, example = "shipping")]
    pub into: Reference<TagId>,
}

/// A tag as it is kept at each revision, in the form in which clients write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagDoc {
    /// The name.
    pub name: Line<100>,
    /// The slug.
    pub slug: Slug,
    /// The description.
    pub description: Option<Prose<1000>>,
}

/// The start of a slug, made of whatever somebody has typed so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Reads what was typed, in the way in which a slug is made from a name.
    ///
    /// # Errors
    /// When nothing in it can stand in a slug.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match Slug::start_of(text) {
            start if start.is_empty() => Err(Invalid::new("empty", "must contain letters or digits")),
            start => Ok(Self(start)),
        }
    }

    /// Returns the start.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a text that comes after all slugs with this start, and before all others that come after it.
    pub fn end(&self) -> String {
        format!("{}{}", self.0, char::MAX)
    }
}

parsed!(Prefix);

/// A tag where something else refers to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TagSummary {
    /// The id, for ever the same.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7d")]
    pub id: TagId,
    /// The readable part of the address.
    #[schema(example = "shipping")]
    pub slug: String,
    /// The name as readers see it.
    #[schema(example = "Shipping")]
    pub name: String,
}

/// What articles are about.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Tag {
    /// The id, for ever the same.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7d")]
    pub id: TagId,
    /// The readable part of the address.
    #[schema(example = "shipping")]
    pub slug: String,
    /// The name as readers see it.
    #[schema(example = "Shipping")]
    pub name: String,
    /// What the tag is for.
    #[schema(required = true, example = "Ports, routes and those who work on them.")]
    pub description: Option<String>,
    /// The address of the tag's page on the site; null when no address is configured.
    #[schema(required = true, format = "uri", example = "https://www.example.org/tags/shipping")]
    pub url: Option<String>,
    /// When the tag was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// When the tag last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Instant,
    /// The number of the newest revision; only in the working view.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub revision: Option<i32>,
    /// When the tag was moved to the trash; only in the working view of what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, format = DateTime)]
    pub trashed_at: Option<Instant>,
}

/// A page of tags, in the order of their slugs.
#[derive(Serialize, ToSchema)]
pub struct TagPage {
    /// The tags.
    pub data: Vec<Tag>,
    /// Where the page stands.
    pub page: PageInfo,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_the_start_of_the_slug_that_the_text_would_have() {
        for (typed, start) in
            [("Ship", "ship"), ("United S", "united-s"), ("united-", "united"), ("Café", "café"), ("new", "new")]
        {
            assert_eq!(Prefix::parse(typed).unwrap().as_str(), start, "{typed}");
        }
        for nothing in ["", " ", "-", "🎉"] {
            assert!(Prefix::parse(nothing).is_err(), "{nothing:?}");
        }
    }

    #[test]
    fn the_range_of_a_prefix_holds_exactly_the_slugs_that_start_with_it() {
        let prefix = Prefix::parse("caf").unwrap();
        let is_within = |slug: &str| slug >= prefix.as_str() && slug < prefix.end().as_str();
        for inside in ["caf", "cafe", "caf-9", "café", "cafی"] {
            assert!(is_within(inside), "{inside}");
        }
        for outside in ["ca", "cae", "cag", "cb", "çaf"] {
            assert!(!is_within(outside), "{outside}");
        }
    }
}
