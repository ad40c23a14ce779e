//! How answers are delivered: conditions, codings, caches, methods, headers.

use std::{collections::BTreeSet, io::Read};

use frontpage::error::Code;
use serde_json::{Value, json};

use crate::support::{App, Client, Database, Response, both, contract, id, raw};

/// An article of some length, published long ago, so that times to the second are settled.
fn article(app: &App) -> String {
    app.staff("Mina");
    app.tag("Ships");
    let body = format!("<p>{}</p>", "The first ships left at dawn. ".repeat(100));
    let published =
        app.published("Harbor", json!({ "body_html": body, "tags": ["ships"], "authors": [{ "staff": "mina" }] }));
    let address = format!("/v1/articles/{}", id(&published));
    for (table, column) in [
        ("live_articles", "changed_at"),
        ("sections", "updated_at"),
        ("staff", "updated_at"),
        ("tags", "updated_at"),
        ("changes", "at"),
    ] {
        app.database.sql(&format!("UPDATE {table} SET {column} = '2020-01-02 03:04:05.678'"));
    }
    address
}

/// Where readers read.
fn live_addresses(article: &str) -> [String; 8] {
    [
        article.to_owned(),
        "/v1/articles".to_owned(),
        "/v1/sections".to_owned(),
        "/v1/sections/world".to_owned(),
        "/v1/staff".to_owned(),
        "/v1/staff/mina".to_owned(),
        "/v1/tags".to_owned(),
        "/v1/tags/ships".to_owned(),
    ]
}

fn get(client: &Client, path: &str, headers: &[(&str, &str)]) -> Response {
    headers.iter().fold(client.request("GET", path), |request, (name, value)| request.header(name, value)).send()
}

/// An answer in a coding, which the document's judge cannot read.
fn get_coded(client: &Client, path: &str, accepted: &str) -> Response {
    client.request("GET", path).header("accept-encoding", accepted).send_unchecked()
}

fn decoded(answer: &Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    match answer.header("content-encoding") {
        None => bytes.clone_from(&answer.bytes),
        Some("gzip") => {
            flate2::read::GzDecoder::new(answer.bytes.as_slice()).read_to_end(&mut bytes).expect("gzip");
        }
        Some("zstd") => bytes = zstd::bulk::decompress(&answer.bytes, 1 << 20).expect("zstd"),
        Some("br") => brotli::BrotliDecompress(&mut answer.bytes.as_slice(), &mut bytes).expect("br"),
        Some(other) => panic!("{other}"),
    }
    bytes
}

