//! Inverses of the error functions, by Halley's method on libm's.

use std::f64::consts::{FRAC_2_SQRT_PI, SQRT_2};

use crate::real::Real;
use crate::rule::Rule;

/// The inverse of `erf`, or of `1 - erf`.
#[derive(Clone, Debug)]
struct InverseErf {
    complement: bool,
}

/// `x` with `erf x = y`, for `|y| <= 1/2`.
fn near_zero(y: f64) -> f64 {
    let step = |x: f64| {
        let off = libm::erf(x) - y;
        let slope = FRAC_2_SQRT_PI * (-x * x).exp();
        x - off / (slope + x * off)
    };
    (0..4).fold(y / FRAC_2_SQRT_PI, |x, _| step(x))
}

/// `x` with `erfc x = q`, for `q < 1/2`; the first guess is that of Abramowitz & Stegun 26.2.22.
fn in_the_tail(q: f64) -> f64 {
    if q <= 0.0 || q.is_nan() {
        return if q == 0.0 { f64::INFINITY } else { f64::NAN };
    }
    let t = (-2.0 * (0.5 * q).ln()).sqrt();
    let guess = (t - (2.307_53 + 0.270_61 * t) / (1.0 + t * (0.992_29 + 0.044_81 * t))) / SQRT_2;
    let step = |x: f64| {
        // relative, so that nothing underflows before q does
        let off = libm::erfc(x) / q - 1.0;
        let slope = -FRAC_2_SQRT_PI * ((-x * x).exp() / q);
        if slope == 0.0 { x } else { x - off / (slope + x * off) }
    };
    (0..4).fold(guess, |x, _| step(x))
}

impl Rule<1, 1> for InverseErf {
    fn primal(&self, [y]: [f64; 1]) -> [f64; 1] {
        let (rest, centred) = if self.complement { (y, 1.0 - y) } else { (1.0 - y, y) };
        let beyond = if self.complement { 2.0 - y } else { 1.0 + y };
        [match centred {
            c if c.abs() <= 0.5 => near_zero(c),
            c if c > 0.0 => in_the_tail(rest),
            _ => -in_the_tail(beyond),
        }]
    }
    /// `sqrt(pi)/2 exp(x^2)` of the value `x`.
    fn jvp<R: Real>(&self, _: [R; 1], [x]: [R; 1], [y_dot]: [R; 1]) -> [R; 1] {
        let slope = if self.complement { -FRAC_2_SQRT_PI } else { FRAC_2_SQRT_PI };
        [(x * x).exp() * slope.recip() * y_dot]
    }
    fn vjp<R: Real>(&self, x: [R; 1], y: [R; 1], y_bar: [R; 1]) -> [R; 1] {
        self.jvp(x, y, y_bar)
    }
}

/// `x` with `erf x = y`; infinite at `+-1`, NaN beyond, and so is its derivative.
#[track_caller]
pub fn erf_inv<R: Real>(y: R) -> R {
    R::rule(&InverseErf { complement: false }, [y])[0]
}

/// `x` with `erfc x = y`, with full relative accuracy for small `y`; infinite at 0 and 2, NaN beyond.
#[track_caller]
pub fn erfc_inv<R: Real>(y: R) -> R {
    R::rule(&InverseErf { complement: true }, [y])[0]
}

/// The quantile of the standard normal: the inverse of [`normal_cdf`](super::normal_cdf).
#[track_caller]
pub fn normal_quantile<R: Real>(p: R) -> R {
    erfc_inv(p * 2.0) * -SQRT_2
}
