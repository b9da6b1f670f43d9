//! A quadratic minimum in a box.
//!
//! Projected Newton with Cholesky factors of the free part: Tassa, Mansard & Todorov, *Control-limited differential dynamic
//! programming*, ICRA 2014, section IV and algorithm 1.

use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, Side};

/// Iterations of the search, and of a line search.
const MOST: usize = 100;
/// Sufficient decrease of Armijo's condition.
const ARMIJO: f64 = 0.1;
/// Relative improvement below which the search ends.
const FLAT: f64 = 1e-14;

/// Where the search ended.
pub(crate) struct BoxMinimum {
    /// The point.
    pub x: Vec<f64>,
    /// Entries that no bound holds there.
    pub free: Vec<usize>,
    /// Factor of `H` over them; `None` where there are none.
    factor: Option<Llt<f64>>,
}

impl BoxMinimum {
    /// `-H_ff^-1 m_f` into `gain`, the other rows zero: how the free entries follow a change of the gradient, `m` of `width` columns,
    /// row-major.
    pub(crate) fn gain(&self, m: &[f64], width: usize, gain: &mut [f64]) {
        gain.fill(0.0);
        if let Some(factor) = &self.factor {
            let rhs = Mat::from_fn(self.free.len(), width, |r, j| -m[self.free[r] * width + j]);
            let solved = factor.solve(rhs);
            for (r, &i) in self.free.iter().enumerate() {
                (0..width).for_each(|j| gain[i * width + j] = solved[(r, j)]);
            }
        }
    }
}

/// The minimum of `1/2 x^T H x + g^T x` within the bounds, from `start`; `None` where `H` is not positive over the free entries.
pub(crate) fn minimise_in_box(
    h: &[f64],
    g: &[f64],
    lower: &[f64],
    upper: &[f64],
    start: &[f64],
) -> Option<BoxMinimum> {
    let n = g.len();
    let clamp =
        |x: &[f64]| -> Vec<f64> { (0..n).map(|i| x[i].max(lower[i]).min(upper[i])).collect() };
    let product = |x: &[f64], i: usize| (0..n).map(|j| h[i * n + j] * x[j]).sum::<f64>();
    let value = |x: &[f64]| (0..n).map(|i| x[i] * (0.5 * product(x, i) + g[i])).sum::<f64>();
    let mut x = clamp(start);
    let mut before = value(&x);
    for _ in 0..MOST {
        let slope: Vec<f64> = (0..n).map(|i| product(&x, i) + g[i]).collect();
        let held =
            |i: usize| (x[i] <= lower[i] && slope[i] > 0.0) || (x[i] >= upper[i] && slope[i] < 0.0);
        let free: Vec<usize> = (0..n).filter(|&i| !held(i)).collect();
        if free.is_empty() {
            return Some(BoxMinimum { x, free, factor: None });
        }
        let k = free.len();
        let part = Mat::from_fn(k, k, |r, c| h[free[r] * n + free[c]]);
        let factor = part.llt(Side::Lower).ok()?;
        let newton = factor.solve(Mat::from_fn(k, 1, |r, _| -slope[free[r]]));
        let mut direction = vec![0.0; n];
        free.iter().enumerate().for_each(|(r, &i)| direction[i] = newton[(r, 0)]);
        let descent: f64 = slope.iter().zip(&direction).map(|(s, d)| s * d).sum();
        if descent >= -FLAT * (before.abs() + f64::MIN_POSITIVE) {
            return Some(BoxMinimum { x, free, factor: Some(factor) });
        }
        let mut length = 1.0;
        let next = loop {
            let there: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + length * d).collect();
            let there = clamp(&there);
            let moved: f64 = (0..n).map(|i| slope[i] * (there[i] - x[i])).sum();
            if value(&there) - before <= ARMIJO * moved {
                break Some(there);
            }
            length *= 0.6;
            if length < 1e-16 {
                break None;
            }
        };
        let Some(next) = next else {
            return Some(BoxMinimum { x, free, factor: Some(factor) });
        };
        x = next;
        before = value(&x);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::minimise_in_box;

    #[test]
    fn the_conditions_of_karush_kuhn_and_tucker_hold_and_the_gain_is_of_the_free_entries() {
        // H = L L^T of a fixed L, gradients that press against different bounds
        let n = 4;
        let l = [2.0, 0.0, 0.0, 0.0, 0.5, 1.5, 0.0, 0.0, -0.7, 0.3, 1.0, 0.0, 0.2, -0.4, 0.6, 0.9];
        let h: Vec<f64> =
            (0..16).map(|e| (0..n).map(|k| l[e / n * n + k] * l[e % n * n + k]).sum()).collect();
        for seed in 0..50 {
            let g: Vec<f64> =
                (0..n).map(|i| 3.0 * f64::from(7 * seed + 13 * i as i32).sin()).collect();
            let (lower, upper) = ([-0.5, -1.0, -0.2, -f64::INFINITY], [0.5, 0.3, 2.0, 0.4]);
            let found = minimise_in_box(&h, &g, &lower, &upper, &[0.0; 4]).unwrap();
            let slope = |i: usize| (0..n).map(|j| h[i * n + j] * found.x[j]).sum::<f64>() + g[i];
            for i in 0..n {
                let inside = lower[i] < found.x[i] && found.x[i] < upper[i];
                let ok = match slope(i) {
                    s if s.abs() < 1e-7 => true,
                    s if s > 0.0 => found.x[i] == lower[i],
                    _ => found.x[i] == upper[i],
                };
                assert!(ok && (!inside || found.free.contains(&i)), "{seed}: {i} {}", slope(i));
            }
            // H_ff gain_f = -m_f
            let mut gain = [0.0; 4];
            found.gain(&[1.0, -2.0, 0.5, 3.0], 1, &mut gain);
            for &i in &found.free {
                let row: f64 = found.free.iter().map(|&j| h[i * n + j] * gain[j]).sum();
                assert!((row + [1.0, -2.0, 0.5, 3.0][i]).abs() < 1e-10);
            }
        }
    }
}
