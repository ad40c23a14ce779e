//! From finished spans to the collector: a queue that never makes anybody wait, and a thread that empties it.
//!
//! The thread sends what has gathered every second, or sooner when it is much. A collector that is away is tried again
//! with the same spans; meanwhile the queue fills, and what finds no room in it is dropped and counted. The log says once
//! that the collector is away, and once that it is back.
//!
//! The collector's address is a setting, so the guard for addresses that others chose (`outgoing`) is not asked: who sets
//! the environment may reach what they like, and a collector is inside as a rule.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

use opentelemetry::Context;
use opentelemetry_proto::{
    tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    transform::{common::tonic::ResourceAttributesWithSchema, trace::tonic::group_spans_by_resource_and_scope},
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{Span, SpanData, SpanProcessor},
};
use prost::Message as _;

use super::SpanCounts;
use crate::{
    config::{Hidden, TracesConfig},
    outgoing::{MOST_READ, in_short},
};

/// The most spans that wait: some megabytes at worst.
pub(super) const MOST_WAITING: usize = 2048;

/// The most spans that are sent at once.
const MOST_AT_ONCE: usize = 512;

/// For how long spans gather before they are sent.
const GATHER_FOR: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 1000 });

/// How long a collector that was away is left alone.
const AGAIN_AFTER: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 5000 });

/// What became of the spans.
#[derive(Debug, Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
    /// Whether the last attempt found nobody who took spans.
    is_away: AtomicBool,
}

impl Counts {
    pub(super) fn read(&self) -> SpanCounts {
        let of = |count: &AtomicU64| count.load(Relaxed);
        SpanCounts { sent: of(&self.sent), refused: of(&self.refused), dropped: of(&self.dropped) }
    }
}

/// Where spans go when they end.
pub(super) struct Queue {
    spans: SyncSender<Message>,
    counts: Arc<Counts>,
    is_closing: Arc<AtomicBool>,
    thread: Thread,
    /// Nothing ever comes from here but the end.
    ended: Mutex<Receiver<()>>,
}

/// What goes through the queue.
enum Message {
    Span(Box<SpanData>),
    /// There is something else to look at.
    Wake,
}

