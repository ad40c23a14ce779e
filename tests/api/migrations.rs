//! Migrations: twins on both databases, there and back, under a lock, and never against a newer database.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    thread,
};

use diesel::{Connection, PgConnection, SqliteConnection, connection::SimpleConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use frontpage::db::{Location, migrate};

use crate::support::{
    Backend, Database, postgres,
    program::{self, Said},
};

/// Runs a test on an empty database of each kind.
fn on_both(test: impl Fn(&Database)) {
    test(&Database::empty(Backend::Sqlite));
    if postgres::cluster().is_ok() {
        test(&Database::empty(Backend::Postgres));
    }
}

fn location(database: &Database) -> Location {
    Location::parse(&database.url).unwrap()
}

fn folder(backend: Backend) -> PathBuf {
    let name = if backend == Backend::Sqlite { "sqlite" } else { "postgres" };
    Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(name)
}

fn names(backend: Backend) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(backend)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn both_databases_have_the_same_migrations() {
    assert_eq!(names(Backend::Sqlite), names(Backend::Postgres));
    for backend in [Backend::Sqlite, Backend::Postgres] {
        for name in names(backend) {
            let is_dated = name.len() > 18
                && name.as_bytes()[17] == b'_'
                && name[..17].bytes().all(|b| b.is_ascii_digit() || b == b'-');
            assert!(is_dated, "{name} is not YYYY-MM-DD-HHMMSS_verb_object");
            for file in ["up.sql", "down.sql"] {
                let text = fs::read_to_string(folder(backend).join(&name).join(file)).unwrap();
                assert!(!text.trim().is_empty(), "{backend:?} {name}/{file} is empty");
            }
        }
    }
}

/// Everything that the database says about its tables.
fn dump(database: &Database) -> BTreeSet<String> {
    let statement = match database.backend {
        Backend::Sqlite => {
            "SELECT type || ' ' || name || ' ' || COALESCE(replace(sql, char(10), ' '), '') AS line FROM sqlite_master \
             WHERE name NOT LIKE 'sqlite_%' AND tbl_name <> '__diesel_schema_migrations'"
        }
        Backend::Postgres => {
            "SELECT 'column ' || table_name || '.' || column_name || ' ' || ordinal_position || ' ' || udt_name || ' ' \
               || is_nullable || ' ' || COALESCE(collation_name, '') || ' ' || COALESCE(datetime_precision::text, '') || ' ' \
               || is_identity || ' ' || COALESCE(column_default, '') \
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations' \
             UNION ALL SELECT 'index ' || indexdef FROM pg_indexes \
             WHERE schemaname = 'public' AND tablename <> '__diesel_schema_migrations' \
             UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) \
             FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 \
             AND conrelid::regclass::text <> '__diesel_schema_migrations' \
             UNION ALL SELECT 'other ' || relkind::text || ' ' || relname FROM pg_class \
             WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('r', 'i') AND relname NOT LIKE '\\_\\_diesel%'"
        }
    };
    database.sql(statement).lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
}

fn revert_all(database: &Database) {
    let source = FileBasedMigrations::from_path(folder(database.backend)).unwrap();
    match database.backend {
        Backend::Sqlite => {
            let mut conn = SqliteConnection::establish(database.url.trim_start_matches("sqlite://")).unwrap();
            conn.revert_all_migrations(source).map(drop).unwrap();
        }
        Backend::Postgres => {
            let mut conn = PgConnection::establish(&database.url).unwrap();
            conn.revert_all_migrations(source).map(drop).unwrap();
        }
    }
}

/// Undoes a migration and all after it, and does them again.
pub fn back_and_forth(database: &Database, name: &str) {
    let source = FileBasedMigrations::from_path(folder(database.backend)).unwrap();
    let n = names(database.backend).iter().filter(|other| other.as_str() >= name).count();
    for _ in 0..n {
        match database.backend {
            Backend::Sqlite => {
                let mut conn = SqliteConnection::establish(database.url.trim_start_matches("sqlite://")).unwrap();
                // A server that was stopped may be closing the file.
                conn.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
                conn.revert_last_migration(source.clone()).map(drop).unwrap();
            }
            Backend::Postgres => {
                let mut conn = PgConnection::establish(&database.url).unwrap();
                conn.revert_last_migration(source.clone()).map(drop).unwrap();
            }
        }
    }
    assert_eq!(migrate::run(&location(database)).unwrap().len(), n);
}

#[test]
fn up_and_down_and_up_again_leaves_the_same_schema() {
    on_both(|database| {
        let location = location(database);
        assert_eq!(migrate::run(&location).unwrap().len(), names(database.backend).len());
        let first = dump(database);
        assert!(first.len() > 50, "{first:?}");
        assert!(migrate::run(&location).unwrap().is_empty(), "a second run has nothing to do");

        revert_all(database);
        assert!(dump(database).is_empty(), "{:?}", dump(database));
        migrate::run(&location).unwrap();

        assert_eq!(dump(database), first);
    });
}

/// A column as `src/db/schema.rs` or a database has it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Column {
    name: String,
    kind: String,
    is_nullable: bool,
}

