//! What changed in a text, word by word, in bounded time.
//!
//! Myers' shortest edit script over words as Unicode sees them, in what is left when the same start and the same end are
//! taken off. It is given up beyond a number of changes, where a reader would see nothing but changes anyway, and where
//! paragraphs are as long as books; the time is linear in the text for that reason, and small.

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
pub(super) struct Effort {
    /// How many bytes may be taken apart into words.
    n_bytes: usize,
    /// How many words may be compared.
    n_steps: usize,
}

impl Default for Effort {
    /// Enough for a body that was written anew, for sixty long texts that have nothing in common, and for thousands that
    /// were edited.
    fn default() -> Self {
        Self { n_bytes: 1 << 20, n_steps: 8_000_000 }
    }
}

/// Returns the spans that lead from the old text to the new one; none when both are empty.
pub(super) fn spans(old: &str, new: &str, effort: &mut Effort) -> Vec<TextSpan> {
    let (before, old, new, after) = apart(old, new);
    let mut spans = Spans::default();
    spans.push(SpanKind::Equal, before);
    match effort.n_bytes.checked_sub(old.len().saturating_add(new.len())) {
        Some(left) => {
            effort.n_bytes = left;
            push_words(&mut spans, old, new, effort);
        }
        None => {
            spans.push(SpanKind::Deleted, old);
            spans.push(SpanKind::Inserted, new);
        }
    }
    spans.push(SpanKind::Equal, after);
    spans.0
}

/// Returns the start and the end that both texts have, and what each has in between, without taking a word apart.
fn apart<'t>(old: &'t str, new: &'t str) -> (&'t str, &'t str, &'t str, &'t str) {
    if old == new {
        return (old, "", "", "");
    }
    let same = |(old, new): &(u8, u8)| old == new;
    let n_before = old.bytes().zip(new.bytes()).take_while(same).count();
    let n_before = (1..=n_before).rev().find(|at| is_seam(old, *at) && is_seam(new, *at)).unwrap_or(0);
    let (before, old) = old.split_at_checked(n_before).unwrap_or(("", old));
    let new = new.get(n_before..).unwrap_or_default();
    let n_after = old.bytes().rev().zip(new.bytes().rev()).take_while(same).count();
    let is_seam = |n: usize| is_seam(old, old.len().saturating_sub(n)) && is_seam(new, new.len().saturating_sub(n));
    let n_after = (1..=n_after).rev().find(|n| is_seam(*n)).unwrap_or(0);
    let (old, after) = old.split_at_checked(old.len().saturating_sub(n_after)).unwrap_or((old, ""));
    let new = new.get(..new.len().saturating_sub(n_after)).unwrap_or_default();
    (before, old, new, after)
}

/// Returns whether a place stands between a space and a letter that follow a letter, all of ASCII: whatever surrounds them,
/// a word begins there.
fn is_seam(text: &str, at: usize) -> bool {
    let byte = |back: usize| text.as_bytes().get(at.checked_sub(back)?);
    byte(1) == Some(&b' ') && [byte(0), byte(2)].iter().all(|byte| byte.is_some_and(u8::is_ascii_alphanumeric))
}

/// Takes a text apart into words as Unicode sees them; those of ASCII letters without asking for each of them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        // Up to the next seam, and the space before it apart, which is a word of its own there.
        let mut spaces = rest.bytes().enumerate().filter(|(_, byte)| *byte == b' ').map(|(at, _)| at.saturating_add(1));
        let seam = spaces.find(|at| is_seam(rest, *at)).unwrap_or(rest.len());
        let (piece, next) = rest.split_at_checked(seam).unwrap_or((rest, ""));
        let (piece, space) = if next.is_empty() {
            (piece, "")
        } else {
            piece.split_at_checked(seam.saturating_sub(1)).unwrap_or((piece, ""))
        };
        if piece.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            words.push(piece);
        } else {
            words.extend(piece.split_word_bounds());
        }
        words.extend(Some(space).filter(|space| !space.is_empty()));
        rest = next;
    }
    words
}

fn push_words(spans: &mut Spans, old: &str, new: &str, effort: &mut Effort) {
    let (old, new) = (words(old), words(new));
    let n_before = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (before, old) = old.split_at(n_before);
    let new = new.get(n_before..).unwrap_or_default();
    let n_after = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, after) = old.split_at(old.len() - n_after);
    let new = new.get(..new.len() - n_after).unwrap_or_default();

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
}

