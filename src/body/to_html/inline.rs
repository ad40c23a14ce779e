//! Writes what stands inside blocks.

use crate::body::href::Href;
use crate::body::id::FootnoteId;
use crate::body::inline::{Inline, LinkInline, LinkPart, LinkRel, Mark, TextInline};
use crate::body::to_html::Writer;

impl<'a> Writer<'a> {
    pub(super) fn content(&mut self, content: &'a [Inline]) {
        let mut looks = OpenLooks::default();
        for inline in content {
            match inline {
                Inline::Text(text) => self.text(&mut looks, text),
                Inline::LineBreak(_) => self.out.push_str("<br>"),
                Inline::Link(link) => {
                    self.close(&mut looks);
                    self.link(link);
                }
                Inline::FootnoteRef(reference) => {
                    self.close(&mut looks);
                    self.footnote_ref(&reference.note);
                }
            }
        }
        self.close(&mut looks);
    }

    fn link(&mut self, link: &'a LinkInline) {
        self.out.push_str("<a");
        match (&link.href, link.article) {
            (_, Some(article)) => {
                if let Some(url) = self.article_url(article) {
                    self.attribute("href", &url);
                }
                self.attribute("data-article", &article.to_string());
            }
            (Some(href), None) => {
                let address = self.address(href);
                self.attribute("href", &address);
            }
            (None, None) => {}
        }
        if let Some(title) = &link.title {
            self.attribute("title", title);
        }
        self.rel(link.href.as_ref(), &link.rel);
        self.out.push('>');
        let mut looks = OpenLooks::default();
        for part in &link.content {
            match part {
                LinkPart::Text(text) => self.text(&mut looks, text),
                LinkPart::LineBreak(_) => self.out.push_str("<br>"),
            }
        }
        self.close(&mut looks);
        self.out.push_str("</a>");
    }

    pub(super) fn rel(&mut self, href: Option<&Href>, rel: &[LinkRel]) {
        let noopener = href.filter(|href| self.is_foreign(href)).map(|_| "noopener");
        let tokens: Vec<&str> = noopener.into_iter().chain(rel.iter().map(|rel| rel.as_str())).collect();
        if !tokens.is_empty() {
            self.attribute("rel", &tokens.join(" "));
        }
    }

    pub(super) fn footnote_ref(&mut self, note: &FootnoteId) {
        let number = self.numbers.number(note).map_or_else(|| "*".to_owned(), |number| number.to_string());
        self.out.push_str("<sup");
        self.attribute("data-fn", note.as_str());
        self.out.push_str("><a");
        self.attribute("href", &format!("#fn-{note}"));
        self.out.push('>');
        self.out.push_str(&number);
        self.out.push_str("</a></sup>");
    }

    fn text(&mut self, looks: &mut OpenLooks<'a>, text: &'a TextInline) {
        let voice = Voice { lang: text.lang.as_ref().map(|lang| lang.as_str()), dir: text.dir.map(|dir| dir.as_str()) };
        if looks.voice != voice {
            self.close(looks);
            if voice != Voice::default() {
                self.out.push_str("<span");
                if let Some(lang) = voice.lang {
                    self.attribute("lang", lang);
                }
                if let Some(dir) = voice.dir {
                    self.attribute("dir", dir);
                }
                self.out.push('>');
                looks.voice = voice;
            }
        }
        let n_kept = looks.marks.iter().take_while(|mark| text.marks.contains(mark)).count();
        self.close_marks(looks, n_kept);
        for mark in &text.marks {
            if !looks.marks.contains(mark) {
                self.tag("<", start(*mark));
                looks.marks.push(*mark);
            }
        }
        self.escaped(&text.text);
    }

    fn close(&mut self, looks: &mut OpenLooks<'a>) {
        self.close_marks(looks, 0);
        if std::mem::take(&mut looks.voice) != Voice::default() {
            self.out.push_str("</span>");
        }
    }

    fn close_marks(&mut self, looks: &mut OpenLooks<'a>, n_kept: usize) {
        for mark in looks.marks.drain(n_kept.min(looks.marks.len())..).rev() {
            self.tag("</", end(mark));
        }
    }
}

/// The elements that are open around text.
#[derive(Default)]
struct OpenLooks<'a> {
    voice: Voice<'a>,
    /// Outermost first; inside `voice`.
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Voice<'a> {
    lang: Option<&'a str>,
    dir: Option<&'static str>,
}

fn start(mark: Mark) -> &'static str {
    if mark == Mark::SmallCaps { "span data-small-caps" } else { end(mark) }
}

fn end(mark: Mark) -> &'static str {
    match mark {
        Mark::Bold => "strong",
        Mark::Italic => "em",
        Mark::Underline => "u",
        Mark::Strike => "s",
        Mark::Code => "code",
        Mark::Sub => "sub",
        Mark::Sup => "sup",
        Mark::SmallCaps => "span",
    }
}
