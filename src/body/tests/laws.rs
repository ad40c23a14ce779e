//! What holds whatever comes in.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use serde_json::Value;

use crate::body::tests::{assert_harmless, from_client, ids, json, soup, strategies, tags, without_ids};
use crate::body::tokenizer::assert_agreement;
use crate::body::{BlockId, Body, NoLinks};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn html_is_a_fixed_point_after_one_pass(soup in soup::soup()) {
        let once = Body::from_html(&soup).body;

        let twice = Body::from_html(&once.to_html(&NoLinks)).body;

        prop_assert_eq!(twice.to_html(&NoLinks), once.to_html(&NoLinks));
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn written_html_is_harmless(soup in soup::soup()) {
        assert_harmless(&Body::from_html(&soup).body.to_html(&NoLinks));
    }

    #[test]
    fn what_was_read_from_html_is_valid_for_clients(soup in soup::soup()) {
        let body = Body::from_html(&soup).body;

        prop_assert_eq!(from_client(json(&body)), Ok(body));
    }

    #[test]
    fn client_blocks_survive_a_way_through_html(input in strategies::client_body()) {
        let body = from_client(input).unwrap();

        let back = Body::from_html(&body.to_html(&NoLinks));

        prop_assert_eq!(without_ids(&back.body), without_ids(&body));
        prop_assert_eq!(back.warnings, []);
    }

    #[test]
    fn blocks_survive_a_way_through_json(input in strategies::client_body()) {
        let body = from_client(input).unwrap();

        let stored: Body = serde_json::from_str(&serde_json::to_string(&body).unwrap()).unwrap();
        prop_assert_eq!(&stored, &body);
        prop_assert_eq!(from_client(json(&body)), Ok(body));
    }

    #[test]
    fn ids_are_unique_and_well_formed(soup in soup::soup(), input in strategies::client_body()) {
        for body in [Body::from_html(&soup).body, from_client(input).unwrap()] {
            let mut ids = ids(&body);
            prop_assert!(ids.iter().all(|id| BlockId::parse(id).is_some()));
            let n_blocks = ids.len();
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), n_blocks);
        }
    }

    #[test]
    fn text_and_link_targets_survive_in_order((html, words, targets) in soup::keeping()) {
        let body = Body::from_html(&html).body;

        let text = body.to_text();
        let found: Vec<&str> =
            text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.ends_with('x')).collect();
        prop_assert_eq!(found, words);
        let links: Vec<String> = tags(&body.to_html(&NoLinks)).iter().flat_map(|tag| &tag.attrs)
            .filter(|attribute| &*attribute.name.local == "href").map(|attribute| attribute.value.to_string()).collect();
        prop_assert_eq!(links, targets);
    }

    #[test]
    fn no_text_makes_the_reader_fail(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        for html in [text, String::from_utf8_lossy(&bytes).into_owned()] {
            let body = Body::from_html(&html).body;
            assert_harmless(&body.to_html(&NoLinks));
            body.to_text();
            body.excerpt(20);
        }
    }

    #[test]
    fn no_json_makes_the_reader_fail(value in json_values()) {
        let _faults = from_client(value);
    }

    #[test]
    fn html_is_taken_apart_as_html5ever_does_it(flood in soup::tag_flood(), soup in soup::soup(), text in any::<String>()) {
        for html in [flood, soup, text] {
            assert_agreement(&html);
        }
    }

    #[test]
    fn words_are_those_of_unicode(
        text in "[a-c1 .,':_\u{301}\u{200d}\u{200c}א\\-👍🇳🇴カ漢ม'\u{a0}\u{2028}]{0,40}", any in any::<String>()
    ) {
        use unicode_segmentation::UnicodeSegmentation;

        for text in [text, any] {
            prop_assert_eq!(crate::body::text::n_words(&text), text.unicode_words().count(), "{:?}", text);
        }
    }

    #[test]
    fn excerpts_keep_to_their_length(soup in soup::soup(), max_chars in 0_usize..60) {
        use unicode_segmentation::UnicodeSegmentation;

        let excerpt = Body::from_html(&soup).body.excerpt(max_chars);

        prop_assert!(excerpt.graphemes(true).count() <= max_chars, "{excerpt:?}");
    }
}

/// JSON that has the members of blocks, with values of all kinds.
fn json_values() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::collection::vec;
    use proptest::prelude::{Just, Strategy, prop_oneof};
    use proptest::sample::select;

    let member = select(
        &[
            "type", "id", "content", "items", "list", "level", "href", "marks", "text", "ordered", "start", "x", "url",
            "media", "images", "caption", "rows", "cells", "notes", "note", "summary", "kind", "article", "language",
        ][..],
    );
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(
            &[
                "paragraph",
                "heading",
                "list",
                "quote",
                "text",
                "link",
                "line_break",
                "bold",
                "",
                "/a",
                "\0",
                "image",
                "gallery",
                "embed",
                "table",
                "code",
                "details",
                "footnotes",
                "footnote_ref",
                "note",
                "pull_quote",
                "divider",
            ][..]
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((member.clone(), inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Value>()),
        ]
    })
}
