//! Merging two bodies that were made from one: what either side did is done, as long as they did not do it to the same block.
//!
//! What blocks say is merged by id: who alone changed or removed a block is followed. Where they stand is merged as by
//! diff3: the blocks that neither side moved are the frame, and what either side added or moved is put into the gaps.
//! Where both add to one gap, what is there already comes first. Nothing is lost in silence: what cannot be merged is a
//! conflict.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::block::Block;
use crate::body::diff::{moved, places};
use crate::body::id::BlockId;
use crate::body::{Body, MAX_BLOCKS, unique};

/// Why a block could not be merged: `content` (both sides changed what it says, or one removed what the other changed),
/// `place` (both put it somewhere else).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConflictReason {
    /// Both sides changed what it says, or one removed what the other changed.
    Content,
    /// Both sides put it somewhere else.
    Place,
}

/// A block that two sides changed in different ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockConflict {
    /// The block's id.
    #[schema(value_type = String, example = "b0m3kq9v7dt")]
    pub id: BlockId,
    /// Why it could not be merged.
    pub reason: ConflictReason,
    /// The block in the revision that you started from; null if it was not there.
    #[schema(required = true, value_type = Option<Block>)]
    pub base: Option<Block>,
    /// The block as you sent it; null if you removed it.
    #[schema(required = true, value_type = Option<Block>)]
    pub yours: Option<Block>,
    /// The block as it is now; null if somebody removed it.
    #[schema(required = true, value_type = Option<Block>)]
    pub theirs: Option<Block>,
}

/// One of the three bodies, by id.
struct Side<'b> {
    blocks: &'b [Block],
    by_id: HashMap<&'b BlockId, &'b Block>,
    /// The blocks that do not stand where they stood in the base.
    moved: HashSet<&'b BlockId>,
}

impl<'b> Side<'b> {
    fn new(body: &'b Body, base: &HashMap<&BlockId, usize>) -> Self {
        let blocks = body.blocks();
        let by_id = blocks.iter().map(|block| (block.id(), block)).collect();
        Self { blocks, by_id, moved: moved(base, blocks) }
    }

    fn get(&self, id: &BlockId) -> Option<&'b Block> {
        self.by_id.get(id).copied()
    }

    /// The ids between the blocks of the frame, gap by gap.
    fn gaps(&self, frame: &HashSet<&BlockId>) -> Vec<Vec<&'b BlockId>> {
        let mut gaps = vec![Vec::new()];
        for id in self.blocks.iter().map(Block::id) {
            if frame.contains(id) {
                gaps.push(Vec::new());
            } else if let Some(gap) = gaps.last_mut() {
                gap.push(id);
            }
        }
        gaps
    }
}

impl Body {
    /// Merges what became of this body on two sides.
    ///
    /// # Errors
    /// All blocks that both sides changed in different ways; none when the body would just have too many blocks.
    pub fn merge(&self, yours: &Self, theirs: &Self) -> Result<Self, Vec<BlockConflict>> {
        if yours == theirs || theirs == self {
            return Ok(yours.clone());
        }
        if yours == self {
            return Ok(theirs.clone());
        }
        let base_places = places(self.blocks());
        let merge = Merge {
            base: Side::new(self, &base_places),
            yours: Side::new(yours, &base_places),
            theirs: Side::new(theirs, &base_places),
        };
        let said = merge.contents();
        let order = merge.order();
        let (said, order) = match (said, order) {
            (Ok(said), Ok(order)) => (said, order),
            (said, order) => {
                let mut conflicts = said.err().unwrap_or_default();
                let known: HashSet<BlockId> = conflicts.iter().map(|conflict| conflict.id.clone()).collect();
                conflicts.extend(order.err().unwrap_or_default().into_iter().filter(|more| !known.contains(&more.id)));
                return Err(conflicts);
            }
        };
        let mut blocks: Vec<Block> = order.into_iter().filter_map(|id| said.get(id).copied().cloned()).collect();
        if blocks.len() > MAX_BLOCKS {
            return Err(Vec::new());
        }
        unique::make_unique(&mut blocks);
        Ok(Self(blocks))
    }
}

struct Merge<'b> {
    base: Side<'b>,
    yours: Side<'b>,
    theirs: Side<'b>,
}

impl<'b> Merge<'b> {
    /// Decides what each block says; a block that is not in the result was removed.
    fn contents(&self) -> Result<HashMap<&'b BlockId, &'b Block>, Vec<BlockConflict>> {
        let (mut said, mut conflicts, mut done) = (HashMap::new(), Vec::new(), HashSet::new());
        let sides = [&self.base, &self.theirs, &self.yours];
        for id in sides.into_iter().flat_map(|side| side.blocks).map(Block::id).filter(|id| done.insert(*id)) {
            let [base, theirs, yours] = sides.map(|side| side.get(id));
            let merged = if yours == theirs || theirs == base {
                yours
            } else if yours == base {
                theirs
            } else {
                conflicts.push(self.conflict(id, ConflictReason::Content));
                continue;
            };
            if let Some(block) = merged {
                said.insert(id, block);
            }
        }
        if conflicts.is_empty() { Ok(said) } else { Err(conflicts) }
    }

    /// Decides in which order the blocks stand; those that were removed may be among them.
    fn order(&self) -> Result<Vec<&'b BlockId>, Vec<BlockConflict>> {
        let frame: Vec<&BlockId> = self.base.blocks.iter().map(Block::id).filter(|id| self.is_frame(id)).collect();
        let is_frame: HashSet<&BlockId> = frame.iter().copied().collect();
        let (theirs, yours) = (self.theirs.gaps(&is_frame), self.yours.gaps(&is_frame));
        let (mut order, mut conflicts) = (Vec::new(), Vec::new());
        let their_gaps: HashMap<&BlockId, usize> = self.placed_in(&self.theirs, &theirs).collect();
        let mut ends = frame.into_iter();
        for (number, (theirs, yours)) in theirs.iter().zip(&yours).enumerate() {
            order.extend(theirs.iter().copied().filter(|id| self.places(&self.theirs, id)));
            for id in yours.iter().copied().filter(|id| self.places(&self.yours, id)) {
                match their_gaps.get(id) {
                    None => order.push(id),
                    Some(gap) if *gap == number => {}
                    Some(_) => conflicts.push(self.conflict(id, ConflictReason::Place)),
                }
            }
            order.extend(ends.next());
        }
        if conflicts.is_empty() { Ok(order) } else { Err(conflicts) }
    }

    fn placed_in<'s>(
        &'s self,
        side: &'s Side<'b>,
        gaps: &'s [Vec<&'b BlockId>],
    ) -> impl Iterator<Item = (&'b BlockId, usize)> + 's {
        let numbered = gaps.iter().enumerate().flat_map(|(number, gap)| gap.iter().map(move |id| (*id, number)));
        numbered.filter(|(id, _)| self.places(side, id))
    }

    /// Whether the block stands where it stood on both sides.
    fn is_frame(&self, id: &BlockId) -> bool {
        [&self.yours, &self.theirs].iter().all(|side| side.by_id.contains_key(id) && !side.moved.contains(id))
    }

    /// Whether a side has put the block where it stands there.
    fn places(&self, side: &Side<'b>, id: &BlockId) -> bool {
        !self.base.by_id.contains_key(id) || side.moved.contains(id)
    }

    fn conflict(&self, id: &BlockId, reason: ConflictReason) -> BlockConflict {
        let [base, yours, theirs] = [&self.base, &self.yours, &self.theirs].map(|side| side.get(id).cloned());
        BlockConflict { id: id.clone(), reason, base, yours, theirs }
    }
}
