//! Which articles a list has, and what it shows of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{newsroom, slugs, uuid};
use crate::support::{App, Client, both, id};

/// The slugs of the first page of a list.
#[track_caller]
fn listed(app: &App, query: &str) -> String {
    slugs(&app.anonymous().get(&format!("/v1/articles?{query}")).expect(200).json()).join(" ")
}

both! {
    fn each_filter_alone_and_together_with_others(app) {
        newsroom(app);
        let id_of = |path: &str| app.anonymous().get(path).expect(200).json()["id"].as_str().unwrap().to_owned();
        let (c, f) = (id_of("/v1/articles/c"), id_of("/v1/articles/f"));
        let (asia, mina, storm) = (id_of("/v1/sections/asia"), id_of("/v1/staff/mina"), id_of("/v1/tags/storm"));
        for (query, expected) in [
            (String::new(), "f e d c b a"),
            ("view=live".into(), "f e d c b a"),
            ("sort=-published_at".into(), "f e d c b a"),
            ("sort=published_at".into(), "a b c d e f"),
            ("sort=-updated_at".into(), "a b c d e f"),
            // A section has what is below it, and nothing whose path only begins alike.
            ("section=world".into(), "f c b a"),
            ("section=asia".into(), "f c b"),
            (format!("section={asia}"), "f c b"),
            ("section=ASIA".into(), "f c b"),
            ("section=iran".into(), "f c"),
            ("section=world-cup".into(), "d"),
            ("tag=ships".into(), "d b a"),
            ("tag=ships&tag=storm".into(), "d b"),
            (format!("tag={storm}&tag=ships"), "d b"),
            ("tag=ships&tag=ships".into(), "d b a"),
            ("tag=ships&tag=storm&tag=peace".into(), "d"),
            ("author=mina".into(), "f c a"),
            (format!("author={mina}"), "f c a"),
            ("author=nobody".into(), ""),
            ("featured=true".into(), "f d a"),
            ("featured=false".into(), "e c b"),
            ("language=fa".into(), "d c"),
            ("language=EN".into(), "f b a"),
            ("language=en-gb".into(), "e"),
            ("language=de".into(), ""),
            ("published_after=2026-03-03T12:00:00Z".into(), "f e d c"),
            ("published_after=2026-03-03T12:00:00.001Z".into(), "f e d"),
            ("published_after=2026-03-03T15:30:00%2B03:30".into(), "f e d c"),
            ("published_before=2026-03-03T12:00:00Z".into(), "b a"),
            ("published_after=2026-03-02T12:00:00Z&published_before=2026-03-04T12:00:00Z".into(), "c b"),
            ("published_after=2026-03-04T12:00:00Z&published_before=2026-03-02T12:00:00Z".into(), ""),
            ("updated_after=2026-04-05T12:00:00Z".into(), "c b a"),
            ("published_after=0000-01-01T00:00:00Z&published_before=9999-12-31T23:59:59.999Z".into(), "f e d c b a"),
            (format!("exclude={c}"), "f e d b a"),
            (format!("exclude={c},{f}&exclude={c}"), "e d b a"),
            (format!("exclude={}", uuid()), "f e d c b a"),
            ("section=world&author=mina".into(), "f c a"),
            ("section=asia&author=mina&featured=true".into(), "f"),
            ("section=world&tag=storm&author=wire&language=fa&featured=false".into(), "c"),
            ("section=world&tag=storm&author=wire&language=en&featured=true".into(), ""),
            (format!("section=world&author=mina&exclude={f}&sort=published_at&published_after=2026-03-02T00:00:00Z"), "c"),
            ("tag=ships&updated_after=2026-04-06T00:00:00Z&sort=-updated_at".into(), "a b"),
        ] {
            assert_eq!(listed(app, &query), expected, "{query}");
        }
    }

    fn an_article_of_somebody_in_two_roles_is_listed_once(app) {
        app.staff("Mina");
        app.published("a", json!({ "authors": [{ "staff": "mina" }, { "staff": "mina", "role": "editor" }] }));
        assert_eq!(listed(app, "author=mina"), "a");
    }

    fn a_section_that_moves_takes_its_articles_along(app) {
        newsroom(app);
        let iran = format!("/v1/sections/{}", id(&app.anonymous().get("/v1/sections/iran").expect(200)));
        for (patch, world, asia, sport) in [
            (json!({ "parent": "sport" }), "b a", "b", "f e c"),
            (json!({ "parent": null }), "b a", "b", "e"),
            (json!({ "parent": "world", "slug": "persia" }), "f c b a", "b", "e"),
            (json!({ "parent": "asia" }), "f c b a", "f c b", "e"),
        ] {
            app.editor().patch(&iran, "*", patch.clone()).expect(200);
            let found = ["world", "asia", "sport"].map(|section| listed(app, &format!("section={section}")));
            assert_eq!(found, [world, asia, sport], "{patch}");
            assert_eq!(listed(app, "section=iran"), "f c", "{patch}");
        }
        // A whole branch moves, and what is published in it later is found from the new place.
        app.editor().patch("/v1/sections/asia", "*", json!({ "parent": "sport" })).expect(200);
        app.published("g", json!({ "section": "persia" }));
        assert_eq!(listed(app, "section=sport&sort=published_at"), "b c e f g");
        assert_eq!(listed(app, "section=world"), "a");
    }

    fn the_desk_is_filtered_by_state_section_and_who(app) {
        newsroom(app);
        let mine = app.author().post("/v1/articles", json!({ "title": "mine" })).expect(201);
        app.author().verb(&format!("/v1/articles/{}/submit", id(&mine)), "*").expect(200);
        let editor = app.editor().get("/v1/auth/me").expect(200).json()["id"].as_str().unwrap().to_owned();
        let listed = |client: Client, query: &str| {
            let mut found = slugs(&client.get(&format!("/v1/articles?view=working&{query}")).expect(200).json());
            found.sort();
            found.join(" ")
        };
        for (query, expected) in [
            ("", "a b c d e f gone mine unseen"),
            ("state=draft", "unseen"),
            ("state=in_review", "mine"),
            ("state=withdrawn", "gone"),
            ("state=published&section=asia", "b c f"),
            ("section=iran", "c f gone unseen"),
            ("created_by=me&state=draft", "unseen"),
            ("trashed=true", ""),
            ("updated_after=2001-01-01T00:00:00Z&state=draft", "unseen"),
            ("updated_after=9999-01-01T00:00:00Z", ""),
        ] {
            assert_eq!(listed(app.editor(), query), expected, "{query}");
        }
        assert_eq!(listed(app.admin(), &format!("created_by={editor}&state=draft")), "unseen");
        assert_eq!(listed(app.author(), ""), "mine");
        assert_eq!(listed(app.author(), &format!("created_by={editor}")), "");
        assert_eq!(listed(app.colleague(), ""), "");

        // The last changed comes first.
        let page = app.editor().get("/v1/articles?view=working&limit=2").expect(200).json();
        assert_eq!(slugs(&page), ["mine", "gone"]);
    }

    fn a_list_shows_the_members_and_bodies_that_are_asked_for(app) {
        newsroom(app);
        let first = |query: &str| app.anonymous().get(&format!("/v1/articles?limit=1&{query}")).expect(200).json()["data"][0].clone();
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let plain = first("");
        for body in ["body_html", "body_blocks", "body_text"] {
            assert_eq!(plain.get(body), None);
            let with = first(&format!("include={body}"));
            let mut expected = names(&plain);
            expected.insert(body.to_owned());
            assert_eq!(names(&with), expected);
        }
        let all = first("include=body_text,body_html,body_blocks,body_html");
        assert_eq!((&all["body_html"], &all["body_text"]), (&json!("<p>The first ships left at dawn.</p>"), &json!("The first ships left at dawn.")));
        assert_eq!(all["body_blocks"][0]["type"], "paragraph");

        for fields in ["id", "title,id", "seo,section,authors,tags,related,extensions"] {
            let wanted: BTreeSet<String> = fields.split(',').map(str::to_owned).collect();
            let trimmed = first(&format!("fields={fields}"));
            assert_eq!(names(&trimmed), wanted);
            for name in &wanted {
                assert_eq!(trimmed[name], plain[name], "{name}");
            }
        }
        assert_eq!(names(&first("fields=id,body_text&include=body_text,body_html")), ["body_text", "id"].map(str::to_owned).into());
        // The box of recent posts beside an article.
        let posts = app.anonymous().get("/v1/articles?limit=6&fields=id,slug,title,excerpt,published_at").expect(200).json();
        assert_eq!(posts["data"].as_array().unwrap().len(), 6);

        let single = app.anonymous().get("/v1/articles/a?fields=id,body_html").expect(200).json();
        assert_eq!(names(&single), ["body_html", "id"].map(str::to_owned).into());
        let single = app.anonymous().get("/v1/articles/a?include=body_text").expect(200).json();
        assert_eq!((single.get("body_html"), &single["body_text"]), (None, &json!("The first ships left at dawn.")));
        for bad in ["fields=state", "fields=", "include=body_pdf", "nope=1", "section=world", "limit=1", "view=x"] {
            app.anonymous().get(&format!("/v1/articles/a?{bad}")).expect(400);
        }
        let working = app.editor().get("/v1/articles/a?view=working&fields=state,revision").expect(200).json();
        assert_eq!(working, json!({ "state": "published", "revision": 2 }));
    }
}
