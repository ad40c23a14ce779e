//! What arrives, however badly it goes.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::*;
use crate::support::{
    Database,
    wait::{pause, until_or},
};

/// What a server had claimed when it died is another's when the claim is over, some seconds later.
fn lease_is_over(database: &Database) {
    database
        .sql("UPDATE webhook_deliveries SET leased_until = '2001-01-01 00:00:00.000' WHERE leased_until IS NOT NULL");
}

/// The changes of each article in the order in which they arrived, without what arrived again.
fn by_article(arrived: &[Arrived]) -> BTreeMap<String, Vec<i64>> {
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for one in arrived {
        let data = one.json()["data"].clone();
        if let Some(change) = data["change_id"].as_i64() {
            found.entry(data["resource_id"].as_str().unwrap().to_owned()).or_default().push(change);
        }
    }
    found
}

each! {
    fn each_way_to_fail_is_tried_again_but_410_which_disables(backend) {
        let app = &App::start_with(backend, &FAST);
        // What it answers, and what is noted of the first attempt.
        let table: [(receiver::Manner, Value); 7] = [
            (answer(404, "", "not here"), json!(404)),
            (answer(500, "", "oops"), json!(500)),
            (answer(429, "Retry-After: 120\r\n", "slowly"), json!(429)),
            (answer(503, "Retry-After: soon\r\n", "later"), json!(503)),
            (Arc::new(|_, _| {}), Value::Null),
            // Resets the connection.
            (Arc::new(|_, stream| socket2::SockRef::from(&*stream).set_linger(Some(std::time::Duration::ZERO)).unwrap()), Value::Null),
            (answer(301, "Location: /elsewhere\r\n", ""), json!(301)),
        ];
        for (manner, status) in table {
            let receiver = Receiver::start(manner);
            let made = webhook(app, &receiver.url(), json!({}));
            app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);
            arrived(&receiver, 2);
            receiver.behave(answer(200, "", "thank you"));
            until("it is delivered in the end", || deliveries(app, &address(&made))[0]["state"] == "delivered");
            let told = receiver.arrived();
            assert!(told.iter().all(|one| one.header("webhook-id") == told[0].header("webhook-id")));
            let delivery = deliveries(app, &address(&made)).remove(0);
            assert_eq!((&delivery["attempts"][0]["status"], &delivery["answer"]), (&status, &json!("thank you")));
            assert_eq!(app.editor().get(&address(&made)).expect(200).json()["failing_since"], Value::Null);
            app.editor().delete(&address(&made), "*").expect(204);
        }
        let receiver = Receiver::start(answer(410, "", "go away"));
        let made = webhook(app, &receiver.url(), json!({}));
        app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);
        until("it is disabled", || app.editor().get(&address(&made)).expect(200).json()["is_enabled"] == false);
        assert_eq!(app.editor().get(&address(&made)).expect(200).json()["disabled_reason"], "gone");
        // Whoever enables it again gets what was waiting.
        receiver.behave(answer(200, "", ""));
        let enabled = app.editor().patch(&address(&made), "*", json!({ "is_enabled": true })).expect(200).json();
        assert_eq!(enabled["disabled_reason"], Value::Null);
        until("it is delivered", || deliveries(app, &address(&made))[0]["state"] == "delivered");
        assert_eq!(receiver.arrived().len(), 2);
    }

    fn an_endpoint_that_is_refused_or_speaks_no_tls_fails_and_is_given_up(backend) {
        let app = &App::start_with(backend, &FAST);
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address_of_plain = plain.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in plain.incoming().map_while(Result::ok) {
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            }
        });
        for url in [format!("http://{nobody}/"), format!("https://{address_of_plain}/")] {
            let made = webhook(app, &url, json!({}));
            app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);
            until("it is given up", || deliveries(app, &address(&made))[0]["state"] == "dead");
            let delivery = deliveries(app, &address(&made)).remove(0);
            assert_eq!(delivery["attempts"].as_array().unwrap().len(), 10);
            assert!(delivery["attempts"][9]["error"].is_string() && delivery["next_at"].is_null(), "{delivery}");
            app.editor().delete(&address(&made), "*").expect(204);
        }
    }

    fn an_endpoint_with_a_certificate_of_nobody_is_told_nothing_and_tried_again(backend) {
        let app = &App::start_with(backend, &FAST);
        let receiver = receiver::Imposter::start();
        let made = webhook(app, &receiver.url, json!({}));
        app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);

        until("it is tried again", || deliveries(app, &address(&made))[0]["attempts"].as_array().unwrap().len() > 1);
        let delivery = deliveries(app, &address(&made)).remove(0);
        for attempt in delivery["attempts"].as_array().unwrap() {
            assert!(attempt["error"].as_str().unwrap().contains("TLS") && attempt["status"].is_null(), "{attempt}");
        }
        let n_refused = receiver.n_refused.load(Ordering::SeqCst);
        assert!(n_refused > 1, "{n_refused} handshakes were broken off");
    }

    fn an_endpoint_that_fails_for_days_is_disabled(backend) {
        let app = &App::start_with(backend, &FAST);
        let receiver = Receiver::start(answer(500, "", ""));
        let made = webhook(app, &receiver.url(), json!({}));
        app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);
        until("it fails", || app.editor().get(&address(&made)).expect(200).json()["failing_since"].is_string());
        // That was long ago.
        app.database.sql("UPDATE webhooks SET failing_since = '2001-01-01 00:00:00.000'");
        app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);
        until("it is disabled", || app.editor().get(&address(&made)).expect(200).json()["is_enabled"] == false);
        assert_eq!(app.editor().get(&address(&made)).expect(200).json()["disabled_reason"], "failing");
        let audit = app.admin().get("/v1/audit?action=webhook.disabled").expect(200).json();
        assert_eq!(audit["data"].as_array().unwrap().len(), 1);
    }

    fn endpoints_that_drip_hold_up_nobody(backend) {
        let app = &App::start_with(backend, &[FAST[0], ("FRONTPAGE_WEBHOOK_REQUESTS", "16")]);
        let n_dripping = Arc::new(AtomicUsize::new(0));
        let counts = n_dripping.clone();
        let dripping = Receiver::start(Arc::new(move |_, stream| {
            counts.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            while stream.write_all(b".").is_ok() { pause(std::time::Duration::from_millis(200)); }
            counts.fetch_sub(1, Ordering::SeqCst);
        }));
        let well = Receiver::well();
        let made = webhook(app, &well.url(), json!({}));
        app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);
        arrived(&well, 1);
        for number in 0..30 {
            let made = webhook(app, &format!("{}&number={number}", dripping.url()), json!({}));
            app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);
        }
        until("they drip", || n_dripping.load(Ordering::SeqCst) >= 8);

        // While all that they may have is taken, the other one is told as ever.
        let at_once = n_dripping.load(Ordering::SeqCst);
        for n in 2..=6 {
            app.editor().post(&format!("{}/test", address(&made)), json!({})).expect(200);
            arrived(&well, n);
        }
        assert!(at_once <= 16, "{at_once}");
    }

    fn what_is_told_of_an_article_waits_for_what_came_before(backend) {
        let app = &App::start_with(backend, &FAST);
        let poisoned = id(&app.published("Poison", json!({})));
        let wants = poisoned.clone();
        crate::newswire::settle(app);
        let receiver = Receiver::start(Arc::new(move |request, stream| {
            let status = if request.body.contains(&wants) { 500 } else { 200 };
            let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }));
        let made = webhook(app, &receiver.url(), json!({}));
        let path = format!("/v1/articles/{poisoned}");
        for number in 0..3 {
            app.editor().patch(&path, "*", json!({ "title": format!("Poison {number}") })).expect(200);
            verb(app, &path, "publish", json!({}));
        }
        let well = id(&app.published("Well", json!({})));

        // One that never arrives holds up those after it until it is given up, and no other article.
        until("the others are told", || by_article(&receiver.arrived()).contains_key(&well));
        until("all three are given up", || {
            deliveries(app, &address(&made)).iter().filter(|one| one["state"] == "dead").count() == 3
        });
        let mut changes = by_article(&receiver.arrived()).remove(&poisoned).unwrap();
        assert_eq!(changes.len(), 30);
        assert!(changes.is_sorted(), "{changes:?}");
        changes.dedup();
        assert_eq!(changes.len(), 3);
    }

    fn what_is_damaged_in_the_database_holds_up_nobody(backend) {
        let app = &App::start_with(backend, &FAST[..1]);
        let receivers = [Receiver::start(answer(500, "", "")), Receiver::well()];
        webhook(app, &receivers[0].url(), json!({ "events": ["article.published"] }));
        for title in ["One", "Two"] {
            app.published(title, json!({}));
        }
        let is_tried = "SELECT CAST(COUNT(*) AS TEXT) AS line FROM webhook_deliveries WHERE n_attempts > 0";
        until("both have failed", || app.database.sql(is_tried) == "2");
        let other = webhook(app, &receivers[1].url(), json!({ "events": ["article.published"] }));

        // How the first went cannot be noted, and what the second tells is missing.
        receivers[0].behave(answer(200, "", ""));
        app.database.sql("DELETE FROM webhook_payloads");
        app.database.sql("UPDATE webhook_deliveries SET attempts = 'damaged', payload = '{}', next_at = created_at WHERE position = (SELECT MIN(position) FROM webhook_deliveries)");
        app.database.sql("UPDATE webhook_deliveries SET next_at = created_at");
        arrived(&receivers[0], 3);
        app.published("Three", json!({}));

        until("what is well is told", || receivers[0].arrived().iter().any(|one| one.body.contains("\"three\"")));
        until("and noted", || deliveries(app, &address(&other)).iter().any(|one| one["state"] == "delivered"));
    }

    fn a_receiver_that_was_away_gets_everything_in_order_although_servers_change(backend) {
        let receiver = Receiver::start(Arc::new(|_, _| {}));
        let slower = [FAST[0], ("FRONTPAGE_WEBHOOK_TIME_SCALE", "2000")];
        let database = Arc::new(Database::with_logins(backend));
        let first = App::start_on(database.clone(), &slower);
        let made = webhook(&first, &receiver.url(), json!({ "events": ["article.published", "article.updated", "article.withdrawn"] }));
        let write = |server: &App, round: usize, articles: &mut Vec<String>| {
            for article in articles.iter() {
                let path = format!("/v1/articles/{article}");
                server.editor().patch(&path, "*", json!({ "title": format!("Title {round}") })).expect(200);
                verb(server, &path, "publish", json!({}));
            }
            for number in 0..5 {
                articles.push(id(&server.published(&format!("Article {round} {number}"), json!({}))));
            }
        };
        let mut articles = Vec::new();
        write(&first, 0, &mut articles);
        arrived(&receiver, 2);
        drop(first);
        lease_is_over(&database);
        let second = App::start_on(database.clone(), &slower);
        write(&second, 1, &mut articles);
        drop(second);
        lease_is_over(&database);
        let third = App::start_on(database.clone(), &slower);
        write(&third, 2, &mut articles);
        receiver.behave(answer(200, "", ""));

        let n = 5 + (5 + 5) + (10 + 5);
        until_or("everything is delivered", std::time::Duration::from_secs(180), || {
            let known = deliveries(&third, &address(&made));
            known.len() == n && known.iter().all(|one| one["state"] == "delivered")
        });
        let known = deliveries(&third, &address(&made));
        let mut expected: BTreeMap<i64, String> = BTreeMap::new();
        for one in &known {
            expected.insert(one["change_id"].as_i64().unwrap(), one["id"].as_str().unwrap().to_owned());
        }
        for (article, mut changes) in by_article(&receiver.arrived()) {
            assert!(changes.is_sorted(), "{article}: {changes:?}");
            changes.dedup();
            for change in changes {
                expected.remove(&change);
            }
        }
        assert!(expected.is_empty(), "never arrived: {expected:?}");
    }
}

#[test]
fn two_servers_tell_everything_once_when_all_goes_well() {
    if crate::support::postgres::cluster().is_err() {
        return;
    }
    let app = App::start_with(Backend::Postgres, &FAST);
    let other = App::start_on(app.database.clone(), &FAST);
    let receiver = Receiver::well();
    let made = webhook(&app, &receiver.url(), json!({ "events": ["article.published"] }));
    app.section("World");
    std::thread::scope(|scope| {
        for (server, name) in [(&app, "One"), (&other, "Other")] {
            scope.spawn(move || {
                for number in 0..15 {
                    server.published(&format!("{name} {number}"), json!({ "section": "world" }));
                }
            });
        }
    });

    until("all are delivered", || {
        let known = deliveries(&app, &address(&made));
        known.len() == 30 && known.iter().all(|one| one["state"] == "delivered")
    });
    assert_eq!(receiver.arrived().len(), 30);
    assert!(deliveries(&app, &address(&made)).iter().all(|one| one["attempts"].as_array().unwrap().len() == 1));
}
