//! Leaves: up to eight triangles side by side, rounded to single precision, so that one vector instruction does something with all.
//! They only sort out which triangles the test in double precision is asked about ([`super::beam`]).
//!
//! A leaf takes no more room than its triangles need: of `n` triangles the nine coordinates and the face's number stand in ten rows of `n`. Rows
//! are read eight numbers long; what is read beyond a row does not count.
#![expect(clippy::inline_always, reason = "tests take the instruction set of their caller")]

use std::ops::Range;

use rayon::prelude::*;

use super::bounds::Bounds;
use super::node::up;
use super::octet::{EIGHT, Octet};
use super::triangle::Triangle;
use crate::geometry::V3;

/// Numbers before the rows: what the leaf holds, its reach and its extent, and whether it is exact.
const HEAD: usize = 4;
/// Coordinates of a triangle, and its face.
const ROWS: usize = 10;
/// Places of leaves are counted in so many numbers.
const UNIT: usize = 4;
/// Numbers of a line of the cache.
const LINE: usize = 16;
/// As much as the largest leaf.
const MOST: usize = HEAD + ROWS * EIGHT;
/// Bits of the number of a leaf's first triangle; above them stands how many there are.
const BITS: u32 = 28;
/// Leaves that one thread writes at a time.
const SERIAL: usize = 1 << 10;

/// All leaves of a tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaves(Vec<f32>);

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf<'a>(&'a [f32; MOST]);

impl Leaves {
    /// Those of triangles in the tree's order, by the first and the number of each, and the place of each.
    pub(super) fn new(triangles: &[Triangle], ranges: &[[u32; 2]]) -> (Self, Vec<u32>) {
        let mut places = Vec::with_capacity(ranges.len());
        let mut size = 0;
        for [_, count] in ranges {
            places.push(size);
            size += units(*count as usize);
        }
        // the last is read as if it were full
        let mut words = vec![0.0; UNIT * size as usize + MOST];
        let mut rest = &mut words[..];
        let mut tasks = Vec::new();
        for ranges in ranges.chunks(SERIAL) {
            let size: u32 = ranges.iter().map(|[_, count]| units(*count as usize)).sum();
            let (own, others) = rest.split_at_mut(UNIT * size as usize);
            rest = others;
            tasks.push((ranges, own));
        }
        tasks.into_par_iter().for_each(|(ranges, mut words)| {
            for [first, count] in ranges {
                let (own, others) = words.split_at_mut(UNIT * units(*count as usize) as usize);
                write(own, &triangles[*first as usize..(first + count) as usize], *first);
                words = others;
            }
        });
        (Self(words), places)
    }

    /// Asks for the leaf at a place.
    #[inline(always)]
    pub(super) fn fetch<O: Octet>(&self, o: O, place: usize) {
        if let Some(words) = self.0.get(UNIT * place..UNIT * place + MOST) {
            for k in (0..MOST).step_by(LINE) {
                o.fetch(&words[k]);
            }
        }
    }

    /// The leaf at a place.
    #[inline]
    pub(super) fn leaf(&self, place: usize) -> Leaf<'_> {
        let words = &self.0[UNIT * place..UNIT * place + MOST];
        Leaf(words.try_into().expect("as many numbers as the largest leaf has"))
    }

    /// Gives a leaf its triangles, which have moved.
    pub(super) fn refit(&mut self, place: usize, triangles: &[Triangle]) {
        let Range { start, end } = self.leaf(place).range();
        let size = UNIT * units(end - start) as usize;
        let first = u32::try_from(start).expect("as many triangles as there were");
        write(&mut self.0[UNIT * place..UNIT * place + size], &triangles[start..end], first);
    }
}

impl Leaf<'_> {
    #[inline]
    fn held(&self) -> [usize; 2] {
        let word = self.0[0].to_bits();
        // the bound tells the compiler that no row ends beyond the leaf
        [(word & ((1 << BITS) - 1)) as usize, (word >> BITS) as usize % (EIGHT + 1)]
    }

    /// Its triangles in the order of the tree.
    #[inline]
    pub(super) fn range(&self) -> Range<usize> {
        let [first, count] = self.held();
        first..first + count
    }

    /// A bit for each of its triangles.
    #[inline]
    pub(super) fn all(&self) -> u32 {
        (1 << self.held()[1]) - 1
    }

    /// No less than the greatest coordinate.
    #[inline]
    pub(super) fn reach(&self) -> f32 {
        self.0[1]
    }

    /// No less than the greatest extent of all triangles along an axis.
    #[inline]
    pub(super) fn extent(&self) -> f32 {
        self.0[2]
    }

    /// A triangle, if nothing was lost by rounding, as of most meshes that were read from files and stand where these say.
    #[inline(always)]
    pub(super) fn exact(&self, triangle: usize) -> Option<Triangle> {
        let held = self.held()[1];
        let number = |row: usize| self.0[HEAD + row * held + triangle % EIGHT];
        let corner = |c: usize| V3::from([0, 1, 2].map(|k| f64::from(number(3 * c + k))));
        (self.0[3] != 0.0)
            .then(|| Triangle::new([corner(0), corner(1), corner(2)], self.face(triangle)))
    }

    /// The coordinates of a corner along an axis.
    #[inline(always)]
    pub(super) fn row(&self, corner: usize, axis: usize) -> &[f32; EIGHT] {
        let start = HEAD + (3 * corner + axis).min(ROWS - 1) * self.held()[1];
        self.0[start..start + EIGHT].try_into().expect("eight numbers")
    }

    /// The face of a triangle.
    #[inline(always)]
    pub(super) fn face(&self, triangle: usize) -> u32 {
        let start = HEAD + (ROWS - 1) * self.held()[1];
        self.0[start + triangle % EIGHT].to_bits()
    }
}

/// Units that a leaf of so many triangles takes.
fn units(count: usize) -> u32 {
    u32::try_from((HEAD + ROWS * count).div_ceil(UNIT)).expect("no more than the largest leaf")
}

/// Writes a leaf of triangles that stand in the tree's order from `first` on.
#[expect(clippy::cast_possible_truncation, reason = "single precision is what is wanted")]
fn write(words: &mut [f32], triangles: &[Triangle], first: u32) {
    let count = u32::try_from(triangles.len()).expect("eight triangles or fewer");
    assert!(first < 1 << BITS, "fewer than 268 million triangles");
    let bounds = bounds(triangles);
    let (mut reach, mut extent) = (0.0_f64, 0.0_f64);
    for k in 0..3 {
        reach = reach.max(-bounds.lo[k]).max(bounds.hi[k]);
        extent = extent.max(bounds.hi[k] - bounds.lo[k]);
    }
    let coordinates = || triangles.iter().flat_map(|t| &t.corners).flat_map(|p| p.0);
    let exact = coordinates().all(|x| f64::from(x as f32).to_bits() == x.to_bits());
    words[..HEAD].copy_from_slice(&[
        f32::from_bits(first | count << BITS),
        up(reach),
        up(extent),
        f32::from(u8::from(exact)),
    ]);
    for (k, triangle) in triangles.iter().enumerate() {
        words[HEAD + (ROWS - 1) * triangles.len() + k] = f32::from_bits(triangle.face);
        for (corner, p) in triangle.corners.iter().enumerate() {
            for axis in 0..3 {
                words[HEAD + (3 * corner + axis) * triangles.len() + k] = p[axis] as f32;
            }
        }
    }
}

/// The box around triangles.
pub(super) fn bounds(triangles: &[Triangle]) -> Bounds {
    triangles.iter().flat_map(|t| &t.corners).fold(Bounds::empty(), |b, p| b.with(*p))
}
