//! The content of the demo: an invented newsroom and as many articles as anyone asks for.
//!
//! Everything here is a pure function of its arguments: no clock, no input or output, no database. One article
//! takes a few microseconds and depends on no other, so a million can be streamed in any order.
//! The newest dozen are written by hand (`front`); the rest are put together (`compose`) from word lists
//! (`beats`) around a scene (`scene`). All of it is made up: sites, persons and organizations do not exist,
//! and what is said to happen in real cities did not.
//!
//! A pinned test guards the texts: the same seed, index and total give the same article everywhere. Changing a
//! word list moves the pins, and that is fine between releases.

mod beats;
mod compose;
pub mod fill;
mod front;
mod logins;
mod model;
mod newsroom;
mod rng;
mod scene;
mod schedule;
#[cfg(test)]
mod tests;

pub use logins::logins;
pub use model::{
    DemoArticle, DemoAuthorRole, DemoLogin, DemoRole, DemoSection, DemoStaff, DemoStaffKind, DemoStage, DemoTag,
};
pub use newsroom::{SITE_NAME, sections, staff, tags};

use crate::demo::beats::{Beat, LIBRARY, Language};
use crate::demo::front::{FRONT, FrontArticle};
use crate::demo::newsroom::{EDITORIAL_DESK, PHOTO_DESK};
use crate::demo::rng::Rng;
use crate::demo::scene::Scene;

/// How many articles `serve --demo` makes.
pub const DEFAULT_ARTICLES: u64 = 60;

/// The seed that `serve --demo` uses.
pub const DEFAULT_SEED: u64 = 1;

/// The place in the pattern of stages of the written article that has changes pending.
const FRONT_WITH_CHANGES: u64 = 7;

/// How far back a related article may lie, so that it is from about the same time.
const RELATED_REACH: u64 = 300;

/// Returns one article of a run of `total`, of which index 0 is the oldest.
///
/// The newest twelve are the same for every seed. An index that is not below `total` is treated as the newest.
pub fn article(seed: u64, index: u64, total: u64) -> DemoArticle {
    let mut rng = Rng::new(seed, index);
    let rank = schedule::rank(index, total);
    let age_minutes = schedule::age_minutes(rank, total, rng.bits());
    match front_article(rank) {
        Some(front) => written_article(front, rank, total, age_minutes),
        None => generated_article(&mut rng, index, total, age_minutes),
    }
}

fn front_article(rank: u64) -> Option<&'static FrontArticle> {
    FRONT.get(usize::try_from(rank).ok()?)
}

/// Returns the stage of an article without making it.
fn stage(index: u64, total: u64) -> DemoStage {
    match schedule::rank(index, total) {
        FRONT_WITH_CHANGES => DemoStage::PublishedWithChanges,
        rank if front_article(rank).is_some() => DemoStage::Published,
        _ => schedule::stage(index),
    }
}

fn written_article(front: &FrontArticle, rank: u64, total: u64, age_minutes: u64) -> DemoArticle {
    let owned = |text: &'static str| text.to_owned();
    let index = total.saturating_sub(1).saturating_sub(rank);
    let (seo_title, seo_description) = front.seo.map(|(title, text)| (owned(title), owned(text))).unzip();
    DemoArticle {
        kicker: front.kicker.map(owned),
        title: front.title.to_owned(),
        standfirst: Some(front.standfirst.to_owned()),
        body_html: front.body_html.to_owned(),
        excerpt: front.excerpt.map(owned),
        language: front.language,
        dateline: front.dateline.map(owned),
        section: front.section,
        authors: front.authors.to_vec(),
        byline: front.byline.map(owned),
        tags: front.tags.to_vec(),
        featured: front.featured,
        related: front.related.iter().filter_map(|down| index.checked_sub(*down)).collect(),
        source: front.source.map(|(name, url)| (owned(name), owned(url))),
        seo_title,
        seo_description,
        stage: stage(index, total),
        age_minutes,
        extensions: (rank == 0).then(|| serde_json::json!({"layout": "wide", "newsletter": true})),
    }
}

fn generated_article(rng: &mut Rng, index: u64, total: u64, age_minutes: u64) -> DemoArticle {
    let Some(beat) = beat(index, rng) else { return DemoArticle { age_minutes, ..blank(index, total) } };
    let scene = Scene::draw(beat, rng);
    let (title, lede) = beat.story(rng);
    let (title, lede) = (scene.sentence(title), scene.sentence(lede));
    let body_html = compose::body_html(beat, &scene, &lede, rng);
    let standfirst = rng.chance(4, 5).then(|| scene.sentence(rng.text(beat.pool("standfirsts"))));
    let section = section(beat, &scene, rng);
    let kicker = match section {
        "exclusive" => Some("Tamarisk Exclusive".to_owned()),
        _ => rng.chance(11, 20).then(|| scene.fill(rng.text(&beat.kickers))),
    };
    let seo_title = rng.chance(1, 4).then(|| format!("{title} | {SITE_NAME}"));
    let seo_description = seo_title.as_ref().map(|_| lede.clone());
    DemoArticle {
        kicker,
        standfirst,
        body_html,
        excerpt: rng.chance(2, 5).then_some(lede),
        language: beat.language.tag(),
        dateline: (section != "opinion" && rng.chance(3, 4)).then(|| scene.place.to_uppercase()),
        section,
        authors: authors(beat, section, rng),
        byline: byline(beat, &scene, rng),
        tags: chosen_tags(beat, rng),
        featured: rng.chance(1, 25),
        related: related(rng, index, total),
        source: source(rng),
        seo_title,
        seo_description,
        extensions: extensions(rng),
        title,
        age_minutes,
        ..blank(index, total)
    }
}

