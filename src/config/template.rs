//! Templates of addresses, such as `https://www.example.org/{section}/{slug}`.

use super::http::parse_web_url;

/// What a template is the address of; this decides which placeholders it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An article's page.
    Article,
    /// A section's page.
    Section,
    /// A tag's page.
    Tag,
    /// A staff profile's page.
    Staff,
}

impl Kind {
    /// Returns the placeholders that may occur.
    pub const fn placeholders(self) -> &'static [&'static str] {
        match self {
            Self::Article => &["section", "slug", "id", "year", "month", "day"],
            Self::Section => &["path", "slug", "id"],
            Self::Tag | Self::Staff => &["slug", "id"],
        }
    }
}

/// Placeholders whose value is a path, the slashes of which stay.
const PATHS: [&str; 2] = ["section", "path"];

/// Placeholders that tell one page from another; every template needs one of them.
const TELLING: [&str; 3] = ["slug", "id", "path"];

/// A checked template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(&'static str),
}

impl UrlTemplate {
    /// Returns where the site is: scheme, host and port.
    pub fn origin(&self) -> Option<url::Url> {
        let text = self.expand(&[]);
        let mut url = url::Url::parse(&text).ok()?;
        url.set_path("/");
        url.set_query(None);
        Some(url)
    }

    /// Reads a template: an absolute http or https URL without a fragment, with known placeholders after the host.
    ///
    /// # Errors
    /// Says what is wrong and what is allowed.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, String> {
        // Checked before and after the URL parser has put the text into its normal form.
        split(text, kind)?;
        let url = parse_web_url(text)
            .ok_or("must be an absolute http or https URL without a user, such as https://www.example.org/{slug}")?;
        if url.fragment().is_some() {
            return Err("must not have a fragment (#…): two pages would have one address".to_owned());
        }
        if url[..url::Position::AfterPort].contains(['{', '}']) {
            return Err("must not have a placeholder before the path".to_owned());
        }
        // In a path the parser writes braces as escapes.
        let parts = split(&url.as_str().replace("%7B", "{").replace("%7D", "}"), kind)?;
        let template = Self(parts);
        if !template.places().any(|name| TELLING.contains(&name)) {
            let telling: Vec<String> =
                kind.placeholders().iter().filter(|name| TELLING.contains(name)).map(|name| braced(name)).collect();
            return Err(format!("must have {}, or all pages would have one address", telling.join(" or ")));
        }
        Ok(template)
    }

    /// Returns the address with values in place of the placeholders; a placeholder without a value becomes empty.
    pub fn expand(&self, values: &[(&str, &str)]) -> String {
        let mut url = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => url.push_str(text),
                Part::Place(wanted) => {
                    let value = values.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value);
                    encode(value, PATHS.contains(wanted), &mut url);
                }
            }
        }
        url
    }

    /// Returns the names of the placeholders, in order.
    pub fn places(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter_map(|part| match part {
            Part::Place(name) => Some(*name),
            Part::Text(_) => None,
        })
    }
}

fn split(text: &str, kind: Kind) -> Result<Vec<Part>, String> {
    let known = kind.placeholders();
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, following) = after.split_once('}').ok_or("has a { without a }")?;
        let name = known.iter().find(|known| **known == name).ok_or_else(|| {
            let known: Vec<String> = known.iter().map(|name| braced(name)).collect();
            format!("the placeholder {} is not known here; known are {}", braced(name), known.join(", "))
        })?;
        parts.extend(literal(before)?);
        parts.push(Part::Place(name));
        rest = following;
    }
    parts.extend(literal(rest)?);
    Ok(parts)
}

fn literal(text: &str) -> Result<Option<Part>, String> {
    if text.contains('}') {
        return Err("has a } without a {".to_owned());
    }
    Ok((!text.is_empty()).then(|| Part::Text(text.to_owned())))
}

fn braced(name: &str) -> String {
    format!("{{{name}}}")
}

/// Writes a value as a step of a path, or as several when its slashes are to stay.
fn encode(value: &str, keep_slashes: bool, url: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    for byte in value.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if is_plain || (byte == b'/' && keep_slashes) {
            url.push(char::from(byte));
        } else {
            url.extend(['%', digit(byte >> 4), digit(byte & 0xF)]);
        }
    }
}
