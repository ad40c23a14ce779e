//! What is missing before an article can be put before readers.
//!
//! A finding is an error, which publishing refuses, or a warning, which it does not; which it is, is a setting.

use serde::Serialize;
use utoipa::ToSchema;

use super::{content::Content, live};
use crate::{
    body::{Body, ImageView},
    config::{PreflightRules, Severity},
    db::Conn,
    error::{Code, Error, Fault, Result},
    ids::ArticleId,
    input::Prose,
};

/// Something that is missing or left over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// What kind of finding it is, for programs.
    #[schema(example = "missing_section")]
    pub code: &'static str,
    /// Whether publishing refuses it.
    pub severity: Severity,
    /// A JSON pointer to the member that it is about.
    #[schema(example = "/section")]
    pub pointer: String,
    /// What is missing, for people.
    #[schema(example = "The article has no section.")]
    pub detail: String,
}

/// What is checked.
pub struct Candidate<'a> {
    /// What it says.
    pub content: &'a Content,
    /// Its body.
    pub body: &'a Body,
    /// What the editor said who handed it back.
    pub review_note: Option<&'a str>,
}

/// Lists all that is missing or left over.
///
/// # Errors
/// When the database fails.
pub fn findings(conn: &mut Conn, candidate: &Candidate<'_>, rules: &PreflightRules) -> Result<Vec<Finding>> {
    let Candidate { content, body, .. } = *candidate;
    let mut findings = Findings { rules, found: Vec::new() };
    // Without these there is no page to show, so they are errors whatever the setting says.
    if content.section.is_none() {
        findings.always("missing_section", "/section", "The article has no section.");
    }
    if body.is_empty() {
        findings.always("missing_body", "/body_html", "The article has no body.");
    }
    if content.authors.is_empty() && content.byline.is_none() {
        findings.add("missing_byline", "/authors", "Nobody is named as author, and there is no byline.");
    }
    if content.excerpt.is_none() && content.standfirst.is_none() {
        findings.add(
            "missing_excerpt",
            "/excerpt",
            "There is neither an excerpt nor a standfirst; one is made from the body.",
        );
    }
    findings.pictures(&pictures(body));
    findings.links(conn, content, &references(body))?;
    findings.left_over(candidate);
    Ok(findings.found)
}

/// Refuses what has findings that are errors.
///
/// # Errors
/// `preflight_failed` with all of them.
pub fn require(conn: &mut Conn, candidate: &Candidate<'_>, rules: &PreflightRules) -> Result<()> {
    let errors: Vec<Fault> = findings(conn, candidate, rules)?
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| Fault::new(finding.pointer, finding.code, finding.detail))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Error::faults(Code::PreflightFailed, errors)) }
}

/// A picture in a body, as far as it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Picture {
    /// Whether somebody has said what it shows, or that it is there for decoration.
    is_described: bool,
    /// Whether it says who made it.
    is_credited: bool,
}

/// The pictures of a body, in reading order.
fn pictures(body: &Body) -> Vec<Picture> {
    let picture =
        |image: ImageView<'_>| Picture { is_described: image.alt.is_some(), is_credited: image.credit.is_some() };
    body.images().into_iter().map(picture).collect()
}

/// The articles that a body leads to, in reading order.
fn references(body: &Body) -> Vec<ArticleId> {
    body.article_references().iter().map(|reference| ArticleId::from_uuid(*reference.uuid())).collect()
}

/// Findings of one kind beyond this many are counted, not listed.
const MOST_OF_A_KIND: usize = 20;

