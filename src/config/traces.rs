//! Where traces go, and which requests are traced.
//!
//! The names are those of OpenTelemetry, which operators know from everything else that they run. What the environment
//! says under other names of OpenTelemetry is for other programs.

use std::{ffi::OsString, time::Duration};

use actix_web::http::header::{HeaderName, HeaderValue};

use super::{fault::ConfigFault, http::parse_web_url, purge::Hidden, reader::Reader};

/// The settings of traces as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Traces")]
pub struct TracesArgs {
    /// Where a collector takes traces by OTLP over HTTP, such as `http://localhost:4318`; `/v1/traces` is added. No traces
    /// unless given.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", hide_short_help = true)]
    pub otel_exporter_otlp_endpoint: Option<OsString>,
    /// The same as a whole address, to which nothing is added; it wins over `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", value_name = "URL", hide_short_help = true)]
    pub otel_exporter_otlp_traces_endpoint: Option<OsString>,
    /// How traces are sent. `http/protobuf` is what there is.
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_PROTOCOL",
        default_value = PROTOCOL,
        value_name = "PROTOCOL",
        hide_short_help = true
    )]
    pub otel_exporter_otlp_protocol: Option<OsString>,
    /// Headers that show the collector who is sending, as a list such as `api-key=…,tenant=news`, with percent-encoding.
    /// Prefer the variable to the flag: other users of the machine can see flags.
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_HEADERS",
        value_name = "LIST",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub otel_exporter_otlp_headers: Option<OsString>,
    /// How many milliseconds the collector may take to answer.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TIMEOUT", default_value = TIMEOUT, value_name = "MS", hide_short_help = true)]
    pub otel_exporter_otlp_timeout: Option<OsString>,
    /// The name of this service in traces.
    #[arg(long, env = "OTEL_SERVICE_NAME", default_value = SERVICE_NAME, value_name = "NAME", hide_short_help = true)]
    pub otel_service_name: Option<OsString>,
    /// Which requests are traced: `always_on`, `always_off`, `traceidratio`, or one of them after `parentbased_`: then a
    /// caller that sends `traceparent` decides for its requests.
    #[arg(long, env = "OTEL_TRACES_SAMPLER", default_value = SAMPLER, value_name = "NAME", hide_short_help = true)]
    pub otel_traces_sampler: Option<OsString>,
    /// For `traceidratio`: the share of requests that are traced, from 0 to 1. All of them unless given.
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", value_name = "RATIO", hide_short_help = true)]
    pub otel_traces_sampler_arg: Option<OsString>,
}

/// These four are what OpenTelemetry specifies.
const PROTOCOL: &str = "http/protobuf";
const TIMEOUT: &str = "10000";
const SAMPLER: &str = "parentbased_always_on";

/// What the spans of a program are found by.
const SERVICE_NAME: &str = "frontpage";

/// Where traces go, and which requests are traced.
#[derive(Clone, Debug)]
pub struct TracesConfig {
    /// The address that spans are posted to.
    pub endpoint: String,
    /// The names and values of headers that go with them.
    pub headers: Vec<(String, Hidden)>,
    /// How long the collector may take to answer.
    pub patience: Duration,
    /// The name of this service.
    pub service_name: String,
    /// Which requests are traced.
    pub sampling: Sampling,
}

/// Which requests are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Whether a caller that has decided already is followed.
    pub follows_caller: bool,
    /// The share of the others, from 0 to 1.
    pub ratio: f64,
}

