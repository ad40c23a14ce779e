//! The house's invariants, read from the source text. If you are here because one failed: the message says what to do,
//! and ARCHITECTURE.md says why.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// A source file, with its path from the project's folder.
struct Source {
    path: String,
    text: String,
    code: OnceLock<String>,
}

impl Source {
    /// The text without comments and string literals.
    fn code(&self) -> &str {
        self.code.get_or_init(|| strip(&self.text))
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/") || self.path.starts_with("tests/")
    }

    /// Whether the code has a path such as `diesel::pg` or a single word, as words.
    fn names(&self, words: &str) -> bool {
        let code = self.code();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        code.match_indices(words)
            .any(|(at, found)| !code[..at].ends_with(is_word) && !code[at + found.len()..].starts_with(is_word))
    }
}

/// All Rust files below a folder of the project.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push(Source { path: name, text: fs::read_to_string(&path).unwrap(), code: OnceLock::new() });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no sources below {folder}");
    found
}

/// Removes comments and the content of string literals, and keeps the lines.
fn strip(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut code, mut i) = (String::new(), 0);
    while i < chars.len() {
        let raw_hashes = if at(i) == 'r' { (1..).take_while(|n| at(i + n) == '#').count() } else { 0 };
        if at(i) == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if at(i) == 'r'
            && at(i + 1 + raw_hashes) == '"'
            && !code.ends_with(|c: char| c.is_alphanumeric() || c == '_')
        {
            let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', raw_hashes)).collect();
            i += 2 + raw_hashes;
            while i < chars.len() && chars[i..].get(..end.len()) != Some(&end[..]) {
                i += 1;
            }
            i += end.len();
            code.push_str("\"\"");
        } else if at(i) == '"' {
            i += 1;
            while i < chars.len() && at(i) != '"' {
                i += if at(i) == '\\' { 2 } else { 1 };
            }
            i += 1;
            code.push_str("\"\"");
        } else if at(i) == '\'' && (at(i + 2) == '\'' || at(i + 1) == '\\') {
            i += if at(i + 1) == '\\' { 3 } else { 2 };
            while i < chars.len() && at(i) != '\'' {
                i += 1;
            }
            i += 1;
            code.push_str("' '");
        } else {
            code.push(at(i));
            i += 1;
        }
    }
    code
}

/// Fails unless nothing was found.
#[track_caller]
fn none(found: Vec<String>, advice: &str) {
    assert!(found.is_empty(), "{advice}:\n  {}", found.join("\n  "));
}

#[test]
fn the_stripper_leaves_code_only() {
    let text =
        "let a = \"x // \\\" y\"; // pg\nlet b = r#\"q \" q\"#; let c = '\"'; let d: &'a str = \"\"; let e = '\\'';";

    assert_eq!(strip(text), "let a = \"\"; \nlet b = \"\"; let c = ' '; let d: &'a str = \"\"; let e = ' ';");
}

#[test]
fn no_file_is_longer_than_500_lines() {
    // This list only shrinks.
    const ALLOWED: &[&str] = &[];
    let is_long = |source: &Source| source.text.lines().count() > 500;

    let long = sources("src").into_iter().filter(is_long);

    none(
        long.map(|source| source.path).filter(|path| !ALLOWED.contains(&path.as_str())).collect(),
        "Split these files along what they are about",
    );
}

#[test]
fn no_function_is_longer_than_60_lines() {
    let mut long = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        let code = source.code();
        let lines: Vec<&str> = code.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let head = line.trim_start();
            let is_function =
                ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(super) fn ", "pub(crate) fn ", "const fn "]
                    .iter()
                    .any(|start| head.starts_with(start));
            let end = format!("{}}}", &line[..line.len() - head.len()]);
            if is_function
                && !line.trim_end().ends_with('}')
                && let Some(length) = lines[index..].iter().position(|line| *line == end)
                && length >= 60
            {
                long.push(format!("{}:{}: {} lines", source.path, index + 1, length + 1));
            }
        }
    }

    none(long, "Split these functions");
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent = sources("src").into_iter().filter(|source| !source.is_test() && !source.text.starts_with("//! "));

    none(silent.map(|source| source.path).collect(), "Open these modules with `//!`: what for, what it must not know");
}

