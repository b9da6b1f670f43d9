//! Convolutions over the grid.

use pulp::{Arch, Simd, WithSimd};

use crate::one_d::functional::plane::Plane;
use crate::one_d::functional::signal::{BLOCK, HALO, Signal};

/// A convolution over the grid, zero outside, without bias:
/// `y[i][o] = sum_(k, c) weights[k][c][o] x[i + k - (taps - 1)/2][c]`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::one_d) struct Convolution {
    taps: usize,
    inputs: usize,
    outputs: usize,
    forward: Kernel,
    /// Mirrored and transposed: the adjoint's.
    backward: Kernel,
}

/// Weights `[tap][from][to]`, `to` padded.
#[derive(Clone, Debug, PartialEq)]
struct Kernel {
    taps: usize,
    from: usize,
    to: usize,
    weights: Vec<f64>,
}

impl Kernel {
    fn new(
        taps: usize,
        from: usize,
        to: usize,
        weight: impl Fn(usize, usize, usize) -> f64,
    ) -> Self {
        let width = to.next_multiple_of(BLOCK);
        let mut weights = vec![0.0; taps * from * width];
        for k in 0..taps {
            for f in 0..from {
                for t in 0..to {
                    weights[(k * from + f) * width + t] = weight(k, f, t);
                }
            }
        }
        Self { taps, from, to, weights }
    }

    fn apply(&self, x: &Signal) -> Signal {
        let mut y = Signal::stale(x.points, self.to, !x.tangent.is_empty());
        let (points, x_width, y_width) = (x.points, x.width, y.width);
        for (x, y) in x.planes().zip(y.planes_mut()) {
            Arch::new().dispatch(Correlate { kernel: self, points, x, x_width, y, y_width });
        }
        y
    }
}

impl Convolution {
    /// From `weights` of shape `taps x inputs x outputs`, row-major; 1 or 3 taps.
    pub(in crate::one_d) fn new(
        taps: usize,
        inputs: usize,
        outputs: usize,
        weights: &[f64],
    ) -> Self {
        assert!(taps == 1 || taps == 2 * HALO + 1, "a convolution has 1 or 3 taps");
        let at = |k: usize, c: usize, o: usize| weights[(k * inputs + c) * outputs + o];
        Self {
            taps,
            inputs,
            outputs,
            forward: Kernel::new(taps, inputs, outputs, at),
            backward: Kernel::new(taps, outputs, inputs, |k, o, c| at(taps - 1 - k, c, o)),
        }
    }

    pub(in crate::one_d) fn forward(&self, x: &Signal) -> Signal {
        self.forward.apply(x)
    }

    /// Cotangent of the input from that of the output.
    pub(in crate::one_d) fn backward(&self, y_bar: &Signal) -> Signal {
        self.backward.apply(y_bar)
    }

    /// The cotangent of the weights: `sum_i x.value[i + k][c] a[i][o] + tangent_weight x.tangent[i + k][c] y_bar.value[i][o]`, where
    /// `a = tangent_weight y_bar.tangent + value_weight y_bar.value`.
    pub(in crate::one_d) fn weight_gradient(
        &self,
        x: &Signal,
        y_bar: &Signal,
        pull: &Pull,
    ) -> Vec<f64> {
        self.pulled(x, &x.tangent, [&y_bar.value, &y_bar.tangent], y_bar.width, pull)
    }

    /// [`Self::weight_gradient`] of planes: the value of `x` with a tangent of its own, and value and tangent of a cotangent whose points
    /// have `width` channels.
    pub(in crate::one_d) fn pulled(
        &self,
        x: &Signal,
        x_dot: &[f64],
        [bar, bar_dot]: [&[f64]; 2],
        width: usize,
        pull: &Pull,
    ) -> Vec<f64> {
        let mut sums = vec![0.0; self.taps * self.inputs * width];
        let (taps, inputs) = (self.taps, self.inputs);
        let (points, x_width, y_width) = (x.points, x.width, width);
        let add = |x: &[f64], y: &[f64], sums: &mut [f64]| {
            let sum = Accumulate { taps, inputs, points, x, x_width, y, y_width, sums };
            Arch::new().dispatch(sum);
        };
        if !x_dot.is_empty() {
            add(x_dot, bar, &mut sums);
            sums.iter_mut().for_each(|sum| *sum *= pull.tangent_weight);
        }
        let a = pull.of_values(bar, bar_dot);
        add(&x.value, &a, &mut sums);
        sums.chunks_exact(width).flat_map(|row| &row[..self.outputs]).copied().collect()
    }
}

