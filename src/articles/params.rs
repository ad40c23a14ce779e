//! The query parameters of articles.

use deserr::Deserr;
use utoipa::IntoParams;

use super::{desk, lifecycle::State, list::Sort, words::Search, working::Parts};
use crate::{
    auth::{identity::Caller, secret::PreviewToken},
    clock::Instant,
    error::{Code, Error, Fault, Result},
    http::{
        page::Limit,
        query::{Flag, Many, Moment, Names},
        view::View,
    },
    ids::{ArticleId, SectionId, StaffId, TagId, UserId},
    input::{Faults, Invalid, Language},
    reference::Reference,
};

/// Which articles to list, and what of them.
#[derive(Clone, Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ArticleListParams {
    /// `live` (the default) is what readers see; `working` lists working copies, the latest change first, and needs a token.
    #[deserr(default)]
    #[param(required = false)]
    pub view: View,
    /// Articles of a section, by id or slug, and of all sections below it.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "world")]
    pub section: Option<Reference<SectionId>>,
    /// Articles with a tag, by id or slug; when repeated, all must match. Only for `view=live`.
    #[deserr(default)]
    #[param(value_type = Vec<String>, required = false)]
    pub tag: Many<Reference<TagId>>,
    /// Articles of somebody in the byline, by id or slug. Only for `view=live`.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    pub author: Option<Reference<StaffId>>,
    /// Published at this moment or later. Only for `view=live`.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false, example = "2026-11-01T00:00:00Z")]
    pub published_after: Option<Moment>,
    /// Published before this moment. Only for `view=live`.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    pub published_before: Option<Moment>,
    /// Changed at this moment or later.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    pub updated_after: Option<Moment>,
    /// Articles that are to stand out, or those that are not. Only for `view=live`.
    #[deserr(default)]
    #[param(value_type = bool, required = false)]
    pub featured: Option<Flag>,
    /// Articles in a language, as a BCP 47 tag. Only for `view=live`.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "en")]
    pub language: Option<Language>,
    /// Ids of articles to leave out, separated by commas or in repeated parameters; up to 100. Only for `view=live`.
    #[deserr(default)]
    #[param(value_type = Vec<String>, required = false)]
    pub exclude: Many<Ids>,
    /// The order. Only for `view=live`.
    #[deserr(default)]
    #[param(required = false)]
    pub sort: Option<Sort>,
    /// Working copies in a state. Only for `view=working`.
    #[deserr(default)]
    #[param(required = false)]
    pub state: Option<State>,
    /// Working copies that somebody created: a user id, or `me`. Only for `view=working`.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "me")]
    pub created_by: Option<Somebody>,
    /// Working copies that are assigned to somebody: a user id, `me`, or `none` for those that are assigned to nobody.
    /// Only for `view=working`.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "none")]
    pub assigned_to: Option<Assigned>,
    /// Working copies with all of these words, or words that begin with them, in title, slug or kicker, whatever their
    /// case and accents; up to 300 characters and 20 words. Only for `view=working`. For words that very many articles
    /// have, a page may have fewer articles than there are, or none: go on while `page.next` is there.
    #[deserr(default)]
    #[param(value_type = String, required = false, max_length = 300, example = "harbor reop")]
    pub q: Option<Search>,
    /// `true` lists what is in the trash. Only for `view=working`.
    #[deserr(default)]
    #[param(value_type = bool, required = false)]
    pub trashed: Option<Flag>,
    /// What to include besides, separated by commas: bodies as `body_html`, `body_blocks`, `body_markdown`, `body_text`;
    /// `json_ld`, the article as structured data, only for `view=live`.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "body_html")]
    pub include: Option<Names>,
    /// The only members to answer with, separated by commas.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "id,title,excerpt,published_at")]
    pub fields: Option<Names>,
    /// How many to list, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    pub limit: Limit,
    /// `page.next` or `page.prev` of another page of the same list.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    pub cursor: Option<String>,
}

/// What of an article to answer with.
#[derive(Clone, Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ArticleParams {
    /// `live` (the default) is what readers see; `working` is the newest revision and needs a token.
    #[deserr(default)]
    #[param(required = false)]
    pub view: View,
    /// What readers saw at this moment instead of what they see now. Only for `view=live`.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false, example = "2026-11-23T08:00:00Z")]
    pub as_of: Option<Moment>,
    /// What to include instead of `body_html`, separated by commas: bodies as `body_html`, `body_blocks`,
    /// `body_markdown`, `body_text`; `json_ld`, the article as structured data, only of what readers see now.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "body_html,body_blocks")]
    pub include: Option<Names>,
    /// A preview token: shows the article as it would be for readers, without a login. Not with `view=working`.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    pub preview: Option<PreviewKey>,
    /// The only members to answer with, separated by commas.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "id,title,body_html")]
    pub fields: Option<Names>,
}

