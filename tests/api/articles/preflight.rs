//! The check before publishing: what it finds, how much that weighs, and who refuses what.

use serde_json::{Value, json};

use super::{address, change, verb, working};
use crate::support::{App, Backend, both, id, postgres};

/// Runs a test on a server with rules, on each database.
fn with_rules(rules: &str, test: impl Fn(&App)) {
    test(&App::start_with(Backend::Sqlite, &[("FRONTPAGE_PREFLIGHT", rules)]));
    if postgres::cluster().is_ok() {
        test(&App::start_with(Backend::Postgres, &[("FRONTPAGE_PREFLIGHT", rules)]));
    }
}

/// What was found, as "severity code pointer", and whether the article is ready.
fn check(app: &App, address: &str) -> (bool, Vec<String>) {
    let answer = app.editor().get(&format!("{address}/preflight")).expect(200).json();
    let line = |finding: &Value| {
        ["severity", "code", "pointer"].map(|name| finding[name].as_str().unwrap().to_owned()).join(" ")
    };
    (answer["is_ready"].as_bool().unwrap(), answer["findings"].as_array().unwrap().iter().map(line).collect())
}

/// A draft of which nothing is to be said, with whatever the test says.
fn complete(app: &App, more: Value) -> String {
    app.editor().post("/v1/sections", json!({ "name": "World", "slug": "world" }));
    let mut members = json!({ "section": "world", "byline": "Staff", "excerpt": "In short." });
    for (name, value) in more.as_object().unwrap() {
        members[name] = value.clone();
    }
    address(&app.draft("Harbor reopens", members))
}

/// A picture, alone or in a gallery, with whatever the test says of it.
fn picture(alt: Option<&str>, credit: Option<&str>) -> Value {
    json!({ "url": "https://media.newsroom.test/quay.jpg", "alt": alt, "credit": credit })
}

/// A complete draft whose body is a paragraph and these blocks.
fn with_blocks(app: &App, blocks: &[Value]) -> String {
    let paragraph = json!({ "type": "paragraph", "content": [{ "type": "text", "text": "The ships left." }] });
    let blocks: Vec<Value> = [paragraph].iter().chain(blocks).cloned().collect();
    complete(app, json!({ "body_html": null, "body_blocks": blocks }))
}

fn image(picture: Value) -> Value {
    let mut block = picture;
    block["type"] = json!("image");
    block
}

/// A draft with something wrong of each kind that a draft can have now, by code.
fn flawed(app: &App) -> Vec<(&'static str, String)> {
    let hidden = id(&app.draft("Hidden", json!({})));
    vec![
        ("missing_byline", complete(app, json!({ "byline": null }))),
        ("missing_excerpt", complete(app, json!({ "excerpt": null }))),
        ("broken_link", complete(app, json!({ "related": [hidden] }))),
        ("leftover_note", complete(app, json!({ "standfirst": "The minister said TK." }))),
        ("missing_alt", with_blocks(app, &[image(picture(None, Some("Mina Rad")))])),
        ("missing_credit", with_blocks(app, &[image(picture(Some("A quay"), None))])),
    ]
}

