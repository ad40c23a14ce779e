//! Past the server: SQL on an SQLite file, logins for a new database, and bytes on a socket.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_types::Text,
};
use frontpage::{
    auth::{passwords::Passwords, rights::Role},
    config::Config,
    db::Db,
    input::{Email, Line},
};

/// Runs one SQL statement on a file; a query must name its only column `line` and make it text.
pub fn sqlite(path: &Path, statement: &str) -> String {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let mut conn = SqliteConnection::establish(&path.display().to_string()).expect("the file opens");
    conn.batch_execute("PRAGMA busy_timeout = 5000").expect("a pragma");
    if statement.trim_start().to_uppercase().starts_with("SELECT") {
        let rows: Vec<Line> = diesel::sql_query(statement).load(&mut conn).expect(statement);
        return rows.into_iter().map(|row| row.line).collect::<Vec<_>>().join("\n");
    }
    conn.batch_execute(statement).expect(statement);
    String::new()
}

/// Returns how SQLite would run a statement.
pub fn plan(path: &Path, statement: &str) -> String {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    let mut conn = SqliteConnection::establish(&path.display().to_string()).expect("the file opens");
    conn.batch_execute("PRAGMA busy_timeout = 5000; ANALYZE").expect("statistics");
    let steps: Vec<Step> =
        diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(&mut conn).expect(statement);
    steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("\n")
}

/// Makes the logins of tests.
pub fn make_logins(db: &Db, config: &Config) {
    let passwords = Passwords::open(&config.auth.hash, Vec::new()).expect("the hasher opens");
    for (email, role) in super::LOGINS {
        let name = email.split('@').next().expect("a name");
        frontpage::users::admin::create(
            db,
            &passwords,
            Email::parse(email).expect("an address"),
            Line::parse(name).expect("a name"),
            Role::parse(role).expect("a role"),
            super::PASSWORD,
        )
        .expect("the login is made");
    }
}

/// Sends bytes as they are and returns what comes back until the server closes or is silent.
pub fn exchange(base: &str, bytes: &[u8]) -> String {
    exchange_within(base, bytes, Duration::from_secs(10))
}

/// As [`exchange`], for a server that may be silent for longer before it answers.
pub fn exchange_within(base: &str, bytes: &[u8], patience: Duration) -> String {
    let address = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(patience)).expect("a time-out");
    stream.write_all(bytes).expect("the server reads");
    let mut answer = Vec::new();
    let mut buffer = [0_u8; 4096];
    while let Ok(length) = stream.read(&mut buffer) {
        if length == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..length]);
        if !String::from_utf8_lossy(&answer).to_lowercase().contains("connection: close") && is_complete(&answer) {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends bytes as they are and returns all that comes back; fails unless the server closes the connection by itself.
pub fn exchange_until_closed(base: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    stream.write_all(bytes).expect("the server reads");
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert!(error.kind() == std::io::ErrorKind::ConnectionReset, "the server keeps the connection: {error}");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn is_complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(|value| value.trim().to_owned()))
        .and_then(|value| value.parse::<usize>().ok())
        .unwrap_or(0);
    answer.len() >= head.len() + 4 + length
}
