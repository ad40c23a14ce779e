//! What is not published does not show, to nobody who may not see it, in no answer and by no difference between answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{App, Client, Response, both, contract, id};

/// Where articles stand that readers must not see, or not all of.
const STATES: [&str; 9] =
    ["draft", "in_review", "withdrawn", "trashed", "changed", "changed_in_review", "scheduled", "embargoed", "killed"];

/// What every secret text contains, and what nothing contains by chance: cursors and ETags are made of letters, too.
const CANARY: &str = "zcanary";

/// An article whose every text is a canary.
fn secret(state: &str) -> Value {
    let text = |place: &str| format!("{CANARY}{}x{place}", state.replace('_', ""));
    json!({
        "title": text("title"), "slug": text("slug"), "kicker": text("kicker"), "standfirst": text("standfirst"), "excerpt": text("excerpt"),
        "dateline": text("dateline"), "byline": text("byline"), "body_html": format!("<p>{}</p>", text("body")),
        "extensions": { text("member"): text("value") }, "tags": [format!("{CANARY}-tag-{}", state.replace('_', "-"))],
        "source": { "name": text("source"), "url": format!("https://{}.test/", text("url")) },
        "seo": { "title": text("seo"), "description": text("seodescription"), "canonical_url": format!("https://{}.test/", text("canonical")) },
        "section": "world", "authors": [{ "staff": "mina" }], "featured": true, "language": "fa",
    })
}

/// A newsroom with a secret article in each state; returns their ids, and that of one that is public and related to all.
fn newsroom(app: &App) -> (BTreeMap<&'static str, String>, String) {
    app.section("World");
    app.staff("Mina");
    app.tag("Public");
    let mut ids = BTreeMap::new();
    for state in STATES {
        app.tag(&format!("{CANARY} tag {}", state.replace('_', " ")));
        let secret = secret(state);
        let address = |id: &str| format!("/v1/articles/{id}");
        let article = match state {
            "embargoed" => {
                let mut secret = secret;
                secret["embargo_until"] = json!("2100-01-01T00:00:00Z");
                app.draft("x", secret)
            }
            "draft" | "in_review" | "trashed" | "withdrawn" | "scheduled" | "killed" => app.draft("x", secret),
            _ => {
                let published = app.published(
                    "Public face",
                    json!({ "slug": format!("face-{}", state.replace('_', "-")), "section": "world" }),
                );
                app.editor().patch(&address(&id(&published)), "*", secret).expect(200)
            }
        };
        let path = address(&id(&article));
        let steps: &[&str] = match state {
            "in_review" | "changed_in_review" => &["submit"],
            "withdrawn" => &["publish", "withdraw"],
            "embargoed" | "killed" => &["publish"],
            _ => &[],
        };
        for step in steps {
            app.editor().verb(&format!("{path}/{step}"), "*").expect(200);
        }
        if state == "trashed" {
            app.editor().delete(&path, "*").expect(204);
        }
        if state == "scheduled" {
            let later = json!({ "publish_at": "2100-01-01T00:00:00Z" });
            let schedule = format!("{path}/schedule");
            app.editor().request("POST", &schedule).header("if-match", "*").json(&later).send().expect(200);
        }
        ids.insert(state, id(&article));
    }
    let related: Vec<&String> = ids.iter().filter(|(state, _)| **state != "trashed").map(|(_, id)| id).collect();
    let public =
        app.published("Open", json!({ "related": related, "tags": ["public"], "authors": [{ "staff": "mina" }] }));
    // When others name it already; and its address says that it is gone.
    let kill = format!("/v1/articles/{}/kill", ids["killed"]);
    app.admin().request("POST", &kill).header("if-match", "*").json(&json!({ "notice": "Gone." })).send().expect(200);
    (ids, id(&public))
}

