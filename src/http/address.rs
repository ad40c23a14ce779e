//! The address of a request in one spelling, so that equal requests are known for what they are.

use std::{borrow::Cow, sync::Arc};

/// A path and a query. Parameters stand in the order of their names, those with the same name as they were given;
/// percent-encoding is in capitals. What else two spellings may differ in makes two addresses.
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
        return capitals(path);
    }
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_by_key(|pair| pair.split('=').next());
    Cow::Owned(format!("{}?{}", capitals(path), capitals(&pairs.join("&"))))
}

/// Puts percent-encoding in capitals.
fn capitals(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut hex_left = 0;
    Cow::Owned(
        text.chars()
            .map(|c| match (c, hex_left) {
                ('%', _) => {
                    hex_left = 2;
                    c
                }
                (_, 0) => c,
                _ => {
                    hex_left -= 1;
                    c.to_ascii_uppercase()
                }
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_requests_have_one_address() {
        let address = Address::of("/v1/articles", "tag=b&limit=6&tag=a&exclude=x");
        assert_eq!(address.as_str(), "/v1/articles?exclude=x&limit=6&tag=b&tag=a");
        assert_eq!((address.path(), address.query()), ("/v1/articles", "exclude=x&limit=6&tag=b&tag=a"));
        assert_eq!(
            Address::of("/v1/articles", "&limit=6&&exclude=x"),
            Address::of("/v1/articles", "exclude=x&limit=6")
        );
        assert_eq!(
            Address::of("/v1/tags/%d9%BEfoo", ""),
            Address::of("/v1/tags/%D9%beFoo".replace('F', "f").as_str(), "")
        );
        assert_ne!(Address::of("/v1/tags", "a=1"), Address::of("/v1/tags", "a=2"));
        assert!(matches!(spelling("/v1/articles/x", ""), Cow::Borrowed(_)));
    }
}
