//! What may move before the points of paths: the edges that throw borders on what they see.

use super::hierarchy::EdgeTree;
use super::lamp::LampBorders;
use super::moves;
use crate::geometry::id;
use crate::integrator::Eye;
use crate::options::DerivativeOptions;
use crate::scene::{Wanted, World};

/// The edges of a world that may throw borders, found once for all of its pixels.
#[derive(Debug)]
pub(crate) struct EdgeTrees<'a> {
    /// Those that move, and the others.
    pub(super) moving: EdgeTree,
    pub(super) still: EdgeTree,
    /// Of each light face, the moving edges in which other faces cut through it.
    pub(super) cuts: Vec<Vec<u32>>,
    /// Those that throw borders of a lamp's light, where light of a lamp reaches a point by way of another one.
    pub(super) lamps: Vec<LampBorders<'a>>,
}

impl<'a> EdgeTrees<'a> {
    pub(crate) fn new(eye: Eye<'a>, wanted: &'a Wanted, options: &DerivativeOptions) -> Self {
        let world = eye.world;
        let moving = |e: &u32| moves(world, wanted, &world.edges().all[*e as usize]);
        let (moving, still): (Vec<u32>, Vec<u32>) =
            (0..id(world.edges().all.len())).partition(moving);
        let tree = |edges: Vec<u32>| EdgeTree::new(world, edges.into_iter());
        let lamps = if eye.bounces() > 1 && options.terms.indirect {
            (0..world.scene.lamps.len()).map(|k| LampBorders::new(eye, wanted, k)).collect()
        } else {
            Vec::new()
        };
        Self { moving: tree(moving), still: tree(still), cuts: cuts(world, wanted), lamps }
    }
}

/// Of each light face, the moving edges in which other faces cut through it.
fn cuts(world: &World, wanted: &Wanted) -> Vec<Vec<u32>> {
    let mut cuts = vec![Vec::new(); world.lights.faces.len()];
    for (k, edge) in world.edges().all.iter().enumerate() {
        let Some(faces) = edge.cut else { continue };
        if moves(world, wanted, edge) {
            let cut = world.lights.faces.iter().zip(&mut cuts);
            cut.filter(|(l, _)| faces.contains(&l.face)).for_each(|(_, cuts)| cuts.push(id(k)));
        }
    }
    cuts
}