impl TracesConfig {
    /// Reads the settings; the inner `None` when there is no collector.
    pub(super) fn read(args: &TracesArgs, reader: &mut Reader) -> Option<Option<Self>> {
        let base = reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT", &args.otel_exporter_otlp_endpoint, parse_base);
        let whole = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        let whole = reader.optional(whole, &args.otel_exporter_otlp_traces_endpoint, parse_endpoint);
        let protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";
        let protocol = reader.setting(protocol, &args.otel_exporter_otlp_protocol, PROTOCOL, parse_protocol);
        let headers =
            reader.secrets_in("OTEL_EXPORTER_OTLP_HEADERS", &args.otel_exporter_otlp_headers, [','], parse_header);
        let timeout = "OTEL_EXPORTER_OTLP_TIMEOUT";
        let millis = reader.number(timeout, &args.otel_exporter_otlp_timeout, TIMEOUT, 100..=60_000);
        let name = reader.setting("OTEL_SERVICE_NAME", &args.otel_service_name, SERVICE_NAME, parse_name);
        let sampling = read_sampling(args, reader);
        let (base, whole, ()) = (base?, whole?, protocol?);
        let (headers, patience) = (headers?, Duration::from_millis(millis?));
        let (service_name, sampling) = (name?, sampling?);
        let endpoint = whole.or(base);
        Some(endpoint.map(|endpoint| Self { endpoint, headers, patience, service_name, sampling }))
    }
}

fn read_sampling(args: &TracesArgs, reader: &mut Reader) -> Option<Sampling> {
    const ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
    let given = reader.optional(ARG, &args.otel_traces_sampler_arg, parse_ratio)?;
    let sampler = reader.setting("OTEL_TRACES_SAMPLER", &args.otel_traces_sampler, SAMPLER, |text| {
        let base = text.strip_prefix("parentbased_");
        let ratio = match base.unwrap_or(text) {
            "always_on" => Some(1.0),
            "always_off" => Some(0.0),
            "traceidratio" => None,
            _ => {
                return Err(
                    "must be always_on, always_off or traceidratio, or one of them after parentbased_, such as \
                            parentbased_traceidratio"
                        .to_owned(),
                );
            }
        };
        Ok((base.is_some(), ratio))
    });
    let (follows_caller, ratio) = sampler?;
    if ratio.is_some() && given.is_some() {
        let problem = "is of use only when OTEL_TRACES_SAMPLER is traceidratio or parentbased_traceidratio";
        reader.fault(ConfigFault::of(ARG, problem));
        return None;
    }
    Some(Sampling { follows_caller, ratio: ratio.or(given).unwrap_or(1.0) })
}

/// Where a collector is, is the operator's to say, and most are inside and without TLS: so any host, and http.
fn parse_endpoint(text: &str) -> Result<String, String> {
    const WANTED: &str = "must be an http or https URL without a user, such as http://localhost:4318/v1/traces; \
        credentials go into OTEL_EXPORTER_OTLP_HEADERS";
    let url = parse_web_url(text).filter(|url| url.fragment().is_none());
    url.map(String::from).ok_or_else(|| WANTED.to_owned())
}

fn parse_base(text: &str) -> Result<String, String> {
    const WANTED: &str = "must be an http or https URL without a user or a query, such as http://localhost:4318; \
        credentials go into OTEL_EXPORTER_OTLP_HEADERS";
    let url = parse_web_url(text).filter(|url| url.fragment().is_none() && url.query().is_none());
    let url = url.ok_or_else(|| WANTED.to_owned())?;
    Ok(format!("{}/v1/traces", url.as_str().trim_end_matches('/')))
}

fn parse_protocol(text: &str) -> Result<(), String> {
    if text == PROTOCOL {
        return Ok(());
    }
    Err("must be http/protobuf, the one that this server speaks; collectors take it on port 4318 as a rule, where gRPC \
         has 4317"
        .to_owned())
}

fn parse_header(text: &str) -> Result<(String, Hidden), String> {
    const WANTED: &str = "must be name=value";
    let (name, value) = text.split_once('=').ok_or_else(|| WANTED.to_owned())?;
    let (name, value) = (name.trim(), decode(value.trim()).ok_or_else(|| WANTED.to_owned())?);
    let is_header = name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(&value).is_ok() && !value.is_empty();
    if is_header { Ok((name.to_owned(), Hidden::new(value))) } else { Err(WANTED.to_owned()) }
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}

fn parse_name(text: &str) -> Result<String, String> {
    let is_name = text.chars().count() <= 255 && !text.chars().any(char::is_control);
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("must have at most 255 characters and no control character".to_owned())
    }
}

fn parse_ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "must be a number from 0 to 1, such as 0.05".to_owned())
}
