//! HTTP as attackers speak it: requests that two readers could read differently (S69), names of hosts that somebody makes
//! up (S44), and what the log keeps of all that (S9).

use std::{fs::File, sync::Arc, time::Duration};

use serde_json::json;

use crate::support::{Backend, Client, Database, PASSWORD, both, id, postgres, program, raw};

/// The start of a request with a body.
const POST: &str = "POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

/// What somebody hides behind it.
const HIDDEN: &str = "GET /problems/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

both! {
    fn a_request_whose_end_is_in_doubt_is_refused_and_nothing_after_it_is_read(app) {
        for doubtful in [
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
            "Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
            "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
            "Content-Length: 2, 2\r\n\r\n{}",
            "Content-Length: +2\r\n\r\n{}",
            "Content-Length: -2\r\n\r\n{}",
            "Content-Length: 0x2\r\n\r\n{}",
            "Content-Length: 99999999999999999999999\r\n\r\n{}",
            "Content-Length : 2\r\n\r\n{}",
            "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n10000000000000000f\r\n{}\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
            "X: a\r\n folded\r\nContent-Length: 2\r\n\r\n{}",
            "X: a\0b\r\nContent-Length: 2\r\n\r\n{}",
            "X: a\rb\r\nContent-Length: 2\r\n\r\n{}",
        ] {
            let answer = raw::exchange_until_closed(&app.base, format!("{POST}{doubtful}{HIDDEN}").as_bytes());
            assert!(answer.starts_with("HTTP/1.1 400 "), "{doubtful:?}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{doubtful:?}: {answer}");
        }
        let old = POST.replace("HTTP/1.1", "HTTP/1.0");
        let answer = raw::exchange_until_closed(&app.base, format!("{old}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.matches("HTTP/1.1 ").count() == 1, "{answer}");
        app.anonymous().get("/healthz").expect(200);
    }

    fn what_is_not_a_request_is_refused(app) {
        let many = (0..120).map(|number| format!("X-{number}: a\r\n")).collect::<String>();
        let long = "a".repeat(200_000);
        for (request, status) in [
            ("GET /healthz HTTP/1.1\r\n\r\n".to_owned(), 400),
            ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), 400),
            ("GET /healthz HTTP/1.2\r\nHost: x\r\n\r\n".to_owned(), 400),
            ("GET /healthz\r\n\r\n".to_owned(), 400),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 400),
            ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n".to_owned(), 400),
            (format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n"), 431),
            (format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"), 431),
        ] {
            let answer = raw::exchange(&app.base, request.as_bytes());
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.60?}: {answer}");
        }
        // HTTP/2 is not spoken, so nobody is asked to change over.
        let upgrade = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
        let answer = raw::exchange(&app.base, upgrade.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.to_lowercase().contains("upgrade: "), "{answer}");
    }

    fn a_host_that_is_none_is_refused_also_where_the_answer_is_kept(app) {
        app.published("Harbor", json!({}));
        for (host, status) in [("cms.newsroom.test:8080", 200), ("[::1]:80", 200), ("", 200), ("a b", 400), ("a, b", 400), ("u@h", 400), ("a/b", 400), ("a:b", 400)] {
            for path in ["/v1/articles", "/v1/articles", "/healthz"] {
                let answer = raw::exchange(&app.base, format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
                assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host} {path}: {answer:.300}");
                assert!(status == 200 || answer.contains("/problems/bad_request"), "{host} {path}: {answer:.600}");
            }
        }
    }

    fn what_comes_bit_by_bit_has_no_chunks_for_who_does_not_know_them(app) {
        app.published("Harbor", json!({}));
        let new = raw::exchange_until_closed(&app.base, b"GET /v1/snapshot HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(new.to_lowercase().contains("\r\ntransfer-encoding: chunked\r\n"), "{new}");
        let old = raw::exchange_until_closed(&app.base, b"GET /v1/snapshot HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        let (head, body) = old.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 ") && !head.to_lowercase().contains("transfer-encoding"), "{head}");
        let bare = raw::exchange_until_closed(&app.base, b"HEAD /v1/snapshot HTTP/1.0\r\n\r\n");
        assert!(bare.contains(" 200 ") && bare.ends_with("\r\n\r\n") && !bare.to_lowercase().contains("transfer-encoding"), "{bare}");
        assert!(body.starts_with('{') && body.trim_end().ends_with('}') && body.contains("\"end\""), "{body}");
    }

    fn a_body_that_hardly_arrives_is_given_up_long_before_it_could_be_complete(app) {
        // Nothing comes after its first bytes; the deadline for whole bodies is twenty seconds.
        let begun = format!("{POST}Content-Length: 5000\r\n\r\n{{\"email\"");

        let answer = raw::exchange_within(&app.base, begun.as_bytes(), Duration::from_secs(18));

        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("1 KiB a second"), "{answer}");
    }

    fn a_body_without_a_length_does_not_outlive_its_answer(app) {
        let chunked = "Host: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n";
        for (start, status) in [
            ("POST /v1/articles HTTP/1.1", 401),
            ("POST /v1/nowhere HTTP/1.1", 404),
            ("PUT /v1/articles HTTP/1.1", 405),
            ("GET /v1/articles HTTP/1.1", 200),
            ("POST /v1/auth/token HTTP/1.1", 408),
        ] {
            // Fails when the server keeps the connection, on which more of the body could come for ever.
            let answer = raw::exchange_until_closed(&app.base, format!("{start}\r\n{chunked}").as_bytes());
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{start}: {answer}");
            assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{start}: {answer}");
        }
    }

    fn no_answer_repeats_a_host_that_somebody_made_up(app) {
        let article = id(&app.published("Harbor", json!({ "tags": [app.tag("Ships")["id"]], "authors": [{ "staff": app.staff("Mina")["id"] }] })));
        let token = app.editor().token.unwrap();
        let heads = [
            "Host: evil.test\r\n", "Host: x\r\nX-Forwarded-Host: evil.test\r\n", "Host: x\r\nForwarded: host=evil.test;proto=https\r\n",
            "Host: x\r\nX-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: evil\r\nX-Forwarded-Prefix: /evil\r\nX-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\n",
        ];
        let body = r#"{"title":"One"}"#;
        let trusting = crate::support::App::start_on(app.database.clone(), &[("FRONTPAGE_TRUSTED_PROXIES", "127.0.0.0/8")]);
        for base in [&app.base, &trusting.base] {
            for path in ["/", "/docs", "/openapi.json", "/v1/articles?limit=1", &format!("/v1/articles/{article}"), "/v1/articles/HARBOR", "/v1/sections", "/v1/staff", "/v1/tags", "/v1/nothing"] {
                for head in heads {
                    for target in [path.to_owned(), format!("http://evil.test{path}")] {
                        let answer = raw::exchange(base, format!("GET {target} HTTP/1.1\r\n{head}Connection: close\r\n\r\n").as_bytes());
                        assert!(answer.starts_with("HTTP/1.1 ") && !answer.contains("evil"), "{target} {head}: {answer:.400}");
                    }
                }
            }
            for head in heads {
                let request = format!("POST /v1/articles HTTP/1.1\r\n{head}Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
                let answer = raw::exchange(base, request.as_bytes());
                assert!(answer.starts_with("HTTP/1.1 201 ") && answer.contains("location: /v1/articles/") && !answer.contains("evil"), "{head}: {answer:.400}");
            }
        }
    }
}

