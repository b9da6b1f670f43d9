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
//!
//! Drawing branches, and points along an edge, by the lobe of a glossy point as well was tried at roughness 0.02 to 0.4: half of this
//! term's variance for a third more time, while the edges that the camera sees made most of the noise. It was not kept.
//!
//! Beyond the boundary of a transparent body the point sees edges as well, and in planar mirrors: the chain of mirrors and the side are drawn
//! first, in proportion to what the trees hold as seen from there ([`super::mirror`]). What emits in a mirror is part of `L`.

use super::edge_pullback;
use super::hierarchy::Pick;
use super::mirror::{Mirrors, Sight};
use super::seen::Seen;
use super::trees::EdgeTrees;
use crate::geometry::{Rgb, V3, length, unit};
use crate::integrator::{Black, Eye, Random, Vertex, Wave, chain_pullback};
use crate::options::DerivativeOptions;
use crate::scene::{Edge, Wanted, World};
use crate::sink::Sink;

/// Offset of the two rays from the edge, radians.
const BESIDE: f64 = 1e-6;

/// Samples edges as points of paths see them.
#[derive(Debug)]
pub(super) struct SphereEdges<'a> {
    eye: Eye<'a>,
    world: &'a World,
    wanted: &'a Wanted,
    trees: &'a EdgeTrees<'a>,
    mirrors: &'a Mirrors,
    options: &'a DerivativeOptions,
    probe: Wave,
}

/// Where edges are looked for: from a point, on one side of its surface, by way of a chain of mirrors.
#[derive(Clone, Copy)]
struct Outlook {
    chain: usize,
    /// The point and its normal on that side, as they are behind the last mirror.
    x: V3,
    n: V3,
    /// Estimates of the trees: of what moves, and of all where the point or a mirror does.
    power: [f64; 2],
}

/// A point of an edge, drawn for a point that sees it.
struct Drawn<'a> {
    edge: &'a Edge,
    chain: usize,
    /// Fraction of the edge.
    s: f64,
    /// To the edge point's image.
    d: V3,
    /// Unit normal of the plane of point and edge's image.
    k: V3,
    /// One over the density by `theta`.
    weight: f64,
}

