//! Keeping the ids of blocks when a body comes without them, as HTML or Markdown: a block that was edited stays the same
//! block for a diff, a merge or a correction that points at it.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use crate::body::block::Block;
use crate::body::id::BlockId;
use crate::body::{Body, unique};

/// The most pairs of blocks that are compared between two neighbors; what was rewritten at that length is new.
const MOST_PAIRS: usize = 2_500;

/// The most in a whole body, where many blocks have moved and the same old ones stand between many neighbors.
const MOST_PAIRS_IN_ALL: usize = 10_000;

/// The most words of a block that are compared with another's.
const MOST_WORDS: usize = 200;

/// From how many percent of common words on two blocks are taken for one that was edited.
const ALIKE_PERCENT: usize = 30;

impl Body {
    /// Returns this body with the ids of an older one, as far as its blocks are those of the older one: they say the same,
    /// or they stand in their place between the same neighbors and are of the same type.
    #[must_use]
    pub fn adopt_ids(self, old: &Self) -> Self {
        let (contents, old_contents) = (contents(self.blocks()), contents(old.blocks()));
        let mut origins = same_blocks(&contents, &old_contents);
        pair_edited(self.blocks(), old.blocks(), &mut origins);
        let mut taken: HashSet<BlockId> =
            origins.iter().flatten().filter_map(|place| old.blocks().get(*place)).map(|old| old.id().clone()).collect();
        let mut blocks = self.0;
        for ((block, content), origin) in blocks.iter_mut().zip(contents).zip(origins) {
            match origin.and_then(|place| Some((old.blocks().get(place)?, old_contents.get(place)?))) {
                Some((old, old_content)) if *old_content == content => *block = old.clone(),
                Some((old, _)) => unique::rename(block, old.id().clone()),
                None if taken.insert(block.id().clone()) => {}
                None => unique::rename(block, BlockId::missing()),
            }
        }
        unique::make_unique(&mut blocks);
        Self(blocks)
    }
}

/// Returns for each block the place of an old one that says the same.
fn same_blocks(new: &[String], old: &[String]) -> Vec<Option<usize>> {
    let mut places: HashMap<&str, VecDeque<usize>> = HashMap::new();
    for (place, content) in old.iter().enumerate() {
        places.entry(content).or_default().push_back(place);
    }
    new.iter().map(|content| places.get_mut(content.as_str()).and_then(VecDeque::pop_front)).collect()
}

fn contents(blocks: &[Block]) -> Vec<String> {
    blocks.iter().map(content).collect()
}

/// What a block says, without ids.
fn content(block: &Block) -> String {
    fn strip(value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(strip),
            Value::Object(members) => {
                // What has an id and no type is not a block; its id may be what a text refers to.
                if members.contains_key("type") {
                    members.shift_remove("id");
                }
                members.values_mut().for_each(strip);
            }
            _ => {}
        }
    }
    let mut value = serde_json::to_value(block).unwrap_or_default();
    strip(&mut value);
    value.to_string()
}

/// Finds for the blocks between two known neighbors the old ones that they were made of.
fn pair_edited(new: &[Block], old: &[Block], origins: &mut [Option<usize>]) {
    let used: HashSet<usize> = origins.iter().flatten().copied().collect();
    let mut unused: BTreeSet<usize> = (0..old.len()).filter(|place| !used.contains(place)).collect();
    let mut n_pairs_left = MOST_PAIRS_IN_ALL;
    let mut start = 0;
    // The place in the old body after which the run's blocks stood.
    let mut from = 0;
    for end in 0..=new.len() {
        let known = origins.get(end).copied().flatten();
        if end < new.len() && known.is_none() {
            continue;
        }
        let until = known.unwrap_or(old.len());
        if start < end && from <= until {
            let run: Vec<usize> = (start..end).collect();
            let most = MOST_PAIRS.min(n_pairs_left).checked_div(run.len()).unwrap_or(0).max(run.len());
            let replaced: Vec<usize> = unused.range(from..until).copied().take(most.saturating_add(1)).collect();
            for (at, place) in pairs(new, &run, old, &replaced, &mut n_pairs_left) {
                unused.remove(&place);
                if let Some(origin) = origins.get_mut(at) {
                    *origin = Some(place);
                }
            }
        }
        start = end + 1;
        from = until.saturating_add(1);
    }
}

