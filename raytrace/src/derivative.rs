//! Derivatives of images: forward, one image a parameter, or reverse, for a given adjoint image.
//!
//! Both are the sum of three terms: the interior ([`crate::integrator`]), the edges that the camera sees and the borders of
//! shadows ([`crate::edge`]). Each is a list of statements "this pixel changes by that colour times the motion of this leaf": a
//! point of the world, or a slot ([`crate::scene`]). A [`Sink`] either multiplies by known motions or collects by leaves.

use rayon::prelude::*;

use crate::edge::{PrimaryEdges, PrimaryEvent, ShadowEdges, ShadowTrees};
use crate::film::Image;
use crate::geometry::{Rgb, V3};
use crate::integrator::{Black, Eye, Path, film_point, path_planes, replay};
use crate::sampler::{Draw, Purpose};
use crate::scene::{Columns, Selection, Wanted, World};

/// Bands of rows that are worked on apart in reverse mode. It bounds memory and fixes the order of sums.
const BANDS: usize = 32;
/// Samples on primary edges that one task takes.
const EDGE_CHUNK: u32 = 4096;

/// How derivatives are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerivativeOptions {
    /// Paths a pixel for the interior term.
    pub spp: u32,
    /// Names the random numbers, together with the key. They are independent of those of a [`render`](crate::render) of the same
    /// names, so that a gradient of a loss, whose adjoint image is rendered, is that of the converged image on average.
    pub seed: u64,
    /// Names one draw under the seed: each iteration of an optimizer has another.
    pub key: u64,
    /// Samples per pixel length of the edges that the camera sees, where the radiance may jump by all of it.
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
            key: 0,
            edge_samples: 64,
            shadow_spp: 16,
            shadow_points: 2,
            boundary: true,
        }
    }
}

impl DerivativeOptions {
    pub(crate) fn draw(&self, camera: usize) -> Draw {
        Draw { seed: self.seed, key: self.key, camera }
    }
}

/// Takes statements about how a pixel changes.
pub(crate) trait Sink {
    /// Channel `c` of the pixel changes by `rgb_c (bar . d(vertex))`.
    fn point(&mut self, pixel: usize, rgb: Rgb, vertex: u32, bar: V3);
    /// Channel `c` of the pixel changes by `rgb_c (bar . d(slot))`.
    fn vector(&mut self, pixel: usize, rgb: Rgb, slot: u32, bar: V3);
    /// Channel `c` of the pixel changes by `rgb_c d(slot_c)`.
    fn colour(&mut self, pixel: usize, rgb: Rgb, slot: u32);
}

/// `J^T adjoint`: the derivative of `sum adjoint . image` by the selected parameters. The same bits on any number of threads.
///
/// # Panics
/// Where there is no such camera, or the adjoint image has another size than its film.
pub fn vjp(
    world: &World,
    camera: usize,
    selection: &Selection,
    adjoint: &Image,
    options: &DerivativeOptions,
) -> Vec<f64> {
    let eye = Eye::new(world, camera);
    let size = (eye.camera.width, eye.camera.height);
    assert_eq!((adjoint.width, adjoint.height), size, "an adjoint for every pixel of the film");
    let wanted = selection.wanted(&world.scene, camera);
    let trees = shadow_trees(eye, &wanted, options);
    let height = size.1;
    let bands = BANDS.min(height);
    let mut sums: Vec<Reverse> = (0..bands)
        .into_par_iter()
        .map(|band| {
            let mut sink = Reverse::new(world, adjoint);
            let rows = band * height / bands..(band + 1) * height / bands;
            rows_into(eye, &wanted, trees.as_ref(), options, rows, &mut sink);
            sink
        })
        .collect();
    let mut total = sums.remove(0);
    sums.iter().for_each(|s| total.add(s));
    primary_into(eye, &wanted, options, &mut total);
    selection.pull_back(&world.scene, &world.layout, &total.points, &total.slots)
}

/// The derivative image of every entry of the selected parameters. The same bits on any number of threads.
///
/// # Panics
/// Where there is no such camera.
pub fn jacobian(
    world: &World,
    camera: usize,
    selection: &Selection,
    options: &DerivativeOptions,
) -> Vec<Image> {
    let columns = Columns::entries(&world.scene, &world.layout, selection);
    forward(world, camera, selection, &columns, options)
}

/// `J v`: the derivative image along each direction `v` of as many numbers as `selection` has entries. The same bits on any number
/// of threads.
///
/// # Panics
/// Where there is no such camera, or a direction has another length.
pub fn jvp(
    world: &World,
    camera: usize,
    selection: &Selection,
    directions: &[&[f64]],
    options: &DerivativeOptions,
) -> Vec<Image> {
    for direction in directions {
        assert_eq!(direction.len(), selection.dim(), "a number for every entry of the selection");
    }
    let columns = Columns::directions(&world.scene, &world.layout, selection, directions);
    forward(world, camera, selection, &columns, options)
}

