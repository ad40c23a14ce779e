//! Requests to addresses that somebody else chose: what they may reach, and how much they may cost.
//!
//! Everything that this server sends to an address from its users goes through [`Guard`]. A host is looked up and each of
//! its addresses checked ([`addresses`]) by the very step that hands them to the connection, at every attempt, so nothing
//! can be another when it is connected to. No redirect is followed, no proxy of the environment used, no credential sent
//! but what the caller gives; time and size are bounded. Where an operator says where to send to (`purge`), the guard is
//! not asked: who sets the environment may reach what they like.

pub mod addresses;
mod kept;
pub mod threads;

use std::{
    io::Read,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    time::{Duration, Instant},
};

use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};
use url::{Host, Url};

use crate::input::Invalid;

/// The most of an answer that is read.
pub const MOST_READ: u64 = 64 * 1024;

/// The most bytes of headers that are read.
const MOST_HEADERS: usize = 32 * 1024;

/// The most threads that look up names at the same time; a look-up can outlive the request that wanted it.
const MOST_LOOKUPS: usize = 64;

/// The ports that may be reached: where web servers are.
const PORTS: [u16; 2] = [443, 8443];

/// The most connections that are kept, in all and to one host; many webhooks may lead to one.
const MOST_KEPT: (usize, usize) = (64, 32);

/// What a connection has for what comes in, which all the headers of an answer must fit into, and for what goes out.
const BUFFERS: (usize, usize) = (2 * MOST_HEADERS, 16 * 1024);

/// For how long a connection is kept without a request. Many servers close theirs after five seconds.
const KEPT_FOR: Duration = Duration::from_secs(4);

/// How long a look-up may take when an address is written down.
const LOOK_UP: Duration = Duration::from_secs(3);

/// What may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether this machine may be reached, in plain text and on any port: for development.
    pub allows_loopback: bool,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header `Retry-After`, if there was one.
    pub retry_after: Option<String>,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

/// Sends requests within the rules.
#[derive(Clone, Debug)]
pub struct Guard {
    rules: Rules,
    agent: ureq::Agent,
    patience: Duration,
}

impl Rules {
    /// Checks what can be seen of an address without looking anything up.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(self, address: &str) -> Result<Url, Invalid> {
        let refuse = |why: &str| Err(Invalid::new("url_not_allowed", why));
        let Ok(url) = Url::parse(address) else { return refuse("must be an absolute https URL") };
        let Some(host) = url.host() else { return refuse("must be an absolute https URL") };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("must not have credentials in it");
        }
        let is_here = match &host {
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
            Host::Domain(name) => *name == "localhost",
        };
        if is_here && self.allows_loopback && matches!(url.scheme(), "http" | "https") {
            return Ok(url);
        }
        if url.scheme() != "https" {
            return refuse("must be an https URL");
        }
        if !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
            return refuse("must have the port 443 or 8443");
        }
        let is_public = match host {
            Host::Ipv4(ip) => addresses::is_public(ip.into()),
            Host::Ipv6(ip) => addresses::is_public(ip.into()),
            Host::Domain(name) => !is_local(name),
        };
        if is_public { Ok(url) } else { refuse("must not lead into a private or special network") }
    }

    fn admits(self, address: SocketAddr, port: u16) -> bool {
        let ip = address.ip().to_canonical();
        if ip.is_loopback() {
            return self.allows_loopback;
        }
        PORTS.contains(&port) && addresses::is_public(address.ip())
    }
}

impl Guard {
    /// Makes a guard; a request may take so long in all.
    pub fn new(rules: Rules, patience: Duration) -> Self {
        let tls = ureq::tls::TlsConfig::builder()
            .provider(ureq::tls::TlsProvider::NativeTls)
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(patience))
            .max_redirects(0)
            .http_status_as_error(false)
            // What the environment says is for other programs.
            .proxy(None)
            .max_idle_connections(MOST_KEPT.0)
            .max_idle_connections_per_host(MOST_KEPT.1)
            .max_idle_age(KEPT_FOR)
            .max_response_header_size(MOST_HEADERS)
            .input_buffer_size(BUFFERS.0)
            .output_buffer_size(BUFFERS.1)
            .accept_encoding("identity")
            .user_agent(concat!("Frontpage/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = ureq::Agent::with_parts(config, kept::Pinning::default(), Checked { rules });
        Self { rules, agent, patience }
    }

    /// Checks an address that somebody wants to have kept, and looks its host up. A host that cannot be found now may be
    /// found later, so that is no fault.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, address: &str) -> Result<(), Invalid> {
        let url = self.rules.check(address)?;
        let (Some(Host::Domain(name)), Some(port)) = (url.host(), url.port_or_known_default()) else { return Ok(()) };
        let Some(found) = look_up(format!("{name}:{port}"), LOOK_UP) else { return Ok(()) };
        if found.iter().all(|address| self.rules.admits(*address, port)) {
            return Ok(());
        }
        Err(Invalid::new("url_not_allowed", "must not lead into a private or special network"))
    }

