//! Names of elements that are cheap to compare and to keep.

/// The name of an element.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::body::from_html) enum Key {
    /// Up to 16 bytes, as all names of HTML are; filled up with NULs, which stand in no name.
    Short(u128),
    /// More.
    Long(Box<str>),
}

impl Key {
    pub(in crate::body::from_html) const A: Self = Self::short(*b"a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    pub(in crate::body::from_html) const CAPTION: Self = Self::short(*b"caption\0\0\0\0\0\0\0\0\0");
    pub(in crate::body::from_html) const FIGURE: Self = Self::short(*b"figure\0\0\0\0\0\0\0\0\0\0");
    pub(in crate::body::from_html) const P: Self = Self::short(*b"p\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// Of all headings.
    pub(in crate::body::from_html) const HEADING: Self = Self::short(*b"h1\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// Of all cells.
    pub(in crate::body::from_html) const CELL: Self = Self::short(*b"td\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// Of terms and descriptions.
    pub(in crate::body::from_html) const DEFINITION: Self = Self::short(*b"dt\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// Of all parts of tables.
    pub(in crate::body::from_html) const TABLE_PART: Self = Self::short(*b"tbody\0\0\0\0\0\0\0\0\0\0\0");
    pub(in crate::body::from_html) const ROW: Self = Self::short(*b"tr\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

    const fn short(bytes: [u8; 16]) -> Self {
        Self::Short(u128::from_le_bytes(bytes))
    }

    pub(in crate::body::from_html) fn of(name: &str) -> Self {
        let mut bytes = [0; 16];
        match bytes.get_mut(..name.len()) {
            Some(place) => {
                place.copy_from_slice(name.as_bytes());
                Self::short(bytes)
            }
            None => Self::Long(name.into()),
        }
    }
}

impl Default for Key {
    fn default() -> Self {
        Self::Short(0)
    }
}
