//! Derivatives of images: forward, one image a parameter, or reverse, for a given adjoint image.
//!
//! Both are the sum of three terms: the interior ([`crate::integrator`]), the edges that the camera sees and the borders of
//! shadows ([`crate::edge`]). Each is a list of statements "this pixel changes by that colour times the product of this cotangent with
//! the motion of that point"; a [`Sink`] either multiplies by known motions or collects by points.

use rayon::prelude::*;

use crate::edge::{PrimaryEdges, PrimaryEvent, ShadowEdges};
use crate::film::Image;
use crate::geometry::{Rgb, V3};
use crate::integrator::{Path, film_point, path_planes, replay};
use crate::scene::{Cotangents, Selection, Target, Turn, Wanted, World};

/// Bands of rows that are worked on apart in reverse mode. It bounds memory and fixes the order of sums.
const BANDS: usize = 32;
/// Samples on primary edges that one task takes.
const EDGE_CHUNK: u32 = 4096;

/// How derivatives are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerivativeOptions {
    /// Paths a pixel for the interior term.
    pub spp: u32,
    /// Names the random numbers; the interior term's are those of a [`render`](crate::render) with the same seed.
    pub seed: u64,
    /// Samples per pixel length of the edges that the camera sees.
    pub edge_samples: u32,
    /// Shading points a pixel for the borders of shadows.
    pub shadow_spp: u32,
    /// Border points for each of them.
    pub shadow_points: u32,
    /// With the boundary terms. Without them the derivative of anything that moves is wrong; the switch is there to see by
    /// how much.
    pub boundary: bool,
}

impl Default for DerivativeOptions {
    fn default() -> Self {
        Self {
            spp: 64,
            seed: 0,
            edge_samples: 64,
            shadow_spp: 16,
            shadow_points: 2,
            boundary: true,
        }
    }
}

/// Takes statements about how a pixel changes. In each, channel `c` of the pixel changes by `rgb_c` times the
/// change that is named.
pub(crate) trait Sink {
    /// `bar . d(vertex)`.
    fn vertex(&mut self, pixel: usize, rgb: Rgb, vertex: u32, bar: V3);
    /// `position . d(pinhole) + rotation . (angular velocity of the frame)`.
    fn camera(&mut self, pixel: usize, rgb: Rgb, position: V3, rotation: V3);
    /// `d(albedo_c)`.
    fn albedo(&mut self, pixel: usize, mesh: usize, rgb: Rgb);
    /// `d(radiance_c)`.
    fn radiance(&mut self, pixel: usize, mesh: usize, rgb: Rgb);
}

/// `J^T adjoint`: the derivative of `sum adjoint . image` by the selected parameters. The same bits on any number of threads.
///
/// # Panics
/// Where the adjoint image has another size than the film.
pub fn vjp(
    world: &World,
    selection: &Selection,
    adjoint: &Image,
    options: &DerivativeOptions,
) -> Vec<f64> {
    let size = (world.camera.width, world.camera.height);
    assert_eq!((adjoint.width, adjoint.height), size, "an adjoint for every pixel of the film");
    let wanted = selection.wanted(&world.scene);
    let height = size.1;
    let bands = BANDS.min(height);
    let mut sums: Vec<Reverse> = (0..bands)
        .into_par_iter()
        .map(|band| {
            let mut sink = Reverse::new(world, adjoint);
            let rows = band * height / bands..(band + 1) * height / bands;
            rows_into(world, &wanted, options, rows, &mut sink);
            sink
        })
        .collect();
    let mut total = sums.remove(0);
    sums.iter().for_each(|s| total.add(&s.bars));
    primary_into(world, &wanted, options, &mut total);
    selection.pull_back(&world.scene, &total.bars)
}

/// The derivative image of every entry of the selected parameters. The same bits on any number of threads.
pub fn jacobian(world: &World, selection: &Selection, options: &DerivativeOptions) -> Vec<Image> {
    let wanted = selection.wanted(&world.scene);
    let columns = Columns::new(world, selection);
    let (width, height, k) = (world.camera.width, world.camera.height, selection.dim());
    let mut out = vec![Rgb::BLACK; width * height * k];
    out.par_chunks_mut((width * k).max(1)).enumerate().for_each(|(row, out)| {
        let mut sink = Forward { columns: &columns, first: row * width, out };
        rows_into(world, &wanted, options, row..row + 1, &mut sink);
    });
    let mut sink = Forward { columns: &columns, first: 0, out: &mut out };
    primary_into(world, &wanted, options, &mut sink);
    let image = |c: usize| Image {
        width,
        height,
        pixels: out.chunks_exact(k).map(|pixel| pixel[c]).collect(),
    };
    (0..k).map(image).collect()
}

