//! Says Markdown's events in the terms of the HTML that `to_html` documents, and leaves raw HTML as it is.
//!
//! What is written here is read by `from_html`, so it need not be safe; it need only say the same.

use std::borrow::Cow;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Tag, TagEnd};

use crate::body::code::normal_language;
use crate::body::from_markdown::notes::{Content, Notes};
use crate::body::from_markdown::out::Out;
use crate::body::from_markdown::{MAX_PARTS, TooManyParts};
use crate::body::reference::ArticleRef;

/// What a link to an article by its id starts with.
pub(in crate::body) const ARTICLE_SCHEME: &str = "article:";

/// The most quotes and items inside each other that are told apart; lists are flattened far earlier.
const MAX_DEPTH: usize = 32;

/// Writes Markdown's events, the footnotes last, and returns what they were written to.
///
/// # Errors
/// When there are too many.
pub(super) fn translate<'a, O: Out>(
    events: impl Iterator<Item = Event<'a>>,
    out: O,
) -> std::result::Result<O, TooManyParts> {
    let mut translator = Translator {
        out,
        outer: Vec::new(),
        notes: Notes::default(),
        n_containers: 0,
        paragraph: None,
        image: None,
        is_in_link: false,
        caption: None,
    };
    let mut n_parts = 0_usize;
    for event in events {
        n_parts = n_parts.saturating_add(usize::from(!matches!(event, Event::End(_))));
        if n_parts > MAX_PARTS {
            return Err(TooManyParts);
        }
        translator.event(event);
    }
    // The parser ends every note; were it not so, their text would be lost.
    while let Some(held) = translator.outer.pop() {
        translator.notes.define(&held.name, held.content);
    }
    translator.end_notes();
    Ok(translator.out)
}

struct Translator<'a, O> {
    out: O,
    /// The events of the open footnotes: they stand at the end of the body.
    outer: Vec<Held<'a>>,
    notes: Notes<'a>,
    n_containers: usize,
    paragraph: Option<Paragraph<'a>>,
    image: Option<Image>,
    is_in_link: bool,
    /// The caption of the picture that the open paragraph is, if it stands in a link: it is to stand outside of that.
    caption: Option<String>,
}

/// What a footnote holds.
struct Held<'a> {
    name: CowStr<'a>,
    content: Content<'a>,
}

/// The start of a paragraph, as long as it may be nothing but a picture.
#[derive(Default)]
struct Paragraph<'a> {
    events: Vec<Event<'a>>,
    n_images: usize,
    /// How many pictures are open, one in the alternative text of another.
    n_open: usize,
    is_in_link: bool,
    /// Whether a picture has a figure of its own around it.
    has_figure: bool,
}

/// The picture whose alternative text is being read.
struct Image {
    url: String,
    caption: String,
    alt: String,
    /// How many pictures inside its alternative text are open.
    n_inner: usize,
}

impl Paragraph<'_> {
    /// Looks at the next event; true if it is clear now that there is more than a picture.
    fn see(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Start(Tag::Image { title, .. }) => {
                if self.n_open == 0 {
                    self.n_images = self.n_images.saturating_add(1);
                    self.has_figure = !title.trim().is_empty() && !self.is_in_link;
                }
                self.n_open = self.n_open.saturating_add(1);
                self.n_images > 1
            }
            Event::End(TagEnd::Image) => {
                self.n_open = self.n_open.saturating_sub(1);
                false
            }
            _ if self.n_open > 0 => false,
            Event::Text(text) | Event::Code(text) => !text.trim().is_empty(),
            Event::InlineHtml(_) | Event::FootnoteReference(_) => true,
            Event::Start(Tag::Link { .. }) => {
                self.is_in_link = true;
                false
            }
            Event::End(TagEnd::Link) => {
                self.is_in_link = false;
                false
            }
            _ => false,
        }
    }
}

impl<'a, O: Out> Translator<'a, O> {
    fn event(&mut self, event: Event<'a>) {
        match event {
            Event::Start(Tag::FootnoteDefinition(name)) => {
                let content = Content { n_containers: self.n_containers, events: Vec::new() };
                self.outer.push(Held { name, content });
            }
            Event::End(TagEnd::FootnoteDefinition) => {
                if let Some(held) = self.outer.pop() {
                    self.notes.define(&held.name, held.content);
                }
            }
            event => match self.outer.last_mut() {
                Some(held) => {
                    if let Event::FootnoteReference(name) = &event {
                        // Notes are in the order in which the text refers to them, be it in a note.
                        self.notes.refer(name);
                    }
                    held.content.events.push(event);
                }
                None => self.flow(event),
            },
        }
    }

