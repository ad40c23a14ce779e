//! The CSS that says something about a text, and which text is under which of it.
//!
//! Word processors and rich-text editors mark text with `style` attributes, and Google Docs wraps a paste in a `b` that its
//! style declares not to be bold, so a mark can be switched on and off at every level.

use std::rc::Rc;

use crate::body::flow::{Look, Marks, Target};
use crate::body::inline::{Direction, Mark};
use crate::input::Language;

/// What one element says about its text: for each property on, off, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    values: [Option<bool>; N_PROPERTIES],
    /// The language; one that is unknown hides that of the elements around.
    lang: Option<Option<Rc<Language>>>,
    pub(super) dir: Option<Direction>,
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

    /// Returns whether the element says nothing.
    pub(super) fn is_silent(&self) -> bool {
        self.lang.is_none() && self.dir.is_none() && self.values.iter().all(Option::is_none)
    }

    /// Adds the language that an attribute gives.
    pub(super) fn read_lang(&mut self, lang: Option<&str>) {
        self.lang = lang.map(|lang| Language::parse(lang).ok().map(Rc::new));
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

impl Slot {
    /// Of elements that say nothing; closing it does nothing.
    pub(super) const SILENT: Self = Self(usize::MAX);
}

/// Whether an element is open, and whether it says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Silent,
    Speaking,
    Closed,
}

/// What the open elements say. Elements may be closed in any order.
#[derive(Debug, Default)]
pub(super) struct Styles {
    states: Vec<State>,
    /// For each property, who says what about it, innermost last. Closed ones are removed when they come to the top.
    said: [Vec<(Slot, bool)>; N_PROPERTIES],
    links: Vec<(Slot, Rc<Target>)>,
    langs: Vec<(Slot, Option<Rc<Language>>)>,
    directions: Vec<(Slot, Direction)>,
    /// What follows from all that for text that comes now.
    look: Look,
}

impl Styles {
    pub(super) fn open(&mut self, says: Says) -> Slot {
        self.open_link(says, None)
    }

    pub(super) fn open_link(&mut self, says: Says, target: Option<Rc<Target>>) -> Slot {
        let slot = Slot(self.states.len());
        self.states.push(if says.is_silent() && target.is_none() { State::Silent } else { State::Speaking });
        self.links.extend(target.map(|target| (slot, target)));
        if !says.is_silent() {
            for (said, value) in self.said.iter_mut().zip(says.values) {
                said.extend(value.map(|on| (slot, on)));
            }
            self.langs.extend(says.lang.map(|lang| (slot, lang)));
            self.directions.extend(says.dir.map(|dir| (slot, dir)));
            self.refresh();
        }
        slot
    }

    pub(super) fn close(&mut self, slot: Slot) {
        let Some(state) = self.states.get_mut(slot.0) else { return };
        if std::mem::replace(state, State::Closed) != State::Speaking {
            return;
        }
        let is_closed = |slot: &Slot| self.states.get(slot.0) == Some(&State::Closed);
        for said in &mut self.said {
            while said.pop_if(|(slot, _)| is_closed(slot)).is_some() {}
        }
        while self.links.pop_if(|(slot, _)| is_closed(slot)).is_some() {}
        while self.langs.pop_if(|(slot, _)| is_closed(slot)).is_some() {}
        while self.directions.pop_if(|(slot, _)| is_closed(slot)).is_some() {}
        self.refresh();
    }

    pub(super) fn is_open(&self, slot: Slot) -> bool {
        self.states.get(slot.0).is_some_and(|state| *state != State::Closed)
    }

    fn refresh(&mut self) {
        let is_on = |said: &Vec<(Slot, bool)>| said.last().is_some_and(|(_, on)| *on);
        let shown = Mark::ALL.into_iter().zip(&self.said).filter(|(_, said)| is_on(said));
        let marks = shown.fold(Marks::default(), |marks, (mark, _)| marks.with(mark));
        self.look.marks = if self.said.last().is_some_and(is_on) { marks.with_cite() } else { marks };
        self.look.lang = self.langs.last().and_then(|(_, lang)| lang.clone());
        self.look.dir = self.directions.last().map(|(_, dir)| *dir);
    }

    /// Returns the look of text that comes now.
    pub(super) fn look(&self) -> &Look {
        &self.look
    }

    /// Returns the link of text that comes now.
    pub(super) fn link(&self) -> Option<&Rc<Target>> {
        self.links.last().map(|(_, target)| target)
    }
}
