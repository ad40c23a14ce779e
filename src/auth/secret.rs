//! Opaque random secrets: refresh tokens and password reset tokens.
//!
//! A secret is 256 random bits. The client holds its text, the database holds only a digest of that text,
//! so a copy of the database lets nobody in. A fast hash is enough, since nobody can guess 256 bits.
//! This module must not know where digests are stored, how long a secret lives, or what HTTP is.
//! Start at [`PrefixedSecret`], the form that leaves the server.

use std::fmt;
use std::marker::PhantomData;

use aws_lc_rs::constant_time;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secrets::sha256_hex;

/// Size of a secret: 256 bits cannot be guessed and need no slow hash.
const N_BYTES: usize = 32;

/// Length of a secret's text: 32 bytes in base64url without padding.
const TEXT_CHARS: usize = 43;

/// 256 random bits that only their holder may know.
///
/// It cannot be serialized, and its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret([u8; N_BYTES]);

/// Tells that the operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomUnavailable;

/// Tells that a text is not a secret of the expected form. It does not carry the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a secret of the expected form")]
pub struct NotASecret;

impl Secret {
    /// Makes a new secret from the system's random source.
    ///
    /// # Errors
    /// When the source fails; a caller can only answer that the server is unavailable.
    pub fn generate() -> Result<Self, RandomUnavailable> {
        let mut bytes = [0; N_BYTES];
        SystemRandom::new().fill(&mut bytes).map_err(|_| RandomUnavailable)?;
        Ok(Self(bytes))
    }

    /// Reads a secret from its text: exactly 43 characters of base64url, no padding, no spare bits set.
    ///
    /// # Errors
    /// When the text has another length or alphabet; one secret has exactly one text.
    pub fn parse(text: &str) -> Result<Self, NotASecret> {
        if text.len() != TEXT_CHARS {
            return Err(NotASecret);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotASecret)?;
        bytes.try_into().map(Self).map_err(|_| NotASecret)
    }

    /// Returns the text to hand to the holder, and to nobody else.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Returns what the server stores instead: SHA-256 of the text, in lower-case hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256_hex(self.reveal().as_bytes())
    }

    /// Compares with a stored digest, in a time that does not depend on where they differ.
    #[must_use]
    pub fn matches_digest(&self, stored: &str) -> bool {
        same_bytes(self.digest().as_bytes(), stored.as_bytes())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        same_bytes(&self.0, &other.0)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// What a secret is for. The prefix makes leaked ones findable by secret scanners, and is part of what is
/// digested, so that a secret for one purpose can never be found as another.
pub trait Purpose {
    /// What the text begins with.
    const PREFIX: &'static str;
}

/// The purpose of getting a new access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {}

impl Purpose for Refresh {
    const PREFIX: &'static str = "fpr_";
}

/// The purpose of setting a new password without the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordReset {}

impl Purpose for PasswordReset {
    const PREFIX: &'static str = "fpp_";
}

/// The purpose of reading one article before its readers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preview {}

impl Purpose for Preview {
    const PREFIX: &'static str = "fpv_";
}

/// The purpose of reading as a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKey {}

impl Purpose for ApiKey {
    const PREFIX: &'static str = "fpk_";
}

/// A key with which a partner reads: `fpk_` and 43 characters.
pub type ApiKeySecret = PrefixedSecret<ApiKey>;

/// A refresh token: `fpr_` and 43 characters.
pub type RefreshToken = PrefixedSecret<Refresh>;

/// A password reset token: `fpp_` and 43 characters.
pub type ResetToken = PrefixedSecret<PasswordReset>;

/// A preview token: `fpv_` and 43 characters.
pub type PreviewToken = PrefixedSecret<Preview>;

/// A secret for one purpose, whose text says which.
pub struct PrefixedSecret<P> {
    secret: Secret,
    purpose: PhantomData<P>,
}

impl<P: Purpose> PrefixedSecret<P> {
    /// Makes a new one from the system's random source.
    ///
    /// # Errors
    /// When the source fails.
    pub fn generate() -> Result<Self, RandomUnavailable> {
        Secret::generate().map(Self::from_secret)
    }

    /// Reads one from its text: the purpose's prefix and a secret, nothing before, between or after.
    ///
    /// # Errors
    /// When the prefix is another purpose's or the rest is not a secret.
    pub fn parse(text: &str) -> Result<Self, NotASecret> {
        let rest = text.strip_prefix(P::PREFIX).ok_or(NotASecret)?;
        Secret::parse(rest).map(Self::from_secret)
    }

    /// Returns the text to hand to the holder, and to nobody else.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}{}", P::PREFIX, self.secret.reveal())
    }

    /// Returns what the server stores instead: SHA-256 of the whole text, in lower-case hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256_hex(self.reveal().as_bytes())
    }

    /// Compares with a stored digest, in a time that does not depend on where they differ.
    #[must_use]
    pub fn matches_digest(&self, stored: &str) -> bool {
        same_bytes(self.digest().as_bytes(), stored.as_bytes())
    }

    fn from_secret(secret: Secret) -> Self {
        Self { secret, purpose: PhantomData }
    }
}

