//! Reading what stands inside blocks.

use std::rc::Rc;

use deserr::{DeserializeError, ErrorKind, IntoValue, ValuePointerRef};

use crate::body::flow::{self, Flow, Look, MAX_PIECES, Marks, Target, To};
use crate::body::href::Href;
use crate::body::id::{BlockId, FootnoteId};
use crate::body::inline::{Direction, LinkRel, MAX_TEXT_CHARS, MAX_TITLE_CHARS, Mark};
use crate::body::input::reader::{Fields, Read, Reader, Reported, steps};
use crate::body::reference::ArticleRef;
use crate::input::Language;

const INLINE_TYPES: &[&str] = &["text", "link", "line_break", "footnote_ref"];
const LINK_PART_TYPES: &[&str] = &["text", "line_break"];

impl<E: DeserializeError> Reader<E> {
    /// Reads what stands inside a block.
    pub(super) fn flow<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<Flow> {
        let mut flow = Flow::default();
        let mut is_sound = true;
        for (n, value) in self.up_to(MAX_PIECES, value, at)?.enumerate() {
            is_sound &= self.inline(value, &mut flow, INLINE_TYPES, None, at.push_index(n)).is_ok();
        }
        is_sound.then_some(flow).ok_or(Reported)
    }

    fn inline<V: IntoValue>(
        &mut self,
        value: V,
        flow: &mut Flow,
        accepted: &[&str],
        link: Option<&Rc<Target>>,
        at: ValuePointerRef,
    ) -> Read<()> {
        let mut fields = self.object(value, at)?;
        match self.type_of(&mut fields, accepted, at)?.as_str() {
            "text" => self.text_inline(fields, flow, link, at),
            "link" => self.link(fields, flow, at),
            "footnote_ref" => self.footnote_ref(fields, flow, at),
            _ => {
                flow.push_break();
                self.no_more(fields, &["type"], at);
                Ok(())
            }
        }
    }

    fn text_inline<V: IntoValue>(
        &mut self,
        mut fields: Fields<V>,
        flow: &mut Flow,
        link: Option<&Rc<Target>>,
        at: ValuePointerRef,
    ) -> Read<()> {
        let value = self.required(&mut fields, "text", at);
        let text = value.and_then(|value| self.clean_text(value, MAX_TEXT_CHARS, at.push_key("text")));
        let marks = self.marks(&mut fields, at);
        let lang = match fields.take_given("lang") {
            None => Ok(None),
            Some(value) => self.language(value, at.push_key("lang")).map(|lang| Some(Rc::new(lang))),
        };
        let dir = match fields.take_given("dir") {
            None => Ok(None),
            Some(value) => self.named(value, &Direction::NAMES, at.push_key("dir"), Direction::parse).map(Some),
        };
        self.no_more(fields, &["type", "text", "marks", "lang", "dir"], at);
        let (text, look) = (text?, Look { marks: marks?, lang: lang?, dir: dir? });
        for (n, line) in text.replace("\r\n", "\n").split(['\n', '\r']).enumerate() {
            if n > 0 {
                flow.push_break();
            }
            flow.push_text(line, &look, link);
        }
        Ok(())
    }

    fn marks<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<Marks> {
        let at_marks = at.push_key("marks");
        let Some(values) = fields.take_given("marks") else {
            return Ok(Marks::default());
        };
        let mut marks = Ok(Marks::default());
        for (n, value) in self.sequence(values, at_marks)?.enumerate() {
            let at_mark = at_marks.push_index(n);
            let mark = self.named(value, &Mark::NAMES, at_mark, Mark::parse);
            marks = marks.and_then(|marks| mark.map(|mark| marks.with(mark)));
        }
        marks
    }

    fn language<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<Language> {
        let shape = "must be a BCP 47 language tag such as en, fa or zh-Hant";
        self.parsed(value, at, |text| Language::parse(text).map_err(|_| shape.to_owned()))
    }

    fn footnote_ref<V: IntoValue>(&mut self, mut fields: Fields<V>, flow: &mut Flow, at: ValuePointerRef) -> Read<()> {
        let note = self.required(&mut fields, "note", at);
        let at_note = at.push_key("note");
        let note = note.and_then(|value| self.footnote_id(value, at_note));
        self.no_more(fields, &["type", "note"], at);
        let note = note?;
        self.references.push((note.clone(), steps(at_note)));
        flow.push_note(note);
        Ok(())
    }

