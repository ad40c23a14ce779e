//! Reads and writes Ed25519 keys as PEM text, the form that `openssl genpkey` and `openssl pkey -pubout` write.
//!
//! It is stricter than a general PEM reader: one block, one kind of key, and a fault that says what was found.
//! It must not know files, directories or tokens; those are [`super::keys`]'s.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Everything that stands before the 32 bytes of an Ed25519 public key in DER (RFC 8410).
const PUBLIC_KEY_DER_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The object identifier of Ed25519 in DER: tells a damaged key from one of another kind.
const ED25519_OID_DER: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

/// Length of a PEM line (RFC 7468).
const LINE_CHARS: usize = 64;

/// The 32 bytes of an Ed25519 public key.
pub(super) type PublicKeyBytes = [u8; 32];

/// What one PEM file holds.
pub(super) enum PemKey {
    /// A private key, as PKCS#8 version 1, with the public key that belongs to it.
    Private { pkcs8: Vec<u8>, public: PublicKeyBytes },
    /// A public key alone: it verifies and does not sign.
    Public { public: PublicKeyBytes },
}

/// Why a text is no key that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PemFault {
    NotPem,
    SeveralBlocks,
    Encrypted,
    OtherLabel(String),
    OtherKey,
    Damaged,
}

impl fmt::Display for PemFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPem => f.write_str("it has no complete PEM block (-----BEGIN … to -----END …)"),
            Self::SeveralBlocks => f.write_str("it has more than one PEM block, and must have one key"),
            Self::Encrypted => f.write_str("the key is protected by a passphrase, which the server cannot ask for"),
            Self::OtherLabel(label) => {
                write!(f, "it holds a {label:?}, not a PKCS#8 \"PRIVATE KEY\" or a \"PUBLIC KEY\"")
            }
            Self::OtherKey => f.write_str("it holds a key of another kind than Ed25519"),
            Self::Damaged => f.write_str("the key in it is damaged"),
        }
    }
}

impl PemKey {
    /// Reads the one key in a PEM text.
    pub(super) fn parse(text: &str) -> Result<Self, PemFault> {
        let (label, der) = read_block(text)?;
        match label {
            "PRIVATE KEY" => Self::from_pkcs8(&der),
            "PUBLIC KEY" => Self::from_spki(&der),
            "ENCRYPTED PRIVATE KEY" => Err(PemFault::Encrypted),
            // A label may be anything; what is long is not worth repeating.
            other => Err(PemFault::OtherLabel(other.chars().take(40).collect())),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, PemFault> {
        let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| fault_of(der))?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| PemFault::Damaged)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| PemFault::Damaged)?;
        Ok(Self::Private { pkcs8: pkcs8.as_ref().to_vec(), public })
    }

    fn from_spki(der: &[u8]) -> Result<Self, PemFault> {
        let public = der.strip_prefix(&PUBLIC_KEY_DER_PREFIX).ok_or_else(|| fault_of(der))?;
        let public = public.try_into().map_err(|_| PemFault::Damaged)?;
        Ok(Self::Public { public })
    }
}

/// Makes a new private key and returns its PEM text, as `openssl genpkey -algorithm ed25519` would write it.
pub(super) fn generate_private_key() -> Result<String, aws_lc_rs::error::Unspecified> {
    let pkcs8 = Ed25519KeyPair::generate()?.to_pkcs8v1()?;
    Ok(write_block("PRIVATE KEY", pkcs8.as_ref()))
}

fn fault_of(der: &[u8]) -> PemFault {
    let is_ed25519 = der.windows(ED25519_OID_DER.len()).any(|window| window == ED25519_OID_DER);
    if is_ed25519 { PemFault::Damaged } else { PemFault::OtherKey }
}

/// Returns the label and the bytes of the only block. Text around the block is allowed, as OpenSSL allows it.
fn read_block(text: &str) -> Result<(&str, Vec<u8>), PemFault> {
    let mut label = None;
    let mut body = String::new();
    let mut is_complete = false;
    for line in text.lines().map(|line| line.trim_matches(['\u{feff}', ' ', '\t', '\r'])) {
        if let Some(found) = boundary(line, "-----BEGIN ") {
            if label.replace(found).is_some() {
                return Err(if is_complete { PemFault::SeveralBlocks } else { PemFault::NotPem });
            }
        } else if let Some(found) = boundary(line, "-----END ") {
            if is_complete || label != Some(found) {
                return Err(PemFault::NotPem);
            }
            is_complete = true;
        } else if label.is_some() && !is_complete {
            body.push_str(line);
        }
    }
    let label = label.filter(|_| is_complete).ok_or(PemFault::NotPem)?;
    // An old-style encrypted key has header lines in its body; its label tells already that it is of no use here.
    let der = STANDARD.decode(body).or_else(|_| match label {
        "PRIVATE KEY" | "PUBLIC KEY" => Err(PemFault::Damaged),
        _ => Ok(Vec::new()),
    })?;
    Ok((label, der))
}

fn boundary<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix("-----")
}

