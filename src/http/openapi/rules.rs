//! What follows from an operation's method, path and rights: security, parameters, error answers, headers.

use serde_json::{Map, Value, json};

use super::shapes::reference;
use crate::{
    api_keys::DRAFT_OPERATIONS,
    auth::rights::{self, Operation},
    error::Code,
    http::envelope,
};

/// Completes the operations of a document.
pub fn complete(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({
        "accessToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token from `POST /v1/auth/token`, good for 15 minutes."
        },
        "apiKey": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "fpk_…",
            "description": "A partner's key from `POST /v1/api-keys`. Feed readers may send it as the password of basic authentication, with any name."
        }
    });
    document["components"]["responses"] = responses();
    document["components"]["parameters"] = parameters();
    document["components"]["headers"] = headers();
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (path, item) in paths.iter_mut() {
        let Some(operations) = item.as_object_mut() else { continue };
        for (method, operation) in operations.iter_mut() {
            complete_operation(path, method, operation);
        }
    }
}

/// How a handler says, with `false`, that what it is about has no revisions: then there is no ETag, and nothing to match.
const UNREVISED: &str = "x-has-revisions";

/// The inputs that say nothing, or nothing that is needed, so that the body may be absent.
const OPTIONAL: [&str; 4] = ["NoInput", "ReturnInput", "PreviewInput", "RotateInput"];

/// What has nothing but what readers see: no working view.
const PUBLISHED: [&str; 3] = ["/feeds/", "/sitemaps/", "/v1/ninjs/"];

/// What an operation is like, as far as the rules need to know.
struct Traits {
    id: String,
    method: String,
    is_system: bool,
    is_published: bool,
    is_json: bool,
    is_auth: bool,
    is_logged_in: bool,
    has_working_view: bool,
    is_for_drafts: bool,
    has_body: bool,
    names_resource: bool,
    may_be_missing: bool,
    has_slug: bool,
    has_revisions: bool,
    changes_existing: bool,
}

impl Traits {
    fn of(path: &str, method: &str, operation: &Value) -> Self {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        let rights: Vec<&Operation> = Operation::ALL.iter().filter(|operation| operation.id() == id).collect();
        let is_logout = id == "logout";
        let is_auth = path.starts_with("/v1/auth/");
        let has_revisions = operation[UNREVISED] != json!(false);
        let has_working_view = rights.iter().any(|operation| operation.circumstance().contains('='));
        Self {
            method: method.to_owned(),
            is_system: !envelope::is_content(path),
            is_published: PUBLISHED.iter().any(|start| path.starts_with(start)),
            is_json: path.starts_with("/v1/"),
            is_auth,
            is_logged_in: (!rights.is_empty() && !has_working_view) || is_logout,
            has_working_view,
            is_for_drafts: DRAFT_OPERATIONS.iter().any(|operation| operation.id() == id),
            has_body: operation.get("requestBody").is_some(),
            names_resource: path.contains('{'),
            may_be_missing: path.contains('{') || path.starts_with("/sitemaps/"),
            has_slug: ["{article}", "{section}", "{staff}", "{tag}"].iter().any(|name| path.contains(name)),
            changes_existing: !is_auth
                && path.contains('{')
                && has_revisions
                && matches!(method, "patch" | "delete" | "post"),
            has_revisions,
            id,
        }
    }

    /// Whether it is for anyone, but a token that is sent must be valid.
    fn is_wire(&self) -> bool {
        matches!(self.id.as_str(), "listChanges" | "streamChanges" | "getSnapshot")
    }

    fn is_live(&self) -> bool {
        self.method == "get" && (self.has_working_view || self.is_published)
    }

    /// Whether the answer stays the same for as long as the server runs.
    fn is_fixed(&self) -> bool {
        self.id == "getOpenapi"
    }