/// Interior and shadow terms of some rows.
fn rows_into(
    world: &World,
    wanted: &Wanted,
    options: &DerivativeOptions,
    rows: std::ops::Range<usize>,
    sink: &mut impl Sink,
) {
    let width = world.camera.width;
    let scale = 1.0 / f64::from(options.spp);
    let shadows = options.boundary && wanted.any() && !world.lights.faces.is_empty();
    let mut shadow = ShadowEdges::new(world, wanted, options);
    for pixel in rows.start * width..rows.end * width {
        let [film, light] = path_planes(options.seed, pixel);
        for sample in 0..options.spp {
            let at = film_point(width, pixel, film.point(sample));
            if let Some(path) = Path::trace(world, at, light.point(sample)) {
                replay(world, wanted, &path, pixel, scale, sink);
            }
        }
        if shadows {
            shadow.pixel(pixel, sink);
        }
    }
}

/// The edges that the camera sees.
fn primary_into(world: &World, wanted: &Wanted, options: &DerivativeOptions, sink: &mut impl Sink) {
    if !(options.boundary && wanted.any()) {
        return;
    }
    let edges = PrimaryEdges::new(world, wanted, options);
    let events: Vec<Vec<PrimaryEvent>> = (0..edges.count.div_ceil(EDGE_CHUNK))
        .into_par_iter()
        .map(|c| {
            let last = edges.count.min((c + 1) * EDGE_CHUNK);
            (c * EDGE_CHUNK..last).filter_map(|j| edges.sample(j)).collect()
        })
        .collect();
    for event in events.iter().flatten() {
        event.deposit(world, wanted, sink);
    }
}

/// Collects by points, for an adjoint image.
struct Reverse<'a> {
    adjoint: &'a Image,
    bars: Cotangents,
}

impl<'a> Reverse<'a> {
    fn new(world: &World, adjoint: &'a Image) -> Self {
        let bars = Cotangents {
            vertices: vec![V3::zero(); world.vertices.len()],
            albedo: vec![Rgb::BLACK; world.surfaces.len()],
            radiance: vec![Rgb::BLACK; world.surfaces.len()],
            camera: [V3::zero(); 2],
        };
        Self { adjoint, bars }
    }

    fn add(&mut self, other: &Cotangents) {
        let bars = &mut self.bars;
        bars.vertices.iter_mut().zip(&other.vertices).for_each(|(a, b)| *a += *b);
        bars.albedo.iter_mut().zip(&other.albedo).for_each(|(a, b)| *a += *b);
        bars.radiance.iter_mut().zip(&other.radiance).for_each(|(a, b)| *a += *b);
        bars.camera.iter_mut().zip(&other.camera).for_each(|(a, b)| *a += *b);
    }
}

impl Sink for Reverse<'_> {
    #[inline]
    fn vertex(&mut self, pixel: usize, rgb: Rgb, vertex: u32, bar: V3) {
        self.bars.vertices[vertex as usize] += bar * self.adjoint.pixels[pixel].dot(rgb);
    }
    #[inline]
    fn camera(&mut self, pixel: usize, rgb: Rgb, position: V3, rotation: V3) {
        let weight = self.adjoint.pixels[pixel].dot(rgb);
        self.bars.camera[0] += position * weight;
        self.bars.camera[1] += rotation * weight;
    }
    #[inline]
    fn albedo(&mut self, pixel: usize, mesh: usize, rgb: Rgb) {
        self.bars.albedo[mesh] += self.adjoint.pixels[pixel] * rgb;
    }
    #[inline]
    fn radiance(&mut self, pixel: usize, mesh: usize, rgb: Rgb) {
        self.bars.radiance[mesh] += self.adjoint.pixels[pixel] * rgb;
    }
}

