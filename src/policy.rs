//! What a reader may see of what is published: the policy of everyone without a key, and one for each key.
//!
//! A live answer depends on the address and on the policy, and on nothing else about who asks. Knows no HTTP and no SQL;
//! [`articles::scope`](crate::articles::scope) is what applies it to articles.

use serde::{Deserialize, Serialize};

use crate::{
    db::types::text_enum,
    error::{Code, Error, Result},
    ids::{SectionId, TagId},
    secrets::sha256_hex,
};

text_enum! {
    /// How much of an article's text a reader gets.
    pub enum Text as ReadableText {
        /// All of it.
        Full = "full",
        /// Title, standfirst and excerpt, and no body.
        Excerpt = "excerpt",
    }
}

/// What a reader may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The sections, in any of which or below it an article must stand; empty for all.
    pub sections: Vec<SectionId>,
    /// The tags, any of which an article must have; empty for all.
    pub tags: Vec<TagId>,
    /// How much of the text.
    pub text: Text,
    /// How many minutes later than others an article appears.
    pub delay_minutes: u32,
    /// Whether articles are seen that are published under an embargo which has not ended.
    pub sees_embargoed: bool,
}

impl Policy {
    /// Everything that is published, as soon as it is.
    pub const OPEN: Self =
        Self { sections: Vec::new(), tags: Vec::new(), text: Text::Full, delay_minutes: 0, sees_embargoed: false };

    /// Everything that is published, without bodies.
    pub const EXCERPTS: Self =
        Self { sections: Vec::new(), tags: Vec::new(), text: Text::Excerpt, delay_minutes: 0, sees_embargoed: false };

    /// Returns whether all articles are seen that are before readers, and no others.
    pub fn has_all_articles(&self) -> bool {
        self.sections.is_empty() && self.tags.is_empty() && self.delay_minutes == 0 && !self.sees_embargoed
    }

    /// Returns whether what it shows changes only when something is published, changed or taken away. What changes by
    /// the clock for this policy alone is told to nobody, so it cannot be kept.
    pub fn is_keepable(&self) -> bool {
        self.delay_minutes == 0 && !self.sees_embargoed
    }

    /// Returns a name that equal policies share, and no others.
    pub fn fingerprint(&self) -> String {
        let (mut sections, mut tags) = (self.sections.clone(), self.tags.clone());
        sections.sort_unstable();
        tags.sort_unstable();
        let text = format!("{sections:?}{tags:?}{}{}{}", self.text, self.delay_minutes, self.sees_embargoed);
        sha256_hex(text.as_bytes())
    }

    /// Refuses to go on when bodies are asked for by name that the policy does not have.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn require_bodies(&self, are_asked_for: bool) -> Result<()> {
        if self.text == Text::Full || !are_asked_for {
            return Ok(());
        }
        Err(Error::new(
            Code::Forbidden,
            "Bodies are not for this reader: only title, standfirst and excerpt are. Leave body_… out of include and fields.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_policies_share_a_fingerprint_and_others_do_not() {
        let (a, b) = (SectionId::generate(), SectionId::generate());
        let of = |sections: Vec<SectionId>| Policy { sections, ..Policy::OPEN }.fingerprint();
        let all = [
            Policy::OPEN.fingerprint(),
            Policy::EXCERPTS.fingerprint(),
            of(vec![a]),
            of(vec![b]),
            of(vec![a, b]),
            Policy { delay_minutes: 1, ..Policy::OPEN }.fingerprint(),
            Policy { sees_embargoed: true, ..Policy::OPEN }.fingerprint(),
            Policy { tags: vec![TagId::from_uuid(*a.uuid())], ..Policy::OPEN }.fingerprint(),
        ];
        let different: std::collections::HashSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(of(vec![a, b]), of(vec![b, a]));
    }
}
