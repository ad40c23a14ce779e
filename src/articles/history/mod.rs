//! The past of an article for those who work on it: its revisions listed, read, compared and taken up again.
//!
//! [`view`] has the shapes, [`routes`] the endpoints; the rows are read by [`working`](super::working), the bodies compared
//! by [`body`](crate::body). What readers saw at a time is [`as_of`](super::as_of).

pub mod routes;
pub mod view;
