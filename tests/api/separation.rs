//! What is not for readers changes nothing of what they get (invariants 8 and 28, as a property).
//!
//! A newsroom that readers see is made at random, and looked at through every address that needs no token, with random
//! parameters and all pages. Then things are added at random that readers do not see.
//!
//! - What they never saw (drafts, in review, approved, scheduled, under an embargo, called off, in the trash, and changes of
//!   what they see that are not published) changes no byte and no header of any answer.
//! - What they saw once (withdrawn, killed, brought back, in the trash after that) changes `Last-Modified` of lists and of what
//!   names it, because they did change on the way. All else is as if it had never been, but for the address of what was
//!   killed, which says so, and the change feed, which says that it is gone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    leaks,
    support::{App, Client, Response, both, contract, dice::Dice, id},
};

const FAR: &str = "2100-01-01T00:00:00Z";

/// Somebody who may do everything does a verb to the newest revision.
fn act(app: &App, id: &str, verb: &str, input: &Value) -> Response {
    let admin = app.admin();
    let path = format!("/v1/articles/{id}/{verb}");
    admin.request("POST", &path).header("if-match", "*").json(input).send().expect(200)
}

fn create(app: &App, input: &Value) -> String {
    id(&app.editor().post("/v1/articles", input.clone()).expect(201))
}

/// What there is for articles to refer to, and the articles that readers see.
struct Newsroom {
    sections: Vec<String>,
    staff: Vec<String>,
    tags: Vec<String>,
    /// No public article carries them.
    hidden_tags: Vec<String>,
    /// Seen by readers.
    public: Vec<String>,
    /// Drafts, which public articles name.
    named: Vec<String>,
}

/// What an article says, by chance; about as many ways as there are members.
fn content(room: &Newsroom, dice: &mut Dice, title: &str, is_hidden: bool) -> Value {
    let known = [room.public.as_slice(), &room.named].concat();
    let links: String = dice
        .some(&known)
        .iter()
        .map(|id| match dice.roll(2) {
            0 => format!("<p>See <a data-article=\"{id}\">there</a>.</p>"),
            _ => format!("<aside data-article=\"{id}\"></aside>"),
        })
        .collect();
    let mut tags = dice.some(&room.tags);
    if is_hidden {
        tags.extend(dice.some(&room.hidden_tags));
    }
    let authors: Vec<Value> = dice.some(&room.staff).iter().map(|id| json!({ "staff": id })).collect();
    json!({
        "title": title, "section": dice.one(&room.sections), "tags": tags, "authors": authors, "related": dice.some(&known),
        "featured": dice.roll(2) == 0, "language": dice.one(&["en", "fa"]), "kicker": if dice.roll(2) == 0 { json!("Exclusive") } else { Value::Null },
        "body_html": format!("<p>Text {}.</p>{links}", dice.roll(99)),
    })
}

impl Newsroom {
    /// Names of things are among the values that `leaks` tries for parameters: `world`, `public`, `mina`.
    fn new(app: &App, dice: &mut Dice) -> Self {
        let world = app.section("World")["id"].clone();
        let below = json!({ "name": "Asia", "parent": world });
        let sections =
            [json!({ "id": world }), app.editor().post("/v1/sections", below).expect(201).json(), app.section("Arts")];
        let of = |item: &Value| item["id"].as_str().unwrap().to_owned();
        let mut room = Self {
            sections: sections.iter().map(of).collect(),
            staff: ["Mina", "Reza"].map(|name| of(&app.staff(name))).to_vec(),
            tags: ["Public", "Ports"].map(|name| of(&app.tag(name))).to_vec(),
            hidden_tags: ["Privy", "Covert"].map(|name| of(&app.tag(name))).to_vec(),
            public: Vec::new(),
            named: Vec::new(),
        };
        room.named = (0..3)
            .map(|number| {
                create(
                    app,
                    &json!({ "title": format!("Named {number}"), "section": "world", "body_html": "<p>Text.</p>" }),
                )
            })
            .collect();
        for number in 0..5 {
            let mut input = content(&room, dice, &format!("Open {number}"), false);
            if number == 0 {
                input["tags"] = json!(room.tags);
                input["related"] = json!(room.named);
            }
            let article = create(app, &input);
            act(app, &article, "publish", &json!({}));
            room.public.push(article);
        }
        room
    }
}

