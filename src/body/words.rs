//! What changed in a text, word by word, in bounded time.
//!
//! Myers' shortest edit script over words as Unicode sees them. It is given up beyond a number of changes, where a reader
//! would see nothing but changes anyway; the time is linear in the text for that reason.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;
use utoipa::ToSchema;

/// What became of a piece of text: `equal` (it stands in both), `deleted` (only in the old text), `inserted` (only in the
/// new one).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// It stands in both.
    Equal,
    /// Only in the old text.
    Deleted,
    /// Only in the new text.
    Inserted,
}

/// A piece of a block's text, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"kind": "inserted", "text": "Tuesday"}))]
pub struct TextSpan {
    /// What became of it.
    pub kind: SpanKind,
    /// The text, whole words with the spaces and the punctuation between them.
    #[schema(example = "Tuesday")]
    pub text: String,
}

/// The most changes that are looked for in one text; what differs more is shown as one deletion and one insertion.
const MOST_CHANGES: usize = 256;

/// How much may still be done to find changes in the texts of a body. What one text may take, thousands of them may not.
#[derive(Debug)]
pub(super) struct Effort(usize);

impl Default for Effort {
    /// Enough for sixty long texts that have nothing in common, and for thousands that were edited.
    fn default() -> Self {
        Self(2_000_000)
    }
}

/// Returns the spans that lead from the old text to the new one; none when both are empty.
pub(super) fn spans(old: &str, new: &str, effort: &mut Effort) -> Vec<TextSpan> {
    let old: Vec<&str> = old.split_word_bounds().collect();
    let new: Vec<&str> = new.split_word_bounds().collect();
    let n_before = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (before, old) = old.split_at(n_before);
    let new = new.get(n_before..).unwrap_or_default();
    let n_after = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, after) = old.split_at(old.len() - n_after);
    let new = new.get(..new.len() - n_after).unwrap_or_default();

    let mut spans = Spans::default();
    before.iter().for_each(|word| spans.push(SpanKind::Equal, word));
    let (mut old_words, mut new_words) = (old.iter(), new.iter());
    for kind in steps(old, new, effort) {
        let word = match kind {
            SpanKind::Deleted => old_words.next(),
            SpanKind::Inserted => new_words.next(),
            SpanKind::Equal => old_words.next().and(new_words.next()),
        };
        spans.push(kind, word.copied().unwrap_or_default());
    }
    after.iter().for_each(|word| spans.push(SpanKind::Equal, word));
    spans.0
}

#[derive(Default)]
struct Spans(Vec<TextSpan>);

impl Spans {
    fn push(&mut self, kind: SpanKind, word: &str) {
        match self.0.last_mut() {
            Some(last) if last.kind == kind => last.text.push_str(word),
            _ => self.0.push(TextSpan { kind, text: word.to_owned() }),
        }
    }
}

/// Returns what is to be done with each word, in order.
fn steps(old: &[&str], new: &[&str], effort: &mut Effort) -> Vec<SpanKind> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for word in old.iter().chain(new) {
        let next = numbers.len();
        numbers.entry(word).or_insert(next);
    }
    let numbered =
        |words: &[&str]| -> Vec<usize> { words.iter().filter_map(|word| numbers.get(word).copied()).collect() };
    shortest(&numbered(old), &numbered(new), effort).unwrap_or_else(|| {
        let deleted = std::iter::repeat_n(SpanKind::Deleted, old.len());
        deleted.chain(std::iter::repeat_n(SpanKind::Inserted, new.len())).collect()
    })
}

/// Returns the shortest edit script (Myers, 1986), unless it has too many changes.
///
/// A diagonal has a number, the place in the old text less that in the new one, moved by `zero` to be positive.
fn shortest(old: &[usize], new: &[usize], effort: &mut Effort) -> Option<Vec<SpanKind>> {
    let most = MOST_CHANGES.min(old.len() + new.len());
    let zero = most + 1;
    let mut furthest = vec![0_usize; 2 * most + 3];
    let mut rounds = Vec::new();
    for n_changes in 0..=most {
        effort.0 = effort.0.checked_sub(n_changes)?;
        rounds.push(furthest.clone());
        for diagonal in (zero - n_changes..=zero + n_changes).step_by(2) {
            let mut x = match came_from(&furthest, diagonal, zero, n_changes) {
                None => 0,
                Some(from) if from > diagonal => at(&furthest, from),
                Some(from) => at(&furthest, from) + 1,
            };
            let Some(mut y) = (x + zero).checked_sub(diagonal) else { continue };
            while let (Some(old), Some(new)) = (old.get(x), new.get(y))
                && old == new
            {
                x += 1;
                y += 1;
            }
            if let Some(place) = furthest.get_mut(diagonal) {
                *place = x;
            }
            if x == old.len() && y == new.len() {
                return Some(walk_back(&rounds, zero, x, y));
            }
        }
    }
    None
}

