//! `pictures`: scenes of meshes, lights and cameras.

mod cuts;
mod derivatives;
mod first;
mod keys;
mod pictures;

pub(super) use pictures::Pictures;

use super::document::Settings;
use crate::diagnostic::Diagnostic;

const CONTRADICTION: &str = "cotangent::scenario::contradiction";

/// Three numbers of a key, or what is wrong with them.
fn three(s: &Settings, path: &str, problems: &mut Vec<Diagnostic>) -> [f64; 3] {
    let found = s.numbers(path);
    if let Ok(three) = found.try_into() {
        return three;
    }
    let message = format!("`{path}` needs three numbers (found {})", found.len());
    problems.push(s.problem(CONTRADICTION, path, message, "write [x, y, z]"));
    [0.0; 3]
}