    /// The kinds of problem that the operation can answer with, by status.
    fn errors(&self) -> Vec<&'static str> {
        let mut names = vec!["BadRequest", "UriTooLong", "InternalError"];
        let mut add = |is_possible: bool, name: &'static str| {
            if is_possible {
                names.push(name);
            }
        };
        let id = self.id.as_str();
        let takes_password = matches!(id, "createToken" | "changePassword" | "resetPassword");
        let asks_database = !self.is_system || matches!(id, "getReadiness" | "getMetrics");
        add(
            self.is_logged_in
                || self.has_working_view
                || self.is_published
                || matches!(id, "createToken" | "refreshToken"),
            "Unauthenticated",
        );
        add(self.is_logged_in || self.has_working_view || self.is_published, "Forbidden");
        add(self.may_be_missing, "NotFound");
        add(id == "getArticle", "Gone");
        add(matches!(id, "listChanges" | "streamChanges"), "CursorExpired");
        add(self.is_wire(), "Unauthenticated");
        add(self.is_wire(), "Forbidden");
        add(self.is_json, "NotAcceptable");
        add(self.has_body, "RequestTimeout");
        add(self.has_body, "PayloadTooLarge");
        add(self.has_body, "UnsupportedMediaType");
        add(self.has_body || self.changes_existing, "InvalidInput");
        add(!self.is_auth && !self.is_system && self.method != "get", "Conflict");
        add(self.changes_existing || self.is_live() || self.is_fixed(), "PreconditionFailed");
        add(self.changes_existing, "PreconditionRequired");
        add(takes_password, "TooManyRequests");
        add(self.is_live() || self.is_for_drafts || self.is_wire(), "RateLimited");
        add(asks_database, "Unavailable");
        add(asks_database && self.method != "get", "StorageFull");
        names
    }
}

fn complete_operation(path: &str, method: &str, operation: &mut Value) {
    let traits = Traits::of(path, method, operation);
    if let Some(members) = operation.as_object_mut() {
        members.shift_remove(UNREVISED);
    }
    describe(&traits, operation);
    operation["security"] = if traits.is_logged_in && traits.is_for_drafts {
        json!([{ "accessToken": [] }, { "apiKey": [] }])
    } else if traits.is_logged_in {
        json!([{ "accessToken": [] }])
    } else if traits.has_working_view {
        json!([{}, { "accessToken": [] }, { "apiKey": [] }])
    } else if traits.is_published || traits.is_wire() {
        json!([{}, { "apiKey": [] }])
    } else {
        json!([])
    };
    add_parameters(&traits, operation);
    add_patch_body(&traits, operation);
    let input = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default();
    if OPTIONAL.iter().any(|name| input.ends_with(&format!("/{name}"))) {
        operation["requestBody"]["required"] = json!(false);
    }
    add_union_answers(&traits, operation);
    add_answers(&traits, operation);
}

fn describe(traits: &Traits, operation: &mut Value) {
    let mut text = operation["description"].as_str().unwrap_or_default().to_owned();
    if let Some(rights) = rights::described(&traits.id) {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&rights);
    }
    if text.is_empty() {
        text = format!("{}.", operation["summary"].as_str().unwrap_or_default());
    }
    operation["description"] = json!(text);
}

fn add_parameters(traits: &Traits, operation: &mut Value) {
    let mut names = Vec::new();
    if traits.changes_existing {
        names.push("IfMatch");
    }
    if traits.method == "post" {
        names.push("IdempotencyKey");
    }
    if traits.id == "updateArticle" {
        names.push("Prefer");
    }
    if traits.is_live() {
        names.extend(["IfNoneMatch", "IfModifiedSince"]);
    }
    if traits.is_fixed() {
        names.push("IfNoneMatch");
    }
    let added = names.into_iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let is_text = |parameter: &&mut Value| parameter["in"] == "path" && parameter["schema"]["$ref"].is_null();
    for parameter in parameters.iter_mut().filter(is_text) {
        // What `http::path` refuses.
        parameter["schema"]["pattern"] = json!(r"^[^\u0000-\u001F\u007F-\u009F/\\]+$");
    }
    // An empty value is refused like any other that says nothing; but an empty search finds everything.
    for parameter in parameters.iter_mut().filter(|parameter| parameter["in"] == "query" && parameter["name"] != "q") {
        let schema = &mut parameter["schema"];
        let text = if schema["type"] == "array" { &mut schema["items"] } else { schema };
        if text["type"] == "string" && text["format"].is_null() {
            text["minLength"] = json!(1);
        }
    }
    parameters.extend(added);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
}

fn add_patch_body(traits: &Traits, operation: &mut Value) {
    if traits.method != "patch" {
        return;
    }
    let content = &mut operation["requestBody"]["content"];
    let name = content["application/json"]["schema"]["$ref"]
        .as_str()
        .and_then(|name| name.rsplit('/').next())
        .unwrap_or_default();
    let resource = if name.starts_with("Staff") { "StaffProfile" } else { name.trim_end_matches("Input") };
    let patch = json!({ "schema": reference(&format!("{resource}Patch")) });
    *content = json!({ "application/merge-patch+json": patch, "application/json": patch });
}

