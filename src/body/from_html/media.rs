//! Reads what is more than text: pictures, frames, footnotes, and what their elements' attributes say.

use crate::body::MAX_LIST_DEPTH;
use crate::body::block::{
    Block, DividerBlock, EmbedBlock, ImageBlock, MAX_ALT_CHARS, MAX_LINE_CHARS, MAX_PIXELS, RelatedArticleBlock,
};
use crate::body::embed::{EmbedProvider, EmbedUrl};
use crate::body::flow::{Target, To};
use crate::body::footnotes::leads_back;
use crate::body::from_html::WarningCode;
use crate::body::from_html::draft::{CellDraft, FigureKind};
use crate::body::from_html::reader::Reader;
use crate::body::from_html::tokens::{Tag, attribute};
use crate::body::href::Href;
use crate::body::id::{BlockId, FootnoteId};
use crate::body::inline::normal_line;
use crate::body::reference::{ArticleRef, MediaRef};

impl Reader {
    pub(super) fn image(&mut self, tag: &Tag<'_>) {
        let alt = attribute(tag, "alt");
        if has_class(tag, &["emoji", "wp-smiley"])
            && let Some(alt) = alt
        {
            return self.push_text(alt);
        }
        let (width, height) = (size(tag, "width"), size(tag, "height"));
        let src = source(tag);
        if matches!((width, height), (Some(0 | 1), Some(0 | 1))) {
            return self.warn(WarningCode::TrackingPixel, src.unwrap_or("img"));
        }
        let media = attribute(tag, "data-media").and_then(MediaRef::parse);
        let url = src.and_then(address).filter(Href::is_image);
        if url.is_none() && media.is_none() {
            return self.warn(WarningCode::DroppedImage, src.unwrap_or("img"));
        }
        let link = match self.link().as_deref() {
            Some(Target { to: To::Href(href), .. }) => Some(href.clone()),
            _ => None,
        };
        let is_pixels = |size: &u32| (1..=MAX_PIXELS).contains(size);
        let image = ImageBlock {
            id: BlockId::missing(),
            url,
            media,
            alt: alt.map(|alt| normal_line(alt, MAX_ALT_CHARS).unwrap_or_default()),
            caption: None,
            credit: None,
            link,
            width: width.filter(is_pixels),
            height: height.filter(is_pixels),
        };
        if self.draft.push_block(Block::Image(image)) {
            self.unseen_link = None;
        } else {
            self.warn(WarningCode::DroppedImage, src.unwrap_or("img"));
        }
    }

    /// Reads a frame: an embed, if its address is one of a known provider.
    pub(super) fn frame(&mut self, tag: &Tag<'_>) {
        let src = source(tag);
        let known = src.and_then(address).and_then(|href| EmbedUrl::of(&href));
        match known.filter(|url| url.provider != EmbedProvider::Other) {
            Some(url) => self.push_embed(url, attribute(tag, "title")),
            None => self.warn(WarningCode::DroppedEmbed, src.unwrap_or(&tag.name)),
        }
    }

    /// Keeps the address of what an element plays, or an element inside it; false if it names none that can be kept. That of
    /// a video or a sound is kept whoever provides it; of plug-ins only what a known provider shows.
    pub(super) fn played(&mut self, tag: &Tag<'_>) -> bool {
        let (src, is_any) = match &*tag.name {
            "video" | "audio" | "source" => (source(tag), true),
            "object" => (attribute(tag, "data"), false),
            "embed" => (source(tag), false),
            "param" if attribute(tag, "name").is_some_and(|name| matches!(name, "movie" | "src")) => {
                (attribute(tag, "value"), false)
            }
            _ => return false,
        };
        let found = src.and_then(address).and_then(|href| EmbedUrl::of(&href));
        let Some(EmbedUrl { url, provider }) = found.filter(|url| is_any || url.provider != EmbedProvider::Other)
        else {
            return false;
        };
        let title = attribute(tag, "title").and_then(|title| normal_line(title, MAX_LINE_CHARS));
        let title = title.filter(|title| title != url.as_str());
        self.draft.push_block(Block::Embed(EmbedBlock { id: BlockId::missing(), url, provider, title, caption: None }))
    }

