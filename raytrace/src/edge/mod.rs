//! The boundary derivative: discontinuities move with the parameters, and their motion is an integral over edges
//! (Li, Aittala, Durand & Lehtinen, ACM TOG 37(6), 2018, eq. 8).

mod border;
mod hierarchy;
mod lamp;
mod primary;
mod shadow;
mod sphere;

pub(crate) use border::{Borders, EdgeTrees};
pub(crate) use lamp::LampBorders;
pub(crate) use primary::PrimaryEdges;

use crate::derivative::{Place, Sink};
use crate::geometry::V3;
use crate::scene::{Edge, Wanted, World};

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
    world.edges.copies(edge).iter().any(|c| wanted.moving[c.mesh as usize])
}

/// Hands on the cotangent of the point at fraction `s` of an edge: it moves by the mean of its copies' motions.
fn edge_pullback(
    world: &World,
    wanted: &Wanted,
    edge: &Edge,
    s: f64,
    bar: V3,
    place: Place,
    sink: &mut impl Sink,
) {
    let copies = world.edges.copies(edge);
    let share = bar * (copies.len() as f64).recip();
    for copy in copies.iter().filter(|c| wanted.moving[c.mesh as usize]) {
        let at = copy.part[0] + s * (copy.part[1] - copy.part[0]);
        sink.point(place, copy.ends[0], share * (1.0 - at));
        sink.point(place, copy.ends[1], share * at);
    }
}
