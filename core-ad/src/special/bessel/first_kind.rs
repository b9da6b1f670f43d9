//! `J_v(x)` for `x >= 0` and `v >= 0`: its series where no terms cancel, Hankel's expansion far out, and Steed's method between.
//!
//! Barnett, "The evaluation of spherical Bessel and Coulomb functions" (1996), and Temme, *J. Comput. Phys.* 19, 324 (1975): two continued
//! fractions and the Wronskian. Expansions: DLMF 10.2.2 and 10.17.3.

use std::f64::consts::{E, PI};

use crate::special::gamma::{LARGE, stirling_correction};

/// Terms of a continued fraction at most: the first takes some `x` of them.
const TERMS: usize = 1_000_000;
/// Stands for a zero denominator in Lentz's method.
const TINY: f64 = 1e-300;
/// A recurrence that grows beyond this is scaled down.
const HUGE: f64 = 1e250;

/// `J_v(x)`; NaN where a fraction has not converged.
pub(super) fn value(order: f64, x: f64) -> f64 {
    if x.is_nan() {
        x
    } else if x.is_infinite() {
        0.0
    } else if x * x <= 4.0 * (order + 1.0) {
        front(order, x) * series(order, -0.25 * x * x)
    } else if x >= 30.0 && x >= order * order {
        hankel(order, x)
    } else {
        steed(order, x)
    }
}

/// `(x/2)^v / Gamma(v + 1)`; for large `v` the powers are taken together, `(e x / 2 v)^v / sqrt(2 pi v)` over Stirling's correction.
pub(super) fn front(order: f64, x: f64) -> f64 {
    if order < LARGE {
        return (0.5 * x).powf(order) / libm::tgamma(order + 1.0);
    }
    let powers = (E * x / (2.0 * order)).powf(order);
    powers / ((2.0 * PI * order).sqrt() * stirling_correction(order).exp())
}

/// `sum_k z^k / (k! (v + 1) ... (v + k))`.
pub(super) fn series(order: f64, z: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..TERMS {
        let k = k as f64;
        term *= z / (k * (order + k));
        sum += term;
        if f64::abs(term) <= 1e-17 * f64::abs(sum) {
            break;
        }
    }
    sum
}

/// `sqrt(2 / pi x) (P cos w - Q sin w)`, `w = x - (v/2 + 1/4) pi`, for `x >= v^2`.
fn hankel(order: f64, x: f64) -> f64 {
    let square = 4.0 * order * order;
    let (mut even, mut odd, mut term) = (0.0, 0.0, 1.0);
    for k in 0..60_u32 {
        // real parts of i^k are + 0 - 0, imaginary ones 0 + 0 -
        let signed: f64 = if k % 4 < 2 { term } else { -term };
        let sum = if k % 2 == 0 { &mut even } else { &mut odd };
        *sum += signed;
        let n = f64::from(2 * k + 1);
        let next = term * (square - n * n) / (8.0 * f64::from(k + 1) * x);
        // an asymptotic expansion: its least term is far below rounding here
        if next.abs() < 1e-18 || next.abs() > f64::abs(term) {
            break;
        }
        term = next;
    }
    let (sin, cos) = x.sin_cos();
    let (lag_sin, lag_cos) = ((0.5 * order + 0.25) * PI).sin_cos();
    let (cos_w, sin_w) = (cos * lag_cos + sin * lag_sin, sin * lag_cos - cos * lag_sin);
    (2.0 / (PI * x)).sqrt() * (even * cos_w - odd * sin_w)
}

/// `J_v'/J_v` and the sign of `J_v`, by the fraction of the three-term recurrence.
fn first_fraction(order: f64, x: f64) -> Option<(f64, f64)> {
    let guarded = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut value = guarded(order / x);
    let (mut c, mut d, mut sign) = (value, 0.0, 1.0);
    for k in 1..TERMS {
        let b = 2.0 * (order + k as f64) / x;
        d = guarded(b - d).recip();
        c = guarded(b - 1.0 / c);
        value *= c * d;
        if d < 0.0 {
            sign = -sign;
        }
        if (c * d - 1.0).abs() < f64::EPSILON {
            return Some((value, sign));
        }
    }
    None
}

type Complex = [f64; 2];

fn product([a, b]: Complex, [c, d]: Complex) -> Complex {
    [a * c - b * d, a * d + b * c]
}

fn reciprocal([a, b]: Complex) -> Complex {
    let square = a * a + b * b;
    [a / square, -b / square]
}

/// `p + i q = H'/H` of Hankel's function `H = J + i Y` of order `v`, for `x >= 2`.
fn second_fraction(order: f64, x: f64) -> Option<Complex> {
    // its square is a number still
    let tiny = [1e-100, 0.0];
    let (mut value, mut c, mut d) = (tiny, tiny, [0.0; 2]);
    for k in 1..TERMS {
        let k = k as f64;
        let a = (k - 0.5) * (k - 0.5) - order * order;
        let b = [2.0 * x, 2.0 * k];
        d = reciprocal([b[0] + a * d[0], b[1] + a * d[1]]);
        let inverse = reciprocal(c);
        c = [b[0] + a * inverse[0], b[1] + a * inverse[1]];
        let ratio = product(c, d);
        value = product(value, ratio);
        if (ratio[0] - 1.0).abs() + ratio[1].abs() < f64::EPSILON {
            // -1 / 2 x + i + i / x times the fraction
            return Some([-0.5 / x - value[1] / x, 1.0 + value[0] / x]);
        }
    }
    None
}

/// By the logarithmic derivatives of `J` and of `J + i Y`: the first at `v`, carried by the recurrence, which is stable downwards, to
/// an order `m` at which `x` is beyond the turning point, the second there.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the order")]
fn steed(order: f64, x: f64) -> f64 {
    let steps = (order - x + 1.5).floor().max(0.0) as usize;
    let least = order - steps as f64;
    let (Some((slope, sign)), Some([p, q])) = (first_fraction(order, x), second_fraction(least, x))
    else {
        return f64::NAN;
    };
    let (mut at_order, mut at) = (sign, sign);
    let mut at_slope = slope * sign;
    for step in 0..steps {
        // each order anew: as a running difference it would lose a digit in a hundred steps
        let here = order - step as f64;
        let below = here / x * at + at_slope;
        at_slope = (here - 1.0) / x * below - at;
        at = below;
        if at.abs() > HUGE {
            [at_order, at, at_slope] = [at_order, at, at_slope].map(|v| v / HUGE);
        }
    }
    if at == 0.0 {
        at = f64::EPSILON * at_slope.abs();
    }
    let f = at_slope / at;
    let gamma = (p - f) / q;
    // the Wronskian 2 / pi x gives the size
    let size = (2.0 / (PI * x) / ((p - f) * gamma + q)).sqrt();
    size.copysign(at) * (at_order / at)
}
