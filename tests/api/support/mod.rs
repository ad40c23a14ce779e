//! What the tests stand on: a real server on a real port with a database of its own, and clients that check every answer.

#![allow(dead_code, reason = "a kit for all test files, also those that are being written")]

pub mod client;
pub mod contract;
pub mod dice;
pub mod hold;
pub mod newsroom;
pub mod postgres;
pub mod program;
pub mod raw;
pub mod scratch;
pub mod wait;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread::JoinHandle,
};

use actix_web::dev::ServerHandle;
use frontpage::{config::Config, db::StatementObserver, server};
use serde_json::{Value, json};

pub use self::client::{Client, Response};

/// The databases that every test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// Makes two tests of each function, one for each database: `name::sqlite` and `name::postgres`.
macro_rules! both {
    ($($(#[$attribute:meta])* fn $name:ident($app:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every test needs all that its module imports")]
            use super::*;

            $(#[$attribute])*
            fn run($app: &$crate::support::App) $body

            #[test]
            fn sqlite() {
                run(&$crate::support::App::start($crate::support::Backend::Sqlite));
            }

            #[test]
            fn postgres() {
                if $crate::support::postgres::cluster().is_ok() {
                    run(&$crate::support::App::start($crate::support::Backend::Postgres));
                }
            }
        }
    )*};
}
pub(crate) use both;

/// The passwords of the logins that every test database has.
pub const PASSWORD: &str = "a lighthouse keeps its own hours";

/// The logins: e-mail, role.
pub const LOGINS: [(&str, &str); 4] = [
    ("admin@newsroom.test", "admin"),
    ("editor@newsroom.test", "editor"),
    ("author@newsroom.test", "author"),
    ("colleague@newsroom.test", "author"),
];

/// A database of a test's own.
pub struct Database {
    pub backend: Backend,
    pub url: String,
    directory: tempfile::TempDir,
}

/// A server of a test's own.
pub struct App {
    pub base: String,
    pub database: Arc<Database>,
    tokens: Mutex<std::collections::HashMap<String, String>>,
    pub statements: Arc<Mutex<Vec<String>>>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Database {
    /// Makes an empty database.
    pub fn empty(backend: Backend) -> Self {
        let directory = scratch::directory();
        let url = match backend {
            Backend::Sqlite => format!("sqlite://{}", directory.path().join("frontpage.db").display()),
            Backend::Postgres => {
                let cluster = postgres::cluster().expect("PostgreSQL runs");
                let name = unique_name();
                cluster.execute("postgres", &format!("CREATE DATABASE {name}"));
                cluster.url(&name)
            }
        };
        Self { backend, url, directory }
    }

    /// Makes a database with all tables and the logins, as a copy of one that is made once.
    pub fn with_logins(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
                let template = TEMPLATE.get_or_init(|| {
                    let template = Self::empty(Backend::Sqlite);
                    template.fill();
                    std::fs::read(template.directory.path().join("frontpage.db")).expect("the template is a file")
                });
                let database = Self::empty(Backend::Sqlite);
                std::fs::write(database.directory.path().join("frontpage.db"), template)
                    .expect("a copy of the template");
                database
            }
            Backend::Postgres => {
                static TEMPLATE: OnceLock<String> = OnceLock::new();
                let cluster = postgres::cluster().expect("PostgreSQL runs");
                let template = TEMPLATE.get_or_init(|| {
                    let template = Self::empty(Backend::Postgres);
                    template.fill();
                    let name = template.name().to_owned();
                    // Dropping it would drop the database; it goes with the cluster.
                    std::mem::forget(template);
                    name
                });
                let name = unique_name();
                // One copy at a time: PostgreSQL lets nobody else use a template while it is copied.
                static COPYING: Mutex<()> = Mutex::new(());
                let _copying = COPYING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                cluster.execute("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
                let directory = scratch::directory();
                Self { backend, url: cluster.url(&name), directory }
            }
        }
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The database's name within the PostgreSQL cluster.
    pub fn name(&self) -> &str {
        self.url.rsplit('/').next().expect("the URL has a name")
    }

    /// Runs one SQL statement past the server; returns what it answers, a line a row.
    pub fn sql(&self, statement: &str) -> String {
        match self.backend {
            Backend::Postgres => {
                postgres::cluster().expect("PostgreSQL runs").execute(self.name(), statement).trim().to_owned()
            }
            Backend::Sqlite => raw::sqlite(&self.directory.path().join("frontpage.db"), statement),
        }
    }

    /// A database somewhere else, which the test has made.
    pub fn at(backend: Backend, url: String) -> Self {
        Self { backend, url, directory: scratch::directory() }
    }

    /// Makes the tables and the logins.
    pub fn fill(&self) {
        let config = self.config(&[]);
        frontpage::db::migrate::run(&config.database.location).expect("the migrations run");
        let db =
            frontpage::db::Db::open(&config.database.location, &config.database.options).expect("the database opens");
        raw::make_logins(&db, &config);
        drop(db);
        if self.backend == Backend::Sqlite {
            raw::sqlite(&self.directory.path().join("frontpage.db"), "PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    /// The settings of a server on this database, with some that the test chooses.
    pub fn config(&self, settings: &[(&str, &str)]) -> Config {
        let keys = self.directory.path().join("keys").display().to_string();
        let mut all = vec![
            ("DATABASE_URL", self.url.as_str()),
            ("FRONTPAGE_LISTEN", "127.0.0.1:0"),
            ("FRONTPAGE_SIGNING_KEYS", keys.as_str()),
            ("FRONTPAGE_WORKERS", "1"),
            ("FRONTPAGE_DRAIN_SECONDS", "0"),
            ("FRONTPAGE_MIGRATE", "true"),
            ("FRONTPAGE_DB_READ_CONNECTIONS", "4"),
            ("FRONTPAGE_DB_WAIT_MS", "10000"),
            ("FRONTPAGE_DB_READ_TIMEOUT_MS", "10000"),
            ("FRONTPAGE_DB_WRITE_TIMEOUT_MS", "10000"),
            // Tests count statements and change times; those about the scheduler wake it.
            ("FRONTPAGE_SCHEDULE_SECONDS", "3600"),
            // For the same reasons every answer is made anew; those about delivery keep answers.
            ("FRONTPAGE_CACHE_BYTES", "0"),
            ("FRONTPAGE_ARTICLE_URL", "https://www.newsroom.test/{section}/{slug}"),
            ("FRONTPAGE_TRIES_PER_SOURCE", "1000"),
            ("FRONTPAGE_TRIES_PER_ACCOUNT", "1000"),
        ];
        if self.backend == Backend::Postgres {
            all.push(("FRONTPAGE_DB_WRITE_CONNECTIONS", "4"));
        }
        all.retain(|(name, _)| !settings.iter().any(|(other, _)| other == name));
        all.extend(settings.iter().copied());
        let pairs = all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Config::from_pairs(pairs).unwrap_or_else(|faults| panic!("the settings are valid: {faults}"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.backend == Backend::Postgres
            && let Ok(cluster) = postgres::cluster()
            && !std::thread::panicking()
        {
            cluster.execute("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name()));
        }
    }
}

fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("fp_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl App {
    /// Starts a server with the default settings of tests.
    pub fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[])
    }

    /// Starts a server with some settings of the test's own.
    pub fn start_with(backend: Backend, settings: &[(&str, &str)]) -> Self {
        Self::start_on(Arc::new(Database::with_logins(backend)), settings)
    }

    /// Starts another server on a database.
    pub fn start_on(database: Arc<Database>, settings: &[(&str, &str)]) -> Self {
        let mut config = database.config(settings);
        let statements: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = statements.clone();
        let observer: StatementObserver = Arc::new(move |statement: &str| {
            seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(statement.to_owned());
        });
        config.database.options.observer = Some(observer);
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let running = server::start(config).await.expect("the server starts");
                sender.send((running.addr, running.handle())).expect("the test waits");
                running.wait().await.expect("the server runs");
            });
        });
        let (addr, handle) = receiver.recv().expect("the server starts");
        Self {
            base: format!("http://{addr}"),
            database,
            tokens: Mutex::default(),
            statements,
            handle,
            thread: Some(thread),
        }
    }

    /// Somebody without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.base, None)
    }

    pub fn admin(&self) -> Client {
        self.logged_in("admin@newsroom.test")
    }

    pub fn editor(&self) -> Client {
        self.logged_in("editor@newsroom.test")
    }

    pub fn author(&self) -> Client {
        self.logged_in("author@newsroom.test")
    }

    /// Another author.
    pub fn colleague(&self) -> Client {
        self.logged_in("colleague@newsroom.test")
    }

    /// Somebody of a role.
    pub fn somebody(&self, role: &str) -> Client {
        self.logged_in(&format!("{role}@newsroom.test"))
    }

    /// Somebody who is logged in; the same session each time.
    pub fn logged_in(&self, email: &str) -> Client {
        let mut tokens = self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let token = tokens.entry(email.to_owned()).or_insert_with(|| {
            let answer = self.login(email, PASSWORD).expect(200);
            answer.json()["access_token"].as_str().expect("a token").to_owned()
        });
        Client::new(&self.base, Some(token.clone()))
    }

    pub fn login(&self, email: &str, password: &str) -> Response {
        self.anonymous().post("/v1/auth/token", json!({ "email": email, "password": password }))
    }

    /// Runs something and returns how many statements it took, without those that begin and end transactions.
    pub fn count_statements<T>(&self, work: impl FnOnce() -> T) -> (T, Vec<String>) {
        self.statements.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
        let result = work();
        let mut statements = self.statements.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        // A connection that rested is asked first whether it still works.
        statements.retain(|statement| statement != "SELECT 1");
        (result, statements)
    }

    /// A section with a name.
    pub fn section(&self, name: &str) -> Value {
        self.editor().post("/v1/sections", json!({ "name": name })).expect(201).json()
    }

    pub fn tag(&self, name: &str) -> Value {
        self.editor().post("/v1/tags", json!({ "name": name })).expect(201).json()
    }

    pub fn staff(&self, name: &str) -> Value {
        self.editor().post("/v1/staff", json!({ "name": name })).expect(201).json()
    }

    /// A draft of the editor's, in a section, with a body and whatever else the test says.
    pub fn draft(&self, title: &str, more: Value) -> Response {
        let mut input = json!({ "title": title, "body_html": "<p>The first ships left at dawn.</p>" });
        for (name, value) in more.as_object().cloned().unwrap_or_default() {
            input[name] = value;
        }
        self.editor().post("/v1/articles", input).expect(201)
    }

    /// A published article of the editor's; the section "world" is made when there is none.
    pub fn published(&self, title: &str, more: Value) -> Response {
        let mut more = more;
        if more.get("section").is_none() {
            self.editor().post("/v1/sections", json!({ "name": "World", "slug": "world" }));
            more["section"] = json!("world");
        }
        let draft = self.draft(title, more);
        self.editor().verb(&format!("/v1/articles/{}/publish", id(&draft)), &draft.etag()).expect(200)
    }
}

/// The id in an answer.
#[track_caller]
pub fn id(answer: &Response) -> String {
    answer.json()["id"].as_str().expect("an id").to_owned()
}

impl Drop for App {
    fn drop(&mut self) {
        // Returns a future that is not needed: the message is sent by the call.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the server panicked");
        }
    }
}

/// The path of the built program.
pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_frontpage"))
}
