//! What the server counts about itself, for Prometheus: how long answers take by operation, where they come from, and
//! the state of what can run short.
//!
//! Counting is a few atomic additions; whatever has a name is looked up once, not for each request. Of HTTP it knows
//! what addresses look like.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};

use actix_web::dev::ResourceDef;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::{
    error::{Error, Result},
    traces::SpanCounts,
};

/// The upper bounds of the histograms' buckets, in seconds.
const BUCKETS: [f64; 14] = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// How what is counted is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus, version 0.0.4, which all of its tools read.
    Text,
}

impl Format {
    /// Returns its content type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    operation: String,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Read {
    class: &'static str,
    source: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Pool {
    pool: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Replica {
    replica: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

type Durations = Family<Answered, Histogram, fn() -> Histogram>;

/// What is counted.
pub struct Metrics {
    registry: Registry,
    meters: HashMap<String, Arc<Meter>>,
    /// Those of operations that read, by what their addresses look like.
    reads: Vec<(ResourceDef, Arc<Meter>)>,
    elsewhere: Arc<Meter>,
    tally: Tally,
    gauges: Gauges,
}

#[derive(Default)]
struct Gauges {
    pool_size: Family<Pool, Gauge>,
    pool_in_use: Family<Pool, Gauge>,
    pool_waiting: Family<Pool, Gauge>,
    kept_answers: Gauge,
    kept_bytes: Gauge,
    changes_lag: Gauge<f64, std::sync::atomic::AtomicU64>,
    hashes_in_progress: Gauge,
    replica_in_rotation: Family<Replica, Gauge>,
    replica_lag: Family<Replica, Gauge<f64, std::sync::atomic::AtomicU64>>,
    replica_reads: Family<Replica, Counter>,
    spans: Family<Ended, Counter>,
}

/// How long the answers of one operation take.
#[derive(Debug)]
pub struct Meter {
    operation: String,
    durations: Durations,
    /// By the first digit of the status; made when there is one to count.
    by_status: [OnceLock<Histogram>; 5],
}

/// Where the answers to readers come from, by class.
#[derive(Clone, Debug)]
pub struct Tally {
    kept: [Counter; 3],
    made: [Counter; 3],
}

/// The state of a pool of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolState {
    /// How many connections it may have.
    pub size: usize,
    /// How many are being worked with.
    pub in_use: usize,
    /// How many requests wait for one.
    pub waiting: usize,
}

/// The state of a replica of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    /// Where it is.
    pub name: String,
    /// Whether readers are answered there.
    pub is_in_rotation: bool,
    /// How far it is behind; none, when that is not known.
    pub lag: Option<Duration>,
    /// How many reads were answered there.
    pub n_reads: u64,
}

/// What is read off when somebody asks.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// The connections that serve reads.
    pub read_pool: PoolState,
    /// The connections that serve writes.
    pub write_pool: PoolState,
    /// Finished answers in memory, and about how many bytes they take.
    pub kept: (usize, u64),
    /// How long ago this server knew of all changes; none, when it never has.
    pub changes_lag: Option<Duration>,
    /// Password hashes that are being computed or wait for it.
    pub hashes_in_progress: usize,
    /// The replicas of the database.
    pub replicas: Vec<ReplicaState>,
    /// The spans of traces; none, when there are no traces.
    pub spans: Option<SpanCounts>,
}

impl Metrics {
    /// Makes counters for operations, each a method and a path.
    pub fn new(operations: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        let mut registry = Registry::with_prefix("frontpage");
        let durations: Durations = Family::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register_with_unit(
            "http_request_duration",
            "How long requests took, by operation and kind of status",
            Unit::Seconds,
            durations.clone(),
        );
        let reads: Family<Read, Counter> = Family::default();
        registry.register(
            "reads",
            "Answers to readers, by what they are and whether they were kept or had to be made",
            reads.clone(),
        );
        let of = |source| ["article", "list", "other"].map(|class| reads.get_or_create_owned(&Read { class, source }));
        let tally = Tally { kept: of("kept"), made: of("made") };
        let gauges = Gauges::default();
        gauges.register(&mut registry);
        let meter = |operation: String| {
            Arc::new(Meter { operation, durations: durations.clone(), by_status: Default::default() })
        };
        let named = operations.into_iter().map(|(path, method)| format!("{} {path}", method.to_uppercase()));
        let meters: HashMap<_, _> = named.map(|name| (name.clone(), meter(name))).collect();
        let read = |meter: &Arc<Meter>| Some((ResourceDef::new(meter.operation.strip_prefix("GET ")?), meter.clone()));
        let mut reads: Vec<(ResourceDef, Arc<Meter>)> = meters.values().filter_map(read).collect();
        // Where a step is given in one and may be anything in another, the given one comes first: braces sort last.
        reads.sort_by(|(_, one), (_, other)| one.operation.cmp(&other.operation));
        Self { registry, meters, reads, elsewhere: meter("other".to_owned()), tally, gauges }
    }

