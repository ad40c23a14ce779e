//! Text on its way into a block, and the normal form that every block's content has; `content` brings it there.
//!
//! The normal form is what HTML can say, so that blocks → HTML → blocks loses nothing:
//! - runs of spaces, tabs and newlines are one space; there is none at the ends of a line;
//! - blank lines do not occur, so no line break stands at an end or beside another one;
//! - a block neither begins nor ends with a no-break space (editors and word processors put them there as filling);
//! - neighboring texts differ in their marks, language or direction, neighboring links in their targets, and a link shows
//!   something;
//! - a reference to a footnote stands outside of links;
//! - there are at most `MAX_PIECES` pieces; what would be more loses its marks, links and breaks.

use std::rc::Rc;

use crate::body::href::Href;
use crate::body::id::FootnoteId;
use crate::body::inline::{Direction, Inline, LinkInline, LinkPart, LinkRel, Mark, TextInline};
use crate::body::reference::ArticleRef;
use crate::input::Language;

/// The most pieces of one content, those inside links included.
pub(super) const MAX_PIECES: usize = 100_000;

/// Where a link leads, shared by the runs of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) to: To,
    pub(super) title: Option<String>,
    /// In the order of `LinkRel::ALL`, each at most once.
    pub(super) rel: Vec<LinkRel>,
}

/// An address or an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum To {
    Href(Href),
    Article(ArticleRef),
}

impl Target {
    /// Returns the target of a link that was read before.
    pub(super) fn of(link: &LinkInline) -> Option<Self> {
        let to = match (&link.href, link.article) {
            (_, Some(article)) => To::Article(article),
            (Some(href), None) => To::Href(href.clone()),
            (None, None) => return None,
        };
        Some(Self { to, title: link.title.clone(), rel: link.rel.clone() })
    }
}

/// A set of marks, and whether the text stands in a `cite` element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(u16);

impl Marks {
    const CITE: u16 = 1 << 15;

    pub(super) fn with(self, mark: Mark) -> Self {
        let bit = match mark {
            Mark::Bold => 1,
            Mark::Italic => 1 << 1,
            Mark::Underline => 1 << 2,
            Mark::Strike => 1 << 3,
            Mark::Code => 1 << 4,
            Mark::Sub => 1 << 5,
            Mark::Sup => 1 << 6,
            Mark::SmallCaps => 1 << 7,
        };
        Self(self.0 | bit)
    }

    pub(super) fn with_cite(self) -> Self {
        Self(self.0 | Self::CITE)
    }

    fn is_cite(self) -> bool {
        self.0 & Self::CITE != 0
    }

    fn without_cite(self) -> Self {
        Self(self.0 & !Self::CITE)
    }

    /// Lists the marks; the title of a work, which is what `cite` means outside a citation, is set in italics.
    pub(super) fn list(self) -> Vec<Mark> {
        let shown = if self.is_cite() { self.with(Mark::Italic) } else { self };
        Mark::ALL.into_iter().filter(|mark| Self::default().with(*mark).0 & shown.0 != 0).collect()
    }
}

/// How text looks and sounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) marks: Marks,
    pub(super) lang: Option<Rc<Language>>,
    pub(super) dir: Option<Direction>,
}

impl From<Marks> for Look {
    fn from(marks: Marks) -> Self {
        Self { marks, lang: None, dir: None }
    }
}

impl From<&TextInline> for Look {
    fn from(text: &TextInline) -> Self {
        Self {
            marks: text.marks.iter().fold(Marks::default(), |marks, mark| marks.with(*mark)),
            lang: text.lang.clone().map(Rc::new),
            dir: text.dir,
        }
    }
}

/// Text of one line with the same look and the same link, or a reference to a footnote.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) look: Look,
    pub(super) link: Option<Rc<Target>>,
    /// For a reference to a footnote; `text` then is a stand-in that can be seen.
    pub(super) note: Option<FootnoteId>,
}

impl Run {
    /// Takes off what a run has besides text.
    pub(super) fn make_plain(&mut self) {
        if self.note.take().is_some() {
            " ".clone_into(&mut self.text);
        }
        self.look = Look::default();
        self.link = None;
    }

