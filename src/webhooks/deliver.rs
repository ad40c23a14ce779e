//! Sends what is due: so many requests at a time, and no endpoint takes the places of the others.
//!
//! An endpoint begins with one request at a time and is given more as it answers well. Those that did not answer well the
//! last time, or have not answered yet, have half of the places between them, take turns, and are left alone for longer
//! and longer. So one that never ends its answers, or fifty of them, hold up nobody else.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant as Moment},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{
    model::Attempt,
    queue::{self, Claimed, End, Outcome},
    schedule::Schedule,
};
use crate::{
    clock::Instant,
    db::{Db, Origin, Tx},
    error::{Error, Result},
    ids::{DeliveryId, WebhookId},
    outgoing::Answer,
    state::State,
};

/// How often to look for what has come due.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often claims are extended: an attempt that is longer than this is not one of most.
const EXTEND_EVERY: Duration = Duration::from_secs(3);

/// How old a claim may be when its request begins. One that the database was long in granting may be another's by now.
const FRESH: Duration = Duration::from_secs(4);

/// The most requests at a time to one endpoint.
const MOST_TO_ONE: usize = 8;

/// The most of an answer that is kept.
const MOST_KEPT: usize = 4096;

/// For how long an endpoint is left alone after it has failed once; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How many times that is doubled at most.
const MOST_DOUBLINGS: u32 = 7;

/// How often it is tried to note how an attempt went, before it is left to be done again.
const NOTE_TRIES: u32 = 3;

/// What this server knows of an endpoint.
#[derive(Debug, Default)]
struct Lane {
    n_running: usize,
    /// How many requests in a row went well, up to the most at a time.
    trust: usize,
    n_failures: u32,
    not_before: Option<Moment>,
}

/// What this server knows of all endpoints.
#[derive(Debug)]
struct Lanes {
    lanes: Mutex<HashMap<WebhookId, Lane>>,
    /// What is being sent.
    under_way: Mutex<HashSet<DeliveryId>>,
    /// How many requests endpoints may have between them that are not trusted.
    most_doubtful: usize,
    done: Notify,
    schedule: Schedule,
}

impl Lanes {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<WebhookId, Lane>) -> T) -> T {
        work(&mut self.lanes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns how many requests an endpoint may have now, given how many doubtful ones were let go in this round.
    fn room(&self, id: WebhookId, n_doubtful: &AtomicUsize) -> usize {
        self.with(|lanes| {
            let now = Moment::now();
            let n_running: usize = lanes.values().filter(|lane| lane.trust == 0).map(|lane| lane.n_running).sum();
            let (trust, running) = match lanes.get(&id) {
                Some(lane) if lane.not_before.is_some_and(|at| at > now) => return 0,
                Some(lane) => (lane.trust, lane.n_running),
                None => (0, 0),
            };
            if trust > 0 {
                return (trust + 1).min(MOST_TO_ONE).saturating_sub(running);
            }
            if running > 0 || n_running + n_doubtful.load(Ordering::Relaxed) >= self.most_doubtful {
                return 0;
            }
            n_doubtful.fetch_add(1, Ordering::Relaxed);
            1
        })
    }

    fn begin(&self, claimed: &Claimed) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(claimed.delivery.id);
        self.with(|lanes| lanes.entry(claimed.webhook.id).or_default().n_running += 1);
    }

    fn end(&self, id: WebhookId, delivery: DeliveryId, is_well: bool) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&delivery);
        self.with(|lanes| {
            let lane = lanes.entry(id).or_default();
            lane.n_running = lane.n_running.saturating_sub(1);
            if is_well {
                lane.trust = (lane.trust + 1).min(MOST_TO_ONE);
                (lane.n_failures, lane.not_before) = (0, None);
                return;
            }
            lane.trust = 0;
            let pause = FIRST_PAUSE * 2_u32.pow(lane.n_failures.min(MOST_DOUBLINGS));
            let scale = u32::try_from(self.schedule.scale.max(1)).unwrap_or(u32::MAX);
            lane.not_before = Some(Moment::now() + pause / scale);
            lane.n_failures += 1;
        });
        self.done.notify_one();
    }
}

