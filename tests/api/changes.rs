//! The change log: what alters what readers see appends to it, in the same transaction, and names every answer that shows it.

mod life;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    delivery::keeping,
    support::{App, Backend, Response, both, dice::Dice, id},
};

/// A row of the log.
struct Row {
    kind: String,
    resource: String,
    id: String,
    keys: BTreeSet<String>,
}

/// The log, from where it was last read to.
struct Log<'a> {
    app: &'a App,
    n_read: usize,
}

impl<'a> Log<'a> {
    fn new(app: &'a App) -> Self {
        let mut log = Self { app, n_read: 0 };
        log.news();
        log
    }

    /// The rows that have come since the last time.
    fn news(&mut self) -> Vec<Row> {
        let id = match self.app.database.backend {
            Backend::Sqlite => "lower(hex(resource_id))",
            Backend::Postgres => "replace(CAST(resource_id AS TEXT), '-', '')",
        };
        let all = self.app.database.sql(&format!(
            "SELECT kind || ' ' || resource || ' ' || {id} || ' ' || keys AS line FROM changes ORDER BY id"
        ));
        let rows: Vec<Row> = all.lines().skip(self.n_read).map(row).collect();
        self.n_read += rows.len();
        rows
    }
}

fn row(line: &str) -> Row {
    let [kind, resource, id, keys] = line.splitn(4, ' ').collect::<Vec<_>>().try_into().expect("four columns");
    let keys: Vec<String> = serde_json::from_str(keys).expect("a list of keys");
    let set: BTreeSet<String> = keys.iter().cloned().collect();
    assert_eq!(set.len(), keys.len(), "a key stands twice: {line}");
    let id = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
    Row { kind: kind.to_owned(), resource: resource.to_owned(), id, keys: set }
}

/// Somebody who may do everything does it to the newest revision.
fn write(app: &App, method: &'static str, path: &str, body: &Value) -> Response {
    let client = app.admin();
    let mut request = client.request(method, path);
    let is_new = method == "POST" && path.split('/').count() == 3;
    if !is_new {
        request = request.header("if-match", "*");
    }
    if method == "DELETE" { request.send() } else { request.json(body).send() }
}

/// What readers get at an address.
#[derive(Clone)]
struct Shown {
    status: u16,
    bytes: Vec<u8>,
    keys: BTreeSet<String>,
    last_modified: Option<String>,
}

fn look(app: &App, addresses: &[String]) -> BTreeMap<String, Shown> {
    let reader = app.anonymous();
    let shown = |path: &String| {
        // Thousands of them: what they must look like is for other tests.
        let answer = reader.request("GET", path).send_unchecked();
        let keys = answer.header("surrogate-key").unwrap_or_default();
        let keys = keys.split(' ').filter(|key| !key.is_empty()).map(str::to_owned).collect();
        // Problems carry the id of the request; that they are problems is enough.
        let last_modified = answer.header("last-modified").map(str::to_owned);
        let bytes = if answer.status < 400 { answer.bytes } else { Vec::new() };
        (path.clone(), Shown { status: answer.status, bytes, keys, last_modified })
    };
    addresses.iter().map(shown).collect()
}

/// What there is, by id.
#[derive(Default)]
pub struct Newsroom {
    sections: Vec<String>,
    staff: Vec<String>,
    tags: Vec<String>,
    articles: Vec<String>,
    /// The article that was handed in last.
    submitted: String,
}

/// So few slugs that articles want each other's, and get back to their own.
const SLUGS: [&str; 4] = ["ferry", "harbor", "strike", "tunnel"];

impl Newsroom {
    pub fn new(app: &App) -> Self {
        let mut newsroom = Self::default();
        for kind in ["sections", "sections", "sections", "staff", "staff", "tags", "tags", "tags", "tags"] {
            newsroom.create(app, kind, &json!({ "name": format!("The {kind}") }));
        }
        newsroom.submitted = "none".to_owned();
        for slug in SLUGS {
            let first = (newsroom.sections[0].clone(), newsroom.tags[0].clone(), newsroom.staff[0].clone());
            newsroom.create(app, "articles", &json!({
                "title": slug, "section": first.0, "tags": [first.1], "authors": [{ "staff": first.2 }], "body_html": "<p>Text.</p>",
            }));
        }
        newsroom
    }

