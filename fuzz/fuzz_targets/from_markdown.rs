//! Reads any text as Markdown, and holds what comes out against the laws.
#![no_main]

use frontpage::body::{Body, NoLinks};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|markdown: &str| {
    let Ok(once) = Body::from_markdown(markdown) else { return };
    let once = once.body;

    let written = once.to_markdown(&NoLinks);
    let twice = Body::from_markdown(&written).expect("it is no longer").body;
    assert_eq!(twice, once, "read from {written:?}");
    assert_eq!(twice.to_markdown(&NoLinks), written);

    let html = once.to_html(&NoLinks);
    assert_eq!(Body::from_html(&html).body, once, "read from {html:?}");
});
