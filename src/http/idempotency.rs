//! `Idempotency-Key`: a POST that is sent twice is done once.
//!
//! The answer is stored in the transaction that does the work, so there is no moment at which one is there without the other.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use actix_web::{HttpRequest, http::Method};
use diesel::prelude::*;

use super::reply::Reply;
use crate::{
    db::{Tx, schema::idempotency_keys},
    error::{Code, Error, Result},
    ids::UserId,
    secrets::sha256_hex,
    state::State,
};

/// How long an answer is kept.
pub const KEPT_SECONDS: i64 = 24 * 3600;

/// The requests with a key that this node is working on.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Mutex<HashSet<String>>>);

struct Claim {
    set: InFlight,
    scope: String,
}

impl InFlight {
    fn claim(&self, scope: &str) -> Option<Claim> {
        let mut set = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        set.insert(scope.to_owned()).then(|| Claim { set: self.clone(), scope: scope.to_owned() })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.set.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&self.scope);
    }
}

/// A request that is to be done once.
#[derive(Clone, Debug)]
pub struct Request {
    scope: String,
    digest: String,
}

impl Request {
    /// Reads the key of a POST, if it has one.
    ///
    /// # Errors
    /// `bad_request` when the key is not 1 to 255 visible ASCII characters, or is sent twice or with another method.
    pub fn of(request: &HttpRequest, user: UserId, body_digest: &str) -> Result<Option<Self>> {
        let mut values = request.headers().get_all("idempotency-key");
        let Some(value) = values.next() else { return Ok(None) };
        let bad = |detail: &str| Err(Error::new(Code::BadRequest, detail));
        if request.method() != Method::POST {
            return bad("Idempotency-Key is for POST; other writes are safe to repeat because of If-Match.");
        }
        let key = value.to_str().unwrap_or_default();
        let is_fine = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if !is_fine || values.next().is_some() {
            return bad("Idempotency-Key must be one value of 1 to 255 visible ASCII characters.");
        }
        let scope = sha256_hex(format!("{user}\n{}\n{key}", request.uri().path()).as_bytes());
        Ok(Some(Self { scope, digest: body_digest.to_owned() }))
    }

    /// A number for the database's own lock, so that a twin on another node is noticed while this one runs.
    fn lock_number(&self) -> i64 {
        self.scope.get(..15).and_then(|digits| i64::from_str_radix(digits, 16).ok()).unwrap_or_default()
    }
}

/// Does the work once, or returns what it answered before.
///
/// # Errors
/// Those of the work, `idempotency_in_progress` while a twin runs, `idempotency_mismatch` for another body.
pub async fn run<F>(state: &State, once: Request, work: F) -> Result<Reply>
where
    F: Fn(&mut Tx<'_>) -> Result<Reply> + Send + 'static,
{
    let in_progress =
        || Error::new(Code::IdempotencyInProgress, "The first request with this key has not ended.").retry_after(1);
    let _claim = state.in_flight.claim(&once.scope).ok_or_else(in_progress)?;
    state
        .db
        .write(move |tx| {
            if !tx.try_lock(once.lock_number())? {
                return Err(in_progress());
            }
            if let Some(reply) = replay(tx, &once)? {
                return Ok(reply);
            }
            let reply = work(tx)?;
            store(tx, &once, &reply)?;
            Ok(reply)
        })
        .await
}

fn replay(tx: &mut Tx<'_>, once: &Request) -> Result<Option<Reply>> {
    let stored: Option<(String, i32, String, String)> = idempotency_keys::table
        .find(&once.scope)
        .filter(idempotency_keys::created_at.gt(tx.now.plus_seconds(-KEPT_SECONDS)))
        .select((
            idempotency_keys::request_digest,
            idempotency_keys::status,
            idempotency_keys::headers,
            idempotency_keys::body,
        ))
        .get_result(tx.conn()?)
        .optional()?;
    let Some((digest, status, headers, body)) = stored else {
        diesel::delete(idempotency_keys::table.find(&once.scope)).execute(tx.conn()?)?;
        return Ok(None);
    };
    if digest != once.digest {
        return Err(Error::new(Code::IdempotencyMismatch, "The first request with this key had another body."));
    }
    let headers = serde_json::from_str(&headers).map_err(Error::internal)?;
    let reply = Reply { status: u16::try_from(status).map_err(Error::internal)?, headers, body };
    Ok(Some(reply.header("idempotent-replayed", "true")))
}

fn store(tx: &mut Tx<'_>, once: &Request, reply: &Reply) -> Result<()> {
    let headers = serde_json::to_string(&reply.headers).map_err(Error::internal)?;
    diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::scope.eq(&once.scope),
            idempotency_keys::request_digest.eq(&once.digest),
            idempotency_keys::status.eq(i32::from(reply.status)),
            idempotency_keys::headers.eq(headers),
            idempotency_keys::body.eq(&reply.body),
            idempotency_keys::created_at.eq(tx.now),
        ))
        .execute(tx.conn()?)?;
    Ok(())
}

/// Removes answers that are no longer kept.
///
/// # Errors
/// When the database fails.
pub fn prune(tx: &mut Tx<'_>) -> Result<()> {
    let end = tx.now.plus_seconds(-KEPT_SECONDS);
    diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.le(end))).execute(tx.conn()?)?;
    Ok(())
}
