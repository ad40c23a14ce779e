//! How much the links of a text may grow.
//!
//! A link that is never ended goes on in every block behind it, as browsers have it, and each of these blocks repeats its
//! address. A long address and many short blocks would make gigabytes of a megabyte.

use std::rc::Rc;

use crate::body::flow::{Target, To};
use crate::body::from_html::WarningCode;
use crate::body::from_html::reader::Reader;

/// What links may take in any case, in bytes.
const FREE_BYTES: usize = 1 << 20;

/// How many bytes of addresses and titles may still be written.
#[derive(Debug)]
pub(super) struct LinkBudget(usize);

impl LinkBudget {
    /// Returns what HTML of that length may use: each address may be repeated once, and a moderate number of times on average.
    pub(super) fn of(n_bytes: usize) -> Self {
        Self(n_bytes.saturating_mul(2).saturating_add(FREE_BYTES))
    }

    /// Pays for a link; false if there is not enough left.
    fn pay(&mut self, target: &Target) -> bool {
        let address = match &target.to {
            To::Href(href) => href.as_str().len(),
            To::Article(_) => 36,
        };
        let price = address.saturating_add(target.title.as_ref().map_or(0, String::len));
        let left = self.0.checked_sub(price);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

impl Reader {
    /// Returns the link of what comes now. Where it begins or goes on in another line, it is paid for.
    pub(super) fn link(&mut self) -> Option<Rc<Target>> {
        let target = Rc::clone(self.styles.link()?);
        if self.draft.flow.ends_in(&target) || self.links.pay(&target) {
            return Some(target);
        }
        if let To::Href(href) = &target.to {
            self.warn(WarningCode::RemovedLink, href.as_str());
        }
        None
    }
}