fn at(furthest: &[usize], diagonal: usize) -> usize {
    furthest.get(diagonal).copied().unwrap_or_default()
}

/// Returns the neighboring diagonal from which one is reached with so many changes; none for the first round.
fn came_from(furthest: &[usize], diagonal: usize, zero: usize, n_changes: usize) -> Option<usize> {
    if n_changes == 0 {
        return None;
    }
    let (below, above) = (diagonal - 1, diagonal + 1);
    let is_insertion =
        diagonal == zero - n_changes || (diagonal != zero + n_changes && at(furthest, below) < at(furthest, above));
    Some(if is_insertion { above } else { below })
}

fn walk_back(rounds: &[Vec<usize>], zero: usize, mut x: usize, mut y: usize) -> Vec<SpanKind> {
    let mut steps = Vec::new();
    for (n_changes, furthest) in rounds.iter().enumerate().rev() {
        let from = came_from(furthest, (x + zero).saturating_sub(y), zero, n_changes);
        let from_x = from.map_or(0, |from| at(furthest, from));
        let from_y = from.map_or(0, |from| (from_x + zero).saturating_sub(from));
        while x > from_x && y > from_y {
            steps.push(SpanKind::Equal);
            (x, y) = (x - 1, y - 1);
        }
        if from.is_some() {
            if x == from_x {
                steps.push(SpanKind::Inserted);
                y = y.saturating_sub(1);
            } else {
                steps.push(SpanKind::Deleted);
                x = x.saturating_sub(1);
            }
        }
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn side(spans: &[TextSpan], other: SpanKind) -> String {
        spans.iter().filter(|span| span.kind != other).map(|span| span.text.as_str()).collect()
    }

    #[test]
    fn a_word_that_was_replaced_is_a_deletion_and_an_insertion() {
        let spans = spans("The talks resumed on Monday.", "The talks resumed on Tuesday.", &mut Effort::default());

        let said: Vec<_> = spans.iter().map(|span| (span.kind, span.text.as_str())).collect();
        assert_eq!(
            said,
            [
                (SpanKind::Equal, "The talks resumed on "),
                (SpanKind::Deleted, "Monday"),
                (SpanKind::Inserted, "Tuesday"),
                (SpanKind::Equal, "."),
            ]
        );
    }

    #[test]
    fn texts_that_have_nothing_in_common_are_not_searched_for_ever() {
        let old: String = (0..30_000).map(|n| format!("a{n} ")).collect();
        let new: String = (0..30_000).map(|n| format!("b{n} ")).collect();

        let spans = spans(&old, &new, &mut Effort::default());

        assert_eq!((side(&spans, SpanKind::Inserted), side(&spans, SpanKind::Deleted)), (old, new));
    }

    #[test]
    fn texts_without_end_get_whole_spans_when_the_effort_is_spent() {
        let mut effort = Effort(3);

        let first = spans("a b c", "a x c", &mut effort);
        let second = spans("a b c", "a x c d e", &mut effort);

        let kinds = |spans: &[TextSpan]| spans.iter().map(|span| span.kind).collect::<Vec<_>>();
        assert_eq!(kinds(&first), [SpanKind::Equal, SpanKind::Deleted, SpanKind::Inserted, SpanKind::Equal]);
        assert_eq!(kinds(&second), [SpanKind::Equal, SpanKind::Deleted, SpanKind::Inserted]);
    }

    proptest! {
        #[test]
        fn the_spans_have_both_texts_in_them(old in "[ab .]{0,30}", new in "[ab .]{0,30}") {
            let spans = spans(&old, &new, &mut Effort::default());

            prop_assert_eq!(side(&spans, SpanKind::Inserted), old.clone());
            prop_assert_eq!(side(&spans, SpanKind::Deleted), new.clone());
            prop_assert!(old != new || spans.iter().all(|span| span.kind == SpanKind::Equal));
            prop_assert!(spans.windows(2).all(|pair| pair[0].kind != pair[1].kind));
        }
    }
}
