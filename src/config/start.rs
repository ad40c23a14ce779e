//! What happens to the database before the server starts.

use std::ffi::OsString;

use super::reader::Reader;

/// The settings of the start as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Start")]
pub struct StartArgs {
    /// Fill an empty database with a small newsroom and three logins with documented passwords. Only on a loopback
    /// address.
    #[arg(long, env = "FRONTPAGE_DEMO", default_value = NO, default_missing_value = YES, num_args = 0..=1, require_equals = true, value_name = "BOOL", hide_default_value = true)]
    pub demo: Option<OsString>,
    /// Bring a PostgreSQL database up to this version first; SQLite always is.
    #[arg(long, env = "FRONTPAGE_MIGRATE", default_value = NO, default_missing_value = YES, num_args = 0..=1, require_equals = true, value_name = "BOOL", hide_default_value = true)]
    pub migrate: Option<OsString>,
}

const NO: &str = "false";
const YES: &str = "true";

/// What happens to the database before the server starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartConfig {
    /// Whether an empty database is filled with the demo newsroom.
    pub demo: bool,
    /// Whether a PostgreSQL database is brought up to this version.
    pub migrate: bool,
}

impl StartConfig {
    pub(super) fn read(args: &StartArgs, reader: &mut Reader) -> Option<Self> {
        let demo = reader.switch("FRONTPAGE_DEMO", &args.demo, NO);
        let migrate = reader.switch("FRONTPAGE_MIGRATE", &args.migrate, NO);
        Some(Self { demo: demo?, migrate: migrate? })
    }
}
