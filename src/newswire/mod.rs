//! The newswire: what readers can see anew, for those who keep a copy: partners, apps, search engines.
//!
//! It is the change log in the words of the outside. [`read`] reads it from a place, [`entry`] decides what a reader is
//! told of each change, [`routes`] has the poll, [`stream`] those who stay, [`snapshot`] the start from which the changes go
//! on. One cursor fits all of them: it is a place in the log. An entry says what happened; what it carries of an article
//! is what readers see now. So whoever applies entries from a snapshot's cursor on, in order, comes to have what readers
//! see, however often they stop and go on.

pub mod entry;
pub mod read;
pub mod routes;
pub mod snapshot;
pub mod stream;
