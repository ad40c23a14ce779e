//! Tags: what articles are about.
//!
//! A tag shows to readers only while an article that they can see carries it, so that a tag made for a draft does not
//! give the draft away. It has no drafts: what an editor saves is what readers see. Start at [`model`] for the shapes,
//! [`store`] for the rules, [`merge`] for how duplicates go.

pub mod merge;
pub mod model;
pub mod routes;
pub mod store;
