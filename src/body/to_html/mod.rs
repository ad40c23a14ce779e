//! Writes a body as HTML: semantic elements without classes and styles.
//!
//! Only the elements and attributes named here are written, all text and attribute values are escaped, and link targets
//! were checked when they were read. No link opens a new window.
//!
//! | Block | HTML |
//! |---|---|
//! | paragraph, heading, list | `p`, `h2` … `h6`, `ul`, `ol start` |
//! | quote | `blockquote`; with a citation `figure` > `blockquote`, `figcaption` |
//! | pull quote | `figure data-pull-quote` > `blockquote` > `p`, then `figcaption` |
//! | image | `figure` > `img` (inside `a` if it leads somewhere), then `figcaption` with the credit in `small` |
//! | gallery | `figure data-gallery` > one `figure` for each image, then `figcaption` |
//! | embed | `figure data-embed="PROVIDER"` > `iframe` or, for what is not shown in a frame, `a`; then `figcaption` |
//! | table | `table` > `caption`, `thead`, `tbody`; headers are `th scope` |
//! | code, preformatted | `pre` > `code data-language`, `pre` |
//! | divider | `hr` |
//! | note | `aside data-note="KIND"` |
//! | related article | `aside data-article="ID"` > `a`; empty while the article is not published |
//! | details | `details` > `summary` |
//! | footnotes | `ol data-footnotes` > `li id="fn-NOTE"` |
//!
//! The hooks for style sheets and scripts, all of them:
//!
//! | Hook | Where | What |
//! |---|---|---|
//! | `data-article="ID"` | `a`, `aside` | The article that is linked by its id. Without an `href`, it is not published. |
//! | `data-media="ID"` | `img` | The picture's id in the media library. |
//! | `data-embed="PROVIDER"` | `figure` | An embed; for one of `other` and of social networks it holds a link. |
//! | `data-gallery` | `figure` | Several pictures. |
//! | `data-pull-quote` | `figure` | A pull quote. |
//! | `data-note="KIND"` | `aside` | An editors' note: `editor`, `correction` or `update`. |
//! | `data-language="NAME"` | `code` | The programming language. |
//! | `data-footnotes` | `ol` | The footnotes. |
//! | `data-fn="NOTE"` | `sup` | A reference to a footnote; it holds a link to `#fn-NOTE`. |
//! | `data-small-caps` | `span` | Text in small capitals. |
//!
//! `rel` of links: those to other sites carry `noopener`, and all carry what the link's own `rel` says (`license`,
//! `nofollow`, `sponsored`, `ugc`). `nofollow` is not added by itself: whom a newsroom links to, it vouches for.

mod inline;
mod media;
mod single;
mod table;

use crate::body::Body;
use crate::body::block::{BlockView, FootnotesBlock, ListItem, PullQuoteBlock, QuoteBlock, RelatedArticleBlock};
use crate::body::footnotes::Numbers;
use crate::body::href::Href;
use crate::body::inline::Inline;
use crate::body::links::{ArticleLink, Links};
use crate::body::reference::{ArticleRef, MediaRef};

impl Body {
    /// Returns the body as HTML that is safe to put on a page as it is, one block a line.
    ///
    /// `links` says where the articles and pictures are that the body names by id. Reading the HTML back with `from_html`
    /// gives equal blocks, but for ids that clients chose and for what `links` knows. The same blocks and links give the
    /// same bytes in every process.
    pub fn to_html(&self, links: &impl Links) -> String {
        let mut writer = Writer { out: String::new(), links, numbers: Numbers::of(self) };
        for (n, block) in self.blocks().iter().enumerate() {
            if n > 0 {
                writer.out.push('\n');
            }
            writer.block(block.view());
        }
        writer.out
    }
}

/// Appends HTML to a text.
pub(in crate::body) struct Writer<'a> {
    out: String,
    links: &'a dyn Links,
    numbers: Numbers<'a>,
}

impl<'a> Writer<'a> {
    /// Writes a block; the types bound the recursion.
    fn block(&mut self, block: BlockView<'a>) {
        match block {
            BlockView::Paragraph(paragraph) => self.element("p", &paragraph.content),
            BlockView::Heading(heading) => self.element(heading_name(heading.level), &heading.content),
            BlockView::List(list) => self.list(list.ordered, list.start, &list.items),
            BlockView::Quote(quote) => self.quote(quote),
            BlockView::PullQuote(quote) => self.pull_quote(quote),
            BlockView::Image(image) => self.image_figure(image.view()),
            BlockView::Gallery(gallery) => self.gallery(gallery),
            BlockView::Embed(embed) => self.embed(embed),
            BlockView::Table(table) => self.table(table),
            BlockView::Code(code) => {
                self.out.push_str("<pre><code");
                if let Some(language) = &code.language {
                    self.attribute("data-language", language);
                }
                self.out.push('>');
                self.escaped(&code.text);
                self.out.push_str("</code></pre>");
            }
            BlockView::Preformatted(block) => {
                self.out.push_str("<pre>");
                self.escaped(&block.text);
                self.out.push_str("</pre>");
            }
            BlockView::Divider(_) => self.out.push_str("<hr>"),
            BlockView::Note(note) => {
                self.out.push_str("<aside");
                self.attribute("data-note", note.kind.as_str());
                self.out.push('>');
                self.parts(block);
                self.out.push_str("</aside>");
            }
            BlockView::RelatedArticle(related) => self.related_article(related),
            BlockView::Details(details) => {
                self.out.push_str("<details>");
                self.element("summary", &details.summary);
                self.parts(block);
                self.out.push_str("</details>");
            }
            BlockView::Footnotes(footnotes) => self.footnotes(footnotes),
        }
    }

