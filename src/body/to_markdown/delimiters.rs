//! Decides which marks are written with `*`, `**`, `_` and `~~`, and which as HTML.
//!
//! Whether such a delimiter counts depends on the characters on its sides, and readers of Markdown differ in which
//! characters they take for punctuation. Delimiters are used only where all agree; HTML always works.

use crate::body::inline::Mark;

/// A piece of a content on its way to Markdown.
#[derive(Debug)]
pub(super) enum Token {
    /// Text with its first and last character before it was escaped.
    Text { markdown: String, first: char, last: char },
    /// Syntax that is not decided on here.
    Syntax(String),
    /// The start of a pair.
    Open(usize),
    /// The end of a pair.
    Close(usize),
}

/// Bold, italic or struck text from one token to another.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) mark: Mark,
    /// The places of its tokens.
    pub(super) open: usize,
    pub(super) close: usize,
    /// What it is written with. HTML while it is empty.
    delimiter: &'static str,
}

impl Pair {
    pub(super) fn new(mark: Mark, open: usize) -> Self {
        Self { mark, open, close: open, delimiter: "" }
    }
}

/// Returns the tokens as Markdown.
pub(super) fn write(tokens: &[Token], mut pairs: Vec<Pair>) -> String {
    for n in 0..pairs.len() {
        let delimiter = pairs.get(n).and_then(|pair| choose(tokens, &pairs, pair));
        if let (Some(pair), Some(delimiter)) = (pairs.get_mut(n), delimiter) {
            pair.delimiter = delimiter;
        }
    }
    let mut out = String::new();
    for token in tokens {
        match token {
            Token::Text { markdown, .. } => out.push_str(markdown),
            Token::Syntax(syntax) => out.push_str(syntax),
            Token::Open(n) => push(&mut out, pairs.get(*n), "<"),
            Token::Close(n) => push(&mut out, pairs.get(*n), "</"),
        }
    }
    out
}

fn push(out: &mut String, pair: Option<&Pair>, open: &str) {
    let Some(pair) = pair else { return };
    if !pair.delimiter.is_empty() {
        return out.push_str(pair.delimiter);
    }
    out.push_str(open);
    out.push_str(match pair.mark {
        Mark::Bold => "strong",
        Mark::Italic => "em",
        _ => "s",
    });
    out.push('>');
}

/// Returns the delimiter for a pair, if one may be used.
fn choose(tokens: &[Token], pairs: &[Pair], pair: &Pair) -> Option<&'static str> {
    let candidates: &[&'static str] = match pair.mark {
        Mark::Bold => &["**"],
        Mark::Italic => &["*", "_"],
        _ => &["~~"],
    };
    let before = |at: usize| at.checked_sub(1).and_then(|at| tokens.get(at));
    let after = |at: usize| tokens.get(at.saturating_add(1));
    let neighbors = [before(pair.open), after(pair.open), before(pair.close), after(pair.close)];
    // Delimiters of the same kind side by side would be one.
    let is_beside = |delimiter: &str| {
        neighbors.iter().flatten().any(|token| match token {
            Token::Open(n) | Token::Close(n) => {
                pairs.get(*n).is_some_and(|other| other.delimiter.chars().next() == delimiter.chars().next())
            }
            Token::Text { .. } | Token::Syntax(_) => false,
        })
    };
    let [before_open, after_open, before_close, after_close] = neighbors;
    candidates.iter().copied().find(|delimiter| {
        !is_beside(delimiter)
            && counts(delimiter, end(before_open), start(after_open))
            && counts(delimiter, start(after_close), end(before_close))
    })
}

/// What a delimiter has on one side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Space,
    /// A letter or digit.
    Word,
    /// Punctuation for everybody.
    Punctuation,
    /// Punctuation for some.
    Other,
}

/// Returns whether a delimiter counts with that on its outer side and its inner side.
fn counts(delimiter: &str, outer: Side, inner: Side) -> bool {
    let is_free = matches!(outer, Side::Space | Side::Punctuation);
    inner != Side::Space && (is_free || (delimiter.starts_with('*') && inner == Side::Word))
}

fn start(token: Option<&Token>) -> Side {
    match token {
        None => Side::Space,
        Some(Token::Text { first, .. }) if first.is_whitespace() => Side::Space,
        Some(Token::Text { markdown, .. }) => side(markdown.chars().next()),
        Some(Token::Syntax(syntax)) => side(syntax.chars().next()),
        Some(Token::Open(_) | Token::Close(_)) => Side::Punctuation,
    }
}

fn end(token: Option<&Token>) -> Side {
    match token {
        None => Side::Space,
        Some(Token::Text { last, .. }) if last.is_whitespace() => Side::Space,
        Some(Token::Text { markdown, .. }) => side(markdown.chars().next_back()),
        Some(Token::Syntax(syntax)) => side(syntax.chars().next_back()),
        Some(Token::Open(_) | Token::Close(_)) => Side::Punctuation,
    }
}

fn side(c: Option<char>) -> Side {
    match c {
        None => Side::Space,
        Some(c) if c.is_whitespace() => Side::Space,
        Some(c) if c.is_ascii_punctuation() => Side::Punctuation,
        // Letters in circles and squares are symbols, and with that punctuation for some.
        Some('\u{24b6}'..='\u{24e9}' | '\u{1f130}'..='\u{1f189}') => Side::Other,
        Some(c) if c.is_alphanumeric() => Side::Word,
        Some(_) => Side::Other,
    }
}
