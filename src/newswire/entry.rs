//! One change as a reader is told of it.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    articles::{facets::Facet, live, scope, view::Article},
    changes::{follow::Logged, wire::With},
    clock::Instant,
    config::SiteConfig,
    db::{Conn, types::text_enum},
    error::{Error, Result},
    ids::{ArticleId, ResourceId},
    policy::Policy,
};

text_enum! {
    /// What happened.
    pub enum Kind as ChangeKind {
        /// Readers have come to see an article.
        Published = "published",
        /// Readers have come to see an article because its embargo is over.
        EmbargoLifted = "embargo_lifted",
        /// An article, or something that it shows, looks different.
        Updated = "updated",
        /// An article was corrected; `reason` is the note.
        Corrected = "corrected",
        /// An article has another address; `former_slug` says which it had.
        Moved = "moved",
        /// Readers do not see an article any more.
        Withdrawn = "withdrawn",
        /// An article is gone for good; `reason` is the public notice. Remove your copies.
        Killed = "killed",
        /// A section, staff profile or tag is new.
        Created = "created",
        /// A section, staff profile or tag is back.
        Restored = "restored",
        /// A tag was merged into another one.
        Merged = "merged",
        /// A section, staff profile or tag is gone.
        Deleted = "deleted",
    }
}

impl Kind {
    /// Reads what the log says; what another version writes there is a change like any other.
    pub fn of(logged: &str) -> Self {
        match logged {
            "trashed" => Self::Deleted,
            other => Self::parse(other).unwrap_or(Self::Updated),
        }
    }
}

text_enum! {
    /// What a change is about.
    pub enum Subject as ChangedResource {
        /// An article.
        Article = "article",
        /// A section.
        Section = "section",
        /// A staff profile.
        Staff = "staff",
        /// A tag.
        Tag = "tag",
    }
}

/// A change of what readers see.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeEntry {
    /// The number of the change: later ones have greater numbers.
    #[schema(minimum = 1, example = 4711)]
    pub id: i64,
    /// The cursor with which to go on after this change.
    #[schema(example = "ZjQ3MTEk2m0yQ4bZ0Jc3r1cVw")]
    pub cursor: String,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// What happened.
    pub kind: Kind,
    /// What it happened to.
    pub resource: Subject,
    /// Which one.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")]
    pub resource_id: ResourceId,
    /// Whether readers do not see it now, whatever happened then: if so, remove your copy.
    pub is_gone: bool,
    /// Why, for people: the public notice of what was killed, the note of a correction; null for all else.
    #[schema(required = true)]
    pub reason: Option<String>,
    /// The slug that was left behind, when there is another one now.
    #[schema(required = true)]
    pub former_slug: Option<String>,
    /// The surrogate keys of all that looks different now: read anew what you keep under any of them.
    #[schema(value_type = Vec<String>, example = json!(["article-0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a", "list-all"]))]
    pub keys: Vec<String>,
    /// The article as readers see it now, as `GET /v1/articles/{article}` has it, or null when they do not; only with
    /// `include=article`, and only when the change is of an article.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Article>, required = false)]
    pub article: Option<Option<Box<RawValue>>>,
    /// The surrogate keys under which to keep the article: it looks different when a change names any of them. There
    /// whenever the article is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = json!(["article-0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a", "section-0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7b"]))]
    pub article_keys: Option<Vec<String>>,
}

/// Where a page of changes stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangePageInfo {
    /// The most changes that the page can have.
    #[schema(minimum = 1, maximum = 100, example = 20)]
    pub limit: usize,
    /// The cursor to go on with; always there, also when nothing is new.
    #[schema(example = "ZjQ3MTEk2m0yQ4bZ0Jc3r1cVw")]
    pub next: String,
    /// Whether there is more already.
    pub has_more: bool,
}

/// Some changes, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangePage {
    /// The changes.
    pub data: Vec<ChangeEntry>,
    /// Where the page stands.
    pub page: ChangePageInfo,
}

/// What a reader sees, at this moment, of what some changes are about.
///
/// This is the one place that decides it: a reader who may see less is given less here, and [`entry_for`] makes a
/// tombstone of the rest.
pub struct Sight {
    /// The keys of the lists of which a reader sees everything; none for who sees all.
    lists: Option<Vec<String>>,
    visible: HashSet<ArticleId>,
    with: With,
    articles: HashMap<ArticleId, Carried>,
}

/// An article as it is carried.
#[derive(Clone)]
struct Carried {
    json: Box<RawValue>,
    keys: Vec<String>,
}

/// The most bytes of articles that are read for one answer; the articles after those are left for the next.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// How many articles are read at a time.
const ARTICLES: usize = 10;