type Tables = BTreeMap<String, Vec<Column>>;

/// The tables as diesel sees them, with the kinds of a database.
fn declared(backend: Backend) -> Tables {
    let text: String = ["schema.rs", "schema/outgoing.rs", "schema/partners.rs"]
        .map(|file| fs::read_to_string(format!("{}/src/db/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap())
        .concat();
    let mut tables = Tables::new();
    let mut table = String::new();
    for line in text.lines().map(str::trim) {
        if let Some((name, _)) = line.strip_suffix(" {").and_then(|head| head.split_once(" (")) {
            table = name.to_owned();
            tables.insert(table.clone(), Vec::new());
        } else if let Some((name, kind)) = line.trim_end_matches(',').split_once(" -> ")
            && line.ends_with(',')
        {
            let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
            let (sqlite, postgres) = match inner.unwrap_or(kind) {
                "Text" => ("TEXT", "text"),
                "Integer" => ("INTEGER", "integer"),
                "BigInt" => ("INTEGER", "bigint"),
                "Bool" => ("BOOLEAN", "boolean"),
                "Timestamp" => ("TIMESTAMP", "timestamp without time zone"),
                "Binary" => ("BLOB", "bytea"),
                "Id" => ("BLOB", "uuid"),
                other => panic!("{table}.{name}: teach this test the type {other}"),
            };
            let kind = if backend == Backend::Sqlite { sqlite } else { postgres };
            let column = Column { name: name.to_owned(), kind: kind.to_owned(), is_nullable: inner.is_some() };
            tables.get_mut(&table).unwrap().push(column);
        }
    }
    tables
}

/// The tables as a database has them.
fn existing(database: &Database) -> Tables {
    let statement = match database.backend {
        Backend::Sqlite => {
            "SELECT m.name || '|' || c.name || '|' || c.type || '|' || (CASE WHEN c.\"notnull\" THEN 'NO' ELSE 'YES' END) AS line \
             FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' \
             AND m.name <> '__diesel_schema_migrations' ORDER BY m.name, c.cid"
        }
        Backend::Postgres => {
            "SELECT table_name || '|' || column_name || '|' || data_type || '|' || is_nullable FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations' ORDER BY table_name, ordinal_position"
        }
    };
    let mut tables = Tables::new();
    for line in database.sql(statement).lines() {
        let [table, name, kind, nullable] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let column = Column { name: name.to_owned(), kind: kind.to_owned(), is_nullable: nullable == "YES" };
        tables.entry(table.to_owned()).or_default().push(column);
    }
    tables
}

#[test]
fn the_schema_in_the_code_is_that_of_both_databases() {
    on_both(|database| {
        migrate::run(&location(database)).unwrap();

        let (declared, existing) = (declared(database.backend), existing(database));

        assert_eq!(declared.keys().collect::<Vec<_>>(), existing.keys().collect::<Vec<_>>(), "{:?}", database.backend);
        for (table, columns) in &existing {
            let sorted = |columns: &[Column]| columns.iter().cloned().collect::<BTreeSet<_>>();
            assert_eq!(sorted(&declared[table]), sorted(columns), "{:?} {table}", database.backend);
        }
    });
}

#[test]
fn every_foreign_key_has_an_index() {
    on_both(|database| {
        migrate::run(&location(database)).unwrap();
        let statement = match database.backend {
            Backend::Sqlite => {
                "SELECT m.name || '.' || f.\"from\" AS line FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f \
                 WHERE m.type = 'table' AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) i \
                 JOIN pragma_index_info(i.name) c WHERE c.seqno = 0 AND c.name = f.\"from\") \
                 AND NOT EXISTS (SELECT 1 FROM pragma_table_info(m.name) t WHERE t.pk = 1 AND t.name = f.\"from\")"
            }
            Backend::Postgres => {
                "SELECT c.conrelid::regclass || '.' || a.attname FROM pg_constraint c \
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f' \
                 AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])"
            }
        };

        assert_eq!(
            database.sql(statement),
            "",
            "{:?}: deleting what these refer to reads the whole table",
            database.backend
        );
    });
}

#[test]
fn both_databases_name_constraints_and_indexes_alike() {
    if postgres::cluster().is_err() {
        return;
    }
    let (sqlite, postgres) = (Database::empty(Backend::Sqlite), Database::empty(Backend::Postgres));
    for database in [&sqlite, &postgres] {
        migrate::run(&location(database)).unwrap();
    }
    let of_sqlite =
        "SELECT name AS line FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%' ORDER BY 1";
    let of_postgres =
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%\\_pkey' ORDER BY 1";
    let sorted = |text: String| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();

    assert_eq!(sorted(sqlite.sql(of_sqlite)), sorted(postgres.sql(of_postgres)));
}

#[test]
fn a_newer_database_is_refused_with_advice() {
    on_both(|database| {
        migrate::run(&location(database)).unwrap();
        database.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231235959')");

        let status = migrate::status(&location(database)).unwrap();
        let refusals = [
            status.require_current().expect_err("newer").to_string(),
            migrate::run(&location(database)).expect_err("newer").to_string(),
        ];

        assert_eq!(status.unknown, ["29991231235959"]);
        for refusal in refusals {
            assert!(refusal.contains("29991231235959") && refusal.contains("newer"), "{refusal}");
        }
        for arguments in [["migrate", "--check"].as_slice(), &["migrate"], &["serve"], &["user", "list"]] {
            let mut command = program::command(database.directory(), arguments);
            command.envs(database.settings());
            if arguments != ["serve"] {
                command = program::command(database.directory(), arguments);
                command.env("DATABASE_URL", &database.url);
            }
            let said = program::run(&mut command, "");
            assert_eq!(said.code, Some(1), "{arguments:?}: {said:?}");
            assert!(said.err.contains("newer"), "{arguments:?}: {said:?}");
        }
    });
}

#[test]
fn a_database_that_lacks_migrations_is_brought_up_or_refused_with_advice() {
    on_both(|database| {
        let migrate = |arguments: &[&str]| database.run(&[&["migrate"], arguments].concat(), "");
        if database.backend == Backend::Sqlite {
            let said = migrate(&["--check"]);
            assert!(said.code == Some(1) && said.err.contains("There is no database at"), "{said:?}");
        } else {
            let said = migrate(&["--check"]);
            assert!(said.code == Some(1) && said.out.contains("pending 2026-"), "{said:?}");
            let mut serve = program::command(database.directory(), &["serve"]);
            let said = program::run(serve.envs(database.settings()), "");
            assert!(said.code == Some(1) && said.err.contains("frontpage migrate"), "{said:?}");
        }

        let said = migrate(&[]);
        assert!(said.code == Some(0) && said.out.contains("applied 2026-"), "{said:?}");
        let said = migrate(&[]);
        assert!(said.code == Some(0) && !said.out.contains("applied"), "{said:?}");
        let said = migrate(&["--check"]);
        assert!(said.code == Some(0) && said.out.contains("is up to date"), "{said:?}");
    });
}

#[test]
fn programs_that_migrate_at_once_do_each_step_once_and_all_succeed() {
    on_both(|database| {
        let said: Vec<Said> = thread::scope(|scope| {
            let programs: Vec<_> = (0..4).map(|_| scope.spawn(|| database.run(&["migrate"], ""))).collect();
            programs.into_iter().map(|program| program.join().unwrap()).collect()
        });

        assert!(said.iter().all(|said| said.code == Some(0)), "{said:?}");
        let lines = said.iter().flat_map(|said| said.out.lines()).filter_map(|line| line.strip_prefix("applied "));
        let mut applied: Vec<&str> = lines.collect();
        applied.sort_unstable();
        assert_eq!(applied, names(database.backend).iter().map(String::as_str).collect::<Vec<_>>(), "{said:?}");
        let statement = "SELECT CAST(COUNT(*) AS TEXT) AS line FROM __diesel_schema_migrations";
        assert_eq!(database.sql(statement), names(database.backend).len().to_string());
    });
}
