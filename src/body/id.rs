//! Block ids: what clients may give, and how missing ones are made.
//!
//! An id is made from the block's text alone, so that a body that is sent again as HTML keeps the ids of the blocks that
//! did not change, wherever they move.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::body::block::{Block, QuotePart};

/// The id of a block: 1 to 64 ASCII letters, digits, `_` and `-`, unique in its body.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlockId(String);

impl BlockId {
    /// The longest id, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Reads an id, if the text is one.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let is_id = !text.is_empty() && text.len() <= Self::MAX_CHARS && text.bytes().all(allowed);
        is_id.then(|| Self(text.to_owned()))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Stands for an id that `fill_missing` is to make.
    pub(super) const fn missing() -> Self {
        Self(String::new())
    }

    fn is_missing(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Gives every block without an id one that no other block has.
pub(super) fn fill_missing(blocks: &mut [Block]) {
    let mut maker = Maker::default();
    for block in &*blocks {
        maker.reserve(block.id());
        for paragraph in quoted(block) {
            maker.reserve(paragraph);
        }
    }
    for block in blocks {
        if block.id().is_missing() {
            let id = maker.make(&block.text());
            block.set_id(id);
        }
        let Block::Quote(quote) = block else { continue };
        for part in &mut quote.content {
            let QuotePart::Paragraph(paragraph) = part;
            if paragraph.id.is_missing() {
                paragraph.id = maker.make(&paragraph.text());
            }
        }
    }
}

fn quoted(block: &Block) -> impl Iterator<Item = &BlockId> {
    let parts = match block {
        Block::Quote(quote) => quote.content.as_slice(),
        _ => &[],
    };
    parts.iter().map(|QuotePart::Paragraph(paragraph)| &paragraph.id)
}

#[derive(Default)]
struct Maker {
    taken: HashSet<String>,
    /// The last number that was tried for a text that occurs several times; keeps thousands of equal blocks linear.
    numbers: HashMap<String, u32>,
}

impl Maker {
    fn reserve(&mut self, id: &BlockId) {
        if !id.is_missing() {
            self.taken.insert(id.0.clone());
        }
    }

    fn make(&mut self, text: &str) -> BlockId {
        let stem = digest(text);
        if self.taken.insert(stem.clone()) {
            return BlockId(stem);
        }
        let number = self.numbers.entry(stem.clone()).or_insert(1);
        loop {
            *number = number.saturating_add(1);
            let id = format!("{stem}-{number}");
            if self.taken.insert(id.clone()) {
                return BlockId(id);
            }
        }
    }
}

/// Returns `b` and ten digits to base 32: FNV-1a, which unlike the standard library's hasher is the same in every build.
fn digest(text: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // FNV's low bits mix poorly for short texts; a final round spreads them.
    hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let digits = (1..=10_u32).filter_map(|n| {
        let five_bits = u32::try_from((hash >> (64 - 5 * n)) & 31).ok()?;
        char::from_digit(five_bits, 32)
    });
    std::iter::once('b').chain(digits).collect()
}
