//! Writes tables.

use crate::body::block::{TableBlock, TableRow, header_cells};
use crate::body::to_html::Writer;

impl<'a> Writer<'a> {
    pub(super) fn table(&mut self, table: &'a TableBlock) {
        self.out.push_str("<table>");
        if let Some(caption) = &table.caption {
            self.element("caption", caption);
        }
        let n_header_rows = usize::try_from(table.header_rows).unwrap_or(usize::MAX).min(table.rows.len());
        let (header, rows) = table.rows.split_at_checked(n_header_rows).unwrap_or((&[], &table.rows));
        if !header.is_empty() {
            self.out.push_str("<thead>");
            for row in header {
                self.row(row, usize::MAX, "col");
            }
            self.out.push_str("</thead>");
        }
        if !rows.is_empty() {
            self.out.push_str("<tbody>");
            let n_columns = usize::try_from(table.header_columns).unwrap_or(usize::MAX);
            let headers = header_cells(rows, |_, _, column| column < n_columns);
            for (row, n_headers) in rows.iter().zip(headers.n_cells) {
                self.row(row, n_headers, "row");
            }
            self.out.push_str("</tbody>");
        }
        self.out.push_str("</table>");
    }

    fn row(&mut self, row: &'a TableRow, n_headers: usize, scope: &str) {
        self.out.push_str("<tr>");
        for (n, cell) in row.cells.iter().enumerate() {
            let is_header = n < n_headers;
            self.out.push_str(if is_header { "<th" } else { "<td" });
            if is_header {
                self.attribute("scope", scope);
            }
            for (name, span) in [("colspan", cell.column_span), ("rowspan", cell.row_span)] {
                if span > 1 {
                    self.attribute(name, &span.to_string());
                }
            }
            self.out.push('>');
            self.content(&cell.content);
            self.out.push_str(if is_header { "</th>" } else { "</td>" });
        }
        self.out.push_str("</tr>");
    }
}
