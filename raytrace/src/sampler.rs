//! Points of the unit square from keyed counters: Owen-scrambled (0,2)-sequences, padded.
//!
//! Each pair of dimensions of each pixel is the Sobol' sequence of two dimensions in a random order and under a random nested
//! scrambling (Owen 1995), both made by a hash (Laine & Karras 2011; Burley, JCGT 9(4), 2020). Every point is
//! addressed by (seed, key, purpose, camera, pixel, sample, dimension), so no state is shared. Any `2^k` consecutive samples from a multiple of `2^k`
//! hit every elementary interval of area `2^-k` once.
#![expect(clippy::inline_always, reason = "the loops take the instruction set of the caller")]

use cotangent_ad::random::Stream;
use pulp::{Arch, NullaryFnOnce};

/// What a stream of random numbers is for: streams of different purposes are independent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Camera paths of an image.
    Path = 0,
    /// Points on the edges that the camera sees.
    PrimaryEdge = 1,
    /// Shading points from which shadow edges are sampled.
    ShadowEdge = 2,
    /// Camera paths of a derivative.
    Interior = 3,
    /// Points on the borders of lamps' shadows.
    LampEdge = 4,
}

/// Names one draw of everything that is random in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw {
    pub(crate) seed: u64,
    pub(crate) key: u64,
    pub(crate) camera: usize,
}

/// Two dimensions of one pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plane {
    order: u32,
    scramble: [u32; 2],
}

impl Plane {
    /// The pair of dimensions `dimension` of `pixel`.
    pub(crate) fn new(draw: Draw, purpose: Purpose, pixel: usize, dimension: u64) -> Self {
        let Draw { seed, key, camera } = draw;
        let name = [seed, key, purpose as u64, camera as u64, pixel as u64, dimension];
        let stream = Stream::new(&name);
        let half = |k: u64| {
            let bits = stream.bits(k);
            [bits >> 32, bits & 0xffff_ffff].map(|b| u32::try_from(b).expect("32 bits"))
        };
        Self { order: half(0)[0], scramble: half(1) }
    }

    /// Point `sample`, strictly inside the unit square.
    #[inline]
    pub(crate) fn point(&self, sample: u32) -> [f64; 2] {
        self.bits(sample).map(within)
    }

    /// The same in 32 bits each.
    #[inline(always)]
    fn bits(&self, sample: u32) -> [u32; 2] {
        let index = owen(sample.reverse_bits(), self.order).reverse_bits();
        let x = owen(index, self.scramble[0]);
        let y = owen(pascal(index), self.scramble[1]);
        [x.reverse_bits(), y.reverse_bits()]
    }

    /// Points from `first` on, side by side.
    pub(crate) fn points(&self, first: u32, points: &mut [[f64; 2]]) {
        Arch::new().dispatch(Points { plane: *self, first, targets: points });
    }

    /// Of the points from `first` on those whose places are `chosen`, side by side.
    pub(crate) fn some_points(&self, first: u32, chosen: &[usize], points: &mut [[f64; 2]]) {
        Arch::new().dispatch(SomePoints { plane: *self, first, chosen, targets: points });
    }
}

/// Points that are drawn side by side, in 32 bits each.
#[repr(align(64))]
struct Lanes {
    samples: [u32; Self::COUNT],
    x: [u32; Self::COUNT],
    y: [u32; Self::COUNT],
}

impl Lanes {
    const COUNT: usize = 64;
    /// Lanes come in multiples of this, so that no vector is cut.
    const STEP: usize = 16;
    const NONE: Self = Self { samples: [0; Self::COUNT], x: [0; Self::COUNT], y: [0; Self::COUNT] };

    /// The points of the first `count` samples.
    #[inline(always)]
    fn draw(&mut self, plane: &Plane, count: usize) {
        // a loop whose length the compiler knows is unrolled before it may become vector instructions
        for k in 0..count.next_multiple_of(Self::STEP).min(Self::COUNT) {
            [self.x[k], self.y[k]] = plane.bits(self.samples[k]);
        }
    }

    #[inline(always)]
    fn point(&self, k: usize) -> [f64; 2] {
        [self.x[k], self.y[k]].map(within)
    }
}

struct Points<'a> {
    plane: Plane,
    first: u32,
    targets: &'a mut [[f64; 2]],
}

impl NullaryFnOnce for Points<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (mut lanes, mut sample) = (Lanes::NONE, self.first);
        for points in self.targets.chunks_mut(Lanes::COUNT) {
            for place in &mut lanes.samples {
                *place = sample;
                sample = sample.wrapping_add(1);
            }
            lanes.draw(&self.plane, points.len());
            for (k, point) in points.iter_mut().enumerate() {
                *point = lanes.point(k);
            }
        }
    }
}

