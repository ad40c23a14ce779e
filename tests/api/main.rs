//! The integration tests: the real server on a real port, on both databases, every answer checked against the OpenAPI file.

#![allow(missing_docs, reason = "tests document themselves by their names")]

mod support;

mod smoke;
