//! An article as clients write it.

use std::collections::HashSet;

use deserr::{Deserr, IntoValue, ValuePointerRef};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    body::Body,
    db::types::text_enum,
    http::query::Moment,
    ids::{ArticleId, SectionId, StaffId, TagId, UserId},
    input::{Faults, Invalid, Language, Line, Prose, Slug, WebUrl},
    reference::Reference,
};

/// What an article is made of. A body is given as one of `body_blocks`, `body_html` and `body_markdown`.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct ArticleInput {
    /// The few words above the title, up to 100 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 100, example = "IFP Exclusive")]
    pub kicker: Option<Line<100>>,
    /// The headline, 1 to 300 characters.
    #[schema(value_type = String, min_length = 1, max_length = 300, example = "Harbor reopens after the storm")]
    pub title: Line<300>,
    /// The paragraph under the headline, up to 1,000 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub standfirst: Option<Prose<1000>>,
    /// The readable part of the address; made from the title when absent. Former slugs keep redirecting.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 120, example = "harbor-reopens-after-the-storm")]
    pub slug: Option<Slug>,
    /// A summary for lists, up to 1,000 characters; taken from the body when absent.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub excerpt: Option<Prose<1000>>,
    /// The language, as a BCP 47 tag.
    #[deserr(default)]
    #[schema(value_type = String, max_length = 35, default = "en", example = "en")]
    pub language: Language,
    /// Where the report was written, up to 100 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 100, example = "Port Alder")]
    pub dateline: Option<Line<100>>,
    /// The section, by id or slug; needed before publishing.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "world")]
    pub section: Option<Reference<SectionId>>,
    /// Who made it, in the order of the byline; up to 50.
    #[deserr(default)]
    #[schema(value_type = Vec<AuthorInput>, max_items = 50)]
    pub authors: UpTo<50, AuthorInput>,
    /// A text that replaces the byline made from `authors`, up to 300 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 300)]
    pub byline: Option<Line<300>>,
    /// Tags, by id or slug; up to 50.
    #[deserr(default)]
    #[schema(value_type = Vec<String>, max_items = 50, example = json!(["shipping", "weather"]))]
    pub tags: UpTo<50, Reference<TagId>>,
    /// Whether the article is to stand out.
    #[deserr(default)]
    #[schema(default = false)]
    pub featured: bool,
    /// Related articles, by id or slug, in order; up to 20. Readers see those that are published.
    #[deserr(default)]
    #[schema(value_type = Vec<String>, max_items = 20)]
    pub related: UpTo<20, Reference<ArticleId>>,
    /// Where the report comes from, when it is not our own.
    #[deserr(default)]
    pub source: Option<Source>,
    /// What search engines are told instead of title and excerpt.
    #[deserr(default)]
    #[schema(required = false)]
    pub seo: Seo,
    /// An object for the frontend's own use, up to 16 KiB as JSON; kept and returned as it is.
    #[deserr(default)]
    #[schema(value_type = Option<Object>, additional_properties = true, example = json!({"layout": "wide"}))]
    pub extensions: Option<Extensions>,
    /// Until when readers are not to see the article, even when it is published. Takes effect with the next `publish`.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-12-01T06:00:00Z")]
    pub embargo_until: Option<Moment>,
    /// What feeds are to name the article by, when another system has named it before, up to 500 characters; it stays as it
    /// is. Made from the id when absent. It cannot change once readers have seen the article.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 500, example = "https://www.example.org/?p=4711")]
    pub guid: Option<Line<500>>,
    /// Who is to work on it: the id of a user account. Readers are not told.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub assigned_to: Option<Assignee>,
    /// The body as typed blocks.
    #[deserr(default)]
    #[schema(value_type = Option<Body>)]
    pub body_blocks: Option<Body>,
    /// The body as HTML, up to 1 MiB: read into blocks; what has no block keeps its text and links.
    #[deserr(default)]
    #[schema(max_length = 1048576, example = "<p>The first ships left at dawn.</p>")]
    pub body_html: Option<String>,
    /// The body as Markdown, up to 1 MiB and 125,000 parts (blocks, items, cells, links, marks, lines): CommonMark with
    /// tables, strikethrough and footnotes; HTML in it is read like `body_html`. Of the characters that may stand for parts,
    /// such as `*`, `[` and line ends, there may be 250,000.
    #[deserr(default)]
    #[schema(max_length = 1048576, example = "The first ships left at **dawn**.")]
    pub body_markdown: Option<String>,
}

