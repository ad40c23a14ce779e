//! `frontpage demo`: fills an empty database with as many invented articles as anyone asks for.

use std::{
    cell::Cell,
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    database::{self, Absent, Pending},
    outcome::Outcome,
    report, say,
};
use crate::{
    auth::passwords::Passwords,
    config::{CommandConfig, CommandSettings, ConfigFaults},
    demo::{self, fill},
    telemetry,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many articles.
    #[arg(long, default_value_t = demo::DEFAULT_ARTICLES, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    articles: u64,
    /// What the texts follow from: the same seed makes the same articles.
    #[arg(long, default_value_t = demo::DEFAULT_SEED, value_name = "S")]
    seed: u64,
    #[command(flatten)]
    settings: CommandSettings,
}

pub(super) fn run(args: &Args, environment: ConfigFaults) -> Outcome {
    let config = environment.and(CommandConfig::from_args(&args.settings))?;
    telemetry::init(&config.log);
    let location = &config.database.location;
    let db = database::open(&config.database, Absent::Create, Pending::Refuse)?;
    let passwords = Passwords::open(&config.hash, Vec::new())?;
    let progress = Progress::new(args.articles);
    // This database may be served anywhere; the documented passwords are for `serve --demo`.
    let options = fill::Options { articles: args.articles, seed: args.seed, logins: fill::Logins::Closed };
    fill::run(&db, &passwords, options, |done| progress.show(done))
        .map_err(|error| database::failure(error, location))?;
    progress.finish();
    say(&format!("{} has {} articles now", location.redacted(), args.articles));
    say("No login has a known password; set one with `frontpage user set-password --email editor@example.org`.");
    Ok(())
}

/// Shows how far it is: a bar at a terminal, a line now and then elsewhere.
struct Progress {
    total: u64,
    bar: Option<ProgressBar>,
    began: Instant,
    said: Cell<Instant>,
}

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

impl Progress {
    fn new(total: u64) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "{bar:40} {human_pos} of {human_len} articles, {per_sec}, {eta} left";
            let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total).with_style(style)
        });
        Self { total, bar, began: now, said: Cell::new(now) }
    }

    fn show(&self, done: u64) {
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if self.said.get().elapsed() >= LINE_EVERY => {
                self.said.set(Instant::now());
                report(&format!("{done} of {} articles after {} s", self.total, self.began.elapsed().as_secs()));
            }
            None => {}
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}
