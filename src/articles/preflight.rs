//! What is missing before an article can be put before readers.
//!
//! A finding is an error, which publishing refuses, or a warning, which it does not; which it is, is a setting.

use serde::Serialize;
use utoipa::ToSchema;

use super::content::Content;
use crate::{
    body::Body,
    config::{PreflightRules, Severity},
    db::Conn,
    error::{Code, Error, Fault, Result},
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

/// Lists all that is missing or left over.
///
/// # Errors
/// When the database fails.
pub fn findings(_conn: &mut Conn, content: &Content, body: &Body, rules: &PreflightRules) -> Result<Vec<Finding>> {
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
    Ok(findings.found)
}

/// Refuses what has findings that are errors.
///
/// # Errors
/// `preflight_failed` with all of them.
pub fn require(conn: &mut Conn, content: &Content, body: &Body, rules: &PreflightRules) -> Result<()> {
    let errors: Vec<Fault> = findings(conn, content, body, rules)?
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| Fault::new(finding.pointer, finding.code, finding.detail))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Error::faults(Code::PreflightFailed, errors)) }
}

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

    fn push(&mut self, code: &'static str, severity: Severity, pointer: &str, detail: &str) {
        self.found.push(Finding { code, severity, pointer: pointer.to_owned(), detail: detail.to_owned() });
    }
}
