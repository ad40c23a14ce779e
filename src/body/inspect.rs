//! What others want to know of a body: its pictures, its notes, the articles it names.

use std::collections::HashSet;

use crate::body::Body;
use crate::body::block::{BlockView, ImageView, NoteBlock};
use crate::body::inline::Inline;
use crate::body::reference::ArticleRef;

impl Body {
    /// Returns the articles that links and related articles name, each once, in the order in which they come up.
    pub fn article_references(&self) -> Vec<ArticleRef> {
        let mut known = HashSet::new();
        let mut references = Vec::new();
        for block in self.blocks() {
            if let BlockView::RelatedArticle(related) = block.view() {
                references.extend(Some(related.article).filter(|article| known.insert(*article)));
            }
            block.view().visit_contents(&mut |content| {
                for inline in content {
                    if let Inline::Link(link) = inline {
                        references.extend(link.article.filter(|article| known.insert(*article)));
                    }
                }
            });
        }
        references
    }

    /// Returns all pictures in reading order, those in galleries and details included. One without `alt` was not described
    /// yet, one without `credit` does not say who made it.
    pub fn images(&self) -> Vec<ImageView<'_>> {
        let mut images = Vec::new();
        for block in self.blocks() {
            push_images(&mut images, block.view());
        }
        images
    }

    /// Returns the editors' notes in the text.
    pub fn notes(&self) -> impl Iterator<Item = &NoteBlock> {
        self.blocks().iter().filter_map(|block| match block.view() {
            BlockView::Note(note) => Some(note),
            _ => None,
        })
    }
}

/// Lists the pictures of a block; the types bound the recursion.
fn push_images<'a>(images: &mut Vec<ImageView<'a>>, block: BlockView<'a>) {
    match block {
        BlockView::Image(image) => images.push(image.view()),
        BlockView::Gallery(gallery) => images.extend(gallery.images.iter().map(|image| image.view())),
        block => block.parts().into_iter().for_each(|part| push_images(images, part)),
    }
}