text_enum! {
    /// What somebody did for an article.
    pub enum AuthorRole {
        /// Wrote it.
        Author = "author",
        /// Added to it.
        Contributor = "contributor",
        /// Took the pictures.
        Photographer = "photographer",
        /// Translated it.
        Translator = "translator",
        /// Edited it.
        Editor = "editor",
    }
}

/// The user account that an article is assigned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignee(pub UserId);

impl Assignee {
    fn parse(text: &str) -> Result<Self, Invalid> {
        UserId::parse(text).map(Self).ok_or_else(|| Invalid::new("invalid_id", "must be the id of a user account"))
    }
}

crate::input::parsed!(Assignee);

/// One name in the byline.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct AuthorInput {
    /// The staff profile, by id or slug.
    #[schema(value_type = String, example = "editorial-staff")]
    pub staff: Reference<StaffId>,
    /// What they did.
    #[deserr(default = AuthorRole::Author)]
    #[schema(required = false)]
    pub role: AuthorRole,
}

/// Where a report comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct Source {
    /// The name of the source, 1 to 200 characters.
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Coastal Wire")]
    pub name: Line<200>,
    /// The address of the original.
    #[deserr(default)]
    #[schema(value_type = Option<String>, required = true, format = "uri", max_length = 2048, example = "https://wire.example.org/harbor")]
    pub url: Option<WebUrl>,
}

/// What search engines are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct Seo {
    /// The title, up to 200 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, required = true, max_length = 200)]
    pub title: Option<Line<200>>,
    /// The description, up to 500 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, required = true, max_length = 500)]
    pub description: Option<Line<500>>,
    /// The canonical address, when it is not the article's own.
    #[deserr(default)]
    #[schema(value_type = Option<String>, required = true, format = "uri", max_length = 2048)]
    pub canonical_url: Option<WebUrl>,
}

/// An object of the frontend's own, at most 16 KiB as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extensions(pub Value);

/// The most bytes that the frontend's own object may have.
const MOST_EXTENSIONS: usize = 16 * 1024;

impl Deserr<Faults> for Extensions {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        let value = <Value as Deserr<Faults>>::deserialize_from_value(value, location)?;
        let fault = |code, detail: String| {
            let invalid = Invalid::new(code, detail);
            deserr::take_cf_content(<Faults as deserr::MergeWithError<Invalid>>::merge(None, invalid, location))
        };
        if !value.is_object() {
            return Err(fault("wrong_type", "must be an object".to_owned()));
        }
        let length = value.to_string().len();
        if length > MOST_EXTENSIONS {
            return Err(fault(
                "too_long",
                format!("has {length} bytes as JSON; at most {MOST_EXTENSIONS} are allowed"),
            ));
        }
        if has_nul(&value) {
            return Err(fault("control_character", "must not contain U+0000".to_owned()));
        }
        Ok(Self(value))
    }
}

/// The parser has bounded the depth.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A list of at most `MAX` elements.
#[derive(Clone, Debug)]
pub struct UpTo<const MAX: usize, T>(pub Vec<T>);

impl<const MAX: usize, T> Default for UpTo<MAX, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<const MAX: usize, T: Deserr<Faults>> Deserr<Faults> for UpTo<MAX, T> {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        let list = <Vec<T> as Deserr<Faults>>::deserialize_from_value(value, location)?;
        if list.len() > MAX {
            let invalid = Invalid::new("too_many", format!("has {} elements; at most {MAX} are allowed", list.len()));
            return Err(deserr::take_cf_content(<Faults as deserr::MergeWithError<Invalid>>::merge(
                None, invalid, location,
            )));
        }
        Ok(Self(list))
    }
}

/// Adds a fault for each element that stands twice; what led nowhere keeps its place.
pub fn refuse_twice<T: std::hash::Hash + Eq>(faults: &mut Faults, pointer: &str, items: &[Option<T>]) {
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        if item.is_some() && !seen.insert(item) {
            faults.add(format!("{pointer}/{index}"), "duplicate", "stands in the list twice");
        }
    }
}
