//! Diffuse vertices side by side: light from one point of the lights for each, and the direction in which its path goes on. Loops over
//! columns of numbers become vector instructions; what they calculate for a vertex is, to the bit, what [`Connection`](super::light::Connection)
//! and [`Surfel`] say of it alone.
#![expect(clippy::inline_always, reason = "the loops take the instruction set of the caller")]

use super::light::{CLEAR, form, shared_by};
use super::vertex::Vertex;
use crate::accel::{Segment, Sieve};
use crate::emitter::at;
use crate::geometry::{Rgb, V3, ZERO};
use crate::material::{Material, Surfel};
use crate::scene::World;

/// The most vertices.
pub(super) const LANES: usize = 64;
/// Lanes come in multiples of this, so that no vector is cut.
const STEP: usize = 8;

/// Three numbers of every vertex.
type Columns = [[f64; LANES]; 3];

/// Vertices, and what was drawn for them.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Diffuse {
    count: usize,
    /// Numbers of their samples, and places of their paths among those that go on.
    numbers: [usize; LANES],
    lanes: [usize; LANES],
    /// Faces of the vertices, and of the points of lights.
    faces: [[u32; LANES]; 2],
    /// Place, normals of face and shading, albedo.
    x: Columns,
    n: Columns,
    s: Columns,
    albedo: Columns,
    /// Part of the light that they send on that arrives at the film.
    throughput: Columns,
    /// To the points of the lights, the cross products of their faces' sides, what they emit.
    towards: Columns,
    cross: Columns,
    emission: Columns,
    /// How often their faces are drawn, and one over that.
    probability: [f64; LANES],
    inverse: [f64; LANES],
    /// Light that arrives at the film.
    light: Columns,
    /// Points of the unit square by which directions are drawn.
    u: [[f64; LANES]; 2],
    /// Directions, their densities, and the responses to them.
    d: Columns,
    density: [f64; LANES],
    response: Columns,
    /// Above 0 where something was drawn last, whether anything may be in its way, and the places that were chosen of these.
    lit: [f64; LANES],
    sieve: Sieve,
    chosen: [usize; LANES],
    chosen_count: usize,
}

/// A direction in which a path goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// Place of the path among those that go on.
    pub(super) lane: usize,
    pub(super) d: V3,
    /// Of directions; `None` of a perfectly smooth surface.
    pub(super) density: Option<f64>,
    /// What of the light of this direction is reflected: the response, or of a perfectly smooth surface the factor.
    pub(super) response: Rgb,
}

#[inline(always)]
fn set(columns: &mut Columns, k: usize, v: [f64; 3]) {
    (0..3).for_each(|c| columns[c][k] = v[c]);
}

#[inline(always)]
fn get(columns: &Columns, k: usize) -> [f64; 3] {
    [columns[0][k], columns[1][k], columns[2][k]]
}

impl Default for Diffuse {
    fn default() -> Self {
        let (columns, column) = ([[0.0; LANES]; 3], [0.0; LANES]);
        Self {
            count: 0,
            numbers: [0; LANES],
            lanes: [0; LANES],
            faces: [[0; LANES]; 2],
            x: columns,
            n: columns,
            s: columns,
            albedo: columns,
            throughput: columns,
            towards: columns,
            cross: columns,
            emission: columns,
            probability: column,
            inverse: column,
            light: columns,
            u: [column; 2],
            d: columns,
            density: column,
            response: columns,
            lit: column,
            sieve: Sieve::NEW,
            chosen: [0; LANES],
            chosen_count: 0,
        }
    }
}

