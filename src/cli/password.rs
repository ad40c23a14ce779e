//! Takes a password from a person at the terminal, or from standard input when that is none; never from an argument,
//! which other users of the machine could see.

use std::io::{IsTerminal, Read};

use super::outcome::Failure;

/// Far more than any password may have; what is longer is not one.
const LONGEST_BYTES: u64 = 4096;

/// Returns a new password.
///
/// # Errors
/// When there is none, or the two that were typed differ.
pub(super) fn read_new() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return from_input(std::io::stdin().lock());
    }
    let ask = |prompt: &str| {
        let failed = |error| Failure::Failed(format!("The password cannot be read from the terminal: {error}"));
        rpassword::prompt_password(prompt).map_err(failed)
    };
    let password = ask("New password (15 characters or more): ")?;
    if ask("The same again: ")? != password {
        return Err(Failure::Failed("The two passwords differ. Nothing was changed.".to_owned()));
    }
    Ok(password)
}

/// Reads all of the input as one password; a line break at the end does not belong to it.
fn from_input(input: impl Read) -> Result<String, Failure> {
    let failed =
        |what: &str| Failure::Failed(format!("Standard input {what}. It must hold the password, on one line."));
    let mut text = String::new();
    input.take(LONGEST_BYTES).read_to_string(&mut text).map_err(|_| failed("cannot be read as UTF-8 text"))?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    match password {
        "" => Err(failed("is empty")),
        several if several.contains(['\n', '\r']) => Err(failed("has more than one line")),
        password => Ok(password.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_from_standard_input_is_its_one_line() {
        let read = |text: &str| from_input(text.as_bytes()).ok();

        assert_eq!(read("six tall ladders\n").as_deref(), Some("six tall ladders"));
        assert_eq!(read(" with spaces \r\n").as_deref(), Some(" with spaces "));
        assert_eq!(read("no line break").as_deref(), Some("no line break"));
        assert_eq!((read(""), read("\n"), read("two\nlines\n")), (None, None, None));
        assert!(from_input([0xff].as_slice()).is_err());
    }
}
