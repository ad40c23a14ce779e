//! The table of transitions, and the trash, over HTTP.

use serde_json::json;

use super::{address, change, verb, working};
use crate::support::{App, Response, both, id};

/// An article in a state, with what readers see of it: nothing, the newest revision, or an older one.
fn article_in(app: &App, state: &str) -> String {
    app.editor().post("/v1/sections", json!({ "name": "World" }));
    let address = address(&app.draft("Old title", json!({ "section": "world" })));
    let steps: &[&str] = match state {
        "draft" => &[],
        "in review" => &["submit"],
        "approved" => &["submit", "approve"],
        "scheduled" => &["schedule"],
        "approved and scheduled" => &["submit", "approve", "schedule"],
        "live" => &["publish"],
        "live with changes" => &["publish", "change"],
        "live in review" => &["publish", "change", "submit"],
        "live and approved" => &["publish", "change", "submit", "approve"],
        "killed" => &["publish", "kill"],
        "withdrawn" => &["publish", "withdraw"],
        "withdrawn with changes" => &["publish", "withdraw", "change"],
        "withdrawn in review" => &["publish", "withdraw", "submit"],
        "trash" => &["trash"],
        other => panic!("no such state: {other}"),
    };
    for step in steps {
        match *step {
            "change" => change(app, &address, json!({ "title": "New title" })).expect(200),
            "trash" => app.editor().delete(&address, "*").expect(204),
            step => does(app, &address, step).expect(200),
        };
    }
    address
}

fn admin_view(app: &App, address: &str) -> Response {
    app.admin().get(&format!("{address}?view=working")).expect(200)
}

/// An administrator does a verb with whatever it needs.
fn does(app: &App, address: &str, verb: &str) -> Response {
    let input = match verb {
        "schedule" => json!({ "publish_at": "2100-01-01T00:00:00Z" }),
        "correct" => json!({ "note": "It was 1961." }),
        "kill" => json!({ "notice": "It is gone." }),
        _ => json!({}),
    };
    let admin = app.admin();
    admin.request("POST", &format!("{address}/{verb}")).header("if-match", "*").json(&input).send()
}

/// What somebody with a token and what a reader sees: the state, whether there are unpublished changes, the live title.
fn seen(app: &App, address: &str) -> (String, bool, Option<String>) {
    let view = admin_view(app, address).json();
    let live = app.anonymous().get(address);
    let title = (live.status == 200).then(|| live.json()["title"].as_str().unwrap().to_owned());
    (view["state"].as_str().unwrap().to_owned(), view["has_unpublished_changes"].as_bool().unwrap(), title)
}

