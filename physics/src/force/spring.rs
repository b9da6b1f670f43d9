//! Springs of coordinates: `tau = -(k x + k1 x^2 + k2 x^3)` with the stretch `x = q - rest`; of a ball `tau = -k log(q_0^-1 q)` in
//! body axes, `q_0` its rotation where the model was described.

use cotangent_ad::{Quat, Real, Vec3};

use super::{Bars, Point};
use crate::model::{JointKind, Link, Model, Parameters};

/// `log(q_0^-1 q)` of a ball.
fn turn<T: Real>(model: &Model, link: &Link, q: &[T]) -> Vec3<T> {
    let at = link.q_at;
    let rest = Quat([0, 1, 2, 3].map(|k| T::lit(model.q0[at + k]))).normalized();
    (rest.conjugate() * Quat([q[at], q[at + 1], q[at + 2], q[at + 3]]).normalized()).log()
}

pub(super) fn add<T: Real>(p: &Point<'_, T>, tau: &mut [T]) {
    for link in &p.model.links {
        let at = link.v_at;
        if link.joint == JointKind::Ball {
            if link.spring {
                let turn = turn(p.model, link, p.q);
                (0..3).for_each(|k| tau[at + k] -= p.parameters.stiffness[at + k] * turn[k]);
            }
            continue;
        }
        for k in 0..link.joint.nv() {
            let stretch = p.q[link.q_at + k] - p.parameters.rest[at + k];
            tau[at + k] -= p.parameters.stiffness[at + k] * stretch;
            if p.model.has_polynomial_stiffness {
                let [k1, k2] = p.parameters.stiffness_poly[at + k];
                tau[at + k] -= (k1 + k2 * stretch) * stretch * stretch;
            }
        }
    }
}

pub(super) fn pull(p: &Point<'_, f64>, tau_bar: &[f64], bars: &mut Bars<'_>) {
    for link in &p.model.links {
        let at = link.v_at;
        if link.joint == JointKind::Ball {
            if link.spring {
                pull_ball(p, link, &tau_bar[at..at + 3], bars);
            }
            continue;
        }
        for d in at..at + link.joint.nv() {
            let stretch = p.q[link.q_at + d - at] - p.parameters.rest[d];
            let [k1, k2] = p.parameters.stiffness_poly[d];
            let slope = p.parameters.stiffness[d] + (2.0 * k1 + 3.0 * k2 * stretch) * stretch;
            bars.q[d] -= tau_bar[d] * slope;
            if let Some(parameters) = &mut bars.parameters {
                parameters.stiffness[d] -= tau_bar[d] * stretch;
                parameters.rest[d] += tau_bar[d] * slope;
                if p.model.has_polynomial_stiffness {
                    parameters.stiffness_poly[d][0] -= tau_bar[d] * stretch.powi(2);
                    parameters.stiffness_poly[d][1] -= tau_bar[d] * stretch.powi(3);
                }
            }
        }
    }
}

/// `d log(q_0^-1 q exp(e)) = J_r(turn)^-1 e`.
fn pull_ball(p: &Point<'_, f64>, link: &Link, tau_bar: &[f64], bars: &mut Bars<'_>) {
    let (at, turn) = (link.v_at, turn(p.model, link, p.q));
    for k in 0..3 {
        let rate = Quat::exp_rate(turn, Vec3::unit(k));
        for d in 0..3 {
            bars.q[at + k] -= tau_bar[d] * p.parameters.stiffness[at + d] * rate[d];
        }
        if let Some(parameters) = &mut bars.parameters {
            parameters.stiffness[at + k] -= tau_bar[k] * turn[k];
        }
    }
}

/// Energy of the springs, J.
pub(super) fn energy<T: Real>(model: &Model, parameters: &Parameters<T>, q: &[T]) -> T {
    let mut sum = T::lit(0.0);
    for link in &model.links {
        let at = link.v_at;
        if link.joint == JointKind::Ball {
            if link.spring {
                let turn = turn(model, link, q);
                (0..3).for_each(|k| sum += parameters.stiffness[at + k] * turn[k] * turn[k] * 0.5);
            }
            continue;
        }
        for k in 0..link.joint.nv() {
            let x = q[link.q_at + k] - parameters.rest[at + k];
            let [k1, k2] = parameters.stiffness_poly[at + k];
            let polynomial = k1 * x * (1.0 / 3.0) + k2 * x * x * 0.25;
            sum += (parameters.stiffness[at + k] * 0.5 + polynomial) * x * x;
        }
    }
    sum
}

/// Adds the derivatives of `energy_bar` times [`energy`].
pub(super) fn pull_energy(
    model: &Model,
    parameters: &Parameters<f64>,
    q: &[f64],
    energy_bar: f64,
    (q_bar, parameters_bar): (&mut [f64], &mut Parameters<f64>),
) {
    for link in &model.links {
        let at = link.v_at;
        if link.joint == JointKind::Ball {
            if link.spring {
                let turn = turn(model, link, q);
                let stiffness = &parameters.stiffness[at..at + 3];
                for k in 0..3 {
                    let rate = Quat::exp_rate(turn, Vec3::unit(k));
                    let slope: f64 = (0..3).map(|d| stiffness[d] * turn[d] * rate[d]).sum();
                    q_bar[at + k] += energy_bar * slope;
                    parameters_bar.stiffness[at + k] += energy_bar * 0.5 * turn[k] * turn[k];
                }
            }
            continue;
        }
        for d in at..at + link.joint.nv() {
            let x = q[link.q_at + d - at] - parameters.rest[d];
            let [k1, k2] = parameters.stiffness_poly[d];
            let force = energy_bar * (parameters.stiffness[d] + (k1 + k2 * x) * x) * x;
            q_bar[d] += force;
            parameters_bar.rest[d] -= force;
            parameters_bar.stiffness[d] += energy_bar * 0.5 * x * x;
            parameters_bar.stiffness_poly[d][0] += energy_bar * x.powi(3) / 3.0;
            parameters_bar.stiffness_poly[d][1] += energy_bar * x.powi(4) / 4.0;
        }
    }
}
