//! Writes what stands inside blocks.

use crate::body::from_markdown::ARTICLE_SCHEME;
use crate::body::inline::{Direction, Inline, LinkInline, LinkPart, Mark, TextInline};
use crate::body::to_markdown::Writer;
use crate::body::to_markdown::delimiters::{self, Pair, Token};
use crate::body::to_markdown::escape::{Before, Place, escape, escape_attribute, escape_title, escape_url};

/// The marks in the order in which they are nested. Code is not among them: it is inside all others.
const NESTING: [Mark; 7] =
    [Mark::Bold, Mark::Italic, Mark::Strike, Mark::Underline, Mark::Sub, Mark::Sup, Mark::SmallCaps];

impl<'a> Writer<'a> {
    pub(super) fn content(&mut self, content: &'a [Inline], place: Place) -> String {
        let mut line = Line::new(place);
        for inline in content {
            match inline {
                Inline::Text(text) => line.text(text),
                Inline::LineBreak(_) => line.line_break(),
                Inline::Link(link) => self.link(&mut line, link),
                Inline::FootnoteRef(reference) => {
                    line.close();
                    if self.has_markdown_notes {
                        self.refer(&reference.note);
                        line.syntax(format!("[^{}]", reference.note));
                    } else {
                        line.syntax(self.html.single_ref(&reference.note));
                    }
                    line.before = Before::Note;
                }
            }
        }
        line.close();
        delimiters::write(&line.tokens, line.pairs)
    }

    fn link(&mut self, line: &mut Line<'a>, link: &'a LinkInline) {
        line.close();
        let url = match (&link.href, link.article) {
            (_, Some(article)) => format!("{ARTICLE_SCHEME}{article}"),
            (Some(href), None) => self.html.single_address(href),
            (None, None) => String::new(),
        };
        if is_autolink(link, &url) {
            return line.syntax(format!("<{url}>"));
        }
        // Brackets right behind those of a reference to a footnote would belong to it.
        let end = if link.rel.is_empty() && line.before != Before::Note {
            line.syntax("[".to_owned());
            let title = link.title.as_ref().map(|title| format!(" \"{}\"", escape_title(title, line.place)));
            format!("]({}{})", escape_url(&url, line.place), title.unwrap_or_default())
        } else {
            let target = match link.article {
                Some(article) => format!("data-article=\"{article}\""),
                None => format!("href=\"{}\"", escape_attribute(&url)),
            };
            let title = link.title.as_ref().map(|title| format!(" title=\"{}\"", escape_attribute(title)));
            let rel: Vec<&str> = link.rel.iter().map(|rel| rel.as_str()).collect();
            let rel = if rel.is_empty() { String::new() } else { format!(" rel=\"{}\"", rel.join(" ")) };
            line.syntax(format!("<a {target}{}{rel}>", title.unwrap_or_default()));
            "</a>".to_owned()
        };
        line.is_in_link = true;
        for part in &link.content {
            match part {
                LinkPart::Text(text) => line.text(text),
                LinkPart::LineBreak(_) => line.line_break(),
            }
        }
        line.close();
        line.is_in_link = false;
        line.syntax(end);
    }
}

/// Returns whether a link's text is its address, with nothing in it that would need an escape.
fn is_autolink(link: &LinkInline, url: &str) -> bool {
    let [LinkPart::Text(TextInline { text, marks, lang: None, dir: None })] = link.content.as_slice() else {
        return false;
    };
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = !url.contains(['<', '>', '\\', '&', '|', '`', '*', '_', '~', '[', ']']);
    text == url && marks.is_empty() && link.title.is_none() && link.rel.is_empty() && is_web && is_plain
}

/// What is in front of the text that comes next, and what is open around it.
struct Line<'a> {
    place: Place,
    tokens: Vec<Token>,
    pairs: Vec<Pair>,
    before: Before,
    is_in_link: bool,
    voice: (Option<&'a str>, Option<Direction>),
    /// Outermost first; inside `voice`. With the number of its pair if it has one.
    open: Vec<(Mark, Option<usize>)>,
}

impl<'a> Line<'a> {
    fn new(place: Place) -> Self {
        let mut line = Self {
            place,
            tokens: Vec::new(),
            pairs: Vec::new(),
            before: Before::Other,
            is_in_link: false,
            voice: (None, None),
            open: Vec::new(),
        };
        line.start_line();
        line
    }

    fn start_line(&mut self) {
        self.before = if self.place == Place::Paragraph { Before::LineStart } else { Before::Other };
    }

