//! The editors' desk: what must be there before publishing, what happens by the clock, how long revisions are kept.

use std::{collections::BTreeMap, ffi::OsString};

use super::reader::Reader;
use crate::db::types::text_enum;

/// The settings of the desk as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Desk")]
pub struct DeskArgs {
    /// What the check before publishing makes of what it finds, such as `missing_byline=error,missing_excerpt=off`;
    /// warnings unless said otherwise.
    #[arg(long, env = "FRONTPAGE_PREFLIGHT", value_name = "RULES")]
    pub preflight: Option<OsString>,
    /// How often the server records what has happened by the clock, in seconds. Readers see it at its time all the same.
    #[arg(long, env = "FRONTPAGE_SCHEDULE_SECONDS", default_value = SCHEDULE_SECONDS, value_name = "SECONDS")]
    pub schedule_seconds: Option<OsString>,
    /// For how many days revisions are kept that readers never saw; 0 keeps them for ever.
    #[arg(long, env = "FRONTPAGE_REVISION_DAYS", default_value = REVISION_DAYS, value_name = "DAYS")]
    pub revision_days: Option<OsString>,
}

/// Webhooks and caches are to hear within five seconds; a look at an empty index costs microseconds.
const SCHEDULE_SECONDS: &str = "1";
/// Nothing is lost unless somebody says so.
const REVISION_DAYS: &str = "0";

text_enum! {
    /// How much a finding weighs: publishing refuses an `error`, not a `warning`.
    pub enum Severity as PreflightSeverity {
        /// Publishing refuses it.
        Error = "error",
        /// Publishing does not mind.
        Warning = "warning",
    }
}

/// The findings whose weight is a setting.
pub const PREFLIGHT_CODES: [&str; 6] =
    ["missing_byline", "missing_excerpt", "missing_alt", "missing_credit", "broken_link", "leftover_note"];

/// What the check before publishing makes of what it finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreflightRules(BTreeMap<String, Option<Severity>>);

impl PreflightRules {
    fn parse(text: &str) -> Result<Self, String> {
        let mut rules = BTreeMap::new();
        for rule in text.split(',').map(str::trim).filter(|rule| !rule.is_empty()) {
            let (code, weight) =
                rule.split_once('=').ok_or_else(|| format!("{rule:?} is not of the form code=severity"))?;
            if !PREFLIGHT_CODES.contains(&code) {
                return Err(format!("{code:?} is not known; known are {}", PREFLIGHT_CODES.join(", ")));
            }
            let severity = match weight {
                "off" => None,
                weight => {
                    Some(Severity::parse(weight).ok_or_else(|| format!("{weight:?} must be error, warning or off"))?)
                }
            };
            if rules.insert(code.to_owned(), severity).is_some() {
                return Err(format!("{code:?} stands twice"));
            }
        }
        Ok(Self(rules))
    }

    /// Returns how much a finding weighs; `None` when nobody wants to hear of it.
    pub fn severity(&self, code: &str) -> Option<Severity> {
        self.0.get(code).copied().unwrap_or(Some(Severity::Warning))
    }
}

/// The editors' desk.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// What the check before publishing makes of what it finds.
    pub preflight: PreflightRules,
    /// How often what has happened by the clock is recorded.
    pub schedule_seconds: u64,
    /// For how many days revisions are kept that readers never saw; for ever when 0.
    pub revision_days: u32,
}

impl DeskConfig {
    pub(super) fn read(args: &DeskArgs, reader: &mut Reader) -> Option<Self> {
        let preflight = reader.setting("FRONTPAGE_PREFLIGHT", &args.preflight, "", PreflightRules::parse);
        let schedule = reader.number("FRONTPAGE_SCHEDULE_SECONDS", &args.schedule_seconds, SCHEDULE_SECONDS, 1..=3600);
        let revision_days = reader.number("FRONTPAGE_REVISION_DAYS", &args.revision_days, REVISION_DAYS, 0..=36_500);
        Some(Self { preflight: preflight?, schedule_seconds: schedule?, revision_days: revision_days? })
    }
}
