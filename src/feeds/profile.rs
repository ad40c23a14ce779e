//! What a feed shows of its items: a few choices for one renderer, so that what a partner asks for is configuration.

use crate::{
    api_keys::model::FeedChoices,
    http::page::Limit,
    policy::{Policy, Text},
};

/// Whom a feed is for: what they may see, and what their feeds show of it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What they may see.
    pub policy: &'a Policy,
    /// What is shown of it.
    pub profile: &'a Profile,
}

/// The choices for a feed. [`Profile::default`] is what everybody gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// How many items, unless the request says so.
    pub limit: Limit,
    /// How much of each.
    pub text: Text,
    /// The longest title, in characters; longer ones are cut between words.
    pub longest_title: Option<usize>,
    /// The only HTML elements that are kept, in lower case; others leave what is in them.
    pub allowed_tags: Option<Vec<String>>,
    /// For how long after its last change an item may be shown, in seconds.
    pub expires_after: Option<i64>,
}

impl Default for Profile {
    fn default() -> Self {
        Self { limit: Limit::of(30), text: Text::Full, longest_title: None, allowed_tags: None, expires_after: None }
    }
}

impl Profile {
    /// Returns what somebody chose.
    pub fn of(choices: &FeedChoices) -> Self {
        Self {
            limit: choices.items.map_or(Self::default().limit, |items| Limit::of(u8::try_from(items).unwrap_or(30))),
            text: choices.text,
            longest_title: choices.longest_title.map(usize::from),
            allowed_tags: choices
                .allowed_tags
                .as_ref()
                .map(|tags| tags.iter().map(|tag| tag.as_str().to_owned()).collect()),
            expires_after: choices.expires_after_hours.map(|hours| 3600 * i64::from(hours)),
        }
    }

    /// Returns a title as the feed shows it.
    pub fn title(&self, title: &str) -> String {
        let Some(longest) = self.longest_title.filter(|longest| title.chars().count() > *longest) else {
            return title.to_owned();
        };
        let cut: String = title.chars().take(longest.saturating_sub(1)).collect();
        // Where there is no space to cut at, as in Chinese, a word is cut.
        let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
        format!("{}…", whole.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_titles_are_cut_between_words() {
        let profile = Profile { longest_title: Some(12), ..Profile::default() };

        assert_eq!(profile.title("Harbor opens"), "Harbor opens");
        assert_eq!(profile.title("Harbor reopens after the storm"), "Harbor…");
        assert_eq!(profile.title("港口在风暴过后重新开放了吗是的"), "港口在风暴过后重新开放…");
        assert_eq!(Profile::default().title("Harbor reopens"), "Harbor reopens");
    }
}