/// Every address of the document, with something that exists in place of each name.
fn addresses(article: &str) -> Vec<(String, &'static Value)> {
    let article = article.trim_start_matches("/v1/articles/");
    let paths = contract::document()["paths"].as_object().unwrap();
    paths
        .iter()
        // A stream has no end.
        .filter(|(pattern, _)| *pattern != "/v1/changes/stream")
        .map(|(pattern, item)| {
            let path = pattern
                .replace("{article}", article)
                .replace("{section}", "world")
                .replace("{staff}", "mina")
                .replace("{tag}", "ships")
                .replace("{code}", "not_found")
                .replace("{format}", "rss")
                .replace("{month}", "2020-01");
            let path = path
                .split('/')
                .map(|step| if step.starts_with('{') { "01890a5d-ac96-774b-bcce-b302099a8057" } else { step });
            (path.collect::<Vec<_>>().join("/"), item)
        })
        .collect()
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

both! {
    fn a_live_answer_may_be_kept_by_caches_and_says_what_it_is_made_of(app) {
        let article = article(app);
        for path in live_addresses(&article) {
            let answer = app.anonymous().get(&path).expect(200);
            let etag = answer.etag();
            assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 20, "{path}: {etag}");
            assert_eq!(answer.header("last-modified"), Some("Thu, 02 Jan 2020 03:04:05 GMT"), "{path}");
            let cache = answer.header("cache-control").unwrap();
            assert!(cache.starts_with("public, max-age=0, s-maxage="), "{path}: {cache}");
            assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{path}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
            assert_eq!(answer.header("content-length"), Some(answer.bytes.len().to_string().as_str()), "{path}");
        }
        let shown = app.anonymous().get(&article).expect(200);
        let keys: BTreeSet<&str> = shown.header("surrogate-key").unwrap().split(' ').collect();
        let json = shown.json();
        let expected = [("article", &json["id"]), ("section", &json["section"]["id"]), ("staff", &json["authors"][0]["id"]), ("tag", &json["tags"][0]["id"])]
            .map(|(kind, id)| format!("{kind}-{}", id.as_str().unwrap()));
        assert!(expected.iter().all(|key| keys.contains(key.as_str())), "{keys:?}");
        let list = app.anonymous().get("/v1/articles").expect(200);
        let keys: BTreeSet<&str> = list.header("surrogate-key").unwrap().split(' ').collect();
        assert!(keys.contains("articles") && keys.contains(expected[0].as_str()), "{keys:?}");
    }

    fn a_token_changes_nothing_but_who_may_keep_the_answer(app) {
        let article = article(app);
        for path in live_addresses(&article) {
            let (reader, editor) = (app.anonymous().get(&path).expect(200), app.editor().get(&path).expect(200));
            assert_eq!((&editor.bytes, editor.etag(), editor.header("last-modified")), (&reader.bytes, reader.etag(), reader.header("last-modified")), "{path}");
            assert_eq!(editor.header("cache-control"), Some("private, no-store"), "{path}");
            let same = get(&app.editor(), &path, &[("if-none-match", &reader.etag())]).expect(304);
            assert_eq!(same.header("cache-control"), Some("private, no-store"), "{path}");
            // One that is sent must be good.
            app.anonymous().with_token("not.a.token").get(&path).expect(401);
        }
        for path in [format!("{article}?view=working"), "/v1/articles?view=working".into(), "/v1/auth/me".into(), "/v1/tags?view=working".into()] {
            let answer = app.editor().get(&path).expect(200);
            assert_eq!((answer.header("cache-control"), answer.header("surrogate-key")), (Some("private, no-store"), None), "{path}");
        }
    }

    fn a_client_that_has_the_answer_gets_304(app) {
        let article = article(app);
        for path in live_addresses(&article) {
            let client = app.anonymous();
            let full = client.get(&path).expect(200);
            let (etag, date) = (full.etag(), full.header("last-modified").unwrap().to_owned());
            let bare = etag.trim_matches('"').to_owned();
            let weak = format!("W/{etag}");
            let list = format!("\"x\", {etag} ,W/\"y\"");
            // That of the bytes in a coding that this client does not take.
            let gzip = format!("\"{bare}-gzip\"");
            let (earlier, later) = ("Thu, 02 Jan 2020 03:04:04 GMT", "Thu, 02 Jan 2020 03:04:06 GMT");
            for (headers, status) in [
                (vec![("if-none-match", etag.as_str())], 304),
                (vec![("if-none-match", weak.as_str())], 304),
                (vec![("if-none-match", list.as_str())], 304),
                (vec![("if-none-match", gzip.as_str())], 200),
                (vec![("if-none-match", "*")], 304),
                (vec![("if-none-match", "\"x\""), ("if-none-match", etag.as_str())], 304),
                (vec![("if-none-match", "\"x\"")], 200),
                (vec![("if-none-match", bare.as_str())], 200),
                (vec![("if-none-match", "")], 200),
                (vec![("if-modified-since", date.as_str())], 304),
                (vec![("if-modified-since", later)], 304),
                (vec![("if-modified-since", earlier)], 200),
                (vec![("if-modified-since", "yesterday")], 200),
                // The tag decides when it was sent.
                (vec![("if-none-match", "\"x\""), ("if-modified-since", later)], 200),
                (vec![("if-none-match", etag.as_str()), ("if-modified-since", earlier)], 304),
            ] {
                for method in ["GET", "HEAD"] {
                    let request = headers.iter().fold(client.request(method, &path), |request, (name, value)| request.header(name, value));
                    let answer = request.send();
                    assert_eq!(answer.status, status, "{method} {path} {headers:?}");
                    if status == 304 {
                        assert!(answer.bytes.is_empty() && answer.header("content-type").is_none(), "{path} {headers:?}");
                    }
                    for name in ["etag", "last-modified", "cache-control", "vary", "surrogate-key"] {
                        assert_eq!(answer.header(name), full.header(name), "{path} {headers:?} {name}");
                    }
                }
            }
        }
    }

    fn a_read_that_is_meant_for_something_else_is_refused(app) {
        let article = article(app);
        for client in [app.editor(), app.anonymous()] {
            get(&client, &article, &[("if-match", "\"x\"")]).expect(412);
            get(&client, "/openapi.json", &[("if-match", "\"x\"")]).expect(412);
        }
        for path in live_addresses(&article) {
            let client = app.anonymous();
            let full = client.get(&path).expect(200);
            let etag = full.etag();
            let (weak, list) = (format!("W/{etag}"), format!("\"x\", {etag}"));
            // Its date; the second before it, which it may have borne at first; and the one before that.
            let (date, before, earlier) = ("Thu, 02 Jan 2020 03:04:05 GMT", "Thu, 02 Jan 2020 03:04:04 GMT", "Thu, 02 Jan 2020 03:04:03 GMT");
            for (headers, status) in [
                (vec![("if-match", etag.as_str())], 200),
                (vec![("if-match", list.as_str())], 200),
                (vec![("if-match", "*")], 200),
                (vec![("if-match", weak.as_str())], 412),
                (vec![("if-match", "\"x\"")], 412),
                (vec![("if-match", "x")], 412),
                (vec![("if-unmodified-since", date)], 200),
                (vec![("if-unmodified-since", before)], 200),
                (vec![("if-unmodified-since", earlier)], 412),
                (vec![("if-unmodified-since", "yesterday")], 200),
                // The tag decides when it was sent; and who has another version is not told that they have this one.
                (vec![("if-match", etag.as_str()), ("if-unmodified-since", earlier)], 200),
                (vec![("if-match", etag.as_str()), ("if-none-match", etag.as_str())], 304),
                (vec![("if-match", "\"x\""), ("if-none-match", etag.as_str())], 412),
            ] {
                for method in ["GET", "HEAD"] {
                    let request = headers.iter().fold(client.request(method, &path), |request, (name, value)| request.header(name, value));
                    let answer = request.send();
                    assert_eq!(answer.status, status, "{method} {path} {headers:?}");
                    assert!(status != 412 || method == "HEAD" || answer.problem() == "precondition_failed", "{path} {headers:?}");
                }
            }
        }
    }

    fn an_answer_of_this_very_second_is_not_taken_for_the_one_after_it(app) {
        // The time is only to the second: what changed within this one must not be vouched for by its date.
        let address = format!("/v1/articles/{}", id(&app.published("Harbor", json!({}))));
        let first = app.anonymous().get(&address).expect(200);
        // But the date that it bore is good for asking for no other.
        get(&app.anonymous(), &address, &[("if-unmodified-since", first.header("last-modified").unwrap())]).expect(200);
        app.editor().patch("/v1/sections/world", "*", json!({ "name": "Globe" })).expect(200);
        let answer = get(&app.anonymous(), &address, &[("if-modified-since", first.header("last-modified").unwrap())]).expect(200);
        assert_eq!(answer.json()["section"]["name"], "Globe");
    }

    fn head_is_get_without_the_body(app) {
        let article = article(app);
        for (path, item) in addresses(&article) {
            // What counts requests is another one with each.
            if item.get("get").is_none() || path == "/metrics" {
                continue;
            }
            for (client, coding) in [(app.anonymous(), "identity"), (app.anonymous(), "gzip"), (app.admin(), "identity")] {
                let send = |method| client.request(method, &path).header("accept-encoding", coding).header("x-request-id", "the-same-id").send_unchecked();
                let (get, head) = (send("GET"), send("HEAD"));
                let headers = |answer: &Response| {
                    let mut headers: Vec<_> = answer.headers.clone().into_iter().filter(|(name, _)| name != "date").collect();
                    headers.sort();
                    headers
                };
                assert_eq!((head.status, headers(&head)), (get.status, headers(&get)), "{path}");
                assert!(head.bytes.is_empty() && !get.bytes.is_empty(), "{path}");
            }
        }
        for missing in ["/v1/articles/nothing", "/nowhere"] {
            let head = app.anonymous().request("HEAD", missing).send().expect(404);
            assert!(head.bytes.is_empty() && head.header("content-type") == Some("application/problem+json"));
        }
    }

    fn every_coding_decodes_to_the_same_bytes_and_has_an_etag_of_its_own(app) {
        let article = article(app);
        for path in [article.as_str(), "/v1/articles?include=body_html,body_blocks"] {
            let plain = app.anonymous().get(path).expect(200);
            assert_eq!(plain.header("content-encoding"), None);
            let mut etags = BTreeSet::from([plain.etag()]);
            for (accepted, coding) in [
                ("br", Some("br")), ("zstd", Some("zstd")), ("gzip", Some("gzip")), ("x-gzip", Some("gzip")), ("GZIP", Some("gzip")),
                ("gzip, deflate, br, zstd", Some("br")), ("br;q=0.1, zstd;q=0.5, gzip;q=0.4", Some("zstd")), ("*", Some("br")),
                ("br;q=0, *;q=0.3", Some("zstd")), ("identity", None), ("deflate", None), ("", None), ("gzip;q=0", None), (";;,=", None),
            ] {
                let answer = get_coded(&app.anonymous(), path, accepted).expect(200);
                assert_eq!(answer.header("content-encoding"), coding, "{path} {accepted}");
                assert_eq!(decoded(&answer), plain.bytes, "{path} {accepted}");
                assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{path} {accepted}");
                assert!(coding.is_none() || answer.bytes.len() < plain.bytes.len(), "{path} {accepted}");
                etags.insert(answer.etag());
                // Whatever coding a client has, it has the answer.
                let same = get(&app.anonymous(), path, &[("accept-encoding", accepted), ("if-none-match", &answer.etag())]).expect(304);
                assert_eq!(same.etag(), answer.etag(), "{path} {accepted}");
            }
            assert_eq!(etags.len(), 4, "{path}: one ETag for each of br, zstd, gzip and the plain answer");
        }
        // What is too short is not worth it, and problems and private answers are sent as they are.
        let empty = get(&app.anonymous(), "/v1/articles?featured=true", &[("accept-encoding", "br")]).expect(200);
        let working = get(&app.editor(), &format!("{article}?view=working"), &[("accept-encoding", "br")]).expect(200);
        let problem = get(&app.anonymous(), "/v1/articles/nothing", &[("accept-encoding", "br")]).expect(404);
        for answer in [empty, working, problem] {
            assert_eq!(answer.header("content-encoding"), None);
            answer.json();
        }
    }

    fn a_client_that_does_not_take_json_is_told_so(app) {
        let article = article(app);
        for (accept, status) in [
            ("application/json", 200), ("*/*", 200), ("application/*", 200), ("APPLICATION/JSON", 200), ("text/html, application/json;q=0.1", 200),
            ("text/html,application/xhtml+xml,*/*;q=0.8", 200), ("application/problem+json", 200), ("", 200), ("application/json; charset=utf-8", 200),
            ("text/html", 406), ("application/xml", 406), ("application/json;q=0", 406), ("application/json;q=0, */*", 406), ("*/*;q=0, application/json", 200), ("*/*;q=0.0", 406), ("json", 406), ("text/*", 406),
        ] {
            let answer = get(&app.anonymous(), &article, &[("accept", accept)]).expect(status);
            assert!(status == 200 || answer.problem() == "not_acceptable", "{accept}");
        }
        let answer = app.editor().request("POST", "/v1/articles").header("accept", "text/html").json(&json!({ "title": "t" })).send().expect(406);
        assert_eq!(answer.problem(), "not_acceptable");
        assert_eq!(app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM articles"), "1");
        // What is not JSON is not held to it.
        get(&app.anonymous(), "/problems/not_found", &[("accept", "text/html")]).expect(200);
    }

    fn every_address_refuses_every_other_method_with_405_and_allow(app) {
        let article = article(app);
        let before = app.editor().get(&format!("{article}?view=working")).expect(200).json();
        for (path, item) in addresses(&article) {
            let mut allowed: BTreeSet<String> = METHODS.iter().filter(|method| item.get(**method).is_some()).map(|method| method.to_uppercase()).collect();
            if allowed.contains("GET") {
                allowed.insert("HEAD".to_owned());
            }
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "TRACK", "PROPFIND", "FOO", "Get"] {
                if allowed.contains(method) {
                    continue;
                }
                let admin = app.admin();
                let request = admin.request(method, &path).header("if-match", "*");
                // Methods are case-sensitive; the document's judge is not.
                let answer = if method == "Get" { request.send_unchecked() } else { request.send() }.expect(405);
                let named: BTreeSet<String> = answer.header("allow").unwrap().split(", ").map(str::to_owned).collect();
                assert_eq!(named, allowed, "{method} {path}");
                assert!(method == "HEAD" || answer.problem() == "method_not_allowed", "{method} {path}");
            }
        }
        for path in ["/docs", "/docs/", "/docs/index.html", "/docs/x", "/docs/x/y"] {
            for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"] {
                let answer = app.anonymous().request(method, path).send().expect(405);
                assert_eq!((answer.header("allow"), answer.problem().as_str()), (Some("GET, HEAD"), "method_not_allowed"), "{method} {path}");
            }
        }
        let connect = raw::exchange(&app.base, b"CONNECT /v1/articles HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(connect.starts_with("HTTP/1.1 4"), "{connect}");
        assert_eq!(app.editor().get(&format!("{article}?view=working")).expect(200).json(), before);
    }

    fn a_header_or_a_parameter_does_not_turn_one_method_into_another(app) {
        let draft = app.draft("One", json!({}));
        let path = format!("/v1/articles/{}", id(&draft));
        for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
            let editor = app.editor();
            let read = editor.request("GET", &format!("{path}?view=working")).header(name, "DELETE").header("if-match", "*").send().expect(200);
            assert_eq!(read.json(), draft.json());
            editor.request("POST", &path).header(name, "DELETE").header("if-match", "*").send().expect(405);
        }
        app.editor().get(&format!("{path}?view=working&_method=DELETE")).expect(400);
        assert_eq!(app.editor().get(&format!("{path}?view=working")).expect(200).json(), draft.json());
    }

    fn every_answer_has_the_headers_that_protect_browsers_and_none_that_tell_of_the_server(app) {
        let article = article(app);
        let mut answers = vec![
            app.anonymous().get("/nowhere"),
            app.anonymous().get("/v1/articles/nothing"),
            app.anonymous().get("/v1/articles?limit=0"),
            app.anonymous().get("/v1/articles/%ff"),
            app.anonymous().post("/v1/articles", json!({})),
            app.anonymous().get("/v1/articles/HARBOR"),
            app.author().delete(&article, "*"),
            app.editor().post("/v1/articles", json!({})),
            app.editor().post("/v1/articles", json!({ "title": "t" })),
            app.anonymous().request("FOO", "/v1/articles").send(),
            get(&app.anonymous(), &article, &[("if-none-match", "*")]),
        ];
        for (path, item) in addresses(&article) {
            if item.get("get").is_some() {
                answers.extend([app.anonymous().get(&path), app.admin().get(&path)]);
            }
        }
        for answer in answers {
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ] {
                assert_eq!(answer.header(name), Some(value), "{answer:?}");
            }
            for name in ["server", "x-powered-by", "x-version", "access-control-allow-origin"] {
                assert_eq!(answer.header(name), None, "{answer:?}");
            }
            if answer.status >= 400 {
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
            }
        }
        // The viewer needs more, and gets no more than that.
        let docs = app.anonymous().get("/docs/").expect(200);
        assert!(docs.header("content-security-policy").unwrap().contains("connect-src 'self'; frame-ancestors 'none'"));
        assert_eq!((docs.header("x-content-type-options"), docs.header("server")), (Some("nosniff"), None));
    }

    fn a_well_formed_request_id_is_kept_and_any_other_replaced(app) {
        for (sent, is_kept) in [
            ("0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a", true), ("build_7.2-x", true), (&*"a".repeat(128), true), ("7", true),
            (&*"a".repeat(129), false), ("with space 123", false), ("<script>alert</script>", false), ("", false), ("a;b=c\"12345", false),
        ] {
            for path in ["/v1/articles", "/v1/articles/nothing", "/nowhere", "/healthz"] {
                let answer = get(&app.anonymous(), path, &[("x-request-id", sent)]);
                let id = answer.header("x-request-id").unwrap();
                assert_eq!(id == sent, is_kept, "{sent} {path}: {id}");
                assert!(is_kept || id.len() == 36, "{id}");
                if answer.status == 404 {
                    assert_eq!(answer.json()["instance"], id);
                }
            }
        }
        let ids: BTreeSet<String> = (0..3).map(|_| app.anonymous().get("/healthz").header("x-request-id").unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 3);
    }

    fn an_address_that_does_not_exist_is_a_problem_for_every_method(app) {
        for path in ["/nowhere", "/v1", "/v1/", "/v1/nothing", "/v1/articles/", "/v1//articles", "/v2/articles", "/V1/articles", "/v1/articles/a/b/c", "/problems/", "/problems/nothing", "/docs/nothing.js"] {
            for client in [app.anonymous(), app.admin()] {
                for method in ["GET", "POST", "DELETE", "FOO"] {
                    if method != "GET" && (path.starts_with("/docs/") || path == "/problems/nothing") {
                        continue;
                    }
                    assert_eq!(client.request(method, path).send().expect(404).problem(), "not_found", "{method} {path}");
                }
            }
        }
    }

    fn every_kind_of_problem_has_a_page(app) {
        for code in Code::ALL {
            let answer = app.anonymous().get(&format!("/problems/{}", code.name())).expect(200);
            let page = answer.text();
            assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
            for part in [code.title().to_owned(), format!("<code>{}</code>", code.name()), format!("status {}", code.status())] {
                assert!(page.contains(&part), "{}: {part}", code.name());
            }
        }
        for bad in ["Not_Found", "not-found", "..", "<b>"] {
            app.anonymous().get(&format!("/problems/{}", frontpage::http::path::encode_step(bad))).expect(404);
        }
    }

    fn every_operation_refuses_a_parameter_that_it_does_not_know(app) {
        let article = article(app);
        for (path, item) in addresses(&article) {
            for method in METHODS {
                if item.get(method).is_none() {
                    continue;
                }
                let upper: &'static str = match method {
                    "get" => "GET",
                    "post" => "POST",
                    "put" => "PUT",
                    "patch" => "PATCH",
                    _ => "DELETE",
                };
                for query in ["no_such_parameter=1", "access_token=x", "id=2"] {
                    let address = format!("{path}?{query}");
                    let admin = app.admin();
                    let request = admin.request(upper, &address).header("if-match", "*");
                    let request = if matches!(method, "get" | "delete") { request } else { request.json(&json!({})) };
                    let answer = request.send().expect(400);
                    assert_eq!(answer.pointers(), [format!("/{}", query.split('=').next().unwrap())], "{upper} {address}");
                }
            }
        }
        app.admin().get("/v1/auth/me").expect(200);
    }

    fn scripts_of_other_websites_read_nothing_unless_the_settings_name_them(app) {
        let preflight = |app: &App, origin: &str| {
            let client = app.anonymous();
            client.request("OPTIONS", "/v1/articles").header("origin", origin).header("access-control-request-method", "PATCH").header("access-control-request-headers", "authorization, if-match").send()
        };
        let nothing = |answer: &Response| answer.headers.keys().all(|name| !name.starts_with("access-control-"));

        for origin in ["https://evil.test", "null", "https://www.newsroom.test"] {
            assert!(nothing(&get(&app.anonymous(), "/v1/articles", &[("origin", origin)]).expect(200)));
            assert!(nothing(&get(&app.editor(), "/v1/articles?view=working", &[("origin", origin)]).expect(200)));
            assert!(nothing(&preflight(app, origin).expect(405)));
        }

        let database = || std::sync::Arc::new(Database::with_logins(app.database.backend));
        let named = App::start_on(database(), &[("FRONTPAGE_CORS_ORIGINS", "https://www.newsroom.test,http://localhost:3000")]);
        for origin in ["https://www.newsroom.test", "http://localhost:3000"] {
            let answers = [
                get(&named.anonymous(), "/v1/articles", &[("origin", origin)]).expect(200),
                get(&named.anonymous(), "/v1/articles/nothing", &[("origin", origin)]).expect(404),
                get(&named.editor(), "/v1/articles?view=working", &[("origin", origin)]).expect(200),
                preflight(&named, origin).expect(204),
            ];
            for answer in &answers {
                assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
                assert!(answer.header("vary").unwrap().contains("Origin"));
                assert_eq!(answer.header("access-control-allow-credentials"), None);
                for name in ["ETag", "Link", "X-Request-Id", "Location"] {
                    assert!(answer.header("access-control-expose-headers").unwrap().contains(name), "{name}");
                }
            }
            let asked = &answers[3];
            for (name, part) in [("access-control-allow-methods", "PATCH"), ("access-control-allow-headers", "If-Match"), ("access-control-allow-headers", "Authorization"), ("access-control-max-age", "600")] {
                assert!(asked.header(name).unwrap().contains(part), "{name}");
            }
        }
        for origin in ["https://evil.test", "null", "http://www.newsroom.test", "https://www.newsroom.test.evil.test", "https://www.newsroom.test:8443", "*"] {
            assert!(nothing(&get(&named.anonymous(), "/v1/articles", &[("origin", origin)]).expect(200)), "{origin}");
            assert!(nothing(&preflight(&named, origin).expect(405)), "{origin}");
        }
        // What depends on the origin says so to caches, whoever asks.
        let without = named.anonymous().get("/v1/articles").expect(200);
        assert!(without.header("vary").unwrap().contains("Origin"));

        let open = App::start_on(database(), &[("FRONTPAGE_CORS_ORIGINS", "*")]);
        for answer in [get(&open.anonymous(), "/v1/articles", &[("origin", "https://evil.test")]).expect(200), preflight(&open, "https://evil.test").expect(204)] {
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
    }
}
