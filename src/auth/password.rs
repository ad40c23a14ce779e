//! Passwords as people type them: their one form, and which of them may be chosen.
//!
//! The rules are NIST SP 800-63B-4's for a password that stands alone: long rather than complicated, nothing that is
//! commonly used or follows from the account, and no other demands.
//! This module must not know hashes ([`super::hasher`]), the database, or HTTP.
//! Start at [`Password::parse`] and [`PasswordPolicy::check`].

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use zxcvbn::{Score, zxcvbn};

/// The fewest code points of a new password: NIST's figure for a password that is the only factor.
pub const MIN_CHARS: usize = 15;

/// The most code points of a password. No sentence that one types needs more, and hashing stays cheap to bound.
pub const MAX_CHARS: usize = 256;

/// The most bytes that are looked at, before normalization: four times [`MAX_CHARS`] of the widest code points, since
/// letters may come in parts that normalization joins.
const MAX_RAW_BYTES: usize = 4 * 4 * MAX_CHARS;

/// How much of either end of a password is estimated. The estimator's time grows with the square of the length and with
/// every digit that may stand for a letter: a hostile 100 characters take it half a second, 40 take a tenth of that.
const ESTIMATED_CHARS: usize = 40;

/// Words from the account shorter than this say nothing about a password.
const MIN_WORD_CHARS: usize = 3;

/// How much of a password must be left when the words of the account and the site are taken out of it. The estimator
/// takes `Frontpage2026!!` for good, since it does not know what people add to a word to please other rules.
const MIN_OWN_CHARS: usize = 8;

/// The product's own words, which everybody here has in mind.
const OWN_WORDS: [&str; 4] = ["frontpage", "front page", "newsroom", "password"];

/// A password in its one form. It cannot be serialized, and its `Debug` shows nothing of it.
///
/// That form is NFKC, as NIST advises: the same keys pressed on two systems may send different code points (an accent
/// apart or joined, a full-width letter), and all must open the account. Nothing is cut, trimmed or folded: case,
/// spaces at the ends and every code point count. Code points that a later Unicode version assigns are taken as they
/// are; refusing them would refuse the newest emoji.
#[derive(Clone)]
pub struct Password(String);

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PasswordFault {
    /// Fewer than [`MIN_CHARS`] code points.
    TooShort,
    /// More than [`MAX_CHARS`] code points.
    TooLong,
    /// It has a NUL or another control character, which no keyboard types into a password field.
    ControlCharacter,
    /// It has the account's whole e-mail address in it.
    ContainsEmail,
    /// It is commonly used, or few tries would find it.
    TooCommon,
}

/// Whose password it is to be: what a guesser would try first.
#[derive(Debug, Clone, Copy)]
pub struct PasswordOwner<'a> {
    /// The e-mail address of the account.
    pub email: &'a str,
    /// The name that is shown.
    pub display_name: &'a str,
}

/// The rules for choosing a password on this site.
#[derive(Debug, Clone, Default)]
pub struct PasswordPolicy {
    site_words: Vec<String>,
}

impl Password {
    /// Takes a password as it was typed, at a login as well as when it is chosen.
    ///
    /// It costs microseconds, whatever the input. A login that is refused here must look like a wrong password.
    ///
    /// # Errors
    /// [`PasswordFault::TooLong`] and [`PasswordFault::ControlCharacter`]; other rules are [`PasswordPolicy`]'s.
    pub fn parse(typed: &str) -> Result<Self, PasswordFault> {
        if typed.len() > MAX_RAW_BYTES {
            return Err(PasswordFault::TooLong);
        }
        if typed.chars().any(char::is_control) {
            return Err(PasswordFault::ControlCharacter);
        }
        // One code point may become eighteen: counting stops at the first that is too many.
        let normalized: String = typed.nfkc().take(MAX_CHARS.saturating_add(1)).collect();
        if normalized.chars().count() > MAX_CHARS {
            return Err(PasswordFault::TooLong);
        }
        Ok(Self(normalized))
    }

    /// Returns the bytes to hash: all of them.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

impl PasswordFault {
    /// Returns the code of the fault in problem answers.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort => "password_too_short",
            Self::TooLong => "password_too_long",
            Self::ControlCharacter => "password_control_character",
            Self::ContainsEmail => "password_contains_email",
            Self::TooCommon => "password_too_common",
        }
    }

    /// Returns the text for the person who chose the password: what is wrong and what would be right.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::TooShort => {
                "A password needs at least 15 characters. Several words in a row are easy to remember and hard to guess."
            }
            Self::TooLong => "A password may have at most 256 characters.",
            Self::ControlCharacter => "A password must not contain control characters such as tabs or line breaks.",
            Self::ContainsEmail => "A password must not contain the e-mail address of its account.",
            Self::TooCommon => {
                "This password is too easy to guess: it is commonly used, repetitive, or made of words about the account \
                 or this site. Add a few unrelated words."
            }
        }
    }
}

