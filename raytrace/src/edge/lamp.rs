//! Borders of the shadows that lamps throw.
//!
//! A lamp has no extent: a surface is in its light or not, and radiance jumps by all that it reflects of that lamp where the shadow of
//! an edge falls. With the lamp at `p` (or light along `c` from infinitely far away) the edge point `q` throws its shadow on
//! `y = p + tau (q - p)` (`y = q + tau c`), in the plane of the receiving face with normal `N`. When all move,
//!
//! `dy = P ((1 - tau) dp + tau dq) + w N.df / N.w`, `P = 1 - w N^T / N.w`, `w = q - p` (`w = c`, `dy = P (dq + tau dc) + ...`),
//!
//! with `df` the motion of the receiving face at `y`. The shadow's border is the curve of `y` along the edge; it is seen by the camera as any edge is
//! ([`super::primary`]), and by points of paths ([`super::sphere`]).

use super::seen::Seen;
use super::{edge_pullback, moves};
use crate::accel::Hit;
use crate::geometry::{Rgb, V3, id, length};
use crate::integrator::{CLEAR, Eye, Vertex, camera_pullback, chain_pullback};
use crate::options::DerivativeOptions;
use crate::sampler::{Plane, Purpose};
use crate::scene::{Edge, LampKind, Wanted};
use crate::sensor::FilmPoint;
use crate::sink::{Place, Sink};

/// Share of the samples of an edge that stands still, relative to one that moves.
const STILL: f64 = 0.25;

/// An edge that throws a border.
#[derive(Clone, Copy, Debug)]
struct Thrower {
    edge: u32,
    /// Angles from the foot of the perpendicular from the lamp to both ends; of a distant lamp 0 and 1.
    span: [f64; 2],
    /// Share of samples per angle.
    weight: f64,
    /// Sum of weighted measures up to and with this edge.
    share_to: f64,
}

/// All edges that throw a border of one lamp's light.
#[derive(Debug)]
pub(crate) struct LampBorders<'a> {
    eye: Eye<'a>,
    wanted: &'a Wanted,
    lamp: usize,
    kind: LampKind,
    throwers: Vec<Thrower>,
}

/// A point of a border.
struct Border<'a> {
    edge: &'a Edge,
    s: f64,
    /// From the lamp to the edge point; of a distant lamp the light's way.
    w: V3,
    /// The shadow of the edge point.
    y: V3,
    tau: f64,
    hit: Hit,
    /// How `y` moves along the edge, per fraction of it, and one over the density of samples per fraction.
    tangent: V3,
    weight: f64,
    /// Of the plane through lamp and edge, towards the shadow.
    shaded: V3,
}

/// What the motion of a border's point does to a pixel.
pub(crate) struct LampEvent<'a> {
    border: Border<'a>,
    lamp: usize,
    kind: LampKind,
    pixel: usize,
    rgb: Rgb,
    n: FilmPoint,
}

impl<'a> LampBorders<'a> {
    pub(crate) fn new(eye: Eye<'a>, wanted: &'a Wanted, lamp: usize) -> Self {
        let world = eye.world;
        let kind = world.scene.lamps[lamp].kind;
        let mut throwers = Vec::new();
        let mut share_to = 0.0;
        for (k, edge) in world.edges().all.iter().enumerate() {
            let all = wanted.camera || wanted.lamps || moves(world, wanted, edge);
            let weight = if all { 1.0 } else { STILL };
            let Some((span, measure)) = measured(eye, &kind, edge) else { continue };
            share_to += measure * weight;
            throwers.push(Thrower { edge: id(k), span, weight, share_to });
        }
        Self { eye, wanted, lamp, kind, throwers }
    }

    /// Number of samples on the film.
    pub(crate) fn samples(&self, options: &DerivativeOptions) -> u32 {
        let (w, h) = (self.eye.camera.width, self.eye.camera.height);
        let wanted = options.edge_samples.saturating_mul(2 * id(w + h));
        if self.throwers.is_empty() { 0 } else { wanted }
    }

