//! Tells a cache in front what to drop: an HTTP request with the surrogate keys of what has changed.
//!
//! It follows the change log, so nothing is told of what was rolled back, and nothing that was committed is forgotten:
//! how far it has come is kept in the database, and what a server did not get done another one does.
//!
//! Everything is told twice: at once, and again when every server that reaches the database has heard of it. In between the
//! cache may have asked one that still gave out what was there before, or an answer from before may have been on its way.

use std::time::Duration;

use tokio::sync::watch;

use crate::{
    changes::{
        durable::Follower,
        errand::{self, Errand, SETTLED_AFTER},
        follow::Seen,
    },
    config::PurgeConfig,
    error::{Error, Result},
    state::State,
};

/// The longest header of keys; caches refuse headers much longer than this.
const LONGEST_HEADER: usize = 4000;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Follows the log and purges, for ever. `position` is how far this server has read the log.
pub async fn follow(state: State, purge: PurgeConfig, position: watch::Receiver<i64>) {
    let sender = Sender::new(purge);
    let (at_once, again) = (AtOnce(sender.clone()), Again(sender));
    let (first, second) = (Follower::new("purge"), Follower::new("purge-again"));
    tokio::join!(
        errand::run(&state.db, &first, &at_once, position.clone()),
        errand::run(&state.db, &second, &again, position),
    );
}

struct AtOnce(Sender);

impl Errand for AtOnce {
    const WHAT: &'static str = "Purging the cache in front";

    async fn run(&self, seen: Vec<Seen>) -> Result<()> {
        self.0.purge(seen).await
    }

    fn missed(&self) {
        tracing::error!(
            "Purging was off for longer than the change log is kept (FRONTPAGE_CHANGES_DAYS): drop everything that the cache in front has"
        );
    }
}

struct Again(Sender);

impl Errand for Again {
    const WHAT: &'static str = "Purging the cache in front for the second time";

    /// It waits, so it should not wait for each batch of many.
    const BATCHES: usize = 20;

    async fn run(&self, seen: Vec<Seen>) -> Result<()> {
        tokio::time::sleep(SETTLED_AFTER).await;
        self.0.purge(seen).await
    }

    /// The one that tells at once says so.
    fn missed(&self) {}
}

/// Sends requests to the cache in front.
#[derive(Clone)]
struct Sender {
    config: PurgeConfig,
    agent: ureq::Agent,
}

impl Sender {
    fn new(config: PurgeConfig) -> Self {
        let tls = ureq::tls::TlsConfig::builder()
            .provider(ureq::tls::TlsProvider::NativeTls)
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .user_agent(concat!("frontpage/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { config, agent }
    }

    /// Has everything dropped that carries any of the keys of some changes.
    async fn purge(&self, seen: Vec<Seen>) -> Result<()> {
        let mut keys: Vec<String> = seen.into_iter().flat_map(|seen| seen.keys).collect();
        keys.sort_unstable();
        keys.dedup();
        for header in headers(&keys) {
            let (config, agent) = (self.config.clone(), self.agent.clone());
            let sent = tokio::task::spawn_blocking(move || send(&agent, &config, &header)).await;
            sent.map_err(Error::internal)??;
        }
        Ok(())
    }
}

fn send(agent: &ureq::Agent, config: &PurgeConfig, keys: &str) -> Result<()> {
    let mut request =
        ureq::http::Request::builder().method(config.method.as_str()).uri(&config.url).header(&config.header, keys);
    if let Some((name, value)) = &config.credential {
        request = request.header(name, value.expose());
    }
    let request = request.body(()).map_err(Error::internal)?;
    // What is no 2xx is an error; what it says in detail does not matter here.
    agent.run(request).map(drop).map_err(|error| Error::unavailable(format!("{}: {error}", config.url)))
}

/// Writes keys into headers that are not too long.
fn headers(keys: &[String]) -> Vec<String> {
    let mut headers: Vec<String> = Vec::new();
    for key in keys {
        match headers.last_mut().filter(|header| header.len() + 1 + key.len() <= LONGEST_HEADER) {
            Some(header) => {
                header.push(' ');
                header.push_str(key);
            }
            None => headers.push(key.clone()),
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keys_go_in_several_headers() {
        let keys: Vec<String> = (0..1000).map(|number| format!("article-{number:032}")).collect();
        let headers = headers(&keys);
        assert!(headers.len() > 1 && headers.iter().all(|header| header.len() <= LONGEST_HEADER));
        assert_eq!(headers.join(" "), keys.join(" "));
    }
}
