//! The word lists behind the generated articles, read from the text files beside this module.
//!
//! A beat file holds what an article on one subject is made of. `@name a|b` lines set its properties, `[pool]`
//! lines start a pool, every other line is one entry of the current pool, and `#` starts a comment line.
//! Entries contain slots in braces, which [`crate::demo::scene`] fills. Titles and ledes are in the same order: a run of
//! titles shares the lede at the same fraction of its pool, so that a headline and its first sentence tell one story.
//! The files are part of the program, so reading them cannot fail; the tests check that they are complete.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::demo::rng::Rng;

/// The language of a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// Nearly everything.
    English,
    /// Written from right to left, with zero-width non-joiners.
    Persian,
    /// With narrow no-break spaces in numbers.
    French,
}

impl Language {
    /// Returns the BCP 47 tag.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Persian => "fa",
            Self::French => "fr",
        }
    }
}

/// A city in which an article can happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The city.
    pub(super) name: &'static str,
    /// Its country.
    pub(super) country: &'static str,
    /// The section for local news from there.
    pub(super) section: &'static str,
    /// The key of the names that people have there.
    pub(super) culture: &'static str,
    /// The key of the cities that are close enough to share news with.
    pub(super) neighborhood: &'static str,
}

/// The pools of one beat.
#[derive(Debug)]
pub(super) struct Beat {
    /// The file's name.
    pub(super) name: &'static str,
    /// The language of its entries.
    pub(super) language: Language,
    /// The section, unless the place decides.
    pub(super) section: Option<&'static str>,
    /// The tags that fit, the most typical one first.
    pub(super) tags: Vec<&'static str>,
    /// The labels that fit.
    pub(super) kickers: Vec<&'static str>,
    pools: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Beat {
    /// Returns a pool of this beat, or the one shared by its language; empty if there is none.
    pub(super) fn pool(&self, name: &str) -> &[&'static str] {
        let own = self.pools.get(name);
        let shared = match self.language {
            Language::English => LIBRARY.common.pools.get(name),
            Language::Persian | Language::French => None,
        };
        own.or(shared).map_or(&[], Vec::as_slice)
    }

    /// Picks a title and the first sentence that goes with it.
    pub(super) fn story(&self, rng: &mut Rng) -> (&'static str, &'static str) {
        let titles = self.pool("titles");
        let ledes = self.pool("ledes");
        let chosen = rng.position(titles.len());
        let matching = chosen.saturating_mul(ledes.len()).checked_div(titles.len()).unwrap_or(0);
        let entry = |pool: &[&'static str], position| pool.get(position).copied().unwrap_or_default();
        (entry(titles, chosen), entry(ledes, matching))
    }

    fn read(name: &'static str, language: Language, text: &'static str) -> Self {
        let mut beat =
            Self { name, language, section: None, tags: Vec::new(), kickers: Vec::new(), pools: BTreeMap::new() };
        let mut current = "";
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(property) = line.strip_prefix('@') {
                match property.split_once(' ') {
                    Some(("section", section)) => beat.section = Some(section),
                    Some(("tags", tags)) => beat.tags = tags.split(' ').collect(),
                    Some(("kickers", kickers)) => beat.kickers = kickers.split('|').collect(),
                    _ => {}
                }
            } else if let Some(pool) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                current = pool;
            } else {
                beat.pools.entry(current).or_default().push(line);
            }
        }
        beat
    }
}

/// Names from one culture: given names and family names.
#[derive(Debug)]
pub(super) struct Names {
    /// The key that places refer to.
    pub(super) culture: &'static str,
    given: Vec<&'static str>,
    family: Vec<&'static str>,
}

impl Names {
    /// Makes up a person: the full name, and the part used from the second mention on.
    pub(super) fn person(&self, rng: &mut Rng) -> (String, &'static str) {
        let family = rng.text(&self.family);
        (format!("{} {family}", rng.text(&self.given)), family)
    }
}

/// Everything that the files hold.
#[derive(Debug)]
pub(super) struct Library {
    /// The English beats; the frequent ones come twice.
    pub(super) english: Vec<&'static str>,
    /// Every beat, by name.
    pub(super) beats: BTreeMap<&'static str, Beat>,
    /// The cities of the English beats.
    pub(super) places: Vec<Place>,
    names: Vec<Names>,
    common: Beat,
}

impl Library {
    /// Finds a city by its name.
    pub(super) fn place(&self, name: &str) -> Option<Place> {
        self.places.iter().find(|place| place.name == name).copied()
    }

    /// Returns the names of a culture; some others if there is no such culture.
    pub(super) fn names(&self, culture: &str) -> Option<&Names> {
        self.names.iter().find(|names| names.culture == culture).or_else(|| self.names.first())
    }
}

/// The library, read on first use: it takes a fraction of a millisecond.
pub(super) static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library {
    english: ENGLISH.iter().flat_map(|(name, weight, _)| std::iter::repeat_n(*name, *weight)).collect(),
    beats: ENGLISH
        .iter()
        .map(|(name, _, text)| (*name, Language::English, *text))
        .chain([
            ("persian", Language::Persian, include_str!("beats/persian.txt")),
            ("french", Language::French, include_str!("beats/french.txt")),
        ])
        .map(|(name, language, text)| (name, Beat::read(name, language, text)))
        .collect(),
    places: rows(include_str!("places.txt")).filter_map(place).collect(),
    names: rows(include_str!("names.txt")).filter_map(names).collect(),
    common: Beat::read("common", Language::English, include_str!("beats/common.txt")),
});

/// The English beats: name, weight, text.
const ENGLISH: &[(&str, usize, &str)] = &[
    ("books", 1, include_str!("beats/books.txt")),
    ("city", 3, include_str!("beats/city.txt")),
    ("diplomacy", 2, include_str!("beats/diplomacy.txt")),
    ("energy", 2, include_str!("beats/energy.txt")),
    ("film", 1, include_str!("beats/film.txt")),
    ("heritage", 2, include_str!("beats/heritage.txt")),
    ("opinion", 1, include_str!("beats/opinion.txt")),
    ("science", 2, include_str!("beats/science.txt")),
    ("sport", 2, include_str!("beats/sport.txt")),
    ("trade", 2, include_str!("beats/trade.txt")),
    ("weather", 2, include_str!("beats/weather.txt")),
];

fn rows(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn place(row: &'static str) -> Option<Place> {
    let mut fields = row.split('|');
    let (name, country, section, culture) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    Some(Place { name, country, section, culture, neighborhood: fields.next().unwrap_or(section) })
}

fn names(row: &'static str) -> Option<Names> {
    let mut fields = row.split('|');
    let mut list = || fields.next().map(|field| field.split(',').collect::<Vec<_>>());
    let culture = list()?.first().copied()?;
    Some(Names { culture, given: list()?, family: list()? })
}
