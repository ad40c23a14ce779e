//! Leases: who has an article open. They inform and do not lock.

use serde_json::{Value, json};

use super::{address, change, working};
use crate::support::{App, Client, Response, both};

fn renew(client: &Client, address: &str) -> Response {
    client.request("PUT", &format!("{address}/lease")).send()
}

/// The names of those who have it open.
fn names(answer: &Value) -> Vec<String> {
    let editing = answer["editing"].as_array().unwrap();
    editing.iter().map(|editing| editing["user"]["name"].as_str().unwrap().to_owned()).collect()
}

fn seen(app: &App, address: &str) -> Vec<String> {
    names(&app.editor().get(&format!("{address}/lease")).expect(200).json())
}

/// As if a minute had passed for somebody.
fn let_go(app: &App, name: &str) {
    let past = "'2020-01-01 00:00:00.000'";
    app.database.sql(&format!(
        "UPDATE article_leases SET since = {past}, expires_at = {past} WHERE user_id IN (SELECT id FROM users WHERE name = '{name}')"
    ));
}

both! {
    fn everybody_sees_who_has_an_article_open(app) {
        let draft = address(&app.author().post("/v1/articles", json!({ "title": "One" })).expect(201));
        assert_eq!(seen(app, &draft), [""; 0]);

        let first = renew(&app.author(), &draft).expect(200).json();
        let second = renew(&app.editor(), &draft).expect(200).json();

        assert_eq!((names(&first), names(&second)), (vec!["author".to_owned()], vec!["author".to_owned(), "editor".to_owned()]));
        assert_eq!(app.author().get(&format!("{draft}/lease")).expect(200).json(), second);
        let own = &second["editing"][1];
        let times = ["since", "expires_at"].map(|name| frontpage::clock::Instant::parse(own[name].as_str().unwrap()).unwrap());
        assert_eq!(times[1].millis() - times[0].millis(), 60_000);
        assert_eq!(working(app, &draft).json()["editing"], second["editing"]);
        let list = app.editor().get("/v1/articles?view=working").expect(200).json();
        assert_eq!(list["data"][0].get("editing"), None);
    }

    fn a_lease_that_is_renewed_began_when_it_was_taken(app) {
        let draft = address(&app.draft("One", json!({})));
        renew(&app.editor(), &draft).expect(200);
        app.database.sql("UPDATE article_leases SET since = '2020-01-01 00:00:00.000'");

        let renewed = renew(&app.editor(), &draft).expect(200).json();

        assert_eq!(renewed["editing"][0]["since"], "2020-01-01T00:00:00.000Z");
        assert_eq!(renewed["editing"].as_array().unwrap().len(), 1);
    }

    fn whoever_does_not_renew_has_left(app) {
        let draft = address(&app.draft("One", json!({})));
        renew(&app.editor(), &draft).expect(200);
        renew(&app.admin(), &draft).expect(200);

        let_go(app, "editor");

        assert_eq!(seen(app, &draft), ["admin"]);
        let back = renew(&app.editor(), &draft).expect(200).json();
        assert_eq!(names(&back), ["admin", "editor"]);
        assert_ne!(back["editing"][1]["since"], "2020-01-01T00:00:00.000Z");
    }

    fn whoever_closes_an_article_leaves_alone(app) {
        let draft = address(&app.draft("One", json!({})));
        renew(&app.editor(), &draft).expect(200);
        renew(&app.admin(), &draft).expect(200);
        let close = |client: &Client| client.request("DELETE", &format!("{draft}/lease")).send().expect(204);

        close(&app.editor());
        close(&app.editor());

        assert_eq!(seen(app, &draft), ["admin"]);
    }

    fn a_lease_locks_nobody_out_and_makes_no_revision(app) {
        let draft = address(&app.draft("One", json!({})));
        let before = working(app, &draft).etag();
        renew(&app.admin(), &draft).expect(200);

        assert_eq!(working(app, &draft).etag(), before);
        let changed = change(app, &draft, json!({ "title": "Two" })).expect(200).json();
        assert_eq!(names(&changed), ["admin"]);
    }

    fn at_most_fifty_have_an_article_open(app) {
        let answer = app.draft("One", json!({}));
        let draft = address(&answer);
        let user = match app.database.backend {
            crate::support::Backend::Sqlite => "randomblob(16)",
            crate::support::Backend::Postgres => "gen_random_uuid()",
        };
        let columns = "email, email_key, name, role, is_disabled, revision, created_at, updated_at";
        for number in 0..50 {
            app.database.sql(&format!(
                "INSERT INTO users (id, {columns}) SELECT {user}, 'e{number}', 'e{number}', 'crowd', role, is_disabled, revision, created_at, updated_at \
                 FROM users WHERE name = 'author'"
            ));
        }
        app.database.sql(
            "INSERT INTO article_leases (article_id, user_id, since, expires_at) SELECT articles.id, users.id, '2020-01-01 00:00:00.000', \
             '2999-01-01 00:00:00.000' FROM articles CROSS JOIN users WHERE users.name = 'crowd'",
        );

        let refused = renew(&app.editor(), &draft).expect(409);

        assert_eq!(refused.problem(), "conflict");
        assert_eq!(seen(app, &draft).len(), 50);
        let_go(app, "crowd");
        assert_eq!(names(&renew(&app.editor(), &draft).expect(200).json()), ["editor"]);
    }

    fn what_is_in_the_trash_is_open_to_nobody(app) {
        let draft = address(&app.draft("One", json!({})));
        app.editor().delete(&draft, "*").expect(204);
        assert_eq!(renew(&app.editor(), &draft).expect(409).problem(), "invalid_transition");
    }

    fn a_lease_takes_an_empty_object_or_nothing(app) {
        let draft = address(&app.draft("One", json!({})));
        let editor = app.editor();
        let path = format!("{draft}/lease");
        editor.request("PUT", &path).json(&json!({})).send().expect(200);
        assert_eq!(editor.request("PUT", &path).json(&json!({ "seconds": 5 })).send().expect(422).pointers(), ["/seconds"]);
        editor.request("PUT", &format!("{path}?x=1")).send().expect(400);
    }

    fn a_lease_follows_a_former_slug(app) {
        let draft = address(&app.draft("One", json!({ "slug": "old-name" })));
        change(app, &draft, json!({ "slug": "new-name" })).expect(200);
        let moved = renew(&app.editor(), "/v1/articles/old-name").expect(308);
        assert_eq!(moved.header("location"), Some("/v1/articles/new-name/lease"));
        let editor = app.editor();
        assert_eq!(editor.get("/v1/articles/old-name/lease").expect(301).header("location"), Some("/v1/articles/new-name/lease"));
    }
}
