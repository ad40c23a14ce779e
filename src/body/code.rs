//! The normal form of text whose white space counts.

use crate::body::flow::{is_blank, is_unwanted};

/// Brings text whose white space counts into normal form: newlines are `\n`, no empty lines at the start, no white space at
/// the end, nothing that cannot be shown. Nothing if there is nothing to see in it.
pub(super) fn normal_code(text: &str) -> Option<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let shown: String = text.chars().filter(|c| matches!(c, '\t' | '\n') || !is_unwanted(*c)).collect();
    if is_blank(&shown) {
        return None;
    }
    let shown = shown.trim_end();
    let mut start = 0_usize;
    for line in shown.split_inclusive('\n') {
        if !is_blank(line) {
            break;
        }
        start = start.saturating_add(line.len());
    }
    shown.get(start..).map(str::to_owned)
}

/// Brings the name of a programming language into lower case, if it is one.
pub(super) fn normal_language(text: &str) -> Option<String> {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'.' | b'#' | b'-');
    let is_name = !text.is_empty() && text.len() <= 40 && text.bytes().all(is_fine);
    is_name.then(|| text.to_ascii_lowercase())
}
