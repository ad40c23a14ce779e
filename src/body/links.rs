//! What renderers ask others: where an article is, and which site this is.

use url::Url;

use crate::body::href::Href;
use crate::body::reference::{ArticleRef, MediaRef};

/// Where an article can be read, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleLink {
    /// Its address.
    pub url: Href,
    /// Its title.
    pub title: String,
}

/// Knows where the things are that bodies name by id. The answers decide what readers see, so an article that readers may
/// not know of must be unknown here too.
pub trait Links {
    /// Returns where an article can be read; nothing if it is not published or does not exist.
    fn article(&self, article: ArticleRef) -> Option<ArticleLink>;

    /// Returns where a picture of the media library is.
    fn media(&self, media: MediaRef) -> Option<Href> {
        let _ = media;
        None
    }

    /// Returns the site's own address. With it, paths become absolute URLs, and links to the same site are not foreign.
    fn site(&self) -> Option<&Url> {
        None
    }
}

/// Knows nothing: articles have no address, and paths stay paths.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLinks;

impl Links for NoLinks {
    fn article(&self, _article: ArticleRef) -> Option<ArticleLink> {
        None
    }
}
