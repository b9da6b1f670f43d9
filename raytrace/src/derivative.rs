//! Derivatives of images: forward, one image a parameter, or reverse, for a given adjoint image.
//!
//! Both are the sum of four [`Terms`]: the interior ([`crate::integrator`]), the edges that the camera sees, the borders of
//! shadows and the edges that paths see ([`crate::edge`]). A [`Sink`] says of a pixel which weights of its channels are wanted, its
//! *seeds*, and is told of each the cotangents of leaves: points of the world, normals, slots ([`crate::scene`]). In reverse mode
//! the only seed is the adjoint image's pixel; in forward mode each channel is one, and cotangents are multiplied by known motions.

use std::ops::Range;

use rayon::prelude::*;

use crate::edge::{Borders, EdgeTrees, LampBorders, Mirrors, PrimaryEdges, Probe, follows};
use crate::film::Image;
use crate::geometry::{Rgb, V3};
use crate::integrator::{Black, Eye, Random, Replay, View, Wave, waves};
use crate::options::{DerivativeOptions, Terms};
use crate::sampler::Purpose;
use crate::scene::{Columns, Leaves, PartOfLeaves, Selection, Wanted, World};
use crate::sink::{Place, Seeds, Sink};

/// Bands of rows that are worked on apart in reverse mode. It bounds memory and fixes the order of sums.
const BANDS: usize = 32;
/// Samples on primary edges that one task takes.
const EDGE_CHUNK: u32 = 4096;

/// `J^T adjoint`: the derivative of `sum adjoint . image` by the selected parameters, for the image of a camera (its radiance,
/// where the view is a camera's number). The same bits on any number of threads.
///
/// # Panics
/// Where there is no such camera, the adjoint image has another size than its film, or [`follows`] refuses.
pub fn vjp(
    world: &World,
    view: impl Into<View>,
    selection: &Selection,
    adjoint: &Image,
    options: &DerivativeOptions,
) -> Vec<f64> {
    let eye = Eye::new(world, view.into());
    let size = (eye.camera.width, eye.camera.height);
    assert_eq!((adjoint.width, adjoint.height), size, "an adjoint for every pixel of the film");
    let wanted = followed(eye, selection);
    let (trees, mirrors) = (edge_trees(eye, &wanted, options), Mirrors::new(eye, &wanted));
    let height = size.1;
    let bands = BANDS.min(height);
    let mut parts: Vec<Reverse> = (0..bands)
        .into_par_iter()
        .map(|band| {
            let mut sink = Reverse::new(world, adjoint);
            let rows = band * height / bands..(band + 1) * height / bands;
            rows_into(eye, &wanted, (trees.as_ref(), &mirrors), options, rows, &mut sink);
            sink
        })
        .collect();
    let mut film = Reverse::new(world, adjoint);
    film_into(eye, &wanted, &mirrors, options, &mut film);
    parts.push(film);
    let sums = Leaves::sum(&world.layout, parts.iter().map(|part| &part.leaves));
    selection.pull_back(world, &sums)
}

/// The derivative image of every entry of the selected parameters. The same bits on any number of threads.
///
/// # Panics
/// Where there is no such camera, or [`follows`] refuses.
pub fn jacobian(
    world: &World,
    view: impl Into<View>,
    selection: &Selection,
    options: &DerivativeOptions,
) -> Vec<Image> {
    forward(world, view.into(), selection, &Columns::entries(world, selection), options)
}

/// `J v`: the derivative image along each direction `v` of as many numbers as `selection` has entries. The same bits on any number
/// of threads.
///
/// # Panics
/// Where there is no such camera, a direction has another length, or [`follows`] refuses.
pub fn jvp(
    world: &World,
    view: impl Into<View>,
    selection: &Selection,
    directions: &[&[f64]],
    options: &DerivativeOptions,
) -> Vec<Image> {
    for direction in directions {
        assert_eq!(direction.len(), selection.dim(), "a number for every entry of the selection");
    }
    let columns = Columns::directions(world, selection, directions);
    forward(world, view.into(), selection, &columns, options)
}

/// The derivative image of every column.
fn forward(
    world: &World,
    view: View,
    selection: &Selection,
    columns: &Columns,
    options: &DerivativeOptions,
) -> Vec<Image> {
    let eye = Eye::new(world, view);
    let wanted = followed(eye, selection);
    let (trees, mirrors) = (edge_trees(eye, &wanted, options), Mirrors::new(eye, &wanted));
    let (width, height, k) = (eye.camera.width, eye.camera.height, columns.count);
    let mut out = vec![Rgb::BLACK; width * height * k];
    out.par_chunks_mut((width * k).max(1)).enumerate().for_each(|(row, out)| {
        let mut sink = Forward { columns, first: row * width, out };
        rows_into(eye, &wanted, (trees.as_ref(), &mirrors), options, row..row + 1, &mut sink);
    });
    if k == 0 {
        return Vec::new();
    }
    let mut sink = Forward { columns, first: 0, out: &mut out };
    film_into(eye, &wanted, &mirrors, options, &mut sink);
    let image = |c: usize| Image {
        width,
        height,
        pixels: out.chunks_exact(k).map(|pixel| pixel[c]).collect(),
    };
    (0..k).map(image).collect()
}

