//! Sends what is due: so many requests at a time, and no endpoint takes the places of the others.
//!
//! An endpoint begins with one request at a time and is given more as it answers well. Those that did not answer well the
//! last time, or have not answered yet, have half of the places between them, take turns, and are left alone for longer
//! and longer. So one that never ends its answers, or fifty of them, hold up nobody else.
//!
//! Each request has a thread while it runs. What is claimed and how it went is written for many at a time: one transaction
//! takes what has come due for all endpoints, and another what has ended meanwhile.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant as Moment},
};

use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use super::{
    claims::{self, Claimed, End, Outcome},
    model::Attempt,
    schedule::Schedule,
};
use crate::{
    clock::Instant,
    db::{Db, Tx},
    error::{Code, Error, Result},
    ids::{DeliveryId, WebhookId},
    outgoing::{Answer, threads::Threads},
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

/// The most attempts that are noted together.
const MOST_TOGETHER: usize = 256;

/// For how long those that have ended wait for others to be noted with them.
const WAITS_FOR_OTHERS: Duration = Duration::from_millis(5);

/// How long it takes another server to note what is to be told, once that has happened.
const NOTED_BY_OTHERS: Duration = Duration::from_millis(20);

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
    /// What is being sent, or was and is not noted yet.
    under_way: Mutex<HashSet<DeliveryId>>,
    /// How many requests endpoints may have between them.
    most: usize,
    /// How many of those may be to endpoints that are not trusted.
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

    /// Returns how many more requests there may be.
    fn n_free(&self) -> usize {
        let n_running = self.with(|lanes| lanes.values().map(|lane| lane.n_running).sum());
        self.most.saturating_sub(n_running)
    }

    fn begin(&self, claimed: &Claimed) {
        self.under_way().insert(claimed.delivery.id);
        self.with(|lanes| lanes.entry(claimed.webhook.id).or_default().n_running += 1);
    }

    fn under_way(&self) -> MutexGuard<'_, HashSet<DeliveryId>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a request has ended.
    fn end(&self, id: WebhookId, is_well: bool) {
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
    }

    /// Forgets what has ended and is noted, or cannot be.
    fn forget(&self, deliveries: impl IntoIterator<Item = DeliveryId>) {
        let mut under_way = self.under_way();
        for delivery in deliveries {
            under_way.remove(&delivery);
        }
        self.done.notify_one();
    }
}

/// Delivers, for ever. `quiet` is where it looks for what is due; `noted` tells that there is something.
pub async fn run(state: State, quiet: Db, noted: Arc<Notify>) {
    let config = state.config.webhooks;
    let lanes = Arc::new(Lanes {
        lanes: Mutex::default(),
        under_way: Mutex::default(),
        most: config.requests,
        most_doubtful: (config.requests / 2).max(1),
        done: Notify::new(),
        schedule: Schedule { scale: config.time_scale },
    });
    let server = uuid::Uuid::now_v7().to_string();
    let (sender, ended) = unbounded_channel();
    tokio::select! {
        () = deliver(&state, &quiet, &lanes, &server, (&noted, sender)) => {}
        () = note(&state, &lanes, &server, ended) => {}
        () = extend(&state, &lanes, &server) => {}
    }
}

