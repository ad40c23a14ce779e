//! Every kind of problem has a page and stands in the OpenAPI file where it can be answered.

use frontpage::error::Code;

use crate::support::{both, contract::document};

both! {
    fn every_kind_of_problem_has_a_page(app) {
        for code in Code::ALL {
            let page = app.anonymous().get(&format!("/problems/{}", code.name())).expect(200);

            assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{}", code.name());
            let text = page.text();
            for part in [code.title(), code.name(), &code.status().to_string()] {
                assert!(text.contains(part), "the page of {} does not say \"{part}\"", code.name());
            }
        }
        assert_eq!(app.anonymous().get("/problems/no_such_problem").expect(404).problem(), "not_found");
    }

    fn the_type_of_a_problem_leads_to_its_page(app) {
        let problem = app.anonymous().get("/v1/articles?colour=red").expect(400).json();

        let page = app.anonymous().get(problem["type"].as_str().unwrap()).expect(200).text();

        assert!(page.contains(problem["title"].as_str().unwrap()), "{page}");
    }
}

#[test]
fn every_kind_of_problem_stands_in_the_document_under_its_status() {
    let document = document();
    let paths = document["paths"].to_string();

    for code in Code::ALL.iter().filter(|code| **code != Code::MethodNotAllowed) {
        let responses = document["components"]["responses"].as_object().unwrap();
        let named = format!("`/problems/{}`", code.name());
        let (name, _) = responses
            .iter()
            .find(|(_, answer)| answer["description"].as_str().is_some_and(|text| text.contains(&named)))
            .unwrap_or_else(|| panic!("no response names {named}: add it to ERRORS in src/http/openapi/rules.rs"));
        let used = format!("\"{}\":{{\"$ref\":\"#/components/responses/{name}\"}}", code.status());
        assert!(paths.contains(&used), "no operation can answer {} with {name}", code.status());
    }
}

#[test]
fn kinds_have_names_of_their_own_and_are_in_order_of_status() {
    for pair in Code::ALL.windows(2) {
        assert!(pair[0].status() <= pair[1].status(), "{} comes before {}", pair[0].name(), pair[1].name());
    }
    for code in Code::ALL {
        assert_eq!(Code::ALL.iter().filter(|other| other.name() == code.name()).count(), 1, "{}", code.name());
        assert!(code.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", code.name());
        assert!(code.documentation().ends_with('.') && !code.title().ends_with('.'), "{}", code.name());
    }
}
