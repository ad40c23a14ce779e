//! Sitemaps: where all articles are, by month, and the news of the last two days.
//!
//! A month's file has at most [`LARGEST`] addresses; what is more is in further ones. As articles stand in them from the
//! first of the month on, a file that is full changes only with its articles. Addresses are those of the site's pages, so
//! without `FRONTPAGE_ARTICLE_URL` there are no sitemaps; and the index names its files by their addresses, for which it
//! needs `FRONTPAGE_PUBLIC_URL`.

use std::time::Duration;

use super::{
    archive::{Month, Page},
    xml::Xml,
};
use crate::{
    articles::{
        addresses::{self, Addressed, Order, Range},
        facets::Facet,
    },
    changes,
    clock::Instant,
    config::SiteConfig,
    db::{self, Conn, Db},
    delivery::Live,
    error::{Code, Error, Result},
    state::State,
};

/// The most addresses of one file: with the longest that may be, it stays below the 50 MiB that search engines read.
const LARGEST: i64 = 20_000;

/// The longest address that search engines take, in bytes.
const LONGEST_URL: usize = 2047;

/// How far back news goes, and how many there may be (<https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap>).
const NEWS_SECONDS: i64 = 2 * 24 * 60 * 60;
const MOST_NEWS: i64 = 1_000;

const NAMESPACE: (&str, &str) = ("xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9");

const MEDIA_TYPE: &str = "application/xml; charset=utf-8";

/// Makes the index of the files.
///
/// It takes a look at every article, which for a million takes longer than one read may; so it is read file by file.
///
/// # Errors
/// `not_found` when the settings say no addresses.
pub async fn index(state: State, has_account: bool) -> Result<Live> {
    let base = state.config.http.public_url.as_deref();
    let base = base.filter(|_| state.config.site.article_url.is_some());
    let base = base.ok_or_else(|| missing("FRONTPAGE_PUBLIC_URL and FRONTPAGE_ARTICLE_URL"))?;
    // What happens while the files are read makes the answer newer than it says.
    let last_at = state.db.read_shown(has_account, changes::last_at).await?;
    let mut xml = Xml::new()?;
    xml.open("sitemapindex", &[NAMESPACE])?;
    for file in files(&state.db, has_account).await?.iter().rev() {
        xml.open("sitemap", &[])?;
        xml.leaf("loc", &format!("{base}/sitemaps/{}.xml", file.page))?;
        xml.leaf("lastmod", &file.updated_at.to_string())?;
        xml.close("sitemap")?;
    }
    xml.close("sitemapindex")?;
    live(xml, last_at)
}

/// A file of a month.
#[derive(Debug, PartialEq, Eq)]
struct File {
    page: Page,
    n_articles: i64,
    /// When any of its articles was last changed.
    updated_at: Instant,
}

/// Returns all files, the oldest first.
async fn files(db: &Db, has_account: bool) -> Result<Vec<File>> {
    let (mut files, mut last) = (Vec::new(), None);
    loop {
        let after = last.clone();
        let read = move |conn: &mut Conn| addresses::dates(conn, after.as_ref(), LARGEST);
        let found = db.read_shown(has_account, read).await?;
        for article in &found {
            put(&mut files, article.published_at, article.updated_at)?;
        }
        match found.last() {
            Some(article) => last = Some(article.clone()),
            None => return Ok(files),
        }
    }
}

/// Puts the next article into its file.
fn put(files: &mut Vec<File>, published_at: Instant, updated_at: Instant) -> Result<()> {
    let (mut month, mut number) = (None, 1);
    if let Some(file) = files.last_mut()
        && published_at < file.page.month.end()?
    {
        if file.n_articles < LARGEST {
            file.n_articles += 1;
            file.updated_at = file.updated_at.max(updated_at);
            return Ok(());
        }
        (month, number) = (Some(file.page.month), file.page.number + 1);
    }
    let month = month.map_or_else(|| Month::of(published_at), Ok)?;
    files.push(File { page: Page { month, number }, n_articles: 1, updated_at });
    Ok(())
}

/// Makes a month's file.
///
/// # Errors
/// `not_found` when nothing was published in the month, or the settings say no addresses.
pub fn month(conn: &mut Conn, state: &State, page: Page) -> Result<Live> {
    let site = pages(&state.config.site)?;
    let range = Range {
        after: page.month.start()?,
        before: page.month.end()?,
        n_rows: LARGEST,
        n_skipped: (page.number - 1) * LARGEST,
        order: Order::OldestFirst,
    };
    let articles = addresses::read(conn, range)?;
    if articles.is_empty() {
        return Err(Error::not_found());
    }
    let mut xml = Xml::new()?;
    xml.open("urlset", &[NAMESPACE])?;
    for (article, url) in located(&articles, site) {
        xml.open("url", &[])?;
        xml.leaf("loc", &url)?;
        xml.leaf("lastmod", &article.updated_at.to_string())?;
        xml.close("url")?;
    }
    xml.close("urlset")?;
    live(xml, changes::last_at(conn)?)
}

