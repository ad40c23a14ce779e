//! The OpenAPI file: complete, without dangling or idle parts, with examples that are true, and the same as the code.

use std::collections::{BTreeMap, BTreeSet};

use frontpage::{
    app,
    auth::rights::{self, Operation},
};
use serde_json::{Value, json};

use crate::support::{
    both,
    contract::{alone, document, resolve},
};

/// An operation with its place.
struct Place {
    path: &'static str,
    method: &'static str,
    operation: &'static Value,
}

impl Place {
    fn id(&self) -> &'static str {
        self.operation["operationId"].as_str().unwrap_or_default()
    }

    fn text(&self, member: &str) -> &'static str {
        self.operation[member].as_str().unwrap_or_default()
    }

    fn responses(&self) -> impl Iterator<Item = (&'static str, &'static Value)> {
        self.operation["responses"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(status, answer)| (status.as_str(), resolve(answer)))
    }

    fn parameters(&self) -> Vec<&'static Value> {
        self.operation["parameters"].as_array().into_iter().flatten().map(resolve).collect()
    }
}

fn places() -> Vec<Place> {
    let paths = document()["paths"].as_object().unwrap();
    let of = |(path, item): (&'static String, &'static Value)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(|(method, operation)| Place { path, method, operation })
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

fn schemas() -> &'static serde_json::Map<String, Value> {
    document()["components"]["schemas"].as_object().unwrap()
}

