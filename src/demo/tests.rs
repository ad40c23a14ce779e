//! Holds the promises of the demo content: references that resolve, stable texts, believable variety.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::is_nfc;

use super::*;

fn small() -> Vec<DemoArticle> {
    (0..DEFAULT_ARTICLES).map(|index| article(DEFAULT_SEED, index, DEFAULT_ARTICLES)).collect()
}

/// FNV-1a over what an article holds: stable, unlike the standard library's hashers and its `Debug` output.
fn fingerprint(article: &DemoArticle) -> u64 {
    let numbers = format!("{} {:?} {} {:?}", article.age_minutes, article.related, article.featured, article.stage);
    let authors = article.authors.iter().map(|(slug, _)| *slug);
    let extensions = article.extensions.as_ref().map(ToString::to_string).unwrap_or_default();
    let parts: Vec<&str> = plain_texts(article)
        .into_iter()
        .chain([article.body_html.as_str(), article.language, article.section, &numbers, &extensions])
        .chain(authors)
        .chain(article.tags.iter().copied())
        .collect();
    let hash = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    parts.join("\n").bytes().fold(0xCBF2_9CE4_8422_2325, hash)
}

fn plain_texts(article: &DemoArticle) -> Vec<&str> {
    let optional = [
        &article.kicker,
        &article.standfirst,
        &article.excerpt,
        &article.dateline,
        &article.byline,
        &article.seo_title,
        &article.seo_description,
    ];
    let source = article.source.iter().flat_map(|(name, url)| [name.as_str(), url.as_str()]);
    std::iter::once(article.title.as_str())
        .chain(optional.into_iter().filter_map(|text| text.as_deref()))
        .chain(source)
        .collect()
}

/// Removes the tags, with a space for each.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text
}

fn assert_well_formed(html: &str) {
    const ALLOWED: &[&str] = &["p", "h2", "ul", "ol", "li", "blockquote", "cite", "em", "strong", "a"];
    let mut open = Vec::new();
    for part in html.split('<').skip(1) {
        let (tag, _) = part.split_once('>').unwrap_or_else(|| panic!("a tag does not end: {html}"));
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{html}");
        } else {
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(ALLOWED.contains(&name), "unexpected <{name}> in {html}");
            let is_link = attributes.starts_with("href=\"https://") && attributes.contains("example.");
            assert_eq!(name == "a", is_link, "{tag}");
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} stay open in {html}");
    let text = text_of(html);
    assert!(!text.contains('&') || html.contains("&amp;"), "{text}");
}

fn is_slug(slug: &str) -> bool {
    !slug.is_empty()
        && slug.split('-').all(|word| !word.is_empty())
        && slug.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
}

#[test]
fn the_same_seed_gives_the_same_articles_everywhere() {
    let made: Vec<_> = PINS
        .iter()
        .map(|(seed, index, total, _, _)| {
            let article = article(*seed, *index, *total);
            (*seed, *index, *total, article.body_html.len(), fingerprint(&article))
        })
        .collect();
    assert_eq!(made, PINS, "The texts have changed: if that was meant, pin the values on the left.");
}

/// Seed, index, total, length of the body, fingerprint.
const PINS: &[(u64, u64, u64, usize, u64)] = &[
    (1, 0, 60, 1712, 688_818_699_140_816_142),
    (1, 11, 60, 2673, 5_154_181_615_243_570_714),
    (1, 59, 60, 2362, 15_490_700_163_004_294_322),
    (7, 123_456, 1_000_000, 2218, 10_603_575_220_523_591_484),
    (u64::MAX, 999_000, 1_000_000, 2375, 17_959_743_929_184_278_425),
];

#[test]
fn slugs_are_well_formed_and_unique() {
    let lists: [Vec<&str>; 3] = [
        sections().iter().map(|section| section.slug).collect(),
        staff().iter().map(|profile| profile.slug).collect(),
        tags().iter().map(|tag| tag.slug).collect(),
    ];
    for slugs in lists {
        assert!(slugs.iter().all(|slug| is_slug(slug)), "{slugs:?}");
        assert_eq!(slugs.iter().collect::<BTreeSet<_>>().len(), slugs.len(), "{slugs:?}");
    }
}

