//! Who reads: somebody without a name, somebody with a login, or a partner with a key; and so under which policy.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Key, model::Scope};
use crate::{
    auth::identity::Caller,
    error::{Code, Error, Result},
    ids::ArticleId,
    policy::Policy,
};

/// Who reads.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Somebody with a login, or in whose name a key acts.
    pub caller: Option<Caller>,
    /// The key.
    pub key: Option<Arc<Key>>,
    policy: Option<Arc<Policy>>,
}

impl Reader {
    /// Somebody without a name; there may be nothing that they may see.
    pub fn anonymous(policy: Option<Arc<Policy>>) -> Self {
        Self { caller: None, key: None, policy }
    }

    /// Somebody with a login. They may see drafts, so what is published is no secret from them.
    pub fn with_login(caller: Caller) -> Self {
        Self { caller: Some(caller), key: None, policy: Some(Arc::new(Policy::OPEN)) }
    }

    /// A partner, whose key may be for something else.
    ///
    /// # Errors
    /// `forbidden` when the key is neither for this nor for drafts.
    pub fn with_key(key: Arc<Key>, scope: Scope) -> Result<Self> {
        let caller = key.author();
        if caller.is_none() {
            key.require(scope)?;
        }
        let policy = key.require(scope).ok().map(|()| key.policy.clone());
        Ok(Self { caller, policy, key: Some(key) })
    }

    /// Returns what the reader may see.
    ///
    /// # Errors
    /// `unauthenticated` when that is nothing.
    pub fn policy(&self) -> Result<Arc<Policy>> {
        self.policy.clone().ok_or_else(|| match self.key {
            None => {
                Error::new(Code::Unauthenticated, "Reading takes an API key here: send Authorization: Bearer fpk_…")
            }
            Some(_) => Error::new(Code::Forbidden, "The key is for drafts only, not for what readers see."),
        })
    }
}

/// What a request with a key leaves to the outermost middleware, which counts it.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The key.
    pub key: Arc<Key>,
    /// Whether it was refused because there were too many.
    pub is_refused: bool,
    /// `RateLimit-Policy` and `RateLimit`.
    pub headers: Option<(String, String)>,
    /// Articles that the answer tells of and its surrogate keys do not.
    pub told: Vec<ArticleId>,
}

/// Returns the API key that a request has sent, if it is one: as a bearer token, or as the password of basic
/// authentication, which is what feed readers can send.
pub fn sent(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        rest.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        pair.split_once(':')?.1.to_owned()
    } else {
        return None;
    };
    key.starts_with("fpk_").then_some(key)
}
