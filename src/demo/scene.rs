//! The scene of one generated article: where it happens, who speaks, and which numbers occur.
//!
//! A scene is drawn once per article and fills every slot of its templates, so that the same place, persons and
//! subject run through headline, summary and text. Headline, summary and first sentence share their figures as well.

use crate::demo::beats::{Beat, LIBRARY, Language, Names, Place};
use crate::demo::rng::Rng;

/// What the slots of an article's templates stand for.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    /// The section for local news from the scene.
    pub(super) region: &'static str,
    /// The city.
    pub(super) place: &'static str,
    country: &'static str,
    place2: &'static str,
    country2: &'static str,
    subject: &'static str,
    org: String,
    speakers: [Speaker; 2],
    few: &'static str,
    when: &'static str,
    language: Language,
    headline: Numbers,
    numbers: Numbers,
}

/// Somebody who is quoted.
#[derive(Debug, Default, Clone)]
struct Speaker {
    name: String,
    last: &'static str,
    role: &'static str,
}

/// The figures, written as the language writes them.
#[derive(Debug, Default, Clone)]
struct Numbers {
    n: String,
    n2: String,
    pct: String,
    big: String,
    year: String,
}

impl Scene {
    /// Draws a scene for a beat.
    pub(super) fn draw(beat: &Beat, rng: &mut Rng) -> Self {
        let (place, place2) = if beat.language == Language::English {
            english_places(beat, rng)
        } else {
            let listed = rng.shuffled(beat.pool("places"));
            let mut places = listed.iter().map(|row| listed_place(row));
            (places.next().unwrap_or(NOWHERE), places.next().unwrap_or(NOWHERE))
        };
        let brand = rng.text(beat.pool("brands"));
        let roles = rng.shuffled(beat.pool("roles"));
        let mut roles = roles.iter().copied();
        let (name, last) = person(beat, place, rng);
        let first = Speaker { name, last, role: roles.next().unwrap_or_default() };
        // A second speaker of the same name would confuse readers, so a few more draws are made.
        let (name, last) = (0..4)
            .map(|_| person(beat, place, rng))
            .find(|(_, other)| *other != first.last)
            .unwrap_or_else(|| person(beat, place2, rng));
        let second = Speaker { name, last, role: roles.next().unwrap_or_default() };
        let headline = Numbers::draw(beat.language, rng);
        Self {
            region: place.section,
            place: place.name,
            country: place.country,
            place2: place2.name,
            country2: place2.country,
            subject: rng.text(beat.pool("subjects")),
            org: rng.text(beat.pool("orgs")).replace("{brand}", brand),
            speakers: [first, second],
            few: rng.text(beat.pool("few")),
            when: rng.text(beat.pool("when")),
            language: beat.language,
            numbers: headline.clone(),
            headline,
        }
    }

