//! Tables: real ones, and those that only arrange things on a page.

use crate::body::block::{
    Block, MAX_COLUMNS, MAX_ROWS, TableBlock, TableCell, TableRow, header_cells, normal_table, width,
};
use crate::body::content::content;
use crate::body::flow::{Flow, Line, Look};
use crate::body::from_html::draft::Draft;
use crate::body::from_html::draft::context::{CellDraft, Context, FlatDraft, RowDraft, TableDraft};
use crate::body::from_html::draft::finish::{lines_of, paragraph};
use crate::body::id::BlockId;
use crate::body::inline::Inline;

/// How deep tables may stand in tables.
const MAX_TABLES: usize = 4;

/// Stands between the cells of a row that becomes a paragraph.
pub(in crate::body::from_html) const CELL_SEPARATOR: &str = " | ";

impl Draft {
    /// Starts a table; false when its rows are to go to what is open, line by line.
    pub(in crate::body::from_html) fn open_table(&mut self, is_layout: bool) -> bool {
        let n_open = self.stack.iter().filter(|context| matches!(context, Context::Table(_))).count();
        if self.is_full() || n_open >= MAX_TABLES {
            return false;
        }
        self.leave_lists();
        let base = self.base().and_then(|at| self.stack.get(at));
        let is_possible = matches!(base, None | Some(Context::Details(_) | Context::Cell(_)));
        if is_possible {
            self.stack.push(Context::Table(TableDraft { is_layout, ..TableDraft::default() }));
        }
        is_possible
    }

    /// Starts a row, if a table is open.
    pub(in crate::body::from_html) fn open_row(&mut self, is_head: bool) {
        if let Some(Context::Table(table)) = self.stack.last_mut() {
            table.has_head |= is_head;
            table.start_row(is_head);
        }
        self.flatten_large();
    }

    pub(in crate::body::from_html) fn close_row(&mut self) {
        if let Some(Context::Table(table)) = self.stack.last_mut() {
            table.is_row_open = false;
        }
        self.flatten_large();
    }

    /// Starts a cell; false if no table is open.
    pub(in crate::body::from_html) fn open_cell(&mut self, mut cell: CellDraft) -> bool {
        let Some(Context::Table(table)) = self.stack.last_mut() else {
            return false;
        };
        if table.flat.is_some() {
            cell.lines = Some(Vec::new());
        } else if !table.is_row_open || table.rows.is_empty() {
            table.start_row(false);
        }
        self.stack.push(Context::Cell(cell));
        true
    }

    /// Takes a table apart as soon as it is clear that it is too large to be one, rather than keep all its cells until then.
    fn flatten_large(&mut self) {
        let Some(Context::Table(table)) = self.stack.last_mut() else { return };
        let is_wide = table.rows.last().is_some_and(|row| row.cells.len() > MAX_COLUMNS);
        if table.flat.is_none() && !is_wide && table.rows.len() <= MAX_ROWS {
            return;
        }
        let mut flat = table.flat.take().unwrap_or_default();
        let n_before = flat.blocks.len();
        flat.end_row();
        let open = if table.is_row_open { table.rows.pop() } else { None };
        table.rows.drain(..).for_each(|row| flatten(row, &mut flat.blocks));
        open.into_iter().flat_map(|row| row.cells).for_each(|cell| flat.push_cell(cell));
        self.n_blocks = self.n_blocks.saturating_add(flat.blocks.len().saturating_sub(n_before));
        table.flat = Some(flat);
    }

    pub(super) fn close_cell(&mut self, cell: CellDraft) {
        let Some(Context::Table(table)) = self.stack.last_mut() else { return };
        if let Some(flat) = &mut table.flat {
            let n_before = flat.blocks.len();
            flat.push_cell(cell);
            self.n_blocks = self.n_blocks.saturating_add(flat.blocks.len().saturating_sub(n_before));
        } else if let Some(row) = table.rows.last_mut() {
            row.cells.push(cell);
            if row.cells.len() > MAX_COLUMNS {
                self.flatten_large();
            }
        }
    }

    /// Takes text between cells, which a table cannot hold: it is no real table then.
    pub(super) fn stray_cell(&mut self, flow: Flow) {
        let blocks: Vec<Block> = flow.into_paragraphs().into_iter().map(paragraph).map(Block::Paragraph).collect();
        self.n_blocks = self.n_blocks.saturating_add(blocks.len());
        if let Some(Context::Table(table)) = self.stack.last_mut() {
            table.is_layout = true;
            table.is_row_open = false;
            if let Some(flat) = &mut table.flat {
                flat.end_row();
                return flat.blocks.extend(blocks);
            }
            table.rows.push(RowDraft { is_head: false, cells: vec![CellDraft { blocks, ..CellDraft::default() }] });
        }
    }

    pub(super) fn close_table(&mut self, mut table: TableDraft) {
        table.rows.retain(|row| !row.cells.is_empty());
        let mut large = table.flat.take();
        if large.is_none()
            && is_data(&table)
            && let Some(rows) = rows(&table)
        {
            let caption = Some(content(table.caption)).filter(|caption| !caption.is_empty());
            return self.put_if(table_block(&table.rows, table.has_head, rows, caption));
        }
        self.is_table_simplified = true;
        let container = self.container(self.stack.len());
        let mut flat: Vec<Block> = Vec::new();
        if !table.caption.is_empty() {
            flat.push(Block::Paragraph(paragraph(table.caption)));
        }
        if let Some(large) = &mut large {
            let n_before = large.blocks.len();
            large.end_row();
            self.n_blocks = self.n_blocks.saturating_sub(n_before);
            flat.append(&mut large.blocks);
        }
        for row in table.rows {
            flatten(row, &mut flat);
        }
        self.n_blocks = self.n_blocks.saturating_add(flat.len());
        let is_details = matches!(container.and_then(|at| self.stack.get(at)), Some(Context::Details(_)));
        if is_details {
            flat.retain(super::fits_details);
        }
        self.blocks_of(container).append(&mut flat);
    }

