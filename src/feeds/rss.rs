//! RSS 2.0, with the extensions that readers know: whole texts, names, pictures, both dates.

use quick_xml::escape::partial_escape;

use super::{
    feed::Feed,
    item::Item,
    xml::{Attribute, Xml},
};
use crate::{articles::markup::Picture, error::Result};

const NAMESPACES: [Attribute<'_>; 7] = [
    ("version", "2.0"),
    ("xmlns:atom", "http://www.w3.org/2005/Atom"),
    ("xmlns:content", "http://purl.org/rss/1.0/modules/content/"),
    ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
    ("xmlns:dcterms", "http://purl.org/dc/terms/"),
    ("xmlns:fh", "http://purl.org/syndication/history/1.0"),
    ("xmlns:media", "http://search.yahoo.com/mrss/"),
];

/// Writes a feed.
///
/// # Errors
/// When memory cannot be written to.
pub fn write(feed: &Feed) -> Result<String> {
    let mut xml = Xml::new()?;
    xml.open("rss", &NAMESPACES)?;
    xml.open("channel", &[])?;
    xml.leaf("title", &feed.title)?;
    // It must have one; without the address of a site, its name is a URI at least.
    xml.leaf("link", feed.home.as_ref().or(feed.own.as_ref()).unwrap_or(&feed.id))?;
    xml.leaf("description", &feed.description)?;
    xml.leaf_of("language", feed.language.as_deref())?;
    if !feed.items.is_empty() {
        xml.leaf("lastBuildDate", &feed.updated.to_rfc822())?;
    }
    xml.leaf("generator", "Frontpage")?;
    links(&mut xml, "atom:link", "application/rss+xml", feed)?;
    if feed.is_archive {
        xml.empty("fh:archive", &[])?;
    }
    for item in &feed.items {
        write_item(&mut xml, item, feed.language.is_none())?;
    }
    xml.close("channel")?;
    xml.close("rss")?;
    xml.finish()
}

/// Writes where the feed, its archives and its hub are.
///
/// # Errors
/// When memory cannot be written to.
pub fn links(xml: &mut Xml, element: &str, media_type: &str, feed: &Feed) -> Result<()> {
    let links = [
        ("self", &feed.own),
        ("current", &feed.current),
        ("prev-archive", &feed.previous),
        ("next-archive", &feed.next),
    ];
    for (rel, url) in links {
        if let Some(url) = url {
            xml.empty(element, &[("rel", rel), ("type", media_type), ("href", url)])?;
        }
    }
    match &feed.hub {
        Some(hub) => xml.empty(element, &[("rel", "hub"), ("href", hub)]),
        None => Ok(()),
    }
}

fn write_item(xml: &mut Xml, item: &Item, names_language: bool) -> Result<()> {
    xml.open("item", &[])?;
    xml.leaf("title", &item.title)?;
    xml.leaf_of("link", item.url.as_deref())?;
    xml.leaf_with("guid", &[("isPermaLink", "false")], &item.id)?;
    xml.leaf("pubDate", &item.published.to_rfc822())?;
    xml.leaf("dcterms:modified", &item.updated.to_string())?;
    if let Some(expires) = item.expires {
        xml.leaf("dcterms:valid", &format!("end={expires}; scheme=W3C-DTF"))?;
    }
    for author in &item.authors {
        xml.leaf("dc:creator", &author.name)?;
    }
    if names_language {
        xml.leaf("dc:language", &item.language)?;
    }
    for category in item.section.iter().chain(&item.tags) {
        xml.leaf("category", &category.label)?;
    }
    // Readers that know only one of the two take the first for the summary. They read both as HTML.
    xml.leaf("description", &partial_escape(item.summary.as_str()))?;
    xml.leaf_of("content:encoded", item.html.as_deref())?;
    for picture in &item.pictures {
        write_picture(xml, picture)?;
    }
    xml.close("item")
}

/// Writes a picture.
///
/// # Errors
/// When memory cannot be written to.
pub fn write_picture(xml: &mut Xml, picture: &Picture) -> Result<()> {
    let (width, height) =
        (picture.width.map(|width| width.to_string()), picture.height.map(|height| height.to_string()));
    let mut attributes = vec![("url", picture.url.as_str())];
    attributes.extend(picture.media_type().map(|media_type| ("type", media_type)));
    attributes.push(("medium", "image"));
    attributes.extend(width.as_deref().map(|width| ("width", width)));
    attributes.extend(height.as_deref().map(|height| ("height", height)));
    xml.open("media:content", &attributes)?;
    // The caption tells more than what is shown instead of the picture; that is its title then.
    if let (Some(alt), Some(_)) = (&picture.alt, &picture.caption) {
        xml.leaf_with("media:title", &[("type", "plain")], alt)?;
    }
    if let Some(text) = picture.caption.as_ref().or(picture.alt.as_ref()) {
        xml.leaf_with("media:description", &[("type", "plain")], text)?;
    }
    if let Some(credit) = &picture.credit {
        xml.leaf_with("media:credit", &[("role", "photographer"), ("scheme", "urn:ebu")], credit)?;
    }
    xml.close("media:content")
}