/// Calls `visit` for a value and everything in it, with its JSON pointer; examples are data and not looked into.
fn walk(value: &'static Value, at: &str, visit: &mut impl FnMut(&str, &'static Value)) {
    visit(at, value);
    match value {
        Value::Object(members) => {
            for (name, member) in
                members.iter().filter(|(name, _)| !matches!(name.as_str(), "example" | "examples" | "default"))
            {
                walk(member, &format!("{at}/{}", name.replace('/', "~1")), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{at}/{index}"), visit);
            }
        }
        _ => {}
    }
}

#[track_caller]
fn none(faults: Vec<String>, what: &str) {
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}

#[test]
fn the_file_that_is_checked_in_is_what_the_code_says() {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json")).unwrap();

    assert!(file == frontpage::http::openapi::json(), "run `cargo run -- openapi --write` and look at the difference");
}

both! {
    fn the_file_is_served(app) {
        let answer = app.anonymous().get("/openapi.json").expect(200);

        assert_eq!(answer.text(), frontpage::http::openapi::json());
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

both! {
    fn the_viewer_has_all_that_it_needs_on_this_server(app) {
        let reader = app.anonymous();
        assert_eq!(reader.get("/docs").expect(308).header("location"), Some("/docs/"));
        let page = reader.get("/docs/").expect(200).text();
        let linked = page.split('"').filter(|text| [".js", ".css", ".png"].iter().any(|end| text.ends_with(end)));
        let linked: Vec<&str> = linked.collect();
        assert!(linked.iter().any(|link| link.ends_with(".js")) && linked.iter().any(|link| link.ends_with(".css")), "{page}");
        let mut texts = vec![page.clone()];
        for link in linked {
            assert!(!link.contains("//"), "{link} is somewhere else");
            texts.push(reader.get(&format!("/docs/{}", link.trim_start_matches("./"))).expect(200).text());
        }
        assert!(texts.iter().any(|text| text.contains("\"/openapi.json\"")), "the viewer is told where the file is");
    }
}

#[test]
fn every_route_is_an_operation_and_every_operation_a_route() {
    let routes: BTreeSet<_> = app::routes().into_iter().collect();
    let documented: BTreeSet<_> = places().iter().map(|place| (place.path, place.method)).collect();

    assert_eq!(routes, documented);
    assert_eq!(app::routes().len(), routes.len(), "a route is registered twice");
}

#[test]
fn every_operation_is_told_in_full() {
    let mut faults = Vec::new();
    let mut ids = BTreeSet::new();
    let tags: BTreeSet<&str> =
        document()["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut used = BTreeSet::new();
    for place in places() {
        let id = place.id();
        let mut must = |holds: bool, what: &str| {
            if !holds {
                faults.push(format!("{} {} ({id}): {what}", place.method, place.path));
            }
        };
        must(ids.insert(id), "another operation has the operationId");
        must(
            id.starts_with(|c: char| c.is_ascii_lowercase()) && id.bytes().all(|b| b.is_ascii_alphanumeric()),
            "not camelCase",
        );
        let summary = place.text("summary");
        must(
            !summary.is_empty() && summary.len() <= 60 && !summary.ends_with('.'),
            "needs a short summary, no sentence",
        );
        must(place.text("description").ends_with('.'), "needs a description in sentences");
        let own: Vec<&str> =
            place.operation["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        must(own.len() == 1 && tags.contains(own[0]), "needs one of the document's tags");
        used.extend(own);
        must(place.operation["security"].is_array(), "says nothing about security");
        let statuses: Vec<&str> = place.responses().map(|(status, _)| status).collect();
        must(statuses.iter().any(|status| status.starts_with('4')), "can answer no 4xx");
        must(statuses.iter().any(|status| status.starts_with('2')), "can answer no 2xx");
        for (status, answer) in place.responses() {
            must(
                !answer["description"].as_str().unwrap_or_default().is_empty(),
                &format!("{status} has no description"),
            );
            must(!answer["headers"]["X-Request-Id"].is_null(), &format!("{status} has no X-Request-Id"));
            let is_problem = !answer["content"]["application/problem+json"].is_null();
            must(is_problem == matches!(status.as_bytes(), [b'4' | b'5', ..]), &format!("{status} is no problem"));
        }
        let steps: BTreeSet<&str> = place.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let named: BTreeSet<&str> = place
            .parameters()
            .into_iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        must(steps == named, "the parameters of the path are others than those in the path");
        for parameter in place.parameters() {
            let name = parameter["name"].as_str().unwrap();
            must(
                !parameter["description"].as_str().unwrap_or_default().is_empty(),
                &format!("{name} has no description"),
            );
            must(parameter["schema"].is_object(), &format!("{name} has no schema"));
        }
    }
    assert_eq!(tags, used, "tags that no operation has");
    none(faults, "Say this in the handler's comment, or in src/http/openapi/rules.rs when it follows from a rule");
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let mut faults = Vec::new();
    let mut targets = BTreeSet::new();
    walk(document(), "", &mut |at, value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            targets.insert(reference.to_owned());
            if reference.strip_prefix('#').and_then(|pointer| document().pointer(pointer)).is_none() {
                faults.push(format!("{at}: {reference} leads nowhere"));
            }
        }
    });
    for (kind, parts) in document()["components"].as_object().unwrap() {
        if kind == "securitySchemes" {
            continue;
        }
        for name in parts.as_object().unwrap().keys() {
            if !targets.contains(&format!("#/components/{kind}/{name}")) {
                faults.push(format!("nothing refers to the component {kind}/{name}"));
            }
        }
    }

    none(faults, "References");
}

/// Returns whether a pointer is that of a named component itself.
fn is_component(at: &str) -> bool {
    at.strip_prefix("/components/schemas/").is_some_and(|rest| !rest.contains('/'))
}

/// The members of a union that are not null.
fn members(schema: &Value) -> Vec<&Value> {
    let union = ["oneOf", "anyOf"].iter().find_map(|kind| schema.get(kind)).and_then(Value::as_array);
    union.into_iter().flatten().filter(|member| member["type"] != "null").collect()
}

#[test]
fn every_enumeration_and_union_has_a_name_of_its_own() {
    let mut faults = Vec::new();
    let mut enumerations: BTreeMap<String, String> = BTreeMap::new();
    let mut objects: BTreeMap<String, String> = BTreeMap::new();
    walk(document(), "", &mut |at, value| {
        if value.get("enum").and_then(Value::as_array).is_some_and(|values| values.len() > 1) {
            if !is_component(at) {
                faults.push(format!("{at}: an enumeration without a name"));
            }
            if let Some(other) = enumerations.insert(value["enum"].to_string(), at.to_owned()) {
                faults.push(format!("{at}: the same enumeration as {other}"));
            }
        }
        if members(value).len() > 1 && !is_component(at) && !at.ends_with("/data/items") {
            faults.push(format!("{at}: a union without a name"));
        }
        // A media type or a component may have a member called properties; a schema's is an object of schemas.
        if value.get("properties").is_some_and(Value::is_object) && !is_component(at) && !at.ends_with("/properties") {
            if let Some(other) = objects.insert(value["properties"].to_string(), at.to_owned()) {
                faults.push(format!("{at}: the same object as {other}"));
            }
            faults.push(format!("{at}: an object without a name"));
        }
    });

    none(faults, "Make these components with `ToSchema` types of their own");
}

/// The value of a tag property, if the schema pins it.
fn pinned(property: &Value) -> Option<&str> {
    let property = resolve_any(property);
    property["const"].as_str().or_else(|| match property["enum"].as_array()?.as_slice() {
        [only] => only.as_str(),
        _ => None,
    })
}

fn resolve_any(value: &Value) -> &Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document().pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

#[test]
fn unions_of_tagged_objects_have_a_discriminator_that_maps_every_member() {
    let mut faults = Vec::new();
    let mut n_unions = 0;
    walk(document(), "", &mut |at, value| {
        let members = members(value);
        let objects: Vec<&Value> = members.iter().map(|member| resolve_any(member)).collect();
        let first = objects.first().and_then(|object| object["properties"].as_object());
        let tag = first.into_iter().flat_map(|properties| properties.keys()).find(|name| {
            objects.len() > 1 && objects.iter().all(|object| pinned(&object["properties"][name.as_str()]).is_some())
        });
        let Some(tag) = tag else { return };
        n_unions += 1;
        if value["discriminator"]["propertyName"] != json!(tag) {
            faults.push(format!("{at}: needs the discriminator {tag}"));
        }
        for (member, object) in members.iter().zip(&objects) {
            let name = pinned(&object["properties"][tag.as_str()]).unwrap();
            if value["discriminator"]["mapping"][name] != member["$ref"] {
                faults.push(format!("{at}: the discriminator does not map \"{name}\""));
            }
            let is_required =
                object["required"].as_array().into_iter().flatten().any(|required| required == tag.as_str());
            if !is_required {
                faults.push(format!("{at}: {tag} is not required in {}", member["$ref"]));
            }
        }
    });

    assert!(n_unions >= 3, "blocks, inlines and views are unions of tagged objects; found {n_unions}");
    none(faults, "Discriminators");
}

#[test]
fn every_property_is_described() {
    let mut faults = Vec::new();
    for (name, schema) in schemas() {
        if schema["description"].as_str().is_none_or(|text| !text.trim_end().ends_with(['.', ':', ';', '?'])) {
            faults.push(format!("{name}: {}", schema["description"]));
        }
        for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
            let is_described = |schema: &Value| schema["description"].as_str().is_some_and(|text| !text.is_empty());
            let target = members(schema).first().copied().unwrap_or(schema);
            if !is_described(schema) && !is_described(resolve_any(target)) {
                faults.push(format!("{name}.{property}"));
            }
        }
    }

    none(faults, "These need a doc comment, which is the API's reference");
}

/// What is wrong with a value by a schema.
fn faults_of(value: &Value, schema: &Value) -> Vec<String> {
    let validator =
        jsonschema::options().should_validate_formats(true).build(&alone(schema)).expect("the schema is one");
    validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

#[test]
fn every_example_is_valid() {
    let mut faults = Vec::new();
    walk(document(), "", &mut |at, value| {
        let Some(example) = value.get("example").filter(|_| !at.ends_with("/properties")) else { return };
        let schema = value.get("schema").unwrap_or(value);
        // Links that show how a header looks have no schema but `string`.
        faults.extend(faults_of(example, schema).into_iter().map(|fault| format!("{at}/example{fault}")));
    });

    none(faults, "Examples that the server would not send or take");
}

#[test]
fn every_json_body_has_an_example() {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/examples.json")).unwrap();
    let examples: Value = serde_json::from_str(&file).unwrap();
    let mut faults = Vec::new();
    let mut known = BTreeSet::new();
    for place in places() {
        known.insert(place.id());
        for (media_type, content) in place.operation["requestBody"]["content"].as_object().into_iter().flatten() {
            if content["example"].is_null() {
                faults.push(format!("{}: the {media_type} of the request", place.id()));
            }
        }
        for (status, answer) in place.responses().filter(|(status, _)| status.starts_with('2')) {
            let content = &answer["content"]["application/json"];
            if !content.is_null() && content["example"].is_null() && place.id() != "getOpenapi" {
                faults.push(format!("{}: the answer {status}", place.id()));
            }
        }
    }
    for id in examples.as_object().unwrap().keys().filter(|id| !known.contains(id.as_str())) {
        faults.push(format!("{id}: there is no such operation"));
    }

    none(faults, "Add these to openapi/examples.json");
}

#[test]
fn every_operation_of_the_table_of_rights_says_who_may() {
    let places = places();
    for operation in Operation::ALL {
        let place = places.iter().find(|place| place.id() == operation.id());
        let place =
            place.unwrap_or_else(|| panic!("{} is in the table of rights, not in the document", operation.id()));
        let sentence = rights::described(operation.id()).unwrap();

        assert!(place.text("description").contains(&sentence), "{}: {sentence}", operation.id());
        // A right that depends on a parameter is not asked of those who leave it out.
        let is_always = !operation.circumstance().contains('=');
        let anonymous = json!({});
        let alternatives = place.operation["security"].as_array().unwrap();
        assert_eq!(!alternatives.contains(&anonymous), is_always, "{}", operation.id());
        assert!(alternatives.contains(&json!({ "accessToken": [] })), "{}", operation.id());
    }
}

#[test]
fn what_needs_a_token_is_in_the_table_of_rights() {
    for place in places() {
        let needs_token =
            place.operation["security"].as_array().unwrap().iter().any(|way| !way["accessToken"].is_null());
        let has_right = Operation::ALL.iter().any(|operation| operation.id() == place.id());

        assert_eq!(needs_token, has_right, "{}: add it to src/auth/rights.rs", place.id());
        let can_refuse = place.responses().any(|(status, _)| status == "401");
        assert!(!needs_token || can_refuse, "{} cannot answer 401", place.id());
    }
}
