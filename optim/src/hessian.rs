//! What the objective's own second derivatives say of a point that a method takes for the end.
//!
//! Up to [`WHOLE_UP_TO`] parameters the whole Hessian is made: by the objective's products where it has them, else by
//! differences of gradients, forward ones first and central ones where the weakest curvature is beyond the accuracy of
//! those. It is scaled by its diagonal at this very point, so a parameter whose curvature has become small beside what it was,
//! or beside the others', still counts for what it is. The claim is then taken anew by Newton's step. Beyond, the curvature is
//! measured along the parameters whose gradients could matter the most, and a claim stands only where none of these
//! alone could bring a decrease.
//!
//! A parameter that the value depended on, and that has lost its gradient and its curvature altogether, stands on a plateau
//! of the arithmetic (an exponential has underflowed): the zeros there say nothing.

use crate::context::{Context, NoValue};
use crate::convergence::{Left, Tolerance, claim};
use crate::evaluator::norm;
use crate::newton_model::{BELIEVED, Dense, ROUNDING, Rounding, straight};
use crate::outcome::Status;

/// Most parameters whose whole Hessian is made.
pub(crate) const WHOLE_UP_TO: usize = 30;
/// Most parameters that are probed one by one beyond.
const MOST_PROBES: usize = 20;
/// Fractions of a parameter's size that a difference moves it by, and the relative error of the curvatures that come out.
const FORWARD: (f64, f64) = (1e-7, 1e-6);
const CENTRAL: (f64, f64) = (6e-6, 1e-9);
/// Relative error of the Hessian that single products make, by whether they are the objective's own.
pub(crate) fn noise_of_products(exact: bool) -> f64 {
    if exact { ROUNDING } else { FORWARD.1 }
}

/// How the gradient by `z` is found at another point.
pub(crate) type Slopes<'a> = dyn FnMut(&mut Context, &[f64]) -> Result<Vec<f64>, NoValue> + 'a;

/// A point that is judged.
pub(crate) struct Point<'a> {
    pub z: &'a [f64],
    /// What decreases are compared with.
    pub value: f64,
    pub gradient: &'a [f64],
    /// Whether the value has ever depended on the parameter in this run.
    pub mattered: &'a [bool],
}

/// What the second derivatives say.
pub(crate) enum Judgement {
    /// They promise no decrease: the claim that they make.
    Stands(Status),
    /// They promise one along this step, or cannot tell.
    Refuted { step: Vec<f64> },
    /// Zeros that say nothing.
    Plateau(Plateau),
}

/// What has lost its influence.
pub(crate) enum Plateau {
    /// The value no longer depends on this parameter.
    Of(usize),
    /// It depends on none.
    Whole,
}

/// Notes which parameters the value depends on.
pub(crate) fn note(mattered: &mut [bool], gradient: &[f64]) {
    mattered.iter_mut().zip(gradient).for_each(|(m, g)| *m |= *g != 0.0);
}

/// How a run ends on a plateau.
pub(crate) fn on_a_plateau(context: &Context, plateau: &Plateau, gradient_norm: f64) -> Status {
    let why = match plateau {
        Plateau::Of(i) => format!(
            "the value no longer depends on {}, as it did before: this is a plateau, not a minimum",
            context.problem.space.name_of(*i)
        ),
        Plateau::Whole => "the value does not depend on any parameter here".into(),
    };
    Status::Stalled { gradient_norm: Some(gradient_norm), why }
}

/// The gradient of the objective itself.
pub(crate) fn objective_slopes(context: &mut Context, z: &[f64]) -> Result<Vec<f64>, NoValue> {
    Ok(context.value_and_gradient(z)?.1)
}

/// Asks the objective whether a claim stands that holds by `tolerance` in the method's own model.
pub(crate) fn judge(
    context: &mut Context,
    point: &Point,
    slopes: &mut Slopes,
    tolerance: Tolerance,
) -> Result<Judgement, NoValue> {
    if point.z.len() <= WHOLE_UP_TO {
        by_the_whole(context, point, slopes, tolerance)
    } else {
        singly(context, point, tolerance.confirming())
    }
}

/// How a run ends whose projected gradient is exactly zero: on a plateau where no parameter has any curvature, or one that
/// mattered has lost it; else converged.
pub(crate) fn zero_gradient(
    context: &mut Context,
    point: &Point,
    slopes: &mut Slopes,
) -> Result<Status, NoValue> {
    let converged = Status::GradientConverged { gradient_norm: 0.0 };
    let all_held = point.gradient.iter().all(|g| *g != 0.0);
    if all_held || point.z.len() > WHOLE_UP_TO {
        return Ok(converged);
    }
    let rows = by_differences(context, point, slopes, FORWARD.0)?;
    let end = plateau(&rows, point).map(|plateau| on_a_plateau(context, &plateau, 0.0));
    Ok(end.unwrap_or(converged))
}

fn plateau(rows: &[Vec<f64>], point: &Point) -> Option<Plateau> {
    let n = point.z.len();
    let without = |i: usize| {
        point.gradient[i] == 0.0 && (0..n).all(|j| rows[i][j] == 0.0 && rows[j][i] == 0.0)
    };
    if (0..n).all(without) {
        return Some(Plateau::Whole);
    }
    (0..n).find(|&i| point.mattered[i] && without(i)).map(Plateau::Of)
}