/// Adds something that readers never see, in a state by chance; returns which.
fn hide(app: &App, room: &Newsroom, dice: &mut Dice, state: &'static str) -> Option<String> {
    let later = json!({ "publish_at": FAR });
    if state == "changed" || state == "changed and approved" || state == "to end" {
        let article = dice.one(&room.public).clone();
        if state == "to end" {
            act(app, &article, "schedule", &json!({ "withdraw_at": FAR }));
            return None;
        }
        let mut patch = content(room, dice, "Changed", true);
        // None is related to itself.
        patch["related"] = json!(dice.some(&room.named));
        app.editor().patch(&format!("/v1/articles/{article}"), "*", patch).expect(200);
        // It may be in review already.
        if state == "changed and approved" {
            app.editor().verb(&format!("/v1/articles/{article}/submit"), "*");
            app.editor().verb(&format!("/v1/articles/{article}/approve"), "*");
        }
        return None;
    }
    let article = match state {
        "named and scheduled" => dice.one(&room.named).clone(),
        // As near as can be to what readers see: the same titles.
        _ => {
            let title = format!("Open {}", dice.roll(5));
            create(app, &content(room, dice, &title, true))
        }
    };
    let steps: &[(&str, Value)] = match state {
        "in review" => &[("submit", json!({}))],
        "approved" => &[("submit", json!({})), ("approve", json!({}))],
        "scheduled" | "named and scheduled" => &[("schedule", later)],
        "called off" => &[("schedule", later), ("unschedule", json!({}))],
        "trash" => &[],
        "embargo" | "embargo, withdrawn" => {
            let until = json!({ "embargo_until": FAR });
            app.editor().patch(&format!("/v1/articles/{article}"), "*", until).expect(200);
            &[("publish", json!({}))]
        }
        _ => &[],
    };
    for (verb, input) in steps {
        act(app, &article, verb, input);
    }
    match state {
        "trash" => drop(app.editor().delete(&format!("/v1/articles/{article}"), "*").expect(204)),
        "embargo, withdrawn" => drop(act(app, &article, "withdraw", &json!({}))),
        _ => {}
    }
    Some(article)
}

/// The states in which readers never saw an article, or the part of it that is new.
const NEVER_SEEN: [&str; 12] = [
    "draft",
    "in review",
    "approved",
    "scheduled",
    "named and scheduled",
    "called off",
    "embargo",
    "embargo, withdrawn",
    "trash",
    "changed",
    "changed and approved",
    "to end",
];

/// The states in which readers saw an article once and see it no more.
const SEEN_ONCE: [&str; 4] = ["withdrawn", "killed", "brought back", "withdrawn, trash"];

/// Adds something that readers saw once; one that other articles name, or a new one.
fn take_away(app: &App, room: &Newsroom, dice: &mut Dice, state: &str) -> String {
    let named = app.admin().get(&format!("/v1/articles/{}?view=working", room.named[0])).expect(200).json();
    let article = match named["state"] == "draft" && dice.roll(2) == 0 {
        true => room.named[0].clone(),
        false => create(app, &content(room, dice, "Open once", true)),
    };
    act(app, &article, "publish", &json!({}));
    // Some have had another address.
    if dice.roll(2) == 0 {
        let slug = format!("once-{}", &article[24..]);
        app.editor().patch(&format!("/v1/articles/{article}"), "*", json!({ "slug": slug })).expect(200);
        act(app, &article, "publish", &json!({}));
    }
    let notice = json!({ "notice": "This is gone." });
    match state {
        "killed" => drop(act(app, &article, "kill", &notice)),
        "brought back" => {
            act(app, &article, "kill", &notice);
            act(app, &article, "restore", &json!({}));
        }
        _ => drop(act(app, &article, "withdraw", &json!({}))),
    }
    if state == "withdrawn, trash" {
        app.editor().delete(&format!("/v1/articles/{article}"), "*").expect(204);
    }
    article
}

/// An answer without what differs between any two requests.
type Shown = (u16, BTreeMap<String, String>, String);

fn shown(answer: &Response) -> Shown {
    let request = answer.header("x-request-id").unwrap_or_default().to_owned();
    let mut headers: BTreeMap<String, String> = answer.headers.clone().into_iter().collect();
    for name in ["x-request-id", "date", "connection"] {
        headers.remove(name);
    }
    (answer.status, headers, answer.text().replace(&request, "ID"))
}

