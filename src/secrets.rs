//! The key that all nodes of an installation share through the database: it seals cursors and blinds throttle keys.

use aws_lc_rs::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use diesel::prelude::*;

use crate::{
    db::{Db, schema::instance},
    error::{Error, Result},
};

/// The shared key.
#[derive(Clone)]
pub struct InstanceKey(hmac::Key);

impl InstanceKey {
    /// Makes a key of given bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    /// Returns the HMAC-SHA256 of some parts, each set off from the next.
    pub fn sign(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        context.sign().as_ref().to_vec()
    }

    /// Returns [`InstanceKey::sign`] in hexadecimal.
    pub fn sign_hex(&self, parts: &[&[u8]]) -> String {
        hex(&self.sign(parts))
    }

    /// Reads the key from the database, where the first node to come puts one.
    ///
    /// # Errors
    /// When the database fails or holds something else under the name.
    pub async fn load(db: &Db) -> Result<Self> {
        const NAME: &str = "key";
        let mut fresh = [0_u8; 32];
        SystemRandom::new().fill(&mut fresh).map_err(Error::internal)?;
        let stored = db
            .write(move |tx| {
                let find = |tx: &mut crate::db::Tx<'_>| {
                    instance::table.find(NAME).select(instance::value).get_result::<String>(tx.conn).optional()
                };
                if let Some(value) = find(tx)? {
                    return Ok(value);
                }
                let value = STANDARD.encode(fresh);
                diesel::insert_into(instance::table)
                    .values((instance::name.eq(NAME), instance::value.eq(&value)))
                    .execute(tx.conn)?;
                Ok(value)
            })
            .await?;
        let bytes = STANDARD.decode(stored).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self::from_bytes).ok_or_else(|| Error::internal("the instance's key is damaged"))
    }
}

/// Writes bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the SHA-256 of some bytes in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}
