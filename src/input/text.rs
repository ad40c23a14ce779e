//! Small texts with rules: lines, prose, addresses.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use url::Url;

use super::{Invalid, parsed};

macro_rules! text_type {
    ($([$($generics:tt)*])? $name:ident $([$($args:tt)*])?) => {
        impl $(<$($generics)*>)? $name $(<$($args)*>)? {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl $(<$($generics)*>)? fmt::Display for $name $(<$($args)*>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        parsed!(for [$($($generics)*)?] $name $(<$($args)*>)?);
    };
}

/// One line of text: not empty, at most `MAX` characters, no control characters, no space at the ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Line<const MAX: usize>(String);

impl<const MAX: usize> Line<MAX> {
    /// Reads a line; space at the ends is cut.
    ///
    /// # Errors
    /// When it is empty, too long, or has a control character such as a line break.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        check_length(text, MAX)?;
        match text.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            Some(c) => Err(Invalid::new("control_character", format!("must not contain U+{:04X}", u32::from(c)))),
            None => Ok(Self(text.to_owned())),
        }
    }
}

text_type!([const MAX: usize] Line [MAX]);

/// Text of several lines: not empty, at most `MAX` characters, no control characters but line breaks and tabs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prose<const MAX: usize>(String);

impl<const MAX: usize> Prose<MAX> {
    /// Reads a text; space at the ends is cut, line ends become `\n`.
    ///
    /// # Errors
    /// When it is empty, too long, or has another control character.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim().replace("\r\n", "\n");
        check_length(&text, MAX)?;
        match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            Some(c) => Err(Invalid::new("control_character", format!("must not contain U+{:04X}", u32::from(c)))),
            None => Ok(Self(text)),
        }
    }
}

text_type!([const MAX: usize] Prose [MAX]);

fn check_length(text: &str, max: usize) -> Result<(), Invalid> {
    if text.chars().all(is_invisible) {
        return Err(Invalid::new("empty", "must not be empty"));
    }
    // The count of bytes bounds that of characters, which is only needed near the limit.
    if text.len() > max {
        let length = text.chars().count();
        if length > max {
            return Err(Invalid::new("too_long", format!("has {length} characters; at most {max} are allowed")));
        }
    }
    Ok(())
}

/// Whether nothing shows of a character: space, joiners, marks of direction, variation selectors and their like.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}'
        )
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// An absolute `http` or `https` URL of at most 2,048 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebUrl(String);

impl WebUrl {
    /// Reads a URL and writes it in its normal form.
    ///
    /// # Errors
    /// When it is not absolute, not http or https, has credentials in it, or is too long.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const WANTED: &str = "must be an absolute http or https URL such as https://www.example.org/page";
        if text.len() > 2048 {
            return Err(Invalid::new("too_long", "is longer than 2,048 characters"));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(Invalid::new("invalid_url", WANTED));
        }
        let starts_well = ["http://", "https://"]
            .iter()
            .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
        match Url::parse(text) {
            Ok(url) if starts_well && url.username().is_empty() && url.password().is_none() => Ok(Self(url.into())),
            _ => Err(Invalid::new("invalid_url", WANTED)),
        }
    }
}

text_type!(WebUrl);

/// A language tag (BCP 47), such as `en`, `fa` or `zh-Hant`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Language(String);

impl Language {
    /// Reads a tag and writes it in its usual case: `en-GB`, `zh-Hant`.
    ///
    /// # Errors
    /// When it does not have the shape of a language tag.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("invalid_language", "must be a BCP 47 language tag such as en, fa or zh-Hant");
        let mut parts = text.split('-');
        let primary = parts.next().unwrap_or_default();
        if text.len() > 35 || !(2..=3).contains(&primary.len()) || !primary.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(invalid());
        }
        let mut tag = primary.to_ascii_lowercase();
        for part in parts {
            if part.is_empty() || part.len() > 8 || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(invalid());
            }
            tag.push('-');
            tag.push_str(&in_usual_case(part));
        }
        Ok(Self(tag))
    }
}

fn in_usual_case(part: &str) -> String {
    let is_alphabetic = part.bytes().all(|b| b.is_ascii_alphabetic());
    match part.len() {
        2 if is_alphabetic => part.to_ascii_uppercase(),
        4 if is_alphabetic => {
            let (first, rest) = part.split_at(1);
            format!("{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase())
        }
        _ => part.to_ascii_lowercase(),
    }
}

text_type!(Language);

impl Default for Language {
    fn default() -> Self {
        Self("en".to_owned())
    }
}

/// An e-mail address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Reads an address: something, `@`, a host name; at most 254 characters.
    ///
    /// # Errors
    /// When it does not have that shape.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("invalid_email", "must be an e-mail address such as name@example.org");
        let text = text.trim();
        let (local, host) = text.rsplit_once('@').ok_or_else(invalid)?;
        let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>' | ',' | ';' | '"');
        let host_is_fine = host.split('.').all(|label| {
            !label.is_empty() && !label.starts_with('-') && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        });
        let fits = text.len() <= 254 && !local.is_empty() && local.len() <= 64;
        if !fits || !local.chars().all(is_plain) || local.contains('@') || !host_is_fine {
            return Err(invalid());
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the form in which two spellings of one address are equal.
    pub fn key(&self) -> String {
        self.0.nfkc().flat_map(char::to_lowercase).collect()
    }
}

// An address is personal: it does not show in debug output.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

text_type!(Email);

/// A telephone number as people write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phone(String);

impl Phone {
    /// Reads a number: digits, spaces and `+ - ( ) . /`, 3 to 40 characters.
    ///
    /// # Errors
    /// When it has anything else or fewer than three digits.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let is_known = |c: char| c.is_ascii_digit() || " +-()./".contains(c);
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        if text.len() > 40 || digits < 3 || !text.chars().all(is_known) {
            return Err(Invalid::new("invalid_phone", "must be a telephone number such as +44 20 7946 0000"));
        }
        Ok(Self(text.to_owned()))
    }
}

text_type!(Phone);

/// A labelled link, as on a staff profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, deserr::Deserr, utoipa::ToSchema)]
#[deserr(error = super::Faults, deny_unknown_fields)]
pub struct Link {
    /// What the link is called, up to 60 characters.
    #[schema(value_type = String, min_length = 1, max_length = 60, example = "Mastodon")]
    pub label: Line<60>,
    /// Where it leads: an absolute http or https URL.
    #[schema(value_type = String, format = "uri", max_length = 2048, example = "https://social.example.org/@mina")]
    pub url: WebUrl,
}
