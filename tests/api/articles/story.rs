//! A day at the desk as an editor's tool has it: one article from the first draft to the end, each step seen by whoever
//! looks.

use serde_json::{Value, json};

use crate::support::{App, Client, Response, both, wait::until};

/// What everybody sees of a step.
struct Step<'a> {
    client: &'a Client,
    path: &'a str,
}

impl Step<'_> {
    fn verb(&self, verb: &str, etag: &str, input: &Value) -> Response {
        let path = format!("{}/{verb}", self.path);
        self.client.request("POST", &path).header("if-match", etag).json(input).send()
    }

    fn view(&self) -> Response {
        self.client.get(&format!("{}?view=working&include=body_html,body_blocks", self.path)).expect(200)
    }
}

/// The line that the newest revision has in the list: number, kind, state, summary, note, whose it is.
fn line(revision: &Value) -> String {
    let text = |name: &str| revision[name].as_str().unwrap_or("-").to_owned();
    let by = revision["created_by"]["name"].as_str().unwrap_or("-");
    let summary = text("summary");
    let summary = summary.split_once(" for 20").map_or(summary.clone(), |(what, _)| format!("{what} for TIME"));
    format!("{} {} {} | {summary} | {} | {by}", revision["number"], text("kind"), text("state"), text("note"))
}

/// Edits by two people that meet: the second is told, and then both survive.
fn write_together(author: &Step<'_>, editor: &Step<'_>, etag: &str) -> Response {
    let theirs = json!({ "standfirst": "After nine days.", "body_html": "<p>The first ships left at noon.</p><p>Nobody was hurt.</p>" });
    editor.client.patch(editor.path, etag, theirs).expect(200);
    let mine = json!({ "kicker": "Harbor", "body_html": "<p>The first ships left at dawn.</p><p>Nobody was hurt, the harbor master said.</p>" });

    let refused = author.client.patch(author.path, etag, mine.clone()).expect(412);
    let problem = refused.json();
    assert_eq!((refused.problem().as_str(), &problem["current_etag"]), ("precondition_failed", &json!("\"r2\"")));
    assert_eq!(problem["members"]["standfirst"], json!({ "base": null, "yours": null, "theirs": "After nine days." }));
    let merged = author
        .client
        .request("PATCH", author.path)
        .header("if-match", etag)
        .header("prefer", "merge")
        .json(&mine)
        .send()
        .expect(200);

    assert_eq!(merged.header("preference-applied"), Some("merge"));
    let view = merged.json();
    assert_eq!((&view["standfirst"], &view["kicker"]), (&json!("After nine days."), &json!("Harbor")));
    assert_eq!(
        view["body_html"],
        "<p>The first ships left at noon.</p>\n<p>Nobody was hurt, the harbor master said.</p>"
    );
    merged
}

/// Handed in, handed back with a note, changed, handed in again, found good.
fn review(author: &Step<'_>, editor: &Step<'_>, etag: &str) -> Response {
    let submitted = author.verb("submit", etag, &json!({})).expect(200);
    let returned = editor.verb("return", &submitted.etag(), &json!({ "note": "Who says so?" })).expect(200);
    assert_eq!((&returned.json()["state"], &returned.json()["review_note"]), (&json!("draft"), &json!("Who says so?")));
    assert_eq!(author.view().json()["review_note"], "Who says so?");
    author.verb("approve", &returned.etag(), &json!({})).expect(403);
    let edited = author.client.patch(author.path, &returned.etag(), json!({ "byline": "Our own report" })).expect(200);
    let submitted = author.verb("submit", &edited.etag(), &json!({})).expect(200);
    assert_eq!(submitted.json()["review_note"], Value::Null);
    editor.verb("approve", &submitted.etag(), &json!({})).expect(200)
}

/// Readers see it at its time; then the clock's revision says so.
fn appear(editor: &Step<'_>, etag: &str, reader: &Client) {
    let at = chrono::Utc::now() + chrono::TimeDelta::seconds(8);
    let scheduled = editor.verb("schedule", etag, &json!({ "publish_at": at.to_rfc3339() })).expect(200);
    assert_eq!(scheduled.json()["state"], "scheduled");
    let seen = std::cell::Cell::new(false);
    until("readers see it and that is recorded", || {
        let before = chrono::Utc::now();
        let status = reader.get(editor.path).status;
        assert!(
            if status == 200 { chrono::Utc::now() >= at } else { before <= at && !seen.get() },
            "{status} at {before}, due at {at}"
        );
        seen.set(status == 200);
        seen.get() && editor.view().json()["state"] == "published"
    });
}

