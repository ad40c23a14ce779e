//! Sections: the tree by which a site is ordered, such as "World" with "Asia" below it.
//!
//! A section has no drafts: what an editor saves is what readers see. Start at [`model`] for the shapes, [`store`] for
//! the rules.

pub mod model;
pub mod paths;
pub mod routes;
pub mod store;
