//! Inserts that go to PostgreSQL together: each way there and back costs more than most of them do.
//!
//! [`Tx::insert`](super::Tx::insert) keeps an insert until the transaction asks for anything else, and then all that
//! have come are one statement. The work cannot tell the difference, but that an insert which fails may say so a step
//! later. SQLite, to which there is no way, does each at once.

use diesel::{
    backend::Backend,
    expression::Expression,
    pg::Pg,
    query_builder::{AstPass, QueryFragment, QueryId},
    query_dsl::RunQueryDsl,
    query_source::Column,
    result::QueryResult,
    serialize::ToSql,
    sql_types::{Array, HasSqlType, Text},
    sqlite::Sqlite,
};

use super::{direct::Listed, types::IdSql};

/// The most inserts that are one statement, so that its text is not too long. How many texts there are is a matter of what
/// the program does: it inserts the same things each time.
pub(super) const MOST: usize = 16;

/// The most rows that are one insert: a statement of PostgreSQL has 65,535 parameters at most.
pub(super) const MOST_ROWS: usize = 500;

/// Some inserts as one statement: all but the last are written in front of it.
///
/// PostgreSQL does them in any order, and looks at what refers to what when all are done. So nothing may be among them whose
/// number the database gives in the order in which they come.
#[derive(Default)]
pub(super) struct Together {
    inserts: Vec<Box<dyn QueryFragment<Pg>>>,
    /// Whether the text depends on how many rows there are.
    pub(super) has_rows: bool,
}

impl Together {
    pub(super) fn add(&mut self, insert: Box<dyn QueryFragment<Pg>>) {
        self.inserts.push(insert);
    }

    pub(super) fn len(&self) -> usize {
        self.inserts.len()
    }
}

impl QueryFragment<Pg> for Together {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some((last, before)) = self.inserts.split_last() else { return Ok(()) };
        for (n, insert) in before.iter().enumerate() {
            out.push_sql(if n == 0 { "WITH " } else { ", " });
            out.push_identifier(&format!("i{n}"))?;
            out.push_sql(" AS (");
            insert.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        out.push_sql(" ");
        last.walk_ast(out)
    }
}

// It is known by its text.
impl QueryId for Together {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> RunQueryDsl<C> for Together {}

/// An insert of one row for each of some ids, all of which belong to another id. The text of the statement is the same
/// however many they are.
#[derive(Debug, Clone)]
pub struct Pairs<A, B> {
    table: &'static str,
    columns: [&'static str; 2],
    one: A,
    each: Vec<B>,
    json: String,
}

/// Returns an insert into a table of an id in one column, with each of some ids in another.
pub fn pairs<C, D, A, B>(table: &'static str, (_, one): (C, A), (_, each): (D, Vec<B>)) -> Pairs<A, B>
where
    C: Column + Expression<SqlType = IdSql>,
    D: Column<Table = C::Table> + Expression<SqlType = IdSql>,
    B: std::fmt::Display,
{
    let json = IdSql::json(&each);
    Pairs { table, columns: [C::NAME, D::NAME], one, each, json }
}

impl<A, B> Pairs<A, B> {
    fn walk_beginning<'b, DB>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Backend + HasSqlType<IdSql>,
        A: ToSql<IdSql, DB>,
    {
        let [one, each] = self.columns;
        out.push_sql("INSERT INTO ");
        out.push_identifier(self.table)?;
        out.push_sql(" (");
        out.push_identifier(one)?;
        out.push_sql(", ");
        out.push_identifier(each)?;
        out.push_sql(") SELECT ");
        out.push_bind_param::<IdSql, _>(&self.one)
    }
}

impl<A, B> QueryFragment<Pg> for Pairs<A, B>
where
    A: ToSql<IdSql, Pg>,
    Vec<B>: ToSql<Array<IdSql>, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.walk_beginning(out.reborrow())?;
        out.push_sql(", unnest(");
        out.push_bind_param::<Array<IdSql>, _>(&self.each)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<A, B> QueryFragment<Sqlite> for Pairs<A, B>
where
    A: ToSql<IdSql, Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.walk_beginning(out.reborrow())?;
        out.push_sql(", ");
        out.push_sql(IdSql::OUT);
        out.push_sql(" FROM json_each(");
        out.push_bind_param::<Text, _>(&self.json)?;
        out.push_sql(")");
        Ok(())
    }
}

// It is known by its text.
impl<A, B> QueryId for Pairs<A, B> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<A, B, C> RunQueryDsl<C> for Pairs<A, B> {}
