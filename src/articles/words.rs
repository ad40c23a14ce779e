//! Finding working copies by words: an index of the words of title, slug and kicker, the same on both databases.
//!
//! A search is for words or beginnings of words, in any order, all of which must occur. Both sides are folded alike
//! (case, accents, apostrophes, look-alike letters), so that what is looked up is a range of an index, and nothing that
//! somebody searches for is a pattern. Knows nothing of readers, who do not come here. Start at [`Search`].
//!
//! Each word of an article stands at another place of that index. So a write only notes the new words, all of an article in
//! one row, and [`file()`] puts those of many articles into the index a moment later; a search looks at both.

use std::collections::BTreeSet;

use diesel::{dsl::exists, prelude::*};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

use super::content::Content;
use crate::{
    db::{
        Conn, Db, Tx,
        direct::{direct, insert_all},
        schema::{article_words, article_words_due},
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
    pub words: Vec<Sought>,
}

/// A word that very many articles have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The word, or its beginning.
    pub word: String,
    /// The articles that have it and are not in the index yet.
    pub also: Vec<ArticleId>,
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
        // In this order nothing is missed that is filed meanwhile; it is found twice.
        let due: Vec<(ArticleId, String)> =
            if self.words.is_empty() { Vec::new() } else { article_words_due::table.load(conn)? };
        let has = |words: &str, sought: &String| words.split(' ').any(|word| word.starts_with(sought.as_str()));
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
            let also = due.iter().filter(|(_, words)| has(words, word)).map(|(id, _)| *id);
            if found.len() > COMMON {
                words.push(Sought { word: word.clone(), also: also.collect() });
                continue;
            }
            let found: BTreeSet<ArticleId> = found.into_iter().chain(also).collect();
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

/// Notes the words by which a working copy is found that was changed.
///
/// # Errors
/// When the database fails.
pub fn keep(tx: &mut Tx<'_>, id: ArticleId, old: &Content, new: &Content) -> Result<()> {
    if texts(old) == texts(new) {
        return Ok(());
    }
    let wanted = words_of(texts(new));
    let own = article_words::table.filter(article_words::article_id.eq(id));
    let there = own.select(article_words::word);
    let filed: BTreeSet<String> = direct!(tx.conn()?, |conn| there.load(conn))?.into_iter().collect();
    let gone: Vec<&String> = filed.difference(&wanted).collect();
    if !gone.is_empty() {
        diesel::delete(own.filter(article_words::word.eq_any(gone))).execute(tx.conn()?)?;
    }
    let before = diesel::delete(article_words_due::table.filter(article_words_due::article_id.eq(id)));
    direct!(tx.conn()?, |own| before.execute(own))?;
    note(tx, id, wanted.difference(&filed))
}

/// Notes the words by which a new article is found.
///
/// # Errors
/// When the database fails.
pub fn insert(tx: &mut Tx<'_>, id: ArticleId, content: &Content) -> Result<()> {
    note(tx, id, words_of(texts(content)).iter())
}

/// The texts of which the words are kept.
fn texts(content: &Content) -> [&str; 3] {
    [content.title.as_str(), content.slug.as_str(), content.kicker.as_ref().map_or("", Line::as_str)]
}

/// Notes words that are to be filed.
fn note<'a>(tx: &mut Tx<'_>, id: ArticleId, words: impl Iterator<Item = &'a String>) -> Result<()> {
    let words: Vec<&str> = words.map(String::as_str).collect();
    if words.is_empty() {
        return Ok(());
    }
    tx.insert(
        diesel::insert_into(article_words_due::table)
            .values((article_words_due::article_id.eq(id), article_words_due::words.eq(words.join(" ")))),
    )
}

/// The most articles whose words are filed in one transaction.
const BATCH: i64 = 200;

/// The number of the lock under which one server at a time files words.
const LOCK: i64 = 0x0066_705f_776f_7200;

/// Puts words that were noted into the index; returns whether there are more.
///
/// # Errors
/// When the database fails.
pub async fn file(db: &Db) -> Result<bool> {
    let is_any = db
        .read(|conn| {
            Ok(diesel::select(exists(article_words_due::table.select(article_words_due::article_id)))
                .get_result::<bool>(conn)?)
        })
        .await?;
    if !is_any {
        return Ok(false);
    }
    db.write_alone(|tx| if tx.try_lock(LOCK)? { file_some(tx) } else { Ok(false) }).await
}

/// Puts some of the words into the index; returns whether there are more.
///
/// # Errors
/// When the database fails.
pub fn file_some(tx: &mut Tx<'_>) -> Result<bool> {
    let due = article_words_due::table.select(article_words_due::article_id).limit(BATCH);
    let ids: Vec<ArticleId> = due.load(tx.conn()?)?;
    let mut rows = Vec::new();
    for id in &ids {
        // Taken out as they are now: somebody may be writing others.
        let take = diesel::delete(article_words_due::table.filter(article_words_due::article_id.eq(*id)))
            .returning(article_words_due::words);
        let words: Option<String> = direct!(tx.conn()?, |own| take.get_result(own).optional())?;
        rows.extend(words.iter().flat_map(|words| words.split(' ')).map(|word| (word.to_owned(), *id)));
    }
    // A server of an earlier version files words at once.
    let there = article_words::table.filter(article_words::article_id.eq_any(&ids));
    let there: BTreeSet<(String, ArticleId)> =
        there.select((article_words::word, article_words::article_id)).load(tx.conn()?)?.into_iter().collect();
    rows.retain(|row| !there.contains(row));
    // In the order of the index, so that each of its pages is come by once.
    rows.sort_unstable();
    let row = |(word, id)| (article_words::word.eq(word), article_words::article_id.eq(id));
    insert_all!(tx, article_words::table, rows.into_iter().map(row).collect())?;
    Ok(i64::try_from(ids.len()).unwrap_or(BATCH) == BATCH)
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
