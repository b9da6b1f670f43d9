//! The global features of a network: the density itself, and its convolutions with exponentials of trainable length.
//!
//! `f_0 = n`, `f_c,i = h/(2 l_c) sum_j q_c^|i-j| n_j` with `q_c = exp(-h/l_c)`,
//! `l_c = l_min + (l_max - l_min) sigmoid(eta_c)`. All channels run through two recursive passes together; channel 0 is a
//! filter with `q = 0`.

use pulp::Arch;

use crate::one_d::functional::convolution::Pull;
use crate::one_d::functional::signal::{BLOCK, Line, Signal};

/// Channels of one block.
type Lane = [f64; BLOCK];

/// The filters of a network on a grid.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::one_d) struct Features {
    /// Number of filters beside the density.
    count: usize,
    blocks: Vec<Block>,
}

/// Constants of [`BLOCK`] channels.
#[derive(Clone, Debug, PartialEq)]
struct Block {
    q: Lane,
    /// `h/(2 l)`; 1 for the density, 0 for padding.
    scale: Lane,
    /// `h/l`.
    rate: Lane,
    /// `d ln l/d eta`.
    slope: Lane,
}

impl Features {
    /// Filters of the lengths between `low` and `high` that `eta` says, on a grid of spacing `h`.
    pub(in crate::one_d) fn new(eta: &[f64], low: f64, high: f64, h: f64) -> Self {
        let zero = [0.0; BLOCK];
        let empty = Block { q: zero, scale: zero, rate: zero, slope: zero };
        let mut blocks = vec![empty; (eta.len() + 1).div_ceil(BLOCK)];
        blocks[0].scale[0] = 1.0;
        for (k, eta) in eta.iter().enumerate() {
            let s = 1.0 / (1.0 + (-eta).exp());
            let length = low + (high - low) * s;
            let (block, c) = (&mut blocks[(k + 1) / BLOCK], (k + 1) % BLOCK);
            block.q[c] = (-h / length).exp();
            block.scale[c] = 0.5 * h / length;
            block.rate[c] = h / length;
            block.slope[c] = (high - low) * s * (1.0 - s) / length;
        }
        Self { count: eta.len(), blocks }
    }

    /// Number of channels.
    pub(in crate::one_d) fn channels(&self) -> usize {
        self.count + 1
    }

    /// The feature channels of a density.
    pub(in crate::one_d) fn forward(&self, density: &Line) -> Signal {
        let points = density.value.len();
        let mut features = Signal::stale(points, self.channels(), !density.tangent.is_empty());
        let (inner, width) = (features.inner(), features.width);
        for (source, target) in
            [&density.value, &density.tangent].into_iter().zip(features.planes_mut())
        {
            let target = &mut target[inner.clone()];
            for (b, block) in self.blocks.iter().enumerate() {
                Arch::new().dispatch(|| block.filter(source, target, width, b));
            }
        }
        features
    }

    /// Adjoint of [`Features::forward`]: adds to the density's cotangent.
    pub(in crate::one_d) fn backward(&self, bar: &Signal, density_bar: &mut Line) {
        for (bar, target) in bar.planes().zip(density_bar.planes_mut()) {
            for (b, block) in self.blocks.iter().enumerate() {
                let bar = &bar[self.inner_of(bar.len())];
                Arch::new().dispatch(|| block.pull(bar, self.width(), b, target));
            }
        }
    }

    fn width(&self) -> usize {
        self.blocks.len() * BLOCK
    }

    fn inner_of(&self, len: usize) -> std::ops::Range<usize> {
        let halo = crate::one_d::functional::signal::HALO * self.width();
        halo..len - halo
    }

    /// Cotangent of `eta`, combined from value and tangent of the features' cotangent as `pull` says.
    pub(in crate::one_d) fn eta_gradient(
        &self,
        density: &Line,
        [value, tangent]: [&[f64]; 2],
        pull: &Pull,
    ) -> Vec<f64> {
        let mut gradient = vec![0.0; self.width()];
        let add = |source: &[f64], bar: &[f64], gradient: &mut [f64]| {
            let bar = &bar[self.inner_of(bar.len())];
            for (b, block) in self.blocks.iter().enumerate() {
                let gradient = &mut gradient[b * BLOCK..];
                Arch::new()
                    .dispatch(|| block.length_gradient(source, bar, self.width(), b, gradient));
            }
        };
        if !density.tangent.is_empty() {
            add(&density.tangent, value, &mut gradient);
            gradient.iter_mut().for_each(|g| *g *= pull.tangent_weight);
        }
        add(&density.value, &pull.of_values(value, tangent), &mut gradient);
        gradient[1..=self.count].to_vec()
    }
}

