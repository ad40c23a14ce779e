//! The open elements, and which of them an end tag means. Every question is answered in constant time, however deep.

use crate::body::from_html::elements::Role;
use crate::body::from_html::names::ByName;
use crate::body::from_html::style::Slot;
use crate::body::from_html::tokens::Key;

/// An element that was started and not yet ended.
#[derive(Debug)]
pub(super) struct Open {
    /// The name by which it is ended: one for all headings, one for all cells.
    pub(super) key: Key,
    pub(super) role: Role,
    pub(super) slot: Slot,
    pub(super) effect: Effect,
}

/// What ending an element takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// A context of the draft.
    Context,
    /// An item that was opened.
    Item,
    /// A paragraph that is an item.
    WordItem,
    /// A row that was opened.
    Row,
    /// Line ends counted; whether there is a context too.
    Preformatted(bool),
    /// Footnotes were expected inside.
    NotesExpected,
    /// A quotation mark is due.
    Quotation,
    /// A cell: formatting elements that were opened in it end with it. Holds how many were open before, and whether there is a
    /// context.
    Cell(usize, bool),
}

/// The stack of open elements, but for formatting elements, which end independently.
#[derive(Debug, Default)]
pub(super) struct OpenElements {
    stack: Vec<Open>,
    positions: ByName<Vec<usize>>,
    scopes: Vec<usize>,
    tables: Vec<usize>,
    blocks: Vec<usize>,
    lists: Vec<usize>,
}

impl OpenElements {
    pub(super) fn push(&mut self, open: Open) {
        let at = self.stack.len();
        self.positions.entry(&open.key).push(at);
        for (positions, holds) in [
            (&mut self.scopes, open.role.is_scope()),
            (&mut self.tables, open.role == Role::Table),
            (&mut self.blocks, open.role.is_block()),
            (&mut self.lists, open.role.is_list()),
        ] {
            if holds {
                positions.push(at);
            }
        }
        self.stack.push(open);
    }

    pub(super) fn pop(&mut self) -> Option<Open> {
        let open = self.stack.pop()?;
        let at = self.stack.len();
        if let Some(positions) = self.positions.get_mut(&open.key) {
            positions.pop();
        }
        for positions in [&mut self.scopes, &mut self.tables, &mut self.blocks, &mut self.lists] {
            positions.pop_if(|position| *position == at);
        }
        Some(open)
    }

    pub(super) fn len(&self) -> usize {
        self.stack.len()
    }

    /// Returns whether the innermost part of a table is its head.
    pub(super) fn has_table_head(&self) -> bool {
        matches!(self.top(), Some(Open { role: Role::TableHead, .. }))
    }

    pub(super) fn top(&self) -> Option<&Open> {
        self.stack.last()
    }

    /// Returns where the element stands that an end tag, or a start tag that implies one, means.
    pub(super) fn find(&self, key: &Key, role: Role) -> Option<usize> {
        let at = *self.positions.get(key)?.last()?;
        let last = |positions: &Vec<usize>| positions.last().copied().unwrap_or(0);
        let border = match role {
            Role::Table => 0,
            role if role.is_in_table() => last(&self.tables),
            Role::Item | Role::Definition => last(&self.scopes).max(last(&self.lists)),
            role if role.is_block() => last(&self.scopes),
            _ => last(&self.blocks),
        };
        (at >= border).then_some(at)
    }
}