/// Addresses of every operation that reads, each bare and with parameters by chance.
fn addresses(app: &App, room: &Newsroom, dice: &mut Dice, times: usize) -> Vec<String> {
    let mut found = Vec::new();
    let slug = |kind: &str, id: &String| {
        let item = app.anonymous().get(&format!("/v1/{kind}/{id}")).expect(200).json();
        item["slug"].as_str().unwrap().to_owned()
    };
    for (pattern, item) in contract::document()["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get") else { continue };
        // A stream has no end; what it says is what the poll says.
        if pattern == "/v1/changes/stream" {
            continue;
        }
        let names: Vec<String> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        let step = leaks::parameter(pattern);
        let step = if matches!(step, "{format}" | "{month}") { "" } else { step };
        let of =
            |kind: &str, ids: &[String]| ids.iter().flat_map(|id| [id.clone(), slug(kind, id)]).collect::<Vec<_>>();
        let values: Vec<String> = match step {
            "{article}" => of("articles", &room.public),
            "{section}" => of("sections", &room.sections),
            "{staff}" => of("staff", &room.staff),
            // Readers know the tags of public articles only.
            "{tag}" => vec!["public".to_owned(), "ports".to_owned(), "privy".to_owned()],
            "" => vec![String::new()],
            _ => vec!["1".to_owned()],
        };
        let n_queries = if step.is_empty() { times } else { 2 };
        let mut values = values;
        dice.shuffle(&mut values);
        for value in values.into_iter().take(times / 2) {
            let pattern = dice.one(&leaks::formatted(&pattern.replace("{number}", "1"))).clone();
            let path = pattern;
            let path = if step.is_empty() { path } else { path.replace(step, &value) };
            found.push(path.clone());
            let n_queries = if names.is_empty() { 0 } else { n_queries };
            for _ in 0..n_queries {
                found.push(format!("{path}?{}", query(room, dice, &names)));
            }
        }
    }
    found
}

/// Parameters that are for people with a token.
const REFUSED: [&str; 8] = ["state", "created_by", "assigned_to", "q", "trashed", "preview", "cursor", "as_of"];

/// One to three parameters, each with a value by chance.
fn query(room: &Newsroom, dice: &mut Dice, names: &[String]) -> String {
    // Most of what an anonymous reader is refused for is left to `leaks`.
    let mut all: Vec<String> =
        names.iter().filter(|name| !REFUSED.contains(&name.as_str()) || dice.roll(8) == 0).cloned().collect();
    if all.is_empty() {
        all = names.to_vec();
    }
    dice.shuffle(&mut all);
    let chosen = 1 + dice.roll(3.min(all.len()));
    let pairs: Vec<String> = all[..chosen]
        .iter()
        .map(|name| {
            let value = match name.as_str() {
                "section" if dice.roll(2) == 0 => dice.one(&room.sections).clone(),
                "tag" if dice.roll(2) == 0 => dice.one(&room.tags).clone(),
                "author" if dice.roll(2) == 0 => dice.one(&room.staff).clone(),
                "exclude" => dice.one(&room.public).clone(),
                "limit" => (1 + dice.roll(4)).to_string(),
                _ => dice.one(&leaks::values(name, &room.public[0])).clone(),
            };
            format!("{name}={value}")
        })
        .collect();
    pairs.join("&")
}

/// All that readers get at some addresses and on the pages that follow, forward and back. What is the same as before is
/// as documented if it was before.
fn look(reader: &Client, addresses: &[String], is_first: bool) -> BTreeMap<String, Shown> {
    let mut seen = BTreeMap::new();
    let mut open: Vec<String> = addresses.to_vec();
    while let Some(address) = open.pop() {
        if seen.contains_key(&address) {
            continue;
        }
        let request = reader.request("GET", &address);
        let answer = if is_first { request.send() } else { request.send_unchecked() };
        if let Some((path, query)) = address.split_once('?').filter(|_| answer.status == 200) {
            let page: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
            let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("cursor=")).collect();
            for cursor in ["next", "prev"].iter().filter_map(|name| page["page"][name].as_str()) {
                open.push(format!("{path}?{}&cursor={cursor}", rest.join("&")));
            }
        }
        seen.insert(address, shown(&answer));
    }
    seen
}

/// Fails unless every answer is what it was, but for some headers.
#[track_caller]
fn assert_same(before: &BTreeMap<String, Shown>, after: &BTreeMap<String, Shown>, but: &[&str], what: &str) {
    for (address, old) in before {
        let mut pair = [old.clone(), after[address].clone()];
        for shown in &mut pair {
            for name in but {
                shown.1.remove(*name);
            }
        }
        assert_eq!(pair[0], pair[1], "{what}: {address}");
    }
}

