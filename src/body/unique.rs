//! Keeping ids unique when blocks of several bodies come together.
//!
//! The only place, with `id`, that knows which blocks have blocks inside.

use std::collections::HashSet;

use crate::body::block::Block;
use crate::body::id::{self, BlockId};

/// Gives a block another id.
pub(super) fn rename(block: &mut Block, id: BlockId) {
    *block.id_mut() = id;
}

/// Gives new ids to those blocks inside others whose ids something else has; the ids of the blocks themselves must be
/// unique, or missing.
pub(super) fn make_unique(blocks: &mut [Block]) {
    let mut taken: HashSet<BlockId> = blocks.iter().map(|block| block.id().clone()).collect();
    for block in &mut *blocks {
        id::visit_inner(block, &mut |id| {
            if !taken.insert(id.clone()) {
                *id = BlockId::missing();
            }
        });
    }
    id::fill_missing(blocks);
}