/// Which articles of the desk to count.
#[derive(Clone, Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CountParams {
    /// Articles of a section, by id or slug, and of all sections below it.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "world")]
    pub section: Option<Reference<SectionId>>,
    /// Changed at this moment or later.
    #[deserr(default)]
    #[param(value_type = String, format = DateTime, required = false)]
    pub updated_after: Option<Moment>,
    /// Articles that somebody created: a user id, or `me`.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "me")]
    pub created_by: Option<Somebody>,
    /// Articles that are assigned to somebody: a user id, `me`, or `none` for those that are assigned to nobody.
    #[deserr(default)]
    #[param(value_type = String, required = false, example = "none")]
    pub assigned_to: Option<Assigned>,
    /// Articles with all of these words, or words that begin with them, in title, slug or kicker, whatever their case and
    /// accents; up to 300 characters and 20 words.
    #[deserr(default)]
    #[param(value_type = String, required = false, max_length = 300, example = "harbor reop")]
    pub q: Option<Search>,
    /// `true` counts what is in the trash.
    #[deserr(default)]
    #[param(value_type = bool, required = false)]
    pub trashed: Option<Flag>,
}

/// Some ids in one parameter.
#[derive(Clone, Debug)]
pub struct Ids(pub Vec<ArticleId>);

/// The most ids that can be left out.
pub const MOST_EXCLUDED: usize = 100;

impl Ids {
    fn parse(text: &str) -> std::result::Result<Self, Invalid> {
        let ids: Option<Vec<ArticleId>> = text.split(',').map(ArticleId::parse).collect();
        let ids = ids.ok_or_else(|| Invalid::new("invalid_id", "must be ids of articles, separated by commas"))?;
        if ids.len() > MOST_EXCLUDED {
            return Err(Invalid::new("too_many", format!("at most {MOST_EXCLUDED} ids are allowed")));
        }
        Ok(Self(ids))
    }
}

crate::input::parsed!(Ids);

/// A user account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Somebody {
    /// The caller.
    Me,
    /// A user.
    User(UserId),
}

impl Somebody {
    fn parse(text: &str) -> std::result::Result<Self, Invalid> {
        match text {
            "me" => Ok(Self::Me),
            id => {
                UserId::parse(id).map(Self::User).ok_or_else(|| Invalid::new("invalid_id", "must be a user id or me"))
            }
        }
    }
}

crate::input::parsed!(Somebody);

impl Somebody {
    /// Returns the account, by whoever asks.
    pub fn user(self, caller: &Caller) -> UserId {
        match self {
            Self::Me => caller.user_id,
            Self::User(id) => id,
        }
    }
}

/// Whom an article is assigned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// To nobody.
    Nobody,
    /// To somebody.
    To(Somebody),
}

impl Assigned {
    fn parse(text: &str) -> std::result::Result<Self, Invalid> {
        match text {
            "none" => Ok(Self::Nobody),
            text => Somebody::parse(text)
                .map(Self::To)
                .map_err(|_| Invalid::new("invalid_id", "must be a user id, me or none")),
        }
    }
}

crate::input::parsed!(Assigned);

/// What was sent as a preview token; what is none opens nothing, like one that is not in force.
#[derive(Clone, Debug)]
pub struct PreviewKey(Option<PreviewToken>);

impl PreviewKey {
    #[expect(clippy::unnecessary_wraps, reason = "the shape that `parsed` asks for")]
    fn parse(text: &str) -> std::result::Result<Self, Invalid> {
        Ok(Self(PreviewToken::parse(text).ok()))
    }

    /// Returns the token, if it can be one.
    pub fn token(&self) -> Option<&PreviewToken> {
        self.0.as_ref()
    }
}

crate::input::parsed!(PreviewKey);

impl ArticleListParams {
    /// Refuses parameters that the view does not have, and all other faults that need no database.
    ///
    /// # Errors
    /// `invalid_parameter` with all faults.
    pub fn check(&self) -> Result<()> {
        let mut faults = Faults::new();
        let only_live = [
            ("tag", !self.tag.0.is_empty()),
            ("author", self.author.is_some()),
            ("published_after", self.published_after.is_some()),
            ("published_before", self.published_before.is_some()),
            ("featured", self.featured.is_some()),
            ("language", self.language.is_some()),
            ("exclude", !self.exclude.0.is_empty()),
            ("sort", self.sort.is_some()),
        ];
        let only_working = [
            ("state", self.state.is_some()),
            ("created_by", self.created_by.is_some()),
            ("assigned_to", self.assigned_to.is_some()),
            ("q", self.q.is_some()),
            ("trashed", self.trashed.is_some()),
        ];
        let (foreign, other): (&[(&str, bool)], _) =
            if self.view == View::Live { (&only_working, "working") } else { (&only_live, "live") };
        for (name, is_given) in foreign {
            if *is_given {
                faults.add(format!("/{name}"), "not_allowed", format!("only for view={other}"));
            }
        }
        if self.exclude.0.iter().map(|ids| ids.0.len()).sum::<usize>() > MOST_EXCLUDED {
            faults.add("/exclude", "too_many", format!("at most {MOST_EXCLUDED} ids are allowed"));
        }
        if self.tag.0.len() > 10 {
            faults.add("/tag", "too_many", "at most 10 tags are allowed");
        }
        if self.view == View::Working && self.wants_json_ld() {
            faults.add("/include", "not_allowed", "json_ld is only for view=live");
        }
        faults.check(Code::InvalidParameter)
    }

