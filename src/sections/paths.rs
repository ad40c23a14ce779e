//! Where sections stand in the tree: paths, and the names along them.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::{
    clock::Instant,
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

/// The names of some sections, by their paths.
#[derive(Debug, Default)]
pub struct Names {
    by_path: HashMap<String, String>,
    /// When any of these sections last changed.
    pub changed_at: Option<Instant>,
}

impl Names {
    /// Returns the name of the section of a path.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.by_path.get(path).map(String::as_str)
    }
}

/// Returns the names of the sections above some, in one statement; in none, when all are at the top.
///
/// # Errors
/// When the database fails.
pub fn names_along<'p>(conn: &mut Conn, paths: impl Iterator<Item = &'p str>) -> Result<Names> {
    let mut paths: Vec<&str> = paths.flat_map(above).collect();
    paths.sort_unstable();
    paths.dedup();
    if paths.is_empty() {
        return Ok(Names::default());
    }
    let named = sections::table.filter(one_of(sections::path, paths.iter().copied()));
    let columns = (sections::path, sections::name, sections::updated_at);
    let rows: Vec<(String, String, Instant)> = direct!(conn, |own| named.select(columns).load(own))?;
    let changed_at = rows.iter().map(|(_, _, changed_at)| *changed_at).max();
    Ok(Names { by_path: rows.into_iter().map(|(path, name, _)| (path, name)).collect(), changed_at })
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
