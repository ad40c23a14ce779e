//! Access tokens: short-lived JWTs (RFC 9068 in shape, RFC 8725 in strictness), signed with Ed25519.
//!
//! A token says who its user and session are and nothing of what they may do: rights are looked up, so that a change
//! of role or a logout bites at once. A token is taken only in the one form that we issue: three header members with
//! exactly our values, a key of the ring, and every claim. Nothing in a token chooses an algorithm or a key.
//! This module must not know HTTP, the database, or the time: the caller gives `now`.
//! Start at [`TokenRules::verify`].

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

use super::keys::KeyRing;
use crate::secrets::sha256_hex;

/// The only `alg` and `typ` that we issue or take; `typ` keeps JWTs of any other use from being taken (RFC 9068).
const ALGORITHM: &str = "EdDSA";
const TYPE: &str = "at+jwt";

/// Length of a `kid`: a SHA-256 thumbprint in base64url.
const KID_CHARS: usize = 43;

/// The longest token that is looked at. Ours have some 550 bytes; the longest issuer URL in sight leaves room.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// The longest lifetime that can be configured: 15 minutes, so that a stolen token is soon worthless.
pub const MAX_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// How far the clocks of two nodes may differ for `exp` and `nbf`.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// How far in the future a token may have been issued, by the verifier's clock.
const MAX_ISSUED_AHEAD: TimeDelta = TimeDelta::seconds(60);

/// How many tokens are remembered whose signature was found good.
const MOST_REMEMBERED: usize = 1024;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it: the server's public URL.
    pub iss: String,
    /// Whom it is for: one audience, not a list.
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    /// The session, which a logout ends.
    pub sid: Uuid,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// From when on it is valid, in seconds since 1970. We issue none and honor one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// The token's own id, for logs.
    pub jti: Uuid,
}

/// What every token of this server has in common.
#[derive(Clone)]
pub struct TokenRules {
    issuer: String,
    audience: String,
    lifetime: TimeDelta,
    validation: Validation,
    signed: Arc<Signed>,
}

/// Tokens by their digests, whose signature was found to be that of a key of this id over what they say. All else is checked
/// each time: whether that key is still in the ring, too.
///
/// An editor's tool sends one token hundreds of times, and to verify a signature costs as much as several look-ups.
type Signed = quick_cache::sync::Cache<String, Arc<(String, AccessClaims)>>;

/// Tells that the configured lifetime is not one second to [`MAX_LIFETIME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("access tokens must live for 1 to {} seconds", MAX_LIFETIME.num_seconds())]
pub struct LifetimeOutOfRange;

/// Tells that a token could not be signed: the key was taken and then failed, which is a fault of the server.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot sign an access token")]
pub struct SignError(#[from] jsonwebtoken::errors::Error);

/// Why a token is not taken. Its `Display` is all that a client may read; [`TokenError::cause`] is for logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was good and has ended: get a new one.
    #[error("The access token has expired.")]
    Expired,
    /// Its header is ours, but no key has this id. Reload the ring once and try again: another node may have a new key.
    /// Only a well-formed id comes here, so it is safe to log.
    #[error("The access token is not valid.")]
    UnknownKid(String),
    /// Anything else.
    #[error("The access token is not valid.")]
    Refused(Refusal),
}

/// What is wrong with a refused token. For logs, never for clients: it would tell a forger what to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Longer than [`MAX_TOKEN_BYTES`].
    TooLong,
    /// Not three parts of base64url with dots between.
    NotThreeParts,
    /// The header is no JSON object with exactly `alg`, `typ` and `kid`.
    Header,
    /// Another algorithm than `EdDSA`.
    Algorithm,
    /// Another `typ` than `at+jwt`.
    Type,
    /// The `kid` does not look like a thumbprint.
    KidShape,
    /// The signature is not by that key over this text.
    Signature,
    /// A claim is missing or of the wrong kind.
    Claims,
    /// Issued by somebody else.
    Issuer,
    /// Meant for somebody else.
    Audience,
    /// Ends before it begins, or lives longer than we issue.
    Lifetime,
    /// Issued in the future.
    IssuedAhead,
    /// Not valid yet.
    NotYetValid,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "longer than any token of ours",
            Self::NotThreeParts => "not three parts of base64url",
            Self::Header => "header is not exactly alg, typ and kid",
            Self::Algorithm => "alg is not EdDSA",
            Self::Type => "typ is not at+jwt",
            Self::KidShape => "kid is not a thumbprint",
            Self::Signature => "signature does not match",
            Self::Claims => "a claim is missing or malformed",
            Self::Issuer => "iss is not ours",
            Self::Audience => "aud is not ours",
            Self::Lifetime => "exp is before iat or too far after it",
            Self::IssuedAhead => "iat is in the future",
            Self::NotYetValid => "nbf is in the future",
        })
    }
}

impl TokenError {
    /// Returns the reason for the log. It repeats nothing of the token but a well-formed key id.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Expired => "exp is past".to_owned(),
            Self::UnknownKid(kid) => format!("no key has the kid {kid}"),
            Self::Refused(refusal) => refusal.to_string(),
        }
    }
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The only header that we issue. Any other member is a fault: `jwk`, `jku`, `x5u` and `x5c` would bring a key,
/// `crit` a duty that we do not know.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: String,
}

