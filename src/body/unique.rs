//! Keeping ids unique when blocks of several bodies come together.
//!
//! The only place, with `id`, that knows which blocks have blocks inside.

use std::collections::HashSet;

use crate::body::block::{Block, QuotePart};
use crate::body::id::{self, BlockId};

/// Gives a block another id.
pub(super) fn rename(block: &mut Block, id: BlockId) {
    block.set_id(id);
}

/// Gives new ids to those blocks inside others whose ids something else has; the ids of the blocks themselves must be
/// unique, or missing.
pub(super) fn make_unique(blocks: &mut [Block]) {
    let mut taken: HashSet<BlockId> = blocks.iter().map(|block| block.id().clone()).collect();
    for block in &mut *blocks {
        let Block::Quote(quote) = block else { continue };
        for QuotePart::Paragraph(paragraph) in &mut quote.content {
            if !taken.insert(paragraph.id.clone()) {
                paragraph.id = BlockId::missing();
            }
        }
    }
    id::fill_missing(blocks);
}
