//! The log: where it goes, how it is written, and that panics end up in it.
//!
//! Goes to standard error; standard output is for what a command was asked for. Knows nothing of requests.

use std::{
    io::IsTerminal,
    panic::PanicHookInfo,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

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

/// What the web framework says at its start is said again, and better, by `serve`; and it takes it for an error of the
/// server when a client sends what is not HTTP, so that anybody could fill the log.
fn quiet(filter: &str) -> String {
    if filter.contains("actix") {
        return filter.to_owned();
    }
    // Only where that takes something away: after `off` or `error` the addition would make the framework louder.
    let is_talkative = filter.split(',').any(|part| matches!(part, "info" | "debug" | "trace"));
    let start = if is_talkative { ",actix_server=warn,actix_rt=warn" } else { "" };
    format!("{filter}{start},actix_http=off")
}

/// What may happen thousands of times a second and is worth one line of the log in each.
pub(crate) struct Seldom {
    began: OnceLock<Instant>,
    /// From when on there may be another line, in milliseconds.
    next_ms: AtomicU64,
    n_unsaid: AtomicU64,
}

impl Seldom {
    /// Begins.
    pub(crate) const fn new() -> Self {
        Self { began: OnceLock::new(), next_ms: AtomicU64::new(0), n_unsaid: AtomicU64::new(0) }
    }

    /// Returns how often it has happened without a line, if it is time for one.
    pub(crate) fn admit(&self) -> Option<u64> {
        let now = u64::try_from(self.began.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX);
        let next = self.next_ms.load(Ordering::Relaxed);
        let is_time = now >= next
            && self.next_ms.compare_exchange(next, now + 1000, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_time {
            return Some(self.n_unsaid.swap(0, Ordering::Relaxed));
        }
        self.n_unsaid.fetch_add(1, Ordering::Relaxed);
        None
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_logged_with_its_message_and_place() {
        let written = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::fmt().json().with_writer({
            let written = written.clone();
            move || Tee(written.clone())
        });
        // Tests that fail meanwhile, on other threads, still say so in the usual way.
        let usual = std::sync::Arc::new(std::panic::take_hook());
        let (others, here) = (usual.clone(), std::thread::current().id());
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == here { log_panic(info) } else { others(info) }
        }));

        let result = tracing::subscriber::with_default(subscriber.finish(), || {
            std::panic::catch_unwind(|| panic!("the {} press stopped", "third"))
        });

        std::panic::set_hook(Box::new(move |info| usual(info)));
        assert!(result.is_err());
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert!(text.contains("the third press stopped") && text.contains("telemetry.rs"), "{text}");
    }

    #[test]
    fn what_happens_often_is_said_seldom_and_counted() {
        let seldom = Seldom::new();

        let mut said: Vec<u64> = (0..1000).filter_map(|_| seldom.admit()).collect();
        // Time passes.
        seldom.next_ms.store(0, Ordering::Relaxed);
        said.extend(seldom.admit());

        assert_eq!(said.first(), Some(&0));
        // Twice, unless this machine takes seconds for it.
        assert!((2..100).contains(&said.len()), "{said:?}");
        assert_eq!(said.len() + usize::try_from(said.iter().sum::<u64>()).unwrap(), 1001);
    }

    #[test]
    fn the_framework_is_quieter_than_asked_and_never_louder() {
        assert_eq!(quiet("info"), "info,actix_server=warn,actix_rt=warn,actix_http=off");
        assert_eq!(quiet("warn,frontpage=debug"), "warn,frontpage=debug,actix_http=off");
        assert_eq!(quiet("off"), "off,actix_http=off");
        assert_eq!(quiet("debug,actix_server=debug"), "debug,actix_server=debug");
    }

    struct Tee(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Tee {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