impl Queue {
    /// Starts the thread.
    pub(super) fn begin(config: &TracesConfig, resource: &Resource, counts: Arc<Counts>) -> io::Result<Self> {
        let (spans, queue) = sync_channel(MOST_WAITING);
        let (ending, ended) = sync_channel(1);
        let is_closing = Arc::<AtomicBool>::default();
        let sender = Sender {
            queue,
            collector: Collector::new(config),
            resource: resource.into(),
            counts: counts.clone(),
            is_closing: is_closing.clone(),
        };
        let thread = thread::Builder::new().name("traces".to_owned()).spawn(move || {
            sender.run();
            drop(ending);
        })?;
        Ok(Self { spans, counts, is_closing, thread: thread.thread().clone(), ended: Mutex::new(ended) })
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.spans.try_send(Message::Span(Box::new(span))).is_err() {
            self.counts.dropped.fetch_add(1, Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, patience: Duration) -> OTelSdkResult {
        self.is_closing.store(true, Relaxed);
        // Either it waits for spans, or it has some and looks by itself, or it leaves the collector alone for a while.
        drop(self.spans.try_send(Message::Wake));
        self.thread.unpark();
        if self.counts.is_away.load(Relaxed) {
            return Ok(());
        }
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        match ended.recv_timeout(patience) {
            Err(RecvTimeoutError::Timeout) => Err(OTelSdkError::Timeout(patience)),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// What the thread works with.
struct Sender {
    queue: Receiver<Message>,
    collector: Collector,
    resource: ResourceAttributesWithSchema,
    counts: Arc<Counts>,
    is_closing: Arc<AtomicBool>,
}

/// Why spans were not taken.
enum Failure {
    /// Others may be.
    Refused(String),
    /// They may be another time.
    Away(String),
}

impl Sender {
    fn run(self) {
        while let Some(spans) = self.gather() {
            let n_spans = u64::try_from(spans.len()).unwrap_or(u64::MAX);
            let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
            let bytes = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
            if !self.deliver(&bytes, n_spans) {
                return;
            }
        }
    }

    /// Waits for spans; none come when the queue is closed and empty.
    fn gather(&self) -> Option<Vec<SpanData>> {
        let (mut spans, mut until) = (Vec::new(), None);
        while spans.len() < MOST_AT_ONCE {
            let is_closing = self.is_closing.load(Relaxed);
            let message = match until {
                _ if is_closing => self.queue.recv_timeout(Duration::ZERO),
                Some(until) => self.queue.recv_timeout(Instant::saturating_duration_since(&until, Instant::now())),
                None => self.queue.recv().map_err(RecvTimeoutError::from),
            };
            match message {
                Ok(Message::Span(span)) => {
                    spans.push(*span);
                    until.get_or_insert_with(|| Instant::now() + GATHER_FOR);
                }
                Ok(Message::Wake) => {}
                Err(_) => break,
            }
        }
        (!spans.is_empty()).then_some(spans)
    }

    /// Sends spans until they are taken or refused; returns whether to go on.
    fn deliver(&self, bytes: &[u8], n_spans: u64) -> bool {
        loop {
            let failure = match self.collector.send(bytes) {
                Ok(n_refused) => {
                    let n_refused = n_refused.min(n_spans);
                    self.counts.sent.fetch_add(n_spans - n_refused, Relaxed);
                    self.counts.refused.fetch_add(n_refused, Relaxed);
                    self.note_well();
                    return true;
                }
                Err(failure) => failure,
            };
            match failure {
                Failure::Refused(why) => {
                    self.counts.refused.fetch_add(n_spans, Relaxed);
                    self.note_trouble("are refused", &why);
                    return true;
                }
                Failure::Away(why) => self.note_trouble("cannot be delivered", &why),
            }
            if !self.is_closing.load(Relaxed) {
                thread::park_timeout(AGAIN_AFTER);
            }
            if self.is_closing.load(Relaxed) {
                self.counts.dropped.fetch_add(n_spans, Relaxed);
                return false;
            }
        }
    }

    fn note_trouble(&self, what: &str, why: &str) {
        if !self.counts.is_away.swap(true, Relaxed) {
            tracing::warn!(
                collector = self.collector.name,
                "Traces {what}: {why}. Requests are answered as ever, and spans that find no room are dropped. See whether \
                 a collector takes OTLP over HTTP at {}, which OTEL_EXPORTER_OTLP_ENDPOINT says, and what it logs",
                self.collector.name
            );
        }
    }

    fn note_well(&self) {
        if self.counts.is_away.swap(false, Relaxed) {
            let SpanCounts { refused, dropped, .. } = self.counts.read();
            tracing::info!(
                refused,
                dropped,
                "Traces are delivered again; {} spans were lost since the start",
                refused + dropped
            );
        }
    }
}

/// Whom spans are sent to.
struct Collector {
    url: String,
    /// The same without what a query may hold.
    name: String,
    headers: Vec<(String, Hidden)>,
    agent: ureq::Agent,
}

impl Collector {
    fn new(config: &TracesConfig) -> Self {
        let tls = ureq::tls::TlsConfig::builder()
            .provider(ureq::tls::TlsProvider::NativeTls)
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(config.patience))
            .max_redirects(0)
            .http_status_as_error(false)
            // What the environment says is for other programs.
            .proxy(None)
            .user_agent(concat!("Frontpage/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let (url, headers) = (config.endpoint.clone(), config.headers.clone());
        let name = url.split('?').next().unwrap_or_default().to_owned();
        Self { url, name, headers, agent }
    }

    /// Sends spans; returns how many of them the collector did not want.
    fn send(&self, spans: &[u8]) -> Result<u64, Failure> {
        let mut request = ureq::http::Request::post(&self.url).header("content-type", "application/x-protobuf");
        for (name, value) in &self.headers {
            request = request.header(name, value.expose());
        }
        let request = request.body(spans).map_err(|_| Failure::Refused("the request cannot be written".to_owned()))?;
        let answer = self.agent.run(request).map_err(|error| Failure::Away(in_short(&error)))?;
        let status = answer.status().as_u16();
        // As much as is of interest of it, however much there is.
        let answer = answer.into_body().into_with_config().limit(MOST_READ).read_to_vec();
        match status {
            200..=299 => {
                let told = answer.ok().and_then(|bytes| ExportTraceServiceResponse::decode(bytes.as_slice()).ok());
                let n_refused = told.and_then(|told| told.partial_success).map_or(0, |some| some.rejected_spans);
                Ok(u64::try_from(n_refused).unwrap_or(0))
            }
            // Those that OTLP says to try again after.
            429 | 502..=504 => Err(Failure::Away(format!("the collector answers {status}"))),
            _ => Err(Failure::Refused(format!("the collector answers {status}"))),
        }
    }
}
