//! What a list refuses, and what that costs.

use serde_json::Value;

use super::{newsroom, uuid};
use crate::support::{App, both, raw};

/// What a request reads from the database; what the server does by itself in the meantime does not count.
fn selects<T>(app: &App, work: impl FnOnce() -> T) -> (T, Vec<String>) {
    let (answer, statements) = app.count_statements(work);
    (answer, statements.into_iter().filter(|statement| statement.starts_with("SELECT")).collect())
}

both! {
    fn what_is_wrong_with_a_query_is_said_and_nothing_is_ignored(app) {
        newsroom(app);
        let many_ids = (0..101).map(|_| uuid()).collect::<Vec<_>>().join(",");
        let two_lots = format!("exclude={0}&exclude={0}", (0..51).map(|_| uuid()).collect::<Vec<_>>().join(","));
        let many_tags = ["tag=ships"; 11].join("&");
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
            // With their offsets, these are before the year 0 and after the year 9999.
            ("published_after=0000-01-01T00:00:00%2B23:59", vec!["/published_after"]),
            ("published_before=9999-12-31T23:59:59-23:59", vec!["/published_before"]),
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
                let (answer, statements) = selects(app, || app.anonymous().get(&format!("/v1/{path}?limit={bad}")).expect(400));
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

    fn neither_secret_columns_nor_sql_can_be_reached_through_a_list(app) {
        newsroom(app);
        let refused = |path: &str| {
            let (answer, statements) = selects(app, || app.anonymous().get(path).expect(400));
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
        let many = (0..7_000).map(|number| format!("p{number}=1")).collect::<Vec<_>>().join("&");
        let some = (0..101).map(|number| format!("p{number}=1")).collect::<Vec<_>>().join("&");
        let ids = format!("exclude={}", (0..20_000).map(|_| "0").collect::<Vec<_>>().join(","));
        for (query, status) in [
            (deep, 400),
            (many, 414),
            (some, 400),
            (ids, 414),
            (format!("cursor={}", "a".repeat(60_000)), 414),
            (format!("include={}", ["author"; 5].join(".")), 400),
            (format!("fields={}", "id,".repeat(1000) + "id"), 200),
        ] {
            let (_, statements) = selects(app, || app.anonymous().get(&format!("/v1/articles?{query}")).expect(status));
            assert!(status == 200 || statements.is_empty(), "{query:.80}");
        }
        app.anonymous().get(&format!("/v1/articles/{}", "a".repeat(60_000))).expect(414);
        // Beyond what the server reads as an address at all it says so in fewer words.
        let long = format!("GET /v1/articles?limit={} HTTP/1.1\r\nHost: x\r\n\r\n", "1".repeat(70_000));
        let answer = raw::exchange(&app.base, long.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer:.200}");
    }
}
