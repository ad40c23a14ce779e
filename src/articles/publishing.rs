//! Writing the live copy: what the verbs do to what readers see.
//!
//! The only writer of the live tables. What readers notice at once is also appended to the change log; what they will
//! notice at a later time is recorded by [`schedule`](super::schedule) when it has come.

use diesel::prelude::*;

use super::{
    content::{Author, Content, Correction, StoredBody},
    facets::{self, Facet, Place},
    gist::Gist,
    guids, linking,
    working::ArticleRow,
};
use crate::{
    changes::{self, Change, Details},
    clock::Instant,
    db::{
        Conn, Tx,
        direct::{direct, insert_all, one_of, top, update},
        pairs,
        schema::{
            article_publications, live_articles, live_authors, live_bodies, live_links, live_notices, live_related,
            live_slugs, live_tags,
        },
    },
    error::{Error, Result},
    ids::{ArticleId, SectionId, TagId},
    input::{Line, Prose, Slug, WebUrl},
    sections::store,
};

/// Why something is put before readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is news.
    Published,
    /// Something in it was wrong.
    Corrected,
    /// Something in it was wrong that is not worth a word.
    Fixed,
}

/// A revision on its way to readers.
pub struct Release<'a> {
    /// The article, with the times that are to hold.
    pub row: &'a ArticleRow,
    /// What it says.
    pub content: &'a Content,
    /// Its body.
    pub body: &'a StoredBody,
    /// Why.
    pub reason: Reason,
}

impl Release<'_> {
    fn visible_from(&self, tx: &Tx<'_>) -> Instant {
        self.row.published_at.unwrap_or(tx.now)
    }

    /// From when on those see it who may see what is under an embargo; none when it is not.
    fn embargoed_since(&self, tx: &Tx<'_>) -> Option<Instant> {
        let is_embargoed = self.content.embargo_until.is_some_and(|until| until > tx.now);
        is_embargoed.then(|| self.row.publish_at.map_or(tx.now, |at| at.max(tx.now)))
    }
}

/// The times of what is before readers already.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
struct Before {
    published_at: Instant,
    updated_at: Instant,
    slug: String,
}

/// Makes what a revision says what readers see, at once or from a later time on.
///
/// # Errors
/// When the database fails.
pub fn publish(tx: &mut Tx<'_>, release: &Release<'_>) -> Result<()> {
    let (id, content) = (release.row.id, release.content);
    let section = content.section.ok_or_else(|| Error::internal("published without a section"))?;
    let there = live_articles::table.find(id).select((
        live_articles::published_at,
        live_articles::updated_at,
        live_articles::slug,
    ));
    let before: Option<Before> = direct!(tx.conn()?, |own| there.get_result(own).optional())?;
    let is_there = before.is_some();
    let seen = before.filter(|before| before.published_at <= tx.now);
    let (old_lists, old_tags) = match &seen {
        Some(_) => (facets::of_article(tx.conn()?, id)?, live_tags_of(tx, id)?),
        None => (Vec::new(), Vec::new()),
    };
    let visible_from = release.visible_from(tx);
    let updated_at = match (release.reason, &seen) {
        (Reason::Fixed, Some(seen)) => seen.updated_at,
        _ => visible_from.max(tx.now),
    };
    if is_there {
        // Everything that hangs on the old live copy goes with it.
        let delete = diesel::delete(live_articles::table.find(id));
        direct!(tx.conn()?, |own| delete.execute(own))?;
    }
    // What is read comes first, so that what is inserted goes together.
    let facets = facets_of(tx, content, section)?;
    keep_slug(tx, id, &content.slug)?;
    note_publication(tx, release, visible_from, updated_at)?;
    insert_article(tx, release, section, updated_at)?;
    insert_parts(tx, id, content, release.body)?;
    let place = Place { published_at: visible_from, updated_at, visible_until: release.row.withdraw_at };
    facets::put(tx, id, &facets, place)?;
    if visible_from > tx.now {
        // Nobody sees anything yet; the clock will tell.
        return Ok(());
    }
    let others = Others::of(tx.conn()?, id)?;
    if seen.is_none() {
        touch(tx, &others.related, tx.now)?;
    }
    touch(tx, &others.linking, tx.now)?;
    let mut keys = surrogate_keys(id, old_lists.iter().chain(&facets), &others);
    keys.extend(keys_of_tags(tx, id, &old_tags, &content.tags)?);
    let (kind, details) = told(release, seen)?;
    record(tx, id, kind, keys, details)
}

