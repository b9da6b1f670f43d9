//! `compare`: runs side by side.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::redraw::comparison;
use super::{Failure, Voice, as_text};
use crate::exit::Exit;
use crate::run::whole_file::write_whole;
use cotangent_scenarios::diagnostic::Diagnostic;

/// Writes a page, a table and a picture of several runs, and prints the table.
pub(super) fn compare(
    runs: &[PathBuf],
    out: &Path,
    force: bool,
    voice: Voice,
) -> Result<Exit, Failure> {
    let comparison = comparison(runs)?;
    let files = [
        ("comparison.html", comparison.page()),
        ("comparison.csv", comparison.csv()),
        ("comparison.svg", comparison.picture()),
    ];
    let paths = files.each_ref().map(|(name, _)| out.join(name));
    if let Some(path) = paths.iter().find(|path| path.exists() && !force) {
        let message = format!("{} exists already", path.display());
        let help = "name a folder with --out, or overwrite it with --force";
        return Err(vec![Diagnostic::plain("cotangent::compare::exists", message, help)].into());
    }
    for (path, (_, text)) in paths.iter().zip(&files) {
        write_whole(path, text.as_bytes())?;
    }
    if !comparison.is_of_one_scenario() {
        voice.tell("these are runs of several scenarios: their objectives are not of one kind");
    }
    let mut data = comparison.json();
    data["files"] = json!(paths.each_ref().map(|path| as_text(path)));
    voice.data(&comparison.text(), &data)?;
    voice.tell(&format!("{} has it all", paths[0].display()));
    Ok(Exit::Done)
}