    /// Takes an event where it is to stand. A paragraph that is a picture is the picture.
    fn flow(&mut self, event: Event<'a>) {
        let Some(paragraph) = &mut self.paragraph else {
            return match event {
                Event::Start(Tag::Paragraph) => self.paragraph = Some(Paragraph::default()),
                event => self.write(&event),
            };
        };
        if matches!(event, Event::End(TagEnd::Paragraph)) {
            let paragraph = std::mem::take(paragraph);
            self.paragraph = None;
            let name = match &paragraph {
                Paragraph { n_images: 1, has_figure: true, .. } => None,
                Paragraph { n_images: 1, .. } => Some("figure"),
                _ => Some("p"),
            };
            name.into_iter().for_each(|name| self.out.start(name, &[]));
            paragraph.events.iter().for_each(|event| self.write(event));
            if let Some(caption) = self.caption.take().filter(|_| name == Some("figure")) {
                self.write_caption(&caption);
            }
            name.into_iter().for_each(|name| self.out.end(name));
        } else if paragraph.see(&event) {
            let events = std::mem::take(&mut paragraph.events);
            self.paragraph = None;
            self.out.start("p", &[]);
            events.iter().for_each(|event| self.write(event));
            self.write(&event);
        } else {
            paragraph.events.push(event);
        }
    }

