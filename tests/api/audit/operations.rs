//! Every operation that writes leaves one entry, with who, what and from where, and none of it is a text or a secret.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};

use super::{append, count, entries_of, open};
use crate::support::{App, Client, PASSWORD, both, contract, id};

const MISSING: &str = "Operation missing from the table of the audit: add it in tests/api/audit/operations.rs";

/// A moment that no test lives to see.
const FAR: &str = "2100-01-01T00:00:00Z";

/// What every text of these tests contains.
const CANARY: &str = "cnr";

/// A request that will succeed.
struct Ready {
    client: Client,
    method: &'static str,
    path: String,
    body: Option<Value>,
}

/// What an operation leaves.
enum Leaves {
    /// An entry of this action, by this actor.
    One(&'static str, &'static str),
    /// Nothing, for a reason.
    Nothing(&'static str),
}

use Leaves::{Nothing, One};

struct Case {
    operation: &'static str,
    leaves: Leaves,
    ready: fn(&App) -> Ready,
}

fn case(operation: &'static str, leaves: Leaves, ready: fn(&App) -> Ready) -> Case {
    Case { operation, leaves, ready }
}

fn ready(client: Client, method: &'static str, path: &str, body: Value) -> Ready {
    let body = (method != "DELETE").then_some(body);
    Ready { client, method, path: path.to_owned(), body }
}

fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn text(what: &str) -> String {
    format!("{CANARY} {what} {}", unique())
}

/// An article of the editor's, after some verbs; the section is there for publishing.
fn article(app: &App, steps: &[(&str, Value)]) -> String {
    app.editor().post("/v1/sections", json!({ "name": "World", "slug": "world" }));
    let path = format!("/v1/articles/{}", id(&app.draft(&text("title"), json!({ "section": "world" }))));
    for (step, body) in steps {
        match *step {
            "patch" => app.editor().patch(&path, "*", body.clone()).expect(200),
            "trash" => app.editor().delete(&path, "*").expect(204),
            _ => {
                let address = format!("{path}/{step}");
                app.admin().request("POST", &address).header("if-match", "*").json(body).send().expect(200)
            }
        };
    }
    path
}

/// A verb on an article in some state.
fn verb(app: &App, verb: &str, body: Value, steps: &[(&str, Value)]) -> Ready {
    ready(app.editor(), "POST", &format!("{}/{verb}", article(app, steps)), body)
}

/// A section, staff profile, tag or account.
fn thing(app: &App, collection: &str) -> String {
    let mut input = json!({ "name": text("name") });
    if collection == "users" {
        input["email"] = json!(format!("{CANARY}-{}@newsroom.test", unique()));
        input["role"] = json!("author");
    }
    if collection == "api-keys" {
        input["scopes"] = json!(["articles:read"]);
    }
    format!("/v1/{collection}/{}", id(&app.admin().post(&format!("/v1/{collection}"), input).expect(201)))
}

fn trashed(app: &App, collection: &str) -> String {
    let path = thing(app, collection);
    app.admin().delete(&path, "*").expect(204);
    path
}

/// Somebody with an account of their own, and the tokens of a login.
fn newcomer(app: &App) -> (Client, Value) {
    let email = format!("{CANARY}-{}@newsroom.test", unique());
    let input = json!({ "email": email, "name": text("name"), "role": "author", "password": PASSWORD });
    app.admin().post("/v1/users", input).expect(201);
    let tokens = app.login(&email, PASSWORD).expect(200).json();
    (app.anonymous().with_token(tokens["access_token"].as_str().unwrap()), tokens)
}

fn cases() -> Vec<Case> {
    [articles(), desk(), resources(), keys(), webhooks(), accounts()].into_iter().flatten().collect()
}

fn articles() -> Vec<Case> {
    vec![
        case("createArticle", One("article.created", "editor"), |app| {
            let input = json!({ "title": text("title"), "body_html": format!("<p>{}</p>", text("body")) });
            ready(app.editor(), "POST", "/v1/articles", input)
        }),
        case("updateArticle", One("article.edited", "editor"), |app| {
            ready(app.editor(), "PATCH", &article(app, &[]), json!({ "title": text("changed") }))
        }),
        case("deleteArticle", One("article.trashed", "editor"), |app| {
            ready(app.editor(), "DELETE", &article(app, &[]), json!({}))
        }),
        case("restoreArticle", One("article.restored", "editor"), |app| {
            verb(app, "restore", json!({}), &[("trash", json!({}))])
        }),
        case("restoreRevision", One("article.reverted", "editor"), |app| {
            verb(app, "revisions/1/restore", json!({}), &[("patch", json!({ "title": text("changed") }))])
        }),
    ]
}

fn desk() -> Vec<Case> {
    vec![
        case("createPreview", One("article.preview_created", "editor"), |app| {
            ready(app.editor(), "POST", &format!("{}/previews", article(app, &[])), json!({}))
        }),
        case("deletePreview", One("article.preview_revoked", "editor"), |app| {
            let previews = format!("{}/previews", article(app, &[]));
            let preview = id(&app.editor().post(&previews, json!({})).expect(201));
            ready(app.editor(), "DELETE", &format!("{previews}/{preview}"), json!({}))
        }),
        case("renewLease", Nothing("it locks nobody out and is over in a minute"), |app| {
            ready(app.editor(), "PUT", &format!("{}/lease", article(app, &[])), json!({}))
        }),
        case("deleteLease", Nothing("it locks nobody out and is over in a minute"), |app| {
            ready(app.editor(), "DELETE", &format!("{}/lease", article(app, &[])), json!({}))
        }),
        case("submitArticle", One("article.submitted", "editor"), |app| verb(app, "submit", json!({}), &[])),
        case("returnArticle", One("article.returned", "editor"), |app| {
            verb(app, "return", json!({ "note": text("note") }), &[("submit", json!({}))])
        }),
        case("approveArticle", One("article.approved", "editor"), |app| {
            verb(app, "approve", json!({}), &[("submit", json!({}))])
        }),
        case("publishArticle", One("article.published", "editor"), |app| verb(app, "publish", json!({}), &[])),
        case("scheduleArticle", One("article.scheduled", "editor"), |app| {
            verb(app, "schedule", json!({ "publish_at": FAR }), &[])
        }),
        case("unscheduleArticle", One("article.unscheduled", "editor"), |app| {
            verb(app, "unschedule", json!({}), &[("schedule", json!({ "publish_at": FAR }))])
        }),
        case("withdrawArticle", One("article.withdrawn", "editor"), |app| {
            verb(app, "withdraw", json!({}), &[("publish", json!({}))])
        }),
        case("correctArticle", One("article.corrected", "editor"), |app| {
            verb(app, "correct", json!({ "note": text("correction") }), &[("publish", json!({}))])
        }),
        case("fixArticle", One("article.fixed", "editor"), |app| {
            let steps = [("publish", json!({})), ("patch", json!({ "title": text("fixed") }))];
            verb(app, "fix", json!({}), &steps)
        }),
        case("killArticle", One("article.killed", "admin"), |app| {
            let path = article(app, &[("publish", json!({}))]);
            ready(app.admin(), "POST", &format!("{path}/kill"), json!({ "notice": text("notice") }))
        }),
    ]
}

/// The five cases of sections, staff profiles or tags.
macro_rules! resource {
    ($collection:literal, $resource:literal, $name:literal) => {
        vec![
            case(concat!("create", $name), One(concat!($resource, ".created"), "editor"), |app| {
                ready(app.editor(), "POST", concat!("/v1/", $collection), json!({ "name": text("name") }))
            }),
            case(concat!("update", $name), One(concat!($resource, ".updated"), "editor"), |app| {
                ready(app.editor(), "PATCH", &thing(app, $collection), json!({ "name": text("changed") }))
            }),
            case(concat!("delete", $name), One(concat!($resource, ".trashed"), "editor"), |app| {
                ready(app.editor(), "DELETE", &thing(app, $collection), json!({}))
            }),
            case(concat!("restore", $name), One(concat!($resource, ".restored"), "editor"), |app| {
                ready(app.editor(), "POST", &format!("{}/restore", trashed(app, $collection)), json!({}))
            }),
        ]
    };
}

fn resources() -> Vec<Case> {
    let mut cases = resource!("sections", "section", "Section");
    cases.extend(resource!("staff", "staff", "Staff"));
    cases.extend(resource!("tags", "tag", "Tag"));
    cases.push(case("mergeTag", One("tag.merged", "editor"), |app| {
        let (from, into) = (thing(app, "tags"), thing(app, "tags"));
        let into = into.rsplit('/').next().unwrap().to_owned();
        ready(app.editor(), "POST", &format!("{from}/merge"), json!({ "into": into }))
    }));
    cases
}

fn keys() -> Vec<Case> {
    vec![
        case("createApiKey", One("api_key.created", "admin"), |app| {
            let input = json!({ "name": text("name"), "contact": text("contact"), "scopes": ["feeds:read"] });
            ready(app.admin(), "POST", "/v1/api-keys", input)
        }),
        case("updateApiKey", One("api_key.updated", "admin"), |app| {
            ready(app.admin(), "PATCH", &thing(app, "api-keys"), json!({ "delay_minutes": 5 }))
        }),
        case("deleteApiKey", One("api_key.revoked", "admin"), |app| {
            ready(app.admin(), "DELETE", &thing(app, "api-keys"), json!({}))
        }),
        case("rotateApiKey", One("api_key.rotated", "admin"), |app| {
            ready(app.admin(), "POST", &format!("{}/rotate", thing(app, "api-keys")), json!({}))
        }),
    ]
}

/// A webhook of the editor's, which is not sent anything.
fn webhook(app: &App) -> String {
    let input = json!({ "url": "https://93.184.216.34/hook", "is_enabled": false });
    format!("/v1/webhooks/{}", id(&app.editor().post("/v1/webhooks", input).expect(201)))
}

fn webhooks() -> Vec<Case> {
    vec![
        case("createWebhook", One("webhook.created", "editor"), |app| {
            let input = json!({ "url": format!("https://93.184.216.34/{CANARY}"), "description": text("what for"), "is_enabled": false });
            ready(app.editor(), "POST", "/v1/webhooks", input)
        }),
        case("updateWebhook", One("webhook.updated", "editor"), |app| {
            ready(app.editor(), "PATCH", &webhook(app), json!({ "description": text("what for") }))
        }),
        case("deleteWebhook", One("webhook.deleted", "editor"), |app| {
            ready(app.editor(), "DELETE", &webhook(app), json!({}))
        }),
        case("rotateWebhookSecret", One("webhook.rotated", "editor"), |app| {
            ready(app.editor(), "POST", &format!("{}/rotate-secret", webhook(app)), json!({}))
        }),
        case("testWebhook", One("webhook.tested", "editor"), |app| {
            ready(app.editor(), "POST", &format!("{}/test", webhook(app)), json!({}))
        }),
        case("replayWebhook", One("webhook.replayed", "editor"), |app| {
            let cursor = app.anonymous().get("/v1/changes?from=latest").expect(200).json()["page"]["next"].clone();
            ready(app.editor(), "POST", &format!("{}/replay", webhook(app)), json!({ "cursor": cursor }))
        }),
        case("replayWebhookDelivery", One("webhook.replayed", "editor"), |app| {
            let webhook = webhook(app);
            let delivery = id(&app.editor().post(&format!("{webhook}/test"), json!({})).expect(200));
            ready(app.editor(), "POST", &format!("{webhook}/deliveries/{delivery}/replay"), json!({}))
        }),
    ]
}

fn accounts() -> Vec<Case> {
    vec![
        case("createUser", One("user.created", "admin"), |app| {
            let email = format!("{CANARY}-{}@newsroom.test", unique());
            let input = json!({ "email": email, "name": text("name"), "role": "editor", "password": PASSWORD });
            ready(app.admin(), "POST", "/v1/users", input)
        }),
        case("updateUser", One("user.updated", "admin"), |app| {
            ready(app.admin(), "PATCH", &thing(app, "users"), json!({ "role": "editor", "disabled": true }))
        }),
        case("deleteUser", One("user.trashed", "admin"), |app| {
            ready(app.admin(), "DELETE", &thing(app, "users"), json!({}))
        }),
        case("restoreUser", One("user.restored", "admin"), |app| {
            ready(app.admin(), "POST", &format!("{}/restore", trashed(app, "users")), json!({}))
        }),
        case("startPasswordReset", One("user.password_reset_started", "admin"), |app| {
            ready(app.admin(), "POST", &format!("{}/password-reset", thing(app, "users")), json!({}))
        }),
        case("resetPassword", One("user.password_reset", "anonymous"), |app| {
            let path = format!("{}/password-reset", thing(app, "users"));
            let token = app.admin().post(&path, json!({})).expect(200).json()["token"].clone();
            let input = json!({ "token": token, "new_password": "green kettle on the roof" });
            ready(app.anonymous(), "POST", "/v1/auth/password-reset", input)
        }),
        case("changePassword", One("user.password_changed", "author"), |app| {
            let input = json!({ "current_password": PASSWORD, "new_password": "green kettle on the roof" });
            ready(newcomer(app).0, "PUT", "/v1/auth/password", input)
        }),
        case("createToken", One("session.started", "author"), |app| {
            let input = json!({ "email": "author@newsroom.test", "password": PASSWORD });
            ready(app.anonymous(), "POST", "/v1/auth/token", input)
        }),
        case("refreshToken", Nothing("a session goes on, every quarter of an hour"), |app| {
            let input = json!({ "refresh_token": newcomer(app).1["refresh_token"] });
            ready(app.anonymous(), "POST", "/v1/auth/refresh", input)
        }),
        case("logout", One("session.logged_out", "author"), |app| {
            ready(newcomer(app).0, "POST", "/v1/auth/logout", json!({}))
        }),
        case("deleteSession", One("session.ended", "author"), |app| {
            let client = newcomer(app).0;
            let session = client.get("/v1/auth/sessions").expect(200).json()["data"][0]["id"].clone();
            ready(client, "DELETE", &format!("/v1/auth/sessions/{}", session.as_str().unwrap()), json!({}))
        }),
        case("deleteSessions", One("user.sessions_ended", "author"), |app| {
            ready(newcomer(app).0, "DELETE", "/v1/auth/sessions", json!({}))
        }),
    ]
}

/// The operations of the document that may write.
fn writing_operations() -> BTreeSet<&'static str> {
    let paths = contract::document()["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|item| item.as_object().unwrap());
    operations
        .filter(|(method, _)| !matches!(method.as_str(), "get" | "head" | "parameters"))
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .collect()
}

#[test]
fn every_operation_that_writes_has_a_case() {
    let cases = cases();
    let tested: BTreeSet<&str> = cases.iter().map(|case| case.operation).collect();
    let missing: Vec<_> = writing_operations().difference(&tested).copied().collect();

    assert!(missing.is_empty(), "{MISSING}: {missing:?}");
    assert_eq!(tested.len(), cases.len(), "an operation has two cases");
}

/// Does what a case says; returns its entries.
fn perform(app: &App, case: &Case) -> Vec<String> {
    let ready = (case.ready)(app);
    let (_, item) = contract::find_path(&ready.path).expect(&ready.path);
    assert_eq!(item[ready.method.to_lowercase()]["operationId"], case.operation);
    let request_id = format!("audit-of-{}", case.operation);
    let request = ready.client.request(ready.method, &ready.path).header("x-request-id", &request_id);
    let request = if ready.path.starts_with("/v1/auth") { request } else { request.header("if-match", "*") };
    let answer = match &ready.body {
        Some(body) => request.json(body).send(),
        None => request.send(),
    };
    assert!((200..300).contains(&answer.status), "{}: {}", case.operation, answer.text());
    entries_of(app, &request_id)
}

both! {
    fn every_operation_that_writes_leaves_one_entry_and_no_secret(app) {
        let mut faults = Vec::new();
        for case in cases() {
            let entries = perform(app, &case);
            let (is_right, expected) = match &case.leaves {
                Nothing(why) => (entries.is_empty(), format!("nothing, as {why}")),
                One(action, actor) => {
                    let start = format!("{action}|{actor}|127.0.0.1|");
                    (entries.len() == 1 && entries[0].starts_with(&start), start)
                }
            };
            if !is_right {
                faults.push(format!("{} leaves {entries:?}, not {expected}", case.operation));
            }
        }
        assert!(faults.is_empty(), "{faults:#?}");

        let all = app.database.sql(
            "SELECT actor || action || resource_id || details || COALESCE(address, '') || COALESCE(request_id, '') AS line FROM audit",
        );
        assert!(all.contains("\"role\":{\"from\":\"author\",\"to\":\"editor\"}"), "{all}");
        for secret in [CANARY, PASSWORD, "green kettle", "fpr_", "fpp_", "eyJ", "$argon2", "@newsroom"] {
            assert!(!all.contains(secret), "{secret}: {all}");
        }
    }

    fn what_is_refused_or_changes_nothing_leaves_no_entry(app) {
        let path = article(app, &[]);
        let send = |method, path: &str, etag: &str, body: Value, id: &str| {
            app.editor().request(method, path).header("if-match", etag).header("x-request-id", id).json(&body).send()
        };

        send("PATCH", &path, "\"r9\"", json!({ "title": "Stale" }), "audit-stale").expect(412);
        send("PATCH", &path, "*", json!({ "section": "nowhere" }), "audit-invalid").expect(422);
        send("POST", &format!("{path}/approve"), "*", json!({}), "audit-conflict").expect(409);
        send("PATCH", &path, "*", json!({}), "audit-same").expect(200);
        let wrong = json!({ "email": "author@newsroom.test", "password": "not the right one at all" });
        app.anonymous().request("POST", "/v1/auth/token").header("x-request-id", "audit-wrong").json(&wrong).send().expect(401);

        for id in ["audit-stale", "audit-invalid", "audit-conflict", "audit-same", "audit-wrong"] {
            assert_eq!(entries_of(app, id), [""; 0], "{id}");
        }
    }

    fn what_is_repeated_under_one_key_leaves_one_entry(app) {
        let create = |id: &str| {
            let client = app.editor();
            let request = client.request("POST", "/v1/tags").header("idempotency-key", "once").header("x-request-id", id);
            request.json(&json!({ "name": "Once" })).send().expect(201)
        };

        create("audit-first");
        create("audit-second");

        assert_eq!((entries_of(app, "audit-first").len(), entries_of(app, "audit-second").len()), (1, 0));
    }

    fn an_entry_goes_with_its_transaction(app) {
        let db = open(&app.database);
        let before = count(&app.database, "1 = 1");

        let failed = db.write_blocking(|tx| {
            let details = json!({});
            frontpage::audit::append(tx, &frontpage::audit::Entry { resource: frontpage::audit::Resource::Tag, id: "x".to_owned(), verb: "tried", details })?;
            Err::<(), _>(frontpage::error::Error::internal("on purpose"))
        });

        assert!(failed.is_err());
        assert_eq!(count(&app.database, "1 = 1"), before);
        append(&db, 1);
        assert_eq!(count(&app.database, "1 = 1"), before + 1);
    }

    fn commands_and_servers_and_reused_tokens_are_noted(app) {
        let first = newcomer(app).1["refresh_token"].clone();
        let refresh = |token: &Value| app.anonymous().post("/v1/auth/refresh", json!({ "refresh_token": token }));
        refresh(&first).expect(200);
        let long_ago = "2020-01-01 00:00:00.000";
        app.database.sql(&format!("UPDATE refresh_tokens SET replaced_at = '{long_ago}' WHERE replaced_at IS NOT NULL"));

        refresh(&first).expect(401);

        assert_eq!(count(&app.database, "action = 'session.reused' AND actor = 'anonymous' AND actor_id IS NULL"), 1);
        assert_eq!(count(&app.database, "action = 'user.created' AND actor = 'command' AND address IS NULL"), 4);
        assert_eq!(count(&app.database, "action = 'key.added' AND actor = 'server' AND request_id IS NULL"), 1);
    }

    fn what_the_clock_does_is_noted_as_the_clocks_whoever_records_it(app) {
        let scheduled = || article(app, &[("schedule", json!({ "publish_at": FAR }))]);
        let (by_server, by_editor) = (scheduled(), scheduled());
        let make_due = |path: &str| {
            let id = path.rsplit('/').next().unwrap();
            let id = match app.database.backend {
                crate::support::Backend::Sqlite => format!("x'{}'", id.replace('-', "")),
                crate::support::Backend::Postgres => format!("'{id}'"),
            };
            app.database.sql(&format!("UPDATE article_due SET at = '2020-01-01 00:00:00.000' WHERE article_id = {id}"));
        };

        make_due(&by_server);
        let db = open(&app.database);
        actix_web::rt::System::new().block_on(frontpage::articles::schedule::record_due(&db)).unwrap();
        make_due(&by_editor);
        app.editor().patch(&by_editor, "*", json!({ "title": "Another" })).expect(200);

        let by_clock = "action = 'article.published' AND actor = 'clock' AND actor_id IS NULL AND request_id IS NULL";
        assert_eq!(count(&app.database, by_clock), 2);
        assert_eq!(count(&app.database, "action = 'article.edited' AND actor = 'editor' AND address IS NOT NULL"), 1);
    }

    fn a_key_is_noted_once_however_many_servers_use_it(app) {
        let others = [(); 2].map(|()| App::start_on(app.database.clone(), &[]));

        assert_eq!(count(&app.database, "resource = 'key'"), 1);
        drop(others);
    }
}
