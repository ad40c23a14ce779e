//! The signing keys of access tokens: a directory of PEM files, read as one ring.
//!
//! Every key in the directory verifies; the private key whose file name sorts last signs. So a new key is put in
//! use by adding a file with a later name, and an old one is retired by replacing its file with the public half
//! (`openssl pkey -pubout`) and, when the last token it signed has expired, by deleting it.
//! This module must not know what a token says ([`super::token`]), HTTP, or when to reload: the caller does.
//! It reads files, so call [`KeyRing::open`] and the reloads where blocking is allowed.
//! Start at [`KeyRing`].

mod directory;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};

use super::pem::{PemKey, PublicKeyBytes};

const HOW_TO_MAKE_A_KEY: &str =
    "make a key with `openssl genpkey -algorithm ed25519 -out DIRECTORY/2026-01-31T000000Z.pem`";

/// Whether [`KeyRing::open`] may make the first key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// Make the directory and one key where there is none: right for a single node with its own disk.
    IfEmpty,
    /// Only read: right for nodes that share their keys, since keys made by each would differ.
    Never,
}

/// What a reload found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The ring has other keys now, or signs with another one.
    Changed,
    /// The directory was read and holds the same keys.
    Unchanged,
    /// The directory was not read, since it was read a moment ago.
    TooSoon,
}

/// Why a directory cannot be used as a key ring. It names the file, what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}; {remedy}", path.display())]
pub struct KeyError {
    path: PathBuf,
    problem: String,
    remedy: String,
}

impl KeyError {
    fn new(path: &Path, problem: impl fmt::Display, remedy: &str) -> Self {
        Self { path: path.to_owned(), problem: problem.to_string(), remedy: remedy.to_owned() }
    }

    /// Returns the file or directory that is at fault.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// One key of the ring, as an operator wants to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySummary {
    /// The file's name.
    pub file: String,
    /// The key's id in token headers and in the JWKS.
    pub kid: String,
    /// Whether the file has the private half.
    pub is_private: bool,
}

/// The keys that sign and verify access tokens. Clones share one ring, so a reload is seen by all.
#[derive(Clone)]
pub struct KeyRing {
    shared: Arc<Shared>,
}

struct Shared {
    directory: PathBuf,
    /// Readers take the inner [`Arc`] and let go of the lock at once.
    current: RwLock<Arc<Keys>>,
    /// When the directory was last read; held while reading, so that an older reading never replaces a newer one.
    read_at: Mutex<Instant>,
}

/// One reading of the directory: complete and unchanging.
pub(super) struct Keys {
    signing_kid: String,
    signing: EncodingKey,
    verifying: BTreeMap<String, DecodingKey>,
    /// By file name, the latest first; a key that has two files is here once.
    summaries: Vec<KeySummary>,
    jwks: Value,
    warnings: Vec<String>,
}

impl KeyRing {
    /// Reads the keys in a directory: all regular files, or links to such, whose name ends in `.pem` and does not
    /// begin with a dot.
    ///
    /// # Errors
    /// When the directory or one of its key files cannot be read or used, or no private key is there.
    pub fn open(directory: &Path, create: Create) -> Result<Self, KeyError> {
        if create == Create::IfEmpty {
            directory::ensure_a_key(directory)?;
        }
        let keys = Keys::read(directory)?;
        let shared = Shared {
            directory: directory.to_owned(),
            current: RwLock::new(Arc::new(keys)),
            read_at: Mutex::new(Instant::now()),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Reads the directory again. On an error the ring stays as it was.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn reload(&self) -> Result<Reload, KeyError> {
        self.reload_if_older_than(Duration::ZERO)
    }

    /// Reads the directory again unless it was read within `age`, successfully or not: for tokens with an unknown
    /// `kid`, which anyone can send at any rate. After [`Reload::TooSoon`] a second look is still worth it, since
    /// another caller may just have reloaded.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn reload_if_older_than(&self, age: Duration) -> Result<Reload, KeyError> {
        let mut read_at = self.shared.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        if read_at.elapsed() < age {
            return Ok(Reload::TooSoon);
        }
        *read_at = Instant::now();
        let new = Arc::new(Keys::read(&self.shared.directory)?);
        let mut current = self.shared.current.write().unwrap_or_else(PoisonError::into_inner);
        let is_changed = new.jwks != current.jwks || new.signing_kid != current.signing_kid;
        *current = new;
        Ok(if is_changed { Reload::Changed } else { Reload::Unchanged })
    }

    /// Returns the JSON Web Key Set to publish (RFC 7517): public keys only, the latest first.
    #[must_use]
    pub fn jwks(&self) -> Value {
        self.snapshot().jwks.clone()
    }

    /// Returns what an operator should know about the files, such as a private key that others may read.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.snapshot().warnings.clone()
    }