both! {
    fn what_is_complete_has_no_findings(app) {
        assert_eq!(check(app, &complete(app, json!({}))), (true, Vec::new()));
    }

    fn findings_are_warnings_unless_said_otherwise(app) {
        for (code, address) in flawed(app) {
            let (is_ready, found) = check(app, &address);

            assert!(is_ready && found.len() == 1 && found[0].starts_with(&format!("warning {code} ")), "{code}: {found:?}");
            verb(app, &address, "publish").expect(200);
        }
    }

    fn an_article_without_section_and_body_is_never_ready(app) {
        let draft = address(&app.editor().post("/v1/articles", json!({ "title": "One", "byline": "Staff", "excerpt": "x" })).expect(201));

        assert_eq!(check(app, &draft), (false, vec!["error missing_section /section".to_owned(), "error missing_body /body_html".to_owned()]));

        let refused = verb(app, &draft, "publish").expect(422);
        assert_eq!((refused.problem().as_str(), refused.pointers()), ("preflight_failed", vec!["/section".to_owned(), "/body_html".to_owned()]));
    }

    fn related_articles_that_readers_do_not_see_are_broken_links(app) {
        let live = id(&app.published("Live", json!({})));
        let (draft, withdrawn, killed) = (id(&app.draft("Draft", json!({}))), id(&app.published("Withdrawn", json!({}))), id(&app.published("Killed", json!({}))));
        verb(app, &format!("/v1/articles/{withdrawn}"), "withdraw").expect(200);
        let article = complete(app, json!({ "related": [draft, live, withdrawn, killed] }));
        app.admin().request("POST", &format!("/v1/articles/{killed}/kill")).header("if-match", "*").json(&json!({ "notice": "Gone." })).send().expect(200);
        app.editor().delete(&format!("/v1/articles/{draft}"), "*").expect(204);

        let (_, found) = check(app, &article);

        assert_eq!(found, ["/related/0", "/related/2", "/related/3"].map(|pointer| format!("warning broken_link {pointer}")));
    }

    fn leftover_notes_are_found_wherever_readers_would_see_them(app) {
        let article = complete(app, json!({
            "title": "TK: harbor", "standfirst": "It cost XXX million.", "excerpt": "TODO", "kicker": "TK",
            "body_html": "<p>The ship [[name?]] left.</p><p>Tk, tkts and TODOs are words.</p>",
        }));

        let (is_ready, found) = check(app, &article);

        assert!(is_ready);
        assert_eq!(found, ["/title", "/standfirst", "/excerpt", "/body_html"].map(|pointer| format!("warning leftover_note {pointer}")));
    }

    fn pictures_that_say_nothing_are_found_wherever_they_stand(app) {
        let (good, plain, anonymous) = (picture(Some("A quay"), Some("Mina Rad")), picture(None, Some("Mina Rad")), picture(Some(""), None));
        let gallery = |images: &[&Value]| json!({ "type": "gallery", "images": images });
        let nothing: &[&str] = &[];
        let (alt, credit) = ("warning missing_alt /body_blocks", "warning missing_credit /body_blocks");
        for (blocks, expected) in [
            (vec![image(good.clone()), gallery(&[&good, &good])], nothing),
            // An empty text says that the picture is there for decoration.
            (vec![image(picture(Some(""), Some("Mina Rad")))], nothing),
            (vec![image(plain.clone())], &[alt]),
            (vec![image(anonymous.clone())], &[credit]),
            (vec![gallery(&[&good, &plain])], &[alt]),
            (vec![gallery(&[&good, &anonymous, &anonymous])], &[credit]),
            (vec![image(plain.clone()), gallery(&[&anonymous, &plain])], &[alt, credit]),
        ] {
            let address = with_blocks(app, &blocks);
            assert_eq!(check(app, &address), (true, expected.iter().map(ToString::to_string).collect()), "{blocks:?}");
            verb(app, &address, "publish").expect(200);
        }
        // They are counted, not listed.
        let address = with_blocks(app, &[image(plain.clone()), gallery(&[&plain, &good, &plain])]);
        let found = app.editor().get(&format!("{address}/preflight")).expect(200).json();
        assert!(found["findings"][0]["detail"].as_str().unwrap().ends_with(": 3."), "{found}");
        // HTML without alt and without a credit, as most editors write it.
        let html = complete(app, json!({ "body_html": "<p>Text.</p><img src=\"https://media.newsroom.test/a.jpg\">" }));
        assert_eq!(check(app, &html).1, [alt, credit]);
    }

    fn the_note_of_whoever_handed_it_back_is_left_over_until_it_is_submitted_again(app) {
        let article = complete(app, json!({}));
        verb(app, &article, "submit").expect(200);
        let note = json!({ "note": "Who says that the pier is safe?" });
        app.editor().request("POST", &format!("{article}/return")).header("if-match", "*").json(&note).send().expect(200);

        assert_eq!(check(app, &article), (true, vec!["warning leftover_note /review_note".to_owned()]));
        assert_eq!(working(app, &article).json()["review_note"], note["note"]);

        verb(app, &article, "submit").expect(200);
        assert_eq!(check(app, &article), (true, Vec::new()));
    }
}

#[test]
fn what_is_an_error_is_a_setting_and_publishing_in_every_form_refuses_it() {
    with_rules(
        "missing_byline=error,missing_excerpt=error,broken_link=error,leftover_note=error,missing_alt=error,missing_credit=error",
        |app| {
            for (code, address) in flawed(app) {
                let (is_ready, found) = check(app, &address);
                assert!(
                    !is_ready && found.len() == 1 && found[0].starts_with(&format!("error {code} ")),
                    "{code}: {found:?}"
                );

                let later = json!({ "publish_at": "2999-01-01T00:00:00Z" });
                for (verb, input) in [("publish", json!({})), ("schedule", later)] {
                    let path = format!("{address}/{verb}");
                    let refused =
                        app.editor().request("POST", &path).header("if-match", "*").json(&input).send().expect(422);
                    assert_eq!(refused.problem(), "preflight_failed", "{verb}");
                    assert_eq!(refused.json()["errors"][0]["code"], code, "{verb}");
                }
                assert_eq!(working(app, &address).json()["state"], "draft");
            }
            let live = complete(app, json!({}));
            verb(app, &live, "publish").expect(200);
            change(app, &live, json!({ "excerpt": "TK" })).expect(200);
            for (verb, input) in
                [("publish", json!({})), ("correct", json!({ "note": "It was 1961." })), ("fix", json!({}))]
            {
                let path = format!("{live}/{verb}");
                let refused =
                    app.editor().request("POST", &path).header("if-match", "*").json(&input).send().expect(422);
                assert_eq!(
                    (refused.problem().as_str(), refused.pointers()),
                    ("preflight_failed", vec!["/excerpt".to_owned()]),
                    "{verb}"
                );
            }
            assert_eq!(app.anonymous().get(&live).expect(200).json()["excerpt"], "In short.");
        },
    );
}

#[test]
fn warnings_stop_nobody() {
    with_rules("leftover_note=warning", |app| {
        let live = complete(app, json!({ "excerpt": "TK" }));
        let send = |verb: &str, input: Value| {
            let path = format!("{live}/{verb}");
            app.editor().request("POST", &path).header("if-match", "*").json(&input).send().expect(200)
        };

        send("schedule", json!({ "publish_at": "2999-01-01T00:00:00Z" }));
        send("publish", json!({}));
        change(app, &live, json!({ "title": "TK" })).expect(200);
        send("correct", json!({ "note": "It was 1961." }));
        change(app, &live, json!({ "title": "TODO" })).expect(200);
        send("fix", json!({}));

        assert_eq!(app.anonymous().get(&live).expect(200).json()["title"], "TODO");
    });
}

#[test]
fn what_nobody_wants_to_hear_of_is_not_found() {
    with_rules(
        "missing_byline=off,missing_excerpt=off,broken_link=off,leftover_note=off,missing_alt=off,missing_credit=off",
        |app| {
            for (code, address) in flawed(app) {
                assert_eq!(check(app, &address), (true, Vec::new()), "{code}");
            }
        },
    );
}
