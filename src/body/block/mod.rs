//! The blocks: one type each, joined in the union `Block`, and in smaller unions for what may stand inside a block.
//!
//! To add one: a struct in a file here, a variant in each union that may hold it and in `BlockView`, its line in
//! `schema`, and the compiler names the rest (reading from JSON in `input`, writing in `to_html` and `text`).
//! `BlockView` is what writers match on, so that they need not tell the unions apart.

mod media;
mod table;
mod text;

use serde::{Deserialize, Serialize};

use crate::body::id::BlockId;
use crate::body::inline::{Inline, push_text};

pub use media::{
    CodeBlock, DividerBlock, EmbedBlock, GalleryBlock, GalleryImage, ImageBlock, ImageView, PreformattedBlock,
    RelatedArticleBlock,
};
pub(super) use media::{MAX_ALT_CHARS, MAX_CODE_CHARS, MAX_IMAGES, MAX_LINE_CHARS, MAX_PIXELS};
pub(super) use table::{MAX_COLUMNS, MAX_ROWS, header_cells, normal_table, width};
pub use table::{TableBlock, TableCell, TableRow};
pub use text::{
    DetailsBlock, Footnote, FootnotesBlock, HeadingBlock, ListBlock, ListItem, NestedList, NoteBlock, NoteKind,
    ParagraphBlock, PullQuoteBlock, QuoteBlock,
};
pub(super) use text::{MAX_FOOTNOTES, MAX_ITEMS};

