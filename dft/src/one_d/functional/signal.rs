//! Signals over the grid that run through a network, each with an optional tangent.
//!
//! Everything in the network but SiLU is linear, so the derivative along a direction of the density is a second plane that
//! runs through the same passes. Channels are stored beside each other, padded to blocks that fill vector registers, so a
//! filter or convolution treats all channels of a point at once; each entry is summed in one order whatever the width of
//! the machine's registers.

use cotangent_ad::Dual;
use pulp::Arch;

use crate::exponential::exp;
use crate::one_d::functional::plane::Plane;

/// Channels are padded to a multiple of this.
pub(in crate::one_d) const BLOCK: usize = 16;

/// Rows of zeros before and after the grid: what a convolution of width 3 reaches.
pub(in crate::one_d) const HALO: usize = 1;

/// One channel: `n` values and `n` tangents, or none.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::one_d) struct Line {
    pub value: Vec<f64>,
    pub tangent: Vec<f64>,
}

impl Line {
    /// Value and, where there is one, tangent.
    pub(in crate::one_d) fn planes_mut(&mut self) -> impl Iterator<Item = &mut Vec<f64>> {
        [&mut self.value, &mut self.tangent].into_iter().filter(|p| !p.is_empty())
    }

    pub(in crate::one_d) fn scaled(&self, factor: f64) -> Self {
        let mut scaled = self.clone();
        scaled.planes_mut().for_each(|p| p.iter_mut().for_each(|x| *x *= factor));
        scaled
    }

    /// `self + factor other`.
    pub(in crate::one_d) fn plus(&self, factor: f64, other: &Self) -> Self {
        let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + factor * b).collect();
        Self { value: sum(&self.value, &other.value), tangent: sum(&self.tangent, &other.tangent) }
    }

    /// Sum of products.
    pub(in crate::one_d) fn dot(&self, other: &Self) -> Dual<f64, 1> {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let tangent = dot(&self.tangent, &other.value) + dot(&self.value, &other.tangent);
        Dual { re: dot(&self.value, &other.value), eps: [tangent] }
    }

    /// `SiLU` of every entry, and the slopes.
    pub(in crate::one_d) fn silu(self) -> (Self, Slopes) {
        let slopes = Slopes::new(self.value.into(), self.tangent.into());
        let (value, tangent) = slopes.silu();
        (Self { value: value.into_vec(), tangent: tangent.into_vec() }, slopes)
    }
}

/// Channels over grid points.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::one_d) struct Signal {
    pub points: usize,
    /// Padded number of channels.
    pub width: usize,
    /// Point-major, `(n + 2 HALO) x width`; padding and halo are zero.
    pub value: Plane,
    /// The same, or empty.
    pub tangent: Plane,
}

impl Signal {
    pub(in crate::one_d) fn zeros(points: usize, channels: usize, has_tangent: bool) -> Self {
        let width = channels.next_multiple_of(BLOCK);
        let plane = || Plane::zeros((points + 2 * HALO) * width);
        let tangent = if has_tangent { plane() } else { Plane::default() };
        Self { points, width, value: plane(), tangent }
    }

    /// Signals of any value but in the halo, for what will be written whole with its padding.
    pub(in crate::one_d) fn stale(points: usize, channels: usize, has_tangent: bool) -> Self {
        let width = channels.next_multiple_of(BLOCK);
        let plane = || {
            let mut plane = Plane::stale((points + 2 * HALO) * width);
            plane[..HALO * width].fill(0.0);
            plane[(HALO + points) * width..].fill(0.0);
            plane
        };
        let tangent = if has_tangent { plane() } else { Plane::default() };
        Self { points, width, value: plane(), tangent }
    }

    /// Value and, where there is one, tangent: what linear maps treat alike.
    pub(in crate::one_d) fn planes(&self) -> impl Iterator<Item = &[f64]> {
        [&self.value, &self.tangent].into_iter().filter(|p| !p.is_empty()).map(|p| &**p)
    }

    pub(in crate::one_d) fn planes_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        [&mut self.value, &mut self.tangent].into_iter().filter(|p| !p.is_empty()).map(|p| &mut **p)
    }

    /// Adds `factor other`.
    pub(in crate::one_d) fn add(&mut self, factor: f64, other: &Self) {
        for (plane, other) in self.planes_mut().zip(other.planes()) {
            plane.iter_mut().zip(other).for_each(|(x, y)| *x += factor * y);
        }
    }

    pub(in crate::one_d) fn scale(&mut self, factor: f64) {
        self.planes_mut().for_each(|plane| plane.iter_mut().for_each(|x| *x *= factor));
    }

    /// The rows of grid points, without the halo.
    pub(in crate::one_d) fn inner(&self) -> std::ops::Range<usize> {
        HALO * self.width..(HALO + self.points) * self.width
    }

    /// `SiLU` of every entry, and the slopes.
    pub(in crate::one_d) fn silu(self) -> (Self, Slopes) {
        let Self { points, width, value, tangent } = self;
        let slopes = Slopes::new(value, tangent);
        let (value, tangent) = slopes.silu();
        (Self { points, width, value, tangent }, slopes)
    }

    /// Cotangent of `z` from that of `SiLU(z)`.
    pub(in crate::one_d) fn pull_silu(mut self, slopes: &Slopes) -> Self {
        slopes.pull(&mut self.value, &mut self.tangent);
        self
    }
}

