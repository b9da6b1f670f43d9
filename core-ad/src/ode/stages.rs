//! Explicit methods of Runge and Kutta.

use super::field::Field;
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

/// An explicit method: with `k_0 = f(t, y)`, `Y_i = y + h sum_j a_ij k_j` and `k_i = f(t + c_i h, Y_i)` it goes to `y + h sum_i b_i k_i`.
///
/// One method is not another type than another, so that a model is compiled once for all of them.
pub(super) struct Tableau {
    /// Nodes of the stages behind the first.
    pub(super) c: &'static [f64],
    /// Their weights, row by row: a row for each node, as long as there are nodes.
    pub(super) a: &'static [f64],
    /// Weights of all stages.
    pub(super) b: &'static [f64],
}

impl Tableau {
    /// Weights of the stage behind `before` others.
    fn row(&self, before: usize) -> &[f64] {
        let n = self.c.len();
        &self.a[(before - 1) * n..before * n]
    }

    /// All stages, the first of which is the rate at `y`.
    pub(super) fn stages<R: Real>(
        &self,
        d: &(impl Field<R> + ?Sized),
        (t, h): (R, R),
        y: &[R],
        p: &[R],
        first: Vec<R>,
    ) -> Vec<Vec<R>> {
        // one more, for the rate at the end
        let mut k = Vec::with_capacity(self.b.len() + 1);
        k.push(first);
        let mut at = y.to_vec();
        for (before, c) in (1..).zip(self.c) {
            move_to(&mut at, y, h, self.row(before), &k);
            k.push(d.rate(t + h * *c, &at, p));
        }
        k
    }

    /// The state after a step of `h` from `t`.
    pub(super) fn step<R: Real>(
        &self,
        d: &(impl Field<R> + ?Sized),
        interval @ (t, h): (R, R),
        y: &[R],
        p: &[R],
    ) -> Vec<R> {
        moved(y, h, self.b, &self.stages(d, interval, y, p, d.rate(t, y, p)))
    }

    /// Pulls cotangents back through a step.
    ///
    /// Last stage first, `k_bar_i = h (b_i y_1_bar + sum_j a_ji Y_bar_j)`, `Y_bar_i = f_y^T k_bar_i` and `y_bar = y_1_bar + sum_i Y_bar_i`:
    /// of all this a tape need record the rates alone.
    ///
    /// # Errors
    /// The first rule without a derivative.
    pub(super) fn pull_back<T: Real>(
        &self,
        d: &impl Field<Var<T>>,
        (t, h): (f64, f64),
        y: &[T],
        tape: &mut StepTape<T>,
    ) -> Result<(), DerivativeFailure> {
        let count = self.b.len();
        let mut rates = Vec::with_capacity(count);
        let mut k: Vec<Vec<T>> = Vec::with_capacity(count);
        let mut at = y.to_vec();
        for stage in 0..count {
            let mut time = t;
            if stage > 0 {
                move_to(&mut at, y, T::lit(h), self.row(stage), &k);
                time += h * self.c[stage - 1];
            }
            let rate = tape.record(&at, |y, p| d.rate(Var::lit(time), y, p));
            k.push(rate.values());
            rates.push(rate);
        }
        let end_bar = tape.state_bar().clone();
        // from here on the cotangents of what the stages' rates are of, in the places of the rates
        let mut at_bar = k;
        let mut k_bar = end_bar.clone();
        for stage in (0..count).rev() {
            let weighed = k_bar.iter_mut().zip(&end_bar);
            weighed.for_each(|(k_bar, end_bar)| *k_bar = *end_bar * self.b[stage]);
            for later in stage + 1..count {
                add_weighed(&mut k_bar, self.row(later)[stage], &at_bar[later]);
            }
            k_bar.iter_mut().for_each(|k_bar| *k_bar = *k_bar * h);
            at_bar[stage] = tape.pull(&rates[stage], &k_bar)?;
            add_weighed(tape.state_bar(), 1.0, &at_bar[stage]);
        }
        Ok(())
    }
}

/// `sum += w x`; a weight of zero contributes nothing.
pub(super) fn add_weighed<T: Num>(sum: &mut [T], w: f64, x: &[T]) {
    if w != 0.0 {
        sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += *x * w);
    }
}
