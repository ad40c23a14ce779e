//! The present moment by the database's own clock, for queries that decide what is visible at it.
//!
//! Several servers may disagree about the time, and one server's clock may jump; the database is one, and so is its clock.

use std::cell::Cell;

use diesel::{
    NullableExpressionMethods,
    expression::{AppearsOnTable, AsExpression, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    pg::Pg,
    query_builder::{AstPass, QueryFragment, QueryId},
    result::QueryResult,
    sql_types::{Nullable, Timestamp},
    sqlite::Sqlite,
};

use super::{Conn, MultiBackend};
use crate::clock::Instant;

/// The setting of a session that says the time where the clock of the machine does not count: at a replica.
pub(super) const GIVEN: &str = "frontpage.moment";

thread_local! {
    /// Whether the statements of this thread are for a connection to which the time is given.
    static IS_GIVEN: Cell<bool> = const { Cell::new(false) };
}

/// Runs work on a connection to which the time is given; all work on that connection must be run so, because its
/// statements stay prepared.
pub(super) fn given<T>(work: impl FnOnce() -> T) -> T {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            IS_GIVEN.set(false);
        }
    }
    IS_GIVEN.set(true);
    let _reset = Reset;
    work()
}

/// Returns the present moment in the words of PostgreSQL.
fn on_postgres() -> &'static str {
    if IS_GIVEN.get() {
        "current_setting('frontpage.moment')::timestamp"
    } else {
        "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')"
    }
}

/// The moment at which a statement runs, as an expression; on PostgreSQL that at which its transaction began.
#[derive(Clone, Copy, Debug, Default, QueryId)]
pub struct Now;

impl Expression for Now {
    type SqlType = Timestamp;
}

impl AsExpression<Nullable<Timestamp>> for Now {
    type Expression = diesel::dsl::Nullable<Self>;

    fn as_expression(self) -> Self::Expression {
        self.nullable()
    }
}

impl<T> AppearsOnTable<T> for Now {}
impl<T> SelectableExpression<T> for Now {}
impl ValidGrouping<()> for Now {
    type IsAggregate = is_aggregate::Never;
}

impl QueryFragment<Pg> for Now {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(on_postgres());
        Ok(())
    }
}

impl QueryFragment<Sqlite> for Now {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        // The form in which times are stored, so that the order of the text is the order of time.
        out.push_sql("strftime('%Y-%m-%d %H:%M:%f', 'now')");
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for Now {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        // Public but undocumented in diesel 2.3; the minor version is pinned for it.
        MultiBackend::walk_variant_ast(self, out)
    }
}

/// Returns the present moment by the database's clock. SQLite runs in this process, so its clock is ours.
///
/// # Errors
/// When the database fails.
pub fn now(conn: &mut Conn) -> QueryResult<Instant> {
    match conn {
        Conn::Sqlite(_) => Ok(Instant::now()),
        Conn::Postgres(conn) => {
            let now: chrono::NaiveDateTime = diesel::RunQueryDsl::get_result(diesel::select(Now), conn)?;
            Ok(Instant::from_millis(now.and_utc().timestamp_millis()).unwrap_or_else(Instant::now))
        }
    }
}
