//! `frontpage serve`: serves the API until it is told to stop.

use super::{
    database::{self, Absent, Pending},
    outcome::{Failure, Outcome},
    say,
};
use crate::{
    auth::passwords::Passwords,
    config::{Config, ConfigFaults, Settings},
    demo::{self, fill},
    error::Code,
    server, telemetry,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(args: &Args, environment: ConfigFaults) -> Outcome {
    let mut config = environment.and(Config::from_args(&args.settings))?;
    telemetry::init(&config.log);
    let is_demo = config.start.demo;
    if is_demo {
        fill_with_demo(&config)?;
        config.site.fill_in_examples();
    }
    let location = config.database.location.clone();
    let announce = |addr| {
        say(&format!("frontpage is listening on http://{addr}"));
        if is_demo {
            say_logins();
        }
    };
    server::run(config, announce).map_err(|error| match error.code() {
        Code::Internal => database::failure(error, &location),
        _ => Failure::from(error),
    })
}

/// Fills an empty database; one that was filled in this way before is served again.
fn fill_with_demo(config: &Config) -> Outcome {
    let pending = if config.start.migrate { Pending::Apply } else { Pending::Refuse };
    let settings = config.database.clone().patient();
    let db = database::open(&settings, Absent::Create, pending)?;
    let passwords = Passwords::open(&config.auth.hash, Vec::new())?;
    let options =
        fill::Options { articles: demo::DEFAULT_ARTICLES, seed: demo::DEFAULT_SEED, logins: fill::Logins::Documented };
    match fill::run(&db, &passwords, options, |_| {}) {
        Ok(()) => {}
        Err(error) if error.code() == Code::Conflict && fill::has_mark(&db)? => {}
        Err(error) => return Err(database::failure(error, &settings.location)),
    }
    Ok(())
}

fn say_logins() {
    say("The demo's logins, which only this machine can reach:");
    for login in demo::logins() {
        say(&format!("  {:<20} {}", login.email, login.password));
    }
}
