//! Emission seen directly, and direct light by next-event estimation.
//!
//! A pixel is the mean over its area of `L = L_e + (albedo/pi) integral over lights of L_e V cos cos' / r^2 dA`. One sample of
//! it is a point on the film and, uniform over area on a light face chosen with probability `p`, a point `y`:
//! `(albedo/pi) L_e V (n.d) (-m.d) / (2 p r^4)` with `d = y - x`, `n` the unit normal towards the camera, and `m` the cross
//! product of the light face's sides, whose half is normal times area.

use std::f64::consts::FRAC_1_PI;

use rayon::prelude::*;

use crate::accel::Hit;
use crate::emitter::{LightPoint, at};
use crate::film::Image;
use crate::geometry::{Rgb, V3, length};
use crate::sampler::{Plane, Purpose};
use crate::scene::{Transport, World};
use crate::sensor::FilmPoint;

/// The part of a segment, from each end, on which nothing is in the way.
pub(crate) const CLEAR: f64 = 1e-9;

/// How an image is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// Samples a pixel; powers of two are stratified best.
    pub spp: u32,
    /// Names the random numbers.
    pub seed: u64,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { spp: 64, seed: 0 }
    }
}

/// A light point that the shading point sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    pub(crate) light: LightPoint,
    /// `y - x`.
    pub(crate) d: V3,
    /// `(n.d) (-m.d) / (2 p r^4)`.
    pub(crate) form: f64,
}

/// What one camera ray met.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    pub(crate) hit: Hit,
    /// From the pinhole, not normalised.
    pub(crate) direction: V3,
    /// Where it met a face.
    pub(crate) x: V3,
    /// Unit normal on the camera's side.
    pub(crate) n: V3,
    /// Radiance that the face itself emits towards the camera.
    pub(crate) emitted: Rgb,
    /// Light that it reflects, where the light point is not hidden.
    pub(crate) connection: Option<Connection>,
}

impl Path {
    /// The path through `film` to the light point of `u`; `None` where the ray meets nothing.
    pub(crate) fn trace(world: &World, film: FilmPoint, u: [f64; 2]) -> Option<Self> {
        let direction = world.camera.direction(film);
        let hit = world.bvh.closest(world.camera.position, direction, f64::INFINITY)?;
        Some(Self::at_hit(world, direction, hit, u))
    }

    /// The path of a ray whose hit is known.
    pub(crate) fn at_hit(world: &World, direction: V3, hit: Hit, u: [f64; 2]) -> Self {
        let mut path = Self::unlit(world, direction, hit);
        if world.transport == Transport::Direct && !world.surface(hit.face).albedo.is_black() {
            path.connection = path.connect(world, u);
        }
        path
    }

    /// The same without light from elsewhere.
    pub(crate) fn unlit(world: &World, direction: V3, hit: Hit) -> Self {
        let normal = world.faces[hit.face as usize].normal;
        let front = normal.dot(direction) < 0.0;
        let n = normal * (length(normal).recip() * if front { 1.0 } else { -1.0 });
        let emitted = if front { world.surface(hit.face).emission } else { Rgb::BLACK };
        let x = at(world.corners(hit.face), hit.barycentric());
        Self { hit, direction, x, n, emitted, connection: None }
    }

    fn connect(&self, world: &World, u: [f64; 2]) -> Option<Connection> {
        let light = world.lights.sample(u)?;
        let face = light.light.face;
        let d = at(world.corners(face), light.barycentric) - self.x;
        let m = world.faces[face as usize].normal;
        let (cos, cos_light) = (self.n.dot(d), -m.dot(d));
        if !(cos > 0.0 && cos_light > 0.0) {
            return None;
        }
        let r2 = d.norm_squared();
        let form = cos * cos_light / (2.0 * light.light.probability * r2 * r2);
        let skip = |f: u32| f == self.hit.face || f == face;
        let hidden = world.bvh.occluded(self.x, d, CLEAR, 1.0 - CLEAR, skip);
        (!hidden).then_some(Connection { light, d, form })
    }

    /// Radiance towards the camera.
    pub(crate) fn radiance(&self, world: &World) -> Rgb {
        let Some(c) = &self.connection else { return self.emitted };
        let albedo = world.surface(self.hit.face).albedo;
        self.emitted + albedo * world.surface(c.light.light.face).emission * (c.form * FRAC_1_PI)
    }
}

/// The two planes of random numbers of a pixel's paths: film and light.
pub(crate) fn path_planes(seed: u64, pixel: usize) -> [Plane; 2] {
    [0, 1].map(|d| Plane::new(seed, Purpose::Path, pixel, d))
}

/// The film point of a sample of a pixel.
#[inline]
pub(crate) fn film_point(width: usize, pixel: usize, u: [f64; 2]) -> FilmPoint {
    [(pixel % width) as f64 + u[0], (pixel / width) as f64 + u[1]]
}

/// The image of a world. The same on any number of threads.
pub fn render(world: &World, options: RenderOptions) -> Image {
    let (width, height) = (world.camera.width, world.camera.height);
    let mut image = Image::new(width, height);
    let scale = 1.0 / f64::from(options.spp);
    image.pixels.par_chunks_mut(width).enumerate().for_each(|(row, pixels)| {
        for (column, value) in pixels.iter_mut().enumerate() {
            let pixel = row * width + column;
            let [film, light] = path_planes(options.seed, pixel);
            let mut sum = Rgb::BLACK;
            for sample in 0..options.spp {
                let at = film_point(width, pixel, film.point(sample));
                if let Some(path) = Path::trace(world, at, light.point(sample)) {
                    sum += path.radiance(world);
                }
            }
            *value = sum * scale;
        }
    });
    image
}
