//! The boundary derivative: discontinuities move with the parameters, and their motion is an integral over edges
//! (Li, Aittala, Durand & Lehtinen, ACM TOG 37(6), 2018, eq. 8).

mod border;
mod cone;
mod hierarchy;
mod lamp;
mod mirror;
mod primary;
mod seen;
mod shadow;
mod sphere;
mod trees;

pub(crate) use border::Borders;
pub(crate) use lamp::LampBorders;
pub(crate) use mirror::Mirrors;
pub use mirror::follows;
pub(crate) use primary::{PrimaryEdges, Probe};
pub(crate) use trees::EdgeTrees;

use crate::geometry::{V3, barycentric, unit};
use crate::scene::{Edge, Wanted, World};
use crate::sink::{Place, Sink};

/// Cuts a range of fractions to where a linear function with values `a` at 0 and `b` at 1 is not negative; whether
/// anything is left.
#[inline]
fn clip(range: &mut [f64; 2], a: f64, b: f64) -> bool {
    if a < 0.0 && b < 0.0 {
        return false;
    }
    if a < 0.0 {
        range[0] = range[0].max(a / (a - b));
    } else if b < 0.0 {
        range[1] = range[1].min(a / (a - b));
    }
    range[0] < range[1]
}

/// Whether a mesh of the edge moves.
fn moves(world: &World, wanted: &Wanted, edge: &Edge) -> bool {
    let moving = |mesh: u32| wanted.moving[mesh as usize];
    match edge.cut {
        Some(faces) => faces.into_iter().any(|f| moving(world.faces[f as usize].mesh)),
        None => world.edges().copies(edge).iter().any(|c| moving(c.mesh)),
    }
}

/// Hands on the cotangent of the point at fraction `s` of an edge: it moves by the mean of its copies' motions, or with the planes
/// of two faces that cut through each other.
fn edge_pullback(
    world: &World,
    wanted: &Wanted,
    edge: &Edge,
    s: f64,
    bar: V3,
    place: Place,
    sink: &mut impl Sink,
) {
    if let Some(faces) = edge.cut {
        let [a, b] = edge.points;
        return cut_pullback(world, wanted, faces, a + (b - a) * s, bar, place, sink);
    }
    let copies = world.edges().copies(edge);
    let share = bar * (copies.len() as f64).recip();
    for copy in copies.iter().filter(|c| wanted.moving[c.mesh as usize]) {
        let at = copy.part[0] + s * (copy.part[1] - copy.part[0]);
        sink.point(place, copy.ends[0], share * (1.0 - at));
        sink.point(place, copy.ends[1], share * at);
    }
}

/// Hands on the cotangent of a point `q` on the line in which the planes of two faces with normals `n_0`, `n_1` meet.
///
/// The point stays on both planes, `n_i . dq = n_i . df_i`, with `df_i` the motion of face `i` at `q`; along the line its motion moves
/// no border and is taken as 0. So `dq = sum a_i n_i . df_i`, `a_0 = n_1 x t / (n_1 x t . n_0)` and likewise `a_1`, `t = n_0 x n_1`.
fn cut_pullback(
    world: &World,
    wanted: &Wanted,
    faces: [u32; 2],
    q: V3,
    bar: V3,
    place: Place,
    sink: &mut impl Sink,
) {
    let faces = faces.map(|f| (f, &world.faces[f as usize]));
    let n = faces.map(|(_, f)| unit(f.normal));
    let t = n[0].cross(n[1]);
    for (i, (number, face)) in faces.into_iter().enumerate() {
        if !wanted.moving[face.mesh as usize] {
            continue;
        }
        let across = n[1 - i].cross(t);
        let along = n[i] * (across.dot(bar) / across.dot(n[i]));
        let b = barycentric(world.corners(number), q);
        for k in 0..3 {
            sink.point(place, face.corners[k], along * b[k]);
        }
    }
}