impl fmt::Display for PasswordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for PasswordFault {}

impl PasswordPolicy {
    /// Sets the words that everybody on this site has in mind: its name, its domain, its sections.
    #[must_use]
    pub fn new(site_words: Vec<String>) -> Self {
        Self { site_words }
    }

    /// Takes a password that someone wants to have, or returns every fault that it has.
    ///
    /// It computes for a millisecond, or a tenth of a second if the password is made for that: run it through
    /// [`super::permits::HashPermits`].
    ///
    /// # Errors
    /// At least one fault, each once.
    pub fn check(&self, typed: &str, owner: PasswordOwner<'_>) -> Result<Password, Vec<PasswordFault>> {
        let password = Password::parse(typed).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        if password.0.chars().count() < MIN_CHARS {
            faults.push(PasswordFault::TooShort);
        }
        let email = folded(owner.email);
        if !email.is_empty() && folded(&password.0).contains(&email) {
            faults.push(PasswordFault::ContainsEmail);
        }
        let words = self.words_to_try(owner);
        if is_guessable(&password.0, &words) || is_made_of(&password.0, &words) {
            faults.push(PasswordFault::TooCommon);
        }
        if faults.is_empty() { Ok(password) } else { Err(faults) }
    }

    /// Returns what a guesser would try first, in their likely order.
    fn words_to_try(&self, owner: PasswordOwner<'_>) -> Vec<String> {
        let site_words = self.site_words.iter().map(String::as_str);
        let sources = OWN_WORDS.into_iter().chain([owner.email, owner.display_name]).chain(site_words);
        let mut seen = BTreeSet::new();
        let mut words = Vec::new();
        for source in sources.map(folded) {
            let parts = source.split(|c: char| !c.is_alphanumeric());
            let joined: String = source.chars().filter(|c| c.is_alphanumeric()).collect();
            let whole = source.split('@').map(str::to_owned).chain([source.clone(), joined]);
            for word in whole.chain(parts.map(str::to_owned)) {
                if word.chars().count() >= MIN_WORD_CHARS && seen.insert(word.clone()) {
                    words.push(word);
                }
            }
        }
        words
    }
}

/// Tells whether fewer than a million guesses would find the password.
fn is_guessable(password: &str, words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is_weak = |text: &str| zxcvbn(text, &words).score() <= Score::One;
    let head: String = password.chars().take(ESTIMATED_CHARS).collect();
    let n_before_tail = password.chars().count().saturating_sub(ESTIMATED_CHARS);
    // A whole is at least as hard to guess as its hardest part, so either end will do.
    is_weak(&head) && (n_before_tail == 0 || is_weak(&password.chars().skip(n_before_tail).collect::<String>()))
}

/// Tells whether the password has some of the words in it and little else.
fn is_made_of(password: &str, words: &[String]) -> bool {
    let whole = folded(password);
    let mut longest_first: Vec<&String> = words.iter().collect();
    longest_first.sort_by_key(|word| Reverse(word.len()));
    let rest = longest_first.into_iter().fold(whole.clone(), |rest, word| rest.replace(word.as_str(), ""));
    rest.len() < whole.len() && rest.chars().count() < MIN_OWN_CHARS
}

