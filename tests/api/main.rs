//! The integration tests: the real server on a real port, on both databases, every answer checked against the OpenAPI file.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    reason = "a test that panics says what it found; names document the rest"
)]

mod support;

mod api_keys;
mod articles;
mod audit;
mod auth;
mod authz;
mod changes;
mod commands;
mod concurrency;
mod delivery;
mod endurance;
mod faults;
mod feeds;
mod idempotency;
mod input;
mod leaks;
mod listing;
mod lists;
mod metrics;
mod migrations;
mod newswire;
mod openapi;
mod outage;
mod overload;
mod problems;
mod protocol;
mod purging;
mod reading;
mod readme;
mod replicas;
mod sections;
mod separation;
mod slow;
mod smoke;
mod staff;
mod statements;
mod stopping;
mod tags;
mod tidy;
mod timezones;
mod tokens;
mod traces;
mod users;
mod webhooks;