    /// Returns the id of the key that signs.
    #[must_use]
    pub fn signing_kid(&self) -> String {
        self.snapshot().signing_kid.clone()
    }

    /// Lists the keys, the latest file first.
    #[must_use]
    pub fn keys(&self) -> Vec<KeySummary> {
        self.snapshot().summaries.clone()
    }

    /// Returns the keys as they are now, to sign or verify one token with.
    pub(super) fn snapshot(&self) -> Arc<Keys> {
        Arc::clone(&self.shared.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("directory", &self.shared.directory)
            .field("keys", &self.keys())
            .finish_non_exhaustive()
    }
}

impl Keys {
    pub(super) fn signing(&self) -> (&str, &EncodingKey) {
        (&self.signing_kid, &self.signing)
    }

    pub(super) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.get(kid)
    }

    fn read(directory: &Path) -> Result<Self, KeyError> {
        let mut files = directory::read_key_files(directory)?;
        let warnings = files.iter().filter_map(directory::KeyFile::warning).collect();
        files.reverse();

        let mut signing = None;
        let mut verifying = BTreeMap::new();
        let mut summaries: Vec<KeySummary> = Vec::new();
        for file in files {
            let (public, pkcs8) = match file.key {
                PemKey::Private { pkcs8, public } => (public, Some(pkcs8)),
                PemKey::Public { public } => (public, None),
            };
            let summary = KeySummary { file: file.name, kid: thumbprint(&public), is_private: pkcs8.is_some() };
            if let (None, Some(pkcs8)) = (&signing, pkcs8) {
                signing = Some((summary.kid.clone(), EncodingKey::from_ed_der(&pkcs8)));
            }
            if verifying.insert(summary.kid.clone(), DecodingKey::from_ed_der(&public)).is_none() {
                summaries.push(summary);
            }
        }

        let (signing_kid, signing) = signing.ok_or_else(|| no_private_key(directory, summaries.len()))?;
        let jwks = json!({ "keys": summaries.iter().map(|key| jwk(key, &verifying)).collect::<Vec<_>>() });
        Ok(Self { signing_kid, signing, verifying, summaries, jwks, warnings })
    }
}

fn no_private_key(directory: &Path, n_public: usize) -> KeyError {
    let problem = match n_public {
        0 => "this directory of signing keys has no file whose name ends in .pem",
        _ => "this directory of signing keys has public keys only, so nothing can be signed",
    };
    KeyError::new(directory, problem, HOW_TO_MAKE_A_KEY)
}

/// Returns the `x` of a JWK.
fn encode_public(public: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(public)
}

/// Returns the key's id: its JWK thumbprint (RFC 7638, RFC 8037). Nodes that share a key agree on it by themselves.
fn thumbprint(public: &PublicKeyBytes) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode_public(public));
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

fn jwk(key: &KeySummary, verifying: &BTreeMap<String, DecodingKey>) -> Value {
    let public = verifying.get(&key.kid).and_then(|key| key.try_get_as_bytes().ok()).unwrap_or_default();
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": encode_public(public),
        "kid": key.kid,
        "alg": "EdDSA",
        "use": "sig",
    })
}

#[cfg(test)]
mod tests;
