//! The audit: what leaves an entry, what an administrator reads, and that nothing is altered unseen.

mod listing;
mod operations;
mod sealing;
mod tampering;

use frontpage::{
    audit,
    db::{Db, migrate},
};
use serde_json::json;

use crate::support::{App, Database};

/// A database past the server.
fn open(database: &Database) -> Db {
    let config = database.config(&[]);
    migrate::run(&config.database.location).expect("the migrations run");
    Db::open(&config.database.location, &config.database.options).expect("the database opens")
}

/// Seals all there is, as the servers of tests leave it to the tests.
fn seal(db: &Db) {
    actix_web::rt::System::new().block_on(async { while audit::seal(db).await.expect("the database works") {} });
}

/// Appends some entries that are about nothing.
fn append(db: &Db, n: i32) {
    db.write_blocking(|tx| {
        for number in 0..n {
            let details = json!({ "revision": number });
            let id = format!("article-{number}");
            audit::append(tx, &audit::Entry { resource: audit::Resource::Article, id, verb: "edited", details })?;
        }
        Ok(())
    })
    .expect("the database works");
}

/// The entries of a request: action, actor, address, what it is about.
fn entries_of(app: &App, request_id: &str) -> Vec<String> {
    let lines = app.database.sql(&format!(
        "SELECT action || '|' || actor || '|' || COALESCE(address, '') || '|' || resource_id AS line FROM audit \
         WHERE request_id = '{request_id}' ORDER BY at, id"
    ));
    lines.lines().map(str::to_owned).collect()
}

fn count(database: &Database, condition: &str) -> usize {
    let statement = format!("SELECT CAST(COUNT(*) AS TEXT) AS line FROM audit WHERE {condition}");
    database.sql(&statement).parse().expect("a number")
}
