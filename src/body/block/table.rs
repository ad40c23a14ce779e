//! Tables.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::id::BlockId;
use crate::body::inline::Inline;

/// The most rows of a table, and the most rows that a cell may span.
pub(in crate::body) const MAX_ROWS: usize = 2000;

/// The most columns of a table, those that cells span included.
pub(in crate::body) const MAX_COLUMNS: usize = 100;

/// A table. Cells hold text, links and line breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "table", "id": "results", "header_rows": 1, "header_columns": 0,
    "rows": [
        {"cells": [{"content": [{"type": "text", "text": "Seats", "marks": []}], "column_span": 1, "row_span": 1}]},
        {"cells": [{"content": [{"type": "text", "text": "290", "marks": []}], "column_span": 1, "row_span": 1}]}
    ],
    "caption": [{"type": "text", "text": "The results", "marks": []}]
}))]
pub struct TableBlock {
    /// The block's id, unique in the body. Made from the text when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "results")]
    pub id: BlockId,
    /// How many rows at the top are headers. 0 when left out; always present in answers.
    #[schema(required = false, maximum = 2000, example = 1)]
    #[serde(default)]
    pub header_rows: u32,
    /// How many columns at the start are headers, in the rows that are not. 0 when left out; always present in answers. A
    /// number that does not fall between two cells in any row is changed to one that does.
    #[schema(required = false, maximum = 100, example = 0)]
    #[serde(default)]
    pub header_columns: u32,
    /// The rows from top to bottom, at most 2,000. Rows without cells are dropped, and so is a table without any text.
    #[schema(max_items = 2000)]
    pub rows: Vec<TableRow>,
    /// The caption, or null.
    #[schema(max_items = 100000)]
    #[serde(default)]
    pub caption: Option<Vec<Inline>>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "cells": [{"content": [{"type": "text", "text": "290", "marks": []}], "column_span": 1, "row_span": 1}]
}))]
pub struct TableRow {
    /// The cells in order, at most 100.
    #[schema(max_items = 100)]
    pub cells: Vec<TableCell>,
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "content": [{"type": "text", "text": "290", "marks": []}], "column_span": 1, "row_span": 1
}))]
pub struct TableCell {
    /// The cell's text, links and line breaks; may be empty.
    #[schema(max_items = 100000)]
    pub content: Vec<Inline>,
    /// How many columns the cell takes, 1 to 100. 1 when left out; always present in answers.
    #[schema(required = false, minimum = 1, maximum = 100, example = 1)]
    #[serde(default = "one")]
    pub column_span: u32,
    /// How many rows the cell takes, 1 to 2,000. 1 when left out; always present in answers.
    #[schema(required = false, minimum = 1, maximum = 2000, example = 1)]
    #[serde(default = "one")]
    pub row_span: u32,
}

fn one() -> u32 {
    1
}

/// Which cells of a table are headers, as far as columns go.
pub(in crate::body) struct HeaderCells {
    /// For each row below the header rows, how many of its cells at the start are headers.
    pub(in crate::body) n_cells: Vec<usize>,
    /// The number of columns that are headers in all these rows.
    pub(in crate::body) n_columns: u32,
}

/// Lays out the rows below the header rows, and returns which cells are headers when `is_header` says so of a cell, given
/// its place in its row and the column at which it starts.
///
/// A header cell further on in a row, behind one that is none, does not count.
pub(in crate::body) fn header_cells(
    rows: &[TableRow],
    mut is_header: impl FnMut(usize, usize, usize) -> bool,
) -> HeaderCells {
    let mut grid = Grid::default();
    let mut n_cells = Vec::with_capacity(rows.len());
    let mut n_columns: Option<usize> = None;
    for (n_row, row) in rows.iter().enumerate() {
        grid.start_row();
        let mut n_headers = 0_usize;
        for (n_cell, cell) in row.cells.iter().enumerate() {
            grid.skip_taken();
            let is_header = is_header(n_row, n_cell, grid.column) && grid.is_unbroken;
            n_headers = n_headers.saturating_add(usize::from(is_header));
            grid.place(cell, is_header);
        }
        grid.skip_taken();
        n_cells.push(n_headers);
        n_columns = Some(n_columns.map_or(grid.n_headers, |least| least.min(grid.n_headers)));
    }
    HeaderCells { n_cells, n_columns: n_columns.and_then(|n| u32::try_from(n).ok()).unwrap_or(0) }
}

/// Brings a table into normal form; nothing if there is nothing to see in it.
pub(in crate::body) fn normal_table(mut table: TableBlock) -> Option<TableBlock> {
    let is_filled = |row: &TableRow| row.cells.iter().any(|cell| !cell.content.is_empty());
    if !table.rows.iter().any(is_filled) && table.caption.is_none() {
        return None;
    }
    let header_rows = usize::try_from(table.header_rows).unwrap_or(usize::MAX);
    let n_dropped = table.rows.iter().take(header_rows).filter(|row| row.cells.is_empty()).count();
    table.rows.retain(|row| !row.cells.is_empty());
    let n_header_rows = header_rows.saturating_sub(n_dropped).min(table.rows.len());
    table.header_rows = u32::try_from(n_header_rows).unwrap_or(u32::MAX);
    let rows = table.rows.get(n_header_rows..).unwrap_or_default();
    let n_columns = usize::try_from(table.header_columns).unwrap_or(usize::MAX);
    table.header_columns = header_cells(rows, |_, _, column| column < n_columns).n_columns;
    Some(table)
}

/// Returns how many columns a table has.
pub(in crate::body) fn width(rows: &[TableRow]) -> usize {
    let mut grid = Grid::default();
    for cells in rows.iter().map(|row| &row.cells) {
        grid.start_row();
        for cell in cells {
            grid.skip_taken();
            grid.place(cell, false);
        }
    }
    grid.places.len()
}

/// Where the cells of a row stand.
#[derive(Debug, Default)]
struct Grid {
    /// For each column: the cell that takes it.
    places: Vec<Place>,
    column: usize,
    /// How many columns at the start of the row are headers.
    n_headers: usize,
    /// Whether all columns before this one are headers.
    is_unbroken: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Whether a cell of a row above takes the column in this row.
    is_taken: bool,
    /// How many more rows the cell takes.
    n_rows: u32,
    is_header: bool,
}

impl Grid {
    fn start_row(&mut self) {
        for place in &mut self.places {
            place.is_taken = place.n_rows > 0;
            place.n_rows = place.n_rows.saturating_sub(1);
        }
        self.column = 0;
        self.n_headers = 0;
        self.is_unbroken = true;
    }

    /// Moves behind the columns that cells from above take.
    fn skip_taken(&mut self) {
        while let Some(place) = self.places.get(self.column).copied().filter(|place| place.is_taken) {
            self.advance(1, place.is_header);
        }
    }

    fn place(&mut self, cell: &TableCell, is_header: bool) {
        let width = usize::try_from(cell.column_span).unwrap_or(1).clamp(1, MAX_COLUMNS);
        let end = self.column.saturating_add(width);
        if self.places.len() < end {
            self.places.resize(end, Place::default());
        }
        for place in self.places.iter_mut().skip(self.column).take(width) {
            *place = Place { is_taken: false, n_rows: cell.row_span.saturating_sub(1), is_header };
        }
        self.advance(width, is_header);
    }

    fn advance(&mut self, width: usize, is_header: bool) {
        self.column = self.column.saturating_add(width);
        self.is_unbroken &= is_header;
        if self.is_unbroken {
            self.n_headers = self.column;
        }
    }
}
