//! Statements that `MultiConnection` cannot say by itself, rendered by whichever database they run on.

use diesel::{
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    query_dsl::RunQueryDsl,
    result::QueryResult,
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