    /// Returns the meter of an operation; one for all that is none.
    pub fn meter(&self, method: &str, path: Option<&str>) -> Arc<Meter> {
        let method = if method == "HEAD" { "GET" } else { method };
        let known = path.and_then(|path| self.meters.get(&format!("{method} {path}")));
        known.unwrap_or(&self.elsewhere).clone()
    }

    /// Returns the meter of the operation that reads an address; one for all that are none.
    pub fn meter_of_read(&self, path: &str) -> Arc<Meter> {
        let found = self.reads.iter().find(|(pattern, _)| pattern.is_match(path));
        found.map_or(&self.elsewhere, |(_, meter)| meter).clone()
    }

    /// Returns what counts where answers come from.
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Writes everything.
    ///
    /// # Errors
    /// When writing fails.
    pub fn render(&self, readings: &Readings, format: Format) -> Result<String> {
        self.gauges.set(readings);
        let mut text = String::new();
        text::encode(&mut text, &self.registry).map_err(Error::internal)?;
        Ok(match format {
            Format::OpenMetrics => text,
            Format::Text => without_open_metrics(&text),
        })
    }
}

/// Writes what is in OpenMetrics as text for Prometheus: a counter is described under the name that its values have, and
/// nothing says what units there are or where the end is.
fn without_open_metrics(text: &str) -> String {
    let counters: HashSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut plain = String::with_capacity(text.len());
    for line in text.lines().filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF") {
        let described = line.strip_prefix("# ").and_then(|line| {
            let mut parts = line.splitn(3, ' ');
            Some((parts.next()?, parts.next().filter(|name| counters.contains(name))?, parts.next()?))
        });
        match described {
            Some((what, name, said)) => plain.extend(["# ", what, " ", name, "_total ", said]),
            None => plain.push_str(line),
        }
        plain.push('\n');
    }
    plain
}

impl Gauges {
    fn register(&self, registry: &mut Registry) {
        registry.register("pool_size", "Database connections that a pool may have", self.pool_size.clone());
        registry.register("pool_in_use", "Database connections that are in use", self.pool_in_use.clone());
        registry.register("pool_waiting", "Requests that wait for a connection", self.pool_waiting.clone());
        registry.register("kept_answers", "Finished answers in memory", self.kept_answers.clone());
        registry.register_with_unit("kept", "Memory of the finished answers", Unit::Bytes, self.kept_bytes.clone());
        registry.register_with_unit(
            "changes_lag",
            "How long ago this server knew of all changes; -1 when it never has",
            Unit::Seconds,
            self.changes_lag.clone(),
        );
        registry.register(
            "hashes_in_progress",
            "Password hashes that are computed or wait for it",
            self.hashes_in_progress.clone(),
        );
        registry.register(
            "replica_in_rotation",
            "Whether readers are answered at a replica of the database",
            self.replica_in_rotation.clone(),
        );
        registry.register_with_unit(
            "replica_lag",
            "How far a replica is behind its primary; -1 when that is not known",
            Unit::Seconds,
            self.replica_lag.clone(),
        );
        registry.register("replica_reads", "Reads that were answered at a replica", self.replica_reads.clone());
        registry.register("spans", "Spans of traces, by what became of them", self.spans.clone());
    }

    fn set(&self, readings: &Readings) {
        let number = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
        for (pool, state) in [("read", readings.read_pool), ("write", readings.write_pool)] {
            self.pool_size.get_or_create(&Pool { pool }).set(number(state.size));
            self.pool_in_use.get_or_create(&Pool { pool }).set(number(state.in_use));
            self.pool_waiting.get_or_create(&Pool { pool }).set(number(state.waiting));
        }
        self.kept_answers.set(number(readings.kept.0));
        self.kept_bytes.set(i64::try_from(readings.kept.1).unwrap_or(i64::MAX));
        self.changes_lag.set(readings.changes_lag.map_or(-1.0, |lag| lag.as_secs_f64()));
        self.hashes_in_progress.set(number(readings.hashes_in_progress));
        for state in &readings.replicas {
            let replica = Replica { replica: state.name.clone() };
            self.replica_in_rotation.get_or_create(&replica).set(i64::from(state.is_in_rotation));
            self.replica_lag.get_or_create(&replica).set(state.lag.map_or(-1.0, |lag| lag.as_secs_f64()));
            self.replica_reads.get_or_create(&replica).inner().store(state.n_reads, Ordering::Relaxed);
        }
        if let Some(SpanCounts { sent, refused, dropped }) = readings.spans {
            for (outcome, count) in [("sent", sent), ("refused", refused), ("dropped", dropped)] {
                self.spans.get_or_create(&Ended { outcome }).inner().store(count, Ordering::Relaxed);
            }
        }
    }
}

