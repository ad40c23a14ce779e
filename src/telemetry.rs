//! The log: where it goes, how it is written, and that panics end up in it.
//!
//! Goes to standard error; standard output is for what a command was asked for. Knows nothing of requests.

use std::{io::IsTerminal, panic::PanicHookInfo};

use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogConfig, LogFormat};

/// Starts logging for the whole process; only the first call has an effect.
pub fn init(config: &LogConfig) {
    // The filter was checked when the configuration was read.
    let filter = EnvFilter::try_new(quiet(&config.filter)).unwrap_or_else(|_| EnvFilter::new("info"));
    let has_colors =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // Otherwise a standard error that was closed would make the logger itself panic.
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let lines = match config.format {
        LogFormat::Text => lines.with_ansi(has_colors).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// What the web framework says at its start is said again, and better, by `serve`.
fn quiet(filter: &str) -> String {
    if filter.contains("actix") { filter.to_owned() } else { format!("{filter},actix_server=warn,actix_rt=warn") }
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let message = info
        .payload()
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| info.payload().downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    // Empty unless RUST_BACKTRACE is set.
    let backtrace = std::backtrace::Backtrace::capture();
    let backtrace = match backtrace.status() {
        std::backtrace::BacktraceStatus::Captured => Some(backtrace.to_string()),
        _ => None,
    };
    tracing::error!(
        panic.location = %location,
        panic.thread = thread.name().unwrap_or("unnamed"),
        panic.backtrace = backtrace,
        "A thread panicked at {location}: {message}"
    );
}
