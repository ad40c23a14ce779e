//! The footnotes of a Markdown text: what they are called, and their order.

use std::collections::{HashMap, HashSet};

use crate::body::id::FootnoteId;

/// The footnotes as they come up.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// By the name in lower case, since names do not differ by case in Markdown.
    names: HashMap<String, Name>,
    taken: HashSet<String>,
    /// The last number that was given, or tried, for a name that is no id.
    last_number: usize,
    n_referred: usize,
    /// In the order in which they were defined.
    defined: Vec<Defined>,
}

#[derive(Debug)]
struct Name {
    id: FootnoteId,
    /// How many other notes the text referred to before; nothing if it has not referred to this one yet.
    place: Option<usize>,
    is_defined: bool,
}

/// A footnote with its text as HTML.
#[derive(Debug)]
struct Defined {
    id: FootnoteId,
    /// The name by which the text refers to it; nothing if that name was defined before.
    name: Option<String>,
    html: String,
}

impl Notes {
    /// Returns the id of the note that the text refers to by that name.
    pub(super) fn refer(&mut self, name: &str) -> Option<FootnoteId> {
        let n_referred = self.n_referred;
        let entry = self.entry(name)?;
        if entry.place.is_none() {
            entry.place = Some(n_referred);
        }
        let id = entry.id.clone();
        self.n_referred = n_referred.saturating_add(1);
        Some(id)
    }

    /// Adds a note that the text defines.
    pub(super) fn define(&mut self, name: &str, html: String) {
        let key = name.to_lowercase();
        let Some(entry) = self.entry(name) else { return };
        let (id, name) = if entry.is_defined {
            match self.fresh(name) {
                Some(id) => (id, None),
                None => return,
            }
        } else {
            entry.is_defined = true;
            (entry.id.clone(), Some(key))
        };
        self.defined.push(Defined { id, name, html });
    }

    /// Returns the notes as `to_html` writes them: first those that the text refers to.
    pub(super) fn into_html(mut self) -> String {
        if self.defined.is_empty() {
            return String::new();
        }
        let names = self.names;
        let place = |note: &Defined| {
            let name = note.name.as_ref().and_then(|name| names.get(name));
            name.and_then(|name| name.place).unwrap_or(usize::MAX)
        };
        self.defined.sort_by_key(place);
        let mut out = "\n<ol data-footnotes>".to_owned();
        for note in self.defined {
            out.push_str(&format!("<li id=\"fn-{}\">{}</li>", note.id, note.html));
        }
        out.push_str("</ol>");
        out
    }

    fn entry(&mut self, name: &str) -> Option<&mut Name> {
        let key = name.to_lowercase();
        if !self.names.contains_key(&key) {
            let id = self.fresh(name)?;
            self.names.insert(key.clone(), Name { id, place: None, is_defined: false });
        }
        self.names.get_mut(&key)
    }

    /// Makes an id that no other note has: the name itself if it may be one.
    fn fresh(&mut self, name: &str) -> Option<FootnoteId> {
        let mut id = FootnoteId::parse(name).filter(|id| !self.taken.contains(id.as_str()));
        while id.is_none() {
            // Counts on, so that many names that are no ids do not try the same numbers again.
            self.last_number = self.last_number.checked_add(1)?;
            let numbered = FootnoteId::parse(&format!("note-{}", self.last_number));
            id = numbered.filter(|id| !self.taken.contains(id.as_str()));
        }
        let id = id?;
        self.taken.insert(id.as_str().to_owned());
        Some(id)
    }
}
