//! The address of a request in one spelling, so that equal requests are known for what they are.

use std::{borrow::Cow, sync::Arc};

/// A path and a query. Parameters stand in order; what needs no percent-encoding has none, and the rest has it in capitals
/// (RFC 3986, 6.2.2). What else two spellings may differ in makes two addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(Arc<str>);

impl Address {
    /// Makes the address of a path and a query as they were sent.
    pub fn of(path: &str, query: &str) -> Self {
        Self(spelling(path, query).into())
    }

    /// Returns the address as it is under a policy: another one, which no request can have.
    #[must_use]
    pub fn under(&self, policy: &str) -> Self {
        Self(format!("{policy} {}", self.0).into())
    }

    /// Returns the path.
    pub fn path(&self) -> &str {
        self.0.split_once('?').map_or(&*self.0, |(path, _)| path)
    }

    /// Returns the query, empty when there is none.
    pub fn query(&self) -> &str {
        self.0.split_once('?').map_or("", |(_, query)| query)
    }

    /// Returns all of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Address {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Returns the one spelling of an address, without an allocation when it is in it already.
pub fn spelling<'a>(path: &'a str, query: &'a str) -> Cow<'a, str> {
    if query.is_empty() {
        return plain(path);
    }
    let mut pairs: Vec<Cow<'_, str>> = query.split('&').filter(|pair| !pair.is_empty()).map(plain).collect();
    pairs.sort_unstable_by(|a, b| a.split('=').next().cmp(&b.split('=').next()).then_with(|| a.cmp(b)));
    Cow::Owned(format!("{}?{}", plain(path), pairs.join("&")))
}

/// Takes away the percent-encoding that nothing needs, and puts the rest in capitals.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let coded = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok().map(|byte| (digits, byte)));
        match coded {
            // A sign is not a digit, though the parser of numbers takes it.
            Some((digits, byte)) if !digits.starts_with('+') => {
                match byte {
                    byte if is_plain(byte) => plain.push(char::from(byte)),
                    _ => plain.extend(['%'].into_iter().chain(digits.chars().map(|c| c.to_ascii_uppercase()))),
                }
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                plain.push('%');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Returns whether a character means the same with percent-encoding and without: the unreserved ones, and the comma, which
/// sets apart the items of a parameter either way.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_requests_have_one_address() {
        let address = Address::of("/v1/articles", "tag=b&limit=6&tag=a&exclude=x");
        assert_eq!(address.as_str(), "/v1/articles?exclude=x&limit=6&tag=a&tag=b");
        assert_eq!((address.path(), address.query()), ("/v1/articles", "exclude=x&limit=6&tag=a&tag=b"));
        assert_eq!(
            Address::of("/v1/articles", "&limit=6&&exclude=x"),
            Address::of("/v1/articles", "exclude=x&limit=6")
        );
        assert_eq!(
            Address::of("/v1/tags/%d9%BEfoo", ""),
            Address::of("/v1/tags/%D9%beFoo".replace('F', "f").as_str(), "")
        );
        assert_eq!(
            Address::of("/v1/articles/h%61rbor", "fields=title%2Cid&limit=%38"),
            Address::of("/v1/articles/harbor", "limit=8&fields=title,id")
        );
        for as_it_is in ["%", "%4", "a%zz", "a%+1b", "%é", "a%26b", "a%2Fb", "a%2Bb", "a%25b"] {
            assert_eq!(Address::of("/v1/tags", as_it_is).query(), as_it_is);
        }
        assert_ne!(Address::of("/v1/tags", "a=1"), Address::of("/v1/tags", "a=2"));
        assert!(matches!(spelling("/v1/articles/x", ""), Cow::Borrowed(_)));
    }
}