    fn create(&mut self, app: &App, kind: &str, input: &Value) -> Response {
        let answer = write(app, "POST", &format!("/v1/{kind}"), input).expect(201);
        self.ids(kind).push(id(&answer));
        answer
    }

    /// The ids of all articles.
    pub fn articles(&self) -> &[String] {
        &self.articles
    }

    fn ids(&mut self, kind: &str) -> &mut Vec<String> {
        match kind {
            "sections" => &mut self.sections,
            "staff" => &mut self.staff,
            "tags" => &mut self.tags,
            "articles" => &mut self.articles,
            other => panic!("there are no {other}"),
        }
    }

    /// Every kind of address that readers can ask for.
    fn addresses(&self) -> Vec<String> {
        let mut all: Vec<String> = [
            "articles",
            "articles?limit=2",
            "articles?sort=published_at",
            "articles?sort=-updated_at&limit=3",
            "articles?featured=true",
            "articles?featured=false",
            "articles?language=fa",
            "articles?fields=id,related",
            "articles?include=body_text",
            "sections",
            "sections?tree=true",
            "sections?limit=2",
            "staff",
            "staff?kind=person",
            "staff?limit=1",
            "tags",
            "tags?limit=1",
            "tags?prefix=the",
        ]
        .map(|rest| format!("/v1/{rest}"))
        .to_vec();
        all.extend(SLUGS.map(|slug| format!("/v1/articles/{slug}")));
        for (kind, filter, ids) in
            [("sections", "section", &self.sections), ("staff", "author", &self.staff), ("tags", "tag", &self.tags)]
        {
            all.extend(ids.iter().map(|id| format!("/v1/{kind}/{id}")));
            all.extend(ids.iter().map(|id| format!("/v1/articles?{filter}={id}")));
            all.extend(ids.iter().map(|id| format!("/feeds/{kind}/{id}.rss")));
        }
        let month = &frontpage::clock::Instant::now().to_string()[..7];
        all.extend(
            [
                "/feeds/articles.json?limit=2",
                "/v1/ninjs/articles",
                "/sitemaps/news.xml",
                "/v1/articles?include=json_ld",
            ]
            .map(str::to_owned),
        );
        all.extend([format!("/sitemaps/{month}.xml"), format!("/feeds/articles/{month}.atom?limit=2")]);
        all.extend(SLUGS.map(|slug| format!("/v1/ninjs/articles/{slug}")));
        for id in &self.articles {
            all.extend(
                ["articles/{}", "articles/{}?fields=related", "articles?exclude={}&limit=3"]
                    .map(|rest| format!("/v1/{}", rest.replace("{}", id))),
            );
        }
        all
    }
}

