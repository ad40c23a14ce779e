//! What all endpoints share: requests, answers, problems, pages, entity tags, and the OpenAPI file.
//!
//! Start at [`call`] for how a handler sees a request, [`routing`] for how a route is declared, [`envelope`] for what
//! happens around every request.

pub mod accept;
pub mod address;
pub mod call;
pub mod connection;
pub mod cors;
pub mod envelope;
pub mod etag;
pub mod idempotency;
pub mod intake;
pub mod openapi;
pub mod page;
pub mod path;
pub mod problem;
pub mod query;
pub mod reply;
pub mod request_id;
pub mod routing;
pub mod spans;
pub mod system;
pub mod unread;
pub mod view;
