//! Waiting for what comes to hold, without burning the processor that it needs.

use std::time::{Duration, Instant};

/// How long something may take to come to hold before a test gives it up; far more than it should.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks.
const PACE: Duration = Duration::from_millis(20);

/// Waits until something holds.
#[track_caller]
pub fn until(what: &str, holds: impl FnMut() -> bool) {
    until_or(what, PATIENCE, holds);
}

/// Waits until something holds, with a patience of the test's own.
#[track_caller]
pub fn until_or(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < patience, "it does not come to hold that {what}");
        pause(PACE);
    }
}

/// Lets time pass: for a reader who comes again after a while, or for what is to happen at intervals.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
