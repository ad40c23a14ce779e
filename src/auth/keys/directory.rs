//! The files of a key ring: finds and reads them, and makes the first one.
//!
//! It must not know which key signs or what an id is; that is [`super`]'s. Start at [`read_key_files`].

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::{HOW_TO_MAKE_A_KEY, KeyError};
use crate::auth::pem::{self, PemKey};
use crate::auth::secret::Secret;
use crate::clock::Instant;

/// An Ed25519 key in PEM has some 120 bytes; what is much longer is some other file.
const MAX_FILE_BYTES: u64 = 16 * 1024;

/// A file in the ring.
pub(super) struct KeyFile {
    pub(super) name: String,
    pub(super) key: PemKey,
    path: PathBuf,
    mode: u32,
}

impl KeyFile {
    /// Warns of a private key that other users of the machine may read. It is no fault: where a secret store mounts
    /// the files, the operator may have no say in their modes.
    pub(super) fn warning(&self) -> Option<String> {
        let is_exposed = matches!(self.key, PemKey::Private { .. }) && self.mode & 0o077 != 0;
        is_exposed.then(|| {
            let mode = self.mode & 0o777;
            format!(
                "{}: other users may read this private key (mode {mode:04o}); run `chmod 600` on it",
                self.path.display()
            )
        })
    }
}

/// Reads all key files, sorted by name.
pub(super) fn read_key_files(directory: &Path) -> Result<Vec<KeyFile>, KeyError> {
    let names = key_file_names(directory).map_err(|fault| unreadable_directory(directory, &fault))?;
    names.iter().map(|name| read_key_file(directory, name)).collect()
}

/// Makes the directory and its first key if there is none. Processes that start together make one key, not one each.
pub(super) fn ensure_a_key(directory: &Path) -> Result<(), KeyError> {
    match key_file_names(directory) {
        // No lock where keys are: the directory may be a read-only mount.
        Ok(names) if !names.is_empty() => return Ok(()),
        Ok(_) => {}
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
        Err(fault) => return Err(unreadable_directory(directory, &fault)),
    }
    create_first_key(directory).map_err(|fault| {
        KeyError::new(
            directory,
            format_args!("cannot make the first signing key here: {fault}"),
            "let the server's user write to this directory, or put a key there yourself",
        )
    })
}

fn unreadable_directory(directory: &Path, fault: &io::Error) -> KeyError {
    let remedy = match fault.kind() {
        io::ErrorKind::NotFound => format!("create the directory and {HOW_TO_MAKE_A_KEY}"),
        io::ErrorKind::NotADirectory => "give the directory that holds the key files, not a file".to_owned(),
        _ => "let the server's user read this directory".to_owned(),
    };
    KeyError::new(directory, format_args!("cannot read this directory of signing keys: {fault}"), &remedy)
}

fn key_file_names(directory: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let bytes = name.as_encoded_bytes();
        // Names with a dot in front are not ours: Kubernetes' `..data`, and our own lock and unfinished files.
        if !bytes.starts_with(b".") && bytes.ends_with(b".pem") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read_key_file(directory: &Path, name: &OsString) -> Result<KeyFile, KeyError> {
    let path = directory.join(name);
    let unreadable = |fault: io::Error| {
        let remedy = "let the server's user read the file, or remove it";
        KeyError::new(&path, format_args!("cannot read this signing key: {fault}"), remedy)
    };
    // Follows links. A directory or a pipe must not be opened: reading a pipe would never end.
    let metadata = fs::metadata(&path).map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
        let problem = format_args!("this is not a file of at most {MAX_FILE_BYTES} bytes, so no signing key");
        return Err(KeyError::new(&path, problem, "move it elsewhere or give it a name that does not end in .pem"));
    }
    let mut bytes = Vec::new();
    File::open(&path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)).map_err(unreadable)?;
    let key = PemKey::parse(&String::from_utf8_lossy(&bytes)).map_err(|fault| {
        let remedy = format!("move it elsewhere, or {HOW_TO_MAKE_A_KEY}");
        KeyError::new(&path, format_args!("this is no signing key: {fault}"), &remedy)
    })?;
    Ok(KeyFile { name: name.to_string_lossy().into_owned(), key, mode: mode_of(&metadata), path })
}

fn create_first_key(directory: &Path) -> io::Result<()> {
    create_private_directory(directory)?;
    let lock = private_file().write(true).create(true).truncate(false).open(directory.join(".lock"))?;
    match lock.lock() {
        // Where the file system has no locks, two first starts at the same moment make two keys, and both verify.
        Err(fault) if fault.kind() != io::ErrorKind::Unsupported => return Err(fault),
        _ => {}
    }
    if !key_file_names(directory)?.is_empty() {
        return Ok(());
    }
    let pem = pem::generate_private_key().map_err(io::Error::other)?;
    let now = DateTime::<Utc>::from(SystemTime::from(Instant::now()));
    let name = now.format("%Y-%m-%dT%H%M%SZ.pem").to_string();
    write_whole(directory, &name, pem.as_bytes())
}

/// Writes a file so that it is seen complete or not at all, and is still there after a power cut.
fn write_whole(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let unique = Secret::generate().map_err(io::Error::other)?.reveal();
    let unfinished = directory.join(format!(".{name}.{unique}"));
    let written = private_file()
        .write(true)
        .create_new(true)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&unfinished, directory.join(name)));
    if written.is_err() {
        // Best effort: the first fault is the one to report.
        let _ = fs::remove_file(&unfinished);
    }
    written?;
    sync_directory(directory)
}

#[cfg(unix)]
fn create_private_directory(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(unix)]
fn private_file() -> fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = fs::OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(unix)]
fn mode_of(metadata: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode()
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn create_private_directory(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

#[cfg(not(unix))]
fn private_file() -> fs::OpenOptions {
    fs::OpenOptions::new()
}

#[cfg(not(unix))]
fn mode_of(_: &fs::Metadata) -> u32 {
    0o600
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
