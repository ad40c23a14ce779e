//! The built program as a process of its own: what a test does to it is what an operator or a power cut does.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use serde_json::json;

use super::{Backend, Client, Database, PASSWORD};

/// The path of the program.
pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_frontpage"))
}

/// A command line with nothing from the environment, in a directory without a `.env`.
pub fn command(directory: &Path, arguments: &[&str]) -> Command {
    dress(Command::new(path()), directory, arguments)
}

/// The same with another program in front, which starts the real one.
pub fn dress(mut command: Command, directory: &Path, arguments: &[&str]) -> Command {
    command.args(arguments).env_clear().current_dir(directory).stdin(Stdio::null());
    for name in ["PATH", "HOME", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs a command to its end; the input goes to its standard input.
pub fn run(command: &mut Command, input: &str) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // A command that refuses its arguments does not read.
    let _ignored = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("output in UTF-8"),
        err: String::from_utf8(output.stderr).expect("messages in UTF-8"),
    }
}

impl Database {
    /// The settings of a program on this database.
    pub fn settings(&self) -> Vec<(String, String)> {
        settings(&self.url, self.directory())
    }

    /// Runs a command of the program on this database.
    pub fn run(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = command(self.directory(), arguments);
        command.env("DATABASE_URL", &self.url).env("FRONTPAGE_LOG_LEVEL", "off");
        run(&mut command, input)
    }

    /// Starts the program on this database.
    pub fn serve(&self, settings: &[(&str, &str)]) -> Program {
        self.serve_by(&path(), settings)
    }

    /// Starts the program on this database, with no more patience than it has by itself.
    pub fn serve_promptly(&self, settings: &[(&str, &str)]) -> Program {
        self.serve(&[&PROMPT, settings].concat())
    }

    /// Starts the program on this database, built in another way.
    pub fn serve_by(&self, program: &Path, settings: &[(&str, &str)]) -> Program {
        let mut command = dress(Command::new(program), self.directory(), &["serve"]);
        command.envs(self.settings()).envs(settings.iter().copied());
        if self.backend == Backend::Postgres {
            command.env("FRONTPAGE_MIGRATE", "true");
        }
        Program::start(command)
    }
}

/// How long the server waits for its database unless it is told otherwise: for tests of what it does then. Others have
/// more patience, with a machine that stands still for a second.
pub const PROMPT: [(&str, &str); 2] = [("FRONTPAGE_DB_WAIT_MS", "1000"), ("FRONTPAGE_DB_READ_TIMEOUT_MS", "900")];

/// The settings of a program on some database, with its keys in a directory.
pub fn settings(url: &str, directory: &Path) -> Vec<(String, String)> {
    let keys = directory.join("keys").display().to_string();
    [
        ("DATABASE_URL", url),
        ("FRONTPAGE_LISTEN", "127.0.0.1:0"),
        ("FRONTPAGE_SIGNING_KEYS", &keys),
        ("FRONTPAGE_WORKERS", "1"),
        ("FRONTPAGE_DRAIN_SECONDS", "0"),
        ("FRONTPAGE_TRIES_PER_SOURCE", "1000"),
        ("FRONTPAGE_LOG_LEVEL", "off"),
        ("FRONTPAGE_DB_WAIT_MS", "10000"),
        ("FRONTPAGE_DB_READ_TIMEOUT_MS", "10000"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Somebody who has logged in at a server.
pub fn log_in(base: &str, email: &str) -> Client {
    let anonymous = Client::new(base, None);
    let login = json!({ "email": email, "password": PASSWORD });
    let token = anonymous.post("/v1/auth/token", login).expect(200).json()["access_token"].as_str().unwrap().to_owned();
    anonymous.with_token(&token)
}

/// The editor of tests, likewise.
pub fn editor(base: &str) -> Client {
    log_in(base, "editor@newsroom.test")
}

/// A program that serves; it is killed when the test forgets it.
pub struct Program {
    pub base: String,
    pub ready_line: String,
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Program {
    /// Starts a program and waits for its first line.
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("output in UTF-8");
        let address = line.trim_end().strip_prefix("frontpage is listening on ").map(str::to_owned);
        let base = address.unwrap_or_else(|| {
            let status = child.wait();
            panic!("the program did not become ready: \"{line}\", {status:?}; its messages are above");
        });
        assert!(base.trim_start_matches("http://").parse::<SocketAddr>().is_ok_and(|addr| addr.port() != 0), "{base}");
        Self { base, ready_line: line, child, out }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("the program runs");
        self.child.wait().expect("the program ends");
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status().expect("kill runs");
        assert!(status.success(), "kill -{name}");
    }

    /// Waits until it has ended; returns how, and what it said after its first line.
    pub fn end(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.out, &mut rest).expect("output in UTF-8");
        (self.child.wait().expect("the program ends"), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ignored = self.child.kill();
        let _ignored = self.child.wait();
    }
}
