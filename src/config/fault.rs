//! What is wrong with a configuration: every fault at once, each with the variable, the value and what is allowed.
//!
//! A fault never shows a secret: values marked as such are left out, and credentials in URLs are blanked.

use std::fmt;

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The variable, or the file, that it is about.
    pub subject: String,
    /// The value as far as a message may show it.
    pub given: Option<String>,
    /// What is wrong and what is allowed.
    pub problem: String,
}

/// A value longer than this is cut in messages.
const SHOWN_CHARS: usize = 120;

impl ConfigFault {
    /// Makes a fault of a variable whose value may be shown.
    pub fn of_value(variable: &str, given: &str, problem: impl Into<String>) -> Self {
        Self { subject: variable.to_owned(), given: Some(shown(given)), problem: problem.into() }
    }

    /// Makes a fault of a variable or file without showing a value.
    pub fn of(subject: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { subject: subject.into(), given: None, problem: problem.into() }
    }

    /// Makes the fault of a variable that is not a setting; its value may be anybody's secret.
    pub fn unknown(variable: &str) -> Self {
        Self::of(variable, "is not a setting of this version; .env.example lists those that are")
    }
}

/// Returns the flag that goes with a variable: `FRONTPAGE_BODY_LIMIT_BYTES` is `body-limit-bytes`.
pub fn flag_of(variable: &str) -> String {
    variable.strip_prefix("FRONTPAGE_").unwrap_or(variable).to_ascii_lowercase().replace('_', "-")
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.given {
            Some(given) => {
                write!(f, "{} (--{}) is \"{given}\": {}", self.subject, flag_of(&self.subject), self.problem)
            }
            None => write!(f, "{}: {}", self.subject, self.problem),
        }
    }
}

/// All faults of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigFaults(Vec<ConfigFault>);

impl ConfigFaults {
    /// Makes an empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault.
    pub fn add(&mut self, fault: ConfigFault) {
        self.0.push(fault);
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the faults in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigFault> {
        self.0.iter()
    }

    /// Returns what was read, unless there are faults here or there.
    ///
    /// # Errors
    /// The faults of both, these first.
    pub fn and<T>(mut self, read: Result<T, Self>) -> Result<T, Self> {
        match read {
            Ok(value) if self.is_empty() => Ok(value),
            Ok(_) => Err(self),
            Err(more) => {
                self.0.extend(more.0);
                Err(self)
            }
        }
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("The configuration has a fault:")?,
            n => write!(f, "The configuration has {n} faults:")?,
        }
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for ConfigFaults {}

/// Cuts a value, replaces what would disturb a terminal, and blanks the credentials of URLs.
fn shown(value: &str) -> String {
    let mut text: String = without_credentials(value)
        .chars()
        .take(SHOWN_CHARS)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if value.chars().count() > SHOWN_CHARS {
        text.push('…');
    }
    text
}

fn without_credentials(value: &str) -> String {
    let mut clean = String::with_capacity(value.len());
    for (position, piece) in value.split("://").enumerate() {
        if position > 0 {
            clean.push_str("://");
        }
        // A password may itself have a slash in it, so everything up to the last `@` goes.
        match piece.rsplit_once('@').filter(|_| position > 0) {
            Some((_, rest)) => {
                clean.push_str("…@");
                clean.push_str(rest);
            }
            None => clean.push_str(piece),
        }
    }
    clean
}
