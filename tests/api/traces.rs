//! Traces: what a collector gets, what it never gets, and that nobody waits for it.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::any_value::Value,
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use prost::Message;
use serde_json::json;

use crate::support::{
    App, Backend, Database, PASSWORD, id, postgres,
    program::{self, Program},
    wait::until,
};

/// A trace of a caller's, and the span that it calls from.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// What a collector does with a request once it has read it.
#[derive(Clone, Copy)]
enum Manner {
    Takes,
    NeverAnswers,
    NeverEnds,
}

/// What a collector was sent: the heads and the bodies of requests.
type Requests = Mutex<Vec<(String, Vec<u8>)>>;

/// A collector, and what it was sent.
struct Collector {
    endpoint: String,
    requests: Arc<Requests>,
}

impl Collector {
    fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Requests> = Arc::default();
        let seen = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let seen = seen.clone();
                std::thread::spawn(move || serve(stream, manner, &seen));
            }
        });
        Self { endpoint, requests }
    }

    fn spans(&self) -> Vec<Span> {
        let requests = self.requests.lock().unwrap();
        let decoded = requests.iter().map(|(_, body)| ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
        let resources = decoded.flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    fn of_trace(&self, trace: &str) -> Vec<Span> {
        self.spans().into_iter().filter(|span| hex(&span.trace_id) == trace).collect()
    }

    fn settings<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [&[("OTEL_EXPORTER_OTLP_ENDPOINT", self.endpoint.as_str())], more].concat()
    }
}