fn by_the_whole(
    context: &mut Context,
    point: &Point,
    slopes: &mut Slopes,
    tolerance: Tolerance,
) -> Result<Judgement, NoValue> {
    let exact = context.problem.objective.capabilities().hvp;
    let mut step = vec![0.0; point.z.len()];
    let accuracies = if exact { &[(0.0, ROUNDING)][..] } else { &[FORWARD, CENTRAL] };
    for &(fraction, noise) in accuracies {
        let rows = if exact {
            by_products(context, point)?
        } else {
            by_differences(context, point, slopes, fraction)?
        };
        if let Some(plateau) = plateau(&rows, point) {
            return Ok(Judgement::Plateau(plateau));
        }
        let free = (0..point.z.len()).filter(|&i| !context.is_held(point.z, point.gradient, i));
        let free: Vec<usize> = free
            .filter(|&i| rows[i].iter().any(|h| *h != 0.0) || point.gradient[i] != 0.0)
            .collect();
        // a parameter without curvature of its own counts by the size that it has
        let own = |i: usize| match rows[i][i].abs() {
            curvature if curvature > 0.0 => curvature.sqrt(),
            _ => straight(point.value, point.gradient[i], context.sizes.largest(i)),
        };
        let mut lengths: Vec<f64> =
            (0..point.z.len()).map(|i| own(i).max(f64::MIN_POSITIVE)).collect();
        context.sizes.share(&mut lengths);
        let Some(dense) = Dense::new(&rows, point.gradient, &lengths, free) else {
            return Ok(Judgement::Refuted { step });
        };
        let unseen = context.stop.value_tolerance * point.value.abs();
        let dense = dense.with_positions(&lengths, context.sizes, unseen);
        let rounding = Rounding::at(point.z, &lengths, point.value);
        let left = dense.left(&lengths, point.gradient, [noise, noise], &rounding);
        let limit = if fraction > 0.0 { tolerance.confirming() } else { tolerance };
        let claimed = left.and_then(|l| claim(&l, point.z, point.value, context.sizes, limit));
        let radius = (0..point.z.len()).map(|i| lengths[i] * context.size_of(point.z, i));
        let radius = norm(&radius.collect::<Vec<_>>());
        step = bent(context, point.z, &dense.within(radius, &lengths, noise, &rounding).0);
        if dense.weakest() > BELIEVED * noise || noise <= CENTRAL.1 {
            return Ok(claimed.map_or(Judgement::Refuted { step }, Judgement::Stands));
        }
    }
    Ok(Judgement::Refuted { step })
}

/// The step, cut short at the bounds.
fn bent(context: &Context, z: &[f64], step: &[f64]) -> Vec<f64> {
    let mut there: Vec<f64> = z.iter().zip(step).map(|(z, s)| z + s).collect();
    context.project(&mut there);
    there.iter().zip(z).map(|(there, z)| there - z).collect()
}

fn by_products(context: &mut Context, point: &Point) -> Result<Vec<Vec<f64>>, NoValue> {
    let n = point.z.len();
    let mut rows = Vec::with_capacity(n);
    for i in 0..n {
        let mut unit = vec![0.0; n];
        unit[i] = 1.0;
        rows.push(context.product(point.z, point.gradient, &unit)?);
    }
    Ok(rows)
}

/// Row by row; forward differences for the fraction of [`FORWARD`], else of second order: central, or with two points on
/// the side that the bounds leave. The row of a parameter without room is zero.
fn by_differences(
    context: &mut Context,
    point: &Point,
    slopes: &mut Slopes,
    fraction: f64,
) -> Result<Vec<Vec<f64>>, NoValue> {
    let n = point.z.len();
    let forward = fraction <= FORWARD.0;
    let mut rows = Vec::with_capacity(n);
    let mut i = 0;
    let mut shorter = None;
    while i < n {
        let size = shorter.unwrap_or(context.size_of(point.z, i));
        let h = fraction * size;
        let room = |s: f64| {
            let there = point.z[i] + s;
            (context.lower[i]..=context.upper[i]).contains(&there)
        };
        let (one, other) = match (room(h), room(-h)) {
            (true, _) if forward => (h, 0.0),
            (_, true) if forward => (-h, 0.0),
            (true, true) => (h, -h),
            (true, false) if room(2.0 * h) => (h, 2.0 * h),
            (false, true) if room(-2.0 * h) => (-h, -2.0 * h),
            _ => {
                rows.push(vec![0.0; n]);
                (i, shorter) = (i + 1, None);
                continue;
            }
        };
        let mut at = |s: f64| -> Result<(f64, Vec<f64>), NoValue> {
            let mut there = point.z.to_vec();
            there[i] += s;
            let moved = there[i] - point.z[i];
            Ok((moved, if s == 0.0 { point.gradient.to_vec() } else { slopes(context, &there)? }))
        };
        let ((a, first), (b, second)) = (at(one)?, at(other)?);
        // derivative at 0 of the parabola through the three points
        let row = |j: usize| {
            let (p, q) = (first[j] - point.gradient[j], second[j] - point.gradient[j]);
            if b == 0.0 { p / a } else { (p * b / a - q * a / b) / (b - a) }
        };
        let row: Vec<f64> = (0..n).map(row).collect();
        // a parameter may have shrunk by orders of magnitude: then its curvature says how far is far
        let natural = (point.value.abs() / row[i].abs()).sqrt().max(point.z[i].abs());
        if shorter.is_none() && natural > 0.0 && natural < 1e-2 * size {
            shorter = Some(natural);
            continue;
        }
        rows.push(row);
        (i, shorter) = (i + 1, None);
    }
    Ok(rows)
}

/// By the curvature along the parameters that could still matter, one product each.
fn singly(
    context: &mut Context,
    point: &Point,
    tolerance: Tolerance,
) -> Result<Judgement, NoValue> {
    let Point { z, value, gradient, .. } = *point;
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
    let claimed = claim(&left, z, value, context.sizes, tolerance);
    Ok(claimed.map_or(Judgement::Refuted { step: left.step }, Judgement::Stands))
}
