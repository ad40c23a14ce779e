//! What each format says, and that all say the same.

use serde_json::json;

use super::{FORMATS, PUBLIC, ids, known, listed, read, rich, titles};
use crate::{
    lists::newsroom,
    support::{both, dice::Dice, id},
};

both! {
    fn an_article_is_the_same_item_in_every_format(app) {
        let article = rich(app);
        let app = known(app);
        let live = app.anonymous().get("/v1/articles/harbor").expect(200).json();
        for format in FORMATS {
            let feed = read(&app, &format!("/feeds/articles.{format}"));
            assert_eq!(feed.title.as_ref().unwrap().content, "The Tamarisk Post", "{format}");
            assert_eq!(feed.language.as_deref(), Some("en"), "{format}");
            assert!(feed.links.iter().any(|link| link.href == format!("{PUBLIC}/feeds/articles.{format}")), "{format}: {:?}", feed.links);
            let [entry] = feed.entries.as_slice() else { panic!("{format}: {} items", feed.entries.len()) };
            assert_eq!(entry.id, format!("urn:uuid:{}", id(&article)), "{format}");
            assert_eq!(entry.title.as_ref().unwrap().content, "Harbor \"reopens\" & <ships> leave", "{format}");
            assert_eq!(entry.links[0].href, "https://www.newsroom.test/world/asia/harbor", "{format}");
            // RSS has nothing but HTML there.
            let summary = if format == "rss" { "The first &lt;ships&gt; left &amp; more." } else { "The first <ships> left & more." };
            assert_eq!(entry.summary.as_ref().unwrap().content, summary, "{format}");
            let names: Vec<&str> = entry.authors.iter().map(|author| author.name.as_deref().unwrap()).collect();
            assert_eq!(names, ["Mina Okafor", "Wire"], "{format}");
            let millis = |time: Option<chrono::DateTime<chrono::Utc>>| time.unwrap().timestamp();
            let time = |name: &str| frontpage::clock::Instant::parse(live[name].as_str().unwrap()).unwrap().seconds();
            assert_eq!(millis(entry.published), time("first_published_at"), "{format}");
            if format != "rss" {
                assert_eq!(millis(entry.updated), time("updated_at"), "{format}");
            }
            let html = entry.content.as_ref().and_then(|content| content.body.clone()).unwrap();
            assert!(html.contains("<a href=\"https://www.newsroom.test/about\">us</a>") && html.contains("]]&gt; the end.</p>"), "{format}: {html}");
            assert!(html.contains("src=\"https://www.newsroom.test/quay.jpg\""), "{format}: {html}");
        }
    }

    fn rss_says_what_readers_of_rss_look_for(app) {
        rich(app);
        let app = known(app);
        let answer = app.anonymous().get("/feeds/articles.rss").expect(200);
        assert_eq!(answer.header("content-type"), Some("application/rss+xml; charset=utf-8"));
        let text = answer.text();
        for part in [
            "<guid isPermaLink=\"false\">urn:uuid:", " +0000</pubDate>", "<dcterms:modified>", "<dc:creator>Mina Okafor</dc:creator><dc:creator>Wire</dc:creator>",
            "<category>World/Asia &amp; Pacific</category><category>Ships</category><category>Storm &amp; rain</category>",
            "<media:content url=\"https://www.newsroom.test/quay.jpg\" type=\"image/jpeg\" medium=\"image\" width=\"1600\" height=\"900\">",
            "<description>The first &amp;lt;ships&amp;gt; left &amp;amp; more.</description>", "<media:description type=\"plain\">The quay.</media:description>", ">Mina Rad</media:credit>", "<lastBuildDate>",
            "<atom:link rel=\"self\" type=\"application/rss+xml\" href=\"https://api.newsroom.test/feeds/articles.rss\"/>", "<link>https://www.newsroom.test/</link>",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        // Readers that know only one of the two take the first for the summary.
        assert!(text.rfind("</description>").unwrap() < text.find("<content:encoded>").unwrap());
        assert!(!text.contains("+00:00<") && !text.contains("GMT"));
    }

    fn what_rss_says_of_itself_is_text_and_what_it_says_of_an_article_is_html(app) {
        app.editor().post("/v1/sections", json!({ "name": "Storm", "slug": "storm", "description": "Wind & <rain>" })).expect(201);
        app.published("One", json!({ "section": "storm", "excerpt": "\"Wind\" & <rain>" }));
        let text = app.anonymous().get("/feeds/sections/storm.rss").expect(200).text();
        let descriptions: Vec<&str> = text.split("<description>").skip(1).map(|part| part.split_once("</description>").unwrap().0).collect();
        assert_eq!(descriptions, ["Wind &amp; &lt;rain&gt;", "\"Wind\" &amp;amp; &amp;lt;rain&amp;gt;"], "{text}");
    }

    fn atom_and_json_say_what_their_readers_look_for(app) {
        rich(app);
        let app = known(app);
        let atom = app.anonymous().get("/feeds/articles.atom").expect(200);
        assert_eq!(atom.header("content-type"), Some("application/atom+xml; charset=utf-8"));
        let text = atom.text();
        for part in [
            "xml:lang=\"en\"", "<content type=\"html\">&lt;p&gt;", "<category term=\"world/asia\" label=\"World/Asia &amp; Pacific\"/>",
            "<link rel=\"self\" type=\"application/atom+xml\" href=\"https://api.newsroom.test/feeds/articles.atom\"/>", "<published>", "<updated>",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        let json = app.anonymous().get("/feeds/articles.json").expect(200);
        assert_eq!(json.header("content-type"), Some("application/feed+json; charset=utf-8"));
        let feed = json.json();
        assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
        assert_eq!(feed["feed_url"], format!("{PUBLIC}/feeds/articles.json"));
        let item = &feed["items"][0];
        assert_eq!(item["tags"], json!(["Ships", "Storm & rain"]));
        assert_eq!(item["image"], "https://www.newsroom.test/quay.jpg");
        assert_eq!(item["_frontpage"]["images"][0]["credit"], "Mina Rad");
        assert_eq!(item["_frontpage"]["section"], "World/Asia & Pacific");
        assert_eq!(item["_frontpage"]["kicker"], "Exclusive");
    }

    fn all_formats_carry_the_items_of_the_list_in_its_order_whatever_the_filters(app) {
        newsroom(app);
        let mut dice = Dice(61);
        let choices: [&[&str]; 7] = [
            &["section=world", "section=asia", "section=iran", "section=sport"],
            &["tag=ships", "tag=storm", "tag=peace"],
            &["tag=ships", "tag=storm"],
            &["author=mina", "author=wire", "author=nobody"],
            &["featured=true", "featured=false"],
            &["language=en", "language=fa", "language=en-GB"],
            &["published_after=2026-03-02T12:00:00Z", "published_before=2026-03-05T00:00:00Z", "updated_after=2026-04-03T00:00:00Z"],
        ];
        let mut n_items = 0;
        for round in 0..20 {
            // Few filters at a time, or nothing is left.
            let mut filters: Vec<&str> = dice.some(&choices).into_iter().take(round % 3).map(|choice| *dice.one(choice)).collect();
            let limit = format!("limit={}", 1 + dice.roll(6));
            filters.push(&limit);
            let query = filters.join("&");
            let expected = listed(app, &query);
            n_items += expected.len();
            for format in FORMATS {
                assert_eq!(ids(&read(app, &format!("/feeds/articles.{format}?{query}"))), expected, "{format}: {query}");
            }
        }
        assert!(n_items > 20, "{n_items} items");
    }

    fn sections_tags_and_staff_have_feeds_of_their_own(app) {
        newsroom(app);
        let id_of = |path: &str| app.anonymous().get(path).expect(200).json()["id"].as_str().unwrap().to_owned();
        for (path, query, expected) in [
            ("/feeds/sections/world".to_owned(), "", "f c b a"),
            (format!("/feeds/sections/{}", id_of("/v1/sections/iran")), "", "f c"),
            ("/feeds/sections/world".to_owned(), "?author=mina&featured=true", "f a"),
            ("/feeds/sections/world".to_owned(), "?section=asia", "f c b"),
            ("/feeds/tags/ships".to_owned(), "", "d b a"),
            ("/feeds/tags/ships".to_owned(), "?tag=storm", "d b"),
            (format!("/feeds/tags/{}", id_of("/v1/tags/peace")), "", "f d"),
            ("/feeds/staff/mina".to_owned(), "", "f c a"),
            ("/feeds/staff/mina".to_owned(), "?language=fa", "c"),
            ("/feeds/staff/nobody".to_owned(), "", ""),
            ("/feeds/articles".to_owned(), "?limit=2", "f e"),
        ] {
            for format in FORMATS {
                assert_eq!(titles(&read(app, &format!("{path}.{format}{query}"))), expected, "{path}.{format}{query}");
            }
        }
        let feed = read(&known(app), "/feeds/sections/iran.atom");
        assert_eq!(feed.title.unwrap().content, "The Tamarisk Post: Iran");
    }

    fn whatever_a_text_says_a_feed_is_well_formed_and_says_it_too(app) {
        app.editor().post("/v1/sections", json!({ "name": "]]><x/> & \u{fffe}World", "slug": "world" })).expect(201);
        app.editor().post("/v1/staff", json!({ "name": "<b>Mina</b> ]]> \u{ffff}&", "slug": "mina" })).expect(201);
        let title = "]]><x/> & < \u{fffe}\u{ffff} &amp; \u{1f600} \u{e000}'\"";
        app.published(title, json!({
            "slug": "odd", "authors": [{ "staff": "mina" }], "excerpt": "a\tb\n]]> \u{fffe}<script>alert(1)</script>",
            "body_html": "<p>]]&gt; &lt;x/&gt; &amp;amp; \u{e000}</p>",
        }));
        let legal = |text: &str| text.replace(['\u{fffe}', '\u{ffff}'], "");
        for format in FORMATS {
            // The judge of answers reads the document, too.
            let feed = read(app, &format!("/feeds/sections/world.{format}"));
            let entry = &feed.entries[0];
            let seen = legal(&entry.title.as_ref().unwrap().content);
            assert_eq!(seen, legal(title), "{format}");
            assert_eq!(legal(entry.authors[0].name.as_deref().unwrap()), "<b>Mina</b> ]]> &", "{format}");
            let html = entry.content.as_ref().and_then(|content| content.body.clone()).unwrap();
            assert_eq!(legal(&html), "<p>]]&gt; &lt;x/&gt; &amp;amp; \u{e000}</p>", "{format}");
        }
        let long = "x".repeat(5_000_000);
        app.editor().request("POST", "/v1/articles").json(&json!({ "title": long })).send().expect(413);
    }

    fn an_item_keeps_its_id_whatever_its_slug_and_host(app) {
        let article = rich(app);
        let path = format!("/v1/articles/{}", id(&article));
        let ids_of = |app: &crate::support::App| FORMATS.map(|format| {
            let feed = read(app, &format!("/feeds/sections/asia.{format}"));
            (feed.id.clone(), ids(&feed), feed.entries[0].published)
        });
        let before = ids_of(&known(app));
        app.editor().patch(&path, "*", json!({ "slug": "another-harbor", "title": "Another" })).expect(200);
        app.editor().verb(&format!("{path}/publish"), "*").expect(200);
        app.editor().patch("/v1/sections/asia", "*", json!({ "slug": "orient" })).expect(200);
        let elsewhere = crate::support::App::start_on(app.database.clone(), &[
            ("FRONTPAGE_PUBLIC_URL", "https://other.test"), ("FRONTPAGE_ARTICLE_URL", "https://elsewhere.test/{id}"), ("FRONTPAGE_SITE_NAME", "Other"),
        ]);
        // The former address leads on.
        for format in FORMATS {
            let moved = elsewhere.anonymous().get(&format!("/feeds/sections/asia.{format}?limit=5")).expect(301);
            assert_eq!(moved.header("location"), Some(format!("/feeds/sections/orient.{format}?limit=5").as_str()));
        }
        let after = FORMATS.map(|format| {
            let feed = read(&elsewhere, &format!("/feeds/sections/orient.{format}"));
            assert_eq!(titles(&feed), "Another");
            (feed.id.clone(), ids(&feed), feed.entries[0].published)
        });
        for (before, after) in before.iter().zip(&after) {
            assert_eq!((&before.1, before.2), (&after.1, after.2));
        }
        // Atom is the only one that has an id for the whole.
        assert_eq!(before[1].0, after[1].0);
    }
}
