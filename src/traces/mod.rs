//! Traces: what the server did for a request and how long each part took, for a collector that takes OTLP.
//!
//! There are none unless the settings name a collector; then a request costs a look at an `Option`. Start at [`Traces`].
//! The span of a request is begun by whoever answers it, and what is done for it hangs on that span: which one it is, is
//! carried by the task ([`within`], [`child`]), and taken along into a task of its own by [`carried`].
//!
//! Knows neither HTTP nor SQL: `http::spans` says what is told of a request, and `db` what is told of its work. The library
//! of OpenTelemetry gives ids, decides what is sampled and writes OTLP; nothing of it is global, so that servers in one
//! process do not mix. How spans get to the collector is in [`queue`].

pub mod parent;
mod queue;

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use futures_util::future::Either;
use opentelemetry::{
    Context, InstrumentationScope, KeyValue, Value,
    trace::{Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer as _, TracerProvider as _},
};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider, SpanLimits},
};

use self::queue::{Counts, Queue};
use crate::{
    config::{Sampling, TracesConfig},
    error::{Error, Result},
};

/// How long what is left may take to be delivered when the server stops.
const LAST_WORD: Duration = Duration::from_secs(2);

tokio::task_local! {
    static CURRENT: Here;
}

/// Where traces begin; cheap to clone.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<On>>);

struct On {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// What is told of every request.
    always: Vec<KeyValue>,
    counts: Arc<Counts>,
}

/// How many spans there were so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCounts {
    /// Those that the collector has.
    pub sent: u64,
    /// Those that the collector did not want.
    pub refused: u64,
    /// Those that found no room while it was away.
    pub dropped: u64,
}

/// Something that is being done; it ends when this is dropped.
pub struct Span {
    span: opentelemetry_sdk::trace::Span,
    tracer: SdkTracer,
}

/// The span that what is done here hangs on.
#[derive(Clone)]
pub struct Here {
    tracer: SdkTracer,
    span: SpanContext,
}

impl Traces {
    /// Begins to deliver traces, if the settings say where to. `always` is told of every request.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn begin(config: Option<&TracesConfig>, always: Vec<KeyValue>) -> Result<Self> {
        let Some(config) = config else { return Ok(Self::default()) };
        let resource = Resource::builder_empty()
            .with_service_name(config.service_name.clone())
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", uuid::Uuid::now_v7().to_string()),
                KeyValue::new("telemetry.sdk.name", "opentelemetry"),
                KeyValue::new("telemetry.sdk.language", "rust"),
            ])
            .build();
        let counts = Arc::<Counts>::default();
        let queue = Queue::begin(config, &resource, counts.clone()).map_err(Error::internal)?;
        // All that the library would otherwise take from the environment by itself is said here.
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(sampler(config.sampling))
            .with_span_limits(SpanLimits::default())
            .with_span_processor(queue)
            .build();
        let scope = InstrumentationScope::builder("frontpage").with_version(env!("CARGO_PKG_VERSION")).build();
        let tracer = provider.tracer_with_scope(scope);
        Ok(Self(Some(Arc::new(On { provider, tracer, always, counts }))))
    }

    /// Begins the span of a request that came some time ago; none, when there are no traces.
    pub fn request(&self, name: &'static str, caller: Option<SpanContext>, ago: Duration) -> Option<Span> {
        let On { tracer, always, .. } = self.0.as_deref()?;
        let began = opentelemetry::time::now().checked_sub(ago);
        let builder = SpanBuilder { start_time: began, ..SpanBuilder::from_name(name) };
        let mut span = Here::begin(tracer, builder.with_kind(SpanKind::Server), caller);
        if span.is_recording() {
            span.span.set_attributes(always.iter().cloned());
        }
        Some(span)
    }

    /// Returns whether there are traces.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Returns how many spans there were so far, if there are traces.
    pub fn counts(&self) -> Option<SpanCounts> {
        self.0.as_ref().map(|on| on.counts.read())
    }

    /// Delivers what is left, if the collector takes it soon. Nothing is told of what is done after that.
    pub async fn close(&self) {
        let Some(on) = self.0.clone() else { return };
        // What comes of it, the queue has said.
        drop(tokio::task::spawn_blocking(move || on.provider.shutdown_with_timeout(LAST_WORD)).await);
    }
}

fn sampler(sampling: Sampling) -> Sampler {
    let Sampling { follows_caller, ratio } = sampling;
    let of_others = match ratio {
        all if all >= 1.0 => Sampler::AlwaysOn,
        none if none <= 0.0 => Sampler::AlwaysOff,
        some => Sampler::TraceIdRatioBased(some),
    };
    if follows_caller { Sampler::ParentBased(Box::new(of_others)) } else { of_others }
}

impl Here {
    fn begin(tracer: &SdkTracer, builder: SpanBuilder, parent: Option<SpanContext>) -> Span {
        let none = Context::new();
        let parent = parent.map_or_else(|| none.clone(), |parent| none.with_remote_span_context(parent));
        Span { span: tracer.build_with_context(builder, &parent), tracer: tracer.clone() }
    }
}

impl Span {
    /// Returns whether anybody will read what is told of it.
    pub fn is_recording(&self) -> bool {
        self.span.is_recording()
    }

