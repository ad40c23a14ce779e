//! The OpenAPI file as a judge: every answer that a test receives is checked against it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock},
};

use serde_json::{Value, json};

/// The document that the server serves.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(frontpage::http::openapi::document)
}

/// One answer as the judge sees it.
pub struct Seen<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub status: u16,
    pub header: &'a dyn Fn(&str) -> Option<String>,
    pub body: &'a [u8],
}

/// Fails the test when an answer is not what the document promises.
pub fn check(seen: &Seen<'_>) {
    let what = format!("{} {} -> {}", seen.method, seen.path, seen.status);
    assert!((seen.header)("x-request-id").is_some(), "{what}: no X-Request-Id");
    if seen.status >= 400 {
        check_problem(seen, &what);
    }
    // Addresses and methods that do not exist are not in the document.
    let Some((pattern, item)) = find_path(seen.path) else {
        assert!(
            matches!(seen.status, 400 | 404 | 406 | 414) || seen.path.starts_with("/docs"),
            "{what}: not in the document"
        );
        return;
    };
    let method = if seen.method == "HEAD" { "get".to_owned() } else { seen.method.to_lowercase() };
    let Some(operation) = item.get(&method) else {
        let is_preflight = seen.method == "OPTIONS" && seen.status == 204;
        assert!(matches!(seen.status, 405 | 400 | 406) || is_preflight, "{what}: {method} is not in the document");
        return;
    };
    let answer = &operation["responses"][seen.status.to_string()];
    assert!(!answer.is_null(), "{what}: the document does not say that {pattern} can answer {}", seen.status);
    let answer = resolve(answer);
    if seen.status < 300 {
        check_headers(seen, answer, &what);
    }
    if seen.method == "HEAD" || seen.body.is_empty() {
        assert!(seen.method == "HEAD" || answer.get("content").is_none(), "{what}: the document promises a body");
        return;
    }
    let content_type = (seen.header)("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let content = &answer["content"][media_type];
    assert!(!content.is_null(), "{what}: the document does not promise {media_type}");
    if media_type.ends_with("xml") {
        check_xml(seen.body, &what);
    }
    if media_type == "application/x-ndjson" {
        let text = std::str::from_utf8(seen.body).unwrap_or_else(|error| panic!("{what}: {error}"));
        let is_object = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object());
        assert!(text.lines().all(is_object), "{what}: a line is no object");
    } else if media_type.ends_with("json") {
        check_schema(&format!("{pattern} {method} {}", seen.status), &content["schema"], seen.body, &what);
    }
}

/// Fails the test when a document is not well-formed, or has a character that XML 1.0 does not allow.
fn check_xml(body: &[u8], what: &str) {
    let text = std::str::from_utf8(body).unwrap_or_else(|error| panic!("{what}: not UTF-8: {error}"));
    let is_legal = |c: char| matches!(c, '\t' | '\n' | '\r') || c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}');
    assert!(text.chars().all(is_legal), "{what}: an illegal character");
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut depth = 0_i32;
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{what}: not well-formed: {error}\n{text}")) {
            quick_xml::events::Event::Start(start) => {
                depth += 1;
                start.attributes().for_each(|attribute| drop(attribute.expect("attributes are well-formed")));
            }
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "{what}: elements are left open");
}

fn check_problem(seen: &Seen<'_>, what: &str) {
    assert_eq!((seen.header)("content-type").as_deref(), Some("application/problem+json"), "{what}");
    assert_eq!((seen.header)("cache-control").as_deref(), Some("no-store"), "{what}");
    match seen.status {
        401 => assert!((seen.header)("www-authenticate").is_some(), "{what}: no WWW-Authenticate"),
        405 => assert!((seen.header)("allow").is_some(), "{what}: no Allow"),
        429 | 503 => assert!((seen.header)("retry-after").is_some(), "{what}: no Retry-After"),
        _ => {}
    }
    if seen.method == "HEAD" {
        return;
    }
    let problem: Value = serde_json::from_slice(seen.body).unwrap_or_else(|error| panic!("{what}: not JSON: {error}"));
    assert_eq!(problem["status"], seen.status, "{what}: {problem}");
    let kind = problem["type"].as_str().unwrap_or_default();
    let is_known = kind.strip_prefix("/problems/").is_some_and(|name| {
        frontpage::error::Code::ALL.iter().any(|code| code.name() == name && code.status() == seen.status)
    });
    assert!(is_known, "{what}: unknown problem type {kind}");
    let text = problem.to_string();
    for leak in ["diesel", "sqlite", "SQLITE", "SELECT ", "panicked", "/src/", "serde", "libpq"] {
        assert!(!text.contains(leak), "{what}: a problem shows \"{leak}\": {text}");
    }
    check_schema("problem", &json!({ "$ref": "#/components/schemas/Problem" }), seen.body, what);
}

