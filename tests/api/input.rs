//! Input that is broken, hostile or merely wrong: it is refused with a reason, and nothing changes.

use serde_json::{Value, json};

use crate::support::{App, Client, Database, PASSWORD, Response, both, contract, id, raw};

/// How much there is of everything that input can change.
fn fingerprint(app: &App) -> Vec<(String, String)> {
    let counts = [
        "articles",
        "article_revisions",
        "article_bodies",
        "live_articles",
        "live_slugs",
        "live_facets",
        "slugs",
        "sections",
        "staff",
        "tags",
        "users",
        "resource_revisions",
        "changes",
        "idempotency_keys",
        "password_resets",
    ];
    let counts = counts.map(|table| (table.to_owned(), format!("SELECT CAST(COUNT(*) AS TEXT) AS line FROM {table}")));
    let sums = ["articles", "sections", "staff", "tags", "users"].map(|table| {
        (format!("{table}.revision"), format!("SELECT CAST(COALESCE(SUM(revision), 0) AS TEXT) AS line FROM {table}"))
    });
    counts.into_iter().chain(sums).map(|(what, query)| (what, app.database.sql(&query))).collect()
}

/// One of everything, and the addresses and inputs of all that can be written, valid as they stand.
fn inputs(app: &App) -> Vec<(&'static str, String, Value)> {
    let article = format!("/v1/articles/{}", id(&app.published("Harbor", json!({}))));
    app.staff("Mina");
    app.tag("Ships");
    app.tag("Boats");
    let user = app
        .admin()
        .post("/v1/users", json!({ "email": "new@newsroom.test", "name": "New", "role": "author" }))
        .expect(201);
    let user = format!("/v1/users/{}", id(&user));
    let key = app.admin().post("/v1/api-keys", json!({ "name": "New", "scopes": ["feeds:read"] })).expect(201);
    let key = format!("/v1/api-keys/{}", id(&key));
    let partner = json!({ "name": "P", "contact": "C", "scopes": ["articles:read"], "sections": ["world"], "tags": ["ships"], "text": "full",
        "delay_minutes": 1, "embargo_access": false, "requests_per_minute": 1, "requests_per_day": 1, "expires_at": "2100-01-01T00:00:00Z" });
    let text = |text: &str| json!({ "type": "text", "text": text, "marks": ["bold"] });
    let blocks = json!([
        { "type": "paragraph", "id": "p1", "content": [text("one"), { "type": "link", "href": "https://a.test/", "title": "t", "content": [text("two")] }] },
        { "type": "heading", "id": "h1", "level": 2, "content": [text("three")] },
        { "type": "list", "id": "l1", "ordered": false, "start": null, "items": [{ "content": [text("four")], "list": { "ordered": false, "start": null, "items": [{ "content": [text("five")], "list": null }] } }] },
        { "type": "quote", "id": "q1", "content": [{ "type": "paragraph", "id": "q2", "content": [text("six")] }], "citation": [text("seven")] }
    ]);
    let content = json!({
        "kicker": "K", "title": "T", "standfirst": "S", "slug": "some-slug", "excerpt": "E", "language": "en", "dateline": "D", "guid": "G", "section": "world",
        "authors": [{ "staff": "mina", "role": "author" }], "byline": "B", "tags": ["ships"], "featured": true, "related": ["harbor"],
        "source": { "name": "N", "url": "https://n.test/" }, "seo": { "title": "T", "description": "D", "canonical_url": "https://c.test/" },
        "extensions": { "a": "b", "c": ["d", { "e": "f" }] }, "body_blocks": blocks
    });
    let mut html = content.clone();
    html.as_object_mut().unwrap().remove("body_blocks");
    // Readers know the article by another one.
    html.as_object_mut().unwrap().remove("guid");
    html["body_html"] = json!("<p>Text</p>");
    html["related"] = json!([]);
    html["slug"] = json!("another-slug");
    let section = json!({ "name": "Section", "slug": "section", "description": "D", "parent": "world", "position": 3 });
    let tag = json!({ "name": "Tag", "slug": "tag", "description": "D" });
    let staff = json!({
        "name": "Staff", "slug": "staff-member", "kind": "person", "title": "T", "bio_html": "<p>Bio</p>", "contact_email": "s@newsroom.test",
        "contact_phone": "+44 20 7946 0000", "links": [{ "label": "L", "url": "https://l.test/" }]
    });
    let mut other_staff = staff.clone();
    other_staff["slug"] = json!("staff-patched");
    let account =
        json!({ "email": "a@newsroom.test", "name": "A", "role": "editor", "staff": "mina", "disabled": false });
    let mut with_password = account.clone();
    with_password["email"] = json!("b@newsroom.test");
    with_password["password"] = json!("four corners of a round table");
    vec![
        ("POST", "/v1/articles".into(), content),
        ("PATCH", article, html),
        ("POST", "/v1/sections".into(), section.clone()),
        ("PATCH", "/v1/sections/world".into(), json!({ "name": "W", "slug": "w", "description": "D" })),
        ("POST", "/v1/tags".into(), tag.clone()),
        ("PATCH", "/v1/tags/ships".into(), json!({ "name": "Tags", "slug": "tags", "description": "D" })),
        ("POST", "/v1/tags/boats/merge".into(), json!({ "into": "ships" })),
        ("POST", "/v1/staff".into(), staff.clone()),
        ("PATCH", "/v1/staff/mina".into(), other_staff),
        ("POST", "/v1/users".into(), with_password),
        ("PATCH", user, account),
        ("POST", "/v1/api-keys".into(), partner.clone()),
        ("PATCH", key, partner),
    ]
}

