//! Any JSON is refused or becomes a body of which the laws hold.
#![no_main]

#[path = "../../src/body/tests/harmless.rs"]
mod harmless;
mod laws;
#[path = "../../src/body/tests/tree.rs"]
mod tree;

use frontpage::{body, input};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    if let Ok(value) = serde_json::from_slice(json)
        && let Some(body) = laws::from_client(value)
    {
        laws::assert_laws(&body);
    }
});
