//! The types in which demo content is handed over.
//!
//! They are plain data, close to what the API accepts, and depend on no other part of the server.
//! The code that fills a database turns them into its own inputs.

/// A section of the demo newsroom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoSection {
    /// The last part of the section's address.
    pub slug: &'static str,
    /// The name that readers see.
    pub name: &'static str,
    /// What the section is about, in a sentence.
    pub description: &'static str,
    /// The slug of the section above, which comes earlier in the list.
    pub parent: Option<&'static str>,
}

/// Whether a staff profile stands for one human being or for a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoStaffKind {
    /// One human being.
    Person,
    /// A desk, an agency or another group.
    Organization,
}

/// A public staff profile of the demo newsroom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoStaff {
    /// The last part of the profile's address.
    pub slug: &'static str,
    /// The name as it stands in a byline.
    pub name: &'static str,
    /// A person or an organization.
    pub kind: DemoStaffKind,
    /// The job title, or the role of the desk.
    pub title: &'static str,
    /// The biography as HTML paragraphs.
    pub bio_html: &'static str,
    /// A public e-mail address, at example.org.
    pub email: Option<&'static str>,
    /// A public telephone number from a range that is reserved for fiction.
    pub phone: Option<&'static str>,
    /// Labels and addresses of pages elsewhere.
    pub links: &'static [(&'static str, &'static str)],
}

/// A tag of the demo newsroom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoTag {
    /// The last part of the tag's address.
    pub slug: &'static str,
    /// The name that readers see.
    pub name: &'static str,
    /// What articles with this tag have in common.
    pub description: Option<&'static str>,
}

/// What a demo login may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoRole {
    /// Manages users and settings.
    Admin,
    /// Edits and publishes all content.
    Editor,
    /// Writes own articles.
    Author,
}

/// A login of the demo newsroom, with the password that the documentation tells everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoLogin {
    /// The address to sign in with, at example.org.
    pub email: &'static str,
    /// The name shown to colleagues.
    pub display_name: &'static str,
    /// The role.
    pub role: DemoRole,
    /// The documented password: for loopback demos only.
    pub password: &'static str,
    /// The slug of the staff profile that the login belongs to.
    pub staff: Option<&'static str>,
}

/// The part that a staff profile played in an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoAuthorRole {
    /// Wrote it.
    Author,
    /// Helped to report it.
    Contributor,
    /// Took the pictures.
    Photographer,
    /// Translated it.
    Translator,
    /// Edited it.
    Editor,
}

/// Where in its life an article stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DemoStage {
    /// Being written, never published.
    Draft,
    /// Submitted to the editors, never published.
    InReview,
    /// Published, with nothing pending.
    Published,
    /// Published once and taken back.
    Withdrawn,
    /// Published, with newer changes that readers do not see yet.
    PublishedWithChanges,
}

impl DemoStage {
    /// Returns whether readers can see an article at this stage.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Published | Self::PublishedWithChanges)
    }
}

/// One article of the demo newsroom.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoArticle {
    /// The label above the title.
    pub kicker: Option<String>,
    /// The title; plain text.
    pub title: String,
    /// The sentence below the title; plain text.
    pub standfirst: Option<String>,
    /// The text: paragraphs, `h2` headings, lists and quotes, with links and emphasis.
    pub body_html: String,
    /// A summary for lists; plain text.
    pub excerpt: Option<String>,
    /// The language as a BCP 47 tag: `en`, `fa` or `fr`.
    pub language: &'static str,
    /// Where it was reported from.
    pub dateline: Option<String>,
    /// The slug of its section.
    pub section: &'static str,
    /// The slugs of those who made it and what they did, in byline order.
    pub authors: Vec<(&'static str, DemoAuthorRole)>,
    /// A text that replaces the line made from the authors.
    pub byline: Option<String>,
    /// The slugs of its tags.
    pub tags: Vec<&'static str>,
    /// Whether the editors want it seen first.
    pub featured: bool,
    /// The indexes of related articles: older ones that readers can see.
    pub related: Vec<u64>,
    /// The name and address of where it came from.
    pub source: Option<(String, String)>,
    /// A title for search engines.
    pub seo_title: Option<String>,
    /// A description for search engines.
    pub seo_description: Option<String>,
    /// Where in its life it stands.
    pub stage: DemoStage,
    /// How many minutes before now it was first published or, if it never was, created.
    pub age_minutes: u64,
    /// An object for the frontend's own use.
    pub extensions: Option<serde_json::Value>,
}
