//! Password hashes: argon2id, in the PHC text form.
//!
//! Each call computes for tens of milliseconds and holds [`HasherParams::memory_kib`] of memory: call it through
//! [`super::permits::HashPermits`] only. This module must not know which passwords are good ([`super::password`]),
//! where hashes are stored, or HTTP.
//! Start at [`Hasher`].

use std::fmt;

use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHash, Version};

use super::password::Password;

/// What a hash costs. The defaults are OWASP's; they can be raised and not lowered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HasherParams {
    m: u32,
    t: u32,
    p: u32,
}

/// Tells which parameter is out of its range, and the range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("argon2's {name} must be {min} to {max}, not {value}")]
pub struct ParamsError {
    name: &'static str,
    value: u32,
    min: u32,
    max: u32,
}

/// Why no answer could be computed. It never means that a password was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// What is stored is no argon2 hash that can be computed again: the stored value is damaged.
    #[error("the stored password hash cannot be used: {0}")]
    Stored(&'static str),
    /// The computation failed, for want of memory or random bytes.
    #[error("cannot compute a password hash: {0}")]
    Failed(password_hash::Error),
}

/// The outcome of comparing a password with a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Whether it is the password.
    pub ok: bool,
    /// Whether it is, and its hash was made with less than the current parameters: store a new one.
    pub needs_rehash: bool,
}

/// Computes and compares password hashes.
#[derive(Clone)]
pub struct Hasher {
    params: HasherParams,
    argon2: Argon2<'static>,
    dummy: String,
}

impl HasherParams {
    /// Memory, 19 MiB to 1 GiB in KiB.
    const M: (u32, u32) = (Params::DEFAULT_M_COST, 1024 * 1024);
    /// Passes.
    const T: (u32, u32) = (Params::DEFAULT_T_COST, 32);
    /// Lanes, which are computed one after the other.
    const P: (u32, u32) = (Params::DEFAULT_P_COST, 16);

    /// Sets memory in KiB, passes and lanes.
    ///
    /// # Errors
    /// When one is below its default, or so high that it can only be a mistake.
    pub fn new(m: u32, t: u32, p: u32) -> Result<Self, ParamsError> {
        let ranges = [("memory (KiB)", m, Self::M), ("passes", t, Self::T), ("lanes", p, Self::P)];
        for (name, value, (min, max)) in ranges {
            if value < min || value > max {
                return Err(ParamsError { name, value, min, max });
            }
        }
        Ok(Self { m, t, p })
    }

    /// Returns the memory that one hash holds while it is computed.
    #[must_use]
    pub fn memory_kib(self) -> u32 {
        self.m
    }

    /// Parameters that are worthless and fast, for tests of what surrounds hashing.
    #[cfg(test)]
    pub(crate) fn worthless() -> Self {
        Self { m: Params::MIN_M_COST, t: 1, p: 1 }
    }

    fn is_met_by(self, stored: &Params) -> bool {
        stored.m_cost() >= self.m && stored.t_cost() >= self.t && stored.p_cost() >= self.p
    }
}

impl Default for HasherParams {
    fn default() -> Self {
        Self { m: Self::M.0, t: Self::T.0, p: Self::P.0 }
    }
}

impl fmt::Display for HasherParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={},t={},p={}", self.m, self.t, self.p)
    }
}

impl fmt::Debug for HasherParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HasherParams({self})")
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("params", &self.params).finish_non_exhaustive()
    }
}

