//! Webhooks: who is told what, signed, at least once, in order, and without harm to anybody (P4, S47–S51, S84, S85, R13).

mod delivering;
mod guarding;
pub mod receiver;

use std::sync::Arc;

use serde_json::{Value, json};

use self::receiver::{Arrived, Receiver, answer};
use crate::support::{App, Backend, Database, Response, id, wait::until};

/// What servers of these tests are told: receivers are on this machine, and time goes fast.
const FAST: [(&str, &str); 2] = [("FRONTPAGE_OUTGOING_LOOPBACK", "true"), ("FRONTPAGE_WEBHOOK_TIME_SCALE", "100000")];

/// Makes two tests of each function, one for each database; each starts servers of its own, as all that run on a database
/// send what is due.
macro_rules! each {
    ($(fn $name:ident($backend:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every test needs all that its module imports")]
            use super::*;

            fn run($backend: Backend) $body

            #[test]
            fn sqlite() {
                run(Backend::Sqlite);
            }

            #[test]
            fn postgres() {
                if $crate::support::postgres::cluster().is_ok() {
                    run(Backend::Postgres);
                }
            }
        }
    )*};
}
use each;

/// A webhook of the editor's.
fn webhook(app: &App, url: &str, more: Value) -> Response {
    let mut input = json!({ "url": url });
    for (name, value) in more.as_object().cloned().unwrap_or_default() {
        input[name] = value;
    }
    app.editor().post("/v1/webhooks", input).expect(201)
}

fn address(webhook: &Response) -> String {
    format!("/v1/webhooks/{}", id(webhook))
}

fn deliveries(app: &App, webhook: &str) -> Vec<Value> {
    let page = app.admin().get(&format!("{webhook}/deliveries?limit=100")).expect(200).json();
    page["data"].as_array().unwrap().clone()
}

/// Waits until so many requests have arrived, and returns them.
fn arrived(receiver: &Receiver, n: usize) -> Vec<Arrived> {
    until(&format!("{n} requests arrive"), || receiver.arrived().len() >= n);
    receiver.arrived()
}

fn types(arrived: &[Arrived]) -> Vec<String> {
    arrived.iter().map(|one| one.json()["type"].as_str().unwrap().to_owned()).collect()
}

fn verb(app: &App, article: &str, verb: &str, body: Value) {
    let admin = app.admin();
    admin.request("POST", &format!("{article}/{verb}")).header("if-match", "*").json(&body).send().expect(200);
}