fn add_union_answers(traits: &Traits, operation: &mut Value) {
    let name = match traits.id.as_str() {
        "getArticle" => "ArticleAnswer",
        "listArticles" => "ArticlePageAnswer",
        _ => return,
    };
    operation["responses"]["200"]["content"]["application/json"]["schema"] = reference(name);
}

fn add_answers(traits: &Traits, operation: &mut Value) {
    let Some(answers) = operation["responses"].as_object_mut() else { return };
    for (status, answer) in answers.iter_mut() {
        answer["headers"] = success_headers(traits, status);
    }
    if traits.is_live() || traits.is_fixed() {
        answers.insert("304".to_owned(), json!({ "$ref": "#/components/responses/NotModified" }));
    }
    if traits.has_slug {
        let name = if traits.method == "get" { ("301", "MovedPermanently") } else { ("308", "PermanentRedirect") };
        answers.insert(name.0.to_owned(), json!({ "$ref": format!("#/components/responses/{}", name.1) }));
    }
    for name in traits.errors() {
        let status = ERRORS.iter().find(|error| error.0 == name).map_or(500, |error| error.1);
        answers.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
    }
    answers.sort_keys();
}

fn success_headers(traits: &Traits, status: &str) -> Value {
    let mut names = vec!["X-Request-Id", "Cache-Control"];
    let is_single = traits.names_resource && !traits.is_system && !traits.is_auth;
    if traits.is_live() {
        names.extend(["Last-Modified", "Surrogate-Key", "Vary", "RateLimit", "RateLimit-Policy"]);
    }
    if traits.is_fixed() {
        names.extend(["ETag", "Vary"]);
    }
    if traits.has_revisions && (traits.is_live() || is_single || (status == "201" && !traits.is_auth)) {
        names.push("ETag");
    }
    if traits.id.starts_with("list") || traits.id.ends_with("Feed") || traits.id.ends_with("FeedArchive") {
        names.push("Link");
    }
    if status == "201" {
        names.push("Location");
    }
    if traits.method == "post" && !traits.is_auth {
        names.push("Idempotent-Replayed");
    }
    if traits.id == "updateArticle" {
        names.push("Preference-Applied");
    }
    headers_of(names)
}

fn headers_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    let reference = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    names.into_iter().map(|name| (name.to_owned(), reference(name))).collect::<Map<_, _>>().into()
}

/// The error answers: name, status, and the kinds of problem that they can be.
const ERRORS: [(&str, u16, &[Code]); 21] = [
    ("BadRequest", 400, &[Code::BadRequest, Code::InvalidParameter, Code::InvalidCursor, Code::MalformedJson]),
    ("Unauthenticated", 401, &[Code::Unauthenticated, Code::InvalidCredentials]),
    ("Forbidden", 403, &[Code::Forbidden]),
    ("NotFound", 404, &[Code::NotFound]),
    ("NotAcceptable", 406, &[Code::NotAcceptable]),
    ("RequestTimeout", 408, &[Code::RequestTimeout]),
    (
        "Conflict",
        409,
        &[
            Code::Conflict,
            Code::InUse,
            Code::SlugTaken,
            Code::EmailTaken,
            Code::InvalidTransition,
            Code::LastAdmin,
            Code::IdempotencyInProgress,
        ],
    ),
    ("Gone", 410, &[Code::Killed]),
    ("CursorExpired", 410, &[Code::CursorExpired]),
    ("PreconditionFailed", 412, &[Code::PreconditionFailed]),
    ("PayloadTooLarge", 413, &[Code::PayloadTooLarge]),
    ("UriTooLong", 414, &[Code::UriTooLong]),
    ("UnsupportedMediaType", 415, &[Code::UnsupportedMediaType]),
    ("InvalidInput", 422, &[Code::InvalidInput, Code::PreflightFailed, Code::IdempotencyMismatch]),
    ("PreconditionRequired", 428, &[Code::PreconditionRequired]),
    ("TooManyRequests", 429, &[Code::TooManyRequests]),
    ("RateLimited", 429, &[Code::RateLimited]),
    ("InternalError", 500, &[Code::Internal]),
    ("Unavailable", 503, &[Code::Unavailable]),
    ("StorageFull", 507, &[Code::StorageFull]),
    ("MethodNotAllowed", 405, &[Code::MethodNotAllowed]),
];

