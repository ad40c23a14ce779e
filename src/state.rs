//! What every request can reach: built once at the start, cheap to clone.

use std::sync::{Arc, Weak};

use crate::{
    api_keys::ApiKeys,
    auth::Auth,
    changes::wire::Wire,
    config::Config,
    db::Db,
    delivery::Delivery,
    http::{idempotency::InFlight, intake::Intake},
    metrics::Metrics,
    outgoing::Guard,
    readiness::Readiness,
    secrets::InstanceKey,
    traces::Traces,
};

/// The server's state.
#[derive(Clone)]
pub struct State(Arc<Parts>);

/// The parts of the state.
pub struct Parts {
    /// The settings.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// The key that the nodes share.
    pub key: InstanceKey,
    /// Passwords, tokens and their keys.
    pub auth: Auth,
    /// The keys with which partners read.
    pub api_keys: ApiKeys,
    /// Requests with an idempotency key that are being worked on.
    pub in_flight: InFlight,
    /// Room for large bodies.
    pub intake: Intake,
    /// Finished answers to readers.
    pub delivery: Delivery,
    /// Where those stand who wait for changes.
    pub wire: Wire,
    /// What sends requests to addresses of others.
    pub outgoing: Guard,
    /// What the server counts.
    pub metrics: Metrics,
    /// Where traces begin.
    pub traces: Traces,
    /// Whether the database answers.
    pub readiness: Readiness,
}

impl State {
    /// Wraps the parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Returns a way to the state that does not keep it alive, for what is a part of it.
    pub fn downgrade(&self) -> WeakState {
        WeakState(Arc::downgrade(&self.0))
    }
}

/// The server's state, as long as there is a server.
#[derive(Clone)]
pub struct WeakState(Weak<Parts>);

impl WeakState {
    /// Returns the state, if it is still there.
    pub fn upgrade(&self) -> Option<State> {
        self.0.upgrade().map(State)
    }
}

impl std::ops::Deref for State {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
