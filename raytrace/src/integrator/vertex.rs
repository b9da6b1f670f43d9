//! A point at which a path meets a face: what is there, and how it follows the parameters.
//!
//! The point slides along its ray when the face moves, `dx = w (n . sum b_i dv_i) / (n . w) + (1 - w n^T / (n . w)) (do + t dw)` for
//! the ray `o + t w`, and over the face as far as its corners do not follow: barycentric coordinates change by
//! `db_i = g_i . (dx - sum b_j dv_j)`, `g_i = N x (side opposite i) / |N|^2`.
#![expect(
    clippy::inline_always,
    reason = "what is built in place need not be copied: stores of parts and loads of the whole stall"
)]

use crate::accel::{Hit, Segment};
use crate::emitter::at;
use crate::geometry::{Rgb, V3, ZERO, length};
use crate::material::{ResponseBar, Surfel};
use crate::scene::{Wanted, World, normal_pullback};
use crate::sink::{Place, Sink};

/// What a ray met.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vertex {
    pub(crate) hit: Hit,
    /// Direction of the ray, not normalised where it is the camera's.
    pub(crate) w: V3,
    /// Where it met a face.
    pub(crate) x: V3,
    pub(crate) surfel: Surfel,
    /// The face is seen from its front.
    pub(crate) front: bool,
}

/// Cotangents of what is at a vertex.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VertexBar {
    pub(crate) x: V3,
    /// Of the unit vector to where the ray comes from.
    pub(crate) eye: V3,
    /// Of the normals of face and shading.
    pub(crate) n: V3,
    pub(crate) s: V3,
    pub(crate) albedo: Rgb,
    pub(crate) emission: Rgb,
    pub(crate) roughness: f64,
    pub(crate) index: f64,
}

impl VertexBar {
    /// With the cotangents of a response, but for those of the direction.
    pub(super) fn add(&mut self, by: &ResponseBar) {
        self.albedo += by.albedo;
        self.n += by.n;
        self.s += by.s;
        self.eye += by.w;
        self.roughness += by.roughness;
        self.index += by.index;
    }

    /// Nothing.
    pub(super) const ZERO: Self = Self {
        x: ZERO,
        eye: ZERO,
        n: ZERO,
        s: ZERO,
        albedo: Rgb::BLACK,
        emission: Rgb::BLACK,
        roughness: 0.0,
        index: 0.0,
    };
}

impl Vertex {
    /// Nowhere.
    pub(super) const EMPTY: Self = Self {
        hit: Hit { face: 0, t: 0.0, uv: [0.0; 2] },
        w: ZERO,
        x: ZERO,
        surfel: Surfel::EMPTY,
        front: false,
    };

    #[inline(always)]
    pub(crate) fn new(world: &World, w: V3, hit: Hit) -> Self {
        let face = &world.faces[hit.face as usize];
        let front = face.normal.dot(w) < 0.0;
        let n = face.normal * if front { face.inverse } else { -face.inverse };
        let b = hit.barycentric();
        let x = at(world.corners(hit.face), b);
        let s = match face.normals {
            None => n,
            Some(normals) => {
                let raw = at(normals.map(|k| world.normals[k as usize]), b);
                shading(raw, n).map_or(n, |(scale, _)| raw * scale)
            }
        };
        let surfel = Surfel {
            n,
            s,
            w: w * -length(w).recip(),
            albedo: world.albedo(hit.face, b),
            material: world.surface(hit.face).material,
            front,
        };
        Self { hit, w, x, surfel, front }
    }

    /// From here along `d`, between these multiples of it; faces do not hide themselves nor `towards`.
    #[inline(always)]
    pub(super) fn segment(&self, d: V3, [near, far]: [f64; 2], towards: u32) -> Segment {
        Segment { origin: self.x, direction: d, near, far, skip: [self.hit.face, towards] }
    }

    /// Number of its mesh.
    #[inline]
    pub(crate) fn mesh(&self, world: &World) -> usize {
        world.faces[self.hit.face as usize].mesh as usize
    }

    /// Radiance that the face itself emits against the ray.
    #[inline]
    pub(crate) fn emitted(&self, world: &World) -> Rgb {
        if self.front { world.emission(self.hit.face, self.hit.barycentric()) } else { Rgb::BLACK }
    }

