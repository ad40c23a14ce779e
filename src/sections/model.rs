//! What a section is, as clients write it and as they read it.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Instant,
    http::page::PageInfo,
    ids::SectionId,
    input::{Faults, Line, Prose, Slug},
    reference::Reference,
};

/// What a section is made of.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct SectionInput {
    /// The name as readers see it, 1 to 100 characters.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "IFP Exclusive")]
    pub name: Line<100>,
    /// The readable part of the address; made from the name when absent. Former slugs keep redirecting.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 120, example = "ifp-exclusive")]
    pub slug: Option<Slug>,
    /// What the section is about, up to 1,000 characters.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 1000, example = "Reports found nowhere else.")]
    pub description: Option<Prose<1000>>,
    /// The section above, by id or slug; none for a section at the top.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "world")]
    pub parent: Option<Reference<SectionId>>,
    /// Where the section stands among its neighbors: lower numbers first.
    #[deserr(default)]
    #[schema(value_type = i32, minimum = 0, maximum = 100000, default = 0)]
    pub position: Position,
}

/// A place among neighbors, 0 to 100,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub i32);

impl Deserr<Faults> for Position {
    fn deserialize_from_value<V: deserr::IntoValue>(
        value: deserr::Value<V>,
        location: deserr::ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        let number = <i64 as Deserr<Faults>>::deserialize_from_value(value, location)?;
        i32::try_from(number).ok().filter(|number| (0..=100_000).contains(number)).map(Self).ok_or_else(|| {
            deserr::take_cf_content(<Faults as deserr::DeserializeError>::error::<V>(
                None,
                deserr::ErrorKind::Unexpected { msg: "must be from 0 to 100000".to_owned() },
                location,
            ))
        })
    }
}

/// A section as it is kept at each revision, in the form in which clients write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionDoc {
    /// The name.
    pub name: Line<100>,
    /// The slug.
    pub slug: Slug,
    /// The description.
    pub description: Option<Prose<1000>>,
    /// The section above.
    pub parent: Option<SectionId>,
    /// The place among neighbors.
    pub position: Position,
}

/// A section where something else refers to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SectionSummary {
    /// The id, for ever the same.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    pub id: SectionId,
    /// The readable part of the address.
    #[schema(example = "asia")]
    pub slug: String,
    /// The name as readers see it.
    #[schema(example = "Asia")]
    pub name: String,
    /// The slugs from the top of the tree down to this section.
    #[schema(example = "world/asia")]
    pub path: String,
}

/// A section of the site.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Section {
    /// The id, for ever the same.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    pub id: SectionId,
    /// The readable part of the address.
    #[schema(example = "asia")]
    pub slug: String,
    /// The name as readers see it.
    #[schema(example = "Asia")]
    pub name: String,
    /// What the section is about.
    #[schema(required = true, example = "From the Bosporus to the Pacific.")]
    pub description: Option<String>,
    /// The section above; null at the top.
    #[schema(required = true)]
    pub parent: Option<SectionSummary>,
    /// The slugs from the top of the tree down to this section.
    #[schema(example = "world/asia")]
    pub path: String,
    /// Where the section stands among its neighbors: lower numbers first.
    #[schema(example = 2)]
    pub position: i32,
    /// The address of the section's page on the site; null when no address is configured.
    #[schema(required = true, format = "uri", example = "https://www.example.org/world/asia")]
    pub url: Option<String>,
    /// When the section was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// When the section last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Instant,
    /// The sections below; only with `tree=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, no_recursion)]
    pub children: Option<Vec<Section>>,
    /// The number of the newest revision; only in the working view.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub revision: Option<i32>,
    /// When the section was moved to the trash; only in the working view of what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, format = DateTime)]
    pub trashed_at: Option<Instant>,
}

/// A page of sections, in the order of their paths.
#[derive(Serialize, ToSchema)]
pub struct SectionPage {
    /// The sections.
    pub data: Vec<Section>,
    /// Where the page stands.
    pub page: PageInfo,
}