impl Block {
    /// `target_ic = scale_c sum_j q_c^|i-j| source_j`: from the left, the point included, then from the right.
    #[inline]
    fn filter(&self, source: &[f64], target: &mut [f64], width: usize, b: usize) {
        let mut sum = [0.0; BLOCK];
        for (i, x) in source.iter().enumerate() {
            let row = block_mut(target, i * width + b * BLOCK);
            for c in 0..BLOCK {
                sum[c] = x + self.q[c] * sum[c];
                row[c] = self.scale[c] * sum[c];
            }
        }
        sum = [0.0; BLOCK];
        for (i, x) in source.iter().enumerate().rev() {
            let row = block_mut(target, i * width + b * BLOCK);
            for c in 0..BLOCK {
                row[c] += self.scale[c] * sum[c];
                sum[c] = self.q[c] * (x + sum[c]);
            }
        }
    }

    /// `target_i += sum_c scale_c sum_j q_c^|i-j| bar_jc`.
    #[inline]
    fn pull(&self, bar: &[f64], width: usize, b: usize, target: &mut [f64]) {
        let row = |i: usize| block_of(bar, i * width + b * BLOCK);
        let mut sum = [0.0; BLOCK];
        let mut scaled = [0.0; BLOCK];
        for (i, t) in target.iter_mut().enumerate() {
            let x = row(i);
            for c in 0..BLOCK {
                sum[c] = x[c] + self.q[c] * sum[c];
                scaled[c] = self.scale[c] * sum[c];
            }
            *t += tree_sum(&scaled);
        }
        sum = [0.0; BLOCK];
        for (i, t) in target.iter_mut().enumerate().rev() {
            let x = row(i);
            for c in 0..BLOCK {
                scaled[c] = self.scale[c] * sum[c];
                sum[c] = self.q[c] * (x[c] + sum[c]);
            }
            *t += tree_sum(&scaled);
        }
    }

    /// `gradient_c += sum_i bar_ic df_ic/d eta_c`, where
    /// `df_i/d ln l = scale sum_j (h/l |i-j| - 1) q^|i-j| n_j`.
    #[inline]
    fn length_gradient(
        &self,
        source: &[f64],
        bar: &[f64],
        width: usize,
        b: usize,
        gradient: &mut [f64],
    ) {
        let row = |i: usize| block_of(bar, i * width + b * BLOCK);
        let mut total = [0.0; BLOCK];
        let (mut sum, mut moment) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (i, x) in source.iter().enumerate() {
            let bar = row(i);
            for c in 0..BLOCK {
                moment[c] = self.q[c] * (moment[c] + sum[c]);
                sum[c] = x + self.q[c] * sum[c];
                total[c] += bar[c] * (self.rate[c] * moment[c] - sum[c]);
            }
        }
        (sum, moment) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (i, x) in source.iter().enumerate().rev() {
            let bar = row(i);
            for c in 0..BLOCK {
                moment[c] = self.q[c] * (moment[c] + sum[c]);
                let beyond = self.q[c] * sum[c];
                sum[c] = x + beyond;
                total[c] += bar[c] * (self.rate[c] * moment[c] - beyond);
            }
        }
        for c in 0..BLOCK {
            gradient[c] += total[c] * self.scale[c] * self.slope[c];
        }
    }
}

fn block_of(plane: &[f64], at: usize) -> &Lane {
    plane[at..].first_chunk().unwrap_or_else(|| unreachable!("rows are whole blocks"))
}

fn block_mut(plane: &mut [f64], at: usize) -> &mut Lane {
    plane[at..].first_chunk_mut().unwrap_or_else(|| unreachable!("rows are whole blocks"))
}

/// The sum in a fixed order, whatever the width of the registers.
fn tree_sum(x: &Lane) -> f64 {
    let eight: [f64; 8] = std::array::from_fn(|c| x[c] + x[c + 8]);
    let four: [f64; 4] = std::array::from_fn(|c| eight[c] + eight[c + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[cfg(test)]
mod tests {
    use super::Features;
    use crate::one_d::functional::signal::Line;

    #[test]
    fn features_are_their_dense_sums() {
        let eta: Vec<f64> = (0..18).map(|k| 0.4 * f64::from(k) - 3.0).collect();
        let (low, high, h) = (0.1, 2.4, 0.08);
        let n: Vec<f64> = (0..60).map(|i| (0.2 * f64::from(i)).sin().powi(2)).collect();
        let density = Line { value: n.clone(), tangent: vec![] };
        let features = Features::new(&eta, low, high, h).forward(&density);
        for i in 0..60 {
            let row = &features.value[(i + 1) * features.width..][..features.width];
            assert_eq!(row[0], n[i]);
            for (c, eta) in eta.iter().enumerate() {
                let length = low + (high - low) / (1.0 + (-eta).exp());
                let kernel = |j: usize| (-(i.abs_diff(j) as f64) * h / length).exp();
                let dense: f64 = (0..60).map(|j| kernel(j) * n[j]).sum::<f64>() * 0.5 * h / length;
                assert!(
                    (row[c + 1] - dense).abs() < 1e-14 * dense.max(1.0),
                    "point {i} filter {c}"
                );
            }
            assert!(row[19..].iter().all(|x| *x == 0.0));
        }
    }
}
