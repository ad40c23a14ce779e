//! The server: listens, opens what it needs, says where, works in the background, and stops without dropping requests.

mod anteroom;
mod stopping;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{
    dev::{AppConfig, Server, ServerHandle},
    rt::{net::TcpStream, task::JoinHandle},
};

use crate::{
    api_keys::{ApiKeys, usage},
    app, application,
    articles::{leases, previews, schedule, words, working},
    audit,
    auth::Auth,
    changes::{self, wire::Wire},
    clock::Instant,
    config::Config,
    db::{Db, Options, Origin, migrate},
    delivery::{Delivery, front::FrontFactory},
    error::{Code, Error, Result},
    feeds::hub,
    http::{
        connection::{self, Connection},
        idempotency::{self, InFlight},
        intake::Intake,
        spans,
    },
    invalidation::Invalidation,
    metrics::Metrics,
    newswire,
    outgoing::Guard,
    purge,
    readiness::Readiness,
    secrets::InstanceKey,
    state::{Parts, State},
    traces::Traces,
    webhooks,
};

use stopping::Entrance;

/// A server that listens.
pub struct Running {
    /// The address, with the real port.
    pub addr: SocketAddr,
    entrance: Entrance,
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
    let listener = std::net::TcpListener::bind(config.http.listen).map_err(|error| {
        let detail = format!(
            "Cannot listen on {} ({error}). Choose a free address with FRONTPAGE_LISTEN or --listen.",
            config.http.listen
        );
        Error::new(Code::Unavailable, detail)
    })?;
    let addr = listener.local_addr().map_err(Error::internal)?;
    let (db, key) = anteroom::wait_for(&listener, &config.database.location, || open(&config)).await?;
    let auth = Auth::open(&config, key.clone())?;
    Origin::server().scope(auth.note_keys(&db)).await?;
    let metrics = Metrics::new(app::routes());
    let state = State::new(Parts {
        db,
        key,
        auth,
        api_keys: ApiKeys::default(),
        in_flight: InFlight::default(),
        intake: Intake::new(config.http.body_limit_bytes),
        delivery: Delivery::new(&config.delivery, metrics.tally()),
        wire: Wire::new(config.delivery.changes_readers),
        outgoing: Guard::new(config.webhooks.rules, config.webhooks.patience),
        metrics,
        traces: Traces::begin(config.traces.as_ref(), spans::always(&config.http, addr))?,
        readiness: Readiness::default(),
        config,
    });
    let entrance = Entrance::of(&listener)?;
    let server = listen(listener, addr, &state)?;
    Ok(Running { addr, entrance, state, server })
}

/// Opens the database, and reads what all servers share.
async fn open(config: &Config) -> Result<(Db, InstanceKey)> {
    let for_work = config.clone();
    tokio::task::spawn_blocking(move || prepare(&for_work)).await.map_err(Error::internal)??;
    let database = &config.database;
    let db = Db::open(&database.location, &database.options)?.with_replicas(&database.options, &config.replicas);
    let key = InstanceKey::load(&db).await?;
    Ok((db, key))
}

/// Serves what comes to an address.
fn listen(listener: std::net::TcpListener, addr: SocketAddr, state: &State) -> Result<Server> {
    let http = &state.config.http;
    let builder = Server::build()
        .workers(http.workers)
        .worker_max_blocking_threads(64)
        .shutdown_timeout(http.shutdown_seconds)
        .disable_signals();
    let (stopping, state) = (builder.graceful_shutdown_signal(), state.clone());
    // What `HttpServer` does, but for connections that do not wait for their clients for ever.
    let service = move || {
        let (stopping, patience) = (stopping.clone(), state.config.http.reader_patience);
        let app = FrontFactory::new(application!(state.clone()), state.clone());
        let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
        let protocol = HttpService::build()
            // Connections on which nothing is asked end when the server stops.
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping::after_last_words(stopping.notified()).await }
            })
            .keep_alive(Duration::from_secs(75))
            .client_request_timeout(Duration::from_secs(5))
            .client_disconnect_timeout(Duration::from_secs(1))
            .local_addr(addr)
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |socket: TcpStream| async move {
            connection::tune(&socket, patience);
            let peer = socket.peer_addr().ok();
            Ok((Connection::new(socket, patience), Protocol::Http1, peer))
        })
        .and_then(protocol)
    };
    Ok(builder.listen("http", listener, service).map_err(Error::internal)?.run())
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
        let mut tasks = self.begin()?;
        let Self { state, server, entrance, .. } = self;
        tasks.begin(stopping::on_signal(server.handle(), entrance, state.clone()));
        let result = server.await;
        drop(tasks);
        if let Err(error) = state.api_keys.flush(&state.db).await {
            tracing::warn!(%error, "What API keys asked in the last second could not be written and is not counted");
        }
        state.traces.close().await;
        result.map_err(Error::internal)
    }

    /// Begins what goes on beside the requests.
    fn begin(&self) -> Result<Tasks> {
        let (state, mut tasks) = (&self.state, Tasks::default());
        tasks.begin(do_chores(state.clone()));
        // Nothing is kept before this has begun.
        tasks.begin(Invalidation::begin(state)?.follow());
        if let Some(purge) = state.config.purge.clone() {
            tasks.begin(purge::follow(state.clone(), purge, state.wire.position()));
        }
        if let (Some(hub), Some(base)) = (state.config.feeds.hub_url.clone(), state.config.http.public_url.clone()) {
            tasks.begin(hub::follow(state.clone(), hub, base, state.wire.position()));
        }
        // Looking whether there is something to tell takes no connection from requests.
        let database = &state.config.database;
        let few = Options { read_connections: 1, write_connections: 1, observer: None, ..database.options.clone() };
        let quiet = Db::open(&database.location, &few)?;
        let noted = Arc::new(tokio::sync::Notify::new());
        tasks.begin(webhooks::enqueue::follow(state.clone(), quiet.clone(), noted.clone()));
        tasks.begin(webhooks::deliver::run(state.clone(), quiet, noted));
        tasks.begin(watch_replicas(state.clone()));
        tasks.begin(newswire::stream::tell(state.clone()));
        tasks.begin(record_by_the_clock(state.clone()));
        tasks.begin(follow_up(state.clone()));
        tasks.begin(write_usage(state.clone()));
        Ok(tasks)
    }
}

/// What goes on beside the requests; it ends when this is dropped.
#[derive(Default)]
struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    fn begin(&mut self, work: impl Future<Output = ()> + 'static) {
        self.0.push(actix_web::rt::spawn(Origin::server().scope(work)));
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
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

/// Takes replicas out of the rotation and back.
async fn watch_replicas(state: State) {
    state.db.watch_replicas().await;
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

/// Does what writes leave to be done for many of them at once: seals what was appended to the audit, and files the words by
/// which articles are found. Apart from the other chores, so that no slow one holds it up.
async fn follow_up(state: State) {
    let every = Duration::from_secs(state.config.desk.schedule_seconds);
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        until_done("Sealing the audit", || audit::seal(&state.db)).await;
        until_done("Filing the words of articles", || words::file(&state.db)).await;
    }
}

/// Does something again as long as there is more of it.
async fn until_done<F: Future<Output = Result<bool>>>(what: &str, work: impl Fn() -> F) {
    loop {
        match work().await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::warn!(%error, "{what} failed; it is tried again"),
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
