//! Sees to it that no text becomes syntax.

/// Where a content stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a block of its own, where lines may be broken.
    Paragraph,
    /// On the one line of a heading.
    Heading,
    /// In a table, where `|` ends the cell.
    Cell,
}

/// What comes before a text on its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing: the text starts a line of a paragraph, where it could be taken for a list or a heading.
    LineStart,
    /// A reference to a footnote, which could be taken for a link's text or a definition.
    Note,
    /// Something else.
    Other,
}

/// Escapes a text.
pub(super) fn escape(text: &str, place: Place, before: Before) -> String {
    let mut out = String::with_capacity(text.len());
    let is_line_start = before == Before::LineStart;
    let mut previous: Option<char> = None;
    // How many digits the line starts with, while it has nothing else.
    let mut n_digits = is_line_start.then_some(0_usize);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let is_first = previous.is_none();
        let is_escaped = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '~' => true,
            '_' => !(is_alphanumeric(previous) && is_alphanumeric(next)),
            '&' => next.is_none_or(|next| next == '#' || next.is_ascii_alphanumeric()),
            '!' => next.is_none(),
            '^' => is_first,
            '(' => is_first && before == Before::Note,
            ':' => is_first && before != Before::Other,
            '#' => place == Place::Heading || (is_first && is_line_start),
            '>' | '=' | '-' | '|' => is_first && is_line_start,
            '+' => is_first && is_line_start && next.is_none_or(|next| next == ' '),
            '.' | ')' => n_digits.is_some_and(|n| n > 0) && next.is_none_or(|next| next == ' '),
            _ => false,
        };
        n_digits = n_digits.filter(|_| c.is_ascii_digit()).map(|n| n.saturating_add(1));
        previous = Some(c);
        if c == '|' && place == Place::Cell || is_unseen(c) {
            push_reference(&mut out, c);
            continue;
        }
        if is_escaped {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Escapes a text inside brackets that has no marks: what a picture shows.
pub(super) fn escape_line(text: &str) -> String {
    escape(text, Place::Paragraph, Before::Other)
}

/// Escapes a title, which stands in quotation marks.
pub(super) fn escape_title(title: &str, place: Place) -> String {
    let mut out = String::with_capacity(title.len());
    let mut chars = title.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '|' if place == Place::Cell => push_reference(&mut out, c),
            '"' | '\\' => out.extend(['\\', c]),
            '&' if chars.peek().is_some_and(|next| *next == '#' || next.is_ascii_alphanumeric()) => out.push_str("\\&"),
            _ if is_unseen(c) => push_reference(&mut out, c),
            _ => out.push(c),
        }
    }
    out
}

/// Escapes the address of a link or a picture.
pub(super) fn escape_url(url: &str, place: Place) -> String {
    let is_plain = url.bytes().all(|byte| !matches!(byte, b'(' | b')' | b'<' | b'>' | b'\\' | b'"' | b'\''));
    let mut out = String::with_capacity(url.len());
    let mut chars = url.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '|' if place == Place::Cell => push_reference(&mut out, c),
            '<' | '>' | '\\' => out.extend(['\\', c]),
            '&' if chars.peek().is_some_and(|next| *next == '#' || next.is_ascii_alphanumeric()) => out.push_str("\\&"),
            _ => out.push(c),
        }
    }
    if is_plain { out } else { format!("<{out}>") }
}

/// Escapes a value of an attribute.
pub(super) fn escape_attribute(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' | '<' | '>' | '"' | '|' | '\u{a0}' => push_reference(&mut out, c),
            _ => out.push(c),
        }
    }
    out
}

/// Returns whether a character looks like a space or like nothing and is treated differently by different tools.
fn is_unseen(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && !c.is_ascii())
}

fn is_alphanumeric(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphanumeric())
}

fn push_reference(out: &mut String, c: char) {
    match c {
        '\u{a0}' => out.push_str("&nbsp;"),
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        _ => out.push_str(&format!("&#{};", u32::from(c))),
    }
}