    fn is_like(&self, look: &Look, link: Option<&Rc<Target>>) -> bool {
        self.note.is_none() && self.look == *look && self.link.as_ref() == link
    }
}

/// Stands for a reference to a footnote where only text is looked at.
const STAND_IN: &str = "\u{fffc}";

pub(super) type Line = Vec<Run>;

/// Collects text, and collapses white space while doing so.
#[derive(Debug)]
pub(super) struct Flow {
    lines: Vec<Line>,
    line: Line,
    /// Whether a space that comes now would be at the start of a line or behind another one.
    after_space: bool,
    has_visible: bool,
    /// Whether something visible came since `start_watch`.
    has_seen: bool,
}

impl Default for Flow {
    fn default() -> Self {
        Self { lines: Vec::new(), line: Vec::new(), after_space: true, has_visible: false, has_seen: false }
    }
}

impl Flow {
    /// Appends text; characters that no page should carry are left out.
    pub(super) fn push_text(&mut self, text: &str, look: &Look, link: Option<&Rc<Target>>) {
        let goes_on = matches!(self.line.last(), Some(run) if run.is_like(look, link));
        if self.line.len() > MAX_PIECES {
            // `content` would have it so in the end; kept apart, a million of them would take a lot of memory.
            self.line.last_mut().into_iter().for_each(Run::make_plain);
        } else if !goes_on {
            // Most lines are one run; room for more would be the most of what a page of short lines takes.
            if self.line.is_empty() {
                self.line.reserve_exact(1);
            }
            let text = String::with_capacity(text.len());
            self.line.push(Run { text, look: look.clone(), link: link.map(Rc::clone), note: None });
        }
        let Some(run) = self.line.last_mut() else { return };
        let mut rest = text;
        loop {
            let n_word = rest.bytes().position(|byte| is_html_space(char::from(byte)));
            let word = rest.get(..n_word.unwrap_or(rest.len())).unwrap_or_default();
            if !word.is_empty() {
                if word.bytes().all(|byte| byte.is_ascii_graphic()) {
                    run.text.push_str(word);
                    self.after_space = false;
                    self.has_seen = true;
                } else {
                    for piece in word.split(is_unwanted).filter(|piece| !piece.is_empty()) {
                        run.text.push_str(piece);
                        self.after_space = false;
                        self.has_seen = self.has_seen || !is_blank(piece);
                    }
                }
            }
            let Some(n_word) = n_word else { break };
            if !self.after_space {
                run.text.push(' ');
                self.after_space = true;
            }
            rest = rest.get(n_word.saturating_add(1)..).unwrap_or_default();
        }
        self.has_visible |= self.has_seen;
        if run.text.is_empty() {
            self.line.pop();
        }
    }

    /// Returns whether the last text is in that link, and text that comes now is of the same paragraph.
    pub(super) fn ends_in(&self, link: &Rc<Target>) -> bool {
        let before = || self.lines.last()?.last().filter(|run| !is_blank(&run.text));
        let last = self.line.last().or_else(before).and_then(|run| run.link.as_ref());
        last.is_some_and(|last| Rc::ptr_eq(last, link))
    }

    /// Appends a reference to a footnote, which is something visible.
    pub(super) fn push_note(&mut self, note: FootnoteId) {
        self.line.push(Run { text: STAND_IN.to_owned(), look: Look::default(), link: None, note: Some(note) });
        self.after_space = false;
        self.has_seen = true;
        self.has_visible = true;
    }

    /// Appends a content that was made before, and ends the line.
    pub(super) fn push_content(&mut self, content: &[Inline]) {
        content.iter().for_each(|inline| self.push_inline(inline));
        self.push_break();
    }

    /// Appends a piece that was made before.
    pub(super) fn push_inline(&mut self, inline: &Inline) {
        match inline {
            Inline::Text(text) => self.push_text(&text.text, &text.into(), None),
            Inline::LineBreak(_) => self.push_break(),
            Inline::FootnoteRef(reference) => self.push_note(reference.note.clone()),
            Inline::Link(link) => {
                let target = Target::of(link).map(Rc::new);
                for part in &link.content {
                    match part {
                        LinkPart::Text(text) => self.push_text(&text.text, &text.into(), target.as_ref()),
                        LinkPart::LineBreak(_) => self.push_break(),
                    }
                }
            }
        }
    }