/// Fails when an answer says anything that is secret.
#[track_caller]
fn assert_clean(answer: &Response, hidden: &[&String], what: &str) {
    let mut everything = format!("{:?}", answer.headers);
    everything.push_str(&answer.text());
    assert!(!everything.to_lowercase().contains(CANARY), "{what}: {everything}");
    for id in hidden {
        assert!(!everything.contains(*id), "{what}: shows the id of a hidden article: {everything}");
    }
}

/// The ids that an address must not show. What readers saw once, the change feed says that it is gone.
fn hidden_from<'a>(path: &str, ids: &'a BTreeMap<&'static str, String>, hidden: &[&'a String]) -> Vec<&'a String> {
    let was_seen = |id: &&String| path == "/v1/changes" && [&ids["withdrawn"], &ids["killed"]].contains(id);
    hidden.iter().copied().filter(|id| !was_seen(id)).collect()
}

/// An answer without what differs between any two requests.
fn comparable(answer: &Response, name: &str) -> (u16, BTreeMap<String, String>, String) {
    let headers = answer
        .headers
        .clone()
        .into_iter()
        .filter(|(name, _)| !["x-request-id", "date", "connection"].contains(&name.as_str()));
    let request = answer.header("x-request-id").unwrap_or_default();
    let body = answer.text().replace(request, "ID").replace(name, "NAME");
    (answer.status, headers.map(|(header, value)| (header, value.replace(name, "NAME"))).collect(), body)
}

fn random() -> String {
    frontpage::ids::ArticleId::generate().to_string()
}

/// Values for a query parameter that do not themselves contain a secret.
pub fn values(name: &str, public: &str) -> Vec<String> {
    let fixed: &[&str] = match name {
        "view" => &["live"],
        "section" => &["world"],
        "tag" => &["public"],
        "author" => &["mina"],
        "from" => &["oldest", "latest", "2001-01-01T00:00:00Z"],
        "published_after" | "updated_after" => &["2001-01-01T00:00:00Z"],
        "published_before" | "until" => &["2999-01-01T00:00:00Z"],
        "as_of" => &["2026-11-01T00:00:00Z"],
        "against" => &["0", "1"],
        "featured" | "trashed" | "tree" | "revoked" => &["true", "false"],
        "language" => &["en", "fa"],
        "exclude" => return vec![public.to_owned()],
        "sort" => &["-published_at", "published_at", "-updated_at"],
        "state" => &["draft", "scheduled", "withdrawn", "killed"],
        "created_by" => &["me"],
        "assigned_to" => &["me", "none"],
        "q" => &["public", "p"],
        "preview" => &["AAAA"],
        "actor" => return vec![random()],
        "action" | "resource" => &["article"],
        "resource_id" => return vec![public.to_owned()],
        "after" => &["2001-01-01T00:00:00Z"],
        "before" => &["2999-01-01T00:00:00Z"],
        "request_id" => &["none-of-these"],
        "include" => &["body_html,body_blocks,body_markdown,body_text", "json_ld"],
        "fields" => &["id,title,slug,excerpt,extensions,related"],
        "limit" => &["1", "100"],
        "prefix" => &["c", "p"],
        "role" => &["author"],
        "kind" => &["person", "organization"],
        "cursor" => &["AAAA"],
        "wait" => &["1"],
        other => panic!("Say in tests/api/leaks.rs which values the parameter {other} can have."),
    };
    fixed.iter().map(ToString::to_string).collect()
}

/// The patterns with each format of a feed, and with the present month, in place of their parameters.
pub fn formatted(pattern: &str) -> Vec<String> {
    let month = frontpage::clock::Instant::now().to_string()[..7].to_owned();
    let pattern = pattern.replace("{month}", &month);
    let formats: &[&str] = if pattern.contains("{format}") { &["rss", "atom", "json"] } else { &[""] };
    formats.iter().map(|format| pattern.replace("{format}", format)).collect()
}

/// The first parameter of a path, with its braces; nothing, when there is none.
pub fn parameter(pattern: &str) -> &str {
    pattern.find('{').map_or("", |at| &pattern[at..=at + pattern[at..].find('}').unwrap()])
}

