//! The program from outside: what an operator types, what comes back, and how it ends.

use std::{
    collections::BTreeSet,
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use frontpage::{config, demo};
use serde_json::{Value, json};

use crate::support::{
    Backend, Client, Database, PASSWORD, postgres,
    program::{self, Said},
};

const NEW_PASSWORD: &str = "six tall ladders lean on one wall";

/// Runs a test on a database with logins of each kind.
fn on_both(test: impl Fn(&Database)) {
    test(&Database::with_logins(Backend::Sqlite));
    if postgres::cluster().is_ok() {
        test(&Database::with_logins(Backend::Postgres));
    }
}

/// Fails unless a command ended so and said so.
#[track_caller]
fn ended(said: &Said, code: i32, parts: &[&str]) {
    assert_eq!(said.code, Some(code), "{said:?}");
    let all = format!("{}{}", said.out, said.err);
    for part in parts {
        assert!(all.contains(part), "\"{part}\" is missing: {said:?}");
    }
}

fn login(base: &str, email: &str, password: &str) -> crate::support::Response {
    Client::new(base, None).post("/v1/auth/token", json!({ "email": email, "password": password }))
}

#[test]
fn serve_says_one_line_on_standard_output_with_the_real_port() {
    on_both(|database| {
        let mut command = program::command(database.directory(), &["serve"]);
        command.envs(database.settings()).env("FRONTPAGE_LOG_LEVEL", "debug").stderr(Stdio::null());
        let program = program::Program::start(command);
        assert_eq!(program.ready_line, format!("frontpage is listening on {}\n", program.base));
        Client::new(&program.base, None).get("/v1/articles").expect(200);

        program.signal("TERM");

        let (status, rest) = program.end();
        assert_eq!((status.code(), rest.as_str()), (Some(0), ""));
    });
}

#[test]
fn an_address_that_is_taken_is_named() {
    let database = Database::with_logins(Backend::Sqlite);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = program::command(database.directory(), &["serve", "--listen", &address]);

    let said = program::run(command.env("DATABASE_URL", &database.url), "");

    ended(&said, 1, &[&address, "FRONTPAGE_LISTEN"]);
}

#[test]
fn serve_demo_makes_a_newsroom_whose_logins_work_and_keeps_it() {
    let database = Database::empty(Backend::Sqlite);
    for start in ["first", "second"] {
        let mut command = program::command(database.directory(), &["serve", "--demo", "--listen", "127.0.0.1:0"]);
        command.env("DATABASE_URL", &database.url).env("FRONTPAGE_DRAIN_SECONDS", "0").stderr(Stdio::null());
        let program = program::Program::start(command);
        let anonymous = Client::new(&program.base, None);

        let list = anonymous.get("/v1/articles?limit=100").expect(200).json();
        assert!(
            (20..60).contains(&list["data"].as_array().unwrap().len()),
            "{start}: some of the 60 are not published"
        );
        for demo in demo::logins() {
            let answer = login(&program.base, demo.email, demo.password).expect(200).json();
            let somebody = anonymous.with_token(answer["access_token"].as_str().unwrap());
            let me = somebody.get("/v1/auth/me").expect(200).json();
            assert_eq!((&me["email"], &me["name"]), (&json!(demo.email), &json!(demo.display_name)));
        }
        // Beside the log, which may have a form of its own.
        program.signal("TERM");
        let (_, said) = program.end();
        for demo in demo::logins() {
            assert!(said.contains(demo.email) && said.contains(demo.password), "{start}: {said}");
        }
    }
    assert_eq!(database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM articles"), "60");
}

#[test]
fn serve_demo_knows_its_newsroom_by_the_mark_and_not_by_the_addresses_of_the_logins() {
    let made_by_hand = Database::empty(Backend::Sqlite);
    ended(&made_by_hand.run(&["migrate"], ""), 0, &[]);
    for demo in demo::logins() {
        let create = ["user", "create", "--email", demo.email, "--name", demo.display_name, "--role", "admin"];
        ended(&made_by_hand.run(&create, PASSWORD), 0, &["created"]);
    }
    let filled = Database::empty(Backend::Sqlite);
    ended(&filled.run(&["demo", "--articles", "3"], ""), 0, &[]);
    for database in [&made_by_hand, &filled] {
        let mut command = program::command(database.directory(), &["serve", "--demo", "--listen", "127.0.0.1:0"]);

        let said = program::run(command.env("DATABASE_URL", &database.url), "");

        ended(&said, 1, &["has content"]);
        for demo in demo::logins() {
            assert!(!format!("{said:?}").contains(demo.password), "{said:?}");
        }
        let program = database.serve(&[]);
        for demo in demo::logins() {
            login(&program.base, demo.email, demo.password).expect(401);
        }
    }
}

#[test]
fn serve_demo_refuses_an_address_that_others_can_reach() {
    let database = Database::empty(Backend::Sqlite);
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let mut command = program::command(database.directory(), &["serve", "--demo", "--listen", address]);

        let said = program::run(command.env("DATABASE_URL", &database.url), "");

        ended(&said, 2, &["FRONTPAGE_LISTEN", address, "--demo", "127.0.0.1"]);
    }
    assert!(!database.directory().join("frontpage.db").exists(), "nothing was made");
}

#[test]
fn serve_demo_refuses_a_database_with_content_of_its_own() {
    on_both(|database| {
        let mut command = program::command(database.directory(), &["serve", "--demo"]);

        let said = program::run(command.envs(database.settings()), "");

        ended(&said, 1, &["has content"]);
        assert!(!said.out.contains("listening"), "{said:?}");
    });
}

#[test]
fn all_wrong_settings_are_named_at_once_with_what_is_allowed_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = program::command(directory.path(), &["serve"]);
    command.envs([
        ("DATABASE_URL", "mysql://root:hunter2hunter2@db.example/news"),
        ("FRONTPAGE_LISTEN", "localhost"),
        ("FRONTPAGE_LOG_FORMAT", "xml"),
        ("FRONTPAGE_DB_WAIT_MS", "soon"),
        ("FRONTPAGE_CACHE_CONTROL_LIST", "public, s-maxage=-1"),
        ("FRONTPAGE_ARTICLE_URL", "https://www.example.org/{colour}"),
        ("FRONTPAGE_CORS_ORIGINS", "https://user:hunter2hunter2@a.example/path"),
        ("FRONTPAGE_PASWORD", "hunter2hunter2"),
    ]);

    let said = program::run(&mut command, "");

    ended(
        &said,
        2,
        &[
            "8 faults",
            "DATABASE_URL",
            "postgres://",
            "FRONTPAGE_LISTEN (--listen) is \"localhost\"",
            "FRONTPAGE_LOG_FORMAT (--log-format) is \"xml\"",
            "json",
            "FRONTPAGE_DB_WAIT_MS (--db-wait-ms) is \"soon\"",
            "\"s-maxage=-1\" is neither one of public",
            "FRONTPAGE_ARTICLE_URL",
            "{slug}",
            "FRONTPAGE_CORS_ORIGINS",
            "FRONTPAGE_PASWORD",
        ],
    );
    assert_eq!(said.out, "");
    assert!(!said.err.contains("hunter2"), "{}", said.err);
}

