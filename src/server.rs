//! The server: opens what it needs, listens, says where, works in the background, and stops without dropping requests.

use std::{net::SocketAddr, time::Duration};

use actix_web::{
    HttpServer,
    dev::{Server, ServerHandle},
};

use crate::{
    api_keys::{ApiKeys, usage},
    app, application,
    articles::{leases, previews, schedule, working},
    audit,
    auth::Auth,
    changes::{self, wire::Wire},
    clock::Instant,
    config::Config,
    db::{Db, Options, Origin, migrate},
    delivery::{Delivery, front::FrontFactory},
    error::{Code, Error, Result},
    feeds::hub,
    http::idempotency::{self, InFlight},
    invalidation::Invalidation,
    metrics::Metrics,
    newswire,
    outgoing::Guard,
    purge,
    readiness::Readiness,
    secrets::InstanceKey,
    state::{Parts, State},
    webhooks,
};

/// A server that listens.
pub struct Running {
    /// The address, with the real port.
    pub addr: SocketAddr,
    /// What its requests can reach.
    pub state: State,
    server: Server,
}

/// How often what has expired is removed.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// How often the directory of signing keys is looked at.
const RESCAN_EVERY: Duration = Duration::from_secs(5);

/// Runs a server until it is told to stop; calls `on_ready` when it listens.
///
/// # Errors
/// When the server cannot start; the message is for the operator.
pub fn run(config: Config, on_ready: impl FnOnce(SocketAddr)) -> Result<()> {
    actix_web::rt::System::new().block_on(async move {
        let running = start(config).await?;
        on_ready(running.addr);
        running.wait().await
    })
}

/// Starts a server.
///
/// # Errors
/// When the database does not fit, the keys cannot be read, or the address is taken.
pub async fn start(config: Config) -> Result<Running> {
    prepare(&config)?;
    let db = Db::open(&config.database.location, &config.database.options)?;
    let key = InstanceKey::load(&db).await?;
    let listener = std::net::TcpListener::bind(config.http.listen).map_err(|error| {
        let detail = format!(
            "Cannot listen on {} ({error}). Choose a free address with FRONTPAGE_LISTEN or --listen.",
            config.http.listen
        );
        Error::new(Code::Unavailable, detail)
    })?;
    let addr = listener.local_addr().map_err(Error::internal)?;
    let auth = Auth::open(&config, key.clone())?;
    Origin::server().scope(auth.note_keys(&db)).await?;
    let metrics = Metrics::new(app::routes());
    let state = State::new(Parts {
        db,
        key,
        auth,
        api_keys: ApiKeys::default(),
        in_flight: InFlight::default(),
        delivery: Delivery::new(&config.delivery, metrics.tally()),
        wire: Wire::new(config.delivery.changes_readers),
        outgoing: Guard::new(config.webhooks.rules, config.webhooks.patience),
        metrics,
        readiness: Readiness::default(),
        config,
    });
    let http = &state.config.http;
    let for_app = state.clone();
    let app = move || FrontFactory::new(application!(for_app.clone()), for_app.clone());
    let server = HttpServer::new(app)
        .workers(http.workers)
        .worker_max_blocking_threads(64)
        .client_request_timeout(Duration::from_secs(5))
        .keep_alive(Duration::from_secs(75))
        .shutdown_timeout(http.shutdown_seconds)
        .disable_signals()
        .listen(listener)
        .map_err(Error::internal)?
        .run();
    Ok(Running { addr, state, server })
}

impl Running {
    /// Returns what stops the server from elsewhere.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Works until the server is stopped by a signal or through its handle.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn wait(self) -> Result<()> {
        let chores = actix_web::rt::spawn(Origin::server().scope(do_chores(self.state.clone())));
        // Nothing is kept before this has begun.
        let follows = Invalidation::begin(&self.state)?;
        let purge = self.state.config.purge.clone();
        let purges = purge.map(|purge| purge::follow(self.state.clone(), purge, self.state.wire.position()));
        let purges = purges.map(|purges| actix_web::rt::spawn(Origin::server().scope(purges)));
        let hub = self.state.config.feeds.hub_url.clone().zip(self.state.config.http.public_url.clone());
        let tells = hub.map(|(hub, base)| hub::follow(self.state.clone(), hub, base, self.state.wire.position()));
        let tells = tells.map(|tells| actix_web::rt::spawn(Origin::server().scope(tells)));
        let follows = actix_web::rt::spawn(Origin::server().scope(follows.follow()));
        // Looking whether there is something to tell takes no connection from requests.
        let database = &self.state.config.database;
        let few = Options { read_connections: 1, write_connections: 1, observer: None, ..database.options.clone() };
        let quiet = Db::open(&database.location, &few)?;
        let queues = webhooks::enqueue::follow(self.state.clone(), quiet.clone());
        let queues = actix_web::rt::spawn(Origin::server().scope(queues));
        let sends = actix_web::rt::spawn(Origin::server().scope(webhooks::deliver::run(self.state.clone(), quiet)));
        let streams = actix_web::rt::spawn(newswire::stream::tell(self.state.clone()));
        let clock = actix_web::rt::spawn(Origin::server().scope(record_by_the_clock(self.state.clone())));
        let seals = actix_web::rt::spawn(seal_audit(self.state.clone()));
        let counts = actix_web::rt::spawn(Origin::server().scope(write_usage(self.state.clone())));
        let signals = actix_web::rt::spawn(stop_on_signal(self.server.handle(), self.state.clone()));
        let result = self.server.await;
        counts.abort();
        if let Err(error) = self.state.api_keys.flush(&self.state.db).await {
            tracing::warn!(%error, "What API keys asked in the last second could not be written and is not counted");
        }
        chores.abort();
        clock.abort();
        seals.abort();
        follows.abort();
        streams.abort();
        queues.abort();
        sends.abort();
        for outward in purges.into_iter().chain(tells) {
            outward.abort();
        }
        signals.abort();
        result.map_err(Error::internal)
    }
}