/// The derivative image of every column.
fn forward(
    world: &World,
    camera: usize,
    selection: &Selection,
    columns: &Columns,
    options: &DerivativeOptions,
) -> Vec<Image> {
    let eye = Eye::new(world, camera);
    let wanted = selection.wanted(&world.scene, camera);
    let trees = shadow_trees(eye, &wanted, options);
    let (width, height, k) = (eye.camera.width, eye.camera.height, columns.count);
    let mut out = vec![Rgb::BLACK; width * height * k];
    out.par_chunks_mut((width * k).max(1)).enumerate().for_each(|(row, out)| {
        let mut sink = Forward { columns, first: row * width, out };
        rows_into(eye, &wanted, trees.as_ref(), options, row..row + 1, &mut sink);
    });
    if k == 0 {
        return Vec::new();
    }
    let mut sink = Forward { columns, first: 0, out: &mut out };
    primary_into(eye, &wanted, options, &mut sink);
    let image = |c: usize| Image {
        width,
        height,
        pixels: out.chunks_exact(k).map(|pixel| pixel[c]).collect(),
    };
    (0..k).map(image).collect()
}

/// The edges that may throw moving borders, where there can be any.
fn shadow_trees(eye: Eye, wanted: &Wanted, options: &DerivativeOptions) -> Option<ShadowTrees> {
    let shadows = options.boundary && wanted.any() && !eye.world.lights.faces.is_empty();
    shadows.then(|| ShadowTrees::new(eye.world, wanted))
}

/// Interior and shadow terms of some rows.
fn rows_into(
    eye: Eye,
    wanted: &Wanted,
    trees: Option<&ShadowTrees>,
    options: &DerivativeOptions,
    rows: std::ops::Range<usize>,
    sink: &mut impl Sink,
) {
    let width = eye.camera.width;
    let scale = 1.0 / f64::from(options.spp);
    let mut shadow = trees.map(|trees| ShadowEdges::new(eye, wanted, trees, options));
    for pixel in rows.start * width..rows.end * width {
        let [film, light] = path_planes(options.draw(eye.index), Purpose::Interior, pixel);
        for sample in 0..options.spp {
            let at = film_point(width, pixel, film.point(sample));
            if let Some(path) = Path::trace(eye, at, light.point(sample), Black::Lit) {
                replay(eye, wanted, &path, pixel, scale, sink);
            }
        }
        if let Some(shadow) = &mut shadow {
            shadow.pixel(pixel, sink);
        }
    }
}

/// The edges that the camera sees.
fn primary_into(eye: Eye, wanted: &Wanted, options: &DerivativeOptions, sink: &mut impl Sink) {
    if !(options.boundary && wanted.any()) {
        return;
    }
    let edges = PrimaryEdges::new(eye, wanted, options);
    let events: Vec<Vec<PrimaryEvent>> = (0..edges.count.div_ceil(EDGE_CHUNK))
        .into_par_iter()
        .map(|c| {
            let last = edges.count.min((c + 1) * EDGE_CHUNK);
            (c * EDGE_CHUNK..last).filter_map(|j| edges.sample(j)).collect()
        })
        .collect();
    for event in events.iter().flatten() {
        event.deposit(eye, wanted, sink);
    }
}

/// Collects by leaves, for an adjoint image.
struct Reverse<'a> {
    adjoint: &'a Image,
    points: Vec<V3>,
    slots: Vec<V3>,
}

impl<'a> Reverse<'a> {
    fn new(world: &World, adjoint: &'a Image) -> Self {
        let zeros = |n: usize| vec![V3::zero(); n];
        Self { adjoint, points: zeros(world.layout.vertices()), slots: zeros(world.layout.slots()) }
    }

    fn add(&mut self, other: &Self) {
        self.points.iter_mut().zip(&other.points).for_each(|(a, b)| *a += *b);
        self.slots.iter_mut().zip(&other.slots).for_each(|(a, b)| *a += *b);
    }
}

impl Sink for Reverse<'_> {
    #[inline]
    fn point(&mut self, pixel: usize, rgb: Rgb, vertex: u32, bar: V3) {
        self.points[vertex as usize] += bar * self.adjoint.pixels[pixel].dot(rgb);
    }
    #[inline]
    fn vector(&mut self, pixel: usize, rgb: Rgb, slot: u32, bar: V3) {
        self.slots[slot as usize] += bar * self.adjoint.pixels[pixel].dot(rgb);
    }
    #[inline]
    fn colour(&mut self, pixel: usize, rgb: Rgb, slot: u32) {
        self.slots[slot as usize] += V3::from((self.adjoint.pixels[pixel] * rgb).0);
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

    fn along(&mut self, pixel: usize, rgb: Rgb, motions: &[(usize, V3)], bar: V3) {
        let out = self.pixel(pixel);
        for (column, velocity) in motions {
            out[*column] += rgb * bar.dot(*velocity);
        }
    }
}

impl Sink for Forward<'_> {
    #[inline]
    fn point(&mut self, pixel: usize, rgb: Rgb, vertex: u32, bar: V3) {
        let columns = self.columns;
        self.along(pixel, rgb, &columns.points[vertex as usize], bar);
    }
    fn vector(&mut self, pixel: usize, rgb: Rgb, slot: u32, bar: V3) {
        let columns = self.columns;
        self.along(pixel, rgb, &columns.slots[slot as usize], bar);
    }
    fn colour(&mut self, pixel: usize, rgb: Rgb, slot: u32) {
        let columns = self.columns;
        let out = self.pixel(pixel);
        for (column, velocity) in &columns.slots[slot as usize] {
            out[*column] += rgb * Rgb(velocity.0);
        }
    }
}
