//! One item of a feed, made from a live article; every format writes the same items.

use super::profile::View;
use crate::{
    articles::{
        content::Correction,
        input::AuthorRole,
        list::Place,
        live,
        markup::{self, Picture},
        view::Article,
        working::Parts,
    },
    clock::Instant,
    config::SiteConfig,
    db::Conn,
    error::Result,
    ids::ArticleId,
    policy::Text,
    sections::paths::{self, Names},
};

/// An item.
#[derive(Clone, Debug)]
pub struct Item {
    /// The article.
    pub article: ArticleId,
    /// What names the item for ever: the guid of the article.
    pub id: String,
    /// The address of the article's page, or of the article in this API where no page is known.
    pub url: Option<String>,
    /// The title, as plain text.
    pub title: String,
    /// The words above the title.
    pub kicker: Option<String>,
    /// The summary, as plain text.
    pub summary: String,
    /// The whole text as HTML with absolute addresses, unless the feed has summaries.
    pub html: Option<String>,
    /// The pictures of the text, in order.
    pub pictures: Vec<Picture>,
    /// Who made it, in the order of the byline.
    pub authors: Vec<Author>,
    /// A text that replaces the byline made of them.
    pub byline: Option<String>,
    /// Where the report was written.
    pub dateline: Option<String>,
    /// The name of where the report comes from, when it is not our own.
    pub source: Option<String>,
    /// The readable part of the article's address.
    pub slug: String,
    /// How many words the body has.
    pub word_count: i32,
    /// The section.
    pub section: Option<Category>,
    /// The tags.
    pub tags: Vec<Category>,
    /// The language, as a BCP 47 tag.
    pub language: String,
    /// What was wrong in earlier versions.
    pub corrections: Vec<Correction>,
    /// When readers first saw it; never changes.
    pub published: Instant,
    /// When somebody last changed it; a new name of a section, say, does not count.
    pub updated: Instant,
    /// Until when it may be shown.
    pub expires: Option<Instant>,
}

/// Somebody in a byline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The name alone.
    pub name: String,
    /// The address of their page.
    pub url: Option<String>,
    /// What they did.
    pub role: String,
}

/// A section or a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// What names it for ever.
    pub uri: String,
    /// The slug of a tag, the path of a section.
    pub term: String,
    /// The name of a tag, the names of a section and of those above it, from the top down.
    pub label: String,
}

/// How feeds are made here: for which site, under which address.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The site.
    pub site: &'a SiteConfig,
    /// The address of this server, without a slash at the end, if it knows it.
    pub base: Option<&'a str>,
    /// What is shown, and to whom.
    pub view: View<'a>,
}

/// Reads the items of some places of a list, in their order, in a fixed number of statements.
///
/// # Errors
/// When the database fails.
pub fn read(conn: &mut Conn, places: &[Place], context: Context<'_>) -> Result<Vec<Item>> {
    let ids: Vec<ArticleId> = places.iter().map(|place| place.id).collect();
    let shown = live::load(conn, &ids, context.site, Parts { html: true, ..Parts::default() }, context.view.policy)?;
    let along = shown.iter().filter_map(|shown| shown.article.section.as_ref()).map(|section| section.path.as_str());
    let names = paths::names_along(conn, along)?;
    Ok(shown.into_iter().map(|shown| Item::of(shown.article, context, &names)).collect())
}

impl Item {
    /// Makes an item of an article; `names` has the names of sections by their paths.
    pub fn of(article: Article, context: Context<'_>, names: &Names) -> Self {
        let Context { site, base, view: View { policy, profile } } = context;
        let id = article.guid.clone();
        let own = || base.map(|base| format!("{base}/v1/articles/{}", article.id));
        let url = article.url.clone().or_else(own);
        let origin = site.origin();
        let place = markup::Place {
            site: origin.as_ref(),
            page: article.url.as_deref(),
            allowed: profile.allowed_tags.as_deref(),
        };
        let body = article.body_html.unwrap_or_default();
        let authors = article.authors.into_iter().map(|author| Author {
            url: site.staff_url(&author.slug, author.id),
            name: author.name,
            role: author.role.as_str().to_owned(),
        });
        let mut authors: Vec<Author> = authors.collect();
        if let Some(name) = article.byline.clone().filter(|_| authors.is_empty()) {
            authors.push(Author { name, url: None, role: AuthorRole::Author.as_str().to_owned() });
        }
        Self {
            article: article.id,
            id,
            url,
            title: profile.title(&article.title),
            kicker: article.kicker,
            summary: article.excerpt,
            pictures: place.pictures(&body),
            html: (profile.text == Text::Full && policy.text == Text::Full).then(|| place.write(&body)),
            authors,
            byline: article.byline,
            dateline: article.dateline,
            source: article.source.map(|source| source.name.into_string()),
            slug: article.slug,
            word_count: article.word_count,
            section: article.section.map(|section| Category {
                uri: format!("urn:uuid:{}", section.id),
                label: labels(&section.path, &section.name, names),
                term: section.path,
            }),
            tags: article
                .tags
                .into_iter()
                .map(|tag| Category { uri: format!("urn:uuid:{}", tag.id), term: tag.slug, label: tag.name })
                .collect(),
            language: article.language,
            corrections: article.corrections,
            published: article.first_published_at,
            updated: article.updated_at,
            expires: profile.expires_after.map(|seconds| article.updated_at.plus_seconds(seconds)),
        }
    }
}

/// Returns the names of a section and of those above it, joined by slashes.
pub fn labels(path: &str, name: &str, names: &Names) -> String {
    let mut labels: Vec<&str> = paths::above(path).filter_map(|path| names.get(path)).collect();
    labels.push(name);
    labels.join("/")
}
