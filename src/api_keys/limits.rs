//! How often a key may ask: so often in a minute, as this server counts, and so often in a day, over all servers.
//!
//! Pure but for the moment that it is given. The headers are those of draft-ietf-httpapi-ratelimit-headers.

use crate::clock::Instant;

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * 60;

/// How often a key may ask; none for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// In a minute.
    pub per_minute: Option<u32>,
    /// In a day.
    pub per_day: Option<u32>,
}

/// What a key has spent of its limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    minute: i64,
    in_minute: u32,
    day: i64,
    /// What the database said of this day, and what this server has written and counted since.
    stored: i64,
    written: i64,
    pending: i64,
}

/// Whether a request may go on, and what the client is told of its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// After how many seconds to come again; none when the request may go on.
    pub retry_after: Option<u64>,
    /// `RateLimit-Policy` and `RateLimit`; none when there are no limits.
    pub headers: Option<(String, String)>,
}

impl Spent {
    /// Takes note of what the database says that the key has spent today.
    pub fn learn(&mut self, (day, n_requests): (i64, i64)) {
        self.turn(day);
        if day == self.day {
            (self.stored, self.written) = (n_requests, 0);
        }
    }

    /// Takes note that so many of the requests that were counted have been written.
    pub fn settle(&mut self, n_requests: i64) {
        let settled = n_requests.min(self.pending);
        self.pending -= settled;
        self.written += settled;
    }

    /// Returns whether the key was used today or yesterday.
    pub fn is_recent(&self) -> bool {
        self.pending > 0 || day_of(Instant::now()) - self.day <= 1
    }

    /// Counts a request, if it is within the limits.
    pub fn admit(&mut self, limits: Limits, now: Instant) -> Allowed {
        self.turn(day_of(now));
        let minute = now.seconds() / MINUTE;
        if self.minute != minute {
            (self.minute, self.in_minute) = (minute, 0);
        }
        let in_day = self.stored + self.written + self.pending;
        let left = |limit: Option<u32>, used: i64| limit.map(|limit| i64::from(limit) - used);
        let of_minute = left(limits.per_minute, i64::from(self.in_minute));
        let of_day = left(limits.per_day, in_day);
        let until = |window: i64| window - now.seconds().rem_euclid(window);
        let waits = [(of_minute, MINUTE), (of_day, DAY)];
        let retry_after =
            waits.iter().filter(|(left, _)| left.is_some_and(|left| left <= 0)).map(|(_, window)| until(*window)).max();
        if retry_after.is_none() {
            self.in_minute = self.in_minute.saturating_add(1);
            self.pending += 1;
        }
        let cost = i64::from(retry_after.is_none());
        let mut policies = Vec::new();
        let mut states = Vec::new();
        let named = [("minute", limits.per_minute, of_minute, MINUTE), ("day", limits.per_day, of_day, DAY)];
        for (name, limit, left, window) in named {
            if let (Some(limit), Some(left)) = (limit, left) {
                policies.push(format!("\"{name}\";q={limit};w={window}"));
                states.push(format!("\"{name}\";r={};t={}", (left - cost).max(0), until(window)));
            }
        }
        Allowed {
            retry_after: retry_after.map(|seconds| u64::try_from(seconds).unwrap_or(1)),
            headers: (!policies.is_empty()).then(|| (policies.join(", "), states.join(", "))),
        }
    }

    fn turn(&mut self, day: i64) {
        if day > self.day {
            (self.day, self.stored, self.written, self.pending) = (day, 0, 0, 0);
        }
    }
}

/// Returns the number of a day in UTC.
pub fn day_of(at: Instant) -> i64 {
    at.seconds().div_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_millis(seconds * 1000).unwrap()
    }

    #[test]
    fn a_minute_ends_and_a_day_goes_on() {
        let limits = Limits { per_minute: Some(2), per_day: Some(3) };
        let mut spent = Spent::default();
        let noon = 20_000 * DAY + DAY / 2;

        let first = spent.admit(limits, at(noon));
        assert_eq!(first.retry_after, None);
        let told = first.headers.unwrap();
        assert_eq!(told.0, "\"minute\";q=2;w=60, \"day\";q=3;w=86400");
        assert_eq!(told.1, "\"minute\";r=1;t=60, \"day\";r=2;t=43200");
        assert_eq!(spent.admit(limits, at(noon + 1)).retry_after, None);
        assert_eq!(spent.admit(limits, at(noon + 2)).retry_after, Some(58));
        assert_eq!(spent.admit(limits, at(noon + 60)).retry_after, None);
        assert_eq!(spent.admit(limits, at(noon + 61)).retry_after, Some(43_200 - 61));
        assert_eq!(spent.admit(limits, at(noon + DAY)).retry_after, None);
    }

    #[test]
    fn what_other_servers_counted_is_spent_as_well() {
        let limits = Limits { per_minute: None, per_day: Some(10) };
        let mut spent = Spent::default();
        let noon = at(20_000 * DAY + DAY / 2);

        spent.learn((20_000, 8));
        assert_eq!(spent.admit(limits, noon).retry_after, None);
        spent.settle(1);
        spent.learn((20_000, 9));
        assert_eq!(spent.admit(limits, noon).retry_after, None);
        assert!(spent.admit(limits, noon).retry_after.is_some());
    }

    #[test]
    fn who_has_no_limits_is_told_of_none() {
        assert_eq!(Spent::default().admit(Limits::default(), at(0)), Allowed { retry_after: None, headers: None });
    }
}
