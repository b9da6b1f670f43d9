//! Edges between a shading point and a light: the border of a shadow moves over the light.
//!
//! For the shading point `x` and a light face with plane normal `N`, the edge point `q` throws its shadow on `y = x + tau (q - x)`,
//! `tau = N.(l - x) / N.(q - x)`. Relative to the light face, whose point there moves by `dl`,
//! `dy - dl = P ((1 - tau) dx + tau dq - dl)`, `P = 1 - (q - x) N^T / N.(q - x)`. With `m` the normal of the shadow's border in the
//! light's plane, towards the shadow, `P^T m = k / (k.m)` where `k` is the normal of the plane through `x` and the edge, and
//!
//! `dL = (albedo/pi) L_e integral of V cos cos' / r^2 (k / (k.m)) . ((1 - tau) dx + tau dq - dl) dl` over the borders.
//!
//! Where another face cuts through the light face, the segment in which they meet is a border itself, with `tau = 1`: beyond the other
//! face the light is hidden.
//!
//! An edge throws a border only where its faces lie on one side of that plane. The part of it between `x` and the light
//! face is cut out by planes through `x`, on which everything is linear along the edge. Of all such parts, points are drawn by
//! a stratified choice in proportion to an estimate of their share. [`super::hierarchy`] finds the edges that may have parts.

use super::hierarchy::{LANES, Pyramid, Pyramids, visit};
use super::seen::Seen;
use super::trees::EdgeTrees;
use super::{clip, edge_pullback};
use crate::emitter::LightFace;
use crate::geometry::{V3, barycentric, id, length};
use crate::integrator::{CLEAR, Eye, Vertex, chain_pullback};
use crate::options::DerivativeOptions;
use crate::scene::{Edge, Wanted, World};
use crate::sink::Sink;

/// Cosine below which the estimate of a share does not fall, so that no part that contributes is left out.
const LEAST_COS: f64 = 0.02;

/// Radiance below which the estimate does not fall: the middle of a face may be darker than its corners.
const LEAST_RADIANCE: f64 = 1e-3;

/// A part of an edge that throws a border on a light face.
#[derive(Clone, Copy, Debug)]
struct Part {
    edge: u32,
    light: u32,
    /// Ends as fractions of the edge.
    s: [f64; 2],
    /// `1/tau` at both ends of the edge.
    depth: [f64; 2],
    /// Sum of the estimates up to and with this part.
    share_to: f64,
}

/// A light face as seen from the shading point.
#[derive(Debug)]
struct Cone {
    light: LightFace,
    pyramid: Pyramid,
}

/// Samples the borders of shadows on light faces, as points of paths see them.
#[derive(Debug)]
pub(super) struct ShadowBorders<'a> {
    eye: Eye<'a>,
    world: &'a World,
    wanted: &'a Wanted,
    trees: &'a EdgeTrees<'a>,
    options: &'a DerivativeOptions,
    /// Of each point that was looked from last.
    parts: Vec<Vec<Part>>,
    pyramids: Pyramids,
    /// Of each pyramid, the number of the point and the light face as it is seen from there.
    cones: Vec<(usize, Cone)>,
}

impl<'a> ShadowBorders<'a> {
    pub(super) fn new(
        eye: Eye<'a>,
        wanted: &'a Wanted,
        trees: &'a EdgeTrees<'a>,
        options: &'a DerivativeOptions,
    ) -> Self {
        let world = eye.world;
        let (parts, pyramids, cones) = (Vec::new(), Pyramids::new(), Vec::new());
        Self { eye, world, wanted, trees, options, parts, pyramids, cones }
    }

    /// Finds all parts of edges that throw a border as seen from some points.
    pub(super) fn look_from(&mut self, points: &[Seen]) {
        let all = self.parts.len().max(points.len());
        self.parts.resize_with(all, Vec::new);
        self.parts[..points.len()].iter_mut().for_each(Vec::clear);
        for first in (0..points.len()).step_by(LANES) {
            for light in 0..self.world.lights.faces.len() {
                self.collect(points, first, light);
            }
        }
    }