    /// Posts something and reads the beginning of the answer. Blocks; for threads that may.
    ///
    /// # Errors
    /// In a few words, what went wrong; no word of it comes from the other side.
    pub fn post(&self, url: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer, String> {
        self.rules.check(url).map_err(|_| "the address is not allowed".to_owned())?;
        let began = Instant::now();
        let answer = match self.send(url, headers, body, self.patience) {
            // Whoever closes a connection that nobody uses may do so just when it is used again. That is no failure of
            // theirs, and the request goes out anew on a connection of its own.
            Err(Failed { error: ureq::Error::Io(_), was_kept: true }) => {
                kept::found(&[]);
                self.send(url, headers, body, self.patience.saturating_sub(began.elapsed()))
            }
            sent => sent,
        };
        let answer = answer.map_err(|failed| in_short(&failed.error))?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        // The status has been said; how the body ends does not matter.
        let _ = answer.into_body().into_reader().take(MOST_READ).read_to_end(&mut body);
        Ok(Answer { status, retry_after, body })
    }

    fn send(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
        patience: Duration,
    ) -> Result<ureq::http::Response<ureq::Body>, Failed> {
        let mut request = self.agent.post(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        kept::begin();
        let sent = request.config().timeout_global(Some(patience)).build().send(body);
        sent.map_err(|error| Failed { error, was_kept: kept::was_kept() })
    }
}

/// A request that had no answer.
struct Failed {
    error: ureq::Error,
    /// Whether it went over a connection that was there before.
    was_kept: bool,
}

/// Whether a name is one of a local network: nobody else can reach what has it.
fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let ends = ["localhost", "local", "internal", "lan", "home.arpa"];
    !name.contains('.') || ends.iter().any(|end| name.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')))
}

/// What went wrong, without what the other side said.
pub(crate) fn in_short(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "it took too long",
        ureq::Error::HostNotFound => "the host was not found, or may not be reached",
        ureq::Error::ConnectionFailed => "no connection",
        ureq::Error::NativeTls(_) | ureq::Error::Tls(_) => "the TLS handshake failed",
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => "the connection was refused",
        ureq::Error::Io(_) => "the connection broke off",
        ureq::Error::LargeResponseHeader(..) => "the headers of the answer are too long",
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => "the answer is not HTTP",
        _ => "the request failed",
    }
    .to_owned()
}

/// Looks hosts up, and hands on only addresses that may be reached.
#[derive(Debug)]
struct Checked {
    rules: Rules,
}

impl Resolver for Checked {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        kept::found(&[]);
        // What is an address already needs no looking up.
        let found = match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => look_up(format!("{host}:{port}"), *timeout.after).ok_or(ureq::Error::HostNotFound)?,
        };
        // One address that may not be reached makes the host suspect: it may be another the next time.
        if found.is_empty() || !found.iter().all(|address| self.rules.admits(*address, port)) {
            return Err(ureq::Error::HostNotFound);
        }
        let mut addresses = self.empty();
        for address in found.into_iter().take(8) {
            addresses.push(address);
        }
        kept::found(&addresses);
        Ok(addresses)
    }
}

/// Looks a host up, on a thread of its own, as nothing else bounds how long it takes. None, when it is not found in time.
fn look_up(host_and_port: String, patience: Duration) -> Option<Vec<SocketAddr>> {
    static RUNNING: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    use std::sync::atomic::Ordering::Relaxed;
    if RUNNING.fetch_add(1, Relaxed) >= MOST_LOOKUPS {
        RUNNING.fetch_sub(1, Relaxed);
        return None;
    }
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("look-up".to_owned()).spawn(move || {
        let found = host_and_port.to_socket_addrs().map(Iterator::collect);
        RUNNING.fetch_sub(1, Relaxed);
        let _ = sender.send(found);
    });
    if thread.is_err() {
        RUNNING.fetch_sub(1, Relaxed);
        return None;
    }
    receiver.recv_timeout(patience).ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Rules = Rules { allows_loopback: false };
    const LOCAL: Rules = Rules { allows_loopback: true };

    #[test]
    fn only_web_servers_that_anybody_can_reach_are_allowed() {
        for allowed in ["https://hooks.example.org/a?b=c", "https://hooks.example.org:8443/", "https://93.184.216.34/"]
        {
            assert!(STRICT.check(allowed).is_ok(), "{allowed}");
        }
        for refused in [
            "http://hooks.example.org/",
            "https://hooks.example.org:22/",
            "https://hooks.example.org:25/",
            "https://hooks.example.org:5432/",
            "https://hooks.example.org:80/",
            "https://localhost/",
            "https://localhost./",
            "https://db/",
            "https://a.localhost/",
            "https://printer.local/",
            "https://metadata.google.internal/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://0.0.0.0/",
            "https://10.1.2.3/",
            "https://172.16.0.1/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "file:///etc/passwd",
            "gopher://hooks.example.org/",
            "ftp://hooks.example.org/",
            "https://user:secret@hooks.example.org/",
            "https://",
            "hooks.example.org",
            "",
        ] {
            assert!(STRICT.check(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn this_machine_is_for_development() {
        for here in
            ["http://127.0.0.1:8080/", "http://localhost:3000/", "http://[::1]:8080/hook", "https://127.0.0.1:1/"]
        {
            assert!(LOCAL.check(here).is_ok(), "{here}");
            assert!(STRICT.check(here).is_err(), "{here}");
        }
        for refused in ["http://10.0.0.1/", "http://hooks.example.org/", "ftp://localhost/"] {
            assert!(LOCAL.check(refused).is_err(), "{refused}");
        }
    }
}
