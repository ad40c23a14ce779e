//! Signatures by the Standard Webhooks specification, version 1.0.

use aws_lc_rs::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::error::{Error, Result};

/// What a secret begins with when it is shown, so that people and scanners know what it is.
const PREFIX: &str = "whsec_";

/// The length of a secret: the specification says 24 to 64 bytes.
const LENGTH: usize = 32;

/// What signs for an endpoint. Shown once, when it is made.
// No `Debug`: it must not get into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Makes one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self> {
        let mut bytes = vec![0; LENGTH];
        SystemRandom::new().fill(&mut bytes).map_err(Error::internal)?;
        Ok(Self(bytes))
    }

    /// Wraps the bytes of one.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, for sealing.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the text to show to whoever checks signatures.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// Signs a message: its id, when it is sent, in seconds, and what it says.
    pub fn sign(&self, id: &str, seconds: i64, payload: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let signature = hmac::sign(&key, format!("{id}.{seconds}.{payload}").as_bytes());
        format!("v1,{}", STANDARD.encode(signature.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::from_bytes(STANDARD.decode(text.trim_start_matches(PREFIX)).unwrap())
    }

    #[test]
    fn signatures_are_those_of_the_specification() {
        // From the tests of the specification's own libraries.
        let secret = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let (id, payload) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);

        assert_eq!(secret.sign(id, 1_614_265_330, payload), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_ne!(secret.sign(id, 1_614_265_331, payload), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_ne!(secret.sign("msg_other", 1_614_265_330, payload), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn secrets_are_of_the_length_that_the_specification_asks_for_and_never_the_same() {
        let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());

        assert!((24..=64).contains(&one.bytes().len()));
        assert!(one.bytes() != other.bytes());
        assert!(one.expose().starts_with("whsec_") && secret(&one.expose()) == one);
    }
}
