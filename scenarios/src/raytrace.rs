//! `pictures`: scenes of meshes, lights and cameras.

mod derivatives;
mod keys;
mod pictures;

pub(super) use pictures::Pictures;

use cotangent_raytrace::TriangleMesh;

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

/// A quad with a centre and half sides `a` and `b`.
fn quad(c: [f64; 3], a: [f64; 3], b: [f64; 3]) -> Result<TriangleMesh, String> {
    let corner = |u: f64, v: f64| [0, 1, 2].map(|k| c[k] + u * a[k] + v * b[k]);
    let corners = [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
    TriangleMesh::new(&corners, &[[0, 1, 2], [0, 2, 3]]).map_err(|e| e.to_string())
}
