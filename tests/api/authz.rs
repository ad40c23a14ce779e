//! The table of rights, cell by cell: operation × role × whose object (S18, S19; API Top 10: 1 and 5).

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering},
};

use frontpage::auth::rights::{Allowance, Operation, Role};
use serde_json::{Value, json};

use crate::support::{App, Client, PASSWORD, Response, both, contract, id};

const MISSING: &str = "Endpoint missing from the authz table: add it in tests/api/authz.rs";

/// What anyone may ask for without a token. This list only shrinks: who adds to it makes something public.
const PUBLIC: [&str; 33] = [
    "createToken",
    "getArticle",
    "getFeed",
    "getFeedArchive",
    "getHealth",
    "getIndex",
    "getKeySet",
    "getNewsSitemap",
    "getNinjsArticle",
    "getOpenapi",
    "getProblem",
    "getReadiness",
    "getSection",
    "getSectionFeed",
    "getSectionFeedArchive",
    "getSitemap",
    "getSitemapIndex",
    "getSnapshot",
    "getStaff",
    "getStaffFeed",
    "getStaffFeedArchive",
    "getTag",
    "getTagFeed",
    "getTagFeedArchive",
    "listArticles",
    "listNinjsArticles",
    "listChanges",
    "listSections",
    "listStaff",
    "listTags",
    "refreshToken",
    "resetPassword",
    "streamChanges",
];

