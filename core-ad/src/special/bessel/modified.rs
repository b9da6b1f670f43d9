//! `I_v(x)` by its series, whose terms are all positive, and `K_v(x)` by the trapezoidal rule on
//!
//! `K_v(x) = int_0^inf e^(-x cosh t) cosh(v t) dt`
//!
//! (DLMF 10.25.2 and 10.32.9), whose terms are as well: neither loses digits. The rule converges geometrically, for the integrand
//! is analytic in the strip `|Im t| < pi/2` (Trefethen & Weideman, *SIAM Review* 56, 385 (2014)).

use super::first_kind::{front, series};

/// `I_v(x)` for `x >= 0` and `v >= 0`.
pub(super) fn first(order: f64, x: f64) -> f64 {
    if x.is_nan() || x.is_infinite() {
        return x;
    }
    let sum = series(order, 0.25 * x * x);
    // a front that has underflowed comes before a sum that has overflowed
    match front(order, x) {
        0.0 => 0.0,
        front => front * sum,
    }
}

/// `K_v(x)` for `v >= 0`.
pub(super) fn second(order: f64, x: f64) -> f64 {
    if x.is_nan() || order.is_nan() || x < 0.0 || order.is_infinite() {
        return f64::NAN;
    }
    if x == 0.0 || x.is_infinite() {
        return if x == 0.0 { f64::INFINITY } else { 0.0 };
    }
    // the integrand is as wide as its logarithm is curved at its peak, where x sinh t = v
    let step = 0.6 / x.hypot(order).max(9.0).sqrt();
    let peak = (order / x).asinh();
    // e^x times the integrand, so that the exponent of a large x keeps its digits
    let term = |t: f64| {
        let fall = 2.0 * x * (0.5 * t).sinh().powi(2);
        0.5 * ((order * t - fall).exp() + (-order * t - fall).exp())
    };
    let mut sum = 0.5 * term(0.0);
    let mut t = step;
    loop {
        let next = term(t);
        sum += next;
        if t > peak && next <= 1e-18 * sum || !sum.is_finite() {
            return sum * step * (-x).exp();
        }
        t += step;
    }
}