    /// Appends the parts of edges before a light face, for at most [`LANES`] points from `first` on.
    fn collect(&mut self, points: &[Seen], first: usize, light: usize) {
        let mut parts = std::mem::take(&mut self.parts);
        let mut cones = std::mem::take(&mut self.cones);
        cones.clear();
        self.pyramids.clear();
        let light_moves =
            self.moves(self.world.faces[self.world.lights.faces[light].face as usize].mesh);
        let (mut lanes, mut by_still) = (0_u64, 0_u64);
        for (number, seen) in points.iter().enumerate().skip(first).take(LANES) {
            let Some(cone) = self.cone(seen.vertex(), light) else { continue };
            let bit = 1 << cones.len();
            lanes |= bit;
            if light_moves || seen.moves(self.eye, self.wanted) {
                by_still |= bit;
            }
            for &e in &self.trees.cuts[light] {
                self.add(
                    (seen.vertex(), &cone),
                    (e, light),
                    ([0.0, 1.0], [1.0; 2]),
                    &mut parts[number],
                );
            }
            self.pyramids.push(&cone.pyramid);
            cones.push((number, cone));
        }
        let trees = [(&self.trees.moving, lanes), (&self.trees.still, by_still)];
        visit(
            trees,
            &self.pyramids,
            #[inline(always)]
            |e, mut lanes| {
                let edge = &self.world.edges().all[e as usize];
                if let [a, b] = self.world.edges().sides(edge) {
                    let beside = [a, b].map(|s| self.world.vertices[s.opposite as usize]);
                    lanes &= self.pyramids.see_on_one_side(edge.points, beside);
                }
                while lanes != 0 {
                    let (number, cone) = &cones[lanes.trailing_zeros() as usize];
                    lanes &= lanes - 1;
                    let vertex = points[*number].vertex();
                    if let Some(part) = self.part(vertex, cone, edge) {
                        self.add((vertex, cone), (e, light), part, &mut parts[*number]);
                    }
                }
            },
        );
        (self.parts, self.cones) = (parts, cones);
    }

    /// Appends a part with its share.
    #[inline]
    fn add(
        &self,
        (vertex, cone): (&Vertex, &Cone),
        (edge, light): (u32, usize),
        (s, depth): ([f64; 2], [f64; 2]),
        parts: &mut Vec<Part>,
    ) {
        let own = self.share(vertex, cone, &self.world.edges().all[edge as usize], s, depth);
        let share_to = parts.last().map_or(0.0, |p| p.share_to) + own;
        parts.push(Part { edge, light: id(light), s, depth, share_to });
    }

    fn moves(&self, mesh: u32) -> bool {
        self.wanted.moving[mesh as usize]
    }

    /// The light face, where `x` stands before it and it rises above the horizon of `x`.
    fn cone(&self, vertex: &Vertex, light: usize) -> Option<Cone> {
        let light = self.world.lights.faces[light];
        let corners = self.world.corners(light.face);
        let sides = corners.map(|c| c - vertex.x);
        let normal = self.world.faces[light.face as usize].normal;
        let to_plane = normal.dot(sides[0]);
        let above = sides.iter().any(|s| vertex.surfel.receives(*s));
        // seen from its front the light face runs counter-clockwise, and from x to it clockwise
        let planes = [0, 1, 2].map(|k| sides[(k + 1) % 3].cross(sides[k]));
        let depth = normal * to_plane.recip();
        let cone = Cone { light, pyramid: Pyramid { apex: vertex.x, planes, depth } };
        (to_plane < 0.0 && above && light.face != vertex.hit.face).then_some(cone)
    }

    /// The part of an edge that throws a border on the light face: its ends, and `1/tau` at the ends of the edge.
    #[inline]
    fn part(&self, vertex: &Vertex, cone: &Cone, edge: &Edge) -> Option<([f64; 2], [f64; 2])> {
        let [a, b] = edge.points.map(|p| p - vertex.x);
        let depth = [cone.pyramid.depth.dot(a), cone.pyramid.depth.dot(b)];
        let mut s = [0.0, 1.0];
        // before the light's plane, and on its side of x
        if !(clip(&mut s, 1.0 - CLEAR - depth[0], 1.0 - CLEAR - depth[1])
            && clip(&mut s, depth[0], depth[1]))
        {
            return None;
        }
        for plane in &cone.pyramid.planes {
            if !clip(&mut s, plane.dot(a), plane.dot(b)) {
                return None;
            }
        }
        let plane = a.cross(b);
        let off = |v: u32| plane.dot(self.world.vertices[v as usize] - vertex.x);
        let sides = self.world.edges().sides(edge);
        let first = off(sides[0].opposite);
        // of two sides it is known already
        let same_side =
            sides.len() == 2 || sides[1..].iter().all(|s| off(s.opposite) * first > 0.0);
        let own = sides.iter().any(|s| s.face == vertex.hit.face);
        (same_side && !own).then_some((s, depth))
    }

    /// Estimate of a part's share: integrand at its middle, times length, times the speed of the border.
    fn share(
        &self,
        vertex: &Vertex,
        cone: &Cone,
        edge: &Edge,
        s: [f64; 2],
        depth: [f64; 2],
    ) -> f64 {
        let [y0, y1] = border(vertex, edge, s, depth);
        let (d, mid) = ((y0 + y1) * 0.5 - vertex.x, 0.5 * (s[0] + s[1]));
        let r2 = d.norm_squared();
        let r = r2.sqrt();
        let normal = self.world.faces[cone.light.face as usize].normal;
        let height = vertex.surfel.n.dot(d) / r;
        let height = if vertex.surfel.is_transparent() { height.abs() } else { height };
        let cos = height.max(LEAST_COS);
        let cos_light = (-normal.dot(d) / (r * length(normal))).max(LEAST_COS);
        let tau = (depth[0] + (depth[1] - depth[0]) * mid).recip();
        let radiance =
            self.world.emission(cone.light.face, [1.0 / 3.0; 3]).max_channel().max(LEAST_RADIANCE);
        radiance * cos * cos_light / r2 * length(y1 - y0) * tau
    }