#[test]
fn sections_form_a_tree_with_parents_first() {
    let mut depths = BTreeMap::new();
    for section in sections() {
        let depth = section.parent.map_or(1, |parent| depths[parent] + 1);
        depths.insert(section.slug, depth);
    }

    assert_eq!(depths.values().max(), Some(&3));
}

#[test]
fn every_reference_leads_somewhere() {
    let sections: BTreeSet<_> = sections().iter().map(|section| section.slug).collect();
    let staff: BTreeSet<_> = staff().iter().map(|profile| profile.slug).collect();
    let tags: BTreeSet<_> = tags().iter().map(|tag| tag.slug).collect();
    for (total, first) in [(60, 0), (1_000_000, 997_000)] {
        for index in first..total {
            let article = article(3, index, total);
            assert!(sections.contains(article.section), "{}", article.section);
            assert!(!article.authors.is_empty());
            let authors: BTreeSet<_> = article.authors.iter().map(|(slug, _)| *slug).collect();
            assert!(authors.is_subset(&staff), "{authors:?}");
            assert_eq!(authors.len(), article.authors.len(), "an author twice");
            let chosen: BTreeSet<_> = article.tags.iter().copied().collect();
            assert!(chosen.is_subset(&tags), "{chosen:?}");
            assert!(!chosen.is_empty() && chosen.len() == article.tags.len(), "{:?}", article.tags);
            assert!(article.related.len() <= 3);
            for other in &article.related {
                assert!(*other < index && stage(*other, total).is_live(), "{index} is related to {other}");
            }
        }
    }
    assert!(logins().iter().filter_map(|login| login.staff).all(|slug| staff.contains(slug)));
}

#[test]
fn every_tag_and_section_is_used() {
    let mut unused_tags: BTreeSet<_> = tags().iter().map(|tag| tag.slug).collect();
    let mut unused_sections: BTreeSet<_> = sections().iter().map(|section| section.slug).collect();
    for index in 0..2_000 {
        let article = article(DEFAULT_SEED, index, 2_000);
        article.tags.iter().for_each(|tag| {
            unused_tags.remove(tag);
        });
        unused_sections.remove(article.section);
    }

    assert!(unused_tags.is_empty(), "{unused_tags:?}");
    assert!(unused_sections.is_empty(), "{unused_sections:?}");
}

#[test]
fn the_small_demo_has_every_stage_and_language() {
    let articles = small();

    let stages: BTreeSet<_> = articles.iter().map(|article| article.stage).collect();
    let languages: BTreeSet<_> = articles.iter().map(|article| article.language).collect();
    let live = articles.iter().filter(|article| article.stage.is_live()).count();
    assert_eq!(stages.len(), 5, "{stages:?}");
    assert_eq!(languages, BTreeSet::from(["en", "fa", "fr"]));
    assert!((52..=57).contains(&live), "{live} of 60 can be read");
    assert!(articles.iter().any(|article| article.language == "fa" && article.body_html.contains('\u{200C}')));
    assert!(articles.windows(2).all(|pair| pair[0].age_minutes > pair[1].age_minutes));
}

#[test]
fn the_newest_articles_are_written_by_hand() {
    let articles = small();

    let newest = &articles[48..];
    assert!(newest.iter().all(|article| article.stage.is_live() && article.standfirst.is_some()));
    assert_eq!(newest[11].title, FRONT[0].title);
    assert_eq!(
        newest[11],
        DemoArticle {
            related: newest[11].related.clone(),
            age_minutes: newest[11].age_minutes,
            ..article(9, 999, 1_000)
        }
    );
}

#[test]
fn titles_rarely_repeat() {
    let titles: BTreeSet<_> = (0..10_000).map(|index| article(DEFAULT_SEED, index, 10_000).title).collect();

    assert!(titles.len() > 9_800, "only {} distinct titles", titles.len());
}

