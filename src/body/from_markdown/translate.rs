//! Writes Markdown's events as the HTML that `to_html` documents, and leaves raw HTML as it is.
//!
//! What is written here is read by `from_html`, so it need not be safe; it need only say the same.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, LinkType, Tag, TagEnd};

use crate::body::code::normal_language;
use crate::body::from_markdown::notes::Notes;
use crate::body::reference::ArticleRef;

/// What a link to an article by its id starts with.
pub(in crate::body) const ARTICLE_SCHEME: &str = "article:";

/// The most quotes and items inside each other that are told apart; lists are flattened far earlier.
const MAX_DEPTH: usize = 32;

/// Returns Markdown's events as HTML.
pub(super) fn to_html<'a>(events: impl Iterator<Item = Event<'a>>) -> String {
    let mut translator = Translator::default();
    for event in events {
        translator.event(event);
    }
    // The parser ends every note; were it not so, their text would be lost.
    while let Some(outer) = translator.outer.pop() {
        translator.end_note(outer);
    }
    let mut out = translator.out;
    out.push_str(&translator.notes.into_html());
    out
}

#[derive(Default)]
struct Translator {
    out: String,
    /// For each open footnote: what was written before, and its name.
    outer: Vec<(String, String)>,
    notes: Notes,
    n_containers: usize,
    paragraph: Paragraph,
    image: Option<Image>,
    is_in_link: bool,
}

/// The open paragraph.
#[derive(Default)]
struct Paragraph {
    /// Where in the output its content starts.
    start: usize,
    n_images: usize,
    /// Whether there is something besides pictures.
    has_text: bool,
    /// The caption of a picture in a link: it stands outside of the link.
    caption: Option<String>,
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

impl Translator {
    fn event(&mut self, event: Event<'_>) {
        if self.image.is_some() {
            return self.alt(event);
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => {
                self.see_text(&text);
                push_escaped(&mut self.out, &text);
            }
            Event::Code(text) => {
                self.see_text(&text);
                self.out.push_str("<code>");
                push_escaped(&mut self.out, &text);
                self.out.push_str("</code>");
            }
            Event::Html(html) => self.out.push_str(&html),
            Event::InlineHtml(html) => {
                self.paragraph.has_text = true;
                self.out.push_str(&html);
            }
            Event::FootnoteReference(name) => {
                self.paragraph.has_text = true;
                if let Some(id) = self.notes.refer(&name) {
                    self.out.push_str(&format!("<sup data-fn=\"{id}\"><a href=\"#fn-{id}\">*</a></sup>"));
                }
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>"),
            Event::Rule => self.out.push_str("<hr>\n"),
            // Of syntax that is not switched on.
            Event::TaskListMarker(_) => {}
            Event::InlineMath(text) | Event::DisplayMath(text) => push_escaped(&mut self.out, &text),
        }
    }

    fn see_text(&mut self, text: &str) {
        self.paragraph.has_text = self.paragraph.has_text || !text.trim().is_empty();
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.paragraph = Paragraph { start: self.out.len(), ..Paragraph::default() },
            Tag::Heading { level, .. } => self.tag("<", heading_name(level), ">"),
            Tag::BlockQuote(_) => self.container("<blockquote>"),
            Tag::List(None) => self.container("<ul>"),
            Tag::List(Some(start)) => self.container(&format!("<ol start=\"{start}\">")),
            // Items are as deep as their list.
            Tag::Item => self.out.push_str(if self.is_too_deep() { "<br>" } else { "<li>" }),
            Tag::CodeBlock(kind) => self.code(&kind),
            Tag::FootnoteDefinition(name) => {
                let before = std::mem::take(&mut self.out);
                self.outer.push((before, name.into_string()));
            }
            Tag::Table(_) => self.out.push_str("<table>"),
            Tag::TableHead => self.out.push_str("<thead><tr>"),
            Tag::TableRow => self.out.push_str("<tr>"),
            Tag::TableCell => self.out.push_str("<td>"),
            Tag::Emphasis => self.out.push_str("<em>"),
            Tag::Strong => self.out.push_str("<strong>"),
            Tag::Strikethrough => self.out.push_str("<s>"),
            Tag::Link { link_type, dest_url, title, .. } => self.link(link_type, &dest_url, &title),
            Tag::Image { dest_url, title, .. } => {
                let (url, caption) = (dest_url.into_string(), title.into_string());
                self.image = Some(Image { url, caption, alt: String::new(), n_inner: 0 });
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.end_paragraph(),
            TagEnd::Heading(level) => self.tag("</", heading_name(level), ">\n"),
            TagEnd::BlockQuote(_) => self.end_container("</blockquote>"),
            TagEnd::List(false) => self.end_container("</ul>"),
            TagEnd::List(true) => self.end_container("</ol>"),
            TagEnd::Item => self.out.push_str(if self.is_too_deep() { "<br>" } else { "</li>" }),
            TagEnd::CodeBlock => self.out.push_str("</code></pre>\n"),
            TagEnd::FootnoteDefinition => {
                if let Some(outer) = self.outer.pop() {
                    self.end_note(outer);
                }
            }
            TagEnd::Table => self.out.push_str("</tbody></table>\n"),
            TagEnd::TableHead => self.out.push_str("</tr></thead><tbody>"),
            TagEnd::TableRow => self.out.push_str("</tr>"),
            TagEnd::TableCell => self.out.push_str("</td>"),
            TagEnd::Emphasis => self.out.push_str("</em>"),
            TagEnd::Strong => self.out.push_str("</strong>"),
            TagEnd::Strikethrough => self.out.push_str("</s>"),
            TagEnd::Link => {
                self.is_in_link = false;
                self.out.push_str("</a>");
            }
            _ => {}
        }
    }

    fn tag(&mut self, open: &str, name: &str, close: &str) {
        self.out.push_str(open);
        self.out.push_str(name);
        self.out.push_str(close);
    }

    fn is_too_deep(&self) -> bool {
        self.n_containers > MAX_DEPTH
    }

    fn container(&mut self, tag: &str) {
        self.n_containers = self.n_containers.saturating_add(1);
        self.out.push_str(if self.is_too_deep() { "<br>" } else { tag });
    }

    fn end_container(&mut self, tag: &str) {
        self.out.push_str(if self.is_too_deep() { "<br>" } else { tag });
        self.n_containers = self.n_containers.saturating_sub(1);
        self.out.push('\n');
    }

    fn end_note(&mut self, (before, name): (String, String)) {
        let html = std::mem::replace(&mut self.out, before);
        self.notes.define(&name, html);
    }

    /// Writes a paragraph; one that is a picture is the picture.
    fn end_paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        let is_image = paragraph.n_images == 1 && !paragraph.has_text;
        if is_image && paragraph.has_figure {
            return self.out.push('\n');
        }
        if self.out.is_char_boundary(paragraph.start) {
            self.out.insert_str(paragraph.start, if is_image { "<figure>" } else { "<p>" });
        }
        if let Some(caption) = paragraph.caption.filter(|_| is_image) {
            self.caption(&caption);
        }
        self.out.push_str(if is_image { "</figure>\n" } else { "</p>\n" });
    }

