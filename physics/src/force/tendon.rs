//! Springs and dampers along tendons of length `l` and moments `m`: `f = k (rest - l) - b m . v` with a rest length or a range of them in
//! which the spring is slack; `tau = m f`.

use cotangent_ad::Real;

use super::{Bars, Point};
use crate::model::{Model, Parameters, Tendon};
use crate::routes::{Routes, add_bars};

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
        let stretch = stretch(tendon, p.routes.length[k]);
        let force = p.parameters.tendon_stiffness[k] * stretch
            + p.parameters.tendon_damping[k] * p.routes.rate(p.model, k, p.v);
        p.routes.parts(p.model, k).for_each(|(d, m)| tau[d] -= force * m);
    }
}

pub(super) fn pull(p: &Point<'_, f64>, tau_bar: &[f64], bars: &mut Bars<'_>) {
    for (k, tendon) in p.model.tendons.iter().enumerate() {
        let (stiffness, damping) =
            (p.parameters.tendon_stiffness[k], p.parameters.tendon_damping[k]);
        let force_bar: f64 = p.routes.parts(p.model, k).map(|(d, m)| -m * tau_bar[d]).sum();
        let stretch = stretch(tendon, p.routes.length[k]);
        let rate = p.routes.rate(p.model, k, p.v);
        let taut = if stretch == 0.0 { 0.0 } else { stiffness };
        for (d, m) in p.routes.parts(p.model, k) {
            bars.q[d] += force_bar * taut * m;
            bars.v[d] += force_bar * damping * m;
        }
        let force = stiffness * stretch + damping * rate;
        let by_moment = |d: usize| force_bar * damping * p.v[d] - force * tau_bar[d];
        add_bars(p.model, k, bars.moments, by_moment);
        if let Some(parameters) = &mut bars.parameters {
            parameters.tendon_stiffness[k] += force_bar * stretch;
            parameters.tendon_damping[k] += force_bar * rate;
        }
    }
}

/// Energy of the tendons' springs, J.
pub(super) fn energy<T: Real>(model: &Model, parameters: &Parameters<T>, routes: &Routes<T>) -> T {
    let mut sum = T::lit(0.0);
    for (k, tendon) in model.tendons.iter().enumerate() {
        let stretch = stretch(tendon, routes.length[k]);
        sum += parameters.tendon_stiffness[k] * stretch * stretch * 0.5;
    }
    sum
}

/// Adds the derivatives of `energy_bar` times [`energy`].
pub(super) fn pull_energy(
    model: &Model,
    parameters: &Parameters<f64>,
    routes: &Routes<f64>,
    energy_bar: f64,
    (q_bar, parameters_bar): (&mut [f64], &mut Parameters<f64>),
) {
    for (k, tendon) in model.tendons.iter().enumerate() {
        let stretch = stretch(tendon, routes.length[k]);
        let force = energy_bar * parameters.tendon_stiffness[k] * stretch;
        routes.parts(model, k).for_each(|(d, m)| q_bar[d] += force * m);
        parameters_bar.tendon_stiffness[k] += energy_bar * stretch * stretch * 0.5;
    }
}
