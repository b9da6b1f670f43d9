//! When a run may say that it has converged.
//!
//! No test here compares a gradient, a step or a value with a number that has a unit. Two things are asked of the model of
//! the objective that the method has made, taken where no trust radius, damping or line search cuts its step short:
//!
//! * **value**: the decrease `q = -(g.p + p.B p/2)` that is left is at most `value_tolerance |f|`, which the objective cannot
//!   tell from nothing;
//! * **step**: no entry of the step `p` is more than `step_tolerance` of the parameter itself, or more than the rounding of
//!   what the parameter has been.
//!
//! Both stay the same where the objective or any parameter is counted in another unit (Dennis & Schnabel, *Numerical
//! Methods for Unconstrained Optimization*, sect. 7.2, with the typical sizes taken from the run itself). For least squares
//! the first is the relative offset of Bates & Watts, Technometrics 23, 179 (1981).
//!
//! A model made from few pairs of gradients may be wrong about some direction by orders of magnitude. [`confirm`] asks
//! the objective itself: up to [`MOST_PROBES`] parameters it makes the whole Hessian, one gradient a column, and takes the
//! claim by Newton's step anew; beyond, it measures the curvature along the parameters whose gradients could matter the
//! most, and a claim stands only where none of these alone could bring a decrease.

use crate::context::{Context, NoValue};
use crate::newton_model::{self, Dense};
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
    value: f64,
    /// Of a parameter.
    step: f64,
}

/// Of the largest size that a parameter has had: its rounding.
const ROUNDING: f64 = 8.0 * f64::EPSILON;
/// Of the value, where a method has found that no step lowers it: what is left lies below the objective's own noise.
const NOISE_OF_VALUE: f64 = 1e-10;
/// Of a parameter, in the same case.
const NOISE_OF_STEP: f64 = 1e-6;
/// How much looser a confirmation by single parameters is than the claim that it confirms.
const CONFIRM: f64 = 100.0;
/// Most parameters that a confirmation probes.
const MOST_PROBES: usize = 20;

impl Tolerance {
    /// What the user asked for.
    pub(crate) fn asked(stop: &Stop) -> Self {
        Self { value: stop.value_tolerance, step: stop.step_tolerance }
    }

    /// Where no step lowers the value any more.
    pub(crate) fn noise(stop: &Stop) -> Self {
        let (value, step) = (stop.value_tolerance, stop.step_tolerance);
        Self { value: value.max(NOISE_OF_VALUE), step: step.max(NOISE_OF_STEP) }
    }

    /// Of a confirmation by single parameters.
    fn confirming(self) -> Self {
        Self { value: CONFIRM * self.value.max(1e-13), step: CONFIRM * self.step.max(1e-10) }
    }
}

/// The claim that the model allows at `z`, if any.
pub(crate) fn claim(
    left: &Left,
    z: &[f64],
    value: f64,
    sizes: &[f64],
    tolerance: Tolerance,
) -> Option<Status> {
    // a model that promises a rise is no model of a minimum
    let rises = left.decrease < -ROUNDING * value.abs();
    if left.decrease.is_nan() || rises || left.step.iter().any(|p| !p.is_finite()) {
        return None;
    }
    if left.decrease <= tolerance.value * value.abs() {
        let relative_decrease = if left.decrease > 0.0 { left.decrease / value.abs() } else { 0.0 };
        return Some(Status::ValueConverged { relative_decrease });
    }
    let small = |i: usize| {
        let step = left.step[i].abs();
        step <= tolerance.step * z[i].abs() || step <= ROUNDING * sizes[i]
    };
    (0..z.len()).all(small).then(|| {
        let relative = |i: usize| left.step[i].abs() / z[i].abs().max(ROUNDING * sizes[i]);
        let relative_step = (0..z.len()).map(relative).fold(0.0, f64::max);
        Status::StepConverged { relative_step }
    })
}

/// What a confirmation found.
pub(crate) enum Confirmation {
    /// The objective's own curvature promises no decrease.
    Stands,
    /// It does along this step: the method's model is wrong.
    Refuted { step: Vec<f64> },
}

