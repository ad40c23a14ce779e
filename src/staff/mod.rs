//! Staff profiles: the people and organizations in bylines, with what they want the public to know.
//!
//! A profile is not a login, and nothing of a user account shows here. It has no drafts: what an editor saves is what
//! readers see. Start at [`model`] for the shapes, [`store`] for the rules.

pub mod model;
pub mod routes;
pub mod store;