/// Makes one write, of whatever kind and to whatever; says what it was.
pub fn write_something(app: &App, newsroom: &mut Newsroom, dice: &mut Dice) -> (String, Response) {
    let kinds = ["sections", "staff", "tags", "articles"];
    let (action, method, path, body) = match dice.roll(20) {
        0..4 => ("publish", "POST", format!("/v1/articles/{}/publish", dice.one(&newsroom.articles)), json!({})),
        4..6 => ("withdraw", "POST", format!("/v1/articles/{}/withdraw", dice.one(&newsroom.articles)), json!({})),
        6 => {
            newsroom.submitted.clone_from(dice.one(&newsroom.articles));
            ("submit", "POST", format!("/v1/articles/{}/submit", newsroom.submitted), json!({}))
        }
        7 => ("return", "POST", format!("/v1/articles/{}/return", newsroom.submitted), json!({})),
        8..11 => (
            "change an article",
            "PATCH",
            format!("/v1/articles/{}", dice.one(&newsroom.articles)),
            article_patch(newsroom, dice),
        ),
        11 => (
            "change a section",
            "PATCH",
            format!("/v1/sections/{}", dice.one(&newsroom.sections)),
            section_patch(newsroom, dice),
        ),
        12 => ("change a profile", "PATCH", format!("/v1/staff/{}", dice.one(&newsroom.staff)), staff_patch(dice)),
        13 => ("change a tag", "PATCH", format!("/v1/tags/{}", dice.one(&newsroom.tags)), name_patch(dice)),
        14 => (
            "merge",
            "POST",
            format!("/v1/tags/{}/merge", dice.one(&newsroom.tags)),
            json!({ "into": dice.one(&newsroom.tags) }),
        ),
        kind @ 15..19 => {
            let kind = kinds[kind - 15];
            let path = format!("/v1/{kind}/{}", dice.one(newsroom.ids(kind)).clone());
            if dice.roll(2) == 0 {
                ("trash", "DELETE", path, json!({}))
            } else {
                ("restore", "POST", format!("{path}/restore"), json!({}))
            }
        }
        _ => {
            let kind = *dice.one(&kinds[..3]);
            let answer = newsroom.create(app, kind, &json!({ "name": format!("The {kind}") }));
            return (format!("create {kind}"), answer);
        }
    };
    let answer = write(app, method, &path, &body);
    (format!("{action}: {method} {path} {body}"), answer)
}

fn article_patch(newsroom: &Newsroom, dice: &mut Dice) -> Value {
    match dice.roll(8) {
        0 => json!({ "section": dice.one(&newsroom.sections) }),
        1 | 2 => json!({ "tags": dice.some(&newsroom.tags) }),
        3 => {
            json!({ "authors": dice.some(&newsroom.staff).iter().map(|id| json!({ "staff": id })).collect::<Vec<_>>() })
        }
        4 => json!({ "related": dice.some(&newsroom.articles) }),
        5 => json!({ "featured": dice.roll(2) == 0, "language": dice.one(&["en", "fa"]) }),
        6 => json!({ "slug": dice.one(&SLUGS) }),
        _ => {
            let link = match dice.roll(2) {
                0 => format!("<a data-article=\"{}\">there</a>", dice.one(&newsroom.articles)),
                _ => format!("page {}", dice.roll(9)),
            };
            json!({ "title": format!("Title {}", dice.roll(9)), "body_html": format!("<p>See {link}.</p>") })
        }
    }
}

fn section_patch(newsroom: &Newsroom, dice: &mut Dice) -> Value {
    match dice.roll(4) {
        0 => json!({ "parent": dice.one(&newsroom.sections) }),
        1 => json!({ "parent": null }),
        2 => json!({ "position": dice.roll(9) }),
        _ => name_patch(dice),
    }
}

fn staff_patch(dice: &mut Dice) -> Value {
    match dice.roll(4) {
        0 => json!({ "title": format!("Title {}", dice.roll(9)), "kind": dice.one(&["person", "organization"]) }),
        1 => json!({ "bio_html": format!("<p>Bio {}.</p>", dice.roll(9)), "contact_phone": "+44 20 7946 0000" }),
        2 => json!({ "name": format!("Name {}", dice.roll(9)) }),
        _ => json!({ "slug": format!("slug-{}", dice.roll(9)) }),
    }
}

fn name_patch(dice: &mut Dice) -> Value {
    match dice.roll(3) {
        0 => json!({ "name": format!("Name {}", dice.roll(9)) }),
        1 => json!({ "slug": format!("slug-{}", dice.roll(9)) }),
        _ => json!({ "description": format!("Description {}", dice.roll(9)) }),
    }
}

