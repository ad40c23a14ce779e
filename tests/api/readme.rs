//! The README's tour, pasted into a shell as a newcomer does.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{Backend, Database, program};

/// The blocks of a language in a part of the README.
fn blocks(part: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let part = text.split(&format!("\n## {part}\n")).nth(1).and_then(|rest| rest.split("\n## ").next()).expect(part);
    let fence = format!("```{language}\n");
    part.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn the_tour_works_when_it_is_pasted() {
    if let Some(missing) = ["bash", "curl", "python3"].into_iter().find(|program| !has(program)) {
        let _ = writeln!(std::io::stderr(), "\n*** SKIPPING THE README'S TOUR: {missing} is not on this machine ***\n");
        return;
    }
    let database = Database::empty(Backend::Sqlite);
    let mut serve = program::command(database.directory(), &["serve", "--demo", "--listen", "127.0.0.1:0"]);
    serve.env("DATABASE_URL", &database.url).env("FRONTPAGE_DRAIN_SECONDS", "0").stderr(Stdio::null());
    let server = program::Program::start(serve);
    let parts = ["A five-minute tour", "A day at the desk", "A page of a news site", "For partners"];
    let tour = parts.map(|part| blocks(part, "bash")).concat();
    // A mark after each block tells what it said.
    let script = tour.join("\nprintf '\\f'\n").replace("http://127.0.0.1:8080", &server.base);
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &script]).current_dir(database.directory());

    let said = program::run(&mut shell, "");

    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    let said: Vec<&str> = said.out.split('\u{c}').map(str::trim).collect();
    let [
        _,
        posted,
        unseen,
        submitted,
        published,
        read,
        recent,
        changed,
        scheduled,
        now,
        corrected,
        killed,
        _,
        made,
        items,
        news,
    ] = said.as_slice()
    else {
        panic!("the tour has {} blocks; say here what each answers", said.len());
    };
    assert!(posted.starts_with("/v1/articles/"), "{posted}");
    assert!(unseen.contains("\"status\": 404"), "{unseen}");
    assert!(submitted.contains("\"r1\"") && submitted.contains("\"state\": \"in_review\""), "{submitted}");
    assert!(published.contains("\"state\": \"published\""), "{published}");
    assert_eq!(read.matches("\"title\": \"Harbor reopens after the storm\"").count(), 2, "{read}");
    let recent: Value = serde_json::from_str(recent).expect(recent);
    assert_eq!(recent["data"].as_array().map(Vec::len), Some(6), "{recent}");
    let (patched, refused) = changed.split_once("\n{").expect(changed);
    assert!(
        patched.contains("Harbor opens again") && patched.contains("\"has_unpublished_changes\": true"),
        "{patched}"
    );
    let refused: Value = serde_json::from_str(&format!("{{{refused}")).expect(changed);
    let mut promised: Value = serde_json::from_str(&blocks("A five-minute tour", "json")[0]).unwrap();
    promised["instance"] = refused["instance"].clone();
    assert_eq!(refused, promised, "the last answer of the tour");
    assert!(scheduled.contains("\"is_ready\": true"), "{scheduled}");
    assert!(
        scheduled.contains("\"state\": \"scheduled\"") && scheduled.contains("2099-01-01T06:00:00.000Z"),
        "{scheduled}"
    );
    assert!(now.contains("\"state\": \"published\""), "{now}");
    assert!(corrected.contains("Fourteen rooms") && corrected.contains("14 rooms, not 40"), "{corrected}");
    assert!(killed.contains("\"status\": 410") && killed.contains("withdrawn its announcement"), "{killed}");
    assert_eq!((*made, *items), ("", "3"));
    let news: Value = serde_json::from_str(news).expect(news);
    assert_eq!((&news["data"], news["page"]["next"].is_string()), (&serde_json::json!([]), true), "{news}");
    for (file, pointer) in [("article.json", "/authors/0/bio_html"), ("recent.json", "/data/5/url")] {
        let text = std::fs::read_to_string(database.directory().join(file)).unwrap();
        let json: Value = serde_json::from_str(&text).expect(&text);
        assert!(json.pointer(pointer).is_some_and(Value::is_string), "{file}: {json}");
    }
}

/// Asks a receiver of the README whether it believes a message, one that was altered, and one that is old.
fn believes(interpreter: &str, option: &str, script: &str) -> Option<String> {
    has(interpreter).then(|| {
        let mut command = Command::new(interpreter);
        let said = program::run(command.args([option, script]), "");
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{script}");
        said.out.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
    })
}

#[test]
fn the_receivers_of_webhooks_believe_what_is_signed_and_nothing_else() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let secret = frontpage::webhooks::sign::Secret::from_bytes(b"an old tide table of the harbor".to_vec());
    let (now, text) = (frontpage::clock::Instant::now().seconds(), r#"{"type":"article.killed"}"#);
    let ask = |seconds: i64, body: &str| {
        let signature = format!("v1,{} {}", STANDARD.encode("another"), secret.sign("msg_1", seconds, text));
        let headers =
            format!("{{'webhook-id': 'msg_1', 'webhook-timestamp': '{seconds}', 'webhook-signature': '{signature}'}}");
        (secret.expose(), headers, body.to_owned())
    };
    let asked = [ask(now, text), ask(now, "{}"), ask(now - 3600, text)];
    let python: Vec<String> = asked
        .iter()
        .map(|(secret, headers, body)| format!("print(verify('{secret}', {headers}, b'{body}'))"))
        .collect();
    let javascript: Vec<String> = asked
        .iter()
        .map(|(secret, headers, body)| format!("console.log(verify('{secret}', {headers}, '{body}'))"))
        .collect();
    let script =
        |language: &str, lines: &[String]| format!("{}\n{}", blocks("For partners", language)[0], lines.join("\n"));

    let answers = [
        believes("python3", "-c", &script("python", &python)),
        believes("node", "-e", &script("javascript", &javascript)),
    ];

    assert!(answers.iter().flatten().all(|answer| answer == "true false false"), "{answers:?}");
}