#[test]
fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let database = Database::with_logins(Backend::Sqlite);
    let text = format!("DATABASE_URL={}\nFRONTPAGE_LISTEN='in the file'\n", database.url);
    fs::write(database.directory().join(".env"), text).unwrap();
    let listen = |flag: &[&str], variable: &[(&str, &str)]| {
        let mut command = program::command(database.directory(), &[&["health"], flag].concat());
        program::run(command.envs(variable.iter().copied()), "")
    };

    ended(&listen(&[], &[]), 2, &["\"in the file\""]);
    ended(&listen(&[], &[("FRONTPAGE_LISTEN", "in the environment")]), 2, &["\"in the environment\""]);
    ended(&listen(&["--listen", "a flag"], &[("FRONTPAGE_LISTEN", "in the environment")]), 2, &["\"a flag\""]);
    let list = program::run(&mut program::command(database.directory(), &["user", "list"]), "");
    ended(&list, 0, &["editor@newsroom.test"]);
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [["migrate"].as_slice(), &["migrate", "--check"], &["user", "list"]] {
        let mut command = program::command(directory.path(), arguments);
        command.env("DATABASE_URL", "postgres://news:hunter2hunter2@127.0.0.1:1/news");

        let said = program::run(&mut command, "");

        ended(&said, 1, &["127.0.0.1"]);
        assert!(!format!("{said:?}").contains("hunter2"), "{said:?}");
    }
}

