//! How long bodies take to read and to write: `cargo bench --bench body`.
//!
//! One benchmark per direction, over one megabyte of an article with all that editors use; and one per kind of input that
//! is known to be hard, to show that the time is linear. Tests do not measure time; this does.

#![allow(missing_docs, reason = "criterion's macros make a public function")]
#![allow(clippy::expect_used, reason = "a benchmark that cannot be prepared is to stop")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use frontpage::body::{Body, NoLinks};

const MEGABYTE: usize = 1 << 20;

/// An article in Markdown, without HTML in it: what most of it is.
const MARKDOWN: &str = "## A heading\n\nThe talks *resumed* on [Monday](https://example.org/a) with **no** result; officials \
    said that nothing had been decided, and that nothing would be before the winter.[^a]\n\n- one\n- two\n  - three\n\n\
    ![Two people](/i.jpg \"The delegates.\")\n\n> A quotation\n\n| a | b |\n|---|---|\n| c | d |\n\n[^a]: So they said.\n\n";

const ARTICLE: &str = "<h2>A heading</h2>\n<p>The talks <em>resumed</em> on <a href=\"https://example.org/a\">Monday</a> \
    with <strong>no</strong> result; officials said that nothing had been decided, and that nothing would be before the \
    winter.</p>\n<ul><li>one</li><li>two<ul><li>three</li></ul></li></ul>\n<figure><img src=\"/i.jpg\" alt=\"Two people\">\
    <figcaption>The delegates. <small>A. Photographer</small></figcaption></figure>\n<blockquote><p>A quotation</p>\
    </blockquote>\n<table><tr><th>a</th><th>b</th></tr><tr><td>c</td><td>d</td></tr></table>\n";

fn repeated(piece: &str) -> String {
    piece.repeat(MEGABYTE / piece.len())
}

fn directions(criterion: &mut Criterion) {
    let html = repeated(ARTICLE);
    let body = Body::from_html(&html).body;
    let json = serde_json::to_string(&body).expect("a body is JSON");
    let mut group = criterion.benchmark_group("body");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(u64::try_from(html.len()).expect("a megabyte is not much")));
    group.bench_function("html_in", |bencher| bencher.iter(|| Body::from_html(black_box(&html))));
    group.bench_function("html_out", |bencher| bencher.iter(|| black_box(&body).to_html(&NoLinks)));
    group.bench_function("text_out", |bencher| bencher.iter(|| black_box(&body).to_text()));
    group.bench_function("markdown_out", |bencher| bencher.iter(|| black_box(&body).to_markdown(&NoLinks)));
    let markdown = body.to_markdown(&NoLinks);
    group.throughput(Throughput::Bytes(u64::try_from(markdown.len()).expect("a megabyte is not much")));
    group.bench_function("markdown_in", |bencher| bencher.iter(|| Body::from_markdown(black_box(&markdown))));
    let plain = repeated(MARKDOWN);
    group.throughput(Throughput::Bytes(u64::try_from(plain.len()).expect("a megabyte is not much")));
    group.bench_function("plain_markdown_in", |bencher| bencher.iter(|| Body::from_markdown(black_box(&plain))));
    group.throughput(Throughput::Bytes(u64::try_from(json.len()).expect("some megabytes are not much")));
    group.bench_function("json_in", |bencher| bencher.iter(|| from_client(black_box(&json))));
    group.bench_function("json_out", |bencher| bencher.iter(|| serde_json::to_string(black_box(&body))));
    group.finish();
}

/// Reads a body as clients send it: not as stored, but checked.
fn from_client(json: &str) -> Body {
    let value: serde_json::Value = serde_json::from_str(json).expect("it was written as JSON");
    deserr::deserialize::<Body, _, deserr::errors::JsonError>(value).expect("what was written can be read")
}

/// Pieces of which a megabyte is hard.
const HARD_HTML: &[&str] = &[
    "<p>a",
    "<div>",
    "<b>",
    "<a href=/x>x</a>",
    "<ul><li>",
    "<table><tr><td>",
    "<td>a",
    "[caption ",
    "<",
    "&amp;",
    "<svg>",
];

const HARD_MARKDOWN: &[&str] = &[
    "> ",
    "> a\n\n",
    "- a\n",
    "1. a\n",
    "a\n\n",
    "# a\n",
    "[",
    "[a](/b) ",
    "![a](/b)\n\n",
    "**a** ",
    "*a **a ",
    "~~a~~ ",
    "`a` ",
    "a|b\n-|-\n",
    "[^a]: b\n",
    "[^a] ",
    "&amp;",
    "<b>a</b> ",
];

fn hard_input(criterion: &mut Criterion) {
    hard(criterion, "hard_html_in", HARD_HTML, |html| Body::from_html(html).body);
    hard(criterion, "hard_markdown_in", HARD_MARKDOWN, |markdown| {
        Body::from_markdown(markdown).map(|read| read.body).unwrap_or_default()
    });
}

fn hard(criterion: &mut Criterion, name: &str, pieces: &[&str], read: fn(&str) -> Body) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    for piece in pieces {
        for n_megabytes in [1_usize, 2] {
            let text = repeated(piece).repeat(n_megabytes);
            let id = BenchmarkId::new(*piece, n_megabytes);
            group.bench_with_input(id, &text, |bencher, text| bencher.iter(|| read(text)));
        }
    }
    group.finish();
}

criterion_group!(benches, directions, hard_input);
criterion_main!(benches);
