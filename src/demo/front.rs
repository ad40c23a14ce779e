//! The newest articles, written by hand, so that the demo's front page reads like one.
//!
//! Their texts are the HTML files in `front/`; this table holds the rest. The first entry is the newest.

use crate::demo::model::DemoAuthorRole::{self, Author, Contributor, Editor, Photographer, Translator};
use crate::demo::newsroom::{EDITORIAL_DESK, PHOTO_DESK};

/// An article written by hand.
#[derive(Debug)]
pub(super) struct FrontArticle {
    pub(super) kicker: Option<&'static str>,
    pub(super) title: &'static str,
    pub(super) standfirst: &'static str,
    pub(super) body_html: &'static str,
    pub(super) excerpt: Option<&'static str>,
    pub(super) language: &'static str,
    pub(super) dateline: Option<&'static str>,
    pub(super) section: &'static str,
    pub(super) authors: &'static [(&'static str, DemoAuthorRole)],
    pub(super) byline: Option<&'static str>,
    pub(super) tags: &'static [&'static str],
    pub(super) featured: bool,
    /// How many places further down each related article stands.
    pub(super) related: &'static [u64],
    pub(super) source: Option<(&'static str, &'static str)>,
    pub(super) seo: Option<(&'static str, &'static str)>,
}

/// What most articles of the table have in common.
const PLAIN: FrontArticle = FrontArticle {
    kicker: None,
    title: "",
    standfirst: "",
    body_html: "",
    excerpt: None,
    language: "en",
    dateline: None,
    section: "world",
    authors: &[(EDITORIAL_DESK, Author)],
    byline: None,
    tags: &[],
    featured: false,
    related: &[],
    source: None,
    seo: None,
};

