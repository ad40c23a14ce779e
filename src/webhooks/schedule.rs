//! When a delivery is tried again, and when an endpoint is given up.

use std::time::Duration;

/// The pauses before each attempt, in seconds: at once, then ever longer, over some three days.
const PAUSES: [u64; 10] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// For how long an endpoint may fail before it is disabled.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5 * 86_400);

/// However fast time goes, requests take theirs.
const SHORTEST_GIVE_UP: Duration = Duration::from_secs(60);

/// For how long a replaced secret signs beside the new one.
pub const OLD_SECRET_SECONDS: i64 = 86_400;

/// The longest that an endpoint may ask to be left alone.
const LONGEST_RETRY_AFTER: u64 = 86_400;

/// The schedule, sped up for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How many times faster than real time.
    pub scale: u64,
}

impl Schedule {
    /// Returns the pause after so many attempts, with up to a tenth more or less, which `chance` (0 to 999) decides; none,
    /// when it is not tried again.
    pub fn pause(self, n_attempts: usize, chance: u64) -> Option<Duration> {
        let seconds = *PAUSES.get(n_attempts)?;
        let millis = seconds * 1000 * (900 + chance.min(999) / 5) / 1000;
        Some(Duration::from_millis(millis / self.scale.max(1)))
    }

    /// Returns for how long an endpoint wants to be left alone, which it says in seconds or not at all.
    pub fn retry_after(self, header: &str) -> Option<Duration> {
        let seconds: u64 = header.trim().parse().ok()?;
        Some(Duration::from_millis(seconds.min(LONGEST_RETRY_AFTER) * 1000 / self.scale.max(1)))
    }

    /// For how long an endpoint may fail: longer than a delivery is tried, however fast time goes.
    pub fn give_up_after(self) -> Duration {
        let scaled = GIVE_UP_AFTER / u32::try_from(self.scale.max(1)).unwrap_or(u32::MAX);
        scaled.max(SHORTEST_GIVE_UP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_tried_ten_times_over_three_days() {
        let schedule = Schedule { scale: 1 };
        let pauses: Vec<u64> = (0..).map_while(|n| schedule.pause(n, 500)).map(|pause| pause.as_secs()).collect();

        assert_eq!(pauses, PAUSES);
        assert_eq!(pauses.iter().sum::<u64>() / 3600, 75);
    }

    #[test]
    fn pauses_vary_by_a_tenth() {
        let schedule = Schedule { scale: 1 };

        assert_eq!(schedule.pause(2, 0), Some(Duration::from_secs(270)));
        assert!(schedule.pause(2, 999).unwrap() <= Duration::from_secs(330));
        assert!(schedule.pause(2, 999).unwrap() > Duration::from_secs(329));
    }

    #[test]
    fn an_endpoint_says_in_seconds_how_long_to_wait() {
        let schedule = Schedule { scale: 10 };

        assert_eq!(schedule.retry_after("120"), Some(Duration::from_secs(12)));
        assert_eq!(schedule.retry_after("99999999"), Some(Duration::from_secs(8_640)));
        for other in ["", "-1", "soon", "Wed, 25 Nov 2026 07:28:00 GMT", "99999999999999999999999"] {
            assert_eq!(schedule.retry_after(other), None, "{other}");
        }
    }
}
