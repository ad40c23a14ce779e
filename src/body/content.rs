//! Makes a block's content of lines: the last step to the normal form that `flow` describes.

use std::rc::Rc;

use crate::body::flow::{Line, Look, MAX_PIECES, Run, Target, To, is_blank};
use crate::body::inline::{FootnoteRefInline, Inline, LineBreakInline, LinkInline, LinkPart, TextInline};

/// Turns lines into a block's content.
pub(super) fn content(mut lines: Vec<Line>) -> Vec<Inline> {
    trim_start(&mut lines);
    trim_end(&mut lines);
    // Most blocks are one text.
    if let [line] = lines.as_mut_slice()
        && let [Run { text, look, link: None, note: None }] = line.as_mut_slice()
    {
        return vec![Inline::Text(text_inline(std::mem::take(text), look))];
    }
    unlink_blank(&mut lines);
    let mut writer = ContentWriter::default();
    writer.push_lines(lines);
    writer.finish()
}

const FILLING: [char; 2] = [' ', '\u{a0}'];

fn trim_start(lines: &mut [Line]) {
    let Some(first) = lines.first_mut() else { return };
    let n_filling = first.iter().take_while(|run| run.text.trim_start_matches(FILLING).is_empty()).count();
    first.drain(..n_filling);
    if let Some(run) = first.first_mut()
        && run.text.starts_with(FILLING)
    {
        run.text = run.text.trim_start_matches(FILLING).to_owned();
    }
}

fn trim_end(lines: &mut [Line]) {
    let Some(last) = lines.last_mut() else { return };
    while let Some(run) = last.last_mut() {
        run.text.truncate(run.text.trim_end_matches(FILLING).len());
        if !run.text.is_empty() {
            break;
        }
        last.pop();
    }
}

/// Takes the links off texts that show nothing.
fn unlink_blank(lines: &mut [Line]) {
    if !lines.iter().flatten().any(|run| run.link.is_some()) {
        return;
    }
    let mut runs: Vec<&mut Run> = lines.iter_mut().flatten().collect();
    for link in runs.chunk_by_mut(|a, b| a.link == b.link) {
        if link.iter().all(|run| is_blank(&run.text)) {
            link.iter_mut().for_each(|run| run.link = None);
        }
    }
}

#[derive(Default)]
struct ContentWriter {
    content: Vec<Inline>,
    /// The link being written. Empty when a text or break outside links came last.
    link: Option<(Rc<Target>, Vec<LinkPart>)>,
    n_pieces: usize,
}

impl ContentWriter {
    /// Joins lines by breaks. A break belongs to a link if the texts on both its sides do.
    fn push_lines(&mut self, lines: Vec<Line>) {
        let mut before: Option<Option<Rc<Target>>> = None;
        for line in lines {
            if let Some(before) = before.take() {
                let next = line.first().and_then(|run| run.link.as_ref());
                self.push_break(before.filter(|link| Some(link) == next));
            }
            before = line.last().map(|run| run.link.clone());
            line.into_iter().for_each(|run| self.push_run(run));
        }
    }

    fn push_run(&mut self, mut run: Run) {
        self.n_pieces = self.n_pieces.saturating_add(1);
        if self.n_pieces >= MAX_PIECES {
            // The last piece takes all the rest.
            run.make_plain();
        }
        self.goes_to(run.link);
        match (&mut self.link, run.note) {
            (Some((_, parts)), _) => push_link_text(parts, run.text, &run.look),
            (None, Some(note)) => self.content.push(Inline::FootnoteRef(FootnoteRefInline { note })),
            (None, None) => push_inline_text(&mut self.content, run.text, &run.look),
        }
    }

    fn push_break(&mut self, link: Option<Rc<Target>>) {
        if self.n_pieces.saturating_add(1) >= MAX_PIECES {
            return self.push_run(Run { text: " ".to_owned(), look: Look::default(), link: None, note: None });
        }
        self.n_pieces = self.n_pieces.saturating_add(1);
        self.goes_to(link);
        match &mut self.link {
            Some((_, parts)) => parts.push(LinkPart::LineBreak(LineBreakInline {})),
            None => self.content.push(Inline::LineBreak(LineBreakInline {})),
        }
    }

    /// Ends the open link, unless what comes now is in it, and starts another.
    fn goes_to(&mut self, link: Option<Rc<Target>>) {
        if self.link.as_ref().map(|(target, _)| target) != link.as_ref() {
            self.end_link();
            self.link = link.map(|target| (target, Vec::new()));
        }
    }

    fn end_link(&mut self) {
        if let Some((target, content)) = self.link.take() {
            // Most links are in one block, which then is the last to know the target.
            let Target { to, title, rel } = Rc::try_unwrap(target).unwrap_or_else(|target| (*target).clone());
            let (href, article) = match to {
                To::Href(href) => (Some(href), None),
                To::Article(article) => (None, Some(article)),
            };
            self.content.push(Inline::Link(LinkInline { href, article, title, rel, content }));
        }
    }

    fn finish(mut self) -> Vec<Inline> {
        self.end_link();
        self.content
    }
}

fn push_inline_text(content: &mut Vec<Inline>, text: String, look: &Look) {
    let new = text_inline(text, look);
    match content.last_mut() {
        Some(Inline::Text(last)) if is_alike(last, &new) => last.text.push_str(&new.text),
        _ => content.push(Inline::Text(new)),
    }
}

fn push_link_text(content: &mut Vec<LinkPart>, text: String, look: &Look) {
    let new = text_inline(text, look);
    match content.last_mut() {
        Some(LinkPart::Text(last)) if is_alike(last, &new) => last.text.push_str(&new.text),
        _ => content.push(LinkPart::Text(new)),
    }
}

fn is_alike(a: &TextInline, b: &TextInline) -> bool {
    a.marks == b.marks && a.lang == b.lang && a.dir == b.dir
}

fn text_inline(text: String, look: &Look) -> TextInline {
    TextInline { text, marks: look.marks.list(), lang: look.lang.as_deref().cloned(), dir: look.dir }
}