both! {
    fn each_verb_does_to_each_state_what_the_table_says(app) {
        const NO: &str = "409";
        // What stands in a cell: the state, whether there are unpublished changes, what readers see.
        let (review, live, new) = ("in_review false -", "published false Old title", "published false New title");
        let (gone, dead, soon) = ("withdrawn false -", "killed false -", "scheduled false -");
        let table = [
            ("",                       ["submit",                   "return",                   "approve",                 "publish", "schedule", "unschedule",      "withdraw", "correct", "fix", "kill", "restore"]),
            ("draft",                  [review,                     NO,                         NO,                        live,      soon,       NO,                NO,         NO,        NO,    NO,     NO]),
            ("in review",              [NO,                         "draft false -",            "approved false -",        live,      soon,       NO,                NO,         NO,        NO,    NO,     NO]),
            ("approved",               [NO,                         "draft false -",            NO,                        live,      soon,       NO,                NO,         NO,        NO,    NO,     NO]),
            ("scheduled",              [NO,                         NO,                         NO,                        live,      soon,       "draft false -",   NO,         NO,        NO,    NO,     NO]),
            ("approved and scheduled", [NO,                         NO,                         NO,                        live,      soon,       "approved false -", NO,        NO,        NO,    NO,     NO]),
            ("live",                   [NO,                         NO,                         NO,                        NO,        NO,         NO,                gone,       live,      NO,    dead,   NO]),
            ("live with changes",      ["in_review true Old title", NO,                         NO,                        new,       NO,         NO,                gone,       new,       new,   dead,   NO]),
            ("live in review",         [NO,                         "published true Old title", "approved true Old title", new,       NO,         NO,                gone,       new,       new,   dead,   NO]),
            ("live and approved",      [NO,                         "published true Old title", NO,                        new,       NO,         NO,                gone,       new,       new,   dead,   NO]),
            ("withdrawn",              [review,                     NO,                         NO,                        live,      soon,       NO,                NO,         NO,        NO,    dead,   NO]),
            ("withdrawn with changes", [review,                     NO,                         NO,                        new,       soon,       NO,                NO,         NO,        NO,    dead,   NO]),
            ("withdrawn in review",    [NO,                         "draft false -",            "approved false -",        live,      soon,       NO,                NO,         NO,        NO,    dead,   NO]),
            ("killed",                 [NO,                         NO,                         NO,                        NO,        NO,         NO,                NO,         NO,        NO,    NO,     gone]),
            ("trash",                  [NO,                         NO,                         NO,                        NO,        NO,         NO,                NO,         NO,        NO,    NO,     "draft false -"]),
        ];
        let verbs = table[0].1;
        for (state, cells) in &table[1..] {
            // What was refused has left the article as it was, so the next verb can be tried on it.
            let mut untouched = None;
            for (name, expected) in verbs.iter().zip(cells) {
                let address = untouched.take().unwrap_or_else(|| article_in(app, state));
                let before = (admin_view(app, &address).etag(), seen(app, &address));

                let answer = does(app, &address, name);

                let (is_state, has_changes, live) = seen(app, &address);
                if *expected == NO {
                    // What readers see already cannot be scheduled to appear.
                    let problems = if *name == "schedule" && state.starts_with("live") { (422, "invalid_input") } else { (409, "invalid_transition") };
                    assert_eq!((answer.status, answer.problem().as_str()), problems, "{name} on {state}");
                    assert_eq!((admin_view(app, &address).etag(), (is_state, has_changes, live)), before, "{name} on {state}");
                    untouched = Some(address);
                } else {
                    let after = format!("{is_state} {has_changes} {}", live.as_deref().unwrap_or("-"));
                    assert_eq!((answer.status, after.as_str()), (200, *expected), "{name} on {state}: {}", answer.text());
                    assert_eq!(answer.json()["state"], is_state, "{name} on {state}");
                }
            }
        }
    }

    fn only_what_readers_do_not_see_goes_to_the_trash(app) {
        for (state, status) in [
            ("draft", 204), ("in review", 204), ("withdrawn", 204), ("withdrawn in review", 204),
            ("approved", 204), ("scheduled", 409), ("live", 409), ("live with changes", 409), ("live in review", 409), ("trash", 409),
        ] {
            let address = article_in(app, state);
            let before = seen(app, &address);

            let answer = app.editor().delete(&address, "*").expect(status);

            assert_eq!(seen(app, &address), before, "{state}");
            let is_trashed = working(app, &address).json()["trashed_at"].is_string();
            assert_eq!(is_trashed, status == 204 || state == "trash", "{state}");
            if status == 409 {
                assert_eq!(answer.problem(), "invalid_transition");
            }
        }
    }

    fn what_is_in_the_trash_cannot_be_changed_until_it_is_restored(app) {
        let address = article_in(app, "withdrawn in review");
        let before = working(app, &address).json();
        let etag = app.editor().delete(&address, "*").expect(204).etag();
        app.editor().patch(&address, &etag, json!({ "title": "x" })).expect(409);
        app.anonymous().get(&address).expect(404);

        let lists = |query: &str| app.editor().get(&format!("/v1/articles?view=working{query}")).expect(200).json()["data"].as_array().unwrap().len();
        assert_eq!((lists(""), lists("&trashed=true"), lists("&trashed=false")), (0, 1, 0));

        let restored = app.editor().verb(&format!("{address}/restore"), &etag).expect(200).json();
        for name in ["state", "title", "slug", "section", "first_published_at", "has_unpublished_changes", "trashed_at"] {
            assert_eq!(restored[name], before[name], "{name}");
        }
        assert_eq!((lists(""), lists("&trashed=true")), (1, 0));
        let again = app.editor().verb(&format!("{address}/restore"), "*").expect(409);
        assert_eq!(again.problem(), "invalid_transition");
        change(app, &address, json!({ "title": "x" })).expect(200);
    }

    fn an_article_does_not_come_back_from_the_trash_to_a_section_that_is_there_itself(app) {
        let (section, staff, tag) = (app.section("World"), app.staff("Mina"), app.tag("Iran"));
        let address = address(&app.draft("One", json!({ "section": "world", "tags": ["iran"], "authors": [{ "staff": "mina" }] })));
        for path in [
            address.clone(),
            format!("/v1/sections/{}", section["id"].as_str().unwrap()),
            format!("/v1/tags/{}", tag["id"].as_str().unwrap()),
            format!("/v1/staff/{}", staff["id"].as_str().unwrap()),
        ] {
            app.editor().delete(&path, "*").expect(204);
        }

        let refused = app.editor().verb(&format!("{address}/restore"), "*").expect(409);
        assert_eq!(refused.pointers(), ["/section", "/authors/0/staff", "/tags/0"]);

        for path in ["sections/world", "tags/iran", "staff/mina"] {
            app.editor().verb(&format!("/v1/{path}/restore"), "*").expect(200);
        }
        app.editor().verb(&format!("{address}/restore"), "*").expect(200);
    }

    fn the_slug_of_what_is_in_the_trash_stays_reserved(app) {
        let address = article_in(app, "trash");
        let taken = app.editor().post("/v1/articles", json!({ "title": "x", "slug": "old-title" })).expect(409);
        assert_eq!((taken.problem().as_str(), taken.pointers()), ("slug_taken", vec!["/slug".to_owned()]));
        assert_eq!(app.draft("Old title", json!({})).json()["slug"], "old-title-2");
        app.editor().verb(&format!("{address}/restore"), "*").expect(200);
    }

    fn a_verb_takes_an_empty_object_or_nothing(app) {
        let address = address(&app.draft("One", json!({})));
        let send = |body: Option<&str>| {
            let editor = app.editor();
            let path = format!("{address}/submit");
            let request = editor.request("POST", &path).header("if-match", "*");
            match body {
                None => request.send(),
                Some(body) => request.body("application/json", body.into()).send(),
            }
        };
        assert_eq!(send(Some(r#"{"state":"published"}"#)).expect(422).pointers(), ["/state"]);
        send(Some("[]")).expect(422);
        send(Some("{")).expect(400);
        assert_eq!(working(app, &address).json()["state"], "draft");

        send(None).expect(200);
        verb(app, &address, "return").expect(200);
        send(Some(" {} ")).expect(200);
    }

    fn nothing_that_does_not_exist_has_verbs(app) {
        let missing = format!("/v1/articles/{}", frontpage::ids::ArticleId::generate());
        for step in ["submit", "return", "approve", "publish", "schedule", "unschedule", "withdraw", "correct", "fix", "kill", "restore"] {
            does(app, &missing, step).expect(404);
        }
        app.editor().patch(&missing, "*", json!({})).expect(404);
        app.editor().delete(&missing, "*").expect(404);
        app.editor().get(&format!("{missing}?view=working")).expect(404);
        let draft = app.draft("One", json!({}));
        app.editor().verb(&format!("/v1/articles/{}/scrap", id(&draft)), "*").expect(404);
    }
}