/// Delivers, for ever. `quiet` is where it looks for what is due.
pub async fn run(state: State, quiet: Db) {
    let config = state.config.webhooks;
    let schedule = Schedule { scale: config.time_scale };
    let lanes = Arc::new(Lanes {
        lanes: Mutex::default(),
        under_way: Mutex::default(),
        most_doubtful: (config.requests / 2).max(1),
        done: Notify::new(),
        schedule,
    });
    let (places, server) = (Arc::new(Semaphore::new(config.requests)), uuid::Uuid::now_v7().to_string());
    tokio::select! {
        () = deliver(&state, &quiet, &lanes, &server, &places) => {}
        () = extend(&state, &lanes, &server) => {}
    }
}

async fn deliver(state: &State, quiet: &Db, lanes: &Arc<Lanes>, server: &str, places: &Arc<Semaphore>) {
    let mut news = state.wire.position();
    let mut last = None;
    loop {
        let claimed = claim((state, quiet), lanes, server, places.available_permits(), last).await;
        last = claimed.last().map_or(last, |claimed| Some(claimed.webhook.id));
        let is_idle = claimed.is_empty();
        for one in claimed {
            let Ok(place) = places.clone().try_acquire_owned() else { break };
            lanes.begin(&one);
            let work = attempt(state.clone(), lanes.clone(), server.to_owned(), one, place);
            actix_web::rt::spawn(Origin::server().scope(work));
        }
        if is_idle {
            tokio::select! {
                _ = news.changed() => tokio::time::sleep(Duration::from_millis(20)).await,
                () = lanes.done.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

/// Says of what is being sent that this server is still at it, for ever.
async fn extend(state: &State, lanes: &Lanes, server: &str) {
    let mut before = HashSet::new();
    loop {
        tokio::time::sleep(EXTEND_EVERY).await;
        let under_way = lanes.under_way.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // What has begun since the last time has a claim that is long enough still.
        let long: Vec<DeliveryId> = under_way.intersection(&before).copied().collect();
        before = under_way;
        if long.is_empty() {
            continue;
        }
        let server = server.to_owned();
        if let Err(error) = state.db.write_alone(move |tx| queue::extend(tx, &server, &long)).await {
            tracing::warn!(%error, "Claims of webhook deliveries could not be extended; another server may tell the same again");
        }
    }
}

/// Claims what is due, as far as there is room for it.
async fn claim(
    (state, quiet): (&State, &Db),
    lanes: &Arc<Lanes>,
    server: &str,
    n_free: usize,
    last: Option<WebhookId>,
) -> Vec<Claimed> {
    if n_free == 0 {
        return Vec::new();
    }
    let (for_room, n_doubtful) = (lanes.clone(), AtomicUsize::new(0));
    let room = move |id| for_room.room(id, &n_doubtful);
    match queue::claim(quiet, &state.db, server, n_free, last, room).await {
        Ok(claimed) => claimed,
        Err(error) => {
            tracing::warn!(%error, "What webhooks are to be told could not be read; it is tried again");
            tokio::time::sleep(Duration::from_secs(1)).await;
            Vec::new()
        }
    }
}

/// Sends one request and notes how it went.
async fn attempt(state: State, lanes: Arc<Lanes>, server: String, claimed: Claimed, place: OwnedSemaphorePermit) {
    let (id, delivery) = (claimed.webhook.id, claimed.delivery.id);
    if claimed.since.elapsed() > FRESH {
        tracing::warn!(webhook.id = %id, "The database was long in granting a delivery; it is left to whoever claims it next");
        lanes.end(id, delivery, false);
        return;
    }
    let outcome = match send(&state, &claimed).await {
        Ok((attempt, answer)) => weigh(lanes.schedule, &claimed, attempt, answer),
        Err(error) => {
            tracing::error!(%error, webhook.id = %id, "A webhook cannot be told anything");
            lanes.end(id, delivery, false);
            return;
        }
    };
    let is_well = outcome.end == End::Delivered;
    if let Err(error) = note(&state, &server, claimed, outcome, lanes.schedule).await {
        tracing::warn!(%error, webhook.id = %id, "It could not be noted that a webhook was told something; it is told again");
    }
    drop(place);
    lanes.end(id, delivery, is_well);
}

/// Signs and sends.
async fn send(state: &State, claimed: &Claimed) -> Result<(Attempt, Option<Answer>)> {
    let at = Instant::now();
    let secrets = claimed.webhook.secrets(&state.key, at)?;
    let (id, seconds) = (claimed.delivery.id.to_string(), at.seconds());
    let payload = claimed.delivery.payload.clone();
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(&id, seconds, &payload)).collect();
    let (guard, url, started) = (state.outgoing.clone(), claimed.webhook.url.clone(), Moment::now());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    // A thread of its own: whoever stops the server waits for the runtime's, and a slow endpoint would hold that up.
    let thread = std::thread::Builder::new().name("webhook".to_owned()).spawn(move || {
        let (timestamp, signatures) = (seconds.to_string(), signatures.join(" "));
        let headers = [("webhook-id", &*id), ("webhook-timestamp", &*timestamp), ("webhook-signature", &*signatures)];
        let _ = sender.send(guard.post(&url, &headers, &payload));
    });
    thread.map_err(Error::internal)?;
    let sent = receiver.await.map_err(Error::internal)?;
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(match sent {
        Ok(answer) => (Attempt { at, duration_ms, status: Some(answer.status), error: None }, Some(answer)),
        Err(error) => (Attempt { at, duration_ms, status: None, error: Some(error) }, None),
    })
}

/// Decides what comes of an attempt.
fn weigh(schedule: Schedule, claimed: &Claimed, attempt: Attempt, answer: Option<Answer>) -> Outcome {
    let status = attempt.status.unwrap_or(0);
    let wish = answer.as_ref().filter(|_| matches!(status, 429 | 503)).and_then(|answer| answer.retry_after.as_deref());
    let wish = wish.and_then(|header| schedule.retry_after(header));
    let n_attempts = usize::try_from(claimed.delivery.n_attempts).unwrap_or(0) + 1;
    let end = match (status, schedule.pause(n_attempts, chance(claimed))) {
        (200..=299, _) => End::Delivered,
        (410, _) => End::Gone,
        (_, None) => End::Dead,
        (_, Some(pause)) => End::Again(wish.map_or(pause, |wish| pause.max(wish)), wish),
    };
    let answer = answer.map(|answer| {
        let kept = answer.body.get(..MOST_KEPT).unwrap_or(&answer.body);
        let text = String::from_utf8_lossy(kept).replace('\0', "\u{fffd}");
        // What is no character takes more room than it took before.
        text.chars()
            .scan(0, |n, c| {
                *n += c.len_utf8();
                (*n <= MOST_KEPT).then_some(c)
            })
            .collect()
    });
    Outcome { attempt, answer, end }
}

/// A number below a thousand that is another for each delivery, so that those that failed together do not come together.
fn chance(claimed: &Claimed) -> u64 {
    let bytes = claimed.delivery.id.uuid().as_bytes();
    let tail = bytes.iter().rev().take(4).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    tail.wrapping_add(u64::try_from(claimed.delivery.n_attempts).unwrap_or(0) * 389) % 1000
}

async fn note(state: &State, server: &str, claimed: Claimed, outcome: Outcome, schedule: Schedule) -> Result<()> {
    let id = claimed.webhook.id;
    let (server, claimed, outcome) = (server.to_owned(), Arc::new(claimed), Arc::new(outcome));
    let mut n_tries = 0;
    let disabled = loop {
        let (server, claimed, outcome) = (server.clone(), claimed.clone(), outcome.clone());
        let work = move |tx: &mut Tx<'_>| queue::finish(tx, &claimed, &server, &outcome, schedule.give_up_after());
        match state.db.write_alone(work).await {
            Ok(disabled) => break disabled,
            Err(error) if n_tries >= NOTE_TRIES => return Err(error),
            Err(_) => n_tries += 1,
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    if let Some(reason) = disabled {
        tracing::warn!(webhook.id = %id, %reason, "A webhook was disabled; enable it when its endpoint is well");
    }
    Ok(())
}