fn check_headers(seen: &Seen<'_>, answer: &Value, what: &str) {
    for name in ["ETag", "Location", "Cache-Control", "Last-Modified"] {
        if answer["headers"].get(name).is_some() {
            let is_needed = name != "Last-Modified" && name != "ETag" || !seen.path.contains("?");
            assert!((seen.header)(name).is_some() || !is_needed, "{what}: the document promises {name}");
        }
        if name == "ETag" && (seen.header)(name).is_some() {
            assert!(answer["headers"].get(name).is_some(), "{what}: {name} is not in the document");
        }
    }
}

fn check_schema(key: &str, schema: &Value, body: &[u8], what: &str) {
    static VALIDATORS: OnceLock<Mutex<HashMap<String, Arc<jsonschema::Validator>>>> = OnceLock::new();
    let validators = VALIDATORS.get_or_init(Mutex::default);
    let cached = validators.lock().expect("no test panics while it holds the lock").get(key).cloned();
    let validator = cached.unwrap_or_else(|| {
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&alone(schema))
            .unwrap_or_else(|error| panic!("{key}: the schema is broken: {error}"));
        let validator = Arc::new(validator);
        validators.lock().expect("no test panics while it holds the lock").insert(key.to_owned(), validator.clone());
        validator
    });
    let value: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{what}: not JSON: {error}"));
    let faults: Vec<String> =
        validator.iter_errors(&value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{what}: not as documented:\n{}\n{value}", faults.join("\n"));
}

/// A schema of the document with the components that it leads to, and no others: each costs time.
pub fn alone(schema: &Value) -> Value {
    let mut needed = BTreeMap::new();
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                let name =
                    members.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix("#/components/schemas/"));
                if let Some(name) = name.filter(|name| !needed.contains_key(*name)) {
                    let component = &document()["components"]["schemas"][name];
                    needed.insert(name, component);
                    open.push(component);
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [schema],
        "components": { "schemas": needed },
    })
}

/// Validates a value against a named component.
pub fn check_component(name: &str, value: &Value, what: &str) {
    let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
    check_schema(&format!("component {name}"), &schema, value.to_string().as_bytes(), what);
}

/// Follows a reference.
pub fn resolve(value: &Value) -> &Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document().pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null),
        None => value,
    }
}

/// Whether a step of an address is one of a pattern such as `{article}`, `{section}.{format}` or `articles.{format}`.
fn fits(part: &str, step: &str) -> bool {
    match (part.split_once('.'), step.rsplit_once('.')) {
        (Some((name, extension)), Some((stem, format))) if part.contains('{') => {
            fits(name, stem) && fits(extension, format)
        }
        (Some(_), None) if part.contains('{') => false,
        _ => part.starts_with('{') && !step.is_empty() || part == step,
    }
}

/// Finds the path of the document that an address belongs to.
pub fn find_path(address: &str) -> Option<(&'static str, &'static Value)> {
    let path = address.split('?').next().unwrap_or_default();
    let steps: Vec<&str> = path.split('/').collect();
    let paths = document()["paths"].as_object().expect("the document has paths");
    let matches = |pattern: &str| {
        let parts: Vec<&str> = pattern.split('/').collect();
        let fits = |(part, step): (&&str, &&str)| fits(part, step);
        parts.len() == steps.len() && parts.iter().zip(&steps).all(fits)
    };
    let mut found: Vec<_> = paths.iter().filter(|(pattern, _)| matches(pattern)).collect();
    found.sort_by_key(|(pattern, _)| pattern.matches('{').count());
    found.first().map(|(pattern, item)| (pattern.as_str(), *item))
}
