//! What a feed can be asked for.

use deserr::Deserr;
use utoipa::IntoParams;

use crate::{
    articles::{
        list::{self, Asked, Filter, Sort},
        params::{Ids, MOST_EXCLUDED},
        scope::Scope,
    },
    db::{Conn, types::text_enum},
    error::{Code, Result},
    http::{
        page::Limit,
        query::{Flag, Many, Moment},
    },
    ids::{SectionId, StaffId, TagId},
    input::{Faults, Language},
    policy::Policy,
    reference::Reference,
};

text_enum! {
    /// The format of a feed, which is the extension of its address.
    pub enum Format as FeedFormat {
        /// RSS 2.0.
        Rss = "rss",
        /// Atom (RFC 4287).
        Atom = "atom",
        /// JSON Feed 1.1.
        Json = "json",
    }
}

impl Format {
    /// Returns the media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Json => "application/feed+json; charset=utf-8",
        }
    }
}

/// Declares parameters with the filters of the list of articles, and what reads them.
macro_rules! filtered {
    ($(#[doc = $doc:literal])+ pub struct $name:ident { $($(#[$attribute:meta])* pub $member:ident: $type:ty,)* }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Deserr, IntoParams)]
        #[deserr(error = Faults, deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            /// Articles of a section, by id or slug, and of all sections below it.
            #[deserr(default)]
            #[param(value_type = String, required = false, example = "world")]
            pub section: Option<Reference<SectionId>>,
            /// Articles with a tag, by id or slug; when repeated, all must match.
            #[deserr(default)]
            #[param(value_type = Vec<String>, required = false)]
            pub tag: Many<Reference<TagId>>,
            /// Articles of somebody in the byline, by id or slug.
            #[deserr(default)]
            #[param(value_type = String, required = false)]
            pub author: Option<Reference<StaffId>>,
            /// Published at this moment or later.
            #[deserr(default)]
            #[param(value_type = String, format = DateTime, required = false, example = "2026-11-01T00:00:00Z")]
            pub published_after: Option<Moment>,
            /// Published before this moment.
            #[deserr(default)]
            #[param(value_type = String, format = DateTime, required = false)]
            pub published_before: Option<Moment>,
            /// Changed at this moment or later.
            #[deserr(default)]
            #[param(value_type = String, format = DateTime, required = false)]
            pub updated_after: Option<Moment>,
            /// Articles that are to stand out, or those that are not.
            #[deserr(default)]
            #[param(value_type = bool, required = false)]
            pub featured: Option<Flag>,
            /// Articles in a language, as a BCP 47 tag.
            #[deserr(default)]
            #[param(value_type = String, required = false, example = "en")]
            pub language: Option<Language>,
            /// Ids of articles to leave out, separated by commas or in repeated parameters; up to 100.
            #[deserr(default)]
            #[param(value_type = Vec<String>, required = false)]
            pub exclude: Many<Ids>,
            $($(#[$attribute])* pub $member: $type,)*
        }

        impl $name {
            /// Refuses what needs no database to be seen to be wrong.
            ///
            /// # Errors
            /// `invalid_parameter` with all faults.
            pub fn check(&self) -> Result<()> {
                let mut faults = Faults::new();
                if self.exclude.0.iter().map(|ids| ids.0.len()).sum::<usize>() > MOST_EXCLUDED {
                    faults.add("/exclude", "too_many", format!("at most {MOST_EXCLUDED} ids are allowed"));
                }
                if self.tag.0.len() > 10 {
                    faults.add("/tag", "too_many", "at most 10 tags are allowed");
                }
                faults.check(Code::InvalidParameter)
            }

            /// Resolves what is filtered by; newest first.
            ///
            /// # Errors
            /// `invalid_parameter` with a fault for each name that leads nowhere that readers know.
            pub fn filter(&self, conn: &mut Conn, policy: &Policy) -> Result<Filter> {
                let scope = Scope::now(conn, policy)?;
                let asked = Asked {
                    section: self.section.clone(),
                    tags: self.tag.0.clone(),
                    author: self.author.clone(),
                    is_featured: self.featured.map(|flag| flag.0),
                    language: self.language.clone(),
                };
                Ok(Filter {
                    facets: list::facets(conn, &asked, scope.as_ref())?,
                    published_after: self.published_after.map(|moment| moment.0),
                    published_before: self.published_before.map(|moment| moment.0),
                    updated_after: self.updated_after.map(|moment| moment.0),
                    exclude: self.exclude.0.iter().flat_map(|ids| ids.0.iter().copied()).collect(),
                    sort: Sort::NewestFirst,
                    scope,
                })
            }
        }
    };
}

filtered! {
    /// Which articles a feed is to have.
    pub struct FeedParams {
        /// How many items the feed has, and each page of its archive: 1 to 100.
        #[deserr(default)]
        #[param(value_type = u8, minimum = 1, maximum = 100, default = 30, required = false)]
        pub limit: Option<Limit>,
    }
}

filtered! {
    /// Which articles to list as ninjs.
    pub struct NinjsListParams {
        /// The order.
        #[deserr(default)]
        #[param(required = false)]
        pub sort: Option<Sort>,
        /// How many to list, 1 to 100.
        #[deserr(default)]
        #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
        pub limit: Limit,
        /// `page.next` or `page.prev` of another page of the same list.
        #[deserr(default)]
        #[param(value_type = String, required = false)]
        pub cursor: Option<String>,
    }
}

impl NinjsListParams {
    /// Names the list, so that a cursor of another list does not fit.
    pub fn binding(&self) -> String {
        let mut copy = self.clone();
        (copy.cursor, copy.limit) = (None, Limit::default());
        copy.sort = Some(copy.sort.unwrap_or_default());
        (copy.tag, copy.exclude) = (copy.tag.in_one_order(), copy.exclude.in_one_order());
        format!("ninjs|{copy:?}")
    }
}