/// Fails unless what hides answers by every name as what never existed; or, if it was killed, with its notice alone.
fn assert_unknown(reader: &Client, id: &str, slugs: &[String], is_killed: bool) {
    let random = frontpage::ids::ArticleId::generate().to_string();
    let ask = |path: &str, name: &str| {
        let (status, headers, text) = shown(&reader.get(&path.replace("{}", name)));
        let headers: BTreeMap<String, String> =
            headers.into_iter().map(|(header, value)| (header, value.replace(name, "NAME"))).collect();
        (status, headers, text.replace(name, "NAME"))
    };
    let names = [(id, random.as_str())].into_iter().chain(slugs.iter().map(|slug| (slug.as_str(), "no-such-article")));
    for (name, missing) in names {
        for path in ["/v1/articles/{}", "/v1/articles/{}?include=body_text", "/v1/articles/{}?view=live&fields=title"] {
            let found = ask(path, name);
            if is_killed {
                assert!(
                    found.0 == 410 && found.2.contains("This is gone.") && !found.2.contains("Open"),
                    "{path} {name}: {found:?}"
                );
            } else {
                assert_eq!(found, ask(path, missing), "{path} {name}");
            }
        }
        if name == id {
            let path = "/v1/articles?exclude={}";
            assert_eq!(ask(path, name), ask(path, missing), "{path} {name}");
        }
    }
}

/// The slugs under which an article was ever known.
fn slugs_of(app: &App, id: &str) -> Vec<String> {
    let view = app.admin().get(&format!("/v1/articles/{id}/revisions?limit=100")).expect(200).json();
    let numbers: Vec<i64> =
        view["data"].as_array().unwrap().iter().map(|revision| revision["number"].as_i64().unwrap()).collect();
    let mut slugs: Vec<String> = numbers
        .iter()
        .map(|number| {
            let revision = app.admin().get(&format!("/v1/articles/{id}/revisions/{number}")).expect(200).json();
            revision["slug"].as_str().unwrap().to_owned()
        })
        .collect();
    slugs.sort_unstable();
    slugs.dedup();
    slugs
}

/// Within the second of a change `Last-Modified` is the second before it, and moves on when that second is over; so all of it
/// is made to have happened long ago.
fn age(app: &App) {
    for column in [
        "changes SET at",
        "live_articles SET changed_at",
        "sections SET updated_at",
        "staff SET updated_at",
        "tags SET updated_at",
    ] {
        app.database.sql(&format!("UPDATE {column} = '2020-01-02 03:04:05.678'"));
    }
}

/// One newsroom. Returns how many answers were compared.
pub fn check(app: &App, seed: u64, n_hidden: usize, times: usize) -> usize {
    let mut dice = Dice(seed);
    let room = Newsroom::new(app, &mut dice);
    let addresses = addresses(app, &room, &mut dice, times);
    let reader = app.anonymous();
    age(app);
    crate::newswire::settle(app);
    let mut before = look(&reader, &addresses, true);
    let n_ok = before.values().filter(|shown| shown.0 == 200).count();
    assert!(n_ok > 40, "there is little to see: {n_ok} of {}", before.len());

    let mut hidden = Vec::new();
    let mut states = NEVER_SEEN.to_vec();
    for index in 0..n_hidden {
        if index % states.len() == 0 {
            dice.shuffle(&mut states);
        }
        let state = states[index % states.len()];
        hidden.extend(hide(app, &room, &mut dice, state).map(|article| (article, state)));
    }
    let what = format!("seed {seed:#x}");
    assert_same(&before, &look(&reader, &addresses, false), &[], &format!("{what}, never seen"));
    for (article, state) in &hidden {
        let slugs = if *state == "trash" { Vec::new() } else { slugs_of(app, article) };
        assert_unknown(&reader, article, &slugs, false);
    }

    // Of what readers saw once the change feed says that it is gone, and a snapshot where that goes on.
    before.retain(|address, _| !address.starts_with("/v1/changes") && !address.starts_with("/v1/snapshot"));
    let mut gone = Vec::new();
    for state in SEEN_ONCE {
        gone.push((take_away(app, &room, &mut dice, state), state));
    }
    assert_same(&before, &look(&reader, &addresses, false), &["last-modified"], &format!("{what}, seen once"));
    for (article, state) in &gone {
        let slugs = if state.ends_with("trash") { Vec::new() } else { slugs_of(app, article) };
        assert_unknown(&reader, article, &slugs, *state == "killed");
    }
    before.len()
}

both! {
    fn what_readers_do_not_see_changes_nothing_that_they_get(app) {
        check(app, 0x00c0_ffee, 8, 6);
    }
}
