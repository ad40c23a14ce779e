//! Whatever is done to the audit past the server, verifying names where it begins.

use frontpage::audit::{self, verify::Head};

use super::{append, count, open, seal};
use crate::support::{App, Backend, Database, both};

const OTHER_ID: &str = "0193f0a26d7e7c119d6b0f6a3c1e5b7a";

/// An id as the database writes it.
fn id(database: &Database) -> String {
    match database.backend {
        Backend::Sqlite => format!("x'{OTHER_ID}'"),
        Backend::Postgres => format!("'{}'", uuid::Uuid::parse_str(OTHER_ID).unwrap()),
    }
}

/// All members of the row at a position, but for some.
fn copy_of(position: i64, new_id: &str, place: &str) -> String {
    format!(
        "INSERT INTO audit SELECT {new_id}, at, actor_id, actor, action, resource, resource_id, details, address, \
         request_id, digest, {place} FROM audit WHERE position = {position}"
    )
}

fn swap(columns: &[&str]) -> String {
    let mut statements = Vec::new();
    for column in columns {
        statements.push(format!(
            "UPDATE audit SET {column} = (SELECT other.{column} FROM audit_kept other \
             WHERE other.position = 11 - audit.position) WHERE position IN (5, 6)"
        ));
    }
    statements.join("; ")
}

/// What is done, and what is said of it.
fn tamperings(database: &Database) -> Vec<(String, &'static str)> {
    let id = id(database);
    let set = |what: &str| format!("UPDATE audit SET {what} WHERE position = 5");
    let mut all: Vec<(String, &'static str)> = [
        format!("id = {id}"),
        "at = '2020-01-01 00:00:00.000'".to_owned(),
        format!("actor_id = {id}"),
        "actor = 'admin'".to_owned(),
        "action = 'article.created'".to_owned(),
        "resource = 'tag'".to_owned(),
        "resource_id = 'article-77'".to_owned(),
        "details = '{}'".to_owned(),
        "address = '203.0.113.9'".to_owned(),
        "request_id = 'somebody-elses'".to_owned(),
        "digest = chain".to_owned(),
    ]
    .iter()
    .map(|what| (set(what), "the entry at position 5"))
    .collect();
    all.extend([
        (set("chain = digest"), "the entry at position 5"),
        (set("chain = NULL"), "the entry at position 5"),
        (set("position = 400"), "position 5 is missing"),
        (set("position = NULL"), "position 5 is missing"),
        (set("position = NULL, chain = NULL"), "position 5 is missing"),
        ("DELETE FROM audit WHERE position = 5".to_owned(), "position 5 is missing"),
        ("DELETE FROM audit WHERE position IN (5, 6, 7)".to_owned(), "positions 5 to 7 are missing"),
        ("DELETE FROM audit WHERE position = 1".to_owned(), "position 1 is missing"),
        (copy_of(5, &id, "13, chain"), "the entry at position 13"),
        (
            format!(
                "UPDATE audit SET position = -position - 1 WHERE position > 5; \
                 UPDATE audit SET position = -position WHERE position < 0; {}",
                copy_of(5, &id, "6, chain")
            ),
            "the entry at position 6",
        ),
        (copy_of(5, &id, "NULL, NULL"), "that is not sealed yet"),
        (
            "UPDATE audit SET position = 99 WHERE position = 5; UPDATE audit SET position = 5 WHERE position = 6; \
             UPDATE audit SET position = 6 WHERE position = 99"
                .to_owned(),
            "the entry at position 5",
        ),
        (swap(&["actor", "action", "resource", "resource_id", "details"]), "the entry at position 5"),
        (swap(&["resource_id", "details", "digest"]), "the entry at position 5"),
        ("UPDATE audit SET position = NULL WHERE position = 12".to_owned(), "that is not sealed yet"),
        (
            "UPDATE audit SET position = NULL, chain = NULL, actor = 'admin' WHERE position = 12".to_owned(),
            "that is not sealed yet",
        ),
    ]);
    if database.backend == Backend::Sqlite {
        all.push((set("id = x'00'"), "the first entry after position 4"));
        all.push((set("at = 'yesterday'"), "the first entry after position 4"));
    }
    all
}

