//! Links: where they lead, and where they end.

use std::rc::Rc;

use crate::body::flow::{Target, To};
use crate::body::from_html::WarningCode;
use crate::body::from_html::reader::Reader;
use crate::body::from_html::style::Says;
use crate::body::from_html::tokens::{Key, Tag, attribute};
use crate::body::href::{Href, HrefFault};
use crate::body::inline::{LinkRel, MAX_TITLE_CHARS, normal_line};
use crate::body::reference::ArticleRef;

impl Reader {
    pub(super) fn start_link(&mut self, tag: &Tag<'_>) {
        self.close_formatting(&tag.key);
        let target = self.target(tag).map(Rc::new);
        let mut says = Says::default();
        if let Some(style) = attribute(tag, "style") {
            says.read_style(style, target.is_some());
        }
        self.unseen_link = target.clone();
        if target.is_some() {
            self.draft.note_link();
        }
        let slot = self.styles.open_link(says, target);
        self.formatting.open(&tag.key, slot);
    }

    fn target(&mut self, tag: &Tag<'_>) -> Option<Target> {
        let title = attribute(tag, "title").and_then(|title| normal_line(title, MAX_TITLE_CHARS));
        let mut rel: Vec<LinkRel> =
            attribute(tag, "rel").unwrap_or_default().split_ascii_whitespace().filter_map(LinkRel::parse).collect();
        rel.sort_unstable();
        rel.dedup();
        if let Some(article) = attribute(tag, "data-article").and_then(ArticleRef::parse) {
            return Some(Target { to: To::Article(article), title, rel });
        }
        let href = attribute(tag, "href")?;
        match Href::parse_lenient(href) {
            Ok(href) => Some(Target { to: To::Href(href), title, rel }),
            Err(HrefFault::Empty) => None,
            Err(_) => {
                self.warn(WarningCode::RemovedLink, href);
                None
            }
        }
    }

    /// Ends the innermost formatting element or link of that name.
    pub(super) fn close_formatting(&mut self, name: &Key) {
        let Some(slot) = self.formatting.close(name, &self.styles) else {
            return;
        };
        self.styles.close(slot);
        if *name == Key::A
            && let Some(target) = self.unseen_link.take()
        {
            match &target.to {
                To::Href(href) => self.warn(WarningCode::EmptyLink, href.as_str()),
                To::Article(article) => self.warn(WarningCode::EmptyLink, &article.to_string()),
            }
        }
    }
}
