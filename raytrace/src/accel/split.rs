//! One cut of a set of primitives by the surface area heuristic over bins (Wald, RT 2007).
//!
//! Boxes are eight numbers in single precision, the lower corner with its sign changed, so that a box around two is the greater of both,
//! number by number, in one instruction.
#![expect(clippy::inline_always, reason = "the loops take the instruction set of their caller")]

use super::octet::{EIGHT, Octet, Task};

/// Bins along each axis.
const BINS: usize = 16;
/// Added to a small number it leaves the nearest whole number in the last bits.
const ROUNDS: f32 = 12_582_912.0;

/// A box: `-x`, `-y`, `-z` of the lower corner, a word that means nothing, `x`, `y`, `z` of the upper corner, another.
pub(super) type Extent = [f32; EIGHT];

/// What a box around nothing is.
pub(super) const NOTHING: Extent = [f32::NEG_INFINITY; EIGHT];

/// The box of a primitive, with both halves of its number in the words that mean nothing. As a number in single precision each half is exact;
/// the bits themselves would be one too small for the processor, which takes a hundred cycles for a product with it.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct Item(Extent);

impl Item {
    /// Of a box from `lo` to `hi` along each axis.
    #[inline]
    pub(super) fn new([x, y, z]: [[f32; 2]; 3], number: u32) -> Self {
        let [upper, lower] = [number >> 16, number & 0xffff].map(|half| half as f32);
        Self([-x[0], -y[0], -z[0], upper, x[1], y[1], z[1], lower])
    }

    /// The number of the primitive.
    #[inline]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "exact")]
    pub(super) fn number(&self) -> u32 {
        (self.0[3] as u32) << 16 | self.0[7] as u32
    }
}

/// Boxes around primitives of a set, and around the sums of the corners of each one's box.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline {
    pub(super) boxes: Extent,
    pub(super) centres: Extent,
}

/// Half the surface of a box.
#[inline(always)]
pub(super) fn half_area(b: &Extent) -> f32 {
    let d = [b[4] + b[0], b[5] + b[1], b[6] + b[2]];
    d[0] * (d[1] + d[2]) + d[1] * d[2]
}

/// The sum of the corners of a primitive's box, as a box.
#[inline(always)]
fn centre<O: Octet>(o: O, item: O::Numbers) -> O::Numbers {
    o.sub(item, o.swap(item))
}

/// The outline of primitives.
pub(super) struct Around<'a>(pub(super) &'a [Item]);

impl Task for Around<'_> {
    type Output = Outline;

    #[inline(always)]
    fn run<O: Octet>(self, o: O) -> Outline {
        let (mut boxes, mut centres) = (o.load(&NOTHING), o.load(&NOTHING));
        for item in self.0 {
            let own = o.load(&item.0);
            boxes = o.greater(own, boxes);
            centres = o.greater(centre(o, own), centres);
        }
        Outline { boxes: o.store(boxes), centres: o.store(centres) }
    }
}

/// Where centres fall among the bins.
#[derive(Clone, Copy, Debug)]
struct Bins {
    first: [f32; 3],
    scale: [f32; 3],
}

impl Bins {
    #[inline(always)]
    fn new(centres: &Extent) -> Self {
        let extent = |k: usize| centres[4 + k] + centres[k];
        // a little less than all bins: what is rounded up stays within the last
        let scale = |k: usize| if extent(k) > 0.0 { (BINS as f32 - 0.01) / extent(k) } else { 0.0 };
        let scale = [scale(0), scale(1), scale(2)];
        Self { first: [-centres[0], -centres[1], -centres[2]], scale }
    }

    #[inline(always)]
    fn of(&self, item: &Item, axis: usize) -> usize {
        let centre = item.0[4 + axis] - item.0[axis];
        let place = (centre - self.first[axis]) * self.scale[axis] - 0.499;
        (place + ROUNDS).to_bits() as usize % BINS
    }
}

