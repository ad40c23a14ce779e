//! Where nothing is sent to, and what nobody can do with what is sent.

use std::{io::Write, sync::Arc};

use super::*;

each! {
    fn addresses_inside_are_refused_and_nothing_connects_to_them(backend) {
        let app = &App::start(backend);
        let receiver = Receiver::well();
        let port = receiver.addr.port();
        let inside = [
            format!("http://127.0.0.1:{port}/"), format!("https://127.0.0.1:{port}/"), format!("http://localhost:{port}/"), format!("https://localhost:{port}/"), format!("https://[::1]:{port}/"),
            format!("https://0.0.0.0:{port}/"), format!("https://[::ffff:127.0.0.1]:{port}/"), "https://127.0.0.1/".into(), "https://localhost/".into(), "https://localhost:8443/".into(), "https://LOCALHOST./".into(),
            "https://10.0.0.1/".into(), "https://172.16.0.1/".into(), "https://192.168.0.1/".into(), "https://169.254.169.254/latest/meta-data/".into(), "https://100.64.0.1/".into(), "https://[fd00::1]/".into(),
            "https://[fe80::1]/".into(), "https://2130706433/".into(), "file:///etc/passwd".into(), "gopher://127.0.0.1/".into(), "ftp://93.184.216.34/".into(), "https://93.184.216.34:22/".into(),
            "https://93.184.216.34:25/".into(), "https://93.184.216.34:5432/".into(), "http://93.184.216.34/".into(), "https://user:password@93.184.216.34/".into(),
        ];
        let made = webhook(app, "https://93.184.216.34/hook", json!({ "is_enabled": false }));
        for url in inside {
            for answer in [app.editor().post("/v1/webhooks", json!({ "url": url })), app.editor().patch(&address(&made), "*", json!({ "url": url }))] {
                let problem = answer.expect(422).json();
                assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!("/url"), &json!("url_not_allowed")), "{url}");
            }
        }
        assert_eq!(receiver.n_connections(), 0);
    }

    fn an_address_that_was_let_in_is_checked_again_when_it_is_sent_to(backend) {
        let receiver = Receiver::well();
        let app = &App::start_with(backend, &[FAST[1]]);
        let made = webhook(app, "https://93.184.216.34/hook", json!({ "is_enabled": false }));
        for url in [receiver.url(), format!("https://localhost:{}/", receiver.addr.port())] {
            app.database.sql(&format!("UPDATE webhooks SET url = '{url}', is_enabled = true"));
            let delivery = id(&app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200));
            until("it is given up", || {
                deliveries(app, &address(&made)).iter().any(|one| one["id"] == delivery && one["state"] == "dead")
            });
        }
        assert_eq!(receiver.n_connections(), 0);
    }

    fn nobody_is_led_elsewhere_by_a_redirect(backend) {
        let app = &App::start_with(backend, &FAST);
        let inside = Receiver::well();
        for status in [301, 302, 303, 307, 308] {
            let location = inside.url();
            let receiver = Receiver::start(Arc::new(move |_, stream| {
                let _ = write!(stream, "HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }));
            let made = webhook(app, &receiver.url(), json!({}));
            app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);
            until("it is given up", || deliveries(app, &address(&made))[0]["state"] == "dead");
            let attempts = deliveries(app, &address(&made))[0]["attempts"].clone();
            assert_eq!(attempts.as_array().unwrap().len(), 10);
            assert_eq!(attempts[0]["status"], status);
            app.editor().delete(&address(&made), "*").expect(204);
        }
        assert_eq!(inside.n_connections(), 0);
    }

    fn a_request_says_who_sends_it_and_nothing_of_who_asked(backend) {
        let app = &App::start_with(backend, &FAST);
        let receiver = Receiver::well();
        let made = webhook(app, &receiver.url(), json!({}));
        let editor = app.editor();
        let request = editor.request("POST", &format!("{}/test", address(&made))).header("cookie", "session=1").header("x-request-id", "a-request-of-ours");
        request.json(&json!({})).send().expect(200);

        let told = arrived(&receiver, 1).remove(0);
        let names: Vec<&str> = told.headers.iter().map(|(name, _)| name.as_str()).collect();
        for name in &names {
            assert!(["host", "user-agent", "accept", "accept-encoding", "content-type", "content-length", "connection", "webhook-id", "webhook-timestamp", "webhook-signature"].contains(name), "{name}");
        }
        assert!(told.header("user-agent").starts_with("Frontpage/"), "{told:?}");
        assert!(!format!("{told:?}").contains("a-request-of-ours"));
    }

    fn an_answer_without_an_end_is_read_to_a_limit(backend) {
        let app = &App::start_with(backend, &FAST);
        let receiver = Receiver::start(Arc::new(|_, stream| {
            let _ = stream.write_all(b"HTTP/1.1 500 Endless\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
            let junk = "junk\u{0}é".repeat(10_000);
            // Until nobody reads any more.
            while stream.write_all(junk.as_bytes()).is_ok() {}
        }));
        let made = webhook(app, &receiver.url(), json!({}));
        app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);

        until("it is given up", || deliveries(app, &address(&made))[0]["state"] == "dead");
        let delivery = deliveries(app, &address(&made)).remove(0);
        let answer = delivery["answer"].as_str().unwrap();
        assert!(answer.starts_with("junk") && answer.len() <= 4096 && answer.len() > 4000, "{}", answer.len());
        assert_eq!(delivery["attempts"][9]["status"], 500);
    }

    fn headers_without_an_end_and_what_is_no_http_are_failures(backend) {
        let app = &App::start_with(backend, &[FAST[0], FAST[1], ("FRONTPAGE_WEBHOOK_SECONDS", "1")]);
        let manners: [receiver::Manner; 3] = [
            Arc::new(|_, stream| {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
                while stream.write_all(b"X-More: and more and more and more\r\n").is_ok() {}
            }),
            Arc::new(|_, stream| while stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n").is_ok() {}),
            Arc::new(|_, stream| { let _ = stream.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n"); }),
        ];
        for manner in manners {
            let receiver = Receiver::start(manner);
            let made = webhook(app, &receiver.url(), json!({}));
            app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);
            until("an attempt has failed", || deliveries(app, &address(&made))[0]["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty()));
            let attempt = deliveries(app, &address(&made))[0]["attempts"][0].clone();
            assert!(attempt["status"].is_null() && attempt["error"].is_string(), "{attempt}");
            app.editor().delete(&address(&made), "*").expect(204);
        }
    }
}
