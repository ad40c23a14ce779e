//! Formatting elements, such as `b` and `a`: browsers let them go on after the block in which they were opened has ended.

use crate::body::from_html::names::ByName;
use crate::body::from_html::style::{Slot, Styles};
use crate::body::from_html::tokens::Key;

/// Formatting elements, which end independently of the blocks around them.
#[derive(Debug, Default)]
pub(super) struct Formatting {
    open: Vec<Slot>,
    /// For each name, where in `open` they stand; those closed are removed when they come to the top.
    by_name: ByName<Vec<(usize, Slot)>>,
    /// For each open cell, how many were open before it: its end tags do not reach further.
    cells: Vec<usize>,
}

impl Formatting {
    pub(super) fn open(&mut self, name: &Key, slot: Slot) {
        self.by_name.entry(name).push((self.open.len(), slot));
        self.open.push(slot);
    }

    /// Takes out the innermost element of that name in the same cell.
    pub(super) fn close(&mut self, name: &Key, styles: &Styles) -> Option<Slot> {
        let places = self.by_name.get_mut(name)?;
        while places.pop_if(|(_, slot)| !styles.is_open(*slot)).is_some() {}
        let border = self.cells.last().copied().unwrap_or(0);
        places.pop_if(|(at, _)| *at >= border).map(|(_, slot)| slot)
    }

    pub(super) fn start_cell(&mut self) -> usize {
        self.cells.push(self.open.len());
        self.open.len()
    }

    pub(super) fn end_cell(&mut self, n_before: usize, styles: &mut Styles) {
        self.cells.pop();
        for slot in self.open.drain(n_before.min(self.open.len())..) {
            styles.close(slot);
        }
    }
}
