//! What changed between two bodies, block by block: added, removed, moved, changed, by the blocks' ids.
//!
//! The time grows with the text and, but for a logarithm, with the number of blocks. Applying the changes in their order
//! to the old body gives the new one; see `tests::diff`.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::body::block::Block;
use crate::body::id::BlockId;
use crate::body::words::{self, Effort, TextSpan};

/// What happened to a block: `added`, `removed`, `moved` (it stands elsewhere among the others), `changed` (it says
/// something else, or says it otherwise).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It stands elsewhere.
    Moved,
    /// It says something else.
    Changed,
}

/// What happened to one block of a body. A block that was moved and changed has two entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "change": "changed", "id": "b0m3kq9v7dt", "after": null,
    "from": {
        "type": "paragraph", "id": "b0m3kq9v7dt",
        "content": [{"type": "text", "text": "The talks resumed on Monday.", "marks": []}]
    },
    "to": {
        "type": "paragraph", "id": "b0m3kq9v7dt",
        "content": [{"type": "text", "text": "The talks resumed on Tuesday.", "marks": []}]
    },
    "text": [
        {"kind": "equal", "text": "The talks resumed on "},
        {"kind": "deleted", "text": "Monday"},
        {"kind": "inserted", "text": "Tuesday"},
        {"kind": "equal", "text": "."}
    ]
}))]
pub struct BlockChange {
    /// What happened to the block.
    pub change: BlockChangeKind,
    /// The block's id.
    #[schema(value_type = String, example = "b0m3kq9v7dt")]
    pub id: BlockId,
    /// For what was added or moved: the block that now stands before it; null for the beginning of the body.
    #[schema(required = true, value_type = Option<String>, example = "background")]
    pub after: Option<BlockId>,
    /// The block as it was; null for what was added or moved.
    #[schema(required = true, value_type = Option<Block>)]
    pub from: Option<Block>,
    /// The block as it is; null for what was removed or moved.
    #[schema(required = true, value_type = Option<Block>)]
    pub to: Option<Block>,
    /// For what was changed: its plain text, word by word. All of it is `equal` when only marks, links or the like changed.
    /// Empty otherwise.
    pub text: Vec<TextSpan>,
}

impl BlockChange {
    fn new(change: BlockChangeKind, id: &BlockId) -> Self {
        Self { change, id: id.clone(), after: None, from: None, to: None, text: Vec::new() }
    }
}

impl Body {
    /// Returns what leads from this body to another: first what was removed, then the rest in the order of the new body.
    pub fn diff(&self, new: &Self) -> Vec<BlockChange> {
        let old_places = places(self.blocks());
        let new_ids: HashSet<&BlockId> = new.blocks().iter().map(Block::id).collect();
        let removed = self.blocks().iter().filter(|block| !new_ids.contains(block.id())).map(|block| BlockChange {
            from: Some(block.clone()),
            ..BlockChange::new(BlockChangeKind::Removed, block.id())
        });
        let mut changes: Vec<BlockChange> = removed.collect();
        let moved = moved(&old_places, new.blocks());
        let mut before: Option<&BlockId> = None;
        let mut effort = Effort::default();
        for block in new.blocks() {
            let id = block.id();
            match old_places.get(id).and_then(|place| self.blocks().get(*place)) {
                None => changes.push(BlockChange {
                    after: before.cloned(),
                    to: Some(block.clone()),
                    ..BlockChange::new(BlockChangeKind::Added, id)
                }),
                Some(old) => {
                    if moved.contains(id) {
                        let moved = BlockChange::new(BlockChangeKind::Moved, id);
                        changes.push(BlockChange { after: before.cloned(), ..moved });
                    }
                    if old != block {
                        changes.push(BlockChange {
                            from: Some(old.clone()),
                            to: Some(block.clone()),
                            text: words::spans(&old.text(), &block.text(), &mut effort),
                            ..BlockChange::new(BlockChangeKind::Changed, id)
                        });
                    }
                }
            }
            before = Some(id);
        }
        changes
    }
}

/// Returns where each block stands.
pub(super) fn places(blocks: &[Block]) -> HashMap<&BlockId, usize> {
    blocks.iter().enumerate().map(|(place, block)| (block.id(), place)).collect()
}

/// Returns the ids of the blocks that do not stand among the others as they did before; as few as possible.
pub(super) fn moved<'b>(old_places: &HashMap<&BlockId, usize>, new: &'b [Block]) -> HashSet<&'b BlockId> {
    let common: Vec<(&BlockId, usize)> =
        new.iter().filter_map(|block| Some((block.id(), *old_places.get(block.id())?))).collect();
    let old_places: Vec<usize> = common.iter().map(|(_, place)| *place).collect();
    let stays = longest_ascent(&old_places);
    common.iter().zip(stays).filter(|(_, stays)| !stays).map(|((id, _), _)| *id).collect()
}

/// Returns which of some different numbers belong to a longest ascending series of them, by patience sorting.
fn longest_ascent(numbers: &[usize]) -> Vec<bool> {
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(numbers.len());
    for (index, number) in numbers.iter().enumerate() {
        let length = ends.partition_point(|end| numbers.get(*end).is_some_and(|end| end < number));
        before.push(length.checked_sub(1).and_then(|shorter| ends.get(shorter).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = index,
            None => ends.push(index),
        }
    }
    let mut belongs = vec![false; numbers.len()];
    let mut next = ends.last().copied();
    while let Some(index) = next {
        if let Some(flag) = belongs.get_mut(index) {
            *flag = true;
        }
        next = before.get(index).copied().flatten();
    }
    belongs
}