/// What must be followed.
///
/// # Panics
/// Where it is not: a caller asks [`follows`] before.
fn followed(eye: Eye, selection: &Selection) -> Wanted {
    let view = View { camera: eye.index, output: eye.output };
    if let Err(refused) = follows(eye.world, view, selection) {
        panic!("{refused}");
    }
    selection.wanted(&eye.world.scene, eye.index)
}

/// The edges that reflecting points may see move, where there can be any.
fn edge_trees<'a>(
    eye: Eye<'a>,
    wanted: &'a Wanted,
    options: &DerivativeOptions,
) -> Option<EdgeTrees<'a>> {
    let Terms { shadows, indirect, .. } = options.terms;
    let paths = eye.bounces() > 0 && (shadows || indirect);
    (paths && wanted.moves()).then(|| EdgeTrees::new(eye, wanted, options))
}

/// Interior, and the borders that reflecting points see, of some rows.
fn rows_into(
    eye: Eye,
    wanted: &Wanted,
    (trees, mirrors): (Option<&EdgeTrees<'_>>, &Mirrors),
    options: &DerivativeOptions,
    rows: Range<usize>,
    sink: &mut impl Sink,
) {
    let width = eye.camera.width;
    let scale = 1.0 / f64::from(options.spp);
    let mut borders = trees.map(|trees| Borders::new(eye, wanted, (trees, mirrors), options));
    let (mut wave, mut replay) = (Wave::new(), Replay::default());
    for pixel in rows.start * width..rows.end * width {
        if sink.seeds(pixel).are_black() {
            continue;
        }
        if options.terms.interior {
            let draw = options.draw(eye.index);
            let random = Random::new(draw, Purpose::Interior, pixel, eye.bounces());
            for samples in waves(options.spp) {
                for path in wave.trace(eye, (pixel, &random), samples, Black::Lit) {
                    replay.path(eye, wanted, path, (pixel, scale), sink);
                }
            }
        }
        if let Some(borders) = &mut borders {
            borders.pixel(pixel, sink);
        }
    }
}

/// What moves over the film: the edges that the camera sees, and the borders of lamps' shadows.
fn film_into(
    eye: Eye,
    wanted: &Wanted,
    mirrors: &Mirrors,
    options: &DerivativeOptions,
    sink: &mut impl Sink,
) {
    if options.terms.visible && wanted.any() {
        let edges = PrimaryEdges::new(eye, wanted, mirrors, options);
        for event in sampled(edges.count, |numbers| edges.samples(numbers, &mut Probe::new())) {
            event.deposit(eye, wanted, sink);
        }
    }
    if options.terms.shadows && wanted.moves() && eye.bounces() > 0 {
        for lamp in 0..eye.world.scene.lamps.len() {
            let borders = LampBorders::new(eye, wanted, lamp);
            let count = borders.samples(options);
            let sample = |j| borders.on_film(j, count, options);
            for event in sampled(count, |numbers| numbers.filter_map(sample).collect()) {
                event.deposit(eye, wanted, sink);
            }
        }
    }
}

/// Samples by number, made on all threads, in their order.
fn sampled<E: Send>(count: u32, samples: impl Fn(Range<u32>) -> Vec<E> + Sync) -> Vec<E> {
    let chunk = |c: u32| samples(c * EDGE_CHUNK..count.min((c + 1) * EDGE_CHUNK));
    let chunks: Vec<Vec<E>> = (0..count.div_ceil(EDGE_CHUNK)).into_par_iter().map(chunk).collect();
    chunks.into_iter().flatten().collect()
}

/// Collects by leaves, for an adjoint image.
struct Reverse<'a> {
    adjoint: &'a Image,
    leaves: PartOfLeaves,
}

impl<'a> Reverse<'a> {
    fn new(world: &World, adjoint: &'a Image) -> Self {
        Self { adjoint, leaves: PartOfLeaves::zero(&world.layout) }
    }
}

impl Sink for Reverse<'_> {
    #[inline]
    fn seeds(&self, pixel: usize) -> Seeds {
        Seeds::one(self.adjoint.pixels[pixel])
    }
    #[inline]
    fn point(&mut self, _: Place, vertex: u32, bar: V3) {
        self.leaves.points.add(vertex, bar);
    }
    #[inline]
    fn normal(&mut self, _: Place, normal: u32, bar: V3) {
        self.leaves.normals.add(normal, bar);
    }
    #[inline]
    fn vector(&mut self, _: Place, slot: u32, bar: V3) {
        self.leaves.slots.add(slot, bar);
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
    fn along(&mut self, place: Place, motions: &[(usize, V3)], bar: V3) {
        let count = self.columns.count;
        let out = &mut self.out[(place.pixel - self.first) * count..][..count];
        for (column, velocity) in motions {
            out[*column].0[place.lane] += bar.dot(*velocity);
        }
    }
}

impl Sink for Forward<'_> {
    #[inline]
    fn seeds(&self, _: usize) -> Seeds {
        Seeds::CHANNELS
    }
    #[inline]
    fn point(&mut self, place: Place, vertex: u32, bar: V3) {
        self.along(place, &self.columns.points[vertex as usize], bar);
    }
    fn normal(&mut self, place: Place, normal: u32, bar: V3) {
        self.along(place, &self.columns.normals[normal as usize], bar);
    }
    fn vector(&mut self, place: Place, slot: u32, bar: V3) {
        self.along(place, &self.columns.slots[slot as usize], bar);
    }
}
