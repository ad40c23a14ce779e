//! Where the server listens, what it accepts, and how it stops.

use std::{
    ffi::OsString,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use ipnet::IpNet;
use url::{Position, Url};

use super::{
    purge::Hidden,
    reader::{Reader, number, processors},
};

/// The address to listen on, as it is given; `frontpage health` needs only this.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ListenArgs {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, env = "FRONTPAGE_LISTEN", default_value = LISTEN, value_name = "ADDRESS:PORT", help_heading = "HTTP")]
    pub listen: Option<OsString>,
}

/// The settings of the HTTP server as they are given.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpArgs {
    /// Where to listen.
    #[command(flatten)]
    pub listen: ListenArgs,
    /// The address under which clients reach the server, such as `https://api.example.org`. It is the issuer and the
    /// audience of access tokens, so give all servers the same.
    #[arg(long, env = "FRONTPAGE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<OsString>,
    /// Origins whose scripts may call the API from a browser: `*`, or a list such as
    /// `https://www.example.org,http://localhost:3000`. None unless given.
    #[arg(long, env = "FRONTPAGE_CORS_ORIGINS", value_name = "LIST")]
    pub cors_origins: Option<OsString>,
    /// Reverse proxies whose `X-Forwarded-For` is believed: addresses and networks such as
    /// `127.0.0.1,10.0.0.0/8`. None unless given.
    #[arg(long, env = "FRONTPAGE_TRUSTED_PROXIES", value_name = "LIST")]
    pub trusted_proxies: Option<OsString>,
    /// The largest body of a request that is accepted; of somebody without a login or a key, 16 KiB at most.
    #[arg(long, env = "FRONTPAGE_BODY_LIMIT_BYTES", default_value = BODY_LIMIT_BYTES, value_name = "BYTES", hide_short_help = true)]
    pub body_limit_bytes: Option<OsString>,
    /// A token with which `GET /metrics` is answered, besides that of an administrator: at least 16 characters. Prefer the
    /// variable to the flag: other users of the machine can see flags.
    #[arg(long, env = "FRONTPAGE_METRICS_TOKEN", value_name = "TOKEN", hide_env_values = true, hide_short_help = true)]
    pub metrics_token: Option<OsString>,
    /// For how long a client may take nothing of its answer, or less than 1 KiB a second, before its connection is closed.
    #[arg(long, env = "FRONTPAGE_READER_SECONDS", default_value = READER_SECONDS, value_name = "SECONDS", hide_short_help = true)]
    pub reader_seconds: Option<OsString>,
    /// How many threads serve requests; as many as there are processors unless given.
    #[arg(long, env = "FRONTPAGE_WORKERS", value_name = "N", hide_short_help = true)]
    pub workers: Option<OsString>,
    /// After SIGTERM: how long requests are still answered, with readiness 503 and `Connection: close`, so that a
    /// proxy can turn to other nodes.
    #[arg(long, env = "FRONTPAGE_DRAIN_SECONDS", default_value = DRAIN_SECONDS, value_name = "SECONDS", hide_short_help = true)]
    pub drain_seconds: Option<OsString>,
    /// After draining: how long requests that are being worked on may take to finish.
    #[arg(long, env = "FRONTPAGE_SHUTDOWN_SECONDS", default_value = SHUTDOWN_SECONDS, value_name = "SECONDS", hide_short_help = true)]
    pub shutdown_seconds: Option<OsString>,
}

const LISTEN: &str = "127.0.0.1:8080";

/// 2 MiB: a long article with its markup is well below 1 MiB.
const BODY_LIMIT_BYTES: &str = "2097152";

/// Who is on a train that goes through a tunnel comes out of it within that time.
const READER_SECONDS: &str = "30";

/// Proxies check readiness every few seconds; with [`SHUTDOWN_SECONDS`] it stays below the 30 s after which
/// orchestrators kill.
const DRAIN_SECONDS: &str = "5";

/// Longer than any request may take.
const SHUTDOWN_SECONDS: &str = "20";

/// Where the server listens, what it accepts, and how it stops.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The address to listen on; the port may be 0.
    pub listen: SocketAddr,
    /// The address under which clients reach the server, without a slash at the end, if one was given.
    pub public_url: Option<String>,
    /// The largest body of a request.
    pub body_limit_bytes: usize,
    /// Origins whose scripts may call the API, as browsers write them; a single `*` stands for all.
    pub cors_origins: Vec<String>,
    /// Reverse proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// A token with which the metrics are read.
    pub metrics_token: Option<Hidden>,
    /// For how long a client may take nothing, or too little, of its answer.
    pub reader_patience: Duration,
    /// How many threads serve requests.
    pub workers: usize,
    /// How long requests are still answered after SIGTERM.
    pub drain_seconds: u64,
    /// How long requests that are being worked on may take to finish after that.
    pub shutdown_seconds: u64,
}

