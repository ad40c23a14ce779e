//! The configuration: flags, environment and `.env`, read once at the start into one typed [`Config`].
//!
//! Each part has a file of its own with its settings, their defaults and the reasons for them. Every setting is a
//! variable and a flag (`FRONTPAGE_BODY_LIMIT_BYTES`, `--body-limit-bytes`) and stands in `.env.example`; a test
//! compares them. Nothing is ignored in silence: all faults are reported together, unknown variables among them.
//! Nothing reads the environment after this.

mod auth;
mod database;
mod delivery;
mod desk;
pub mod environment;
mod fault;
mod feeds;
mod http;
mod log;
mod purge;
mod reader;
mod site;
mod start;
mod template;
#[cfg(test)]
mod tests;
mod traces;
mod webhooks;

use std::{ffi::OsString, net::SocketAddr};

use clap::{Args, FromArgMatches};

pub use self::{
    auth::{ACCESS_TOKEN_SECONDS, AuthArgs, AuthConfig, HashArgs, HashConfig, TRIES_WINDOW_SECONDS},
    database::{DatabaseArgs, DatabaseConfig, ReplicaArgs},
    delivery::{DeliveryArgs, DeliveryConfig},
    desk::{DeskArgs, DeskConfig, PREFLIGHT_CODES, PreflightRules, Severity},
    fault::{ConfigFault, ConfigFaults, flag_of},
    feeds::{FeedsArgs, FeedsConfig},
    http::{HttpArgs, HttpConfig, ListenArgs, reachable},
    log::{LogArgs, LogConfig, LogFormat},
    purge::{Hidden, PurgeArgs, PurgeConfig},
    site::{ArticlePlaces, SiteArgs, SiteConfig},
    start::{StartArgs, StartConfig},
    template::{Kind, UrlTemplate},
    traces::{Sampling, TracesArgs, TracesConfig},
    webhooks::{WebhookArgs, WebhookConfig},
};
use self::{database::read_replicas, http::read_listen, reader::Reader};
use crate::db::ReplicaOptions;

/// All settings as they are given.
#[derive(Clone, Debug, Default, Args)]
pub struct Settings {
    /// What happens first.
    #[command(flatten)]
    pub start: StartArgs,
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Its replicas.
    #[command(flatten)]
    pub replicas: ReplicaArgs,
    /// The HTTP server.
    #[command(flatten)]
    pub http: HttpArgs,
    /// How live answers are kept.
    #[command(flatten)]
    pub delivery: DeliveryArgs,
    /// The cache in front.
    #[command(flatten)]
    pub purge: PurgeArgs,
    /// Webhooks.
    #[command(flatten)]
    pub webhooks: WebhookArgs,
    /// The site.
    #[command(flatten)]
    pub site: SiteArgs,
    /// Feeds.
    #[command(flatten)]
    pub feeds: FeedsArgs,
    /// The editors' desk.
    #[command(flatten)]
    pub desk: DeskArgs,
    /// Authentication.
    #[command(flatten)]
    pub auth: AuthArgs,
    /// The log.
    #[command(flatten)]
    pub log: LogArgs,
    /// Traces.
    #[command(flatten)]
    pub traces: TracesArgs,
}

/// The configuration of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// What happens to the database before the server starts.
    pub start: StartConfig,
    /// Which database, and with what patience.
    pub database: DatabaseConfig,
    /// Its replicas.
    pub replicas: ReplicaOptions,
    /// Where the server listens, what it accepts, and how it stops.
    pub http: HttpConfig,
    /// How live answers are kept.
    pub delivery: DeliveryConfig,
    /// The cache in front that is told what to drop, if there is one.
    pub purge: Option<PurgeConfig>,
    /// What is sent to webhooks, and how.
    pub webhooks: WebhookConfig,
    /// The site that readers see.
    pub site: SiteConfig,
    /// Feeds.
    pub feeds: FeedsConfig,
    /// The editors' desk.
    pub desk: DeskConfig,
    /// Keys, lifetimes and passwords.
    pub auth: AuthConfig,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Where traces go, if anywhere.
    pub traces: Option<TracesConfig>,
}

impl Config {
    /// Reads the settings of a server.
    ///
    /// # Errors
    /// All faults.
    pub fn from_args(settings: &Settings) -> Result<Self, ConfigFaults> {
        let mut reader = Reader::default();
        let config = Self::read(settings, &mut reader);
        reader.finish(config)
    }

