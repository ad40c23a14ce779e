//! `frontpage migrate`: brings the database up to the program, or says whether it is.

use super::{
    database::{failure, require_file},
    outcome::{Failure, Outcome},
    say,
};
use crate::{
    config::{CommandConfig, CommandSettings, ConfigFaults},
    db::{Db, migrate},
    telemetry,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Change nothing; end with 1 unless the database is up to date.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    settings: CommandSettings,
}

pub(super) fn run(args: &Args, environment: ConfigFaults) -> Outcome {
    let config = environment.and(CommandConfig::from_args(&args.settings))?;
    telemetry::init(&config.log);
    if args.check { check(&config) } else { apply(&config) }
}

fn apply(config: &CommandConfig) -> Outcome {
    let location = &config.database.location;
    let applied = Db::open(location, &config.database.options).and_then(|_| migrate::run(location));
    let applied = applied.map_err(|error| failure(error, location))?;
    for name in &applied {
        say(&format!("applied {name}"));
    }
    say(&match applied.len() {
        0 => format!("{} is up to date", location.redacted()),
        n => format!("{} is up to date now, after {n} migration(s)", location.redacted()),
    });
    Ok(())
}

fn check(config: &CommandConfig) -> Outcome {
    let location = &config.database.location;
    require_file(location)?;
    let status = migrate::status(location).map_err(|error| failure(error, location))?;
    for name in &status.pending {
        say(&format!("pending {name}"));
    }
    for name in &status.unknown {
        say(&format!("unknown {name}"));
    }
    match (status.pending.as_slice(), status.unknown.as_slice()) {
        ([], []) => {
            say(&format!("{} is up to date", location.redacted()));
            Ok(())
        }
        (_, []) => Err(Failure::Failed(format!(
            "{} lacks {} migration(s). Run `frontpage migrate`.",
            location.redacted(),
            status.pending.len()
        ))),
        _ => Err(Failure::Failed(format!(
            "{} is newer than this program. Use the newer version of frontpage.",
            location.redacted()
        ))),
    }
}