    /// Reads the element by which CKEditor names an embed.
    pub(super) fn oembed(&mut self, tag: &Tag<'_>) {
        let url = attribute(tag, "url");
        match url.and_then(address).and_then(|href| EmbedUrl::of(&href)) {
            Some(url) => self.push_embed(url, None),
            None => self.warn(WarningCode::DroppedEmbed, url.unwrap_or("oembed")),
        }
    }

    fn push_embed(&mut self, EmbedUrl { url, provider }: EmbedUrl, title: Option<&str>) {
        let title = title.and_then(|title| normal_line(title, MAX_LINE_CHARS)).filter(|title| title != url.as_str());
        let block = EmbedBlock { id: BlockId::missing(), url: url.clone(), provider, title, caption: None };
        if !self.draft.push_block(Block::Embed(block)) {
            self.warn(WarningCode::DroppedEmbed, url.as_str());
        }
    }

    pub(super) fn divider(&mut self) {
        let block = Block::Divider(DividerBlock { id: BlockId::missing() });
        if !self.draft.push_block(block) {
            self.warn(WarningCode::SimplifiedElement, "hr");
        }
    }

    /// Reads a related article; false if the element is none.
    pub(super) fn related_article(&mut self, tag: &Tag<'_>) -> bool {
        let Some(article) = attribute(tag, "data-article").and_then(ArticleRef::parse) else {
            return false;
        };
        let block = RelatedArticleBlock { id: BlockId::missing(), article };
        self.draft.push_block(Block::RelatedArticle(block))
    }
}

/// Returns whether an element plays something that it or an element inside it names.
pub(super) fn is_player(tag: &Tag<'_>) -> bool {
    matches!(&*tag.name, "video" | "audio" | "object")
}

/// Returns what an element says it is a reference to, if it is one to a footnote, or if one is expected.
pub(super) fn footnote_ref(tag: &Tag<'_>, is_expected: bool) -> Option<FootnoteId> {
    if let Some(name) = attribute(tag, "data-fn").filter(|_| &*tag.name == "sup") {
        return FootnoteId::parse(name);
    }
    let says = is_expected
        || has_class(tag, &["footnote-ref", "footnote"])
        || attribute(tag, "role") == Some("doc-noteref")
        || attribute(tag, "data-footnote-ref").is_some();
    let target = attribute(tag, "href").filter(|_| &*tag.name == "a")?.strip_prefix('#')?;
    if says { footnote_id(target) } else { None }
}

/// Returns the name of the footnote with that id in a page.
pub(super) fn footnote_id(id: &str) -> Option<FootnoteId> {
    let id = id.strip_prefix("user-content-").unwrap_or(id);
    let name = ["fn-", "fn:", "fn_"].iter().find_map(|prefix| id.strip_prefix(prefix)).unwrap_or(id);
    let number = name.strip_prefix("fn").filter(|number| number.starts_with(|c: char| c.is_ascii_digit()));
    FootnoteId::parse(number.unwrap_or(name))
}

/// Returns whether a link leads from a footnote back to the text.
pub(super) fn is_back_link(tag: &Tag<'_>) -> bool {
    let says = has_class(tag, &["footnote-backref", "footnote-back", "reversefootnote"])
        || attribute(tag, "role") == Some("doc-backlink")
        || attribute(tag, "data-footnote-backref").is_some();
    let target = attribute(tag, "href").and_then(|href| href.strip_prefix('#'));
    target.is_some_and(|target| says || leads_back(target))
}