    /// Returns whether a table was taken apart since this was last asked.
    pub(in crate::body::from_html) fn take_simplified(&mut self) -> bool {
        std::mem::take(&mut self.is_table_simplified)
    }
}

impl TableDraft {
    /// Starts a row; one without cells does not count.
    fn start_row(&mut self, is_head: bool) {
        self.is_row_open = true;
        self.rows.pop_if(|row| row.cells.is_empty());
        self.rows.push(RowDraft { is_head, cells: Vec::new() });
    }
}

impl FlatDraft {
    /// Adds a cell to the open row.
    fn push_cell(&mut self, mut cell: CellDraft) {
        let lines = cell.lines.take().unwrap_or_default();
        let lines = if matches!(cell.blocks.as_slice(), [Block::Paragraph(_)]) && lines.is_empty() {
            lines_of(&std::mem::take(&mut cell.blocks))
        } else {
            lines
        };
        if !lines.is_empty() {
            if !self.row.is_blank() {
                self.row.push_text(CELL_SEPARATOR, &Look::default(), None);
            }
            self.row.push_lines(lines);
        }
        if !cell.blocks.is_empty() {
            self.end_row();
            self.blocks.append(&mut cell.blocks);
        }
    }

    /// Makes a paragraph of the cells that are text.
    fn end_row(&mut self) {
        let lines = std::mem::take(&mut self.row).into_lines();
        self.blocks.extend((!lines.is_empty()).then(|| Block::Paragraph(paragraph(lines))));
    }
}

/// Returns whether the cells hold nothing but text.
fn is_data(table: &TableDraft) -> bool {
    let is_text = |block: &Block| matches!(block, Block::Paragraph(_) | Block::List(_));
    let is_narrow = table.rows.iter().all(|row| row.cells.len() == 1);
    let fits = |cell: &CellDraft| cell.blocks.iter().all(is_text) && (!is_narrow || cell.blocks.len() < 2);
    !table.is_layout && table.rows.len() <= MAX_ROWS && table.rows.iter().flat_map(|row| &row.cells).all(fits)
}

fn rows(table: &TableDraft) -> Option<Vec<TableRow>> {
    let cell = |cell: &CellDraft| TableCell {
        content: match cell.blocks.as_slice() {
            [Block::Paragraph(paragraph)] => paragraph.content.clone(),
            blocks => content(lines_of(blocks)),
        },
        column_span: cell.column_span,
        row_span: cell.row_span,
    };
    if table.rows.iter().any(|row| row.cells.len() > MAX_COLUMNS) {
        return None;
    }
    let row = |row: &RowDraft| TableRow { cells: row.cells.iter().map(cell).collect() };
    let rows: Vec<TableRow> = table.rows.iter().map(row).collect();
    (width(&rows) <= MAX_COLUMNS).then_some(rows)
}

fn table_block(
    drafts: &[RowDraft],
    has_head: bool,
    rows: Vec<TableRow>,
    caption: Option<Vec<Inline>>,
) -> Option<Block> {
    let is_head = |row: &&RowDraft| {
        if has_head { row.is_head } else { row.cells.iter().all(|cell| cell.is_header && !cell.is_row_header) }
    };
    let n_header_rows = drafts.iter().take_while(is_head).count();
    let below = drafts.get(n_header_rows..).unwrap_or_default();
    let is_header = |row: usize, cell: usize, _| {
        below.get(row).and_then(|row: &RowDraft| row.cells.get(cell)).is_some_and(|cell| cell.is_header)
    };
    let header_columns = header_cells(rows.get(n_header_rows..).unwrap_or_default(), is_header).n_columns;
    let header_rows = u32::try_from(n_header_rows).unwrap_or(u32::MAX);
    let table = TableBlock { id: BlockId::missing(), header_rows, header_columns, rows, caption };
    normal_table(table).map(Block::Table)
}

/// Makes blocks of a row: one paragraph if there is nothing in it but short text.
fn flatten(row: RowDraft, out: &mut Vec<Block>) {
    let is_short = |cell: &CellDraft| matches!(cell.blocks.as_slice(), [] | [Block::Paragraph(_)]);
    if !row.cells.iter().all(is_short) {
        return out.extend(row.cells.into_iter().flat_map(|cell| cell.blocks));
    }
    let cells: Vec<Vec<Line>> =
        row.cells.iter().map(|cell| lines_of(&cell.blocks)).filter(|lines| !lines.is_empty()).collect();
    let mut flow = Flow::default();
    for (n, lines) in cells.into_iter().enumerate() {
        if n > 0 {
            flow.push_text(CELL_SEPARATOR, &Look::default(), None);
        }
        flow.push_lines(lines);
    }
    let lines = flow.into_lines();
    if !lines.is_empty() {
        out.push(Block::Paragraph(paragraph(lines)));
    }
}