#[test]
fn postgres_needs_to_be_told_where_the_keys_are() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = program::command(directory.path(), &["serve"]);

    let said = program::run(command.env("DATABASE_URL", "postgres://127.0.0.1:1/news"), "");

    ended(&said, 2, &["FRONTPAGE_SIGNING_KEYS"]);
}

#[test]
fn accounts_are_made_listed_changed_and_disabled_while_the_server_runs() {
    on_both(|database| {
        let program = database.serve(&[]);
        let create = ["user", "create", "--email", "mina@newsroom.test", "--name", "Mina Okafor", "--role", "author"];

        ended(&database.run(&create, &format!("{PASSWORD}\n")), 0, &["created mina@newsroom.test as author"]);
        let token = login(&program.base, "MINA@newsroom.test", PASSWORD).expect(200).json();
        let mina = Client::new(&program.base, token["access_token"].as_str().map(str::to_owned));
        assert_eq!(mina.get("/v1/auth/me").expect(200).json()["role"], "author");

        ended(
            &database.run(&["user", "set-role", "--email", "mina@newsroom.test", "--role", "editor"], ""),
            0,
            &["editor"],
        );
        until(|| mina.get("/v1/auth/me").expect(200).json()["role"] == "editor");

        let said = database.run(&["user", "set-password", "--email", "mina@newsroom.test"], NEW_PASSWORD);
        ended(&said, 0, &["all sessions have ended"]);
        until(|| mina.get("/v1/auth/me").status == 401);
        login(&program.base, "mina@newsroom.test", PASSWORD).expect(401);
        login(&program.base, "mina@newsroom.test", NEW_PASSWORD).expect(200);

        ended(&database.run(&["user", "disable", "--email", "mina@newsroom.test"], ""), 0, &["cannot log in"]);
        login(&program.base, "mina@newsroom.test", NEW_PASSWORD).expect(401);

        let list = database.run(&["user", "list"], "");
        let line = list.out.lines().find(|line| line.starts_with("mina@newsroom.test")).expect("a line");
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>(),
            ["mina@newsroom.test", "editor", "disabled", "Mina", "Okafor"]
        );
        assert_eq!(list.out.lines().count(), 1 + crate::support::LOGINS.len() + 1);
    });
}

/// Waits until something holds on a server that hears of it from the database: five seconds are promised.
#[track_caller]
fn until(holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(20), "it does not come to hold");
    }
}

#[test]
fn what_is_wrong_with_an_account_is_said_and_nothing_changes() {
    on_both(|database| {
        let create = |email: &str, role: &str, password: &str| {
            database.run(&["user", "create", "--email", email, "--name", "Mina", "--role", role], password)
        };
        ended(&create("mina@newsroom.test", "author", "short"), 1, &["password", "15"]);
        ended(&create("mina@newsroom.test", "author", ""), 1, &["is empty"]);
        ended(&create("mina@newsroom.test", "author", "two lines of text\nand more\n"), 1, &["more than one line"]);
        ended(&create("mina@newsroom.test", "boss", PASSWORD), 2, &["author", "editor", "admin"]);
        ended(&create("nobody", "author", PASSWORD), 2, &["--email"]);
        ended(&create("EDITOR@newsroom.test", "author", PASSWORD), 1, &["email"]);
        for action in ["set-password", "disable"] {
            let said = database.run(&["user", action, "--email", "nobody@newsroom.test"], NEW_PASSWORD);
            ended(&said, 1, &["no user account"]);
        }
        for action in [["disable"].as_slice(), &["set-role", "--role", "author"]] {
            let said = database.run(&[&["user"], action, &["--email", "admin@newsroom.test"]].concat(), "");
            ended(&said, 1, &["administrator"]);
        }

        assert_eq!(database.run(&["user", "list"], "").out.lines().count(), 1 + crate::support::LOGINS.len());
    });
}