/// Returns whether a list holds footnotes.
pub(super) fn is_footnotes(tag: &Tag<'_>) -> bool {
    attribute(tag, "data-footnotes").is_some() || has_class(tag, &["wp-block-footnotes", "footnotes", "footnotes-list"])
}

/// Returns how far Quill indents an item, which its lists do not say by being nested.
pub(super) fn indent(tag: &Tag<'_>) -> usize {
    let classes = attribute(tag, "class").unwrap_or_default().split_ascii_whitespace();
    let indents = classes.filter_map(|class| class.strip_prefix("ql-indent-")?.parse().ok());
    indents.map(|indent: usize| indent.min(MAX_LIST_DEPTH)).next().unwrap_or_default()
}

pub(super) fn figure_kind(tag: &Tag<'_>) -> FigureKind {
    FigureKind {
        is_gallery: attribute(tag, "data-gallery").is_some()
            || has_class(tag, &["wp-block-gallery", "blocks-gallery-grid"]),
        is_pull_quote: attribute(tag, "data-pull-quote").is_some() || has_class(tag, &["wp-block-pullquote"]),
        is_embed: attribute(tag, "data-embed").is_some() || has_class(tag, &["wp-block-embed"]),
        is_shortcode: false,
    }
}

pub(super) fn cell(tag: &Tag<'_>) -> CellDraft {
    let span = |name: &str, max: usize| {
        let span = attribute(tag, name).and_then(|span| span.trim().parse::<usize>().ok()).unwrap_or(1);
        u32::try_from(span.clamp(1, max)).unwrap_or(1)
    };
    CellDraft {
        is_header: &*tag.name == "th",
        is_row_header: attribute(tag, "scope") == Some("row"),
        column_span: span("colspan", crate::body::block::MAX_COLUMNS),
        row_span: span("rowspan", crate::body::block::MAX_ROWS),
        ..CellDraft::default()
    }
}

/// Returns the address by which a quote says that it stands for a post of a social network.
pub(super) fn social(tag: &Tag<'_>) -> Option<Option<Href>> {
    let is_social =
        has_class(tag, &["twitter-tweet", "twitter-video", "instagram-media", "tiktok-embed", "bluesky-embed"]);
    let named = ["data-instgrm-permalink", "cite"].iter().find_map(|name| attribute(tag, name));
    is_social.then(|| named.and_then(address))
}

/// Returns the programming language that an element names.
pub(super) fn language<'a>(tag: &'a Tag<'_>) -> Option<&'a str> {
    let names = attribute(tag, "class").unwrap_or_default().split_ascii_whitespace();
    let of_class = |name: &'_ str| ["language-", "lang-"].iter().any(|prefix| name.starts_with(prefix));
    let found = names.filter(|name| of_class(name)).find_map(|name| name.split_once('-'));
    attribute(tag, "data-language").or(found.map(|(_, language)| language))
}

pub(super) fn has_class(tag: &Tag<'_>, classes: &[&str]) -> bool {
    let class = attribute(tag, "class").unwrap_or_default();
    class.split_ascii_whitespace().any(|name| classes.contains(&name))
}

/// Returns where an element's content is, even if scripts were to load it later.
fn source<'a>(tag: &'a Tag<'_>) -> Option<&'a str> {
    let names = ["src", "data-src", "data-lazy-src", "data-original"];
    let found = names.iter().find_map(|name| attribute(tag, name).filter(|src| address(src).is_some()));
    found.or_else(|| attribute(tag, "src"))
}

/// Reads an address; one without a scheme is that of a secure page.
fn address(text: &str) -> Option<Href> {
    let text = text.trim();
    if text.starts_with("//") {
        return Href::parse_lenient(&format!("https:{text}")).ok();
    }
    Href::parse_lenient(text).ok()
}

fn size(tag: &Tag<'_>, name: &str) -> Option<u32> {
    let text = attribute(tag, name)?.trim();
    text.strip_suffix("px").unwrap_or(text).parse().ok()
}
