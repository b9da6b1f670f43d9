//! Edges between a shading point and a light: the border of a shadow moves over the light.
//!
//! For the shading point `x` and a light face with plane normal `N`, the edge point `q` throws its shadow on `y = x + tau (q - x)`,
//! `tau = N.(l - x) / N.(q - x)`. Relative to the light face, whose point there moves by `dl`,
//! `dy - dl = P ((1 - tau) dx + tau dq - dl)`, `P = 1 - (q - x) N^T / N.(q - x)`. With `m` the normal of the shadow's border in the
//! light's plane, towards the shadow, `P^T m = k / (k.m)` where `k` is the normal of the plane through `x` and the edge, and
//!
//! `dL = (albedo/pi) L_e integral of V cos cos' / r^2 (k / (k.m)) . ((1 - tau) dx + tau dq - dl) dl` over the borders.
//!
//! An edge throws a border only where its faces lie on one side of that plane. The part of it between `x` and the light
//! face is cut out by planes through `x`, on which everything is linear along the edge. Of all such parts, points are drawn by
//! a stratified choice in proportion to an estimate of their share.

use std::f64::consts::FRAC_1_PI;

use super::primary::clip;
use crate::derivative::{DerivativeOptions, Sink};
use crate::emitter::LightFace;
use crate::geometry::{V3, length};
use crate::integrator::{CLEAR, Path, film_point, point_pullback};
use crate::sampler::{Plane, Purpose};
use crate::scene::{Wanted, World, WorldEdge};

/// Cosine below which the estimate of a share does not fall, so that no part that contributes is left out.
const LEAST_COS: f64 = 0.02;

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
struct Cone {
    light: LightFace,
    /// Normals of the planes through `x` and the sides, inwards.
    planes: [V3; 3],
    /// `N / N.(l - x)`: `1/tau` at `q` is its product with `q - x`.
    depth: V3,
}

/// Samples shadow borders for the pixels of a row.
#[derive(Debug)]
pub(crate) struct ShadowEdges<'a> {
    world: &'a World,
    wanted: &'a Wanted,
    options: &'a DerivativeOptions,
    /// Edges that move, then the others.
    order: Vec<u32>,
    moving: usize,
    parts: Vec<Part>,
}

impl<'a> ShadowEdges<'a> {
    pub(crate) fn new(
        world: &'a World,
        wanted: &'a Wanted,
        options: &'a DerivativeOptions,
    ) -> Self {
        let all = 0..crate::geometry::id(world.edges.len());
        let (mut order, others): (Vec<u32>, Vec<u32>) =
            all.partition(|e| wanted.moving[world.edges[*e as usize].mesh as usize]);
        let moving = order.len();
        order.extend(others);
        Self { world, wanted, options, order, moving, parts: Vec::new() }
    }

    /// Hands on the derivative of one pixel through shadow borders.
    pub(crate) fn pixel(&mut self, pixel: usize, sink: &mut impl Sink) {
        let planes = [0, 1].map(|d| Plane::new(self.options.seed, Purpose::ShadowEdge, pixel, d));
        for sample in 0..self.options.shadow_spp {
            let film = film_point(self.world.camera.width, pixel, planes[0].point(sample));
            let direction = self.world.camera.direction(film);
            let position = self.world.camera.position;
            let Some(hit) = self.world.bvh.closest(position, direction, f64::INFINITY) else {
                continue;
            };
            if self.world.surface(hit.face).albedo.is_black() {
                continue;
            }
            let path = Path::unlit(self.world, direction, hit);
            self.collect(&path);
            self.draw(&path, pixel, planes[1].point(sample)[0], sink);
        }
    }