#[test]
fn a_password_is_never_an_argument() {
    let database = Database::with_logins(Backend::Sqlite);
    let create =
        ["user", "create", "--email", "a@newsroom.test", "--name", "A", "--role", "author", "--password", PASSWORD];

    ended(&database.run(&create, ""), 2, &["--password"]);
}

/// All articles that readers see, without what depends on the time or on chance.
fn content(database: &Database) -> Vec<[Value; 5]> {
    let program = database.serve(&[]);
    let anonymous = Client::new(&program.base, None);
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = anonymous.get(&format!("/v1/articles?limit=100&include=body_text{cursor}")).expect(200).json();
        for article in page["data"].as_array().unwrap() {
            all.push(["slug", "title", "excerpt", "body_text", "language"].map(|member| article[member].clone()));
        }
        let Some(next) = page["page"]["next"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

#[test]
fn demo_content_follows_from_the_seed() {
    let databases = [("7", Backend::Sqlite), ("7", Backend::Postgres), ("8", Backend::Sqlite)]
        .into_iter()
        .filter(|(_, backend)| *backend == Backend::Sqlite || postgres::cluster().is_ok())
        .map(|(seed, backend)| (seed, Database::empty(backend)));
    let contents: Vec<(&str, Vec<[Value; 5]>)> = databases
        .map(|(seed, database)| {
            ended(&database.run(&["migrate"], ""), 0, &[]);
            ended(&database.run(&["demo", "--articles", "200", "--seed", seed], ""), 0, &["200 articles"]);
            for login in demo::logins() {
                assert!(!database.run(&["user", "list"], "").err.contains(login.password));
            }
            (seed, content(&database))
        })
        .collect();

    let [(_, first), rest @ ..] = contents.as_slice() else { unreachable!() };
    assert!(first.len() > 100, "{} are published", first.len());
    for (seed, other) in rest {
        assert_eq!(*seed == "7", first == other, "the seeds 7 and {seed}");
    }
}

#[test]
fn demo_refuses_a_database_with_content() {
    on_both(|database| {
        ended(&database.run(&["demo", "--articles", "10"], ""), 1, &["has content"]);
        ended(&database.run(&["demo", "--articles", "0"], ""), 2, &["--articles"]);
    });
}

#[test]
fn the_documented_passwords_open_only_what_serve_demo_made() {
    let database = Database::empty(Backend::Sqlite);
    ended(&database.run(&["demo", "--articles", "3"], ""), 0, &[]);
    let program = database.serve(&[]);

    for demo in demo::logins() {
        login(&program.base, demo.email, demo.password).expect(401);
    }
}

#[test]
fn a_new_database_has_no_credentials() {
    let database = Database::empty(Backend::Sqlite);
    let program = database.serve(&[]);

    for demo in demo::logins() {
        login(&program.base, demo.email, demo.password).expect(401);
    }
    for (email, password) in [("admin", "admin"), ("admin@example.org", "admin"), ("root@localhost", "")] {
        assert!([401, 422].contains(&login(&program.base, email, password).status), "{email}");
    }
    assert_eq!(database.run(&["user", "list"], "").out.lines().count(), 1, "only the head of the table");
}

#[test]
fn openapi_prints_writes_and_compares_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let openapi = |arguments: &[&str]| {
        program::run(&mut program::command(directory.path(), &[&["openapi"], arguments].concat()), "")
    };
    let checked_in = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    assert_eq!(openapi(&[]).out, frontpage::http::openapi::json());
    ended(&openapi(&["--check", "--file", checked_in]), 0, &["is up to date"]);
    ended(&openapi(&["--check"]), 1, &["cannot be read"]);

    ended(&openapi(&["--write", "--file", "copy/openapi.json"]), 0, &["wrote"]);
    ended(&openapi(&["--check", "--file", "copy/openapi.json"]), 0, &["is up to date"]);
    let copy = directory.path().join("copy/openapi.json");
    let text = fs::read_to_string(&copy).unwrap().replace("\"createArticle\"", "\"makeArticle\"");
    fs::write(&copy, text).unwrap();

    ended(
        &openapi(&["--check", "--file", "copy/openapi.json"]),
        1,
        &["/paths/~1v1~1articles/post/operationId", "makeArticle", "createArticle", "openapi --write"],
    );
    ended(&openapi(&["--check", "--write"]), 2, &["--write"]);
}

#[test]
fn health_tells_by_its_exit_code() {
    let database = Database::with_logins(Backend::Sqlite);
    let health = |listen: &str| {
        let mut command = program::command(database.directory(), &["health"]);
        program::run(command.env("FRONTPAGE_LISTEN", listen), "")
    };
    let program = database.serve(&[]);
    let address = program.base.trim_start_matches("http://").to_owned();

    ended(&health(&address), 0, &["answers"]);
    program.kill();
    ended(&health(&address), 1, &["does not answer", "FRONTPAGE_LISTEN"]);
    ended(&health("127.0.0.1:0"), 2, &["FRONTPAGE_LISTEN"]);
}

#[test]
fn help_and_mistakes_have_their_exit_codes() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| program::run(&mut program::command(directory.path(), arguments), "");

    for command in ["serve", "migrate", "user", "demo", "openapi", "health"] {
        ended(&run(&[command, "--help"]), 0, &["Usage: frontpage"]);
        ended(&run(&["--help"]), 0, &[command]);
    }
    ended(&run(&["--version"]), 0, &[env!("CARGO_PKG_VERSION")]);
    ended(&run(&["publish"]), 2, &["publish"]);
    ended(&run(&["serve", "--no-such-option"]), 2, &["--no-such-option"]);
    ended(&run(&[]), 2, &["Usage"]);
}

