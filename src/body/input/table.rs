//! Reading tables.

use deserr::{DeserializeError, IntoValue, ValuePointerRef};

use crate::body::block::{MAX_COLUMNS, MAX_ROWS, TableBlock, TableCell, TableRow, normal_table, width};
use crate::body::content;
use crate::body::input::reader::{Fields, Read, Reader, Reported};

impl<E: DeserializeError> Reader<E> {
    pub(super) fn table<V: IntoValue>(
        &mut self,
        mut fields: Fields<V>,
        at: ValuePointerRef,
    ) -> Read<Option<TableBlock>> {
        let (max_rows, max_columns) = limits();
        let id = self.id(&mut fields, at);
        let header_rows = self.number_from(0, &mut fields, "header_rows", max_rows, at);
        let header_columns = self.number_from(0, &mut fields, "header_columns", max_columns, at);
        let caption = self.optional_content(&mut fields, "caption", at);
        let values = self.required(&mut fields, "rows", at);
        self.no_more(fields, &["type", "id", "header_rows", "header_columns", "rows", "caption"], at);
        let at_rows = at.push_key("rows");
        let mut rows = Vec::new();
        for (n, value) in self.up_to(MAX_ROWS, values?, at_rows)?.enumerate() {
            rows.extend(self.row(value, at_rows.push_index(n)));
        }
        let (id, caption) = (id?, caption?);
        let (header_rows, header_columns) = (header_rows?.unwrap_or(0), header_columns?.unwrap_or(0));
        if width(&rows) > MAX_COLUMNS {
            self.refuse::<V>(format!("a table can have at most {MAX_COLUMNS} columns"), at_rows);
            return Err(Reported);
        }
        Ok(normal_table(TableBlock { id, header_rows, header_columns, rows, caption }))
    }

    fn row<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<TableRow> {
        let mut fields = self.object(value, at)?;
        let values = self.required(&mut fields, "cells", at);
        self.no_more(fields, &["cells"], at);
        let at_cells = at.push_key("cells");
        let mut cells = Vec::new();
        for (n, value) in self.up_to(MAX_COLUMNS, values?, at_cells)?.enumerate() {
            cells.extend(self.cell(value, at_cells.push_index(n)));
        }
        Ok(TableRow { cells })
    }

    fn cell<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<TableCell> {
        let (max_rows, max_columns) = limits();
        let mut fields = self.object(value, at)?;
        let content = self.content(&mut fields, "content", at);
        let column_span = self.optional_number(&mut fields, "column_span", max_columns, at);
        let row_span = self.optional_number(&mut fields, "row_span", max_rows, at);
        self.no_more(fields, &["content", "column_span", "row_span"], at);
        let content = content::content(content?.into_lines());
        Ok(TableCell { content, column_span: column_span?.unwrap_or(1), row_span: row_span?.unwrap_or(1) })
    }
}

fn limits() -> (u32, u32) {
    (u32::try_from(MAX_ROWS).unwrap_or(u32::MAX), u32::try_from(MAX_COLUMNS).unwrap_or(u32::MAX))
}
