//! Writes XML that every reader can read: `quick-xml`'s writer, and text without the characters that XML 1.0 forbids.
//!
//! One writer makes RSS, Atom and sitemaps. The crates `rss` and `atom_syndication` are built for reading feeds and keep
//! what they do not know in maps: they decide the order of elements (`description` after `content:encoded`), and have no
//! place for `xml:lang`, for several `dc:creator`, or for Media RSS with its parts. Their models would be filled and
//! thrown away for each answer, while the bytes must be the same each time.

use std::borrow::Cow;

use quick_xml::{
    Writer,
    escape::partial_escape,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use crate::error::{Error, Result};

/// An XML document that is being written.
pub struct Xml(Writer<Vec<u8>>);

/// An attribute: its name and its value.
pub type Attribute<'a> = (&'a str, &'a str);

impl Xml {
    /// Begins a document.
    ///
    /// # Errors
    /// When memory cannot be written to.
    pub fn new() -> Result<Self> {
        let mut xml = Self(Writer::new(Vec::with_capacity(16 * 1024)));
        xml.put(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        Ok(xml)
    }

    /// Opens an element.
    ///
    /// # Errors
    /// When memory cannot be written to.
    pub fn open(&mut self, name: &str, attributes: &[Attribute<'_>]) -> Result<()> {
        self.put(Event::Start(element(name, attributes)))
    }

    /// Closes an element.
    ///
    /// # Errors
    /// When memory cannot be written to.
    pub fn close(&mut self, name: &str) -> Result<()> {
        self.put(Event::End(BytesEnd::new(name)))
    }

    /// Writes an element without content.
    ///
    /// # Errors
    /// When memory cannot be written to.
    pub fn empty(&mut self, name: &str, attributes: &[Attribute<'_>]) -> Result<()> {
        self.put(Event::Empty(element(name, attributes)))
    }

    /// Writes an element with a text.
    ///
    /// # Errors
    /// When memory cannot be written to.
    pub fn leaf(&mut self, name: &str, text: &str) -> Result<()> {
        self.leaf_with(name, &[], text)
    }

    /// Writes an element with attributes and a text.
    ///
    /// # Errors
    /// When memory cannot be written to.
    pub fn leaf_with(&mut self, name: &str, attributes: &[Attribute<'_>], text: &str) -> Result<()> {
        self.open(name, attributes)?;
        let text = legal(text);
        self.put(Event::Text(BytesText::from_escaped(partial_escape(text.as_ref()))))?;
        self.close(name)
    }

    /// Writes an element with a text, if there is one.
    ///
    /// # Errors
    /// When memory cannot be written to.
    pub fn leaf_of(&mut self, name: &str, text: Option<&str>) -> Result<()> {
        text.map_or(Ok(()), |text| self.leaf(name, text))
    }

    /// Ends the document.
    ///
    /// # Errors
    /// When it is not UTF-8, which it always is.
    pub fn finish(self) -> Result<String> {
        String::from_utf8(self.0.into_inner()).map_err(Error::internal)
    }

    fn put(&mut self, event: Event<'_>) -> Result<()> {
        self.0.write_event(event).map_err(Error::internal)
    }
}

fn element<'a>(name: &'a str, attributes: &[Attribute<'_>]) -> BytesStart<'a> {
    let mut element = BytesStart::new(name);
    for (name, value) in attributes {
        element.push_attribute((*name, legal(value).as_ref()));
    }
    element
}

/// Returns a text without the characters that XML 1.0 does not allow, not even as references.
pub fn legal(text: &str) -> Cow<'_, str> {
    let is_legal = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        c => c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'),
    };
    if text.chars().all(is_legal) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| is_legal(*c)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_text_is_the_document_is_well_formed() {
        let mut xml = Xml::new().unwrap();
        let text = "]]><x/> & \u{0}\u{8}\u{b}\u{1f}\u{fffe}\u{ffff}\t\u{85}\u{1f600}\"'";
        xml.leaf_with("a", &[("b", text)], text).unwrap();

        let attribute = "]]&gt;&lt;x/&gt; &amp; &#9;\u{85}\u{1f600}&quot;&apos;";
        let expected = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a b=\"{attribute}\">]]&gt;&lt;x/&gt; &amp; \t\u{85}\u{1f600}\"'</a>"
        );
        assert_eq!(xml.finish().unwrap(), expected);
    }
}
