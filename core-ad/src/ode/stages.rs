//! What methods of Runge and Kutta have in common.

use super::Dynamics;
use crate::real::{Num, Real};
use crate::rule::DerivativeFailure;
use crate::tape::{StepTape, Var};

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

/// Pulls cotangents back through a step of an explicit method with nodes `c`, stage weights `a` and weights `b`.
///
/// With `Y_i = y + h sum_j a_ij k_j`, `k_i = f(t + c_i h, Y_i)` and `y_1 = y + h sum_i b_i k_i`, last stage first,
/// `k_bar_i = h (b_i y_1_bar + sum_j a_ji Y_bar_j)`, `Y_bar_i = f_y^T k_bar_i` and `y_bar = y_1_bar + sum_i Y_bar_i`: of all this
/// a tape need record the rates alone.
///
/// # Errors
/// The first rule without a derivative.
pub(super) fn pull_back<T: Real, D: Dynamics, const N: usize>(
    d: &D,
    (c, a, b): (&[f64; N], &[[f64; N]; N], &[f64]),
    (t, h): (f64, f64),
    y: &[T],
    tape: &mut StepTape<T>,
) -> Result<(), DerivativeFailure> {
    let mut rates = Vec::with_capacity(N + 1);
    let mut k: Vec<Vec<T>> = Vec::with_capacity(N + 1);
    let mut at = y.to_vec();
    for stage in 0..=N {
        let mut time = t;
        if stage > 0 {
            move_to(&mut at, y, T::lit(h), &a[stage - 1], &k);
            time += h * c[stage - 1];
        }
        let rate = tape.record(&at, |y, p| d.rate(Var::lit(time), y, p));
        k.push(rate.values());
        rates.push(rate);
    }
    let end_bar = tape.state_bar().clone();
    // from here on the cotangents of what the stages' rates are of, in the places of the rates
    let mut at_bar = k;
    let mut k_bar = end_bar.clone();
    for stage in (0..=N).rev() {
        k_bar.iter_mut().zip(&end_bar).for_each(|(k_bar, end_bar)| *k_bar = *end_bar * b[stage]);
        for later in stage + 1..=N {
            add_weighed(&mut k_bar, a[later - 1][stage], &at_bar[later]);
        }
        k_bar.iter_mut().for_each(|k_bar| *k_bar = *k_bar * h);
        at_bar[stage] = tape.pull(&rates[stage], &k_bar)?;
        add_weighed(tape.state_bar(), 1.0, &at_bar[stage]);
    }
    Ok(())
}

/// `sum += w x`; a weight of zero contributes nothing.
pub(super) fn add_weighed<T: Num>(sum: &mut [T], w: f64, x: &[T]) {
    if w != 0.0 {
        sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += *x * w);
    }
}