struct SomePoints<'a> {
    plane: Plane,
    first: u32,
    chosen: &'a [usize],
    targets: &'a mut [[f64; 2]],
}

impl NullaryFnOnce for SomePoints<'_> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "samples are counted by 32 bits")]
    fn call(self) {
        let mut lanes = Lanes::NONE;
        for chosen in self.chosen.chunks(Lanes::COUNT) {
            for (sample, place) in lanes.samples.iter_mut().zip(chosen) {
                *sample = self.first.wrapping_add(*place as u32);
            }
            lanes.draw(&self.plane, chosen.len());
            for (k, place) in chosen.iter().enumerate() {
                self.targets[*place] = lanes.point(k);
            }
        }
    }
}

/// The middle of an interval of the unit one.
#[inline(always)]
fn within(bits: u32) -> f64 {
    (f64::from(bits) + 0.5) * (1.0 / 4_294_967_296.0)
}

/// Nested scrambling of a number whose bits are reversed: bit `k` is flipped by a hash of the bits below it.
/// Constants by N. Vegdahl (2021), after Laine & Karras.
#[inline(always)]
fn owen(mut x: u32, seed: u32) -> u32 {
    x ^= x.wrapping_mul(0x3d20_adea);
    x = x.wrapping_add(seed);
    x = x.wrapping_mul((seed >> 16) | 1);
    x ^= x.wrapping_mul(0x0552_6c56);
    x ^ x.wrapping_mul(0x53a2_2864)
}

/// The second generator matrix of Sobol' (Pascal's triangle mod 2) times the bits of `i`, the first digit in the lowest bit.
#[inline(always)]
fn pascal(i: u32) -> u32 {
    let mut x = i;
    x ^= (x & 0xffff_0000) >> 16;
    x ^= (x & 0xff00_ff00) >> 8;
    x ^= (x & 0xf0f0_f0f0) >> 4;
    x ^= (x & 0xcccc_cccc) >> 2;
    x ^ ((x & 0xaaaa_aaaa) >> 1)
}

#[cfg(test)]
mod tests {
    use super::{Draw, Plane, Purpose};

    fn draw(seed: u64) -> Draw {
        Draw { seed, key: 0, camera: 0 }
    }

    #[test]
    fn every_elementary_interval_is_hit_once() {
        for (seed, first, log2) in [(0, 0, 6), (3, 64, 6), (9, 0, 8)] {
            let plane = Plane::new(draw(seed), Purpose::Path, 17, 2);
            let n = 1_u32 << log2;
            let points: Vec<_> = (first..first + n).map(|k| plane.point(k)).collect();
            for a in 0..=log2 {
                let (columns, rows) = (1_usize << a, 1_usize << (log2 - a));
                let mut hits = vec![0; n as usize];
                for [x, y] in &points {
                    let cell = |u: f64, cells: usize| (u * cells as f64) as usize;
                    hits[cell(*x, columns) * rows + cell(*y, rows)] += 1;
                }
                assert!(hits.iter().all(|h| *h == 1), "{columns} x {rows} of seed {seed}");
            }
        }
    }

    #[test]
    fn points_side_by_side_are_those_alone() {
        let plane = Plane::new(draw(11), Purpose::Path, 5, 1);
        for (first, count) in [(0, 1), (0, 64), (7, 15), (64, 17), (3, 63), (u32::MAX - 70, 150)] {
            let alone = |k: usize| plane.point(first.wrapping_add(u32::try_from(k).unwrap()));
            let mut points = vec![[0.0; 2]; count];
            plane.points(first, &mut points);
            assert_eq!(points, (0..count).map(alone).collect::<Vec<_>>());
            let chosen: Vec<usize> = (0..count).filter(|k| k % 5 != 3).collect();
            let mut some = vec![[2.0; 2]; count];
            plane.some_points(first, &chosen, &mut some);
            for (k, point) in some.into_iter().enumerate() {
                assert_eq!(point, if k % 5 == 3 { [2.0; 2] } else { alone(k) });
            }
        }
    }

    #[test]
    fn pixels_and_dimensions_are_uncorrelated() {
        let n = 4096_u32;
        let plane = |pixel, dimension| Plane::new(draw(5), Purpose::Path, pixel, dimension);
        for (a, b) in [(plane(0, 0), plane(1, 0)), (plane(0, 0), plane(0, 1))] {
            for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let term = |k| (a.point(k)[i] - 0.5) * (b.point(k)[j] - 0.5) * 12.0;
                let correlation = (0..n).map(term).sum::<f64>() / f64::from(n);
                assert!(correlation.abs() < 4.0 / 64.0, "{correlation}");
            }
        }
    }
}