/// What readers are told of a release that they see at once.
fn told(release: &Release<'_>, seen: Option<Before>) -> Result<(&'static str, Details)> {
    let former_slug = seen.as_ref().map(|seen| &seen.slug).filter(|slug| *slug != release.content.slug.as_str());
    let former_slug = former_slug.cloned();
    Ok(match (release.reason, &seen) {
        (Reason::Corrected, _) => {
            let note = Correction::list(&release.row.corrections)?.pop().map(|correction| correction.note);
            ("corrected", Details { reason: note, former_slug })
        }
        (_, Some(_)) if former_slug.is_some() => ("moved", Details { former_slug, ..Details::default() }),
        (_, Some(_)) => ("updated", Details::default()),
        (_, None) => ("published", Details::default()),
    })
}

/// Takes an article away from readers, or calls off that they will see it.
///
/// # Errors
/// When the database fails.
pub fn withdraw(tx: &mut Tx<'_>, id: ArticleId) -> Result<()> {
    take_away(tx, id, "withdrawn")
}

/// Takes an article away from readers for good, and puts a notice in its place.
///
/// # Errors
/// When the database fails.
pub fn kill(tx: &mut Tx<'_>, id: ArticleId, guid: Option<Line<500>>, notice: &str) -> Result<()> {
    diesel::insert_into(live_notices::table)
        .values((
            live_notices::article_id.eq(id),
            live_notices::notice.eq(notice),
            live_notices::killed_at.eq(tx.now),
            live_notices::guid.eq(guid.map(Line::into_string)),
        ))
        .execute(tx.conn()?)?;
    let keys = keys_of_coming_or_going(tx, id)?;
    remove(tx, id)?;
    // What stood withdrawn answers otherwise now, too.
    let keys = if keys.is_empty() { vec![format!("article-{id}")] } else { keys };
    record(tx, id, "killed", keys, Details { reason: Some(notice.to_owned()), ..Details::default() })
}

/// Takes the notice away that stands in the place of an article that was killed.
///
/// # Errors
/// When the database fails.
pub fn revive(tx: &mut Tx<'_>, id: ArticleId) -> Result<()> {
    diesel::delete(live_notices::table.find(id)).execute(tx.conn()?)?;
    record(tx, id, "withdrawn", vec![format!("article-{id}")], Details::default())
}

/// Says until when readers are to see an article that is before them.
///
/// # Errors
/// When the database fails.
pub fn set_end(tx: &mut Tx<'_>, row: &ArticleRow) -> Result<()> {
    diesel::update(live_articles::table.find(row.id))
        .set(live_articles::visible_until.eq(row.withdraw_at))
        .execute(tx.conn()?)?;
    facets::set_end(tx, row.id, row.withdraw_at)?;
    let open = latest_publication(tx, row.id)?;
    if let Some(number) = open {
        diesel::update(article_publications::table.find((row.id, number)))
            .set(article_publications::visible_until.eq(row.withdraw_at))
            .execute(tx.conn()?)?;
    }
    Ok(())
}

/// Records that readers have come to see an article because its time has come: `published` when it was scheduled,
/// `embargo_lifted` when it was held back.
///
/// # Errors
/// When the database fails.
pub fn record_appearance(tx: &mut Tx<'_>, id: ArticleId, kind: &'static str) -> Result<()> {
    touch_relatives(tx, id, tx.now)?;
    let keys = keys_of_coming_or_going(tx, id)?;
    record(tx, id, kind, keys, Details::default())
}

/// Records that readers have ceased to see an article because its time was over.
///
/// # Errors
/// When the database fails.
pub fn record_end(tx: &mut Tx<'_>, id: ArticleId) -> Result<()> {
    let keys = keys_of_coming_or_going(tx, id)?;
    diesel::delete(live_articles::table.find(id)).execute(tx.conn()?)?;
    touch_relatives(tx, id, tx.now)?;
    record(tx, id, "withdrawn", keys, Details::default())
}

fn take_away(tx: &mut Tx<'_>, id: ArticleId, kind: &'static str) -> Result<()> {
    let keys = keys_of_coming_or_going(tx, id)?;
    let was_seen = remove(tx, id)?;
    if was_seen { record(tx, id, kind, keys, Details::default()) } else { Ok(()) }
}