    /// Draws other figures, so that one number does not stand for weeks, cities and percent in one text.
    ///
    /// The year stays, and `{=n}`, `{=n2}` and `{=big}` go on meaning the headline's figures.
    pub(super) fn renew_figures(&mut self, few: &[&'static str], rng: &mut Rng) {
        self.numbers = Numbers::draw(self.language, rng);
        self.few = rng.text(few);
    }

    /// Fills the slots of a template; an unknown slot stays as it is, for a test to find.
    pub(super) fn fill(&self, template: &str) -> String {
        let mut filled = String::with_capacity(template.len().saturating_add(64));
        let mut rest = template;
        while let Some((before, slot, after)) = next_slot(rest) {
            filled.push_str(before);
            match self.slot(slot) {
                Some(value) => filled.push_str(value),
                None => {
                    filled.push('{');
                    filled.push_str(slot);
                    filled.push('}');
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    /// Fills a template that starts a sentence.
    pub(super) fn sentence(&self, template: &str) -> String {
        capitalized(&self.fill(template))
    }

    /// Returns the short name of a speaker, for the second mention and after.
    pub(super) fn last_name(&self, second: bool) -> &'static str {
        let [one, two] = &self.speakers;
        if second { two.last } else { one.last }
    }

    fn slot(&self, slot: &str) -> Option<&str> {
        let [one, two] = &self.speakers;
        Some(match slot {
            "place" => self.place,
            "country" => self.country,
            "place2" => self.place2,
            "country2" => self.country2,
            "subject" => self.subject,
            "a" => article_of(self.subject),
            "org" => &self.org,
            "person" => &one.name,
            "role" => one.role,
            "person2" => &two.name,
            "role2" => two.role,
            "few" => self.few,
            "when" => self.when,
            "n" => &self.numbers.n,
            "n2" => &self.numbers.n2,
            "pct" => &self.numbers.pct,
            "big" => &self.numbers.big,
            "year" => &self.headline.year,
            "=n" => &self.headline.n,
            "=n2" => &self.headline.n2,
            "=big" => &self.headline.big,
            _ => return None,
        })
    }
}

impl Numbers {
    /// Draws the figures: `n` is above ten, where numerals are usual, and always below `n2`.
    fn draw(language: Language, rng: &mut Rng) -> Self {
        let mut number = |low, high| numerals(language, rng.between(low, high));
        let (n, n2, pct, year) = (number(11, 39), number(41, 96), number(4, 38), number(1889, 1994));
        let thousands = numerals(language, rng.between(1, 97));
        let hundreds = numerals(language, rng.between(1, 9));
        let zeros = numerals(language, 0).repeat(2);
        let separator = match language {
            Language::English => ',',
            Language::Persian => '٬',
            Language::French => '\u{202F}',
        };
        Self { n, n2, pct, year, big: format!("{thousands}{separator}{hundreds}{zeros}") }
    }
}

/// Stands in for a place if a list has none, which the tests rule out.
const NOWHERE: Place = Place { name: "", country: "", section: "world", culture: "", neighborhood: "world" };

/// Picks two different cities: a pair that the beat names, or two of one neighborhood.
fn english_places(beat: &Beat, rng: &mut Rng) -> (Place, Place) {
    let pair = rng.text(beat.pool("pairs"));
    if let Some((one, other)) = pair.split_once('|') {
        let (one, other) = if rng.chance(1, 2) { (one, other) } else { (other, one) };
        return (LIBRARY.place(one).unwrap_or(NOWHERE), LIBRARY.place(other).unwrap_or(NOWHERE));
    }
    let place = rng.pick(&LIBRARY.places).copied().unwrap_or(NOWHERE);
    let is_neighbor = |other: &&Place| other.neighborhood == place.neighborhood && other.name != place.name;
    let neighbors: Vec<&Place> = LIBRARY.places.iter().filter(is_neighbor).collect();
    (place, rng.pick(&neighbors).map_or(NOWHERE, |other| **other))
}

fn listed_place(row: &'static str) -> Place {
    let (name, section) = row.split_once('|').unwrap_or((row, "world"));
    Place { name, section, ..NOWHERE }
}

/// Makes up a person of the place, or takes one from the beat's own list.
fn person(beat: &Beat, place: Place, rng: &mut Rng) -> (String, &'static str) {
    let listed = rng.text(beat.pool("people"));
    if let Some((name, last)) = listed.split_once('|') {
        return (name.to_owned(), last);
    }
    let names: Option<&Names> = LIBRARY.names(place.culture);
    names.map(|names| names.person(rng)).unwrap_or_default()
}

fn next_slot(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (slot, after) = rest.split_once('}')?;
    Some((before, slot, after))
}

fn article_of(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Writes the first letter large; scripts without large letters stay as they are.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn numerals(language: Language, number: u64) -> String {
    let western = number.to_string();
    if language != Language::Persian {
        return western;
    }
    western.chars().map(persian_digit).collect()
}

fn persian_digit(digit: char) -> char {
    match digit {
        '0' => '۰',
        '1' => '۱',
        '2' => '۲',
        '3' => '۳',
        '4' => '۴',
        '5' => '۵',
        '6' => '۶',
        '7' => '۷',
        '8' => '۸',
        '9' => '۹',
        other => other,
    }
}
