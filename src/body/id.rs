//! Block ids: what clients may give, and how missing ones are made.
//!
//! An id is made from what the block says alone (a picture's from its address, a divider's from the block before it),
//! so that a body that is sent again as HTML keeps the ids of the blocks that did not change, wherever they move.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::body::block::{Block, BlockView, DetailsPart, ImageView, NotePart, QuotePart};

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

/// The name of a footnote in its body: 1 to 64 ASCII letters, digits, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FootnoteId(String);

impl FootnoteId {
    /// Reads a name, if the text is one.
    pub fn parse(text: &str) -> Option<Self> {
        BlockId::parse(text).map(|id| Self(id.0))
    }

    /// Stands for a name where none can be made, which does not happen.
    pub(super) fn fallback() -> Self {
        Self("note".to_owned())
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FootnoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Gives every block without an id one that no other block has.
pub(super) fn fill_missing(blocks: &mut [Block]) {
    let mut maker = Maker::default();
    for block in &*blocks {
        maker.reserve_all(block.view());
    }
    let mut before = String::new();
    for block in blocks {
        maker.fill(block, &before);
        before = seed(block.view(), "");
    }
}

/// Calls `visit` for the id of everything inside a block that has one.
pub(super) fn visit_inner(block: &mut Block, visit: &mut dyn FnMut(&mut BlockId)) {
    match block {
        Block::Quote(quote) => quote.content.iter_mut().for_each(|part| visit(part.id_mut())),
        Block::Note(note) => note.content.iter_mut().for_each(|part| visit(part.id_mut())),
        Block::Details(details) => {
            for part in &mut details.content {
                visit(part.id_mut());
                if let DetailsPart::Quote(quote) = part {
                    quote.content.iter_mut().for_each(|part| visit(part.id_mut()));
                }
            }
        }
        Block::Gallery(gallery) => gallery.images.iter_mut().for_each(|image| visit(&mut image.id)),
        _ => {}
    }
}

/// Returns what a block's id is made from.
fn seed(block: BlockView<'_>, before: &str) -> String {
    match block {
        BlockView::Image(image) => address(image.view()),
        BlockView::Gallery(gallery) => {
            let images: Vec<String> = gallery.images.iter().map(|image| address(image.view())).collect();
            format!("gallery {}", images.join(" "))
        }
        BlockView::Embed(embed) => format!("embed {}", embed.url.as_str()),
        BlockView::RelatedArticle(related) => format!("article {}", related.article),
        BlockView::Divider(_) => format!("divider {before}"),
        BlockView::Footnotes(_) => "footnotes".to_owned(),
        block => block.text(),
    }
}

fn address(image: ImageView<'_>) -> String {
    match (image.media, image.url) {
        (Some(media), _) => format!("image {media}"),
        (None, url) => format!("image {}", url.map(|url| url.as_str()).unwrap_or_default()),
    }
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

    /// Reserves the ids of a block and of those inside it; the types bound the recursion.
    fn reserve_all(&mut self, block: BlockView<'_>) {
        self.reserve(block.id());
        if let BlockView::Gallery(gallery) = block {
            gallery.images.iter().for_each(|image| self.reserve(&image.id));
        }
        block.parts().into_iter().for_each(|part| self.reserve_all(part));
    }

    fn fill(&mut self, block: &mut Block, before: &str) {
        if block.id().is_missing() {
            *block.id_mut() = self.make(&seed(block.view(), before));
        }
        match block {
            Block::Quote(quote) => self.fill_quote(&mut quote.content),
            Block::Note(note) => {
                for part in &mut note.content {
                    let seed = NotePart::view(part).text();
                    self.fill_one(part.id_mut(), &seed);
                }
            }
            Block::Details(details) => {
                for part in &mut details.content {
                    let seed = seed(DetailsPart::view(part), "");
                    self.fill_one(part.id_mut(), &seed);
                    if let DetailsPart::Quote(quote) = part {
                        self.fill_quote(&mut quote.content);
                    }
                }
            }
            Block::Gallery(gallery) => {
                for image in &mut gallery.images {
                    let seed = address(image.view());
                    self.fill_one(&mut image.id, &seed);
                }
            }
            _ => {}
        }
    }

    fn fill_quote(&mut self, parts: &mut [QuotePart]) {
        for part in parts {
            let seed = QuotePart::view(part).text();
            self.fill_one(part.id_mut(), &seed);
        }
    }

    fn fill_one(&mut self, id: &mut BlockId, seed: &str) {
        if id.is_missing() {
            *id = self.make(seed);
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
