//! Many people at once: nothing is lost, nothing is done twice, and who loses is told so (P2, R5).

use std::{collections::HashSet, sync::Barrier, thread};

use serde_json::{Value, json};

use crate::support::{
    App, Backend, Client, Response, both,
    hold::{Hold, until_somebody_waits_for},
    id, postgres,
};

/// Does the same with each of some clients at the same moment.
fn at_once<T: Send, C: Sync>(clients: &[C], work: impl Fn(usize, &C) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(clients.len());
    thread::scope(|scope| {
        let (barrier, work) = (&barrier, &work);
        let start = |(index, client)| {
            scope.spawn(move || {
                barrier.wait();
                work(index, client)
            })
        };
        let threads: Vec<_> = clients.iter().enumerate().map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn statuses(answers: &[Response]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

/// Reads the article and adds one to its counter, until that lands; returns how often it lost.
fn count_up(client: &Client, path: &str) -> usize {
    let mut lost = 0;
    loop {
        let read = client.get(&format!("{path}?view=working")).expect(200);
        let counter = read.json()["extensions"]["counter"].as_i64().unwrap();
        let patch = json!({ "extensions": { "counter": counter + 1 }, "title": format!("Counted to {}", counter + 1) });
        let answer = client.patch(path, &read.etag(), patch);
        match answer.status {
            200 => return lost,
            // Put off, on a machine that stands still for a moment: nothing was done.
            503 => continue,
            _ => {}
        }
        let problem = answer.expect(412).json();
        let members = &problem["members"]["/extensions/counter"];
        let theirs = if members.is_null() { &problem["members"]["extensions"] } else { members };
        assert!(!theirs.is_null() && problem["current_etag"].is_string(), "{problem}");
        lost += 1;
    }
}

both! {
    fn fifty_editors_of_one_article_lose_nothing(app) {
        let draft = app.draft("Counted to 0", json!({ "extensions": { "counter": 0 } }));
        let path = format!("/v1/articles/{}", id(&draft));
        // On PostgreSQL through two servers, as in production.
        let other = (app.database.backend == Backend::Postgres).then(|| App::start_on(app.database.clone(), &[]));
        let servers = [app, other.as_ref().unwrap_or(app)];
        let clients: Vec<Client> = (0..50).map(|index| servers[index % 2].editor()).collect();

        let lost: usize = at_once(&clients, |_, client| count_up(client, &path)).into_iter().sum();

        let article = app.editor().get(&format!("{path}?view=working")).expect(200).json();
        assert_eq!(article["extensions"]["counter"], 50, "{lost} attempts lost");
        assert_eq!(article["title"], "Counted to 50");
        assert_eq!(article["revision"], 51);
        let revisions = "SELECT CAST(COUNT(*) AS TEXT) || ' from ' || CAST(MIN(number) AS TEXT) || ' to ' \
                         || CAST(MAX(number) AS TEXT) AS line FROM article_revisions";
        assert_eq!(app.database.sql(revisions), "51 from 1 to 51");
    }

    fn of_many_writes_with_one_etag_one_lands(app) {
        let draft = app.draft("Once", json!({}));
        let path = format!("/v1/articles/{}", id(&draft));
        let clients = vec![app.editor(); 12];

        let answers = at_once(&clients, |index, client| {
            client.patch(&path, &draft.etag(), json!({ "title": format!("Of {index}") }))
        });

        assert_eq!(statuses(&answers), [[200].as_slice(), &[412; 11]].concat());
    }

    fn articles_of_one_title_get_slugs_of_their_own(app) {
        let clients = vec![app.author(); 20];

        let answers = at_once(&clients, |_, client| client.post("/v1/articles", json!({ "title": "Harbor reopens" })));

        assert_eq!(statuses(&answers), [201; 20]);
        let slugs: HashSet<String> =
            answers.iter().map(|answer| answer.json()["slug"].as_str().unwrap().to_owned()).collect();
        assert_eq!(slugs.len(), 20, "{slugs:?}");
        assert!(slugs.iter().all(|slug| slug.starts_with("harbor-reopens")), "{slugs:?}");
    }

    fn a_write_that_is_refused_takes_none_with_it_that_came_at_the_same_time(app) {
        app.draft("Taken", json!({ "slug": "taken" }));
        let clients = vec![app.author(); 24];

        let answers = at_once(&clients, |index, client| {
            let slug = if index % 3 == 0 { "taken".to_owned() } else { format!("slug-{index}") };
            client.post("/v1/articles", json!({ "title": format!("Of {index}"), "slug": slug }))
        });

        for (index, answer) in answers.iter().enumerate() {
            if index % 3 == 0 {
                assert_eq!(answer.problem(), "slug_taken", "{index}");
            } else {
                assert_eq!(answer.status, 201, "{}", answer.text());
                let path = answer.header("location").unwrap();
                let article = app.editor().get(&format!("{path}?view=working")).expect(200).json();
                assert_eq!(article["slug"], format!("slug-{index}"));
            }
        }
        let all = "SELECT CAST(COUNT(*) AS TEXT) AS line FROM articles";
        assert_eq!(app.database.sql(all), "17", "16 of 24, and the one whose slug it was");
        let entries = "SELECT CAST(COUNT(*) AS TEXT) AS line FROM audit WHERE action = 'article.created'";
        assert_eq!(app.database.sql(entries), "17", "who was refused left no trace");
    }

    fn tags_of_one_slug_have_one_owner(app) {
        let clients = vec![app.editor(); 10];

        let answers =
            at_once(&clients, |_, client| client.post("/v1/tags", json!({ "name": "Harbor", "slug": "harbor" })));

        assert_eq!(statuses(&answers), [[201].as_slice(), &[409; 9]].concat());
        for refused in answers.iter().filter(|answer| answer.status == 409) {
            assert_eq!(refused.problem(), "slug_taken");
        }
    }

    fn an_article_never_has_a_tag_that_is_in_the_trash(app) {
        let editor = app.editor();
        for round in 0..12 {
            let tag = editor.post("/v1/tags", json!({ "name": format!("Tag {round}") })).expect(201);
            let draft = app.draft(&format!("Draft {round}"), json!({}));
            let (tag_path, path) = (format!("/v1/tags/{}", id(&tag)), format!("/v1/articles/{}", id(&draft)));

            let answers = at_once(&[editor.clone(), editor.clone()], |index, client| match index {
                0 => client.delete(&tag_path, &tag.etag()),
                _ => client.patch(&path, &draft.etag(), json!({ "tags": [id(&tag)] })),
            });

            let [trashed, tagged] = answers.as_slice() else { unreachable!() };
            match (trashed.status, tagged.status) {
                (204, 422) => assert_eq!(tagged.pointers(), ["/tags/0"]),
                (409, 200) => assert_eq!(trashed.problem(), "in_use"),
                other => panic!("trashing and tagging answered {other:?}: {} {}", trashed.text(), tagged.text()),
            }
        }
        let both = "SELECT CAST(COUNT(*) AS TEXT) AS line FROM article_tags \
                    JOIN tags ON tags.id = article_tags.tag_id WHERE tags.trashed_at IS NOT NULL";
        assert_eq!(app.database.sql(both), "0");
    }

    fn two_sections_that_move_below_each_other_do_not_make_a_ring(app) {
        for round in 0..8 {
            let sections = ["a", "b"].map(|name| app.section(&format!("{name}{round}")));
            let ids = sections.each_ref().map(|section| section["id"].as_str().unwrap());

            let answers = at_once(&[app.editor(), app.editor()], |index, client| {
                client.patch(&format!("/v1/sections/{}", ids[index]), "*", json!({ "parent": ids[1 - index] }))
            });

            assert_eq!(statuses(&answers), [200, 422], "{} {}", answers[0].text(), answers[1].text());
            let tree = app.anonymous().get("/v1/sections?tree=true").expect(200).json();
            let top: Vec<&str> = tree["data"].as_array().unwrap().iter().map(|section| section["id"].as_str().unwrap()).collect();
            assert_eq!(ids.iter().filter(|id| top.contains(id)).count(), 1, "one is at the top, the other below it");
        }
    }

    fn nothing_stays_in_a_section_or_with_an_author_that_is_in_the_trash(app) {
        let editor = app.editor();
        for round in 0..8 {
            let section = editor.post("/v1/sections", json!({ "name": format!("Section {round}") })).expect(201);
            let profile = editor.post("/v1/staff", json!({ "name": format!("Profile {round}") })).expect(201);
            let draft = app.draft(&format!("Draft {round}"), json!({}));
            let path = format!("/v1/articles/{}", id(&draft));
            let patch = json!({ "section": id(&section), "authors": [{ "staff": id(&profile) }] });

            let answers = at_once(&vec![editor.clone(); 4], |index, client| match index {
                0 => client.delete(&format!("/v1/sections/{}", id(&section)), "*"),
                1 => client.delete(&format!("/v1/staff/{}", id(&profile)), "*"),
                2 => client.post("/v1/sections", json!({ "name": format!("Below {round}"), "parent": id(&section) })),
                _ => client.patch(&path, "*", patch.clone()),
            });

            let [section, profile, below, article] = answers.as_slice() else { unreachable!() };
            let is_used = below.status == 201 || article.status == 200;
            assert_eq!(section.status, if is_used { 409 } else { 204 }, "{} {} {}", section.text(), below.text(), article.text());
            assert_eq!(profile.status, if article.status == 200 { 409 } else { 204 }, "{} {}", profile.text(), article.text());
            assert!(matches!((below.status, article.status), (201 | 422, 200 | 422)), "{} {}", below.text(), article.text());
        }
    }

    fn an_article_is_published_once(app) {
        app.section("World");
        let draft = app.draft("Harbor reopens", json!({ "section": "world" }));
        let path = format!("/v1/articles/{}/publish", id(&draft));
        let clients = vec![app.editor(); 10];

        let answers = at_once(&clients, |_, client| client.verb(&path, &draft.etag()));

        assert_eq!(statuses(&answers), [[200].as_slice(), &[412; 9]].concat());
        let changes = "SELECT kind AS line FROM changes WHERE resource = 'article'";
        assert_eq!(app.database.sql(changes), "published");
    }

    fn one_of_the_last_two_administrators_stays(app) {
        let admin = app.admin();
        for round in 0..4 {
            let email = format!("second{round}@newsroom.test");
            let second = json!({ "email": email, "name": "Second", "role": "admin", "password": "nine ladders lean on one wall" });
            admin.post("/v1/users", second).expect(201);
            let token = app.login(&email, "nine ladders lean on one wall").expect(200).json();
            let clients = [admin.clone(), admin.with_token(token["access_token"].as_str().unwrap())];
            let accounts = admins(&admin);
            assert_eq!(accounts.len(), 2, "{accounts:?}");
            let of = |email: &str| accounts.iter().find(|user| user["email"] == email).unwrap()["id"].as_str().unwrap();
            let targets = [of(&email), of("admin@newsroom.test")];
            let etags = targets.map(|user| admin.get(&format!("/v1/users/{user}")).expect(200).etag());

            let answers = at_once(&clients, |index, client| {
                client.patch(&format!("/v1/users/{}", targets[index]), &etags[index], json!({ "role": "editor" }))
            });

            let statuses = statuses(&answers);
            // Who was demoted before being heard has no right any more.
            assert!(matches!(statuses.as_slice(), [200, 403 | 409]), "{statuses:?} {} {}", answers[0].text(), answers[1].text());
            let n_admins = "SELECT CAST(COUNT(*) AS TEXT) AS line FROM users WHERE role = 'admin'";
            assert_eq!(app.database.sql(n_admins), "1");
            // Back to the first one alone.
            app.database.sql("UPDATE users SET role = 'editor' WHERE role = 'admin'");
            app.database.sql("UPDATE users SET role = 'admin' WHERE email = 'admin@newsroom.test'");
        }
    }
}

fn admins(client: &Client) -> Vec<Value> {
    let users = client.get("/v1/users?limit=100").expect(200).json();
    users["data"].as_array().unwrap().iter().filter(|user| user["role"] == "admin").cloned().collect()
}

/// The interleaving that the random rounds above may miss: the article has read the tag, then the tag is trashed.
#[test]
fn a_tag_that_is_trashed_while_an_article_takes_it_is_noticed() {
    if postgres::cluster().is_err() {
        return;
    }
    let app = App::start(Backend::Postgres);
    let editor = app.editor();
    let tag = editor.post("/v1/tags", json!({ "name": "Harbor" })).expect(201);
    let draft = app.draft("Draft", json!({}));
    let path = format!("/v1/articles/{}", id(&draft));
    let hold = Hold::on(&app.database, "article_tags");

    let tagged = thread::scope(|scope| {
        let tagging = scope.spawn(|| editor.patch(&path, &draft.etag(), json!({ "tags": [id(&tag)] })));
        until_somebody_waits_for(&app.database, "article_tags");
        editor.delete(&format!("/v1/tags/{}", id(&tag)), &tag.etag()).expect(204);
        hold.release();
        tagging.join().unwrap()
    });

    assert_eq!(tagged.expect(422).pointers(), ["/tags/0"]);
}