fn serve(mut stream: TcpStream, manner: Manner, seen: &Requests) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    // A connection may be used again.
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        seen.lock().unwrap().push((head, body));
        match manner {
            Manner::Takes => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?,
            // Until the other side gives up.
            Manner::NeverAnswers => return reader.read(&mut [0]).ok().map(drop),
            Manner::NeverEnds => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").ok()?;
                loop {
                    stream.write_all(b"10\r\nand on and on an\r\n").ok()?;
                }
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a span says under a name.
fn told(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// The header of a caller that has begun a trace, which ends in a number of the test's.
fn caller(number: u8, flags: &str) -> (String, String) {
    let trace = format!("{}{number:02x}", &TRACE[..30]);
    (format!("00-{trace}-{CALLER}-{flags}"), trace)
}

fn backends() -> impl Iterator<Item = Backend> {
    let is_there = |backend: &Backend| *backend == Backend::Sqlite || postgres::cluster().is_ok();
    [Backend::Sqlite, Backend::Postgres].into_iter().filter(is_there)
}

#[test]
fn a_request_is_a_span_in_the_trace_of_its_caller_and_its_work_hangs_on_it() {
    for backend in backends() {
        let collector = Collector::start(Manner::Takes);
        let cache = ("FRONTPAGE_CACHE_BYTES", "1000000");
        let settings = collector.settings(&[cache, ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=rope%20and%20tar")]);
        let app = App::start_with(backend, &settings);
        let path = format!("/v1/articles/{}", id(&app.published("Harbor reopens", json!({}))));
        let (read, read_trace) = caller(1, "01");
        let (written, write_trace) = caller(2, "01");

        let made =
            app.anonymous().request("GET", &path).header("traceparent", &read).header("tracestate", "a=b").send();
        let editor = app.editor();
        let edit = editor.request("PATCH", &path).header("if-match", "*").header("traceparent", &written);
        edit.json(&json!({ "title": "Harbor reopens again" })).send().expect(200);
        drop(app);

        let spans = collector.of_trace(&read_trace);
        let server = spans.iter().find(|span| span.kind() == SpanKind::Server).expect("the request has a span");
        assert_eq!(
            (server.name.as_str(), hex(&server.parent_span_id).as_str()),
            ("GET /v1/articles/{article}", CALLER)
        );
        assert_eq!((server.trace_state.as_str(), server.status.clone().unwrap().code()), ("a=b", StatusCode::Unset));
        let id = made.expect(200).header("x-request-id").unwrap().to_owned();
        for (name, value) in [
            ("http.request.method", "GET"),
            ("http.route", "/v1/articles/{article}"),
            ("http.response.status_code", "200"),
            ("url.path", path.as_str()),
            ("url.scheme", "http"),
            ("server.address", "127.0.0.1"),
            ("request.id", id.as_str()),
        ] {
            assert_eq!(told(server, name), value, "{name}");
        }
        let system = if backend == Backend::Sqlite { "sqlite" } else { "postgresql" };
        let works = |spans: &[Span], server: &Span| -> Vec<String> {
            let below = spans.iter().filter(|span| span.parent_span_id == server.span_id);
            let below = below.inspect(|span| assert!(span.start_time_unix_nano >= server.start_time_unix_nano));
            below.filter(|span| told(span, "db.system.name") == system).map(|span| span.name.clone()).collect()
        };
        assert_eq!(works(&spans, server), ["read articles::routes::get_article"]);
        let spans = collector.of_trace(&write_trace);
        let server = spans.iter().find(|span| span.kind() == SpanKind::Server).expect("the write has a span");
        assert!(works(&spans, server).contains(&"write articles::routes::update_article".to_owned()), "{spans:?}");

        let (head, body) = collector.requests.lock().unwrap().first().unwrap().clone();
        assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("application/x-protobuf\r\n") && head.contains("api-key: rope and tar\r\n"), "{head}");
        let resource = ExportTraceServiceRequest::decode(body.as_slice()).unwrap().resource_spans[0].clone().resource;
        let named = resource.unwrap().attributes.into_iter().find(|attribute| attribute.key == "service.name").unwrap();
        assert_eq!(named.value.unwrap().value, Some(Value::StringValue("frontpage".to_owned())));
    }
}

#[test]
fn a_request_that_is_answered_from_memory_is_a_span_too() {
    let collector = Collector::start(Manner::Takes);
    let token = "collects-all-day-long";
    let more = [("FRONTPAGE_CACHE_BYTES", "1000000"), ("FRONTPAGE_METRICS_TOKEN", token)];
    let app = App::start_with(Backend::Sqlite, &collector.settings(&more));
    let path = format!("/v1/articles/{}", id(&app.published("Harbor reopens", json!({}))));
    let kept = || {
        let metrics = app.anonymous().with_token(token).get("/metrics").expect(200).text();
        let line = metrics.lines().find_map(|line| {
            line.strip_prefix("frontpage_reads_total{class=\"article\",source=\"kept\"} ").map(str::to_owned)
        });
        line.unwrap().parse::<u64>().unwrap()
    };
    until("the answer is kept", || {
        app.anonymous().get(&path).expect(200);
        kept() > 0
    });
    let (traceparent, trace) = caller(1, "01");

    let before = kept();
    let answer = app.anonymous().request("HEAD", &path).header("traceparent", &traceparent).send();
    assert_eq!(kept(), before + 1, "the answer was kept");
    let metrics = app.anonymous().with_token(token).get("/metrics").expect(200).text();
    assert!(metrics.contains("frontpage_spans_total{outcome=\"dropped\"} 0\n"), "{metrics}");
    drop(app);

    let spans = collector.of_trace(&trace);
    let [span] = spans.as_slice() else { panic!("there is more than the request, or less: {spans:?}") };
    assert_eq!((span.name.as_str(), span.kind()), ("HEAD /v1/articles/{article}", SpanKind::Server));
    assert_eq!(told(span, "http.response.status_code"), "200");
    assert_eq!(told(span, "request.id"), answer.header("x-request-id").unwrap());
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
}

#[test]
fn no_span_has_a_token_a_password_an_address_or_a_text() {
    for backend in backends() {
        let collector = Collector::start(Manner::Takes);
        let app = App::start_with(backend, &collector.settings(&[("FRONTPAGE_CACHE_BYTES", "1000000")]));
        let (draft, forwarded) = (id(&app.draft("Harbor of cnrtitle", json!({}))), "203.0.113.77");
        let preview = app.editor().post(&format!("/v1/articles/{draft}/previews"), json!({})).expect(201).json();
        let preview = preview["token"].as_str().unwrap().to_owned();
        let (traceparent, trace) = caller(1, "01");

        let reader = app.anonymous();
        let request = reader.request("GET", &format!("/v1/articles/{draft}?preview={preview}"));
        let request = request.header("cookie", "session=cnrcookie").header("x-forwarded-for", forwarded);
        request.header("baggage", "who=cnrbaggage").header("traceparent", &traceparent).send().expect(200);
        let bearer = app.editor().token.unwrap();
        app.anonymous().with_token(&bearer).get("/v1/auth/me").expect(200);
        app.anonymous().with_token("cnr.forged.token").get("/v1/auth/me").expect(401);
        app.login("cnrmail@newsroom.test", "cnrpassword of somebody").expect(401);
        app.anonymous().get("/v1/articles?q=cnrquery").expect(400);
        drop(app);

        assert!(!collector.of_trace(&trace).is_empty(), "the preview has a span");
        for (head, body) in collector.requests.lock().unwrap().iter() {
            let sent = format!("{head}{}", String::from_utf8_lossy(body));
            for secret in ["cnr", &preview, &bearer, PASSWORD, "newsroom.test", forwarded, "preview="] {
                assert!(!sent.contains(secret), "a span tells \"{secret}\"");
            }
        }
    }
}

#[test]
fn a_caller_decides_for_its_requests_and_one_that_is_not_understood_counts_as_none() {
    let collector = Collector::start(Manner::Takes);
    let more = [("OTEL_TRACES_SAMPLER", "parentbased_always_off"), ("OTEL_SERVICE_NAME", "news")];
    let app = App::start_with(Backend::Sqlite, &collector.settings(&more));
    let reader = app.anonymous();
    let ask = |parents: &[&str]| {
        let request = reader.request("GET", "/v1/sections");
        parents.iter().fold(request, |request, parent| request.header("traceparent", parent)).send().expect(200);
    };
    let (wanted, trace) = caller(1, "01");
    let (unwanted, _) = caller(2, "00");
    let (twice, _) = caller(3, "01");

    ask(&[]);
    ask(&[&unwanted]);
    ask(&[&twice, &twice]);
    for malformed in ["", "nonsense", &wanted.to_uppercase(), &wanted[..50], &format!("{wanted}-more")] {
        ask(&[malformed]);
    }
    ask(&[&wanted]);
    app.anonymous().request("GET", "/nowhere").header("traceparent", &wanted).send().expect(404);
    drop(app);

    let spans = collector.spans();
    assert!(spans.iter().all(|span| hex(&span.trace_id) == trace), "{spans:?}");
    let servers = spans.iter().filter(|span| span.kind() == SpanKind::Server);
    let names: Vec<&str> = servers.map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["GET /v1/sections", "GET"]);
}

/// Starts the program with its log in a file, and tells when it has ended.
fn serve_with_log(database: &Database, settings: &[(&str, &str)]) -> Program {
    let mut command = program::command(database.directory(), &["serve"]);
    command.stderr(File::create(database.directory().join("log")).unwrap());
    command.envs(database.settings()).env("FRONTPAGE_LOG_LEVEL", "info").envs(settings.iter().copied());
    Program::start(command)
}

fn end(program: Program) -> Receiver<bool> {
    let (sender, receiver) = mpsc::channel();
    program.signal("TERM");
    std::thread::spawn(move || sender.send(program.end().0.success()));
    receiver
}

#[test]
fn a_collector_that_never_answers_holds_up_neither_answers_nor_the_end() {
    let (collector, database) = (Collector::start(Manner::NeverAnswers), Database::with_logins(Backend::Sqlite));
    // Whoever waited for it would wait for a minute.
    let more =
        [("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"), ("FRONTPAGE_LOG_REQUESTS", "true"), ("FRONTPAGE_LOG_FORMAT", "json")];
    let program = serve_with_log(&database, &collector.settings(&more));
    let client = crate::support::Client::new(&program.base, None);
    let (traceparent, trace) = caller(1, "01");

    let answer = client.request("GET", "/v1/sections").header("traceparent", &traceparent).send().expect(200);
    until("the collector has been told", || !collector.requests.lock().unwrap().is_empty());
    client.get("/v1/sections").expect(200);
    let ended = end(program);

    assert_eq!(ended.recv_timeout(Duration::from_secs(30)), Ok(true), "the program ends");
    let log = std::fs::read_to_string(database.directory().join("log")).unwrap();
    let line = log.lines().find(|line| line.contains(&trace)).expect("the log names the trace");
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["trace.id"], trace);
    assert_eq!(line["request.id"], answer.header("x-request-id").unwrap());
}

#[test]
fn a_collector_that_is_not_there_is_named_once_and_nobody_waits_for_it() {
    let database = Database::with_logins(Backend::Sqlite);
    // Nobody listens where somebody has just left.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{gone}/in?key=cnrkey");
    let program = serve_with_log(&database, &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint)]);
    let client = crate::support::Client::new(&program.base, None);
    let log = || std::fs::read_to_string(database.directory().join("log")).unwrap();

    until("the log says so", || {
        client.get("/v1/sections").expect(200);
        log().contains("cannot be delivered")
    });
    (0..20).for_each(|_| drop(client.get("/v1/sections").expect(200)));
    let ended = end(program);

    assert_eq!(ended.recv_timeout(Duration::from_secs(30)), Ok(true), "the program ends");
    let log = log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("Traces")).collect();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(line.contains(&format!("http://{gone}/in")) && line.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{line}");
    assert!(!log.contains("cnrkey"), "{log}");
}

#[test]
fn a_collector_whose_answer_never_ends_gets_the_next_spans_all_the_same() {
    let collector = Collector::start(Manner::NeverEnds);
    let app = App::start_with(Backend::Sqlite, &collector.settings(&[]));

    app.anonymous().get("/v1/sections").expect(200);
    until("the first spans arrive", || !collector.requests.lock().unwrap().is_empty());
    app.anonymous().get("/v1/tags").expect(200);
    drop(app);

    let names: Vec<String> = collector.spans().into_iter().map(|span| span.name).collect();
    assert!(names.contains(&"GET /v1/tags".to_owned()), "{names:?}");
}