impl Diffuse {
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Whether no other has room.
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.count == LANES
    }

    /// Takes the vertex of a path.
    #[inline(always)]
    pub(super) fn push(&mut self, [number, lane]: [usize; 2], vertex: &Vertex, throughput: Rgb) {
        let k = self.count % LANES;
        self.count += 1;
        (self.numbers[k], self.lanes[k]) = (number, lane);
        self.faces[0][k] = vertex.hit.face;
        set(&mut self.x, k, vertex.x.0);
        set(&mut self.n, k, vertex.surfel.n.0);
        set(&mut self.s, k, vertex.surfel.s.0);
        set(&mut self.albedo, k, vertex.surfel.albedo.0);
        set(&mut self.throughput, k, throughput.0);
    }

    #[inline(always)]
    fn surfel(&self, k: usize) -> Surfel {
        let [n, s] = [&self.n, &self.s].map(|columns| V3::from(get(columns, k)));
        let albedo = Rgb(get(&self.albedo, k));
        Surfel { n, s, w: ZERO, albedo, material: Material::Diffuse, front: true }
    }

    #[inline(always)]
    fn padded(&self) -> usize {
        self.count.next_multiple_of(STEP).min(LANES)
    }

    /// Light of a point of the lights for each vertex; `and_surface` says that directions to lights are drawn as well.
    #[inline(always)]
    pub(super) fn shine(&mut self, world: &World, points: &[[f64; 2]], and_surface: bool) {
        for k in 0..self.count.min(LANES) {
            let Some(point) = world.lights.sample(points[self.numbers[k]]) else { return };
            let face = point.light.face;
            let to = at(world.corners(face), point.barycentric) - V3::from(get(&self.x, k));
            self.faces[1][k] = face;
            set(&mut self.towards, k, to.0);
            set(&mut self.cross, k, world.faces[face as usize].normal.0);
            set(&mut self.emission, k, world.emission(face, point.barycentric).0);
            (self.probability[k], self.inverse[k]) = (point.light.probability, point.light.inverse);
        }
        for k in 0..self.padded() {
            let surfel = self.surfel(k);
            let [d, m] = [&self.towards, &self.cross].map(|columns| V3::from(get(columns, k)));
            let weight = if and_surface {
                shared_by(&surfel, m, self.probability[k], d)
            } else {
                0.5 * self.inverse[k]
            };
            let arriving = Rgb(get(&self.emission, k)) * form(m, d, weight);
            let light = Rgb(get(&self.throughput, k)) * surfel.diffuse_response(d) * arriving;
            set(&mut self.light, k, light.0);
            self.lit[k] = f64::from(u8::from(surfel.receives(d) & (m.dot(d) < 0.0)));
        }
        let [own, of_light] = &self.faces;
        self.sieve.sift(&world.bvh, self.count, [&self.x, &self.towards], [own, of_light], 1.0);
    }

    /// Chooses what was drawn last and has certainly nothing in its way, or all else of it.
    #[inline(always)]
    pub(super) fn choose(&mut self, clear: bool) {
        self.chosen_count = 0;
        for k in 0..self.count.min(LANES) {
            self.chosen[self.chosen_count % LANES] = k;
            let chosen = (self.lit[k] > 0.0) & (self.sieve.holds(k) != clear);
            self.chosen_count += usize::from(chosen);
        }
    }

    /// Light that arrives at the film if nothing is in its way, of what was chosen, by number of the sample.
    #[inline(always)]
    pub(super) fn light(&self) -> impl ExactSizeIterator<Item = (usize, Rgb)> {
        let light = |k: &usize| (self.numbers[*k % LANES], Rgb(get(&self.light, *k % LANES)));
        self.chosen[..self.chosen_count.min(LANES)].iter().map(light)
    }

    /// The way of this light.
    #[inline(always)]
    pub(super) fn segments(&self) -> impl ExactSizeIterator<Item = Segment> {
        self.chosen[..self.chosen_count.min(LANES)].iter().map(|k| {
            let k = *k % LANES;
            let [origin, direction] =
                [&self.x, &self.towards].map(|columns| V3::from(get(columns, k)));
            let skip = [self.faces[0][k], self.faces[1][k]];
            Segment { origin, direction, near: CLEAR, far: 1.0 - CLEAR, skip }
        })
    }

    /// Directions in which paths go on; before a sky those that meet nothing are wanted as well.
    #[inline(always)]
    pub(super) fn spread(&mut self, world: &World, points: &[[f64; 2]]) {
        for k in 0..self.count.min(LANES) {
            [self.u[0][k], self.u[1][k]] = points[self.numbers[k]];
        }
        for k in 0..self.padded() {
            let surfel = self.surfel(k);
            let d = surfel.spread([self.u[0][k], self.u[1][k]], 1.0);
            let density = surfel.density(d);
            set(&mut self.d, k, d.0);
            set(&mut self.response, k, surfel.diffuse_response(d).0);
            self.density[k] = density;
            self.lit[k] = if surfel.receives(d) { density } else { 0.0 };
        }
        if world.sky.is_some() {
            self.sieve.hold_all();
        } else {
            let own = &self.faces[0];
            let far = f32::INFINITY;
            self.sieve.sift(&world.bvh, self.count, [&self.x, &self.d], [own, own], far);
        }
    }

    /// These directions.
    #[inline(always)]
    pub(super) fn ways(&self) -> impl ExactSizeIterator<Item = Way> {
        self.chosen[..self.chosen_count.min(LANES)].iter().map(|k| {
            let k = *k % LANES;
            Way {
                lane: self.lanes[k],
                d: V3::from(get(&self.d, k)),
                density: Some(self.density[k]),
                response: Rgb(get(&self.response, k)),
            }
        })
    }

    /// Rays along them.
    #[inline(always)]
    pub(super) fn rays(&self) -> impl ExactSizeIterator<Item = Segment> {
        self.chosen[..self.chosen_count.min(LANES)].iter().map(|k| {
            let k = *k % LANES;
            let [x, d] = [&self.x, &self.d].map(|columns| V3::from(get(columns, k)));
            Segment::ray(x, d, self.faces[0][k])
        })
    }
}
