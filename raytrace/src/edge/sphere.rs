//! Edges that a reflecting point sees, before the sky and before surfaces that reflect light themselves.
//!
//! On the sphere of directions around the point `x`, light `L` jumps from `L_-` to `L_+` across the image of an edge. With `q` a point
//! of the edge `[a, b]`, `r` its distance and `k` the unit normal of the plane through `x` and the edge, the image moves along `k` by
//! `k.(dq - dx)/r`, so that
//!
//! `dI = integral of response (L_- - L_+) k.(dq - dx)/r dtheta`, `theta` the angle along the edge as `x` sees it.
//!
//! What light faces emit themselves is not part of `L`: [`super::shadow`] has it. An edge is drawn by descending the tree in
//! proportion to an estimate of what each branch holds, a point on it uniformly over `theta`; two rays beside it find the jump,
//! continued with the same random numbers (after Li et al. 2018, section 5).

use super::border::{EdgeTrees, Seen};
use super::edge_pullback;
use super::hierarchy::Pick;
use crate::derivative::{DerivativeOptions, Sink};
use crate::geometry::{Rgb, V3, length, unit};
use crate::integrator::{Black, Eye, Path, Random, Vertex, chain_pullback};
use crate::scene::{Edge, Wanted, World};

/// Offset of the two rays from the edge, radians.
const BESIDE: f64 = 1e-6;

/// Samples edges as points of paths see them.
#[derive(Debug)]
pub(super) struct SphereEdges<'a> {
    eye: Eye<'a>,
    world: &'a World,
    wanted: &'a Wanted,
    trees: &'a EdgeTrees,
    options: &'a DerivativeOptions,
    probe: Path,
}

/// A point of an edge, drawn for a point that sees it.
struct Drawn<'a> {
    edge: &'a Edge,
    /// Fraction of the edge.
    s: f64,
    /// To the edge point.
    d: V3,
    /// Unit normal of the plane of point and edge.
    k: V3,
    /// One over the density by `theta`.
    weight: f64,
}

impl<'a> SphereEdges<'a> {
    pub(super) fn new(
        eye: Eye<'a>,
        wanted: &'a Wanted,
        trees: &'a EdgeTrees,
        options: &'a DerivativeOptions,
    ) -> Self {
        Self { eye, world: eye.world, wanted, trees, options, probe: Path::new() }
    }

    /// Hands on the derivative through the edges that a point sees.
    pub(super) fn at(
        &mut self,
        seen: &Seen,
        random: &Random,
        sample: u32,
        [first, second]: [[f64; 2]; 2],
        sink: &mut impl Sink,
    ) {
        let left = self.eye.bounces().saturating_sub(crate::geometry::id(seen.k) + 1);
        if left == 0 && self.world.sky.is_none() {
            return;
        }
        let points = f64::from(self.options.shadow_points);
        let scale = 1.0 / (f64::from(self.options.shadow_spp) * points);
        for j in 0..self.options.shadow_points {
            // points of one vertex are strata of the tree's unit interval
            let along = (f64::from(j) + first[0]) / points;
            let place = (second[0] + f64::from(j) / points).fract();
            let Some(drawn) = self.draw(seen, along, place) else { continue };
            let Some(jump) = self.jump(seen, &drawn, left, random, sample) else { continue };
            let vertex = seen.vertex();
            let rgb = seen.throughput * vertex.surfel.response(unit(drawn.d)) * jump;
            let g = drawn.k * (drawn.weight * scale / length(drawn.d));
            for (at, f) in seen.seeds.times(seen.pixel, rgb) {
                edge_pullback(self.world, self.wanted, drawn.edge, drawn.s, g * f, at, sink);
                chain_pullback(self.eye, self.wanted, seen.path, seen.k, g * -f, at, sink);
            }
        }
    }

    /// A point of an edge, for uniform `along` and `place`.
    fn draw(&self, seen: &Seen, along: f64, place: f64) -> Option<Drawn<'a>> {
        let vertex = seen.vertex();
        let (x, n) = (vertex.x, vertex.surfel.n);
        let moving = self.trees.moving.power(x, n);
        let still =
            if seen.moves(self.eye, self.wanted) { self.trees.still.power(x, n) } else { 0.0 };
        let total = moving + still;
        if total <= 0.0 {
            return None;
        }
        let share = moving / total;
        let (tree, u, chance) = if along < share {
            (&self.trees.moving, along / share, share)
        } else {
            (&self.trees.still, (along - share) / (1.0 - share), 1.0 - share)
        };
        let Pick { edge, probability } = tree.pick(self.world, x, n, u)?;
        let edge = &self.world.edges().all[edge as usize];
        let sides = self.world.edges().sides(edge);
        if sides.iter().any(|s| s.face == vertex.hit.face) {
            return None; // on the horizon
        }
        Drawn::new(edge, x, place, probability * chance)
    }
}

impl<'a> Drawn<'a> {
    /// The point at the fraction `place` of the angle over which `x` sees the edge.
    fn new(edge: &'a Edge, x: V3, place: f64, probability: f64) -> Option<Self> {
        let [a, b] = edge.points.map(|p| p - x);
        let along = unit(b - a);
        let normal = a.cross(b);
        let height = length(normal) / length(b - a);
        // by the angle from the foot of the perpendicular
        let [first, last] = [a, b].map(|p| p.dot(along).atan2(height));
        let theta = last - first;
        if !(height > 0.0 && theta > 0.0) {
            return None;
        }
        let reach = height * (first + theta * place).tan();
        let s = ((reach - a.dot(along)) / length(b - a)).clamp(0.0, 1.0);
        let d = a + (b - a) * s;
        Some(Self { edge, s, d, k: unit(normal), weight: theta / probability })
    }
}

impl SphereEdges<'_> {
    /// What light jumps by, from one side of the edge to the other.
    fn jump(
        &mut self,
        seen: &Seen,
        drawn: &Drawn,
        left: u32,
        random: &Random,
        sample: u32,
    ) -> Option<Rgb> {
        let vertex = seen.vertex();
        if vertex.surfel.n.dot(drawn.d) <= 0.0 {
            return None;
        }
        let look = |side: f64| {
            let d = unit(unit(drawn.d) + drawn.k * (side * BESIDE));
            (d, self.world.bvh.closest_but(vertex.x, d, vertex.hit.face))
        };
        let (below, above) = (look(-1.0), look(1.0));
        if below.1.map(|hit| hit.face) == above.1.map(|hit| hit.face) {
            return None;
        }
        let mut light = |(d, hit): (V3, Option<crate::accel::Hit>)| match hit {
            None => self.world.sky.as_ref().map_or(Rgb::BLACK, |sky| sky.light(d)),
            Some(_) if left == 0 => Rgb::BLACK,
            Some(hit) => {
                let next = Vertex::new(self.world, d, hit);
                self.probe.extend(self.world, next, left, (random, sample), Black::Skipped);
                self.probe.reflected(self.world)
            }
        };
        let jump = light(below) - light(above);
        (!jump.is_black()).then_some(jump)
    }
}
