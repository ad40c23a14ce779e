//! A small random number generator for the demo content.
//!
//! The standard library promises nothing about its hashers between versions, and the demo must be the same
//! everywhere; so this is SplitMix64, written out. It is fast, has no use in security, and knows nothing of news.

/// The increment of SplitMix64: the golden ratio in 64 bits, which makes the states equidistributed.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of numbers that depends on nothing but the values it was made from.
#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

impl Rng {
    /// Starts the stream of one article.
    pub(super) fn new(seed: u64, index: u64) -> Self {
        Self(mix(mix(seed.wrapping_add(GOLDEN)) ^ index.wrapping_mul(GOLDEN)))
    }

    /// Returns the next 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// Returns a number from 0 up to, not including, `bound`; 0 if `bound` is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// Returns a number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    /// Returns true in `part` of `whole` cases.
    pub(super) fn chance(&mut self, part: u64, whole: u64) -> bool {
        self.below(whole) < part
    }

    /// Picks one entry, or nothing from an empty slice.
    pub(super) fn pick<'a, T>(&mut self, entries: &'a [T]) -> Option<&'a T> {
        entries.get(self.position(entries.len()))
    }

    /// Picks one text, or the empty text from an empty slice.
    pub(super) fn text(&mut self, entries: &[&'static str]) -> &'static str {
        self.pick(entries).copied().unwrap_or_default()
    }

    /// Returns the entries in another order.
    pub(super) fn shuffled<T: Clone>(&mut self, entries: &[T]) -> Vec<T> {
        let mut shuffled = entries.to_vec();
        for last in (1..shuffled.len()).rev() {
            let other = self.position(last.saturating_add(1));
            shuffled.swap(last, other);
        }
        shuffled
    }

    /// Picks a position in a list of `length`; 0 in an empty one.
    pub(super) fn position(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }
}

/// Scrambles 64 bits; the finalizer of SplitMix64.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_splitmix64() {
        // Reference values of SplitMix64 from the state 0.
        let mut rng = Rng(0);

        assert_eq!(rng.bits(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(rng.bits(), 0x6E78_9E6A_A1B9_65F4);
        assert_eq!(rng.bits(), 0x06C4_5D18_8009_454F);
    }

    #[test]
    fn empty_and_narrow_ranges_are_answered() {
        let mut rng = Rng::new(1, 1);

        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.between(7, 7), 7);
        assert_eq!(rng.text(&[]), "");
        assert!(rng.shuffled::<u8>(&[]).is_empty());
    }
}