    /// Appends lines that were made before; the last one goes on.
    pub(super) fn push_lines(&mut self, lines: Vec<Line>) {
        for (n, line) in lines.into_iter().enumerate() {
            if n > 0 {
                self.push_break();
            }
            for run in line {
                match run.note {
                    Some(note) => self.push_note(note),
                    None => self.push_text(&run.text, &run.look, run.link.as_ref()),
                }
            }
        }
    }

    /// Starts to look out for something visible: see `has_seen`.
    pub(super) fn start_watch(&mut self) {
        self.has_seen = false;
    }

    /// Returns whether something visible came since `start_watch`.
    pub(super) fn has_seen(&self) -> bool {
        self.has_seen
    }

    /// Ends the line.
    pub(super) fn push_break(&mut self) {
        if let Some(last) = self.line.last_mut() {
            if last.text.ends_with(' ') {
                last.text.pop();
            }
            if last.text.is_empty() {
                self.line.pop();
            }
        }
        if self.lines.is_empty() {
            self.lines.reserve_exact(1);
        }
        self.lines.push(std::mem::take(&mut self.line));
        self.after_space = true;
    }

    /// Returns whether nothing that can be seen was collected.
    pub(super) fn is_blank(&self) -> bool {
        !self.has_visible
    }

    /// Returns whether all that can be seen stands in `cite` elements, but for dashes around it.
    pub(super) fn is_all_cite(&self) -> bool {
        let is_filling = |text: &str| text.chars().all(|c| is_invisible(c) || matches!(c, '-' | '–' | '—' | '―'));
        let runs = || self.lines.iter().chain(std::iter::once(&self.line)).flatten();
        runs().any(|run| run.look.marks.is_cite() && !is_blank(&run.text))
            && runs().all(|run| run.look.marks.is_cite() || is_filling(&run.text))
    }

    /// Forgets which text stood in `cite` elements.
    pub(super) fn clear_cite(&mut self) {
        for run in self.lines.iter_mut().flatten().chain(&mut self.line) {
            run.look.marks = run.look.marks.without_cite();
        }
    }

    /// Returns the lines that show something.
    pub(super) fn into_lines(mut self) -> Vec<Line> {
        self.push_break();
        self.lines.retain(|line| !is_blank_line(line));
        self.lines
    }

    /// Returns the groups of lines that blank lines separate.
    pub(super) fn into_paragraphs(mut self) -> Vec<Vec<Line>> {
        self.push_break();
        if self.lines.len() == 1 {
            self.lines.retain(|line| !is_blank_line(line));
            return if self.lines.is_empty() { Vec::new() } else { vec![self.lines] };
        }
        let mut paragraphs = Vec::new();
        let mut current: Vec<Line> = Vec::new();
        for line in self.lines {
            if !is_blank_line(&line) {
                current.push(line);
            } else if !current.is_empty() {
                paragraphs.push(std::mem::take(&mut current));
            }
        }
        if !current.is_empty() {
            paragraphs.push(current);
        }
        paragraphs
    }
}

/// Appends lines. Those that a content would have no pieces for go on in the last run, as `content` would have it: kept
/// apart, a million of them would take a lot of memory.
pub(super) fn append_lines(all: &mut Vec<Line>, lines: Vec<Line>) {
    if all.len() < MAX_PIECES {
        return all.extend(lines);
    }
    if let Some(last) = all.last_mut().and_then(|line| line.last_mut()) {
        for line in lines {
            last.text.push(' ');
            line.iter().filter(|run| run.note.is_none()).for_each(|run| last.text.push_str(&run.text));
        }
        last.note = None;
    }
}

fn is_blank_line(line: &Line) -> bool {
    line.iter().all(|run| is_blank(&run.text))
}

/// Returns whether a text shows nothing.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

/// Returns whether a character is not to stand in any text: controls, and the two that XML forbids.
pub(super) fn is_unwanted(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// White space as HTML collapses it; a no-break space is not.
pub(super) fn is_html_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

fn is_invisible(c: char) -> bool {
    // Soft hyphen, zero-width space to right-to-left mark, word joiner, byte order mark.
    c.is_whitespace() || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}
