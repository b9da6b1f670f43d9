//! Convolutions over the grid, and the signals that run through them.

/// Channels over grid points, channel-major, with an optional tangent: the derivative of every value along one direction.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Signal {
    /// Grid points `n`.
    pub points: usize,
    /// `channels x n`.
    pub value: Vec<f64>,
    /// `channels x n`, or empty.
    pub tangent: Vec<f64>,
}

use cotangent_ad::Dual;

impl Signal {
    /// One channel.
    pub(super) fn new(value: Vec<f64>, tangent: Vec<f64>) -> Self {
        Self { points: value.len(), value, tangent }
    }

    pub(super) fn zeros(channels: usize, points: usize, has_tangent: bool) -> Self {
        let plane = vec![0.0; channels * points];
        let tangent = if has_tangent { plane.clone() } else { Vec::new() };
        Self { points, value: plane, tangent }
    }

    pub(super) fn has_tangent(&self) -> bool {
        !self.tangent.is_empty()
    }

    /// Value and, where there is one, tangent: what linear maps treat alike.
    pub(super) fn planes(&self) -> impl Iterator<Item = &[f64]> {
        [&self.value, &self.tangent].into_iter().filter(|p| !p.is_empty()).map(Vec::as_slice)
    }

    pub(super) fn planes_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        [&mut self.value, &mut self.tangent]
            .into_iter()
            .filter(|p| !p.is_empty())
            .map(Vec::as_mut_slice)
    }

    pub(super) fn scaled(&self, factor: f64) -> Self {
        let mut scaled = self.clone();
        scaled.planes_mut().for_each(|p| p.iter_mut().for_each(|x| *x *= factor));
        scaled
    }

    /// Sum of products of all entries.
    pub(super) fn dot(&self, other: &Self) -> Dual<f64, 1> {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let tangent = dot(&self.tangent, &other.value) + dot(&self.value, &other.tangent);
        Dual { re: dot(&self.value, &other.value), eps: [tangent] }
    }

    /// `SiLU` of every entry.
    pub(super) fn map_silu(&self) -> Self {
        let value = self.value.iter().map(|&z| z * sigmoid(z)).collect();
        let tangent =
            self.value.iter().zip(&self.tangent).map(|(&z, t)| silu_slopes(z).0 * t).collect();
        Self { points: self.points, value, tangent }
    }

    /// Cotangent of `z` (self) from that of `SiLU(z)`.
    pub(super) fn pull_silu(&self, bar: &Self) -> Self {
        let mut value = Vec::with_capacity(self.value.len());
        let mut tangent = Vec::with_capacity(self.tangent.len());
        if self.has_tangent() {
            for i in 0..self.value.len() {
                let (first, second) = silu_slopes(self.value[i]);
                value.push(bar.value[i] * first);
                tangent.push(bar.tangent[i] * first + bar.value[i] * second * self.tangent[i]);
            }
        } else {
            value.extend(self.value.iter().zip(&bar.value).map(|(&z, b)| b * silu_slopes(z).0));
        }
        Self { points: self.points, value, tangent }
    }
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// First and second derivative of `SiLU(z) = z sigmoid(z)`.
fn silu_slopes(z: f64) -> (f64, f64) {
    let s = sigmoid(z);
    let rest = 1.0 - s;
    (s * (1.0 + z * rest), s * rest * (2.0 + z * (1.0 - 2.0 * s)))
}

/// A convolution over the grid, zero outside, without bias:
/// `y[o][i] = sum_(k, c) weights[k][c][o] x[c][i + k - (width - 1)/2]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Convolution {
    /// Odd number of taps.
    pub width: usize,
    pub inputs: usize,
    pub outputs: usize,
    /// `width x inputs x outputs`, row-major.
    pub weights: Vec<f64>,
}

impl Convolution {
    fn weight(&self, k: usize, c: usize, o: usize) -> f64 {
        self.weights[(k * self.inputs + c) * self.outputs + o]
    }

    pub(super) fn forward(&self, x: &Signal) -> Signal {
        let n = x.points;
        let mut y = Signal::zeros(self.outputs, n, x.has_tangent());
        for (x, y) in x.planes().zip(y.planes_mut()) {
            for (o, y) in y.chunks_exact_mut(n).enumerate() {
                for (c, x) in x.chunks_exact(n).enumerate() {
                    self.accumulate(y, x, |k| self.weight(k, c, o));
                }
            }
        }
        y
    }

    /// Cotangent of the input from that of the output: the same convolution, mirrored and transposed.
    pub(super) fn backward(&self, y_bar: &Signal) -> Signal {
        let n = y_bar.points;
        let mut x_bar = Signal::zeros(self.inputs, n, y_bar.has_tangent());
        for (y_bar, x_bar) in y_bar.planes().zip(x_bar.planes_mut()) {
            for (c, x_bar) in x_bar.chunks_exact_mut(n).enumerate() {
                for (o, y_bar) in y_bar.chunks_exact(n).enumerate() {
                    self.accumulate(x_bar, y_bar, |k| self.weight(self.width - 1 - k, c, o));
                }
            }
        }
        x_bar
    }

    /// `target[i] += sum_k tap(k) source[i + k - reach]`, all taps of a point in one pass.
    fn accumulate(&self, target: &mut [f64], source: &[f64], tap: impl Fn(usize) -> f64) {
        let n = target.len();
        if self.width == 3 {
            let [left, middle, right] = [tap(0), tap(1), tap(2)];
            target[0] += middle * source[0] + right * source[1];
            for (t, s) in target[1..n - 1].iter_mut().zip(source.windows(3)) {
                *t += left * s[0] + middle * s[1] + right * s[2];
            }
            target[n - 1] += left * source[n - 2] + middle * source[n - 1];
            return;
        }
        let reach = self.width / 2;
        for k in 0..self.width {
            let w = tap(k);
            for i in reach.saturating_sub(k)..n.min(n + reach - k) {
                target[i] += w * source[i + k - reach];
            }
        }
    }

    /// Cotangents of the weights, and their directional derivatives.
    pub(super) fn weight_gradient(&self, x: &Signal, y_bar: &Signal) -> Vec<[f64; 2]> {
        let n = x.points;
        let mut gradient = Vec::with_capacity(self.weights.len());
        for k in 0..self.width {
            for c in 0..self.inputs {
                for o in 0..self.outputs {
                    let dot = |x: &[f64], y: &[f64]| {
                        self.correlation(k, &x[c * n..(c + 1) * n], &y[o * n..(o + 1) * n])
                    };
                    let value = dot(&x.value, &y_bar.value);
                    let tangent = if x.has_tangent() {
                        dot(&x.tangent, &y_bar.value) + dot(&x.value, &y_bar.tangent)
                    } else {
                        0.0
                    };
                    gradient.push([value, tangent]);
                }
            }
        }
        gradient
    }

    /// `sum_i y[i] x[i + k - reach]`, in eight partial sums that the compiler keeps in vector registers.
    fn correlation(&self, k: usize, x: &[f64], y: &[f64]) -> f64 {
        let (n, reach) = (x.len(), self.width / 2);
        let first = reach.saturating_sub(k);
        let count = n - reach.abs_diff(k);
        let (x, y) = (&x[first + k - reach..][..count], &y[first..][..count]);
        let mut sums = [0.0; 8];
        let (xs, ys) = (x.chunks_exact(8), y.chunks_exact(8));
        let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| x * y).sum();
        for (x, y) in xs.zip(ys) {
            for l in 0..8 {
                sums[l] += x[l] * y[l];
            }
        }
        sums.iter().sum::<f64>() + rest
    }
}
