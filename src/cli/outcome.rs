//! How a command ends.

use std::{fmt, process::ExitCode};

use crate::{
    config::ConfigFaults,
    error::{Code, Error},
};

/// How a command ends.
pub(super) type Outcome = Result<(), Failure>;

/// Why a command did not do what it was told.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was told something wrong.
    Told(String),
    /// It could not.
    Failed(String),
}

impl Failure {
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Told(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::from(1),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Told(message) | Self::Failed(message)) = self;
        write!(f, "error: {message}")
    }
}

impl From<ConfigFaults> for Failure {
    fn from(faults: ConfigFaults) -> Self {
        Self::Told(faults.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(message(&error))
    }
}

/// Says for people at a terminal what an answer would say to a client, and the cause, which no client is told.
fn message(error: &Error) -> String {
    let mut message = match error.code() {
        // Its detail points to the log of a server.
        Code::Internal => error.code().title().to_owned(),
        _ if error.input_faults().is_empty() => error.detail().to_owned(),
        _ => error.code().title().to_owned(),
    };
    for fault in error.input_faults() {
        message.push_str(&format!("\n  {}: {}", fault.pointer.trim_start_matches('/'), fault.detail));
    }
    if let Some(cause) = error.cause() {
        message.push_str(&format!("\n  cause: {}", cause.trim_end().replace('\n', "\n  ")));
    }
    message
}