    /// Tells something of it.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.span.set_attribute(KeyValue::new(name, value));
    }

    /// Gives it the name that was not known when it began.
    pub fn rename(&mut self, name: String) {
        self.span.update_name(name);
    }

    /// Says that it failed, and in a word why.
    pub fn fail(&mut self, why: impl Into<Cow<'static, str>>) {
        self.span.set_status(Status::Error { description: Cow::Borrowed("") });
        self.span.set_attribute(KeyValue::new("error.type", why.into()));
    }

    /// Returns the id of the trace that it is a part of.
    pub fn trace_id(&self) -> String {
        self.span.span_context().trace_id().to_string()
    }

    /// Returns what other spans hang on this one by; none, when nobody would read them.
    pub fn here(&self) -> Option<Here> {
        let span = self.span.is_recording().then(|| self.span.span_context().clone())?;
        Some(Here { tracer: self.tracer.clone(), span })
    }
}

/// Does some work of which all spans hang on another.
pub fn within<F: Future>(here: Option<Here>, work: F) -> impl Future<Output = F::Output> {
    match here {
        Some(here) => Either::Left(CURRENT.scope(here, work)),
        None => Either::Right(work),
    }
}

/// Takes along what spans hang on here, into a task of its own.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    within(CURRENT.try_with(Clone::clone).ok(), work)
}

/// Begins the span of something that is done for what is done here; none, when nobody would read it.
pub fn child(name: impl FnOnce() -> Cow<'static, str>, kind: SpanKind) -> Option<Span> {
    let begin = |here: &Here| {
        Here::begin(&here.tracer, SpanBuilder::from_name(name()).with_kind(kind), Some(here.span.clone()))
    };
    CURRENT.try_with(begin).ok()
}

/// Returns in which function of this program a piece of work was written down, as well as the compiler tells.
pub fn function_of<F>() -> String {
    let name = std::any::type_name::<F>();
    // Work that is handed on is wrapped in other work; the innermost is what it is about.
    let name = name.rsplit(['<', ' ']).next().unwrap_or(name);
    let name = name.split('>').next().unwrap_or(name).replace("::{{closure}}", "");
    name.strip_prefix("frontpage::").map(str::to_owned).unwrap_or(name)
}

/// Does something that has a span of its own.
pub async fn measured<F: Future>(name: &'static str, work: F) -> F::Output {
    let _span = child(|| name.into(), SpanKind::Internal);
    work.await
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traces").field(&self.is_on()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handed_on<F: Fn() -> u8>(work: F) -> String {
        of(move || work() + 1)
    }

    fn of<F: Fn() -> u8>(_: F) -> String {
        function_of::<F>()
    }

    /// Traces to a collector of the test's own.
    fn traces(endpoint: &str) -> Traces {
        let pairs = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Traces::begin(crate::config::Config::from_pairs(pairs).unwrap().traces.as_ref(), Vec::new()).unwrap()
    }

    #[test]
    fn spans_that_find_no_room_are_dropped_and_counted_and_nobody_waits() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        // Connections are made, and then nothing comes of them.
        let traces = traces(&format!("http://{}", listener.local_addr().unwrap()));

        (0..10_000).for_each(|_| drop(traces.request("GET", None, Duration::ZERO)));

        let counts = traces.counts().unwrap();
        let n_waiting = u64::try_from(queue::MOST_WAITING).unwrap();
        assert!((10_000 - 2 * n_waiting..=10_000 - n_waiting).contains(&counts.dropped), "{counts:?}");
        assert_eq!((counts.sent, counts.refused), (0, 0));
        // Nor does the end wait for longer than it was told to.
        assert!(traces.0.as_ref().unwrap().provider.shutdown_with_timeout(Duration::from_millis(20)).is_err());
    }

    #[test]
    fn what_a_collector_had_no_time_for_is_sent_again_and_what_it_refuses_is_not() {
        use std::io::{BufRead, BufReader, Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let traces = traces(&format!("http://{}", listener.local_addr().unwrap()));
        let answers = std::thread::spawn(move || {
            let mut lengths = Vec::new();
            for status in ["503 Later", "400 Never", "200 Well"] {
                let mut stream = listener.accept().unwrap().0;
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let head: Vec<_> =
                    reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
                let length =
                    head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
                reader.read_exact(&mut vec![0; length]).unwrap();
                write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
                lengths.push(length);
            }
            lengths
        });
        let wait_for = |wanted: SpanCounts| {
            let began = std::time::Instant::now();
            while traces.counts().unwrap() != wanted {
                assert!(began.elapsed() < Duration::from_secs(60), "{:?} is not {wanted:?}", traces.counts());
                std::thread::park_timeout(Duration::from_millis(5));
            }
        };

        (0..3).for_each(|_| drop(traces.request("GET", None, Duration::ZERO)));
        wait_for(SpanCounts { sent: 0, refused: 3, dropped: 0 });
        drop(traces.request("GET", None, Duration::ZERO));
        wait_for(SpanCounts { sent: 1, refused: 3, dropped: 0 });

        let lengths = answers.join().unwrap();
        assert!(lengths[0] == lengths[1] && lengths[1] > lengths[2], "{lengths:?}");
    }

    #[test]
    fn work_is_named_after_where_it_was_written_down() {
        let here = "traces::tests::work_is_named_after_where_it_was_written_down";

        assert_eq!(of(|| 1), here);
        assert_eq!(handed_on(|| 1), here);
    }
}
