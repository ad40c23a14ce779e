//! Keys with which partners read: what each may see, how often, and what it has read.
//!
//! A key is looked up by the digest of what was sent, and remembered for two seconds, so that revoking it is effective
//! everywhere soon and reading with it costs no statement. What is counted is kept here for a second and then written
//! ([`usage`]). Start at [`ApiKeys::open`] and [`Reader`](reader::Reader).

pub mod limits;
pub mod model;
pub mod propagation;
pub mod reader;
pub mod routes;
pub mod store;
pub mod usage;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use self::{
    limits::{Allowed, Limits, Spent},
    model::{FeedChoices, Scope},
    usage::Usage,
};
use crate::{
    auth::{
        identity::Caller,
        rights::{Operation, Role},
        secret::ApiKeySecret,
    },
    db::Db,
    error::{Code, Error, Result},
    ids::{ApiKeyId, UserId},
    policy::Policy,
    secrets::sha256_hex,
};

/// For how long a key is taken to be as it was: well below the five seconds in which revoking it must be effective.
const REMEMBERED_FOR: Duration = Duration::from_secs(2);

/// How many keys are remembered at most; when there are more, all are asked for anew.
const MOST_REMEMBERED: usize = 10_000;

/// What a key for drafts may do: an author's work on own articles, up to handing them in.
pub const DRAFT_OPERATIONS: [Operation; 8] = [
    Operation::CreateArticle,
    Operation::UpdateArticle,
    Operation::ListWorkingArticles,
    Operation::ReadWorkingArticle,
    Operation::CheckArticle,
    Operation::SubmitArticle,
    Operation::ListRevisions,
    Operation::ReadRevision,
];

/// A key in force.
#[derive(Debug)]
pub struct Key {
    /// The id.
    pub id: ApiKeyId,
    /// What it is for.
    pub scopes: Vec<Scope>,
    /// What it may see.
    pub policy: Arc<Policy>,
    /// The name under which its answers are kept: that of all keys which get the same.
    pub fingerprint: String,
    /// What its feeds show.
    pub feed: Option<FeedChoices>,
    /// How often it may ask.
    pub limits: Limits,
    /// In whose name it posts drafts.
    pub acts_for: Option<UserId>,
}

impl Key {
    /// Refuses what the key is not for.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Error::new(Code::Forbidden, format!("The key does not have the scope {scope}.")))
    }

    /// Returns the author in whose name it posts drafts, if it may and the account is in force.
    pub fn author(&self) -> Option<Caller> {
        let user_id = self.acts_for.filter(|_| self.scopes.contains(&Scope::WriteDrafts))?;
        Some(Caller {
            user_id,
            session_id: None,
            key_id: Some(self.id),
            role: Role::Author,
            staff_id: None,
            name: None,
        })
    }
}

/// The keys that this server has seen lately, and what it has counted of them.
#[derive(Default)]
pub struct ApiKeys {
    remembered: Mutex<HashMap<String, (Instant, Arc<Key>)>>,
    spent: Mutex<HashMap<ApiKeyId, Spent>>,
    usage: Usage,
}

impl ApiKeys {
    /// Returns the key that a secret opens.
    ///
    /// # Errors
    /// `unauthenticated` when it opens none, or none that is in force.
    pub async fn open(&self, db: &Db, text: &str) -> Result<Arc<Key>> {
        let unknown = || Error::new(Code::Unauthenticated, "The API key is unknown, has expired or was revoked.");
        let secret = ApiKeySecret::parse(text).map_err(|_| unknown())?;
        let digest = secret.digest();
        if let Some(key) = self.remembered(&digest) {
            return Ok(key);
        }
        let wanted = digest.clone();
        let found = db.read(move |conn| match store::open(conn, &wanted)? {
            Some(opened) => usage::today(conn, opened.id).map(|today| Some((opened, today))),
            None => Ok(None),
        });
        let (opened, today) = found.await?.ok_or_else(unknown)?;
        let policy = opened.doc.policy();
        let key = Arc::new(Key {
            id: opened.id,
            scopes: opened.doc.scopes,
            fingerprint: fingerprint(&policy, opened.doc.feed.as_ref())?,
            feed: opened.doc.feed,
            policy: Arc::new(policy),
            limits: Limits { per_minute: opened.doc.requests_per_minute, per_day: opened.doc.requests_per_day },
            acts_for: opened.acts_for,
        });
        lock(&self.spent).entry(key.id).or_default().learn(today);
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= MOST_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, (Instant::now(), key.clone()));
        Ok(key)
    }

    fn remembered(&self, digest: &str) -> Option<Arc<Key>> {
        let remembered = lock(&self.remembered);
        remembered.get(digest).filter(|(at, _)| at.elapsed() < REMEMBERED_FOR).map(|(_, key)| key.clone())
    }

    /// Forgets all keys: one of them was changed through this server.
    pub fn forget(&self) {
        lock(&self.remembered).clear();
    }

    /// Counts a request of a key against its limits.
    pub fn admit(&self, key: &Key) -> Allowed {
        lock(&self.spent).entry(key.id).or_default().admit(key.limits, crate::clock::Instant::now())
    }

    /// Returns what has been counted and is not written yet.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Writes what has been counted.
    ///
    /// # Errors
    /// When the database fails; then it is written the next time.
    pub async fn flush(&self, db: &Db) -> Result<()> {
        let written = self.usage.flush(db).await?;
        let mut spent = lock(&self.spent);
        for (key, n_requests) in written {
            spent.entry(key).or_default().settle(n_requests);
        }
        spent.retain(|_, spent| spent.is_recent());
        Ok(())
    }
}

/// Returns a name that those share who may see the same and whose feeds show the same.
fn fingerprint(policy: &Policy, feed: Option<&FeedChoices>) -> Result<String> {
    let Some(feed) = feed else { return Ok(policy.fingerprint()) };
    let feed = serde_json::to_string(feed).map_err(Error::internal)?;
    Ok(sha256_hex(format!("{} {feed}", policy.fingerprint()).as_bytes()))
}

/// What a panic left behind here is at worst a count.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
