//! The demo newsroom itself: its sections, its staff and its tags.
//!
//! “The Tamarisk Post” and everyone who works there are invented. Telephone numbers come from the range that
//! Britain's regulator keeps free for drama, addresses from example.org and example.com.

use crate::demo::model::{DemoSection, DemoStaff, DemoStaffKind, DemoTag};

/// The name of the invented news site.
pub const SITE_NAME: &str = "The Tamarisk Post";

/// The slug of the desk that signs articles without a named author.
pub(super) const EDITORIAL_DESK: &str = "tamarisk-post-editorial-staff";

/// The slug of the desk that takes the pictures.
pub(super) const PHOTO_DESK: &str = "tamarisk-post-photo-desk";

/// Returns the sections, parents before children.
pub fn sections() -> &'static [DemoSection] {
    SECTIONS
}

/// Returns the staff profiles: eight persons and two desks.
pub fn staff() -> &'static [DemoStaff] {
    STAFF
}

/// Returns the tags.
pub fn tags() -> &'static [DemoTag] {
    TAGS
}

const fn section(
    slug: &'static str,
    name: &'static str,
    parent: Option<&'static str>,
    description: &'static str,
) -> DemoSection {
    DemoSection { slug, name, description, parent }
}

const fn tag(slug: &'static str, name: &'static str, description: Option<&'static str>) -> DemoTag {
    DemoTag { slug, name, description }
}

const SECTIONS: &[DemoSection] = &[
    section(
        "exclusive",
        "Exclusive",
        None,
        "Reporting that you will find here first: documents, interviews and long digging.",
    ),
    section("world", "World", None, "News from everywhere, told from where it happens."),
    section(
        "middle-east",
        "Middle East",
        Some("world"),
        "From the Nile to the Iranian plateau: cities, neighbors and water.",
    ),
    section("europe", "Europe", Some("world"), "Politics, ports and everyday life across the continent."),
    section("asia", "Asia", Some("world"), "South, East and Southeast Asia, from river deltas to night trains."),
    section(
        "central-asia",
        "Caucasus and Central Asia",
        Some("asia"),
        "The lands between the Black Sea and the Pamirs.",
    ),
    section("economy", "Economy", None, "Trade, work and prices, with the sums shown."),
    section("energy", "Energy", Some("economy"), "Grids, power stations and the bills that they lead to."),
    section("culture", "Culture", None, "Heritage, music and the arts, old and new."),
    section("film", "Film", Some("culture"), "Reviews, festivals and what goes on behind the screen."),
    section("books", "Books", Some("culture"), "New titles, old favorites and the people who translate them."),
    section("science", "Science", None, "Research explained, with its limits."),
    section("sport", "Sport", None, "Football, chess and everything in between."),
    section("opinion", "Opinion", None, "Arguments by people who sign them. They are the authors’ own."),
];

