//! The site that readers see: its name, and how the addresses of its pages are made.

use std::ffi::OsString;

use super::{
    reader::{Raw, Reader},
    template::{Kind, UrlTemplate},
};
use crate::{
    clock::Instant,
    ids::{ArticleId, SectionId, StaffId, TagId},
};

/// The settings of the site as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Site")]
pub struct SiteArgs {
    /// The name of the site.
    #[arg(long, env = "FRONTPAGE_SITE_NAME", default_value = NAME, value_name = "NAME")]
    pub site_name: Option<OsString>,
    /// The address of an article's page, such as `https://www.example.org/{section}/{slug}`; may have {section} (its
    /// path), {slug}, {id}, {year}, {month}, {day}. No addresses unless given.
    #[arg(long, env = "FRONTPAGE_ARTICLE_URL", value_name = "TEMPLATE")]
    pub article_url: Option<OsString>,
    /// The address of a section's page; may have {path}, {slug}, {id}. No addresses unless given.
    #[arg(long, env = "FRONTPAGE_SECTION_URL", value_name = "TEMPLATE")]
    pub section_url: Option<OsString>,
    /// The address of a tag's page; may have {slug}, {id}. No addresses unless given.
    #[arg(long, env = "FRONTPAGE_TAG_URL", value_name = "TEMPLATE")]
    pub tag_url: Option<OsString>,
    /// The address of a staff profile's page; may have {slug}, {id}. No addresses unless given.
    #[arg(long, env = "FRONTPAGE_STAFF_URL", value_name = "TEMPLATE")]
    pub staff_url: Option<OsString>,
}

const NAME: &str = "Frontpage";

/// The site that readers see.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    /// The name of the site.
    pub name: String,
    /// The address of an article's page.
    pub article_url: Option<UrlTemplate>,
    /// The address of a section's page.
    pub section_url: Option<UrlTemplate>,
    /// The address of a tag's page.
    pub tag_url: Option<UrlTemplate>,
    /// The address of a staff profile's page.
    pub staff_url: Option<UrlTemplate>,
}

/// What the address of an article's page can be made of.
#[derive(Clone, Copy, Debug)]
pub struct ArticlePlaces<'a> {
    /// The article.
    pub id: ArticleId,
    /// Its slug.
    pub slug: &'a str,
    /// The path of its section, if it is in one.
    pub section_path: Option<&'a str>,
    /// When it was first published, if it was; the address keeps this date for good.
    pub first_published_at: Option<Instant>,
}

impl SiteConfig {
    pub(super) fn read(args: &SiteArgs, reader: &mut Reader) -> Option<Self> {
        let name = reader.setting("FRONTPAGE_SITE_NAME", &args.site_name, NAME, |text| {
            crate::input::Line::<100>::parse(text)
                .map(crate::input::Line::into_string)
                .map_err(|invalid| format!("{}; it must be one line of up to 100 characters", invalid.detail))
        });
        let mut template = |variable: &str, raw: &Raw, kind: Kind| {
            reader.optional(variable, raw, |text| UrlTemplate::parse(text, kind))
        };
        let article_url = template("FRONTPAGE_ARTICLE_URL", &args.article_url, Kind::Article);
        let section_url = template("FRONTPAGE_SECTION_URL", &args.section_url, Kind::Section);
        let tag_url = template("FRONTPAGE_TAG_URL", &args.tag_url, Kind::Tag);
        let staff_url = template("FRONTPAGE_STAFF_URL", &args.staff_url, Kind::Staff);
        Some(Self {
            name: name?,
            article_url: article_url?,
            section_url: section_url?,
            tag_url: tag_url?,
            staff_url: staff_url?,
        })
    }

    /// Fills in addresses on an invented site where none are set, so that the demo shows what they look like.
    pub fn fill_in_examples(&mut self) {
        let examples = [
            (&mut self.article_url, "https://www.example.org/{section}/{slug}", Kind::Article),
            (&mut self.section_url, "https://www.example.org/{path}", Kind::Section),
            (&mut self.tag_url, "https://www.example.org/tags/{slug}", Kind::Tag),
            (&mut self.staff_url, "https://www.example.org/staff/{slug}", Kind::Staff),
        ];
        for (template, example, kind) in examples {
            if template.is_none() {
                *template = UrlTemplate::parse(example, kind).ok();
            }
        }
    }

    /// Returns the address of the site, if it is known from where its articles are.
    pub fn origin(&self) -> Option<url::Url> {
        self.article_url.as_ref().and_then(UrlTemplate::origin)
    }

    /// Returns the address of an article's page; none without a template, or while the article lacks something that
    /// the template asks for.
    pub fn article_url(&self, article: ArticlePlaces<'_>) -> Option<String> {
        let template = self.article_url.as_ref()?;
        let id = article.id.to_string();
        let date = article.first_published_at.map(|instant| instant.to_string());
        // An instant is written as `2026-03-09T…`.
        let mut parts = date.as_deref().and_then(|text| text.split('T').next()).unwrap_or_default().split('-');
        let mut places = vec![("id", id.as_str()), ("slug", article.slug)];
        places.extend(article.section_path.map(|path| ("section", path)));
        if date.is_some() {
            places.extend(["year", "month", "day"].into_iter().zip(&mut parts));
        }
        places_suffice(template, &places).then(|| template.expand(&places))
    }

    /// Returns the address of a section's page; none without a template.
    pub fn section_url(&self, slug: &str, path: &str, id: SectionId) -> Option<String> {
        let template = self.section_url.as_ref()?;
        Some(template.expand(&[("slug", slug), ("path", path), ("id", &id.to_string())]))
    }

    /// Returns the address of a tag's page; none without a template.
    pub fn tag_url(&self, slug: &str, id: TagId) -> Option<String> {
        Some(self.tag_url.as_ref()?.expand(&[("slug", slug), ("id", &id.to_string())]))
    }

    /// Returns the address of a staff profile's page; none without a template.
    pub fn staff_url(&self, slug: &str, id: StaffId) -> Option<String> {
        Some(self.staff_url.as_ref()?.expand(&[("slug", slug), ("id", &id.to_string())]))
    }
}

fn places_suffice(template: &UrlTemplate, places: &[(&str, &str)]) -> bool {
    template.places().all(|wanted| places.iter().any(|(name, _)| *name == wanted))
}