/// How value and tangent of a gradient make the adjoint that is wanted: `value_weight g + tangent_weight g_dot`.
#[derive(Clone, Copy, Debug)]
pub(in crate::one_d) struct Pull {
    pub value_weight: f64,
    pub tangent_weight: f64,
}

impl Pull {
    /// What multiplies the values of the other factor of a bilinear form: `tangent_weight tangent + value_weight value`. Its tangents are
    /// multiplied by `tangent_weight value`.
    pub(in crate::one_d) fn of_values(&self, value: &[f64], tangent: &[f64]) -> Plane {
        if tangent.is_empty() {
            return value.iter().map(|v| self.value_weight * v).collect();
        }
        let both = |(v, t)| self.value_weight * v + self.tangent_weight * t;
        value.iter().zip(tangent).map(both).collect()
    }
}

/// Points that a tile of the convolution holds in registers. Twelve, where there are thirty-two of them, took a quarter longer.
const TILE: usize = 5;

struct Correlate<'a> {
    kernel: &'a Kernel,
    points: usize,
    x: &'a [f64],
    x_width: usize,
    y: &'a mut [f64],
    y_width: usize,
}

impl WithSimd for Correlate<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "the loops take the instruction set of the caller")]
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut i = 0;
        while i + TILE <= self.points {
            self.tile::<S, TILE>(simd, i);
            i += TILE;
        }
        while i < self.points {
            self.tile::<S, 1>(simd, i);
            i += 1;
        }
    }
}

impl Correlate<'_> {
    /// `T` points from point `i`, two registers of outputs at a time.
    #[expect(clippy::inline_always, reason = "the loops take the instruction set of the caller")]
    #[inline(always)]
    fn tile<S: Simd, const T: usize>(&mut self, simd: S, i: usize) {
        let Kernel { taps, from, ref weights, .. } = *self.kernel;
        let (weights, _) = S::as_simd_f64s(weights);
        let vectors = self.y_width / S::F64_LANES;
        let blocks = self.x_width / BLOCK;
        let (x, _) = self.x.as_chunks::<BLOCK>();
        for v in (0..vectors).step_by(2) {
            let mut sums = [[simd.splat_f64s(0.0); 2]; T];
            for k in 0..taps {
                let first = i + k + HALO - taps / 2;
                for block in 0..blocks {
                    let rows: [&[f64; BLOCK]; T] =
                        std::array::from_fn(|t| &x[(first + t) * blocks + block]);
                    let channels = BLOCK.min(from - block * BLOCK);
                    let at = (k * from + block * BLOCK) * vectors;
                    let weights = &weights[at..at + channels * vectors];
                    for (c, w) in weights.chunks_exact(vectors).take(BLOCK).enumerate() {
                        let w = [w[v], w[v + 1]];
                        for t in 0..T {
                            let x = simd.splat_f64s(rows[t][c % BLOCK]);
                            sums[t][0] = simd.mul_add_e_f64s(x, w[0], sums[t][0]);
                            sums[t][1] = simd.mul_add_e_f64s(x, w[1], sums[t][1]);
                        }
                    }
                }
            }
            // nothing but plain stores, or the sums would live in memory
            let rows = &mut self.y[(HALO + i) * self.y_width..][..T * self.y_width];
            let (rows, _) = S::as_mut_simd_f64s(rows);
            for t in 0..T {
                rows[t * vectors + v] = sums[t][0];
                rows[t * vectors + v + 1] = sums[t][1];
            }
        }
    }
}

/// Input channels whose sums a tile of the weights' gradient holds in registers.
const CHANNELS: usize = 4;

/// Points between two visits of the sums in memory: rows of both signals stay in the nearest cache.
const STRETCH: usize = 64;

struct Accumulate<'a> {
    taps: usize,
    inputs: usize,
    points: usize,
    x: &'a [f64],
    x_width: usize,
    y: &'a [f64],
    y_width: usize,
    sums: &'a mut [f64],
}

impl WithSimd for Accumulate<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "the loops take the instruction set of the caller")]
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for from in (0..self.points).step_by(STRETCH) {
            let to = (from + STRETCH).min(self.points);
            for k in 0..self.taps {
                let mut c = 0;
                while c + CHANNELS <= self.inputs {
                    self.tile::<S, CHANNELS>(simd, from..to, k, c);
                    c += CHANNELS;
                }
                while c < self.inputs {
                    self.tile::<S, 1>(simd, from..to, k, c);
                    c += 1;
                }
            }
        }
    }
}

