//! A real nginx and a real Varnish in front, set up as the README says (S75, S76): what is for one is shown to nobody else,
//! what is an error is kept by nobody, and what has changed is dropped when they are told.

use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::json;

use super::{
    gate::{Gate, Mode},
    log_in,
};
use crate::support::{Backend, Client, Database, Response, id, postgres, program::Program, wait::until};

/// A cache that runs until the test forgets it.
struct Front {
    name: &'static str,
    base: String,
    child: Child,
    // Where it keeps what it needs.
    _folder: tempfile::TempDir,
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ignored = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ignored = self.child.wait();
    }
}

/// A program, or none and a line that says so.
fn installed(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    let found = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file());
    if found.is_none() {
        let is_required = std::env::var("FRONTPAGE_TEST_CACHES").is_ok_and(|value| value == "required");
        assert!(!is_required, "FRONTPAGE_TEST_CACHES=required, but {name} was not found");
        let _ = writeln!(
            std::io::stderr(),
            "\n*** SKIPPING WHAT HAPPENS BEHIND {name}: it was not found; apt-get install nginx varnish, or set \
             FRONTPAGE_TEST_CACHES=required to fail instead ***\n"
        );
    }
    found
}

/// A block of the README in some language that has some words.
fn sample(language: &str, words: &str) -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let blocks = readme.split("```").filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'));
    blocks
        .into_iter()
        .find(|block| block.contains(words))
        .unwrap_or_else(|| panic!("no {language} with {words}"))
        .to_owned()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn started(name: &'static str, mut command: Command, port: u16, folder: tempfile::TempDir) -> Front {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let addr = SocketAddr::from(([127, 0, 0, 1], port));
    until(&format!("{name} listens"), || TcpStream::connect(addr).is_ok());
    Front { name, base: format!("http://{addr}"), child, _folder: folder }
}

fn nginx(origin: &str) -> Option<Front> {
    let path = installed("nginx")?;
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let at = folder.path().display().to_string();
    let cache = sample("nginx", "proxy_cache_path");
    let (outside, inside) = cache.split_once("# In the location:").unwrap();
    let outside = outside.replace("/var/cache/nginx/frontpage", &format!("{at}/cache"));
    let proxy = sample("nginx", "proxy_pass");
    let location = &proxy[proxy.find("location").unwrap()..proxy.rfind('}').unwrap()];
    let location = location
        .replace("http://127.0.0.1:8080;", &format!("{origin};\n{inside}\nadd_header X-Cache $upstream_cache_status;"));
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {at}/{name};\n"))
        .concat();
    let config = format!(
        "daemon off; user root; pid {at}/pid; error_log {at}/error.log; events {{}}\nhttp {{ access_log off;\n{temporary}{outside}\n\
         server {{ listen 127.0.0.1:{port}; {location} }} }}\n"
    );
    fs::write(folder.path().join("nginx.conf"), config).unwrap();
    let mut command = Command::new(path);
    command.args(["-p", &at, "-c", "nginx.conf", "-e", "stderr"]);
    Some(started("nginx", command, port, folder))
}

fn varnish(origin: &str, port: u16) -> Option<Front> {
    let path = installed("varnishd")?;
    let folder = tempfile::tempdir().unwrap();
    let origin: SocketAddr = origin.trim_start_matches("http://").parse().unwrap();
    let config = sample("vcl", "sub vcl_recv").replace("\"8080\"", &format!("\"{}\"", origin.port()));
    let file = folder.path().join("news.vcl");
    fs::write(&file, config).unwrap();
    let mut command = Command::new(path);
    command.arg("-F").arg("-f").arg(file).args(["-a", &format!("127.0.0.1:{port}"), "-s", "malloc,32m", "-j", "none"]);
    command.arg("-n").arg(folder.path().join("work"));
    Some(started("varnish", command, port, folder))
}

/// Whether a cache answered by itself.
fn is_hit(answer: &Response) -> bool {
    answer.header("x-cache") == Some("HIT") || answer.header("x-varnish").is_some_and(|ids| ids.contains(' '))
}

/// Fails unless an answer may be kept by no shared cache.
#[track_caller]
fn assert_private(what: &str, answer: &Response) {
    let control = answer.header("cache-control").unwrap_or_default();
    assert_eq!(control, "private, no-store", "{what}");
}

/// What is behind the caches.
struct Origin {
    gate: Gate,
    program: Program,
    database: Database,
}

/// A server whose answers may be kept for a day by a cache that is told what to drop, and for seconds by another.
fn origin(purged: Option<u16>) -> Origin {
    let database = Database::with_logins(Backend::Postgres);
    let (gate, url) = Gate::before_database(&database.url, Mode::Passes);
    let purge = format!("http://127.0.0.1:{}/", purged.unwrap_or(1));
    let mut settings = vec![("DATABASE_URL", url.as_str()), ("FRONTPAGE_TRIES_PER_ACCOUNT", "3")];
    if purged.is_some() {
        settings.push(("FRONTPAGE_PURGE_URL", &purge));
        settings.push(("FRONTPAGE_PURGE_METHOD", "PURGE"));
        settings.push((
            "FRONTPAGE_CACHE_CONTROL_ARTICLE",
            "public, max-age=0, s-maxage=86400, stale-while-revalidate=60, stale-if-error=86400",
        ));
    }
    let program = database.serve(&settings);
    Origin { gate, program, database }
}

