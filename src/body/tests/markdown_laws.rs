//! What holds of Markdown whatever comes in.

use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

use crate::body::tests::{assert_harmless, from_client, json, markdown_strategies as strategies, tags, without_ids};
use crate::body::{Body, NoLinks, from_markdown};

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn running_text_survives_a_way_through_markdown(input in strategies::plain_body()) {
        let body = from_client(input).unwrap();

        let markdown = body.to_markdown(&NoLinks);
        let back = Body::from_markdown(&markdown).unwrap();

        prop_assert_eq!(without_ids(&back.body), without_ids(&body), "{}", markdown);
        prop_assert_eq!(back.warnings, [], "{}", markdown);
    }

    #[test]
    fn all_blocks_survive_a_way_through_markdown(input in strategies::rich_body()) {
        let body = from_client(input).unwrap();

        let markdown = body.to_markdown(&NoLinks);
        let back = Body::from_markdown(&markdown).unwrap();

        prop_assert_eq!(without_ids(&back.body), without_ids(&body), "{}", markdown);
        prop_assert_eq!(back.warnings, [], "{}", markdown);
    }

    #[test]
    fn markdown_is_a_fixed_point_after_one_pass(soup in strategies::soup()) {
        let once = Body::from_markdown(&soup).unwrap().body;

        let markdown = once.to_markdown(&NoLinks);
        let twice = Body::from_markdown(&markdown).unwrap().body;

        prop_assert_eq!(twice.to_markdown(&NoLinks), markdown);
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn html_written_from_markdown_is_harmless(soup in strategies::soup()) {
        assert_harmless(&Body::from_markdown(&soup).unwrap().body.to_html(&NoLinks));
    }

    #[test]
    fn what_was_read_from_markdown_is_valid_for_clients(soup in strategies::soup()) {
        let body = Body::from_markdown(&soup).unwrap().body;

        prop_assert_eq!(from_client(json(&body)), Ok(body));
    }

    #[test]
    fn text_and_link_targets_survive_in_order((markdown, words, targets) in strategies::keeping()) {
        // In code, a link is text.
        let has_code = markdown.contains('`');
        let body = Body::from_markdown(&markdown).unwrap().body;

        let text = body.to_text();
        let found: Vec<&str> =
            text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.ends_with('x') && !word.starts_with("target")).collect();
        prop_assert_eq!(found, words, "{}", markdown);
        if !has_code {
            let links: Vec<String> = tags(&body.to_html(&NoLinks)).iter().flat_map(|tag| &tag.attrs)
                .filter(|attribute| &*attribute.name.local == "href").map(|attribute| attribute.value.to_string()).collect();
            prop_assert_eq!(links, targets, "{}", markdown);
        }
    }

    #[test]
    fn no_text_makes_the_markdown_reader_fail(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        for markdown in [text, String::from_utf8_lossy(&bytes).into_owned()] {
            let body = Body::from_markdown(&markdown).unwrap().body;
            assert_harmless(&body.to_html(&NoLinks));
            body.to_markdown(&NoLinks);
        }
    }

    #[test]
    fn markdown_without_html_is_read_as_the_html_that_it_stands_for(soup in strategies::soup()) {
        let markdown = soup.replace(['<', '&', '\r', '\0'], "");

        prop_assert_eq!(Body::from_markdown(&markdown).unwrap(), from_markdown::by_html(&markdown), "{}", markdown);
    }

    #[test]
    fn the_limit_on_nesting_does_not_touch_usual_texts(soup in strategies::soup()) {
        prop_assert_eq!(from_markdown::limit(&soup), soup.as_str());
    }
}