/// The variables that a text names at the start of a line, such as `# FRONTPAGE_LISTEN=127.0.0.1:8080`.
fn variables_in_env_example(text: &str) -> BTreeSet<String> {
    let name = |line: &str| line.trim_start_matches("# ").split_once('=').map(|(name, _)| name.to_owned());
    text.lines().filter_map(name).filter(|name| is_variable(name)).collect()
}

fn is_variable(name: &str) -> bool {
    name == "DATABASE_URL" || name.starts_with("FRONTPAGE_") || name.starts_with("OTEL_")
}

/// The variables that a text names anywhere.
fn variables_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| is_variable(word)).map(str::to_owned).collect()
}

#[test]
fn the_settings_are_the_same_in_the_code_the_help_the_example_and_the_readme() {
    let settings: BTreeSet<String> = config::variables().into_iter().map(|variable| variable.name).collect();
    let read = |name: &str| fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR")));
    let directory = tempfile::tempdir().unwrap();
    let help = program::run(&mut program::command(directory.path(), &["serve", "--help"]), "").out;

    assert_eq!(variables_in_env_example(&read(".env.example").unwrap()), settings, ".env.example");
    assert_eq!(variables_in(&help), settings, "frontpage serve --help");
    if let Ok(readme) = read("README.md") {
        let rows: String = readme.lines().filter(|line| line.starts_with("| `")).collect();
        // The table has the settings; the text around it may name variables of the tests.
        assert_eq!(variables_in(&rows), settings, "the table in README.md");
    }
}
