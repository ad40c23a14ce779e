//! The cache in front that is told what to drop.

use std::{ffi::OsString, fmt};

use actix_web::http::{
    Method,
    header::{HeaderName, HeaderValue},
};

use super::{http::parse_web_url, reader::Reader};
use crate::config::fault::ConfigFault;

/// The settings of purging as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Purging")]
pub struct PurgeArgs {
    /// Where a cache in front is told what to drop; nothing is told unless given. https, or http on this machine.
    #[arg(long, env = "FRONTPAGE_PURGE_URL", value_name = "URL", hide_short_help = true)]
    pub purge_url: Option<OsString>,
    /// The method of the request.
    #[arg(long, env = "FRONTPAGE_PURGE_METHOD", default_value = METHOD, value_name = "METHOD", hide_short_help = true)]
    pub purge_method: Option<OsString>,
    /// The header that names what to drop, as a list of surrogate keys with spaces between them.
    #[arg(long, env = "FRONTPAGE_PURGE_HEADER", default_value = HEADER, value_name = "NAME", hide_short_help = true)]
    pub purge_header: Option<OsString>,
    /// A header that shows the cache who is asking, such as `Fastly-Key: …` or `Authorization: Bearer …`. Prefer the
    /// variable to the flag: other users of the machine can see flags.
    #[arg(
        long,
        env = "FRONTPAGE_PURGE_CREDENTIAL",
        value_name = "NAME: VALUE",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub purge_credential: Option<OsString>,
}

const METHOD: &str = "POST";
const HEADER: &str = "Surrogate-Key";

/// The cache in front that is told what to drop.
#[derive(Clone, Debug)]
pub struct PurgeConfig {
    /// Where.
    pub url: String,
    /// The method of the request.
    pub method: Method,
    /// The header that names what to drop.
    pub header: String,
    /// A header that shows who is asking.
    pub credential: Option<(String, Hidden)>,
}

/// A text that is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for whoever it is for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl PurgeConfig {
    /// Reads the settings; the inner `None` when nobody is to be told.
    pub(super) fn read(args: &PurgeArgs, reader: &mut Reader) -> Option<Option<Self>> {
        let url = reader.optional("FRONTPAGE_PURGE_URL", &args.purge_url, parse_url);
        let method = reader.setting("FRONTPAGE_PURGE_METHOD", &args.purge_method, METHOD, |text| {
            let is_word = text.bytes().all(|b| b.is_ascii_uppercase());
            text.parse().ok().filter(|_| is_word).ok_or_else(|| "must be a method such as POST or PURGE".to_owned())
        });
        let header = reader.setting("FRONTPAGE_PURGE_HEADER", &args.purge_header, HEADER, |text| {
            text.parse::<HeaderName>().map(|_| text.to_owned()).map_err(|_| "must be the name of a header".to_owned())
        });
        let credential = reader.secret("FRONTPAGE_PURGE_CREDENTIAL", &args.purge_credential, "", parse_credential);
        let (url, method, header, credential) = (url?, method?, header?, credential?);
        if url.is_none() && credential.is_some() {
            reader.fault(ConfigFault::of("FRONTPAGE_PURGE_CREDENTIAL", "is of no use without FRONTPAGE_PURGE_URL"));
            return None;
        }
        Some(url.map(|url| Self { url, method, header, credential }))
    }
}

/// Reads an address that requests are sent to.
pub(super) fn parse_url(text: &str) -> Result<String, String> {
    const WANTED: &str = "must be an https URL, such as https://api.example.net/purge; http only to this machine";
    let url = parse_web_url(text).ok_or_else(|| WANTED.to_owned())?;
    let is_here = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "https" || is_here { Ok(url.into()) } else { Err(WANTED.to_owned()) }
}

fn parse_credential(text: &str) -> Result<Option<(String, Hidden)>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    const WANTED: &str = "must be a header such as Authorization: Bearer …";
    let (name, value) = text.split_once(':').ok_or_else(|| WANTED.to_owned())?;
    let (name, value) = (name.trim(), value.trim());
    let is_header = name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(value).is_ok() && !value.is_empty();
    if is_header { Ok(Some((name.to_owned(), Hidden::new(value)))) } else { Err(WANTED.to_owned()) }
}