/// Something was wrong: readers are told where.
fn correct(editor: &Step<'_>, reader: &Client) {
    let view = editor.view();
    let block = view.json()["body_blocks"][0]["id"].clone();
    let html = "<p>The first ships left at dawn.</p><p>Nobody was hurt, the harbor master said.</p>";
    let edited = editor.client.patch(editor.path, &view.etag(), json!({ "body_html": html })).expect(200);
    assert_eq!(edited.json()["has_unpublished_changes"], true);
    assert!(reader.get(editor.path).expect(200).text().contains("at noon"));
    let note = json!({ "note": "They left at dawn, not at noon.", "block_id": block });

    editor.verb("correct", &edited.etag(), &note).expect(200);

    let shown = reader.get(editor.path).expect(200).json();
    let correction = &shown["corrections"][0];
    assert_eq!(
        (&correction["note"], &correction["block_id"], &correction["at"]),
        (&note["note"], &block, &shown["updated_at"])
    );
    assert!(shown["body_html"].as_str().unwrap().contains("at dawn"));
    // The block that the note points at is still there under its id.
    let blocks = reader.get(&format!("{}?include=body_blocks", editor.path)).expect(200).json();
    assert_eq!(blocks["body_blocks"][0]["id"], block);
}

/// Every step stands in the list of revisions, under whoever took it.
fn assert_revisions(admin: &Client, path: &str) {
    let page = admin.get(&format!("{path}/revisions?limit=100")).expect(200).json();
    let mut lines: Vec<String> = page["data"].as_array().unwrap().iter().map(line).collect();
    lines.reverse();
    assert_eq!(
        lines,
        [
            "1 created draft | Created | - | author",
            "2 edited draft | Changed standfirst, body | - | editor",
            "3 merged draft | Changed kicker, body | - | author",
            "4 submitted in_review | Submitted for review | - | author",
            "5 returned draft | Returned to the author | Who says so? | editor",
            "6 edited draft | Changed byline | - | author",
            "7 submitted in_review | Submitted for review | - | author",
            "8 approved approved | Approved | - | editor",
            "9 scheduled scheduled | Scheduled for TIME | - | editor",
            "10 published published | Published on schedule | - | editor",
            "11 edited published | Changed body | - | editor",
            "12 corrected published | Published with a correction | They left at dawn, not at noon. | editor",
            "13 killed killed | Killed | The harbor master was misquoted. | admin",
        ]
    );
    let diff = admin.get(&format!("{path}/revisions/12/diff?against=9")).expect(200).json();
    assert!(diff.to_string().contains("dawn") && diff.to_string().contains("noon"), "{diff}");
}

/// And in the audit, with who, from where, and in which request.
fn assert_audit(app: &App, id: &str) {
    let page = app.admin().get(&format!("/v1/audit?resource=article&resource_id={id}&limit=100")).expect(200).json();
    let mut lines: Vec<String> = Vec::new();
    for entry in page["data"].as_array().unwrap() {
        let action = entry["action"].as_str().unwrap();
        lines.push(format!(
            "{action} {} {}",
            entry["user"]["name"].as_str().unwrap_or("-"),
            entry["details"]["revision"]
        ));
        let is_clock = entry["actor"] == "clock";
        assert_eq!((entry["address"].is_null(), entry["request_id"].is_null()), (is_clock, is_clock), "{entry}");
    }
    lines.reverse();
    assert_eq!(
        lines,
        [
            "article.created author 1",
            "article.edited editor 2",
            "article.merged author 3",
            "article.submitted author 4",
            "article.returned editor 5",
            "article.edited author 6",
            "article.submitted author 7",
            "article.approved editor 8",
            "article.scheduled editor 9",
            "article.published - 10",
            "article.edited editor 11",
            "article.corrected editor 12",
            "article.killed admin 13",
        ]
    );
}

both! {
    fn an_article_goes_through_the_desk_and_every_step_can_be_seen(app) {
        // Another server on the database looks at the clock.
        let _clock = App::start_on(app.database.clone(), &[("FRONTPAGE_SCHEDULE_SECONDS", "1")]);
        app.section("World");
        let (author, editor, admin, reader) = (app.author(), app.editor(), app.admin(), app.anonymous());
        let html = "<p>The first ships left at dawn.</p><p>Nobody was hurt.</p><script>track()</script>";
        let created = author.post("/v1/articles", json!({ "title": "Harbor reopens", "section": "world", "body_html": html })).expect(201);
        let id = created.json()["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/articles/{id}");
        assert_eq!(created.json()["warnings"].as_array().map(Vec::len), Some(1), "the tool is told what was dropped");
        let (author, editor) = (Step { client: &author, path: &path }, Step { client: &editor, path: &path });

        let merged = write_together(&author, &editor, &created.etag());
        reader.get(&path).expect(404);
        let approved = review(&author, &editor, &merged.etag());
        let ready = editor.client.get(&format!("{path}/preflight")).expect(200).json();
        assert_eq!((&ready["is_ready"], &ready["findings"]), (&json!(true), &json!([])));
        appear(&editor, &approved.etag(), &reader);
        correct(&editor, &reader);
        editor.verb("kill", "*", &json!({ "notice": "No." })).expect(403);
        Step { client: &admin, path: &path }.verb("kill", "*", &json!({ "notice": "The harbor master was misquoted." })).expect(200);

        let gone = reader.get(&path).expect(410);
        assert_eq!(gone.json()["notice"], "The harbor master was misquoted.");
        assert_eq!(reader.get("/v1/articles").expect(200).json()["data"], json!([]));
        assert_revisions(&admin, &path);
        assert_audit(app, &id);
    }
}