    /// Reads the settings of a server from variables and their values instead of the environment.
    ///
    /// # Errors
    /// All faults; a name that is not that of a setting is one.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigFaults> {
        let mut faults = ConfigFaults::new();
        let known = variables();
        let mut line = vec![OsString::from("frontpage")];
        for (name, value) in pairs {
            match known.iter().find(|variable| variable.name == name) {
                Some(variable) if !value.is_empty() => line.push(format!("--{}={value}", variable.flag).into()),
                Some(_) => {}
                None => faults.add(ConfigFault::unknown(&name)),
            }
        }
        let command = Settings::augment_args(clap::Command::new("frontpage")).mut_args(|arg| arg.env(None));
        let settings = command.try_get_matches_from(line).and_then(|matches| Settings::from_arg_matches(&matches));
        let config = match settings {
            Ok(settings) => Self::from_args(&settings),
            Err(error) => {
                let mut faults = ConfigFaults::new();
                faults.add(ConfigFault::of("the settings", error.to_string()));
                Err(faults)
            }
        };
        faults.and(config)
    }

    fn read(settings: &Settings, reader: &mut Reader) -> Option<Self> {
        let start = StartConfig::read(&settings.start, reader);
        let database = DatabaseConfig::read(&settings.database, reader);
        let http = HttpConfig::read(&settings.http, reader);
        let delivery = DeliveryConfig::read(&settings.delivery, reader);
        let purge = PurgeConfig::read(&settings.purge, reader);
        let webhooks = WebhookConfig::read(&settings.webhooks, reader);
        let site = SiteConfig::read(&settings.site, reader);
        let feeds = FeedsConfig::read(&settings.feeds, reader);
        let desk = DeskConfig::read(&settings.desk, reader);
        let location = database.as_ref().map(|database| &database.location);
        let stale = delivery.as_ref().map(|delivery| delivery.stale_seconds);
        let replicas = read_replicas(&settings.replicas, reader, location, stale);
        let auth = AuthConfig::read(&settings.auth, location, reader);
        let log = LogConfig::read(&settings.log, reader);
        let traces = TracesConfig::read(&settings.traces, reader);
        if let (Some(start), Some(http)) = (&start, &http) {
            check_demo(*start, http.listen, reader);
        }
        if let (Some(FeedsConfig { hub_url: Some(hub) }), Some(HttpConfig { public_url: None, .. })) = (&feeds, &http) {
            let problem = "is of no use without FRONTPAGE_PUBLIC_URL: a hub knows feeds by their addresses";
            reader.fault(ConfigFault::of_value("FRONTPAGE_HUB_URL", hub, problem));
        }
        Some(Self {
            start: start?,
            database: database?,
            replicas: replicas?,
            http: http?,
            delivery: delivery?,
            purge: purge?,
            webhooks: webhooks?,
            site: site?,
            feeds: feeds?,
            desk: desk?,
            auth: auth?,
            log: log?,
            traces: traces?,
        })
    }
}

/// The passwords of the demo are known to everybody.
fn check_demo(start: StartConfig, listen: SocketAddr, reader: &mut Reader) {
    if start.demo && !listen.ip().is_loopback() {
        let problem =
            "--demo makes logins with known passwords, so it serves only this machine: listen on 127.0.0.1 or [::1]";
        reader.fault(ConfigFault::of_value("FRONTPAGE_LISTEN", &listen.to_string(), problem));
    }
}

/// The settings of a command that works on the database.
#[derive(Clone, Debug, Default, Args)]
pub struct CommandSettings {
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// The cost of hashing.
    #[command(flatten)]
    pub hash: HashArgs,
    /// The log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The configuration of a command that works on the database.
#[derive(Clone, Debug)]
pub struct CommandConfig {
    /// Which database, with the patience of somebody who waits for a command.
    pub database: DatabaseConfig,
    /// The cost of hashing.
    pub hash: HashConfig,
    /// What is logged, and how.
    pub log: LogConfig,
}

impl CommandConfig {
    /// Reads the settings of a command.
    ///
    /// # Errors
    /// All faults.
    pub fn from_args(settings: &CommandSettings) -> Result<Self, ConfigFaults> {
        let mut reader = Reader::default();
        let database = DatabaseConfig::read(&settings.database, &mut reader);
        let hash = HashConfig::read(&settings.hash, &mut reader);
        let log = LogConfig::read(&settings.log, &mut reader);
        let config = (|| Some(Self { database: database?.patient(), hash: hash?, log: log? }))();
        reader.finish(config)
    }
}

/// Reads the address that a server listens on.
///
/// # Errors
/// The fault, when it is not an address.
pub fn listen_address(args: &ListenArgs) -> Result<SocketAddr, ConfigFaults> {
    let mut reader = Reader::default();
    let listen = read_listen(args, &mut reader);
    reader.finish(listen)
}

/// A setting, for tests and documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name in the environment.
    pub name: String,
    /// The name on the command line, without the dashes.
    pub flag: String,
    /// The default, unless it is computed or there is none.
    pub default: Option<String>,
}

/// Returns all settings, in the order of the help.
pub fn variables() -> Vec<Variable> {
    let command = Settings::augment_args(clap::Command::new("frontpage"));
    let settings = command.get_arguments().filter_map(|arg| {
        Some(Variable {
            name: arg.get_env()?.to_str()?.to_owned(),
            flag: arg.get_long()?.to_owned(),
            default: arg.get_default_values().first().and_then(|value| value.to_str()).map(str::to_owned),
        })
    });
    settings.collect()
}