    /// Hands on the derivative through `shadow_points` border points that the point of this number sees, drawn in proportion to the
    /// shares, one in each of as many equal strata; `jitter` is uniform.
    pub(super) fn draw(&self, number: usize, seen: &Seen, jitter: f64, sink: &mut impl Sink) {
        let parts = &self.parts[number];
        let Some(total) = parts.last().map(|p| p.share_to) else { return };
        let points = f64::from(self.options.shadow_points);
        let scale = 1.0 / (f64::from(self.options.shadow_spp) * points);
        for j in 0..self.options.shadow_points {
            let along = total * (f64::from(j) + jitter) / points;
            let k = parts.partition_point(|p| p.share_to <= along).min(parts.len() - 1);
            let below = if k == 0 { 0.0 } else { parts[k - 1].share_to };
            let share = parts[k].share_to - below;
            let u = ((along - below) / share).clamp(0.0, 1.0);
            self.point(seen, &parts[k], u, scale * total / share, sink);
        }
    }

    /// Hands on the derivative through the border's point at fraction `u` of its length.
    fn point(&self, seen: &Seen, part: &Part, u: f64, scale: f64, sink: &mut impl Sink) {
        let (world, vertex) = (self.world, seen.vertex());
        let edge = &world.edges().all[part.edge as usize];
        let sides = world.edges().sides(edge);
        let light = world.lights.faces[part.light as usize].face;
        let [y0, y1] = border(vertex, edge, part.s, part.depth);
        let y = y0 + (y1 - y0) * u;
        let d = y - vertex.x;
        let normal = world.faces[light as usize].normal;
        let cos_light = -normal.dot(d);
        let skip = |f: u32| f == vertex.hit.face || f == light || sides.iter().any(|s| f == s.face);
        if !(vertex.surfel.receives(d) && cos_light > 0.0)
            || world.bvh.occluded(vertex.x, d, CLEAR, 1.0 - CLEAR, skip)
        {
            return;
        }
        let r2 = d.norm_squared();
        let form = cos_light / (length(normal) * r2 * r2);
        // depth is linear along the edge, its inverse along the border
        let at = |s: f64| part.depth[0] + (part.depth[1] - part.depth[0]) * s;
        let (w0, w1) = (at(part.s[0]), at(part.s[1]));
        let within = u * w0 / ((1.0 - u) * w1 + u * w0);
        let s = part.s[0] + within * (part.s[1] - part.s[0]);
        let tau = at(s).recip();
        let [a, b] = edge.points.map(|p| p - vertex.x);
        let k = a.cross(b);
        let side = match edge.cut {
            None => k.dot(world.vertices[sides[0].opposite as usize] - vertex.x),
            Some(faces) => k.dot(beyond(world, faces, light, (y, y1 - y0), vertex.x)),
        };
        let m = normal.cross(y1 - y0);
        let across = k.dot(m).abs();
        if !(across > 0.0 && tau.is_finite()) {
            // an edge that is seen end-on throws no border
            return;
        }
        // k/(k.m) times the line element |y1 - y0| du, for m of unit length
        let g = k * (side.signum() * m.norm_squared() / (length(normal) * across));
        let b = barycentric(world.corners(light), y);
        let rgb = vertex.surfel.response(d) * world.emission(light, b) * (form * scale);
        let light_face = &world.faces[light as usize];
        for (place, f) in seen.seeds.times(seen.pixel, seen.throughput * rgb) {
            edge_pullback(world, self.wanted, edge, s, g * (tau * f), place, sink);
            if self.moves(light_face.mesh) {
                for i in 0..3 {
                    sink.point(place, light_face.corners[i], g * (-b[i] * f));
                }
            }
            let x_bar = g * ((1.0 - tau) * f);
            chain_pullback(self.eye, self.wanted, seen.path, seen.k, x_bar, place, sink);
        }
    }
}

/// Shadows of the ends of a part of an edge, seen from the point of `path`.
fn border(vertex: &Vertex, edge: &Edge, s: [f64; 2], depth: [f64; 2]) -> [V3; 2] {
    let [a, b] = edge.points.map(|p| p - vertex.x);
    s.map(|s| vertex.x + (a + (b - a) * s) * (depth[0] + (depth[1] - depth[0]) * s).recip())
}

/// A vector in the plane of a light face across the line in which another face cuts through it at `y`: to where `x` sees the other face
/// before the light.
fn beyond(world: &World, faces: [u32; 2], light: u32, (y, along): (V3, V3), x: V3) -> V3 {
    let other = if faces[0] == light { faces[1] } else { faces[0] };
    let plane = world.faces[other as usize].normal;
    let across = world.faces[light as usize].normal.cross(along);
    // hidden is what lies on the other side of the plane
    across * -(plane.dot(across) * plane.dot(x - y)).signum()
}