/// What the derivatives of `SiLU(z) = z sigmoid(z)` need: `z`, its tangent and `sigmoid(z)`.
#[derive(Debug)]
pub(in crate::one_d) struct Slopes {
    z: Plane,
    z_dot: Plane,
    sigmoid: Plane,
}

impl Slopes {
    fn new(z: Plane, z_dot: Plane) -> Self {
        let mut sigmoid = Plane::stale(z.len());
        Arch::new().dispatch(|| {
            for (s, z) in sigmoid.iter_mut().zip(&*z) {
                *s = 1.0 / (1.0 + exp(-z));
            }
        });
        Self { z, z_dot, sigmoid }
    }

    /// The tangent of `SiLU(z)` by that of `z`.
    pub(in crate::one_d) fn pushed(&self, z_dot: &[f64]) -> Plane {
        let n = self.z.len();
        let (z, s, z_dot) = (&self.z[..n], &self.sigmoid[..n], &z_dot[..n]);
        let mut pushed = Plane::stale(n);
        Arch::new().dispatch(|| {
            for i in 0..n {
                pushed[i] = z_dot[i] * (s[i] * (1.0 + z[i] * (1.0 - s[i])));
            }
        });
        pushed
    }

    /// [`Slopes::pull`] of the tangent alone, where `bar` is the cotangent of `SiLU(z)` and `z_dot` the tangent of `z`.
    pub(in crate::one_d) fn pull_tangent(&self, bar: &[f64], z_dot: &[f64], tangent: &mut [f64]) {
        let n = self.z.len();
        let (z, s) = (&self.z[..n], &self.sigmoid[..n]);
        let (bar, z_dot, tangent) = (&bar[..n], &z_dot[..n], &mut tangent[..n]);
        Arch::new().dispatch(|| {
            for i in 0..n {
                let first = s[i] * (1.0 + z[i] * (1.0 - s[i]));
                let second = s[i] * (1.0 - s[i]) * (2.0 + z[i] * (1.0 - 2.0 * s[i]));
                tangent[i] = tangent[i] * first + bar[i] * second * z_dot[i];
            }
        });
    }

    fn silu(&self) -> (Plane, Plane) {
        let n = self.z.len();
        let (z, s, z_dot) = (&self.z[..n], &self.sigmoid[..n], &*self.z_dot);
        let (mut value, mut tangent) = (Plane::stale(n), Plane::stale(z_dot.len()));
        Arch::new().dispatch(|| {
            for i in 0..n {
                value[i] = z[i] * s[i];
            }
            for (i, (t, z_dot)) in tangent.iter_mut().zip(z_dot).enumerate() {
                *t = s[i] * (1.0 + z[i] * (1.0 - s[i])) * z_dot;
            }
        });
        (value, tangent)
    }

    /// Turns cotangents of `SiLU(z)` and of its tangent into those of `z` and of its tangent.
    pub(in crate::one_d) fn pull(&self, value: &mut [f64], tangent: &mut [f64]) {
        let n = self.z.len();
        let (z, s, z_dot) = (&self.z[..n], &self.sigmoid[..n], &*self.z_dot);
        let value = &mut value[..n];
        Arch::new().dispatch(|| {
            for (i, (t, z_dot)) in tangent.iter_mut().zip(z_dot).enumerate() {
                let first = s[i] * (1.0 + z[i] * (1.0 - s[i]));
                let second = s[i] * (1.0 - s[i]) * (2.0 + z[i] * (1.0 - 2.0 * s[i]));
                *t = *t * first + value[i] * second * z_dot;
            }
            for i in 0..n {
                value[i] *= s[i] * (1.0 + z[i] * (1.0 - s[i]));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Plane, Slopes};

    #[test]
    fn silu_slopes_agree_with_central_differences() {
        let z: Vec<f64> = (-20..=20).map(|k| 0.31 * f64::from(k)).collect();
        let n = z.len();
        let silu =
            |t: f64| Slopes::new(z.iter().map(|z| z + t).collect(), Plane::default()).silu().0;
        let slope = |t: f64| {
            let moved: Plane = z.iter().map(|z| z + t).collect();
            let mut pulled = vec![1.0; n];
            Slopes::new(moved, Plane::default()).pull(&mut pulled, &mut []);
            pulled
        };
        let slopes = Slopes::new(z.clone().into(), vec![1.0; n].into());
        let (mut value, mut tangent) = (vec![1.0; n], vec![0.0; n]);
        slopes.pull(&mut value, &mut tangent);
        let h = 1e-5;
        for i in 0..n {
            let first = (silu(h)[i] - silu(-h)[i]) / (2.0 * h);
            let second = (slope(h)[i] - slope(-h)[i]) / (2.0 * h);
            assert!((value[i] - first).abs() < 1e-9 && (tangent[i] - second).abs() < 1e-9);
            assert!((slopes.silu().1[i] - value[i]).abs() < 1e-15);
        }
    }
}