/// The articles, newest first.
pub(super) const FRONT: &[FrontArticle] = &[
    FrontArticle {
        kicker: Some("Tamarisk Exclusive"),
        title: "Trieste’s lost dock ledgers found under a bakery oven",
        standfirst: "Thirty-seven years of wage books, long thought to have been pulped, name eleven thousand harbor workers. Somebody hid them well.",
        body_html: include_str!("front/harbor-ledgers.html"),
        excerpt: Some(
            "A baker in the old town has found 214 wage books of the harbor, listed as destroyed for more than sixty years.",
        ),
        dateline: Some("TRIESTE"),
        section: "exclusive",
        authors: &[(EDITORIAL_DESK, Author), ("zoe-angmark", Contributor), (PHOTO_DESK, Photographer)],
        tags: &["ports", "heritage", "cities"],
        featured: true,
        related: &[5, 9],
        seo: Some((
            "Lost dock ledgers found in Trieste | The Tamarisk Post",
            "Wage books naming eleven thousand harbor workers turn up under a bakery oven in Trieste.",
        )),
        ..PLAIN
    },
    FrontArticle {
        kicker: Some("On the ground"),
        title: "In Yazd, a water tunnel gets a new generation of diggers",
        standfirst: "A farmers’ school pays nineteen trainees to learn what only a few old masters still know: how to ask a mountain for water.",
        body_html: include_str!("front/qanat-diggers.html"),
        dateline: Some("YAZD"),
        section: "middle-east",
        authors: &[("ibtisam-al-warraqi", Author), ("arash-nikpeyma", Translator)],
        tags: &["water", "heritage", "climate"],
        featured: true,
        related: &[4],
        ..PLAIN
    },
    FrontArticle {
        title: "How a children’s hospital sat out a 31-hour blackout on used van batteries",
        standfirst: "Nobody in the operating rooms noticed that the line to Kutaisi was down. The engineers had hoped for exactly that.",
        body_html: include_str!("front/hospital-batteries.html"),
        dateline: Some("KUTAISI"),
        section: "energy",
        authors: &[("gulizar-taspinarli", Author)],
        tags: &["electricity", "energy", "health"],
        related: &[3],
        ..PLAIN
    },
    FrontArticle {
        kicker: Some("Research"),
        title: "Idle internet cables under Gyumri turn into 40,000 ears for earthquakes",
        standfirst: "A year of listening has found 1,311 tremors and a fault that was on no map. Trams were the harder problem.",
        body_html: include_str!("front/cable-listening.html"),
        excerpt: Some(
            "By timing laser light in dark glass fiber, seismologists can feel the ground move at every tenth meter.",
        ),
        dateline: Some("GYUMRI"),
        section: "science",
        authors: &[("tomas-kremenar", Author), ("meruyert-sarsenkul", Photographer)],
        tags: &["research", "cities"],
        ..PLAIN
    },
    FrontArticle {
        kicker: Some("گزارش"),
        title: "کتاب‌خانه‌ای که هر دو هفته یک‌بار از راه می‌رسد",
        standfirst: "چهار خودرو، هجده روستا و کتاب‌داری که نام همه‌ی خواننده‌هایش را می‌داند.",
        body_html: include_str!("front/bookmobile-fa.html"),
        language: "fa",
        dateline: Some("کاشان"),
        section: "books",
        authors: &[("arash-nikpeyma", Author)],
        tags: &["literature", "education", "nowruz"],
        related: &[2],
        ..PLAIN
    },
    FrontArticle {
        title: "Night ferry from Gdańsk sails again, with more bicycles than cars",
        standfirst: "Nine years after the last crossing, two cities and a pension fund bet on people who would rather sleep than fly.",
        body_html: include_str!("front/night-ferry.html"),
        dateline: Some("GDAŃSK"),
        section: "europe",
        authors: &[("zoe-angmark", Author), (PHOTO_DESK, Photographer)],
        byline: Some("Zoë Ångmark, on board"),
        tags: &["ports", "railways", "climate"],
        related: &[4],
        ..PLAIN
    },
    FrontArticle {
        kicker: Some("Review"),
        title: "Eleven words for snow, and one for the liar next door",
        standfirst: "A dictionary that took twenty-two years and survived a flour bin turns out to be the most readable book of the season.",
        body_html: include_str!("front/snow-dictionary.html"),
        section: "books",
        authors: &[("nasrin-golchehrian", Author)],
        tags: &["literature", "translation"],
        ..PLAIN
    },
    FrontArticle {
        kicker: Some("Film"),
        title: "The film stops, the pianist plays on: a lost comedy returns to Alexandria",
        standfirst: "“The Tide Clerk” was missing for most of a century. One reel still is, and the restorers have made the gap their best joke.",
        body_html: include_str!("front/silent-reels.html"),
        dateline: Some("ALEXANDRIA"),
        section: "film",
        authors: &[("ibtisam-al-warraqi", Author)],
        tags: &["cinema", "music", "heritage"],
        source: Some(("Four Winds Arts Service", "https://wire.example.org/arts/tide-clerk")),
        ..PLAIN
    },
    FrontArticle {
        title: "Seventeen-year-old sips tea, wins women’s chess league with four seconds left",
        standfirst: "A club of two rooms above a shoe repairer’s takes its first title, and a hall full of posters asking for silence ignores them.",
        body_html: include_str!("front/chess-final.html"),
        dateline: Some("ALMATY"),
        section: "sport",
        authors: &[("olamide-fasoye", Author), ("meruyert-sarsenkul", Photographer)],
        tags: &["chess", "education"],
        ..PLAIN
    },
    FrontArticle {
        kicker: Some("Trade routes"),
        title: "From hill to harbor in eleven days: a dry port’s first year",
        standfirst: "One fenced yard near Quetta has saved a tenth of the apricot crop. Not everybody on the old road is cheering.",
        body_html: include_str!("front/dry-port.html"),
        excerpt: Some("The yard handled 9,400 containers in its first year, a quarter more than planned."),
        dateline: Some("QUETTA"),
        section: "economy",
        authors: &[("gulizar-taspinarli", Author), (EDITORIAL_DESK, Editor)],
        tags: &["trade", "railways", "prices"],
        related: &[2],
        ..PLAIN
    },
    FrontArticle {
        kicker: Some("Opinion"),
        title: "We sent 214 alerts in a month. Nineteen were worth the bell",
        standfirst: "Being first is a game that newsrooms play with one another. Readers did not ask to be the ball.",
        body_html: include_str!("front/slower-alerts.html"),
        section: "opinion",
        authors: &[("nasrin-golchehrian", Author)],
        tags: &["press"],
        ..PLAIN
    },
    FrontArticle {
        title: "On the flooded rivers south of Dhaka, the school now goes up to eighth grade",
        standfirst: "Thirty-two boats bring the classroom to the children. It was the pupils who wrote 1,100 letters to stay aboard.",
        body_html: include_str!("front/floating-schools.html"),
        dateline: Some("DHAKA"),
        section: "asia",
        authors: &[("meruyert-sarsenkul", Author), (PHOTO_DESK, Photographer)],
        tags: &["education", "water", "climate"],
        ..PLAIN
    },
];
