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
use crate::sampler::{Draw, Plane, Purpose};
use crate::scene::{Transport, World};
use crate::sensor::{Camera, FilmPoint};

/// The part of a segment, from each end, on which nothing is in the way.
pub(crate) const CLEAR: f64 = 1e-9;

/// How an image is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// Samples a pixel; powers of two are stratified best.
    pub spp: u32,
    /// Names the random numbers, together with the key.
    pub seed: u64,
    /// Names one draw under the seed: each iteration of an optimizer has another.
    pub key: u64,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { spp: 64, seed: 0, key: 0 }
    }
}

/// A world as one of its cameras sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eye<'a> {
    pub(crate) world: &'a World,
    pub(crate) camera: &'a Camera,
    /// Number of the camera.
    pub(crate) index: usize,
}

impl<'a> Eye<'a> {
    /// # Panics
    /// Where there is no such camera.
    pub(crate) fn new(world: &'a World, index: usize) -> Self {
        Self { world, camera: &world.cameras[index], index }
    }

    /// The first hit of the ray that is seen at `film`, with its direction.
    pub(crate) fn look(&self, film: FilmPoint) -> Option<(V3, Hit)> {
        let direction = self.camera.direction(film);
        let hit = self.world.bvh.closest(self.camera.position, direction, f64::INFINITY)?;
        Some((direction, hit))
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
    pub(crate) film: FilmPoint,
    /// From the pinhole, not normalised.
    pub(crate) direction: V3,
    /// Where it met a face.
    pub(crate) x: V3,
    /// Unit normal on the camera's side.
    pub(crate) n: V3,
    /// The face is seen from its front.
    pub(crate) front: bool,
    /// Light that it reflects, where the light point is not hidden.
    pub(crate) connection: Option<Connection>,
}

/// Whether a light point is looked for where nothing is reflected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Black {
    /// No: the radiance does not need it.
    Skipped,
    /// Yes: the derivative by the albedo does.
    Lit,
}

impl Path {
    /// The path through `film` to the light point of `u`; `None` where the ray meets nothing.
    pub(crate) fn trace(eye: Eye, film: FilmPoint, u: [f64; 2], black: Black) -> Option<Self> {
        let (direction, hit) = eye.look(film)?;
        let mut path = Self::unlit(eye.world, film, direction, hit);
        path.light(eye.world, u, black);
        Some(path)
    }

    /// The path of a ray whose hit is known, without light from elsewhere.
    pub(crate) fn unlit(world: &World, film: FilmPoint, direction: V3, hit: Hit) -> Self {
        let normal = world.faces[hit.face as usize].normal;
        let front = normal.dot(direction) < 0.0;
        let n = normal * (length(normal).recip() * if front { 1.0 } else { -1.0 });
        let x = at(world.corners(hit.face), hit.barycentric());
        Self { hit, film, direction, x, n, front, connection: None }
    }

    /// Finds the light that it reflects.
    pub(crate) fn light(&mut self, world: &World, u: [f64; 2], black: Black) {
        let lit = world.transport == Transport::Direct;
        if lit && (black == Black::Lit || !self.albedo(world).is_black()) {
            self.connection = self.connect(world, u);
        }
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

    /// Fraction that is reflected.
    pub(crate) fn albedo(&self, world: &World) -> Rgb {
        world.albedo(self.hit.face, self.hit.barycentric())
    }

    /// Radiance that the face itself emits towards the camera.
    pub(crate) fn emitted(&self, world: &World) -> Rgb {
        if self.front { world.emission(self.hit.face, self.hit.barycentric()) } else { Rgb::BLACK }
    }

    /// Radiance towards the camera.
    pub(crate) fn radiance(&self, world: &World) -> Rgb {
        let emitted = self.emitted(world);
        let Some(c) = &self.connection else { return emitted };
        let emission = world.emission(c.light.light.face, c.light.barycentric);
        emitted + self.albedo(world) * emission * (c.form * FRAC_1_PI)
    }
}

/// The two planes of random numbers of a pixel's paths: film and light.
pub(crate) fn path_planes(draw: Draw, purpose: Purpose, pixel: usize) -> [Plane; 2] {
    [0, 1].map(|d| Plane::new(draw, purpose, pixel, d))
}

/// The film point of a sample of a pixel.
#[inline]
pub(crate) fn film_point(width: usize, pixel: usize, u: [f64; 2]) -> FilmPoint {
    [(pixel % width) as f64 + u[0], (pixel / width) as f64 + u[1]]
}

/// The image that a camera of a world sees. The same on any number of threads.
///
/// # Panics
/// Where there is no such camera.
pub fn render(world: &World, camera: usize, options: RenderOptions) -> Image {
    let eye = Eye::new(world, camera);
    let (width, height) = (eye.camera.width, eye.camera.height);
    let draw = Draw { seed: options.seed, key: options.key, camera };
    let mut image = Image::new(width, height);
    let scale = eye.camera.gain * f64::from(options.spp).recip();
    image.pixels.par_chunks_mut(width).enumerate().for_each(|(row, pixels)| {
        for (column, value) in pixels.iter_mut().enumerate() {
            let pixel = row * width + column;
            let [film, light] = path_planes(draw, Purpose::Path, pixel);
            let mut sum = Rgb::BLACK;
            for sample in 0..options.spp {
                let at = film_point(width, pixel, film.point(sample));
                if let Some(path) = Path::trace(eye, at, light.point(sample), Black::Skipped) {
                    sum += path.radiance(world);
                }
            }
            *value = sum * scale;
        }
    });
    image
}
