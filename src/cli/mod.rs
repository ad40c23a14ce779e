//! The command line: one file per command; what the commands do is elsewhere.
//!
//! Standard output is for what a command was asked for, standard error for everything else. A command ends with 0 when
//! it did what it was told, with 1 when it could not, and with 2 when it was told something wrong; a message then says
//! what is wrong, where, and what to do.

mod audit;
mod database;
mod demo;
mod health;
mod migrate;
mod openapi;
mod outcome;
mod password;
mod serve;
#[cfg(test)]
mod tests;
mod user;

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

use self::outcome::Outcome;
use crate::config::{ConfigFaults, environment};

/// A newsroom's content API: articles, sections, staff and tags as JSON, with editor roles and an OpenAPI file.
///
/// Every option that has a variable beside it can also be set in the environment or in a file `.env` in the working
/// directory; a flag wins over the environment, the environment over the file.
#[derive(Debug, Parser)]
#[command(name = "frontpage", version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API.
    Serve(Box<serve::Args>),
    /// Bring the database up to this version of the program.
    Migrate(migrate::Args),
    /// Manage the accounts of people who log in.
    User(user::Args),
    /// Check the record of who did what.
    Audit(audit::Args),
    /// Fill an empty database with an invented newsroom.
    Demo(demo::Args),
    /// Print the OpenAPI file, write it, or compare it with the code.
    Openapi(openapi::Args),
    /// Ask the server on this machine whether it is alive, for container health checks.
    Health(health::Args),
}

/// Does what the command line says.
pub fn run() -> ExitCode {
    let environment = environment::prepare();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version also come this way. There is nobody to tell when printing fails.
            let _printed = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match cli.command.run(environment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure.to_string());
            failure.exit_code()
        }
    }
}

impl Command {
    fn run(self, environment: ConfigFaults) -> Outcome {
        match self {
            Self::Serve(args) => serve::run(&args, environment),
            Self::Migrate(args) => migrate::run(&args, environment),
            Self::User(args) => user::run(args, environment),
            Self::Audit(args) => audit::run(args, environment),
            Self::Demo(args) => demo::run(&args, environment),
            Self::Openapi(args) => openapi::run(&args),
            Self::Health(args) => health::run(&args, environment),
        }
    }
}

/// Writes a line to standard output; unlike `println!` it survives that nobody reads it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _written = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Writes a line to standard error.
fn report(line: &str) {
    let _written = writeln!(std::io::stderr(), "{line}");
}
