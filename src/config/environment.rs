//! The environment that the settings come from: `.env` is loaded into it, and what nobody would read is refused.

use std::{collections::HashSet, path::Path};

use super::{
    fault::{ConfigFault, ConfigFaults},
    variables,
};

/// Loads `.env` from the working directory and checks the names of the variables.
///
/// What the environment has already wins over the file. To be called before other threads start.
pub fn prepare() -> ConfigFaults {
    let mut faults = ConfigFaults::new();
    load(Path::new(".env"), &mut faults);
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    check_names(names, &mut faults);
    faults
}

/// Notes the variables that have this program's prefix and are no settings: misspelled ones would be ignored in silence.
pub(super) fn check_names(names: impl Iterator<Item = String>, faults: &mut ConfigFaults) {
    let known = variables();
    let mut unknown: Vec<String> = names
        .filter(|name| name.starts_with("FRONTPAGE_") && !name.starts_with("FRONTPAGE_TEST_"))
        .filter(|name| !known.iter().any(|variable| variable.name == *name))
        .collect();
    unknown.sort();
    unknown.iter().for_each(|name| faults.add(ConfigFault::unknown(name)));
}

fn load(path: &Path, faults: &mut ConfigFaults) {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            faults.add(ConfigFault::of(path.display().to_string(), format!("cannot be read: {error}")));
            return;
        }
    };
    let found = check_file(path, &bytes);
    if !found.is_empty() {
        found.iter().for_each(|fault| faults.add(fault.clone()));
    } else if let Err(error) = dotenvy::from_read(bytes.as_slice()) {
        faults.add(ConfigFault::of(path.display().to_string(), format!("cannot be loaded: {error}")));
    }
}

/// Returns what is wrong with a file of variables, by line; the lines themselves may hold secrets and are not shown.
pub(super) fn check_file(path: &Path, bytes: &[u8]) -> ConfigFaults {
    let mut faults = ConfigFaults::new();
    let mut add = |line: Option<usize>, problem: &str| {
        let place = line.map(|line| format!(", line {line}")).unwrap_or_default();
        faults.add(ConfigFault::of(format!("{}{place}", path.display()), problem));
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        add(None, "is not UTF-8");
        return faults;
    };
    let text = text.trim_start_matches('\u{feff}');
    let mut seen = HashSet::new();
    for item in dotenvy::from_read_iter(text.as_bytes()) {
        match item {
            Ok((name, value)) if value.contains('\0') => add(line_of(text, &name), "has a NUL character"),
            Ok((name, _)) if !seen.insert(name.clone()) => {
                add(None, &format!("gives {name} more than once; keep one of them"));
            }
            Ok(_) => {}
            Err(dotenvy::Error::LineParse(line, _)) => {
                let problem = "is not of the form NAME=value; put a value that has spaces, $ or # into single quotes";
                add(line_of(text, &line), problem);
            }
            Err(error) => add(None, &format!("cannot be read: {error}")),
        }
    }
    faults
}

/// The loader names the line, or only the value in it, by its text.
fn line_of(text: &str, wanted: &str) -> Option<usize> {
    let wanted = wanted.lines().next().map(str::trim).filter(|wanted| !wanted.is_empty())?;
    let is_it = |line: &str| !line.trim_start().starts_with('#') && line.contains(wanted);
    text.lines().position(is_it).map(|position| position + 1)
}
