//! How live answers are kept, here and by caches in front.

use std::{ffi::OsString, sync::Arc};

use actix_web::http::header::HeaderValue;

use super::reader::Reader;
use crate::policy::Policy;

/// The settings of delivery as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Delivery")]
pub struct DeliveryArgs {
    /// How much memory the finished answers to readers may take; 0 keeps none.
    #[arg(long, env = "FRONTPAGE_CACHE_BYTES", default_value = CACHE_BYTES, value_name = "BYTES")]
    pub cache_bytes: Option<OsString>,
    /// For how long readers are answered from memory when the database is away.
    #[arg(long, env = "FRONTPAGE_CACHE_STALE_SECONDS", default_value = STALE_SECONDS, value_name = "SECONDS", hide_short_help = true)]
    pub cache_stale_seconds: Option<OsString>,
    /// What caches in front are told of an article (`Cache-Control`).
    #[arg(long, env = "FRONTPAGE_CACHE_CONTROL_ARTICLE", default_value = CACHE_CONTROL, value_name = "DIRECTIVES", hide_short_help = true)]
    pub cache_control_article: Option<OsString>,
    /// What they are told of a list of articles.
    #[arg(long, env = "FRONTPAGE_CACHE_CONTROL_LIST", default_value = CACHE_CONTROL, value_name = "DIRECTIVES", hide_short_help = true)]
    pub cache_control_list: Option<OsString>,
    /// What they are told of sections, staff profiles and tags.
    #[arg(long, env = "FRONTPAGE_CACHE_CONTROL_OTHER", default_value = CACHE_CONTROL, value_name = "DIRECTIVES", hide_short_help = true)]
    pub cache_control_other: Option<OsString>,
    /// What readers see who have neither a key nor a login: `full`, `excerpt` (no bodies) or `none`.
    #[arg(long, env = "FRONTPAGE_ANONYMOUS_READERS", default_value = ANONYMOUS_READERS, value_name = "full|excerpt|none", hide_short_help = true)]
    pub anonymous_readers: Option<OsString>,
    /// For how many days the change log is kept.
    #[arg(long, env = "FRONTPAGE_CHANGES_DAYS", default_value = CHANGES_DAYS, value_name = "DAYS", hide_short_help = true)]
    pub changes_days: Option<OsString>,
    /// How many readers may wait for changes at a time, on streams and for polls.
    #[arg(long, env = "FRONTPAGE_CHANGES_READERS", default_value = CHANGES_READERS, value_name = "NUMBER", hide_short_help = true)]
    pub changes_readers: Option<OsString>,
}

/// 64 MiB: some thousand articles with their lists.
const CACHE_BYTES: &str = "67108864";

const STALE_SECONDS: &str = "600";

/// Shared caches briefly, browsers only to ask again.
const CACHE_CONTROL: &str = "public, max-age=0, s-maxage=5, stale-while-revalidate=10, stale-if-error=600";

/// What a news site is for.
const ANONYMOUS_READERS: &str = "full";

const CHANGES_DAYS: &str = "30";

/// Each takes a connection and some kilobytes.
const CHANGES_READERS: &str = "5000";

/// How live answers are kept.
#[derive(Clone, Debug)]
pub struct DeliveryConfig {
    /// How much memory the finished answers may take; 0 for none.
    pub cache_bytes: u64,
    /// For how long they are given out when the database is away.
    pub stale_seconds: u64,
    /// `Cache-Control` of an article.
    pub article: HeaderValue,
    /// `Cache-Control` of a list of articles.
    pub list: HeaderValue,
    /// `Cache-Control` of everything else.
    pub other: HeaderValue,
    /// What readers see who have neither a key nor a login; none for nothing.
    pub anonymous_readers: Option<Arc<Policy>>,
    /// For how many days the change log is kept.
    pub changes_days: u32,
    /// How many readers may wait for changes at a time.
    pub changes_readers: usize,
}

impl DeliveryConfig {
    pub(super) fn read(args: &DeliveryArgs, reader: &mut Reader) -> Option<Self> {
        let bytes = "FRONTPAGE_CACHE_BYTES";
        let cache_bytes = reader.number(bytes, &args.cache_bytes, CACHE_BYTES, 0..=1_099_511_627_776);
        let stale = "FRONTPAGE_CACHE_STALE_SECONDS";
        let stale_seconds = reader.number(stale, &args.cache_stale_seconds, STALE_SECONDS, 0..=86_400);
        let mut control = |variable: &str, raw| reader.setting(variable, raw, CACHE_CONTROL, parse_control);
        let article = control("FRONTPAGE_CACHE_CONTROL_ARTICLE", &args.cache_control_article);
        let list = control("FRONTPAGE_CACHE_CONTROL_LIST", &args.cache_control_list);
        let other = control("FRONTPAGE_CACHE_CONTROL_OTHER", &args.cache_control_other);
        let readers = "FRONTPAGE_ANONYMOUS_READERS";
        let anonymous_readers = reader.setting(readers, &args.anonymous_readers, ANONYMOUS_READERS, parse_readers);
        let days = "FRONTPAGE_CHANGES_DAYS";
        let changes_days = reader.number(days, &args.changes_days, CHANGES_DAYS, 1..=36_500);
        let readers = "FRONTPAGE_CHANGES_READERS";
        let changes_readers = reader.number(readers, &args.changes_readers, CHANGES_READERS, 0..=1_000_000);
        Some(Self {
            cache_bytes: cache_bytes?,
            stale_seconds: stale_seconds?,
            article: article?,
            list: list?,
            other: other?,
            anonymous_readers: anonymous_readers?,
            changes_days: changes_days?,
            changes_readers: changes_readers?,
        })
    }
}

fn parse_readers(text: &str) -> Result<Option<Arc<Policy>>, String> {
    match text {
        "full" => Ok(Some(Arc::new(Policy::OPEN))),
        "excerpt" => Ok(Some(Arc::new(Policy::EXCERPTS))),
        "none" => Ok(None),
        _ => Err("must be full, excerpt or none".to_owned()),
    }
}

/// The directives of `Cache-Control` in answers (RFC 9111, 5861 and 8246) that stand alone.
const FLAGS: [&str; 9] = [
    "public",
    "private",
    "no-cache",
    "no-store",
    "no-transform",
    "must-revalidate",
    "proxy-revalidate",
    "must-understand",
    "immutable",
];

/// Those that have a number of seconds.
const TIMES: [&str; 4] = ["max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"];

/// Reads the directives of a `Cache-Control` header. Caches leave out what they do not know, so what is misspelt would do
/// nothing, and nobody would notice.
fn parse_control(text: &str) -> Result<HeaderValue, String> {
    for directive in text.split(',').map(|directive| directive.trim_matches(' ')) {
        let is_known = |names: &[&str], name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        let is_number = |text: &str| text.parse::<u32>().is_ok_and(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        match directive.split_once('=') {
            None if is_known(&FLAGS, directive) => {}
            Some((name, seconds)) if is_known(&TIMES, name) && is_number(seconds) => {}
            _ => {
                return Err(format!(
                    "must be a list of directives such as public, max-age=0, s-maxage=5; {directive:?} is \
                     neither one of {}, nor with a number of seconds one of {}",
                    FLAGS.join(", "),
                    TIMES.join(", ")
                ));
            }
        }
    }
    HeaderValue::from_str(text).map_err(|error| error.to_string())
}