/// Removes the live copy; returns whether readers saw it.
fn remove(tx: &mut Tx<'_>, id: ArticleId) -> Result<bool> {
    let published_at: Option<Instant> =
        live_articles::table.find(id).select(live_articles::published_at).get_result(tx.conn()?).optional()?;
    let was_seen = published_at.is_some_and(|at| at <= tx.now);
    diesel::delete(live_articles::table.find(id)).execute(tx.conn()?)?;
    if let Some(number) = latest_publication(tx, id)? {
        let publication = article_publications::table.find((id, number));
        if was_seen {
            diesel::update(publication.filter(is_open_at(tx.now)))
                .set(article_publications::visible_until.eq(tx.now))
                .execute(tx.conn()?)?;
        } else {
            diesel::delete(publication.filter(article_publications::visible_from.gt(tx.now))).execute(tx.conn()?)?;
        }
    }
    if was_seen {
        touch_relatives(tx, id, tx.now)?;
    }
    Ok(was_seen)
}

/// Notes what readers will have seen, for those who ask later what they saw.
fn note_publication(tx: &mut Tx<'_>, release: &Release<'_>, visible_from: Instant, updated_at: Instant) -> Result<()> {
    let (row, id) = (release.row, release.row.id);
    let latest = latest_publication(tx, id)?;
    let begins_at = visible_from.max(tx.now);
    if latest.is_some() {
        // A moment's own version ends where the next one begins; what nobody saw was never there.
        let coming = article_publications::table
            .filter(article_publications::article_id.eq(id))
            .filter(article_publications::visible_from.gt(tx.now));
        direct!(tx.conn()?, |own| diesel::delete(coming).execute(own))?;
        let (values, open) = (article_publications::visible_until.eq(begins_at), is_open_at(begins_at));
        let rows = article_publications::article_id.eq(id).and(open);
        direct!(tx.conn()?, |own| update("article_publications", values, rows).execute(own))?;
    }
    tx.insert(diesel::insert_into(article_publications::table).values((
        article_publications::article_id.eq(id),
        article_publications::number.eq(latest.unwrap_or(0) + 1),
        article_publications::revision.eq(row.revision + 1),
        article_publications::visible_from.eq(begins_at),
        article_publications::visible_until.eq(row.withdraw_at),
        article_publications::first_published_at.eq(row.first_published_at.unwrap_or(visible_from)),
        article_publications::published_at.eq(visible_from),
        article_publications::updated_at.eq(updated_at),
        article_publications::corrections.eq(row.corrections.clone()),
    )))
}

fn latest_publication(tx: &mut Tx<'_>, id: ArticleId) -> Result<Option<i32>> {
    let latest = article_publications::table
        .filter(article_publications::article_id.eq(id))
        .order(article_publications::number.desc())
        .select(article_publications::number);
    Ok(direct!(tx.conn()?, |own| top(latest, 1).get_result(own).optional())?)
}

#[diesel::dsl::auto_type]
fn is_open_at(at: Instant) -> _ {
    article_publications::visible_until.is_null().or(article_publications::visible_until.gt(at))
}

fn insert_article(tx: &mut Tx<'_>, release: &Release<'_>, section: SectionId, updated_at: Instant) -> Result<()> {
    let Release { row, content, body, .. } = *release;
    guids::refuse_taken(tx, row.id, content.guid.as_ref())?;
    let visible_from = release.visible_from(tx);
    let (excerpt, excerpt_is_derived) = body.gist().excerpt(content);
    let extensions = content.extensions.as_ref().map(|extensions| extensions.0.to_string());
    let source = content.source.as_ref();
    let Gist { word_count, reading_minutes, .. } = *body.gist();
    let insert = diesel::insert_into(live_articles::table).values((
        (
            live_articles::id.eq(row.id),
            live_articles::slug.eq(content.slug.to_string()),
            live_articles::revision.eq(row.revision + 1),
            live_articles::kicker.eq(content.kicker.as_ref().map(Line::to_string)),
            live_articles::title.eq(content.title.to_string()),
            live_articles::standfirst.eq(content.standfirst.as_ref().map(Prose::to_string)),
            live_articles::excerpt.eq(excerpt),
            live_articles::excerpt_is_derived.eq(excerpt_is_derived),
            live_articles::byline.eq(content.byline.as_ref().map(Line::to_string)),
            live_articles::language.eq(content.language.to_string()),
            live_articles::guid.eq(content.guid.as_ref().map(Line::to_string)),
            live_articles::dateline.eq(content.dateline.as_ref().map(Line::to_string)),
            live_articles::section_id.eq(section),
            live_articles::is_featured.eq(content.featured),
        ),
        (
            live_articles::source_name.eq(source.map(|source| source.name.to_string())),
            live_articles::source_url.eq(source.and_then(|source| source.url.as_ref()).map(WebUrl::to_string)),
            live_articles::seo_title.eq(content.seo.title.as_ref().map(Line::to_string)),
            live_articles::seo_description.eq(content.seo.description.as_ref().map(Line::to_string)),
            live_articles::seo_canonical_url.eq(content.seo.canonical_url.as_ref().map(WebUrl::to_string)),
            live_articles::extensions.eq(extensions),
            live_articles::word_count.eq(i32::try_from(word_count).unwrap_or(i32::MAX)),
            live_articles::reading_minutes.eq(i32::try_from(reading_minutes).unwrap_or(i32::MAX)),
            live_articles::first_published_at.eq(row.first_published_at.unwrap_or(visible_from)),
            live_articles::published_at.eq(visible_from),
            live_articles::updated_at.eq(updated_at),
            live_articles::changed_at.eq(visible_from.max(tx.now)),
            live_articles::visible_until.eq(row.withdraw_at),
            live_articles::corrections.eq(row.corrections.clone()),
            live_articles::embargoed_since.eq(release.embargoed_since(tx)),
        ),
    ));
    tx.insert(insert)
}