/// What each parameter entry moves.
struct Columns {
    count: usize,
    /// Of each vertex of the world: entries that move it, and its velocities.
    vertices: Vec<Vec<(usize, V3)>>,
    /// Entries that move the camera: velocity of the pinhole, angular velocity of the frame.
    camera: Vec<(usize, [V3; 2])>,
    /// Of each mesh: the first of three entries that are its albedo.
    albedo: Vec<Vec<usize>>,
    /// The same of its radiance.
    radiance: Vec<Vec<usize>>,
}

impl Columns {
    fn new(world: &World, selection: &Selection) -> Self {
        let scene = &world.scene;
        let meshes = scene.meshes().len();
        let mut columns = Self {
            count: selection.dim(),
            vertices: vec![Vec::new(); world.vertices.len()],
            camera: Vec::new(),
            albedo: vec![Vec::new(); meshes],
            radiance: vec![Vec::new(); meshes],
        };
        let first_of = scene.first_vertices();
        let mut column = 0;
        for (target, entries) in &selection.targets {
            match *target {
                Target::Translation(m) => {
                    for v in first_of[m]..first_of[m + 1] {
                        columns.vertices[v].extend((0..3).map(|k| (column + k, V3::unit(k))));
                    }
                }
                Target::Rotation(m) => {
                    let turn = Turn::new(scene.meshes()[m].rotation);
                    for (v, x) in scene.meshes()[m].shape.vertices().iter().enumerate() {
                        let velocity = |k| turn.matrix * turn.jacobian.column(k).cross(*x);
                        let moved = (0..3).map(|k| (column + k, velocity(k)));
                        columns.vertices[first_of[m] + v].extend(moved);
                    }
                }
                Target::Vertices(m) => {
                    let turn = Turn::new(scene.meshes()[m].rotation);
                    for v in 0..first_of[m + 1] - first_of[m] {
                        let moved = (0..3).map(|k| (column + 3 * v + k, turn.matrix.column(k)));
                        columns.vertices[first_of[m] + v].extend(moved);
                    }
                }
                Target::Albedo(m) => columns.albedo[m].push(column),
                Target::Radiance(m) => columns.radiance[m].push(column),
                Target::CameraTranslation => {
                    let moved = (0..3).map(|k| (column + k, [V3::unit(k), V3::zero()]));
                    columns.camera.extend(moved);
                }
                Target::CameraRotation => {
                    let turn = Turn::new(world.scene.camera_rotation);
                    let spin = |k| turn.matrix * turn.jacobian.column(k);
                    columns.camera.extend((0..3).map(|k| (column + k, [V3::zero(), spin(k)])));
                }
            }
            column += entries;
        }
        columns
    }
}

/// Multiplies by known motions: `count` numbers a pixel.
struct Forward<'a> {
    columns: &'a Columns,
    /// First pixel of `out`.
    first: usize,
    out: &'a mut [Rgb],
}

impl Forward<'_> {
    #[inline]
    fn pixel(&mut self, pixel: usize) -> &mut [Rgb] {
        let count = self.columns.count;
        &mut self.out[(pixel - self.first) * count..][..count]
    }

    fn channels(out: &mut [Rgb], firsts: &[usize], rgb: Rgb) {
        for first in firsts {
            for c in 0..3 {
                out[first + c].0[c] += rgb.0[c];
            }
        }
    }
}

impl Sink for Forward<'_> {
    #[inline]
    fn vertex(&mut self, pixel: usize, rgb: Rgb, vertex: u32, bar: V3) {
        let columns = self.columns;
        let out = self.pixel(pixel);
        for (column, velocity) in &columns.vertices[vertex as usize] {
            out[*column] += rgb * bar.dot(*velocity);
        }
    }
    fn camera(&mut self, pixel: usize, rgb: Rgb, position: V3, rotation: V3) {
        let columns = self.columns;
        let out = self.pixel(pixel);
        for (column, [v, w]) in &columns.camera {
            out[*column] += rgb * (position.dot(*v) + rotation.dot(*w));
        }
    }
    fn albedo(&mut self, pixel: usize, mesh: usize, rgb: Rgb) {
        let columns = self.columns;
        Self::channels(self.pixel(pixel), &columns.albedo[mesh], rgb);
    }
    fn radiance(&mut self, pixel: usize, mesh: usize, rgb: Rgb) {
        let columns = self.columns;
        Self::channels(self.pixel(pixel), &columns.radiance[mesh], rgb);
    }
}
