//! `init`: a scenario to start from.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::schema::schema;
use super::{Failure, Voice, as_text};
use crate::exit::Exit;
use crate::run::whole_file::write_whole;
use cotangent_scenarios::diagnostic::{Diagnostic, nearest};
use cotangent_scenarios::{DOMAINS, Domain};

/// Writes the template of `kind` into `folder`; nothing is overwritten unasked.
pub(super) fn init(
    kind: &str,
    folder: Option<&Path>,
    force: bool,
    voice: Voice,
) -> Result<Exit, Failure> {
    let file = Path::new(kind);
    if file.extension().is_some() && DOMAINS.iter().all(|d| d.kind != kind) {
        return of_file(file, folder, force, voice);
    }
    let Some(domain) = DOMAINS.iter().find(|d| d.kind == kind) else {
        let kinds: Vec<_> = DOMAINS.iter().map(|d| d.kind).collect();
        let help = nearest(kind, kinds.iter().copied()).map_or_else(
            || format!("the kinds are: {}", kinds.join(", ")),
            |n| format!("did you mean `{n}`?"),
        );
        let message = format!("there is no kind `{kind}`");
        return Err(vec![Diagnostic::plain("cotangent::init::unknown_kind", message, help)].into());
    };
    let folder = folder.map_or_else(|| PathBuf::from(kind), Path::to_path_buf);
    let files = files(domain);
    let taken = files.iter().map(|(name, _)| folder.join(name)).find(|p| p.exists());
    if let (Some(path), false) = (taken, force) {
        let message = format!("{} exists already", path.display());
        let help = "name another folder, or overwrite with --force";
        return Err(vec![Diagnostic::plain("cotangent::init::exists", message, help)].into());
    }
    for (name, content) in &files {
        write_whole(&folder.join(name), content)?;
        voice.tell(&format!("wrote {}", folder.join(name).display()));
    }
    let scenario = folder.join(files[0].0);
    voice.tell(&format!("next: cotangent run {}", scenario.display()));
    if voice.json() {
        let paths: Vec<_> = files.iter().map(|(name, _)| as_text(&folder.join(name))).collect();
        voice.data("", &json!({ "scenario": as_text(&scenario), "files": paths }))?;
    }
    Ok(Exit::Done)
}

/// Writes a scenario for a user's own file: beside it, or into `folder`.
fn of_file(file: &Path, folder: Option<&Path>, force: bool, voice: Voice) -> Result<Exit, Failure> {
    let beside = file.parent().unwrap_or(Path::new(""));
    // named from another folder, the file needs its whole path
    let named = match folder {
        None => file.file_name().map(PathBuf::from).unwrap_or_default(),
        Some(_) => file.canonicalize().unwrap_or_else(|_| file.to_path_buf()),
    };
    let made = DOMAINS.iter().find_map(|d| d.scenario_for(file, &named.to_string_lossy()));
    let Some(text) = made.transpose()? else {
        let message = format!("nothing is known to do with {}", file.display());
        let help = "give a model (.xml), a mesh (.obj, .ply), a molecule (.xyz), data (.csv), or a kind of `cotangent list`";
        return Err(vec![Diagnostic::plain("cotangent::init::unknown_kind", message, help)].into());
    };
    let name = file.with_extension("toml");
    let name = name.file_name().map(PathBuf::from).unwrap_or_default();
    let path = folder.unwrap_or(beside).join(name);
    if path.exists() && !force {
        let message = format!("{} exists already", path.display());
        let help = "name another folder, or overwrite with --force";
        return Err(vec![Diagnostic::plain("cotangent::init::exists", message, help)].into());
    }
    write_whole(&path, text.as_bytes())?;
    voice.tell(&format!("wrote {}", path.display()));
    voice.tell(&format!(
        "next: read its first lines; cotangent list {0}; cotangent check {0}",
        path.display()
    ));
    if voice.json() {
        voice.data("", &json!({ "scenario": as_text(&path), "files": [as_text(&path)] }))?;
    }
    Ok(Exit::Done)
}

/// The template's files with their contents, the scenario first, and the schema that its first line names to editors.
fn files(domain: &Domain) -> Vec<(&'static str, Vec<u8>)> {
    let mut files: Vec<_> = domain.template.iter().map(|(n, bytes)| (*n, bytes.to_vec())).collect();
    let scenario = String::from_utf8_lossy(&files[0].1);
    files[0].1 = scenario.replacen("../docs/", "", 1).into_bytes();
    files.push(("scenario.schema.json", format!("{:#}\n", schema()).into_bytes()));
    files
}
