//! `frontpage openapi`: the OpenAPI file that is made from the code, and whether the one that is checked in is the same.

use std::path::PathBuf;

use serde_json::Value;

use super::{
    outcome::{Failure, Outcome},
    report, say,
};
use crate::http::openapi;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Compare the file with the code; end with 1 and say where they differ unless they are equal.
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Write the file instead of printing it.
    #[arg(long)]
    write: bool,
    /// The file.
    #[arg(long, value_name = "PATH", default_value = "openapi/openapi.json")]
    file: PathBuf,
}

/// Differences beyond this many are only counted.
const SHOWN: usize = 20;

pub(super) fn run(args: &Args) -> Outcome {
    let document = openapi::json();
    if args.check {
        return check(args, document);
    }
    if !args.write {
        say(document.trim_end());
        return Ok(());
    }
    if let Some(folder) = args.file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(args, "cannot be written", &error))?;
    }
    std::fs::write(&args.file, document).map_err(|error| failed(args, "cannot be written", &error))?;
    say(&format!("wrote {}", args.file.display()));
    Ok(())
}

fn check(args: &Args, document: &str) -> Outcome {
    let text = std::fs::read_to_string(&args.file).map_err(|error| failed(args, "cannot be read", &error))?;
    if text == document {
        say(&format!("{} is up to date", args.file.display()));
        return Ok(());
    }
    let differences = match (serde_json::from_str(&text), serde_json::from_str(document)) {
        (Ok(file), Ok(code)) => differences(&file, &code),
        (Err(error), _) => vec![format!("the file is not JSON: {error}")],
        (_, Err(error)) => vec![format!("what the code makes is not JSON: {error}")],
    };
    for difference in differences.iter().take(SHOWN) {
        report(difference);
    }
    if differences.len() > SHOWN {
        report(&format!("… and {} more", differences.len() - SHOWN));
    }
    if differences.is_empty() {
        report("They say the same in another order or layout.");
    }
    Err(Failure::Failed(format!(
        "{} differs from what the code makes. Run `frontpage openapi --write` and look at the difference.",
        args.file.display()
    )))
}

fn failed(args: &Args, what: &str, error: &std::io::Error) -> Failure {
    Failure::Failed(format!(
        "{} {what}: {error}. Run this in the project's folder, or name it with --file.",
        args.file.display()
    ))
}

/// Returns where two documents differ, as JSON pointers with what happened there.
fn differences(file: &Value, code: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(file, code, "", &mut found);
    found
}

fn compare(file: &Value, code: &Value, at: &str, found: &mut Vec<String>) {
    match (file, code) {
        (Value::Object(file), Value::Object(code)) => {
            for (name, value) in file {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                match code.get(name) {
                    Some(other) => compare(value, other, &at, found),
                    None => found.push(format!("{at}: only in the file")),
                }
            }
            let new = code.keys().filter(|name| !file.contains_key(*name));
            found.extend(
                new.map(|name| format!("{at}/{}: missing in the file", name.replace('~', "~0").replace('/', "~1"))),
            );
        }
        (Value::Array(file), Value::Array(code)) if file.len() == code.len() => {
            for (position, (value, other)) in file.iter().zip(code).enumerate() {
                compare(value, other, &format!("{at}/{position}"), found);
            }
        }
        _ if file == code => {}
        _ => found.push(format!("{at}: {} in the file, {} in the code", shown(file), shown(code))),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn drift_is_named_by_pointer() {
        let file = json!({"paths": {"/v1/a": {"get": 1}, "/v1/b": {}}, "tags": [1, 2], "same": [{"x": null}]});
        let code = json!({"paths": {"/v1/a": {"get": 2}, "/v1/c": {}}, "tags": [1], "same": [{"x": null}]});

        assert_eq!(
            differences(&file, &code),
            [
                "/paths/~1v1~1a/get: 1 in the file, 2 in the code",
                "/paths/~1v1~1b: only in the file",
                "/paths/~1v1~1c: missing in the file",
                "/tags: [1,2] in the file, [1] in the code",
            ]
        );
    }
}