/// Pairs blocks of two runs in order: one by one when they are equally many, otherwise those that are most alike.
fn pairs(
    new: &[Block],
    run: &[usize],
    old: &[Block],
    replaced: &[usize],
    n_pairs_left: &mut usize,
) -> Vec<(usize, usize)> {
    let is_same_type = |at: usize, place: usize| match (new.get(at), old.get(place)) {
        (Some(new), Some(old)) => std::mem::discriminant(new) == std::mem::discriminant(old),
        _ => false,
    };
    if run.len() == replaced.len() {
        let pairs = run.iter().copied().zip(replaced.iter().copied());
        return pairs.filter(|(at, place)| is_same_type(*at, *place)).collect();
    }
    let n_pairs = run.len().saturating_mul(replaced.len());
    let is_much = n_pairs > MOST_PAIRS.min(*n_pairs_left);
    // Looking at them has its price too.
    *n_pairs_left = n_pairs_left.saturating_sub(n_pairs.min(MOST_PAIRS));
    if is_much {
        return Vec::new();
    }
    let texts = |blocks: &[Block], places: &[usize]| -> Vec<String> {
        places.iter().map(|place| blocks.get(*place).map(Block::text).unwrap_or_default()).collect()
    };
    let (new_texts, old_texts) = (texts(new, run), texts(old, replaced));
    let (new_words, old_words) = (word_sets(&new_texts), word_sets(&old_texts));
    let likeness = |row: usize, column: usize| {
        let (Some(at), Some(place)) = (run.get(row), replaced.get(column)) else { return 0 };
        let (Some(new), Some(old)) = (new_words.get(row), old_words.get(column)) else { return 0 };
        if is_same_type(*at, *place) { alike(new, old) } else { 0 }
    };
    let found = best_pairs(run.len(), replaced.len(), likeness);
    found.into_iter().filter_map(|(row, column)| Some((*run.get(row)?, *replaced.get(column)?))).collect()
}

fn word_sets(texts: &[String]) -> Vec<HashSet<&str>> {
    texts.iter().map(|text| text.unicode_words().take(MOST_WORDS).collect()).collect()
}

/// Returns how many percent of their words two blocks share; 0 for too few.
fn alike(new: &HashSet<&str>, old: &HashSet<&str>) -> usize {
    let n_common = new.intersection(old).count();
    let percent = (200 * n_common).checked_div(new.len() + old.len()).unwrap_or(0);
    if percent < ALIKE_PERCENT { 0 } else { percent }
}

/// Returns the pairs of rows and columns, both ascending, whose likenesses have the greatest sum.
fn best_pairs(n_rows: usize, n_columns: usize, likeness: impl Fn(usize, usize) -> usize) -> Vec<(usize, usize)> {
    let mut table = vec![vec![0_usize; n_columns + 1]; n_rows + 1];
    let cell = |table: &[Vec<usize>], row: usize, column: usize| {
        table.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0)
    };
    for row in 1..=n_rows {
        for column in 1..=n_columns {
            let without = cell(&table, row - 1, column).max(cell(&table, row, column - 1));
            let gain = likeness(row - 1, column - 1);
            let with = if gain > 0 { cell(&table, row - 1, column - 1) + gain } else { 0 };
            if let Some(place) = table.get_mut(row).and_then(|row| row.get_mut(column)) {
                *place = without.max(with);
            }
        }
    }
    let (mut row, mut column, mut pairs) = (n_rows, n_columns, Vec::new());
    while row > 0 && column > 0 {
        let here = cell(&table, row, column);
        if here == cell(&table, row - 1, column) {
            row -= 1;
        } else if here == cell(&table, row, column - 1) {
            column -= 1;
        } else {
            (row, column) = (row - 1, column - 1);
            pairs.push((row, column));
        }
    }
    pairs
}
