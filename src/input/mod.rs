//! Reading what clients send: strict JSON, all faults at once, small parsed types instead of strings.
//!
//! Knows nothing of HTTP or of the database. Start at [`Faults`] and [`parsed!`](parsed).

mod faults;
pub mod merge;
mod slug;
pub mod strict_json;
mod text;

pub(crate) use self::faults::parsed;
pub use self::{
    faults::{Faults, Invalid, read},
    slug::Slug,
    text::{Email, Language, Line, Link, Phone, Prose, WebUrl},
};