/// What an operation is done to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    /// A collection.
    Nothing,
    /// An article in some state; articles have owners.
    Article(&'static str),
    /// Something else, in the trash or not, in the collection at this path.
    Thing(&'static str, IsTrashed),
    /// A webhook, which has an owner.
    Webhook,
    /// The caller's own account; the caller gets an account for the purpose.
    Account,
}

type IsTrashed = bool;

/// How an operation is done over HTTP.
struct Case {
    operation: Operation,
    method: &'static str,
    /// The path, with `{id}` for what it is done to.
    path: &'static str,
    on: On,
    body: Option<Value>,
}

fn case(operation: Operation, method: &'static str, path: &'static str, on: On) -> Case {
    Case { operation, method, path, on, body: matches!(method, "POST" | "PATCH" | "PUT").then(|| json!({})) }
}

impl Case {
    fn with(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// Every operation of the table.
fn cases() -> Vec<Case> {
    let mut cases = articles();
    cases.extend(content());
    cases.extend(users());
    cases.extend(api_keys());
    cases.extend(webhooks());
    cases.extend(own_account());
    cases
}

fn articles() -> Vec<Case> {
    use On::{Article, Nothing};
    vec![
        case(Operation::ListWorkingArticles, "GET", "/v1/articles?view=working", Nothing),
        case(Operation::ReadWorkingArticle, "GET", "/v1/articles/{id}?view=working", Article("draft")),
        case(Operation::CreateArticle, "POST", "/v1/articles", Nothing).with(json!({ "title": "A new one" })),
        case(Operation::UpdateArticle, "PATCH", "/v1/articles/{id}", Article("draft"))
            .with(json!({ "title": "Changed" })),
        case(Operation::TrashArticle, "DELETE", "/v1/articles/{id}", Article("draft")),
        case(Operation::RestoreArticle, "POST", "/v1/articles/{id}/restore", Article("trashed")),
        case(Operation::SubmitArticle, "POST", "/v1/articles/{id}/submit", Article("draft")),
        case(Operation::ReturnArticle, "POST", "/v1/articles/{id}/return", Article("in_review")),
        case(Operation::ReviveArticle, "POST", "/v1/articles/{id}/restore", Article("killed")),
        case(Operation::ApproveArticle, "POST", "/v1/articles/{id}/approve", Article("in_review")),
        case(Operation::PublishArticle, "POST", "/v1/articles/{id}/publish", Article("in_review")),
        case(Operation::ScheduleArticle, "POST", "/v1/articles/{id}/schedule", Article("draft"))
            .with(json!({ "publish_at": "2100-01-01T00:00:00Z" })),
        case(Operation::UnscheduleArticle, "POST", "/v1/articles/{id}/unschedule", Article("scheduled")),
        case(Operation::CorrectArticle, "POST", "/v1/articles/{id}/correct", Article("published"))
            .with(json!({ "note": "It was 1961." })),
        case(Operation::FixArticle, "POST", "/v1/articles/{id}/fix", Article("changed")),
        case(Operation::KillArticle, "POST", "/v1/articles/{id}/kill", Article("published"))
            .with(json!({ "notice": "It is gone." })),
        case(Operation::CheckArticle, "GET", "/v1/articles/{id}/preflight", Article("draft")),
        case(Operation::ReadArticleHistory, "GET", "/v1/articles/{id}?as_of={now}", Article("published")),
        case(Operation::ListRevisions, "GET", "/v1/articles/{id}/revisions", Article("draft")),
        case(Operation::ReadRevision, "GET", "/v1/articles/{id}/revisions/1", Article("draft")),
        case(Operation::DiffRevision, "GET", "/v1/articles/{id}/revisions/1/diff", Article("draft")),
        case(Operation::RestoreRevision, "POST", "/v1/articles/{id}/revisions/1/restore", Article("changed")),
        case(Operation::ListPreviews, "GET", "/v1/articles/{id}/previews", Article("draft")),
        case(Operation::CreatePreview, "POST", "/v1/articles/{id}/previews", Article("draft")),
        case(Operation::DeletePreview, "DELETE", "/v1/articles/{id}/previews/{part}", Article("previewed")),
        case(Operation::ReadLease, "GET", "/v1/articles/{id}/lease", Article("draft")),
        case(Operation::RenewLease, "PUT", "/v1/articles/{id}/lease", Article("draft")),
        case(Operation::DeleteLease, "DELETE", "/v1/articles/{id}/lease", Article("draft")),
        case(Operation::CountArticles, "GET", "/v1/desk/counts", Nothing),
        case(Operation::WithdrawArticle, "POST", "/v1/articles/{id}/withdraw", Article("published")),
    ]
}

fn content() -> Vec<Case> {
    use On::{Nothing, Thing};
    const SECTIONS: On = Thing("/v1/sections", false);
    const STAFF: On = Thing("/v1/staff", false);
    const TAGS: On = Thing("/v1/tags", false);
    let changed = || json!({ "name": "Changed" });
    vec![
        case(Operation::ListWorkingSections, "GET", "/v1/sections?view=working", Nothing),
        case(Operation::ReadWorkingSection, "GET", "/v1/sections/{id}?view=working", SECTIONS),
        case(Operation::CreateSection, "POST", "/v1/sections", Nothing).with(json!({ "name": "A new one" })),
        case(Operation::UpdateSection, "PATCH", "/v1/sections/{id}", SECTIONS).with(changed()),
        case(Operation::TrashSection, "DELETE", "/v1/sections/{id}", SECTIONS),
        case(Operation::RestoreSection, "POST", "/v1/sections/{id}/restore", Thing("/v1/sections", true)),
        case(Operation::ListWorkingStaff, "GET", "/v1/staff?view=working", Nothing),
        case(Operation::ReadWorkingStaff, "GET", "/v1/staff/{id}?view=working", STAFF),
        case(Operation::CreateStaff, "POST", "/v1/staff", Nothing).with(json!({ "name": "A new one" })),
        case(Operation::UpdateStaff, "PATCH", "/v1/staff/{id}", STAFF).with(changed()),
        case(Operation::TrashStaff, "DELETE", "/v1/staff/{id}", STAFF),
        case(Operation::RestoreStaff, "POST", "/v1/staff/{id}/restore", Thing("/v1/staff", true)),
        case(Operation::ListWorkingTags, "GET", "/v1/tags?view=working", Nothing),
        case(Operation::ReadWorkingTag, "GET", "/v1/tags/{id}?view=working", TAGS),
        case(Operation::CreateTag, "POST", "/v1/tags", Nothing).with(json!({ "name": "A new one" })),
        case(Operation::UpdateTag, "PATCH", "/v1/tags/{id}", TAGS).with(changed()),
        case(Operation::TrashTag, "DELETE", "/v1/tags/{id}", TAGS),
        case(Operation::RestoreTag, "POST", "/v1/tags/{id}/restore", Thing("/v1/tags", true)),
        case(Operation::MergeTag, "POST", "/v1/tags/{id}/merge", TAGS).with(json!({ "into": "the-tag-that-stays" })),
    ]
}

fn users() -> Vec<Case> {
    use On::{Nothing, Thing};
    const USERS: On = Thing("/v1/users", false);
    let new = json!({ "email": "new@newsroom.test", "name": "Somebody", "role": "author" });
    vec![
        case(Operation::ListUsers, "GET", "/v1/users", Nothing),
        case(Operation::ReadUser, "GET", "/v1/users/{id}", USERS),
        case(Operation::CreateUser, "POST", "/v1/users", Nothing).with(new),
        case(Operation::UpdateUser, "PATCH", "/v1/users/{id}", USERS).with(json!({ "role": "admin" })),
        case(Operation::TrashUser, "DELETE", "/v1/users/{id}", USERS),
        case(Operation::RestoreUser, "POST", "/v1/users/{id}/restore", Thing("/v1/users", true)),
        case(Operation::ListAudit, "GET", "/v1/audit", Nothing),
        case(Operation::ReadMetrics, "GET", "/metrics", Nothing),
        case(Operation::StartPasswordReset, "POST", "/v1/users/{id}/password-reset", USERS),
    ]
}

fn api_keys() -> Vec<Case> {
    use On::{Article, Nothing, Thing};
    const KEYS: On = Thing("/v1/api-keys", false);
    vec![
        case(Operation::ListApiKeys, "GET", "/v1/api-keys", Nothing),
        case(Operation::ReadApiKey, "GET", "/v1/api-keys/{id}", KEYS),
        case(Operation::CreateApiKey, "POST", "/v1/api-keys", Nothing)
            .with(json!({ "name": "A partner", "scopes": ["articles:read"] })),
        case(Operation::UpdateApiKey, "PATCH", "/v1/api-keys/{id}", KEYS).with(json!({ "text": "excerpt" })),
        case(Operation::RevokeApiKey, "DELETE", "/v1/api-keys/{id}", KEYS),
        case(Operation::RotateApiKey, "POST", "/v1/api-keys/{id}/rotate", KEYS),
        case(Operation::ReadApiKeyUsage, "GET", "/v1/api-keys/{id}/usage", KEYS),
        case(Operation::ReadPropagation, "GET", "/v1/articles/{id}/propagation", Article("published")),
    ]
}

fn webhooks() -> Vec<Case> {
    use On::{Nothing, Webhook};
    let new = json!({ "url": "https://93.184.216.34/hook" });
    vec![
        case(Operation::ListWebhooks, "GET", "/v1/webhooks", Nothing),
        case(Operation::CreateWebhook, "POST", "/v1/webhooks", Nothing).with(new),
        case(Operation::ReadWebhook, "GET", "/v1/webhooks/{id}", Webhook),
        case(Operation::UpdateWebhook, "PATCH", "/v1/webhooks/{id}", Webhook).with(json!({ "description": "Changed" })),
        case(Operation::DeleteWebhook, "DELETE", "/v1/webhooks/{id}", Webhook),
        case(Operation::RotateWebhookSecret, "POST", "/v1/webhooks/{id}/rotate-secret", Webhook),
        case(Operation::TestWebhook, "POST", "/v1/webhooks/{id}/test", Webhook),
        case(Operation::ReplayWebhook, "POST", "/v1/webhooks/{id}/replay", Webhook)
            .with(json!({ "cursor": "{cursor}" })),
        case(Operation::ListWebhookDeliveries, "GET", "/v1/webhooks/{id}/deliveries", Webhook),
        case(Operation::ReplayWebhookDelivery, "POST", "/v1/webhooks/{id}/deliveries/{part}/replay", Webhook),
    ]
}

fn own_account() -> Vec<Case> {
    let change = json!({ "current_password": PASSWORD, "new_password": "green kettle on the roof" });
    vec![
        case(Operation::ReadOwnAccount, "GET", "/v1/auth/me", On::Account),
        case(Operation::ChangeOwnPassword, "PUT", "/v1/auth/password", On::Account).with(change),
        case(Operation::ListOwnSessions, "GET", "/v1/auth/sessions", On::Account),
        case(Operation::EndOwnSessions, "DELETE", "/v1/auth/sessions", On::Account),
        case(Operation::EndOwnSession, "DELETE", "/v1/auth/sessions/{id}", On::Account),
        case(Operation::Logout, "POST", "/v1/auth/logout", On::Account),
    ]
}

/// Something that a request can be about.
#[derive(Clone)]
struct Object {
    id: String,
    etag: Option<String>,
    /// What of it the request is about, as far as that has an id.
    part: Option<String>,
}

fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Does the operation with whatever the object needs.
fn perform(client: &Client, case: &Case, object: &Object) -> Response {
    let part = object.part.as_deref().unwrap_or("none");
    let now = frontpage::clock::Instant::now().to_string();
    let path = case.path.replace("{id}", &object.id).replace("{part}", part).replace("{now}", &now);
    let mut request = client.request(case.method, &path);
    // What is read has another ETag than the working copy.
    if let Some(etag) = object.etag.as_ref().filter(|_| case.method != "GET") {
        request = request.header("if-match", etag);
    }
    match &case.body {
        Some(body) if body["cursor"] == "{cursor}" => {
            let latest = client.anonymous().get("/v1/changes?from=latest").expect(200).json();
            request.json(&json!({ "cursor": latest["page"]["next"] })).send()
        }
        Some(body) => request.json(body).send(),
        None => request.send(),
    }
}

/// A webhook of somebody's, with a delivery; it is disabled, so that nothing is sent.
fn webhook(owner: &Client) -> Object {
    let input = json!({ "url": "https://93.184.216.34/hook", "is_enabled": false });
    let created = owner.post("/v1/webhooks", input).expect(201);
    let delivery = owner.post(&format!("/v1/webhooks/{}/test", id(&created)), json!({})).expect(200);
    Object { id: id(&created), etag: Some(created.etag()), part: Some(id(&delivery)) }
}

/// A row of the table for webhooks: one's own, and somebody else's.
fn check_webhook_owners(app: &App, case: &Case) {
    for role in Role::ALL {
        let client = app.somebody(role.as_str());
        let others = webhook(&app.admin());
        match case.operation.allowance(*role) {
            Allowance::No => refused(app, &client, case, &others, 403, role.as_str()),
            Allowance::Own => {
                refused(app, &client, case, &others, 404, &format!("{role} on another's"));
                done(&perform(&client, case, &webhook(&client)), case, role.as_str());
            }
            Allowance::All => {
                done(&perform(&client, case, &others), case, role.as_str());
                done(&perform(&client, case, &webhook(&app.editor())), case, role.as_str());
            }
        }
    }
}

/// An article of somebody's, in a state.
fn article(app: &App, owner: &Client, state: &str) -> Object {
    let input = json!({ "title": format!("Article {}", unique()), "section": "world", "body_html": "<p>Text.</p>" });
    let draft = owner.post("/v1/articles", input).expect(201);
    let id = id(&draft);
    let path = format!("/v1/articles/{id}");
    let answer = match state {
        "draft" | "previewed" => draft,
        "in_review" => owner.verb(&format!("{path}/submit"), &draft.etag()).expect(200),
        "published" => app.editor().verb(&format!("{path}/publish"), &draft.etag()).expect(200),
        "trashed" => owner.delete(&path, &draft.etag()).expect(204),
        "scheduled" => {
            let request = app.editor();
            let request = request.request("POST", &format!("{path}/schedule")).header("if-match", &draft.etag());
            request.json(&json!({ "publish_at": "2100-01-01T00:00:00Z" })).send().expect(200)
        }
        "changed" => {
            let published = app.editor().verb(&format!("{path}/publish"), &draft.etag()).expect(200);
            app.editor().patch(&path, &published.etag(), json!({ "kicker": "New" })).expect(200)
        }
        "killed" => {
            app.editor().verb(&format!("{path}/publish"), &draft.etag()).expect(200);
            let admin = app.admin();
            let request = admin.request("POST", &format!("{path}/kill")).header("if-match", "*");
            request.json(&json!({ "notice": "It is gone." })).send().expect(200)
        }
        _ => unreachable!("{state}"),
    };
    let preview = || app.editor().post(&format!("{path}/previews"), json!({})).expect(201);
    let part = (state == "previewed").then(|| self::id(&preview()));
    Object { id, etag: Some(answer.etag()), part }
}

/// A section, staff profile, tag or user account.
fn thing(app: &App, collection: &str, is_trashed: bool) -> Object {
    let number = unique();
    let mut input = json!({ "name": format!("Thing {number}") });
    if collection == "/v1/users" {
        input["email"] = json!(format!("thing-{number}@newsroom.test"));
        input["role"] = json!("editor");
    }
    if collection == "/v1/api-keys" {
        input["scopes"] = json!(["articles:read"]);
    }
    let created = app.admin().post(collection, input).expect(201);
    let id = id(&created);
    let etag = match is_trashed {
        true => app.admin().delete(&format!("{collection}/{id}"), &created.etag()).expect(204).etag(),
        false => created.etag(),
    };
    Object { id, etag: Some(etag), part: None }
}

/// Somebody of a role with an account of their own, logged in, and the id of another of their sessions.
fn newcomer(app: &App, role: Role) -> (Client, Object) {
    let email = format!("newcomer-{}@newsroom.test", unique());
    let input = json!({ "email": email, "name": "Newcomer", "role": role.as_str(), "password": PASSWORD });
    app.admin().post("/v1/users", input).expect(201);
    app.login(&email, PASSWORD).expect(200);
    let client = app.logged_in(&email);
    let sessions = client.get("/v1/auth/sessions").expect(200).json();
    let other = sessions["data"].as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    (client, Object { id: other["id"].as_str().unwrap().to_owned(), etag: None, part: None })
}

fn object(app: &App, case: &Case, owner: &Client) -> Object {
    match case.on {
        On::Nothing | On::Account => Object { id: uuid::Uuid::now_v7().to_string(), etag: None, part: None },
        On::Article(state) => article(app, owner, state),
        On::Webhook => webhook(&app.admin()),
        On::Thing(collection, is_trashed) => thing(app, collection, is_trashed),
    }
}

/// Whatever a write that was not refused would leave behind.
fn traces(app: &App) -> String {
    app.database.sql(
        "SELECT 'article_revisions ' || (SELECT COUNT(*) FROM article_revisions) \
         || ', live ' || (SELECT COUNT(*) FROM live_articles) \
         || ', other revisions ' || (SELECT COUNT(*) FROM resource_revisions) \
         || ', users ' || (SELECT COUNT(*) FROM users) \
         || ', resets ' || (SELECT COUNT(*) FROM password_resets) \
         || ', previews ' || (SELECT COUNT(*) FROM article_previews) \
         || ', webhooks ' || (SELECT COUNT(*) FROM webhooks) \
         || ', deliveries ' || (SELECT COUNT(*) FROM webhook_deliveries) \
         || ', leases ' || (SELECT COUNT(*) FROM article_leases) \
         || ', sessions ' || (SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL) AS line",
    )
}

#[track_caller]
fn refused(app: &App, client: &Client, case: &Case, object: &Object, status: u16, who: &str) {
    let before = traces(app);
    let answer = perform(client, case, object);
    assert_eq!(answer.status, status, "{:?} by {who}: {}", case.operation, answer.text());
    assert_eq!(traces(app), before, "{:?} by {who} was answered with {status} and left something", case.operation);
}

#[track_caller]
fn done(answer: &Response, case: &Case, who: &str) {
    assert!((200..300).contains(&answer.status), "{:?} by {who}: {} {}", case.operation, answer.status, answer.text());
}

/// Without a token, and with one that is none.
fn check_strangers(app: &App, case: &Case) {
    let object = object(app, case, &app.colleague());
    refused(app, &app.anonymous(), case, &object, 401, "nobody");
    refused(app, &app.anonymous().with_token("garbage"), case, &object, 401, "somebody with a broken token");
    refused(app, &app.anonymous().with_token("a.b.c"), case, &object, 401, "somebody with a forged token");
}

/// A row of the table for what has no owner.
fn check_roles(app: &App, case: &Case) {
    for role in Role::ALL {
        let client = app.somebody(role.as_str());
        let object = object(app, case, &app.admin());
        match case.operation.allowance(*role) {
            Allowance::No => refused(app, &client, case, &object, 403, role.as_str()),
            Allowance::Own | Allowance::All => done(&perform(&client, case, &object), case, role.as_str()),
        }
    }
}

/// A row of the table for articles: one's own, somebody else's that readers do not see, and one that they see.
fn check_owners(app: &App, case: &Case, state: &str) {
    for role in Role::ALL {
        let client = app.somebody(role.as_str());
        let (own, others) = (article(app, &client, state), article(app, &app.colleague(), state));
        let live = article(app, &app.colleague(), "published");
        let on_hidden = if matches!(state, "published" | "changed") { 403 } else { 404 };
        match case.operation.allowance(*role) {
            Allowance::No => {
                for object in [&own, &others, &live] {
                    refused(app, &client, case, object, 403, role.as_str());
                }
            }
            Allowance::Own => {
                refused(app, &client, case, &others, on_hidden, &format!("{role} on a hidden one of another's"));
                refused(app, &client, case, &live, 403, &format!("{role} on a live one of another's"));
                done(&perform(&client, case, &own), case, role.as_str());
            }
            Allowance::All => {
                for object in [&own, &others] {
                    done(&perform(&client, case, object), case, role.as_str());
                }
            }
        }
    }
}

/// What was killed is for administrators; its author is told so, and another author nothing.
fn check_killed(app: &App, case: &Case) {
    let of = |owner: &Client| article(app, owner, "killed");
    refused(app, &app.author(), case, &of(&app.author()), 403, "the author");
    refused(app, &app.author(), case, &of(&app.colleague()), 404, "another author");
    refused(app, &app.editor(), case, &of(&app.author()), 403, "an editor");
    done(&perform(&app.admin(), case, &of(&app.author())), case, "an administrator");
}

/// A row of the table for the own account: another's session is none.
fn check_accounts(app: &App, case: &Case) {
    let (_, anothers) = newcomer(app, Role::Admin);
    for role in Role::ALL {
        let (client, own) = newcomer(app, *role);
        assert_eq!(case.operation.allowance(*role), Allowance::All);
        if case.path.contains("{id}") {
            refused(app, &client, case, &anothers, 404, &format!("{role} on another's"));
        }
        done(&perform(&client, case, &own), case, role.as_str());
    }
}

fn operation_ids(is_wanted: impl Fn(&Value) -> bool) -> BTreeSet<&'static str> {
    let paths = contract::document()["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|item| item.as_object().unwrap().values());
    operations
        .filter(|operation| is_wanted(operation))
        .filter_map(|operation| operation["operationId"].as_str())
        .collect()
}

/// Whether the document says that an operation can be asked for without a token.
fn is_public(operation: &Value) -> bool {
    operation["security"].as_array().is_none_or(|ways| ways.is_empty() || ways.contains(&json!({})))
}

#[test]
fn every_operation_has_a_case() {
    let cases = cases();
    for operation in Operation::ALL {
        assert!(cases.iter().any(|case| case.operation == *operation), "{MISSING}: {operation:?}");
    }
    let tested: BTreeSet<&str> = cases.iter().map(|case| case.operation.id()).collect();
    for id in operation_ids(|operation| !is_public(operation)) {
        assert!(tested.contains(id), "{MISSING}: {id}");
    }
    for case in &cases {
        let (_, item) = contract::find_path(&case.path.replace("{id}", "x").replace("{part}", "x")).expect(case.path);
        assert_eq!(item[case.method.to_lowercase()]["operationId"], case.operation.id(), "{}", case.path);
    }
}

#[test]
fn what_is_public_is_on_the_list_and_the_list_only_shrinks() {
    let documented = operation_ids(is_public);

    let listed: BTreeSet<&str> = PUBLIC.into_iter().collect();
    let more: Vec<_> = documented.difference(&listed).collect();
    assert!(more.is_empty(), "public, and not on the list: {more:?}");
    let fewer: Vec<_> = listed.difference(&documented).collect();
    assert!(fewer.is_empty(), "not public any more, take it off the list: {fewer:?}");
}

fn check_all(app: &App, cases: Vec<Case>) {
    app.section("World");
    app.tag("The tag that stays");
    for email in ["admin", "editor", "author", "colleague"] {
        // Logs in now, so that no session begins while traces are compared.
        app.somebody(email);
    }
    for case in cases {
        check_strangers(app, &case);
        match case.on {
            On::Article("killed") => check_killed(app, &case),
            On::Article(state) => check_owners(app, &case, state),
            On::Account => check_accounts(app, &case),
            On::Webhook => check_webhook_owners(app, &case),
            On::Nothing | On::Thing(..) => check_roles(app, &case),
        }
    }
}

both! {
    fn articles_belong_to_their_authors_and_to_editors(app) {
        check_all(app, articles());
    }

    fn sections_staff_and_tags_are_for_editors(app) {
        check_all(app, content());
    }

    fn user_accounts_are_for_administrators(app) {
        check_all(app, users());
    }

    fn api_keys_are_for_administrators(app) {
        app.section("World");
        check_all(app, api_keys());
    }

    fn webhooks_belong_to_who_made_them_and_to_administrators(app) {
        check_all(app, webhooks());
    }

    fn everybody_has_their_own_account(app) {
        check_all(app, own_account());
    }

    fn authors_find_only_their_own_articles_in_lists(app) {
        app.section("World");
        let own = article(app, &app.author(), "draft");
        let others = ["draft", "in_review", "published", "trashed"].map(|state| article(app, &app.colleague(), state).id);

        for query in ["", "&state=draft", "&state=in_review", "&state=published", "&trashed=true", "&section=world", "&sort=-updated_at"] {
            let path = format!("/v1/articles?view=working{query}");
            let answer = app.author().get(&path);
            if answer.status == 400 {
                continue;
            }
            let text = answer.expect(200).text();
            assert!(others.iter().all(|id| !text.contains(id.as_str())), "{query}: {text}");
            assert_eq!(text.contains(&own.id), !query.contains("in_review") && !query.contains("published") && !query.contains("trashed"), "{query}");
        }
        let me = app.colleague().get("/v1/auth/me").expect(200).json()["id"].clone();
        let answer = app.author().get(&format!("/v1/articles?view=working&created_by={}", me.as_str().unwrap())).expect(200);
        assert_eq!(answer.json()["data"], json!([]));
    }

    fn what_is_hidden_answers_like_what_does_not_exist(app) {
        app.section("World");
        let hidden = article(app, &app.colleague(), "draft");
        let nowhere = Object { id: uuid::Uuid::now_v7().to_string(), etag: hidden.etag.clone(), part: None };

        for case in articles().iter().filter(|case| case.operation.allowance(Role::Author) == Allowance::Own) {
            let [mut a, mut b] = [&hidden, &nowhere].map(|object| perform(&app.author(), case, object).text());
            for text in [&mut a, &mut b] {
                if let Ok(mut problem) = serde_json::from_str::<Value>(text) {
                    problem["instance"] = json!("-");
                    *text = problem.to_string();
                }
            }
            if !case.path.contains("{id}") {
                continue;
            }
            assert_eq!(a, b, "{:?}", case.operation);
        }
        let [a, b] = [&hidden, &nowhere].map(|object| {
            let answer = app.anonymous().get(&format!("/v1/articles/{}", object.id)).expect(404);
            let mut problem = answer.json();
            problem["instance"] = json!("-");
            let mut names: Vec<_> = answer.headers.keys().cloned().collect();
            names.sort();
            (problem, names)
        });
        assert_eq!(a, b);
    }
}
