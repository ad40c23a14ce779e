//! Lists of articles: filters, orders, pages, what they show, and what they refuse.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{App, Client, both, id};

/// What the articles of a page are called, in order.
fn slugs(page: &Value) -> Vec<String> {
    page["data"]
        .as_array()
        .expect("a page")
        .iter()
        .map(|article| article["slug"].as_str().expect("a slug").to_owned())
        .collect()
}

/// The slugs of the first page of a list.
#[track_caller]
fn listed(app: &App, query: &str) -> String {
    slugs(&app.anonymous().get(&format!("/v1/articles?{query}")).expect(200).json()).join(" ")
}

/// Articles that differ in everything by which they can be filtered; `a` is the oldest, and was changed last.
fn newsroom(app: &App) {
    for input in [
        json!({ "name": "World" }),
        json!({ "name": "Asia", "parent": "world" }),
        json!({ "name": "Iran", "parent": "asia" }),
        json!({ "name": "World cup", "slug": "world-cup" }),
        json!({ "name": "Sport" }),
    ] {
        app.editor().post("/v1/sections", input).expect(201);
    }
    for name in ["Ships", "Storm", "Peace", "Unused"] {
        app.tag(name);
    }
    for name in ["Mina", "Wire", "Nobody"] {
        app.staff(name);
    }
    for (slug, section, tags, authors, featured, language) in [
        ("a", "world", vec!["ships"], vec!["mina"], true, "en"),
        ("b", "asia", vec!["ships", "storm"], vec!["wire"], false, "en"),
        ("c", "iran", vec!["storm"], vec!["mina", "wire"], false, "fa"),
        ("d", "world-cup", vec!["storm", "ships", "peace"], vec![], true, "fa"),
        ("e", "sport", vec![], vec!["wire"], false, "en-GB"),
        ("f", "iran", vec!["peace"], vec!["mina"], true, "en"),
    ] {
        let authors: Vec<Value> =
            authors.into_iter().map(|staff| json!({ "staff": staff, "role": "photographer" })).collect();
        app.published(
            slug,
            json!({ "section": section, "tags": tags, "authors": authors, "featured": featured, "language": language }),
        );
    }
    for (day, slug) in (1..).zip(["a", "b", "c", "d", "e", "f"]) {
        date(app, slug, "published_at", &format!("2026-03-0{day} 12:00:00.000"));
        date(app, slug, "updated_at", &format!("2026-04-0{} 12:00:00.000", 8 - day));
    }
    // A draft and what was withdrawn are in no list.
    app.draft("draft", json!({ "section": "iran", "tags": ["ships"], "featured": true }));
    let gone = app.published(
        "gone",
        json!({ "section": "iran", "tags": ["ships", "unused"], "authors": [{ "staff": "nobody" }] }),
    );
    app.editor().verb(&format!("/v1/articles/{}/withdraw", id(&gone)), "*").expect(200);
}

