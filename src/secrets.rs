//! The key that all nodes of an installation share through the database: it seals cursors and blinds throttle keys.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
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

    /// Encrypts something so that only this installation reads it, and only for the same purpose.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<String> {
        let mut sealed = plain.to_vec();
        let aad = Aad::from(purpose.as_bytes());
        let nonce = self.sealing(purpose)?.seal_in_place_append_tag(aad, &mut sealed).map_err(Error::internal)?;
        Ok(STANDARD.encode([nonce.as_ref().as_slice(), &sealed].concat()))
    }

    /// Decrypts what was sealed for a purpose.
    ///
    /// # Errors
    /// When it was not, or was altered.
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<Vec<u8>> {
        let damaged = || Error::internal(format!("what was sealed as {purpose} cannot be opened"));
        let bytes = STANDARD.decode(sealed).map_err(|_| damaged())?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let (mut sealed, aad) = (sealed.to_vec(), Aad::from(purpose.as_bytes()));
        let plain = self.sealing(purpose)?.open_in_place(nonce, aad, &mut sealed).map_err(|_| damaged())?;
        Ok(plain.to_vec())
    }

    /// The key with which things are sealed for a purpose.
    fn sealing(&self, purpose: &str) -> Result<RandomizedNonceKey> {
        let key = self.sign(&[b"seal", purpose.as_bytes()]);
        RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(Error::internal)
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
                let known = instance::table.find(NAME).select(instance::value);
                if let Some(value) = known.get_result::<String>(tx.conn()?).optional()? {
                    return Ok(value);
                }
                let value = STANDARD.encode(fresh);
                diesel::insert_into(instance::table)
                    .values((instance::name.eq(NAME), instance::value.eq(&value)))
                    .execute(tx.conn()?)?;
                Ok(value)
            })
            .await?;
        let bytes = STANDARD.decode(stored).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self::from_bytes).ok_or_else(|| Error::internal("the instance's key is damaged"))
    }
}

/// Writes bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

/// Returns the SHA-256 of some bytes in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_here_for_its_purpose_and_unaltered() {
        let key = InstanceKey::from_bytes([7; 32]);
        let sealed = key.seal("a purpose", b"six tall ladders").unwrap();

        assert_eq!(key.open("a purpose", &sealed).unwrap(), b"six tall ladders");
        assert_ne!(sealed, key.seal("a purpose", b"six tall ladders").unwrap());
        assert!(key.open("another", &sealed).is_err());
        assert!(InstanceKey::from_bytes([8; 32]).open("a purpose", &sealed).is_err());
        let mut bytes = STANDARD.decode(&sealed).unwrap();
        for index in 0..bytes.len() {
            bytes[index] ^= 1;
            assert!(key.open("a purpose", &STANDARD.encode(&bytes)).is_err());
            bytes[index] ^= 1;
        }
        assert!(key.open("a purpose", "").is_err());
    }
}