    /// The border's point at uniform `u`.
    fn cast(&self, u: f64) -> Option<Border<'a>> {
        let world = self.eye.world;
        let total = self.throwers.last()?.share_to;
        let along = total * u;
        let k = self.throwers.partition_point(|t| t.share_to <= along).min(self.throwers.len() - 1);
        let thrower = self.throwers[k];
        let below = if k == 0 { 0.0 } else { self.throwers[k - 1].share_to };
        let within = ((along - below) / (thrower.share_to - below)).clamp(0.0, 1.0);
        let edge = &world.edges().all[thrower.edge as usize];
        let [a, b] = edge.points;
        // fraction of the edge, and how much measure there is to a fraction
        let angle = thrower.span[0] + within * (thrower.span[1] - thrower.span[0]);
        let (s, measure) = match self.kind.position() {
            None => (within, length((b - a).cross(-self.kind.towards(a)))),
            Some(p) => {
                let p = V3::from(p);
                let (size, plane) = (length(b - a), length((a - p).cross(b - p)));
                let reach = plane / size * angle.tan();
                let s = (reach - (a - p).dot(b - a) / size) / size;
                let q = a + (b - a) * s;
                (s.clamp(0.0, 1.0), plane / (q - p).norm_squared())
            }
        };
        let weight = total / (thrower.weight * measure);
        let q = a + (b - a) * s;
        let w = -self.kind.towards(q);
        let sides = world.edges().sides(edge);
        let own = |f: u32| sides.iter().any(|s| s.face == f);
        let hit = world.bvh.closest_beyond(q, w, own)?;
        let far = if self.kind.position().is_some() { 1.0 - CLEAR } else { f64::INFINITY };
        if world.bvh.occluded(q, -w, CLEAR, far, own) {
            return None;
        }
        let normal = world.faces[hit.face as usize].normal;
        let (y, tau) = match self.kind.position() {
            Some(_) => (q + w * hit.t, 1.0 + hit.t),
            None => (q + w * hit.t, hit.t),
        };
        let slide = (b - a) - w * (normal.dot(b - a) / normal.dot(w));
        let tangent = slide * if self.kind.position().is_some() { tau } else { 1.0 };
        let plane = (b - a).cross(w);
        let off = world.vertices[sides[0].opposite as usize] - q;
        let shaded = plane * plane.dot(off).signum();
        Some(Border { edge, s, w, y, tau, hit, tangent, weight, shaded })
    }

    /// What the receiving point reflects of the lamp against the unit direction `w` of a ray that meets it after `t`.
    fn reflected(&self, border: &Border, w: V3, t: f64) -> Option<Rgb> {
        let world = self.eye.world;
        let vertex = Vertex::new(world, w, Hit { t, ..border.hit });
        let d = self.kind.towards(border.y);
        if !vertex.surfel.receives(d) {
            return None;
        }
        let lamp = &world.scene.lamps[self.lamp];
        let light = vertex.surfel.response(d) * lamp.intensity * self.kind.factor(d);
        (!light.is_black()).then_some(light)
    }

    /// Sample `j` of `count` on the film.
    pub(crate) fn on_film(
        &self,
        j: u32,
        count: u32,
        options: &DerivativeOptions,
    ) -> Option<LampEvent<'a>> {
        let (eye, world) = (self.eye, self.eye.world);
        let camera = eye.camera;
        let draw = options.draw(eye.index);
        let plane = Plane::new(draw, Purpose::LampEdge, j as usize, self.lamp as u64);
        let border = self.cast((f64::from(j) + plane.point(0)[0]) / f64::from(count))?;
        if camera.parallel.is_none() && camera.depth(border.y) <= 0.0 {
            return None;
        }
        let pixel = camera.pixel(camera.film_of(camera.flat(border.y)))?;
        let (origin, direction, t) = camera.ray_to(border.y);
        let skip = |f: u32| f == border.hit.face;
        if world.bvh.occluded(origin, direction, t * CLEAR, t * (1.0 - CLEAR), skip) {
            return None;
        }
        let light = self.reflected(&border, direction, t)?;
        let film = |v: V3| camera.motion_of(border.y, v);
        let [x, y] = film(border.tangent);
        let n = [-y, x];
        // towards the shadow within the receiving plane: is that along n on the film?
        let across = border.across(world.faces[border.hit.face as usize].normal);
        let [u, v] = film(across);
        let towards_shadow = (u * n[0] + v * n[1]) > 0.0;
        let jump = if towards_shadow { light } else { light * -1.0 };
        let rgb = jump * camera.gain * (border.weight / f64::from(count));
        Some(LampEvent { border, lamp: self.lamp, kind: self.kind, pixel, rgb, n })
    }

    /// Hands on the derivative through the borders that a point of a path sees.
    pub(super) fn at(
        &self,
        seen: &Seen,
        u: [f64; 2],
        options: &DerivativeOptions,
        sink: &mut impl Sink,
    ) {
        let (eye, world) = (self.eye, self.eye.world);
        if id(seen.k) + 1 >= eye.bounces() {
            return;
        }
        let points = f64::from(options.shadow_points);
        let scale = 1.0 / (f64::from(options.shadow_spp) * points);
        let vertex = seen.vertex();
        for j in 0..options.shadow_points {
            let Some(border) = self.cast((f64::from(j) + u[0]) / points) else { continue };
            let d = border.y - vertex.x;
            let r = length(d);
            let skip = |f: u32| f == border.hit.face || f == vertex.hit.face;
            if !vertex.surfel.receives(d)
                || border.hit.face == vertex.hit.face
                || world.bvh.occluded(vertex.x, d, CLEAR, 1.0 - CLEAR, skip)
            {
                continue;
            }
            let Some(light) = self.reflected(&border, d * r.recip(), r) else { continue };
            let response = vertex.surfel.response(d * r.recip());
            let k = d.cross(border.tangent);
            let across = border.across(world.faces[border.hit.face as usize].normal);
            let jump = if k.dot(across) > 0.0 { light } else { light * -1.0 };
            let rgb = seen.throughput * response * jump * (scale * border.weight / (r * r * r));
            for (place, f) in seen.seeds.times(seen.pixel, rgb) {
                let y_bar = k * f;
                border.pullback(eye, self.wanted, (self.lamp, &self.kind), y_bar, place, sink);
                chain_pullback(eye, self.wanted, seen.path, seen.k, -y_bar, place, sink);
            }
        }
    }
}

