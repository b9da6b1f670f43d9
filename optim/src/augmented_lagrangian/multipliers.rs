//! The first-order conditions at a point: what multipliers leave of the gradient, and the multipliers that leave least.
//!
//! Nocedal & Wright, *Numerical Optimization*, 2006, eq. 18.21. The method of multipliers takes them from what is left of the constraints
//! times the penalty, which is known to the feasibility times the penalty only; the gradient at the same point knows them better.

use cotangent_problem::{Constraint, Entry};
use faer::Mat;

/// A point with the gradient of its objective and the rows of its constraints.
pub(super) struct Conditions<'a> {
    pub x: &'a [f64],
    pub entries: &'a [Entry],
    /// Sizes of changes of the parameters.
    pub sizes: &'a [f64],
    pub gradient: &'a [f64],
    pub constraints: &'a [Constraint],
    /// `m x n`.
    pub rows: &'a [f64],
}

/// `grad f + sum_k y_k grad c_k`.
pub(super) struct Balance {
    /// Along every parameter, times its size; 0 where a bound holds it.
    pub left: Vec<f64>,
    /// The largest of the parts, times a size.
    pub largest: f64,
}

impl Balance {
    pub(super) fn most(&self) -> f64 {
        self.left.iter().fold(0.0, |most, l| if l.is_nan() { *l } else { most.max(l.abs()) })
    }
}

impl Conditions<'_> {
    pub(super) fn balance(&self, multipliers: &[f64]) -> Balance {
        let mut left = self.gradient.to_vec();
        let part = |(g, s): (&f64, &f64)| (g * s).abs();
        let mut largest = self.gradient.iter().zip(self.sizes).map(part).fold(0.0, f64::max);
        for (row, y) in self.rows.chunks_exact(self.x.len().max(1)).zip(multipliers) {
            for ((l, j), s) in left.iter_mut().zip(row).zip(self.sizes) {
                *l += y * j;
                largest = largest.max((y * j * s).abs());
            }
        }
        for (i, l) in left.iter_mut().enumerate() {
            let [at_lower, at_upper] =
                [self.x[i] <= self.entries[i].lower, self.x[i] >= self.entries[i].upper];
            let held = (at_lower && *l > 0.0) || (at_upper && *l < 0.0);
            *l = if held { 0.0 } else { *l * self.sizes[i] };
        }
        Balance { left, largest }
    }

    /// The multipliers that leave least, in the sum of squares, of the constraints that press under `multipliers`; these themselves
    /// where others leave no less, or press against another side.
    pub(super) fn best(&self, multipliers: &[f64]) -> Vec<f64> {
        let n = self.x.len();
        let before = self.balance(multipliers);
        let equal = |k: usize| self.constraints[k].lower >= self.constraints[k].upper;
        let active: Vec<usize> =
            (0..multipliers.len()).filter(|&k| multipliers[k] != 0.0 || equal(k)).collect();
        let free: Vec<usize> = (0..n).filter(|&i| before.left[i] != 0.0).collect();
        if active.is_empty() || free.is_empty() {
            return multipliers.to_vec();
        }
        let entry = |i: usize, k: usize| self.rows[active[k] * n + free[i]] * self.sizes[free[i]];
        let lengths: Vec<f64> = (0..active.len())
            .map(|k| (0..free.len()).map(|i| entry(i, k).powi(2)).sum::<f64>().sqrt())
            .map(|length| if length > 0.0 { length } else { 1.0 })
            .collect();
        let matrix = Mat::from_fn(free.len(), active.len(), |i, k| entry(i, k) / lengths[k]);
        let Ok(svd) = matrix.thin_svd() else { return multipliers.to_vec() };
        let (u, v) = (svd.U(), svd.V());
        let mut found = multipliers.to_vec();
        for j in 0..u.ncols() {
            let value = svd.S()[j];
            // a direction in which the rows do not tell multipliers apart keeps those that there are
            if value <= 1e-10 * svd.S()[0] {
                continue;
            }
            let along: f64 = (0..free.len()).map(|i| u[(i, j)] * before.left[free[i]]).sum();
            for (k, &constraint) in active.iter().enumerate() {
                found[constraint] -= v[(k, j)] * along / value / lengths[k];
            }
        }
        let one_side = |k: usize| equal(k) || found[k] * multipliers[k] >= 0.0;
        let better = self.balance(&found).most() < before.most();
        if better && (0..found.len()).all(one_side) { found } else { multipliers.to_vec() }
    }
}
