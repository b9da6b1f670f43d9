//! Light that arrives at a vertex from where it is made: faces that emit, the sky, lamps.
//!
//! A *connection* is one sample of it. Its share of the reflected radiance is `response(d) E k`, with `d` from the vertex to the
//! source, and `E` of
//! * a point of a light face, drawn uniformly over area: `L_e (-m.d) / r^4`, `k = 1/(2 p)`, with `m` the cross product of the face's
//!   sides, whose half is normal times area, and `p` how often the face is drawn,
//! * the sky: its radiance from the unit vector `d`, `k` one over the density of directions,
//! * a lamp: intensity times its factor ([`crate::scene::LampKind`]), `k = 1`.
//!
//! In a derivative the point of a light face keeps its barycentric coordinates, the direction to the sky stays, and `k` is constant.
#![expect(
    clippy::inline_always,
    reason = "what is built in place need not be copied: stores of parts and loads of the whole stall"
)]

use super::vertex::{Vertex, VertexBar, colour_pullback};
use crate::accel::Segment;
use crate::emitter::{LightPoint, at};
use crate::geometry::{Rgb, V3, ZERO};
use crate::material::Surfel;
use crate::scene::{Wanted, World, normal_pullback};
use crate::sink::{Place, Sink};

/// The part of a segment, from each end, on which nothing is in the way.
pub(crate) const CLEAR: f64 = 1e-9;

/// Where light comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Face(LightPoint),
    Sky,
    Lamp(u32),
}

/// Light that a vertex sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    pub(crate) source: Source,
    /// To the source: not normalised, of length 1 where it is infinitely far away.
    pub(crate) d: V3,
    /// One over the density of samples.
    pub(crate) k: f64,
}

/// A connection where nothing stands on the segment.
pub(super) type Sight = (Connection, Segment);

impl Connection {
    /// Of no light.
    pub(super) const EMPTY: Self = Self { source: Source::Sky, d: ZERO, k: 0.0 };

    /// A point of the lights for `u` in the unit square; `and_surface` says that the vertex draws directions to lights as well.
    #[inline(always)]
    pub(super) fn face(
        world: &World,
        vertex: &Vertex,
        u: [f64; 2],
        and_surface: bool,
    ) -> Option<Sight> {
        let light = world.lights.sample(u)?;
        let face = light.light.face;
        let d = at(world.corners(face), light.barycentric) - vertex.x;
        let m = world.faces[face as usize].normal;
        if !(vertex.surfel.receives(d) && m.dot(d) < 0.0) {
            return None;
        }
        let k =
            if and_surface { shared(world, vertex, &light, d) } else { 0.5 * light.light.inverse };
        let between = vertex.segment(d, [CLEAR, 1.0 - CLEAR], face);
        Some((Self { source: Source::Face(light), d, k }, between))
    }

    /// The light face that the vertex met in a direction of its own, from its front.
    pub(super) fn met(world: &World, vertex: &Vertex, next: &Vertex) -> Option<Self> {
        let light = *world.lights.of_face(next.hit.face).filter(|_| next.front)?;
        let light = LightPoint { light, barycentric: next.hit.barycentric() };
        // faces may coincide, and the difference of the points then has any direction or none
        let d = next.w * next.hit.t;
        vertex.surfel.receives(d).then(|| Self {
            source: Source::Face(light),
            d,
            k: shared(world, vertex, &light, d),
        })
    }

    /// A direction of the sky, drawn by its light.
    pub(super) fn sky(world: &World, vertex: &Vertex, u: [f64; 2]) -> Option<Sight> {
        let d = world.sky.as_ref()?.sample(u);
        let towards = vertex.surfel.receives(d).then(|| Self::from_sky(world, vertex, d)).flatten();
        Some((towards?, vertex.segment(d, [0.0, f64::INFINITY], u32::MAX)))
    }

    /// The sky in the unit direction `d`, which was drawn by its light or by the surface: together these draw it with
    /// the sum of their densities (Veach & Guibas 1995, the balance heuristic).
    pub(super) fn from_sky(world: &World, vertex: &Vertex, d: V3) -> Option<Self> {
        let density = world.sky.as_ref()?.density(d) + vertex.surfel.density(d);
        Some(Self { source: Source::Sky, d, k: density.recip() })
    }

    /// A lamp.
    pub(super) fn lamp(world: &World, vertex: &Vertex, lamp: u32) -> Option<Sight> {
        let kind = &world.scene.lamps[lamp as usize].kind;
        let d = kind.towards(vertex.x);
        if !(vertex.surfel.receives(d) && kind.factor(d) > 0.0) {
            return None;
        }
        let range = if kind.position().is_some() { [CLEAR, 1.0] } else { [0.0, f64::INFINITY] };
        let between = vertex.segment(d, range, u32::MAX);
        Some((Self { source: Source::Lamp(lamp), d, k: 1.0 }, between))
    }