impl HttpConfig {
    pub(super) fn read(args: &HttpArgs, reader: &mut Reader) -> Option<Self> {
        let listen = read_listen(&args.listen, reader);
        let public_url = reader.optional("FRONTPAGE_PUBLIC_URL", &args.public_url, parse_public_url);
        let limit = "FRONTPAGE_BODY_LIMIT_BYTES";
        let body_limit_bytes = reader.number(limit, &args.body_limit_bytes, BODY_LIMIT_BYTES, 1024..=67_108_864);
        let cors_origins = reader.list("FRONTPAGE_CORS_ORIGINS", &args.cors_origins, parse_origin);
        let cors_origins = cors_origins.and_then(|origins| check_origins(origins, args, reader));
        let trusted_proxies = reader.list("FRONTPAGE_TRUSTED_PROXIES", &args.trusted_proxies, parse_network);
        let metrics_token = reader.secret("FRONTPAGE_METRICS_TOKEN", &args.metrics_token, "", parse_token);
        let patience = "FRONTPAGE_READER_SECONDS";
        let reader_seconds = reader.number(patience, &args.reader_seconds, READER_SECONDS, 1..=600);
        let workers = reader.optional("FRONTPAGE_WORKERS", &args.workers, |text| number(text, &(1..=256)));
        let drain = "FRONTPAGE_DRAIN_SECONDS";
        let drain_seconds = reader.number(drain, &args.drain_seconds, DRAIN_SECONDS, 0..=600);
        let shutdown = "FRONTPAGE_SHUTDOWN_SECONDS";
        let shutdown_seconds = reader.number(shutdown, &args.shutdown_seconds, SHUTDOWN_SECONDS, 0..=600);
        Some(Self {
            listen: listen?,
            public_url: public_url?,
            body_limit_bytes: body_limit_bytes?,
            cors_origins: cors_origins?,
            trusted_proxies: trusted_proxies?,
            metrics_token: metrics_token?,
            reader_patience: Duration::from_secs(reader_seconds?),
            workers: workers?.unwrap_or_else(processors),
            drain_seconds: drain_seconds?,
            shutdown_seconds: shutdown_seconds?,
        })
    }
}

/// Returns an address at which this machine reaches what listens on the given one.
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

pub(super) fn read_listen(args: &ListenArgs, reader: &mut Reader) -> Option<SocketAddr> {
    reader.setting("FRONTPAGE_LISTEN", &args.listen, LISTEN, |text| {
        text.parse().map_err(|_| "must be an IP address and a port such as 127.0.0.1:8080 or [::1]:8080".to_owned())
    })
}

fn parse_token(text: &str) -> Result<Option<Hidden>, String> {
    let is_token = text.len() >= 16 && text.bytes().all(|b| b.is_ascii_graphic());
    if text.is_empty() || is_token {
        return Ok((!text.is_empty()).then(|| Hidden::new(text)));
    }
    Err("must have at least 16 characters, all of them visible ASCII".to_owned())
}

fn parse_public_url(text: &str) -> Result<String, String> {
    const WANTED: &str =
        "must be an http or https URL without user, query or fragment, such as https://api.example.org";
    let url = parse_web_url(text).filter(|url| url.query().is_none() && url.fragment().is_none());
    url.map(|url| url.as_str().trim_end_matches('/').to_owned()).ok_or_else(|| WANTED.to_owned())
}

/// Reads an absolute http or https URL that names no user.
pub(super) fn parse_web_url(text: &str) -> Option<Url> {
    // The parser forgives what should not be forgiven here: `http:host`, backslashes, line breaks.
    let is_plain = !text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    let (scheme, _) = text.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let url = Url::parse(text).ok()?;
    (is_plain && is_web && url.username().is_empty() && url.password().is_none()).then_some(url)
}

fn parse_origin(text: &str) -> Result<String, String> {
    const WANTED: &str = "an origin must be scheme://host or scheme://host:port, without a path or a slash at the end, \
        such as https://www.example.org";
    if text == "*" {
        return Ok(text.to_owned());
    }
    let url = parse_web_url(text).filter(|url| url[Position::AfterPort..] == *"/" && !text.ends_with('/'));
    // Browsers send the host in lower case and leave out the scheme's own port.
    url.map(|url| url.origin().ascii_serialization()).ok_or_else(|| WANTED.to_owned())
}

fn check_origins(origins: Vec<String>, args: &HttpArgs, reader: &mut Reader) -> Option<Vec<String>> {
    if origins.len() < 2 || !origins.iter().any(|origin| origin == "*") {
        return Some(origins);
    }
    let given = args.cors_origins.as_deref().and_then(|raw| raw.to_str()).unwrap_or_default();
    let problem = "* stands for all origins, so it must stand alone";
    reader.fault(super::fault::ConfigFault::of_value("FRONTPAGE_CORS_ORIGINS", given, problem));
    None
}

fn parse_network(text: &str) -> Result<IpNet, String> {
    const WANTED: &str = "must be an IP address or a network such as 127.0.0.1 or 10.0.0.0/8";
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| WANTED.to_owned())?.trunc();
    if network.prefix_len() == 0 {
        return Err("would believe the headers of everybody; name the proxies' own addresses or networks".to_owned());
    }
    Ok(network)
}
