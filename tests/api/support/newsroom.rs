//! Databases with the demo's newsroom: filled once for each size, and copied.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
};

use frontpage::{
    auth::passwords::Passwords,
    db::{Db, migrate},
    demo::fill,
};

use super::{Backend, Database, postgres};

type Templates = Mutex<HashMap<u64, Arc<OnceLock<Template>>>>;

/// What copies are made of.
enum Template {
    File(Vec<u8>),
    Database(String),
}

/// A database with so many of the demo's articles.
pub fn newsroom(backend: Backend, articles: u64) -> Arc<Database> {
    static SQLITE: OnceLock<Templates> = OnceLock::new();
    static POSTGRES: OnceLock<Templates> = OnceLock::new();
    let templates = if backend == Backend::Sqlite { &SQLITE } else { &POSTGRES };
    let template = templates.get_or_init(Mutex::default).lock().unwrap().entry(articles).or_default().clone();
    match template.get_or_init(|| make(backend, articles)) {
        Template::File(bytes) => {
            let database = Database::empty(backend);
            std::fs::write(database.directory().join("frontpage.db"), bytes).unwrap();
            Arc::new(database)
        }
        Template::Database(name) => Arc::new(Database::copy_of(name)),
    }
}

fn make(backend: Backend, articles: u64) -> Template {
    let database = Database::empty(backend);
    let config = database.config(&[]);
    migrate::run(&config.database.location).unwrap();
    let db = Db::open(&config.database.location, &config.database.options).unwrap();
    let passwords = Passwords::open(&config.auth.hash, Vec::new()).unwrap();
    fill::run(&db, &passwords, fill::Options { articles, seed: 7, logins: fill::Logins::Documented }, |_| {}).unwrap();
    drop(db);
    if backend == Backend::Sqlite {
        let path = database.directory().join("frontpage.db");
        super::raw::sqlite(&path, "PRAGMA wal_checkpoint(TRUNCATE)");
        return Template::File(std::fs::read(path).unwrap());
    }
    database.sql("ANALYZE");
    let name = database.name().to_owned();
    // Dropping it would drop the database; it goes with the cluster.
    std::mem::forget(database);
    Template::Database(name)
}

impl Database {
    /// A copy of a PostgreSQL database to which nobody is connected.
    fn copy_of(template: &str) -> Self {
        let cluster = postgres::cluster().expect("PostgreSQL runs");
        let copy = Self::empty(Backend::Postgres);
        cluster.execute("postgres", &format!("DROP DATABASE {}", copy.name()));
        // One copy at a time: PostgreSQL lets nobody else use a template while it is copied.
        static COPYING: Mutex<()> = Mutex::new(());
        let _copying = COPYING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        cluster.execute("postgres", &format!("CREATE DATABASE {} TEMPLATE {template}", copy.name()));
        copy
    }
}
