//! Webhooks: addresses that are told of what readers see anew, by requests that are signed after the Standard Webhooks
//! specification, at least once, and in order for each article.
//!
//! [`enqueue`] follows the change log and notes what is to be told to whom, in one transaction with how far it has
//! come. [`deliver`] sends what is due: several servers share the work by leases, and no endpoint can take the places
//! of the others. [`queue`] has what is noted, [`claims`] how it is claimed and ended. What is told refers to an
//! article and does not carry it. [`store`] and [`routes`] are for those who manage webhooks; every request goes
//! through [`outgoing`](crate::outgoing).

pub mod claims;
pub mod deliver;
pub mod enqueue;
pub mod model;
pub mod queue;
pub mod routes;
pub mod schedule;
pub mod sign;
pub mod store;
