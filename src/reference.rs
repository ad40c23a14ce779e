//! Naming something by its id or by its slug, in addresses and in input alike.

use std::fmt;

use crate::input::{Invalid, Slug};

/// What names a resource: its id, or any slug that it has or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference<I> {
    /// The id.
    Id(I),
    /// The slug as it was written.
    Slug(String),
}

/// An id that can be read from text.
pub trait ParseId: Sized {
    /// Reads the hyphenated form.
    fn parse_id(text: &str) -> Option<Self>;
}

macro_rules! parse_ids {
    ($($name:ident),*) => {$(
        impl ParseId for crate::ids::$name {
            fn parse_id(text: &str) -> Option<Self> {
                Self::parse(text)
            }
        }
    )*};
}
parse_ids!(ArticleId, SectionId, StaffId, TagId, UserId, SessionId, ApiKeyId, WebhookId, DeliveryId);

/// No slug is as long as this; longer references are refused unread.
const LONGEST: usize = 1000;

impl<I: ParseId> Reference<I> {
    /// Reads a reference; whatever has the shape of an id is one.
    ///
    /// # Errors
    /// When the text cannot be either.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if let Some(id) = I::parse_id(text) {
            return Ok(Self::Id(id));
        }
        if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err(Invalid::new("invalid_reference", "must be an id or a slug"));
        }
        Ok(Self::Slug(text.to_owned()))
    }
}

impl<I> Reference<I> {
    /// Returns the id, if that is what was given.
    pub fn id(&self) -> Option<I>
    where
        I: Copy,
    {
        match self {
            Self::Id(id) => Some(*id),
            Self::Slug(_) => None,
        }
    }

    /// Returns the key under which the slug is looked up.
    pub fn slug_key(&self) -> Option<String> {
        match self {
            Self::Id(_) => None,
            Self::Slug(slug) => Some(Slug::key_of(slug)),
        }
    }
}

impl<I: fmt::Display> fmt::Display for Reference<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => f.write_str(slug),
        }
    }
}

crate::input::parsed!(for [I: ParseId] Reference<I>);
