//! Where links may lead.
//!
//! A target is kept in the normal form of the WHATWG URL standard, as a browser would understand it, so that no two
//! readers of it can disagree about scheme and host.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use url::{Position, Url};

/// A link target that is safe to put on a page: an absolute `http`, `https`, `mailto` or `tel` URL, a path that starts
/// with one `/`, or a `#fragment`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Href(String);

/// Why a text is not a link target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HrefFault {
    /// There is nothing in it.
    #[error("a link needs a target")]
    Empty,
    /// It holds a space, a line break or a control character.
    #[error("a link target cannot contain white space or control characters")]
    Space,
    /// It leads elsewhere than to the web, a mailbox or a telephone.
    #[error("a link must lead to an http, https, mailto or tel URL, a path that starts with one `/`, or a `#fragment`")]
    Kind,
    /// It has an allowed scheme but is not a URL.
    #[error("not a valid URL")]
    Invalid,
    /// It is longer than `Href::MAX_CHARS` in normal form.
    #[error("a link target can have at most 4,096 characters")]
    TooLong,
}

/// Stands in for the unknown site while paths are brought into normal form.
static ANY_SITE: LazyLock<Option<Url>> = LazyLock::new(|| Url::parse("https://site.invalid/").ok());

impl Href {
    /// The longest target in normal form, in characters (all of them ASCII).
    pub const MAX_CHARS: usize = 4096;

    /// Reads a target that must be well-formed as it stands.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, HrefFault> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(HrefFault::Space);
        }
        Self::normalize(text)
    }

    /// Reads a target as browsers read the attribute of a link: spaces around it and line breaks inside do not count.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse_lenient(text: &str) -> Result<Self, HrefFault> {
        let trimmed = text.trim_matches(|c: char| c <= ' ');
        let is_break = |c| matches!(c, '\t' | '\n' | '\r');
        if trimmed.contains(is_break) {
            Self::normalize(&trimmed.replace(is_break, ""))
        } else {
            Self::normalize(trimmed)
        }
    }

    /// Returns the target as text: ASCII, without spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the target is on the web, not a path on the same site, a mailbox or a telephone.
    pub fn is_absolute_web(&self) -> bool {
        self.0.starts_with("https://") || self.0.starts_with("http://")
    }

    /// Returns whether a picture may have this address: it is on the web or a path on the same site.
    pub fn is_image(&self) -> bool {
        self.is_absolute_web() || self.0.starts_with('/')
    }

    fn normalize(text: &str) -> Result<Self, HrefFault> {
        if text.is_empty() {
            return Err(HrefFault::Empty);
        }
        let normal = if text.starts_with('#') {
            fragment(text)?
        } else if text.starts_with('/') {
            path(text)?
        } else {
            absolute(text)?
        };
        if normal.len() > Self::MAX_CHARS {
            return Err(HrefFault::TooLong);
        }
        // Belt and braces: what is not plain visible ASCII would be a fault of the URL parser.
        if !normal.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(HrefFault::Invalid);
        }
        Ok(Self(normal))
    }
}

fn absolute(text: &str) -> Result<String, HrefFault> {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => return Err(HrefFault::Kind),
        Err(_) => return Err(HrefFault::Invalid),
    };
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url.into()),
        // The standard leaves some characters of an opaque path as they are; mail and telephone programs do not expect them.
        "mailto" | "tel" if !url.path().is_empty() && !url.has_authority() => Ok(escape_opaque(url.as_str())),
        "http" | "https" | "mailto" | "tel" => Err(HrefFault::Invalid),
        _ => Err(HrefFault::Kind),
    }
}

fn path(text: &str) -> Result<String, HrefFault> {
    // Most paths are in normal form, which is quick to see.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
    if text.bytes().all(is_plain) && !text.starts_with("//") && !text.contains("/.") {
        return Ok(text.to_owned());
    }
    // `//host` and `/\host` lead to another site, and so does a path such as `/.//host` once it is in normal form.
    let base = ANY_SITE.as_ref().ok_or(HrefFault::Invalid)?;
    let url = base.join(text).map_err(|_| HrefFault::Invalid)?;
    if url.origin() != base.origin() || text.starts_with("//") {
        return Err(HrefFault::Kind);
    }
    let normal = &url[Position::BeforePath..];
    // The standard leaves backslashes behind the path as they are; not everybody reads them so.
    if normal.starts_with("//") { Err(HrefFault::Kind) } else { Ok(normal.replace('\\', "%5C")) }
}

fn fragment(text: &str) -> Result<String, HrefFault> {
    let base = ANY_SITE.as_ref().ok_or(HrefFault::Invalid)?;
    let url = base.join(text).map_err(|_| HrefFault::Invalid)?;
    match url.fragment() {
        Some(name) if !name.is_empty() => Ok(format!("#{name}")),
        _ => Err(HrefFault::Empty),
    }
}

fn escape_opaque(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for c in url.chars() {
        match c {
            ' ' => out.push_str("%20"),
            '"' => out.push_str("%22"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            '\\' => out.push_str("%5C"),
            '`' => out.push_str("%60"),
            _ => out.push(c),
        }
    }
    out
}