/// The words in backquotes of a row of a table.
fn quoted(row: &str) -> impl Iterator<Item = &str> {
    row.split('`').skip(1).step_by(2)
}

#[test]
fn the_table_of_invariants_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let table = text.split("\n## Invariants\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| #"));
    let (mut found, mut n_rows) = (Vec::new(), 0);
    for row in rows {
        n_rows += 1;
        let [number, _, held_by] = row.trim_matches('|').split(" | ").collect::<Vec<_>>().try_into().unwrap();
        if number.trim() != n_rows.to_string() {
            found.push(format!("{row}: this is row {n_rows}"));
        }
        // A module or a file, and then the tests in it.
        let mut place = String::new();
        for name in quoted(held_by) {
            if name.contains('/') || name.contains("::") || root.join("src").join(name).is_dir() {
                place = file_of(name);
                found.extend(place.is_empty().then(|| format!("{row}: there is no {name}")));
            } else if !place.contains(&format!("fn {name}(")) {
                found.push(format!("{row}: the test {name} is not there"));
            }
        }
        if quoted(held_by).next().is_none() {
            found.push(format!("{row}: no test"));
        }
    }

    assert!(n_rows > 20, "the table has {n_rows} rows");
    none(found, "Mend the table of invariants in ARCHITECTURE.md");
}

/// The text of a file, or of the files of a module; nothing when it is not there.
fn file_of(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = if name.contains('/') { root.join(name) } else { root.join("src").join(name.replace("::", "/")) };
    if name.contains('/') {
        return fs::read_to_string(path).unwrap_or_default();
    }
    ["rs", ""]
        .iter()
        .filter_map(|end| {
            fs::read_to_string(if end.is_empty() { path.join("mod.rs") } else { path.with_extension(end) }).ok()
        })
        .collect()
}

/// Invariant 1: `body` does no I/O and knows neither HTTP nor SQL.
#[test]
fn bodies_know_neither_http_nor_sql() {
    const FOREIGN: [&str; 10] = [
        "crate::http",
        "crate::db",
        "crate::state",
        "crate::config",
        "crate::auth",
        "actix_web",
        "diesel",
        "std::fs",
        "std::net",
        "tokio",
    ];
    let mut found = Vec::new();
    for source in sources("src").iter().filter(|source| source.path.starts_with("src/body/")) {
        found.extend(FOREIGN.iter().filter(|name| source.names(name)).map(|name| format!("{}: {name}", source.path)));
        let text = source.code().replace([' ', '\n'], "");
        for module in ["http", "db", "state", "config", "auth"] {
            if text.contains(&format!("crate::{{{module}")) || text.contains(&format!(",{module}::")) {
                found.push(format!("{}: {module}", source.path));
            }
        }
    }

    none(found, "An article's body must be usable without a server or a database");
}

/// Invariant 2: nothing outside `db` names a diesel backend.
#[test]
fn only_the_database_module_knows_which_database_it_is() {
    const BACKENDS: [&str; 12] = [
        "diesel::pg",
        "diesel::sqlite",
        "PgConnection",
        "SqliteConnection",
        "Conn::Postgres",
        "Conn::Sqlite",
        "Pg",
        "backends",
        "libsqlite3_sys",
        "pq_sys",
        "PgExpressionMethods",
        "BEGIN IMMEDIATE",
    ];
    let mut found = Vec::new();
    for source in sources("src").iter().filter(|source| !source.path.starts_with("src/db/") && !source.is_test()) {
        found.extend(BACKENDS.iter().filter(|name| source.names(name)).map(|name| format!("{}: {name}", source.path)));
    }

    none(found, "Move what depends on the database into src/db");
}

