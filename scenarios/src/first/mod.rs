//! First scenarios for users' own files: what `init FILE` writes, to be changed by its reader.
//!
//! The text of each stands in a template beside, with `@name@` where something of the file goes.

pub(crate) mod equations;
pub(crate) mod molecules;
pub(crate) mod motion;
pub(crate) mod pictures;

use std::path::Path;

/// A template with each `@name@` replaced by its value.
fn filled(template: &str, values: &[(&str, String)]) -> String {
    let value = |name: &str| values.iter().find(|(known, _)| *known == name);
    let part = |(k, text): (usize, &str)| match value(text).filter(|_| k % 2 == 1) {
        Some((_, value)) => value.clone(),
        None => text.to_owned(),
    };
    template.split('@').enumerate().map(part).collect()
}

/// What the scenario of a user's file is called: as the file, without what a run's folder may not be called.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| if c.is_alphanumeric() || "-_".contains(c) { c } else { '-' };
    let name: String = stem.chars().map(plain).collect();
    // a folder's name does not begin with a sign
    let name = name.trim_start_matches(['-', '_']);
    if name.is_empty() { "study".into() } else { name.into() }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