/// The addresses of all GET operations, with every name that leads to something public in place of each path parameter.
fn addresses(public: &str) -> Vec<(String, Vec<String>)> {
    let mut addresses = Vec::new();
    for (pattern, item) in contract::document()["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get") else { continue };
        // A stream has no end; what it says is what the poll says.
        if pattern == "/v1/changes/stream" {
            continue;
        }
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let names =
            parameters.iter().filter(|p| p["in"] == "query").map(|p| p["name"].as_str().unwrap().to_owned()).collect();
        let step = parameter(pattern);
        let values = match if step == "{format}" || step == "{month}" { "" } else { step } {
            "" => vec![""],
            "{article}" => vec![public, "open", "face-changed", "face-changed-in-review"],
            "{section}" => vec!["world"],
            "{staff}" => vec!["mina"],
            "{tag}" => vec!["public"],
            "{code}" => vec!["not_found"],
            "{user}" | "{session}" | "{webhook}" | "{key}" => vec!["01890a5d-ac96-774b-bcce-b302099a8057"],
            other => panic!("Say in tests/api/leaks.rs what {other} can be."),
        };
        // A number below an article, as of a revision.
        for pattern in formatted(&pattern.replace("{number}", "1")) {
            for value in &values {
                addresses.push((
                    if step.is_empty() { pattern.clone() } else { pattern.replace(step, value) },
                    Vec::clone(&names),
                ));
            }
        }
    }
    addresses
}

/// Queries with no parameter, with each value of each, and with each two.
fn queries(names: &[String], public: &str) -> Vec<String> {
    let choices: Vec<(usize, String)> = names
        .iter()
        .enumerate()
        .flat_map(|(index, name)| values(name, public).into_iter().map(move |value| (index, format!("{name}={value}"))))
        .collect();
    let mut queries = vec![String::new()];
    for (position, (index, first)) in choices.iter().enumerate() {
        queries.push(first.clone());
        queries.extend(
            choices[position..]
                .iter()
                .filter(|(other, _)| other > index)
                .map(|(_, second)| format!("{first}&{second}")),
        );
    }
    queries
}

