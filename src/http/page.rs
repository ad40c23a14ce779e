//! Lists: a limit, an opaque cursor that cannot be forged or used elsewhere, and the links to the next and previous page.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::address::Address;
use crate::{
    error::{Code, Error, Result},
    input::Invalid,
    secrets::InstanceKey,
};

/// How many items a page has: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    /// Reads a limit.
    ///
    /// # Errors
    /// When it is not a whole number from 1 to 100.
    pub fn parse(text: &str) -> std::result::Result<Self, Invalid> {
        let is_plain = !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|number| is_plain && (1..=100).contains(number));
        number.map(Self).ok_or_else(|| Invalid::new("out_of_range", "must be a whole number from 1 to 100"))
    }

    /// Makes a limit, brought within 1 to 100.
    pub fn of(number: u8) -> Self {
        Self(number.clamp(1, 100))
    }

    /// Returns the greatest limit.
    pub const fn most() -> Self {
        Self(100)
    }

    /// Returns the number of items.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// Returns one more than the number of items, to see whether there is another page.
    pub fn and_one(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

crate::input::parsed!(Limit);

/// Which way a cursor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To what comes after the item.
    Forward,
    /// To what comes before the item.
    Backward,
}

/// A place in a list: next to an item that is named by what the list is sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which way to go from the item.
    pub direction: Direction,
    /// The sort key of the item.
    pub keys: Vec<String>,
}

/// The length of a cursor's seal, in bytes.
const SEAL: usize = 16;

impl Cursor {
    /// Writes the cursor for a list; `binding` says which list, with which filters and sort.
    pub fn seal(&self, key: &InstanceKey, binding: &str) -> String {
        let mut bytes = vec![match self.direction {
            Direction::Forward => b'f',
            Direction::Backward => b'b',
        }];
        bytes.extend_from_slice(self.keys.join("\u{1f}").as_bytes());
        let seal = key.sign(&[b"cursor", binding.as_bytes(), &bytes]);
        bytes.extend_from_slice(seal.get(..SEAL).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that this installation wrote for the same list.
    ///
    /// # Errors
    /// `invalid_cursor` for anything else.
    pub fn open(text: &str, key: &InstanceKey, binding: &str) -> Result<Self> {
        Self::open_unsealed(text, key, binding).ok_or_else(|| {
            Error::new(Code::InvalidCursor, "The cursor is not from this list with these filters and this sort.")
        })
    }

    fn open_unsealed(text: &str, key: &InstanceKey, binding: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (payload, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
        let expected = key.sign(&[b"cursor", binding.as_bytes(), payload]);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.get(..SEAL)?, seal).ok()?;
        let (direction, keys) = payload.split_first()?;
        let direction = match direction {
            b'f' => Direction::Forward,
            b'b' => Direction::Backward,
            _ => return None,
        };
        let keys = std::str::from_utf8(keys).ok()?.split('\u{1f}').map(str::to_owned).collect();
        Some(Self { direction, keys })
    }
}

/// Where a page stands in its list.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct PageInfo {
    /// The most items that the page can have.
    #[schema(minimum = 1, maximum = 100, example = 20)]
    pub limit: usize,
    /// The cursor of the next page, or null on the last.
    #[schema(required = true, example = "ZjE3NjM4OTA0MDAwMDAfMDE5M2YwYTI")]
    pub next: Option<String>,
    /// The cursor of the previous page, or null on the first.
    #[schema(required = true)]
    pub prev: Option<String>,
}

/// A page of rows in the order of the list.
pub struct Slice<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are rows before the first.
    pub has_prev: bool,
    /// Whether there are rows after the last.
    pub has_next: bool,
}

/// Makes a page of rows that were read with one more than the limit, in the direction of the cursor.
pub fn slice<T>(mut rows: Vec<T>, limit: Limit, cursor: Option<&Cursor>) -> Slice<T> {
    let has_more = rows.len() > limit.get();
    rows.truncate(limit.get());
    match cursor.map(|cursor| cursor.direction) {
        None => Slice { rows, has_prev: false, has_next: has_more },
        Some(Direction::Forward) => Slice { rows, has_prev: true, has_next: has_more },
        Some(Direction::Backward) => {
            rows.reverse();
            Slice { rows, has_prev: has_more, has_next: true }
        }
    }
}

impl<T> Slice<T> {
    /// Describes the page; `keys` returns a row's sort key.
    pub fn info(&self, limit: Limit, key: &InstanceKey, binding: &str, keys: impl Fn(&T) -> Vec<String>) -> PageInfo {
        self.info_by(limit, |cursor: Cursor| cursor.seal(key, binding), keys)
    }

    /// Describes the page; `seal` writes a cursor, `keys` returns a row's sort key.
    pub fn info_by(&self, limit: Limit, seal: impl Fn(Cursor) -> String, keys: impl Fn(&T) -> Vec<String>) -> PageInfo {
        let cursor = |row: Option<&T>, direction| row.map(|row| seal(Cursor { direction, keys: keys(row) }));
        PageInfo {
            limit: limit.get(),
            next: self.has_next.then(|| cursor(self.rows.last(), Direction::Forward)).flatten(),
            prev: self.has_prev.then(|| cursor(self.rows.first(), Direction::Backward)).flatten(),
        }
    }
}

/// Writes the `Link` header of a page (RFC 8288) for the address that was asked.
pub fn links(address: &Address, info: &PageInfo) -> Option<String> {
    let (path, query) = (address.path(), address.query());
    let others: Vec<&str> =
        query.split('&').filter(|pair| !pair.is_empty() && *pair != "cursor" && !pair.starts_with("cursor=")).collect();
    let link = |cursor: &String, rel: &str| {
        let mut pairs = others.clone();
        let own = format!("cursor={cursor}");
        pairs.push(&own);
        format!("<{path}?{}>; rel=\"{rel}\"", pairs.join("&").replace(['<', '>', '"'], ""))
    };
    let links: Vec<String> = [(&info.next, "next"), (&info.prev, "prev")]
        .iter()
        .filter_map(|(cursor, rel)| cursor.as_ref().map(|cursor| link(cursor, rel)))
        .collect();
    (!links.is_empty()).then(|| links.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_where_it_was_made_and_only_unaltered() {
        let key = InstanceKey::from_bytes([7; 32]);
        let cursor = Cursor { direction: Direction::Backward, keys: vec!["1763890400000".into(), "x".into()] };
        let text = cursor.seal(&key, "articles|section=world");

        assert_eq!(Cursor::open(&text, &key, "articles|section=world").unwrap(), cursor);
        assert!(Cursor::open(&text, &key, "articles|section=asia").is_err());
        assert!(Cursor::open(&text, &InstanceKey::from_bytes([8; 32]), "articles|section=world").is_err());
        for index in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            assert!(Cursor::open(&String::from_utf8(altered).unwrap(), &key, "articles|section=world").is_err());
        }
        for junk in ["", "A", "====", "ZjE3"] {
            assert!(Cursor::open(junk, &key, "articles|section=world").is_err());
        }
    }
}