#[derive(Default)]
struct Spans(Vec<TextSpan>);

impl Spans {
    fn push(&mut self, kind: SpanKind, word: &str) {
        if word.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.kind == kind => last.text.push_str(word),
            _ => self.0.push(TextSpan { kind, text: word.to_owned() }),
        }
    }
}

/// Returns what is to be done with each word, in order.
fn steps(old: &[&str], new: &[&str], effort: &mut Effort) -> Vec<SpanKind> {
    let numbered = || {
        // One text is so much longer that there are too many changes in any case.
        if old.len().abs_diff(new.len()) > MOST_CHANGES {
            return None;
        }
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for word in old.iter().chain(new) {
            let next = numbers.len();
            numbers.entry(word).or_insert(next);
        }
        let numbered =
            |words: &[&str]| -> Vec<usize> { words.iter().filter_map(|word| numbers.get(word).copied()).collect() };
        Some((numbered(old), numbered(new)))
    };
    numbered().and_then(|(old, new)| shortest(&old, &new, effort)).unwrap_or_else(|| {
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
        effort.n_steps = effort.n_steps.checked_sub(n_changes)?;
        rounds.push(furthest.clone());
        for diagonal in (zero - n_changes..=zero + n_changes).step_by(2) {
            let mut x = match came_from(&furthest, diagonal, zero, n_changes) {
                None => 0,
                Some(from) if from > diagonal => at(&furthest, from),
                Some(from) => at(&furthest, from) + 1,
            };
            let Some(mut y) = (x + zero).checked_sub(diagonal) else { continue };
            let start = x;
            while let (Some(old), Some(new)) = (old.get(x), new.get(y))
                && old == new
            {
                x += 1;
                y += 1;
            }
            effort.n_steps = effort.n_steps.checked_sub(x - start)?;
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
        let mut effort = Effort { n_steps: 4, ..Effort::default() };

        let first = spans("a b c", "a x c", &mut effort);
        let second = spans("a b c", "a x c d e", &mut effort);

        let kinds = |spans: &[TextSpan]| spans.iter().map(|span| span.kind).collect::<Vec<_>>();
        assert_eq!(kinds(&first), [SpanKind::Equal, SpanKind::Deleted, SpanKind::Inserted, SpanKind::Equal]);
        assert_eq!(kinds(&second), [SpanKind::Equal, SpanKind::Deleted, SpanKind::Inserted]);
    }

    #[test]
    fn a_text_as_long_as_a_book_is_compared_from_its_first_change_to_its_last() {
        let long = "word ".repeat(400_000);
        let (old, new) = (format!("{long}old {long}end"), format!("{long}new {long}end"));

        let near = spans(&old, &new, &mut Effort::default());
        let far = spans(&format!("a {old} a"), &format!("b {new} b"), &mut Effort::default());

        let said = |spans: &[TextSpan]| spans.iter().map(|span| (span.kind, span.text.len())).collect::<Vec<_>>();
        let equal = SpanKind::Equal;
        assert_eq!(
            said(&near),
            [(equal, long.len()), (SpanKind::Deleted, 3), (SpanKind::Inserted, 3), (equal, long.len() + 4)]
        );
        assert_eq!(said(&far), [(SpanKind::Deleted, old.len() + 4), (SpanKind::Inserted, new.len() + 4)]);
    }

    proptest! {
        #[test]
        fn words_are_those_of_unicode(text in "([a-z0-9]|[a .,'_\\-\u{300}\u{200d}\u{a0}é中א🇩🇪\n]){0,20}") {
            prop_assert_eq!(words(&text), text.split_word_bounds().collect::<Vec<_>>());
        }

        #[test]
        fn what_both_texts_start_and_end_with_does_not_cut_words(
            old in "[ab .é]{0,12}", new in "[ab .é]{0,12}", around in "[ab .\u{300}]{0,8}",
        ) {
            let (old, new) = (format!("{around}{old}{around}"), format!("{around}{new}{around}"));

            let (before, old_part, new_part, after) = apart(&old, &new);

            for (text, part) in [(&old, old_part), (&new, new_part)] {
                let pieces: Vec<&str> = [before, part, after].iter().flat_map(|part| part.split_word_bounds()).collect();
                prop_assert_eq!(pieces, text.split_word_bounds().collect::<Vec<_>>());
            }
        }

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