const CANARY: &str = "cnrDRAFT";

/// What was made for one front.
struct Story {
    draft: String,
    slug: String,
}

fn story(editor: &Client, name: &str) -> Story {
    drop(editor.post("/v1/sections", json!({ "name": "World", "slug": "world" })));
    let input =
        json!({ "title": format!("{CANARY} {name}"), "section": "world", "body_html": "<p>cnrDRAFT of the text.</p>" });
    let draft = editor.post("/v1/articles", input).expect(201);
    let slug = draft.json()["slug"].as_str().unwrap().to_owned();
    Story { draft: format!("/v1/articles/{}", id(&draft)), slug }
}

/// Everything that somebody with rights gets through a cache, and then anybody at the same address.
fn what_is_for_one_is_shown_to_nobody_else(front: &Front) -> usize {
    let anonymous = Client::new(&front.base, None);
    let editor = log_in(&front.base, "editor@newsroom.test");
    let admin = log_in(&front.base, "admin@newsroom.test");
    let story = story(&editor, front.name);
    let preview = editor.post(&format!("{}/previews", story.draft), json!({})).expect(201).json();
    let token = preview["token"].as_str().unwrap().to_owned();
    let previewed = format!("{}?preview={token}", story.draft);
    let revoked = format!("{}/previews/{}", story.draft, preview["id"].as_str().unwrap());
    let scopes =
        json!({ "name": "Harbor Wire", "scopes": ["articles:read", "feeds:read", "changes:read"], "text": "excerpt" });
    let key = admin.post("/v1/api-keys", scopes).expect(201).json()["key"].as_str().unwrap().to_owned();
    let partner = anonymous.with_token(&key);
    let mut n_asked = 0;

    for client in [&editor, &admin] {
        for path in [
            "/v1/articles?view=working",
            "/v1/auth/me",
            "/v1/auth/sessions",
            "/v1/webhooks",
            "/v1/articles?view=working&limit=5",
            &format!("{}?view=working", story.draft),
            &format!("{}/revisions", story.draft),
            "/v1/articles",
            "/v1/tags?view=working",
        ] {
            let answer = client.get(path).expect(200);
            assert_private(path, &answer);
            assert!(!is_hit(&client.get(path)), "{path} came from {}", front.name);
            let after = anonymous.get(path);
            assert!(
                !after.text().contains(CANARY) && !after.text().contains("editor@newsroom.test"),
                "{path}: {}",
                after.text()
            );
            assert!(after.status == 401 || path == "/v1/articles", "{path}: {}", after.status);
            n_asked += 1;
        }
    }
    let login = json!({ "email": "editor@newsroom.test", "password": crate::support::PASSWORD });
    let first = anonymous.post("/v1/auth/token", login.clone()).expect(200);
    assert_private("login", &first);
    assert_ne!(
        first.json()["access_token"],
        anonymous.post("/v1/auth/token", login).expect(200).json()["access_token"]
    );

    assert_private("preview", &anonymous.get(&previewed).expect(200));
    anonymous.get(&story.draft).expect(404);
    editor.delete(&revoked, "*").expect(204);
    anonymous.get(&previewed).expect(404);

    let verb = editor.verb(&format!("{}/publish", story.draft), "*").expect(200);
    assert_private("publish", &verb);
    let path = format!("/v1/articles/{}", story.slug);
    let keyed = partner.get(&path).expect(200);
    assert_private("keyed", &keyed);
    assert_eq!(keyed.json().get("body_html"), None);
    let public = anonymous.get(&path).expect(200);
    assert!(
        public.json()["body_html"].is_string()
            && public.header("cache-control").unwrap().starts_with("public, max-age=0")
    );
    assert_eq!(public.header("vary"), Some("Accept-Encoding"));
    assert!(public.header("etag").is_some());
    // Now a cache has what is public; whoever brings a key gets what is theirs.
    until(&format!("{} keeps it", front.name), || is_hit(&anonymous.get(&path)));
    assert_eq!(partner.get(&path).expect(200).json().get("body_html"), None);
    n_asked
}