/// Changes a time of a live article past the server.
fn date(app: &App, slug: &str, column: &str, time: &str) {
    app.database.sql(&format!("UPDATE live_articles SET {column} = '{time}' WHERE slug = '{slug}'"));
    app.database.sql(&format!(
        "UPDATE live_facets SET {column} = '{time}' WHERE article_id IN (SELECT id FROM live_articles WHERE slug = '{slug}')"
    ));
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
            ("", "a b c d draft e f gone mine"),
            ("state=draft", "draft"),
            ("state=in_review", "mine"),
            ("state=withdrawn", "gone"),
            ("state=published&section=asia", "b c f"),
            ("section=iran", "c draft f gone"),
            ("created_by=me&state=draft", "draft"),
            ("trashed=true", ""),
            ("updated_after=2001-01-01T00:00:00Z&state=draft", "draft"),
            ("updated_after=9999-01-01T00:00:00Z", ""),
        ] {
            assert_eq!(listed(app.editor(), query), expected, "{query}");
        }
        assert_eq!(listed(app.admin(), &format!("created_by={editor}&state=draft")), "draft");
        assert_eq!(listed(app.author(), ""), "mine");
        assert_eq!(listed(app.author(), &format!("created_by={editor}")), "");
        assert_eq!(listed(app.colleague(), ""), "");

        // The last changed comes first.
        let page = app.editor().get("/v1/articles?view=working&limit=2").expect(200).json();
        assert_eq!(slugs(&page), ["mine", "gone"]);
    }

    fn what_is_wrong_with_a_query_is_said_and_nothing_is_ignored(app) {
        newsroom(app);
        let many_ids = (0..101).map(|_| uuid()).collect::<Vec<_>>().join(",");
        let two_lots = format!("exclude={0}&exclude={0}", (0..51).map(|_| uuid()).collect::<Vec<_>>().join(","));
        let many_tags = vec!["tag=ships"; 11].join("&");
        for (query, pointers) in [
            ("section=nowhere", vec!["/section"]),
            ("section=", vec!["/section"]),
            ("section=a&section=b", vec!["/section"]),
            ("tag=nope", vec!["/tag"]),
            ("tag=", vec!["/tag"]),
            // No live article has this one.
            ("tag=unused", vec!["/tag"]),
            ("tag=ships&tag=nope", vec!["/tag/1"]),
            ("author=nope", vec!["/author"]),
            ("author=", vec!["/author"]),
            ("author=nope&section=nope&tag=nope", vec!["/author", "/section", "/tag"]),
            ("featured=1", vec!["/featured"]),
            ("featured=", vec!["/featured"]),
            ("language=english", vec!["/language"]),
            ("language=", vec!["/language"]),
            ("published_after=yesterday", vec!["/published_after"]),
            ("published_after=2026-03-03", vec!["/published_after"]),
            ("published_before=2026-03-03T12:00:00", vec!["/published_before"]),
            ("updated_after=99999-01-01T00:00:00Z", vec!["/updated_after"]),
            ("updated_after=", vec!["/updated_after"]),
            ("exclude=", vec!["/exclude"]),
            ("exclude=harbor", vec!["/exclude"]),
            (&format!("exclude={many_ids}"), vec!["/exclude"]),
            (&two_lots, vec!["/exclude"]),
            (&many_tags, vec!["/tag"]),
            ("sort=title", vec!["/sort"]),
            ("sort=", vec!["/sort"]),
            ("sort=-published_at&sort=published_at", vec!["/sort"]),
            ("include=body", vec!["/include"]),
            ("include=", vec!["/include"]),
            ("include=body_html,", vec!["/include"]),
            ("include=revisions", vec!["/include"]),
            ("include=author.user.sessions.token", vec!["/include"]),
            ("fields=", vec!["/fields"]),
            ("fields=id,state", vec!["/fields"]),
            ("fields=view", vec!["/fields"]),
            ("view=draft", vec!["/view"]),
            ("state=draft", vec!["/state"]),
            ("trashed=true&created_by=me", vec!["/created_by", "/trashed"]),
            ("status=draft", vec!["/status"]),
            ("page=2", vec!["/page"]),
            ("offset=20", vec!["/offset"]),
            ("q=harbor", vec!["/q"]),
            ("ids=", vec!["/ids"]),
            ("Limit=5", vec!["/Limit"]),
            ("=", vec!["/"]),
            ("limit=5&nope=1&sort=x", vec!["/nope", "/sort"]),
        ] {
            let answer = app.anonymous().get(&format!("/v1/articles?{query}")).expect(400);
            let mut found = answer.pointers();
            found.sort();
            assert_eq!((answer.problem().as_str(), found), ("invalid_parameter", pointers.iter().map(ToString::to_string).collect()), "{query}");
        }
        for query in ["tag=ships", "author=mina", "published_after=2026-01-01T00:00:00Z", "published_before=2026-01-01T00:00:00Z", "featured=true", "language=en", "sort=published_at"] {
            let answer = app.editor().get(&format!("/v1/articles?view=working&{query}")).expect(400);
            assert_eq!(answer.pointers(), [format!("/{}", query.split('=').next().unwrap())], "{query}");
        }
        for query in ["created_by=editor", "created_by=", "state=live", "trashed=yes", "section=nowhere"] {
            app.editor().get(&format!("/v1/articles?view=working&{query}")).expect(400);
        }
    }

    fn a_limit_is_a_whole_number_from_1_to_100(app) {
        newsroom(app);
        for bad in ["1000000", "101", "0", "-1", "1e3", "1.0", "+5", "%205", "5%20", "", "ten", "99999999999999999999", "0x10", "٥"] {
            let bad = bad.replace('٥', "%D9%A5");
            for path in ["articles", "sections", "staff", "tags"] {
                let (answer, statements) = app.count_statements(|| app.anonymous().get(&format!("/v1/{path}?limit={bad}")).expect(400));
                assert_eq!((answer.pointers(), statements), (vec!["/limit".to_owned()], vec![]), "{path} {bad}");
            }
        }
        app.anonymous().get("/v1/articles?limit=5&limit=6").expect(400);
        for (good, count) in [("1", 1), ("5", 5), ("100", 6)] {
            let page = app.anonymous().get(&format!("/v1/articles?limit={good}")).expect(200).json();
            assert_eq!((page["data"].as_array().unwrap().len(), page["page"]["limit"].to_string().as_str()), (count, good));
        }
        assert_eq!(app.anonymous().get("/v1/articles").expect(200).json()["page"]["limit"], 20);
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

fn uuid() -> String {
    frontpage::ids::ArticleId::generate().to_string()
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.roll(index + 1));
        }
    }
}