/// Asks the objective whether a claim stands: at most [`MOST_PROBES`] gradients.
pub(crate) fn confirm(
    context: &mut Context,
    z: &[f64],
    value: f64,
    gradient: &[f64],
    tolerance: Tolerance,
) -> Result<Confirmation, NoValue> {
    if z.len() <= MOST_PROBES {
        confirm_whole(context, z, value, gradient, tolerance.confirming())
    } else {
        confirm_singly(context, z, value, gradient, tolerance.confirming())
    }
}

/// By the whole Hessian.
fn confirm_whole(
    context: &mut Context,
    z: &[f64],
    value: f64,
    gradient: &[f64],
    tolerance: Tolerance,
) -> Result<Confirmation, NoValue> {
    let n = z.len();
    let mut rows = Vec::with_capacity(n);
    for i in 0..n {
        let mut unit = vec![0.0; n];
        unit[i] = 1.0;
        rows.push(context.product(z, gradient, &unit)?);
    }
    // a parameter without curvature counts by the size that it has
    let length = |i: usize| {
        let straight = value.abs().sqrt() / context.sizes[i];
        rows[i][i].abs().sqrt().max(1e-3 * straight).max(f64::MIN_POSITIVE)
    };
    let lengths: Vec<f64> = (0..n).map(length).collect();
    let free = (0..n).filter(|&i| !context.is_held(z, gradient, i)).collect();
    let Some(dense) = Dense::new(&rows, gradient, &lengths, free) else {
        return Ok(Confirmation::Refuted { step: vec![0.0; n] });
    };
    let left = dense.left(&lengths, gradient, newton_model::ROUNDING);
    if left.is_some_and(|left| claim(&left, z, value, context.sizes, tolerance).is_some()) {
        return Ok(Confirmation::Stands);
    }
    let size = |i: usize| (lengths[i] * context.size_of(z, i)).powi(2);
    let radius = (0..n).map(size).sum::<f64>().sqrt();
    let mut there: Vec<f64> =
        dense.within(radius, &lengths).0.iter().zip(z).map(|(step, z)| z + step).collect();
    context.project(&mut there);
    let step = there.iter().zip(z).map(|(there, z)| there - z).collect();
    Ok(Confirmation::Refuted { step })
}

/// By the curvature along the parameters that could still matter, one gradient each.
fn confirm_singly(
    context: &mut Context,
    z: &[f64],
    value: f64,
    gradient: &[f64],
    tolerance: Tolerance,
) -> Result<Confirmation, NoValue> {
    // to first order, a change of entry i by its own size changes the value by |g_i| size_i
    let effect = |i: usize| gradient[i].abs() * context.size_of(z, i);
    let mut open: Vec<usize> = (0..z.len())
        .filter(|&i| gradient[i] != 0.0 && !context.is_held(z, gradient, i))
        .filter(|&i| effect(i) > tolerance.value * value.abs())
        .collect();
    open.sort_by(|&i, &j| effect(j).total_cmp(&effect(i)).then(i.cmp(&j)));
    open.truncate(MOST_PROBES);
    let mut step = vec![0.0; z.len()];
    let mut decrease = 0.0;
    for i in open {
        let mut unit = vec![0.0; z.len()];
        unit[i] = 1.0;
        let curvature = context.product(z, gradient, &unit)?[i];
        // straight or bent downwards: the size of the parameter is as far as one may believe it
        let newton = if curvature > 0.0 { gradient[i] / curvature } else { f64::INFINITY };
        let longest = context.size_of(z, i);
        let length = newton.abs().min(longest) * -gradient[i].signum();
        step[i] = (z[i] + length).clamp(context.lower[i], context.upper[i]) - z[i];
        decrease += 0.5 * (gradient[i] * step[i]).abs();
    }
    let left = Left { decrease, step };
    let stands = claim(&left, z, value, context.sizes, tolerance).is_some();
    Ok(if stands { Confirmation::Stands } else { Confirmation::Refuted { step: left.step } })
}
