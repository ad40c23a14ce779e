//! `frontpage user`: the accounts of people who log in; the first administrator is made here.

use clap::{
    Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{
    database::{self, Absent, Pending},
    outcome::Outcome,
    password, say,
};
use crate::{
    auth::{passwords::Passwords, rights::Role},
    config::{CommandConfig, CommandSettings, ConfigFaults},
    db::Db,
    input::{Email, Line},
    telemetry,
    users::{admin, model::User},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create an account; the password comes from a prompt, or from standard input when that is not a terminal.
    Create {
        /// The e-mail address to log in with.
        #[arg(long, value_parser = parse_email)]
        email: Email,
        /// The name of the person as colleagues see it.
        #[arg(long, value_parser = parse_name)]
        name: Line<100>,
        /// What the account may do.
        #[arg(long, value_parser = role_parser())]
        role: Role,
        #[command(flatten)]
        settings: CommandSettings,
    },
    /// List all accounts.
    List {
        #[command(flatten)]
        settings: CommandSettings,
    },
    /// Give an account another role.
    SetRole {
        /// The e-mail address of the account.
        #[arg(long, value_parser = parse_email)]
        email: Email,
        /// What the account may do from now on.
        #[arg(long, value_parser = role_parser())]
        role: Role,
        #[command(flatten)]
        settings: CommandSettings,
    },
    /// Set the password of an account and end its sessions; it comes from a prompt or from standard input.
    SetPassword {
        /// The e-mail address of the account.
        #[arg(long, value_parser = parse_email)]
        email: Email,
        #[command(flatten)]
        settings: CommandSettings,
    },
    /// Keep an account from logging in, and end its sessions.
    Disable {
        /// The e-mail address of the account.
        #[arg(long, value_parser = parse_email)]
        email: Email,
        #[command(flatten)]
        settings: CommandSettings,
    },
}

pub(super) fn run(args: Args, environment: ConfigFaults) -> Outcome {
    match args.action {
        Action::Create { email, name, role, settings } => {
            let config = configure(&settings, environment)?;
            let db = database::open(&config.database, Absent::Create, Pending::Refuse)?;
            let passwords = Passwords::open(&config.hash, Vec::new())?;
            let user = admin::create(&db, &passwords, email, name, role, &password::read_new()?)?;
            say(&format!("created {} as {} ({})", user.email, user.role, user.id));
        }
        Action::List { settings } => {
            let (_, db) = open(&settings, environment)?;
            let users = admin::list(&db)?;
            table(&users).iter().for_each(|line| say(line));
        }
        Action::SetRole { email, role, settings } => {
            let (_, db) = open(&settings, environment)?;
            let user = admin::set_role(&db, &email, role)?;
            say(&format!("{} is {} now", user.email, user.role));
        }
        Action::SetPassword { email, settings } => {
            let (config, db) = open(&settings, environment)?;
            let passwords = Passwords::open(&config.hash, Vec::new())?;
            let user = admin::set_password(&db, &passwords, &email, &password::read_new()?)?;
            say(&format!("{} has a new password; all sessions have ended", user.email));
        }
        Action::Disable { email, settings } => {
            let (_, db) = open(&settings, environment)?;
            let user = admin::disable(&db, &email)?;
            say(&format!("{} cannot log in any more; all sessions have ended", user.email));
        }
    }
    Ok(())
}

fn open(settings: &CommandSettings, environment: ConfigFaults) -> Result<(CommandConfig, Db), super::outcome::Failure> {
    let config = configure(settings, environment)?;
    let db = database::open(&config.database, Absent::Refuse, Pending::Refuse)?;
    Ok((config, db))
}

fn configure(settings: &CommandSettings, environment: ConfigFaults) -> Result<CommandConfig, ConfigFaults> {
    let config = environment.and(CommandConfig::from_args(settings))?;
    telemetry::init(&config.log);
    Ok(config)
}

/// Writes the accounts in columns.
fn table(users: &[User]) -> Vec<String> {
    let width = users.iter().map(|user| user.email.chars().count()).max().unwrap_or(0).max(5);
    let mut lines = vec![format!("{:width$}  {:6}  {:8}  {}", "EMAIL", "ROLE", "STATE", "NAME")];
    lines.extend(users.iter().map(|user| {
        let state = if user.disabled { "disabled" } else { "active" };
        format!("{:width$}  {:6}  {state:8}  {}", user.email, user.role.as_str(), user.name)
    }));
    lines
}

fn parse_email(text: &str) -> Result<Email, String> {
    Email::parse(text).map_err(|invalid| invalid.detail)
}

fn parse_name(text: &str) -> Result<Line<100>, String> {
    Line::parse(text).map_err(|invalid| invalid.detail)
}

fn role_parser() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::NAMES).try_map(|name| Role::parse(&name).ok_or("not a role"))
}
