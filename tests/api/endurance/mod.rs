//! What must hold for minutes, under kills, resets and clocks that jump: each in a short form for every run of the tests,
//! and in a long one that is run by hand; CONTRIBUTING says how.

#![allow(clippy::print_stdout, reason = "what was measured in minutes is worth a line")]

mod caches;
mod changes;
mod clocks;
mod crashes;
mod crowd;
mod editors;
pub mod gate;
mod hostile;
mod line;
mod newswire;
mod node_loss;
mod outages;
mod proxy;
mod retries;
mod rolling;
mod scheduling;
mod separation;

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};

use crate::support::{
    Database,
    program::{Program, editor, log_in},
};

/// A time as the API writes it.
fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Several servers on one database, each of which may be away for a while.
struct Nodes<'d> {
    database: &'d Database,
    settings: Vec<(&'static str, &'static str)>,
    places: Vec<Mutex<Option<Program>>>,
}

impl<'d> Nodes<'d> {
    fn start(database: &'d Database, count: usize, settings: &[(&'static str, &'static str)]) -> Self {
        let places = (0..count).map(|_| Mutex::new(Some(database.serve(settings)))).collect();
        Self { database, settings: settings.to_vec(), places }
    }

    /// The addresses of those that run.
    fn bases(&self) -> Vec<String> {
        self.places.iter().filter_map(|place| place.lock().unwrap().as_ref().map(|node| node.base.clone())).collect()
    }

    /// The places of those that run.
    fn living(&self) -> Vec<usize> {
        (0..self.places.len()).filter(|place| self.places[*place].lock().unwrap().is_some()).collect()
    }

    /// Ends one as a power cut would.
    fn kill(&self, place: usize) {
        self.places[place].lock().unwrap().take().expect("it runs").kill();
    }

    /// Starts the one that was killed.
    fn revive(&self, place: usize) {
        let program = self.database.serve(&self.settings);
        *self.places[place].lock().unwrap() = Some(program);
    }
}

/// Tells the other threads that it is over, also when a test fails.
pub struct Ends<'b>(pub &'b AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// One number, or several with bars between them, out of a PostgreSQL database.
fn numbers(database: &Database, query: &str) -> Vec<i64> {
    database.sql(query).split('|').map(|number| number.parse().expect(query)).collect()
}
