//! How many rows of a list there are in each month, which the two databases ask of a time in different words.

use diesel::{
    QueryableByName, RunQueryDsl,
    sql_types::{BigInt, Binary, Text, Timestamp},
};

use super::{Conn, direct::direct, moment};
use crate::{clock::Instant, error::Result};

/// What readers see of a month in a list.
#[derive(Clone, Debug, QueryableByName)]
pub struct MonthRow {
    /// The month, such as `2026-10`.
    #[diesel(sql_type = Text)]
    pub month: String,
    /// How many articles.
    #[diesel(sql_type = BigInt)]
    pub n_articles: i64,
    /// When any of them last changed.
    #[diesel(sql_type = Timestamp)]
    pub updated_at: Instant,
}

/// Counts what readers see of a list by month, the newest first. Walks over the whole list, once.
///
/// # Errors
/// When the database fails.
pub fn months(conn: &mut Conn, facet: &[u8]) -> Result<Vec<MonthRow>> {
    let (month, now, placeholder) = match conn {
        Conn::Postgres(_) => ("to_char(published_at, 'YYYY-MM') COLLATE \"C\"", moment::on_postgres(), "$1"),
        Conn::Sqlite(_) => ("substr(published_at, 1, 7)", "strftime('%Y-%m-%d %H:%M:%f', 'now')", "?"),
    };
    let statement = format!(
        "SELECT {month} AS month, COUNT(*) AS n_articles, MAX(updated_at) AS updated_at FROM live_facets \
         WHERE facet = {placeholder} AND published_at <= {now} AND (visible_until IS NULL OR visible_until > {now}) \
         GROUP BY 1 ORDER BY 1 DESC"
    );
    Ok(direct!(conn, |own| diesel::sql_query(statement).bind::<Binary, _>(facet).load(own))?)
}
