//! A feed as a whole: what it is of, where it is, and its items; written by one of the formats.

use super::{
    archive::{self, Page},
    atom,
    item::{self, Context, Item},
    json_feed,
    params::{FeedParams, Format},
    profile::View,
    rss,
};
use crate::{
    articles::{
        facets::Facet,
        list::{self, Filter},
    },
    changes,
    clock::Instant,
    db::Conn,
    delivery::Live,
    error::Result,
    http::{page::Limit, path},
    ids::{SectionId, StaffId, TagId},
    policy::Policy,
    reference::Reference,
    sections, staff,
    state::State,
    tags,
};

/// What a feed is of.
#[derive(Clone, Debug)]
pub enum Of {
    /// All articles.
    Articles,
    /// Those of a section and of all below it.
    Section(Reference<SectionId>),
    /// Those with a tag.
    Tag(Reference<TagId>),
    /// Those of somebody in the byline.
    Staff(Reference<StaffId>),
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What the feed is of.
    pub of: Of,
    /// Which format.
    pub format: Format,
    /// Which page of the archive; none for the feed itself.
    pub page: Option<Page>,
    /// The filters.
    pub params: FeedParams,
    /// The filters as they were written, in the order of their names.
    pub query: String,
}

/// A feed.
#[derive(Clone, Debug)]
pub struct Feed {
    /// What names the feed for ever, whatever its address.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// Who publishes it: the name of the site.
    pub publisher: String,
    /// The address of the page that shows the same, or of the site.
    pub home: Option<String>,
    /// Its own address; none, where the server does not know its own.
    pub own: Option<String>,
    /// The address of the feed that this is the archive of.
    pub current: Option<String>,
    /// The address of the archive before this.
    pub previous: Option<String>,
    /// The address of the archive after this.
    pub next: Option<String>,
    /// The hub that tells subscribers of changes.
    pub hub: Option<String>,
    /// Whether it is an archive, which stays as it is.
    pub is_archive: bool,
    /// The language of all items, when it is one.
    pub language: Option<String>,
    /// When any of its items last changed.
    pub updated: Instant,
    /// The items, the newest first.
    pub items: Vec<Item>,
}

/// What a feed is of, found.
struct Source {
    /// The list, unless it is that of all.
    facet: Option<Facet>,
    /// The address without the extension.
    path: String,
    name: Option<String>,
    description: Option<String>,
    home: Option<String>,
    keys: Vec<String>,
}

impl Source {
    fn find(conn: &mut Conn, state: &State, of: &Of, policy: &Policy) -> Result<Self> {
        let site = &state.config.site;
        Ok(match of {
            Of::Articles => Self {
                facet: None,
                path: "/feeds/articles".to_owned(),
                name: None,
                description: None,
                home: None,
                keys: Vec::new(),
            },
            Of::Section(reference) => {
                let section = sections::store::get_live(conn, reference, site)?;
                Self {
                    facet: Some(Facet::section(section.id)),
                    path: format!("/feeds/sections/{}", path::encode_step(&section.slug)),
                    name: Some(section.name),
                    description: section.description,
                    home: section.url,
                    keys: vec![format!("section-{}", section.id)],
                }
            }
            Of::Tag(reference) => {
                let tag = tags::store::get_live(conn, reference, site, policy)?;
                Self {
                    facet: Some(Facet::tag(tag.id)),
                    path: format!("/feeds/tags/{}", path::encode_step(&tag.slug)),
                    name: Some(tag.name),
                    description: tag.description,
                    home: tag.url,
                    keys: vec![format!("tag-{}", tag.id)],
                }
            }
            Of::Staff(reference) => {
                let profile = staff::store::get_live(conn, reference, site)?;
                Self {
                    facet: Some(Facet::staff(profile.id)),
                    path: format!("/feeds/staff/{}", path::encode_step(&profile.slug)),
                    name: Some(profile.name),
                    description: None,
                    home: profile.url,
                    keys: vec![format!("staff-{}", profile.id)],
                }
            }
        })
    }

    /// Puts the source's list among the others, those that tend to be short first.
    fn narrow(&self, filter: &mut Filter, params: &FeedParams) {
        let Some(facet) = self.facet.clone() else { return };
        let is_section = facet.surrogate_key().starts_with("list-section-");
        let has_shorter = is_section && (params.author.is_some() || !params.tag.0.is_empty());
        filter.facets.insert(if has_shorter { filter.facets.len() } else { 0 }, facet);
    }
}

/// Where the documents of a feed are.
struct Addresses<'a> {
    base: Option<&'a str>,
    source: &'a Source,
    format: Format,
    query: &'a str,
}

impl Addresses<'_> {
    fn of(&self, page: Option<Page>) -> Option<String> {
        let (base, path, format) = (self.base?, &self.source.path, self.format);
        let page = page.map(|page| format!("/{page}")).unwrap_or_default();
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        Some(format!("{base}{path}{page}.{format}{query}"))
    }
}

/// The addresses of the three formats of a feed that is asked for without filters, by its path.
pub fn addresses(base: &str, path: &str) -> [String; 3] {
    [Format::Rss, Format::Atom, Format::Json].map(|format| format!("{base}{path}.{format}"))
}

