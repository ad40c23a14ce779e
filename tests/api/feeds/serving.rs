//! How feeds are served: addresses, conditions, caches.

use serde_json::json;

use super::{FORMATS, PUBLIC, known, read, titles};
use crate::{
    delivery::keeping,
    support::{both, id, wait::until},
};

both! {
    fn what_is_no_feed_says_so(app) {
        app.published("Harbor", json!({}));
        app.tag("Unused");
        for path in [
            "/feeds/articles", "/feeds/articles.xml", "/feeds/articles.", "/feeds/articles.RSS", "/feeds/other.rss", "/feeds/sections/none.rss",
            "/feeds/sections/world", "/feeds/sections/world.html", "/feeds/sections/world.rss.rss", "/feeds/tags/unused.rss", "/feeds/tags/none.json",
            "/feeds/staff/none.atom", "/feeds/sections/.rss", "/feeds/articles/2026-13.rss", "/feeds/articles/x.rss", "/feeds/articles/1999-01.rss",
            "/feeds/sections/world/2026.rss", "/feeds/", "/feeds",
        ] {
            app.anonymous().get(path).expect(404);
        }
        for query in ["x=1", "sort=published_at", "view=working", "cursor=x", "fields=id", "include=body_html", "limit=0", "limit=101", "limit=1&limit=2", "section=none", "tag=unused", "language=1", "featured=yes"] {
            for format in FORMATS {
                app.anonymous().get(&format!("/feeds/articles.{format}?{query}")).expect(400);
            }
        }
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let refused = app.anonymous().request(method, "/feeds/articles.rss").send().expect(405);
            assert_eq!(refused.header("allow"), Some("GET, HEAD"));
        }
        app.anonymous().with_token("nonsense").get("/feeds/articles.rss").expect(401);
    }

    fn slugs_of_any_script_have_feeds(app) {
        app.editor().post("/v1/sections", json!({ "name": "خبر تازه" })).expect(201);
        let section = app.anonymous().get("/v1/sections").expect(200).json()["data"][0]["slug"].as_str().unwrap().to_owned();
        app.published("One", json!({ "section": section }));
        let path: String = section.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let app = known(app);
        for format in FORMATS {
            let feed = read(&app, &format!("/feeds/sections/{path}.{format}"));
            assert_eq!(titles(&feed), "One");
            // Its own address is the one spelling.
            let own = format!("{PUBLIC}/feeds/sections/{}.{format}", path.to_uppercase().replace("%2D", "-"));
            assert!(feed.links.iter().any(|link| link.href == own), "{own}: {:?}", feed.links);
        }
    }

    fn a_feed_is_for_readers_of_any_manners(app) {
        app.published("Harbor", json!({}));
        for accept in ["application/rss+xml, */*", "application/xml", "text/xml", "text/html", "image/png"] {
            for format in FORMATS {
                app.anonymous().request("GET", &format!("/feeds/articles.{format}")).header("accept", accept).send().expect(200);
            }
        }
        let with_token = app.author().get("/feeds/articles.rss").expect(200);
        assert_eq!(with_token.header("cache-control"), Some("private, no-store"));
        assert_eq!(with_token.bytes, app.anonymous().get("/feeds/articles.rss").bytes);
    }

    fn a_feed_is_kept_and_answered_like_any_other_content(app) {
        app.published("Harbor", json!({ "body_html": format!("<p>{}</p>", "The first ships left at dawn. ".repeat(60)) }));
        let kept = keeping(app);
        for format in FORMATS {
            let path = format!("/feeds/articles.{format}");
            until("it is kept", || kept.count_statements(|| kept.anonymous().get(&path).expect(200)).1.is_empty());
            let whole = kept.anonymous().get(&path).expect(200);
            // Nothing differs when it is made again.
            assert_eq!(app.anonymous().get(&path).bytes, whole.bytes, "{format}");
            let keys = whole.header("surrogate-key").unwrap();
            assert!(keys.contains("list-all") && keys.contains("article-"), "{keys}");
            assert!(whole.header("last-modified").is_some());
            for (name, value) in [("if-none-match", whole.etag()), ("if-none-match", format!("W/{}", whole.etag())), ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT".to_owned())] {
                let known = kept.anonymous().request("GET", &path).header(name, &value).send().expect(304);
                assert!(known.bytes.is_empty());
            }
            let head = kept.anonymous().request("HEAD", &path).send().expect(200);
            assert_eq!((head.bytes.len(), head.etag(), head.header("content-type")), (0, whole.etag(), whole.header("content-type")));
            for coding in ["gzip", "br", "zstd"] {
                let coded = kept.anonymous().request("GET", &path).header("accept-encoding", coding).send_unchecked().expect(200);
                assert_eq!(coded.header("content-encoding"), Some(coding), "{format}");
                assert!(coded.bytes.len() < whole.bytes.len() && coded.etag() != whole.etag());
                assert_eq!(coded.header("content-type"), whole.header("content-type"));
            }
        }
    }

    fn what_is_killed_or_withdrawn_leaves_every_feed_at_once(app) {
        app.section("World");
        app.tag("Ships");
        app.staff("Mina");
        let more = json!({ "section": "world", "tags": ["ships"], "authors": [{ "staff": "mina" }] });
        app.published("Stays", more.clone());
        let articles = ["Killed", "Withdrawn"].map(|title| id(&app.published(title, more.clone())));
        let month = &frontpage::clock::Instant::now().to_string()[..7];
        let kept = keeping(app);
        let mut paths = Vec::new();
        for base in ["/feeds/articles", "/feeds/sections/world", "/feeds/tags/ships", "/feeds/staff/mina"] {
            for format in FORMATS {
                paths.extend([format!("{base}.{format}"), format!("{base}/{month}.{format}"), format!("{base}.{format}?language=en")]);
            }
        }
        let keep_all = || for path in &paths {
            until("it is kept", || kept.count_statements(|| kept.anonymous().get(path).expect(200)).1.is_empty());
        };
        keep_all();
        assert_eq!(titles(&read(&kept, &paths[0])), "Withdrawn Killed Stays");

        let notice = json!({ "notice": "It was wrong." });
        kept.admin().request("POST", &format!("/v1/articles/{}/kill", articles[0])).header("if-match", "*").json(&notice).send().expect(200);
        for path in &paths {
            assert_eq!(titles(&read(&kept, path)), "Withdrawn Stays", "{path}");
        }
        keep_all();
        kept.editor().verb(&format!("/v1/articles/{}/withdraw", articles[1]), "*").expect(200);
        for path in &paths {
            assert_eq!(titles(&read(&kept, path)), "Stays", "{path}");
        }
        keep_all();
        // New names show at once as well.
        kept.editor().patch("/v1/staff/mina", "*", json!({ "name": "Mina Okafor" })).expect(200);
        for path in &paths {
            assert_eq!(read(&kept, path).entries[0].authors[0].name.as_deref().unwrap(), "Mina Okafor", "{path}");
        }
    }
}
