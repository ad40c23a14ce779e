//! Statements that `MultiConnection` cannot say by itself, rendered by whichever database they run on.

use diesel::{
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    query_dsl::RunQueryDsl,
    result::QueryResult,
    sql_types::{BigInt, Nullable},
    sqlite::Sqlite,
};

use super::MultiBackend;

/// A statement that both databases understand although the derived backend does not, such as `INSERT … ON CONFLICT`.
#[derive(Debug, Clone, Copy)]
pub struct Portable<Q>(pub Q);

impl<Q> QueryFragment<MultiBackend> for Portable<Q>
where
    Q: QueryFragment<Pg> + QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        // Public but undocumented in diesel 2.3; the minor version is pinned for it.
        MultiBackend::walk_variant_ast(&self.0, out)
    }
}

impl<Q: QueryId> QueryId for Portable<Q> {
    type QueryId = Q::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q: Query> Query for Portable<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<super::Conn> for Portable<Q> {}

/// The place of a change in the log, where transactions commit in the order in which they write, as on SQLite with its one
/// writer. Elsewhere it has none yet.
#[derive(Debug, Clone, Copy, Default, QueryId)]
pub struct NextPlace;

impl Expression for NextPlace {
    type SqlType = Nullable<BigInt>;
}

impl<T> AppearsOnTable<T> for NextPlace {}
impl<T> SelectableExpression<T> for NextPlace {}
impl ValidGrouping<()> for NextPlace {
    type IsAggregate = is_aggregate::Never;
}

impl QueryFragment<Pg> for NextPlace {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("NULL");
        Ok(())
    }
}

impl QueryFragment<Sqlite> for NextPlace {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(SELECT COALESCE(MAX(position), 0) + 1 FROM changes)");
        Ok(())
    }
}