fn insert_parts(tx: &mut Tx<'_>, id: ArticleId, content: &Content, stored: &StoredBody) -> Result<()> {
    let body = &stored.body;
    let (html, depends_on_links) = linking::written_ahead(body);
    let insert = diesel::insert_into(live_bodies::table).values((
        live_bodies::article_id.eq(id),
        live_bodies::blocks.eq(stored.json.clone()),
        live_bodies::html.eq(html),
        live_bodies::depends_on_links.eq(depends_on_links),
        live_bodies::text.eq(body.to_text()),
    ));
    tx.insert(insert)?;
    let links = linking::references(body);
    if !links.is_empty() {
        tx.insert(pairs("live_links", (live_links::article_id, id), (live_links::target_id, links)))?;
    }
    let author = |(position, author): (i32, &Author)| {
        (
            live_authors::article_id.eq(id),
            live_authors::position.eq(position),
            live_authors::staff_id.eq(author.staff),
            live_authors::role.eq(author.role),
        )
    };
    insert_all!(tx, live_authors::table, (0..).zip(&content.authors).map(author).collect())?;
    let tag = |(position, tag): (i32, &TagId)| {
        (live_tags::article_id.eq(id), live_tags::position.eq(position), live_tags::tag_id.eq(*tag))
    };
    insert_all!(tx, live_tags::table, (0..).zip(&content.tags).map(tag).collect())?;
    let related = |(position, related): (i32, &ArticleId)| {
        (live_related::article_id.eq(id), live_related::position.eq(position), live_related::related_id.eq(*related))
    };
    insert_all!(tx, live_related::table, (0..).zip(&content.related).map(related).collect())?;
    Ok(())
}

/// The lists in which an article with this content stands.
fn facets_of(tx: &mut Tx<'_>, content: &Content, section: SectionId) -> Result<Vec<Facet>> {
    let mut facets = vec![Facet::all(), Facet::language(content.language.as_str())];
    facets.push(if content.featured { Facet::featured() } else { Facet::not_featured() });
    facets.extend(store::ancestors(tx.conn()?, Some(section))?.into_iter().map(Facet::section));
    facets.extend(content.tags.iter().map(|tag| Facet::tag(*tag)));
    for author in &content.authors {
        let facet = Facet::staff(author.staff);
        if !facets.contains(&facet) {
            facets.push(facet);
        }
    }
    Ok(facets)
}

fn keep_slug(tx: &mut Tx<'_>, id: ArticleId, slug: &Slug) -> Result<()> {
    let known = live_slugs::table.find(slug.key()).select(live_slugs::article_id);
    let owner: Option<ArticleId> = direct!(tx.conn()?, |own| known.get_result(own).optional())?;
    match owner {
        Some(owner) if owner == id => Ok(()),
        Some(_) => Err(Error::internal("a live slug has another owner than the slug")),
        None => tx.insert(
            diesel::insert_into(live_slugs::table)
                .values((live_slugs::key.eq(slug.key()), live_slugs::article_id.eq(id))),
        ),
    }
}