    fn write(&mut self, event: &Event<'_>) {
        if self.image.is_some() {
            return self.alt(event);
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(*tag),
            Event::Text(text) => self.out.text(text),
            Event::Code(text) => {
                self.out.start("code", &[]);
                self.out.text(text);
                self.out.end("code");
            }
            Event::Html(html) | Event::InlineHtml(html) => self.out.html(html),
            Event::FootnoteReference(name) => {
                if let Some(id) = self.notes.refer(name) {
                    self.out.start("sup", &[("data-fn", id.as_str())]);
                    self.out.start("a", &[("href", &format!("#fn-{id}"))]);
                    self.out.text("*");
                    self.out.end("a");
                    self.out.end("sup");
                }
            }
            Event::SoftBreak => self.out.text("\n"),
            Event::HardBreak => self.out.start("br", &[]),
            Event::Rule => self.out.start("hr", &[]),
            // Of syntax that is not switched on.
            Event::TaskListMarker(_) => {}
            Event::InlineMath(text) | Event::DisplayMath(text) => self.out.text(text),
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph => self.out.start("p", &[]),
            Tag::Heading { level, .. } => self.out.start(heading_name(*level), &[]),
            Tag::BlockQuote(_) => self.container("blockquote", &[]),
            Tag::List(None) => self.container("ul", &[]),
            Tag::List(Some(start)) => self.container("ol", &[("start", &start.to_string())]),
            // Items are as deep as their list.
            Tag::Item => self.out.start(if self.is_too_deep() { "br" } else { "li" }, &[]),
            Tag::CodeBlock(kind) => self.code(kind),
            Tag::Table(_) => self.out.start("table", &[]),
            Tag::TableHead => {
                self.out.start("thead", &[]);
                self.out.start("tr", &[]);
            }
            Tag::TableRow => self.out.start("tr", &[]),
            Tag::TableCell => self.out.start("td", &[]),
            Tag::Emphasis => self.out.start("em", &[]),
            Tag::Strong => self.out.start("strong", &[]),
            Tag::Strikethrough => self.out.start("s", &[]),
            Tag::Link { link_type, dest_url, title, .. } => self.link(*link_type, dest_url, title),
            Tag::Image { dest_url, title, .. } => {
                let (url, caption) = (dest_url.to_string(), title.to_string());
                self.image = Some(Image { url, caption, alt: String::new(), n_inner: 0 });
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.out.end("p"),
            TagEnd::Heading(level) => self.out.end(heading_name(level)),
            TagEnd::BlockQuote(_) => self.end_container("blockquote"),
            TagEnd::List(false) => self.end_container("ul"),
            TagEnd::List(true) => self.end_container("ol"),
            TagEnd::Item if self.is_too_deep() => self.out.start("br", &[]),
            TagEnd::Item => self.out.end("li"),
            TagEnd::CodeBlock => {
                self.out.end("code");
                self.out.end("pre");
            }
            TagEnd::Table => {
                self.out.end("tbody");
                self.out.end("table");
            }
            TagEnd::TableHead => {
                self.out.end("tr");
                self.out.end("thead");
                self.out.start("tbody", &[]);
            }
            TagEnd::TableRow => self.out.end("tr"),
            TagEnd::TableCell => self.out.end("td"),
            TagEnd::Emphasis => self.out.end("em"),
            TagEnd::Strong => self.out.end("strong"),
            TagEnd::Strikethrough => self.out.end("s"),
            TagEnd::Link => {
                self.is_in_link = false;
                self.out.end("a");
            }
            _ => {}
        }
    }

    fn is_too_deep(&self) -> bool {
        self.n_containers > MAX_DEPTH
    }

    fn container(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.n_containers = self.n_containers.saturating_add(1);
        if self.is_too_deep() { self.out.start("br", &[]) } else { self.out.start(name, attributes) }
    }

    fn end_container(&mut self, name: &'static str) {
        if self.is_too_deep() {
            self.out.start("br", &[])
        } else {
            self.out.end(name)
        }
        self.n_containers = self.n_containers.saturating_sub(1);
    }

    /// Writes the footnotes as `to_html` does.
    fn end_notes(&mut self) {
        let notes = self.notes.take();
        if notes.is_empty() {
            return;
        }
        self.out.start("ol", &[("data-footnotes", "")]);
        for (id, content) in notes {
            self.out.start("li", &[("id", &format!("fn-{id}"))]);
            self.n_containers = content.n_containers;
            content.events.into_iter().for_each(|event| self.flow(event));
            self.out.end("li");
        }
        self.out.end("ol");
    }

    fn write_caption(&mut self, caption: &str) {
        self.out.start("figcaption", &[]);
        self.out.text(caption);
        self.out.end("figcaption");
    }

    fn code(&mut self, kind: &CodeBlockKind<'_>) {
        let language = match kind {
            // `rust,ignore`, `{.python .numberLines}`
            CodeBlockKind::Fenced(info) => info.trim_start_matches(['{', '.']).split([' ', '\t', ',', '{', '}']).next(),
            CodeBlockKind::Indented => None,
        };
        self.out.start("pre", &[]);
        match language.and_then(normal_language) {
            Some(language) => self.out.start("code", &[("data-language", &language)]),
            None => self.out.start("code", &[]),
        }
    }

    fn link(&mut self, kind: LinkType, url: &str, title: &str) {
        self.is_in_link = true;
        let article = url
            .get(..ARTICLE_SCHEME.len())
            .filter(|scheme| scheme.eq_ignore_ascii_case(ARTICLE_SCHEME))
            .and_then(|_| url.get(ARTICLE_SCHEME.len()..))
            .and_then(ArticleRef::parse);
        let (name, target) = match article {
            Some(article) => ("data-article", Cow::Owned(article.to_string())),
            None if kind == LinkType::Email => ("href", Cow::Owned(format!("mailto:{url}"))),
            None => ("href", Cow::Borrowed(url)),
        };
        if title.is_empty() {
            self.out.start("a", &[(name, &target)]);
        } else {
            self.out.start("a", &[(name, &target), ("title", title)]);
        }
    }

    /// Adds to the alternative text of the open picture.
    fn alt(&mut self, event: &Event<'_>) {
        let Some(image) = &mut self.image else { return };
        match event {
            Event::Text(text) | Event::Code(text) => image.alt.push_str(text),
            Event::SoftBreak | Event::HardBreak => image.alt.push(' '),
            Event::Start(Tag::Image { .. }) => image.n_inner = image.n_inner.saturating_add(1),
            Event::End(TagEnd::Image) if image.n_inner > 0 => image.n_inner = image.n_inner.saturating_sub(1),
            Event::End(TagEnd::Image) => self.end_image(),
            _ => {}
        }
    }

    fn end_image(&mut self) {
        let Some(image) = self.image.take() else { return };
        let caption = Some(image.caption).filter(|caption| !caption.trim().is_empty());
        let has_figure = caption.is_some() && !self.is_in_link;
        if has_figure {
            self.out.start("figure", &[]);
        }
        // Markdown has no way to leave the text out, and those who wrote none have rarely thought about it.
        if image.alt.trim().is_empty() {
            self.out.start("img", &[("src", &image.url)]);
        } else {
            self.out.start("img", &[("src", &image.url), ("alt", &image.alt)]);
        }
        match caption {
            Some(caption) if has_figure => {
                self.write_caption(&caption);
                self.out.end("figure");
            }
            caption => self.caption = caption,
        }
    }
}

fn heading_name(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "h1",
        HeadingLevel::H2 => "h2",
        HeadingLevel::H3 => "h3",
        HeadingLevel::H4 => "h4",
        HeadingLevel::H5 => "h5",
        HeadingLevel::H6 => "h6",
    }
}