/// Each kind of error, and then a request that is well at the same address.
fn errors_are_kept_by_nobody(front: &Front, origin: &Origin) {
    let anonymous = Client::new(&front.base, None);
    let (editor, admin) = (log_in(&front.base, "editor@newsroom.test"), log_in(&front.base, "admin@newsroom.test"));
    let story = story(&editor, &format!("{} errors", front.name));
    let path = format!("/v1/articles/{}", story.slug);
    let no_store =
        |answer: &Response| assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", answer.text());

    no_store(&anonymous.get(&path).expect(404));
    no_store(&anonymous.get("/v1/auth/me").expect(401));
    origin.gate.set(Mode::Refuses);
    let away = anonymous.get("/v1/articles?limit=7").expect(503);
    no_store(&away);
    origin.gate.set(Mode::Passes);
    until("the database is back", || anonymous.get("/readyz").status == 200);
    // Somebody has meddled with the database: a fault of the server's.
    origin.database.sql("ALTER TABLE live_articles RENAME TO meddled_with");
    no_store(&anonymous.get("/v1/articles?limit=11").expect(500));
    origin.database.sql("ALTER TABLE meddled_with RENAME TO live_articles");
    let key =
        admin.post("/v1/api-keys", json!({ "name": "Hasty", "scopes": ["articles:read"], "requests_per_day": 1 }));
    let partner = anonymous.with_token(key.expect(201).json()["key"].as_str().unwrap());
    partner.get("/v1/articles?limit=9").expect(200);
    no_store(&partner.get("/v1/articles?limit=9").expect(429));
    let wrong = json!({ "email": "colleague@newsroom.test", "password": "not at all the right one" });
    until("too many tries are refused", || {
        let answer = anonymous.post("/v1/auth/token", wrong.clone());
        no_store(&answer);
        answer.status == 429
    });

    editor.verb(&format!("{}/publish", story.draft), "*").expect(200);
    anonymous.get(&path).expect(200);
    editor.get("/v1/auth/me").expect(200);
    anonymous.get("/v1/articles?limit=7").expect(200);
    anonymous.get("/v1/articles?limit=11").expect(200);
    anonymous.get("/v1/articles?limit=9").expect(200);
    // What moved, and what was killed.
    editor.patch(&story.draft, "*", json!({ "slug": format!("{}-moved", story.slug) })).expect(200);
    editor.verb(&format!("{}/publish", story.draft), "*").expect(200);
    until("the old address leads on", || anonymous.get(&path).status == 301);
    let kill = json!({ "notice": "We may not tell." });
    admin.request("POST", &format!("{}/kill", story.draft)).header("if-match", "*").json(&kill).send().expect(200);
    until("it is gone", || anonymous.get(&story.draft).status == 410);
}

/// The longest list, whose headers name all that is in it.
fn the_longest_list_comes_through(front: &Front) {
    let (anonymous, editor) = (Client::new(&front.base, None), log_in(&front.base, "editor@newsroom.test"));
    for number in 0..100 {
        let story = story(&editor, &format!("{} {number}", front.name));
        editor.verb(&format!("{}/publish", story.draft), "*").expect(200);
    }
    until("a hundred articles come through", || {
        let list = anonymous.get("/v1/articles?limit=100").expect(200);
        list.header("surrogate-key").unwrap().len() > 4096 && list.json()["data"].as_array().unwrap().len() == 100
    });
}

/// What is changed is asked for again, although it may be kept for a day.
fn what_has_changed_is_dropped(front: &Front) -> u128 {
    let (anonymous, editor) = (Client::new(&front.base, None), log_in(&front.base, "editor@newsroom.test"));
    let [changed, other] = ["Changed", "Other"].map(|name| story(&editor, name));
    for story in [&changed, &other] {
        editor.verb(&format!("{}/publish", story.draft), "*").expect(200);
        until("it is kept", || is_hit(&anonymous.get(&story.draft)));
    }
    editor.patch(&changed.draft, "*", json!({ "kicker": "Corrected" })).expect(200);
    editor.verb(&format!("{}/publish", changed.draft), "*").expect(200);
    let started = std::time::Instant::now();
    until("readers get the new version", || anonymous.get(&changed.draft).json()["kicker"] == "Corrected");
    let waited = started.elapsed().as_millis();
    assert!(is_hit(&anonymous.get(&other.draft)), "what has not changed is kept");
    waited
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn behind_a_real_cache_nothing_leaks_no_error_stays_and_changes_show() {
    if postgres::cluster().is_err() {
        return;
    }
    let port = free_port();
    let origins = [origin(None), origin(Some(port))];
    let fronts = [nginx(&origins[0].program.base), varnish(&origins[1].program.base, port)];
    for (front, origin) in fronts.iter().zip(&origins) {
        let Some(front) = front else { continue };
        let n_asked = what_is_for_one_is_shown_to_nobody_else(front);
        println!("{}: {n_asked} answers to callers with rights, none of it for anybody after them", front.name);
        errors_are_kept_by_nobody(front, origin);
        println!("{}: 401, 404, 429, 500 and 503 are kept by nobody", front.name);
        the_longest_list_comes_through(front);
        println!("{}: a list of a hundred articles comes through", front.name);
    }
    if let [_, Some(varnish)] = &fronts {
        let waited = what_has_changed_is_dropped(varnish);
        println!("varnish: what changed was dropped after {waited} ms, what had not was kept");
    }
}