fn write_block(label: &str, der: &[u8]) -> String {
    let mut body = String::new();
    for (position, character) in STANDARD.encode(der).chars().enumerate() {
        if position > 0 && position.is_multiple_of(LINE_CHARS) {
            body.push('\n');
        }
        body.push(character);
    }
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

/// Keys made with OpenSSL 3.0 for tests. They sign nothing anywhere.
#[cfg(test)]
pub(super) mod fixtures {
    /// `openssl genpkey -algorithm ed25519`
    pub(in crate::auth) const PRIVATE_A: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAnxBzRKiQ55f8+aJIBd8TdcGlq83ST8EFIzHT3hHNyx
-----END PRIVATE KEY-----
";
    /// `openssl pkey -pubout` of [`PRIVATE_A`].
    pub(in crate::auth) const PUBLIC_A: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA0bob0vnnRK+2NbvpBG/nChfKUqZIeMtKunMFVCbCzmU=
-----END PUBLIC KEY-----
";
    /// Another one.
    pub(in crate::auth) const PRIVATE_B: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIEX5H5j19Ahmf5yZyX1UGW2ntawxlKhtjXNuXP7BmwYK
-----END PRIVATE KEY-----
";
    /// `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`
    pub(in crate::auth) const PRIVATE_P256: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSdO5XDSTtIDCHCQf
LkkCfS1oKcWyzzLnN3GXJOMI0qOhRANCAARgg8bdFRUuNWc0xpM0ucKP0KPAKhdN
/rr39lpWzxPCvqr5Ix0MtKtl9d7pnatJ5le1iVO6QgtawWpnxgbB2wjf
-----END PRIVATE KEY-----
";
}

#[cfg(test)]
mod tests {
    use super::fixtures::{PRIVATE_A, PRIVATE_P256, PUBLIC_A};
    use super::*;

    fn fault(text: &str) -> PemFault {
        PemKey::parse(text).err().expect("this text should not be taken as a key")
    }

    #[test]
    fn openssl_keys_are_read_and_the_public_half_is_the_same() {
        let Ok(PemKey::Private { public: of_private, .. }) = PemKey::parse(PRIVATE_A) else {
            panic!("the private key is not read as one");
        };
        let Ok(PemKey::Public { public }) = PemKey::parse(PUBLIC_A) else {
            panic!("the public key is not read as one");
        };

        assert_eq!(of_private, public);
    }

    #[test]
    fn a_new_key_reads_back_and_is_written_as_openssl_does() {
        let pem = generate_private_key().unwrap();

        assert!(matches!(PemKey::parse(&pem), Ok(PemKey::Private { .. })));
        assert_eq!(pem.len(), PRIVATE_A.len());
        assert_eq!(pem.lines().nth(1).unwrap().len(), LINE_CHARS);
        assert!(pem.lines().nth(1).unwrap().starts_with("MC4CAQAwBQYDK2VwBCIEI"));
    }

    #[test]
    fn a_version_2_key_is_read_too() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let pem = write_block("PRIVATE KEY", pair.to_pkcs8().unwrap().as_ref());

        let Ok(PemKey::Private { pkcs8, public }) = PemKey::parse(&pem) else {
            panic!("the key is not read");
        };

        assert_eq!(public, pair.public_key().as_ref());
        assert_eq!(pkcs8.len(), 48);
    }

    #[test]
    fn windows_line_ends_and_text_around_the_block_do_no_harm() {
        let text = format!("\u{feff}our key, made in spring\n\n{PRIVATE_A}\nPrivate-Key:\n").replace('\n', "\r\n");

        assert!(matches!(PemKey::parse(&text), Ok(PemKey::Private { .. })));
    }

    #[test]
    fn each_unusable_text_is_told_apart() {
        let one_line = PRIVATE_A.lines().nth(1).unwrap();
        let cut = one_line.replace("HNyx", "");
        let ssh = PRIVATE_A.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY");

        assert_eq!(fault(""), PemFault::NotPem);
        assert_eq!(fault(one_line), PemFault::NotPem);
        assert_eq!(fault(&PRIVATE_A.replace("-----END PRIVATE KEY-----", "")), PemFault::NotPem);
        assert_eq!(fault(&PRIVATE_A.replace("END PRIVATE", "END PUBLIC")), PemFault::NotPem);
        assert_eq!(fault(&format!("{PRIVATE_A}{PUBLIC_A}")), PemFault::SeveralBlocks);
        assert_eq!(fault(&PRIVATE_A.replace("PRIVATE", "ENCRYPTED PRIVATE")), PemFault::Encrypted);
        assert_eq!(fault(&ssh), PemFault::OtherLabel("OPENSSH PRIVATE KEY".to_owned()));
        assert_eq!(fault(PRIVATE_P256), PemFault::OtherKey);
        assert_eq!(fault(&PRIVATE_A.replace(one_line, &cut)), PemFault::Damaged);
        assert_eq!(fault(&PRIVATE_A.replace(one_line, "*")), PemFault::Damaged);
        assert_eq!(fault(&PUBLIC_A.replace("CzmU=", "Czg==")), PemFault::Damaged);
        assert_eq!(fault(&PRIVATE_A.replace("PRIVATE", "PUBLIC")), PemFault::Damaged);
        assert_eq!(fault(&PUBLIC_A.replace("PUBLIC", "PRIVATE")), PemFault::Damaged);
    }
}
