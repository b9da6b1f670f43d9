//! Actuators: `f = clamp(g u + b)` with `g` and `b` affine in length and velocity, through a transmission.
//!
//! With the transmission's length `l = gear L(q)` and velocity `w = gear m . v`, `m` its moment, and what drives it, `d`
//! ([`crate::activation`]):
//!
//! ```text
//! f = clamp_f((g0 + g1 l + g2 w) d + b0 + b1 l + b2 w),     tau = gear m f
//! ```
//!
//! A motor is `g = (1, 0, 0)`, `b = 0`; a position servo `g = (kp, 0, 0)`, `b = (0, -kp, -kv)`; a velocity servo `g = (kv, 0, 0)`,
//! `b = (0, 0, -kv)`; a damper `g = (0, 0, -kv)` (MuJoCo's general actuators). Last, the sum over actuators at
//! a joint may be clamped once more. On a ball, and as a torque between two sites, a position servo pulls towards the nearest of the angles that differ
//! by whole turns, as MuJoCo's does.

use std::f64::consts::TAU;

use cotangent_ad::{Quat, Real, Vec3};

use super::{Bars, Point};
use crate::activation::follow;
use crate::integrate::StepOptions;
use crate::kinematics::place_links;
use crate::model::{Model, Parameters, Transmission};
use crate::routes::{add_bars, lay};
use crate::scratch::Scratch;
use crate::state::State;

/// A number within a range.
#[inline]
pub(crate) fn clamp<T: Real>(range: Option<[f64; 2]>, x: T) -> T {
    match range {
        Some([least, greatest]) => x.max(T::lit(least)).min(T::lit(greatest)),
        None => x,
    }
}

fn quaternion<T: Real>(model: &Model, link: usize, q: &[T]) -> Quat<T> {
    let at = model.links[link].q_at;
    Quat([q[at], q[at + 1], q[at + 2], q[at + 3]]).normalized()
}

/// `L(q)`.
fn length<T: Real>(p: &Point<'_, T>, transmission: &Transmission) -> T {
    let (model, q) = (p.model, p.q);
    match transmission {
        Transmission::Coordinate { q_at, .. } => q[*q_at],
        Transmission::Ball { link, direction } => {
            Vec3::lit(*direction).dot(quaternion(model, *link, q).log())
        }
        Transmission::Free { .. } => T::lit(0.0),
        _ => transmission.course(model).map_or(T::lit(0.0), |course| p.routes.length[course]),
    }
}

/// Adds `l_bar dL/dq`.
fn pull_length(p: &Point<'_, f64>, transmission: &Transmission, l_bar: f64, q_bar: &mut [f64]) {
    match transmission {
        // log(q exp(d)) = log q + J_r(log q)^-1 d; the moment of a ball's actuator is not this derivative
        Transmission::Ball { link, direction } => {
            let at = p.model.links[*link].v_at;
            let angle = quaternion(p.model, *link, p.q).log();
            for k in 0..3 {
                let rate = Quat::exp_rate(angle, Vec3::unit(k));
                q_bar[at + k] += l_bar * Vec3(*direction).dot(rate);
            }
        }
        Transmission::Free { .. } => {}
        Transmission::Site(thrust) => {
            p.routes.slopes(p.model, *thrust).for_each(|(d, slope)| q_bar[d] += l_bar * slope);
        }
        _ => moments(p, transmission, |d, m| q_bar[d] += l_bar * m),
    }
}

/// Calls `f` with each coordinate that the transmission moves, and its moment.
pub(crate) fn moments<T: Real>(
    p: &Point<'_, T>,
    transmission: &Transmission,
    mut f: impl FnMut(usize, T),
) {
    match transmission {
        Transmission::Coordinate { dof, .. } => f(*dof, T::lit(1.0)),
        Transmission::Ball { link, direction } => {
            let at = p.model.links[*link].v_at;
            direction.iter().enumerate().for_each(|(k, m)| f(at + k, T::lit(*m)));
        }
        Transmission::Free { dof, direction } => {
            direction.iter().enumerate().for_each(|(k, m)| f(dof + k, T::lit(*m)));
        }
        _ => {
            let course = transmission.course(p.model);
            course.into_iter().for_each(|c| p.routes.parts(p.model, c).for_each(|(d, m)| f(d, m)));
        }
    }
}

/// One actuator at one point.
#[derive(Clone, Copy, Debug)]
struct At<T> {
    /// `L`, `m . v`.
    length: T,
    rate: T,
    control: T,
    gain: T,
    /// Before it is clamped.
    force: T,
}