/// Articles in shuffled order, many of which were published or changed at the very same moment, and drafts to publish later.
fn shuffled(app: &App, dice: &mut Dice) -> Vec<String> {
    for input in [json!({ "name": "World" }), json!({ "name": "Asia", "parent": "world" }), json!({ "name": "Sport" })]
    {
        app.editor().post("/v1/sections", input).expect(201);
    }
    app.tag("Ships");
    app.staff("Mina");
    let mut numbers: Vec<usize> = (0..26).collect();
    dice.shuffle(&mut numbers);
    let mut drafts = Vec::new();
    for (place, number) in numbers.into_iter().enumerate() {
        let more = json!({
            "section": (["world", "asia", "sport"][dice.roll(3)]),
            "tags": if dice.roll(2) == 0 { json!(["ships"]) } else { json!([]) },
            "authors": if dice.roll(2) == 0 { json!([{ "staff": "mina" }]) } else { json!([]) },
            "featured": dice.roll(2) == 0,
        });
        let slug = format!("n{number}");
        if place < 20 {
            app.published(&slug, more);
            date(app, &slug, "published_at", &format!("2026-03-01 12:00:00.00{}", dice.roll(5)));
            date(app, &slug, "updated_at", &format!("2026-03-02 12:00:00.00{}", dice.roll(5)));
        } else {
            drafts.push(id(&app.draft(&slug, more)));
        }
    }
    drafts
}

/// Walks from a page to the last (or first) one; does something between pages.
fn walk(client: &Client, mut page: Value, query: &str, way: &str, mut between: impl FnMut()) -> (Vec<String>, Value) {
    let mut seen = slugs(&page);
    while let Some(cursor) = page["page"][way].as_str() {
        between();
        page = client.get(&format!("/v1/articles?{query}&cursor={cursor}")).expect(200).json();
        let found = slugs(&page);
        assert!(!found.is_empty(), "{query}: an empty page {way}");
        if way == "next" { seen.extend(found) } else { seen.splice(0..0, found).for_each(drop) }
    }
    (seen, page)
}

