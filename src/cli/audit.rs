//! `frontpage audit`: whether the audit is what it was.

use clap::Subcommand;

use super::{
    database::{self, Absent, Pending},
    outcome::{Failure, Outcome},
    say,
};
use crate::{
    audit::{self, verify::Head},
    config::{CommandConfig, CommandSettings, ConfigFaults},
    telemetry,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Compute the audit's digests and chain anew; end with 1 and name the first entry that was altered, removed,
    /// inserted or moved.
    ///
    /// Prints the head of the chain. Note it where whoever can write to the database cannot, and give it to a later run
    /// with --head: only that shows that entries were taken off the end, or the whole chain was made anew.
    Verify {
        /// Begin at this position; what comes before is taken for what it says of itself.
        #[arg(long, value_name = "POSITION", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..))]
        from: i64,
        /// The head that an earlier run printed, as POSITION:CHAIN; it must still be in the chain.
        #[arg(long, value_parser = Head::parse)]
        head: Option<Head>,
        #[command(flatten)]
        settings: CommandSettings,
    },
}

pub(super) fn run(args: Args, environment: ConfigFaults) -> Outcome {
    match args.action {
        Action::Verify { from, head, settings } => {
            if head.as_ref().is_some_and(|head| head.position < from - 1) {
                let message = "--head is before --from, so what lies between them would not be verified; begin at the \
                               position after that of the head, or earlier.";
                return Err(Failure::Told(message.to_owned()));
            }
            let config = environment.and(CommandConfig::from_args(&settings))?;
            telemetry::init(&config.log);
            let db = database::open(&config.database, Absent::Refuse, Pending::Refuse)?;
            let report = audit::verify(&db, from, head.as_ref())
                .map_err(|error| database::failure(error, &config.database.location))?;
            if let Some(fault) = report.fault {
                let so_far = format!("before it, {} are as they were", count(report.n_sealed, "sealed"));
                return Err(Failure::Failed(format!("{fault}\n  {so_far}")));
            }
            say(&format!("{} are as they were, from position {from} on", count(report.n_sealed, "sealed")));
            say(&format!("{} are not sealed yet, and are as they were", count(report.n_unsealed, "further")));
            say(&format!("head {}", report.head));
            Ok(())
        }
    }
}

fn count(n: u64, kind: &str) -> String {
    format!("{n} {kind} entries")
}