macro_rules! unions {
    ($(
        $(#[$doc:meta])*
        $union:ident { $($(#[$variant_doc:meta])* $variant:ident($block:ident)),+ $(,)? }
    )+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum $union {
            $($(#[$variant_doc])* $variant($block)),+
        }

        impl $union {
            /// Returns the block behind the union.
            pub fn view(&self) -> BlockView<'_> {
                match self {
                    $(Self::$variant(block) => BlockView::$variant(block)),+
                }
            }

            /// Returns the block's id.
            pub fn id(&self) -> &BlockId {
                match self {
                    $(Self::$variant(block) => &block.id),+
                }
            }

            pub(super) fn id_mut(&mut self) -> &mut BlockId {
                match self {
                    $(Self::$variant(block) => &mut block.id),+
                }
            }
        }
    )+};
}

unions! {
    /// One block of a body; `type` says which.
    Block {
        /// A paragraph of text.
        Paragraph(ParagraphBlock),
        /// A heading inside the article.
        Heading(HeadingBlock),
        /// A numbered or bulleted list.
        List(ListBlock),
        /// A quotation that stands by itself.
        Quote(QuoteBlock),
        /// A sentence of the article that is set large.
        PullQuote(PullQuoteBlock),
        /// A picture.
        Image(ImageBlock),
        /// Several pictures that belong together.
        Gallery(GalleryBlock),
        /// Something from another site.
        Embed(EmbedBlock),
        /// A table.
        Table(TableBlock),
        /// Computer code.
        Code(CodeBlock),
        /// Text whose white space counts.
        Preformatted(PreformattedBlock),
        /// A change of topic.
        Divider(DividerBlock),
        /// What the editors have to say to readers.
        Note(NoteBlock),
        /// Another article of this site.
        RelatedArticle(RelatedArticleBlock),
        /// Text that is shown on demand.
        Details(DetailsBlock),
        /// The footnotes.
        Footnotes(FootnotesBlock),
    }

    /// One block inside a quote; `type` says which.
    QuotePart {
        /// A paragraph of the quotation.
        Paragraph(ParagraphBlock),
        /// A list in the quotation.
        List(ListBlock),
    }

    /// One block inside a note; `type` says which.
    NotePart {
        /// A paragraph of the note.
        Paragraph(ParagraphBlock),
        /// A list in the note.
        List(ListBlock),
    }

    /// One block inside details; `type` says which.
    DetailsPart {
        /// A paragraph of text.
        Paragraph(ParagraphBlock),
        /// A heading.
        Heading(HeadingBlock),
        /// A numbered or bulleted list.
        List(ListBlock),
        /// A quotation that stands by itself.
        Quote(QuoteBlock),
        /// A picture.
        Image(ImageBlock),
        /// Something from another site.
        Embed(EmbedBlock),
        /// A table.
        Table(TableBlock),
        /// Computer code.
        Code(CodeBlock),
        /// Text whose white space counts.
        Preformatted(PreformattedBlock),
    }
}

/// A block or a part of one, whichever union holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockView<'a> {
    /// A paragraph of text.
    Paragraph(&'a ParagraphBlock),
    /// A heading inside the article.
    Heading(&'a HeadingBlock),
    /// A numbered or bulleted list.
    List(&'a ListBlock),
    /// A quotation that stands by itself.
    Quote(&'a QuoteBlock),
    /// A sentence of the article that is set large.
    PullQuote(&'a PullQuoteBlock),
    /// A picture.
    Image(&'a ImageBlock),
    /// Several pictures that belong together.
    Gallery(&'a GalleryBlock),
    /// Something from another site.
    Embed(&'a EmbedBlock),
    /// A table.
    Table(&'a TableBlock),
    /// Computer code.
    Code(&'a CodeBlock),
    /// Text whose white space counts.
    Preformatted(&'a PreformattedBlock),
    /// A change of topic.
    Divider(&'a DividerBlock),
    /// What the editors have to say to readers.
    Note(&'a NoteBlock),
    /// Another article of this site.
    RelatedArticle(&'a RelatedArticleBlock),
    /// Text that is shown on demand.
    Details(&'a DetailsBlock),
    /// The footnotes.
    Footnotes(&'a FootnotesBlock),
}

impl Block {
    /// Returns the block's plain text: line breaks, items, cells and paragraphs are separated by a newline. Alternative
    /// texts of pictures and the titles of links are not in it.
    pub fn text(&self) -> String {
        self.view().text()
    }
}

impl<'a> BlockView<'a> {
    /// Returns the block's id.
    pub fn id(self) -> &'a BlockId {
        match self {
            Self::Paragraph(block) => &block.id,
            Self::Heading(block) => &block.id,
            Self::List(block) => &block.id,
            Self::Quote(block) => &block.id,
            Self::PullQuote(block) => &block.id,
            Self::Image(block) => &block.id,
            Self::Gallery(block) => &block.id,
            Self::Embed(block) => &block.id,
            Self::Table(block) => &block.id,
            Self::Code(block) => &block.id,
            Self::Preformatted(block) => &block.id,
            Self::Divider(block) => &block.id,
            Self::Note(block) => &block.id,
            Self::RelatedArticle(block) => &block.id,
            Self::Details(block) => &block.id,
            Self::Footnotes(block) => &block.id,
        }
    }

    /// Returns the blocks inside the block: the parts of a quote, a note or details.
    pub fn parts(self) -> Vec<BlockView<'a>> {
        match self {
            Self::Quote(quote) => quote.content.iter().map(QuotePart::view).collect(),
            Self::Note(note) => note.content.iter().map(NotePart::view).collect(),
            Self::Details(details) => details.content.iter().map(DetailsPart::view).collect(),
            _ => Vec::new(),
        }
    }

    /// Calls `visit` for each content of the block, its parts included, in the order in which they are read.
    ///
    /// The types bound the recursion: details hold quotes, quotes hold lists.
    pub(super) fn visit_contents(self, visit: &mut dyn FnMut(&'a [Inline])) {
        let parts = |visit: &mut dyn FnMut(&'a [Inline])| {
            self.parts().into_iter().for_each(|part| part.visit_contents(visit));
        };
        match self {
            Self::Paragraph(block) => visit(&block.content),
            Self::Heading(block) => visit(&block.content),
            Self::List(block) => visit_items(&block.items, visit),
            Self::Quote(block) => {
                parts(visit);
                visit(block.citation.as_deref().unwrap_or_default());
            }
            Self::PullQuote(block) => {
                visit(&block.content);
                visit(block.citation.as_deref().unwrap_or_default());
            }
            Self::Image(block) => visit(block.caption.as_deref().unwrap_or_default()),
            Self::Gallery(block) => {
                for image in &block.images {
                    visit(image.caption.as_deref().unwrap_or_default());
                }
                visit(block.caption.as_deref().unwrap_or_default());
            }
            Self::Embed(block) => visit(block.caption.as_deref().unwrap_or_default()),
            Self::Table(block) => {
                visit(block.caption.as_deref().unwrap_or_default());
                block.rows.iter().flat_map(|row| &row.cells).for_each(|cell| visit(&cell.content));
            }
            Self::Note(_) => parts(visit),
            Self::Details(block) => {
                visit(&block.summary);
                parts(visit);
            }
            Self::Footnotes(block) => block.notes.iter().for_each(|note| visit(&note.content)),
            Self::Code(_) | Self::Preformatted(_) | Self::Divider(_) | Self::RelatedArticle(_) => {}
        }
    }

    pub(super) fn text(self) -> String {
        let mut out = String::new();
        match self {
            Self::Code(block) => out.push_str(&block.text),
            Self::Preformatted(block) => out.push_str(&block.text),
            Self::Details(block) => {
                push_line(&mut out, &block.summary);
                self.parts().into_iter().for_each(|part| push_separated(&mut out, &part.text()));
            }
            _ => self.visit_contents(&mut |content| push_line(&mut out, content)),
        }
        out
    }
}

/// Visits items; lists are at most `MAX_LIST_DEPTH` deep.
fn visit_items<'a>(items: &'a [ListItem], visit: &mut dyn FnMut(&'a [Inline])) {
    for item in items {
        visit(&item.content);
        if let Some(list) = &item.list {
            visit_items(&list.items, visit);
        }
    }
}

/// Calls `visit` for each content of a block, its parts included.
pub(super) fn contents_mut(block: &mut Block, visit: &mut dyn FnMut(&mut Vec<Inline>)) {
    match block {
        Block::Paragraph(block) => visit(&mut block.content),
        Block::Heading(block) => visit(&mut block.content),
        Block::List(block) => items_mut(&mut block.items, visit),
        Block::Quote(block) => quote_mut(block, visit),
        Block::PullQuote(block) => {
            visit(&mut block.content);
            block.citation.iter_mut().for_each(visit);
        }
        Block::Image(block) => block.caption.iter_mut().for_each(visit),
        Block::Gallery(block) => {
            block.images.iter_mut().filter_map(|image| image.caption.as_mut()).for_each(&mut *visit);
            block.caption.iter_mut().for_each(visit);
        }
        Block::Embed(block) => block.caption.iter_mut().for_each(visit),
        Block::Table(block) => table_mut(block, visit),
        Block::Note(block) => {
            for part in &mut block.content {
                match part {
                    NotePart::Paragraph(block) => visit(&mut block.content),
                    NotePart::List(block) => items_mut(&mut block.items, visit),
                }
            }
        }
        Block::Details(block) => {
            visit(&mut block.summary);
            block.content.iter_mut().for_each(|part| details_mut(part, visit));
        }
        Block::Footnotes(block) => block.notes.iter_mut().for_each(|note| visit(&mut note.content)),
        Block::Code(_) | Block::Preformatted(_) | Block::Divider(_) | Block::RelatedArticle(_) => {}
    }
}

fn details_mut(part: &mut DetailsPart, visit: &mut dyn FnMut(&mut Vec<Inline>)) {
    match part {
        DetailsPart::Paragraph(block) => visit(&mut block.content),
        DetailsPart::Heading(block) => visit(&mut block.content),
        DetailsPart::List(block) => items_mut(&mut block.items, visit),
        DetailsPart::Quote(block) => quote_mut(block, visit),
        DetailsPart::Image(block) => block.caption.iter_mut().for_each(visit),
        DetailsPart::Embed(block) => block.caption.iter_mut().for_each(visit),
        DetailsPart::Table(block) => table_mut(block, visit),
        DetailsPart::Code(_) | DetailsPart::Preformatted(_) => {}
    }
}

fn quote_mut(block: &mut QuoteBlock, visit: &mut dyn FnMut(&mut Vec<Inline>)) {
    for part in &mut block.content {
        match part {
            QuotePart::Paragraph(block) => visit(&mut block.content),
            QuotePart::List(block) => items_mut(&mut block.items, visit),
        }
    }
    block.citation.iter_mut().for_each(visit);
}

fn table_mut(block: &mut TableBlock, visit: &mut dyn FnMut(&mut Vec<Inline>)) {
    block.caption.iter_mut().for_each(&mut *visit);
    block.rows.iter_mut().flat_map(|row| &mut row.cells).for_each(|cell| visit(&mut cell.content));
}

/// Visits items; lists are at most `MAX_LIST_DEPTH` deep.
fn items_mut(items: &mut [ListItem], visit: &mut dyn FnMut(&mut Vec<Inline>)) {
    for item in items {
        visit(&mut item.content);
        if let Some(list) = &mut item.list {
            items_mut(&mut list.items, visit);
        }
    }
}

fn push_line(out: &mut String, content: &[Inline]) {
    let mut line = String::new();
    push_text(&mut line, content);
    push_separated(out, &line);
}

fn push_separated(out: &mut String, text: &str) {
    if text.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(text);
}
