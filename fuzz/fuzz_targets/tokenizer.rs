//! Takes any HTML apart as html5ever does.
#![no_main]

use frontpage::body::tokenizer::assert_agreement;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|html: &str| assert_agreement(html));