/// Fails unless the log names every answer that a cache may have kept and that is another one now, and is silent when
/// there is none.
#[track_caller]
fn assert_told(before: &BTreeMap<String, Shown>, after: &BTreeMap<String, Shown>, rows: &[Row], what: &str) {
    let told: BTreeSet<&String> = rows.iter().flat_map(|row| &row.keys).collect();
    let mut is_silent = true;
    for (path, old) in before {
        let new = &after[path];
        if (new.status, &new.bytes) == (old.status, &old.bytes) {
            continue;
        }
        is_silent = false;
        // Nobody keeps problems and redirects.
        let is_named = old.status != 200 || old.keys.iter().any(|key| told.contains(key));
        assert!(
            is_named,
            "{what}\n{path} went from {} to {}, is kept under {:?}, and the log names {told:?}",
            old.status, new.status, old.keys
        );
    }
    assert!(!is_silent || rows.is_empty(), "{what}\nnothing changed, and the log names {told:?}");
}

fn is_same(before: &BTreeMap<String, Shown>, after: &BTreeMap<String, Shown>) -> bool {
    before.iter().all(|(path, old)| (old.status, &old.bytes) == (after[path].status, &after[path].bytes))
}

/// Fails if a reader who has an old answer is told that there is no other.
#[track_caller]
fn assert_news(app: &App, before: &BTreeMap<String, Shown>, after: &BTreeMap<String, Shown>, what: &str) {
    for (path, old) in before {
        if let Some(date) = old.last_modified.as_deref().filter(|_| after[path].bytes != old.bytes) {
            let asked = app.anonymous().request("GET", path).header("if-modified-since", date).send().status;
            assert_ne!(asked, 304, "{what}\n{path} changed, and whoever has it of {date} is told that it did not");
        }
    }
}

/// Walks through a newsroom with so many writes, and checks after each what readers get and what the log says.
pub fn walk(app: &App, seed: u64, steps: usize) -> BTreeMap<String, usize> {
    // Writes go through a server that keeps answers; what is true is what the other one makes anew.
    let kept = keeping(app);
    let mut newsroom = Newsroom::new(&kept);
    let (mut dice, mut log) = (Dice(seed), Log::new(app));
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    let mut before = look(app, &newsroom.addresses());
    for step in 0..steps {
        look(&kept, &newsroom.addresses());
        let (what, answer) = write_something(&kept, &mut newsroom, &mut dice);
        let given_out = look(&kept, &newsroom.addresses());
        let after = look(app, &newsroom.addresses());
        let rows = log.news();

        let what = format!("seed {seed:#x}, step {step}: {what} -> {}", answer.status);
        assert!(is_same(&given_out, &after), "{what}: the server gave out an answer that was not true any more");
        assert_told(&before, &after, &rows, &what);
        assert_news(app, &before, &after, &what);
        if answer.status < 400 {
            *done.entry(what.split(": ").nth(1).unwrap().split(" ->").next().unwrap().to_owned()).or_default() += 1;
        } else {
            assert!(rows.is_empty(), "{what}: was refused, and the log names something");
        }
        before = after;
    }
    done
}

