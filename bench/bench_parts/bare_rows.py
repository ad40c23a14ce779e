"""Inserts what one publication wrote once more for other drafts: the same rows, bare.

Run as a program on a copy of an SQLite database, with the id of the article and a number of drafts, it prints how many
transactions a second and the median time of one in milliseconds."""

import json
import sqlite3
import sys
import time
import uuid

# What a publication writes, and the column that says for which article.
TABLES = {
    "articles": "id", "article_revisions": "article_id", "live_articles": "id", "live_bodies": "article_id",
    "live_authors": "article_id", "live_tags": "article_id", "live_related": "article_id", "live_links": "article_id",
    "live_facets": "article_id", "live_slugs": "article_id", "article_publications": "article_id",
    "changes": "resource_id", "audit": "resource_id",
}

# What the article had before, of which publishing appends one.
LAST = {"article_revisions": "number", "changes": "id", "audit": "at"}

# Names that no two articles have, and what is numbered or filled in by itself.
NAMES = {("live_articles", "slug"), ("live_slugs", "key")}
LEFT_OUT = {("changes", "id"), ("audit", "position"), ("audit", "chain"), ("articles", "slug"), ("articles", "id")}


def columns_of(table, all_columns):
    return [column for column in all_columns if (table, column) not in LEFT_OUT]


def write_statement(table, columns, values):
    """An insert, or for the article itself the update; values are texts of SQL."""
    if table == "articles":
        return f"UPDATE articles SET {', '.join(f'{c} = {v}' for c, v in zip(columns, values))} WHERE id = "
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(values)})"


def template(db, article):
    """The rows that publishing an article wrote, as tables, columns and values."""
    found = []
    for table, key in TABLES.items():
        last = f" ORDER BY {LAST[table]} DESC LIMIT 1" if table in LAST else ""
        value = str(uuid.UUID(bytes=article)) if table == "audit" else article
        cursor = db.execute(f"SELECT * FROM {table} WHERE {key} = ?{last}", (value,))
        names = [column[0] for column in cursor.description]
        kept = columns_of(table, names)
        found += [(table, kept, [dict(zip(names, row))[name] for name in kept]) for row in cursor.fetchall()]
    return found


def write(db, rows, of, article, place):
    for table, columns, values in rows:
        mine = []
        for column, value in zip(columns, values):
            if value == of:
                value = article
            elif table == "audit" and column == "id":
                value = uuid.uuid4().bytes
            elif table == "audit" and column == "resource_id":
                value = str(uuid.UUID(bytes=article))
            elif table == "changes" and column == "position":
                value = place
            elif (table, column) in NAMES:
                value = f"{value}-{place}"
            mine.append(value)
        statement = write_statement(table, columns, ["?"] * len(columns))
        db.execute(statement + "?", (*mine, article)) if table == "articles" else db.execute(statement, mine)


def without_variables(value):
    """A text of SQL in which pgbench does not take what follows a colon in a literal for one of its variables."""
    if not value.lstrip(" E").startswith("'") or ":" not in value or " || " in value:
        return value
    is_escaped = value.lstrip().startswith("E")
    text = value[value.index("'"):]
    return "E" + (text if is_escaped else text.replace("\\", "\\\\")).replace(":", "\\x3a")


def script(sql, article):
    """The same as a script for pgbench. `sql` runs a text and returns its lines."""
    lines = ["SELECT n, id FROM bare_drafts WHERE n = (SELECT nextval('bare_number')) \\gset", "BEGIN;"]
    own = {"audit": {"id": "gen_random_uuid()", "resource_id": ":id::uuid::text"}, "changes": {"position": "NULL"}}
    for table, key in TABLES.items():
        names = sql(f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 "
                    "AND NOT attisdropped ORDER BY attnum").split("\n")
        columns, mine = columns_of(table, names), {key: ":id", **own.get(table, {})}
        values = [f"'{mine[name]}'" if name in mine else f"coalesce(quote_literal({name}::text), 'NULL')" for name in columns]
        values = [value + (" || ' || :n::text'" if (table, name) in NAMES else "") for name, value in zip(columns, values)]
        last = f" ORDER BY {LAST[table]} DESC LIMIT 1" if table in LAST else ""
        packed = f"SELECT array_to_json(ARRAY[{', '.join(values)}]) FROM {table} WHERE {key}::text = '{article}'{last}"
        for row in filter(None, sql(packed).split("\n")):
            statement = write_statement(table, columns, [without_variables(value) for value in json.loads(row)])
            lines.append(statement + (":id;" if table == "articles" else ";"))
    return "\n".join([*lines, "COMMIT;"]) + "\n"


def main(file, article, n):
    db = sqlite3.connect(file, isolation_level=None, cached_statements=200)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA wal_autocheckpoint = 4000")
    article = bytes.fromhex(article)
    rows, times = template(db, article), []
    # What is written for a draft makes it none, so each time others are taken.
    drafts = db.execute("SELECT id FROM articles WHERE state = 'draft' ORDER BY id DESC LIMIT ?", (int(n),)).fetchall()
    place = db.execute("SELECT max(position) FROM changes").fetchone()[0]
    for draft, in drafts:
        place += 1
        began = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        write(db, rows, article, draft, place)
        db.execute("COMMIT")
        times.append(time.perf_counter() - began)
    times.sort()
    print(len(times) / sum(times), times[len(times) // 2] * 1e3)


if __name__ == "__main__":
    main(*sys.argv[1:])
