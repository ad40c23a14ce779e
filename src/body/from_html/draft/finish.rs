//! Making blocks of what was collected, and bringing their number within bounds.

use crate::body::MAX_BLOCKS;
use crate::body::block::{
    Block, BlockView, DetailsBlock, DetailsPart, NoteBlock, NoteKind, NotePart, ParagraphBlock, QuoteBlock, QuotePart,
};
use crate::body::content::content;
use crate::body::flow::{Flow, Line, Look};
use crate::body::from_html::draft::Draft;
use crate::body::from_html::draft::context::QuoteDraft;
use crate::body::id::BlockId;
use crate::body::inline::Inline;

impl Draft {
    /// Returns whether there are more blocks than can be kept, so that it is pointless to make others.
    pub(in crate::body::from_html) fn is_full(&self) -> bool {
        self.n_blocks > MAX_BLOCKS
    }

    /// Returns how many blocks the body has so far.
    pub(in crate::body::from_html) fn n_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Returns the blocks, and whether the last ones had to be joined.
    pub(in crate::body::from_html) fn finish(mut self) -> (Vec<Block>, bool) {
        while !self.stack.is_empty() {
            self.close();
        }
        self.flush();
        let n_kept = n_kept(&self.blocks, !self.overflow.is_empty());
        let is_merged = n_kept < self.blocks.len() || !self.overflow.is_empty();
        if is_merged {
            let tail = self.blocks.split_off(n_kept);
            let mut lines = lines_of(&tail);
            lines.append(&mut self.overflow);
            self.blocks.extend((!lines.is_empty()).then(|| Block::Paragraph(paragraph(lines))));
        }
        self.settle_notes();
        (self.blocks, is_merged)
    }
}

pub(super) fn paragraph(lines: Vec<Line>) -> ParagraphBlock {
    ParagraphBlock { id: BlockId::missing(), content: content(lines) }
}

pub(super) fn quote_block(mut quote: QuoteDraft) -> Option<Block> {
    if quote.parts.is_empty() && !quote.citation.is_empty() {
        quote.parts.push(Block::Paragraph(paragraph(std::mem::take(&mut quote.citation))));
    }
    let content_of = |block: Block| match block {
        Block::Paragraph(block) => Some(QuotePart::Paragraph(block)),
        Block::List(block) => Some(QuotePart::List(block)),
        _ => None,
    };
    let parts: Vec<QuotePart> = quote.parts.into_iter().filter_map(content_of).collect();
    let citation = Some(content(quote.citation)).filter(|citation| !citation.is_empty());
    (!parts.is_empty()).then(|| Block::Quote(QuoteBlock { id: BlockId::missing(), content: parts, citation }))
}

pub(super) fn note_block(kind: NoteKind, parts: Vec<Block>) -> Option<Block> {
    let content_of = |block: Block| match block {
        Block::Paragraph(block) => Some(NotePart::Paragraph(block)),
        Block::List(block) => Some(NotePart::List(block)),
        _ => None,
    };
    let content: Vec<NotePart> = parts.into_iter().filter_map(content_of).collect();
    (!content.is_empty()).then(|| Block::Note(NoteBlock { id: BlockId::missing(), kind, content }))
}

pub(super) fn details_block(summary: Vec<Inline>, parts: Vec<Block>) -> Block {
    let content = parts.into_iter().filter_map(details_part).collect();
    Block::Details(DetailsBlock { id: BlockId::missing(), summary, content })
}

/// Returns whether the block may be a part of details.
pub(super) fn fits_details(block: &Block) -> bool {
    matches!(
        block,
        Block::Paragraph(_)
            | Block::Heading(_)
            | Block::List(_)
            | Block::Quote(_)
            | Block::Image(_)
            | Block::Embed(_)
            | Block::Table(_)
            | Block::Code(_)
            | Block::Preformatted(_)
    )
}

fn details_part(block: Block) -> Option<DetailsPart> {
    match block {
        Block::Paragraph(block) => Some(DetailsPart::Paragraph(block)),
        Block::Heading(block) => Some(DetailsPart::Heading(block)),
        Block::List(block) => Some(DetailsPart::List(block)),
        Block::Quote(block) => Some(DetailsPart::Quote(block)),
        Block::Image(block) => Some(DetailsPart::Image(block)),
        Block::Embed(block) => Some(DetailsPart::Embed(block)),
        Block::Table(block) => Some(DetailsPart::Table(block)),
        Block::Code(block) => Some(DetailsPart::Code(block)),
        Block::Preformatted(block) => Some(DetailsPart::Preformatted(block)),
        _ => None,
    }
}

/// Returns how many blocks stay as they are: all, or so many that the rest can be one paragraph.
fn n_kept(blocks: &[Block], has_more: bool) -> usize {
    let mut n_total = 0_usize;
    let mut n_kept = 0_usize;
    for block in blocks {
        n_total = n_total.saturating_add(count(block.view()));
        if n_total < MAX_BLOCKS {
            n_kept = n_kept.saturating_add(1);
        }
    }
    if n_total.saturating_add(usize::from(has_more)) <= MAX_BLOCKS { blocks.len() } else { n_kept }
}

/// Counts a block and those inside it; the types bound the recursion.
fn count(block: BlockView<'_>) -> usize {
    let n_inside = match block {
        BlockView::Gallery(gallery) => gallery.images.len(),
        block => block.parts().into_iter().map(count).sum(),
    };
    n_inside.saturating_add(1)
}

/// Returns the text of blocks, a line each.
pub(super) fn lines_of(blocks: &[Block]) -> Vec<Line> {
    let mut flow = Flow::default();
    for block in blocks {
        push_block(&mut flow, block.view());
    }
    flow.into_lines()
}

fn push_block(flow: &mut Flow, block: BlockView<'_>) {
    match block {
        BlockView::Code(_) | BlockView::Preformatted(_) => {
            for line in block.text().split('\n') {
                flow.push_text(line, &Look::default(), None);
                flow.push_break();
            }
        }
        BlockView::Details(details) => {
            flow.push_content(&details.summary);
            block.parts().into_iter().for_each(|part| push_block(flow, part));
        }
        block => block.visit_contents(&mut |content| flow.push_content(content)),
    }
}