/// Span and measure of an edge that throws a border: the angle under which the lamp sees it, or its length across the light.
fn measured(eye: Eye, kind: &LampKind, edge: &Edge) -> Option<([f64; 2], f64)> {
    let [a, b] = edge.points;
    let w = -kind.towards(a);
    let plane = (b - a).cross(w);
    let off = |v: u32| plane.dot(eye.world.vertices[v as usize] - a);
    let sides = eye.world.edges().sides(edge);
    let first = off(sides[0].opposite);
    if !sides[1..].iter().all(|s| off(s.opposite) * first > 0.0) {
        return None;
    }
    let (span, measure) = match kind.position() {
        None => ([0.0, 1.0], length(plane)),
        Some(p) => {
            let p = V3::from(p);
            let (along, size) = ((b - a) * length(b - a).recip(), length(b - a));
            let height = length((a - p).cross(b - p)) / size;
            let span = [a, b].map(|q| (q - p).dot(along).atan2(height));
            (span, if height > 0.0 { span[1] - span[0] } else { 0.0 })
        }
    };
    (measure > 0.0).then_some((span, measure))
}

impl Border<'_> {
    /// A vector in the plane of the receiving face, across the border, towards the shadow.
    fn across(&self, normal: V3) -> V3 {
        let across = normal.cross(self.tangent);
        across * across.dot(self.shaded).signum()
    }

    /// Hands on the cotangent of the border's point to lamp, edge and receiving face.
    fn pullback(
        &self,
        eye: Eye,
        wanted: &Wanted,
        (lamp, kind): (usize, &LampKind),
        y_bar: V3,
        place: Place,
        sink: &mut impl Sink,
    ) {
        let world = eye.world;
        let face = &world.faces[self.hit.face as usize];
        let along = face.normal * (self.w.dot(y_bar) / face.normal.dot(self.w));
        let g = y_bar - along;
        let slots = world.layout.lamp(lamp);
        let of_edge = if kind.position().is_some() {
            sink.vector(place, slots.position, g * (1.0 - self.tau));
            g * self.tau
        } else {
            let bar = kind.pullback(-self.w, 0.0, g * -self.tau);
            sink.vector(place, slots.direction, bar.direction);
            g
        };
        edge_pullback(world, wanted, self.edge, self.s, of_edge, place, sink);
        if wanted.moving[face.mesh as usize] {
            let b = self.hit.barycentric();
            for i in 0..3 {
                sink.point(place, face.corners[i], along * b[i]);
            }
        }
    }
}

impl LampEvent<'_> {
    pub(crate) fn deposit(&self, eye: Eye, wanted: &Wanted, sink: &mut impl Sink) {
        let (y_bar, camera_bar) = eye.camera.project_pullback(self.border.y, self.n);
        for (place, f) in sink.seeds(self.pixel).times(self.pixel, self.rgb) {
            self.border.pullback(eye, wanted, (self.lamp, &self.kind), y_bar * f, place, sink);
            if wanted.camera {
                camera_pullback(eye, place, &(camera_bar * f), sink);
            }
        }
    }
}