struct Findings<'a> {
    rules: &'a PreflightRules,
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn always(&mut self, code: &'static str, pointer: &str, detail: &str) {
        self.push(code, Severity::Error, pointer, detail);
    }

    fn add(&mut self, code: &'static str, pointer: &str, detail: &str) {
        if let Some(severity) = self.rules.severity(code) {
            self.push(code, severity, pointer, detail);
        }
    }

    fn pictures(&mut self, pictures: &[Picture]) {
        let count =
            |is_missing: &dyn Fn(&Picture) -> bool| pictures.iter().filter(|picture| is_missing(picture)).count();
        let (plain, anonymous) = (count(&|picture| !picture.is_described), count(&|picture| !picture.is_credited));
        if plain > 0 {
            self.add("missing_alt", "/body_blocks", &format!("Pictures that do not say what they show: {plain}."));
        }
        if anonymous > 0 {
            self.add(
                "missing_credit",
                "/body_blocks",
                &format!("Pictures that do not say who made them: {anonymous}."),
            );
        }
    }

    /// Finds what leads readers nowhere.
    fn links(&mut self, conn: &mut Conn, content: &Content, references: &[ArticleId]) -> Result<()> {
        const CODE: &str = "broken_link";
        let named: Vec<ArticleId> = content.related.iter().chain(references).copied().collect();
        if named.is_empty() || self.rules.severity(CODE).is_none() {
            return Ok(());
        }
        let seen = live::visible(conn, named)?;
        for (index, id) in content.related.iter().enumerate().filter(|(_, id)| !seen.contains(id)) {
            self.add(CODE, &format!("/related/{index}"), &format!("Readers do not see the related article {id}."));
        }
        for id in references.iter().filter(|id| !seen.contains(id)).take(MOST_OF_A_KIND) {
            self.add(CODE, "/body_blocks", &format!("The body leads to the article {id}, which readers do not see."));
        }
        Ok(())
    }

    /// Finds notes of the newsroom to itself.
    fn left_over(&mut self, candidate: &Candidate<'_>) {
        const CODE: &str = "leftover_note";
        if self.rules.severity(CODE).is_none() {
            return;
        }
        if let Some(note) = candidate.review_note {
            let note: String = note.chars().take(200).collect();
            self.add(CODE, "/review_note", &format!("The note of whoever handed it back still stands: {note}"));
        }
        let Candidate { content, body, .. } = *candidate;
        let text = body.to_text();
        let texts = [
            ("/title", content.title.as_str()),
            ("/standfirst", content.standfirst.as_ref().map_or("", Prose::as_str)),
            ("/excerpt", content.excerpt.as_ref().map_or("", Prose::as_str)),
            ("/body_html", &text),
        ];
        for (pointer, text) in texts {
            if let Some(note) = placeholder(text) {
                self.add(CODE, pointer, &format!("\"{note}\" stands for something that is still to be written."));
            }
        }
    }

    fn push(&mut self, code: &'static str, severity: Severity, pointer: &str, detail: &str) {
        self.found.push(Finding { code, severity, pointer: pointer.to_owned(), detail: detail.to_owned() });
    }
}

/// Returns the first thing in a text that stands for something that is still to be written.
fn placeholder(text: &str) -> Option<String> {
    // `TK`, "to come", is what newsrooms write because no word has these letters in a row.
    const WORDS: [&str; 4] = ["TK", "TKTK", "TODO", "XXX"];
    const LONGEST_SHOWN: usize = 60;
    let word = text.split(|c: char| !c.is_alphanumeric() && c != '_').find(|word| WORDS.contains(word));
    let bracketed = || {
        let (_, rest) = text.split_once("[[")?;
        let (note, _) = rest.split_once("]]")?;
        let shown: String = note.chars().take(LONGEST_SHOWN).collect();
        Some(format!("[[{shown}]]"))
    };
    word.map(str::to_owned).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_words_of_their_own_or_stand_in_double_brackets() {
        for (text, found) in [
            ("The minister said TK.", Some("TK")),
            ("(TKTK)", Some("TKTK")),
            ("TODO: call back", Some("TODO")),
            ("XXX million", Some("XXX")),
            ("see [[name of the ship]] there", Some("[[name of the ship]]")),
            ("tk, Todo, XXXL, ATK, TK_1", None),
            ("[[ without an end, [one] and ]]", Some("[[ without an end, [one] and ]]")),
            ("[[ without an end", None),
            ("]] before [[", None),
            ("", None),
        ] {
            assert_eq!(placeholder(text).as_deref(), found, "{text}");
        }
    }

    #[test]
    fn pictures_are_described_and_credited() {
        let find = |pictures: &[Picture]| {
            let rules = PreflightRules::default();
            let mut findings = Findings { rules: &rules, found: Vec::new() };
            findings.pictures(pictures);
            findings.found.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        let picture = |is_described, is_credited| Picture { is_described, is_credited };

        assert_eq!(find(&[]), [""; 0]);
        assert_eq!(find(&[picture(true, true)]), [""; 0]);
        assert_eq!(find(&[picture(true, true), picture(false, true)]), ["missing_alt"]);
        assert_eq!(find(&[picture(true, false)]), ["missing_credit"]);
        assert_eq!(find(&[picture(false, false), picture(false, false)]), ["missing_alt", "missing_credit"]);
    }
}