    /// What multiplies the response.
    #[inline(always)]
    pub(super) fn arriving(&self, world: &World) -> Rgb {
        match self.source {
            Source::Face(light) => {
                let m = world.faces[light.light.face as usize].normal;
                world.emission(light.light.face, light.barycentric) * form(m, self.d, self.k)
            }
            Source::Sky => match &world.sky {
                Some(sky) => sky.light(self.d) * self.k,
                None => Rgb::BLACK,
            },
            Source::Lamp(lamp) => {
                let lamp = &world.scene.lamps[lamp as usize];
                lamp.intensity * lamp.kind.factor(self.d)
            }
        }
    }

    /// Hands on the derivative of `seed . response E k`, adding what concerns the vertex to `bar`; `E k` is known.
    pub(super) fn pullback(
        &self,
        world: &World,
        wanted: &Wanted,
        vertex: &Vertex,
        (seed, arriving): (Rgb, Rgb),
        bar: &mut VertexBar,
        place: Place,
        sink: &mut impl Sink,
    ) {
        let response = vertex.surfel.response(self.d);
        let by_response = vertex.surfel.pullback(self.d, seed * arriving);
        bar.add(&by_response);
        let seed = seed * response;
        match self.source {
            Source::Face(light) => {
                let d_bar = by_response.d;
                let x_bar = self.face_pullback(world, wanted, light, seed, d_bar, place, sink);
                bar.x += x_bar;
            }
            Source::Sky => {
                sky_pullback(world, self.d, seed * self.k, place, sink);
            }
            Source::Lamp(lamp) => {
                let (number, lamp) = (lamp as usize, &world.scene.lamps[lamp as usize]);
                let slots = world.layout.lamp(number);
                sink.colour(place, slots.intensity, seed * lamp.kind.factor(self.d));
                let lamp_bar = lamp.kind.pullback(self.d, seed.dot(lamp.intensity), by_response.d);
                sink.vector(place, slots.position, lamp_bar.d);
                sink.vector(place, slots.direction, lamp_bar.direction);
                sink.vector(place, slots.cone, V3::from([lamp_bar.cone[0], lamp_bar.cone[1], 0.0]));
                bar.x += -lamp_bar.d;
            }
        }
    }

    /// Hands on what concerns a light face; returns the cotangent of the vertex.
    fn face_pullback(
        &self,
        world: &World,
        wanted: &Wanted,
        light: LightPoint,
        seed: Rgb,
        mut d_bar: V3,
        place: Place,
        sink: &mut impl Sink,
    ) -> V3 {
        let (number, b) = (light.light.face, light.barycentric);
        let face = &world.faces[number as usize];
        let (m, d, r2) = (face.normal, self.d, self.d.norm_squared());
        let (scale, md) = (self.k / (r2 * r2), m.dot(d));
        let surface = world.surface(number);
        let base = surface.emission.unwrap_or(Rgb::BLACK);
        let slot = world.layout.radiance(face.mesh as usize);
        colour_pullback(world, number, b, (base, slot, seed * (-md * scale)), place, sink);
        if !wanted.any() {
            return V3::zero();
        }
        let form_bar = seed.dot(world.emission(number, b)) * scale;
        d_bar += (m - d * (4.0 * md / r2)) * -form_bar;
        if wanted.moving[face.mesh as usize] {
            let by_normal = normal_pullback(world.corners(number), d * -form_bar);
            for i in 0..3 {
                sink.point(place, face.corners[i], d_bar * b[i] + by_normal[i]);
            }
        }
        -d_bar
    }
}

/// What multiplies the radiance of a point of a light face, whose sides have the cross product `m`: `(-m.d) k / r^4`.
#[inline(always)]
pub(super) fn form(m: V3, d: V3, k: f64) -> f64 {
    let r2 = d.norm_squared();
    -m.dot(d) * k / (r2 * r2)
}

/// `k` of a point of a light face that is drawn by area and by the surface's directions: together they draw it with the sum of
/// their densities (the balance heuristic).
fn shared(world: &World, vertex: &Vertex, light: &LightPoint, d: V3) -> f64 {
    let m = world.faces[light.light.face as usize].normal;
    shared_by(&vertex.surfel, m, light.light.probability, d)
}

/// The same for the cross product of the face's sides and how often the face is drawn.
#[inline(always)]
pub(super) fn shared_by(surfel: &Surfel, m: V3, probability: f64, d: V3) -> f64 {
    let by_directions = surfel.density_along(d) * m.dot(d).abs();
    // both densities times the length of m, which is twice the face's area
    (2.0 * probability + by_directions).recip()
}

/// Hands on the derivative of `seed . sky` in the unit direction `d`; returns the cotangent of the direction, across it.
pub(super) fn sky_pullback(
    world: &World,
    d: V3,
    seed: Rgb,
    place: Place,
    sink: &mut impl Sink,
) -> V3 {
    let Some(sky) = &world.sky else { return V3::zero() };
    let found = sky.at(d);
    let layout = &world.layout;
    sink.colour(place, layout.sky_radiance(), found.lookup.value * seed);
    for (texel, weight) in found.lookup.texels {
        sink.colour(place, layout.sky_texel(texel as usize), sky.radiance * seed * weight);
    }
    let by_direction = found.by_direction(sky.radiance * seed);
    // the picture turns by `spin x`, which is as if the direction turned back
    sink.vector(place, layout.sky_spin(), by_direction.cross(d));
    by_direction
}