impl Sight {
    /// Looks at what some changes are about.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of(conn: &mut Conn, changes: &[Logged], with: With, site: &SiteConfig, policy: &Policy) -> Result<Self> {
        let is_article = |change: &&Logged| change.resource == Subject::Article.as_str();
        let named = changes.iter().flat_map(|change| change.keys.iter()).filter_map(|key| article_of(key));
        let subjects = changes.iter().filter(is_article).map(|change| ArticleId::from(change.id));
        let asked: HashSet<ArticleId> = named.chain(subjects).collect();
        let visible: HashSet<ArticleId> = scope::keep(conn, policy, asked.into_iter().collect())?.into_iter().collect();
        let mut sight = Self { lists: lists_of(policy), visible, with, articles: HashMap::new() };
        if with == With::Articles {
            let mut ids: Vec<ArticleId> = Vec::new();
            for id in changes.iter().filter(is_article).map(|change| ArticleId::from(change.id)) {
                if sight.visible.contains(&id) && !ids.contains(&id) {
                    ids.push(id);
                }
            }
            sight.read(conn, &ids, site, policy)?;
        }
        Ok(sight)
    }

    fn read(&mut self, conn: &mut Conn, ids: &[ArticleId], site: &SiteConfig, policy: &Policy) -> Result<()> {
        let mut n_bytes = 0;
        for some in ids.chunks(ARTICLES) {
            if n_bytes >= MOST_BYTES {
                break;
            }
            for shown in live::whole(conn, some, site, policy)? {
                let carried = Carried { json: written(&shown.article)?, keys: shown.surrogate_keys() };
                n_bytes += carried.json.get().len();
                self.articles.insert(shown.article.id, carried);
            }
        }
        Ok(())
    }

    /// Returns whether a reader is told of a change: of an article that is seen, or that stood, before or after it, where
    /// this reader sees what stands there. What never was in a reader's scope is not even said to be gone.
    pub fn is_told(&self, change: &Logged) -> bool {
        let Some(lists) = &self.lists else { return true };
        change.resource != Subject::Article.as_str()
            || self.visible.contains(&ArticleId::from(change.id))
            || change.keys.iter().any(|key| lists.contains(key))
    }

    /// Returns how many bytes an entry carries of an article; none, when the article was left for later.
    pub fn weight(&self, change: &Logged) -> Option<usize> {
        if self.with == With::Entries || change.resource != Subject::Article.as_str() {
            return Some(0);
        }
        let id = ArticleId::from(change.id);
        if self.visible.contains(&id) {
            self.articles.get(&id).map(|carried| carried.json.get().len())
        } else {
            Some(0)
        }
    }

    /// The most bytes of articles in one answer.
    pub const fn most_bytes() -> usize {
        MOST_BYTES
    }
}

/// The lists in which everything stands that a reader sees; none for who sees all.
fn lists_of(policy: &Policy) -> Option<Vec<String>> {
    let sections = policy.sections.iter().map(|id| Facet::section(*id));
    let tags = policy.tags.iter().map(|id| Facet::tag(*id));
    let lists: Vec<String> = sections.chain(tags).map(|facet| facet.surrogate_key()).collect();
    (!lists.is_empty()).then_some(lists)
}

/// Writes an article as the answer to a request for it has it.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn written(article: &Article) -> Result<Box<RawValue>> {
    let json = serde_json::to_string(article).map_err(Error::internal)?;
    RawValue::from_string(json).map_err(Error::internal)
}

/// Returns what a reader with this sight is told of a change. What the reader does not see is gone for them.
pub fn entry_for(sight: &Sight, change: Logged, cursor: String) -> ChangeEntry {
    let kind = Kind::of(&change.kind);
    let resource = Subject::parse(&change.resource).unwrap_or(Subject::Article);
    let id = ArticleId::from(change.id);
    let is_gone = match resource {
        Subject::Article => !sight.visible.contains(&id),
        Subject::Section | Subject::Staff | Subject::Tag => matches!(kind, Kind::Deleted | Kind::Merged),
    };
    // What names this article may be something that readers do not know of yet.
    let is_known = |key: &String| match article_of(key) {
        Some(named) => named == id || sight.visible.contains(&named),
        None => true,
    };
    let is_asked = resource == Subject::Article && sight.with == With::Articles;
    let carried = is_asked.then(|| sight.articles.get(&id).filter(|_| !is_gone).cloned());
    let (article, article_keys) = match carried {
        None => (None, None),
        Some(None) => (Some(None), None),
        Some(Some(Carried { json, keys })) => (Some(Some(json)), Some(keys)),
    };
    ChangeEntry {
        id: change.position,
        cursor,
        at: change.at,
        kind,
        resource,
        resource_id: change.id,
        is_gone,
        reason: change.details.reason,
        former_slug: change.details.former_slug,
        keys: change.keys.into_iter().filter(is_known).collect(),
        article,
        article_keys,
    }
}

/// The article that a surrogate key is of, if it is one's.
fn article_of(key: &str) -> Option<ArticleId> {
    key.strip_prefix("article-").and_then(ArticleId::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_log_says_has_a_kind_whoever_wrote_it() {
        for (logged, kind) in [
            ("published", Kind::Published),
            ("trashed", Kind::Deleted),
            ("retagged", Kind::Updated),
            ("what a later version says", Kind::Updated),
        ] {
            assert_eq!(Kind::of(logged), kind, "{logged}");
        }
    }
}