/// Makes the file of the news of the last two days.
///
/// # Errors
/// `not_found` when the settings say no addresses.
pub fn news(conn: &mut Conn, state: &State) -> Result<Live> {
    let site = pages(&state.config.site)?;
    let now = db::now(conn)?;
    let since = now.plus_seconds(-NEWS_SECONDS);
    let before = now.plus_seconds(1);
    let newest = Range { after: since, before, n_rows: MOST_NEWS, n_skipped: 0, order: Order::NewestFirst };
    // What is published again after a break is no news.
    let mut articles = addresses::read(conn, newest)?;
    articles.retain(|article| article.first_published_at >= since);
    let mut xml = Xml::new()?;
    xml.open("urlset", &[NAMESPACE, ("xmlns:news", "http://www.google.com/schemas/sitemap-news/0.9")])?;
    for (article, url) in located(&articles, site) {
        xml.open("url", &[])?;
        xml.leaf("loc", &url)?;
        xml.open("news:news", &[])?;
        xml.open("news:publication", &[])?;
        xml.leaf("news:name", &site.name)?;
        xml.leaf("news:language", &news_language(&article.language))?;
        xml.close("news:publication")?;
        xml.leaf("news:publication_date", &article.first_published_at.to_string())?;
        xml.leaf("news:title", &article.title)?;
        xml.close("news:news")?;
        xml.close("url")?;
    }
    xml.close("urlset")?;
    // The oldest ceases to be news by the clock alone.
    let oldest = articles.iter().map(|article| article.first_published_at).min();
    let left = oldest.map_or(NEWS_SECONDS, |oldest| (oldest.millis() - since.millis()) / 1000);
    Ok(live(xml, changes::last_at(conn)?)?.good_for(Duration::from_secs(u64::try_from(left).unwrap_or_default())))
}

fn live(xml: Xml, last_at: Instant) -> Result<Live> {
    let all = Facet::all().surrogate_key();
    Ok(Live::text(MEDIA_TYPE, xml.finish()?, last_at).list().keyed(["articles".to_owned(), all]))
}

fn pages(site: &SiteConfig) -> Result<&SiteConfig> {
    site.article_url.is_some().then_some(site).ok_or_else(|| missing("FRONTPAGE_ARTICLE_URL"))
}

fn missing(settings: &str) -> Error {
    Error::new(Code::NotFound, format!("There are no sitemaps here: this server was not told {settings}."))
}

fn located<'a>(articles: &'a [Addressed], site: &'a SiteConfig) -> impl Iterator<Item = (&'a Addressed, String)> {
    let located = articles.iter().filter_map(|article| Some((article, article.url(site)?)));
    located.filter(|(_, url)| url.len() <= LONGEST_URL)
}

/// Writes a language as Google News wants it: two or three letters, but for the two kinds of Chinese.
fn news_language(tag: &str) -> String {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default().to_ascii_lowercase();
    if primary != "zh" {
        return primary;
    }
    let is_traditional = parts.any(|part| ["hant", "tw", "hk", "mo"].contains(&part.to_ascii_lowercase().as_str()));
    if is_traditional { "zh-tw".to_owned() } else { "zh-cn".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_full_is_followed_by_another_of_its_month() {
        let at = |text| Instant::parse(text).unwrap();
        let mut files = Vec::new();
        let mut add = |published_at, updated_at| put(&mut files, published_at, updated_at).unwrap();
        let (first, later) = (at("2026-09-01T00:00:00Z"), at("2026-12-24T18:00:00Z"));
        add(at("2026-08-31T23:59:59.999Z"), first);
        for _ in 0..LARGEST {
            add(first, first);
        }
        add(at("2026-09-30T23:59:59.999Z"), later);
        add(at("2026-10-01T00:00:00Z"), first);

        let seen: Vec<_> = files.iter().map(|file| (file.page.to_string(), file.n_articles, file.updated_at)).collect();
        let page = |name: &str, n, updated_at| (name.to_owned(), n, updated_at);
        assert_eq!(
            seen,
            [
                page("2026-08", 1, first),
                page("2026-09", LARGEST, first),
                page("2026-09-2", 1, later),
                page("2026-10", 1, first)
            ]
        );
    }

    #[test]
    fn languages_are_those_that_google_news_knows() {
        for (tag, expected) in [
            ("en", "en"),
            ("en-GB", "en"),
            ("fa", "fa"),
            ("zh", "zh-cn"),
            ("zh-Hant", "zh-tw"),
            ("zh-TW", "zh-tw"),
            ("zh-Hans-CN", "zh-cn"),
        ] {
            assert_eq!(news_language(tag), expected);
        }
    }
}
