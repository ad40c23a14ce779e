//! References to characters: `&amp;`, `&#38;`, `&#x26;`, and `&copy` as it was written long ago.

use html5ever::data::{C1_REPLACEMENTS, NAMED_ENTITIES};

/// Where a text stands, which decides what is a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Between tags.
    Text,
    /// In the value of an attribute, where addresses with `&copy=1` in them are common.
    Attribute,
    /// Where there are no references.
    Raw,
}

/// The longest name of a reference, without its semicolon.
const MAX_NAME: usize = 31;

/// The longest name that counts without a semicolon.
const MAX_OLD_NAME: usize = 6;

/// Appends a text with its references decoded, line ends as newlines, and a sign for each NUL.
pub(super) fn push_decoded(out: &mut String, text: &str, place: Place) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'&' | b'\r' | 0)) {
        let (before, found) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        let n_bytes = match found.bytes().next() {
            Some(b'&') if place != Place::Raw => match reference(found, place) {
                Some((n_bytes, characters)) => {
                    out.extend(characters.into_iter().flatten());
                    n_bytes
                }
                None => {
                    out.push('&');
                    1
                }
            },
            Some(b'&') => {
                out.push('&');
                1
            }
            Some(b'\r') => {
                out.push('\n');
                if found.starts_with("\r\n") { 2 } else { 1 }
            }
            _ => {
                out.push('\u{fffd}');
                1
            }
        };
        rest = found.get(n_bytes..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// Returns how long the reference is with which the text starts, and what it stands for; nothing if it is none.
pub(super) fn reference(text: &str, place: Place) -> Option<(usize, [Option<char>; 2])> {
    let behind = text.get(1..)?;
    let (n_bytes, characters) = match behind.strip_prefix('#') {
        Some(number) => {
            let (n_bytes, character) = numeric(number)?;
            (n_bytes.saturating_add(1), [Some(character), None])
        }
        None => named(behind, place)?,
    };
    Some((n_bytes.saturating_add(1), characters))
}

fn numeric(text: &str) -> Option<(usize, char)> {
    let (n_prefix, radix) = if text.starts_with(['x', 'X']) { (1, 16) } else { (0, 10) };
    let digits = text.get(n_prefix..)?;
    let n_digits = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    if n_digits == 0 {
        return None;
    }
    let number = digits.get(..n_digits).and_then(|digits| u32::from_str_radix(digits, radix).ok());
    let has_end = digits.as_bytes().get(n_digits) == Some(&b';');
    let n_bytes = n_digits.saturating_add(n_prefix).saturating_add(usize::from(has_end));
    Some((n_bytes, number.map_or(char::REPLACEMENT_CHARACTER, character)))
}

/// Returns the character that a number means, which for some is that of Windows' code page.
fn character(number: u32) -> char {
    let place = number.checked_sub(0x80).and_then(|place| usize::try_from(place).ok());
    let replaced = place.and_then(|place| C1_REPLACEMENTS.get(place).copied().flatten());
    replaced.or_else(|| char::from_u32(number).filter(|c| *c != '\0')).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn named(text: &str, place: Place) -> Option<(usize, [Option<char>; 2])> {
    let is_in_name = |byte: &u8| byte.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    let n_name = bytes.iter().take(MAX_NAME).take_while(|byte| is_in_name(byte)).count();
    if bytes.get(n_name) == Some(&b';')
        && let Some(characters) = text.get(..=n_name).and_then(known)
    {
        return Some((n_name.saturating_add(1), characters));
    }
    for n in (2..=n_name.min(MAX_OLD_NAME)).rev() {
        if let Some(characters) = text.get(..n).and_then(known) {
            let next = bytes.get(n);
            let is_text = place == Place::Attribute && next.is_some_and(|next| *next == b'=' || is_in_name(next));
            return (!is_text).then_some((n, characters));
        }
    }
    None
}

/// Returns what a name stands for. The table has the beginnings of names too, with nothing to stand for.
fn known(name: &str) -> Option<[Option<char>; 2]> {
    let (first, second) = match name {
        // The most common by far.
        "amp;" => return Some([Some('&'), None]),
        "lt;" => return Some([Some('<'), None]),
        "gt;" => return Some([Some('>'), None]),
        "quot;" => return Some([Some('"'), None]),
        "nbsp;" => return Some([Some('\u{a0}'), None]),
        _ => *NAMED_ENTITIES.get(name)?,
    };
    let shown = |number| char::from_u32(number).filter(|c| *c != '\0');
    shown(first).map(|first| [Some(first), shown(second)])
}
