//! Keys with which partners read: what each may see, how often, what it has read, and how it ends.

mod limits;
mod policies;
mod propagation;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{App, Client, both, id, wait::until};

/// Makes a key for reading; `more` says what is special about it.
pub fn key(app: &App, more: Value) -> (Client, String) {
    let mut input = json!({ "name": "Harbor Wire", "scopes": ["articles:read", "feeds:read", "changes:read"] });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let created = app.admin().post("/v1/api-keys", input).expect(201);
    (app.anonymous().with_token(created.json()["key"].as_str().unwrap()), id(&created))
}

both! {
    fn a_key_opens_what_it_is_for_and_nothing_else(app) {
        app.published("Harbor reopens", json!({}));
        let (partner, _) = key(app, json!({ "scopes": ["articles:read"] }));

        let answer = partner.get("/v1/articles/harbor-reopens").expect(200);
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        assert_eq!(answer.json(), app.anonymous().get("/v1/articles/harbor-reopens").expect(200).json());
        for path in ["/v1/articles", "/v1/sections", "/v1/staff", "/v1/tags", "/v1/sections/world"] {
            partner.get(path).expect(200);
        }

        for path in ["/v1/articles?view=working", "/v1/sections?view=working"] {
            assert!([401, 403].contains(&partner.get(path).status), "{path}");
        }
        for path in ["/v1/users", "/v1/audit", "/v1/api-keys", "/v1/auth/me", "/v1/articles/harbor-reopens/revisions"] {
            partner.get(path).expect(403);
        }
        partner.post("/v1/articles", json!({ "title": "Not mine" })).expect(403);
        let (feeds, _) = key(app, json!({ "scopes": ["feeds:read"] }));
        feeds.get("/v1/articles").expect(403);
    }

    fn a_key_may_be_sent_as_a_password(app) {
        app.published("Harbor reopens", json!({}));
        let created = app.admin().post("/v1/api-keys", json!({ "name": "Reader", "scopes": ["articles:read"], "text": "excerpt" })).expect(201);
        let basic = STANDARD.encode(format!("whoever:{}", created.json()["key"].as_str().unwrap()));

        let client = app.anonymous();
        let answer = client.request("GET", "/v1/articles/harbor-reopens").header("authorization", &format!("Basic {basic}")).send().expect(200);
        assert_eq!(answer.json().get("body_html"), None);
        let wrong = STANDARD.encode("whoever:fpk_none");
        client.request("GET", "/v1/articles").header("authorization", &format!("Basic {wrong}")).send().expect(401);
    }

    fn what_is_no_key_opens_nothing(app) {
        let (partner, _) = key(app, json!({}));
        partner.get("/v1/articles").expect(200);
        for text in ["fpk_", "fpk_Q2xhcmEgYW5kIHRoZSBzaXggdGFsbCBsYWRkZXJzLi4", "fpk_'; DROP TABLE api_keys; --"] {
            let refused = app.anonymous().with_token(text).get("/v1/articles").expect(401);
            assert!(refused.header("www-authenticate").is_some());
            app.anonymous().with_token(text).post("/v1/articles", json!({})).expect(401);
        }
        // A key in the address is an unknown parameter.
        app.anonymous().get("/v1/articles?key=fpk_x").expect(400);
    }

    fn what_opens_a_key_is_shown_once_and_stored_nowhere(app) {
        let created = app.admin().post("/v1/api-keys", json!({ "name": "Harbor Wire", "scopes": ["articles:read"] })).expect(201);
        let secret = created.json()["key"].as_str().unwrap().to_owned();
        assert!(secret.starts_with("fpk_") && secret.len() == 47, "{secret}");

        let path = format!("/v1/api-keys/{}", id(&created));
        for text in [app.admin().get(&path).expect(200).text(), app.admin().get("/v1/api-keys").expect(200).text()] {
            assert!(!text.contains(&secret) && text.contains(&secret[..8]), "{text}");
        }
        let stored = [
            ("api_keys", "document"), ("api_keys", "name"), ("api_key_secrets", "digest"), ("api_key_secrets", "hint"),
            ("resource_revisions", "content"), ("audit", "details"), ("idempotency_keys", "body"),
        ];
        for (table, column) in stored {
            let sql = format!("SELECT COUNT(*) AS line FROM {table} WHERE {column} LIKE '%{}%'", &secret[8..]);
            assert_eq!(app.database.sql(&sql), "0", "{table}.{column}");
        }
    }

    fn a_rotated_key_has_two_that_open_it_and_then_one(app) {
        let created = app.admin().post("/v1/api-keys", json!({ "name": "Harbor Wire", "scopes": ["articles:read"] })).expect(201);
        let path = format!("/v1/api-keys/{}", id(&created));
        let rotate = |input: Value| app.admin().post(&format!("{path}/rotate"), input).expect(200).json();
        let client = |answer: &Value| app.anonymous().with_token(answer["key"].as_str().unwrap());
        let first = client(&created.json());
        first.get("/v1/articles").expect(200);

        let second = rotate(json!({}));
        assert_eq!(second["secrets"].as_array().unwrap().len(), 2);
        first.get("/v1/articles").expect(200);
        client(&second).get("/v1/articles").expect(200);

        let third = rotate(json!({ "overlap_hours": 0 }));
        assert_eq!(third["secrets"].as_array().unwrap().len(), 1);
        first.get("/v1/articles").expect(401);
        client(&second).get("/v1/articles").expect(401);
        client(&third).get("/v1/articles").expect(200);
        app.admin().post(&format!("{path}/rotate"), json!({ "overlap_hours": 721 })).expect(422);
    }

    fn a_revoked_key_is_closed_on_every_server(app) {
        let other = App::start_on(app.database.clone(), &[]);
        let (partner, id) = key(app, json!({}));
        let elsewhere = other.anonymous().with_token(partner.token.as_deref().unwrap());
        elsewhere.get("/v1/articles").expect(200);
        partner.get("/v1/articles").expect(200);

        let path = format!("/v1/api-keys/{id}");
        let etag = app.admin().get(&path).expect(200).etag();
        app.admin().request("DELETE", &path).send().expect(428);
        app.admin().delete(&path, "\"r9\"").expect(412);
        app.admin().delete(&path, &etag).expect(204);

        partner.get("/v1/articles").expect(401);
        until("the other server has heard of it", || elsewhere.get("/v1/articles").status == 401);
        app.admin().delete(&path, "*").expect(409);
        app.admin().patch(&path, "*", json!({ "text": "full" })).expect(409);
        app.admin().post(&format!("{path}/rotate"), json!({})).expect(409);
        assert_eq!(app.admin().get("/v1/api-keys").expect(200).json()["data"], json!([]));
        let revoked = app.admin().get("/v1/api-keys?revoked=true").expect(200).json();
        assert_eq!((revoked["data"][0]["id"].as_str(), &revoked["data"][0]["secrets"]), (Some(id.as_str()), &json!([])));
    }

    fn a_key_ends_by_itself(app) {
        let (partner, _) = key(app, json!({ "expires_at": "2100-01-01T00:00:00Z" }));
        partner.get("/v1/articles").expect(200);

        app.database.sql("UPDATE api_keys SET expires_at = '2020-01-01 00:00:00.000'");

        until("the key has ended", || partner.get("/v1/articles").status == 401);
    }

    fn a_bad_key_is_refused_with_all_faults(app) {
        let refused = app.admin().post("/v1/api-keys", json!({
            "name": "", "scopes": ["everything"], "sections": ["nowhere"], "tags": ["nothing"], "delay_minutes": 10081,
        })).expect(422);
        assert!(refused.pointers().contains(&"/name".to_owned()), "{:?}", refused.pointers());
        let refused = app.admin().post("/v1/api-keys", json!({
            "name": "X", "scopes": [], "sections": ["nowhere"], "tags": ["nothing"], "delay_minutes": 10081,
            "requests_per_minute": 0, "requests_per_day": 1_000_000_001, "expires_at": "2020-01-01T00:00:00Z",
        })).expect(422);
        assert_eq!(refused.pointers(), [
            "/scopes", "/delay_minutes", "/requests_per_minute", "/requests_per_day", "/sections/0", "/tags/0", "/expires_at",
        ]);
        let pointer = |input: Value| app.admin().post("/v1/api-keys", input).expect(422).pointers();
        assert_eq!(pointer(json!({ "name": "X", "scopes": ["articles:write-draft"] })), ["/acts_for"]);
        assert_eq!(pointer(json!({ "name": "X", "scopes": ["articles:read"], "surprise": 1 })), ["/surprise"]);
    }

    fn a_key_for_drafts_posts_them_in_somebodys_name_and_no_more(app) {
        let author = app.author().get("/v1/auth/me").expect(200).json()["id"].as_str().unwrap().to_owned();
        let (tool, _) = key(app, json!({ "scopes": ["articles:write-draft"], "acts_for": author }));

        let draft = tool.post("/v1/articles", json!({ "title": "From the tool", "body_html": "<p>Text.</p>" })).expect(201);
        let path = format!("/v1/articles/{}", id(&draft));
        let changed = tool.patch(&path, &draft.etag(), json!({ "kicker": "Tools" })).expect(200);
        assert_eq!(tool.get(&format!("{path}?view=working")).expect(200).etag(), changed.etag());
        tool.get("/v1/articles?view=working").expect(200);
        app.author().get(&format!("{path}?view=working")).expect(200);
        tool.verb(&format!("{path}/submit"), &changed.etag()).expect(200);

        tool.get("/v1/articles").expect(403);
        tool.get(&path).expect(403);
        tool.verb(&format!("{path}/publish"), "*").expect(403);
        tool.delete(&path, "*").expect(403);
        tool.get("/v1/auth/me").expect(403);
        tool.get("/v1/auth/sessions").expect(403);
        let foreign = id(&app.colleague().post("/v1/articles", json!({ "title": "Not for the tool" })).expect(201));
        tool.get(&format!("/v1/articles/{foreign}?view=working")).expect(404);
        let entry = app.admin().get("/v1/audit?action=article.created").expect(200).json();
        let entry = entry["data"].as_array().unwrap().iter().find(|entry| entry["actor"] == "api_key").unwrap().clone();
        assert_eq!(entry["user"]["id"].as_str(), Some(author.as_str()));
    }
}
