//! Atom (RFC 4287).

use super::{feed::Feed, item::Item, rss, xml::Xml};
use crate::{articles::guids, error::Result};

/// Writes a feed.
///
/// # Errors
/// When memory cannot be written to.
pub fn write(feed: &Feed) -> Result<String> {
    let mut xml = Xml::new()?;
    let mut attributes = vec![
        ("xmlns", "http://www.w3.org/2005/Atom"),
        ("xmlns:dcterms", "http://purl.org/dc/terms/"),
        ("xmlns:fh", "http://purl.org/syndication/history/1.0"),
        ("xmlns:media", "http://search.yahoo.com/mrss/"),
    ];
    attributes.extend(feed.language.as_deref().map(|language| ("xml:lang", language)));
    xml.open("feed", &attributes)?;
    xml.leaf("id", &feed.id)?;
    xml.leaf("title", &feed.title)?;
    xml.leaf("subtitle", &feed.description)?;
    xml.leaf("updated", &feed.updated.to_string())?;
    // Who answers for an entry that names nobody.
    xml.open("author", &[])?;
    xml.leaf("name", &feed.publisher)?;
    xml.close("author")?;
    xml.leaf("generator", "Frontpage")?;
    if let Some(home) = &feed.home {
        xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", home)])?;
    }
    rss::links(&mut xml, "link", "application/atom+xml", feed)?;
    if feed.is_archive {
        xml.empty("fh:archive", &[])?;
    }
    for item in &feed.items {
        write_entry(&mut xml, item, feed.language.is_none())?;
    }
    xml.close("feed")?;
    xml.finish()
}

fn write_entry(xml: &mut Xml, item: &Item, names_language: bool) -> Result<()> {
    let language = [("xml:lang", item.language.as_str())];
    xml.open("entry", if names_language { &language } else { &[] })?;
    xml.leaf("id", &guids::uri_of(item.article, &item.id))?;
    xml.leaf_with("title", &[("type", "text")], &item.title)?;
    if let Some(url) = &item.url {
        xml.empty("link", &[("rel", "alternate"), ("href", url)])?;
    }
    xml.leaf("published", &item.published.to_string())?;
    xml.leaf("updated", &item.updated.to_string())?;
    if let Some(expires) = item.expires {
        xml.leaf("dcterms:valid", &format!("end={expires}; scheme=W3C-DTF"))?;
    }
    for author in &item.authors {
        xml.open("author", &[])?;
        xml.leaf("name", &author.name)?;
        xml.leaf_of("uri", author.url.as_deref())?;
        xml.close("author")?;
    }
    for category in item.section.iter().chain(&item.tags) {
        xml.empty("category", &[("term", &category.term), ("label", &category.label)])?;
    }
    xml.leaf_with("summary", &[("type", "text")], &item.summary)?;
    if let Some(html) = &item.html {
        xml.leaf_with("content", &[("type", "html")], html)?;
    }
    for picture in &item.pictures {
        rss::write_picture(xml, picture)?;
    }
    xml.close("entry")
}