impl Accumulate<'_> {
    /// Tap `k`, `C` input channels from `c`, over some points.
    #[expect(clippy::inline_always, reason = "the loops take the instruction set of the caller")]
    #[inline(always)]
    fn tile<S: Simd, const C: usize>(
        &mut self,
        simd: S,
        points: std::ops::Range<usize>,
        k: usize,
        c: usize,
    ) {
        let vectors = self.y_width / S::F64_LANES;
        let (sums, _) = S::as_mut_simd_f64s(self.sums);
        let (y, _) = S::as_simd_f64s(self.y);
        let ahead = k + HALO - self.taps / 2;
        for v in (0..vectors).step_by(2) {
            let first = (k * self.inputs + c) * vectors;
            let sums = &mut sums[first..first + C * vectors];
            let mut tile = [[simd.splat_f64s(0.0); 2]; C];
            for j in 0..C {
                tile[j] = [sums[j * vectors + v], sums[j * vectors + v + 1]];
            }
            for i in points.clone() {
                let x = &self.x[(i + ahead) * self.x_width + c..][..C];
                let y = &y[(i + HALO) * vectors + v..][..2];
                for j in 0..C {
                    let x = simd.splat_f64s(x[j]);
                    tile[j][0] = simd.mul_add_e_f64s(x, y[0], tile[j][0]);
                    tile[j][1] = simd.mul_add_e_f64s(x, y[1], tile[j][1]);
                }
            }
            for j in 0..C {
                sums[j * vectors + v] = tile[j][0];
                sums[j * vectors + v + 1] = tile[j][1];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Convolution, Pull};
    use crate::one_d::functional::signal::Signal;

    fn signal(points: usize, channels: usize, phase: f64) -> Signal {
        let mut s = Signal::zeros(points, channels, true);
        let (inner, width) = (s.inner(), s.width);
        for plane in s.planes_mut() {
            for (i, row) in plane[inner.clone()].chunks_exact_mut(width).enumerate() {
                for (c, x) in row[..channels].iter_mut().enumerate() {
                    *x = ((i * 7 + c * 3) as f64 + phase).sin();
                }
            }
        }
        s.tangent.iter_mut().for_each(|t| *t *= 0.3);
        s
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn a_convolution_is_its_sum() {
        for (taps, inputs, outputs, points) in [(3, 2, 3, 11), (1, 5, 1, 8), (3, 18, 17, 13)] {
            let w: Vec<f64> = (0..taps * inputs * outputs).map(|k| (k as f64).cos()).collect();
            let x = signal(points, inputs, 0.2);
            let y = Convolution::new(taps, inputs, outputs, &w).forward(&x);
            for i in 0..points {
                for o in 0..outputs {
                    let mut sum = 0.0;
                    for k in 0..taps {
                        let row = i + k + 1 - taps / 2;
                        for c in 0..inputs {
                            sum += w[(k * inputs + c) * outputs + o] * x.value[row * x.width + c];
                        }
                    }
                    let found = y.value[(i + 1) * y.width + o];
                    assert!((found - sum).abs() < 1e-13, "point {i} output {o}: {found} {sum}");
                }
            }
        }
    }

    #[test]
    fn adjoints_pass_the_dot_product_test() {
        for (taps, inputs, outputs) in [(3, 2, 3), (1, 5, 2), (3, 17, 16)] {
            let w: Vec<f64> = (0..taps * inputs * outputs).map(|k| (k as f64).cos()).collect();
            let convolution = Convolution::new(taps, inputs, outputs, &w);
            let (x, bar) = (signal(70, inputs, 0.2), signal(70, outputs, 1.1));
            let y = convolution.forward(&x);
            let x_bar = convolution.backward(&bar);
            let forward = dot(&y.value, &bar.value);
            assert!((forward - dot(&x.value, &x_bar.value)).abs() < 1e-12 * forward.abs().max(1.0));
            // the form is linear in the weights: its gradient times the weights is the form
            let pull = Pull { value_weight: 0.7, tangent_weight: 0.4 };
            let along = dot(&convolution.weight_gradient(&x, &bar, &pull), &w);
            let expected =
                0.7 * forward + 0.4 * (dot(&y.tangent, &bar.value) + dot(&y.value, &bar.tangent));
            assert!((along - expected).abs() < 1e-11 * expected.abs().max(1.0));
        }
    }
}
