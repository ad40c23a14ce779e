//! Many at once on lines that are kept: what each was answered and how long it took.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::line::Line;
use crate::support::wait::pause;

/// What was seen: how often each status, and how long each answer took in milliseconds. 0 stands for a connection that broke.
#[derive(Default)]
pub struct Seen(Mutex<BTreeMap<u16, Vec<u64>>>);

impl Seen {
    pub fn note(&self, status: u16, took: Duration) {
        self.0.lock().unwrap().entry(status).or_default().push(u64::try_from(took.as_millis()).unwrap());
    }

    pub fn count(&self, status: u16) -> usize {
        self.0.lock().unwrap().get(&status).map_or(0, Vec::len)
    }

    pub fn statuses(&self) -> Vec<u16> {
        self.0.lock().unwrap().keys().copied().collect()
    }

    /// How long all but one in a hundred of the answers with a status took at most.
    pub fn p99(&self, status: u16) -> u64 {
        let mut all = self.0.lock().unwrap().get(&status).cloned().unwrap_or_default();
        all.sort_unstable();
        all.get(all.len().saturating_sub(1) * 99 / 100).copied().unwrap_or(0)
    }

    /// For people.
    pub fn summary(&self) -> String {
        let all = self.0.lock().unwrap().clone();
        let mut parts = Vec::new();
        for (status, mut times) in all {
            times.sort_unstable();
            let (n, last) = (times.len(), times.len() - 1);
            let (p50, p99, most) = (times[last / 2], times[last * 99 / 100], times[last]);
            parts.push(format!("{n}x {status} (p50 {p50}, p99 {p99}, max {most} ms)"));
        }
        parts.join(", ")
    }
}

/// Asks on one line until told to stop, with a pause after each answer; opens another line when one breaks.
pub fn ask_until(
    base: &str,
    (method, head, body): (&str, &str, &[u8]),
    path: impl Fn(usize) -> String,
    between: Duration,
    is_over: &AtomicBool,
    seen: &Seen,
) {
    let mut line = Line::open(base).ok();
    for number in 0.. {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        let started = Instant::now();
        let got = line.as_mut().and_then(|line| line.ask(method, &path(number), head, body).ok());
        seen.note(got.as_ref().map_or(0, |got| got.status), started.elapsed());
        if got.is_none_or(|got| got.is_last) {
            line = Line::open(base).ok();
        }
        pause(between);
    }
}

/// Asks `n` times at once for so long.
pub fn crowd(n: usize, lasts: Duration, ask: impl Fn(usize, &AtomicBool) + Sync) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = super::Ends(&is_over);
        for number in 0..n {
            let (ask, is_over) = (&ask, &is_over);
            scope.spawn(move || ask(number, is_over));
        }
        pause(lasts);
        is_over.store(true, Ordering::SeqCst);
    });
}

/// How much memory a process takes, in KiB.
pub fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
