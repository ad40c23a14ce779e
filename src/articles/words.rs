//! Finding working copies by words: an index of the words of title, slug and kicker, the same on both databases.
//!
//! A search is for words or beginnings of words, in any order, all of which must occur. Both sides are folded alike
//! (case, accents, apostrophes, look-alike letters), so that what is looked up is a range of an index, and nothing that
//! somebody searches for is a pattern. Knows nothing of readers, who do not come here. Start at [`Search`].

use std::collections::BTreeSet;

use diesel::prelude::*;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

use super::content::Content;
use crate::{
    db::{
        Conn, Tx,
        direct::{direct, insert_all},
        schema::article_words,
    },
    error::Result,
    ids::ArticleId,
    input::{Invalid, Line, Slug},
};

/// The longest search, in characters; longer than a headline that is pasted into it.
const LONGEST_SEARCH: usize = 300;

/// The most words of a search: each costs a look-up.
const MOST_WORDS: usize = 20;

/// Longer words are cut to so many characters, on both sides.
const LONGEST_WORD: usize = 40;

/// The articles that have a word are looked up by it up to this many; beyond that, articles are looked at from the newest
/// on until a page is full. With a million articles both ways take some tens of milliseconds at this number.
const COMMON: usize = 5000;

/// What somebody searches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    words: Vec<String>,
}

/// What a search comes down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowed {
    /// The only articles that can match, at most some thousands; `None` when there may be more.
    pub ids: Option<Vec<ArticleId>>,
    /// The words that are still to be looked for in each article.
    pub words: Vec<String>,
}

impl Search {
    /// Reads a search.
    ///
    /// # Errors
    /// When it is too long or has too many words.
    pub fn parse(text: &str) -> std::result::Result<Self, Invalid> {
        if text.len() > LONGEST_SEARCH && text.chars().count() > LONGEST_SEARCH {
            let detail = format!("has more than {LONGEST_SEARCH} characters");
            return Err(Invalid::new("too_long", detail));
        }
        let words = words_of([text]);
        if words.len() > MOST_WORDS {
            return Err(Invalid::new("too_many", format!("has more than {MOST_WORDS} words")));
        }
        // Whoever has the longer word has its beginning.
        let is_implied = |word: &String| words.iter().any(|other| other != word && other.starts_with(word.as_str()));
        Ok(Self { words: words.iter().filter(|word| !is_implied(word)).cloned().collect() })
    }

    /// Looks up how many articles have each word, and which, as long as they are few.
    ///
    /// # Errors
    /// When the database fails.
    pub fn narrow(&self, conn: &mut Conn) -> Result<Narrowed> {
        let limit = i64::try_from(COMMON + 1).unwrap_or(i64::MAX);
        // What has no letter or digit in it is nowhere.
        let mut ids: Option<BTreeSet<ArticleId>> = self.words.is_empty().then(BTreeSet::new);
        let mut words = Vec::new();
        for word in &self.words {
            let found: Vec<ArticleId> = article_words::table
                .filter(article_words::word.ge(word))
                .filter(article_words::word.lt(end_of(word)))
                .select(article_words::article_id)
                .limit(limit)
                .load(conn)?;
            if found.len() > COMMON {
                words.push(word.clone());
                continue;
            }
            let found: BTreeSet<ArticleId> = found.into_iter().collect();
            ids = Some(match ids {
                None => found,
                Some(ids) => ids.intersection(&found).copied().collect(),
            });
        }
        Ok(Narrowed { ids: ids.map(|ids| ids.into_iter().collect()), words })
    }
}

crate::input::parsed!(Search);

/// Returns what all words that begin with this one are below.
pub fn end_of(word: &str) -> String {
    // No letter or digit comes after it, and databases compare these texts by their bytes.
    format!("{word}\u{10ffff}")
}

/// Notes the words by which a working copy is found.
///
/// # Errors
/// When the database fails.
pub fn keep(tx: &mut Tx<'_>, id: ArticleId, content: &Content) -> Result<()> {
    let wanted = words_of(texts(content));
    let own = article_words::table.filter(article_words::article_id.eq(id));
    let there = own.select(article_words::word);
    let kept: BTreeSet<String> = direct!(tx.conn, |conn| there.load(conn))?.into_iter().collect();
    let gone: Vec<&String> = kept.difference(&wanted).collect();
    if !gone.is_empty() {
        diesel::delete(own.filter(article_words::word.eq_any(gone))).execute(tx.conn)?;
    }
    insert_words(tx, id, wanted.difference(&kept))
}

/// Notes the words by which a new article is found.
///
/// # Errors
/// When the database fails.
pub fn insert(tx: &mut Tx<'_>, id: ArticleId, content: &Content) -> Result<()> {
    insert_words(tx, id, words_of(texts(content)).iter())
}

/// The texts of which the words are kept.
fn texts(content: &Content) -> [&str; 3] {
    [content.title.as_str(), content.slug.as_str(), content.kicker.as_ref().map_or("", Line::as_str)]
}

fn insert_words<'a>(tx: &mut Tx<'_>, id: ArticleId, words: impl Iterator<Item = &'a String>) -> Result<()> {
    let row = |word: &String| (article_words::word.eq(word.clone()), article_words::article_id.eq(id));
    insert_all!(tx.conn, article_words::table, words.map(row).collect())?;
    Ok(())
}

/// The words of some texts, folded.
fn words_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for text in texts {
        // Slugs fold case, apostrophes and look-alike letters already, and put hyphens between words.
        for part in Slug::key_of(text).split('-') {
            let plain: String = part.nfd().filter(|c| !is_combining_mark(*c)).nfc().collect();
            // Scripts without spaces are taken apart.
            words.extend(plain.unicode_words().map(|word| word.chars().take(LONGEST_WORD).collect::<String>()));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        words_of([text]).into_iter().collect()
    }

    #[test]
    fn words_are_folded() {
        for (text, expected) in [
            ("Harbor reopens", ["harbor", "reopens"].as_slice()),
            ("ÅNGSTRÖM, café & Łódź", &["angstrom", "cafe", "łodz"]),
            ("Don’t  don't", &["dont"]),
            ("100% of_all", &["100", "all", "of"]),
            ("علي", &["علی"]),
            ("می\u{200c}خواهم", &["خواهم", "می"]),
            ("东京", &["东", "京"]),
            ("%_\\\"'()* -", &[]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn a_search_is_bounded() {
        assert!(Search::parse(&"a".repeat(LONGEST_SEARCH)).is_ok());
        assert_eq!(Search::parse(&"a".repeat(LONGEST_SEARCH + 1)).unwrap_err().code, "too_long");
        let many: Vec<String> = (10..=10 + MOST_WORDS).map(|number| number.to_string()).collect();
        assert_eq!(Search::parse(&many.join(" ")).unwrap_err().code, "too_many");
    }

    #[test]
    fn a_beginning_of_another_word_of_the_search_says_nothing_more() {
        assert_eq!(Search::parse("har harbor Harbors reopen").unwrap().words, ["harbors", "reopen"]);
    }

    proptest! {
        #[test]
        fn every_beginning_of_a_title_finds_it(title in "[ -~]{1,60}", cut in 0_usize..60) {
            let begun: String = title.chars().take(cut).collect();
            let indexed = words_of([title.as_str()]);
            for word in words_of([begun.as_str()]) {
                prop_assert!(indexed.range(word.clone()..end_of(&word)).next().is_some(), "{word} {indexed:?}");
            }
        }
    }
}
