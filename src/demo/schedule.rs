//! When demo articles were published, and which of them readers can see.
//!
//! Both follow from an article's place in the line alone, so that one article can ask about another
//! without making it.

use crate::demo::model::DemoStage;

/// How many articles fill the five weeks of the small demo.
const SMALL_TOTAL: u64 = 60;

/// How old the newest article is, so that its hour is believable whenever the demo starts.
const NEWEST_AGE_MINUTES: u64 = 130;

/// The time that the small demo spans: five weeks.
const SMALL_SPAN_MINUTES: u64 = 35 * 24 * 60;

/// The step between articles beyond the small demo: a million of them reach back about twenty years.
const LARGE_STEP_MINUTES: u64 = 10;

/// After how many articles the pattern of stages repeats.
const STAGE_CYCLE: u64 = 40;

/// Returns how many articles are newer than this one.
pub(super) fn rank(index: u64, total: u64) -> u64 {
    total.saturating_sub(index).saturating_sub(1)
}

/// Returns the age of an article in minutes: strictly less for each higher index.
pub(super) fn age_minutes(rank: u64, total: u64, jitter: u64) -> u64 {
    let (base, step) = if total <= SMALL_TOTAL {
        // Dense today and sparse a month ago, as a front page is: one every three to four hours, then two days.
        let square = rank.saturating_mul(rank);
        (rank.saturating_mul(170).saturating_add(square.saturating_mul(23) / 2), 170)
    } else {
        let extra = total.saturating_sub(SMALL_TOTAL).saturating_mul(LARGE_STEP_MINUTES);
        let span = SMALL_SPAN_MINUTES.saturating_add(extra);
        let base = rank.saturating_mul(span).checked_div(total).unwrap_or(0);
        (base, span.checked_div(total).unwrap_or(1))
    };
    let moved = jitter.checked_rem(step.saturating_sub(1)).unwrap_or(0);
    NEWEST_AGE_MINUTES.saturating_add(base).saturating_add(moved)
}

/// Returns the stage of a generated article: nine in ten can be read.
pub(super) fn stage(index: u64) -> DemoStage {
    match index % STAGE_CYCLE {
        3 | 23 => DemoStage::Draft,
        27 => DemoStage::InReview,
        6 => DemoStage::Withdrawn,
        31 => DemoStage::PublishedWithChanges,
        _ => DemoStage::Published,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_index_is_always_newer() {
        for total in [1_u64, 2, 12, 60, 61, 1_000, 20_000, 1_000_000] {
            let first = total.saturating_sub(3_000);
            let mut previous = u64::MAX;
            for index in first..total {
                let jitter = index.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let age = age_minutes(rank(index, total), total, jitter);
                assert!(age < previous, "article {index} of {total} is not newer than the one before");
                previous = age;
            }
        }
    }

    #[test]
    fn the_small_demo_spans_five_weeks() {
        let oldest = age_minutes(59, 60, 0);
        let newest = age_minutes(0, 60, 169);

        assert!((48_000..=52_000).contains(&oldest), "{oldest}");
        assert!(newest < 6 * 60, "{newest}");
    }
}