each! {
    fn what_happens_is_told_signed_and_refers_to_the_article(backend) {
        let app = &App::start_with(backend, &FAST);
        let receiver = Receiver::well();
        let made = webhook(app, &receiver.url(), json!({ "events": ["article.published", "article.killed"] }));
        let secret = made.json()["secret"].as_str().unwrap().to_owned();
        let article = id(&app.published("Harbor reopens", json!({})));
        let path = format!("/v1/articles/{article}");
        app.editor().patch(&path, "*", json!({ "title": "Harbor" })).expect(200);
        verb(app, &path, "publish", json!({}));
        verb(app, &path, "kill", json!({ "notice": "We may not tell." }));

        let told = arrived(&receiver, 2);
        assert_eq!(types(&told), ["article.published", "article.killed"]);
        for one in &told {
            assert_eq!(one.line, "POST /hook?a=b HTTP/1.1");
            assert_eq!(one.header("content-type"), "application/json");
            assert_eq!(one.signature_by(&secret), Some(0));
            let mut altered = one.clone();
            altered.body.push(' ');
            assert_eq!(altered.signature_by(&secret), None);
            let data = &one.json()["data"];
            assert_eq!((&data["resource"], &data["resource_id"]), (&json!("article"), &json!(article)));
            assert!(one.body.len() < 20_000 && !one.body.contains("The first ships"), "{}", one.body);
            // Where to go on with the change feed.
            app.anonymous().get(&format!("/v1/changes?cursor={}", data["cursor"].as_str().unwrap())).expect(200);
            crate::support::contract::check_component("WebhookPayload", &one.json(), "what is sent");
        }
        assert_eq!(told[1].json()["data"]["reason"], "We may not tell.");
        assert_ne!(told[0].header("webhook-id"), told[1].header("webhook-id"));
        let known = deliveries(app, &address(&made));
        assert_eq!(known.len(), 2);
        assert_eq!(known[1]["id"], told[0].header("webhook-id"));
        until("both are noted as delivered", || deliveries(app, &address(&made)).iter().all(|one| one["state"] == "delivered"));
        assert_eq!(deliveries(app, &address(&made))[0]["attempts"][0]["status"], 204);
    }

    fn filters_let_through_what_is_in_a_section_or_has_a_tag(backend) {
        let app = &App::start_with(backend, &FAST);
        app.section("World");
        app.editor().post("/v1/sections", json!({ "name": "Asia", "parent": "world" })).expect(201);
        app.section("Sports");
        app.tag("Ships");
        let receiver = Receiver::well();
        webhook(app, &receiver.url(), json!({ "sections": ["world"], "tags": ["ships"] }));
        app.published("Elsewhere", json!({ "section": "sports", "tags": ["ships"] }));
        app.published("Another matter", json!({ "section": "asia" }));
        app.section("Culture");
        let wanted = id(&app.published("Wanted", json!({ "section": "asia", "tags": ["ships"] })));
        verb(app, &format!("/v1/articles/{wanted}"), "withdraw", json!({}));
        verb(app, &format!("/v1/articles/{wanted}"), "kill", json!({ "notice": "Gone." }));

        let told = arrived(&receiver, 3);
        assert_eq!(types(&told), ["article.published", "article.withdrawn", "article.killed"]);
        assert!(told.iter().all(|one| one.json()["data"]["resource_id"] == wanted));
    }

    fn while_a_secret_is_replaced_both_sign_and_none_is_shown_again(backend) {
        let app = &App::start_with(backend, &FAST);
        let receiver = Receiver::well();
        let made = webhook(app, &receiver.url(), json!({}));
        let path = address(&made);
        let old = made.json()["secret"].as_str().unwrap().to_owned();
        app.editor().request("POST", &format!("{path}/rotate-secret")).header("if-match", "\"r9\"").json(&json!({})).send().expect(412);
        let rotated = app.editor().verb(&format!("{path}/rotate-secret"), "*").expect(200);
        let new = rotated.json()["secret"].as_str().unwrap().to_owned();
        assert_ne!(old, new);
        app.editor().post(&format!("{path}/test"), json!({})).expect(200);

        let told = arrived(&receiver, 1);
        assert_eq!(types(&told), ["webhook.test"]);
        assert_eq!((told[0].signature_by(&new), told[0].signature_by(&old)), (Some(0), Some(1)));
        // The day is over.
        app.database.sql("UPDATE webhooks SET old_secret_until = '2001-01-01 00:00:00.000'");
        app.editor().post(&format!("{path}/test"), json!({})).expect(200);
        let told = arrived(&receiver, 2);
        assert_eq!((told[1].signature_by(&new), told[1].signature_by(&old)), (Some(0), None));

        let audit = app.admin().get("/v1/audit?resource=webhook&limit=100").expect(200).text();
        let shown = [app.editor().get(&path).expect(200).text(), app.editor().get("/v1/webhooks").expect(200).text(), app.editor().get(&format!("{path}/deliveries")).expect(200).text(), audit];
        let stored = app.database.sql("SELECT secret || ' ' || COALESCE(old_secret, '') AS line FROM webhooks");
        for text in shown.iter().chain([&stored]) {
            assert!(!text.contains("whsec_") && !text.contains(old.trim_start_matches("whsec_")) && !text.contains(new.trim_start_matches("whsec_")), "{text}");
        }
    }

    fn a_webhook_is_managed_like_every_resource(backend) {
        let app = &App::start(backend);
        app.section("World");
        let made = webhook(app, "https://93.184.216.34/hook", json!({ "description": "The app", "sections": ["world"] }));
        let path = address(&made);
        assert_eq!(made.header("location"), Some(path.as_str()));
        assert_eq!((made.json()["is_enabled"].clone(), made.json()["events"].clone()), (json!(true), json!([])));
        let changed = app.editor().patch(&path, &made.etag(), json!({ "events": ["article.killed"], "sections": [], "description": null })).expect(200);
        assert_eq!((changed.json()["revision"].clone(), changed.json()["description"].clone()), (json!(2), Value::Null));
        app.editor().patch(&path, &made.etag(), json!({ "is_enabled": false })).expect(412);
        app.editor().request("PATCH", &path).json(&json!({ "is_enabled": false })).send().expect(428);
        for (input, pointers) in [
            (json!({}), vec!["/url"]), (json!({ "url": "https://93.184.216.34/", "events": ["article.eaten"] }), vec!["/events/0"]),
            (json!({ "url": "https://93.184.216.34/", "sections": ["nowhere"], "tags": ["none", "never"] }), vec!["/sections/0", "/tags/0", "/tags/1"]),
            (json!({ "url": "https://93.184.216.34/", "secret": "whsec_mine" }), vec!["/secret"]),
            (json!({ "url": "https://93.184.216.34/", "sections": vec!["world"; 51] }), vec!["/sections"]),
        ] {
            assert_eq!(app.editor().post("/v1/webhooks", input.clone()).expect(422).pointers(), pointers, "{input}");
        }
        app.admin().get(&path).expect(200);
        assert_eq!(app.admin().get("/v1/webhooks").expect(200).json()["data"].as_array().unwrap().len(), 1);
        app.editor().delete(&path, &changed.etag()).expect(204);
        app.editor().get(&path).expect(404);
    }

    fn what_was_told_can_be_told_again_under_the_same_id(backend) {
        let app = &App::start_with(backend, &FAST);
        let start = app.anonymous().get("/v1/changes?from=latest").expect(200).json()["page"]["next"].clone();
        let before = id(&app.published("Before", json!({})));
        crate::newswire::settle(app);
        let receiver = Receiver::well();
        let made = webhook(app, &receiver.url(), json!({ "events": ["article.published"] }));
        let path = address(&made);
        let after = id(&app.published("After", json!({})));
        let first = arrived(&receiver, 1);
        assert_eq!(first[0].json()["data"]["resource_id"], after);
        until("it is noted", || deliveries(app, &path)[0]["state"] == "delivered");

        let one = format!("{path}/deliveries/{}/replay", first[0].header("webhook-id"));
        app.editor().post(&one, json!({})).expect(200);
        let told = arrived(&receiver, 2);
        assert_eq!((told[1].header("webhook-id"), &told[1].body), (first[0].header("webhook-id"), &first[0].body));
        until("it is noted", || deliveries(app, &path)[0]["state"] == "delivered");
        let replay = app.editor().post(&format!("{path}/replay"), json!({ "cursor": start })).expect(200).json();
        assert_eq!((&replay["n_queued"], &replay["next"]), (&json!(2), &Value::Null));
        let told = arrived(&receiver, 4);
        let again: Vec<Value> = told[2..].iter().map(|one| one.json()["data"]["resource_id"].clone()).collect();
        assert!(again.contains(&json!(before)) && again.contains(&json!(after)), "{again:?}");

        // Of what was told again before it was noted, nothing is noted twice, and what comes after is told.
        app.database.sql("UPDATE followers SET position = position - 1 WHERE name = 'webhooks'");
        let later = id(&app.published("Later", json!({})));
        assert_eq!(arrived(&receiver, 5)[4].json()["data"]["resource_id"], later);
        until("it is noted", || deliveries(app, &path).iter().all(|one| one["state"] == "delivered"));
        assert_eq!((deliveries(app, &path).len(), receiver.arrived().len()), (3, 5));

        assert_eq!(app.editor().post(&format!("{path}/replay"), json!({ "cursor": "AAAA" })).expect(422).pointers(), ["/cursor"]);
        app.editor().post(&format!("{path}/deliveries/{}/replay", uuid::Uuid::now_v7()), json!({})).expect(404);
    }

    fn what_is_told_is_kept_once_for_as_long_as_anybody_is_told_it(backend) {
        let database = Arc::new(Database::with_logins(backend));
        let app = App::start_on(database.clone(), &FAST);
        let receivers = [Receiver::well(), Receiver::well()];
        let wants = json!({ "events": ["article.published"] });
        let made = receivers.each_ref().map(|receiver| webhook(&app, &receiver.url(), wants.clone()));
        app.published("One", json!({}));
        let first = receivers.each_ref().map(|receiver| arrived(receiver, 1).remove(0));
        assert_eq!(first[0].body, first[1].body);
        let n_kept = || database.sql("SELECT CAST(COUNT(*) AS TEXT) AS line FROM webhook_payloads");
        assert_eq!(n_kept(), "1");

        // What was there before it was kept so is told as it was, also by a server of before.
        until("both are noted", || made.iter().all(|made| deliveries(&app, &address(made))[0]["state"] == "delivered"));
        drop(app);
        crate::migrations::back_and_forth(&database, "2026-11-25-150000_share_payloads");
        let app = &App::start_on(database.clone(), &FAST);
        let again = format!("{}/deliveries/{}/replay", address(&made[0]), first[0].header("webhook-id"));
        app.editor().post(&again, json!({})).expect(200);
        assert_eq!(arrived(&receivers[0], 2)[1].body, first[0].body);

        app.published("Two", json!({}));
        assert_eq!(arrived(&receivers[1], 2)[1].body, arrived(&receivers[0], 3)[2].body);
        for (webhook, n) in made.iter().zip(["1", "0"]) {
            app.editor().delete(&address(webhook), "*").expect(204);
            assert_eq!(n_kept(), n);
        }
    }
}