    fn parts(&mut self, block: BlockView<'a>) {
        for part in block.parts() {
            self.block(part);
        }
    }

    fn element(&mut self, name: &str, content: &'a [Inline]) {
        self.tag("<", name);
        self.content(content);
        self.tag("</", name);
    }

    fn tag(&mut self, open: &str, name: &str) {
        self.out.push_str(open);
        self.out.push_str(name);
        self.out.push('>');
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        self.escaped(value);
        self.out.push('"');
    }

    fn escaped(&mut self, text: &str) {
        for (at, c) in text.char_indices() {
            match c {
                // What looks like a shortcode is text here, and is to be read as such.
                '[' if is_shortcode(text.get(at..).unwrap_or_default()) => self.out.push_str("&#91;"),
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                // Invisible otherwise, and lost by editors that do not expect it.
                '\u{a0}' => self.out.push_str("&nbsp;"),
                _ => self.out.push(c),
            }
        }
    }

    /// Writes a list; lists are at most `MAX_LIST_DEPTH` deep.
    fn list(&mut self, ordered: bool, start: Option<i32>, items: &'a [ListItem]) {
        self.out.push_str(if ordered { "<ol" } else { "<ul" });
        if let Some(start) = start.filter(|_| ordered) {
            self.attribute("start", &start.to_string());
        }
        self.out.push('>');
        for item in items {
            self.out.push_str("<li>");
            self.content(&item.content);
            if let Some(list) = &item.list {
                self.list(list.ordered, list.start, &list.items);
            }
            self.out.push_str("</li>");
        }
        self.out.push_str(if ordered { "</ol>" } else { "</ul>" });
    }

    /// The HTML standard wants a quotation's source outside `blockquote`, as the caption of a figure.
    fn quote(&mut self, quote: &'a QuoteBlock) {
        if quote.citation.is_some() {
            self.out.push_str("<figure>");
        }
        self.out.push_str("<blockquote>");
        self.parts(BlockView::Quote(quote));
        self.out.push_str("</blockquote>");
        if let Some(citation) = &quote.citation {
            self.element("figcaption", citation);
            self.out.push_str("</figure>");
        }
    }

    fn pull_quote(&mut self, quote: &'a PullQuoteBlock) {
        self.out.push_str("<figure data-pull-quote><blockquote>");
        self.element("p", &quote.content);
        self.out.push_str("</blockquote>");
        self.caption(quote.citation.as_deref());
        self.out.push_str("</figure>");
    }

    fn caption(&mut self, caption: Option<&'a [Inline]>) {
        if let Some(caption) = caption {
            self.element("figcaption", caption);
        }
    }

    fn related_article(&mut self, related: &RelatedArticleBlock) {
        self.out.push_str("<aside");
        self.attribute("data-article", &related.article.to_string());
        self.out.push('>');
        if let Some(ArticleLink { url, title }) = self.links.article(related.article) {
            self.out.push_str("<a");
            let url = self.address(&url);
            self.attribute("href", &url);
            self.out.push('>');
            self.escaped(&title);
            self.out.push_str("</a>");
        }
        self.out.push_str("</aside>");
    }

    fn footnotes(&mut self, block: &'a FootnotesBlock) {
        self.out.push_str("<ol data-footnotes");
        let first = block.notes.first().and_then(|note| self.numbers.number(&note.id)).unwrap_or(1);
        if first > 1 {
            self.attribute("start", &first.to_string());
        }
        self.out.push('>');
        for note in &block.notes {
            self.out.push_str("<li");
            self.attribute("id", &format!("fn-{}", note.id));
            self.out.push('>');
            self.content(&note.content);
            self.out.push_str("</li>");
        }
        self.out.push_str("</ol>");
    }

    /// Returns a link's address; a path becomes a URL if the site is known.
    fn address(&self, href: &Href) -> String {
        let site = self.links.site().filter(|_| href.as_str().starts_with('/'));
        match site.and_then(|site| site.join(href.as_str()).ok()) {
            Some(url) => url.into(),
            None => href.as_str().to_owned(),
        }
    }

    /// Returns whether a link leads to another site.
    fn is_foreign(&self, href: &Href) -> bool {
        let is_own = |site: &url::Url| url::Url::parse(href.as_str()).is_ok_and(|url| url.origin() == site.origin());
        href.is_absolute_web() && !self.links.site().is_some_and(is_own)
    }

    fn article_url(&self, article: ArticleRef) -> Option<String> {
        self.links.article(article).map(|link| self.address(&link.url))
    }

    fn media_url(&self, media: MediaRef) -> Option<String> {
        self.links.media(media).map(|url| self.address(&url))
    }
}

fn is_shortcode(text: &str) -> bool {
    text.starts_with("[caption ") || text.starts_with("[/caption]")
}

fn heading_name(level: u8) -> &'static str {
    match level {
        0..=2 => "h2",
        3 => "h3",
        4 => "h4",
        5 => "h5",
        _ => "h6",
    }
}