fn responses() -> Value {
    let mut responses = Map::new();
    for (name, status, codes) in ERRORS.iter().filter(|error| error.0 != "MethodNotAllowed") {
        let kinds: Vec<String> =
            codes.iter().map(|code| format!("- `/problems/{}`: {}", code.name(), code.documentation())).collect();
        let headers: &[&str] = match status {
            401 => &["WWW-Authenticate"],
            429 | 503 => &["Retry-After"],
            _ => &[],
        };
        let title = codes.first().map_or("", |code| code.title());
        let example = json!({
            "type": format!("/problems/{}", codes.first().map_or("", |code| code.name())),
            "title": title,
            "status": status,
            "detail": codes.first().map_or("", |code| code.documentation()),
            "instance": "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a"
        });
        responses.insert(
            (*name).to_owned(),
            json!({
                "description": format!("{title}.\n\n{}", kinds.join("\n")),
                "headers": headers_of(["X-Request-Id"].iter().chain(headers).copied()),
                "content": { "application/problem+json": { "schema": reference("Problem"), "example": example } }
            }),
        );
    }
    responses.insert(
        "NotModified".to_owned(),
        json!({
            "description": "What you have is what there is.",
            "headers": headers_of(["Cache-Control", "ETag", "Last-Modified", "Surrogate-Key", "Vary", "X-Request-Id"])
        }),
    );
    for (name, text) in [
        ("MovedPermanently", "The slug was left behind; `Location` has the present address."),
        ("PermanentRedirect", "The slug was left behind; repeat the request at `Location`."),
    ] {
        responses.insert(
            name.to_owned(),
            json!({
                "description": text,
                "headers": headers_of(["Location", "X-Request-Id"])
            }),
        );
    }
    Value::Object(responses)
}

fn parameters() -> Value {
    json!({
        "IfMatch": {
            "name": "If-Match", "in": "header", "required": true,
            "description": "The ETag of the working view that the write is based on. Without it the answer is 428, with a stale one 412.",
            "schema": { "type": "string" }, "example": "\"r3\""
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A key of your choice, 1 to 255 visible ASCII characters. The same key and body answer as the first time, for 24 hours.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" }, "example": "6f1c2f0e-import-42"
        },
        "Prefer": {
            "name": "Prefer", "in": "header", "required": false,
            "description": "`merge`: a change that is based on an older revision is merged with what others have changed since, as long as you changed different members or different blocks of the body. Otherwise the answer is 412 as usual, with the conflicts only.",
            "schema": { "type": "string" }, "example": "merge"
        },
        "IfNoneMatch": {
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "ETags that you have; if one of them is still right, the answer is 304.",
            "schema": { "type": "string" }, "example": "\"5d41402abc4b2a76b9719d911017c592\""
        },
        "IfModifiedSince": {
            "name": "If-Modified-Since", "in": "header", "required": false,
            "description": "The `Last-Modified` that you have; not used when `If-None-Match` is sent.",
            "schema": { "type": "string" }, "example": "Mon, 23 Nov 2026 08:00:00 GMT"
        }
    })
}

fn headers() -> Value {
    let header =
        |text: &str, example: &str| json!({ "description": text, "schema": { "type": "string" }, "example": example });
    json!({
        "Cache-Control": header("Who may keep the answer, and for how long.", "public, max-age=0, s-maxage=5"),
        "ETag": header("Names this state of the resource: for live views a digest, for working views the revision.", "\"r3\""),
        "Idempotent-Replayed": header("`true` when this is the answer to an earlier request with the same `Idempotency-Key`.", "true"),
        "Last-Modified": header("When what is shown last changed.", "Mon, 23 Nov 2026 08:00:00 GMT"),
        "Link": header("The addresses of the next and the previous page (RFC 8288); of a feed, its own address and its hub.", "</v1/articles?cursor=Zg>; rel=\"next\""),
        "Location": header("The address of the resource.", "/v1/articles/0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a"),
        "Preference-Applied": header("`merge` when the change was merged with what others had changed; read the answer, it is more than you sent.", "merge"),
        "RateLimit": header("What is left of each limit of the API key (`r`), and in how many seconds it is full again (`t`).", "\"minute\";r=599;t=34"),
        "RateLimit-Policy": header("The limits of the API key: how many requests (`q`) in how many seconds (`w`).", "\"minute\";q=600;w=60"),
        "Retry-After": header("After how many seconds to try again.", "2"),
        "Surrogate-Key": header("Keys by which a cache in front can drop the answer.", "articles section-0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a"),
        "Vary": header("What the answer depends on besides its address.", "Accept-Encoding"),
        "WWW-Authenticate": header("How to authenticate.", "Bearer realm=\"frontpage\""),
        "X-Request-Id": header("The id of the request; one that you send is kept when it is 1 to 128 ASCII letters, digits, `-`, `_` and `.`.", "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7a")
    })
}
