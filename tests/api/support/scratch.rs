//! Where the tests keep what they throw away: in memory where there is room, else on the disk.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// So many bytes are free at least where the databases of a run go.
const ROOM: u64 = 4 << 30;

/// A folder for the databases of this run. What a crash of the machine would lose is of no use to a test, and making and
/// dropping hundreds of databases is several times faster in memory.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        if is_roomy(&memory) { memory } else { std::env::temp_dir() }
    })
}

/// A folder of a test's own, gone with it.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(folder()).expect("a temporary directory")
}

fn is_roomy(folder: &Path) -> bool {
    let output = Command::new("df").args(["--output=avail", "-B1"]).arg(folder).output();
    let free = output.ok().and_then(|output| {
        let text = String::from_utf8(output.stdout).ok()?;
        text.lines().nth(1)?.trim().parse::<u64>().ok()
    });
    free.is_some_and(|free| free >= ROOM)
}
