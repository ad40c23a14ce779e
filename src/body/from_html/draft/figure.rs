//! Figures: which block a caption belongs to.

use crate::body::block::{Block, EmbedBlock, GalleryBlock, MAX_IMAGES, MAX_LINE_CHARS, PullQuoteBlock};
use crate::body::content::content;
use crate::body::embed::{EmbedProvider, EmbedUrl};
use crate::body::flow::Line;
use crate::body::from_html::draft::Draft;
use crate::body::from_html::draft::context::{Context, FigureDraft, FigureKind, QuoteDraft};
use crate::body::from_html::draft::finish::{lines_of, paragraph, quote_block};
use crate::body::href::Href;
use crate::body::id::BlockId;
use crate::body::inline::{Inline, LinkPart, normal_line, push_text};

/// How deep figures may stand in figures.
const MAX_FIGURES: usize = 4;

impl Draft {
    pub(in crate::body::from_html) fn open_figure(&mut self, kind: FigureKind) -> bool {
        let n_open = self.stack.iter().filter(|context| matches!(context, Context::Figure(_))).count();
        let is_text = matches!(self.stack.last(), Some(Context::Figure(figure)) if figure.kind.is_embed)
            || matches!(
                self.stack.last(),
                Some(
                    Context::Heading(_)
                        | Context::Caption
                        | Context::Summary
                        | Context::Credit
                        | Context::Citation
                        | Context::TableCaption
                        | Context::Preformatted(_)
                        | Context::Footnotes(_)
                        | Context::Footnote(..)
                        | Context::Table(_)
                )
            );
        if is_text || n_open >= MAX_FIGURES || !self.takes_blocks() {
            return false;
        }
        self.leave_lists();
        let container = self.container(self.stack.len());
        let start = self.blocks_of(container).len();
        self.stack.push(Context::Figure(FigureDraft { kind, container, start, ..FigureDraft::default() }));
        true
    }

    /// Starts the caption of the innermost figure; false if there is none, or its text goes to a list.
    pub(in crate::body::from_html) fn open_caption(&mut self) -> bool {
        let is_in_list = matches!(self.base().and_then(|at| self.stack.get(at)), Some(Context::List(_)));
        let Some(Context::Figure(figure)) = self.stack.last() else {
            return false;
        };
        if is_in_list || !figure.caption.is_empty() || !figure.credit.is_empty() {
            return false;
        }
        let container = figure.container;
        let n_blocks = self.blocks_of(container).len();
        if let Some(Context::Figure(figure)) = self.stack.last_mut() {
            figure.caption_at = Some(n_blocks);
        }
        self.stack.push(Context::Caption);
        true
    }

    /// Lets the figures above a place in the stack begin behind what was just put.
    pub(super) fn rebase_figures(&mut self, at: usize) {
        let container = self.container(at);
        let n_blocks = self.blocks_of(container).len();
        for context in self.stack.iter_mut().skip(at) {
            if let Context::Figure(figure) = context {
                figure.container = container;
                figure.start = n_blocks;
            }
        }
    }

    pub(super) fn close_figure(&mut self, mut figure: FigureDraft) {
        let container = figure.container;
        let n_blocks = self.blocks_of(container).len();
        let n_inside = n_blocks.saturating_sub(figure.start);
        if figure.kind.is_embed && !figure.lines.is_empty() {
            let lines = std::mem::take(&mut figure.lines);
            self.end_embed(container, lines, n_inside == 0);
            return self.close_figure_around(figure);
        }
        self.close_figure_around(figure);
    }

    fn close_figure_around(&mut self, mut figure: FigureDraft) {
        let is_body = figure.container.is_none();
        let blocks = self.blocks_of(figure.container);
        let inside = blocks.get(figure.start..).unwrap_or_default();
        let is_images = !inside.is_empty() && inside.iter().all(|block| matches!(block, Block::Image(_)));
        let wants_gallery = inside.len() > 1 || figure.kind.is_gallery;
        let is_details = !self.takes_galleries(figure.container);
        let blocks = self.blocks_of(figure.container);
        let n_inside = blocks.len().saturating_sub(figure.start);
        if is_images && wants_gallery && n_inside <= MAX_IMAGES && !is_details {
            let images = blocks.split_off(figure.start).into_iter().filter_map(|block| match block {
                Block::Image(image) => Some(image.into()),
                _ => None,
            });
            let images = images.collect();
            let mut lines = std::mem::take(&mut figure.caption);
            lines.append(&mut figure.credit);
            let caption = filled(lines);
            self.put(figure.container, Block::Gallery(GalleryBlock { id: BlockId::missing(), images, caption }));
            return;
        }
        if n_inside == 1 && self.caption_only(&mut figure, is_body) {
            return;
        }
        // The caption belongs to nothing that takes one: it stays where it stood.
        let mut lines = figure.caption;
        lines.extend(figure.credit);
        if !lines.is_empty() {
            self.n_blocks = self.n_blocks.saturating_add(1);
            let blocks = self.blocks_of(figure.container);
            let at = figure.caption_at.unwrap_or(usize::MAX).clamp(figure.start.min(blocks.len()), blocks.len());
            blocks.insert(at, Block::Paragraph(paragraph(lines)));
        }
    }

