//! What methods of Runge and Kutta have in common.

use crate::real::Real;

/// `y + h sum_j w_j k_j`; a weight of zero contributes nothing.
pub(super) fn moved<R: Real>(y: &[R], h: R, weights: &[f64], k: &[Vec<R>]) -> Vec<R> {
    let mut end = y.to_vec();
    move_to(&mut end, y, h, weights, k);
    end
}

/// The same, written to `end`.
pub(super) fn move_to<R: Real>(end: &mut [R], y: &[R], h: R, weights: &[f64], k: &[Vec<R>]) {
    combine(end, weights, k);
    end.iter_mut().zip(y).for_each(|(end, y)| *end = *y + h * *end);
}

/// Writes `sum_j w_j k_j` to `sum`, stage by stage, so that a stage is one pass over memory.
pub(super) fn combine<R: Real>(sum: &mut [R], weights: &[f64], k: &[Vec<R>]) {
    let mut terms = weights.iter().zip(k).filter(|(w, _)| **w != 0.0);
    match terms.next() {
        Some((w, k)) => sum.iter_mut().zip(k).for_each(|(sum, k)| *sum = *k * *w),
        None => sum.fill(R::lit(0.0)),
    }
    for (w, k) in terms {
        sum.iter_mut().zip(k).for_each(|(sum, k)| *sum += *k * *w);
    }
}
