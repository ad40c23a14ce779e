//! What is known by the names of elements.

use std::collections::HashMap;

use crate::body::from_html::tokens::Key;

/// How many names are looked through one by one, which for as few as pages have is faster than a hash.
const MAX_FEW: usize = 16;

/// A map by names of elements.
#[derive(Debug, Default)]
pub(super) struct ByName<T> {
    few: Vec<(Key, T)>,
    /// Those that came when `few` was full.
    many: HashMap<Key, T>,
}

impl<T: Default> ByName<T> {
    pub(super) fn get(&self, name: &Key) -> Option<&T> {
        match self.few.iter().find(|(known, _)| known == name) {
            Some((_, value)) => Some(value),
            None if self.many.is_empty() => None,
            None => self.many.get(name),
        }
    }

    pub(super) fn get_mut(&mut self, name: &Key) -> Option<&mut T> {
        match self.few.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => Some(value),
            None if self.many.is_empty() => None,
            None => self.many.get_mut(name),
        }
    }

    /// Returns the value of that name, and adds one if there is none.
    pub(super) fn entry(&mut self, name: &Key) -> &mut T {
        let at = self.few.iter().position(|(known, _)| known == name);
        let at = at.unwrap_or_else(|| {
            if self.few.len() < MAX_FEW {
                self.few.push((name.clone(), T::default()));
                self.few.len().saturating_sub(1)
            } else {
                MAX_FEW
            }
        });
        match self.few.get_mut(at) {
            Some((_, value)) => value,
            None => self.many.entry(name.clone()).or_default(),
        }
    }
}