/// Makes the document that was asked for.
///
/// # Errors
/// `not_found` for what readers do not see, a redirect for what has another slug now, `invalid_parameter`.
pub fn make(conn: &mut Conn, state: &State, view: View<'_>, asked: &Asked) -> Result<Live> {
    let source = Source::find(conn, state, &asked.of, view.policy)?;
    let mut filter = asked.params.filter(conn, view.policy)?;
    source.narrow(&mut filter, &asked.params);
    let limit = asked.params.limit.unwrap_or(view.profile.limit);
    let base = state.config.http.public_url.as_deref();
    let addresses = Addresses { base, source: &source, format: asked.format, query: &asked.query };
    let context = Context { site: &state.config.site, base, view };
    let mut feed = match asked.page {
        None => newest(conn, &filter, limit, context, &addresses)?,
        Some(page) => of_page(conn, &filter, limit, page, context, &addresses)?,
    };
    feed.describe(state, &source, &filter);
    if asked.page.is_none() && asked.query.is_empty() && feed.own.is_some() {
        feed.hub.clone_from(&state.config.feeds.hub_url);
    }
    let list = filter.list();
    let keys = feed.items.iter().map(|item| format!("article-{}", item.article));
    let body = match asked.format {
        Format::Rss => rss::write(&feed)?,
        Format::Atom => atom::write(&feed)?,
        Format::Json => json_feed::write(&feed)?,
    };
    Ok(Live::text(asked.format.media_type(), body, changes::last_at(conn)?)
        .list()
        .keyed(["articles".to_owned(), list.surrogate_key()])
        .keyed(source.keys)
        .keyed(keys)
        .linked(feed.link_header()))
}

/// The feed itself: the newest items.
fn newest(
    conn: &mut Conn,
    filter: &Filter,
    limit: Limit,
    context: Context<'_>,
    addresses: &Addresses<'_>,
) -> Result<Feed> {
    let places = list::places_after(conn, filter, limit, 0)?;
    let items = item::read(conn, &places, context)?;
    // Without an address of its own, the feed can lead to none of its archives.
    let previous = match addresses.base {
        Some(_) => archive::newest(conn, filter, limit)?,
        None => None,
    };
    let mut feed = Feed::of(items);
    feed.own = addresses.of(None);
    feed.previous = previous.and_then(|page| addresses.of(Some(page)));
    Ok(feed)
}

fn of_page(
    conn: &mut Conn,
    filter: &Filter,
    limit: Limit,
    page: Page,
    context: Context<'_>,
    addresses: &Addresses<'_>,
) -> Result<Feed> {
    let archive = archive::read(conn, filter, limit, page)?;
    let items = item::read(conn, &archive.places, context)?;
    let mut feed = Feed::of(items);
    feed.own = addresses.of(Some(page));
    feed.current = addresses.of(None);
    feed.previous = archive.previous.and_then(|page| addresses.of(Some(page)));
    feed.next = archive.next.and_then(|page| addresses.of(Some(page)));
    feed.is_archive = archive.is_complete;
    Ok(feed)
}

impl Feed {
    /// Makes a feed of items; an empty one has never changed.
    fn of(items: Vec<Item>) -> Self {
        let updated = items.iter().map(|item| item.updated).max().or_else(|| Instant::from_millis(0));
        let language = items.first().map(|item| item.language.clone());
        Self {
            id: String::new(),
            title: String::new(),
            description: String::new(),
            publisher: String::new(),
            home: None,
            own: None,
            current: None,
            previous: None,
            next: None,
            hub: None,
            is_archive: false,
            language: language.filter(|language| items.iter().all(|item| item.language == *language)),
            updated: updated.unwrap_or_else(Instant::now),
            items,
        }
    }

    fn describe(&mut self, state: &State, source: &Source, filter: &Filter) {
        let site = &state.config.site;
        self.id = id_of(state, filter);
        self.publisher.clone_from(&site.name);
        self.title = match &source.name {
            None => site.name.clone(),
            Some(name) => format!("{}: {name}", site.name),
        };
        self.description = source.description.clone().unwrap_or_else(|| format!("The latest from {}", self.title));
        self.home = source.home.clone().or_else(|| site.origin().map(String::from));
    }

    /// Returns the `Link` header by which hubs and readers know the feed (WebSub, 4).
    fn link_header(&self) -> Option<String> {
        let links = [("self", &self.own), ("hub", &self.hub)];
        let links = links.iter().filter_map(|(rel, url)| url.as_ref().map(|url| format!("<{url}>; rel=\"{rel}\"")));
        let links: Vec<String> = links.collect();
        (!links.is_empty()).then(|| links.join(", "))
    }
}

/// Returns what names a feed for ever: it follows from what the feed is of, by ids, and from the key of the installation.
fn id_of(state: &State, filter: &Filter) -> String {
    let mut facets: Vec<&[u8]> = filter.facets.iter().map(Facet::bytes).collect();
    facets.sort_unstable();
    let millis = |moment: Option<Instant>| moment.map_or_else(String::new, |moment| moment.millis().to_string());
    let times = [filter.published_after, filter.published_before, filter.updated_after].map(millis).join(",");
    let mut without: Vec<String> = filter.exclude.iter().map(ToString::to_string).collect();
    without.sort_unstable();
    let without = without.join(",");
    let mut parts: Vec<&[u8]> = vec![b"feed", times.as_bytes(), without.as_bytes()];
    parts.extend(facets);
    let digest = state.key.sign(&parts);
    let mut bytes = [0_u8; 16];
    bytes.iter_mut().zip(&digest).for_each(|(byte, digit)| *byte = *digit);
    let id = uuid::Builder::from_bytes(bytes).with_variant(uuid::Variant::RFC4122).with_version(uuid::Version::Custom);
    format!("urn:uuid:{}", id.into_uuid())
}