    /// All parts of edges that throw a border as seen from the path's point.
    fn collect(&mut self, path: &Path) {
        self.parts.clear();
        let mut share_to = 0.0;
        for k in 0..self.world.lights.faces.len() {
            let Some(cone) = self.cone(path, k) else { continue };
            let light_moves = self.moves(self.world.faces[cone.light.face as usize].mesh);
            let point_moves = self.moves(self.world.faces[path.hit.face as usize].mesh);
            let all = light_moves || point_moves || self.wanted.camera;
            let candidates = if all { self.order.len() } else { self.moving };
            for &e in &self.order[..candidates] {
                let edge = &self.world.edges[e as usize];
                if let Some((s, depth)) = self.part(path, &cone, edge) {
                    share_to += self.share(path, &cone, edge, s, depth);
                    let light = crate::geometry::id(k);
                    self.parts.push(Part { edge: e, light, s, depth, share_to });
                }
            }
        }
    }

    fn moves(&self, mesh: u32) -> bool {
        self.wanted.moving[mesh as usize]
    }

    /// The light face, where `x` stands before it and it rises above the horizon of `x`.
    fn cone(&self, path: &Path, light: usize) -> Option<Cone> {
        let light = self.world.lights.faces[light];
        let corners = self.world.corners(light.face);
        let sides = corners.map(|c| c - path.x);
        let normal = self.world.faces[light.face as usize].normal;
        let to_plane = normal.dot(sides[0]);
        let above = sides.iter().any(|s| s.dot(path.n) > 0.0);
        // seen from its front the light face runs counter-clockwise, and from x to it clockwise
        let planes = [0, 1, 2].map(|k| sides[(k + 1) % 3].cross(sides[k]));
        (to_plane < 0.0 && above && light.face != path.hit.face).then(|| Cone {
            light,
            planes,
            depth: normal * to_plane.recip(),
        })
    }

    /// The part of an edge that throws a border on the light face: its ends, and `1/tau` at the ends of the edge.
    #[inline]
    fn part(&self, path: &Path, cone: &Cone, edge: &WorldEdge) -> Option<([f64; 2], [f64; 2])> {
        let [a, b] = edge.ends.map(|v| self.world.vertices[v as usize] - path.x);
        let depth = [cone.depth.dot(a), cone.depth.dot(b)];
        let mut s = [0.0, 1.0];
        // before the light's plane, and on its side of x
        if !(clip(&mut s, 1.0 - CLEAR - depth[0], 1.0 - CLEAR - depth[1])
            && clip(&mut s, depth[0], depth[1]))
        {
            return None;
        }
        for plane in &cone.planes {
            if !clip(&mut s, plane.dot(a), plane.dot(b)) {
                return None;
            }
        }
        let plane = a.cross(b);
        let off = |v: u32| plane.dot(self.world.vertices[v as usize] - path.x);
        let first = off(edge.face.1);
        let same_side = edge.other.is_none_or(|o| off(o.1) * first > 0.0);
        let own = edge.face.0 == path.hit.face || edge.other.is_some_and(|o| o.0 == path.hit.face);
        (same_side && !own).then_some((s, depth))
    }

    /// Estimate of a part's share: integrand at its middle, times length, times the speed of the border.
    fn share(
        &self,
        path: &Path,
        cone: &Cone,
        edge: &WorldEdge,
        s: [f64; 2],
        depth: [f64; 2],
    ) -> f64 {
        let [y0, y1] = self.border(path, edge, s, depth);
        let (d, mid) = ((y0 + y1) * 0.5 - path.x, 0.5 * (s[0] + s[1]));
        let r2 = d.norm_squared();
        let r = r2.sqrt();
        let normal = self.world.faces[cone.light.face as usize].normal;
        let cos = (path.n.dot(d) / r).max(LEAST_COS);
        let cos_light = (-normal.dot(d) / (r * length(normal))).max(LEAST_COS);
        let tau = (depth[0] + (depth[1] - depth[0]) * mid).recip();
        let radiance = self.world.surface(cone.light.face).emission.max_channel();
        radiance * cos * cos_light / r2 * length(y1 - y0) * tau
    }

    /// Shadows of the ends of a part.
    fn border(&self, path: &Path, edge: &WorldEdge, s: [f64; 2], depth: [f64; 2]) -> [V3; 2] {
        let [a, b] = edge.ends.map(|v| self.world.vertices[v as usize] - path.x);
        s.map(|s| path.x + (a + (b - a) * s) * (depth[0] + (depth[1] - depth[0]) * s).recip())
    }

