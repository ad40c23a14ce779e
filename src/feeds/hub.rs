//! Tells a WebSub hub which feeds have changed, so that whoever subscribed there learns it within seconds.
//!
//! It follows the change log as [`crate::purge`] does: nothing is told of what was rolled back, nothing that was committed
//! is forgotten, and what a server did not get done another one does. A hub is told of feeds without filters only; it asks
//! for them itself, once: so it is told when every server has what is new, and the cache in front was told twice.

use std::{collections::BTreeSet, time::Duration};

use diesel::prelude::*;
use tokio::sync::watch;

use super::feed;
use crate::{
    changes::{
        durable::Follower,
        errand::{self, Errand, SETTLED_AFTER},
        follow::Seen,
    },
    db::{
        Conn,
        schema::{sections, staff, tags},
    },
    error::{Error, Result},
    http::path,
    ids::{SectionId, StaffId, TagId},
    reference::ParseId,
    state::State,
};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many feeds a request names; hubs take them as a parameter that is repeated.
const MOST_TOPICS: usize = 30;

/// Follows the log and tells the hub, for ever. `position` is how far this server has read the log.
pub async fn follow(state: State, hub: String, base: String, position: watch::Receiver<i64>) {
    // What is purged for the second time waits for as long, and behind others that wait.
    let wait = if state.config.purge.is_some() { SETTLED_AFTER * 3 } else { SETTLED_AFTER };
    let teller = Teller { state: state.clone(), hub, base, wait, agent: agent() };
    errand::run(&state.db, &Follower::new("hub"), &teller, position).await;
}

struct Teller {
    state: State,
    hub: String,
    base: String,
    /// How long a change is kept back.
    wait: Duration,
    agent: ureq::Agent,
}

impl Errand for Teller {
    const WHAT: &'static str = "Telling the hub what has changed";

    /// It waits, so it should not wait for each batch of many.
    const BATCHES: usize = 20;

    async fn run(&self, seen: Vec<Seen>) -> Result<()> {
        tokio::time::sleep(self.wait).await;
        let keys: BTreeSet<String> = seen.into_iter().flat_map(|seen| seen.keys).collect();
        let paths = self.state.db.read(move |conn| paths(conn, &keys)).await?;
        let topics: Vec<String> = paths.iter().flat_map(|path| feed::addresses(&self.base, path)).collect();
        for topics in topics.chunks(MOST_TOPICS) {
            let form = form(topics);
            let (agent, hub) = (self.agent.clone(), self.hub.clone());
            tokio::task::spawn_blocking(move || send(&agent, &hub, &form)).await.map_err(Error::internal)??;
        }
        Ok(())
    }

    fn missed(&self) {
        tracing::error!(
            "Telling the hub was off for longer than the change log is kept (FRONTPAGE_CHANGES_DAYS): it learns of what was missed when feeds change again"
        );
    }
}

fn agent() -> ureq::Agent {
    let tls = ureq::tls::TlsConfig::builder()
        .provider(ureq::tls::TlsProvider::NativeTls)
        .root_certs(ureq::tls::RootCerts::PlatformVerifier)
        .build();
    ureq::Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .user_agent(concat!("frontpage/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// Returns the paths, without the extension, of the feeds that look different when these keys are dropped.
fn paths(conn: &mut Conn, keys: &BTreeSet<String>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    if keys.contains("list-all") {
        found.push("/feeds/articles".to_owned());
    }
    let (section, tag, profile): (Vec<SectionId>, Vec<TagId>, Vec<StaffId>) =
        (named(keys, "list-section-"), named(keys, "list-tag-"), named(keys, "list-staff-"));
    let slugs: [(&str, Vec<String>); 3] = [
        ("sections", sections::table.filter(sections::id.eq_any(section)).select(sections::slug).load(conn)?),
        ("tags", tags::table.filter(tags::id.eq_any(tag)).select(tags::slug).load(conn)?),
        ("staff", staff::table.filter(staff::id.eq_any(profile)).select(staff::slug).load(conn)?),
    ];
    for (kind, mut slugs) in slugs {
        slugs.sort_unstable();
        found.extend(slugs.iter().map(|slug| format!("/feeds/{kind}/{}", path::encode_step(slug))));
    }
    Ok(found)
}

fn named<I: ParseId>(keys: &BTreeSet<String>, start: &str) -> Vec<I> {
    keys.iter().filter_map(|key| I::parse_id(key.strip_prefix(start)?)).collect()
}

/// Writes the form by which a hub is told (PubSubHubbub 0.3, 7.1, which WebSub leaves as it was).
fn form(topics: &[String]) -> String {
    let mut form = String::from("hub.mode=publish");
    for topic in topics {
        form.push_str("&hub.url=");
        form.push_str(&path::encode_step(topic));
    }
    form
}

fn send(agent: &ureq::Agent, hub: &str, form: &str) -> Result<()> {
    let request = agent.post(hub).header("content-type", "application/x-www-form-urlencoded");
    // What is no 2xx is an error; what it says in detail does not matter here.
    request.send(form).map(drop).map_err(|error| Error::unavailable(format!("{hub}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_names_each_feed() {
        let topics = ["https://a.test/feeds/articles.rss".to_owned(), "https://a.test/b".to_owned()];

        assert_eq!(
            form(&topics),
            "hub.mode=publish&hub.url=https%3A%2F%2Fa.test%2Ffeeds%2Farticles.rss&hub.url=https%3A%2F%2Fa.test%2Fb"
        );
    }
}