fn at<T: Real>(p: &Point<'_, T>, k: usize) -> At<T> {
    let (actuator, gear) = (&p.model.actuators[k], p.parameters.gear[k]);
    let control = p.drive[k];
    let ([g0, g1, g2], [b0, b1, b2]) = (p.parameters.gain[k], p.parameters.bias[k]);
    if !actuator.servo {
        let zero = T::lit(0.0);
        return At { length: zero, rate: zero, control, gain: g0, force: g0 * control + b0 };
    }
    let mut length = length(p, &actuator.transmission);
    if actuator.wraps {
        // an angle about a fixed axis is known but for whole turns: the servo takes the one nearest to its control
        let turns = ((control / gear - length).concrete() / TAU).round();
        // without a gear it has no angle to take
        length += T::lit(if turns.is_finite() { turns * TAU } else { 0.0 });
    }
    let mut rate = T::lit(0.0);
    moments(p, &actuator.transmission, |d, m| rate += p.v[d] * m);
    let (l, w) = (length * gear, rate * gear);
    let gain = g0 + g1 * l + g2 * w;
    At { length, rate, control, gain, force: gain * control + b0 + b1 * l + b2 * w }
}

/// The force of each actuator: `nu` entries.
///
/// # Shapes
/// `u`, `forces`: `nu`.
pub fn actuator_forces<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    options: &StepOptions,
    (state, u): (&State<T>, &[T]),
    forces: &mut [T],
    s: &mut Scratch<T>,
) {
    follow(model, parameters, options, (&state.act, u), s);
    place_links(model, parameters, &state.q, s);
    lay(model, &state.q, s);
    let (drive, routes) = (&s.stages[0].drive, &s.routes);
    let point = Point { model, parameters, q: &state.q, v: &state.v, drive, routes };
    for (k, force) in forces.iter_mut().enumerate() {
        *force = clamp(model.actuators[k].force_range, at(&point, k).force);
    }
}

pub(super) fn add<T: Real>(p: &Point<'_, T>, tau: &mut [T]) {
    for (k, actuator) in p.model.actuators.iter().enumerate() {
        let force = geared_force(p, k);
        moments(p, &actuator.transmission, |d, m| tau[d] += force * m);
    }
    for joint in &p.model.joints {
        if joint.force_range.is_some() {
            tau[joint.v.0] = clamp(joint.force_range, tau[joint.v.0]);
        }
    }
}

/// How fast its force along the transmission falls with the velocity there; `None` where it does not depend on it, or is clamped.
pub(super) fn slope<T: Real>(p: &Point<'_, T>, k: usize) -> Option<T> {
    let actuator = &p.model.actuators[k];
    if !actuator.servo || is_clamped(p, k) {
        return None;
    }
    let (gear, control) = (p.parameters.gear[k], p.drive[k]);
    Some(-(gear * gear * (p.parameters.bias[k][2] + p.parameters.gain[k][2] * control)))
}

/// Whether the force is at an end of its range.
fn is_clamped<T: Real>(p: &Point<'_, T>, k: usize) -> bool {
    p.model.actuators[k].force_range.is_some_and(|[least, greatest]| {
        let force = at(p, k).force.concrete();
        force <= least || force >= greatest
    })
}

/// Adds the derivatives of `slope_bar` times [`slope`].
pub(super) fn pull_slope(p: &Point<'_, f64>, k: usize, slope_bar: f64, bars: &mut Bars<'_>) {
    if slope(p, k).is_none() {
        return;
    }
    let (gear, gain, control) = (p.parameters.gear[k], p.parameters.gain[k][2], p.drive[k]);
    let by = -slope_bar * gear * gear;
    bars.drive[k] += by * gain;
    if let Some(bar) = &mut bars.parameters {
        bar.gear[k] -= 2.0 * slope_bar * gear * (p.parameters.bias[k][2] + gain * control);
        bar.gain[k][2] += by * control;
        bar.bias[k][2] += by;
    }
}

/// Equal bits: a number that a range leaves alone.
fn passes(range: Option<[f64; 2]>, x: f64) -> bool {
    clamp(range, x).to_bits() == x.to_bits()
}

pub(super) fn pull(p: &Point<'_, f64>, tau_bar: &[f64], work: &mut [f64], bars: &mut Bars<'_>) {
    let model = p.model;
    work.copy_from_slice(tau_bar);
    if model.joints.iter().any(|j| j.force_range.is_some()) {
        pull_joint_limits(p, work);
    }
    for (k, actuator) in model.actuators.iter().enumerate() {
        let mut along = 0.0;
        moments(p, &actuator.transmission, |d, m| along += m * work[d]);
        if let Some(course) = actuator.transmission.course(model) {
            let force = geared_force(p, k);
            add_bars(model, course, bars.moments, |d| force * work[d]);
        }
        pull_geared(p, k, along, bars);
    }
}

/// The force of an actuator.
pub(crate) fn actuator_force<T: Real>(p: &Point<'_, T>, k: usize) -> T {
    clamp(p.model.actuators[k].force_range, at(p, k).force)
}

/// The force of an actuator times its gear: what its coordinate gets.
pub(crate) fn geared_force<T: Real>(p: &Point<'_, T>, k: usize) -> T {
    actuator_force(p, k) * p.parameters.gear[k]
}

