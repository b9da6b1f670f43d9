//! When a run may say that it has converged.
//!
//! No test here compares a gradient, a step or a value with a number that has a unit. Two things are asked of the model of
//! the objective that the method has made, taken where no trust radius, damping or line search cuts its step short:
//!
//! * **value**: the decrease `q = -(g.p + p.B p/2)` that is left is at most `value_tolerance |f|`, which the objective cannot
//!   tell from nothing, and no entry of the step `p` is more than a millionth of the parameter (a thousandth, where the value no longer shows
//!   any difference);
//! * **step**: no entry of the step `p` is more than `step_tolerance` of the parameter itself, or more than the rounding of
//!   what the parameter has been.
//!
//! The first without the second half of its condition would call the far end of a slope a minimum: along `1 + 1/x` the
//! decrease that is left falls below every tolerance, while Newton's step stays half of `x`.
//!
//! Both stay the same where the objective or any parameter is counted in another unit (Dennis & Schnabel, *Numerical
//! Methods for Unconstrained Optimization*, sect. 7.2, with the typical sizes taken from the run itself). For least squares
//! the first is the relative offset of Bates & Watts, Technometrics 23, 179 (1981).
//!
//! A model made from few pairs of gradients may be wrong about some direction by orders of magnitude: [`crate::hessian`] asks
//! the objective itself.

use crate::outcome::{Status, Stop};

/// What is left to gain by a method's model where nothing limits its step.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    /// `q`, not negative.
    pub decrease: f64,
    /// `p`, one entry a parameter.
    pub step: Vec<f64>,
}

/// How strictly a claim is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    /// Of the value.
    pub value: f64,
    /// Of a parameter.
    pub step: f64,
    /// Of a parameter, where the value converges.
    modest: f64,
}

/// Of the largest size that a parameter has had: its rounding.
const ROUNDING: f64 = 8.0 * f64::EPSILON;
/// Of a parameter: a longer step is not at an end, however little it gains. The first leaves six digits of every parameter.
const MODEST: f64 = 1e-6;
/// The same where no step lowers the value, or the curvature is measured anew.
const MODEST_AT_NOISE: f64 = 1e-3;
/// Of the value, where a method has found that no step lowers it: what is left lies below the objective's own noise.
const NOISE_OF_VALUE: f64 = 1e-10;
/// Of a parameter, in the same case.
const NOISE_OF_STEP: f64 = 1e-6;
/// How much looser a confirmation is than the claim that it confirms.
const CONFIRM: f64 = 100.0;

impl Tolerance {
    /// What the user asked for.
    pub(crate) fn asked(stop: &Stop) -> Self {
        Self { value: stop.value_tolerance, step: stop.step_tolerance, modest: MODEST }
    }

    /// Where no step lowers the value any more.
    pub(crate) fn noise(stop: &Stop) -> Self {
        let (value, step) = (stop.value_tolerance, stop.step_tolerance);
        let (value, step) = (value.max(NOISE_OF_VALUE), step.max(NOISE_OF_STEP));
        Self { value, step, modest: MODEST_AT_NOISE }
    }

    /// Of a confirmation.
    pub(crate) fn confirming(self) -> Self {
        let (value, step) = (CONFIRM * self.value.max(1e-13), CONFIRM * self.step.max(1e-10));
        Self { value, step, modest: MODEST_AT_NOISE }
    }
}

/// How large parameters count. A value of most is as large as it is; a position is as large as its scale wherever it lies, for its
/// zero is a convention: differences made by a share of a value near zero would be rounding, and no step would be small beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes<'a> {
    /// Largest `|z_i|` of all iterates so far; at least 1 where the start is 0.
    pub most: &'a [f64],
    /// Which are positions, by the place of their parameter.
    pub positions: &'a [Option<usize>],
}

impl Sizes<'_> {
    /// Of entry `i` at `z`: its own size, or a small fraction of what it has been where it passes through zero.
    pub(crate) fn at(&self, i: usize, z: f64) -> f64 {
        if self.positions[i].is_some() { 1.0 } else { z.abs().max(1e-3 * self.most[i]) }
    }

    /// The largest that entry `i` has been.
    pub(crate) fn largest(&self, i: usize) -> f64 {
        if self.positions[i].is_some() { 1.0 } else { self.most[i] }
    }

    /// The size of entry `i` at `z` that a step is compared with digit by digit.
    fn own(&self, i: usize, z: f64) -> f64 {
        if self.positions[i].is_some() { 1.0 } else { z.abs() }
    }

    /// Gives entries of one position the largest of their lengths: turned axes mix them, and one without curvature of its own has only
    /// rounding to be measured by.
    pub(crate) fn share(&self, lengths: &mut [f64]) {
        for i in 0..lengths.len() {
            if self.positions[i].is_some() {
                let same = (0..lengths.len()).filter(|j| self.positions[*j] == self.positions[i]);
                lengths[i] = same.fold(lengths[i], |most, j| most.max(lengths[j]));
            }
        }
    }

    /// What the arithmetic cannot resolve of entry `i`.
    fn rounding(&self, i: usize) -> f64 {
        ROUNDING * self.most[i]
    }
}

/// The claim that the model allows at `z`, if any.
pub(crate) fn claim(
    left: &Left,
    z: &[f64],
    value: f64,
    sizes: Sizes,
    tolerance: Tolerance,
) -> Option<Status> {
    // a model that promises a rise is no model of a minimum
    let rises = left.decrease < -ROUNDING * value.abs();
    if left.decrease.is_nan() || rises || left.step.iter().any(|p| !p.is_finite()) {
        return None;
    }
    // below the rounding of the value nothing shows whether a step was right
    let unseen = left.decrease <= f64::EPSILON * value.abs();
    let modest = if unseen { MODEST_AT_NOISE } else { tolerance.modest };
    let modest = |i: usize| left.step[i].abs() <= modest * sizes.at(i, z[i]);
    if left.decrease <= tolerance.value * value.abs() && (0..z.len()).all(modest) {
        let relative_decrease = if left.decrease > 0.0 { left.decrease / value.abs() } else { 0.0 };
        return Some(Status::ValueConverged { relative_decrease });
    }
    let small = |i: usize| {
        let step = left.step[i].abs();
        step <= tolerance.step * sizes.own(i, z[i]) || step <= sizes.rounding(i)
    };
    (0..z.len()).all(small).then(|| {
        let relative = |i: usize| left.step[i].abs() / sizes.own(i, z[i]).max(sizes.rounding(i));
        let relative_step = (0..z.len()).map(relative).fold(0.0, f64::max);
        Status::StepConverged { relative_step }
    })
}