async fn deliver(
    state: &State,
    quiet: &Db,
    lanes: &Arc<Lanes>,
    server: &str,
    (noted, ended): (&Notify, UnboundedSender<Ended>),
) {
    let (mut news, mut last, threads) = (state.wire.position(), None, Threads::default());
    let mut is_busy = false;
    loop {
        // Where something was due a moment ago there is likely more.
        let claimed = claim((state, Some(quiet).filter(|_| !is_busy)), lanes, server, last).await;
        is_busy = !claimed.is_empty();
        last = claimed.last().map_or(last, |claimed| Some(claimed.webhook.id));
        for one in claimed {
            let flight = Flight::begin(lanes.clone(), one, ended.clone());
            let state = state.clone();
            if let Err(error) = threads.run(move || flight.fly(&state)) {
                tracing::warn!(%error, "There is no thread for a request to a webhook; it is tried again");
            }
        }
        tokio::select! {
            _ = news.changed() => tokio::select! {
                () = noted.notified() => {}
                () = lanes.done.notified() => {}
                () = tokio::time::sleep(NOTED_BY_OTHERS) => {}
            },
            () = noted.notified() => {}
            () = lanes.done.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Says of what is being sent that this server is still at it, for ever.
async fn extend(state: &State, lanes: &Lanes, server: &str) {
    let mut before = HashSet::new();
    loop {
        tokio::time::sleep(EXTEND_EVERY).await;
        let under_way = lanes.under_way().clone();
        // What has begun since the last time has a claim that is long enough still.
        let long: Vec<DeliveryId> = under_way.intersection(&before).copied().collect();
        before = under_way;
        if long.is_empty() {
            continue;
        }
        let server = server.to_owned();
        if let Err(error) = state.db.write_alone(move |tx| claims::extend(tx, &server, &long)).await {
            tracing::warn!(%error, "Claims of webhook deliveries could not be extended; another server may tell the same again");
        }
    }
}

/// Claims what is due, as far as there is room for it.
async fn claim(
    (state, quiet): (&State, Option<&Db>),
    lanes: &Arc<Lanes>,
    server: &str,
    last: Option<WebhookId>,
) -> Vec<Claimed> {
    let n_free = lanes.n_free();
    if n_free == 0 {
        return Vec::new();
    }
    let (for_room, n_doubtful) = (lanes.clone(), AtomicUsize::new(0));
    let room = move |id| for_room.room(id, &n_doubtful);
    match claims::claim(quiet, &state.db, server, n_free, last, room).await {
        Ok(claimed) => claimed,
        Err(error) => {
            tracing::warn!(%error, "What webhooks are to be told could not be read; it is tried again");
            tokio::time::sleep(Duration::from_secs(1)).await;
            Vec::new()
        }
    }
}

/// How an attempt went, to be noted.
type Ended = (Claimed, Outcome);

/// A request from when it was claimed until it has ended. However it ends, others get its place.
struct Flight {
    lanes: Arc<Lanes>,
    claimed: Option<Claimed>,
    ended: UnboundedSender<Ended>,
}

impl Flight {
    fn begin(lanes: Arc<Lanes>, claimed: Claimed, ended: UnboundedSender<Ended>) -> Self {
        lanes.begin(&claimed);
        Self { lanes, claimed: Some(claimed), ended }
    }

    /// Sends the request; blocks until it has ended.
    fn fly(mut self, state: &State) {
        let Some(claimed) = &self.claimed else { return };
        let id = claimed.webhook.id;
        if claimed.since.elapsed() > FRESH {
            tracing::warn!(webhook.id = %id, "The database was long in granting a delivery; it is left to whoever claims it next");
            return;
        }
        let outcome = match send(state, claimed) {
            Ok((attempt, answer)) => weigh(self.lanes.schedule, claimed, attempt, answer),
            Err(error) => {
                tracing::error!(%error, webhook.id = %id, "A webhook cannot be told anything");
                return;
            }
        };
        self.lanes.end(id, outcome.end == End::Delivered);
        if let Some(claimed) = self.claimed.take() {
            // Whoever notes it has gone when the server stops; then it is told again.
            let _ = self.ended.send((claimed, outcome));
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(claimed) = self.claimed.take() {
            self.lanes.end(claimed.webhook.id, false);
            self.lanes.forget([claimed.delivery.id]);
        }
    }
}

/// Signs and sends.
fn send(state: &State, claimed: &Claimed) -> Result<(Attempt, Option<Answer>)> {
    let at = Instant::now();
    let secrets = claimed.webhook.secrets(&state.key, at)?;
    let (id, seconds, payload) = (claimed.delivery.id.to_string(), at.seconds(), &*claimed.payload);
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(&id, seconds, payload)).collect();
    let (timestamp, signatures) = (seconds.to_string(), signatures.join(" "));
    let headers = [("webhook-id", &*id), ("webhook-timestamp", &*timestamp), ("webhook-signature", &*signatures)];
    let started = Moment::now();
    let sent = state.outgoing.post(&claimed.webhook.url, &headers, payload);
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

/// Notes how attempts went, those together that have ended meanwhile, for ever.
async fn note(state: &State, lanes: &Lanes, server: &str, mut ended: UnboundedReceiver<Ended>) {
    let mut some = Vec::new();
    while ended.recv_many(&mut some, MOST_TOGETHER).await > 0 {
        tokio::time::sleep(WAITS_FOR_OTHERS).await;
        while some.len() < MOST_TOGETHER
            && let Ok(one) = ended.try_recv()
        {
            some.push(one);
        }
        let all: Arc<[Ended]> = std::mem::take(&mut some).into();
        if let Err(error) = note_together(state, lanes, server, all.clone()).await {
            note_apart(state, lanes, server, &all, error).await;
        }
        lanes.forget(all.iter().map(|(claimed, _)| claimed.delivery.id));
    }
}

async fn note_together(state: &State, lanes: &Lanes, server: &str, ended: Arc<[Ended]>) -> Result<()> {
    let mut n_tries = 0;
    let disabled = loop {
        let (server, ended, give_up_after) = (server.to_owned(), ended.clone(), lanes.schedule.give_up_after());
        let work = move |tx: &mut Tx<'_>| claims::finish(tx, &server, &ended, give_up_after);
        match state.db.write_alone(work).await {
            Ok(disabled) => break disabled,
            // What is wrong with one of several is found by noting each alone.
            Err(error) if n_tries >= NOTE_TRIES || error.code() != Code::Unavailable => return Err(error),
            Err(_) => n_tries += 1,
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    for (id, reason) in disabled {
        tracing::warn!(webhook.id = %id, %reason, "A webhook was disabled; enable it when its endpoint is well");
    }
    Ok(())
}

/// Notes each alone when several could not be noted, so that one that cannot be is in nobody's way.
async fn note_apart(state: &State, lanes: &Lanes, server: &str, ended: &[Ended], error: Error) {
    let is_away = error.code() == Code::Unavailable;
    for one in ended {
        let noted =
            if is_away { Err(error.clone()) } else { note_together(state, lanes, server, [one.clone()].into()).await };
        if let Err(error) = noted {
            tracing::warn!(%error, webhook.id = %one.0.webhook.id, "It could not be noted that a webhook was told something; it is told again");
        }
    }
}