    /// Hands on the cotangents of the vertex to its face; returns those of the ray's origin and direction.
    pub(crate) fn pullback(
        &self,
        world: &World,
        wanted: &Wanted,
        bar: &VertexBar,
        place: Place,
        sink: &mut impl Sink,
    ) -> [V3; 2] {
        let (surface, mesh) = (world.surface(self.hit.face), self.mesh(world));
        let mut by_b = [0.0; 3];
        if !bar.albedo.is_black() {
            let slot = world.layout.albedo(mesh);
            let colour = (surface.albedo, slot, bar.albedo);
            add(
                &mut by_b,
                colour_pullback(world, self.hit.face, self.hit.barycentric(), colour, place, sink),
            );
        }
        if let Some(emission) = surface.emission.filter(|_| self.front && !bar.emission.is_black())
        {
            let slot = world.layout.radiance(mesh);
            let colour = (emission, slot, bar.emission);
            add(
                &mut by_b,
                colour_pullback(world, self.hit.face, self.hit.barycentric(), colour, place, sink),
            );
        }
        if surface.material.roughness().is_some() {
            let slot = world.layout.microfacets(mesh);
            sink.vector(place, slot, V3::from([bar.roughness, bar.index, 0.0]));
        }
        if !wanted.geometry() {
            return [V3::zero(); 2];
        }
        self.geometry_pullback(world, wanted, bar, by_b, place, sink)
    }

    fn geometry_pullback(
        &self,
        world: &World,
        wanted: &Wanted,
        bar: &VertexBar,
        mut by_b: [f64; 3],
        place: Place,
        sink: &mut impl Sink,
    ) -> [V3; 2] {
        let face = &world.faces[self.hit.face as usize];
        let (b, n, moving) =
            (self.hit.barycentric(), self.surfel.n, wanted.moving[face.mesh as usize]);
        let mut n_bar = bar.n;
        match face.normals {
            None => n_bar += bar.s,
            Some(normals) => {
                let corners = normals.map(|k| world.normals[k as usize]);
                let raw = at(corners, b);
                if let Some((scale, _)) = shading(raw, n) {
                    let raw_bar = (bar.s - self.surfel.s * self.surfel.s.dot(bar.s)) * scale;
                    for i in 0..3 {
                        by_b[i] += corners[i].dot(raw_bar);
                        if moving || wanted.normals {
                            sink.normal(place, normals[i], raw_bar * b[i]);
                        }
                    }
                } else {
                    n_bar += bar.s;
                }
            }
        }
        if !wanted.any() {
            return [V3::zero(); 2];
        }
        let corners = world.corners(self.hit.face);
        let mut x_bar = bar.x;
        let mut bars = [V3::zero(); 3];
        if by_b.iter().any(|b| *b != 0.0) {
            let [p, q, r] = corners;
            let normal = face.normal * face.normal.norm_squared().recip();
            let gradients = [r - q, p - r, q - p].map(|side| normal.cross(side));
            let slope = at(gradients, by_b);
            x_bar += slope;
            bars = b.map(|b| slope * -b);
        }
        let along = n * (self.w.dot(x_bar) / n.dot(self.w));
        if moving {
            let side = if self.front { 1.0 } else { -1.0 };
            let cross_bar = (n_bar - n * n.dot(n_bar)) * (side * face.inverse);
            let by_normal = normal_pullback(corners, cross_bar);
            for i in 0..3 {
                sink.point(place, face.corners[i], bars[i] + by_normal[i] + along * b[i]);
            }
        }
        let origin_bar = x_bar - along;
        let eye = self.surfel.w;
        let turning = (bar.eye - eye * eye.dot(bar.eye)) * length(self.w).recip();
        [origin_bar, origin_bar * self.hit.t - turning]
    }
}

/// Factor that makes an interpolated normal a unit vector on the side of `n`, with its sign; `None` where it vanishes.
#[inline]
fn shading(raw: V3, n: V3) -> Option<(f64, f64)> {
    let size = length(raw);
    let sign = if raw.dot(n) < 0.0 { -1.0 } else { 1.0 };
    (size > 0.0).then(|| (sign / size, sign))
}

fn add(sum: &mut [f64; 3], term: [f64; 3]) {
    (0..3).for_each(|k| sum[k] += term[k]);
}

/// Hands on the cotangent of a colour `base * tone` of a face; returns that of the barycentric coordinates.
pub(super) fn colour_pullback(
    world: &World,
    face: u32,
    b: [f64; 3],
    (base, slot, bar): (Rgb, u32, Rgb),
    place: Place,
    sink: &mut impl Sink,
) -> [f64; 3] {
    let (surface, face) = (world.surface(face), &world.faces[face as usize]);
    if surface.is_plain() {
        sink.colour(place, slot, bar);
        return [0.0; 3];
    }
    let tone = surface.tone(&world.uv, face, b);
    sink.colour(place, slot, tone.value() * bar);
    if surface.tints(face).is_some() {
        for i in 0..3 {
            let tint = world.layout.tint(face.corners[i]);
            sink.colour(place, tint, base * tone.texture.value * bar * b[i]);
        }
    }
    if face.uv.is_some() {
        for (texel, weight) in tone.texture.texels {
            sink.colour(place, surface.texel(texel), base * tone.tint * bar * weight);
        }
    }
    tone.slopes().map(|slope| (base * slope).dot(bar))
}