/// Brings an SQLite database up to the program; of PostgreSQL, which others may be using, only when told to.
fn prepare(config: &Config) -> Result<()> {
    let location = &config.database.location;
    if location.is_sqlite() {
        // The file and its folder are made by whoever comes first.
        Db::open(location, &config.database.options)?;
    }
    if location.is_sqlite() || config.start.migrate {
        for name in migrate::run(location)? {
            tracing::info!(migration = name, "Applied migration {name}");
        }
        return Ok(());
    }
    migrate::status(location)?.require_current()
}

/// Removes what has expired and looks for new signing keys.
async fn do_chores(state: State) {
    let mut prune = tokio::time::interval_at(tokio::time::Instant::now() + PRUNE_EVERY, PRUNE_EVERY);
    let mut rescan = tokio::time::interval(RESCAN_EVERY);
    loop {
        tokio::select! {
            _ = rescan.tick() => state.auth.rescan_keys(&state.db).await,
            _ = prune.tick() => {
                let pruned = state.db.write(|tx| {
                    idempotency::prune(tx)?;
                    previews::prune(tx)?;
                    leases::prune(tx)?;
                    usage::prune(tx)?;
                    crate::auth::prune(tx)
                });
                let pruned = pruned.await.map(drop);
                let days = state.config.desk.revision_days;
                let pruned = pruned.and(working::prune(&state.db, days).await.map(drop));
                let pruned = pruned.and(prune_deliveries(&state).await);
                if let Err(error) = pruned.and(prune_changes(&state).await) {
                    tracing::warn!(%error, "Removing what has expired failed; the next try is in a minute");
                }
            }
        }
    }
}

/// Removes changes that nobody is expected to follow any more.
async fn prune_changes(state: &State) -> Result<()> {
    let days = i64::from(state.config.delivery.changes_days);
    let before = Instant::now().plus_seconds(-days * 24 * 60 * 60);
    while changes::follow::prune(&state.db, before).await? {}
    Ok(())
}

/// Writes what API keys have asked and read.
async fn write_usage(state: State) {
    let mut tick = tokio::time::interval(usage::WRITE_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = state.api_keys.flush(&state.db).await {
            tracing::warn!(%error, "Writing what API keys asked failed; it is tried again");
        }
    }
}

/// Removes what webhooks were told long ago.
async fn prune_deliveries(state: &State) -> Result<()> {
    let days = i64::from(state.config.webhooks.days);
    let before = Instant::now().plus_seconds(-days * 24 * 60 * 60);
    while state.db.write(move |tx| webhooks::queue::prune(tx, before)).await? {}
    Ok(())
}

/// Seals what was appended to the audit; apart from the other chores, so that no slow one holds it up.
async fn seal_audit(state: State) {
    let every = Duration::from_secs(state.config.desk.schedule_seconds);
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        loop {
            match audit::seal(&state.db).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "Sealing the audit failed; it is tried again");
                    break;
                }
            }
        }
    }
}

/// Records what happens to articles by the clock; apart from the other chores, so that no slow one holds it up.
async fn record_by_the_clock(state: State) {
    let every = Duration::from_secs(state.config.desk.schedule_seconds);
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        record_due(&state).await;
    }
}

/// Records what has happened to articles by the clock, until nothing is left.
async fn record_due(state: &State) {
    loop {
        match schedule::record_due(&state.db).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "Recording what happened by the clock failed; readers see it all the same, and it is tried again");
                return;
            }
        }
    }
}

/// On SIGTERM says "not ready" for a while, so that a balancer looks elsewhere, then stops; on SIGINT, which comes from
/// a person at a terminal, stops at once.
async fn stop_on_signal(handle: ServerHandle, state: State) {
    let signal = wait_for_signal().await;
    tracing::info!("Stopping: finishing the requests that have begun");
    state.readiness.close();
    if signal == Signal::Terminate {
        tokio::time::sleep(Duration::from_secs(state.config.http.drain_seconds)).await;
    }
    handle.stop(true).await;
}

/// What told the server to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Interrupt,
    Terminate,
}

async fn wait_for_signal() -> Signal {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        {
            return tokio::select! {
                _ = terminate.recv() => Signal::Terminate,
                _ = interrupt.recv() => Signal::Interrupt,
            };
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_ok() {
        return Signal::Interrupt;
    }
    std::future::pending().await
}
