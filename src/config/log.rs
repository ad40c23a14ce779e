//! What is logged, and how it is written.

use std::ffi::OsString;

use tracing_subscriber::EnvFilter;

use super::reader::Reader;

/// The settings of the log as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// How the log is written to standard error: `text` for people, `json` for one JSON object a line.
    #[arg(long, env = "FRONTPAGE_LOG_FORMAT", default_value = FORMAT, value_name = "FORMAT")]
    pub log_format: Option<OsString>,
    /// What is logged: a level (error, warn, info, debug, trace, off), also per module, as in
    /// `info,frontpage::db=debug`.
    #[arg(long, env = "FRONTPAGE_LOG_LEVEL", default_value = LEVEL, value_name = "LEVEL")]
    pub log_level: Option<OsString>,
    /// Whether each request is logged: `true` or `false`.
    #[arg(long, env = "FRONTPAGE_LOG_REQUESTS", default_value = REQUESTS, value_name = "BOOL", hide_short_help = true)]
    pub log_requests: Option<OsString>,
}

const FORMAT: &str = "text";
const LEVEL: &str = "info";
const REQUESTS: &str = "false";

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// How the log is written.
    pub format: LogFormat,
    /// What is logged, as a filter that `EnvFilter` takes.
    pub filter: String,
    /// Whether each request is logged.
    pub requests: bool,
}

impl LogConfig {
    pub(super) fn read(args: &LogArgs, reader: &mut Reader) -> Option<Self> {
        let format = reader.setting("FRONTPAGE_LOG_FORMAT", &args.log_format, FORMAT, |text| match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("must be text or json".to_owned()),
        });
        let filter = reader.setting("FRONTPAGE_LOG_LEVEL", &args.log_level, LEVEL, parse_filter);
        let requests = reader.switch("FRONTPAGE_LOG_REQUESTS", &args.log_requests, REQUESTS);
        Some(Self { format: format?, filter: filter?, requests: requests? })
    }
}

fn parse_filter(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    const WANTED: &str = "must be off, error, warn, info, debug or trace, or a list such as info,frontpage::db=debug";
    // `EnvFilter` takes a misspelled level for the name of a module, and would log next to nothing.
    let is_clear = |directive: &str| directive.contains('=') || LEVELS.contains(&directive);
    if !text.split(',').all(is_clear) || EnvFilter::try_new(text).is_err() {
        return Err(WANTED.to_owned());
    }
    Ok(text.to_owned())
}
