//! Any HTML becomes a body of which the laws hold, and is read the same way again.
#![no_main]

#[path = "../../src/body/tests/harmless.rs"]
mod harmless;
mod laws;
#[path = "../../src/body/tests/tree.rs"]
mod tree;

use frontpage::{body, input};
use libfuzzer_sys::fuzz_target;

use crate::body::{Body, NoLinks};

fuzz_target!(|html: &str| {
    let read = Body::from_html(html);
    laws::assert_laws(&read.body);
    assert!(read.warnings.len() <= 101, "warnings are bounded");
    assert_eq!(Body::from_html(&read.body.to_html(&NoLinks)).body, read.body, "ids follow from the text");
});
