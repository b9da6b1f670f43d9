//! The file of a model.

use std::path::Path;

use cotangent_physics::io::mjcf::{Folder, Mjcf, MjcfError, read_mjcf_with};

use super::super::keys::{FILE, File, Key, required};
use crate::diagnostic::{Diagnostic, Source};

/// Where it is.
pub(super) const MODEL_FILE: Key<File> =
    required("model.file", FILE, "MJCF file; its timestep is the step");

/// Makes a problem that has no place in the model's own text: code, message, remedy.
pub(super) type Elsewhere<'a> = &'a dyn Fn(&'static str, String, &'static str) -> Diagnostic;

/// Reads a model in MJCF, or says what is wrong with its file.
pub(super) fn read_file(path: &Path, elsewhere: Elsewhere<'_>) -> Result<Mjcf, Vec<Diagnostic>> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let message = format!("cannot read {}: {e}", path.display());
        let help = "an MJCF file is text in UTF-8";
        vec![elsewhere("cotangent::scenario::unreadable", message, help)]
    })?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    read_mjcf_with(&text, &mut Folder(folder)).map_err(|errors| {
        let source = Source { name: path.display().to_string(), text: text.as_str().into() };
        let (code, help) = ("cotangent::model::mjcf", "docs/physics.md lists what is read of MJCF");
        let diagnostic = |e: MjcfError| match &e.file {
            None => Diagnostic::at(code, e.problem.to_string(), &source, e.span, "here", help),
            // the text of an included file is not at hand
            Some(_) => elsewhere(code, e.to_string(), help),
        };
        errors.0.into_iter().map(diagnostic).collect()
    })
}