    pub(super) fn footnote_id<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<FootnoteId> {
        let max = BlockId::MAX_CHARS;
        let shape = format!("a footnote's id is 1 to {max} ASCII letters, digits, `_` and `-`");
        self.parsed(value, at, |text| FootnoteId::parse(text).ok_or_else(|| shape.clone()))
    }

    fn link<V: IntoValue>(&mut self, mut fields: Fields<V>, flow: &mut Flow, at: ValuePointerRef) -> Read<()> {
        let to = self.link_target(&mut fields, at);
        let title = self.line(&mut fields, "title", MAX_TITLE_CHARS, at);
        let rel = self.rel(&mut fields, at);
        let parts = self.required(&mut fields, "content", at);
        self.no_more(fields, &["type", "href", "article", "title", "rel", "content"], at);
        let at_content = at.push_key("content");
        let (target, is_sound) = match (to, title, rel) {
            (Ok(to), Ok(title), Ok(rel)) => (Some(Rc::new(Target { to, title, rel })), true),
            _ => (None, false),
        };
        let mut parts_are_sound = true;
        flow.start_watch();
        for (n, value) in self.up_to(MAX_PIECES, parts?, at_content)?.enumerate() {
            let at_part = at_content.push_index(n);
            parts_are_sound &= self.inline(value, flow, LINK_PART_TYPES, target.as_ref(), at_part).is_ok();
        }
        if parts_are_sound && !flow.has_seen() {
            self.refuse::<V>("a link needs text that can be seen".to_owned(), at_content);
            return Err(Reported);
        }
        (is_sound && parts_are_sound).then_some(()).ok_or(Reported)
    }

    fn link_target<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<To> {
        match (fields.take_given("href"), fields.take_given("article")) {
            (Some(href), None) => self.href(href, at.push_key("href")).map(To::Href),
            (None, Some(article)) => self.article(article, at.push_key("article")).map(To::Article),
            (None, None) => {
                self.fault::<V>(ErrorKind::MissingField { field: "href" }, at);
                Err(Reported)
            }
            (Some(_), Some(_)) => {
                self.refuse::<V>("a link has either `href` or `article`".to_owned(), at.push_key("article"));
                Err(Reported)
            }
        }
    }

    pub(super) fn href<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<Href> {
        self.parsed(value, at, |text| Href::parse(text).map_err(|fault| fault.to_string()))
    }

    pub(super) fn article<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<ArticleRef> {
        self.parsed(value, at, |text| ArticleRef::parse(text).ok_or_else(|| "must be an article's id".to_owned()))
    }

    fn rel<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<Vec<LinkRel>> {
        let at_rel = at.push_key("rel");
        let Some(values) = fields.take_given("rel") else {
            return Ok(Vec::new());
        };
        let mut rel = Ok(Vec::new());
        for (n, value) in self.sequence(values, at_rel)?.enumerate() {
            let one = self.named(value, &LinkRel::NAMES, at_rel.push_index(n), LinkRel::parse);
            rel = rel.and_then(|mut rel: Vec<LinkRel>| {
                rel.push(one?);
                Ok(rel)
            });
        }
        rel.map(|mut rel| {
            rel.sort_unstable();
            rel.dedup();
            rel
        })
    }

    /// Reads text of at most so many characters, without characters that no page should carry.
    pub(super) fn clean_text<V: IntoValue>(&mut self, value: V, max_chars: usize, at: ValuePointerRef) -> Read<String> {
        let text = self.text(value, at)?;
        if text.chars().nth(max_chars).is_some() {
            self.refuse::<V>(format!("can have at most {max_chars} characters"), at);
            return Err(Reported);
        }
        match text.chars().find(|c| flow::is_unwanted(*c) && !matches!(c, '\t' | '\n' | '\r')) {
            None => Ok(text),
            Some(c) => {
                self.refuse::<V>(format!("the character U+{:04X} cannot stand in text", u32::from(c)), at);
                Err(Reported)
            }
        }
    }
}
