//! Slugs: the readable part of an address, in any script.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{Invalid, parsed};
use crate::ids::is_uuid_shaped;

/// Letters and digits of any script in lower case, joined by `-`; never empty, never shaped like an id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slug(String);

/// The longest slug that may be given, in characters.
const LONGEST: usize = 120;

/// The longest that is made from a title; cut between words.
const LONGEST_DERIVED: usize = 90;

/// Words that addresses below a collection use or may come to use.
const RESERVED: [&str; 28] = [
    "admin",
    "all",
    "api",
    "archive",
    "counts",
    "desk",
    "draft",
    "drafts",
    "edit",
    "export",
    "feed",
    "feeds",
    "import",
    "index",
    "latest",
    "me",
    "merge",
    "new",
    "none",
    "null",
    "preview",
    "previews",
    "revisions",
    "search",
    "sitemap",
    "stream",
    "trash",
    "undefined",
];

impl Slug {
    /// Reads a slug that somebody chose; it must already be in its canonical form.
    ///
    /// # Errors
    /// When it is not canonical (the detail says what it would be), reserved, too long or shaped like an id.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.chars().count() > LONGEST {
            return Err(Invalid::new("too_long", format!("is longer than {LONGEST} characters")));
        }
        let canonical = canonical(text);
        if canonical.is_empty() {
            return Err(Invalid::new("invalid_slug", "must contain letters or digits, joined by hyphens"));
        }
        if canonical != text {
            let detail =
                format!("must be letters and digits in lower case joined by single hyphens; \"{canonical}\" would do");
            return Err(Invalid::new("invalid_slug", detail));
        }
        if is_reserved(&canonical) {
            return Err(Invalid::new("reserved", format!("\"{canonical}\" is reserved; choose another")));
        }
        Ok(Self(canonical))
    }

    /// Makes a slug from a title; `None` when nothing in it can stand in a slug.
    pub fn derive(title: &str) -> Option<Self> {
        let mut slug = canonical(title);
        if slug.chars().count() > LONGEST_DERIVED {
            slug = slug.chars().take(LONGEST_DERIVED).collect();
            if let Some(end) = slug.rfind('-') {
                slug.truncate(end);
            }
            slug = slug.trim_matches('-').to_owned();
        }
        if slug.is_empty() {
            return None;
        }
        if is_reserved(&slug) {
            slug.push_str("-1");
        }
        Some(Self(slug))
    }

    /// Returns this slug with something behind it, for when it is taken.
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> Self {
        Self(format!("{}-{suffix}", self.0))
    }

    /// Wraps a slug that comes from the database.
    pub fn trusted(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form in which look-alike spellings are equal; one key has one owner.
    pub fn key(&self) -> String {
        Self::key_of(&self.0)
    }

    /// Returns how the slugs of names that start with this text start; empty when nothing in it can stand in a slug.
    pub fn start_of(text: &str) -> String {
        canonical(text)
    }

    /// Returns the key under which to look up whatever stands in an address.
    pub fn key_of(text: &str) -> String {
        canonical(text).chars().map(folded).collect()
    }
}

parsed!(Slug);

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Compatibility-composed, lower case, everything that is not a letter, a mark or a digit turned into one hyphen.
fn canonical(text: &str) -> String {
    if text.is_ascii() {
        // Composed already; most that is looked up is.
        return joined(text.chars().filter(|c| !is_apostrophe(*c)).map(|c| c.to_ascii_lowercase()), text.len());
    }
    // Both can bring together what composes or stands in another order: lower case, and an apostrophe that vanishes.
    let words = text.nfkc().flat_map(char::to_lowercase).filter(|c| !is_apostrophe(*c));
    joined(words.nfkc(), text.len())
}

/// Letters, marks and digits with one hyphen for whatever stands between them.
fn joined(letters: impl Iterator<Item = char>, length: usize) -> String {
    let mut slug = String::with_capacity(length);
    for c in letters {
        let belongs =
            c.is_alphanumeric() || (is_combining_mark(c) && slug.chars().next_back().is_some_and(|c| c != '-'));
        if belongs {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    if slug.ends_with('-') {
        slug.pop();
    }
    slug
}

/// Apostrophes vanish ("don't" is one word), other punctuation separates.
fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{02bc}')
}

/// Letters that look the same but differ by keyboard: Arabic and Persian yeh and kaf.
fn folded(c: char) -> char {
    match c {
        '\u{064a}' | '\u{0649}' => '\u{06cc}',
        '\u{0643}' => '\u{06a9}',
        other => other,
    }
}

fn is_reserved(slug: &str) -> bool {
    RESERVED.contains(&slug) || is_uuid_shaped(slug)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn titles_become_readable_slugs() {
        for (title, slug) in [
            ("Harbor reopens after “long” storm", "harbor-reopens-after-long-storm"),
            ("Don’t look back: 10% rise", "dont-look-back-10-rise"),
            ("cafe\u{301}", "café"),
            ("ﬁne Ａrt", "fine-art"),
            ("می\u{200c}خواهم زنده بمانم", "می-خواهم-زنده-بمانم"),
            ("new", "new-1"),
            ("भारत में चुनाव", "भारत-में-चुनाव"),
            ("o'\u{308}l", "öl"),
        ] {
            assert_eq!(Slug::derive(title).unwrap().as_str(), slug, "{title}");
        }
        assert_eq!(Slug::derive("🎉🎉"), None);
    }

    #[test]
    fn a_given_slug_must_be_canonical() {
        for bad in ["", "-", ".", "..", "a/b", "a%2Fb", "feed.xml", "Upper", "a--b", "-a", "a ", "new", "search"] {
            assert!(Slug::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Slug::parse("01890a5d-ac96-774b-bcce-b302099a8057").is_err());
        assert!(Slug::parse(&"a".repeat(300)).is_err());
        assert!(Slug::parse("ifp-exclusive").is_ok());
    }

    #[test]
    fn look_alike_spellings_share_a_key() {
        assert_eq!(Slug::key_of("علي"), Slug::key_of("علی"));
        assert_eq!(Slug::key_of("café"), Slug::key_of("cafe\u{301}"));
        assert_eq!(Slug::key_of("Some-Slug"), "some-slug");
    }

    #[test]
    fn marks_that_an_apostrophe_kept_apart_are_put_in_their_order() {
        assert_eq!(canonical("я\u{1e08f}'\u{fc6}"), "я\u{fc6}\u{1e08f}");
    }

    proptest! {
        #[test]
        fn what_is_derived_can_be_given(title in "\\PC{1,200}") {
            if let Some(slug) = Slug::derive(&title) {
                prop_assert_eq!(Slug::parse(slug.as_str()).unwrap(), slug);
            }
        }

        #[test]
        fn the_canonical_form_is_a_fixed_point(text in "\\PC{0,60}") {
            let once = canonical(&text);
            prop_assert_eq!(canonical(&once), once);
        }
    }
}
