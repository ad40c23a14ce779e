"""Copies a filled SQLite database to PostgreSQL: the same rows in tables of the same names, in a tenth of the time that it
takes to write them there article by article."""

import sqlite3

# What a text must be written as for COPY, one after the other.
ESCAPES = [("'\\'", "'\\\\'"), ("char(9)", "'\\t'"), ("char(10)", "'\\n'"), ("char(13)", "'\\r'")]

# The migrations of the two differ in their names for types, and have been run.
COLUMNS = (
    "SELECT table_name, column_name, data_type, is_identity FROM information_schema.columns "
    "WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations' "
    "ORDER BY table_name, ordinal_position"
)


def transfer(source, postgres, database):
    """Puts the rows of a SQLite file into a PostgreSQL database that has the tables and nothing else."""
    columns = {}
    for line in postgres.sql(database, COLUMNS).splitlines():
        table, column, kind, is_identity = line.split("|")
        columns.setdefault(table, []).append((column, kind, is_identity == "YES"))
    postgres.sql(database, f"TRUNCATE {', '.join(columns)}")
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as connection:
        for table, described in columns.items():
            names = ", ".join(column for column, _, _ in described)
            line = " || char(9) || ".join(expression(column, kind) for column, kind, _ in described)
            rows = connection.execute(f"SELECT {line} FROM {table}")
            postgres.copy(database, f"{table} ({names})", (row for row, in rows))
            for column in (column for column, _, is_identity in described if is_identity):
                postgres.sql(database, f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), "
                                       f"(SELECT coalesce(max({column}), 0) + 1 FROM {table}), false)")


def expression(column, kind):
    """What SQLite makes of a column for COPY."""
    if kind in ("uuid", "bytea"):
        prefix = "\\\\x" if kind == "bytea" else ""
        # hex() makes an empty text of NULL.
        return f"CASE WHEN {column} IS NULL THEN '\\N' ELSE '{prefix}' || hex({column}) END"
    text = f"CAST({column} AS TEXT)"
    if kind == "text":
        for sign, escaped in ESCAPES:
            text = f"replace({text}, {sign}, {escaped})"
    return f"coalesce({text}, '\\N')"