    /// Returns the bodies to include: none unless asked for.
    ///
    /// # Errors
    /// `invalid_parameter` for a name that is not one.
    pub fn parts(&self) -> Result<Parts> {
        self.include.as_ref().map_or(Ok(Parts::default()), |names| parts(&bodies_of(names)))
    }

    /// Returns whether the structured data is asked for.
    pub fn wants_json_ld(&self) -> bool {
        names_json_ld(self.include.as_ref())
    }

    /// Returns what the desk's list is asked for.
    pub fn desk(&self) -> desk::Asked {
        desk::Asked {
            state: self.state,
            section: self.section.clone(),
            created_by: self.created_by,
            assigned_to: self.assigned_to,
            updated_after: self.updated_after.map(|moment| moment.0),
            search: self.q.clone(),
            is_trashed: self.trashed == Some(Flag(true)),
        }
    }

    /// Names the list, so that a cursor of another list does not fit.
    pub fn binding(&self) -> String {
        let mut copy = self.clone();
        // What of the articles is shown, and how many, does not make it another list.
        (copy.cursor, copy.fields, copy.include, copy.limit) = (None, None, None, Limit::default());
        copy.sort = Some(copy.sort.unwrap_or_default());
        (copy.tag, copy.exclude) = (copy.tag.in_one_order(), copy.exclude.in_one_order());
        format!("articles|{copy:?}")
    }
}

impl ArticleParams {
    /// Returns whether a body is asked for by name.
    pub fn names_bodies(&self) -> bool {
        let names_body = |names: &Names| names.0.iter().any(|name| name.starts_with("body_"));
        self.include.as_ref().is_some_and(names_body) || self.fields.as_ref().is_some_and(names_body)
    }
}

impl CountParams {
    /// Returns what is to be counted.
    pub fn desk(self) -> desk::Asked {
        desk::Asked {
            state: None,
            section: self.section,
            created_by: self.created_by,
            assigned_to: self.assigned_to,
            updated_after: self.updated_after.map(|moment| moment.0),
            search: self.q,
            is_trashed: self.trashed == Some(Flag(true)),
        }
    }
}

impl ArticleParams {
    /// Returns the moment whose article is asked for, if it is not the present one.
    ///
    /// # Errors
    /// `invalid_parameter` with `view=working`, whose past are the revisions.
    pub fn as_of(&self) -> Result<Option<Instant>> {
        match (self.as_of, self.view) {
            (Some(_), View::Working) => {
                let fault = Fault::new("/as_of", "not_allowed", "only for view=live; see the revisions for the rest");
                Err(Error::faults(Code::InvalidParameter, vec![fault]))
            }
            (at, _) => Ok(at.map(|moment| moment.0)),
        }
    }

    /// Refuses parameters that do not go together.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub fn check(&self) -> Result<()> {
        let mut faults = Faults::new();
        if self.preview.is_some() && self.view == View::Working {
            faults.add("/preview", "not_allowed", "not with view=working");
        }
        let is_present = self.view == View::Live && self.as_of.is_none() && self.preview.is_none();
        if self.wants_json_ld() && !is_present {
            faults.add("/include", "not_allowed", "json_ld is only of what readers see now");
        }
        faults.check(Code::InvalidParameter)
    }

    /// Returns the bodies to include: the HTML unless something else is asked for.
    ///
    /// # Errors
    /// `invalid_parameter` for a name that is not one.
    pub fn parts(&self) -> Result<Parts> {
        self.include.as_ref().map_or(Ok(Parts::SINGLE), |names| parts(&bodies_of(names)))
    }

    /// Returns whether the structured data is asked for.
    pub fn wants_json_ld(&self) -> bool {
        names_json_ld(self.include.as_ref())
    }
}

/// The part that is not a body.
const JSON_LD: &str = "json_ld";

fn names_json_ld(names: Option<&Names>) -> bool {
    names.is_some_and(|names| names.0.iter().any(|name| name == JSON_LD))
}

fn bodies_of(names: &Names) -> Names {
    Names(names.0.iter().filter(|name| *name != JSON_LD).cloned().collect())
}

/// Returns the bodies that are named.
///
/// # Errors
/// `invalid_parameter` for a name that is not one.
pub(super) fn parts(names: &Names) -> Result<Parts> {
    let mut parts = Parts::default();
    for name in &names.0 {
        match name.as_str() {
            "body_html" => parts.html = true,
            "body_blocks" => parts.blocks = true,
            "body_markdown" => parts.markdown = true,
            "body_text" => parts.text = true,
            other => return Err(unknown("/include", other, "body_html, body_blocks, body_markdown, body_text")),
        }
    }
    Ok(parts)
}

/// Says that a name is not known, and which ones are.
pub(super) fn unknown(pointer: &str, name: &str, known: &str) -> Error {
    let name: String = name.chars().take(60).collect();
    let detail = format!("\"{name}\" is not known here; known are {known}");
    Error::faults(Code::InvalidParameter, vec![Fault::new(pointer, "unknown", detail)])
}
