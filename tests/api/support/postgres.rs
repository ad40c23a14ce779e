//! A throwaway PostgreSQL cluster for this run of the tests, started when first needed and gone when the run ends.

use std::{
    io::Write,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

/// The cluster's address, or why there is none.
pub fn cluster() -> Result<&'static Cluster, &'static str> {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    let cluster = CLUSTER.get_or_init(|| {
        let cluster = Cluster::start();
        if let Err(reason) = &cluster {
            let is_required = std::env::var("FRONTPAGE_TEST_POSTGRES").is_ok_and(|value| value == "required");
            assert!(!is_required, "FRONTPAGE_TEST_POSTGRES=required, but: {reason}");
            // Past the harness's capture, so that it is seen.
            let _ = writeln!(std::io::stderr(), "\n*** SKIPPING ALL POSTGRESQL TESTS: {reason} ***\n");
        }
        cluster
    });
    cluster.as_ref().map_err(String::as_str)
}

/// A running cluster.
pub struct Cluster {
    pub port: u16,
    pub bin: PathBuf,
    pub directory: PathBuf,
    pub user: Option<(u32, u32)>,
    /// What the server's environment has besides.
    environment: Vec<(String, String)>,
    // Each kills the server that it started when this process ends, however it ends, as its standard input closes.
    guards: Mutex<Vec<Child>>,
}

impl Cluster {
    fn start() -> Result<Self, String> {
        Self::start_in(super::scratch::folder().join(format!("frontpage-test-pg-{}-{}", std::process::id(), unique())))
    }

    /// Starts a cluster of its own, for tests that stop it.
    pub fn start_in(directory: PathBuf) -> Result<Self, String> {
        let bin =
            binaries().ok_or("no PostgreSQL server binaries (initdb, postgres) were found; install postgresql")?;
        let user = unprivileged_user()?;
        make_folder(&directory, user)?;
        let data = directory.join("data");
        let mut initdb = Command::new(bin.join("initdb"));
        initdb.args(["-A", "trust", "-U", "frontpage", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-D"]).arg(&data);
        let output = as_user(&mut initdb, user, &directory).output().map_err(|error| format!("initdb: {error}"))?;
        if !output.status.success() {
            return Err(format!("initdb failed: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Self::serve(bin, directory, user, &[])
    }

    /// Starts a standby of a cluster, which streams from it, with more in its environment.
    pub fn standby_of(primary: &Self, directory: PathBuf, environment: &[(&str, &str)]) -> Result<Self, String> {
        let user = primary.user;
        make_folder(&directory, user)?;
        let mut backup = Command::new(primary.bin.join("pg_basebackup"));
        backup.args(["-h", "127.0.0.1", "-p", &primary.port.to_string(), "-U", "frontpage", "-X", "stream", "-R"]);
        backup.args(["--checkpoint=fast", "--no-sync", "-D"]).arg(directory.join("data"));
        let output =
            as_user(&mut backup, user, &directory).output().map_err(|error| format!("pg_basebackup: {error}"))?;
        if !output.status.success() {
            return Err(format!("pg_basebackup failed: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Self::serve(primary.bin.clone(), directory, user, environment)
    }

    /// Starts the server in a folder that has its data.
    fn serve(
        bin: PathBuf,
        directory: PathBuf,
        user: Option<(u32, u32)>,
        environment: &[(&str, &str)],
    ) -> Result<Self, String> {
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?.port();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let cluster = Self { port, bin, directory, user, environment, guards: Mutex::default() };
        cluster.start_server()?;
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// Starts the server again after a test has ended it, at the same port.
    pub fn start_again(&self) {
        // Its connections are gone before the one that was is.
        super::wait::until("the server has ended", || !self.directory.join("data/postmaster.pid").exists());
        self.start_server().expect("the server starts again");
        self.wait_until_ready().expect("the server starts again");
    }

    /// Starts the server, and what ends it with this process.
    fn start_server(&self) -> Result<(), String> {
        let script = format!(
            "{bin}/postgres -D {data} -p {port} -k {dir} -c listen_addresses=127.0.0.1 -c fsync=off \
             -c full_page_writes=off -c max_connections=400 -c shared_buffers=64MB -c log_min_messages=fatal \
             >{dir}/log 2>&1 & pid=$!; echo $pid >{dir}/pid; cat >/dev/null; kill -QUIT $pid; wait $pid; rm -rf {dir}",
            bin = self.bin.display(),
            data = self.directory.join("data").display(),
            dir = self.directory.display(),
            port = self.port,
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        shell.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let guard = as_user(&mut shell, self.user, &self.directory).spawn().map_err(|error| error.to_string())?;
        self.guards.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(guard);
        Ok(())
    }

    /// Waits until the server takes connections.
    pub fn wait_until_ready(&self) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            let ready = Command::new(self.bin.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-d", "postgres", "-U", "frontpage"])
                .status();
            if ready.is_ok_and(|status| status.success()) {
                return Ok(());
            }
            // A poll, not a synchronization: the loop ends when the server says that it is ready.
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("PostgreSQL did not start; see {}", self.directory.join("log").display()))
    }

    /// Returns the URL of a database of the cluster.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://frontpage@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs one statement in a database.
    pub fn execute(&self, database: &str, sql: &str) -> String {
        let output = Command::new(self.bin.join("psql"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "frontpage", "-d", database])
            .args(["-v", "ON_ERROR_STOP=1", "-qAtX", "-c", sql])
            .output()
            .expect("psql runs");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("psql answers in UTF-8")
    }

    /// Sends a signal to the server's main process and to all that serve connections.
    pub fn signal_all(&self, name: &str) {
        let pid = std::fs::read_to_string(self.directory.join("pid")).expect("the server has a pid file");
        // The children may be gone by themselves; the main process may not.
        let _status = Command::new("pkill").args([&format!("-{name}"), "-P", pid.trim()]).status();
        self.signal(name);
    }

    /// Sends a signal to the server's main process.
    pub fn signal(&self, name: &str) {
        let pid = std::fs::read_to_string(self.directory.join("pid")).expect("the server has a pid file");
        let status = Command::new("kill").args([&format!("-{name}"), pid.trim()]).status().expect("kill runs");
        assert!(status.success(), "kill -{name}");
    }
}

fn make_folder(directory: &Path, user: Option<(u32, u32)>) -> Result<(), String> {
    std::fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700)).map_err(|error| error.to_string())?;
    if let Some((uid, gid)) = user {
        std::os::unix::fs::chown(directory, Some(uid), Some(gid)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn unique() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_nanos())
}

fn as_user<'c>(command: &'c mut Command, user: Option<(u32, u32)>, directory: &Path) -> &'c mut Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command.current_dir(directory)
}

/// PostgreSQL refuses to run as root: as root, another user's ids.
fn unprivileged_user() -> Result<Option<(u32, u32)>, String> {
    let own = Command::new("id").arg("-u").output().map_err(|error| error.to_string())?;
    if String::from_utf8_lossy(&own.stdout).trim() != "0" {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
    for name in ["postgres", "nobody"] {
        for line in users.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [found, _, uid, gid, ..] = fields.as_slice()
                && *found == name
                && let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse())
            {
                return Ok(Some((uid, gid)));
            }
        }
    }
    Err("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody".to_owned())
}

fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev().map(|(_, folder)| folder));
    folders
        .into_iter()
        .find(|folder| ["initdb", "postgres", "pg_isready", "psql"].iter().all(|name| folder.join(name).is_file()))
}
