//! Keeps quotes, lists and footnotes from being nested so deep that pulldown-cmark takes quadratic time.
//!
//! It walks through the open containers for many a line, and each needs a byte at the line's start to stay open or to be
//! opened. So it is enough to look at how lines start: a marker too many becomes text, white space too much is cut.

use std::borrow::Cow;

/// The most markers of quotes, items and footnotes at the start of a line.
const MAX_MARKERS: usize = 32;

/// The most columns of white space among them; in code too, where nobody indents that far.
const MAX_COLUMNS: usize = 256;

/// The longest name of a footnote that pulldown-cmark reads, in bytes.
const MAX_NAME: usize = 4000;

/// Returns the text with a backslash before the first marker too many of each line, and without white space too much.
pub(in crate::body) fn limit(markdown: &str) -> Cow<'_, str> {
    let mut out = String::new();
    // Up to where the text is in `out`.
    let mut copied = 0_usize;
    let mut at = 0_usize;
    for line in markdown.split_inclusive(['\n', '\r']) {
        if let Some((kept, next, insert)) = surplus(line) {
            out.push_str(markdown.get(copied..at.saturating_add(kept)).unwrap_or_default());
            out.push_str(insert);
            copied = at.saturating_add(next);
        }
        at = at.saturating_add(line.len());
    }
    if copied == 0 {
        return Cow::Borrowed(markdown);
    }
    out.push_str(markdown.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// Returns for a line that starts with too much: how many bytes to keep, where to go on, and what to put in between.
fn surplus(line: &str) -> Option<(usize, usize, &'static str)> {
    if is_rule(line) {
        return None;
    }
    let bytes = line.as_bytes();
    let (mut at, mut n_markers, mut n_columns) = (0_usize, 0_usize, 0_usize);
    loop {
        let rest = bytes.get(at..)?;
        let step = match rest.first()? {
            b' ' => 1,
            b'\t' => 4,
            _ => 0,
        };
        if step > 0 {
            n_columns = n_columns.saturating_add(step);
            if n_columns > MAX_COLUMNS {
                let n_more = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                let next = at.saturating_add(n_more);
                // A marker that follows would not be counted.
                return Some((at, next, if marker(bytes.get(next..)?).is_some() { "\\" } else { "" }));
            }
            at = at.saturating_add(1);
            continue;
        }
        let n_marker = marker(rest)?;
        n_markers = n_markers.saturating_add(1);
        if n_markers > MAX_MARKERS {
            let n_digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let place = at.saturating_add(n_digits);
            return Some((place, place, "\\"));
        }
        at = at.saturating_add(n_marker);
    }
}

/// Returns how long the marker is with which the bytes start, if they do.
fn marker(bytes: &[u8]) -> Option<usize> {
    let is_followed = |n: usize| bytes.get(n).is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    match bytes.first()? {
        b'>' => Some(1),
        b'-' | b'+' | b'*' => is_followed(1).then_some(1),
        b'0'..=b'9' => {
            let n_digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let is_item = n_digits <= 9 && matches!(bytes.get(n_digits), Some(b'.' | b')'));
            let n = n_digits.saturating_add(1);
            (is_item && is_followed(n)).then_some(n)
        }
        b'[' if bytes.get(1) == Some(&b'^') => {
            let name = bytes.get(2..)?;
            let n_name = name.iter().take(MAX_NAME).position(|byte| *byte == b']')?;
            (name.get(n_name.saturating_add(1)) == Some(&b':')).then(|| n_name.saturating_add(4))
        }
        _ => None,
    }
}

/// Returns whether a line is a divider of whatever length.
fn is_rule(line: &str) -> bool {
    let mut marks = line.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let first = marks.next();
    matches!(first, Some(b'-' | b'*')) && marks.all(|byte| Some(byte) == first)
}
