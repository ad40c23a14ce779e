//! Choosing and checking passwords: policy and hashes together, as logins, resets and commands need them.
//!
//! Everything here computes for tens of milliseconds or more: the server runs it through [`super::Auth`], which has the
//! permits; a command may call it on its own thread.

use super::{
    hasher::{HashError, Hasher, HasherParams, Verified},
    password::{Password, PasswordOwner, PasswordPolicy},
};
use crate::{
    config::HashConfig,
    error::{Code, Error, Fault, Result},
};

/// The policy of this site and the cost of its hashes.
#[derive(Clone, Debug)]
pub struct Passwords {
    hasher: Hasher,
    policy: PasswordPolicy,
}

/// For whom a password is chosen.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The e-mail address of the account.
    pub email: String,
    /// The name that is shown.
    pub name: String,
}

impl Passwords {
    /// Takes the cost of hashing, and the words that everybody on this site has in mind.
    ///
    /// # Errors
    /// When the cost is out of its range; the message is for the operator.
    pub fn open(cost: &HashConfig, site_words: Vec<String>) -> Result<Self> {
        let unusable = |error: &dyn std::fmt::Display| Error::new(Code::Unavailable, error.to_string());
        let params = HasherParams::new(cost.memory_kib, cost.passes, 1).map_err(|error| unusable(&error))?;
        let hasher = Hasher::new(params).map_err(|error| unusable(&error))?;
        Ok(Self { hasher, policy: PasswordPolicy::new(site_words) })
    }

    /// Returns the hash of a password that somebody chooses; `pointer` says where faults belong.
    ///
    /// # Errors
    /// `invalid_input` with every fault of the password.
    pub fn choose(&self, pointer: &str, typed: &str, owner: &Owner) -> Result<String> {
        self.hash(&self.check(pointer, typed, owner)?)
    }

    /// Returns a password that somebody chooses, if the policy allows it.
    ///
    /// # Errors
    /// `invalid_input` with every fault of the password.
    pub fn check(&self, pointer: &str, typed: &str, owner: &Owner) -> Result<Password> {
        let owner = PasswordOwner { email: &owner.email, display_name: &owner.name };
        self.policy.check(typed, owner).map_err(|faults| {
            let faults = faults.into_iter().map(|fault| Fault::new(pointer, fault.code(), fault.text())).collect();
            Error::faults(Code::InvalidInput, faults)
        })
    }

    /// Returns the hash of a password.
    ///
    /// # Errors
    /// When it cannot be computed.
    pub fn hash(&self, password: &Password) -> Result<String> {
        self.hasher.hash(password).map_err(Error::internal)
    }

    /// Compares a password with what is stored; takes the same time when nothing is.
    ///
    /// # Errors
    /// When it cannot be computed, which never means that the password was wrong.
    pub fn verify(&self, password: &Password, stored: Option<&str>) -> Result<Verified> {
        let verified = match stored {
            None => self.hasher.verify_dummy(password),
            Some(stored) => match self.hasher.verify(password, stored) {
                Err(HashError::Stored(what)) => {
                    tracing::error!(what, "A stored password hash is damaged; its account cannot log in");
                    self.hasher.verify_dummy(password)
                }
                verified => verified,
            },
        };
        verified.map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        Passwords { hasher: Hasher::new(HasherParams::worthless()).unwrap(), policy: PasswordPolicy::default() }
    }

    fn owner() -> Owner {
        Owner { email: "mina@example.org".to_owned(), name: "Mina Okafor".to_owned() }
    }

    #[test]
    fn a_chosen_password_verifies_and_every_fault_of_a_bad_one_is_named() {
        let hash = passwords().choose("/new_password", "six tall ladders lean", &owner()).unwrap();
        let typed = Password::parse("six tall ladders lean").unwrap();
        assert!(passwords().verify(&typed, Some(&hash)).unwrap().ok);

        let error = passwords().choose("/new_password", "letmein", &owner()).unwrap_err();
        let faults: Vec<_> = error.input_faults().iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(faults, [("/new_password", "password_too_short"), ("/new_password", "password_too_common")]);
    }

    #[test]
    fn no_hash_and_a_damaged_hash_are_wrong_passwords() {
        let typed = Password::parse("six tall ladders lean").unwrap();

        for stored in [None, Some(""), Some("$argon2id$v=19$m=8,t=1,p=1")] {
            assert!(!passwords().verify(&typed, stored).unwrap().ok, "{stored:?}");
        }
    }
}