/// Everything that the log must not have, said to a server that logs all it can.
fn whisper(base: &str) -> Vec<String> {
    let anonymous = Client::new(base, None);
    let log_in = |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        anonymous.request("POST", "/v1/auth/token").header("x-forwarded-for", "203.0.113.77").json(&body).send()
    };
    let login = log_in("admin@newsroom.test", PASSWORD).expect(200).json();
    let [access, refresh] = ["access_token", "refresh_token"].map(|name| login[name].as_str().unwrap().to_owned());
    let admin = anonymous.with_token(&access);
    log_in("cnrmail@newsroom.test", "cnrpassword of nobody at all").expect(401);
    let user = json!({ "email": "cnrmail@newsroom.test", "name": "cnrname", "role": "author", "password": "cnrpassword of somebody else" });
    let user = id(&admin.post("/v1/users", user).expect(201));
    admin
        .post("/v1/users", json!({ "email": "cnrmail@newsroom.test", "name": "cnrname", "role": "author" }))
        .expect(409);
    let reset = admin.post(&format!("/v1/users/{user}/password-reset"), json!({})).expect(200).json();
    let reset = reset["token"].as_str().unwrap().to_owned();
    anonymous.post("/v1/auth/password-reset", json!({ "token": reset, "new_password": "cnrshort" })).expect(422);
    let refreshed = anonymous.post("/v1/auth/refresh", json!({ "refresh_token": refresh })).expect(200).json();
    anonymous.get(&format!("/v1/auth/me?access_token={access}")).expect(401);
    admin.get(&format!("/v1/auth/me?access_token={access}")).expect(400);
    anonymous.with_token("cnr.forged.token").get("/v1/auth/me").expect(401);
    let article =
        json!({ "title": "cnrtitle", "body_html": "<p>cnrbody</p>", "section": "cnrsection", "cnrmember": 1 });
    admin.post("/v1/articles", article).expect(422);
    admin
        .request("POST", "/v1/articles")
        .body("application/json", b"{\"title\":\"cnrbroken".to_vec())
        .send()
        .expect(400);
    let article = json!({ "title": "cnrtitle", "slug": "plain", "body_html": "<p>cnrbody</p>" });
    admin.post("/v1/articles", article).expect(201);
    // What is not HTTP is the client's mistake, and no error of the server.
    assert!(raw::exchange(base, b"nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    let mut secrets =
        vec!["cnr".to_owned(), PASSWORD.to_owned(), "newsroom.test".to_owned(), "203.0.113.77".to_owned()];
    secrets.extend([access, refresh, reset]);
    secrets.extend(["access_token", "refresh_token"].map(|name| refreshed[name].as_str().unwrap().to_owned()));
    secrets
}

#[test]
fn the_log_keeps_no_password_token_address_or_text_however_much_it_tells() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        if backend == Backend::Postgres && postgres::cluster().is_err() {
            continue;
        }
        for format in ["text", "json"] {
            let database = Arc::new(Database::with_logins(backend));
            let path = database.directory().join("log");
            let mut command = program::command(database.directory(), &["serve"]);
            command.envs(database.settings()).stderr(File::create(&path).unwrap());
            command.envs([
                ("FRONTPAGE_LOG_LEVEL", "trace"),
                ("FRONTPAGE_LOG_FORMAT", format),
                ("FRONTPAGE_TRUSTED_PROXIES", "127.0.0.0/8"),
            ]);
            let program = program::Program::start(command);

            let secrets = whisper(&program.base);

            program.signal("TERM");
            program.end();
            let log = std::fs::read_to_string(&path).unwrap();
            assert!(log.contains("Request refused"), "the log tells something: {log}");
            assert!(!log.contains("ERROR"), "{log}");
            for secret in secrets {
                let line = log.lines().find(|line| line.contains(&secret));
                assert_eq!(line, None, "the log has \"{secret}\"");
            }
        }
    }
}