/// A database with twelve entries, all sealed.
fn twelve(app: &App) -> frontpage::db::Db {
    let db = open(&app.database);
    let n = i32::try_from(count(&app.database, "1 = 1")).unwrap();
    append(&db, 12 - n);
    seal(&db);
    keep(&app.database);
    db
}

fn keep(database: &Database) {
    database.sql("DROP TABLE IF EXISTS audit_kept");
    database.sql("CREATE TABLE audit_kept AS SELECT * FROM audit");
}

fn put_back(database: &Database) {
    database.sql("DELETE FROM audit");
    database.sql("INSERT INTO audit SELECT * FROM audit_kept");
}

both! {
    fn every_tampering_is_named(app) {
        let db = twelve(app);
        assert_eq!(audit::verify(&db, 1, None).unwrap().fault, None);

        for (statement, named) in tamperings(&app.database) {
            app.database.sql(&statement);
            let fault = audit::verify(&db, 1, None).unwrap().fault.unwrap_or_default();
            assert!(fault.contains(named), "{statement}\n  \"{fault}\" does not name \"{named}\"");
            put_back(&app.database);
        }
        assert_eq!(audit::verify(&db, 1, None).unwrap().fault, None);
    }

    fn a_chain_that_was_made_anew_or_cut_shows_against_a_head_that_was_noted(app) {
        let db = twelve(app);
        let noted = audit::verify(&db, 1, None).unwrap().head;
        assert_eq!(noted.position, 12);
        append(&db, 2);
        seal(&db);
        keep(&app.database);
        assert_eq!(audit::verify(&db, 1, Some(&noted)).unwrap().fault, None, "what is appended alters nothing");

        for (statement, named) in [
            ("DELETE FROM audit WHERE position > 11", "position 12 is missing"),
            ("DELETE FROM audit WHERE position = 5; UPDATE audit SET position = NULL, chain = NULL", "position 12 is not the one that was noted"),
        ] {
            app.database.sql(statement);
            seal(&db);
            assert_eq!(audit::verify(&db, 1, None).unwrap().fault, None, "{statement}: the chain alone cannot tell");
            let fault = audit::verify(&db, 1, Some(&noted)).unwrap().fault.unwrap_or_default();
            assert!(fault.contains(named), "{statement}: {fault}");
            put_back(&app.database);
        }
    }

    fn the_command_says_what_it_found_and_ends_accordingly(app) {
        let db = twelve(app);
        append(&db, 1);

        let said = app.database.run(&["audit", "verify"], "");
        assert_eq!(said.code, Some(0), "{said:?}");
        let head = said.out.lines().find_map(|line| line.strip_prefix("head ")).expect("a head").to_owned();
        assert_eq!(Head::parse(&head).unwrap().position, 12);
        assert!(said.out.contains("12 sealed entries") && said.out.contains("1 further entries"), "{said:?}");
        for arguments in [["--head", head.as_str()].as_slice(), &["--from", "13", "--head", &head], &["--from", "9"]] {
            let said = app.database.run(&[&["audit", "verify"], arguments].concat(), "");
            assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        }

        app.database.sql("UPDATE audit SET actor = 'nobody' WHERE position = 7");
        let said = app.database.run(&["audit", "verify"], "");
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
        assert!(said.err.contains("the entry at position 7") && said.err.contains("was altered"), "{said:?}");
        let said = app.database.run(&["audit", "verify", "--from", "8"], "");
        assert_eq!(said.code, Some(0), "what is before is not looked at: {said:?}");

        for wrong in [["--head", "12"].as_slice(), &["--from", "0"], &["--from", "20", "--head", &head]] {
            let said = app.database.run(&[&["audit", "verify"], wrong].concat(), "");
            assert_eq!(said.code, Some(2), "{wrong:?}: {said:?}");
        }
        let said = app.database.run(&["audit", "verify", "--from", "50"], "");
        assert!(said.code == Some(1) && said.err.contains("position 49 is missing"), "{said:?}");
    }
}
