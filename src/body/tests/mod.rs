//! Tests of the body as a whole.