both! {
    fn whatever_a_write_changes_for_readers_is_named_in_the_log(app) {
        let done = walk(app, 0x5eed, 40);

        // The walk is worth something only when it gets to do what there is.
        let actions = ["publish", "withdraw", "change an article", "change a section", "change a profile", "change a tag", "merge", "trash", "restore"];
        for action in actions {
            assert!(done.contains_key(action), "{action} never happened: {done:?}");
        }
    }

    fn each_write_appends_what_it_changes_and_nothing_else(app) {
        let mut log = Log::new(app);
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (method, path, body, expected) in life::life() {
            let answer = write(app, method, path, &body);
            assert!(answer.status < 300, "{method} {path} {body}: {}", answer.text());
            if answer.status == 201 {
                let slug = answer.json()["slug"].as_str().map_or_else(|| "somebody".to_owned(), str::to_owned);
                names.insert(id(&answer), slug);
            }
            let named = |text: &str| names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name));
            let told: Vec<String> = log.news().iter().map(|row| {
                let keys: BTreeSet<String> = row.keys.iter().map(|key| named(key)).collect();
                format!("{} {} {}: {}", row.kind, row.resource, named(&row.id), Vec::from_iter(keys).join(" "))
            }).collect();
            assert_eq!(told, expected, "{method} {path} {body}");
        }
    }

    fn what_is_refused_and_what_is_replayed_appends_nothing(app) {
        let article = app.published("One", json!({ "tags": [app.tag("Ships")["id"]], "authors": [{ "staff": app.staff("Mina")["id"] }] }));
        let article = format!("/v1/articles/{}", id(&article));
        let mut log = Log::new(app);
        for (method, path, status) in [
            ("DELETE", "/v1/sections/world", 409), ("DELETE", "/v1/staff/mina", 409), ("DELETE", "/v1/tags/ships", 409), ("DELETE", &article, 409),
            ("PATCH", "/v1/sections/world", 422), ("PATCH", "/v1/staff/mina", 422), ("PATCH", "/v1/tags/ships", 422), ("POST", "/v1/sections/world/restore", 409),
        ] {
            write(app, method, path, &json!({ "name": null })).expect(if path.ends_with("restore") { 422 } else { status });
            app.editor().request(method, path).header("if-match", "\"r99\"").json(&json!({})).send();
            app.author().request(method, path).header("if-match", "*").json(&json!({})).send();
        }
        write(app, "POST", &format!("{article}/publish"), &json!({})).expect(409);
        assert!(log.news().is_empty());

        let withdraw = || app.editor().request("POST", &format!("{article}/withdraw")).header("if-match", "*").header("idempotency-key", "once").json(&json!({})).send().expect(200);
        withdraw();
        assert_eq!(log.news().len(), 1);
        withdraw();
        assert!(log.news().is_empty());
    }

    fn a_write_whose_change_cannot_be_kept_is_not_done(app) {
        let newsroom = Newsroom::new(app);
        let article = format!("/v1/articles/{}", newsroom.articles[0]);
        write(app, "POST", &format!("{article}/publish"), &json!({})).expect(200);
        write(app, "PATCH", &article, &json!({ "title": "Another", "tags": [] })).expect(200);
        let before = look(app, &newsroom.addresses());
        let refuse = match app.database.backend {
            Backend::Sqlite => "CREATE TRIGGER changes_refused BEFORE INSERT ON changes BEGIN SELECT RAISE(ABORT, 'refused'); END",
            Backend::Postgres => "ALTER TABLE changes ADD CONSTRAINT changes_refused CHECK (id < 0) NOT VALID",
        };
        app.database.sql(refuse);

        let [section, profile, tag, other] = [
            format!("/v1/sections/{}", newsroom.sections[0]), format!("/v1/staff/{}", newsroom.staff[0]), format!("/v1/tags/{}", newsroom.tags[0]), newsroom.tags[1].clone(),
        ];
        let unused = [format!("/v1/sections/{}", newsroom.sections[1]), format!("/v1/staff/{}", newsroom.staff[1])];
        let name = json!({ "name": "Another", "slug": "another" });
        for (method, path, body) in [
            ("POST", "/v1/sections".to_owned(), name.clone()), ("POST", "/v1/staff".to_owned(), name.clone()),
            ("PATCH", section.clone(), name.clone()), ("PATCH", section, json!({ "parent": newsroom.sections[2] })), ("PATCH", profile, name.clone()),
            ("PATCH", tag.clone(), name), ("POST", format!("{tag}/merge"), json!({ "into": other })), ("DELETE", unused[0].clone(), json!({})),
            ("DELETE", unused[1].clone(), json!({})), ("POST", format!("{article}/publish"), json!({})), ("POST", format!("{article}/withdraw"), json!({})),
            ("POST", format!("/v1/articles/{}/publish", newsroom.articles[1]), json!({})),
        ] {
            write(app, method, &path, &body).expect(500);
            assert!(is_same(&before, &look(app, &newsroom.addresses())), "{method} {path}: readers see half of it");
        }

        app.database.sql(if app.database.backend == Backend::Sqlite { "DROP TRIGGER changes_refused" } else { "ALTER TABLE changes DROP CONSTRAINT changes_refused" });
        write(app, "POST", &format!("{article}/publish"), &json!({})).expect(200);
    }
}