both! {
    fn pages_show_everything_once_in_order_there_and_back(app) {
        let mut dice = Dice(1);
        shuffled(app, &mut dice);
        let client = app.anonymous();
        for sort in ["-published_at", "published_at", "-updated_at"] {
            for filter in ["", "&section=world", "&tag=ships", "&author=mina&featured=true", "&updated_after=2026-03-02T12:00:00.002Z&section=asia"] {
                let all = client.get(&format!("/v1/articles?limit=100&sort={sort}{filter}")).expect(200).json();
                let expected = slugs(&all);
                let mut in_order: Vec<(String, String)> = all["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|article| (article[sort.trim_start_matches('-')].to_string(), article["id"].to_string()))
                    .collect();
                let found = in_order.clone();
                in_order.sort();
                if sort.starts_with('-') {
                    in_order.reverse();
                }
                assert_eq!(found, in_order, "{sort}{filter}");
                assert_eq!((&all["page"]["next"], &all["page"]["prev"]), (&Value::Null, &Value::Null), "{sort}{filter}");
                for limit in [1, 3, 7] {
                    let query = format!("sort={sort}{filter}&limit={limit}");
                    let first = client.get(&format!("/v1/articles?{query}")).expect(200).json();
                    assert_eq!(first["page"]["prev"], Value::Null, "{query}");
                    let (seen, last) = walk(&client, first, &query, "next", || {});
                    assert_eq!(seen, expected, "{query}");
                    let (seen, _) = walk(&client, last, &query, "prev", || {});
                    assert_eq!(seen, expected, "{query} back");
                }
            }
        }
    }

    fn nothing_is_shown_twice_or_lost_while_articles_are_published(app) {
        let mut dice = Dice(2);
        let mut drafts = shuffled(app, &mut dice);
        let client = app.anonymous();
        for (sort, filter) in [("-published_at", ""), ("published_at", ""), ("-updated_at", ""), ("-published_at", "&section=world"), ("published_at", "&tag=ships")] {
            let before = slugs(&client.get(&format!("/v1/articles?limit=100&sort={sort}{filter}")).expect(200).json());
            let query = format!("sort={sort}{filter}&limit=4");
            let first = client.get(&format!("/v1/articles?{query}")).expect(200).json();
            let mut published = false;

            let publish_one = || {
                if !std::mem::replace(&mut published, true) && let Some(draft) = drafts.pop() {
                    app.editor().verb(&format!("/v1/articles/{draft}/publish"), "*").expect(200);
                }
            };
            let (seen, last) = walk(&client, first, &query, "next", publish_one);

            let unique: BTreeSet<&String> = seen.iter().collect();
            assert_eq!(unique.len(), seen.len(), "{query}: shown twice");
            let old: Vec<&String> = seen.iter().filter(|slug| before.contains(slug)).collect();
            assert_eq!(old, before.iter().collect::<Vec<_>>(), "{query}: lost");
            // On the way back the new ones are there as well, at their places.
            let (seen, _) = walk(&client, last, &query, "prev", || {});
            let now = slugs(&client.get(&format!("/v1/articles?limit=100&sort={sort}{filter}")).expect(200).json());
            assert_eq!(seen, now, "{query} back");
        }
    }

    fn nothing_is_lost_while_articles_are_withdrawn_even_the_one_at_the_page_end(app) {
        let mut dice = Dice(3);
        shuffled(app, &mut dice);
        let client = app.anonymous();
        let before = slugs(&client.get("/v1/articles?limit=100").expect(200).json());
        let first = client.get("/v1/articles?limit=4").expect(200).json();
        for slug in [&before[3], &before[9]] {
            let article = client.get(&format!("/v1/articles/{slug}")).expect(200);
            app.editor().verb(&format!("/v1/articles/{}/withdraw", id(&article)), "*").expect(200);
        }

        let (seen, _) = walk(&client, first, "limit=4", "next", || {});

        let expected: Vec<String> = before.iter().filter(|slug| **slug != before[9]).cloned().collect();
        assert_eq!(seen, expected);
    }

    fn the_desk_has_pages_too(app) {
        let mut dice = Dice(4);
        shuffled(app, &mut dice);
        app.database.sql("UPDATE articles SET updated_at = '2026-03-01 12:00:00.000' WHERE slug <> 'n3'");
        let client = app.editor();
        let all = slugs(&client.get("/v1/articles?view=working&limit=100").expect(200).json());
        assert_eq!((all.len(), all[0].as_str()), (26, "n3"));
        let first = client.get("/v1/articles?view=working&limit=4").expect(200).json();

        let (seen, last) = walk(&client, first.clone(), "view=working&limit=4", "next", || {});
        assert_eq!(seen, all);
        let (seen, _) = walk(&client, last, "view=working&limit=4", "prev", || {});
        assert_eq!(seen, all);
        // A cursor belongs to who got it.
        let cursor = first["page"]["next"].as_str().unwrap();
        app.admin().get(&format!("/v1/articles?view=working&limit=4&cursor={cursor}")).expect(400);
    }

    fn a_cursor_that_was_altered_or_is_from_elsewhere_is_refused(app) {
        newsroom(app);
        let client = app.anonymous();
        let page = client.get("/v1/articles?limit=2&section=world").expect(200).json();
        let cursor = page["page"]["next"].as_str().unwrap().to_owned();
        let good = format!("/v1/articles?limit=2&section=world&cursor={cursor}");
        client.get(&good).expect(200);
        // How much is shown does not make it another list.
        client.get(&format!("/v1/articles?limit=1&fields=id&include=body_text&section=world&cursor={cursor}")).expect(200);
        client.get(&format!("/v1/articles?sort=-published_at&view=live&section=world&cursor={cursor}")).expect(200);

        for query in ["", "section=asia", "section=world&sort=published_at", "section=world&sort=-updated_at", "section=world&featured=true", "section=world&tag=ships"] {
            assert_eq!(client.get(&format!("/v1/articles?{query}&cursor={cursor}")).expect(400).problem(), "invalid_cursor", "{query}");
        }
        let foreign = client.get("/v1/sections?limit=1").expect(200).json()["page"]["next"].as_str().unwrap().to_owned();
        let mut bad = vec![String::new(), "x".into(), "AAAA".into(), foreign, format!("{cursor}A"), format!("{cursor}="), cursor[1..].to_owned(), cursor.to_lowercase(), "%00".into(), "a".repeat(4000)];
        for index in 0..cursor.len() {
            let mut altered = cursor.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            bad.push(String::from_utf8(altered).unwrap());
        }
        for cursor in bad {
            let answer = client.get(&format!("/v1/articles?limit=2&section=world&cursor={cursor}")).expect(400);
            assert!(["invalid_cursor", "bad_request"].contains(&answer.problem().as_str()), "{cursor}");
        }
        let cursor = client.get("/v1/articles?limit=2").expect(200).json()["page"]["next"].as_str().unwrap().to_owned();
        for path in ["sections", "staff", "tags"] {
            assert_eq!(client.get(&format!("/v1/{path}?cursor={cursor}")).expect(400).problem(), "invalid_cursor", "{path}");
        }
    }

    fn link_headers_lead_to_the_neighboring_pages_and_keep_the_query(app) {
        newsroom(app);
        let link = |answer: &crate::support::Response, rel: &str| {
            let header = answer.header("link").unwrap_or_default().to_owned();
            header.split(", ").find_map(|link| {
                let (target, found) = link.strip_prefix('<')?.split_once(">; rel=")?;
                (found == format!("\"{rel}\"")).then(|| target.to_owned())
            })
        };
        for (client, query) in [(app.anonymous(), "section=world&fields=slug&limit=1"), (app.editor(), "view=working&fields=slug&limit=1&state=published")] {
            let all = slugs(&client.get(&format!("/v1/articles?{}", query.replace("limit=1", "limit=50"))).expect(200).json());
            let mut answer = client.get(&format!("/v1/articles?{query}")).expect(200);
            assert_eq!(link(&answer, "prev"), None);
            let mut seen = slugs(&answer.json());
            while let Some(next) = link(&answer, "next") {
                let cursor = answer.json()["page"]["next"].as_str().unwrap().to_owned();
                assert_eq!(next, format!("/v1/articles?{query}&cursor={cursor}"));
                answer = client.get(&next).expect(200);
                seen.extend(slugs(&answer.json()));
            }
            assert_eq!((seen, answer.json()["page"]["next"].clone()), (all, Value::Null));
            let back = client.get(&link(&answer, "prev").unwrap()).expect(200);
            assert!(link(&back, "next").is_some());
        }
        let evil = app.anonymous().get("/v1/articles?limit=1&fields=%3E%22;rel=x").expect(400);
        assert_eq!(evil.header("link"), None);
    }

    fn neither_secret_columns_nor_sql_can_be_reached_through_a_list(app) {
        newsroom(app);
        let refused = |path: &str| {
            let (answer, statements) = app.count_statements(|| app.anonymous().get(path).expect(400));
            assert_eq!(statements, Vec::<String>::new(), "{path}");
            let mut problem = answer.json();
            problem["instance"] = Value::Null;
            problem.to_string()
        };
        // What exists in the tables and what exists nowhere are refused in the same words.
        for list in ["/v1/staff", "/v1/articles", "/v1/sections", "/v1/tags"] {
            for pattern in ["filter[X][starts_with]=$a", "filter[X]=a", "sort=X", "fields=X", "X=a", "filter[author.user.X]=a", "sort=users.X", "where[updatedBy][X][$startsWith]=a"] {
                let of = |column: &str| refused(&format!("{list}?{}", pattern.replace('X', column))).replace(column, "X");
                let nowhere = of("no_such_field");
                for column in ["password_hash", "email", "content"] {
                    assert_eq!(of(column), nowhere, "{list} {pattern} {column}");
                }
            }
        }
        for query in ["filter[section][in]=", "ids=", "filter[slug][in]=a'),(select+1)--", "sort=title);--", "sort=published_at;drop+table+articles", "where[updatedBy][resetPasswordToken][$startsWith]=a"] {
            refused(&format!("/v1/articles?{query}"));
        }
        // In a value that is looked up, SQL is a name like any other.
        for value in ["a'),(select+1)--", "'+or+1=1--", "%25", "_", "\\"] {
            for name in ["section", "tag", "author"] {
                let answer = app.anonymous().get(&format!("/v1/articles?{name}={value}")).expect(400);
                assert_eq!(answer.pointers(), [format!("/{name}")], "{name}={value}");
            }
        }
        for value in ["%25", "_", "'--"] {
            let answer = app.anonymous().get(&format!("/v1/tags?prefix=s{value}"));
            assert!(answer.status == 200 && answer.json()["data"].as_array().unwrap().iter().all(|tag| tag["slug"].as_str().unwrap().starts_with('s')), "{value}");
        }
    }

    fn more_than_anybody_needs_is_refused_before_the_database_is_asked(app) {
        let deep = format!("filter{}=1", "[a]".repeat(1000));
        let many = (0..10_000).map(|number| format!("p{number}=1")).collect::<Vec<_>>().join("&");
        let some = (0..101).map(|number| format!("p{number}=1")).collect::<Vec<_>>().join("&");
        let ids = format!("exclude={}", (0..20_000).map(|_| "0").collect::<Vec<_>>().join(","));
        for (query, status) in [
            (deep, 400),
            (many, 414),
            (some, 400),
            (ids, 414),
            (format!("cursor={}", "a".repeat(70_000)), 414),
            (format!("include={}", ["author"; 5].join(".")), 400),
            (format!("fields={}", "id,".repeat(1000) + "id"), 200),
        ] {
            let (_, statements) = app.count_statements(|| app.anonymous().get(&format!("/v1/articles?{query}")).expect(status));
            assert!(status == 200 || statements.is_empty(), "{query:.80}");
        }
        app.anonymous().get(&format!("/v1/articles/{}", "a".repeat(70_000))).expect(414);
    }
}