/// Invariant 3: the code that serves readers cannot name the working tables.
#[test]
fn the_readers_code_does_not_name_the_working_tables() {
    const WORKING: [&str; 7] = [
        "articles",
        "article_revisions",
        "article_bodies",
        "article_staff",
        "article_tags",
        "resource_revisions",
        "ArticleRow",
    ];
    let readers =
        ["src/articles/live.rs", "src/articles/list.rs", "src/articles/addresses.rs", "src/articles/notices.rs"];
    let mut found = Vec::new();
    for source in sources("src").iter().filter(|source| readers.contains(&source.path.as_str())) {
        found.extend(WORKING.iter().filter(|name| source.names(name)).map(|name| format!("{}: {name}", source.path)));
    }
    // Facets are written for the live copy only; a draft must not get into a public list.
    for source in sources("src").iter().filter(|source| source.path == "src/articles/facets.rs") {
        found.extend(WORKING.iter().filter(|name| source.names(name)).map(|name| format!("{}: {name}", source.path)));
    }

    none(found, "Readers must not be able to see a draft, so this code must not be able to reach one");
}

/// Invariant 5: a handler holds no SQL and no transaction of its own.
#[test]
fn handlers_hold_no_sql() {
    const SQL: [&str; 8] =
        ["diesel", "schema", "sql_query", "insert_into", "RunQueryDsl", "transaction", "get_result", "batch_execute"];
    let mut found = Vec::new();
    for source in sources("src").iter().filter(|source| source.path.ends_with("/routes.rs")) {
        found.extend(SQL.iter().filter(|name| source.names(name)).map(|name| format!("{}: {name}", source.path)));
    }

    none(found, "Move it into the module's store");
}

/// Invariant 22: only the clock tells the time, so that tests and nodes agree about it.
#[test]
fn only_the_clock_asks_for_the_time_of_day() {
    let mut found = Vec::new();
    for source in sources("src").iter().filter(|source| source.path != "src/clock.rs" && !source.is_test()) {
        found.extend(
            ["Utc::now", "Local::now"]
                .iter()
                .filter(|name| source.names(name))
                .map(|name| format!("{}: {name}", source.path)),
        );
    }

    none(found, "Ask crate::clock instead");
}

#[test]
fn no_test_is_ignored_without_being_one_of_endurance_and_nothing_is_left_to_do() {
    // Those that take minutes stand in a folder of their own, and say so in the same words.
    let minutes = concat!("#[", "ignore = \"takes minutes; CONTRIBUTING says how to run it\"]");
    let words = [
        concat!("#[", "ignore"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("FIX", "ME"),
        concat!("dbg", "!("),
    ];
    let mut found = Vec::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        for (index, line) in source.text.lines().enumerate() {
            if source.path.starts_with("tests/api/endurance/") && line.trim() == minutes {
                continue;
            }
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                found.push(format!("{}:{}: {word}", source.path, index + 1));
            }
        }
    }

    none(found, "Finish these, or open an issue");
}

#[test]
fn a_lint_is_never_switched_off_without_a_reason() {
    let mut found = Vec::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        let code = &source.text;
        for (at, _) in
            ["#[al", "#![al", "#[exp"].iter().flat_map(|start| code.match_indices(*start)).filter(|(at, _)| {
                code[*at..].starts_with(concat!("#[al", "low("))
                    || code[*at..].starts_with(concat!("#![al", "low("))
                    || code[*at..].starts_with(concat!("#[exp", "ect("))
            })
        {
            let attribute: String = code[at..].chars().take_while(|c| *c != ']').collect();
            if !attribute.contains("reason") {
                found.push(format!("{}: {attribute}]", source.path));
            }
        }
    }

    none(found, "Give a reason");
}

/// Tests wait for what they wait for; who sleeps guesses.
#[test]
fn tests_do_not_sleep() {
    // These poll something until it is ready, at the pace that `support::wait` sets.
    const ALLOWED: &[&str] = &["tests/api/support/postgres.rs", "tests/api/support/wait.rs", "tests/api/tidy.rs"];
    let sleeps =
        sources("tests").into_iter().filter(|source| source.names("sleep") && !ALLOWED.contains(&source.path.as_str()));

    none(sleeps.map(|source| source.path).collect(), "Wait for an event instead of sleeping");
}
