//! Requests to addresses that users of the API choose: webhooks.

use std::{ffi::OsString, time::Duration};

use super::reader::Reader;
use crate::outgoing::Rules;

/// The settings of webhooks as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Webhooks")]
pub struct WebhookArgs {
    /// Whether webhooks may lead to this machine, with http and on any port: `true` for development.
    #[arg(long, env = "FRONTPAGE_OUTGOING_LOOPBACK", default_value = LOOPBACK, value_name = "BOOL", hide_short_help = true)]
    pub outgoing_loopback: Option<OsString>,
    /// How many requests to webhooks run at a time.
    #[arg(long, env = "FRONTPAGE_WEBHOOK_REQUESTS", default_value = REQUESTS, value_name = "NUMBER", hide_short_help = true)]
    pub webhook_requests: Option<OsString>,
    /// How long one of them may take in all.
    #[arg(long, env = "FRONTPAGE_WEBHOOK_SECONDS", default_value = SECONDS, value_name = "SECONDS", hide_short_help = true)]
    pub webhook_seconds: Option<OsString>,
    /// For how many days it is kept what was delivered or given up.
    #[arg(long, env = "FRONTPAGE_WEBHOOK_DAYS", default_value = DAYS, value_name = "DAYS", hide_short_help = true)]
    pub webhook_days: Option<OsString>,
    /// How many times faster than in earnest deliveries are tried again: for tests of receivers.
    #[arg(long, env = "FRONTPAGE_WEBHOOK_TIME_SCALE", default_value = TIME_SCALE, value_name = "FACTOR", hide_short_help = true)]
    pub webhook_time_scale: Option<OsString>,
}

const LOOPBACK: &str = "false";

/// Each takes a thread while it waits.
const REQUESTS: &str = "64";

/// What the Standard Webhooks specification recommends at most.
const SECONDS: &str = "15";

const DAYS: &str = "30";

const TIME_SCALE: &str = "1";

/// What is sent to webhooks, and how.
#[derive(Clone, Copy, Debug)]
pub struct WebhookConfig {
    /// What may be reached.
    pub rules: Rules,
    /// How many requests run at a time.
    pub requests: usize,
    /// How long one may take.
    pub patience: Duration,
    /// For how many days it is kept what was delivered or given up.
    pub days: u32,
    /// How many times faster than in earnest deliveries are tried again.
    pub time_scale: u64,
}

impl WebhookConfig {
    pub(super) fn read(args: &WebhookArgs, reader: &mut Reader) -> Option<Self> {
        let allows_loopback = reader.switch("FRONTPAGE_OUTGOING_LOOPBACK", &args.outgoing_loopback, LOOPBACK);
        let requests = reader.number("FRONTPAGE_WEBHOOK_REQUESTS", &args.webhook_requests, REQUESTS, 2..=256);
        let seconds = reader.number("FRONTPAGE_WEBHOOK_SECONDS", &args.webhook_seconds, SECONDS, 1..=15);
        let days = reader.number("FRONTPAGE_WEBHOOK_DAYS", &args.webhook_days, DAYS, 1..=3_650);
        let scale = "FRONTPAGE_WEBHOOK_TIME_SCALE";
        let time_scale = reader.number(scale, &args.webhook_time_scale, TIME_SCALE, 1..=1_000_000);
        Some(Self {
            rules: Rules { allows_loopback: allows_loopback? },
            requests: requests?,
            patience: Duration::from_secs(seconds?),
            days: days?,
            time_scale: time_scale?,
        })
    }
}