impl<'a> SphereEdges<'a> {
    pub(super) fn new(
        eye: Eye<'a>,
        wanted: &'a Wanted,
        (trees, mirrors): (&'a EdgeTrees<'a>, &'a Mirrors),
        options: &'a DerivativeOptions,
    ) -> Self {
        Self { eye, world: eye.world, wanted, trees, mirrors, options, probe: Wave::new() }
    }

    /// Hands on the derivative through the edges that a point sees.
    pub(super) fn at(
        &mut self,
        seen: &Seen,
        random: &Random,
        [first, second]: [[f64; 2]; 2],
        sink: &mut impl Sink,
    ) {
        let left = self.eye.bounces().saturating_sub(crate::geometry::id(seen.k) + 1);
        if left == 0 && self.world.sky.is_none() {
            return;
        }
        let points = f64::from(self.options.shadow_points);
        let scale = 1.0 / (f64::from(self.options.shadow_spp) * points);
        let outlooks = self.outlooks(seen, left);
        for j in 0..self.options.shadow_points {
            // points of one vertex are strata of the tree's unit interval
            let along = (f64::from(j) + first[0]) / points;
            let place = (second[0] + f64::from(j) / points).fract();
            let Some(drawn) = self.draw(seen, &outlooks, along, place) else { continue };
            let Some((jump, mirrors)) = self.jump(seen, &drawn, left, random) else { continue };
            let vertex = seen.vertex();
            let rgb = seen.throughput * vertex.surfel.response(unit(drawn.d)) * jump;
            let g = drawn.k * (drawn.weight * scale / length(drawn.d));
            let [a, b] = drawn.edge.points;
            let q = a + (b - a) * drawn.s;
            for (at, f) in seen.seeds.times(seen.pixel, rgb) {
                let (world, wanted) = (self.world, self.wanted);
                let q_bar = Mirrors::pullback(world, wanted, &mirrors, q, g * f, at, sink);
                edge_pullback(world, wanted, drawn.edge, drawn.s, q_bar, at, sink);
                chain_pullback(self.eye, self.wanted, seen.path, seen.k, g * -f, at, sink);
            }
        }
    }

    /// All outlooks of a point with `left` reflections beyond it.
    fn outlooks(&self, seen: &Seen, left: u32) -> Vec<Outlook> {
        let Vertex { x, surfel, .. } = *seen.vertex();
        let moves = seen.moves(self.eye, self.wanted);
        let sides: &[f64] = if surfel.is_transparent() { &[1.0, -1.0] } else { &[1.0] };
        let outlook = |chain: usize, side: f64| {
            let (x, n) = (self.mirrors.viewpoint(chain, x), surfel.n * side);
            let n = self.mirrors.onwards(chain, n);
            let all = moves || self.mirrors.moves(chain);
            let still = if all { self.trees.still.power(x, n) } else { 0.0 };
            Outlook { chain, x, n, power: [self.trees.moving.power(x, n), still] }
        };
        let chains = self.mirrors.chains(left);
        chains.flat_map(|chain| sides.iter().map(move |side| outlook(chain, *side))).collect()
    }

    /// A point of an edge, for uniform `along` and `place`.
    fn draw(&self, seen: &Seen, outlooks: &[Outlook], along: f64, place: f64) -> Option<Drawn<'a>> {
        let total: f64 = outlooks.iter().flat_map(|o| o.power).sum();
        let mut rest = along * total;
        let mut choices = outlooks.iter().flat_map(|o| {
            [(o, &self.trees.moving, o.power[0]), (o, &self.trees.still, o.power[1])]
        });
        let (outlook, tree, power) = choices.find(|(_, _, power)| {
            let found = rest < *power;
            rest -= if found { 0.0 } else { *power };
            found
        })?;
        let &Outlook { chain, x, n, .. } = outlook;
        let Pick { edge, probability } = tree.pick(self.world, x, n, rest / power)?;
        let edge = &self.world.edges().all[edge as usize];
        let own = seen.vertex().hit.face;
        if chain == 0 && self.world.edges().sides(edge).iter().any(|s| s.face == own) {
            return None; // on the horizon
        }
        let drawn = Drawn::new(edge, x, place, probability * power / total)?;
        let [d, k] = [drawn.d, drawn.k].map(|v| self.mirrors.back(chain, v));
        Some(Drawn { chain, d, k, ..drawn })
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
        Some(Self { edge, chain: 0, s, d, k: unit(normal), weight: theta / probability })
    }
}

impl SphereEdges<'_> {
    /// What light jumps by, from one side of the edge to the other, and the faces of the mirrors that show it.
    fn jump(
        &mut self,
        seen: &Seen,
        drawn: &Drawn,
        left: u32,
        random: &Random,
    ) -> Option<(Rgb, Vec<u32>)> {
        let vertex = seen.vertex();
        if !vertex.surfel.receives(drawn.d) {
            return None;
        }
        let look = |side: f64| {
            let d = unit(unit(drawn.d) + drawn.k * (side * BESIDE));
            (d, self.world.bvh.closest_but(vertex.x, d, vertex.hit.face))
        };
        let (below, above) = (look(-1.0), look(1.0));
        let sight = |ray| self.mirrors.sight(self.world, drawn.chain, ray);
        let (Sight { mirrors, face }, beside) = (sight(below)?, sight(above)?);
        if face == beside.face {
            return None;
        }
        let mut light = |(d, hit): (V3, Option<crate::accel::Hit>)| match hit {
            None => self.world.sky.as_ref().map_or(Rgb::BLACK, |sky| sky.light(d)),
            Some(_) if left == 0 => Rgb::BLACK,
            Some(hit) => {
                let next = Vertex::new(self.world, d, hit);
                let draw = (random, seen.sample);
                self.probe
                    .extend(self.world, next, left, draw, Black::Skipped)
                    .reflected(self.world)
            }
        };
        let jump = light(below) - light(above);
        (!jump.is_black()).then_some((jump, mirrors))
    }
}