impl Hasher {
    /// Makes a hasher with these parameters. It computes no hash.
    ///
    /// # Errors
    /// When the parameters do not fit together, which [`HasherParams::new`] rules out.
    pub fn new(params: HasherParams) -> Result<Self, HashError> {
        let argon2_params = Params::new(params.m, params.t, params.p, None)
            .map_err(|_| HashError::Failed(password_hash::Error::ParamsInvalid))?;
        Ok(Self {
            params,
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, argon2_params),
            // A salt and an output of the usual lengths that no password is known to give.
            dummy: format!("$argon2id$v=19${params}${}${}", "bm9ib2R5J3Mgc2FsdC4uLg", "A".repeat(43)),
        })
    }

    /// Returns a new hash of a password, with its own random salt, as a PHC string.
    ///
    /// # Errors
    /// [`HashError::Failed`].
    pub fn hash(&self, password: &Password) -> Result<String, HashError> {
        let hash = self.argon2.hash_password(password.as_bytes()).map_err(HashError::Failed)?;
        Ok(hash.to_string())
    }

    /// Compares a password with a stored PHC string, at the cost that the string names.
    ///
    /// # Errors
    /// [`HashError::Stored`] when the string is no usable argon2 hash: answer as for a wrong password, after
    /// [`Hasher::verify_dummy`], and log it.
    pub fn verify(&self, password: &Password, stored: &str) -> Result<Verified, HashError> {
        let stored = PasswordHash::new(stored).map_err(|_| HashError::Stored("it is not a PHC string"))?;
        let params = Params::try_from(&stored).map_err(|_| HashError::Stored("it has unusable parameters"))?;
        if stored.salt.is_none() || stored.hash.is_none() {
            return Err(HashError::Stored("it has no salt or no output"));
        }
        // Whoever could write such a value could otherwise take the memory of the machine with each login.
        if params.m_cost() > HasherParams::M.1
            || params.t_cost() > HasherParams::T.1
            || params.p_cost() > HasherParams::P.1
        {
            return Err(HashError::Stored("its parameters are out of range"));
        }
        let ok = match self.argon2.verify_password(password.as_bytes(), &stored) {
            Ok(()) => true,
            Err(password_hash::Error::PasswordInvalid) => false,
            Err(password_hash::Error::Algorithm | password_hash::Error::Version) => {
                return Err(HashError::Stored("it is not of an argon2 kind"));
            }
            Err(fault) => return Err(HashError::Failed(fault)),
        };
        let is_current = stored.algorithm == ARGON2ID_IDENT
            && stored.version == Some(Version::V0x13.into())
            && self.params.is_met_by(&params);
        Ok(Verified { ok, needs_rehash: ok && !is_current })
    }

    /// Takes the time of [`Hasher::verify`] and is never the password: for accounts that do not exist.
    ///
    /// # Errors
    /// [`HashError::Failed`].
    pub fn verify_dummy(&self, password: &Password) -> Result<Verified, HashError> {
        self.verify(password, &self.dummy).map(|_| Verified { ok: false, needs_rehash: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(typed: &str) -> Password {
        Password::parse(typed).unwrap()
    }

    fn hasher(params: HasherParams) -> Hasher {
        Hasher::new(params).unwrap()
    }

    fn fast() -> Hasher {
        hasher(HasherParams::worthless())
    }

    const RIGHT: Verified = Verified { ok: true, needs_rehash: false };
    const RIGHT_BUT_OLD: Verified = Verified { ok: true, needs_rehash: true };
    const WRONG: Verified = Verified { ok: false, needs_rehash: false };

    #[test]
    fn the_default_is_argon2id_at_owasp_cost_and_verifies() {
        let hasher = hasher(HasherParams::default());

        let hash = hasher.hash(&password("correct horse")).unwrap();

        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(hasher.verify(&password("correct horse"), &hash), Ok(RIGHT));
        assert_eq!(hasher.verify(&password("correct house"), &hash), Ok(WRONG));
    }

    #[test]
    fn a_hash_of_another_implementation_verifies() {
        // From the tests of the reference implementation in C.
        let stored = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

        assert_eq!(fast().verify(&password("password"), stored), Ok(RIGHT));
    }

    #[test]
    fn every_character_of_a_long_password_counts() {
        let hasher = fast();
        let long = "x".repeat(99) + "y";
        let hash = hasher.hash(&password(&long)).unwrap();

        assert_eq!(hasher.verify(&password(&long), &hash), Ok(RIGHT));
        let others =
            ["x".repeat(72), "x".repeat(99), "x".repeat(100), long.to_uppercase(), format!("{long} "), String::new()];
        for typed in others {
            assert_eq!(hasher.verify(&password(&typed), &hash), Ok(WRONG), "{typed:?}");
        }
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        let hasher = fast();

        assert_ne!(hasher.hash(&password("same")), hasher.hash(&password("same")));
    }

    #[test]
    fn a_hash_made_with_less_in_any_parameter_is_to_be_made_anew() {
        let typed = password("correct horse");
        let made_with = |m, t, p| hasher(HasherParams { m, t, p }).hash(&typed).unwrap();
        let now = hasher(HasherParams { m: 32, t: 2, p: 2 });

        for (hash, expected) in [
            (made_with(32, 2, 2), RIGHT),
            (made_with(64, 3, 3), RIGHT),
            (made_with(31, 2, 2), RIGHT_BUT_OLD),
            (made_with(32, 1, 2), RIGHT_BUT_OLD),
            (made_with(32, 2, 1), RIGHT_BUT_OLD),
            (made_with(64, 1, 3), RIGHT_BUT_OLD),
        ] {
            assert_eq!(now.verify(&typed, &hash), Ok(expected), "{hash}");
            assert_eq!(now.verify(&password("wrong"), &hash), Ok(WRONG), "{hash}");
        }
    }

    #[test]
    fn another_kind_or_version_of_argon2_is_to_be_made_anew() {
        let typed = password("correct horse");
        let params = || Params::new(8, 1, 1, None).unwrap();

        for (algorithm, version) in [
            (Algorithm::Argon2i, Version::V0x13),
            (Algorithm::Argon2d, Version::V0x13),
            (Algorithm::Argon2id, Version::V0x10),
        ] {
            let hash = Argon2::new(algorithm, version, params()).hash_password(typed.as_bytes()).unwrap();
            assert_eq!(fast().verify(&typed, &hash.to_string()), Ok(RIGHT_BUT_OLD), "{hash}");
        }
    }

    #[test]
    fn a_damaged_hash_is_a_fault_and_not_a_wrong_password() {
        let salt_and_output = format!("bm9ib2R5J3Mgc2FsdA${}", "A".repeat(43));
        for stored in [
            String::new(),
            "!".to_owned(),
            "correct horse".to_owned(),
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".to_owned(),
            format!("$scrypt$ln=16,r=8,p=1${salt_and_output}"),
            "$argon2id$v=19$m=8,t=1,p=1".to_owned(),
            "$argon2id$v=19$m=8,t=1,p=1$bm9ib2R5J3Mgc2FsdA".to_owned(),
            format!("$argon2id$v=18$m=8,t=1,p=1${salt_and_output}"),
            format!("$argon2id$v=19$m=0,t=1,p=1${salt_and_output}"),
            format!("$argon2id$v=19$m=4294967295,t=1,p=1${salt_and_output}"),
            format!("$argon2id$v=19$m=8,t=4294967295,p=1${salt_and_output}"),
        ] {
            let outcome = fast().verify(&password("correct horse"), &stored);

            assert!(matches!(outcome, Err(HashError::Stored(_))), "{stored}: {outcome:?}");
        }
    }

    #[test]
    fn the_dummy_has_the_cost_of_a_new_hash_and_is_never_right() {
        let hasher = hasher(HasherParams { m: 64, t: 3, p: 2 });
        let hash = hasher.hash(&password("nobody's")).unwrap();

        let shape = |phc: &str| phc.split('$').map(str::len).collect::<Vec<_>>();
        assert!(hasher.dummy.starts_with("$argon2id$v=19$m=64,t=3,p=2$"), "{}", hasher.dummy);
        assert_eq!(shape(&hasher.dummy), shape(&hash));
        assert_eq!(hasher.verify_dummy(&password("nobody's")), Ok(WRONG));
    }

    #[test]
    fn parameters_go_up_and_not_down() {
        assert_eq!(HasherParams::new(19_456, 2, 1), Ok(HasherParams::default()));
        assert!(HasherParams::new(65_536, 3, 4).is_ok());
        for (m, t, p) in
            [(19_455, 2, 1), (19_456, 1, 1), (19_456, 2, 0), (u32::MAX, 2, 1), (19_456, 99, 1), (19_456, 2, 99)]
        {
            assert!(HasherParams::new(m, t, p).is_err(), "{m} {t} {p}");
        }
        assert_eq!(
            HasherParams::new(8, 2, 1).unwrap_err().to_string(),
            "argon2's memory (KiB) must be 19456 to 1048576, not 8"
        );
    }
}
