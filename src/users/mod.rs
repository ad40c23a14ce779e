//! User accounts: who may log in, and in which role.
//!
//! An account is not a staff profile: nothing of it is public, but it may be linked to one. Passwords are written here
//! and checked in [`crate::auth`]; no view has anything of them. Start at [`model`] for the shapes, [`store`] for the
//! rules, [`admin`] for what the command line does.

pub mod admin;
pub mod model;
pub mod routes;
pub mod store;