/// The articles that name one, as related or in their text.
struct Others {
    related: Vec<ArticleId>,
    linking: Vec<ArticleId>,
}

impl Others {
    fn of(conn: &mut Conn, id: ArticleId) -> Result<Self> {
        let related = live_related::table.filter(live_related::related_id.eq(id)).select(live_related::article_id);
        let linking = live_links::table.filter(live_links::target_id.eq(id)).select(live_links::article_id);
        Ok(Self { related: direct!(conn, |own| related.load(own))?, linking: direct!(conn, |own| linking.load(own))? })
    }
}

/// Notes that the articles that name this one look different now: they show its address and its title.
fn touch_relatives(tx: &mut Tx<'_>, id: ArticleId, at: Instant) -> Result<()> {
    let others = Others::of(tx.conn()?, id)?;
    touch(tx, &others.related, at)?;
    touch(tx, &others.linking, at)
}

/// Notes that articles look different now.
fn touch(tx: &mut Tx<'_>, ids: &[ArticleId], at: Instant) -> Result<()> {
    if !ids.is_empty() {
        let rows = one_of(live_articles::id, ids.iter().copied());
        direct!(tx.conn()?, |own| update("live_articles", live_articles::changed_at.eq(at), rows).execute(own))?;
    }
    Ok(())
}

/// The surrogate keys of all that shows an article, its lists among them: none, when the live tables do not have it.
fn surrogate_keys_of(conn: &mut Conn, id: ArticleId) -> Result<Vec<String>> {
    let facets = facets::of_article(conn, id)?;
    if facets.is_empty() {
        return Ok(Vec::new());
    }
    let others = Others::of(conn, id)?;
    Ok(surrogate_keys(id, &facets, &others))
}

fn surrogate_keys<'a>(id: ArticleId, lists: impl IntoIterator<Item = &'a Facet>, others: &Others) -> Vec<String> {
    let mut keys = vec![format!("article-{id}")];
    keys.extend(lists.into_iter().map(Facet::surrogate_key));
    keys.extend(others.related.iter().chain(&others.linking).map(|id| format!("article-{id}")));
    keys
}

/// The surrogate keys of all that looks different when the clock brings an article or takes it away.
///
/// # Errors
/// When the database fails.
pub fn keys_by_the_clock(conn: &mut Conn, id: ArticleId) -> Result<Vec<String>> {
    let mut keys = surrogate_keys_of(conn, id)?;
    let tags: Vec<TagId> =
        live_tags::table.filter(live_tags::article_id.eq(id)).select(live_tags::tag_id).load(conn)?;
    if !tags.is_empty() {
        // Whether it is the only one with a tag then, nobody knows yet.
        keys.push("tags".to_owned());
        keys.extend(tags.iter().map(|tag| format!("tag-{tag}")));
    }
    Ok(keys)
}

fn live_tags_of(tx: &mut Tx<'_>, id: ArticleId) -> Result<Vec<TagId>> {
    let tags = live_tags::table.filter(live_tags::article_id.eq(id)).select(live_tags::tag_id);
    Ok(direct!(tx.conn()?, |own| tags.load(own))?)
}

/// The surrogate keys of all that looks different when an article comes or goes.
fn keys_of_coming_or_going(tx: &mut Tx<'_>, id: ArticleId) -> Result<Vec<String>> {
    let mut keys = surrogate_keys_of(tx.conn()?, id)?;
    let tags = live_tags_of(tx, id)?;
    keys.extend(keys_of_tags(tx, id, &[], &tags)?);
    Ok(keys)
}

/// The keys of the tags, and of their list, that readers have come to see by this article, or have ceased to.
fn keys_of_tags(tx: &mut Tx<'_>, id: ArticleId, before: &[TagId], after: &[TagId]) -> Result<Vec<String>> {
    let left = before.iter().filter(|tag| !after.contains(tag));
    let joined = after.iter().filter(|tag| !before.contains(tag));
    let mut keys = Vec::new();
    for tag in left.chain(joined) {
        if !facets::has_others(tx, &Facet::tag(*tag), id)? {
            keys.extend([format!("tag-{tag}"), "tags".to_owned()]);
        }
    }
    Ok(keys)
}

fn record(tx: &mut Tx<'_>, id: ArticleId, kind: &'static str, mut keys: Vec<String>, details: Details) -> Result<()> {
    keys.sort_unstable();
    keys.dedup();
    changes::append(tx, &Change { kind, resource: "article", id: id.into(), keys, details })
}