    fn syntax(&mut self, syntax: String) {
        self.tokens.push(Token::Syntax(syntax));
        self.before = Before::Other;
    }

    /// Ends the line. Marks do not reach beyond it: a delimiter has to touch the text that it marks.
    fn line_break(&mut self) {
        self.close();
        self.syntax(if self.place == Place::Paragraph { "\\\n" } else { "<br>" }.to_owned());
        self.start_line();
    }

    fn text(&mut self, text: &'a TextInline) {
        let voice = (text.lang.as_ref().map(|lang| lang.as_str()), text.dir);
        if self.voice != voice {
            self.close();
            self.open_voice(voice);
        }
        let n_kept = self.open.iter().take_while(|(mark, _)| text.marks.contains(mark)).count();
        self.close_marks(n_kept);
        for mark in NESTING {
            if text.marks.contains(&mark) && !self.open.iter().any(|(open, _)| *open == mark) {
                self.open_mark(mark);
            }
        }
        let is_code = text.marks.contains(&Mark::Code);
        // Between backticks, nothing can be escaped: neither what ends a cell nor what ends a link's text.
        let ends_cell = self.place == Place::Cell && text.text.contains(['|', '\\']);
        let ends_link = self.is_in_link && text.text.contains([']', '[']);
        if is_code && !ends_cell && !ends_link {
            return self.syntax(code_span(&text.text));
        }
        if is_code {
            self.syntax("<code>".to_owned());
        }
        let markdown = escape(&text.text, self.place, self.before);
        let mut chars = text.text.chars();
        let first = chars.next().unwrap_or(' ');
        let last = chars.next_back().unwrap_or(first);
        self.tokens.push(Token::Text { markdown, first, last });
        self.before = Before::Other;
        if is_code {
            self.syntax("</code>".to_owned());
        }
    }

    fn open_voice(&mut self, voice: (Option<&'a str>, Option<Direction>)) {
        let (lang, dir) = voice;
        if lang.is_none() && dir.is_none() {
            return;
        }
        let lang = lang.map(|lang| format!(" lang=\"{}\"", escape_attribute(lang))).unwrap_or_default();
        let dir = dir.map(|dir| format!(" dir=\"{}\"", dir.as_str())).unwrap_or_default();
        self.syntax(format!("<span{lang}{dir}>"));
        self.voice = voice;
    }

    fn open_mark(&mut self, mark: Mark) {
        let (start, _) = html(mark);
        let pair = start.is_none().then_some(self.pairs.len());
        if let Some(pair) = pair {
            self.pairs.push(Pair::new(mark, self.tokens.len()));
            self.tokens.push(Token::Open(pair));
            self.before = Before::Other;
        }
        if let Some(start) = start {
            self.syntax(start.to_owned());
        }
        self.open.push((mark, pair));
    }

    fn close(&mut self) {
        self.close_marks(0);
        if std::mem::take(&mut self.voice) != (None, None) {
            self.syntax("</span>".to_owned());
        }
    }

    fn close_marks(&mut self, n_kept: usize) {
        while self.open.len() > n_kept {
            let Some((mark, number)) = self.open.pop() else { return };
            match number {
                None => self.syntax(html(mark).1.to_owned()),
                Some(number) => {
                    if let Some(pair) = self.pairs.get_mut(number) {
                        pair.close = self.tokens.len();
                    }
                    self.tokens.push(Token::Close(number));
                    self.before = Before::Other;
                }
            }
        }
    }
}

/// Returns the tags of a mark that Markdown has no delimiter for.
fn html(mark: Mark) -> (Option<&'static str>, &'static str) {
    match mark {
        Mark::Bold | Mark::Italic | Mark::Strike => (None, ""),
        Mark::Underline => (Some("<u>"), "</u>"),
        Mark::Code => (Some("<code>"), "</code>"),
        Mark::Sub => (Some("<sub>"), "</sub>"),
        Mark::Sup => (Some("<sup>"), "</sup>"),
        Mark::SmallCaps => (Some("<span data-small-caps>"), "</span>"),
    }
}

/// Writes code between backticks, more of them than the code has in a row.
fn code_span(code: &str) -> String {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.saturating_add(1));
    // One space on both sides is taken off when it is read.
    let is_spaced = code.starts_with(' ') && code.ends_with(' ') && code.chars().any(|c| c != ' ');
    let padding = if code.starts_with('`') || code.ends_with('`') || is_spaced { " " } else { "" };
    format!("{fence}{padding}{code}{padding}{fence}")
}
