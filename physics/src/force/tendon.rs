//! Springs and dampers along fixed tendons, `l = sum c_j q_j`: `f = k (rest - l) - b l'` with a rest length or a range of them in
//! which the spring is slack; `tau_j = c_j f`.

use cotangent_ad::Real;

use super::{Bars, Point};
use crate::model::{Model, Parameters, Tendon};

/// How far a tendon is beyond its slack range, with the sign of the length.
fn stretch<T: Real>(tendon: &Tendon, length: T) -> T {
    let [least, greatest] = tendon.rest.map(T::lit);
    if length > greatest {
        length - greatest
    } else if length < least {
        length - least
    } else {
        T::lit(0.0)
    }
}

pub(super) fn add<T: Real>(p: &Point<'_, T>, tau: &mut [T]) {
    for (k, tendon) in p.model.tendons.iter().enumerate() {
        let stretch = stretch(tendon, tendon.length(p.q));
        let force = p.parameters.tendon_stiffness[k] * stretch
            + p.parameters.tendon_damping[k] * tendon.rate(p.v);
        tendon.parts.iter().for_each(|part| tau[part.dof] -= force * part.coefficient);
    }
}

pub(super) fn pull(p: &Point<'_, f64>, tau_bar: &[f64], bars: &mut Bars<'_>) {
    for (k, tendon) in p.model.tendons.iter().enumerate() {
        let force_bar: f64 =
            tendon.parts.iter().map(|part| -part.coefficient * tau_bar[part.dof]).sum();
        let stretch = stretch(tendon, tendon.length(p.q));
        let taut = if stretch == 0.0 { 0.0 } else { p.parameters.tendon_stiffness[k] };
        for part in &tendon.parts {
            bars.q[part.dof] += force_bar * taut * part.coefficient;
            bars.v[part.dof] += force_bar * p.parameters.tendon_damping[k] * part.coefficient;
        }
        if let Some(parameters) = &mut bars.parameters {
            parameters.tendon_stiffness[k] += force_bar * stretch;
            parameters.tendon_damping[k] += force_bar * tendon.rate(p.v);
        }
    }
}

/// Energy of the tendons' springs, J.
pub(super) fn energy<T: Real>(model: &Model, parameters: &Parameters<T>, q: &[T]) -> T {
    let mut sum = T::lit(0.0);
    for (k, tendon) in model.tendons.iter().enumerate() {
        let stretch = stretch(tendon, tendon.length(q));
        sum += parameters.tendon_stiffness[k] * stretch * stretch * 0.5;
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
    for (k, tendon) in model.tendons.iter().enumerate() {
        let stretch = stretch(tendon, tendon.length(q));
        let force = energy_bar * parameters.tendon_stiffness[k] * stretch;
        tendon.parts.iter().for_each(|part| q_bar[part.dof] += force * part.coefficient);
        parameters_bar.tendon_stiffness[k] += energy_bar * stretch * stretch * 0.5;
    }
}