impl TokenRules {
    /// Sets the issuer, the audience and the lifetime of all tokens.
    ///
    /// # Errors
    /// When the lifetime is not one second to [`MAX_LIFETIME`].
    pub fn new(issuer: &str, audience: &str, lifetime: TimeDelta) -> Result<Self, LifetimeOutOfRange> {
        if lifetime < TimeDelta::seconds(1) || lifetime > MAX_LIFETIME {
            return Err(LifetimeOutOfRange);
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // The library reads the system's clock; we check times ourselves against the `now` that we are given.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            lifetime,
            validation,
            signed: Arc::new(Signed::new(MOST_REMEMBERED)),
        })
    }

    /// Returns how long a token lives: the `expires_in` of an answer that carries one.
    #[must_use]
    pub fn lifetime(&self) -> TimeDelta {
        self.lifetime
    }

    /// Returns the claims of a new token for a user's session.
    #[must_use]
    pub fn claims(&self, user: Uuid, session: Uuid, now: DateTime<Utc>) -> AccessClaims {
        let iat = now.timestamp();
        let seconds = u64::try_from(iat).unwrap_or_default();
        AccessClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user,
            sid: session,
            iat,
            nbf: None,
            exp: iat.saturating_add(self.lifetime.num_seconds()),
            jti: Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos())),
        }
    }

    /// Signs claims with the ring's newest private key.
    ///
    /// # Errors
    /// When the key fails, which a ring that was opened does not do.
    pub fn sign(&self, ring: &KeyRing, claims: &AccessClaims) -> Result<String, SignError> {
        let keys = ring.snapshot();
        let (kid, key) = keys.signing();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(kid.to_owned());
        Ok(jsonwebtoken::encode(&header, claims, key)?)
    }

    /// Returns what a token says, if it is one of ours and in force at `now`.
    ///
    /// # Errors
    /// [`TokenError::UnknownKid`] is worth one reload of the ring; all others are final.
    pub fn verify(&self, ring: &KeyRing, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::TooLong.into());
        }
        let keys = ring.snapshot();
        let id = sha256_hex(token.as_bytes());
        let claims = match self.signed.get(&id) {
            Some(signed) if keys.verifying(&signed.0).is_some() => signed.1.clone(),
            _ => {
                let kid = read_kid(token)?;
                let Some(key) = keys.verifying(&kid) else {
                    return Err(TokenError::UnknownKid(kid));
                };
                let claims = jsonwebtoken::decode::<AccessClaims>(token, key, &self.validation)
                    .map_err(|fault| refusal_of(fault.kind()))?
                    .claims;
                self.signed.insert(id, Arc::new((kid, claims.clone())));
                claims
            }
        };
        // The library takes a list that has ours in it; we issue, and our claims are read as, one text.
        if claims.iss != self.issuer {
            return Err(Refusal::Issuer.into());
        }
        if claims.aud != self.audience {
            return Err(Refusal::Audience.into());
        }
        self.check_times(&claims, now.timestamp())?;
        Ok(claims)
    }

    fn check_times(&self, claims: &AccessClaims, now: i64) -> Result<(), TokenError> {
        let lives_for = claims.exp.checked_sub(claims.iat).ok_or(Refusal::Lifetime)?;
        if lives_for <= 0 || lives_for > self.lifetime.num_seconds() {
            return Err(Refusal::Lifetime.into());
        }
        if claims.iat > now.saturating_add(MAX_ISSUED_AHEAD.num_seconds()) {
            return Err(Refusal::IssuedAhead.into());
        }
        if claims.nbf.is_some_and(|nbf| nbf > now.saturating_add(LEEWAY.num_seconds())) {
            return Err(Refusal::NotYetValid.into());
        }
        if now >= claims.exp.saturating_add(LEEWAY.num_seconds()) {
            return Err(TokenError::Expired);
        }
        Ok(())
    }
}

/// Checks the token's form and header, and returns the id of the key it claims. Nothing is verified yet.
fn read_kid(token: &str) -> Result<String, TokenError> {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::NotThreeParts.into());
    };
    if ![header, claims, signature].iter().all(|part| is_base64url(part)) {
        return Err(Refusal::NotThreeParts.into());
    }
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Refusal::NotThreeParts)?;
    let header: StrictHeader = serde_json::from_slice(&header).map_err(|_| Refusal::Header)?;
    if header.alg != ALGORITHM {
        return Err(Refusal::Algorithm.into());
    }
    if header.typ != TYPE {
        return Err(Refusal::Type.into());
    }
    if header.kid.len() != KID_CHARS || !is_base64url(&header.kid) {
        return Err(Refusal::KidShape.into());
    }
    Ok(header.kid)
}

fn is_base64url(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn refusal_of(kind: &ErrorKind) -> Refusal {
    match kind {
        ErrorKind::InvalidIssuer => Refusal::Issuer,
        ErrorKind::InvalidAudience => Refusal::Audience,
        ErrorKind::Json(_) | ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => Refusal::Claims,
        // Whatever else the library finds wrong, it finds before it trusts the signature.
        _ => Refusal::Signature,
    }
}

#[cfg(test)]
mod tests;
