//! Statements on the way to the database without the detour through the type that stands for both.
//!
//! `MultiConnection` writes the text of each statement anew for every step of running it, and diesel keeps no prepared
//! statement whose text could vary. That costs more than most look-ups do. [`direct`] sends a statement on the
//! connection that it really is, [`update()`] keeps one prepared that diesel would not, [`top`] and [`is`] spare SQLite
//! from compiling one anew, and [`one_of`] says `IN` in a text that does not depend on how many values there are.

use std::fmt::Display;

use diesel::{
    AsChangeset,
    backend::Backend,
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping},
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    query_dsl::RunQueryDsl,
    result::QueryResult,
    serialize::ToSql,
    sql_types::{Array, BigInt, Bool, BoolOrNullableBool, HasSqlType, Text},
    sqlite::Sqlite,
};

use super::{MultiBackend, types::IdSql};

/// Runs an expression with the connection as the type of its own database.
///
/// The expression is compiled once for each database, so build in it what depends on which one it is: `as_select` and
/// boxed queries.
macro_rules! direct {
    ($conn:expr, |$own:ident| $work:expr) => {
        match $conn {
            $crate::db::Conn::Postgres($own) => $work,
            $crate::db::Conn::Sqlite($own) => $work,
        }
    };
}
pub(crate) use direct;

/// Inserts rows into a table as [`Tx::insert`](crate::db::Tx::insert) does with one: in one statement on PostgreSQL, to
/// which each way is long; one by one on SQLite, to which there is none.
macro_rules! insert_all {
    ($tx:expr, $table:expr, $rows:expr) => {{
        let rows: Vec<_> = $rows;
        if rows.is_empty() {
            Ok(())
        } else if $tx.is_far() {
            $tx.add_rows(rows, |rows| diesel::insert_into($table).values(rows))
        } else {
            rows.into_iter().try_for_each(|row| $tx.insert(diesel::insert_into($table).values(row)))
        }
    }};
}
pub(crate) use insert_all;

/// An update whose statement is kept prepared, which diesel does for no update: certain columns of certain rows.
#[derive(Debug, Clone, Copy)]
pub struct Update<V, W> {
    table: &'static str,
    values: V,
    rows: W,
}

/// Returns an update of some columns of the rows of a table that match.
pub fn update<V, W>(table: &'static str, values: V, rows: W) -> Update<V::Changeset, W>
where
    V: AsChangeset,
    W: AppearsOnTable<V::Target>,
    W::SqlType: BoolOrNullableBool,
{
    Update { table, values: values.as_changeset(), rows }
}

impl<V, W, DB> QueryFragment<DB> for Update<V, W>
where
    DB: Backend,
    V: QueryFragment<DB>,
    W: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        out.push_identifier(self.table)?;
        out.push_sql(" SET ");
        self.values.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.rows.walk_ast(out)
    }
}

// It is known by its text.
impl<V, W> QueryId for Update<V, W> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<V, W, C> RunQueryDsl<C> for Update<V, W> {}

/// Whether a column has a value that stands in the text of the statement.
///
/// For what an index is restricted to. SQLite uses such an index for a parameter, too, but compiles the statement anew each
/// time that a value is bound to it, as with another value the index would be of no use.
#[derive(Debug, Clone, Copy)]
pub struct Is<C> {
    column: C,
    value: &'static str,
}

/// Returns whether a column has a value, which must have no quotes in it.
pub fn is<C: Expression<SqlType = Text>>(column: C, value: &'static str) -> Is<C> {
    Is { column, value }
}

impl<C: Expression> Expression for Is<C> {
    type SqlType = Bool;
}

impl<C: ValidGrouping<()>> ValidGrouping<()> for Is<C> {
    type IsAggregate = C::IsAggregate;
}

impl<C: AppearsOnTable<T>, T> AppearsOnTable<T> for Is<C> {}

impl<C: SelectableExpression<T>, T> SelectableExpression<T> for Is<C> {}

// It is known by its text, as that has the value in it.
impl<C> QueryId for Is<C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, DB> QueryFragment<DB> for Is<C>
where
    DB: Backend,
    C: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = '");
        out.push_sql(self.value);
        out.push_sql("'");
        Ok(())
    }
}

/// A query of which only the first rows are wanted.
///
/// SQLite looks at the value of a parameter that is a limit, and so compiles the statement anew each time one is given;
/// that costs more than most look-ups. Here it does not see it. What is looked up by a unique key needs no limit at all:
/// ask for it with `get_result`, not with `first`.
#[derive(Debug, Clone, Copy)]
pub struct Top<Q> {
    query: Q,
    n_rows: i64,
}