fn send(client: &Client, method: &'static str, path: &str, body: &Value) -> Response {
    client.request(method, path).header("if-match", "*").json(body).send()
}

/// The pointers of all texts in a value.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| texts(value, &format!("{at}/{index}"), found))
        }
        Value::Object(members) => members.iter().for_each(|(name, value)| texts(value, &format!("{at}/{name}"), found)),
        _ => {}
    }
}

/// All operations that take a body, as (method, address, whether the body may be absent).
fn operations_with_bodies(app: &App) -> Vec<(&'static str, String, bool)> {
    let input = json!({ "url": "https://93.184.216.34/hook", "is_enabled": false });
    let webhook = id(&app.admin().post("/v1/webhooks", input).expect(201));
    let delivery = id(&app.admin().post(&format!("/v1/webhooks/{webhook}/test"), json!({})).expect(200));
    let inputs = inputs(app);
    let of = |collection: &str| {
        let mut paths = inputs.iter().filter_map(|(_, path, _)| path.strip_prefix(collection));
        paths.find(|rest| !rest.is_empty()).unwrap().to_owned()
    };
    let (user, key) = (of("/v1/users/"), of("/v1/api-keys/"));
    let paths = contract::document()["paths"].as_object().unwrap();
    let mut found = Vec::new();
    for (pattern, item) in paths {
        for (method, upper) in [("post", "POST"), ("put", "PUT"), ("patch", "PATCH")] {
            let Some(body) = item.get(method).and_then(|operation| operation.get("requestBody")) else { continue };
            let path = pattern
                .replace("{article}", "harbor")
                .replace("{section}", "world")
                .replace("{staff}", "mina")
                .replace("{tag}", "ships")
                .replace("{number}", "1")
                .replace("{webhook}", &webhook)
                .replace("{delivery}", &delivery);
            found.push((upper, path.replace("{user}", &user).replace("{key}", &key), body["required"] != true));
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

both! {
    fn nul_is_refused_in_every_text_of_every_input(app) {
        let inputs = inputs(app);
        let before = fingerprint(app);
        for (method, path, input) in &inputs {
            let mut pointers = Vec::new();
            texts(input, "", &mut pointers);
            for pointer in pointers {
                for place in ["start", "middle", "end"] {
                    let mut broken = input.clone();
                    let text = broken.pointer_mut(&pointer).unwrap();
                    let old = text.as_str().unwrap();
                    let at = match place {
                        "start" => 0,
                        "middle" => old.chars().next().map_or(0, char::len_utf8),
                        _ => old.len(),
                    };
                    *text = json!(format!("{}\0{}", &old[..at], &old[at..]));
                    let answer = send(&app.admin(), method, path, &broken);
                    assert_eq!(answer.status, 422, "{method} {path} {pointer}: {}", answer.text());
                    let found = answer.pointers();
                    assert!(found.iter().all(|found| pointer.starts_with(found)) && !found.is_empty(), "{method} {path} {pointer}: {found:?}");
                }
            }
        }
        for (name, broken) in [("member of extensions", json!({ "title": "t", "extensions": { "a\0": 1 } })), ("member", json!({ "title": "t", "a\0": 1 }))] {
            app.editor().post("/v1/articles", broken).expect(422);
            assert_eq!(fingerprint(app), before, "{name}");
        }
        assert_eq!(fingerprint(app), before);
        // The inputs themselves are fine, so it was the NUL that was refused.
        for (method, path, input) in inputs {
            let answer = send(&app.admin(), method, &path, &input);
            assert!((200..=201).contains(&answer.status), "{method} {path}: {}", answer.text());
        }
    }

    fn nul_is_refused_when_logging_in(app) {
        for (path, method, input) in [
            ("/v1/auth/token", "POST", json!({ "email": "editor@newsroom.test", "password": PASSWORD })),
            ("/v1/auth/refresh", "POST", json!({ "refresh_token": "fpr_x" })),
            ("/v1/auth/password", "PUT", json!({ "current_password": PASSWORD, "new_password": "four corners of a round table" })),
            ("/v1/auth/password-reset", "POST", json!({ "token": "fpp_x", "new_password": "four corners of a round table" })),
        ] {
            for name in input.as_object().unwrap().keys() {
                let mut broken = input.clone();
                broken[name] = json!(format!("{}\0", input[name].as_str().unwrap()));
                let answer = app.editor().request(method, path).json(&broken).send();
                assert!((400..500).contains(&answer.status) && answer.status != 404, "{path} {name}: {}", answer.status);
            }
        }
        app.login("editor@newsroom.test", PASSWORD).expect(200);
    }

    fn what_is_not_json_is_refused_by_every_operation(app) {
        let deep = |open: &str, n: usize| open.repeat(n).into_bytes();
        let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let bodies: Vec<Vec<u8>> = [
            "{", "}", "[1,", "nul", "{'a':1}", "{\"a\":1,}", "{\"a\" 1}", "{} {}", "{}x", "\u{feff}{}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}", "1e400", "{\"a\":-1e999}", "NaN",
            "{\"a\":NaN}", "{\"a\":Infinity}", "\"\\ud800\"", "{\"a\":\"\\udc00x\"}", "{\"a\":\"\\u00\"}", "{\"a\":\"\\x41\"}", "\"a\nb\"", "{\"title\":\"a\",\"title\":\"b\"}",
            "{\"a\":{\"b\":1,\"b\":1}}", "{\"a\":[{\"b\":1,\"\\u0062\":1}]}", "/**/{}", "<a/>", "title=t", "\0", " ",
        ]
        .map(|text| text.as_bytes().to_vec())
        .into_iter()
        .chain([b"\xff".to_vec(), b"{\"a\":\"\xc0\xaf\"}".to_vec(), b"{\"a\":\"\xed\xa0\x80\"}".to_vec(), b"{\"a\":\"\xf0\x9f\"}".to_vec(), utf16])
        .chain([deep("[", 10_000), deep("{\"a\":", 3_000), format!("{}{}", "[".repeat(200), "]".repeat(200)).into_bytes()])
        .collect();
        let operations = operations_with_bodies(app);
        let before = fingerprint(app);
        for (method, path, _) in &operations {
            for body in &bodies {
                let what = format!("{method} {path} {:.40}", String::from_utf8_lossy(body));
                let answer = app.admin().request(method, path).header("if-match", "*").body("application/json", body.clone()).send();
                assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed_json"), "{what}");
                // The text itself may be a password.
                assert!(body.len() < 5 || !answer.text().contains(&*String::from_utf8_lossy(body)), "{what}");
            }
        }
        assert_eq!(fingerprint(app), before);
        app.admin().get("/v1/auth/me").expect(200);
    }

    fn what_is_json_of_another_shape_is_refused_by_every_operation(app) {
        let operations = operations_with_bodies(app);
        let before = fingerprint(app);
        for (method, path, _) in &operations {
            for body in [json!([]), json!("x"), json!(1), json!(1.5), json!(true), json!(null), json!([{}]), json!({ "no_such_member": 1 }), json!({ "__proto__": {} })] {
                let answer = send(&app.admin(), method, path, &body).expect(422);
                assert_eq!(answer.problem(), "invalid_input", "{method} {path} {body}");
                assert!(!answer.pointers().is_empty(), "{method} {path} {body}");
            }
        }
        assert_eq!(fingerprint(app), before);
    }

    fn only_json_in_utf_8_without_a_coding_is_taken(app) {
        let operations = operations_with_bodies(app);
        let before = fingerprint(app);
        let body = json!({ "no_such_member": 1 }).to_string().into_bytes();
        for (method, path, _) in &operations {
            for (media_type, coding, status) in [
                ("application/json", None, 422), ("application/json", Some("identity"), 422), ("APPLICATION/JSON;Charset=\"UTF-8\"", None, 422),
                ("application/json ; charset=utf-8 ; x=y", None, 422),
                ("text/plain", None, 415), ("text/json", None, 415), ("application/x-www-form-urlencoded", None, 415), ("multipart/form-data; boundary=x", None, 415),
                ("application/jsonx", None, 415), ("application/xml", None, 415), ("json", None, 415), ("", None, 415), ("application/json; charset=utf-16", None, 415),
                ("application/json; charset=iso-8859-1", None, 415), ("application/json, text/plain", None, 415),
                ("application/json", Some("gzip"), 415), ("application/json", Some("br"), 415), ("application/json", Some("identity, gzip"), 415), ("application/json", Some("nonsense"), 415),
            ] {
                let admin = app.admin();
                let mut request = admin.request(method, path).header("if-match", "*");
                if let Some(coding) = coding {
                    request = request.header("content-encoding", coding);
                }
                let answer = request.body(media_type, body.clone()).send();
                assert_eq!(answer.status, status, "{method} {path} {media_type} {coding:?}");
                assert!(status == 422 || answer.problem() == "unsupported_media_type");
            }
        }
        let token = app.admin().token.unwrap();
        let untyped = format!("POST /v1/articles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 13\r\n\r\n{{\"title\":\"t\"}}");
        assert!(raw::exchange(&app.base, untyped.as_bytes()).starts_with("HTTP/1.1 415"));
        assert_eq!(fingerprint(app), before);
    }

    fn an_absent_body_is_refused_where_one_is_needed(app) {
        let operations = operations_with_bodies(app);
        let before = fingerprint(app);
        let token = app.admin().token.unwrap();
        for (method, path, is_optional) in operations {
            if is_optional {
                continue;
            }
            let answer = app.admin().request(method, &path).header("if-match", "*").body("application/json", Vec::new()).send();
            assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed_json"), "{method} {path}");
            let bare = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nIf-Match: *\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
            let answer = raw::exchange(&app.base, bare.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 415") || answer.starts_with("HTTP/1.1 400"), "{method} {path}: {answer:.100}");
        }
        assert_eq!(fingerprint(app), before);
    }

    fn a_body_beyond_the_limit_is_refused_however_it_is_sent(app) {
        let database = std::sync::Arc::new(Database::with_logins(app.database.backend));
        let app = App::start_on(database, &[("FRONTPAGE_BODY_LIMIT_BYTES", "4096")]);
        let body = |length: usize| format!("{:<length$}", r#"{"title":"Exactly"}"#).into_bytes();
        let editor = app.editor();
        let post = |bytes: Vec<u8>| editor.request("POST", "/v1/articles").body("application/json", bytes).send();
        assert_eq!(post(body(4097)).expect(413).problem(), "payload_too_large");
        let token = editor.token.clone().unwrap();
        let head = format!("POST /v1/articles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        for (what, rest) in [
            ("announced and never sent", "Content-Length: 1000000000000\r\n\r\n{".to_owned()),
            ("in chunks", format!("Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", format!("400\r\n{}\r\n", " ".repeat(1024)).repeat(5))),
        ] {
            let answer = raw::exchange(&app.base, format!("{head}{rest}").as_bytes());
            assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("/problems/payload_too_large"), "{what}: {answer:.200}");
        }
        assert_eq!(app.database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM articles"), "0");

        post(body(4096)).expect(201);
        let small = format!("{head}Transfer-Encoding: chunked\r\n\r\n8\r\n{{\"title\"\r\n5\r\n:\"t\"}}\r\n0\r\n\r\n");
        assert!(raw::exchange(&app.base, small.as_bytes()).starts_with("HTTP/1.1 201"));
    }

    fn the_default_limit_holds_for_every_operation(app) {
        let limit = app.database.config(&[]).http.body_limit_bytes;
        for (method, path, _) in operations_with_bodies(app) {
            let body = format!("{{}}{}", " ".repeat(limit - 1)).into_bytes();
            let answer = app.admin().request(method, &path).header("if-match", "*").body("application/json", body).send().expect(413);
            assert_eq!(answer.problem(), "payload_too_large", "{method} {path}");
        }
    }

    fn who_has_not_said_who_they_are_sends_no_more_than_a_login(app) {
        let body = |length: usize| format!("{:<length$}", r#"{"email":"nobody@newsroom.test","password":"not the right one"}"#).into_bytes();
        let log_in = |length| app.anonymous().request("POST", "/v1/auth/token").body("application/json", body(length)).send_unchecked();
        assert_eq!(log_in(16 * 1024 + 1).expect(413).problem(), "payload_too_large");
        log_in(16 * 1024).expect(401);
        for path in ["/v1/auth/refresh", "/v1/auth/password-reset"] {
            app.anonymous().request("POST", path).body("application/json", body(16 * 1024 + 1)).send().expect(413);
        }
        let long = json!({ "title": "A", "body_html": "<p>text</p>".repeat(10_000) });
        app.editor().post("/v1/articles", long).expect(201);
        let chunked = format!("POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", format!("1000\r\n{}\r\n", " ".repeat(4096)).repeat(5));
        assert!(raw::exchange(&app.base, chunked.as_bytes()).starts_with("HTTP/1.1 413"));
    }

    fn numbers_that_do_not_fit_are_refused(app) {
        app.section("World");
        let before = fingerprint(app);
        for (number, status) in [
            ("-1", 422), ("100001", 422), ("2147483648", 422), ("9223372036854775807", 422), ("9223372036854775808", 422), ("18446744073709551615", 422),
            ("18446744073709551616", 422), ("99999999999999999999999999", 422), ("-99999999999999999999", 422), ("1.5", 422), ("1e2", 422), ("1e308", 422), ("1e309", 400), ("-0.0", 422), ("\"5\"", 422), ("true", 422),
            ("[1]", 422),
        ] {
            for (method, path, input) in [
                ("POST", "/v1/sections", format!(r#"{{"name":"N","position":{number}}}"#)),
                ("PATCH", "/v1/sections/world", format!(r#"{{"position":{number}}}"#)),
            ] {
                let answer = app.editor().request(method, path).header("if-match", "*").body("application/json", input.into_bytes()).send().expect(status);
                assert!(status == 400 || answer.pointers() == ["/position"], "{method} {number}");
            }
            let list = format!(r#"{{"title":"t","body_blocks":[{{"type":"list","ordered":true,"start":{number},"items":[]}},{{"type":"heading","level":{number},"content":[]}}]}}"#);
            let answer = app.editor().request("POST", "/v1/articles").body("application/json", list.into_bytes()).send().expect(status);
            assert!(status == 400 || answer.pointers().contains(&"/body_blocks/1/level".to_owned()), "{number}");
        }
        assert_eq!(fingerprint(app), before);
        // In the frontend's own object a number stays what it was.
        let text = r#"{"title":"t","extensions":{"a":18446744073709551615,"b":-9223372036854775808,"c":1.5e300,"d":0.1,"e":-0.0}}"#;
        let draft = app.editor().request("POST", "/v1/articles").body("application/json", text.into()).send().expect(201);
        let sent: Value = serde_json::from_str(text).unwrap();
        assert_eq!(draft.json()["extensions"], sent["extensions"]);
    }

    fn a_flood_of_members_or_faults_has_a_short_answer(app) {
        let before = fingerprint(app);
        let many: Vec<String> = (0..100_000).map(|number| format!("\"m{number}\":0")).collect();
        let lists = json!({ "title": "t", "tags": vec![1; 1000], "authors": vec![json!({}); 1000] });
        for body in [format!("{{{}}}", many.join(",")), format!("{{\"title\":\"t\",\"extensions\":{{{}}}}}", many.join(",")), lists.to_string()] {
            let answer = app.editor().request("POST", "/v1/articles").body("application/json", body.into_bytes()).send().expect(422);
            assert!(answer.pointers().len() <= 100 && answer.bytes.len() < 100_000, "{}", answer.bytes.len());
        }
        let form = vec!["a=b"; 100_000].join("&");
        app.editor().request("POST", "/v1/articles").body("application/x-www-form-urlencoded", form.into_bytes()).send().expect(415);
        let name = json!({ "title": "t", "x".repeat(100_000): 1, "kicker": "y".repeat(100_000) });
        assert!(app.editor().post("/v1/articles", name).expect(422).bytes.len() < 2_000);
        assert_eq!(fingerprint(app), before);
    }

    fn an_address_that_is_not_plain_utf_8_never_gets_as_far_as_the_database(app) {
        inputs(app);
        let before = fingerprint(app);
        let broken = ["%00", "a%00b", "%ff", "%c0%af", "%c0%80", "%ed%a0%80", "%f4%90%80%80", "%e2%82", "%", "%4", "%zz", "%0a", "%0d%0aX-Evil:1", "%7f", "%1b", "..%2f..%2fetc", "a%2Fb", "%5c..", "%c2%85"];
        for collection in ["articles", "sections", "staff", "tags", "users", "auth/sessions"] {
            for step in broken {
                for (method, suffix) in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/restore"), ("GET", "?view=working")] {
                    let path = format!("/v1/{collection}/{step}{suffix}");
                    let admin = app.admin();
                    let request = admin.request(method, &path).header("if-match", "*");
                    let answer = if matches!(method, "PATCH" | "POST") { request.json(&json!({})).send() } else { request.send() };
                    assert_eq!((answer.status, answer.problem().as_str()), (400, "bad_request"), "{method} {path}");
                }
            }
        }
        for value in ["%00", "a%00b", "%ff", "%c0%af", "%ed%a0%80", "%", "%4", "%zz"] {
            for query in ["section=X", "tag=X", "author=X", "exclude=X", "cursor=X", "fields=X", "include=X", "language=X", "published_after=X", "sort=X", "limit=X", "X=1", "X"] {
                app.anonymous().get(&format!("/v1/articles?{}", query.replace('X', value))).expect(400);
            }
            for path in ["/v1/tags?prefix=", "/v1/staff?kind=", "/v1/sections?tree=", "/v1/users?role=", "/v1/articles/harbor?fields=", "/?x="] {
                app.admin().get(&format!("{path}{value}")).expect(400);
            }
        }
        // As names they are merely unknown.
        for step in ["..", ".", "%2e%2e", "%2E", "%F0%9F%8E%89", "%E2%80%8C", "'", "%22", "%3Cscript%3E", "*", "-", "a;b", "a+b", "%25", "%2500", "%E2%80%AE"] {
            for collection in ["articles", "sections", "staff", "tags"] {
                let answer = app.anonymous().get(&format!("/v1/{collection}/{step}"));
                assert!(answer.status == 404, "{collection}/{step}: {}", answer.status);
            }
        }
        for line in [&b"GET /v1/articles/caf\xe9 HTTP/1.1"[..], b"GET /v1/articles/caf\xc3\xa9 HTTP/1.1", b"GET /v1/articles?section=\xff HTTP/1.1", b"GET /v1/articles/a\\b HTTP/1.1"] {
            let answer = raw::exchange(&app.base, &[line, b"\r\nHost: x\r\nConnection: close\r\n\r\n"].concat());
            assert!(answer.starts_with("HTTP/1.1 4"), "{answer:.200}");
        }
        assert_eq!(fingerprint(app), before);
        app.anonymous().get("/healthz").expect(200);
    }

    fn header_values_of_any_bytes_do_no_harm(app) {
        let article = format!("/v1/articles/{}", id(&app.published("Harbor", json!({}))));
        let token = app.editor().token.unwrap();
        for name in ["If-Match", "If-None-Match", "If-Modified-Since", "Accept", "Accept-Encoding", "Authorization", "Origin", "X-Request-Id", "Idempotency-Key", "Content-Type", "Content-Encoding", "X-Forwarded-For", "Forwarded", "User-Agent"] {
            for value in [&b"\xff\xfe"[..], b"caf\xc3\xa9", b"\"", b"W/\"", b",,,,", b";q=", b"a;q=1e9,b;q=-1,c;q=\xff", b"Bearer", b"bearer  ", b"Basic eDp5", &[b'a'; 5000]] {
                for (method, body) in [("GET", &b""[..]), ("PATCH", b"{}")] {
                    let mut request = format!("{method} {article} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n", body.len()).into_bytes();
                    for (other, usual) in [("If-Match", "*"), ("Content-Type", "application/json"), ("Authorization", &*format!("Bearer {token}"))] {
                        if other != name && (method == "PATCH" || other == "Authorization") {
                            request.extend(format!("{other}: {usual}\r\n").bytes());
                        }
                    }
                    request.extend([name.as_bytes(), b": ", value, b"\r\n\r\n", body].concat());
                    let answer = raw::exchange(&app.base, &request);
                    let status: u16 = answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{name} {value:?}: {answer:?}"));
                    assert!(status < 500, "{method} {name} {:?}: {answer:.300}", String::from_utf8_lossy(value));
                    if name == "Authorization" {
                        assert_eq!(status, 401, "{:?}", String::from_utf8_lossy(value));
                    }
                }
            }
        }
        assert_eq!(app.editor().get(&format!("{article}?view=working")).expect(200).json()["revision"], 2);
    }

    fn one_articles_address_does_not_change_another(app) {
        let [first, second] = ["One", "Two"].map(|title| app.author().post("/v1/articles", json!({ "title": title })).expect(201));
        let (one, two) = (id(&first), id(&second));
        let patch = json!({ "title": "Defaced" });
        for client in [app.anonymous(), app.colleague(), app.author()] {
            for (method, path, body, allowed) in [
                ("PATCH", "/v1/articles/1abc".to_owned(), patch.clone(), &[401, 404][..]),
                ("PUT", format!("/v1/articles/{one}"), patch.clone(), &[405]),
                ("PUT", format!("/v1/articles/{one}?id={two}"), patch.clone(), &[405]),
                ("PATCH", format!("/v1/articles/{one}?id={two}"), patch.clone(), &[400, 401]),
                ("PATCH", format!("/v1/articles/{one}?id={one}abc"), patch.clone(), &[400, 401]),
                ("PATCH", format!("/v1/articles/{one}abc"), patch.clone(), &[401, 404]),
                ("PATCH", format!("/v1/articles/{one}%20"), patch.clone(), &[401, 404]),
                ("PATCH", format!("/v1/articles/{{{one}}}"), patch.clone(), &[400, 401, 404]),
                ("PATCH", format!("/v1/articles/{one}"), json!({ "id": two, "title": "Defaced" }), &[401, 404, 422]),
                ("PATCH", format!("/v1/articles/{one}"), json!({ "id": { "$ne": null } }), &[401, 404, 422]),
                ("POST", "/v1/articles".to_owned(), json!({ "id": one, "title": "Defaced" }), &[401, 422]),
            ] {
                let answer = client.request(method, &path).header("if-match", "*").json(&body).send();
                assert!(allowed.contains(&answer.status), "{method} {path} {body}: {}", answer.status);
            }
        }
        for (address, before) in [(one, first), (two, second)] {
            assert_eq!(app.author().get(&format!("/v1/articles/{address}?view=working")).expect(200).json(), before.json());
        }
    }
}
