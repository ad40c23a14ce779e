//! Feeds: what is told when they change.

use std::ffi::OsString;

use super::{purge::parse_url, reader::Reader};

/// The settings of feeds as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Feeds")]
pub struct FeedsArgs {
    /// A WebSub hub that is told which feeds have changed, such as `https://pubsubhubbub.appspot.com/`; feeds name it.
    /// None unless given. https, or http on this machine. Needs FRONTPAGE_PUBLIC_URL, which feeds are known by.
    #[arg(long, env = "FRONTPAGE_HUB_URL", value_name = "URL", hide_short_help = true)]
    pub hub_url: Option<OsString>,
}

/// Feeds.
#[derive(Clone, Debug)]
pub struct FeedsConfig {
    /// The hub that is told which feeds have changed.
    pub hub_url: Option<String>,
}

impl FeedsConfig {
    pub(super) fn read(args: &FeedsArgs, reader: &mut Reader) -> Option<Self> {
        Some(Self { hub_url: reader.optional("FRONTPAGE_HUB_URL", &args.hub_url, parse_url)? })
    }
}