impl<Q: QueryId> QueryId for Top<Q> {
    type QueryId = Top<Q::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

/// Returns the first rows of a query.
pub fn top<Q: Query>(query: Q, n_rows: i64) -> Top<Q> {
    Top { query, n_rows }
}

impl<Q, DB> QueryFragment<DB> for Top<Q>
where
    DB: Backend + HasSqlType<BigInt>,
    Q: QueryFragment<DB>,
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT (0 + ");
        out.push_bind_param::<BigInt, _>(&self.n_rows)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<Q: Query> Query for Top<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for Top<Q> {}

/// A query of which only some rows in the middle are wanted; see [`Top`].
#[derive(Debug, Clone, Copy)]
pub struct Middle<Q> {
    top: Top<Q>,
    n_skipped: i64,
}

impl<Q: QueryId> QueryId for Middle<Q> {
    type QueryId = Middle<Q::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

/// Returns some rows of a query after the first ones.
pub fn middle<Q: Query>(query: Q, n_rows: i64, n_skipped: i64) -> Middle<Q> {
    Middle { top: top(query, n_rows), n_skipped }
}

impl<Q, DB> QueryFragment<DB> for Middle<Q>
where
    DB: Backend + HasSqlType<BigInt>,
    Q: QueryFragment<DB>,
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.top.walk_ast(out.reborrow())?;
        out.push_sql(" OFFSET (0 + ");
        out.push_bind_param::<BigInt, _>(&self.n_skipped)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<Q: Query> Query for Middle<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for Middle<Q> {}

/// Whether a column has one of some values. The text of the statement is the same however many they are.
#[derive(Debug, Clone)]
pub struct OneOf<C, V> {
    column: C,
    values: Vec<V>,
    json: String,
}

/// Returns whether a column has one of some ids or texts.
pub fn one_of<C, V>(column: C, values: impl IntoIterator<Item = V>) -> OneOf<C, V>
where
    C: Expression,
    C::SqlType: Listed,
    V: Display,
{
    let values: Vec<V> = values.into_iter().collect();
    let json = C::SqlType::json(&values);
    OneOf { column, values, json }
}

/// A type of which SQLite can be given many values at once, as a list in JSON.
pub trait Listed {
    /// How SQLite takes a value out of the list.
    const OUT: &'static str;

    /// Returns the list.
    fn json(values: &[impl Display]) -> String;
}

impl Listed for IdSql {
    // Ids are bytes, which JSON has not.
    const OUT: &'static str = "unhex(value)";

    fn json(values: &[impl Display]) -> String {
        let mut json = String::with_capacity(2 + values.len() * 35);
        for id in values {
            json.push_str(if json.is_empty() { "[\"" } else { ",\"" });
            id.to_string().split('-').for_each(|digits| json.push_str(digits));
            json.push('"');
        }
        json.push_str(if json.is_empty() { "[]" } else { "]" });
        json
    }
}

impl Listed for Text {
    const OUT: &'static str = "value";

    fn json(values: &[impl Display]) -> String {
        serde_json::Value::from_iter(values.iter().map(ToString::to_string)).to_string()
    }
}

impl Listed for BigInt {
    const OUT: &'static str = "value";

    fn json(values: &[impl Display]) -> String {
        let numbers: Vec<String> = values.iter().map(ToString::to_string).collect();
        format!("[{}]", numbers.join(","))
    }
}

impl<C: Expression, V> Expression for OneOf<C, V> {
    type SqlType = Bool;
}

impl<C: ValidGrouping<()>, V> ValidGrouping<()> for OneOf<C, V> {
    type IsAggregate = C::IsAggregate;
}

impl<C: AppearsOnTable<T>, V, T> AppearsOnTable<T> for OneOf<C, V> {}

impl<C: SelectableExpression<T>, V, T> SelectableExpression<T> for OneOf<C, V> {}

impl<C: QueryId, V> QueryId for OneOf<C, V> {
    type QueryId = OneOf<C::QueryId, ()>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID;
}

impl<C, V> QueryFragment<Pg> for OneOf<C, V>
where
    C: Expression + QueryFragment<Pg>,
    Pg: HasSqlType<Array<C::SqlType>>,
    C::SqlType: 'static,
    Vec<V>: ToSql<Array<C::SqlType>, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(");
        out.push_bind_param::<Array<C::SqlType>, _>(&self.values)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C, V> QueryFragment<Sqlite> for OneOf<C, V>
where
    C: Expression + QueryFragment<Sqlite>,
    C::SqlType: Listed,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT ");
        out.push_sql(C::SqlType::OUT);
        out.push_sql(" FROM json_each(");
        out.push_bind_param::<Text, _>(&self.json)?;
        out.push_sql("))");
        Ok(())
    }
}

impl<C, V> QueryFragment<MultiBackend> for OneOf<C, V>
where
    Self: QueryFragment<Pg> + QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        MultiBackend::walk_variant_ast(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_json_whatever_is_in_them() {
        assert_eq!(IdSql::json(&Vec::<uuid::Uuid>::new()), "[]");
        assert_eq!(
            IdSql::json(&[uuid::Uuid::nil(), uuid::Uuid::max()]),
            format!("[\"{}\",\"{}\"]", "0".repeat(32), "f".repeat(32))
        );
        assert_eq!(BigInt::json(&[1, -2]), "[1,-2]");
        assert_eq!(Text::json(&["a\"b", "\u{2029}é"]), "[\"a\\\"b\",\"\u{2029}é\"]");
    }
}