const STAFF: &[DemoStaff] = &[
    DemoStaff {
        slug: EDITORIAL_DESK,
        name: "Tamarisk Post Editorial Staff",
        kind: DemoStaffKind::Organization,
        title: "News desk",
        bio_html: "<p>The editorial staff of <em>The Tamarisk Post</em> work around the clock in three time zones. Articles under this name are written together, checked by two editors and corrected in public.</p><p>Tips and corrections: <a href=\"https://www.example.org/contact\">write to the desk</a>.</p>",
        email: Some("newsroom@example.org"),
        phone: Some("+44 20 7946 0101"),
        links: &[
            ("How we work", "https://www.example.org/standards"),
            ("Corrections", "https://www.example.org/corrections"),
            ("The feed", "https://social.example.com/@tamariskpost"),
        ],
    },
    DemoStaff {
        slug: PHOTO_DESK,
        name: "Tamarisk Post Photo Desk",
        kind: DemoStaffKind::Organization,
        title: "Pictures and graphics",
        bio_html: "<p>The photo desk commissions, edits and captions the pictures of <em>The Tamarisk Post</em>. It does not stage scenes, and it does not move clouds.</p>",
        email: Some("pictures@example.org"),
        phone: None,
        links: &[("Picture policy", "https://www.example.org/standards/pictures")],
    },
    DemoStaff {
        slug: "nasrin-golchehrian",
        name: "Nasrin Golchehrian",
        kind: DemoStaffKind::Person,
        title: "Managing Editor",
        bio_html: "<p>Nasrin Golchehrian has run the newsroom since its first issue. Before that she edited a farmers’ weekly, an experience that she recommends to everyone who writes about <strong>the weather</strong>.</p>",
        email: Some("nasrin.golchehrian@example.org"),
        phone: Some("+44 20 7946 0112"),
        links: &[("Letters from the editor", "https://www.example.org/letters")],
    },
    DemoStaff {
        slug: "arash-nikpeyma",
        name: "آرش نیک‌پیما",
        kind: DemoStaffKind::Person,
        title: "Persian Editor and Translator",
        bio_html: "<p>آرش نیک‌پیما سردبیر بخش فارسی است و از سه زبان ترجمه می‌کند. آخر هفته‌ها در کوه است و تلفنش خاموش.</p>",
        email: Some("arash.nikpeyma@example.org"),
        phone: None,
        links: &[("ترجمه‌ها", "https://www.example.org/fa/translations")],
    },
    DemoStaff {
        slug: "zoe-angmark",
        name: "Zoë Ångmark",
        kind: DemoStaffKind::Person,
        title: "Europe Correspondent",
        bio_html: "<p>Zoë Ångmark reports from European harbors and the cities behind them. She travels by night train and collects timetables, most of them out of date.</p>",
        email: Some("zoe.angmark@example.org"),
        phone: Some("+44 20 7946 0127"),
        links: &[
            ("Timetables", "https://angmark.example.com/timetables"),
            ("Notes", "https://social.example.com/@angmark"),
        ],
    },
    DemoStaff {
        slug: "tomas-kremenar",
        name: "Tomáš Křemenář",
        kind: DemoStaffKind::Person,
        title: "Science Editor",
        bio_html: "<p>Tomáš Křemenář trained as a geologist and still looks at the ground when he walks. He explains <a href=\"https://www.example.org/science/how-we-read-studies\">how the desk reads a study</a> to anyone who asks.</p>",
        email: Some("tomas.kremenar@example.org"),
        phone: None,
        links: &[],
    },
    DemoStaff {
        slug: "gulizar-taspinarli",
        name: "Gülizar Taşpınarlı",
        kind: DemoStaffKind::Person,
        title: "Economy and Energy Correspondent",
        bio_html: "<p>Gülizar Taşpınarlı follows goods, prices and electricity. She publishes her spreadsheets.</p>",
        email: Some("gulizar.taspinarli@example.org"),
        phone: Some("+44 20 7946 0133"),
        links: &[("Spreadsheets", "https://sheets.example.org/taspinarli")],
    },
    DemoStaff {
        slug: "ibtisam-al-warraqi",
        name: "Ibtisam al-Warraqi",
        kind: DemoStaffKind::Person,
        title: "Middle East Correspondent",
        bio_html: "<p>Ibtisam al-Warraqi comes from a family of bookbinders and writes about water, cities and culture in the Middle East.</p>",
        email: Some("ibtisam.alwarraqi@example.org"),
        phone: None,
        links: &[("Notes", "https://social.example.com/@alwarraqi")],
    },
    DemoStaff {
        slug: "meruyert-sarsenkul",
        name: "Meruyert Sarsenkul",
        kind: DemoStaffKind::Person,
        title: "Asia Correspondent and Photographer",
        bio_html: "<p>Meruyert Sarsenkul covers Asia from the Caspian to the Pacific with a notebook in one pocket and a camera in the other.</p><ul><li>Beats: Central Asia, railways, mountains</li><li>Languages: Kazakh, Russian, English, some Persian</li></ul>",
        email: Some("meruyert.sarsenkul@example.org"),
        phone: None,
        links: &[("Pictures", "https://pictures.example.org/sarsenkul")],
    },
    DemoStaff {
        slug: "olamide-fasoye",
        name: "Ọlámidé Fáṣoyè",
        kind: DemoStaffKind::Person,
        title: "Sports Writer",
        bio_html: "<p>Ọlámidé Fáṣoyè writes about games and about the people who sweep the stands afterward.</p>",
        email: None,
        phone: None,
        links: &[("Column", "https://www.example.org/sport/from-the-stands")],
    },
];

const TAGS: &[DemoTag] = &[
    tag("archaeology", "Archaeology", Some("Finds, digs and what they change.")),
    tag("borders", "Borders", Some("Crossings, and those who cross them.")),
    tag("chess", "Chess", None),
    tag("cinema", "Cinema", None),
    tag("cities", "Cities", Some("How towns are built, mended and lived in.")),
    tag("climate", "Climate", Some("A changing climate and what people do about it.")),
    tag("diplomacy", "Diplomacy", Some("Talks, treaties and their footnotes.")),
    tag("education", "Education", None),
    tag("electricity", "Electricity", None),
    tag("energy", "Energy", Some("Where power comes from and who pays for it.")),
    tag("football", "Football", None),
    tag("health", "Health", None),
    tag("heritage", "Heritage", Some("Old things in use.")),
    tag("housing", "Housing", None),
    tag("literature", "Literature", None),
    tag("museums", "Museums", None),
    tag("music", "Music", None),
    tag("nowruz", "Nowruz · نوروز", Some("The new year at the spring equinox.")),
    tag("ports", "Ports and Shipping", None),
    tag("press", "The Press", Some("News about the news.")),
    tag("prices", "Prices", None),
    tag("public-transport", "Public Transport", None),
    tag("railways", "Railways", Some("Trains by day and by night.")),
    tag("research", "Research", None),
    tag("space", "Space", None),
    tag("trade", "Trade", Some("Goods, routes and tariffs.")),
    tag("translation", "Translation", None),
    tag("water", "Water", Some("Rivers, wells, pipes and rights.")),
    tag("weather", "Weather", None),
];
