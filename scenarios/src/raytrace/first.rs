//! A first scenario for any mesh: it stands on a floor under a light, and its place and turn are found from a picture.

use std::path::Path;

use cotangent_raytrace::TriangleMesh;

use super::super::general::name_of;
use super::mesh_file::mesh_file;
use crate::diagnostic::Diagnostic;

/// The scenario of the mesh in `path`, which it calls `file`.
pub(super) fn scenario(path: &Path, file: &str) -> Result<String, Vec<Diagnostic>> {
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
    let beside = |x: f64, y: f64, z: f64| {
        let of = |k: usize, share: f64| rounded(centre[k] + share * radius, radius);
        format!("[{}, {}, {}]", of(0, x), of(1, y), of(2, z))
    };
    let length = |share: f64| rounded(share * radius, radius);
    let floor = rounded(bottom - 0.02 * radius, radius);
    format!(
        r#"# `cotangent list` prints every input and output of this file with its unit.
#
# The picture that is looked for is one of its own, to try with. Make it with the mesh elsewhere, and let the search find that:
#   cotangent simulate {name}.toml --set 'values."mesh.object.translation"=[{aside}, 0.0, {aside}]' --out {name}-picture
#   cotangent run {name}.toml
# Then name a photograph (.png, .exr) as target, put the camera where it was taken from, and free what is not known.

[scenario]
name = {name:?}
kind = "pictures"

[[mesh]]
label = "object"
file = {file:?}
albedo = [0.6, 0.6, 0.6]

[[mesh]]
label = "floor"
centre = [{x}, {floor}, {z}]
side_a = [0.0, 0.0, {wide}]
side_b = [{wide}, 0.0, 0.0]
albedo = [0.4, 0.4, 0.4]

[[mesh]]
label = "light"
centre = {light}
side_a = [{half}, 0.0, 0.0]
side_b = [0.0, 0.0, {half}]
radiance = [30.0, 30.0, 30.0]

[[camera]]
label = "front"
position = {camera}
target = {target}
fov = 40.0
width = 96
height = 72

[[parameter]]
name = "mesh.object.translation"
scale = {scale}                   # a change that matters

[[parameter]]
name = "mesh.object.rotation"

[[term]]
output = "camera.front.image"
target = "{name}-picture/camera.front.image.exr"

[[goal]]                          # where the picture above was made; leave it out for a photograph
parameter = "mesh.object.translation"
true = [{aside}, 0.0, {aside}]
within = {near}

[optimizer]
method = "gauss-newton"

[stop]
max_evaluations = 60
value_tolerance = 1e-3              # what noise leaves of the misfit
"#,
        aside = length(0.15),
        x = rounded(centre[0], radius),
        z = rounded(centre[2], radius),
        wide = length(4.0),
        light = beside(-1.2, 3.5, 1.5),
        half = length(0.5),
        camera = beside(1.0, 1.2, 3.2),
        target = beside(0.0, 0.0, 0.0),
        scale = length(0.2),
        near = length(0.02),
    )
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