    fn takes_galleries(&self, container: Option<usize>) -> bool {
        !matches!(container.and_then(|at| self.stack.get(at)), Some(Context::Details(_)))
    }

    /// Gives the caption to the only block of a figure; false if that takes none.
    fn caption_only(&mut self, figure: &mut FigureDraft, is_body: bool) -> bool {
        let Some(block) = self.blocks_of(figure.container).last_mut() else {
            return false;
        };
        match block {
            Block::Image(image) if image.caption.is_none() && image.credit.is_none() => {
                image.credit = credit(&mut figure.credit);
                figure.caption.append(&mut figure.credit);
                image.caption = filled(std::mem::take(&mut figure.caption));
                return true;
            }
            _ => {}
        }
        let mut lines = std::mem::take(&mut figure.caption);
        lines.append(&mut figure.credit);
        let is_taken = match block {
            Block::Embed(embed) if embed.caption.is_none() => {
                embed.caption = filled(lines.clone());
                true
            }
            Block::Table(table) if table.caption.is_none() => {
                table.caption = filled(lines.clone());
                true
            }
            Block::Quote(quote) if quote.citation.is_none() || lines.is_empty() => {
                quote.citation = quote.citation.take().or_else(|| filled(lines.clone()));
                if figure.kind.is_pull_quote && is_body {
                    let content = content(lines_of_parts(quote));
                    let citation = quote.citation.take();
                    *block = Block::PullQuote(PullQuoteBlock { id: BlockId::missing(), content, citation });
                }
                true
            }
            _ => lines.is_empty(),
        };
        if !is_taken {
            figure.caption = lines;
        }
        is_taken
    }

    /// Makes an embed of a figure's text, if that is an address.
    fn end_embed(&mut self, container: Option<usize>, lines: Vec<Line>, is_alone: bool) {
        let inlines = content(lines.clone());
        let block = address(&inlines).filter(|_| is_alone).map(|(EmbedUrl { url, provider }, title)| {
            let title = normal_line(&title, MAX_LINE_CHARS).filter(|title| title != url.as_str());
            Block::Embed(EmbedBlock { id: BlockId::missing(), url, provider, title, caption: None })
        });
        let block = block.unwrap_or_else(|| Block::Paragraph(paragraph(lines)));
        self.put(container, block);
    }

    /// Ends a quote by which a post of a social network is embedded.
    pub(super) fn close_social(&mut self, mut quote: QuoteDraft) {
        let named = quote.social.take().flatten().and_then(|href| EmbedUrl::of(&href));
        let mut lines = lines_of(&quote.parts);
        lines.extend(quote.citation.clone());
        let inlines = content(lines);
        let links = inlines.iter().filter_map(|inline| match inline {
            Inline::Link(link) => link.href.as_ref().and_then(EmbedUrl::of),
            _ => None,
        });
        let is_known = |url: &EmbedUrl| url.provider != EmbedProvider::Other;
        let known = named.into_iter().chain(links).filter(is_known).reduce(|_, last| last);
        let block = match known {
            Some(EmbedUrl { url, provider }) => {
                let caption = Some(inlines).filter(|inlines| !inlines.is_empty());
                Some(Block::Embed(EmbedBlock { id: BlockId::missing(), url, provider, title: None, caption }))
            }
            None => quote_block(quote),
        };
        self.put_if(block);
    }
}

fn lines_of_parts(quote: &crate::body::block::QuoteBlock) -> Vec<Line> {
    let mut flow = crate::body::flow::Flow::default();
    for part in &quote.content {
        part.view().visit_contents(&mut |content| flow.push_content(content));
    }
    flow.into_lines()
}

fn filled(lines: Vec<Line>) -> Option<Vec<Inline>> {
    Some(content(lines)).filter(|content| !content.is_empty())
}

/// Takes the credit, if it is a line of text.
fn credit(lines: &mut Vec<Line>) -> Option<String> {
    let inlines = content(lines.clone());
    let is_plain = inlines.iter().all(|inline| matches!(inline, Inline::Text(_) | Inline::LineBreak(_)));
    let mut text = String::new();
    push_text(&mut text, &inlines);
    let is_short = text.chars().nth(MAX_LINE_CHARS).is_none();
    let credit = normal_line(&text, MAX_LINE_CHARS).filter(|_| is_plain && is_short)?;
    lines.clear();
    Some(credit)
}

/// Returns the address of an embed and its title, if the text is one link or one address.
fn address(content: &[Inline]) -> Option<(EmbedUrl, String)> {
    match content {
        [Inline::Link(link)] => {
            let mut title = String::new();
            for part in &link.content {
                match part {
                    LinkPart::Text(text) => title.push_str(&text.text),
                    LinkPart::LineBreak(_) => title.push(' '),
                }
            }
            Some((EmbedUrl::of(link.href.as_ref()?)?, title))
        }
        [Inline::Text(text)] => {
            let href = Href::parse(&text.text).ok()?;
            Some((EmbedUrl::of(&href)?, String::new()))
        }
        _ => None,
    }
}
