//! The footnotes of a Markdown text: what they are called, and their order.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use pulldown_cmark::Event;

use crate::body::id::FootnoteId;

/// The footnotes as they come up.
#[derive(Debug, Default)]
pub(super) struct Notes<'a> {
    /// The place in `names` by the name in lower case, since names do not differ by case in Markdown.
    places: HashMap<String, usize>,
    names: Vec<Name>,
    taken: HashSet<String>,
    /// The last number that was given, or tried, for a name that is no id.
    last_number: usize,
    n_referred: usize,
    /// In the order in which they were defined.
    defined: Vec<Defined<'a>>,
}

#[derive(Debug)]
struct Name {
    id: FootnoteId,
    /// How many other notes the text referred to before; the most if it has not referred to this one yet.
    place: usize,
    is_defined: bool,
}

/// What a footnote holds.
#[derive(Debug)]
pub(super) struct Content<'a> {
    /// In how many quotes and items it stands.
    pub(super) n_containers: usize,
    pub(super) events: Vec<Event<'a>>,
}

#[derive(Debug)]
struct Defined<'a> {
    /// The place of its name in `names`.
    name: usize,
    /// Its own id, if the name was defined before.
    id: Option<FootnoteId>,
    content: Content<'a>,
}

impl<'a> Notes<'a> {
    /// Returns the id of the note that the text refers to by that name.
    pub(super) fn refer(&mut self, name: &str) -> Option<FootnoteId> {
        let place = self.place(name)?;
        let known = self.names.get_mut(place)?;
        known.place = known.place.min(self.n_referred);
        self.n_referred = self.n_referred.saturating_add(1);
        Some(known.id.clone())
    }

    /// Adds a note that the text defines.
    pub(super) fn define(&mut self, name: &str, content: Content<'a>) {
        let Some(place) = self.place(name) else { return };
        let Some(known) = self.names.get_mut(place) else { return };
        let mut id = None;
        if std::mem::replace(&mut known.is_defined, true) {
            id = numbered(&mut self.taken, &mut self.last_number);
        }
        self.defined.push(Defined { name: place, id, content });
    }

    /// Takes out the notes, first those that the text refers to.
    pub(super) fn take(&mut self) -> Vec<(FootnoteId, Content<'a>)> {
        let mut defined = std::mem::take(&mut self.defined);
        let place = |note: &Defined| match (&note.id, self.names.get(note.name)) {
            (None, Some(name)) => name.place,
            _ => usize::MAX,
        };
        defined.sort_by_key(place);
        let id = |note: &mut Defined| note.id.take().or_else(|| self.names.get(note.name).map(|name| name.id.clone()));
        defined.into_iter().filter_map(|mut note| Some((id(&mut note)?, note.content))).collect()
    }

    fn place(&mut self, name: &str) -> Option<usize> {
        match self.places.entry(name.to_lowercase()) {
            Entry::Occupied(entry) => Some(*entry.get()),
            Entry::Vacant(entry) => {
                // The name itself if it may be one.
                let id = FootnoteId::parse(name).filter(|id| self.taken.insert(id.as_str().to_owned()));
                let id = match id {
                    Some(id) => id,
                    None => numbered(&mut self.taken, &mut self.last_number)?,
                };
                let place = *entry.insert(self.names.len());
                self.names.push(Name { id, place: usize::MAX, is_defined: false });
                Some(place)
            }
        }
    }
}

/// Makes an id that no other note has.
fn numbered(taken: &mut HashSet<String>, last_number: &mut usize) -> Option<FootnoteId> {
    loop {
        // Counts on, so that many names that are no ids do not try the same numbers again.
        *last_number = last_number.checked_add(1)?;
        let id = FootnoteId::parse(&format!("note-{last_number}"))?;
        if taken.insert(id.as_str().to_owned()) {
            return Some(id);
        }
    }
}