impl<P> Clone for PrefixedSecret<P> {
    fn clone(&self) -> Self {
        Self { secret: self.secret.clone(), purpose: PhantomData }
    }
}

impl<P> PartialEq for PrefixedSecret<P> {
    fn eq(&self, other: &Self) -> bool {
        self.secret == other.secret
    }
}

impl<P> Eq for PrefixedSecret<P> {}

impl<P: Purpose> fmt::Debug for PrefixedSecret<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(hidden)", P::PREFIX)
    }
}

fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_survives_the_way_through_its_text() {
        let secret = Secret::generate().unwrap();

        let text = secret.reveal();

        assert_eq!(text.len(), TEXT_CHARS);
        assert_eq!(Secret::parse(&text).unwrap(), secret);
        assert_ne!(Secret::generate().unwrap(), secret);
    }

    #[test]
    fn a_digest_is_the_sha_256_of_the_text_in_lower_hexadecimal() {
        let secret = Secret([0; N_BYTES]);

        // printf AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA | sha256sum
        let expected = "0f007385b6f9d4b7eeb2748605afe1a984a0a3bfa3f014d09e2a784ce9e5cd1a";

        assert_eq!(secret.digest(), expected);
        assert!(secret.matches_digest(expected));
        assert!(!secret.matches_digest(&expected.to_uppercase()));
        assert!(!secret.matches_digest(""));
    }

    #[test]
    fn other_lengths_and_alphabets_are_refused() {
        let good = "A".repeat(TEXT_CHARS);
        assert!(Secret::parse(&good).is_ok());

        let spare_bits = format!("{}B", "A".repeat(42));
        let standard = format!("{}+/A", "A".repeat(40));
        let space = format!("{}A A", "A".repeat(40));
        let wide = format!("{}é", "A".repeat(41));
        for bad in ["", "A", &"A".repeat(42), &"A".repeat(44), &spare_bits, &standard, &space, &wide] {
            assert_eq!(Secret::parse(bad), Err(NotASecret), "{bad:?}");
        }
        for bad in [format!("{good}="), format!(" {good}"), format!("{good}\n"), format!("{good}\0")] {
            assert_eq!(Secret::parse(&bad), Err(NotASecret), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_for_one_purpose_is_none_for_another() {
        let refresh = RefreshToken::generate().unwrap();
        let text = refresh.reveal();

        let reset = ResetToken::parse(&text.replace("fpr_", "fpp_")).unwrap();

        assert_eq!(RefreshToken::parse(&text).unwrap(), refresh);
        assert_eq!(ResetToken::parse(&text), Err(NotASecret));
        assert_eq!(RefreshToken::parse(&text.replace("fpr_", "FPR_")), Err(NotASecret));
        assert_eq!(RefreshToken::parse(&text.replace("fpr_", "fpr_fpr_")), Err(NotASecret));
        assert_eq!(RefreshToken::parse(&refresh.secret.reveal()), Err(NotASecret));
        assert_ne!(reset.digest(), refresh.digest());
        assert!(!reset.matches_digest(&refresh.digest()));
        assert!(refresh.matches_digest(&refresh.digest()));
    }

    #[test]
    fn debug_hides_the_secret() {
        let token = RefreshToken::generate().unwrap();

        let shown = format!("{token:?} {:?}", token.secret);

        assert_eq!(shown, "fpr_(hidden) Secret(hidden)");
    }
}
