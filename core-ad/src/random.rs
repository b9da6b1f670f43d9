//! Random numbers from keyed counters.
//!
//! A stream is named by integers (seed, purpose, generation, ...) and its numbers are addressed, not drawn: the same name
//! and index give the same number on any thread, in any order. The generator is the SplitMix64 finaliser (Steele, Lea &
//! Flood, OOPSLA 2014) over the absorbed key, which passes BigCrush as a counter-based generator.

use std::f64::consts::TAU;

/// A named, stateless stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream(u64);

/// SplitMix64's finaliser: a bijection of 64 bits.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Stream {
    /// The stream of this name.
    pub fn new(name: &[u64]) -> Self {
        let absorb = |h: u64, word: &u64| mix(h.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ mix(*word));
        Self(name.iter().fold(0x243f_6a88_85a3_08d3, absorb))
    }

    /// 64 random bits at `index`.
    pub fn bits(&self, index: u64) -> u64 {
        mix(self.0.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// Uniform in `[0, 1)`, a multiple of `2^-53`.
    pub fn uniform(&self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Standard normal (Box & Muller 1958).
    pub fn normal(&self, index: u64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform(2 * index)).ln()).sqrt();
        radius * (TAU * self.uniform(2 * index + 1)).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::Stream;

    #[test]
    fn moments_are_those_of_the_distributions() {
        let stream = Stream::new(&[1, 2, 3]);
        let n = 200_000;
        let mean = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
        // four standard errors each
        assert!((mean(&|k| stream.uniform(k)) - 0.5).abs() < 4.0 * 0.2887 / 447.0);
        assert!(mean(&|k| stream.normal(k)).abs() < 4.0 / 447.0);
        assert!((mean(&|k| stream.normal(k).powi(2)) - 1.0).abs() < 4.0 * 1.414 / 447.0);
        assert!((mean(&|k| stream.normal(k).powi(4)) - 3.0).abs() < 4.0 * 9.8 / 447.0);
        assert!(mean(&|k| stream.normal(k) * stream.normal(k + 1)).abs() < 4.0 / 447.0);
    }

    #[test]
    fn names_tell_streams_apart() {
        let a = Stream::new(&[0, 1]).bits(0);
        assert_ne!(a, Stream::new(&[1, 0]).bits(0));
        assert_ne!(a, Stream::new(&[0, 1]).bits(1));
        assert_eq!(a, Stream::new(&[0, 1]).bits(0));
    }
}
