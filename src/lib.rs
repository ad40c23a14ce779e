//! Frontpage: a newsroom's content API.
//!
//! One binary that holds articles, sections, staff profiles and tags, lets editors work on them behind roles, and serves
//! them as JSON. The map, from the bottom up; a module imports only from those above it in this list, but for what the
//! note says:
//!
//! - [`error`], [`ids`], [`clock`]: the vocabulary.
//! - [`db`]: connections, transactions, schema, migrations. The only place that knows which database it is.
//! - [`input`], [`mod@reference`]: reading what clients send; all faults at once.
//! - [`body`]: an article's body as typed blocks, from and to HTML, Markdown and text. No HTTP, no SQL, no I/O.
//! - [`policy`]: what a reader may see of what is published.
//! - [`config`], [`secrets`], [`state`], [`telemetry`], [`metrics`], [`traces`]: settings, the key that nodes share, what
//!   requests can reach, what the server says about itself.
//! - [`audit`]: who did what, when and from where, so that nobody can alter it unseen.
//! - [`slugs`], [`revisions`], [`changes`]: who owns which slug, what was there before, what readers can see anew.
//! - [`http`], [`delivery`]: what all endpoints share, and how live answers leave.
//! - [`auth`], [`users`]: who is calling and what they may do.
//! - [`api_keys`]: partners, what they may see, how much and how often they read.
//! - [`sections`], [`staff`], [`tags`], [`articles`]: the newsroom; each has `model`, `store` and `routes`.
//! - [`feeds`]: the live articles in the formats of aggregators, search engines and partners.
//! - [`newswire`]: what readers can see anew, for those who keep a copy.
//! - [`invalidation`]: drops finished answers when what they show has changed.
//! - [`purge`]: tells a cache in front the same.
//! - [`outgoing`]: requests to addresses that others chose.
//! - [`webhooks`]: who is told of changes, signed and at least once.
//! - [`demo`]: an invented newsroom.
//! - [`app`], [`server`], [`cli`]: all of it put together.
//!
//! A request goes straight down: route, handler (typed input, right), store (one transaction), rows; and straight up:
//! rows, view, bytes. ARCHITECTURE.md tells the same at more length, with the invariants and the tests that hold them.

pub mod api_keys;
pub mod app;
pub mod articles;
pub mod audit;
pub mod auth;
pub mod body;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod delivery;
pub mod demo;
pub mod error;
pub mod feeds;
pub mod http;
pub mod ids;
pub mod input;
pub mod invalidation;
pub mod metrics;
pub mod newswire;
pub mod outgoing;
pub mod policy;
pub mod purge;
pub mod readiness;
pub mod reference;
pub mod resources;
pub mod revisions;
pub mod secrets;
pub mod sections;
pub mod server;
pub mod slugs;
pub mod staff;
pub mod state;
pub mod tags;
pub mod telemetry;
pub mod traces;
pub mod users;
pub mod webhooks;
