//! A first scenario for any mesh: it stands on a floor under a light, and its place and turn are found from a picture.

use std::path::Path;

use cotangent_raytrace::TriangleMesh;

use super::{filled, name_of, quoted};
use crate::diagnostic::Diagnostic;
use crate::raytrace::mesh_file;

/// The scenario of the mesh in `path`, which it calls `file`.
pub(crate) fn scenario(path: &Path, file: &str) -> Result<String, Vec<Diagnostic>> {
    let refuse = |why: String| {
        let (message, help) = (format!("{}: {why}", path.display()), "give an OBJ or PLY file");
        vec![Diagnostic::plain("cotangent::scenario::mesh", message, help)]
    };
    let mesh = mesh_file(path).map_err(refuse)?.merged();
    let (centre, least, radius) = extent(&mesh);
    if !(radius.is_finite() && radius > 0.0) {
        return Err(refuse("its vertices span nothing".into()));
    }
    Ok(text(&name_of(path), file, centre, (least[1], radius)))
}

/// The scenario of a mesh around `centre`, above the height `bottom`.
fn text(name: &str, file: &str, centre: [f64; 3], (bottom, radius): (f64, f64)) -> String {
    let length = |share: f64| rounded(share * radius, radius);
    let place = |k: usize, share: f64| rounded(centre[k] + share * radius, radius);
    let beside = |x, y, z| format!("[{}, {}, {}]", place(0, x), place(1, y), place(2, z));
    let values = [
        ("name", name.to_owned()),
        ("title", quoted(name)),
        ("file", quoted(file)),
        ("aside", length(0.15)),
        ("x", place(0, 0.0)),
        ("floor", rounded(bottom - 0.02 * radius, radius)),
        ("z", place(2, 0.0)),
        ("wide", length(4.0)),
        ("light", beside(-1.2, 3.5, 1.5)),
        ("half", length(0.5)),
        ("camera", beside(1.0, 1.2, 3.2)),
        ("target", beside(0.0, 0.0, 0.0)),
        ("scale", length(0.2)),
        ("near", length(0.02)),
    ];
    filled(include_str!("pictures.toml"), &values)
}

/// Centre, lowest corner and radius of the box around a mesh.
fn extent(mesh: &TriangleMesh) -> ([f64; 3], [f64; 3], f64) {
    let mut bounds = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
    for vertex in mesh.vertices() {
        for (axis, x) in vertex.0.iter().enumerate() {
            bounds[0][axis] = bounds[0][axis].min(*x);
            bounds[1][axis] = bounds[1][axis].max(*x);
        }
    }
    let [least, most] = bounds;
    let centre = std::array::from_fn(|k| f64::midpoint(least[k], most[k]));
    let half = |k: usize| 0.5 * (most[k] - least[k]);
    (centre, least, (0..3).map(|k| half(k).powi(2)).sum::<f64>().sqrt())
}

/// `x` to three digits of the size of the scene, as TOML writes it.
fn rounded(x: f64, size: f64) -> String {
    let unit = 10.0_f64.powf(size.log10().floor() - 2.0);
    let value = (x / unit).round() * unit;
    // what rounding leaves behind the last digit is not written
    let digits = (-unit.log10()).round().max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few digits")]
    let text = format!("{value:.*}", digits.min(300.0) as usize);
    text
}