fn folded(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: PasswordOwner<'static> =
        PasswordOwner { email: "Reza.Karimi@example.org", display_name: "Reza Karimi" };

    fn faults(typed: &str) -> Vec<PasswordFault> {
        let policy = PasswordPolicy::new(vec!["Iran Front Page".to_owned(), "ifpnews".to_owned()]);
        policy.check(typed, OWNER).err().unwrap_or_default()
    }

    /// Text of a length that nobody guesses, whatever its beginning.
    fn long(n_chars: usize) -> String {
        "tulip-Kz7 veranda/Quartz 91 ledger? ombre Wick&fjord ".chars().cycle().take(n_chars).collect()
    }

    #[test]
    fn the_length_counts_in_code_points_from_15_to_256() {
        assert_eq!(faults(&long(14)), [PasswordFault::TooShort]);
        for n_chars in [15, 64, 100, 101, 128, 256] {
            assert_eq!(faults(&long(n_chars)), [], "{n_chars}");
        }
        assert_eq!(faults(&long(257)), [PasswordFault::TooLong]);
        assert_eq!(faults(&"🗞".repeat(257)), [PasswordFault::TooLong]);
        assert_eq!(faults(&long(1 << 20)), [PasswordFault::TooLong]);
    }

    #[test]
    fn the_texts_name_the_limits_that_hold() {
        assert!(PasswordFault::TooShort.text().contains(&format!(" {MIN_CHARS} ")));
        assert!(PasswordFault::TooLong.text().contains(&format!(" {MAX_CHARS} ")));
    }

    #[test]
    fn spaces_emoji_and_any_script_are_welcome_and_nothing_is_demanded() {
        for typed in [
            "correct horse battery staple",
            "  leading and trailing spaces  ",
            "all lower case without digits",
            "🦜🌋🧵🪐🍉🎷🦔🚲🧲🪁🥨🛶🎏🧦🪗",
            "بامداد آفتاب کنار پنجره قهوه",
            "naïve café über Ærø façade",
            "front page of the morning paper",
        ] {
            assert_eq!(faults(typed), [], "{typed}");
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for control in ['\0', '\t', '\n', '\r', '\u{7f}', '\u{85}', '\u{1b}'] {
            assert_eq!(faults(&format!("{}{control}", long(20))), [PasswordFault::ControlCharacter], "{control:?}");
        }
    }

    #[test]
    fn what_is_commonly_used_or_easily_guessed_is_refused() {
        for typed in [
            "aaaaaaaaaaaaaaa",
            "aaaaaaaaaaaaaaab",
            "passwordpassword",
            "PasswordPassword1",
            "p@ssw0rdp@ssw0rd",
            "123456789012345",
            "qwertyuiopasdfghjkl",
            "abcdefghijklmnopqrstuvwxyz",
            "qwertyqwertyqwerty",
            "111111111111111111",
            "iloveyouiloveyou",
            "               ",
            "🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜",
        ] {
            assert_eq!(faults(typed), [PasswordFault::TooCommon], "{typed}");
        }
        assert_eq!(faults("letmein"), [PasswordFault::TooShort, PasswordFault::TooCommon]);
        assert_eq!(faults(&"a".repeat(256)), [PasswordFault::TooCommon]);
        assert_eq!(faults(""), [PasswordFault::TooShort, PasswordFault::TooCommon]);
    }

    #[test]
    fn words_of_the_account_and_the_site_are_easily_guessed() {
        for typed in [
            "frontpagefrontpage",
            "Frontpage2026!!",
            "IranFrontPage123!",
            "iranfrontpage2026",
            "#ReZa_KaRiMi#1985",
            "ifpnewsifpnewsifpnews",
            "rezakarimirezakarimi",
            "Reza Karimi 1234",
            "reza.karimi2026",
            "example.org12345",
        ] {
            assert_eq!(faults(typed), [PasswordFault::TooCommon], "{typed}");
        }
    }

    #[test]
    fn the_e_mail_address_must_not_be_in_it() {
        let with_email = format!("{} reza.karimi@EXAMPLE.org", long(30));

        assert_eq!(faults(&with_email), [PasswordFault::ContainsEmail]);
        assert_eq!(faults(OWNER.email), [PasswordFault::ContainsEmail, PasswordFault::TooCommon]);
        assert!(PasswordPolicy::default().check(&long(20), PasswordOwner { email: "", display_name: "" }).is_ok());
    }

    #[test]
    fn a_long_password_is_strong_if_either_end_is() {
        let weak = "a".repeat(130);

        assert_eq!(faults(&format!("{weak}{}", long(30))), []);
        assert_eq!(faults(&format!("{}{weak}", long(30))), []);
    }

    #[test]
    fn the_same_keys_give_one_password_on_every_system() {
        let bytes = |typed| Password::parse(typed).unwrap().as_bytes().to_owned();

        assert_eq!(bytes("cafe\u{301}"), bytes("caf\u{e9}"));
        assert_eq!(bytes("\u{ff21}\u{ff11}"), bytes("A1"));
        assert_eq!(bytes("a\u{a0}b"), bytes("a b"));
        assert_ne!(bytes("a "), bytes("a"));
        assert_ne!(bytes("A"), bytes("a"));
        // Letters in parts count once joined, and a ligature counts as what it stands for.
        assert!(Password::parse(&"e\u{301}".repeat(256)).is_ok());
        assert_eq!(Password::parse(&"\u{fdfa}".repeat(20)).err(), Some(PasswordFault::TooLong));
        assert!(faults(&"e\u{301}".repeat(14)).contains(&PasswordFault::TooShort));
    }

    #[test]
    fn debug_hides_the_password() {
        assert_eq!(format!("{:?}", Password::parse("visible?").unwrap()), "Password(hidden)");
    }
}
