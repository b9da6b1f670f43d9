//! Damping of coordinates: `tau = -(b v + b1 |v| v + b2 v^3)` (MuJoCo's polynomial; mostly `b1 = b2 = 0`).

use cotangent_ad::Real;

use super::{Bars, Point};
use crate::model::{Model, Parameters};

pub(super) fn add<T: Real>(p: &Point<'_, T>, tau: &mut [T]) {
    for (d, tau) in tau.iter_mut().enumerate() {
        *tau -= p.parameters.damping[d] * p.v[d];
    }
    for d in p.model.polynomial_damping() {
        let ([b1, b2], v) = (p.parameters.damping_poly[d], p.v[d]);
        tau[d] -= (b1 * v.abs() + b2 * v * v) * v;
    }
}

/// `-d tau/dv` of a coordinate: what an implicit step adds to the mass matrix, times its length.
#[inline]
pub(crate) fn slope<T: Real>(model: &Model, parameters: &Parameters<T>, d: usize, v: T) -> T {
    let b = parameters.damping[d];
    if !model.has_polynomial_damping {
        return b;
    }
    let [b1, b2] = parameters.damping_poly[d];
    b + b1 * v.abs() * 2.0 + b2 * v * v * 3.0
}

pub(super) fn pull(p: &Point<'_, f64>, tau_bar: &[f64], bars: &mut Bars<'_>) {
    for (d, bar) in tau_bar.iter().enumerate() {
        let v = p.v[d];
        bars.v[d] -= bar * slope(p.model, p.parameters, d, v);
        if let Some(parameters) = &mut bars.parameters {
            parameters.damping[d] -= bar * v;
            if p.model.has_polynomial_damping {
                parameters.damping_poly[d][0] -= bar * v.abs() * v;
                parameters.damping_poly[d][1] -= bar * v.powi(3);
            }
        }
    }
}

/// Adds the derivatives of `-h sum_d tau_bar_d slope_d(v) a_d`, the rest of a step that is implicit in the damping.
pub(crate) fn implicit_pull(
    p: &Point<'_, f64>,
    (h, a): (f64, &[f64]),
    tau_bar: &[f64],
    bars: &mut Bars<'_>,
) {
    for (d, bar) in tau_bar.iter().enumerate() {
        let (scale, v) = (bar * h * a[d], p.v[d]);
        if let Some(parameters) = &mut bars.parameters {
            parameters.damping[d] -= scale;
        }
        if p.model.has_polynomial_damping {
            let [b1, b2] = p.parameters.damping_poly[d];
            let side = if v > 0.0 {
                1.0
            } else if v < 0.0 {
                -1.0
            } else {
                0.0
            };
            bars.v[d] -= scale * (2.0 * b1 * side + 6.0 * b2 * v);
            if let Some(parameters) = &mut bars.parameters {
                parameters.damping_poly[d][0] -= scale * 2.0 * v.abs();
                parameters.damping_poly[d][1] -= scale * 3.0 * v * v;
            }
        }
    }
}
