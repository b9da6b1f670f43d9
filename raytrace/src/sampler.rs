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
        let index = owen(sample.reverse_bits(), self.order); // reversed: both users want it so
        let x = owen(index.reverse_bits(), self.scramble[0]);
        let y = owen(pascal(index.reverse_bits()).reverse_bits(), self.scramble[1]);
        [x.reverse_bits(), y.reverse_bits()]
    }

    /// Points from `first` on, side by side.
    pub(crate) fn points(&self, first: u32, points: &mut [[f64; 2]]) {
        Arch::new().dispatch(Points { plane: *self, first, targets: points });
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
        const LANES: usize = 8;
        const STRIDE: u32 = 8;
        let mut sample = self.first;
        for points in self.targets.chunks_mut(LANES) {
            let mut lanes = [[0_u32; LANES]; 2];
            let [xs, ys] = &mut lanes;
            for ((k, x), y) in (0..).zip(xs).zip(ys) {
                [*x, *y] = self.plane.bits(sample.wrapping_add(k));
            }
            for (k, point) in points.iter_mut().enumerate() {
                *point = [lanes[0][k], lanes[1][k]].map(within);
            }
            sample = sample.wrapping_add(STRIDE);
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

/// The second generator matrix of Sobol' (Pascal's triangle mod 2) times the bits of `i`, digits reversed.
#[inline(always)]
fn pascal(i: u32) -> u32 {
    let mut x = i.reverse_bits();
    x ^= (x & 0x0000_ffff) << 16;
    x ^= (x & 0x00ff_00ff) << 8;
    x ^= (x & 0x0f0f_0f0f) << 4;
    x ^= (x & 0x3333_3333) << 2;
    x ^ ((x & 0x5555_5555) << 1)
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
