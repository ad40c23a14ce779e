//! Reads raw settings into typed values and collects what is wrong with them.
//!
//! The command line hands over unchecked text, so that a wrong value is reported here with the others instead of
//! ending the program at the first. An empty value counts as none, as is usual for variables in container files.

use std::{ffi::OsString, fmt::Display, ops::RangeInclusive, str::FromStr};

use super::fault::{ConfigFault, ConfigFaults};

/// A setting as the command line or the environment gave it. (The derive of clap must see the `Option` itself.)
pub(super) type Raw = Option<OsString>;

/// Collects the faults of the settings that it reads.
///
/// What it returns is `None` exactly when it has noted a fault.
#[derive(Default)]
pub(super) struct Reader {
    faults: ConfigFaults,
}

impl Reader {
    /// Returns the value, or all faults.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, ConfigFaults> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(self.faults),
        }
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, fault: ConfigFault) {
        self.faults.add(fault);
    }

    /// Reads a setting with a default.
    pub(super) fn setting<T>(
        &mut self,
        variable: &str,
        raw: &Raw,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(variable, raw)?.unwrap_or_else(|| default.to_owned());
        self.check(variable, &text, parse)
    }

    /// Reads a setting that may be absent; what it is then, the caller knows.
    pub(super) fn optional<T>(
        &mut self,
        variable: &str,
        raw: &Raw,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match self.text(variable, raw)? {
            Some(text) => self.check(variable, &text, parse).map(Some),
            None => Some(None),
        }
    }

    /// Reads a whole number within a range.
    pub(super) fn number<T>(&mut self, variable: &str, raw: &Raw, default: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + Display,
    {
        self.setting(variable, raw, default, |text| number(text, &range))
    }

    /// Reads `true` or `false`.
    pub(super) fn switch(&mut self, variable: &str, raw: &Raw, default: &str) -> Option<bool> {
        self.setting(variable, raw, default, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        })
    }

    /// Reads a comma-separated list, in which every element that is wrong is reported.
    pub(super) fn list<T>(
        &mut self,
        variable: &str,
        raw: &Raw,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let text = self.text(variable, raw)?.unwrap_or_default();
        let elements: Vec<_> = text
            .split(',')
            .map(str::trim)
            .filter(|element| !element.is_empty())
            .map(|element| self.check(variable, element, &parse))
            .collect();
        elements.into_iter().collect()
    }

    /// Reads a setting that must not be shown.
    pub(super) fn secret<T>(
        &mut self,
        variable: &str,
        raw: &Raw,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(variable, raw)?.unwrap_or_else(|| default.to_owned());
        parse(&text).map_err(|problem| self.fault(ConfigFault::of(variable, problem))).ok()
    }

    /// Reads a list, separated by commas or spaces, whose elements must not be shown.
    pub(super) fn secrets<T>(
        &mut self,
        variable: &str,
        raw: &Raw,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        self.secrets_in(variable, raw, [',', ' ', '\t'], parse)
    }

    /// Reads a list, separated by what the caller says, whose elements must not be shown.
    pub(super) fn secrets_in<T, const N: usize>(
        &mut self,
        variable: &str,
        raw: &Raw,
        separators: [char; N],
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let text = self.text(variable, raw)?.unwrap_or_default();
        let elements = text.split(separators).filter(|element| !element.trim().is_empty()).enumerate();
        let elements: Vec<_> = elements
            .map(|(index, element)| {
                let fault = |problem| ConfigFault::of(variable, format!("number {} in the list: {problem}", index + 1));
                parse(element).map_err(|problem| self.fault(fault(problem))).ok()
            })
            .collect();
        elements.into_iter().collect()
    }

    /// Returns the text of a setting; the inner `None` when there is none or it is blank.
    fn text(&mut self, variable: &str, raw: &Raw) -> Option<Option<String>> {
        let Some(raw) = raw else { return Some(None) };
        let Some(text) = raw.to_str() else {
            self.fault(ConfigFault::of(variable, "is not UTF-8"));
            return None;
        };
        let text = text.trim_matches([' ', '\t']);
        Some((!text.is_empty()).then(|| text.to_owned()))
    }

    fn check<T>(&mut self, variable: &str, text: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        parse(text).map_err(|problem| self.fault(ConfigFault::of_value(variable, text, problem))).ok()
    }
}

/// Reads a whole number within a range.
pub(super) fn number<T: FromStr + PartialOrd + Display>(text: &str, range: &RangeInclusive<T>) -> Result<T, String> {
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
}

/// Returns the number of processors that the program may use.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