#[test]
fn twenty_thousand_articles_are_clean() {
    let mut live = 0;
    for index in 0..20_000 {
        let article = article(5, index, 20_000);
        live += u64::from(article.stage.is_live());
        assert_well_formed(&article.body_html);
        let body = text_of(&article.body_html);
        let mut texts = plain_texts(&article);
        for text in &texts {
            assert!(!text.contains(['<', '>', '\n']), "markup in a plain text: {text}");
            assert!(!text.is_empty() && text.trim() == *text, "{text:?}");
        }
        assert!(article.title.chars().count() <= 110, "too long: {}", article.title);
        texts.push(&body);
        for text in texts {
            let control = |letter: char| letter.is_control() && letter != '\n';
            assert!(!text.contains(control), "{text:?}");
            assert!(!text.contains(['\'', '"', '{', '}', '\u{FFFD}']), "straight quote or open slot: {text}");
            assert!(!text.contains("  ") || text.len() == body.len(), "{text}");
            assert!(is_nfc(text), "{text}");
        }
        let words = body.split_whitespace().count();
        let least = if article.language == "en" { 210 } else { 120 };
        assert!((least..=700).contains(&words), "{words} words at index {index}: {body}");
        let quoted = article.body_html.matches("<blockquote>").count();
        let paragraphs = article.body_html.matches("<p>").count() - quoted;
        assert!((3..=9).contains(&paragraphs), "{paragraphs} paragraphs at index {index}");
    }
    assert!((17_800..=18_200).contains(&live), "{live} of 20,000 can be read");
}

#[test]
fn every_beat_is_complete() {
    const NEEDED: &[(&str, usize)] = &[
        ("brands", 7),
        ("closings", 3),
        ("cites", 1),
        ("facts", 10),
        ("few", 5),
        ("heads", 4),
        ("intros", 2),
        ("items", 5),
        ("ledes", 3),
        ("orgs", 3),
        ("pulls", 2),
        ("quotes", 5),
        ("roles", 5),
        ("speakers", 2),
        ("standfirsts", 3),
        ("subjects", 10),
        ("titles", 7),
        ("when", 4),
    ];
    let sections: BTreeSet<_> = sections().iter().map(|section| section.slug).collect();
    for beat in LIBRARY.beats.values() {
        for (pool, least) in NEEDED {
            let entries = beat.pool(pool);
            assert!(entries.len() >= *least, "{} lacks entries in [{pool}]", beat.name);
            assert_eq!(entries.iter().collect::<BTreeSet<_>>().len(), entries.len(), "{} [{pool}]", beat.name);
        }
        assert!(!beat.kickers.is_empty() && beat.tags.len() >= 4, "{}", beat.name);
        assert!(beat.section.is_none_or(|section| sections.contains(section)), "{}", beat.name);
    }
    for pair in LIBRARY.beats["diplomacy"].pool("pairs") {
        let (one, other) = pair.split_once('|').unwrap();
        assert!(LIBRARY.place(one).is_some() && LIBRARY.place(other).is_some(), "{pair}");
    }
    for place in &LIBRARY.places {
        assert!(sections.contains(place.section), "{}", place.name);
        assert_eq!(LIBRARY.names(place.culture).map(|names| names.culture), Some(place.culture), "{}", place.name);
    }
}

#[test]
fn profiles_are_clean_and_reachable_only_at_reserved_addresses() {
    for profile in staff() {
        assert_well_formed(profile.bio_html);
        assert!(profile.email.is_none_or(|email| email.ends_with("@example.org")), "{}", profile.slug);
        assert!(profile.phone.is_none_or(|phone| phone.starts_with("+44 20 7946 0")), "{}", profile.slug);
        for (label, url) in profile.links {
            let host = url.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
            assert!(!label.is_empty() && (host.ends_with("example.org") || host.ends_with("example.com")), "{url}");
        }
        assert!(is_nfc(profile.name));
    }
    let organizations = staff().iter().filter(|profile| profile.kind == DemoStaffKind::Organization).count();
    assert_eq!((organizations, staff().len()), (2, 10));
}

#[test]
fn passwords_are_long_and_hard_to_guess() {
    assert_eq!(
        logins().iter().map(|login| login.role).collect::<Vec<_>>(),
        [DemoRole::Admin, DemoRole::Editor, DemoRole::Author]
    );
    for login in logins() {
        let guess = zxcvbn::zxcvbn(login.password, &[login.email, login.display_name, SITE_NAME]);

        assert!(login.password.chars().count() >= 15, "{}", login.email);
        assert_eq!(guess.score(), zxcvbn::Score::Four, "{}", login.email);
        assert!(login.email.ends_with("@example.org"));
    }
}
