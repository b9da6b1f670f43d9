//! VTK's XML files: bodies as `PolyData`, a file for each moment with a collection of them, outputs along an axis as
//! `RectilinearGrid`, and numbers all over space as `ImageData`. Numbers are text, so that every bit of them is there.

use std::fmt::Write as _;

use cotangent_ad::Vec3;
use cotangent_answer::{Look, Volume};
use cotangent_problem::Axis;

use super::{Outputs, file_name, moments};
use crate::plot::escape;

/// Moments of a motion at most.
const MOMENTS: usize = 121;

/// The bodies of a look: `NAME.vtp`, or `NAME.pvd` with a file for each moment in `NAME/`.
pub(super) fn bodies(look: &Look) -> Vec<(String, Vec<u8>)> {
    if let [_] = look.times[..] {
        return vec![(format!("{}.vtp", look.name), poly_data(look, 0))];
    }
    let mut files = Vec::new();
    let mut sets = String::new();
    for (number, moment) in moments(look, MOMENTS).into_iter().enumerate() {
        let name = format!("{}/{number:04}.vtp", look.name);
        let time = look.times[moment];
        let _ = writeln!(sets, "    <DataSet timestep=\"{time}\" file=\"{name}\"/>");
        files.push((name, poly_data(look, moment)));
    }
    let collection = file("Collection", &format!("  <Collection>\n{sets}  </Collection>\n"));
    files.push((format!("{}.pvd", look.name), collection));
    files
}

fn file(kind: &str, content: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\"?>\n<VTKFile type=\"{kind}\" version=\"1.0\" byte_order=\"LittleEndian\">\n{content}</VTKFile>\n"
    )
    .into_bytes()
}

fn array(
    name: &str,
    kind: &str,
    components: usize,
    values: impl Iterator<Item = String>,
) -> String {
    let values: Vec<String> = values.collect();
    format!(
        "<DataArray type=\"{kind}\" Name=\"{}\" NumberOfComponents=\"{components}\" format=\"ascii\">{}</DataArray>\n",
        escape(name),
        values.join(" ")
    )
}

/// All bodies at a moment; each triangle has its body's number and colour.
fn poly_data(look: &Look, moment: usize) -> Vec<u8> {
    let (mut points, mut faces, mut number, mut colours) = (vec![], vec![], vec![], vec![]);
    for (k, body) in look.bodies.iter().enumerate() {
        let first = points.len() / 3;
        let pose = &body.poses[moment];
        points.extend(body.corners.iter().flat_map(|c| pose.point(Vec3(*c)).0));
        for face in &body.faces {
            faces.extend(face.map(|corner| first + corner as usize));
            number.push(k);
            colours.extend(body.colour);
        }
    }
    let triangles = faces.len() / 3;
    let float = |v: &Vec<f64>| v.iter().map(f64::to_string).collect::<Vec<_>>().into_iter();
    let whole = |v: &[usize]| v.iter().map(usize::to_string).collect::<Vec<_>>().into_iter();
    let ends: Vec<usize> = (1..=triangles).map(|k| 3 * k).collect();
    let content = format!(
        "  <PolyData><Piece NumberOfPoints=\"{}\" NumberOfVerts=\"0\" NumberOfLines=\"0\" NumberOfStrips=\"0\" NumberOfPolys=\"{triangles}\">\n\
         <CellData>\n{}{}</CellData>\n<Points>\n{}</Points>\n<Polys>\n{}{}</Polys>\n  </Piece></PolyData>\n",
        points.len() / 3,
        array("body", "Int64", 1, whole(&number)),
        array("colour", "Float64", 3, float(&colours)),
        array("points", "Float64", 3, float(&points)),
        array("connectivity", "Int64", 1, whole(&faces)),
        array("offsets", "Int64", 1, whole(&ends)),
    );
    file("PolyData", &content)
}

/// The outputs along each axis as a grid of one dimension, with an array of each output.
pub(super) fn grids(outputs: &Outputs) -> Vec<(String, Vec<u8>)> {
    let mut grids: Vec<(&Axis, String)> = Vec::new();
    for (quantity, entries) in outputs.each() {
        let Some(axis) = quantity.axis.as_deref() else { continue };
        let known = grids.iter().position(|(a, _)| a.name == axis.name && a.values == axis.values);
        let k = known.unwrap_or_else(|| {
            grids.push((axis, String::new()));
            grids.len() - 1
        });
        let values = entries.iter().map(f64::to_string);
        let name = match quantity.unit.as_str() {
            "" => quantity.name.clone(),
            unit => format!("{} ({unit})", quantity.name),
        };
        grids[k].1.push_str(&array(&name, "Float64", quantity.row_len(), values));
    }
    let grid = |(k, (axis, arrays)): (usize, &(&Axis, String))| {
        let extent = format!("0 {} 0 0 0 0", axis.values.len() - 1);
        let along = format!("{} ({})", axis.name, axis.unit);
        let coordinates = array(&along, "Float64", 1, axis.values.iter().map(f64::to_string));
        let zero = |name: &str| array(name, "Float64", 1, std::iter::once("0".to_owned()));
        let content = format!(
            "  <RectilinearGrid WholeExtent=\"{extent}\"><Piece Extent=\"{extent}\">\n<PointData>\n{arrays}</PointData>\n\
             <Coordinates>\n{coordinates}{}{}</Coordinates>\n  </Piece></RectilinearGrid>\n",
            zero("y"),
            zero("z"),
        );
        let name = format!("along-{}-{}.vtr", k + 1, file_name(&axis.name));
        (name, file("RectilinearGrid", &content))
    };
    grids.iter().enumerate().map(grid).collect()
}

/// The numbers of a lattice, an array of each field: `NAME.vti`.
pub(super) fn volume(volume: &Volume) -> (String, Vec<u8>) {
    let [nx, ny, nz] = volume.counts;
    let arrays: String = volume
        .fields
        .iter()
        .map(|field| {
            // here x is fastest
            let at = (0..nz).flat_map(|z| (0..ny).map(move |y| (y, z)));
            let at = at.flat_map(|(y, z)| (0..nx).map(move |x| (x * ny + y) * nz + z));
            let name = format!("{} ({})", field.name, field.unit);
            array(&name, "Float64", 1, at.map(|k| field.values[k].to_string()))
        })
        .collect();
    let extent = format!("0 {} 0 {} 0 {}", nx - 1, ny - 1, nz - 1);
    let ([x, y, z], step) = (volume.origin, volume.spacing);
    let content = format!(
        "  <ImageData WholeExtent=\"{extent}\" Origin=\"{x} {y} {z}\" Spacing=\"{step} {step} {step}\"><Piece Extent=\"{extent}\">\n\
         <PointData>\n{arrays}</PointData>\n  </Piece></ImageData>\n"
    );
    (format!("{}.vti", volume.name), file("ImageData", &content))
}