/// Length and velocity of an actuator's transmission, gear included.
pub(crate) fn travel<T: Real>(p: &Point<'_, T>, k: usize) -> [T; 2] {
    let (transmission, gear) = (&p.model.actuators[k].transmission, p.parameters.gear[k]);
    let mut rate = T::lit(0.0);
    moments(p, transmission, |d, m| rate += p.v[d] * m);
    [length(p, transmission) * gear, rate * gear]
}

/// Adds the derivatives of `by . travel`.
pub(crate) fn pull_travel(p: &Point<'_, f64>, k: usize, by: [f64; 2], bars: &mut Bars<'_>) {
    let (transmission, gear) = (&p.model.actuators[k].transmission, p.parameters.gear[k]);
    let mut rate = 0.0;
    pull_length(p, transmission, gear * by[0], bars.q);
    let v_bar = &mut *bars.v;
    moments(p, transmission, |d, m| {
        rate += p.v[d] * m;
        v_bar[d] += gear * by[1] * m;
    });
    if let Some(course) = transmission.course(p.model) {
        add_bars(p.model, course, bars.moments, |d| gear * by[1] * p.v[d]);
    }
    if let Some(bar) = &mut bars.parameters {
        bar.gear[k] += by[0] * length(p, transmission) + by[1] * rate;
    }
}

/// Sum of the actuators' forces on each coordinate, within the ranges of its joints.
pub(crate) fn actuation<T: Real>(p: &Point<'_, T>) -> Vec<T> {
    let mut tau = vec![T::lit(0.0); p.model.nv()];
    add(p, &mut tau);
    tau
}

/// Adds the derivatives of `tau_bar . actuation`.
pub(crate) fn pull_actuation(p: &Point<'_, f64>, tau_bar: &[f64], bars: &mut Bars<'_>) {
    pull(p, tau_bar, &mut vec![0.0; tau_bar.len()], bars);
}

/// The derivative of [`geared_force`] by what drives it, within its range.
pub(crate) fn control_gain<T: Real>(p: &Point<'_, T>, k: usize) -> T {
    at(p, k).gain * p.parameters.gear[k]
}

/// Adds the derivatives of `geared_bar` times [`geared_force`].
pub(crate) fn pull_geared(p: &Point<'_, f64>, k: usize, geared_bar: f64, bars: &mut Bars<'_>) {
    pull_force(p, k, geared_bar * p.parameters.gear[k], bars);
    if let Some(bar) = &mut bars.parameters {
        bar.gear[k] += geared_bar * actuator_force(p, k);
    }
}

/// Adds the derivatives of `by` times [`actuator_force`].
pub(crate) fn pull_force(p: &Point<'_, f64>, k: usize, by: f64, bars: &mut Bars<'_>) {
    let (model, parameters) = (p.model, p.parameters);
    let (actuator, point, gear) = (&model.actuators[k], at(p, k), parameters.gear[k]);
    let force_bar = if passes(actuator.force_range, point.force) { by } else { 0.0 };
    bars.drive[k] += force_bar * point.gain;
    let mut gear_bar = 0.0;
    if actuator.servo {
        let ([_, g1, g2], [_, b1, b2]) = (parameters.gain[k], parameters.bias[k]);
        let l_bar = force_bar * (g1 * point.control + b1);
        let w_bar = force_bar * (g2 * point.control + b2);
        gear_bar = l_bar * point.length + w_bar * point.rate;
        pull_length(p, &actuator.transmission, gear * l_bar, bars.q);
        let v_bar = &mut *bars.v;
        moments(p, &actuator.transmission, |d, m| v_bar[d] += gear * w_bar * m);
        if let Some(course) = actuator.transmission.course(model) {
            add_bars(model, course, bars.moments, |d| gear * w_bar * p.v[d]);
        }
    }
    if let Some(bar) = &mut bars.parameters {
        bar.gear[k] += gear_bar;
        let by = [1.0, gear * point.length, gear * point.rate];
        for (i, x) in by.into_iter().enumerate().take(if actuator.servo { 3 } else { 1 }) {
            bar.gain[k][i] += force_bar * point.control * x;
            bar.bias[k][i] += force_bar * x;
        }
    }
}

/// Zero where the sum of a joint's actuators is clamped.
fn pull_joint_limits(p: &Point<'_, f64>, tau_bar: &mut [f64]) {
    for joint in p.model.joints.iter().filter(|j| j.force_range.is_some()) {
        let mut sum = 0.0;
        for (k, actuator) in p.model.actuators.iter().enumerate() {
            let mut moment = 0.0;
            moments(p, &actuator.transmission, |d, m| {
                moment += if d == joint.v.0 { m } else { 0.0 };
            });
            if moment != 0.0 {
                sum += moment * geared_force(p, k);
            }
        }
        if !passes(joint.force_range, sum) {
            tau_bar[joint.v.0] = 0.0;
        }
    }
}