    /// Draws `shadow_points` points in proportion to the shares, one in each of as many equal strata.
    fn draw(&self, path: &Path, pixel: usize, jitter: f64, sink: &mut impl Sink) {
        let Some(total) = self.parts.last().map(|p| p.share_to) else { return };
        let points = f64::from(self.options.shadow_points);
        let scale = 1.0 / (f64::from(self.options.shadow_spp) * points);
        for j in 0..self.options.shadow_points {
            let along = total * (f64::from(j) + jitter) / points;
            let k = self.parts.partition_point(|p| p.share_to <= along).min(self.parts.len() - 1);
            let below = if k == 0 { 0.0 } else { self.parts[k - 1].share_to };
            let share = self.parts[k].share_to - below;
            let u = ((along - below) / share).clamp(0.0, 1.0);
            self.point(path, &self.parts[k], u, pixel, scale * total / share, sink);
        }
    }

    /// Hands on the derivative through the border's point at fraction `u` of its length.
    fn point(
        &self,
        path: &Path,
        part: &Part,
        u: f64,
        pixel: usize,
        scale: f64,
        sink: &mut impl Sink,
    ) {
        let world = self.world;
        let edge = &world.edges[part.edge as usize];
        let light = world.lights.faces[part.light as usize].face;
        let [y0, y1] = self.border(path, edge, part.s, part.depth);
        let y = y0 + (y1 - y0) * u;
        let d = y - path.x;
        let normal = world.faces[light as usize].normal;
        let (cos, cos_light) = (path.n.dot(d), -normal.dot(d));
        let skip = |f: u32| {
            f == path.hit.face
                || f == light
                || f == edge.face.0
                || edge.other.is_some_and(|o| f == o.0)
        };
        if !(cos > 0.0 && cos_light > 0.0)
            || world.bvh.occluded(path.x, d, CLEAR, 1.0 - CLEAR, skip)
        {
            return;
        }
        let r2 = d.norm_squared();
        let form = cos * cos_light / (length(normal) * r2 * r2);
        // depth is linear along the edge, its inverse along the border
        let at = |s: f64| part.depth[0] + (part.depth[1] - part.depth[0]) * s;
        let (w0, w1) = (at(part.s[0]), at(part.s[1]));
        let within = u * w0 / ((1.0 - u) * w1 + u * w0);
        let s = part.s[0] + within * (part.s[1] - part.s[0]);
        let tau = at(s).recip();
        let [a, b] = edge.ends.map(|v| world.vertices[v as usize] - path.x);
        let k = a.cross(b);
        let side = k.dot(world.vertices[edge.face.1 as usize] - path.x);
        let m = normal.cross(y1 - y0);
        // k/(k.m) times the line element |y1 - y0| du, for m of unit length
        let g = k * (side.signum() * m.norm_squared() / (length(normal) * k.dot(m).abs()));
        let rgb = world.surface(path.hit.face).albedo
            * world.surface(light).emission
            * (FRAC_1_PI * form * scale);
        let (edge_moves, light_mesh) = (self.moves(edge.mesh), world.faces[light as usize].mesh);
        if edge_moves {
            sink.vertex(pixel, rgb, edge.ends[0], g * (tau * (1.0 - s)));
            sink.vertex(pixel, rgb, edge.ends[1], g * (tau * s));
        }
        if self.moves(light_mesh) {
            let corners = world.corners(light);
            let b = barycentric(corners, y);
            for i in 0..3 {
                sink.vertex(pixel, rgb, world.faces[light as usize].corners[i], g * -b[i]);
            }
        }
        point_pullback(world, self.wanted, path, g * (1.0 - tau), pixel, rgb, sink);
    }
}

/// Barycentric coordinates of a point in the plane of a triangle.
fn barycentric([a, b, c]: [V3; 3], p: V3) -> [f64; 3] {
    let n = (b - a).cross(c - a);
    let inverse = n.norm_squared().recip();
    let of = |u: V3, v: V3| (u - p).cross(v - p).dot(n) * inverse;
    [of(b, c), of(c, a), of(a, b)]
}
