//! The CSS that says something about a text, and which text is under which of it.
//!
//! Word processors and rich-text editors mark text with `style` attributes, and Google Docs wraps a paste in a `b` that its
//! style declares not to be bold, so a mark can be switched on and off at every level.

use std::rc::Rc;

use crate::body::flow::{Look, Marks, Target};
use crate::body::inline::{Direction, Mark};
use crate::input::Language;

/// What one element says about its text: for each property on, off, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    values: [Option<bool>; N_PROPERTIES],
}

/// One property for each mark, and one for standing in a `cite` element.
const N_PROPERTIES: usize = Mark::ALL.len() + 1;

impl Says {
    pub(super) fn mark(mark: Option<Mark>) -> Self {
        let mut says = Self::default();
        if let Some(mark) = mark {
            says.set(mark, true);
        }
        says
    }

    pub(super) fn cite() -> Self {
        let mut says = Self::default();
        if let Some(value) = says.values.last_mut() {
            *value = Some(true);
        }
        says
    }

    pub(super) fn set(&mut self, mark: Mark, on: bool) {
        for (known, value) in Mark::ALL.into_iter().zip(&mut self.values) {
            if known == mark {
                *value = Some(on);
            }
        }
    }

    /// Adds what a `style` attribute says, which prevails over what the element's name says.
    pub(super) fn read_style(&mut self, style: &str, is_in_link: bool) {
        for declaration in style.split(';') {
            let Some((name, value)) = declaration.split_once(':') else {
                continue;
            };
            // No value that matters here is longer; pictures as data URLs are.
            let Some(value) = Some(value.trim()).filter(|value| value.len() < 100) else {
                continue;
            };
            let value = value.to_ascii_lowercase();
            match name.trim().to_ascii_lowercase().as_str() {
                "font-weight" => self.read_weight(value.trim_end_matches("!important").trim()),
                "font-style" if value.starts_with("italic") || value.starts_with("oblique") => {
                    self.set(Mark::Italic, true);
                }
                "font-style" if value.starts_with("normal") => self.set(Mark::Italic, false),
                "text-decoration" | "text-decoration-line" => self.read_decoration(&value, is_in_link),
                "font-variant" | "font-variant-caps" => {
                    if value.contains("small-caps") {
                        self.set(Mark::SmallCaps, true);
                    } else if value.starts_with("normal") {
                        self.set(Mark::SmallCaps, false);
                    }
                }
                "vertical-align" if value.starts_with("super") => self.set(Mark::Sup, true),
                "vertical-align" if value.starts_with("sub") => self.set(Mark::Sub, true),
                _ => {}
            }
        }
    }

    fn read_weight(&mut self, value: &str) {
        match value {
            "bold" | "bolder" => self.set(Mark::Bold, true),
            "normal" | "lighter" => self.set(Mark::Bold, false),
            _ => {
                if let Ok(weight) = value.parse::<u16>() {
                    self.set(Mark::Bold, weight >= 600);
                }
            }
        }
    }

    fn read_decoration(&mut self, value: &str, is_in_link: bool) {
        for word in value.split_ascii_whitespace() {
            match word {
                // Links are underlined anyway.
                "underline" if !is_in_link => self.set(Mark::Underline, true),
                "line-through" => self.set(Mark::Strike, true),
                _ => {}
            }
        }
    }
}

/// Names an element that says something about its text, until it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(usize);

/// What the open elements say. Elements may be closed in any order.
#[derive(Debug, Default)]
pub(super) struct Styles {
    is_closed: Vec<bool>,
    /// For each property, who says what about it, innermost last. Closed ones are removed when they come to the top.
    said: [Vec<(Slot, bool)>; N_PROPERTIES],
    links: Vec<(Slot, Rc<Target>)>,
    /// Who says which language the text has; nothing is an unknown one.
    langs: Vec<(Slot, Option<Rc<Language>>)>,
    directions: Vec<(Slot, Direction)>,
}

impl Styles {
    pub(super) fn open(&mut self, says: Says) -> Slot {
        let slot = Slot(self.is_closed.len());
        self.is_closed.push(false);
        for (said, value) in self.said.iter_mut().zip(says.values) {
            said.extend(value.map(|on| (slot, on)));
        }
        slot
    }

    /// Adds the language and the direction that an element gives to its text.
    pub(super) fn set_voice(&mut self, slot: Slot, lang: Option<&str>, dir: Option<Direction>) {
        self.langs.extend(lang.map(|lang| (slot, Language::parse(lang).ok().map(Rc::new))));
        self.directions.extend(dir.map(|dir| (slot, dir)));
    }

    pub(super) fn open_link(&mut self, says: Says, target: Option<Target>) -> Slot {
        let slot = self.open(says);
        self.links.extend(target.map(|target| (slot, Rc::new(target))));
        slot
    }

    pub(super) fn close(&mut self, slot: Slot) {
        if let Some(is_closed) = self.is_closed.get_mut(slot.0) {
            *is_closed = true;
        }
        let is_closed = |slot: &Slot| self.is_closed.get(slot.0).copied().unwrap_or(true);
        for said in &mut self.said {
            while said.pop_if(|(slot, _)| is_closed(slot)).is_some() {}
        }
        while self.links.pop_if(|(slot, _)| is_closed(slot)).is_some() {}
        while self.langs.pop_if(|(slot, _)| is_closed(slot)).is_some() {}
        while self.directions.pop_if(|(slot, _)| is_closed(slot)).is_some() {}
    }

    pub(super) fn is_open(&self, slot: Slot) -> bool {
        self.is_closed.get(slot.0) == Some(&false)
    }

    /// Returns the look of text that comes now.
    pub(super) fn look(&self) -> Look {
        let is_on = |said: &Vec<(Slot, bool)>| said.last().is_some_and(|(_, on)| *on);
        let shown = Mark::ALL.into_iter().zip(&self.said).filter(|(_, said)| is_on(said));
        let marks = shown.fold(Marks::default(), |marks, (mark, _)| marks.with(mark));
        let marks = if self.said.last().is_some_and(is_on) { marks.with_cite() } else { marks };
        let lang = self.langs.last().and_then(|(_, lang)| lang.clone());
        Look { marks, lang, dir: self.directions.last().map(|(_, dir)| *dir) }
    }

    /// Returns the link of text that comes now.
    pub(super) fn link(&self) -> Option<&Rc<Target>> {
        self.links.last().map(|(_, target)| target)
    }
}
