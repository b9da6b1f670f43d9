//! What methods of Runge and Kutta have in common.

use crate::real::Real;

/// `y + h sum_j w_j k_j`; a weight of zero contributes nothing.
pub(super) fn moved<R: Real>(y: &[R], h: R, weights: &[f64], k: &[Vec<R>]) -> Vec<R> {
    let entry = |(i, y): (usize, &R)| *y + h * combined(weights, k, i);
    y.iter().enumerate().map(entry).collect()
}

/// Component `i` of `sum_j w_j k_j`.
pub(super) fn combined<R: Real>(weights: &[f64], k: &[Vec<R>], i: usize) -> R {
    let terms = weights.iter().zip(k).filter(|(w, _)| **w != 0.0);
    terms.map(|(w, k)| k[i] * *w).reduce(|s, t| s + t).unwrap_or(R::lit(0.0))
}