both! {
    fn no_read_with_any_parameters_shows_a_reader_anything_secret(app) {
        let (ids, public) = newsroom(app);
        let hidden: Vec<&String> = ids.iter().filter(|(state, _)| !state.starts_with("changed")).map(|(_, id)| id).collect();
        let reader = app.anonymous();
        let (mut n_ok, mut n_articles) = (0, 0);
        for (path, names) in addresses(&public) {
            for query in queries(&names, &public) {
                let address = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
                let answer = reader.get(&address);
                assert_clean(&answer, hidden_from(&path, &ids, &hidden).as_slice(), &address);
                if answer.status == 200 {
                    n_ok += 1;
                    if path == "/v1/articles" {
                        n_articles = n_articles.max(answer.json()["data"].as_array().unwrap().len());
                    }
                }
            }
        }
        // The walk is worth something only when it gets to see what there is.
        assert_eq!(n_articles, 3);
        assert!(n_ok > 200, "{n_ok}");
    }

    fn no_read_with_any_parameters_shows_another_author_anything_secret(app) {
        let (ids, public) = newsroom(app);
        let hidden: Vec<&String> = ids.iter().filter(|(state, _)| !state.starts_with("changed")).map(|(_, id)| id).collect();
        let author = app.colleague();
        let own = author.post("/v1/articles", json!({ "title": "Own", "slug": "own-draft" })).expect(201);
        for (path, names) in addresses(&public) {
            // The tags of the newsroom are for everybody in it.
            let is_tags = path.starts_with("/v1/tags");
            for query in queries(&names, &public) {
                for view in ["", "view=working"] {
                    if query.contains("view=") || (is_tags && !view.is_empty()) || (!view.is_empty() && !names.iter().any(|name| name == "view")) {
                        continue;
                    }
                    let address = format!("{path}?{query}&{view}");
                    assert_clean(&author.get(&address), hidden_from(&path, &ids, &hidden).as_slice(), &address);
                }
            }
        }
        for state in ["draft", "in_review", "published", "withdrawn"] {
            let page = author.get(&format!("/v1/articles?view=working&limit=100&state={state}")).expect(200).json();
            let expected = if state == "draft" { vec![own.json()["id"].clone()] } else { vec![] };
            let found: Vec<Value> = page["data"].as_array().unwrap().iter().map(|article| article["id"].clone()).collect();
            assert_eq!(found, expected, "{state}");
        }
        assert_eq!(author.get("/v1/articles?view=working&trashed=true").expect(200).json()["data"], json!([]));
    }

    fn what_is_hidden_is_answered_in_the_same_bytes_as_what_never_existed(app) {
        let (ids, _) = newsroom(app);
        let body = json!({ "title": "Mine now" });
        for (who, client) in [("a reader", app.anonymous()), ("another author", app.colleague())] {
            // What was killed says so at its own address.
            for state in STATES.into_iter().filter(|state| *state != "killed") {
                let slug = secret(state)["slug"].as_str().unwrap().to_owned();
                // Of what readers see in an older revision, only the slug is secret.
                let names = if state.starts_with("changed") { vec![(slug, "no-such-slug".to_owned())] } else { vec![(ids[state].clone(), random()), (slug, "no-such-slug".to_owned())] };
                for (hidden, missing) in names {
                    for (method, step) in [
                        ("GET", ""), ("HEAD", ""), ("GET", "?view=working"), ("GET", "?include=body_text"), ("GET", "?fields=id"), ("PATCH", ""), ("DELETE", ""), ("POST", ""),
                        ("POST", "/submit"), ("POST", "/return"), ("POST", "/publish"), ("POST", "/withdraw"), ("POST", "/restore"), ("GET", "/revisions"), ("GET", "/revisions/1"), ("GET", "/diff"),
                    ] {
                        for condition in [Some("*"), Some("\"r1\""), None] {
                            let ask = |name: &str| {
                                let path = format!("/v1/articles/{name}{step}");
                                let mut request = client.request(method, &path);
                                if let Some(tag) = condition {
                                    request = request.header("if-match", tag);
                                }
                                let request = match (method, step) {
                                    ("PATCH", _) => request.json(&body),
                                    ("POST", _) => request.json(&json!({})),
                                    _ => request,
                                };
                                comparable(&request.send(), name)
                            };
                            let (found, expected) = (ask(&hidden), ask(&missing));
                            assert_eq!(found, expected, "{who}, {state}: {method} {hidden}{step}");
                            assert!(![200, 201, 204, 301, 304, 308].contains(&found.0), "{who}, {state}: {method} {step}");
                        }
                    }
                    for condition in ["if-none-match", "if-modified-since"] {
                        let ask = |name: &str| comparable(&client.request("GET", &format!("/v1/articles/{name}")).header(condition, "*").send(), name);
                        assert_eq!(ask(&hidden), ask(&missing), "{who}, {state}");
                    }
                }
            }
        }
    }

    fn what_was_killed_says_so_at_its_own_addresses_and_shows_nowhere_else(app) {
        let (ids, public) = newsroom(app);
        let reader = app.anonymous();
        for name in [ids["killed"].as_str(), "zcanarykilledxslug"] {
            for query in ["", "?include=body_html,body_blocks,body_markdown,body_text", "?fields=title", "?view=live"] {
                let gone = reader.get(&format!("/v1/articles/{name}{query}")).expect(410);
                let text = gone.text();
                assert!(text.contains("Gone.") && !text.to_lowercase().contains(CANARY), "{name}{query}: {text}");
                assert_eq!(gone.header("etag"), None, "{name}{query}");
            }
        }
        let related = reader.get(&format!("/v1/articles/{public}")).expect(200).json()["related"].clone();
        assert!(!related.as_array().unwrap().contains(&json!(ids["killed"])), "{related}");
        let page = |client: &Client, query: &str| client.get(&format!("/v1/articles?limit=100{query}")).expect(200).text();
        for client in [app.author(), app.editor()] {
            assert!(!page(&client, "&view=working&state=killed").contains(&ids["killed"]));
        }
        assert!(page(&app.admin(), "&view=working&state=killed").contains(&ids["killed"]));
    }

    fn a_tag_that_no_reader_has_met_is_unknown_by_every_name(app) {
        newsroom(app);
        // One with a former slug, one merged into another that is unknown too, one in the trash.
        let renamed = app.tag("zcanary old");
        app.editor().patch("/v1/tags/zcanary-old", "*", json!({ "slug": "zcanary-new" })).expect(200);
        let merged = app.tag("zcanary merged");
        app.editor().request("POST", "/v1/tags/zcanary-merged/merge").header("if-match", "*").json(&json!({ "into": "zcanary-new" })).send().expect(200);
        let trashed = app.tag("zcanary trashed");
        app.editor().delete("/v1/tags/zcanary-trashed", "*").expect(204);
        app.draft("x", json!({ "tags": ["zcanary-new"] }));

        let reader = app.anonymous();
        let ids = [&renamed, &merged, &trashed].map(|tag| tag["id"].as_str().unwrap().to_owned());
        let slugs = ["zcanary-old", "zcanary-new", "ZCANARY-new", "zcanary-merged", "zcanary-trashed", "zcanary-tag-draft", "zcanary-tag-withdrawn", "zcanary-tag-changed"].map(str::to_owned);
        let names = ids.iter().map(|id| (id, random())).chain(slugs.iter().map(|slug| (slug, slug.replace("zcanary", "zzzzzzz").replace("ZCANARY", "ZZZZZZZ"))));
        for (name, missing) in names {
            for pattern in ["/v1/tags/{}", "/v1/articles?tag={}", "/v1/articles?tag=public&tag={}", "/v1/articles?section=world&tag={}"] {
                let ask = |name: &str| {
                    let answer = reader.get(&pattern.replace("{}", name));
                    assert!([400, 404].contains(&answer.status), "{pattern} {name}");
                    comparable(&answer, name)
                };
                assert_eq!(ask(name), ask(&missing), "{pattern} {name}");
            }
        }
        for prefix in ["zcanary", "z", "ZCANARY-"] {
            assert_eq!(reader.get(&format!("/v1/tags?prefix={prefix}")).expect(200).json()["data"], json!([]));
        }
    }

    fn nothing_that_happens_to_a_draft_moves_what_readers_are_told(app) {
        let (ids, public) = newsroom(app);
        app.tag("Fresh");
        app.staff("Rename me");
        let addresses: Vec<String> = addresses(&public).into_iter().map(|(path, _)| path).filter(|path| path.starts_with("/v1/") && !path.contains("users") && !path.contains("auth")).collect();
        let look = || addresses.iter().map(|path| {
            let answer = app.anonymous().get(path);
            let headers = ["etag", "last-modified", "surrogate-key", "link"].map(|name| answer.header(name).map(str::to_owned));
            (path.clone(), answer.status, headers, if answer.status == 200 { answer.text() } else { String::new() })
        }).collect::<Vec<_>>();
        crate::newswire::settle(app);
        // Within the second of a change, Last-Modified is the second before it, and moves on when that second is over.
        for column in ["changes SET at", "live_articles SET changed_at", "sections SET updated_at", "staff SET updated_at", "tags SET updated_at"] {
            app.database.sql(&format!("UPDATE {column} = '2020-01-02 03:04:05.678'"));
        }
        let before = look();

        let draft = format!("/v1/articles/{}", ids["draft"]);
        app.editor().patch(&draft, "*", json!({ "title": "zcanary2", "tags": ["fresh"], "related": [public] })).expect(200);
        app.editor().verb(&format!("{draft}/submit"), "*").expect(200);
        app.editor().delete(&draft, "*").expect(204);
        app.editor().verb(&format!("{draft}/restore"), "*").expect(200);
        app.editor().patch("/v1/tags/fresh", "*", json!({ "name": "Fresher", "slug": "fresher" })).expect(200);
        app.editor().patch("/v1/articles/face-changed", "*", json!({})).expect(308);
        app.editor().patch(&format!("/v1/articles/{}", ids["changed"]), "*", json!({ "title": "zcanary3" })).expect(200);
        app.editor().post("/v1/articles", json!({ "title": "zcanary4", "section": "world" })).expect(201);

        assert_eq!(look(), before);
    }

    fn what_is_public_of_a_profile_is_exactly_what_the_document_lists(app) {
        app.editor().post("/v1/staff", json!({
            "name": "Mina Okafor", "kind": "person", "title": "Editor", "bio_html": "<p>Bio</p>", "contact_email": "desk@newsroom.test", "contact_phone": "+44 20 7946 0000",
            "links": [{ "label": "Site", "url": "https://mina.test/" }],
        })).expect(201);
        app.admin().post("/v1/users", json!({ "email": "zcanarymail@secret.test", "name": "zcanaryname", "role": "author", "staff": "mina-okafor", "password": "a lighthouse keeps its own hours, still" })).expect(201);
        app.published("By Mina", json!({ "authors": [{ "staff": "mina-okafor" }] }));

        let profile = app.anonymous().get("/v1/staff/mina-okafor").expect(200).json();
        let keys: Vec<&str> = profile.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["id", "slug", "name", "kind", "title", "bio_html", "contact_email", "contact_phone", "links", "url", "created_at", "updated_at"]);
        let article = app.anonymous().get("/v1/articles/by-mina").expect(200).json();
        let keys: Vec<&str> = article["authors"][0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["id", "slug", "name", "kind", "title", "role", "bio_html"]);

        for path in ["/v1/staff", "/v1/staff/mina-okafor", "/v1/articles", "/v1/articles/by-mina", "/v1/articles/by-mina?include=body_blocks"] {
            for client in [app.anonymous(), app.author()] {
                assert_clean(&client.get(path).expect(200), &[], path);
            }
        }
        let own_fields = |client: &Client, query: &str| client.get(&format!("/v1/staff/mina-okafor?{query}")).expect(400).pointers();
        assert_eq!(own_fields(&app.anonymous(), "include=articles"), ["/include"]);
        assert_eq!(own_fields(&app.editor(), "include=user"), ["/include"]);
        for query in ["q=zcanarymail", "email=zcanarymail@secret.test", "prefix=zcanary"] {
            app.anonymous().get(&format!("/v1/staff?{query}")).expect(400);
        }
    }

    fn accounts_are_for_administrators_whether_they_exist_or_not(app) {
        let users = app.admin().get("/v1/users").expect(200).json();
        let real = users["data"][0]["id"].as_str().unwrap().to_owned();
        for step in ["", "/password-reset", "/restore"] {
            let method = if step.is_empty() { "GET" } else { "POST" };
            for (client, status) in [(app.anonymous(), 401), (app.author(), 403), (app.editor(), 403)] {
                let ask = |id: &str| {
                    let path = format!("/v1/users/{id}{step}");
                    let request = client.request(method, &path).header("if-match", "*");
                    let answer = if method == "GET" { request.send() } else { request.json(&json!({})).send() };
                    assert!(answer.status == status || answer.status == 404, "{path}: {}", answer.status);
                    comparable(&answer, id)
                };
                assert_eq!(ask(&real), ask(&random()), "{step}");
            }
        }
        app.anonymous().get("/v1/users").expect(401);
        app.author().get("/v1/users").expect(403);
        assert_eq!(comparable(&app.author().get("/v1/secrets/1"), "secrets"), comparable(&app.author().get("/v1/nope/1"), "nope"));
    }
}