/// Returns an article with nothing in it but its place in the line.
fn blank(index: u64, total: u64) -> DemoArticle {
    DemoArticle {
        kicker: None,
        title: String::new(),
        standfirst: None,
        body_html: String::new(),
        excerpt: None,
        language: Language::English.tag(),
        dateline: None,
        section: "world",
        authors: Vec::new(),
        byline: None,
        tags: Vec::new(),
        featured: false,
        related: Vec::new(),
        source: None,
        seo_title: None,
        seo_description: None,
        stage: stage(index, total),
        age_minutes: 0,
        extensions: None,
    }
}

/// Chooses the beat: other languages at fixed places, so that even a small demo has them.
fn beat(index: u64, rng: &mut Rng) -> Option<&'static Beat> {
    let name = match (index % 29, index % 59) {
        (11, _) => "persian",
        (_, 17) => "french",
        _ => rng.text(&LIBRARY.english),
    };
    LIBRARY.beats.get(name)
}

/// Chooses the section: the beat's own, or that of the place, or now and then the front of the site.
fn section(beat: &Beat, scene: &Scene, rng: &mut Rng) -> &'static str {
    let own = beat.section.unwrap_or(scene.region);
    let may_be_exclusive = matches!(beat.name, "city" | "diplomacy" | "energy" | "heritage" | "science" | "trade");
    if may_be_exclusive && rng.chance(1, 12) { "exclusive" } else { own }
}

/// Chooses the byline: often the desk alone, otherwise whoever covers the section, with some help.
fn authors(beat: &Beat, section: &str, rng: &mut Rng) -> Vec<(&'static str, DemoAuthorRole)> {
    use DemoAuthorRole::{Author, Contributor, Editor, Photographer, Translator};

    let reporter = match (beat.language, section) {
        (Language::Persian, _) => "arash-nikpeyma",
        (Language::French, _) | (_, "europe" | "film") => "zoe-angmark",
        (_, "economy" | "energy") => "gulizar-taspinarli",
        (_, "middle-east" | "culture") => "ibtisam-al-warraqi",
        (_, "asia" | "central-asia") => "meruyert-sarsenkul",
        (_, "science") => "tomas-kremenar",
        (_, "sport") => "olamide-fasoye",
        (_, "opinion" | "books") => "nasrin-golchehrian",
        _ => EDITORIAL_DESK,
    };
    if section == "opinion" || reporter == EDITORIAL_DESK {
        return vec![(reporter, Author)];
    }
    match rng.below(10) {
        0..4 => vec![(EDITORIAL_DESK, Author)],
        4..6 => vec![(reporter, Author)],
        6 => vec![(reporter, Author), (EDITORIAL_DESK, Contributor)],
        7 => vec![(reporter, Author), (PHOTO_DESK, Photographer)],
        8 if matches!(section, "central-asia" | "culture" | "middle-east") && beat.language == Language::English => {
            vec![(reporter, Author), ("arash-nikpeyma", Translator)]
        }
        _ if reporter != "nasrin-golchehrian" => vec![(reporter, Author), ("nasrin-golchehrian", Editor)],
        _ => vec![(EDITORIAL_DESK, Author), (reporter, Editor)],
    }
}

fn byline(beat: &Beat, scene: &Scene, rng: &mut Rng) -> Option<String> {
    let replaced = rng.chance(1, 20) && beat.language == Language::English;
    replaced.then(|| format!("Tamarisk Post reporters in {}", scene.place))
}

/// Chooses two to four tags of the beat, with the most typical one always among them.
fn chosen_tags(beat: &Beat, rng: &mut Rng) -> Vec<&'static str> {
    let Some((first, others)) = beat.tags.split_first() else { return Vec::new() };
    let count = usize::try_from(rng.between(1, 3)).unwrap_or(1);
    std::iter::once(*first).chain(rng.shuffled(others).into_iter().take(count)).collect()
}

/// Chooses up to three older articles that readers can see.
fn related(rng: &mut Rng, index: u64, total: u64) -> Vec<u64> {
    let mut chosen = Vec::new();
    for _ in 0..rng.below(4) {
        let back = rng.between(1, RELATED_REACH.min(index).max(1));
        let found = index.checked_sub(back).filter(|other| stage(*other, total).is_live());
        if let Some(other) = found.filter(|other| !chosen.contains(other)) {
            chosen.push(other);
        }
    }
    chosen
}

fn source(rng: &mut Rng) -> Option<(String, String)> {
    const SOURCES: &[(&str, &str)] = &[
        ("Four Winds Wire", "https://wire.example.org/stories"),
        ("Caravan News Pool", "https://pool.example.com/items"),
        ("Estuary Radio", "https://radio.example.org/reports"),
    ];
    if !rng.chance(1, 12) {
        return None;
    }
    let number = rng.between(10_000, 99_999);
    rng.pick(SOURCES).map(|(name, url)| ((*name).to_owned(), format!("{url}/{number}")))
}

fn extensions(rng: &mut Rng) -> Option<serde_json::Value> {
    if !rng.chance(1, 6) {
        return None;
    }
    let layout = rng.text(&["gallery", "standard", "wide"]);
    Some(serde_json::json!({"layout": layout, "newsletter": rng.chance(1, 2), "print_page": rng.between(1, 24)}))
}