/// Partitions primitives in place; the outlines of both sides, and how many stand on the first. `None` where all centres coincide.
pub(super) struct Split<'a> {
    pub(super) items: &'a mut [Item],
    pub(super) centres: &'a Extent,
}

impl Task for Split<'_> {
    type Output = Option<(usize, [Outline; 2])>;

    #[inline(always)]
    fn run<O: Octet>(self, o: O) -> Self::Output {
        let bins = Bins::new(self.centres);
        let mut boxes = [[NOTHING; BINS]; 3];
        let mut counts = [[0_u32; BINS]; 3];
        for item in &*self.items {
            let own = o.load(&item.0);
            for axis in 0..3 {
                let bin = bins.of(item, axis);
                let place = &mut boxes[axis][bin];
                *place = o.store(o.greater(own, o.load(place)));
                counts[axis][bin] += 1;
            }
        }
        let mut best: Option<Cut> = None;
        for axis in 0..3 {
            if bins.scale[axis] > 0.0 && bins.scale[axis].is_finite() {
                best_cut(o, axis, &boxes[axis], &counts[axis], &mut best);
            }
        }
        let Cut { axis, last, boxes, .. } = best?;
        let (left, centres) = partition(
            o,
            self.items,
            #[inline(always)]
            |item: &Item| bins.of(item, axis) <= last,
        );
        let outline = |side: usize| Outline { boxes: boxes[side], centres: centres[side] };
        (left > 0 && left < self.items.len()).then(|| (left, [outline(0), outline(1)]))
    }
}

/// Lets those that are `first` stand before the others; how many these are, and the boxes around centres of both. It swaps without asking,
/// which would be answered as often with yes as with no.
#[inline(always)]
fn partition<O: Octet>(
    o: O,
    items: &mut [Item],
    first: impl Fn(&Item) -> bool,
) -> (usize, [Extent; 2]) {
    let none = o.load(&NOTHING);
    let (mut left, mut centres) = (0, [none; 2]);
    for k in 0..items.len() {
        let item = items[k];
        let is_first = first(&item);
        let own = centre(o, o.load(&item.0));
        let (a, b) = if is_first { (own, none) } else { (none, own) };
        centres = [o.greater(a, centres[0]), o.greater(b, centres[1])];
        items[k] = items[left];
        items[left] = item;
        left += usize::from(is_first);
    }
    (left, [o.store(centres[0]), o.store(centres[1])])
}

/// A cut between two bins.
struct Cut {
    /// The sum of area times tries over both sides.
    cost: f32,
    axis: usize,
    /// The last bin on the first side.
    last: usize,
    boxes: [Extent; 2],
}

/// The best cut along an axis, where it is better than what is known.
#[inline(always)]
fn best_cut<O: Octet>(
    o: O,
    axis: usize,
    boxes: &[Extent; BINS],
    counts: &[u32; BINS],
    best: &mut Option<Cut>,
) {
    let mut after = [(NOTHING, 0.0); BINS];
    let (mut sum, mut count) = (o.load(&NOTHING), 0);
    for k in (1..BINS).rev() {
        sum = o.greater(o.load(&boxes[k]), sum);
        count += counts[k];
        let extent = o.store(sum);
        after[k] = (extent, cost(&extent, count));
    }
    let (mut sum, mut count) = (o.load(&NOTHING), 0);
    for k in 0..BINS - 1 {
        sum = o.greater(o.load(&boxes[k]), sum);
        count += counts[k];
        let extent = o.store(sum);
        let total = cost(&extent, count) + after[k + 1].1;
        if best.as_ref().is_none_or(|b| total < b.cost) {
            *best = Some(Cut { cost: total, axis, last: k, boxes: [extent, after[k + 1].0] });
        }
    }
}

/// What it costs to try primitives: four or fewer are one try.
#[inline(always)]
fn cost(extent: &Extent, count: u32) -> f32 {
    if count == 0 { f32::INFINITY } else { half_area(extent) * count.div_ceil(4) as f32 }
}