impl Meter {
    /// Returns the operation: its method, a space, and its path with the names of what is in it.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Counts an answer.
    pub fn observe(&self, status: u16, took: Duration) {
        const NAMES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        let index = usize::from(status / 100).clamp(1, 5) - 1;
        let (Some(cell), Some(status)) = (self.by_status.get(index), NAMES.get(index)) else { return };
        let histogram = cell.get_or_init(|| {
            self.durations.get_or_create_owned(&Answered { operation: self.operation.clone(), status })
        });
        histogram.observe(took.as_secs_f64());
    }
}

impl Tally {
    /// Counts an answer of a class that was kept.
    pub fn kept(&self, class: usize) {
        self.kept.get(class).map(Counter::inc);
    }

    /// Counts an answer of a class that had to be made.
    pub fn made(&self, class: usize) {
        self.made.get(class).map(Counter::inc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_the_operation_that_the_router_finds() {
        let paths = [
            "/v1/articles",
            "/v1/articles/{article}",
            "/feeds/articles.{format}",
            "/feeds/articles/{month}.{format}",
            "/sitemaps/index.xml",
            "/sitemaps/{month}.xml",
        ];
        let metrics = Metrics::new(paths.map(|path| (path, "get")).into_iter().chain([("/v1/tags", "post")]));
        for (address, operation) in [
            ("/v1/articles", "GET /v1/articles"),
            ("/v1/articles/harbor-reopens", "GET /v1/articles/{article}"),
            ("/feeds/articles.rss", "GET /feeds/articles.{format}"),
            ("/feeds/articles/2026-11.json", "GET /feeds/articles/{month}.{format}"),
            ("/sitemaps/index.xml", "GET /sitemaps/index.xml"),
            ("/sitemaps/2026-11.xml", "GET /sitemaps/{month}.xml"),
            ("/sitemaps/.xml", "other"),
            ("/v1/articles/", "other"),
            ("/v1/articles/harbor/more", "other"),
            ("/v1/tags", "other"),
        ] {
            assert_eq!(metrics.meter_of_read(address).operation(), operation, "{address}");
        }
    }

    #[test]
    fn what_was_counted_is_written() {
        let metrics = Metrics::new([("/v1/articles/{article}", "get"), ("/v1/articles", "post")]);
        metrics.meter("GET", Some("/v1/articles/{article}")).observe(200, Duration::from_micros(300));
        metrics.meter("HEAD", Some("/v1/articles/{article}")).observe(304, Duration::from_micros(300));
        metrics.meter("GET", Some("/nowhere")).observe(404, Duration::from_micros(300));
        metrics.tally().kept(1);
        let text = metrics.render(&Readings::default(), Format::OpenMetrics).unwrap();
        for line in [
            "# TYPE frontpage_reads counter",
            "frontpage_http_request_duration_seconds_bucket{le=\"0.0005\",operation=\"GET /v1/articles/{article}\",status=\"2xx\"} 1",
            "frontpage_http_request_duration_seconds_count{operation=\"GET /v1/articles/{article}\",status=\"3xx\"} 1",
            "frontpage_http_request_duration_seconds_count{operation=\"other\",status=\"4xx\"} 1",
            "frontpage_reads_total{class=\"list\",source=\"kept\"} 1",
            "frontpage_pool_in_use{pool=\"read\"} 0",
            "frontpage_changes_lag_seconds -1.0",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn who_does_not_ask_for_open_metrics_gets_what_all_tools_of_prometheus_read() {
        let metrics = Metrics::new([]);
        metrics.tally().kept(1);
        let both =
            [Format::OpenMetrics, Format::Text].map(|format| metrics.render(&Readings::default(), format).unwrap());
        let [open, text] = both.each_ref().map(|text| text.lines().collect::<Vec<_>>());

        let values = |lines: &[&str]| lines.iter().filter(|line| !line.starts_with('#')).count();
        assert_eq!(values(&open), values(&text));
        assert!(text.contains(&"# TYPE frontpage_reads_total counter"), "{text:?}");
        assert!(text.iter().all(|line| !line.starts_with("# UNIT") && *line != "# EOF"), "{text:?}");
    }
}