    fn caption(&mut self, caption: &str) {
        self.out.push_str("<figcaption>");
        push_escaped(&mut self.out, caption);
        self.out.push_str("</figcaption>");
    }

    fn code(&mut self, kind: &CodeBlockKind<'_>) {
        self.out.push_str("<pre><code");
        if let CodeBlockKind::Fenced(info) = kind {
            // `rust,ignore`, `{.python .numberLines}`
            let name = info.trim_start_matches(['{', '.']).split([' ', '\t', ',', '{', '}']).next();
            if let Some(language) = name.and_then(normal_language) {
                push_attribute(&mut self.out, "data-language", &language);
            }
        }
        self.out.push('>');
    }

    fn link(&mut self, kind: LinkType, url: &str, title: &str) {
        self.is_in_link = true;
        self.out.push_str("<a");
        let article = url
            .get(..ARTICLE_SCHEME.len())
            .filter(|scheme| scheme.eq_ignore_ascii_case(ARTICLE_SCHEME))
            .and_then(|_| url.get(ARTICLE_SCHEME.len()..))
            .and_then(ArticleRef::parse);
        match article {
            Some(article) => push_attribute(&mut self.out, "data-article", &article.to_string()),
            None if kind == LinkType::Email => push_attribute(&mut self.out, "href", &format!("mailto:{url}")),
            None => push_attribute(&mut self.out, "href", url),
        }
        if !title.is_empty() {
            push_attribute(&mut self.out, "title", title);
        }
        self.out.push('>');
    }

    /// Adds to the alternative text of the open picture.
    fn alt(&mut self, event: Event<'_>) {
        let Some(image) = &mut self.image else { return };
        match event {
            Event::Text(text) | Event::Code(text) => image.alt.push_str(&text),
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
        self.out.push_str(if has_figure { "<figure><img" } else { "<img" });
        push_attribute(&mut self.out, "src", &image.url);
        // Markdown has no way to leave the text out, and those who wrote none have rarely thought about it.
        if !image.alt.trim().is_empty() {
            push_attribute(&mut self.out, "alt", &image.alt);
        }
        self.out.push('>');
        self.paragraph.n_images = self.paragraph.n_images.saturating_add(1);
        self.paragraph.has_figure = has_figure;
        match caption {
            Some(caption) if has_figure => {
                self.caption(&caption);
                self.out.push_str("</figure>");
            }
            caption => self.paragraph.caption = caption,
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

fn push_attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    push_references(out, value, |byte| matches!(byte, b'&' | b'"'));
    out.push('"');
}

fn push_escaped(out: &mut String, text: &str) {
    push_references(out, text, |byte| matches!(byte, b'&' | b'<'));
}

/// Writes only what must be as references: reading those takes far longer than reading text.
fn push_references(out: &mut String, text: &str, is_syntax: impl Fn(u8) -> bool) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(&is_syntax) {
        let (before, found) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        out.push_str(match found.bytes().next() {
            Some(b'<') => "&lt;",
            Some(b'"') => "&quot;",
            _ => "&amp;",
        });
        rest = found.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}
