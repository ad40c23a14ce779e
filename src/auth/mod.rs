//! Who is calling and what they may do: passwords, access tokens, sessions, rights.
//!
//! [`hasher`], [`keys`], [`password`], [`permits`], [`secret`] and [`token`] are pure: they know no HTTP and no SQL.
//! [`session`], [`reset`] and [`throttle`] keep their tables; [`credentials`] is what happens at a login and when a
//! password changes. [`rights`] is the one table of who may do what; [`identity`] turns a request's token into a caller.

pub mod credentials;
pub mod hasher;
pub mod identity;
pub mod keys;
pub mod model;
pub mod password;
pub mod passwords;
mod pem;
pub mod permits;
pub mod reset;
pub mod rights;
pub mod routes;
pub mod secret;
pub mod session;
pub mod source;
#[cfg(test)]
pub(crate) mod testing;
pub mod throttle;
pub mod token;

use std::{
    num::NonZeroUsize,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use url::Url;

use self::{
    hasher::Verified,
    keys::{Create, KeyRing, Reload},
    password::Password,
    passwords::{Owner, Passwords},
    permits::{HashPermits, NotRun, PermitLimits},
    session::Lifetimes,
    throttle::{Limits, Throttle},
    token::{AccessClaims, TokenError, TokenRules},
};
use crate::{
    audit::keys::Noted,
    clock::Instant,
    config::Config,
    db::{Db, Tx},
    error::{Code, Error, Result},
    ids::{SessionId, UserId},
    secrets::InstanceKey,
};

/// Who issues tokens, and for whom, when no public address is given: it must not differ between nodes, nor from start to
/// start, as the address that is listened on would.
const ISSUER: &str = "frontpage";

/// A token with an unknown key makes the directory of keys be read again, but not more often than this.
const RELOAD_PAUSE: Duration = Duration::from_secs(1);

/// Everything about logins that the server holds in memory.
pub struct Auth {
    ring: KeyRing,
    rules: TokenRules,
    passwords: Passwords,
    permits: HashPermits,
    throttle: Throttle,
    lifetimes: Lifetimes,
    noted: Noted,
}

impl Auth {
    /// Reads the signing keys, or makes the first, and takes the settings; call it where blocking is allowed.
    ///
    /// # Errors
    /// When the keys or the settings cannot be used; the message is for the operator.
    pub fn open(config: &Config, key: InstanceKey) -> Result<Self> {
        let settings = &config.auth;
        let unusable = |error: &dyn std::fmt::Display| Error::new(Code::Unavailable, error.to_string());
        let ring = KeyRing::open(&settings.signing_keys, Create::IfEmpty).map_err(|error| unusable(&error))?;
        let issuer = config.http.public_url.as_deref().unwrap_or(ISSUER);
        let lifetime = TimeDelta::seconds(settings.access_token_seconds);
        let rules = TokenRules::new(issuer, issuer, lifetime).map_err(|error| unusable(&error))?;
        let host = Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
        let site_words = host.into_iter().chain([config.site.name.clone()]).collect();
        let n_running = NonZeroUsize::new(settings.hash.permits).unwrap_or(NonZeroUsize::MIN);
        let limits = Limits { per_source: settings.tries_per_source, per_account: settings.tries_per_account };
        let auth = Self {
            ring,
            rules,
            passwords: Passwords::open(&settings.hash, site_words)?,
            permits: HashPermits::new(PermitLimits::for_running(n_running)),
            throttle: Throttle::new(key, limits),
            lifetimes: Lifetimes {
                refresh_days: settings.refresh_token_days,
                grace_seconds: settings.refresh_grace_seconds,
            },
            noted: Noted::default(),
        };
        auth.warn();
        Ok(auth)
    }

    /// Returns what an access token says, if it is one of ours and in force.
    ///
    /// # Errors
    /// `unauthenticated`.
    pub async fn verify(&self, token: &str) -> Result<AccessClaims> {
        let verified = match self.rules.verify(&self.ring, token, now()) {
            Err(TokenError::UnknownKid(_)) => {
                self.reload(RELOAD_PAUSE).await;
                self.rules.verify(&self.ring, token, now())
            }
            verified => verified,
        };
        verified.map_err(|error| identity::invalid(&error.to_string()).because(error.cause()))
    }

    /// Returns a new access token for a session.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn access_token(&self, user: UserId, session: SessionId) -> Result<String> {
        let claims = self.rules.claims(*user.uuid(), *session.uuid(), now());
        self.rules.sign(&self.ring, &claims).map_err(Error::internal)
    }

    /// Returns for how many seconds an access token is in force.
    pub fn access_token_seconds(&self) -> i64 {
        self.rules.lifetime().num_seconds()
    }

    /// Returns how many password hashes are computed or wait for it.
    pub fn hashes_in_progress(&self) -> usize {
        self.permits.n_in_progress()
    }

    /// Returns the public keys, as a JSON Web Key Set.
    pub fn jwks(&self) -> Value {
        self.ring.jwks()
    }

    /// Looks for new and for removed keys, and notes new ones in the audit; the server calls this every few seconds.
    pub async fn rescan_keys(&self, db: &Db) {
        self.reload(Duration::ZERO).await;
        if let Err(error) = self.note_keys(db).await {
            tracing::warn!(%error, "Noting the signing keys in the audit failed; it is tried again");
        }
    }

    /// Notes in the audit the keys that no server has noted before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_keys(&self, db: &Db) -> Result<()> {
        self.noted.note(db, self.ring.keys()).await
    }

    /// Returns what counts password tries.
    pub fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// Returns how long sessions last.
    pub fn lifetimes(&self) -> Lifetimes {
        self.lifetimes
    }

    /// Compares a password with what is stored, when its turn comes; takes the same time when nothing is stored.
    ///
    /// # Errors
    /// `unavailable` when too many passwords are being checked.
    pub async fn verify_password(&self, password: Password, stored: Option<String>) -> Result<Verified> {
        self.compute(move |passwords| passwords.verify(&password, stored.as_deref())).await
    }

    /// Returns a password that somebody chooses, if the policy allows it; `pointer` says where faults belong.
    ///
    /// # Errors
    /// `invalid_input` with every fault, `unavailable`.
    pub async fn check_new_password(&self, pointer: &'static str, typed: String, owner: Owner) -> Result<Password> {
        self.compute(move |passwords| passwords.check(pointer, &typed, &owner)).await
    }

    /// Returns the hash of a password.
    ///
    /// # Errors
    /// `unavailable` when too many passwords are being checked.
    pub async fn hash_password(&self, password: Password) -> Result<String> {
        self.compute(move |passwords| passwords.hash(&password)).await
    }

    async fn compute<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Passwords) -> Result<T> + Send + 'static,
    {
        let passwords = self.passwords.clone();
        match self.permits.run(move || work(&passwords)).await {
            Ok(result) => result,
            Err(NotRun::Busy) => {
                Err(Error::new(Code::Unavailable, "Too many passwords are being checked. Try again shortly.")
                    .retry_after(2))
            }
            Err(NotRun::BrokenOff) => Err(Error::internal(NotRun::BrokenOff)),
        }
    }

    async fn reload(&self, age: Duration) {
        let ring = self.ring.clone();
        match tokio::task::spawn_blocking(move || ring.reload_if_older_than(age)).await {
            Ok(Ok(Reload::Changed)) => {
                let kid = self.ring.signing_kid();
                tracing::info!(key.id = kid, "The signing keys have changed; new tokens are signed with {kid}");
                self.warn();
            }
            Ok(Ok(Reload::Unchanged | Reload::TooSoon)) => {}
            Ok(Err(error)) => tracing::error!(%error, "The signing keys cannot be read; those read before stay in use"),
            Err(error) => tracing::error!(%error, "Reading the signing keys was broken off"),
        }
    }

    fn warn(&self) {
        for warning in self.ring.warnings() {
            tracing::warn!("{warning}");
        }
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("ring", &self.ring).finish_non_exhaustive()
    }
}

/// Removes what is over: sessions, resets and counters of password tries.
///
/// # Errors
/// When the database fails.
pub fn prune(tx: &mut Tx<'_>) -> Result<()> {
    session::prune(tx)?;
    reset::prune(tx)?;
    throttle::prune(tx)
}

fn now() -> DateTime<Utc> {
    SystemTime::from(Instant::now()).into()
}
