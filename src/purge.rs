//! Tells a cache in front what to drop: an HTTP request with the surrogate keys of what has changed.
//!
//! It follows the change log, so nothing is told of what was rolled back, and nothing that was committed is forgotten:
//! how far it has come is kept in the database, and what a server did not get done another one does.

use std::time::Duration;

use tokio::sync::watch;

use crate::{
    changes::{
        durable::Follower,
        follow::{self, News},
    },
    config::PurgeConfig,
    db::Db,
    error::{Error, Result},
    state::State,
};

/// The longest header of keys; caches refuse headers much longer than this.
const LONGEST_HEADER: usize = 4000;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait after the first failure; doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often to look when nothing is known to have happened: another server may have died at its work.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Follows the log and purges, for ever. `position` is how far this server has read the log.
pub async fn follow(state: State, purge: PurgeConfig, mut position: watch::Receiver<i64>) {
    let follower = Follower::new("purge");
    let sender = Sender::new(purge);
    let mut pause = FIRST_PAUSE;
    loop {
        match catch_up(&state.db, &follower, &sender).await {
            Ok(()) => {
                pause = FIRST_PAUSE;
                // The other end lives as long as this server.
                let _ = tokio::time::timeout(LOOK_EVERY, position.changed()).await;
            }
            Err(error) => {
                tracing::warn!(%error, "Purging the cache in front failed; it is tried again in {} ms", pause.as_millis());
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
}

/// Purges what has changed since the last time, up to the end of the log.
async fn catch_up(db: &Db, follower: &Follower, sender: &Sender) -> Result<()> {
    while let Some(position) = follower.claim(db).await? {
        match db.read(move |conn| follow::after(conn, position)).await? {
            News::Changes(seen) if seen.is_empty() => return Ok(()),
            News::Changes(seen) => {
                let end = seen.last().map_or(position, |seen| seen.position);
                sender.purge(seen.into_iter().flat_map(|seen| seen.keys).collect()).await?;
                follower.advance(db, end).await?;
            }
            News::Missed(end) => {
                tracing::error!(
                    "Purging was off for longer than the change log is kept (FRONTPAGE_CHANGES_DAYS): drop everything that the cache in front has"
                );
                follower.advance(db, end).await?;
            }
        }
    }
    Ok(())
}

/// Sends requests to the cache in front.
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

    /// Has everything dropped that carries any of the keys.
    async fn purge(&self, mut keys: Vec<String>) -> Result<()> {
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
