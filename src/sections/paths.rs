//! Where sections stand in the tree: paths, and the names along them.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::{
    db::{
        Conn,
        direct::{direct, one_of},
        schema::sections,
    },
    error::Result,
};

/// Returns the paths of the sections above one, from the top down.
pub fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(at, _)| path.get(..at))
}

/// Returns the names of the sections above some, by their paths, in one statement; in none, when all are at the top.
///
/// # Errors
/// When the database fails.
pub fn names_along<'p>(conn: &mut Conn, paths: impl Iterator<Item = &'p str>) -> Result<HashMap<String, String>> {
    let mut paths: Vec<&str> = paths.flat_map(above).collect();
    paths.sort_unstable();
    paths.dedup();
    if paths.is_empty() {
        return Ok(HashMap::new());
    }
    let named = sections::table.filter(one_of(sections::path, paths.iter().copied()));
    let names: Vec<(String, String)> = direct!(conn, |own| named.select((sections::path, sections::name)).load(own))?;
    Ok(names.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_a_section_is_along_its_path() {
        assert_eq!(above("world/asia/iran").collect::<Vec<_>>(), ["world", "world/asia"]);
        assert_eq!(above("world").count(), 0);
    }
}
